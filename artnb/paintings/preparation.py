"""From a source of paintings to the split that models are trained on: done once, and remembered."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib import metadata
from pathlib import Path

import pandas as pd

from artnb import images
from artnb.common import logs, pixels
from artnb.common.files import replacing, sha256
from artnb.common.seeding import seed_or_default
from artnb.paintings import audit as auditing
from artnb.paintings import splits, twins
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
        strangers: artists that no classifier of the chosen ones may see in any role, see `splits.choose_strangers`.
        seed: of the split.
    """

    collection: Collection
    audit: Audit
    paintings: pd.DataFrame
    table: pd.DataFrame
    min_paintings: int
    strangers: tuple[str, ...] = ()
    seed: int = 0

    @cached_property
    def whole(self) -> str:
        """The digest of the split of everything that `table` is a part of, for the cards of models.

        Raises:
            SourceError: there are no photographs and Monets, such as in a folder that ARTNB_MONET_DATA points at.
        """
        from artnb.paintings.across import split_everything

        return splits.split_digest(split_everything(seed=self.seed)[0])

    @property
    def class_names(self) -> tuple[str, ...]:
        """The chosen artists, sorted: the order of the labels."""
        return tuple(sorted(set(self.table["artist"])))


def prepare(min_paintings: int | None = None, seed: int | None = None) -> Prepared:
    """Load the paintings in use, audit them, choose the artists and split.

    The audit is remembered under `$ARTNB_HOME/audits` by the files' paths and the digests of their contents, so it is
    done again when a file is another or is called otherwise, and only then; times of change don't count.

    The split follows from the files' contents, the artists and the seed, whatever the files are called. It is a part
    of the one split of everything, see `across.split_everything`.

    Args:
        min_paintings: how many paintings an artist needs, 20 or more; by default `splits.threshold` decides.
        seed: of the split; by default `ARTNB_SEED`.

    Raises:
        SourceError: there is no collection.
        SettingsError: the seed can't be used.
        SplitError: the minimum can't be used, or too few artists have enough paintings; whatever can be
            told without the audit is told before it.
    """
    splits.check_minimum(min_paintings)
    seed = seed_or_default(seed)
    collection = load_collection()
    splits.check_enough(collection.paintings["artist"].value_counts(), min_paintings)
    audit = load_audit(collection)
    least = splits.threshold(splits.count_paintings(collection, audit), min_paintings)
    paintings = splits.choose_artists(collection, audit, least)
    everybody = splits.readable(collection, audit)
    # As a part of what all artists are dealt, also where a painting is filed under two of them.
    table = splits.deal(everybody, seed)
    table = table[table["artist"].isin(paintings["artist"])].reset_index(drop=True)
    table["group"] = pd.factorize(table["group"])[0]
    strangers = splits.choose_strangers(everybody, set(paintings["artist"]), seed)
    return Prepared(collection, audit, paintings, table, least, strangers, seed)


def load_audit(collection: Collection) -> Audit:
    """The audit of a collection, from the disk if these very files were audited before.

    What is on the disk is checked against the files; if it is something else, or nothing can be written there, that is
    told, and the audit is done.
    """
    paths = sorted(collection.paintings["path"])
    with ThreadPoolExecutor() as pool:
        digests = dict(zip(paths, pool.map(_digest, map(collection.file, paths)), strict=True))
    rows = json.dumps([_WORK, *digests.items()])
    file = settings.home / "audits" / f"{hashlib.sha256(rows.encode()).hexdigest()}.json"
    try:
        return Audit.from_json(file.read_text(encoding="utf-8"), collection, digests)
    except OSError:  # there is none; what stands in its way is told when it is to be written
        pass
    except ValueError as error:
        logs.warn("paintings.audit", f"{file.name} is no audit of these files ({error}), so the audit is done again.")
    audit = auditing.audit_collection(collection)
    try:
        with replacing(file) as part:
            part.write_text(audit.to_json(), encoding="utf-8")
    except OSError as error:
        logs.warn(
            "paintings.audit",
            f"The audit can't be remembered under ARTNB_HOME ({error.strerror or type(error).__name__}), so it is done "
            "again each time; point ARTNB_HOME at a folder that can be written.",
        )
    return audit


def _digest(file: Path) -> str:
    try:
        return sha256(file)
    except OSError:  # the audit says so
        return ""


# What an audit's result depends on beside the files: our code, and the library that decodes.
_WORK = [sha256(Path(str(module.__file__))) for module in (auditing, twins, images, pixels)]
_WORK += [metadata.version("pillow")]
