"""The static site in a real browser: every page at both widths, in light and dark, without a network."""

import re

import pytest

from artnb import course

WIDTHS = (360, 1280)


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
    window.on("requestfailed", lambda failed: "ABORTED" in failed.failure or troubles.append(failed.url))  # or: left
    yield window
    window.context.close()
    assert asked and not [url for url in asked if not url.startswith(site.as_uri())], "a request leaves the site"
    assert not troubles


def test_every_page_fits_is_accessible_and_shows_its_pictures(page, site):
    from axe_playwright_python.sync_playwright import Axe

    names = sorted(site.glob("*.html"))
    assert len(names) == len(course.find_notebooks()) + 4  # the index, the glossary, two documents
    for number, file in enumerate(names):
        page.goto(file.as_uri())
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{file.name}, {width} pixels"
        assert page.locator("h1").count() == 1 and page.locator("main").count() == 1, file.name
        page.evaluate("for (const image of document.images) image.loading = 'eager'")
        page.wait_for_function("[...document.images].every(image => image.complete)")
        assert page.evaluate("[...document.images].every(image => image.naturalWidth && image.alt)"), file.name
        page.set_viewport_size({"width": WIDTHS[number % 2], "height": 900})
        found = Axe().run(page, options={"rules": {"color-contrast": {"enabled": False}}})  # half a minute for code
        assert not found.violations_count, f"{file.name}: {found.generate_report()}"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_readers_and_can_be_read(page, site, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=scheme)
    page.goto((site / "index.html").as_uri())
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (sum(map(int, re.findall(r"\d+", paper)[:3])) > 382) == (scheme == "light")
    for name in ("index", "glossary", "deployment"):
        page.goto((site / f"{name}.html").as_uri())
        found = Axe().run(page, options={"runOnly": ["color-contrast"]})
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
