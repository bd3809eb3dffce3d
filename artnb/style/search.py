"""The search for a style transfer's settings, by distances that don't depend on the weights that are searched.

The student project minimised the cost, whose weights it drew as well: the smallest weights won. Here each trial paints
a picture, and a judge measures how far it is from the content and from the style. Neither is weighed against the
other: the result are the trials that no other trial beats in both.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.backbones import Backbone, shared_backbone
from artnb.common import extras, searching
from artnb.common.progress import STOPPED
from artnb.common.resuming import digest
from artnb.common.searching import Method, SearchError, finished_trials
from artnb.common.seeding import seed_or_default
from artnb.errors import Allowed, check_name, check_value
from artnb.images import ImageLike, load_image
from artnb.settings import Profile, known_profile
from artnb.style.files import save_painting
from artnb.style.metrics import judge_for, measure, pareto_front
from artnb.style.recipes import StyleRecipe, style_recipe
from artnb.style.transfer import stylize

with extras.needed("course", "A search needs", "keras-tuner"):
    import keras_tuner as kt

OBJECTIVE = kt.Objective("trade_off", "min")
_FIGURES = ("trade_off", "style_distance", "content_distance", "structure", "colour_distance", "cost")


@dataclass(frozen=True)
class StyleSpace:
    """What is searched.

    Attributes:
        name: "original" or "ours".
        recipe: declares its hyper-parameters, and puts their values into a recipe.
        method: the oracle.
        trials: how many pictures are painted.
    """

    name: str
    recipe: Callable[[kt.HyperParameters], StyleRecipe]
    method: Method
    trials: int


def style_space(name: str, backbone: str = "efficientnet-lite0", profile: Profile | None = None) -> StyleSpace:
    """A search space for a backbone, in a profile: full, pictures of 360 pixels in 250 iterations; quick, small ones.

    Args:
        name: "original", the student project's: learning rate, both weights and each layer's weight, at random;
            "ours": the ratio of content to style, the rate, the smoothness, and fine against coarse layers.
        backbone: the network that is optimised.
        profile: "quick" or "full".

    Raises:
        SearchError: there is no such space.
        RecipeError: there is no such profile, or no recipe for the backbone.
    """
    full = known_profile(profile) == "full"
    size, iterations = (360, 250) if full else (128, 40)
    ours = replace(style_recipe(backbone), size=size, iterations=iterations)
    layers = list(ours.style_layers)

    def original(hp: kt.HyperParameters) -> StyleRecipe:
        return replace(
            ours.at_one_scale(),
            learning_rate=hp.Float("learning_rate", 0.5, 5.0),
            style_weight=hp.Float("style_weight", 1e-2, 1e-1, sampling="log"),
            content_weight=hp.Float("content_weight", 1e-2, 1e-1, sampling="log"),
            style_layers={layer: hp.Float(layer, 1e-2, 10.0, sampling="log") for layer in layers},
            tv_weight=0.0,
            recolour=False,
        )

    def balanced(hp: kt.HyperParameters) -> StyleRecipe:
        slope = hp.Float("coarser", -1.0, 1.0)
        return replace(
            ours,
            learning_rate=hp.Float("learning_rate", 1.0, 20.0, sampling="log"),
            content_weight=hp.Float("content_to_style", 0.01, 3.0, sampling="log"),
            tv_weight=hp.Float("smoothness", 0.1, 10.0, sampling="log"),
            style_layers={layer: float(np.exp(slope * depth)) for depth, layer in enumerate(layers)},
        )

    spaces = {
        "original": StyleSpace("original", original, "random", 10 if full else 4),
        "ours": StyleSpace("ours", balanced, "bayesian", 20 if full else 6),
    }
    check_name(name, spaces, "search space", SearchError)
    return spaces[name]


def search_style(
    space: StyleSpace,
    content: ImageLike | None,
    style: ImageLike | None,
    folder: str | Path,
    seed: int | None = None,
    method: Method | None = None,
    trials: int | None = None,
) -> pd.DataFrame:
    """Paint a picture per trial, and measure it; a search that was interrupted is resumed, in mid-picture.

    As keras-tuner's chief or worker (see `artnb.common.searching.distributed`), take part in a common search.

    Args:
        space: what is searched.
        content: whatever `load_image` takes; None for a chief, who paints nothing.
        style: the same.
        folder: keras-tuner's project; each trial's folder has its `painting.png`, with the recipe inside.
        seed: of the oracle and of the pictures.
        method: another oracle than the space's own.
        trials: another number than the space's own.

    Returns:
        What `style_trials` returns.

    Raises:
        ImageError: a picture can't be read.
        SearchError: the folder holds another search, one with other pictures, or one that can't be read.
        SettingsError: the seed can't be used.
    """
    good = Allowed(lambda value: isinstance(value, StyleSpace), "what style_space returns, such as of 'ours'")
    check_value(space, good, "The search space", SearchError)
    seed = seed_or_default(seed)
    photo, painting = (picture if picture is None else load_image(picture) for picture in (content, style))
    base = space.recipe(kt.HyperParameters())
    painters: list[Backbone] = []  # loaded by those who paint

    def work(hyper: kt.HyperParameters, place: Path) -> dict[str, float]:
        if photo is None or painting is None:
            raise SearchError("There is no content or no style, and only a chief needs none; give both.")
        place.mkdir(parents=True, exist_ok=True)
        chosen = space.recipe(hyper)
        result = stylize(photo, painting, chosen, seed=seed, state=place / "state", backbone=painters[0])
        if result.stopped == STOPPED:  # so is the search; the state of this picture is kept
            raise KeyboardInterrupt
        save_painting(result, place / "painting.png")
        distances = {name: value for name, value in asdict(measure(result.image, photo, painting, judge)).items()
                 if name != "judge"}  # fmt: skip
        return distances | {
            "trade_off": float(np.hypot(distances["style_distance"], distances["content_distance"])),
            "cost": float(result.history["cost"].min()),
        }

    method = method or space.method
    identity = {"space": space.name, "method": method, "seed": seed, "recipe": base.to_dict()}
    judge = None
    if photo is not None and painting is not None:
        painters.append(shared_backbone(base.backbone, untrained=True))
        judge = judge_for(base.backbone)  # another one once VGG19's weights are here, and distances of both don't mix
        identity |= {"content": digest(photo), "style": digest(painting)}
        identity |= {"network": str(painters[0]), "judge": str(judge)}  # the first says whether it is untrained
    searching.search(
        work, space.recipe, folder, OBJECTIVE, identity, seed, method, space.trials if trials is None else trials
    )
    return style_trials(folder)


def style_trials(folder: str | Path) -> pd.DataFrame:
    """The finished trials of a search, of all workers, the best trade-off first.

    Returns:
        A row per trial: trial, the hyper-parameters, the figures of _FIGURES, best (whether no other trial is nearer
        to both the content and the style), painting (the file).

    Raises:
        SearchError: there is no search for a style in the folder, or it can't be read.
    """
    rows = [
        {"trial": trial["trial"], **trial["values"], **{name: trial["metrics"][name] for name in _FIGURES}}
        for trial in finished_trials(folder, "artnb search style ours CONTENT STYLE -o DIR", _FIGURES)
    ]
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    table["best"] = pareto_front(table["style_distance"], table["content_distance"])
    table["painting"] = [str(Path(folder) / f"trial_{trial}" / "painting.png") for trial in table["trial"]]
    return table.sort_values(["trade_off", "trial"], ignore_index=True)
