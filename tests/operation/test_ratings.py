"""Ratings are stored, also by several processes at once, and summarised with their uncertainty."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from artnb.operation.ratings import Rating, RatingError, load_ratings, record_ratings, summary


def test_what_is_recorded_is_there(tmp_path):
    file = tmp_path / "new" / "ratings.jsonl"
    record_ratings(file, [Rating("A", "bridge", "vgg19", "style", 4), Rating("A", "bridge", "vgg19", "total", 2)])
    record_ratings(file, [Rating("A", "bridge", "vgg19", "style", 5), Rating("Ö", "bridge", "vgg19", "style", 1)])
    table = load_ratings(file)
    assert len(table) == 3, "of two answers to one question the last one counts"
    assert set(table["rater"]) == {"A", "Ö"} and table["time"].str.startswith("20").all()


def test_people_of_one_name_are_several_raters_and_old_files_have_names_only(tmp_path):
    file = tmp_path / "ratings.jsonl"
    pupils = [("AB", "s1", 1), ("AB", "s2", 5), *(("anonymous", f"n{k}", 3) for k in range(25))]
    for rater, session, score in pupils:
        record_ratings(file, [Rating(rater, "bridge", "vgg19", "total", score, session=session)])
    record_ratings(file, [Rating("AB", "bridge", "vgg19", "total", 2, session="s1")])
    with file.open("a", encoding="utf-8") as stream:  # as earlier versions wrote it; the name is another's session
        for score in (4, 5):
            stream.write(
                f'{{"rater": "s2", "picture": "bridge", "model": "vgg19", "question": "total", "score": {score}}}\n'
            )
    table = load_ratings(file)
    assert len(table) == 28 and table["score"].iloc[-1] == 5 and sorted(table["score"])[:2] == [2, 3]
    (row,) = summary(table).to_dict("records")
    assert row["n"] == 28 and row["mean"] == pytest.approx((2 + 5 + 25 * 3 + 5) / 28)
    older = pd.DataFrame([{"rater": "C", "picture": "bridge", "model": "vgg19", "question": "total", "score": 1}])
    assert summary(pd.concat([table, older]))["n"].tolist() == [29], "no session is no missing person"


def test_an_interval_is_over_raters_and_holds_the_true_mean_as_often_as_it_says():
    """Few people, who rate several pictures each and differ among themselves more than from picture to picture."""
    random, held = np.random.default_rng(2), []
    for _ in range(200):
        people = random.integers(2, 5, 6)  # 2, 3 or 4; each picture one up or down: 3 in the mean
        rows = [
            {"rater": str(who), "picture": str(k), "model": "m", "question": "total", "score": score + wobble}
            for who, score in enumerate(people)
            for k, wobble in enumerate(random.integers(-1, 2, 8))
        ]
        (row,) = summary(pd.DataFrame(rows)).to_dict("records")
        assert row["n"] == 6
        held.append(row["low"] <= 3 <= row["high"])
    assert 0.9 <= np.mean(held) <= 0.98


def test_an_incomplete_line_is_left_out_and_named(tmp_path, capsys):
    file = tmp_path / "ratings.jsonl"
    record_ratings(file, [Rating("A", "bridge", "vgg19", "style", 4)])
    with file.open("ab") as stream:
        stream.write(b'{"rater": "B", "pict')
    record_ratings(file, [Rating("C", "bridge", "vgg19", "style", 3)])
    assert list(load_ratings(file)["rater"]) == ["A", "C"]
    assert "Line 2 of 'ratings.jsonl' can't be read" in capsys.readouterr().err


def test_a_name_may_hold_any_character(tmp_path):
    file = tmp_path / "ratings.jsonl"
    raters = ["A\u2028B", "A\u0085B", "A\rB"]
    record_ratings(file, [Rating(rater, "bridge", "vgg19", "style", 4) for rater in raters])
    with file.open("a", encoding="utf-8") as stream:  # as earlier versions wrote it
        stream.write('{"rater": "C\u2028D", "picture": "p", "model": "m", "question": "style", "score": 1}\n')
    assert list(load_ratings(file)["rater"]) == [*raters, "C\u2028D"]


def test_half_a_character_is_refused_and_spoils_no_file(tmp_path, capsys):
    with pytest.raises(RatingError, match=r"The rater of a rating is .*; it can be a text of whole characters"):
        Rating("\udc80", "bridge", "vgg19", "style", 4)
    file = tmp_path / "ratings.jsonl"
    file.write_text('{"rater": "\\udc80", "picture": "p", "model": "m", "question": "style", "score": 1}\n')
    record_ratings(file, [Rating("A", "bridge", "vgg19", "style", 4)])
    assert list(load_ratings(file)["rater"]) == ["A"] and "Line 1 of" in capsys.readouterr().err


def test_eight_processes_lose_nothing(tmp_path):
    code = (
        "import sys; from artnb.operation.ratings import *\n"
        "for n in range(20): record_ratings(sys.argv[1], [Rating(sys.argv[2], str(n), 'm', 'style', 3)])"
    )
    file = tmp_path / "ratings.jsonl"
    running = [subprocess.Popen([sys.executable, "-c", code, str(file), str(number)]) for number in range(8)]
    assert [process.wait() for process in running] == [0] * 8
    assert len(load_ratings(file)) == 160


def test_means_and_intervals_are_students():
    random = np.random.default_rng(3)
    scores = random.integers(1, 6, 12)
    rows = [
        {"rater": str(n), "picture": "p", "model": "m", "question": "style", "score": s} for n, s in enumerate(scores)
    ]
    rows.append({"rater": "x", "picture": "p", "model": "one", "question": "style", "score": 5})
    table = summary(pd.DataFrame(rows)).set_index("model")
    low, high = stats.t.interval(0.95, 11, scores.mean(), stats.sem(scores))
    assert table.loc["m", ["mean", "low", "high"]].tolist() == pytest.approx([scores.mean(), low, high])
    assert table.loc["one", "n"] == 1 and np.isnan(table.loc["one", "low"])


@pytest.mark.parametrize(("question", "score"), [("taste", 3), ("style", 0), ("style", 6), ("style", "5")])
def test_nonsense_is_refused(question, score):
    with pytest.raises(RatingError):
        Rating("A", "bridge", "vgg19", question, score)


def test_no_file_is_one_sentence(tmp_path):
    with pytest.raises(RatingError, match="rate some pictures first"):
        load_ratings(tmp_path / "none.jsonl")
