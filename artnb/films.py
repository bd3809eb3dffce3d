"""Short films: an animated GIF, WebP or PNG, or the pictures of a folder as its frames."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from artnb.common.files import replacing
from artnb.common.pixels import rgb, upright_size
from artnb.images import (
    MAX_PIXELS,
    ImageError,
    ImageLike,
    check_sides,
    load_image,
    read_bytes,
    shrink,
    with_picture,
)

MAX_FRAMES = 1000
FILM_SUFFIXES = (".gif", ".webp", ".png")
_MOST = 3 * MAX_PIXELS  # pixels of all frames of an animation
_SECONDS = 120.0  # of processor time for decoding one
_USUAL = 100  # milliseconds of a frame that does not say it
_COLOURS_FROM = 16  # frames of a GIF, whose colours are those of all
_LONGEST = {".gif": 655_350, ".webp": 2**24 - 1, ".png": 65_535}  # milliseconds of a frame
_LONGEST_FILM = {".webp": 2**31 - 1}


class Film:
    """Frames in their order, each read when it is asked for.

    Args:
        sources: of each frame, what `load_image` takes.
        names: of each frame, for a person.
        durations: of each frame, in milliseconds.
        problems: what could not be read of it, a sentence each.
        longest: pixels of a side, to which larger frames are made smaller; None to leave them.
    """

    def __init__(
        self,
        sources: Sequence[ImageLike],
        names: Sequence[str],
        durations: Sequence[int],
        problems: Sequence[str] = (),
        longest: int | None = None,
    ):
        self._sources, self.names = list(sources), list(names)
        self.durations, self.problems = list(durations), list(problems)
        self.longest = longest

    def __len__(self) -> int:
        """How many frames there are, broken ones of a folder among them."""
        return len(self._sources)

    def frame(self, number: int) -> np.ndarray:
        """A frame, uint8 (height, width, 3).

        Raises:
            ImageError: it can't be read.
        """
        frame = load_image(self._sources[number])
        return frame if self.longest is None else shrink(frame, self.longest)

    def size(self, number: int) -> tuple[int, int]:
        """The height and width that a frame will have, which its file says.

        Raises:
            ImageError: it can't be read.
        """
        source = self._sources[number]
        size = source.shape[:2] if isinstance(source, np.ndarray) else with_picture(source, upright_size)
        factor = 1 if self.longest is None else min(1, self.longest / max(size))
        return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))

    def check(self, path: Path) -> None:
        """Say, before the frames are painted, that an animation of them can't be written.

        Raises:
            ImageError: its format can't hold a frame so large or so long, or the frames are of several sizes.
        """
        first: tuple[str, tuple[int, int]] | None = None
        for number, name in enumerate(self.names):
            try:
                size = self.size(number)
            except ImageError:  # which is said when it is its turn
                continue
            first = first or (name, size)
            if size != first[1]:
                raise ImageError(
                    f"{name} has {size[0]} × {size[1]} pixels and {first[0]} {first[1][0]} × {first[1][1]}; an "
                    "animation's frames are of one size: make them so, or name a folder for the result."
                )
        if first:
            check_sides(path, first[1])
        _check_durations(path, self.durations)

    def some(self, most: int) -> list[np.ndarray]:
        """Frames from the whole film, evenly chosen; a broken one is left out.

        Raises:
            ImageError: none of those that were tried can be read.
        """
        frames, trouble = [], ImageError("The film has no frames; give one with some.")
        for number in np.unique(np.linspace(0, len(self) - 1, most).round().astype(int)) if len(self) else ():
            try:
                frames.append(self.frame(number))
            except ImageError as error:
                trouble = error
        if not frames:
            raise trouble
        return frames


def film_of(files: Sequence[Path], duration: int = _USUAL) -> Film:
    """The pictures of a folder as a film, in the order given.

    Raises:
        ImageError: there are more than MAX_FRAMES, or none.
    """
    if not 1 <= len(files) <= MAX_FRAMES:
        raise ImageError(f"Got {len(files)} frames; give 1 to {MAX_FRAMES}.")
    return Film(files, [file.name for file in files], [duration] * len(files))


def read_film(source: ImageLike) -> Film:
    """An animated GIF, WebP or PNG; any other picture is a film of one frame.

    Args:
        source: as for `load_image`, but no array.

    Returns:
        The film. Where a frame is broken it ends before it, and `problems` says so.

    Raises:
        ImageError: it can't be read, or has more than MAX_FRAMES or 300 megapixels in all.
    """
    name = Path(source).name if isinstance(source, str | Path) else "The film"
    data = read_bytes(source)
    cut = data.startswith(b"GIF") and not data.rstrip(b"\0").endswith(b";")  # Pillow takes that for its end

    def frames(picture: Image.Image) -> Film:
        found: list[Any] = []
        durations: list[int] = []
        problems: list[str] = []
        while True:
            number = len(found)
            try:
                picture.seek(number)
            except EOFError:
                break
            except Exception as error:  # Pillow raises half a dozen kinds of them for a broken file
                problems.append(_broken(name, number, type(error).__name__))
                break
            if number == MAX_FRAMES or (number + 1) * picture.width * picture.height > _MOST:
                raise ImageError(
                    f"{name!r} has more than {MAX_FRAMES} frames or {_MOST // 10**6} megapixels; cut it or make it "
                    "smaller."
                )
            try:
                found.append(rgb(picture))
            except Exception as error:
                if not found:
                    raise
                problems.append(_broken(name, number, type(error).__name__))
                break
            durations.append(int(picture.info.get("duration", _USUAL) or _USUAL))
        if cut and not problems:
            problems.append(_broken(name, len(found), "its end is missing"))
        return Film(found, [f"frame {number + 1}" for number in range(len(found))], durations, problems)

    return with_picture(source, frames, data, seconds=_SECONDS)


def _broken(name: str, number: int, reason: str) -> str:
    return f"{name!r} is broken from frame {number + 1} on ({reason}); the frames before it are used."


def write_film(frames: Sequence[np.ndarray], path: str | Path, durations: Sequence[int]) -> None:
    """Write an animation as its suffix says, .gif, .webp or .png, without loss; until it is whole, an older file stays.

    A GIF has 256 colours. They are the same for all of its frames, so that what does not move does not flicker.

    Args:
        frames: uint8 (height, width, 3), all of one size.
        path: where to.
        durations: of each, in whole milliseconds.

    Raises:
        ImageError: it can't be written, the frames are no film, or the format can't hold a side or a duration.
    """
    path = Path(path)
    if path.suffix.lower() not in FILM_SUFFIXES:
        raise ImageError(f"{path.name!r} is no name of a film; end it in {', '.join(FILM_SUFFIXES)}.")
    if len({frame.shape for frame in frames}) != 1 or len(frames) != len(durations):
        raise ImageError(f"Got {len(frames)} frames and {len(durations)} durations; give frames of one size.")
    check_sides(path, frames[0].shape)
    _check_durations(path, durations)
    pictures = [Image.fromarray(frame) for frame in frames]
    options: dict[str, Any] = {"lossless": True} if path.suffix.lower() == ".webp" else {}
    if path.suffix.lower() == ".gif":
        step = max(1, len(pictures) // _COLOURS_FROM)
        several = np.concatenate([np.asarray(picture.reduce(2)) for picture in pictures[::step]])
        colours = Image.fromarray(several).quantize(256, dither=Image.Dither.NONE)
        pictures = [picture.quantize(palette=colours, dither=Image.Dither.NONE) for picture in pictures]
        options = {"optimize": False}
    try:
        with replacing(path) as part:
            pictures[0].save(
                part, save_all=True, append_images=pictures[1:], duration=list(durations), loop=0, **options
            )
    except (OSError, OverflowError, ValueError) as error:  # OverflowError: of frames that Pillow has made one
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise ImageError(f"{path.name!r} can't be written ({reason}); choose another place, format or size.") from error


def _check_durations(path: Path, durations: Sequence[int]) -> None:
    suffix = path.suffix.lower()
    most = _LONGEST[suffix]
    for number, duration in enumerate(durations):
        good = isinstance(duration, int | np.integer) and duration >= 0
        # A PNG holds a fraction of a second, of two short numbers, so also a minute and a half.
        if not good or (duration > most and not (suffix == ".png" and Fraction(int(duration), 1000).numerator < 2**16)):
            raise ImageError(
                f"Frame {number + 1} is to stay for {str(duration)[:20]} milliseconds, which a {suffix} can't hold; "
                f"give a whole number from 0 to {most}."
            )
    total = sum(map(int, durations))
    if total > _LONGEST_FILM.get(suffix, total):
        raise ImageError(f"The film lasts longer than a {suffix} can; give shorter durations, or fewer frames.")
