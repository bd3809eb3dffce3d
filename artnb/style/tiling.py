"""A scene too large to be looked at in one piece: tile by tile, in memory that does not grow with the picture.

Gram matrices are sums over places. So the whole picture's are summed up first, tile by tile; how the cost changes with
them is a few small matrices; and these lead back to each tile's pixels. Tiles overlap by what is seen around a place,
and each place counts in one of them.
"""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from artnb.losses import total_variation
from artnb.style.recipes import StyleRecipe
from artnb.style.scene import Scene, Tensors

TILE, HALO = 768, 128  # pixels
WHOLE = 1024**2  # pixels up to which a picture is looked at in one piece
_STRIDE = 32  # of the deepest layers: what begins at its multiples is cut into the same places as the whole picture


_Shapes = dict[str, tf.TensorShape]  # by layer


class Span(NamedTuple):
    """A tile along one side, in pixels: where it begins and ends, and from where to where its places count."""

    start: int
    end: int
    first: int
    last: int


def spans(side: int, tile: int = TILE, halo: int = HALO) -> list[Span]:
    """Cover a side with tiles of one length, which leaves the same rest as the side when it is halved and halved."""
    length = tile + side % _STRIDE
    if side <= length:
        return [Span(0, side, 0, side)]
    number = -(-(side - length) // (tile - 2 * halo - _STRIDE)) + 1
    starts = [round(each * (side - length) / (number - 1) / _STRIDE) * _STRIDE for each in range(number)]
    middles = [(before + length + after) // 2 // _STRIDE * _STRIDE for before, after in pairwise(starts)]
    cuts = [0, *middles, side]
    return [Span(start, start + length, *cuts[each : each + 2]) for each, start in enumerate(starts)]


def scene_for(recipe: StyleRecipe, size: tuple[int, int]) -> type[Scene]:
    """What a picture of that height and width is painted with; smoothing compares all places, so it needs one piece."""
    return TiledScene if size[0] * size[1] > WHOLE and not recipe.smoothing else Scene


class TiledScene(Scene):
    """As a `Scene`, for pictures of any size; for recipes without smoothing.

    Args:
        arguments: those of `Scene`.
        tile: about how long a tile is, in pixels; a multiple of 32, longer than two halos and 32.
        halo: how much around its places is looked at, a multiple of 32. With as much as the network sees around a
            place nothing is lost; with less, the deepest layers see a little else near the cuts.
    """

    def __init__(self, *arguments: Any, tile: int = TILE, halo: int = HALO, **named: Any):
        self._tile, self._halo = tile, halo
        self._calls: dict[str, Callable] = {}
        super().__init__(*arguments, **named)

    def looked_at(self, image: tf.Tensor, mask: tf.Tensor | None) -> tuple[Tensors, Tensors]:
        """See `Scene`; tile by tile."""
        return self._look(image, mask)[:2]

    def _look(self, image: tf.Tensor, mask: tf.Tensor | None) -> tuple[Tensors, Tensors, Tensors, _Shapes]:
        """The same; and of the style's layers, how much each place counts, and the shapes of a tile's features."""
        sums: dict[str, Any] = dict.fromkeys(self.recipe.style_layers, 0.0)
        maps: dict[str, np.ndarray] = {}
        shares: Tensors = {}
        for tile in self._tiles(image):
            features = self._call("features", self.features)(tile.pixels)
            if not shares:  # the first one; all tiles of a picture are of one shape
                shapes = {name: each.shape for name, each in features.items()}
                shares = {name: _share(tile.sides(shapes[name]), mask) for name in self.recipe.style_layers}
                for name in self.recipe.content_layers:
                    maps[name] = np.zeros((1, *tile.sides(shapes[name]), shapes[name][-1]), np.float32)
            for name, share in shares.items():
                sums[name] += self._call("products", _products)(features[name], tile.alone(share, shapes[name]))
            for name, each in maps.items():
                place, inside = tile.places(shapes[name])
                each[:, *place] = features[name].numpy()[:, *inside]
        return sums, {name: tf.constant(each) for name, each in maps.items()}, shares, shapes

    def gradient(self, image: tf.Tensor, turn: tf.Tensor | int = 0) -> tuple[tf.Tensor, tf.Tensor]:
        """See `Scene`."""
        composed = self.composed(tf.convert_to_tensor(image))
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(composed)
            variation = total_variation(composed)
        slope = self.recipe.tv_weight * tape.gradient(variation, composed).numpy()
        moved = self._moved(composed, turn)
        grams, maps, shares, shapes = self._look(moved, self._moved(self.mask, turn))
        found = grams, maps
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(found)
            terms = self.summed(*self.losses(*found, turn), variation)
            cost = terms[0]
        by_gram, by_map = tape.gradient(cost, found)
        back = np.zeros(image.shape, np.float32)
        for tile in self._tiles(moved):
            weights, wanted = (
                {name: tile.alone(each, shapes[name]) for name, each in whole.items()} for whole in (shares, by_map)
            )
            back[:, *tile.area] += self._call("back", self._back)(tile.pixels, weights, by_gram, wanted).numpy()
        down, right = self._shifts[int(turn)]
        slope += np.roll(back, (-down, -right), (1, 2))
        return terms, tf.constant(slope if self.mask is None else slope * self.mask.numpy())

    def compiled(self, function: Callable, *signature: tf.TensorSpec) -> Callable:
        """The function itself: a graph would hold all tiles, and TensorFlow would have several at once."""
        return function

    def _back(self, pixels: tf.Tensor, weights: Tensors, by_gram: Tensors, by_map: Tensors) -> tf.Tensor:
        """The gradient of a tile's part in Gram matrices and maps by its pixels."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(pixels)
            features = self.features(pixels)
            parts = [tf.reduce_sum(each * _products(features[name], weights[name])) for name, each in by_gram.items()]
            parts += [tf.reduce_sum(each * features[name]) for name, each in by_map.items()]
            total = tf.add_n(parts)
        return tape.gradient(total, pixels)

    def _call(self, name: str, function: Callable) -> Callable:
        """A function of one tile, compiled once for each shape."""
        if name not in self._calls:
            self._calls[name] = tf.function(function, autograph=False)
        return self._calls[name]

    def _tiles(self, image: tf.Tensor) -> Iterator["_Tile"]:
        rows, columns = (spans(side, self._tile, self._halo) for side in image.shape[1:3])
        last = rows[-1].start, columns[-1].start
        for row in rows:
            for column in columns:
                yield _Tile(image[:, row.start : row.end, column.start : column.end], (row, column), last)


class _Tile(NamedTuple):
    """A part of a picture, (1, height, width, 3), and where it lies.

    Attributes:
        pixels: its own.
        spans: along both sides.
        last: where the last tiles of the picture begin.
    """

    pixels: tf.Tensor
    spans: tuple[Span, Span]
    last: tuple[int, int]

    @property
    def area(self) -> tuple[slice, ...]:
        """Its pixels in the picture."""
        return tuple(slice(span.start, span.end) for span in self.spans)

    def _step(self, shape: tf.TensorShape) -> int:
        """How many pixels apart a layer looks, of whose map of this tile the shape is."""
        return 2 ** round(np.log2(self.pixels.shape[1] / shape[1]))

    def sides(self, shape: tf.TensorShape) -> list[int]:
        """Height and width of the whole picture's map."""
        return [start // self._step(shape) + side for start, side in zip(self.last, shape[1:3], strict=True)]

    def places(self, shape: tf.TensorShape) -> tuple[list[slice], list[slice]]:
        """The places that count, in the whole picture's map, and in the tile's own."""
        step, whole, own = self._step(shape), [], []
        for span, side in zip(self.spans, shape[1:3], strict=True):
            start = span.start // step
            last = start + side if span.last == span.end else span.last // step
            whole.append(slice(span.first // step, last))
            own.append(slice(span.first // step - start, last - start))
        return whole, own

    def alone(self, whole: tf.Tensor, shape: tf.TensorShape) -> tf.Tensor:
        """A whole picture's map cut to the places of this tile that count, and 0 around them."""
        place, own = self.places(shape)
        around = [(each.start, side - each.stop) for each, side in zip(own, shape[1:3], strict=True)]
        return tf.pad(whole[:, *place], [(0, 0), *around, (0, 0)])


def _share(sides: list[int], mask: tf.Tensor | None) -> tf.Tensor:
    """How much each place of a map counts in its Gram matrix, (1, height, width, 1): all sum to 1."""
    if mask is None:
        return tf.fill((1, *sides, 1), 1 / (sides[0] * sides[1]))
    light = tf.image.resize(mask, sides, "area")
    return light / (tf.reduce_sum(light) + 1e-6)


def _products(features: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Weighted sums over places of the products of two channels: (1, channels, channels)."""
    flat, weighted = (tf.reshape(each, (1, -1, features.shape[-1])) for each in (features, features * weights))
    return tf.matmul(weighted, flat, transpose_a=True)
