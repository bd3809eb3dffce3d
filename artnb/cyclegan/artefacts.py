"""What a person sees at once in a generator's pictures, and no distance of features does: patterns and burnt places."""

import numpy as np

from artnb.errors import EvaluationError

WINDOW = 32  # pixels of a side of the places that are looked at
PLAIN = 2.0  # grey levels: what has a smaller standard deviation is plain
BURNT = 3  # grey levels from 0 and from 255 that count as black and as white in a channel
_BLOB = 20  # pixels: smaller burnt places are glints
_BLUR = 4.0  # pixels: what is plain behind so much blur has no shapes, but may have a brush
_LOWEST = 2  # periods in a window: slower ones are light and shade


def newly_saturated(result: np.ndarray, original: np.ndarray) -> float:
    """The share of pixels that a generator has burnt: black or white in a channel, which the original's were not.

    Only connected blobs of more than 20 pixels count.

    Args:
        result: uint8 (height, width, 3).
        original: the same shape.

    Returns:
        From 0 to 1.

    Raises:
        EvaluationError: they are of different sizes.
    """
    from scipy.ndimage import label

    _check_same(result, original)

    def burnt(picture: np.ndarray) -> np.ndarray:
        return (picture <= BURNT) | (picture >= 255 - BURNT)

    blobs, number = label((burnt(result) & ~burnt(original)).any(-1))
    sizes = np.bincount(blobs.ravel(), minlength=number + 1)[1:]
    return float(sizes[sizes > _BLOB].sum() / blobs.size)


def pattern_peaks(result: np.ndarray, original: np.ndarray | None = None) -> np.ndarray:
    """How periodic a picture is in each plain place of the original: the highest peak of the local spectrum.

    Args:
        result: uint8 (height, width, 3).
        original: the photograph that it was, of the same shape, whose plain windows count; None for those windows of
            the picture itself that are plain but for the brush.

    Returns:
        float64 (n,), one for each plain window of WINDOW pixels, half of which overlap: the highest power of all
        frequencies of two periods a window or more, divided by their median. About 9 for noise; a grid has hundreds.

    Raises:
        EvaluationError: they are of different sizes.
    """
    from scipy.ndimage import gaussian_filter

    if original is not None:
        _check_same(result, original)
    grey = result.astype(np.float64).mean(-1)
    plain_in = gaussian_filter(grey, _BLUR) if original is None else original.astype(np.float64).mean(-1)
    tops, lefts = (range(0, side - WINDOW + 1, WINDOW // 2) for side in grey.shape)
    places = [np.s_[top : top + WINDOW, left : left + WINDOW] for top in tops for left in lefts]
    return np.array([_peak(grey[place]) for place in places if plain_in[place].std() < PLAIN])


def _peak(window: np.ndarray) -> float:
    """The highest power over the median."""
    taper = np.hanning(WINDOW + 2)[1:-1]
    taper = taper[:, None] * taper
    centred = window - (window * taper).sum() / taper.sum()
    power = np.abs(np.fft.rfft2(centred * taper)) ** 2
    rows, columns = np.abs(np.fft.fftfreq(WINDOW) * WINDOW), np.arange(WINDOW // 2 + 1)
    seen = power[np.hypot(rows[:, None], columns) >= _LOWEST]
    return float(seen.max() / max(np.median(seen), 1e-9))


def _check_same(result: np.ndarray, original: np.ndarray) -> None:
    if result.shape != original.shape:
        sizes = " and ".join(f"{each.shape[0]} × {each.shape[1]}" for each in (result, original))
        raise EvaluationError(f"Got pictures of {sizes} pixels; give a picture and its original, of one size.")
