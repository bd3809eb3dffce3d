"""Pictures to try the pages with: photographs that other packages ship, paintings of the studio, or random ones."""

import random
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from artnb.images import load_image, shrink
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


def random_painting() -> tuple[np.ndarray, str]:
    """A random painting of the collection in use, and the name of its artist.

    Raises:
        SourceError: the collection is not on this machine.
    """
    root, complete = locate_collection()
    if not complete:
        raise SourceError("The paintings are not on this machine yet; `artnb doctor` says how to get them.")
    collection = _collection(root, settings.source)
    painting = collection.paintings.iloc[random.randrange(len(collection.paintings))]
    return load_image(collection.file(painting["path"])), str(painting["artist"])


@cache
def _collection(root: Path, source: Source) -> Collection:
    return read_collection(root, source)
