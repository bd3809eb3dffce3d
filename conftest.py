"""Tests and notebooks are about the built-in paintings, whatever this shell says, and never use a network."""

import os
from pathlib import Path

import pytest

# Two notebooks side by side are long ones, and none waits for a model that the other trains.
NOTEBOOKS = ("03", "05", "04", "06", "10", "12", "07", "08", "09", "01", "11", "02", "00")

for variable in [name for name in os.environ if name.startswith("ARTNB_") and name != "ARTNB_HOME"]:
    del os.environ[variable]
os.environ["ARTNB_WEIGHTS"] = "packaged"
os.environ["TQDM_DISABLE"] = "1"
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Several processes share the processor; more threads would only get in each other's way.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests stay in one process, and those of the pages, which have kernels of their own, all in one.

    Files that take long come first, so that none of several processes is left alone with one at the end.
    """
    slow = {item.path for item in items if item.get_closest_marker("slow")}

    def place(path: Path) -> tuple[bool, int, bool]:
        number = path.name[:2]
        return (
            "browser" not in path.parts,
            NOTEBOOKS.index(number) if number in NOTEBOOKS else len(NOTEBOOKS),
            path not in slow,
        )

    items.sort(key=lambda item: place(item.path))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("browser" if "browser" in item.path.parts else str(item.path)))
