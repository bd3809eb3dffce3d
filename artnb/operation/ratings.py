"""Blind ratings: what people think of pictures when they don't know which model made them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from artnb.common.files import append_lines
from artnb.errors import ArtnbError

# What the student project judged, in its words.
QUESTIONS = ("style", "colour", "lines", "total")
SCORES = (1, 2, 3, 4, 5)


class RatingError(ArtnbError, ValueError):
    """A rating, or a file of them, that can't be used."""


@dataclass(frozen=True)
class Rating:
    """One person's answer to one question about one picture.

    Attributes:
        rater: whatever tells people apart, such as initials.
        picture: what was painted.
        model: who painted it, which the rater did not see.
        question: one of QUESTIONS.
        score: one of SCORES, 5 the best.
        time: when, ISO 8601.
    """

    rater: str
    picture: str
    model: str
    question: str
    score: int
    time: str = ""

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        if self.question not in QUESTIONS:
            raise RatingError(f"There is no question {self.question!r}; there are {', '.join(QUESTIONS)}.")
        if self.score not in SCORES:
            raise RatingError(f"The score is {self.score!r}; give a whole number from {SCORES[0]} to {SCORES[-1]}.")


def record(file: str | Path, ratings: Sequence[Rating]) -> None:
    """Add ratings to a file, a line of JSON each; several people may do so at once, and what is there stays.

    Raises:
        OSError: it can't be written to.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    append_lines(
        file, [json.dumps(asdict(rating) | {"time": rating.time or now}, ensure_ascii=False) for rating in ratings]
    )


def load(file: str | Path) -> pd.DataFrame:
    """All ratings of a file, a row each; if a person has answered a question about a picture twice, the last answer.

    Lines that were cut short are left out.

    Raises:
        RatingError: there is no such file.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RatingError(
            f"{Path(file).name!r} can't be read ({type(error).__name__}); rate some pictures first."
        ) from error
    rows = []
    for line in lines:
        try:
            rows.append(asdict(Rating(**json.loads(line))))
        except (ValueError, TypeError):
            continue
    table = pd.DataFrame(rows, columns=list(Rating.__dataclass_fields__))
    return table.drop_duplicates(["rater", "picture", "model", "question"], keep="last", ignore_index=True)


def summary(ratings: pd.DataFrame) -> pd.DataFrame:
    """The mean score of each model for each question, with its 95 % interval (Student's t).

    Args:
        ratings: as `load` returns them.

    Returns:
        A row per model and question: model, question, n, mean, low, high; low and high are missing for less than two.
    """
    from scipy import stats

    rows = []
    for (model, question), scores in ratings.groupby(["model", "question"])["score"]:
        n, mean = len(scores), float(scores.mean())
        low = high = float("nan")
        if n > 1:
            reach = float(stats.t.ppf(0.975, n - 1)) * float(scores.std()) / n**0.5
            low, high = mean - reach, mean + reach
        rows.append([model, question, n, mean, low, high])
    table = pd.DataFrame(rows, columns=["model", "question", "n", "mean", "low", "high"])
    table["question"] = pd.Categorical(table["question"], QUESTIONS, ordered=True)
    return table.sort_values(["question", "mean"], ascending=[True, False], ignore_index=True)
