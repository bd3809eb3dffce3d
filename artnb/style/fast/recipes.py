"""How a fast painter is built and trained, as data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from artnb.errors import TRUE_OR_FALSE, Allowed, check_settings, is_number, number, whole
from artnb.settings import Profile, known_profile

STYLE_LAYERS = ("stem", "block0", "block2", "block4")  # of EfficientNet-Lite0, from fine to coarse


@dataclass(frozen=True)
class FastRecipe:
    """The settings of a fast painter (Johnson, Alahi and Fei-Fei, ECCV 2016, where nothing else is said).

    Losses are those of `artnb.losses`, by EfficientNet-Lite0; the style's compares quantiles, and is relative to the
    recoloured photograph's.

    Attributes:
        any_style: whether the scales and shifts are predicted from a picture's statistics (Ghiasi et al., BMVC 2017)
            instead of standing in a table with a row for each style (Dumoulin et al., ICLR 2017).
        width: channels of the first layer; the residual blocks have four times as many.
        blocks: of residuals.
        stem: the sides of the first and the last kernel, odd.
        code: numbers that a style is predicted as; without effect on a table of styles.
        size: height and width in pixels of the squares that it is trained on, a multiple of 4. It paints at any size.
        style_size: works are brought to as many pixels as such a square has: the larger, the larger the strokes.
        steps: batches in all.
        batch_size: photographs in each, each with a style of its own.
        learning_rate: of Adam.
        code_rate: that of the styles' table or predictor, as a share of `learning_rate`.
        decay_from: the share of the steps after which the learning rate falls, in a line, to 0.
        style_layers: layer name -> weight, among the style's layers.
        content_layers: layer name -> weight, among the content's layers.
        content_weight: of the content loss; the style loss has a weight of 1.
        content_end: the share of `content_weight` that is left at the last step; it changes in a line.
        tv_weight: of the total variation, which punishes noise and dots.
        colour_weight: of the colours' difference from the recoloured photograph's, seen from afar: only the brush is
            left to learn, and a blot is none.
        jitter: by how many pixels at most the picture is moved at random before the network looks at it, so that the
            network's strides leave no grid of checks in it.
    """

    any_style: bool = False
    width: int = 24
    blocks: int = 4
    stem: int = 5
    code: int = 32
    size: int = 128
    style_size: int = 384
    steps: int = 5_000
    batch_size: int = 2
    learning_rate: float = 2e-3
    code_rate: float = 3.0
    decay_from: float = 0.6
    style_layers: Mapping[str, float] = field(default_factory=lambda: dict.fromkeys((*STYLE_LAYERS, "block10"), 1.0))
    content_layers: Mapping[str, float] = field(default_factory=lambda: {"block4": 1.0})
    content_weight: float = 0.2
    content_end: float = 1.0
    tv_weight: float = 0.5
    colour_weight: float = 100.0
    jitter: int = 8

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        check_settings(self, _ALLOWED)

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON gives it back."""
        return json.loads(json.dumps(asdict(self)))

    def content_weight_at(self, step: int) -> float:
        """What the content loss counts in a step, from 0 on."""
        return self.content_weight * (1 + (self.content_end - 1) * step / max(self.steps - 1, 1))


def _are_layers(value: Any) -> bool:
    return (
        isinstance(value, Mapping)
        and bool(value)
        and all(isinstance(name, str) and is_number(weight) and weight > 0 for name, weight in value.items())
    )


_POSITIVE, _WEIGHT = number(lambda rate: rate > 0, "above 0"), number(lambda weight: weight >= 0, "from 0 on")
_LAYERS = Allowed(_are_layers, "names of layers with weights above 0")
_ALLOWED = {
    "any_style": TRUE_OR_FALSE,
    "width": whole(1, 128),
    "blocks": whole(1, 16),
    "stem": Allowed(lambda side: whole(3, 9).good(side) and side % 2 == 1, "3, 5, 7 or 9"),
    "code": whole(1, 512),
    "size": Allowed(lambda size: whole(32, 1024).good(size) and size % 4 == 0, "a multiple of 4 from 32 to 1024"),
    "style_size": whole(32, 2048, "pixels"),
    "steps": whole(1, 10_000_000),
    "batch_size": whole(1, 64),
    "learning_rate": _POSITIVE,
    "code_rate": number(lambda share: 0 < share <= 100, "above 0, at most 100"),
    "decay_from": number(lambda share: 0 <= share <= 1, "from 0 to 1"),
    "style_layers": _LAYERS,
    "content_layers": _LAYERS,
    "content_weight": _WEIGHT,
    "content_end": number(lambda share: 0 <= share <= 1000, "from 0 to 1000"),
    "tv_weight": _WEIGHT,
    "colour_weight": _WEIGHT,
    "jitter": whole(0, 64),
}


def fast_recipe(profile: Profile | None = None, any_style: bool = False) -> FastRecipe:
    """Ours: in full, 128 pixels and about twenty minutes on two cores; in the quick profile, three for one style.

    Args:
        profile: "quick" or "full"; None for the one in use.
        any_style: see `FastRecipe`.

    Raises:
        RecipeError: there is no such profile.
    """
    full = FastRecipe(any_style=any_style)
    return full if known_profile(profile) == "full" else replace(full, steps=600, width=16)
