"""A style as numbers: what the works of a painter have in common, or what a single picture shows.

A painter's Gram matrices, palette and statistics are the means over many works, which leaves out what each one shows.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf

from artnb.backbones import Backbone, check_judge
from artnb.common.progress import progress
from artnb.errors import TrainingError
from artnb.images import ImageLike, load_image, resize
from artnb.layers import ChannelStatistics
from artnb.losses import directions, gram_matrix, quantiles
from artnb.style.colours import Palette, palette
from artnb.style.fast.recipes import STYLE_LAYERS, FastRecipe
from artnb.style.recipes import MIN_SIDE

LEVELS = 128  # quantiles of each distribution
_PLACES = 40  # of a map's side are looked at, about: fine maps have more than it takes


@dataclass(frozen=True)
class Style:
    """What a painter is trained to paint like.

    Attributes:
        name: of the painter, or of the picture.
        grams: layer name -> Gram matrix, float32 (channels, channels).
        quantiles: layer name -> float32 (directions, LEVELS), see `losses.quantiles`. The mean of several works' is
            their Wasserstein barycentre, along each direction.
        palette: mean and covariance of the colours.
        statistics: float32 (n,), means and standard deviations of the channels of STYLE_LAYERS.
        works: how many pictures these are the means of.
    """

    name: str
    grams: Mapping[str, np.ndarray]
    quantiles: Mapping[str, np.ndarray]
    palette: Palette
    statistics: np.ndarray
    works: int


@lru_cache(maxsize=4)
def looking(backbone: Backbone, names: tuple[str, ...]) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
    """What a network sees in pictures, float32 (batch, height, width, 3) in [0, 255]: layer name -> features."""
    model = backbone.taps(names)
    network = keras.Model(model.input, dict(zip(names, model.outputs, strict=True)))
    return lambda pictures: network(pictures, training=False)


def measure_style(
    name: str,
    works: Iterable[ImageLike],
    backbone: Backbone,
    size: int,
    layers: Sequence[str] = STYLE_LAYERS,
    sort: bool = True,
) -> Style:
    """The style of a painter by some of their works, or of a single picture.

    Args:
        name: what it is called.
        works: pictures, whatever `load_image` takes.
        backbone: the network that looks, with its weights.
        size: each work is brought to as many pixels as a square of this size has.
        layers: of its Gram matrices and its quantiles.
        sort: whether to take quantiles, which only a training needs.

    Raises:
        BackboneError: the network is untrained, or lacks a layer.
        ImageError: a picture can't be read.
        TrainingError: there are no works.
    """
    check_judge(backbone)
    pictures = [brought_to(load_image(work), size) for work in works]
    if not pictures:
        raise TrainingError(f"The style {name!r} has no works; give one or more.")
    palettes = [palette(picture) for picture in pictures]
    common = mean_palette(palettes)
    of_statistics = statistics_layers(backbone, layers)
    see = _compiled(backbone, tuple(dict.fromkeys([*layers, *of_statistics])), tuple(layers), of_statistics, sort)
    number = len(pictures)
    sums: list[dict[str, np.ndarray]] = [dict.fromkeys(layers, np.zeros((), np.float32)) for _ in range(2)]
    statistics = 0.0
    with progress(pictures, name, number, "work") as bar:
        for picture in bar:
            *found, own = see(tf.constant(picture[None], tf.float32))
            for total, each in zip(sums, found, strict=True):
                total.update(
                    {layer: total[layer] + values.numpy() / np.float32(number) for layer, values in each.items()}
                )
            statistics = statistics + own.numpy()
    grams, sorted_values = sums
    return Style(
        name, grams, sorted_values if sort else {}, common, np.asarray(statistics / number, np.float32), number
    )


def statistics_layers(backbone: Backbone, layers: Sequence[str]) -> tuple[str, ...]:
    """The layers whose statistics a predictor sees: always the same of EfficientNet-Lite0, whatever its losses use."""
    return STYLE_LAYERS if backbone.name == "efficientnet-lite0" else tuple(layers)


@lru_cache(maxsize=4)
def _compiled(
    backbone: Backbone, names: tuple[str, ...], layers: tuple[str, ...], of_statistics: tuple[str, ...], sort: bool
) -> Callable[[tf.Tensor], tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], tf.Tensor]]:
    """From one picture to its Gram matrices, its quantiles and its statistics."""
    see, statistics = looking(backbone, names), ChannelStatistics()

    def look(picture: tf.Tensor) -> tuple[dict[str, tf.Tensor], dict[str, tf.Tensor], tf.Tensor]:
        features = see(picture)
        grams = {layer: gram_matrix(features[layer])[0] for layer in layers}
        spread = {layer: distributions(features[layer])[0] for layer in (layers if sort else ())}
        return grams, spread, tf.concat([statistics(features[layer])[0] for layer in of_statistics], 0)

    return tf.function(look, input_signature=[tf.TensorSpec((1, None, None, 3), tf.float32)], autograph=False)


def distributions(features: tf.Tensor) -> tf.Tensor:
    """The quantiles of a map along `losses.directions`, (batch, directions, LEVELS).

    Args:
        features: (batch, height, width, channels); of large maps, each second place is looked at, or each third …
    """
    step = tf.maximum(1, tf.minimum(tf.shape(features)[1], tf.shape(features)[2]) // _PLACES)
    batch, channels = features.shape[0], features.shape[-1]
    looked_at = tf.ensure_shape(features[:, ::step, ::step], (batch, None, None, channels))
    return quantiles(looked_at, directions(channels), LEVELS)


def brought_to(picture: np.ndarray, size: int) -> np.ndarray:
    """A picture at as many pixels as a square of `size` has, none of its sides below MIN_SIDE, its shape kept."""
    height, width = picture.shape[:2]
    factor = size / (height * width) ** 0.5
    return resize(picture, (max(MIN_SIDE, round(height * factor)), max(MIN_SIDE, round(width * factor))))


def mean_palette(palettes: Sequence[Palette], shares: Sequence[float] | None = None) -> Palette:
    """The mean of several palettes, each counting by its share, by default all the same."""
    weights = np.full(len(palettes), 1 / len(palettes)) if shares is None else np.asarray(shares)
    return Palette(
        np.tensordot(weights, [each.mean for each in palettes], 1),
        np.tensordot(weights, [each.covariance for each in palettes], 1),
    )


def measure_styles(
    works: Mapping[str, Sequence[ImageLike]], recipe: FastRecipe, backbone: Backbone
) -> tuple[Style, ...]:
    """The styles of painters, or of pictures, by their names, as a recipe looks at them; see `measure_style`."""
    return tuple(
        measure_style(name, pictures, backbone, recipe.style_size, tuple(recipe.style_layers))
        for name, pictures in works.items()
    )
