"""`artnb stylize` and `artnb search style`: can we paint like them?"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from artnb.cli.classification import BACKBONES, search_commands
from artnb.cli.common import (
    ANY,
    FOLDER,
    POSITIVE,
    answer,
    check_new,
    complain,
    finish,
    import_tensorflow,
    log_option,
    overwrite_option,
    result_names,
    resumable_search,
    root,
    say,
    search_options,
    seed_option,
)
from artnb.common.files import short_name
from artnb.errors import ArtnbError

if TYPE_CHECKING:
    import numpy as np

    from artnb.backbones import Backbone
    from artnb.style.recipes import StyleRecipe


@root.command("stylize")
@click.argument("content", type=ANY)
@click.argument("styles", type=ANY, nargs=-1, required=True, metavar="STYLE...")
@click.option("-o", "--output", type=ANY, metavar="OUT.png", required=True, help="For a folder: a folder.")
@click.option("--backbone", type=click.Choice(BACKBONES), help="The network whose features are compared.")
@click.option(
    "--recipe", type=click.Path(), metavar="NAME", help="A preset, a picture that artnb painted, or a JSON file."
)
@click.option("--weight", "weights", type=float, multiple=True, metavar="W", help="How much a style counts; once each.")
@click.option("--size", type=POSITIVE, metavar="N", help="Longer side in pixels, at most.")
@click.option("--iterations", type=POSITIVE, metavar="N", help="How many steps.")
@click.option("--strength", type=float, metavar="S", help="Of the style, from 0 to 1.")
@click.option("--keep-colours", is_flag=True, help="Keep the colours of the content.")
@click.option("--mask", type=ANY, metavar="PICTURE", help="Only where it is light, the style is applied.")
@click.option("--resume", is_flag=True, help="Finish what was stopped; finished pictures stay as they are.")
@overwrite_option
@seed_option
@log_option
def _stylize(
    content: Path,
    styles: tuple[Path, ...],
    output: Path,
    backbone: str | None,
    recipe: str | None,
    weights: tuple[float, ...],
    mask: Path | None,
    resume: bool,
    overwrite: bool,
    seed: int | None,
    log: bool,
    **changes: Any,
) -> None:
    """Paint a photograph in the style of a painting, or of several.

    CONTENT is a picture, or a folder of them.
    """
    if backbone and recipe:
        raise click.UsageError("A recipe has its own backbone; give --recipe or --backbone.")
    sources = _sources(content, output)
    inputs = [*sources, *styles, *(Path(each) for each in (mask, recipe) if each)]
    targets = result_names(sources, output, ".png") if content.is_dir() else [output]
    if not resume:  # known before anything is loaded
        check_new(targets, overwrite, inputs)
    import_tensorflow()
    from artnb.backbones import shared_backbone
    from artnb.common.progress import STOPPED
    from artnb.images import load_image
    from artnb.settings import settings, using
    from artnb.style.files import load_recipe
    from artnb.style.recipes import default_recipe
    from artnb.style.transfer import transfer_identity
    from artnb.weights import fetch_command

    name = recipe or backbone
    how = load_recipe(name) if name else default_recipe()
    changes = {name: value for name, value in changes.items() if value is not None and value is not False}
    how = replace(how, **changes)
    network = shared_backbone(how.backbone, untrained=True)  # the output says whether it is
    style_images, mask_image = [load_image(style) for style in styles], load_image(mask) if mask else None
    with_them: dict[str, Any] = {"weights": weights or None, "mask": mask_image, "seed": seed, "backbone": network}
    identify = partial(transfer_identity, styles=style_images, recipe=how, **with_them)
    todo, finished = sources, {}
    if resume:
        finished = _finished(sources, content, output, identify)
        todo = [source for source in sources if source not in finished]
        taken = [target.name for target in finished.values()]
        targets = result_names(todo, output, ".png", taken) if content.is_dir() else [output] * len(todo)
        check_new(targets, True, inputs)
        check_new([target for target in targets if not _state(target).exists()], overwrite)
    paint = partial(
        _paint,
        styles=styles,
        style_images=style_images,
        recipe=how,
        weights=weights or None,
        mask=mask,
        mask_image=mask_image,
        seed=seed,
        resume=resume,
        backbone=network,
    )
    if not network.trained:
        complain(f"{network}: its weights are not here; fetch them with: {fetch_command(how.backbone)}")
    results: list[dict[str, Any]] = []
    for source, target in finished.items():
        results.append({"content": str(source), "output": str(target)})
        say(f"{target}: was finished before")
    for source, target in zip(todo, targets, strict=True):
        results.append({"content": str(source)})
        try:
            with using(log=log or settings.log):
                paint(source, target, results[-1])
        except ArtnbError as error:
            results[-1]["error"] = str(error)
            complain(error)
        if results[-1].get("error") == STOPPED:
            break
    finish(results, stopped=results[-1].get("error") == STOPPED)


@search_commands.command("style")
@click.argument("space", type=click.Choice(["original", "ours"]))
@click.argument("content", type=ANY)
@click.argument("style", type=ANY)
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="Of the search.")
@click.option("--backbone", type=click.Choice(BACKBONES), default="efficientnet-lite0", help="The network that paints.")
@click.option("--method", type=click.Choice(["random", "bayesian"]), help="Default: that of the space.")
@search_options
@seed_option
def _search(
    space: str,
    content: Path,
    style: Path,
    output: Path,
    backbone: str,
    method: Literal["random", "bayesian"] | None,
    trials: int | None,
    chief: str | None,
    worker: str | None,
    minutes: int | None,
    seed: int | None,
) -> None:
    """Search for the settings of the style transfer, in the original's space or in ours."""
    import_tensorflow()
    from artnb.common import searching
    from artnb.style.search import search_style, style_space

    paints = not chief or worker  # the chief only distributes the trials
    photo, painting = (content, style) if paints else (None, None)
    with resumable_search(output), searching.distributed(chief, worker, minutes):
        table = search_style(style_space(space, backbone), photo, painting, output, seed, method, trials)
    text = table.drop(columns="painting", errors="ignore").round(4).to_string(index=False)
    answer({"results": table.to_dict("records")}, text)


def _sources(content: Path, output: Path) -> list[Path]:
    """The pictures to paint.

    Raises:
        ImageError: there are no pictures, or the output is no file for a picture or no folder for several.
    """
    from artnb.images import WRITTEN, ImageError
    from artnb.paintings.sources import SUFFIXES, pictures_in

    if not content.is_dir():
        if output.is_dir() or output.suffix.lower() not in WRITTEN:
            raise ImageError(f"{output.name!r} is not a file name for a picture; end it in {', '.join(WRITTEN)}.")
        return [content]
    files = list(pictures_in(content))
    if not files:
        raise ImageError(f"{content.name!r} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
    if output.exists() and not output.is_dir():
        raise ImageError(f"{output.name!r} is a file; for a folder of pictures name a folder.")
    return files


def _finished(
    sources: Sequence[Path], content: Path, output: Path, identify: Callable[[Path], str]
) -> dict[Path, Path]:
    """Source -> its result, for those that an earlier run has finished: each result says what it was painted from.

    A source that has another content now, or is to be painted otherwise, is not finished.
    """
    from artnb.style.files import read_painting

    finished: dict[Path, Path] = {}
    by_name = {source.name: source for source in sources}
    for target in sorted(output.glob("*.png")) if content.is_dir() else [output]:
        if target.is_file() and not _state(target).exists():
            with suppress(ArtnbError):  # a picture that artnb did not paint, or none
                said = read_painting(target)
                source = by_name.get(str(said.get("content")))
                if source is not None and said.get("identity") == identify(source):
                    finished[source] = target
    return finished


def _state(target: Path) -> Path:
    """Where an interrupted transfer is saved."""
    return target.with_name(f".{short_name(target.name)}.state")


def _paint(
    source: Path,
    target: Path,
    result: dict[str, Any],
    *,
    styles: Sequence[Path],
    style_images: "list[np.ndarray]",
    recipe: "StyleRecipe",
    weights: tuple[float, ...] | None,
    mask: Path | None,
    mask_image: "np.ndarray | None",
    seed: int | None,
    resume: bool,
    backbone: "Backbone",
) -> None:
    """Paint one picture, save it, and add to `result` what is known of it."""
    from artnb import __version__
    from artnb.images import load_image
    from artnb.operation import monitoring
    from artnb.style.files import save_painting
    from artnb.style.metrics import measure
    from artnb.style.transfer import stylize

    content, state = load_image(source), _state(target)
    if not resume:
        state.unlink(missing_ok=True)
    painting = stylize(
        content, style_images, recipe, weights=weights, mask=mask_image, seed=seed, state=state, backbone=backbone
    )
    names = {"content": source.name, "styles": [style.name for style in styles], "mask": mask and mask.name}
    save_painting(painting, target, weights=weights, **names)
    metrics, steps = measure(painting.image, content, style_images[0]), len(painting.history)
    result |= {
        "backbone": recipe.backbone,
        "untrained": painting.untrained,
        "iterations": steps,
        "seconds_per_step": round(painting.seconds_per_step, 4),
        "style_distance": round(metrics.style_distance, 4),
        "content_distance": round(metrics.content_distance, 4),
        "judge": metrics.judge,
        "output": str(target),
    }
    say(f"{target}: {painting.backbone}, {steps} steps of {painting.seconds_per_step:.2f} s")
    if painting.stopped:
        result["error"] = painting.stopped
        complain(f"{painting.stopped} The best picture so far is saved.")
    monitoring.record_painting(
        f"style-{recipe.backbone}",
        content,
        painting.image,
        lambda: 1 - metrics.style_distance,
        painting.seconds_per_step * steps,
        __version__,
        required=True,
    )
