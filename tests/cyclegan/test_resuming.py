"""Killed at any moment and resumed, a CycleGAN's training is the one that was never killed."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from artnb import stepping
from artnb.cyclegan.training import train_generators
from artnb.errors import DivergenceError, TrainingError
from tests.cyclegan.conftest import TINY
from tests.killing import snapshots

RECIPE = replace(TINY, steps=4)
EVERY = {"seed": 3, "every": 3, "keep_every": 2}  # so that a state is saved in the middle of a row

READ = ("training.json", "state.npz", "history.csv")  # by one that is resumed


pytestmark = pytest.mark.usefixtures("eager")


def trained(pictures, recipe, folder, monkeypatch, **options):
    """A training beside a clock that moves on by a second whenever somebody looks."""
    monkeypatch.setattr(stepping, "time", SimpleNamespace(perf_counter=itertools.count(1.0).__next__))
    return train_generators(*pictures, recipe, folder, **EVERY | options)


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        RECIPE,
        replace(RECIPE, generator="painter", discriminator="projected", mixing=True, average=0.5, identity=0),
    ],
    ids=["patch", "projected"],
)
def test_a_training_killed_anywhere(recipe, pictures, tmp_path, monkeypatch):
    with snapshots(tmp_path / "m") as killed:
        whole = trained(pictures, recipe, tmp_path / "m", monkeypatch)
    assert whole.history["step"].tolist() == [3, 4]
    different = {
        tuple((place / name).exists() and (place / name).read_bytes() for name in READ): place for place in killed
    }
    assert len(different) == 6
    places = list(different.values())
    if recipe.discriminator == "projected":  # takes longer, and differs in what a state holds
        places = places[2:3]
    for place in places:
        done = trained(pictures, recipe, place, monkeypatch, resume=True)
        pd.testing.assert_frame_equal(done.history, whole.history, check_exact=True)
        table = pd.read_csv(place / "history.csv", float_precision="round_trip")
        pd.testing.assert_frame_equal(table, whole.history, check_exact=True)
        for old, new in zip(whole.networks.all, done.networks.all, strict=True):
            for one, other in zip(old.get_weights(), new.get_weights(), strict=True):
                np.testing.assert_array_equal(one, other)


def test_nothing_that_is_no_number_is_saved(pictures, tmp_path, monkeypatch):
    wild = replace(RECIPE, learning_rate=1e30)
    with pytest.raises(DivergenceError, match="no number"):
        trained(pictures, wild, tmp_path, monkeypatch, every=100, keep_every=2)
    assert not (tmp_path / "state.npz").exists()


def test_what_can_not_be_resumed_is_a_sentence(pictures, tmp_path, monkeypatch):
    short = replace(RECIPE, steps=1)
    trained(pictures, short, tmp_path, monkeypatch)
    with pytest.raises(TrainingError, match="a different set of pictures"):
        trained([each + 1 for each in pictures], short, tmp_path, monkeypatch, resume=True)
    state = tmp_path / "state.npz"
    whole = state.read_bytes()
    for content in (b"", b"nonsense", whole[:1000], None):
        state.write_bytes(content) if content is not None else state.unlink()
        with pytest.raises(TrainingError, match=r"state\.npz is (missing|damaged .*); remove the folder to begin anew"):
            trained(pictures, short, tmp_path, monkeypatch, resume=True)
