"""What the studio's painters look at: scenes composed from nothing, and the photographs that packages ship.

Every picture here is a *reference* in the sense of Hertzmann (1998): a smooth image, float32, shape
(height, width, 3), values in [0, 1], that a hand of `artnb.paintings.studio.painters` then paints.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from artnb.paintings.studio.strokes import Array, blur, colours, fractal, mix, resize, shifted, vivid


@dataclass(frozen=True)
class Mood:
    """The colours of a time of day or a season, float32 (3,) each. Painters share them, so colour names nobody."""

    zenith: Array
    glow: Array
    sun: Array
    far: Array
    land: Array
    deep: Array
    accents: Array  # (3, 3), the strong colours

    def tuned(self, rng: np.random.Generator) -> "Mood":
        """The same mood on another day: each colour a little off, the whole a little lighter or darker."""
        plain = np.stack([self.zenith, self.glow, self.sun, self.far, self.land, self.deep])
        cast, gain = rng.normal(0, 0.035, 3), rng.uniform(0.86, 1.1)
        mine = np.concatenate([plain, rng.permutation(self.accents)]) * gain + cast + rng.normal(0, 0.025, (9, 3))
        return Mood.of(np.clip(mine, 0, 1).astype(np.float32))

    @classmethod
    def of(cls, nine: Array) -> "Mood":
        """A mood from its nine colours, (9, 3), the accents last."""
        return cls(*nine[:6], nine[6:])  # type: ignore[call-arg]


_MOODS = """
          zenith glow   sun    far    land   deep   accents
dawn      7f9cc7 f9d3b0 fff1d0 a89bc0 7d8a5e 3f4468 e8836b f4d58d c05a7a
noon      3f8fd0 d4ebf2 fffbe8 7fa8b8 7fae4a 24504a e2483d f2c230 f4f1e6
harvest   6ba3b8 f6dc9a fff0b8 b9a578 c2963f 4f3d2c d9572c f0b63c 6f9258
dusk      3b3a78 f08a5a ffd79a 7a4f80 5f4c5f 231f42 f25c54 f7b267 8d5ecb
night     10214a 3c6d9a f7ecb8 28487a 24485a 0b142c f2c14e 7fb7d6 d1495b
autumn    9db4c0 f3dfb8 fff2d0 a48a6c c46a2b 4a2c22 d62828 f4a32c 8a9a3a
winter    93aecb eef1f2 ffffff aebfd2 e0e7ee 4c617f b5534a d9a441 3f6f7a
spring    8fcbe0 f6efda fffdf0 a6c8a8 9cc45a 356650 f08fb0 f7d154 a974d6
storm     46586a c9cdbf efe8c8 5f7480 69774f 222a33 b0452f d0a84b 7fa0b0
lagoon    1f8a9c c9efe0 fff6d5 4fa3a8 d9c48a 0f4658 ff7f51 ffd166 12b594
rose      b9809f fbe0d8 fff3e0 b78aa8 c07a6a 4f2a48 d94f70 f2b880 5f9484"""
MOODS = {line.split()[0]: Mood.of(colours(line.split(maxsplit=1)[1])) for line in _MOODS.splitlines()[2:]}
SKINS, HAIRS = (
    colours("f1cdb0 e8b48c d59a72 b57a52 8a5a3c 6a4230"),
    colours("2a1c18 4a2c1c 7a4a28 b8823c 8a2f1c d8d4cc"),
)


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
        """One of the mood's strong colours."""
        return self.mood.accents[int(self.rng.integers(3))]

    def one_of(self, *choices: Any) -> Any:
        """Any of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def shade(self, colour: Array, light: Array | float) -> Array:
        """`colour` in light from 0 (shadow) to 1: shadows go towards the mood's dark, lights to its sun."""
        light = np.asarray(light, np.float32)
        body = mix(mix(colour * 0.55, self.mood.deep, 0.45), colour, np.clip(light * 1.4, 0, 1))
        return mix(body, self.mood.sun, np.clip(light - 0.72, 0, 1) * 1.3)

    def fill(self, mask: Array, colour: Array, opacity: float = 1) -> None:
        """Cover where `mask` is 1."""
        self.pixels = mix(self.pixels, colour, mask.astype(np.float32) * opacity)

    def cut(self, corners: str, x: float, y: float, scale: Any, colour: Array, opacity: float = 1) -> None:
        """Cover a polygon, its corners 'x,y x,y …' as seen from (x, y), times `scale` (one number, or a pair)."""
        points = (_shape(corners) * scale + (x, y)) * self.size
        left, top = np.clip(points.min(0).astype(int), 0, self.size - 1)
        right, bottom = np.clip(points.max(0).astype(int) + 2, 1, self.size)
        sheet = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(sheet).polygon([(u - left, v - top) for u, v in points], fill=255)
        part = self.pixels[top:bottom, left:right]
        part[:] = mix(part, colour, np.asarray(sheet, np.float32) / 255 * opacity)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Array, opacity: float = 1) -> None:
        """Cover a rectangle."""
        self.cut("0,0 1,0 1,1 0,1", left, top, (right - left, bottom - top), colour, opacity)

    def blob(self, x: float, y: float, rx: float, ry: float, colour: Array, lit: float = 0, **how: float) -> None:
        """An ellipse, shaded as a ball as far as `lit` says; `how`: soft (edge), opacity, tilt (radians)."""
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
        """A thing from the potter's wheel: its half widths from top to bottom, shaded as a round body."""
        half = blur(np.interp(self.y[:, :1], np.linspace(top, bottom, len(widths)), widths), 2)
        u = (self.x - x) / half
        gloss = np.exp(-(((u - 0.45 * self.side) / 0.13) ** 2))
        light = np.clip(0.45 + 0.5 * self.side * u - 0.35 * u**2 + 0.55 * gloss, 0, 1)
        self.fill((np.abs(u) < 1) & (self.y > top) & (self.y < bottom), self.shade(colour, light))

    def shadow(self, x: float, y: float, width: float) -> None:
        """What a thing on a table casts, away from the light."""
        self.blob(x - self.side * width * 0.6, y, width * 1.35, width * 0.28, self.mood.deep, soft=0.7, opacity=0.6)

    def sky(self, horizon: float) -> float:
        """A sky down to `horizon`, with clouds, sun or moon, and stars when it is dark; the sun's x."""
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
        """A trunk and a crown of lit leaves; `slim` below 1 makes a poplar of it."""
        self.cut("-1,0 1,0 .4,-12 -.4,-12", x, base, height * 0.05, mix(self.mood.deep, colour, 0.25))
        for level in np.linspace(0, 1, 14):
            spread, r = height * 0.3 * slim * (1 - 0.3 * level), height * self.rng.uniform(0.1, 0.18)
            u = x + self.rng.normal(0, 0.55) * spread + self.side * level * spread * 0.5
            v = base - height * self.rng.uniform(0.35, 0.95)
            leaf = self.shade(colour * self.rng.uniform(0.85, 1.1), 0.15 + 0.65 * level)
            self.blob(u, v, r * (0.4 + 0.6 * slim), r, leaf, lit=0.45, soft=0.35)

    def house(self, x: float, base: float, size: float) -> None:
        """Two walls, a roof and a door, one side in the light."""
        wall, roof, scale = mix(self.mood.glow, self.mood.sun, 0.5), self.accent(), (size * self.side, size)
        self.cut("-1,0 0,0 0,-1 -1,-1", x, base, scale, self.shade(wall, 0.3))
        self.cut("0,0 .7,0 .7,-1 .35,-1.7 0,-1", x, base, scale, self.shade(wall, 0.75))
        self.cut("-1.1,-.9 0,-.95 .35,-1.75 -.7,-1.7", x, base, scale, self.shade(roof, 0.6))
        self.cut(".25,0 .5,0 .5,-.5 .25,-.5", x, base, scale, self.shade(roof, 0.1))

    def mirror(self, level: float, strength: float) -> None:
        """Water from `level` down: what stands above it, upside down, rippled and a little darker."""
        mood, near, top = self.mood, np.clip((self.y - level) / (1 - level), 0, 1), self.size - 1
        ripple = self.noise(0.1, stretch=5) * (0.008 + 0.03 * near)
        row = np.clip((2 * level - self.y + ripple) * self.size, 0, top).astype(int)
        column = np.clip((self.x + ripple * 0.6) * self.size, 0, top).astype(int)
        body = mix(mix(mood.glow, mood.zenith, 0.3 + 0.5 * near), mood.deep, 0.35 * near)
        water = mix(body, self.pixels[row, column], strength * (1 - 0.45 * near))
        glint = np.clip(self.noise(0.07, stretch=6) * 1.6 - 0.7, 0, 0.8) * near
        self.fill(self.y > level, mix(water, mix(mood.sun, mood.glow, 0.4), glint))

    def table(self) -> float:
        """A wall in the light, and a table with a cloth; the y of the table's far edge."""
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


def hills(s: Sketch) -> None:
    """Ranges of hills in the haze, trees, a lane, a farm and poppies."""
    rng, mood, horizon = s.rng, s.mood, s.rng.uniform(0.32, 0.58)
    s.sky(horizon)
    farm = rng.random() < 0.7
    for near in np.linspace(0, 1, int(rng.integers(4, 6))):
        crest = s.ridge(horizon + (0.9 - horizon) * near**1.4, 0.16 - 0.09 * near)
        ground = mix(mix(mood.far, mood.land, near), s.accent(), rng.uniform(0, 0.3) * near)
        folds = s.noise(0.2 + 0.2 * near, stretch=1.6)
        light = np.clip(0.55 + 3.5 * s.side * (folds - shifted(folds, 0, 3)) + 0.15 * folds, 0.1, 0.95)
        haze = np.clip((s.y - crest) / 0.2, 0, 1) * 0.55 * (1 - near)
        s.fill(s.y > crest, mix(s.shade(ground, light), mood.glow, haze))
        slim = rng.choice((0.3, 1))
        for x in rng.random(int(rng.integers(1, 4)) if 0.2 < near < 0.9 else 0):
            s.tree(x, crest[int(x * s.size)] + 0.02, (0.14 + 0.26 * near) * rng.uniform(0.7, 1.2), mood.land, slim)
        if farm and near > 0.45:
            x, farm = rng.uniform(0.2, 0.8), False
            s.house(x, crest[int(x * s.size)] + 0.04, rng.uniform(0.08, 0.13))
    if rng.random() < 0.6:
        t = np.clip((s.y - crest) / (1.02 - crest), 0, 1)
        middle = 0.5 + 0.25 * s.side * np.sin(3 * t + rng.uniform(0, 6)) * (1 - t)
        lane = (np.abs(s.x - middle) < 0.012 + 0.13 * t**1.5) & (s.y > crest)
        s.fill(lane, s.shade(mix(mood.glow, mood.land, 0.25), 0.7))
    for x, y in rng.random((int(rng.integers(0, 60)), 2)):
        s.blob(x, 0.82 + 0.2 * y, 0.008 + 0.02 * y, 0.006 + 0.014 * y, s.accent())


def sea(s: Sketch) -> None:
    """The open sea, boats, the sun's path on the water, sometimes a cliff."""
    rng, mood, horizon = s.rng, s.mood, s.rng.uniform(0.35, 0.62)
    sun = s.sky(horizon)
    if rng.random() < 0.6:
        slope = 0.4 * np.clip(s.side * (0.5 - s.x[0]) + rng.uniform(-0.35, 0), 0, 1)
        rock = s.shade(mix(mood.far, mood.land, 0.4), np.clip(0.5 + 0.4 * s.noise(0.15), 0, 1))
        s.fill((s.y > s.ridge(horizon - 0.02, 0.05, 0.2) - slope) & (s.y < horizon), rock)
    s.mirror(horizon, 0.5)
    near = np.clip((s.y - horizon) / (1 - horizon), 0, 1)
    path = np.exp(-(((s.x - sun) / (0.04 + 0.16 * near)) ** 2)) * np.clip(0.55 + s.noise(0.05, stretch=6), 0, 1)
    s.fill(path * (s.y > horizon), mood.sun, 0.8)
    for depth in np.sort(rng.uniform(0.1, 0.75, int(rng.integers(1, 5)))):
        x, y, size = rng.uniform(0.15, 0.85), horizon + (1 - horizon) * depth, 0.08 + 0.22 * depth
        sail, hull, wide = (
            s.one_of(mood.sun, s.accent(), s.accent()),
            mix(mood.deep, s.accent(), 0.35),
            size * rng.choice((-1, 1)),
        )
        for tall, opacity in ((-size, 0.4), (size, 1.0)):  # the reflection first
            s.cut("0,-.1 .1,-1.7 .75,-.2", x, y, (wide, tall), s.shade(sail, 0.8), opacity)
            s.cut("-.06,-.15 .05,-1.5 -.6,-.2", x, y, (wide, tall), s.shade(sail, 0.45), opacity)
            s.cut("-.8,-.12 .9,-.14 .6,.12 -.55,.12", x, y, (wide, tall), s.shade(hull, 0.45), opacity)


def mountain(s: Sketch) -> None:
    """Peaks with one side in the light, firs along the shore, all of it again in the lake."""
    rng, mood, lake = s.rng, s.mood, s.rng.uniform(0.6, 0.75)
    s.sky(lake)
    for near in (0.0, 0.5, 1.0):
        for peak in np.sort(rng.uniform(0, 1, 2)):
            top = lake - (0.52 - 0.36 * near) * rng.uniform(0.8, 1.15)
            rough, below = s.noise(0.25), np.clip((s.y - top) * 5, 0, 1)
            crest = top + rng.uniform(0.8, 1.3) * (1 - 0.4 * near) * np.abs(s.x - peak) + 0.05 * rough[:1]
            lit = (s.x - peak - 0.1 * (s.y - top) * rng.uniform(-2, 2) - 0.06 * rough * below) * s.side > 0
            rock = s.shade(mix(mood.far, mood.land, 0.55 * near), np.where(lit, 0.75, 0.3) + 0.15 * rough)
            snow = np.clip((top + 0.2 + 0.1 * rough - s.y) * 12, 0, 1) * (near < 0.6)
            rock = mix(rock, mix(mood.glow, mood.zenith, np.where(lit, 0, 0.6)), snow)
            s.fill((s.y > crest) & (s.y < lake), mix(rock, mood.glow, 0.35 * (1 - near) * below))
    for x in np.linspace(0, 1, 16) + rng.normal(0, 0.02, 16):
        s.cut("-.28,.04 0,-1 .28,.04", x, lake, rng.uniform(0.05, 0.14), s.shade(mood.land, rng.uniform(0, 0.3)))
    s.mirror(lake, 0.85)


def river(s: Sketch) -> None:
    """A row of trees and a bridge, twice: on the bank and in the water."""
    rng, mood, bank = s.rng, s.mood, s.rng.uniform(0.48, 0.66)
    s.sky(bank)
    crest = s.ridge(bank - 0.1, 0.08)
    s.fill(s.y > crest, mix(mood.far, mood.glow, np.clip((s.y - crest) * 3, 0, 0.5)))
    s.fill(s.y > bank - 0.03, s.shade(mood.land, np.clip(0.6 + 0.4 * s.noise(0.1, 2), 0, 1)))
    if rng.random() < 0.4:
        s.house(rng.uniform(0.2, 0.8), bank - 0.005, rng.uniform(0.09, 0.14))
    slim, start = rng.choice((0.28, 0.9)), rng.uniform(-0.1, 0.2)
    for i in range(int(rng.integers(4, 8))):
        tone = mix(mood.land, s.accent(), rng.uniform(0, 0.5))
        s.tree(start + i * rng.uniform(0.12, 0.18), bank, rng.uniform(0.25, 0.45), tone, slim)
    if rng.random() < 0.5:
        height, stone = rng.uniform(0.1, 0.14), s.shade(mix(mood.glow, mood.far, 0.5), 0.55)
        deck = bank - height * (1.3 - 3.5 * (s.x - 0.5) ** 2)
        arch = np.hypot(((s.x + 0.15) % 0.3 - 0.15) / 0.114, (s.y - bank) / (height * 0.95)) < 1
        s.fill((s.y > deck) & (s.y < bank) & ~arch, stone)
        s.fill((np.abs(s.y - deck) < 0.012) & (s.y < bank), s.shade(stone, 0.85))
    s.mirror(bank, 0.9)


def forest(s: Sketch) -> None:
    """Trunks into the depth, a clearing full of light, a path."""
    rng, mood, x, ground, leaves = s.rng, s.mood, s.rng.uniform(0.3, 0.7), s.rng.uniform(0.62, 0.75), s.noise(0.12)
    distance, t = np.hypot((s.x - x) * 1.3, s.y - 0.42), np.clip((s.y - ground) / (1 - ground), 0, 1)
    s.pixels[:] = mix(mood.glow, mix(mood.land, mood.deep, 0.45), np.clip(distance * 1.5 + 0.3 * leaves, 0, 1))
    s.fill(np.exp(-((distance / 0.2) ** 2)), mood.sun, 0.8)
    light = np.clip(0.75 - distance * 0.6 + 0.5 * s.noise(0.12, 3), 0, 1)
    s.fill(np.clip((s.y - ground) * 30, 0, 1), s.shade(mix(mood.land, s.accent(), 0.3), light))
    s.fill((np.abs(s.x - x - 0.1 * np.sin(4 * t)) < 0.02 + 0.16 * t) & (s.y > ground), s.shade(mood.glow, 0.62))
    for near in np.linspace(0, 1, int(rng.integers(9, 15))):
        u = (x + rng.choice((-1, 1)) * (0.06 + rng.uniform(0.02, 0.5) * (0.4 + 0.6 * near))) % 1
        foot, width = ground + 0.01 + 0.25 * near**1.5, 0.008 + 0.035 * near**1.5
        flare = 1 + 2.5 * np.clip(s.y - foot + 0.15, 0, 1)
        across = (s.x - u - rng.uniform(-0.05, 0.05) * (foot - s.y)) / (width * flare)
        bark = mix(mood.far, mix(mood.deep, s.accent(), 0.25), 0.3 + 0.7 * near)
        bark = s.shade(bark, np.clip(0.4 + 0.45 * across * np.sign(x - u), 0, 1))
        s.fill((np.abs(across) < 1) & (s.y < foot), bark)
    light = np.clip(0.75 - distance * 0.8 + 0.5 * s.noise(0.05), 0, 1)
    crown = np.clip((leaves + s.noise(0.06) * 0.7 + 0.75 - s.y * 2.6) * 3, 0, 1)
    s.fill(crown, s.shade(mix(mood.land, s.accent(), 0.3), light), 0.9)


def city(s: Sketch) -> None:
    """Roofs behind roofs, lit windows, lamps, umbrellas and the wet street."""
    rng, mood, street = s.rng, s.mood, s.rng.uniform(0.68, 0.8)
    s.sky(street)
    for near in (0.0, 0.5, 1.0):
        x = -0.05
        while x < 1:
            width, tall = rng.uniform(0.12, 0.22) * (1 + 0.4 * near), rng.uniform(0.25, 0.58) * (1 - 0.35 * near)
            if near < 1 or abs(x + width / 2 - 0.5) > 0.2:  # the avenue stays open
                top, pitch = street - tall, 0.04 + 0.02 * near
                wall = mix(mix(mood.far, mood.glow, 0.25), mix(mood.deep, s.accent(), 0.4), 0.25 + 0.65 * near)
                s.box(x, top, x + width, street, s.shade(wall, 0.6 - 0.2 * near))
                lit = x + width * (0.65 if s.side > 0 else 0)
                s.box(lit, top, lit + width * 0.35, street, s.shade(wall, 0.75))
                if rng.random() < 0.5:
                    s.cut("-.05,0 1.05,0 .5,-1", x, top, (width, rng.uniform(0.05, 0.12)), s.shade(s.accent(), 0.35))
                for u in np.arange(x + pitch * 0.5, x + width - pitch * 0.5, pitch):
                    for v in np.arange(top + pitch * 0.8, street - pitch * 1.4, pitch * 1.5):
                        if rng.random() < 0.5:
                            pane = s.one_of(mood.sun, mood.accents[1])
                            s.box(u, v, u + pitch * 0.5, v + pitch * 0.8, pane, 0.35 + 0.6 * near)
            x += width * rng.uniform(0.9, 1.15)
    for x in rng.uniform(0.08, 0.92, int(rng.integers(2, 5))):
        s.box(x - 0.006, street - 0.2, x + 0.006, street + 0.02, mood.deep)
        s.blob(x, street - 0.21, 0.1, 0.1, mood.sun, soft=1, opacity=0.6)
        s.blob(x, street - 0.21, 0.02, 0.025, mood.sun)
    s.mirror(street, 0.8)
    for x, y in rng.uniform((0.2, street + 0.02), (0.8, 0.94), (int(rng.integers(2, 7)), 2)):
        h = rng.uniform(0.06, 0.08) * (1 + 4 * (y - street))
        s.blob(x, y - h * 0.45, h * 0.2, h * 0.55, mood.deep)
        s.blob(x, y - h * 1.1, h * 0.5, h * 0.28, s.accent(), lit=0.6)


VESSELS = (  # height, and half widths from the rim to the foot
    (0.5, [0.022, 0.024, 0.024, 0.03, 0.07, 0.075, 0.075, 0.07]),
    (0.36, [0.06, 0.045, 0.05, 0.1, 0.12, 0.11, 0.07]),
    (0.15, [0.17, 0.165, 0.15, 0.12, 0.06, 0.07]),
    (0.3, [0.05, 0.045, 0.08, 0.11, 0.1, 0.07]),
    (0.3, [0.09, 0.085, 0.075, 0.07, 0.065, 0.06]),
)


def still_life(s: Sketch) -> None:
    """Bottles, jugs or a bowl, and fruit around them."""
    rng, mood, edge = s.rng, s.mood, s.table()
    for x in rng.permutation([0.26, 0.52, 0.76])[: int(rng.integers(1, 4))]:
        (height, widths), foot, scale = s.one_of(*VESSELS[:3]), edge + rng.uniform(0.06, 0.12), rng.uniform(0.9, 1.2)
        s.shadow(x, foot - 0.01, max(widths) * scale)
        glaze = s.one_of(s.accent(), mood.zenith, mood.deep * 1.3, mood.far)
        s.turned(x, foot - height * scale, foot, [w * scale for w in widths], glaze)
        for u in (-0.09, 0.01, 0.1) if height < 0.2 else ():
            s.blob(x + u * scale, foot - height * scale - 0.015, 0.06, 0.055, s.accent(), lit=1)
    for depth in np.sort(rng.uniform(0.08, 0.26, int(rng.integers(3, 8)))):
        x, y, r = rng.uniform(0.12, 0.88), edge + depth, rng.uniform(0.05, 0.08) * (1 + depth)
        s.shadow(x, y + r * 0.75, r)
        s.blob(x, y, r, r * rng.uniform(0.85, 1.05), s.accent(), lit=1)
        s.cut("-.05,-.8 .1,-.8 .3,-1.25 .18,-1.25", x, y, r, mood.deep)


def bouquet(s: Sketch) -> None:
    """Flowers in a vase."""
    rng, mood, edge = s.rng, s.mood, s.table()
    (height, widths), x, foot = (
        s.one_of(*VESSELS[1:2], *VESSELS[3:]),
        rng.uniform(0.42, 0.58),
        edge + rng.uniform(0.14, 0.24),
    )
    top = foot - height
    s.shadow(x, foot - 0.01, 0.11)
    heads = np.c_[rng.normal(x, 0.17, 15), rng.normal(top - 0.17, 0.1, 15)]
    for u, v in heads:
        stem = np.hypot(u - x, v - top) / 2, np.arctan2(v - top, u - x)
        s.blob((u + x) / 2, (v + top) / 2, stem[0], 0.006, s.shade(mood.land, 0.3), tilt=stem[1])
        green = s.shade(mood.land, rng.uniform(0.15, 0.7))
        s.blob((u + x) / 2 + rng.normal(0, 0.03), (v + top) / 2, 0.07, 0.026, green, tilt=rng.uniform(0, 3))
    s.turned(x, top, foot, widths, s.one_of(mood.zenith, mood.glow, s.accent()))
    for u, v in heads[np.argsort(-np.abs(heads[:, 0] - x))]:
        r, petal, count = (
            rng.uniform(0.05, 0.08),
            mix(s.accent(), mood.sun, rng.uniform(0, 0.3)),
            int(rng.integers(6, 9)),
        )
        for ring, tone in ((1.0, 0.4), (0.6, 0.75)):
            for a in np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 1):
                dx, dy = np.cos(a) * r * ring * 0.7, np.sin(a) * r * ring * 0.65
                lit = s.shade(petal, tone + 0.2 * (s.side * np.cos(a) - np.sin(a)))
                s.blob(u + dx, v + dy, r * 0.52 * ring, r * 0.3 * ring, lit, tilt=a)
        s.blob(u, v, r * 0.28, r * 0.28, s.accent(), lit=0.7)


def portrait(s: Sketch) -> None:
    """Head and shoulders in a side light."""
    rng, mood, side, style = s.rng, s.mood, s.side, int(s.rng.integers(4))
    skin, hair = mix(s.one_of(*SKINS), mood.sun, 0.12), s.one_of(*HAIRS)
    dress = mix(s.accent(), mood.deep, rng.uniform(0, 0.35))
    wall = mix(s.one_of(mood.zenith, mood.far, mood.deep, mood.glow), s.accent(), rng.uniform(0, 0.35))
    x, y, r = rng.uniform(0.44, 0.56), rng.uniform(0.38, 0.45), rng.uniform(0.14, 0.18)
    glow = np.exp(-3.5 * np.hypot(s.x - x + side * 0.25, s.y - y))
    s.pixels[:] = s.shade(wall, np.clip(0.3 + 0.5 * glow + 0.1 * s.noise(0.3), 0, 1))

    def touch(dx: float, dy: float, rx: float, ry: float, colour: Array, lit: float = 0, **how: float) -> None:
        s.blob(x + dx * r, y + dy * r, rx * r, ry * r, colour, lit, **how)

    touch(0, -0.25, 1.28, 1.3 if style == 1 else 1.5, hair, 0.75)
    if style == 0:  # long hair
        touch(0, 1, 1.35, 1.9, hair, 0.6)
    s.blob(x, 1.12, r * 2.9, 1.12 - y - r * 1.75, dress, lit=0.9, soft=0.05)
    s.turned(x + 0.01, y + r * 0.6, y + r * 2.05, [r * 0.5, r * 0.48, r * 0.5, r * 0.75], skin * 0.93)
    touch(0, 2, 0.72, 0.4, skin * 0.97, 0.5)
    touch(-side * 0.1, 1.05, 0.5, 0.28, s.shade(skin, 0.1), soft=0.8, opacity=0.7)
    touch(0, 0, 1, 1.36, skin, 0.85, soft=0.06)
    u = (s.x - x) / r * side
    fringe = (np.hypot(u / 1.06, (s.y - y) / r / 1.42) < 1) & (
        (s.y - y) / r < 0.9 * u * u + 0.3 * u - rng.uniform(0.5, 0.85)
    )
    s.fill(fringe, s.shade(hair, np.clip(0.45 + 0.35 * u + 0.06 * np.sin(u * 24), 0, 0.8)))
    for eye in (-1, 1):
        dx = eye * 0.42 + side * 0.05
        touch(dx, -0.15, 0.27, 0.16, s.shade(skin, 0.22), soft=0.8, opacity=0.6)
        touch(dx, -0.12, 0.2, 0.095, mix(mood.sun, skin, 0.25))
        touch(dx + side * 0.03, -0.12, 0.09, 0.095, mix(mood.deep, s.accent(), 0.2))
        touch(dx, -0.22, 0.23, 0.035, s.shade(hair, 0.15), tilt=-eye * 0.08)
        touch(dx, -0.45, 0.26, 0.05, s.shade(hair, 0.25), tilt=eye * 0.14, opacity=0.85)
        touch(eye * 0.55, 0.4, 0.26, 0.2, mix(skin, mood.accents[0], 0.5), soft=0.9, opacity=0.45)
    s.cut("0,-.1 -.2,.42 .02,.46", x, y, (side * r, r), s.shade(skin, 0.28), 0.75)
    touch(side * 0.05, 0.3, 0.05, 0.28, s.shade(skin, 0.95), soft=0.9, opacity=0.7)
    lips = mix(skin * 0.8, mood.accents[0], 0.45)
    touch(0, 0.72, 0.27, 0.07, s.shade(lips, 0.25))
    touch(0, 0.8, 0.2, 0.075, s.shade(lips, 0.7))
    if style == 2:  # a hat
        touch(0, -1.25, 0.95, 0.75, (hat := s.accent()), 0.9)
        touch(0, -0.85, 1.75, 0.3, hat * 0.85, 0.7, tilt=0.1 * side)
    for a in np.linspace(0.35, np.pi - 0.35, 11) if style == 3 else ():  # a necklace
        touch(0.85 * np.cos(a), 1.6 + 0.75 * np.sin(a), 0.1, 0.1, mood.sun, 1)


def interior(s: Sketch) -> None:
    """A room, a window on the world and its light on the floor, a table with a plant, sometimes a cat."""
    rng, mood, side, floor = s.rng, s.mood, s.side, s.rng.uniform(0.68, 0.78)
    wall = mix(s.one_of(mood.glow, mood.far, mood.land, mood.zenith), s.accent(), rng.uniform(0, 0.35))
    light = np.clip(0.42 + 0.35 * side * (s.x - 0.5) - 0.2 * s.y + 0.08 * s.noise(0.3), 0, 0.8)
    s.pixels[:] = s.shade(wall, light)
    boards = np.where(((s.x - 0.5) / (s.y - floor + 0.35) * 9) % 1 < 0.08, 0.25, 0.45) + 0.15 * s.noise(0.2, 3)
    s.fill(s.y > floor, s.shade(mix(s.accent(), mood.land, 0.5), boards))
    w, h, top = rng.uniform(0.36, 0.48), rng.uniform(0.42, 0.52), rng.uniform(0.06, 0.14)
    left, frame = 0.5 + side * 0.16 - w / 2, mix(mood.sun, wall, 0.3)
    s.box(left - 0.02, top - 0.02, left + w + 0.02, top + h + 0.03, s.shade(frame, 0.4))
    s.one_of(hills, sea, mountain, river)(view := Sketch(mood, rng, s.size // 2))
    glass = s.pixels[int(top * s.size) : int((top + h) * s.size), int(left * s.size) : int((left + w) * s.size)]
    glass[:] = np.clip(resize(view.pixels, glass.shape[:2]) * 1.12, 0, 1)
    s.box(left + w / 2 - 0.008, top, left + w / 2 + 0.008, top + h, s.shade(frame, 0.3))
    s.box(left, top + h * 0.4 - 0.008, left + w, top + h * 0.4 + 0.008, s.shade(frame, 0.3))
    for a in (0.02, 0.53):
        s.cut("0,0 .43,0 .3,1 -.2,1", left + w * a - side * 0.22, floor + 0.04, (w, 0.94 - floor), mood.sun, 0.6)
    curtain = s.accent()
    for edge in (left - 0.05, left + w + 0.05):
        u = (s.x - edge) / (0.05 + 0.02 * np.sin(3 * s.y))
        folds = s.shade(curtain, np.clip(0.5 + 0.35 * np.sin(u * 7), 0, 1))
        s.fill((np.abs(u) < 1) & (s.y > top - 0.04) & (s.y < floor), folds)
    x = 0.5 - side * rng.uniform(0.2, 0.3)
    s.shadow(x, 0.93, 0.13)
    for u in (-0.1, 0.1):
        s.cut("-.01,0 .01,0 .02,.22 0,.22", x + u, 0.72, 1, s.shade(mood.deep, 0.3))
    s.blob(x, 0.71, 0.17, 0.035, s.shade(s.accent(), 0.65))
    s.turned(x, 0.53, 0.71, [0.04, 0.035, 0.06, 0.06, 0.04], s.accent())
    for a in rng.uniform(0.5, 2.6, 9):
        leaf = s.shade(mix(mood.land, s.accent(), 0.2), rng.uniform(0.2, 0.9))
        s.blob(x + 0.1 * np.cos(a), 0.52 - 0.12 * np.sin(a), 0.07, 0.024, leaf, tilt=-a)
    if rng.random() < 0.5:
        u, v = left + w * rng.uniform(0.25, 0.75), top + h
        s.blob(u, v - 0.045, 0.04, 0.055, mood.deep)
        s.blob(u, v - 0.115, 0.028, 0.026, mood.deep)
        s.cut("-.028,-.115 -.02,-.16 0,-.135 .02,-.16 .028,-.115", u, v, 1, mood.deep)
        s.blob(u + 0.055, v - 0.01, 0.04, 0.01, mood.deep)


def pond(s: Sketch) -> None:
    """Water lilies among the reflections of sky and trees."""
    rng, mood = s.rng, s.mood
    s.sky(1.2)
    for x in rng.uniform(-0.1, 1.1, 5):
        s.tree(x, rng.uniform(0.3, 0.6), rng.uniform(0.3, 0.6), mix(mood.land, mood.far, rng.random()))
    rows = np.clip((1 - s.y + s.noise(0.06, stretch=6) * 0.03) * s.size, 0, s.size - 1).astype(int)
    s.pixels = np.take_along_axis(blur(s.pixels, 3), rows[..., None], 0)
    s.fill(np.clip(s.noise(0.08, stretch=6) - 0.3, 0, 1), mood.glow, 0.7)
    for y in np.sort(rng.uniform(0.06, 0.97, int(rng.integers(7, 12)))):
        x, size = rng.uniform(0.05, 0.95), 0.04 + 0.075 * y
        for _ in range(int(rng.integers(3, 7))):
            u, v = x + rng.normal(0, 0.09 * (0.5 + y)), y + rng.normal(0, 0.022)
            s.blob(u - s.side * 0.01, v + 0.012, size * 1.25, size * 0.4, mood.deep, opacity=0.45, soft=0.4)
            s.blob(u, v, size * 1.2, size * 0.38, s.shade(mood.land, rng.uniform(0.35, 0.8)), lit=0.35)
        petal = mix(s.accent(), mood.sun, 0.4)
        for a in np.linspace(0.2, np.pi - 0.2, 6) if rng.random() < 0.75 else ():
            u, v = x + size * 0.4 * np.cos(a), y - size * (0.25 + 0.3 * np.sin(a))
            s.blob(u, v, size * 0.38, size * 0.14, s.shade(petal, rng.uniform(0.5, 1)), tilt=-a)


def abstract(s: Sketch) -> None:
    """Circles, beams and triangles in balance."""
    rng, mood, (x, y) = s.rng, s.mood, s.rng.uniform(0.35, 0.65, 2)
    ground = mix(mood.glow, mood.sun, 0.4)
    s.pixels[:] = mix(ground, s.one_of(mood.far, mood.zenith, mood.land), np.clip(0.4 + 0.5 * s.noise(0.6), 0, 1))
    for _ in range(int(rng.integers(3, 6))):
        a, width = rng.uniform(0, np.pi), rng.uniform(0.015, 0.09)
        d = (s.x - x - rng.normal(0, 0.2)) * np.sin(a) - (s.y - y - rng.normal(0, 0.2)) * np.cos(a)
        beam = s.shade(s.accent(), np.clip(0.6 + d / width * 0.35, 0, 1))
        s.fill(np.clip((width - np.abs(d)) * 120, 0, 1), beam, rng.uniform(0.6, 1))
    for r in np.sort(rng.uniform(0.04, 0.24, int(rng.integers(4, 8))))[::-1]:
        u, v, disc = rng.normal(x, 0.2), rng.normal(y, 0.2), s.one_of(s.accent(), mood.zenith, mood.deep, mood.glow)
        s.blob(u, v, r * 1.4, r * 1.4, mood.sun, soft=0.8, opacity=0.35)
        s.blob(u, v, r, r, disc, lit=rng.choice((0.0, 0.8)), soft=0.04)
        s.blob(u, v, r * 0.6, r * 0.6, s.accent(), soft=0.05, opacity=rng.uniform(0.4, 1))
    for u, v in rng.uniform(0.15, 0.85, (int(rng.integers(2, 5)), 2)):
        shape = s.one_of("1,0 -.6,.8 -.7,-.7", "0,1 -.8,-.6 .7,-.7", ".3,-1 .4,.9 -.9,.5")
        s.cut(shape, u, v, rng.uniform(0.07, 0.2), s.one_of(s.accent(), mood.deep), rng.uniform(0.75, 1))


_SCENES: tuple[Callable[[Sketch], None], ...] = (
    *(hills, sea, mountain, river, forest, city, pond),
    *(still_life, bouquet, portrait, interior, abstract),
)
SUBJECTS = {draw.__name__: draw for draw in _SCENES}

LANDSCAPES = ("sklearn/datasets/images/china.jpg", "sklearn/datasets/images/flower.jpg")
PHOTOGRAPHS = ("skimage/data/astronaut.png", "skimage/data/chelsea.png", "skimage/data/coffee.png", *LANDSCAPES)


@cache
def _shipped(name: str) -> Array:
    """A photograph inside the installed wheel of scikit-image or scikit-learn, at most 560 px wide."""
    from importlib.util import find_spec

    package, _, file = name.partition("/")
    spec = find_spec(package)
    assert spec is not None and spec.origin is not None
    with Image.open(Path(spec.origin).parent / file) as photo:
        photo.thumbnail((560, 560))
        return np.asarray(photo.convert("RGB"), np.float32) / 255


def photograph(rng: np.random.Generator, size: int = 256, names: Sequence[str] = PHOTOGRAPHS) -> Array:
    """A square piece of one of the shipped photographs, float32 (size, size, 3) in [0, 1]."""
    photo = _shipped(names[int(rng.integers(len(names)))])
    side = int(min(photo.shape[:2]) * rng.uniform(0.4, 0.95))
    top, left = (int(rng.integers(0, n - side + 1)) for n in photo.shape[:2])
    piece = photo[top : top + side, left : left + side]
    return np.clip(resize(piece[:, ::-1] if rng.random() < 0.5 else piece, (size, size)), 0, 1)


def scene(subject: str, mood: str, rng: np.random.Generator, size: int = 256) -> Array:
    """A composed scene, float32 (size, size, 3) in [0, 1]; `subject` is one of SUBJECTS, `mood` one of MOODS."""
    sketch = Sketch(MOODS[mood].tuned(rng), rng, size * 5 // 8)  # a reference is soft, fewer pixels do
    SUBJECTS[subject](sketch)
    pixels = vivid(resize(sketch.pixels, (size, size)), rng.uniform(0.9, 1.15))
    return np.clip(mix(pixels.mean((0, 1)), pixels, 1.15), 0, 1).astype(np.float32)
