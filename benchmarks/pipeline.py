"""Augmented training pictures per second: artnb's pipeline beside Keras' legacy ImageDataGenerator.

Both read the same files at 224 px, batches of 32, and apply the same augmentation (the original's). The first epoch,
in which artnb decodes and both warm up, is not counted. Run it with: python benchmarks/pipeline.py
"""

import argparse
import os
import time
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from artnb import prepare
from artnb.paintings.pipeline import ORIGINAL, Pictures, load_pictures, steps_per_epoch, training_batches
from artnb.paintings.sources import Collection


def keras_batches(collection: Collection, paths: list[str], labels: list[str]) -> Iterator:
    """The original's way, file by file."""
    import pandas as pd

    generator = keras.src.legacy.preprocessing.image.ImageDataGenerator(
        rotation_range=ORIGINAL.rotation,
        width_shift_range=ORIGINAL.shift,
        height_shift_range=ORIGINAL.shift,
        shear_range=ORIGINAL.shear,
        zoom_range=ORIGINAL.zoom,
        horizontal_flip=ORIGINAL.flip,
        fill_mode=ORIGINAL.fill,
    )
    frame = pd.DataFrame({"filename": [str(collection.file(path)) for path in paths], "class": labels})
    return iter(generator.flow_from_dataframe(frame, target_size=(224, 224), batch_size=32, seed=1))


def pictures_per_second(batches: Iterator, steps: int) -> float:
    """Steady state: the first `steps` batches only warm up."""
    for _ in range(steps):
        next(batches)
    start, pictures = time.perf_counter(), 0
    for _ in range(steps):
        pictures += len(next(batches)[0])
    return pictures / (time.perf_counter() - start)


def main() -> None:
    """Measure both in turn, three times, and print the ratio of each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    prepared = prepare()
    collection = prepared.collection
    data = load_pictures(collection, prepared.table, size=224)
    train: Pictures = data.train
    steps = min(30, steps_per_epoch(train))
    names = [data.class_names[label] for label in train.labels]
    print(f"224 px, {os.cpu_count()} cores", flush=True)
    for number in range(rounds):
        ours = pictures_per_second(training_batches(train, 32, ORIGINAL, first_epoch=number).as_numpy_iterator(), steps)
        plain = pictures_per_second(keras_batches(collection, list(train.paths), names), steps)
        print(f"artnb {ours:6.0f} /s   ImageDataGenerator {plain:6.0f} /s   ratio {ours / plain:.1f}", flush=True)


if __name__ == "__main__":
    main()
