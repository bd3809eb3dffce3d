"""Losses that more than one model of the course uses, relative ones: 0 for equal inputs, 1 for a stated distance.

Features are float (batch, height, width, channels), of any layer of any network.
"""

from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import ops


class Target(NamedTuple):
    """What a loss compares with.

    Attributes:
        values: what would be perfect.
        unit: the squared distance from it that counts as 1, a scalar; of at least a twentieth of the values' length.
    """

    values: keras.KerasTensor
    unit: keras.KerasTensor


def gram_matrix(features: keras.KerasTensor, mask: keras.KerasTensor | None = None) -> keras.KerasTensor:
    """How often two channels are active at the same place, whatever the place.

    Gatys, Ecker and Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, equation 3, here
    divided by the number of positions, so that pictures of different sizes can be compared.

    Args:
        features: (batch, height, width, channels).
        mask: (batch, height, width, 1), from 0 to 1, how much each position counts; None for all the same.

    Returns:
        (batch, channels, channels): the mean over positions of the products of two channels.
    """
    batch, height, width, channels = ops.shape(features)
    if mask is None:
        positions = ops.cast(height * width, features.dtype)  # a tensor, if the size is known later only
        return _products(ops.reshape(features, (batch, height * width, channels))) / positions
    weighted, positions = features * mask, ops.sum(mask, axis=(1, 2, 3))[:, None, None] + 1e-6
    weighted, features = (ops.reshape(f, (batch, height * width, channels)) for f in (weighted, features))
    return ops.matmul(ops.transpose(weighted, (0, 2, 1)), features) / positions


def directions(channels: int) -> np.ndarray:
    """Directions in the space of a map's channels: each channel, and as many random ones at right angles.

    Args:
        channels: of the map.

    Returns:
        float32 (channels, 2 * channels), columns of length 1; always the same for as many channels.
    """
    random = np.linalg.qr(np.random.default_rng(channels).normal(size=(channels, channels)))[0]
    return np.concatenate([np.eye(channels), random], axis=1).astype(np.float32)


def quantiles(features: keras.KerasTensor, along: keras.KerasTensor, levels: int) -> keras.KerasTensor:
    """How a map's features are distributed, wherever they are: their values along some directions, sorted.

    Two maps have the same distribution if they agree along all directions, and the squared differences of their
    quantiles are Wasserstein distances (Bonneel et al., "Sliced and Radon Wasserstein Barycenters of Measures", 2015;
    as a style: Heitz et al., "A Sliced Wasserstein Loss for Neural Texture Synthesis", CVPR 2021). A Gram matrix is a
    sum over places, which a single loud one can meet for all; here it is one of many values.

    Args:
        features: (batch, height, width, channels).
        along: (channels, n), see `directions`.
        levels: how many quantiles, evenly spaced from the smallest to the largest value.

    Returns:
        (batch, n, levels), each row from small to large.
    """
    batch, height, width, channels = ops.shape(features)
    values = ops.matmul(ops.reshape(features, (batch, height * width, channels)), along)
    values = ops.sort(ops.transpose(values, (0, 2, 1)), axis=-1)
    place = ops.linspace(0.0, 1.0, levels) * ops.cast(height * width - 1, "float32")
    below = ops.floor(place)
    first = ops.cast(below, "int32")
    share = ops.cast(place - below, values.dtype)
    low, high = (ops.take(values, each, axis=-1) for each in (first, ops.minimum(first + 1, height * width - 1)))
    return low + share * (high - low)


@ops.custom_gradient
def _products(features: keras.KerasTensor) -> tuple[keras.KerasTensor, Callable]:
    """FᵀF, (batch, positions, channels) to (batch, channels, channels).

    It is symmetric, so its gradient is F (D + Dᵀ): one product, where automatic differentiation takes two.
    """

    def gradient(*upstream: keras.KerasTensor) -> keras.KerasTensor:
        (back,) = upstream
        return ops.matmul(features, back + ops.transpose(back, (0, 2, 1)))

    return ops.einsum("bpc,bpd->bcd", features, features), gradient


def content_target(features: keras.KerasTensor) -> Target:
    """The content's own features; 1 is as far as if only the mean of each channel were left."""
    return _target(features, ops.mean(features, axis=(1, 2), keepdims=True))


def style_target(gram: keras.KerasTensor, reference: keras.KerasTensor) -> Target:
    """The style's Gram matrix, or quantiles; 1 is as far as `reference`, usually the content's own."""
    return _target(gram, reference)


def _target(values: keras.KerasTensor, reference: keras.KerasTensor) -> Target:
    # A reference that is (nearly) the same is no unit: then a twentieth of the values' own length is.
    own = ops.sum(ops.square(values))
    return Target(values, ops.maximum(ops.sum(ops.square(values - reference)), own / 400) + 1e-8 * own + 1e-12)


def content_loss(features: keras.KerasTensor, target: Target) -> keras.KerasTensor:
    """Gatys et al. (2016), equation 1, in the unit of its target, so that it means the same for all layers."""
    return ops.sum(ops.square(features - target.values)) / target.unit


def style_loss(gram: keras.KerasTensor, target: Target) -> keras.KerasTensor:
    """Gatys et al. (2016), equation 4, in the unit of its target.

    Their factor, 1 / (4 N² M²), leaves the layers of a network orders of magnitude apart, and networks still more.
    """
    return ops.sum(ops.square(gram - target.values)) / target.unit


def total_variation(images: keras.KerasTensor) -> keras.KerasTensor:
    """Mean squared difference of neighbours in pictures (batch, height, width, channels) in [0, 255], as of [0, 1].

    Mahendran and Vedaldi, "Understanding Deep Image Representations by Inverting Them", CVPR 2015, with β = 2.
    """
    down = images[:, 1:] - images[:, :-1]
    right = images[:, :, 1:] - images[:, :, :-1]
    return (ops.mean(ops.square(down)) + ops.mean(ops.square(right))) / 255**2


def coarse_colour_loss(images: keras.KerasTensor, wanted: keras.KerasTensor, square: int = 16) -> keras.KerasTensor:
    """Mean squared difference of two batches (batch, height, width, 3) in [0, 255], as of [0, 1], seen from afar.

    Both are first averaged over squares, so strokes within them cost nothing. A network with instance norms likes to
    put one bright blot into each picture, by which it steers all of a channel's other values (Karras et al., "Analyzing
    and Improving the Image Quality of StyleGAN", CVPR 2020, section 2); here it costs what it covers.

    Args:
        images: pictures.
        wanted: those whose colours they are to have.
        square: pixels of a side; what is left over at the right and lower edges does not count.
    """
    difference = ops.average_pool(ops.cast(images, "float32") - ops.cast(wanted, "float32"), square, square)
    return ops.mean(ops.square(difference)) / 255**2
