"""Whatever ends a long run, no row is lost or there twice, and nothing is taken for what it is not."""

import errno
import hashlib
import json
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artnb.common import shards as module
from artnb.common.shards import BROKEN, MANIFEST, ShardError, open_shards, read_about, read_shards
from tests.killing import snapshots

COLUMNS = [pa.field("vector", pa.list_(pa.float32()))]
ABOUT = {"command": "embed", "model_sha256": "abc"}
ALL = [f"{number:02}.jpg" for number in range(25)]


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(module, "ROWS", 10)


def write(folder, paths=ALL, resume=True, about=ABOUT):
    """Write the rows that are not there, and say which they were."""
    added = []
    with open_shards(folder, about, COLUMNS, resume) as run:
        for path in paths:
            if path not in run.done:
                broken = path == "03.jpg"
                row = {"path": path, "error": "broken"} if broken else {"path": path, "vector": np.ones(2, np.float32)}
                run.add(row | {"sha256": "0" * 64})
                added.append(path)
    return added


def paths(folder):
    return read_shards(folder, ["path"])["path"].to_pylist()


def test_rows_are_in_shards_and_the_manifest_says_what_they_are(tmp_path):
    assert write(tmp_path / "out") == ALL == paths(tmp_path / "out")
    said = json.loads((tmp_path / "out" / MANIFEST).read_text())
    assert said["finished"] and (said["rows"], said["broken"]) == (25, 1)
    assert [shard["rows"] for shard in said["shards"]] == [10, 10, 5]
    for shard in said["shards"]:
        assert hashlib.sha256((tmp_path / "out" / shard["file"]).read_bytes()).hexdigest() == shard["sha256"]
    assert (tmp_path / "out" / BROKEN).read_text() == "path,error\n03.jpg,broken\n"
    assert ABOUT.items() <= read_about(tmp_path / "out").items()
    assert pq.read_table(tmp_path / "out" / "part-00000.parquet")["vector"].to_pylist()[3] is None


def test_resumed_after_a_kill_at_any_moment_every_row_is_there_once(tmp_path):
    with snapshots(tmp_path / "out") as copies:
        write(tmp_path / "out")
    assert len(copies) > 6
    for copy in copies:
        before = paths(copy) if list(copy.glob("*.parquet")) else []
        assert write(copy) == [path for path in ALL if path not in before], "what is on the disk is not done again"
        assert sorted(paths(copy)) == ALL
        assert json.loads((copy / MANIFEST).read_text())["rows"] == 25


def test_a_kill_of_the_process_loses_less_than_a_shard(tmp_path):
    code = (
        "import sys, time, pathlib, pyarrow as pa\nfrom artnb.common import shards\nshards.ROWS = 10\n"
        "with shards.open_shards(pathlib.Path(sys.argv[1]), {'command': 'embed', 'model_sha256': 'abc'},\n"
        "                        [pa.field('vector', pa.list_(pa.float32()))], False) as run:\n"
        "    for number in range(17):\n        run.add({'path': f'{number:02}.jpg', 'vector': [1, 1], 'sha256': ''})\n"
        "    print('ready', flush=True)\n    time.sleep(100)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    with pytest.raises(ShardError, match="Another process works in"):
        write(tmp_path / "out")
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert write(tmp_path / "out") == ALL[10:] and sorted(paths(tmp_path / "out")) == ALL
    assert not list((tmp_path / "out").glob(".part-*")), "no half of a file is left"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_what_was_done_before_a_stop_is_written(tmp_path, stop):
    with pytest.raises(stop), open_shards(tmp_path / "out", ABOUT, COLUMNS, False) as run:
        for path in ALL[:13]:
            run.add({"path": path, "sha256": "", "vector": [1, 1]})
        raise stop
    assert write(tmp_path / "out") == ALL[13:]


def test_a_full_disk_in_the_middle_of_a_shard_leaves_whole_shards(tmp_path, monkeypatch):
    def full(table, part, write_table=pq.write_table):
        if "00001" in str(part):
            part.write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        write_table(table, part)

    monkeypatch.setattr(module.pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write(tmp_path / "out")
    monkeypatch.undo()
    assert paths(tmp_path / "out") == ALL[:10]
    assert write(tmp_path / "out") == ALL[10:]


def test_a_shard_that_was_removed_is_done_again(tmp_path):
    write(tmp_path / "out")
    (tmp_path / "out" / "part-00001.parquet").unlink()
    assert write(tmp_path / "out") == ALL[10:20]
    assert sorted(paths(tmp_path / "out")) == ALL


def damage(folder):
    file = folder / "part-00001.parquet"
    file.write_bytes(file.read_bytes()[:-10])


def change(folder):
    table = pq.read_table(folder / "part-00001.parquet")
    pq.write_table(table.slice(1), folder / "part-00001.parquet")


def add_anothers(folder):
    pq.write_table(pa.table({"error": [None]}), folder / "part-00007.parquet")


def forget(folder):
    (folder / MANIFEST).write_text('{"about": 3}')


def cut(folder):
    (folder / MANIFEST).write_text("{")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage, "is damaged or was changed; remove it"),
        (change, "is damaged or was changed; remove it"),
        (add_anothers, "is of another run"),
        (forget, "a different manifest"),
        (cut, "can't be read"),
    ],
)
def test_what_can_not_be_trusted_is_a_sentence_and_stays(tmp_path, spoil, words):
    write(tmp_path / "out")
    spoil(tmp_path / "out")
    before = {file: file.read_bytes() for file in (tmp_path / "out").iterdir()}
    with pytest.raises(ShardError, match=words):
        write(tmp_path / "out")
    assert {file: file.read_bytes() for file in (tmp_path / "out").iterdir()} == before


def test_results_are_not_mixed_with_others(tmp_path, monkeypatch):
    write(tmp_path / "out")
    with pytest.raises(ShardError, match=r"holds results already; resume them \(--resume\)"):
        write(tmp_path / "out", resume=False)
    with pytest.raises(ShardError, match="with a different model_sha256; resume"):
        write(tmp_path / "out", about=ABOUT | {"model_sha256": "def"})
    monkeypatch.setattr(module, "__version__", "99")
    with pytest.raises(ShardError, match="with a different artnb; resume"):
        write(tmp_path / "out")


def test_what_is_no_parquet_is_a_sentence(tmp_path):
    with pytest.raises(ShardError, match="holds no Parquet files"):
        read_shards(tmp_path, ["path"])
    (tmp_path / "x.parquet").write_bytes(b"text")
    with pytest.raises(ShardError, match="can't be read as Parquet"):
        read_shards(tmp_path, ["path"])
    write(tmp_path / "out")
    with pytest.raises(ShardError, match="columns path, colour"):
        read_shards(tmp_path / "out", ["path", "colour"])
