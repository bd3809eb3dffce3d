"""Pages whose visitor goes, whose kernel dies, or whose line is slow: on a server of their own, one after the other."""

import time

from artnb.widgets.kernels import ALONE, TICK
from tests.browser.gallery import button, serve, visit


def test_a_visitor_who_leaves_in_mid_job_leaves_no_kernel(visitor, gallery):
    page = visitor("paint_like", 390)
    kernel = gallery.kernel_of(page)
    button(page, "A cat").click()
    button(page, "Maud Ashgrove").first.click()
    page.get_by_alt_text("The painting: Maud Ashgrove").wait_for()
    button(page, "Paint carefully").click()
    page.get_by_alt_text("The picture after").wait_for()
    page.close(run_before_unload=True)
    kernel.wait(60)  # a page's goodbye may be lost on a busy machine: then it is missed after half a minute


def test_a_browser_that_is_killed_leaves_no_kernel(chromium, gallery):
    """It says nothing when it goes."""
    visitor = visit(chromium, gallery, "monet")
    kernel = gallery.kernel_of(visitor.page)
    visitor.page.context.close()
    kernel.wait(60)


def test_a_page_whose_kernel_died_says_so_and_begins_again(chromium, gallery):
    visitor = visit(chromium, gallery, "who_painted_this")
    page = visitor.page
    kernel = gallery.kernel_of(page)
    kernel.kill()
    said = page.get_by_role("alert").get_by_text("It begins again in a moment")
    said.wait_for(timeout=20_000)
    said.wait_for(state="detached", timeout=60_000)
    button(page, "Camille Aubertin").click()
    page.get_by_alt_text("The painting: Camille Aubertin").wait_for()
    assert gallery.kernel_of(page).pid != kernel.pid
    page.context.close()


def test_a_page_that_hears_nothing_says_so_and_waits(chromium, gallery):
    visitor = visit(chromium, gallery, "monet")
    page, kernel = visitor.page, gallery.kernel_of(visitor.page)
    page.route("**/artnb/alive/**", lambda route: route.abort())
    said = page.get_by_role("alert").get_by_text("The server does not answer")
    said.wait_for(timeout=30_000)
    page.unroute("**/artnb/alive/**")
    said.wait_for(state="detached", timeout=30_000)
    button(page, "A dahlia").click()
    page.get_by_alt_text("The picture: A dahlia").wait_for()
    assert gallery.kernel_of(page).pid == kernel.pid
    page.context.close()


def test_a_slow_line_finds_its_kernel_alive(chromium, gallery):
    """Kernels that wait for long, and scripts that take longer to come than a kernel is left alone."""
    waiting = max(kernel.create_time() for kernel in gallery.kernels())
    time.sleep(max(0, ALONE + 3 * TICK - (time.time() - waiting)))
    page = chromium.new_context().new_page()
    line = page.context.new_cdp_session(page)
    line.send("Network.enable")
    speed = 2_000_000 / 8  # bytes per second
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 80, "downloadThroughput": speed, "uploadThroughput": speed},
    )
    page.goto(gallery.url + "voila/render/paint_like.ipynb", wait_until="commit", timeout=60_000)
    page.locator("h1", has_text="Paint like").wait_for(timeout=180_000)
    kernel = gallery.kernel_of(page)
    button(page, "A cat").click()
    page.get_by_alt_text("The photograph: A cat").wait_for(timeout=60_000)
    assert gallery.kernel_of(page) == kernel
    page.context.close()


def test_who_comes_when_all_rooms_are_taken_waits_and_gets_in(chromium, tmp_path):
    with serve(tmp_path, "--cold", "--kernels=1") as small:
        first = visit(chromium, small, "monet")
        page = chromium.new_context().new_page()
        page.goto(small.url + "voila/render/who_painted_this.ipynb")
        page.get_by_role("heading", name="One moment, please").wait_for()
        assert len(small.kernels()) == 1
        first.page.close(run_before_unload=True)
        page.locator("h1", has_text="Who painted this?").wait_for(timeout=90_000)
        page.context.close()
