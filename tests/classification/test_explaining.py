import keras
import numpy as np
import pytest
from keras import layers

from artnb.classification.explaining import grad_cam
from artnb.classification.networks import Network


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
    heat = grad_cam(red_or_blue, image, label)
    assert heat.shape == (32, 32) and heat.min() >= 0 and heat.max() == pytest.approx(1)
    assert heat[corner].mean() > 5 * heat.mean() / 2
    assert np.unravel_index(heat.argmax(), heat.shape)[0] // 16 == label


def test_nothing_speaks_for_a_class_without_evidence(red_or_blue):
    image = np.zeros((32, 32, 3), np.uint8)
    assert not grad_cam(red_or_blue, image, 0).any()


def test_a_real_network_can_be_asked(model, collection):
    from artnb.images import fit, load_image

    image = fit(load_image(collection.file(collection.paintings["path"][0])), 32)
    heat = grad_cam(model.network, image, 0)
    assert heat.shape == (32, 32) and heat.min() >= 0 and heat.max() <= 1
