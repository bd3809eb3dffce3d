"""A training step of the CycleGAN beside the public TensorFlow tutorial's way: both in one run, as a ratio.

The tutorial's way, written plainly: one persistent tape, each network called for each picture that it has to see,
four gradients taken from the same tape, Keras' own layers, 32 bits. Both are compiled, with networks of the same shape,
the same losses and batches of one; without pool and augmentation, which the tutorial does not have. Ours is measured
as it trains on this machine, and in 32 bits. Run it with: python benchmarks/cyclegan_step.py
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf

from artnb.common.precision import FULL, training_policy, under
from artnb.cyclegan.networks import CycleGAN
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.steps import State, cycle_loss, least_squares
from artnb.layers import InstanceNormalization


def plainly(layer: keras.layers.Layer) -> keras.layers.Layer:
    """The same layer as Keras has it."""
    kind = keras.layers.GroupNormalization if isinstance(layer, InstanceNormalization) else type(layer)
    return kind.from_config(layer.get_config())


def tutorial_step(net: CycleGAN, recipe: CycleRecipe) -> Callable:
    """Everything separately."""
    net = CycleGAN(*(keras.models.clone_model(network, clone_function=plainly) for network in net.all))
    networks = net.all
    optimisers = [keras.optimizers.Adam(recipe.learning_rate, beta_1=0.5) for _ in networks]
    for optimiser, network in zip(optimisers, networks, strict=True):
        optimiser.build(network.trainable_variables)

    @tf.function
    def step(photos: tf.Tensor, paintings: tf.Tensor) -> None:
        with tf.GradientTape(persistent=True) as tape:
            fake_paintings = net.to_monet(photos, training=True)
            again_photos = net.to_photo(fake_paintings, training=True)
            fake_photos = net.to_photo(paintings, training=True)
            again_paintings = net.to_monet(fake_photos, training=True)
            same_paintings = net.to_monet(paintings, training=True)
            same_photos = net.to_photo(photos, training=True)
            real_painting = net.monet_discriminator(paintings, training=True)
            real_photo = net.photo_discriminator(photos, training=True)
            fake_painting = net.monet_discriminator(fake_paintings, training=True)
            fake_photo = net.photo_discriminator(fake_photos, training=True)
            cycle = recipe.cycle * (cycle_loss(photos, again_photos) + cycle_loss(paintings, again_paintings))
            share = recipe.cycle * recipe.identity
            losses = [
                least_squares(fake_painting, 1.0) + cycle + share * cycle_loss(paintings, same_paintings),
                least_squares(fake_photo, 1.0) + cycle + share * cycle_loss(photos, same_photos),
                (least_squares(real_painting, 1.0) + least_squares(fake_painting, 0.0)) / 2,
                (least_squares(real_photo, 1.0) + least_squares(fake_photo, 0.0)) / 2,
            ]
        for loss, network, optimiser in zip(losses, networks, optimisers, strict=True):
            variables = network.trainable_variables
            optimiser.apply(tape.gradient(loss, variables), variables)

    return step


def our_step(net: CycleGAN, recipe: CycleRecipe) -> Callable:
    """As `cyclegan.training` does it."""
    step = tf.function(State(net, recipe).step, autograph=False)
    return lambda photos, paintings: step(photos, paintings, tf.constant([1, 1])).numpy()


def seconds(step: Callable, pictures: tuple, times: int) -> float:
    """Median time of a step, after two that warm up."""
    taken = []
    for number in range(times + 2):
        start = time.perf_counter()
        step(*pictures)
        if number > 1:
            taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--large", action="store_true", help="256 pixels and width 64, as in the paper; gigabytes")
    chosen = parser.parse_args()
    size, width, depth = (256, 64, 9) if chosen.large else (128, 32, 6)
    recipe = CycleRecipe(size=size, width=width, depth=depth, discriminator_width=width, pool=0, augment=False)
    random = np.random.default_rng(1)
    pictures = tuple(tf.constant(random.uniform(0, 255, (1, size, size, 3)), tf.float32) for _ in range(2))
    tutorial = seconds(tutorial_step(CycleGAN.build(recipe), recipe), pictures, chosen.times)
    print(f"{size} px, width {width}, {os.cpu_count()} cores: the tutorial's way {tutorial:.2f} s a step", flush=True)
    for policy in sorted({training_policy(), FULL}, reverse=True):
        with under(policy):
            net = CycleGAN.build(recipe)
        ours = seconds(our_step(net, recipe), pictures, chosen.times)
        print(f"ours, {policy}: {ours:.2f} s; ratio {tutorial / ours:.2f}", flush=True)


if __name__ == "__main__":
    main()
