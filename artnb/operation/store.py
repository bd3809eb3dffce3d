"""One SQLite file for all that running models leave behind: their predictions, what visitors say, and their pictures.

In WAL mode many processes may write and read at once, and a process that dies in the middle of a row leaves none of it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from artnb.errors import ArtnbError
from artnb.settings import settings

# `visitor` is a random token of one visit or one browser: it tells visitors apart and nobody who they are.
TABLES = {
    "predictions": """
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, model TEXT NOT NULL, version TEXT, visitor TEXT, picture TEXT,
        artist TEXT, probability REAL, probabilities TEXT, unfamiliar INTEGER, distance REAL,
        statistics TEXT, embedding BLOB, measures TEXT, seconds REAL, error TEXT""",
    "feedback": """
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, model TEXT NOT NULL, version TEXT, visitor TEXT, picture TEXT,
        said TEXT NOT NULL, probability REAL, artist TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'new',
        kept INTEGER NOT NULL DEFAULT 0""",
    # Bytes of the pictures that visitors let us keep, each once; `kept` rows of feedback name them by `picture`.
    "pictures": "picture TEXT PRIMARY KEY, time TEXT NOT NULL, bytes BLOB NOT NULL",
}
FORMAT = 2
# What strangers write must have an end: some 200,000 answers with their features, or 1,000 large pictures.
MAX_STORE_BYTES = 1024**3


class StoreError(ArtnbError):
    """The store can't be read or written, or holds no such row."""


class Store:
    """The tables of `TABLES` in one file.

    Args:
        file: made when something is first written.
    """

    def __init__(self, file: str | Path):
        self.file = Path(file)

    @classmethod
    def default(cls) -> "Store":
        """The one of these settings: `operation.sqlite` in their home."""
        return cls(settings.home / "operation.sqlite")

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows, all or none of them; they are on the disk when this returns.

        A row without a `time` gets the present one.

        Raises:
            StoreError: the file can't be written to, is full, or is no store.
        """
        with self.transaction("add") as connection:
            for row in rows:
                insert(connection, table, row)

    def update(self, table: str, changes: Mapping[int, Mapping[str, Any]]) -> None:
        """Change columns of rows, by their ids: all of the changes or none.

        Raises:
            StoreError: there is no row of one of these ids, or the file can't be used.
        """
        with self.transaction("change") as connection:
            update(connection, table, changes)

    def read(
        self, table: str, columns: Sequence[str], since: datetime | None = None, until: datetime | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Rows in the order of their times, `time` as timestamps in UTC; none if nothing was ever written.

        Args:
            table: of `TABLES`.
            columns: which.
            since: the first moment that is wanted.
            until: the first that is not wanted any more.
            limit: no more than so many rows, the latest.

        Raises:
            StoreError: the file can't be read, or is no store.
        """
        ends = timestamp(since) if since else "", timestamp(until) if until else "9999"
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE time >= ? AND time < ? ORDER BY time DESC, rowid DESC"
        if not self.file.is_file():
            return pd.DataFrame(columns=pd.Index(columns))
        with self.transaction("read") as connection:
            rows = connection.execute(f"{query} LIMIT ?", [*ends, -1 if limit is None else limit]).fetchall()
        found = pd.DataFrame(rows[::-1], columns=pd.Index(columns))
        if "time" in columns:
            found["time"] = pd.to_datetime(found["time"], format="ISO8601", utc=True)
        return found

    def picture(self, digest: str) -> bytes:
        """The bytes of a picture that is kept.

        Raises:
            StoreError: it is not.
        """
        with self.transaction("read") as connection:
            found = connection.execute("SELECT bytes FROM pictures WHERE picture = ?", [digest]).fetchone()
        if found is None:
            raise StoreError(f"The picture {digest[:12]} is not kept any more.")
        return found[0]

    @contextmanager
    def transaction(self, mode: Literal["read", "change", "add"]) -> Iterator[sqlite3.Connection]:
        """A connection that commits at the end, or nothing of it if the block raises.

        Args:
            mode: what for. Of "change" and "add", nobody else writes meanwhile; for "add" the store must have room.
                After "change", what was deleted is in the file's log no more, unless somebody reads at that moment:
                then it goes with the next change, or when nobody has the file open any more.

        Raises:
            StoreError: the file can't be used, is full, or is no store.
        """
        try:
            if not self.file.is_file():
                self._make()
            with closing(sqlite3.connect(self.file, timeout=60, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete = ON")  # a deleted picture is gone from the file, too
                self._bring_up(connection)
                connection.execute("BEGIN" if mode == "read" else "BEGIN IMMEDIATE")
                try:
                    if mode == "add" and (used := _bytes_used(connection)) >= MAX_STORE_BYTES:
                        raise StoreError(
                            f"{self.file.name!r} is full ({used / 1024**2:,.0f} MB); move the file away and a new one "
                            "is begun, or reject feedback whose pictures fill it (artnb feedback review)."
                        )
                    yield connection
                except BaseException:
                    _roll_back(connection)
                    raise
                connection.execute("COMMIT")
                if mode == "change":
                    _empty_log(connection)
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StoreError(
                f"{self.file.name!r} can't be used ({reason}); see that its folder can be written to and has space, "
                "or move the file away and a new one is begun."
            ) from error

    def _bring_up(self, connection: sqlite3.Connection) -> None:
        """Make a store of an older artnb one of this, once."""
        if _format(connection) == FORMAT:
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            if (version := _format(connection)) == 1:  # its feedback held the bytes, once for each row
                connection.execute(f"CREATE TABLE pictures ({TABLES['pictures']})")
                connection.execute("CREATE INDEX pictures_time ON pictures (time)")
                connection.execute(
                    "INSERT OR IGNORE INTO pictures SELECT picture, time, bytes FROM feedback "
                    "WHERE bytes IS NOT NULL AND picture IS NOT NULL AND state != 'rejected'"
                )
                connection.execute("ALTER TABLE feedback ADD COLUMN kept INTEGER NOT NULL DEFAULT 0")
                connection.execute("UPDATE feedback SET kept = 1 WHERE bytes IS NOT NULL AND state != 'rejected'")
                connection.execute("ALTER TABLE feedback DROP COLUMN bytes")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            elif version != FORMAT:
                raise StoreError(
                    f"{self.file.name!r} has format {version}, this artnb reads {FORMAT}; use the artnb that wrote it, "
                    "or move the file away and a new one is begun."
                )
        except BaseException:
            _roll_back(connection)
            raise
        connection.execute("COMMIT")
        _empty_log(connection)

    def _make(self) -> None:
        """Begin the file; WAL can't be turned on while others write, so only one process does it."""
        from filelock import FileLock

        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.file.with_name(f".{self.file.name}.lock")):
            if self.file.is_file():
                return
            part = self.file.with_name(f".{self.file.name}.part")
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(part)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                for table, columns in TABLES.items():
                    connection.execute(f"CREATE TABLE {table} ({columns})")
                    connection.execute(f"CREATE INDEX {table}_time ON {table} (time)")
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            part.replace(self.file)


def update(connection: sqlite3.Connection, table: str, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Change columns of rows, by their ids.

    Raises:
        StoreError: there is no row of one of these ids.
    """
    for number, values in changes.items():
        assigned = ", ".join(f"{name} = ?" for name in values)
        done = connection.execute(f"UPDATE {table} SET {assigned} WHERE id = ?", [*values.values(), number])
        if done.rowcount != 1:
            raise StoreError(f"There is no row {number} in {table}; nothing was changed.")


def insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    """Add one row; without a `time` it gets the present one."""
    row = {"time": timestamp(datetime.now(UTC)), **row}
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


def _roll_back(connection: sqlite3.Connection) -> None:
    """Undo what was begun; SQLite has done it already if the disk was full, and would say so instead of that."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _empty_log(connection: sqlite3.Connection) -> None:
    """Move what is in the WAL into the file and cut it to nothing: it still holds what was deleted from the file."""
    connection.execute("PRAGMA busy_timeout = 2000")  # milliseconds; whoever reads for longer is not waited for
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _format(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _bytes_used(connection: sqlite3.Connection) -> int:
    """What is in the file, without the pages that were freed and will be used again."""
    size, all_pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return size * (all_pages - free)


def timestamp(time: datetime) -> str:
    """A moment as it is stored: ISO 8601 in UTC to the millisecond, so that texts sort as times do."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as JSON can hold them: times in ISO 8601, what is missing as None."""
    return json.loads(table.to_json(orient="records", date_format="iso"))
