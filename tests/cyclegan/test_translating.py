"""A generator on pictures of any size."""

import keras
import numpy as np
import pytest

from artnb.cyclegan.networks import generator
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.translating import Translator, translator
from artnb.images import ImageError


def pointwise():
    """A generator that halves every colour, whatever lies around it."""
    images = keras.Input((None, None, 3))
    return keras.Model(images, keras.layers.Rescaling(0.5)(images))


def test_any_size_comes_back_at_its_size():
    translate = Translator(generator("resnet", width=4, blocks=1))
    for size in ((1, 1), (5, 3), (31, 64), (130, 129)):
        made = translate(np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8))
        assert made.shape == (*size, 3) and made.dtype == np.uint8


def test_tiles_leave_no_seams():
    image = np.random.default_rng(2).integers(0, 256, (1400, 2100, 3), np.uint8)
    made = Translator(pointwise())(image)
    assert np.abs(made.astype(int) - (image * 0.5 + 0.5).astype(int)).max() <= 1
    images = keras.Input((None, None, 3))
    middle = keras.layers.GlobalAveragePooling2D(keepdims=True)(images)
    relative = keras.Model(images, keras.layers.Subtract()([images, middle]) + 127.5)  # another result in every tile
    slope = np.repeat(np.linspace(0, 255, 1500)[:, None, None], 1200, 1).repeat(3, 2).astype(np.uint8)
    made = Translator(relative)(slope).astype(int)
    steps = np.abs(np.diff(made, axis=0)).max(axis=(1, 2))
    assert np.ptp(made) > 100 and steps.max() <= 3, "no row is far from the one before"


def test_a_painter_works_as_fast_painters_do(monkeypatch):
    network = generator("painter", width=4, blocks=1)
    last = network.get_layer("brushwork").get_layer("brush_conv")
    last.kernel.assign(np.random.default_rng(6).normal(0, 0.1, last.kernel.shape))
    translate = translator(network, CycleRecipe(generator="painter", width=4, depth=1))
    picture = np.random.default_rng(1).integers(0, 256, (300, 200, 3), np.uint8)
    made = translate(picture)
    assert np.abs(made - np.asarray(network(picture[None].astype(np.float32)))[0]).max() < 0.51
    assert translate(picture[:31, :5]).shape == (31, 5, 3)
    monkeypatch.setattr("artnb.style.fast.brush.WHOLE", 100)
    monkeypatch.setattr("artnb.style.fast.passes.TILE", 64)
    assert np.abs(translate(picture).astype(int) - made).max() <= 1, "tiles are those of the whole picture"


def test_a_generator_of_one_size_works_in_tiles_of_it():
    made = Translator(generator("unet", 32, width=4, depth=5))(np.zeros((50, 81, 3), np.uint8))
    assert made.shape == (50, 81, 3)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(ImageError, match=r"uint8|one picture"):
        Translator(pointwise())(wrong)
