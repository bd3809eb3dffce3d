"""What a classifier sees in a sample of pictures, none of which can be seen in it.

A model's reference.npz is that of its validation paintings, which later pictures are compared with.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from artnb.classification.novelty import Novelty
from artnb.images import load_image

STATISTICS = ("brightness", "contrast", "saturation", "warmth", "detail")


@dataclass(frozen=True)
class Sample:
    """A row per picture.

    Attributes:
        embedding: float16 (n, d), see `Novelty.embed`.
        probabilities: float16 (n, classes), calibrated, the columns in the order of the card's names.
        statistics: float32 (n, 5), see `picture_statistics`.
    """

    embedding: np.ndarray
    probabilities: np.ndarray
    statistics: np.ndarray

    @classmethod
    def of(cls, novelty: Novelty, probabilities: np.ndarray, features: np.ndarray, statistics: np.ndarray) -> "Sample":
        """Of calibrated probabilities, of the features (n, d) that `novelty` measures by, and of simple statistics."""
        return cls(novelty.embed(features).astype(np.float16), probabilities.astype(np.float16), statistics)

    def __len__(self) -> int:
        return len(self.statistics)

    def save(self, file: Path) -> None:
        """Write an .npz file."""
        np.savez_compressed(file, **asdict(self))

    @classmethod
    def load(cls, file: Path) -> "Sample":
        """Read what `save` wrote; ValueError, KeyError or OSError if it is something else."""
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return cls(arrays["embedding"], arrays["probabilities"], arrays["statistics"])
        except (EOFError, BadZipFile) as error:
            raise ValueError(str(error)) from error


def picture_statistics(images: np.ndarray) -> np.ndarray:
    """Five numbers about each picture, by the names of `STATISTICS`: float32 (n, 5).

    brightness: mean of the grey levels (ITU-R BT.601), 0 to 1.
    contrast: their standard deviation.
    saturation: mean over the pixels of the largest channel less the smallest, 0 to 1.
    warmth: mean of red less blue, -1 to 1.
    detail: mean difference of grey levels between neighbours, 0 to 1. It depends on the size, so compare one size.

    Args:
        images: uint8 (n, height, width, 3).

    Raises:
        ImageError: one is no picture, such as floats.
    """
    rows = []
    for image in images:
        pixels = load_image(image).astype(np.float32) / 255
        grey = pixels @ np.array([0.299, 0.587, 0.114], np.float32)
        detail = (np.abs(np.diff(grey, axis=0)).mean() + np.abs(np.diff(grey, axis=1)).mean()) / 2
        warmth = (pixels[..., 0] - pixels[..., 2]).mean()
        rows.append([grey.mean(), grey.std(), (pixels.max(-1) - pixels.min(-1)).mean(), warmth, detail])
    return np.array(rows, np.float32).reshape(len(images), len(STATISTICS))
