"""Pictures to try the pages with: photographs that other packages ship, paintings of the studio, or random ones."""

import hashlib
import random
from collections.abc import Container
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.common.files import sha256
from artnb.images import ImageError, load_image, read_bytes, shrink
from artnb.paintings.catalogue import artist_name
from artnb.paintings.sources import Collection, SourceError, locate_collection, read_collection
from artnb.settings import Source, settings

EXAMPLES = Path(__file__).parent / "paintings"  # `make pictures` paints them
_PHOTOGRAPHS = {
    "A temple by the water": "sklearn/datasets/images/china.jpg",
    "A dahlia": "sklearn/datasets/images/flower.jpg",
    "An astronaut": "skimage/data/astronaut.png",
    "A cat": "skimage/data/chelsea.png",
    "A cup of coffee": "skimage/data/coffee.png",
}


def photographs() -> dict[str, np.ndarray]:
    """Photographs that scikit-image and scikit-learn ship: name -> uint8 (height, width, 3)."""
    return {name: _photograph(file) for name, file in _PHOTOGRAPHS.items()}


@cache
def _photograph(name: str) -> np.ndarray:
    package, _, file = name.partition("/")
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    return shrink(load_image(Path(spec.origin).parent / file), 768)


@cache
def paintings() -> dict[str, np.ndarray]:
    """Paintings by some of the studio's painters, one each: name of the painter -> uint8 (height, width, 3)."""
    return {artist_name(file.stem): load_image(file) for file in sorted(EXAMPLES.glob("*.jpg"))}


def random_painting(artists: Container[str] | None = None) -> tuple[np.ndarray, str]:
    """A random painting of the collection in use, and the name of its artist.

    Args:
        artists: by whom it may be; by default by anybody.

    Raises:
        SourceError: the collection is not on this machine, or has nothing by these artists.
    """
    collection = collection_at_hand()
    if collection is None:
        raise SourceError("The paintings are not on this machine yet; `artnb doctor` says how to get them.")
    paintings = collection.paintings
    if artists is not None:
        paintings = paintings[[artist in artists for artist in paintings["artist"]]]
    if paintings.empty:
        raise SourceError("No painting here is by an artist that this model knows; choose another model.")
    painting = paintings.iloc[random.randrange(len(paintings))]
    return load_image(collection.file(painting["path"])), str(painting["artist"])


def known_paintings(artists: Container[str], number: int = 6) -> dict[str, np.ndarray]:
    """A painting of each of some artists: of the studio's painters those that ship, else the collection's first.

    Args:
        artists: by whom.
        number: how many at most.

    Returns:
        The artist's name -> uint8 (height, width, 3); empty if nothing by them is on this machine.
    """
    found = {} if settings.source != "studio" else {n: picture for n, picture in paintings().items() if n in artists}
    collection = collection_at_hand()
    if collection is not None:
        table = collection.paintings.drop_duplicates("artist")
        for path, artist in zip(table["path"], table["artist"], strict=True):
            if artist in artists and artist not in found and len(found) < number:
                with suppress(ImageError):  # the audit lists what can't be read
                    found[artist] = shrink(load_image(collection.file(path)), 768)
    return found


def from_training(rows: pd.DataFrame) -> list[tuple[np.ndarray, str]]:
    """The paintings of some rows of a model's split, with their artists, as far as the collection has the same files.

    Args:
        rows: with `path`, `artist` and `sha256`.
    """
    collection = collection_at_hand()
    found: list[tuple[np.ndarray, str]] = []
    if collection is None:
        return found
    there = set(collection.paintings["path"])
    for path, artist, digest in zip(rows["path"], rows["artist"], rows["sha256"], strict=True):
        with suppress(ImageError):
            if path in there and hashlib.sha256(data := read_bytes(collection.file(path))).hexdigest() == digest:
                found.append((load_image(data), artist))  # the bytes that were compared
    return found


def is_of_studio(digest: str) -> bool:
    """Whether a file with this SHA-256 is one of the studio's paintings, if these are the collection in use."""
    collection = collection_at_hand() if settings.source == "studio" else None
    return collection is not None and digest in _digests(collection.root)


@cache
def _digests(root: Path) -> frozenset[str]:
    collection = _collection(root, "studio")
    return frozenset(sha256(collection.file(path)) for path in collection.paintings["path"])


def collection_at_hand() -> Collection | None:
    """The collection in use, if it is on this machine; nothing is downloaded."""
    root, complete = locate_collection()
    return _collection(root, settings.source) if complete else None


@cache
def _collection(root: Path, source: Source) -> Collection:
    return read_collection(root, source)
