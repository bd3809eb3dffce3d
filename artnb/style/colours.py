"""A photograph in a painting's colours, in closed form: no network, nothing to train, no brush.

The palette is moved by the one linear map that brings mean and covariance of the colours to the painting's and moves
them as little as possible (Pitié and Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based
Colour Transfer", CVMP 2007). Where a mask has edges, a guided filter lets them follow the photograph's own: the result
is locally affine in the photograph, so nothing is bent and no texture comes in (the idea of Luan et al., "Deep Photo
Style Transfer", CVPR 2017).
"""

import hashlib
import json
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from PIL import Image

from artnb.common.resuming import digest
from artnb.images import ImageLike, as_list, load_image, resize
from artnb.style.inputs import check_strength, mask_levels, style_shares

NOISE = 5.0  # grey levels: what spreads less is noise, and is not stretched into contrast
_LOOKED_AT = 512  # pixels of the longer side at which the guided filter looks at a picture
_RADIUS, _EPSILON = 8, 65.0  # of its windows, in those pixels; what varies less, in squared grey levels, is plain


class Palette(NamedTuple):
    """How a picture's colours are spread.

    Attributes:
        mean: float64 (3,), RGB in [0, 255].
        covariance: float64 (3, 3), in squared grey levels.
    """

    mean: np.ndarray
    covariance: np.ndarray


def palette(image: np.ndarray, weights: np.ndarray | None = None) -> Palette:
    """The palette of a picture, uint8 or float (height, width, 3) in [0, 255].

    Args:
        image: the picture; of a large one, each second pixel is looked at, or each third, and so on.
        weights: (height, width), how much each place counts, from 0 on, not 0 everywhere; None for all the same.
    """
    step = max(1, max(image.shape[:2]) // 256)
    if weights is not None and not weights[::step, ::step].any():  # the light places lie between those
        step = 1
    colours = image[::step, ::step].reshape(-1, 3).astype(np.float64)
    counts = None if weights is None else weights[::step, ::step].ravel().astype(np.float64)
    mean = np.average(colours, axis=0, weights=counts)
    centred = colours - mean
    weighted = centred if counts is None else centred * counts[:, None]
    return Palette(mean, weighted.T @ centred / (len(colours) if counts is None else counts.sum()))


def colour_map(source: Palette, target: Palette) -> np.ndarray:
    """The matrix (3, 3), symmetric, that brings one palette's covariance to another's (Pitié and Kokaram, equation 7).

    Both are taken with NOISE added, so that a picture of one colour can be brought to any other, and back.
    """
    first, second = (each.covariance + NOISE**2 * np.eye(3) for each in (source, target))
    root, inverse = _power(first, 0.5), _power(first, -0.5)
    return inverse @ _power(root @ second @ root, 0.5) @ inverse


def moved(image: np.ndarray, source: Palette, target: Palette) -> np.ndarray:
    """A picture with its colours moved from one palette to another: float32 (height, width, 3) in [0, 255]."""
    matrix = colour_map(source, target).astype(np.float32)
    offset = (target.mean - source.mean @ matrix).astype(np.float32)
    return np.clip(image.astype(np.float32) @ matrix + offset, 0, 255)


def recolour(
    content: ImageLike,
    styles: ImageLike | Sequence[ImageLike],
    *,
    weights: Sequence[float] | None = None,
    mask: ImageLike | None = None,
    strength: float = 1.0,
) -> np.ndarray:
    """Give a photograph the colours of a painting, or of several, mixed.

    Args:
        content: the photograph: whatever `load_image` takes, of any size.
        styles: one picture, or several: a list, or an array (n, height, width, 3).
        weights: how much each style counts; None for all the same.
        mask: a picture, or a bool (height, width): the colours are changed where it is light, and taken from there.
        strength: from 0, the photograph as it is, to 1.

    Returns:
        uint8 (height, width, 3), of the photograph's size.

    Raises:
        StyleError: weights, mask or strength can't be used.
        ImageError: a picture can't be read.
    """
    photo, pictures = load_image(content), [load_image(style) for style in as_list(styles)[0]]
    shares = style_shares(len(pictures), weights)
    check_strength(strength)
    light = None if mask is None else resize(mask_levels(mask), photo.shape[:2])[..., 0]
    own = palette(photo, light)
    result = np.zeros(photo.shape, np.float32)
    for picture, share in zip(pictures, shares, strict=True):
        result += np.float32(share) * moved(photo, own, palette(picture))
    change = np.float32(strength) * (result - photo)
    if light is not None:
        change = _along_edges(photo, light[..., None] / np.float32(255) * change)
    return ((photo + change).clip(0, 255) + 0.5).astype(np.uint8)


def recolouring_identity(
    content: ImageLike,
    styles: ImageLike | Sequence[ImageLike],
    *,
    weights: Sequence[float] | None = None,
    mask: ImageLike | None = None,
    strength: float = 1.0,
) -> str:
    """What distinguishes a recolouring from others: 64 hexadecimal digits, from the arguments of `recolour`.

    Raises:
        StyleError, ImageError: see `recolour`.
    """
    pictures = [load_image(style) for style in as_list(styles)[0]]
    masks = [] if mask is None else [mask_levels(mask)]
    shares = style_shares(len(pictures), weights)
    how = ["colours only", shares, strength, len(masks), digest(load_image(content), *pictures, *masks)]
    return hashlib.sha256(json.dumps(how).encode()).hexdigest()


def guided_filter(guide: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Fit an image, window by window, by the colours of another (He, Sun and Tang, ECCV 2010, section 3.3).

    Args:
        guide: float (height, width, 3).
        image: float (height, width, channels).
        radius: of the square windows, 2 * radius + 1 pixels a side.
        epsilon: what the guide's variance is compared with; where it varies less, the image is blurred.

    Returns:
        The coefficients, means over all windows that hold a pixel: (height, width, 3, channels) and (height, width,
        channels). The filtered image is `einsum("hwk,hwkc->hwc", guide, first) + second`.
    """
    from scipy.ndimage import uniform_filter

    def mean(values: np.ndarray) -> np.ndarray:
        return uniform_filter(values, (2 * radius + 1, 2 * radius + 1, *[1] * (values.ndim - 2)), mode="reflect")

    of_guide, of_image = mean(guide), mean(image)
    spread = mean(guide[..., :, None] * guide[..., None, :]) - of_guide[..., :, None] * of_guide[..., None, :]
    together = mean(guide[..., :, None] * image[..., None, :]) - of_guide[..., :, None] * of_image[..., None, :]
    slope = np.linalg.solve(spread + epsilon * np.eye(3), together)
    return mean(slope), mean(of_image - np.einsum("hwk,hwkc->hwc", of_guide, slope))


def _along_edges(photo: np.ndarray, change: np.ndarray) -> np.ndarray:
    """A change, float (height, width, 3), made locally affine in a photograph; coefficients are found in the small."""
    size = photo.shape[0], photo.shape[1]
    factor = min(1.0, _LOOKED_AT / max(size))
    small = max(1, round(size[0] * factor)), max(1, round(size[1] * factor))
    guide, looked_at = (_resampled(each, small).astype(np.float64) for each in (photo, change))
    slope, offset = guided_filter(guide, looked_at, _RADIUS, _EPSILON)
    result = np.empty(change.shape, np.float32)
    for channel in range(3):  # one after the other: a large picture's coefficients take twelve times its own room
        result[..., channel] = _resampled(offset[..., channel : channel + 1], size)[..., 0]
        for by in range(3):
            result[..., channel] += _resampled(slope[..., by, channel, None], size)[..., 0] * photo[..., by]
    return result


def _resampled(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Float (height, width, channels) at another (height, width), linearly, or as the mean of areas."""
    bands = [
        Image.fromarray(np.ascontiguousarray(values[..., channel], np.float32)).resize(
            size[::-1], Image.Resampling.BILINEAR
        )
        for channel in range(values.shape[-1])
    ]
    return np.stack([np.asarray(band) for band in bands], axis=-1)


def _power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """A power of a symmetric matrix whose eigenvalues are above 0."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.maximum(values, 0) ** exponent) @ vectors.T
