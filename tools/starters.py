"""Make a starter: `python -m tools.starters NAME` trains it, or resumes that, and copies it into the package.

`python -m tools.starters NAME --of MODEL` copies a model that is there, and `--seed N --only-train` trains another one
like it, to see how much is luck. A copy is at half precision; nothing is measured anew, a test finds the card's figures
again. What is trained on is the collection in use.
"""

import argparse
import shutil
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np
import pandas as pd

from artnb import models
from artnb.cards import Card
from artnb.classification import Classifier, ClassifierRecipe, classifier_recipe, train_classifier
from artnb.common.files import sha256
from artnb.paintings import Prepared, prepare
from artnb.paintings.splits import LEAST
from artnb.settings import settings


def _recipes() -> dict[str, ClassifierRecipe]:
    lite = classifier_recipe("efficientnet-lite0", "full")
    return {
        "starter": lite,
        "starter-42": lite,
        "starter-cnn": classifier_recipe("cnn", "full"),
        # The studio's pictures tell their painters by strokes: what lies behind the third stage is not missed.
        "starter-studio": replace(classifier_recipe("efficientnet-lite0", "quick"), size=128, options={"stages": 3}),
    }


RECIPES = _recipes()
# These first learn to tell all artists apart, but for the strangers: what helps with those helps with the eleven. Then
# they are trained on for their own artists.
BEGIN_WITH_ALL = ("starter", "starter-42")


def train_starter(name: str, seed: int | None = None, recipe: ClassifierRecipe | None = None) -> Classifier:
    """Train a starter on the collection in use, resume its training, or load it.

    Args:
        name: a key of RECIPES.
        seed: of the training, not of the split; by default `ARTNB_SEED`.
        recipe: by default the starter's.

    Raises:
        ArtnbError: the collection can't be prepared, or the training failed.
    """
    seed = settings.seed if seed is None else seed
    prepared, recipe = prepare(), recipe or RECIPES[name]
    if name not in BEGIN_WITH_ALL:
        return _train(name, recipe, prepared, prepared.table, seed)
    everybody = prepare(LEAST)
    known = everybody.table[~everybody.table["artist"].isin(prepared.strangers)].reset_index(drop=True)
    start = _train("starter-all", recipe, everybody, known, seed)
    if name == "starter":
        return _train(name, recipe.continued(), prepared, prepared.table, seed, start)
    # The strangers are new to its head, and have few paintings.
    phases = (recipe.phases[0], *recipe.continued().phases)
    return _train(name, replace(recipe, phases=phases, balance=0.5), everybody, everybody.table, seed, start)


def _train(
    name: str,
    recipe: ClassifierRecipe,
    prepared: Prepared,
    table: pd.DataFrame,
    seed: int,
    start: Classifier | None = None,
) -> Classifier:
    start = start and start.for_artists(sorted(set(table["artist"])))
    folder = settings.home / "models" / f"{name}-{seed}"
    return train_classifier(recipe, prepared.collection, table, folder, seed, True, start, prepared.whole)


def make_starter(model: str | Path, name: str) -> Path:
    """Copy a model into the package, its weights as float16 and compressed: what a starter's size allows.

    An older starter of that name is replaced.

    Returns:
        The folder.

    Raises:
        ModelError: there is no such model, or it is damaged.
    """
    target = models.STARTERS / name
    source = models.find(model)
    models.check_whole(source)
    with TemporaryDirectory(dir=models.STARTERS) as beside:
        models.copy_model(source, Path(beside) / name, _copy)
        shutil.rmtree(target, ignore_errors=True)
        (Path(beside) / name).rename(target)
    card = Card.load(target)
    card = replace(card, files={file: sha256(target / file) for file in card.files})
    models.write_card(target, card, (target / "README.md").read_text(encoding="utf-8"))
    return target


def _copy(source: Path, target: Path) -> None:
    if not source.name.endswith(".weights.h5"):
        shutil.copyfile(source, target)
        return
    with h5py.File(source) as whole, h5py.File(target, "w") as half:

        def copy(path: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                values = np.asarray(item)
                if values.dtype == np.float32 and np.abs(values).max(initial=0) < np.finfo(np.float16).max:
                    values = values.astype(np.float16)
                half.create_dataset(path, data=values, **({"compression": "gzip"} if values.ndim else {}))
            else:
                half.require_group(path)
            for key, value in item.attrs.items():
                half[path].attrs[key] = value

        whole.visititems(copy)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tools.starters", description=__doc__)
    parser.add_argument("name", help=f"of the starter; of those to train: {', '.join(RECIPES)}")
    parser.add_argument("--of", metavar="MODEL", help="a model that is there: its name, or its folder")
    parser.add_argument("--seed", type=int, metavar="N", help="of the training; default: ARTNB_SEED")
    parser.add_argument("--only-train", action="store_true", help="don't copy it into the package")
    chosen = parser.parse_args()
    if chosen.of is None and chosen.name not in RECIPES:
        parser.error(f"No recipe for {chosen.name!r}: name {' or '.join(RECIPES)}, or a model with --of.")
    trained = chosen.of or train_starter(chosen.name, chosen.seed).folder
    print(trained if chosen.only_train else make_starter(trained, chosen.name))
