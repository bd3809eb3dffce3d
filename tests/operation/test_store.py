"""One file, many writers, and processes that are killed while writing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from artnb.operation import store as stores
from artnb.operation.store import Store, StoreError, insert, timestamp, update

WRITER = """
import sys
from artnb.operation.store import Store
store, name, many = Store(sys.argv[1]), sys.argv[2], int(sys.argv[3])
for number in range(many):
    store.add("predictions", [{"model": name, "picture": str(number), "probabilities": "x" * 2000}])
"""


def write(file, name, many):
    return subprocess.Popen([sys.executable, "-c", WRITER, str(file), name, str(many)])


def test_eight_processes_that_write_at_once_lose_nothing(tmp_path):
    file = tmp_path / "new" / "operation.sqlite"
    writers = [write(file, f"m{number}", 40) for number in range(8)]  # which also begin the file at once
    assert [writer.wait(120) for writer in writers] == [0] * 8
    table = Store(file).read("predictions", ["model", "picture"])
    assert len(table) == 320 and len(table.drop_duplicates()) == 320
    with sqlite3.connect(file) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_killed_writer_leaves_a_store_that_can_be_read_and_written(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    store.add("predictions", [{"model": "before"}])
    for _ in range(3):
        writer, count = write(store.file, "killed", 10**6), len(store.read("predictions", ["id"]))
        while len(store.read("predictions", ["id"])) < count + 20 and writer.poll() is None:
            time.sleep(0.01)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        table = store.read("predictions", ["model", "picture", "probabilities"])
        assert (
            len(table) >= count + 20 and table.loc[table["model"] == "killed", "probabilities"].str.len().eq(2000).all()
        )
    store.add("predictions", [{"model": "after"}])
    with sqlite3.connect(store.file) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert store.read("predictions", ["model"])["model"].iloc[-1] == "after"


def test_a_row_killed_before_its_end_is_not_there(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    store.add("predictions", [{"model": "before"}])
    code = f"""
import os, signal, sqlite3
connection = sqlite3.connect({str(store.file)!r})
connection.execute("INSERT INTO predictions (time, model) VALUES ('2026', 'half')")
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -signal.SIGKILL
    assert store.read("predictions", ["model"])["model"].tolist() == ["before"]


def test_rows_are_written_all_or_none(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    with pytest.raises(StoreError):
        store.add("predictions", [{"model": "a"}, {"model": None}])
    assert store.read("predictions", ["id"]).empty


def test_a_window_has_its_first_moment_and_not_its_end(tmp_path):
    store, noon = Store(tmp_path / "operation.sqlite"), datetime(2026, 3, 1, 12, tzinfo=UTC)
    moments = [noon + timedelta(hours=hours) for hours in (2, 0, 1)]
    store.add("predictions", [{"model": str(n), "time": timestamp(when)} for n, when in enumerate(moments)])
    read = store.read("predictions", ["model", "time"], noon, noon + timedelta(hours=2))
    assert read["model"].tolist() == ["1", "2"] and read["time"].tolist() == [moments[1], moments[2]]
    assert store.read("predictions", ["model"], limit=2)["model"].tolist() == ["2", "0"], "the latest"


def test_reading_before_anything_was_written_makes_no_file(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    assert store.read("feedback", ["time", "artist"]).empty and not store.file.exists()


@pytest.mark.parametrize("content", [b"no database at all", b""])
def test_another_file_in_its_place_is_one_sentence_without_a_path(tmp_path, content):
    store = Store(tmp_path / "operation.sqlite")
    store.file.write_bytes(content)
    with pytest.raises(StoreError, match="move the file away") as error:
        store.read("predictions", ["id"])
    assert str(tmp_path) not in str(error.value)


def test_a_changed_row_that_is_not_there_changes_no_other(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    store.add("feedback", [{"model": "m", "said": "a", "artist": "b"}])
    with pytest.raises(StoreError, match="no row 7 in feedback"), store.transaction("change") as connection:
        update(connection, "feedback", {1: {"state": "accepted"}, 7: {"state": "accepted"}})
    assert store.read("feedback", ["state"])["state"].tolist() == ["new"]
    with store.transaction("change") as connection:
        update(connection, "feedback", {1: {"state": "accepted"}})
    assert store.read("feedback", ["state"])["state"].tolist() == ["accepted"]


def test_a_full_store_takes_nothing_more_until_there_is_room(tmp_path, monkeypatch):
    store = Store(tmp_path / "operation.sqlite")
    monkeypatch.setattr(stores, "MAX_STORE_BYTES", 500_000)
    with pytest.raises(StoreError, match="is full"):
        for _ in range(10_000):
            store.add("predictions", [{"model": "m", "probabilities": "x" * 5000}])
    assert store.file.stat().st_size < 600_000 and 50 < len(store.read("predictions", ["id"])) < 120
    with store.transaction("change") as connection:
        connection.execute("DELETE FROM predictions WHERE id % 2")
    store.add("predictions", [{"model": "m"}])


REJECTED = b"a picture that was rejected " * 500
FORMAT_1 = f"""
    PRAGMA journal_mode = WAL;
    CREATE TABLE predictions ({stores.TABLES["predictions"]});
    CREATE INDEX predictions_time ON predictions (time);
    CREATE TABLE feedback (
        id INTEGER PRIMARY KEY, time TEXT NOT NULL, model TEXT NOT NULL, version TEXT, visitor TEXT, picture TEXT,
        said TEXT NOT NULL, probability REAL, artist TEXT NOT NULL, bytes BLOB, state TEXT NOT NULL DEFAULT 'new');
    CREATE INDEX feedback_time ON feedback (time);
    INSERT INTO predictions (time, model) VALUES ('2026-01-01', 'before');
    INSERT INTO feedback (time, model, picture, said, artist, bytes, state) VALUES
        ('2026-01-01', 'm', 'p', 'a', 'b', x'0102', 'accepted'), ('2026-01-02', 'm', 'p', 'a', 'c', x'0102', 'new'),
        ('2026-01-03', 'm', 'q', 'a', 'b', NULL, 'new'),
        ('2026-01-04', 'm', 'r', 'a', 'b', x'{REJECTED.hex()}', 'rejected');
    PRAGMA user_version = 1;
"""


def on_disk(store, content):
    return any(content in file.read_bytes() for file in store.file.parent.glob(f"{store.file.name}*"))


def schema(file):
    with closing(sqlite3.connect(file)) as connection:
        return set(connection.execute("SELECT type, name FROM sqlite_master"))


def test_a_store_of_an_older_artnb_is_migrated(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    with closing(sqlite3.connect(store.file)) as connection:
        connection.executescript(FORMAT_1)
    assert on_disk(store, REJECTED[:100])
    with ThreadPoolExecutor(4) as crowd, closing(sqlite3.connect(store.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # so that all four have seen the old format before one of them changes it
        writers = [crowd.submit(store.add, "predictions", [{"model": f"m{number}"}]) for number in range(4)]
        time.sleep(0.5)
        other.execute("ROLLBACK")
        assert [writer.result(60) for writer in writers] == [None] * 4
    assert sorted(store.read("predictions", ["model"])["model"]) == ["before", "m0", "m1", "m2", "m3"]
    table = store.read("feedback", ["picture", "artist", "state", "kept"])
    assert table["kept"].tolist() == [1, 1, 0, 0] and table["artist"].tolist() == ["b", "c", "b", "b"]
    assert table["state"].tolist() == ["accepted", "new", "new", "rejected"]
    assert store.read("pictures", ["picture", "bytes"]).to_numpy().tolist() == [["p", b"\1\2"]]
    assert not on_disk(store, REJECTED[:100]), "what was rejected before is deleted, too"
    with closing(sqlite3.connect(store.file)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (stores.FORMAT,)
    fresh = Store(tmp_path / "fresh.sqlite")
    fresh.add("predictions", [{"model": "m"}])
    assert schema(store.file) == schema(fresh.file)


def test_a_migration_that_fails_changes_nothing(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    with closing(sqlite3.connect(store.file)) as connection:
        connection.executescript(FORMAT_1 + "CREATE INDEX odd ON feedback (bytes);")  # so the column can't be dropped
    before = schema(store.file)
    with pytest.raises(StoreError, match="odd"):
        store.read("feedback", ["id"])
    assert schema(store.file) == before and on_disk(store, REJECTED[:100])
    with closing(sqlite3.connect(store.file)) as connection:
        connection.execute("DROP INDEX odd")
    assert len(store.read("feedback", ["kept"])) == 4


def test_what_is_deleted_is_gone_though_another_has_the_file_open(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    content = b"a picture nobody agreed to " * 400
    store.add("predictions", [{"model": "m"}])
    with closing(sqlite3.connect(store.file, isolation_level=None)) as other:  # so the log isn't deleted on closing
        other.execute("SELECT * FROM feedback").fetchall()
        store.add("pictures", [{"picture": "p", "bytes": content}])
        assert on_disk(store, content[:100])
        with store.transaction("change") as connection:
            connection.execute("DELETE FROM pictures")
        assert not on_disk(store, content[:100])


def test_a_change_is_made_though_somebody_reads(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    content = b"a picture nobody agreed to " * 400
    store.add("pictures", [{"picture": "p", "bytes": content}])
    with closing(sqlite3.connect(store.file, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM pictures").fetchall()
        with store.transaction("change") as connection:
            connection.execute("DELETE FROM pictures")
        assert store.read("pictures", ["picture"]).empty
    store.read("pictures", ["picture"])
    assert not on_disk(store, content[:100])


def test_a_full_disk_is_called_that(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    store.add("predictions", [{"model": "before"}])
    with pytest.raises(StoreError, match="disk is full"), store.transaction("add") as connection:
        connection.execute("PRAGMA max_page_count = 20")  # SQLite's own way to have a small disk
        for _ in range(10):
            insert(connection, "predictions", {"model": "m", "probabilities": "x" * 50_000})
    assert store.read("predictions", ["model"])["model"].tolist() == ["before"]


def test_a_store_of_a_newer_artnb_is_left_alone(tmp_path):
    store = Store(tmp_path / "operation.sqlite")
    store.add("feedback", [{"model": "m", "said": "a", "artist": "b"}])
    with sqlite3.connect(store.file) as connection:
        connection.execute("PRAGMA user_version = 9")
    with pytest.raises(StoreError, match="has format 9"):
        store.read("feedback", ["id"])
