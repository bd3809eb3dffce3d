"""A model against pictures: those of a split, of a folder, or of every fold of a cross-validation."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.classification import bundles
from artnb.classification.evaluation import Evaluation, EvaluationError, evaluate
from artnb.classification.predictor import Predictor
from artnb.classification.recipes import Recipe
from artnb.images import ImageError, fit, load_image
from artnb.paintings import catalogue, splits
from artnb.paintings.pipeline import decode
from artnb.paintings.sources import SUFFIXES, Collection
from artnb.settings import settings


def evaluate_split(
    predictor: Predictor, collection: Collection, table: pd.DataFrame | None = None, subset: str = "test"
) -> Evaluation:
    """Measure a model on a subset of a split.

    Args:
        predictor: the model.
        collection: where the pictures are.
        table: a split; by default the one that the model was trained on.
        subset: "train", "validation" or "test".

    Raises:
        EvaluationError: pictures of the split are not in the collection, artists of it unknown to the model, or
            pictures of another split's validation or test show what this model was trained on.
    """
    own = splits.load_split(predictor.bundle.folder / "split.csv")
    table = own if table is None else table
    rows = table[table["subset"] == subset]
    missing = ~rows["path"].isin(collection.paintings["path"])
    if rows.empty or missing.any():
        example = f", such as {rows['path'][missing].iloc[0]!r}" if missing.any() else ""
        raise EvaluationError(
            f"{int(missing.sum())} of the {len(rows)} pictures of the split are not in the collection in use "
            f"({collection.source}){example}; point ARTNB_DATA at the collection that the split was made from."
        )
    if unknown := sorted(set(rows["artist"]) - set(predictor.card.class_names)):
        raise EvaluationError(
            f"The model does not know {unknown[0]!r}; evaluate it on a split of its artists: "
            f"{', '.join(predictor.card.class_names)}."
        )
    if subset != "train":
        group = own.set_index("path")["group"]
        trained = set(own.loc[own["subset"] == "train", "group"])
        if seen := int(rows["path"].map(group).isin(trained).sum()):
            raise EvaluationError(
                f"{seen} of the {len(rows)} {subset} pictures show paintings that this model was trained on, so the "
                "figure would flatter it; use the model's own split (leave --split away), or train it on this one."
            )
    label = {name: number for number, name in enumerate(predictor.card.class_names)}
    images = decode([collection.file(path) for path in rows["path"]], predictor.card.size)
    probabilities, _ = predictor.look(images)
    return evaluate(probabilities, rows["artist"].map(label).to_numpy(), predictor.card.class_names)


def evaluate_folder(predictor: Predictor, folder: str | Path) -> tuple[Evaluation, list[str]]:
    """Measure a model on pictures of one's own, in folders that are called as the artists are.

    Whether the model was trained on them, nobody can know but you.

    Returns:
        The evaluation, and a sentence for each folder or file that could not be used.

    Raises:
        EvaluationError: there is not one picture by an artist that the model knows.
    """
    folder, names = Path(folder), predictor.card.class_names
    images, labels, skipped = [], [], []
    for place in sorted(path for path in folder.glob("*/") if not path.name.startswith(".")):
        artist = catalogue.artist_name(place.name)
        if artist not in names:
            skipped.append(f"{place.name!r} is no artist that the model knows; left out.")
            continue
        for file in sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES):
            try:
                images.append(fit(load_image(file), predictor.card.size))
                labels.append(names.index(artist))
            except ImageError as error:
                skipped.append(str(error))
    if not images:
        raise EvaluationError(
            f"{folder} holds no picture by an artist that the model knows; looked for folders such as "
            f"{names[0].replace(' ', '_')!r} with pictures in them."
        )
    probabilities, _ = predictor.look(np.stack(images))
    return evaluate(probabilities, np.array(labels), names), skipped


def cross_validate(
    recipe: Recipe,
    collection: Collection,
    paintings: pd.DataFrame,
    duplicates: Iterable[tuple[str, str]],
    number: int,
    folder: str | Path,
    seed: int = settings.seed,
    resume: bool = False,
) -> pd.DataFrame:
    """Train and measure one model per fold, each saved as a bundle in `folder/fold-K`; finished ones are not repeated.

    Returns:
        A row per fold: fold, n, accuracy, top3, macro_f1, ece, all of the test part.
    """
    rows = []
    for k, table in enumerate(splits.folds(paintings, list(duplicates), number, seed)):
        card = bundles.make(recipe, collection, table, Path(folder) / f"fold-{k + 1}", seed, resume).card
        rows.append({"fold": k + 1} | {name: card.metrics["test"][name] for name in FIGURES})
    return pd.DataFrame(rows)


FIGURES = ("n", "accuracy", "top3", "macro_f1", "ece")


def report(folds: pd.DataFrame) -> str:
    """The table of a cross-validation, with mean and spread."""
    figures = folds[list(FIGURES[1:])]
    ends = pd.DataFrame([figures.mean(), figures.std()], index=["mean", "spread"])
    return f"{folds.round(4).to_string(index=False)}\n\n{ends.round(4).to_string()}"
