"""Which pictures show the same painting, and not two paintings of one series.

It takes two steps:

1. *Candidates.* Like a perceptual hash, a small grey thumbnail stands for a picture; here it is one of several
   crops and of their mirror images, each compared with all thumbnails by one matrix product.
2. *Proof.* The two pictures are laid over each other by an affine map (Lucas and Kanade's method, Baker and
   Matthews, "Lucas-Kanade 20 Years On", IJCV 2004, section 3.2), and their fine detail is correlated. Brush
   strokes agree only if it is the same canvas, and hatching only if it is the same plate.

The hash alone (`imagehash.phash`) does not do: in the real paintings, of the pairs that agree in all but ten of
its 64 bits, 16 of 215 are other paintings (van Gogh's two wheat fields with cypresses), and it misses a fifth.
"""

from concurrent.futures import Executor
from functools import partial

import numpy as np

from artnb.common.progress import progress

SIDE = 128  # pixels of the square grey picture that stands for each file
THUMBNAIL = 16  # pixels of its thumbnails
NEIGHBOURS = 5  # candidates per picture, its likest
ALIKE = 0.5  # least cosine of two thumbnails for a candidate
# Pixels a side: detail within so many pixels, steps, least correlation of the two pictures. Tuned on the real
# paintings: at 128 pixels, twins have 0.61 to 0.98, and painters' and workshops' second versions up to 0.48.
LEVELS = {32: (4.0, 4, 0.55), 64: (4.0, 5, 0.55), 128: (1.5, 5, 0.55)}
OVERLAP = 0.8  # least share of one picture that the other one shows


def same_paintings(greys: np.ndarray, pool: Executor) -> list[tuple[int, int]]:
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
