"""Two models on the same pictures that neither was trained on: is the new one worse?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from artnb.classification.evaluation import bootstrap, read_answers
from artnb.errors import ArtnbError
from artnb.models import Card


class ComparisonError(ArtnbError, ValueError):
    """Two models that were not measured on the same pictures."""


@dataclass(frozen=True)
class Comparison:
    """How the new model does beside the old one.

    Attributes:
        measure: "accuracy", of which more is better, or "KID", of which less is.
        n: how many pictures both were measured on.
        old: the old model's value.
        new: the new model's.
        interval: 95 % interval of new - old; of the accuracy, by drawing the test paintings again, each with both
            answers, which is narrower than two intervals beside each other.
        only_old: how many pictures the old model alone has right; of classifiers.
        only_new: how many the new one alone.
        p: of McNemar's exact test, that luck alone splits these so unevenly.
    """

    measure: str
    n: int
    old: float
    new: float
    interval: tuple[float, float]
    only_old: int = 0
    only_new: int = 0
    p: float | None = None

    @property
    def worse(self) -> bool:
        """Whether the new model is worse by more than luck explains."""
        return self.interval[1] < 0 if self.measure == "accuracy" else self.interval[0] > 0

    def __str__(self) -> str:
        """One line."""
        form = ".1%" if self.measure == "accuracy" else ".4f"
        points = "" if self.measure == "accuracy" else ", less is better"
        low, high = self.interval
        return (
            f"{self.measure} {self.old:{form}} before, {self.new:{form}} now on the same {self.n} pictures: "
            f"{self.new - self.old:+{form}} (95 % interval {low:+{form}} to {high:+{form}}{points})"
        )

    def to_dict(self) -> dict[str, Any]:
        """What the registry keeps of it."""
        return {"measure": self.measure, "n": self.n, "old": self.old, "new": self.new, "interval": list(self.interval)}


def compare(old: Path, new: Path) -> Comparison:
    """Compare the folders of two models of one kind by what was measured when they were saved.

    Raises:
        ComparisonError: they were measured on other pictures, or don't say what they answered.
        ModelError: a card can't be read.
    """
    cards = [Card.load(folder) for folder in (old, new)]
    if cards[0].kind == "classifier":
        return _classifiers(old, new)
    if (cards[0].test, cards[0].recipe["size"]) != (cards[1].test, cards[1].recipe["size"]):
        raise ComparisonError(
            f"{old.name!r} and {new.name!r} were measured on other pictures, or at another size, so their figures "
            "say nothing about each other; train on the same photographs and paintings with the same seed."
        )
    before, now = (card.metrics["monet"]["generated"] for card in cards)
    # The same pictures, but only each one's own interval is known: independence makes their difference's too wide.
    reach = sum(((kid["interval"][1] - kid["interval"][0]) / 2) ** 2 for kid in (before, now)) ** 0.5
    change = now["value"] - before["value"]
    count = cards[0].pictures["test_photos"]
    return Comparison("KID", count, before["value"], now["value"], (change - reach, change + reach))


def answers(folder: Path) -> pd.DataFrame:
    """What a classifier said of each of its test paintings: path, sha256, artist, predicted, probability.

    Raises:
        ComparisonError: it doesn't say.
    """
    try:
        return read_answers(folder / "test.csv")
    except (OSError, ValueError) as error:
        raise ComparisonError(
            f"{folder.name!r} holds no test.csv with its answers ({type(error).__name__}), so it can't be compared; "
            "train it again, or give a reason to go without."
        ) from error


def _classifiers(old: Path, new: Path) -> Comparison:
    from scipy.stats import binomtest

    # Pictures are the same if their bytes are; of copies, one is compared with one.
    before, now = (table.assign(copy=table.groupby("sha256").cumcount()) for table in (answers(old), answers(new)))
    both = before.merge(now, on=["sha256", "copy", "artist"], suffixes=("_old", "_new"))
    if not len(before) == len(now) == len(both):
        raise ComparisonError(
            f"{old.name!r} was measured on {len(before)} paintings and {new.name!r} on {len(now)}, of which "
            f"{len(both)} are the same; only models with the same test paintings can be compared: "
            "train on the same split, or with `artnb retrain`."
        )
    right, right_now = (both[f"predicted_{which}"] == both["artist"] for which in ("old", "new"))
    change = right_now.astype(int) - right.astype(int)
    lost, won = int((change < 0).sum()), int((change > 0).sum())
    p = float(binomtest(won, won + lost).pvalue) if won + lost else 1.0
    return Comparison(
        "accuracy", len(both), float(right.mean()), float(right_now.mean()), bootstrap(change.to_numpy()), lost, won, p
    )


def describe(comparison: Comparison, old: Path, new: Path) -> str:
    """The comparison as a page for a person, in Markdown."""
    lines = [f"# {new.name} beside {old.name}\n", f"{comparison}.\n"]
    if comparison.measure == "accuracy":
        lines += [
            f"{comparison.only_new} paintings only the new one has right, {comparison.only_old} only the old one "
            f"(McNemar's exact test: p = {comparison.p:.3f}).\n",
            "| artist | test paintings | recall, old | recall, new |\n|---|---|---|---|",
        ]
        tables = [answers(folder) for folder in (old, new)]
        before, now = ((t["predicted"] == t["artist"]).groupby(t["artist"]).mean() for t in tables)
        counts = tables[0]["artist"].value_counts()
        lines += [f"| {name} | {counts[name]} | {before[name]:.2f} | {now[name]:.2f} |" for name in before.index]
        lines.append("")
    verdict = (
        "**The new one is worse, by more than luck explains.**"
        if comparison.worse
        else "The new one is not worse by more than luck explains."
    )
    return "\n".join([*lines, verdict, ""])
