"""A trained classifier on disk: one folder that holds all that a prediction needs, and says what it is.

model.weights.h5   the weights; the network is built in code, by the name in the card
card.json          names in the order of the labels, size, calibration, figures, how it was made
novelty.npz        what training pictures look like, to recognise others
reference.npz      what it sees in validation paintings, to compare later pictures with
split.csv          the split that it was trained and measured on
test.csv           what it says of each test painting, so that two models can be compared painting by painting
history.csv        a row per epoch
README.md          the card for a person
"""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf

from artnb import models
from artnb.classification import networks
from artnb.classification.card import Card
from artnb.classification.evaluation import Evaluation, evaluate, scale, temperature
from artnb.classification.networks import Classifier
from artnb.classification.novelty import Novelty
from artnb.classification.recipes import Recipe
from artnb.classification.recipes import recipe as recipe_of
from artnb.classification.reference import Sample, picture_statistics
from artnb.classification.training import Training, train
from artnb.files import replacing
from artnb.models import ModelError
from artnb.paintings.pipeline import Pictures, Subsets, load_pictures, resized
from artnb.paintings.sources import Collection
from artnb.paintings.splits import SUBSETS, save_split, split_hash
from artnb.settings import Settings, settings

_OF_A_START = ("title", "split", "seed", "epochs", "seconds", "started")


@dataclass(frozen=True)
class Bundle:
    """A model in memory: the network with its weights, the card, and what is familiar to it."""

    folder: Path
    card: Card
    classifier: Classifier
    novelty: Novelty


def load(model: str | Path, settings: Settings = settings) -> Bundle:
    """Build a model's network and fill it.

    Raises:
        ModelError: there is no such model, or a file of it is missing, cut short or another network's.
    """
    folder = models.find(model, "classifier", settings)
    card = Card.load(folder)
    classifier = networks.build(
        card.network, len(card.class_names), card.size, pretrained=False, **card.recipe["options"]
    )
    try:
        classifier.model.load_weights(folder / "model.weights.h5")
        novelty = Novelty.load(folder / "novelty.npz")
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"The model {folder.name!r} is damaged ({type(error).__name__} while its weights were read); "
            "train or copy it again."
        ) from error
    return Bundle(folder, card, classifier, novelty)


def save(
    training: Training,
    data: Subsets,
    table: pd.DataFrame,
    source: str,
    folder: str | Path,
    started: Card | None = None,
) -> Bundle:
    """Measure a finished training on all three subsets, and save it as a bundle.

    The card is written last, so a folder without one is not a model yet.

    Args:
        training: what `train` returned.
        data: the pictures that it was trained on, and the test's.
        table: their split.
        source: of the collection.
        folder: where to; what else lies in it stays.
        started: the card of the model whose weights it began with.
    """
    folder, classifier, recipe = Path(folder), training.classifier, training.recipe
    found = {}
    for name in SUBSETS:
        pictures = resized(getattr(data, name), recipe.size)
        found[name] = look(classifier, pictures)
        if name == "validation":
            simple = picture_statistics(pictures.images)
    validation = found["validation"]
    heat = temperature(validation[0], data.validation.labels)
    evaluations = {
        name: evaluate(scale(found[name][0], heat), getattr(data, name).labels, data.class_names) for name in SUBSETS
    }
    novelty = Novelty.fit(found["train"][1], validation[1])
    beyond = {name: float((novelty.distance(found[name][1]) > novelty.threshold).mean()) for name in SUBSETS[1:]}
    card = Card(
        network=recipe.network,
        title=classifier.title,
        class_names=data.class_names,
        size=recipe.size,
        temperature=round(heat, 4),
        untrained="untrained" in classifier.title,
        metrics={name: e.to_dict() if name == "test" else e.summary() for name, e in evaluations.items()},
        novelty={"threshold": round(novelty.threshold, 4), **{name: round(share, 4) for name, share in beyond.items()}},
        parameters=classifier.model.count_params(),
        epochs=len(training.history),
        seconds=round(float(training.history["seconds"].sum()), 1),
        split=split_hash(table),
        source=source,
        seed=training.seed,
        recipe=recipe.to_dict(),
        started={} if started is None else _of_a_start(started),
        made=models.made()
        | {
            "device": f"{len(gpus)} GPU" if (gpus := tf.config.list_physical_devices("GPU")) else "a processor",
            "precision": training.precision,
        },
    )
    with replacing(folder / "model.weights.h5") as part:
        # The same graph without the optimiser, whose moments would make the file three times as large.
        keras.Model(classifier.model.input, classifier.model.output).save_weights(part)
    novelty.save(folder / "novelty.npz")
    Sample.of(novelty, scale(validation[0], heat), validation[1], simple).save(folder / "reference.npz")
    save_split(table, folder / "split.csv")
    save_answers(evaluations["test"], data.test.paths, folder / "test.csv")
    with replacing(folder / "history.csv") as part:
        training.history.to_csv(part, index=False)
    models.write_card(folder, asdict(card), describe(card))
    return Bundle(folder, card, classifier, novelty)


def make(
    recipe: Recipe,
    collection: Collection,
    table: pd.DataFrame,
    folder: str | Path,
    seed: int = settings.seed,
    resume: bool = False,
    start: Bundle | None = None,
) -> Bundle:
    """Decode the pictures of a split, train, measure and save: what `artnb train` does.

    `start` is a model of the same artists, in memory, whose weights the training begins with.

    Raises:
        TrainingError: see `training.train`.
        ImageError: a picture of the split can't be read.
    """
    from filelock import FileLock

    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if resume and (folder / "card.json").is_file():
            bundle = load(folder)
            same = recipe.to_dict() == bundle.card.recipe
            begun = {} if start is None else _of_a_start(start.card)
            if same and (bundle.card.split, bundle.card.seed, bundle.card.started) == (split_hash(table), seed, begun):
                return bundle  # it was finished
        data = load_pictures(collection, table, recipe.size, recipe.train_size)
        done = train(recipe, data, folder, seed, resume, start.classifier if start else None)
        bundle = save(done, data, table, collection.source, folder, start.card if start else None)
        shutil.rmtree(folder / "checkpoints", ignore_errors=True)
        return bundle


def trained(
    name: str, collection: Collection, table: pd.DataFrame, settings: Settings = settings, using: Recipe | None = None
) -> Bundle:
    """A model of the course, for its notebooks: trained the first time, loaded when it is wanted again.

    It is another model if anything of it is another: recipe, split, seed, and in the quick profile the code. An
    interrupted training goes on.

    Args:
        name: what the model is called; without `using`, also of the recipe.
        collection: where the pictures are.
        table: their split.
        settings: the profile, the seed, and where models are.
        using: another recipe than the profile's own.
    """
    wanted = using or recipe_of(name, settings.profile)
    parts = [repr(wanted), split_hash(table), str(settings.seed)]
    if settings.profile == "quick":
        package = Path(__file__).parents[1]
        sources = [*package.glob("classification/*.py"), *package.glob("backbones/*.py"), package / "layers.py"]
        parts += [file.read_text(encoding="utf-8") for file in sorted([*sources, package / "paintings/pipeline.py"])]
    mark = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:8]
    folder = settings.home / "models" / f"{name}-{settings.profile}-{mark}"
    return make(wanted, collection, table, folder, settings.seed, resume=True)


def look(classifier: Classifier, pictures: Pictures, batch_size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, classes), as the network gives them, and the statistics (n, d) that novelty is measured by."""
    both = tf.function(with_statistics(classifier), reduce_retracing=True)
    found = [
        both(pictures.images[first : first + batch_size].astype(np.float32), training=False)
        for first in range(0, len(pictures), batch_size)
    ]
    probabilities, statistics = (np.concatenate([np.asarray(batch[part]) for batch in found]) for part in (0, 1))
    return probabilities, statistics


def with_statistics(classifier: Classifier) -> keras.Model:
    """A model from pictures to [probabilities, mean and spread of the channels of the novelty layers]."""
    statistics = networks.channel_statistics(classifier.core, classifier.novelty_layers, "novelty")
    statistics = keras.ops.cast(statistics, "float32")
    return keras.Model(classifier.model.input, [classifier.model.output, statistics])


def _of_a_start(card: Card) -> dict[str, Any]:
    return {name: getattr(card, name) for name in _OF_A_START}


def save_answers(evaluation: Evaluation, paths: Sequence[str], file: Path) -> None:
    """Write what a model says of each picture: path, artist, predicted, and the probability of the one predicted."""
    names = np.array(evaluation.class_names, object)
    columns = {
        "path": list(paths),
        "artist": names[evaluation.labels],
        "predicted": names[evaluation.predicted],
        "probability": evaluation.confidence.round(6),
    }
    with replacing(file) as part:
        pd.DataFrame(columns).to_csv(part, index=False)


def as_starter(bundle: str | Path, name: str, settings: Settings = settings) -> Path:
    """Copy a bundle into the package with its weights at half precision, and measure nothing anew.

    Returns:
        The folder; see `benchmarks/` for the accuracy that the rounding costs.
    """
    folder = models.find(bundle, "classifier", settings)
    files = (
        "card.json",
        "model.weights.h5",
        "novelty.npz",
        "reference.npz",
        "split.csv",
        "test.csv",
        "history.csv",
        "README.md",
    )
    return models.as_starter(folder, name, files)


def _command(card: Card) -> str:
    if not card.started:
        return f"`artnb train {card.network} --seed {card.seed}`"
    return (
        f"`artnb retrain`, beginning with a model of {card.started['epochs']} epochs, split {card.started['split']}, "
        f"seed {card.started['seed']}"
    )


def describe(card: Card) -> str:
    """The card as a page for a person, in Markdown."""
    train, validation, test = (card.metrics[name] for name in SUBSETS)
    made, device = card.made, f"{card.made.get('device')}{models.trained_in(card.made)}"
    artists = sorted(test["per_class"].items(), key=lambda item: -item[1]["recall"])
    artists, unmeasured = [a for a in artists if a[1]["n"]], [name for name, row in artists if not row["n"]]
    rows = [f"| {name} | {row['n']} | {row['precision']:.2f} | {row['recall']:.2f} |" for name, row in artists]
    (hard, hard_row), (hardest, hardest_row) = artists[-2:]
    low, high = test["interval"]
    return "\n".join(
        [
            f"# {card.title}: who painted this?\n",
            *(["**Its core is untrained: it began without ImageNet weights.**\n"] if card.untrained else []),
            f"It names one of {len(card.class_names)} artists, with a probability, and says when a picture is unlike",
            f"all that it was trained on. Input: a picture, its middle square at {card.size} × {card.size} pixels.",
            f"{card.parameters:,} parameters.\n",
            f"**Trained** on {train['n']:,} paintings (source: {card.source}, split {card.split}),",
            f"{card.epochs} epochs in {card.seconds / 60:.0f} minutes on {device}, seed {card.seed}:",
            f"{_command(card)}, all settings in card.json.\n",
            f"**On {test['n']} test paintings**, never used in training or choosing, and no painting on two sides:",
            f"accuracy {test['accuracy']:.1%} (95 % interval {low:.1%} to {high:.1%}),",
            f"right artist among three {test['top3']:.1%}, macro F1 {test['macro_f1']:.3f},",
            f"calibration error {test['ece']:.3f} at a temperature of {card.temperature:.2f}.",
            f"On training paintings {train['accuracy']:.1%}, on validation {validation['accuracy']:.1%}.\n",
            "| artist | test paintings | precision | recall |\n|---|---|---|---|",
            *rows,
            *([f"\n**How good it is at {' and '.join(unmeasured)} was not measured.**"] if unmeasured else []),
            f"\n**What it is bad at.** It finds {hardest} ({hardest_row['recall']:.0%}) and {hard}",
            f"({hard_row['recall']:.0%}) least often. It knows no other artist, and names one of its own for",
            "a forgery, a copy or a pupil's work.",
            f"It calls {card.novelty['test']:.1%} of its test paintings unfamiliar that are not.",
            "It sees reproductions: another photographer's light, a frame or a watermark is another picture to it.\n",
            f"Made {made.get('date')} with artnb {made.get('artnb')} and Keras {made.get('keras')}. MIT licence;",
            "the paintings are not part of it.\n",
        ]
    )
