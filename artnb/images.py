"""The one door for a picture from outside, and what every picture goes through after it.

A picture is uint8 (height, width, 3), RGB, 0 to 255. `load_image` makes it from anything and nothing else in
`artnb` opens a picture that somebody gave us; the other functions also take floats from 0 to 1, which is what
networks give back. All raise ImageError, and nothing else, for what they cannot use.
"""

import io
import os
import stat
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile, PngInfo
from PIL.TiffImagePlugin import TiffImageFile

from artnb.errors import ArtnbError
from artnb.files import replacing

MAX_BYTES = 200 * 1024**2
MAX_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")  # JPEG: also the first picture of a phone's MPO
ACCEPTED = "JPEG, PNG, WebP, TIFF, GIF or BMP"
WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

T = TypeVar("T")
Source = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO


# Between 89 and 178 megapixels Pillow only warns; we refuse from 100 on. It also warns of broken EXIF and the like.
# A visitor has no use for a warning, and under -W error it would refuse a good picture. Set here once, because
# warnings.catch_warnings, around a single picture, is not for threads.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class ImageError(ArtnbError, ValueError):
    """A picture that cannot be read, used or written."""


def load_image(source: Source) -> np.ndarray:
    """Read a picture from outside, however broken or hostile it may be.

    Args:
        source: a path, the bytes of a file, or a file object opened with "rb", read from where it stands.
            The format is recognised by the content; a name's suffix does not matter.

    Returns:
        uint8 (height, width, 3), upright as the EXIF orientation says. Of an animation or of several pages the
        first one; transparency lies on white; 16-bit grey is scaled to 8 bits. Floats and 32-bit integers are
        scaled by the smallest usual range that holds them (to 1 for floats, to 255, to 65,535, else to their
        largest value); below 0 or not a number is black. Embedded colour profiles are left alone.

    Raises:
        ImageError: missing, not a file, empty, above 200 MB or 100 megapixels (both checked before anything is
            decoded), of another format than JPEG, PNG, WebP, TIFF, GIF and BMP, or broken.
    """
    return _with_picture(source, lambda picture: _upright(_rgb(picture), _orientation(picture)))


def save_image(
    image: np.ndarray, path: str | os.PathLike[str], quality: int = 95, text: Mapping[str, str] | None = None
) -> None:
    """Write a picture as its suffix says, .png, .jpg, .jpeg or .webp; until it is whole, an older file stays.

    `quality`, 1 to 100, is for JPEG and WebP; `text`, by keywords, for PNG, whose files can hold it; missing folders
    are made.
    """
    path = Path(path)
    if path.suffix.lower() not in WRITTEN:
        raise ImageError(f"{path.name!r} has another suffix than {', '.join(WRITTEN)}; give it one of these.")
    if quality not in range(1, 101):
        raise ImageError(f"The quality is {quality!r}; give a whole number from 1 to 100.")
    picture = Image.fromarray(_uint8(image))
    try:
        with replacing(path) as part:
            picture.save(part, WRITTEN[path.suffix.lower()], quality=quality, pnginfo=_png_texts(text))
    except (OSError, ValueError) as error:  # ValueError: sides that the format cannot hold
        message = f"{path.name!r} cannot be written ({_reason(error)}); choose another place, format or size."
        raise ImageError(message) from error


def png_bytes(image: np.ndarray, text: Mapping[str, str] | None = None) -> bytes:
    """A picture as the bytes of a PNG file, with texts by their keywords inside."""
    buffer = io.BytesIO()
    Image.fromarray(_uint8(image)).save(buffer, "PNG", pnginfo=_png_texts(text))
    return buffer.getvalue()


def _png_texts(text: Mapping[str, str] | None) -> PngInfo:
    written = PngInfo()
    for keyword, value in (text or {}).items():
        written.add_itxt(keyword, value)
    return written


def load_text(source: Source) -> dict[str, str]:
    """The texts in a PNG file by their keywords; empty for other pictures. Treat them as you would any stranger's.

    Raises:
        ImageError: see `load_image`.
    """

    def texts(picture: Image.Image) -> dict[str, str]:
        found = picture.text if isinstance(picture, PngImageFile) else {}
        return {str(keyword): str(value) for keyword, value in found.items()}

    return _with_picture(source, texts)


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample to `size`, (height, width), whatever that does to the ratio of the sides -> uint8 (*size, 3)."""
    image = _uint8(image)
    return _resample(image, size, (0, 0, image.shape[1], image.shape[0]))


def shrink(image: np.ndarray, longer: int, least: int = 1) -> np.ndarray:
    """Resample so that no side is longer than `longer` nor shorter than `least`; a smaller picture stays as it is."""
    factor = longer / max(image.shape[:2])
    if factor >= 1:
        return image
    height, width = (max(least, round(side * factor)) for side in image.shape[:2])
    return resize(image, (height, width))


def fit(image: np.ndarray, size: int) -> np.ndarray:
    """Cut the largest square out of the middle and resample it -> uint8 (size, size, 3).

    So every picture is prepared for a network, in training and in serving: a network notices a difference.
    """
    image = _uint8(image)
    height, width = image.shape[:2]
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2  # by half a pixel too, so that mirrored fits mirrored
    return _resample(image, (size, size), (left, top, left + side, top + side))


def contact_sheet(
    images: Sequence[np.ndarray], columns: int, size: int, gap: int = 8, background: int = 255
) -> np.ndarray:
    """Lay pictures out in rows, each whole and centred in a cell of `size` pixels, as one picture.

    `gap` pixels of `background`, a grey from 0 to 255, lie between the cells and around them. Returns uint8
    (rows * (size + gap) + gap, columns * (size + gap) + gap, 3).
    """
    cell = size + gap
    if not images or columns < 1 or size < 1 or gap < 0 or background not in range(256):
        raise ImageError(
            f"A sheet of {len(images)} pictures in {columns} columns of {size} pixels, gap {gap} and grey "
            f"{background} cannot be laid out; give at least 1, 1, 1, 0 and a grey from 0 to 255."
        )
    shape = -(-len(images) // columns) * cell + gap, columns * cell + gap
    if shape[0] * shape[1] > MAX_PIXELS:
        raise ImageError(f"The sheet would have {shape[0]} × {shape[1]} pixels; choose smaller cells.")
    sheet = np.full((*shape, 3), background, np.uint8)
    for index, image in enumerate(images):
        height, width = np.shape(_uint8(image))[:2]
        scale = size / max(height, width)
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        top = index // columns * cell + gap + (size - height) // 2
        left = index % columns * cell + gap + (size - width) // 2
        sheet[top : top + height, left : left + width] = resize(image, (height, width))
    return sheet


def _with_picture(source: Source, use: Callable[[Image.Image], T]) -> T:
    """Open and decode a picture, and give back what `use` makes of it; whatever goes wrong is an ImageError."""
    name = _name(source)
    data = _read(source, name)
    try:
        file = _Clocked(data)
        picture = Image.open(file, formats=FORMATS)
        _check_size(picture, data)
        megapixels = picture.width * picture.height / 10**6
        file.allow(0.5 + megapixels / 200 if picture.format == "BMP" else 1 + megapixels / 10)
        picture.load()
        return use(picture)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is {_kind(data)}; give a {ACCEPTED} picture instead.") from error
    except Image.DecompressionBombError as error:
        message = f"{name} has more than {MAX_PIXELS // 10**6} megapixels; make it smaller and try again."
        raise ImageError(message) from error
    except Exception as error:  # Pillow raises half a dozen kinds of them for a broken file
        message = f"{name} is broken or incomplete; give a {ACCEPTED} picture that other programs can open."
        raise ImageError(message) from error


def _resample(image: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    height, width = size
    if min(size) < 1 or height * width > MAX_PIXELS:
        raise ImageError(f"The size is {height} × {width}; give sides from 1 on, of 100 megapixels at most.")
    # Bicubic, which Pillow widens when shrinking, so that nothing aliases: EfficientNet-Lite0 was trained with
    # it, and it leaves fainter halos along contours than Lanczos.
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box))


def _uint8(image: np.ndarray) -> np.ndarray:
    """Check what a caller calls a picture -> uint8 (height, width, 3)."""
    image = np.asarray(image)
    if image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ImageError(f"Got an array of shape {image.shape}; give one picture as (height, width, 3).")
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind != "f":
        raise ImageError(f"Got an array of {image.dtype}; give uint8, or floats from 0 to 1.")
    if not (image.min() >= 0 and image.max() <= 1):  # so written, NaN fails as well
        raise ImageError(f"Got floats from {image.min():.3g} to {image.max():.3g}; clip them to 0 and 1.")
    return (image * 255 + 0.5).astype(np.uint8)


class _Clocked(io.BytesIO):
    """A file for readers of limited patience.

    A loop over 200 MB of one-byte blocks takes Pillow a minute and gigabytes. The processor time of this thread
    counts, not the clock on the wall, so a busy machine changes nothing; decoding mostly takes a tenth of it.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.allow(0.5)

    def allow(self, seconds: float) -> None:
        self._until = time.thread_time() + seconds

    def read(self, size: int | None = -1, /) -> bytes:
        if time.thread_time() > self._until:
            raise RuntimeError("reading takes too long")  # of an OSError Pillow would make a warning
        return super().read(size)


def _check_size(picture: Image.Image, data: bytes) -> None:
    """Refuse, before anything is decoded, what would take too much memory or time."""
    sides = [picture.size]
    if isinstance(picture, TiffImageFile):  # a tile is decoded as a whole, however small the picture
        sides.append((int(picture.tag_v2.get(322, 1)), int(picture.tag_v2.get(323, 1))))
    if any(width * height > MAX_PIXELS for width, height in sides):
        raise Image.DecompressionBombError
    # Each scan of a progressive JPEG costs a pass over the whole picture; usual are ten. The video that phones
    # append may hold the marker by chance, once in 65,536 bytes.
    if picture.format in ("JPEG", "MPO") and data.count(b"\xff\xda") > 100 + len(data) // 10_000:
        raise OSError("too many scans")
    if picture.format == "WEBP" and data.count(b"ANMF") > 10_000:  # libwebp remembers each frame
        raise OSError("too many frames")


def _name(source: object) -> str:
    """What a message may call `source`: never a whole path, because messages appear on public pages."""
    given: Any = source if isinstance(source, str | os.PathLike) else getattr(source, "name", None)
    try:
        name = Path(given).name
    except TypeError:
        name = ""
    return repr(name if len(name) < 80 else f"{name[:50]}…{name[-20:]}") if name else "The picture"


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or type(error).__name__).lower()  # str(error) may hold a path


def _read(source: Source, name: str) -> bytes:
    """All bytes of `source`; of a longer one not more than MAX_BYTES + 1 are read."""
    try:
        if isinstance(source, str | os.PathLike):
            data = _read_path(source)
        elif isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source) if memoryview(source).nbytes <= MAX_BYTES else bytes(MAX_BYTES + 1)
        elif hasattr(source, "read"):
            data = _read_stream(source)
        else:
            kind = type(source).__name__
            raise ImageError(f"Got {kind}; give a picture as a path, as bytes or as a file opened with 'rb'.")
    except ImageError:
        raise
    except Exception as error:  # a file object may raise anything
        message = f"{name} cannot be read ({_reason(error)}); give a picture file that exists and may be read."
        raise ImageError(message) from error
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
    parts: list[bytes] = []
    missing = MAX_BYTES + 1
    while missing > 0 and (part := stream.read(missing)):  # a raw file may give less than it is asked for
        if isinstance(part, str):
            raise ImageError(f"{_name(stream)} is open in text mode; open it with 'rb'.")
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _kind(data: bytes) -> str:
    """What `data` is, as far as it helps the reader to know."""
    start = data[:1000]
    if start[4:8] == b"ftyp":
        return {b"avi": "an AVIF", b"hei": "a HEIC", b"mif": "a HEIC"}.get(start[8:11], "a video") + " file"
    if start.startswith(b"%PDF"):
        return "a PDF file"
    if b"<svg" in start:
        return "an SVG file"
    return "a text file" if start.isascii() and b"\0" not in start else "of an unknown format"


def _orientation(picture: Image.Image) -> object:
    """EXIF's orientation, 1 to 8; anything else means 1, upright."""
    try:
        return picture.getexif().get(0x0112)
    except Exception:  # the block is as untrusted as the picture, which may be good all the same
        return 1


def _upright(array: np.ndarray, orientation: object) -> np.ndarray:
    if orientation in (5, 6, 7, 8):
        array = array.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return np.ascontiguousarray(array)


def _tiles(picture: Image.Image) -> Iterator[tuple[Image.Image, tuple[slice, slice]]]:
    """Parts of at most a megapixel and where they lie: converting part by part needs no second whole picture."""
    width = min(picture.width, 2**20)
    height = min(picture.height, 2**20 // width)
    for top in range(0, picture.height, height):
        for left in range(0, picture.width, width):
            right, bottom = min(left + width, picture.width), min(top + height, picture.height)
            yield picture.crop((left, top, right, bottom)), (slice(top, bottom), slice(left, right))


def _white(picture: Image.Image) -> float:
    """The value that stands for white in a picture of floats or 32-bit integers."""
    largest = 0.0
    for tile, _ in _tiles(picture):
        values = np.asarray(tile)
        largest = max(largest, float(values.max(where=np.isfinite(values), initial=0)))
    usual = (1.0, 255.0, 65535.0) if picture.mode == "F" else (255.0, 65535.0)
    return next((white for white in usual if largest <= white), largest)


def _rgb(picture: Image.Image) -> np.ndarray:
    """Any mode of Pillow -> uint8 (height, width, 3)."""
    array = np.empty((picture.height, picture.width, 3), np.uint8)
    white = _white(picture) if picture.mode in ("I", "F") else 1.0
    for tile, place in _tiles(picture):
        if tile.mode.startswith("I;16"):
            values = np.asarray(tile).astype(np.uint32)
            array[place] = ((values + 128) // 257)[..., None]
            array[place][values == tile.info.get("transparency", -1)] = 255
        elif tile.mode in ("I", "F"):
            values = np.nan_to_num(np.asarray(tile, np.float64) / white, nan=0, posinf=1, neginf=0)
            array[place] = (values.clip(0, 1) * 255 + 0.5).astype(np.uint8)[..., None]
        elif tile.has_transparency_data:
            colours = tile.convert("RGBA")
            paper = Image.new("RGB", tile.size, "white")
            paper.paste(colours, mask=colours)
            array[place] = np.asarray(paper)
        else:
            array[place] = np.asarray(tile.convert("RGB"))
    return array
