"""Is there drift where there is some, and none where there is none?"""

import json

import numpy as np
import pytest

from artnb.cards import ModelError
from artnb.classification.reference import STATISTICS, Sample, picture_statistics
from artnb.cli import main
from artnb.models import load_model
from artnb.operation import drift
from artnb.operation.drift import DriftError
from tests.conftest import SHARED, draw


def sample(n, seed, shift=0.0, classes=None, bright=0.0):
    """The sample of a made-up model, which may differ from the reference in three ways."""
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.ones(4) if classes is None else classes, n)
    statistics = rng.normal(0.5, 0.1, (n, len(STATISTICS))) + np.array([bright, 0, 0, 0, 0])
    return Sample(rng.normal(shift, 1, (n, 8)), probabilities, statistics)


REFERENCE = sample(200, 0)


def drifted(**changes):
    return drift.detect_drift(REFERENCE, sample(120, 1, **changes), permutations=999)


def test_two_samples_of_one_source_alarm_in_about_one_of_a_hundred():
    pool = sample(160, 5)
    rng, alarms = np.random.default_rng(6), 0
    for trial in range(200):
        order = rng.permutation(160)
        halves = [Sample(*(values[rows] for values in (pool.embedding, pool.probabilities, pool.statistics)))
                  for rows in (order[:80], order[80:])]  # fmt: skip
        alarms += drift.detect_drift(*halves, seed=trial, permutations=999).alarm
    assert alarms <= 6


@pytest.mark.parametrize(
    "changes, question",
    [
        ({"shift": 0.5}, "what the network sees"),
        ({"classes": [9, 1, 1, 1]}, "predictions"),
        ({"bright": 0.08}, "brightness"),
    ],
)
def test_each_kind_of_drift_is_found_where_it_is_and_nowhere_else(changes, question):
    result = drifted(**changes)
    assert result.alarm and result.tests.loc[result.tests["alarm"], "question"].tolist() == [question]
    assert f"drift in: {question}" in result.report() and result.to_dict()["alarm"] is True


def test_a_discrepancy_is_the_one_that_loops_compute():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0, 1, (5, 2)), rng.normal(1, 1, (4, 2))
    both = np.concatenate([first, second])
    width = np.median([np.sum((a - b) ** 2) for i, a in enumerate(both) for b in both[:i]])

    def mean(xs, ys, same):
        values = [np.exp(-np.sum((x - y) ** 2) / width) for i, x in enumerate(xs) for j, y in enumerate(ys)
                  if not (same and i == j)]  # fmt: skip
        return np.mean(values)

    expected = mean(first, first, True) + mean(second, second, True) - 2 * mean(first, second, False)
    value, p = drift.discrepancy(first, second, 99, rng)
    assert value == pytest.approx(expected, abs=1e-6) and 0.01 <= p <= 1


def test_the_p_value_without_drift_is_uniform():
    rng = np.random.default_rng(4)
    values = [drift.discrepancy(*rng.normal(0, 1, (2, 30, 3)), 199, rng)[1] for _ in range(200)]
    assert 0.4 < np.mean(values) < 0.6 and np.mean(np.array(values) <= 0.05) < 0.11


def test_stability_is_nothing_for_the_same_and_large_for_a_shift():
    values = np.random.default_rng(1).normal(0, 1, 2000)
    assert drift.stability_index(values, values) == pytest.approx(0, abs=1e-6)
    assert drift.stability_index(values, values + 0.1) < 0.1 and drift.stability_index(values, values + 1) > 0.25
    # Halves of 0.5 and 0.5 become 0.25 and 0.75: 0.25 * ln 0.5 the one way, 0.25 * ln 1.5 the other.
    old, new = np.arange(10_000.0), np.concatenate([np.arange(2500.0), 5000 + np.arange(5000), 5000 + np.arange(2500)])
    assert drift.stability_index(old, new, bins=2) == pytest.approx(0.25 * (np.log(1.5) - np.log(0.5)), abs=1e-3)
    # Of four pictures, with half of one more in each bin: 2.5 of 5 and 2.5 of 5 become 1.5 and 3.5.
    few = drift.stability_index(np.arange(4.0), np.array([0.0, 2, 3, 3]), bins=2)
    assert few == pytest.approx(0.2 * (np.log(1.4) - np.log(0.6)))


def test_too_few_pictures_or_another_models_are_refused():
    with pytest.raises(DriftError, match="Got 200 and 5 pictures"):
        drift.detect_drift(REFERENCE, sample(5, 1))
    with pytest.raises(DriftError, match="different models"):
        drift.detect_drift(REFERENCE, sample(50, 1, classes=[1, 1]))


def test_the_statistics_of_simple_pictures_are_known():
    red, stripes = np.zeros((2, 8, 8, 3), np.uint8)
    red[..., 0] = 255
    stripes[:, ::2] = 255
    rows = picture_statistics(np.stack([red, stripes]))
    assert rows[0] == pytest.approx([0.299, 0, 1, 1, 0], abs=1e-6)
    assert rows[1] == pytest.approx([0.5, 0.5, 0, 0, 0.5], abs=1e-6)
    assert picture_statistics(np.zeros((0, 8, 8, 3), np.uint8)).shape == (0, 5)


def test_a_sample_is_saved_and_a_damaged_one_noticed(tmp_path):
    REFERENCE.save(tmp_path / "reference.npz")
    again = Sample.load(tmp_path / "reference.npz")
    assert len(again) == 200 and np.array_equal(again.embedding, REFERENCE.embedding)
    (tmp_path / "reference.npz").write_bytes(b"PK")
    with pytest.raises(ValueError):
        Sample.load(tmp_path / "reference.npz")


def test_artists_that_are_new_are_listed_with_their_pictures():
    assert drift.newcomers(["Goya", "Berthe Morisot", "", "Berthe Morisot", "Klee"], ["Goya"]) == {
        "Berthe Morisot": 2, "Klee": 1
    }  # fmt: skip


def test_a_folder_is_read_with_its_artists_and_without_what_is_broken(tmp_path):
    draw(tmp_path / "loose.png", 1)
    draw(tmp_path / "images" / "Albrecht_Dürer" / "a.png", 2)
    (tmp_path / "images" / "bad.jpg").write_text("hello")
    draw(tmp_path / "images" / "Albrecht_Dürer" / "@eaDir" / "a.png" / "thumbnail.png", 3)
    draw(tmp_path / "images" / "Albrecht_Dürer" / "._a.png", 4)
    images, artists, skipped, files = drift.read_folder(tmp_path, 32)
    assert images.shape == (2, 32, 32, 3) and artists == ["Albrecht Dürer", ""]
    assert files == 3 and "bad.jpg" in skipped[0]
    with pytest.raises(DriftError, match="no picture"):
        drift.read_folder(tmp_path / "nowhere", 32)


def test_of_a_large_folder_a_sample_is_read_that_follows_from_the_seed(tmp_path):
    for number in range(40):
        draw(tmp_path / f"{number:02}.png", number)
    every, *_ = drift.read_folder(tmp_path, 16)
    once, artists, _, files = drift.read_folder(tmp_path, 16, limit=10, seed=3)
    again, other = (drift.read_folder(tmp_path, 16, limit=10, seed=seed)[0] for seed in (3, 4))
    assert (len(once), len(artists), files) == (10, 10, 40)
    assert np.array_equal(once, again) and not np.array_equal(once, other)
    marks = [picture.tobytes() for picture in every]
    assert len({picture.tobytes() for picture in once} & set(marks)) == 10
    assert len(drift.read_folder(tmp_path, 16, limit=40)[0]) == 40


def test_the_command_says_that_it_took_a_sample_and_refuses_dates_for_a_folder(tmp_path, monkeypatch, capsys):
    for number in range(30):
        draw(tmp_path / f"{number:02}.png", number)
    monkeypatch.setattr(drift.read_folder, "__defaults__", (25, None))
    assert main(["watch", "drift", "starter-cnn", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("A random sample of the folder's 30 pictures.") and "25 pictures against" in said
    assert main(["watch", "drift", "starter-cnn", str(tmp_path), "--json", "--exit-code"]) == 1, "noise is no painting"
    answer = json.loads(capsys.readouterr().out)
    assert (answer["files"], answer["pictures"], answer["alarm"]) == (30, 25, True)
    assert main(["watch", "drift", "starter-cnn", str(tmp_path), "--since", "2026-01-01"]) == 2
    assert "A folder's pictures have no dates" in capsys.readouterr().err


@pytest.fixture(scope="module")
def starter():
    return load_model("starter")


def test_a_model_without_a_reference_is_damaged(starter, tmp_path):
    from artnb.classification.model import Classifier

    elsewhere = Classifier(starter.card, starter.network, starter.novelty, tmp_path)
    with pytest.raises(ModelError, match=r"damaged \(reference\.npz"):
        _ = elsewhere.reference


def test_the_logged_sample_is_that_of_the_pictures(starter, use, tmp_path):
    from artnb.images import fit
    from artnb.operation import monitoring
    from artnb.operation.store import Store

    use(home=tmp_path, log=True)
    pictures = [np.random.default_rng(n).integers(0, 256, (90, 70, 3), np.uint8) for n in range(3)]
    for picture in [*pictures, pictures[0]]:
        monitoring.predict_and_log(starter, picture)
    logged = drift.logged_sample(starter, Store.default())
    direct = drift.sample(starter, np.stack([fit(picture, starter.card.size) for picture in pictures]))
    order = [1, 2, 0]  # each once, the last time it was shown
    for name in ("embedding", "probabilities", "statistics"):
        assert np.allclose(getattr(logged, name), getattr(direct, name)[order], atol=0.02), name
    latest = drift.logged_sample(starter, Store.default(), limit=2)
    assert np.array_equal(latest.embedding, logged.embedding[1:])


def test_the_shipped_reference_is_small_and_real_drift_is_found(starter, shared_paintings):
    from artnb.paintings.pipeline import decode
    from artnb.paintings.sources import read_collection

    file = starter.folder / "reference.npz"
    assert file.stat().st_size < 0.7 * 1024**2
    reference, collection = starter.reference, read_collection(shared_paintings)
    table = starter.split
    paths = table.loc[table["subset"] == "test", "path"].sample(60, random_state=1)
    paintings = decode([collection.file(path) for path in paths], starter.card.size)
    photographs = sorted((SHARED / "gan-getting-started" / "photo_jpg").glob("*.jpg"))[:60]
    grey = np.repeat(paintings.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    for images, alarm in ((paintings, False), (grey, True), (decode(photographs, starter.card.size), True)):
        assert drift.detect_drift(reference, drift.sample(starter, images)).alarm == alarm
