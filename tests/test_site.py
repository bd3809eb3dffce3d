"""The site's files: links, alternative texts, formulas, colours, the glossary's links."""

import re
from urllib.parse import unquote

import nbformat
import pytest
from bs4 import BeautifulSoup

from artnb import course
from artnb.course import CourseError, glossary, rendering
from tests.conftest import CHECKOUT

v4 = nbformat.v4
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def drawn(code, **metadata):
    output = v4.new_output("display_data", {"image/png": PIXEL, "text/plain": "a figure"})
    return v4.new_code_cell(code, outputs=[output], metadata=metadata)


def notebook(*cells):
    return v4.new_notebook(cells=[v4.new_markdown_cell("# 1 · The first"), *cells])


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes the site of a course of its own."""
    monkeypatch.setattr("artnb.course.notebooks.NOTEBOOKS", tmp_path)

    def write(*notebooks, overwrite=False):
        for number, each in enumerate(notebooks, start=1):
            nbformat.write(each, tmp_path / f"{number:02}_page.ipynb")
        return course.write_site(tmp_path / "site", overwrite).parent

    return write


def parsed(file):
    return BeautifulSoup(file.read_text(encoding="utf-8"), "html.parser")


def alternative(*cells):
    soup = rendering.render_notebook(notebook(*cells), CHECKOUT / "01_page.ipynb")
    return soup.find_all("img")[-1]["alt"]


def test_pages_are_linked_searched_and_ask_nobody_else(write):
    text = "## 1.1 A part\n\nAn *epoch*: see [the next](02_page.ipynb#a-place), [me](01_page.ipynb), $x^2$ and `$HOME`."
    first = notebook(v4.new_markdown_cell(text), drawn("plots.bars(a, 'Tall bars')"))
    second = v4.new_notebook(cells=[v4.new_markdown_cell("# 2 · The second\n\n## A place\n\nThe end: <x>.")])
    site = write(first, second)
    page = parsed(site / "01_page.html")
    links = [link["href"] for link in page.find("main").find_all("a", href=True)]
    assert links == ["glossary.html#term-epoch", "02_page.html#a-place", "01_page.html", "02_page.html"]
    assert page.find("msup") and "$HOME" in page.get_text() and page.html["lang"] == "en"
    assert (site / page.find("img")["src"]).is_file()
    assert page.find(attrs={"aria-current": "page"}).get_text() == "1 · The first" == page.find("h1").get_text()
    assert "1.1 A part" in (site / "index.js").read_text() and "Tall bars" in page.find("img")["alt"]
    assert "First used in 1 · The first." in parsed(site / "glossary.html").find(id="term-epoch").get_text()
    for file in site.iterdir():
        if file.suffix in (".html", ".css"):
            assert not re.search(r"(src|url|<link)[^<>]*https?:", file.read_text())
        if file.suffix == ".html":
            for link in parsed(file).find_all(["a", "link", "img", "script"]):
                target, _, place = link.get("href", link.get("src", "")).partition("#")
                assert re.match("https?:", target) or not target or (site / target).is_file(), target
                if place and target:
                    assert parsed(site / target).find(id=unquote(place)), place


def test_a_link_that_leads_nowhere_is_an_error(write):
    broken = v4.new_markdown_cell("[There](01_page.ipynb#gone)")
    with pytest.raises(CourseError, match=r"01_page: the link to 01_page\.html#gone leads nowhere"):
        write(notebook(broken))


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([drawn("draw()", alt="A cat.")], "A cat."),
        ([drawn("ax.set_title('A cat')")], "A cat. (Section: 1 · The first)"),
        (
            [drawn("plots.gallery(a, ['cat', f'{n} dogs'])")],
            "Pictures side by side: cat; … dogs. (Section: 1 · The first)",
        ),
        (
            [v4.new_markdown_cell("## Cats"), drawn("plots.gallery(a)")],
            "Pictures side by side. (Section: Cats)",
        ),
        (
            [v4.new_code_cell("def show(a):\n    plots.bars(a)"), drawn("show('of a, of b')")],
            "Bars. (Section: 1 · The first)",
        ),
    ],
)
def test_a_figure_is_described_by_its_cell(cells, words):
    assert alternative(*cells) == words


def test_a_picture_that_nothing_is_said_about_is_an_error(write):
    with pytest.raises(
        CourseError, match=r"01_page\.ipynb: the picture after 'draw\(1\)' has no alternative text; give"
    ):
        write(notebook(drawn("draw(1)")))
    with pytest.raises(CourseError, match=r"shows figures/gone\.svg, which isn't there"):
        write(notebook(v4.new_markdown_cell("![a box](figures/gone.svg)")), overwrite=True)


def test_what_a_cell_prints_is_text_and_a_solution_is_folded():
    said = v4.new_output("stream", text="<script>alert(1)</script>\n")
    table = v4.new_output("execute_result", {"text/html": "<style>*{}</style><table border=1><tr><th></th></table>"})
    cell = v4.new_code_cell("print(1)", outputs=[said, table], metadata={"tags": ["solution"]})
    soup = rendering.render_notebook(notebook(cell), CHECKOUT / "01_page.ipynb")
    assert not soup.find(["script", "style", "th"]) and "<script>alert(1)</script>" in soup.find("details").get_text()
    assert soup.find("table").parent["class"] == ["wide"] and "border" not in soup.find("table").attrs


def test_a_term_is_linked_once_a_page_and_never_in_code_or_headings(tmp_path):
    (tmp_path / "glossary.md").write_text("- **Batch**: some.\n- **Batch norm**, or *BN*: a layer.\n")
    terms = glossary.Glossary.read(tmp_path / "glossary.md")
    assert terms.places == {"batch": "term-batch", "batch norm": "term-batch-norm", "bn": "term-batch-norm"}
    text = "<p><code>batch</code> <a href='x'>batch</a> Batches? <em>Batch norm</em>, a batch, bn</p>"
    soup = BeautifulSoup(f"<h2>Batch</h2><fieldset><p>A batch norm</p></fieldset>{text}", "html.parser")
    glossary.link_terms(soup, terms, "one")
    assert [link.get_text() for link in soup.find_all(class_="term")] == ["Batches", "Batch norm"]
    (tmp_path / "glossary.md").write_text("- **Batch**: some.\n- **Noise**, or *batch*: none.\n")
    with pytest.raises(CourseError, match="has 'batch' twice"):
        glossary.Glossary.read(tmp_path / "glossary.md")


def luminance(colour):
    digits = colour.lstrip("#")
    digits = digits if len(digits) == 6 else "".join(2 * digit for digit in digits)
    parts = [int(digits[k : k + 2], 16) / 255 for k in (0, 2, 4)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_every_colour_can_be_read_on_paper_and_on_code_in_light_and_dark():
    """WCAG 2.2, 1.4.3: a contrast of at least 4.5 to 1."""
    css = (CHECKOUT / "artnb/course/static/site.css").read_text()
    schemes = re.findall(r":root \{(.*?)\}", css, re.S)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+): (#\w+)", scheme))
        for paper in ("paper", "code"):
            for ink in ("ink", "quiet", "link", "keyword", "string", "comment", "number", "name", "right", "wrong"):
                one, other = sorted((luminance(colours[ink]), luminance(colours[paper])))
                assert (other + 0.05) / (one + 0.05) >= 4.5, (ink, paper)
        assert (luminance(colours["ink"]) + 0.05) / (luminance(colours["mark"]) + 0.05) >= 4.5 or (
            luminance(colours["mark"]) + 0.05
        ) / (luminance(colours["ink"]) + 0.05) >= 4.5


def test_no_file_is_overwritten_unasked_and_a_wheel_has_no_site(write, monkeypatch, tmp_path):
    site = write(notebook())
    with pytest.raises(CourseError, match="exists already, and nothing was written"):
        write(notebook())
    (site / "course-pictures/mine.jpg").write_text("my own")
    assert write(notebook(), overwrite=True) == site
    assert (site / "course-pictures/mine.jpg").read_text() == "my own"
    monkeypatch.setattr("artnb.course.notebooks.INSTALLED", tmp_path)
    with pytest.raises(CourseError, match="Installed notebooks have no outputs; `artnb course pages` runs them"):
        course.write_site(tmp_path / "other")
