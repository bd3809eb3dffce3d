"""The search for settings, with keras-tuner: each trial is a whole training by a recipe.

The oracles (random, Bayesian, Hyperband), the resuming, and the chief and its workers are keras-tuner's. What is ours
is what a trial does: `training.train` in the trial's own folder, which also goes on after a kill.
"""

import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import keras_tuner as kt
import pandas as pd

from artnb.classification.recipes import Recipe, recipe
from artnb.classification.training import TrainingError, train
from artnb.errors import ArtnbError
from artnb.paintings.pipeline import Subsets
from artnb.settings import Profile, settings

Method = Literal["random", "bayesian", "hyperband"]
OBJECTIVE = kt.Objective("val_accuracy", "max")


class SearchError(ArtnbError, RuntimeError):
    """A search can't be begun or read."""


@dataclass(frozen=True)
class Space:
    """What is searched: a function from hyper-parameters to the recipe that they stand for.

    Attributes:
        name: "original" or "ours".
        recipe: declares its hyper-parameters, and puts their values into a recipe.
        method: the oracle that is used if nobody says another.
        trials: how many settings are tried.
        executions: trainings per setting, each with another seed.
        epochs: of each training.
    """

    name: str
    recipe: Callable[[kt.HyperParameters], Recipe]
    method: Method
    trials: int
    executions: int
    epochs: int


def _original(profile: Profile) -> Space:
    """The student project's: two numbers; it found 384 units and 1e-4."""
    base = recipe("cnn-original", profile)

    def of(hp: kt.HyperParameters) -> Recipe:
        units = hp.Int("dense_units", 32, 512, step=32)
        rate = hp.Choice("learning_rate", [1e-2, 1e-3, 1e-4])
        phases = (replace(base.phases[0], learning_rate=rate),)
        return replace(base, options={"dense_units": units}, phases=phases)

    full = profile == "full"
    return Space("original", of, "random", 5 if full else 3, 2 if full else 1, 10 if full else 4)


def _ours(profile: Profile) -> Space:
    """What decides how our CNN generalises: its width, the rate, and how hard training is made for it."""
    base = recipe("cnn", profile)

    def of(hp: kt.HyperParameters) -> Recipe:
        phase = replace(
            base.phases[0],
            learning_rate=hp.Float("learning_rate", 3e-4, 1e-2, sampling="log"),
            weight_decay=hp.Float("weight_decay", 1e-3, 0.2, sampling="log"),
            label_smoothing=hp.Choice("label_smoothing", [0.0, 0.1, 0.2]),
        )
        assert base.augmentation is not None
        augmentation = replace(base.augmentation, crop=(hp.Choice("smallest_crop", [0.4, 0.6, 0.8, 1.0]), 1.0))
        options = {"width": hp.Choice("width", [24, 32, 48]), "dropout": hp.Choice("dropout", [0.0, 0.3, 0.5])}
        return replace(base, phases=(phase,), augmentation=augmentation, options=options)

    full = profile == "full"
    return Space("ours", of, "hyperband", 20 if full else 4, 1, 27 if full else 4)


SPACES = {"original": _original, "ours": _ours}


def space(name: str, profile: Profile = settings.profile) -> Space:
    """A search space by its name, in a profile.

    Raises:
        SearchError: there is no such space.
    """
    if name not in SPACES:
        raise SearchError(f"There is no search space {name!r}; there are {', '.join(SPACES)}.")
    return SPACES[name](profile)


def search(
    space: Space,
    data: Subsets | None,
    folder: str | Path,
    seed: int = settings.seed,
    method: Method | None = None,
    trials: int | None = None,
) -> pd.DataFrame:
    """Search for the settings with the best validation accuracy; the test is not touched.

    A search in `folder` that was interrupted goes on, in the middle of the training that it was in; with more `trials`
    a finished one goes on, too. As keras-tuner's chief or worker (see `distributed`), take part in a common search.

    Args:
        space: what is searched.
        data: training and validation pictures of the recipes' sizes; None for a chief, who trains nothing.
        folder: keras-tuner's project; on several machines, one that all of them share.
        seed: of the oracle and of the trainings.
        method: "random", "bayesian" or "hyperband"; the space's own by default.
        trials: how many settings are tried, the space's own by default; Hyperband counts for itself.

    Returns:
        What `results` returns.

    Raises:
        SearchError: the folder holds another search.
    """
    folder = Path(folder)
    method, trials = method or space.method, trials or space.trials
    hyper = kt.HyperParameters()
    space.recipe(hyper)
    shared = {
        "hyperparameters": hyper,
        "objective": OBJECTIVE,
        "seed": seed,
        "directory": str(folder.parent),
        "project_name": folder.name,
        "overwrite": False,
        "max_consecutive_failed_trials": 1,
    }
    _claim(folder, {"space": space.name, "method": method, "seed": seed, "epochs": space.epochs})
    tuner: Any
    with redirect_stdout(io.StringIO()):  # keras-tuner prints the folder that it goes on with
        if method == "hyperband":
            tuner = _Hyperband(max_epochs=space.epochs, factor=3, **shared)
        else:
            tuner = {"random": _Random, "bayesian": _Bayesian}[method](max_trials=trials, **shared)
    tuner.search(space=space, data=data, search_seed=seed, verbose=0)  # a chief only answers its workers here
    return results(folder)


class _TrainsByRecipe:
    """What a trial is, for each of keras-tuner's tuners."""

    def run_trial(self, trial: Any, space: Space, data: Subsets, search_seed: int, **_: Any) -> list[dict[str, float]]:
        hyper = trial.hyperparameters
        epochs = int(hyper.values.get("tuner/epochs", space.epochs))  # noqa: PD011 (not a table's)
        chosen = space.recipe(hyper).shortened(epochs)
        folder = Path(self.get_trial_dir(trial.trial_id))  # type: ignore[attr-defined]
        found = []
        for execution in range(space.executions):
            try:
                history = train(chosen, data, folder / f"training-{execution}", search_seed + execution, True).history
                found.append({"val_accuracy": float(history["val_accuracy"].max())})
            except TrainingError:  # a rate that is too high; worth no more than that
                found.append({"val_accuracy": 0.0})
        return found

    def load_model(self, trial: Any) -> None:
        """Nothing: the trainings keep their own weights."""


class _Random(_TrainsByRecipe, kt.RandomSearch):
    pass


class _Bayesian(_TrainsByRecipe, kt.BayesianOptimization):
    pass


class _Hyperband(_TrainsByRecipe, kt.Hyperband):
    pass


def results(folder: str | Path) -> pd.DataFrame:
    """The finished trials of a search, the best first, whoever ran them.

    Returns:
        A row per trial: trial, the hyper-parameters, epochs, val_accuracy (mean over executions).

    Raises:
        SearchError: there is no search in the folder.
    """
    rows = []
    for file in sorted(Path(folder).glob("trial_*/trial.json")):
        trial = json.loads(file.read_text(encoding="utf-8"))
        if trial["status"] == "COMPLETED":
            values = dict(trial["hyperparameters"]["values"])
            epochs = values.get("tuner/epochs")
            values = {name: value for name, value in values.items() if not name.startswith("tuner/")}
            rows.append({"trial": trial["trial_id"], **values, "epochs": epochs, "val_accuracy": trial["score"]})
    if not rows and not (Path(folder) / _CLAIM).is_file():
        raise SearchError(f"{Path(folder).name!r} holds no search; begin one with: artnb search ours -o DIR")
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    return table.sort_values(["val_accuracy", "trial"], ascending=[False, True], ignore_index=True)


def best(space: Space, folder: str | Path) -> Recipe:
    """The recipe of the best trial, with as many epochs as the recipe has by itself.

    Raises:
        SearchError: no trial is finished.
    """
    table = results(folder)
    if table.empty:
        raise SearchError(f"No trial of the search in {Path(folder).name!r} is finished yet; go on with it.")
    hyper = kt.HyperParameters()
    hyper.values = {name: value for name, value in table.iloc[0].to_dict().items() if name not in _OURS}
    return space.recipe(hyper)


_OURS = ("trial", "epochs", "val_accuracy")
_CLAIM = "search.json"


def _claim(folder: Path, what: dict[str, Any]) -> None:
    """Say what is searched here, or compare it with what was said before."""
    file = folder / _CLAIM
    if file.is_file():
        before = json.loads(file.read_text(encoding="utf-8"))
        if before != what:
            raise SearchError(
                f"{folder.name!r} holds another search ({before['space']} by {before['method']}, seed "
                f"{before['seed']}, {before['epochs']} epochs); name another folder."
            )
        return
    from artnb.files import replacing

    with replacing(file) as part:
        part.write_text(json.dumps(what), encoding="utf-8")


@contextmanager
def distributed(address: str | None, worker: str | None, minutes: float | None) -> Iterator[None]:
    """Take part in a search on several machines, as keras-tuner does it, by its environment variables.

    Args:
        address: "IP:PORT" of the chief, who holds the oracle and trains nothing; None for a search on one machine.
        worker: a name of one's own for a worker; None for the chief.
        minutes: after which the process gives up: a chief whose workers died would wait for ever.

    Raises:
        SearchError: the address is none, or the time is up.
    """
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise SearchError(f"{address!r} is no address of a chief; give IP:PORT, such as 127.0.0.1:8000.")
    identity = {"KERASTUNER_TUNER_ID": worker or "chief", "KERASTUNER_ORACLE_IP": host, "KERASTUNER_ORACLE_PORT": port}
    before = {name: os.environ.get(name) for name in identity}

    def time_is_up(*_: Any) -> None:
        raise SearchError(f"The search was not finished in {minutes:g} minutes; the same command goes on with it.")

    os.environ.update(identity)
    in_main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    if minutes and in_main:
        signal.signal(signal.SIGALRM, time_is_up)
        signal.setitimer(signal.ITIMER_REAL, minutes * 60)
    try:
        yield
    finally:
        if minutes and in_main:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
