"""The losses against sums worked out position by position, and by what must hold of them."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from artnb.layers import ChannelStatistics, Smoothing
from artnb.losses import (
    coarse_colour_loss,
    content_loss,
    content_target,
    directions,
    gram_matrix,
    quantiles,
    style_loss,
    style_target,
    total_variation,
)


@pytest.fixture
def features():
    return np.random.default_rng(3).normal(size=(2, 4, 5, 3)).astype(np.float32)


def by_hand(features, mask=None):
    """The Gram matrix with loops, as its definition reads."""
    batch, height, width, channels = features.shape
    gram = np.zeros((batch, channels, channels))
    for picture in range(batch):
        weight = np.ones((height, width)) if mask is None else mask[picture, :, :, 0]
        for y in range(height):
            for x in range(width):
                place = features[picture, y, x]
                gram[picture] += weight[y, x] * np.outer(place, place)
        gram[picture] /= weight.sum()
    return gram


def test_a_gram_matrix_is_the_mean_of_the_products(features):
    np.testing.assert_allclose(gram_matrix(features), by_hand(features), rtol=1e-5, atol=1e-6)


def test_worked_out_on_paper():
    # Two positions, two channels: (1, 2) and (3, 4). Means of products: (1+9)/2, (2+12)/2, (4+16)/2.
    features = np.array([[[[1.0, 2.0], [3.0, 4.0]]]], np.float32)
    np.testing.assert_allclose(gram_matrix(features), [[[5, 7], [7, 10]]])


def test_a_mask_says_how_much_each_position_counts(features):
    mask = np.random.default_rng(4).uniform(size=(2, 4, 5, 1)).astype(np.float32)
    np.testing.assert_allclose(gram_matrix(features, mask), by_hand(features, mask), rtol=1e-4, atol=1e-5)
    ones = np.ones_like(mask)
    np.testing.assert_allclose(gram_matrix(features, ones), gram_matrix(features), rtol=1e-4, atol=1e-6)


def test_a_gram_matrix_does_not_know_where(features):
    shuffled = np.random.default_rng(5).permutation(features.reshape(2, 20, 3), axis=1).reshape(2, 5, 4, 3)
    np.testing.assert_allclose(gram_matrix(shuffled), gram_matrix(features), rtol=1e-4, atol=1e-6)


def test_quantiles_are_those_of_numpy_along_each_direction(features):
    along = directions(3)
    found = np.asarray(quantiles(features, along, 7))
    assert found.shape == (2, 6, 7)
    values = features.reshape(2, 20, 3) @ along
    expected = np.quantile(values, np.linspace(0, 1, 7), axis=1)  # (7, 2, 6)
    np.testing.assert_allclose(found, expected.transpose(1, 2, 0), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 5, 40])
def test_directions_are_the_channels_and_as_many_random_ones_always_the_same(channels):
    found = directions(channels)
    assert found.shape == (channels, 2 * channels) and np.array_equal(found, directions(channels))
    for part in np.split(found, 2, axis=1):
        np.testing.assert_allclose(part.T @ part, np.eye(channels), atol=1e-5)
    np.testing.assert_array_equal(found[:, :channels], np.eye(channels))


def test_quantiles_do_not_know_where_and_their_squares_are_wasserstein_distances(features):
    from scipy.stats import wasserstein_distance

    shuffled = np.random.default_rng(5).permutation(features.reshape(2, 20, 3), axis=1).reshape(2, 5, 4, 3)
    along = directions(3)
    np.testing.assert_allclose(quantiles(shuffled, along, 9), quantiles(features, along, 9), rtol=1e-4, atol=1e-5)
    # With as many levels as places, sorted values are compared one by one: in the first power, SciPy's distance.
    first, second = (np.asarray(quantiles(each, along, 20))[0] for each in (features, features**2))
    for number, direction in enumerate(along.T):
        one, other = ((each[0].reshape(20, 3) @ direction) for each in (features, features**2))
        assert np.abs(first[number] - second[number]).mean() == pytest.approx(
            wasserstein_distance(one, other), rel=1e-4
        )


def test_one_loud_place_meets_a_gram_matrix_but_no_distribution():
    even = np.ones((1, 8, 8, 1), np.float32)
    loud = np.zeros((1, 8, 8, 1), np.float32)
    loud[0, 2, 3] = 8.0  # 64 times the energy, at one of 64 places
    np.testing.assert_allclose(gram_matrix(loud), gram_matrix(even), rtol=1e-6)
    wanted, found = (quantiles(each, np.ones((1, 1), np.float32), 64) for each in (even, loud))
    # 63 places are 1 away, and one is 7 away; a map of zeros would be 64 times 1 away.
    np.testing.assert_allclose(
        style_loss(found, style_target(wanted, np.zeros_like(wanted))), (63 + 49) / 64, rtol=1e-4
    )


def test_a_gram_matrix_is_symmetric_with_no_negative_eigenvalue(features):
    gram = np.asarray(gram_matrix(features))
    np.testing.assert_allclose(gram, gram.transpose(0, 2, 1), rtol=1e-6)
    assert np.linalg.eigvalsh(gram).min() > -1e-6


def test_channel_statistics_are_means_and_standard_deviations(features):
    found = np.asarray(ChannelStatistics()(features + 3))
    np.testing.assert_allclose(found[:, :3], features.mean((1, 2)) + 3, rtol=1e-5)
    np.testing.assert_allclose(found[:, 3:], features.std((1, 2)), rtol=1e-3)


def test_the_slope_of_a_gram_matrix_is_that_of_its_definition_whatever_is_asked_of_it(features):
    weights = np.random.default_rng(6).normal(size=(2, 3, 3)).astype(np.float32)  # not symmetric
    pictures = tf.constant(features)
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pictures)
        asked = tf.reduce_sum(weights * gram_matrix(pictures))
        by_definition = tf.reduce_sum(weights * tf.einsum("bhwc,bhwd->bcd", pictures, pictures) / 20)
    np.testing.assert_allclose(
        tape.gradient(asked, pictures), tape.gradient(by_definition, pictures), rtol=1e-4, atol=1e-5
    )


def test_a_gram_matrix_does_not_grow_with_the_picture(features):
    larger = np.tile(features, (1, 3, 2, 1))
    np.testing.assert_allclose(gram_matrix(larger), gram_matrix(features), rtol=1e-4, atol=1e-6)


def test_the_content_loss_is_0_for_itself_and_1_for_its_means(features):
    target = content_target(features)
    assert float(content_loss(features, target)) == 0
    means = np.broadcast_to(features.mean((1, 2), keepdims=True), features.shape)
    assert float(content_loss(means, target)) == pytest.approx(1, rel=1e-5)
    other = features + 0.5
    variance = ((features - means) ** 2).sum()
    assert float(content_loss(other, target)) == pytest.approx(0.25 * features.size / variance, rel=1e-5)


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e3])
def test_the_content_loss_means_the_same_whatever_the_size_of_the_features(features, factor):
    loss = content_loss(factor * (features * 0.8), content_target(factor * features))
    assert float(loss) == pytest.approx(float(content_loss(features * 0.8, content_target(features))), rel=1e-4)


@pytest.mark.parametrize("factor", [1e-2, 1.0, 1e2])
def test_the_style_loss_is_0_for_the_style_and_1_for_the_content(features, factor):
    style, content = (gram_matrix(factor * picture) for picture in (features, features[::-1] * 1.5))
    target = style_target(style, content)
    assert float(style_loss(style, target)) == 0
    assert float(style_loss(content, target)) == pytest.approx(1, rel=1e-4)
    assert float(style_loss((style + content) / 2, target)) == pytest.approx(0.25, rel=1e-4)


def test_equal_pictures_are_no_division_by_zero(features):
    gram = gram_matrix(features)
    assert float(style_loss(gram, style_target(gram, gram))) == 0
    flat = np.ones_like(features)
    assert float(content_loss(flat, content_target(flat))) == 0
    nothing = np.zeros_like(features)
    assert np.isfinite(float(content_loss(nothing, content_target(nothing))))


def test_strokes_cost_nothing_from_afar_and_blots_do():
    picture = np.full((2, 33, 32, 3), 100.0, np.float32)
    strokes = picture.copy()
    strokes[:, :32:2] += 30
    strokes[:, 1:32:2] -= 30
    assert float(coarse_colour_loss(strokes, picture)) == pytest.approx(0, abs=1e-6)
    blot = picture.copy()
    blot[0, :16, :16] += 51  # a fifth of 255, in one of eight squares
    assert float(coarse_colour_loss(blot, picture)) == pytest.approx(0.04 / 8, rel=1e-5)
    edge = picture.copy()
    edge[:, 32] = 0
    assert float(coarse_colour_loss(edge, picture)) == 0


def test_total_variation_by_hand():
    # 0 and 255 side by side, over 255 and 0: both differences down and both to the right are 1.
    image = np.array([[[0.0], [255.0]], [[255.0], [0.0]]], np.float32)[None]
    assert float(total_variation(image)) == pytest.approx(2)
    assert float(total_variation(np.full((1, 4, 4, 3), 77.0, np.float32))) == 0
    image = np.random.default_rng(1).uniform(0, 255, (1, 6, 7, 3)).astype(np.float32)
    down, right = np.diff(image / 255, axis=1), np.diff(image / 255, axis=2)
    assert float(total_variation(image)) == pytest.approx((down**2).mean() + (right**2).mean(), rel=1e-5)


@pytest.mark.parametrize("loss", ["content", "style", "variation"])
def test_gradients_against_finite_differences(features, loss):
    import tensorflow as tf

    other = features[::-1] * 0.7 + 0.2
    content, style = content_target(other), style_target(gram_matrix(other), gram_matrix(other * 2))
    cost = {
        "content": lambda f: content_loss(f, content),
        "style": lambda f: style_loss(gram_matrix(f), style),
        "variation": total_variation,
    }[loss]
    values = tf.constant(features, tf.float64)
    content, style = (type(t)(*(tf.cast(part, tf.float64) for part in t)) for t in (content, style))
    with tf.GradientTape() as tape:
        tape.watch(values)
        found = cost(values)
    gradient = tape.gradient(found, values).numpy()
    rng = np.random.default_rng(8)
    for _ in range(10):
        place, step = tuple(rng.integers(0, side) for side in features.shape), 1e-5
        nudge = np.zeros(features.shape)
        nudge[place] = step
        slope = (float(cost(values + nudge)) - float(cost(values - nudge))) / (2 * step)
        assert gradient[place] == pytest.approx(slope, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("policy", ["float32", "mixed_float16", "mixed_bfloat16"])
def test_channel_statistics_of_large_features_are_finite_and_exact(policy):
    """Trained networks have features in the thousands, whose squares are beyond half precision."""
    features = np.zeros((1, 2, 2, 1), np.float32)
    features[:, 0] = 4096  # mean and standard deviation are 2048
    assert np.allclose(ChannelStatistics(dtype=policy)(features), [[2048, 2048]])


def test_smoothing_against_numpy(features):
    layer = Smoothing(0.7)
    heated = np.exp(features / 0.7)
    expected = heated / heated.mean((1, 2, 3), keepdims=True)
    np.testing.assert_allclose(layer(features), expected, rtol=1e-4)
    assert Smoothing.from_config(layer.get_config()).temperature == 0.7
    huge = np.asarray(layer(features * 1e4))
    assert np.isfinite(huge).all()
    assert huge.mean() == pytest.approx(1, rel=1e-4)
    assert keras.saving.get_registered_object("artnb>Smoothing") is Smoothing


def test_equal_pictures_have_a_unit_and_others_their_distance(features):
    gram = gram_matrix(features)
    length = float(np.sum(np.square(gram)))
    same, other = style_target(gram, gram), style_target(gram, 2 * gram)
    assert float(same.unit) == pytest.approx(length / 400, rel=1e-4), "a twentieth of the style's own length"
    assert float(other.unit) == pytest.approx(length, rel=1e-4)
    assert float(style_loss(1.05 * gram, same)) == pytest.approx(1, rel=1e-3)
