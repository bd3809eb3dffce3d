"""Choosing the artists, and splitting their paintings so that no painting is on two sides.

A split is a table with the columns `path`, `artist`, `group`, `sha256` and `subset`. Pictures of one group show the
same painting, so they are always in one subset: "train", "validation" or "test". `sha256` is the digest of the file's
bytes: two splits are the same if they hold the same pictures, whatever the files are called.
"""

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.common.files import replacing
from artnb.common.seeding import seed_or_default
from artnb.common.tables import read_table
from artnb.errors import ArtnbError, check_value, whole
from artnb.paintings.audit import Audit, groups
from artnb.paintings.sources import Collection
from artnb.settings import settings

SUBSETS = ("train", "validation", "test")
# An artist's paintings are dealt into twenty folds of 5 %; these many of them make up each subset: 70 %, 15 %, 15 %.
FOLDS = {"train": 14, "validation": 3, "test": 3}
STRANGERS = 8  # artists that no classifier of the chosen ones sees, in any role
COLUMNS = ["path", "artist", "group", "sha256", "subset"]
# How many paintings an artist needs, unless it is said: so many that eleven artists remain, as in the original, but no
# more than the 200 that it asked for, and a painting for each fold.
ARTISTS, MOST, LEAST = 11, 200, sum(FOLDS.values())
_MAKE = "make a split with: artnb paintings split -o split.csv"

Pairs = Iterable[tuple[str, str]]


class SplitError(ArtnbError, ValueError):
    """A split can't be made, or a table isn't one."""


def check_minimum(min_paintings: int | None = None) -> int | None:
    """How many paintings an artist needs as it was said, here or by `ARTNB_MIN_PAINTINGS`; None if it was not.

    Raises:
        SplitError: it is no whole number from 20 on.
    """
    said = settings.min_paintings if min_paintings is None else min_paintings
    if said is not None:
        name = "The minimum of paintings per artist (--min-paintings, ARTNB_MIN_PAINTINGS)"
        check_value(said, whole(LEAST), name, SplitError)
    return said


def threshold(counts: pd.Series, min_paintings: int | None = None) -> int:
    """How many paintings an artist needs to be worth classifying.

    What was said, see `check_minimum`, or else a round number that leaves eleven artists, as in the original: from 20,
    a painting for each fold, to the original's 200. With fewer artists it leaves all who have 20.

    Args:
        counts: paintings by artist.
        min_paintings: what is said; by default `ARTNB_MIN_PAINTINGS`.

    Raises:
        SplitError: what was said can't be used.
    """
    if (said := check_minimum(min_paintings)) is not None:
        return said
    enough = counts[counts >= LEAST].sort_values(ascending=False).head(ARTISTS)
    return LEAST if enough.empty else min(MOST, max(LEAST, int(enough.iloc[-1]) // 10 * 10))


def check_enough(counts: pd.Series, min_paintings: int | None = None) -> int:
    """The `threshold`, if two artists are above it and can be told apart.

    Raises:
        SplitError: fewer than two artists have that many, or the minimum can't be used.
    """
    least = threshold(counts, min_paintings)
    enough = int((counts >= least).sum())
    if enough < 2:
        largest = counts.sort_values(ascending=False, kind="stable").head(2)
        names = ", ".join(f"{artist} {count}" for artist, count in largest.items()) or "none"
        lower = f", or lower the minimum, to {LEAST} at the least (--min-paintings, ARTNB_MIN_PAINTINGS)"
        helps = (counts >= LEAST).sum() >= 2
        raise SplitError(
            f"{enough} {'artist has' if enough == 1 else 'artists have'} at least {least} paintings, and a classifier "
            f"needs two artists; the largest are: {names}. Add pictures{lower if helps else ''}."
        )
    return least


def count_paintings(collection: Collection, audit: Audit) -> pd.Series:
    """How many paintings there are by each artist, most first; two photographs of one painting count once."""
    return _count(readable(collection, audit))


def _count(table: pd.DataFrame) -> pd.Series:
    return table.groupby("artist")["group"].nunique().sort_values(ascending=False, kind="stable")


def readable(collection: Collection, audit: Audit) -> pd.DataFrame:
    """The paintings of all artists that can be read: `path`, `artist`, `group` and `sha256`, sorted by path."""
    table = collection.paintings[~collection.paintings["path"].isin(audit.unreadable)]
    table = table[["path", "artist"]].sort_values("path", ignore_index=True)
    return table.assign(group=groups(table, audit.duplicates), sha256=table["path"].map(audit.sha256))


def choose_artists(collection: Collection, audit: Audit, min_paintings: int | None = None) -> pd.DataFrame:
    """The readable paintings of the artists with at least `min_paintings` paintings.

    Two photographs of one painting count once.

    Args:
        collection: the files are counted, not the `paintings` column of the artists' table.
        audit: of the collection.
        min_paintings: by default what `threshold` says.

    Returns:
        `path`, `artist`, `group` (equal numbers are one painting) and `sha256`, sorted by path.

    Raises:
        SplitError: fewer than two artists have that many, or the minimum can't be used.
    """
    table = readable(collection, audit)
    counts = _count(table)
    least = check_enough(counts, min_paintings)
    chosen = counts.index[counts >= least]
    return table[table["artist"].isin(chosen)].reset_index(drop=True)


def split_paintings(paintings: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
    """Split 70/15/15, stratified by artist, the pictures of one painting always together.

    Args:
        paintings: `path`, `artist`, `group` and `sha256`, as from `choose_artists`; at least 20 groups per artist.
        seed: the same seed gives the same subsets, see `deal`; by default `ARTNB_SEED`.

    Returns:
        `paintings` with their `subset`, and the groups numbered anew.

    Raises:
        SplitError: an artist has fewer than 20 paintings, too few for every subset to get some.
    """
    _require_count(paintings, sum(FOLDS.values()))
    return deal(paintings, seed)


def deal(paintings: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
    """The same for artists with any number of paintings, whose subsets may then be empty.

    Each artist's paintings are put in an order that follows from the seed and their contents (the SHA-256 of their
    bytes) alone. So neither the names of files nor the paintings of other artists change a subset, and a painting
    more changes few.
    """
    table, place = _places(paintings, seed)
    names = np.repeat(np.array(list(FOLDS), object), list(FOLDS.values()))
    return table.assign(subset=names[(place * len(names)).astype(int)])


def folds(paintings: pd.DataFrame, number: int, seed: int | None = None) -> list[pd.DataFrame]:
    """Splits for cross-validation: each painting is in the test of exactly one of them, groups always together.

    In the k-th split the k-th part is the test and the next one the validation.

    Args:
        paintings: as from `choose_artists`, or a split.
        number: how many parts, 3 to 20.
        seed: the same seed gives the same tables.

    Raises:
        SplitError: the number is another, an artist has fewer paintings than that.
    """
    check_value(number, whole(3, 20), "The number of folds, for train, validation and test,", SplitError)
    _require_count(paintings, number)
    table, place = _places(paintings, seed)
    part = (place * number).astype(int)
    names = np.array(["test", "validation", *["train"] * (number - 2)], object)
    return [table.assign(subset=names[(part - k) % number]) for k in range(number)]


def _require_count(paintings: pd.DataFrame, number: int) -> None:
    counts = _count(paintings)
    if counts.empty or counts.min() < number:
        who = f"{counts.idxmin()} has {counts.min()} paintings" if len(counts) else "There are no paintings"
        raise SplitError(
            f"{who}; every artist of a split needs at least {number}, so that each subset gets some "
            "(photographs of one painting count once): add pictures, or leave such artists out."
        )


def _places(paintings: pd.DataFrame, seed: int | None) -> tuple[pd.DataFrame, np.ndarray]:
    """The table with its groups numbered anew, and each row's place among its artist's paintings, between 0 and 1."""
    seed = seed_or_default(seed)
    table = paintings[COLUMNS[:-1]].sort_values("path", ignore_index=True)
    table["group"] = pd.factorize(table["group"])[0]
    one_each = table.sort_values(["sha256", "artist"]).drop_duplicates("group").set_index("group")
    by_artist = _keys(one_each["sha256"], seed).groupby(one_each["artist"])
    place = (by_artist.rank() - 0.5) / by_artist.transform("size")
    return table, place[table["group"]].to_numpy()


def _keys(digests: pd.Series, seed: int) -> pd.Series:
    """Random whole numbers below 2^52 that follow from a seed and digests: what paintings are put in order by."""
    return digests.map(lambda digest: int(hashlib.sha256(f"{seed} {digest}".encode()).hexdigest()[:13], 16)).astype(int)


def shuffled(pictures: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
    """The rows in random order, which is the same for the same pictures, whatever they are called."""
    return pictures.loc[_keys(pictures["sha256"], seed_or_default(seed)).sort_values().index]


def choose_strangers(paintings: pd.DataFrame, artists: Iterable[str], seed: int | None = None) -> tuple[str, ...]:
    """Artists that no classifier of the chosen ones may see in any role, to find out what it says of an unknown hand.

    Args:
        paintings: of all artists, as from `readable`.
        artists: the chosen ones.
        seed: the same seed gives the same artists, whatever they are called.

    Returns:
        Eight of the others, or all if there are fewer; those with 20 paintings or more first. Sorted by name.
    """
    others = paintings[~paintings["artist"].isin(list(artists))]
    counts = _count(others)
    keys = _keys(others.groupby("artist")["sha256"].min(), seed_or_default(seed))
    order = pd.DataFrame({"few": counts < LEAST, "key": keys}).sort_values(["few", "key"])
    return tuple(sorted(order.index[:STRANGERS]))


def random_split(paintings: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
    """The usual way, here to be compared with: 70/15/15, stratified by artist, blind to duplicates."""
    from sklearn.model_selection import train_test_split

    seed = seed_or_default(seed)
    table = paintings[COLUMNS[:-1]].sort_values("path", ignore_index=True).assign(subset="train")
    table["group"] = range(len(table))
    _, held_out = train_test_split(table, test_size=0.3, random_state=seed, stratify=table["artist"])
    validation, test = train_test_split(held_out, test_size=0.5, random_state=seed, stratify=held_out["artist"])
    table.loc[validation.index, "subset"], table.loc[test.index, "subset"] = "validation", "test"
    return table


def leaks(table: pd.DataFrame, duplicates: Pairs) -> pd.DataFrame:
    """The pictures of validation and test that show a painting which training has seen.

    Returns:
        One row per leak: `path`, `subset` and `seen_as`, the training picture that gives it away.
    """
    subset = dict(zip(table["path"], table["subset"], strict=True))
    rows = {
        (held_out, subset[held_out]): seen
        for pair in duplicates
        for held_out, seen in (pair, pair[::-1])
        if subset.get(seen) == "train" and subset.get(held_out) in SUBSETS[1:]
    }
    leaked = pd.DataFrame([(*key, seen) for key, seen in rows.items()], columns=["path", "subset", "seen_as"])
    return leaked.sort_values("path", ignore_index=True)


def split_digest(table: pd.DataFrame) -> str:
    """The SHA-256 of what a split holds: each picture's contents, artist and subset.

    Neither the paths of the files count, nor the order of the rows, nor the numbers of the groups: files that are
    renamed within their artist's folder are the same split.
    """
    rows = table[["sha256", "artist", "subset"]].sort_values(["sha256", "artist", "subset"])
    return hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()


def require(table: pd.DataFrame) -> None:
    """Nothing, if a classifier can be trained, chosen and tested on a split.

    Raises:
        SplitError: it is no split, see `check_split`; a subset is empty, there is one artist, or one of them is not in
            the training set.
    """
    check_split(table)
    counts = table["subset"].value_counts()
    if missing := [name for name in SUBSETS if not counts.get(name, 0)]:
        raise SplitError(
            f"The split holds no {' and no '.join(missing)} pictures; a model is trained, chosen and tested on "
            "different ones: make a split with `artnb paintings split`."
        )
    artists = set(table["artist"])
    if len(artists) < 2:
        raise SplitError(f"The split holds one artist, {artists.pop()!r}; a classifier needs two or more.")
    if absent := sorted(artists - set(table.loc[table["subset"] == "train", "artist"])):
        raise SplitError(f"The split has no training picture by {absent[0]!r}, so no model could know that artist.")


def check_split(table: pd.DataFrame) -> None:
    """Nothing, if a table is a split, each painting in one subset; perhaps with empty subsets.

    Raises:
        SplitError: columns or cells are missing, there is another subset, a path is there twice, or a group or a
            file's contents lie in two subsets.
    """
    if missing := [name for name in COLUMNS if name not in table]:
        raise SplitError(f"The split has no column {missing[0]!r}; it needs {', '.join(COLUMNS)}: {_MAKE}")
    for name in COLUMNS:
        if (bad := table[name].isna() | (table[name].astype(str) == "")).any():
            raise SplitError(f"The split has {bad.sum():,} rows without {name!r}; fill them, or {_MAKE}")
    if unknown := sorted(set(table["subset"].astype(str)) - set(SUBSETS)):
        raise SplitError(f"The split has a subset {unknown[0]!r}; it can be {', '.join(SUBSETS)}: {_MAKE}")
    if (twice := table["path"].duplicated()).any():
        raise SplitError(f"The split names {table['path'][twice].iloc[0]!r} twice; name each file once, or {_MAKE}")
    for name, what in (("group", "one painting"), ("sha256", "the same picture, byte for byte")):
        torn = table[table.groupby(name)["subset"].transform("nunique") > 1]
        if len(torn):
            one, other = torn[torn[name] == torn[name].iloc[0]].drop_duplicates("subset").iloc[:2].itertuples()
            raise SplitError(
                f"The split has {what} in two subsets (equal {name!r}: {one.path!r} in {one.subset}, {other.path!r} in "
                f"{other.subset}), so it would be tested on what it was trained on; {_MAKE}"
            )


def refuse_others(collection: Collection, paths: Sequence[str] | pd.Series, others: Sequence[bool]) -> None:
    """Nothing, if all files are those that a split names.

    Args:
        collection: where the files were looked for.
        paths: those of the split.
        others: for each, whether it is missing or holds another picture.

    Raises:
        SplitError: some are; it says how many.
    """
    if any(others):
        first = next(path for path, other in zip(paths, others, strict=True) if other)
        raise SplitError(
            f"{sum(others):,} of the {len(others):,} pictures of the split are not in the collection in use "
            f"({collection.source}), or are other pictures there, such as {first!r}; point ARTNB_DATA at the "
            "collection that the split was made from, or make a split of this one: artnb paintings split -o split.csv"
        )


def save_split(table: pd.DataFrame, file: str | Path) -> None:
    """Write a split as CSV, beside and renamed."""
    with replacing(file) as part:
        table[COLUMNS].to_csv(part, index=False)


def load_split(file: str | Path) -> pd.DataFrame:
    """Read a split that `save_split` wrote.

    Raises:
        SplitError: the file is missing, or isn't such a table, see `check_split`.
    """
    try:
        table = read_table(file, COLUMNS)
        whole_numbers = table["group"].str.fullmatch("[0-9]{1,18}").to_numpy(bool)
        if not whole_numbers.all():
            row = int(whole_numbers.argmin())
            raise ValueError(f"the group in its row {row + 1} is {table['group'][row]!r}, no whole number")
        table["group"] = table["group"].astype(int)
        check_split(table)
    except (OSError, ValueError) as error:
        reason = str(error) if isinstance(error, SplitError) else f"{' '.join(str(error).split())}; {_MAKE}"
        raise SplitError(f"{Path(file).name} can't be used as a split: {reason}") from error
    return table
