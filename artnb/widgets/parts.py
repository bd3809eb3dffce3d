"""What the pages have in common: how they look, how a picture comes in, and how long work goes on beside them."""

import base64
import html
import threading
from collections.abc import Callable, Mapping, Sequence

import ipywidgets as widgets
import numpy as np

from artnb.errors import ArtnbError
from artnb.images import MAX_BYTES, load_image, png_bytes, shrink

# A gallery's wall: much white, one column, quiet letters. The same sheet goes with every page.
STYLE = """
<style>
.artnb { max-width: 60rem; margin: 0 auto; font: 16px/1.55 system-ui, sans-serif; color: #222; }
.artnb h1 { font-size: 1.9rem; font-weight: 300; margin: .5rem 0; }
.artnb p { margin: .4rem 0; }
.artnb .error { color: #8c1c13; }
.artnb .bar { display: grid; grid-template-columns: 12rem 1fr 4rem; gap: .6rem; align-items: center; margin: .15rem 0; }
.artnb .bar div { background: #0173b2; height: .8rem; }
.artnb img { max-width: 100%; height: auto; }
.artnb pre { background: #f5f5f5; padding: .7rem; overflow-x: auto; }
@media (max-width: 480px) { .artnb .bar { grid-template-columns: 8rem 1fr 3.5rem; font-size: 14px; } }
</style>
"""


def page(title: str, about: str, *children: widgets.Widget, code: str) -> widgets.VBox:
    """A page: its title, a sentence, its widgets, and the plain call behind it for those who go on in code."""
    head = widgets.HTML(f"{STYLE}<h1>{html.escape(title)}</h1><p>{html.escape(about)}</p>")
    foot = widgets.HTML(f"<details><summary>In code</summary><pre>{html.escape(code)}</pre></details>")
    box = widgets.VBox([head, *children, foot])
    box.add_class("artnb")
    return box


class Message(widgets.HTML):
    """A line for what went wrong or is going on; read aloud by a screen reader when it changes."""

    def say(self, text: str) -> None:
        """News."""
        self.value = f'<p role="status">{html.escape(text)}</p>' if text else ""

    def complain(self, error: Exception | str) -> None:
        """What went wrong, in the words of an error of ours; of any other nothing but that it happened."""
        text = str(error) if isinstance(error, ArtnbError | str) else "Something went wrong here; try another picture."
        self.value = f'<p class="error" role="alert">{html.escape(text)}</p>'


def png(image: np.ndarray, longer: int = 512) -> bytes:
    """A picture as a PNG file, made small enough for a page."""
    return png_bytes(shrink(image, longer))


class PictureChooser(widgets.VBox):
    """A picture from the visitor's disk, or one of the examples.

    Attributes:
        picture: uint8 (height, width, 3), or None as long as there is none.

    Args:
        label: what it is for.
        examples: a name -> a picture.
        changed: called when there is another picture.
    """

    def __init__(self, label: str, examples: Mapping[str, np.ndarray], changed: Callable[[], None] = lambda: None):
        self.picture: np.ndarray | None = None
        self._examples, self._changed = examples, changed
        self._upload = widgets.FileUpload(
            accept=".jpg,.jpeg,.png,.webp", multiple=False, description=f"{label} …", layout={"width": "16em"}
        )
        self._pick = widgets.Dropdown(
            options=["or an example", *examples], layout={"width": "16em"}, tooltip=f"{label}: an example"
        )
        self._shown = widgets.Image(format="png", alt=f"{label}: none yet", layout={"display": "none"})
        self.message = Message()
        limit = widgets.HTML(f"<small>JPG, PNG or WebP, up to {MAX_BYTES // 1024**2} MB</small>")
        super().__init__([self._upload, limit, self._pick, self._shown, self.message])
        self._label = label
        self._upload.observe(self._uploaded, "value")
        self._pick.observe(self._picked, "value")

    def show(self, picture: np.ndarray, name: str) -> None:
        """Take this picture."""
        self.picture = picture
        self._shown.value, self._shown.alt = png(picture, 320), f"{self._label}: {name}"
        self._shown.layout = widgets.Layout(max_width="100%", width="auto")
        self.message.say("")
        self._changed()

    def _uploaded(self, change: dict) -> None:
        if not change["new"]:
            return
        content = change["new"][0]["content"]
        self._upload.value = ()  # the bytes need not stay in memory
        try:
            self.show(load_image(content), "your picture")
        except Exception as error:
            self.message.complain(error)

    def _picked(self, change: dict) -> None:
        if change["new"] in self._examples:
            self.show(self._examples[change["new"]], change["new"])


class Job:
    """Long work beside the page: one at a time, with a button that stops it.

    Args:
        start: the button that begins it; pressed while it runs, it does nothing.
        stop: the button that stops it.
        work: called in a thread with a function that says whether it is to stop.
        message: where trouble is said.
    """

    def __init__(
        self,
        start: widgets.Button,
        stop: widgets.Button,
        work: Callable[[Callable[[], bool]], None],
        message: Message,
    ):
        self._start, self._stop, self._work, self._message = start, stop, work, message
        self._wanted = threading.Event()
        self._thread: threading.Thread | None = None
        stop.disabled = True
        start.on_click(lambda _: self.begin())
        stop.on_click(lambda _: self._wanted.set())

    def begin(self) -> None:
        """Begin, unless it runs already."""
        if self._thread is not None and self._thread.is_alive():
            return
        self._wanted.clear()
        self._start.disabled, self._stop.disabled = True, False
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
            self._start.disabled, self._stop.disabled = False, True


def bars(rows: Sequence[tuple[str, float]]) -> str:
    """Names and shares as horizontal bars, in HTML."""
    return "".join(
        f'<div class="bar"><span>{html.escape(name)}</span>'
        f'<span aria-hidden="true"><div style="width:{share:.1%}"></div></span><span>{share:.1%}</span></div>'
        for name, share in rows
    )


def download(data: bytes, name: str, text: str) -> str:
    """A link that holds a PNG file itself, so that nothing is written to the server's disk; in HTML."""
    source = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    return f'<a download="{html.escape(name, quote=True)}" href="{source}">{html.escape(text)}</a>'
