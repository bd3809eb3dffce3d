import json
import os
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from artnb.cli import main
from artnb.operation import bias
from artnb.paintings import splits
from tests.conftest import resealed


def artnb(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "artnb", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


@pytest.mark.slow
def test_predict_names_artists_and_goes_on_after_a_bad_file(model, collection, tmp_path):
    good = [collection.file(path) for path in collection.paintings["path"][[0, 70]]]
    (tmp_path / "bad.jpg").write_text("hello")
    done = artnb("predict", model.folder, good[0], tmp_path / "bad.jpg", good[1], "--json")
    assert done.returncode == 1 and done.stderr == ""
    first, bad, last = json.loads(done.stdout)["results"]
    assert first["ranked"][0]["artist"] == "Claude Monet" and last["ranked"][0]["artist"] == "Piet Mondrian"
    assert "bad.jpg" in bad["error"] and "text file" in bad["error"] and set(first) >= {"unfamiliar", "distance"}
    spoken = artnb("predict", model.folder, good[0], tmp_path / "bad.jpg")
    assert "Claude Monet (" in spoken.stdout and spoken.stderr.startswith("artnb: 'bad.jpg'")


@pytest.mark.slow
def test_evaluate_as_json_and_for_a_person(model, collection):
    done = artnb("evaluate", model.folder, "--json", ARTNB_DATA=str(collection.root))
    assert done.returncode == 0 and done.stderr == ""
    found = json.loads(done.stdout)
    assert {"n", "accuracy", "top3", "macro_f1", "ece", "interval", "per_class"} <= set(found)
    assert found["accuracy"] == model.card.metrics["test"]["accuracy"] and found["untrained"] is False
    folder = artnb("evaluate", model.folder, "--folder", collection.root / "images")
    assert "on 72 pictures" in folder.stdout
    trained_on = (model.split["subset"] == "train").sum()
    assert f"The model was trained on {trained_on} of these 72 pictures" in folder.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["predict", "nobody", "x.jpg"], "no classifier 'nobody'"),
        (["evaluate", "nobody"], "no classifier 'nobody'"),
        (["train", "cnn", "--split", "nowhere.csv"], "nowhere.csv can't be used as a split"),
        (
            ["train", "resnet50", "--search", "x"],
            "no search for the settings of 'resnet50'; there are for cnn-original, cnn",
        ),
        (["train", "cnn", "--search", "nowhere"], "'nowhere' holds no search"),
    ],
)
def test_nonsense_is_one_sentence(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir()), "nothing is begun"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], "cnn-original"),
        (["train", "alexnet"], "No such command 'alexnet'"),
        (["train", "cnn", "--epochs", "0"], "0 is not in the range"),
        (["train", "cnn", "--seed", "4294967296"], "not in the range"),
        (["train", "cnn", "--folds", "3", "--split", "x.csv"], "give --folds or --split"),
        (["train", "cnn", "--steps", "3"], "No such option"),
        (["search", "classifier", "all", "-o", "x"], "'all' is not one of 'original', 'ours'"),
        (["search", "classifier", "ours", "-o", "x", "--worker", "one"], "add --chief"),
        (["search", "style", "ours", "a", "b", "-o", "x", "--worker", "one"], "add --chief"),
        (["evaluate", "starter", "--folder", "x", "--split", "x"], "give --folder or --split"),
        (["evaluate", "starter", "--folder", "x", "--subset", "train"], "give --folder or --subset"),
    ],
)
def test_a_wrong_call_is_told_before_the_work(arguments, words, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert words in error and "Usage: artnb" in error


def test_every_network_has_a_command():
    from artnb.classification.networks import NETWORKS
    from artnb.cli import classification

    assert set(classification.NETWORKS) == set(NETWORKS)


def test_models_have_names_and_figures(capsys, use, tmp_path):
    use(home=tmp_path)
    assert main(["models", "list", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    shipped = ["starter", "starter-42", "starter-cnn", "starter-monet", "starter-painters", "starter-studio"]
    assert [found["name"] for found in results] == shipped
    for found in results:
        assert {"name", "title", "kind", "problem"} <= set(found)
        assert found["kind"] != "classifier" or {"accuracy", "interval"} <= set(found)


@pytest.mark.slow
def test_groups_of_artists_are_compared_on_the_models_test_paintings(model, collection, table, use, tmp_path, capsys):
    use(source="folder", data=collection.root)
    folder = shutil.copytree(model.folder, tmp_path / "wronged")
    monets = table.index[(table["subset"] == "test") & (table["artist"] == "Claude Monet")]
    table = table.copy()
    table.loc[monets[1:], "artist"] = "Piet Mondrian"  # so that its answers about these are wrong
    splits.save_split(table, folder / "split.csv")
    resealed(folder, split=splits.split_digest(table))
    assert main(["watch", "bias", str(folder), "--json"]) == 0
    output = capsys.readouterr().out
    groups = pd.DataFrame(json.loads(output, parse_constant=pytest.fail)["results"])
    test = table[table["subset"] == "test"].set_index("path")["artist"]
    right = pd.read_csv(folder / "test.csv", index_col="path")["predicted"] == test
    artists = groups[groups["grouping"] == "artist"].set_index("group")
    assert artists["n"].to_dict() == test.value_counts().to_dict()
    for artist, row in artists.iterrows():
        assert row["accuracy"] == pytest.approx(right[test == artist].mean(), abs=1e-4)
        assert 0 <= row["low"] <= row["accuracy"] <= row["high"] <= 1 and 0 < row["confidence"] <= 1 and row["small"]
    named = groups.groupby("grouping")["group"].agg(set).to_dict()
    assert named["nationality"] == {"Dutch", "French", "Russian"} and set(named) == set(bias.GROUPINGS)
    assert named["century"] == {"19th century", "20th century"}
    assert artists.index[0] == "Piet Mondrian" and right.mean() < 1, "the least accurate come first"
    assert main(["watch", "bias", str(folder)]) == 0
    said = capsys.readouterr().out
    assert said.startswith(f"{model.card.title}, {len(test)} test paintings\n")
    assert all(f"\n{grouping}: worse than the others: " in said for grouping in bias.GROUPINGS)
