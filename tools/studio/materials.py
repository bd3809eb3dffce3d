"""What the hands share: papers, pigments and the brush."""

from dataclasses import dataclass

import numpy as np

from tools.studio import strokes
from tools.studio.strokes import Array, blur, colours, grain_direction, mix

Rng = np.random.Generator

PAPERS = colours("f5f0e0 eddebd c7cccc d9bd9e")
DARKS = colours("1a1724 291a12 121f29 21211a")
WHITE, VARNISH, GOLD, OCHRE, INDIGO, VERMILION = colours("ffffff ffe6ad edbd4d b8935a 1a2852 bf291f")


def jittered(rng: Rng, colours: Array, light: float, hue: float) -> Array:
    """Colours (n, 3), each made a little lighter or darker and turned to a nearby hue (`hue` in radians)."""
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
        """Paint in layers, one per radius, in the order given. Returns the painting and how thick its paint is."""
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
            touch = jittered(rng, soft[rows, columns], self.light, self.hue).astype(np.float32)
            painted = top >= 0
            canvas = mix(canvas, touch[top], painted * self.opacity)
            height = np.where(
                painted, rng.uniform(0, 1, len(rows)).astype(np.float32)[top] * min(1, radius / 4), height
            )
        return canvas, height
