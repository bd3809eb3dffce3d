"""The one door for a picture, and what every picture goes through after it.

A picture is uint8 (height, width, 3), RGB, 0 to 255. `load_image` makes it from a path, bytes, a file object or an
array, and nothing else in `artnb` opens a picture from outside. All functions raise ImageError, and nothing
else, for what they cannot use.
"""

import io
import math
import os
import stat
import struct
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile, PngInfo
from PIL.TiffImagePlugin import TiffImageFile

from artnb.common.files import replacing
from artnb.common.patience import Impatient
from artnb.common.pixels import rgb
from artnb.errors import ArtnbError

MAX_BYTES = 200 * 1024**2
MAX_PIXELS = 100_000_000
FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")  # JPEG: also the first picture of a phone's MPO
ACCEPTED = "JPEG, PNG, WebP, TIFF, GIF or BMP"
WRITTEN = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_MOST_SIDE = {".jpg": 65_500, ".jpeg": 65_500, ".webp": 16_383, ".gif": 65_535}  # pixels that a format can hold

_T = TypeVar("_T")
ImageLike = str | os.PathLike[str] | bytes | bytearray | memoryview | BinaryIO | np.ndarray


class ImageError(ArtnbError, ValueError):
    """A picture that cannot be read, used or written."""


def load_image(source: ImageLike) -> np.ndarray:
    """Read a picture, however broken or hostile it may be.

    Args:
        source: a path, the bytes of a file, a file object opened with "rb", read from where it stands, or an array of
            uint8 (height, width) or (height, width, 3). The format of a file is recognised by its content; its suffix
            does not matter.

    Returns:
        uint8 (height, width, 3), upright as the EXIF orientation says; an array is given back as it is, and grey ones
        get three equal channels. Of an animation or of several pages the first one; transparency lies on white; 16-bit
        grey is scaled to 8 bits. Embedded colour profiles are left alone.

    Raises:
        ImageError: missing, not a file, empty, above 200 MB or 100 megapixels (both checked before anything is
            decoded), of another format than JPEG, PNG, WebP, TIFF, GIF and BMP, or broken; or an array of another shape
            or type, such as floats.
    """
    if isinstance(source, np.ndarray):
        return _checked(source)
    return with_picture(source, rgb)


def as_list(pictures: Any) -> tuple[list[Any], bool]:
    """Pictures as a list, and whether there were several: a list, a tuple or an array (n, height, width, 3).

    Anything else is one picture, as for `load_image`; an array (height, width, 3) is, too.
    """
    several = isinstance(pictures, list | tuple) or (isinstance(pictures, np.ndarray) and pictures.ndim == 4)
    return (list(pictures) if several else [pictures]), several


def save_image(
    image: np.ndarray, path: str | os.PathLike[str], quality: int = 95, text: Mapping[str, str] | None = None
) -> None:
    """Write a picture as its suffix says, .png, .jpg, .jpeg or .webp; until it is whole, an older file stays.

    `quality`, 1 to 100, is for JPEG and WebP; `text`, by keywords, for PNG, whose files can hold it; missing folders
    are made.
    """
    if not isinstance(path, str | os.PathLike):
        raise ImageError(f"Got {type(path).__name__}; give the path of a picture to write.")
    path = Path(path)
    if path.suffix.lower() not in WRITTEN:
        raise ImageError(f"{path.name!r} is no name of a picture; end it with {', '.join(WRITTEN)}.")
    if not (_whole(1, quality) and quality <= 100):
        raise ImageError(f"The quality is {_short(quality)}; give a whole number from 1 to 100.")
    picture, texts = Image.fromarray(_checked(image)), _png_texts(text)
    try:
        with replacing(path) as part:
            picture.save(part, WRITTEN[path.suffix.lower()], quality=int(quality), pnginfo=texts)
    except (OSError, ValueError) as error:  # ValueError: sides that the format cannot hold
        message = f"{path.name!r} cannot be written ({_reason(error)}); choose another place, format or size."
        raise ImageError(message) from error


def check_sides(path: Path, size: Sequence[int]) -> None:
    """Say before a picture of (height, width) is made that the format of `path` can't hold it."""
    most = _MOST_SIDE.get(path.suffix.lower(), math.inf)
    if max(size[:2]) > most:
        raise ImageError(
            f"{path.name!r} would have {size[0]} × {size[1]} pixels, and a side of a {path.suffix} has {most} at most; "
            "end its name in .png, or make it smaller."
        )


def png_bytes(image: np.ndarray, text: Mapping[str, str] | None = None) -> bytes:
    """A picture as the bytes of a PNG file, with texts by their keywords inside."""
    buffer = io.BytesIO()
    Image.fromarray(_checked(image)).save(buffer, "PNG", pnginfo=_png_texts(text))
    return buffer.getvalue()


def _png_texts(text: Mapping[str, str] | None) -> PngInfo:
    written = PngInfo()
    try:
        for keyword, value in (text or {}).items():
            written.add_itxt(keyword, value)
    except (AttributeError, TypeError, ValueError) as error:  # ValueError: of letters that it can't hold
        raise ImageError(f"The texts are {_short(text)}; give texts by keywords in Latin letters.") from error
    return written


def load_text(source: ImageLike) -> dict[str, str]:
    """The texts in a PNG file by their keywords; empty for other pictures. Treat them as you would any stranger's.

    Raises:
        ImageError: see `load_image`.
    """
    if isinstance(source, np.ndarray):
        _checked(source)
        return {}

    def texts(picture: Image.Image) -> dict[str, str]:
        picture.load()
        entries = picture.text if isinstance(picture, PngImageFile) else {}
        return {str(keyword): str(value) for keyword, value in entries.items()}

    return with_picture(source, texts)


def with_picture(
    source: ImageLike, use: Callable[[Image.Image], _T], data: bytes | None = None, seconds: float | None = None
) -> _T:
    """Open a picture as Pillow does, and return what `use` makes of it: the door for who needs more than its RGB.

    Args:
        source: as for `load_image`, but no array.
        use: gets the picture when its size and format are checked, and decodes it (`picture.load()`) in limited time.
        data: the bytes of `source`, if `read_bytes` read them before.
        seconds: of processor time that decoding may take; by default as long as one picture of its size can.

    Raises:
        ImageError: see `load_image`; whatever Pillow or `use` raises becomes one.
    """
    name = _name(source)
    data = read_bytes(source) if data is None else data
    try:
        file = Impatient(data)
        picture = _open(file)
        _check_size(picture, data)
        if picture.mode in ("I", "F"):
            raise ImageError(f"{name} holds numbers of 32 bits; save it with 8 bits a channel.")
        megapixels = picture.width * picture.height / 10**6
        usual = 0.5 + megapixels / 200 if picture.format == "BMP" else 1 + megapixels / 10
        file.allow(usual if seconds is None else seconds)
        return use(picture)
    except UnidentifiedImageError as error:
        raise ImageError(f"{name} is {_kind(data)}; give a {ACCEPTED} picture instead.") from error
    except ImageError:
        raise
    except Image.DecompressionBombError as error:
        message = f"{name} has more than {MAX_PIXELS // 10**6} megapixels; make it smaller and try again."
        raise ImageError(message) from error
    except Exception as error:  # Pillow raises half a dozen kinds of them for a broken file
        message = f"{name} is broken or incomplete; give a {ACCEPTED} picture that other programs can open."
        raise ImageError(message) from error


def _open(file: io.BytesIO) -> ImageFile.ImageFile:
    """`Image.open` without its warning from 89 megapixels on; only in decoding a TIFF or an odd GIF it still comes."""
    start = file.read(16)
    Image.init()  # registers the formats, once
    for form in FORMATS:
        opener, accepts = Image.OPEN[form]
        with suppress(SyntaxError, IndexError, TypeError, struct.error):  # how Pillow says: of another format
            if accepts is not None and accepts(start) is True:
                file.seek(0)
                return opener(file, "")
    raise UnidentifiedImageError


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample to `size`, (height, width), whatever that does to the ratio of the sides -> uint8 (*size, 3)."""
    image = _checked(image)
    return _resample(image, size, (0, 0, image.shape[1], image.shape[0]))


def shrink(image: np.ndarray, longest: int, least: int = 1) -> np.ndarray:
    """Resample so that no side is longer than `longest` nor shorter than `least`; a smaller picture stays as it is."""
    image = _checked(image)
    if not _whole(1, longest, least):
        raise ImageError(
            f"The longest side is {_short(longest)} and the shortest {_short(least)}; give whole numbers from 1 on."
        )
    factor = longest / max(image.shape[:2])
    if factor >= 1:
        return image
    height, width = (max(least, round(side * factor)) for side in image.shape[:2])
    return resize(image, (height, width))


def fit(image: np.ndarray, size: int) -> np.ndarray:
    """Cut the largest square out of the middle and resample it -> uint8 (size, size, 3).

    So every picture is prepared for a network, in training and in serving: a network notices a difference.
    """
    image = _checked(image)
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
    images, _ = as_list(images)
    if not (images and _whole(1, columns, size) and _whole(0, gap, background) and background <= 255):
        raise ImageError(
            f"A sheet of {len(images)} pictures in {_short(columns)} columns of {_short(size)} pixels, gap "
            f"{_short(gap)} and grey {_short(background)} cannot be laid out; give at least 1, 1, 1, 0 and a grey "
            "from 0 to 255."
        )
    cell = size + gap
    shape = -(-len(images) // columns) * cell + gap, columns * cell + gap
    if shape[0] * shape[1] > MAX_PIXELS:
        raise ImageError(f"The sheet would have {shape[0]} × {shape[1]} pixels; choose smaller cells.")
    sheet = np.full((*shape, 3), background, np.uint8)
    for index, image in enumerate(images):
        height, width = np.shape(_checked(image))[:2]
        scale = size / max(height, width)
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        top = index // columns * cell + gap + (size - height) // 2
        left = index % columns * cell + gap + (size - width) // 2
        sheet[top : top + height, left : left + width] = resize(image, (height, width))
    return sheet


def _resample(image: np.ndarray, size: tuple[int, int], box: tuple[float, float, float, float]) -> np.ndarray:
    sides = list(size) if isinstance(size, tuple | list | np.ndarray) else [size]
    if len(sides) != 2 or not _whole(1, *sides) or math.prod(map(int, sides)) > MAX_PIXELS:
        words = " × ".join(map(_short, sides[:3]))
        raise ImageError(f"The size is {words}; give height and width as whole numbers, of 100 megapixels at most.")
    height, width = map(int, sides)
    # Bicubic, which Pillow widens when shrinking, so that nothing aliases: EfficientNet-Lite0 was trained with
    # it, and it leaves fainter halos along contours than Lanczos.
    return np.array(Image.fromarray(image).resize((width, height), Image.Resampling.BICUBIC, box))


def _whole(least: int, *values: object) -> bool:
    """Whether all of them are whole numbers from `least` on."""
    return all(isinstance(v, int | np.integer) and not isinstance(v, bool) and v >= least for v in values)


def _short(value: object) -> str:
    return " ".join(repr(value).split())[:60]


def _checked(image: np.ndarray) -> np.ndarray:
    """Check what a caller calls a picture -> uint8 (height, width, 3)."""
    try:
        image = np.asarray(image)
    except Exception as error:  # rows of several lengths, or an object that can't be made one
        raise ImageError(f"Got {type(image).__name__}, no array; give a picture as (height, width, 3).") from error
    if image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)) or not image.size:
        raise ImageError(f"Got an array of shape {image.shape}; give one picture as (height, width, 3).")
    if image.shape[0] * image.shape[1] > MAX_PIXELS:
        raise ImageError(f"The array has more than {MAX_PIXELS // 10**6} megapixels; make it smaller and try again.")
    if image.dtype != np.uint8:
        values = ""
        if image.dtype.kind in "fiub":
            finite = np.isfinite(image).all()
            values = f" from {image.min():g} to {image.max():g}" if finite else ", not all of them finite"
        raise ImageError(
            f"Got {image.dtype} values{values}; a picture is uint8 from 0 to 255: scale the values to that range, "
            "round them and use .astype(np.uint8)."
        )
    return image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=-1)


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


def read_bytes(source: Any) -> bytes:
    """The bytes of a picture file, for `with_picture`; of a longer one not more than MAX_BYTES + 1 are read.

    Raises:
        ImageError: missing, not a file, empty, open in text mode, or above 200 MB.
    """
    name = _name(source)
    try:
        if isinstance(source, str | os.PathLike):
            data = _read_path(source)
        elif isinstance(source, bytes | bytearray | memoryview):
            data = bytes(source) if memoryview(source).nbytes <= MAX_BYTES else bytes(MAX_BYTES + 1)
        elif hasattr(source, "read"):
            data = _read_stream(source)
        else:
            kind = type(source).__name__
            raise ImageError(
                f"Got {kind}; give a picture as a path, as bytes, as a file opened with 'rb' or as a uint8 array."
            )
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
    try:
        while missing > 0 and (part := stream.read(missing)):  # a raw file may give less than it is asked for
            if isinstance(part, str):
                raise UnicodeError
            parts.append(part)
            missing -= len(part)
    except UnicodeError as error:  # it gives text, or would give it if these bytes were a text
        raise ImageError(f"{_name(stream)} is open in text mode; open it with 'rb'.") from error
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
