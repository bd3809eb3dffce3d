"""New labelled pictures, the old split, and a model that goes on from the champion, measured on the same test.

Nothing of the test or the validation may enter training, in whatever photograph it comes: the new pictures are audited
together with the old ones, and those that show a painting which was kept back are left out.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd

from artnb.classification import networks
from artnb.classification.model import Classifier, train_classifier
from artnb.classification.recipes import ClassifierRecipe
from artnb.common.files import replacing
from artnb.errors import ArtnbError
from artnb.operation.comparing import Comparison, compare, describe
from artnb.paintings import catalogue
from artnb.paintings.audit import audit_collection, groups
from artnb.paintings.sources import Collection, pictures_in
from artnb.settings import settings

NewLabels = Literal["refuse", "ignore", "add"]
KEPT_BACK = 5  # of so many new paintings by an artist, one goes to validation


class RetrainingError(ArtnbError, ValueError):
    """New pictures that nothing can be learned from, or that nobody said what to do with."""


@dataclass(frozen=True)
class Together(Collection):
    """The old collection, and beside it folders of new pictures, whose paths begin with `new/NAME/`."""

    places: tuple[tuple[str, Path], ...] = ()

    def file(self, path: str) -> Path:
        """The file on disk of a row's `path`."""
        for start, place in self.places:
            if path.startswith(start):
                return place / path.removeprefix(start)
        return self.root / path


@dataclass(frozen=True)
class NewPictures:
    """What a retraining learns from.

    Attributes:
        collection: old and new pictures.
        table: their split; the rows of validation and test are the old ones, but for every fifth new painting, which
            goes to validation.
        class_names: the old artists, and the new ones where they are to be added; sorted.
        left_out: path -> why, for each new picture that is not used.
        kept_back: paths of the new pictures in validation.
    """

    collection: Together
    table: pd.DataFrame
    class_names: tuple[str, ...]
    left_out: dict[str, str]
    kept_back: tuple[str, ...]

    def report(self) -> str:
        """What came in and what did not, a line each, as Markdown."""
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
        model: that was trained on the split; its pictures lie in `collection`, or in `folders` if it was itself
            trained on new ones.
        collection: the old pictures.
        folders: of new pictures, `images/ARTIST/*.jpg` as the reviewed feedback is exported, or `ARTIST/*.jpg`.
        new_labels: what to do with artists that the model doesn't know.
        seed: of which new paintings are kept back.

    Raises:
        RetrainingError: pictures of the old split are missing, a folder holds none, there is an artist whom the model
            doesn't know and `new_labels` is "refuse", or nothing new is left.
    """
    if new_labels not in get_args(NewLabels):
        raise RetrainingError(f"New labels are {new_labels!r}; say one of {', '.join(get_args(NewLabels))}.")
    old = model.split
    places = tuple((f"new/{Path(folder).name}/", _artists_in(Path(folder))) for folder in folders)
    if len({start for start, _ in places}) < len(places):
        raise RetrainingError("Two new folders have the same name, which would mix their pictures up; rename one.")
    rows = [
        (f"{start}{file.relative_to(place).as_posix()}", catalogue.artist_name(file.parent.name))
        for start, place in places
        for folder in sorted(place.iterdir())
        if folder.is_dir() and not folder.name.startswith(".")
        for file in pictures_in(folder)
    ]
    new = pd.DataFrame(rows, columns=["path", "artist"])
    here = set(collection.paintings["path"]) | set(new["path"])
    if gone := [path for path in old["path"] if path not in here]:
        raise RetrainingError(
            f"{len(gone)} of the {len(old)} pictures that the model was trained and measured on are neither in the "
            f"collection in use ({collection.source}) nor in the new folders, such as {gone[0]!r}; point ARTNB_DATA at "
            "the collection that it was trained on, and name every folder that it was retrained on."
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
        strange = new["artist"].isin(unknown)
        left_out |= dict.fromkeys(new["path"][strange], "their artists are not those of the model")
        new = new[~strange]
    together = Together(collection.root, collection.source, collection.artists, old[["path", "artist"]], places=places)
    both = pd.concat([old[["path", "artist", "subset"]], new.assign(subset="new")], ignore_index=True)
    table = _cleaned(together, both, old, left_out)
    fresh = table["subset"] == "new"
    if not fresh.any():
        reasons = "; ".join(sorted(set(left_out.values()))) or "there is none"
        raise RetrainingError(f"No new picture is left to learn from: {reasons}. Collect others.")
    kept = _kept_back(table[fresh], seed)
    table.loc[fresh, "subset"] = np.where(table.loc[fresh, "group"].isin(kept), "validation", "train")
    if lost := sorted(set(table["artist"]) - set(table["artist"][table["subset"] == "train"])):
        raise RetrainingError(f"{lost[0]!r} has too few new pictures to learn from; collect more, or leave it out.")
    names = tuple(sorted(set(table["artist"])))
    kept_back = tuple(table["path"][fresh & (table["subset"] == "validation")])
    return NewPictures(replace(together, paintings=table[["path", "artist"]]), table, names, left_out, kept_back)


def _artists_in(folder: Path) -> Path:
    """The folder that holds a folder for each artist."""
    place = folder / "images" if (folder / "images").is_dir() else folder
    if not place.is_dir() or not any(pictures_in(artist) for artist in place.iterdir() if artist.is_dir()):
        raise RetrainingError(
            f"{folder.name!r} holds no new pictures: looked for ARTIST/*.jpg and images/ARTIST/*.jpg in it; "
            "give a folder such as `artnb feedback export` writes."
        )
    return place


def _cleaned(together: Together, both: pd.DataFrame, old: pd.DataFrame, left_out: dict[str, str]) -> pd.DataFrame:
    """The rows that may be used, with their groups; `left_out` gets the others."""
    found = audit_collection(replace(together, paintings=both))
    others = [path for path, digest in zip(old["path"], old["sha256"], strict=True) if found.sha256.get(path) != digest]
    if others:
        raise RetrainingError(
            f"{len(others)} of the {len(old)} pictures that the model was trained and measured on are other pictures "
            f"here, such as {others[0]!r}; point ARTNB_DATA at the collection that it was trained on."
        )
    pairs = [*found.duplicates, *_known_pairs(old)]
    both = both.assign(group=groups(both, pairs), sha256=both["path"].map(found.sha256))
    copies: dict[str, set[str]] = {}
    for one, other in found.exact_duplicates:
        copies.setdefault(one, set()).add(other)
        copies.setdefault(other, set()).add(one)
    used = set(old["path"])
    for _, members in both.groupby("group"):
        kept_back = members["subset"].isin(("validation", "test")).any()
        for path in members["path"][members["subset"] == "new"]:
            if path in found.unreadable:
                left_out[path] = "they can't be read"
            elif kept_back:
                left_out[path] = "they show paintings of the test or the validation"
            elif members["artist"].nunique() > 1:
                left_out[path] = "the same painting is filed under two artists"
            elif used & copies.get(path, set()):
                left_out[path] = "they are copies of pictures that are used already"
            else:
                used.add(path)
    return both[~both["path"].isin(left_out)].reset_index(drop=True)


def _known_pairs(old: pd.DataFrame) -> list[tuple[str, str]]:
    """What the old split knew to be one painting: each group's first picture with each of its others."""
    return [
        (paths.iloc[0], other)
        for _, paths in old.groupby("group")["path"]
        if len(paths) > 1
        for other in paths.iloc[1:]
    ]


def _kept_back(new: pd.DataFrame, seed: int) -> set[int]:
    """The groups of every fifth new painting of each artist, at random."""
    random = np.random.default_rng(seed)
    kept: set[int] = set()
    for _, own in new.groupby("artist"):
        found = np.sort(own["group"].unique())
        kept |= set(random.permutation(found)[: round(len(found) / KEPT_BACK)].tolist())
    return kept


def retrain(
    model: Classifier,
    material: NewPictures,
    folder: str | Path,
    epochs: int | None = None,
    seed: int | None = None,
    resume: bool = False,
) -> tuple[Classifier, Comparison]:
    """Train a model further, measure on its test, and write `comparison.md` beside the new one's card.

    Args:
        model: to begin with, and to compare with.
        material: what `gather` found.
        folder: where the new model is written.
        epochs: by default a third of those of its recipe's last phase.
        seed: of the order, the augmentation and what dropout leaves out.
        resume: whether to resume an interrupted training in `folder`.

    Raises:
        TrainingError: the folder holds a training and `resume` is not set, or another training than this one.
    """
    seed = settings.seed if seed is None else seed
    recipe = ClassifierRecipe.from_dict(model.card.recipe).continued(epochs)
    network = replace(model.network, title=model.card.title)
    names = material.class_names
    if names != model.card.class_names:
        columns = [names.index(name) for name in model.card.class_names]
        network = networks.widened(network, recipe.network, columns, len(names), **recipe.options)
    start = Classifier(model.card, network, model.novelty, model.folder)
    made = train_classifier(recipe, material.collection, material.table, folder, seed, resume, start)
    found = compare(model.folder, made.folder)
    page = describe(found, model.folder, made.folder)
    with replacing(made.folder / "comparison.md") as part:
        part.write_text(f"{page}\n## What is new\n\n{material.report()}\n{_on_new(model, made, material)}", "utf-8")
    return made, found


def _on_new(old: Classifier, new: Classifier, material: NewPictures) -> str:
    """How both do on the new pictures that were kept back."""
    if not material.kept_back:
        return ""
    right = material.table.set_index("path").loc[list(material.kept_back), "artist"].tolist()
    files = [material.collection.file(path) for path in material.kept_back]
    shares = []
    for model in (old, new):
        said = model(files)
        shares.append(np.mean([answer.artist == artist for answer, artist in zip(said, right, strict=True)]))
    return (
        f"\nOf the {len(right)} new pictures that were kept back from training, the old model names {shares[0]:.1%} "
        f"right, the new one {shares[1]:.1%}.\n"
    )
