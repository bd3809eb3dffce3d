"""Where the paintings come from: kaggle, folder or studio, every one yielding the same Collection."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from artnb.errors import ArtnbError
from artnb.settings import Source


class SourceError(ArtnbError):
    """The paintings are not where they were looked for."""


@dataclass(frozen=True)
class Collection:
    """Paintings on disk, in the layout of the archive "Best Artworks of All Time".

    Attributes:
        root: the folder that every path of the collection is relative to.
        source: "studio", "folder" or "kaggle".
        artists: one row per artist, with the columns of the archive's artists.csv.
        paintings: one row per file, sorted by path: `path` (relative to root, with forward slashes) and `artist`
            (the name as in `artists`, Unicode NFC).
        min_paintings: how many paintings an artist needs to be worth classifying: the archive's 200, the studio's 60.
        notes: what was recognised and left out (a twin folder, the resized copy, files that are no pictures), as
            sentences.
    """

    root: Path
    source: Source
    artists: pd.DataFrame
    paintings: pd.DataFrame
    min_paintings: int = 200
    notes: tuple[str, ...] = ()

    def file(self, path: str) -> Path:
        """The file on disk of a row's `path`."""
        return self.root / path
