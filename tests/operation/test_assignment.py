"""Experiments that were started: who gets which model, and verdicts that stay."""

import json
import shutil
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
import pytest

from artnb import models
from artnb.cli import main
from artnb.models import STARTERS
from artnb.operation import assignment, registry
from artnb.operation.assignment import (
    experiment_result,
    find_experiment,
    list_experiments,
    models_in_use,
    start_experiment,
    stop_experiment,
)
from artnb.operation.experiments import ExperimentError, judge, visitors_needed
from artnb.operation.store import Store

ARMS = ("starter", "starter-cnn")


@pytest.fixture
def home(use, tmp_path):
    use(home=tmp_path)
    return tmp_path


def start(name="spring", arms=ARMS, **plan):
    return start_experiment(name, arms, **{"base": 0.5, "lift": 0.4, **plan})


def folder(visitor):
    (found,) = models_in_use(visitor)
    return found.name


def answers(experiment, visitors, right):
    """Feedback of visitors, each about the model that the visitor got."""
    Store.default().add(
        "feedback",
        [
            {"model": "x", "version": experiment.identities[experiment.arm(who)], "visitor": who, "picture": "p",
             "said": "Goya", "artist": "Goya" if good else "Titian"}
            for who, good in zip(visitors, right, strict=True)
        ],
    )  # fmt: skip


def test_nobody_gets_anything_without_a_champion_and_an_experiment(home):
    assert models_in_use() == [] and models_in_use("a") == [] and list_experiments() == []
    assert not Store.default().file.exists()


def test_an_experiment_decides_for_each_visitor_whatever_the_order_of_its_arms(home, use, tmp_path):
    experiment = start()
    visitors = [f"v{number}" for number in range(60)]
    got = [folder(who) for who in visitors]
    assert set(got) == set(ARMS) and got == [folder(who) for who in visitors], "the same at every visit"
    assert len(models_in_use()) == 2 and experiment.needed == visitors_needed(0.5, 0.4)
    use(home=tmp_path / "other")
    start(arms=ARMS[::-1])
    assert got == [folder(who) for who in visitors]


def test_a_promotion_while_an_experiment_runs_changes_no_arm(home):
    registry.add("starter")
    registry.promote("art-classifier")
    registry.add("starter-cnn")
    experiment = start(arms=("registry:champion", "registry:challenger"))
    assert experiment.arms == ("registry:art-classifier@1", "registry:art-classifier@2")
    got = [folder(f"v{number}") for number in range(20)]
    registry.promote("art-classifier", reason="a test")
    assert got == [folder(f"v{number}") for number in range(20)]
    stop_experiment("spring")
    assert folder("v1") == "art-classifier-2", "the champion"
    registry.rollback("art-classifier")
    assert folder("v1") == "art-classifier-1"


def test_a_model_that_was_replaced_ends_no_page(home, monkeypatch):
    shutil.copytree(STARTERS / "starter", home / "models" / "mine")
    start(arms=("mine", "starter-cnn"))
    shutil.rmtree(home / "models" / "mine")
    events = []
    monkeypatch.setattr(assignment.logs, "failure", lambda *event, **fields: events.append(event[0]))
    assert models_in_use("a") == [] and events == ["experiment.lost"]


@pytest.mark.parametrize(
    ("arms", "sentence"),
    [(("starter", "starter"), "the same model"), (("starter", "starter-monet"), "a classifier was asked for")],
)
def test_two_models_that_cannot_be_compared_are_one_sentence(home, arms, sentence):
    with pytest.raises((ExperimentError, models.ModelError), match=sentence):
        start(arms=arms)
    assert list_experiments() == []


def test_one_experiment_runs_at_a_time_and_a_name_is_used_once(home):
    start()
    with pytest.raises(ExperimentError, match="'spring' runs already"):
        start("autumn")
    stop_experiment("spring")
    with pytest.raises(ExperimentError, match="choose another name"):
        start()
    with pytest.raises(ExperimentError, match="has ended already"):
        stop_experiment("spring")
    with pytest.raises(ExperimentError, match="There is no experiment 'winter'; there are 'spring'"):
        find_experiment("winter")
    with pytest.raises(ExperimentError, match="printable"):
        start("a\nb")
    assert start("autumn").ended is None


def test_the_verdict_counts_the_first_planned_visitors_and_stays(home):
    experiment = start()
    visitors = [f"v{number}" for number in range(6 * experiment.needed)]
    few = 10
    answers(experiment, visitors[:few], [True] * few)
    answers(experiment, visitors[:few], [False] * few)  # who answers twice is one visitor
    early = experiment_result("spring")
    assert early.p is None and sum(early.n) == few and early.accuracy == (1, 1) and early.outside == few
    second = [experiment.arm(who) == 1 for who in visitors]
    answers(experiment, visitors[few:], second[few:])
    verdict = experiment_result("spring")
    assert verdict.n == (experiment.needed,) * 2 and verdict.winner == "starter-cnn" and verdict.low > 0
    assert find_experiment("spring").ended and models_in_use("v1") == [], "it has ended, and there is no champion"
    answers(experiment, [f"late{number}" for number in range(100)], [False] * 100)
    Store.default().forget(before=datetime.now(UTC) + timedelta(days=1))  # not even who counted is there any more
    assert experiment_result("spring") == verdict == find_experiment("spring").verdict


def test_feedback_from_before_the_start_does_not_count(home):
    experiment = start()
    row = {"model": "x", "version": experiment.identities[0], "visitor": "v", "said": "a", "artist": "a"}
    Store.default().add("feedback", [row | {"time": "2020-01-01T00:00:00.000+00:00"}])
    assert experiment_result("spring").n == (0, 0)


def test_the_commands_start_look_and_stop(home, capsys):
    plan = ["watch", "experiment", "start", "spring", *ARMS, "--base", "0.85", "--lift", "0.05", "--json"]
    assert main(plan) == 0
    started = json.loads(capsys.readouterr().out)
    assert started["arms"] == list(ARMS) and started["needed"] == visitors_needed(0.85, 0.05) and not started["ended"]
    assert main(["watch", "experiment", "assign", "spring", "--visitor", "token", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["model"] == folder("token")
    assert main(["watch", "experiment", "result", "spring"]) == 0 and "Not decided" in capsys.readouterr().out
    assert main(["watch", "experiment", "list"]) == 0 and "running" in capsys.readouterr().out
    assert main(["watch", "experiment", "stop", "spring"]) == 0 and "without a result" in capsys.readouterr().out
    assert main(["watch", "experiment", "result", "summer"]) == 1 and "no experiment" in capsys.readouterr().err


VISITORS_A_DAY, DAYS, TIMES = 60, 60, 1000


def looked_at_daily(first, second, needed, seed):
    """The share of a thousand experiments in which a daily look ever finds a winner, and how many verdicts differ.

    Each day some visitors come, half of them to each arm by chance; each arm's first `needed` ones count.
    """
    rng = np.random.default_rng(seed)
    arms = rng.random((TIMES, VISITORS_A_DAY * DAYS)) < 0.5
    right = rng.random(arms.shape) < np.where(arms, second, first)
    hits, sizes = [], []
    for own in (~arms, arms):
        place = own.cumsum(1)
        counted = own & (place <= needed)
        end_of_day = slice(VISITORS_A_DAY - 1, None, VISITORS_A_DAY)
        sizes.append(counted.cumsum(1)[:, end_of_day])
        hits.append((counted & right).cumsum(1)[:, end_of_day])
    decide = lru_cache(None)(lambda a, b, n, m: judge((a, b), (n, m), needed).winner)
    winners, changes = 0, 0
    for looks in np.stack([*hits, *sizes], -1):
        verdicts = [decide(*map(int, look)) for look in looks if min(look[2:]) >= needed]
        winners += any(verdicts)
        changes += len(set(verdicts)) > 1
        assert verdicts, "the plan was reached"
    return winners / TIMES, changes


@pytest.mark.parametrize("share", [0.7, 0.85, 0.95])
def test_of_a_thousand_experiments_looked_at_daily_no_more_than_five_in_a_hundred_find_a_false_winner(share):
    """As far as a thousand can tell, with two of their standard deviations; the next but one computes it exactly."""
    found, changes = looked_at_daily(share, share, 663, seed=2)
    assert found <= 0.05 + 2 * (0.05 * 0.95 / TIMES) ** 0.5 and changes == 0


@pytest.mark.parametrize(("base", "lift", "power"), [(0.85, 0.05, 0.8), (0.6, 0.1, 0.9), (0.9, -0.05, 0.8)])
def test_the_power_of_experiments_looked_at_daily_is_as_planned(base, lift, power):
    found, changes = looked_at_daily(base, base + lift, visitors_needed(base, lift, power), seed=3)
    assert found == pytest.approx(power, abs=0.03) and changes == 0


@pytest.mark.parametrize(("needed", "share"), [(195, 0.85), (663, 0.85), (903, 0.8), (400, 0.95), (150, 0.5)])
def test_the_probability_of_a_false_winner_is_five_per_cent_at_most(needed, share):
    """Not simulated: the sum of the probabilities of all outcomes that have a winner."""
    from scipy.stats import binom

    counts = np.arange(needed + 1)
    chance = binom.pmf(counts, needed, share)
    likely = np.flatnonzero(chance > 1e-7)
    total = sum(
        chance[a] * chance[b]
        for a in likely
        for b in likely
        if abs(a - b) > 1 and _interval_excludes_zero(a, b, needed)
    )
    assert total <= 0.05


def _interval_excludes_zero(a, b, n, z=1.959963984540054):
    """Newcombe's formula, written out; `test_experiments` compares `judge` with his table."""

    def wilson(k):
        p, q = k / n, 1 - k / n
        low = 2 * k + z * z - 1 - z * np.sqrt(z * z - 2 - 1 / n + 4 * p * (n * q + 1))
        high = 2 * k + z * z + 1 + z * np.sqrt(z * z + 2 - 1 / n + 4 * p * (n * q - 1))
        return max(0, low / (2 * (n + z * z))), min(1, high / (2 * (n + z * z)))

    (low_a, high_a), (low_b, high_b), (p, q) = wilson(a), wilson(b), (a / n, b / n)
    low = q - p - np.hypot(q - low_b, high_a - p)
    high = q - p + np.hypot(high_b - q, p - low_a)
    return not low <= 0 <= high
