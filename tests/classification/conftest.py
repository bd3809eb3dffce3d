"""A small collection, and one trained model of it, for all tests of the classifiers."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image

from artnb.classification.model import train_classifier
from artnb.classification.networks import Network, channel_statistics
from artnb.classification.recipes import classifier_recipe
from artnb.paintings.audit import audit_collection
from artnb.paintings.preparation import Prepared
from artnb.paintings.sources import read_collection
from artnb.paintings.splits import choose_artists, split_paintings

ARTISTS = {"Piet_Mondrian": (200, 30, 30), "Claude_Monet": (60, 120, 160), "Kazimir_Malevich": (20, 20, 20)}


def tiny(name, epochs=2, **changes):
    """A recipe that takes seconds."""
    return replace(classifier_recipe(name, "quick"), size=32, crop_size=None, batch_size=16, **changes).shortened(
        epochs
    )


def small_network(classes, size=16, weights=None, width=48, dropout=0.3, dense_units=64):
    """Stands for any network in a table of them; it has all that has a memory: batch norm and dropout."""
    pictures = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(4, 3, strides=4, use_bias=False)(keras.layers.Rescaling(1 / 255)(pictures))
    x = keras.layers.BatchNormalization(name="maps")(x)
    stages = "block4", "block7", "block10", "block14"  # called as EfficientNet-Lite0's
    for name in stages:
        x = keras.layers.ReLU(name=name)(x)
    core = keras.Model(pictures, channel_statistics(keras.Model(pictures, x), stages))
    head = [keras.layers.Dropout(dropout), keras.layers.Dense(classes, activation="softmax")]
    return Network.of("tiny", core, head, ("maps",))


@pytest.fixture(scope="session")
def collection(tmp_path_factory):
    """Three artists with 24 pictures each, told apart by colour and by noise."""
    root = tmp_path_factory.mktemp("paintings")
    rng = np.random.default_rng(5)
    for artist, colour in ARTISTS.items():
        folder = root / "images" / artist
        folder.mkdir(parents=True)
        for number in range(24):
            picture = np.clip(rng.normal(colour, 40, (40, 48, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(folder / f"{number:02}.png")
    return read_collection(root)


@pytest.fixture(scope="session")
def prepared(collection):
    found = audit_collection(collection)
    paintings = choose_artists(collection, found)
    return Prepared(collection, found, paintings, split_paintings(paintings, seed=1), 20)


@pytest.fixture(scope="session")
def table(prepared):
    return prepared.table


@pytest.fixture(scope="session")
def model(collection, table, tmp_path_factory):
    return train_classifier(tiny("cnn", 12), collection, table, tmp_path_factory.mktemp("models") / "cnn", seed=1)
