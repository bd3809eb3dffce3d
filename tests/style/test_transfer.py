"""The optimisation through what it paints: with a small network at small sizes."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from artnb.backbones import BackboneError, load_backbone, shared_backbone
from artnb.images import ImageError, resize
from artnb.style import recipes, transfer
from artnb.style.colours import recolour
from artnb.style.metrics import measure
from artnb.style.recipes import RECIPES, RecipeError, StyleRecipe, style_recipe
from artnb.style.scene import Scene, taps
from artnb.style.transfer import StyleError, stylize
from tests.style.conftest import FINE


@pytest.fixture(scope="session")
def backbone():
    return load_backbone("efficientnet-lite0", None)


@pytest.fixture(scope="session")
def pictures():
    """A photograph, and a style of coloured stripes."""
    from skimage import data

    content = resize(data.coffee()[:, 60:560], (72, 96))
    y, x = np.mgrid[:72, :96]
    stripes = ((x + y) // 4 % 2)[..., None]
    style = np.where(stripes, (220, 160, 30), (30, 40, 120)).astype(np.uint8)
    return content, style


RECIPE = replace(style_recipe("efficientnet-lite0"), iterations=12, size=96, learning_rate=2.0, **FINE)
PLAIN = replace(RECIPE, scales=((1.0, 1.0),))


def test_the_cost_falls_and_the_picture_gets_the_palette(backbone, pictures):
    content, style = pictures
    painting = stylize(content, style, replace(PLAIN, iterations=40), backbone=backbone)
    history = painting.history
    assert painting.image.shape == content.shape
    assert painting.image.dtype == np.uint8
    assert history["step"].tolist() == list(range(1, 41))
    assert history["cost"].iloc[-1] < 0.8 * history["cost"].iloc[0]
    assert not painting.untrained
    assert not painting.stopped
    before, after = (np.abs(p.mean((0, 1)) - style.mean((0, 1))).sum() for p in (content, painting.image))
    assert after < before


def test_the_first_costs_are_known(backbone, pictures):
    history = stylize(*pictures, PLAIN, backbone=backbone).history
    # The content itself: no content loss, and a style loss of 1, whatever the layers.
    assert history["content"].iloc[0] == pytest.approx(0, abs=1e-4)
    assert history["style"].iloc[0] == pytest.approx(1, rel=1e-3)
    expected = PLAIN.style_weight + PLAIN.tv_weight * history["tv"].iloc[0]
    assert history["cost"].iloc[0] == pytest.approx(expected, rel=1e-3)


def test_the_same_seed_paints_the_same(backbone, pictures):
    recipe = replace(PLAIN, start="noise", iterations=4)
    first, again, other = (stylize(*pictures, recipe, seed=seed, backbone=backbone).image for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


def test_equal_content_and_style_change_next_to_nothing(backbone, pictures):
    content, _ = pictures
    image = stylize(content, content, replace(PLAIN, tv_weight=0.0), backbone=backbone).image
    assert np.abs(image.astype(int) - content).mean() < 2


@pytest.mark.parametrize(("size", "expected"), [(96, (72, 96)), (64, (48, 64)), (40, (32, 43)), (400, (72, 96))])
def test_sizes_keep_the_ratio_and_never_grow(pictures, size, expected):
    recipe = replace(RECIPE, size=size, scales=((1.0, 1.0),))
    assert recipe.sizes(*pictures[0].shape[:2])[-1] == expected


def test_coarse_to_fine_ends_at_the_whole_size(backbone, pictures):
    painting = stylize(*pictures, RECIPE, backbone=backbone)
    assert painting.image.shape == pictures[0].shape
    assert painting.history["scale"].unique().tolist() == [0.5, 1.0]
    assert len(painting.history) == 12


def at_once(step, image):
    """Stop at the first call."""
    return False


@pytest.mark.slow
@pytest.mark.parametrize("weights", [None, "vgg19.weights.h5"], ids=["without VGG19's weights", "with them"])
def test_without_a_recipe_it_is_vgg19s_or_the_small_networks_where_its_weights_are_missing(
    weights, pictures, monkeypatch, capsys
):
    network = "vgg19" if weights else "efficientnet-lite0"
    backbone = load_backbone(network, None, weights=None)  # untrained on purpose: the recipe is asked for
    monkeypatch.setattr(recipes, "find_weights", {"vgg19": weights}.__getitem__)
    painting = stylize(*pictures, watch=at_once, every=1, backbone=backbone)
    assert painting.recipe == RECIPES[network] and painting.stopped
    said = capsys.readouterr().err
    assert not said if weights else "EfficientNet-Lite0 is used instead" in said and "weights get vgg19" in said


def test_a_recipe_that_is_named_is_used_with_its_own_network(pictures, capsys):
    painting = stylize(*pictures, "efficientnet-lite0", watch=at_once, every=1)
    assert painting.recipe == RECIPES["efficientnet-lite0"] and "instead" not in capsys.readouterr().err
    assert painting.backbone == str(shared_backbone("efficientnet-lite0")) and not painting.untrained


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_the_best_picture_is_kept(backbone, pictures, optimiser):
    content, style = pictures
    wild = replace(PLAIN, learning_rate=120.0, optimiser=optimiser, iterations=10)
    painting = stylize(content, style, wild, backbone=backbone)
    scene = Scene(taps(backbone, wild), wild, content, [style], [1.0])
    cost = float(scene.terms(painting.image[None].astype(np.float32))[0])
    assert cost <= painting.history["cost"].min() * 1.02  # rounding to whole grey levels


@pytest.mark.slow
def test_lbfgs_beats_adam_on_so_small_a_thing(backbone, pictures):
    costs = {
        optimiser: stylize(*pictures, replace(PLAIN, optimiser=optimiser, iterations=25), backbone=backbone)
        .history["cost"]
        .min()
        for optimiser in ("adam", "lbfgs")
    }
    assert costs["lbfgs"] < 1.5 * costs["adam"]


def test_black_in_the_mask_keeps_the_content(backbone, pictures):
    content, style = pictures
    mask = np.zeros(content.shape[:2], bool)
    mask[:, 48:] = True
    image = stylize(content, style, replace(PLAIN, iterations=20), mask=mask, backbone=backbone).image
    np.testing.assert_array_equal(image[:, :46], content[:, :46])
    assert np.abs(image[:, 50:].astype(int) - content[:, 50:]).mean() > 5


def test_kept_colours_are_the_contents(backbone, pictures):
    content, style = pictures
    image = stylize(content, style, replace(PLAIN, keep_colours=True, iterations=20), backbone=backbone).image
    old, new = (np.asarray(Image.fromarray(p).convert("YCbCr")).astype(int) for p in (content, image))
    assert np.abs(old[..., 0] - new[..., 0]).mean() > 3
    inside = (image > 0).all(-1) & (image < 255).all(-1)  # where RGB could hold them
    assert np.abs(old[..., 1:] - new[..., 1:])[inside].mean() < 2


def test_recoloured_first_the_brush_is_all_that_is_left(backbone, pictures):
    content, style = pictures
    recipe = replace(PLAIN, iterations=1, learning_rate=1e-6, recolour=True)
    begun = stylize(content, style, recipe, backbone=backbone)
    assert np.array_equal(begun.image, recolour(content, style)), "where it begins"
    assert begun.history["content"].iloc[0] == pytest.approx(0, abs=1e-4), "and what it holds to"
    grey = replace(recipe, keep_colours=True)
    kept, without = (stylize(content, style, each, backbone=backbone) for each in (grey, replace(grey, recolour=False)))
    assert np.array_equal(kept.image, without.image)
    assert np.array_equal(stylize(content, style, replace(recipe, strength=0.0), backbone=backbone).image, content)
    mask = np.zeros(content.shape[:2], bool)
    mask[:, 48:] = True
    half = stylize(content, style, recipe, mask=mask, backbone=backbone).image
    assert np.array_equal(half[:, :48], content[:, :48])
    assert np.abs(half[:, 50:].astype(int) - recolour(content, style)[:, 50:]).max() <= 1


def test_a_strength_of_0_leaves_the_content(backbone, pictures):
    content, style = pictures
    images = [
        stylize(content, style, replace(PLAIN, strength=strength, tv_weight=0.0), backbone=backbone).image
        for strength in (0.0, 0.5, 1.0)
    ]
    changes = [np.abs(image.astype(int) - content).mean() for image in images]
    assert changes[0] < 1
    assert changes[0] < changes[1] < changes[2]


def test_two_styles_blend_by_their_weights(backbone, pictures):
    content, _ = pictures
    red, blue = np.full((48, 48, 3), (200, 20, 20), np.uint8), np.full((48, 48, 3), (20, 20, 200), np.uint8)
    mean = {}
    for weights in ((1, 0), (1, 1), (0, 1)):
        image = stylize(content, [red, blue], replace(PLAIN, iterations=25), weights=weights, backbone=backbone).image
        mean[weights] = image[..., 0].mean() - image[..., 2].mean()
    assert mean[1, 0] > mean[1, 1] > mean[0, 1]


def test_stopped_and_gone_on_with_is_as_if_nothing_had_happened(backbone, pictures, tmp_path):
    state = tmp_path / "state"
    whole = stylize(*pictures, RECIPE, backbone=backbone)
    part = stylize(*pictures, RECIPE, backbone=backbone, state=state, every=3, watch=lambda step, image: step < 9)
    assert part.stopped
    assert len(part.history) == 9
    assert state.is_file()
    rest = stylize(*pictures, RECIPE, backbone=backbone, state=state)
    assert not state.exists()
    np.testing.assert_allclose(rest.history["cost"], whole.history["cost"], rtol=1e-3)
    assert np.abs(rest.image.astype(int) - whole.image).max() <= 2


def test_watching(backbone, pictures):
    seen = []
    stylize(*pictures, PLAIN, backbone=backbone, every=5, watch=lambda step, image: seen.append((step, image.shape)))
    assert seen == [(5, (72, 96, 3)), (10, (72, 96, 3))]


def test_ctrl_c_keeps_the_best_so_far(backbone, pictures):
    def interrupt(step, image):
        raise KeyboardInterrupt

    painting = stylize(*pictures, PLAIN, backbone=backbone, every=6, watch=interrupt)
    assert len(painting.history) == 6
    assert "stopped" in painting.stopped


def interrupt(step, image):
    raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
@pytest.mark.parametrize("stop", [lambda step, image: False, interrupt])
def test_what_is_stopped_while_coarse_comes_to_its_whole_size(backbone, pictures, optimiser, stop, tmp_path):
    content, style = pictures
    recipe, state = replace(RECIPE, optimiser=optimiser), tmp_path / "state"
    coarse = []
    stopped = stylize(
        *pictures,
        recipe,
        backbone=backbone,
        state=state,
        every=3,
        watch=lambda step, image: coarse.append(image) or stop(step, image),
    )
    assert coarse[-1].shape == (36, 48, 3) and stopped.stopped == "It was stopped."
    assert stopped.image.shape == content.shape
    scales = stopped.history["scale"].tolist()
    assert scales[:3] == [0.5] * 3 and set(scales[3:]) == {1.0} and len(scales) <= 3 + transfer.LAST_STEPS
    enlarged = resize(coarse[-1], content.shape[:2])
    costs = [measure(picture, content, style, backbone).style_distance for picture in (enlarged, stopped.image)]
    assert costs[1] < costs[0], "it is painted at its whole size, not only enlarged"
    resumed = stylize(*pictures, recipe, backbone=backbone, state=state)
    assert resumed.history["step"].tolist() == list(range(1, 13)), "the last steps are not in the state"


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_a_cost_that_is_no_number_ends_it_with_the_last_good_picture(
    backbone, pictures, optimiser, monkeypatch, tmp_path
):
    import tensorflow as tf

    from artnb.style import scene

    calls = []

    def broken(images):
        calls.append(1)
        return tf.where(tf.reduce_mean(images) > 0, np.float32("nan"), 0.0)

    monkeypatch.setattr(scene, "total_variation", broken)
    state = tmp_path / "state"
    painting = stylize(*pictures, replace(PLAIN, optimiser=optimiser), backbone=backbone, state=state, every=1)
    assert "no number" in painting.stopped
    assert painting.image.shape == pictures[0].shape
    assert not state.exists(), "going on would end in the same trouble"


def test_another_transfers_state_is_refused(backbone, pictures, tmp_path):
    state = tmp_path / "state"
    stylize(*pictures, PLAIN, backbone=backbone, state=state, every=3, watch=lambda step, image: False)
    with pytest.raises(StyleError, match="other pictures or settings"):
        stylize(*pictures, replace(PLAIN, learning_rate=1.0), backbone=backbone, state=state)
    state.write_bytes(b"PK nonsense")
    with pytest.raises(StyleError, match="remove it"):
        stylize(*pictures, PLAIN, backbone=backbone, state=state)


def test_bad_input_is_one_sentence(backbone, pictures):
    content, style = pictures
    with pytest.raises(StyleError, match="8 × 8 pixels is too small"):
        stylize(content[:8, :8], style, PLAIN, backbone=backbone)
    with pytest.raises(StyleError, match="give each style a weight"):
        stylize(content, [style, style], PLAIN, weights=[1.0], backbone=backbone)
    with pytest.raises(StyleError, match="black all over"):
        stylize(content, style, PLAIN, mask=np.zeros((4, 4), np.uint8), backbone=backbone)
    with pytest.raises(ImageError, match="one picture"):
        stylize(content, style, PLAIN, mask=np.zeros(4, np.uint8), backbone=backbone)
    with pytest.raises(BackboneError, match="no layer 'block99'"):
        stylize(content, style, replace(PLAIN, style_layers={"block99": 1.0}), backbone=backbone)


@pytest.mark.parametrize("name", ["vgg19", "resnet50", "gatys", "original-vgg19", "original-resnet50"])
def test_every_preset_paints_with_an_untrained_network(pictures, name, use):
    recipe = replace(style_recipe(name).at_one_scale(), iterations=2, size=48)
    use(weights="packaged")
    painting = stylize(*pictures, recipe, backbone=load_backbone(recipe.backbone, None, untrained=True))
    assert painting.untrained
    assert "untrained" in painting.backbone
    assert np.isfinite(painting.history["cost"]).all()


def test_the_originals_presets_are_its_own():
    vgg, resnet = style_recipe("original-vgg19"), style_recipe("original-resnet50")
    assert (vgg.learning_rate, vgg.style_weight, vgg.content_weight) == (2.0213, 0.03645, 0.0358)
    assert list(vgg.style_layers.values()) == [1.263, 3.505, 0.0515, 0.184, 0.0364]
    assert (resnet.learning_rate, resnet.style_weight, resnet.content_weight) == (1.5076, 0.06006, 0.0211)
    assert list(resnet.style_layers.values()) == [0.0805, 0.373, 3.752, 9.886, 3.450]
    assert list(resnet.content_layers) == ["conv3_block4_out"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"backbone": "alexnet"}, "vgg19"),
        ({"learning_rate": 0}, "above 0"),
        ({"strength": 1.5}, "0 to 1"),
        ({"betas": (0.9, 1.0)}, "less than 1"),
        ({"betas": (0.9,)}, "two numbers"),
        ({"iterations": 0}, "1 to"),
        ({"size": 8}, "pixels"),
        ({"start": "white"}, "content or noise"),
        ({"style_layers": {}}, "one of them above 0"),
        ({"style_weight": float("nan")}, "number"),
        ({"scales": ((0.5, 1.0),)}, "shares"),
    ],
)
def test_a_recipe_refuses_nonsense(change, word):
    with pytest.raises(RecipeError, match=word):
        replace(RECIPE, **change)


@pytest.mark.parametrize("name", ["vgg19", "resnet50", "efficientnet-lite0", "gatys"])
def test_at_one_scale_a_recipe_remembers_as_keras_does(name):
    recipe = style_recipe(name)
    assert recipe.at_one_scale() == replace(recipe, betas=(0.9, 0.999), scales=((1.0, 1.0),)), "and nothing else is new"


def test_a_recipe_survives_json():
    import json

    for name in ("vgg19", "gatys", "original-resnet50"):
        recipe = style_recipe(name)
        assert StyleRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    older = {name: value for name, value in style_recipe("original-vgg19").to_dict().items() if name != "betas"}
    assert StyleRecipe.from_dict(older).betas == (0.9, 0.999), "what a picture without them was painted with"
    with pytest.raises(RecipeError, match="no setting 'speed'"):
        StyleRecipe.from_dict({"speed": 1})
    with pytest.raises(RecipeError, match="JSON object"):
        StyleRecipe.from_dict([1])
    with pytest.raises(RecipeError, match="can't be read"):
        StyleRecipe.from_dict({"backbone": "vgg19"})


def test_a_preset_may_be_named(backbone, pictures, monkeypatch):
    recipes = []
    monkeypatch.setattr(transfer, "taps", lambda backbone, recipe: recipes.append(recipe) or taps(backbone, recipe))
    monkeypatch.setattr(transfer._Run, "paint", lambda self, *_: setattr(self, "stopped", "at once"))
    stylize(*pictures, "efficientnet-lite0", backbone=backbone)
    assert recipes == [style_recipe("efficientnet-lite0")]
    with pytest.raises(RecipeError, match="There is no recipe 'vgg16'; there are vgg19"):
        stylize(*pictures, "vgg16")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"recipe": 5}, "a StyleRecipe, or vgg19"),
        ({"recipe": {"backbone": "vgg19"}}, "a StyleRecipe, or vgg19"),
        ({"weights": "x"}, "give each style a weight"),
        ({"weights": ["x"]}, "give each style a weight"),
        ({"weights": [True]}, "give each style a weight"),
        ({"weights": [[1], [1, 2]]}, "give each style a weight"),
        ({"weights": [float("nan")]}, "give each style a weight"),
        ({"weights": [0]}, "give each style a weight"),
        ({"styles": []}, "give one or more"),
        ({"every": 0}, "every is 0; it can be a whole number from 1"),
        ({"every": 2.0}, "every is 2.0"),
        ({"seed": "x"}, "The seed is 'x'; it can be a whole number"),
        ({"seed": -1}, "The seed is -1"),
        ({"watch": 5}, "a function of the step and the picture"),
        ({"state": "."}, "is a folder; name a file in it"),
        ({"state": 5}, "the name of a file"),
        ({"state": "a\0b"}, "name a file"),
        ({"backbone": "vgg19"}, "what load_backbone or shared_backbone returns"),
    ],
)
def test_arguments_are_refused_before_the_work(pictures, monkeypatch, arguments, words):
    from artnb.errors import ArtnbError

    monkeypatch.setattr(transfer._Run, "paint", lambda *_: pytest.fail("it painted"))
    content, style = pictures
    given = {"content": content, "styles": style, "recipe": PLAIN} | arguments
    with pytest.raises(ArtnbError, match=words):
        stylize(**given)


def test_a_state_in_a_file_is_refused_before_the_work(backbone, pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(transfer._Run, "paint", lambda *_: pytest.fail("it painted"))
    (tmp_path / "file").write_text("")
    for state in (tmp_path / "file" / "state", tmp_path / ("x" * 300)):
        with pytest.raises(StyleError, match="name a file"):
            stylize(*pictures, PLAIN, backbone=backbone, state=state)


def test_an_array_of_styles_is_a_list(backbone, pictures):
    content, style = pictures
    short = replace(PLAIN, iterations=2)
    both = np.stack([style, style[:, ::-1]])
    images = [stylize(content, styles, short, backbone=backbone).image for styles in (both, list(both))]
    np.testing.assert_array_equal(*images)


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((32, 500), 384, (32, 500)),
        ((64, 1000), 400, (32, 500)),
        ((1000, 64), 400, (500, 32)),
        ((768, 1024), 384, (288, 384)),
    ],
)
def test_a_long_picture_keeps_its_proportions(shape, size, expected):
    for scales in (((1.0, 1.0),), ((0.5, 1.0), (1.0, 1.0))):
        sizes = replace(RECIPE, size=size, scales=scales).sizes(*shape)
        assert sizes[-1] == expected
        assert all(min(sides) >= 32 for sides in sizes)
        assert all(sides[0] / sides[1] == pytest.approx(shape[0] / shape[1], rel=0.02) for sides in sizes)


def test_a_picture_that_is_too_long_is_refused_with_the_limit(backbone):
    content, style = np.zeros((32, 5000, 3), np.uint8), np.zeros((40, 40, 3), np.uint8)
    for pair in ((content, style), (style, content)):
        with pytest.raises(RecipeError, match=r"picture of 5000 × 32, .* give a size of 400 or more, or cut"):
            stylize(*pair, replace(PLAIN, size=64), backbone=backbone)
    assert replace(PLAIN, size=400).sizes(32, 5000) == [(32, 5000)]
    with pytest.raises(RecipeError, match="too small for a picture"):
        replace(PLAIN, size=399).sizes(32, 5000)


def test_a_long_style_keeps_its_proportions(backbone):
    scene = Scene(
        taps(backbone, PLAIN), PLAIN, np.zeros((40, 40, 3), np.uint8), [np.zeros((64, 256, 3), np.uint8)], [1.0]
    )
    assert scene.styles[0].shape == (1, 32, 128, 3)


def test_names_of_judges_and_spaces_are_checked():
    from artnb.common.searching import SearchError
    from artnb.style.metrics import judge_for, measure
    from artnb.style.search import search_style, style_space

    for name in ("nope", None, ["vgg19"]):
        with pytest.raises(BackboneError, match="There is no backbone"):
            judge_for(name)
        with pytest.raises(SearchError, match="There is no search space"):
            style_space(name)
    with pytest.raises(BackboneError, match="what load_backbone"):
        measure(*[np.zeros((40, 40, 3), np.uint8)] * 3, judge="vgg19")
    with pytest.raises(SearchError, match="what style_space returns"):
        search_style("ours", None, None, "nowhere")
