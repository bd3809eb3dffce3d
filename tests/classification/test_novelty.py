import numpy as np
import pytest

from artnb.classification.novelty import Novelty

RNG = np.random.default_rng(0)
MIX = RNG.normal(size=(6, 6))


def sample(number, shift=0.0):
    return RNG.normal(size=(number, 6)) @ MIX + 3 + shift


def test_distances_are_mahalanobis():
    """Against the definition, with the covariance shrunk towards independence."""
    train = sample(500)
    novelty = Novelty.fit(train, sample(200), shrinkage=0.1)
    std = train.std(0)
    covariance = 0.9 * np.corrcoef(train.T) + 0.1 * np.eye(6)
    away = (sample(50) - train.mean(0)) / std
    expected = np.sqrt(np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away) / 6)
    assert np.allclose(novelty.distance(away * std + train.mean(0)), expected, rtol=5e-3)


def test_one_in_twenty_is_a_false_alarm_and_a_shift_is_noticed():
    novelty = Novelty.fit(sample(2000), sample(2000))
    beyond = novelty.distance(sample(2000)) > novelty.threshold
    assert beyond.mean() == pytest.approx(0.05, abs=0.02)
    assert (novelty.distance(sample(200, shift=8.0)) > novelty.threshold).mean() > 0.9


def test_a_channel_that_never_changes_does_not_decide_alone():
    train, validation = sample(300), sample(300)
    train[:, 0], validation[:, 0] = 2.0, 2.0
    novelty = Novelty.fit(train, validation)
    assert np.isfinite(novelty.distance(validation)).all() and np.isfinite(novelty.threshold)


def sure(number, mean=4.0):
    """Probabilities of three classes by a network that is mostly sure."""
    logits = np.zeros((number, 3))
    logits[:, 0] = RNG.normal(mean, 1.5, number)
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def test_a_strangers_features_may_be_usual_but_the_network_is_undecided():
    novelty = Novelty.fit(sample(2000), sample(2000), sure(2000))

    def alarms(features, probabilities):
        return (novelty.distance(features, probabilities) > novelty.threshold).mean()

    assert alarms(sample(2000), sure(2000)) == pytest.approx(0.05, abs=0.02)
    undecided = alarms(sample(2000), sure(2000, 0.5))
    by_features = Novelty.fit(sample(2000), sample(2000))
    assert undecided > 0.3 > 0.1 > (by_features.distance(sample(2000)) > by_features.threshold).mean()
    assert alarms(sample(200, shift=8.0), sure(200)) > 0.9, "far away counts as it did"


def test_indecision_counts_as_much_as_the_distance_over_validation_paintings():
    validation, probabilities = sample(500), sure(500)
    novelty = Novelty.fit(sample(500), validation, probabilities)
    alone = novelty.distance(validation)
    added = novelty.distance(validation, probabilities) - alone
    assert added.std() == pytest.approx(alone.std(), rel=1e-3) and added.mean() == pytest.approx(0, abs=1e-6)
    entropy = -(probabilities * np.log(probabilities)).sum(1)
    assert np.corrcoef(added, entropy)[0, 1] == pytest.approx(1)


def test_a_network_that_is_never_in_doubt_is_judged_by_features_alone():
    certain = np.tile([1.0, 0.0, 0.0], (300, 1))
    novelty = Novelty.fit(sample(300), sample(300), certain)
    assert novelty.indecision == 0 and np.isfinite(novelty.threshold)


def test_a_file_from_before_indecision_counted_is_judged_as_it_was(tmp_path):
    novelty = Novelty.fit(sample(300), sample(300))
    file = tmp_path / "novelty.npz"
    np.savez(file, mean=novelty.mean, std=novelty.std, whitening=novelty.whitening, threshold=novelty.threshold)
    loaded, pictures = Novelty.load(file), sample(40)
    assert np.array_equal(loaded.distance(pictures, sure(40, 0.0)), novelty.distance(pictures))


def test_saved_and_loaded_is_the_same(tmp_path):
    novelty = Novelty.fit(sample(300), sample(300), sure(300))
    novelty.save(tmp_path / "novelty.npz")
    loaded, pictures = Novelty.load(tmp_path / "novelty.npz"), sample(40)
    said = sure(40)
    assert np.array_equal(loaded.distance(pictures, said), novelty.distance(pictures, said))
    assert loaded.threshold == novelty.threshold


def test_a_pickle_is_not_loaded(tmp_path):
    file = tmp_path / "novelty.npz"
    np.savez(file, mean=np.array([{}], dtype=object), std=0, whitening=0, threshold=0)
    with pytest.raises(ValueError, match="allow_pickle"):
        Novelty.load(file)


def test_an_embedding_is_along_the_directions_in_which_paintings_differ_most():
    random = np.random.default_rng(4)
    ways = random.normal(size=(3, 40))  # all of the differences but some noise
    train = random.normal(size=(500, 3)) @ ways + 0.1 * random.normal(size=(500, 40))
    novelty = Novelty.fit(train, train[:100])
    moved = np.abs(novelty.embed(train[:50] + ways[0]) - novelty.embed(train[:50])).mean(0)
    assert moved[-3:].sum() > 0.7 * moved.sum()
    assert novelty.embed(train)[:, -3:].std(0) == pytest.approx(np.ones(3), abs=0.1)
