"""What a classifier's card.json says; read without TensorFlow, so that a page can list models before it is loaded."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artnb import models
from artnb.models import ModelError


@dataclass(frozen=True)
class Card:
    """What a model is; every figure in it was measured when it was saved.

    Attributes:
        network: the name that `networks.build` knows.
        title: what a person calls it.
        class_names: the artists in the order of the labels, Unicode NFC.
        size: height and width of its pictures in pixels.
        temperature: what log-probabilities are divided by, fitted on validation.
        untrained: whether its core began without ImageNet weights, though it is a core that should have them.
        metrics: for "train", "validation" and "test" the figures of `Evaluation`; of the test for each artist, too.
        novelty: `threshold` and the shares of `validation` and `test` paintings beyond it.
        parameters: weights of the network, counted.
        epochs: how many it was trained.
        seconds: how long that took, without the loading of pictures.
        split: hash of the split.
        source: "studio", "folder" or "kaggle".
        seed: of the training.
        recipe: all of its settings.
        started: what the training began with: title, split, seed, epochs and seconds of that model, and what that one
            was started from in turn; empty for random or ImageNet's weights.
        made: date and versions.
        kind: of model.
    """

    network: str
    title: str
    class_names: tuple[str, ...]
    size: int
    temperature: float
    untrained: bool
    metrics: dict[str, dict[str, Any]]
    novelty: dict[str, float]
    parameters: int
    epochs: int
    seconds: float
    split: str
    source: str
    seed: int
    recipe: dict[str, Any]
    started: dict[str, Any] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    kind: str = "classifier"

    @classmethod
    def load(cls, folder: Path) -> "Card":
        """Read the card of a bundle, ModelError if that can't be done."""
        values = models.read_card(folder)
        try:
            return cls(**(values | {"class_names": tuple(values["class_names"])}))
        except (TypeError, KeyError) as error:
            raise ModelError(
                f"{folder.name!r} holds no readable card.json of a classifier ({type(error).__name__}); "
                "name a folder that `artnb train` wrote."
            ) from error

    @property
    def label(self) -> str:
        """The title with its test accuracy, for lists."""
        return f"{self.title}, {self.metrics['test']['accuracy']:.1%} on its test paintings"
