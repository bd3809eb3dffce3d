"""The indoor scenes, and the abstract one. Each function draws one subject into a blank sketch."""

import numpy as np

from tools.studio.outdoors import hills, mountain, river, sea
from tools.studio.sketch import Sketch
from tools.studio.strokes import Array, colours, mix, resample

SKINS = colours("f1cdb0 e8b48c d59a72 b57a52 8a5a3c 6a4230")
HAIRS = colours("2a1c18 4a2c1c 7a4a28 b8823c 8a2f1c d8d4cc")
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
    """Head and shoulders, lit from one side."""
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
    """A room with a view, light on the floor, a plant on a table, sometimes a cat on the sill."""
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
    glass[:] = np.clip(resample(view.pixels, glass.shape[:2]) * 1.12, 0, 1)
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
