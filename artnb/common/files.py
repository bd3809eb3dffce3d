"""Writing files and folders whole or not at all, and telling whether two files are the same."""

import errno
import hashlib
import io
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ALGORITHMS = {"md5": "MD5", "sha256": "SHA-256"}  # as `checksum` and as a person calls them
_STREAMS = {"/dev/stdout": 1, "/dev/stderr": 2, "/dev/fd/1": 1, "/dev/fd/2": 2}


def sha256(file: str | Path) -> str:
    """The SHA-256 of a file's bytes, 64 hexadecimal digits: what tells whether two files are the same.

    Raises:
        OSError: the file can't be read.
    """
    return checksum(file, "sha256")


def checksum(file: str | Path, algorithm: str) -> str:
    """The digest of a file's bytes, in hexadecimal digits.

    Args:
        file: which.
        algorithm: a key of `ALGORITHMS`; MD5 only to compare with what a publisher has published.

    Raises:
        OSError: the file can't be read.
    """
    with Path(file).open("rb") as stream:
        return hashlib.file_digest(stream, algorithm).hexdigest()


def short_name(name: str, most: int = 200) -> str:
    """The beginning of a file's name, of so many bytes at most: what names are made from that must not be too long."""
    while len(os.fsencode(name)) > most:  # by characters: half of one is no UTF-8
        name = name[:-1]
    return name


@contextmanager
def replacing(target: str | Path) -> Iterator[Path]:
    """Yield a path beside `target` to write to; on success it takes the place of `target` in one step.

    The yielded path keeps the suffix of `target`, because Pillow, Keras and pandas choose a format by it. What
    is written may be a file, or a folder when `target` does not exist yet. A link stays, and what it points at is
    replaced. If the block raises, or the disk is full, `target` is as it was and nothing is left beside it.

    Raises:
        OSError: `target` cannot be written, or is a device or a pipe, which a file must not take the place of.
    """
    name = Path(target).name
    with suppress(FileNotFoundError):
        if stat.S_IFMT(Path(target).stat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR):
            raise OSError(errno.EINVAL, "Is a device or a pipe, not a file", str(target))
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{short_name(target.name)}.", dir=target.parent))
    part = beside / name
    try:
        yield part
        if part.is_file():
            with part.open("rb+") as written:
                os.fsync(written.fileno())
        part.replace(target)
    except OSError as error:
        error.filename = error.filename or str(target)  # a write that fails does not say of what
        raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


class _Memory(io.BytesIO):
    """A file in memory, under a name that Keras takes for one of weights."""

    def __fspath__(self) -> str:
        return "memory.weights.h5"

    __str__ = __fspath__


def write_weights(model: Any, file: Path) -> None:
    """Write a Keras model's weights, and its optimiser's if it has one.

    HDF5 fills memory and not the disk: a disk that is full would end the process in it (a segmentation fault).

    Args:
        model: which.
        file: NAME.weights.h5, as `replacing` yields it.

    Raises:
        OSError: it can't be written, such as on a full disk.
    """
    memory = _Memory()
    model.save_weights(memory)
    file.write_bytes(memory.getbuffer())


def append_lines(file: str | Path, lines: Iterable[str], most_bytes: int | None = None) -> None:
    """Add lines to a text file, written to the disk before this returns; several processes may do so at once.

    A last line that a power cut left unfinished stays, and nothing is added to it. A device or a pipe gets the lines
    as they are.

    Args:
        file: which.
        lines: without their line ends.
        most_bytes: a file that is larger is first renamed to `NAME.1`, in place of an older one.

    Raises:
        OSError: the file can't be written to, or nobody reads the pipe.
    """
    from filelock import FileLock

    file, content = Path(file), "".join(f"{line}\n" for line in lines).encode()
    if str(file) in _STREAMS or file.is_char_device() or file.is_fifo():
        return _pass_on(file, content)
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = file.with_name(f".{file.name}.lock")
    lock.open("ab").close()  # raises where there can be no file; FileLock would wait for ever
    with FileLock(lock):
        if most_bytes is not None and file.exists() and file.stat().st_size > most_bytes:
            file.replace(file.with_name(f"{file.name}.1"))
        _append(file, content)


def _append(file: Path, content: bytes) -> None:
    with file.open("ab+") as stream:
        if stream.tell():
            stream.seek(-1, os.SEEK_END)
            if stream.read(1) != b"\n":
                stream.write(b"\n")
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _pass_on(file: Path, content: bytes) -> None:
    own = _STREAMS.get(str(file))  # not opened anew, which fails for a socket and overwrites a file
    # Opening a pipe that nobody reads would wait for ever; not to wait while writing would tear lines apart.
    stream = os.open(file, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY) if own is None else own
    if own is None:
        os.set_blocking(stream, True)
    with open(stream, "wb", closefd=own is None) as out:
        out.write(content)
