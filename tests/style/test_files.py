import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from artnb.images import ImageError, load_image, load_text, save_image
from artnb.style.files import load_recipe, read_painting, save_painting
from artnb.style.recipes import RecipeError, style_recipe
from artnb.style.transfer import HISTORY, Painting

RECIPE = replace(style_recipe("efficientnet-lite0"), iterations=7, strength=0.5)
IMAGE = np.random.default_rng(1).integers(0, 256, (40, 50, 3), np.uint8)


@pytest.fixture
def painting():
    history = pd.DataFrame([(1, 1.0, 1.0, 0.0, 1.0, 0.0)], columns=list(HISTORY))
    return Painting(IMAGE, history, RECIPE, "EfficientNet-Lite0", False, 5, 0.1)


def test_a_painting_holds_its_recipe(painting, tmp_path):
    file = tmp_path / "out.png"
    save_painting(painting, file, content="dürer.jpg")
    np.testing.assert_array_equal(load_image(file), IMAGE)
    said = read_painting(file)
    assert (said["content"], said["seed"], said["steps"], said["untrained"]) == ("dürer.jpg", 5, 1, False)
    assert load_recipe(file) == RECIPE


def test_texts_are_read_from_an_open_file(painting, tmp_path):
    save_painting(painting, tmp_path / "out.png")
    with (tmp_path / "out.png").open("rb") as stream:
        assert json.loads(load_text(stream)["artnb"])["seed"] == 5


def test_other_formats_hold_the_picture_alone(painting, tmp_path):
    save_painting(painting, tmp_path / "out.jpg")
    assert load_text(tmp_path / "out.jpg") == {}
    with pytest.raises(RecipeError, match="does not say how"):
        read_painting(tmp_path / "out.jpg")


def test_a_failed_save_leaves_the_old_file(painting, tmp_path, monkeypatch):
    file = tmp_path / "out.png"
    save_painting(painting, file)
    before = file.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ImageError, match="no space left"):
        save_painting(replace(painting, seed=6), file)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_recipes_from_json_and_by_name(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps(RECIPE.to_dict()))
    assert load_recipe(file) == RECIPE
    assert load_recipe("gatys") is style_recipe("gatys")


@pytest.mark.parametrize("text", ["", "nonsense", "[1, 2]", '{"backbone": 5}', '{"recipe": {}}', "[" * 100_000])
def test_nonsense_recipes_are_one_sentence(tmp_path, text):
    file = tmp_path / "mine.json"
    file.write_text(text)
    with pytest.raises(RecipeError):
        load_recipe(file)
    save_image(IMAGE, tmp_path / "theirs.png", text={"artnb": text})
    with pytest.raises(RecipeError):
        load_recipe(tmp_path / "theirs.png")
    with pytest.raises(RecipeError, match="There is no recipe 'nothing'"):
        load_recipe("nothing")


@pytest.mark.parametrize("name", [None, 5, [], "x" * 5000, "a\0b", "."])
def test_what_is_no_name_of_a_recipe_is_one_sentence(name):
    with pytest.raises(RecipeError, match="There is no recipe"):
        load_recipe(name)
