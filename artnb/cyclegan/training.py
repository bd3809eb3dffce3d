"""Training a CycleGAN: photographs and paintings that are unpaired.

A step goes back through its networks twice: once for both generators, once for both discriminators. Its state is one
file, so that a training that was killed is resumed with the same weights, schedule, pool and order of pictures.
"""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.common.files import replacing
from artnb.common.precision import FULL, training_policy, under
from artnb.common.progress import STOPPED, progress
from artnb.common.releasing import released_graphs
from artnb.common.resuming import begin_or_resume, damaged_training, digest, in_use
from artnb.common.seeding import seed_or_default, seeded
from artnb.cyclegan.networks import CycleGAN
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.steps import LOSSES, State
from artnb.cyclegan.steps import cycle_loss as cycle_loss
from artnb.cyclegan.steps import least_squares as least_squares
from artnb.cyclegan.translating import to_uint8
from artnb.errors import DivergenceError, TrainingError, check_value, whole
from artnb.images import contact_sheet, fit, save_image
from artnb.paintings.pipeline import Augmentation, augment

HISTORY = ("step", "seconds", "learning_rate", *LOSSES)
MARGIN = 1.12  # pictures are read so much larger than the squares that are cut out of them, as in the paper (286 / 256)

_CUT_OUTS = Augmentation(flip=True, crop=(1 / MARGIN, 1.0))
CycleWatch = Callable[[pd.DataFrame, list[np.ndarray]], bool | None]


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


@released_graphs()
def train_generators(
    photos: np.ndarray,
    paintings: np.ndarray,
    recipe: CycleRecipe,
    folder: str | Path | None = None,
    *,
    seed: int | None = None,
    start: CycleGAN | None = None,
    resume: bool = False,
    every: int = 20,
    keep_every: int = 250,
    watch: CycleWatch | None = None,
) -> CycleTraining:
    """Train the four networks.

    Args:
        photos: uint8 (n, side, side, 3), with sides of `read_size(recipe)` or more.
        paintings: uint8 (m, side, side, 3), likewise; m and n need not be the same, and all of both are used.
        recipe: how.
        folder: where the state, the history, sample pictures and TensorBoard's logs go; None to keep nothing.
        seed: of the weights, the order and the cut-outs.
        start: networks of the same recipe whose weights it begins with; by default they are random.
        resume: resume the training in `folder`; begin if there is none.
        every: steps between two rows of the history.
        keep_every: steps between two savings of the state: at most so many are lost.
        watch: called with the history and sample pictures whenever these are made; returns False to stop.

    Returns:
        The networks; as they are, if `watch` or Ctrl-C ended it early.

    Raises:
        TrainingError: pictures that can't be used; the folder holds a training and `resume` is not set, or it holds
            another one or a damaged one.
        DivergenceError: a loss became no number.
    """
    seed = seed_or_default(seed)
    for name, value in (("every", every), ("keep_every", keep_every)):
        check_value(value, whole(1, 10**9), name, TrainingError)
    for name, pictures in (("photographs", photos), ("paintings", paintings)):
        if pictures.ndim != 4 or pictures.shape[-1] != 3 or len(pictures) < 2:
            raise TrainingError(f"Got {name} of shape {pictures.shape}; give two or more, as (n, side, side, 3).")
        if min(pictures.shape[1:3]) < recipe.size:
            raise TrainingError(
                f"The {name} have {min(pictures.shape[1:3])} pixels, and squares of {recipe.size} are cut out of them; "
                "read them larger, or train at a smaller size."
            )
    with nullcontext() if folder is None else in_use(Path(folder), TrainingError):
        policy = training_policy()
        with under(policy), seeded(seed):
            networks = CycleGAN.build(recipe)
        if start is not None:
            _copy_weights(start, networks)
        state = State(networks, recipe)
        identity = _identity(recipe, photos, paintings, seed, start)
        run = _Run(None if folder is None else Path(folder), identity, state, resume)
        step = tf.function(state.step, autograph=False)
        batches = iter(_batches(photos, paintings, recipe, seed, state.done))
        samples = [
            np.stack([fit(picture, recipe.size) for picture in pictures[:: max(1, len(pictures) // 4)][:4]])
            for pictures in (photos, paintings)
        ]
        sums, start_time, stopped = run.sums, time.perf_counter() - run.seconds, ""
        with progress(None, "CycleGAN", recipe.steps, "step") as bar:
            bar.update(state.done)
            try:
                while state.done < recipe.steps:
                    sums += step(*next(batches), tf.constant([seed, state.done])).numpy()
                    state.done += 1
                    bar.update()
                    if state.done % every == 0 or state.done == recipe.steps:
                        now = time.perf_counter()
                        run.record(sums, now - start_time, bar)
                        sums, start_time = np.zeros(len(LOSSES)), now
                    if state.done % keep_every == 0 or state.done == recipe.steps:
                        shown = run.keep(samples, sums, time.perf_counter() - start_time)
                        if watch is not None and watch(run.history, shown) is False:
                            stopped = STOPPED
                            break
            except KeyboardInterrupt:
                stopped = STOPPED
                if run.folder:
                    sentence = f"Stopped at step {state.done}; the state of step {run.saved} is in {run.folder}."
                    print(sentence, file=sys.stderr)
        if policy != FULL:
            trained, networks = networks, CycleGAN.build(recipe)
            _copy_weights(trained, networks)
        return CycleTraining(networks, run.history, recipe, seed, stopped, policy)


def _copy_weights(source: CycleGAN, target: CycleGAN) -> None:
    for old, new in zip(source.all, target.all, strict=True):
        try:
            new.set_weights(old.get_weights())
        except ValueError as error:
            raise TrainingError(
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
    signs: list[str] = []
    if len(last) < 10:
        return signs
    for name in ("monet", "photo"):
        if last[f"{name}_discriminator"].max() < 0.01:
            signs.append(
                f"The {name} discriminator has won (loss {last[f'{name}_discriminator'].mean():.4f}): it tells every "
                "picture, and the generator learns nothing from it; lower its width, or turn augmentation on."
            )
        if len(history) >= 50 and history.tail(50)[f"{name}_generator"].min() > 0.9:
            signs.append(
                f"The {name} generator has not fooled its discriminator for a while; give it time, or begin anew."
            )
    return signs


def is_constant(pictures: np.ndarray) -> bool:
    """Whether a generator gives the same for everything: uint8 (n, height, width, 3), n at least 2."""
    return len(pictures) > 1 and float(pictures.astype(np.float32).std(axis=0).mean()) < 2.0


def _batches(
    photos: np.ndarray, paintings: np.ndarray, recipe: CycleRecipe, seed: int, first: int
) -> Iterator[tuple[tf.Tensor, tf.Tensor]]:
    """From step `first` on; every photograph and every painting comes once before any comes again."""
    orders = [
        endless_order(len(pictures), seed + number, recipe.steps * recipe.batch_size).reshape(-1, recipe.batch_size)
        for number, pictures in enumerate((photos, paintings))
    ]
    sets = [tf.constant(photos), tf.constant(paintings)]

    def batch(step: tf.Tensor, *rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(
            augment(tf.gather(pictures, chosen), _CUT_OUTS, [seed + number, step], recipe.size)
            for number, (pictures, chosen) in enumerate(zip(sets, rows, strict=True))
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
    identity: dict[str, Any] = {"recipe": recipe.to_dict(), "pictures": digest(photos, paintings), "seed": seed}
    if start is not None:
        identity["start"] = digest(*(weights for network in start.all for weights in network.get_weights()))
    return identity


class _Run:
    """A training's folder: its history, and its state, where the row that is under way is a part of."""

    def __init__(self, folder: Path | None, identity: dict[str, Any], state: State, resume: bool):
        self.folder, self.state, self.saved = folder, state, 0
        self.history = pd.DataFrame(columns=list(HISTORY))
        self.sums, self.seconds = np.zeros(len(LOSSES)), 0.0  # of the steps since the last row
        self.board: Any = None
        if folder is None:
            return
        begin_or_resume(folder, identity, resume, TrainingError)
        if (folder / "state.npz").is_file() or (folder / "history.csv").is_file():
            self._load(folder / "state.npz")
        self.board = tf.summary.create_file_writer(str(folder / "tensorboard"))

    def record(self, sums: np.ndarray, seconds: float, bar: Any) -> None:
        """A row of the history, from the losses' sums over its steps."""
        self._check(sums)
        step = self.state.done
        losses = sums / (step - (self.history["step"].iloc[-1] if len(self.history) else 0))
        row = dict(zip(HISTORY, (step, round(seconds, 3), self.state.rate, *map(float, losses)), strict=True))
        new = pd.DataFrame([row])
        self.history = new if self.history.empty else pd.concat([self.history, new], ignore_index=True)
        bar.set_postfix({"cycle": f"{row['cycle']:.3f}", "fooled": f"{row['monet_generator']:.2f}"})
        if self.board is not None:
            with self.board.as_default():
                for name in HISTORY[2:]:
                    tf.summary.scalar(name, row[name], step)

    def _check(self, sums: np.ndarray) -> None:
        if not np.isfinite(sums).all():
            raise DivergenceError(
                f"Before step {self.state.done} a loss became no number "
                f"({dict(zip(LOSSES, map(float, sums.round(3)), strict=True))}); "
                f"the state of step {self.saved} is kept: lower the learning rate and begin in another folder."
            )

    def keep(self, samples: Sequence[np.ndarray], sums: np.ndarray, seconds: float) -> list[np.ndarray]:
        """Save the state, and show what the generators do: each sample above what became of it."""
        self._check(sums)
        self.sums, self.seconds = sums, seconds
        shown: list[np.ndarray] = []
        for network, pictures in zip(self.state.networks.generators, samples, strict=True):
            generated = to_uint8(np.asarray(network(pictures.astype(np.float32), training=False)))
            if is_constant(generated):
                sentence = f"At step {self.state.done} a generator gives the same for every picture: it has collapsed."
                print(sentence, file=sys.stderr)
            shown += [*pictures, *generated]
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
        self.saved = self.state.done
        return shown

    def _save(self) -> None:
        """Write the state, history inside, beside and put it in its place: one file, so nothing can disagree."""
        assert self.folder is not None
        values: dict[str, Any] = {f"v{number}": np.asarray(v) for number, v in enumerate(self.state.all_variables())}
        history = self.history.to_numpy(np.float64)
        with replacing(self.folder / "state.npz") as part, part.open("wb") as stream:
            row: dict[str, Any] = {"sums": self.sums, "seconds": np.array(self.seconds)}
            np.savez(stream, done=np.array(self.state.done), history=history, **row, **values)
        self._write_history()

    def _write_history(self) -> None:
        assert self.folder is not None
        with replacing(self.folder / "history.csv") as part:
            self.history.to_csv(part, index=False)

    def _load(self, file: Path) -> None:
        variables = self.state.all_variables()
        try:
            with np.load(file, allow_pickle=False) as saved:
                values = {name: saved[name] for name in saved.files}
            new = [values[f"v{number}"] for number in range(len(variables))]
            if any(tuple(v.shape) != value.shape for v, value in zip(variables, new, strict=True)):
                raise TrainingError(f"{file} is of other networks than the recipe's; name another folder.")
            history = pd.DataFrame(values["history"], columns=list(HISTORY)).astype({"step": int})
            done, self.sums, self.seconds = int(values["done"]), values["sums"], float(values["seconds"])
        except TrainingError:
            raise
        except Exception as error:  # zipfile's own and NumPy's, for a file that was cut or is something else
            raise damaged_training(file, error) from error
        for variable, value in zip(variables, new, strict=True):
            variable.assign(value)
        self.history, self.state.done, self.saved = history, done, done
        self._write_history()  # a kill may have come between the two files
