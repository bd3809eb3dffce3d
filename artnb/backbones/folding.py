"""A network without its batch norms, for those who only ask it: the same answers in half of the time.

A batch norm whose statistics stand still multiplies and shifts each channel, and so does the convolution before it: the
two are one convolution (Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference", CVPR 2018, section 3.2).
"""

from typing import Any

import keras
from keras import ops

_CONVOLUTIONS = keras.layers.Conv2D | keras.layers.DepthwiseConv2D


def folded(model: keras.Model) -> keras.Model:
    """The same network for inference, each batch norm folded into the convolution before it.

    Layers keep their names; where a batch norm stood, its output is that of the convolution. What it is asked under
    `training=True`, it answers as for inference.

    Args:
        model: a functional model. Its weights are used, not copied: if they change, so do the answers.

    Returns:
        A model with the same inputs and outputs, within the noise of floating-point sums, which is not for training;
        the model itself if there is nothing to fold.
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
        if layer.name in norms:
            return _Folded(layer, norms[layer.name])
        if layer.name in gone:
            return keras.layers.Identity(name=layer.name)
        # An operation such as a cast has none, and needs a copy like any layer that can be had twice.
        return layer if getattr(layer, "weights", ()) else type(layer).from_config(layer.get_config())

    def call(layer: keras.layers.Layer, *inputs: Any, **options: Any) -> Any:
        return layer(inputs[0]) if layer.name in gone else layer(*inputs, **options)  # a batch norm takes a mask, too

    return keras.models.clone_model(model, clone_function=copy, call_function=call)


class _Folded(keras.layers.Layer):
    """A convolution and the norm behind it as one convolution, with the weights that they have at the moment."""

    def __init__(self, convolution: keras.layers.Layer, norm: keras.layers.BatchNormalization):
        super().__init__(name=convolution.name, dtype=convolution.dtype_policy)
        self._both = lambda: (convolution, norm)  # Keras would take layers for parts of this one

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        convolution, norm = self._both()
        factor = ops.rsqrt(norm.moving_variance + norm.epsilon)
        if norm.scale:
            factor = factor * norm.gamma
        shift = -norm.moving_mean * factor
        if norm.center:
            shift = shift + norm.beta
        if convolution.use_bias:
            shift = shift + convolution.bias * factor
        depthwise, kernel = isinstance(convolution, keras.layers.DepthwiseConv2D), convolution.kernel
        convolve = ops.depthwise_conv if depthwise else ops.conv
        return shift + convolve(
            inputs,
            kernel * (ops.reshape(factor, kernel.shape[2:]) if depthwise else factor),
            strides=convolution.strides,
            padding=convolution.padding,
            data_format=convolution.data_format,
            dilation_rate=convolution.dilation_rate,
        )


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
