import errno
import hashlib
import io
import os
import queue
import shutil
import socket
import subprocess
import sys
import threading
from collections import namedtuple

import numpy as np
import pytest
from filelock import FileLock

from artnb.common import downloads
from artnb.common.downloads import DownloadError, check_space, fetch
from tests.conftest import CHECKOUT
from tests.publisher import Asked, publishing

CONTENT = np.random.default_rng(0).bytes(1_000_000)
SIZE = len(CONTENT)
DIGEST = f"md5:{hashlib.md5(CONTENT).hexdigest()}"


@pytest.fixture
def publisher(monkeypatch):
    monkeypatch.setattr(downloads, "PAUSES", (0, 0))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with publishing(CONTENT) as publisher:
        yield publisher


@pytest.fixture
def target(tmp_path):
    return tmp_path / "models" / "net.h5"


def get(publisher, target, size=SIZE):
    fetch(publisher.address, target, DIGEST, size)


def there(target):
    """What lies in the folder, but for the lock."""
    return sorted(path.name for path in target.parent.iterdir() if not path.name.endswith(".lock"))


@pytest.mark.parametrize("size", [SIZE, None])
@pytest.mark.parametrize("pause", [0, 0.02])
def test_a_file_is_fetched_and_not_fetched_again(publisher, target, size, pause):
    publisher.pause = pause
    get(publisher, target, size)
    assert target.read_bytes() == CONTENT and there(target) == ["net.h5"]
    get(publisher, target, size)
    assert len(publisher.requests) == 1


def test_what_was_broken_off_is_resumed_at_once(publisher, target):
    publisher.breaks = [400_000, 100_000]
    get(publisher, target)
    assert target.read_bytes() == CONTENT and there(target) == ["net.h5"]
    spans = [(each.range, each.version) for each in publisher.requests]
    assert spans == [(None, None), ("bytes=400000-", '"one"'), ("bytes=500000-", '"one"')]
    assert sum(each.sent for each in publisher.requests) == SIZE, "nothing was sent twice"


def test_what_breaks_off_each_time_is_a_sentence_and_the_next_run_resumes(publisher, target):
    publisher.breaks = [300_000, 0, 100_000]
    with pytest.raises(DownloadError) as caught:
        get(publisher, target)
    assert "net.h5 was not fetched (the connection broke off after 400,000 of 1,000,000 bytes, 3 times)" in str(caught)
    assert f"put the file from {publisher.address} into {target.parent} by hand" in str(caught.value)
    assert there(target) == ["net.h5.part", "net.h5.part.etag"]
    get(publisher, target)
    assert target.read_bytes() == CONTENT and there(target) == ["net.h5"]
    assert publisher.requests[-1] == Asked("bytes=400000-", '"one"', 600_000)


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_a_person_or_a_full_disk_stops_it_and_the_next_run_resumes(publisher, target, monkeypatch, stop):
    class Bar(io.StringIO):
        def update(self, _):
            raise stop

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "progress", lambda **_: Bar())
        with pytest.raises((KeyboardInterrupt, DownloadError)) as caught:
            get(publisher, target)
    if isinstance(stop, OSError):
        assert "can't be written (No space left on device)" in str(caught.value)
    assert caught.type is (DownloadError if isinstance(stop, OSError) else KeyboardInterrupt)
    came = (target.parent / "net.h5.part").stat().st_size
    assert 0 < came < SIZE and not target.exists()
    get(publisher, target)
    assert target.read_bytes() == CONTENT and publisher.requests[-1].range == f"bytes={came}-"


def test_the_bar_begins_where_the_part_ends(publisher, target, monkeypatch):
    class Bar(io.StringIO):
        def update(self, number):
            moved.append(number)

    asked, moved = [], []
    monkeypatch.setattr(downloads, "progress", lambda **what: asked.append(what) or Bar())
    publisher.breaks = [250_000]
    get(publisher, target)
    assert [(what["initial"], what["total"]) for what in asked] == [(0, SIZE), (250_000, SIZE)]
    assert sum(moved) == SIZE


@pytest.mark.parametrize("trouble", ["ranges", "etag", "no etag", "weak etag", "sidecar"])
def test_another_version_or_a_server_without_parts_begins_anew(publisher, target, trouble):
    publisher.content = bytes(SIZE)
    if "etag" in trouble.split()[1:]:
        publisher.etag = "" if trouble == "no etag" else 'W/"one"'
    publisher.breaks = [300_000, 0, 0]
    with pytest.raises(DownloadError):
        get(publisher, target)
    publisher.content = CONTENT
    if trouble == "etag":
        publisher.etag = '"two"'
    if trouble == "sidecar":
        (target.parent / "net.h5.part.etag").write_text("junk\r\nX: y")
    publisher.ranges = trouble != "ranges"
    get(publisher, target)
    assert target.read_bytes() == CONTENT and there(target) == ["net.h5"]
    assert publisher.requests[-1].sent == SIZE, "all of it"


@pytest.mark.parametrize("trouble", ["another version", "another beginning"])
def test_a_server_that_sends_another_part_is_not_believed(publisher, target, trouble):
    publisher.content = bytes(SIZE)
    publisher.breaks = [300_000, 0, 0]
    with pytest.raises(DownloadError):
        get(publisher, target)
    if trouble == "another version":
        publisher.content, publisher.etag, publisher.obeys = CONTENT, '"two"', False
    else:
        publisher.content, publisher.shift = CONTENT, 300_000
    get(publisher, target)
    assert target.read_bytes() == CONTENT
    assert [each.range for each in publisher.requests[-2:]] == ["bytes=300000-", None]


@pytest.mark.parametrize("part", [CONTENT, CONTENT + b"more", bytes(SIZE)])
def test_a_part_that_is_complete_or_too_long_does_no_harm(publisher, target, part):
    target.parent.mkdir()
    (target.parent / "net.h5.part").write_bytes(part)
    (target.parent / "net.h5.part.etag").write_text('"one"')
    get(publisher, target)
    assert target.read_bytes() == CONTENT and there(target) == ["net.h5"]
    assert len(publisher.requests) == (part != CONTENT)


def test_a_part_longer_than_a_server_has_begins_anew(publisher, target):
    target.parent.mkdir()
    (target.parent / "net.h5.part").write_bytes(bytes(2_000_000))
    (target.parent / "net.h5.part.etag").write_text('"one"')
    get(publisher, target, None)
    assert target.read_bytes() == CONTENT and there(target) == ["net.h5"]
    assert [each.range for each in publisher.requests] == ["bytes=2000000-", None]


@pytest.mark.parametrize("before", [None, b"an older one"])
def test_wrong_bytes_are_a_sentence_with_both_digests(publisher, target, before):
    target.parent.mkdir()
    if before:
        target.write_bytes(before)
    publisher.content = bytes(SIZE)
    wrong, right = hashlib.md5(publisher.content).hexdigest(), DIGEST[4:]
    with pytest.raises(DownloadError, match=rf"\(MD5 {wrong}, expected {right}\), and was removed"):
        get(publisher, target)
    assert there(target) == (["net.h5"] if before else [])
    assert (target.read_bytes() if before else target.exists()) == (before or False)


def test_a_wrong_file_is_replaced_only_when_the_right_one_is_complete(publisher, target):
    target.parent.mkdir()
    target.write_bytes(b"wrong")
    publisher.status = 404
    with pytest.raises(DownloadError, match="the server answered 404 Not Found"):
        get(publisher, target)
    assert target.read_bytes() == b"wrong"
    publisher.status = 200
    get(publisher, target)
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "times"), [(403, 1), (404, 1), (500, 3), (503, 3)])
def test_a_refusal_is_a_sentence_and_trouble_is_tried_again(publisher, target, status, times):
    publisher.status = status
    with pytest.raises(DownloadError, match=rf"net\.h5 was not fetched \(the server answered {status} .*by hand"):
        get(publisher, target)
    assert len(publisher.requests) == times and there(target) == []


def test_no_more_bytes_are_read_than_the_file_has(publisher, target):
    publisher.endless, publisher.length = True, False
    get(publisher, target)
    assert target.read_bytes() == CONTENT, "the rest is not looked at"
    with pytest.raises(DownloadError, match="doesn't say how large it is"):
        fetch(publisher.address, target.with_name("other.h5"), DIGEST)


def test_another_size_is_noticed_before_anything_is_written(publisher, target):
    publisher.content = b"<html>Please log in to this network.</html>"
    with pytest.raises(DownloadError, match="the server announces 43 bytes, and it has 1,000,000"):
        get(publisher, target)
    assert there(target) == []


def test_redirections_stay_on_this_machine_or_https(publisher, target):
    with publishing(CONTENT) as other:
        publisher.status, publisher.location = 302, other.address
        get(publisher, target)
        assert target.read_bytes() == CONTENT and len(other.requests) == 1
    for location in ("http://example.org/net.h5", "ftp://example.org/net.h5", "file:///etc/hostname", "http://[x/"):
        publisher.location = location
        with pytest.raises(DownloadError, match=r"was not fetched \(.*redirection"):
            get(publisher, target.with_name("other.h5"))
    with pytest.raises(DownloadError, match="that is no https address"):
        fetch("http://example.org/net.h5", target.with_name("other.h5"), DIGEST)


def test_https_never_leads_to_http():
    handler = downloads._Redirects()
    asked = downloads.Request("https://example.org/net.h5")
    for location in ("http://example.org/net.h5", "http://127.0.0.1/net.h5"):
        with pytest.raises(downloads.HTTPError, match="which is not https"):
            handler.redirect_request(asked, io.BytesIO(), 302, "Found", {}, location)
    assert (
        handler.redirect_request(asked, io.BytesIO(), 302, "Found", {}, "https://example.net/a").host == "example.net"
    )


def test_offline_is_a_sentence(target, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]  # nobody listens there any more
    with pytest.raises(DownloadError, match=r"no way to 127\.0\.0\.1: Connection refused\); try again later, or put"):
        fetch(f"http://127.0.0.1:{port}/net.h5", target, DIGEST, SIZE)
    assert there(target) == []


def test_a_proxy_that_refuses_is_a_sentence(publisher, target, monkeypatch):
    publisher.status = 403
    monkeypatch.setenv("https_proxy", publisher.address)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(
        DownloadError,
        match=r"no way to example\.org through the proxy .*127\.0\.0\.1.*https_proxy.*: Tunnel connection failed: 501",
    ):
        fetch("https://example.org/net.h5", target, DIGEST, SIZE)


@pytest.mark.parametrize(
    "proxy", ["http://jo:secret@127.0.0.1:1", "http://127.0.0.1:port", "http://[x/", "nonsense://x", "http://a\tb:1"]
)
def test_a_proxy_that_is_wrong_or_away_is_named_without_its_password(target, monkeypatch, proxy):
    monkeypatch.setattr(downloads, "PAUSES", (0,))
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(DownloadError, match=r"no way.* through the proxy .*, which https_proxy names") as caught:
        fetch("https://example.org/net.h5", target, DIGEST, SIZE)
    assert "secret" not in str(caught.value)


def test_a_server_that_does_not_speak_tls_is_a_sentence(publisher, target):
    with pytest.raises(DownloadError, match=r"no way to 127\.0\.0\.1: .*SSL"):
        fetch(publisher.address.replace("http:", "https:"), target, DIGEST, SIZE)


def test_a_silent_server_is_given_up(target, monkeypatch):
    monkeypatch.setattr(downloads, "PAUSES", (0,))
    monkeypatch.setattr(downloads, "TIMEOUT", 0.1)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/net.h5"
        with pytest.raises(DownloadError, match=r"the server broke off before it answered \(timed out\), 2 times"):
            fetch(address, target, DIGEST, SIZE)


def test_a_disk_that_fills_up_while_it_is_written(publisher, target):
    """On a disk of its own, which only root may mount."""
    target.parent.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "none", target.parent]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    try:
        with pytest.raises(DownloadError, match=r"1\.0 MB are needed in .*, and its disk has 0\.6 MB free"):
            get(publisher, target)
        assert there(target) == []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(downloads, "check_space", lambda *_: None)  # the space goes meanwhile
            with pytest.raises(DownloadError, match=r"can't be written \(No space left on device\); free some space"):
                get(publisher, target)
        assert "net.h5" not in there(target)
        subprocess.run(["mount", "-o", "remount,size=2m", target.parent], check=True)
        get(publisher, target)
        assert target.read_bytes() == CONTENT and publisher.requests[-1].range
    finally:
        subprocess.run(["umount", target.parent], check=True)


def test_too_little_space_is_said_beforehand(publisher, target, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**9, 10**9, 999_999))
    with pytest.raises(
        DownloadError, match=r"1\.0 MB are needed in .*, and its disk has 1\.0 MB free; free some space"
    ):
        get(publisher, target)
    assert there(target) == []
    check_space(target.parent / "not" / "there" / "yet", 999_999)


def test_a_folder_that_cannot_be_one_is_a_sentence(publisher, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DownloadError, match=r"\(File exists\); move the file .* away, which is in a folder's place"):
        get(publisher, tmp_path / "file" / "net.h5")
    (tmp_path / "net.h5").mkdir()
    with pytest.raises(
        DownloadError, match=r"\(Is a directory\); move the folder .*net\.h5 away.* in the file's place"
    ):
        get(publisher, tmp_path / "net.h5")
    assert not publisher.requests, "it is said before anything is fetched"


def test_two_at_once_fetch_it_once(publisher, target):
    publisher.pause = 0.02
    code = (
        "import sys; from pathlib import Path; from artnb.common.downloads import fetch\n"
        "fetch(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))"
    )
    command = [sys.executable, "-c", code, publisher.address, target, DIGEST, str(SIZE)]
    with subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE, text=True) as other:
        threads = [threading.Thread(target=get, args=(publisher, target)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert other.wait() == 0, other.stderr.read()
    assert target.read_bytes() == CONTENT and there(target) == ["net.h5"]
    assert len(publisher.requests) == 1


def test_who_waits_for_another_process_is_told(publisher, target, monkeypatch):
    told = queue.Queue()
    monkeypatch.setattr(downloads.logs, "warn", lambda _, sentence: told.put(sentence))
    target.parent.mkdir()
    with FileLock(target.with_name(".net.h5.lock")):
        thread = threading.Thread(target=get, args=(publisher, target))
        thread.start()
        assert told.get(timeout=60) == "another process is fetching net.h5; this one waits for it."
        assert not publisher.requests
    thread.join()
    assert target.read_bytes() == CONTENT
