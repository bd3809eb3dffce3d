"""New pictures, and a model that is trained further on them."""

import copy
import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from artnb.classification import model as saving
from artnb.classification import networks
from artnb.classification.recipes import ClassifierRecipe
from artnb.classification.training import train_network
from artnb.errors import TrainingError
from artnb.operation import retraining
from artnb.operation.retraining import RetrainingError, gather, retrain
from artnb.paintings.audit import audit_collection
from artnb.paintings.splits import require, split_digest
from tests.classification.conftest import collection, model, prepared, table, tiny  # noqa: F401

COLOURS = {"Claude_Monet": (60, 120, 160), "Piet_Mondrian": (200, 30, 30), "Frida_Kahlo": (20, 200, 60)}


def paint(folder, artist, number, seed=0):
    """So many new pictures, coarse enough that the audit could recognise them."""
    (folder / artist).mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *artist.encode()])
    for n in range(number):
        picture = np.clip(rng.normal(COLOURS[artist], 40, (40, 48, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(picture).save(folder / artist / f"{n:02}.png")


@pytest.fixture
def new(tmp_path):
    folder = tmp_path / "november"
    paint(folder, "Claude_Monet", 10)
    paint(folder, "Piet_Mondrian", 5)
    return folder


@pytest.mark.slow
def test_new_pictures_join_training_and_every_fifth_validation(model, collection, table, new):  # noqa: F811
    material = gather(model, collection, [new], seed=1)
    fresh = material.table[material.table["path"].str.startswith("new/november/")]
    assert fresh.groupby("artist")["subset"].value_counts().to_dict() == {
        ("Claude Monet", "train"): 8,
        ("Claude Monet", "validation"): 2,
        ("Piet Mondrian", "train"): 4,
        ("Piet Mondrian", "validation"): 1,
    }
    before = material.table[~material.table["path"].str.startswith("new/")]
    assert split_digest(before) == split_digest(table), "the old split stays as it was"
    assert all(material.collection.file(path).is_file() for path in material.table["path"])
    assert material.left_out == {} and len(material.kept_back) == 3
    assert gather(model, collection, [new], seed=1).table.equals(material.table)


def test_the_folder_that_one_stands_in_has_its_name(model, collection, new, monkeypatch):  # noqa: F811
    """`--new .` would otherwise give its pictures no name, and two such folders the same one."""
    by_name = gather(model, collection, [new], seed=1).table
    monkeypatch.chdir(new)
    assert gather(model, collection, ["."], seed=1).table.equals(by_name)
    monkeypatch.chdir(new / "Claude_Monet")
    assert gather(model, collection, [".."], seed=1).table.equals(by_name)


def test_nothing_of_the_test_or_the_validation_enters_training(model, collection, table, new):  # noqa: F811
    for subset, name in (("test", "a"), ("validation", "b")):
        row = table[(table["subset"] == subset) & (table["artist"] == "Claude Monet")].iloc[0]
        with Image.open(collection.file(row["path"])) as picture:
            # Not the same bytes, nor the same size: another photograph of the same painting.
            picture.resize((60, 50), Image.Resampling.BICUBIC).save(new / "Claude_Monet" / f"{name}.jpg", quality=95)
    trained = table[(table["subset"] == "train") & (table["artist"] == "Claude Monet")].iloc[0]["path"]
    shutil.copy(collection.file(trained), new / "Claude_Monet" / "c.png")
    shutil.copy(collection.file(trained), new / "Piet_Mondrian" / "d.png")
    (new / "Claude_Monet" / "e.png").write_bytes(b"no picture")
    material = gather(model, collection, [new])
    reasons = {path.rpartition("/")[2]: reason for path, reason in material.left_out.items()}
    assert reasons["a.jpg"] == reasons["b.jpg"] == "they show paintings of the test or the validation"
    assert reasons["d.png"] == "the same painting is filed under two artists" and "c.png" in reasons
    assert reasons["e.png"] == "they can't be read" and len(reasons) == 5
    assert "5 were left out" in material.report() and "- 2 left out: they show" in material.report()


def test_a_picture_between_two_old_groups_leaves_them_two(model, collection, table, new, monkeypatch):  # noqa: F811
    ours = table[table["artist"] == "Claude Monet"].groupby("subset")["path"].first()
    both = tuple(("new/november/Claude_Monet/00.png", ours[subset]) for subset in ("test", "train"))

    def audit(combined):
        real = audit_collection(combined)
        return replace(real, near_duplicates=tuple(sorted((*real.near_duplicates, *map(tuple, map(sorted, both))))))

    monkeypatch.setattr(retraining, "audit_collection", audit)
    material = gather(model, collection, [new])
    require(material.table)
    assert material.left_out == {both[0][0]: "they show paintings of the test or the validation"}


def test_a_copy_of_what_is_known_adds_nothing(model, collection, table, new):  # noqa: F811
    trained = table[(table["subset"] == "train") & (table["artist"] == "Claude Monet")].iloc[0]["path"]
    shutil.copy(collection.file(trained), new / "Claude_Monet" / "c.png")
    for name in ("x.png", "y.png"):
        shutil.copy(new / "Piet_Mondrian" / "00.png", new / "Piet_Mondrian" / name)
    material = gather(model, collection, [new])
    assert sorted(path.rpartition("/")[2] for path in material.left_out) == ["c.png", "x.png", "y.png"]


def test_a_label_never_seen_before_is_a_choice(model, collection, new):  # noqa: F811
    paint(new, "Frida_Kahlo", 5)
    with pytest.raises(RetrainingError, match=r"know 'Frida Kahlo'; .*--new-labels add or ignore.*Claude Monet"):
        gather(model, collection, [new])
    ignored = gather(model, collection, [new], "ignore")
    assert ignored.class_names == model.card.class_names and len(ignored.left_out) == 5
    added = gather(model, collection, [new], "add")
    assert added.class_names == ("Claude Monet", "Frida Kahlo", "Kazimir Malevich", "Piet Mondrian")
    assert (added.table["artist"] == "Frida Kahlo").sum() == 5


@pytest.mark.parametrize("what", ["missing", "empty"])
def test_a_folder_without_pictures_is_a_sentence(what, model, collection, tmp_path):  # noqa: F811
    folder = tmp_path / what
    if what == "empty":
        (folder / "images" / "Claude_Monet").mkdir(parents=True)
    with pytest.raises(RetrainingError, match=f"'{what}' holds no new pictures"):
        gather(model, collection, [folder])


def test_another_collection_is_a_sentence(model, collection, new):  # noqa: F811
    other = replace(collection, paintings=collection.paintings.iloc[5:])
    with pytest.raises(RetrainingError, match=r"5 of the 72 pictures .* neither in the collection"):
        gather(model, other, [new])


def test_new_pictures_of_old_names_are_not_taken_for_the_old_ones(model, collection, new, tmp_path):  # noqa: F811
    retrained = copy.copy(model)
    retrained.split = gather(model, collection, [new]).table
    assert len(retrained.split) == 87
    paint(tmp_path / "later" / "november", "Claude_Monet", 10, seed=1)
    paint(tmp_path / "later" / "november", "Piet_Mondrian", 5, seed=1)
    with pytest.raises(RetrainingError, match=r"15 of the 87 pictures .* have other contents here.* another name"):
        gather(retrained, collection, [tmp_path / "later" / "november"])


@pytest.mark.parametrize("wanted", [("A", "Claude Monet", "B", "C"), ("third", "first"), ("third", "new")])
def test_a_head_for_other_artists_says_of_those_it_keeps_what_it_said(model, wanted):  # noqa: F811
    known = ("first", "second", "third") if wanted[0] == "third" else ("A", "B", "C")
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype("float32")
    before = model.network.model(images, training=False).numpy()
    other = networks.with_classes(model.network, "cnn", known, wanted, **model.card.recipe["options"])
    now = other.model(images, training=False).numpy()
    assert now.shape == (5, len(wanted))
    kept = [name for name in wanted if name in known]
    old = before[:, [known.index(name) for name in kept]]
    same = now[:, [wanted.index(name) for name in kept]]
    np.testing.assert_allclose(same / same.sum(1, keepdims=True), old / old.sum(1, keepdims=True), atol=1e-5)


def test_a_recipe_comes_back_from_a_card_and_is_continued_gently(model):  # noqa: F811
    recipe = tiny("cnn", 12)
    assert ClassifierRecipe.from_dict(json.loads(json.dumps(recipe.to_dict()))) == recipe
    further = recipe.continued()
    assert [phase.epochs for phase in further.phases] == [4]
    assert further.phases[0].learning_rate == pytest.approx(recipe.phases[-1].learning_rate / 5)


@pytest.mark.slow
def test_a_retraining_begins_with_the_old_weights_and_is_compared(model, collection, new, tmp_path):  # noqa: F811
    paint(new, "Frida_Kahlo", 10)
    material = gather(model, collection, [new], "add")
    retrained, comparison = retrain(model, material, tmp_path / "next", epochs=1, seed=1)
    assert comparison.n == model.card.metrics["test"]["n"] and comparison.new > 0.7, (
        "one epoch from random weights knows nothing"
    )
    assert retrained.card.started["split"] == model.card.split and retrained.card.epochs == 1
    assert retrained.card.class_names == material.class_names
    assert "Frida Kahlo was not measured" in (retrained.folder / "README.md").read_text()
    page = (retrained.folder / "comparison.md").read_text()
    assert str(comparison) in page and "new pictures that were kept back" in page
    old_test, new_test = (pd.read_csv(folder / "test.csv") for folder in (model.folder, retrained.folder))
    assert old_test["path"].equals(new_test["path"])
    before = (retrained.folder / "model.weights.h5").stat().st_mtime_ns
    again, _ = retrain(model, material, tmp_path / "next", epochs=1, seed=1, resume=True)
    assert (again.folder / "model.weights.h5").stat().st_mtime_ns == before, "it was finished"
    with pytest.raises(TrainingError, match="holds a training already"):
        retrain(model, material, tmp_path / "next", epochs=1, seed=1)


@pytest.mark.slow
def test_an_interrupted_retraining_is_resumed(model, collection, new, tmp_path, monkeypatch):  # noqa: F811
    material = gather(model, collection, [new])
    whole, _ = retrain(model, material, tmp_path / "whole", epochs=2, seed=1)

    def stopped(*arguments, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(saving, "save_classifier", stopped)  # after training, before it is measured and saved
        with pytest.raises(KeyboardInterrupt):
            retrain(model, material, tmp_path / "cut", epochs=2, seed=1)
    assert not (tmp_path / "cut" / "card.json").exists()
    retrained, _ = retrain(model, material, tmp_path / "cut", epochs=2, seed=1, resume=True)
    for one, other in zip(whole.network.model.get_weights(), retrained.network.model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def test_a_start_of_another_shape_is_a_sentence(model, collection, table):  # noqa: F811
    from artnb.paintings.pipeline import load_pictures

    data = load_pictures(collection, table, 32)
    with pytest.raises(TrainingError, match="another shape"):
        train_network(replace(tiny("cnn", 1), options={"width": 8}), data, start=model.network)


@pytest.mark.slow
def test_the_command_registers_a_challenger(model, collection, new, use, tmp_path, monkeypatch, capsys):  # noqa: F811
    from artnb import models
    from artnb.cli import main
    from artnb.operation import tracking
    from artnb.paintings import sources

    use(home=tmp_path)
    monkeypatch.setattr(tracking, "mirror", lambda: None)
    monkeypatch.setattr(sources, "load_collection", lambda: collection)
    arguments = [
        "models",
        "retrain",
        str(model.folder),
        "--new",
        str(new),
        "--epochs",
        "1",
        "-o",
        str(tmp_path / "next"),
    ]
    assert main([*arguments, "--seed", "1", "--json"]) == 0
    output = json.loads(capsys.readouterr().out)
    assert output["version"]["aliases"] == ["challenger"] and output["comparison"]["measure"] == "accuracy"
    assert (models.find("registry:challenger", "classifier") / "comparison.md").is_file()
