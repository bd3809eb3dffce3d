"""What visitors say: kept as they agreed, reviewed, exported, and floods shown."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from artnb.images import load_image
from artnb.operation import feedback
from artnb.operation.feedback import FeedbackError
from artnb.operation.store import Store, timestamp
from artnb.paintings.sources import read_collection
from artnb.settings import Settings

RNG = np.random.default_rng(4)
PICTURES = [RNG.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(4)]
START = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path):
    return Settings(home=tmp_path)


@pytest.fixture
def store(settings):
    return Store.of(settings)


def say(settings, picture, artist, **more):
    feedback.record(PICTURES[picture], "starter", "Titian", artist, 0.8, settings=settings, **more)


def rows(store, said):
    """Rows of (visitor, picture, artist), a minute apart."""
    store.add(
        "feedback",
        [
            {"model": "m", "said": "Titian", "visitor": visitor, "picture": picture, "artist": artist,
             "time": timestamp(START + timedelta(minutes=number))}
            for number, (visitor, picture, artist) in enumerate(said)
        ],
    )  # fmt: skip


def test_a_picture_is_kept_only_if_the_visitor_agreed(settings, store):
    say(settings, 0, "Rembrandt")
    say(settings, 1, "Edgar Degas", agreed=True)
    table = feedback.load(store)
    assert table["kept"].tolist() == [False, True] and table["state"].tolist() == ["new", "new"]
    assert table["picture"].tolist() == [feedback.picture_hash(picture) for picture in PICTURES[:2]]
    kept = store.read("feedback", ["bytes"])["bytes"]
    assert kept[0] is None and np.array_equal(load_image(kept[1]), PICTURES[1])


def test_the_hash_knows_the_shape_of_a_picture():
    picture = PICTURES[0]
    assert feedback.picture_hash(picture) != feedback.picture_hash(picture.reshape(50, 40, 3))
    assert feedback.picture_hash(picture) == feedback.picture_hash(picture.copy())


@pytest.mark.parametrize("artist", ["", "../../etc/passwd", "..", "a/b", "x" * 100, "a\nb", "<b>"])
def test_a_name_that_is_none_is_refused(settings, store, artist):
    with pytest.raises(FeedbackError, match="give a name"):
        say(settings, 0, artist, agreed=True)
    assert not store.file.exists()


def test_what_was_accepted_and_agreed_becomes_a_collection(settings, store, tmp_path):
    say(settings, 0, "Albrecht Du\u0308rer", agreed=True)
    say(settings, 1, "Berthe Morisot", agreed=True)
    say(settings, 2, "Rembrandt")  # without the picture
    say(settings, 3, "Titian", agreed=True)
    with pytest.raises(FeedbackError, match="No feedback is accepted"):
        feedback.export(store, tmp_path / "new")
    feedback.review(store, accept=[1, 2, 3], reject=[4])
    made = feedback.export(store, tmp_path / "new")
    collection = read_collection(tmp_path / "new")
    assert sorted(collection.paintings["artist"]) == ["Albrecht Dürer", "Berthe Morisot"] == sorted(made["artist"])
    path = made.loc[made["artist"] == "Berthe Morisot", "path"].item()
    assert np.array_equal(load_image(collection.file(path)), PICTURES[1])
    with pytest.raises(FeedbackError, match="there already"):
        feedback.export(store, tmp_path / "new")


def test_one_picture_for_two_artists_is_not_exported(settings, store, tmp_path):
    for artist in ("Rembrandt", "Edgar Degas"):
        say(settings, 0, artist, agreed=True)
    feedback.review(store, accept=[1, 2])
    with pytest.raises(FeedbackError, match="Rembrandt and for Edgar Degas"):
        feedback.export(store, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    feedback.review(store, reject=[2])
    assert feedback.export(store, tmp_path / "new")["artist"].tolist() == ["Rembrandt"]


def test_a_decision_both_ways_is_none(store):
    with pytest.raises(FeedbackError, match="Row 3 is both"):
        feedback.review(store, accept=[1, 3], reject=[3])


def test_a_flood_of_contradictions_from_one_source_is_shown(store):
    said = [(f"v{n}", f"p{n % 5}", "Rembrandt") for n in range(20)]
    said += [("angry", f"p{n // 2}", ("Rembrandt", "Titian")[n % 2]) for n in range(10)]
    rows(store, said)
    table = feedback.load(store)
    (flood,) = feedback.floods(table).to_dict("records")
    assert flood == {
        "visitor": "angry", "n": 10, "pictures": 5, "contradictions": 5, "most_in_an_hour": 10, "against": 0.5
    }  # fmt: skip
    assert len(table) == 30, "nothing is swallowed"


def test_thirty_answers_within_an_hour_are_shown_and_a_few_of_many_people_are_not(store):
    rows(store, [("quick", f"p{n}", "Titian") for n in range(30)])
    assert feedback.floods(feedback.load(store))["visitor"].tolist() == ["quick"]


def test_many_calm_visitors_are_no_flood(store):
    rows(store, [(f"v{n}", "p", "Titian") for n in range(50)])
    assert feedback.floods(feedback.load(store)).empty


def test_a_visitors_last_word_on_a_picture_counts(store):
    rows(store, [("a", "p", "Rembrandt"), ("b", "p", "Goya"), ("a", "p", "Titian")])
    assert feedback.counted(feedback.load(store))["artist"].tolist() == ["Goya", "Titian"]


def test_nothing_said_is_an_empty_table(settings):
    table = feedback.load(Store.of(dataclasses.replace(settings, home=settings.home / "nowhere")))
    assert table.empty and feedback.floods(table).empty
