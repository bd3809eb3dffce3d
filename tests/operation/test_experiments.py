"""A/B tests with known truth: their false positive rate and their power."""

import sys

import numpy as np
import pandas as pd
import pytest

from artnb.common import extras
from artnb.operation import experiments
from artnb.operation.experiments import ExperimentError, assign, judge, visitors_needed

ARMS = ("champion", "challenger")


def test_a_visitor_gets_the_same_model_every_time_and_half_get_each():
    visitors = [f"visitor-{number}" for number in range(10_000)]
    first = [assign(visitor, "one", ARMS) for visitor in visitors]
    assert first == [assign(visitor, "one", ARMS) for visitor in visitors]
    assert abs(first.count("champion") - 5000) < 4 * 50  # four standard deviations
    other = [assign(visitor, "two", ARMS) for visitor in visitors]
    assert abs(sum(map(str.__eq__, first, other)) - 5000) < 4 * 50, "another experiment assigns independently"


def test_an_assignment_is_the_same_on_every_machine():
    assert [assign(visitor, "spring", ARMS) for visitor in "abcd"] == [
        "champion", "challenger", "champion", "champion"
    ]  # fmt: skip


def test_the_size_is_that_of_cohens_tables():
    # Cohen (1988), table 6.4.1: h = 0.20, two-sided 5 %, power 0.80: n = 392 in each sample; corrected for continuity,
    # some twenty more here (Fleiss, Tytun and Ury, 1980).
    base = 0.5
    lift = np.sin((2 * np.arcsin(np.sqrt(base)) + 0.2) / 2) ** 2 - base
    least, most = (n / 4 * (1 + np.sqrt(1 + 4 / (n * lift))) ** 2 for n in (392, 392.5))  # 392 is a rounded number
    assert least > 411 and np.ceil(least) <= visitors_needed(base, lift) <= np.ceil(most)
    assert visitors_needed(base, -lift) == visitors_needed(base, lift)


@pytest.mark.parametrize("base, lift", [
    (0.9, 0.1), (0.9, 0.0), (0.0, 0.1), (1.2, 0.1), (0.1, -0.2), (0.8, 1e-300), (0.8, 1e-9), (0.8, -1e-9),
    (0.8, float("nan")), (float("nan"), 0.1), (0.8, float("inf")),
])  # fmt: skip
def test_a_plan_that_cannot_be_is_one_sentence(base, lift):
    with pytest.raises(ExperimentError, match="probabilities between 0 and 1"):
        visitors_needed(base, lift)


@pytest.mark.filterwarnings("error")
def test_what_the_solver_cannot_find_is_a_sentence_and_no_warning():
    for base, lift, power, level in ((0.01, 0.98, 0.5, 0.01), (0.8, -0.5, 0.0501, 0.01), (0.5, -0.0001, 0.8, 1e-12)):
        try:
            assert visitors_needed(base, lift, power, level) > 0
        except ExperimentError as error:
            assert "no number of visitors follows" in str(error)
    assert visitors_needed(0.8, 0.0001) > 10**8


def simulate(first, second, n, seed, times=1000):
    """The share of simulated experiments that find a winner."""
    rng = np.random.default_rng(seed)
    hits = rng.binomial(n, [first, second], (times, 2))
    return np.mean([judge((int(a), int(b)), (n, n), n, ARMS).winner is not None for a, b in hits])


@pytest.mark.parametrize("share", [0.5, 0.85, 0.95])
def test_without_a_difference_one_is_found_in_at_most_65_of_1000(share):
    assert simulate(share, share, 400, seed=11) <= 0.065


@pytest.mark.parametrize("base, lift, power", [(0.85, 0.05, 0.8), (0.6, 0.1, 0.9), (0.9, -0.06, 0.7)])
def test_the_power_is_as_computed_within_three_points(base, lift, power):
    assert simulate(base, base + lift, visitors_needed(base, lift, power), seed=12) == pytest.approx(power, abs=0.03)


def test_the_figures_are_those_of_a_textbook():
    # z = (0.30 - 0.20) / sqrt(0.25 * 0.75 * (1/200 + 1/200)) = 2.3094, two-sided p = 0.02092.
    result = judge((40, 60), (200, 200), 200, ARMS)
    assert result.p == pytest.approx(0.02092, abs=1e-5) and result.winner == "challenger"
    assert result.difference == pytest.approx(0.1) and result.low < 0.1 < result.high and result.low > 0
    assert judge((60, 40), (200, 200), 200, ARMS).winner == "champion"


@pytest.mark.parametrize("use", [lambda: visitors_needed(0.5, 0.1), lambda: judge((40, 60), (200, 200), 200, ARMS)])
def test_without_its_package_the_whole_extra_is_named(use, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.stats.proportion", None)
    monkeypatch.setattr(extras, "_installed", lambda package: False)
    with pytest.raises(extras.MissingExtraError, match=r"needs statsmodels, .*mlflow.*statsmodels.*seaborn"):
        use()


def test_nothing_is_decided_before_both_are_full():
    result = judge((10, 99), (100, 199), 200, ARMS)
    assert result.p is None and result.winner is None and "Not decided" in result.report()
    assert judge((0, 0), (0, 0), 200, ARMS).to_dict()["low"] is None


@pytest.mark.parametrize("right", [0, 50])
def test_all_right_or_all_wrong_is_no_difference(right):
    assert judge((right, right), (50, 50), 50).p == 1


def test_more_right_than_asked_is_refused():
    with pytest.raises(ExperimentError):
        judge((5, 1), (4, 4), 4)


def test_only_a_visitors_first_answer_about_the_own_arm_counts():
    visitors = [f"v{number}" for number in range(200)]
    own_arms = [assign(visitor, "x", ARMS) for visitor in visitors]
    rows = pd.DataFrame({"visitor": visitors, "model": own_arms, "said": "Titian", "artist": "Titian"})
    wrong = rows.assign(artist="Goya")  # a second answer, or one to the other's model
    other = wrong.assign(model=[ARMS[arm == ARMS[0]] for arm in own_arms])
    anonymous = wrong.assign(visitor="")
    feedback = pd.concat([other, rows, wrong, anonymous], ignore_index=True)
    seconds = pd.DataFrame({"model": own_arms, "visitor": visitors, "seconds": 0.1})
    result = experiments.result("x", ARMS, 100, feedback, seconds)
    assert sum(result.n) == 200 and result.accuracy == (1, 1) and result.outside == 600
    assert result.p == 1 and result.guardrail == ""


def test_a_challenger_that_lets_people_wait_is_stopped_and_an_equal_one_is_not():
    rng = np.random.default_rng(3)
    first, same = rng.lognormal(-3, 0.4, (2, 2000))
    assert experiments.slower(first, same, ARMS) == ""
    assert "challenger's answers take at least" in experiments.slower(first, 2 * same, ARMS)
    assert experiments.slower(first, 1.15 * first, ARMS) == "", "a fifth is allowed"
    assert experiments.slower(first, same[:5] * 9, ARMS) == "", "five answers say nothing"
    alarms = sum(bool(experiments.slower(*rng.lognormal(-3, 0.4, (2, 100)), ARMS)) for _ in range(40))
    assert alarms <= 4


def test_preferences_are_judged_by_the_binomial_test():
    # 15 or more heads of 20, or 5 or fewer: 2 * 21700 / 2**20.
    result = experiments.preference(15, 20)
    assert result.p == pytest.approx(2 * 21700 / 2**20) and result.share == 0.75 and result.low < 0.75 < result.high
    with pytest.raises(ExperimentError):
        experiments.preference(0, 0)


def test_blind_ratings_become_preferences_without_ties():
    scores = [("a", "cat", 3, 5), ("b", "cat", 4, 4), ("a", "dog", 2, 3), ("b", "dog", 5, 1), ("c", "dog", 1, None)]
    rows = [
        {"rater": rater, "picture": picture, "model": model, "question": "total", "score": score}
        for rater, picture, *both in scores
        for model, score in zip(ARMS, both, strict=True)
        if score
    ]
    ratings = pd.DataFrame([*rows, {**rows[0], "question": "style", "score": 1}])
    result = experiments.preferred(ratings, ARMS)
    # a prefers the second twice, b the first once: the mean of 1 and 0.
    assert (result.n, result.raters, result.share) == (3, 2, 0.5) and result.p == pytest.approx(1)
    assert result.low == pytest.approx(1 - result.high) and 0 < result.low < 0.2
    with pytest.raises(ExperimentError, match="Nobody has rated"):
        experiments.preferred(ratings[ratings["rater"] == "c"], ARMS)


def ratings_of(shares, pictures, random):
    """Totals of people who prefer the second model with these probabilities."""
    return pd.DataFrame(
        {"rater": "AB", "session": f"s{who}", "picture": str(k), "model": model, "question": "total", "score": score}
        for who, share in enumerate(shares)
        for k, second in enumerate(random.random(pictures) < share)
        for model, score in zip(ARMS, (2, 4) if second else (4, 2), strict=True)
    )


@pytest.mark.parametrize(("share", "raters", "pictures"), [(0.5, 8, 6), (0.7, 6, 5), (0.8, 10, 3), (0.5, 12, 1)])
def test_a_preference_holds_the_true_share_over_raters_who_differ(share, raters, pictures):
    random, results = np.random.default_rng(5), []
    for _ in range(120):
        people = random.beta(share, 1 - share, raters)  # most are for one model or the other, whatever the picture
        results.append(experiments.preferred(ratings_of(people, pictures, random), ARMS))
    assert 0.9 <= np.mean([result.low <= share <= result.high for result in results]) <= 0.985
    assert all((result.p < 0.05) == (not result.low <= 0.5 <= result.high) for result in results), "one method"
    assert {(result.n, result.raters) for result in results} == {(raters * pictures, raters)}


def test_an_arm_does_not_depend_on_the_order_of_the_names():
    visitors = [f"v{number}" for number in range(200)]
    arms = [experiments.assign(visitor, "x", ARMS) for visitor in visitors]
    assert arms == [experiments.assign(visitor, "x", ARMS[::-1]) for visitor in visitors] and set(arms) == set(ARMS)


def test_the_interval_is_newcombes_and_a_winner_is_outside_of_it():
    found = experiments.judge((48, 56), (80, 70), 70)  # Newcombe, Statistics in Medicine 17 (1998), table II (a)
    assert (found.low, found.high) == pytest.approx((0.0428, 0.3422), abs=1e-4) and found.winner == "B"
    near = experiments.judge((0, 4), (50, 50), 50)  # the z-test alone would have called it
    assert near.p < 0.05 and near.low < 0 and near.winner is None
    assert experiments.judge((50, 9), (100, 10), 50).p is None, "one arm is full, the other is not"


@pytest.mark.parametrize("n", [5, 12, 20, 50])
def test_a_false_winner_is_never_more_probable_than_five_per_cent(n):
    """Not simulated: the sum of the probabilities of all outcomes that have a winner, whatever the accuracy is."""
    from scipy.stats import binom

    counts = range(n + 1)
    won = np.array([[judge((a, b), (n, n), n).winner is not None for b in counts] for a in counts])
    assert won.any()
    for share in np.linspace(0.01, 0.99, 99):
        chance = binom.pmf(counts, n, share)
        assert chance @ won @ chance <= 0.05


def test_who_looks_again_later_finds_the_same_verdict():
    random, enough = np.random.default_rng(8), 40
    visitors = [f"v{number}" for number in range(400)]
    rows = pd.DataFrame({"visitor": visitors, "model": [experiments.assign(who, "x", ARMS) for who in visitors]})
    rows = rows.assign(artist="Goya", said=np.where(random.random(400) < 0.6, "Goya", "Titian"))
    predictions = pd.DataFrame(columns=["model", "visitor", "seconds"])
    looks = [experiments.result("x", ARMS, enough, rows[:number], predictions) for number in (50, 150, 250, 400)]
    assert looks[0].p is None and {look.n for look in looks[1:]} == {(40, 40)}
    assert len({(look.p, look.low, look.winner) for look in looks[1:]}) == 1
    assert [look.outside for look in looks[1:]] == [70, 170, 320]
