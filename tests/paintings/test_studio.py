"""The built-in painters. The whole collection is painted once and then comes from the studio's cache."""

import csv
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from artnb.paintings import studio
from artnb.paintings.catalogue import COLUMNS
from artnb.paintings.studio import PAINTERS, building, photographs
from artnb.settings import settings

SEED = settings.seed
ELEVEN = [name for name, painter in PAINTERS.items() if painter.pictures >= 60]


@pytest.fixture(scope="module")
def collection():
    return studio.build_paintings(SEED)


@pytest.fixture(scope="module")
def paintings(collection):
    """Path from the root -> uint8 (128, 128, 3)."""
    files = sorted((collection / "images" / "images").rglob("*.jpg"))
    return {file.relative_to(collection).as_posix(): np.asarray(Image.open(file)) for file in files}


def elsewhere(code, *arguments):
    """Start `code` in a Python of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def digest(picture):
    return hashlib.sha256(picture.tobytes()).hexdigest()


@pytest.mark.parametrize("name", PAINTERS)
def test_a_painter_paints_real_and_different_pictures(name):
    works = [studio.paint(name, index, seed=5) for index in range(3)]
    for work in works:
        assert work.shape == (128, 128, 3) and work.dtype == np.uint8
        assert work.std() > 8 and len(np.unique(work.reshape(-1, 3), axis=0)) > 500
    distances = [np.abs(a.astype(int) - b).mean() for a, b in [works[:2], works[1:], works[::2]]]
    assert min(distances) > 8


def test_a_picture_depends_on_seed_painter_and_index_only():
    name = "Zélie Ciseau"
    first = studio.paint(name, 7, seed=1)
    studio.paint(name, 8, seed=1)
    assert digest(first) == digest(studio.paint(name, 7, seed=1))
    others = [studio.paint(name, 7, seed=2), studio.paint(name, 8, seed=1), studio.paint("Odile Poincaré", 7, seed=1)]
    assert digest(first) not in map(digest, others)


def test_another_process_paints_the_same():
    code = (
        "import hashlib; from artnb.paintings import studio\n"
        "for name in studio.PAINTERS: print(hashlib.sha256(studio.paint(name, 3, 4).tobytes()).hexdigest())"
    )
    output, _ = elsewhere(code).communicate()
    assert output.split() == [digest(studio.paint(name, 3, 4)) for name in PAINTERS]


@pytest.mark.parametrize("name", PAINTERS)
def test_any_photograph_can_be_painted_in_any_hand(name):
    y, x = np.mgrid[:70, :96]
    photograph = np.stack([x * 2.6, y * 3.5, 255 - x * 2], axis=-1).astype(np.uint8)
    painted = studio.repaint(photograph, name, seed=3)
    assert painted.shape == photograph.shape and painted.dtype == np.uint8
    assert not np.array_equal(painted, photograph)
    assert np.array_equal(painted, studio.repaint(photograph, name, seed=3))


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("name", PAINTERS)
def test_an_empty_photograph_breaks_no_hand(name, value):
    assert np.isfinite(studio.repaint(np.full((64, 64, 3), value, np.uint8), name)).all()


@pytest.mark.parametrize("subject", studio.SUBJECTS)
def test_scenes_are_pictures_in_range(subject):
    for number, mood in enumerate(studio.MOODS):
        reference = studio.scene(subject, mood, np.random.default_rng(number), 64)
        assert reference.shape == (64, 64, 3) and reference.dtype == np.float32
        assert reference.min() >= 0 and reference.max() <= 1 and reference.std() > 0.02


def test_the_photographs_beside_the_monets_are_landscapes_and_mostly_composed(monkeypatch):
    opened, shipped = [], photographs._shipped
    monkeypatch.setattr(photographs, "_shipped", lambda name: opened.append(name) or shipped(name))
    for index in range(40):
        building._photo(index, SEED)
    assert set(opened) == set(photographs.LANDSCAPES) and len(opened) == 10


def test_the_layout_is_the_archives(collection, paintings):
    with (collection / "artists.csv").open(encoding="utf-8", newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    assert tuple(rows[0]) == COLUMNS
    assert [row["name"] for row in rows] == list(PAINTERS) and len(rows) == 14
    counts = Counter(Path(path).parent.name for path in paintings)
    assert {row["name"].replace(" ", "_"): int(row["paintings"]) for row in rows} == counts
    assert any("," in row["nationality"] for row in rows)
    for folder, count in counts.items():
        assert 20 <= count <= 160
        names = {f"images/images/{folder}/{folder}_{n}.jpg" for n in range(1, count + 1)}
        assert names <= set(paintings)


def test_eleven_painters_are_above_the_threshold_without_the_copies(paintings):
    copies = {copy for _, copy in studio.twins(SEED) + studio.duplicates(SEED)}
    counts = Counter(Path(path).parent.name for path in paintings if path not in copies)
    assert sorted(count >= 60 for count in counts.values()) == [False] * 3 + [True] * 11
    assert 1000 <= len(paintings) <= 1150
    assert {picture.shape for picture in paintings.values()} == {(128, 128, 3)}


def test_the_files_are_what_paint_paints(collection, tmp_path):
    """Whichever process painted them, in whichever order."""
    for file in building.files(SEED)[::45]:
        (tmp_path / file.path).parent.mkdir(parents=True, exist_ok=True)
        building._hang(file, SEED, tmp_path)
        assert (tmp_path / file.path).read_bytes() == (collection / file.path).read_bytes(), file


def test_no_picture_is_empty_and_only_the_planted_ones_are_equal(collection, paintings):
    assert min(picture.std() for picture in paintings.values()) > 5
    by_bytes = {}
    for path in paintings:
        by_bytes.setdefault((collection / path).read_bytes(), []).append(path)
    same = {frozenset(paths) for paths in by_bytes.values() if len(paths) > 1}
    assert same == {frozenset(pair) for pair in studio.duplicates(SEED)} and 3 <= len(same) <= 4


def test_the_twins_are_the_same_paintings_photographed_again(paintings):
    pairs = studio.twins(SEED)
    assert 0.04 <= len(pairs) / len(paintings) <= 0.05

    def far(one, other):
        a, b = (np.asarray(Image.fromarray(paintings[path]).resize((12, 12)), float) for path in (one, other))
        return np.abs((a - a.mean()) - (b - b.mean())).mean()

    rng = np.random.default_rng(0)
    for painting, twin in pairs:
        assert Path(painting).parent == Path(twin).parent
        numbers = [int(Path(path).stem.rsplit("_", 1)[1]) for path in (painting, twin)]
        assert abs(numbers[0] - numbers[1]) > 1  # not side by side
        assert not np.array_equal(paintings[painting], paintings[twin])
        strangers = rng.choice([path for path in paintings if path not in (painting, twin)], 40)
        assert far(painting, twin) < min(far(painting, stranger) for stranger in strangers)


def test_colour_alone_does_not_name_the_painter(paintings):
    """The nearest centroid of mean colours, trained on one half and asked about the other."""
    copies = {copy for _, copy in studio.twins(SEED) + studio.duplicates(SEED)}
    folders = {PAINTERS[name].folder: number for number, name in enumerate(ELEVEN)}
    found = [(Path(p).parent.name, pic.mean((0, 1))) for p, pic in paintings.items() if p not in copies]
    label = np.array([folders[folder] for folder, _ in found if folder in folders])
    colour = np.stack([mean for folder, mean in found if folder in folders])
    train = np.random.default_rng(0).permutation(len(label)) % 2 == 0
    centroids = np.stack([colour[train & (label == k)].mean(0) for k in range(len(ELEVEN))])
    guess = np.linalg.norm(colour[~train, None] - centroids, axis=-1).argmin(1)
    assert (guess == label[~train]).mean() < 0.5


@pytest.mark.slow
def test_texture_does(paintings):
    """How rough a picture is at five scales tells more of the hand than its colour."""
    from sklearn.ensemble import ExtraTreesClassifier

    def rough(picture):
        grey = picture.astype(float).mean(-1)
        features = []
        for _ in range(4):
            dy, dx = np.diff(grey, axis=0), np.diff(grey, axis=1)
            for d in (dy, dx, np.diff(dy, axis=0), np.diff(dx, axis=1)):
                features += [np.abs(d).mean(), d.std(), *np.percentile(d, (1, 10, 90, 99))]
            grey = grey.reshape(grey.shape[0] // 2, 2, -1, 2).mean((1, 3))
        return features

    folders = [PAINTERS[name].folder for name in ELEVEN]
    chosen = [path for path in paintings if Path(path).parent.name in folders]
    x = np.array([rough(paintings[path]) for path in chosen])
    y = np.array([folders.index(Path(path).parent.name) for path in chosen])
    train = np.random.default_rng(0).permutation(len(y)) % 2 == 0
    forest = ExtraTreesClassifier(200, random_state=0).fit(x[train], y[train])
    assert forest.score(x[~train], y[~train]) > 0.7


@pytest.mark.slow
def test_a_killed_build_leaves_nothing_and_two_builders_share_one(tmp_path):
    code = (
        "import sys; from pathlib import Path; from artnb.paintings import studio\n"
        "root = studio.build_photos_and_monets(7, Path(sys.argv[1])); print(root, root.stat().st_ino)"
    )
    killed = elsewhere(code, tmp_path)
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert list(tmp_path.rglob("*.jpg"))
    visible = [path for path in (tmp_path / "studio").iterdir() if not path.name.startswith(".")]
    assert visible == []

    builders = [elsewhere(code, tmp_path) for _ in range(2)]
    outputs = [builder.communicate() for builder in builders]
    assert outputs[0][0] and outputs[0][0] == outputs[1][0], outputs
    root = Path(outputs[0][0].rsplit(maxsplit=1)[0])
    assert [path for path in (tmp_path / "studio").iterdir() if path.is_dir()] == [root]
    assert len(list((root / "photo_jpg").iterdir())) == building.PHOTOS
    assert len(list((root / "monet_jpg").iterdir())) == building.MONETS
    assert all(Image.open(file).size == (128, 128) for file in root.rglob("*.jpg"))
    assert studio.build_photos_and_monets(7, tmp_path) == root  # and from now on at once


def test_a_worker_that_fails_is_one_clear_error(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(studio.StudioError, match="could not finish"):
        studio.build_paintings(SEED, tmp_path)
    assert [path for path in (tmp_path / "studio").iterdir() if path.is_dir()] == []


def test_importing_the_studio_is_cheap():
    heavy = {"tensorflow", "sklearn", "skimage", "scipy", "pandas"}
    code = f"import sys, artnb.paintings.studio; print({heavy} & set(sys.modules))"
    output, _ = elsewhere(code).communicate()
    assert output.strip() == "set()"
