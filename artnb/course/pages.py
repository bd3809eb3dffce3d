"""What all pages have in common, and the notebooks as pages of their own, as they run on this machine."""

import base64
import html
import io
import re
from collections.abc import Sequence
from pathlib import Path

from artnb.common import extras
from artnb.common.files import replacing
from artnb.course.notebooks import CourseError, check_free, find_notebooks, title_of, writable_folder
from artnb.course.rendering import embedded, render_notebook
from artnb.course.running import run_notebooks

with extras.needed("course", "The pages need"):
    from nbformat import NotebookNode

STATIC = Path(__file__).with_name("static")
COURSE = "artnb: a course about paintings"


def write_pages(folder: str | Path, chosen: Sequence[str] = (), overwrite: bool = False) -> Path:
    """Run the notebooks and write each as one self-contained HTML page, and an index of them all.

    Args:
        folder: created if necessary.
        chosen: see `find_notebooks`.
        overwrite: whether files that exist are replaced; the index keeps the entries of other notebooks.

    Returns:
        The index. Of a notebook that fails, the outputs up to its error are written, and the next one is run.

    Raises:
        CourseError: at once, if `folder` cannot be written to or a file exists; at the end, if any notebook failed.
    """
    notebooks, folder = find_notebooks(chosen), writable_folder(folder)
    index, failures = folder / "index.html", []
    check_free([*(folder / f"{path.stem}.html" for path in notebooks), index], overwrite)
    entries = _entries(index)
    style = own_style()
    for path, notebook, error in run_notebooks(notebooks):
        soup = render_notebook(notebook, path)
        for link in soup.find_all("a", href=True):
            link["href"] = re.sub(r"^([\w-]+)\.ipynb", r"\1.html", str(link["href"]))
        with replacing(folder / f"{path.stem}.html") as part:
            part.write_text(whole_page(title_of(notebook), str(soup), style), encoding="utf-8")
        first = first_picture(notebook)
        entries[path.stem] = card(path.stem, title_of(notebook), first and embedded(small(first), "png"), error)
        if error:
            failures.append(f"{path.name}: {error}")
        with replacing(index) as part:  # after each notebook, so that it can be read already
            cards = "\n".join(entries[stem] for stem in sorted(entries))
            said = "Who painted this, and can we paint like them? Each page is a notebook, as it ran on this machine."
            part.write_text(whole_page(COURSE, index_of(said, cards), style), encoding="utf-8")
    if failures:
        raise CourseError(f"{len(failures)} of {len(notebooks)} notebooks failed; " + "; ".join(failures))
    return index


def own_style() -> str:
    """The style of a page that has no file beside it, as HTML for its head."""
    return f"<style>{(STATIC / 'site.css').read_text(encoding='utf-8')}</style>"


def whole_page(title: str, body: str, head: str, menu: str = "", index: bool = True) -> str:
    """A whole page.

    Args:
        title: as text.
        body: of the page, as HTML.
        head: its style and scripts, as HTML.
        menu: what follows the body, as HTML.
        index: whether an index lies beside it.
    """
    bar = '<a class="home" href="index.html">artnb</a>' if index else '<span class="home">artnb</span>'
    bar += '<a class="to-menu" href="#menu">All pages</a><div id="search" role="search"></div>' if menu else ""
    name = title if title == COURSE else f"{title} · artnb"
    return _PAGE.format(title=html.escape(name), head=head, bar=bar, body=body, menu=menu)


def index_of(said: str, cards: str) -> str:
    """The body of an index."""
    return f'<h1>{COURSE}</h1>\n<p>{said}</p>\n<div class="cards">\n{cards}\n</div>'


def card(stem: str, title: str, picture: str, error: str = "") -> str:
    """A notebook's entry in the index.

    Args:
        stem: of its page's name.
        title: as text.
        picture: its address, or "" for none.
        error: why the notebook failed, or "".
    """
    image = f'<img alt="A picture of: {html.escape(title)}" src="{picture}">' if picture else ""
    note = f'<p class="failed">Failed: {html.escape(error)}</p>' if error else ""
    return f'<a href="{stem}.html">{image}<h2>{html.escape(title)}</h2>{note}</a>'


def first_picture(notebook: NotebookNode) -> str:
    """The first picture among a notebook's outputs, in base64, or ""."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    data = (output.get("data", {}) for output in outputs)
    return next((each[kind] for each in data for kind in ("image/jpeg", "image/png") if kind in each), "")


def small(picture: str, kind: str = "PNG") -> bytes:
    """A picture in base64, at most 480 pixels wide and high."""
    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    image.thumbnail((480, 480))
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def _entries(index: Path) -> dict[str, str]:
    """The entries of an index that was written before: name of the page -> entry."""
    written = index.read_text(encoding="utf-8", errors="replace") if index.is_file() else ""
    cards = written.partition('<div class="cards">')[2]
    return {match[1]: match[0] for match in re.finditer(r'<a href="([^"]+)\.html">.*?</a>', cards, re.DOTALL)}


_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
{head}
</head>
<body>
<a class="skip" href="#content">To the text</a>
<header>{bar}</header>
<div class="columns">
<main id="content">
{body}
</main>
{menu}
</div>
</body>
</html>
"""
