"""The server's limits and settings; tests/browser/test_strangers.py sends it requests."""

import socket

import nbformat
import pytest
from traitlets.config import Config

from artnb.widgets import door, kernels, server
from tests.conftest import LATE

GB = 1024**3


@pytest.mark.parametrize(("free", "number"), [(0, 1), (2 * GB, 1), (5 * GB, 1), (8 * GB, 3), (24 * GB, 12)])
def test_the_memory_limits_the_number_of_kernels(free, number):
    assert kernels.kernels_for(free) == number


def test_the_memory_limit_of_a_container_counts(monkeypatch):
    texts = {
        "memory.max": f"{4 * GB}\n",
        "memory.current": f"{2 * GB}\n",
        "memory.stat": f"anon 5\ninactive_file {GB}\n",
    }
    monkeypatch.setattr(kernels.Path, "read_text", lambda file: texts[file.name])
    assert kernels.free_memory() == 3 * GB
    texts["memory.max"] = "max\n"
    assert kernels.free_memory() == pytest.approx(kernels.psutil.virtual_memory().available, rel=0.2)


def test_a_server_for_this_machine_has_three_names():
    assert door.own_names("127.0.0.1") == {"127.0.0.1", "::1", "localhost"}


def test_a_server_for_others_has_the_names_that_it_was_given():
    names = door.own_names("0.0.0.0", ["Paintings.example"])
    assert {"paintings.example", "localhost", socket.gethostname().lower()} <= names and "0.0.0.0" not in names
    assert "192.0.2.7" in door.own_names("192.0.2.7")


@pytest.mark.parametrize(
    ("ip", "mine"),
    [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("", False),
     ("::", False), ("192.0.2.7", False), ("paintings.example", False)],
)  # fmt: skip
def test_a_token_is_required_except_on_loopback(ip, mine):
    assert door.is_loopback(ip) is mine
    assert server.server_config(ip, 1, True)["Voila"]["auto_token"] is not mine
    assert server.server_config(ip, 1, True, token=False)["Voila"]["auto_token"] is False


def test_a_budget_is_refilled(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(kernels.time, "monotonic", lambda: now[0])
    budget = kernels.Budget(10, 5)
    assert budget.take(10) and not budget.take(1)
    now[0] = 1.0
    assert budget.take(2) and not budget.take(1)
    now[0] = 100.0
    assert budget.take(10) and not budget.take(0.1)


@pytest.mark.slow
def test_a_page_waits_for_outputs_that_come_late():
    execute = pytest.importorskip("voila.execute")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LATE)])
    config = Config(server.server_config("127.0.0.1", 8866, preheat=False))
    execute.VoilaExecutor(notebook, config=config, kernel_name="python3").execute(notebook, {})
    assert notebook.cells[0].outputs[0].text == "late\n"
