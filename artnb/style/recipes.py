"""How a picture is painted, as data: it is saved in the picture's file, so that it can be painted again."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self, get_args

from artnb.common import logs
from artnb.errors import (
    TRUE_OR_FALSE,
    Allowed,
    RecipeError,
    check_name,
    check_setting,
    check_settings,
    is_number,
    number,
    one_of,
    read_settings,
    whole,
)
from artnb.weights import TITLES, fetch_command, find_weights

Start = Literal["content", "noise", "style"]
Optimiser = Literal["adam", "lbfgs"]
Pooling = Literal["max", "average"]


@dataclass(frozen=True)
class StyleRecipe:
    """The settings of a style transfer.

    Every term of the cost is relative (see `artnb.losses`), so a weight means the same for all layers and networks.

    Attributes:
        backbone: the network that looks: "vgg19", "resnet50" or "efficientnet-lite0".
        content_layers: layer name -> weight, among the content's layers.
        style_layers: layer name -> weight, among the style's layers.
        content_weight: of the content loss, the weighted mean over its layers.
        style_weight: of the style loss, the weighted mean over its layers.
        tv_weight: of the total variation, which punishes noise and dots.
        optimiser: "adam", or "lbfgs" as in the paper (SciPy's L-BFGS-B).
        learning_rate: of Adam, in grey levels of 0 to 255 per step.
        betas: of Adam, how much it remembers of past slopes and of their squares. A picture's slopes shrink by
            hundreds on the way; Keras' own values divide by what they were long ago, and steps become too short.
        iterations: steps of Adam or of L-BFGS, over all scales.
        size: the longer side of the picture in pixels; a smaller picture keeps its own. A long and narrow one is made
            larger, until its shorter side has 32 pixels, as long as it has not more of them than a square of this size.
        start: the picture to begin with: the content, noise, or the style.
        pooling: "average" is smoother than the "max" that VGG19 and ResNet50 were trained with (Gatys et al., 2016,
            section 2).
        jitter: by how many pixels at most the picture is moved before the network looks at it, each step otherwise, so
            that the network's strides leave no grid in it (Olah et al., "Feature Visualization", Distill 2017).
        smoothing: temperature of the softmax over each layer's features, as a share of the layer's largest; 0 for
            none. Residual networks need it (Wang, Li and Vasconcelos, "Rethinking and Improving the Robustness of
            Image Style Transfer", CVPR 2021).
        recolour: give the content the style's colours before anything else (`style.colours`), so that the brush is all
            that is left to find; without effect on a picture that keeps its colours.
        keep_colours: paint in lightness only, over the content's colours (Gatys et al., "Controlling Perceptual
            Factors in Neural Style Transfer", CVPR 2017, section 5).
        strength: from 0, the content's own texture, to 1, the style's: the Gram matrices are mixed.
        scales: (share of the size, share of the iterations), from coarse to fine; each begins where the last ended.
    """

    backbone: str
    content_layers: Mapping[str, float]
    style_layers: Mapping[str, float]
    content_weight: float = 1.0
    style_weight: float = 1.0
    tv_weight: float = 0.0
    optimiser: Optimiser = "adam"
    learning_rate: float = 2.0
    betas: tuple[float, float] = (0.9, 0.999)
    iterations: int = 250
    size: int = 384
    start: Start = "content"
    pooling: Pooling = "max"
    jitter: int = 0
    smoothing: float = 0.0
    recolour: bool = False
    keep_colours: bool = False
    strength: float = 1.0
    scales: tuple[tuple[float, float], ...] = ((1.0, 1.0),)

    def at_one_scale(self) -> Self:
        """The same at its full size from the first step, with Keras' own `betas`.

        There the rate does not fall, and with a short memory the steps may never come to rest.
        """
        return replace(self, scales=StyleRecipe.scales, betas=StyleRecipe.betas)

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        check_settings(self, _ALLOWED)
        # Smoothing compares all places of a picture, which then can't be looked at in tiles.
        check_setting(not self.smoothing or self.size <= 4096, "size", self.size, "4096 pixels or less with smoothing")

    def to_dict(self) -> dict[str, Any]:
        """All of it, for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return values | {
            "content_layers": dict(self.content_layers),
            "style_layers": dict(self.style_layers),
            "betas": list(self.betas),
            "scales": [list(scale) for scale in self.scales],
        }

    @classmethod
    def from_dict(cls, values: Any) -> Self:
        """The recipe that `to_dict` described.

        Raises:
            RecipeError: a setting is missing, unknown or can't be used.
        """
        return read_settings(cls, values)

    def sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """Height and width in pixels of a picture of that size at each scale.

        Raises:
            RecipeError: the size is too small for the picture's shape.
        """
        shorter, longer = sorted((height, width))
        factor = min(1.0, self.size / longer)
        if round(shorter * factor) < MIN_SIDE and MIN_SIDE * longer > self.size**2 * shorter / MIN_SIDE:
            raise RecipeError(
                f"The recipe's size of {self.size} pixels is too small for a picture of {width} × {height}, whose "
                f"shorter side would have less than {MIN_SIDE}; give a size of "
                f"{math.ceil(MIN_SIDE * math.sqrt(longer / shorter))} or more, or cut the picture."
            )
        sizes = []
        for scale, _ in self.scales:
            sides = round(height * factor * scale), round(width * factor * scale)
            if min(sides) < MIN_SIDE:
                sides = round(height * MIN_SIDE / shorter), round(width * MIN_SIDE / shorter)
            sizes.append(sides)
        return sizes

    def steps(self) -> list[int]:
        """Iterations at each scale; they sum to `iterations` unless that would leave a scale without any."""
        total = sum(share for _, share in self.scales)
        coarse = [max(1, round(self.iterations * share / total)) for _, share in self.scales[:-1]]
        return [*coarse, max(1, self.iterations - sum(coarse))]


# Below that, the deeper layers of a network see nothing but the picture's edge.
MIN_SIDE = 32

STRENGTH = number(lambda share: 0 <= share <= 1, "from 0 to 1")
_WEIGHT = number(lambda weight: weight >= 0, "from 0 on")
_LAYERS = Allowed(
    lambda layers: (
        isinstance(layers, Mapping)
        and all(isinstance(name, str) for name in layers)
        and all(map(_WEIGHT.good, layers.values()))
        and 0 < sum(layers.values()) < math.inf
    ),
    "names of layers with weights from 0 on, at least one of them above 0",
)


def _is_pair(value: object) -> bool:
    return isinstance(value, tuple | list) and len(value) == 2 and all(map(is_number, value))


_ALLOWED = {
    "backbone": one_of(*TITLES),
    "content_layers": _LAYERS,
    "style_layers": _LAYERS,
    "content_weight": _WEIGHT,
    "style_weight": _WEIGHT,
    "tv_weight": _WEIGHT,
    "optimiser": one_of(*get_args(Optimiser)),
    "learning_rate": number(lambda rate: rate > 0, "above 0"),
    "betas": Allowed(
        lambda betas: _is_pair(betas) and all(0 <= beta < 1 for beta in betas), "two numbers from 0 to less than 1"
    ),
    "iterations": whole(1, 100_000),
    "size": whole(MIN_SIDE, 10_000, "pixels"),
    "start": one_of(*get_args(Start)),
    "pooling": one_of(*get_args(Pooling)),
    "jitter": whole(0, 16, "pixels"),
    "smoothing": _WEIGHT,
    "recolour": TRUE_OR_FALSE,
    "keep_colours": TRUE_OR_FALSE,
    "strength": STRENGTH,
    "scales": Allowed(
        lambda scales: (
            isinstance(scales, tuple | list)
            and len(scales) > 0
            and all(_is_pair(pair) and 0 < pair[0] <= 1 and pair[1] > 0 for pair in scales)
            and scales[-1][0] == 1
        ),
        "shares of the size up to 1, the last one 1, each with its share of the iterations",
    ),
}

_VGG_ORIGINAL = StyleRecipe(
    backbone="vgg19",
    content_layers={"block3_conv4": 1.0},
    style_layers={
        "block1_conv1": 1.263,
        "block2_conv2": 3.505,
        "block3_conv3": 0.0515,
        "block4_conv4": 0.184,
        "block5_conv2": 0.0364,
    },
    content_weight=0.0358,
    style_weight=0.03645,
    learning_rate=2.0213,
    size=360,
)

_RESNET_ORIGINAL = StyleRecipe(
    backbone="resnet50",
    content_layers={"conv3_block4_out": 1.0},
    style_layers={
        "conv1_relu": 0.0805,
        "conv2_block3_out": 0.373,
        "conv3_block4_out": 3.752,
        "conv4_block6_out": 9.886,
        "conv5_block3_out": 3.450,
    },
    content_weight=0.0211,
    style_weight=0.06006,
    learning_rate=1.5076,
    size=360,
)

_GATYS = StyleRecipe(
    backbone="vgg19",
    content_layers={"block4_conv2": 1.0},
    style_layers={f"block{block}_conv1": 1.0 for block in range(1, 6)},
    content_weight=0.05,
    optimiser="lbfgs",
    iterations=300,
    size=512,
    start="noise",
    pooling="average",
)

_COARSE_TO_FINE = ((0.5, 0.6), (1.0, 0.4))
_SHORT_MEMORY = (0.7, 0.9)

RECIPES: dict[str, StyleRecipe] = {
    "vgg19": StyleRecipe(
        backbone="vgg19",
        content_layers={"block4_conv2": 1.0},
        style_layers={f"block{block}_conv1": 1.0 for block in range(1, 6)},
        content_weight=0.1,
        tv_weight=1.0,
        learning_rate=6.0,
        betas=_SHORT_MEMORY,
        iterations=150,
        pooling="average",
        scales=_COARSE_TO_FINE,
    ),
    "resnet50": StyleRecipe(
        backbone="resnet50",
        content_layers={"conv3_block4_out": 1.0},
        style_layers={
            "conv1_relu": 1.0,
            "conv2_block3_out": 1.0,
            "conv3_block4_out": 1.0,
            "conv4_block6_out": 1.0,
        },
        content_weight=0.1,
        tv_weight=4.0,
        learning_rate=6.0,
        betas=_SHORT_MEMORY,
        iterations=150,
        pooling="average",
        smoothing=0.5,
        scales=_COARSE_TO_FINE,
    ),
    "efficientnet-lite0": StyleRecipe(
        backbone="efficientnet-lite0",
        content_layers={"block4": 1.0},
        style_layers={"stem": 1.0, "block0": 1.0, "block2": 1.0, "block4": 1.0, "block10": 1.0},
        content_weight=0.05,
        tv_weight=4.0,
        learning_rate=8.0,
        betas=_SHORT_MEMORY,
        iterations=150,
        recolour=True,
        scales=_COARSE_TO_FINE,
    ),
    "gatys": _GATYS,
    "original-vgg19": _VGG_ORIGINAL,
    "original-resnet50": _RESNET_ORIGINAL,
}


def default_recipe() -> StyleRecipe:
    """VGG19's, or EfficientNet-Lite0's where VGG19's weights are missing, and then a line on stderr says so."""
    if find_weights("vgg19"):
        return RECIPES["vgg19"]
    logs.warn(
        "style.default",
        "VGG19's weights are not on this machine; EfficientNet-Lite0 is used instead. "
        f"`{fetch_command('vgg19')}` fetches them.",
    )
    return RECIPES["efficientnet-lite0"]


def style_recipe(name: str) -> StyleRecipe:
    """A preset: ours for each backbone by its name, "gatys", "original-vgg19" or "original-resnet50".

    Raises:
        RecipeError: there is no such preset.
    """
    check_name(name, RECIPES, "recipe")
    return RECIPES[name]
