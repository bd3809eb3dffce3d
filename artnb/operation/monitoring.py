"""What models do once they are used: each answer noted, if that was asked for, and reports over them."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from artnb.classification.reference import STATISTICS, picture_statistics
from artnb.common import logs
from artnb.images import Source, fit, load_image
from artnb.models import identity
from artnb.operation import feedback
from artnb.operation.drift import newcomers
from artnb.operation.store import Store, StoreError, records
from artnb.settings import settings

if TYPE_CHECKING:  # a report needs no TensorFlow
    from artnb.classification.model import Classifier, Prediction

MEASURES = ("visual_quality", "style_fidelity", "content_preservation")  # of painted pictures, higher is better
REFERENCE = 50  # a style model's first answers, by which later ones are judged


def predict_and_log(model: "Classifier", picture: Source, visitor: str = "") -> "Prediction":
    """Name the artist of a picture, and note that, or what went wrong, if `ARTNB_LOG` says so.

    Args:
        model: which.
        picture: whatever `load_image` takes.
        visitor: a random token.

    Raises:
        ImageError: see `images.load_image`.
    """
    folder, begun, image = model.folder, time.perf_counter(), None
    try:
        image = load_image(picture)
        prediction = model(image)
    except Exception as error:
        record(folder.name, image, error=error, version=identity(folder), visitor=visitor)
        raise
    seconds = time.perf_counter() - begun
    record(folder.name, image, prediction, None, seconds, identity(folder), visitor, size=model.card.size)
    return prediction


def record(
    model: str,
    picture: np.ndarray | None = None,
    prediction: "Prediction | None" = None,
    measures: Mapping[str, float] | None = None,
    seconds: float | None = None,
    version: str = "",
    visitor: str = "",
    error: Exception | None = None,
    size: int = 256,
) -> None:
    """Note one answer of a model; does nothing unless `ARTNB_LOG` says so.

    A store that can't be written is an event (see `logs`) and never a visitor's trouble.

    Args:
        model: its name.
        picture: what it was shown, uint8 (height, width, 3). Its hash and five statistics are kept, never itself.
        prediction: of a classifier.
        measures: of a style model, by the names of `MEASURES`.
        seconds: from the picture's bytes to the answer.
        version: of the model, see `models.identity`.
        visitor: a random token; whatever else it holds is stored, so let it hold no name and no address.
        error: what went wrong; only its kind is kept.
        size: of the square that statistics are taken from: what the model looks at.
    """
    if not settings.log:
        return
    row: dict[str, object] = {"model": model, "version": version, "visitor": visitor, "seconds": seconds}
    if picture is not None:
        values = picture_statistics(fit(picture, size)[None])[0]
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
    except StoreError as trouble:
        logs.event("monitoring.lost", "warning", model=model, sentence=str(trouble))


def record_painting(
    model: str,
    content: np.ndarray,
    image: np.ndarray,
    style_fidelity: Callable[[], float | np.ndarray],
    seconds: float,
    version: str,
    visitor: str = "",
) -> None:
    """Measure and note one picture of a style model; does nothing unless `ARTNB_LOG` says so.

    Args:
        model: its name.
        content: what was painted from, uint8 (height, width, 3) of any size.
        image: what was painted, uint8 (height, width, 3).
        style_fidelity: gives how much it looks like the style: of a style transfer, one less the distance from the
            style; of a CycleGAN, what the discriminator of the target says, around 1 for real ones; of a map, its mean.
        seconds: that it took.
        version: of the model.
        visitor: a random token.
    """
    if not settings.log:
        return
    found = measures(image, content, float(np.mean(style_fidelity())))
    record(model, content, None, found, seconds, version, visitor)


def measures(image: np.ndarray, content: np.ndarray, style_fidelity: float) -> dict[str, float]:
    """The `MEASURES` of one painted picture; arguments as of `record_painting`."""
    from artnb.images import resize
    from artnb.style.metrics import structure, visual_quality

    preserved = structure(image, resize(content, image.shape[:2]))
    return dict(zip(MEASURES, (visual_quality(image), style_fidelity, preserved), strict=True))


@dataclass(frozen=True)
class Report:
    """What models did in a window of time.

    Attributes:
        since: the first moment of the window, or None.
        until: its end, or None.
        models: a row per model and version: model, version (its first eight digits), answers, errors, visitors, p50 and
            p95 (seconds), confidence (mean), unfamiliar (share).
        days: the same for each day.
        errors: a row per kind of error: error, n.
        feedback: a row per model: model, n, accuracy, low and high (Wilson's 95 % interval), and `accuracy_unflooded`,
            without the visitors in `floods`. Of one visitor on one picture, the last word.
        confusion: model -> counts; rows are the artists that visitors named, columns those that the model did.
        weeks: a row per style model, version, week (its Monday) and measure: n, mean, `low`, `high` and `warning`; see
            `weekly`.
        floods: see `feedback.floods`.
        newcomers: artists that visitors named and no model did, and of how many pictures: to be collected.
        warnings: sentences.
    """

    since: datetime | None
    until: datetime | None
    models: pd.DataFrame
    days: pd.DataFrame
    errors: pd.DataFrame
    feedback: pd.DataFrame
    confusion: dict[str, pd.DataFrame]
    weeks: pd.DataFrame
    floods: pd.DataFrame
    newcomers: dict[str, int]
    warnings: tuple[str, ...]

    @property
    def window(self) -> str:
        """From when to when, in words."""
        first, last = (time.date().isoformat() if time else None for time in (self.since, self.until))
        return (
            " ".join(filter(None, [f"since {first}" if first else "", f"until {last}" if last else ""])) or "all time"
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """What there is to show, by its heading."""
        collect = pd.DataFrame(self.newcomers.items(), columns=pd.Index(["artist", "pictures"]))
        named = {
            "Models": self.models, "Days": self.days, "Errors": self.errors, "Feedback": self.feedback,
            "Style models by week": self.weeks, "Feedback to look at before it is believed": self.floods,
            "Artists that no model knows": collect,
        }  # fmt: skip
        return {heading: table for heading, table in named.items() if len(table)}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        tables = {name: getattr(self, name) for name in ("models", "days", "errors", "feedback", "weeks", "floods")}
        rows = {name: records(table) for name, table in tables.items()}
        confusion = {name: json.loads(table.to_json(orient="split")) for name, table in self.confusion.items()}
        ends = {"since": self.since and self.since.isoformat(), "until": self.until and self.until.isoformat()}
        return {**ends, **rows, "confusion": confusion, "newcomers": self.newcomers, "warnings": list(self.warnings)}

    def __str__(self) -> str:
        """For a terminal."""
        parts = [f"{heading}\n{table.round(3).to_string(index=False)}" for heading, table in self.tables().items()]
        return "\n\n".join([f"Models in use, {self.window}", *self.warnings, *(parts or ["Nothing was noted."])])


def report(store: Store, since: datetime | None = None, until: datetime | None = None) -> Report:
    """Look at all that was noted in a window.

    Raises:
        StoreError: the store can't be read.
    """
    columns = ["time", "model", "version", "visitor", "probability", "unfamiliar", "seconds", "error", "artist"]
    answers = store.read("predictions", columns, since, until)
    answers = answers.astype({"probability": float, "unfamiliar": float, "seconds": float})
    answers["version"] = answers["version"].fillna("").str[:8]
    answers["day"] = pd.to_datetime(answers["time"], utc=True).dt.strftime("%Y-%m-%d") if len(answers) else ""
    said = feedback.load(store, since, until)
    floods = feedback.floods(said)
    last = feedback.counted(said)
    weeks = weekly(store.read("predictions", ["time", "model", "version", "measures"], None, until), since)
    known = set(last["said"]) | set(answers["artist"].dropna())
    strangers = newcomers(last.drop_duplicates(["picture", "artist"])["artist"], sorted(known))
    warnings = [
        f"{row.model}: {row.measure} is {row.mean:.3f} in the week of {row.week}, below {row.low:.3f}, its reference."
        for row in weeks[weeks["warning"]].itertuples()
    ]
    if len(floods):
        names = ", ".join(f"{name or 'no token'} ({n})" for name, n in floods[["visitor", "n"]].to_numpy())
        warnings.append(f"Feedback to look at before it is believed comes from: {names}.")
    return Report(
        since=since,
        until=until,
        models=_figures(answers, ["model", "version"]),
        days=_figures(answers, ["day"]),
        errors=answers["error"].dropna().value_counts().rename_axis("error").reset_index(name="n"),
        feedback=_accuracy(last, floods["visitor"]),
        confusion={str(model): pd.crosstab(rows["artist"], rows["said"]) for model, rows in last.groupby("model")},
        weeks=weeks,
        floods=floods,
        newcomers=strangers,
        warnings=tuple(warnings),
    )


def weekly(rows: pd.DataFrame, since: datetime | None = None) -> pd.DataFrame:
    """The measures of style models week by week, each against the model's first answers.

    A model's reference is its first `REFERENCE` answers, whatever version gave them. `low` to `high` is where 99 % of
    weeks with as many pictures would have their mean if nothing had changed (Student's t); `warning` is a mean below.

    Args:
        rows: time, model, version, measures (JSON), from the beginning.
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
    found = []
    for model, of_model in values.groupby(rows["model"]):
        first = of_model.head(REFERENCE)
        for (version_, week), now in of_model.groupby([rows["version"].fillna("").str[:8], rows["week"]]):
            for measure in of_model:
                old, new = first[measure].dropna(), now[measure].dropna()
                if new.empty:
                    continue
                reach = float("nan")
                if len(old) > 1:
                    reach = t.ppf(0.995, len(old) - 1) * old.std() * (1 / len(old) + 1 / len(new)) ** 0.5
                low, high, mean = old.mean() - reach, old.mean() + reach, new.mean()
                found.append([model, version_, week, measure, len(new), mean, low, high, bool(mean < low)])
    table = pd.DataFrame(found, columns=pd.Index(names))
    return table if since is None else table[pd.to_datetime(table["week"]) > _before(since)].reset_index(drop=True)


def _before(since: datetime) -> pd.Timestamp:
    """Seven days earlier: a week that began after that has not ended before."""
    return pd.Timestamp(since).tz_convert("UTC").tz_localize(None) - pd.Timedelta(days=7)


def _figures(answers: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    groups = answers.groupby(list(by))
    found = groups.agg(
        answers=("time", "size"),
        errors=("error", "count"),
        visitors=("visitor", "nunique"),
        confidence=("probability", "mean"),
        unfamiliar=("unfamiliar", "mean"),
    )
    for name, share in (("p95", 0.95), ("p50", 0.5)):
        found.insert(3, name, groups["seconds"].quantile(share))
    return found.reset_index()


def _accuracy(last: pd.DataFrame, flooders: pd.Series) -> pd.DataFrame:
    from statsmodels.stats.proportion import proportion_confint

    rows = []
    for model, said in last.groupby("model"):
        right = said["said"] == said["artist"]
        low, high = proportion_confint(int(right.sum()), len(said), method="wilson")
        calm = right[~said["visitor"].fillna("").isin(flooders)]
        rows.append([model, len(said), right.mean(), low, high, calm.mean()])
    return pd.DataFrame(rows, columns=pd.Index(["model", "n", "accuracy", "low", "high", "accuracy_unflooded"]))
