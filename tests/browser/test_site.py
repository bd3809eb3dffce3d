"""The static site in a real browser: every page at both widths, in light and dark, without a network."""

import re
from itertools import pairwise

import pytest

from artnb import course
from artnb.course.site import DOCUMENTS

WIDTHS = (360, 1280)
# Contrast takes half a minute where there is much code: tests/test_site.py computes it. Nor may axe ask for files.
AXE = {"rules": {"color-contrast": {"enabled": False}}, "preload": False}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return course.write_site(tmp_path_factory.mktemp("site")).parent


@pytest.fixture(scope="module")
def page(chromium, site):
    """A window, and what it has asked for beside the site's own files."""
    window = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
    asked, troubles = [], []
    window.on("request", lambda request: asked.append(request.url))
    window.on("pageerror", lambda error: troubles.append(str(error)))
    window.on(
        "requestfailed", lambda failed: "ABORTED" in failed.failure or troubles.append((failed.failure, failed.url))
    )
    yield window
    window.context.close()
    assert asked and not [url for url in asked if not url.startswith(site.as_uri())], "a request leaves the site"
    assert not [trouble for trouble in troubles if "ERR_ABORTED" not in trouble]  # that is a page that was left


def test_every_page_fits_a_telephone_and_a_screen(page, site):
    names = sorted(site.glob("*.html"))
    assert len(names) == len(course.find_notebooks()) + 1 + len(list(DOCUMENTS.glob("*.md")))
    for file in names:
        page.goto(file.as_uri(), wait_until="domcontentloaded")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{file.name}, {width} pixels"
        levels = page.evaluate("[...document.querySelectorAll('main :is(h1,h2,h3,h4)')].map(each => +each.tagName[1])")
        assert levels[0] == 1 and levels.count(1) == 1 and page.locator("html").get_attribute("lang") == "en"
        assert all(after - before <= 1 for before, after in pairwise(levels)), f"{file.name} skips a heading's level"


@pytest.mark.parametrize("width", WIDTHS)
def test_everybody_can_use_the_pages(page, site, width):
    from axe_playwright_python.sync_playwright import Axe

    page.set_viewport_size({"width": width, "height": 900})
    shortest = min(site.glob("[0-9]*.html"), key=lambda file: file.stat().st_size)
    for file in (site / "index.html", site / "glossary.html", shortest):
        page.goto(file.as_uri())
        assert page.locator("h1").count() == 1 and page.locator("main").count() == 1
        page.evaluate("for (const image of document.images) image.loading = 'eager'")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth && image.alt)")
        found = Axe().run(page, options=AXE)
        assert not found.violations_count, found.generate_report()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_readers_and_can_be_read(page, site, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto((site / "index.html").as_uri())
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 382) == (scheme == "light")
    for name in ("index", "deployment"):
        page.goto((site / f"{name}.html").as_uri())
        found = Axe().run(page, options={"runOnly": ["color-contrast"], "preload": False})
        assert not found.violations_count, found.generate_report()


def test_the_search_finds_a_section_and_leads_there(page, site):
    page.set_viewport_size({"width": 360, "height": 900})
    page.goto((site / "index.html").as_uri())
    page.get_by_label("Search").fill("gram MATRIX")
    first = page.locator("#found li a").first
    first.wait_for()
    assert "Gram matrix" in first.text_content()
    first.click()
    assert "Style lives in the Gram matrix" in page.locator(f"[id='{page.url.partition('#')[2]}']").text_content()
    page.get_by_label("Search").fill("<b>nowhere</b>")
    page.get_by_text("Nothing was found.").wait_for()
    page.keyboard.press("Escape")
    assert not page.locator("#found").text_content()


def test_one_page_leads_to_the_next_by_keyboard(page, site):
    page.goto((site / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the text"
    with page.expect_navigation():
        page.locator(".cards a").first.click()
    titles = [page.locator("h1").text_content()]
    while page.locator("a[rel=next]").count():
        with page.expect_navigation():
            page.locator("a[rel=next]").press("Enter")
        titles.append(page.locator("h1").text_content())
    assert len(titles) == len(set(titles)) == len(course.find_notebooks())
    assert page.locator("#menu [aria-current=page]").text_content() == titles[-1]


def test_a_quiz_is_answered_by_keyboard_and_says_why(page, site):
    page.goto(next(site.glob("*two_questions.html")).as_uri())
    answer = page.locator(".quiz details", has=page.locator(".right")).first
    assert not answer.locator("p").is_visible()
    answer.locator("summary").press("Enter")
    answer.locator("p").wait_for()
    assert answer.locator("p").inner_text().startswith("Right. ")
