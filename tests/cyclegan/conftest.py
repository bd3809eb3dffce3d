"""Small networks and pictures for the CycleGAN's tests."""

import numpy as np
import pytest

from artnb.cyclegan.recipes import CycleRecipe
from artnb.settings import using
from tests.conftest import draw

TINY = CycleRecipe(size=32, width=4, depth=1, discriminator_width=4, steps=12, pool=3, batch_size=2)


@pytest.fixture(autouse=True, scope="module")
def few_paintings(tmp_path_factory):
    """The collection in use, which photographs and Monets are split with: three paintings, compared in no time."""
    root = tmp_path_factory.mktemp("collection")
    for number in range(3):
        draw(root / "images" / "Degas" / f"{number}.png", 900 + number)
    with using(source="folder", data=root):
        yield root


@pytest.fixture(scope="session")
def pictures():
    """Bright photographs and dark paintings, uint8 (n, 40, 40, 3)."""
    random = np.random.default_rng(5)
    return random.integers(120, 256, (7, 40, 40, 3), np.uint8), random.integers(0, 120, (5, 40, 40, 3), np.uint8)
