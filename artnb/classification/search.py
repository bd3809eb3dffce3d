"""The search for a classifier's settings: each trial is a whole training by a recipe."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from artnb.classification.recipes import ClassifierRecipe, classifier_recipe
from artnb.classification.training import kept_epoch, train_network
from artnb.common import extras, searching
from artnb.common.resuming import digest
from artnb.common.searching import Method, SearchError, finished_trials, search_identity
from artnb.common.seeding import seed_or_default
from artnb.errors import Allowed, DivergenceError, check_name, check_value
from artnb.paintings.pipeline import Subsets
from artnb.settings import Profile, known_profile

with extras.needed("course", "A search needs", "keras-tuner"):
    import keras_tuner as kt

OBJECTIVE = kt.Objective("val_accuracy", "max")


@dataclass(frozen=True)
class Space:
    """What is searched: a function from hyper-parameters to the recipe that they stand for.

    Attributes:
        name: "original" or "ours".
        network: whose settings; the name of its recipe.
        recipe: declares its hyper-parameters, and puts their values into a recipe.
        method: the oracle, unless another is asked for.
        trials: how many settings are tried.
        executions: trainings per setting, each with another seed.
        epochs: of each training.
    """

    name: str
    network: str
    recipe: Callable[[kt.HyperParameters], ClassifierRecipe]
    method: Method
    trials: int
    executions: int
    epochs: int


def _original(profile: Profile) -> Space:
    """The student project's: two numbers; it found 384 units and 1e-4."""
    base = classifier_recipe("cnn-original", profile)

    def of(hp: kt.HyperParameters) -> ClassifierRecipe:
        units = hp.Int("dense_units", 32, 512, step=32)
        rate = hp.Choice("learning_rate", [1e-2, 1e-3, 1e-4])
        phases = (replace(base.phases[0], learning_rate=rate),)
        return replace(base, options={"dense_units": units}, phases=phases)

    full = profile == "full"
    return Space("original", "cnn-original", of, "random", 5 if full else 3, 2 if full else 1, 10 if full else 4)


def _ours(profile: Profile) -> Space:
    """What decides how our CNN generalises: its width, the rate, and how hard training is made for it."""
    base = classifier_recipe("cnn", profile)

    def of(hp: kt.HyperParameters) -> ClassifierRecipe:
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
    return Space("ours", "cnn", of, "hyperband", 20 if full else 4, 1, 27 if full else 4)


SPACES = {"original": _original, "ours": _ours}


def classifier_space(name: str, profile: Profile | None = None) -> Space:
    """A search space by its name, in a profile.

    Raises:
        SearchError: there is no such space.
        RecipeError: there is no such profile.
    """
    check_name(name, SPACES, "search space", SearchError)
    return SPACES[name](known_profile(profile))


def search_classifier(
    space: Space,
    data: Subsets | None,
    folder: str | Path,
    seed: int | None = None,
    method: Method | None = None,
    trials: int | None = None,
) -> pd.DataFrame:
    """Search for the settings with the best validation accuracy of what a training keeps; the test is not touched.

    A search in `folder` that was interrupted is resumed, in the middle of the training that it was in; so is a finished
    one that is given more `trials`. As keras-tuner's chief or worker (see `distributed`), take part in a common search.

    Args:
        space: what is searched.
        data: training and validation pictures of the recipes' sizes; None for a chief, who trains nothing.
        folder: keras-tuner's project; on several machines, one that all of them share.
        seed: of the oracle and of the trainings.
        method: "random", "bayesian" or "hyperband"; the space's own by default.
        trials: how many settings are tried, the space's own by default; Hyperband counts for itself.

    Returns:
        What `classifier_trials` returns.

    Raises:
        SearchError: the folder holds another search, one on other pictures, or one that can't be read.
        SettingsError: the seed can't be used.
        TrainingError: a training can't be resumed.
    """
    _check_space(space)
    seed = seed_or_default(seed)
    method = method or space.method

    def work(hyper: kt.HyperParameters, place: Path) -> list[dict[str, float]]:
        if data is None:
            raise SearchError("There are no pictures to search on, and only a chief needs none; give them.")
        epochs = int(hyper.values.get("tuner/epochs", space.epochs))  # noqa: PD011 (not a table's)
        chosen = space.recipe(hyper).shortened(epochs)
        scores = []
        for execution in range(space.executions):
            try:
                _, history = train_network(chosen, data, place / f"training-{execution}", seed + execution, True)
                scores.append({"val_accuracy": float(kept_epoch(chosen, history)["val_accuracy"])})
            except DivergenceError:  # the rate is too high; such settings are worth no more than that
                scores.append({"val_accuracy": 0.0})
        return scores

    identity: dict[str, Any] = {"space": space.name, "method": method, "seed": seed, "epochs": space.epochs}
    identity["executions"] = space.executions
    identity["recipe"] = space.recipe(kt.HyperParameters()).to_dict()
    if data is not None:
        arrays = [part for pictures in (data.train, data.validation) for part in (pictures.images, pictures.labels)]
        identity["pictures"] = digest(*arrays)
    searching.search(
        work,
        space.recipe,
        folder,
        OBJECTIVE,
        identity,
        seed,
        method,
        space.trials if trials is None else trials,
        max_epochs=space.epochs,
    )
    return classifier_trials(folder)


def classifier_trials(folder: str | Path) -> pd.DataFrame:
    """The finished trials of a search, of all workers, the best first.

    Returns:
        A row per trial: trial, the hyper-parameters, epochs, val_accuracy (mean over executions).

    Raises:
        SearchError: there is no search of a classifier in the folder, or it can't be read.
    """
    rows, epochs_of_all = [], search_identity(folder).get("epochs")
    for trial in finished_trials(folder, "artnb search classifier ours -o DIR", (OBJECTIVE.name,)):
        chosen = {name: value for name, value in trial["values"].items() if not name.startswith("tuner/")}
        epochs = trial["values"].get("tuner/epochs", epochs_of_all)
        rows.append({"trial": trial["trial"], **chosen, "epochs": epochs, "val_accuracy": trial["score"]})
    table = pd.DataFrame(rows)
    if table.empty:
        return table
    return table.sort_values(["val_accuracy", "trial"], ascending=[False, True], ignore_index=True)


def best(space: Space, folder: str | Path) -> ClassifierRecipe:
    """The recipe of the best trial, with as many epochs as the recipe has by itself.

    Raises:
        SearchError: no trial is finished, or the search is another space's.
    """
    _check_space(space)
    table = classifier_trials(folder)
    if (name := search_identity(folder).get("space")) != space.name:
        raise SearchError(
            f"{Path(folder).name!r} holds a search of the space {name!r}, and not of {space.name!r}; "
            "name another folder."
        )
    if table.empty:
        raise SearchError(f"No trial of the search in {Path(folder).name!r} is finished yet; resume it.")
    hyper = kt.HyperParameters()
    hyper.values = {name: value for name, value in table.iloc[0].to_dict().items() if name not in _OURS}
    return space.recipe(hyper)


def winner(network: str, folder: str | Path, profile: Profile | None = None) -> ClassifierRecipe:
    """The recipe of the best trial of a search for a network's settings.

    Raises:
        SearchError: no space is this network's; see `best`.
        RecipeError: there is no such profile.
    """
    profile = known_profile(profile)
    spaces = {each.network: each for each in (classifier_space(name, profile) for name in SPACES)}
    if not isinstance(network, str) or network not in spaces:
        raise SearchError(f"There is no search for the settings of {network!r}; there are for {', '.join(spaces)}.")
    return best(spaces[network], folder)


def _check_space(space: object) -> None:
    good = Allowed(lambda value: isinstance(value, Space), "what classifier_space returns, such as of 'ours'")
    check_value(space, good, "The search space", SearchError)


_OURS = ("trial", "epochs", "val_accuracy")
