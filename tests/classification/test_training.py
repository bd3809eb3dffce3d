import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest

from artnb.classification import training
from artnb.classification.recipes import Phase, classifier_recipe
from artnb.classification.training import class_weights, precision, train_network
from artnb.errors import DivergenceError, TrainingError
from artnb.paintings import splits
from artnb.paintings.pipeline import load_pictures
from tests.classification.conftest import tiny
from tests.conftest import CHECKOUT

FIGURES = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate"]


@pytest.fixture(scope="module")
def data(collection, table):
    return load_pictures(collection, table, 32)


def same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return one["phase"].tolist() == other["phase"].tolist() and np.allclose(
        one[FIGURES], other[FIGURES], rtol=1e-3, atol=1e-4
    )


class KilledError(Exception):
    """Stands for kill -9 in a test that looks into one process."""


def interrupt_after(monkeypatch, epochs):
    """Die in the middle of an epoch, after so many finished ones."""
    begin = training._Record.on_train_batch_end

    def batch_end(self, batch, logs=None):
        if len(self.run.history) >= epochs and batch == 1:
            raise KilledError
        begin(self, batch, logs)

    monkeypatch.setattr(training._Record, "on_train_batch_end", batch_end)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_table(data):
    one, same_again, other = (train_network(tiny("cnn-original"), data, seed=seed)[1] for seed in (1, 1, 2))
    assert same(one, same_again) and not same(one, other)


TWO_PHASES = replace(
    tiny("efficientnet-lite0"),
    phases=(
        Phase("head", 3, 1e-2, "cosine", "head", cached=True),
        Phase("fine-tuning", 3, 1e-4, "cosine", frozen_statistics=True, weight_decay=0.01, label_smoothing=0.1),
    ),
)


@pytest.fixture(scope="module")
def uninterrupted(data):
    """A network of two phases, from beginning to end."""
    return train_network(TWO_PHASES, data, seed=3)


@pytest.mark.slow
def test_after_an_interruption_the_table_is_that_of_an_uninterrupted_training(
    data, uninterrupted, tmp_path, monkeypatch
):
    """A real network, in graphs; `test_resuming.py` has every point that a training can be killed at."""
    whole, history = uninterrupted
    with monkeypatch.context() as patch:
        interrupt_after(patch, 4)
        with pytest.raises(KilledError):
            train_network(TWO_PHASES, data, tmp_path / "parts", seed=3)
    assert len(pd.read_csv(tmp_path / "parts" / "history.csv")) == 4
    resumed, history_resumed = train_network(TWO_PHASES, data, tmp_path / "parts", seed=3, resume=True)
    assert same(history, history_resumed)
    images = data.test.images.astype("float32")
    ends = [network.model.predict(images, verbose=0) for network in (whole, resumed)]
    assert np.allclose(*ends, atol=2e-3)
    again, history_again = train_network(TWO_PHASES, data, tmp_path / "parts", seed=3, resume=True)
    assert history_again.equals(history_resumed), "a finished training is not trained again"
    assert np.allclose(again.model.predict(images, verbose=0), ends[1], atol=1e-6)


@pytest.mark.slow
def test_a_kill_loses_no_more_than_the_epoch_it_falls_into(collection, table, tmp_path):
    """The real thing: a process, SIGKILL, and the command again with --resume."""
    command = [sys.executable, "-m", "artnb", "train", "cnn", "--epochs", "6", "--seed", "3", "-o", str(tmp_path / "m")]
    environment = os.environ | {
        "ARTNB_DATA": str(collection.root),
        "ARTNB_HOME": str(tmp_path),
        "ARTNB_PROFILE": "quick",
    }
    split = ["--split", str(tmp_path / "split.csv")]
    splits.save_split(table, tmp_path / "split.csv")
    process = subprocess.Popen([*command, *split], env=environment, stderr=subprocess.PIPE, text=True)
    history = tmp_path / "m" / "history.csv"
    while not (history.is_file() and len(history.read_text().splitlines()) >= 3):
        time.sleep(0.01)
        assert process.poll() is None, process.stderr.read()
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = pd.read_csv(history)
    assert 2 <= len(before) < 6
    refused = subprocess.run([*command, *split], env=environment, capture_output=True, text=True)
    assert refused.returncode == 1 and "--resume" in refused.stderr and "Traceback" not in refused.stderr
    done = subprocess.run([*command, *split, "--resume"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    after = pd.read_csv(history)
    assert len(after) == 6 and after.head(len(before)).equals(before)
    assert (tmp_path / "m" / "card.json").is_file() and not (tmp_path / "m" / "checkpoints").exists()


@pytest.mark.slow
def test_patience_ends_a_training_and_goes_back_to_the_best(data, monkeypatch):
    # In half precision, a loss of hundreds is another one than in the network that is returned.
    monkeypatch.setattr(training, "training_policy", lambda **_: "float32")
    wanted = tiny("cnn-original", phases=(Phase("training", 30, 0.5, patience=2),), epochs=30)
    network, history = train_network(wanted, data, seed=1)
    losses = history["val_loss"]
    assert len(losses) < 30 and len(losses) - 1 - losses.argmin() == 2
    network.model.compile(loss="sparse_categorical_crossentropy")
    pictures = data.validation
    found = network.model.evaluate(pictures.images.astype("float32"), pictures.labels, verbose=0, return_dict=True)
    assert np.isclose(found["loss"], losses.min(), rtol=1e-2)


@pytest.mark.slow
def test_frozen_parts_stay_as_they_were(uninterrupted):
    before = networks_weights("efficientnet-lite0")
    core = uninterrupted[0].core
    statistics = {layer.name for layer in core.layers if isinstance(layer, keras.layers.BatchNormalization)}
    for layer in core.layers:
        unchanged = all(map(np.array_equal, layer.get_weights(), before[layer.name]))
        if layer.name in statistics:
            assert unchanged, f"{layer.name} should keep its statistics"
        elif layer.get_weights():
            assert not unchanged, f"{layer.name} should be fine-tuned"


def networks_weights(name):
    from artnb.classification import networks

    return {layer.name: layer.get_weights() for layer in networks.build_network(name, 3, 32).core.layers}


@pytest.mark.slow
def test_only_the_top_layers_are_trained_in_the_originals_second_phase(data):
    wanted = replace(tiny("efficientnet-lite0-original"), phases=(Phase("top 50 layers", 1, 1e-3, train=50),))
    before = networks_weights("efficientnet-lite0-original")
    core = train_network(wanted, data, seed=1)[0].core
    changed = [
        number
        for number, layer in enumerate(core.layers)
        if not all(map(np.array_equal, layer.get_weights(), before[layer.name]))
    ]
    assert min(changed) >= len(core.layers) - 50 and len(changed) > 5


def test_rare_artists_count_more_and_the_mean_picture_counts_one():
    labels = np.repeat([0, 1, 2], [100, 10, 1])
    assert class_weights(labels, 0.0) == pytest.approx({0: 1, 1: 1, 2: 1})
    full = class_weights(labels, 1.0)  # n / (k n_c), as in notebook 2
    assert full == pytest.approx({0: 111 / 300, 1: 111 / 30, 2: 111 / 3})
    half = class_weights(labels, 0.5)
    assert half[2] / half[0] == pytest.approx(10) and np.mean([half[label] for label in labels]) == pytest.approx(1)


def test_another_training_in_the_folder_is_refused(data, tmp_path):
    train_network(tiny("cnn-original", 1), data, tmp_path, seed=1)
    with pytest.raises(TrainingError, match="holds a training already"):
        train_network(tiny("cnn-original", 1), data, tmp_path, seed=1)
    with pytest.raises(TrainingError, match="begun with a different seed"):
        train_network(tiny("cnn-original", 1), data, tmp_path, seed=2, resume=True)
    with pytest.raises(TrainingError, match="begun with a different recipe"):
        train_network(tiny("cnn-original", 2), data, tmp_path, seed=1, resume=True)


@pytest.mark.slow
def test_a_training_that_began_with_weights_is_not_resumed_as_one_without(data, tmp_path):
    start, _ = train_network(tiny("cnn-original", 1), data, seed=1)
    train_network(tiny("cnn-original", 1), data, tmp_path, seed=1, start=start)
    with pytest.raises(TrainingError, match="begun with a different start"):
        train_network(tiny("cnn-original", 1), data, tmp_path, seed=1, resume=True)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["1", "NA", "nan"])
def test_a_phase_may_be_called_like_a_number_or_nothing(name, data, tmp_path):
    recipe = tiny("cnn-original", phases=(Phase(name, 1, 1e-3),))
    for resume in (False, True):
        assert train_network(recipe, data, tmp_path, seed=1, resume=resume)[1]["phase"].tolist() == [name]


@pytest.mark.parametrize("content", [b"", b"\xff", b"a,b\n1,2\n"])
def test_a_damaged_history_is_a_sentence(content, data, tmp_path):
    train_network(tiny("cnn-original", 1), data, tmp_path, seed=1)
    (tmp_path / "history.csv").write_bytes(content)
    with pytest.raises(TrainingError, match=r"history.csv is damaged"):
        train_network(tiny("cnn-original", 1), data, tmp_path, seed=1, resume=True)


def test_a_loss_without_bounds_is_said_and_the_epoch_before_is_kept(data, tmp_path):
    wild = tiny("cnn-original", phases=(Phase("training", 5, 1e30),), epochs=5)
    with pytest.raises(DivergenceError, match=r"loss became .* lower the learning rate"):
        train_network(wild, data, tmp_path, seed=1)


@pytest.mark.slow
def test_a_classifier_trained_in_half_precision_answers_in_full(monkeypatch, data):
    monkeypatch.setattr(training, "training_policy", lambda depthwise: "mixed_bfloat16")
    network, history = train_network(tiny("cnn"), data, seed=1)
    layers = [*network.core.layers, *network.head.layers]
    assert {layer.compute_dtype for layer in layers} == {"float32"}
    assert {variable.dtype for variable in network.model.trainable_variables} == {"float32"}
    right = network.model.predict(data.validation.images, verbose=0).argmax(1) == data.validation.labels
    assert right.mean() == pytest.approx(history["val_accuracy"].iloc[-1], abs=0.1), "the weights that it learned"
    assert keras.config.dtype_policy().name == "float32"
    assert precision(tiny("cnn")) == "mixed_bfloat16"


@pytest.mark.slow
def test_several_devices_share_a_batch(collection, table, tmp_path):
    """MirroredStrategy on two logical processors, as it would be on two GPUs; in its own process."""
    splits.save_split(table, tmp_path / "split.csv")
    code = f"""
from dataclasses import replace
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2)
from artnb.classification import training
from artnb.paintings import splits
from artnb.paintings.pipeline import load_pictures
from artnb.paintings.sources import read_collection
from pathlib import Path
from tests.classification.conftest import tiny
from tests.conftest import CHECKOUT
training._strategy = lambda: tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
collection = read_collection(Path({str(collection.root)!r}))
data = load_pictures(collection, splits.load_split({str(tmp_path / "split.csv")!r}), 32)
few = data.validation  # Keras 3.15 wants the first batch to be dealt out evenly
data = replace(data, validation=replace(few, images=few.images[:8], labels=few.labels[:8], paths=few.paths[:8]))
_, history = training.train_network(tiny("cnn-original", 2), data, seed=1)
print(len(history), history["loss"].notna().all())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT)
    assert done.stdout.split() == ["2", "True"], done.stderr[-2000:]


@pytest.mark.parametrize(
    "name", ["cnn", "cnn-original", "resnet50", "resnet50-original", "vgg19", "efficientnet-lite0"]
)
def test_every_recipe_has_both_profiles(name):
    full, quick = classifier_recipe(name, "full"), classifier_recipe(name, "quick")
    assert full.network == quick.network == name and quick.size < full.size
    assert sum(phase.epochs for phase in quick.phases) <= sum(phase.epochs for phase in full.phases)


def test_the_originals_recipes_are_the_originals():
    full = classifier_recipe("cnn-original", "full")
    assert (full.size, full.phases[0].patience, full.phases[0].weight_decay, full.balance) == (224, 3, 0, 0)
    whole, top = classifier_recipe("resnet50-original", "full").phases
    assert whole.train == "all" and top.train == 50 and whole.schedule == top.schedule == "plateau"
