"""A small collection, and one trained model of it, for all tests of the classifiers."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from artnb.classification import bundles
from artnb.classification.recipes import recipe
from artnb.paintings import splits
from artnb.paintings.sources import read_collection

ARTISTS = {"Piet_Mondrian": (200, 30, 30), "Claude_Monet": (60, 120, 160), "Kazimir_Malevich": (20, 20, 20)}


def tiny(name, epochs=2, **changes):
    """A recipe that takes seconds."""
    return replace(recipe(name, "quick"), size=32, train_size=32, batch_size=16, **changes).shortened(epochs)


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
def table(collection):
    return splits.split(collection.paintings, [], seed=1)


@pytest.fixture(scope="session")
def bundle(collection, table, tmp_path_factory):
    return bundles.make(tiny("cnn", 12), collection, table, tmp_path_factory.mktemp("models") / "cnn", seed=1)
