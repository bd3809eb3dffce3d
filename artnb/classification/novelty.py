"""Is this picture anything like what the classifier was trained on?

A softmax always names an artist. So beside it, the means and standard deviations of the channels of a few maps inside
the core are compared with those of the training pictures: the Mahalanobis distance to their mean (Lee et al., NeurIPS
2018), of one Gaussian for all artists. It tells photographs from paintings, but hardly one more painter from those that
are known. There it helps how undecided the network is: the entropy of its probabilities (Hendrycks and Gimpel, ICLR
2017, take the largest of them) is added, in units in which both differ equally over validation paintings.
"""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

FALSE_ALARMS = 0.05  # share of validation paintings that may be called unfamiliar
EMBEDDED = 32  # the directions of an embedding


@dataclass(frozen=True)
class Novelty:
    """The Gaussian of the training pictures, what indecision adds, and from which distance on a picture is unfamiliar.

    Attributes:
        mean: (d,), of the training pictures' statistics.
        std: (d,), their standard deviations.
        whitening: (d, d), by which a deviation in these is multiplied; its root mean square is then the distance.
        threshold: the distance that `FALSE_ALARMS` of the validation paintings exceed.
        indecision: what a unit of entropy adds to the distance; 0 if only the features count.
        entropy: the mean entropy of validation paintings, which adds nothing.
    """

    mean: np.ndarray
    std: np.ndarray
    whitening: np.ndarray
    threshold: float
    indecision: float = 0.0
    entropy: float = 0.0

    @classmethod
    def fit(
        cls,
        train: np.ndarray,
        validation: np.ndarray,
        probabilities: np.ndarray | None = None,
        shrinkage: float = 0.1,
    ) -> "Novelty":
        """Fit the Gaussian to training statistics (n, d), and the threshold to validation's (m, d).

        Args:
            train: statistics of pictures as they are, not augmented.
            validation: of paintings that training has not seen.
            probabilities: what the network says of these (m, classes), calibrated; without, only the features count.
            shrinkage: share of the correlations that is not believed, for there are not many pictures.
        """
        mean, std = train.mean(0), train.std(0)
        std = np.maximum(std, 0.01 * std.mean())  # a channel that never changes must not decide alone
        standard = (train - mean) / std
        covariance = (1 - shrinkage) * standard.T @ standard / len(train) + shrinkage * np.eye(train.shape[1])
        values, vectors = np.linalg.eigh(covariance)
        # At half precision also before it is saved, so that the threshold fits what will be loaded.
        whitening = (vectors / np.sqrt(values)).astype(np.float16).astype(np.float32)
        novelty = cls(mean.astype(np.float32), std.astype(np.float32), whitening, 0.0)
        if probabilities is not None:
            doubt = _entropy(probabilities)
            # A network that is never in doubt says nothing by it.
            indecision = float(novelty.distance(validation).std() / doubt.std()) if doubt.std() > 1e-3 else 0.0
            novelty = replace(novelty, indecision=indecision, entropy=float(doubt.mean()))
        beyond = float(np.quantile(novelty.distance(validation, probabilities), 1 - FALSE_ALARMS))
        return replace(novelty, threshold=beyond)

    def distance(self, statistics: np.ndarray, probabilities: np.ndarray | None = None) -> np.ndarray:
        """(n, d), and probabilities (n, classes) unless only features count -> (n,), about 1 for a typical picture."""
        return self.judge(statistics, probabilities)[0]

    def embed(self, statistics: np.ndarray) -> np.ndarray:
        """(n, d) -> (n, `EMBEDDED`), along the directions in which training pictures differ most.

        Over these, the standard deviation in each direction is 1.
        """
        return self.judge(statistics)[1]

    def judge(self, statistics: np.ndarray, probabilities: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """`distance` and `embed` at once."""
        whitened = self._whitened(statistics)
        distance = np.sqrt((whitened**2).mean(1))
        if probabilities is not None:
            distance = distance + self.indecision * (_entropy(probabilities) - self.entropy)
        return distance, whitened[:, -EMBEDDED:]

    def _whitened(self, statistics: np.ndarray) -> np.ndarray:
        return (statistics - self.mean) / self.std @ self.whitening

    def save(self, file: Path) -> None:
        """Write an .npz file."""
        np.savez_compressed(file, **asdict(self) | {"whitening": self.whitening.astype(np.float16)})

    @classmethod
    def load(cls, file: Path) -> "Novelty":
        """Read what `save` wrote; ValueError, KeyError or OSError if it is something else."""
        try:
            with np.load(file, allow_pickle=False) as arrays:
                whitening = arrays["whitening"].astype(np.float32)
                older = {"indecision": 0.0, "entropy": 0.0}  # of files from before there were these
                numbers = {name: float(arrays[name]) for name in ("threshold", *older) if name in arrays}
                return cls(arrays["mean"], arrays["std"], whitening, **(older | numbers))
        except (EOFError, BadZipFile) as error:
            raise ValueError(str(error)) from error


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    return -(probabilities * np.log(np.maximum(probabilities, 1e-12))).sum(1)


def save_embeddings(embeddings: np.ndarray, file: Path) -> None:
    """Write embeddings (n, `EMBEDDED`) as an .npy file of half precision."""
    with file.open("wb") as stream:  # for a file of another suffix, NumPy would change the name
        np.save(stream, embeddings.astype(np.float16))


def load_embeddings(file: Path) -> np.ndarray:
    """Read what `save_embeddings` wrote, as float32; OSError or ValueError if it is something else."""
    try:
        found = np.load(file, allow_pickle=False)
    except EOFError as error:
        raise ValueError(str(error)) from error
    if found.ndim != 2 or found.dtype != np.float16 or not np.isfinite(found).all():
        raise ValueError("no embeddings")
    return found.astype(np.float32)
