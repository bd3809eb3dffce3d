"""`artnb stylize` and `artnb search style`, as a person types them."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from artnb.cli import main
from artnb.common.progress import STOPPED
from artnb.images import load_image
from artnb.style.files import read_painting
from artnb.style.recipes import RECIPES
from tests.conftest import draw
from tests.style.conftest import FINE

SMALL = ("--backbone", "efficientnet-lite0", "--size", "48", "--iterations", "4")


@pytest.fixture(autouse=True)
def shallow(monkeypatch):
    """The preset with its fine layers only."""
    monkeypatch.setitem(RECIPES, SMALL[1], replace(RECIPES[SMALL[1]], **FINE))


@pytest.fixture
def pictures(tmp_path):
    return draw(tmp_path / "content.jpg", 1), draw(tmp_path / "style.png", 2, (60, 60))


def stylize(capsys, *arguments):
    code = main(["stylize", *map(str, arguments)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_picture_and_what_is_said_of_it(capsys, pictures, tmp_path):
    code, out, _ = stylize(capsys, *pictures, "-o", tmp_path / "out.png", *SMALL, "--json")
    (said,) = json.loads(out)["results"]
    assert code == 0
    assert load_image(tmp_path / "out.png").shape == (36, 48, 3)
    assert (said["backbone"], said["untrained"], said["iterations"]) == ("efficientnet-lite0", False, 4)
    assert 0 < said["style_distance"] < 1.5
    assert said["content_distance"] > 0
    assert said["seconds_per_step"] > 0
    assert said["output"] == str(tmp_path / "out.png")
    assert {path.name for path in tmp_path.iterdir()} == {"content.jpg", "style.png", "out.png"}


@pytest.mark.slow
def test_painted_again_from_its_own_file(capsys, pictures, tmp_path):
    stylize(capsys, *pictures, "-o", tmp_path / "out.png", *SMALL, "--strength", 0.7, "--keep-colours")
    code, _, _ = stylize(capsys, *pictures, "-o", tmp_path / "again.png", "--recipe", tmp_path / "out.png")
    assert code == 0
    assert read_painting(tmp_path / "again.png")["recipe"]["strength"] == 0.7
    first, again = (load_image(tmp_path / name).astype(int) for name in ("out.png", "again.png"))
    assert np.abs(first - again).max() <= 1


@pytest.mark.slow
def test_without_vgg19_it_says_who_looks_instead(capsys, pictures, tmp_path, monkeypatch):
    from artnb import weights

    monkeypatch.setattr(weights, "find_weights", lambda name, *_: None)
    _, _, err = stylize(capsys, *pictures, "-o", tmp_path / "out.png", *SMALL[2:])
    assert "VGG19's weights are not on this machine; EfficientNet-Lite0" in err
    assert "`artnb weights get vgg19` fetches them" in err


@pytest.mark.slow
def test_a_folder_goes_on_after_a_bad_picture(capsys, pictures, tmp_path):
    folder = tmp_path / "photographs"
    draw(folder / "a.jpg", 3)
    (folder / "b.jpg").write_bytes(b"nonsense")
    draw(folder / "c.jpg", 4, (8, 8))
    draw(folder / "d.jpg", 5)
    (folder / "._a.jpg").write_bytes(b"what macOS leaves")
    draw(folder / "x.jpg" / "thumbnail.jpg", 6)
    code, out, err = stylize(capsys, folder, pictures[1], "-o", tmp_path / "painted", *SMALL, "--json")
    assert code == 1
    assert sorted(path.name for path in (tmp_path / "painted").iterdir()) == ["a.png", "d.png"]
    results = json.loads(out)["results"]
    assert ["error" in answer for answer in results] == [False, True, True, False]
    assert "too small" in results[2]["error"] and not err
    code, _, err = stylize(capsys, folder, pictures[1], "-o", tmp_path / "painted", *SMALL)
    assert code == 1 and "exists already" in err, "nothing is replaced unasked"
    code, _, err = stylize(capsys, folder, pictures[1], "-o", tmp_path / "painted", *SMALL, "--resume")
    assert code == 1 and err.count("artnb: ") == 2, "finished ones stay"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing.jpg", "STYLE", "-o", "out.png"], "'nothing.jpg' cannot be read"),
        (["CONTENT", "nothing.jpg", "-o", "out.png"], "'nothing.jpg' cannot be read"),
        (["CONTENT", "STYLE", "-o", "out.gif"], "end it in .png"),
        (["CONTENT", "STYLE", "-o", "out.png", "--recipe", "nonsense"], "There is no recipe 'nonsense'"),
        (["CONTENT", "STYLE", "-o", "out.png", "--strength", "2"], "from 0 to 1"),
        (["CONTENT", "STYLE", "-o", "out.png", "--strength", "nan"], "from 0 to 1"),
        (["CONTENT", "STYLE", "-o", "out.png", "--size", "9"], "pixels"),
        (["CONTENT", "STYLE", "-o", "out.png", "--weight", "1", "--weight", "2", *SMALL[:2]], "each style a weight"),
    ],
)
def test_nonsense_is_one_sentence(capsys, pictures, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    names = {"CONTENT": pictures[0], "STYLE": pictures[1]}
    code, _, err = stylize(capsys, *(names.get(argument, argument) for argument in arguments))
    assert code == 1
    assert sentence in err
    assert "Traceback" not in err
    assert not (tmp_path / "out.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["grey", "alpha", "equal"])
def test_odd_pictures_give_a_result(capsys, pictures, tmp_path, kind):
    content, style = pictures
    image = Image.open(content)
    odd = tmp_path / "odd.png"
    {"grey": lambda: image.convert("L"), "alpha": lambda: image.convert("RGBA"), "equal": lambda: image}[kind]().save(
        odd
    )
    code, _, _ = stylize(capsys, odd, odd if kind == "equal" else style, "-o", tmp_path / "out.png", *SMALL)
    assert code == 0


@pytest.mark.slow
def test_a_panorama_keeps_its_shape(capsys, pictures, tmp_path):
    for size in ((1280, 64), (64, 1280)):
        wide, out = draw(tmp_path / "wide.jpg", 3, size), tmp_path / f"{size[0]}.png"
        assert stylize(capsys, wide, pictures[1], "-o", out, *SMALL, "--size", "160")[0] == 0
        width, height = Image.open(out).size
        assert width / height == pytest.approx(size[0] / size[1])
    code, _, err = stylize(
        capsys, draw(tmp_path / "p.jpg", 4, (100, 80)), pictures[1], "-o", tmp_path / "p.png", "--size", "32"
    )
    assert (
        code == 1 and "size of 32 pixels is too small for a picture of 100 × 80" in err and "give a size of 36" in err
    )


@pytest.mark.parametrize("name", ["n" * 246 + ".jpg", "D\udcfcrer.jpg"], ids=["250 bytes", "Latin-1"])
def test_odd_names_are_painted_and_names_that_can_not_be_are_said_before(capsys, pictures, tmp_path, monkeypatch, name):
    draw(tmp_path / "photographs" / name, 3)
    code, _, err = stylize(capsys, tmp_path / "photographs", pictures[1], "-o", tmp_path / "painted", *SMALL)
    assert code == 0 and not err and len(list((tmp_path / "painted").glob("*.png"))) == 1
    monkeypatch.setattr("artnb.style.transfer.stylize", None)  # nothing is painted
    draw(tmp_path / "file.png", 1)
    for output in (tmp_path / ("o" * 252 + ".png"), tmp_path / "file.png" / "out.png"):
        code, _, err = stylize(capsys, pictures[0], pictures[1], "-o", output, *SMALL)
        assert code == 1 and err.startswith("artnb: ") and err.count("\n") == 1 and "artnb: error" not in err


@pytest.mark.slow
def test_killed_and_resumed_is_as_if_nothing_had_happened(capsys, pictures, tmp_path, monkeypatch):
    monkeypatch.undo()  # the other process has the whole preset
    long = (*SMALL[:4], "--iterations", "80")
    stylize(capsys, *pictures, "-o", tmp_path / "whole.png", *long)
    out = tmp_path / "out.png"
    command = [sys.executable, "-m", "artnb", "stylize", *map(str, pictures), "-o", str(out), *long]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    state = tmp_path / ".out.png.state"
    for _ in range(1200):
        if state.is_file() or process.poll() is not None:
            break
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert state.is_file()
    assert not out.exists()
    code, _, _ = stylize(capsys, *pictures, "-o", out, *long, "--resume")
    assert code == 0
    assert not state.exists()
    whole, resumed = (load_image(tmp_path / name).astype(int) for name in ("whole.png", "out.png"))
    assert np.abs(whole - resumed).max() <= 2


@pytest.mark.slow
def test_a_search_from_the_command_line(capsys, pictures, tmp_path, monkeypatch):
    from artnb.style import search

    original = search.style_space

    def small(name, backbone, profile="quick"):
        space = original(name, backbone, profile)
        return replace(space, recipe=lambda hp: replace(space.recipe(hp), size=48, iterations=3))

    monkeypatch.setattr(search, "style_space", small)
    command = ["search", "style", "ours", *map(str, pictures), "-o", str(tmp_path / "search"), "--json", "--trials"]
    assert main([*command, "2"]) == 0
    first = json.loads(capsys.readouterr().out)["results"]
    assert main([*command, "3"]) == 0  # goes on
    rows = json.loads(capsys.readouterr().out)["results"]
    assert len(first) == 2
    assert len(rows) == 3
    assert {row["trial"] for row in first} < {row["trial"] for row in rows}
    assert any(row["best"] for row in rows)
    for row in rows:
        expected = np.hypot(row["style_distance"], row["content_distance"])
        assert row["trade_off"] == pytest.approx(expected)
        assert read_painting(row["painting"])["recipe"]["content_weight"] == pytest.approx(row["content_to_style"])
    assert rows == sorted(rows, key=lambda row: row["trade_off"])
    assert main(["search", "style", "original", *command[3:], "3"]) == 1
    assert "holds another search" in json.loads(capsys.readouterr().out)["error"]
    assert main([*command[:3], command[4], *command[4:], "3"]) == 1
    assert "another search, with another content;" in json.loads(capsys.readouterr().out)["error"]


def test_ctrl_c_in_a_picture_ends_the_whole_search(pictures, tmp_path, monkeypatch):
    from artnb.style import search

    painted = []

    def interrupted(*arguments, **options):
        painted.append(options["state"])
        return replace(stylize_itself(*arguments, **options), stopped=STOPPED)

    stylize_itself = search.stylize
    monkeypatch.setattr(search, "stylize", interrupted)
    space = search.style_space("ours", profile="quick")
    space = replace(space, recipe=lambda hp, of=space.recipe: replace(of(hp), size=48, iterations=2))
    with pytest.raises(KeyboardInterrupt):
        search.search_style(space, *map(load_image, pictures), tmp_path / "search", trials=3)
    assert len(painted) == 1
    assert search.style_trials(tmp_path / "search").empty


def test_a_cost_that_is_no_number_does_not_end_a_folder(capsys, pictures, tmp_path, monkeypatch):
    from artnb.style import transfer

    stylize_itself = transfer.stylize

    def in_trouble(*arguments, **options):
        return replace(stylize_itself(*arguments, **options), stopped="At step 3 the cost was no number.")

    monkeypatch.setattr(transfer, "stylize", in_trouble)
    for number in range(2):
        draw(tmp_path / "photographs" / f"{number}.jpg", number)
    code, _, err = stylize(capsys, tmp_path / "photographs", pictures[1], "-o", tmp_path / "painted", *SMALL)
    assert code == 1
    assert err.count("the cost was no number. The best picture so far is saved.") == 2
    assert sorted(path.name for path in (tmp_path / "painted").iterdir()) == ["0.png", "1.png"]


@pytest.mark.slow
def test_resume_knows_finished_pictures_by_what_they_were_painted_from(capsys, pictures, tmp_path):
    folder, out = tmp_path / "photographs", tmp_path / "painted"
    draw(folder / "x.png", 3)
    assert stylize(capsys, folder, pictures[1], "-o", out, *SMALL)[0] == 0
    before = (out / "x.png").read_bytes()
    draw(folder / "x.jpg", 4)
    code, said, _ = stylize(capsys, folder, pictures[1], "-o", out, *SMALL, "--resume", "--json")
    assert code == 0 and (out / "x.png").read_bytes() == before
    finished, painted = json.loads(said)["results"]
    assert (finished["content"], finished["output"]) == (str(folder / "x.png"), str(out / "x.png"))
    assert (painted["content"], painted["output"]) == (str(folder / "x.jpg"), str(out / "x-2.png"))
    assert read_painting(out / "x-2.png")["content"] == "x.jpg"


def test_resume_takes_no_other_file_for_its_result(capsys, pictures, tmp_path):
    out = draw(tmp_path / "out.png", 5)
    before = out.read_bytes()
    code, _, err = stylize(capsys, *pictures, "-o", out, *SMALL, "--resume")
    assert code == 1 and "exists already" in err and out.read_bytes() == before
    (tmp_path / ".out.png.state").write_bytes(b"a state")
    code, _, err = stylize(capsys, out, pictures[1], "-o", out, *SMALL, "--resume")
    assert code == 1 and "its own input" in err and out.read_bytes() == before


def test_a_stopped_picture_ends_the_command_with_130(capsys, pictures, tmp_path, monkeypatch):
    from artnb.style import transfer

    stylize_itself = transfer.stylize
    monkeypatch.setattr(transfer, "stylize", lambda *a, **o: replace(stylize_itself(*a, **o), stopped=STOPPED))
    code, out, _ = stylize(capsys, *pictures, "-o", tmp_path / "out.png", *SMALL, "--json")
    assert code == 130 and json.loads(out)["results"][0]["error"] == STOPPED


def test_a_recipes_picture_is_not_painted_over(capsys, pictures, tmp_path):
    out = tmp_path / "out.png"
    stylize(capsys, *pictures, "-o", out, *SMALL)
    before = out.read_bytes()
    code, _, err = stylize(capsys, *pictures, "-o", out, "--recipe", out, "--overwrite")
    assert code == 1 and "its own input" in err and out.read_bytes() == before
