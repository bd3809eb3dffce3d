"""The teacher's edition: a page a notebook, with its plan, typical mistakes, questions, solutions and answers."""

import re
from collections.abc import Sequence
from pathlib import Path

from artnb.common import extras
from artnb.common.files import replacing
from artnb.course.notebooks import (
    CourseError,
    check_free,
    find_notebooks,
    subjects_of,
    title_of,
    writable_folder,
)
from artnb.course.pages import own_style, whole_page
from artnb.course.rendering import render_notebook
from artnb.exercises import list_quizzes, quiz

with extras.needed("course", "The pages need"):
    import nbformat
    from nbformat import NotebookNode

TEACHING = Path(__file__).with_name("teaching")  # SUBJECT.md: plan, typical mistakes, what to ask a class


def write_teacher_edition(folder: str | Path, chosen: Sequence[str] = (), overwrite: bool = False) -> list[Path]:
    """Write a page for each notebook: how to teach it, its exercises with their solutions, its quiz with the answers.

    Args:
        folder: created if necessary.
        chosen: see `find_notebooks`.
        overwrite: whether files that exist are replaced.

    Returns:
        The written pages.

    Raises:
        CourseError: the folder can't be written to, a file exists, or nothing is known about teaching a notebook;
            nothing is written.
    """
    paths, folder = find_notebooks(chosen), writable_folder(folder)
    pages = {path: folder / f"{path.stem}.html" for path in paths}
    check_free(list(pages.values()), overwrite)
    written, style = {}, own_style()
    for path, target in pages.items():
        notebook = nbformat.read(path, as_version=4)
        title = f"{title_of(notebook)}: for teachers"
        body = str(render_notebook(_lesson(notebook, path, title), path))
        written[target] = whole_page(title, body, style, index=False)
    for target, text in written.items():
        with replacing(target) as part:
            part.write_text(text, encoding="utf-8")
    return list(written)


def _lesson(notebook: NotebookNode, path: Path, title: str) -> NotebookNode:
    """The lesson as a notebook, which is rendered like all others."""
    texts = [f"# {title}", *re.findall(r"^\*\*Time\*\* .+", notebook.cells[0].source, re.M)]
    subjects = subjects_of(notebook, path)
    for subject in subjects:
        if not (TEACHING / f"{subject}.md").is_file():
            raise CourseError(f"Nothing is known about teaching {path.name}; write {TEACHING.name}/{subject}.md.")
        texts.append((TEACHING / f"{subject}.md").read_text(encoding="utf-8"))
    cells = [nbformat.v4.new_markdown_cell(text) for text in [*texts, "## The exercises, solved"]]
    for number, cell in enumerate(notebook.cells):
        if "solution" in cell.metadata.get("tags", ()):
            task = notebook.cells[number - 1].source.partition("## Exercises")
            cells.append(nbformat.v4.new_markdown_cell((task[2] or task[0]).strip()))
            cells.append(nbformat.v4.new_code_cell(cell.source))
    cells.append(nbformat.v4.new_markdown_cell("## The quiz, with its answers"))
    asked = [nbformat.v4.new_output("stream", text=str(quiz(name))) for name in subjects if name in list_quizzes()]
    cells.append(nbformat.v4.new_code_cell("\n".join(f'print(quiz("{name}"))' for name in subjects), outputs=asked))
    return nbformat.v4.new_notebook(cells=cells)
