"""The outdoor scenes. Each function draws one subject into a blank sketch."""

import numpy as np

from tools.studio.sketch import Sketch
from tools.studio.strokes import blur, mix, shifted


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
    """Peaks with one side in the light, firs along the shore, and a lake that mirrors it all."""
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
    """A row of trees on the bank, sometimes a house or a bridge, and their reflection."""
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
    """A path between tree trunks to a clearing full of light."""
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
    """Roofs behind roofs, lit windows, lamps, umbrellas and a wet street."""
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
