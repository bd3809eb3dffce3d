"""Photograph to Monet and back, in a moment."""

from collections.abc import Callable, Mapping
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.cyclegan import bundles
from artnb.cyclegan.bundles import CycleBundle, CycleCard
from artnb.images import fit, png_bytes
from artnb.settings import Settings, settings
from artnb.widgets.parts import Job, Message, PictureChooser, download, page, png

JUDGED = 256  # pixels of the square that a discriminator is shown
_DIRECTIONS = {"Photograph to Monet": "monet", "Monet to photograph": "photo"}


def monet(examples: Mapping[str, np.ndarray] | None = None, settings: Settings = settings) -> widgets.VBox:
    """A page that turns a photograph into a Monet, or a Monet into a photograph.

    Args:
        examples: a name -> a picture to try it with.
        settings: where models are looked for.
    """
    found = {_label(folder): folder for folder in models.available("cyclegan", settings)}
    loaded: dict[str, CycleBundle] = {}
    model = widgets.Dropdown(options=list(found), description="Model", layout={"width": "min(34em, 100%)"})
    direction = widgets.ToggleButtons(options=list(_DIRECTIONS), description="")
    start = widgets.Button(description="Paint", button_style="primary", disabled=True)
    stop = widgets.Button(description="Stop", layout={"display": "none"})
    message = Message()
    before, after, judged = (
        widgets.Image(format="png", alt=alt, layout={"display": "none"})
        for alt in ("The picture as it was", "The new picture: none yet", "The discriminator's view: none yet")
    )
    saved, view = widgets.HTML(), widgets.HTML()

    def ready() -> None:
        start.disabled = chooser.picture is None or not found

    def work(_: Callable[[], bool]) -> None:
        picture = chooser.picture
        assert picture is not None
        to = _DIRECTIONS[direction.value]
        message.say("A moment …")
        if model.value not in loaded:
            loaded[model.value] = bundles.load(found[model.value], settings)
        bundle = loaded[model.value]
        made = bundle.translator(to)(picture)
        before.value, after.value = png(picture), png(made)
        after.alt = f"The new picture, made by {bundle.card.title}"
        judge = getattr(bundle.networks, f"{to}_discriminator")
        realness = np.asarray(judge(fit(made, JUDGED)[None].astype(np.float32)))[0, :, :, 0]
        judged.value = png_bytes(fit(np.repeat(realness.clip(0, 1)[..., None], 3, -1).astype(np.float32), JUDGED))
        kind = {"monet": "Monet", "photo": "photograph"}[to]
        judged.alt = f"Where the discriminator takes it for a real {kind}: the lighter, the more"
        view.value = f"<p>{judged.alt}. On average {realness.mean():.2f}, where 1 is real and 0 is generated.</p>"
        for widget in (before, after, judged):
            widget.layout = widgets.Layout(max_width="100%", width="auto")
        saved.value = download(png_bytes(made), f"{to}.png", "Download the picture (PNG)")
        message.say("")

    chooser = PictureChooser("A picture", examples or {}, ready)
    if not found:
        message.complain("There is no CycleGAN here yet; train one with: artnb train cyclegan")
    box = page(
        "Monet",
        "A network that has seen many Monets and many photographs, and no pair of them, paints at once.",
        chooser,
        direction,
        model,
        widgets.HBox([start, stop]),
        message,
        widgets.HBox([before, after], layout={"flex_flow": "row wrap"}),
        saved,
        view,
        judged,
        code=(
            "from artnb.cyclegan.bundles import load\n"
            "from artnb.images import load_image\n\n"
            'load("starter-monet").translator("monet")(load_image("photo.jpg"))'
        ),
    )
    box.job = Job(start, stop, work, message)
    return box


def _label(folder: Path) -> str:
    card = CycleCard.load(folder)
    found = card.metrics.get("monet")
    if not found:
        return card.title
    return f"{card.title}, KID {found['generated']['value']:.3f} (photographs {found['untouched']['value']:.3f})"
