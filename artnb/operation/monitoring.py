"""Monitoring of models in use: a log of their predictions, if `ARTNB_LOG` is set, and reports on it."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from artnb.classification.reference import STATISTICS, picture_statistics
from artnb.common import extras, logs
from artnb.images import ImageLike, fit, load_image
from artnb.operation import feedback
from artnb.operation.drift import newcomers
from artnb.operation.preferences import load_preferences
from artnb.operation.store import Store, StoreError, records
from artnb.settings import settings

if TYPE_CHECKING:  # a report needs no TensorFlow
    from artnb.classification.model import Classifier
    from artnb.classification.prediction import Prediction

MEASURES = ("visual_quality", "style_fidelity", "content_preservation")  # of painted pictures, higher is better
REFERENCE = 50  # a style model's first predictions, which later ones are compared with
STATISTICS_SIZE = 256  # pixels, of the picture statistics of a style model


def predict_and_log(
    model: "Classifier", picture: ImageLike, visitor: str = "", required: bool = False, mirrored: bool = False
) -> "Prediction":
    """Name the artist of a picture, and log the prediction, or the error, if `ARTNB_LOG` is 1.

    Args:
        model: the classifier.
        picture: whatever `load_image` takes.
        visitor: a random token.
        required: see `record_prediction`.
        mirrored: see `Classifier.__call__`.

    Raises:
        ImageError: see `images.load_image`.
        StoreError: it can't be logged, and that is required.
    """
    name, start, image, square = model.folder.name, time.perf_counter(), None, None
    try:
        image = load_image(picture)
        square = fit(image, model.card.size)
        prediction = model(square, mirrored)  # a picture of this size stays as it is
    except Exception as error:
        record_prediction(name, image, error=error, version=model.identity, visitor=visitor, square=square)
        raise
    seconds = time.perf_counter() - start
    record_prediction(name, image, prediction, None, seconds, model.identity, visitor, square=square, required=required)
    return prediction


def record_prediction(
    model: str,
    picture: np.ndarray | None = None,
    prediction: "Prediction | None" = None,
    measures: Mapping[str, float] | None = None,
    seconds: float | None = None,
    version: str = "",
    visitor: str = "",
    error: Exception | None = None,
    square: np.ndarray | None = None,
    required: bool = False,
    stopped: bool | None = None,
) -> None:
    """Log one prediction of a model: as an event, and if `ARTNB_LOG` is 1, as a row of `predictions`.

    Args:
        model: its name.
        picture: its input, uint8 (height, width, 3). The hash and five statistics are stored, the picture never.
        prediction: of a classifier.
        measures: of a style model, by the names of `MEASURES`.
        seconds: from the picture's bytes to the answer.
        version: of the model, its `identity`.
        visitor: a random token. It is stored as it is, so don't put a name or an address in it.
        error: why there is no prediction; only its type is stored.
        square: the picture fitted to a classifier's size, for the statistics; by default to `STATISTICS_SIZE`.
        required: whether a row that can't be stored is an error; without it, that is an event, and the visitor of a
            page gets an answer all the same.
        stopped: of a style model that can be stopped, whether the visitor did.

    Raises:
        StoreError: the row can't be stored, and that is required.
    """
    failed = {"error": type(error).__name__} if error else {}
    logs.event("model.answer", model=model, visitor=visitor, seconds=seconds and round(seconds, 3), **failed)
    if not settings.log:
        return
    row: dict[str, object] = {"model": model, "version": version, "visitor": visitor, "seconds": seconds}
    row |= {"request": logs.request_number(), "stopped": stopped}
    if picture is not None:
        values = picture_statistics((fit(picture, STATISTICS_SIZE) if square is None else square)[None])[0]
        row["picture"] = feedback.picture_hash(picture)
        row["statistics"] = json.dumps(dict(zip(STATISTICS, np.round(values, 5).tolist(), strict=True)))
    if prediction is not None:
        ranked = {artist: round(probability, 5) for artist, probability in prediction.ranked}
        row |= {
            "artist": prediction.artist,
            "probability": prediction.probability,
            "probabilities": json.dumps(ranked, ensure_ascii=False),
            "unfamiliar": int(prediction.unfamiliar),
            "distance": prediction.distance,
        }
        if prediction.embedding is not None:
            row["embedding"] = prediction.embedding.astype(np.float16).tobytes()
    if measures is not None:
        row["measures"] = json.dumps({name: float(value) for name, value in measures.items()})
    if error is not None:
        row["error"] = type(error).__name__
    try:
        Store.default().add("predictions", [row])
    except StoreError as failure:
        if required:
            raise
        logs.event("monitoring.lost", "warning", model=model, sentence=str(failure))


def record_painting(
    model: str,
    content: np.ndarray,
    image: np.ndarray,
    style_fidelity: Callable[[], float | np.ndarray],
    seconds: float,
    version: str,
    visitor: str = "",
    required: bool = False,
    stopped: bool | None = None,
) -> None:
    """Log one picture painted by a style model, and its measures if `ARTNB_LOG` is 1; see `record_prediction`.

    Args:
        model: its name.
        content: its input, uint8 (height, width, 3) of any size.
        image: its output, uint8 (height, width, 3).
        style_fidelity: computes how much the output has the style: for a style transfer, 1 minus the distance from the
            style; for a CycleGAN, the score of the target's discriminator, around 1 for real pictures; of a map of
            scores the mean is logged.
        seconds: how long it took.
        version: of the model.
        visitor: a random token.
        required: see `record_prediction`.
        stopped: whether the visitor stopped it.

    Raises:
        StoreError: the row can't be stored, and that is required.
    """
    values = measures(image, content, float(np.mean(style_fidelity()))) if settings.log else None
    record_prediction(
        model, content, measures=values, seconds=seconds, version=version, visitor=visitor, required=required,
        stopped=stopped,
    )  # fmt: skip


def measures(image: np.ndarray, content: np.ndarray, style_fidelity: float) -> dict[str, float]:
    """The `MEASURES` of one painted picture; arguments as of `record_painting`."""
    from artnb.images import resize
    from artnb.style.metrics import structure, visual_quality

    preserved = structure(image, resize(content, image.shape[:2]))
    return dict(zip(MEASURES, (visual_quality(image), style_fidelity, preserved), strict=True))


@dataclass(frozen=True)
class Report:
    """The predictions and the feedback of a window of time, summarised.

    Attributes:
        since: the first moment of the window, or None.
        until: its end, or None.
        models: a row per model and version: model, version (its first eight digits), answers, errors, visitors, p50 and
            p95 (seconds), confidence (mean), unfamiliar (share), stopped (by the visitor).
        days: the same, a row per day.
        errors: a row per kind of error: error, n.
        feedback: a row per model: model, n, accuracy, low and high (Wilson's 95 % interval), and `accuracy_unflooded`,
            without the visitors in `floods`. See `feedback.latest_feedback` for which rows count.
        confusion: model -> counts; rows are the artists that visitors named, columns those that the model predicted.
        weeks: a row per style model, version, week (its Monday) and measure: n, mean, `low`, `high` and `warning`; see
            `weekly`.
        preferences: a row per pair of painters of which visitors preferred one, see `preferences`.
        floods: see `feedback.floods`.
        newcomers: artists that visitors named and no model predicted -> how many pictures: works to be collected.
        warnings: messages about style models that got worse and about floods.
    """

    since: datetime | None
    until: datetime | None
    models: pd.DataFrame
    days: pd.DataFrame
    errors: pd.DataFrame
    feedback: pd.DataFrame
    confusion: dict[str, pd.DataFrame]
    weeks: pd.DataFrame
    preferences: pd.DataFrame
    floods: pd.DataFrame
    newcomers: dict[str, int]
    warnings: tuple[str, ...]

    @property
    def window(self) -> str:
        """The window in words, such as "since 2026-11-03 until 2026-11-10"."""
        ends = (("since", self.since), ("until", self.until))
        return " ".join(f"{word} {time.date().isoformat()}" for word, time in ends if time) or "all time"

    def tables(self) -> dict[str, pd.DataFrame]:
        """Heading -> table, without the empty ones."""
        newcomers = pd.DataFrame(self.newcomers.items(), columns=pd.Index(["artist", "pictures"]))
        tables = {
            "Models": self.models, "Days": self.days, "Errors": self.errors, "Feedback": self.feedback,
            "Style models by week": self.weeks, "Preferred pictures": self.preferences,
            "Feedback to check for spam": self.floods,
            "Artists that no model knows": newcomers,
        }  # fmt: skip
        return {heading: table for heading, table in tables.items() if len(table)}

    def to_dict(self) -> dict[str, Any]:
        """All attributes, as JSON can hold them."""
        names = ("models", "days", "errors", "feedback", "weeks", "preferences", "floods")
        tables = {name: getattr(self, name) for name in names}
        rows = {name: records(table) for name, table in tables.items()}
        confusion = {name: json.loads(table.to_json(orient="split")) for name, table in self.confusion.items()}
        ends = {"since": self.since and self.since.isoformat(), "until": self.until and self.until.isoformat()}
        return {**ends, **rows, "confusion": confusion, "newcomers": self.newcomers, "warnings": list(self.warnings)}

    def __str__(self) -> str:
        """The warnings and the tables as text."""
        parts = [f"{heading}\n{table.round(3).to_string(index=False)}" for heading, table in self.tables().items()]
        return "\n\n".join([f"Models in use, {self.window}", *self.warnings, *(parts or ["Nothing was logged."])])


def monitoring_report(store: Store, since: datetime | None = None, until: datetime | None = None) -> Report:
    """Summarise the predictions and the feedback of a window.

    Raises:
        StoreError: the store can't be read.
    """
    columns = ["time", "model", "version", "visitor", "probability", "unfamiliar", "seconds", "error", "artist"]
    columns.append("stopped")
    answers = store.read("predictions", columns, since, until)
    answers = answers.astype({"probability": float, "unfamiliar": float, "seconds": float, "stopped": float})
    answers["version"] = answers["version"].fillna("").str[:8]
    answers["day"] = pd.to_datetime(answers["time"], utc=True).dt.strftime("%Y-%m-%d") if len(answers) else ""
    comments = feedback.load_feedback(store, since, until)
    floods = feedback.floods(comments)
    last = feedback.latest_feedback(comments)
    weeks = weekly(_measured(store, since, until), since)
    known = set(last["said"]) | set(answers["artist"].dropna())
    unknown = newcomers(last.drop_duplicates(["picture", "artist"])["artist"], sorted(known))
    warnings = [
        f"{row.model}: {row.measure} is {row.mean:.3f} in the week of {row.week}, below {row.low:.3f}, its reference."
        for row in weeks[weeks["warning"]].itertuples()
    ]
    if len(floods):
        names = ", ".join(f"{name or 'no token'} ({n})" for name, n in floods[["visitor", "n"]].to_numpy())
        warnings.append(f"Feedback to check for spam comes from: {names}.")
    return Report(
        since=since,
        until=until,
        models=_figures(answers, ["model", "version"]),
        days=_figures(answers, ["day"]),
        errors=answers["error"].dropna().value_counts().rename_axis("error").reset_index(name="n"),
        feedback=_accuracy(last, floods),
        confusion={str(model): pd.crosstab(rows["artist"], rows["said"]) for model, rows in last.groupby("model")},
        weeks=weeks,
        preferences=load_preferences(store, since, until),
        floods=floods,
        newcomers=unknown,
        warnings=tuple(warnings),
    )


def _measured(store: Store, since: datetime | None, until: datetime | None) -> pd.DataFrame:
    """What `weekly` needs: of a long history only each model's first rows, and those of the window's weeks."""
    columns = ["time", "model", "version", "measures"]
    if since is None:
        return store.read("predictions", columns, None, until)
    monday = (since.astimezone(UTC) - timedelta(days=since.astimezone(UTC).weekday())).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    first = store.first("predictions", columns, "model", "measures", REFERENCE, min(monday, until or monday))
    return pd.concat([first, store.read("predictions", columns, monday, until)], ignore_index=True)


def weekly(rows: pd.DataFrame, since: datetime | None = None) -> pd.DataFrame:
    """The measures of style models week by week, compared with the model's first predictions.

    A model's reference is its first `REFERENCE` predictions, of whatever version. `low` to `high` is the 99 %
    prediction interval of the mean of a week with as many pictures (Student's t); `warning` is a mean below it.

    Args:
        rows: time, model, version, measures (JSON): each model's first `REFERENCE`, and those since the Monday before
            `since`.
        since: weeks that end before are left out.
    """
    from scipy.stats import t

    rows = rows.dropna(subset="measures").reset_index(drop=True)
    names = ["model", "version", "week", "measure", "n", "mean", "low", "high", "warning"]
    if rows.empty:
        return pd.DataFrame(columns=pd.Index(names)).astype({"warning": bool})
    values = pd.DataFrame([json.loads(text) for text in rows["measures"]])
    times = rows["time"].dt.tz_localize(None)
    rows["week"] = (times.dt.normalize() - pd.to_timedelta(times.dt.weekday, unit="D")).dt.strftime("%Y-%m-%d")
    weeks = []
    for model, of_model in values.groupby(rows["model"]):
        first = of_model.head(REFERENCE)
        for (version, week), of_week in of_model.groupby([rows["version"].fillna("").str[:8], rows["week"]]):
            for measure in of_model:
                old, new = first[measure].dropna(), of_week[measure].dropna()
                if new.empty:
                    continue
                margin = float("nan")
                if len(old) > 1:
                    margin = t.ppf(0.995, len(old) - 1) * old.std() * (1 / len(old) + 1 / len(new)) ** 0.5
                low, high, mean = old.mean() - margin, old.mean() + margin, new.mean()
                weeks.append([model, version, week, measure, len(new), mean, low, high, bool(mean < low)])
    table = pd.DataFrame(weeks, columns=pd.Index(names))
    if since is None:
        return table
    ends = pd.to_datetime(table["week"], utc=True) + pd.Timedelta(days=7)
    return table[ends > pd.Timestamp(since)].reset_index(drop=True)


def _figures(answers: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    groups = answers.groupby(list(by))
    table = groups.agg(
        answers=("time", "size"),
        errors=("error", "count"),
        visitors=("visitor", "nunique"),
        confidence=("probability", "mean"),
        unfamiliar=("unfamiliar", "mean"),
        stopped=("stopped", "sum"),
    ).astype({"stopped": int})
    for name, share in (("p95", 0.95), ("p50", 0.5)):
        table.insert(3, name, groups["seconds"].quantile(share))
    return table.reset_index()


def _accuracy(last: pd.DataFrame, floods: pd.DataFrame) -> pd.DataFrame:
    with extras.needed("operation", "Watching the models needs"):
        from statsmodels.stats.proportion import proportion_confint

    rows = []
    for model, group in last.groupby("model"):
        right = group["said"] == group["artist"]
        low, high = proportion_confint(int(right.sum()), len(group), method="wilson")
        unflooded = right[~feedback.flooded(group, floods)]
        rows.append([model, len(group), right.mean(), low, high, unflooded.mean()])
    return pd.DataFrame(rows, columns=pd.Index(["model", "n", "accuracy", "low", "high", "accuracy_unflooded"]))
