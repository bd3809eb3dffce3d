"""The studio's tools: fields to follow, strokes to lay, surfaces to light.

Pictures are float32 arrays of shape (height, width, 3) in [0, 1]; fields and masks have shape (height, width).
The strokes are those of Hertzmann, "Painterly Rendering with Curved Brush Strokes of Multiple Sizes"
(SIGGRAPH 1998), traced for a whole layer at once.
"""

from typing import Any

import numpy as np
from PIL import Image, ImageDraw

Array = np.ndarray


def colours(codes: str) -> Array:
    """Hex codes as an array: 'f7c9a9 000000' gives float32 (2, 3) in [0, 1]."""
    return np.array([list(bytes.fromhex(code)) for code in codes.split()], np.float32) / 255


def mix(a: Any, b: Any, t: Any) -> Array:
    """Blend from `a` (t = 0) to `b` (t = 1); `t` is a number or a mask."""
    t = np.asarray(t, np.float32)
    return a + (b - a) * (t[..., None] if t.ndim == 2 else t)


def resample(image: Array, shape: tuple[int, int]) -> Array:
    """A picture or a field, resized to `shape`: (height, width)."""
    if image.ndim == 3:
        return np.stack([resample(channel, shape) for channel in np.moveaxis(image, -1, 0)], axis=-1)
    sheet = Image.fromarray(np.ascontiguousarray(image, np.float32))
    return np.asarray(sheet.resize(shape[::-1], Image.Resampling.BICUBIC))


def blur(image: Array, sigma: float) -> Array:
    """Gaussian blur, `sigma` in pixels; a wide blur works on a smaller copy."""
    from scipy.ndimage import gaussian_filter

    if sigma > 3 and min(image.shape[:2]) > 16:
        small = resample(image, (image.shape[0] // 2, image.shape[1] // 2))
        return resample(blur(small, sigma / 2), image.shape[:2])
    return gaussian_filter(image, (sigma, sigma, 0)[: image.ndim], mode="nearest", truncate=2.5)


def shifted(field: Array, down: int, right: int) -> Array:
    """A field moved by whole pixels; the border is repeated to fill the gap."""
    return np.pad(field, ((down, 0), (right, 0)), mode="edge")[: field.shape[0], : field.shape[1]]


def grey(image: Array) -> Array:
    """Luma (Rec. 601), in [0, 1]."""
    return 0.299 * image[..., 0] + 0.587 * image[..., 1] + 0.114 * image[..., 2]


def vivid(image: Array, saturation: float) -> Array:
    """A picture with its saturation multiplied; values may end up slightly outside [0, 1]."""
    luma = grey(image)[..., None]
    return luma + (image - luma) * saturation


def turn(colours: Array, angle: Array | float) -> Array:
    """Colours with their hues turned about the grey axis by `angle` radians (pi gives the complement)."""
    angle = np.asarray(angle, np.float32)[..., None]
    mean = colours.mean(-1, keepdims=True)
    other = (np.roll(colours, 1, -1) - np.roll(colours, -1, -1)) / np.sqrt(3).astype(np.float32)
    return mean + (colours - mean) * np.cos(angle) + other * np.sin(angle)


def fractal(
    rng: np.random.Generator, shape: tuple[int, int], cell: float, octaves: int = 4, stretch: float = 1
) -> Array:
    """Fractal value noise, about -1 to 1; the largest lumps are `cell` pixels high and `stretch` times as wide."""
    total, weight = np.zeros(shape, np.float32), 0.55
    for _ in range(octaves):
        grid = (int(np.ceil(shape[0] / cell)) + 3, int(np.ceil(shape[1] / cell / stretch)) + 3)
        lumps = rng.uniform(-1, 1, grid).astype(np.float32)
        full = (max(shape[0], int(grid[0] * cell)), max(shape[1], int(grid[1] * cell * stretch)))
        top, left = (full[0] - shape[0]) // 2, (full[1] - shape[1]) // 2
        total += weight * resample(lumps, full)[top : top + shape[0], left : left + shape[1]]
        weight, cell = weight / 2, max(cell / 2, 1)
    return total * 1.5


def grain_direction(image: Array, sigma: float) -> Array:
    """The direction along the edges, radians, from the structure tensor smoothed by `sigma` pixels.

    It is the normal of the gradient, which Hertzmann's strokes follow, averaged so that flat parts have one too.
    """
    gy, gx = np.gradient(blur(grey(image), 1)[::2, ::2])  # smooth enough for half the pixels
    both, odd = blur(2 * gx * gy, sigma / 2), blur(gx * gx - gy * gy, sigma / 2)
    return 0.5 * np.arctan2(resample(both, image.shape[:2]), resample(odd, image.shape[:2])) + np.float32(np.pi / 2)


def worst_places(error: Array, grid: int, threshold: float) -> tuple[Array, Array]:
    """The worst pixel of each cell of a grid, if the cell's mean error is above `threshold`: rows and columns."""
    down, across = (-(-n // grid) for n in error.shape)
    margins = [(0, count * grid - n) for count, n in zip((down, across), error.shape, strict=True)]
    blocks = np.pad(error, margins, mode="edge").reshape(down, grid, across, grid).swapaxes(1, 2)
    cells = blocks.reshape(down * across, grid * grid)
    place, (row, column) = cells.argmax(1), np.divmod(np.arange(down * across), across)
    rows = np.minimum(row * grid + place // grid, error.shape[0] - 1)
    columns = np.minimum(column * grid + place % grid, error.shape[1] - 1)
    wrong = cells.mean(1) > threshold
    return rows[wrong], columns[wrong]


def scatter(rng: np.random.Generator, shape: tuple[int, int], pitch: float, jitter: float = 0.5) -> tuple[Array, Array]:
    """The points of a jittered grid, `pitch` pixels apart, in random order: rows and columns."""
    y, x = np.mgrid[pitch / 2 : shape[0] : pitch, pitch / 2 : shape[1] : pitch]
    places = np.stack([y.ravel(), x.ravel()]) + rng.uniform(-jitter, jitter, (2, y.size)) * pitch
    rows, columns = np.clip(places, 0, [[shape[0] - 1], [shape[1] - 1]]).astype(int)
    order = rng.permutation(rows.size)
    return rows[order], columns[order]


def trace(angle: Array, rows: Array, columns: Array, length: int, step: float, bend: float = 1) -> Array:
    """Walk from every place along the field: (length + 1, strokes, 2) points as x, y.

    `bend` from 0 (straight) to 1 (follows the field) is Hertzmann's curvature filter; a stroke never turns back.
    """
    h, w = angle.shape
    place: Array = np.stack([columns, rows], axis=1).astype(np.float32)
    points = [place]
    heading: Array | None = None
    for _ in range(length):
        y, x = (np.clip(place[:, i], 0, n - 1).astype(int) for i, n in ((1, h), (0, w)))
        along = np.stack([np.cos(angle[y, x]), np.sin(angle[y, x])], axis=1)
        if heading is not None:
            along = np.where((along * heading).sum(1, keepdims=True) < 0, -along, along)
            along = bend * along + (1 - bend) * heading
            along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-6)
        heading = along
        place = place + step * along
        points.append(place)
    return np.stack(points)


def ribbons(points: Array, width: Array | float, taper: float = 1) -> Array:
    """Outlines (strokes, 2 * points, 2) of strokes around centre lines; `taper` 0 keeps the ends square."""
    along = np.gradient(points, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=-1, keepdims=True), 1e-6)
    t = np.linspace(-1, 1, len(points), dtype=np.float32)[:, None, None]
    half = np.reshape(np.asarray(width, np.float32), (1, -1, 1)) / 2 * np.sqrt(1 - taper * 0.95 * t**2)
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1) * half
    return np.concatenate([points + across, (points - across)[::-1]]).swapaxes(0, 1)


def dabs(rows: Array, columns: Array, angle: Array, length: Array | float, width: Array | float) -> Array:
    """The corners (dabs, 4, 2) of rectangles, given their centres and directions."""
    along = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    a, b = (along * np.reshape(length, (-1, 1)) / 2, across * np.reshape(width, (-1, 1)) / 2)
    centre = np.stack([columns, rows], axis=1) + 0.5
    return np.stack([centre + a + b, centre + a - b, centre - a - b, centre - a + b], axis=1)


def lay(shape: tuple[int, int], outlines: Array) -> Array:
    """Lay strokes over one another: for each pixel the number of the top one, -1 where the ground is bare."""
    sheet = Image.new("I", shape[::-1], -1)
    draw = ImageDraw.Draw(sheet)
    for number, outline in enumerate(outlines.reshape(len(outlines), -1).tolist()):
        draw.polygon(outline, fill=number)
    return np.asarray(sheet)


def streaks(rng: np.random.Generator, angle: Array, reach: int) -> Array:
    """What the hairs of a brush leave: noise smeared along the field (line integral convolution), mean 0."""
    h, w = angle.shape
    noise = rng.normal(0, 1, (h, w)).astype(np.float32)
    y, x = np.mgrid[:h, :w].astype(np.float32)
    dx, dy = np.cos(angle), np.sin(angle)
    total = sum(
        noise[np.clip(y + k * dy, 0, h - 1).astype(np.int32), np.clip(x + k * dx, 0, w - 1).astype(np.int32)]
        for k in range(-reach, reach + 1, 2)
    )
    return total / np.sqrt(reach + 1).astype(np.float32)


def relief(image: Array, height: Array, depth: float) -> Array:
    """A picture in paint as thick as `height`, lit from the top left."""
    gy, gx = np.gradient(height)
    light = np.clip(-(gx + gy) * depth, -0.5, 0.6)
    return mix(image * (1 + np.minimum(light, 0))[..., None], np.float32(1), np.maximum(light, 0) * 0.7)


def edges(labels: Array) -> Array:
    """1 where a pixel's right or lower neighbour has another label."""
    line = np.zeros(labels.shape, np.float32)
    line[:, :-1] += labels[:, 1:] != labels[:, :-1]
    line[:-1] += labels[1:] != labels[:-1]
    return np.minimum(line, 1)


def contours(image: Array, sharpness: float) -> Array:
    """The outlines of a picture in flat colours, 0 to 1: the more two neighbours differ, the stronger."""
    gy, gx = np.gradient(blur(image, 1), axis=(0, 1))
    return np.clip(np.abs(gx).sum(-1) * sharpness + np.abs(gy).sum(-1) * sharpness - 0.35, 0, 1)


def ink(image: Array, sigma: float, sharp: float = 12, level: float = 0.0) -> Array:
    """Contour lines, 1 where the pen goes: differences of Gaussians, thresholded softly (Winnemöller 2012, XDoG)."""
    luma = grey(image)
    difference = blur(luma, sigma * 1.6) - blur(luma, sigma)
    return np.clip((difference - 0.012 - level) * sharp * 4, 0, 1)


def few_colours(rng: np.random.Generator, image: Array, count: int, smooth: float) -> tuple[Array, Array]:
    """The picture in `count` flat colours (k-means) with outlines smoothed by `smooth` pixels: labels, palette."""
    pixels = image.reshape(-1, 3)
    sample = pixels[rng.integers(0, len(pixels), 900)]
    palette = sample[rng.choice(900, count, replace=False)]
    for _ in range(8):
        nearest = ((sample[:, None] - palette) ** 2).sum(-1).argmin(1)
        palette = np.stack([sample[nearest == k].mean(0) if (nearest == k).any() else palette[k] for k in range(count)])
    far = np.stack([blur(((image - colour) ** 2).sum(-1), smooth) for colour in palette])
    return far.argmin(0), palette
