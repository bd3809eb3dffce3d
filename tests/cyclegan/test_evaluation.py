"""KID and its companions, by hand and by their properties."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from artnb.backbones import Backbone, load_backbone
from artnb.cyclegan.evaluation import (
    evaluate_generator,
    features,
    kid,
    memorisation_distance,
    polynomial_kernel,
)
from artnb.errors import EvaluationError
from artnb.weights import BackboneError

RANDOM = np.random.default_rng(6)


def test_kid_by_hand():
    first, second = RANDOM.normal(size=(4, 3)), RANDOM.normal(size=(5, 3))

    def k(x, y):
        return (x @ y / 3 + 1) ** 3

    within = np.mean([k(first[i], first[j]) for i in range(4) for j in range(4) if i != j])
    within += np.mean([k(second[i], second[j]) for i in range(5) for j in range(5) if i != j])
    between = np.mean([k(x, y) for x in first for y in second])
    found = kid(first, second)
    assert found.value == pytest.approx(within - 2 * between)
    assert found.sizes == (4, 5)
    assert polynomial_kernel(first, second)[1, 2] == pytest.approx(k(first[1], second[2]))


def test_two_halves_of_one_source_are_near_and_a_shift_is_seen():
    same, other = RANDOM.normal(size=(300, 8)), RANDOM.normal(size=(300, 8))
    near = kid(same, other)
    assert near.interval[0] < 0 < near.interval[1]
    values = [kid(same, other + shift).value for shift in (0.2, 0.5, 1.0)]
    assert near.value < values[0] < values[1] < values[2]
    assert kid(same, other) == near, "the same command gives the same number"
    assert kid(same, other + 0.5).interval[0] > 0
    assert "300 and 300 pictures" in str(near)


@pytest.mark.parametrize("n", [2, 40])
def test_equal_sets_have_an_interval_of_the_features_own_size(n):
    same = RANDOM.normal(size=(n, 32))
    assert max(map(abs, kid(same, same).interval)) < 1000, "kernels of a picture and itself are about 8"


def test_features_that_are_no_numbers_are_refused():
    broken = RANDOM.normal(size=(5, 3))
    broken[2, 1] = np.nan
    for sets in ((broken, np.ones((5, 3))), (np.ones((5, 3)), broken * np.inf)):
        with pytest.raises(EvaluationError, match="no numbers"):
            kid(*sets)


def test_one_picture_is_not_enough():
    with pytest.raises(EvaluationError, match="two or more"):
        kid(np.zeros((1, 3)), np.zeros((5, 3)))


@pytest.mark.parametrize("sizes", [(2, 2), (2, 5), (3, 40)])
def test_few_pictures_and_equal_ones_have_an_interval_too(sizes):
    first, second = (RANDOM.normal(size=(n, 3)) for n in sizes)
    for found in (kid(first, second), kid(first, np.repeat(first[:1], sizes[1], axis=0)), kid(first[:2], first[:2])):
        low, high = found.interval
        assert np.isfinite([low, high]).all() and low <= high
    everywhere_the_same = np.ones((sizes[0], 3)), np.ones((sizes[1], 3))
    assert kid(*everywhere_the_same).value == pytest.approx(0, abs=1e-9)
    assert kid(*everywhere_the_same).interval == pytest.approx((0, 0), abs=1e-6)


def test_an_untrained_network_never_judges():
    pictures = RANDOM.integers(0, 256, (4, 32, 32, 3), np.uint8)
    judge = load_backbone("efficientnet-lite0", None, weights=None)
    with pytest.raises(BackboneError, match=r"EfficientNet-Lite0 \(untrained\) was to judge.*never does; fetch its"):
        evaluate_generator(lambda x: x, lambda x: x, pictures, pictures, pictures, judge)


def test_copies_are_noticed():
    training = RANDOM.normal(size=(20, 6))
    assert memorisation_distance(training[:5] * 3, training) == pytest.approx(0, abs=1e-12)
    assert memorisation_distance(RANDOM.normal(size=(5, 6)), training) > 0.05


def test_a_generator_that_does_nothing_gains_nothing():
    pictures, targets = (RANDOM.integers(0, 256, (6, 32, 32, 3), np.uint8) for _ in range(2))
    targets //= 3

    def nothing(picture):
        return picture

    found = evaluate_generator(nothing, nothing, pictures, targets, targets)
    assert found.ratio == pytest.approx(1) and found.cycle_error == 0 and found.structure == pytest.approx(1)
    assert found.usual_memorisation == pytest.approx(0, abs=1e-6)
    darker = evaluate_generator(lambda picture: picture // 3, nothing, pictures, targets, targets)
    assert darker.generated.value < found.inputs.value and darker.cycle_error > 10
    assert darker.to_dict()["generated"]["backbone"] == "EfficientNet-Lite0"


def test_the_network_that_looks_runs_compiled():
    """Called eagerly it keeps the maps of all its layers: gigabytes for thirty pictures."""
    eager = []

    class Watch(keras.layers.Layer):
        def call(self, images):
            eager.append(tf.executing_eagerly())
            return images[:, ::32, ::32]

    inputs = keras.Input((None, None, 3))
    backbone = Backbone("efficientnet-lite0", keras.Model(inputs, Watch()(inputs)), trained=False)
    assert features(np.zeros((3, 40, 40, 3), np.uint8), backbone).shape == (3, 3)
    assert eager and not any(eager)
