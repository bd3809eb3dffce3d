"""Every field of every recipe is checked: what can't be used is a RecipeError that names it, and nothing else."""

import json
import math
from dataclasses import fields, replace
from typing import get_args, get_origin, get_type_hints

import pytest

from artnb.classification.recipes import ClassifierRecipe, Phase, classifier_recipe
from artnb.classification.search import classifier_space, winner
from artnb.cyclegan.recipes import CycleRecipe, cycle_recipe
from artnb.errors import RecipeError, read_settings
from artnb.models import load_model
from artnb.paintings.pipeline import ORIGINAL, PAINTINGS, Augmentation
from artnb.style.recipes import RECIPES, StyleRecipe, style_recipe
from artnb.style.search import style_space

GOOD = {
    "phase": Phase("training", 3, 1e-3),
    "classifier": classifier_recipe("cnn", "full"),
    "transfer": classifier_recipe("efficientnet-lite0", "quick"),
    "augmentation": PAINTINGS,
    "style": style_recipe("vgg19"),
    "cycle": cycle_recipe("full"),
    "unet": CycleRecipe(generator="unet", depth=5),
}
NONSENSE = [
    None, "x", "", "1", math.nan, math.inf, -math.inf, -1, 0, 1, 1.5, 0.5, 40.5, 10**400, 10**5000, True, False, [], {},
    (), [1, 2], (1, "x"), ((1, 1), "x"), [[1, 1]], {"x": 1}, {1: 1}, {"x": "y"}, {"x": math.nan}, {"x": []}, b"x",
    object(), len, 2j, {1}, "x" * 1000, [None], (None, None), (math.nan, math.nan), (True, True), [[]], 3, 5, 96, 100,
]  # fmt: skip
CASES = [(kind, field.name) for kind, recipe in GOOD.items() for field in fields(recipe)]


def is_of(value, hint) -> bool:
    """Whether a value is of a field's annotated type; a bool is no number, an int will do for a float."""
    if options := [each for each in get_args(hint) if get_origin(hint) not in (tuple, dict)]:
        if all(isinstance(each, str) for each in options):  # Literal
            return isinstance(value, str) and value in options
        if (
            get_origin(hint) is not None
            and any(isinstance(each, type) for each in options)
            and "Mapping" not in str(hint)
        ):
            return any(is_of(value, each) for each in options)
    kind = get_origin(hint) or hint
    if kind in (int, float):
        return isinstance(value, (int, float)[: 1 + (kind is float)]) and not isinstance(value, bool)
    if kind is tuple:
        return isinstance(value, tuple | list)
    return isinstance(value, kind)


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_a_field_takes_what_it_says_and_refuses_the_rest_in_a_sentence(kind, name):
    hint = get_type_hints(type(GOOD[kind]))[name]
    for value in NONSENSE:
        try:
            recipe = replace(GOOD[kind], **{name: value})
        except RecipeError as error:
            assert name in str(error) and "it can be" in str(error) and "\n" not in str(error)
            assert len(str(error)) < 400
        else:
            assert is_of(value, hint), f"{name} took {value!r}"
            if hasattr(recipe, "to_dict"):
                json.dumps(recipe.to_dict(), allow_nan=False)


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("augmentation", {"zoom": 1.0}, "zoom in the augmentation is 1.0"),
        ("augmentation", {"fill": "wrap"}, "nearest or reflect or constant"),
        ("augmentation", {"crop": (0.8, 0.5)}, "the smaller first"),
        ("phase", {"cached": True}, "only where 'head' alone"),
        ("phase", {"train": True}, "train in the phase 'training' is True"),
        ("phase", {"train": {"x": 1}}, "train in the phase"),
        ("classifier", {"crop_size": 999}, "crop_size"),
        (
            "classifier",
            {"network": "cnn-original", "size": 20, "options": {}},
            "size is 20; it can be 22 pixels or more",
        ),
        (
            "classifier",
            {"network": "cnn-original", "crop_size": 64, "options": {}},
            "dense layer takes pictures of one",
        ),
        (
            "transfer",
            {"size": 31, "crop_size": None},
            "size is 31; it can be 32 pixels or more for 'efficientnet-lite0'",
        ),
        ("classifier", {"options": {"layers": 5}}, "options is .*; it can be a dictionary of width, dropout, depths"),
        ("classifier", {"options": {"width": 1.5}}, "option width is 1.5; it can be a whole number"),
        ("classifier", {"options": {"dropout": 1}}, "option dropout is 1"),
        ("classifier", {"options": {"depths": (1, 1)}}, "four whole numbers"),
        ("transfer", {"options": {"width": 8}}, "a dictionary of stages for 'efficientnet-lite0'"),
        ("transfer", {"options": {"stages": 5}}, "option stages is 5; it can be a whole number from 1 to 4"),
        (
            "classifier",
            {"network": "resnet50-original", "crop_size": None, "options": {"width": 8}},
            "a dictionary of nothing for 'resnet50-original'",
        ),
        ("classifier", {"phases": (GOOD["phase"], GOOD["phase"])}, "a name of its own"),
        ("classifier", {"phases": GOOD["phase"]}, "phases"),
        ("cycle", {"size": 36}, "a multiple of 16"),
        ("unet", {"size": 80}, "a multiple of 32"),
        ("unet", {"depth": 9}, "from 1 to 8"),
        ("style", {"size": 40.5}, "whole number from 32"),
        ("style", {"scales": ((1.0, math.nan),)}, "scales"),
    ],
)
def test_what_is_refused_says_why(kind, changes, words):
    with pytest.raises(RecipeError, match=words):
        replace(GOOD[kind], **changes)


def test_whole_numbers_will_do_for_others():
    assert replace(GOOD["phase"], learning_rate=1).learning_rate == 1
    assert ORIGINAL.rotation == 45
    assert replace(GOOD["classifier"], options={"width": 8, "dropout": 0, "depths": (1, 1, 1, 1)}).options["width"] == 8


def test_unknown_profiles_and_names_are_named():
    for ask in (
        lambda profile: classifier_recipe("cnn", profile),
        cycle_recipe,
        lambda profile: classifier_space("ours", profile),
        lambda profile: style_space("ours", profile=profile),
        lambda profile: winner("cnn", "nowhere", profile),
    ):
        for profile in ("Full", "zzz", "", [], 5):
            with pytest.raises(RecipeError, match=r"There is no profile .*; there are quick, full"):
                ask(profile)
    for name in ("resnet", None, ["cnn"]):
        with pytest.raises(RecipeError, match=r"There is no network .*; there are cnn"):
            classifier_recipe(name)
        with pytest.raises(RecipeError, match=r"There is no recipe .*; there are vgg19"):
            style_recipe(name)


def test_a_number_of_epochs_is_one():
    recipe = GOOD["classifier"]
    for epochs in (0, "x", 1.5, True):
        for change in (recipe.continued, recipe.shortened):
            with pytest.raises(RecipeError, match="epochs"):
                change(epochs)
    assert recipe.continued().phases[0].epochs == 10 and recipe.shortened(2).phases[0].epochs == 2


@pytest.mark.parametrize("recipe", [*(classifier_recipe(name, "full") for name in ("cnn", "vgg19")), *RECIPES.values()])
def test_a_recipe_survives_json(recipe):
    assert type(recipe).from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe


def changed(values, *path):
    """The same with the value at a path replaced, and each level copied."""
    *first, value = path
    if not first:
        return value
    copy = list(values) if isinstance(values, list) else dict(values)
    copy[first[0]] = changed(copy.get(first[0]) if isinstance(copy, dict) else copy[first[0]], *first[1:], value)
    return copy


@pytest.mark.parametrize("kind", [ClassifierRecipe, StyleRecipe])
def test_what_a_file_says_goes_through_the_same(kind):
    good = (classifier_recipe("cnn", "full") if kind is ClassifierRecipe else style_recipe("vgg19")).to_dict()
    nested = []
    for _ in range(900):
        nested = [nested]
    for value in [*NONSENSE, nested]:
        for path in [(name,) for name in good] + [("phases", 0), ("phases", 0, "epochs"), ("augmentation", "crop")]:
            if path[0] in good:
                try:
                    kind.from_dict(changed(good, *path, value))
                except RecipeError as error:
                    assert "\n" not in str(error)
        with pytest.raises(RecipeError):
            kind.from_dict(value)
    with pytest.raises(RecipeError, match="no setting 'speed'; remove it"):
        kind.from_dict(good | {"speed": 1})
    with pytest.raises(RecipeError, match=r"can't be read: its .* is missing"):
        kind.from_dict({})
    if kind is ClassifierRecipe:
        for path in (("phases", 0), ("augmentation",)):
            with pytest.raises(RecipeError, match="no setting 'speed'"):
                kind.from_dict(changed(good, *path, "speed", 1))
    assert isinstance(read_settings(Augmentation, {}), Augmentation)


def test_the_recipe_of_a_model_of_an_earlier_version_is_read():
    """Training pictures had a size of their own once; cards of that time say it."""
    recipe = classifier_recipe("cnn", "quick")
    assert ClassifierRecipe.from_dict(recipe.to_dict() | {"train_size": 160}) == recipe
    assert ClassifierRecipe.from_dict(load_model("starter").card.recipe).network == "efficientnet-lite0"
