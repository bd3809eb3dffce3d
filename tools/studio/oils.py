"""The hands that paint in oil, on canvas or panel."""

import numpy as np

from tools.studio import strokes
from tools.studio.materials import DARKS, OCHRE, PAPERS, VARNISH, WHITE, Brush, Rng, jittered
from tools.studio.strokes import Array, blur, fractal, grain_direction, grey, mix, streaks, vivid


def _weave(shape: tuple[int, int]) -> Array:
    """The weave of linen, threads over and under each other, about -1 to 1."""
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    return np.sin(x * 1.6) * np.sin(y * 1.6)


def _radii(scale: float, *radii: int) -> tuple[int, ...]:
    return tuple(max(1, round(radius * scale)) for radius in radii)


def plein_air(reference: Array, rng: Rng, scale: float = 1, length: int = 4, hue: float = 0.32) -> Array:
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
    broad = Brush(_radii(scale, 10), length=length, threshold=0.02, hue=0.2)
    canvas, height = broad.paint(rng, lit, canvas)
    fine = Brush(_radii(scale, 5, 3), length=length, light=0.05, hue=hue, threshold=0.07, spacing=0.9)
    canvas, thick = fine.paint(rng, lit, canvas)
    bristles = streaks(rng, grain_direction(lit, 5), 5)
    return strokes.relief(canvas + 0.015 * bristles[..., None], blur(height + thick, 0.7) + 0.05 * bristles, 0.5)


def swirls(reference: Array, rng: Rng, scale: float = 1, eddies: float = 2.5, length: int = 10) -> Array:
    """Long strokes in the current of a flow, thick enough to cast shadows."""
    shape = reference.shape[:2]
    dy, dx = np.gradient(blur(fractal(rng, shape, shape[0] / eddies, octaves=2), 6))
    strong = np.clip(np.hypot(*np.gradient(blur(grey(reference), 3))) * 70, 0, 1)
    # Directions add up as doubled angles: a flow of eddies, except where the picture has edges to follow.
    double = (1 - strong) * np.exp(2j * np.arctan2(-dx, dy)) + strong * np.exp(2j * grain_direction(reference, 5))
    angle = (np.angle(double) / 2).astype(np.float32)
    rich, canvas = np.clip(vivid(reference, 1.35), 0, 1), np.broadcast_to(DARKS[rng.integers(4)], reference.shape)
    canvas, _ = Brush(_radii(scale, 8), length=length - 2, threshold=0, light=0.05).paint(rng, rich, canvas, angle)
    fine = Brush(_radii(scale, 4, 2), length=length, threshold=0.06, light=0.07, hue=0.2, spacing=1.0)
    canvas, height = fine.paint(rng, rich, canvas, angle)
    hairs = streaks(rng, angle, 8)
    return strokes.relief(canvas + 0.02 * hairs[..., None], blur(height, 0.8) * 1.2 + 0.16 * hairs, 0.7)


def dots(reference: Array, rng: Rng, scale: float = 1, contrast: float = 1) -> Array:
    """Round touches of pure colour side by side, some of them the complement of their neighbours."""
    shape, bright = reference.shape[:2], vivid(reference, 1.5)
    canvas = mix(blur(reference, 9), PAPERS[rng.integers(2)], 0.45)
    circle = np.stack([np.cos(np.arange(8) * np.pi / 4), np.sin(np.arange(8) * np.pi / 4)], axis=1)
    for pitch, radius, accents in ((6.5, 4.2, 0.08), (4.5, 2.4, 0.13)):
        rows, columns = strokes.scatter(rng, shape, pitch * scale)
        centre = np.stack([columns, rows], axis=1)[:, None] + 0.5
        radii = radius * scale * rng.uniform(0.8, 1.15, (len(rows), 1, 1))
        touch = jittered(rng, bright[rows, columns], 0.05, 0.3)
        opposite = (rng.random(len(rows)) < accents * contrast)[:, None]
        touch = np.where(opposite, strokes.turn(touch, 2.4) * 0.9 + 0.08, touch).astype(np.float32)
        top = strokes.lay(shape, centre + radii * circle)
        canvas = mix(canvas, touch[top], (top >= 0) * 0.93)
    return canvas


def knife(reference: Array, rng: Rng, scale: float = 1) -> Array:
    """Broad flat dabs, spread with the edge of a steel blade: ridges where it lifted, drag marks along it."""
    shape = reference.shape[:2]
    field = grain_direction(reference, 10)
    field = np.round(field / (np.pi / 8)) * np.float32(np.pi / 8)  # a blade turns in few directions
    canvas, height, along = mix(blur(reference, 12), PAPERS[rng.integers(4)], 0.2), np.zeros(shape, np.float32), field
    for pitch, length, width, threshold in ((13, 34, 22, -1.0), (10, 24, 14, 0.10), (7, 14, 8, 0.22)):
        length, width, soft = length * scale, width * scale, blur(reference, width * scale / 5)
        rows, columns = strokes.scatter(rng, shape, pitch * scale)
        wanted = np.abs(soft - canvas).sum(-1)[rows, columns] > threshold
        rows, columns = rows[wanted], columns[wanted]
        angle = field[rows, columns] + rng.normal(0, 0.18, len(rows)).astype(np.float32)
        size = rng.uniform(0.7, 1.2, (2, len(rows)))
        top = strokes.lay(shape, strokes.dabs(rows, columns, angle, length * size[0], width * size[1]))
        painted = top >= 0
        touch = jittered(rng, soft[rows, columns], 0.045, 0.12).astype(np.float32)
        canvas = mix(canvas, touch[top], painted * 0.96)
        height = np.where(
            painted, rng.uniform(0, 1, len(rows)).astype(np.float32)[top] + 0.8 * blur(strokes.edges(top), 0.8), height
        )
        along = np.where(painted, angle[top], along)
    drag = streaks(rng, along, 9)
    return strokes.relief(canvas + 0.02 * drag[..., None], blur(height, 0.7) + 0.06 * drag, 0.42)


def facets(reference: Array, rng: Rng) -> Array:
    """Planes that each show the subject from another side, shaded from one edge to the other."""
    shape = reference.shape[:2]
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    detail = blur(np.abs(reference - blur(reference, 8)).sum(-1), 10)
    weight, plane = detail / (detail.mean() + 1e-6) + 0.5, np.zeros(shape, int)
    for number in range(1, 44):  # halve the plane with the most to show, across its longer side
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
