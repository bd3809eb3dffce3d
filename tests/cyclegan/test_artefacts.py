"""What a person sees at once, as numbers."""

import numpy as np
import pytest

from artnb.cyclegan.artefacts import newly_saturated, pattern_peaks
from artnb.cyclegan.evaluation import density_and_coverage, patterned_share
from artnb.errors import EvaluationError

GREY = np.full((96, 128, 3), 120, np.uint8)
RANDOM = np.random.default_rng(2)


def textured(waves=0.0, noise=4.0):
    """Grey with noise, and with waves of eight pixels, in grey levels."""
    values = 120 + RANDOM.normal(0, noise, (96, 128, 1)) + waves * np.sin(np.arange(128) * np.pi / 4)[None, :, None]
    return values.clip(0, 255).round().astype(np.uint8).repeat(3, -1)


def test_burnt_places_are_counted_if_they_are_new_and_no_glints():
    burnt = GREY.copy()
    burnt[10:20, 10:20, 0] = 255  # a hundred pixels, in one channel
    burnt[50, 50:70] = 0  # twenty: a glint
    assert newly_saturated(burnt, GREY) == 100 / (96 * 128)
    assert newly_saturated(burnt, burnt) == 0 == newly_saturated(GREY, burnt)
    white = GREY.copy()
    white[10:20, 10:20, 0] = 253  # was as good as white
    assert newly_saturated(burnt, white) == 0
    with pytest.raises(EvaluationError, match="96 × 128 and 96 × 96"):
        newly_saturated(GREY, GREY[:, :96])


def test_a_pattern_is_a_peak_and_noise_is_none():
    noise, waves = pattern_peaks(textured(), GREY), pattern_peaks(textured(waves=4.0), GREY)
    # Powers of noise are exponential: of n of them, the highest is about log(n) means, and the median log(2).
    expected = np.log(500) / np.log(2)
    assert len(noise) == 5 * 7 and expected * 0.7 < np.median(noise) < expected * 1.4
    assert np.median(waves) > 12 * np.median(noise)
    assert pattern_peaks(GREY, GREY).max() < 1, "nothing at all is no pattern"


def test_only_what_was_plain_counts():
    busy = GREY.copy()
    busy[:, :64] = RANDOM.integers(0, 256, (96, 64, 3))
    assert len(pattern_peaks(textured(waves=4.0), busy)) == 5 * 3
    assert len(pattern_peaks(textured(noise=20))) > 0, "by itself: a brush's noise, and no shapes"
    edge = GREY.copy()
    edge[:, 64:] = 20
    assert len(pattern_peaks(edge)) < 5 * 7


def test_a_twentieth_of_real_places_is_patterned_and_a_grid_is_everywhere():
    real = [textured() for _ in range(20)]
    grey = [GREY] * 20
    assert patterned_share([textured() for _ in range(20)], grey, real) == pytest.approx(0.05, abs=0.03)
    assert patterned_share([textured(waves=4.0)] * 2, grey[:2], real) > 0.95
    busy = RANDOM.integers(0, 256, (96, 128, 3), np.uint8)
    assert patterned_share([busy], [busy], real) is None


def test_density_and_coverage_by_hand():
    real = np.array([[0.0], [1.0], [2.0], [10.0]])
    # With three neighbours, the radii are 10, 9, 8 and 10.
    generated = np.array([[1.0], [30.0]])
    density, coverage = density_and_coverage(generated, real)
    assert density == (1 + 1 + 1 + 1) / (3 * 2)
    assert coverage == 1.0
    assert density_and_coverage(np.array([[30.0]]), real) == (0.0, 0.0)
    with pytest.raises(EvaluationError, match="Got 2 and 1 pictures"):
        density_and_coverage(generated, real[:1])


def test_two_sets_of_one_source_have_a_density_of_one_and_one_kind_covers_little():
    one, other = RANDOM.normal(size=(300, 8)), RANDOM.normal(size=(300, 8))
    density, coverage = density_and_coverage(one, other)
    assert density == pytest.approx(1, abs=0.15)
    # Naeem et al., equation 9: a real picture is missed if all 300 lie beyond its five nearest.
    assert coverage == pytest.approx(1 - 0.5**5, abs=0.04)
    assert density_and_coverage(np.tile(other[:1], (300, 1)), other)[1] < 0.1
