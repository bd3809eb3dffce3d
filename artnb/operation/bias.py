"""For whom does a model work worse? Accuracy and confidence by artist, nationality, genre and century."""

import numpy as np
import pandas as pd

from artnb.common import extras
from artnb.errors import ArtnbError
from artnb.paintings import catalogue

GROUPINGS = ("artist", "nationality", "genre", "century")
SMALL = 30  # pictures below which a group's figures say little


class BiasError(ArtnbError, ValueError):
    """There are no answers to compare."""


def by_group(answers: pd.DataFrame, artists: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and confidence of each group.

    Args:
        answers: a row per picture: `artist` (the right one), `right` (bool), `confidence` (0 to 1).
        artists: `name`, `nationality`, `genre` and `years`, as in a collection. An artist with two nationalities or
            genres counts for both; the century is that of the middle of a life.

    Returns:
        A row per group: grouping, group, n, accuracy, low and high (Wilson's 95 % interval), confidence (mean),
        `small` (fewer than `SMALL` pictures), and `worse`: the accuracy is below that of all other pictures, at 5 %
        after Bonferroni's correction for the groups (Fisher's exact test). The least accurate come first.

    Raises:
        BiasError: there are no answers.
    """
    from scipy.stats import fisher_exact

    with extras.needed("operation", "Watching the models needs"):
        from statsmodels.stats.proportion import proportion_confint

    if answers.empty:
        raise BiasError("There is no answer whose right artist is known; give pictures with their artists.")
    groups_of = _groups_by_artist(artists)
    tables = []
    for grouping in GROUPINGS:
        labelled = answers.merge(groups_of[grouping], how="left", left_on="artist", right_on="name")
        rows = []
        for group, members in labelled.dropna(subset="group").groupby("group"):
            n, right = len(members), int(members["right"].sum())
            others = answers[~answers["artist"].isin(members["artist"])]
            contingency = [[right, n - right], [int(others["right"].sum()), int((~others["right"]).sum())]]
            low, high = proportion_confint(right, n, method="wilson")
            p = float(fisher_exact(contingency, alternative="less").pvalue)
            rows.append([grouping, group, n, right / n, low, high, float(members["confidence"].mean()), n < SMALL, p])
        columns = ["grouping", "group", "n", "accuracy", "low", "high", "confidence", "small", "worse"]
        table = pd.DataFrame(rows, columns=pd.Index(columns))
        if len(table):
            table["worse"] = table["worse"] * len(table) < 0.05
            tables.append(table.sort_values("accuracy", kind="stable"))
    return pd.concat(tables, ignore_index=True)


def bias_report(groups: pd.DataFrame) -> str:
    """The table of `by_group` as text, followed by a line per grouping with its worst and its smallest group."""
    lines = []
    for grouping, rows in groups.groupby("grouping", sort=False):
        labels = [f"{group} ({share:.0%} of {n})" for group, share, n in rows[["group", "accuracy", "n"]].to_numpy()]
        worse = ", ".join(np.array(labels)[rows["worse"].to_numpy(bool)])
        lines.append(
            f"{grouping}: worse than the others: {worse or 'none beyond chance'}; lowest: {labels[0]}; "
            f"smallest: {labels[int(rows['n'].to_numpy().argmin())]}"
        )
    return "\n".join([groups.round(3).to_string(index=False), "", *lines])


def _groups_by_artist(artists: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """For each grouping a table of `name` and `group`, a row per group that an artist is in."""
    tables = {"artist": pd.DataFrame({"name": artists["name"], "group": artists["name"]})}
    for grouping in ("nationality", "genre"):
        split = artists[["name", grouping]].assign(group=artists[grouping].str.split(",")).explode("group")
        tables[grouping] = split[["name"]].assign(group=split["group"].str.strip())
    lives = catalogue.lifetimes(artists)
    centuries = ((lives["born"] + lives["died"]) // 2 // 100 + 1).map(_century, na_action="ignore")
    tables["century"] = pd.DataFrame({"name": lives["name"], "group": centuries})
    return tables


def _century(number: int) -> str:
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th") if number // 10 != 1 else "th"
    return f"{number}{suffix} century"
