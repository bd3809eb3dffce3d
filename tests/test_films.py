"""Films: read, written, broken, too long."""

import io

import numpy as np
import pytest
from PIL import Image

from artnb import films
from artnb.films import film_of, read_film, write_film
from artnb.images import ImageError, load_image, save_image


def frames(number, size=(24, 30)):
    """A square that moves over a plain ground."""
    made = np.full((number, *size, 3), (200, 180, 90), np.uint8)
    for each, frame in enumerate(made):
        frame[4:10, 2 * each : 2 * each + 6] = (20, 40, 160)
    return list(made)


@pytest.mark.parametrize("suffix", films.FILM_SUFFIXES)
def test_written_and_read_again(tmp_path, suffix):
    made = frames(5)
    write_film(made, tmp_path / f"film{suffix}", [50, 60, 70, 80, 90])
    film = read_film(tmp_path / f"film{suffix}")
    assert (len(film), film.durations, film.problems) == (5, [50, 60, 70, 80, 90], [])
    for number, frame in enumerate(made):
        assert np.abs(film.frame(number).astype(int) - frame).max() <= 3


def test_a_gif_has_the_same_colours_in_all_frames(tmp_path):
    random = np.random.default_rng(1)
    still = random.integers(0, 256, (20, 20, 3), np.uint8)
    made = [still.copy() for _ in range(4)]
    for number, frame in enumerate(made):
        frame[:, 10:] = random.integers(0, 256, (20, 10, 3), np.uint8) // (number + 1)
    write_film(made, tmp_path / "film.gif", [100] * 4)
    film = read_film(tmp_path / "film.gif")
    for number in range(1, 4):
        np.testing.assert_array_equal(film.frame(number)[:, :10], film.frame(0)[:, :10])


def test_a_picture_is_a_film_of_one_frame(tmp_path):
    save_image(frames(1)[0], tmp_path / "one.png")
    assert len(read_film(tmp_path / "one.png")) == 1


def test_a_film_that_was_cut_gives_its_first_frames():
    stream = io.BytesIO()
    noise = [np.random.default_rng(number).integers(0, 256, (60, 60, 3), np.uint8) for number in range(6)]
    pictures = [Image.fromarray(each) for each in noise]
    pictures[0].save(stream, "GIF", save_all=True, append_images=pictures[1:], duration=100)
    data = stream.getvalue()
    film = read_film(data[: len(data) // 2])
    assert 1 <= len(film) < 6 and film.problems and "broken from frame" in film.problems[0]


def test_a_folder_is_a_film_and_a_broken_frame_is_left_out_of_some(tmp_path):
    for number, frame in enumerate(frames(3)):
        save_image(frame, tmp_path / f"{number}.png")
    (tmp_path / "1.png").write_bytes(b"nonsense")
    film = film_of(sorted(tmp_path.iterdir()))
    assert (len(film), film.names) == (3, ["0.png", "1.png", "2.png"])
    assert [each.shape for each in film.some(8)] == [(24, 30, 3)] * 2
    with pytest.raises(ImageError):
        film.frame(1)


def test_what_is_no_film_is_a_sentence(tmp_path, monkeypatch):
    with pytest.raises(ImageError, match="0 frames"):
        film_of([])
    with pytest.raises(ImageError, match="no name of a film"):
        write_film(frames(2), tmp_path / "film.mp4", [1, 1])
    with pytest.raises(ImageError, match="one size"):
        write_film([*frames(1), *frames(1, (10, 10))], tmp_path / "film.gif", [1, 1])
    write_film(frames(4), tmp_path / "film.gif", [100] * 4)
    monkeypatch.setattr(films, "MAX_FRAMES", 3)
    with pytest.raises(ImageError, match="more than 3 frames"):
        read_film(tmp_path / "film.gif")
    assert load_image(tmp_path / "film.gif").shape == (24, 30, 3)


def test_a_disk_that_is_full_leaves_the_older_film(tmp_path, monkeypatch):
    write_film(frames(2), tmp_path / "film.png", [100, 100])
    before = (tmp_path / "film.png").read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(ImageError, match=r"(?i)no space"):
        write_film(frames(3), tmp_path / "film.png", [100] * 3)
    assert (tmp_path / "film.png").read_bytes() == before


@pytest.mark.parametrize(
    ("name", "durations"),
    [
        ("film.gif", [100, 700_000]),
        ("film.webp", [10**9] * 2),
        ("film.webp", [-1, 100]),
        ("film.png", [65_537_001, 100]),
        ("film.png", [0.5, 100]),
    ],
)
def test_a_duration_that_a_format_can_not_hold_is_a_sentence(tmp_path, name, durations):
    with pytest.raises(ImageError, match=rf"Frame \d is to stay for .* milliseconds, which a \{name[4:]} can't hold"):
        write_film(frames(2), tmp_path / name, durations)
    with pytest.raises(ImageError, match="can't hold"):
        film_like(durations).check(tmp_path / name)
    assert not (tmp_path / name).exists()


def film_like(durations):
    return films.Film(frames(len(durations)), [str(number) for number in range(len(durations))], durations)


def test_what_is_long_but_can_be_held_is_written(tmp_path):
    for name, durations in (("film.gif", [655_350, 100]), ("film.webp", [700_000, 100]), ("film.png", [70_000, 100])):
        film_like(durations).check(tmp_path / name)
        write_film(frames(2), tmp_path / name, durations)
        assert read_film(tmp_path / name).durations == durations


def test_still_frames_that_pillow_makes_one_are_a_sentence(tmp_path):
    with pytest.raises(ImageError, match="can't be written"):
        write_film([frames(1)[0]] * 2, tmp_path / "film.gif", [655_350] * 2)


def test_a_film_of_many_long_frames_and_a_side_too_long_are_sentences(tmp_path):
    with pytest.raises(ImageError, match="lasts longer"):
        film_like([2**24 - 1] * 130).check(tmp_path / "film.webp")
    with pytest.raises(ImageError, match=r"16383 at most"):
        write_film(frames(1, (20, 16_400)), tmp_path / "film.webp", [100])


def test_sizes_are_known_before_a_frame_is_decoded(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90°
    Image.fromarray(frames(1)[0]).save(tmp_path / "0.jpg", exif=exif)
    save_image(frames(1, (60, 48))[0], tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes(b"nonsense")
    film = film_of(sorted(tmp_path.iterdir()))
    assert [film.size(0), film.size(1)] == [(30, 24), (60, 48)]
    with pytest.raises(ImageError, match=r"1.png has 60 × 48 pixels and 0.jpg 30 × 24; .* one size"):
        film.check(tmp_path / "film.gif")
    film.longest = 20
    film.check(tmp_path / "film.gif")
    assert [film.frame(number).shape[:2] for number in (0, 1)] == [film.size(0), film.size(1)] == [(20, 16)] * 2
