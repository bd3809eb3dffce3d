"""Which painted pictures visitors prefer, what is kept of visitors, and for how long."""

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from artnb.cli import main
from artnb.operation import feedback, monitoring
from artnb.operation.page import html_page, review_page
from artnb.operation.preferences import load_preferences, record_preference
from artnb.operation.store import OF_VISITORS, Store, StoreError, timestamp

PICTURE = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
NOW = datetime.now(UTC)


@pytest.fixture
def store(use, tmp_path):
    use(home=tmp_path)
    return Store.default()


def test_a_visitor_counts_once_for_two_painters_with_the_last_word(store):
    for visitor in "abc":
        record_preference("quick", "slow", visitor)
    record_preference("slow", "quick", "a")
    record_preference("slow", "other", "a")
    table = load_preferences(store)
    assert table[["model", "other", "n"]].to_numpy().tolist() == [["other", "slow", 1], ["quick", "slow", 3]]
    assert table["share"].tolist() == [0, pytest.approx(2 / 3)]
    assert table["high"][1] == pytest.approx(0.9385, abs=1e-3), "Wilson's, of 2 of 3"
    report = monitoring.monitoring_report(store)
    assert len(report.preferences) == 2 and "Preferred pictures" in str(report) and "66.7%" in html_page(report)
    assert load_preferences(Store(store.file.with_name("none"))).empty


def test_stopped_pictures_are_counted(use, tmp_path):
    use(home=tmp_path, log=True)
    for stopped in (True, False, True):
        monitoring.record_painting("style", PICTURE, PICTURE, lambda: 0.5, 1.0, "v", "a", stopped=stopped)
    report = monitoring.monitoring_report(Store.default())
    assert report.models["stopped"].tolist() == [2] and report.to_dict()["models"][0]["stopped"] == 2


def fill(store):
    """A row of each of two visitors in each table, ten days old and of now, and a picture that one of them sent."""
    for visitor in "ab":
        for days in (10, 0):
            time = timestamp(NOW - timedelta(days=days))
            of_all = {"time": time, "visitor": visitor, "model": "m"}
            store.add("predictions", [of_all])
            store.add("preferences", [of_all | {"other": "n"}])
            kept = int(visitor == "a" and days == 10)
            store.add("feedback", [of_all | {"said": "x", "artist": "y", "picture": "p", "kept": kept}])
    store.add("pictures", [{"picture": "p", "bytes": b"bytes"}])


def left(store):
    return {table: store.read(table, ["visitor"])["visitor"].tolist() for table in (*OF_VISITORS,)}


def test_a_visitor_is_forgotten_with_the_pictures_that_nobody_else_sent(store, capsys):
    assert store.forget("a") == 0 and not store.file.exists()
    fill(store)
    assert main(["watch", "forget"]) == 2 and "give a visitor's token" in capsys.readouterr().err
    assert main(["watch", "forget", "a", "--json"]) == 0 and json.loads(capsys.readouterr().out) == {"deleted": 6}
    assert left(store) == {table: ["b", "b"] for table in OF_VISITORS} and store.read("pictures", ["picture"]).empty
    with pytest.raises(StoreError, match="Nothing says what"):
        store.forget()


def test_what_is_older_than_a_date_is_forgotten(store):
    fill(store)
    assert main(["watch", "forget", "--before", (NOW - timedelta(days=5)).date().isoformat()]) == 0
    assert left(store) == {table: ["a", "b"] for table in OF_VISITORS} and store.read("pictures", ["picture"]).empty


def test_retention_in_days_is_kept_whenever_something_is_saved(store, use):
    fill(store)
    use(keep_days=11)
    store.add("predictions", [{"model": "m", "visitor": "c"}])
    assert left(store)["predictions"] == ["a", "b", "a", "b", "c"]
    use(keep_days=9)
    store.add("predictions", [{"model": "m", "visitor": "d"}])
    assert left(store)["predictions"] == ["a", "b", "c", "d"] and left(store)["feedback"] == ["a", "b"]
    assert store.read("pictures", ["picture"]).empty


def test_beyond_its_megabytes_the_store_drops_the_oldest(store, use):
    use(keep_megabytes=1)
    for number in range(60):
        store.add("predictions", [{"model": str(number), "probabilities": "x" * 50_000}])
    kept = [int(name) for name in store.read("predictions", ["model"])["model"]]
    assert 15 <= len(kept) <= 25 and kept == list(range(60 - len(kept), 60)), "the latest of them, in one piece"


def test_fresh_tokens_from_one_address_are_a_flood_and_a_class_is_none(store):
    def say(number, source):
        return {"model": "m", "said": "a", "artist": "b", "visitor": f"{source}{number}", "picture": f"p{number}",
                "time": timestamp(datetime(2026, 3, 2, 10, number % 60, tzinfo=UTC)), "source": source}  # fmt: skip

    store.add("feedback", [say(number, "school") for number in range(150)])
    store.add("feedback", [say(number, "attacker") for number in range(feedback.SOURCE_FLOOD)])
    table = feedback.load_feedback(store)
    floods = feedback.floods(table)
    assert floods[["visitor", "n"]].to_numpy().tolist() == [["address attacker", feedback.SOURCE_FLOOD]]
    assert feedback.flooded(table, floods).sum() == feedback.SOURCE_FLOOD
    report = monitoring.monitoring_report(store)
    assert "address attacker (300)" in report.warnings[0]


def test_the_review_page_shows_the_pictures_beside_the_names(store, tmp_path):
    feedback.record_feedback(PICTURE, "m", "Titian", "Goya & Son", visitor="a", agreed=True)
    feedback.record_feedback(PICTURE + 1, "m", "Titian", "Titian", visitor="b")
    page = review_page(store)
    assert page.count("<img") == 1 and "Goya &amp; Son" in page and "not kept" in page and "--accept ROW" in page
    assert 'alt="Row 1, said to be by Goya &amp; Son"' in page
    assert main(["watch", "feedback", "list", "-o", str(tmp_path / "page.html")]) == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page
    assert main(["watch", "feedback", "list", "-o", str(tmp_path / "page.html")]) == 1, "it exists"
    feedback.review(store, reject=[1])
    assert "<img" not in review_page(store)
