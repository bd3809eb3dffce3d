"""Photographs and paintings that belong to no pairs, decoded, each in its subset of the one split."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.common import logs
from artnb.common.progress import progress
from artnb.errors import TrainingError
from artnb.images import fit, load_image
from artnb.paintings.across import MONETS, PHOTOS, split_everything
from artnb.paintings.sources import PhotosAndMonets
from artnb.paintings.splits import SUBSETS, split_digest

LEAST = {"train": 2, "validation": 1, "test": 4}  # of each kind; the measures' intervals take halves of the test


@dataclass(frozen=True)
class Unpaired:
    """Decoded photographs and paintings, uint8 (n, side, side, 3).

    Attributes:
        train_photos: to train on.
        train_monets: likewise.
        validation_photos: to choose by.
        validation_monets: likewise.
        test_photos: for measuring, and for nothing else.
        test_monets: likewise.
        test: the digest of the test's files, whatever they are called.
        whole: the digest of the split of everything that these are a part of, see `across.split_everything`.
        skipped: why files were left out, a sentence each.
    """

    train_photos: np.ndarray
    train_monets: np.ndarray
    validation_photos: np.ndarray
    validation_monets: np.ndarray
    test_photos: np.ndarray
    test_monets: np.ndarray
    test: str = ""
    whole: str = ""
    skipped: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """The name of each array -> how many pictures are in it."""
        return {f"{subset}_{kind}": len(getattr(self, f"{subset}_{kind}")) for subset in SUBSETS for kind in _KINDS}


_KINDS = {"photos": PHOTOS, "monets": MONETS}


def load_unpaired(pictures: PhotosAndMonets, size: int, seed: int | None = None) -> Unpaired:
    """Decode photographs and paintings, broken files left out, 70 % to train on, 15 % to choose by and 15 % to measure.

    They are split with the paintings in use, so that a Monet is on the same side here and there. Of files with the same
    bytes one counts; how many copies were left out is told. Which pictures are in which subset follows from their
    contents and the seed.

    Args:
        pictures: where the files are.
        size: height and width in pixels.
        seed: of the split; by default `ARTNB_SEED`.

    Raises:
        TrainingError: too few of either can be used.
        SourceError: there are no paintings in use that these could be compared with.
    """
    everything, audit = split_everything(pictures, seed)
    files = {PHOTOS: pictures.photos, MONETS: pictures.monets}
    rows = {kind: everything[everything["artist"] == kind] for kind in files}
    paths = [str(file.absolute()) for kind in files.values() for file in kind]
    skipped = [audit.reasons[path] for path in paths if path in audit.unreadable]
    unread = [path for path in paths if path not in audit.sha256 and path not in audit.unreadable]
    skipped += [f"{Path(path).name!a} has a name that is no UTF-8; rename it." for path in unread]
    for kind, name in ((PHOTOS, "photographs"), (MONETS, "paintings")):
        counts = rows[kind]["subset"].value_counts()
        if any(counts.get(subset, 0) < least for subset, least in LEAST.items()):
            raise TrainingError(
                f"{pictures.root} holds {len(files[kind])} {name}, of which {len(rows[kind])} can be read and are no "
                "copies of others; 24 or more are needed, a few hundred for a result."
            )
    used = pd.concat(list(rows.values()))
    if copies := len(paths) - len(used) - len(skipped):
        logs.warn(
            "cyclegan.copies",
            f"Of the {len(paths):,} pictures {copies:,} are copies of others, to the byte, and were left out.",
            copies=copies,
        )
    with progress(used["path"], "decoding", len(used), "picture") as bar:
        decoded = {path: fit(load_image(path), size) for path in bar}
    arrays = {
        f"{subset}_{name}": np.stack([decoded[path] for path in rows[kind].loc[rows[kind]["subset"] == subset, "path"]])
        for subset in SUBSETS
        for name, kind in _KINDS.items()
    }
    test = used[used["subset"] == "test"].sort_values(["artist", "sha256"])
    digest = hashlib.sha256("\n".join(test["artist"] + " " + test["sha256"]).encode()).hexdigest()
    return Unpaired(**arrays, test=digest, whole=split_digest(everything), skipped=tuple(skipped))
