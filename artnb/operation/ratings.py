"""Blind ratings: how people rate pictures when they don't know which model painted them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from artnb.common.files import append_lines
from artnb.common.lines import read_records
from artnb.errors import Allowed, ArtnbError, check_value

# The questions of the original student project.
QUESTIONS = ("style", "colour", "lines", "total")
SCORES = (1, 2, 3, 4, 5)


class RatingError(ArtnbError, ValueError):
    """A rating, or a file of them, that can't be used."""


def _is_text(value: object) -> bool:
    try:
        return isinstance(value, str) and value.encode().decode() == value
    except UnicodeEncodeError:  # half a character, which no table can hold
        return False


_TEXT = Allowed(_is_text, "a text of whole characters")


@dataclass(frozen=True)
class Rating:
    """One person's answer to one question about one picture.

    Attributes:
        rater: what the person is called, such as initials; several may be called the same.
        picture: the name of the picture.
        model: the model that painted it, which the rater was not told.
        question: one of QUESTIONS.
        score: one of SCORES, 5 the best.
        time: when, ISO 8601.
        session: a random token of the person who rated, one for each who opens the page. Without it, as in files of
            earlier versions, the rater's name tells people apart.
    """

    rater: str
    picture: str
    model: str
    question: str
    score: int
    time: str = ""
    session: str = ""

    def __post_init__(self) -> None:
        """Check the texts, the question and the score."""
        for name in ("rater", "picture", "model", "time", "session"):
            check_value(getattr(self, name), _TEXT, f"The {name} of a rating", RatingError)
        if self.question not in QUESTIONS:
            raise RatingError(f"There is no question {self.question!r}; there are {', '.join(QUESTIONS)}.")
        if self.score not in SCORES:
            raise RatingError(f"The score is {self.score!r}; give a whole number from {SCORES[0]} to {SCORES[-1]}.")


def record_ratings(file: str | Path, ratings: Sequence[Rating]) -> None:
    """Append ratings to a file, a line of JSON each; several processes may do so at once.

    Raises:
        OSError: the file can't be written to.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds")
    append_lines(file, [json.dumps(asdict(rating) | {"time": rating.time or now}) for rating in ratings])


def load_ratings(file: str | Path) -> pd.DataFrame:
    """The ratings of a file, a row each; if a person has answered a question about a picture twice, the last answer.

    Incomplete lines, of a write that was interrupted, are left out, with a warning.

    Raises:
        RatingError: the file is missing or can't be read.
    """
    try:
        rows = read_records(Path(file), lambda values: asdict(Rating(**values)))
    except OSError as error:
        raise RatingError(
            f"{Path(file).name!r} can't be read ({type(error).__name__}); rate some pictures first."
        ) from error
    table = pd.DataFrame(rows, columns=list(Rating.__dataclass_fields__))
    again = table.assign(person=persons(table)).duplicated(["person", "picture", "model", "question"], keep="last")
    return table[~again].reset_index(drop=True)


def persons(ratings: pd.DataFrame) -> pd.Series:
    """Whose each rating is: the session, or the rater's name where there is none; no name is taken for a session."""
    if "session" not in ratings:
        return "name " + ratings["rater"].astype(str)
    sessions = ratings["session"].fillna("")  # tables with and without it were put together
    return ("session " + sessions).where(sessions != "", "name " + ratings["rater"].astype(str))


def summary(ratings: pd.DataFrame) -> pd.DataFrame:
    """The mean score of each model for each question, with its 95 % interval (Student's t).

    The ratings of one person are alike, so each person counts once, with the mean over the pictures.

    Args:
        ratings: see `load_ratings`.

    Returns:
        A row per model and question: model, question, n (persons), mean, low, high; low and high are missing for n = 1.
    """
    from scipy import stats

    rows = []
    by_person = ratings.assign(person=persons(ratings)).groupby(["model", "question", "person"], as_index=False)
    for (model, question), scores in by_person["score"].mean().groupby(["model", "question"])["score"]:
        n, mean = len(scores), float(scores.mean())
        low = high = float("nan")
        if n > 1:
            margin = float(stats.t.ppf(0.975, n - 1)) * float(scores.std()) / n**0.5
            low, high = mean - margin, mean + margin
        rows.append([model, question, n, mean, low, high])
    table = pd.DataFrame(rows, columns=["model", "question", "n", "mean", "low", "high"])
    table["question"] = pd.Categorical(table["question"], QUESTIONS, ordered=True)
    return table.sort_values(["question", "mean"], ascending=[True, False], ignore_index=True)
