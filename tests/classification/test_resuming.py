"""Killed at any moment and resumed, a training or a search is the one that was never killed."""

import resource
import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from artnb.classification import networks
from artnb.classification.recipes import Phase, classifier_recipe
from artnb.classification.search import Space, search_classifier
from artnb.classification.training import train_network
from artnb.common.files import replacing, write_weights
from artnb.common.resuming import in_use
from artnb.common.searching import SearchError
from artnb.errors import TrainingError
from artnb.paintings.pipeline import Pictures, Subsets
from tests.classification.conftest import small_network
from tests.killing import snapshots


def _pictures(number, seed):
    images = np.random.default_rng(seed).integers(0, 256, (number, 16, 16, 3), np.uint8)
    return Pictures(images, (np.arange(number) % 3).astype(np.int32), tuple(map(str, range(number))))


@pytest.fixture(scope="module")
def data():
    return Subsets(_pictures(12, 1), _pictures(6, 2), _pictures(6, 3), ("a", "b", "c"))


@pytest.fixture(autouse=True)
def small(monkeypatch, eager):
    monkeypatch.setitem(networks.NETWORKS, "cnn", small_network)


def recipe(*phases):
    quick = classifier_recipe("cnn", "quick")
    return replace(quick, size=16, crop_size=None, batch_size=4, options={}, phases=phases)


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


@pytest.mark.slow
@pytest.mark.parametrize("wanted", [PLATEAU, PHASES], ids=["plateau", "phases"])
def test_a_training_killed_anywhere(wanted, data, tmp_path):
    with snapshots(tmp_path / "m") as killed:
        whole = train_network(wanted, data, tmp_path / "m", seed=4)
    if wanted is PLATEAU:
        assert (whole[1]["val_loss"][1:3] > 1.1 * whole[1]["val_loss"][0]).all(), "far from a draw, on any processor"
        assert whole[1]["learning_rate"].tolist() == pytest.approx([0.1, 0.1, 0.1, 0.02, 0.02]), "it fell after epoch 3"
    assert len(killed) >= 2 * len(whole[1])
    for place in killed:
        same(whole, train_network(wanted, data, place, seed=4, resume=True))


def test_resumed_with_something_else_it_is_refused(data, tmp_path):
    one = recipe(Phase("training", 1, 0.1))
    train_network(one, data, tmp_path, seed=3)
    images = data.train.images.copy()
    images[0, 0, 0, 0] ^= 1  # of the same names
    others = {
        "set of pictures": {"data": replace(data, train=replace(data.train, images=images))},
        "artists": {"data": replace(data, class_names=("a", "b", "x"))},
        "recipe": {"recipe": replace(one, batch_size=2)},
        "seed": {"seed": 4},
    }
    for word, other in others.items():
        with pytest.raises(TrainingError, match=f"begun with a different {word}; resume it with the same"):
            train_network(**{"recipe": one, "data": data, "folder": tmp_path, "seed": 3} | other, resume=True)


def test_a_search_is_resumed_on_the_same_pictures_only(data, tmp_path):
    def rates(*values):
        return lambda hp: recipe(Phase("training", 1, hp.Choice("rate", list(values))))

    space = Space("ours", "cnn", rates(0.1, 0.2), "random", 1, 1, 1)
    search_classifier(space, data, tmp_path, seed=3)
    images = data.train.images.copy()
    images[0, 0, 0, 0] ^= 1
    for other, word in (
        ({"data": replace(data, train=replace(data.train, images=images))}, "pictures"),
        ({"data": replace(data, train=data.validation, validation=data.train)}, "pictures"),  # another split
        ({"space": replace(space, executions=2)}, "executions"),
        ({"space": replace(space, recipe=rates(0.1, 0.3))}, "range"),
        ({"method": "bayesian"}, "method"),
    ):
        with pytest.raises(SearchError, match=f"holds another search, with another {word}"):
            search_classifier(**{"space": space, "data": data, "folder": tmp_path, "seed": 3} | other)


CUT = b"cut"


@pytest.fixture(scope="module")
def halfway(data, tmp_path_factory):
    """A training that was killed after its second epoch."""
    folder = tmp_path_factory.mktemp("halfway")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(networks.NETWORKS, "cnn", small_network)
        with snapshots(folder / "m") as killed:
            train_network(HALFWAY, data, folder / "m", seed=3)
    return killed[5]


HALFWAY = recipe(Phase("training", 3, 0.1))


@pytest.mark.parametrize("content", [b"", b"nonsense", CUT, None], ids=["empty", "nonsense", "cut", "missing"])
@pytest.mark.parametrize("name", ["training.json", "history.csv", "checkpoints/0002.weights.h5"])
def test_a_damaged_file_is_a_sentence_and_stays(name, content, halfway, data, tmp_path):
    place = tmp_path / "m"
    shutil.copytree(halfway, place)
    file = place / name
    if content is None:
        file.unlink()
    else:
        whole = file.read_bytes()
        file.write_bytes(whole[: min(1000, len(whole) - 5)] if content == CUT else content)
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(TrainingError, match=f"{name}.*name another|{tmp_path}.*history.csv.*name another") as caught:
        train_network(HALFWAY, data, place, seed=3, resume=True)
    assert "HDF5" not in str(caught.value) and "sblock" not in str(caught.value)
    assert before == (file.read_bytes() if file.exists() else None)


def test_weights_without_an_optimiser_are_no_checkpoint(halfway, data, tmp_path):
    shutil.copytree(halfway, tmp_path / "m")
    small_network(3).model.save_weights(tmp_path / "m" / "checkpoints" / "0002.weights.h5")
    with pytest.raises(TrainingError, match=r"0002.weights.h5 is damaged .*; remove the folder to begin anew"):
        train_network(HALFWAY, data, tmp_path / "m", seed=3, resume=True)


def test_two_at_once(data, tmp_path):
    """The second says so at once; it does not wait. A folder's name may be as long as the system allows."""
    folder = tmp_path / ("m" * 250)
    code = f"""
from pathlib import Path
from artnb.common.resuming import in_use
from artnb.errors import TrainingError
with in_use(Path({str(folder)!r}), TrainingError):
    print("in use", flush=True)
    input()
"""
    one = recipe(Phase("training", 1, 0.1))
    first = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert first.stdout.readline() == "in use\n"
    with pytest.raises(TrainingError, match=r"Another process works in .*; wait until it has ended, or name another"):
        train_network(one, data, folder, seed=3)
    first.kill()
    first.wait()
    train_network(one, data, folder, seed=3)


@pytest.mark.parametrize("file", [None, "before", "within"])
def test_what_fails_before_it_has_written_anything_leaves_no_folder(file, tmp_path):
    folder = tmp_path / "m"
    if file == "before":
        folder.mkdir()
    with pytest.raises(ValueError), in_use(folder, TrainingError), in_use(folder, TrainingError):
        if file == "within":
            (folder / "made").touch()
        raise ValueError
    assert folder.exists() == (file is not None)
    with in_use(folder, TrainingError):
        assert folder.is_dir()


def test_who_waits_goes_on_though_the_first_has_failed_and_its_folder_is_gone(tmp_path):
    folder = tmp_path / "m"
    code = f"""
from pathlib import Path
from artnb.common.resuming import in_use
from artnb.errors import TrainingError
print("waiting", flush=True)
with in_use(Path({str(folder)!r}), TrainingError, wait=True):
    print(Path({str(folder)!r}).is_dir())
"""
    with pytest.raises(ValueError), in_use(folder, TrainingError):
        second = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        assert second.stdout.readline() == "waiting\n"
        time.sleep(1)  # until it stands at the lock; if it is late, the test passes for nothing
        raise ValueError
    assert second.communicate() == ("True\n", None) and second.returncode == 0


def test_a_lock_that_cannot_be_made_ends_in_an_error_and_not_in_a_loop(tmp_path):
    (tmp_path / ".lock").symlink_to(tmp_path / "gone" / "lock")
    with pytest.raises(FileNotFoundError), in_use(tmp_path, TrainingError):
        pass


def test_a_full_disk_ends_in_an_error_and_loses_nothing(data, tmp_path):
    """A limit of a file's size stands for it, at which writing fails likewise."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    file = tmp_path / "x.weights.h5"
    model = small_network(3).model
    with replacing(file) as part:
        write_weights(model, part)
    before = file.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match=r"x\.weights\.h5"), replacing(file) as part:
            write_weights(model, part)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == [file.name]
    other = small_network(3).model
    other.load_weights(file)
    for one, two in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)
