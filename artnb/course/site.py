"""The static site: the notebooks as they were saved, the glossary and the documents; it needs no network."""

import html
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from artnb.common import extras
from artnb.common.files import replacing
from artnb.common.progress import progress
from artnb.course import notebooks
from artnb.course.glossary import Glossary, link_terms, name_terms
from artnb.course.notebooks import CourseError, check_free, find_notebooks, title_of, writable_folder
from artnb.course.pages import COURSE, STATIC, card, first_picture, index_of, small, whole_page
from artnb.course.rendering import check_alternatives, render_notebook

with extras.needed("course", "The site needs"):
    import nbformat
    from bs4 import BeautifulSoup
    from nbformat import NotebookNode

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"
_PICTURES = "course-pictures"  # a folder of this name is nobody else's
_HEAD = '<link rel="stylesheet" href="site.css">\n<script src="site.js" defer></script>'


@dataclass
class _Page:
    stem: str
    title: str
    soup: BeautifulSoup
    picture: str = ""  # the first one of a notebook, in base64


def write_site(folder: str | Path, overwrite: bool = False) -> Path:
    """Write the course as it was saved to a folder of pages that can be read anywhere, also without a server.

    Args:
        folder: created if necessary.
        overwrite: whether files that exist are replaced.

    Returns:
        The index.

    Raises:
        CourseError: the notebooks are a wheel's, which have no outputs; the folder can't be written to, or a file
            exists; a picture has no alternative text, or a link between pages leads nowhere.
    """
    if notebooks.NOTEBOOKS == notebooks.INSTALLED:
        raise CourseError("Installed notebooks have no outputs; `artnb course pages` runs them and writes the pages.")
    paths, folder = find_notebooks(), writable_folder(folder)
    documents = sorted(DOCUMENTS.glob("*.md"))
    names = [path.stem for path in [*paths, *documents]]
    made = [*(f"{name}.html" for name in [*names, "index"]), "index.js", *(file.name for file in STATIC.iterdir())]
    check_free([folder / name for name in [*made, _PICTURES]], overwrite)
    (folder / _PICTURES).mkdir(exist_ok=True)
    pages = _read_all(paths, documents, folder)
    count = len(paths)
    for place, each in enumerate(pages):
        body = str(each.soup)
        if place < count:
            body += _onward(pages[place - 1] if place else None, pages[place + 1] if place + 1 < count else None)
        _write(folder / f"{each.stem}.html", whole_page(each.title, body, _HEAD, _menu(pages, count, each.stem)))
    cards = "\n".join(card(each.stem, each.title, _cover(each, folder)) for each in pages[:count])
    said = "Who painted this, and can we paint like them? Each page is a notebook of the course, with what it showed."
    _write(folder / "index.html", whole_page(COURSE, index_of(said, cards), _HEAD, _menu(pages, count, "index")))
    sections = json.dumps([section for each in pages for section in _sections(each)], ensure_ascii=False, indent=0)
    _write(folder / "index.js", f"const SECTIONS = {sections};\n")
    for file in STATIC.iterdir():
        _write(folder / file.name, file.read_text(encoding="utf-8"))
    return folder / "index.html"


def _read_all(paths: Sequence[Path], documents: Sequence[Path], folder: Path) -> list[_Page]:
    """All pages, linked with each other and with the glossary; their pictures are written."""
    glossary = Glossary.read(DOCUMENTS / "glossary.md")
    pages = []
    for path in progress([*paths, *documents], "site", unit="page"):
        pages.append(_read(path, folder))
        if path in paths:
            link_terms(pages[-1].soup, glossary, path.stem)
    titles = {each.stem: each.title for each in pages}
    for each in pages:
        if each.stem == "glossary":
            name_terms(each.soup, glossary, titles)
        _lead_on(each, titles)
    _check_links(pages)
    return pages


def _read(path: Path, folder: Path) -> _Page:
    if path.suffix == ".md":
        text = path.read_text(encoding="utf-8")
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])
    else:
        notebook = nbformat.read(path, as_version=4)
    number = 0

    def picture(data: bytes, kind: str) -> str:
        nonlocal number
        number += 1
        name = f"{_PICTURES}/{path.stem}-{number}.{kind.partition('+')[0].replace('jpeg', 'jpg')}"
        _write(folder / name, data)
        return name

    soup = render_notebook(notebook, path, picture)
    check_alternatives(soup, path.name)
    return _Page(path.stem, _plain_title(notebook), soup, first_picture(notebook))


def _plain_title(notebook: NotebookNode) -> str:
    return title_of(notebook).replace("`", "")


def _lead_on(one: _Page, names: Collection[str]) -> None:
    """Links to notebooks and documents become links to their pages; those to other files of the checkout, text."""
    for link in one.soup.find_all("a", href=True):
        target, hash_, place = str(link["href"]).partition("#")
        if re.match(r"[a-z]+:", target) or not target:
            continue
        stem = Path(target).stem
        if Path(target).suffix in (".ipynb", ".md", ".html") and stem in names:
            link["href"] = f"{stem}.html{hash_}{place}"
        else:
            link.unwrap()


def _check_links(pages: Sequence[_Page]) -> None:
    places = {f"{each.stem}.html": {str(tag["id"]) for tag in each.soup.find_all(id=True)} for each in pages}
    for each in pages:
        for link in each.soup.find_all("a", href=True):
            target, _, place = str(link["href"]).partition("#")
            if re.match(r"[a-z]+:", target) or target == "index.html":
                continue
            target = target or f"{each.stem}.html"
            if target not in places or (place and place not in places[target]):
                raise CourseError(f"{each.stem}: the link to {link['href']} leads nowhere.")


def _onward(before: _Page | None, after: _Page | None) -> str:
    links = ""
    if before:
        links += f'<a href="{before.stem}.html" rel="prev">← {html.escape(before.title)}</a>'
    if after:
        links += f'<a href="{after.stem}.html" rel="next">{html.escape(after.title)} →</a>'
    return f'<nav class="onward" aria-label="Before and after">{links}</nav>'


def _menu(pages: Sequence[_Page], count: int, here: str) -> str:
    def item(stem: str, title: str) -> str:
        current = ' aria-current="page"' if stem == here else ""
        return f'<li><a href="{stem}.html"{current}>{html.escape(title)}</a></li>'

    course = "".join(item(each.stem, each.title) for each in pages[:count])
    more = "".join(item(each.stem, each.title) for each in pages[count:])
    return (
        f'<nav id="menu" aria-label="All pages"><h2>The course</h2><ul>{item("index", "Start")}{course}</ul>'
        f"<h2>Beside it</h2><ul>{more}</ul></nav>"
    )


def _cover(one: _Page, folder: Path) -> str:
    if not one.picture:
        return ""
    name = f"{_PICTURES}/{one.stem}-cover.jpg"
    _write(folder / name, small(one.picture, "JPEG"))
    return name


def _sections(one: _Page) -> list[dict[str, str]]:
    """What the search knows of a page: its sections, with their headings and texts, without formulas and code."""
    found: list[dict[str, str]] = []
    for tag in one.soup.find_all(["p", "li", "td", "h1", "h2", "h3", "h4", "h5", "h6"]):
        text = " ".join(tag.get_text().split())
        if tag.name[0] == "h":
            address = f"{one.stem}.html#{tag['id']}"
            found.append({"address": address, "title": one.title, "heading": text, "text": ""})
        elif found:
            found[-1]["text"] += f"{text} "
    return found


def _write(file: Path, content: str | bytes) -> None:
    with replacing(file) as part:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
