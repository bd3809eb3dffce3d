"""The ImageNet networks: weights found or said to be missing, and each one's own preprocessing inside."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import keras

from artnb.backbones.efficientnet_lite import efficientnet_lite0, load_imagenet_weights
from artnb.backbones.folding import folded
from artnb.common.precision import check_keras
from artnb.errors import Allowed, check_name, check_value, optional, whole
from artnb.layers import CaffePreprocessing
from artnb.weights import TITLES, WEIGHTS, BackboneError, check_weights, fetch_command, find_weights


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
        title = WEIGHTS[self.name].title if self.name in WEIGHTS else self.name
        return title + ("" if self.trained else " (untrained)")

    def taps(self, names: Iterable[str]) -> keras.Model:
        """A model from the same images to the outputs of the layers of these names, a list in their order.

        For a single name Keras gives the output itself, without a list around it.

        Raises:
            BackboneError: a layer is not there; the sentence names some that are.
        """
        layers = {layer.name: layer for layer in self.model.layers}
        names = [names] if isinstance(names, str) else list(names)
        if missing := [name for name in names if name not in layers]:
            known = ", ".join(list(layers)[:: max(len(layers) // 8, 1)])
            raise BackboneError(f"{self.name} has no layer {missing[0]!r}; it has for example {known}.")
        return keras.Model(self.model.input, [layers[name].output for name in names], name=f"{self.name}-taps")


def load_backbone(
    name: str, size: int | None = 224, weights: str | None = "imagenet", untrained: bool = False
) -> Backbone:
    """Build one of the networks, with its ImageNet weights.

    Without them its kernels are drawn from He's normal distribution, the same for every run, and it is called
    untrained wherever it is shown: `str(backbone)` says so.

    Args:
        name: "vgg19", "resnet50" or "efficientnet-lite0".
        size: height and width of the pictures in pixels, at least 32; None for any.
        weights: "imagenet"; None for an untrained network on purpose, or to be filled by the caller.
        untrained: whether an untrained network will do where the weights are not on this machine.

    Raises:
        BackboneError: there is no such network or no such size, its weights are not here, or their file is not what its
            publisher has published.
        KerasError: Keras is set up for other networks.
    """
    check_keras()
    builders = BUILDERS | _JUDGES
    check_name(name, [each for each in builders if each in WEIGHTS], "backbone", BackboneError)
    check_value(size, _SIZE, f"The size of {WEIGHTS[name].title}'s pictures", BackboneError)
    check_value(weights, _WEIGHTS, "The argument weights", BackboneError)
    file = find_weights(name) if weights else None
    if file:
        check_weights(name, file)
    elif weights and not untrained:
        raise BackboneError(
            f"{WEIGHTS[name].title}'s ImageNet weights are not on this machine; fetch them with "
            f"`{fetch_command(name)}`, or take an untrained network on purpose (untrained=True)."
        )
    model = builders[name](size, file)
    if file is None:
        _draw_he_normal(model)
    return Backbone(name, model, trained=file is not None)


_SIZE = optional(whole(32, 2**15, "pixels"))
_WEIGHTS = Allowed(
    lambda weights: weights is None or (isinstance(weights, str) and weights == "imagenet"),
    "'imagenet' or None; a folder of weight files is named by ARTNB_WEIGHTS",
)


def shared_backbone(name: str, untrained: bool = False) -> Backbone:
    """One of the networks, for pictures of any size: built once, and frozen, because everyone shares it.

    Whoever trains it would change the pictures and measures of all others; what is to be trained comes from
    `load_backbone`. Arguments and errors are those of `load_backbone`.
    """
    return _shared(name, bool(untrained), find_weights(name))


@lru_cache(maxsize=len(TITLES))
def _shared(name: str, untrained: bool, _: Path | None) -> Backbone:
    backbone = load_backbone(name, None, untrained=untrained)
    backbone.model.trainable = False
    return replace(backbone, model=folded(backbone.model))


def check_backbone(backbone: object) -> None:
    """Nothing for a `Backbone`.

    Raises:
        BackboneError: it is something else, such as a name.
    """
    wanted = Allowed(lambda value: isinstance(value, Backbone), "what load_backbone or shared_backbone returns")
    check_value(backbone, wanted, "The backbone", BackboneError)


def check_judge(backbone: object) -> None:
    """Nothing for a `Backbone` that carries its weights: an untrained network never judges.

    Raises:
        BackboneError: it is something else, or untrained.
    """
    check_backbone(backbone)
    assert isinstance(backbone, Backbone)
    if not backbone.trained:
        raise BackboneError(
            f"{backbone} was to judge, and an untrained network never does; fetch its weights with "
            f"`{fetch_command(backbone.name)}`, or judge with `shared_backbone('efficientnet-lite0')`."
        )


def _lite0(size: int | None, file: Path | None) -> keras.Model:
    model = efficientnet_lite0(size)
    if file:
        load_imagenet_weights(model, file)
    return model


def _keras_application(
    name: str,
    network: Callable[..., keras.Model],
    preprocessing: Callable[..., keras.layers.Layer],
    size: int | None,
    file: Path | None,
) -> keras.Model:
    """A network of keras.applications behind its preprocessing."""

    def build(size: int | None, file: Path | None, include_top: bool = False) -> keras.Model:
        images = keras.Input((size, size, 3), name="images")
        inside = preprocessing(name="preprocessing")(images)
        try:
            model = network(include_top=include_top, weights=file and str(file), input_tensor=inside)
        except (OSError, ValueError, KeyError) as error:
            if file is None:
                raise
            raise BackboneError(
                f"{file} can't be loaded into {WEIGHTS[name].title} ({error}); remove it, and fetch it again with "
                f"`{fetch_command(name)}`."
            ) from error
        return keras.Model(images, model.output, name=name)

    if file is None or "notop" in file.name:
        return build(size, file)
    # A file with the classifier fits only the network with it, which takes pictures of 224 pixels.
    whole_network = build(224, file, include_top=True)
    model = build(size, None)
    for layer in model.layers:
        layer.set_weights(whole_network.get_layer(layer.name).get_weights())
    return model


# How each network is built, from the size of its pictures and the file of its weights, each None or given: a model from
# RGB in [0, 255] whose layer "preprocessing" is its own.
BUILDERS: dict[str, Callable[[int | None, Path | None], keras.Model]] = {
    "vgg19": partial(_keras_application, "vgg19", keras.applications.VGG19, CaffePreprocessing),
    "resnet50": partial(_keras_application, "resnet50", keras.applications.ResNet50, CaffePreprocessing),
    "efficientnet-lite0": _lite0,
}
# Networks that only judge, in measures that are known by them.
_JUDGES: dict[str, Callable[[int | None, Path | None], keras.Model]] = {
    "inceptionv3": partial(
        _keras_application,
        "inceptionv3",
        keras.applications.InceptionV3,
        partial(keras.layers.Rescaling, 1 / 127.5, -1.0),
    ),
}


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
