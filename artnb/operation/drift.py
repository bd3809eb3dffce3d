"""Are the pictures of today like those that the model was measured on?

Two samples are compared in what the network sees in them (`Novelty.embed`), in what the model predicts, and in five
simple statistics of the pictures. All tests together raise a false alarm in at most 1 of 100 comparisons.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from artnb.classification.reference import STATISTICS, Sample, picture_statistics
from artnb.errors import ArtnbError
from artnb.images import ImageError, fit, load_image
from artnb.models import identity
from artnb.operation.store import Store, records
from artnb.paintings import catalogue
from artnb.paintings.sources import SUFFIXES
from artnb.settings import settings

if TYPE_CHECKING:  # a report needs no TensorFlow
    from artnb.classification.model import Classifier

LEVEL = 0.01
PERMUTATIONS = 1999
FEWEST = 20  # pictures that say anything


class DriftError(ArtnbError, ValueError):
    """Samples that can't be compared."""


@dataclass(frozen=True)
class Drift:
    """A comparison of two samples.

    Attributes:
        tests: a row per test: `question` ("what the network sees", "predictions" or a statistic), `test`, `effect` (the
            squared maximum mean discrepancy, or Kolmogorov and Smirnov's largest distance of the shares), `psi`
            (population stability index; usual words: from 0.1 on a change, from 0.25 on a large one), `p`, `adjusted`
            (times the number of tests, Bonferroni's correction) and `alarm`.
        sizes: pictures of the reference and of the sample.
    """

    tests: pd.DataFrame
    sizes: tuple[int, int]

    @property
    def alarm(self) -> bool:
        """Whether any of the questions has the answer: not like those."""
        return bool(self.tests["alarm"].any())

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "alarm": self.alarm,
            "reference": self.sizes[0],
            "pictures": self.sizes[1],
            "tests": records(self.tests.round(5)),
        }

    def report(self) -> str:
        """For a person."""
        found = ", ".join(self.tests.loc[self.tests["alarm"], "question"])
        head = f"drift in: {found}" if found else "no drift found"
        table = self.tests.round(4).to_string(index=False, na_rep="")
        return f"{self.sizes[1]:,} pictures against {self.sizes[0]:,} of the reference: {head}\n\n{table}"


def compare(
    reference: Sample, sample: Sample, seed: int | None = None, level: float = LEVEL, permutations: int = PERMUTATIONS
) -> Drift:
    """Compare two samples of one model.

    Raises:
        DriftError: one of them holds less than `FEWEST` pictures, or they are of different models.
    """
    seed = settings.seed if seed is None else seed
    from scipy.stats import ks_2samp

    if min(len(reference), len(sample)) < FEWEST:
        raise DriftError(f"Got {len(reference)} and {len(sample)} pictures; give {FEWEST} or more of each.")
    if reference.probabilities.shape[1] != sample.probabilities.shape[1]:
        raise DriftError("The two samples were seen by different models; look at both with the same one.")
    rng = np.random.default_rng(seed)
    rows: list[tuple] = []
    for question, first, second in (
        ("what the network sees", reference.embedding, sample.embedding),
        ("predictions", reference.probabilities, sample.probabilities),
    ):
        distance, p = discrepancy(first, second, permutations, rng)
        rows.append((question, "MMD", distance, float("nan"), p))
    for name, first, second in zip(STATISTICS, reference.statistics.T, sample.statistics.T, strict=True):
        found = ks_2samp(first, second)
        rows.append((name, "KS", float(found.statistic), stability_index(first, second), float(found.pvalue)))
    tests = pd.DataFrame(rows, columns=["question", "test", "effect", "psi", "p"])
    classes = reference.probabilities.shape[1]
    old, new = (np.bincount(found.probabilities.argmax(1), minlength=classes) for found in (reference, sample))
    tests.loc[1, "psi"] = _stability(old, new)  # of the artists named
    tests["adjusted"] = (tests["p"] * len(tests)).clip(upper=1)
    tests["alarm"] = tests["adjusted"] < level
    return Drift(tests[["question", "test", "effect", "psi", "p", "adjusted", "alarm"]], (len(reference), len(sample)))


def discrepancy(
    first: np.ndarray, second: np.ndarray, permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The squared maximum mean discrepancy of two samples, and how often chance alone makes one as large.

    Gretton et al. (JMLR 2012): unbiased, with a Gaussian kernel as wide as the median distance. The p-value is of a
    permutation test, so it holds for any sizes and any distribution.

    Args:
        first: (n, d).
        second: (m, d).
        permutations: how often the pictures are dealt out anew.
        rng: that deals them.
    """
    from sklearn.metrics.pairwise import euclidean_distances

    pictures = np.concatenate([first, second]).astype(np.float32)
    n, m = len(first), len(second)
    squared = euclidean_distances(pictures, squared=True)
    kernel = np.exp(-squared / max(float(np.median(squared[np.triu_indices(n + m, 1)])), 1e-12))
    np.fill_diagonal(kernel, 0)  # a picture and itself are no pair
    dealt = np.zeros((permutations + 1, n + m), np.float32)
    dealt[:, :n] = 1
    dealt[1:] = rng.permuted(dealt[1:], axis=1)
    others = dealt @ kernel  # the sum of each picture's kernels with those in the first heap
    within_first = (dealt * others).sum(1)
    between = others.sum(1) - within_first
    within_second = kernel.sum() - within_first - 2 * between
    values = within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * between / (n * m)
    return float(values[0]), float((values >= values[0] - 1e-9).mean())


def stability_index(first: np.ndarray, second: np.ndarray, bins: int = 10) -> float:
    """Population stability index of two samples of a number, in ranges that each hold 1/bins of the first."""
    edges = np.quantile(first, np.linspace(0, 1, bins + 1)[1:-1])
    old, new = (np.bincount(np.searchsorted(edges, values), minlength=bins) for values in (first, second))
    return _stability(old, new)


def _stability(first: np.ndarray, second: np.ndarray) -> float:
    """Of counts; half a picture more in each, so that an empty one does not decide alone."""
    old, new = ((counts + 0.5) / (counts + 0.5).sum() for counts in (first, second))
    return float(((new - old) * np.log(new / old)).sum())


def sample(model: "Classifier", images: np.ndarray) -> Sample:
    """What a model sees in pictures that were fitted to its size, uint8 (n, size, size, 3)."""
    return Sample.of(model.novelty, *model.outputs(images), picture_statistics(images))


def noted(
    model: "Classifier",
    store: Store,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 1000,
) -> Sample:
    """What a model saw in the pictures that it was shown lately, from the notes of `monitoring`; each picture once.

    Args:
        model: which; what another training under its name saw is left out.
        store: the notes.
        since: the first moment that is wanted.
        until: the first that is not.
        limit: no more than so many, the latest.
    """
    columns = ["model", "version", "picture", "embedding", "probabilities", "statistics"]
    rows = store.read("predictions", columns, since, until)
    folder = model.folder
    rows = rows[(rows["model"] == folder.name) & (rows["version"] == identity(folder))]
    rows = rows.dropna().drop_duplicates("picture", keep="last").tail(limit)
    names = model.card.class_names
    answers, statistics = (list(map(json.loads, rows[column])) for column in ("probabilities", "statistics"))
    return Sample(
        np.array([np.frombuffer(row, np.float16) for row in rows["embedding"]]),
        np.array([[row[name] for name in names] for row in answers], np.float16).reshape(len(rows), len(names)),
        np.array([[row[name] for name in STATISTICS] for row in statistics], np.float32),
    )


def read_folder(folder: str | Path, size: int) -> tuple[np.ndarray, list[str], list[str]]:
    """The pictures in a folder and in the folders in it, fitted to a size.

    Returns:
        The pictures (n, size, size, 3), for each the artist that its folder is called after ("" for those that lie in
        `folder` itself), and a sentence for each file that could not be read.
    """
    folder = Path(folder)
    images, artists, skipped = [], [], []
    for file in sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES):
        try:
            images.append(fit(load_image(file), size))
        except ImageError as error:
            skipped.append(str(error))
            continue
        artists.append("" if file.parent == folder else catalogue.artist_name(file.parent.name))
    if not images:
        raise DriftError(f"{folder.name!r} holds no picture that can be read ({', '.join(sorted(SUFFIXES))}).")
    return np.stack(images), artists, skipped


def newcomers(artists: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    """Artists that a model does not know, with how many pictures: whose works are to be collected."""
    counts = pd.Series([artist for artist in artists if artist and artist not in known], dtype=object).value_counts()
    return {str(artist): int(number) for artist, number in counts.items()}
