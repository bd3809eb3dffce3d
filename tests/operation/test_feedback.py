"""Feedback: stored as visitors agreed, reviewed, exported, and floods listed."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from artnb.images import load_image
from artnb.operation import feedback
from artnb.operation import store as stores
from artnb.operation.feedback import FeedbackError
from artnb.operation.store import Store, StoreError, timestamp
from artnb.paintings.sources import read_collection

RNG = np.random.default_rng(4)
PICTURES = [RNG.integers(0, 256, (40, 50, 3), np.uint8) for _ in range(4)]
START = datetime(2026, 11, 2, 9, tzinfo=UTC)


@pytest.fixture
def store(use, tmp_path):
    use(home=tmp_path)
    return Store.default()


def stored(store):
    """Hash -> bytes of the pictures in the store."""
    return dict(store.read("pictures", ["picture", "bytes"]).itertuples(index=False))


def say(picture, artist, **more):
    feedback.record_feedback(PICTURES[picture], "starter", "Titian", artist, 0.8, **more)


def rows(store, answers):
    """Rows of (visitor, picture, artist), a minute apart."""
    store.add(
        "feedback",
        [
            {"model": "m", "said": "Titian", "visitor": visitor, "picture": picture, "artist": artist,
             "time": timestamp(START + timedelta(minutes=number))}
            for number, (visitor, picture, artist) in enumerate(answers)
        ],
    )  # fmt: skip


def test_a_picture_is_kept_only_if_the_visitor_agreed(store):
    say(0, "Rembrandt")
    say(1, "Edgar Degas", agreed=True)
    table = feedback.load_feedback(store)
    assert table["kept"].tolist() == [False, True] and table["state"].tolist() == ["new", "new"]
    assert table["picture"].tolist() == [feedback.picture_hash(picture) for picture in PICTURES[:2]]
    ((digest, content),) = stored(store).items()
    assert digest == table["picture"][1] and np.array_equal(load_image(content), PICTURES[1])


def test_the_hash_knows_the_shape_of_a_picture():
    picture = PICTURES[0]
    assert feedback.picture_hash(picture) != feedback.picture_hash(picture.reshape(50, 40, 3))
    assert feedback.picture_hash(picture) == feedback.picture_hash(picture.copy())


@pytest.mark.parametrize(
    "artist", ["", "../../etc/passwd", "..", "a/b", "x" * 81, "a" + "🎨" * 70, "a\nb", "<b>", "a\u202eb", "A: B"]
)
def test_an_invalid_name_is_refused(store, artist):
    with pytest.raises(FeedbackError, match="give a name"):
        say(0, artist, agreed=True)
    assert not store.file.exists()


def test_every_artist_of_an_own_collection_can_be_named(store):
    names = [
        "Rembrandt & workshop",
        "Zoë d'Arc (2nd)",
        "3 Doors",
        "葛飾北斎",
        "'t Hooft",
        "Mr. X!",
        "(anonymous)",
        "n" * 80,
    ]
    for name in names:
        say(0, name)
    assert feedback.load_feedback(store)["artist"].tolist() == names


def test_what_was_accepted_and_agreed_becomes_a_collection(store, tmp_path):
    say(0, "Albrecht Du\u0308rer", agreed=True)
    say(1, "Berthe Morisot", agreed=True)
    say(2, "Rembrandt")  # without the picture
    say(3, "Titian", agreed=True)
    with pytest.raises(FeedbackError, match="No accepted feedback has a picture"):
        feedback.export_feedback(store, tmp_path / "new")
    feedback.review(store, accept=[1, 2, 3], reject=[4])
    exported = feedback.export_feedback(store, tmp_path / "new")
    collection = read_collection(tmp_path / "new")
    assert sorted(collection.paintings["artist"]) == ["Albrecht Dürer", "Berthe Morisot"] == sorted(exported["artist"])
    path = exported.loc[exported["artist"] == "Berthe Morisot", "path"].item()
    assert np.array_equal(load_image(collection.file(path)), PICTURES[1])
    with pytest.raises(FeedbackError, match="exists already"):
        feedback.export_feedback(store, tmp_path / "new")


def test_one_picture_for_two_artists_is_not_exported(store, tmp_path):
    for artist in ("Rembrandt", "Edgar Degas"):
        say(0, artist, agreed=True)
    feedback.review(store, accept=[1, 2])
    with pytest.raises(FeedbackError, match="Rembrandt and for Edgar Degas"):
        feedback.export_feedback(store, tmp_path / "new")
    assert not (tmp_path / "new").exists()
    feedback.review(store, reject=[2])
    assert feedback.export_feedback(store, tmp_path / "new")["artist"].tolist() == ["Rembrandt"]


def test_a_row_both_accepted_and_rejected_is_refused(store):
    with pytest.raises(FeedbackError, match="Row 3 is both"):
        feedback.review(store, accept=[1, 3], reject=[3])


def test_a_flood_of_contradictions_from_one_source_is_shown(store):
    answers = [(f"v{n}", f"p{n % 5}", "Rembrandt") for n in range(20)]
    answers += [("angry", f"p{n // 2}", ("Rembrandt", "Titian")[n % 2]) for n in range(10)]
    rows(store, answers)
    table = feedback.load_feedback(store)
    (flood,) = feedback.floods(table).to_dict("records")
    assert flood == {
        "visitor": "angry", "n": 10, "pictures": 5, "contradictions": 5, "most_in_an_hour": 10, "against": 0.5
    }  # fmt: skip
    assert len(table) == 30, "no row is dropped"


def test_thirty_answers_within_an_hour_are_shown_and_a_few_of_many_people_are_not(store):
    rows(store, [("quick", f"p{n}", "Titian") for n in range(30)])
    assert feedback.floods(feedback.load_feedback(store))["visitor"].tolist() == ["quick"]


def test_many_calm_visitors_are_no_flood(store):
    rows(store, [(f"v{n}", "p", "Titian") for n in range(50)])
    assert feedback.floods(feedback.load_feedback(store)).empty


def test_a_visitors_last_answer_about_a_picture_counts(store):
    rows(store, [("a", "p", "Rembrandt"), ("b", "p", "Goya"), ("a", "p", "Titian")])
    assert feedback.latest_feedback(feedback.load_feedback(store))["artist"].tolist() == ["Goya", "Titian"]


def test_no_feedback_is_an_empty_table(use, tmp_path):
    use(home=tmp_path / "nowhere")
    table = feedback.load_feedback(Store.default())
    assert table.empty and feedback.floods(table).empty


NOISE = RNG.integers(0, 256, (256, 256, 3), np.uint8)


def test_a_picture_is_stored_once_and_a_visitor_has_a_limit(store):
    """If each row had its picture, 200 clicks on one button would take 24 MB."""
    for _ in range(feedback.VISITOR_ROWS):
        feedback.record_feedback(NOISE, "starter", "Titian", "Rembrandt", 0.8, "angry", True)
    with pytest.raises(FeedbackError, match="come again tomorrow"):
        feedback.record_feedback(NOISE, "starter", "Titian", "Rembrandt", 0.8, "angry", True)
    assert len(feedback.load_feedback(store)) == feedback.VISITOR_ROWS and store.file.stat().st_size < 1024**2
    feedback.record_feedback(NOISE, "starter", "Titian", "Rembrandt", 0.8, "calm", True)
    with store.transaction("change") as connection:  # a day later
        connection.execute("UPDATE feedback SET time = '2026-01-01' WHERE visitor = 'angry'")
    feedback.record_feedback(NOISE, "starter", "Titian", "Rembrandt", 0.8, "angry")


def test_whoever_gives_no_token_is_one_visitor(store, monkeypatch):
    monkeypatch.setattr(feedback, "VISITOR_ROWS", 2)
    for number in range(2):
        say(number, "Rembrandt")
    with pytest.raises(FeedbackError, match="come again tomorrow"):
        say(2, "Rembrandt")


def test_a_visitor_leaves_only_so_many_bytes_and_can_still_speak(store, monkeypatch):
    monkeypatch.setattr(feedback, "VISITOR_BYTES", 450_000)  # two pictures of 197 kB
    for number in range(2):
        feedback.record_feedback(NOISE + number, "m", "Titian", "Goya", visitor="a", agreed=True)
    with pytest.raises(FeedbackError, match="without the picture"):
        feedback.record_feedback(NOISE + 2, "m", "Titian", "Goya", visitor="a", agreed=True)
    feedback.record_feedback(NOISE + 2, "m", "Titian", "Goya", visitor="a")
    feedback.record_feedback(NOISE + 2, "m", "Titian", "Goya", visitor="b", agreed=True)
    assert feedback.load_feedback(store)["kept"].tolist() == [True, True, False, True]


def test_rejecting_deletes_the_picture_from_the_disk(store, tmp_path):
    for visitor in ("a", "b"):
        feedback.record_feedback(NOISE, "m", "Titian", "Goya", visitor=visitor, agreed=True)
    feedback.record_feedback(PICTURES[0], "m", "Titian", "Goya", visitor="c", agreed=True)
    inside = stored(store)[feedback.picture_hash(NOISE)][100_000:100_040]

    def on_disk():
        return any(inside in file.read_bytes() for file in store.file.parent.glob("operation.sqlite*"))

    assert on_disk()
    feedback.review(store, reject=[1])
    assert on_disk(), "another visitor agreed, too"
    feedback.review(store, accept=[3], reject=[2])
    assert not on_disk() and feedback.load_feedback(store)["kept"].tolist() == [False, False, True]
    feedback.review(store, accept=[2])
    assert feedback.export_feedback(store, tmp_path / "new")["artist"].tolist() == ["Goya"], (
        "the picture does not come back"
    )


def test_rejecting_makes_room(store, monkeypatch):
    monkeypatch.setattr(stores, "MAX_STORE_BYTES", 600_000)
    with pytest.raises(StoreError, match="is full"):
        for number in range(10):
            feedback.record_feedback(NOISE + number, "m", "Titian", "Goya", visitor=str(number), agreed=True)
    feedback.review(store, reject=[1, 2])
    feedback.record_feedback(NOISE, "m", "Titian", "Goya", visitor="x", agreed=True)


def test_two_at_once_do_not_get_past_the_limit(store, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    monkeypatch.setattr(feedback, "VISITOR_ROWS", 5)

    def once(number):
        try:
            feedback.record_feedback(PICTURES[number % 4], "m", "Titian", "Goya", visitor="a")
        except FeedbackError:
            return 0
        return 1

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(once, range(40))) == 5
    assert len(feedback.load_feedback(store)) == 5


def test_rows_are_added_when_there_is_no_space_for_pictures(store, monkeypatch):
    monkeypatch.setattr(feedback, "MAX_PICTURE_BYTES", 300_000)
    feedback.record_feedback(NOISE, "m", "Titian", "Goya", visitor="a", agreed=True)
    with pytest.raises(FeedbackError, match="without the picture"):
        feedback.record_feedback(NOISE + 1, "m", "Titian", "Goya", visitor="b", agreed=True)
    feedback.record_feedback(NOISE + 1, "m", "Titian", "Goya", visitor="b")
