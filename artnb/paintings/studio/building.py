"""The studio's pictures on disk: which files there are, who paints them, and a cache that is never half full.

Paintings are painted by worker processes, started as `python -m artnb.paintings.studio`: forking a process that
has imported TensorFlow can deadlock, and multiprocessing's spawn runs the caller's script again, which a notebook, or
a script without `if __name__ == "__main__"`, does not survive. A worker reports one byte per picture;
if the parent is killed, the next report fails and the worker ends.
"""

import csv
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from artnb.common.files import replacing
from artnb.common.progress import progress
from artnb.common.seeding import seed_or_default
from artnb.errors import ArtnbError
from artnb.paintings.studio.moods import MOODS
from artnb.paintings.studio.oils import plein_air
from artnb.paintings.studio.painters import PAINTERS
from artnb.paintings.studio.photographs import LANDSCAPES, photograph
from artnb.paintings.studio.scenes import scene
from artnb.paintings.studio.strokes import blur, fractal, resample
from artnb.settings import settings

Array = np.ndarray

SIZE = 128  # pixels, the side of every picture
FROM_PHOTOGRAPHS = 0.06  # of the pictures; there are only five photographs
TWIN_SHARE = 0.045  # of the pictures were photographed twice: as large a share as in the archive
DUPLICATED = (1, 3, 6, 10)  # the painters, counted from 0, of whose files one exists twice
PHOTOS, MONETS, OUTDOORS = 120, 100, ("hills", "sea", "mountain", "river", "forest", "city", "pond")

# Streams of random numbers that belong to no painter: [seed, stream, index].
_SHELF, _AGAIN, _PHOTO, _MONET = 100, 200, 300, 301


class StudioError(ArtnbError, RuntimeError):
    """The studio could not finish its pictures."""


def paint(painter: str, index: int, seed: int | None = None) -> Array:
    """One painting, uint8 (128, 128, 3): a function of its arguments and nothing else.

    Args:
        painter: a name in PAINTERS.
        index: which of the painter's works, from 0; it may go beyond those in the collection.
        seed: the seed of the whole collection.
    """
    seed = seed_or_default(seed)
    rng = np.random.default_rng([seed, list(PAINTERS).index(painter), index])
    subject, mood = rng.choice(PAINTERS[painter].taste.split()), rng.choice(PAINTERS[painter].moods.split())
    real = rng.random() < FROM_PHOTOGRAPHS
    reference = photograph(rng, 2 * SIZE) if real else scene(subject, mood, rng, 2 * SIZE)
    return _finish(PAINTERS[painter].hand(reference, rng))


def repaint(image: Array, painter: str, seed: int | None = None) -> Array:
    """Any photograph in a painter's hand: uint8 (H, W, 3) in, uint8 (H, W, 3) out, brushes as in `paint`."""
    seed = seed_or_default(seed)
    reference = np.clip(resample(image.astype(np.float32) / 255, (2 * image.shape[0], 2 * image.shape[1])), 0, 1)
    return _finish(PAINTERS[painter].hand(reference, np.random.default_rng([seed, list(PAINTERS).index(painter)])))


def _finish(canvas: Array) -> Array:
    """The picture on a double-sized canvas of floats in about [0, 1]: uint8, half the size, antialiased."""
    h, w = canvas.shape[0] // 2, canvas.shape[1] // 2
    picture = np.clip(canvas, 0, 1).reshape(h, 2, w, 2, 3).mean((1, 3))
    return (picture * 255 + 0.5).astype(np.uint8)


@dataclass(frozen=True)
class File:
    """A file of the collection: a painting, or a copy of one."""

    path: str
    painter: str
    index: int
    copy: Literal["", "twin", "duplicate"] = ""


@cache
def files(seed: int | None = None) -> tuple[File, ...]:
    """Every file of the collection, with its path relative to the root."""
    seed = seed_or_default(seed)
    found = []
    for number, painter in enumerate(PAINTERS.values()):
        rng = np.random.default_rng([seed, _SHELF, number])
        again = rng.permutation(painter.pictures)[: round(painter.pictures * TWIN_SHARE) + 1].tolist()
        extra = [(index, "twin") for index in again[1:]] + [(again[0], "duplicate")] * (number in DUPLICATED)
        shelf = [(index, "") for index in range(painter.pictures)] + extra
        while any(shelf[i][0] == shelf[i + 1][0] for i in range(len(shelf) - 1)) or shelf[-1][1]:
            shelf = [shelf[i] for i in rng.permutation(len(shelf))]
        for n, (index, copy) in enumerate(shelf, start=1):
            path = f"images/images/{painter.folder}/{painter.folder}_{n}.jpg"
            found.append(File(path, painter.name, index, copy))  # type: ignore[arg-type]
    return tuple(found)


def _pairs(seed: int, kind: str) -> list[tuple[str, str]]:
    first = {(file.painter, file.index): file.path for file in files(seed) if not file.copy}
    return [(first[file.painter, file.index], file.path) for file in files(seed) if file.copy == kind]


def twins(seed: int | None = None) -> list[tuple[str, str]]:
    """The ground truth for an audit: (painting, the same painting photographed again), paths relative to the root."""
    seed = seed_or_default(seed)
    return _pairs(seed, "twin")


def duplicates(seed: int | None = None) -> list[tuple[str, str]]:
    """The ground truth for an audit: pairs of byte-identical files, paths relative to the root."""
    seed = seed_or_default(seed)
    return _pairs(seed, "duplicate")


def photographed_again(painting: Array, rng: np.random.Generator) -> Array:
    """The painting as another photographer took it: 2 to 6 % cropped, in another light, faintly blurred; uint8."""
    h, w = painting.shape[:2]
    keep, place = np.sqrt(1 - rng.uniform(0.02, 0.06)), rng.random(2)
    left, top = place * (1 - keep) * (w, h)
    crop = Image.fromarray(painting).resize(
        (w, h), Image.Resampling.BICUBIC, box=(left, top, left + keep * w, top + keep * h)
    )
    light = (np.asarray(crop, np.float32) / 255 - 0.5) * rng.uniform(0.9, 1.1) + 0.5 + rng.uniform(-0.05, 0.05)
    light = blur(light + rng.normal(0, 0.02, 3).astype(np.float32), rng.uniform(0.2, 0.6))
    return (np.clip(light, 0, 1) * 255 + 0.5).astype(np.uint8)


def _photo(index: int, seed: int) -> Array:
    """A 'photograph', uint8: mostly a composed scene through a lens, else a crop of one of the two real landscapes."""
    rng = np.random.default_rng([seed, _PHOTO, index])
    if index % 4 == 3:
        return _finish(photograph(rng, 2 * SIZE, LANDSCAPES))
    shot = scene(rng.choice(OUTDOORS), rng.choice(list(MOODS)), rng, 2 * SIZE)
    y, x = np.mgrid[-1 : 1 : 2j * SIZE, -1 : 1 : 2j * SIZE]
    shot = shot * (1 - 0.16 * (x**2 + y**2))[..., None] + 0.015 * fractal(rng, shot.shape[:2], 3, 2)[..., None]
    return _finish(blur(shot.astype(np.float32), 0.9))


def _monet(index: int, seed: int) -> Array:
    """A painting in the plein-air hand, uint8, of a scene that is not among the photographs."""
    rng = np.random.default_rng([seed, _MONET, index])
    return _finish(plein_air(scene(rng.choice(OUTDOORS), rng.choice(list(MOODS)), rng, 2 * SIZE), rng))


def _save(picture: Array, file: Path, quality: int = 90) -> None:
    Image.fromarray(picture).save(file, quality=quality, subsampling=0)


def _hang(file: File, seed: int, root: Path) -> None:
    """Paint one file of the collection and save it."""
    picture, quality = paint(file.painter, file.index, seed), 90
    if file.copy == "twin":
        rng = np.random.default_rng([seed, _AGAIN, list(PAINTERS).index(file.painter), file.index])
        picture, quality = photographed_again(picture, rng), int(rng.integers(78, 95))
    _save(picture, root / file.path, quality)


def _pin(folder: str, index: int, seed: int, root: Path) -> None:
    """Paint one of the CycleGAN's pictures and save it."""
    picture = _photo(index, seed) if folder == "photo_jpg" else _monet(index, seed)
    _save(picture, root / folder / f"{folder.removesuffix('_jpg')}_{index:03d}.jpg")


def _jobs(kind: str, seed: int) -> list[Callable[[Path], None]]:
    """What a build of this kind has to paint: for each picture, a function that takes the root folder."""
    if kind == "paintings":
        return [partial(_hang, file, seed) for file in files(seed)]
    pictures = [("photo_jpg", index) for index in range(PHOTOS)] + [("monet_jpg", index) for index in range(MONETS)]
    return [partial(_pin, folder, index, seed) for folder, index in pictures]


def paint_share(kind: str, seed: int, root: Path, worker: int, workers: int) -> None:
    """Paint every `workers`-th picture, and report each with one byte on standard output."""
    for job in _jobs(kind, seed)[worker::workers]:
        job(root)
        os.write(1, b".")


def build_paintings(seed: int | None = None, home: Path | None = None) -> Path:
    """The collection in the archive's layout: painted the first time, taken from the cache from then on.

    Returns:
        The root folder, with `artists.csv` and `images/images/<Artist_Name>/<Artist_Name>_<n>.jpg`.

    Raises:
        StudioError: a worker ended before its pictures were done.
    """
    seed = seed_or_default(seed)
    return _built("paintings", seed, home)


def paintings_folder(seed: int | None = None, home: Path | None = None) -> Path:
    """Where `build_paintings` finds the collection, or will put it; nothing is painted."""
    seed = seed_or_default(seed)
    return _folder("paintings", seed, home)


def build_photos_and_monets(seed: int | None = None, home: Path | None = None) -> Path:
    """Unpaired pictures for the CycleGAN: the folder with `photo_jpg/` and `monet_jpg/`, cached likewise."""
    seed = seed_or_default(seed)
    return _built("photos-and-monets", seed, home)


@cache
def _version() -> str:
    """A hash of the studio's source, so that a change to how it paints brings new pictures by itself."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:10]


def _folder(kind: str, seed: int, home: Path | None) -> Path:
    return (home or settings.home) / "studio" / f"{kind}-{_version()}-{seed}"


def _built(kind: str, seed: int, home: Path | None) -> Path:
    from filelock import FileLock

    target = _folder(kind, seed, home)
    if target.is_dir():  # it got there by a rename, so it is complete
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(target.parent / f".{target.name}.lock"):
        if target.is_dir():  # painted by another process while this one waited
            return target
        for left_over in target.parent.glob(f".{target.name}.*/"):  # of a build that was killed
            shutil.rmtree(left_over, ignore_errors=True)
        with replacing(target) as root:
            _lay_out(kind, seed, root)
            _run_workers(kind, seed, root)
    return target


def _lay_out(kind: str, seed: int, root: Path) -> None:
    """Make the folders and, for the paintings, the table of artists."""
    if kind != "paintings":
        for name in ("photo_jpg", "monet_jpg"):
            (root / name).mkdir(parents=True)
        return
    from artnb.paintings.catalogue import COLUMNS  # which takes pandas

    paths = [file.painter for file in files(seed)]
    for painter in PAINTERS.values():
        (root / "images" / "images" / painter.folder).mkdir(parents=True)
    with (root / "artists.csv").open("w", newline="", encoding="utf-8") as sheet:
        rows = csv.writer(sheet)
        rows.writerow(COLUMNS)
        for number, p in enumerate(PAINTERS.values()):
            about = (p.name, p.years, p.genre, p.nationality, p.bio, p.wikipedia)
            rows.writerow((number, *about, paths.count(p.name)))


def _run_workers(kind: str, seed: int, root: Path) -> None:
    """Paint with one process per core and a progress bar."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    package = str(Path(__file__).resolve().parents[3])
    python_path = os.pathsep.join(filter(None, [package, os.environ.get("PYTHONPATH")]))
    environment = os.environ | {"PYTHONPATH": python_path, "OMP_NUM_THREADS": "1"}
    reports, report = os.pipe()
    bar = progress(None, "The studio paints", len(_jobs(kind, seed)), "picture")
    workers: list[subprocess.Popen] = []
    with tempfile.TemporaryFile() as complaints, bar, open(reports, "rb", buffering=0) as done:  # noqa: PTH123
        try:
            try:
                for worker in range(count):
                    command = [sys.executable, "-P", "-m", __package__, kind, seed, root, worker, count]
                    call = list(map(str, command))
                    workers.append(subprocess.Popen(call, stdout=report, stderr=complaints, env=environment))
            finally:
                os.close(report)  # the workers hold copies: reading ends when the last one does
            while dots := done.read(64):
                bar.update(len(dots))
            failed = [code for code in (worker.wait() for worker in workers) if code]
        finally:
            for process in workers:
                process.kill()
                process.wait()
        if failed:
            complaints.seek(0)
            text = complaints.read().decode(errors="replace").strip() or f"exit code {failed[0]}"
            raise StudioError(f"The studio could not finish its pictures: {text.splitlines()[-1]}")
