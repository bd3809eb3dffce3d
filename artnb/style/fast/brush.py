"""A fast painter at work: a picture of any size in, a painting of the same size out, in one pass."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from artnb.errors import TRUE_OR_FALSE, check_value
from artnb.errors import number as number_that
from artnb.films import Film
from artnb.images import ImageError, resize
from artnb.style.colours import Palette, moved, palette
from artnb.style.fast.networks import NOISES, FastNetworks, noise_at, painted, seen
from artnb.style.fast.passes import STEP, Moments, Passes, Read, mean_moments
from artnb.style.fast.recipes import FastRecipe
from artnb.style.fast.styles import mean_palette
from artnb.style.inputs import check_strength, in_colours_of, masked
from artnb.style.state import StyleError

WHOLE = 1024**2  # pixels up to which a picture is painted in one piece
_FRAMES = 8  # of a film, whose moments stand for all
_LEAST = 16  # pixels of a side, so that the deepest map is wide enough for its mirrored frames
_BAND = 256  # rows that are put together at once
_STROKES = number_that(lambda factor: 0.25 <= factor <= 8, "from 0.25 to 8")


@dataclass(frozen=True)
class Manner:
    """How a picture is painted.

    Attributes:
        code: of the style, float32 (length,).
        target: the style's palette, to which the photograph's is moved first; None to paint it as it is.
        strength: of the style, from 0, the photograph as it is, to 1.
        keep_colours: paint in lightness only, over the photograph's colours.
        stroke: how large the strokes are, 1 as in training: the network looks at the picture at 1 / stroke of its size,
            and what it changes there is enlarged; the picture is not.
    """

    code: np.ndarray
    target: Palette | None
    strength: float = 1.0
    keep_colours: bool = False
    stroke: float = 1.0

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        check_strength(self.strength)
        check_value(self.stroke, _STROKES, "The stroke", StyleError)
        check_value(self.keep_colours, TRUE_OR_FALSE, "keep_colours", StyleError)


@dataclass(frozen=True)
class Shared:
    """What the frames of a film have in common, so that what does not move is painted as it was.

    Attributes:
        source: their palette.
        moments: what the network's norms divide by.
    """

    source: Palette
    moments: tuple[Moments, ...]


class Brush:
    """Paints with a painter's network.

    Args:
        networks: of the painter.
        recipe: its own.
    """

    def __init__(self, networks: FastNetworks, recipe: FastRecipe):
        painter = networks.painter
        self._passes = Passes(painter, recipe)
        self._whole = tf.function(
            lambda pictures, codes: painter((pictures, codes), training=False),
            input_signature=[
                tf.TensorSpec((1, None, None, 3 + NOISES), tf.float32),
                tf.TensorSpec((1, painter.input_shape[1][1]), tf.float32),
            ],
            autograph=False,
        )

    def paint(
        self, photo: np.ndarray, manner: Manner, mask: np.ndarray | None = None, shared: Shared | None = None
    ) -> np.ndarray:
        """Paint a picture, uint8 (height, width, 3), to the same.

        Args:
            photo: of any size.
            manner: how.
            mask: uint8 (height, width) of any size: painted where it is light, the photograph where it is dark.
            shared: of a film, from `share`; by default the picture's own.
        """
        if manner.strength == 0:
            return photo.copy()
        source = palette(photo) if shared is None else shared.source
        change = self._change(self._looked_at(photo, manner), source, manner, shared)
        if change.shape[:2] != photo.shape[:2]:
            change = tf.image.resize(change, photo.shape[:2], "bicubic").numpy()
        result = np.empty_like(photo)
        for first in range(0, len(photo), _BAND):
            rows = slice(first, first + _BAND)
            band = photo[rows].astype(np.float32)
            recoloured = band + np.float32(manner.strength) * (_recoloured(band, source, manner) - band)
            values = painted(recoloured, np.float32(manner.strength) * change[rows]).numpy()
            result[rows] = (values.clip(0, 255) + 0.5).astype(np.uint8)
        if manner.keep_colours:
            result = in_colours_of(result, photo)
        return masked(photo, result, mask)

    def share(self, frames: Sequence[np.ndarray], manner: Manner) -> Shared:
        """What the frames of a film have in common.

        Args:
            frames: uint8 (height, width, 3) each, one or more, that stand for all.
            manner: how they are painted.
        """
        source = mean_palette([palette(frame) for frame in frames])
        several = []
        for frame in frames:
            looked_at = self._looked_at(frame, manner)
            padded = _padded(looked_at)
            several.append(self._passes.moments(_reader(padded, source, manner), padded.shape[:2], manner.code)[0])
        return Shared(source, mean_moments(several))

    def film(
        self, film: Film, manner: Manner, mask: np.ndarray | None = None
    ) -> Iterator[tuple[int, np.ndarray | ImageError]]:
        """Paint the frames of a film: their numbers, and each painting, or why its frame can't be read.

        What does not change from frame to frame is painted in the same way.
        """
        shared = self.share(film.some(_FRAMES), manner)
        for number in range(len(film)):
            try:
                frame = film.frame(number)
            except ImageError as error:
                yield number, error
            else:
                yield number, self.paint(frame, manner, mask, shared)

    def _looked_at(self, photo: np.ndarray, manner: Manner) -> np.ndarray:
        """The picture at the size that the network is to see."""
        if manner.stroke == 1:
            return photo
        height, width = (max(_LEAST, round(side / manner.stroke)) for side in photo.shape[:2])
        return resize(photo, (height, width))

    def _change(self, photo: np.ndarray, source: Palette, manner: Manner, shared: Shared | None) -> np.ndarray:
        """What the network changes in the logits of a recoloured picture: float32 of its shape."""
        padded = _padded(photo)
        height, width = photo.shape[:2]
        read, code = _reader(padded, source, manner), manner.code
        size = padded.shape[:2]
        if shared is None and size[0] * size[1] <= WHOLE:
            whole = read(slice(0, size[0]), slice(0, size[1]))[None]
            return self._whole(whole, tf.constant(code[None], tf.float32))[0, :height, :width].numpy()
        if shared is None:
            moments, trunk = self._passes.moments(read, size, code)
            parts = self._passes.finish(read, trunk, moments, code)
        else:
            parts = self._passes.paint(read, size, shared.moments, code)
        change = np.empty(padded.shape, np.float32)
        for place, values in parts:
            change[place] = values
        return change[:height, :width]


def _recoloured(values: np.ndarray, source: Palette, manner: Manner) -> np.ndarray:
    """A part of a picture in the style's colours, or as it is where it keeps its own."""
    if manner.keep_colours or manner.target is None:
        return values.astype(np.float32)
    return moved(values, source, manner.target)


def _reader(picture: np.ndarray, source: Palette, manner: Manner) -> Read:
    """What the network sees of a part of a picture."""
    return lambda rows, columns: seen(_recoloured(picture[rows, columns], source, manner), noise_at(rows, columns))


def _padded(picture: np.ndarray) -> np.ndarray:
    """Mirrored at the lower and the right edge, up to sides that the network takes."""
    extra = [(0, max(_LEAST, -(-side // STEP) * STEP) - side) for side in picture.shape[:2]]
    return np.pad(picture, [*extra, (0, 0)], mode="symmetric") if any(after for _, after in extra) else picture
