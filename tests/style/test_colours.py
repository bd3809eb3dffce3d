"""Colour without brush: the palette's map, and the filter that keeps a result locally affine in the photograph."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from skimage import data

from artnb.images import ImageError, resize
from artnb.style.colours import NOISE, colour_map, guided_filter, moved, palette, recolour
from artnb.style.state import StyleError
from tests.conftest import draw

PHOTO = resize(data.coffee(), (96, 128))
PAINTING = resize(data.rocket(), (80, 100))


def test_the_palette_is_numpys_mean_and_covariance():
    found = palette(PHOTO)
    colours = PHOTO.reshape(-1, 3)
    assert np.allclose(found.mean, colours.mean(0)) and np.allclose(found.covariance, np.cov(colours.T, bias=True))
    left = np.zeros(PHOTO.shape[:2], np.uint8)
    left[:, :50] = 200
    only = palette(PHOTO, left)
    there = PHOTO[:, :50].reshape(-1, 3)
    assert np.allclose(only.mean, there.mean(0)) and np.allclose(only.covariance, np.cov(there.T, bias=True))
    one = np.zeros((600, 600), np.uint8)
    one[5, 5] = 255
    large = np.random.default_rng(1).integers(0, 256, (600, 600, 3), np.uint8)
    assert np.allclose(palette(large, one).mean, large[5, 5]), "a place that a coarse look would miss"


def test_the_map_is_the_one_of_the_formula():
    source, target = palette(PHOTO), palette(PAINTING)
    first, second = (each.covariance + NOISE**2 * np.eye(3) for each in (source, target))
    root = sqrtm(first)
    by_scipy = np.linalg.inv(root) @ sqrtm(root @ second @ root) @ np.linalg.inv(root)
    matrix = colour_map(source, target)
    assert np.allclose(matrix, by_scipy, atol=1e-6) and np.allclose(matrix, matrix.T)
    assert np.allclose(matrix @ first @ matrix, second), "the covariance becomes the painting's"
    assert np.allclose(colour_map(source, source), np.eye(3)), "its own palette changes nothing"
    assert np.allclose(matrix @ colour_map(target, source), np.eye(3)), "there and back"


def test_the_colours_become_the_paintings():
    soft = (PHOTO // 2 + 64).astype(np.uint8)  # so that nothing is clipped
    aim = palette((PAINTING // 4 + 100).astype(np.uint8))
    done = palette(moved(soft, palette(soft), aim))
    assert np.allclose(done.mean, aim.mean, atol=0.5)
    assert np.allclose(np.sqrt(np.diag(done.covariance)), np.sqrt(np.diag(aim.covariance)), atol=1.5)
    assert np.array_equal(recolour(PHOTO, PHOTO), PHOTO)


def test_one_colour_is_a_palette_too():
    plain = np.full((40, 50, 3), (30, 90, 200), np.uint8)
    assert np.abs(recolour(plain, PAINTING).reshape(-1, 3).std(0)).max() == 0
    tinted = recolour(PHOTO, plain)
    assert np.allclose(tinted.reshape(-1, 3).mean(0), (30, 90, 200), atol=1)
    assert tinted.reshape(-1, 3).std() > 1 and np.isfinite(tinted).all()
    noisy = (plain + np.random.default_rng(2).integers(0, 2, plain.shape)).astype(np.uint8)
    assert recolour(noisy, PAINTING).astype(float).std((0, 1)).max() < 10, "noise is not stretched into contrast"


def test_several_paintings_are_mixed_by_their_weights():
    one, other = recolour(PHOTO, PAINTING).astype(int), recolour(PHOTO, 255 - PAINTING).astype(int)
    mixed = recolour(PHOTO, [PAINTING, 255 - PAINTING], weights=[3, 1])
    assert np.abs(mixed - (0.75 * one + 0.25 * other)).max() <= 1
    assert np.abs(recolour(PHOTO, PAINTING, strength=0.5) - (0.5 * one + 0.5 * PHOTO)).max() <= 1
    assert np.array_equal(recolour(PHOTO, PAINTING, strength=0), PHOTO)


def test_where_the_mask_is_dark_the_photograph_stays():
    mask = np.zeros(PHOTO.shape[:2], bool)
    mask[:, 64:] = True
    done = recolour(PHOTO, PAINTING, mask=mask).astype(int)
    far = np.s_[:, :40]
    assert np.array_equal(done[far], PHOTO[far])
    there = recolour(PHOTO[:, 64:], PAINTING).astype(int)
    assert np.abs(done[:, 90:] - there[:, 26:]).mean() < 3.0
    assert np.array_equal(recolour(PHOTO, PAINTING, mask=np.ones((5, 7), bool)).shape, PHOTO.shape)


def by_hand(guide, image, radius, epsilon):
    """The filter as its paper writes it: a regression in every window, then the mean of all that hold a pixel."""
    height, width, _ = guide.shape
    padded, values = (
        np.pad(each, ((2 * radius,) * 2, (2 * radius,) * 2, (0, 0)), "symmetric") for each in (guide, image)
    )
    side = 2 * radius + 1
    slopes, offsets = {}, {}
    for y in range(height + 2 * radius):
        for x in range(width + 2 * radius):
            inside = padded[y : y + side, x : x + side].reshape(-1, 3)
            wanted = values[y : y + side, x : x + side].reshape(-1, image.shape[2])
            spread = np.cov(inside.T, bias=True) + epsilon * np.eye(3)
            together = (inside - inside.mean(0)).T @ (wanted - wanted.mean(0)) / len(inside)
            slopes[y, x] = np.linalg.solve(spread, together)
            offsets[y, x] = wanted.mean(0) - inside.mean(0) @ slopes[y, x]
    result = np.empty(image.shape)
    for y in range(height):
        for x in range(width):
            around = [(y + dy, x + dx) for dy in range(side) for dx in range(side)]
            slope, offset = (np.mean([each[place] for place in around], axis=0) for each in (slopes, offsets))
            result[y, x] = guide[y, x] @ slope + offset
    return result


def test_the_filter_is_the_papers():
    random = np.random.default_rng(3)
    guide, image = random.uniform(0, 255, (9, 11, 3)), random.uniform(0, 255, (9, 11, 2))
    slope, offset = guided_filter(guide, image, 2, 65.0)
    done = np.einsum("hwk,hwkc->hwc", guide, slope) + offset
    inner = np.s_[2:-2, 2:-2]  # at the edges the paper says nothing of what lies outside
    assert np.allclose(done[inner], by_hand(guide, image, 2, 65.0)[inner])


def test_what_is_affine_in_the_guide_stays():
    guide = PHOTO.astype(float)
    image = guide @ [[0.5, 0.1], [0.2, 0.3], [0.1, 0.9]] + [10.0, 20.0]
    slope, offset = guided_filter(guide, image, 4, 1e-6)
    assert np.allclose(np.einsum("hwk,hwkc->hwc", guide, slope) + offset, image, atol=0.1)


def test_a_masks_edge_follows_the_photographs():
    """A dark disc on light ground, under a mask that is a square around it."""
    y, x = np.mgrid[:96, :96]
    disc = (x - 48) ** 2 + (y - 48) ** 2 < 30**2
    photo = np.where(disc[..., None], (40, 50, 60), (220, 210, 200)).astype(np.uint8)
    photo = (photo + np.random.default_rng(4).integers(-3, 4, photo.shape)).astype(np.uint8)
    mask = (abs(x - 48) < 32) & (abs(y - 48) < 32)
    red = np.where(disc[..., None], (160, 20, 20), (210, 60, 60)).astype(np.uint8)
    change = np.abs(recolour(photo, red, mask=mask).astype(int) - photo).sum(-1)
    hard = np.abs(recolour(photo, red).astype(int) - photo).sum(-1) * mask
    corner = mask & ~disc & (abs(x - 48) > 26) & (abs(y - 48) > 26)
    assert change[disc].mean() > 0.5 * hard[disc].mean()
    edge = change[mask & ~disc].std() / change[mask & ~disc].mean()
    assert edge > 0 and change[corner].mean() < hard[corner].mean(), "it fades where the photograph has no edge"


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 40, 3), (16, 16, 3), (20, 700, 3)])
def test_any_shape_will_do(shape, tmp_path):
    picture = np.random.default_rng(5).integers(0, 256, shape, np.uint8)
    assert recolour(picture, PAINTING).shape == shape
    assert recolour(picture, draw(tmp_path / "p.png", 1), mask=np.ones((3, 3), bool)).shape == shape


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"styles": []}, "There are no styles"),
        ({"weights": [1, 2]}, "each style a weight"),
        ({"weights": [-1]}, "each style a weight"),
        ({"mask": np.zeros((4, 4), bool)}, "black all over"),
        ({"strength": 1.5}, "The strength is 1.5; it can be a number from 0 to 1"),
        ({"strength": "full"}, "The strength is 'full'"),
    ],
)
def test_bad_input_is_one_sentence(changes, words):
    with pytest.raises(StyleError, match=words):
        recolour(**{"content": PHOTO, "styles": PAINTING} | changes)
    with pytest.raises(ImageError):
        recolour("missing.jpg", PAINTING)
