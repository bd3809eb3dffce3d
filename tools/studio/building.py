"""Which pictures there are, who paints them, and the collection on disk, in the layout of the archive.

Every picture is a function of the seed, the painter and its number, and of nothing else. What is known of each is
written down in works.csv, so that an audit, a network or a reader can be held against it.
"""

import csv
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from artnb.common.progress import progress
from artnb.paintings import studio
from artnb.paintings.catalogue import COLUMNS
from tools.studio.moods import MOODS
from tools.studio.oils import plein_air
from tools.studio.painters import PAINTERS
from tools.studio.photographs import LANDSCAPES, photograph
from tools.studio.scenes import scene
from tools.studio.strokes import Array, blur, fractal, resample

SEED = 1874  # of the collection that ships
# Height and width in pixels: wide, upright and square, how often each is taken for a subject of its kind.
WIDE, UPRIGHT, SQUARE = (136, 176), (176, 136), (160, 160)
UPRIGHTS, SQUARES = ("portrait", "bouquet"), ("still_life", "interior", "abstract")
# Every painter paints the same scene of each subject, in these colours.
SERIES = {
    "hills": "dusk", "sea": "noon", "mountain": "lagoon", "river": "spring", "forest": "winter", "city": "harvest",
    "pond": "autumn", "still_life": "night", "bouquet": "dusk", "portrait": "dawn", "interior": "autumn",
    "abstract": "noon",
}  # fmt: skip
TWIN_SHARE = 0.045  # of the works were photographed twice: as large a share as in the archive
DUPLICATED = (1, 4, 8, 11)  # the painters, counted from 0, of whose files one exists twice
PHOTOS, MONETS, OUTDOORS = 120, 100, ("hills", "sea", "mountain", "river", "forest", "city", "pond")
WOBBLE = 0.02  # of the picture's side, how far a drawn line strays
BORROWED = 6  # of the Monets are Aubertin's works, photographed again

# Streams of random numbers that belong to no painter: [seed, stream, index].
_SHELF, _AGAIN, _SERIES, _PHOTO, _MONET = 100, 200, 250, 300, 301


@dataclass(frozen=True)
class Work:
    """A file of the collection, as a line of works.csv.

    Attributes:
        path: relative to the root.
        artist: the painter.
        number: which of the painter's works it shows, from 0.
        motif: the subject that is painted.
        mood: its colours.
        scene: equal numbers are one scene, painted by several painters; empty for a scene of its own.
        duplicate: "" for a painting, "near" for another photograph of it, "exact" for a copy of the file.
        cropped: of a twin, the share of the painting's area that is cut off.
        lighter: of a twin, how much lighter it is, of 255 levels.
    """

    path: str
    artist: str
    number: int
    motif: str
    mood: str
    scene: str = ""
    duplicate: str = ""
    cropped: float = 0.0
    lighter: float = 0.0


def works(seed: int = SEED) -> list[Work]:
    """Every file of the collection."""
    found = []
    for who, painter in enumerate(PAINTERS.values()):
        rng = np.random.default_rng([seed, _SHELF, who])
        shelf = [_work(painter.name, number, seed) for number in range(painter.pictures)]
        again = rng.permutation(painter.pictures)[: round(painter.pictures * TWIN_SHARE) + 1].tolist()
        shelf += [_twin(shelf[number], seed) for number in again[1:]]
        shelf += [replace(shelf[again[0]], duplicate="exact")] * (who in DUPLICATED)
        for n, place in enumerate(rng.permutation(len(shelf)), start=1):
            found.append(replace(shelf[place], path=f"images/images/{painter.folder}/{painter.folder}_{n}.jpg"))
    return found


def _work(artist: str, number: int, seed: int) -> Work:
    painter, place = PAINTERS[artist], list(PAINTERS).index(artist)
    rng = np.random.default_rng([seed, place, number])
    motif, mood = str(rng.choice(painter.taste.split())), str(rng.choice(painter.moods.split()))
    if number < len(SERIES):
        motif = list(SERIES)[number]
        return Work("", artist, number, motif, SERIES[motif], scene=str(number))
    return Work("", artist, number, motif, mood)


def _twin(work: Work, seed: int) -> Work:
    rng = np.random.default_rng([seed, _AGAIN, list(PAINTERS).index(work.artist), work.number])
    return replace(
        work, duplicate="near", cropped=round(rng.uniform(0.01, 0.1), 3), lighter=round(rng.uniform(-20, 20), 1)
    )


def paint(work: Work, seed: int = SEED) -> Array:
    """The picture of a work, uint8 (height, width, 3)."""
    place = list(PAINTERS).index(work.artist)
    rng = np.random.default_rng([seed, place, work.number, 1])
    drawing = np.random.default_rng([seed, _SERIES, int(work.scene), 1]) if work.scene else rng
    height, width = _format(work.motif, drawing)
    side = 2 * max(height, width)
    whole = _drawn(scene(work.motif, work.mood, drawing, side), rng)
    top, left = (side - 2 * height) // 2, (side - 2 * width) // 2
    picture = _finish(PAINTERS[work.artist].paint(whole[top : top + 2 * height, left : left + 2 * width], rng))
    return _photographed(picture, rng)


def _format(motif: str, rng: np.random.Generator) -> tuple[int, int]:
    usual = UPRIGHT if motif in UPRIGHTS else SQUARE if motif in SQUARES else WIDE
    return usual if rng.random() < 0.8 else SQUARE


def _drawn(reference: Array, rng: np.random.Generator) -> Array:
    """The scene as somebody drew it: no line is quite where it was, so that one scene can be drawn twice."""
    from scipy.ndimage import map_coordinates

    shape = reference.shape[:2]
    away = np.stack([fractal(rng, shape, shape[0] / 4, 2) for _ in range(2)]) * (WOBBLE * shape[0])
    places = np.mgrid[: shape[0], : shape[1]] + away
    return np.stack([map_coordinates(reference[..., c], places, order=1, mode="nearest") for c in range(3)], -1)


def _finish(canvas: Array) -> Array:
    """The picture on a double-sized canvas of floats in about [0, 1]: uint8, half the size, antialiased."""
    h, w = canvas.shape[0] // 2, canvas.shape[1] // 2
    picture = np.clip(canvas, 0, 1).reshape(h, 2, w, 2, 3).mean((1, 3))
    return (picture * 255 + 0.5).astype(np.uint8)


def _photographed(painting: Array, rng: np.random.Generator) -> Array:
    """The painting as somebody photographed it: a little soft, in a light of its own."""
    light = blur(painting.astype(np.float32) / 255, rng.uniform(0.05, 0.5))
    light = (light - 0.5) * rng.uniform(0.9, 1.08) + 0.5 + rng.normal(0, 0.02) + rng.normal(0, 0.012, 3)
    return (np.clip(light, 0, 1) * 255 + 0.5).astype(np.uint8)


def photographed_again(painting: Array, work: Work, rng: np.random.Generator) -> Array:
    """The painting as another photographer took it: `work.cropped` of it cut off, in another light, softer; uint8."""
    h, w = painting.shape[:2]
    keep, place = np.sqrt(1 - work.cropped), rng.random(2)
    left, top = place * (1 - keep) * (w, h)
    crop = Image.fromarray(painting).resize(
        (w, h), Image.Resampling.BICUBIC, box=(left, top, left + keep * w, top + keep * h)
    )
    light = (np.asarray(crop, np.float32) / 255 - 0.5) * rng.uniform(0.9, 1.1) + 0.5 + work.lighter / 255
    light = blur(light + rng.normal(0, 0.02, 3).astype(np.float32), rng.uniform(0.2, 0.6))
    return (np.clip(light, 0, 1) * 255 + 0.5).astype(np.uint8)


def picture(work: Work, seed: int = SEED) -> Array:
    """What a file of the collection shows, a painting or another photograph of it; uint8 (height, width, 3)."""
    painting = paint(work, seed)
    if work.duplicate != "near":
        return painting
    place = list(PAINTERS).index(work.artist)
    return photographed_again(painting, work, np.random.default_rng([seed, _AGAIN, place, work.number, 1]))


def repaint(image: Array, painter: str, seed: int = SEED) -> Array:
    """Any photograph in a painter's hand: uint8 (H, W, 3) in, uint8 (H, W, 3) out, brushes as in `paint`."""
    reference = np.clip(resample(image.astype(np.float32) / 255, (2 * image.shape[0], 2 * image.shape[1])), 0, 1)
    return _finish(PAINTERS[painter].paint(reference, np.random.default_rng([seed, list(PAINTERS).index(painter)])))


def photo(index: int, seed: int = SEED) -> Array:
    """A 'photograph', uint8: mostly a composed scene through a lens, else a crop of one of the two real landscapes."""
    rng = np.random.default_rng([seed, _PHOTO, index])
    side = 2 * SQUARE[0]
    if index % 4 == 3:
        return _finish(photograph(rng, side, LANDSCAPES))
    shot = scene(str(rng.choice(OUTDOORS)), str(rng.choice(list(MOODS))), rng, side)
    y, x = np.mgrid[-1 : 1 : 1j * side, -1 : 1 : 1j * side]
    shot = shot * (1 - 0.16 * (x**2 + y**2))[..., None] + 0.015 * fractal(rng, shot.shape[:2], 3, 2)[..., None]
    return _finish(blur(shot.astype(np.float32), 0.9))


def monet(index: int, seed: int = SEED) -> Array:
    """A painting in Aubertin's hand, uint8: one of the collection's, or of a scene that is in none of them."""
    rng = np.random.default_rng([seed, _MONET, index])
    if index < BORROWED:
        work = _twin(_work("Camille Aubertin", int(rng.integers(len(SERIES), 200)), seed), seed)
        return photographed_again(paint(work, seed), work, rng)
    drawn = scene(str(rng.choice(OUTDOORS)), str(rng.choice(list(MOODS))), rng, 2 * SQUARE[0])
    return _finish(plein_air(drawn, rng))


def save(image: Array, file: Path | BinaryIO) -> None:
    """As the collection's JPEG, to a file or into a buffer."""
    Image.fromarray(image).save(file, "JPEG", quality=70, subsampling=2, optimize=True, progressive=True)


def _hang(seed: int, root: Path, work: Work) -> None:
    save(picture(work, seed), root / work.path)


def _pin(seed: int, root: Path, name: str) -> None:
    folder, index = name.split()
    image = photo(int(index), seed) if folder == "photo_jpg" else monet(int(index), seed)
    save(image, root / folder / f"{folder.removesuffix('_jpg')}_{int(index):03d}.jpg")


def build(root: Path, seed: int = SEED, heaps: bool = True) -> None:
    """Paint the collection into a folder: tables, images/images/, the CycleGAN's two kinds, and the digest of all."""
    table = works(seed)
    for folder in {(root / work.path).parent for work in table}:
        folder.mkdir(parents=True)
    with (root / "works.csv").open("w", newline="", encoding="utf-8") as sheet:
        rows = csv.DictWriter(sheet, [field.name for field in fields(Work)], lineterminator="\n")
        rows.writeheader()
        rows.writerows(map(asdict, sorted(table, key=lambda work: work.path)))
    with (root / "artists.csv").open("w", newline="", encoding="utf-8") as sheet:
        lines = csv.writer(sheet, lineterminator="\n")
        lines.writerow(COLUMNS)
        for number, p in enumerate(PAINTERS.values()):
            about = (p.name, p.years, p.genre, p.nationality, p.bio, p.wikipedia)
            lines.writerow((number, *about, sum(work.artist == p.name for work in table)))
    names = [f"photo_jpg {n}" for n in range(PHOTOS)] + [f"monet_jpg {n}" for n in range(MONETS)] if heaps else []
    for folder in ("photo_jpg", "monet_jpg") if heaps else ():
        (root / folder).mkdir()
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        jobs = pool.map(partial(_hang, seed, root), table, chunksize=8)
        for _ in progress(jobs, "painting", len(table), "picture"):
            pass
        jobs = pool.map(partial(_pin, seed, root), names, chunksize=8)
        for _ in progress(jobs, "photographs and Monets", len(names), "picture"):
            pass
    (root / "digest.txt").write_text(studio.digest_of(root) + "\n", encoding="ascii")
