"""Photograph to Monet and back, in a moment."""

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
from artnb.widgets.parts import Job, Loader, Message, PictureChooser, columns, download, model_choices, page, row, shown

if TYPE_CHECKING:
    from artnb.cyclegan.bundles import CycleBundle
    from artnb.cyclegan.translating import Translator

VIEW = 256  # pixels of the square that shows what a discriminator says
LARGEST = 1280  # pixels of the longer side; a generator takes about 8 seconds for them
_DIRECTIONS = {"Photograph to Monet": "monet", "Monet to photograph": "photo"}
_KINDS = {"monet": "Monet", "photo": "photograph"}


def monet(
    examples: Mapping[str, np.ndarray] | None = None, settings: Settings = settings, preload: bool = False
) -> widgets.VBox:
    """A page that turns a photograph into a Monet, or a Monet into a photograph.

    Args:
        examples: a name -> a picture to try it with; by default photographs that other packages ship, and paintings.
        settings: where models are looked for, and whether and where pictures are noted (see `monitoring`).
        preload: load the first model right away, beside the page.
    """
    found = model_choices("cyclegan", _label, settings)
    model = widgets.Dropdown(options=list(found), description="Model", style={"description_width": "4rem"})
    direction = widgets.ToggleButtons(options=list(_DIRECTIONS))
    start = widgets.Button(description="Paint", button_style="primary", disabled=True)
    visitor = uuid4().hex
    message, result, saved, view = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()

    def load(label: str) -> "tuple[CycleBundle, dict[str, Translator]]":
        from artnb.cyclegan import bundles

        bundle = bundles.load(found[label], settings)
        return bundle, {to: bundle.translator(to) for to in _KINDS}

    def ready() -> None:
        job.allow(chooser.picture is not None and bool(found))

    def work(_: Callable[[], bool]) -> None:
        picture, label, to = chooser.picture, model.value, _DIRECTIONS[direction.value]
        assert picture is not None
        message.say("The model is being loaded …" if label not in networks else "Painting …")
        result.value = saved.value = view.value = ""
        bundle, translators = networks(label)
        message.say("Painting …")
        begun = time.perf_counter()
        made = translators[to](picture)
        seconds = time.perf_counter() - begun
        result.value = (
            '<div class="artnb-columns">'
            + shown(picture, "The picture as it was", LARGEST, "Before")
            + shown(made, f"The picture as a {_KINDS[to]}, made by {bundle.card.title}", LARGEST, "After")
            + "</div>"
        )
        saved.value = download(png_bytes(made), f"{to}.png", "Download the picture")
        message.say("The discriminator looks at it …")
        realness = bundle.realness(made, to)
        view.value = _judged(realness, to)
        message.say("")
        if settings.log:
            from artnb.operation import monitoring

            folder, version = bundle.folder, models.version(bundle.folder)
            monitoring.record_painting(
                folder.name, picture, made, lambda: realness, seconds, version, visitor, settings
            )

    networks = Loader(load)
    chance = partial(ours.by_chance, settings)
    pictures = _examples() if examples is None else examples
    chooser = PictureChooser("The picture", pictures, ready, chance, LARGEST)
    if not found:
        message.complain("There is no CycleGAN here yet; train one with: artnb train cyclegan")
    elif preload:
        networks.ahead(model.value)
    box = page(
        "Monet",
        "A network that has seen many Monets and many photographs, and no pair of them, paints at once. "
        f"Pictures are painted at {LARGEST:,} pixels at most, which takes some eight seconds.",
        columns(chooser, widgets.VBox([direction, model, row(start), message])),
        result,
        saved,
        view,
        code=(
            "from artnb.cyclegan.bundles import load\n"
            "from artnb.images import load_image\n\n"
            'load("starter-monet").translator("monet")(load_image("photo.jpg"))'
        ),
    )
    job = Job(start, None, work, message)
    box.job = job
    return box


def _examples() -> dict[str, np.ndarray]:
    """Landscapes, and two paintings for the way back."""
    paintings = ours.paintings()
    return ours.photographs("A temple by the water", "A dahlia", "A cup of coffee") | {
        name: paintings[name] for name in ("Camille Aubertin", "Odile Poincaré") if name in paintings
    }


def _judged(realness: np.ndarray, to: str) -> str:
    """What the discriminator of these pictures makes of one, (rows, columns), in HTML."""
    grey = fit(np.repeat(realness.clip(0, 1)[..., None], 3, -1).astype(np.float32), VIEW)
    where = f"Where the discriminator takes it for a real {_KINDS[to]}: the lighter, the more"
    return (
        "<h3>The discriminator's view</h3>"
        f"<p>{where}. On average {realness.mean():.2f}, where 1 is real and 0 is generated.</p>" + shown(grey, where)
    )


def _label(folder: Path) -> str:
    card = CycleCard.load(folder)
    found = card.metrics.get("monet")
    return f"{card.title}, KID {found['generated']['value']:.3f}" if found else card.title
