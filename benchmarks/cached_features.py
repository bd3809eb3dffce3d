"""An epoch of the frozen phase: on features that were computed once, beside running the backbone for every batch.

Both train the same linear head on the same pictures with the same optimiser; only the cached way leaves the frozen
core alone. The first epoch of each, which compiles, is not counted. Run it with: python benchmarks/cached_features.py
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras

from artnb.classification import networks
from artnb.paintings.pipeline import Pictures, load_pictures, steps_per_epoch, training_batches
from artnb.paintings.preparation import prepare
from artnb.paintings.splits import random_split


def seconds_per_epoch(model: keras.Model, pictures: Pictures, epochs: int) -> float:
    """Of training `model` on `pictures`, after one epoch that is not counted."""
    model.compile(keras.optimizers.AdamW(1e-3), "sparse_categorical_crossentropy")
    steps = steps_per_epoch(pictures)
    batches = training_batches(pictures)
    model.fit(batches, steps_per_epoch=steps, epochs=1, shuffle=False, verbose=0)
    start = time.perf_counter()
    model.fit(batches, steps_per_epoch=steps, epochs=epochs, shuffle=False, verbose=0)
    return (time.perf_counter() - start) / epochs


def main() -> None:
    """Measure both in turn and print the ratio of each round, and what computing the features cost once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="efficientnet-lite0")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pictures", type=int, default=1024, help="default: %(default)s")
    chosen = parser.parse_args()
    prepared = prepare()
    table = random_split(prepared.paintings)
    table = table[table["subset"] == "train"].sample(chosen.pictures, random_state=1)
    train = load_pictures(prepared.collection, table, size=224).train
    network = networks.transfer(chosen.backbone, table["artist"].nunique())
    network.core.trainable = False
    start = time.perf_counter()
    features = network.core.predict(train.images.astype("float32"), batch_size=64, verbose=0)
    once = time.perf_counter() - start
    cached = Pictures(features, train.labels, train.paths)
    print(f"{network.title}, {len(train)} pictures of 224 px; the features, once: {once:.1f} s", flush=True)
    for _ in range(chosen.rounds):
        fast = seconds_per_epoch(network.head, cached, 5)
        plain = seconds_per_epoch(network.model, train, 1)
        print(f"cached {fast:.3f} s   through the core {plain:.1f} s   ratio {plain / fast:.0f}", flush=True)


if __name__ == "__main__":
    main()
