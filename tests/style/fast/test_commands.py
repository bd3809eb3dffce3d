"""`artnb stylize --like` and `artnb train painter`, as a person types them."""

import json

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
    assert code == 0 and "1.png" in err
    assert [file.name for file in sorted((tmp_path / "out").iterdir())] == ["00001.png", "00003.png"]


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
    ],
)
def test_nonsense_is_one_sentence(capsys, tmp_path, options, sentence):
    photo = draw(tmp_path / "photo.png", 1)
    code, _, err = stylize(capsys, photo, "-o", tmp_path / "out.png", *options)
    assert code != 0 and sentence in err and not (tmp_path / "out.png").exists()


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
