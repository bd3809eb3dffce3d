from dataclasses import replace

import keras
import numpy as np
import pytest

from artnb.classification import ClassifierRecipe, classifier_recipe, networks
from artnb.classification.networks import (
    NETWORKS,
    Outputs,
    build_network,
    cnn,
    cnn_original,
    transfer,
    transfer_original,
)
from artnb.errors import NetworkError, RecipeError


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
    network = transfer_original("efficientnet-lite0", 11, size=64)
    kinds = [type(layer).__name__ for layer in network.head.layers]
    assert kinds == ["Flatten", "Dense", "BatchNormalization", "Dense", "BatchNormalization", "Dense"]
    assert [layer.units for layer in network.head.layers if isinstance(layer, keras.layers.Dense)] == [512, 16, 11]


@pytest.mark.parametrize("stages", [1, 2, 3])
def test_fewer_stages_are_the_first_ones_and_a_smaller_network(stages):
    whole, part = (transfer("efficientnet-lite0", 11, size=64, stages=number) for number in (4, stages))
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype(np.float32)
    features, of_part = (network.core(images, training=False).numpy() for network in (whole, part))
    assert np.allclose(of_part, features[:, : of_part.shape[1]], atol=1e-4)
    assert part.model.count_params() < 0.35 * whole.model.count_params()
    assert set(part.novelty_layers) <= {layer.name for layer in part.core.layers}
    assert Outputs(part, 64)(images.astype(np.uint8))[1].shape[1] > 0
    recipe = replace(classifier_recipe("efficientnet-lite0"), options={"stages": stages})
    assert ClassifierRecipe.from_dict(recipe.to_dict()) == recipe
    for bad in (0, 5, 1.5):
        with pytest.raises(RecipeError, match="option stages"):
            replace(recipe, options={"stages": bad})
    with pytest.raises(RecipeError, match="nothing for 'efficientnet-lite0-original'"):
        replace(classifier_recipe("efficientnet-lite0-original"), options={"stages": stages})


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
