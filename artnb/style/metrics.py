"""How a painted picture compares with its content and its style, whatever weights it was painted with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import ArrayLike

from artnb.backbones import Backbone, check_judge, shared_backbone
from artnb.errors import check_name
from artnb.images import ImageLike, load_image, resize, shrink
from artnb.metrics import structure
from artnb.models import load_model
from artnb.style.recipes import StyleRecipe, style_recipe
from artnb.style.scene import Scene, taps
from artnb.style.tiling import scene_for
from artnb.weights import TITLES, BackboneError, find_weights

PAINTINGS_CNN = "starter-cnn"  # the model whose core judges where VGG19's weights are missing
_PAINTINGS_CNN_LAYERS = ("stem", "stage0_block0", "stage1_block0", "stage2_block1")


@dataclass(frozen=True)
class Metrics:
    """Distances of a picture, by the default layers of one backbone, each layer counting the same.

    Attributes:
        style_distance: mean over the style layers of the distance of the Gram matrices from the style's, relative to
            that between content and style: 1 for the content itself, 0 for the style.
        content_distance: mean over the content layers of the distance of the features from the content's, relative to
            that of features that say nothing: 0 for the content itself.
        structure: SSIM of the lightness with the content's, 1 for the content itself.
        colour_distance: Wasserstein distance of the values of L*, a* and b* from the style's, mean over the three, in
            units of CIELAB (L* goes from 0 to 100).
        judge: the backbone that measured.
    """

    style_distance: float
    content_distance: float
    structure: float
    colour_distance: float
    judge: str


def measure(image: ImageLike, content: ImageLike, style: ImageLike, judge: Backbone | None = None) -> Metrics:
    """Compare a picture with the content and the style that it was painted from.

    Args:
        image: the picture, whatever `load_image` takes, like the others.
        content: of any size; resampled to that of `image`.
        style: of any size.
        judge: a trained network, such as `judge_for` returns; EfficientNet-Lite0 by default. A picture that was
            optimised by this very network may flatter it.

    Raises:
        BackboneError: the judge is no backbone, or untrained.
        ImageError: a picture can't be read.
        RecipeError: there is no default recipe for the judge.
    """
    judge = shared_backbone("efficientnet-lite0") if judge is None else judge
    check_judge(judge)
    recipe = judged_layers(judge)
    picture, painting = load_image(image), load_image(style)
    photo = resize(load_image(content), picture.shape[:2])
    scene = scene_for(recipe, photo.shape[:2])(taps(judge, recipe), recipe, photo, [painting], [1.0])
    terms_by_layer = scene.layer_terms(tf.constant(picture[None], tf.float32))
    content_terms, style_terms = (np.sqrt([float(term) for term in terms.values()]) for terms in terms_by_layer)
    return Metrics(
        style_distance=float(np.mean(style_terms)),
        content_distance=float(np.mean(content_terms)),
        structure=structure(picture, photo),
        colour_distance=colour_distance(picture, painting),
        judge=str(judge),
    )


def judge_for(backbone: str) -> Backbone:
    """A trained network that judges the pictures of another: the one that is optimised would flatter its own.

    EfficientNet-Lite0 judges the others. VGG19 judges it, or where its weights are missing, the convolutions of
    `starter-cnn`, which ships, and learned from paintings alone.

    Raises:
        BackboneError: there is no such network.
    """
    check_name(backbone, TITLES, "backbone", BackboneError)
    if backbone != "efficientnet-lite0":
        return shared_backbone("efficientnet-lite0")
    return shared_backbone("vgg19") if find_weights("vgg19") else paintings_cnn()


@lru_cache(maxsize=1)
def paintings_cnn() -> Backbone:
    """The convolutions of `starter-cnn`, which learned from paintings alone, for pictures of any size."""
    core = load_model(PAINTINGS_CNN, "classifier").network.core
    network = keras.models.clone_model(core, input_tensors=keras.Input((None, None, 3)))
    network.set_weights(core.get_weights())
    network.trainable = False
    return Backbone(PAINTINGS_CNN, network, trained=True)


def judged_layers(judge: Backbone) -> StyleRecipe:
    """A recipe with the layers that a judge looks at."""
    if judge.name != PAINTINGS_CNN:
        return style_recipe(judge.name)
    *_, content, _ = _PAINTINGS_CNN_LAYERS
    return replace(
        style_recipe("efficientnet-lite0"),
        content_layers={content: 1.0},
        style_layers=dict.fromkeys(_PAINTINGS_CNN_LAYERS, 1.0),
    )


def visual_quality(image: np.ndarray) -> float:
    """How clean a uint8 picture is: the largest grey level against its noise, in decibels; higher is better.

    The noise is Immerkær's estimate (Computer Vision and Image Understanding, 1996), of at least a tenth of a level:
    what a mask that no plane and no straight edge answers to leaves over. Brushwork counts for some of it, so compare
    pictures of one model and one size.
    """
    from scipy.signal import convolve2d

    grey = image.astype(float) @ [0.299, 0.587, 0.114]
    left = convolve2d(grey, [[1, -2, 1], [-2, 4, -2], [1, -2, 1]], mode="valid")
    noise = np.sqrt(np.pi / 2) / 6 * np.abs(left).mean()
    return float(20 * np.log10(255 / max(noise, 0.1)))


def colour_distance(image: np.ndarray, style: np.ndarray) -> float:
    """How far the palette of a uint8 picture is from another's, in units of CIELAB, wherever the colours are."""
    from scipy.stats import wasserstein_distance
    from skimage.color import rgb2lab

    first, second = (rgb2lab(shrink(picture, 256)).reshape(-1, 3) for picture in (image, style))
    return float(np.mean([wasserstein_distance(first[:, channel], second[:, channel]) for channel in range(3)]))


def entropies(backbone: Backbone, recipe: StyleRecipe, image: np.ndarray) -> Mapping[str, float]:
    """How evenly the features of each style layer are spread: normalised entropy, 0 for one peak, 1 for all the same.

    Wang, Li and Vasconcelos (CVPR 2021), section 3: peaky features, of low entropy, make poor Gram matrices.

    Args:
        backbone: the network.
        recipe: layers, pooling and smoothing.
        image: uint8 (height, width, 3).
    """
    scene = Scene(taps(backbone, recipe), recipe, image, [image], [1.0])
    features = scene.features(scene.content)
    return {name: entropy(features[name].numpy()) for name in recipe.style_layers}


def entropy(features: np.ndarray) -> float:
    """Entropy of the sizes of features as shares of their sum, relative to that of equal ones."""
    shares = np.abs(features).ravel().astype(float)
    shares = shares / max(shares.sum(), 1e-12)
    filled = shares[shares > 0]
    return float(-(filled * np.log(filled)).sum() / np.log(shares.size))


def pareto_front(first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Which points no other point beats in both values, the smaller the better: bool (n,)."""
    points = np.column_stack([np.asarray(first, float), np.asarray(second, float)])
    no_worse = (points[None] <= points[:, None]).all(-1)
    better = (points[None] < points[:, None]).any(-1)
    return ~np.any(no_worse & better, axis=1)
