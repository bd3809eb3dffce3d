"""A generator at work: a picture of any size in, a picture of the same size out."""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

from artnb.cyclegan.recipes import CycleRecipe
from artnb.images import ImageLike, load_image
from artnb.style.fast.brush import Brush, Manner
from artnb.style.fast.networks import FastNetworks
from artnb.style.fast.recipes import FastRecipe

TILE, OVERLAP = 768, 128  # pixels
WHOLE = 1024  # the longer side up to which a picture is done in one piece


Translate = Callable[[ImageLike], np.ndarray]


def translator(generator: keras.Model, recipe: CycleRecipe) -> Translate:
    """What calls a generator of a recipe on pictures of any size: whatever `load_image` takes, to uint8 of its size.

    A fast painter's network is called as fast painters are, whose tiles are those of the whole picture.
    """
    if recipe.generator != "painter":
        return Translator(generator, recipe.multiple)
    painter = FastNetworks(generator.get_layer("brushwork"))
    brush = Brush(painter, FastRecipe(width=recipe.width, blocks=recipe.depth))
    manner = Manner(np.ones(1, np.float32), target=None)
    return lambda picture: brush.paint(load_image(picture), manner)


class Translator:
    """Calls a generator on pictures of any size.

    Larger ones are done in overlapping tiles, each of which fades into its neighbours, so memory stays the same and no
    seam is to be seen.

    Args:
        generator: from float32 (batch, height, width, 3) in [0, 255] to the same; of one size, or of any whose sides
            are multiples of `multiple`.
        multiple: see there; 4 for the paper's generator.
    """

    def __init__(self, generator: keras.Model, multiple: int = 4):
        side: int | None = generator.input_shape[1]
        self._side, self._multiple = side, multiple
        self._whole: int = side or WHOLE
        self._tile: int = side or TILE
        self._overlap: int = side // 4 if side else OVERLAP
        self._call = tf.function(
            lambda batch: generator(batch, training=False),
            input_signature=[tf.TensorSpec((1, side, side, 3), tf.float32)],
            autograph=False,
        )

    def __call__(self, picture: ImageLike) -> np.ndarray:
        """Translate a picture, whatever `load_image` takes, to uint8 (height, width, 3) of its size.

        Raises:
            ImageError: it is no picture.
        """
        image = load_image(picture)
        height, width = image.shape[:2]
        if max(height, width) <= self._whole:
            return to_uint8(self._piece(image))
        sums = np.zeros((height, width, 3), np.float32)
        weights = np.zeros((height, width, 1), np.float32)
        for top in self._starts(height):
            for left in self._starts(width):
                tile = image[top : top + self._tile, left : left + self._tile]
                fade = self._fade(tile.shape[0])[:, None, None] * self._fade(tile.shape[1])[None, :, None]
                place = np.s_[top : top + tile.shape[0], left : left + tile.shape[1]]
                sums[place] += fade * self._piece(tile)
                weights[place] += fade
        return to_uint8(sums / weights)

    def _piece(self, image: np.ndarray) -> np.ndarray:
        """A piece at once, mirrored at its edges up to sides that the generator takes."""
        height, width = image.shape[:2]
        # At least 16, so that the map inside is wide enough for the generator's own mirrored frames.
        sides = [self._side or max(16, -(-side // self._multiple) * self._multiple) for side in (height, width)]
        extra = [(0, new - side) for new, side in zip(sides, (height, width), strict=True)]
        padded = np.pad(image, [*extra, (0, 0)], mode="symmetric")
        translated = self._call(tf.constant(padded[None], tf.float32))[0].numpy()
        return translated[:height, :width]

    def _starts(self, side: int) -> list[int]:
        """Where tiles begin, so that they cover a side evenly and overlap enough."""
        if side <= self._tile:
            return [0]
        number = -(-(side - self._overlap) // (self._tile - self._overlap))
        return [round(step * (side - self._tile) / (number - 1)) for step in range(number)]

    def _fade(self, side: int) -> np.ndarray:
        """From nearly 0 at the ends to 1 where the overlap ends."""
        distance = np.minimum(np.arange(side), np.arange(side)[::-1]) + 1.0
        return np.minimum(distance / self._overlap, 1.0).astype(np.float32)


def to_uint8(values: np.ndarray) -> np.ndarray:
    """What a generator gives, rounded to a picture's whole grey levels."""
    return (values.clip(0, 255) + 0.5).astype(np.uint8)
