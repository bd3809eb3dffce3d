"""What painters are trained on: photographs, and the works of each style, inside the one split of everything."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.common.files import sha256
from artnb.common.names import plain_name
from artnb.common.seeding import seed_or_default
from artnb.errors import TrainingError
from artnb.paintings.across import FREE_UNTIL, PHOTOS, free_artists, protected_artists, split_everything
from artnb.paintings.sources import load_collection, pictures_in
from artnb.paintings.splits import split_digest

MOST_WORKS = 60  # of a painter: more hardly move the means
MOST_TESTED = 8  # photographs that a training measures its painter on
_TEST_SHARE = 0.15  # of a folder of photographs


@dataclass(frozen=True)
class Material:
    """Files to train and measure on.

    Attributes:
        photos: to train on.
        test_photos: to measure on.
        works: style's name -> its works.
        source: "studio", "folder" or "kaggle".
        whole: the digest of the split of everything; empty if some files are no part of it.
    """

    photos: tuple[Path, ...]
    test_photos: tuple[Path, ...]
    works: Mapping[str, tuple[Path, ...]]
    source: str
    whole: str = ""

    @property
    def test(self) -> str:
        """The digest of the photographs to measure on, whatever they are called."""
        return hashlib.sha256("\n".join(sorted(map(sha256, self.test_photos))).encode()).hexdigest()

    def counts(self) -> dict[str, int]:
        """How many there are of what, for a card."""
        works = sum(map(len, self.works.values()))
        return {"photos": len(self.photos), "test_photos": len(self.test_photos), "works": works}


def collect_material(
    painters: Sequence[str] = (),
    pictures: Sequence[Path] = (),
    photos: Path | None = None,
    seed: int | None = None,
    most_works: int = MOST_WORKS,
) -> Material:
    """The photographs in use and the training part of painters' works.

    Args:
        painters: artists of the collection in use; by default all whose works are free, unless there are `pictures`.
        pictures: each a style of its own, called like its file.
        photos: a folder of photographs; by default those in use.
        seed: of the split, by default `ARTNB_SEED`.
        most_works: of each painter, drawn at random.

    Raises:
        TrainingError: there is no such painter, a painter's works may be protected by copyright, there is no such
            folder, or there are too few photographs.
        SourceError: there are no paintings, or no photographs.
    """
    if photos is not None and not photos.is_dir():
        raise TrainingError(f"There is no folder {str(photos)!r}; name a folder of photographs.")
    seed = seed_or_default(seed)
    works: dict[str, tuple[Path, ...]] = {}
    source, whole, everything = "folder", "", None
    if painters or not pictures or photos is None:
        collection = load_collection()
        everything = split_everything(seed=seed)[0]
        source, whole = collection.source, split_digest(everything)
    if painters or not pictures:
        assert everything is not None
        known = sorted(set(collection.paintings["artist"]))
        by_plain = {plain_name(name): name for name in known}
        painters = [name if name in known else by_plain.get(plain_name(name), name) for name in painters]
        if missing := [name for name in painters if name not in known]:
            raise TrainingError(f"There is no painter {missing[0]!r} in the collection; there are {', '.join(known)}.")
        if protected := set(painters) & set(protected_artists(collection)):
            raise TrainingError(
                f"{min(protected)} lived beyond {FREE_UNTIL}, so the works may be protected by copyright, and no "
                "network learns to paint like them; name another painter."
            )
        for name in painters or free_artists(collection):
            rows = _training(everything, name)
            chosen = rows.sample(min(most_works, len(rows)), random_state=seed).sort_values("path")
            if len(chosen):
                works[name] = tuple(collection.file(path) for path in chosen["path"])
    for picture in pictures:
        if picture.stem in works:
            raise TrainingError(f"Two styles are called {picture.stem!r}; rename one of the pictures.")
        works[picture.stem] = (picture,)
        whole = ""
    if photos is None:
        assert everything is not None
        train = tuple(map(Path, _training(everything, PHOTOS)["path"]))
        rows = everything[(everything["artist"] == PHOTOS) & (everything["subset"] == "test")]
        test = tuple(map(Path, rows.sample(min(MOST_TESTED, len(rows)), random_state=seed)["path"]))
    else:
        whole = ""
        files = sorted(pictures_in(photos), key=sha256)
        order = np.random.default_rng(seed).permutation(len(files))
        number = min(MOST_TESTED, max(1, round(_TEST_SHARE * len(files))))
        test, train = (tuple(files[row] for row in part) for part in (order[:number], order[number:]))
    if not train or not test:
        raise TrainingError(
            f"There {'is 1 photograph' if train or test else 'are no photographs'}; give two or more, and a few "
            "hundred for a good painter."
        )
    return Material(train, test, works, source, whole)


def _training(everything: pd.DataFrame, name: str) -> pd.DataFrame:
    return everything[(everything["artist"] == name) & (everything["subset"] == "train")]
