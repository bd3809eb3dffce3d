"""What visitors say of the answers they got: kept, looked through by a person, exported as labelled pictures."""

import hashlib

import numpy as np

from artnb.errors import ArtnbError
from artnb.images import png_bytes, shrink
from artnb.operation.store import Store
from artnb.settings import Settings, settings

LONGER_SIDE = 1024  # pixels of a picture that is kept, at most
STATES = ("new", "accepted", "rejected")
COLUMNS = ("id", "time", "model", "version", "visitor", "picture", "said", "probability", "artist", "state")


class FeedbackError(ArtnbError, ValueError):
    """Feedback that can't be reviewed or exported as it was asked."""


def picture_hash(picture: np.ndarray) -> str:
    """What tells pictures apart without showing them: SHA-256 of the decoded pixels, uint8 (height, width, 3)."""
    return hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()


def record(
    picture: np.ndarray,
    model: str,
    said: str,
    artist: str,
    probability: float | None = None,
    visitor: str = "",
    agreed: bool = False,
    version: str = "",
    settings: Settings = settings,
) -> None:
    """Note whose work a picture is, in the words of a visitor; if that is what the model said, it was right.

    Args:
        picture: uint8 (height, width, 3), as `load_image` returns it.
        model: the name of the model that was asked.
        said: the artist that it named.
        artist: the artist whose work it is.
        probability: what the model gave `said`.
        visitor: a random token; whatever else it holds is stored, so let it hold no name and no address.
        agreed: whether the visitor agreed that the picture is kept. Without that, only its hash is.
        version: of the model.
        settings: whose store.

    Raises:
        StoreError: it can't be written.
    """
    row = {
        "model": model,
        "version": version,
        "visitor": visitor,
        "picture": picture_hash(picture),
        "said": said,
        "probability": probability,
        "artist": artist,
        "bytes": png_bytes(shrink(picture, LONGER_SIDE)) if agreed else None,
    }
    Store.of(settings).add("feedback", [row])
