"""The fast painter: from a photograph in a style's colours to what a brush changes in it, in one pass.

Johnson, Alahi and Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016, with the
mirrored frames and enlargements by repeated pixels of Dumoulin et al. (ICLR 2017), whose conditional instance norm
holds the styles. Colours are moved before, in closed form (`style.colours`), so only the brush is left to learn.
"""

from dataclasses import dataclass
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from artnb.common.precision import check_keras
from artnb.layers import ConditionalInstanceNormalization, ReflectionPadding
from artnb.style.fast.recipes import FastRecipe

CODE_DEVIATION = 0.3  # of what leads from a predicted code to scales and shifts; from a smaller one, all styles are one
_HIDDEN = 128  # units of the predictor
_LEAST = 1 / 1024  # of a colour between 0 and 1: its logit is finite, and it is rounded to what it was
NOISES = 2  # channels of noise beside the colours: on a plain area, a network of nothing else paints one grid
_MOST = 2.5  # that a colour's logit is changed by, about: enough for any stroke, and a blot stays a colour


class Convolution(NamedTuple):
    """One of the network's convolutions, with a mirrored frame before it, and all but the last a norm behind it.

    Attributes:
        name: of the layer, without an ending.
        channels: that it gives.
        kernel: its sides.
        strides: 2 to halve the map.
        enlarge: whether each pixel of the map is made four before it.
        active: whether a ReLU follows the norm.
        residual: whether the map that its block began with is added.
        sees: whether the network's input is put beside the map, at its full size.
    """

    name: str
    channels: int
    kernel: int = 3
    strides: int = 1
    enlarge: bool = False
    active: bool = True
    residual: bool = False
    sees: bool = False


LAST = "brush"


def convolutions(recipe: FastRecipe) -> tuple[Convolution, ...]:
    """A painter's convolutions in their order."""
    width = recipe.width
    plan = [Convolution("stem", width, recipe.stem)]
    plan += [Convolution(f"down{number}", 2 ** (number + 1) * width, strides=2) for number in range(2)]
    for number in range(recipe.blocks):
        plan.append(Convolution(f"block{number}_first", 4 * width))
        plan.append(Convolution(f"block{number}_second", 4 * width, active=False, residual=True))
    plan += [Convolution("up0", 2 * width, enlarge=True), Convolution("up1", width, enlarge=True, sees=True)]
    return *plan, Convolution(LAST, 3, recipe.stem, active=False)


def painter_network(recipe: FastRecipe, code: int) -> keras.Model:
    """The network that paints.

    Args:
        recipe: width, blocks and stem.
        code: how many numbers a style's code has.

    Returns:
        A model from what `seen` gives of recoloured photographs with sides that are multiples of 4, float32 (batch,
        height, width, 5), and (batch, code) to float32 (batch, height, width, 3): the change of the colours' logits,
        at first 0 everywhere; see `painted`.
    """
    deviation = CODE_DEVIATION if recipe.any_style else 0.0
    pictures, codes = layers.Input((None, None, 3 + NOISES), name="pictures"), layers.Input((code,), name="code")
    x = begun = pictures
    for conv in convolutions(recipe):
        if conv.name.endswith("_first"):
            begun = x
        if conv.enlarge:
            x = layers.UpSampling2D(name=f"{conv.name}_size")(x)
        if conv.sees:
            x = layers.Concatenate(name=f"{conv.name}_sees")([x, pictures])
        x = ReflectionPadding(conv.kernel // 2, name=f"{conv.name}_pad")(x)
        if conv.name == LAST:
            # It begins with no change at all: random weights would begin with a noise louder than the picture.
            x = layers.Conv2D(3, conv.kernel, kernel_initializer="zeros", name=f"{LAST}_conv")(x)
            return keras.Model((pictures, codes), layers.Activation("linear", dtype="float32", name=LAST)(x))
        x = layers.Conv2D(conv.channels, conv.kernel, conv.strides, use_bias=False, name=f"{conv.name}_conv")(x)
        x = ConditionalInstanceNormalization(deviation, name=f"{conv.name}_norm")(x, codes)
        if conv.active:
            x = layers.ReLU(name=conv.name)(x)
        if conv.residual:
            x = layers.Add(name=conv.name)([begun, x])
    raise AssertionError("a painter ends with its brush")


def seen(pictures: np.ndarray | tf.Tensor, noise: np.ndarray | tf.Tensor) -> tf.Tensor:
    """A network's input, float32 (…, 5): recoloured pictures (…, 3) in [0, 255] as -1 to 1, and noise (…, 2)."""
    return tf.concat([tf.cast(pictures, tf.float32) / 127.5 - 1.0, noise], -1)


def noise_at(rows: slice, columns: slice) -> np.ndarray:
    """The noise of a part of a picture, float32 (height, width, 2), its mean 0 and its standard deviation 1.

    It belongs to the place: the same in every picture, so that parts fit and films do not flicker.
    """
    return NOISE[np.ix_(*(np.arange(each.start, each.stop) % len(NOISE) for each in (rows, columns)))]


def _noise(side: int = 512) -> np.ndarray:
    """Evenly distributed, by multiplications and shifts of whole numbers: the same on every machine."""
    x = np.arange(side * side * NOISES, dtype=np.uint32) + np.uint32(1874)
    for factor in (0x7FEB352D, 0x846CA68B):
        x = (x ^ (x >> np.uint32(16))) * np.uint32(factor)
    share = ((x ^ (x >> np.uint32(16))) >> np.uint32(8)).astype(np.float32) / np.float32(2**24)
    return ((share - np.float32(0.5)) * np.float32(12**0.5)).reshape(side, side, NOISES)


def style_predictor(statistics: np.ndarray, code: int) -> keras.Model:
    """From the statistics of a style, (batch, n), to its code, (batch, code), of length 1.

    Args:
        statistics: of the styles to train on, (styles, n): each number is first brought to their mean and deviation.
        code: how many numbers.
    """
    numbers = layers.Input((statistics.shape[1],), name="statistics")
    norm = layers.Normalization(name="usual", dtype="float32")
    norm.adapt(np.concatenate([statistics - 0.01, statistics + 0.01]))  # no variance of 0, even of a single style
    x = layers.Dense(_HIDDEN, "relu", dtype="float32", name="hidden")(norm(numbers))
    x = layers.Dense(code, dtype="float32", name="code")(x)
    return keras.Model(numbers, layers.UnitNormalization(dtype="float32", name="direction")(x), name="predictor")


def painted(pictures: tf.Tensor, change: tf.Tensor) -> tf.Tensor:
    """A recoloured photograph with a change of its logits: float32 (batch, height, width, 3) in [0, 255].

    Added to colours and cut at 0 and 255, changes grow into blots that no gradient reaches any more; added to the
    colours' logits, before a sigmoid, and bounded, they stay among the colours.
    """
    share = tf.clip_by_value(tf.cast(pictures, tf.float32) / 255.0, _LEAST, 1.0 - _LEAST)
    bounded = _MOST * tf.tanh(change / _MOST)
    return 255.0 * tf.sigmoid(tf.math.log(share) - tf.math.log1p(-share) + bounded)


NOISE = _noise()


@dataclass(frozen=True)
class FastNetworks:
    """A painter's networks.

    Attributes:
        painter: see `painter_network`.
        predictor: of one for any style, see `style_predictor`; otherwise None, and codes are rows of a unit matrix.
    """

    painter: keras.Model
    predictor: keras.Model | None = None

    @classmethod
    def build(cls, recipe: FastRecipe, statistics: np.ndarray) -> "FastNetworks":
        """With random weights.

        Args:
            recipe: how.
            statistics: of the styles, (styles, n).

        Raises:
            KerasError: Keras is set up for other networks.
        """
        check_keras()
        if not recipe.any_style:
            return cls(painter_network(recipe, len(statistics)))
        return cls(painter_network(recipe, recipe.code), style_predictor(statistics, recipe.code))

    @property
    def all(self) -> tuple[keras.Model, ...]:
        """The painter, then the predictor if there is one."""
        return (self.painter,) if self.predictor is None else (self.painter, self.predictor)

    def rows(self, statistics: np.ndarray) -> np.ndarray:
        """What `codes` takes, float32 (styles, n), of all styles: their statistics, or the rows of a unit matrix."""
        return np.eye(len(statistics), dtype=np.float32) if self.predictor is None else statistics.astype(np.float32)

    def codes(self, rows: tf.Tensor) -> tf.Tensor:
        """The codes of styles, (batch, code), of some of their `rows`."""
        return rows if self.predictor is None else self.predictor(rows)
