"""Retraining: a model is trained further on new labelled pictures and measured on the same test.

No painting of the test or the validation may enter training, not even as another photograph: the new pictures are
audited together with the old ones, and those that show such a painting are left out.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from artnb.classification.model import Classifier, train_classifier
from artnb.classification.recipes import ClassifierRecipe
from artnb.common.files import replacing
from artnb.common.seeding import seed_or_default
from artnb.errors import ArtnbError
from artnb.operation.comparing import Comparison, compare_models, comparison_page
from artnb.paintings import catalogue
from artnb.paintings.audit import audit_collection, groups
from artnb.paintings.sources import Collection, artist_folders, pictures_in

NewLabels = Literal["refuse", "ignore", "add"]
VALIDATION_EVERY = 5  # one of so many new paintings by an artist goes to validation


class RetrainingError(ArtnbError, ValueError):
    """New pictures that a model can't be trained on."""


@dataclass(frozen=True)
class CombinedCollection(Collection):
    """A collection together with folders of new pictures, whose paths begin with `new/NAME/`.

    Attributes:
        new_folders: (the beginning of the paths, the folder that they are relative to).
    """

    new_folders: tuple[tuple[str, Path], ...] = ()

    def file(self, path: str) -> Path:
        """The file on disk of a row's `path`."""
        for prefix, folder in self.new_folders:
            if path.startswith(prefix):
                return folder / path.removeprefix(prefix)
        return self.root / path


@dataclass(frozen=True)
class NewPictures:
    """The data of a retraining.

    Attributes:
        collection: old and new pictures.
        table: their split: the old one, with four fifths of the new paintings in train and one fifth in validation.
        class_names: the old artists, and the new ones if they are added; sorted.
        left_out: path -> reason, for each new picture that is not used.
        kept_back: paths of the new pictures in validation.
    """

    collection: CombinedCollection
    table: pd.DataFrame
    class_names: tuple[str, ...]
    left_out: dict[str, str]
    kept_back: tuple[str, ...]

    def report(self) -> str:
        """How many new pictures are used and, for each reason, left out, as Markdown."""
        new = self.table[self.table["path"].str.startswith("new/")]
        lines = [
            f"{len(new)} new pictures are used, {len(self.kept_back)} of them kept back for validation; "
            f"{len(self.left_out)} were left out."
        ]
        for reason, count in pd.Series(self.left_out, dtype=object).value_counts().items():
            lines.append(f"- {count} left out: {reason}")
        return "\n".join(lines)


def gather(
    model: Classifier,
    collection: Collection,
    folders: list[str | Path],
    new_labels: NewLabels = "refuse",
    seed: int = 0,
) -> NewPictures:
    """Audit new pictures together with those of a model's split.

    Args:
        model: the classifier to train further. The pictures of its split are in `collection`, or in `folders` if it
            was itself retrained.
        collection: of the old pictures.
        folders: of new pictures, `images/ARTIST/*.jpg` as `export_feedback` writes them, or `ARTIST/*.jpg`.
        new_labels: what to do with artists that the model doesn't know.
        seed: of the choice of new paintings for validation.

    Raises:
        RetrainingError: pictures of the old split are missing, a folder holds none, there is an artist whom the model
            doesn't know and `new_labels` is "refuse", or no new picture can be used.
    """
    if new_labels not in get_args(NewLabels):
        raise RetrainingError(f"new_labels is {new_labels!r}; give one of {', '.join(get_args(NewLabels))}.")
    old = model.split
    new_folders = tuple((f"new/{_name(Path(folder))}/", _folder_of_artists(Path(folder))) for folder in folders)
    if len(dict(new_folders)) < len(new_folders):
        raise RetrainingError("Two new folders have the same name, which would mix their pictures up; rename one.")
    rows = [
        (f"{prefix}{file.relative_to(folder).as_posix()}", catalogue.artist_name(file.parent.name))
        for prefix, folder in new_folders
        for file in pictures_in(*artist_folders(folder))
    ]
    new = pd.DataFrame(rows, columns=["path", "artist"])
    available = set(collection.paintings["path"]) | set(new["path"])
    if missing := [path for path in old["path"] if path not in available]:
        raise RetrainingError(
            f"{len(missing)} of the {len(old)} pictures that the model was trained and measured on are neither in the "
            f"collection in use ({collection.source}) nor in the new folders, such as {missing[0]!r}; point ARTNB_DATA "
            "at the collection that it was trained on, and name every folder that it was retrained on."
        )
    new = new[~new["path"].isin(old["path"])]
    left_out: dict[str, str] = {}
    unknown = sorted(set(new["artist"]) - set(model.card.class_names))
    if unknown and new_labels == "refuse":
        raise RetrainingError(
            f"The model doesn't know {', '.join(repr(name) for name in unknown)}; say whether to add such artists or "
            f"to ignore their pictures (--new-labels add or ignore), or correct the folders' names. It knows "
            f"{', '.join(model.card.class_names)}."
        )
    if unknown and new_labels == "ignore":
        ignored = new["artist"].isin(unknown)
        left_out |= dict.fromkeys(new["path"][ignored], "their artists are not those of the model")
        new = new[~ignored]
    both = pd.concat([old[["path", "artist", "subset"]], new.assign(subset="new")], ignore_index=True)
    combined = CombinedCollection(collection.root, collection.source, collection.artists, both, new_folders=new_folders)
    table = _usable(combined, old, left_out)
    is_new = table["subset"] == "new"
    if not is_new.any():
        reasons = "; ".join(sorted(set(left_out.values()))) or "there is none"
        raise RetrainingError(f"No new picture can be used for training: {reasons}. Collect other pictures.")
    validation = table["group"].isin(_validation_groups(table[is_new], seed))
    table.loc[is_new, "subset"] = np.where(validation[is_new], "validation", "train")
    if untrained := sorted(set(table["artist"]) - set(table["artist"][table["subset"] == "train"])):
        raise RetrainingError(
            f"{untrained[0]!r} has too few new pictures to be trained on; collect more, or remove the artist's folder."
        )
    names = tuple(sorted(set(table["artist"])))
    kept_back = tuple(table["path"][is_new & (table["subset"] == "validation")])
    return NewPictures(replace(combined, paintings=table[["path", "artist"]]), table, names, left_out, kept_back)


def _name(folder: Path) -> str:
    """What a folder is called, also if it was given as "." or ".."; a link keeps its own name."""
    return folder.name if folder.name not in ("", "..") else folder.resolve().name


def _folder_of_artists(folder: Path) -> Path:
    """The folder that holds a folder for each artist: `folder` or its subfolder `images`."""
    parent = folder / "images" if (folder / "images").is_dir() else folder
    if not artist_folders(parent):
        raise RetrainingError(
            f"{folder.name!r} holds no new pictures, neither as ARTIST/*.jpg nor as images/ARTIST/*.jpg; "
            "give a folder such as `artnb watch feedback export` writes."
        )
    return parent


def _usable(combined: CombinedCollection, old: pd.DataFrame, left_out: dict[str, str]) -> pd.DataFrame:
    """The rows of the collection that may be used, with their groups; the others are added to `left_out`."""
    audit = audit_collection(combined)
    changed = old["path"][old["path"].map(audit.sha256) != old["sha256"]].tolist()
    if changed:
        raise RetrainingError(
            f"{len(changed)} of the {len(old)} pictures that the model was trained and measured on have other contents "
            f"here, such as {changed[0]!r}; point ARTNB_DATA at the collection that it was trained on, and give a "
            "folder of new pictures another name than an earlier one."
        )
    both = combined.paintings
    pairs = [*audit.duplicates, *_pairs_of_split(old)]
    both = both.assign(group=groups(both, pairs), sha256=both["path"].map(audit.sha256))
    copies: dict[str, set[str]] = {}
    for one, other in audit.exact_duplicates:
        copies.setdefault(one, set()).add(other)
        copies.setdefault(other, set()).add(one)
    used = set(old["path"])
    for _, members in both.groupby("group"):
        kept_back = members["subset"].isin(("validation", "test")).any()
        for path in members["path"][members["subset"] == "new"]:
            if path in audit.unreadable:
                left_out[path] = "they can't be read"
            elif kept_back:
                left_out[path] = "they show paintings of the test or the validation"
            elif members["artist"].nunique() > 1:
                left_out[path] = "the same painting is filed under two artists"
            elif used & copies.get(path, set()):
                left_out[path] = "they are copies of pictures that are used already"
            else:
                used.add(path)
    # A new picture that is left out may have joined two old groups; without it they are two again.
    usable = both[~both["path"].isin(left_out)].reset_index(drop=True)
    return usable.assign(group=groups(usable, [pair for pair in pairs if not left_out.keys() & set(pair)]))


def _pairs_of_split(old: pd.DataFrame) -> list[tuple[str, str]]:
    """The duplicates that the old split knows: the first picture of each group with each of its others."""
    return [
        (paths.iloc[0], other)
        for _, paths in old.groupby("group")["path"]
        if len(paths) > 1
        for other in paths.iloc[1:]
    ]


def _validation_groups(new: pd.DataFrame, seed: int) -> set[int]:
    """The groups of a random fifth of each artist's new paintings."""
    random = np.random.default_rng(seed)
    chosen: set[int] = set()
    for _, of_artist in new.groupby("artist")["group"]:
        numbers = np.sort(of_artist.unique())
        chosen |= set(random.permutation(numbers)[: round(len(numbers) / VALIDATION_EVERY)].tolist())
    return chosen


def retrain(
    model: Classifier,
    material: NewPictures,
    folder: str | Path,
    epochs: int | None = None,
    seed: int | None = None,
    resume: bool = False,
) -> tuple[Classifier, Comparison]:
    """Train a model further, compare both on its test, and write `comparison.md` beside the new model's card.

    Args:
        model: the one to start from and to compare with.
        material: what `gather` returned.
        folder: of the new model.
        epochs: by default a third of those of its recipe's last phase.
        seed: of the order, the augmentation and dropout.
        resume: whether to resume an interrupted training in `folder`.

    Raises:
        TrainingError: the folder holds a training and `resume` is not set, or a training that was started differently.
    """
    seed = seed_or_default(seed)
    recipe = ClassifierRecipe.from_dict(model.card.recipe).continued(epochs)
    start = model.for_artists(material.class_names)
    new = train_classifier(recipe, material.collection, material.table, folder, seed, resume, start)
    comparison = compare_models(model.folder, new.folder)
    page = comparison_page(comparison, model.folder, new.folder)
    with replacing(new.folder / "comparison.md") as part:
        part.write_text(f"{page}\n## New pictures\n\n{material.report()}\n{_on_new(model, new, material)}", "utf-8")
    return new, comparison


def _on_new(old: Classifier, new: Classifier, material: NewPictures) -> str:
    """The accuracy of both models on the new pictures in validation, as Markdown."""
    if not material.kept_back:
        return ""
    artists = material.table.set_index("path").loc[list(material.kept_back), "artist"].tolist()
    files = [material.collection.file(path) for path in material.kept_back]
    accuracies = [
        np.mean([prediction.artist == artist for prediction, artist in zip(model(files), artists, strict=True)])
        for model in (old, new)
    ]
    return (
        f"\nOn the {len(artists)} new pictures that were kept back from training, the old model has an accuracy of "
        f"{accuracies[0]:.1%}, the new one of {accuracies[1]:.1%}.\n"
    )
