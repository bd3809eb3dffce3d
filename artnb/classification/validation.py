"""A model against pictures: those of a split, of a folder, or of every fold of a cross-validation."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.classification.evaluation import Evaluation, evaluate
from artnb.classification.model import Classifier, train_classifier
from artnb.classification.recipes import ClassifierRecipe
from artnb.common.files import sha256
from artnb.errors import EvaluationError, check_name
from artnb.images import ImageError, fit, load_image
from artnb.paintings import catalogue, splits
from artnb.paintings.pipeline import as_it_is, decode_rows
from artnb.paintings.preparation import Prepared
from artnb.paintings.sources import Collection, artist_folders, pictures_in


def _part(top: float, left: float) -> Callable[[np.ndarray], np.ndarray]:
    """What cuts out half of the height and half of the width, from 0 (top, left) to 1 (bottom, right)."""

    def crop(image: np.ndarray) -> np.ndarray:
        height, width = (max(1, side // 2) for side in image.shape[:2])
        y, x = round(top * (image.shape[0] - height)), round(left * (image.shape[1] - width))
        return image[y : y + height, x : x + width]

    return crop


# What is shown of each picture, each part by itself: all of it, or its four quarters and the one in the middle.
CROPS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], ...]] = {
    "whole": (as_it_is,),
    "quarters": tuple(_part(*place) for place in ((0, 0), (0, 1), (1, 0), (1, 1), (0.5, 0.5))),
}
SHOWN = {"quarters": "five quarters"}  # in a report, of each painting
TOGETHER = 16  # pictures of a folder whose parts are in memory at once


def evaluate_split(
    model: Classifier,
    collection: Collection,
    table: pd.DataFrame | None = None,
    subset: str = "test",
    crops: str = "whole",
    mirrored: bool = False,
) -> Evaluation:
    """Measure a model on a subset of a split.

    Args:
        model: which.
        collection: where the pictures are.
        table: a split; by default the one that the model was trained on.
        subset: "train", "validation" or "test".
        crops: a key of CROPS, what is shown of each picture. Each part counts as a picture; the interval is over
            paintings, whose parts are right or wrong together.
        mirrored: whether the model looks at the mirror image of each, too, and says the mean.

    Raises:
        SplitError: the table is no split, see `splits.check_split`; or pictures of it are not in the collection, or
            are other pictures there.
        EvaluationError: there are no such crops, the subset is empty, the model doesn't know an artist of it, or
            pictures of another split's validation or test show what this model was trained on.
    """
    check_name(crops, CROPS, "way to crop", EvaluationError)
    names = model.card.class_names
    table = model.split if table is None else table
    splits.check_split(table)
    rows = table[table["subset"] == subset]
    if rows.empty:
        raise EvaluationError(f"The split holds no {subset} pictures, so there is nothing to measure.")
    if unknown := sorted(set(rows["artist"]) - set(names)):
        raise EvaluationError(
            f"The model does not know {unknown[0]!r}; evaluate it on a split of its artists: {', '.join(names)}."
        )
    if subset != "train":
        training_rows = model.split[model.split["subset"] == "train"]
        # A picture is known by its contents; that it is also called so makes us more careful, and never less.
        shown = rows["sha256"].isin(training_rows["sha256"]) | rows["path"].isin(training_rows["path"])
        if shown.any():
            raise EvaluationError(
                f"{shown.sum()} of the {len(rows)} {subset} pictures show paintings that this model was trained on, so "
                "the figure would flatter it; use the model's own split (leave --split away), or train it on this one."
            )
    label = {name: number for number, name in enumerate(names)}
    # One part of all pictures after the other: no more pictures in memory than without parts.
    parts = (decode_rows(collection, rows, model.card.size, crop) for crop in CROPS[crops])
    probabilities = [model.outputs(images, mirrored)[0] for images in parts]
    return _evaluate(model, np.stack(probabilities), rows["artist"].map(label).to_numpy())


def evaluate_folder(
    model: Classifier, folder: str | Path, crops: str = "whole", mirrored: bool = False
) -> tuple[Evaluation, list[str]]:
    """Measure a model on pictures of one's own, in folders that are called as the artists are.

    A sentence says how many of them the model was trained on, as far as their bytes tell.

    Args:
        model: which.
        folder: that holds the artists' folders.
        crops: as for `evaluate_split`.
        mirrored: likewise.

    Returns:
        The evaluation, and a sentence for each folder or file that could not be used, and about training pictures.

    Raises:
        EvaluationError: there are no such crops, or there is not one picture by an artist that the model knows.
    """
    check_name(crops, CROPS, "way to crop", EvaluationError)
    folder, names = Path(folder), model.card.class_names
    labels: list[int] = []
    skipped: list[str] = []
    split = model.split
    training, seen = set(split.loc[split["subset"] == "train", "sha256"]), 0

    def parts_of_each() -> Iterator[np.ndarray]:
        """One picture after the other; notes its artist, or why it can't be used."""
        nonlocal seen
        for place in artist_folders(folder):
            artist = catalogue.artist_name(place.name)
            if artist not in names:
                skipped.append(f"{place.name!r} is no artist that the model knows; left out.")
                continue
            for file in pictures_in(place):
                try:
                    image = load_image(file)
                    parts = np.stack([fit(crop(image), model.card.size) for crop in CROPS[crops]])
                except ImageError as error:
                    skipped.append(str(error))
                    continue
                labels.append(names.index(artist))
                seen += sha256(file) in training
                yield parts

    pictures, probabilities = parts_of_each(), []
    while some := list(islice(pictures, TOGETHER)):
        outputs = model.outputs(np.concatenate(some), mirrored)[0]
        probabilities += [outputs.reshape(len(some), len(CROPS[crops]), -1)]
    if not probabilities:
        raise EvaluationError(
            f"{folder} holds no picture by an artist that the model knows; looked for folders such as "
            f"{names[0].replace(' ', '_')!r} with pictures in them{_why(folder, skipped)}."
        )
    if seen:
        skipped.append(
            f"The model was trained on {seen} of these {len(labels)} pictures, so the figure flatters it; leave them "
            "out."
        )
    return _evaluate(model, np.concatenate(probabilities).swapaxes(0, 1), np.array(labels)), skipped


def _why(folder: Path, skipped: Sequence[str]) -> str:
    """What is there in place of artists' folders, for a sentence."""
    if not folder.is_dir():
        return ", and there is no such folder"
    return f". {skipped[0].rstrip('.')}" if skipped else ", and found none"


def _evaluate(model: Classifier, probabilities: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Measure what a model said: probabilities (parts, n, classes) of the parts of pictures with labels (n,)."""
    number = len(probabilities)
    return evaluate(np.concatenate(probabilities), np.tile(labels, number), model.card.class_names, parts=number)


def cross_validate(
    recipe: ClassifierRecipe,
    prepared: Prepared,
    number: int,
    folder: str | Path,
    seed: int | None = None,
    resume: bool = False,
) -> pd.DataFrame:
    """Train and measure one model per fold, each saved in `folder/fold-K`; finished ones are not repeated.

    Returns:
        A row per fold: fold, n, accuracy, top3, macro_f1, ece, all of the test part.
    """
    rows = []
    for k, table in enumerate(splits.folds(prepared.paintings, number, seed)):
        place = Path(folder) / f"fold-{k + 1}"
        card = train_classifier(recipe, prepared.collection, table, place, seed, resume).card  # no part of the split
        rows.append({"fold": k + 1} | {name: card.metrics["test"][name] for name in _FIGURES})
    return pd.DataFrame(rows)


_FIGURES = ("n", "accuracy", "top3", "macro_f1", "ece")


def folds_report(folds: pd.DataFrame) -> str:
    """The table of a cross-validation, with mean and standard deviation."""
    figures = folds[list(_FIGURES[1:])]
    ends = pd.DataFrame([figures.mean(), figures.std()], index=["mean", "std"])
    return f"{folds.round(4).to_string(index=False)}\n\n{ends.round(4).to_string()}"
