from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from artnb.paintings import splits
from artnb.paintings.audit import Audit, groups
from artnb.paintings.pipeline import decode_rows
from artnb.paintings.preparation import load_audit
from artnb.paintings.sources import Collection, read_collection
from artnb.paintings.splits import SplitError
from artnb.settings import SettingsError
from tests.conftest import draw, paintings_of


def paintings(**counts):
    """Files by artist, each with contents of its own, and a painting of its own."""
    rows = [(f"images/{artist}/{number:03}.jpg", artist) for artist, count in counts.items() for number in range(count)]
    table = pd.DataFrame(rows, columns=["path", "artist"])
    return table.assign(group=range(len(table)), sha256=[sha256(path.encode()).hexdigest() for path in table["path"]])


def grouped(table, pairs):
    """The same, with the groups that follow from pairs."""
    return table.assign(group=groups(table, pairs))


def audited(table, pairs=(), unreadable=()):
    """A collection and an audit of it."""
    found = Audit(
        files=len(table),
        artists=table["artist"].nunique(),
        unreadable=tuple(unreadable),
        mislabelled=(),
        wrong_mode=(),
        tiny=(),
        exact_duplicates=(),
        near_duplicates=tuple(pairs),
        reasons={},
        sha256=dict(zip(table["path"], table["sha256"], strict=True)),
    )
    return Collection(None, "folder", pd.DataFrame(), table[["path", "artist"]]), found


def pairs_of(table, number, seed=0):
    """Random pairs within an artist, as an audit might find them; chains included."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        artist = rng.choice(table["artist"].unique())
        found.append(tuple(rng.choice(table.loc[table["artist"] == artist, "path"], 2, replace=False)))
    return found


TABLE = paintings(Degas=200, Monet=80, Munch=61)
PAIRS = pairs_of(TABLE, 60)


def test_every_painting_is_in_one_subset_and_groups_never_part():
    table = splits.split_paintings(grouped(TABLE, PAIRS), seed=3)
    assert sorted(table["path"]) == sorted(TABLE["path"])
    assert set(table["subset"]) == set(splits.SUBSETS)
    assert (table.groupby("group")["subset"].nunique() == 1).all()
    group = table.set_index("path")["group"]
    assert all(group[one] == group[other] for one, other in PAIRS)
    assert splits.leaks(table, PAIRS).empty


def test_each_artist_is_split_70_15_15():
    shares = pd.crosstab(
        *(splits.split_paintings(grouped(TABLE, PAIRS), seed=3)[column] for column in ("artist", "subset"))
    )
    shares = shares.div(shares.sum(axis=1), axis=0)
    assert ((shares[["train", "validation", "test"]] - [0.7, 0.15, 0.15]).abs() < 0.06).all(axis=None)


def test_the_same_seed_gives_the_same_table_whatever_the_order_of_the_files():
    table = splits.split_paintings(grouped(TABLE, PAIRS), seed=3)
    shuffled = TABLE.sample(frac=1, random_state=1)
    assert splits.split_paintings(grouped(shuffled, PAIRS[::-1]), seed=3).equals(table)
    assert not splits.split_paintings(grouped(TABLE, PAIRS), seed=4).equals(table)


def test_a_painting_filed_under_two_artists_is_on_one_side():
    one, other = TABLE["path"].iloc[0], TABLE["path"].iloc[-1]
    table = splits.split_paintings(grouped(TABLE, [(one, other)]), seed=3).set_index("path")
    assert table.loc[one, "subset"] == table.loc[other, "subset"]


def test_a_random_split_leaks_and_leaks_counts_it():
    table = splits.random_split(TABLE, seed=3)
    subset = table.set_index("path")["subset"]
    expected = set()  # counted independently: who of validation and test has a partner in training?
    for one, other in PAIRS:
        for held_out, seen in ((one, other), (other, one)):
            if subset[held_out] != "train" and subset[seen] == "train":
                expected.add(held_out)
    leaked = splits.leaks(table, PAIRS)
    assert set(leaked["path"]) == expected and len(expected) > 5
    assert (leaked["seen_as"].map(subset) == "train").all() and (leaked["subset"] == leaked["path"].map(subset)).all()


def test_choosing_counts_paintings_and_leaves_out_the_unreadable():
    table = paintings(Degas=30, Monet=22, Munch=19)
    collection, found = audited(table)
    assert set(splits.choose_artists(collection, found)["artist"]) == {"Degas", "Monet"}
    assert set(splits.choose_artists(collection, found, 22)["artist"]) == {"Degas", "Monet"}
    all_three = paintings(Degas=30, Monet=22, Munch=20)
    assert splits.choose_artists(*audited(all_three)).equals(all_three)
    broken = audited(table, unreadable=[f"images/Monet/{n:03}.jpg" for n in range(3)])
    with pytest.raises(SplitError, match="largest are: Degas 30, Monet 19"):
        splits.choose_artists(*broken)
    twice = [(f"images/Monet/{n:03}.jpg", f"images/Monet/{n + 1:03}.jpg") for n in range(3)]
    with pytest.raises(SplitError, match="largest are: Degas 30, Monet 19"):  # one painting in four photographs
        splits.choose_artists(*audited(table, pairs=twice))
    with pytest.raises(SplitError, match="0 artists have at least 20 paintings"):
        splits.choose_artists(*audited(table.iloc[:0]))


@pytest.mark.parametrize(
    ("counts", "least"),
    [
        ([877, 702, 439, 336, 328, 311, 291, 262, 259, 255, 239, 194, 188], 200),  # the archive
        ([340, 290, 255, 245, 245, 235, 230, 210, 205, 195, 190, 48, 46, 44], 190),  # the studio
        ([30, 30, 30], 30),
        ([90, 41, 25, 19], 20),
        ([100] * 60, 100),
        (list(range(90, 30, -1)), 80),
        ([19, 3], 20),
        ([], 20),
    ],
)
def test_how_many_paintings_an_artist_needs_follows_from_the_data(counts, least, use):
    assert splits.threshold(pd.Series(counts, dtype=int)) == least
    use(min_paintings=27)
    assert splits.threshold(pd.Series(counts, dtype=int)) == 27
    use(min_paintings=7)
    with pytest.raises(SplitError, match=r"--min-paintings, ARTNB_MIN_PAINTINGS\) is 7; .* from 20 on"):
        splits.threshold(pd.Series(counts, dtype=int))


@pytest.mark.parametrize("least", [19, 0, -5, 2.5, "20", True, float("nan")])
def test_a_minimum_that_is_none_is_one_sentence(least):
    with pytest.raises(SplitError, match="it can be a whole number from 20 on"):
        splits.choose_artists(*audited(TABLE), least)


@pytest.mark.parametrize("seed", [-1, 2**32, 2.5, "3", True])
def test_a_seed_that_is_none_is_one_sentence(seed):
    for use_seed in (splits.split_paintings, splits.random_split, lambda table, seed: splits.folds(table, 5, seed)):
        with pytest.raises(SettingsError, match=r"The seed is .*a whole number from 0"):
            use_seed(TABLE, seed)
    with pytest.raises(SplitError, match="3 to 20"):
        splits.folds(TABLE, "5")


def test_the_advice_is_what_helps():
    with pytest.raises(SplitError, match=r"Monet 3\. Add pictures\.$"):
        splits.check_enough(pd.Series({"Degas": 3, "Monet": 3}))
    with pytest.raises(SplitError, match=r"at least 30 .* lower the minimum, to 20 at the least"):
        splits.check_enough(pd.Series({"Degas": 25, "Monet": 25}), 30)


def test_too_few_paintings_are_said():
    with pytest.raises(SplitError, match="Munch has 19 paintings"):
        splits.split_paintings(paintings(Monet=60, Munch=19))
    with pytest.raises(SplitError, match="There are no paintings"):
        splits.split_paintings(paintings())


@pytest.mark.parametrize("seed", range(6))
def test_twenty_files_of_four_paintings_are_four(seed):
    table = paintings(Monet=60, Munch=20)
    of_munch = (table["artist"] == "Munch").to_numpy()
    table.loc[of_munch, "group"] = 100 + np.arange(20) // 5
    with pytest.raises(SplitError, match="Munch has 4 paintings"):
        splits.split_paintings(table, seed=seed)
    with pytest.raises(SplitError, match="needs at least 5"):
        splits.folds(table, 5, seed=seed)


def test_the_digest_follows_contents_and_not_names_or_order():
    table = splits.split_paintings(TABLE, seed=3)
    digest = splits.split_digest(table)
    assert len(digest) == 64 and digest == splits.split_digest(table.iloc[::-1])
    assert digest == splits.split_digest(table.assign(path="elsewhere/" + table["path"]))
    for change in ("subset", "artist", "sha256"):
        other = table.copy()
        other.loc[0, change] = {"subset": "test", "artist": "Munch", "sha256": "0" * 64}[change]
        assert (splits.split_digest(other) == digest) == (other.loc[0, change] == table.loc[0, change])


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda table: table[table["subset"] != "test"], "holds no test pictures"),
        (lambda table: table[table["subset"] != "validation"], "holds no validation pictures"),
        (lambda table: table[table["subset"] == "train"], "no validation and no test"),
        (lambda table: table[table["artist"] == "Monet"], "one artist, 'Monet'"),
        (
            lambda table: table[(table["artist"] != "Munch") | (table["subset"] == "test")],
            "no training picture by 'Munch'",
        ),
        (lambda table: table.assign(group=0), "one painting in two subsets"),
        (lambda table: table.assign(sha256="0" * 64), "the same picture, byte for byte in two subsets"),
        (lambda table: pd.concat([table, table.iloc[:1]]), "names 'images/Degas/000.jpg' twice"),
        (lambda table: table.assign(subset=table["subset"].replace("test", "holdout")), "a subset 'holdout'"),
        (lambda table: table.drop(columns="sha256"), "no column 'sha256'"),
        (lambda table: table.drop(columns=["group", "artist"]), "no column 'artist'"),
        (lambda table: table.assign(sha256=table["sha256"].where(table.index > 2)), "3 rows without 'sha256'"),
        (lambda table: table.assign(artist=""), "rows without 'artist'"),
        (lambda table: table.iloc[:0], "no train and no validation and no test"),
    ],
)
def test_a_split_that_no_classifier_can_use_is_refused(spoil, words):
    table = splits.split_paintings(TABLE, seed=3)
    splits.require(table)
    with pytest.raises(SplitError, match=words):
        splits.require(spoil(table))


def test_files_are_known_by_their_contents(tmp_path):
    for number in range(3):
        draw(tmp_path / f"images/Degas/{number}.jpg", seed=number)
    collection = read_collection(tmp_path)
    rows = paintings_of(collection)
    decode_rows(collection, rows, 8)
    draw(tmp_path / "images/Degas/1.jpg", seed=9)
    with pytest.raises(SplitError, match=r"1 of the 3 pictures .* such as 'images/Degas/1\.jpg'"):
        decode_rows(collection, rows, 8)
    (tmp_path / "images/Degas/0.jpg").unlink()
    with pytest.raises(SplitError, match="2 of the 3"):
        decode_rows(collection, rows, 8)


def test_a_split_is_read_as_it_was_written(tmp_path):
    table = splits.split_paintings(grouped(TABLE, PAIRS), seed=3)
    splits.save_split(table, tmp_path / "split.csv")
    assert splits.load_split(tmp_path / "split.csv").equals(table)


def test_somebody_may_be_called_na(tmp_path):
    table = splits.split_paintings(paintings(**{"NA": 20, "None": 20, "nan": 20}), seed=3)
    splits.save_split(table, tmp_path / "split.csv")
    loaded = splits.load_split(tmp_path / "split.csv")
    assert loaded.equals(table) and set(loaded["artist"]) == {"NA", "None", "nan"}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "path,artist\na,b\n",
        "path,artist,group,sha256,subset\na,b,0,c,holdout\n",
        "path,artist,group,sha256,subset\na,b,x,c,test\n",
        "path,artist,group,sha256,subset\na,b,,c,test\n",
        "path,artist,group,sha256,subset\na,b,99999999999999999999,c,test\n",
        "path,artist,group,sha256,subset\na,b,0,,test\n",
        "path,artist,group,sha256,subset\na,b,0,c,test\na,b,1,d,test\n",
        "path,artist,group,sha256,subset\na,b,0,c,test\nb,b,0,d,train\n",
        "path,artist,group,sha256,subset\na,b,0,c,test\nb,b,1,c,train\n",
        'path,artist,group,sha256,subset\n"a,b,0,c,test\n',
        "path\0artist",
    ],
)
def test_another_table_is_no_split(tmp_path, content):
    (tmp_path / "split.csv").write_text(content)
    with pytest.raises(SplitError, match=r"split\.csv can't be used as a split: .*artnb paintings split") as caught:
        splits.load_split(tmp_path / "split.csv")
    assert "\n" not in str(caught.value)
    with pytest.raises(SplitError, match="artnb paintings split"):
        splits.load_split(tmp_path / "missing.csv")


def test_the_studio_is_split_into_its_eleven(studio):
    found = load_audit(studio)
    chosen = splits.choose_artists(studio, found)
    table = splits.split_paintings(chosen)
    assert table["artist"].nunique() == 11 and splits.leaks(table, found.duplicates).empty
    assert not splits.leaks(splits.random_split(chosen), found.duplicates).empty


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_split_saved_by_a_spreadsheet_is_the_same(tmp_path, separator, encoding):
    table = splits.split_paintings(paintings(**{"NA": 20, "Jan, Steen": 20}), seed=3)
    table.rename(columns=str.capitalize).to_csv(tmp_path / "s.csv", sep=separator, index=False, encoding=encoding)
    assert splits.load_split(tmp_path / "s.csv").equals(table)


def test_a_cell_that_can_not_be_read_is_named(tmp_path):
    (tmp_path / "s.csv").write_text("path,artist,group,sha256,subset\na,b,1,c,test\nd,b,x2,e,train\n")
    with pytest.raises(SplitError, match="the group in its row 2 is 'x2'"):
        splits.load_split(tmp_path / "s.csv")
