import json
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pandas as pd
import pytest

from artnb.classification import search, training
from artnb.classification.recipes import Phase, classifier_recipe
from artnb.classification.search import (
    Space,
    best,
    classifier_space,
    classifier_trials,
    search_classifier,
    winner,
)
from artnb.common.searching import SearchError, distributed
from artnb.paintings.pipeline import load_pictures
from tests.classification.conftest import tiny
from tests.conftest import CHECKOUT


def small(executions=1, trials=3):
    """Two numbers that matter and train in a second."""
    base = tiny("cnn-original")

    def recipe(hp):
        units = hp.Int("dense_units", 4, 32, step=4)
        phases = (Phase("training", 2, hp.Choice("learning_rate", [1e-2, 1e-3, 1e-4])),)
        return replace(base, options={"dense_units": units}, phases=phases)

    return Space("original", "cnn-original", recipe, "random", trials, executions, 2)


@pytest.fixture(scope="module")
def data(collection, table):
    return load_pictures(collection, table, 32)


def test_every_trial_is_in_the_table_the_best_first(data, tmp_path):
    table = search_classifier(small(), data, tmp_path / "search", seed=1)
    assert len(table) == 3 and table["val_accuracy"].is_monotonic_decreasing
    assert set(table) == {"trial", "dense_units", "learning_rate", "epochs", "val_accuracy"}
    assert (table["epochs"] == 2).all()
    assert table.drop(columns="trial").duplicated().sum() == 0
    chosen = best(small(), tmp_path / "search")
    assert chosen.options["dense_units"] == table["dense_units"][0]
    assert chosen.phases[0].learning_rate == table["learning_rate"][0]
    tuned = winner("cnn-original", tmp_path / "search", "full")
    assert (tuned.options, tuned.phases[0].learning_rate) == (chosen.options, chosen.phases[0].learning_rate)
    assert tuned.phases[0].epochs == classifier_recipe("cnn-original", "full").phases[0].epochs, (
        "trained to the end, not for two"
    )
    with pytest.raises(SearchError, match="of the space 'original', and not of 'ours'"):
        winner("cnn", tmp_path / "search")


@pytest.mark.parametrize(("patience", "score"), [(None, 0.5), (1, 0.7)])
def test_a_trial_is_worth_what_its_training_keeps(data, tmp_path, monkeypatch, patience, score):
    """Without patience the last epoch, with it the one of the least loss; not the luckiest."""
    figures = {"epoch": [1, 2, 3], "val_loss": [1.2, 1.0, 1.1], "val_accuracy": [0.9, 0.7, 0.5]}
    history = pd.DataFrame(figures | {"phase": "training"})
    monkeypatch.setattr(search, "train_network", lambda *_: (None, history))
    space = small(trials=1)

    def recipe(hp):
        made = small().recipe(hp)
        return replace(made, phases=(replace(made.phases[0], epochs=3, patience=patience),))

    table = search_classifier(replace(space, recipe=recipe, epochs=3), data, tmp_path / "search", seed=1)
    assert table["val_accuracy"].tolist() == [score]


@pytest.mark.slow
def test_a_search_that_died_in_a_trial_goes_on_in_it(data, tmp_path, monkeypatch):
    whole = search_classifier(small(), data, tmp_path / "whole", seed=1)
    trainings = []
    train = search.train_network

    def counting(recipe, data, folder, *rest):
        trainings.append(str(folder))
        return train(recipe, data, folder, *rest)

    monkeypatch.setattr(search, "train_network", counting)
    with monkeypatch.context() as patch:
        original = training._Record.on_train_batch_end

        def dies_in_the_second(self, batch, logs=None):
            if len(set(trainings)) == 2 and len(self.run.history) == 1:
                raise KeyboardInterrupt  # which keras-tuner does not take for a failed trial
            original(self, batch, logs)

        patch.setattr(training._Record, "on_train_batch_end", dies_in_the_second)
        with pytest.raises(KeyboardInterrupt):
            search_classifier(small(), data, tmp_path / "parts", seed=1)
    assert len(classifier_trials(tmp_path / "parts")) == 1
    begun = trainings[-1]
    trainings.clear()
    resumed = search_classifier(small(), data, tmp_path / "parts", seed=1)
    assert begun in trainings and len(trainings) == 2, "the first trial is not trained again"
    assert resumed.drop(columns="trial").equals(whole.drop(columns="trial"))


@pytest.mark.slow
def test_a_finished_search_goes_on_with_more_trials(data, tmp_path):
    first = search_classifier(small(trials=2), data, tmp_path / "search", seed=1)
    more = search_classifier(small(trials=2), data, tmp_path / "search", seed=1, trials=4)
    assert len(first) == 2 and len(more) == 4 and set(first["trial"]) <= set(more["trial"])


def test_executions_are_averaged_over_seeds(data, tmp_path):
    table = search_classifier(small(executions=2, trials=1), data, tmp_path / "search", seed=1)
    histories = list((tmp_path / "search").glob("trial_*/training-*/history.csv"))
    assert len(histories) == 2 and len(table) == 1


@pytest.mark.slow
def test_hyperband_spends_more_epochs_on_better_settings(data, tmp_path):
    table = search_classifier(replace(small(), method="hyperband", epochs=4), data, tmp_path / "search", seed=1)
    assert table["epochs"].nunique() > 1 and table["epochs"].max() == 4


def test_another_search_in_the_folder_is_refused(data, tmp_path):
    search_classifier(small(trials=1), data, tmp_path / "search", seed=1)
    with pytest.raises(SearchError, match="holds another search"):
        search_classifier(small(trials=1), data, tmp_path / "search", seed=2)
    with pytest.raises(SearchError, match="holds no search"):
        classifier_trials(tmp_path / "nothing")
    with pytest.raises(SearchError, match="no search space 'all'"):
        classifier_space("all")


def test_the_originals_space_is_the_originals():
    import keras_tuner

    full = classifier_space("original", "full")
    assert (full.method, full.trials, full.executions, full.epochs) == ("random", 5, 2, 10)
    hyper = keras_tuner.HyperParameters()
    full.recipe(hyper)
    assert set(hyper.values) == {"dense_units", "learning_rate"}
    hyper.values |= {"dense_units": 384, "learning_rate": 1e-4}
    assert full.recipe(hyper).options == {"dense_units": 384}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.nightly
def test_a_chief_and_two_workers_search_together(collection, table, tmp_path):
    """The documented command on one machine; afterwards a single process reads the results."""
    from artnb.paintings import splits

    splits.save_split(table, tmp_path / "split.csv")
    environment = os.environ | {
        "ARTNB_DATA": str(collection.root),
        "ARTNB_HOME": str(tmp_path),
        "ARTNB_PROFILE": "quick",
    }
    address = f"127.0.0.1:{free_port()}"
    command = [
        sys.executable,
        "-m",
        "artnb",
        "search",
        "classifier",
        "original",
        "--split",
        str(tmp_path / "split.csv"),
    ]
    command += ["-o", str(tmp_path / "search"), "--trials", "3", "--chief", address, "--minutes", "5", "--json"]

    def start(*more):
        pipe = subprocess.PIPE
        return subprocess.Popen([*command, *more], env=environment, stdout=pipe, stderr=pipe, text=True, cwd=CHECKOUT)

    processes = [start(), start("--worker", "one"), start("--worker", "two")]
    outputs = [process.communicate(timeout=400) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    found = classifier_trials(tmp_path / "search")
    assert len(found) == 3 and json.loads(outputs[0][0])["results"][0]["val_accuracy"] == found["val_accuracy"][0]


@pytest.mark.slow
def test_a_chief_without_workers_gives_up_in_time(tmp_path):
    code = (
        "from artnb.common import searching\n"
        "from artnb.classification import search\n"
        f"with searching.distributed('127.0.0.1:{free_port()}', None, 0.02):\n"
        "    space = search.classifier_space('original', 'quick')\n"
        f"    search.search_classifier(space, None, {str(tmp_path / 'search')!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "not finished in 0.02 minutes" in done.stderr


def test_nonsense_addresses_are_refused():
    for address in ("somewhere", "127.0.0.1", ":8000", "127.0.0.1:http", "127.0.0.1:99999", "127.0.0.1:²"):
        with pytest.raises(SearchError, match="not the address of a chief"), distributed(address, None, None):
            pass


GARBAGE = ["", "nonsense", "[1, 2]", "5", "null", "[" * 100_000, "\ud800"]


@pytest.mark.parametrize("text", GARBAGE)
def test_a_folder_with_garbage_is_one_sentence(tmp_path, text):
    from artnb.common.resuming import begin_or_resume
    from artnb.errors import TrainingError

    for name in ("search.json", "training.json"):
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    for read in (
        lambda: classifier_trials(tmp_path),
        lambda: best(small(), tmp_path),
        lambda: search_classifier(small(), None, tmp_path),
    ):
        with pytest.raises(SearchError, match="name another folder"):
            read()
    with pytest.raises(TrainingError, match="name another folder"):
        begin_or_resume(tmp_path, {"seed": 1}, True, TrainingError)


@pytest.mark.parametrize("text", [*GARBAGE, "{}", '{"status": "COMPLETED"}', '{"status": "COMPLETED", "metrics": []}'])
def test_a_trial_of_garbage_is_one_sentence_and_resumed_all_the_same(tmp_path, text):
    (tmp_path / "search.json").write_text('{"space": "original"}')
    (tmp_path / "trial_0").mkdir()
    for name in ("trial_0/trial.json", "oracle.json", "tuner0.json"):
        (tmp_path / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(SearchError, match=r"can't be read|not a JSON object"):
        classifier_trials(tmp_path)
    with pytest.raises(SearchError, match="There are no pictures to search on"):
        search_classifier(small(), None, tmp_path)  # what keras-tuner remembers is not needed


def test_an_error_with_a_sentence_ends_a_search_that_can_be_resumed(data, tmp_path, capsys):
    with pytest.raises(SearchError, match="There are no pictures to search on"):
        search_classifier(small(trials=1), None, tmp_path / "search", seed=1)
    assert "Traceback" not in capsys.readouterr().err
    assert len(search_classifier(small(trials=1), data, tmp_path / "search", seed=1)) == 1


def test_a_search_of_another_kind_is_told_apart(tmp_path):
    from artnb.style.search import style_trials

    (tmp_path / "trial_0").mkdir()
    (tmp_path / "search.json").write_text('{"space": "ours"}')
    metrics = {"val_accuracy": {"observations": [{"value": [0.5], "step": 0}]}}
    trial = {"trial_id": "0", "status": "COMPLETED", "score": 0.5, "hyperparameters": {"values": {}}}
    (tmp_path / "trial_0/trial.json").write_text(json.dumps(trial | {"metrics": {"metrics": metrics}}))
    assert len(classifier_trials(tmp_path)) == 1
    with pytest.raises(SearchError, match="a search of another kind"):
        style_trials(tmp_path)


def test_a_file_is_no_folder_and_arguments_are_checked(tmp_path):
    from artnb.common.resuming import in_use
    from artnb.errors import ArtnbError, TrainingError

    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(TrainingError, match="is a file; name a folder"), in_use(file, TrainingError):
        pass
    with pytest.raises(SearchError, match="is a file; name a folder"):
        search_classifier(small(), None, file)
    for options, words in (
        ({"method": "zzz"}, "no method of search 'zzz'; there are random"),
        ({"trials": 0}, "number of trials is 0"),
        ({"trials": "x"}, "number of trials is 'x'"),
        ({"seed": "x"}, "The seed is 'x'"),
        ({"space": "ours"}, "what classifier_space returns"),
    ):
        with pytest.raises(ArtnbError, match=words):
            search_classifier(**{"space": small(), "data": None, "folder": tmp_path / "new"} | options)
    for name in (None, ["ours"]):
        with pytest.raises(SearchError, match="no search space"):
            classifier_space(name)
        with pytest.raises(SearchError, match="no search for the settings"):
            winner(name, tmp_path)
