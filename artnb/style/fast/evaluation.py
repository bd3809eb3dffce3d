"""How well a painter paints, by the network that trained it and by one that had no part in it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from artnb.backbones import Backbone, shared_backbone
from artnb.images import ImageLike, fit, load_image
from artnb.losses import content_loss, content_target, gram_matrix, style_loss, style_target
from artnb.metrics import structure
from artnb.style.colours import moved, palette
from artnb.style.fast.brush import Brush, Manner
from artnb.style.fast.styles import Style, looking, measure_style
from artnb.style.fast.training import FastTraining
from artnb.style.metrics import colour_distance, judged_layers, paintings_cnn

SIZE = 256  # pixels of the squares that are measured
_MOST_STYLES = 6


@dataclass(frozen=True)
class FastEvaluation:
    """Means over photographs and styles, each layer counting the same.

    Attributes:
        style_distance: of the Gram matrices from the style's, in the photograph's own: 1 for the photograph as it was,
            0 for the style's own statistics.
        content_distance: of the features from the photograph's, relative to that of features that say nothing.
        structure: SSIM of the lightness with the photograph's.
        colour_distance: of the palette from the works', see `style.metrics.colour_distance`; the least over them.
    """

    style_distance: float
    content_distance: float
    structure: float
    colour_distance: float


class Judge:
    """Measures pictures by the layers of one network.

    Args:
        backbone: with its weights.
    """

    def __init__(self, backbone: Backbone):
        self.name, self.backbone, recipe = str(backbone), backbone, judged_layers(backbone)
        self.styles, self.contents = tuple(recipe.style_layers), tuple(recipe.content_layers)
        see = looking(backbone, tuple(dict.fromkeys([*self.styles, *self.contents])))
        self._see = tf.function(see, input_signature=[tf.TensorSpec((1, None, None, 3), tf.float32)], autograph=False)

    def style(self, name: str, works: Iterable[ImageLike], size: int) -> Style:
        """A style as this network sees it; see `measure_style`."""
        return measure_style(name, works, self.backbone, size, self.styles, sort=False)

    def distances(self, picture: np.ndarray, photo: np.ndarray, style: Style) -> tuple[float, float]:
        """Style and content distance of a picture, as `FastEvaluation`; uint8 (height, width, 3) of one size."""
        found, own = (self._see(tf.constant(each[None], tf.float32)) for each in (picture, photo))
        of_style = [
            style_loss(gram_matrix(found[name])[0], style_target(style.grams[name], gram_matrix(own[name])[0]))
            for name in self.styles
        ]
        of_content = [content_loss(found[name], content_target(own[name])) for name in self.contents]
        first, second = (float(np.mean(np.sqrt([float(each) for each in terms]))) for terms in (of_style, of_content))
        return first, second


def judges() -> tuple[Judge, Judge]:
    """EfficientNet-Lite0, which trains painters, and `starter-cnn`, which had no part in it."""
    return Judge(shared_backbone("efficientnet-lite0")), Judge(paintings_cnn())


def evaluate_painter(
    brush: Brush,
    training: FastTraining,
    photos: Sequence[ImageLike],
    works: Mapping[str, Sequence[ImageLike]],
    most_styles: int = _MOST_STYLES,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Measure a painter on photographs that it was not trained on.

    Args:
        brush: of its networks.
        training: of it.
        photos: whatever `load_image` takes.
        works: of its styles, by their names.
        most_styles: of these at most, evenly chosen.

    Returns:
        By judge: "painted", and the trivial rows "recoloured" and "untouched", each as `FastEvaluation`.
    """
    recipe, networks = training.recipe, training.networks
    rows = networks.rows(np.stack([style.statistics for style in training.styles]))
    chosen = np.unique(np.linspace(0, len(training.styles) - 1, most_styles).round().astype(int))
    squares = [fit(load_image(photo), SIZE) for photo in photos]
    pictures: dict[str, list[tuple[str, np.ndarray, np.ndarray]]] = {}
    for row in chosen:
        style = training.styles[row]
        manner = Manner(np.asarray(networks.codes(rows[row : row + 1]))[0], style.palette)
        for photo in squares:
            recoloured = (moved(photo, palette(photo), style.palette) + 0.5).astype(np.uint8)
            for kind, picture in (
                ("painted", brush.paint(photo, manner)),
                ("recoloured", recoloured),
                ("untouched", photo),
            ):
                pictures.setdefault(kind, []).append((style.name, picture, photo))
    names = [training.styles[row].name for row in chosen]
    return {
        judge.name: {
            kind: asdict(evaluate_pictures(judge, several, styles, works)) for kind, several in pictures.items()
        }
        for judge in judges()
        for styles in ({name: judge.style(name, works[name], recipe.style_size) for name in names},)
    }


def evaluate_pictures(
    judge: Judge,
    pictures: Sequence[tuple[str, np.ndarray, np.ndarray]],
    styles: Mapping[str, Style],
    works: Mapping[str, Sequence[ImageLike]],
) -> FastEvaluation:
    """Measure pictures, whoever painted them.

    Args:
        judge: who looks.
        pictures: the name of its style, each picture, and the photograph that it was; uint8 of one size.
        styles: by their names, as this judge sees them.
        works: of each style.
    """
    first = {name: [load_image(work) for work in list(works[name])[:4]] for name in styles}
    rows = [
        (
            *judge.distances(picture, photo, styles[name]),
            structure(picture, photo),
            min(colour_distance(picture, work) for work in first[name]),
        )
        for name, picture, photo in pictures
    ]
    return FastEvaluation(*map(float, np.mean(rows, axis=0)))
