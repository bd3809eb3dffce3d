"""The page that turns photographs into Monets."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.images import fit, png_bytes
from artnb.settings import settings
from artnb.widgets import examples as shipped
from artnb.widgets.choosing import ModelChoice
from artnb.widgets.parts import (
    Job,
    Loader,
    Message,
    PictureChooser,
    columns,
    download,
    forget_button,
    page,
    privacy_note,
    row,
    shown,
)
from artnb.widgets.preferring import Preferring
from artnb.widgets.visitors import this_visitor

if TYPE_CHECKING:
    from artnb.cyclegan.model import CycleModel

VIEW = 256  # pixels of the square that shows the discriminator's answer
_LARGEST = 1280  # pixels of the longer side; a generator takes about 8 seconds for them


def monet(examples: Mapping[str, np.ndarray] | None = None, preload: bool = False) -> widgets.VBox:
    """A page that turns a photograph into a Monet.

    Args:
        examples: name -> picture to try it with; by default photographs that other packages ship.
        preload: load the first model right away, in a thread.
    """
    model = ModelChoice("cyclegan")
    start = widgets.Button(description="Paint", button_style="primary", disabled=True)
    visit = uuid4().hex  # stands for the visitor in a notebook
    message, result, saved, view = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()
    preferring = Preferring(visit)

    def load(folder: str) -> "CycleModel":
        return models.load_model(folder)

    def ready() -> None:
        model.update()
        job.allow(chooser.picture is not None and bool(model.options))

    def work(_: Callable[[], bool]) -> None:
        visitor = this_visitor(visit)
        picture, folder = chooser.picture, str(model.folder(model.value, visitor.token))
        assert picture is not None
        message.say("The model is being loaded …" if folder not in networks else "Painting …")
        result.value = saved.value = view.value = ""
        painter = networks(folder)
        message.say("Painting …")
        start_time = time.perf_counter()
        painted = painter(picture)
        seconds = time.perf_counter() - start_time
        result.value = (
            '<div class="artnb-columns">'
            + shown(picture, "The picture as it was", _LARGEST, "Before")
            + shown(painted, f"The picture as a Monet, painted by {painter.card.title}", _LARGEST, "After")
            + "</div>"
        )
        saved.value = download(png_bytes(painted), "monet.png", "Download the picture")
        message.say("The discriminator judges it …")
        realness = painter.realness(painted, "monet")
        view.value = _judged(realness, picture.shape[0] == picture.shape[1])
        preferring.painted(picture, f"{painter.folder.name} {painter.identity[:8]}")
        message.say("")
        if settings.log:
            from artnb.operation import monitoring

            monitoring.record_painting(
                painter.folder.name, picture, painted, lambda: realness, seconds, painter.identity, visitor.token
            )

    networks = Loader(load)
    pictures = shipped.photographs() if examples is None else examples
    chooser = PictureChooser("The picture", pictures, ready, shipped.random_painting, _LARGEST)
    if not model.options:
        message.complain("There is no CycleGAN here yet; train one with: artnb train cyclegan")
    elif preload:
        networks.ahead(str(model.folder(model.value, visit)))
    box = page(
        "Monet",
        "This network was trained on many Monets and many photographs, but on no pairs of them. It paints quickly: the "
        f"largest pictures, {_LARGEST:,} pixels long, take about eight seconds. The other direction, from Monet to "
        "photograph, is not good enough yet to be shown here.",
        columns(chooser, widgets.VBox([model, row(start), message])),
        result,
        saved,
        preferring,
        view,
        *privacy_note("three measures of what was painted"),
        forget_button(visit),
        code='from artnb import load_model\n\nload_model("starter-monet")("photo.jpg")',
    )
    job = Job(start, None, work, message)
    box.job = job
    return box


def _judged(realness: np.ndarray, square: bool) -> str:
    """The discriminator's scores of a picture, (rows, columns), as a map in grey with a caption, in HTML."""
    grey = fit((realness.clip(0, 1) * 255).round().astype(np.uint8), VIEW)
    caption = "The lighter an area, the more it looks like a real Monet to the discriminator"
    return (
        "<h3>The discriminator's view</h3>"
        f"<p>{caption}. On average {realness.mean():.2f}, where 1 is real and 0 is generated."
        f"{'' if square else ' It is shown the middle square of the picture.'}</p>" + shown(grey, caption)
    )
