"""The saved painter: called, listed, damaged, measured."""

from dataclasses import replace

import numpy as np
import pytest

from artnb import list_models, load_model
from artnb.cards import Card, ModelError
from artnb.style.fast import evaluation
from artnb.style.fast import styles as styles_module
from artnb.style.fast.brush import Brush
from artnb.style.fast.evaluation import Judge, evaluate_painter
from artnb.style.fast.model import save_painter
from artnb.style.state import StyleError
from tests.conftest import resealed
from tests.style.fast.conftest import noise

PHOTO = noise(9, 40, 36)
ROW = {"style_distance": 0.5, "content_distance": 0.4, "structure": 0.6, "colour_distance": 7.0}
METRICS = {"tiny": dict.fromkeys(("painted", "recoloured", "untouched"), ROW)}
pytestmark = pytest.mark.usefixtures("eager")


@pytest.fixture
def model(trained, tmp_path):
    """A painter of two styles."""
    return save_painter(trained[False], tmp_path / "two", "folder", METRICS, {"photos": 5, "works": 3})


@pytest.fixture
def any_model(trained, tmp_path, judge, monkeypatch):
    """A painter of any style, which looks with the small network."""
    monkeypatch.setattr("artnb.style.fast.model.shared_backbone", lambda _: judge)
    monkeypatch.setattr(styles_module.measure_style, "__defaults__", (("fine", "coarse"), True))
    return save_painter(trained[True], tmp_path / "any", "folder", METRICS, {"photos": 5, "works": 3})


def test_loaded_again_it_paints_the_same(model, use, tmp_path):
    use(home=tmp_path / "home")
    loaded = load_model(model.folder, "painter")
    painted = loaded(PHOTO, "Ada")
    np.testing.assert_array_equal(painted, model(PHOTO, "Ada"))
    assert painted.shape == PHOTO.shape and painted.dtype == np.uint8
    assert loaded.identity == model.identity and len(loaded.history) == 2
    assert loaded.card.styles == ("Ada", "Ben")
    assert "Ada" in loaded.card.label and "Ada" in (model.folder / "README.md").read_text()


def test_styles_are_named_blended_and_asked_for(model):
    one, other = model(PHOTO, "ada"), model(PHOTO, "Ben")
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(model(PHOTO, ["Ada", "Ben"], weights=[1, 0]), one)
    assert not np.array_equal(model(PHOTO, ["Ada", "Ben"]), one)
    several = model([PHOTO, PHOTO[:20]], "Ada")
    assert [each.shape for each in several] == [PHOTO.shape, (20, 36, 3)]
    for wrong, sentence in (
        (None, "name one or more of Ada, Ben"),
        ("Cid", "'Cid'; it knows Ada, Ben"),
        (PHOTO, "like a"),
    ):
        with pytest.raises(StyleError, match=sentence):
            model(PHOTO, wrong)
    with pytest.raises(StyleError, match="weights"):
        model(PHOTO, ["Ada", "Ben"], weights=[1])
    with pytest.raises(StyleError, match="black all over"):
        model(PHOTO, "Ada", mask=np.zeros((8, 8), bool))


def test_a_name_needs_no_accents_however_they_are_encoded(model):
    model.card = replace(model.card, styles=("Albrecht Dürer", "Albrecht Durer"))
    assert model._row("Albrecht Durer") == 1, "two styles may differ in their accents"
    for name in ("albrecht du\u0308rer", "ALBRECHT DÜRER", "albrecht durer"):
        assert model._row(name) == 0
    assert model._row("Albrecht Dürrer") is None


def test_what_is_true_or_false_is_no_word(model):
    with pytest.raises(StyleError, match="keep_colours is 'no'; it can be True or False"):
        model(PHOTO, "Ada", keep_colours="no")
    with pytest.raises(StyleError, match="for 1 style;"):
        model(PHOTO, "Ada", weights=[1, 2])


def test_any_style_is_predicted_from_a_picture(any_model):
    dark, bright = noise(2, 40, 40, high=60), noise(3, 40, 40, low=190)
    loaded = load_model(any_model.folder)
    one, other = loaded(PHOTO, dark), loaded(PHOTO, bright)
    assert one.mean() < other.mean() - 60
    np.testing.assert_array_equal(one, any_model(PHOTO, dark))
    assert loaded(PHOTO, ["Ada", dark]).shape == PHOTO.shape
    assert loaded.fidelity(dark, PHOTO, [dark]) == pytest.approx(1, abs=0.01)
    assert loaded.fidelity(PHOTO, PHOTO, [dark]) == pytest.approx(0, abs=1e-6)


def test_it_is_listed_by_kind(model, use, tmp_path):
    (tmp_path / "home" / "models").mkdir(parents=True)
    model.folder.rename(tmp_path / "home" / "models" / "mine")
    use(home=tmp_path / "home")
    assert "mine" in [entry.name for entry in list_models("painter")]
    assert "mine" not in [entry.name for entry in list_models("cyclegan")]
    with pytest.raises(ModelError, match="is a painter; a classifier was asked for"):
        load_model("mine", "classifier")


@pytest.mark.parametrize("name", ["painter.weights.h5", "styles.npz"])
@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_damaged_file_is_one_sentence(model, name, content):
    (model.folder / name).write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        load_model(model.folder)
    resealed(model.folder)
    with pytest.raises(ModelError, match="damaged"):
        load_model(model.folder)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"styles": ("Ada",)}, "damaged"),
        ({"styles": ()}, "styles"),
        ({"recipe": {"width": 0}}, "width"),
        ({"recipe": {"nonsense": 1}}, "nonsense"),
    ],
)
def test_a_card_that_can_not_be_is_one_sentence(model, changes, sentence):
    resealed(model.folder, **changes)
    with pytest.raises(ModelError, match=sentence):
        load_model(model.folder)


def test_only_a_painter_has_styles(model):
    card = Card.load(model.folder)
    assert card.kind == "painter" and card.class_names == ()


def test_it_is_measured_beside_what_is_trivial(trained, judge, monkeypatch):
    from artnb.style.recipes import style_recipe

    recipe = replace(
        style_recipe("efficientnet-lite0"), content_layers={"coarse": 1.0}, style_layers={"fine": 1.0, "coarse": 1.0}
    )
    monkeypatch.setattr(evaluation, "judged_layers", lambda _: recipe)
    monkeypatch.setattr(evaluation, "judges", lambda: (Judge(judge),))
    works = {"Ada": [noise(2, 40, 40, high=90)], "Ben": [noise(4, 40, 40, low=150)]}
    done = trained[False]
    metrics = evaluate_painter(Brush(done.networks, done.recipe), done, [noise(1, 40, 40)], works)
    assert set(metrics) == {"tiny"}
    untouched, recoloured = metrics["tiny"]["untouched"], metrics["tiny"]["recoloured"]
    assert untouched["style_distance"] == pytest.approx(1, abs=0.02)
    assert (untouched["content_distance"], untouched["structure"]) == (pytest.approx(0, abs=1e-3), pytest.approx(1))
    assert recoloured["colour_distance"] < untouched["colour_distance"]
    own = Judge(judge).style("own", [noise(1, 256, 256)], 256)
    assert Judge(judge).distances(noise(1, 256, 256), noise(5, 256, 256, high=99), own)[0] == pytest.approx(0, abs=0.02)
