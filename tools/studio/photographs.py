"""The photographs that ship with scikit-image and scikit-learn, as references for a hand to paint."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from tools.studio.strokes import Array, resample

LANDSCAPES = ("sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg")
PHOTOGRAPHS = ("skimage/data/astronaut.png", "skimage/data/chelsea.png", "skimage/data/coffee.png", *LANDSCAPES)


@cache
def _shipped(name: str) -> Array:
    """A photograph from the installed scikit-image or scikit-learn, float32, at most 560 pixels a side."""
    from importlib.util import find_spec

    package, _, file = name.partition("/")
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    with Image.open(Path(spec.origin).parent / file) as photo:
        photo.thumbnail((560, 560))
        return np.asarray(photo.convert("RGB"), np.float32) / 255


def photograph(rng: np.random.Generator, size: int = 256, names: Sequence[str] = PHOTOGRAPHS) -> Array:
    """A random square of one of the photographs, float32 (size, size, 3) in [0, 1]."""
    photo = _shipped(names[int(rng.integers(len(names)))])
    side = int(min(photo.shape[:2]) * rng.uniform(0.4, 0.95))
    top, left = (int(rng.integers(0, n - side + 1)) for n in photo.shape[:2])
    piece = photo[top : top + side, left : left + side]
    return np.clip(resample(piece[:, ::-1] if rng.random() < 0.5 else piece, (size, size)), 0, 1)
