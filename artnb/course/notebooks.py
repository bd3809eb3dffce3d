"""Where the course's notebooks are, and copies of them in other folders."""

import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from artnb.common import extras
from artnb.common.files import replacing
from artnb.errors import ArtnbError

with extras.needed("course", "The notebooks need"):
    from nbformat import NotebookNode

CHECKOUT = Path(__file__).resolve().parents[2] / "notebooks"
INSTALLED = Path(__file__).resolve().parents[1] / "notebooks"  # where a wheel has them, without outputs
NOTEBOOKS = INSTALLED if INSTALLED.is_dir() else CHECKOUT


QUIZ = re.compile(r'^quiz\("(\w+)"\)$', re.M)  # the line of a notebook's cell that asks its quiz


class CourseError(ArtnbError):
    """A notebook is missing, or one of its cells failed."""


def find_notebooks(chosen: Sequence[str] = ()) -> list[Path]:
    """The notebooks in reading order, or those of them whose file name begins with one of `chosen` ("02").

    Raises:
        CourseError: there are none, or one of `chosen` begins no name.
    """
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    unknown = [begin for begin in chosen if not any(path.name.startswith(begin) for path in paths)]
    if unknown or not paths:
        names = ", ".join(path.name for path in paths) or "none (install artnb again)"
        raise CourseError(f"No notebook begins with {' or '.join(unknown) or 'a number'}; there are: {names}.")
    return [path for path in paths if not chosen or path.name.startswith(tuple(chosen))]


def title_of(notebook: NotebookNode) -> str:
    """The first line of the first cell, without its mark."""
    return re.sub(r"^#+\s*", "", notebook.cells[0].source.splitlines()[0])


def subjects_of(notebook: NotebookNode, path: Path) -> list[str]:
    """The subjects of a notebook: those of its cells `quiz("SUBJECT")`; without such a cell, its name."""
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return QUIZ.findall(code) or [re.sub(r"^\d+_", "", path.stem)]


def open_course(folder: str | Path) -> list[Path]:
    """Copy the notebooks and their drawings into a folder, to be worked on there; nothing is overwritten.

    Args:
        folder: created if necessary. `jupyter lab FOLDER` opens it.

    Returns:
        The copied notebooks in reading order.

    Raises:
        MissingExtraError: what runs notebooks isn't installed; nothing is copied.
        CourseError: the folder can't be written to, or one of the files is there already; nothing is copied.
    """
    with extras.needed("course", "The notebooks need"):
        import ipykernel  # noqa: F401
        import jupyterlab  # noqa: F401
    notebooks, folder = find_notebooks(), writable_folder(folder)
    copies = copies_of(notebooks, folder)
    copy_files(copies)
    return [copies[path] for path in notebooks]


def writable_folder(folder: str | Path) -> Path:
    """The folder to write to, created if necessary; its errors are raised before any notebook runs."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CourseError(f"{folder} is a file, or inside one; name a folder to write to.") from error
    if not os.access(folder, os.W_OK):
        raise CourseError(f"{folder} can't be written to; name another folder.")
    return Path(folder)


def copies_of(notebooks: Sequence[Path], folder: Path, overwrite: bool = False) -> dict[Path, Path]:
    """Notebooks and the drawings that their text cells show -> where their copies go, which is free.

    A drawing that is there already stays, if it is the same.
    """
    copies = {path: folder / path.relative_to(NOTEBOOKS) for path in [*notebooks, *NOTEBOOKS.glob("figures/*")]}
    copies = {path: target for path, target in copies.items() if path in notebooks or not _equal(path, target)}
    check_free([*copies.values(), *({folder / "figures"} if (folder / "figures").is_file() else ())], overwrite)
    return copies


def _equal(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def copy_files(copies: Mapping[Path, Path]) -> None:
    """Copy each file to its place."""
    for path, target in copies.items():
        with replacing(target) as part:
            shutil.copyfile(path, part)


def check_free(targets: Sequence[Path], overwrite: bool = False) -> None:
    """Raise a `CourseError` if one of these is there already."""
    for target in targets:
        if not overwrite and (target.exists() or target.is_symlink()):
            raise CourseError(f"{target} exists already, and nothing was written; name a new folder.")
