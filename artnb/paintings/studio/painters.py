"""The fourteen painters: who they are, and each one's hand as a function from a reference to a painting.

A hand takes a reference, float32 (height, width, 3) in [0, 1], at twice the size of the painting, and a random
generator, and gives the painting at that same double size. A hand decides the brush, the ground and how colours
are broken, never which colours: those come with the scene's mood, and moods are shared by all painters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from artnb.paintings.studio import strokes
from artnb.paintings.studio.strokes import Array, blur, colours, fractal, grain_direction, grey, mix, streaks, vivid

Rng = np.random.Generator
Hand = Callable[[Array, Rng], Array]

PAPERS = colours("f5f0e0 eddebd c7cccc d9bd9e")
DARKS = colours("1a1724 291a12 121f29 21211a")
WHITE, VARNISH, GOLD, OCHRE, INDIGO, VERMILION = colours("ffffff ffe6ad edbd4d b8935a 1a2852 bf291f")


def _weave(shape: tuple[int, int]) -> Array:
    """Linen: threads over and under each other, about -1 to 1."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.sin(x * 1.6) * np.sin(y * 1.6)


def _jitter(rng: Rng, colours: Array, light: float, hue: float) -> Array:
    """Each colour of (n, 3) a little lighter or darker, its hue a little turned (radians)."""
    return strokes.turn(colours, rng.normal(0, hue, len(colours))) + rng.normal(0, light, (len(colours), 1)).astype(
        np.float32
    )


@dataclass(frozen=True)
class Brush:
    """Hertzmann's style parameters; lengths in pixels of the double-sized canvas."""

    radii: tuple[int, ...]
    length: int = 8  # steps of one radius
    bend: float = 1.0
    opacity: float = 0.95
    light: float = 0.04
    hue: float = 0.15
    threshold: float = 0.05
    spacing: float = 0.8
    taper: float = 1.0

    def paint(self, rng: Rng, reference: Array, canvas: Array, angle: Array | None = None) -> tuple[Array, Array]:
        """Layer upon layer, from the big brush to the small one: the painting and how thick the paint is."""
        height = np.zeros(canvas.shape[:2], np.float32)
        for radius in self.radii:
            soft = blur(reference, radius * 0.4)
            field = grain_direction(soft, 1.5 * radius) if angle is None else angle
            error = np.abs(soft - canvas).sum(-1)
            rows, columns = strokes.worst_places(error, max(2, round(radius * self.spacing * 2)), self.threshold)
            order = rng.permutation(len(rows))
            rows, columns = rows[order], columns[order]
            if not len(rows):
                continue
            # Half of the steps in each direction, so that the stroke lies over the place it was made for.
            back = strokes.trace(field + np.float32(np.pi), rows, columns, self.length // 2, radius, self.bend)
            points = np.concatenate(
                [back[:0:-1], strokes.trace(field, rows, columns, self.length // 2, radius, self.bend)]
            )
            width = 2 * radius * rng.uniform(0.75, 1.15, len(rows))
            top = strokes.lay(canvas.shape[:2], strokes.ribbons(points, width, self.taper))
            touch = _jitter(rng, soft[rows, columns], self.light, self.hue).astype(np.float32)
            painted = top >= 0
            canvas = mix(canvas, touch[top], painted * self.opacity)
            height = np.where(
                painted, rng.uniform(0, 1, len(rows)).astype(np.float32)[top] * min(1, radius / 4), height
            )
        return canvas, height


def plein_air(reference: Array, rng: Rng) -> Array:
    """Short curved dabs of broken colour, violet shadows, warm lights, the primed canvas showing through."""
    luma = grey(blur(reference, 3))[..., None]
    shadow, light = np.array([0.03, -0.02, 0.09], np.float32), np.array([0.07, 0.04, -0.02], np.float32)
    lit = (
        vivid(reference, 1.2) * 0.92
        + 0.06
        + np.clip(0.5 - luma, 0, 1) * shadow * 2
        + np.clip(luma - 0.5, 0, 1) * light * 2
    )
    canvas = np.broadcast_to(PAPERS[rng.integers(2)], reference.shape) * 0.97
    canvas, height = Brush((10,), length=4, threshold=0.02, hue=0.2).paint(rng, lit, canvas)
    canvas, thick = Brush((5, 3), length=4, light=0.05, hue=0.32, threshold=0.07, spacing=0.9).paint(rng, lit, canvas)
    bristles = streaks(rng, grain_direction(lit, 5), 5)
    return strokes.relief(canvas + 0.015 * bristles[..., None], blur(height + thick, 0.7) + 0.05 * bristles, 0.5)


def swirls(reference: Array, rng: Rng) -> Array:
    """Long strokes in the current of a flow, thick enough to cast shadows."""
    shape = reference.shape[:2]
    dy, dx = np.gradient(blur(fractal(rng, shape, shape[0] / 2.5, octaves=2), 6))
    strong = np.clip(np.hypot(*np.gradient(blur(grey(reference), 3))) * 70, 0, 1)
    # Directions add up as doubled angles: a flow of eddies, except where the picture has edges to follow.
    double = (1 - strong) * np.exp(2j * np.arctan2(-dx, dy)) + strong * np.exp(2j * grain_direction(reference, 5))
    angle = (np.angle(double) / 2).astype(np.float32)
    rich, canvas = np.clip(vivid(reference, 1.35), 0, 1), np.broadcast_to(DARKS[rng.integers(4)], reference.shape)
    canvas, _ = Brush((8,), length=8, threshold=0, light=0.05).paint(rng, rich, canvas, angle)
    fine = Brush((4, 2), length=10, threshold=0.06, light=0.07, hue=0.2, spacing=1.0)
    canvas, height = fine.paint(rng, rich, canvas, angle)
    hairs = streaks(rng, angle, 8)
    return strokes.relief(canvas + 0.02 * hairs[..., None], blur(height, 0.8) * 1.2 + 0.16 * hairs, 0.7)


def dots(reference: Array, rng: Rng) -> Array:
    """Round touches of pure colour side by side, some of them the complement of their neighbours."""
    shape, bright = reference.shape[:2], vivid(reference, 1.5)
    canvas = mix(blur(reference, 9), PAPERS[rng.integers(2)], 0.45)
    circle = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
    for pitch, radius, accents in ((6.5, 4.2, 0.08), (4.5, 2.4, 0.13)):
        rows, columns = strokes.scatter(rng, shape, pitch)
        centre = np.stack([columns, rows], axis=1)[:, None] + 0.5
        radii = radius * rng.uniform(0.8, 1.15, (len(rows), 1, 1))
        touch = _jitter(rng, bright[rows, columns], 0.05, 0.3)
        opposite = (rng.random(len(rows)) < accents)[:, None]
        touch = np.where(opposite, strokes.turn(touch, 2.4) * 0.9 + 0.08, touch).astype(np.float32)
        top = strokes.lay(shape, centre + radii * circle)
        canvas = mix(canvas, touch[top], (top >= 0) * 0.93)
    return canvas


def knife(reference: Array, rng: Rng) -> Array:
    """Broad flat dabs, spread with the edge of a steel blade: ridges where it lifted, drag marks along it."""
    shape = reference.shape[:2]
    field = grain_direction(reference, 10)
    field = np.round(field / (np.pi / 8)) * np.float32(np.pi / 8)  # a blade turns in few directions
    canvas, height, along = mix(blur(reference, 12), PAPERS[rng.integers(4)], 0.2), np.zeros(shape, np.float32), field
    for pitch, length, width, threshold in ((13, 34, 22, -1.0), (10, 24, 14, 0.10), (7, 14, 8, 0.22)):
        soft = blur(reference, width / 5)
        rows, columns = strokes.scatter(rng, shape, pitch)
        wanted = np.abs(soft - canvas).sum(-1)[rows, columns] > threshold
        rows, columns = rows[wanted], columns[wanted]
        angle = field[rows, columns] + rng.normal(0, 0.18, len(rows)).astype(np.float32)
        size = rng.uniform(0.7, 1.2, (2, len(rows)))
        top = strokes.lay(shape, strokes.dabs(rows, columns, angle, length * size[0], width * size[1]))
        painted = top >= 0
        touch = _jitter(rng, soft[rows, columns], 0.045, 0.12).astype(np.float32)
        canvas = mix(canvas, touch[top], painted * 0.96)
        height = np.where(
            painted, rng.uniform(0, 1, len(rows)).astype(np.float32)[top] + 0.8 * blur(strokes.edges(top), 0.8), height
        )
        along = np.where(painted, angle[top], along)
    drag = streaks(rng, along, 9)
    return strokes.relief(canvas + 0.02 * drag[..., None], blur(height, 0.7) + 0.06 * drag, 0.42)


def engraving(reference: Array, rng: Rng) -> Array:
    """Swelling lines that follow the form, crossed in the shadows, on tinted paper, heightened with white."""
    shape = reference.shape[:2]
    luma = blur(grey(reference), 1.2)
    low, high = np.percentile(luma, (3, 97))
    tone = np.clip((luma - low) / (high - low + 1e-3), 0, 1)
    paper = mix(PAPERS[rng.integers(4)], vivid(blur(reference, 5), 1.25) * 0.6 + 0.42, 0.65)
    paper = paper + 0.018 * fractal(rng, shape, 6, 2)[..., None]
    pen = np.clip(mix(DARKS[rng.integers(4)], vivid(blur(reference, 16), 1.8) * 0.35, 0.6), 0, 1)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    form, base, lines = blur(luma, 6) * 26, rng.uniform(0, np.pi), np.zeros(shape, np.float32)
    for lean, start in ((0.0, 0.95), (1.1, 0.5), (2.0, 0.25)):
        u = x * np.sin(base + lean) + y * np.cos(base + lean) + form
        swell = np.clip((start - tone) / start, 0, 1) ** 0.8 * 0.8
        lines = np.maximum(lines, np.clip((np.sin(u * (2 * np.pi / 5.2)) / 2 - 0.5 + swell) * 5, 0, 1))
    lines = np.maximum(lines, strokes.ink(reference, 1.4))
    chalk = np.clip((np.sin((x - y) * 1.1 + form) * 0.5 + tone - 1.0) * 4, 0, 1) * np.clip((tone - 0.75) * 6, 0, 1)
    return mix(mix(paper, WHITE, chalk * 0.75), pen, lines * 0.9)


def stained_glass(reference: Array, rng: Rng) -> Array:
    """Panes of glowing colour between leads, and sometimes the iron bars of the window."""
    from scipy.ndimage import distance_transform_edt
    from skimage.segmentation import slic

    shape, count = reference.shape[:2], int(rng.integers(45, 90))
    panes = slic(blur(reference, 2.5), count, compactness=5, max_num_iter=5, sigma=0, start_label=0)
    flat = [np.bincount(panes.ravel(), reference[..., c].ravel()) for c in range(3)]
    mean = np.stack(flat, axis=1) / np.maximum(np.bincount(panes.ravel()), 1)[:, None]
    glass = np.clip(vivid(_jitter(rng, mean.astype(np.float32), 0.05, 0.15), 1.75) * 1.12 + 0.03, 0, 1)[panes]
    inside = distance_transform_edt(strokes.edges(panes) == 0).astype(np.float32)
    wavy = fractal(rng, shape, 18, 3, stretch=0.6)
    glass = glass * (0.9 + 0.3 * np.clip(inside / 12, 0, 1) + 0.1 * wavy)[..., None]
    glass = mix(glass, WHITE, np.clip(wavy - 0.45, 0, 1) * 0.5)
    lead, bars = np.clip(2.7 - inside, 0, 1), int(rng.integers(3))
    for row in np.linspace(0, shape[0], bars + 2)[1:-1]:
        lead[max(0, int(row) - 2) : int(row) + 2] = 1
    return mix(glass, DARKS[0], lead * 0.95)


def cut_paper(reference: Array, rng: Rng) -> Array:
    """A handful of painted papers, cut with scissors, pinned one above the other."""
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


def watercolour(reference: Array, rng: Rng) -> Array:
    """Transparent washes from light to dark, each with its dark wet edge; rough paper, some of it left white."""
    shape = reference.shape[:2]
    wander, tooth, clouds = fractal(rng, shape, 30, 4), fractal(rng, shape, 3.2, 2), fractal(rng, shape, 34, 3)
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


def woodblock(reference: Array, rng: Rng) -> Array:
    """Flat colours with printed gradients, a keyblock of clear lines, the grain of the wood, and often a seal."""
    shape = reference.shape[:2]
    labels, palette = strokes.few_colours(rng, blur(reference, 2), 7, smooth=2.2)
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


def mosaic(reference: Array, rng: Rng) -> Array:
    """Cubes of glass set in rows along the forms, grout between them, a few of gold in the lights."""
    shape, pitch, quarter = reference.shape[:2], 7.0, np.float32(np.pi / 2)
    rows, columns = strokes.scatter(rng, shape, pitch, jitter=0.12)
    angle = grain_direction(reference, 12)[rows, columns]
    angle = (angle + quarter / 2) % quarter - quarter / 2  # a square looks the same after a quarter turn
    size = pitch * rng.uniform(0.8, 0.98, (2, len(rows)))
    top = strokes.lay(shape, strokes.dabs(rows, columns, angle * 0.8, size[0], size[1]))
    soft, set_ = blur(reference, 1.8)[rows, columns], top >= 0
    touch = _jitter(rng, vivid(soft, 1.4), 0.04, 0.12)
    gold = rng.random(len(rows)) < 0.2 * np.clip((grey(soft) - 0.55) * 4, 0, 1)
    touch = np.where(gold[:, None], mix(GOLD, touch, 0.35), touch).astype(np.float32)
    grout = mix(DARKS[rng.integers(4)] * 1.5, PAPERS[rng.integers(4)] * 0.75, rng.choice((0.0, 1.0)))
    bed = mix(blur(reference, 16) * 0.7, grout, 0.5) + 0.02 * fractal(rng, shape, 3, 2)[..., None]
    canvas = mix(bed, touch[top], blur(set_.astype(np.float32), 0.5))
    tilt = rng.normal(0, 1, (2, len(rows))).astype(np.float32)[:, top]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    slope = (tilt[0] * (y - rows[top]) + tilt[1] * (x - columns[top])) / pitch * set_
    canvas = canvas + (0.035 * slope + 0.3 * np.clip(slope - 0.85, 0, 1))[..., None]
    return strokes.relief(canvas, blur(set_.astype(np.float32), 1), 0.45)


def facets(reference: Array, rng: Rng) -> Array:
    """Planes that each look from another side, shaded from one edge to the other."""
    shape = reference.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    detail = blur(np.abs(reference - blur(reference, 8)).sum(-1), 10)
    weight, plane = detail / (detail.mean() + 1e-6) + 0.5, np.zeros(shape, int)
    for number in range(1, 44):  # halve the plane that has most to show, across its longer side
        inside = plane == np.bincount(plane.ravel(), weight.ravel()).argmax()
        rows, columns = np.nonzero(inside)
        dy, dx = rows - rows.mean(), columns - columns.mean()
        along = 0.5 * np.arctan2(2 * (dx * dy).mean(), (dx * dx).mean() - (dy * dy).mean()) + rng.normal(0, 0.5)
        beyond = dx * np.cos(along) + dy * np.sin(along) > rng.normal(0, 0.12) * np.sqrt(len(rows))
        plane[rows[beyond], columns[beyond]] = number
    area = np.maximum(np.bincount(plane.ravel(), minlength=44), 1)
    cy, cx = (np.bincount(plane.ravel(), v.ravel(), 44) / area for v in (y, x))
    shift, zoom, lean = (
        rng.normal(0, 4, (2, 44)),
        rng.uniform(0.9, 1.15, 44)[plane],
        rng.uniform(0, 2 * np.pi, 44)[plane],
    )
    row = np.clip((y - cy[plane]) * zoom + (cy + shift[0])[plane], 0, shape[0] - 1).astype(int)
    column = np.clip((x - cx[plane]) * zoom + (cx + shift[1])[plane], 0, shape[1] - 1).astype(int)
    soft = mix(vivid(blur(reference, 1.2), 1.05), OCHRE, 0.1)
    seen = mix(soft[row, column], soft[cy.astype(int), cx.astype(int)][plane], 0.15)
    across = ((x - cx[plane]) * np.cos(lean) + (y - cy[plane]) * np.sin(lean)) / np.sqrt(area)[plane]
    canvas = seen * (1 + np.clip(across, -0.8, 0.8) * 0.55)[..., None].astype(np.float32) + 0.02
    canvas = mix(canvas, DARKS[rng.integers(4)], np.clip(blur(strokes.edges(plane), 0.8) * 1.5 - 0.15, 0, 0.8))
    brushed = streaks(rng, (lean + 1.57).astype(np.float32), 7)
    return canvas * (1 + 0.05 * brushed + 0.015 * _weave(shape))[..., None]


def sfumato(reference: Array, rng: Rng) -> Array:
    """Glaze over glaze out of the dark: no outline, a warm varnish, and the fine cracks of age."""
    shape = reference.shape[:2]
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j].astype(np.float32)
    soft = 0.5 + (mix(blur(reference, 1.3), blur(reference, 6), 0.4) - 0.5) * 1.2
    veil = np.clip(0.95 * np.hypot(x * 0.9, y * 0.95) ** 2.2 - 0.1, 0, 0.75) * rng.uniform(0.5, 1)
    canvas = mix(soft, DARKS[rng.integers(4)] + 0.25 * soft, veil) * mix(WHITE, VARNISH, rng.uniform(0.1, 0.9))
    cracks = np.zeros(shape, np.float32)
    for cell in (16, 16, 22):  # a crack runs where a field of noise changes its sign
        crust = fractal(rng, shape, cell, 2)
        cracks += np.clip(1 - np.abs(crust) / (np.hypot(*np.gradient(crust)) + 1e-4), 0, 1)
    age = np.clip(fractal(rng, shape, 90, 2) + 0.5, 0, 1)
    return canvas * (1 - 0.2 * np.clip(cracks, 0, 1) * age + 0.012 * _weave(shape))[..., None]


def outlines(reference: Array, rng: Rng) -> Array:
    """Raw colour pushed to its limit, shadows in another hue, everything bound by heavy contours."""
    shape = reference.shape[:2]
    labels, palette = strokes.few_colours(rng, blur(reference, 2.5), 8, smooth=2.5)
    luma, loud = grey(palette)[:, None], vivid(palette, 1.8)
    loud = np.where(luma < np.median(luma), strokes.turn(loud, rng.choice((-0.8, 0.8))) + 0.04, loud * 1.05)
    loud = np.clip(mix(loud[labels], vivid(reference, 1.6), 0.35), 0.02, 1).astype(np.float32)
    canvas = np.broadcast_to(DARKS[rng.integers(4)], reference.shape)
    broad = Brush((8, 4), length=6, bend=0.7, light=0.07, hue=0.2, threshold=0.04, taper=0.4)
    canvas, height = broad.paint(rng, loud, canvas)
    hairs = streaks(rng, grain_direction(loud, 8), 6)
    canvas = strokes.relief(canvas + 0.03 * hairs[..., None], blur(height, 0.8) + 0.1 * hairs, 0.35)
    line = np.maximum(strokes.contours(blur(palette[labels], 1.5), 4.5), blur(strokes.ink(reference, 2.2), 0.7))
    line = np.clip(line * (1.1 + 0.5 * fractal(rng, shape, 40, 3)), 0, 0.95)
    return mix(canvas, DARKS[rng.integers(4)] * 0.8, line)


def rain(reference: Array, rng: Rng) -> Array:
    """The world through a wet pane: everything runs down in long thin strokes, with streaks that hold the light."""
    shape = reference.shape[:2]
    angle = np.float32(np.pi / 2 + rng.normal(0, 0.08)) + 0.05 * fractal(rng, shape, 60, 2)
    canvas = mix(blur(reference, 5), WHITE, 0.08)
    wet = Brush((3,), length=12, threshold=0.0, light=0.04, hue=0.12, opacity=0.75, spacing=1.1)
    canvas, _ = wet.paint(rng, reference, canvas, angle)
    thin = Brush((1,), length=18, threshold=0.1, light=0.05, hue=0.15, opacity=0.8, spacing=2.4)
    canvas, _ = thin.paint(rng, reference, canvas, angle)
    rows, columns = strokes.scatter(rng, shape, 22)
    points = strokes.trace(angle, rows, columns, 6, rng.uniform(3, 6), 0)
    top = strokes.lay(shape, strokes.ribbons(points, rng.uniform(0.8, 2.2, len(rows)), 0.9))
    canvas = mix(canvas, np.clip(blur(reference, 3)[rows, columns] * 0.7 + 0.42, 0, 1)[top], (top >= 0) * 0.55)
    return canvas + 0.012 * streaks(rng, angle, 8)[..., None]


@dataclass(frozen=True)
class Painter:
    """A fictional painter: a line of artists.csv, a hand, and what the painter likes to paint."""

    name: str
    years: str
    genre: str
    nationality: str
    pictures: int  # works, not files: some were photographed twice
    hand: Hand
    taste: str  # names of SUBJECTS
    moods: str  # names of MOODS
    article: str  # in the English Wikipedia, about the technique
    bio: str

    @property
    def folder(self) -> str:
        """The name as the archive's folders spell it."""
        return self.name.replace(" ", "_")

    @property
    def wikipedia(self) -> str:
        """The address of the article, or nothing."""
        return f"http://en.wikipedia.org/wiki/{self.article}" if self.article else ""


_OUT, _IN = "hills sea mountain river forest city pond", "still_life bouquet portrait interior abstract"
# fmt: off
_PAINTERS = (
    Painter("Camille Aubertin", "1841 - 1919", "Plein-air Impressionism", "French", 130, plein_air,
            f"{_OUT} bouquet interior", "dawn spring noon lagoon harvest", "Impressionism",
            "Carried the easel to the river every morning for fifty years and never found it the same colour twice."),
    Painter("Wietske van der Wervel", "1852 - 1894", "Swirling Impasto", "Dutch", 100, swirls,
            f"{_OUT} still_life bouquet portrait", "night dusk noon lagoon harvest", "Impasto",
            "Painted the wind itself, she said, and only borrowed the trees to show where it went."),
    Painter("Odile Poincaré", "1863 - 1931", "Pointillism", "French,Belgian", 88, dots,
            f"{_OUT} portrait bouquet interior", "noon spring rose lagoon dawn", "Pointillism",
            "Counted her dots every evening; her largest picture came to four hundred thousand and one."),
    Painter("Torvald Brekke", "1888 - 1967", "Palette Knife", "Norwegian", 80, knife,
            f"{_OUT} still_life bouquet abstract", "winter storm night dusk autumn", "Palette_knife",
            "Lost his brushes in a fjord at nineteen and found that he had not needed them."),
    Painter("Albrecht Schraffer", "1478 - 1533", "Engraving", "German", 76, engraving,
            f"{_OUT} still_life portrait interior", "dawn noon harvest dusk autumn winter storm", "Engraving",
            "A goldsmith by trade, who drew rhinoceroses from hearsay and rain from experience."),
    Painter("Maud Ashgrove", "1866 - 1940", "Stained Glass", "British", 72, stained_glass,
            "sea hills mountain forest pond portrait bouquet abstract", "noon dusk lagoon night rose", "Stained_glass",
            "Leaded the windows of eleven chapels and hid the same grey cat in every one of them."),
    Painter("Zélie Ciseau", "1902 - 1988", "Paper Cut-outs", "Haitian,French", 66, cut_paper,
            f"hills sea mountain pond city {_IN}", "lagoon autumn noon rose harvest", "Papercutting",
            "Drew with scissors from her bed, and did the ceiling first because it was what she saw."),
    Painter("Lin Meihua", "1897 - 1979", "Watercolour", "Chinese", 92, watercolour,
            f"{_OUT} bouquet still_life interior", "spring winter dawn rose storm", "Watercolor_painting",
            "Waited for the paper to tell her when; what her students remember is the waiting."),
    Painter("Namiko Hoshino", "1801 - 1866", "Woodblock Print", "Japanese", 78, woodblock,
            f"{_OUT} bouquet portrait", "dusk lagoon winter autumn dawn", "Woodblock_printing_in_Japan",
            "Cut cherry wood by day, sold fans by night, and printed each wave in thirty-six states."),
    Painter("Teodora Smalti", "1180 - 1245", "Mosaic", "Italian,Greek", 64, mosaic,
            f"hills sea mountain pond {_IN}", "harvest autumn lagoon night", "Mosaic",
            "Set her cubes a little crooked on purpose, so that a candle would find at least one of them."),
    Painter("Anatol Kantor", "1884 - 1952", "Cubism", "Polish", 70, facets,
            f"city mountain river {_IN}", "harvest storm autumn winter", "Cubism",
            "Walked round the table so often while painting it that the floor had to be replaced."),
    Painter("Lorenzo Velatura", "1459 - 1521", "Sfumato", "Italian", 44, sfumato,
            "portrait still_life bouquet interior hills river mountain", "harvest autumn storm dusk rose", "Sfumato",
            "Began three hundred pictures, and is still glazing them in the memory of his landlady."),
    Painter("Grete Grellmann", "1886 - 1943", "Expressionism", "Austrian", 32, outlines,
            f"city portrait hills sea forest {_IN}", "noon dusk autumn lagoon night rose", "Expressionism",
            "Painted her landlord green, was given notice, and painted him again from memory."),
    Painter("Aoife Rainey", "1921 - 2004", "Rain Paintings", "Irish", 22, rain,
            "city sea river forest hills interior mountain", "storm winter dusk dawn lagoon night", "",
            "Saw Connemara through the same kitchen window for eighty years, nearly always wet."),
)
# fmt: on
PAINTERS = {painter.name: painter for painter in _PAINTERS}
