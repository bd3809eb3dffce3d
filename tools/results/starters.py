"""Tables about the classifiers that ship, trained as `python -m tools.starters` does."""

import numpy as np
import pandas as pd

from artnb.classification import Classifier
from artnb.classification.evaluation import Evaluation
from artnb.classification.validation import evaluate_split
from tools.results.measures import beyond_threshold, heaps_of_pictures
from tools.results.runs import SEEDS, Runs, figures
from tools.starters import RECIPES, train_starter

TRAININGS = {"starter": SEEDS[:3], "starter-42": SEEDS[:1]}  # the first seed's ships


def _trained(runs: Runs, name: str, seed: int = SEEDS[0]) -> Classifier:
    return train_starter(name, seed, runs.small(RECIPES[name]))


def starters(runs: Runs) -> pd.DataFrame:
    """`starter`, three seeds, and `starter-42`, which knows all artists that there are pictures of.

    A row per training; `top5` is the share with the right artist among five.
    """
    rows = []
    for name, seeds in TRAININGS.items():
        for seed in seeds[: 1 if runs.smoke else None]:
            model = _trained(runs, name, seed)
            found = evaluate_split(model, runs.prepared.collection)
            row = {"model": name, "artists": len(model.card.class_names), "n": len(found.labels)}
            rows.append(row | figures(model) | {"top5": _among(found, 5)})
    return pd.DataFrame(rows).round(4)


def _among(found: Evaluation, number: int) -> float:
    first = np.argsort(-found.probabilities, axis=1)[:, :number]
    return float((first == found.labels[:, None]).any(axis=1).mean())


def all_artists(runs: Runs) -> pd.DataFrame:
    """How well `starter-42` names each of its artists.

    A row per artist, those with most paintings first: all paintings, those of the test, precision, recall and F1 on it.
    """
    model = _trained(runs, "starter-42")
    table = pd.DataFrame.from_dict(model.card.metrics["test"]["per_class"], orient="index").rename_axis("artist")
    table.insert(0, "paintings", model.split.groupby("artist").size())
    return table.sort_values("paintings", ascending=False, kind="stable").reset_index()


def crops(runs: Runs) -> pd.DataFrame:
    """Whole test paintings beside their mirror images, too, and beside five quarter-size parts of each.

    `artnb evaluate --mirrored` and `--crops quarters` (corners and centre). A row per model and way.
    """
    rows = []
    for name in TRAININGS:
        model = _trained(runs, name)
        for way, mirrored in (("whole", False), ("whole", True), ("quarters", False)):
            found = evaluate_split(model, runs.prepared.collection, crops=way, mirrored=mirrored)
            row = {"model": name, "crops": way, "mirrored": mirrored, "paintings": found.paintings}
            rows.append(row | found.summary())
    table = pd.DataFrame(rows)
    table[["low", "high"]] = table.pop("interval").tolist()
    return table


def starters_strangers(runs: Runs) -> pd.DataFrame:
    """What the classifiers that ship call unfamiliar: test paintings, artists never seen, photographs.

    A row per model and heap of pictures. `starter-42` knows every artist here.
    """
    heaps = heaps_of_pictures(runs)
    tables = []
    for name in TRAININGS:
        model = _trained(runs, name)
        test = model.split.query("subset == 'test'")["path"]
        own = {"test paintings": [runs.prepared.collection.file(path) for path in test]}
        if set(runs.prepared.strangers) <= set(model.card.class_names):
            own["artists never seen"] = []
        tables.append(beyond_threshold(name, model, heaps | own))
    return pd.concat(tables, ignore_index=True)
