import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image, ImageEnhance

from artnb.images import ImageError, load_image
from artnb.paintings import studio as painters
from artnb.paintings.audit import audit_collection, groups
from artnb.paintings.preparation import load_audit
from artnb.paintings.sources import read_collection
from tests.conftest import draw
from tools.studio.building import repaint
from tools.studio.scenes import scene


@pytest.fixture(scope="module")
def found_in_studio(studio):
    return load_audit(studio)


def test_the_studios_twins_are_found_and_nothing_else(found_in_studio):
    def planted_as(kind):
        return {tuple(sorted(pair)) for pair in painters.duplicates(kind)[["path", "other"]].to_numpy()}

    planted = planted_as("near")
    found = set(found_in_studio.near_duplicates)
    assert len(found & planted) >= 0.9 * len(planted) and len(found - planted) <= 2
    assert set(found_in_studio.exact_duplicates) == planted_as("exact")


def test_broken_files_are_listed_with_a_reason(tmp_path):
    folder = tmp_path / "images" / "Somebody"
    whole = draw(folder / "1_whole.jpg", seed=1, size=(200, 160)).read_bytes()
    (folder / "2_truncated.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "3_empty.jpg").write_bytes(b"")
    (folder / "4_text.jpg").write_text("not a picture")
    Image.open(draw(folder / "5_png.png", seed=2, size=(100, 100))).save(folder / "5_png.jpg", "PNG")
    (folder / "5_png.png").unlink()
    Image.open(draw(folder / "6_grey.jpg", seed=3, size=(100, 100))).convert("L").save(folder / "6_grey.jpg")
    draw(folder / "7_tiny.jpg", seed=4, size=(40, 90))
    found = audit_collection(read_collection(tmp_path))
    name = "images/Somebody/{}".format
    assert (found.files, found.artists) == (7, 1)
    assert found.unreadable == (name("2_truncated.jpg"), name("3_empty.jpg"), name("4_text.jpg"))
    assert found.mislabelled == (name("5_png.jpg"),)
    assert found.wrong_mode == (name("6_grey.jpg"),) and found.tiny == (name("7_tiny.jpg"),)
    assert set(found.reasons) == {*found.unreadable, *found.mislabelled, *found.wrong_mode, *found.tiny}
    assert "empty" in found.reasons[name("3_empty.jpg")] and "text" in found.reasons[name("4_text.jpg")]
    assert "Unreadable: 3 files" in found.report()


def test_copies_are_exact_duplicates_across_artists(tmp_path):
    data = draw(tmp_path / "images/Degas/a.jpg", seed=1).read_bytes()
    draw(tmp_path / "images/Degas/b.jpg", seed=2)
    for copy in ("Manet/a.jpg", "Manet/c.jpg"):
        (tmp_path / "images" / copy).parent.mkdir(exist_ok=True)
        (tmp_path / "images" / copy).write_bytes(data)
    found = audit_collection(read_collection(tmp_path))
    one, two, three = (f"images/{name}" for name in ("Degas/a.jpg", "Manet/a.jpg", "Manet/c.jpg"))
    assert found.exact_duplicates == ((one, two), (one, three), (two, three)) and found.near_duplicates == ()
    assert found.to_dict()["exact_duplicates"] == [[one, two], [one, three], [two, three]]


def photographed_again(picture):
    """Other photographs of the same picture: name -> picture."""
    width, height = picture.size
    return {
        "cropped": picture.crop((width // 16, height // 20, width, height - height // 25)),
        "paler": ImageEnhance.Brightness(ImageEnhance.Contrast(picture).enhance(0.6)).enhance(1.3),
        "grey": picture.convert("L"),
        "small": picture.resize((width // 2, height // 2)),
        "stretched": picture.resize((width, height * 6 // 5)),
        "mirrored": picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    }


@pytest.mark.parametrize("name", ["cropped", "paler", "grey", "small", "stretched", "mirrored"])
def test_the_same_painting_in_another_photograph_is_found(tmp_path, name):
    folder = tmp_path / "images" / "Somebody"
    folder.mkdir(parents=True)
    works = painters.works().query("artist == 'Camille Aubertin' and duplicate == ''")["path"]
    picture = Image.open(painters.ROOT / works.iloc[3]).resize((256, 256))
    picture.save(folder / "a.jpg")
    photographed_again(picture)[name].save(folder / "b.jpg", quality=60)
    for path in works.iloc[4:12]:
        shutil.copy(painters.ROOT / path, folder)
    assert audit_collection(read_collection(tmp_path)).near_duplicates == (
        ("images/Somebody/a.jpg", "images/Somebody/b.jpg"),
    )


def test_a_series_of_one_subject_is_several_paintings(tmp_path):
    folder = tmp_path / "images" / "Somebody"
    folder.mkdir(parents=True)
    for number in range(12):
        drawn = scene("river", "dusk", np.random.default_rng(number))
        picture = repaint((drawn * 255).clip(0, 255).astype(np.uint8), "Camille Aubertin", number)
        Image.fromarray(picture).save(folder / f"{number}.jpg")
    found = audit_collection(read_collection(tmp_path))
    assert found.files == 12 and found.near_duplicates == ()


def test_blank_pictures_are_not_all_the_same_painting(tmp_path):
    folder = tmp_path / "images" / "Somebody"
    folder.mkdir(parents=True)
    for grey in range(0, 256, 51):
        noise = np.random.default_rng(grey).normal(grey, 2, (100, 100, 3)).clip(0, 255)
        Image.fromarray(noise.astype(np.uint8)).save(folder / f"{grey}.jpg")
    assert audit_collection(read_collection(tmp_path)).near_duplicates == ()


@pytest.mark.parametrize("number", [1, 2])
def test_a_collection_of_one_or_two_pictures_is_audited(tmp_path, number):
    for seed in range(number):
        draw(tmp_path / f"images/Degas/{seed}.jpg", seed)
    found = audit_collection(read_collection(tmp_path))
    assert found.files == number and found.duplicates == () and str(number) in found.report()


def test_groups_are_the_connected_components():
    paintings = pd.DataFrame({"path": list("abcdefg")}, index=range(10, 17))
    numbers = groups(paintings, [("a", "c"), ("f", "c"), ("d", "e"), ("a", "not here")])
    assert numbers.tolist() == [0, 1, 0, 2, 2, 0, 3] and numbers.index.equals(paintings.index)
    assert groups(paintings, []).tolist() == list(range(7))


# Pairs of the real paintings, each looked at side by side, and what makes it hard.
THE_SAME = {
    ("Diego_Velazquez_104", "Diego_Velazquez_16"): "another light",
    ("Edgar_Degas_1", "Edgar_Degas_3"): "stretched",
    ("Edgar_Degas_208", "Edgar_Degas_368"): "mirrored",
    ("Edgar_Degas_388", "Edgar_Degas_614"): "black there, brown here",
    ("Edgar_Degas_558", "Edgar_Degas_593"): "mirrored, yellowed",
    ("Edgar_Degas_648", "Edgar_Degas_702"): "pink and brown",
    ("Hieronymus_Bosch_35", "Hieronymus_Bosch_53"): "with its wings and without",
    ("Rembrandt_123", "Rembrandt_160"): "nearly black",
    ("Sandro_Botticelli_147", "Sandro_Botticelli_149"): "framed and not",
    ("Titian_249", "Titian_250"): "a detail",
    ("Titian_6", "Titian_7"): "another part",
    ("Vincent_van_Gogh_520", "Vincent_van_Gogh_815"): "grey",
    ("Vincent_van_Gogh_750", "Vincent_van_Gogh_91"): "another palette",
}
NOT_THE_SAME = {
    ("Alfred_Sisley_208", "Alfred_Sisley_219"): "one church, two weathers",
    ("Edgar_Degas_34", "Edgar_Degas_421"): "sketch and painting",
    ("Francisco_Goya_104", "Francisco_Goya_284"): "two states",
    ("Hieronymus_Bosch_106", "Hieronymus_Bosch_9"): "workshop's copy",
    ("Piet_Mondrian_51", "Piet_Mondrian_82"): "black lines",
    ("Rembrandt_110", "Rembrandt_168"): "two faces, alike to a hash",
    ("Rembrandt_167", "Rembrandt_175"): "pupil's copy",
    ("Titian_16", "Titian_191"): "workshop's version",
    ("Titian_190", "Titian_193"): "workshop's version",
    ("Titian_201", "Titian_203"): "workshop's version",
    ("Titian_221", "Titian_33"): "version and copy",
    ("Vincent_van_Gogh_109", "Vincent_van_Gogh_431"): "painted twice",
    ("Vincent_van_Gogh_199", "Vincent_van_Gogh_575"): "drawn and painted",
    ("Vincent_van_Gogh_431", "Vincent_van_Gogh_575"): "painted twice",
}


@pytest.fixture(scope="module")
def found_in_real_paintings(shared_paintings):
    """What the audit finds among the pictures named above and every eighth of the others."""
    collection = read_collection(shared_paintings)
    names = {name for pair in (*THE_SAME, *NOT_THE_SAME) for name in pair}
    paintings = collection.paintings
    chosen = paintings["path"].map(lambda path: Path(path).stem in names) | (paintings.index % 8 == 0)
    assert names <= set(paintings["path"].map(lambda path: Path(path).stem))
    found = audit_collection(replace(collection, paintings=paintings[chosen].reset_index(drop=True)))
    return {tuple(sorted(Path(path).stem for path in pair)) for pair in found.near_duplicates}


def test_real_paintings_photographed_twice_are_found(found_in_real_paintings):
    assert {pair: why for pair, why in THE_SAME.items() if pair not in found_in_real_paintings} == {}


def test_two_real_paintings_of_one_series_stay_two(found_in_real_paintings):
    assert {pair: why for pair, why in NOT_THE_SAME.items() if pair in found_in_real_paintings} == {}


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("missing", [1, 2, 50, 5000, 50_000])
def test_a_large_jpeg_is_readable_if_and_only_if_load_image_reads_it(tmp_path, missing, progressive):
    file = tmp_path / "images/Somebody/large.jpg"
    file.parent.mkdir(parents=True)
    large = Image.effect_noise((1200, 1000), 60).convert("RGB")
    large.save(file, quality=80, progressive=progressive)
    file.write_bytes(file.read_bytes()[:-missing])
    try:
        load_image(file)
        broken = 0
    except ImageError:
        broken = 1
    assert len(audit_collection(read_collection(tmp_path)).unreadable) == broken
    assert broken or missing <= 50


def odd_jpegs():
    """Name -> bytes of JPEGs about which Pillow and our door may not agree."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (400, 300, 3), np.uint8))
    kinds = {"plain": {}, "progressive": {"progressive": True}}
    whole = {}
    for name, options in kinds.items():
        buffer = io.BytesIO()
        noise.save(buffer, "JPEG", **options)
        whole[name] = buffer.getvalue()
    yield "plain.jpg", whole["plain"]
    for name, data in whole.items():
        yield f"{name}_many_scans.jpg", data + b"\xff\xda" * 300
        for start in (2, 300, 700, len(data) // 2):
            yield f"{name}_{start}.jpg", data[:start] + b"\xff\xd8\xff\x00" * 4 + data[start + 16 :]
    buffer = io.BytesIO()
    Image.new("L", (10_001, 10_000)).save(buffer, "JPEG")
    yield "large.jpg", buffer.getvalue()
    buffer = io.BytesIO()
    noise.convert("CMYK").save(buffer, "JPEG")
    yield "cmyk.jpg", buffer.getvalue()
    buffer = io.BytesIO()
    Image.new("I", (80, 80), 70_000).save(buffer, "TIFF")
    yield "32_bits.tif", buffer.getvalue()


def test_what_the_audit_calls_readable_is_what_load_image_reads(tmp_path):
    folder = tmp_path / "images/Somebody"
    folder.mkdir(parents=True)
    for name, data in odd_jpegs():
        (folder / name).write_bytes(data)
    broken = {}
    for file in folder.iterdir():
        try:
            load_image(file)
        except ImageError as error:
            broken[f"images/Somebody/{file.name}"] = str(error)
    audit = audit_collection(read_collection(tmp_path))
    assert set(audit.unreadable) == set(broken) and {path: audit.reasons[path] for path in broken} == broken
    assert {"plain_many_scans.jpg", "large.jpg", "32_bits.tif"} <= {Path(path).name for path in broken}
    assert "images/Somebody/cmyk.jpg" in audit.sha256
