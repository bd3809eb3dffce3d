"""What is it like? The works of a collection that are most similar to one, by what a network sees in them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from artnb.common.shards import ShardError, read_about, read_shards
from artnb.paintings import catalogue


@dataclass(frozen=True)
class Neighbours:
    """The vectors of a collection's works, a row each.

    Attributes:
        works: `path` and `sha256`; the folder that a work lies in counts as its artist's.
        vectors: float32 (n, d), each of length 1.
        about: what the vectors were made with, such as the `model`; empty if that isn't known.
    """

    works: pd.DataFrame
    vectors: np.ndarray
    about: dict[str, Any]

    @classmethod
    def read(cls, place: str | Path) -> Self:
        """Read what `artnb embed` wrote, or any Parquet with the columns `path`, `sha256` and `vector`.

        Args:
            place: a folder of Parquet files, or one; rows without a vector are left out.

        Raises:
            ShardError: it is something else.
        """
        place = Path(place)
        table = read_shards(place, ["path", "sha256", "vector"])
        table = table.filter(pc.is_valid(table["vector"]))
        lengths = pc.unique(pc.list_value_length(table["vector"])).to_pylist() if len(table) else []
        if len(lengths) != 1:
            raise ShardError(f"{place} holds vectors of {len(lengths)} lengths, where one was wanted; embed it again.")
        flat = pc.list_flatten(table["vector"]).to_numpy(zero_copy_only=False).astype(np.float32)
        vectors = flat.reshape(len(table), lengths[0])
        if not np.isfinite(vectors).all():
            raise ShardError(f"{place} holds vectors with numbers that are not finite; embed it again.")
        works = table.select(["path", "sha256"]).to_pandas()
        return cls(works, _unit(vectors), read_about(place))

    def __len__(self) -> int:
        """How many works there are."""
        return len(self.works)

    def vector(self, sha256: str) -> np.ndarray | None:
        """The vector of the work with these bytes, (d,); None if there is none."""
        found = np.flatnonzero(self.works["sha256"].to_numpy() == sha256)
        return self.vectors[found[0]] if len(found) else None

    def similar(self, vector: np.ndarray, n: int = 5, leave_out: str = "", across: bool = False) -> pd.DataFrame:
        """The works whose vectors have the largest cosine with this one.

        Args:
            vector: (d,), of the same network.
            n: how many, at most.
            leave_out: the SHA-256 of a work that is not to be found, such as that of the picture itself.
            across: one work of each artist only, the most similar one.

        Returns:
            `path`, `artist` and `similarity`, from -1 to 1, the most similar first; of copies with the same bytes, one.

        Raises:
            ShardError: the vector is of another length.
        """
        if np.shape(vector) != self.vectors.shape[1:]:
            raise ShardError(
                f"The vector has the shape {np.shape(vector)}, and those of the collection {self.vectors.shape[1:]}; "
                "embed both with the same model."
            )
        similarity = self.vectors @ _unit(np.asarray(vector, np.float32)[None])[0]
        # Copies and an artist's other works are dropped afterwards, so the search widens until there are enough.
        take = 4 * n + 16
        while True:
            take = min(take, len(self))
            rows = np.sort(np.argpartition(-similarity, take - 1)[:take])  # of equal ones, the first
            rows = rows[np.argsort(-similarity[rows], kind="stable")]
            found = self.works.iloc[rows].assign(similarity=similarity[rows])
            found = found[found["sha256"] != leave_out].drop_duplicates("sha256")
            found.insert(1, "artist", [catalogue.artist_name(Path(path).parent.name) for path in found["path"]])
            if across:
                found = found.drop_duplicates("artist")
            if len(found) >= n or take == len(self):
                return found.drop(columns="sha256").head(n).reset_index(drop=True)
            take *= 4


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
