"""The door for pictures: some 250 odd and hostile files in one watched process, then values, pixel by pixel."""

import gc
import io
import json
import os
import struct
import subprocess
import sys
import threading
import time
import zlib

import numpy as np
import pytest
from PIL import Image

from artnb import images
from artnb.errors import ArtnbError
from artnb.images import ImageError, contact_sheet, fit, load_image, resize, save_image
from artnb.metrics import structure
from tests.conftest import draw

RNG = np.random.default_rng(1874)
NOISE = RNG.integers(0, 256, (48, 64, 3), dtype=np.uint8)
SMOOTH = np.asarray(Image.fromarray(NOISE[:6, :8]).resize((64, 48), Image.Resampling.BICUBIC))


def encode(picture, kind, mode=None, **options):
    picture = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    file = io.BytesIO()
    (picture.convert(mode) if mode else picture).save(file, kind, **options)
    return file.getvalue()


def chunk(kind, data=b"", crc=None):
    crc = zlib.crc32(kind + data) if crc is None else crc
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)


def png(width=8, height=8, bits=8, colour=2, before=b"", after=b"", pixels=None, idat=None):
    """A PNG written by hand; `pixels` are the rows with their filter bytes."""
    pixels = bytes(height * (1 + width * 3)) if pixels is None else pixels
    head = chunk(b"IHDR", struct.pack(">2I5B", width, height, bits, colour, 0, 0, 0))
    body = idat or chunk(b"IDAT", zlib.compress(pixels))
    return b"\x89PNG\r\n\x1a\n" + head + before + body + after + chunk(b"IEND")


def tiff(tags, data=b"", **changed):
    """A little-endian TIFF written by hand: {tag: (type, count, value)}; `data` begins at byte 200."""
    rows = b"".join(struct.pack("<HHII", tag, *entry) for tag, entry in sorted(tags.items()))
    return (b"II*\0" + struct.pack("<IH", 8, len(tags)) + rows + bytes(4)).ljust(200, b"\0") + data


def grey_tiff(width, height, data=b"", **more):
    numbers = {256: width, 257: height, 258: 8, 259: 1, 262: 1, 277: 1, 273: 200, 278: height, 279: len(data)}
    return tiff({tag: (4, 1, value) for tag, value in numbers.items()} | more.get("tags", {}), data)


def riff(*chunks):
    body = b"WEBP" + b"".join(kind + struct.pack("<I", len(data)) + data for kind, data in chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gif(width, height, frame=None, before=b"", data=b"\x02\x02\x44\x01\0"):
    frame = frame or (0, 0, width, height)
    screen = b"GIF89a" + struct.pack("<2H3B", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    return screen + before + b"," + struct.pack("<4HB", *frame, 0) + data + b";"


def bmp(width, height, bits=24, compression=0, data=b""):
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(data), 0, 0, 54) + head + data


def exif(orientation, description=None):
    tags = Image.Exif()
    tags[0x0112] = orientation
    if description:
        tags[0x010E] = description
    return tags.tobytes()


def jpeg_of_size(height, width, **options):
    """A JPEG of 16 x 16 pixels that claims to be larger."""
    data = encode(np.zeros((16, 16, 3), np.uint8), "JPEG", subsampling=0, **options)
    at = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


SECOND = encode(NOISE, "JPEG")
WHOLE = {
    "jpg": encode(SMOOTH, "JPEG"),
    "progressive.jpg": encode(SMOOTH, "JPEG", progressive=True, exif=exif(6)),
    "mpo": encode(SMOOTH, "MPO", save_all=True, append_images=[Image.fromarray(NOISE)]),
    "png": encode(SMOOTH, "PNG"),
    "webp": encode(SMOOTH, "WEBP", lossless=True),
    "lossy.webp": encode(SMOOTH, "WEBP", exif=exif(3)),
    "tif": encode(SMOOTH, "TIFF"),
    "lzw.tif": encode(SMOOTH, "TIFF", compression="tiff_lzw"),
    "gif": encode(SMOOTH, "GIF", "P"),
    "bmp": encode(SMOOTH, "BMP"),
}
GARBAGE_EXIF = {
    "noise": b"Exif\0\0" + RNG.bytes(300),
    "no header": b"Exif\0\0",
    "many tags": b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + RNG.bytes(60),
    "far away": b"Exif\0\0II*\0\xff\xff\xff\xff",
    "loop": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
    "text": b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\x04\0\0\0six\0\0\0\0\0",
    "cut": exif(6)[:20],
    "cut in a text": exif(6, "a text that ends too early")[:-9],
    "orientation 9": exif(9),
    "orientation 0": exif(0),
}
MODES = {
    "PNG": ("1", "L", "LA", "I;16", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "I;16", "I;16B", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB"),
    "JPEG": ("L", "CMYK"),
    "GIF": ("1", "L", "P", "RGBA"),
    "BMP": ("1", "L", "P", "RGBA"),
    "WEBP": ("RGB", "RGBA"),
}


def good_files():
    """Odd, but a picture: it must be read."""
    yield from WHOLE.items()
    for kind, modes in MODES.items():
        for mode in modes:
            yield f"{mode.replace(';', '')} {kind.lower()}.jpg", encode(SMOOTH, kind, mode)
    for what, block in GARBAGE_EXIF.items():
        yield f"exif {what}.jpg", encode(SMOOTH, "JPEG", exif=block)
        yield f"exif {what}.png", png(before=chunk(b"eXIf", block[6:]))
        yield f"exif {what}.webp", encode(SMOOTH, "WEBP", exif=block[6:])
    yield "exif far away.tif", encode(SMOOTH, "TIFF", tiffinfo={34665: 4_000_000_000})
    yield "one pixel.png", png(1, 1)
    yield "long.png", png(100_000, 1)
    yield "high.png", png(1, 100_000)
    yield "empty chunks.png", png(before=chunk(b"prVt") * 2000, after=chunk(b"prVt") * 2000)
    yield "junk before the end.jpg", WHOLE["jpg"] + b"\xff\xd8" + RNG.bytes(1000)
    yield "many frames.gif", encode(NOISE, "GIF", "P", save_all=True, append_images=[Image.new("P", (9, 9))] * 50)
    video = RNG.bytes(2_000_000) + b"\xff\xda" * 60  # what phones append to a moving photo
    yield "moving photo.jpg", WHOLE["jpg"] + video
    yield "frame out of the screen.gif", WHOLE["gif"][:6] + b"\x09\0\x09\0" + WHOLE["gif"][10:]
    yield "second picture cut.mpo", WHOLE["mpo"][: len(WHOLE["mpo"]) // 2]


def bad_files():
    """No picture, or one that nobody could decode: it must be refused."""
    for name, data in WHOLE.items():
        data = data[: -len(SECOND)] if name == "mpo" else data
        for tenth in range(1, 9):
            yield f"{tenth} tenths.{name}", data[: len(data) * tenth // 10]
    for mode in ("I", "F"):
        yield f"{mode} tiff.jpg", encode(SMOOTH, "TIFF", mode)
    yield "empty.jpg", b""
    yield "text.jpg", b"This is no picture.\n" * 20
    yield "html.png", b"<!DOCTYPE html><title>404</title>"
    yield "drawing.svg", b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
    yield "document.pdf", b"%PDF-1.7\n" + RNG.bytes(100)
    yield "phone.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + RNG.bytes(100)
    yield "phone.avif", b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + RNG.bytes(100)
    yield "video.mp4", b"\0\0\0\x18ftypisom\0\0\0\0" + RNG.bytes(100)
    yield "noise.jpg", RNG.bytes(5000)
    yield "sound.webp", b"RIFF\x24\0\0\0WAVEfmt " + RNG.bytes(100)
    yield "zip.png", b"PK\x03\x04" + RNG.bytes(100)
    yield "icon.ico", encode(SMOOTH, "ICO")
    yield "jpeg2000.jp2", encode(SMOOTH, "JPEG2000")
    yield "portable.ppm", encode(SMOOTH, "PPM")
    yield "photoshop.psd", b"8BPS\0\1" + RNG.bytes(100)
    yield "postscript.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"
    for name, start in {"jpg": b"\xff\xd8\xff", "png": b"\x89PNG\r\n\x1a\n", "bmp": b"BM", "tif": b"II*\0"}.items():
        yield f"only the start.{name}", start
        yield f"start and noise.{name}", start + RNG.bytes(3000)
    yield "start and noise.gif", b"GIF89a" + RNG.bytes(3)
    yield "start and noise.webp", b"RIFF\xff\xff\xff\xffWEBPVP8L" + RNG.bytes(300)
    yield "no pixels.png", png(0, 8)
    yield "no pixels.gif", gif(0, 0)
    yield "no pixels.bmp", bmp(0, 5)
    yield "no pixels.tif", grey_tiff(0, 5)
    yield "no pixels.jpg", jpeg_of_size(0, 16)
    yield "bad crc of the head.png", png()[:29] + b"\0\0\0\0" + png()[33:]
    yield "bad crc of a text.png", png(before=chunk(b"tEXt", b"a\0b", crc=0))
    yield "no data.png", png(idat=chunk(b"prVt"))
    yield "data that is not compressed.png", png(idat=chunk(b"IDAT", RNG.bytes(100)))
    yield "unknown colours.png", png(colour=5)
    yield "absurd chunk.png", png(idat=b"\x7f\xff\xff\xffIDAT" + bytes(50))
    yield "text bomb.png", png(before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(20_000_000))))
    yield "many text bombs.png", png(after=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**20))) * 200)
    yield "profile bomb.png", png(before=chunk(b"iCCP", b"a\0\0" + zlib.compress(bytes(20_000_000))))
    yield "strips beyond the end.tif", grey_tiff(8, 8, tags={273: (4, 1, 10**6)})
    yield "no size.tif", tiff({258: (3, 1, 8)})
    yield "a size of fractions.tif", grey_tiff(8, 8, bytes(64), tags={256: (5, 1, 200)})
    yield "many samples.tif", grey_tiff(8, 8, bytes(64), tags={277: (3, 1, 60000)})
    yield "directory in itself.tif", b"II*\0\x08\0\0\0" + b"\xff\xff" + bytes(50)
    yield (
        "scans.jpg",
        (data := jpeg_of_size(9000, 9000, progressive=True))[:-2] + data[data.rindex(b"\xff\xda") :] * 800,
    )
    yield "comments.jpg", WHOLE["jpg"][:2] + b"\xff\xfe\0\2" * 2_500_000 + WHOLE["jpg"][2:]
    yield "exif after exif.jpg", WHOLE["jpg"][:2] + (b"\xff\xe1\xff\xffExif\0\0" + bytes(65527)) * 900 + b"\xff\xd9"
    yield "comments.gif", gif(1, 1, before=b"!\xfe" + b"\1a" * 5_000_000 + b"\0")
    yield "chunks after.png", png(after=chunk(b"prVt") * 1_000_000)
    yield "frames.webp", riff((b"VP8X", b"\x02" + bytes(9)), *[(b"ANMF", bytes(16))] * 20_000)


def bombs():
    """More than 100 megapixels, in few bytes: refused by that number."""
    for width, height in ((10_001, 10_000), (2**31 - 1, 2**31 - 1), (100_000_001, 1), (13_000, 13_000)):
        yield f"bomb {width}x{height}.png", png(width, height, pixels=bytes(10**6))
        yield f"bomb {width}x{height}.tif", grey_tiff(width, height, bytes(100))
        yield f"bomb {width}x{height}.bmp", bmp(width, height, data=bytes(100))
    yield "bomb.jpg", jpeg_of_size(65_000, 65_000)
    yield "bomb progressive.jpg", jpeg_of_size(10_001, 10_000, progressive=True)
    yield "bomb.gif", gif(65_535, 65_535)
    yield "bomb out of the screen.gif", gif(8, 8, frame=(0, 0, 12_000, 12_000))
    yield "bomb of an offset.gif", gif(8, 8, frame=(65_535, 65_535, 9, 9))
    size = (2**24 - 1).to_bytes(3, "little")
    yield "bomb.webp", riff((b"VP8X", bytes(4) + (16_000).to_bytes(3, "little") * 2), (b"VP8L", b"\x2f" + bytes(20)))
    yield "bomb of a canvas.webp", riff((b"VP8X", bytes(4) + size * 2), (b"VP8L", b"\x2f" + bytes(20)))
    yield (
        "bomb of a tile.tif",
        grey_tiff(8, 8, bytes(64), tags={322: (4, 1, 40_000), 323: (4, 1, 40_000), 324: (4, 1, 200)}),
    )


def flipped_files():
    """Bytes changed at random: a picture or a refusal, both are right."""
    for name, data in WHOLE.items():
        for seed in range(8):
            rng = np.random.default_rng(seed)
            broken = np.frombuffer(data, np.uint8).copy()
            where = rng.integers(0, min(len(broken), 200) if seed % 2 else len(broken), 1 + 3 * seed)
            broken[where] = rng.integers(0, 256, len(where))
            yield f"flipped {seed}.{name}", broken.tobytes()
    yield "90 megapixels of nothing.png", png(9_500, 9_500, pixels=bytes(1000))  # where Pillow begins to warn
    yield "90 megapixels of nothing.tif", grey_tiff(9_500, 9_500, bytes(1000))
    yield "90 megapixels of nothing.gif", gif(8, 8, frame=(0, 0, 9_500, 9_500))


GOOD, BAD, BOMBS, FLIPPED = (dict(make()) for make in (good_files, bad_files, bombs, flipped_files))
ODD = GOOD | BAD | BOMBS | FLIPPED

WATCHED = """
import json, sys
from pathlib import Path
from artnb.images import ImageError, load_image
def kilobytes():  # not ru_maxrss: it remembers the process that started this one
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
start = kilobytes()
report = {}
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        array = load_image(path)
        told = {"shape": array.shape, "good": array.dtype == "uint8" and array.flags.c_contiguous}
    except ImageError as error:
        told = {"error": str(error)}
    except BaseException as error:
        told = {"wrong": repr(error)}
    report[path.name] = told
print(json.dumps({"files": report, "kilobytes": kilobytes() - start}))
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    for name, data in ODD.items():
        (folder / name).write_bytes(data)
    command = [sys.executable, "-c", WATCHED, str(folder)]
    # The end is a guard against a file that never ends; how long one takes is measured by hand, on an idle machine.
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return json.loads(done.stdout) | {"folder": str(folder), "stderr": done.stderr}


def test_there_are_enough_odd_files():
    assert len(ODD) == len(GOOD) + len(BAD) + len(BOMBS) + len(FLIPPED) >= 200


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_a_picture_or_one_sentence(report, name):
    told = report["files"][name]
    assert "wrong" not in told
    if "shape" in told:
        assert name in GOOD | FLIPPED and told["good"]
        assert len(told["shape"]) == 3 and told["shape"][2] == 3 and min(told["shape"]) > 0
    else:
        assert name in BAD | BOMBS | FLIPPED, told["error"]
        check_sentence(told["error"], repr(name))
        if name in BOMBS:
            assert "100 megapixels" in told["error"]


def check_sentence(message, *words):
    assert message.endswith(".") and message.count(". ") == 0 and message.count("; ") == 1
    assert "\n" not in message and "/" not in message and len(message) < 200
    for word in ("Traceback", "Error", "PIL"):
        assert word not in message
    for word in words:
        assert word in message


def test_odd_files_stay_below_a_gibibyte(report):
    assert 2**10 < report["kilobytes"] < 2**20


# Of these blocks Pillow itself warns while it opens the file, out of our reach: under -W error they are refused.
WARNS = {"exif many tags.jpg", "exif far away.jpg", "exif cut.jpg", "exif cut in a text.jpg", "exif far away.tif"}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", [name for name in GOOD if name.startswith("exif ") and name not in WARNS])
def test_a_broken_exif_block_is_read_when_warnings_are_errors(name):
    assert load_image(GOOD[name]).ndim == 3


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", sorted(WARNS))
def test_a_warning_made_an_error_is_an_image_error(name):
    with pytest.raises(ImageError):
        load_image(GOOD[name])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("kind", ["PNG", "BMP", "JPEG"])  # while it decodes a TIFF, Pillow looks again
def test_our_limit_decides_when_warnings_are_errors(kind):
    picture = Image.new("L", (9_500, 10_000), 255)  # Pillow warns from 89 megapixels on
    assert load_image(encode(picture, kind)).shape == (10_000, 9_500, 3)


def test_pillows_limit_stays_as_it_was():
    code = (
        "from PIL import Image\nbefore = Image.MAX_IMAGE_PIXELS\nfrom artnb.images import load_image, png_bytes\n"
        "import numpy\nload_image(png_bytes(numpy.zeros((4, 4, 3), 'uint8')))\n"
        "print(before == Image.MAX_IMAGE_PIXELS is not None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_large_pictures_are_read():
    white = Image.new("1", (9_500, 9_500), 1)
    for data in (encode(white, "PNG"), encode(white, "TIFF", compression="group4")):
        picture = load_image(data)
        assert picture.shape == (9_500, 9_500, 3) and (picture[::97, ::97] == 255).all()
    largest = load_image(encode(Image.new("L", (10_000, 10_000), 255), "BMP"))
    assert largest.shape == (10_000, 10_000, 3) and (largest[::97, ::97] == 255).all()


def test_a_bmp_that_keeps_the_reader_busy_is_left_in_time():
    """Runs of one pixel each are decoded in Python; a hundred megapixels of them must be left within 2 s as well."""
    busy = bmp(3000, 3000, bits=8, compression=1, data=b"\x01\x02" * 9_000_000)
    began = time.thread_time()
    with pytest.raises(ImageError):
        load_image(busy)
    assert time.thread_time() - began < 0.8  # a hundred megapixels get twice as much as these nine


# Values


def where(orientation, row, column, height, width):
    """Where EXIF says that a stored pixel is seen: "row 0 is the visual right, column 0 the visual top" is 6."""
    last_row, last_column = height - 1, width - 1
    return {
        1: (row, column),
        2: (row, last_column - column),
        3: (last_row - row, last_column - column),
        4: (last_row - row, column),
        5: (column, row),
        6: (column, last_row - row),
        7: (last_column - column, last_row - row),
        8: (last_column - column, row),
    }[orientation]


def test_what_collecting_garbage_takes_is_not_the_readers_time(tmp_path):
    painting = draw(tmp_path / "a.jpg", 1)

    def slow(phase, _):
        end = time.thread_time() + 0.8
        while phase == "start" and time.thread_time() < end:
            pass

    def work(picture):
        gc.collect()
        gc.collect()
        return picture.copy()

    gc.callbacks.append(slow)
    try:
        assert images.with_picture(painting, work).size == Image.open(painting).size
    finally:
        gc.callbacks.remove(slow)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_in_every_format(orientation):
    stored = NOISE[:5, :7]
    seen = np.zeros((7, 5, 3) if orientation > 4 else (5, 7, 3), np.uint8)
    for row in range(5):
        for column in range(7):
            seen[where(orientation, row, column, 5, 7)] = stored[row, column]
    tags = exif(orientation)
    assert (load_image(encode(stored, "PNG", exif=tags)) == seen).all()
    assert (load_image(encode(stored, "WEBP", exif=tags, lossless=True)) == seen).all()
    for compression in ("raw", "tiff_lzw"):
        data = encode(stored, "TIFF", tiffinfo={0x0112: orientation}, compression=compression)
        assert (load_image(data) == seen).all()
    in_jpeg = load_image(encode(np.kron(stored, np.ones((8, 8, 1), np.uint8)), "JPEG", exif=tags, quality=100))
    assert np.abs(in_jpeg[4::8, 4::8].astype(int) - seen).mean() < 20  # unlike a wrong turn of noise: 80
    trailing = png(7, 5, after=chunk(b"eXIf", tags[6:]), pixels=b"".join(b"\0" + row.tobytes() for row in stored))
    assert (load_image(trailing) == seen).all()


def test_sixteen_bits_are_scaled():
    values = np.array([[0, 127, 128, 129, 257, 385, 386, 32768, 65406, 65407, 65535]], np.uint16)
    expected = [0, 0, 0, 1, 1, 1, 2, 128, 254, 255, 255]  # the nearest to value / 257
    for data in (encode(values, "PNG"), encode(values, "TIFF"), encode(Image.fromarray(values.astype(">u2")), "TIFF")):
        assert load_image(data)[0, :, 0].tolist() == expected
        assert (load_image(data) == load_image(data)[..., :1]).all()
    rows = b"\0" + struct.pack(">6H", 0x1234, 0x80FF, 0xFFFF, 0, 0x00FF, 0x0100)
    assert load_image(png(2, 1, bits=16, pixels=rows)).tolist() == [[[0x12, 0x80, 0xFF], [0, 0, 1]]]
    grey = b"\0" + struct.pack(">3H", 1000, 1001, 0)
    data = png(3, 1, bits=16, colour=0, pixels=grey, before=chunk(b"tRNS", struct.pack(">H", 1000)))
    assert load_image(data)[0, :, 0].tolist() == [255, 4, 0]


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_32_bits_a_channel_are_refused(kind):
    with pytest.raises(ImageError) as caught:
        load_image(encode(np.array([[0, 1, 255]], kind), "TIFF"))
    check_sentence(str(caught.value), "8 bits")


def test_transparency_lies_on_white():
    # 200 at 128: (200 * 128 + 255 * 127) / 255 = 227.4; 100: 177.2; 0: 127
    rgba = np.array([[[200, 100, 0, 128], [9, 9, 9, 0], [1, 2, 3, 255]]], np.uint8)
    expected = [[[227, 177, 127], [255, 255, 255], [1, 2, 3]]]
    for kind, more in (("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True, "exact": True})):
        assert load_image(encode(rgba, kind, **more)).tolist() == expected
    grey = np.array([[[100, 128], [7, 0], [7, 255]]], np.uint8)
    assert load_image(encode(Image.fromarray(grey, "LA"), "PNG"))[0, :, 0].tolist() == [177, 255, 7]


def test_palettes_with_and_without_transparency():
    picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    picture.putpalette([10, 20, 30, 200, 100, 0, 7, 8, 9])
    colours = [[10, 20, 30], [200, 100, 0], [7, 8, 9]]
    for kind in ("PNG", "GIF", "BMP", "TIFF"):
        assert load_image(encode(picture, kind)).tolist() == [colours]
    for kind in ("PNG", "GIF"):
        assert load_image(encode(picture, kind, transparency=1)).tolist() == [[colours[0], [255] * 3, colours[2]]]
    half = encode(picture, "PNG", transparency=b"\xff\x80\x00")
    assert load_image(half).tolist() == [[[10, 20, 30], [227, 177, 127], [255, 255, 255]]]


def test_one_transparent_colour():
    rgb = b"\0" + bytes([1, 2, 3, 4, 5, 6])
    data = png(2, 1, pixels=rgb, before=chunk(b"tRNS", struct.pack(">3H", 4, 5, 6)))
    assert load_image(data).tolist() == [[[1, 2, 3], [255, 255, 255]]]
    data = png(2, 1, colour=0, pixels=b"\0\x05\x06", before=chunk(b"tRNS", struct.pack(">H", 6)))
    assert load_image(data).tolist() == [[[5, 5, 5], [255, 255, 255]]]


def test_bits():
    picture = Image.fromarray(np.array([[True, False, True]]))
    for kind in ("PNG", "TIFF", "BMP", "GIF"):
        assert load_image(encode(picture, kind))[0, :, 0].tolist() == [255, 0, 255]


def test_cmyk():
    inks = np.array([[[255, 0, 0, 0], [0, 0, 0, 255], [0, 0, 0, 0], [100, 0, 0, 50]]], np.uint8)
    expected = [[0, 255, 255], [0, 0, 0], [255, 255, 255], [125, 205, 205]]  # (255 - 100) * (255 - 50) / 255
    assert load_image(encode(Image.fromarray(inks, "CMYK"), "TIFF")).tolist() == [expected]
    for ink, colour in zip(inks[0], expected, strict=True):
        data = encode(Image.new("CMYK", (16, 16), tuple(ink.tolist())), "JPEG", quality=100)
        assert b"Adobe" in data  # Adobe stores the inks inverted
        assert np.abs(load_image(data).astype(int) - colour).max() <= 2


def test_ycbcr_and_lab():
    assert np.abs(load_image(encode(SMOOTH, "TIFF", "YCbCr")).astype(int) - SMOOTH).max() <= 3
    tags = {256: 3, 257: 1, 259: 1, 262: 8, 273: 250, 277: 3, 278: 1, 279: 9}
    lab = {tag: (4, 1, value) for tag, value in tags.items()} | {258: (3, 3, 200)}
    # L in 255ths, a and b signed: white, black, and the red of sRGB, which is 54.3, 80.8, 69.9 in CIELAB (D50)
    data = tiff(lab, struct.pack("<3H", 8, 8, 8).ljust(50, b"\0") + bytes([255, 0, 0, 0, 0, 0, 138, 81, 70]))
    assert np.abs(load_image(data)[0].astype(int) - [[255] * 3, [0] * 3, [255, 0, 0]]).max() <= 6


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF", "MPO"])
def test_the_first_of_several_frames(kind):
    colours = [(250, 10, 10), (10, 250, 10), (10, 10, 250)]
    first, *others = (Image.new("RGB", (16, 16), colour) for colour in colours)
    read = load_image(encode(first, kind, save_all=True, append_images=others))
    assert read.shape == (16, 16, 3) and np.abs(read.astype(int) - colours[0]).max() <= 4


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "BMP", "WEBP"])
def test_tiles_join_without_a_seam(kind, monkeypatch):
    large = np.tile(NOISE, (45, 20, 1))  # 2160 x 1280: three tiles
    assert (load_image(encode(large, kind, **({"lossless": True} if kind == "WEBP" else {}))) == large).all()


def test_a_long_line_is_read_in_tiles():
    line = RNG.integers(0, 256, (1, 2_500_000, 3), dtype=np.uint8)
    assert (load_image(encode(line, "PNG", compress_level=0)) == line).all()
    assert (load_image(encode(line.swapaxes(0, 1), "PNG", compress_level=0)) == line.swapaxes(0, 1)).all()


# Sources


class Trickle(io.RawIOBase):
    """Gives seven bytes at a time, as a socket may."""

    def __init__(self, data):
        self.rest = data

    def read(self, size=-1):
        part, self.rest = self.rest[:7], self.rest[7:]
        return part


def test_every_kind_of_source(tmp_path):
    data = WHOLE["png"]
    path = tmp_path / "no suffix"
    path.write_bytes(data)
    sources = [path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), Trickle(data)]
    for source in sources:
        picture = load_image(source)
        assert (picture == SMOOTH).all() and picture.flags.writeable and picture.flags.c_contiguous
    with path.open("rb") as file:
        assert (load_image(file) == SMOOTH).all()
    assert (load_image(memoryview(data)[::1]) == SMOOTH).all()
    file = io.BytesIO(b"12345" + data)
    file.seek(5)
    assert (load_image(file) == SMOOTH).all()


class Failing(io.RawIOBase):
    name = "/home/somebody/secret/upload.jpg"

    def __init__(self, error):
        self.error = error

    def read(self, size=-1):
        raise self.error


def fail(source, *words):
    with pytest.raises(ImageError) as caught:
        load_image(source)
    check_sentence(str(caught.value), *words)
    assert isinstance(caught.value, ArtnbError) and isinstance(caught.value, ValueError)


def test_what_cannot_be_read_is_told_in_a_sentence(tmp_path):
    fail(tmp_path / "missing.jpg", "'missing.jpg'", "no such file")
    fail(str(tmp_path / "missing.jpg"), "'missing.jpg'")
    fail(tmp_path, tmp_path.name, "directory")
    os.mkfifo(tmp_path / "pipe.jpg")
    fail(tmp_path / "pipe.jpg", "pipe")
    fail("/dev/zero", "device")
    fail("a\0b.jpg", "cannot be read")
    fail("x" * 5000, "xxx…xxx", "too long")
    at_its_end = io.BytesIO(WHOLE["png"])
    at_its_end.read()
    fail(at_its_end, "read to its end")
    fail(io.StringIO("text"), "text mode", "'rb'")
    for kind, data in WHOLE.items():
        (tmp_path / f"whole.{kind}").write_bytes(data)
        with (tmp_path / f"whole.{kind}").open(encoding="utf-8") as file:
            fail(file, f"'whole.{kind}'", "text mode", "'rb'")
    for error in (OSError("boom"), ValueError("x"), RuntimeError("/etc/passwd"), EOFError()):
        fail(Failing(error), "'upload.jpg'")
    with pytest.raises(KeyboardInterrupt):
        load_image(Failing(KeyboardInterrupt()))
    for wrong in (None, 3, 2.5, ["a.jpg"], object()):
        fail(wrong, type(wrong).__name__, "give a picture")


def test_without_permission(monkeypatch, tmp_path):
    def refuse(path, flags):
        raise PermissionError(13, "Permission denied", path)  # simulated: root may read everything

    (tmp_path / "secret.png").write_bytes(WHOLE["png"])
    monkeypatch.setattr(images.os, "open", refuse)
    fail(tmp_path / "secret.png", "'secret.png'", "permission denied")


def test_formats_that_are_not_accepted_are_named():
    for name, kind in {"phone.heic": "HEIC", "phone.avif": "AVIF", "drawing.svg": "SVG", "document.pdf": "PDF"}.items():
        fail(BAD[name], kind, "JPEG, PNG, WebP, TIFF, GIF or BMP")
    fail(BAD["text.jpg"], "a text file")
    fail(BAD["video.mp4"], "a video")
    fail(BAD["noise.jpg"], "unknown format")


def test_no_more_than_the_limit_is_read(monkeypatch, tmp_path):
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, size=-1):
            self.asked += size
            return bytes(size)

    monkeypatch.setattr(images, "MAX_BYTES", 3 * 1024**2)
    path = tmp_path / "large.jpg"
    path.write_bytes(bytes(3 * 1024**2 + 1))
    endless = Endless()
    for source in (path, path.read_bytes(), memoryview(path.read_bytes()), io.BytesIO(path.read_bytes()), endless):
        fail(source, "3 MB")
    assert endless.asked == 3 * 1024**2 + 1
    fail(bytes(3 * 1024**2), images.ACCEPTED)  # not too large


def test_the_limits():
    assert images.MAX_BYTES == 200 * 1024**2 and images.MAX_PIXELS == 100_000_000


def test_threads_read_the_same():
    read = []
    threads = [
        threading.Thread(target=lambda: read.extend(load_image(d).sum() for d in WHOLE.values())) for _ in "1234"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 4 * len(WHOLE) and sorted(read) == sorted([load_image(d).sum() for d in WHOLE.values()] * 4)


def test_importing_is_cheap():
    loaded = "import sys, artnb.images; print(*{name.split('.')[0] for name in sys.modules})"
    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()
    assert not {"tensorflow", "keras", "pandas", "skimage", "sklearn", "matplotlib"} & set(names)


# Saving, resizing, laying out


@pytest.mark.parametrize("suffix", [".png", ".PNG", ".jpg", ".jpeg", ".webp"])
def test_what_is_saved_is_loaded(tmp_path, suffix):
    path = tmp_path / "new folder" / f"picture{suffix}"
    save_image(SMOOTH, path)
    assert np.abs(load_image(path).astype(int) - SMOOTH).mean() < (0.1 if suffix.lower() == ".png" else 12)
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    kind = Image.open(path).format
    assert kind == {".png": "PNG", ".webp": "WEBP"}.get(suffix.lower(), "JPEG")


def test_quality(tmp_path):
    sizes = []
    for quality in (10, 95):
        save_image(NOISE, tmp_path / "q.jpg", quality)
        sizes.append((tmp_path / "q.jpg").stat().st_size)
    assert sizes[0] < sizes[1] / 2


def test_an_array_goes_through_the_same_door():
    assert load_image(SMOOTH) is SMOOTH
    grey = SMOOTH[..., 0]
    for same in (load_image(grey), resize(grey, grey.shape)):
        assert same.shape == SMOOTH.shape and (same == grey[..., None]).all()
    assert images.load_text(SMOOTH) == {}
    for kind in (np.uint8, np.float32):  # the size comes first: it costs nothing to look at
        with pytest.raises(ImageError) as caught:
            load_image(np.broadcast_to(kind(0), (10_001, 10_000)))
        check_sentence(str(caught.value), "100 megapixels")


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (SMOOTH / 255, "float64 values from 0"),
        (SMOOTH.astype(np.float32), "float32 values from 0"),
        (SMOOTH.astype(np.float16) / 255, "float16 values from 0"),
        (SMOOTH > 9, "bool values from 0 to 1"),
        (np.full((4, 4), 65535, np.uint16), "uint16 values from 65535"),
        (np.full((4, 4, 3), np.inf), "not all of them finite"),
        (np.zeros((4, 4, 3), complex), "complex128 values"),
    ],
)
def test_floats_are_refused_with_their_range(image, words, tmp_path):
    for use in (
        load_image,
        lambda i: fit(i, 4),
        lambda i: resize(i, (4, 4)),
        lambda i: images.shrink(i, 10_000),
        lambda i: save_image(i, tmp_path / "a.png"),
        images.png_bytes,
        images.load_text,
    ):
        with pytest.raises(ImageError) as caught:
            use(image)
        check_sentence(str(caught.value), words)
    assert not list(tmp_path.iterdir())


def test_importing_mutes_nothing():
    code = (
        "import warnings, numpy, PIL.Image, PIL.PngImagePlugin, PIL.TiffImagePlugin\n"
        "before = list(warnings.filters)\nimport artnb.images\nprint(warnings.filters == before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


@pytest.mark.parametrize(
    ("image", "word"),
    [
        (np.zeros(4, np.uint8), "(4,)"),
        (np.zeros((4, 4, 4), np.uint8), "(4, 4, 4)"),
        (np.zeros((0, 4, 3), np.uint8), "(0, 4, 3)"),
        (np.zeros((1, 4, 4, 3), np.float32), "(1, 4, 4, 3)"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.full((4, 4, 3), 1.5), "1.5"),
        (np.full((4, 4, 3), -0.1), "-0.1"),
        (np.full((4, 4, 3), np.nan), "not all of them finite"),
        (None, "()"),
    ],
)
def test_what_is_no_picture_is_refused_everywhere(image, word, tmp_path):
    for use in (
        lambda: load_image(np.asarray(image)),
        lambda: save_image(image, tmp_path / "a.png"),
        lambda: resize(image, (4, 4)),
        lambda: fit(image, 4),
        lambda: contact_sheet([image], 1, 4),
    ):
        with pytest.raises(ImageError) as caught:
            use()
        check_sentence(str(caught.value), word)
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_is_told_in_a_sentence(tmp_path):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file").write_text("")
    for path, word in (
        (tmp_path / "a.tiff", "'a.tiff'"),
        (tmp_path / "none", ".webp"),
        (tmp_path / "folder.png", "directory"),
        (tmp_path / "file" / "a.png", "'a.png'"),
    ):
        with pytest.raises(ImageError) as caught:
            save_image(SMOOTH, path)
        check_sentence(str(caught.value), word)
    for path in (None, 3, b"a.png", ["a.png"]):
        with pytest.raises(ImageError) as caught:
            save_image(SMOOTH, path)
        check_sentence(str(caught.value), type(path).__name__, "give the path")
    with pytest.raises(ImageError, match="cannot be written"):
        save_image(SMOOTH, tmp_path / "a\0.png")
    for text in ("text", {1: "a"}, {"a": 1}, {"ключ": "a"}, {"a": "\ud800"}, [("a", "b")]):
        for write in (
            lambda text: save_image(SMOOTH, tmp_path / "a.png", text=text),
            lambda t: images.png_bytes(SMOOTH, t),
        ):
            with pytest.raises(ImageError, match="give texts by keywords"):
                write(text)
    for quality in (0, 101, "good", None, 95.5, True, np.arange(3), []):
        with pytest.raises(ImageError, match="from 1 to 100"):
            save_image(SMOOTH, tmp_path / "a.jpg", quality)
    with pytest.raises(ImageError, match="choose another place, format or size"):
        save_image(np.zeros((1, 20_000, 3), np.uint8), tmp_path / "wide.webp")  # WebP ends at 16,383
    assert sorted(p.name for p in tmp_path.iterdir()) == ["file", "folder.png"]


FULL = """
import resource, sys, numpy as np
from artnb.images import ImageError, save_image
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    save_image(np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8), sys.argv[1])
except ImageError as error:
    print(error)
"""


def test_a_file_that_cannot_grow_leaves_the_old_one(tmp_path):
    path = tmp_path / "old.png"
    save_image(SMOOTH, path)
    done = subprocess.run([sys.executable, "-c", FULL, str(path)], capture_output=True, text=True, check=True)
    check_sentence(done.stdout.strip(), "'old.png'", "file too large")
    assert (load_image(path) == SMOOTH).all() and [p.name for p in tmp_path.iterdir()] == ["old.png"]


def test_resize():
    assert resize(SMOOTH, (10, 30)).shape == (10, 30, 3)
    assert (resize(SMOOTH, SMOOTH.shape[:2]) == SMOOTH).all()
    flat = np.full((37, 91, 3), (10, 100, 200), np.uint8)
    for size in ((1, 1), (224, 224), (5, 300)):
        assert (resize(flat, size) == (10, 100, 200)).all()
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255  # shrunk without a filter they would be all black or all white
    assert np.abs(resize(stripes, (8, 8)).astype(int) - 128).max() <= 6
    for size in ((0, 5), (5, -1), (20_000, 20_000)):
        with pytest.raises(ImageError, match="100 megapixels"):
            resize(SMOOTH, size)


@pytest.mark.parametrize("wrong", [None, "4", 2.5, float("nan"), True, [], (4,), "ab", {}, np.float64(4), 0, -3, 10**9])
def test_a_size_that_is_none_is_one_sentence(wrong):
    for use in (
        lambda: fit(SMOOTH, wrong),
        lambda: resize(SMOOTH, (4, wrong)),
        lambda: resize(SMOOTH, wrong),
        lambda: resize(SMOOTH, (4, 4, wrong)),
        lambda: contact_sheet([SMOOTH], 1, wrong),
        lambda: contact_sheet([SMOOTH], wrong, 4),
        lambda: contact_sheet([SMOOTH], 1, 4, background=wrong if wrong != 0 else 256),
        lambda: contact_sheet([SMOOTH], 1, 4, gap=wrong if wrong != 0 else -1),
    ):
        with pytest.raises(ImageError) as caught:
            use()
        assert "\n" not in str(caught.value) and len(str(caught.value)) < 250
    if wrong != 10**9:  # no side is longer
        for longest, least in ((wrong, 1), (4, wrong)):
            with pytest.raises(ImageError, match="give whole numbers from 1 on"):
                images.shrink(SMOOTH, longest, least)
    assert resize(SMOOTH, np.array([4, 5])).shape == (4, 5, 3) and fit(SMOOTH, np.int64(4)).shape == (4, 4, 3)


@pytest.mark.parametrize("wrong", [[[1], [1, 2]], "a.png", None, {}, [None]])
def test_what_is_no_array_is_one_sentence(wrong, tmp_path):
    for use in (
        fit,
        lambda i, n: contact_sheet([i], 1, n),
        lambda i, n: save_image(i, tmp_path / "a.png"),
        images.shrink,
    ):
        with pytest.raises(ImageError, match=r"\(height, width, 3\)"):
            use(wrong, 4)
    for several in (None, 3, (), iter([SMOOTH])):
        with pytest.raises(ImageError):
            contact_sheet(several, 1, 4)
    assert contact_sheet(np.stack([SMOOTH, SMOOTH]), 2, 4, 0).shape == (4, 8, 3)


def test_a_picture_is_read_once_and_used_many_ways(tmp_path):
    file = tmp_path / "a.png"
    save_image(SMOOTH, file)
    data = images.read_bytes(file)
    assert data == file.read_bytes()
    file.unlink()
    assert images.with_picture(file, lambda picture: (picture.format, picture.size), data) == ("PNG", (64, 48))
    for wrong in (b"text", WHOLE["png"][:90]):
        with pytest.raises(ImageError, match=r"'a\.png'"):
            images.with_picture(file, lambda picture: picture.load(), wrong)
    with pytest.raises(ImageError, match=r"'a\.png' is broken"):
        images.with_picture(file, lambda picture: 1 / 0, data)


@pytest.mark.parametrize(
    ("image", "word"), [(SMOOTH / 255, "float64"), (SMOOTH[:5], "5 × 64"), (SMOOTH[:6, :6], "6 × 6")]
)
def test_structure_is_of_two_pictures_of_one_size(image, word):
    assert structure(SMOOTH, SMOOTH) == 1 == structure(SMOOTH[..., 0], SMOOTH[..., 0])
    for pair in ((image, SMOOTH), (SMOOTH, image), (image, image)):
        with pytest.raises(ArtnbError, match=word):
            structure(*pair)


def test_fit_takes_the_middle():
    wide = np.zeros((10, 30, 3), np.uint8)
    wide[:, 10:20] = 255
    assert (fit(wide, 10) == 255).all()
    assert (fit(wide.swapaxes(0, 1), 10) == 255).all()
    assert (fit(SMOOTH, 48) == SMOOTH[:, 8:56]).all()
    odd = RNG.integers(0, 256, (8, 13, 3), dtype=np.uint8)
    assert (fit(odd[:, ::-1], 8) == fit(odd, 8)[:, ::-1]).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3)])
def test_fit_takes_any_shape(shape):
    picture = np.full((*shape, 3), 77, np.uint8)
    assert fit(picture, 224).shape == (224, 224, 3) and (fit(picture, 224) == 77).all()


def test_contact_sheet():
    red, wide = np.full((20, 20, 3), (255, 0, 0), np.uint8), np.full((5, 20, 3), (0, 0, 255), np.uint8)
    sheet = contact_sheet([red, wide, red], columns=2, size=10, gap=4, background=200)
    assert sheet.shape == (2 * 14 + 4, 2 * 14 + 4, 3) and sheet.dtype == np.uint8
    assert (sheet[4:14, 4:14] == (255, 0, 0)).all() and (sheet[18:28, 4:14] == (255, 0, 0)).all()
    assert (sheet[8:10, 18:28] == (0, 0, 255)).all()  # 10 x 2 or 3, centred: the whole picture, not a piece of it
    painted = (sheet != 200).any(axis=2)
    assert not painted[:4].any() and not painted[:, 14:18].any() and not painted[18:, 18:].any()
    assert (contact_sheet([red], 3, 10)[:, 20:] == 255).all()
    for wrong in ({"columns": 0}, {"size": 0}, {"gap": -1}, {"background": 256}, {"images": []}, {"size": 50_000}):
        with pytest.raises(ImageError):
            contact_sheet(**({"images": [red], "columns": 1, "size": 9, "gap": 1} | wrong))
