"""Paint like …: a photograph and one painting or two, and a picture that grows while one looks."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace

import ipywidgets as widgets
import numpy as np

from artnb.backbones import TITLES, load_backbone
from artnb.images import resize, shrink
from artnb.style.files import painting_bytes
from artnb.style.recipes import style_recipe
from artnb.style.transfer import stylize
from artnb.weights import find_weights
from artnb.widgets.parts import Job, Message, PictureChooser, download, page, png

EVERY = 10  # steps between two previews


def paint_like(
    contents: Mapping[str, np.ndarray] | None = None, styles: Mapping[str, np.ndarray] | None = None
) -> widgets.VBox:
    """A page that paints a photograph like a painting, or like two.

    Args:
        contents: a name -> a photograph to try it with.
        styles: a name -> a painting.
    """
    names = {title + ("" if find_weights(name) else " (untrained)"): name for name, title in TITLES.items()}
    usual = next(title for title, name in names.items() if name == "efficientnet-lite0")
    backbone = widgets.Dropdown(options=list(names), value=usual, description="Network")
    strength = widgets.FloatSlider(1.0, min=0.1, max=1.0, step=0.1, description="Strength")
    second = widgets.FloatSlider(0.0, min=0.0, max=1.0, step=0.1, description="Second style", disabled=True)
    size = widgets.IntSlider(256, min=128, max=768, step=64, description="Size (px)")
    steps = widgets.IntSlider(200, min=20, max=500, step=20, description="Steps")
    colours = widgets.Checkbox(False, description="Keep the colours of the photograph", indent=False)
    start = widgets.Button(description="Paint", button_style="primary", disabled=True)
    stop = widgets.Button(description="Stop, and keep it")
    bar = widgets.IntProgress(0, min=0, max=1, description="", layout={"width": "min(30em, 100%)", "display": "none"})
    message = Message()
    shown = widgets.Image(format="png", alt="The painted picture: none yet", layout={"display": "none"})
    slider = widgets.IntSlider(
        100, min=0, max=100, description="Photo | painted", style={"description_width": "initial"},
        layout={"display": "none"}, readout=False,
    )  # fmt: skip
    saved = widgets.HTML()
    recipe_text = widgets.HTML()
    state: dict[str, np.ndarray] = {}

    def ready() -> None:
        start.disabled = content.picture is None or style.picture is None
        second.disabled = other.picture is None

    def show() -> None:
        """The photograph at the left of the slider's place, the painted picture at its right."""
        painted, photograph = state["painted"], state["content"]
        edge = round((100 - slider.value) / 100 * painted.shape[1])
        both = np.concatenate([photograph[:, :edge], painted[:, edge:]], axis=1)
        shown.value = png(both, 768)
        shown.layout.display = "block"

    def work(stopped: Callable[[], bool]) -> None:
        photograph = content.picture
        assert photograph is not None and style.picture is not None
        name = names[backbone.value]
        wanted = replace(
            style_recipe(name),
            size=size.value,
            iterations=steps.value,
            strength=strength.value,
            keep_colours=colours.value,
        )
        pictures, weights = [style.picture], None
        if other.picture is not None and second.value > 0:
            pictures, weights = [style.picture, other.picture], [1 - second.value, second.value]
            if second.value == 1:
                pictures, weights = [other.picture], None
        saved.value = recipe_text.value = ""
        state.clear()  # of another photograph, perhaps
        message.say(f"{backbone.value} is being loaded …")
        bar.max, bar.value, bar.layout.display = steps.value, 0, "block"
        begun = time.monotonic()

        def watch(step: int, picture: np.ndarray) -> bool:
            if len(state) < 2 or state["content"].shape != picture.shape:
                state["content"] = resize(photograph, picture.shape[:2])
            state["painted"] = picture
            bar.value = step
            left = (time.monotonic() - begun) / step * (steps.value - step)
            message.say(f"Step {step} of {steps.value}, about {left:.0f} seconds to go.")
            show()
            return not stopped()

        try:
            done = stylize(
                shrink(photograph, size.value),
                pictures,
                wanted,
                weights=weights,
                watch=watch,
                every=EVERY,
                backbone=load_backbone(name, None),
            )
        finally:
            bar.layout.display = "none"
        state["painted"], state["content"] = done.image, resize(photograph, done.image.shape[:2])
        shown.alt = f"The painted picture, by {done.backbone}"
        slider.layout.display = "block"
        show()
        untrained = " The network is untrained, so this shows how, not how well." if done.untrained else ""
        message.say((done.stopped or f"Done in {time.monotonic() - begun:.0f} seconds.") + untrained)
        saved.value = download(painting_bytes(done), "painted.png", "Download the picture (PNG, the recipe inside)")
        recipe_text.value = (
            f"<details><summary>The recipe</summary><pre>{json.dumps(wanted.to_dict(), indent=1)}</pre></details>"
        )

    content = PictureChooser("A photograph", contents or {}, ready)
    style = PictureChooser("A painting", styles or {}, ready)
    other = PictureChooser("A second painting", styles or {}, ready)
    slider.observe(lambda _: show() if len(state) == 2 else None, "value")
    box = page(
        "Paint like …",
        "A network looks at both, and the photograph's pixels are changed until it sees the painting's strokes in it.",
        widgets.HBox([content, style, other], layout={"flex_flow": "row wrap"}),
        widgets.HBox([backbone, size, steps, strength, second, colours], layout={"flex_flow": "row wrap"}),
        widgets.HBox([start, stop], layout={"flex_flow": "row wrap"}),
        bar,
        message,
        shown,
        slider,
        saved,
        recipe_text,
        code=(
            "from artnb.images import load_image\n"
            "from artnb.style.recipes import style_recipe\n"
            "from artnb.style.transfer import stylize\n\n"
            'recipe = style_recipe("efficientnet-lite0")\n'
            'stylize(load_image("photo.jpg"), load_image("painting.jpg"), recipe).image'
        ),
    )
    box.job = Job(start, stop, work, message)
    return box
