"""Killed at any moment and resumed, a training or a search is the one that was never killed."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from artnb.classification import networks
from artnb.classification.networks import Network
from artnb.classification.recipes import Phase, classifier_recipe
from artnb.classification.training import train_network
from artnb.paintings.pipeline import Pictures, Subsets
from tests.killing import snapshots


def _network(classes, size=16, weights=None):
    """Small, with all that has a memory: batch norm and dropout."""
    pictures = keras.Input((size, size, 3))
    x = keras.layers.Conv2D(4, 3, strides=4, use_bias=False)(keras.layers.Rescaling(1 / 255)(pictures))
    x = keras.layers.BatchNormalization(name="maps")(x)
    core = keras.Model(pictures, keras.layers.GlobalAveragePooling2D()(x))
    head = [keras.layers.Dropout(0.3), keras.layers.Dense(classes, activation="softmax")]
    return Network.of("tiny", core, head, ("maps",))


def _pictures(number, seed):
    images = np.random.default_rng(seed).integers(0, 256, (number, 16, 16, 3), np.uint8)
    return Pictures(images, (np.arange(number) % 3).astype(np.int32), tuple(map(str, range(number))))


@pytest.fixture(scope="module")
def data():
    return Subsets(_pictures(12, 1), _pictures(6, 2), _pictures(6, 3), ("a", "b", "c"))


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setitem(networks.NETWORKS, "cnn", _network)
    tf.config.run_functions_eagerly(True)  # graphs of so few steps cost more than they save
    yield
    tf.config.run_functions_eagerly(False)


def recipe(*phases):
    quick = classifier_recipe("cnn", "quick")
    return replace(quick, size=16, train_size=16, batch_size=4, options={}, phases=phases)


PLATEAU = recipe(Phase("training", 5, 0.1, "plateau", patience=5))
PHASES = recipe(
    Phase("head", 2, 0.03, "cosine", "head", cached=True, label_smoothing=0.1),
    Phase("fine-tuning", 2, 0.1, weight_decay=0.1, patience=1),
)


def same(one, other):
    """Whether two trainings ended alike, to the last bit, but for how long they took."""
    histories = [history.drop(columns="seconds") for _, history in (one, other)]
    pd.testing.assert_frame_equal(*histories, check_exact=True, check_dtype=False)
    for a, b in zip(*(network.model.get_weights() for network, _ in (one, other)), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wanted", [PLATEAU, PHASES], ids=["plateau", "phases"])
def test_a_training_killed_anywhere(wanted, data, tmp_path):
    with snapshots(tmp_path / "m") as killed:
        whole = train_network(wanted, data, tmp_path / "m", seed=3)
    if wanted is PLATEAU:
        assert whole[1]["learning_rate"].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.02, 0.02]), "it fell after epoch 3"
    assert len(killed) >= 2 * len(whole[1])
    for place in killed:
        same(whole, train_network(wanted, data, place, seed=3, resume=True))
