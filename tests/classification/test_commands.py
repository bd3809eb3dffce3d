import json
import os
import subprocess
import sys

import pytest

from artnb.cli import main


def artnb(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "artnb", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=os.environ | environment,
    )


def test_predict_names_artists_and_goes_on_after_a_bad_file(model, collection, tmp_path):
    good = [collection.file(path) for path in collection.paintings["path"][[0, 70]]]
    (tmp_path / "bad.jpg").write_text("hello")
    done = artnb("predict", model.folder, good[0], tmp_path / "bad.jpg", good[1], "--json")
    assert done.returncode == 1 and done.stderr == ""
    first, bad, last = json.loads(done.stdout)
    assert first["ranked"][0]["artist"] == "Claude Monet" and last["ranked"][0]["artist"] == "Piet Mondrian"
    assert "bad.jpg" in bad["error"] and "text file" in bad["error"] and set(first) >= {"unfamiliar", "distance"}
    spoken = artnb("predict", model.folder, good[0], tmp_path / "bad.jpg")
    assert "Claude Monet (" in spoken.stdout and spoken.stderr.startswith("artnb: 'bad.jpg'")


def test_evaluate_as_json_and_for_a_person(model, collection):
    done = artnb("evaluate", model.folder, "--json", ARTNB_DATA=str(collection.root))
    assert done.returncode == 0 and done.stderr == ""
    found = json.loads(done.stdout)
    assert {"n", "accuracy", "top3", "macro_f1", "ece", "interval", "per_class"} <= set(found)
    assert found["accuracy"] == model.card.metrics["test"]["accuracy"] and found["untrained"] is False
    folder = artnb("evaluate", model.folder, "--folder", collection.root / "images")
    assert "on 72 pictures" in folder.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "alexnet"], "no network 'alexnet'; there are cnn"),
        (["search", "all", "-o", "x"], "no search space 'all'"),
        (["predict", "nobody", "x.jpg"], "no classifier 'nobody'"),
        (["evaluate", "nobody"], "no classifier 'nobody'"),
        (["train", "cnn", "--folds", "3", "--split", "x.csv"], "give --folds or --split"),
        (["train", "cnn", "--split", "nowhere.csv"], "nowhere.csv can't be used as a split"),
        (
            ["train", "resnet50", "--search", "x"],
            "no search for the settings of 'resnet50'; there are for cnn-original, cnn",
        ),
        (["train", "cnn", "--search", "nowhere"], "'nowhere' holds no search"),
        (["search", "ours", "-o", "x", "--worker", "one"], "add --chief"),
    ],
)
def test_nonsense_is_one_sentence(arguments, words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 1
    error = capsys.readouterr().err
    assert words in error and len(error.splitlines()) == 1
    assert not list(tmp_path.iterdir()), "nothing is begun"


@pytest.mark.parametrize(
    "arguments", [["train"], ["train", "cnn", "--epochs", "0"], ["train", "cnn", "--seed", "4294967296"]]
)
def test_a_wrong_number_is_told_before_the_work(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: artnb" in capsys.readouterr().err


def test_models_have_names_and_figures(capsys, use, tmp_path):
    use(home=tmp_path)
    assert main(["models", "--json"]) == 0
    for found in json.loads(capsys.readouterr().out):
        assert {"name", "title", "kind", "problem"} <= set(found)
        assert found["kind"] != "classifier" or {"accuracy", "interval"} <= set(found)
