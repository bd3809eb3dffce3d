"""The pictures of a folder of any size, one after the other: read and decoded ahead in threads, never all at once."""

import hashlib
import os
import threading
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from artnb.common.pixels import rgb
from artnb.images import ImageError, fit, read_bytes, with_picture

AHEAD = 128  # pictures decoded and not yet used
_THREADS = min(8, os.cpu_count() or 1)
_LARGE = 25_000_000  # pixels from which on pictures are decoded one at a time: 100 megapixels take 0.7 GB
_one_large = threading.Lock()


class Picture(NamedTuple):
    """A picture of a folder.

    Attributes:
        path: relative to the folder, with forward slashes.
        sha256: of the bytes that were decoded; None if there were none.
        image: uint8 (size, size, 3), as `images.fit` makes it; None for a broken picture.
        error: why it is broken, a sentence; None for a good one.
    """

    path: str
    sha256: str | None
    image: np.ndarray | None
    error: str | None


def path_in(folder: Path, file: Path) -> str:
    """The path of a file relative to a folder, with forward slashes; bytes that are no UTF-8 as escapes."""
    return file.relative_to(folder).as_posix().encode("utf-8", "backslashreplace").decode()


def stream(files: Iterable[Path], folder: Path, size: int) -> Generator[Picture, None, None]:
    """Decode pictures in threads, ahead of who uses them, in their order.

    Memory is bounded however many there are: `AHEAD` small pictures, and one large one at a time.

    Args:
        files: pictures in the folder, read as they are asked for.
        folder: what their paths are relative to.
        size: height and width in pixels.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        waiting: deque[Future[Picture]] = deque()
        try:
            for file in files:
                waiting.append(pool.submit(_read, file, path_in(folder, file), size))
                if len(waiting) >= AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _read(file: Path, path: str, size: int) -> Picture:
    """Read a file once, so that the digest is that of what is decoded, though the file may change meanwhile."""
    digest = None
    try:
        data = read_bytes(file)
        digest = hashlib.sha256(data).hexdigest()
        return Picture(path, digest, with_picture(file, partial(_fitted, size=size), data), None)
    except ImageError as error:
        return Picture(path, digest, None, str(error))


def _fitted(picture: Image.Image, size: int) -> np.ndarray:
    if picture.width * picture.height < _LARGE:
        return fit(rgb(picture), size)
    with _one_large:
        return fit(rgb(picture), size)
