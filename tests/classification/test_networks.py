import keras
import numpy as np
import pytest

from artnb.classification import networks
from artnb.classification.networks import NETWORKS, build_network, cnn, cnn_original, transfer
from artnb.errors import NetworkError


def test_the_originals_cnn_layer_by_layer():
    """DESIGN: three times Conv 3 x 3 and pooling, Flatten, Dense 64, Dropout 0.5, softmax; the sums by hand."""
    network = cnn_original(11)
    kinds = [type(layer).__name__ for layer in network.core.layers[2:]] + [
        type(layer).__name__ for layer in network.head.layers
    ]
    assert kinds == ["Conv2D", "MaxPooling2D"] * 3 + ["Flatten", "Dense", "Dropout", "Dense"]
    assert network.head.get_layer("dropout").rate == 0.5
    assert network.core.output.shape == (None, 26, 26, 128)  # 224 -> 222 111 -> 109 54 -> 52 26
    convolutions = (3 * 9 + 1) * 32 + (32 * 9 + 1) * 64 + (64 * 9 + 1) * 128
    assert network.model.count_params() == convolutions + (26 * 26 * 128 + 1) * 64 + 65 * 11


def test_our_cnn_is_small_and_takes_pictures_of_any_size():
    network = cnn(11)
    assert network.model.count_params() < 3_000_000
    assert cnn(11, size=96).model.count_params() == network.model.count_params()


@pytest.mark.parametrize("name", [name for name in NETWORKS if "vgg" not in name])
def test_every_network_gives_probabilities(name):
    network = build_network(name, 5, 64, pretrained=False)
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    values = network.model(images, training=False).numpy()
    assert values.shape == (2, 5) and np.allclose(values.sum(1), 1, atol=1e-5)
    for layer in network.novelty_layers:
        assert len(network.core.get_layer(layer).output.shape) == 4


def test_core_and_head_are_parts_of_the_model():
    network = cnn(3, size=32)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    in_two = network.head(network.core(images, training=False), training=False)
    assert np.allclose(in_two, network.model(images, training=False), atol=1e-6)


def test_a_residual_block_begins_as_its_shortcut():
    network = cnn(3, size=32, width=24)
    images = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype("float32")
    parts = ("stage2_block0", "stage2_block1")  # the second has the first as its shortcut
    values = keras.Model(network.core.input, [network.core.get_layer(part).output for part in parts])(images)
    assert np.allclose(values[0], values[1])


def test_the_originals_head_on_a_backbone():
    network = transfer("efficientnet-lite0", 11, size=64, original=True)
    kinds = [type(layer).__name__ for layer in network.head.layers]
    assert kinds == ["Flatten", "Dense", "BatchNormalization", "Dense", "BatchNormalization", "Dense"]
    assert [layer.units for layer in network.head.layers if isinstance(layer, keras.layers.Dense)] == [512, 16, 11]


def test_titles_say_untrained(use):
    use(weights="packaged")
    title = transfer("resnet50", 3, size=64).title
    assert title == "ResNet50 (untrained)"


@pytest.mark.parametrize("name", [name for name in NETWORKS if "vgg" not in name and "resnet" not in name])
def test_the_smallest_pictures_are_taken_and_smaller_ones_are_a_sentence(name):
    least = networks.least_size(name)
    pixels = np.zeros((1, least, least, 3), np.float32)
    assert build_network(name, 3, least, pretrained=False).model(pixels).shape == (1, 3)
    for size in (least - 1, 0, None) if name.endswith("-original") else (least - 1, 0):
        with pytest.raises(NetworkError, match=f"is {size}; it can be .*a whole number from {least} on pixels"):
            build_network(name, 3, size, pretrained=False)


def test_an_unknown_network_is_named():
    with pytest.raises(NetworkError, match="'alexnet'; there are cnn, cnn-original"):
        build_network("alexnet", 3, 64)
    assert set(networks.NOVELTY_LAYERS) == {"vgg19", "resnet50", "efficientnet-lite0"}
