"""Which photographs and paintings are kept back for measuring."""

import numpy as np
import pytest

from artnb import models
from artnb.cards import Card
from artnb.cyclegan.pictures import load_unpaired
from artnb.errors import TrainingError
from artnb.paintings.sources import PhotosAndMonets, pictures_in
from tests.conftest import SHARED, draw


def pictures_of(root):
    return PhotosAndMonets(root, "folder", *(pictures_in(root / name) for name in ("photo_jpg", "monet_jpg")))


@pytest.fixture
def root(tmp_path):
    for number in range(20):
        draw(tmp_path / "photo_jpg" / f"{number:02}.png", number)
        draw(tmp_path / "monet_jpg" / f"{number:02}.png", 100 + number)
    return tmp_path


def rows(images):
    return {image.tobytes() for image in images}


@pytest.mark.parametrize("seed", range(5))
def test_of_equal_files_one_counts_and_is_on_one_side(root, seed, capsys):
    before = load_unpaired(pictures_of(root), 16, seed)
    assert capsys.readouterr().err == "" and before.counts() == {
        "train_photos": 16, "train_monets": 16, "test_photos": 4, "test_monets": 4
    }  # fmt: skip
    for number in range(20):
        for kind in ("photo_jpg", "monet_jpg"):
            (root / kind / f"copy{number}.png").write_bytes((root / kind / f"{number:02}.png").read_bytes())
    data = load_unpaired(pictures_of(root), 16, seed)
    assert data.counts() == before.counts() and data.skipped == ()
    for train, test in ((data.train_photos, data.test_photos), (data.train_monets, data.test_monets)):
        assert not rows(train) & rows(test) and len(rows(train)) == 16
    assert "Of the 80 pictures 40 are copies of others" in capsys.readouterr().err


def test_a_photograph_among_the_paintings_counts_once(root, capsys):
    (root / "monet_jpg" / "a.png").write_bytes((root / "photo_jpg" / "03.png").read_bytes())
    alone = load_unpaired(pictures_of(root), 16, 1)
    assert "1 are copies" in capsys.readouterr().err
    (root / "monet_jpg" / "a.png").unlink()
    assert alone.test == load_unpaired(pictures_of(root), 16, 1).test


def test_eight_copies_are_too_few(root):
    for file in (root / "photo_jpg").iterdir():
        file.write_bytes((root / "photo_jpg" / "00.png").read_bytes())
    with pytest.raises(TrainingError, match="20 photographs, of which 1 can be read and are no copies"):
        load_unpaired(pictures_of(root), 16)


def test_without_copies_the_split_is_what_it_was(root):
    """As it was before copies were looked for: a permutation of the files that can be read."""
    (root / "photo_jpg" / "07.png").write_bytes(b"broken")
    data = load_unpaired(pictures_of(root), 16, 5)
    order = np.random.default_rng(5).permutation(19)
    readable = [file for file in pictures_of(root).photos if file.name != "07.png"]
    from artnb.images import fit, load_image

    assert rows(data.test_photos) == rows(fit(load_image(readable[k]), 16) for k in order[:4])
    assert len(data.skipped) == 1


def test_the_starters_pictures_are_still_kept_back():
    """The shared photographs hold one copy, which the starter was trained with; its test stays what it is."""
    folder = SHARED / "gan-getting-started"
    if not folder.is_dir():
        pytest.skip("the shared photographs are not on this machine")
    card = Card.load(models.STARTERS / "starter-monet")
    data = load_unpaired(pictures_of(folder), 8, card.seed)
    assert data.test == card.test and data.counts() == card.pictures | {"train_photos": 849}
