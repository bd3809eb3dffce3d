"""CycleGAN's generators and discriminator.

Every network takes float32 RGB in [0, 255]; a generator also gives it, and works between -1 and 1 inside.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

from artnb.backbones import load_backbone
from artnb.common.precision import FULL, check_keras, under
from artnb.cyclegan.painting import OnlyStyle, PaintedOver, Seen
from artnb.cyclegan.recipes import CycleRecipe, Discriminator, Generator
from artnb.errors import NetworkError
from artnb.layers import InstanceNormalization, ReflectionPadding
from artnb.style.fast.networks import painter_network
from artnb.style.fast.recipes import FastRecipe


@keras.saving.register_keras_serializable("artnb")
class Repainted(layers.Layer):
    """A picture and what is to be changed in it -> the picture with that change, in [0, 255].

    Inputs: (batch, height, width, 3) in [0, 255], and the same shape in [-255, 255].
    """

    def call(self, images: keras.KerasTensor, change: keras.KerasTensor) -> keras.KerasTensor:
        """Add, and stay among the colours."""
        return ops.clip(ops.cast(images, change.dtype) + change, 0.0, 255.0)


def painter_generator(width: int = 24, blocks: int = 4, size: int | None = None) -> keras.Model:
    """The fast painter's network with a single style, as a generator.

    It sees noise, so that plain areas get no grid, and what it changes is added to the colours' logits and bounded:
    added to the colours and cut at 0 and 255, changes grow into blots beyond the cut, where no gradient reaches them.

    Args:
        width: channels of the first layer; the residual blocks have four times as many.
        blocks: of residuals.
        size: height and width in pixels, a multiple of 4; None for any.

    Returns:
        A model from float32 (batch, height, width, 3) in [0, 255] to the same. It begins as one that changes nothing.
    """
    _check_size(size, 4)
    images = layers.Input((size, size, 3), name="images")
    network = painter_network(FastRecipe(width=width, blocks=blocks), 1)
    network.name = "brushwork"
    code = OnlyStyle(dtype="float32", name="style")(images)
    change = network((Seen(dtype="float32", name="seen")(images), code))
    return keras.Model(images, PaintedOver(dtype="float32", name="painted")(images, change), name="painter")


def _convolve(channels: int, kernel: int, name: str, **options: Any) -> layers.Layer:
    """A convolution that begins as the paper's do: normal, σ = 0.02 (Zhu et al., appendix 7.1)."""
    begin = {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.02)}
    return layers.Conv2D(channels, kernel, name=name, **begin | options)


def instance_norm(name: str) -> layers.Layer:
    """Each picture's each channel, brought to mean 0 and variance 1 (Ulyanov et al., 2016), then scaled, shifted."""
    return InstanceNormalization(groups=-1, epsilon=1e-5, name=name)


def resnet_generator(width: int = 64, blocks: int = 9, size: int | None = None, residual: bool = False) -> keras.Model:
    """The paper's generator (Zhu et al., appendix 7.2), which enlarges by repeating pixels and convolving.

    The paper's transposed convolutions overlap unevenly and leave a checkerboard (Odena et al., "Deconvolution and
    Checkerboard Artifacts", Distill 2016).

    Args:
        width: channels of the first layer; the residual blocks have four times as many.
        blocks: of residuals; the paper takes 6 at 128 pixels and 9 at 256.
        size: height and width in pixels, a multiple of 4; None for any.
        residual: whether it paints what is to be changed rather than the whole picture. It then begins as one that
            changes nothing, and has no need to learn first to copy.

    Returns:
        A model from float32 (batch, height, width, 3) in [0, 255] to the same.
    """
    _check_size(size, 4)
    images = layers.Input((size, size, 3), name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="to_unit")(images)
    x = _reflected(x, width, 7, "stem")
    for number, channels in enumerate((2 * width, 4 * width)):
        x = _reflected(x, channels, 3, f"down{number}", strides=2)
    for number in range(blocks):
        inner = _reflected(x, 4 * width, 3, f"block{number}_first")
        inner = _reflected(inner, 4 * width, 3, f"block{number}_second", active=False)
        x = layers.Add(name=f"block{number}")([x, inner])
    for number, channels in enumerate((2 * width, width)):
        x = layers.UpSampling2D(name=f"up{number}_size")(x)
        x = _reflected(x, channels, 3, f"up{number}")
    return _finished(images, ReflectionPadding(3, name="last_pad")(x), 7, "valid", "resnet", residual)


def unet_generator(width: int = 64, depth: int = 8, size: int | None = None, residual: bool = False) -> keras.Model:
    """The original's generator: an hourglass with skip connections (Isola et al., CVPR 2017; Ronneberger et al., 2015).

    Args:
        width: channels of the first layer; each deeper one has twice as many, up to eight times.
        depth: how often the map is halved, 1 to 8; the original halves 256 pixels eight times, to one.
        size: height and width in pixels, a multiple of 2 ** depth; None for any such.
        residual: as of `resnet_generator`.

    Returns:
        A model from float32 (batch, height, width, 3) in [0, 255] to the same.
    """
    if not 1 <= depth <= 8:
        raise NetworkError(f"The depth is {depth}; give 1 to 8.")
    _check_size(size, 2**depth)
    channels = [width * min(2**level, 8) for level in range(depth)]
    images = layers.Input((size, size, 3), name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="to_unit")(images)
    skipped = []
    for level, count in enumerate(channels):
        x = _convolve(count, 4, f"down{level}_conv", strides=2, padding="same", use_bias=level == 0)(x)
        # Of a map of one pixel, instance norm would leave nothing but zeros.
        if level > 0 and not (size and size == 2 ** (level + 1)):
            x = instance_norm(f"down{level}_norm")(x)
        x = _leaky(x, f"down{level}")
        skipped.append(x)
    for level in reversed(range(depth - 1)):
        x = layers.UpSampling2D(name=f"up{level}_size")(x)
        x = _convolve(channels[level], 3, f"up{level}_conv", padding="same", use_bias=False)(x)
        x = layers.ReLU(name=f"up{level}")(instance_norm(f"up{level}_norm")(x))
        x = layers.Concatenate(name=f"skip{level}")([x, skipped[level]])
    return _finished(images, layers.UpSampling2D(name="last_size")(x), 3, "same", "unet", residual)


def discriminator(width: int = 64, size: int | None = None) -> keras.Model:
    """PatchGAN: whether each patch of 70 x 70 pixels is real (Isola et al., CVPR 2017, section 3.2).

    Args:
        width: channels of the first layer.
        size: height and width in pixels, at least 32; None for any such.

    Returns:
        A model from float32 (batch, height, width, 3) in [0, 255] to (batch, height / 8 - 2, width / 8 - 2, 1): 1 for
        real, 0 for generated, without a squashing function, as least squares want it.
    """
    images = layers.Input((size, size, 3), name="images")
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="to_unit")(images)
    for number, (factor, strides) in enumerate(((1, 2), (2, 2), (4, 2), (8, 1))):
        x = layers.ZeroPadding2D(1, name=f"pad{number}")(x)
        x = _convolve(width * factor, 4, f"conv{number}", strides=strides, use_bias=number == 0)(x)
        if number:
            x = instance_norm(f"norm{number}")(x)
        x = _leaky(x, f"layer{number}")
    x = layers.ZeroPadding2D(1, name="last_pad")(x)
    x = _convolve(1, 4, "realness", dtype="float32")(x)
    return keras.Model(images, x, name="discriminator")


# Layers of EfficientNet-Lite0, and pixels to a step of theirs.
_LOOKED_AT = {"block2": 4, "block4": 8, "block10": 16}
_MIXED = {"block0": 2, **_LOOKED_AT}
_USUAL = 7.0  # the root mean square of these maps, of any picture: 5 to 8


def projected_discriminator(width: int = 64, size: int | None = None, mixing: bool = False) -> keras.Model:
    """A discriminator on the features of a network trained on ImageNet, instead of its own.

    Maps of some depths, from strokes to things, each go through a small head that is trained; the network before them
    is not (Sauer et al., "Projected GANs Converge Faster", NeurIPS 2021). A few hundred steps are enough for what a
    PatchGAN needs many thousand for.

    Args:
        width: channels of the heads.
        size: height and width in pixels, a multiple of 16; None for any such.
        mixing: whether maps of four depths are first mixed by random weights that stay: each across its channels, and
            with all deeper ones (section 3.2). A generator then can't please a head by a few loud features.

    Returns:
        A model from float32 (batch, height, width, 3) in [0, 255] to (batch, height / 8, width / 8, depths): what each
        depth says, 1 for real, 0 for generated; three depths, or four with mixing.

    Raises:
        BackboneError: the ImageNet weights of EfficientNet-Lite0 are not here.
    """
    # Its depthwise convolutions have no fast half precision.
    with under(FULL):
        backbone = load_backbone("efficientnet-lite0", None)
        looked_at = _MIXED if mixing else _LOOKED_AT
        core = backbone.taps(looked_at)
    core.trainable = False
    images = layers.Input((size, size, 3), name="images")
    maps = dict(zip(looked_at, core(images), strict=True))
    judgements = []
    for name, x in (_mixed(maps, width) if mixing else maps).items():
        step = looked_at[name]
        x = _head(x, width, 1, f"{name}_mix")
        while step < 8:
            step *= 2
            x = _head(x, width, 4, f"{name}_down{'' if step == 8 else step}", strides=2)
        x = _head(x, width, 3, f"{name}_look")
        x = _convolve(1, 3, f"{name}_realness", padding="same", dtype="float32")(x)
        judgements.append(layers.UpSampling2D(step // 8, dtype="float32", name=f"{name}_up")(x) if step > 8 else x)
    return keras.Model(
        images, layers.Concatenate(dtype="float32", name="realness")(judgements), name="projected_discriminator"
    )


def _mixed(maps: dict[str, keras.KerasTensor], width: int) -> dict[str, keras.KerasTensor]:
    """Maps, from fine to coarse, each mixed with all that are coarser, by weights that are never trained."""

    def fixed(x: keras.KerasTensor, kernel: int, name: str) -> keras.KerasTensor:
        layer = layers.Conv2D(width, kernel, padding="same", kernel_initializer="lecun_normal", name=name)
        layer.trainable = False
        return layer(x)

    result: dict[str, keras.KerasTensor] = {}
    coarser = None
    for name in reversed(maps):
        x = fixed(layers.Rescaling(1 / _USUAL, name=f"{name}_unit")(maps[name]), 1, f"{name}_across")
        if coarser is not None:
            larger = layers.UpSampling2D(interpolation="bilinear", name=f"{name}_coarser")(coarser)
            x = fixed(layers.Add(name=f"{name}_joined")([x, larger]), 3, f"{name}_between")
        result[name] = coarser = x
    return dict(reversed(result.items()))


def _head(x: keras.KerasTensor, width: int, kernel: int, name: str, strides: int = 1) -> keras.KerasTensor:
    convolve = layers.Conv2D(
        width, kernel, strides=strides, padding="same", kernel_initializer="he_normal", name=f"{name}_conv"
    )
    return _leaky(convolve(x), name)


def _reflected(
    x: keras.KerasTensor, channels: int, kernel: int, name: str, strides: int = 1, active: bool = True
) -> keras.KerasTensor:
    x = ReflectionPadding(kernel // 2, name=f"{name}_pad")(x)
    x = _convolve(channels, kernel, f"{name}_conv", strides=strides, use_bias=False)(x)
    x = instance_norm(f"{name}_norm")(x)
    return layers.ReLU(name=name)(x) if active else x


def _leaky(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """A LeakyReLU, as a maximum: of its own after a bias, TensorFlow's graph optimiser complains on stderr."""
    return layers.Maximum(name=name)([x, layers.Rescaling(0.2, name=f"{name}_fifth")(x)])


def _finished(
    images: keras.KerasTensor, x: keras.KerasTensor, kernel: int, padding: str, name: str, residual: bool
) -> keras.Model:
    """The last convolution, and back to colours: these in float32 also under mixed precision."""
    # A change begins as none at all; random weights would begin with a noise louder than the picture.
    begin = {"kernel_initializer": "zeros"} if residual else {}
    x = _convolve(3, kernel, "colours", padding=padding, **begin)(x)
    x = layers.Activation("tanh", dtype="float32", name="between")(x)
    if residual:
        change = layers.Rescaling(255.0, dtype="float32", name="change")(x)
        x = Repainted(dtype="float32", name="repainted")(images, change)
    else:
        x = layers.Rescaling(127.5, offset=127.5, dtype="float32", name="to_grey_levels")(x)
    return keras.Model(images, x, name=name)


def _check_size(size: int | None, multiple: int) -> None:
    if size is not None and (size < 1 or size % multiple):
        raise NetworkError(f"The size is {size} pixels; this generator takes multiples of {multiple}.")


DISCRIMINATORS: dict[Discriminator, Callable[..., keras.Model]] = {
    "patch": discriminator,
    "projected": projected_discriminator,
}
GENERATORS: dict[Generator, Callable[..., keras.Model]] = {
    "resnet": resnet_generator,
    "unet": unet_generator,
    "painter": painter_generator,
}


def generator(name: Generator, size: int | None = None, **options: Any) -> keras.Model:
    """Build a generator by its name.

    Args:
        name: a key of GENERATORS.
        size: height and width in pixels; None for any.
        options: what else its builder takes.

    Raises:
        NetworkError: there is no such generator, or none of this size.
    """
    if name not in GENERATORS:
        raise NetworkError(f"There is no generator {name!r}; there are {', '.join(GENERATORS)}.")
    return GENERATORS[name](size=size, **options)


@dataclass(frozen=True)
class CycleGAN:
    """The four networks.

    Attributes:
        to_monet: from photographs to paintings; RGB in [0, 255] to the same, as all of them take and give it.
        to_photo: from paintings to photographs.
        monet_discriminator: real paintings, 1, or generated ones, 0, patch by patch; in several channels, if it judges
            at several depths.
        photo_discriminator: the same for photographs.
    """

    to_monet: keras.Model
    to_photo: keras.Model
    monet_discriminator: keras.Model
    photo_discriminator: keras.Model

    @classmethod
    def build(cls, recipe: CycleRecipe) -> "CycleGAN":
        """The networks of a recipe, for pictures of any size, with random weights.

        Raises:
            KerasError: Keras is set up for other networks.
        """
        check_keras()
        # A U-Net that halves its pictures down to a single pixel is another network at another size.
        size = recipe.size if recipe.generator == "unet" and recipe.size == recipe.multiple else None
        generators = [
            generator(
                recipe.generator,
                size,
                width=recipe.width,
                **({} if recipe.generator == "painter" else {"residual": recipe.residual}),
                **{_DEPTH[recipe.generator]: recipe.depth},
            )
            for _ in range(2)
        ]
        mixing = {"mixing": recipe.mixing} if recipe.discriminator == "projected" else {}
        discriminators = [DISCRIMINATORS[recipe.discriminator](recipe.discriminator_width, **mixing) for _ in range(2)]
        return cls(*generators, *discriminators)

    @property
    def generators(self) -> tuple[keras.Model, keras.Model]:
        """To Monet, to photograph."""
        return self.to_monet, self.to_photo

    @property
    def discriminators(self) -> tuple[keras.Model, keras.Model]:
        """Of Monets, of photographs."""
        return self.monet_discriminator, self.photo_discriminator

    @property
    def all(self) -> tuple[keras.Model, ...]:
        """Generators, then discriminators."""
        return *self.generators, *self.discriminators


_DEPTH = {"resnet": "blocks", "unet": "depth", "painter": "blocks"}
