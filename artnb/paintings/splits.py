"""Choosing the artists, and splitting their paintings so that no painting is on two sides.

A split is a table with the columns `path`, `artist`, `group` and `subset`. Pictures of one group show the same
painting, so they are always in one subset: "train", "validation" or "test".
"""

import hashlib
from collections.abc import Collection as SizedIterable
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.errors import ArtnbError
from artnb.files import replacing
from artnb.paintings.audit import groups
from artnb.paintings.sources import Collection
from artnb.settings import settings

SUBSETS = ("train", "validation", "test")
# The paintings are dealt into twenty folds of 5 %; these many of them make up each subset: 70 %, 15 %, 15 %.
FOLDS = {"train": 14, "validation": 3, "test": 3}

Pairs = Iterable[tuple[str, str]]


class SplitError(ArtnbError, ValueError):
    """A split can't be made, or a table isn't one."""


def choose(
    collection: Collection, min_paintings: int | None = None, leave_out: SizedIterable[str] = ()
) -> pd.DataFrame:
    """The paintings (`path`, `artist`) of the artists with at least `min_paintings` files.

    Args:
        collection: the files are counted, not the `paintings` column of the artists' table.
        min_paintings: by default the collection's own threshold, the archive's 200 or the studio's 60.
        leave_out: paths that don't count, such as the audit's unreadable files.

    Raises:
        SplitError: fewer than two artists have that many.
    """
    least = collection.min_paintings if min_paintings is None else min_paintings
    paintings = collection.paintings[~collection.paintings["path"].isin(list(leave_out))]
    counts = paintings["artist"].value_counts()
    chosen = counts.index[counts >= least]
    if len(chosen) < 2:
        largest = ", ".join(f"{artist} {count}" for artist, count in counts.head(2).items())
        raise SplitError(
            f"{len(chosen)} artists have at least {least} paintings, a classifier needs two; "
            f"the largest are {largest}: lower the minimum."
        )
    return paintings[paintings["artist"].isin(chosen)].reset_index(drop=True)


def split(paintings: pd.DataFrame, duplicates: Pairs, seed: int = settings.seed) -> pd.DataFrame:
    """Split 70/15/15, stratified by artist, the pictures of one painting always together.

    Args:
        paintings: `path` and `artist`, as from `choose`; at least 20 per artist.
        duplicates: pairs of paths that show the same painting, as the audit finds them.
        seed: the same seed gives the same table.

    Returns:
        `paintings` with `group` (whole numbers; the same number: the same painting) and `subset`.

    Raises:
        SplitError: an artist has fewer than 20 paintings, too few for every subset to get some.
    """
    table, part = _parts(paintings, duplicates, sum(FOLDS.values()), seed)
    return table.assign(subset=np.repeat(np.array(list(FOLDS), object), list(FOLDS.values()))[part])


def folds(paintings: pd.DataFrame, duplicates: Pairs, number: int, seed: int = settings.seed) -> list[pd.DataFrame]:
    """Splits for cross-validation: each painting is in the test of exactly one of them, groups always together.

    In the k-th split the k-th part is the test and the next one the validation.

    Args:
        paintings: `path` and `artist`, as from `choose`.
        duplicates: pairs of paths that show the same painting.
        number: how many parts, 3 to 20.
        seed: the same seed gives the same tables.

    Raises:
        SplitError: the number is another, or an artist has fewer paintings than that.
    """
    if not 3 <= number <= 20:
        raise SplitError(f"Cross-validation got {number} folds; give 3 to 20, for train, validation and test.")
    table, part = _parts(paintings, duplicates, number, seed)
    names = np.array(["test", "validation", *["train"] * (number - 2)], object)
    return [table.assign(subset=names[(part - k) % number]) for k in range(number)]


def _parts(paintings: pd.DataFrame, duplicates: Pairs, number: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Deal whole groups into equal parts, stratified by artist: the table with its groups, and each row's part."""
    from sklearn.model_selection import StratifiedGroupKFold

    table = paintings[["path", "artist"]].sort_values("path", ignore_index=True)
    few = table["artist"].value_counts()
    if few.empty or few.min() < number:
        raise SplitError(
            f"{few.idxmin() if len(few) else 'Nobody'} has {few.min() if len(few) else 0} paintings; every artist of a "
            f"split needs at least {number}, so that each subset gets some: raise the minimum."
        )
    table["group"] = groups(table, duplicates)
    part = np.empty(len(table), int)
    dealt = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    for k, (_, members) in enumerate(dealt.split(table, table["artist"], table["group"])):
        part[members] = k
    return table, part


def random_split(paintings: pd.DataFrame, seed: int = settings.seed) -> pd.DataFrame:
    """The usual way, here to be compared with: 70/15/15, stratified by artist, blind to duplicates."""
    return split(paintings, duplicates=(), seed=seed)


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


def split_hash(table: pd.DataFrame) -> str:
    """Twelve hexadecimal digits that change with any path, artist or subset, but not with the order of rows."""
    rows = table[["path", "artist", "subset"]].sort_values("path")
    return hashlib.sha256(rows.to_csv(index=False).encode()).hexdigest()[:12]


def save_split(table: pd.DataFrame, file: str | Path) -> None:
    """Write a split as CSV, beside and renamed."""
    with replacing(file) as part:
        table[["path", "artist", "group", "subset"]].to_csv(part, index=False)


def load_split(file: str | Path) -> pd.DataFrame:
    """Read a split that `save_split` wrote.

    Raises:
        SplitError: the file is missing, or isn't such a table.
    """
    try:
        table = pd.read_csv(file, dtype={"path": str, "artist": str, "group": int, "subset": str})
        wrong = {"path", "artist", "group", "subset"} - set(table) or set(table["subset"]) - set(SUBSETS)
        if not wrong:
            return table
        reason = f"wrong columns or subsets: {', '.join(sorted(map(str, wrong)))}"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise SplitError(
        f"{Path(file).name} is not a split with the columns path, artist, group and subset ({reason}); "
        "make one with: artnb collection split -o split.csv"
    )
