"""`artnb train painter`: a network that paints in a blink."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from artnb.cli.classification import train_commands
from artnb.cli.common import (
    ANY,
    FOLDER,
    POSITIVE,
    Model,
    answer,
    import_tensorflow,
    resumable,
    resume_option,
    seed_option,
)
from artnb.errors import RecipeError


def _number(text: str) -> Any:
    """A setting's value: a whole number, a number, True or False, or a word."""
    if text in ("True", "False"):
        return text == "True"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


@train_commands.command("painter", short_help="A network that paints photographs in a blink.")
@click.argument("pictures", type=ANY, nargs=-1, metavar="[PAINTING...]")
@click.option("--like", "painters", multiple=True, metavar="NAME", help="A painter of the collection; once each.")
@click.option("--photos", type=ANY, metavar="DIR", help="A folder of photographs. Default: the source's.")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", help="Default: models/painter under ARTNB_HOME.")
@click.option("--any-style", is_flag=True, help="Learn to paint like pictures that it has not seen.")
@click.option("--size", type=POSITIVE, metavar="N", help="Height and width in pixels of the squares to train on.")
@click.option("--steps", type=POSITIVE, metavar="N", help="How many.")
@click.option("--set", "settings_", multiple=True, metavar="NAME=VALUE", help="Another setting of `FastRecipe`.")
@click.option("--start", type=Model(), metavar="MODEL", help="Begin a new training with its weights.")
@resume_option
@seed_option
def _train(
    pictures: tuple[Path, ...],
    painters: tuple[str, ...],
    photos: Path | None,
    output: Path | None,
    any_style: bool,
    size: int | None,
    steps: int | None,
    settings_: tuple[str, ...],
    start: str | None,
    resume: bool,
    seed: int | None,
) -> None:
    """Train a painter of pictures, each a style, or of painters by their works; measure it and save it.

    Without a PAINTING and without --like, it learns all painters of the collection whose works are free.
    """
    from artnb.settings import settings

    import_tensorflow()
    from artnb.style.fast.material import collect_material
    from artnb.style.fast.model import train_painter
    from artnb.style.fast.recipes import fast_recipe

    changes: dict[str, Any] = {name: value for name, value in (("size", size), ("steps", steps)) if value is not None}
    recipe = fast_recipe(any_style=any_style)
    for setting in settings_:
        name, sign, value = setting.partition("=")
        if not sign or not isinstance(getattr(recipe, name, None), int | float | str):
            raise RecipeError(f"--set {setting!r} names no setting of a FastRecipe; write it as width=32.")
        changes[name] = _number(value)
    recipe = replace(recipe, **changes)
    folder = output or settings.home / "models" / "painter"
    material = collect_material(painters, pictures, photos, seed)
    with resumable(folder):
        model = train_painter(material, recipe, folder, seed, start, resume)
    card = model.card
    lines = [f"{card.title}, {card.steps:,} steps in {card.seconds / 60:.1f} minutes"]
    for judge, rows in card.metrics.items():
        found = ", ".join(f"{name} {row['style_distance']:.3f}" for name, row in rows.items())
        lines.append(f"style distance by {judge}: {found}; SSIM {rows['painted']['structure']:.2f}")
    answer(
        {"folder": str(model.folder), "title": card.title, "styles": list(card.styles), "metrics": card.metrics},
        "\n".join([*lines, f"saved in {model.folder}"]),
    )
