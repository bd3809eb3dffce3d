"""Drift detection: are new pictures distributed like those that the model was measured on?

Two samples are compared by their embeddings (`Novelty.embed`), by the model's predictions, and by five simple
statistics of the pictures. All tests together raise a false alarm in at most 1 of 100 comparisons.
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
from artnb.common.seeding import seed_or_default
from artnb.errors import ArtnbError
from artnb.images import ImageError, fit, load_image
from artnb.operation.store import Store, records
from artnb.paintings import catalogue
from artnb.paintings.sources import SUFFIXES, pictures_in
from artnb.settings import settings

if TYPE_CHECKING:  # a report needs no TensorFlow
    from artnb.classification.model import Classifier

FALSE_ALARM_RATE = 0.01  # of all tests of a comparison together
PERMUTATIONS = 1999
MIN_SAMPLE = 20  # pictures
LARGEST_SAMPLE = 2000  # pictures of a folder; time and memory of a comparison grow with the square


class DriftError(ArtnbError, ValueError):
    """Samples that can't be compared."""


@dataclass(frozen=True)
class Drift:
    """The result of comparing a sample with a reference.

    Attributes:
        tests: a row per test: `question` ("what the network sees", "predictions" or a statistic), `test` ("MMD" or
            "KS"), `effect` (the squared maximum mean discrepancy, or the Kolmogorov-Smirnov statistic), `psi`
            (population stability index; by convention a change from 0.1 on, a large one from 0.25 on), `p`, `adjusted`
            (times the number of tests, Bonferroni's correction) and `alarm`.
        sizes: pictures of the reference and of the sample.
    """

    tests: pd.DataFrame
    sizes: tuple[int, int]

    @property
    def alarm(self) -> bool:
        """Whether any of the tests raised an alarm."""
        return bool(self.tests["alarm"].any())

    def to_dict(self) -> dict[str, Any]:
        """The tests and the sizes, as JSON can hold them."""
        return {
            "alarm": self.alarm,
            "reference": self.sizes[0],
            "pictures": self.sizes[1],
            "tests": records(self.tests.round(5)),
        }

    def report(self) -> str:
        """The verdict in a line, and the table of the tests."""
        alarms = ", ".join(self.tests.loc[self.tests["alarm"], "question"])
        verdict = f"drift in: {alarms}" if alarms else "no drift found"
        table = self.tests.round(4).to_string(index=False, na_rep="")
        return f"{self.sizes[1]:,} pictures against {self.sizes[0]:,} of the reference: {verdict}\n\n{table}"


def detect_drift(
    reference: Sample,
    sample: Sample,
    seed: int | None = None,
    level: float = FALSE_ALARM_RATE,
    permutations: int = PERMUTATIONS,
) -> Drift:
    """Test whether two samples of one model come from the same distribution.

    Args:
        reference: such as `Classifier.reference`.
        sample: the new pictures.
        seed: of the permutation tests; by default `ARTNB_SEED`.
        level: the probability of a false alarm, of all tests together.
        permutations: of each permutation test.

    Raises:
        DriftError: one of them holds fewer than `MIN_SAMPLE` pictures, or they are of different models.
    """
    from scipy.stats import ks_2samp

    if min(len(reference), len(sample)) < MIN_SAMPLE:
        raise DriftError(f"Got {len(reference)} and {len(sample)} pictures; give {MIN_SAMPLE} or more of each.")
    classes = reference.probabilities.shape[1]
    if classes != sample.probabilities.shape[1]:
        raise DriftError(
            f"The samples have the probabilities of {classes} and {sample.probabilities.shape[1]} artists, so they are "
            "of different models; make both with the same model."
        )
    rng = np.random.default_rng(settings.seed if seed is None else seed)
    rows: list[tuple] = []
    counts = (np.bincount(each.probabilities.argmax(1), minlength=classes) for each in (reference, sample))
    for question, first, second, psi in (
        ("what the network sees", reference.embedding, sample.embedding, float("nan")),
        ("predictions", reference.probabilities, sample.probabilities, _stability(*counts)),
    ):
        distance, p = discrepancy(first, second, permutations, rng)
        rows.append((question, "MMD", distance, psi, p))
    for name, first, second in zip(STATISTICS, reference.statistics.T, sample.statistics.T, strict=True):
        test = ks_2samp(first, second)
        rows.append((name, "KS", float(test.statistic), stability_index(first, second), float(test.pvalue)))
    tests = pd.DataFrame(rows, columns=["question", "test", "effect", "psi", "p"])
    tests["adjusted"] = (tests["p"] * len(tests)).clip(upper=1)
    tests["alarm"] = tests["adjusted"] < level
    return Drift(tests, (len(reference), len(sample)))


def discrepancy(
    first: np.ndarray, second: np.ndarray, permutations: int, rng: np.random.Generator
) -> tuple[float, float]:
    """The squared maximum mean discrepancy (MMD) of two samples, and the p-value of its permutation test.

    Gretton et al. (JMLR 2012): unbiased, with a Gaussian kernel as wide as the median distance. A permutation test
    holds for any sizes and any distribution.

    Args:
        first: (n, d).
        second: (m, d).
        permutations: how many random splits of all pictures into n and m the value is compared with.
        rng: of the splits.
    """
    from sklearn.metrics.pairwise import euclidean_distances

    pictures = np.concatenate([first, second]).astype(np.float32)
    n, m = len(first), len(second)
    squared = euclidean_distances(pictures, squared=True)
    kernel = np.exp(-squared / max(float(np.median(squared[np.triu_indices(n + m, 1)])), 1e-12))
    np.fill_diagonal(kernel, 0)  # a picture and itself are no pair
    in_first = np.zeros((permutations + 1, n + m), np.float32)  # a row per split: 1 for the pictures of the first part
    in_first[:, :n] = 1
    in_first[1:] = rng.permuted(in_first[1:], axis=1)
    sums = in_first @ kernel  # of each picture's kernels with those of the first part
    within_first = (in_first * sums).sum(1)
    between = sums.sum(1) - within_first
    within_second = kernel.sum() - within_first - 2 * between
    values = within_first / (n * (n - 1)) + within_second / (m * (m - 1)) - 2 * between / (n * m)
    return float(values[0]), float((values >= values[0] - 1e-9).mean())


def stability_index(first: np.ndarray, second: np.ndarray, bins: int = 10) -> float:
    """Population stability index of two samples of a number, in bins that each hold an equal share of the first."""
    edges = np.quantile(first, np.linspace(0, 1, bins + 1)[1:-1])
    old, new = (np.bincount(np.searchsorted(edges, values), minlength=bins) for values in (first, second))
    return _stability(old, new)


def _stability(first: np.ndarray, second: np.ndarray) -> float:
    """The index of two histograms; half a picture is added to each bin, because an empty one would make it infinite."""
    old, new = ((counts + 0.5) / (counts + 0.5).sum() for counts in (first, second))
    return float(((new - old) * np.log(new / old)).sum())


def sample(model: "Classifier", images: np.ndarray) -> Sample:
    """The sample of a model for pictures that were fitted to its size, uint8 (n, size, size, 3)."""
    return Sample.of(model.novelty, *model.outputs(images), picture_statistics(images))


def logged_sample(
    model: "Classifier",
    store: Store,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int = 1000,
) -> Sample:
    """The sample of a model for the pictures of its logged predictions, see `monitoring`; each picture once.

    Args:
        model: which; predictions of other versions under the same name are left out.
        store: of the logged predictions.
        since: the first moment to include.
        until: the first moment to leave out.
        limit: the number of pictures at most, the latest.
    """
    columns = ["model", "version", "picture", "embedding", "probabilities", "statistics"]
    rows = store.read("predictions", columns, since, until)
    rows = rows[(rows["model"] == model.folder.name) & (rows["version"] == model.identity)]
    rows = rows.dropna().drop_duplicates("picture", keep="last").tail(limit)
    names = model.card.class_names
    answers, statistics = (list(map(json.loads, rows[column])) for column in ("probabilities", "statistics"))
    return Sample(
        np.array([np.frombuffer(row, np.float16) for row in rows["embedding"]]),
        np.array([[row[name] for name in names] for row in answers], np.float16).reshape(len(rows), len(names)),
        np.array([[row[name] for name in STATISTICS] for row in statistics], np.float32),
    )


def read_folder(
    folder: str | Path, size: int, limit: int = LARGEST_SAMPLE, seed: int | None = None
) -> tuple[np.ndarray, list[str], list[str], int]:
    """The pictures in a folder and in its subfolders, fitted to a size; of many a random sample.

    Args:
        folder: which.
        size: height and width in pixels.
        limit: the number of pictures at most.
        seed: of the sample; by default `ARTNB_SEED`.

    Returns:
        The pictures (n, size, size, 3), for each the artist that its subfolder is named after ("" for those directly
        in `folder`), an error message for each file that could not be read, and how many files the folder holds.

    Raises:
        DriftError: there is no picture that can be read.
    """
    folder = Path(folder)
    images, artists, errors = [], [], []
    files = sorted(pictures_in(folder, deep=True))
    chosen = files
    if len(files) > limit:
        random = np.random.default_rng(seed_or_default(seed))
        chosen = [files[row] for row in sorted(random.choice(len(files), limit, replace=False))]
    for file in chosen:
        try:
            images.append(fit(load_image(file), size))
        except ImageError as error:
            errors.append(str(error))
            continue
        artists.append("" if file.parent == folder else catalogue.artist_name(file.parent.name))
    if not images:
        raise DriftError(f"{folder.name!r} holds no picture that can be read ({', '.join(sorted(SUFFIXES))}).")
    return np.stack(images), artists, errors, len(files)


def newcomers(artists: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    """Artists that a model does not know -> how many pictures: works to be collected."""
    counts = pd.Series([artist for artist in artists if artist and artist not in known], dtype=object).value_counts()
    return {str(artist): int(number) for artist, number in counts.items()}
