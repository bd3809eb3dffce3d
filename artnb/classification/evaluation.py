"""How good a classifier is, and how far to believe it: from its probabilities and the truth alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from artnb.common.seeding import seed_or_default
from artnb.errors import EvaluationError, check_value, whole

BINS = 15


@dataclass(frozen=True)
class Evaluation:
    """What one model did on one set of pictures.

    Attributes:
        probabilities: (n, classes), rows summing to 1.
        labels: (n,), the right classes.
        class_names: the artists, in the order of the columns.
        accuracy: share of pictures whose most probable artist is the right one.
        top3: share of pictures whose right artist is among the three most probable.
        macro_f1: mean of the artists' F1, each artist counting the same.
        ece: expected calibration error, see `calibration`.
        interval: 95 % interval of the accuracy, by drawing the paintings again with replacement.
        per_class: a row per artist: n, precision, recall, f1.
        confusion: (classes, classes), counts; rows are the right artists, columns the predicted.
        parts: how many parts of each painting the n rows are about.
    """

    probabilities: np.ndarray
    labels: np.ndarray
    class_names: tuple[str, ...]
    accuracy: float
    top3: float
    macro_f1: float
    ece: float
    interval: tuple[float, float]
    per_class: pd.DataFrame
    confusion: np.ndarray
    parts: int = 1

    @property
    def paintings(self) -> int:
        """How many there are, whose parts are the rows."""
        return len(self.labels) // self.parts

    @property
    def predicted(self) -> np.ndarray:
        """(n,), the most probable class of each picture."""
        return self.probabilities.argmax(1)

    @property
    def confidence(self) -> np.ndarray:
        """(n,), the probability of that class."""
        return self.probabilities.max(1)

    def mistakes(self, count: int = 10) -> np.ndarray:
        """Rows of the wrong predictions, the most confident first."""
        wrong = np.flatnonzero(self.predicted != self.labels)
        return wrong[np.argsort(-self.confidence[wrong], kind="stable")][:count]

    def summary(self) -> dict[str, Any]:
        """The figures without the artists: n, accuracy, top3, macro_f1, ece, interval."""
        figures = {name: round(float(getattr(self, name)), 4) for name in ("accuracy", "top3", "macro_f1", "ece")}
        return {"n": len(self.labels), **figures, "interval": [round(end, 4) for end in self.interval]}

    def to_dict(self) -> dict[str, Any]:
        """What `artnb evaluate --json` prints."""
        return self.summary() | {"per_class": self.per_class.round(4).to_dict("index")}

    def report(self, parts: str = "") -> str:
        """The same for a person; `parts` is what was shown of each painting, such as "five quarters"."""
        low, high = self.interval
        some = f"{parts or f'{self.parts} parts'} of each of {self.paintings:,} paintings"
        shown = some if self.parts > 1 else f"{len(self.labels):,} picture{'s' * (len(self.labels) != 1)}"
        asked_for = self.per_class[self.per_class["n"] > 0]  # of a folder, often a few of all artists
        return (
            f"accuracy {self.accuracy:.1%} (95 % interval {low:.1%} to {high:.1%}) on {shown}, "
            f"right artist among three {self.top3:.1%}, macro F1 {self.macro_f1:.3f}, calibration error {self.ece:.3f}"
            f"\n\n{asked_for.round(3).to_string()}"
        )


def evaluate(
    probabilities: np.ndarray,
    labels: np.ndarray,
    class_names: Sequence[str],
    seed: int | None = None,
    parts: int = 1,
) -> Evaluation:
    """Compare probabilities (n, classes) with the right classes (n,).

    Args:
        probabilities: rows sum to 1.
        labels: whole numbers from 0 on.
        class_names: the artists, in the order of the columns.
        seed: of the interval.
        parts: how many parts of each painting the rows are about: the first part of all paintings, then the second, …

    Raises:
        EvaluationError: no pictures, or shapes, labels, parts or sums that don't fit.
    """
    seed = seed_or_default(seed)
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    probabilities, labels = np.asarray(probabilities, float), np.asarray(labels, int)
    classes = np.arange(len(class_names))
    if not len(labels) or probabilities.shape != (len(labels), len(classes)) or not np.isin(labels, classes).all():
        raise EvaluationError(
            f"Got probabilities of shape {probabilities.shape} for {len(labels)} labels and {len(classes)} artists; "
            "give at least one picture, a row for each and a column for each artist."
        )
    check_value(parts, whole(1), "The number of parts", EvaluationError)
    if len(labels) % parts:
        raise EvaluationError(f"Got {len(labels)} pictures, which are not {parts} parts of each painting; give all.")
    if not np.allclose(probabilities.sum(1), 1, atol=1e-3):
        raise EvaluationError("The rows of the probabilities don't sum to 1; give probabilities, not logits.")
    right = probabilities.argmax(1) == labels
    scores = precision_recall_fscore_support(labels, probabilities.argmax(1), labels=classes, zero_division=0)
    per_class = pd.DataFrame(
        dict(zip(("n", "precision", "recall", "f1"), (scores[3], *scores[:3]), strict=True)),
        index=pd.Index(class_names, name="artist"),
    )
    present = per_class["n"] > 0  # an artist without a picture has no recall that could count
    return Evaluation(
        probabilities=probabilities,
        labels=labels,
        class_names=tuple(class_names),
        accuracy=float(right.mean()),
        top3=float((np.argsort(-probabilities, 1)[:, :3] == labels[:, None]).any(1).mean()),
        macro_f1=float(per_class["f1"][present].mean()),
        ece=float(calibration(probabilities, labels)["gap"].sum()),
        interval=bootstrap(right.reshape(parts, -1).mean(0), seed),
        per_class=per_class,
        confusion=confusion_matrix(labels, probabilities.argmax(1), labels=classes),
        parts=parts,
    )


def save_answers(evaluation: Evaluation, pictures: pd.DataFrame, file: Path) -> None:
    """Write what a model says of each picture, as CSV.

    Args:
        evaluation: of these pictures.
        pictures: `path` and `sha256`, in the order of the evaluation.
        file: gets path, sha256, artist, predicted, and the probability of the one predicted.
    """
    names = np.array(evaluation.class_names, object)
    pictures = pictures[["path", "sha256"]].assign(
        artist=names[evaluation.labels],
        predicted=names[evaluation.predicted],
        probability=evaluation.confidence.round(6),
    )
    pictures.to_csv(file, index=False)


def read_answers(file: Path) -> pd.DataFrame:
    """What `save_answers` wrote; OSError or ValueError for another file."""
    kinds = {"path": str, "sha256": str, "artist": str, "predicted": str, "probability": float}
    table = pd.read_csv(file, dtype=kinds, keep_default_na=False)  # somebody may be called NA
    if missing := set(kinds) - set(table):
        raise ValueError(f"it has no column {sorted(missing)[0]!r}")
    return table


def calibration(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> pd.DataFrame:
    """How often the model is right, for each range of its confidence (Guo et al., ICML 2017, section 2).

    Returns:
        A row per range of 1/bins that holds a picture: n, confidence (mean), accuracy, and gap, the distance of the
        two weighted by the share of pictures. The gaps sum to the expected calibration error.
    """
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    table = pd.DataFrame({"bin": np.minimum((confidence * bins).astype(int), bins - 1), "c": confidence, "r": right})
    ranges = table.groupby("bin").agg(n=("r", "size"), confidence=("c", "mean"), accuracy=("r", "mean"))
    ranges["gap"] = (ranges["confidence"] - ranges["accuracy"]).abs() * ranges["n"] / len(labels)
    return ranges


def temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature that log-probabilities are divided by: the one with the lowest cross-entropy.

    More than 1 makes a model humbler. It never changes which artist is first. Fit it on validation, as a network is
    surest on what it was trained on (Guo et al., ICML 2017, section 4.2). A model that made no mistake there would be
    made infinitely sure, so one mistake in n + 2 is reckoned with (Platt, "Probabilistic Outputs for Support Vector
    Machines", 1999, section 2.1).
    """
    from scipy.optimize import minimize_scalar

    number, classes = probabilities.shape
    goal = np.full((number, classes), 1 / (number + 2) / max(classes - 1, 1))
    goal[np.arange(number), labels] = 1 - 1 / (number + 2)

    def loss(log_t: float) -> float:
        return -float((goal * np.log(scale(probabilities, float(np.exp(log_t))) + 1e-30)).sum(1).mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def scale(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) at another temperature."""
    logits = np.log(np.maximum(probabilities, 1e-30)) / temperature
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def bootstrap(values: np.ndarray, seed: int | None = None, draws: int = 2000) -> tuple[float, float]:
    """95 % interval of the mean of `values` (n,), by percentiles over samples drawn with replacement.

    If all are right, or all wrong, drawing again says nothing; then it is Wilson's.
    """
    seed = seed_or_default(seed)
    from scipy.stats import binomtest
    from scipy.stats import bootstrap as scipy_bootstrap

    values = np.asarray(values, float)
    if len(values) < 2 or np.ptp(values) == 0:
        if not np.isin(values, (0, 1)).all():
            return float(values.mean()), float(values.mean())
        found = binomtest(int(values.sum()), len(values)).proportion_ci(method="wilson")
        return float(found.low), float(found.high)
    result = scipy_bootstrap(
        (values,), np.mean, n_resamples=draws, method="percentile", rng=np.random.default_rng(seed), batch=200
    )
    return float(result.confidence_interval.low), float(result.confidence_interval.high)
