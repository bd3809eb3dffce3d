"""The pages as they are served, and a browser to visit them with: for the tests, the soak and the screenshots."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

CHECKOUT = Path(__file__).resolve().parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PAGES = {"who_painted_this": "Who painted this?", "paint_like": "Paint like …", "monet": "Monet"}


@dataclass
class Gallery:
    """A server of the pages."""

    url: str
    home: Path
    process: psutil.Process

    def kernel_of(self, page) -> psutil.Process:
        """The kernel of an open page."""
        name = json.loads(page.locator("#jupyter-config-data").text_content())["kernelId"]
        return next(kernel for kernel in self.kernels() if name in _command(kernel))

    def kernels(self) -> list[psutil.Process]:
        """The kernels that run."""
        return [child for child in self.process.children(recursive=True) if "ipykernel_launcher" in _command(child)]


def wait_for(condition: Callable[[], bool], seconds: float) -> None:
    """Until something is so."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.2)


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return ""


@contextmanager
def serve(
    home: Path, *options: str, command: Sequence[str | Path] = (sys.executable, "-m", "artnb")
) -> Iterator[Gallery]:
    """What `make demo` serves, on a free port, with its models and its store in a folder of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "ARTNB_HOME": str(home), "ARTNB_WEIGHTS": "packaged", "TF_CPP_MIN_LOG_LEVEL": "2"}
    environment.pop("PYTEST_CURRENT_TEST", None)
    log = home / "voila.log"
    with log.open("w") as said:
        server = subprocess.Popen(
            [*command, "demo", f"--port={port}", *options],
            env=environment,
            stdout=said,
            stderr=said,
        )
    url = f"http://127.0.0.1:{port}/"
    try:
        for _ in range(300):
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
        yield Gallery(url, home, psutil.Process(server.pid))
    finally:
        server.terminate()
        server.wait(30)


@contextmanager
def browser() -> Iterator:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


@dataclass
class Visit:
    """A page in a browser window of its own, and what went wrong in it."""

    page: Any
    troubles: list[str] = field(default_factory=list)


def visit(chromium, gallery: Gallery, name: str = "", width: int = 1280) -> Visit:
    """Open a page, or the start page, as a new visitor, and wait until it is there."""
    page = chromium.new_context(viewport={"width": width, "height": 900}, accept_downloads=True).new_page()
    page.set_default_timeout(60_000)
    found = Visit(page)
    page.on("pageerror", lambda error: found.troubles.append(f"script: {error}"))
    page.on("console", lambda said: found.troubles.append(f"console: {said.text}") if said.type == "error" else None)
    page.on("response", lambda got: found.troubles.append(f"{got.status} {got.url}") if got.status >= 400 else None)

    def local(request) -> None:
        if not request.url.startswith((gallery.url, gallery.url.replace("http", "ws"), "data:", "blob:")):
            found.troubles.append(f"from another server: {request.url}")

    page.on("request", local)
    page.goto(gallery.url + (f"voila/render/{name}.ipynb" if name else ""))
    page.locator("h1").wait_for()
    return found


def button(page, name, **how):
    """The button of a page that is called so."""
    return page.get_by_role("button", name=name, **how)


def upload(page, file, which: int = 0) -> None:
    """Choose a file in the dialog of the n-th upload button; a dict with name, mimeType and buffer does, too."""
    with page.expect_file_chooser() as dialog:
        page.locator(".widget-upload").nth(which).click()
    dialog.value.set_files(file)
