"""A trained network without its batch norms, for those who only ask it: the same answers in half of the time.

A batch norm whose statistics stand still multiplies and shifts each channel, and so does the convolution before it: the
two are one convolution (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 3.2).
"""

from typing import Any

import keras
import numpy as np

_CONVOLUTIONS = keras.layers.Conv2D | keras.layers.DepthwiseConv2D


def folded(model: keras.Model) -> keras.Model:
    """A copy of a model for inference, each batch norm folded into the convolution before it.

    Layers keep their names; where a batch norm stood, its output is that of the convolution. What the copy is asked
    under `training=True`, it answers as for inference.

    Args:
        model: a functional model, with its final weights: the copy doesn't follow later ones.

    Returns:
        A model with the same inputs and outputs, within the noise of floating-point sums, which can't be trained; the
        model itself if there is nothing to fold.
    """
    outputs = {id(output) for output in model.outputs}
    norms = {
        norm.input._keras_history.operation.name: norm
        for norm in model.layers
        if _can_be_folded(norm) and id(norm.input) not in outputs
    }
    if not norms:
        return model
    gone = {norm.name for norm in norms.values()}

    def copy(layer: keras.layers.Layer) -> keras.layers.Layer:
        if layer.name in gone:
            return keras.layers.Identity(name=layer.name)
        return type(layer).from_config(layer.get_config() | ({"use_bias": True} if layer.name in norms else {}))

    def call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        return layer(inputs[0]) if layer.name in gone else layer(*inputs, **options)  # a batch norm takes a mask, too

    copied = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in model.layers:
        if layer.name in norms:
            copied.get_layer(layer.name).set_weights(_folded_weights(layer, norms[layer.name]))
        elif layer.weights and layer.name not in gone:
            copied.get_layer(layer.name).set_weights(layer.get_weights())
    copied.trainable = False
    return copied


def _can_be_folded(layer: keras.layers.Layer) -> bool:
    """Whether a layer is a batch norm over the channels of a convolution that no other layer reads."""
    if not isinstance(layer, keras.layers.BatchNormalization) or len(layer._inbound_nodes) > 1:
        return False
    before = layer.input._keras_history.operation
    return (
        isinstance(before, _CONVOLUTIONS)
        and before.activation is keras.activations.linear
        and len(before._inbound_nodes) == len(before._outbound_nodes) == 1
        and layer.axis in (-1, 3)
    )


def _folded_weights(layer: keras.layers.Layer, norm: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """Kernel and bias that do what the convolution and then the norm do; reckoned in 64 bits."""
    kernel, *bias = (np.asarray(weights, np.float64) for weights in layer.get_weights())
    mean, variance = (np.asarray(each, np.float64) for each in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon) * (np.asarray(norm.gamma, np.float64) if norm.scale else 1)
    shift = np.asarray(norm.beta, np.float64) if norm.center else 0
    of_kernel = scale.reshape(kernel.shape[2:]) if isinstance(layer, keras.layers.DepthwiseConv2D) else scale
    return [
        (kernel * of_kernel).astype(np.float32),
        (shift + ((bias[0] if bias else 0) - mean) * scale).astype(np.float32),
    ]
