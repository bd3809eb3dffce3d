import numpy as np
import pandas as pd
import pytest

from artnb.paintings import splits
from artnb.paintings.audit import audit
from artnb.paintings.sources import Collection
from artnb.paintings.splits import SplitError


def paintings(**counts):
    rows = [(f"images/{artist}/{number:03}.jpg", artist) for artist, count in counts.items() for number in range(count)]
    return pd.DataFrame(rows, columns=["path", "artist"])


def pairs_of(table, number, seed=0):
    """Random pairs within an artist, as an audit might find them; chains included."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        artist = rng.choice(table["artist"].unique())
        found.append(tuple(rng.choice(table.loc[table["artist"] == artist, "path"], 2, replace=False)))
    return found


TABLE = paintings(Degas=200, Monet=60, Munch=41)
PAIRS = pairs_of(TABLE, 60)


def test_every_painting_is_in_one_subset_and_groups_never_part():
    table = splits.split(TABLE, PAIRS, seed=3)
    assert sorted(table["path"]) == sorted(TABLE["path"])
    assert set(table["subset"]) == set(splits.SUBSETS)
    assert (table.groupby("group")["subset"].nunique() == 1).all()
    group = table.set_index("path")["group"]
    assert all(group[one] == group[other] for one, other in PAIRS)
    assert splits.leaks(table, PAIRS).empty


def test_each_artist_is_split_70_15_15():
    shares = pd.crosstab(*(splits.split(TABLE, PAIRS, seed=3)[column] for column in ("artist", "subset")))
    shares = shares.div(shares.sum(axis=1), axis=0)
    assert ((shares[["train", "validation", "test"]] - [0.7, 0.15, 0.15]).abs() < 0.06).all(axis=None)


def test_the_same_seed_gives_the_same_table_whatever_the_order_of_the_files():
    table = splits.split(TABLE, PAIRS, seed=3)
    shuffled = TABLE.sample(frac=1, random_state=1)
    assert splits.split(shuffled, PAIRS[::-1], seed=3).equals(table)
    assert not splits.split(TABLE, PAIRS, seed=4).equals(table)


def test_a_painting_filed_under_two_artists_is_on_one_side():
    one, other = TABLE["path"].iloc[0], TABLE["path"].iloc[-1]
    table = splits.split(TABLE, [(one, other)], seed=3).set_index("path")
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


def test_choosing_counts_files_and_leaves_out_the_unreadable():
    collection = Collection(None, "folder", pd.DataFrame(), paintings(Degas=30, Monet=20, Munch=19), min_paintings=20)
    assert set(splits.choose(collection)["artist"]) == {"Degas", "Monet"}
    assert set(splits.choose(collection, 5)["artist"]) == {"Degas", "Monet", "Munch"}
    with pytest.raises(SplitError, match="Degas 30, Munch 19"):
        splits.choose(collection, leave_out=["images/Monet/000.jpg", "images/Monet/001.jpg"])


def test_too_few_paintings_are_said():
    with pytest.raises(SplitError, match="Munch has 19 paintings"):
        splits.split(paintings(Monet=60, Munch=19), [])
    with pytest.raises(SplitError, match="Nobody"):
        splits.split(paintings(), [])


def test_the_hash_follows_the_content_not_the_order():
    table = splits.split(TABLE, [], seed=3)
    assert splits.split_hash(table) == splits.split_hash(table.iloc[::-1])
    other = table.assign(subset=table["subset"].where(table.index != 0, "test"))
    assert len({splits.split_hash(table), splits.split_hash(other)}) == 1 + (table["subset"][0] != "test")


def test_a_split_is_read_as_it_was_written(tmp_path):
    table = splits.split(TABLE, PAIRS, seed=3)
    splits.save_split(table, tmp_path / "split.csv")
    assert splits.load_split(tmp_path / "split.csv").equals(table)


@pytest.mark.parametrize(
    "content",
    ["", "path,artist\na,b\n", "path,artist,group,subset\na,b,0,holdout\n", "path,artist,group,subset\na,b,x,test\n"],
)
def test_another_table_is_no_split(tmp_path, content):
    (tmp_path / "split.csv").write_text(content)
    with pytest.raises(SplitError, match=r"split\.csv is not a split"):
        splits.load_split(tmp_path / "split.csv")
    with pytest.raises(SplitError, match="artnb collection split"):
        splits.load_split(tmp_path / "missing.csv")


def test_the_studio_is_split_into_its_eleven(studio):
    found = audit(studio)
    table = splits.split(splits.choose(studio, leave_out=found.unreadable), found.duplicates)
    assert table["artist"].nunique() == 11 and splits.leaks(table, found.duplicates).empty
    assert not splits.leaks(splits.random_split(splits.choose(studio)), found.duplicates).empty
