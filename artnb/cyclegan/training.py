"""Training a CycleGAN: photographs and paintings that are unpaired.

A step goes back through its networks twice: once for both generators, once for both discriminators.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.common.precision import FULL, training_policy, under
from artnb.common.releasing import released_graphs
from artnb.common.resuming import digest, in_use
from artnb.common.seeding import seed_or_default, seeded
from artnb.cyclegan.networks import CycleGAN
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.steps import LOSSES, State
from artnb.cyclegan.steps import cycle_loss as cycle_loss
from artnb.cyclegan.steps import least_squares as least_squares
from artnb.cyclegan.translating import to_uint8
from artnb.errors import TrainingError
from artnb.images import contact_sheet, fit, save_image
from artnb.paintings.pipeline import Augmentation, augment
from artnb.stepping import StepTraining, check_pace, endless_order

HISTORY = ("step", "seconds", "learning_rate", *LOSSES)
LOOSELY = 1.12  # squares are cut out up to so many times larger, and made smaller
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
    check_pace(every, keep_every)
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
        finished = CycleGAN.build(recipe)
        state = State(networks, recipe)
        identity = _identity(recipe, photos, paintings, seed, start)
        run = StepTraining(folder, identity, LOSSES, state.all_variables(), lambda: state.rate, resume)
        step = tf.function(state.step, autograph=False)
        batches = iter(_batches(photos, paintings, recipe, seed, run.done))
        samples = [
            np.stack([fit(picture, recipe.size) for picture in pictures[:: max(1, len(pictures) // 4)][:4]])
            for pictures in (photos, paintings)
        ]

        def kept() -> bool | None:
            state.copy_to(finished)
            shown = _show(run, finished, samples)
            return None if watch is None else watch(run.history, shown)

        stopped = run.run(
            lambda done: step(*next(batches), tf.constant([seed, done])),
            recipe.steps,
            every=every,
            keep_every=keep_every,
            what="CycleGAN",
            told={"cycle": "cycle", "fooled": "monet_generator"},
            kept=kept,
        )
        state.copy_to(finished)
        return CycleTraining(finished, run.history, recipe, seed, stopped, policy)


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
    return round(recipe.size * recipe.margin)


def measured_size(recipe: CycleRecipe) -> int:
    """The pixels of a whole picture at the scale of the squares that were trained on."""
    return round(recipe.size * max(1.0, recipe.margin / LOOSELY))


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
    cut_outs = Augmentation(flip=True, crop=(1 / recipe.margin, min(1.0, LOOSELY / recipe.margin)))

    def batch(step: tf.Tensor, *rows: tf.Tensor) -> tuple[tf.Tensor, ...]:
        return tuple(
            augment(tf.gather(pictures, chosen), cut_outs, [seed + number, step], recipe.size)
            for number, (pictures, chosen) in enumerate(zip(sets, rows, strict=True))
        )

    steps = np.arange(first, recipe.steps)
    rows = tf.data.Dataset.from_tensor_slices((steps.astype(np.int32), *(order[first:] for order in orders)))
    return rows.map(batch, tf.data.AUTOTUNE).prefetch(2)


def _identity(
    recipe: CycleRecipe, photos: np.ndarray, paintings: np.ndarray, seed: int, start: CycleGAN | None
) -> dict[str, Any]:
    identity: dict[str, Any] = {"recipe": recipe.to_dict(), "pictures": digest(photos, paintings), "seed": seed}
    if start is not None:
        identity["start"] = digest(*(weights for network in start.all for weights in network.get_weights()))
    return identity


def _show(run: StepTraining, networks: CycleGAN, samples: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What the generators do: each sample above what became of it; and what a person should know is printed."""
    shown: list[np.ndarray] = []
    for network, pictures in zip(networks.generators, samples, strict=True):
        generated = to_uint8(np.asarray(network(pictures.astype(np.float32), training=False)))
        if is_constant(generated):
            sentence = f"At step {run.done} a generator gives the same for every picture: it has collapsed."
            print(sentence, file=sys.stderr)
        shown += [*pictures, *generated]
    for sentence in signs_of_trouble(run.history):
        print(sentence, file=sys.stderr)
    if run.folder:
        sheet = contact_sheet(shown, len(samples[0]), samples[0].shape[1])
        save_image(sheet, run.folder / "samples" / f"{run.done:07d}.jpg")
        with run.board.as_default():
            tf.summary.image("samples", sheet[None], run.done)
    return shown
