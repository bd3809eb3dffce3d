"""Photograph to Monet, in a moment."""

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.images import fit, png_bytes
from artnb.settings import settings
from artnb.widgets import examples as ours
from artnb.widgets.parts import (
    Job,
    Loader,
    Message,
    PictureChooser,
    columns,
    download,
    model_choices,
    page,
    row,
    shown,
    watched,
)

if TYPE_CHECKING:
    from artnb.cyclegan.model import CycleModel

VIEW = 256  # pixels of the square that shows what a discriminator says
LARGEST = 1280  # pixels of the longer side; a generator takes about 8 seconds for them


def monet(examples: Mapping[str, np.ndarray] | None = None, preload: bool = False) -> widgets.VBox:
    """A page that turns a photograph into a Monet.

    Args:
        examples: a name -> a picture to try it with; by default photographs that other packages ship.
        preload: load the first model right away, beside the page.
    """
    found = model_choices("cyclegan")
    model = widgets.Dropdown(options=list(found), description="Model", style={"description_width": "4rem"})
    start = widgets.Button(description="Paint", button_style="primary", disabled=True)
    visitor = uuid4().hex
    message, result, saved, view = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()

    def load(label: str) -> "CycleModel":
        return models.load_model(found[label])

    def ready() -> None:
        job.allow(chooser.picture is not None and bool(found))

    def work(_: Callable[[], bool]) -> None:
        picture, label = chooser.picture, model.value
        assert picture is not None
        message.say("The model is being loaded …" if label not in networks else "Painting …")
        result.value = saved.value = view.value = ""
        painter = networks(label)
        message.say("Painting …")
        begun = time.perf_counter()
        made = painter(picture)
        seconds = time.perf_counter() - begun
        result.value = (
            '<div class="artnb-columns">'
            + shown(picture, "The picture as it was", LARGEST, "Before")
            + shown(made, f"The picture as a Monet, made by {painter.card.title}", LARGEST, "After")
            + "</div>"
        )
        saved.value = download(png_bytes(made), "monet.png", "Download the picture")
        message.say("The discriminator looks at it …")
        realness = painter.realness(made, "monet")
        view.value = _judged(realness)
        message.say("")
        if settings.log:
            from artnb.operation import monitoring

            folder, version = painter.folder, models.identity(painter.folder)
            monitoring.record_painting(folder.name, picture, made, lambda: realness, seconds, version, visitor)

    networks = Loader(load)
    chance = ours.by_chance
    pictures = ours.photographs() if examples is None else examples
    chooser = PictureChooser("The picture", pictures, ready, chance, LARGEST)
    if not found:
        message.complain("There is no CycleGAN here yet; train one with: artnb train cyclegan")
    elif preload:
        networks.ahead(model.value)
    box = page(
        "Monet",
        "A network that has seen many Monets and many photographs, and no pair of them, paints at once. "
        f"Pictures are painted at {LARGEST:,} pixels at most, which takes some eight seconds. The way back, from Monet "
        "to photograph, is not good enough yet to be shown here.",
        columns(chooser, widgets.VBox([model, row(start), message])),
        result,
        saved,
        view,
        *watched(),
        code='from artnb import load_model\n\nload_model("starter-monet")("photo.jpg")',
    )
    job = Job(start, None, work, message)
    box.job = job
    return box


def _judged(realness: np.ndarray) -> str:
    """What the discriminator of Monets makes of a picture, (rows, columns), in HTML."""
    grey = fit((realness.clip(0, 1) * 255).round().astype(np.uint8), VIEW)
    where = "Where the discriminator takes it for a real Monet: the lighter, the more"
    return (
        "<h3>The discriminator's view</h3>"
        f"<p>{where}. On average {realness.mean():.2f}, where 1 is real and 0 is generated.</p>" + shown(grey, where)
    )
