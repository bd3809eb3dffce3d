"""Two models on the same pictures that neither was trained on: is the new one worse?"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from artnb.cards import Card
from artnb.classification.evaluation import bootstrap, read_answers
from artnb.errors import ArtnbError


class ComparisonError(ArtnbError, ValueError):
    """Two models that were not measured on the same pictures."""


@dataclass(frozen=True)
class Comparison:
    """The test results of an old and a new model on the same pictures.

    Attributes:
        measure: "accuracy", where higher is better, or "KID", where lower is better.
        n: how many pictures both were measured on.
        old: the old model's value.
        new: the new model's value.
        interval: 95 % interval of new - old. For the accuracy it is a paired bootstrap over the test paintings, each
            with both answers, which is narrower than the interval of two independent samples.
        only_old: how many pictures only the old model has right; of classifiers.
        only_new: how many only the new one.
        p: p-value of McNemar's exact test; of classifiers.
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
        """Whether the new model is significantly worse: the whole interval is on the worse side of 0."""
        return self.interval[1] < 0 if self.measure == "accuracy" else self.interval[0] > 0

    def __str__(self) -> str:
        """Both values, their difference and its interval, without a full stop."""
        form = ".1%" if self.measure == "accuracy" else ".4f"
        direction = "" if self.measure == "accuracy" else ", lower is better"
        low, high = self.interval
        return (
            f"{self.measure} {self.old:{form}} before, {self.new:{form}} now on the same {self.n} pictures: "
            f"{self.new - self.old:+{form}} (95 % interval {low:+{form}} to {high:+{form}}{direction})"
        )

    def to_dict(self) -> dict[str, Any]:
        """The values that the registry's history stores."""
        return {"measure": self.measure, "n": self.n, "old": self.old, "new": self.new, "interval": list(self.interval)}


def compare_models(old: Path, new: Path) -> Comparison:
    """Compare the folders of two models of one kind by what was measured when they were saved.

    Raises:
        ComparisonError: they were measured on different pictures, or the answers of one are missing.
        ModelError: a card can't be read.
    """
    cards = [Card.load(folder) for folder in (old, new)]
    if cards[0].kind == "classifier":
        return _compare_classifiers(old, new)
    if (cards[0].test, cards[0].recipe["size"]) != (cards[1].test, cards[1].recipe["size"]):
        raise ComparisonError(
            f"{old.name!r} and {new.name!r} were measured on different pictures, or at different sizes, so their KIDs "
            "can't be compared; train on the same photographs and paintings with the same seed."
        )
    old_kid, new_kid = (card.metrics["monet"]["generated"] for card in cards)
    # The pictures are the same, but only each model's interval is known. Adding the variances, as for independent
    # samples, makes the interval of the difference too wide.
    half_width = sum(((kid["interval"][1] - kid["interval"][0]) / 2) ** 2 for kid in (old_kid, new_kid)) ** 0.5
    change = new_kid["value"] - old_kid["value"]
    return Comparison(
        "KID",
        cards[0].pictures["test_photos"],
        old_kid["value"],
        new_kid["value"],
        (change - half_width, change + half_width),
    )


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
    from scipy.stats import binomtest

    # Pictures are the same if their bytes are; the first copy is compared with the first copy, and so on.
    tables = [table.assign(copy=table.groupby("sha256").cumcount()) for table in (answers(old), answers(new))]
    both = tables[0].merge(tables[1], on=["sha256", "copy", "artist"], suffixes=("_old", "_new"))
    if not len(tables[0]) == len(tables[1]) == len(both):
        raise ComparisonError(
            f"{old.name!r} was measured on {len(tables[0])} paintings and {new.name!r} on {len(tables[1])}, of which "
            f"{len(both)} are the same; only models with the same test paintings can be compared: "
            "train on the same split, or with `artnb retrain`."
        )
    old_right, new_right = (both[f"predicted_{which}"] == both["artist"] for which in ("old", "new"))
    change = new_right.astype(int) - old_right.astype(int)
    only_old, only_new = int((change < 0).sum()), int((change > 0).sum())
    discordant = only_old + only_new
    return Comparison(
        "accuracy",
        len(both),
        float(old_right.mean()),
        float(new_right.mean()),
        bootstrap(change.to_numpy()),
        only_old,
        only_new,
        float(binomtest(only_new, discordant).pvalue) if discordant else 1.0,
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
    verdict = (
        "**The new model is significantly worse.**" if comparison.worse else "The new model is not significantly worse."
    )
    return "\n".join([*lines, verdict, ""])
