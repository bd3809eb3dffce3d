import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from artnb.cards import Card
from artnb.classification import validation
from artnb.classification.evaluation import bootstrap
from artnb.classification.model import Classifier, save_classifier, train_classifier
from artnb.cli import main
from artnb.errors import EvaluationError
from artnb.images import load_image
from artnb.paintings import splits
from artnb.paintings.splits import SplitError
from tests.classification.conftest import tiny
from tests.conftest import resealed


@pytest.mark.slow
def test_the_cards_figures_are_found_again(model, collection):
    for subset in splits.SUBSETS:
        found = validation.evaluate_split(model, collection, subset=subset)
        for name in ("n", "accuracy", "top3", "macro_f1", "interval"):
            assert found.to_dict()[name] == pytest.approx(model.card.metrics[subset][name], abs=1e-4)


def test_a_split_whose_test_was_trained_on_is_refused(model, collection, prepared):
    other = splits.split_paintings(prepared.paintings, seed=2)
    with pytest.raises(EvaluationError, match="trained on, so the figure would flatter"):
        validation.evaluate_split(model, collection, other)


def test_a_model_of_a_leaky_split_is_not_measured(model, collection, table, tmp_path):
    """Another file, but the same painting, in the model's own split or in the one that is given."""
    folder = shutil.copytree(model.folder, tmp_path / "twin")
    trained, tested = (table[table["subset"] == subset].index[0] for subset in ("train", "test"))
    grouped = table.copy()
    grouped.loc[tested, "group"] = grouped.loc[trained, "group"]
    with pytest.raises(SplitError, match="one painting in two subsets"):
        validation.evaluate_split(model, collection, grouped)
    with pytest.raises(SplitError, match="no column 'sha256'"):
        validation.evaluate_split(model, collection, table.drop(columns="sha256"))
    splits.save_split(grouped, folder / "split.csv")
    card = Card.load(resealed(folder))
    with pytest.raises(SplitError, match="one painting in two subsets"):
        validation.evaluate_split(Classifier(card, model.network, model.novelty, folder), collection, table)


def test_nothing_is_trained_or_saved_on_a_leaky_split(collection, table, tmp_path):
    with pytest.raises(SplitError, match="one painting in two subsets"):
        train_classifier(tiny("cnn-original", 1), collection, table.assign(group=0), tmp_path / "m")
    with pytest.raises(SplitError, match="one painting in two subsets"):
        save_classifier(None, None, None, None, table.assign(group=0), "folder", tmp_path / "m", 1)
    assert not list(tmp_path.iterdir())


def test_the_command_refuses_a_leaky_split(table, tmp_path, use, capsys):
    use(home=tmp_path)
    table.assign(group=0).to_csv(tmp_path / "split.csv", index=False)
    for command in (
        ["train", "cnn"],
        ["search", "classifier", "ours", "-o", str(tmp_path / "s")],
        ["evaluate", "starter"],
    ):
        assert main([*command, "--split", str(tmp_path / "split.csv")]) == 1
        err = capsys.readouterr().err
        assert "one painting in two subsets" in err and "Traceback" not in err
    assert [file.name for file in tmp_path.iterdir()] == ["split.csv"]


def test_another_collection_is_one_sentence(model, collection, table):
    moved = table.assign(path="elsewhere/" + table["path"])
    with pytest.raises(SplitError, match="not in the collection in use"):
        validation.evaluate_split(model, collection, moved)
    stranger = table.assign(artist="El Greco")
    with pytest.raises(EvaluationError, match="does not know 'El Greco'"):
        validation.evaluate_split(model, collection, stranger)


def test_a_folder_of_artists(model, collection, tmp_path):
    shutil.copytree(collection.root / "images", tmp_path / "mine")
    (tmp_path / "mine" / "Piet_Mondrian" / "broken.jpg").write_bytes(b"no picture")
    shutil.copytree(tmp_path / "mine" / "Claude_Monet", tmp_path / "mine" / "El_Greco")
    found, skipped = validation.evaluate_folder(model, tmp_path / "mine")
    assert found.per_class["n"].tolist() == [24, 24, 24] and found.accuracy > 0.8
    assert len(skipped) == 3 and "El_Greco" in skipped[0] and "broken.jpg" in skipped[1]
    trained_on = (model.split["subset"] == "train").sum()
    assert f"trained on {trained_on} of these 72 pictures" in skipped[2]
    with pytest.raises(EvaluationError, match="holds no picture by an artist that the model knows"):
        validation.evaluate_folder(model, tmp_path / "nothing")


def test_quarters_are_the_corners_and_the_centre():
    image = np.arange(6 * 9).reshape(6, 9)
    found = [crop(image) for crop in validation.CROPS["quarters"]]
    assert [part.shape for part in found] == [(3, 4)] * 5
    assert [part[0, 0] for part in found] == [0, 5, 27, 32, 2 * 9 + 2]
    assert [crop(np.zeros((1, 1, 3))).shape for crop in validation.CROPS["quarters"]] == [(1, 1, 3)] * 5


def test_a_model_is_asked_about_five_quarters_of_each_painting(model, collection):
    """Each counts; the interval draws paintings, whose quarters are alike, and not quarters."""
    whole, quarters = (validation.evaluate_split(model, collection, crops=crops) for crops in ("whole", "quarters"))
    assert len(quarters.labels) == 5 * len(whole.labels)
    first = model.split[model.split["subset"] == "test"].iloc[0]
    image = load_image(collection.file(first["path"]))
    asked = model.predict_proba([crop(image) for crop in validation.CROPS["quarters"]])
    assert np.allclose(quarters.probabilities[:: len(whole.labels)], asked)
    share = (quarters.predicted == quarters.labels).reshape(5, -1).mean(0)
    assert quarters.accuracy == pytest.approx(share.mean()) and quarters.interval == bootstrap(share)
    with pytest.raises(EvaluationError, match="no way to crop 'thirds'; there are whole, quarters"):
        validation.evaluate_split(model, collection, crops="thirds")


def test_a_folder_in_quarters(model, collection, tmp_path):
    """The same quarters of the same paintings as in a split, and in the same order."""
    test = model.split[model.split["subset"] == "test"].sort_values("path")
    for path in test["path"]:
        file = tmp_path / Path(path).parent.name / Path(path).name
        file.parent.mkdir(exist_ok=True)
        shutil.copyfile(collection.file(path), file)
    found, _ = validation.evaluate_folder(model, tmp_path, "quarters")
    of_split = validation.evaluate_split(model, collection, model.split.sort_values("path"), crops="quarters")
    assert (found.paintings, found.parts, len(found.labels)) == (len(test), 5, 5 * len(test))
    assert np.allclose(found.probabilities, of_split.probabilities, atol=1e-5)
    assert found.labels.tolist() == of_split.labels.tolist() and found.interval == of_split.interval


def test_a_mirror_image_is_asked_about_too_and_the_mean_is_said(model, collection, use, capsys):
    test = model.split[model.split["subset"] == "test"]
    images = [load_image(collection.file(path)) for path in test["path"]]
    both = (model.predict_proba(images) + model.predict_proba([image[:, ::-1] for image in images])) / 2
    found = validation.evaluate_split(model, collection, mirrored=True)
    assert np.allclose(found.probabilities, both, atol=1e-5) and not np.allclose(both, model.predict_proba(images))
    assert np.allclose(model.predict_proba(images, mirrored=True), both, atol=1e-5)
    use(source="folder", data=collection.root)
    assert main(["evaluate", str(model.folder), "--mirrored", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["accuracy"] == pytest.approx(found.accuracy, abs=1e-4)
    assert main(["predict", str(model.folder), str(collection.file(test["path"].iloc[0])), "--mirrored", "--json"]) == 0
    ranked = json.loads(capsys.readouterr().out)["results"][0]["ranked"]
    assert ranked[0]["probability"] == pytest.approx(both[0].max(), abs=1e-5)


def test_a_folders_pictures_are_not_all_in_memory_at_once(model, collection, monkeypatch):
    """The model is asked while pictures are still to be read."""
    done, outputs = [], Classifier.outputs
    monkeypatch.setattr(validation, "load_image", lambda file: done.append("read") or load_image(file))
    monkeypatch.setattr(Classifier, "outputs", lambda self, *given: done.append("asked") or outputs(self, *given))
    validation.evaluate_folder(model, collection.root / "images", "quarters")
    assert done.count("read") == 72 and done.index("asked") == 16 and done[-1] == "asked"


def test_the_command_says_how_many_paintings_and_which_parts(model, collection, use, capsys):
    use(source="folder", data=collection.root)
    command = ["evaluate", str(model.folder), "--crops", "quarters"]
    n = (model.split["subset"] == "test").sum()
    assert main(command) == 0 and f" on five quarters of each of {n} paintings, " in capsys.readouterr().out
    assert main([*command, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["paintings"], found["n"], found["crops"]) == (n, 5 * n, "quarters")


@pytest.mark.slow
def test_cross_validation_tests_every_painting_once(prepared, collection, tmp_path):
    table = validation.cross_validate(tiny("cnn-original", 1), prepared, 3, tmp_path, seed=1)
    assert table["fold"].tolist() == [1, 2, 3] and table["n"].sum() == len(collection.paintings)
    report = validation.folds_report(table)
    assert "mean" in report and "std" in report and f"{table['accuracy'].mean():.4f}"[:5] in report
    files = [splits.load_split(tmp_path / f"fold-{k}" / "split.csv") for k in (1, 2, 3)]
    tested = [path for file in files for path in file.loc[file["subset"] == "test", "path"]]
    assert sorted(tested) == sorted(collection.paintings["path"])
