"""A training that goes step by step: it shows its progress, can be stopped at any moment, and is resumed exactly.

Its state is one file: what changes in a step, with the optimisers' memory, the history, and the row of it that is under
way. Whatever is random in a step follows from the seed and the step's number, so that these are its random state.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from artnb.common.files import replacing
from artnb.common.progress import STOPPED, progress
from artnb.common.resuming import begin_or_resume, damaged_training
from artnb.errors import DivergenceError, TrainingError, check_value, whole


class StepTraining:
    """The loop around a training's steps, and the folder that it is kept in.

    Args:
        folder: where the state, the history and TensorBoard's logs go, in use by nobody else; None to keep nothing.
        identity: what makes one training another one, in JSON values.
        losses: what the numbers are called that a step returns.
        variables: everything that changes in a step, in an order that is the same in every process.
        rate: the learning rate of the next step.
        resume: whether to resume the training in `folder`; it begins if there is none.

    Attributes:
        history: a row for every few steps: step, seconds, learning_rate, and the means of the losses over these.
        done: how many steps were done.
        saved: the step that was last saved.
        board: TensorBoard's writer, in `folder`.

    Raises:
        TrainingError: the folder holds a training and `resume` is not set, or it holds another one or a damaged one.
    """

    def __init__(
        self,
        folder: str | Path | None,
        identity: dict[str, Any],
        losses: Sequence[str],
        variables: Sequence[Any],
        rate: Callable[[], float],
        resume: bool = False,
    ):
        self.folder, self.losses, self.variables, self.rate = folder and Path(folder), losses, variables, rate
        self.history = pd.DataFrame(columns=["step", "seconds", "learning_rate", *losses])
        self.done, self.saved = 0, 0
        self._sums, self._seconds = np.zeros(len(losses)), 0.0  # of the steps since the last row
        self.board: Any = None
        if not self.folder:
            return
        begin_or_resume(self.folder, identity, resume, TrainingError)
        if (self.folder / "state.npz").is_file() or (self.folder / "history.csv").is_file():
            self._load(self.folder / "state.npz")
        self.board = tf.summary.create_file_writer(str(self.folder / "tensorboard"))

    def run(
        self,
        step: Callable[[int], Any],
        steps: int,
        *,
        every: int,
        keep_every: int,
        what: str,
        told: Mapping[str, str],
        kept: Callable[[], bool | None],
    ) -> str:
        """Do the steps that are left.

        Args:
            step: does one, given how many were done before it, and returns its losses, a tensor (n,).
            steps: how many there are in all.
            every: steps between two rows of the history.
            keep_every: steps between two savings of the state: at most so many are lost.
            what: is trained, in a word before the bar.
            told: what the bar calls a loss -> the loss.
            kept: called after each saving, such as to show what has been learned; returns False to stop.

        Returns:
            Why it ended early, a sentence; empty if it did not.

        Raises:
            TrainingError: `every` or `keep_every` can't be used.
            DivergenceError: a loss became no number; the last state that was saved stays.
        """
        start_time, stopped = time.perf_counter() - self._seconds, ""
        with progress(None, what, steps, "step") as bar:
            bar.update(self.done)
            try:
                while self.done < steps:
                    self._sums += step(self.done).numpy()
                    self.done += 1
                    bar.update()
                    if self.done % every == 0 or self.done == steps:
                        now = time.perf_counter()
                        row = self._record(now - start_time)
                        bar.set_postfix({name: f"{row[loss]:.3f}" for name, loss in told.items()})
                        start_time = now
                    if self.done % keep_every == 0 or self.done == steps:
                        self._check()
                        self._seconds = time.perf_counter() - start_time
                        self._save()
                        if kept() is False:
                            stopped = STOPPED
                            break
            except KeyboardInterrupt:
                stopped = STOPPED
                if self.folder:
                    sentence = f"Stopped at step {self.done}; the state of step {self.saved} is in {self.folder}."
                    print(sentence, file=sys.stderr)
        return stopped

    def _record(self, seconds: float) -> dict[str, float]:
        """A row of the history, from the losses' sums over its steps."""
        self._check()
        losses = self._sums / (self.done - (self.history["step"].iloc[-1] if len(self.history) else 0))
        row = dict(
            zip(map(str, self.history), (self.done, round(seconds, 3), self.rate(), *map(float, losses)), strict=True)
        )
        new = pd.DataFrame([row])
        self.history = new if self.history.empty else pd.concat([self.history, new], ignore_index=True)
        self._sums = np.zeros(len(self.losses))
        if self.board is not None:
            with self.board.as_default():
                for name in list(row)[2:]:
                    tf.summary.scalar(name, row[name], self.done)
        return row

    def _check(self) -> None:
        if not np.isfinite(self._sums).all():
            raise DivergenceError(
                f"Before step {self.done} a loss became no number "
                f"({dict(zip(self.losses, map(float, self._sums.round(3)), strict=True))}); "
                f"the state of step {self.saved} is kept: lower the learning rate and begin in another folder."
            )

    def _save(self) -> None:
        """Write the state, history inside, beside and put it in its place: one file, so nothing can disagree."""
        if self.folder:
            self.board.flush()
            values: dict[str, Any] = {f"v{number}": np.asarray(v) for number, v in enumerate(self.variables)}
            history = self.history.to_numpy(np.float64)
            with replacing(self.folder / "state.npz") as part, part.open("wb") as stream:
                row: dict[str, Any] = {"sums": self._sums, "seconds": np.array(self._seconds)}
                np.savez(stream, done=np.array(self.done), history=history, **row, **values)
            self._write_history()
        self.saved = self.done

    def _write_history(self) -> None:
        assert self.folder
        with replacing(self.folder / "history.csv") as part:
            self.history.to_csv(part, index=False)

    def _load(self, file: Path) -> None:
        try:
            with np.load(file, allow_pickle=False) as saved:
                values = {name: saved[name] for name in saved.files}
            new = [values[f"v{number}"] for number in range(len(self.variables))]
            if any(tuple(v.shape) != value.shape for v, value in zip(self.variables, new, strict=True)):
                raise TrainingError(f"{file} is of other networks than the recipe's; name another folder.")
            history = pd.DataFrame(values["history"], columns=self.history.columns).astype({"step": int})
            done, sums, seconds = int(values["done"]), values["sums"], float(values["seconds"])
        except TrainingError:
            raise
        except Exception as error:  # zipfile's own and NumPy's, for a file that was cut or is something else
            raise damaged_training(file, error) from error
        for variable, value in zip(self.variables, new, strict=True):
            variable.assign(value)
        self._sums, self._seconds = sums, seconds
        self.history, self.done, self.saved = history, done, done
        self._write_history()  # a kill may have come between the two files


def check_pace(every: int, keep_every: int) -> None:
    """Nothing for numbers of steps between two rows, and between two savings, that can be used.

    Raises:
        TrainingError: one can't.
    """
    for name, value in (("every", every), ("keep_every", keep_every)):
        check_value(value, whole(1, 10**9), name, TrainingError)


def endless_order(number: int, seed: int, length: int) -> np.ndarray:
    """Whole numbers below `number` in random order, again and again in another order: int32 (length,)."""
    random = np.random.default_rng(seed)
    rounds = -(-length // number)
    return np.concatenate([random.permutation(number) for _ in range(rounds)])[:length].astype(np.int32)


class ConstantThenLine(keras.optimizers.schedules.LearningRateSchedule):
    """A constant rate up to step `begin`, then a line down to 0, of `fall` steps."""

    def __init__(self, rate: float, begin: int, fall: int):
        self.rate, self.begin, self.fall = rate, begin, fall

    def __call__(self, step: Any) -> Any:
        """The rate of a step."""
        past = keras.ops.cast(step, "float32") - self.begin
        return self.rate * keras.ops.clip(1.0 - past / self.fall, 0.0, 1.0)


def adam(rate: float, steps: int, decay_from: float, beta_1: float, scaled: bool) -> keras.optimizers.Optimizer:
    """Adam whose rate is constant, and from a share `decay_from` of its steps on falls in a line to 0.

    `scaled` is for networks in "mixed_float16", whose range is too small for some gradients.
    """
    begin = int(steps * decay_from)
    schedule = ConstantThenLine(rate, begin, steps - begin) if steps > begin else rate
    optimiser = keras.optimizers.Adam(schedule, beta_1=beta_1)
    return keras.optimizers.LossScaleOptimizer(optimiser) if scaled else optimiser
