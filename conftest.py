"""Tests and notebooks are about the built-in paintings, whatever this shell says, and never use a network."""

import os
from pathlib import Path
from typing import Any

import pytest

# Two notebooks side by side are long ones, and none waits for a model that the other trains.
NOTEBOOKS = ("03", "06", "05", "07", "04", "12", "14", "08", "09", "10", "11", "01", "13", "02", "00")

for variable in [name for name in os.environ if name.startswith("ARTNB_") and name != "ARTNB_HOME"]:
    del os.environ[variable]
os.environ["ARTNB_WEIGHTS"] = "packaged"
os.environ["TQDM_DISABLE"] = "1"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Several processes share the processor; more threads would only get in each other's way.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first, so that none of several processes is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(path: Path) -> tuple[bool, int, bool]:
        number = path.name[:2]
        return (
            "browser" not in path.parts,
            NOTEBOOKS.index(number) if number in NOTEBOOKS else len(NOTEBOOKS),
            path not in slow,
        )

    items.sort(key=lambda item: place(item.path))


@pytest.hookimpl(optionalhook=True)  # there is none without pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Each file's tests in one process, and all of the browser's in one, as their pages have kernels of their own.

    Not by pytest-xdist's own groups: its version 3.8 does not see them under pytest 9.2.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByFile(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "tests/browser" if file.startswith("tests/browser/") else file

    return ByFile(config, log)
