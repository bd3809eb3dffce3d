"""Choosing the artists, and splitting their paintings so that no painting is on two sides.

A split is a table with the columns `path`, `artist`, `group`, `sha256` and `subset`. Pictures of one group show the
same painting, so they are always in one subset: "train", "validation" or "test". `sha256` is the digest of the file's
bytes: two splits are the same if they hold the same pictures, whatever the files are called.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.common.files import replacing, sha256
from artnb.errors import ArtnbError
from artnb.paintings.audit import Audit, groups
from artnb.paintings.sources import Collection
from artnb.settings import settings

SUBSETS = ("train", "validation", "test")
# The paintings are dealt into twenty folds of 5 %; these many of them make up each subset: 70 %, 15 %, 15 %.
FOLDS = {"train": 14, "validation": 3, "test": 3}
COLUMNS = ["path", "artist", "group", "sha256", "subset"]
# How many paintings an artist needs, unless it is said: so many that eleven artists remain, as in the original, but no
# more than the 200 that it asked for, and a painting for each fold.
ARTISTS, MOST, LEAST = 11, 200, sum(FOLDS.values())

Pairs = Iterable[tuple[str, str]]


class SplitError(ArtnbError, ValueError):
    """A split can't be made, or a table isn't one."""


def threshold(counts: pd.Series) -> int:
    """How many paintings an artist needs to be worth classifying.

    `ARTNB_MIN_PAINTINGS`, or else a round number that leaves eleven artists, as in the original: from 20, a painting
    for each fold, to the original's 200. With fewer artists it leaves all who have 20.

    Args:
        counts: paintings by artist.
    """
    if settings.min_paintings is not None:
        return settings.min_paintings
    enough = counts[counts >= LEAST].sort_values(ascending=False).head(ARTISTS)
    return LEAST if enough.empty else min(MOST, max(LEAST, int(enough.iloc[-1]) // 10 * 10))


def count_paintings(collection: Collection, audit: Audit) -> pd.Series:
    """How many paintings there are by each artist, most first; two photographs of one painting count once."""
    return _count(_readable(collection, audit))


def _count(table: pd.DataFrame) -> pd.Series:
    return table.groupby("artist")["group"].nunique().sort_values(ascending=False, kind="stable")


def _readable(collection: Collection, audit: Audit) -> pd.DataFrame:
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
        SplitError: fewer than two artists have that many.
    """
    table = _readable(collection, audit)
    counts = _count(table)
    least = threshold(counts) if min_paintings is None else min_paintings
    chosen = counts.index[counts >= least]
    if len(chosen) < 2:
        largest = ", ".join(f"{artist} {count}" for artist, count in counts.head(2).items()) or "none"
        raise SplitError(
            f"{len(chosen)} {'artist has' if len(chosen) == 1 else 'artists have'} at least {least} paintings, and a "
            f"classifier needs two artists; the largest are: {largest}. Add pictures, or lower the minimum "
            "(--min-paintings, ARTNB_MIN_PAINTINGS)."
        )
    return table[table["artist"].isin(chosen)].reset_index(drop=True)


def split_paintings(paintings: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
    """Split 70/15/15, stratified by artist, the pictures of one painting always together.

    Args:
        paintings: `path`, `artist`, `group` and `sha256`, as from `choose_artists`; at least 20 groups per artist.
        seed: the same seed gives the same table; by default `ARTNB_SEED`.

    Returns:
        `paintings` with their `subset`, and the groups numbered anew.

    Raises:
        SplitError: an artist has fewer than 20 paintings, too few for every subset to get some.
    """
    table, part = _parts(paintings, sum(FOLDS.values()), seed)
    return table.assign(subset=np.repeat(np.array(list(FOLDS), object), list(FOLDS.values()))[part])


def folds(paintings: pd.DataFrame, number: int, seed: int | None = None) -> list[pd.DataFrame]:
    """Splits for cross-validation: each painting is in the test of exactly one of them, groups always together.

    In the k-th split the k-th part is the test and the next one the validation.

    Args:
        paintings: as from `choose_artists`, or a split.
        number: how many parts, 3 to 20.
        seed: the same seed gives the same tables.

    Raises:
        SplitError: the number is another, or an artist has fewer paintings than that.
    """
    if not 3 <= number <= 20:
        raise SplitError(f"Cross-validation got {number} folds; give 3 to 20, for train, validation and test.")
    table, part = _parts(paintings, number, seed)
    names = np.array(["test", "validation", *["train"] * (number - 2)], object)
    return [table.assign(subset=names[(part - k) % number]) for k in range(number)]


def _parts(paintings: pd.DataFrame, number: int, seed: int | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Deal whole groups into equal parts, stratified by artist: the table with its groups, and each row's part."""
    from sklearn.model_selection import StratifiedGroupKFold

    table = paintings[COLUMNS[:-1]].sort_values("path", ignore_index=True)
    counts = _count(table)
    if counts.empty or counts.min() < number:
        who = f"{counts.idxmin()} has {counts.min()} paintings" if len(counts) else "There are no paintings"
        raise SplitError(
            f"{who}; every artist of a split needs at least {number}, so that each subset gets some "
            "(photographs of one painting count once): raise the minimum."
        )
    table["group"] = pd.factorize(table["group"])[0]
    part = np.empty(len(table), int)
    dealt = StratifiedGroupKFold(number, shuffle=True, random_state=settings.seed if seed is None else seed)
    for k, (_, members) in enumerate(dealt.split(table, table["artist"], table["group"])):
        part[members] = k
    return table, part


def random_split(paintings: pd.DataFrame, seed: int | None = None) -> pd.DataFrame:
    """The usual way, here to be compared with: 70/15/15, stratified by artist, blind to duplicates."""
    return split_paintings(paintings.assign(group=range(len(paintings))), seed)


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
    """The SHA-256 of what a split holds: pictures by their contents, artists and subsets, whatever order or paths."""
    rows = table[["sha256", "artist", "subset"]].sort_values(["sha256", "artist", "subset"])
    return hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()


def require(table: pd.DataFrame) -> None:
    """Nothing, if a classifier can be trained, chosen and tested on a split.

    Raises:
        SplitError: a subset is empty, there is one artist, or one of them is not in the training set.
    """
    counts = table["subset"].value_counts()
    if missing := [name for name in SUBSETS if not counts.get(name, 0)]:
        raise SplitError(
            f"The split holds no {' and no '.join(missing)} pictures; a model is trained, chosen and tested on "
            "different ones: make a split with `artnb collection split`."
        )
    artists = set(table["artist"])
    if len(artists) < 2:
        raise SplitError(f"The split holds one artist, {artists.pop()!r}; a classifier needs two or more.")
    if absent := sorted(artists - set(table.loc[table["subset"] == "train", "artist"])):
        raise SplitError(f"The split has no training picture by {absent[0]!r}, so no model could know that artist.")


def verify(collection: Collection, rows: pd.DataFrame) -> None:
    """Nothing, if the files of these rows of a split hold the pictures that it was made of.

    Raises:
        SplitError: files are missing, or have other contents than the split says.
    """

    def wrong(path: str, digest: str) -> bool:
        try:
            return sha256(collection.file(path)) != digest
        except OSError:
            return True

    with ThreadPoolExecutor() as pool:
        bad = np.fromiter(pool.map(wrong, rows["path"], rows["sha256"]), bool, len(rows))
    others = rows["path"][bad].tolist()
    if others:
        raise SplitError(
            f"{len(others):,} of the {len(rows):,} pictures of the split are not in the collection in use "
            f"({collection.source}), or are other pictures there, such as {others[0]!r}; point ARTNB_DATA at the "
            "collection that the split was made from, or make a split of this one: artnb collection split -o split.csv"
        )


def save_split(table: pd.DataFrame, file: str | Path) -> None:
    """Write a split as CSV, beside and renamed."""
    with replacing(file) as part:
        table[COLUMNS].to_csv(part, index=False)


def load_split(file: str | Path) -> pd.DataFrame:
    """Read a split that `save_split` wrote.

    Raises:
        SplitError: the file is missing, or isn't such a table.
    """
    try:
        table = pd.read_csv(file, dtype={name: int if name == "group" else str for name in COLUMNS})
        wrong = set(COLUMNS) - set(table) or set(table["subset"]) - set(SUBSETS)
        if not wrong:
            return table
        reason = f"wrong columns or subsets: {', '.join(sorted(map(str, wrong)))}"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise SplitError(
        f"{Path(file).name} is not a split with the columns {', '.join(COLUMNS)} ({reason}); "
        "make one with: artnb collection split -o split.csv"
    )
