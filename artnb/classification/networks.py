"""The classifiers: a core that turns pictures into features, and a head that turns features into probabilities.

Every network takes float32 RGB in [0, 255]; what it wants done to them before is inside it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers

from artnb.backbones import TITLES, load_backbone
from artnb.backbones.folding import folded
from artnb.common.precision import check_keras
from artnb.errors import NetworkError, check_name, check_value, optional, whole
from artnb.images import ImageError
from artnb.layers import ChannelStatistics


@dataclass(frozen=True)
class Network:
    """A classifier in two parts, so that the first can be run once and the second be trained on what it found.

    Attributes:
        title: what a person calls it; says "untrained" of a backbone without its ImageNet weights.
        core: from float32 (batch, size, size, 3), RGB in [0, 255], to features, a vector or a map.
        head: from these features to probabilities (batch, classes).
        model: the whole; `core` and `head` are parts of it, not copies.
        novelty_layers: the layers of `core` in whose maps the novelty of a picture is measured: fine, middle, coarse.
    """

    title: str
    core: keras.Model
    head: keras.Sequential
    model: keras.Model
    novelty_layers: tuple[str, ...]

    @classmethod
    def of(cls, title: str, core: keras.Model, head: list[layers.Layer], novelty_layers: tuple[str, ...]) -> "Network":
        """Put a head on a core."""
        top = keras.Sequential([layers.Input(core.output.shape[1:]), *head], name="top")
        return cls._joined(title, core, top, novelty_layers)

    @classmethod
    def _joined(
        cls, title: str, core: keras.Model, top: keras.Sequential, novelty_layers: tuple[str, ...]
    ) -> "Network":
        model = keras.Model(core.input, top(core.output), name="classifier")
        return cls(title, core, top, model, novelty_layers)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or what is pickled, has one core and one head, too."""
        return Network._joined, (self.title, self.core, self.head, self.novelty_layers)


def with_classes(network: Network, name: str, known: Sequence[str], wanted: Sequence[str], **options: Any) -> Network:
    """A network for other classes that says of those it keeps what it said before, in the same proportions.

    The output of a new class begins as that of the least probable old one would on average, whatever is shown.

    Args:
        network: whose weights are copied.
        name: a key of NETWORKS, what `network` was built by.
        known: its classes, in the order of its outputs.
        wanted: the classes of the result, in the order of its outputs.
        options: what else the network's builder takes.
    """
    other = build_network(name, len(wanted), network.model.input_shape[1], pretrained=False, **options)
    other.core.set_weights(network.core.get_weights())
    *others, kernel, bias = network.head.get_weights()
    new_kernel, new_bias = np.zeros((len(kernel), len(wanted)), kernel.dtype), np.full(len(wanted), bias.min())
    kept = [name for name in wanted if name in known]
    old, new = ([list(names).index(name) for name in kept] for names in (known, wanted))
    new_kernel[:, new], new_bias[new] = kernel[:, old], bias[old]
    other.head.set_weights([*others, new_kernel, new_bias])
    return replace(other, title=network.title)


class Outputs:
    """A network's answers for many pictures: one graph for any number, and nothing of `model.predict` around it.

    For that, the batch norms are folded into the convolutions.

    Args:
        network: which.
        size: height and width of the pictures in pixels.
    """

    def __init__(self, network: Network, size: int):
        features = channel_statistics(network.core, network.novelty_layers, "novelty")
        both = folded(keras.Model(network.model.input, [network.model.output, keras.ops.cast(features, "float32")]))
        self._network, self._shapes, self._size = network, both.output_shape, size
        self._call = tf.function(
            lambda images: both(images, training=False),
            input_signature=[tf.TensorSpec((None, size, size, 3), tf.float32)],
            autograph=False,
        )

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy, or what is pickled, has a graph of its own."""
        return Outputs, (self._network, self._size)

    def __call__(self, images: np.ndarray, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities (n, classes) and features (n, d) of uint8 (n, size, size, 3).

        The probabilities are not calibrated; the features are mean and standard deviation of the channels of the
        novelty layers.

        Raises:
            ImageError: the pictures are something else.
        """
        self._check(images)
        if not len(images):
            return tuple(np.zeros((0, shape[-1]), np.float32) for shape in self._shapes)  # type: ignore[return-value]
        batches = range(0, len(images), batch_size)
        outputs = [self._call(images[first : first + batch_size].astype(np.float32)) for first in batches]
        probabilities, features = (np.concatenate([part[number].numpy() for part in outputs]) for number in (0, 1))
        return probabilities, features

    def _check(self, images: np.ndarray) -> None:
        is_array = isinstance(images, np.ndarray)
        if not is_array or images.ndim != 4 or images.shape[1:] != (self._size, self._size, 3):
            given = f"an array of shape {images.shape}" if is_array else type(images).__name__
            raise ImageError(
                f"Got {given}; give pictures as uint8 (n, {self._size}, {self._size}, 3), as `prepare` returns them."
            )
        if images.dtype != np.uint8:
            values = f" from {images.min():g} to {images.max():g}" if images.size and images.dtype.kind in "fiu" else ""
            raise ImageError(
                f"Got {images.dtype} values{values}; pictures are uint8 from 0 to 255: scale the values to that range, "
                "round them and use .astype(np.uint8)."
            )


def channel_statistics(model: keras.Model, names: Iterable[str], purpose: str = "statistics") -> keras.KerasTensor:
    """Means and standard deviations of the channels of these layers of a model, in one vector.

    `purpose` is what the new layers are called, after the layer that each looks at: names are a network's own.
    """
    statistics = [ChannelStatistics(name=f"{name}_{purpose}")(model.get_layer(name).output) for name in names]
    return layers.Concatenate(name=purpose)(statistics)


def _with_statistics(model: keras.Model, names: Iterable[str]) -> keras.Model:
    return keras.Model(model.input, channel_statistics(model, names), name="core")


def _linear_head(classes: int, dropout: float) -> list[layers.Layer]:
    """One linear layer over features that are brought to one scale first."""
    return [_batch_norm("standardised"), layers.Dropout(dropout, name="dropout"), _probabilities(classes)]


def _probabilities(classes: int) -> layers.Layer:
    # In float32 also under mixed precision: half precision cannot tell 0.9999 from 1.
    return layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")


def cnn_original(classes: int, size: int = 224, dense_units: int = 64, dropout: float = 0.5) -> Network:
    """The student project's network: three convolutions, then a dense layer over all of the map.

    Args:
        classes: how many artists.
        size: height and width of the pictures in pixels.
        dense_units: width of the dense layer, which the original's search sets to 384.
        dropout: share of its outputs left out in training.
    """
    images = layers.Input((size, size, 3), name="images")
    x = layers.Rescaling(1 / 255, name="preprocessing")(images)
    for filters in (32, 64, 128):
        x = layers.Conv2D(filters, 3, activation="relu", name=f"conv{filters}")(x)
        x = layers.MaxPooling2D(2, name=f"pool{filters}")(x)
    head = [
        layers.Flatten(name="flatten"),
        layers.Dense(dense_units, activation="relu", name="dense"),
        layers.Dropout(dropout, name="dropout"),
        _probabilities(classes),
    ]
    return Network.of("CNN, the original's", keras.Model(images, x, name="core"), head, ("pool32", "pool64", "pool128"))


def cnn(
    classes: int, size: int | None = 160, width: int = 48, dropout: float = 0.3, depths: tuple[int, ...] = (1, 1, 2, 1)
) -> Network:
    """Our own: residual blocks with batch norm, and the mean and deviation of each feature instead of its place.

    It uses all of its stages, the fine ones for the brush, the coarse ones for what is painted.

    Args:
        classes: how many artists.
        size: height and width of the pictures in pixels; None for any.
        width: channels of the first stage; each of the next ones has twice as many, up to four times.
        dropout: share of these numbers left out in training.
        depths: residual blocks per stage; every stage halves the map.
    """
    images = layers.Input((size, size, 3), name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1, name="preprocessing")(images)
    x = _convolution(x, width // 2, 3, "stem", strides=2)
    for stage, depth in enumerate(depths):
        filters = width * min(2**stage, 4)
        for block in range(depth):
            x = _residual(x, filters, 2 if block == 0 else 1, f"stage{stage}_block{block}")
    last = [f"stage{stage}_block{depth - 1}" for stage, depth in enumerate(depths)]
    core = _with_statistics(keras.Model(images, x), last)
    return Network.of("CNN, ours", core, _linear_head(classes, dropout), (last[0], last[2], last[3]))


def _batch_norm(name: str, **options: Any) -> layers.Layer:
    # The usual momentum, 0.99, remembers too long where an epoch has eighty steps.
    return layers.BatchNormalization(momentum=0.9, name=name, **options)


def _convolution(x: keras.KerasTensor, filters: int, kernel: int, name: str, strides: int = 1) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, strides, padding="same", use_bias=False, name=f"{name}_conv")(x)
    return layers.ReLU(name=name)(_batch_norm(f"{name}_bn")(x))


def _residual(x: keras.KerasTensor, filters: int, strides: int, name: str) -> keras.KerasTensor:
    """He et al., "Deep Residual Learning", CVPR 2016, with an averaged shortcut (He et al., "Bag of Tricks", 2019)."""
    shortcut = x
    if strides > 1:
        shortcut = layers.AveragePooling2D(strides, padding="same", name=f"{name}_pool")(shortcut)
    if shortcut.shape[-1] != filters:
        shortcut = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_shortcut_conv")(shortcut)
        shortcut = _batch_norm(f"{name}_shortcut_bn")(shortcut)
    x = _convolution(x, filters, 3, f"{name}_first", strides)
    x = layers.Conv2D(filters, 3, padding="same", use_bias=False, name=f"{name}_second_conv")(x)
    # Begins as the identity: gamma is 0 (Goyal et al., 2017), so that a deep network begins as a shallow one.
    x = _batch_norm(f"{name}_second_bn", gamma_initializer="zeros")(x)
    return layers.ReLU(name=name)(layers.Add(name=f"{name}_sum")([x, shortcut]))


def transfer(
    backbone: str, classes: int, size: int | None = 224, stages: int = 4, weights: str | None = "imagenet"
) -> Network:
    """An ImageNet network with our head: means and standard deviations of the channels at several depths, one layer.

    Args:
        backbone: "vgg19", "resnet50" or "efficientnet-lite0".
        classes: how many artists.
        size: height and width of the pictures in pixels; None for any.
        stages: how many of the depths are read, from 1 to 4, the finest first. What lies behind them is left out: most
            of the weights lie behind the third.
        weights: "imagenet"; None for a network to be filled by the caller.
    """
    loaded = load_backbone(backbone, size, weights, untrained=True)  # the title says so
    title = str(loaded) if weights else TITLES[backbone]
    read = STATISTICS_LAYERS[backbone][:stages]
    core = _with_statistics(loaded.model, read)
    there = {layer.name for layer in core.layers}
    looked_at = [name for name in NOVELTY_LAYERS[backbone] if name in there]
    if len(looked_at) < len(NOVELTY_LAYERS[backbone]):
        looked_at.append(read[-1])
    return Network.of(title, core, _linear_head(classes, dropout=0.5), tuple(dict.fromkeys(looked_at)))


def transfer_original(backbone: str, classes: int, size: int = 224, weights: str | None = "imagenet") -> Network:
    """An ImageNet network with the student project's head: dense layers of 512 and 16 over the flattened map.

    Args:
        backbone: "vgg19", "resnet50" or "efficientnet-lite0".
        classes: how many artists.
        size: height and width of the pictures in pixels.
        weights: "imagenet"; None for a network to be filled by the caller.
    """
    loaded = load_backbone(backbone, size, weights, untrained=True)  # the title says so
    title = str(loaded) if weights else TITLES[backbone]
    head = [layers.Flatten(name="flatten")]
    for units in (512, 16):
        head += [
            layers.Dense(units, activation="relu", name=f"dense{units}"),
            layers.BatchNormalization(name=f"bn{units}"),
        ]
    head.append(_probabilities(classes))
    return Network.of(f"{title}, the original's way", loaded.model, head, NOVELTY_LAYERS[backbone])


# The ends of the network's stages, without the first, coarse in colour, and the last, specialised in ImageNet's things.
STATISTICS_LAYERS = {
    "vgg19": ("block2_pool", "block3_pool", "block4_pool", "block5_conv4"),
    "resnet50": ("conv2_block3_out", "conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
    "efficientnet-lite0": ("block4", "block7", "block10", "block14"),
}

# Found on validation paintings and photographs with EfficientNet-Lite0; in the others, layers of the same depth.
NOVELTY_LAYERS = {
    "vgg19": ("block2_pool", "block4_conv4", "block5_conv4"),
    "resnet50": ("conv2_block3_out", "conv4_block3_out", "conv5_block2_out"),
    "efficientnet-lite0": ("block2", "block7", "block14"),
}

NETWORKS: dict[str, Callable[..., Network]] = {
    "cnn": cnn,
    "cnn-original": cnn_original,
    **{name: partial(transfer, name) for name in STATISTICS_LAYERS},
    **{f"{name}-original": partial(transfer_original, name) for name in STATISTICS_LAYERS},
}


def least_size(name: str) -> int:
    """The height and width in pixels below which nothing is left of a picture in the last map of a network."""
    return {"cnn": 16, "cnn-original": 22}.get(name, 32)


def build_network(name: str, classes: int, size: int | None, pretrained: bool = True, **options: Any) -> Network:
    """Build a network by its name.

    Args:
        name: a key of NETWORKS.
        classes: how many artists.
        size: height and width of the pictures in pixels; None for any, if the network takes any.
        pretrained: whether a backbone begins with its ImageNet weights; no if it is to be filled anyway.
        options: what else the network's builder takes.

    Raises:
        NetworkError: there is no such network, or it takes no pictures of that size.
        KerasError: Keras is set up for other networks.
    """
    check_keras()
    check_name(name, NETWORKS, "network", NetworkError)
    allowed = whole(least_size(name), unit="pixels")
    if not name.endswith("-original"):  # those have a dense layer over a map
        allowed = optional(allowed)
    check_value(size, allowed, f"The size of the pictures for {name!r}", NetworkError)
    if pretrained or name.startswith("cnn"):
        return NETWORKS[name](classes=classes, size=size, **options)
    return NETWORKS[name](classes=classes, size=size, weights=None, **options)
