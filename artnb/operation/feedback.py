"""Visitors' feedback about the answers they got: recorded, reviewed by a person, exported as labelled pictures."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.common import logs
from artnb.common.files import replacing
from artnb.errors import ArtnbError
from artnb.images import png_bytes, shrink
from artnb.operation.store import MAX_STORE_BYTES, Store, delete_unused_pictures, insert, timestamp, update
from artnb.paintings import catalogue

LONGER_SIDE = 1024  # pixels of a stored picture, at most
VISITOR_ROWS, VISITOR_BYTES = 200, 20 * 1024**2  # limits of one visitor in a day; most give a few rows
MAX_PICTURE_BYTES = MAX_STORE_BYTES // 2  # so that rows can be added when there is no space for pictures
CONTRADICTIONS, FLOOD = 3, 30  # `floods` lists a visitor from so many pictures, or so many rows in an hour, on
SOURCE_FLOOD = 10 * FLOOD  # rows in an hour from one address; a whole class may share one
NAME = re.compile(r"""['’(]?[^\W_][^/\\<>:"|?*]*""")  # no folder may be called otherwise on some system
LONGEST_NAME, LONGEST_FOLDER = 80, 255  # characters, bytes
FEEDBACK_COLUMNS = (
    "id", "time", "model", "version", "visitor", "picture", "said", "probability", "artist", "state", "kept",
    "source",
)  # fmt: skip


class FeedbackError(ArtnbError, ValueError):
    """Feedback that can't be recorded, reviewed or exported."""


def picture_hash(picture: np.ndarray) -> str:
    """SHA-256 of the decoded pixels, uint8 (height, width, 3): identifies a picture without storing it."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()


def can_be_named(artist: str) -> bool:
    """Whether `record_feedback` takes a name: it begins with a letter or a number, and can be that of a folder."""
    fits = artist.isprintable() and len(artist) <= LONGEST_NAME and len(artist.encode()) <= LONGEST_FOLDER
    return fits and bool(NAME.fullmatch(artist))


def record_feedback(
    picture: np.ndarray,
    model: str,
    predicted: str,
    artist: str,
    probability: float | None = None,
    visitor: str = "",
    agreed: bool = False,
    version: str = "",
    source: str = "",
) -> None:
    """Add a visitor's label for a picture to the store; if it is what the model predicted, the model was right.

    Args:
        picture: uint8 (height, width, 3), as `load_image` returns it.
        model: the name of the model.
        predicted: the artist that the model named.
        artist: the artist according to the visitor.
        probability: the model's probability of `predicted`.
        visitor: a random token. It is stored as it is, so don't put a name or an address in it.
        agreed: whether the visitor agreed that the picture is stored. If not, only its hash is. A picture that is
            given several times is stored once.
        version: of the model.
        source: a number that stands for the visitor's address; see `floods`.

    Raises:
        FeedbackError: `artist` is not a valid name, or the visitor has reached a limit of the day.
        StoreError: the store can't be written to, or is full.
    """
    artist = unicodedata.normalize("NFC", artist.strip())
    if not can_be_named(artist):  # it will name a folder, and comes from a stranger
        raise FeedbackError(
            f"Got the artist {artist[:40]!r}; give a name of up to {LONGEST_NAME} characters and {LONGEST_FOLDER} "
            'bytes, without / \\ < > : " | ? *'
        )
    digest, now = picture_hash(picture), datetime.now(UTC)
    row = {
        "time": timestamp(now),
        "model": model,
        "version": version,
        "visitor": visitor,
        "picture": digest,
        "said": predicted,
        "probability": probability,
        "artist": artist,
        "kept": int(agreed),
        "source": source,
        "request": logs.request_number(),
    }
    content = png_bytes(shrink(picture, LONGER_SIDE)) if agreed else b""
    today = [visitor, timestamp(now - timedelta(days=1))]
    with Store.default().transaction("add") as connection:
        (number,) = connection.execute(
            "SELECT COUNT(*) FROM feedback WHERE COALESCE(visitor, '') = ? AND time > ?", today
        ).fetchone()
        if number >= VISITOR_ROWS:
            raise FeedbackError(
                f"This visitor has given feedback {number} times today, which is the limit; come again tomorrow."
            )
        stored = connection.execute("SELECT 1 FROM pictures WHERE picture = ?", [digest]).fetchone()
        if agreed and not stored:
            (size,) = connection.execute(
                "SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM pictures WHERE time > ? AND picture IN "
                "(SELECT picture FROM feedback WHERE kept AND COALESCE(visitor, '') = ?)",
                today[::-1],
            ).fetchone()
            (total,) = connection.execute("SELECT COALESCE(SUM(LENGTH(bytes)), 0) FROM pictures").fetchone()
            if total + len(content) > MAX_PICTURE_BYTES:
                raise FeedbackError("There is no space for more pictures; send the feedback again without the picture.")
            if size + len(content) > VISITOR_BYTES:
                raise FeedbackError(
                    f"This visitor has sent pictures of {size / 1024**2:.0f} MB today, which is the limit; "
                    "send the feedback again without the picture."
                )
            insert(connection, "pictures", {"picture": digest, "time": timestamp(now), "bytes": content})
        insert(connection, "feedback", row)


def load_feedback(store: Store, since: datetime | None = None, until: datetime | None = None) -> pd.DataFrame:
    """The feedback, a row each, without the pictures; `kept` tells whether the picture is stored."""
    return store.read("feedback", FEEDBACK_COLUMNS, since, until).astype({"kept": bool})


def latest_feedback(table: pd.DataFrame) -> pd.DataFrame:
    """The last row of each visitor about each picture and model, because visitors may correct themselves."""
    return table.drop_duplicates(["visitor", "model", "picture"], keep="last")


def floods(table: pd.DataFrame) -> pd.DataFrame:
    """Visitors and addresses whose feedback looks like spam, for a person to check.

    Returns:
        A row per visitor who names two artists for a picture on `CONTRADICTIONS` pictures or more, or gives feedback
        `FLOOD` times or more within an hour, and per address, called "address …", that does so `SOURCE_FLOOD` times:
        visitor, n, pictures, contradictions, most_in_an_hour, against (the share that differs from what most other
        visitors say of the picture). All visitors without a token count as one.
    """
    rows = []
    visitors, addresses = _senders(table)
    senders = [(who, visitors == who, FLOOD, CONTRADICTIONS) for who in sorted(visitors.unique())]
    senders += [(who, addresses == who, SOURCE_FLOOD, len(table) + 1) for who in sorted(addresses.unique()) if who]
    for visitor, own, flood, too_many in senders:
        group = table[own]
        contradictions = int((group.groupby("picture")["artist"].nunique() > 1).sum())
        most_in_an_hour = int(group["time"].dt.floor("h").value_counts().max())
        if contradictions < too_many and most_in_an_hour < flood:
            continue
        others = table[~own].groupby("picture")["artist"].agg(lambda names: names.mode()[0])
        majority = group["picture"].map(others).dropna()
        against = float((group.loc[majority.index, "artist"] != majority).mean()) if len(majority) else float("nan")
        rows.append([visitor, len(group), group["picture"].nunique(), contradictions, most_in_an_hour, against])
    names = ["visitor", "n", "pictures", "contradictions", "most_in_an_hour", "against"]
    return pd.DataFrame(rows, columns=pd.Index(names)).sort_values("n", ascending=False, ignore_index=True)


def flooded(table: pd.DataFrame, floods: pd.DataFrame) -> pd.Series:
    """Which rows of feedback come from one of the visitors or addresses that `floods` lists: true or false of each."""
    visitors, addresses = _senders(table)
    return visitors.isin(floods["visitor"]) | addresses.isin(floods["visitor"])


def _senders(table: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """The visitor and the address of each row; both may be empty."""
    sources = table["source"].fillna("")
    return table["visitor"].fillna(""), ("address " + sources).where(sources != "", "")


def review(store: Store, accept: Sequence[int] = (), reject: Sequence[int] = ()) -> None:
    """Accept and reject rows by their ids; a decision can be changed.

    A picture whose rows are all rejected is deleted, and accepting one of them later does not restore it.

    Raises:
        FeedbackError: a row is in both lists.
        StoreError: there is no such row.
    """
    if both := sorted(set(accept) & set(reject)):
        raise FeedbackError(f"Row {both[0]} is both accepted and rejected; give it once.")
    states = {number: {"state": "accepted"} for number in accept} | {n: {"state": "rejected"} for n in reject}
    with store.transaction("change") as connection:
        update(connection, "feedback", states)
        delete_unused_pictures(connection)


def export_feedback(store: Store, folder: str | Path) -> pd.DataFrame:
    """Write the stored pictures of accepted feedback to a new folder, as `images/Artist_Name/HASH.png`.

    The folder is a collection: `ARTNB_DATA=folder` reads it. Accepted rows without a picture are left out.

    Returns:
        A row per picture: path, artist.

    Raises:
        FeedbackError: no accepted row has a picture, a picture was accepted for two artists, or the folder exists.
        StoreError: the store can't be read.
    """
    folder = Path(folder)
    if folder.exists():
        raise FeedbackError(f"{folder.name!r} exists already; name a new folder.")
    query = (
        "SELECT picture, artist, bytes FROM feedback JOIN pictures USING (picture) WHERE state = 'accepted' AND kept "
        "GROUP BY picture, artist ORDER BY MIN(feedback.time), MIN(id)"
    )
    with store.transaction("read") as connection:
        rows = connection.execute(query).fetchall()
    table = pd.DataFrame(rows, columns=pd.Index(["picture", "artist", "bytes"]))
    if table.empty:
        raise FeedbackError("No accepted feedback has a picture; accept some that has (artnb watch feedback list).")
    if twice := table.loc[table["picture"].duplicated(keep=False), "artist"].unique().tolist():
        raise FeedbackError(
            f"One picture was accepted for {twice[0]} and for {twice[1]}; reject one of them "
            "(artnb watch feedback list)."
        )
    table["path"] = [f"images/{catalogue.folder_name(artist)}/{picture[:16]}.png" for picture, artist, _ in rows]
    with replacing(folder) as part:
        for path, content in zip(table["path"], table["bytes"], strict=True):
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_bytes(content)
    return table[["path", "artist"]]
