"""What models do once they are used: each answer noted, if that was asked for, and reports over them."""

import json
import logging
import time
from collections.abc import Mapping

import numpy as np

from artnb.classification.predictor import Prediction, Predictor
from artnb.classification.reference import STATISTICS, picture_statistics
from artnb.images import Source, fit, load_image
from artnb.models import version
from artnb.operation.feedback import picture_hash
from artnb.operation.store import Store, StoreError
from artnb.settings import Settings, settings

MEASURES = ("visual_quality", "style_fidelity", "content_preservation")

log = logging.getLogger(__name__)


def predict(
    predictor: Predictor, picture: Source | np.ndarray, visitor: str = "", settings: Settings = settings
) -> Prediction:
    """Name the artist of a picture, and note that, or what went wrong, if `ARTNB_LOG` says so.

    Args:
        predictor: the model.
        picture: a path, the bytes of a file, a file object, or a decoded uint8 (height, width, 3).
        visitor: a random token.
        settings: whether to note it, and in whose store.

    Raises:
        ImageError: see `images.load_image`.
    """
    folder, begun, image = predictor.bundle.folder, time.perf_counter(), None
    try:
        image = picture if isinstance(picture, np.ndarray) else load_image(picture)
        prediction = predictor.predict(fit(image, predictor.card.size)[None])[0]
    except Exception as error:
        record(folder.name, image, error=error, version=version(folder), visitor=visitor, settings=settings)
        raise
    seconds = time.perf_counter() - begun
    record(folder.name, image, prediction, None, seconds, version(folder), visitor, settings=settings)
    return prediction


def record(
    model: str,
    picture: np.ndarray | None = None,
    prediction: Prediction | None = None,
    measures: Mapping[str, float] | None = None,
    seconds: float | None = None,
    version: str = "",
    visitor: str = "",
    error: Exception | None = None,
    settings: Settings = settings,
) -> None:
    """Note one answer of a model; does nothing unless `ARTNB_LOG` says so.

    A store that can't be written is a warning in the log and never a visitor's trouble.

    Args:
        model: its name.
        picture: what it was shown, uint8 (height, width, 3). Its hash and five statistics are kept, never itself.
        prediction: of a classifier.
        measures: of a style model, by the names of `MEASURES`.
        seconds: from the picture's bytes to the answer.
        version: of the model, see `models.version`.
        visitor: a random token; whatever else it holds is stored, so let it hold no name and no address.
        error: what went wrong; only its kind is kept.
        settings: whether to note it, and in whose store.
    """
    if not settings.log:
        return
    row: dict[str, object] = {"model": model, "version": version, "visitor": visitor, "seconds": seconds}
    if picture is not None:
        values = picture_statistics(fit(picture, 256)[None])[0]
        row["picture"] = picture_hash(picture)
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
        Store.of(settings).add("predictions", [row])
    except StoreError as trouble:
        log.warning("An answer of %s was not noted: %s", model, trouble)
