"""The page that paints a photograph like a painter, in a blink, or like one painting or two, step by step."""

import html
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import __version__
from artnb.errors import RecipeError
from artnb.images import png_bytes, resize
from artnb.settings import settings
from artnb.style.recipes import style_recipe
from artnb.weights import TITLES, fetch_command, find_weights
from artnb.widgets import examples as shipped
from artnb.widgets.blink import Blink
from artnb.widgets.parts import (
    Job,
    Loader,
    Message,
    PictureChooser,
    columns,
    compared,
    download,
    forget_button,
    page,
    privacy_note,
    row,
    shown,
    styled,
)
from artnb.widgets.preferring import Preferring
from artnb.widgets.visitors import this_visitor

if TYPE_CHECKING:
    from artnb.backbones import Backbone

USUAL = "efficientnet-lite0"  # its weights are installed with artnb
_LARGEST = 768  # pixels of the longer side


def paint_like(
    contents: Mapping[str, np.ndarray] | None = None,
    styles: Mapping[str, np.ndarray] | None = None,
    preload: bool = False,
) -> widgets.VBox:
    """A page that paints a photograph like a painter, at once, or in the style of one painting or two.

    Args:
        contents: name -> photograph to try it with; by default some that other packages ship.
        styles: name -> painting; by default some that artnb ships.
        preload: load the usual network right away, in a thread.
    """
    names = {
        title + ("" if find_weights(name) else " (untrained)"): name
        for name, title in sorted(TITLES.items(), key=lambda item: item[0] != USUAL)
    }
    backbone = widgets.Dropdown(options=list(names), description="Network")
    strength = widgets.FloatSlider(1.0, min=0.1, max=1.0, step=0.1, description="Strength")
    second = widgets.FloatSlider(0.5, min=0.0, max=1.0, step=0.1, description="Blend", disabled=True)
    size = widgets.IntSlider(256, min=128, max=_LARGEST, step=64, description="Size, pixels")
    steps = widgets.IntSlider(200, min=20, max=500, step=20, description="Steps")
    colours = widgets.Checkbox(False, description="Keep the colours of the photograph", indent=False)
    visit = uuid4().hex  # stands for the visitor in a notebook
    start = widgets.Button(description="Paint carefully", button_style="primary", disabled=True)
    stop = widgets.Button(description="Stop, and keep it")
    bar = widgets.IntProgress(0, min=0, max=1, layout={"display": "none"})
    message, canvas, inputs, saved = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()
    painted, recipe_text = widgets.HTML(), widgets.HTML()
    preferring = Preferring(visit)

    def load(name: str) -> "Backbone":
        from artnb.backbones import shared_backbone

        return shared_backbone(name, untrained=True)  # the label says so

    def show(photograph: np.ndarray, painting: np.ndarray, name: str) -> None:
        if not job.running:
            canvas.value = compared(photograph, painting, f"The photograph, painted like {name}")
            inputs.value = recipe_text.value = ""
            saved.value = download(png_bytes(painting), "painted.png", "Download the picture")
            assert content.picture is not None
            manner = f"strength {strength.value:g}, strokes {blink.stroke.value:g}" + ", colours kept" * colours.value
            preferring.painted(content.picture, f"fast, {name}, {manner}")

    def again(_: object = None) -> None:
        if not job.running:
            blink.wish(content.picture, strength.value, colours.value)

    def another() -> None:
        ready()
        again()

    def ready(_: object = None) -> None:
        job.allow(content.picture is not None and style.picture is not None)
        second.disabled = other.picture is None
        if content.picture is not None:
            painted.value = f'<p class="artnb-quiet">{html.escape(_painted(content.picture, size.value))}</p>'

    def work(stopped: Callable[[], bool]) -> None:
        message.say("The network is being loaded …" if names[backbone.value] not in networks else "Starting …")
        from artnb.style.files import painting_bytes
        from artnb.style.transfer import stylize

        assert content.picture is not None and style.picture is not None
        blink.drop()
        name = names[backbone.value]
        recipe = replace(
            style_recipe(name),
            size=size.value,
            iterations=steps.value,
            strength=strength.value,
            keep_colours=colours.value,
        )
        photograph = resize(content.picture, recipe.sizes(*content.picture.shape[:2])[-1])
        pictures = {"The painting": (style.picture, 1.0)}
        if other.picture is not None:
            pictures = {
                "The painting": (style.picture, 1 - second.value),
                "The second": (other.picture, second.value),
            }
        pictures = {which: (picture, share) for which, (picture, share) in pictures.items() if share > 0}
        saved.value = recipe_text.value = ""
        canvas.value = shown(photograph, "The photograph, before the first step")
        inputs.value = shown(photograph, "The photograph", 220, "The photograph") + "".join(
            shown(picture, which, 220, which + (f", {share:.0%}" if len(pictures) > 1 else ""))
            for which, (picture, share) in pictures.items()
        )
        network = networks(name)
        message.say("Starting …")
        bar.max, bar.value, bar.layout.display = recipe.iterations, 0, ""
        start_time = time.monotonic()
        times: list[tuple[float, int]] = []

        def watch(step: int, picture: np.ndarray) -> bool:
            times.append((time.monotonic(), step))
            bar.value = step
            canvas.value = shown(resize(picture, photograph.shape[:2]), f"The picture after {step} steps", _LARGEST)
            # From the last few calls only, because the first steps compile and take longer.
            first, last = times[-4:][0], times[-1]
            pace = (last[0] - first[0]) / (last[1] - first[1]) if len(times) > 1 else (last[0] - start_time) / step
            left = pace * (recipe.iterations - step)
            if stopped():
                message.say("Stopping: a few last steps bring the picture to its whole size …")
                return False
            message.say(f"Step {step} of {recipe.iterations}, about {left:.0f} seconds left.")
            return True

        try:
            painting = stylize(
                content.picture,
                [picture for picture, _ in pictures.values()],
                recipe,
                weights=[share for _, share in pictures.values()],
                begin=blink.painted[1] if blink.painted else None,
                watch=watch,
                every=_every(name, recipe.size),
                backbone=network,
            )
        finally:
            bar.layout.display = "none"
        canvas.value = compared(photograph, painting.image, f"The photograph, painted by {painting.backbone}")
        outcome = painting.stopped or f"Done in {time.monotonic() - start_time:.0f} seconds."
        text = json.dumps(recipe.to_dict(), indent=1)
        saved.value = (
            '<div class="artnb-row">'
            + download(painting_bytes(painting), "painted.png", "Download the picture")
            + download(text.encode(), "recipe.json", "Download the recipe", "application/json")
            + "</div>"
        )
        recipe_text.value = f'<details><summary>The recipe</summary><pre tabindex="0">{text}</pre></details>'
        warning = (
            " The network is untrained, so this shows how it works, not how good it can be; "
            f"`{fetch_command(name)}` fetches its weights."
        )
        message.say(outcome + warning if painting.untrained else outcome)
        preferring.painted(
            content.picture,
            f"style-{name}, {recipe.size} pixels, {len(painting.history)} steps, strength {recipe.strength:g}"
            + (", colours kept" if recipe.keep_colours else ""),
        )
        if settings.log:
            from artnb.operation import monitoring
            from artnb.style.metrics import measure

            first = next(picture for picture, _ in pictures.values())
            fidelity = 1 - measure(painting.image, photograph, first).style_distance
            seconds = painting.seconds_per_step * len(painting.history)
            monitoring.record_painting(
                f"style-{name}",
                photograph,
                painting.image,
                lambda: fidelity,
                seconds,
                __version__,
                this_visitor(visit).token,
                stopped=bool(painting.stopped),
            )

    networks = Loader(load)
    photographs = shipped.photographs() if contents is None else contents
    paintings = shipped.paintings() if styles is None else styles
    content = PictureChooser("The photograph", photographs, another, longest=_LARGEST)
    style = PictureChooser("The painting", paintings, ready, shipped.random_painting, _LARGEST)
    other = PictureChooser("A second, if you like", paintings, ready, shipped.random_painting, _LARGEST)
    size.observe(ready, "value")
    blink = Blink(show, message, visit)
    for control in (blink.name, blink.stroke, strength, colours):
        control.observe(again, "value")
    if preload:
        networks.ahead(USUAL)
        blink.ahead()
    result = styled(widgets.Box([canvas, inputs]), "artnb-result")
    box = page(
        "Paint like …",
        "Choose a photograph and a painter: a network that has learned to paint so shows the picture at once. Or "
        "choose a painting: the photograph's pixels are changed until another network finds its strokes in them.",
        columns(content, style, other),
        blink,
        columns(backbone, size, steps, strength, second, colours, tight=True),
        painted,
        row(start, stop),
        message,
        bar,
        result,
        saved,
        preferring,
        recipe_text,
        *privacy_note("three measures of what was painted", "whether you stopped it"),
        forget_button(visit),
        code=('from artnb import stylize\n\nstylize("photo.jpg", "painting.jpg").image'),
    )
    job = Job(start, stop, work, message)
    box.job, box.blink = job, blink
    return box


def _painted(photograph: np.ndarray, size: int) -> str:
    """What a size means for a photograph, in words."""
    try:
        height, width = replace(style_recipe(USUAL), size=size).sizes(*photograph.shape[:2])[-1]
    except RecipeError as error:
        return str(error)
    than_it = ""
    if max(photograph.shape[:2]) < size:  # so the chooser has not made it smaller
        than_it = ", more than the photograph has" if height > len(photograph) else "; the photograph has no more"
    return f"{width} × {height} pixels are painted{than_it}."


def _every(name: str, size: int) -> int:
    """How many steps to do between two pictures shown: about a second; only then the job can be stopped."""
    return max(1, round((10 if name == USUAL else 2) * min(1, (256 / size) ** 2)))
