"""A notebook as HTML that needs nothing beside it but its pictures: no script, no style of its own."""

import base64
import html
import io
import re
from collections.abc import Callable
from pathlib import Path

from artnb.common import extras
from artnb.course.figures import Alternatives
from artnb.course.formulas import mark_formulas
from artnb.course.notebooks import QUIZ, CourseError, subjects_of
from artnb.exercises import list_quizzes, quiz

with extras.needed("course", "The pages need"):
    from bs4 import BeautifulSoup, Tag
    from nbformat import NotebookNode

# A picture's bytes and its kind ("jpeg", "svg+xml") -> the address that a page has for it.
Picture = Callable[[bytes, str], str]
_PLAYED = '<p class="live">(Something to play with stands here while the notebook runs.)</p>'


def embedded(data: bytes, kind: str) -> str:
    """The address of a picture that is part of the page."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def render_notebook(notebook: NotebookNode, path: Path, picture: Picture = embedded) -> BeautifulSoup:
    """A notebook with its outputs as HTML: solutions folded away, quizzes to be answered, an `id` for every heading.

    Args:
        notebook: with its outputs.
        path: of the notebook; the drawings lie beside it.
        picture: says where a picture is.

    Raises:
        CourseError: a drawing is missing.
    """
    with extras.needed("course", "The pages need"):
        from nbconvert.filters import markdown2html

    parts: list[str] = []
    formulas: dict[str, str] = {}
    alternatives = Alternatives()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts.append(markdown2html(mark_formulas(cell.source, formulas)))
            alternatives.read_text(cell.source)
        elif found := QUIZ.search(cell.source):
            parts.append(quiz(found[1]).to_html())
        elif cell.cell_type == "code":
            parts.append(_code(cell, alternatives.read_code(cell), picture))
    for subject in subjects_of(notebook, path):
        if subject in list_quizzes() and f'quiz("{subject}")' not in "".join(cell.source for cell in notebook.cells):
            parts.append(f"<h2>Quiz</h2>{quiz(subject).to_html()}")
    written = "\n".join(parts)
    for mark, formula in formulas.items():
        written = written.replace(mark, formula)
    soup = BeautifulSoup(written, "html.parser")
    for link in soup.find_all("a", class_="anchor-link"):
        link.decompose()
    _show_drawings(soup, path, picture)
    _name_headings(soup)
    for table in soup.find_all("table"):  # wider than a telephone: it is scrolled
        for tag in [table, *table.find_all(True)]:
            for attribute in ("border", "style"):
                del tag[attribute]
            if tag.name == "th" and not tag.get_text(strip=True):  # the corner of a table heads nothing
                tag.name = "td"
        table.wrap(soup.new_tag("div", attrs={"class": "wide"}))
    return soup


def _code(cell: NotebookNode, alternative: str, picture: Picture) -> str:
    with extras.needed("course", "The pages need"):
        from nbconvert.filters import Highlight2HTML

    code = Highlight2HTML(pygments_lexer="python")(cell.source)
    outputs = "".join(_output(output, alternative, picture) for output in cell.outputs)
    if "solution" in cell.metadata.get("tags", ()):
        code = f"<details><summary>A solution</summary>{code}{outputs}</details>"
        outputs = ""
    return f'<div class="cell">{code}{outputs}</div>'


def _output(output: NotebookNode, alternative: str, picture: Picture) -> str:
    if output.output_type == "error":
        return _text(f"{output.ename}: {output.evalue}")
    if output.output_type == "stream":
        return _text(output.text)
    data = output.data
    for kind in ("jpeg", "png"):
        if f"image/{kind}" in data:
            found = base64.b64decode(data[f"image/{kind}"])
            width, height = _size(found)
            return (
                f'<p class="figure"><img src="{picture(found, kind)}" alt="{html.escape(alternative)}" '
                f'width="{width}" height="{height}" loading="lazy"></p>'
            )
    if "application/vnd.jupyter.widget-view+json" in data:
        return _PLAYED
    if "<table" in data.get("text/html", ""):
        table = BeautifulSoup(data["text/html"], "html.parser")
        for style in table.find_all(["style", "script"]):
            style.decompose()
        return str(table)
    return _text(data.get("text/plain", ""))


def _text(text: str) -> str:
    """What a cell printed: as wide as it was printed, and scrolled where there is less room."""
    return f'<pre class="output">{html.escape(text.rstrip())}</pre>' if text.strip() else ""


def _size(picture: bytes) -> tuple[int, int]:
    from PIL import Image

    return Image.open(io.BytesIO(picture)).size


def _show_drawings(soup: BeautifulSoup, path: Path, picture: Picture) -> None:
    for image in soup.find_all("img"):
        source = str(image["src"])
        if "figures/" not in source or source.startswith("data:"):
            continue
        file = path.parent / source
        if not file.is_file():
            raise CourseError(f"{path.name} shows {source}, which isn't there.")
        image["src"] = picture(file.read_bytes(), {"svg": "svg+xml"}.get(file.suffix[1:], file.suffix[1:]))


def _name_headings(soup: BeautifulSoup) -> None:
    taken: set[str] = set()
    for heading in headings(soup):
        words = re.sub(r"[^\w]+", "-", heading.get_text().casefold()).strip("-")
        name, number = words, 1
        while name in taken:
            number += 1
            name = f"{words}-{number}"
        taken.add(name)
        heading["id"] = name


def check_alternatives(soup: BeautifulSoup, name: str) -> None:
    """Do nothing if every picture says in words what it shows.

    Raises:
        CourseError: one doesn't.
    """
    for image in soup.find_all("img"):
        if not image.get("alt"):
            code = image.find_previous("pre")
            line = code.get_text().strip().splitlines()[0] if code else image["src"]
            raise CourseError(
                f"{name}: the picture after {line!r} has no alternative text; give a figure's code a title or its "
                "cell's metadata an `alt`, and write a drawing's between the brackets of ![]."
            )


def headings(soup: BeautifulSoup) -> list[Tag]:
    """All headings, in reading order."""
    return [tag for tag in soup.find_all(["h1", "h2", "h3", "h4", "h5", "h6"]) if isinstance(tag, Tag)]
