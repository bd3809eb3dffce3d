"""From a picture that Pillow has open to RGB: decoded, upright, without transparency."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

_TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def upright(picture: Image.Image) -> Image.Image:
    """A decoded picture turned as its EXIF orientation says; one with a broken EXIF block stays as it is."""
    try:
        turn = _TURNED.get(picture.getexif().get(0x0112, 1))
    except Exception:  # the block is as untrusted as the picture, which may be good all the same
        return picture
    return picture if turn is None else picture.transpose(turn)


def upright_size(picture: Image.Image) -> tuple[int, int]:
    """The height and width of a picture that is not decoded yet, as `upright` would turn it."""
    try:
        turned = picture.getexif().get(0x0112, 1) in (5, 6, 7, 8)
    except Exception:  # see `upright`
        turned = False
    return (picture.width, picture.height) if turned else (picture.height, picture.width)


def rgb(picture: Image.Image) -> np.ndarray:
    """Decode a picture, of several the first -> uint8 (height, width, 3), upright; transparency lies on white."""
    picture.load()
    picture = upright(picture)
    array = np.empty((picture.height, picture.width, 3), np.uint8)
    for tile, place in _tiles(picture):
        if tile.mode.startswith("I;16"):
            values = np.asarray(tile).astype(np.uint32)
            array[place] = ((values + 128) // 257)[..., None]
            array[place][values == tile.info.get("transparency", -1)] = 255
        elif tile.has_transparency_data:
            colours = tile.convert("RGBA")
            paper = Image.new("RGB", tile.size, "white")
            paper.paste(colours, mask=colours)
            array[place] = np.asarray(paper)
        else:
            array[place] = np.asarray(tile.convert("RGB"))
    return array


def _tiles(picture: Image.Image) -> Iterator[tuple[Image.Image, tuple[slice, slice]]]:
    """Parts of at most a megapixel and where they lie.

    Converting part by part needs no second whole picture: 100 megapixels of RGBA take 0.7 GB instead of 1.8.
    """
    width = min(picture.width, 2**20)
    height = min(picture.height, 2**20 // width)
    for top in range(0, picture.height, height):
        for left in range(0, picture.width, width):
            right, bottom = min(left + width, picture.width), min(top + height, picture.height)
            yield picture.crop((left, top, right, bottom)), (slice(top, bottom), slice(left, right))
