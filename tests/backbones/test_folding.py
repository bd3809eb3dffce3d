"""A batch norm and the convolution before it are one convolution."""

import keras
import numpy as np
import pytest
from keras import layers

from artnb.backbones import load_backbone, shared_backbone
from artnb.backbones.folding import folded


def _drawn(model: keras.Model) -> keras.Model:
    """The model with weights and statistics as after a training, all positive: variances are."""
    rng = np.random.default_rng(1)
    model.set_weights([rng.uniform(0.1, 1.5, weights.shape) for weights in model.get_weights()])
    return model


def _norms(model: keras.Model) -> int:
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


@pytest.mark.parametrize("use_bias", [True, False])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False}, {"epsilon": 0.1}])
@pytest.mark.parametrize("convolution", [layers.Conv2D, layers.DepthwiseConv2D])
def test_a_folded_network_answers_as_before(convolution: type, options: dict, use_bias: bool) -> None:
    images = layers.Input((None, None, 3))
    size = {} if convolution is layers.DepthwiseConv2D else {"filters": 4}
    x = convolution(kernel_size=3, strides=2, use_bias=use_bias, name="conv", **size)(images)
    x = layers.ReLU(name="end")(layers.BatchNormalization(name="norm", **options)(x))
    model = _drawn(keras.Model(images, x))
    pictures = np.random.default_rng(2).uniform(-1, 1, (2, 9, 11, 3)).astype(np.float32)
    small = folded(model)
    np.testing.assert_allclose(small(pictures), model(pictures, training=False), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(small(pictures, training=True), small(pictures), rtol=1e-6)
    assert _norms(small) == 0 and small.input_shape == model.input_shape
    model.set_weights([weights / 2 for weights in model.get_weights()])
    np.testing.assert_allclose(small(pictures), model(pictures, training=False), rtol=1e-5, atol=1e-5)


def test_what_something_else_reads_stays_as_it_is() -> None:
    images = layers.Input((8, 8, 3))
    conv = layers.Conv2D(4, 3, name="conv")(images)
    curved = layers.Conv2D(4, 3, activation="relu", name="curved")(images)
    turned = layers.Conv2DTranspose(2, 3, name="turned")(images)  # its kernel lies the other way round
    outputs = [conv, *(layers.BatchNormalization()(each) for each in (conv, curved, turned))]
    model = _drawn(keras.Model(images, outputs))
    pictures = np.random.default_rng(2).uniform(-1, 1, (2, 8, 8, 3)).astype(np.float32)
    assert folded(model) is model  # there is nothing to fold
    both = _drawn(keras.Model(images, [*outputs, layers.BatchNormalization()(layers.Conv2D(2, 1)(images))]))
    small = folded(both)
    assert _norms(small) == 3
    for found, wanted in zip(small(pictures), both(pictures, training=False), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", ["efficientnet-lite0", "resnet50"])
def test_the_shared_backbone_is_folded_and_keeps_its_layers(name: str) -> None:
    whole, shared = load_backbone(name, None, untrained=True), shared_backbone(name, untrained=True)
    pictures = np.random.default_rng(3).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    wanted = whole.model(pictures, training=False).numpy()
    np.testing.assert_allclose(shared.model(pictures), wanted, atol=1e-4 * np.abs(wanted).max())
    assert [layer.name for layer in shared.model.layers] == [layer.name for layer in whole.model.layers]
    assert _norms(whole.model) and not _norms(shared.model)
