"""One SQLite file for the data of models in use: logged predictions, visitors' feedback, and their pictures.

In WAL mode many processes can read and write at once, and a process that dies while writing a row leaves no part of it.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from artnb.errors import ArtnbError
from artnb.settings import settings

# `visitor` is a random token of one visit or one browser: it distinguishes visitors without identifying them. `source`
# does the same for addresses, and `request` for questions: it is the same in the rows and events of one question.
TABLES = {
    "predictions": """
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, model TEXT NOT NULL, version TEXT, visitor TEXT, picture TEXT,
        artist TEXT, probability REAL, probabilities TEXT, unfamiliar INTEGER, distance REAL,
        statistics TEXT, embedding BLOB, measures TEXT, seconds REAL, error TEXT, stopped INTEGER, request TEXT""",
    "feedback": """
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, model TEXT NOT NULL, version TEXT, visitor TEXT, picture TEXT,
        said TEXT NOT NULL, probability REAL, artist TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'new',
        kept INTEGER NOT NULL DEFAULT 0, source TEXT, request TEXT""",
    # Pictures that visitors agreed to have stored, each once; rows of feedback with `kept` = 1 refer to them.
    "pictures": "picture TEXT PRIMARY KEY, time TEXT NOT NULL, bytes BLOB NOT NULL",
    # Of two painted pictures of one photograph, which a visitor prefers, and which not.
    "preferences": """
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, visitor TEXT, source TEXT, request TEXT,
        model TEXT NOT NULL, version TEXT, other TEXT NOT NULL, other_version TEXT""",
    # Experiments that were started, see `assignment`; `time` is when.
    "experiments": "name TEXT PRIMARY KEY, time TEXT NOT NULL, plan TEXT NOT NULL, ended TEXT, verdict TEXT",
}
OF_VISITORS = ("predictions", "feedback", "preferences")  # the tables with a `visitor`
FORMAT = 3
_NEW_IN_3 = {"predictions": ("stopped INTEGER", "request TEXT"), "feedback": ("source TEXT", "request TEXT")}
# A limit, because strangers write to it: about 200,000 predictions with their embeddings, or 1,000 large pictures.
MAX_STORE_BYTES = 1024**3


class StoreError(ArtnbError):
    """The store can't be read or written to, or has no such row."""


class Store:
    """The tables of `TABLES` in one file.

    Args:
        file: created when something is first written.
    """

    def __init__(self, file: str | Path):
        self.file = Path(file)

    @classmethod
    def default(cls) -> "Store":
        """The store of the settings in use: `operation.sqlite` in `ARTNB_HOME`."""
        return cls(settings.home / "operation.sqlite")

    def add(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, all or none of them; they are on the disk when this returns.

        A row without a `time` gets the current time.

        Raises:
            StoreError: the file can't be written to, is full, or is not a store.
        """
        with self.transaction("add") as connection:
            for row in rows:
                insert(connection, table, row)

    def read(
        self, table: str, columns: Sequence[str], since: datetime | None = None, until: datetime | None = None,
        limit: int | None = None,
    ) -> pd.DataFrame:  # fmt: skip
        """Rows ordered by time, `time` as timestamps in UTC; an empty table if there is no file yet.

        Args:
            table: of `TABLES`.
            columns: which.
            since: the first moment to include.
            until: the first moment to leave out.
            limit: the number of rows at most, the latest.

        Raises:
            StoreError: the file can't be read, or is not a store.
        """
        ends = timestamp(since) if since else "", timestamp(until) if until else "9999"
        query = f"SELECT {', '.join(columns)} FROM {table} WHERE time >= ? AND time < ? ORDER BY time DESC, rowid DESC"
        latest_first = self._table(f"{query} LIMIT ?", [*ends, -1 if limit is None else limit], columns)
        return latest_first.iloc[::-1].reset_index(drop=True)

    def _table(self, query: str, values: Sequence[object], columns: Sequence[str]) -> pd.DataFrame:
        if not self.file.is_file():
            return pd.DataFrame(columns=pd.Index(columns))
        with self.transaction("read") as connection:
            rows = connection.execute(query, values).fetchall()
        result = pd.DataFrame(rows, columns=pd.Index(columns))
        if "time" in columns:
            result["time"] = pd.to_datetime(result["time"], format="ISO8601", utc=True)
        return result

    def forget(self, visitor: str | None = None, before: datetime | None = None) -> int:
        """Delete what was saved of a visitor, of all before a moment, or both, and the pictures that nobody else sent.

        Args:
            visitor: a token; by default all visitors.
            before: the first moment to keep; by default all moments.

        Returns:
            How many rows were deleted.

        Raises:
            StoreError: neither is given, or the store can't be written to.
        """
        if visitor is None and before is None:
            raise StoreError("Nothing says what to forget; give a visitor, a date, or both.")
        if not self.file.is_file():
            return 0
        with self.transaction("change") as connection:
            number = 0
            for table in OF_VISITORS:
                number += connection.execute(
                    f"DELETE FROM {table} WHERE (? IS NULL OR visitor = ?) AND time < ?",
                    [visitor, visitor, timestamp(before) if before else "9999"],
                ).rowcount
            delete_unused_pictures(connection)
        return number

    def first(
        self, table: str, columns: Sequence[str], by: str, filled: str, number: int, until: datetime
    ) -> pd.DataFrame:
        """The first rows of each value of a column, as `read` returns them.

        Args:
            table: of `TABLES`.
            columns: which, `time` among them.
            by: the column whose values are told apart.
            filled: a column that must hold something.
            number: rows of each at most.
            until: the first moment to leave out.

        Raises:
            StoreError: the file can't be read, or is not a store.
        """
        names = ", ".join(columns)
        query = (
            f"SELECT {names} FROM (SELECT {names}, rowid AS number, row_number() OVER "
            f"(PARTITION BY {by} ORDER BY time, rowid) AS place FROM {table} WHERE {filled} IS NOT NULL AND time < ?) "
            "WHERE place <= ? ORDER BY time, number"
        )
        return self._table(query, [timestamp(until), number], columns)

    @contextmanager
    def transaction(self, mode: Literal["read", "change", "add"]) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction: committed at the end, rolled back if the block raises.

        Args:
            mode: "change" and "add" lock the store for other writers; "add" requires that the store is not full.
                It also deletes what is older than `ARTNB_KEEP_DAYS`, and the oldest rows beyond `ARTNB_KEEP_MEGABYTES`.
                "change" also removes deleted data from the WAL file, unless another process is reading at that moment;
                then the next change does, or the last process that closes the file.

        Raises:
            StoreError: the file can't be used, is full, or is not a store.
        """
        try:
            if not self.file.is_file():
                self._create()
            with closing(sqlite3.connect(self.file, timeout=60, isolation_level=None)) as connection:
                connection.execute("PRAGMA secure_delete = ON")  # overwrites a deleted picture in the file
                self._migrate(connection)
                expired = False
                with _committed(connection, "BEGIN" if mode == "read" else "BEGIN IMMEDIATE"):
                    if mode == "add":
                        expired = _expire(connection)
                    if mode == "add" and (size := _bytes_used(connection)) >= MAX_STORE_BYTES:
                        raise StoreError(
                            f"{self.file.name!r} is full ({size / 1024**2:,.0f} MB); move the file away, so that a new "
                            "one is created, or reject feedback whose pictures fill it (artnb watch feedback review)."
                        )
                    yield connection
                if mode == "change" or expired:
                    _truncate_wal(connection)
        except (sqlite3.Error, OSError) as error:
            reason = getattr(error, "strerror", None) or error
            raise StoreError(
                f"{self.file.name!r} can't be used ({reason}); check that its folder can be written to and has space, "
                "or move the file away, so that a new one is created."
            ) from error

    def _migrate(self, connection: sqlite3.Connection) -> None:
        """Convert a store of an older artnb to this format."""
        if _format(connection) == FORMAT:
            return
        with _committed(connection, "BEGIN IMMEDIATE"):
            version = _format(connection)
            if version not in (1, 2, FORMAT):
                raise StoreError(
                    f"{self.file.name!r} has format {version}, this artnb reads {FORMAT}; use the artnb that wrote it, "
                    "or move the file away, so that a new one is created."
                )
            if version == 1:  # its feedback held the bytes, once for each row
                connection.execute(f"CREATE TABLE pictures ({TABLES['pictures']})")
                connection.execute("CREATE INDEX pictures_time ON pictures (time)")
                connection.execute(
                    "INSERT OR IGNORE INTO pictures SELECT picture, time, bytes FROM feedback "
                    "WHERE bytes IS NOT NULL AND picture IS NOT NULL AND state != 'rejected'"
                )
                connection.execute("ALTER TABLE feedback ADD COLUMN kept INTEGER NOT NULL DEFAULT 0")
                connection.execute("UPDATE feedback SET kept = 1 WHERE bytes IS NOT NULL AND state != 'rejected'")
                connection.execute("ALTER TABLE feedback DROP COLUMN bytes")
            if version < FORMAT:
                for table, columns in _NEW_IN_3.items():
                    there = {name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")}
                    for column in columns:
                        if column.split()[0] not in there:
                            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
                for table in ("preferences", "experiments"):
                    _create_table(connection, table)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
        _truncate_wal(connection)

    def _create(self) -> None:
        """Create the file in one process only, because WAL can't be turned on while others write."""
        from filelock import FileLock

        self.file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(self.file.with_name(f".{self.file.name}.lock")):
            if self.file.is_file():
                return
            part = self.file.with_name(f".{self.file.name}.part")
            part.unlink(missing_ok=True)
            with closing(sqlite3.connect(part)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
                for table in TABLES:
                    _create_table(connection, table)
                connection.execute(f"PRAGMA user_version = {FORMAT}")
            part.replace(self.file)


def delete_unused_pictures(connection: sqlite3.Connection) -> None:
    """Delete the pictures that no row of feedback refers to any more, or only rejected ones."""
    connection.execute(
        "DELETE FROM pictures WHERE picture NOT IN "
        "(SELECT picture FROM feedback WHERE kept AND state != 'rejected' AND picture IS NOT NULL)"
    )
    connection.execute("UPDATE feedback SET kept = 0 WHERE kept AND picture NOT IN (SELECT picture FROM pictures)")


def _expire(connection: sqlite3.Connection) -> bool:
    """Delete what the settings say is not to be kept; return whether there was anything."""
    number = 0
    if settings.keep_days:
        end = timestamp(datetime.now(UTC) - timedelta(days=settings.keep_days))
        for table in OF_VISITORS:
            number += connection.execute(f"DELETE FROM {table} WHERE time < ?", [end]).rowcount
    if number:
        delete_unused_pictures(connection)
    while settings.keep_megabytes and _bytes_used(connection) > settings.keep_megabytes * 1024**2:
        deleted = 0
        for table in OF_VISITORS:  # the oldest tenth of each
            deleted += connection.execute(
                f"DELETE FROM {table} WHERE id IN (SELECT id FROM {table} ORDER BY time, id "
                f"LIMIT (SELECT (COUNT(*) + 9) / 10 FROM {table}))"
            ).rowcount
        delete_unused_pictures(connection)
        number += deleted
        if not deleted:
            break
    return number > 0


def _create_table(connection: sqlite3.Connection, table: str) -> None:
    connection.execute(f"CREATE TABLE {table} ({TABLES[table]})")
    connection.execute(f"CREATE INDEX {table}_time ON {table} (time)")


def update(connection: sqlite3.Connection, table: str, changes: Mapping[int, Mapping[str, Any]]) -> None:
    """Change columns of rows, by their ids.

    Raises:
        StoreError: there is no row with one of these ids.
    """
    for number, values in changes.items():
        assignments = ", ".join(f"{name} = ?" for name in values)
        cursor = connection.execute(f"UPDATE {table} SET {assignments} WHERE id = ?", [*values.values(), number])
        if cursor.rowcount != 1:
            raise StoreError(f"There is no row {number} in {table}; nothing was changed.")


def insert(connection: sqlite3.Connection, table: str, row: Mapping[str, Any]) -> None:
    """Insert one row; without a `time` it gets the current time."""
    row = {"time": timestamp(datetime.now(UTC)), **row}
    names, marks = ", ".join(row), ", ".join("?" * len(row))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(row.values()))


@contextmanager
def _committed(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    """A transaction that is committed at the end, or rolled back if the block raises."""
    connection.execute(begin)
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # when the disk is full, SQLite has already rolled back, and would raise here
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _truncate_wal(connection: sqlite3.Connection) -> None:
    """Move the WAL into the file and empty it, because it still holds what was deleted from the file."""
    connection.execute("PRAGMA busy_timeout = 2000")  # milliseconds to wait for readers
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _format(connection: sqlite3.Connection) -> int:
    return connection.execute("PRAGMA user_version").fetchone()[0]


def _bytes_used(connection: sqlite3.Connection) -> int:
    """The size of the file's content, without free pages."""
    size, pages, free = (
        connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_size", "page_count", "freelist_count")
    )
    return size * (pages - free)


def timestamp(time: datetime) -> str:
    """A time as it is stored: ISO 8601 in UTC to the millisecond, so that the texts sort like the times."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as JSON can hold them: times in ISO 8601, missing values as None."""
    return json.loads(table.to_json(orient="records", date_format="iso"))
