"""A step of the style transfer beside the plain ways: all in one run, as ratios.

(a) the original's loop: a sub-model for each layer, the targets computed again in every step, nothing compiled;
(b) the bare forward and backward pass through the same network up to the same layers;
(c) the same loop in PyTorch with torchvision's VGG19, if both are installed.
Then the time to the style distance that one scale reaches after 300 steps at 384 pixels, coarse to fine; and with
--memory the largest memory of a process that paints at 1024 pixels. Run it with: python benchmarks/style_step.py
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
import tensorflow as tf
from skimage import data

from artnb.backbones import load_backbone
from artnb.images import fit
from artnb.style.recipes import StyleRecipe, style_recipe
from artnb.style.scene import Scene, taps
from artnb.style.transfer import stylize

CONTENT, STYLE = data.astronaut(), data.coffee()


def seconds(step: Callable[[], object], times: int) -> float:
    """Median time of a call, after two that warm up."""
    taken = []
    for number in range(times + 2):
        start = time.perf_counter()
        step()
        if number > 1:
            taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def our_step(network: keras.Model, recipe: StyleRecipe, content: np.ndarray, style: np.ndarray, xla: bool) -> Callable:
    """Adam on the pixels, as `style.transfer` does it."""
    scene = Scene(network, recipe, content, [style], [1.0])
    picture = tf.Variable(scene.content)
    optimiser = keras.optimizers.Adam(recipe.learning_rate)
    optimiser.build([picture])

    @tf.function(jit_compile=xla)
    def step() -> tf.Tensor:
        terms, gradient = scene.gradient(picture)
        optimiser.apply([gradient], [picture])
        picture.assign(tf.clip_by_value(picture, 0.0, 255.0))
        return terms

    return lambda: step().numpy()


def original_step(network: keras.Model, recipe: StyleRecipe, content: np.ndarray, style: np.ndarray) -> Callable:
    """The student project's loop, with its mistakes."""
    layers = list(recipe.style_layers)
    models = [keras.Model(network.input, network.output[name]) for name in [*layers, *recipe.content_layers]]
    content, style = (tf.constant(image[None], tf.float32) for image in (content, style))
    picture = tf.Variable(content)
    optimiser = keras.optimizers.Adam(recipe.learning_rate)

    def gram(features: tf.Tensor) -> tf.Tensor:
        flat = tf.reshape(features, (-1, features.shape[-1]))
        return tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], tf.float32)

    def step() -> None:
        with tf.GradientTape() as tape:
            cost = tf.reduce_mean(tf.square(models[-1](picture) - models[-1](content)))
            for model, name in zip(models[:-1], layers, strict=True):
                difference = gram(model(picture)) - gram(model(style))
                cost += recipe.style_layers[name] * tf.reduce_mean(tf.square(difference))
        optimiser.apply_gradients([(tape.gradient(cost, picture), picture)])
        picture.assign(tf.clip_by_value(picture, 0.0, 255.0))

    return step


def bare_step(network: keras.Model, deepest: str, content: np.ndarray) -> Callable:
    """Forward to the deepest layer and back to the pixels, and nothing else."""
    model = keras.Model(network.input, network.output[deepest])
    image = tf.constant(content[None], tf.float32)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(image)
            value = tf.reduce_sum(model(image, training=False))
        return tape.gradient(value, image)

    return lambda: step().numpy()


def torch_step(recipe: StyleRecipe, content: np.ndarray, style: np.ndarray) -> Callable | None:
    """The same loop in PyTorch; None where it is not installed."""
    try:
        import torch
        from torch import nn
    except ImportError:
        return None
    widths = (64, 64, "pool", 128, 128, "pool", 256, 256, 256, 256, "pool", 512, 512, 512, 512, "pool", 512, 512)
    layers, channels, block, number, taps_at = [], 3, 1, 0, {}
    for width in widths:
        if isinstance(width, str):
            layers.append(nn.MaxPool2d(2))
            block, number = block + 1, 0
            continue
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        channels, number = width, number + 1
        taps_at[f"block{block}_conv{number}"] = len(layers) - 1
    network = nn.Sequential(*layers).eval().requires_grad_(False)
    torch.set_num_threads(os.cpu_count() or 1)

    def seen(image: Any) -> dict[int, Any]:
        found = {}
        for place, layer in enumerate(network):
            image = layer(image)
            found[place] = image
        return found

    def gram(features: Any) -> Any:
        flat = features.flatten(2)[0]
        return flat @ flat.T / flat.shape[1]

    first, second = (torch.tensor(image[None].transpose(0, 3, 1, 2).copy()).float() for image in (content, style))
    content_at = [taps_at[name] for name in recipe.content_layers]
    weights = {taps_at[name]: weight for name, weight in recipe.style_layers.items()}
    with torch.no_grad():
        found = seen(first)
        contents = {place: found[place] for place in content_at}
        found = seen(second)
        grams = {place: gram(found[place]) for place in weights}
    picture = first.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([picture], lr=recipe.learning_rate)

    def step() -> None:
        optimiser.zero_grad()
        found = seen(picture)
        cost = sum(((found[place] - target) ** 2).mean() for place, target in contents.items())
        cost = cost + sum(w * ((gram(found[place]) - grams[place]) ** 2).mean() for place, w in weights.items())
        cost.backward()
        optimiser.step()
        with torch.no_grad():
            picture.clamp_(0, 255)

    return step


def coarse_to_fine(size: int, steps: int) -> None:
    """Time to the style loss that one scale has after so many steps."""
    backbone = load_backbone("efficientnet-lite0", None)
    ours = replace(style_recipe("efficientnet-lite0"), size=size, tv_weight=0.0)
    plain = replace(ours.at_one_scale(), iterations=steps, learning_rate=2.0)
    content, style = fit(CONTENT, size), fit(STYLE, size)
    start = time.perf_counter()
    reference = stylize(content, style, plain, backbone=backbone)
    plain_seconds = time.perf_counter() - start
    goal = reference.history["style"].iloc[-1]
    for iterations in range(60, 300, 10):
        start = time.perf_counter()
        painting = stylize(content, style, replace(ours, iterations=iterations), backbone=backbone)
        taken = time.perf_counter() - start
        if painting.history["style"].iloc[-1] <= goal:
            break
    print(
        f"EfficientNet-Lite0, {size} px: style loss {goal:.4f} after {steps} plain steps in {plain_seconds:.1f} s; "
        f"coarse to fine {painting.history['style'].iloc[-1]:.4f} after {iterations} in {taken:.1f} s; "
        f"ratio {plain_seconds / taken:.1f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--memory", action="store_true", help="only the memory, of a picture of 1024 pixels")
    chosen = parser.parse_args()
    if chosen.memory:
        content = fit(CONTENT, 1024)
        recipe = replace(style_recipe("vgg19").at_one_scale(), size=1024, iterations=2)
        stylize(content, fit(STYLE, 1024), recipe)
        print(f"VGG19 at 1024 px: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2:.1f} GiB at most")
        return
    recipe = style_recipe("original-vgg19")
    content, style = fit(CONTENT, 256), fit(STYLE, 256)
    network = taps(load_backbone("vgg19", None, untrained=True), recipe)
    ours = seconds(our_step(network, recipe, content, style, xla=False), chosen.times)
    print(f"VGG19 with the original's layers, 256 px, {os.cpu_count()} cores\nour step: {ours:.3f} s", flush=True)
    others = {
        "(a) the original's loop": original_step(network, recipe, content, style),
        "(b) bare forward and backward": bare_step(network, list(recipe.style_layers)[-1], content),
        "our step with XLA": our_step(network, recipe, content, style, xla=True),
        "(c) the same loop in PyTorch": torch_step(recipe, content, style),
    }
    for title, step in others.items():
        if step is None:
            print(f"{title}: not installed")
            continue
        taken = seconds(step, max(2, chosen.times // 2))
        print(f"{title}: {taken:.3f} s, {taken / ours:.2f} of ours", flush=True)
    coarse_to_fine(384, 300)


if __name__ == "__main__":
    main()
