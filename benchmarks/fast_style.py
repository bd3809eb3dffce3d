"""A fast painter beside the optimiser, in one run.

Times are of one picture after the models are loaded; the network's weights are random, which takes as long as trained
ones. With --memory the largest memory of a process that paints 2,048 pixels. Run it with:
python benchmarks/fast_style.py
"""

import argparse
import os
import resource
import time
from collections.abc import Callable
from functools import partial

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np
from skimage import data

from artnb.common.seeding import seeded
from artnb.images import fit
from artnb.style.colours import palette
from artnb.style.fast.brush import Brush, Manner
from artnb.style.fast.networks import FastNetworks
from artnb.style.fast.recipes import FastRecipe
from artnb.style.recipes import style_recipe
from artnb.style.transfer import stylize

CONTENT, STYLE = data.astronaut(), data.coffee()
SIZES = (256, 512, 1024)


def seconds(call: Callable[[], object], times: int) -> float:
    """Median time of a call, after one that warms up."""
    call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(time.perf_counter() - start)
    return float(np.median(taken))


def our_brush(recipe: FastRecipe) -> tuple[Brush, Manner]:
    """A painter with random weights, whose last layer does something."""
    with seeded(1):
        networks = FastNetworks.build(recipe, np.zeros((8, 2)))
    last = networks.painter.get_layer("brush_conv")
    kernel, bias = last.get_weights()
    last.set_weights([np.random.default_rng(1).normal(0, 0.05, kernel.shape), bias])
    return Brush(networks, recipe), Manner(np.eye(8, dtype=np.float32)[0], palette(STYLE))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--width", type=int, default=FastRecipe().width)
    parser.add_argument("--memory", action="store_true", help="paint 2,048 pixels, and nothing else")
    chosen = parser.parse_args()
    recipe = FastRecipe(width=chosen.width)
    brush, manner = our_brush(recipe)
    if chosen.memory:
        start = time.perf_counter()
        brush.paint(fit(CONTENT, 2048), manner)
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"2048 px: {time.perf_counter() - start:.1f} s, at most {most:.2f} GB", flush=True)
        return
    print(f"width {recipe.width}, {os.cpu_count()} cores", flush=True)
    for size in SIZES:
        photo = fit(CONTENT, size)
        print(f"{size} px: {seconds(partial(brush.paint, photo, manner), chosen.times):.3f} s", flush=True)
    photo = fit(CONTENT, SIZES[0])
    fast = seconds(lambda: brush.paint(photo, manner), chosen.times)
    start = time.perf_counter()
    stylize(photo, STYLE, style_recipe("efficientnet-lite0"))
    slow = time.perf_counter() - start
    print(f"the optimiser, {SIZES[0]} px: {slow:.1f} s; {slow / fast:.0f} times as long", flush=True)


if __name__ == "__main__":
    main()
