"""What the pages have in common: how they look, how a picture comes in, and how long work goes on beside them."""

import base64
import html
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, Generic, TypeVar
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb.errors import ArtnbError
from artnb.images import MAX_BYTES, fit, load_image, png_bytes, shrink
from artnb.models import KindName, list_models
from artnb.settings import settings
from artnb.widgets import inputs

TEMPLATES = Path(__file__).parent  # where Voilà looks for voila/templates/artnb
LIMIT = f"{MAX_BYTES // 1024**2} MB"

T = TypeVar("T")
log = logging.getLogger(__name__)


@cache
def _style() -> str:
    """The one style sheet; Voilà's pages link it, a notebook gets it with each widget."""
    return (TEMPLATES / "voila/templates/artnb/static/artnb.css").read_text(encoding="utf-8")


def model_choices(kind: KindName) -> dict[str, Path]:
    """The models of a kind that a visitor can choose: a label -> a folder, the starters first, the champion last."""
    found: dict[str, Path] = {}
    for entry in list_models(kind):
        if entry.card is None:
            log.warning("The model %s can't be offered: %s", entry.name, entry.problem)
        else:
            label = entry.card.label
            found[f"{label} ({entry.folder.name})" if label in found else label] = entry.folder
    return found


def page(title: str, about: str, *children: widgets.Widget, code: str) -> widgets.VBox:
    """A page: its title, a sentence, its widgets, and the plain call behind it for those who go on in code."""
    head = widgets.HTML(
        f'<header class="artnb-head"><h1>{html.escape(title)}</h1><p>{html.escape(about)}</p></header>'
        f"<style>{_style()}</style>"
    )
    foot = widgets.HTML(f'<details><summary>In code</summary><pre tabindex="0">{html.escape(code)}</pre></details>')
    box = styled(widgets.VBox([head, *children, foot]), "artnb")
    inputs.seal(box)
    return box


def watched(more: str = "") -> list[widgets.Widget]:
    """A line that says what is noted of each answer, if anything is (`ARTNB_LOG`)."""
    if not settings.log:
        return []
    kept = ", ".join(filter(None, ["the time", "the answer", "five figures about brightness and colour", more]))
    line = (
        f"Whoever runs this page keeps watch over its models. Noted of each answer: {kept}, and a number by which the "
        "same picture would be known again. The picture itself is not kept."
    )
    return [widgets.HTML(f'<p class="artnb-quiet">{line}</p>')]


def styled(widget: T, *classes: str) -> T:
    """The widget itself, with names that the style sheet knows."""
    for name in classes:
        widget.add_class(name)  # type: ignore[attr-defined]
    return widget


def columns(*children: widgets.Widget, tight: bool = False) -> widgets.Box:
    """Widgets side by side, or one below the other where there is no room."""
    return styled(widgets.Box(children), "artnb-columns", *(["artnb-tight"] if tight else []))


def row(*children: widgets.Widget) -> widgets.Box:
    """Buttons beside each other."""
    return styled(widgets.Box(children), "artnb-row")


class Message(widgets.HTML):
    """A line for what went wrong or is going on; read aloud by a screen reader when it changes."""

    def say(self, text: str) -> None:
        """News."""
        self.value = f'<p role="status">{html.escape(text)}</p>' if text else ""

    def complain(self, error: Exception | str) -> None:
        """What went wrong, in the words of an error of ours; of any other nothing but that it happened."""
        if not isinstance(error, ArtnbError | str):
            log.error("An unforeseen error on a page", exc_info=error)
        text = str(error) if isinstance(error, ArtnbError | str) else "Something went wrong here; try another picture."
        self.value = f'<p class="artnb-error" role="alert">{html.escape(text)}</p>'

    def guard(self, handler: Callable[..., None]) -> Callable[..., None]:
        """The same handler of an event, whose trouble is said here: what a widget's handler raises is lost."""

        def guarded(*arguments: Any) -> None:
            try:
                handler(*arguments)
            except Exception as error:
                self.complain(error)

        return guarded


class Loader(Generic[T]):
    """Things that take a while to load: each is loaded once, and who asks meanwhile waits for it.

    Args:
        load: from a name to the thing.
    """

    def __init__(self, load: Callable[[str], T]):
        self._load, self._lock = load, threading.Lock()
        self._loaded: dict[str, T] = {}

    def __call__(self, name: str) -> T:
        """The thing of this name."""
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = self._load(name)
            return self._loaded[name]

    def __contains__(self, name: str) -> bool:
        """Whether nobody has to wait for it."""
        return name in self._loaded

    def ahead(self, name: str) -> None:
        """Begin to load it beside the page; if that fails, whoever asks for it will hear of it."""

        def load() -> None:
            with suppress(Exception):
                self(name)

        threading.Thread(target=load, daemon=True).start()


class PictureChooser(widgets.VBox):
    """A picture from the visitor's disk, one of the examples, or one by chance.

    Attributes:
        picture: uint8 (height, width, 3), or None as long as there is none.

    Args:
        label: what it is for.
        examples: a name -> a picture.
        changed: called when there is another picture.
        chance: gives a picture of the collection and its name.
        longer: larger pictures are made smaller, to sides of so many pixels at most.
    """

    def __init__(
        self,
        label: str,
        examples: Mapping[str, np.ndarray],
        changed: Callable[[], None] = lambda: None,
        chance: Callable[[], tuple[np.ndarray, str]] | None = None,
        longer: int | None = None,
    ):
        self.picture: np.ndarray | None = None
        self._label, self._examples, self._changed, self._longer = label, examples, changed, longer
        self._shown = widgets.HTML('<div class="artnb-empty">Drop a picture here, or choose one below.</div>')
        self._upload = widgets.FileUpload(
            accept=".jpg,.jpeg,.png,.webp", multiple=False, description="Your picture …", tooltip="Your picture …"
        )
        self.message = Message()
        self._upload.observe(self.message.guard(self._uploaded), "value")
        buttons: list[widgets.Widget] = [self._upload]
        if chance is not None:
            random = widgets.Button(description="One by chance", tooltip="A random painting of the collection")
            random.on_click(self.message.guard(lambda _: self.show(*chance())))
            buttons.append(random)
        buttons.append(widgets.HTML(f"<small>JPG, PNG or WebP, up to {LIMIT}</small>", layout={"width": "auto"}))
        title = widgets.HTML(f"<h2>{html.escape(label)}</h2>")
        super().__init__([title, self._shown, self._strip(), row(*buttons), self.message])
        self.add_class("artnb-chooser")

    def show(self, picture: np.ndarray, name: str) -> None:
        """Take this picture; it is seen last, when the page has forgotten what was about another one."""
        self.picture = picture if self._longer is None else shrink(picture, self._longer)
        self._changed()
        self.message.say("" if name in self._examples else name)
        for button in self._thumbnails:
            (button.add_class if button.description == name else button.remove_class)("artnb-chosen")
        self._shown.value = shown(self.picture, f"{self._label}: {name}")

    def _strip(self) -> widgets.Box:
        """The examples as a row of small pictures; each is a button whose background the style sheet below gives."""
        unique = f"artnb-{uuid4().hex}"
        sheet, self._thumbnails = "", []
        for number, (name, picture) in enumerate(self._examples.items()):
            button = styled(widgets.Button(description=name, tooltip=name), f"{unique}-{number}")
            button.on_click(self.message.guard(self._picked))
            sheet += f".artnb .{unique}-{number} {{ background-image: url({data(png_bytes(fit(picture, 128)))}) }}"
            self._thumbnails.append(button)
        style = widgets.HTML(f"<style>{sheet}</style>", layout={"display": "contents"})
        return styled(widgets.Box([*self._thumbnails, style]), "artnb-strip")

    def _picked(self, button: widgets.Button) -> None:
        self.show(self._examples[button.description], button.description)

    def _uploaded(self, change: dict) -> None:
        if not change["new"]:
            return
        content = change["new"][0]["content"]
        try:
            # memoryview takes nothing but bytes: a text would be opened as a path.
            self.show(load_image(memoryview(content)), "Your picture")
        finally:
            self._upload.value = ()  # the bytes need not stay in memory


class Job:
    """Long work beside the page: one at a time, with a button that stops it.

    Args:
        start: the button that begins it; pressed while it runs, it does nothing.
        stop: the button that stops it, of work that takes long enough to have one.
        work: called in a thread with a function that says whether it is to stop.
        message: where trouble is said.
    """

    def __init__(
        self,
        start: widgets.Button,
        stop: widgets.Button | None,
        work: Callable[[Callable[[], bool]], None],
        message: Message,
    ):
        self._start, self._stop, self._work, self._message = start, stop, work, message
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        self._possible, self._running = not start.disabled, False
        self._lock = threading.RLock()  # the page and the work both light the buttons
        self._light()
        start.on_click(lambda _: self.begin())
        if stop is not None:
            stop.on_click(lambda _: self._wanted.set())

    @property
    def running(self) -> bool:
        """Whether it is at work."""
        return self._running

    def allow(self, possible: bool) -> None:
        """Whether it can be begun: its button is dark if not, and as long as it runs."""
        self._light(possible=possible)

    def begin(self) -> None:
        """Begin, unless it runs already."""
        if self._running:
            return
        self._wanted.clear()
        self._light(running=True)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait(self, seconds: float | None = None) -> None:
        """Until it has ended."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            self._work(self._wanted.is_set)
        except Exception as error:
            self._message.complain(error)
        finally:
            self._light(running=False)

    def _light(self, possible: bool | None = None, running: bool | None = None) -> None:
        """Take what has changed, and make the buttons that can be pressed bright and the others dark."""
        with self._lock:
            self._possible = self._possible if possible is None else possible
            self._running = self._running if running is None else running
            if self._stop is not None:
                self._stop.disabled = not self._running
            self._start.disabled = self._running or not self._possible


def data(content: bytes, kind: str = "image/png") -> str:
    """An address that holds a file itself, so that nothing is written to the server's disk."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def shown(image: np.ndarray, alt: str, longer: int = 640, caption: str = "") -> str:
    """A picture, small enough for a page, in HTML; `alt` is what it says to those who can't see it."""
    small = shrink(image, longer)
    picture = (
        f'<img alt="{html.escape(alt, quote=True)}" width="{small.shape[1]}" height="{small.shape[0]}" '
        f'src="{data(png_bytes(small))}">'
    )
    said = f'<figcaption class="artnb-quiet">{html.escape(caption)}</figcaption>' if caption else ""
    return f'<figure class="artnb-picture">{picture}{said}</figure>'


def compared(before: np.ndarray, after: np.ndarray, alt: str) -> str:
    """Two pictures of one size over each other, with an edge between them that can be moved; in HTML."""
    height, width = after.shape[:2]
    size = f'width="{width}" height="{height}"'
    return (
        '<div class="artnb-compare">'
        f'<img alt="{html.escape(alt, quote=True)}" {size} src="{data(png_bytes(after))}">'
        f'<img alt="Before" {size} src="{data(png_bytes(before))}">'
        '<input type="range" min="0" max="100" value="50" aria-label="Before at the left, after at the right" '
        "oninput=\"this.parentNode.style.setProperty('--at', this.value + '%')\"></div>"
    )


def bars(rows: Sequence[tuple[str, float]]) -> str:
    """Names and shares as horizontal bars, in HTML."""
    return "".join(
        f'<div class="artnb-bar"><span>{html.escape(name)}</span>'
        f'<span aria-hidden="true"><div style="width:{share:.1%}"></div></span><span>{share:.1%}</span></div>'
        for name, share in rows
    )


def download(content: bytes, name: str, text: str, kind: str = "image/png") -> str:
    """A link that hands a file over, in HTML."""
    return (
        f'<a class="artnb-download" download="{html.escape(name, quote=True)}" href="{data(content, kind)}">'
        f"{html.escape(text)}</a>"
    )
