"""From a picture to the artists that may have painted it: the same door and the same size as in training."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from artnb.classification import bundles
from artnb.classification.evaluation import scale
from artnb.images import Source, fit, load_image
from artnb.settings import Settings, settings

UNFAMILIAR = "unlike anything I was trained on"


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        ranked: (artist, probability) of all artists, the most probable first.
        distance: how far the picture is from the training pictures; about 1 for a typical one.
        unfamiliar: whether that is farther than nearly all paintings; then the artists mean little.
        embedding: what the model saw, float32 (d,), see `Novelty.embed`.
    """

    ranked: tuple[tuple[str, float], ...]
    distance: float
    unfamiliar: bool
    embedding: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def artist(self) -> str:
        """The most probable artist."""
        return self.ranked[0][0]

    @property
    def probability(self) -> float:
        """That artist's probability."""
        return self.ranked[0][1]

    def __str__(self) -> str:
        """One line."""
        return f"{self.artist} ({self.probability:.1%})" + (f"; {UNFAMILIAR}" if self.unfamiliar else "")

    def to_dict(self) -> dict[str, Any]:
        """What `artnb predict --json` prints of a picture."""
        ranked = [{"artist": artist, "probability": round(probability, 6)} for artist, probability in self.ranked]
        return {"ranked": ranked, "unfamiliar": self.unfamiliar, "distance": round(self.distance, 4)}


class Predictor:
    """A trained model that takes pictures as people have them.

    >>> Predictor("starter")("painting.jpg").artist  # doctest: +SKIP
    'Vincent van Gogh'

    Args:
        model: a starter's name, the name of a model under `$ARTNB_HOME/models`, or the folder of one.
        settings: where models are looked for.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """

    def __init__(self, model: str | Path, settings: Settings = settings):
        self.bundle = bundles.load(model, settings)
        self.card = self.bundle.card
        both = bundles.with_statistics(self.bundle.classifier)
        size = self.card.size

        # One graph for any number of pictures, and nothing of `model.predict` around it.
        @tf.function(input_signature=[tf.TensorSpec((None, size, size, 3), tf.float32)])
        def look(images: tf.Tensor) -> list[tf.Tensor]:
            return both(images, training=False)

        self._look = look

    def __call__(self, picture: Source) -> Prediction:
        """Name the artist of a picture, given as a path, as bytes or as a file object.

        Raises:
            ImageError: it is missing, broken, too large or no picture.
        """
        return self.predict(fit(load_image(picture), self.card.size)[None])[0]

    def predict(self, images: np.ndarray) -> list[Prediction]:
        """Name the artists of pictures that were fitted already, uint8 (n, size, size, 3) RGB."""
        novelty = self.bundle.novelty
        predictions = []
        for row, statistics in zip(*self.see(images), strict=True):
            ranked = tuple(
                (self.card.class_names[label], float(row[label])) for label in np.argsort(-row, kind="stable")
            )
            distance = float(novelty.distance(statistics[None])[0])
            embedding = novelty.embed(statistics[None])[0]
            predictions.append(Prediction(ranked, distance, distance > novelty.threshold, embedding))
        return predictions

    def look(self, images: np.ndarray, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Calibrated probabilities (n, classes) and distances (n,) of pictures, uint8 (n, size, size, 3) RGB."""
        probabilities, statistics = self.see(images, batch_size)
        return probabilities, self.bundle.novelty.distance(statistics)

    def see(self, images: np.ndarray, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Calibrated probabilities (n, classes), and the statistics (n, d) by which `Novelty` measures and embeds."""
        probabilities, statistics = [], []
        for first in range(0, len(images), batch_size):
            raw, found = self._look(images[first : first + batch_size].astype(np.float32))
            probabilities.append(scale(raw.numpy(), self.card.temperature))
            statistics.append(found.numpy())
        return np.concatenate(probabilities), np.concatenate(statistics)
