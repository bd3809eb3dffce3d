"""A painter's network taken apart: pictures of any size in bounded memory, and statistics that pictures share.

Instance norm divides by what a map's whole area has in common, so tiles that are painted one by one do not match. Here
the statistics of the whole picture are found first, norm by norm; with them the network looks at no more than a place's
surroundings, and tiles that overlap by these are those of the whole picture.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from artnb.style.fast.networks import LAST, Convolution, convolutions
from artnb.style.fast.recipes import FastRecipe

TILE = 512  # pixels
STEP = 4  # pixels of the picture to one place of the deepest maps
_HALO = 16  # pixels that the convolutions before and behind the blocks see around a tile, and some more

Read = Callable[[slice, slice], np.ndarray | tf.Tensor]
Place = tuple[slice, slice]


class Moments(NamedTuple):
    """What a norm divides by.

    Attributes:
        mean: float64 (channels,).
        variance: the same.
    """

    mean: np.ndarray
    variance: np.ndarray


def mean_moments(several: Sequence[Sequence[Moments]]) -> tuple[Moments, ...]:
    """The moments of several pictures together, norm by norm, each picture counting the same."""
    together = []
    for each in zip(*several, strict=True):
        mean = np.mean([moments.mean for moments in each], 0)
        squares = np.mean([moments.variance + moments.mean**2 for moments in each], 0)
        together.append(Moments(mean, np.maximum(squares - mean**2, 0)))
    return tuple(together)


class Passes:
    """Parts of a painter, run on parts of a picture.

    Args:
        painter: see `networks.painter_network`, in float32.
        recipe: its own.
    """

    def __init__(self, painter: keras.Model, recipe: FastRecipe):
        self._painter, self._plan = painter, convolutions(recipe)
        self._first_block = next(number for number, conv in enumerate(self._plan) if conv.name.startswith("block"))
        self._last_block = self._first_block + 2 * recipe.blocks
        self._halo = _HALO + 2 * recipe.blocks * STEP  # of the whole network
        self._compiled: dict[tuple[int, int, int], Callable] = {}

    def moments(self, read: Read, size: tuple[int, int], code: np.ndarray) -> tuple[tuple[Moments, ...], np.ndarray]:
        """The moments of all norms for a picture; and the map behind the blocks, float32 (height / 4, width / 4, c).

        Args:
            read: gives what the network sees of a part of the picture, see `networks.seen`.
            size: its height and width, multiples of 4, at least 16.
            code: of the style, (length,).
        """
        found: list[Moments] = []
        trunk = np.empty((0,))
        small = size[0] // STEP, size[1] // STEP

        def measure(
            source: Read, side: tuple[int, int], start: int, halo: int, keep: bool, picture: Read | None = None
        ) -> np.ndarray:
            """Add the moments of the next norm, seen through the convolutions from `start` on; and keep its map."""
            stop = len(found) + 1
            known = self.factors(found, code)[start:]
            sums = [0.0, 0.0, 0.0]
            kept = np.empty((*small, self._plan[stop - 1].channels), np.float32) if keep else np.empty((0,))
            for inside, around in _tiles(side, TILE if start == 0 else TILE // STEP, halo):
                values = self._run(
                    source(*around), start, stop, known, picture(*_enlarged(around)) if picture else None
                )
                ratio = values.shape[0] / (around[0].stop - around[0].start)
                part = values[_within(inside, around, ratio)]
                number, mean = part[..., 0].size, part.mean((0, 1), np.float64)
                sums[0] += number
                sums[1] = sums[1] + number * mean
                sums[2] = sums[2] + number * (part.var((0, 1), np.float64) + mean**2)
                if keep:
                    kept[tuple(slice(int(each.start * ratio), int(each.stop * ratio)) for each in inside)] = part
            mean = np.asarray(sums[1]) / sums[0]
            found.append(Moments(mean, np.maximum(np.asarray(sums[2]) / sums[0] - mean**2, 0)))
            return kept

        for number in range(self._first_block):
            trunk = measure(read, size, 0, _HALO, keep=number == self._first_block - 1)
        self._normalise(trunk, found, code)
        for number in range(self._first_block, self._last_block, 2):
            inner = measure(_part_of(trunk), small, number, 1, keep=True)
            self._normalise(inner, found, code)
            inner = measure(_part_of(inner), small, number + 1, 1, keep=True)
            self._normalise(inner, found, code)
            trunk += inner
        for _ in range(self._last_block, len(self._plan) - 1):
            measure(_part_of(trunk), small, self._last_block, _HALO // STEP, keep=False, picture=read)
        return tuple(found), trunk

    def finish(
        self, read: Read, trunk: np.ndarray, moments: Sequence[Moments], code: np.ndarray
    ) -> Iterator[tuple[Place, np.ndarray]]:
        """From what `moments` took and returned to the changes of the logits: places, and float32 arrays."""
        known, last = self.factors(moments, code)[self._last_block :], len(self._plan)
        for inside, around in _tiles(trunk.shape[:2], TILE // STEP, _HALO // STEP):
            values = self._run(trunk[around], self._last_block, last, known, read(*_enlarged(around)))
            yield _enlarged(inside), values[_within(inside, around, STEP)]

    def paint(
        self, read: Read, size: tuple[int, int], moments: Sequence[Moments], code: np.ndarray
    ) -> Iterator[tuple[Place, np.ndarray]]:
        """Likewise, of a picture whose norms divide by given moments, such as those of a film."""
        known = self.factors(moments, code)
        for inside, around in _tiles(size, TILE, self._halo):
            picture = read(*around)
            values = self._run(picture, 0, len(self._plan), known, picture)
            yield inside, values[_within(inside, around, 1)]

    def factors(self, moments: Sequence[Moments], code: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """What each norm multiplies a map by, and adds then: float32 (channels,) each."""
        pairs = []
        for conv, each in zip(self._plan, moments, strict=False):
            norm = self._painter.get_layer(f"{conv.name}_norm")
            scale, shift = (value[0].numpy() for value in norm.scale_and_shift(tf.constant(code[None], tf.float32)))
            factor = scale / np.sqrt(each.variance + norm.epsilon)
            pairs.append((factor.astype(np.float32), (shift - each.mean * factor).astype(np.float32)))
        return pairs

    def _normalise(self, values: np.ndarray, moments: Sequence[Moments], code: np.ndarray) -> None:
        """The last norm and what follows it, in place."""
        factor, offset = self.factors(moments, code)[-1]
        values *= factor
        values += offset
        if self._plan[len(moments) - 1].active:
            np.maximum(values, 0, out=values)

    def _run(
        self,
        values: np.ndarray | tf.Tensor,
        start: int,
        stop: int,
        known: Sequence[tuple[np.ndarray, np.ndarray]],
        picture: np.ndarray | tf.Tensor | None = None,
    ) -> np.ndarray:
        """Convolutions `start` to `stop` - 1 of a part; each is normalised whose factors are known.

        `picture` is what the network sees of the same part, for a convolution that sees it.
        """
        key = start, stop, len(known)
        if key not in self._compiled:

            def chain(x: tf.Tensor, pairs: Sequence[tuple[tf.Tensor, tf.Tensor]], picture: tf.Tensor) -> tf.Tensor:
                begun = x
                for number, conv in enumerate(self._plan[start:stop]):
                    begun = x if conv.name.endswith("_first") else begun
                    x = self._convolved(x, conv, picture)
                    if number < len(pairs):
                        x = x * pairs[number][0] + pairs[number][1]
                        x = tf.nn.relu(x) if conv.active else x
                        x = x + begun if conv.residual else x
                return x

            self._compiled[key] = tf.function(chain, autograph=False, reduce_retracing=True)
        pairs = [(tf.constant(factor), tf.constant(offset)) for factor, offset in known]
        part, beside = (
            tf.convert_to_tensor(each, tf.float32)[None] for each in (values, values if picture is None else picture)
        )
        return self._compiled[key](part, pairs, beside)[0].numpy()

    def _convolved(self, x: tf.Tensor, conv: Convolution, picture: tf.Tensor) -> tf.Tensor:
        layer, frame = self._painter.get_layer(f"{conv.name}_conv"), conv.kernel // 2
        if conv.enlarge:
            x = tf.repeat(tf.repeat(x, 2, 1), 2, 2)
        x = tf.concat([x, picture], -1) if conv.sees else x
        x = tf.pad(x, ((0, 0), (frame, frame), (frame, frame), (0, 0)), "REFLECT")
        x = tf.nn.conv2d(x, layer.kernel.value, conv.strides, "VALID")
        return x + layer.bias.value if conv.name == LAST else x


def _enlarged(place: Place) -> Place:
    """A place of the deepest maps in the picture."""
    rows, columns = (slice(each.start * STEP, each.stop * STEP) for each in place)
    return rows, columns


def _part_of(values: np.ndarray) -> Read:
    return lambda rows, columns: values[rows, columns]


def _tiles(size: Sequence[int], tile: int, halo: int) -> Iterator[tuple[Place, Place]]:
    """Cover an area: places, and the same with a halo, as far as there is something."""
    spans = [[slice(first, min(first + tile, side)) for first in range(0, side, tile)] for side in size]
    for rows in spans[0]:
        for columns in spans[1]:
            around = [
                slice(max(each.start - halo, 0), min(each.stop + halo, side))
                for each, side in zip((rows, columns), size, strict=True)
            ]
            yield (rows, columns), (around[0], around[1])


def _within(inside: Place, around: Place, ratio: float) -> Place:
    """Where a tile's own places are in a map of it with its halo, whose sides are `ratio` as long."""
    rows, columns = (
        slice(round((own.start - all_.start) * ratio), round((own.stop - all_.start) * ratio))
        for own, all_ in zip(inside, around, strict=True)
    )
    return rows, columns
