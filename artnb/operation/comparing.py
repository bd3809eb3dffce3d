"""Two models on the same test pictures, which neither was trained on: is the new one good enough to take over?

The question is one of non-inferiority: a new model may be worse by a margin at most, and the pictures must show that it
is not. They are the same at every promotion, so each one uses them again. A new model is compared with the best
champion so far, so the measured value can't go down in many small steps. The true one can: of many slightly worse
candidates, some pass by luck, and their losses add up. In a simulation with 547 pictures, 100 candidates in turn, each
truly a point worse than the champion and of another opinion on 8 % of the pictures, took the true accuracy from 90 % to
about 87 %, while the measured one rose. From time to time, measure on pictures that no promotion has seen.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from artnb.cards import Card
from artnb.classification.evaluation import read_answers
from artnb.errors import ArtnbError

# Both were chosen by the probabilities for 547 paintings, which depend on how many of them only one of the two
# classifiers has right. If these are 8 %, 12 % or 20 %, one that is truly two points worse passes with a probability of
# 2.9 %, 3.7 % or 4.7 %, one that is two points better with 92 %, 82 % or 66 %. All this is of a single comparison.
LEVEL = 0.8  # of the interval, both sides; each end alone is a bound at 90 %
ACCURACY_MARGIN = 0.0125
KID_MARGIN = 0.1  # as a share of the way from the KID of untouched photographs to that of real paintings


class ComparisonError(ArtnbError, ValueError):
    """Two models that were not measured on the same pictures, or not so that they can be compared."""


@dataclass(frozen=True)
class Comparison:
    """The test results of an old and a new model on the same pictures.

    Attributes:
        against: the name of the old model's folder.
        measure: "accuracy", where higher is better, or "KID", where lower is better.
        n: how many pictures both were measured on.
        old: the old model's value.
        new: the new model's value.
        interval: 80 % interval of new - old.
        margin: by how much the new one may be worse, in the unit of the values.
        only_old: how many pictures only the old model has right; of classifiers.
        only_new: how many only the new one.
    """

    against: str
    measure: Literal["accuracy", "KID"]
    n: int
    old: float
    new: float
    interval: tuple[float, float]
    margin: float
    only_old: int = 0
    only_new: int = 0

    @property
    def verdict(self) -> Literal["not worse", "worse", "too few pictures"]:
        """Whether the new model is worse by more than the margin: the whole interval must lie on one side of it."""
        low, high = self._gain
        if low > -self.margin:
            return "not worse"
        return "worse" if high < -self.margin else "too few pictures"

    @property
    def doubt(self) -> str:
        """Why the new model should not take over, without a full stop; empty for one that is not worse."""
        if self.verdict == "too few pictures":
            return (
                f"the {self.n} test pictures are too few to tell whether it is worse; about {self.needed:,} are needed "
                f"if the difference stays as it is: {self}"
            )
        return f"it is worse: {self}" if self.verdict == "worse" else ""

    @property
    def needed(self) -> int:
        """About how many pictures would tell, if the difference stayed as it is; two digits, a million at most.

        An interval shrinks with the root of their number.
        """
        low, high = self._gain
        to_margin = max(abs((low + high) / 2 + self.margin), 1e-9)
        ratio = (high - low) / 2 / to_margin
        if not ratio < 1000:  # also one that is no number, of figures beyond all measure
            return 1_000_000
        number = min(max(self.n * ratio**2, 1), 1e6)
        unit = 10 ** max(int(np.log10(number)) - 1, 0)
        return int(np.ceil(number / unit)) * unit

    @property
    def p(self) -> float | None:
        """The p-value of McNemar's exact test; of classifiers."""
        from scipy.stats import binomtest

        if self.measure != "accuracy":
            return None
        discordant = self.only_old + self.only_new
        return float(binomtest(self.only_new, discordant).pvalue) if discordant else 1.0

    @property
    def better_old(self) -> float:
        """The old value so that more is better, to find the best of several old models."""
        return self.old if self.measure == "accuracy" else -self.old

    @property
    def _gain(self) -> tuple[float, float]:
        """The interval so that more is better."""
        low, high = self.interval
        return (low, high) if self.measure == "accuracy" else (-high, -low)

    def __str__(self) -> str:
        """Both values, their difference and its interval, without a full stop."""
        low, high = self.interval
        if self.measure == "accuracy":
            form, allowed = ".1%", f"at worst {-self.margin:+.2%} is allowed"
        else:
            form, allowed = ".4f", f"lower is better, at worst {self.margin:+.4f} is allowed"
        return (
            f"{self.measure} {self.new:{form}} against {self.old:{form}} of {self.against} on the same {self.n} "
            f"pictures: {self.new - self.old:+{form}} (80 % interval {low:+{form}} to {high:+{form}}; {allowed})"
        )

    def to_dict(self) -> dict[str, Any]:
        """The values that the registry's history stores."""
        return asdict(self) | {"interval": list(self.interval), "verdict": self.verdict}


def compare_models(old: Path, new: Path) -> Comparison:
    """Compare the folders of two models of one kind by what was measured when they were saved.

    Raises:
        ComparisonError: they were measured on different pictures, or what was measured of one is missing.
        ModelError: a card can't be read.
    """
    cards = Card.load(old), Card.load(new)
    if cards[0].kind != cards[1].kind:
        raise ComparisonError(
            f"{old.name!r} is a {cards[0].kind} and {new.name!r} a {cards[1].kind}; compare models of one kind."
        )
    if cards[0].kind == "classifier":
        return _compare_classifiers(old, new)
    try:
        return _compare_generators(old.name, *cards)
    except KeyError as error:
        raise ComparisonError(
            f"The card of {old.name!r} or of {new.name!r} says nothing of {error}, so they can't be compared; "
            "train with photographs and paintings to measure on, or promote it with a reason."
        ) from error


def compare_counts(against: str, n: int, old_right: int, only_old: int, only_new: int) -> Comparison:
    """Compare two classifiers by how often they are right on the same pictures.

    The interval of the difference is that of A. Agresti and Y. Min ("Simple improved confidence intervals for comparing
    matched proportions", Statistics in Medicine 24, 2005, 729-740): Wald's for pairs, with half a picture added to each
    of the four cells.

    Args:
        against: what the old one is called.
        n: pictures.
        old_right: how many the old one has right.
        only_old: how many of them the new one has wrong.
        only_new: how many the new one alone has right.
    """
    from scipy.stats import norm

    total, change = n + 2, (only_new - only_old) / (n + 2)
    deviation = ((only_old + only_new + 1) / total - change**2) ** 0.5 / total**0.5
    half = float(norm.ppf((1 + LEVEL) / 2)) * deviation
    new_right = old_right - only_old + only_new
    interval = change - half, change + half
    return Comparison(
        against, "accuracy", n, old_right / n, new_right / n, interval, ACCURACY_MARGIN, only_old, only_new
    )


def _compare_generators(against: str, old: Card, new: Card) -> Comparison:
    from scipy.stats import norm

    kids = [card.metrics["monet"]["generated"] for card in (old, new)]
    if (old.test, old.recipe["size"], kids[0].get("backbone")) != (
        new.test,
        new.recipe["size"],
        kids[1].get("backbone"),
    ):
        raise ComparisonError(
            f"{old.title!r} and {new.title!r} were measured on different pictures, at different sizes or by different "
            "networks, so their KIDs can't be compared; train on the same photographs and paintings with the same seed."
        )
    way = old.metrics["monet"]["inputs"]["value"] - old.metrics["monet"]["real"]["value"]
    if way <= 0:
        raise ComparisonError(
            f"By the card of {against!r}, untouched photographs are no farther from the paintings than paintings are "
            "(KID), so its test can't tell good from bad; train with more pictures to measure on."
        )
    # The pictures are the same, but only each model's interval is known, at 95 %. Taking them for independent ones
    # (Zou and Donner, "Construction of Confidence Limits about Effect Measures", 2008) makes the interval of the
    # difference too wide.
    (old_down, old_up), (new_down, new_up) = (
        (max(kid["value"] - kid["interval"][0], 0), max(kid["interval"][1] - kid["value"], 0)) for kid in kids
    )
    scale = float(norm.ppf((1 + LEVEL) / 2) / norm.ppf(0.975))
    change = kids[1]["value"] - kids[0]["value"]
    n = min(card.pictures["test_photos"] + card.pictures["test_monets"] for card in (old, new))
    interval = change - scale * float(np.hypot(new_down, old_up)), change + scale * float(np.hypot(new_up, old_down))
    return Comparison(against, "KID", n, kids[0]["value"], kids[1]["value"], interval, KID_MARGIN * way)


def answers(folder: Path) -> pd.DataFrame:
    """A classifier's answer for each of its test paintings: path, sha256, artist, predicted, probability.

    Raises:
        ComparisonError: the file with the answers is missing or damaged.
    """
    try:
        return read_answers(folder / "test.csv")
    except (OSError, ValueError) as error:
        raise ComparisonError(
            f"{folder.name!r} holds no readable test.csv with its answers ({type(error).__name__}), so it can't be "
            "compared; train it again, or promote it with a reason."
        ) from error


def _compare_classifiers(old: Path, new: Path) -> Comparison:
    # Pictures are the same if their bytes are; the first copy is compared with the first copy, and so on.
    tables = [table.assign(copy=table.groupby("sha256").cumcount()) for table in (answers(old), answers(new))]
    both = tables[0].merge(tables[1], on=["sha256", "copy", "artist"], suffixes=("_old", "_new"))
    if not len(tables[0]) == len(tables[1]) == len(both) > 0:
        raise ComparisonError(
            f"{old.name!r} was measured on {len(tables[0])} paintings and {new.name!r} on {len(tables[1])}, of which "
            f"{len(both)} are the same; only models with the same test paintings can be compared: "
            "train on the same split, or with `artnb models retrain`."
        )
    old_right, new_right = (both[f"predicted_{which}"] == both["artist"] for which in ("old", "new"))
    only_old, only_new = int((old_right & ~new_right).sum()), int((new_right & ~old_right).sum())
    return compare_counts(old.name, len(both), int(old_right.sum()), only_old, only_new)


_VERDICTS = {
    "not worse": "**The new model is not worse** by more than the margin, as far as this test can tell.",
    "worse": "**The new model is worse** by more than the margin.",
    "too few pictures": "**The test has too few pictures to tell** whether the new model is worse by more than the "
    "margin; about {needed:,} are needed if the difference stays as it is.",
}
_AGAIN = (
    "The same test is used again at each promotion. Of many candidates that are truly a little worse, some pass by "
    "luck, so the true quality of the champions can go down while the measured one does not. From time to time, "
    "measure on pictures that no promotion has seen."
)


def comparison_page(comparison: Comparison, old: Path, new: Path) -> str:
    """The comparison as a page in Markdown, for classifiers with the recall of each artist."""
    lines = [f"# {new.name} compared with {old.name}\n", f"{comparison}.\n"]
    if comparison.measure == "accuracy":
        lines += [
            f"{comparison.only_new} paintings only the new model has right, {comparison.only_old} only the old one "
            f"(McNemar's exact test: p = {comparison.p:.3f}).\n",
            "| artist | test paintings | recall, old | recall, new |\n|---|---|---|---|",
        ]
        tables = [answers(folder) for folder in (old, new)]
        recalls = [(table["predicted"] == table["artist"]).groupby(table["artist"]).mean() for table in tables]
        counts = tables[0]["artist"].value_counts()
        for name in map(str, recalls[0].index):
            lines.append(f"| {name} | {counts[name]} | {recalls[0][name]:.2f} | {recalls[1][name]:.2f} |")
        lines.append("")
    return "\n".join([*lines, f"{_VERDICTS[comparison.verdict].format(needed=comparison.needed)}\n", _AGAIN, ""])
