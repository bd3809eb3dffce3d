"""A folder of any size is walked in one order and decoded a little ahead; what is broken holds nothing up."""

import hashlib
import time

import numpy as np
import pytest

from artnb.images import fit, load_image
from artnb.paintings import sources, streaming
from artnb.paintings.sources import SourceError, pictures_in, walk_pictures
from artnb.paintings.streaming import path_in, stream
from tests.conftest import draw


@pytest.fixture
def folder(tmp_path):
    for number, name in enumerate(["b/2.jpg", "b/1.png", "a/deep/er/3.jpg", "0.jpg", "c.jpg/inside.jpg"]):
        draw(tmp_path / name, number)
    for number in range(200):
        (tmp_path / "b" / f"._{number}.jpg").write_bytes(b"hidden")
    draw(tmp_path / "@eaDir" / "thumbnail.jpg", 1)
    (tmp_path / "b" / "notes.txt").write_text("no picture")
    (tmp_path / "a" / "circle").symlink_to(tmp_path)
    (tmp_path / "lost.jpg").symlink_to(tmp_path / "nowhere.jpg")
    return tmp_path


def test_the_order_is_that_of_all_pictures_and_links_in_circles_end(folder):
    files = list(walk_pictures(folder, pytest.fail))
    assert files == list(pictures_in(folder, deep=True))
    found = [path_in(folder, file) for file in files]
    assert found == ["0.jpg", "lost.jpg", "a/deep/er/3.jpg", "b/1.png", "b/2.jpg", "c.jpg/inside.jpg"]


def test_a_folder_that_can_not_be_read_is_told_once_and_the_others_are_walked(folder, monkeypatch):
    def files(place, folders=False, listed=sources._files):
        if place.name == "b":
            raise SourceError("The folder b can't be read.")
        return listed(place, folders)

    monkeypatch.setattr(sources, "_files", files)
    told = []
    assert len(list(walk_pictures(folder, told.append))) == 4
    assert [str(error) for error in told] == ["The folder b can't be read."]


def test_every_picture_comes_as_it_was_read_and_broken_ones_say_why(folder):
    (folder / "b" / "1.png").write_bytes(b"a text")
    found = list(stream(walk_pictures(folder, pytest.fail), folder, 32))
    assert [picture.path for picture in found if picture.error] == ["lost.jpg", "b/1.png"]
    for picture in found:
        if picture.error:
            assert picture.image is None and picture.error.endswith(".")
        else:
            data = (folder / picture.path).read_bytes()
            assert picture.sha256 == hashlib.sha256(data).hexdigest()
            np.testing.assert_array_equal(picture.image, fit(load_image(data), 32))
    assert found[3].sha256 == hashlib.sha256(b"a text").hexdigest() and found[1].sha256 is None


def test_a_file_that_changes_while_it_is_read_has_the_digest_of_what_was_decoded(folder, monkeypatch):
    before = (folder / "0.jpg").read_bytes()

    def read(file, read_bytes=streaming.read_bytes):
        data = read_bytes(file)
        draw(folder / "0.jpg", 99)
        return data

    monkeypatch.setattr(streaming, "read_bytes", read)
    (picture,) = stream([folder / "0.jpg"], folder, 32)
    assert picture.sha256 == hashlib.sha256(before).hexdigest()
    np.testing.assert_array_equal(picture.image, fit(load_image(before), 32))


def test_no_more_is_read_ahead_than_fits(folder, monkeypatch):
    monkeypatch.setattr(streaming, "AHEAD", 4)
    asked = []

    def files():
        for number in range(1000):
            asked.append(number)
            yield folder / "0.jpg"

    pictures = stream(files(), folder, 16)
    next(pictures)
    time.sleep(0.05)
    assert len(asked) == 4
    next(pictures)
    assert len(asked) == 5
    pictures.close()


def test_a_large_picture_is_a_picture(folder, monkeypatch):
    monkeypatch.setattr(streaming, "_LARGE", 1)
    assert not any(picture.error for picture in stream([folder / "0.jpg"] * 5, folder, 16))


def test_a_name_that_is_no_utf_8_can_be_written(tmp_path):
    assert path_in(tmp_path, tmp_path / "D\udcfcrer.jpg") == r"D\udcfcrer.jpg"
