"""The painter's network, its norm and its colours, against values worked out by hand."""

from dataclasses import replace

import keras
import numpy as np
import pytest
import tensorflow as tf

from artnb.common.seeding import seeded
from artnb.errors import RecipeError
from artnb.layers import ConditionalInstanceNormalization
from artnb.style.fast.networks import (
    CODE_DEVIATION,
    FastNetworks,
    convolutions,
    noise_at,
    painted,
    painter_network,
    seen,
)
from artnb.style.fast.recipes import FastRecipe, fast_recipe
from tests.style.fast.conftest import ANY, TINY, noise

pytestmark = pytest.mark.usefixtures("eager")


def test_the_norm_scales_and_shifts_each_picture_by_its_own_code():
    norm = ConditionalInstanceNormalization(epsilon=0.0)
    pictures = tf.constant([[[[1.0], [3.0]]], [[[10.0], [30.0]]]])
    code = tf.constant([[1.0, 0.0], [0.0, 1.0]])
    np.testing.assert_allclose(norm(pictures, code)[:, 0, :, 0], [[-1, 1], [-1, 1]], atol=1e-5)
    norm.scales.assign([[1.0], [3.0]])
    norm.shifts.assign([[5.0], [7.0]])
    np.testing.assert_allclose(norm(pictures, code)[:, 0, :, 0], [[3, 7], [3, 11]], atol=1e-4)
    half = norm(pictures, tf.constant([[0.5, 0.5], [0.5, 0.5]]))
    np.testing.assert_allclose(half[:, 0, :, 0], [[3, 9], [3, 9]], atol=1e-4)


def test_the_norm_is_the_same_when_the_number_of_pictures_is_unknown():
    norm = ConditionalInstanceNormalization(deviation=0.3)
    pictures, code = tf.random.stateless_normal((2, 5, 6, 3), [1, 2]), tf.random.stateless_normal((2, 4), [3, 4])
    expected = norm(pictures, code)
    images, codes = keras.Input((None, None, 3)), keras.Input((4,))
    unknown = tf.function(
        lambda *inputs: norm(*inputs),
        input_signature=[tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((None, 4))],
    ).get_concrete_function()
    np.testing.assert_allclose(unknown(pictures, code), expected, atol=1e-4)
    assert keras.Model((images, codes), norm(images, codes)).output.shape == (None, None, None, 3)


def test_it_begins_by_changing_nothing():
    network = painter_network(TINY, 2)
    picture = noise(1, 1, 32, 36).astype(np.float32)
    change = network((seen(picture, noise_at(slice(0, 32), slice(0, 36))[None]), tf.eye(2)[:1]))
    assert change.shape == (1, 32, 36, 3) and not np.any(change)
    np.testing.assert_array_equal((painted(picture, change).numpy() + 0.5).astype(np.uint8), picture)


def test_noise_belongs_to_a_place_and_is_white():
    everything = noise_at(slice(0, 1100), slice(0, 700))
    part = noise_at(slice(500, 800), slice(30, 60))
    np.testing.assert_array_equal(part, everything[500:800, 30:60])
    whole = noise_at(slice(0, 512), slice(0, 512))
    np.testing.assert_allclose([whole.mean(), whole.std()], [0, 1], atol=0.01)
    flat = whole.reshape(-1, 2)
    shifted = [np.roll(whole[..., 0], 1, axis).ravel() for axis in (0, 1)]
    others = [np.corrcoef(flat[:, 0], each)[0, 1] for each in (flat[:, 1], *shifted)]
    np.testing.assert_allclose(others, 0, atol=0.01)


def test_on_a_plain_area_the_network_paints_no_grid():
    """Its maps of a quarter of the size are the same everywhere there, so without noise all squares of 4 were one."""
    with seeded(3):
        network = painter_network(TINY, 1)
    random = np.random.default_rng(2)
    for variable in network.trainable_variables:
        variable.assign(variable + 0.3 * random.normal(size=variable.shape))
    plain = np.full((1, 48, 48, 3), 120, np.float32)
    code = tf.ones((1, 1))
    changes = [
        np.asarray(network((seen(plain, noise), code)))[0, 16:32, 16:32].reshape(4, 4, 4, 4, 3)
        for noise in (np.zeros((1, 48, 48, 2), np.float32), noise_at(slice(0, 48), slice(0, 48))[None])
    ]
    without, with_noise = (change.std(axis=(0, 2)).max() for change in changes)
    assert without < 1e-4 < 0.05 < with_noise


def test_a_change_is_added_in_logits_so_colours_stay_colours():
    picture = np.array([[[[0.0, 127.5, 255.0]]]], np.float32)
    change = np.log(3.0) * 0.01
    result = painted(picture, tf.fill((1, 1, 1, 3), change.astype("f")))[0, 0, 0, 1]
    np.testing.assert_allclose(result, 255 * 3**0.01 / (1 + 3**0.01), 1e-5)  # the odds are multiplied
    for change, grey in ((-50.0, 255 / (1 + np.exp(2.5))), (50.0, 255 / (1 + np.exp(-2.5)))):
        result = painted(picture, tf.fill((1, 1, 1, 3), change)).numpy()
        assert result.min() >= 0 and result.max() <= 255
        np.testing.assert_allclose(result[0, 0, 0, 1], grey, 1e-4)  # a grey becomes no blot of black or white


def test_the_plan_is_johnsons():
    plan = convolutions(FastRecipe())
    assert [conv.channels for conv in plan] == [24, 48, 96, *[96] * 8, 48, 24, 3]
    assert [conv.strides for conv in plan].count(2) == sum(conv.enlarge for conv in plan) == 2


def test_codes_are_rows_of_a_table_or_predicted(styles):
    statistics = np.stack([style.statistics for style in styles])
    table = FastNetworks.build(TINY, statistics)
    np.testing.assert_array_equal(table.codes(table.rows(statistics)), np.eye(2))
    predicted = FastNetworks.build(ANY, statistics)
    codes = np.asarray(predicted.codes(predicted.rows(statistics)))
    np.testing.assert_allclose(np.linalg.norm(codes, axis=1), 1, rtol=1e-5)
    assert np.abs(codes[0] - codes[1]).max() > 0.1
    scales = predicted.painter.get_layer("stem_norm").scales.numpy()
    assert 0.2 * CODE_DEVIATION < scales.std() < 3 * CODE_DEVIATION


@pytest.mark.parametrize(
    "wrong",
    [
        {"width": 0},
        {"stem": 4},
        {"size": 33},
        {"style_layers": {}},
        {"content_weight": -1},
        {"style_layers": {}},
        {"steps": 0},
        {"style_layers": {"stem": 0}},
    ],
)
def test_settings_that_can_not_be_used(wrong):
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        replace(TINY, **wrong)


def test_recipes_by_profile():
    assert fast_recipe("quick").steps < fast_recipe("full").steps
    falling = replace(TINY, content_weight=2.0, content_end=0.5, steps=3)
    assert [falling.content_weight_at(step) for step in range(3)] == [2.0, 1.5, 1.0]
