"""A classifier over a whole museum: what it says of each picture of a folder, or what it sees in it, as Parquet."""

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from artnb.classification.model import Classifier
from artnb.classification.prediction import Prediction
from artnb.common.progress import progress
from artnb.common.shards import BROKEN, open_shards
from artnb.images import ImageError
from artnb.models import STARTERS
from artnb.paintings.sources import SourceError, walk_pictures
from artnb.paintings.streaming import path_in, stream

Job = Literal["predict", "embed"]
BATCH = 32


@dataclass(frozen=True)
class MuseumReport:
    """What was done with a folder.

    Attributes:
        output: where the rows are, see `common.shards`.
        rows: pictures with a row, also from earlier runs.
        resumed: how many of them had one before.
        broken: how many of the rows say why a picture can't be read, in place of an answer.
        unreadable: a sentence for each folder that can't be read; its pictures have no rows yet.
    """

    output: Path
    rows: int
    resumed: int
    broken: int
    unreadable: tuple[str, ...]

    def __str__(self) -> str:
        """What was done, and what could not be."""
        before = f", {self.resumed:,} of them before" if self.resumed else ""
        lines = [f"{self.rows:,} pictures in {self.output}{before}."]
        if self.broken:
            lines.append(f"{self.broken:,} of them can't be read; {self.output / BROKEN} says which, and why.")
        return "\n".join([*lines, *self.unreadable])


def process_folder(
    model: Classifier, folder: str | Path, output: str | Path, job: Job, resume: bool = False
) -> MuseumReport:
    """Answer for, or embed, all pictures of a folder and of the folders in it; each picture gets one row.

    The rows have `path` (relative to the folder, with forward slashes), `sha256`, `error` (a sentence for a broken
    picture), and: of "predict" `artist`, `probability`, `unfamiliar` and `distance`, as a call of the model gives them;
    of "embed" `vector`, float32 of `Prediction.embedding`. Pictures are decoded in threads while the network computes;
    in memory are a few batches and the paths.

    Args:
        model: which.
        folder: of pictures.
        output: the folder for the rows and their manifest.
        job: what is written of each picture.
        resume: whether to resume what was stopped; pictures that have a row are not looked at again.

    Raises:
        ShardError: the output holds other results, is damaged, or is in use.
        ImageError: the folder holds no pictures.
        OSError: nothing can be written, such as on a full disk.
    """
    folder, output = Path(folder), Path(output)
    unreadable: dict[str, SourceError] = {}

    def note(error: SourceError) -> None:
        unreadable.setdefault(str(error), error)

    total = sum(1 for _ in walk_pictures(folder, note))
    if not total:
        raise next(iter(unreadable.values()), ImageError(f"{folder.name!r} holds no pictures; name another folder."))
    name = model.folder.name if model.folder.parent == STARTERS else str(model.folder.resolve())
    about = {"command": job, "folder": str(folder.resolve()), "model": name, "model_sha256": model.identity}
    with open_shards(output, about, _columns(job), resume) as shards:
        resumed = len(shards.done)
        todo = (file for file in walk_pictures(folder, note) if path_in(folder, file) not in shards.done)
        bar = progress(None, job, max(total, resumed), "picture", initial=resumed)
        with bar, closing(stream(todo, folder, model.card.size)) as pictures:
            while batch := list(islice(pictures, BATCH)):
                images = [picture.image for picture in batch if picture.image is not None]
                answers = iter(model(images) if images else [])
                for picture in batch:
                    row = {"path": picture.path, "sha256": picture.sha256, "error": picture.error}
                    shards.add(row if picture.image is None else row | _said(next(answers), job))
                bar.update(len(batch))
    counts = shards.counts
    return MuseumReport(output, counts["rows"], resumed, counts["broken"], tuple(map(str, unreadable)))


def _columns(job: Job) -> list[pa.Field]:
    if job == "embed":
        return [pa.field("vector", pa.list_(pa.float32()))]  # Parquet can't read a list of fixed size that is missing
    return [
        pa.field("artist", pa.string()),
        pa.field("probability", pa.float32()),
        pa.field("unfamiliar", pa.bool_()),
        pa.field("distance", pa.float32()),
    ]


def _said(prediction: Prediction, job: Job) -> dict[str, Any]:
    if job == "embed":
        return {"vector": prediction.embedding}
    return {name: getattr(prediction, name) for name in ("artist", "probability", "unfamiliar", "distance")}
