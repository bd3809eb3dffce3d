"""Photographs and paintings that belong to no pairs, decoded, and some of both kept back."""

import hashlib
from dataclasses import dataclass

import numpy as np

from artnb.common import logs
from artnb.common.pixels import rgb
from artnb.common.progress import progress
from artnb.common.seeding import seed_or_default
from artnb.errors import TrainingError
from artnb.images import ImageError, fit, read_bytes, with_picture
from artnb.paintings.sources import PhotosAndMonets

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

    Of files with the same bytes one counts, so that no picture is kept back that is trained on; how many
    copies were left out is told. Which pictures are kept back follows from the order of the files' names and the seed.

    Args:
        pictures: where the files are.
        size: height and width in pixels.
        seed: of what is kept back.

    Raises:
        TrainingError: less than eight of either can be used.
    """
    seed = seed_or_default(seed)
    parts, skipped, digest = [], [], hashlib.sha256()
    known: set[str] = set()  # the digests of the kind before: a photograph among the paintings is no painting
    copies = 0
    with progress(None, "decoding", len(pictures.photos) + len(pictures.monets), "picture") as bar:
        for name, files in (("photographs", pictures.photos), ("paintings", pictures.monets)):
            images, rows = [], []  # rows: of each file, which picture it holds
            digests: dict[str, int] = {}
            for file in files:
                bar.update()
                try:
                    data = read_bytes(file)
                    mark = hashlib.sha256(data).hexdigest()
                    if mark in known or mark in digests:
                        copies += 1
                        rows += [digests[mark]] if mark in digests else []
                        continue
                    images.append(fit(with_picture(file, rgb, data), size))
                except ImageError as error:
                    skipped.append(str(error))
                    continue
                rows.append(digests.setdefault(mark, len(digests)))
            if len(images) < 8:
                raise TrainingError(
                    f"{pictures.root} holds {len(files)} {name}, of which {len(images)} can be read and are no copies "
                    "of others; eight or more are needed, a few hundred for a result."
                )
            # All files are dealt and then copies left out, so a copy more changes as little as it can.
            order = list(dict.fromkeys(rows[k] for k in np.random.default_rng(seed).permutation(len(rows))))
            known.update(digests)
            number = max(4, round(KEPT_BACK * len(images)))
            decoded = np.stack(images)
            parts += [decoded[order[number:]], decoded[order[:number]]]
            marks = list(digests)
            digest.update("\n".join([name, *sorted(marks[row] for row in order[:number])]).encode())
    if copies:
        logs.warn(
            "cyclegan.copies",
            f"Of the {len(pictures.photos) + len(pictures.monets):,} pictures {copies:,} are copies of others, to the "
            "byte, and were left out.",
            copies=copies,
        )
    photos, test_photos, monets, test_monets = parts
    return Unpaired(photos, monets, test_photos, test_monets, digest.hexdigest(), tuple(skipped))
