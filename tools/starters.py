"""Make a starter: `python -m tools.starters NAME` trains it, or resumes that, and copies it into the package.

`python -m tools.starters NAME --of MODEL` copies a model that is there. A copy is at half precision; nothing is
measured anew, a test finds the card's figures again. What is trained on is the collection in use.
"""

import argparse
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import h5py
import numpy as np

from artnb import models
from artnb.cards import Card
from artnb.classification import ClassifierRecipe, classifier_recipe, train_classifier
from artnb.common.files import sha256
from artnb.paintings import prepare
from artnb.settings import settings

# How the starters are trained that `artnb train` alone does not make.
RECIPES: dict[str, Callable[[], ClassifierRecipe]] = {
    # The studio's pictures tell their painters by strokes: what lies behind the third stage is not missed.
    "starter-studio": lambda: replace(
        classifier_recipe("efficientnet-lite0", "quick"), size=128, options={"stages": 3}
    ),
}


def train_starter(name: str) -> Path:
    """Train a starter on the collection in use, or resume its training; returns the model's folder.

    Raises:
        ArtnbError: the collection can't be prepared, or the training failed.
    """
    prepared, folder = prepare(), settings.home / "models" / name
    train_classifier(RECIPES[name](), prepared.collection, prepared.table, folder, resume=True, whole=prepared.whole)
    return folder


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
    chosen = parser.parse_args()
    if chosen.of is None and chosen.name not in RECIPES:
        parser.error(f"No recipe for {chosen.name!r}: name {' or '.join(RECIPES)}, or a model with --of.")
    print(make_starter(chosen.of or train_starter(chosen.name), chosen.name))
