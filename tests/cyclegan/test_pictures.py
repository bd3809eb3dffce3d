"""Which photographs and paintings are trained on, chosen by and kept for measuring."""

import os

import numpy as np
import pytest
from PIL import Image

from artnb.cyclegan.pictures import load_unpaired
from artnb.errors import TrainingError
from artnb.images import fit, load_image
from artnb.paintings.sources import PhotosAndMonets, pictures_in
from tests.conftest import draw

COUNTS = {"train": 17, "validation": 3, "test": 4}


def pictures_of(root):
    return PhotosAndMonets(root, "folder", *(pictures_in(root / name) for name in ("photo_jpg", "monet_jpg")))


@pytest.fixture
def root(tmp_path):
    for number in range(24):
        draw(tmp_path / "photo_jpg" / f"{number:02}.png", number)
        draw(tmp_path / "monet_jpg" / f"{number:02}.png", 100 + number)
    return tmp_path


def rows(images):
    return {image.tobytes() for image in images}


@pytest.mark.parametrize("seed", range(3))
def test_of_equal_files_one_counts_and_is_in_one_subset(root, seed, capsys):
    before = load_unpaired(pictures_of(root), 16, seed)
    names = {f"{subset}_{kind}": n for subset, n in COUNTS.items() for kind in ("photos", "monets")}
    assert capsys.readouterr().err == "" and before.counts() == names
    for number in range(24):
        for kind in ("photo_jpg", "monet_jpg"):
            (root / kind / f"copy{number}.png").write_bytes((root / kind / f"{number:02}.png").read_bytes())
    data = load_unpaired(pictures_of(root), 16, seed)
    assert data.counts() == names and data.skipped == () and (data.test, data.whole) == (before.test, before.whole)
    for kind in ("photos", "monets"):
        seen = [rows(getattr(data, f"{subset}_{kind}")) for subset in COUNTS]
        assert len(set.union(*seen)) == sum(map(len, seen)) == 24
    assert "Of the 96 pictures 48 are copies of others" in capsys.readouterr().err


def test_a_photograph_among_the_paintings_counts_once(root, capsys):
    (root / "monet_jpg" / "a.png").write_bytes((root / "photo_jpg" / "03.png").read_bytes())
    alone = load_unpaired(pictures_of(root), 16, 1)
    assert "1 are copies" in capsys.readouterr().err
    (root / "monet_jpg" / "a.png").unlink()
    assert alone.test == load_unpaired(pictures_of(root), 16, 1).test


def test_copies_are_too_few(root):
    for file in (root / "photo_jpg").iterdir():
        file.write_bytes((root / "photo_jpg" / "00.png").read_bytes())
    with pytest.raises(TrainingError, match="24 photographs, of which 1 can be read and are no copies"):
        load_unpaired(pictures_of(root), 16)


def test_one_folder_for_both_is_one_sentence(root):
    photos = pictures_in(root / "photo_jpg")
    with pytest.raises(TrainingError, match="24 paintings, of which 0 can be read and are no copies"):
        load_unpaired(PhotosAndMonets(root, "folder", photos, photos), 16)


def test_names_change_nothing_and_what_is_broken_is_left_out(root):
    before = load_unpaired(pictures_of(root), 16, 5)
    for number in range(24):
        (root / "photo_jpg" / f"{number:02}.png").rename(root / "photo_jpg" / f"{(7 * number) % 24:02}x.png")
    (root / "monet_jpg" / "07.gif").write_bytes(b"broken")
    after = load_unpaired(pictures_of(root), 16, 5)
    assert (after.test, after.whole) == (before.test, before.whole) and rows(after.test_photos) == rows(
        before.test_photos
    )
    assert len(after.skipped) == 1 and "07.gif" in after.skipped[0]
    assert load_unpaired(pictures_of(root), 16, 6).test != before.test


def test_a_monet_of_the_collection_is_where_the_painting_is(root, few_paintings, use, tmp_path):
    """Twenty paintings by Monet, of which the other folder holds photographs in another light, and one a copy."""
    collection = tmp_path / "collection"
    for number in range(20):
        picture = draw(collection / "images" / "Monet" / f"{number:02}.png", 300 + number, (160, 120))
        lighter = np.clip(load_image(picture).astype(int) + 9, 0, 255).astype(np.uint8)
        Image.fromarray(lighter[4:, 5:]).save(root / "monet_jpg" / f"m{number:02}.png")
    (root / "monet_jpg" / "copy.png").write_bytes((collection / "images" / "Monet" / "00.png").read_bytes())
    use(data=collection)
    from artnb.paintings.across import split_everything

    everything, _ = split_everything(pictures_of(root), 3)
    subset = {
        path.rpartition("/")[2]: subset for path, subset in zip(everything["path"], everything["subset"], strict=True)
    }
    own = everything[everything["artist"] == "Monet"]
    assert set(own["subset"]) == set(COUNTS)
    for path, expected in zip(own["path"], own["subset"], strict=True):
        assert subset[f"m{path[-6:]}"] == expected
    assert subset["copy.png"] == own["subset"].iloc[0]
    assert (everything.groupby("group")["subset"].nunique() == 1).all()
    data = load_unpaired(pictures_of(root), 16, 3)
    kept = everything[(everything["subset"] == "test") & (everything["artist"] == "monet_jpg")]
    assert rows(data.test_monets) == rows(fit(load_image(path), 16) for path in kept["path"])


def test_a_name_in_bytes_that_are_no_text_is_left_out_and_said(root, use, tmp_path):
    use(home=tmp_path / "home")
    before = load_unpaired(pictures_of(root), 16, 1)
    copy = (root / "photo_jpg" / "03.png").read_bytes()
    with open(os.fsencode(root / "photo_jpg") + b"/caf\xe9.png", "wb") as file:  # noqa: PTH123
        file.write(copy)
    for _ in range(2):  # audited, and remembered
        data = load_unpaired(pictures_of(root), 16, 1)
        assert data.whole == before.whole
        assert data.skipped == ("'caf\\udce9.png' has a name that is no UTF-8; rename it.",)
