"""The models and searches that several results are about: each is run once, resumed after a kill, and then loaded."""

from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.classification import (
    Classifier,
    ClassifierRecipe,
    classifier_recipe,
    classifier_space,
    course_classifier,
    search_classifier,
)
from artnb.classification.search import Space, best
from artnb.paintings import load_pictures, split_everything
from artnb.paintings.across import PHOTOS
from artnb.paintings.pipeline import Pictures, decode_rows
from artnb.paintings.preparation import Prepared
from artnb.paintings.splits import SUBSETS, split_digest
from artnb.settings import settings, using

LITE = "efficientnet-lite0"
SEEDS = (1874, 1, 2, 3)  # of trainings; the split stays
# What the course trains, by the name that it has in all tables; "+search" is with the best settings of a search.
MODELS = {
    "original": "cnn-original",
    "original+its search": "cnn-original",  # what the student project's own search found
    "original+search": "cnn-original",
    "ours": "cnn",
    "ours+search": "cnn",
    "two phases": f"{LITE}-original",
    "fine-tuned": LITE,
}
COMPARED = ("original", "ours", "two phases", "fine-tuned")


@dataclass(frozen=True)
class Runs:
    """A prepared collection, and what is trained on it, in the folder in use (`settings.home`).

    Attributes:
        prepared: the collection and its split.
        smoke: whether everything is as small as can be, to see that it runs.
    """

    prepared: Prepared
    smoke: bool = False
    _loaded: dict[tuple[str, str], Classifier] = field(default_factory=dict, repr=False)
    _searched: dict[tuple[str, str], pd.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def seeds(self) -> tuple[int, ...]:
        """Of the trainings that are repeated."""
        return SEEDS[:1] if self.smoke else SEEDS

    def small(self, recipe: ClassifierRecipe) -> ClassifierRecipe:
        """A recipe as it is, or in a smoke test one of a few seconds."""
        if not self.smoke:
            return recipe
        recipe = replace(recipe, size=32, crop_size=None, batch_size=64).shortened(1)
        return replace(recipe, phases=tuple(replace(phase, epochs=1) for phase in recipe.phases))

    def recipe(self, model: str) -> ClassifierRecipe:
        """How a model of MODELS is trained; a search that this takes is run before."""
        recipe = classifier_recipe(MODELS[model])
        if model == "original+its search":
            phases = (replace(recipe.phases[0], learning_rate=1e-4),)
            recipe = replace(recipe, options={"dense_units": 384}, phases=phases)
        elif model.endswith("+search"):
            name = model.removesuffix("+search")
            self.search(name)
            recipe = best(self.space(name), self.search_folder(name))
        return self.small(recipe)

    def model(self, model: str, seed: int = SEEDS[0]) -> Classifier:
        """A model of MODELS: trained, resumed or loaded."""
        key = (model, settings.profile)
        if seed == SEEDS[0] and key in self._loaded:
            return self._loaded[key]
        tuned = "-384" if model == "original+its search" else "-tuned" if model.endswith("+search") else ""
        found = self.trained(MODELS[model] + tuned, self.recipe(model), seed)  # called as in the notebooks
        if seed == SEEDS[0]:  # several tables are about these
            self._loaded[key] = found
        return found

    def trained(self, name: str, recipe: ClassifierRecipe, seed: int = SEEDS[0]) -> Classifier:
        """A model by a recipe, in a folder called so: trained, resumed or loaded."""
        with using(seed=seed):
            return course_classifier(name, self.prepared, recipe)

    def space(self, name: str) -> Space:
        """A search space of the library."""
        space = classifier_space(name)
        if not self.smoke:
            return space
        few = {"trials": 2, "executions": 1, "epochs": 2}
        return replace(space, recipe=lambda hp: self.small(space.recipe(hp)), **few)

    def search_folder(self, name: str) -> Path:
        """Where a search lies; each profile has a search of its own."""
        return settings.home / "searches" / split_digest(self.prepared.table) / f"{name}-{settings.profile}-{SEEDS[0]}"

    @property
    def folds_folder(self) -> Path:
        """Where the models of the folds lie; each profile has its own."""
        return settings.home / "folds" / f"{self.split}-{settings.profile}"

    def search(self, name: str) -> pd.DataFrame:
        """The trials of a search, run or resumed in the profile in use."""
        key = (name, settings.profile)
        if key not in self._searched:
            space, recipe = self.space(name), self.small(classifier_recipe(MODELS[name]))
            data = load_pictures(self.prepared.collection, self.prepared.table, recipe.size)
            self._searched[key] = search_classifier(space, data, self.search_folder(name), SEEDS[0])
        return self._searched[key]

    @property
    def split(self) -> str:
        """The digest of the split of everything."""
        return self.prepared.whole

    def pictures(self, subset: str, size: int) -> Pictures:
        """The paintings of a subset, with their labels."""
        rows = self.prepared.table[self.prepared.table["subset"] == subset]
        labels = np.searchsorted(self.prepared.class_names, rows["artist"])
        return Pictures(decode_rows(self.prepared.collection, rows, size), labels, rows["path"].tolist())

    @cached_property
    def photographs(self) -> list[Path]:
        """Those of the test, which no model was trained on or chosen by."""
        everything = split_everything(seed=self.prepared.seed)[0]
        chosen = everything[(everything["artist"] == PHOTOS) & (everything["subset"] == "test")]
        return [Path(path) for path in chosen["path"]]


def figures(model: Classifier) -> dict[str, float | str]:
    """A model's row: its figures on the three subsets, of the test with their 95 % interval."""
    card, test = model.card, model.card.metrics["test"]
    low, high = test["interval"]
    right = {subset: card.metrics[subset]["accuracy"] for subset in SUBSETS}
    measured = {name: test[name] for name in ("top3", "macro_f1", "ece")}
    cost = {"parameters": card.parameters, "epochs": card.epochs, "seconds": card.seconds}
    return {"seed": card.seed, **right, "low": low, "high": high, **measured, "temperature": card.temperature, **cost}
