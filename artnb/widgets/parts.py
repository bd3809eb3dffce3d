"""What the pages share: layout and style sheet, the picture chooser, and jobs that run in a thread."""

import base64
import hashlib
import html
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb.common import logs
from artnb.errors import ArtnbError
from artnb.images import MAX_BYTES, fit, load_image, png_bytes, shrink
from artnb.settings import settings
from artnb.widgets import inputs
from artnb.widgets.visitors import this_visitor

TEMPLATES = Path(__file__).parent  # where Voilà looks for voila/templates/artnb
_NARROWEST = 32  # pixels that a picture's shorter side keeps, as many as a painting needs
LIMIT = f"{MAX_BYTES // 1024**2} MB"

_T = TypeVar("_T")


@cache
def _style() -> str:
    """The style sheet; Voilà's pages link it, in a notebook each widget contains it."""
    return (TEMPLATES / "voila/templates/artnb/static/artnb.css").read_text(encoding="utf-8")


def page(title: str, about: str, *children: widgets.Widget, code: str) -> widgets.VBox:
    """A page with its title, a text about it, its widgets, and the code that does the same; sealed, see `inputs`."""
    head = widgets.HTML(
        f'<header class="artnb-head"><h1>{html.escape(title)}</h1><p>{html.escape(about)}</p></header>'
        f"<style>{_style()}</style>"
    )
    foot = widgets.HTML(f'<details><summary>In code</summary><pre tabindex="0">{html.escape(code)}</pre></details>')
    box = styled(widgets.VBox([head, *children, foot]), "artnb")
    inputs.seal(box)
    return box


def privacy_note(*of_the_answer: str) -> list[widgets.Widget]:
    """A line that tells visitors what is logged of each answer; empty if nothing is (`ARTNB_LOG`)."""
    if not settings.log:
        return []
    saved = ", ".join(["the time", "how long it took", *of_the_answer, "five figures about brightness and colour"])
    line = (
        f"The models of this page are monitored. Saved of each answer: {saved}, a number by which the same picture can "
        "be recognised, a number of the question, and a random number of this browser. The picture itself is not kept. "
        f"{retention()}"
    )
    return [widgets.HTML(f'<p class="artnb-quiet">{line}</p>')]


def retention() -> str:
    """How long is kept what is saved of visitors, in a sentence."""
    if settings.keep_days:
        return f"What is saved is deleted after {settings.keep_days} days."
    return "What is saved is kept until it is deleted by you or by whoever runs this page."


def forget_button(visit: str) -> widgets.Widget:
    """A button with which visitors delete what was saved of them.

    Args:
        visit: see `visitors.this_visitor`.
    """
    button, message = widgets.Button(description="Delete what was saved of me"), Message()

    def forget(_: object) -> None:
        from artnb.operation.store import Store

        number = Store.default().forget(this_visitor(visit).token)
        message.say(f"Deleted: {number} {'entry' if number == 1 else 'entries'}.")

    button.on_click(message.guard(forget))
    return row(button, message)


def styled(widget: _T, *classes: str) -> _T:
    """The widget itself, with classes of the style sheet."""
    for name in classes:
        widget.add_class(name)  # type: ignore[attr-defined]
    return widget


def columns(*children: widgets.Widget, tight: bool = False) -> widgets.Box:
    """Widgets side by side, or below each other on a narrow screen."""
    return styled(widgets.Box(children), "artnb-columns", *(["artnb-tight"] if tight else []))


def row(*children: widgets.Widget) -> widgets.Box:
    """Buttons side by side."""
    return styled(widgets.Box(children), "artnb-row")


class Message(widgets.HTML):
    """A line for progress and errors; screen readers read it aloud when it changes."""

    def say(self, text: str) -> None:
        """Show a text; an empty one clears the line."""
        self.value = f'<p role="status">{html.escape(text)}</p>' if text else ""

    def complain(self, error: Exception | str) -> None:
        """Show the message of an `ArtnbError`; any other error is logged, and the page shows its number there."""
        if isinstance(error, ArtnbError | str):
            text = str(error)
        else:
            number = logs.unforeseen("page.failed", error)
            text = f"Something went wrong here, which is not your fault (error {number}); try another picture."
        self.value = f'<p class="artnb-error" role="alert">{html.escape(text)}</p>'

    def guard(self, handler: Callable[..., None]) -> Callable[..., None]:
        """The same event handler, but its errors are shown here; ipywidgets would hide them."""

        def guarded(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception as error:
                self.complain(error)

        return guarded


class Loader(Generic[_T]):
    """Loads networks and models, each once; a second thread that needs the same one waits.

    Args:
        load: loads the one with a name.
    """

    def __init__(self, load: Callable[[str], _T]):
        self._load, self._lock = load, threading.Lock()
        self._loaded: dict[str, _T] = {}

    def __call__(self, name: str) -> _T:
        """Return the one with this name, loaded first if necessary."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def __contains__(self, name: str) -> bool:
        """Whether the one with this name is loaded."""
        return name in self._loaded

    def ahead(self, name: str) -> None:
        """Start to load it in a thread; if that fails, the next call raises the error."""

        def load() -> None:
            with suppress(Exception):
                self(name)

        threading.Thread(target=load, daemon=True).start()


class PictureChooser(widgets.VBox):
    """A picture from the visitor's disk, one of the examples, or a random one.

    Attributes:
        picture: uint8 (height, width, 3), or None until one is chosen.
        name: what it is called: an example's name, or what `random_picture` says.
        digest: the SHA-256 of the visitor's file; empty for other pictures.

    Args:
        label: the heading.
        examples: name -> picture.
        changed: called when another picture is chosen.
        random_picture: returns a picture of the collection and its name.
        longest: of the longer side, in pixels; larger pictures are made smaller, but panoramas to no line.
    """

    def __init__(
        self,
        label: str,
        examples: Mapping[str, np.ndarray],
        changed: Callable[[], None] = lambda: None,
        random_picture: Callable[[], tuple[np.ndarray, str]] | None = None,
        longest: int | None = None,
    ):
        self.picture: np.ndarray | None = None
        self.name = self.digest = ""
        self._label, self._examples, self._changed, self._longest = label, examples, changed, longest
        self._shown = widgets.HTML('<div class="artnb-empty">Drop a picture here, or choose one below.</div>')
        self._upload = widgets.FileUpload(
            accept=".jpg,.jpeg,.png,.webp", multiple=False, description="Your picture …", tooltip="Your picture …"
        )
        self.message = Message()
        self._upload.observe(self.message.guard(self._uploaded), "value")
        buttons: list[widgets.Widget] = [self._upload]
        if random_picture is not None:
            random = widgets.Button(description="A random one", tooltip="A random painting of the collection")
            random.on_click(self.message.guard(lambda _: self.show(*random_picture())))
            buttons.append(random)
        buttons.append(widgets.HTML(f"<small>JPG, PNG or WebP, up to {LIMIT}</small>", layout={"width": "auto"}))
        title = widgets.HTML(f"<h2>{html.escape(label)}</h2>")
        super().__init__([title, self._shown, self._strip(), row(*buttons), self.message])
        self.add_class("artnb-chooser")

    def show(self, picture: np.ndarray, name: str, digest: str = "") -> None:
        """Use this picture; it is shown last, after the page has cleared the results of the previous one."""
        longest = self._longest
        if longest is not None:
            longest = max(longest, -(-_NARROWEST * max(picture.shape[:2]) // min(picture.shape[:2])))
        before = self.picture, self.name, self.digest
        self.picture, self.name, self.digest = picture if longest is None else shrink(picture, longest), name, digest
        try:
            self._changed()
        except Exception:  # the page still shows the one before, so that one is asked about
            self.picture, self.name, self.digest = before
            raise
        self.message.say("" if name in self._examples else name)
        for button in self._thumbnails:
            (button.add_class if button.description == name else button.remove_class)("artnb-chosen")
        self._shown.value = shown(self.picture, f"{self._label}: {name}")

    def _strip(self) -> widgets.Box:
        """The examples as a row of buttons with small pictures, which a style sheet sets as their backgrounds."""
        unique = f"artnb-{uuid4().hex}"
        sheet, self._thumbnails = "", []
        for number, (name, picture) in enumerate(self._examples.items()):
            button = styled(widgets.Button(description=name, tooltip=name), f"{unique}-{number}")
            button.on_click(self.message.guard(self._picked))
            sheet += f".artnb .{unique}-{number} {{ background-image: url({data(png_bytes(fit(picture, 128)))}) }}"
            self._thumbnails.append(button)
        style = widgets.HTML(f"<style>{sheet}</style>", layout={"display": "none"})  # no place in the grid
        return styled(widgets.Box([*self._thumbnails, style]), "artnb-strip")

    def _picked(self, button: widgets.Button) -> None:
        self.show(self._examples[button.description], button.description)

    def _uploaded(self, change: dict) -> None:
        if not change["new"]:
            return
        content = change["new"][0]["content"]
        self.message.say("Your picture is being read …")  # a large one takes many seconds
        try:
            # memoryview accepts nothing but bytes; `load_image` would open a text as a path.
            content = memoryview(content)
            self.show(load_image(content), "Your picture", hashlib.sha256(content).hexdigest())
        finally:
            self._upload.value = ()  # free the bytes


class Job:
    """Long work in a thread, once at a time, with a button that starts it and one that stops it.

    Args:
        start: the button that starts it; disabled while it runs.
        stop: the button that stops it, or None.
        work: called in the thread, with a function that returns whether to stop.
        message: where errors are shown.
    """

    def __init__(
        self,
        start: widgets.Button,
        stop: widgets.Button | None,
        work: Callable[[Callable[[], bool]], None],
        message: Message,
    ):
        self._start, self._stop, self._work, self._message = start, stop, work, message
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._possible, self._running = not start.disabled, False
        self._lock = threading.RLock()  # the page and the thread both change the buttons
        self._update()
        start.on_click(lambda _: self.begin())
        if stop is not None:
            stop.on_click(lambda _: self._stopping.set())

    @property
    def running(self) -> bool:
        """Whether the work runs."""
        return self._running

    def allow(self, possible: bool) -> None:
        """Set whether it can be started; otherwise its button is disabled."""
        self._update(possible=possible)

    def begin(self) -> None:
        """Start the work, unless it runs already."""
        if self._running:
            return
        self._stopping.clear()
        self._update(running=True)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            with logs.request():
                self._run_work()
        finally:
            self._update(running=False)

    def _run_work(self) -> None:
        try:
            self._work(self._stopping.is_set)
        except Exception as error:
            self._message.complain(error)

    def _update(self, possible: bool | None = None, running: bool | None = None) -> None:
        """Set what is given, and enable or disable the buttons."""
        with self._lock:
            self._possible = self._possible if possible is None else possible
            self._running = self._running if running is None else running
            if self._stop is not None:
                self._stop.disabled = not self._running
            self._start.disabled = self._running or not self._possible


def data(content: bytes, kind: str = "image/png") -> str:
    """A data: URL, so that nothing is written to the server's disk."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def shown(image: np.ndarray, alt: str, longest: int = 640, caption: str = "") -> str:
    """A picture, small enough for a page, in HTML; `alt` describes it for those who can't see it."""
    small = shrink(image, longest)
    picture = (
        f'<img alt="{html.escape(alt, quote=True)}" width="{small.shape[1]}" height="{small.shape[0]}" '
        f'src="{data(png_bytes(small))}">'
    )
    below = f'<figcaption class="artnb-quiet">{html.escape(caption)}</figcaption>' if caption else ""
    return f'<figure class="artnb-picture">{picture}{below}</figure>'


def compared(before: np.ndarray, after: np.ndarray, alt: str) -> str:
    """Two pictures of one size, with a slider that shows more of the one or the other, in HTML."""
    height, width = after.shape[:2]
    size = f'width="{width}" height="{height}"'
    return (
        '<div class="artnb-compare">'
        f'<img alt="{html.escape(alt, quote=True)}" {size} src="{data(png_bytes(after))}">'
        f'<img alt="Before" {size} src="{data(png_bytes(before))}">'
        '<input type="range" min="0" max="100" value="25" aria-label="Before at the left, after at the right" '
        "oninput=\"this.parentNode.style.setProperty('--at', this.value + '%')\"></div>"
    )


def share_bars(rows: Sequence[tuple[str, float]]) -> str:
    """Names and shares as horizontal bars, in HTML."""
    return "".join(
        f'<div class="artnb-bar"><span>{html.escape(name)}</span>'
        f'<span aria-hidden="true"><div style="width:{share:.1%}"></div></span><span>{share:.1%}</span></div>'
        for name, share in rows
    )


def download(content: bytes, name: str, text: str, kind: str = "image/png") -> str:
    """A link that downloads a file, in HTML."""
    return (
        f'<a class="artnb-download" download="{html.escape(name, quote=True)}" href="{data(content, kind)}">'
        f"{html.escape(text)}</a>"
    )
