"""A trained classifier: called on a picture it names the artist, and its folder holds all that it takes.

model.weights.h5   the weights; the network is built in code, by the name in the card
novelty.npz        what training pictures look like, to recognise others
reference.npz      what the network sees in validation paintings, to compare later pictures with
embeddings.npy     what it sees in each training painting, to find those that are most similar to a picture
split.csv          the split that it was trained and measured on
test.csv           its answer for each test painting, so that two models can be compared painting by painting
history.csv        a row per epoch
card.json, README.md   what it is: for programs, for a person
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, overload

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from artnb import models
from artnb.cards import Card, ModelError, damaged
from artnb.classification import networks
from artnb.classification.evaluation import evaluate, read_answers, save_answers, scale, temperature
from artnb.classification.networks import Network, Outputs
from artnb.classification.novelty import Novelty, load_embeddings, save_embeddings
from artnb.classification.page import classifier_page
from artnb.classification.prediction import Prediction
from artnb.classification.recipes import ClassifierRecipe, classifier_recipe
from artnb.classification.reference import Sample, picture_statistics
from artnb.classification.training import precision, train_network
from artnb.common.files import write_weights
from artnb.common.resuming import in_use
from artnb.common.seeding import seed_or_default
from artnb.errors import TrainingError
from artnb.images import ImageLike, as_list
from artnb.paintings.pipeline import Subsets, decode, load_pictures
from artnb.paintings.preparation import Prepared
from artnb.paintings.sources import Collection
from artnb.paintings.splits import SUBSETS, load_split, require, save_split, split_digest
from artnb.settings import settings

EMBEDDINGS = "embeddings.npy"


class Classifier:
    """A network that names artists, with all that is known of it; from `load_model` or `train_classifier`.

    >>> load_model("starter")("painting.jpg").artist  # doctest: +SKIP
    'Vincent van Gogh'

    Attributes:
        card: what it is.
        network: the network, with its weights.
        novelty: what is familiar to it.
        folder: where it is saved.
        identity: the SHA-256 of its card.json, as it was read or written; empty for a model that is not saved as it is.
    """

    def __init__(self, card: Card, network: Network, novelty: Novelty, folder: Path, identity: str = ""):
        self.card, self.network, self.novelty, self.folder, self.identity = card, network, novelty, folder, identity
        self._outputs = Outputs(network, card.size)

    @overload
    def __call__(self, pictures: list | tuple, mirrored: bool = False) -> list[Prediction]: ...

    @overload
    def __call__(self, pictures: ImageLike, mirrored: bool = False) -> Prediction: ...

    def __call__(self, pictures: Any, mirrored: bool = False) -> Prediction | list[Prediction]:
        """Name the artist of a picture, or of each picture of a list.

        Args:
            pictures: whatever `load_image` takes, of any size, or a list of these; the largest square in the middle is
                looked at.
            mirrored: whether to look at its mirror image, too, and say the mean of both: right more often, in twice the
                time.

        Raises:
            ImageError: a picture is missing, broken, too large or no picture.
        """
        pictures, several = as_list(pictures)
        probabilities, features = self.outputs(self.prepare(pictures), mirrored)
        predictions = [
            Prediction(
                tuple((self.card.class_names[label], float(row[label])) for label in np.argsort(-row, kind="stable")),
                float(distance),
                bool(distance > self.novelty.threshold),
                embedding,
            )
            for row, distance, embedding in zip(
                probabilities, *self.novelty.judge(features, probabilities), strict=True
            )
        ]
        return predictions if several else predictions[0]

    def predict_proba(self, pictures: Any, mirrored: bool = False) -> np.ndarray:
        """Calibrated probabilities of pictures, float (n, classes); the columns are `card.class_names`.

        Args:
            pictures: as for a call of the model; one picture gives one row.
            mirrored: as for a call of the model.

        Raises:
            ImageError: a picture is missing, broken, too large or no picture.
        """
        return self.outputs(self.prepare(pictures), mirrored)[0]

    def prepare(self, pictures: Any) -> np.ndarray:
        """The pictures as the network takes them: uint8 (n, size, size, 3), as in training.

        Args:
            pictures: as for a call of the model; one picture gives one row.

        Raises:
            ImageError: a picture is missing, broken, too large or no picture.
        """
        return decode(as_list(pictures)[0], self.card.size)

    def outputs(self, images: np.ndarray, mirrored: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Calibrated probabilities (n, classes), and the features (n, d) that `novelty` measures by.

        Args:
            images: what `prepare` returned.
            mirrored: as for a call of the model; the features are those of the pictures as they are.

        Raises:
            ImageError: they are no uint8 (n, size, size, 3).
        """
        probabilities, features = self._outputs(images)
        said = [probabilities, *([self._outputs(images[:, :, ::-1])[0]] if mirrored else [])]
        return np.mean([scale(each, self.card.temperature) for each in said], axis=0), features

    def for_artists(self, names: Sequence[str]) -> "Classifier":
        """A model of other artists that a training can start from: of those it keeps it says what this one says.

        Args:
            names: the artists, sorted; what it will say of new ones, training has to teach it.
        """
        network = self.network
        if tuple(names) != self.card.class_names:
            known, options = self.card.class_names, self.card.recipe["options"]
            network = networks.with_classes(network, self.card.network, known, names, **options)
        return Classifier(self.card, replace(network, title=self.card.title), self.novelty, self.folder)

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row per epoch, see `train_network`."""
        return self._read("history.csv", pd.read_csv)

    @cached_property
    def answers(self) -> pd.DataFrame:
        """What it said of each test painting: path, sha256, artist, predicted, probability."""
        return self._read("test.csv", read_answers)

    @cached_property
    def split(self) -> pd.DataFrame:
        """The split that it was trained and measured on."""
        return load_split(models.check_file(self.folder, self.card, "split.csv"))

    @cached_property
    def reference(self) -> Sample:
        """What it saw in its validation paintings."""
        return self._read("reference.npz", Sample.load)

    def similar(self, prediction: Prediction, n: int = 3) -> pd.DataFrame:
        """The training paintings that are most similar to a picture, to the network.

        By the cosine between their embeddings. Of several photographs of one painting, the most similar one stands for
        all.

        Args:
            prediction: what this model has said of the picture.
            n: how many.

        Returns:
            Rows of `split`, the most similar first, with their `similarity`, from -1 to 1.

        Raises:
            ModelError: the model was saved without embeddings, or they are damaged.
        """
        if EMBEDDINGS not in self.card.files:
            raise ModelError(
                f"The model {self.folder.name!r} was saved by an older artnb, without what it sees in its training "
                "paintings; train it again to find similar ones."
            )
        train = self.split[self.split["subset"] == "train"].sort_values("path")
        if len(train) != len(self._embeddings):
            raise damaged(self.folder, f"{EMBEDDINGS} is of another split")
        (embedding,) = _directions(np.asarray(prediction.embedding)[None])
        found = train.assign(similarity=self._embeddings @ embedding)
        found = found.sort_values("similarity", ascending=False, kind="stable")
        return found.drop_duplicates("group").head(n).reset_index(drop=True)

    @cached_property
    def _embeddings(self) -> np.ndarray:
        """Of length 1, a row per training painting, in the order of the paths."""
        return _directions(self._read(EMBEDDINGS, load_embeddings))

    def _read(self, name: str, read: Any) -> Any:
        """A file of the model that is read when it is first wanted: a changed one is refused, as when it was loaded."""
        file = models.check_file(self.folder, self.card, name)
        try:
            return read(file)
        except (OSError, ValueError, KeyError) as error:
            raise damaged(self.folder, f"{name}: {type(error).__name__}") from error

    @classmethod
    def read(cls, folder: Path, card: Card, identity: str) -> "Classifier":
        """Build a saved model's network and fill it; use `artnb.load_model`, which checks the files first.

        Raises:
            ModelError: a file is another network's, or can't be read.
        """
        try:
            network = networks.build_network(
                card.network, len(card.class_names), card.size, pretrained=False, **card.recipe["options"]
            )
            network.model.load_weights(folder / "model.weights.h5")
            novelty = Novelty.load(folder / "novelty.npz")
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise damaged(folder, f"{type(error).__name__} while its weights were read") from error
        return cls(card, network, novelty, folder, identity)


def _directions(embeddings: np.ndarray) -> np.ndarray:
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)


def save_classifier(
    network: Network,
    history: pd.DataFrame,
    recipe: ClassifierRecipe,
    data: Subsets,
    table: pd.DataFrame,
    source: str,
    folder: Path,
    seed: int,
    start: Card | None = None,
    whole: str = "",
) -> Classifier:
    """Measure a trained network on all three subsets, and save it.

    Args:
        network: what `train_network` returned, with its `history`.
        history: see there.
        recipe: how it was trained.
        data: the pictures that it was trained on, and the test's.
        table: their split.
        source: of the collection.
        folder: where to; what else lies in it stays.
        seed: of the training.
        start: the card of the model whose weights it began with.
        whole: the digest of the split of everything, if the table is a part of it.

    Raises:
        SplitError: the table is no split that a classifier can be trained on.
    """
    require(table)
    run = Outputs(network, recipe.size)
    outputs = {name: run(getattr(data, name).images) for name in SUBSETS}
    fitted = temperature(outputs["validation"][0], data.validation.labels)
    calibrated = {name: scale(outputs[name][0], fitted) for name in SUBSETS}
    evaluations = {name: evaluate(calibrated[name], getattr(data, name).labels, data.class_names) for name in SUBSETS}
    novelty = Novelty.fit(outputs["train"][1], outputs["validation"][1], calibrated["validation"])
    beyond = {name: novelty.distance(outputs[name][1], calibrated[name]) > novelty.threshold for name in SUBSETS[1:]}
    statistics = picture_statistics(data.validation.images)
    reference = Sample.of(novelty, calibrated["validation"], outputs["validation"][1], statistics)
    tested = table.set_index("path", drop=False).loc[list(data.test.paths)]
    gpus = tf.config.list_physical_devices("GPU")
    card, identity = models.save_model(
        folder,
        {
            "kind": "classifier",
            "title": network.title,
            "recipe": recipe.to_dict(),
            "seed": seed,
            "source": source,
            "metrics": {name: e.to_dict() if name == "test" else e.summary() for name, e in evaluations.items()},
            "seconds": round(float(history["seconds"].sum()), 1),
            "network": recipe.network,
            "class_names": data.class_names,
            "size": recipe.size,
            "temperature": round(fitted, 4),
            "novelty": {"threshold": round(novelty.threshold, 4)}
            | {name: round(float(far.mean()), 4) for name, far in beyond.items()},
            "parameters": network.model.count_params(),
            "epochs": len(history),
            "split": split_digest(table),
            "whole": whole,
            "untrained": "untrained" in network.title,
            "started": {} if start is None else start.start,
            "made": {"device": f"{len(gpus)} GPU" if gpus else "a processor", "precision": precision(recipe)},
        },
        {
            # The same graph without the optimiser, whose moments would make the file three times as large.
            "model.weights.h5": partial(write_weights, keras.Model(network.model.input, network.model.output)),
            "novelty.npz": novelty.save,
            "reference.npz": reference.save,
            EMBEDDINGS: partial(save_embeddings, novelty.embed(outputs["train"][1])),
            "split.csv": lambda file: save_split(table, file),
            "test.csv": lambda file: save_answers(evaluations["test"], tested, file),
            "history.csv": lambda file: history.to_csv(file, index=False),
        },
        classifier_page,
    )
    return Classifier(card, network, novelty, folder, identity)


def train_classifier(
    recipe: ClassifierRecipe,
    collection: Collection,
    table: pd.DataFrame,
    folder: str | Path,
    seed: int | None = None,
    resume: bool = False,
    start: Classifier | None = None,
    whole: str = "",
) -> Classifier:
    """Decode the pictures of a split, train, measure and save: what `artnb train` does.

    Args:
        recipe: how.
        collection: where the pictures are.
        table: their split.
        folder: of the model, also of its checkpoints.
        seed: by default `ARTNB_SEED`.
        resume: whether to resume a training in the folder; a finished one is loaded.
        start: a model of the same artists whose weights the training begins with.
        whole: the digest of the split of everything that the table is a part of, see `Prepared.whole`.

    Raises:
        TrainingError: see `train_network`.
        SplitError: nothing can be trained on the split, or its files have other contents now.
        ImageError: a picture of the split can't be read.
    """
    require(table)
    seed = seed_or_default(seed)
    folder = Path(folder)
    with in_use(folder, TrainingError):
        if resume and (folder / "card.json").is_file():
            card = Card.load(folder)
            this = (recipe.to_dict(), split_digest(table), seed, {} if start is None else start.card.start)
            if (card.recipe, card.split, card.seed, card.started) == this:  # it was finished
                shutil.rmtree(folder / "checkpoints", ignore_errors=True)
                return models.load_model(folder)
        data = load_pictures(collection, table, recipe.size)
        network, history = train_network(recipe, data, folder, seed, resume, start.network if start else None)
        known = start.card if start else None
        model = save_classifier(network, history, recipe, data, table, collection.source, folder, seed, known, whole)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return model


def course_classifier(name: str, prepared: Prepared, using: ClassifierRecipe | None = None) -> Classifier:
    """A model of the course, for its notebooks: trained the first time, loaded when it is wanted again.

    It is another model if anything of it is another: recipe, pictures, split, seed, and in the quick profile the code.
    An interrupted training is resumed.

    Args:
        name: what the model is called; without `using`, also of the recipe.
        prepared: the collection and its split.
        using: another recipe than the profile's own.
    """
    recipe = using or classifier_recipe(name)
    parts = [repr(recipe), split_digest(prepared.table), str(settings.seed)]
    if settings.profile == "quick":
        package = Path(__file__).parents[1]
        sources = [*package.glob("classification/*.py"), *package.glob("backbones/*.py"), package / "layers.py"]
        sources += [package / "images.py", package / "common/pixels.py", package / "paintings/pipeline.py"]
        parts += [file.read_text(encoding="utf-8") for file in sorted(sources)]
    mark = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]
    folder = settings.home / "models" / f"{name}-{settings.profile}-{mark}"
    with in_use(folder, TrainingError, wait=True):  # another notebook may be training it
        return train_classifier(recipe, prepared.collection, prepared.table, folder, resume=True, whole=prepared.whole)
