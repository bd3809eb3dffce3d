"""What a classifier says of one picture."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

UNFAMILIAR = "unlike anything I was trained on"


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture.

    Attributes:
        ranked: (artist, probability) of all artists, the most probable first.
        distance: how far the picture is from the training pictures, and how undecided the network; see `Novelty`. About
            1 for a typical one.
        unfamiliar: whether that is farther than nearly all paintings; then the artists mean little.
        embedding: what the network saw, float32 (d,), see `Novelty.embed`.
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
        """The artist, its probability, and a word if the picture is unfamiliar."""
        return f"{self.artist} ({self.probability:.1%})" + (f"; {UNFAMILIAR}" if self.unfamiliar else "")

    def to_dict(self) -> dict[str, Any]:
        """What `artnb predict --json` prints of a picture."""
        ranked = [{"artist": artist, "probability": round(probability, 6)} for artist, probability in self.ranked]
        return {"ranked": ranked, "unfamiliar": self.unfamiliar, "distance": round(self.distance, 4)}
