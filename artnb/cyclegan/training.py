"""Training a CycleGAN: photographs and paintings that belong to nobody's pairs.

A step goes back through its networks twice: once for both generators, once for both discriminators. Its state is one
file, so that a training that was killed goes on with the same weights, schedule, pool and order of pictures.
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.cyclegan.augmenting import augmented
from artnb.cyclegan.networks import DISCRIMINATORS, generator
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.translating import to_uint8
from artnb.errors import ArtnbError
from artnb.files import replacing
from artnb.images import contact_sheet, fit, save_image
from artnb.paintings.pipeline import Augmentation, augment
from artnb.precision import FULL, training_policy, under
from artnb.progress import STOPPED, progress
from artnb.resuming import begin_or_go_on
from artnb.settings import settings

LOSSES = ("monet_generator", "photo_generator", "monet_discriminator", "photo_discriminator", "cycle", "identity")
HISTORY = ("step", "seconds", "learning_rate", *LOSSES)
MARGIN = 1.12  # pictures are read so much larger than the squares that are cut out of them, as in the paper (286 / 256)

_CUT_OUTS = Augmentation(flip=True, crop=(1 / MARGIN, 1.0))
Watch = Callable[[pd.DataFrame, list[np.ndarray]], bool | None]


class CycleError(ArtnbError, RuntimeError):
    """A training can't be begun, taken up again or carried on."""


@dataclass(frozen=True)
class CycleGAN:
    """The four networks.

    Attributes:
        to_monet: from photographs to paintings; RGB in [0, 255] to the same, as all of them take and give it.
        to_photo: from paintings to photographs.
        monet_discriminator: real paintings, 1, or generated ones, 0, patch by patch; in several channels, if it judges
            at several depths.
        photo_discriminator: the same for photographs.
    """

    to_monet: keras.Model
    to_photo: keras.Model
    monet_discriminator: keras.Model
    photo_discriminator: keras.Model

    @classmethod
    def build(cls, recipe: CycleRecipe) -> "CycleGAN":
        """The networks of a recipe, for pictures of any size, with random weights."""
        # A U-Net that halves its pictures down to a single pixel is another network at another size.
        size = recipe.size if recipe.generator == "unet" and recipe.size == recipe.multiple else None
        generators = [
            generator(
                recipe.generator,
                size,
                width=recipe.width,
                residual=recipe.residual,
                **{_DEPTH[recipe.generator]: recipe.depth},
            )
            for _ in range(2)
        ]
        discriminators = [DISCRIMINATORS[recipe.discriminator](recipe.discriminator_width) for _ in range(2)]
        return cls(*generators, *discriminators)

    @property
    def generators(self) -> tuple[keras.Model, keras.Model]:
        """Both directions."""
        return self.to_monet, self.to_photo

    @property
    def discriminators(self) -> tuple[keras.Model, keras.Model]:
        """Both judges."""
        return self.monet_discriminator, self.photo_discriminator

    @property
    def all(self) -> tuple[keras.Model, ...]:
        """Generators, then discriminators."""
        return *self.generators, *self.discriminators


_DEPTH = {"resnet": "blocks", "unet": "depth"}


@dataclass(frozen=True)
class CycleTraining:
    """A training that is finished, or was stopped.

    Attributes:
        networks: as they were at the end.
        history: a row for every few steps, each a mean over these: HISTORY. Generators' and discriminators' losses are
            least squares, 0 to about 1; cycle and identity are mean absolute differences of colours from -1 to 1,
            before their weights.
        recipe: how.
        seed: of the weights, the order and the cut-outs.
        stopped: why it ended early, a sentence; otherwise empty.
        precision: the Keras policy that its last steps were under, such as "mixed_bfloat16"; the weights are float32.
    """

    networks: CycleGAN
    history: pd.DataFrame
    recipe: CycleRecipe
    seed: int
    stopped: str = ""
    precision: str = FULL


def least_squares(realness: tf.Tensor, wanted: float) -> tf.Tensor:
    """Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017: how far judgements are from 0 or 1."""
    return tf.reduce_mean(tf.square(realness - wanted))


def cycle_loss(pictures: tf.Tensor, again: tf.Tensor) -> tf.Tensor:
    """Zhu et al., ICCV 2017, equation 2: the mean absolute difference of colours, as of [-1, 1]."""
    return tf.reduce_mean(tf.abs(again - pictures)) / 127.5


def train(
    photos: np.ndarray,
    paintings: np.ndarray,
    recipe: CycleRecipe,
    folder: str | Path | None = None,
    *,
    seed: int = settings.seed,
    start: CycleGAN | None = None,
    resume: bool = False,
    every: int = 20,
    keep_every: int = 250,
    watch: Watch | None = None,
) -> CycleTraining:
    """Train the four networks.

    Args:
        photos: uint8 (n, side, side, 3), with sides of `read_size(recipe)` or more.
        paintings: uint8 (m, side, side, 3), likewise; m and n need not be the same, and all of both are used.
        recipe: how.
        folder: where the state, the history, sample pictures and TensorBoard's logs go; None to keep nothing.
        seed: of the weights, the order and the cut-outs.
        start: networks of the same recipe whose weights it begins with; by default they are random.
        resume: go on with the training in `folder`; begin if there is none.
        every: steps between two rows of the history.
        keep_every: steps between two savings of the state: at most so many are lost.
        watch: called with the history and sample pictures whenever these are made; returns False to stop.

    Returns:
        The networks; as they are, if `watch` or Ctrl-C ended it early.

    Raises:
        CycleError: pictures that can't be used; the folder holds a training and `resume` is not set, or it holds
            another one or a damaged one; or a loss became no number.
    """
    for name, pictures in (("photographs", photos), ("paintings", paintings)):
        if pictures.ndim != 4 or pictures.shape[-1] != 3 or len(pictures) < 2:
            raise CycleError(f"Got {name} of shape {pictures.shape}; give two or more, as (n, side, side, 3).")
        if min(pictures.shape[1:3]) < recipe.size:
            raise CycleError(
                f"The {name} have {min(pictures.shape[1:3])} pixels, and squares of {recipe.size} are cut out of them; "
                "read them larger, or train at a smaller size."
            )
    keras.utils.set_random_seed(seed)
    policy = training_policy()
    with under(policy):
        networks = CycleGAN.build(recipe)
    if start is not None:
        _copy_weights(start, networks)
    state = _State(networks, recipe)
    run = _Run(
        None if folder is None else Path(folder), _identity(recipe, photos, paintings, seed, start), state, resume
    )
    step = tf.function(state.step, autograph=False)
    batches = iter(_batches(photos, paintings, recipe, seed, state.done))
    samples = [
        np.stack([fit(picture, recipe.size) for picture in heap[:: max(1, len(heap) // 4)][:4]])
        for heap in (photos, paintings)
    ]
    sums, begun, stopped = np.zeros(len(LOSSES)), time.perf_counter(), ""
    with progress(None, "CycleGAN", recipe.steps, "step") as bar:
        bar.update(state.done)
        try:
            while state.done < recipe.steps:
                sums += step(*next(batches), tf.constant([seed, state.done])).numpy()
                state.done += 1
                bar.update()
                if state.done % every == 0 or state.done == recipe.steps:
                    count = (state.done - 1) % every + 1
                    now = time.perf_counter()
                    run.record(sums / count, now - begun, bar)
                    sums, begun = np.zeros(len(LOSSES)), now
                if state.done % keep_every == 0 or state.done == recipe.steps:
                    shown = run.keep(samples)
                    if watch is not None and watch(run.history, shown) is False:
                        stopped = STOPPED
                        break
        except KeyboardInterrupt:
            stopped = STOPPED
            if run.folder:
                said = f"Stopped at step {state.done}; the state of step {run.kept} is in {run.folder}."
                print(said, file=sys.stderr)
    if policy != FULL:
        trained, networks = networks, CycleGAN.build(recipe)
        _copy_weights(trained, networks)
    return CycleTraining(networks, run.history, recipe, seed, stopped, policy)


def _copy_weights(source: CycleGAN, target: CycleGAN) -> None:
    for old, new in zip(source.all, target.all, strict=True):
        try:
            new.set_weights(old.get_weights())
        except ValueError as error:
            raise CycleError(
                "The model to start from has networks of another shape than the recipe's; start from one of the same "
                "generator, width and depth, or from none."
            ) from error


def read_size(recipe: CycleRecipe) -> int:
    """The pixels that pictures are read at, so that squares of the recipe's size can be cut out of them."""
    return round(recipe.size * MARGIN)


def signs_of_trouble(history: pd.DataFrame) -> list[str]:
    """What a run's last losses say that a person should know, a sentence each.

    Args:
        history: of a `CycleTraining`.
    """
    last = history.tail(10)
    said: list[str] = []
    if len(last) < 10:
        return said
    for name in ("monet", "photo"):
        if last[f"{name}_discriminator"].max() < 0.01:
            said.append(
                f"The {name} discriminator has won (loss {last[f'{name}_discriminator'].mean():.4f}): it tells every "
                "picture, and the generator learns nothing from it; lower its width, or turn augmentation on."
            )
        if len(history) >= 50 and history.tail(50)[f"{name}_generator"].min() > 0.9:
            said.append(f"The {name} generator has convinced nobody for a while; give it time, or begin anew.")
    return said


def is_constant(pictures: np.ndarray) -> bool:
    """Whether a generator gives the same for everything: uint8 (n, height, width, 3), n at least 2."""
    return len(pictures) > 1 and float(pictures.astype(np.float32).std(axis=0).mean()) < 2.0


class _State:
    """All that a training is made of: networks, optimisers, pools of past pictures, and the step they are at."""

    def __init__(self, networks: CycleGAN, recipe: CycleRecipe):
        self.networks, self.recipe, self.done = networks, recipe, 0
        begin = int(recipe.steps * recipe.decay_from)
        fall = recipe.steps - begin
        rates = [recipe.learning_rate, recipe.learning_rate * recipe.discriminator_rate]
        self.variables = [
            [variable for network in pair for variable in network.trainable_variables]
            for pair in (networks.generators, networks.discriminators)
        ]
        half = networks.to_monet.dtype_policy.name == "mixed_float16"  # whose range is too small for some gradients
        self.optimisers = [_adam(_ConstantThenLine(rate, begin, fall) if fall else rate, half) for rate in rates]
        for optimiser, variables in zip(self.optimisers, self.variables, strict=True):
            optimiser.build(variables)
        self.pools = [_Pool(recipe) for _ in range(2)] if recipe.pool else []

    def step(self, photos: tf.Tensor, paintings: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Both generators, then both discriminators: (6,), the losses as LOSSES."""
        recipe, net = self.recipe, self.networks
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(_values(self.variables[0]))
            fake_paintings, same_paintings = (net.to_monet(seen, training=True) for seen in (photos, paintings))
            fake_photos, same_photos = (net.to_photo(seen, training=True) for seen in (paintings, photos))
            again_photos = net.to_photo(fake_paintings, training=True)
            again_paintings = net.to_monet(fake_photos, training=True)
            fooled = [
                least_squares(judge(self._seen(fake, seed, number), training=True), 1.0)
                for number, (judge, fake) in enumerate(
                    zip(net.discriminators, (fake_paintings, fake_photos), strict=True)
                )
            ]
            cycle = cycle_loss(photos, again_photos) + cycle_loss(paintings, again_paintings)
            identity = cycle_loss(photos, same_photos) + cycle_loss(paintings, same_paintings)
            loss = sum(fooled) + recipe.cycle * (cycle + recipe.identity * identity)
            scaled = self.optimisers[0].scale_loss(loss)
        self._apply(0, tape.gradient(scaled, _values(self.variables[0])))
        judged = []
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(_values(self.variables[1]))
            for number, (judge, real, fake) in enumerate(
                zip(net.discriminators, (paintings, photos), (fake_paintings, fake_photos), strict=True)
            ):
                fake = tf.stop_gradient(fake)
                if self.pools:
                    fake = self.pools[number].exchange(fake, seed + tf.constant([7, number]))
                both = judge(self._seen(tf.concat([real, fake], 0), seed, 2 + number), training=True)
                for_real, for_fake = tf.split(both, 2)
                judged.append((least_squares(for_real, 1.0) + least_squares(for_fake, 0.0)) / 2)
            scaled = self.optimisers[1].scale_loss(sum(judged))
        self._apply(1, tape.gradient(scaled, _values(self.variables[1])))
        return tf.stack([*fooled, *judged, cycle / 2, identity / 2])

    def _seen(self, pictures: tf.Tensor, seed: tf.Tensor, number: int) -> tf.Tensor:
        if not self.recipe.augment:
            return pictures
        return augmented(pictures, seed + tf.constant([0, 10_000_019 * (1 + number)]))

    def _apply(self, number: int, gradients: list[tf.Tensor]) -> None:
        self.optimisers[number].apply(gradients, self.variables[number])

    @property
    def rate(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimisers[0].learning_rate)

    def all_variables(self) -> list[Any]:
        """Everything that changes in a step, in an order that is the same in every process."""
        found = [v for network in self.networks.all for v in network.variables]
        found += [v for optimiser in self.optimisers for v in optimiser.variables]
        return found + [v for pool in self.pools for v in (pool.pictures, pool.count)]


def _values(variables: list[Any]) -> list[Any]:
    return [variable.value for variable in variables]  # TensorFlow's own, which a tape can watch


def _adam(rate: Any, scaled: bool) -> keras.optimizers.Optimizer:
    adam = keras.optimizers.Adam(rate, beta_1=0.5)
    return keras.optimizers.LossScaleOptimizer(adam) if scaled else adam


class _ConstantThenLine(keras.optimizers.schedules.LearningRateSchedule):
    """A constant rate, then a line down to 0."""

    def __init__(self, rate: float, begin: int, fall: int):
        self.rate, self.begin, self.fall = rate, begin, fall

    def __call__(self, step: Any) -> Any:
        past = keras.ops.cast(step, "float32") - self.begin
        return self.rate * keras.ops.clip(1.0 - past / self.fall, 0.0, 1.0)


class _Pool:
    """Generated pictures of the past; half of the time the discriminator sees one of them instead of the new one."""

    def __init__(self, recipe: CycleRecipe):
        self.size = recipe.pool
        self.pictures = tf.Variable(tf.zeros((recipe.pool, recipe.size, recipe.size, 3)), trainable=False)
        self.count = tf.Variable(0, trainable=False)

    def exchange(self, new: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Keep new pictures, and give back as many, some of them old ones."""
        given = []
        for number, picture in enumerate(tf.unstack(new)):
            draw = tf.random.stateless_uniform([2], seed + tf.constant([number, 0]))
            filling = self.count < self.size
            kept_at = tf.cast(draw[0] * self.size, tf.int32)
            place = tf.where(filling, self.count, kept_at)
            old = self.pictures[place]
            swap = tf.logical_and(tf.logical_not(filling), draw[1] < 0.5)
            stored = tf.where(tf.logical_or(filling, swap), picture, old)
            self.pictures.scatter_nd_update([[place]], [stored])
            self.count.assign(tf.minimum(self.count + 1, self.size))
            given.append(tf.where(swap, old, picture))
        return tf.stack(given)


def _batches(
    photos: np.ndarray, paintings: np.ndarray, recipe: CycleRecipe, seed: int, first: int
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """From step `first` on; every photograph and every painting comes once before any comes again."""
    orders = [
        endless_order(len(pictures), seed + number, recipe.steps * recipe.batch_size).reshape(-1, recipe.batch_size)
        for number, pictures in enumerate((photos, paintings))
    ]
    heaps = [tf.constant(photos), tf.constant(paintings)]

    def batch(step: tf.Tensor, *rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(
            augment(tf.gather(heap, chosen), _CUT_OUTS, [seed + number, step], recipe.size)
            for number, (heap, chosen) in enumerate(zip(heaps, rows, strict=True))
        )

    steps = np.arange(first, recipe.steps)
    rows = tf.data.Dataset.from_tensor_slices((steps.astype(np.int32), *(order[first:] for order in orders)))
    return rows.map(batch, tf.data.AUTOTUNE).prefetch(2)


def endless_order(number: int, seed: int, length: int) -> np.ndarray:
    """Whole numbers below `number` in random order, again and again in another order: int32 (length,)."""
    random = np.random.default_rng(seed)
    rounds = -(-length // number)
    return np.concatenate([random.permutation(number) for _ in range(rounds)])[:length].astype(np.int32)


def _identity(
    recipe: CycleRecipe, photos: np.ndarray, paintings: np.ndarray, seed: int, start: CycleGAN | None
) -> dict[str, Any]:
    import hashlib

    digest = hashlib.sha256()
    for pictures in (photos, paintings):
        digest.update(repr(pictures.shape).encode() + pictures[:, ::8, ::8].tobytes())
    found = {"recipe": recipe.to_dict(), "pictures": digest.hexdigest()[:12], "seed": seed}
    if start is not None:
        weights = hashlib.sha256(b"".join(values.tobytes() for values in start.to_monet.get_weights()))
        found["start"] = weights.hexdigest()[:12]
    return found


class _Run:
    """A training's folder."""

    def __init__(self, folder: Path | None, identity: dict[str, Any], state: _State, resume: bool):
        self.folder, self.state, self.kept = folder, state, 0
        self.history = pd.DataFrame(columns=list(HISTORY))
        self.board: Any = None
        if folder is None:
            return
        begin_or_go_on(folder, identity, resume, CycleError)
        if (folder / "state.npz").is_file():
            self._load()
        self.board = tf.summary.create_file_writer(str(folder / "tensorboard"))

    def record(self, losses: np.ndarray, seconds: float, bar: Any) -> None:
        """A row of the history."""
        step = self.state.done
        if not all(math.isfinite(loss) for loss in losses):
            raise CycleError(
                f"Before step {step} a loss became no number ({dict(zip(LOSSES, np.round(losses, 3), strict=True))}); "
                f"the state of step {self.kept} is kept: lower the learning rate and begin in another folder."
            )
        row = dict(zip(HISTORY, (step, round(seconds, 3), self.state.rate, *map(float, losses)), strict=True))
        new = pd.DataFrame([row])
        self.history = new if self.history.empty else pd.concat([self.history, new], ignore_index=True)
        bar.set_postfix({"cycle": f"{row['cycle']:.3f}", "fooled": f"{row['monet_generator']:.2f}"})
        if self.board is not None:
            with self.board.as_default():
                for name in HISTORY[2:]:
                    tf.summary.scalar(name, row[name], step)

    def keep(self, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Save the state, and show what the generators do: each sample above what became of it."""
        shown: list[np.ndarray] = []
        for network, pictures in zip(self.state.networks.generators, samples, strict=True):
            made = to_uint8(np.asarray(network(pictures.astype(np.float32), training=False)))
            if is_constant(made):
                said = f"At step {self.state.done} a generator gives the same for every picture: it has collapsed."
                print(said, file=sys.stderr)
            shown += [*pictures, *made]
        for sentence in signs_of_trouble(self.history):
            print(sentence, file=sys.stderr)
        if self.folder is not None:
            size = self.state.recipe.size
            sheet = contact_sheet(shown, len(samples[0]), size)
            save_image(sheet, self.folder / "samples" / f"{self.state.done:07d}.jpg")
            with self.board.as_default():
                tf.summary.image("samples", sheet[None], self.state.done)
            self.board.flush()
            self._save()
        self.kept = self.state.done
        return shown

    def _save(self) -> None:
        """Write the state, history inside, beside and put it in its place: one file, so nothing can disagree."""
        assert self.folder is not None
        values: dict[str, Any] = {f"v{number}": np.asarray(v) for number, v in enumerate(self.state.all_variables())}
        history = self.history.to_numpy(np.float64)
        with replacing(self.folder / "state.npz") as part, part.open("wb") as stream:
            np.savez(stream, done=np.array(self.state.done), history=history, **values)
        with replacing(self.folder / "history.csv") as part:
            self.history.to_csv(part, index=False)

    def _load(self) -> None:
        assert self.folder is not None
        file = self.folder / "state.npz"
        variables = self.state.all_variables()
        try:
            with np.load(file, allow_pickle=False) as saved:
                values = {name: saved[name] for name in saved.files}
            new = [values[f"v{number}"] for number in range(len(variables))]
            if any(tuple(v.shape) != value.shape for v, value in zip(variables, new, strict=True)):
                raise CycleError(f"{file} is of other networks than the recipe's; name another folder.")
            history = pd.DataFrame(values["history"], columns=list(HISTORY)).astype({"step": int})
            done = int(values["done"])
        except CycleError:
            raise
        except Exception as error:  # zipfile's own and NumPy's, for a file that was cut or is something else
            raise CycleError(
                f"{file} is damaged ({type(error).__name__}); remove the folder to begin anew, or name another."
            ) from error
        for variable, value in zip(variables, new, strict=True):
            variable.assign(value)
        self.history, self.state.done, self.kept = history, done, done
