"""One server and one browser for all tests of the pages; skipped where there is no Chromium."""

from importlib.util import find_spec

import pytest

from tests.browser import gallery as galleries

PAGES = galleries.CHECKOUT / "build/pages"  # screenshots, to be looked at


@pytest.fixture(scope="session")
def chromium():
    if galleries.CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine (on Debian: apt install chromium)")
    if find_spec("playwright") is None:
        pytest.skip('playwright is not installed (pip install -e ".[dev]")')
    with galleries.browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def gallery(chromium, tmp_path_factory):
    """As `make demo` serves it, with a kernel that waits for each page."""
    with galleries.serve(tmp_path_factory.mktemp("home")) as server:
        galleries.wait_for(lambda: len(server.kernels()) == len(galleries.PAGES), 60)
        yield server


@pytest.fixture(scope="module")
def visitor(chromium, gallery):
    """Opens pages; at the end each must have been without trouble, and is closed."""
    visits = []

    def open_page(name="", width=1280):
        visits.append(galleries.visit(chromium, gallery, name, width))
        return visits[-1].page

    yield open_page
    troubles = [trouble for visit in visits for trouble in visit.troubles]
    for visit in visits:
        visit.page.context.close()
    assert not troubles


@pytest.fixture
def keep():
    """Keeps a screenshot."""

    def keep(page, name):
        PAGES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PAGES / f"{name}.png", full_page=True)

    return keep
