"""From a source of paintings to the split that models are trained on: done once, and remembered."""

import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

from artnb import images
from artnb.common.files import replacing, sha256
from artnb.paintings import audit as auditing
from artnb.paintings import splits
from artnb.paintings.audit import Audit
from artnb.paintings.sources import Collection, load_collection
from artnb.settings import settings


@dataclass(frozen=True)
class Prepared:
    """A collection that is ready for training.

    Attributes:
        collection: where the files are.
        audit: what is wrong with them, and which show the same painting.
        paintings: the readable paintings of the chosen artists: `path`, `artist`, `group` and `sha256`.
        table: the same with `subset`: the split.
        min_paintings: how many paintings an artist needed to be chosen.
    """

    collection: Collection
    audit: Audit
    paintings: pd.DataFrame
    table: pd.DataFrame
    min_paintings: int

    @property
    def class_names(self) -> tuple[str, ...]:
        """The chosen artists, sorted: the order of the labels."""
        return tuple(sorted(set(self.table["artist"])))


def prepare(min_paintings: int | None = None, seed: int | None = None) -> Prepared:
    """Load the paintings in use, audit them, choose the artists and split.

    The audit is remembered under `$ARTNB_HOME/audits` by the digests of the files' contents, so it is done again when a
    file has changed, and only then.

    Args:
        min_paintings: how many paintings an artist needs; by default `splits.threshold` decides.
        seed: of the split; by default `ARTNB_SEED`.

    Raises:
        SourceError: there is no collection.
        SplitError: too few artists have enough paintings.
    """
    collection = load_collection()
    audit = load_audit(collection)
    counts = splits.count_paintings(collection, audit)
    least = splits.threshold(counts) if min_paintings is None else min_paintings
    paintings = splits.choose_artists(collection, audit, least)
    return Prepared(collection, audit, paintings, splits.split_paintings(paintings, seed), least)


def load_audit(collection: Collection) -> Audit:
    """The audit of a collection, from the disk if these very files were audited before."""
    paths = sorted(collection.paintings["path"])
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_digest, map(collection.file, paths)))
    rows = json.dumps([_WORK, *zip(paths, digests, strict=True)])
    file = settings.home / "audits" / f"{hashlib.sha256(rows.encode()).hexdigest()}.json"
    try:
        return Audit.from_json(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, AttributeError) as error:
        print(
            f"artnb: {file.name} can't be read ({type(error).__name__}), so the audit is done again.", file=sys.stderr
        )
    audit = auditing.audit_collection(collection)
    with replacing(file) as part:
        part.write_text(audit.to_json(), encoding="utf-8")
    return audit


def _digest(file: Path) -> str:
    try:
        return sha256(file)
    except OSError:  # the audit says so
        return ""


# What an audit's result depends on beside the files: our code, and the library that decodes.
_WORK = [sha256(Path(str(module.__file__))) for module in (auditing, images)] + [metadata.version("pillow")]
