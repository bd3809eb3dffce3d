"""What is wrong with a collection of pictures: broken, mislabelled, copied and twice-photographed files.

The hard part is to say that two files show the same painting, and not two paintings of one series. It takes
two steps:

1. *Candidates.* Like a perceptual hash, a small grey thumbnail stands for a picture; here it is one of several
   crops and of their mirror images, each compared with all thumbnails by one matrix product.
2. *Proof.* The two pictures are laid over each other by an affine map (Lucas and Kanade's method, Baker and
   Matthews, "Lucas-Kanade 20 Years On", IJCV 2004, section 3.2), and their fine detail is correlated. Brush
   strokes agree only if it is the same canvas, and hatching only if it is the same plate.

The hash alone (`imagehash.phash`) does not do: in the real paintings, of the pairs that agree in all but ten of
its 64 bits, 16 of 215 are other paintings (van Gogh's two wheat fields with cypresses), and it misses a fifth.
"""

import hashlib
import io
import json
import os
from collections.abc import Iterable
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from artnb.common.progress import progress
from artnb.images import MAX_BYTES, MAX_PIXELS, ImageError, load_image, upright
from artnb.paintings.sources import Collection

Pair = tuple[str, str]
Candidates = tuple[
    np.ndarray, np.ndarray, np.ndarray
]  # first (m,), second (m,), maps (m, 2, 3) of the second onto the first

TINY = 64  # pixels of the shorter side
FORMATS = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
    ".gif": "GIF", ".bmp": "BMP",
}  # fmt: skip

SIDE = 128  # pixels of the square grey picture that stands for each file
THUMBNAIL = 16  # pixels of its thumbnails
NEIGHBOURS = 5  # candidates per picture, its likest
ALIKE = 0.5  # least cosine of two thumbnails for a candidate
# Pixels a side: detail within so many pixels, steps, least correlation of the two pictures. Tuned on the real
# paintings: at 128 pixels, twins have 0.61 to 0.98, and painters' and workshops' second versions up to 0.48.
LEVELS = {32: (4.0, 4, 0.55), 64: (4.0, 5, 0.55), 128: (1.5, 5, 0.55)}
OVERLAP = 0.8  # least share of one picture that the other one shows


@dataclass(frozen=True)
class Audit:
    """What was found; every path is relative to the collection, every tuple and every pair is sorted.

    Attributes:
        files: how many files were looked at.
        artists: how many artists they are filed under.
        unreadable: files that are empty, truncated or no pictures.
        mislabelled: files that are of another format than their name says; they load all the same.
        wrong_mode: files that are not 8-bit RGB: grey, palette, CMYK, transparent, 16 bits; converted on loading.
        tiny: files whose shorter side is under 64 pixels.
        exact_duplicates: readable files with the same bytes; of more than two copies, every pair.
        near_duplicates: files with other bytes that show the same painting.
        reasons: for each file that is unreadable, mislabelled, of a wrong mode or tiny, a sentence that says why.
        sha256: the digest of each readable file's bytes.
    """

    files: int
    artists: int
    unreadable: tuple[str, ...]
    mislabelled: tuple[str, ...]
    wrong_mode: tuple[str, ...]
    tiny: tuple[str, ...]
    exact_duplicates: tuple[Pair, ...]
    near_duplicates: tuple[Pair, ...]
    reasons: dict[str, str]
    sha256: dict[str, str]

    @property
    def duplicates(self) -> tuple[Pair, ...]:
        """All pairs of files that show the same painting, exact and near ones, sorted."""
        return tuple(sorted(self.exact_duplicates + self.near_duplicates))

    def to_dict(self) -> dict[str, Any]:
        """The findings as dicts, lists, strings and numbers, ready for JSON; pairs are lists of two."""
        plain: dict[str, Any] = {}
        for name, value in vars(self).items():
            if name == "sha256":
                continue
            plain[name] = [list(x) if isinstance(x, tuple) else x for x in value] if isinstance(value, tuple) else value
        return plain

    def to_json(self) -> str:
        """All of it, for `from_json`."""
        return json.dumps(vars(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` wrote; ValueError, TypeError or AttributeError for another text."""
        values = json.loads(text)
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(tuple(each) if isinstance(each, list) else each for each in value)
        return cls(**values)

    def report(self) -> str:
        """What was found, what it means and what to do about it, as eight lines for a person."""
        seen_twice = len({path for pair in self.duplicates for path in pair})
        readable = max(1, self.files - len(self.unreadable))
        return "\n".join(
            (
                f"{self.files:,} files by {self.artists} artists.",
                f"- Unreadable: {_count(self.unreadable)}. Empty, cut off or no pictures at all: leave them out.",
                f"- Mislabelled: {_count(self.mislabelled)}. The name says another format than the content; they load.",
                f"- Not RGB: {_count(self.wrong_mode)}. Grey, palette, CMYK and the like; loading makes them RGB.",
                f"- Tiny: {_count(self.tiny)}. Under {TINY} pixels; enlarged, they are a blur.",
                f"- Exact duplicates: {_count(self.exact_duplicates, 'pair')}. The same bytes under two names.",
                f"- Near-duplicates: {_count(self.near_duplicates, 'pair')}. One painting in two photographs, with "
                "other light, frame, size, or mirrored.",
                f"{seen_twice:,} pictures ({seen_twice / readable:.1%}) have a twin. If it is in the training set, the "
                "test asks what training has answered: split by groups, not by files.",
            )
        )


def audit_collection(collection: Collection) -> Audit:
    """Read every file of a collection, and compare all with all, also across artists.

    Near-duplicates may differ in crop, frame, size, proportions, light, colours (or have none) and sharpness, and
    may be mirrored; a detail counts if it shows about half of the painting's area or more. Another painting of the
    same subject does not count, nor does a copy by hand or another state of a print.

    Args:
        collection: its `paintings` say which files.
    """
    paths = sorted(collection.paintings["path"])
    # BLAS computes in one thread, we in several: its threads wait for each other on matrices as small as ours.
    with ThreadPoolExecutor(os.cpu_count()) as pool, threadpool_limits(1, "blas"):
        looks = pool.map(_look, [collection.file(path) for path in paths])
        files = dict(zip(paths, progress(looks, "reading", len(paths), "file"), strict=True))
        kinds = _copies(files)
        greys = np.array([files[kind[0]].grey for kind in kinds], np.uint8).reshape(-1, SIDE, SIDE)
        same = _same_paintings(greys, pool)
    near = [(min(a, b), max(a, b)) for i, j in same for a in kinds[i] for b in kinds[j]]
    return Audit(
        files=len(paths),
        artists=collection.paintings["artist"].nunique(),
        unreadable=tuple(path for path, file in files.items() if file.grey is None),
        **{
            kind: tuple(path for path, file in files.items() if kind in file.faults)
            for kind in ("mislabelled", "wrong_mode", "tiny")
        },
        exact_duplicates=tuple(sorted(pair for kind in kinds for pair in combinations(kind, 2))),
        near_duplicates=tuple(sorted(near)),
        reasons={path: " ".join(file.faults.values()) for path, file in files.items() if file.faults},
        sha256={path: file.sha256 for path, file in files.items() if file.sha256},
    )


def groups(paintings: pd.DataFrame, pairs: Iterable[Pair]) -> pd.Series:
    """Number the groups of pictures that show the same painting: the connected components of the pairs.

    Args:
        paintings: one row per picture, with the column `path`.
        pairs: pairs of paths, such as `Audit.duplicates`; those with a path that isn't in `paintings` don't count.

    Returns:
        int, named "group", with the index of `paintings`: equal numbers are one painting; 0, 1, … in the order in
        which the groups first appear. A picture without a twin is a group of its own.
    """
    row = {path: number for number, path in enumerate(paintings["path"])}
    edges = [(row[one], row[other]) for one, other in pairs if one in row and other in row]
    one, other = np.array(edges, int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges), bool), (one, other)), shape=(len(row), len(row)))
    labels = connected_components(graph, directed=False)[1]
    return pd.Series(pd.factorize(labels)[0], index=paintings.index, name="group", dtype=int)


def _count(items: tuple, what: str = "file") -> str:
    return f"{len(items):,} {what}{'' if len(items) == 1 else 's'}" if items else "none"


@dataclass(frozen=True)
class _File:
    """What one file is: its SHA-256, a sentence for each of its faults, and a small grey picture of it."""

    sha256: str
    faults: dict[str, str]
    grey: np.ndarray | None = None  # uint8 (SIDE, SIDE), whatever the picture's proportions; None if unreadable


def _copies(found: dict[str, _File]) -> list[list[str]]:
    """The readable files, those with the same bytes in one list."""
    copies: dict[str, list[str]] = {}
    for path, file in found.items():
        if file.grey is not None:
            copies.setdefault(file.sha256, []).append(path)
    return list(copies.values())


def _look(file: Path) -> _File:
    """Read one file, once."""
    faults: dict[str, str] = {}
    try:
        if file.stat().st_size > MAX_BYTES:
            load_image(file)  # refuses it, with a sentence
        data = file.read_bytes()
        picture, form, mode, size = _decode(data, file)
    except (ImageError, OSError) as error:
        sentence = str(error) if isinstance(error, ImageError) else f"{file.name!r} cannot be read."
        return _File("", {"unreadable": sentence})
    if form and FORMATS.get(file.suffix.lower(), form) != form:
        faults["mislabelled"] = f"{file.name!r} is a {form} by its content; it loads, but rename it."
    if mode != "RGB":
        kind = {"L": "grey", "P": "a palette", "1": "black and white"}.get(mode, f"of mode {mode}")
        faults["wrong_mode"] = f"{file.name!r} is {kind} instead of RGB; it is converted on loading."
    if min(size) < TINY:
        faults["tiny"] = f"{file.name!r} has only {size[0]} × {size[1]} pixels; find a larger copy or leave it out."
    small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3)
    return _File(hashlib.sha256(data).hexdigest(), faults, np.asarray(small))


def _decode(data: bytes, file: Path) -> tuple[Image.Image, str, str, tuple[int, int]]:
    """The picture, perhaps smaller, and the file's format, mode and size; readable is what `load_image` reads."""
    form, mode, size = "", "RGB", None
    try:
        with Image.open(io.BytesIO(data), formats=sorted(set(FORMATS.values()))) as picture:
            form, mode, size = str(picture.format).replace("MPO", "JPEG"), picture.mode, picture.size
            if form == "JPEG" and size[0] * size[1] <= MAX_PIXELS:
                # A JPEG can be decoded at an eighth of its size: every byte is read, most of the work is not done.
                picture.draft("L", (2 * SIDE, 2 * SIDE))
                picture.load()
                return upright(picture), form, mode, size
    except Exception:  # Pillow raises half a dozen kinds of them; load_image says the same in a sentence
        pass
    loaded = Image.fromarray(load_image(file))
    return loaded, form, mode, size or loaded.size


def _same_paintings(greys: np.ndarray, pool: Executor) -> list[tuple[int, int]]:
    """uint8 (n, SIDE, SIDE) -> the pairs of positions that show the same painting, i < j, sorted."""
    first, second, maps = _candidates(_shrink(greys, 64), pool)
    for size in LEVELS:
        parts = _parts(len(first), 2**20 // size**2)  # a megapixel at a time
        jobs = pool.map(partial(_compare, greys, size), *([x[part] for part in parts] for x in (first, second, maps)))
        results = [(maps[:0], np.empty(0)), *progress(jobs, "laying over", len(parts), "part")]
        maps, correlation = (np.concatenate(x) for x in zip(*results, strict=True))
        agree = correlation >= LEVELS[size][2]
        first, second, maps = first[agree], second[agree], maps[agree]
    return sorted({(min(pair), max(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)})


def _compare(
    greys: np.ndarray, size: int, first: np.ndarray, second: np.ndarray, maps: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Lay pictures over each other at `size` pixels a side -> improved maps, correlations of the detail (m,)."""
    sigma, steps, _ = LEVELS[size]
    moved, still = (_detail(_shrink(greys[x], size), sigma) for x in (first, second))
    return _lay_over(still, moved, maps, steps)


def _parts(number: int, length: int) -> list[slice]:
    return [slice(start, start + length) for start in range(0, number, length)]


def _shrink(greys: np.ndarray, size: int) -> np.ndarray:
    factor = greys.shape[1] // size
    return greys.reshape(len(greys), size, factor, size, factor).mean((2, 4), dtype=np.float32)


def _detail(greys: np.ndarray, sigma: float) -> np.ndarray:
    """Take off the slow changes of light and even out the contrast, both within `sigma` pixels: about -1 to 1.

    What has less contrast than some 10 of 255 levels stays faint: noise is no detail, a blank picture is zero.
    """
    distance = np.subtract.outer(np.arange(greys.shape[1]), np.arange(greys.shape[1])) / sigma
    blur = np.where(abs(distance) < 4, np.exp(-(distance**2) / 2), 0).astype(np.float32)
    blur /= blur.sum(1, keepdims=True)
    detail = greys - blur @ greys @ blur.T
    return detail / np.sqrt(blur @ detail**2 @ blur.T + 10**2)


def _candidates(small: np.ndarray, pool: Executor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """float32 (n, size, size) -> i (m,), j (m,) that look alike, and maps (m, 2, 3) from points of j to points of i.

    A point is (x, y, 1) with x and y from -1 to 1. All of j looks like a crop of i, perhaps mirrored.
    """
    views = [(1.0, 1.0, 0.0, 0.0)]  # scales and centre, in x and y
    for width, corners in ((0.92, True), (0.84, True), (0.76, True), (0.68, False)):
        ends = [(x, y) for x in (0, -1, 1) for y in (0, -1, 1) if corners or not x * y]
        views += [(width, width, x * (1 - width), y * (1 - width)) for x, y in ends]
    views += [(-across, down, x, y) for across, down, x, y in views if across > 0.8]
    whole = _thumbnails(small, views[0])

    def search(part: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        crops = np.stack([_thumbnails(small[part], view) for view in views])
        alike = crops[0] @ whole.T
        for crop in crops[1:]:
            np.maximum(alike, crop @ whole.T, out=alike)
        i = np.arange(len(alike))
        alike[i, part.start + i] = -1  # every picture is most like itself
        last = min(NEIGHBOURS, len(whole) - 1)
        nearest = np.argpartition(-alike, last, axis=1)[:, :NEIGHBOURS]
        row, place = np.nonzero(np.take_along_axis(alike, nearest, axis=1) >= ALIKE)
        j = nearest[row, place]
        return part.start + row, j, np.einsum("vmt,mt->vm", crops[:, row], whole[j]).argmax(0)

    parts = _parts(len(small), 256)
    results = [(np.empty(0, int),) * 3, *progress(pool.map(search, parts), "comparing", len(parts), "part")]
    first, second, view = (np.concatenate(x) for x in zip(*results, strict=True))
    across, down, x, y = np.array(views, np.float32)[view].T
    zero = np.zeros_like(x)
    return first, second, np.stack([across, zero, x, zero, down, y], axis=1).reshape(-1, 2, 3)


def _thumbnails(pictures: np.ndarray, view: tuple[float, float, float, float]) -> np.ndarray:
    """Unit vectors (n, THUMBNAIL²) of a crop of square pictures; the view is (x scale, y scale, x, y)."""
    across, down = (_sampling(pictures.shape[1], *axis) for axis in (view[::2], view[1::2]))
    vectors = _detail(down @ pictures @ across.T, sigma=2).reshape(len(pictures), THUMBNAIL**2)
    vectors -= vectors.mean(1, keepdims=True)
    return vectors / (np.linalg.norm(vectors, axis=1, keepdims=True) + 1e-3)


def _sampling(size: int, scale: float, centre: float) -> np.ndarray:
    """The matrix (THUMBNAIL, size) that shrinks a line of `size` pixels, by triangular weights."""
    at = scale * (np.arange(THUMBNAIL) * 2 + 1 - THUMBNAIL) / THUMBNAIL + centre
    distance = np.abs(at[:, None] - (np.arange(size) * 2 + 1 - size) / size)
    weights = np.maximum(1 - distance / (2 * abs(scale) / THUMBNAIL), 0)
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def _lay_over(still: np.ndarray, moved: np.ndarray, maps: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Improve the affine maps from `still`, float32 (n, size, size), to `moved` -> maps, correlations (n,)."""
    number, size = still.shape[:2]
    line = (np.arange(size, dtype=np.float32) * 2 + 1 - size) / size
    x, y = np.tile(line, size), np.repeat(line, size)
    points = np.stack([x, y, np.ones_like(x)])
    dy, dx = (slope.reshape(number, size * size, 1) for slope in np.gradient(still, 2 / size, axis=(1, 2)))
    slopes = np.concatenate([dx * points.T, dy * points.T], axis=2)  # how each pixel changes with the six numbers
    still = still.reshape(number, size * size)
    for _ in range(steps):
        values, inside = _sample(moved, maps @ points)
        seen = slopes * inside[..., None]
        curvature = (seen.transpose(0, 2, 1) @ slopes).astype(float) + 1e-3 * np.eye(6)
        error = ((values - still) * inside)[..., None]
        step = np.linalg.solve(curvature, (seen.transpose(0, 2, 1) @ error).astype(float)).clip(-0.1, 0.1)
        change, chain = np.tile(np.eye(3), (2, number, 1, 1))
        change[:, :2] += step.reshape(number, 2, 3)
        chain[:, :2] = maps
        maps = (chain @ np.linalg.inv(change))[:, :2].astype(np.float32)
    values, inside = _sample(moved, maps @ points)
    area = inside.sum(1) + 1e-6
    a, b = ((v - (v * inside).sum(1, keepdims=True) / area[:, None]) * inside for v in (still, values))
    correlation = (a * b).sum(1) / (np.sqrt((a * a).sum(1) * (b * b).sum(1)) + 1e-3 * area)
    scale = np.linalg.svd(maps[:, :, :2].astype(float), compute_uv=False)
    plausible = (area >= OVERLAP * size**2) & (scale[:, 1] > 0.4) & (scale[:, 0] < 1.5 * scale[:, 1])
    return maps, np.where(plausible, correlation, -1)


def _sample(pictures: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bilinear values (n, points) of float32 (n, size, size) at (n, 2, points), and which of them lie inside."""
    number, size = pictures.shape[:2]
    x, y = np.moveaxis((points + 1) * (size / 2) - 0.5, 1, 0)
    inside = (x >= 0) & (x <= size - 1) & (y >= 0) & (y <= size - 1)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    left, top = np.minimum(x.astype(int), size - 2), np.minimum(y.astype(int), size - 2)
    x, y = x - left.astype(np.float32), y - top.astype(np.float32)
    at = top * size + left + np.arange(number)[:, None] * size**2
    flat = pictures.ravel()
    upper = flat[at] * (1 - x) + flat[at + 1] * x
    lower = flat[at + size] * (1 - x) + flat[at + size + 1] * x
    return upper * (1 - y) + lower * y, inside
