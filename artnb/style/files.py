"""A painted picture as a file that says how it was painted, and can be painted again from it."""

import json
from pathlib import Path
from typing import Any

from artnb import __version__
from artnb.images import load_text, png_bytes, save_image
from artnb.style.recipes import RECIPES, RecipeError, StyleRecipe
from artnb.style.transfer import Painting

KEYWORD = "artnb"


def save_painting(painting: Painting, path: str | Path, **more: Any) -> None:
    """Write the picture, in a PNG with its recipe inside; other formats hold the picture alone.

    Args:
        painting: what `stylize` returned.
        path: where to, .png, .jpg, .jpeg or .webp.
        more: what else is to be known, such as the names of the pictures; JSON values.

    Raises:
        ImageError: it can't be written; an older file stays.
    """
    save_image(painting.image, path, text=_said(painting, more))


def painting_bytes(painting: Painting, **more: Any) -> bytes:
    """The same PNG file as bytes, for a page that writes nothing to the disk."""
    return png_bytes(painting.image, _said(painting, more))


def _said(painting: Painting, more: dict[str, Any]) -> dict[str, str]:
    text = {
        "recipe": painting.recipe.to_dict(),
        "backbone": painting.backbone,
        "untrained": painting.untrained,
        "seed": painting.seed,
        "steps": len(painting.history),
        "stopped": painting.stopped,
        "identity": painting.identity,
    }
    return in_png(text | more)


def in_png(said: dict[str, Any]) -> dict[str, str]:
    """What a picture's file is to say of itself, as the text that `images.save_image` writes into a PNG."""
    # The bytes of a file's name that are no UTF-8 are written as JSON escapes them, and are read again as they were.
    text = json.dumps({"artnb": __version__} | said, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return {KEYWORD: text.decode()}


def said_by(path: str | Path) -> dict[str, Any]:
    """What the file of a picture that artnb made says of itself; empty for any other picture.

    Raises:
        ImageError: it is no readable picture.
    """
    texts = load_text(path)
    try:
        text = json.loads(texts[KEYWORD])
    except (KeyError, ValueError, RecursionError):
        return {}
    return text if isinstance(text, dict) else {}


def read_painting(path: str | Path) -> dict[str, Any]:
    """What a painted picture's file says of itself.

    Raises:
        ImageError: it is no readable picture.
        RecipeError: it is one, but not of ours.
    """
    said = said_by(path)
    if "recipe" not in said:
        raise RecipeError(f"{Path(path).name!r} does not say how it was painted; name a PNG that artnb painted.")
    return said


def load_recipe(name: str | Path) -> StyleRecipe:
    """A recipe by its preset's name, from a picture that was painted by it, or from a JSON file.

    Raises:
        RecipeError: there is no such preset or file, or it can't be used.
    """
    if isinstance(name, str) and name in RECIPES:
        return RECIPES[name]
    try:
        path = Path(name)
        found = path.is_file()
    except (OSError, TypeError):  # such as of a name that is too long
        found = False
    if not found:
        raise RecipeError(
            f"There is no recipe {str(name)!r}; name {', '.join(RECIPES)}, a picture painted by artnb, or a JSON file."
        )
    if path.suffix.lower() == ".png":
        return StyleRecipe.from_dict(read_painting(path)["recipe"])
    try:
        return StyleRecipe.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, RecipeError):
            raise
        raise RecipeError(f"{path.name!r} is no JSON file of a recipe ({type(error).__name__}).") from error
