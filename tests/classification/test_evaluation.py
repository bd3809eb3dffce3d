import numpy as np
import pandas as pd
import pytest

from artnb.classification.evaluation import (
    bootstrap,
    calibration,
    evaluate,
    read_answers,
    save_answers,
    scale,
    temperature,
)
from artnb.classification.reference import picture_statistics
from artnb.errors import EvaluationError
from artnb.images import ImageError

NAMES = ("Degas", "Manet", "Monet", "Morisot")
# Worked out by hand: rows 0, 1, 3, 5 are right.
PROBABILITIES = np.array(
    [
        [0.7, 0.1, 0.1, 0.1],
        [0.2, 0.5, 0.2, 0.1],
        [0.6, 0.25, 0.1, 0.05],
        [0.1, 0.1, 0.6, 0.2],
        [0.9, 0.05, 0.04, 0.01],
        [0.3, 0.4, 0.2, 0.1],
    ]
)
LABELS = np.array([0, 1, 1, 2, 3, 1])


def test_figures_worked_out_by_hand():
    found = evaluate(PROBABILITIES, LABELS, NAMES)
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.top3 == pytest.approx(5 / 6)  # row 4 has the right one last
    assert found.confusion.tolist() == [[1, 0, 0, 0], [1, 2, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]]
    assert found.per_class["precision"].tolist() == pytest.approx([1 / 3, 1, 1, 0])
    assert found.per_class["recall"].tolist() == pytest.approx([1, 2 / 3, 1, 0])
    assert found.per_class["n"].tolist() == [1, 3, 1, 1]
    assert found.macro_f1 == pytest.approx((0.5 + 0.8 + 1 + 0) / 4)
    assert found.mistakes().tolist() == [4, 2], "the most confident mistake first"
    low, high = found.interval
    assert 0 <= low < 4 / 6 < high <= 1
    assert set(found.to_dict()) == {"n", "accuracy", "top3", "macro_f1", "ece", "interval", "per_class"}
    assert "accuracy 66.7%" in found.report()
    few = evaluate(found.probabilities[:1], found.labels[:1], found.class_names, seed=0).report()
    asked_for = found.class_names[found.labels[0]]
    assert [name for name in found.class_names if name in few] == [asked_for], "nobody asked for the others"


def test_if_all_are_right_the_interval_is_wilsons():
    """1 of 1: 20.7 to 100 %; 0 of 10: 0 to 27.8 % (the formula, with z = 1.959964)."""
    np.testing.assert_allclose(bootstrap(np.array([True]), 1), [0.2065, 1], atol=1e-4)
    np.testing.assert_allclose(bootstrap(np.zeros(10), 1), [0, 0.2775], atol=1e-4)
    assert bootstrap(np.full(5, 0.5), 1) == (0.5, 0.5), "no shares, but differences that are all the same"


def test_calibration_worked_out_by_hand():
    """Ranges of a half: three pictures under 0.5 ... and three from 0.5 on, each with its mean and its share right."""
    probabilities = np.array([[0.45, 0.55], [0.3, 0.7], [0.9, 0.1], [0.2, 0.8]])
    labels = np.array([1, 0, 0, 1])
    table = calibration(probabilities, labels, bins=2)
    assert table["n"].tolist() == [4] and table["confidence"].tolist() == pytest.approx([0.7375])
    assert table["gap"].sum() == pytest.approx(abs(0.7375 - 0.75))
    fine = calibration(probabilities, labels, bins=10)
    # ranges 0.5, 0.7, 0.8, 0.9 hold one picture each: |0.55 - 1|, |0.7 - 0|, |0.8 - 1|, |0.9 - 1|, a quarter of each
    assert fine["gap"].sum() == pytest.approx((0.45 + 0.7 + 0.2 + 0.1) / 4)


def test_a_perfectly_calibrated_model_has_no_error():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 200_000)
    labels = (rng.random(200_000) > sure).astype(int)
    assert calibration(np.stack([sure, 1 - sure], 1), labels)["gap"].sum() < 0.005


@pytest.mark.parametrize("truth", [0.5, 1.0, 2.5])
def test_the_temperature_is_found_again(truth):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 5))
    right = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (right.cumsum(1) < rng.random((20_000, 1))).sum(1)
    too_sure = scale(right, 1 / truth)
    assert temperature(too_sure, labels) == pytest.approx(truth, rel=0.05)
    assert np.allclose(scale(too_sure, truth), right, atol=1e-6)


def test_a_model_without_mistakes_is_not_made_infinitely_sure():
    labels = np.arange(140) % 4
    modest = np.full((140, 4), 0.1)
    modest[np.arange(140), labels] = 0.7
    sure = scale(modest, temperature(modest, labels))
    # One mistake in 142 is reckoned with, and nothing more is known.
    assert sure.max(1) == pytest.approx(1 - 1 / 142, abs=1e-3)


def test_a_temperature_never_changes_the_order():
    hot = scale(PROBABILITIES, 3.0)
    assert np.array_equal(hot.argsort(1, kind="stable"), PROBABILITIES.argsort(1, kind="stable"))
    assert np.allclose(hot.sum(1), 1) and np.allclose(scale(PROBABILITIES, 1.0), PROBABILITIES)


def test_the_interval_is_about_as_wide_as_the_binomials():
    right = np.arange(500) < 400
    low, high = bootstrap(right)
    expected = 1.96 * np.sqrt(0.8 * 0.2 / 500)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.1) and low < 0.8 < high
    assert bootstrap(right) == (low, high), "the same seed, the same interval"
    assert bootstrap(np.ones(20)) == pytest.approx((0.8389, 1.0), abs=1e-4), "Wilson: twenty right ones are no proof"


def test_an_artist_without_pictures_does_not_count():
    found = evaluate(PROBABILITIES[:2], LABELS[:2], NAMES)
    assert found.accuracy == 1 and found.macro_f1 == 1


@pytest.mark.parametrize(
    ("probabilities", "labels"),
    [
        (PROBABILITIES[:3], LABELS),
        (PROBABILITIES, LABELS + 2),
        (PROBABILITIES[:0], LABELS[:0]),
        (PROBABILITIES * 3, LABELS),
    ],
)
def test_what_does_not_fit_is_refused(probabilities, labels):
    with pytest.raises(EvaluationError, match="give"):
        evaluate(probabilities, labels, NAMES)


def test_answers_about_artists_who_are_called_na_are_read_as_they_were_written(tmp_path):
    names = ("NA", "None", "nan")
    evaluation = evaluate(np.eye(3) * 0.97 + 0.01, np.array([0, 1, 1]), names)
    pictures = pd.DataFrame({"path": ["NA", "b", "c"], "sha256": ["1", "2", "3"]})
    save_answers(evaluation, pictures, tmp_path / "test.csv")
    answers = read_answers(tmp_path / "test.csv")
    assert answers["artist"].tolist() == ["NA", "None", "None"] and answers["predicted"].tolist() == list(names)
    assert answers["path"].tolist() == ["NA", "b", "c"] and answers["probability"].tolist() == [0.98] * 3
    for text in ("", "path,sha256\na,b\n", (tmp_path / "test.csv").read_text().replace("0.98", "much")):
        (tmp_path / "test.csv").write_text(text)
        with pytest.raises(ValueError):
            read_answers(tmp_path / "test.csv")


def test_statistics_are_of_pictures():
    picture = np.full((1, 8, 8, 3), 51, np.uint8)
    assert picture_statistics(picture)[0, 0] == pytest.approx(0.2)
    with pytest.raises(ImageError, match=r"float64 values from 0\.2"):
        picture_statistics(picture / 255)


def test_a_model_that_is_as_sure_as_can_be_is_in_the_last_range():
    table = calibration(np.array([[1.0, 0.0], [0.98, 0.02]]), np.array([0, 1]))
    assert len(table) == 1 and table["n"].item() == 2 and table["gap"].sum() == pytest.approx(0.99 - 0.5)


def test_figures_of_few_pictures_by_hand():
    ranked = np.array([[0.5, 0.3, 0.15, 0.05]] * 4)  # the right one is first, second, third and fourth
    found = evaluate(ranked, np.arange(4), tuple("abcd"))
    assert (found.accuracy, found.top3) == (0.25, 0.75) and found.ece == pytest.approx(0.5 - 0.25)
    sure = np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])  # gaps of 0.1 in three of four, 0.6 in one
    assert evaluate(sure, np.array([0, 0, 0, 1]), ("a", "b")).ece == pytest.approx(0.75 * 0.1 + 0.25 * 0.6)


def test_without_a_mistake_one_in_n_plus_two_is_reckoned_with():
    assert temperature(np.array([[0.9, 0.1]] * 8), np.zeros(8, int)) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("parts", [0, -1, 1.5, True, "2", len(LABELS) + 1])
def test_parts_that_do_not_fit_are_one_sentence(parts):
    with pytest.raises(EvaluationError, match="parts"):
        evaluate(PROBABILITIES, LABELS, NAMES, parts=parts)
