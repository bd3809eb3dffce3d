"""Downloads of published files: resumed after a break, checked by their digest, and renamed when they are right.

What has come so far is in `NAME.part` beside the file, and the server's name for that version in `NAME.part.etag`.
"""

import errno
import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage, InvalidURL
from pathlib import Path
from typing import IO, Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener, getproxies, proxy_bypass

from artnb.common import logs
from artnb.common.files import ALGORITHMS, checksum
from artnb.common.progress import progress
from artnb.errors import ArtnbError

TIMEOUT = 30  # seconds without a byte, after which a connection counts as dropped
PAUSES = (1, 3, 9)  # seconds before the next attempt, each time that a connection was dropped
_CHUNK = 2**18
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_COUNT = re.compile(r"\d{1,15}")
_STRONG = re.compile(r'"[\x21\x23-\x7e]*"')  # a weak ETag does not promise the same bytes


class DownloadError(ArtnbError, RuntimeError):
    """A file can't be fetched, or what came is not what was published."""


class _DroppedError(Exception):
    """The connection was lost, or the server is in trouble: another attempt may succeed."""


def fetch(address: str, target: Path, digest: str, size: int | None = None) -> None:
    """Fetch a published file, unless it is there and right; a wrong one stays until the right one is complete.

    A download that was stopped or broken off is resumed where the server can do that and still has the same version.
    Only one process fetches a file at a time; another one waits. No more bytes are read than the file has.

    Args:
        address: where it is published, https.
        target: the file; its folder is made if need be.
        digest: of its bytes, "md5:…" or "sha256:…".
        size: in bytes; None to believe the server.

    Raises:
        DownloadError: it can't be fetched or written, it has another size or other bytes, or the disk has too little
            space. Of a download that was broken off, the part stays and is resumed the next time.
    """
    part = _part_of(target)
    try:
        for place in (target, part):
            if place.is_dir():  # noticed before anything is fetched
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(place))
        target.parent.mkdir(parents=True, exist_ok=True)
        with _alone(target):
            if _is_right(target, digest):
                return
            if not _is_right(part, digest):  # it is, if the computer was switched off before the renaming
                _receive(address, target, part, size)
                _check(address, target, part, digest)
            part.replace(target)
            _etag_of(part).unlink(missing_ok=True)
    except OSError as error:
        raise DownloadError(
            f"{target} can't be written ({error.strerror or error}); {_cure(error, target)}, and run it again: what "
            "has come already is kept."
        ) from error


def _cure(error: OSError, target: Path) -> str:
    if isinstance(error, IsADirectoryError):
        return f"move the folder {error.filename or target} away, which is in the file's place"
    if isinstance(error, FileExistsError | NotADirectoryError):
        return f"move the file {error.filename or target.parent} away, which is in a folder's place"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return "name a folder that you may write to"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "free some space"
    return "mend that, or name another folder"


def left(target: Path, size: int) -> int:
    """How many of a file's bytes have still to come."""
    part = _part_of(target)
    return max(size - (part.stat().st_size if part.is_file() else 0), 0)


def check_space(folder: Path, needed: int) -> None:
    """Nothing if the disk of a folder, which need not exist yet, has room for so many bytes.

    Raises:
        DownloadError: it has not.
    """
    there = next((each for each in (folder, *folder.parents) if each.is_dir()), Path())
    free = shutil.disk_usage(there).free
    if free < needed:
        raise DownloadError(
            f"{megabytes(needed)} are needed in {folder}, and its disk has {megabytes(free)} free; free some space, or "
            "name a folder on another disk."
        )


def megabytes(size: int) -> str:
    """A number of bytes for a person: "80.1 MB"."""
    return f"{size / 1e6:,.1f} MB"


@contextmanager
def _alone(target: Path) -> Iterator[None]:
    """Let one process at a time work on a file; the others are told that they wait."""
    from filelock import FileLock, Timeout

    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logs.warn("download.wait", f"another process is fetching {target.name}; this one waits for it.")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _is_right(file: Path, digest: str) -> bool:
    algorithm, _, expected = digest.partition(":")
    return file.is_file() and checksum(file, algorithm) == expected


def _check(address: str, target: Path, part: Path, digest: str) -> None:
    algorithm, _, expected = digest.partition(":")
    if (actual := checksum(part, algorithm)) != expected:
        part.unlink()
        _etag_of(part).unlink(missing_ok=True)
        raise DownloadError(
            f"What {address} sent is not the {target.name} that its publisher names ({ALGORITHMS[algorithm]} {actual}, "
            f"expected {expected}), and was removed; try again, or put the right file into {target.parent} by hand."
        )


def _receive(address: str, target: Path, part: Path, size: int | None) -> None:
    """Make the part complete, in several attempts if need be."""
    for pause in (*PAUSES, None):
        try:
            return _attempt(address, target, part, size)
        except _DroppedError as error:
            if pause is None:
                raise _failed(address, target, f"{error}, {len(PAUSES) + 1} times") from error
            time.sleep(pause)


def _attempt(address: str, target: Path, part: Path, size: int | None) -> None:
    etag = _etag_of(part)
    done = part.stat().st_size if part.is_file() else 0
    version = etag.read_text(encoding="latin-1") if etag.is_file() else ""
    headers = {}
    if done and _STRONG.fullmatch(version) and (size is None or done < size):
        headers = {"Range": f"bytes={done}-", "If-Range": version}
    with _answer(Request(address, headers=headers), target, part) as response:
        if response.status == 206:
            if not _continues(response, done, version):
                part.unlink(missing_ok=True)
                raise _DroppedError("the server sent another part than it was asked for")
            announced = response.headers["Content-Range"].rpartition("/")[2]
        else:
            done, announced = 0, response.headers.get("Content-Length", "")
        total = int(announced) if size is None and _COUNT.fullmatch(announced) else size
        if total is None:
            raise _failed(address, target, "the server doesn't say how large it is")
        if _COUNT.fullmatch(announced) and int(announced) != total:
            raise _failed(address, target, f"the server announces {int(announced):,} bytes, and it has {total:,}")
        check_space(target.parent, total - done)
        with (
            part.open("ab" if done else "wb") as stream,
            progress(what=target.name, total=total, unit="B", initial=done) as bar,
        ):
            if not done:
                etag.write_text(response.headers.get("ETag", ""), encoding="latin-1", errors="replace")
            while done < total:
                chunk = _read(response, min(_CHUNK, total - done))
                if not chunk:
                    raise _DroppedError(f"the connection broke off after {done:,} of {total:,} bytes")
                stream.write(chunk)
                done += len(chunk)
                bar.update(len(chunk))
            stream.flush()
            os.fsync(stream.fileno())


def _continues(response: Any, done: int, version: str) -> bool:
    """Whether what comes begins where the part ends, and is of the same version."""
    begins = re.fullmatch(r"bytes (\d{1,15})-\d{1,15}/\d{1,15}", response.headers.get("Content-Range", ""))
    return begins is not None and int(begins[1]) == done and response.headers.get("ETag", version) == version


def _part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def _etag_of(part: Path) -> Path:
    return part.with_name(f"{part.name}.etag")


def _read(response: Any, size: int) -> bytes:
    try:
        return response.read1(size)
    except (OSError, HTTPException) as error:
        raise _DroppedError(f"the connection broke off ({_words(error)})") from error


class _Redirects(HTTPRedirectHandler):
    """Follows a redirection only to where the first address could have been."""

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        if not _allowed(newurl, local=urlsplit(req.full_url).scheme == "http"):
            raise HTTPError(req.full_url, code, f"a redirection to {newurl}, which is not https", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _allowed(address: str, local: bool) -> bool:
    """Whether it is https, or, where that is allowed, http on this machine, as in the tests."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (local and parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _answer(request: Request, target: Path, part: Path) -> Any:
    """What the server answers, if it is a success."""
    address = request.full_url
    if not _allowed(address, local=True):
        raise _failed(address, target, "that is no https address")
    try:
        return build_opener(_Redirects).open(request, timeout=TIMEOUT)
    except HTTPError as error:
        error.close()
        reason = f"the server answered {error.code} {_words(error.reason)}".strip()
        if error.code == 416:  # nothing of that version is left to send, so the part is another one's
            part.unlink(missing_ok=True)
        if error.code in (408, 416, 429) or error.code >= 500:
            raise _DroppedError(reason) from error
        raise _failed(address, target, reason) from error
    except URLError as error:
        way = f"no way to {urlsplit(address).hostname}{_through(address)}"
        raise _failed(address, target, f"{way}: {_words(error.reason)}") from error
    except (InvalidURL, UnicodeError) as error:  # of a proxy; the address itself is that of the table
        raise _failed(address, target, f"no way{_through(address)}: {_words(error)}") from error
    except (OSError, HTTPException) as error:
        raise _DroppedError(f"the server broke off before it answered ({_words(error)})") from error
    except ValueError as error:
        if through := _through(address):
            raise _failed(address, target, f"no way{through}: {_words(error)}") from error
        raise _failed(address, target, f"a redirection to no address ({_words(error)})") from error


def _through(address: str) -> str:
    """For a sentence, the proxy that the way to an address leads through, without its password; "" if none does."""
    parts = urlsplit(address)
    proxy = getproxies().get(parts.scheme)
    if not proxy or proxy_bypass(parts.netloc):
        return ""
    shown = _words(proxy.rpartition("@")[2])
    return f" through the proxy {shown!r}, which {parts.scheme}_proxy names and which may be wrong or not reachable"


def _failed(address: str, target: Path, reason: str) -> DownloadError:
    return DownloadError(
        f"{target.name} was not fetched ({reason}); try again later, or put the file from {address} into "
        f"{target.parent} by hand."
    )


def _words(error: object) -> str:
    """What a server or the system says, as far as it can be shown on a terminal."""
    text = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    return "".join(each for each in text if each.isprintable())[:200]
