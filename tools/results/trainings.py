"""Tables about trainings and searches: what came out, and how it got there."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pandas as pd

from artnb.classification import ClassifierRecipe, classifier_recipe
from artnb.classification.evaluation import bootstrap
from artnb.classification.training import HISTORY, kept_epoch, read_history
from artnb.errors import TrainingError
from artnb.paintings.pipeline import ORIGINAL
from artnb.weights import TITLES, find_weights
from tools.results.runs import LITE, MODELS, SEEDS, Runs, figures

FIGURES = ("val_accuracy", "val_loss", "accuracy", "loss")  # of an epoch


def _seeds(runs: Runs, models: Iterable[str], seeds: Iterable[int]) -> pd.DataFrame:
    rows = []
    for name in models:
        for seed in seeds:
            rows.append({"model": name, **figures(runs.model(name, seed))})
    return pd.DataFrame(rows)


def _searched(runs: Runs, name: str) -> pd.DataFrame:
    """A row per training of a search: the trial's settings, epochs, and validation at the epoch that is kept.

    `score` is what the search chose the trial by: the mean over its trainings, of which one that diverged counts 0.
    """
    rows, recipe = [], runs.recipe(name)
    for trial in runs.search(name).rename(columns={"val_accuracy": "score"}).to_dict("records"):
        place = runs.search_folder(name) / f"trial_{trial['trial']}"
        for folder in sorted(place.glob("training-*")):
            file = folder / "history.csv"  # none if the first epoch diverged
            history = read_history(file) if file.is_file() else pd.DataFrame(columns=HISTORY)
            training = {"training": int(folder.name.removeprefix("training-")), "trained_epochs": len(history)}
            figures: dict[str, Any] = dict.fromkeys(FIGURES)
            try:
                figures |= kept_epoch(recipe.shortened(int(trial["epochs"])), history)[[*FIGURES]].to_dict()
                needs = ""
            except TrainingError:
                needs = "a lower learning rate: it diverged"
            rows.append(trial | training | figures | {"seconds": history["seconds"].sum(), "needs": needs})
    return (
        pd.DataFrame(rows).astype(dict.fromkeys(FIGURES, float)).round(dict.fromkeys(("score", *FIGURES, "seconds"), 4))
    )


def original(runs: Runs) -> pd.DataFrame:
    """The original's CNN: four seeds.

    A row per seed.
    """
    return _seeds(runs, ["original"], runs.seeds)


def original_search(runs: Runs) -> pd.DataFrame:
    """The original's search, `artnb search classifier original`: a row per training."""
    return _searched(runs, "original")


def original_tuned(runs: Runs) -> pd.DataFrame:
    """The original's CNN with what its own search found (384 units, 1e-4), and with what it found here.

    A row each.
    """
    return _seeds(runs, ["original+its search", "original+search"], SEEDS[:1]).assign(
        units=[runs.recipe(name).options["dense_units"] for name in ("original+its search", "original+search")],
        learning_rate=[
            runs.recipe(name).phases[0].learning_rate for name in ("original+its search", "original+search")
        ],
    )


def ours(runs: Runs) -> pd.DataFrame:
    """Our CNN: four seeds.

    A row per seed.
    """
    return _seeds(runs, ["ours"], runs.seeds)


def ours_quick(runs: Runs) -> pd.DataFrame:
    """Our CNN, as the notebooks train it: four seeds.

    A row per seed.
    """
    return ours(runs)


def fine_tuned(runs: Runs) -> pd.DataFrame:
    """EfficientNet-Lite0, our way: four seeds; ResNet50 and VGG19 where their weights are.

    A row per seed.
    """
    return pd.concat(
        [_seeds(runs, ["fine-tuned"], runs.seeds).assign(network=TITLES[LITE], needs=""), _others(runs, "")]
    )


def two_phases(runs: Runs) -> pd.DataFrame:
    """The original's two phases with EfficientNet-Lite0 in ResNet50's place; ResNet50 where its weights are.

    A row per seed.
    """
    lite = _seeds(runs, ["two phases"], runs.seeds).assign(network=TITLES[LITE], needs="")
    return pd.concat([lite, _others(runs, "-original")])


def _others(runs: Runs, way: str) -> pd.DataFrame:
    """The same with ResNet50 and VGG19; empty rows without their weights."""
    rows = []
    for backbone in ("resnet50", "vgg19"):
        row: dict[str, Any] = {"model": "two phases" if way else "fine-tuned", "network": TITLES[backbone]}
        if find_weights(backbone) is None:
            rows.append(row | {"needs": f"artnb weights get {backbone}"})
        else:
            name = f"{backbone}{way}"
            rows.append(row | figures(runs.trained(name, runs.small(classifier_recipe(name)))) | {"needs": ""})
    return pd.DataFrame(rows)


def ablation(runs: Runs) -> pd.DataFrame:
    """Ours without each of its changes, the original's with each; one seed.

    A row per change; `difference` is the test accuracy less the base's, painting by painting, with its interval.
    """
    rows = []
    for base, changes in (("ours", _without(classifier_recipe("cnn"))), ("original", _with())):
        of_base = None
        for change, recipe in list(changes.items())[: 2 if runs.smoke else None]:
            model = runs.trained("ablation", runs.small(recipe))
            right = (model.answers["predicted"] == model.answers["artist"]).to_numpy(float)
            of_base = right if of_base is None else of_base
            low, high = bootstrap(right - of_base)
            paired = {"difference": (right - of_base).mean(), "difference_low": low, "difference_high": high}
            rows.append({"model": base, "change": change, **figures(model), **paired})
    return pd.DataFrame(rows).round(4)


def _without(ours: ClassifierRecipe) -> dict[str, ClassifierRecipe]:
    def training(**changes: Any) -> ClassifierRecipe:
        return replace(ours, phases=(replace(ours.phases[0], **changes),))

    return {
        "as it is": ours,
        "with the original's network": replace(ours, network="cnn-original", crop_size=None),
        "with the original's augmentation": replace(ours, augmentation=ORIGINAL),
        "without augmentation": replace(ours, augmentation=None),
        "at a constant rate": training(schedule="constant"),
        "without weight decay": training(weight_decay=0.0),
        "without label smoothing": training(label_smoothing=0.0),
        "without balance of the classes": replace(ours, balance=0.0),
        "trained at the size that is tested": replace(ours, crop_size=None),
    }


def _with() -> dict[str, ClassifierRecipe]:
    original, ours = classifier_recipe("cnn-original"), classifier_recipe("cnn")
    return {
        "as it is": original,
        "with our network": replace(original, network="cnn"),
        "with our augmentation": replace(original, augmentation=ours.augmentation),
        "with our rate, decay and smoothing": replace(original, phases=ours.phases),
    }


def ours_search(runs: Runs) -> pd.DataFrame:
    """Our search, `artnb search classifier ours` (Hyperband): a row per training.

    One training a trial.
    """
    return _searched(runs, "ours")


def ours_tuned(runs: Runs) -> pd.DataFrame:
    """Our CNN with what Hyperband found: four seeds.

    A row per seed.
    """
    return _seeds(runs, ["ours+search"], runs.seeds)


def curves(runs: Runs) -> pd.DataFrame:
    """Loss and accuracy by phase and epoch of one training of each model.

    A row per epoch.
    """
    histories = [runs.model(name).history.assign(model=name) for name in MODELS]
    table = pd.concat(histories, ignore_index=True)
    return table[["model", *table.columns.drop("model")]].round(5)


def answers(runs: Runs) -> pd.DataFrame:
    """What each model says of each test painting, so that two can be compared painting by painting; one seed.

    A row per painting: its path in the collection, the artist, and a column per model.
    """
    said = {name: runs.model(name).answers.set_index("path") for name in MODELS}
    table = said["ours"][["artist"]].assign(**{name: each["predicted"] for name, each in said.items()})
    return table.reset_index()
