"""Painting pictures of any size: tiles are the whole, films do not flicker, and every option does what it says."""

import numpy as np
import pytest

from artnb.films import Film
from artnb.images import ImageError
from artnb.style.colours import palette
from artnb.style.fast import brush as painting
from artnb.style.fast import passes
from artnb.style.fast.brush import Brush, Manner
from artnb.style.state import StyleError
from tests.style.fast.conftest import noise


@pytest.fixture(scope="module")
def brush(trained):
    return Brush(trained[False].networks, trained[False].recipe)


@pytest.fixture(scope="module")
def manner(styles):
    return Manner(np.array([0.7, 0.3], np.float32), styles[0].palette)


PHOTO = noise(7, 75, 90)


def changed(manner, **options):
    return Manner(manner.code, manner.target, **options)


@pytest.mark.parametrize("tile", [32, 64])
def test_tiles_are_the_whole(brush, manner, monkeypatch, tile):
    whole = brush.paint(PHOTO, manner)
    assert np.abs(whole.astype(int) - PHOTO).mean() > 5
    monkeypatch.setattr(painting, "WHOLE", 1)
    monkeypatch.setattr(passes, "TILE", tile)
    tiled = brush.paint(PHOTO, manner)
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_a_film_of_one_picture_is_the_picture(brush, manner):
    shared = brush.share([PHOTO], manner)
    assert np.abs(brush.paint(PHOTO, manner).astype(int) - brush.paint(PHOTO, manner, shared=shared)).max() <= 1


def test_what_does_not_move_does_not_flicker(brush, manner):
    still = np.concatenate([PHOTO, PHOTO, PHOTO], axis=1)
    moving = still.copy()
    moving[:, -40:] = 255 - moving[:, -40:]
    film = Film([still, moving], ["one", "two"], [100, 100])
    first, second = (frame.astype(int) for _, frame in brush.film(film, manner))
    assert np.abs(first - second)[:, :100].max() <= 1
    alone = [brush.paint(frame, manner).astype(int) for frame in (still, moving)]
    assert np.abs(alone[0] - alone[1])[:, :100].max() > 1


def test_a_broken_frame_is_told_and_nothing_is_lost(brush, manner):
    film = Film([PHOTO, b"nonsense", PHOTO], ["a", "b", "c"], [100] * 3)
    frames = list(brush.film(film, manner))
    assert [number for number, _ in frames] == [0, 1, 2]
    assert isinstance(frames[1][1], ImageError) and np.array_equal(frames[0][1], frames[2][1])
    with pytest.raises(ImageError):
        list(brush.film(Film([b"nonsense"], ["a"], [100]), manner))


def test_strength_is_a_way_from_the_photograph_to_the_painting(brush, manner):
    distances = [
        np.abs(brush.paint(PHOTO, changed(manner, strength=strength)).astype(int) - PHOTO).mean()
        for strength in (0, 0.3, 1)
    ]
    assert distances[0] == 0 < distances[1] < distances[2]


def test_colours_are_those_of_the_style_or_kept(brush, manner):
    from PIL import Image

    kept = brush.paint(PHOTO, changed(manner, keep_colours=True))
    chroma = [np.asarray(Image.fromarray(each).convert("YCbCr"))[..., 1:].astype(int) for each in (kept, PHOTO)]
    assert np.abs(chroma[0] - chroma[1]).mean() < 15 and not np.array_equal(kept, PHOTO)
    assert palette(brush.paint(PHOTO, manner)).mean.mean() < palette(PHOTO).mean.mean()


def test_a_mask_keeps_the_dark_places(brush, manner):
    mask = np.zeros(PHOTO.shape[:2], np.uint8)
    mask[:, :40] = 255
    result = brush.paint(PHOTO, manner, mask)
    np.testing.assert_array_equal(result[:, 60:], PHOTO[:, 60:])
    assert np.abs(result[:, :30].astype(int) - PHOTO[:, :30]).mean() > 5


@pytest.mark.parametrize("stroke", [0.5, 2.0])
def test_strokes_have_a_size_of_their_own(brush, manner, stroke):
    result = brush.paint(PHOTO, changed(manner, stroke=stroke))
    assert result.shape == PHOTO.shape and not np.array_equal(result, brush.paint(PHOTO, manner))


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (3, 200), (33, 47)])
def test_pictures_of_odd_sizes(brush, manner, shape):
    assert brush.paint(noise(1, *shape), manner).shape == (*shape, 3)


@pytest.mark.parametrize("wrong", [{"strength": 2}, {"stroke": 0}, {"stroke": "x"}, {"strength": float("nan")}])
def test_arguments_that_can_not_be_used(manner, wrong):
    with pytest.raises(StyleError, match=next(iter(wrong))):
        changed(manner, **wrong)
