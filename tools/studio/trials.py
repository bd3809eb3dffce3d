"""The trainings that the claims are judged by: what they are, and what the trained networks say.

Each training's answers are kept in an .npz file as soon as it is done, so that a kill costs one training.
"""

import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import keras
import numpy as np
import pandas as pd

from artnb.backbones import load_backbone
from artnb.classification import networks
from artnb.classification.networks import Network, Outputs
from artnb.classification.novelty import Novelty
from artnb.classification.recipes import ClassifierRecipe, classifier_recipe
from artnb.classification.training import train_network
from artnb.common.files import replacing
from artnb.images import fit
from artnb.paintings.pipeline import ORIGINAL, Subsets, decode_rows, load_pictures
from artnb.paintings.preparation import Prepared, prepare
from artnb.paintings.splits import SUBSETS, random_split
from artnb.settings import using
from tools.studio.building import build, repaint
from tools.studio.painters import PAINTERS
from tools.studio.photographs import photograph

BACKBONE = "efficientnet-lite0"
SPLIT = 1  # the seed of the split by groups
# Of the packages' pictures, those that are photographs of things in colour.
PHOTOGRAPHS = (
    *(f"skimage/data/{name}" for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")),
    *(f"skimage/data/{name}" for name in ("motorcycle_left.png", "retina.jpg", "hubble_deep_field.jpg")),
    *(f"sklearn/datasets/images/{name}" for name in ("china.jpg", "flower.jpg")),
)
CROPS = 8  # of each photograph

Array = np.ndarray
Says = dict[str, Array]


@dataclass(frozen=True)
class Training:
    """A network that claims are judged by.

    Attributes:
        recipe: how it is trained.
        random: whether the split is random, blind to twins, with the training's seed.
        changed: what is different in the networks' builders meanwhile.
    """

    recipe: ClassifierRecipe
    random: bool = False
    changed: Callable[[], AbstractContextManager[Any]] = nullcontext


def trainings() -> dict[str, Training]:
    """By the names that `claims.judge` knows."""
    ours, original = (classifier_recipe(name, "quick") for name in ("cnn", "cnn-original"))
    tuned, two = (classifier_recipe(name, "quick") for name in (BACKBONE, f"{BACKBONE}-original"))
    head = replace(tuned, phases=tuned.phases[:1])
    (phase,) = ours.phases
    (old,) = original.phases
    plain = replace(phase, schedule="constant", learning_rate=old.learning_rate, weight_decay=0.0)
    assert ours.augmentation is not None
    turned = replace(ours.augmentation, rotation=ORIGINAL.rotation)
    return {
        "original": Training(original),
        "unaugmented": Training(replace(original, augmentation=None, phases=(replace(old, patience=None),))),
        "ours": Training(ours),
        "head": Training(head),
        "last map": Training(head, changed=partial(mock.patch.dict, networks.NETWORKS, {BACKBONE: _last_map})),
        "fine-tuned": Training(tuned),
        "two phases": Training(two),
        "random split": Training(head, random=True),
        "rotated": Training(replace(ours, augmentation=turned)),
        "without batch norm": Training(ours, changed=partial(mock.patch.object, networks, "_batch_norm", _no_norm)),
        "without statistics": Training(ours, changed=partial(mock.patch.object, networks, "_with_statistics", _mean)),
        "without the schedule": Training(replace(ours, phases=(plain,))),
        "without label smoothing": Training(replace(ours, phases=(replace(phase, label_smoothing=0.0),))),
        "without balance": Training(replace(ours, balance=0.0)),
    }


def _no_norm(name: str, **options: Any) -> keras.layers.Layer:
    return keras.layers.Identity(name=name)


def _mean(model: keras.Model, names: Sequence[str]) -> keras.Model:
    """In place of the statistics of several depths, the mean of the last map."""
    return keras.Model(model.input, keras.layers.GlobalAveragePooling2D(name="mean")(model.output), name="core")


def _last_map(classes: int, size: int | None, weights: str | None = "imagenet") -> Network:
    model = load_backbone(BACKBONE, size, weights).model
    return Network.of(
        "last map", _mean(model, ()), networks._linear_head(classes, 0.5), networks.NOVELTY_LAYERS[BACKBONE]
    )


def draw_prepared(folder: Path, draw: int) -> Prepared:
    """A draw of the collection, painted if it is not in the folder yet, and its split."""
    if not (folder / "pictures").is_dir():
        shutil.rmtree(folder / "part", ignore_errors=True)  # what a kill has left
        build(folder / "part", draw, heaps=False)
        (folder / "part").rename(folder / "pictures")
    with using(source="folder", data=folder / "pictures", home=folder):
        return prepare(seed=SPLIT)


def answers(folder: Path, draw: int, seeds: Sequence[int]) -> tuple[dict[str, list[Says]], list[tuple[int, int]]]:
    """Train what is not there yet; what all networks of a draw say, and the classes of masters and pupils."""
    prepared = draw_prepared(folder, draw)
    with using(source="folder", data=folder / "pictures", home=folder, weights="packaged"):
        found: dict[str, list[Says]] = {name: [] for name in trainings()}
        for seed in seeds:
            for name, training in trainings().items():
                found[name].append(answer(folder, name, training, prepared, seed))
        found["colours"] = [_colours(prepared)]
    names = prepared.class_names
    pairs = [
        (names.index(name), names.index(PAINTERS[name].master)) for name in names if PAINTERS[name].master in names
    ]
    return found, pairs


def answer(folder: Path, name: str, training: Training, prepared: Prepared, seed: int) -> Says:
    """What a training's network says: read, if it was kept, and otherwise trained and kept.

    Returns:
        Of validation, test and perhaps train the probabilities, and as "… labels" and "… paths" what is right and
        which pictures they are. Of the original's CNN, augmented or not, also "test at its best" and "test at the
        end"; of a random split, "seen": whether a test picture has a twin in training; of the fine-tuned network, its
        distances.
    """
    file = folder / "answers" / f"{name.replace(' ', '-')}-{seed}.npz"
    recipe = json.dumps(training.recipe.to_dict(), sort_keys=True)
    if file.is_file():
        with np.load(file, allow_pickle=False) as kept:
            if str(kept["recipe"]) == recipe:
                return {key: kept[key] for key in kept.files}
    run = folder / "runs" / file.stem
    if not (run / "recipe.json").is_file() or (run / "recipe.json").read_text() != recipe:
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir(parents=True)
        (run / "recipe.json").write_text(recipe)
    table = prepared.table
    if training.random:  # whole copies of a file can't be in two subsets
        table = random_split(prepared.paintings.drop_duplicates("sha256"), seed)
    data = load_pictures(prepared.collection, table, training.recipe.size)
    with training.changed():
        network, history = train_network(training.recipe, data, run / "training", seed, resume=True)
        says = _says(network, data, training.recipe)
        if name in ("original", "unaugmented"):
            says |= _course(network, data, history, run / "training")
        if training.random:
            says |= _held_out(says, prepared)
        if name == "fine-tuned":
            says |= _distances(network, data, prepared, training.recipe)
    file.parent.mkdir(exist_ok=True)
    with replacing(file) as part, part.open("wb") as stream:
        np.savez_compressed(stream, **says, recipe=np.array(recipe))
    shutil.rmtree(run)
    return says


def _predict(network: Network, images: Array) -> Array:
    batches = range(0, len(images), 64)
    return np.concatenate([network.model.predict_on_batch(images[k : k + 64].astype(np.float32)) for k in batches])


def _says(network: Network, data: Subsets, recipe: ClassifierRecipe) -> Says:
    """What it says of the pictures as they are; of training's, only the original's, as it alone is asked about them."""
    says: Says = {"train paths": np.array(data.train.paths)}
    for subset in SUBSETS if recipe.network == "cnn-original" else SUBSETS[1:]:
        pictures = getattr(data, subset)
        says |= {
            subset: _predict(network, pictures.images),
            f"{subset} labels": pictures.labels,
            f"{subset} paths": np.array(pictures.paths),
        }
    return says


def _course(network: Network, data: Subsets, history: pd.DataFrame, folder: Path) -> Says:
    """What the network said of the test at its best epoch by validation, and at its last."""
    epochs = {
        "at its best": history["epoch"].iloc[history["val_loss"].argmin()],
        "at the end": history["epoch"].iloc[-1],
    }
    said: Says = {}
    for when, epoch in epochs.items():
        network.model.load_weights(folder / "checkpoints" / f"{int(epoch):04d}.weights.h5")
        said[f"test {when}"] = _predict(network, data.test.images)
    return said


def _held_out(says: Says, prepared: Prepared) -> Says:
    """Validation and test of a random split as one, and which have a twin in training, by what was painted."""
    works = pd.read_csv(prepared.collection.root / "works.csv").set_index("path")
    painting = works["artist"] + works["number"].astype(str)
    both = {
        f"test{key}": np.concatenate([says[f"validation{key}"], says[f"test{key}"]])
        for key in ("", " labels", " paths")
    }
    known = set(painting[says["train paths"]])
    return both | {"seen": painting[both["test paths"]].isin(known).to_numpy()}


def _distances(network: Network, data: Subsets, prepared: Prepared, recipe: ClassifierRecipe) -> Says:
    """How far known paintings, left-out painters, photographs and pastiches are from the training pictures."""
    outputs = Outputs(network, recipe.size)
    train, validation, test = (
        outputs(np.stack([fit(image, recipe.size) for image in each.images]))[1]
        for each in (data.train, data.validation, data.test)
    )
    novelty = Novelty.fit(train, validation)
    rest = prepared.collection.paintings
    rest = rest[~rest["artist"].isin(prepared.class_names)]
    rest = rest.assign(sha256=rest["path"].map(prepared.audit.sha256))
    painters = decode_rows(prepared.collection, rest, recipe.size)
    photos, pastiches, hands = photographs_and_pastiches(prepared.class_names)
    said: Says = {
        "distance of test": novelty.distance(test),
        "groups of painters": pd.factorize(rest["artist"])[0],
        "groups of photographs": np.repeat(np.arange(len(PHOTOGRAPHS)), CROPS),
        "pastiches labels": hands,
        "threshold": np.array(novelty.threshold),
    }
    for key, images in (("painters", painters), ("photographs", photos), ("pastiches", pastiches)):
        said[key], features = outputs(np.stack([fit(image, recipe.size) for image in images]))
        said[f"distance of {key}"] = novelty.distance(features)
    return said


def photographs_and_pastiches(class_names: Sequence[str], side: int = 160) -> tuple[Array, Array, Array]:
    """Crops of photographs, and these repainted by known painters, uint8 (n, side, side, 3); and by whom, (n,)."""
    rng = np.random.default_rng(SPLIT)
    crops = [photograph(rng, side, [name]) for name in PHOTOGRAPHS for _ in range(CROPS)]
    photos = (np.stack(crops) * 255 + 0.5).astype(np.uint8)
    hands = np.arange(len(photos)) % len(class_names)
    return (
        photos,
        np.stack([repaint(photo, class_names[int(hand)]) for photo, hand in zip(photos, hands, strict=True)]),
        hands,
    )


def _colours(prepared: Prepared) -> Says:
    """The nearest centroid of the pictures' mean colours: 1 for its artist, 0 for the others."""
    from sklearn.neighbors import NearestCentroid
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_pictures(prepared.collection, prepared.table, 64)
    mean = {subset: getattr(data, subset).images.mean((1, 2)) for subset in SUBSETS}
    model = make_pipeline(StandardScaler(), NearestCentroid()).fit(mean["train"], data.train.labels)
    named = np.asarray(model.predict(mean["test"]))
    return {"test": np.eye(len(data.class_names))[named], "test labels": data.test.labels}
