"""Tables about the paintings themselves."""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestCentroid

from artnb.classification.evaluation import bootstrap
from artnb.images import load_image
from artnb.paintings import random_split
from artnb.paintings.splits import SUBSETS, leaks
from artnb.settings import settings
from tools.results.runs import Runs


def collection(runs: Runs) -> pd.DataFrame:
    """Files, artists, files that show the same painting, and what a random split would have leaked.

    One row; and an empty one for the whole archive, if this is not it.
    """
    prepared, found = runs.prepared, runs.prepared.audit
    at_random = random_split(prepared.paintings)
    row: dict[str, Any] = {"collection": "this one", "files": found.files, "artists": found.artists}
    row |= {"exact_pairs": len(found.exact_duplicates), "near_pairs": len(found.near_duplicates)}
    row |= {"chosen_artists": len(prepared.class_names), "paintings": len(prepared.table)}
    row |= {subset: int((prepared.table["subset"] == subset).sum()) for subset in SUBSETS}
    row |= {"held_out_at_random": int((at_random["subset"] != "train").sum())}
    row |= {"leaked_at_random": len(leaks(at_random, found.duplicates))}
    return _and_the_archive(pd.DataFrame([row]))


def _and_the_archive(table: pd.DataFrame) -> pd.DataFrame:
    """The table with an empty row for the whole archive, whose files are larger and more, if this is not it."""
    missing = {table.columns[0]: "the whole archive", "needs": "ARTNB_SOURCE=kaggle"}
    rows = [missing] if settings.source != "kaggle" else []
    return pd.concat([table.assign(needs=""), pd.DataFrame(rows)], ignore_index=True)


def artists(runs: Runs) -> pd.DataFrame:
    """Number, size in pixels and mean colour of each artist's paintings.

    A row per chosen artist: medians of sizes, means of colours (R, G, B in [0, 255]) and their standard deviation
    from painting to painting.
    """
    sizes, colours = _sizes_and_colours(runs)
    table = runs.prepared.table[["artist"]].assign(width=sizes[:, 1], height=sizes[:, 0])
    table[["red", "green", "blue"]] = colours
    by_artist = table.groupby("artist")
    found = by_artist[["width", "height"]].median().join(by_artist[["red", "green", "blue"]].mean())
    found.insert(0, "paintings", by_artist.size())
    deviation = by_artist[["red", "green", "blue"]].std().mean(axis=1)
    return _and_the_archive(found.assign(standard_deviation=deviation).round(1).reset_index())


def colours(runs: Runs) -> pd.DataFrame:
    """How often the nearest centroid of mean colours names the artist.

    One row: right on validation and test, and the share of the largest class of the test.
    """
    _, means = _sizes_and_colours(runs)
    part = {subset: (runs.prepared.table["subset"] == subset).to_numpy() for subset in SUBSETS}
    artist = runs.prepared.table["artist"].to_numpy(str)
    centroids = NearestCentroid().fit(means[part["train"]], artist[part["train"]])
    right = {subset: centroids.predict(means[part[subset]]) == artist[part[subset]] for subset in SUBSETS}
    low, high = bootstrap(right["test"])
    largest = pd.Series(artist[part["test"]]).value_counts(normalize=True).iloc[0]
    row = {"validation": right["validation"].mean(), "test": right["test"].mean(), "low": low, "high": high}
    return pd.DataFrame([row | {"largest_class": largest}]).round(4)


def _sizes_and_colours(runs: Runs) -> tuple[np.ndarray, np.ndarray]:
    """(n, 2), heights and widths, and (n, 3), mean colours, of the split's paintings."""
    images = (load_image(runs.prepared.collection.file(path)) for path in runs.prepared.table["path"])
    found = [(image.shape[:2], image.mean(axis=(0, 1))) for image in images]
    sizes, means = zip(*found, strict=True)
    return np.array(sizes), np.array(means)
