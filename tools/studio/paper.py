"""The hands that work on paper: drawn, printed, washed or cut."""

from itertools import pairwise

import numpy as np

from tools.studio import strokes
from tools.studio.materials import DARKS, INDIGO, PAPERS, VERMILION, WHITE, Rng
from tools.studio.strokes import Array, blur, fractal, grey, mix, streaks, vivid


def engraving(reference: Array, rng: Rng, scale: float = 1, tint: float = 0.65) -> Array:
    """Swelling lines that follow the form, crossed in the shadows, on tinted paper, heightened with white."""
    shape = reference.shape[:2]
    luma = blur(grey(reference), 1.2)
    low, high = np.percentile(luma, (3, 97))
    tone = np.clip((luma - low) / (high - low + 1e-3), 0, 1)
    paper = mix(PAPERS[rng.integers(4)], vivid(blur(reference, 5), 1.25) * 0.6 + 0.42, tint)
    paper = paper + 0.018 * fractal(rng, shape, 6, 2)[..., None]
    pen = np.clip(mix(DARKS[rng.integers(4)], vivid(blur(reference, 16), 1.8) * 0.35, 0.6), 0, 1)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    form, base, lines = blur(luma, 6) * 26, rng.uniform(0, np.pi), np.zeros(shape, np.float32)
    for lean, start in ((0.0, 0.95), (1.1, 0.5), (2.0, 0.25)):
        u = x * np.sin(base + lean) + y * np.cos(base + lean) + form
        swell = np.clip((start - tone) / start, 0, 1) ** 0.8 * 0.8
        lines = np.maximum(lines, np.clip((np.sin(u * (2 * np.pi / 5.2 / scale)) / 2 - 0.5 + swell) * 5, 0, 1))
    lines = np.maximum(lines, strokes.ink(reference, 1.4))
    chalk = np.clip((np.sin((x - y) * 1.1 + form) * 0.5 + tone - 1.0) * 4, 0, 1) * np.clip((tone - 0.75) * 6, 0, 1)
    return mix(mix(paper, WHITE, chalk * 0.75), pen, lines * 0.9)


def cut_paper(reference: Array, rng: Rng) -> Array:
    """A handful of painted papers, cut with scissors and pinned one over another."""
    shape = reference.shape[:2]
    labels, palette = strokes.few_colours(rng, blur(reference, 3), int(rng.integers(6, 9)), smooth=3.5)
    palette = vivid(palette, 1.5)
    palette = np.clip(palette.mean(0) + (palette - palette.mean(0)) * 1.3, 0.03, 0.98).astype(np.float32)
    order = np.argsort(-np.bincount(labels.ravel(), minlength=len(palette)))  # the big sheets lie below
    rank = np.argsort(order)[labels]
    canvas = np.broadcast_to(palette[order[0]], reference.shape)
    for level in range(1, len(palette)):
        sheet = blur((rank >= level).astype(np.float32), 1.2)
        shade = strokes.shifted(blur(sheet, 2.2), 3, 3)
        canvas = mix(canvas * (1 - 0.4 * shade[..., None]), palette[order[level]], np.clip(sheet * 5 - 2, 0, 1))
    gouache = streaks(rng, (rng.uniform(0, 3) + 0.5 * rank).astype(np.float32), 8)
    return canvas + 0.012 * (gouache + rng.normal(0, 1, shape).astype(np.float32))[..., None]


def watercolour(reference: Array, rng: Rng, scale: float = 1) -> Array:
    """Transparent washes from light to dark, each with its dark wet edge; rough paper, some of it left white."""
    shape = reference.shape[:2]
    wander, tooth, clouds = (
        fractal(rng, shape, 30 * scale, 4),
        fractal(rng, shape, 3.2, 2),
        fractal(rng, shape, 34 * scale, 3),
    )
    y, x = np.mgrid[: shape[0], : shape[1]]
    row = np.clip(y + wander * 5, 0, shape[0] - 1).astype(int)
    column = np.clip(x + wander[::-1] * 5, 0, shape[1] - 1).astype(int)
    moved = blur(vivid(reference, 1.5), 1.5)[row, column]
    density = -np.log(np.clip(moved * 0.9 + 0.1, 0.1, 1)) * 0.9
    depth, hue = density.mean(-1), blur(density, 3)
    hue = hue / (hue.mean(-1, keepdims=True) + 0.03)
    total, soft = np.zeros_like(density), blur(depth, 1.2)
    for low, high in pairwise(np.linspace(0.04, np.percentile(depth, 96), 6)):
        wash = np.clip((soft - low + 0.05 * wander) * 18, 0, 1)
        rim = np.clip(wash - blur(wash, 2.2), 0, 1) * 1.2
        total += ((high - low) * (wash * (1 + 0.35 * clouds + 0.14 * tooth) + rim))[..., None] * hue
    edge = np.minimum(np.minimum(x, shape[1] - 1 - x), np.minimum(y, shape[0] - 1 - y))
    bare = np.clip((edge - rng.uniform(-22, 5) - 16 * clouds - 3 * wander) / 6, 0, 1)  # where the brush did not reach
    return PAPERS[0] * (0.98 + 0.04 * tooth[..., None]) * np.exp(-total * bare[..., None])


def woodblock(reference: Array, rng: Rng, scale: float = 1, blocks: int = 7) -> Array:
    """Flat colours with printed gradients, a keyblock of clear lines, the grain of the wood, and often a seal."""
    shape = reference.shape[:2]
    labels, palette = strokes.few_colours(rng, blur(reference, 2 * scale), blocks, smooth=2.2 * scale)
    flat = vivid(mix(palette[labels], blur(reference, 14), 0.3), 1.3)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32) / shape[0]
    fade = np.clip(1 - y / 0.25, 0, 1) ** 1.5 * 0.6 + np.clip((y - 0.85) / 0.15, 0, 1) * 0.25
    flat = mix(flat, mix(INDIGO, vivid(palette[palette.sum(1).argmin()], 1.4), 0.5), fade)
    wood = np.sin((y * 70 + 5 * fractal(rng, shape, shape[0] / 3, 3, stretch=3)) * 2.2)
    wood = wood + 0.7 * fractal(rng, shape, 3, 2, stretch=7)
    sheet = flat * mix(WHITE, PAPERS[rng.integers(3)], 0.6) + 0.06 + 0.022 * wood[..., None]
    key = np.maximum(strokes.ink(reference, 1.5, sharp=16), strokes.contours(palette[labels], 2.2))
    sheet = mix(sheet, INDIGO * 0.6, key * 0.92)
    if rng.random() < 0.6:
        side, u, v = 0.07, rng.choice((0.05, 0.88)), rng.uniform(0.06, 0.86)
        inside = (np.abs(x - u - side / 2) < side / 2) & (np.abs(y - v - side / 2) < side / 2)
        place = [np.clip((w - z) / side * 5, 0, 4).astype(int) for w, z in ((y, v), (x, u))]
        sheet = mix(sheet, VERMILION, (inside & (rng.random((5, 5)) < 0.6)[tuple(place)]) * 0.92)
    return sheet
