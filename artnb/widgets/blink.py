"""A painter by name, on the page "Paint like …": a photograph is painted at once, and again with every change."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.common import logs
from artnb.images import shrink
from artnb.settings import settings
from artnb.widgets.choosing import readable_models
from artnb.widgets.parts import Loader, Message, columns
from artnb.widgets.visitors import this_visitor

if TYPE_CHECKING:
    from artnb.style.fast import PainterModel

SIDE = 512  # pixels of the longer side, at most


class Wish(NamedTuple):
    """What is to be painted.

    Attributes:
        photo: uint8 (height, width, 3).
        name: of the painter.
        strength: from 0 to 1.
        keep_colours: paint in lightness only.
        stroke: how large the strokes are.
    """

    photo: np.ndarray
    name: str
    strength: float
    keep_colours: bool
    stroke: float


class Blink(widgets.VBox):
    """The list of the painters that the fast painters here know, and how large their strokes are.

    Of wishes that come faster than it paints, the last is painted and those before it are left out.

    Attributes:
        painted: the photograph and its painting, uint8 of one size, of the last wish; None without one.

    Args:
        show: called with a photograph, its painting and the painter's name.
        message: for errors, and how long it took.
        visit: stands for the visitor in a notebook.
    """

    def __init__(self, show: Callable[[np.ndarray, np.ndarray, str], None], message: Message, visit: str):
        self._show, self._message, self._visit = show, message, visit
        self._folders = _painters()
        self._models: Loader[PainterModel] = Loader(lambda folder: models.load_model(folder, "painter"))
        self._lock = threading.Lock()
        self._wish: Wish | None = None
        self._thread: threading.Thread | None = None
        self.painted: tuple[np.ndarray, np.ndarray] | None = None
        names = [("choose …", None), *((name, name) for name in self._folders)]
        self.name = widgets.Dropdown(options=names, description="Painter")
        self.stroke = widgets.FloatSlider(1.0, min=0.5, max=4.0, step=0.25, description="Strokes")
        super().__init__([columns(self.name, self.stroke, tight=True)])
        if not self._folders:
            self.layout.display = "none"

    def wish(self, photo: np.ndarray | None, strength: float, keep_colours: bool) -> None:
        """Paint a photograph like the painter that is chosen; without one or the other, nothing."""
        self.painted = None
        if photo is None or self.name.value is None:
            self.drop()
            return
        wish = Wish(shrink(photo, SIDE), self.name.value, strength, keep_colours, self.stroke.value)
        with self._lock:
            self._wish = wish
            if self._thread is None:
                self._thread = threading.Thread(target=self._paint_all, daemon=True)
                self._thread.start()

    def drop(self) -> None:
        """Paint nothing more, until there is another wish."""
        with self._lock:
            self._wish = None

    def wait(self, seconds: float | None = None) -> None:
        """Wait until the last wish is painted."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)

    def ahead(self) -> None:
        """Load the first painter in a thread, before it is asked for."""
        for folder in list(self._folders.values())[:1]:
            self._models.ahead(str(folder))

    def _paint_all(self) -> None:
        while True:
            with self._lock:
                wish, self._wish = self._wish, None
                if wish is None:
                    self._thread = None
                    return
            try:
                with logs.request():
                    self._paint(wish)
            except Exception as error:  # whatever it is, the page keeps working
                self._message.complain(error)

    def _paint(self, wish: Wish) -> None:
        folder = str(self._folders[wish.name])
        if folder not in self._models:
            self._message.say("The painter is being loaded …")
        model = self._models(folder)
        start = time.perf_counter()
        painting = model(
            wish.photo, wish.name, strength=wish.strength, keep_colours=wish.keep_colours, stroke=wish.stroke
        )
        seconds = time.perf_counter() - start
        if self._wish is not None or self.name.value != wish.name:
            return  # for another one, which is painted next, or for none
        self.painted = wish.photo, painting
        self._show(wish.photo, painting, wish.name)
        self._message.say(f"Painted like {wish.name} in {seconds:.1f} seconds.")
        if settings.log:
            from artnb.operation import monitoring

            monitoring.record_painting(
                Path(folder).name,
                wish.photo,
                painting,
                lambda: model.fidelity(painting, wish.photo, [wish.name]),
                seconds,
                model.identity,
                this_visitor(self._visit).token,
            )


def _painters() -> dict[str, Path]:
    """Painter's name -> the folder of the first fast painter that knows it."""
    known: dict[str, Path] = {}
    for _, card, folder in readable_models("painter"):
        for style in card.styles:
            known.setdefault(style, folder)
    return known
