"""A/B tests: two models, each shown to half of the visitors, and one test at the end.

The number of visitors is computed beforehand, and nothing is decided before it is reached: testing again and again, and
stopping at the first significant result ("peeking"), finds differences where there are none. Experiments that decide
which model a visitor gets are in `assignment`.
"""

import hashlib
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from artnb.common import extras
from artnb.errors import ArtnbError
from artnb.operation.ratings import persons
from artnb.settings import settings

SIGNIFICANCE = 0.05
LEAST_LIFT = 0.0001  # less takes hundreds of millions of visitors


class ExperimentError(ArtnbError, ValueError):
    """Numbers with which an experiment can't be planned or judged."""


def assign(visitor: str, experiment: str, arms: Sequence[str]) -> str:
    """The arm of a visitor: the same at every visit, in whatever order the arms are given.

    It is independent of the arms in other experiments.
    """
    digest = hashlib.sha256(f"{experiment}\0{visitor}".encode()).digest()
    return sorted(arms)[int.from_bytes(digest[:8], "big") % len(arms)]


def visitors_needed(base: float, lift: float, power: float = 0.8, level: float = SIGNIFICANCE) -> int:
    """How many visitors each arm needs for a winner to be found by `judge`.

    That of the normal approximation (Cohen, "Statistical Power Analysis", 1988, section 6.4), with the correction for
    an interval that is corrected for continuity (Fleiss, Tytun and Ury, Biometrics 36, 1980, equation 4).

    Args:
        base: the expected accuracy of the first arm.
        lift: the smallest difference that should be detected, such as 0.03; at least 0.0001 up or down.
        power: the probability of detecting such a difference.
        level: the probability of detecting a difference where there is none (two-sided).

    Raises:
        ExperimentError: a number is not a probability, the lift is too small, the power is not above the level, or
            these two are so near to each other or to 0 or 1 that no number can be computed.
    """
    with extras.needed("operation", "An experiment needs"):
        from statsmodels.stats.power import NormalIndPower
        from statsmodels.stats.proportion import proportion_effectsize

    got = f"Got a base of {base:g}, a lift of {lift:g}, a power of {power:g} and a level of {level:g}"
    if not (0 < base < 1 and 0 < base + lift < 1 and abs(lift) >= LEAST_LIFT and 0 < level < power < 1):
        raise ExperimentError(
            f"{got}; give probabilities between 0 and 1, base and lift together too, a lift of at least {LEAST_LIFT:g} "
            "up or down, and more power than level."
        )
    effect = abs(proportion_effectsize(base + lift, base))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the solver tries numbers that are none; what it finds is checked
        needed = np.ravel(NormalIndPower().solve_power(effect, power=power, alpha=level))[0]
        reached = NormalIndPower().power(effect, needed, level)
    if not (needed > 0 and abs(reached - power) < 1e-6):
        raise ExperimentError(
            f"{got}, of which no number of visitors follows; give a smaller lift, a power such as 0.8 and a level such "
            "as 0.05."
        )
    return int(np.ceil(needed / 4 * (1 + np.sqrt(1 + 4 / (needed * abs(lift)))) ** 2))


@dataclass(frozen=True)
class Result:
    """The result of an experiment.

    Attributes:
        arms: the names of the two models.
        n: visitors of each arm who gave feedback.
        needed: visitors that each arm needs, as planned.
        accuracy: share of right answers of each arm.
        difference: accuracy of the second arm minus that of the first.
        low: lower end of the difference's 95 % interval, which decides (Newcombe, "Interval estimation for the
            difference between independent proportions", Statistics in Medicine 17, 1998, method 11: corrected for
            continuity, so that a winner where there is no difference is never more probable than 5 %).
        high: its upper end.
        p: p-value of the two-sided z-test of two proportions, which decides nothing; None until both arms have enough
            visitors.
        winner: the better arm, if the interval of the difference does not hold 0.
        guardrail: a warning if the second arm is too slow, otherwise "".
        outside: feedback that was not counted: a visitor's second answer, one about the other arm's model, or one that
            came when the arm had enough.
    """

    arms: tuple[str, str]
    n: tuple[int, int]
    needed: int
    accuracy: tuple[float, float]
    difference: float
    low: float
    high: float
    p: float | None
    winner: str | None
    guardrail: str = ""
    outside: int = 0

    def to_dict(self) -> dict[str, Any]:
        """All attributes, as JSON can hold them."""
        values = asdict(self)
        for name in ("difference", "low", "high"):
            values[name] = None if np.isnan(values[name]) else round(values[name], 5)
        return values | {"accuracy": [None if np.isnan(share) else round(share, 5) for share in self.accuracy]}

    def report(self) -> str:
        """The result as text, a line per arm, then the verdict."""
        lines = [
            f"{arm}: {f'{share:.1%} right of' if n else 'no answer yet,'} {n:,} visitors ({self.needed:,} needed)"
            for arm, share, n in zip(self.arms, self.accuracy, self.n, strict=True)
        ]
        if self.p is None:
            lines.append("Not decided: wait until both models have enough visitors.")
        else:
            verdict = f"{self.winner} is better" if self.winner else "no difference beyond chance"
            lines.append(
                f"Difference {self.difference:+.1%} (95 % interval {self.low:+.1%} to {self.high:+.1%}): {verdict}."
            )
        if self.outside:
            lines.append(f"{self.outside:,} answers were not counted: repeated, late, or about the other arm's model.")
        return "\n".join([*lines, *filter(None, [self.guardrail])])


def judge(
    right: tuple[int, int],
    n: tuple[int, int],
    needed: int,
    arms: tuple[str, str] = ("A", "B"),
    level: float = SIGNIFICANCE,
) -> Result:
    """Compare the accuracies of two arms once both have enough visitors.

    Args:
        right: visitors of each arm whose answer was right.
        n: visitors of each arm.
        needed: see `visitors_needed`; until both arms have as many, p and winner are None.
        arms: the names of the two models.
        level: 1 minus the confidence of the interval: the probability of a winner where there is no difference.

    Raises:
        ExperimentError: there are more right answers than visitors.
    """
    with extras.needed("operation", "An experiment needs"):
        from statsmodels.stats.proportion import proportions_ztest
    from scipy.stats import binomtest

    if any(not 0 <= hits <= number for hits, number in zip(right, n, strict=True)):
        raise ExperimentError(f"Got {right} right answers of {n} visitors; give no more right answers than visitors.")
    accuracy = tuple(hits / number if number else float("nan") for hits, number in zip(right, n, strict=True))
    low, high, p = float("nan"), float("nan"), None
    difference = accuracy[1] - accuracy[0]
    if min(n):
        first, second = (
            binomtest(hits, number).proportion_ci(1 - level, "wilsoncc") for hits, number in zip(right, n, strict=True)
        )
        low = difference - np.hypot(accuracy[1] - second.low, first.high - accuracy[0])
        high = difference + np.hypot(second.high - accuracy[1], accuracy[0] - first.low)
    if min(n) >= needed:
        constant = sum(right) in (0, sum(n))  # the test would divide by a variance of 0
        p = 1.0 if constant else float(proportions_ztest(right, n)[1])
    winner = arms[int(difference > 0)] if p is not None and not low <= 0 <= high else None
    return Result(arms, n, needed, (accuracy[0], accuracy[1]), difference, float(low), float(high), p, winner)


def result(
    experiment: str, arms: tuple[str, str], needed: int, feedback: pd.DataFrame, predictions: pd.DataFrame
) -> Result:
    """Judge an experiment by the visitors' feedback, and by how long they waited.

    A visitor counts once, with the first feedback about the model of the visitor's arm, see `assign`. Of each arm the
    first `needed` visitors count, so that who looks again later finds the same verdict, and luck gets one chance only.

    Args:
        experiment: its name.
        arms: the names of the two models.
        needed: visitors that each arm needs, as planned.
        feedback: `model`, `visitor`, `said`, `artist`, in the order of time.
        predictions: `model`, `visitor`, `seconds`.
    """
    pairs = zip(feedback["visitor"].fillna(""), feedback["model"], strict=True)
    of_own_arm = [bool(visitor) and model == assign(visitor, experiment, arms) for visitor, model in pairs]
    first = feedback[np.array(of_own_arm, bool)].drop_duplicates("visitor")
    right = first["said"] == first["artist"]
    answers = [right[first["model"] == arm].head(needed) for arm in arms]
    hits, sizes = [int(each.sum()) for each in answers], [len(each) for each in answers]
    verdict = judge((hits[0], hits[1]), (sizes[0], sizes[1]), needed, arms)
    seconds = [predictions.loc[predictions["model"] == arm, "seconds"].dropna().to_numpy(float) for arm in arms]
    outside = int(feedback["model"].isin(arms).sum()) - sum(sizes)
    return replace(verdict, guardrail=slower(seconds[0], seconds[1], arms), outside=outside)


def slower(first: np.ndarray, second: np.ndarray, arms: tuple[str, str] = ("A", "B"), max_ratio: float = 1.2) -> str:
    """A warning if the second arm is significantly slower, otherwise "".

    Significantly: the 95 % interval (bootstrap) of the ratio of the 95th percentiles lies above `max_ratio`.

    Args:
        first: seconds of each answer of the first arm, (n,).
        second: the same of the second arm, (m,).
        arms: the names of the two models.
        max_ratio: how many times as long answers of the second arm may take.
    """
    from scipy.stats import bootstrap

    if min(len(first), len(second)) < 20:
        return ""

    def ratio(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.quantile(b, 0.95, axis=axis) / np.quantile(a, 0.95, axis=axis)

    rng = np.random.default_rng(settings.seed)
    samples = [values if len(values) <= 5000 else rng.choice(values, 5000, replace=False) for values in (first, second)]
    low = float(
        bootstrap(samples, ratio, n_resamples=500, method="percentile", rng=rng, batch=100).confidence_interval.low
    )
    if low <= max_ratio:
        return ""
    return (
        f"Stop: the slowest 5 % of {arms[1]}'s answers take at least {low:.1f} times as long as those of {arms[0]}; "
        f"{max_ratio:g} times is allowed."
    )


@dataclass(frozen=True)
class Preference:
    """Which of two models' pictures people prefer.

    Attributes:
        n: comparisons with a preference.
        share: share of these that prefer the second model.
        low: lower end of the share's 95 % interval (Wilson).
        high: its upper end.
        p: p-value of the two-sided test against one half.
        raters: how many people compared; None if each comparison is another person's.
    """

    n: int
    share: float
    low: float
    high: float
    p: float
    raters: int | None = None


def preference(for_second: int, n: int) -> Preference:
    """Test how often the second of two pictures was preferred, each time by another person (binomial test).

    Raises:
        ExperimentError: there are no comparisons, or more preferences than comparisons.
    """
    from scipy.stats import binomtest

    if not 0 <= for_second <= n or n == 0:
        raise ExperimentError(
            f"Got {for_second} preferences of {n} comparisons; give one comparison or more, and as many preferences "
            "or fewer."
        )
    test = binomtest(for_second, n)
    interval = test.proportion_ci(method="wilson")
    return Preference(n, for_second / n, float(interval.low), float(interval.high), float(test.pvalue))


def preferred(ratings: pd.DataFrame, arms: tuple[str, str]) -> Preference:
    """Which of two models is preferred in blind ratings: by each rater's total for each picture, without ties.

    One person's preferences are alike, so the share is the mean of each person's, and Wilson's interval is that of as
    many comparisons as would vary as much (Korn and Graubard, "Confidence Intervals for Proportions with Small
    Expected Number of Positive Counts Estimated from Survey Data", 1998), at least one for each person. In a simulation
    it holds the true share in 90 to 99 % with 5 to 25 raters who differ, up to 100 % with such as don't, and in 85 to
    100 % with 2 or 3.

    Args:
        ratings: see `ratings.load_ratings`.
        arms: the names of the two models.

    Raises:
        ExperimentError: nobody has rated a picture of both differently.
    """
    from scipy.stats import norm

    with extras.needed("operation", "An experiment needs"):
        from statsmodels.stats.proportion import proportion_confint

    total = ratings[(ratings["question"] == "total") & ratings["model"].isin(arms)].assign(person=persons)
    pairs = total.pivot_table(index=["person", "picture"], columns="model", values="score").reindex(columns=list(arms))
    difference = (pairs[arms[1]] - pairs[arms[0]]).dropna()
    difference = difference[difference != 0]
    if difference.empty:
        raise ExperimentError(
            f"Nobody has rated a picture of {arms[0]!r} and of {arms[1]!r} differently; collect more ratings."
        )
    shares = (difference > 0).groupby("person").mean().to_numpy()
    n, raters, share = len(difference), len(shares), float(shares.mean())
    variance = share * (1 - share)  # of one comparison
    # One more rater is imagined, who disagrees: few real ones may agree by chance.
    between = (((shares - share) ** 2).sum() + variance) / raters
    alike = min(max(raters * variance / between, raters), n) if variance else raters
    low, high = proportion_confint(share * alike, alike, method="wilson")
    p = float(2 * norm.sf(abs(share - 0.5) * 2 * alike**0.5))
    return Preference(n, share, float(low), float(high), p, raters)
