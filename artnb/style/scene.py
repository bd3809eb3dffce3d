"""What is to be painted, at one size: the targets, computed once, and the cost of a picture."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf

from artnb.backbones import Backbone, check_backbone
from artnb.images import resize, shrink
from artnb.layers import Smoothing
from artnb.losses import Target, content_loss, content_target, gram_matrix, style_loss, style_target, total_variation
from artnb.style.inputs import in_colours_of
from artnb.style.recipes import MIN_SIDE, Pooling, StyleRecipe

TERMS = ("cost", "content", "style", "tv")
Tensors = dict[str, tf.Tensor]  # by layer


def taps(backbone: Backbone, recipe: StyleRecipe) -> keras.Model:
    """The network up to the layers that a recipe names, from pictures to a dictionary of features; built once.

    Raises:
        BackboneError: it is no backbone, or has no layer of such a name.
    """
    check_backbone(backbone)
    return _taps(backbone, recipe.pooling, tuple(dict.fromkeys([*recipe.style_layers, *recipe.content_layers])))


@lru_cache(maxsize=8)
def _taps(backbone: Backbone, pooling: Pooling, names: tuple[str, ...]) -> keras.Model:
    model = backbone.model
    if pooling == "average":

        def averaged(layer: keras.layers.Layer) -> keras.layers.Layer:
            kind = keras.layers.AveragePooling2D if isinstance(layer, keras.layers.MaxPooling2D) else type(layer)
            return kind.from_config(layer.get_config())

        model = keras.models.clone_model(backbone.model, clone_function=averaged)
        model.set_weights(backbone.model.get_weights())
    outputs = Backbone(backbone.name, model, backbone.trained).taps(names).outputs
    return keras.Model(model.input, dict(zip(names, outputs, strict=True)))


class Scene:
    """A content, one style or several, and how far a picture is from both.

    Args:
        network: what `taps` returned.
        recipe: layers, weights and smoothing.
        content: uint8 (height, width, 3), at the size to be painted.
        styles: uint8 pictures of any size; larger ones are made as large as the content.
        shares: how much each style counts, summing to 1.
        mask: uint8 (height, width) of any size, from 0, content as it is, to 255, style; None for style everywhere.
    """

    def __init__(
        self,
        network: keras.Model,
        recipe: StyleRecipe,
        content: np.ndarray,
        styles: Sequence[np.ndarray],
        shares: Sequence[float],
        mask: np.ndarray | None = None,
    ):
        self.recipe, self.original = recipe, content
        styles = [_no_larger(style, max(content.shape[:2])) for style in styles]
        if recipe.keep_colours:
            content = _grey(content)
            styles = [_with_lightness_of(_grey(style), content) for style in styles]
        self.content = tf.constant(content[None], tf.float32)
        self.styles = [tf.constant(style[None], tf.float32) for style in styles]
        light = None if mask is None else resize(mask, content.shape[:2])[None, ..., :1] / 255
        self.mask = None if light is None else tf.constant(light, tf.float32)
        self.features = _smoothed(network, recipe.smoothing, self.content)
        self._shifts = shifts(recipe.jitter)
        self.turns = len(self._shifts)
        of_content, maps = self.looked_at(self.content, self.mask)
        moved = [self.looked_at(self._moved(self.content, turn), None)[1] for turn in range(1, self.turns)]
        self._content = {
            name: Target(*map(tf.stack, zip(*(content_target(each[name]) for each in (maps, *moved)), strict=True)))
            for name in recipe.content_layers
        }  # of each, one for every turn
        mixed = {name: tf.zeros_like(gram) for name, gram in of_content.items()}
        for style, share in zip(self.styles, shares, strict=True):
            grams, _ = self.looked_at(style, None)
            mixed = {name: gram + share * grams[name] for name, gram in mixed.items()}
        self._style = {}
        for name in recipe.style_layers:
            target = style_target(mixed[name], of_content[name])
            # Half the strength is half the way; the unit stays the whole way.
            self._style[name] = target._replace(
                values=of_content[name] + recipe.strength * (mixed[name] - of_content[name])
            )

    def beginning(self, seed: int) -> np.ndarray:
        """The picture before the first step, float32 (height, width, 3); the seed is of the noise."""
        start, content = self.recipe.start, self.content[0].numpy()
        if start == "content":
            return content
        if start == "style":
            return resize(self.styles[0][0].numpy().astype(np.uint8), content.shape[:2]).astype(np.float32)
        return np.random.default_rng(seed).uniform(0, 255, content.shape).astype(np.float32)

    def enlarged(self, image: np.ndarray) -> np.ndarray:
        """A coarse picture at this size, with the fine detail of the content that its own size could not show."""
        size = self.original.shape[:2]
        larger = tf.image.resize(image, size, "bicubic").numpy()
        if self.recipe.start != "content":
            return larger.clip(0, 255)
        blurred = tf.image.resize(tf.image.resize(self.content, image.shape[:2], "area"), size, "bicubic")
        return (larger + (self.content - blurred)[0].numpy()).clip(0, 255)

    def composed(self, image: tf.Tensor) -> tf.Tensor:
        """The picture where the mask is light, the content where it is dark; float32 (1, height, width, 3)."""
        return image if self.mask is None else self.content + self.mask * (image - self.content)

    def looked_at(self, image: tf.Tensor, mask: tf.Tensor | None) -> tuple[Tensors, Tensors]:
        """What the network finds in a picture.

        Args:
            image: float32 (1, height, width, 3) in [0, 255].
            mask: float32 (1, height, width, 1), how much each place counts for the style; None for all the same.

        Returns:
            The Gram matrices of the style's layers, and the features of the content's.
        """
        features = self.features(image)
        grams = {
            name: gram_matrix(
                features[name],
                None if mask is None else tf.image.resize(mask, tf.shape(features[name])[1:3], "area"),
            )
            for name in self.recipe.style_layers
        }
        return grams, {name: features[name] for name in self.recipe.content_layers}

    def losses(self, grams: Tensors, features: Tensors, turn: tf.Tensor | int = 0) -> tuple[Tensors, Tensors]:
        """Content loss and style loss by layer, of what `looked_at` found in a picture that was moved for a turn."""
        content = {
            name: content_loss(features[name], Target(each.values[turn], each.unit[turn]))
            for name, each in self._content.items()
        }
        return content, {name: style_loss(grams[name], target) for name, target in self._style.items()}

    def layer_terms(self, image: tf.Tensor, turn: tf.Tensor | int = 0) -> tuple[Tensors, Tensors]:
        """Content loss and style loss of a picture, float32 (1, height, width, 3) in [0, 255], by layer.

        Args:
            image: the picture.
            turn: from 0 to `turns` - 1, by which of the shifts it is moved before it is looked at; 0 for none.
        """
        return self.losses(*self.looked_at(self._moved(image, turn), self._moved(self.mask, turn)), turn)

    def terms(self, image: tf.Tensor, turn: tf.Tensor | int = 0) -> tf.Tensor:
        """The cost and its parts, (4,), as TERMS: content and style are weighted means over their layers."""
        image = self.composed(image)
        return self.summed(*self.layer_terms(image, turn), total_variation(image))

    def summed(self, content: Tensors, style: Tensors, variation: tf.Tensor) -> tf.Tensor:
        """The terms, (4,), of the losses by layer and the total variation."""
        recipe = self.recipe
        of_content, of_style = _mean(content, recipe.content_layers), _mean(style, recipe.style_layers)
        cost = recipe.content_weight * of_content + recipe.style_weight * of_style + recipe.tv_weight * variation
        return tf.stack([cost, of_content, of_style, variation])

    def gradient(self, image: tf.Tensor, turn: tf.Tensor | int = 0) -> tuple[tf.Tensor, tf.Tensor]:
        """The terms, and the gradient of the cost by the pixels."""
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            terms = self.terms(image, turn)
            cost = terms[0]
        return terms, tape.gradient(cost, image)

    def compiled(self, function: Callable, *signature: tf.TensorSpec) -> Callable:
        """A function that uses the scene, traced once: nothing in it depends on Python's own control flow."""
        return tf.function(function, autograph=False).get_concrete_function(*signature)

    def _moved(self, image: tf.Tensor | None, turn: tf.Tensor | int) -> tf.Tensor | None:
        if image is None or self.turns == 1:
            return image
        return tf.roll(image, tf.constant(self._shifts)[turn], (1, 2))

    def finished(self, image: np.ndarray) -> np.ndarray:
        """The picture to show, uint8, of float32 (height, width, 3) in [0, 255]: masked, in the colours wanted."""
        image = self.composed(tf.constant(image[None], tf.float32))[0].numpy()
        picture = (image.clip(0, 255) + 0.5).astype(np.uint8)
        return in_colours_of(picture, self.original) if self.recipe.keep_colours else picture


def shifts(jitter: int) -> list[tuple[int, int]]:
    """By how many rows and columns a picture is moved, turn by turn: first not at all, then by up to `jitter`.

    A network that moves in strides looks at every eighth place, say, and a picture that is optimised for it grows a
    grid of that kind. Moved a little, it is looked at in all places in turn; each row and each column comes once.
    """
    count = 2 * jitter
    factor = next((each for each in range(round(0.618 * count), count) if math.gcd(each, count) == 1), 1)
    moved = [(turn - jitter, factor * turn % count - jitter) for turn in range(count)]
    return [(0, 0), *(shift for shift in moved if shift != (0, 0))]


def _no_larger(style: np.ndarray, longest: int) -> np.ndarray:
    """A style whose longer side is no longer, unless its shorter one would have less than MIN_SIDE pixels."""
    shorter, longer = sorted(style.shape[:2])
    if round(shorter * longest / longer) < MIN_SIDE:
        longest = round(MIN_SIDE * longer / shorter)
    return shrink(style, longest, MIN_SIDE)


def _mean(terms: Mapping[str, tf.Tensor], weights: Mapping[str, float]) -> tf.Tensor:
    return tf.add_n([weights[name] * term for name, term in terms.items()]) / sum(weights.values())


def _smoothed(network: keras.Model, smoothing: float, content: tf.Tensor) -> Callable:
    """The network's features, smoothed at a temperature that is fixed by the content's largest."""
    if not smoothing:
        return lambda images: network(images, training=False)
    of_content = network(content, training=False)
    layers = {
        name: Smoothing(smoothing * max(float(tf.reduce_max(tf.abs(features))), 1e-6))
        for name, features in of_content.items()
    }
    return lambda images: {name: layers[name](features) for name, features in network(images, training=False).items()}


def _grey(image: np.ndarray) -> np.ndarray:
    from PIL import Image

    return np.array(Image.fromarray(image).convert("L").convert("RGB"))


def _with_lightness_of(style: np.ndarray, content: np.ndarray) -> np.ndarray:
    """A grey style as light and as contrasty as a grey content (Gatys et al., CVPR 2017, section 5.1)."""
    contrast = content.std() / max(style.std(), 1.0)
    return ((style - style.mean()) * contrast + content.mean()).clip(0, 255).astype(np.uint8)
