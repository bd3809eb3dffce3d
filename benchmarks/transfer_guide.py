"""Our fine-tuning beside the plain recipe of Keras' guide to transfer learning: accuracy on the test, and time.

The guide (keras.io/guides/transfer_learning, "An end-to-end example") trains a new head of one layer on a frozen
network, with mirrored and slightly turned pictures, and then all of it at a low rate. Both see the same split,
pictures, network, batches of 32 and numbers of epochs; the guide's own numbers, 2 and 1, are a row, too. Run it with:
PYTHONPATH=. python benchmarks/transfer_guide.py [--seeds N]
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np
from keras import layers

from artnb.backbones import load_backbone
from artnb.classification import classifier_recipe
from artnb.classification.evaluation import bootstrap
from artnb.classification.training import train_network
from artnb.paintings.pipeline import Subsets, evaluation_batches, load_pictures, steps_per_epoch, training_batches
from artnb.paintings.preparation import prepare

NETWORK = "efficientnet-lite0"


def guide(data: Subsets, size: int, epochs: tuple[int, int], seed: int) -> keras.Model:
    """The guide's recipe: the head for so many epochs, then all layers but with the frozen batch norm's statistics."""
    keras.utils.set_random_seed(seed)
    base = load_backbone(NETWORK, size).model
    base.trainable = False
    images = keras.Input((size, size, 3))
    x = layers.RandomRotation(0.1)(layers.RandomFlip("horizontal")(images))
    x = layers.Dropout(0.2)(layers.GlobalAveragePooling2D()(base(x, training=False)))
    model = keras.Model(images, layers.Dense(len(data.class_names), activation="softmax")(x))
    for phase, (number, rate) in enumerate(zip(epochs, (1e-3, 1e-5), strict=True)):
        base.trainable = phase == 1
        model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy")
        batches = training_batches(data.train, seed=seed, first_epoch=phase * epochs[0])
        model.fit(batches, steps_per_epoch=steps_per_epoch(data.train), epochs=number, shuffle=False, verbose=0)
    return model


def main() -> None:
    """Train all of them in turn, and print accuracies, seconds, and the differences painting by painting."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=1, help="trainings of each; default: %(default)s")
    chosen = parser.parse_args()
    prepared, recipe = prepare(), classifier_recipe(NETWORK)
    data = load_pictures(prepared.collection, prepared.table, recipe.size)
    head, tuning = (phase.epochs for phase in recipe.phases)
    ways = {
        "ours": lambda seed: train_network(recipe, data, seed=seed)[0].model,
        f"the guide, {head} and {tuning} epochs": lambda seed: guide(data, recipe.size, (head, tuning), seed),
        "the guide, 2 and 1 epochs": lambda seed: guide(data, recipe.size, (2, 1), seed),
    }
    right: dict[str, np.ndarray] = {}
    seconds: dict[str, float] = {}
    for name, train in ways.items():
        start, each = time.perf_counter(), []
        for seed in range(1, chosen.seeds + 1):
            test = evaluation_batches(data.test).map(lambda images, _: images)
            each.append(train(seed).predict(test, verbose=0).argmax(1) == data.test.labels)
        right[name], seconds[name] = np.mean(each, 0), (time.perf_counter() - start) / chosen.seeds
        said = f"{name:32} {right[name].mean():.1%} of {len(data.test)} test paintings in {seconds[name]:.0f} s"
        if name != "ours":
            more = right["ours"] - right[name]
            low, high = bootstrap(more, 1)
            said += (
                f" ({seconds[name] / seconds['ours']:.2f} of ours); ours is right in {more.mean():.1%} more "
                f"(95 % interval {low:.1%} to {high:.1%})"
            )
        print(said, flush=True)


if __name__ == "__main__":
    main()
