"""Run the notebooks, and save what they print."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tqdm import tqdm

from artnb.common import extras
from artnb.common.files import replacing
from artnb.course import notebooks
from artnb.course.notebooks import CourseError, find_notebooks

with extras.needed("course", "The notebooks need"):
    import nbformat
    from nbformat import NotebookNode


def save(chosen: Sequence[str] = ()) -> list[Path]:
    """Run the notebooks and save their outputs in place; one that fails is left unchanged.

    Returns:
        The saved notebooks.

    Raises:
        CourseError: one failed, or they are a wheel's, which stay as they were installed.
    """
    if notebooks.NOTEBOOKS == notebooks.INSTALLED:
        raise CourseError(
            "Installed notebooks stay as they are; copy them with `artnb course open DIR`, and run the copies."
        )
    paths = find_notebooks(chosen)
    for path, notebook, error in run_notebooks(paths):
        if error:
            raise CourseError(f"{path.name} was left unchanged: {error}")
        with replacing(path) as part:
            nbformat.write(notebook, part)
    return paths


def run_notebooks(paths: Sequence[Path]) -> Iterator[tuple[Path, NotebookNode, str]]:
    """Run notebooks one after another; yield each with its outputs and its error message ("" if it succeeded)."""
    with extras.needed("course", "The notebooks need"):
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    opened = [(path, nbformat.read(path, as_version=4)) for path in paths]
    cells = sum(len(notebook.cells) for _, notebook in opened)
    with tqdm(total=cells, unit="cell", dynamic_ncols=True, disable=False) as bar, _quiet_kernels():
        for path, notebook in opened:
            bar.set_description(path.stem)
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)
                if cell.cell_type == "code":  # what a cell that isn't reached any more printed last time is no news
                    cell.outputs, cell.execution_count = [], None
            running: list[int] = []  # the cell that a failure belongs to, also of a kernel that died in it
            client = NotebookClient(
                notebook,
                timeout=None,
                iopub_timeout=600,  # outputs come late on a busy machine, and after 4 seconds would be missing
                raise_on_iopub_timeout=True,
                kernel_name="python3",
                resources={"metadata": {"path": path.parent}},
                record_timing=False,
                extra_arguments=["--log-level=ERROR"],
                on_cell_execute=lambda cell, cell_index, running=running: running.append(cell_index),
                on_cell_complete=lambda cell, cell_index: bar.update(),
            )
            before, error = bar.n, ""
            try:
                client.execute()
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
                error = _explain(failure, notebook, running[-1])
            bar.update(before + len(notebook.cells) - bar.n)
            notebook.metadata = _METADATA | {key: notebook.metadata[key] for key in notebook.metadata if key == "artnb"}
            yield path, notebook, error


# The same on every machine, so that saved notebooks differ only in their content.
_METADATA = NotebookNode(
    kernelspec=NotebookNode(display_name="Python 3", language="python", name="python3"),
    language_info=NotebookNode(name="python"),
)


@contextmanager
def _quiet_kernels() -> Iterator[None]:
    """Let kernels print as under nbval: no progress bars, and no messages of TensorFlow's C++ code on stderr."""
    quiet = {"PYTEST_CURRENT_TEST": "artnb course", "TQDM_DISABLE": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    before = {name: os.environ.get(name) for name in quiet}
    os.environ.update(quiet)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _explain(failure: Exception, notebook: NotebookNode, index: int) -> str:
    """The error, and which cell it is: its number among the code cells, as its brackets show, and its first line."""
    text = " ".join(filter(None, [getattr(failure, "ename", type(failure).__name__), getattr(failure, "evalue", "")]))
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    first_line = next(iter(notebook.cells[index].source.splitlines()), "")
    return f"{text.splitlines()[0]}, in code cell {number}, which begins with {first_line!r}"
