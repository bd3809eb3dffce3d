"""Paint like …: a photograph and one painting or two, and a picture that grows while one looks."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import __version__
from artnb.images import resize, shrink
from artnb.settings import settings
from artnb.style.recipes import style_recipe
from artnb.weights import TITLES, find_weights
from artnb.widgets import examples as ours
from artnb.widgets.parts import (
    Job,
    Loader,
    Message,
    PictureChooser,
    columns,
    compared,
    download,
    page,
    row,
    shown,
    styled,
    watched,
)

if TYPE_CHECKING:
    from artnb.backbones import Backbone

USUAL = "efficientnet-lite0"  # its weights are on every machine
LARGEST = 768  # pixels of the longer side


def paint_like(
    contents: Mapping[str, np.ndarray] | None = None,
    styles: Mapping[str, np.ndarray] | None = None,
    preload: bool = False,
) -> widgets.VBox:
    """A page that paints a photograph like a painting, or like two.

    Args:
        contents: a name -> a photograph to try it with; by default some that other packages ship.
        styles: a name -> a painting; by default some that artnb ships.
        preload: load the usual network right away, beside the page.
    """
    names = {
        title + ("" if find_weights(name) else " (untrained)"): name
        for name, title in sorted(TITLES.items(), key=lambda item: item[0] != USUAL)
    }
    backbone = widgets.Dropdown(options=list(names), description="Network")
    strength = widgets.FloatSlider(1.0, min=0.1, max=1.0, step=0.1, description="Strength")
    second = widgets.FloatSlider(0.5, min=0.0, max=1.0, step=0.1, description="Blend", disabled=True)
    size = widgets.IntSlider(256, min=128, max=LARGEST, step=64, description="Size, pixels")
    steps = widgets.IntSlider(200, min=20, max=500, step=20, description="Steps")
    colours = widgets.Checkbox(False, description="Keep the colours of the photograph", indent=False)
    visitor = uuid4().hex
    start = widgets.Button(description="Paint", button_style="primary", disabled=True)
    stop = widgets.Button(description="Stop, and keep it")
    bar = widgets.IntProgress(0, min=0, max=1, layout={"display": "none"})
    message, canvas, beside, saved = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()
    recipe_text = widgets.HTML()

    def load(name: str) -> "Backbone":
        from artnb.backbones import shared_backbone

        return shared_backbone(name, untrained=True)  # the label says so

    def ready() -> None:
        job.allow(content.picture is not None and style.picture is not None)
        second.disabled = other.picture is None

    def work(stopped: Callable[[], bool]) -> None:
        message.say("The network is being loaded …" if names[backbone.value] not in network else "Beginning …")
        from artnb.style.files import painting_bytes
        from artnb.style.transfer import stylize

        assert content.picture is not None and style.picture is not None
        name = names[backbone.value]
        wanted = replace(
            style_recipe(name),
            size=size.value,
            iterations=steps.value,
            strength=strength.value,
            keep_colours=colours.value,
        )
        photograph = shrink(content.picture, wanted.size)
        pictures = {"The painting": (style.picture, 1.0)}
        if other.picture is not None:
            pictures = {
                "The painting": (style.picture, 1 - second.value),
                "The second": (other.picture, second.value),
            }
        pictures = {which: (picture, share) for which, (picture, share) in pictures.items() if share > 0}
        saved.value = recipe_text.value = ""
        canvas.value = shown(photograph, "The photograph, before the first step")
        beside.value = shown(photograph, "The photograph", 220, "The photograph") + "".join(
            shown(picture, which, 220, which + (f", {share:.0%}" if len(pictures) > 1 else ""))
            for which, (picture, share) in pictures.items()
        )
        looks = network(name)
        message.say("Beginning …")
        bar.max, bar.value, bar.layout.display = wanted.iterations, 0, ""
        begun = time.monotonic()
        seen: list[tuple[float, int]] = []

        def watch(step: int, picture: np.ndarray) -> bool:
            seen.append((time.monotonic(), step))
            bar.value = step
            canvas.value = shown(resize(picture, photograph.shape[:2]), f"The picture after {step} steps", LARGEST)
            # The first steps compile, so they say little about the others.
            first, last = seen[-4:][0], seen[-1]
            pace = (last[0] - first[0]) / (last[1] - first[1]) if len(seen) > 1 else (last[0] - begun) / step
            left = pace * (wanted.iterations - step)
            message.say(f"Step {step} of {wanted.iterations}, about {left:.0f} seconds to go.")
            return not stopped()

        try:
            done = stylize(
                photograph,
                [picture for picture, _ in pictures.values()],
                wanted,
                weights=[share for _, share in pictures.values()],
                watch=watch,
                every=_every(name, wanted.size),
                backbone=looks,
            )
        finally:
            bar.layout.display = "none"
        before = resize(photograph, done.image.shape[:2])
        canvas.value = compared(before, done.image, f"The photograph, painted by {done.backbone}")
        said = done.stopped or f"Done in {time.monotonic() - begun:.0f} seconds."
        text = json.dumps(wanted.to_dict(), indent=1)
        saved.value = (
            '<div class="artnb-row">'
            + download(painting_bytes(done), "painted.png", "Download the picture")
            + download(text.encode(), "recipe.json", "Download the recipe", "application/json")
            + "</div>"
        )
        recipe_text.value = f'<details><summary>The recipe</summary><pre tabindex="0">{text}</pre></details>'
        message.say(f"{said} The network is untrained, so this shows how, not how well." if done.untrained else said)
        if settings.log:
            from artnb.operation import monitoring
            from artnb.style.metrics import measure

            first = next(picture for picture, _ in pictures.values())
            fidelity = 1 - measure(done.image, photograph, first, looks).style_distance
            seconds = done.seconds_per_step * len(done.history)
            monitoring.record_painting(
                f"style-{name}", photograph, done.image, lambda: fidelity, seconds, __version__, visitor
            )

    network = Loader(load)
    photographs = ours.photographs() if contents is None else contents
    paintings = ours.paintings() if styles is None else styles
    chance = ours.by_chance
    content = PictureChooser("The photograph", photographs, ready, longer=LARGEST)
    style = PictureChooser("The painting", paintings, ready, chance, LARGEST)
    other = PictureChooser("A second, if you like", paintings, ready, chance, LARGEST)
    if preload:
        network.ahead(USUAL)
    result = styled(widgets.Box([canvas, beside]), "artnb-result")
    box = page(
        "Paint like …",
        "A network looks at both, and the photograph's pixels are changed until it sees the painting's strokes in it.",
        columns(content, style, other),
        columns(backbone, size, steps, strength, second, colours, tight=True),
        row(start, stop),
        message,
        bar,
        result,
        saved,
        recipe_text,
        *watched(),
        code=(
            "from artnb.images import load_image\n"
            "from artnb.style.recipes import style_recipe\n"
            "from artnb.style.transfer import stylize\n\n"
            'recipe = style_recipe("efficientnet-lite0")\n'
            'stylize(load_image("photo.jpg"), load_image("painting.jpg"), recipe).image'
        ),
    )
    job = Job(start, stop, work, message)
    box.job = job
    return box


def _every(name: str, size: int) -> int:
    """Steps between two looks at the picture, so that there is one about every second: then it can be stopped."""
    return max(1, round((10 if name == USUAL else 2) * min(1, (256 / size) ** 2)))
