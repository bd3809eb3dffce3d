"""How the search for near-duplicates grows with the number of pictures.

The pictures are small cut-outs of a collection's, in other light. Processor time is printed, which a busy machine
changes little, and the exponent between two numbers: 1 grows in line, 2 with the square.
Run it with: python benchmarks/twins.py [--numbers 2000 5000 20000]
"""

import argparse
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image, ImageEnhance
from threadpoolctl import threadpool_limits

from artnb.images import load_image
from artnb.paintings.sources import load_collection
from artnb.paintings.twins import SIDE, same_paintings


def changed(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A cut-out of a tenth to a fifth of a picture, in other light: uint8 (SIDE, SIDE), grey; hardly ever a twin."""
    height, width = image.shape[:2]
    share = random.uniform(0.3, 0.45)
    sides = max(8, int(height * share)), max(8, int(width * share))
    top, left = (int(random.integers(0, whole - side + 1)) for whole, side in zip((height, width), sides, strict=True))
    part = Image.fromarray(image[top : top + sides[0], left : left + sides[1]]).convert("L")
    lit = ImageEnhance.Contrast(part).enhance(random.uniform(0.7, 1.3))
    return np.asarray(lit.resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3))


def main() -> None:
    """Make the pictures, search in the first so many of them, and print how long it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--numbers", type=int, nargs="+", default=[2000, 5000, 20000])
    chosen = parser.parse_args()
    collection = load_collection()
    paths = collection.paintings["path"].tolist()
    random = np.random.default_rng(0)
    images = [load_image(collection.file(path)) for path in paths[: max(chosen.numbers)]]
    greys = np.stack([changed(images[number % len(images)], random) for number in range(max(chosen.numbers))])
    before: tuple[int, float] | None = None
    with ThreadPoolExecutor(os.cpu_count()) as pool, threadpool_limits(1, "blas"):
        for number in sorted(chosen.numbers):
            start = time.process_time()
            pairs = same_paintings(greys[:number], pool)
            seconds = time.process_time() - start
            grown = f"   exponent {math.log(seconds / before[1]) / math.log(number / before[0]):.2f}" if before else ""
            print(f"{number:,} pictures: {seconds:.1f} s of processor time, {len(pairs):,} pairs{grown}", flush=True)
            before = number, seconds


if __name__ == "__main__":
    main()
