import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from artnb import models
from artnb.classification import bundles
from artnb.classification.bundles import Card
from artnb.classification.predictor import Predictor
from artnb.models import ModelError
from artnb.paintings.splits import split_hash
from artnb.settings import Settings
from tests.classification.conftest import ARTISTS, tiny


@pytest.fixture
def copy(bundle, tmp_path):
    return shutil.copytree(bundle.folder, tmp_path / "copy")


def test_a_bundle_is_whole(bundle, table):
    names = {path.name for path in bundle.folder.iterdir()}
    assert {"model.weights.h5", "card.json", "novelty.npz", "split.csv", "history.csv", "README.md"} <= names
    card = Card.load(bundle.folder)
    assert card.class_names == tuple(sorted(artist.replace("_", " ") for artist in ARTISTS))
    assert card.split == split_hash(table) and card.parameters == bundle.classifier.model.count_params()
    assert {name: row["n"] for name, row in card.metrics.items()} == table["subset"].value_counts().to_dict()
    assert card.metrics["test"]["accuracy"] > 0.8, "three colours should be learnt"
    assert card.epochs == len(pd.read_csv(bundle.folder / "history.csv")) == 12
    text = (bundle.folder / "README.md").read_text()
    assert f"{card.metrics['test']['accuracy']:.1%}" in text and "What it is bad at" in text
    assert card.made["precision"] in ("float32", "mixed_bfloat16", "mixed_float16")
    assert f"on a processor in {card.made['precision']}, seed" in bundles.describe(card)
    older = replace(card, made={"device": "a processor"})
    assert "on a processor, seed" in bundles.describe(older), "of a card that does not say it, nothing is claimed"


def test_what_was_saved_predicts_to_the_bit_as_what_was_trained(bundle, collection):
    file = collection.file(collection.paintings["path"][0])
    one, other = Predictor(bundle.folder), Predictor(bundle.folder)
    assert one(file) == other(file)
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    raw = bundle.classifier.model(image.astype("float32"), training=False).numpy()
    loaded = one.bundle.classifier.model(image.astype("float32"), training=False).numpy()
    assert np.array_equal(raw, loaded)


def test_models_are_found_by_name_and_by_path(bundle, tmp_path):
    settings = Settings(home=tmp_path)
    (tmp_path / "models").mkdir()
    shutil.copytree(bundle.folder, tmp_path / "models" / "mine")
    assert models.find("mine", "classifier", settings) == tmp_path / "models" / "mine"
    assert models.find(bundle.folder, "classifier", settings) == bundle.folder
    assert [folder.name for folder in models.available("classifier", settings)][-1] == "mine"
    with pytest.raises(ModelError, match=r"no classifier 'nobody'; by name there are .*'mine'"):
        models.find("nobody", "classifier", settings)


@pytest.mark.parametrize("file", ["model.weights.h5", "novelty.npz"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "text"])
def test_a_damaged_bundle_is_one_sentence(file, damage, copy):
    path = copy / file
    content = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes({"empty": b"", "half": content[: len(content) // 2], "text": b"no weights"}[damage])
    with pytest.raises(ModelError, match="'copy' is damaged"):
        bundles.load(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"class_names": 3}'])
def test_a_damaged_card_is_one_sentence(content, copy):
    (copy / "card.json").write_text(content)
    with pytest.raises(ModelError, match=r"'copy' holds no readable card\.json"):
        bundles.load(copy)


def test_another_networks_weights_are_refused(copy):
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps(card | {"network": "cnn-original"}))
    with pytest.raises(ModelError, match="damaged"):
        bundles.load(copy)


def test_a_finished_training_is_not_made_again(bundle, collection, table):
    before = (bundle.folder / "model.weights.h5").stat().st_mtime_ns
    again = bundles.make(tiny("cnn", 12), collection, table, bundle.folder, seed=1, resume=True)
    assert (bundle.folder / "model.weights.h5").stat().st_mtime_ns == before and again.card == bundle.card


def test_a_starter_is_half_as_large_and_predicts_nearly_the_same(bundle, collection, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "STARTERS", tmp_path)
    bundles.as_starter(bundle.folder, "small")
    sizes = [(folder / "model.weights.h5").stat().st_size for folder in (bundle.folder, tmp_path / "small")]
    assert sizes[1] < 0.6 * sizes[0]
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    whole, half = Predictor(bundle.folder), Predictor("small", Settings(home=tmp_path / "nowhere"))
    (p, distance), (q, half_distance) = whole.look(images), half.look(images)
    assert np.allclose(p, q, atol=0.02) and np.allclose(distance, half_distance, rtol=0.02)


def test_a_course_model_is_another_if_its_recipe_is(collection, table, tmp_path):
    settings = Settings(home=tmp_path, seed=1)
    one = bundles.trained("cnn", collection, table, settings, using=tiny("cnn", 1))
    again = bundles.trained("cnn", collection, table, settings, using=tiny("cnn", 1))
    other = bundles.trained("cnn", collection, table, settings, using=tiny("cnn", 2))
    assert one.folder == again.folder != other.folder and one.card == again.card


def test_untrained_is_said_wherever_a_person_looks(collection, table, tmp_path, monkeypatch):
    monkeypatch.setattr("artnb.backbones.find_weights", lambda *_: None)
    made = bundles.make(tiny("efficientnet-lite0", 1), collection, table, tmp_path / "lite", seed=1)
    assert made.card.untrained and "untrained" in made.card.label
    assert "untrained" in (tmp_path / "lite" / "README.md").read_text()
