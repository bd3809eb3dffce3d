"""Nobody meets a half-written file: not after an error, an interruption, a full disk or a kill."""

import errno
import os
import signal
import stat
import subprocess
import sys

import pytest

from artnb.common.files import replacing


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_file_and_its_folders(tmp_path):
    target = tmp_path / "a" / "b" / "new.csv"
    with replacing(str(target)) as part:
        assert part.suffix == ".csv" and not target.exists()
        part.write_text("whole")
    assert target.read_text() == "whole" and names(target.parent) == ["new.csv"]


def test_a_relative_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with replacing("here.txt") as part:
        part.write_text("whole")
    assert names(tmp_path) == ["here.txt"]


def test_the_old_file_is_read_until_the_new_one_is_whole(tmp_path):
    target = tmp_path / "old.txt"
    target.write_text("old")
    with replacing(target) as part:
        part.write_text("half of the n")
        assert target.read_text() == "old"
        part.write_text("new")
    assert target.read_text() == "new" and names(tmp_path) == ["old.txt"]


def test_the_mode_is_that_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_text("")
    with replacing(tmp_path / "file") as part:
        part.write_text("")
    with replacing(tmp_path / "folder") as part:
        part.mkdir()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o777 & ~umask


@pytest.mark.parametrize("error", [ValueError("x"), KeyboardInterrupt(), OSError(errno.ENOSPC, "No space left")])
def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "old.txt"
    target.write_text("old")
    with pytest.raises(type(error)) as caught, replacing(target) as part:
        part.write_text("half")
        raise error
    assert caught.value is error
    assert target.read_text() == "old" and names(tmp_path) == ["old.txt"]


def test_a_disk_that_is_full_only_when_the_file_is_flushed(tmp_path, monkeypatch):
    def full(file):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    target = tmp_path / "old.txt"
    target.write_text("old")
    with pytest.raises(OSError, match="No space left"), replacing(target) as part:
        part.write_text("new")
    assert target.read_text() == "old" and names(tmp_path) == ["old.txt"]


def test_a_folder_comes_as_a_whole(tmp_path):
    target = tmp_path / "collection"
    with replacing(target) as part:
        part.mkdir()
        (part / "one.txt").write_text("1")
        assert not target.exists()
    assert names(target) == ["one.txt"]
    with pytest.raises(OSError, match="not empty"), replacing(target) as part:  # as its docstring says
        part.mkdir()
        (part / "two.txt").write_text("2")
    assert names(target) == ["one.txt"] and names(tmp_path) == ["collection"]


def test_a_block_that_writes_nothing_is_an_error(tmp_path):
    (tmp_path / "old.txt").write_text("old")
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "old.txt"):
        pass
    assert (tmp_path / "old.txt").read_text() == "old" and names(tmp_path) == ["old.txt"]


def test_a_link_is_written_through(tmp_path):
    (tmp_path / "there").mkdir()
    target, link, early = tmp_path / "there" / "2024", tmp_path / "latest.csv", tmp_path / "early.csv"
    target.write_text("old")
    link.symlink_to("there/2024")
    early.symlink_to(tmp_path / "there" / "not yet" / "2025")
    for name in (link, early):
        with replacing(name) as part:
            assert part.suffix == ".csv"
            part.write_text("new")
        assert name.is_symlink() and name.read_text() == "new"
    assert target.read_text() == "new" and names(tmp_path / "there") == ["2024", "not yet"]


def test_a_link_to_itself_is_an_error(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OSError, match="symbolic links"), replacing(tmp_path / "loop") as part:
        part.write_text("new")
    assert (tmp_path / "loop").is_symlink() and names(tmp_path) == ["loop"]


def test_a_pipe_or_a_device_stays_one(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "link.csv").symlink_to("pipe.csv")
    for name in ("pipe.csv", "link.csv"):
        with pytest.raises(OSError, match="a device or a pipe") as caught, replacing(tmp_path / name) as part:
            part.write_text("new")
        assert caught.value.strerror and caught.value.filename == str(tmp_path / name)
    assert (tmp_path / "pipe.csv").is_fifo() and names(tmp_path) == ["link.csv", "pipe.csv"]


KILLED = """
import os, signal, sys
from artnb.common.files import replacing
with replacing(sys.argv[1]) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_kill_leaves_the_old_file_and_a_hidden_folder_that_disturbs_nobody(tmp_path):
    target = tmp_path / "old.txt"
    target.write_text("old")
    done = subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert target.read_text() == "old" and list(tmp_path.glob("*.txt")) == [target]
    left = [name for name in names(tmp_path) if name != "old.txt"]
    assert len(left) == 1 and left[0].startswith(".old.txt.")
    with replacing(target) as part:
        part.write_text("new")
    assert target.read_text() == "new"
