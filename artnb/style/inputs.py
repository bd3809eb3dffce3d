"""What a picture is painted from beside the photograph: how much each style counts, and where."""

from collections.abc import Sequence

import numpy as np

from artnb.errors import check_value
from artnb.images import ImageLike, load_image, resize
from artnb.style.recipes import STRENGTH
from artnb.style.state import StyleError


def style_shares(styles: int, weights: Sequence[float] | None) -> list[float]:
    """How much each of some styles counts, summing to 1; without weights all count the same.

    Raises:
        StyleError: there are no styles, or the weights can't be used.
    """
    if not styles:
        raise StyleError("There are no styles; give one or more.")
    try:
        given = np.ones(styles) if weights is None else np.asarray(weights)
        good = given.dtype.kind in "iuf" and given.shape == (styles,) and min(given) >= 0
        good = bool(good and 0 < given.sum(dtype=float) < np.inf)
    except ValueError:  # lists of different lengths
        good = False
    if not good:
        raise StyleError(
            f"Got the weights {str(weights)[:100]} for {styles} {'style' if styles == 1 else 'styles'}; "
            "give each style a weight from 0 on."
        )
    shares = given.astype(float)
    return [float(share) for share in shares / shares.sum()]


def mask_levels(mask: ImageLike) -> np.ndarray:
    """A mask's grey levels, uint8 (height, width), of a picture or a bool (height, width).

    Raises:
        StyleError: it is black all over.
        ImageError: it can't be read.
    """
    if isinstance(mask, np.ndarray) and mask.dtype == np.bool_:
        mask = np.where(mask, np.uint8(255), np.uint8(0))
    grey = load_image(mask).mean(-1).astype(np.uint8)
    if not grey.any():
        raise StyleError("The mask is black all over, so nothing would be painted; make it light where style belongs.")
    return grey


def masked(content: np.ndarray, image: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """The image where a mask's grey levels are light, the content where they are dark: uint8 (height, width, 3)."""
    if mask is None:
        return image
    light = resize(mask, content.shape[:2])[..., :1] / np.float32(255)
    return (content + light * (image.astype(np.float32) - content) + 0.5).astype(np.uint8)


def in_colours_of(picture: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """A uint8 picture's lightness over the colours of another one of its size."""
    from PIL import Image

    lightness = Image.fromarray(picture).convert("YCbCr").getchannel(0)
    _, blue, red = Image.fromarray(colours).convert("YCbCr").split()
    return np.array(Image.merge("YCbCr", (lightness, blue, red)).convert("RGB"))


def check_strength(strength: object) -> None:
    """Nothing for a strength of the style that can be used.

    Raises:
        StyleError: it is no number from 0 to 1.
    """
    check_value(strength, STRENGTH, "The strength", StyleError)
