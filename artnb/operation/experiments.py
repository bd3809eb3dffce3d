"""A/B tests: two models, each shown to half of the visitors, and one look at the end.

The number of visitors is computed before, and nothing is decided before it is reached: whoever looks again and again,
and stops when it looks good, finds differences where there are none.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from artnb.errors import ArtnbError
from artnb.settings import settings

LEVEL = 0.05


class ExperimentError(ArtnbError, ValueError):
    """An experiment that can't be planned or judged as it was asked."""


def assign(visitor: str, experiment: str, arms: Sequence[str]) -> str:
    """The arm of a visitor: the same at every visit, and in another experiment another by chance."""
    digest = hashlib.sha256(f"{experiment}\0{visitor}".encode()).digest()
    return arms[int.from_bytes(digest[:8], "big") % len(arms)]


def visitors_needed(base: float, lift: float, power: float = 0.8, level: float = LEVEL) -> int:
    """How many visitors each arm needs.

    Args:
        base: the accuracy of the first arm, as far as it is known.
        lift: the difference that should not be missed, such as 0.03.
        power: how probable it then is that it is found.
        level: how probable it is that one is found although there is none (two-sided).

    Raises:
        ExperimentError: a number that is no probability.
    """
    from statsmodels.stats.power import NormalIndPower
    from statsmodels.stats.proportion import proportion_effectsize

    if not (0 < base < 1 and 0 < base + lift < 1 and lift and 0 < level < power < 1):
        raise ExperimentError(
            f"Got a base of {base:g}, a lift of {lift:g}, a power of {power:g} and a level of {level:g}; give "
            "probabilities between 0 and 1, base and lift together too, a lift other than 0, and more power than level."
        )
    effect = abs(proportion_effectsize(base + lift, base))
    return int(np.ceil(NormalIndPower().solve_power(effect, power=power, alpha=level)))


@dataclass(frozen=True)
class Result:
    """What an experiment says.

    Attributes:
        arms: the two names.
        n: visitors of each who said whether the answer was right.
        needed: of each, as planned.
        accuracy: share of right answers of each.
        difference: of the second less the first, with its 95 % interval `low` to `high`.
        low: see there.
        high: see there.
        p: of the two-sided z-test of two proportions; None until both arms are full.
        winner: the better arm if the difference is beyond chance.
        guardrail: what the latency says against the second arm, or "".
        outside: answers that were not counted: a visitor's second, or of a model that was not the visitor's.
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
        """For JSON."""
        values = asdict(self)
        for name in ("difference", "low", "high"):
            values[name] = None if np.isnan(values[name]) else round(values[name], 5)
        return values | {"accuracy": [None if np.isnan(share) else round(share, 5) for share in self.accuracy]}

    def report(self) -> str:
        """For a person."""
        lines = [
            f"{arm}: {f'{share:.1%} right of' if n else 'no answer yet,'} {n:,} visitors ({self.needed:,} needed)"
            for arm, share, n in zip(self.arms, self.accuracy, self.n, strict=True)
        ]
        if self.p is None:
            lines.append("Not decided: come back when both have enough.")
        else:
            verdict = f"{self.winner} is better" if self.winner else "no difference beyond chance"
            lines.append(
                f"Difference {self.difference:+.1%} ({self.low:+.1%} to {self.high:+.1%}), p {self.p:.3g}: {verdict}."
            )
        if self.outside:
            lines.append(f"{self.outside:,} answers were not counted: second ones, or of a model that was not theirs.")
        return "\n".join([*lines, *filter(None, [self.guardrail])])


def judge(
    right: tuple[int, int], n: tuple[int, int], needed: int, arms: tuple[str, str] = ("A", "B"), level: float = LEVEL
) -> Result:
    """Compare two shares once both arms are full.

    Args:
        right: visitors of each arm whose answer was right.
        n: visitors of each arm.
        needed: as `visitors_needed` says; before both have so many, p and winner are None.
        arms: their names.
        level: of the test.

    Raises:
        ExperimentError: more right answers than visitors.
    """
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    if any(not 0 <= hits <= number for hits, number in zip(right, n, strict=True)):
        raise ExperimentError(f"Got {right} right answers of {n} visitors; give as many or fewer.")
    accuracy = tuple(hits / number if number else float("nan") for hits, number in zip(right, n, strict=True))
    low, high, p = float("nan"), float("nan"), None
    if min(n):
        low, high = confint_proportions_2indep(right[1], n[1], right[0], n[0], method="newcomb")
    if min(n) >= needed:
        same = sum(right) in (0, sum(n))  # nothing to divide by
        p = 1.0 if same else float(proportions_ztest(right, n)[1])
    difference = accuracy[1] - accuracy[0]
    winner = arms[int(difference > 0)] if p is not None and p < level else None
    return Result(arms, n, needed, (accuracy[0], accuracy[1]), difference, float(low), float(high), p, winner)


def result(
    experiment: str, arms: tuple[str, str], needed: int, feedback: pd.DataFrame, predictions: pd.DataFrame
) -> Result:
    """Judge an experiment by what visitors said, and by how long they waited.

    A visitor counts once, with the first answer to the model that is the visitor's by `assign`.

    Args:
        experiment: its name.
        arms: the names of the two models.
        needed: visitors of each, as planned.
        feedback: `model`, `visitor`, `said`, `artist`, in the order of time.
        predictions: `model`, `visitor`, `seconds`.
    """
    from dataclasses import replace

    pairs = zip(feedback["visitor"].fillna(""), feedback["model"], strict=True)
    mine = [bool(visitor) and model == assign(visitor, experiment, arms) for visitor, model in pairs]
    counted = feedback[np.array(mine, bool)].drop_duplicates("visitor")
    right = counted["said"] == counted["artist"]
    hits, sizes = ([int(values[counted["model"] == arm].sum()) for arm in arms] for values in (right, right | True))
    found = judge((hits[0], hits[1]), (sizes[0], sizes[1]), needed, arms)
    seconds = [predictions.loc[predictions["model"] == arm, "seconds"].dropna().to_numpy(float) for arm in arms]
    of_arms = int(feedback["model"].isin(arms).sum())
    return replace(found, guardrail=slower(seconds[0], seconds[1], arms), outside=of_arms - len(counted))


def slower(
    first: np.ndarray, second: np.ndarray, arms: tuple[str, str] = ("A", "B"), tolerated: float = 1.2
) -> str:  # fmt: skip
    """A sentence if the second arm makes the slowest twentieth wait clearly longer, otherwise "".

    Clearly: the 95 % interval (bootstrap) of the ratio of the 95th percentiles lies above `tolerated`.

    Args:
        first: seconds of each answer, (n,).
        second: the same of the other arm, (m,).
        arms: their names.
        tolerated: a ratio.
    """
    from scipy.stats import bootstrap

    if min(len(first), len(second)) < 20:
        return ""

    def ratio(a: np.ndarray, b: np.ndarray, axis: int = -1) -> np.ndarray:
        return np.quantile(b, 0.95, axis=axis) / np.quantile(a, 0.95, axis=axis)

    rng = np.random.default_rng(settings.seed)
    few = [values if len(values) <= 5000 else rng.choice(values, 5000, replace=False) for values in (first, second)]
    low = float(bootstrap(few, ratio, n_resamples=500, method="percentile", rng=rng, batch=100).confidence_interval.low)
    if low <= tolerated:
        return ""
    return (
        f"Stop: the slowest twentieth of {arms[1]}'s answers takes at least {low:.1f} times as long "
        f"as that of {arms[0]}; {tolerated:g} times is tolerated."
    )


@dataclass(frozen=True)
class Preference:
    """Which of two models' pictures people prefer.

    Attributes:
        n: comparisons with a preference.
        share: of them for the second model.
        low: of its 95 % interval (Wilson).
        high: see there.
        p: of the two-sided binomial test against one half.
    """

    n: int
    share: float
    low: float
    high: float
    p: float


def preference(for_second: int, n: int) -> Preference:
    """Judge how often the second of two pictures was preferred.

    Raises:
        ExperimentError: no comparisons, or more preferences than those.
    """
    from scipy.stats import binomtest

    if not 0 <= for_second <= n or n == 0:
        raise ExperimentError(f"Got {for_second} preferences of {n} comparisons; give one comparison or more.")
    found = binomtest(for_second, n)
    interval = found.proportion_ci(method="wilson")
    return Preference(n, for_second / n, float(interval.low), float(interval.high), float(found.pvalue))


def preferred(ratings: pd.DataFrame, arms: tuple[str, str]) -> Preference:
    """Which of two models is preferred in blind ratings: by the total of one rater for one picture, without ties.

    Args:
        ratings: as `ratings.load` returns them.
        arms: the names of the two models.
    """
    total = ratings[(ratings["question"] == "total") & ratings["model"].isin(arms)]
    pairs = total.pivot_table(index=["rater", "picture"], columns="model", values="score").reindex(columns=list(arms))
    difference = (pairs[arms[1]] - pairs[arms[0]]).dropna()
    return preference(int((difference > 0).sum()), int((difference != 0).sum()))
