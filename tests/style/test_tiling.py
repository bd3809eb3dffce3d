"""A picture that is looked at in tiles costs what it costs in one piece, and is changed as it would be."""

from dataclasses import replace
from functools import partial

import keras
import numpy as np
import pytest
import tensorflow as tf

from artnb.backbones import Backbone, load_backbone
from artnb.errors import RecipeError
from artnb.style.metrics import measure
from artnb.style.recipes import style_recipe
from artnb.style.scene import Scene, taps
from artnb.style.tiling import HALO, TILE, TiledScene, scene_for, spans
from artnb.style.transfer import stylize

RANDOM = np.random.default_rng(9)
RECIPE = replace(
    style_recipe("efficientnet-lite0"),
    content_layers={"coarse": 1.0},
    style_layers={"fine": 1.0, "coarse": 2.0},
    jitter=0,
    tv_weight=2.0,
)


def picture(height, width):
    return RANDOM.integers(0, 256, (height, width, 3), np.uint8)


@pytest.fixture(scope="module")
def backbone():
    """Strides by convolutions with zeros around, and by pools without: both kinds that ImageNet's networks have."""
    pictures = keras.Input((None, None, 3))
    start = keras.initializers.HeNormal
    x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name="fine", kernel_initializer=start(1))(
        pictures
    )
    x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Conv2D(6, 3, 2, padding="same", name="coarse", kernel_initializer=start(2))(x)
    return Backbone("tiny", keras.Model(pictures, x), True)


@pytest.mark.parametrize("side", [1, 31, 700, 799, 800, 801, 1100, 1999, 2048, 4096, 4099, 10_000])
def test_every_place_counts_in_one_tile_that_sees_what_lies_around_it(side):
    covered = spans(side)
    assert [each.first for each in covered] == [0, *(each.last for each in covered[:-1])] and covered[-1].last == side
    assert len({each.end - each.start for each in covered}) == 1 and covered[-1].end == side
    for each in covered:
        assert each.start % 32 == 0 and (each.last % 32 == 0 or each.last == side)
        assert (each.end - each.start) % 32 == side % 32, "halved and halved, it rounds as the side does"
        assert each.start == 0 or each.first - each.start >= HALO
        assert each.end == side or each.end - each.last >= HALO
        assert each.end - each.start < TILE + 32


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    ("size", "changes"),
    [
        ((256, 320), {}),
        ((201, 333), {}),
        ((203, 130), {"jitter": 3}),
        ((64, 300), {"keep_colours": True, "strength": 0.5}),
        ((96, 97), {"jitter": 2}),
    ],
)
def test_terms_and_gradient_are_those_of_one_piece(backbone, size, changes, masked):
    recipe = replace(RECIPE, **changes)
    mask = RANDOM.integers(0, 256, (20, 30), np.uint8) if masked else None
    given = taps(backbone, recipe), recipe, picture(*size), [picture(90, 110), picture(210, 170)], [0.3, 0.7], mask
    whole, tiled = Scene(*given), TiledScene(*given, tile=128, halo=32)
    image = tf.constant(RANDOM.uniform(0, 255, (1, *size, 3)), tf.float32)
    for turn in range(whole.turns):
        (terms, slope), (of_tiles, slope_of_tiles) = (each.gradient(image, turn) for each in (whole, tiled))
        np.testing.assert_allclose(of_tiles, terms, rtol=1e-4)
        np.testing.assert_allclose(slope_of_tiles, slope, atol=1e-5 * float(tf.reduce_max(tf.abs(slope))) + 1e-9)
        np.testing.assert_allclose(tiled.terms(image, turn), terms, rtol=1e-4)
    for name in recipe.style_layers:
        first, second = (each.layer_terms(image)[1][name] for each in (whole, tiled))
        assert float(first) == pytest.approx(float(second), rel=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["efficientnet-lite0", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("vgg19", "resnet50"))]
)
def test_on_the_courses_networks_the_cuts_are_not_seen(name):
    backbone = load_backbone(name, None, untrained=True)
    recipe = replace(style_recipe(name), smoothing=0.0)
    given = taps(backbone, recipe), recipe, picture(330, 418), [picture(100, 120)], [1.0]
    whole, tiled = Scene(*given), TiledScene(*given, tile=224, halo=64)
    image = tf.constant(RANDOM.uniform(0, 255, (1, 330, 418, 3)), tf.float32)
    (terms, slope), (of_tiles, slope_of_tiles) = (each.gradient(image) for each in (whole, tiled))
    np.testing.assert_allclose(of_tiles, terms, rtol=0.02)
    assert np.corrcoef(np.ravel(slope), np.ravel(slope_of_tiles))[0, 1] > 0.99


def test_only_large_pictures_are_tiled_and_only_without_smoothing():
    smooth = replace(RECIPE, smoothing=0.5)
    assert scene_for(RECIPE, (1024, 1024)) is scene_for(smooth, (1025, 1024)) is Scene
    assert scene_for(RECIPE, (1025, 1024)) is TiledScene
    with pytest.raises(RecipeError, match="size is 5000; it can be 4096 pixels or less with smoothing"):
        replace(smooth, size=5000)


def test_a_large_picture_is_measured_in_tiles_too(monkeypatch):
    pictures = picture(330, 418), picture(330, 418), picture(100, 120)
    whole = measure(*pictures)
    made = []

    def tiled(*given):
        made.append(TiledScene(*given, tile=224, halo=64))
        return made[-1]

    monkeypatch.setattr("artnb.style.metrics.scene_for", lambda *_: tiled)
    in_tiles = measure(*pictures)
    assert made and in_tiles.style_distance == pytest.approx(whole.style_distance, rel=0.02)
    assert in_tiles.content_distance == pytest.approx(whole.content_distance, rel=0.02)


def test_a_large_picture_is_painted_and_resumed_exactly(backbone, tmp_path, monkeypatch):
    tiled = partial(TiledScene, tile=128, halo=32)
    monkeypatch.setattr("artnb.style.transfer.scene_for", lambda _, size: tiled if size[1] > 128 else Scene)
    recipe = replace(RECIPE, size=190, iterations=6, scales=((0.4, 0.5), (1.0, 0.5)), jitter=2)
    photo, style = picture(100, 190), picture(60, 60)
    for optimiser in ("adam", "lbfgs"):
        how = replace(recipe, optimiser=optimiser)
        done = stylize(photo, style, how, backbone=backbone)
        assert done.image.shape == photo.shape and len(done.history) == 6
        last = done.history[done.history["scale"] == 1]["cost"]
        assert last.iloc[-1] < last.iloc[0]
        options = {"backbone": backbone, "state": tmp_path / optimiser, "every": 1}
        assert stylize(photo, style, how, watch=lambda step, _: step < 5, **options).stopped
        again = stylize(photo, style, how, **options)
        assert np.abs(again.image.astype(int) - done.image).max() <= 1
