"""The picture is moved a little before it is looked at, so that the network's strides leave no grid."""

from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf

from artnb.errors import RecipeError
from artnb.style.recipes import StyleRecipe, style_recipe
from artnb.style.scene import Scene, shifts, taps
from artnb.style.transfer import stylize
from tests.style.conftest import LAYERS, tiny_network

RANDOM = np.random.default_rng(8)
PHOTO, STYLE = (RANDOM.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(2))
RECIPE = replace(
    style_recipe("efficientnet-lite0"),
    content_layers={"coarse": 1.0},
    style_layers=LAYERS,
    size=64,
    jitter=4,
    recolour=False,
    iterations=6,
    scales=((1.0, 1.0),),
)


@pytest.fixture(scope="module")
def backbone():
    return tiny_network()


def scene(backbone, recipe=RECIPE):
    return Scene(taps(backbone, recipe), recipe, PHOTO, [STYLE], [1.0])


@pytest.mark.parametrize("jitter", range(17))
def test_every_row_and_every_column_comes_once(jitter):
    first, *others = shifts(jitter)
    assert first == (0, 0) and len(set(others)) == len(others)
    for side in zip(*others, strict=True):
        assert sorted({*side, 0}) == list(range(-jitter, jitter)) and len(set(side)) >= len(others) - 1
    assert len(others) in (2 * jitter, 2 * jitter - 1, 0)


def test_a_turn_moves_picture_and_content_alike(backbone):
    found, plain = scene(backbone), scene(backbone, replace(RECIPE, jitter=0))
    image = tf.constant(RANDOM.uniform(0, 255, (1, *PHOTO.shape)), tf.float32)
    assert np.allclose(found.terms(image), plain.terms(image), rtol=1e-5), "the first turn moves nothing"
    for turn, (down, right) in enumerate(shifts(4)):
        content, _ = found.layer_terms(found.content, turn)
        assert float(content["coarse"]) == pytest.approx(0, abs=1e-6)
        photo = np.roll(PHOTO, (down, right), (0, 1))
        moved = Scene(taps(backbone, RECIPE), replace(RECIPE, jitter=0), photo, [STYLE], [1.0])
        of_content, _ = moved.layer_terms(tf.roll(image, (down, right), (1, 2)))
        assert np.allclose(found.layer_terms(image, tf.constant(turn))[0]["coarse"], of_content["coarse"], rtol=1e-4)
        assert np.allclose(found.layer_terms(image, turn)[0]["coarse"], of_content["coarse"], rtol=1e-4)


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_it_paints_and_is_repeated_to_the_bit(backbone, optimiser):
    recipe = replace(RECIPE, optimiser=optimiser)
    one, other = (stylize(PHOTO, STYLE, recipe, backbone=backbone) for _ in range(2))
    assert np.array_equal(one.image, other.image) and one.history["cost"].iloc[-1] < one.history["cost"].iloc[0]
    still = stylize(PHOTO, STYLE, replace(recipe, jitter=0), backbone=backbone)
    assert (optimiser == "lbfgs") == np.array_equal(one.image, still.image), "of L-BFGS, 50 steps are one turn"


def test_recipes_that_were_saved_before_are_read_as_they_were():
    values = RECIPE.to_dict()
    assert StyleRecipe.from_dict(values) == RECIPE
    del values["jitter"]
    assert StyleRecipe.from_dict(values) == replace(RECIPE, jitter=0)


@pytest.mark.parametrize("jitter", [-1, 17, 2.5, "4", True, None])
def test_what_it_can_be_is_said(jitter):
    with pytest.raises(RecipeError, match=r"jitter is .*; it can be a whole number from 0 to 16 pixels"):
        replace(RECIPE, jitter=jitter)
