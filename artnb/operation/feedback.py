"""What visitors say of the answers they got: kept, looked through by a person, exported as labelled pictures."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.common.files import replacing
from artnb.errors import ArtnbError
from artnb.images import png_bytes, shrink
from artnb.operation.store import MAX_STORE_BYTES, Store, insert, timestamp, update
from artnb.paintings import catalogue

LONGER_SIDE = 1024  # pixels of a picture that is kept, at most
VISITOR_ROWS, VISITOR_BYTES = 200, 20 * 1024**2  # that one visitor may leave in a day; an honest one leaves a few
MAX_PICTURE_BYTES = MAX_STORE_BYTES // 2  # so that words still find room when pictures do not
CONTRADICTIONS, FLOOD = 3, 30  # from how many pictures, and rows in an hour, on a visitor is shown by name
NAME = re.compile(r"[^\W\d_][\w .,'’-]{0,79}")
COLUMNS = ("id", "time", "model", "version", "visitor", "picture", "said", "probability", "artist", "state")


class FeedbackError(ArtnbError, ValueError):
    """Feedback that can't be reviewed or exported as it was asked."""


def picture_hash(picture: np.ndarray) -> str:
    """What tells pictures apart without showing them: SHA-256 of the decoded pixels, uint8 (height, width, 3)."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()


def record(
    picture: np.ndarray,
    model: str,
    said: str,
    artist: str,
    probability: float | None = None,
    visitor: str = "",
    agreed: bool = False,
    version: str = "",
) -> None:
    """Note whose work a picture is, in the words of a visitor; if that is what the model said, it was right.

    Args:
        picture: uint8 (height, width, 3), as `load_image` returns it.
        model: the name of the model that was asked.
        said: the artist that it named.
        artist: the artist whose work it is.
        probability: what the model gave `said`.
        visitor: a random token; whatever else it holds is stored, so let it hold no name and no address.
        agreed: whether the visitor agreed that the picture is kept. Without that, only its hash is. The same picture
            is kept once, however often it is given.
        version: of the model.

    Raises:
        FeedbackError: the artist's name can't be one, or the visitor has said or given enough for a day.
        StoreError: it can't be written, or the store is full.
    """
    artist = unicodedata.normalize("NFC", artist.strip())
    if not NAME.fullmatch(artist):  # it will name a folder, and comes from a stranger
        raise FeedbackError(f"Got the artist {artist[:40]!r}; give a name of letters, up to 80 of them.")
    digest, now = picture_hash(picture), datetime.now(UTC)
    row = {
        "time": timestamp(now),
        "model": model,
        "version": version,
        "visitor": visitor,
        "picture": digest,
        "said": said,
        "probability": probability,
        "artist": artist,
        "kept": int(agreed),
    }
    content = png_bytes(shrink(picture, LONGER_SIDE)) if agreed else b""
    today = [visitor, timestamp(now - timedelta(days=1))]
    with Store.default().transaction("add") as connection:
        (rows,) = connection.execute(
            "SELECT COUNT(*) FROM feedback WHERE COALESCE(visitor, '') = ? AND time > ?", today
        ).fetchone()
        if rows >= VISITOR_ROWS:
            raise FeedbackError(
                f"This visitor has said {rows} things today, and no more are noted; come again tomorrow."
            )
        known = connection.execute("SELECT 1 FROM pictures WHERE picture = ?", [digest]).fetchone()
        if agreed and not known:
            (size,) = connection.execute(
                "SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM pictures WHERE time > ? AND picture IN "
                "(SELECT picture FROM feedback WHERE kept AND COALESCE(visitor, '') = ?)",
                today[::-1],
            ).fetchone()
            (all_of_them,) = connection.execute("SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM pictures").fetchone()
            if all_of_them + len(content) > MAX_PICTURE_BYTES:
                raise FeedbackError("No more pictures are kept at present; tell us again without the picture.")
            if size + len(content) > VISITOR_BYTES:
                raise FeedbackError(
                    f"This visitor has left pictures of {size / 1024**2:.0f} MB today, and no more are kept; "
                    "tell us again without the picture."
                )
            insert(connection, "pictures", {"picture": digest, "time": timestamp(now), "bytes": content})
        insert(connection, "feedback", row)


def load(store: Store, since: datetime | None = None, until: datetime | None = None) -> pd.DataFrame:
    """What visitors said, a row each, without the pictures; `kept` says whether there is one."""
    return store.read("feedback", [*COLUMNS, "kept"], since, until).astype({"kept": bool})


def counted(table: pd.DataFrame) -> pd.DataFrame:
    """One row per visitor, model and picture: the last, for a visitor may think again."""
    return table.drop_duplicates(["visitor", "model", "picture"], keep="last")


def floods(table: pd.DataFrame) -> pd.DataFrame:
    """Visitors whose feedback is to be looked at before it is believed.

    Returns:
        A row per visitor who names two artists for a picture on `CONTRADICTIONS` pictures or more, or says something
        `FLOOD` times or more within an hour: visitor, n, pictures, contradictions, most_in_an_hour, against (the share
        that differs from what most other visitors say of the picture). Whoever gave no token counts as one visitor.
    """
    rows = []
    for visitor, said in table.assign(visitor=table["visitor"].fillna("")).groupby("visitor"):
        contradictions = int((said.groupby("picture")["artist"].nunique() > 1).sum())
        hours = int(said["time"].dt.floor("h").value_counts().max())
        if contradictions < CONTRADICTIONS and hours < FLOOD:
            continue
        others = table[table["visitor"] != visitor].groupby("picture")["artist"].agg(lambda names: names.mode()[0])
        heard = said["picture"].map(others).dropna()
        against = float((said.loc[heard.index, "artist"] != heard).mean()) if len(heard) else float("nan")
        rows.append([visitor, len(said), said["picture"].nunique(), contradictions, hours, against])
    names = ["visitor", "n", "pictures", "contradictions", "most_in_an_hour", "against"]
    return pd.DataFrame(rows, columns=pd.Index(names)).sort_values("n", ascending=False, ignore_index=True)


def review(store: Store, accept: Sequence[int] = (), reject: Sequence[int] = ()) -> None:
    """Accept and reject rows by their ids; a decision can be changed.

    A picture that only rejected rows are about is deleted, and does not come back if one of them is accepted later.

    Raises:
        FeedbackError: a row is in both lists.
        StoreError: there is no such row.
    """
    if both := sorted(set(accept) & set(reject)):
        raise FeedbackError(f"Row {both[0]} is both accepted and rejected; decide.")
    decided = {number: {"state": "accepted"} for number in accept} | {n: {"state": "rejected"} for n in reject}
    with store.transaction("change") as connection:
        update(connection, "feedback", decided)
        connection.execute(
            "DELETE FROM pictures WHERE picture NOT IN "
            "(SELECT picture FROM feedback WHERE kept AND state != 'rejected' AND picture IS NOT NULL)"
        )
        connection.execute("UPDATE feedback SET kept = 0 WHERE kept AND picture NOT IN (SELECT picture FROM pictures)")


def export(store: Store, folder: str | Path) -> pd.DataFrame:
    """Write the accepted pictures that visitors let us keep as a new folder, `images/Artist_Name/HASH.png`.

    That is a collection: `ARTNB_DATA=folder` reads it. What was accepted without its picture is left out.

    Returns:
        A row per picture: path, artist.

    Raises:
        FeedbackError: there is nothing to export, one picture was accepted for two artists, or the folder is there.
    """
    folder = Path(folder)
    if folder.exists():
        raise FeedbackError(f"{folder.name!r} is there already; name a new folder.")
    table = store.read("feedback", ["picture", "artist", "state", "kept"])
    table = table[(table["state"] == "accepted") & (table["kept"] == 1)].drop_duplicates(["picture", "artist"])
    if table.empty:
        raise FeedbackError("No feedback is accepted whose picture may be kept; see: artnb feedback list")
    if twice := table.loc[table["picture"].duplicated(keep=False), "artist"].unique().tolist():
        raise FeedbackError(
            f"One picture was accepted for {twice[0]} and for {twice[1]}; reject one of them (artnb feedback list)."
        )
    rows = []
    with replacing(folder) as part:
        for picture, artist in table[["picture", "artist"]].to_numpy():
            path = f"images/{catalogue.folder_name(artist)}/{picture[:16]}.png"
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_bytes(store.picture(picture))
            rows.append([path, artist])
    return pd.DataFrame(rows, columns=pd.Index(["path", "artist"]))
