"""The rows of a long run in Parquet files of a thousand each: whatever ends it, it is resumed where it was.

manifest.json        what was asked, and each shard with its rows and its SHA-256; written anew after every shard
part-00000.parquet   the rows: `path`, `sha256`, what was found out, and `error` in place of it for a broken picture
broken.csv           the paths and errors of broken pictures, written at the end if there are any
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from artnb import __version__
from artnb.common.files import replacing, sha256
from artnb.common.resuming import in_use, read_object
from artnb.errors import ArtnbError

MANIFEST, BROKEN = "manifest.json", "broken.csv"
ROWS = 1000  # in a shard: what a kill can lose, a quarter of a minute's work
_OF_RUN = b"artnb.run"  # where a shard says to which run it belongs
_FIELDS = [pa.field("path", pa.string()), pa.field("sha256", pa.string()), pa.field("error", pa.string())]


class ShardError(ArtnbError, ValueError):
    """A folder of shards that can't be written, resumed or read."""


class Shards:
    """The shards of one run; from `open_shards`.

    Attributes:
        folder: where they are.
        done: the paths that have a row, and need no second one.
        counts: `rows`, and how many of them are `broken`.
    """

    def __init__(self, folder: Path, about: dict[str, Any], columns: list[pa.Field], resume: bool):
        self.folder, self.done, self.counts = folder, set[str](), {"rows": 0, "broken": 0}
        self._about = about | {"artnb": __version__}
        run = hashlib.sha256(json.dumps(self._about, sort_keys=True).encode()).hexdigest().encode()
        self._schema = pa.schema([*_FIELDS, *columns], metadata={_OF_RUN: run})
        self._rows: list[dict[str, Any]] = []
        self._listed: list[dict[str, Any]] = []
        self._take_up(resume)
        self._write_manifest(finished=False)

    def add(self, row: dict[str, Any]) -> None:
        """Add a picture's row; every thousandth one writes a shard.

        Args:
            row: by the names of the columns; those that it leaves out are empty.

        Raises:
            OSError: a shard can't be written, such as on a full disk; what was written before stays.
        """
        self._rows.append(row)
        self.done.add(row["path"])
        if len(self._rows) >= ROWS:
            self.flush()

    def flush(self) -> None:
        """Write the rows that are in no shard yet."""
        if not self._rows:
            return
        taken = {shard["file"] for shard in self._listed}
        name = next(name for number in range(len(taken) + 1) if (name := f"part-{number:05}.parquet") not in taken)
        with replacing(self.folder / name) as part:
            pq.write_table(pa.Table.from_pylist(self._rows, schema=self._schema), part)
            shard = self._described(part, name)
        self._rows = []  # stopped just before this, the same rows are written to the same file again
        self._list(shard)
        self._write_manifest(finished=False)

    def finish(self) -> None:
        """Write what is left, and the table of broken pictures."""
        self.flush()
        if self.counts["broken"]:
            with replacing(self.folder / BROKEN) as part, part.open("w", encoding="utf-8", newline="") as stream:
                writer = csv.writer(stream, lineterminator="\n")
                writer.writerow(["path", "error"])
                for shard in self._listed:
                    table = pq.read_table(self.folder / shard["file"], columns=["path", "error"])
                    writer.writerows((row["path"], row["error"]) for row in table.to_pylist() if row["error"])
        self._write_manifest(finished=True)

    def _take_up(self, resume: bool) -> None:
        """Look at what an earlier run has left; nothing of it is done again, nor trusted unseen."""
        manifest = self.folder / MANIFEST
        before = read_object(manifest, ShardError) if manifest.exists() else {"about": self._about, "shards": []}
        files = {file.name for file in self.folder.glob("part-*.parquet")}
        if not resume and (manifest.exists() or files):
            raise ShardError(f"{self.folder} holds results already; resume them (--resume) or name another folder.")
        about = before.get("about")
        if about != self._about:
            names = {**self._about, **about} if isinstance(about, dict) else {"manifest": 0}
            other = [name for name in names if not isinstance(about, dict) or about.get(name) != self._about.get(name)]
            raise ShardError(
                f"The results in {self.folder} were begun with a different {' and '.join(other)}; "
                "resume them with the same, or name another folder."
            )
        for leftover in (*self.folder.glob(".part-*.parquet.*"), *self.folder.glob(f".{MANIFEST}.*")):
            shutil.rmtree(leftover, ignore_errors=True)  # half of a file, from a kill
        known = {shard["file"]: shard for shard in _listed_in(before, manifest)}
        for name in sorted(files):  # one that is listed and gone is missing, and its pictures are done again
            self._list(self._checked(name, known.get(name)))
            self.done.update(pq.read_table(self.folder / name, columns=["path"])["path"].to_pylist())

    def _checked(self, name: str, known: dict[str, Any] | None) -> dict[str, Any]:
        """A shard of this run as it was written; one that a kill has kept out of the manifest belongs to it, too."""
        found: dict[str, Any] | None = None
        with suppress(OSError, pa.ArrowException):
            found = self._described(self.folder / name, name)
        if found is None or (known is not None and found != known):
            raise ShardError(
                f"{self.folder / name} is damaged or was changed; remove it, and its pictures are done again."
            )
        return found

    def _described(self, file: Path, name: str) -> dict[str, Any]:
        table = pq.read_table(file, columns=["error"])
        if not table.schema.metadata or table.schema.metadata.get(_OF_RUN) != self._schema.metadata[_OF_RUN]:
            raise ShardError(f"{self.folder / name} is of another run; move it, or name another folder.")
        broken = table.num_rows - table["error"].null_count
        return {"file": name, "rows": table.num_rows, "broken": broken, "sha256": sha256(file)}

    def _list(self, shard: dict[str, Any]) -> None:
        self._listed.append(shard)
        for name in self.counts:
            self.counts[name] += shard[name]

    def _write_manifest(self, finished: bool) -> None:
        said = {"about": self._about, "finished": finished, **self.counts, "shards": self._listed}
        with replacing(self.folder / MANIFEST) as part:
            part.write_text(json.dumps(said, indent=1), encoding="utf-8")


@contextmanager
def open_shards(folder: Path, about: dict[str, Any], columns: list[pa.Field], resume: bool) -> Iterator[Shards]:
    """Begin or resume a run; rows that were added are in a shard when the block ends, also by an error or by Ctrl-C.

    Args:
        folder: for the shards; made if it isn't there, and used by one process at a time.
        about: what makes one run another one, in JSON values; artnb's version is added.
        columns: what is found out of a picture.
        resume: whether a run that is there is to be resumed.

    Raises:
        ShardError: there is a run and `resume` is not set, it is another one, it is damaged, or somebody works on it.
        OSError: the folder can't be written to.
    """
    with in_use(folder, ShardError):
        shards = Shards(folder, about, columns, resume)
        try:
            yield shards
        except OSError:  # of a full disk: there is no more to be written
            raise
        except BaseException:
            shards.flush()
            raise
        shards.finish()


def read_shards(place: Path, columns: Iterable[str]) -> pa.Table:
    """Columns of all rows of a folder of Parquet files, as `open_shards` and museums write them, or of one file.

    Raises:
        ShardError: there are no such files or columns.
    """
    files = sorted(place.glob("*.parquet")) if place.is_dir() else [place]
    if not files:
        raise ShardError(f"{place} holds no Parquet files; name a folder or a file of `artnb embed`.")
    try:
        tables = [pq.read_table(file, columns=list(columns)) for file in files]
        return pa.concat_tables(table.replace_schema_metadata(None) for table in tables)
    except (OSError, pa.ArrowException) as error:
        raise ShardError(
            f"{place} can't be read as Parquet with the columns {', '.join(columns)} ({type(error).__name__}); "
            "name a folder or a file of `artnb embed`."
        ) from error


def read_about(folder: Path) -> dict[str, Any]:
    """What a run was begun with; empty for Parquet files of somebody else.

    Raises:
        ShardError: its manifest can't be read.
    """
    manifest = folder / MANIFEST
    about = read_object(manifest, ShardError).get("about") if manifest.is_file() else {}
    return about if isinstance(about, dict) else {}


def _listed_in(manifest: dict[str, Any], file: Path) -> list[dict[str, Any]]:
    listed = manifest.get("shards")
    good = isinstance(listed, list) and all(
        isinstance(each, dict) and isinstance(each.get("file"), str) for each in listed
    )
    if not good:
        raise ShardError(f"{file} is damaged: it lists no shards; name another folder.")
    return listed  # type: ignore[return-value]
