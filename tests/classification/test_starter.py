"""The models that ship: small, complete, and as good as their cards say."""

import pytest

from artnb import models
from artnb.cards import Card
from artnb.classification import validation
from artnb.models import load_model
from artnb.paintings import splits
from artnb.paintings.sources import read_collection
from artnb.settings import using
from tests.conftest import SHARED

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
    assert card.source == "folder" and not card.untrained and len(card.class_names) == 11
    assert card.split == splits.split_digest(splits.load_split(folder / "split.csv"))
    assert f"{card.metrics['test']['accuracy']:.1%}" in (folder / "README.md").read_text(encoding="utf-8")


def test_the_starter_knows_the_eleven_artists(starter):
    from artnb.paintings import catalogue

    table = catalogue.artists()
    assert set(starter.card.class_names) == set(table.loc[table["paintings"] >= 200, "name"])


@pytest.mark.slow
@pytest.mark.parametrize("name", STARTERS)
def test_a_starters_figures_are_found_again_after_rounding(name, shared_paintings):
    model, collection = load_model(name), read_collection(shared_paintings)
    found = validation.evaluate_split(model, collection)
    assert found.accuracy == pytest.approx(model.card.metrics["test"]["accuracy"], abs=0.006)
    assert found.ece == pytest.approx(model.card.metrics["test"]["ece"], abs=0.02)


def test_photographs_are_unlike_anything_that_the_starter_knows(starter, shared_paintings):
    files = sorted((SHARED / "gan-getting-started" / "photo_jpg").glob("*.jpg"))[::5]
    assert len(files) == 200 and sum(answer.unfamiliar for answer in starter(files)) >= 160
    assert starter.card.novelty["test"] <= 0.08
