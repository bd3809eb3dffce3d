"""What takes too long for `make test`: uploads of 60 and 200 MB, and four visitors at once who do what they like.

`make soak`; ARTNB_SOAK_MINUTES says how long the four stay (5). Not collected by `make test`.
"""

import os
import random
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser import gallery as galleries
from tests.browser.gallery import upload, visit

MINUTES = float(os.environ.get("ARTNB_SOAK_MINUTES", "5"))
GROWTH = 1.5  # a kernel may weigh so many times what it did after a third of the time


@pytest.fixture
def gallery(chromium, tmp_path):
    """As `make demo` serves it, with kernels that wait."""
    with galleries.serve(tmp_path) as server:
        yield server


def weight(processes) -> float:
    """Megabytes in memory."""
    return sum(process.memory_info().rss for process in processes if process.is_running()) / 1024**2


@pytest.mark.parametrize("megabytes", [60, 200])
def test_a_large_picture_arrives(chromium, gallery, tmp_path, megabytes):
    file = tmp_path / "large.png"
    side = int((megabytes * 1024**2 * 0.99 / 3) ** 0.5)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(file, compress_level=0)
    assert 0.95 * megabytes < file.stat().st_size / 1024**2 <= megabytes
    visitor = visit(chromium, gallery, "who_painted_this")
    begun = time.monotonic()
    upload(visitor.page, file)
    visitor.page.get_by_alt_text("The painting: Your picture").wait_for(timeout=180_000)
    shown = time.monotonic() - begun
    visitor.page.get_by_role("button", name="Who painted this?").click()
    visitor.page.locator(".artnb-bar").nth(4).wait_for(timeout=120_000)
    print(f"\n{megabytes} MB shown after {shown:.1f} s; kernels {[round(weight([k])) for k in gallery.kernels()]} MB")
    assert not visitor.troubles
    visitor.page.context.close()


def click(page, name: str, which: int = 0) -> None:
    """Press a button if it can be pressed: a visitor may be faster than the page."""
    found = page.get_by_role("button", name=name, exact=True).nth(which)
    if found.is_enabled(timeout=5000):
        found.click(timeout=5000)


def act(page, files: list[Path], chance: random.Random) -> None:
    """Something that a visitor of any page may do."""
    thumbnails = page.locator(".artnb-strip button")
    kind = chance.choice(("example", "example", "start", "start", "stop", "upload", "chance", "look", "nothing"))
    if kind == "example":
        thumbnails.nth(chance.randrange(thumbnails.count())).click(timeout=5000)
    elif kind == "upload":
        upload(page, chance.choice(files), chance.randrange(page.locator(".widget-upload").count()))
    elif kind == "chance" and page.get_by_role("button", name="One by chance").count():
        page.get_by_role("button", name="One by chance").first.click(timeout=5000)
    elif kind == "start":
        for name in ("Paint", "Who painted this?"):
            if page.get_by_role("button", name=name, exact=True).count():
                click(page, name)
    elif kind == "stop" and page.get_by_role("button", name="Stop, and keep it").count():
        click(page, "Stop, and keep it")
    elif kind == "look" and page.get_by_role("button", name="Where does it look?").count():
        click(page, "Where does it look?")


def test_four_visitors_at_once(chromium, gallery, tmp_path):
    chance = random.Random(1)
    noise = np.random.default_rng(0).integers(0, 256, (900, 700, 3), np.uint8)
    files = [tmp_path / name for name in ("good.png", "text.jpg", "nothing.png", "cut.png")]
    Image.fromarray(noise).save(files[0])
    files[1].write_text("a text")
    files[2].touch()
    files[3].write_bytes(files[0].read_bytes()[:5000])
    names = ("who_painted_this", "paint_like", "monet", "paint_like")
    visitors = [visit(chromium, gallery, name) for name in names]
    begun, said, weights, actions = time.monotonic(), -1.0, [], 0
    while (passed := time.monotonic() - begun) < 60 * MINUTES:
        visitor = chance.choice(visitors)
        act(visitor.page, files, chance)
        actions += 1
        time.sleep(chance.uniform(0.1, 0.8))
        if passed // 15 > said:
            said = passed // 15
            weights.append((passed, sorted(round(weight([kernel])) for kernel in gallery.kernels())))
            print(f"\n{passed:4.0f} s, {actions} actions, kernels {weights[-1][1]} MB", end="")
    for visitor in visitors:
        page = visitor.page
        assert not visitor.troubles
        assert "Traceback" not in page.content()
        page.locator(".artnb-strip button").first.click()  # it still answers
        page.locator(".artnb-strip .artnb-chosen").first.wait_for()
    largest = [max(found) for at, found in weights if at > 20 * MINUTES]
    assert largest and largest[-1] < GROWTH * largest[0], weights
    for visitor in visitors:
        visitor.page.close(run_before_unload=True)
