"""The models that ship: small, complete, and as good as their cards say."""

import numpy as np
import pandas as pd
import pytest

from artnb import models
from artnb.cards import Card
from artnb.classification import validation
from artnb.models import load_model
from artnb.paintings import prepare, splits, studio
from artnb.paintings.sources import read_collection
from artnb.settings import using
from tests.conftest import SHARED
from tools.starters import RECIPES

with using(home=models.STARTERS / "nowhere"):
    STARTERS = sorted(entry.name for entry in models.list_models("classifier"))


@pytest.fixture(scope="module")
def starter():
    return load_model("starter")


def test_there_is_a_starter():
    assert "starter" in STARTERS


@pytest.mark.parametrize("name", STARTERS)
def test_a_starter_is_small_and_says_what_it_is(name):
    folder = models.STARTERS / name
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 10 * 1024**2
    card = Card.load(folder)
    assert card.source == ("studio" if name == "starter-studio" else "folder")
    assert not card.untrained and len(card.class_names) == (42 if name == "starter-42" else 11)
    assert card.split == splits.split_digest(splits.load_split(folder / "split.csv"))
    assert f"{card.metrics['test']['accuracy']:.1%}" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_starter_knows_the_eleven_artists(starter):
    from artnb.paintings import catalogue

    table = catalogue.artists()
    assert set(starter.card.class_names) == set(table.loc[table["paintings"] >= 200, "name"])


def test_a_visitors_caravaggio_is_known(shared_paintings):
    """The rare artists, of some thirty paintings each, are named, too, on paintings that were kept back."""
    collection, model = read_collection(shared_paintings), load_model("starter-42")
    test = model.split[model.split["subset"] == "test"]
    rare = test[test.groupby("artist")["path"].transform("size") <= 7]
    answers = model([collection.file(path) for path in rare["path"]])
    right = pd.Series([answer.artist for answer in answers], index=rare.index) == rare["artist"]
    assert len(rare) > 150 and right.mean() > 0.35
    assert right.groupby(rare["artist"]).any().mean() > 0.75, "nearly all of them at least once"


@pytest.mark.slow
@pytest.mark.parametrize("name", STARTERS)
def test_a_starters_figures_are_found_again_after_rounding(name, request):
    model = load_model(name)
    of_the_studio = model.card.source == "studio"
    root = studio.ROOT if of_the_studio else request.getfixturevalue("shared_paintings")
    collection = read_collection(root)
    found = validation.evaluate_split(model, collection)
    assert found.accuracy == pytest.approx(model.card.metrics["test"]["accuracy"], abs=0.006)
    assert found.ece == pytest.approx(model.card.metrics["test"]["ece"], abs=0.02)


def test_the_studios_starter_is_of_the_split_that_the_course_uses(use, tmp_path):
    use(home=tmp_path)
    card = Card.load(models.STARTERS / "starter-studio")
    prepared = prepare()
    assert card.split == splits.split_digest(prepared.table) and card.whole == prepared.whole
    assert card.recipe == RECIPES["starter-studio"].to_dict()
    assert card.metrics["test"]["interval"][0] > 0.85 and card.metrics["test"]["ece"] < 0.05


def test_painters_that_a_starter_never_saw_are_noticed_more_often_than_its_own(use, tmp_path):
    use(home=tmp_path)
    prepared, model = prepare(), load_model("starter-studio")
    left_out = prepared.collection.paintings.query("artist in @prepared.strangers")["path"][::4]
    noticed = np.mean([answer.unfamiliar for answer in model([prepared.collection.file(path) for path in left_out])])
    assert noticed > 0.5 and model.card.novelty["test"] < 0.1


def test_real_artists_whom_the_starter_never_saw_are_noticed(starter, shared_paintings):
    """By features alone, 7 % of these were, hardly more than of its own test paintings."""
    collection = read_collection(shared_paintings)
    unseen = ("Caravaggio", "Claude Monet", "Edvard Munch", "Hieronymus Bosch", "Peter Paul Rubens", "William Turner")
    files = [
        collection.file(path) for path in collection.paintings["path"][collection.paintings["artist"].isin(unseen)][::3]
    ]
    assert len(files) > 60 and np.mean([answer.unfamiliar for answer in starter(files)]) > 0.15


def test_photographs_are_unlike_anything_that_the_starter_knows(starter, shared_paintings):
    files = sorted((SHARED / "gan-getting-started" / "photo_jpg").glob("*.jpg"))[::5]
    assert len(files) == 200 and sum(answer.unfamiliar for answer in starter(files)) >= 160
    assert starter.card.novelty["test"] <= 0.08
