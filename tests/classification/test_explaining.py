import keras
import numpy as np
import pytest
from keras import layers

from artnb.classification.explaining import evidence, hires_cam
from artnb.classification.networks import Network, channel_statistics


@pytest.fixture(scope="module")
def red_or_blue():
    """A network whose reasons are known: the first class is redness, the second blueness, wherever it lies."""
    images = layers.Input((32, 32, 3))
    maps = layers.AveragePooling2D(4, name="maps")(images)
    head = [layers.GlobalAveragePooling2D(), layers.Dense(2, activation="softmax", name="probabilities")]
    network = Network.of("red or blue", keras.Model(images, maps), head, ("maps",))
    network.head.get_layer("probabilities").set_weights([np.array([[0.1, 0], [0, 0], [0, 0.1]]), np.zeros(2)])
    return network


@pytest.mark.parametrize(("label", "corner"), [(0, (slice(0, 12), slice(0, 12))), (1, (slice(20, 32), slice(20, 32)))])
def test_it_looks_where_the_reason_is(red_or_blue, label, corner):
    image = np.zeros((32, 32, 3), np.uint8)
    image[:12, :12, 0], image[20:, 20:, 2] = 255, 255
    heat = hires_cam(red_or_blue, image, label)
    assert heat.shape == (32, 32) and heat.min() >= 0 and heat.max() == pytest.approx(1)
    assert heat[corner].mean() > 5 * heat.mean() / 2
    assert np.unravel_index(heat.argmax(), heat.shape)[0] // 16 == label


def test_nothing_speaks_for_a_class_without_evidence(red_or_blue):
    image = np.zeros((32, 32, 3), np.uint8)
    assert not hires_cam(red_or_blue, image, 0).any()


def test_a_real_network_can_be_asked(model, collection):
    from artnb.images import fit, load_image

    image = fit(load_image(collection.file(collection.paintings["path"][0])), 32)
    heat = hires_cam(model.network, image, 0)
    assert heat.shape == (32, 32) and heat.min() >= 0 and heat.max() <= 1


@pytest.fixture(scope="module")
def rough():
    """The first class is roughness, at two depths: nothing but standard deviations speaks for it."""
    images = layers.Input((32, 32, 3))
    fine = layers.Rescaling(1 / 255, name="fine")(images)
    both = keras.Model(images, layers.AveragePooling2D(4, name="coarse")(fine))
    core = keras.Model(images, channel_statistics(both, ["fine", "coarse"]))
    network = Network.of("rough", core, [layers.Dense(2, activation="softmax", name="probabilities")], ("fine",))
    kernel = np.zeros((12, 2))
    kernel[[3, 4, 5, 9, 10, 11], 0] = 1
    network.head.get_layer("probabilities").set_weights([kernel, np.zeros(2)])
    return network


def with_a_rough_corner():
    image = np.full((32, 32, 3), 128, np.uint8)
    image[20:, 20:] = np.random.default_rng(0).integers(0, 256, (12, 12, 3))
    return image


def test_standard_deviations_are_seen(rough):
    """The mean of their gradients is 0, so Grad-CAM shows nothing here."""
    heat = hires_cam(rough, with_a_rough_corner(), 0)
    assert heat[20:, 20:].mean() > 20 * heat[:16].mean()


def test_what_is_shown_adds_up_to_what_the_features_contribute(rough):
    """Means and standard deviations grow with their map, so that each is the sum of its positions' shares."""
    image = with_a_rough_corner()
    features = np.asarray(rough.core(image[None].astype(np.float32)))[0]
    probability = np.asarray(rough.model(image[None].astype(np.float32)))[0, 0]
    kernel = rough.head.get_layer("probabilities").get_weights()[0]
    contribution = features @ (kernel[:, 0] - kernel[:, 1]) * (1 - probability)
    shares = evidence(rough, image[None], 0)
    assert [share.shape for share in shares] == [(1, 32, 32, 1), (1, 8, 8, 1)]
    assert sum(float(share.numpy().mean()) for share in shares) == pytest.approx(contribution, rel=0.01)


def test_an_answer_that_depends_on_one_corner():
    """Where a dense layer reads the whole map, the place counts: the same thing elsewhere is no evidence."""
    images = layers.Input((32, 32, 3))
    maps = layers.AveragePooling2D(4, name="maps")(layers.Rescaling(1 / 255)(images))
    head = [layers.Flatten(), layers.Dense(2, activation="softmax", name="probabilities")]
    network = Network.of("corner", keras.Model(images, maps), head, ("maps",))
    kernel = np.zeros((8, 8, 3, 2))
    kernel[:2, :2, :, 0] = 1
    network.head.get_layer("probabilities").set_weights([kernel.reshape(-1, 2), np.zeros(2)])
    heat = hires_cam(network, np.full((32, 32, 3), 200, np.uint8), 0)
    assert heat[:6, :6].min() > 0.5 and heat[12:].max() < 0.05 and heat[:, 12:].max() < 0.05
