"""Photograph to Monet, in a moment."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.cyclegan.card import CycleCard
from artnb.images import fit, png_bytes
from artnb.settings import Settings, settings
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
    from artnb.cyclegan.bundles import CycleBundle
    from artnb.cyclegan.translating import Translator

VIEW = 256  # pixels of the square that shows what a discriminator says
LARGEST = 1280  # pixels of the longer side; a generator takes about 8 seconds for them


def monet(
    examples: Mapping[str, np.ndarray] | None = None, settings: Settings = settings, preload: bool = False
) -> widgets.VBox:
    """A page that turns a photograph into a Monet.

    Args:
        examples: a name -> a picture to try it with; by default photographs that other packages ship.
        settings: where models are looked for, and whether and where pictures are noted (see `monitoring`).
        preload: load the first model right away, beside the page.
    """
    found = model_choices("cyclegan", _label, settings)
    model = widgets.Dropdown(options=list(found), description="Model", style={"description_width": "4rem"})
    start = widgets.Button(description="Paint", button_style="primary", disabled=True)
    visitor = uuid4().hex
    message, result, saved, view = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()

    def load(label: str) -> "tuple[CycleBundle, Translator]":
        from artnb.cyclegan import bundles

        bundle = bundles.load(found[label], settings)
        return bundle, bundle.translator("monet")

    def ready() -> None:
        job.allow(chooser.picture is not None and bool(found))

    def work(_: Callable[[], bool]) -> None:
        picture, label = chooser.picture, model.value
        assert picture is not None
        message.say("The model is being loaded …" if label not in networks else "Painting …")
        result.value = saved.value = view.value = ""
        bundle, translate = networks(label)
        message.say("Painting …")
        begun = time.perf_counter()
        made = translate(picture)
        seconds = time.perf_counter() - begun
        result.value = (
            '<div class="artnb-columns">'
            + shown(picture, "The picture as it was", LARGEST, "Before")
            + shown(made, f"The picture as a Monet, made by {bundle.card.title}", LARGEST, "After")
            + "</div>"
        )
        saved.value = download(png_bytes(made), "monet.png", "Download the picture")
        message.say("The discriminator looks at it …")
        realness = bundle.realness(made, "monet")
        view.value = _judged(realness)
        message.say("")
        if settings.log:
            from artnb.operation import monitoring

            folder, version = bundle.folder, models.version(bundle.folder)
            monitoring.record_painting(
                folder.name, picture, made, lambda: realness, seconds, version, visitor, settings
            )

    networks = Loader(load)
    chance = partial(ours.by_chance, settings)
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
        *watched(settings),
        code=(
            "from artnb.cyclegan.bundles import load\n"
            "from artnb.images import load_image\n\n"
            'load("starter-monet").translator("monet")(load_image("photo.jpg"))'
        ),
    )
    job = Job(start, None, work, message)
    box.job = job
    return box


def _judged(realness: np.ndarray) -> str:
    """What the discriminator of Monets makes of a picture, (rows, columns), in HTML."""
    grey = fit(np.repeat(realness.clip(0, 1)[..., None], 3, -1).astype(np.float32), VIEW)
    where = "Where the discriminator takes it for a real Monet: the lighter, the more"
    return (
        "<h3>The discriminator's view</h3>"
        f"<p>{where}. On average {realness.mean():.2f}, where 1 is real and 0 is generated.</p>" + shown(grey, where)
    )


def _label(folder: Path) -> str:
    card = CycleCard.load(folder)
    found = card.metrics.get("monet")
    return f"{card.title}, KID {found['generated']['value']:.3f}" if found else card.title
