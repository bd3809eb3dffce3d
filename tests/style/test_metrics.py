"""The metrics by what must hold of them, and against the papers' and other libraries' own definitions."""

import numpy as np
import pytest

from artnb.backbones import TITLES, load_backbone
from artnb.style.metrics import colour_distance, entropies, entropy, judge_for, measure, pareto_front, structure
from artnb.style.recipes import style_recipe
from artnb.weights import BackboneError


@pytest.fixture(scope="module")
def judge():
    return load_backbone("efficientnet-lite0", None)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(2)
    content = np.repeat(np.repeat(rng.integers(0, 256, (6, 8, 3), np.uint8), 12, 0), 12, 1)
    style = rng.integers(0, 256, (80, 64, 3), np.uint8)
    return content, style


def test_the_content_is_at_0_from_itself_and_at_1_from_the_style(judge, pictures):
    content, style = pictures
    found = measure(content, content, style, judge)
    assert found.content_distance == pytest.approx(0, abs=1e-4)
    assert found.style_distance == pytest.approx(1, abs=1e-4)
    assert found.structure == pytest.approx(1)
    assert found.judge == "EfficientNet-Lite0"


def test_a_judge_is_trained_and_another_network_than_the_one_that_paints(pictures, use):
    use(weights="packaged")
    judges = {name: judge_for(name) for name in TITLES}
    assert {name: str(judge) for name, judge in judges.items()} == {
        "vgg19": "EfficientNet-Lite0", "resnet50": "EfficientNet-Lite0", "efficientnet-lite0": "starter-cnn",
    }  # fmt: skip
    assert all(judge.trained for judge in judges.values())
    content, style = pictures
    for size in (content, content[:40, :50]):
        found = measure(size, size, style, judges["efficientnet-lite0"])
        assert (found.style_distance, found.content_distance) == pytest.approx((1, 0), abs=1e-4)
        assert found.judge == "starter-cnn"
    assert measure(style, content, style, judges["efficientnet-lite0"]).style_distance < 1e-3


def test_an_untrained_network_never_judges(pictures, use):
    use(weights="packaged")
    content, style = pictures
    for name in TITLES:
        with pytest.raises(BackboneError, match=r"\(untrained\) was to judge, and an untrained network never does"):
            measure(content, content, style, load_backbone(name, None, weights=None))


def test_the_style_is_at_0_from_itself(judge, pictures):
    content, style = pictures
    found = measure(style, content, style, judge)
    assert found.style_distance == pytest.approx(0, abs=1e-4)
    assert found.colour_distance == pytest.approx(0, abs=1e-4)
    assert found.content_distance > 0.5
    assert found.structure < 0.5


def test_a_mixture_lies_between(judge, pictures):
    content, style = pictures
    half = ((content.astype(int) + style[:72, :64].repeat(2, 1)[:, :96]) // 2).astype(np.uint8)
    found = measure(half, content, style, judge)
    assert found.content_distance > 0
    assert 0 < found.style_distance < 1


def test_colour_distance_does_not_know_where(pictures):
    _, style = pictures
    shuffled = np.random.default_rng(1).permutation(style.reshape(-1, 3)).reshape(64, 80, 3)
    assert colour_distance(shuffled, style) == pytest.approx(0, abs=1e-6)
    grey = np.full((20, 20, 3), 119, np.uint8)  # L* of 119 is 50.03, of 255 is 100
    white = np.full((20, 20, 3), 255, np.uint8)
    assert colour_distance(grey, white) == pytest.approx((100 - 50.03) / 3, abs=0.05)


def test_structure_is_symmetric(pictures):
    content, _ = pictures
    other = 255 - content
    assert structure(content, other) == pytest.approx(structure(other, content))
    assert structure(content, other) < 0.2


def test_entropy_of_known_features():
    assert entropy(np.ones((1, 2, 2, 4))) == pytest.approx(1)
    peak = np.zeros(16)
    peak[3] = 5
    assert entropy(peak) == pytest.approx(0)
    assert entropy(np.array([1.0, 1, 0, 0])) == pytest.approx(0.5)  # log 2 / log 4
    assert entropy(-3 * np.array([1.0, 1, 0, 0])) == pytest.approx(0.5)


def test_smoothing_raises_the_entropy_of_residual_features(pictures, use):
    from dataclasses import replace

    use(weights="packaged")
    backbone = load_backbone("resnet50", None, untrained=True)
    recipe = style_recipe("resnet50")
    smooth, plain = (
        entropies(backbone, replace(recipe, smoothing=value), pictures[0]) for value in (recipe.smoothing, 0.0)
    )
    assert list(plain) == list(recipe.style_layers)
    assert all(smooth[name] > plain[name] for name in plain)


def test_a_pareto_front_by_hand():
    first, second = [1, 2, 3, 2, 1, 4], [4, 3, 1, 2, 4, 4]
    assert pareto_front(first, second).tolist() == [True, False, True, True, True, False]
    assert pareto_front([1], [1]).tolist() == [True]
