"""What takes too long for `make test`: uploads of 60 and 200 MB, and four visitors at once who do what they like.

`make soak`; SOAK_MINUTES says how long the four stay (5). Not collected by `make test`.
"""

import itertools
import json
import os
import random
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from tests.browser import gallery as galleries
from tests.browser.gallery import upload, visit

MINUTES = float(os.environ.get("SOAK_MINUTES", "5"))
GROWTH = 1.5  # a kernel may weigh so many times what it did after a third of the time


@pytest.fixture
def gallery(chromium, tmp_path):
    """As `make demo` serves it, with kernels that wait."""
    with galleries.serve(tmp_path) as server:
        yield server


def weights_of(gallery) -> list[int]:
    """Megabytes of each kernel."""
    found = []
    for kernel in gallery.kernels():
        with suppress(psutil.NoSuchProcess):
            found.append(round(kernel.memory_info().rss / 1024**2))
    return sorted(found)


def picture_file(file: Path, megabytes: int) -> Path:
    side = int((megabytes * 1024**2 * 0.99 / 3) ** 0.5)
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(file, compress_level=0)
    assert 0.95 * megabytes < file.stat().st_size / 1024**2 <= megabytes
    return file


def test_a_picture_of_60_mb_arrives(chromium, gallery, tmp_path):
    file = picture_file(tmp_path / "large.png", 60)
    visitor = visit(chromium, gallery, "who_painted_this")
    begun = time.monotonic()
    upload(visitor.page, file)
    visitor.page.get_by_alt_text("The painting: Your picture").wait_for(timeout=180_000)
    print(f"\n60 MB shown after {time.monotonic() - begun:.1f} s")
    visitor.page.get_by_role("button", name="Who painted this?").click()
    visitor.page.locator(".artnb-bar").nth(4).wait_for(timeout=120_000)
    assert not visitor.troubles
    visitor.page.context.close()


def test_a_picture_of_200_mb_arrives(gallery, tmp_path):
    """Without Playwright: it listens to every message of a page's socket, and dies of one that is so large."""
    file = picture_file(tmp_path / "large.png", 200)
    with bare_browser(gallery.url + "voila/render/who_painted_this.ipynb", tmp_path / "profile") as send:

        def until(condition: str, seconds: float) -> None:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                with suppress(AssertionError):  # a page that has not come yet can't be asked
                    if send("Runtime.evaluate", expression=f"!!({condition})")["result"]["value"]:
                        return
                time.sleep(0.2)
            raise AssertionError(condition)

        until("document.querySelector('.widget-upload')?.offsetParent", 60)
        send("Page.enable")
        send("Page.setInterceptFileChooserDialog", enabled=True)
        press = "document.querySelector('.widget-upload').click()"
        opened = send("Runtime.evaluate", "Page.fileChooserOpened", expression=press, userGesture=True)
        begun = time.monotonic()
        send("DOM.setFileInputFiles", files=[str(file)], backendNodeId=opened["backendNodeId"])
        until("document.querySelector('img[alt=\"The painting: Your picture\"]')", 180)
        print(f"\n200 MB shown after {time.monotonic() - begun:.1f} s, kernels", weights_of(gallery))
        send("Runtime.evaluate", expression="document.querySelector('.artnb .mod-primary').click()")
        until("document.querySelectorAll('.artnb-bar').length == 5", 120)
        print("after its prediction", weights_of(gallery))


@contextmanager
def bare_browser(url: str, profile: Path) -> Iterator:
    """A page in Chromium, and a function that sends it a command of the DevTools protocol, or waits for an event."""
    from websockets.sync.client import connect

    arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    process = subprocess.Popen(
        [str(galleries.CHROMIUM), *arguments, "--remote-debugging-port=0", f"--user-data-dir={profile}", url],
        stderr=subprocess.DEVNULL,
    )
    try:
        while not (found := profile / "DevToolsActivePort").is_file() or not found.read_text().strip():
            time.sleep(0.1)
        port = found.read_text().splitlines()[0]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json") as pages:
            address = next(page for page in json.load(pages) if page["type"] == "page")["webSocketDebuggerUrl"]
        with connect(address, max_size=None) as socket:
            numbers = itertools.count()

            def send(command: str, event: str = "", **parameters: object) -> dict:
                number = next(numbers)
                socket.send(json.dumps({"id": number, "method": command, "params": parameters}))
                while True:
                    said = json.loads(socket.recv(timeout=120))
                    assert "error" not in said, said
                    if said.get("method") == event:
                        return said["params"]
                    if said.get("id") == number and not event:
                        return said["result"]

            yield send
    finally:
        process.terminate()
        process.wait(30)


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
    elif kind == "chance" and page.get_by_role("button", name="A random one").count():
        page.get_by_role("button", name="A random one").first.click(timeout=5000)
    elif kind == "start":
        for name in ("Paint", "Paint carefully", "Who painted this?"):
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
            weights.append((passed, weights_of(gallery)))
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
