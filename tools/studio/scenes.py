"""Scenes composed from nothing: a subject in a mood.

A scene is a *reference* in the sense of Hertzmann (1998): a smooth image, float32, shape (height, width, 3), values
in [0, 1], for a painter's hand to paint.
"""

from collections.abc import Callable

import numpy as np

from tools.studio.indoors import abstract, bouquet, interior, portrait, still_life
from tools.studio.moods import MOODS
from tools.studio.outdoors import city, forest, hills, mountain, pond, river, sea
from tools.studio.sketch import Sketch
from tools.studio.strokes import Array, mix, resample, vivid

_SCENES: tuple[Callable[[Sketch], None], ...] = (
    *(hills, sea, mountain, river, forest, city, pond),
    *(still_life, bouquet, portrait, interior, abstract),
)
SUBJECTS = {draw.__name__: draw for draw in _SCENES}


def scene(subject: str, mood: str, rng: np.random.Generator, size: int = 256) -> Array:
    """A composed scene, float32 (size, size, 3) in [0, 1]; `subject` is one of SUBJECTS, `mood` one of MOODS."""
    sketch = Sketch(MOODS[mood].tuned(rng), rng, size * 5 // 8)  # a reference is soft, so fewer pixels will do
    SUBJECTS[subject](sketch)
    pixels = vivid(resample(sketch.pixels, (size, size)), rng.uniform(0.9, 1.15))
    return np.clip(mix(pixels.mean((0, 1)), pixels, 1.15), 0, 1).astype(np.float32)
