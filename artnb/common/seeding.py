"""The seed, and networks that are the same for it in a process whose own random numbers stay as they are."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from artnb.errors import check_value
from artnb.settings import SEEDS, SettingsError, settings


def seed_or_default(seed: int | None) -> int:
    """The seed that was given; of None, the one in use.

    Raises:
        SettingsError: it can't be used.
    """
    if seed is None:
        return settings.seed
    check_value(seed, SEEDS, "The seed", SettingsError)
    return seed


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Build networks inside: their weights and dropouts follow from the seed.

    Keras draws the seeds of layers and initialisers that have none from Python's generator (`make_default_seed` in
    keras.src.random.seed_generator). It is given back afterwards as it was; `keras.utils.set_random_seed` would leave
    Python, NumPy and TensorFlow at our seed.
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
