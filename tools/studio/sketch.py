"""The sketchbook: a scene while it is being composed, and the things that turn up in several scenes."""

from functools import cache
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from tools.studio.moods import Mood
from tools.studio.strokes import Array, blur, fractal, mix, shifted


@cache
def _shape(corners: str) -> Array:
    return np.array([pair.split(",") for pair in corners.split()], float)


class Sketch:
    """A scene being composed, in coordinates from 0 to 1 with the origin in the top left corner."""

    def __init__(self, mood: Mood, rng: np.random.Generator, size: int) -> None:
        self.mood, self.rng, self.size = mood, rng, size
        self.y, self.x = np.mgrid[:size, :size].astype(np.float32) / size
        self.pixels = np.zeros((size, size, 3), np.float32)
        self.side = float(rng.choice((-1.0, 1.0)))  # the light comes from the left or from the right

    def noise(self, cell: float, stretch: float = 1) -> Array:
        """Fractal noise, about -1 to 1; `cell` is the height of its largest lumps, `stretch` makes them wide."""
        return fractal(self.rng, (self.size, self.size), cell * self.size, stretch=stretch)

    def ridge(self, base: float, height: float, cell: float = 0.4) -> Array:
        """The outline of a range of hills: one y for each column."""
        return base + height * fractal(self.rng, (1, self.size), cell * self.size, octaves=6)[0]

    def accent(self) -> Array:
        """One of the mood's strong colours, at random."""
        return self.mood.accents[int(self.rng.integers(3))]

    def one_of(self, *choices: Any) -> Any:
        """One of the choices, at random."""
        return choices[int(self.rng.integers(len(choices)))]

    def shade(self, colour: Array, light: Array | float) -> Array:
        """`colour` in light from 0 (shadow) to 1: shadows tend to the mood's dark, lights to its sun."""
        light = np.asarray(light, np.float32)
        body = mix(mix(colour * 0.55, self.mood.deep, 0.45), colour, np.clip(light * 1.4, 0, 1))
        return mix(body, self.mood.sun, np.clip(light - 0.72, 0, 1) * 1.3)

    def fill(self, mask: Array, colour: Array, opacity: float = 1) -> None:
        """Paint where `mask` is 1."""
        self.pixels = mix(self.pixels, colour, mask.astype(np.float32) * opacity)

    def cut(self, corners: str, x: float, y: float, scale: Any, colour: Array, opacity: float = 1) -> None:
        """Paint a polygon: its corners 'x,y x,y …', times `scale` (a number or a pair), are offsets from (x, y)."""
        points = (_shape(corners) * scale + (x, y)) * self.size
        left, top = np.clip(points.min(0).astype(int), 0, self.size - 1)
        right, bottom = np.clip(points.max(0).astype(int) + 2, 1, self.size)
        sheet = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(sheet).polygon([(u - left, v - top) for u, v in points], fill=255)
        part = self.pixels[top:bottom, left:right]
        part[:] = mix(part, colour, np.asarray(sheet, np.float32) / 255 * opacity)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Array, opacity: float = 1) -> None:
        """Paint a rectangle."""
        self.cut("0,0 1,0 1,1 0,1", left, top, (right - left, bottom - top), colour, opacity)

    def blob(self, x: float, y: float, rx: float, ry: float, colour: Array, lit: float = 0, **how: float) -> None:
        """Paint an ellipse, `lit` (0 to 1) of the way to a shaded ball; `how`: soft (edge), opacity, tilt (radians)."""
        soft, tilt, reach = how.get("soft", 0.12), how.get("tilt", 0), max(rx, ry) * 1.1
        top, left = (max(0, int((v - reach) * self.size)) for v in (y, x))
        bottom, right = (max(0, int((v + reach) * self.size) + 2) for v in (y, x))
        window = np.s_[top:bottom, left:right]
        u, v = self.x[window] - x, self.y[window] - y
        u, v = (u * np.cos(tilt) + v * np.sin(tilt)) / rx, (v * np.cos(tilt) - u * np.sin(tilt)) / ry
        distance = np.hypot(u, v)
        if lit:
            height = np.sqrt(np.clip(1 - distance**2, 0, 1))
            light = np.clip(0.18 + 0.42 * self.side * u - 0.45 * v + 0.5 * height, 0, 1.05)
            colour = mix(np.broadcast_to(colour, (*light.shape, 3)), self.shade(colour, light), lit)
        mask = np.clip((1 - distance) / soft, 0, 1) * how.get("opacity", 1)
        self.pixels[window] = mix(self.pixels[window], colour, mask)

    def turned(self, x: float, top: float, bottom: float, widths: list[float], colour: Array) -> None:
        """Paint a vessel from the potter's wheel, given its half widths from top to bottom."""
        half = blur(np.interp(self.y[:, :1], np.linspace(top, bottom, len(widths)), widths), 2)
        u = (self.x - x) / half
        gloss = np.exp(-(((u - 0.45 * self.side) / 0.13) ** 2))
        light = np.clip(0.45 + 0.5 * self.side * u - 0.35 * u**2 + 0.55 * gloss, 0, 1)
        self.fill((np.abs(u) < 1) & (self.y > top) & (self.y < bottom), self.shade(colour, light))

    def shadow(self, x: float, y: float, width: float) -> None:
        """Paint the shadow that a thing on a table casts, away from the light."""
        self.blob(x - self.side * width * 0.6, y, width * 1.35, width * 0.28, self.mood.deep, soft=0.7, opacity=0.6)

    def sky(self, horizon: float) -> float:
        """Paint a sky down to `horizon`: clouds, sun or moon, and stars when it is dark. Returns the sun's x."""
        mood, rng = self.mood, self.rng
        self.pixels[:] = mix(mood.zenith, mood.glow, np.clip(self.y / horizon, 0, 1) ** rng.uniform(0.8, 1.8))
        x, y = 0.5 + self.side * rng.uniform(0.05, 0.38), horizon * rng.uniform(0.25, 0.85)
        self.fill(np.exp(-6 * np.hypot(self.x - x, self.y - y)), mood.sun, 0.75)
        for u, v in rng.random((int(rng.integers(14, 40)), 2)) if mood.zenith.mean() < 0.4 else ():
            r = rng.uniform(0.006, 0.016)
            self.blob(u, v * horizon, 4 * r, 4 * r, mood.sun, soft=1, opacity=0.35)
            self.blob(u, v * horizon, r, r, mood.sun)
        clouds = self.noise(0.3, stretch=2.4) + rng.uniform(-0.5, 0.15)
        cover = np.clip(clouds * 2.2, 0, 1) * np.clip((horizon - self.y) * 7, 0, 1)
        lit = np.clip(0.55 + 6 * (clouds - shifted(clouds, 4, 0)), 0, 1)
        self.fill(cover, mix(mix(mood.zenith, mood.far, 0.6), mix(mood.glow, mood.sun, 0.6), lit), 0.85)
        if rng.random() < 0.75:
            r = rng.uniform(0.035, 0.07)
            self.blob(x, y, r, r, mood.sun)
        return x

    def tree(self, x: float, base: float, height: float, colour: Array, slim: float = 1) -> None:
        """Paint a trunk and a crown of lit leaves; `slim` below 1 makes it a poplar."""
        self.cut("-1,0 1,0 .4,-12 -.4,-12", x, base, height * 0.05, mix(self.mood.deep, colour, 0.25))
        for level in np.linspace(0, 1, 14):
            spread, r = height * 0.3 * slim * (1 - 0.3 * level), height * self.rng.uniform(0.1, 0.18)
            u = x + self.rng.normal(0, 0.55) * spread + self.side * level * spread * 0.5
            v = base - height * self.rng.uniform(0.35, 0.95)
            leaf = self.shade(colour * self.rng.uniform(0.85, 1.1), 0.15 + 0.65 * level)
            self.blob(u, v, r * (0.4 + 0.6 * slim), r, leaf, lit=0.45, soft=0.35)

    def house(self, x: float, base: float, size: float) -> None:
        """Paint two walls, a roof and a door, one side in the light."""
        wall, roof, scale = mix(self.mood.glow, self.mood.sun, 0.5), self.accent(), (size * self.side, size)
        self.cut("-1,0 0,0 0,-1 -1,-1", x, base, scale, self.shade(wall, 0.3))
        self.cut("0,0 .7,0 .7,-1 .35,-1.7 0,-1", x, base, scale, self.shade(wall, 0.75))
        self.cut("-1.1,-.9 0,-.95 .35,-1.75 -.7,-1.7", x, base, scale, self.shade(roof, 0.6))
        self.cut(".25,0 .5,0 .5,-.5 .25,-.5", x, base, scale, self.shade(roof, 0.1))

    def mirror(self, level: float, strength: float) -> None:
        """Paint water from `level` down: it reflects what stands above, rippled and a little darker."""
        mood, near, top = self.mood, np.clip((self.y - level) / (1 - level), 0, 1), self.size - 1
        ripple = self.noise(0.1, stretch=5) * (0.008 + 0.03 * near)
        row = np.clip((2 * level - self.y + ripple) * self.size, 0, top).astype(int)
        column = np.clip((self.x + ripple * 0.6) * self.size, 0, top).astype(int)
        body = mix(mix(mood.glow, mood.zenith, 0.3 + 0.5 * near), mood.deep, 0.35 * near)
        water = mix(body, self.pixels[row, column], strength * (1 - 0.45 * near))
        glint = np.clip(self.noise(0.07, stretch=6) * 1.6 - 0.7, 0, 0.8) * near
        self.fill(self.y > level, mix(water, mix(mood.sun, mood.glow, 0.4), glint))

    def table(self) -> float:
        """Paint a lit wall and a table with a cloth. Returns the y of the table's far edge."""
        rng, mood, edge = self.rng, self.mood, self.rng.uniform(0.56, 0.7)
        wall = mix(
            self.one_of(mood.zenith, mood.far, mood.glow, mood.deep, mood.land), self.accent(), rng.uniform(0, 0.3)
        )
        light = 0.45 + self.side * (self.x - 0.5) * 0.9 - 0.35 * (self.y - 0.3) + 0.12 * self.noise(0.4)
        self.pixels[:] = self.shade(wall, np.clip(light, 0, 0.9))
        folds = np.sin(9 * self.x + 5 * self.noise(0.5)) * np.clip((self.y - edge) * 3, 0, 1)
        light = np.clip(0.62 + 0.25 * self.side * (self.x - 0.5) + 0.22 * folds, 0, 1)
        self.fill(self.y > edge, self.shade(self.one_of(mood.glow, mood.land, mood.sun, self.accent()), light))
        return edge
