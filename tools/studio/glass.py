"""The hands that work in glass: panes in lead, and cubes in mortar."""

import numpy as np

from tools.studio import strokes
from tools.studio.materials import DARKS, GOLD, PAPERS, WHITE, Rng, jittered
from tools.studio.strokes import Array, blur, fractal, grain_direction, grey, mix, vivid


def stained_glass(reference: Array, rng: Rng) -> Array:
    """Panes of glowing colour between leads, and sometimes the iron bars of the window."""
    from scipy.ndimage import distance_transform_edt
    from skimage.segmentation import slic

    shape, count = reference.shape[:2], int(rng.integers(45, 90))
    panes = slic(blur(reference, 2.5), count, compactness=5, max_num_iter=5, sigma=0, start_label=0)
    flat = [np.bincount(panes.ravel(), reference[..., c].ravel()) for c in range(3)]
    mean = np.stack(flat, axis=1) / np.maximum(np.bincount(panes.ravel()), 1)[:, None]
    glass = np.clip(vivid(jittered(rng, mean.astype(np.float32), 0.05, 0.15), 1.75) * 1.12 + 0.03, 0, 1)[panes]
    inside = distance_transform_edt(strokes.edges(panes) == 0).astype(np.float32)
    wavy = fractal(rng, shape, 18, 3, stretch=0.6)
    glass = glass * (0.9 + 0.3 * np.clip(inside / 12, 0, 1) + 0.1 * wavy)[..., None]
    glass = mix(glass, WHITE, np.clip(wavy - 0.45, 0, 1) * 0.5)
    lead, bars = np.clip(2.7 - inside, 0, 1), int(rng.integers(3))
    for row in np.linspace(0, shape[0], bars + 2)[1:-1]:
        lead[max(0, int(row) - 2) : int(row) + 2] = 1
    return mix(glass, DARKS[0], lead * 0.95)


def mosaic(reference: Array, rng: Rng) -> Array:
    """Cubes of glass set in rows along the forms, grout between them, and a few gold ones where it is light."""
    shape, pitch, quarter = reference.shape[:2], 7.0, np.float32(np.pi / 2)
    rows, columns = strokes.scatter(rng, shape, pitch, jitter=0.12)
    angle = grain_direction(reference, 12)[rows, columns]
    angle = (angle + quarter / 2) % quarter - quarter / 2  # a square looks the same after a quarter turn
    size = pitch * rng.uniform(0.8, 0.98, (2, len(rows)))
    top = strokes.lay(shape, strokes.dabs(rows, columns, angle * 0.8, size[0], size[1]))
    soft, set_ = blur(reference, 1.8)[rows, columns], top >= 0
    touch = jittered(rng, vivid(soft, 1.4), 0.04, 0.12)
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
