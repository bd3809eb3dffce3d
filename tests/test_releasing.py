"""A training in a long process gives back what it took: counted in the bytes of variables, not by the system."""

import gc
from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from artnb.classification.training import train_network
from artnb.cyclegan.training import train_generators
from artnb.paintings.pipeline import Pictures, Subsets
from artnb.style.recipes import style_recipe
from artnb.style.transfer import stylize
from tests.classification.conftest import tiny
from tests.cyclegan.conftest import TINY


def living() -> int:
    """Bytes of all variables that something in the process still holds, a graph among them."""
    gc.collect()
    handles = {id(each): each for each in gc.get_objects() if isinstance(each, tf.Tensor) and each.dtype == tf.resource}
    sizes = [
        part
        for each in handles.values()
        if (data := getattr(each, "_handle_data", None))
        for part in data.shape_and_type
    ]
    return sum(4 * int(np.prod([dim.size for dim in part.shape.dim])) for part in sizes)


def noise(count, size=32):
    images = np.random.default_rng(count).integers(0, 256, (count, size, size, 3), np.uint8)
    return Pictures(images, np.arange(count, dtype=np.int32) % 3, tuple(map(str, range(count))))


def train():
    train_network(tiny("cnn"), Subsets(noise(24), noise(9), noise(9), ("a", "b", "c")), seed=1)


def translate():
    train_generators(noise(4).images, noise(5).images, replace(TINY, steps=2), seed=1)


def paint():
    recipe = replace(style_recipe("efficientnet-lite0"), iterations=2, size=64)
    stylize(noise(1, 64).images[0], noise(2, 64).images[1], recipe)


@pytest.mark.slow
@pytest.mark.parametrize("work", [train, translate, paint])
def test_a_training_leaves_no_variable_behind(work):
    work()  # what is kept for the process, such as a shared network
    before = living()
    work()
    assert living() <= before
