"""The training: what it learns, what it leaves, and the way back from an interruption."""

from dataclasses import replace

import numpy as np
import pytest

from artnb.errors import DivergenceError, TrainingError
from artnb.style.colours import palette
from artnb.style.fast.styles import brought_to, measure_style, measure_styles
from artnb.style.fast.training import LOSSES, train_brush
from tests.style.fast.conftest import ANY, TINY, noise

pytestmark = pytest.mark.usefixtures("eager")


def weights(done):
    return [value for network in done.networks.all for value in network.get_weights()]


@pytest.mark.parametrize("recipe", [TINY, ANY], ids=["table", "any style"])
def test_one_that_was_stopped_ends_at_the_same_place(recipe, photos, styles, judge, tmp_path):
    options = {"seed": 3, "every": 3, "keep_every": 2}
    whole = train_brush(photos, styles, recipe, judge, tmp_path / "whole", **options)
    stopped = train_brush(photos, styles, recipe, judge, tmp_path / "m", **options, watch=lambda *_: False)
    assert stopped.stopped and not whole.stopped
    with pytest.raises(TrainingError, match="--resume"):
        train_brush(photos, styles, recipe, judge, tmp_path / "m", **options)
    resumed = train_brush(photos, styles, recipe, judge, tmp_path / "m", **options, resume=True)
    columns = ["step", "learning_rate", *LOSSES]
    np.testing.assert_array_equal(whole.history[columns], resumed.history[columns])
    for one, other in zip(weights(whole), weights(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    assert (tmp_path / "m" / "history.csv").is_file() and len(list((tmp_path / "m" / "samples").iterdir())) == 2


def test_it_learns(photos, styles, judge):
    style_alone = {"content_weight": 0.0, "tv_weight": 0.0, "colour_weight": 0.0}
    recipe = replace(TINY, width=4, steps=120, decay_from=1.0, learning_rate=0.01, **style_alone)
    done = train_brush(photos, styles, recipe, judge, seed=3, every=10)
    assert done.history["style"].iloc[-1] < 0.9 * done.history["style"].iloc[0]


def test_an_unchanged_picture_has_a_style_distance_of_one(photos, judge):
    """Where the recoloured photograph is far enough from the style to be a unit: noise, and a style of large spots."""
    spots = noise(6, 4, 4).repeat(10, 0).repeat(10, 1)
    recipe = replace(TINY, steps=1)
    row = train_brush(photos, measure_styles({"Spots": [spots]}, TINY, judge), recipe, judge, seed=3).history.iloc[0]
    assert row["style"] == pytest.approx(1, abs=0.02) and row["content"] == pytest.approx(0, abs=1e-3)
    assert row["colour"] == pytest.approx(0, abs=1e-6)
    assert row["cost"] == pytest.approx(
        row["style"] + recipe.content_weight * row["content"] + recipe.tv_weight * row["tv"], rel=1e-4
    )


def test_other_styles_are_another_training(photos, styles, judge, tmp_path):
    short = replace(TINY, steps=1)
    train_brush(photos, styles, short, judge, tmp_path, seed=3)
    with pytest.raises(TrainingError, match="a different styles"):
        train_brush(photos, styles[::-1], short, judge, tmp_path, seed=3, resume=True)


def test_a_loss_that_is_no_number_ends_it(photos, styles, judge):
    with pytest.raises(DivergenceError, match="no number"):
        train_brush(photos, styles, replace(TINY, tv_weight=1e39), judge, seed=3)


def test_what_can_not_be_trained_on_is_a_sentence(photos, styles, judge):
    with pytest.raises(TrainingError, match="photographs of shape"):
        train_brush(photos[0], styles, TINY, judge)
    for wrong in ((), (styles[0], styles[0])):
        with pytest.raises(TrainingError, match="styles"):
            train_brush(photos, wrong, TINY, judge)


def test_a_training_begins_with_the_weights_of_another(photos, styles, judge, trained):
    first = trained[False].networks
    done = train_brush(photos, styles[:1], replace(TINY, steps=1, learning_rate=1e-12), judge, seed=8, start=first)
    kernel = "stem_conv"
    np.testing.assert_allclose(
        done.networks.painter.get_layer(kernel).get_weights()[0], first.painter.get_layer(kernel).get_weights()[0]
    )
    with pytest.raises(TrainingError, match="another shape"):
        train_brush(photos, styles[:1], replace(TINY, width=7, stem=9), judge, start=first)


def test_a_painters_style_is_the_mean_of_the_works(judge):
    works = [noise(1, 40, 40), noise(2, 32, 50, high=60)]
    both = measure_style("both", works, judge, 32, ("fine",))
    each = [measure_style("one", [work], judge, 32, ("fine",)) for work in works]
    np.testing.assert_allclose(both.grams["fine"], np.mean([one.grams["fine"] for one in each], 0), rtol=1e-4)
    np.testing.assert_allclose(both.palette.mean, np.mean([one.palette.mean for one in each], 0))
    assert both.works == 2
    quantiles = [one.quantiles["fine"] for one in each]
    np.testing.assert_allclose(both.quantiles["fine"], np.mean(quantiles, 0), rtol=1e-3, atol=1e-4)
    assert (np.diff(both.quantiles["fine"]) >= 0).all(), "the mean of sorted values is sorted"
    judged = measure_style("both", works, judge, 32, ("fine",), sort=False)
    np.testing.assert_array_equal(judged.grams["fine"], both.grams["fine"])
    with pytest.raises(TrainingError, match="no works"):
        measure_style("none", [], judge, 32)


@pytest.mark.parametrize("shape", [(300, 40), (16, 16), (50, 2000)])
def test_works_are_brought_to_one_area(shape):
    picture = brought_to(noise(1, *shape), 128)
    assert min(picture.shape[:2]) >= 32 and np.allclose(palette(picture).mean, 127, atol=20)
    if min(picture.shape[:2]) > 32:
        assert picture.shape[0] * picture.shape[1] == pytest.approx(128**2, rel=0.05)
