"""`artnb stylize`: can we paint like them?"""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from artnb.cli.common import (
    add_search_arguments,
    add_seed_argument,
    chosen_seed,
    folder,
    positive,
    print_json,
    without_greetings,
)
from artnb.errors import ArtnbError


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    stylize = commands.add_parser("stylize", help="paint a photograph in the style of a painting")
    stylize.add_argument("content", metavar="CONTENT", help="a picture, or a folder of them")
    stylize.add_argument("styles", nargs="+", metavar="STYLE", help="a painting, or several to blend")
    stylize.add_argument("-o", "--output", metavar="OUT.png", required=True, help="for a folder: a folder")
    stylize.add_argument("--backbone", metavar="NAME", help="vgg19, resnet50 or efficientnet-lite0")
    stylize.add_argument("--recipe", metavar="NAME", help="a preset, a picture that artnb painted, or a JSON file")
    stylize.add_argument("--weights", type=float, nargs="+", metavar="W", help="how much each style counts")
    stylize.add_argument("--size", type=positive, metavar="N", help="longer side in pixels, at most")
    stylize.add_argument("--iterations", type=positive, metavar="N")
    stylize.add_argument("--strength", type=float, metavar="S", help="of the style, from 0 to 1")
    stylize.add_argument("--keep-colours", action="store_true", help="keep the colours of the content")
    stylize.add_argument("--mask", metavar="M", help="a picture; only where it is light, the style is applied")
    stylize.add_argument("--resume", action="store_true", help="resume a run that was stopped")
    add_seed_argument(stylize)
    stylize.add_argument("--json", action="store_true", help="for programs")
    stylize.set_defaults(run=_stylize)

    search = commands.add_parser("search-style", help="search for settings of the style transfer")
    search.add_argument("space", help="original or ours")
    search.add_argument("content", metavar="CONTENT")
    search.add_argument("style", metavar="STYLE")
    search.add_argument("-o", "--output", type=folder, metavar="DIR", required=True, help="a search in DIR is resumed")
    search.add_argument("--backbone", metavar="NAME", default="efficientnet-lite0", help="the one that is optimised")
    search.add_argument("--method", choices=("random", "bayesian"), help="default: that of the space")
    add_seed_argument(search)
    add_search_arguments(search)
    search.add_argument("--json", action="store_true", help="for programs")
    search.set_defaults(run=_search)


def _stylize(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.backbones import shared_backbone
        from artnb.common.progress import STOPPED
        from artnb.images import WRITTEN, ImageError, load_image
        from artnb.paintings.sources import SUFFIXES

    recipe = _recipe(chosen)
    styles = [load_image(style) for style in chosen.styles]
    mask = load_image(chosen.mask) if chosen.mask else None
    content, output = Path(chosen.content), Path(chosen.output)
    if not content.is_dir():
        if output.is_dir() or output.suffix.lower() not in WRITTEN:
            raise ImageError(f"{output.name!r} is not a file name for a picture; end it in {', '.join(WRITTEN)}.")
        jobs = [(content, output)]
    else:
        files = sorted(file for file in content.iterdir() if file.suffix.lower() in SUFFIXES)
        if not files:
            raise ImageError(f"{content.name!r} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
        if output.exists() and not output.is_dir():
            raise ImageError(f"{output.name!r} is a file; for a folder of pictures name a folder.")
        jobs = [(file, output / f"{file.stem}.png") for file in files]
    with without_greetings():
        backbone = shared_backbone(recipe.backbone, untrained=True)  # the output says whether it is
    answers: list[dict[str, Any]] = []
    for source, target in jobs:
        try:
            answers.append(_paint(chosen, recipe, backbone, source, styles, mask, target))
        except ArtnbError as error:
            if len(jobs) == 1:
                raise
            answers.append({"content": source.name, "error": str(error)})
            print(f"artnb: {error}", file=sys.stderr)
        if answers[-1].get("stopped") == STOPPED:
            break
    if chosen.json:
        print_json(answers if content.is_dir() else answers[0])
    if answers[-1].get("stopped") == STOPPED:
        raise SystemExit(130)
    if any("error" in answer or answer["stopped"] for answer in answers):
        raise SystemExit(1)


def _search(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.common import searching
        from artnb.style.search import search_style, style_space
    space = style_space(chosen.space, chosen.backbone)
    paints = not chosen.chief or chosen.worker  # the chief only distributes the trials
    content, style = (name if paints else None for name in (chosen.content, chosen.style))
    seed = chosen_seed(chosen)
    with searching.distributed(chosen.chief, chosen.worker, chosen.minutes):
        table = search_style(space, content, style, chosen.output, seed, chosen.method, chosen.trials)
    if chosen.json:
        print_json(table.to_dict("records"))
    else:
        print(table.drop(columns="painting", errors="ignore").round(4).to_string(index=False))


def _recipe(chosen: argparse.Namespace) -> Any:
    """The recipe, with the changes that the arguments ask for."""
    with without_greetings():
        from artnb.errors import RecipeError
        from artnb.style.files import load_recipe
        from artnb.style.recipes import default_recipe

    if chosen.backbone and chosen.recipe:
        raise RecipeError("A recipe has its own backbone; give --recipe or --backbone.")
    name = chosen.recipe or chosen.backbone
    recipe = load_recipe(name) if name else default_recipe()
    changes = {name: getattr(chosen, name) for name in ("size", "iterations", "strength")}
    changes = {name: value for name, value in changes.items() if value is not None}
    if chosen.keep_colours:
        changes["keep_colours"] = True
    return replace(recipe, **changes)


def _paint(
    chosen: argparse.Namespace, recipe: Any, backbone: Any, source: Path, styles: list, mask: Any, target: Path
) -> dict[str, Any]:
    from artnb import __version__
    from artnb.images import load_image
    from artnb.operation import monitoring
    from artnb.style.files import save_painting
    from artnb.style.metrics import measure
    from artnb.style.transfer import stylize

    content = load_image(source)
    state = target.with_name(f".{target.name}.state")
    if not chosen.resume:
        state.unlink(missing_ok=True)
    painting = stylize(
        content,
        styles,
        recipe,
        weights=chosen.weights,
        mask=mask,
        seed=chosen_seed(chosen),
        state=state,
        backbone=backbone,
    )
    names = {"content": source.name, "styles": [Path(style).name for style in chosen.styles]}
    save_painting(painting, target, **names, weights=chosen.weights, mask=chosen.mask and Path(chosen.mask).name)
    metrics = measure(painting.image, content, styles[0], backbone)
    seconds = painting.seconds_per_step * len(painting.history)
    monitoring.record_painting(
        f"style-{recipe.backbone}", content, painting.image, lambda: 1 - metrics.style_distance, seconds, __version__
    )
    if painting.stopped:
        print(f"artnb: {painting.stopped} The best picture so far is saved.", file=sys.stderr)
    if not chosen.json:
        print(f"{target}: {painting.backbone}, {len(painting.history)} steps of {painting.seconds_per_step:.2f} s")
    return {
        "content": source.name,
        "backbone": recipe.backbone,
        "untrained": painting.untrained,
        "iterations": len(painting.history),
        "seconds_per_step": round(painting.seconds_per_step, 4),
        "style_distance": round(metrics.style_distance, 4),
        "content_distance": round(metrics.content_distance, 4),
        "output": str(target),
        "stopped": painting.stopped,
    }
