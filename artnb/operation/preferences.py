"""Which of two painted pictures of one photograph visitors prefer."""

from datetime import datetime

import numpy as np
import pandas as pd

from artnb.common import logs
from artnb.operation.experiments import preference
from artnb.operation.store import Store


def record_preference(preferred: str, other: str, visitor: str = "", source: str = "") -> None:
    """Add a visitor's preference to the store.

    Args:
        preferred: what painted the picture that the visitor prefers: a model, or a network with its settings.
        other: what painted the other one.
        visitor: a random token.
        source: a number that stands for the visitor's address.

    Raises:
        StoreError: the store can't be written to, or is full.
    """
    row = {"model": preferred, "other": other, "visitor": visitor, "source": source, "request": logs.request_number()}
    Store.default().add("preferences", [row])
    logs.event("page.preferred", **row)


def load_preferences(store: Store, since: datetime | None = None, until: datetime | None = None) -> pd.DataFrame:
    """How often each of two painters was preferred; each visitor counts once for a pair, with the last word.

    Returns:
        A row per pair: model, other, n (visitors), share (of those who prefer the model), low and high (Wilson's 95 %
        interval).

    Raises:
        StoreError: the store can't be read.
    """
    rows = store.read("preferences", ["id", "visitor", "model", "other"], since, until)
    pairs = np.sort(rows[["model", "other"]].to_numpy(str), axis=1)
    rows = rows.assign(
        first=pairs[:, 0],
        second=pairs[:, 1],
        who=rows["visitor"].where(rows["visitor"].fillna("") != "", rows["id"].astype(str)),
    )
    table = []
    last = rows.drop_duplicates(["first", "second", "who"], keep="last")
    for (model, other), group in last.groupby(["first", "second"]):
        result = preference(int((group["model"] == model).sum()), len(group))
        table.append([model, other, result.n, result.share, result.low, result.high])
    return pd.DataFrame(table, columns=pd.Index(["model", "other", "n", "share", "low", "high"]))
