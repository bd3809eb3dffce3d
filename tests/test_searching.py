"""A search that is killed anywhere and resumed is the one that was never killed."""

import json

import keras_tuner as kt
import pytest

from artnb.common.searching import SearchError, finished_trials, search
from tests.killing import snapshots

OBJECTIVE = kt.Objective("score", "max")


def declare(hp):
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    hp.Choice("width", [1, 2, 3])


class Work:
    """Scores that follow from the settings."""

    def __init__(self):
        self.done = 0

    def __call__(self, hyper, place):
        self.done += 1
        values = hyper.values
        return [{"score": values["rate"] * values["width"] + values.get("tuner/epochs", 0) / 7, "depth": 0.1}] * 2


def searched(folder, work, method, trials=4, seed=0, **changes):
    options = {"identity": {"space": "x"}, "declare": declare} | changes
    search(work, folder=folder, objective=OBJECTIVE, seed=seed, method=method, trials=trials, max_epochs=3, **options)
    return finished_trials(folder, "artnb")


@pytest.mark.parametrize("method", ["random", "bayesian", "hyperband"])
def test_a_search_killed_anywhere(method, tmp_path):
    with snapshots(tmp_path / "s") as killed:
        whole = searched(tmp_path / "s", work := Work(), method)
    assert len(whole) == work.done >= 4 and len(killed) > 6 * len(whole)
    for place in killed:
        known = len(list(place.glob("trial_*/result.json")))
        assert searched(place, resumed := Work(), method) == whole
        assert resumed.done == work.done - known, "what was finished is not done again"


def test_more_trials_are_the_same_as_many_at_once(tmp_path):
    """The names of trials have as many digits as their number."""
    searched(tmp_path / "s", Work(), "bayesian", trials=3)
    more = searched(tmp_path / "s", work := Work(), "bayesian", trials=10)
    assert work.done == 7
    assert more == searched(tmp_path / "at once", Work(), "bayesian", trials=10)


def test_another_range_of_settings_is_another_search(tmp_path):
    searched(tmp_path, Work(), "random")
    with pytest.raises(SearchError, match="another range of settings"):
        searched(tmp_path, Work(), "random", declare=lambda hp: hp.Float("rate", 0.0, 1.0))


@pytest.mark.parametrize("text", ["", '{"values": {"ra', "[1]", "{}", "null"])
def test_a_damaged_result_is_found_again(tmp_path, text):
    whole = searched(tmp_path, Work(), "random")
    for name in ("trial_2/result.json", "trial_2/trial.json", "oracle.json", "tuner0.json"):
        (tmp_path / name).write_text(text)
    assert searched(tmp_path, work := Work(), "random") == whole and work.done == 1


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), ValueError("x")])
def test_what_a_trial_raises_ends_the_search_and_is_no_result(tmp_path, error):
    def broken(hyper, place):
        raise error

    with pytest.raises(type(error)) as caught:
        searched(tmp_path, broken, "random")
    assert caught.value is error
    assert len(searched(tmp_path, Work(), "random")) == 4


def test_a_search_under_way_is_left_alone(tmp_path):
    def meddling(hyper, place):
        import threading

        def second():
            try:
                searched(tmp_path, Work(), "random")
            except SearchError as error:
                said.append(str(error))

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
        return {"score": 1.0}

    said: list[str] = []
    searched(tmp_path, meddling, "random", trials=1)
    assert len(said) == 1 and "Another process works in" in said[0]
    assert json.loads((tmp_path / "search.json").read_text())["space"] == "x"
