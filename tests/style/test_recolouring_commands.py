"""`artnb stylize --colours-only`, as a person types it."""

import json

import numpy as np
import pytest
from PIL import Image

from artnb.cli import main
from artnb.images import load_image
from artnb.style.colours import recolour
from artnb.style.files import read_painting, said_by
from artnb.style.recipes import RecipeError
from tests.conftest import draw


@pytest.fixture
def pictures(tmp_path):
    return draw(tmp_path / "content.jpg", 1), draw(tmp_path / "style.png", 2, (60, 60))


def stylize(capsys, *arguments):
    code = main(["stylize", *map(str, arguments), "--colours-only"])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_a_picture_gets_the_colours_and_says_so(capsys, pictures, tmp_path):
    out = tmp_path / "out.png"
    code, said, _ = stylize(capsys, *pictures, "-o", out, "--strength", 0.5, "--json")
    assert code == 0 and json.loads(said)["results"] == [
        {"content": str(pictures[0]), "colours_only": True, "output": str(out)}
    ]
    assert np.array_equal(load_image(out), recolour(*pictures, strength=0.5))
    told = said_by(out)
    assert (told["content"], told["styles"], told["strength"]) == ("content.jpg", ["style.png"], 0.5)
    with pytest.raises(RecipeError, match="does not say how it was painted"):
        read_painting(out)


def test_mask_weights_and_size(capsys, pictures, tmp_path):
    mask = tmp_path / "mask.png"
    Image.fromarray(np.eye(40, dtype=np.uint8) * 255).save(mask)
    both = (*pictures, pictures[0], "--weight", 2, "--weight", 1)
    assert stylize(capsys, *both, "--mask", mask, "--size", 32, "-o", tmp_path / "a.png")[0] == 0
    assert max(load_image(tmp_path / "a.png").shape) == 32
    code, _, err = stylize(capsys, *pictures, "--weight", 2, "--weight", 1, "-o", tmp_path / "b.png")
    assert code == 1 and "each style a weight" in err and not (tmp_path / "b.png").exists()


@pytest.mark.parametrize(
    "options",
    [["--iterations", "5"], ["--backbone", "vgg19"], ["--recipe", "gatys"], ["--keep-colours"], ["--seed", "0"]],
)
def test_what_means_nothing_is_said(capsys, pictures, tmp_path, options):
    code, _, err = stylize(capsys, *pictures, "-o", tmp_path / "out.png", *options)
    assert code == 2 and f"With --colours-only, {options[0]} means nothing; leave it out." in err


def test_a_folder_goes_on_after_a_bad_picture_and_is_resumed(capsys, pictures, tmp_path):
    folder, out = tmp_path / "photographs", tmp_path / "painted"
    for number in range(3):
        draw(folder / f"{number}.jpg", number)
    (folder / "broken.jpg").write_bytes(b"none")
    code, _, err = stylize(capsys, folder, pictures[1], "-o", out)
    assert code == 1 and err.count("artnb: ") == 1 and len(list(out.iterdir())) == 3
    before = {file: file.stat().st_mtime_ns for file in out.iterdir()}
    code, _, err = stylize(capsys, folder, pictures[1], "-o", out)
    assert code == 1 and "exists" in err, "nothing is overwritten unasked"
    draw(folder / "1.jpg", 77)
    (folder / "broken.jpg").unlink()
    code, said, err = stylize(capsys, folder, pictures[1], "-o", out, "--resume", "--overwrite")
    assert code == 0 and said.count("was finished before") == 2
    assert sum(file.stat().st_mtime_ns != before.get(file) for file in out.iterdir()) == 1


def test_a_side_that_the_format_can_not_hold_is_said_before(capsys, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr("artnb.style.colours.recolour", None)
    wide = draw(tmp_path / "wide.png", 1, (16_400, 16))
    code, _, err = stylize(capsys, wide, pictures[1], "-o", tmp_path / "out.webp")
    assert code == 1 and "16383 at most; end its name in .png" in err
