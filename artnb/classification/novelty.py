"""Is this picture anything like what the classifier was trained on?

A softmax always names somebody. So beside it, the mean and the spread of the channels of a few maps inside the core
are compared with those of the training pictures: the Mahalanobis distance to their mean (Lee et al., NeurIPS 2018),
of one Gaussian for all artists.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from artnb.files import replacing

FALSE_ALARMS = 0.05  # share of validation paintings that may be called unfamiliar
EMBEDDED = 32  # the directions of an embedding


@dataclass(frozen=True)
class Novelty:
    """The Gaussian of the training pictures, and the distance from which on a picture is unfamiliar.

    Attributes:
        mean: (d,), of the training pictures' statistics.
        spread: (d,), their standard deviations.
        whitening: (d, d), by which a deviation in these is multiplied so that its length is the distance.
        threshold: the distance that `FALSE_ALARMS` of the validation paintings exceed.
    """

    mean: np.ndarray
    spread: np.ndarray
    whitening: np.ndarray
    threshold: float

    @classmethod
    def fit(cls, train: np.ndarray, validation: np.ndarray, shrinkage: float = 0.1) -> "Novelty":
        """Fit the Gaussian to training statistics (n, d), and the threshold to validation's (m, d).

        Args:
            train: statistics of pictures as they are, not augmented.
            validation: of paintings that training has not seen.
            shrinkage: share of the correlations that is not believed, for there are not many pictures.
        """
        mean, spread = train.mean(0), train.std(0)
        spread = np.maximum(spread, 0.01 * spread.mean())  # a channel that never changes must not decide alone
        standard = (train - mean) / spread
        covariance = (1 - shrinkage) * standard.T @ standard / len(train) + shrinkage * np.eye(train.shape[1])
        values, vectors = np.linalg.eigh(covariance)
        # At half precision also before it is saved, so that the threshold fits what will be loaded.
        whitening = (vectors / np.sqrt(values)).astype(np.float16).astype(np.float32)
        found = cls(mean.astype(np.float32), spread.astype(np.float32), whitening, 0.0)
        return replace(found, threshold=float(np.quantile(found.distance(validation), 1 - FALSE_ALARMS)))

    def distance(self, statistics: np.ndarray) -> np.ndarray:
        """(n, d) -> (n,), about 1 for a typical training picture."""
        return np.sqrt((self._whitened(statistics) ** 2).mean(1))

    def embed(self, statistics: np.ndarray) -> np.ndarray:
        """(n, d) -> (n, `EMBEDDED`): along the directions in which training pictures differ most, spread 1 in each."""
        return self._whitened(statistics)[:, -EMBEDDED:]

    def _whitened(self, statistics: np.ndarray) -> np.ndarray:
        return (statistics - self.mean) / self.spread @ self.whitening

    def save(self, file: Path) -> None:
        """Write it beside and renamed."""
        values = asdict(self) | {"whitening": self.whitening.astype(np.float16)}
        with replacing(file) as part:
            np.savez_compressed(part, **values)

    @classmethod
    def load(cls, file: Path) -> "Novelty":
        """Read what `save` wrote; ValueError, KeyError or OSError if it is something else."""
        try:
            with np.load(file, allow_pickle=False) as found:
                whitening = found["whitening"].astype(np.float32)
                return cls(found["mean"], found["spread"], whitening, float(found["threshold"]))
        except (EOFError, BadZipFile) as error:
            raise ValueError(str(error)) from error
