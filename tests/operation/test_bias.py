"""Groups, their figures and their names."""

import json
import sys

import numpy as np
import pandas as pd
import pytest

from artnb.cli import main
from artnb.common import extras
from artnb.operation import bias

ARTISTS = pd.DataFrame(
    [
        ["Anna", "Dutch", "Baroque", "1606 - 1669"],
        ["Bob", "French,British", "Impressionism", "1839 – 1899"],
        ["Cleo", "French", "Impressionism,Baroque", "1840 - 1926"],
    ],
    columns=["name", "nationality", "genre", "years"],
)


def answers(**right):
    """`right` and `n` for each artist."""
    rows = [(artist, number < hits, 0.9) for artist, (hits, n) in right.items() for number in range(n)]
    return pd.DataFrame(rows, columns=["artist", "right", "confidence"])


@pytest.fixture
def groups():
    return bias.by_group(answers(Anna=(5, 10), Bob=(90, 100), Cleo=(190, 200)), ARTISTS)


def row(groups, group, grouping):
    return groups[(groups["group"] == group) & (groups["grouping"] == grouping)].iloc[0]


def test_every_group_is_counted_and_an_artist_in_two_counts_for_both(groups):
    sizes = groups.set_index(["grouping", "group"])["n"].to_dict()
    assert sizes == {
        ("artist", "Anna"): 10, ("artist", "Bob"): 100, ("artist", "Cleo"): 200,
        ("nationality", "Dutch"): 10, ("nationality", "British"): 100, ("nationality", "French"): 300,
        ("genre", "Baroque"): 210, ("genre", "Impressionism"): 300,
        ("century", "17th century"): 10, ("century", "19th century"): 300,
    }  # fmt: skip
    assert row(groups, "French", "nationality")["accuracy"] == pytest.approx(280 / 300)


@pytest.mark.parametrize(
    ("years", "century"),
    [("1990 - 2050", "21st"), ("150 - 190", "2nd"), ("1050 - 1070", "11th"), ("1180 - 1260", "13th")],
)
def test_a_century_is_written_as_a_person_would(years, century):
    artists = ARTISTS.iloc[:1].assign(years=years)
    table = bias.by_group(answers(**{artists["name"].iloc[0]: (5, 10)}), artists)
    assert f"{century} century" in set(table["group"])


def test_the_interval_is_wilsons(groups):
    anna = row(groups, "Anna", "artist")  # 5 of 10: (0.5 + z²/20 ± z sqrt(0.025 + z²/400)) / (1 + z²/10)
    assert (anna["low"], anna["high"]) == (pytest.approx(0.23659, abs=1e-5), pytest.approx(0.76341, abs=1e-5))


def test_the_worst_and_the_smallest_are_named(groups):
    assert groups.loc[groups["worse"], "group"].tolist() == ["Anna", "Dutch", "17th century"]
    assert groups.groupby("grouping")["accuracy"].apply(lambda values: values.is_monotonic_increasing).all()
    assert row(groups, "Anna", "artist")["small"] and not row(groups, "Bob", "artist")["small"]
    text = bias.bias_report(groups)
    assert "artist: worse than the others: Anna (50% of 10)" in text and "smallest: Anna (50% of 10)" in text
    assert "genre: worse than the others: none beyond chance" in text


def test_a_group_is_rarely_called_worse_by_chance():
    rng = np.random.default_rng(2)
    wrong = 0
    for _ in range(40):
        hits = rng.binomial(60, 0.85, 3)
        table = bias.by_group(answers(Anna=(hits[0], 60), Bob=(hits[1], 60), Cleo=(hits[2], 60)), ARTISTS)
        wrong += bool(table.loc[table["grouping"] == "artist", "worse"].any())
    assert wrong <= 5


def test_without_answers_there_is_a_sentence():
    with pytest.raises(bias.BiasError, match="no answer whose right artist"):
        bias.by_group(answers(), ARTISTS)


def test_without_its_package_the_whole_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.stats.proportion", None)
    monkeypatch.setattr(extras, "_installed", lambda package: False)
    with pytest.raises(extras.MissingExtraError, match=r"needs statsmodels, .*mlflow.*statsmodels.*seaborn"):
        bias.by_group(answers(Anna=(5, 10)), ARTISTS)


def test_what_one_of_many_groups_shows_by_luck_is_not_called_worse():
    names = [f"painter {number}" for number in range(20)]
    artists = pd.DataFrame({"name": names, "nationality": "", "genre": "", "years": ""})
    answers = pd.DataFrame({"artist": np.repeat(names, 40), "right": True, "confidence": 0.9})
    answers.loc[answers.groupby("artist").cumcount() < 4, "right"] = False
    answers.loc[range(10), "right"] = False  # 75 % of the first, 90 % of all others: p is 0.006, times 20 groups 0.13
    groups = bias.by_group(answers, artists)
    first = groups[(groups["grouping"] == "artist") & (groups["group"] == names[0])]
    assert first["accuracy"].item() == 0.75 and not first["worse"].item()


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["nobody"], 1, "no classifier 'nobody'"),
        (["starter-monet"], 1, "'starter-monet'"),
        (["starter-cnn"], 1, "pictures"),  # those of the studio are others than it was trained on
        ([], 2, "Missing argument 'MODEL'"),
        (["starter-cnn", "--since", "2026-01-01"], 2, "No such option"),
    ],
)
def test_the_command_says_why_it_can_not_compare(words, code, sentence, use, tmp_path, capsys):
    use(home=tmp_path)
    assert main(["watch", "bias", *words]) == code
    error = capsys.readouterr().err
    assert sentence in error and (code == 2 or error.count("\n") == 1)
    assert main(["watch", "bias", *words, "--json"]) == code
    said = capsys.readouterr()
    assert sentence in json.loads(said.out)["error"] and not said.err
