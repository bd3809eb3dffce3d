"""`artnb stylize --like` and `artnb train painter`, as a person types them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from artnb.cli import fast, main
from artnb.films import read_film, write_film
from artnb.images import load_image, save_image
from artnb.style.fast.model import save_painter
from artnb.style.files import said_by
from tests.conftest import draw
from tests.style.fast.conftest import noise
from tests.style.fast.test_model import METRICS

pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture(autouse=True)
def at_home(trained, tmp_path, use):
    """A painter of Ada and Ben, under the name "two"."""
    use(home=tmp_path / "home")
    return save_painter(trained[False], tmp_path / "home" / "models" / "two", "folder", METRICS, {"photos": 5})


def stylize(capsys, *arguments):
    code = main(["stylize", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_photograph_like_a_painter(capsys, tmp_path):
    photo = draw(tmp_path / "photo.png", 1)
    code, out, _ = stylize(capsys, photo, "--like", "Ada", "-o", tmp_path / "out.png", "--stroke", 2, "--json")
    (row,) = json.loads(out)["results"]
    assert code == 0 and row["painter"] == "two"
    assert load_image(tmp_path / "out.png").shape == load_image(photo).shape
    said = said_by(tmp_path / "out.png")
    assert (said["like"], said["stroke"], said["content"]) == (["Ada"], 2.0, "photo.png")


def test_many_photographs_are_resumed_and_none_is_lost(capsys, tmp_path):
    photos = [draw(tmp_path / place / "photo.png", number) for number, place in enumerate(("a", "b"))]
    code, _, _ = stylize(capsys, *photos, "--like", "Ben", "-o", tmp_path / "out")
    assert code == 0 and [file.name for file in sorted((tmp_path / "out").iterdir())] == ["photo-2.png", "photo.png"]
    code, _, err = stylize(capsys, *photos, "--like", "Ben", "-o", tmp_path / "out")
    assert code == 1 and "exists already" in err


def test_a_film_in_and_out(capsys, tmp_path):
    write_film([noise(number, 24, 20) for number in range(3)], tmp_path / "in.gif", [50, 60, 70])
    code, _, _ = stylize(capsys, tmp_path / "in.gif", "--like", "Ada", "--film", "-o", tmp_path / "out.png")
    film = read_film(tmp_path / "out.png")
    assert code == 0 and (len(film), film.durations) == (3, [50, 60, 70])
    code, _, err = stylize(capsys, tmp_path / "in.gif", "--like", "Ada", "--film", "-o", tmp_path / "out.png")
    assert code == 1 and "exists already" in err


def test_a_folder_of_frames_with_a_broken_one(capsys, tmp_path):
    for number in range(3):
        save_image(noise(number, 24, 20), tmp_path / "in" / f"{number}.png")
    (tmp_path / "in" / "1.png").write_bytes(b"nonsense")
    code, _, err = stylize(capsys, tmp_path / "in", "--like", "Ada", "--film", "-o", tmp_path / "out")
    assert code == 1 and "1.png" in err, "as for a folder of pictures"
    assert [file.name for file in sorted((tmp_path / "out").iterdir())] == ["00001.png", "00003.png"]
    draw(tmp_path / "out" / "00002.png", 1)
    code, _, err = stylize(capsys, tmp_path / "in", "--like", "Ada", "--film", "-o", tmp_path / "out", "--overwrite")
    assert code == 1 and "00002.png is of an older film; remove it" in err


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--like", "Cid"], "No painter here paints like Cid; there are Ada, Albrecht Dürer, "),
        (["--like", "Ada", "--iterations", "3"], "--iterations means nothing"),
        (["--like", "Ada", "--seed", "3"], "--seed means nothing"),
        (["--like", "Ada", "--stroke", "99"], "stroke"),
        (["--model", "none", "--like", "Ada"], "no painter 'none'"),
        ([], "name a painting"),
        (["--film"], "name a painting"),
        (["--like", "Ada", "--careful"], "name one after the photograph; --like chooses the picture it begins from"),
        (["--like", "Ada", "--colours-only"], "name one after the photograph, in place of --like"),
        (["--like", "Ada", "--film", "--resume"], "To a film, --resume means nothing"),
        (["--like", "Ada", "--film", "--log"], "To a film, --log means nothing"),
    ],
)
def test_nonsense_is_one_sentence(capsys, tmp_path, options, sentence):
    photo = draw(tmp_path / "photo.png", 1)
    code, _, err = stylize(capsys, photo, "-o", tmp_path / "out.png", *options)
    assert code != 0 and sentence in err and not (tmp_path / "out.png").exists()


@pytest.mark.parametrize("name", ["two.png", "a.MP4"])
def test_no_folder_is_made_that_is_called_like_a_file(capsys, tmp_path, name):
    photos = [draw(tmp_path / f"{number}.jpg", number) for number in range(2)]
    for arguments in (photos, [photos[0], "--film"]):
        if not (name == "two.png" and "--film" in arguments):  # a film
            code, _, err = stylize(capsys, *arguments, "--like", "Ada", "-o", tmp_path / name)
            assert code == 1 and "is called like a file" in err and not (tmp_path / name).exists()
    code, _, err = stylize(capsys, photos[0], "--like", "Ada", "--film", "-o", photos[1], "--overwrite")
    assert code == 1 and "is a file" in err


def test_a_film_loses_no_file_and_lies_apart(capsys, tmp_path):
    write_film([noise(number, 24, 20) for number in range(2)], tmp_path / "in.gif", [50, 60])
    mask, style = draw(tmp_path / "m.png", 1), draw(tmp_path / "s.png", 2)
    for number in range(2):
        draw(tmp_path / "in" / f"{number}.png", number)
    other = draw(tmp_path / "other" / "o.jpg", 3)
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()}
    for arguments, sentence in (
        (["in.gif", "--film", "--like", "Ada", "--mask", mask, "-o", mask], "its own input"),
        (["in.gif", style, "--film", "--model", "two", "-o", style], "its own input"),
        (["in", "--film", "--like", "Ada", "-o", tmp_path / "in"], "among their inputs"),
        (["in", "--film", "--like", "Ada", "-o", tmp_path / "in" / "all.gif"], "among their inputs"),
        (["m.png", other.parent, "--like", "Ada", "-o", other.parent], "among their inputs"),
    ):
        code, _, err = stylize(capsys, tmp_path / arguments[0], *arguments[1:], "--overwrite")
        assert code == 1 and sentence in err
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()} == before


def test_frames_of_two_films_do_not_mix(capsys, tmp_path):
    write_film([noise(number, 24, 20) for number in range(2)], tmp_path / "in.gif", [50, 60])
    older = draw(tmp_path / "out" / "00003.png", 1)
    arguments = [tmp_path / "in.gif", "--film", "--like", "Ada", "-o", tmp_path / "out"]
    code, _, err = stylize(capsys, *arguments, "--overwrite")
    assert code == 1 and "holds 00003.png, which is no frame of this film; empty it" in err
    assert list((tmp_path / "out").iterdir()) == [older]
    older.rename(tmp_path / "out" / "00002.png")
    code, _, err = stylize(capsys, *arguments)
    assert code == 1 and "exists already" in err


def test_the_size_of_a_film_counts(capsys, tmp_path):
    write_film([noise(number, 40, 20) for number in range(2)], tmp_path / "in.gif", [50, 60])
    arguments = [tmp_path / "in.gif", "--film", "--like", "Ada", "--size", 20, "-o", tmp_path / "out.gif"]
    assert stylize(capsys, *arguments)[0] == 0
    assert read_film(tmp_path / "out.gif").frame(1).shape == (20, 10, 3)


def test_what_can_not_be_written_is_said_before_it_is_painted(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("artnb.style.fast.brush.Brush.paint", None)
    write_film([noise(number, 24, 20) for number in range(2)], tmp_path / "in.webp", [50, 700_000])
    for number in range(2):
        draw(tmp_path / "in" / f"{number}.png", number, (20 + number, 20))
    wide = draw(tmp_path / "wide.png", 1, (20_000, 16))
    for arguments, sentence in (
        ([tmp_path / "in.webp", "--film", "-o", tmp_path / "out.gif"], "Frame 2 is to stay for 700000 milliseconds"),
        ([tmp_path / "in", "--film", "-o", tmp_path / "out.gif"], "1.png has 20 × 21 pixels and 0.png 20 × 20"),
        ([wide, "-o", tmp_path / "out.webp"], "16383 at most"),
    ):
        code, _, err = stylize(capsys, *arguments, "--like", "Ada")
        assert code == 1 and sentence in err


def test_pictures_of_one_name_are_resumed(capsys, tmp_path):
    photos = [draw(tmp_path / place / "photo.png", number) for number, place in enumerate(("a", "b"))]
    assert stylize(capsys, *photos, "--like", "Ben", "-o", tmp_path / "out")[0] == 0
    (tmp_path / "out" / "photo-2.png").unlink()
    for finished in (1, 2):
        code, out, err = stylize(capsys, *photos, "--like", "Ben", "-o", tmp_path / "out", "--resume")
        assert code == 0 and out.count("was finished before") == finished, err


def test_a_painter_is_named_without_accents(trained, tmp_path):
    done = trained[False]
    names = [replace(style, name=name) for style, name in zip(done.styles, ("Zoë Ábel", "Ben"), strict=True)]
    save_painter(replace(done, styles=names), tmp_path / "home" / "models" / "zoe", "folder", METRICS, {"photos": 5})
    for name in ("zoe abel", "Zoe\u0308 A\u0301bel"):
        assert fast.painter_for(None, [name]).folder.name == "zoe"


def test_a_film_needs_a_fast_painter(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("artnb.cli.style.any_style_ships", lambda: False)
    photo = draw(tmp_path / "photo.png", 1)
    code, _, err = stylize(capsys, photo, photo, "--film", "-o", tmp_path / "out.png")
    assert code == 2 and "--like, or a --model" in err


def test_without_a_painter_for_any_style_the_optimiser_paints(monkeypatch, tmp_path):
    from artnb.cli import style

    options = dict.fromkeys(("model", "like", "film", "careful", *fast.MEANINGLESS))
    assert style._way(False, True, options, None) is style.Transfer
    monkeypatch.setattr(style, "any_style_ships", lambda: True)
    assert style._way(False, True, options, None) is style.FastPainting
    assert style._way(False, True, options | {"careful": True}, None) is style.Transfer
    assert style._way(False, True, options, 3) is style.Transfer


def test_a_painter_is_trained_from_a_picture(capsys, tmp_path, judge, monkeypatch):
    from artnb.style.fast import model
    from tests.style.fast.conftest import TINY

    monkeypatch.setattr(model, "shared_backbone", lambda _: judge)
    monkeypatch.setattr(model, "evaluate_painter", lambda *_: METRICS)
    monkeypatch.setattr("artnb.style.fast.recipes.fast_recipe", lambda **_: TINY)
    for number in range(6):
        draw(tmp_path / "photos" / f"{number}.png", number)
    picture = draw(tmp_path / "waves.png", 40)
    arguments = ["train", "painter", picture, "--photos", tmp_path / "photos", "-o", tmp_path / "m", "--set", "width=3"]
    code = main([str(each) for each in [*arguments, "--steps", 2, "--json"]])
    said = json.loads(capsys.readouterr().out)
    assert code == 0 and said["styles"] == ["waves"]
    assert np.all(np.asarray(load_image(tmp_path / "m" / "samples" / "0000002.jpg")).shape)
    code, _, err = stylize(capsys, picture, "--model", tmp_path / "m", "-o", tmp_path / "one.png")
    assert code == 0 and (tmp_path / "one.png").is_file(), err  # it knows one style only, which need not be named
    code = main([str(each) for each in [*arguments, "--set", "nonsense=3"]])
    assert code == 1 and "names no setting" in capsys.readouterr().err
