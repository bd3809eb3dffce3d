"""The built-in painters: the collection that ships, and the code in tools/ that painted it."""

import csv
import shutil
from collections import Counter
from dataclasses import asdict, fields, replace
from io import BytesIO
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from artnb.errors import ArtnbError
from artnb.images import fit, load_image
from artnb.paintings import studio
from artnb.paintings.catalogue import COLUMNS
from artnb.paintings.splits import split_paintings, threshold
from tools.studio import building, photographs
from tools.studio.moods import MOODS
from tools.studio.painters import PAINTERS
from tools.studio.scenes import SUBJECTS, scene

WORKS = studio.works()
MEGABYTES = 20


def shown(path):
    """A picture of the collection, uint8."""
    return load_image(studio.ROOT / path)


@pytest.fixture(scope="module")
def pictures():
    """Path -> uint8 (24, 24, 3), the square in its middle."""
    return {path: fit(shown(path), 24) for path in WORKS["path"]}


# What ships is what the code paints


def stored(image, file):
    """How far a picture, saved as the collection's are, is from a file of it: the mean difference, of 255 levels."""
    saved = BytesIO()
    building.save(image, saved)
    return np.abs(np.asarray(Image.open(saved), float) - np.asarray(Image.open(file), float)).mean()


def chosen(artist):
    """The first of the painter's works of a scene that all have painted, the last of the others, and a twin."""
    own = [work for work in building.works() if work.artist == artist]
    yield from [next(w for w in own if w.scene), next(w for w in own[::-1] if not w.scene and not w.duplicate)]
    yield next(w for w in own if w.duplicate == "near")


@pytest.mark.parametrize("artist", PAINTERS)
def test_what_ships_is_what_the_code_paints(artist):
    """Three pictures of each painter, compared after JPEG by their pixels.

    On the machine that painted them they are the same to the byte. Another processor or library has other last bits of
    floats: one picture in twenty is another file then, by a pixel of another level, or a stroke.
    """
    for work in chosen(artist):
        assert stored(building.picture(work), studio.ROOT / work.path) < 1, work


@pytest.mark.parametrize("kind", ["photo", "monet"])
def test_the_photographs_and_monets_that_ship_are_what_the_code_paints(kind):
    for number in (0, 7, 99):
        image = getattr(building, kind)(number)
        assert stored(image, studio.ROOT / f"{kind}_jpg/{kind}_{number:03d}.jpg") < 1


def test_the_tables_that_ship_are_what_the_code_says():
    names = [field.name for field in fields(building.Work)]
    with (studio.ROOT / "works.csv").open(encoding="utf-8", newline="") as sheet:
        rows = list(csv.DictReader(sheet))
    said = [{name: str(value) for name, value in asdict(work).items()} for work in building.works()]
    assert rows == sorted(said, key=lambda row: row["path"]) and list(rows[0]) == names == list(WORKS.columns)
    with (studio.ROOT / "artists.csv").open(encoding="utf-8", newline="") as sheet:
        artists = list(csv.DictReader(sheet))
    assert tuple(artists[0]) == COLUMNS
    files = Counter(WORKS["artist"])
    for row, painter in zip(artists, PAINTERS.values(), strict=True):
        assert (row["name"], row["bio"], int(row["paintings"])) == (painter.name, painter.bio, files[painter.name])
    assert any("," in row["nationality"] for row in artists)
    assert {painter.name: painter.master for painter in PAINTERS.values() if painter.master} == studio.MASTERS


# The collection


def test_the_collection_is_whole_and_small():
    assert studio.is_whole()
    files = {file.relative_to(studio.ROOT).as_posix() for file in studio.ROOT.glob("images/images/*/*")}
    assert files == set(WORKS["path"])
    assert sum(file.stat().st_size for file in studio.ROOT.rglob("*") if file.is_file()) <= MEGABYTES * 1e6
    heaps = [len(list((studio.ROOT / name).iterdir())) for name in ("photo_jpg", "monet_jpg")]
    assert heaps == [building.PHOTOS, building.MONETS]


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A small collection of one's own in the place of the one that ships."""
    for name in ("works.csv", "artists.csv", *WORKS["path"][:3]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(studio.ROOT / name, tmp_path / name)
    (tmp_path / "digest.txt").write_text(studio.digest_of(tmp_path))
    monkeypatch.setattr(studio, "ROOT", tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "harm",
    [
        lambda file: file.write_bytes(file.read_bytes()[:-1]),
        lambda file: file.unlink(),
        lambda file: file.rename(file.with_name("another.jpg")),
        lambda file: shutil.copyfile(file, file.with_name("one_more.jpg")),
    ],
    ids=["cut off", "missing", "renamed", "added"],
)
def test_a_damaged_installation_is_noticed(installed, harm):
    assert studio.is_whole()
    harm(installed / WORKS["path"][1])
    assert not studio.is_whole()


def test_without_its_digest_no_collection_is_whole(installed):
    (installed / "digest.txt").unlink()
    assert not studio.is_whole()


def test_eleven_painters_have_enough_and_the_others_do_not():
    counts = WORKS[WORKS["duplicate"] == ""].groupby("artist").size()
    least = threshold(counts)
    assert (counts >= least).sum() == 11 and least >= 100 and counts.min() >= 20
    assert counts.nsmallest(8).max() < least / 2  # strangers are far from being chosen


def test_the_pictures_have_the_archives_names_and_three_shapes():
    for artist, own in WORKS.groupby("artist"):
        folder = artist.replace(" ", "_")
        assert set(own["path"]) == {f"images/images/{folder}/{folder}_{n}.jpg" for n in range(1, len(own) + 1)}
    shapes = [building.WIDE, building.UPRIGHT, building.SQUARE]
    assert {Image.open(studio.ROOT / path).size[::-1] for path in WORKS["path"]} == set(shapes)


def test_no_picture_is_empty_and_only_the_planted_ones_are_equal(pictures):
    assert min(picture.std() for picture in pictures.values()) > 5
    by_bytes = {}
    for path in WORKS["path"]:
        by_bytes.setdefault((studio.ROOT / path).read_bytes(), []).append(path)
    same = {frozenset(paths) for paths in by_bytes.values() if len(paths) > 1}
    assert same == {frozenset(pair) for pair in studio.duplicates("exact")[["path", "other"]].to_numpy()} != set()


# What only the studio knows


def test_twins_are_one_painting_photographed_again_as_strongly_as_is_said(pictures):
    pairs = studio.duplicates("near")
    assert 0.04 <= len(pairs) / len(WORKS) <= 0.06

    def far(one, other):
        a, b = (pictures[path].astype(float) for path in (one, other))
        return np.abs((a - a.mean()) - (b - b.mean())).mean()

    rng = np.random.default_rng(0)
    nearer = 0
    for pair in pairs.itertuples():
        others = [path for path in rng.choice(WORKS["path"], 40) if path not in (pair.path, pair.other)]
        nearer += far(pair.path, pair.other) < min(far(pair.path, path) for path in others)
    assert nearer >= 0.98 * len(pairs)
    lighter = [pictures[pair.other].mean() - pictures[pair.path].mean() for pair in pairs.itertuples()]
    assert np.corrcoef(lighter, pairs["lighter"])[0, 1] > 0.9
    assert pairs["cropped"].between(0.01, 0.1).all() and pairs["lighter"].between(-20, 20).all()
    assert WORKS.loc[WORKS["duplicate"] != "near", ["cropped", "lighter"]].eq(0).all(axis=None)


def test_one_scene_is_painted_by_all(pictures):
    def shapes(path):
        grey = pictures[path].astype(float).mean(-1)
        return ((grey - grey.mean()) / grey.std()).ravel()

    scenes = {number: studio.same_scene(number) for number in WORKS["scene"].dropna().unique()}
    assert len(scenes) == len(SUBJECTS)
    for number, by_painter in scenes.items():
        assert list(by_painter) == sorted(PAINTERS)
        shown_there = WORKS[WORKS["path"].isin(by_painter.values())]
        assert shown_there[["motif", "mood"]].nunique().tolist() == [1, 1], number
    alike = {
        same: np.mean([shapes(one) @ shapes(other) / 576 for one, other in pairs])
        for same, pairs in (
            (True, [pair for s in scenes.values() for pair in combinations(s.values(), 2)]),
            (False, [(scenes[n][p], scenes[(n + 1) % 12][p]) for n in scenes for p in PAINTERS]),
        )
    }
    assert alike[True] > 0.5 > alike[False] + 0.2


def table_of(works):
    return works.assign(group=works.groupby(["artist", "number"]).ngroup(), sha256=works["path"])


def test_a_motif_is_left_out_of_a_split():
    paintings = table_of(WORKS)[["path", "artist", "group", "sha256"]]
    rest, left = studio.leave_out(paintings, motif="portrait")
    motif = WORKS.set_index("path")["motif"]
    assert set(motif[left["path"]]) == {"portrait"} and "portrait" not in set(motif[rest["path"]])
    assert len(rest) + len(left) == len(paintings) and list(rest.columns) == list(paintings.columns)
    assert not set(rest["group"]) & set(left["group"]), "twins stay together"
    split = split_paintings(rest)
    assert set(split["path"]) == set(rest["path"])


def test_a_painter_is_left_out_and_also_one_motif_of_a_painter():
    rest, left = studio.leave_out(WORKS, artist="Kees Terwindt")
    assert set(left["artist"]) == {"Kees Terwindt"} and "Kees Terwindt" not in set(rest["artist"])
    fewer, seas = studio.leave_out(WORKS, artist="Kees Terwindt", motif="sea")
    assert set(seas["path"]) == set(left.loc[left["motif"] == "sea", "path"]) and len(seas) > 0
    assert len(fewer) == len(WORKS) - len(seas)
    some = WORKS.iloc[5:50]
    rest, left = studio.leave_out(some, motif=some["motif"].iloc[0])
    assert len(rest) + len(left) == 45 and rest.index[0] == left.index[0] == 0


def test_there_are_twelve_scenes_and_two_kinds_of_duplicates():
    with pytest.raises(ArtnbError, match="There is no scene 12; there are 0 to 11"):
        studio.same_scene(12)
    with pytest.raises(ArtnbError, match="no kind of duplicate 'twin'; there are near, exact"):
        studio.duplicates("twin")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "neither a motif nor an artist"),
        ({"motif": "dragon"}, "no motif 'dragon'; there are abstract, bouquet"),
        ({"artist": "Claude Monet"}, "no painter 'Claude Monet'; there are Albrecht Schraffer"),
    ],
)
def test_what_can_not_be_left_out_is_said(asked, words):
    with pytest.raises(ArtnbError, match=words):
        studio.leave_out(WORKS, **asked)


def test_nothing_is_left_out_of_another_collection():
    with pytest.raises(ArtnbError, match=r"'images/El_Greco/1.jpg' is none of the studio's"):
        studio.leave_out(pd.DataFrame({"path": [WORKS["path"][0], "images/El_Greco/1.jpg"]}), motif="sea")


def test_what_is_done_to_the_table_stays_with_who_did_it():
    studio.works().insert(0, "mine", 1)
    assert studio.works().equals(WORKS)


# The code that painted it


@pytest.mark.parametrize("artist", PAINTERS)
def test_a_painter_paints_real_and_different_pictures(artist):
    works = [building.Work("", artist, number, "sea", "noon") for number in range(20, 23)]
    painted = [building.paint(work, seed=5) for work in works]
    for picture in painted:
        assert picture.dtype == np.uint8 and picture.std() > 8
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 500
    small = [fit(picture, 64).astype(int) for picture in painted]
    assert min(np.abs(one - other).mean() for one, other in combinations(small, 2)) > 8


def test_a_picture_depends_on_seed_painter_and_number_only():
    work = building.Work("", "Zélie Ciseau", 20, "sea", "noon")
    first = building.paint(work, seed=1).tobytes()
    others = [(replace(work, number=21), 1), (work, 2), (replace(work, artist="Odile Poincaré"), 1)]
    assert first not in [building.paint(other, seed).tobytes() for other, seed in others]
    assert first == building.paint(work, seed=1).tobytes()


@pytest.mark.parametrize("artist", PAINTERS)
def test_any_photograph_can_be_painted_in_any_hand(artist):
    y, x = np.mgrid[:70, :96]
    photograph = np.stack([x * 2.6, y * 3.5, 255 - x * 2], axis=-1).astype(np.uint8)
    painted = building.repaint(photograph, artist, seed=3)
    assert painted.shape == photograph.shape and painted.dtype == np.uint8
    assert not np.array_equal(painted, photograph)
    assert np.array_equal(painted, building.repaint(photograph, artist, seed=3))


@pytest.mark.parametrize("value", [0, 255])
@pytest.mark.parametrize("artist", PAINTERS)
def test_an_empty_photograph_breaks_no_hand(artist, value):
    with np.errstate(invalid="raise"):
        assert building.repaint(np.full((64, 64, 3), value, np.uint8), artist).shape == (64, 64, 3)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_scenes_are_pictures_in_range(subject):
    for number, mood in enumerate(MOODS):
        reference = scene(subject, mood, np.random.default_rng(number), 64)
        assert reference.shape == (64, 64, 3) and reference.dtype == np.float32
        assert reference.min() >= 0 and reference.max() <= 1 and reference.std() > 0.02


def test_the_photographs_beside_the_monets_are_landscapes_and_mostly_composed(monkeypatch):
    taken, photograph = [], photographs.photograph
    monkeypatch.setattr(building, "photograph", lambda rng, *args: taken.append(args[1]) or photograph(rng, *args))
    for index in range(20):
        building.photo(index)
    assert taken == [photographs.LANDSCAPES] * 5
