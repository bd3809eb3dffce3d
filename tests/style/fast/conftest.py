"""Small painters and pictures for the tests of fast painting."""

from dataclasses import replace

import numpy as np
import pytest

from artnb.style.fast.recipes import FastRecipe
from artnb.style.fast.styles import measure_styles
from artnb.style.fast.training import train_brush
from tests.style.conftest import LAYERS, tiny_network

TINY = FastRecipe(
    width=2, blocks=1, stem=3, code=3, size=32, style_size=32, steps=4, style_layers=LAYERS,
    content_layers={"coarse": 1.0}, jitter=2,
)  # fmt: skip
ANY = replace(TINY, any_style=True)


def noise(seed, *shape, low=0, high=256):
    """Random pictures."""
    return np.random.default_rng(seed).integers(low, high, (*shape, 3), np.uint8)


@pytest.fixture(scope="session")
def judge():
    return tiny_network()


@pytest.fixture(scope="session")
def photos():
    return noise(1, 5, 48, 48)


@pytest.fixture(scope="session")
def styles(judge):
    works = {"Ada": [noise(2, 40, 40, high=90), noise(3, 40, 60, high=90)], "Ben": [noise(4, 40, 40, low=150)]}
    return measure_styles(works, TINY, judge)


@pytest.fixture(scope="session")
def trained(photos, styles, judge):
    """By their recipes: painters that were trained a few steps, and then given a bold brush."""

    def train(recipe):
        done = train_brush(photos, styles, recipe, judge, seed=3, every=2, keep_every=2)
        random = np.random.default_rng(5)
        for variable in done.networks.painter.trainable_variables:
            variable.assign(variable + 0.2 * random.normal(size=variable.shape))
        return done

    return {recipe.any_style: train(recipe) for recipe in (TINY, ANY)}
