"""The training: losses by hand, all pictures used, the pool, and the way back from an interruption."""

from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from artnb.cyclegan import steps, training
from artnb.cyclegan.augmenting import augmented
from artnb.cyclegan.networks import CycleGAN, resnet_generator
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.steps import LOSSES
from artnb.cyclegan.training import (
    cycle_loss,
    is_constant,
    least_squares,
    signs_of_trouble,
    train_generators,
)
from artnb.errors import ArtnbError, DivergenceError, RecipeError, TrainingError
from artnb.layers import InstanceNormalization
from artnb.stepping import endless_order
from tests.cyclegan.conftest import TINY


@pytest.fixture(scope="module")
def whole(pictures, tmp_path_factory):
    """A training from beginning to end."""
    folder = tmp_path_factory.mktemp("whole")
    return train_generators(*pictures, TINY, folder, seed=3, every=2, keep_every=4), folder


@pytest.mark.slow
def test_a_training_leaves_a_history_samples_and_logs(whole):
    done, folder = whole
    assert list(done.history["step"]) == [2, 4, 6, 8, 10, 12] and not done.stopped
    assert np.isfinite(done.history.to_numpy(float)).all()
    rates = done.history["learning_rate"]
    assert rates.iloc[0] == pytest.approx(2e-4) and rates.is_monotonic_decreasing and rates.iloc[-1] == 0
    assert rates.iloc[3] == pytest.approx(2e-4 * 4 / 6), "a line from half of the steps on"
    assert sorted(file.name for file in (folder / "samples").iterdir()) == [f"{n:07d}.jpg" for n in (4, 8, 12)]
    assert list((folder / "tensorboard").iterdir())
    assert pd.read_csv(folder / "history.csv").shape == done.history.shape


@pytest.mark.slow
def test_one_that_was_stopped_ends_at_the_same_place(whole, pictures, tmp_path):
    done, _ = whole
    seen = []
    stopped = train_generators(
        *pictures,
        TINY,
        tmp_path,
        seed=3,
        every=2,
        keep_every=4,
        watch=lambda history, shown: seen.append(shown) or False,
    )
    assert stopped.stopped and len(stopped.history) == 2 and len(seen) == 1
    assert len(seen[0]) and all(picture.shape == (32, 32, 3) and picture.dtype == np.uint8 for picture in seen[0])
    with pytest.raises(TrainingError, match="--resume"):
        train_generators(*pictures, TINY, tmp_path, seed=3)
    with pytest.raises(TrainingError, match="begun with a different seed"):
        train_generators(*pictures, TINY, tmp_path, seed=4, resume=True)
    with pytest.raises(TrainingError, match="begun with a different recipe"):
        train_generators(*pictures, replace(TINY, width=8), tmp_path, seed=3, resume=True)
    resumed = train_generators(*pictures, TINY, tmp_path, seed=3, every=2, keep_every=4, resume=True)
    columns = ["step", "learning_rate", *LOSSES]
    assert np.allclose(done.history[columns].to_numpy(float), resumed.history[columns].to_numpy(float), atol=1e-4)
    picture = pictures[0][:1, :32, :32].astype(np.float32)
    ends = [np.asarray(run.networks.to_monet(picture)) for run in (done, resumed)]
    assert np.allclose(*ends, atol=0.1)


@pytest.mark.usefixtures("eager")
def test_a_damaged_state_is_one_sentence_and_stays(pictures, tmp_path):
    train_generators(*pictures, replace(TINY, steps=2), tmp_path, seed=3, keep_every=2)
    file = tmp_path / "state.npz"
    cut = file.read_bytes()[:1000]
    file.write_bytes(cut)
    with pytest.raises(TrainingError, match="is damaged"):
        train_generators(*pictures, replace(TINY, steps=2), tmp_path, seed=3, resume=True)
    assert file.read_bytes() == cut
    (tmp_path / "training.json").write_text("{")
    with pytest.raises(TrainingError, match="can't be read"):
        train_generators(*pictures, TINY, tmp_path, seed=3, resume=True)


def test_the_losses_are_the_papers(pictures):
    """One step's losses against NumPy, from the networks as they were before it."""
    # Whole pictures: a change that begins as none has cycle and identity losses of 0, which would compare nothing.
    recipe = replace(TINY, augment=False, pool=0, batch_size=2, residual=False)
    keras.utils.set_random_seed(1)
    net = CycleGAN.build(recipe)
    state = steps.State(net, recipe)
    photos, paintings = (tf.constant(each[:2, :32, :32], tf.float32) for each in pictures)

    def run(network, pictures):
        return np.asarray(network(pictures), np.float64)

    fake_paintings, fake_photos = run(net.to_monet, photos), run(net.to_photo, paintings)
    cycle = np.abs(run(net.to_photo, fake_paintings) - photos).mean() / 127.5
    cycle += np.abs(run(net.to_monet, fake_photos) - paintings).mean() / 127.5
    identity = np.abs(run(net.to_monet, paintings) - paintings).mean() / 127.5
    identity += np.abs(run(net.to_photo, photos) - photos).mean() / 127.5
    expected = [
        ((run(net.monet_discriminator, fake_paintings) - 1) ** 2).mean(),
        ((run(net.photo_discriminator, fake_photos) - 1) ** 2).mean(),
        ((run(net.monet_discriminator, paintings) - 1) ** 2).mean() / 2
        + (run(net.monet_discriminator, fake_paintings) ** 2).mean() / 2,
        ((run(net.photo_discriminator, photos) - 1) ** 2).mean() / 2
        + (run(net.photo_discriminator, fake_photos) ** 2).mean() / 2,
        cycle / 2,
        identity / 2,
    ]
    assert min(expected) > 0.01, "no loss is compared at 0"
    before = [np.asarray(v) for pair in state.variables for v in pair]
    found = state.step(photos, paintings, tf.constant([1, 0])).numpy()
    assert np.allclose(found, expected, rtol=1e-3)
    after = [np.asarray(v) for pair in state.variables for v in pair]
    changed = [bool((a != b).any()) for a, b in zip(before, after, strict=True)]
    assert np.mean(changed) > 0.9, "all four networks learn"


def test_what_is_given_is_the_average_of_the_generators_and_the_discriminators_as_they_are(pictures):
    recipe = replace(TINY, average=0.15, pool=0)
    net, shown = CycleGAN.build(recipe), CycleGAN.build(recipe)
    state = steps.State(net, recipe)
    photos, paintings = (tf.constant(each[:2, :32, :32], tf.float32) for each in pictures)
    expected = [np.asarray(v) for v in state.variables[0]]
    for done in range(3):
        state.step(photos, paintings, tf.constant([1, done]))
        kept = min(0.15, (2 + done) / (11 + done))  # of so few steps less of the past
        now = [np.asarray(v) for v in state.variables[0]]
        expected = [kept * old + (1 - kept) * new for old, new in zip(expected, now, strict=True)]
    state.copy_to(shown)
    found = [np.asarray(v) for network in shown.generators for v in network.trainable_variables]
    for one, other, new in zip(found, expected, now, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
        assert not np.array_equal(one, new)
    for old, new in zip(net.discriminators, shown.discriminators, strict=True):
        assert all(map(np.array_equal, old.get_weights(), new.get_weights()))


def test_without_an_identity_loss_the_rest_is_the_same(pictures):
    keras.utils.set_random_seed(1)
    net = CycleGAN.build(TINY)
    weights = [network.get_weights() for network in net.all]
    photos, paintings = (tf.constant(each[:2, :32, :32], tf.float32) for each in pictures)
    rows = []
    for identity in (0.5, 0):
        for network, values in zip(net.all, weights, strict=True):
            network.set_weights(values)
        state = steps.State(net, replace(TINY, identity=identity, pool=0))
        rows.append(state.step(photos, paintings, tf.constant([1, 0])).numpy())
    np.testing.assert_allclose(rows[1][:5], rows[0][:5], rtol=1e-5)
    assert rows[1][5] == 0


def test_a_discriminators_loss_does_not_reach_the_generators(pictures):
    recipe = replace(TINY, cycle=0.0, augment=False, pool=0)
    net = CycleGAN.build(recipe)
    net.monet_discriminator.trainable = net.photo_discriminator.trainable = True
    state = steps.State(net, recipe)
    for judge in net.discriminators:  # judges that say 1 whatever they see leave the generators nothing to learn
        for variable in judge.variables:
            variable.assign(tf.zeros_like(variable.value))
        judge.get_layer("realness").bias.assign([1.0])
    before = [np.asarray(v) for v in state.variables[0]]
    state.step(*(tf.constant(each[:2, :32, :32], tf.float32) for each in pictures), tf.constant([1, 0]))
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(before, map(np.asarray, state.variables[0]), strict=True))


def test_least_squares_and_the_cycle_in_numbers():
    assert float(least_squares(tf.constant([[1.0, 0.0, 3.0]]), 1.0)) == pytest.approx((0 + 1 + 4) / 3)
    black, white = tf.zeros((1, 2, 2, 3)), tf.fill((1, 2, 2, 3), 255.0)
    assert float(cycle_loss(black, white)) == pytest.approx(2.0) and float(cycle_loss(white, white)) == 0


def test_every_picture_comes_before_any_comes_again():
    order = endless_order(7, 3, 24)
    assert all(sorted(order[7 * n : 7 * n + 7]) == list(range(7)) for n in range(3)) and len(order) == 24
    assert not np.array_equal(order[:7], order[7:14])


def test_all_photographs_are_used_though_the_paintings_are_few(pictures):
    photos = np.stack([np.full((40, 40, 3), 10 * n, np.uint8) for n in range(20)])
    recipe = replace(TINY, batch_size=1, steps=20)
    seen = {int(batch[0].numpy().mean().round()) for batch in training._batches(photos, pictures[1], recipe, 1, 0)}
    assert seen == {10 * n for n in range(20)}


def test_no_two_pools_and_no_two_steps_draw_the_same_numbers(monkeypatch, pictures):
    seeds = []
    monkeypatch.setattr(steps._Pool, "exchange", lambda pool, new, seed: seeds.append(tuple(seed.numpy())) or new)
    state = steps.State(CycleGAN.build(TINY), TINY)
    batch = tf.constant(pictures[0][:2, :32, :32], tf.float32)
    for step in range(3):
        state.step(batch, batch, tf.constant([3, step]))
    assert len(seeds) == len(set(seeds)) == 6


def test_the_pool_fills_and_then_gives_back_the_past():
    recipe = CycleRecipe(size=32, pool=4)
    pool = steps._Pool(recipe)
    picture = [tf.fill((1, 32, 32, 3), float(n)) for n in range(40)]
    given = [float(pool.exchange(new, tf.constant([5, n]))[0, 0, 0, 0]) for n, new in enumerate(picture)]
    assert given[:4] == [0, 1, 2, 3], "while it fills, what comes in goes out"
    late = np.array(given[4:])
    old = late < np.arange(4, 40)
    assert 0.3 < old.mean() < 0.7 and len(set(late)) == len(late), "a picture that was given back is gone"


def test_discriminators_see_pictures_moved_and_cut_and_in_their_own_colours():
    pictures = tf.constant(np.random.default_rng(4).uniform(0, 100, (3, 32, 32, 3)), tf.float32)
    seen = augmented(pictures, tf.constant([1, 2])).numpy()
    assert np.array_equal(seen, augmented(pictures, tf.constant([1, 2])).numpy())
    assert not np.array_equal(seen, augmented(pictures, tf.constant([1, 3])).numpy())
    grey = (seen == 127.5).all(-1).mean(axis=(1, 2))
    assert (grey > 0.05).all() and (grey < 0.6).all()
    assert np.isin(seen[seen != 127.5], pictures.numpy()).all()
    with tf.GradientTape() as tape:
        tape.watch(pictures)
        total = tf.reduce_sum(augmented(pictures, tf.constant([1, 2])))
    gradient = tape.gradient(total, pictures).numpy()
    assert set(np.unique(gradient)) <= set(np.arange(0, 200.0)) and gradient.sum() == (seen != 127.5).sum()


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
@pytest.mark.parametrize(("among", "level"), [(0, 255), (1, 0)], ids=["photographs", "paintings"])
def test_pictures_of_one_colour_end_no_training(among, level):
    random = np.random.default_rng(5)
    kinds = [random.integers(0, 256, (3, 40, 40, 3), np.uint8) for _ in range(2)]
    kinds[among][1:] = level
    recipe = replace(TINY, depth=9, steps=6, batch_size=1)
    networks = train_generators(*kinds, recipe, seed=3).networks
    assert all(np.isfinite(weights).all() for network in networks.all for weights in network.get_weights())


@pytest.mark.parametrize("level", [0.0, 0.37, 127.5])
def test_the_gradient_of_a_picture_of_one_colour_is_finite_and_that_of_another_is_the_true_one(level):
    network = resnet_generator(width=4, blocks=9)
    for picture in (tf.fill((1, 32, 32, 3), level), tf.random.stateless_uniform((1, 32, 32, 3), [1, 2]) * 255):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(tf.square(network(picture, training=True) - 100 * tf.eye(32)[None, ..., None]))
        gradients = tape.gradient(loss, [variable.value for variable in network.trainable_variables])
        assert all(np.abs(gradient).max() < 1e6 for gradient in gradients)
    norm = InstanceNormalization(groups=-1, epsilon=1e-5)
    picture = tf.random.stateless_uniform((1, 6, 5, 2), [3, 4])
    weights = tf.random.stateless_uniform(picture.shape, [5, 6])
    slopes = []
    for call in (norm, lambda x: (x - tf.reduce_mean(x, (1, 2))) / tf.sqrt(tf.math.reduce_variance(x, (1, 2)) + 1e-5)):
        with tf.GradientTape() as tape:
            tape.watch(picture)
            loss = tf.reduce_sum(weights * call(picture))
        slopes.append(tape.gradient(loss, picture).numpy())
    np.testing.assert_allclose(*slopes, rtol=1e-2, atol=1e-3)


def test_trouble_is_noticed():
    row = dict.fromkeys(LOSSES, 0.3)
    assert signs_of_trouble(pd.DataFrame([row] * 10)) == []
    won = pd.DataFrame([row | {"monet_discriminator": 0.001}] * 10)
    assert "The monet discriminator has won" in signs_of_trouble(won)[0]
    assert signs_of_trouble(won.head(3)) == []
    assert "has not fooled" in signs_of_trouble(pd.DataFrame([row | {"photo_generator": 0.99}] * 50))[0]
    assert signs_of_trouble(pd.DataFrame([row | {"photo_generator": 0.99}] * 30)) == [], "it may take a while"
    same = np.full((3, 8, 8, 3), 90, np.uint8)
    assert is_constant(same) and not is_constant(np.stack([same[0], same[0] + 50]))


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_a_loss_that_is_no_number_ends_it_and_keeps_what_was(pictures, tmp_path):
    train_generators(*pictures, replace(TINY, steps=4), tmp_path / "good", seed=3, keep_every=4)
    wild = replace(TINY, cycle=3e38, steps=8)
    with pytest.raises(DivergenceError, match="no number"):
        train_generators(*pictures, wild, tmp_path / "wild", seed=3, every=2, keep_every=100)
    assert not (tmp_path / "wild" / "state.npz").exists()


@pytest.mark.parametrize(
    ("photos", "message"),
    [((1, 40, 40, 3), "two or more"), ((5, 20, 20, 3), "squares of 32"), ((5, 40, 40), "two or more")],
)
def test_pictures_that_can_not_be_used(photos, message, pictures):
    with pytest.raises(TrainingError, match=message):
        train_generators(np.zeros(photos, np.uint8), pictures[1], TINY)


@pytest.mark.parametrize(
    "wrong",
    [{"size": 30}, {"steps": 0}, {"learning_rate": 0.0}, {"discriminator_rate": 0.0}, {"pool": -1}, {"batch_size": 0}],
)
def test_settings_that_can_not_be_used(wrong):
    with pytest.raises(RecipeError, match=next(iter(wrong))):
        replace(TINY, **wrong)


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_a_training_may_begin_with_the_weights_of_another(whole, pictures):
    begun = CycleGAN.build(TINY)
    for network in begun.discriminators:
        network.set_weights([values + 0.5 for values in network.get_weights()])
    still = replace(TINY, steps=1, learning_rate=1e-12, decay_from=1.0)
    done = train_generators(*pictures, still, start=begun, seed=3)
    for old, new in zip(
        (*begun.generators, *begun.discriminators),
        (*done.networks.generators, *done.networks.discriminators),
        strict=True,
    ):
        for before, after in zip(old.get_weights(), new.get_weights(), strict=True):
            np.testing.assert_allclose(after, before, atol=1e-6)
    with pytest.raises(TrainingError, match="another shape"):
        train_generators(*pictures, replace(TINY, width=8), start=begun, seed=3)


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_the_start_of_a_training_is_all_four_networks(pictures, tmp_path):
    recipe, start = replace(TINY, steps=1), CycleGAN.build(TINY)
    train_generators(*pictures, recipe, tmp_path, start=start, seed=3)
    with pytest.raises(TrainingError, match="begun with a different start"):
        train_generators(*pictures, recipe, tmp_path, seed=3, resume=True)
    judge = start.discriminators[-1]
    judge.set_weights([values + 0.5 for values in judge.get_weights()])
    with pytest.raises(TrainingError, match="begun with a different start"):
        train_generators(*pictures, recipe, tmp_path, start=start, seed=3, resume=True)


@pytest.mark.parametrize("wrong", [{"every": 0}, {"keep_every": 0}, {"every": 1.5}, {"seed": -1}, {"seed": "x"}])
def test_arguments_that_can_not_be_used(wrong, pictures):
    with pytest.raises(ArtnbError, match=next(iter(wrong))):
        train_generators(*pictures, TINY, **{"seed": 3} | wrong)


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
def test_projected_discriminators_learn_in_their_heads_and_nowhere_else(pictures):
    recipe = replace(TINY, discriminator="projected", steps=2, decay_from=1.0)
    begun = CycleGAN.build(recipe)
    done = train_generators(*pictures, recipe, start=begun, seed=3)
    for old, new in zip(begun.discriminators, done.networks.discriminators, strict=True):
        heads = {variable.path for variable in new.trainable_variables}
        for before, after in zip(old.variables, new.variables, strict=True):
            assert np.array_equal(before, after) == (after.path not in heads), after.path


@pytest.mark.usefixtures("eager")
@pytest.mark.slow
@pytest.mark.parametrize("judge", ["patch", "projected"])
def test_a_cyclegan_trained_in_half_precision_paints_in_full(monkeypatch, pictures, judge):
    monkeypatch.setattr(training, "training_policy", lambda: "mixed_bfloat16")
    done = train_generators(*pictures, replace(TINY, discriminator=judge, steps=4), seed=3, every=1)
    assert np.isfinite(done.history.to_numpy(float)).all()
    assert {layer.compute_dtype for network in done.networks.all for layer in network.layers} == {"float32"}
    before = CycleGAN.build(replace(TINY, discriminator=judge)).to_monet.get_weights()
    moved = zip(before, done.networks.to_monet.get_weights(), strict=True)
    assert all(np.abs(old - new).max() > 0 for old, new in moved), "learned, not made anew"
    assert done.precision == "mixed_bfloat16"
