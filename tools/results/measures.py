"""Tables about what trained networks can do, and the searches for a style."""

import io
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from PIL import Image, ImageFilter
from skimage import data as photographs
from sklearn.linear_model import RidgeClassifier
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from artnb.backbones import load_backbone
from artnb.classification import Classifier, calibration, classifier_recipe, cross_validate, evaluate, networks
from artnb.classification.evaluation import bootstrap, scale
from artnb.common.searching import search_identity
from artnb.images import load_image
from artnb.paintings import prepare
from artnb.paintings.pipeline import Pictures, decode, decode_rows
from artnb.paintings.splits import LEAST, SUBSETS, folds, readable
from artnb.settings import settings
from artnb.style import StyleRecipe, search_style, style_space
from artnb.weights import TITLES, find_weights
from tools.results.runs import COMPARED, LITE, SEEDS, Runs


def depths(runs: Runs) -> pd.DataFrame:
    """A linear head on stored features of the frozen EfficientNet-Lite0: its last map, four depths.

    A row per depth, and all four.
    """
    size = runs.small(classifier_recipe(LITE)).size
    pictures = {subset: runs.pictures(subset, size) for subset in SUBSETS}
    core = networks.build_network(LITE, len(runs.prepared.class_names), size).core
    whole = load_backbone(LITE, size).model
    last = keras.Model(whole.input, keras.layers.GlobalAveragePooling2D()(whole.output))
    found, of_last = (_features(each, pictures) for each in (core, last))
    names = networks.STATISTICS_LAYERS[LITE]
    ends = np.cumsum([2 * core.get_layer(name).output.shape[-1] for name in names])
    parts = {"mean of the last map": of_last}
    for name, columns in zip(names, np.split(np.arange(ends[-1]), ends[:-1]), strict=True):
        parts[f"mean and std, {name}"] = {subset: features[:, columns] for subset, features in found.items()}
    parts["mean and std, all four"] = found
    rows = []
    for depth, features in parts.items():
        head = _linear_head().fit(features["train"], pictures["train"].labels)
        row = {"features": depth, "numbers": features["train"].shape[1]}
        right = {subset: head.predict(features[subset]) == pictures[subset].labels for subset in SUBSETS}
        low, high = bootstrap(right["test"])
        rows.append(row | {subset: share.mean() for subset, share in right.items()} | {"low": low, "high": high})
    return pd.DataFrame(rows).round(4)


def _features(core: keras.Model, pictures: dict[str, Pictures]) -> dict[str, np.ndarray]:
    """What a frozen core finds in the pictures of each subset."""
    return {subset: core.predict(images.images, verbose=0) for subset, images in pictures.items()}


def by_number(runs: Runs) -> pd.DataFrame:
    """How well 5, 11, 23 and all artists are told apart: a linear head on stored features of EfficientNet-Lite0.

    A row per number, the artists with most paintings first; `guessing` always names the first of them.
    """
    collection, table = runs.prepared.collection, prepare(LEAST).table
    size = runs.small(classifier_recipe(LITE)).size
    core = networks.build_network(LITE, 2, size).core
    features = core.predict(decode_rows(collection, table, size), verbose=0)
    by_artist = table.groupby("artist")["group"].nunique().sort_values(ascending=False, kind="stable").index
    rows = []
    for number in sorted({min(number, len(by_artist)) for number in (5, 11, 23, len(by_artist))}):
        chosen = table["artist"].isin(by_artist[:number])
        train, test = (chosen & (table["subset"] == subset) for subset in ("train", "test"))
        artists = table["artist"].to_numpy()
        head = _linear_head().fit(features[train], artists[train])
        named, truth = head.predict(features[test]), artists[test]
        row = {"artists": number, "train": int(train.sum()), "n": int(test.sum()), "test": (named == truth).mean()}
        row["low"], row["high"] = bootstrap(named == truth)
        row["macro_f1"] = f1_score(truth, named, average="macro")
        rows.append(row | {"guessing": (truth == by_artist[0]).mean()})
    return pd.DataFrame(rows).round(4)


def _linear_head() -> Any:
    return make_pipeline(StandardScaler(), RidgeClassifier(alpha=1000))


def by_folds(runs: Runs) -> pd.DataFrame:
    """Five grouped folds: our CNN, and a linear head on stored features of EfficientNet-Lite0.

    A row per model and fold; each painting is tested once.
    """
    prepared, number = runs.prepared, 3 if runs.smoke else 5
    size = runs.small(classifier_recipe(LITE)).size
    core = networks.build_network(LITE, len(prepared.class_names), size).core
    tables = folds(prepared.paintings, number, SEEDS[0])
    features = core.predict(decode_rows(prepared.collection, tables[0], size), verbose=0)
    rows = []
    for k, table in enumerate(tables):
        train, test = ((table["subset"] == subset).to_numpy() for subset in ("train", "test"))
        head = _linear_head().fit(features[train], table["artist"][train])
        right = head.score(features[test], table["artist"][test])
        rows.append({"model": "linear head", "fold": k + 1, "n": int(test.sum()), "accuracy": right})
    found = cross_validate(runs.recipe("ours"), prepared, number, runs.folds_folder, SEEDS[0], resume=True)
    return pd.concat([pd.DataFrame(rows), found.assign(model="ours")]).round(4)


def calibrations(runs: Runs) -> pd.DataFrame:
    """How often each model is right at each confidence on the test, before and after its temperature.

    A row per model, temperature and range of confidence; `gap` sums to the expected calibration error.
    """
    rows = []
    for name in COMPARED:
        model = runs.model(name)
        test = runs.pictures("test", model.card.size)
        raw = model.network.model.predict(test.images, verbose=0)
        for when, heat in (("before", 1.0), ("after", model.card.temperature)):
            found = calibration(scale(raw, heat), test.labels).reset_index()
            rows.append(found.assign(model=name, when=when, temperature=heat))
    table = pd.concat(rows, ignore_index=True)
    return table[["model", "when", "temperature", "bin", "n", "confidence", "accuracy", "gap"]].round(5)


def _jpeg(image: np.ndarray) -> np.ndarray:
    """The picture after a JPEG of quality 10."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=10)
    return load_image(buffer.getvalue())


SHIFTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "as they are": lambda image: image,
    "grey": lambda image: image.mean(axis=-1, keepdims=True).repeat(3, axis=-1).astype(np.uint8),
    "JPEG, quality 10": _jpeg,
    "blur, 2 pixels": lambda image: np.array(Image.fromarray(image).filter(ImageFilter.GaussianBlur(2))),
    "evening": lambda image: (image * [1, 0.85, 0.65]).astype(np.uint8),
}


def shifts(runs: Runs) -> pd.DataFrame:
    """Accuracy on changed test paintings: grey, JPEG, blurred, in the light of evening.

    A row per model and change.
    """
    rows = []
    for name in COMPARED:
        model = runs.model(name)
        test = runs.pictures("test", model.card.size)
        for shift, change in SHIFTS.items():
            images = np.stack([change(image) for image in test.images])
            found = evaluate(model.outputs(images)[0], test.labels, runs.prepared.class_names)
            rows.append({"model": name, "shift": shift, **found.summary()})
    table = pd.DataFrame(rows)
    table[["low", "high"]] = table.pop("interval").tolist()
    return table


def strangers(runs: Runs) -> pd.DataFrame:
    """Share of pictures beyond the threshold of novelty: test paintings, artists never seen, photographs.

    A row per model and heap of pictures; `distance` is the median, and about 1 for a training picture.
    """
    heaps = heaps_of_pictures(runs)
    return pd.concat([beyond_threshold(name, runs.model(name), heaps) for name in COMPARED], ignore_index=True)


def heaps_of_pictures(runs: Runs) -> dict[str, list[Path]]:
    """Test paintings, one photograph of each painting by an artist never seen, and photographs: their files."""
    prepared = runs.prepared
    everybody = readable(prepared.collection, prepared.audit)
    known = everybody.loc[everybody["artist"].isin(prepared.class_names), "group"]  # also under another name
    unseen = everybody[everybody["artist"].isin(prepared.strangers) & ~everybody["group"].isin(known)]
    unseen = unseen.drop_duplicates("group")
    return {
        "test paintings": [prepared.collection.file(path) for path in prepared.table.query("subset == 'test'")["path"]],
        "artists never seen": [prepared.collection.file(path) for path in unseen["path"]],
        "photographs": runs.photographs,
    }


def beyond_threshold(name: str, model: Classifier, heaps: dict[str, list[Path]]) -> pd.DataFrame:
    """A row per heap of pictures: how many of them a model calls unfamiliar."""
    rows = []
    for heap, files in heaps.items():
        if not files:
            rows.append({"model": name, "pictures": heap, "n": 0, "needs": "such pictures"})
            continue
        probabilities, features = model.outputs(decode(files, model.card.size))
        distance = model.novelty.distance(features, probabilities)
        row = {"model": name, "pictures": heap, "n": len(files), "distance": np.median(distance)}
        beyond = distance > model.novelty.threshold
        low, high = bootstrap(beyond)
        rows.append(row | {"beyond": beyond.mean(), "low": low, "high": high, "needs": ""})
    return pd.DataFrame(rows).round(4)


def _style(runs: Runs, name: str) -> pd.DataFrame:
    """The trials of a search for a style: scikit-image's astronaut like one of the test's paintings by Van Gogh."""
    test = runs.prepared.table.query("subset == 'test'")
    of_his = test[test["artist"].str.contains("Gogh")]
    path = (test if of_his.empty else of_his)["path"].iloc[0]
    rows = []
    for backbone in (LITE, "vgg19", "resnet50"):
        if find_weights(backbone) is None:
            rows.append(pd.DataFrame([{"network": TITLES[backbone], "needs": f"artnb weights get {backbone}"}]))
            continue
        space = style_space(name, backbone)
        if runs.smoke:
            space = replace(space, recipe=partial(_small, space.recipe), trials=2)
        folder = settings.home / "searches" / runs.split / f"style-{name}-{backbone}-{settings.profile}"
        file = runs.prepared.collection.file(path)
        table = search_style(space, photographs.astronaut(), file, folder, SEEDS[0]).drop(columns="painting")
        known = {"network": TITLES[backbone], "judge": search_identity(folder)["judge"], "painting": path, "needs": ""}
        rows.append(table.assign(**known))
    return pd.concat(rows, ignore_index=True).round(4)


def _small(recipe: Callable[[Any], StyleRecipe], hp: Any) -> StyleRecipe:
    return replace(recipe(hp), size=48, iterations=2)


def style_original(runs: Runs) -> pd.DataFrame:
    """`artnb search style original`: an astronaut like a Van Gogh, distances by a judge; a row per trial.

    Best first.
    """
    return _style(runs, "original")


def style_ours(runs: Runs) -> pd.DataFrame:
    """`artnb search style ours`: the same astronaut and Van Gogh; a row per trial.

    Best first.
    """
    return _style(runs, "ours")
