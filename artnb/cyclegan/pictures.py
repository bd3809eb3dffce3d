"""Photographs and paintings that belong to no pairs, decoded, and some of both kept back."""

import hashlib
from dataclasses import dataclass

import numpy as np

from artnb.common.files import sha256
from artnb.common.progress import progress
from artnb.errors import TrainingError
from artnb.images import ImageError, fit, load_image
from artnb.paintings.sources import PhotosAndMonets
from artnb.settings import settings

KEPT_BACK = 0.15  # of both kinds, for measuring


@dataclass(frozen=True)
class Unpaired:
    """Decoded photographs and paintings, uint8 (n, side, side, 3).

    Attributes:
        train_photos: to train on.
        train_monets: likewise.
        test_photos: kept back, for measuring.
        test_monets: likewise.
        test: the digest of the files that were kept back, whatever they are called.
        skipped: why files were left out, a sentence each.
    """

    train_photos: np.ndarray
    train_monets: np.ndarray
    test_photos: np.ndarray
    test_monets: np.ndarray
    test: str = ""
    skipped: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """The name of each array -> how many pictures are in it."""
        names = ("train_photos", "train_monets", "test_photos", "test_monets")
        return {name: len(getattr(self, name)) for name in names}


def load_unpaired(pictures: PhotosAndMonets, size: int, seed: int | None = None) -> Unpaired:
    """Decode photographs and paintings, broken files left out, and keep some of each back for measuring.

    Args:
        pictures: where the files are.
        size: height and width in pixels.
        seed: of what is kept back.

    Raises:
        TrainingError: less than eight of either can be read.
    """
    seed = settings.seed if seed is None else seed
    parts, skipped, digest = [], [], hashlib.sha256()
    with progress(None, "decoding", len(pictures.photos) + len(pictures.monets), "picture") as bar:
        for name, files in (("photographs", pictures.photos), ("paintings", pictures.monets)):
            images, digests = [], []
            for file in files:
                try:
                    images.append(fit(load_image(file), size))
                    digests.append(sha256(file))
                except ImageError as error:
                    skipped.append(str(error))
                bar.update()
            if len(images) < 8:
                raise TrainingError(
                    f"{pictures.root} holds {len(files)} {name}, of which {len(images)} can be read; "
                    "eight or more are needed, a few hundred for a result."
                )
            order = np.random.default_rng(seed).permutation(len(images))
            number = max(4, round(KEPT_BACK * len(images)))
            decoded = np.stack(images)
            parts += [decoded[order[number:]], decoded[order[:number]]]
            digest.update("\n".join([name, *sorted(digests[row] for row in order[:number])]).encode())
    photos, test_photos, monets, test_monets = parts
    return Unpaired(photos, monets, test_photos, test_monets, digest.hexdigest(), tuple(skipped))
