"""The wheel, installed into an empty environment outside the checkout: `make test-wheel`, which `.ci/run` calls.

Not collected by `make test`, because it installs two gigabytes.
"""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.browser import gallery as galleries
from tests.browser.raw import client, find, get, open_page
from tests.conftest import CHECKOUT
from tests.test_packaging import conda_packages

MEGABYTES = 70
PAINTING = CHECKOUT / "artnb/widgets/paintings/Maud_Ashgrove.jpg"
OPTIONAL = ("jupyterlab", "voila", "keras_tuner", "mlflow", "statsmodels", "kagglehub", "matplotlib", "tf2onnx")


def run(*command, **environment) -> subprocess.CompletedProcess:
    """A command outside the checkout; none of this shell's settings reach it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ARTNB_", "PYTHON", "PYTEST"))}
    return subprocess.run(
        list(map(str, command)), capture_output=True, text=True, cwd="/", env=kept | environment, timeout=900
    )


class Environment:
    """An environment of its own, with packages of the tested versions."""

    def __init__(self, folder: Path, home: Path):
        self.folder, self.home = folder, home
        self.bin = folder / ("Scripts" if os.name == "nt" else "bin")
        self._uv("venv", "--quiet", "--python", sys.executable, folder)

    def install(self, *packages) -> None:
        lock = CHECKOUT / "requirements.lock"
        self._uv("pip", "install", "--quiet", "--python", self.bin / "python", "--constraint", lock, *packages)

    def artnb(self, *arguments) -> subprocess.CompletedProcess:
        settings = {"ARTNB_HOME": str(self.home), "ARTNB_WEIGHTS": "packaged", "TF_CPP_MIN_LOG_LEVEL": "3"}
        return run(self.bin / "artnb", *arguments, **settings)

    @staticmethod
    def _uv(*arguments) -> None:
        done = run(sys.executable, "-m", "uv", *arguments)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built as a stranger would: the source archive from the checkout, and the wheel from that."""
    folder = tmp_path_factory.mktemp("dist")
    Environment._uv("build", "--quiet", "--python", sys.executable, "--out-dir", folder, CHECKOUT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def core(wheel, tmp_path_factory):
    """The wheel alone."""
    environment = Environment(tmp_path_factory.mktemp("core") / "venv", tmp_path_factory.mktemp("home"))
    environment.install(wheel)
    return environment


@pytest.fixture(scope="module")
def full(core, wheel):
    """The same environment, with what its own sentences say is missing."""
    core.install(f"artnb[course,pages] @ {wheel.as_uri()}")
    return core


def test_condas_packages_can_be_installed_together(tmp_path):
    (tmp_path / "conda.txt").write_text("\n".join(conda_packages()).replace("-r ", f"-r {CHECKOUT}/"))
    empty = Environment(tmp_path / "venv", tmp_path)
    empty._uv("pip", "install", "--quiet", "--dry-run", "--python", empty.bin / "python", "-r", tmp_path / "conda.txt")


def test_the_wheel_has_what_it_needs_and_nothing_else(wheel):
    assert wheel.stat().st_size <= MEGABYTES * 1e6
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        notebooks = {name for name in names if name.startswith("artnb/notebooks/") and name.endswith(".ipynb")}
        for name in notebooks:
            for cell in json.loads(archive.read(name))["cells"]:
                assert not cell.get("outputs") and cell.get("execution_count") is None, name
    assert {Path(name).name for name in notebooks} == {path.name for path in (CHECKOUT / "notebooks").glob("*.ipynb")}
    listed = run("git", "-C", CHECKOUT, "-c", "core.quotepath=off", "ls-files", "artnb")
    tracked = {name for name in listed.stdout.splitlines() if (CHECKOUT / name).is_file()}
    drawings = {f"artnb/notebooks/figures/{path.name}" for path in (CHECKOUT / "notebooks/figures").iterdir()}
    results = {f"artnb/recorded_results/{path.name}" for path in (CHECKOUT / "data/results").iterdir()}
    about = {name for name in names if name.split("/")[0].endswith(".dist-info")}
    assert names - about == tracked | notebooks | drawings | results | {"artnb/paintings/artists.csv"}
    assert {"artnb/py.typed", "artnb/starters/starter/card.json", "artnb/widgets/apps/monet.ipynb"} <= names
    assert not [name for name in names if "tests/" in name or "__pycache__" in name]


def test_alone_it_names_painters_paints_and_trains(core, tmp_path):
    named = core.artnb("predict", "starter", PAINTING)
    assert named.returncode == 0 and "%" in named.stdout, named.stderr
    machine = core.artnb("doctor")
    assert machine.returncode == 0 and "studio" in machine.stdout and "as they shipped" not in machine.stdout, machine
    painted = core.artnb("monet", "starter-monet", PAINTING, "-o", tmp_path / "monet")
    assert painted.returncode == 0 and list(tmp_path.rglob("*monet*.png")), painted.stderr
    trained = core.artnb("train", "cnn", "--epochs", "1", "-o", tmp_path / "cnn")
    assert trained.returncode == 0 and (tmp_path / "cnn/card.json").is_file(), trained.stderr
    found = run(core.bin / "python", "-c", f"from importlib.util import find_spec as f; print(*map(f, {OPTIONAL}))")
    assert set(found.stdout.split()) == {"None"}, found


def test_alone_it_says_what_the_rest_needs(core, tmp_path):
    for arguments, package in ((["demo"], '"voila>='), (["course", "open", tmp_path / "course"], '"jupyterlab>=')):
        done = core.artnb(*arguments)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert package in done.stderr.partition("install it with: pip install ")[2]
        assert '"artnb' not in done.stderr, "no index has artnb"
    assert not (tmp_path / "course").exists()


def test_its_pages_are_served(full, tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith(("PYTHON", "PYTEST"))]:
        monkeypatch.delenv(name)
    with galleries.serve(tmp_path, "--cold", "--kernels=1", command=[full.bin / "artnb"]) as gallery:
        status, _, text = get(gallery)
        assert status == 200 and "Pages to play with" in text
        with client(gallery, open_page(gallery, "who_painted_this")) as visitor:
            assert find(visitor.states(), "Button", "Who painted this?")


def test_its_notebooks_are_opened_and_run_there(full, tmp_path):
    done = full.artnb("course", "open", tmp_path / "course")
    assert done.returncode == 0 and "jupyter lab" in done.stdout, done.stderr
    first = tmp_path / "course/00_two_questions.ipynb"
    written = first.read_bytes()
    again = full.artnb("course", "open", tmp_path / "course")
    assert again.returncode == 1 and "exists already" in again.stderr and first.read_bytes() == written
    notebook = nbformat.read(first, as_version=4)
    here = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "ARTNB_"))}
    kernel = NotebookClient(notebook, timeout=600, resources={"metadata": {"path": tmp_path / "course"}})
    kernel.create_kernel_manager()
    kernel.km.kernel_spec.argv[0] = str(full.bin / "python")
    kernel.execute(env=here | {"ARTNB_HOME": str(full.home), "ARTNB_WEIGHTS": "packaged"})
    assert "artnb" in str(notebook.cells)
    saved = full.artnb("course", "save", "00")
    assert saved.returncode == 1 and "artnb course open DIR" in saved.stderr
