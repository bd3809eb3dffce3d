"""What a CycleGAN's card.json says; read without TensorFlow."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from artnb import models
from artnb.models import ModelError


@dataclass(frozen=True)
class CycleCard:
    """What a CycleGAN is; every figure in it was measured when it was saved.

    Attributes:
        title: what a person calls it.
        recipe: how it was trained.
        seed: of the training.
        steps: that it was trained.
        seconds: that they took.
        pictures: how many photographs and paintings were trained on and measured on.
        metrics: for "monet" and "photo" the figures of `CycleEvaluation`.
        source: "studio", "folder" or "kaggle".
        started: what the training began with: title, recipe, seed, steps and seconds of that model, and what that
            one was started from in turn; empty for random weights.
        withdrawn: "monet" or "photo" -> a sentence that says why this model is not to be used for that direction.
        made: date and versions.
        kind: of model.
    """

    title: str
    recipe: dict[str, Any]
    seed: int
    steps: int
    seconds: float
    pictures: dict[str, int]
    metrics: dict[str, dict[str, Any]]
    source: str
    started: dict[str, Any] = field(default_factory=dict)
    withdrawn: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    kind: str = "cyclegan"

    @classmethod
    def load(cls, folder: Path) -> "CycleCard":
        """Read a card, ModelError if that can't be done."""
        values = models.read_card(folder)
        try:
            return cls(**values)
        except TypeError as error:
            raise ModelError(
                f"{folder.name!r} holds no readable card.json of a CycleGAN; name a folder that `artnb train` wrote."
            ) from error

    def require(self, to: str) -> None:
        """Nothing, if the model is offered for a direction, "monet" or "photo".

        Raises:
            ModelError: that direction is withdrawn.
        """
        if to in self.withdrawn:
            reason = self.withdrawn[to].rstrip(".")
            raise ModelError(f"{reason}; use another model (--model), or train your own: artnb train cyclegan.")
