"""The one door for a picture from outside, and what every picture of this package goes through after it.

Nothing else in `artnb` opens a picture that somebody gave us.
"""

import io
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from artnb.errors import ArtnbError

MAX_BYTES = 200 * 1024**2
MAX_PIXELS = 100_000_000
ACCEPTED = "JPEG, PNG, WebP, TIFF, GIF or BMP"
ORIENTATION = 0x0112  # the EXIF and TIFF tag

Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO


class ImageError(ArtnbError, ValueError):
    """A picture that cannot be read, used or written."""


def load_image(source: Source) -> np.ndarray:
    """Read a picture from outside, however broken or hostile it may be.

    Args:
        source: a path, the bytes of a file, or a file object opened with "rb", read from where it stands.
            The format is recognised by the content; a name's suffix does not matter.

    Returns:
        uint8 (height, width, 3), RGB, 0 to 255, upright as the EXIF orientation says. Of an animation or of
        several pages the first one; transparency lies on white; 16-bit grey is scaled to 8 bits. Floats and
        32-bit integers are scaled by the smallest usual range that holds them (to 1 for floats, to 255, to
        65,535, else to their largest value); what is below 0 or not a number becomes black. Embedded colour
        profiles are left alone.

    Raises:
        ImageError: it is missing, not a file, empty, above 200 MB or 100 megapixels (both checked before
            anything is decoded), of another format than JPEG, PNG, WebP, TIFF, GIF and BMP, or broken.
    """
    name = _name(source)
    data = _read(source, name)
    try:
        opener = next(opener for magic, opener in _OPENERS if data.startswith(magic))
    except StopIteration:
        raise ImageError(f"{name} is {_kind(data)}; give a {ACCEPTED} picture instead.") from None
    try:
        # Not Image.open: from 89 megapixels on it warns, and warnings cannot be silenced in one thread alone.
        picture = opener(io.BytesIO(data))
        if picture.width * picture.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        orientation = _orientation(picture)
        picture.load()
        return _upright(_rgb(picture), orientation)
    except Image.DecompressionBombError as error:
        message = f"{name} has more than {MAX_PIXELS // 10**6} megapixels; make it smaller and try again."
        raise ImageError(message) from error
    except Exception as error:  # Pillow raises half a dozen kinds of them for a broken file
        message = f"{name} is broken or incomplete; give a {ACCEPTED} picture that other programs can open."
        raise ImageError(message) from error


class _Tiff(TiffImageFile):
    """A TIFF picture that neither warns nor turns itself upright: `load_image` does both for every format."""

    def load_prepare(self) -> None:
        if self._im is None:
            self.im = Image.core.new(self.mode, self._tile_size)
        super().load_prepare()

    def load_end(self) -> None:
        self._size = self._tile_size


_OPENERS: tuple[tuple[bytes, Callable[[io.BytesIO], ImageFile]], ...] = (
    (b"\xff\xd8\xff", JpegImageFile),  # also the first picture of a phone's MPO
    (b"\x89PNG\r\n\x1a\n", PngImageFile),
    (b"GIF8", GifImageFile),
    (b"RIFF", WebPImageFile),
    (b"II", _Tiff),
    (b"MM", _Tiff),
    (b"BM", BmpImageFile),
)


def _name(source: object) -> str:
    """What a message may call `source`: never a whole path, because messages appear on public pages."""
    given = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    try:
        name = Path(given).name  # type: ignore[arg-type]
    except TypeError:
        name = ""
    return repr(name) if name else "The picture"


def _read(source: Source, name: str) -> bytes:
    """All bytes of `source`, or ImageError; of a longer one only MAX_BYTES + 1 are read."""
    try:
        if isinstance(source, str | os.PathLike):
            data = _read_path(source)
        elif isinstance(source, bytes):
            data = source
        elif isinstance(source, bytearray | memoryview):
            data = bytes(source) if memoryview(source).nbytes <= MAX_BYTES else bytes(MAX_BYTES + 1)
        elif callable(getattr(source, "read", None)):
            data = _read_stream(source)
        else:
            kind = type(source).__name__
            raise ImageError(f"Got {kind}; give a picture as a path, as bytes or as a file opened with 'rb'.")
    except ImageError:
        raise
    except FileNotFoundError as error:
        raise ImageError(f"{name} does not exist; check the path.") from error
    except IsADirectoryError as error:
        raise ImageError(f"{name} is a folder; give the path of one picture in it.") from error
    except PermissionError as error:
        raise ImageError(f"{name} may not be read by this user; change its permissions.") from error
    except Exception as error:
        raise ImageError(f"{name} cannot be read; give a picture file on this machine.") from error
    if len(data) > MAX_BYTES:
        raise ImageError(f"{name} is larger than {MAX_BYTES // 1024**2} MB; make it smaller and try again.")
    if not data:
        raise ImageError(f"{name} is empty, or was read to its end before; give a {ACCEPTED} picture.")
    return data


def _read_path(path: str | os.PathLike[str]) -> bytes:
    def without_waiting(file: str, flags: int) -> int:
        return os.open(file, flags | getattr(os, "O_NONBLOCK", 0))  # a FIFO would wait for its writer

    with open(path, "rb", opener=without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise ImageError(f"{_name(path)} is a device or a pipe; give a picture file.")
        return file.read(MAX_BYTES + 1)


def _read_stream(stream: BinaryIO) -> bytes:
    data = bytearray()
    while len(data) <= MAX_BYTES and (part := stream.read(MAX_BYTES + 1 - len(data))):  # it may give less
        if isinstance(part, str):
            raise ImageError(f"{_name(stream)} is open in text mode; open it with 'rb'.")
        data += part
    return bytes(data)


def _kind(data: bytes) -> str:
    """What `data` is, as far as it matters for telling the reader."""
    start = data[:1000]
    if start[4:8] == b"ftyp":
        return {b"avi": "an AVIF", b"hei": "a HEIC", b"mif": "a HEIC"}.get(start[8:11], "a video") + " file"
    if start.startswith(b"%PDF"):
        return "a PDF file"
    if b"<svg" in start:
        return "an SVG file"
    return "a text file" if start.isascii() and b"\0" not in start else "of an unknown format"


def _orientation(picture: ImageFile) -> object:
    """The EXIF orientation, 1 (upright) to 8; other values, and a block that cannot be read, mean 1."""
    try:
        tags = picture.tag_v2 if isinstance(picture, TiffImageFile) else picture.getexif()
        return tags.get(ORIENTATION, 1)
    except Exception:  # the block is as untrusted as the picture, and the picture may be good
        return 1


def _upright(array: np.ndarray, orientation: object) -> np.ndarray:
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _strips(picture: Image.Image) -> Iterator[tuple[int, Image.Image]]:
    """Bands of about a megapixel, with their first row: converting them one by one needs little memory."""
    rows = max(1, 2**20 // picture.width)
    for top in range(0, picture.height, rows):
        yield top, picture.crop((0, top, picture.width, min(top + rows, picture.height)))


def _white(picture: Image.Image) -> float:
    """The value that stands for white in a picture of floats or 32-bit integers."""
    largest = 0.0
    for _, strip in _strips(picture):
        values = np.asarray(strip)
        largest = max(largest, float(values.max(where=np.isfinite(values), initial=0)))
    usual = (1.0, 255.0, 65535.0) if picture.mode == "F" else (255.0, 65535.0)
    return next((white for white in usual if largest <= white), largest)


def _rgb(picture: Image.Image) -> np.ndarray:
    """Any mode of Pillow -> uint8 (height, width, 3)."""
    white = _white(picture) if picture.mode in ("I", "F") else 1.0
    array = np.empty((picture.height, picture.width, 3), np.uint8)
    for top, strip in _strips(picture):
        rows = array[top : top + strip.height]
        if strip.mode.startswith("I;16"):
            values = np.asarray(strip).astype(np.uint32)
            rows[:] = ((values + 128) // 257)[..., None]
            if "transparency" in strip.info:
                rows[values == strip.info["transparency"]] = 255
        elif strip.mode in ("I", "F"):
            values = np.nan_to_num(np.asarray(strip, np.float64) / white, nan=0, posinf=1, neginf=0)
            rows[:] = (values.clip(0, 1) * 255 + 0.5).astype(np.uint8)[..., None]
        elif strip.has_transparency_data:
            colours = strip.convert("RGBA")
            paper = Image.new("RGB", strip.size, "white")
            paper.paste(colours, mask=colours)
            rows[:] = np.asarray(paper)
        else:
            rows[:] = np.asarray(strip.convert("RGB"))
    return array
