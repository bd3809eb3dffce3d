"""The registry: numbered versions of models, which of them serves, and the way back.

A version is a copy of a model's folder under `$ARTNB_HOME/registry`, never changed again, and every step is a line of
`history.jsonl` beside it; `artnb.models` finds a version by these alone. MLflow, where it is installed, shows the same
with parameters, curves and figures; see `tracking`.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artnb import models
from artnb.common import logs
from artnb.common.files import append_lines
from artnb.errors import ArtnbError
from artnb.operation import tracking
from artnb.operation.comparing import Comparison, ComparisonError, compare
from artnb.settings import settings


class RegistryError(ArtnbError, ValueError):
    """A version is missing or was changed, or a promotion was refused."""


@dataclass(frozen=True)
class Version:
    """One registered model.

    Attributes:
        name: "art-classifier" or "monet-generator".
        number: counted from 1.
        folder: its files.
        added: when, ISO 8601.
        digest: its identity, see `models.identity`.
        aliases: what it is now: "champion", "challenger", both or nothing.
    """

    name: str
    number: int
    folder: Path
    added: str
    digest: str
    aliases: tuple[str, ...]


def add(model: str | Path) -> Version:
    """Register a model as a new version, the challenger; one that is registered already is not copied again.

    Raises:
        ModelError: there is no such model, or a file of it was changed.
        OSError: it can't be copied.
    """
    source = models.find(model, None)
    models.check_whole(source)
    card = models.Card.load(source)
    name = models.KINDS[card.kind].registered
    with _changing():
        mark = models.identity(source)
        known = [version for version in versions(name) if version.digest == mark]
        number = known[0].number if known else len(versions(name)) + 1
        folder = models.registered_folder(name, number)
        if not known:
            shutil.rmtree(folder, ignore_errors=True)  # of an attempt that was cut short before its line
            models.copy_model(source, folder)
        now = models.aliases(name)
        if number not in (now.get("champion"), now.get("challenger")):
            _note(name, "add", number, now | {"challenger": number}, digest=mark)
    return _version(name, number)


def versions(name: str) -> list[Version]:
    """All versions of a name, the oldest first."""
    now = models.aliases(name)
    first: dict[int, dict[str, Any]] = {}
    for event in models.registered_history(name):
        if event["event"] == "add":
            first.setdefault(event["version"], event)
    return [
        Version(
            name,
            number,
            models.registered_folder(name, number),
            event["time"],
            event["digest"],
            tuple(alias for alias in models.ALIASES if now.get(alias) == number),
        )
        for number, event in sorted(first.items())
    ]


def promote(name: str, version: int | None = None, reason: str | None = None) -> Comparison | None:
    """Make a version the champion.

    Args:
        name: "art-classifier" or "monet-generator".
        version: which; by default the challenger.
        reason: why it should be, even if it is worse than the champion or can't be compared with it; it is kept.

    Returns:
        How it does beside the champion until now; None if there was none or they can't be compared.

    Raises:
        RegistryError: there is no such version, or it is worse and there is no reason.
        ModelError: its files were changed.
    """
    with _changing():
        now = models.aliases(name)
        if version is None and "challenger" not in now:
            raise RegistryError(f"{name} has no challenger; register a model with `artnb registry add MODEL`.")
        new = _checked(name, now["challenger"] if version is None else version)
        old = now.get("champion")
        if old == new.number:
            raise RegistryError(f"{name} {old} is the champion already; promote another version.")
        found, doubt = None, ""
        if old is not None:
            champion = models.registered_folder(name, old)
            try:
                found = compare(champion, new.folder)
                doubt = f"it is worse: {found}" if found.worse else ""
            except ComparisonError as error:
                doubt = str(error).removesuffix(".")
        if doubt and not (reason and reason.strip()):
            raise RegistryError(
                f"{name} {new.number} was not promoted, for {doubt}. "
                "Give a reason (--force REASON) to do it all the same."
            )
        after = {"champion": new.number} | {k: v for k, v in now.items() if k == "challenger" and v != new.number}
        _note(
            name,
            "promote",
            new.number,
            after,
            before=old,
            comparison=found.to_dict() if found else None,
            **({"forced": reason, "doubt": doubt} if doubt else {}),
        )
    return found


def rollback(name: str) -> Version:
    """Make the champion before this one the champion again; its files are the same to the bit, which is checked.

    Raises:
        RegistryError: there was none before.
        ModelError: its files were changed.
    """
    with _changing():
        line = champions(name)
        if len(line) < 2:
            raise RegistryError(f"{name} has no champion before this one; `artnb registry list` shows what there is.")
        old = _checked(name, line[-2])
        after = models.aliases(name) | {"champion": old.number}
        _note(name, "rollback", old.number, after, before=line[-1])
    return _version(name, old.number)


def champions(name: str) -> list[int]:
    """The champion and those before it, in the order that rolling back goes through from the end."""
    line: list[int] = []
    for event in models.registered_history(name):
        if event["event"] == "promote":
            line.append(event["version"])
        elif event["event"] == "rollback":
            line.pop()
    return line


def _version(name: str, number: int) -> Version:
    for version in versions(name):
        if version.number == number:
            return version
    have = ", ".join(str(version.number) for version in versions(name)) or "none yet"
    raise RegistryError(f"There is no version {number} of {name}; there are {have}.")


def _checked(name: str, number: int) -> Version:
    version = _version(name, number)
    models.check_whole(version.folder)
    return version


def _note(name: str, event: str, version: int, aliases: dict[str, int], **more: Any) -> None:
    time = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"time": time, "name": name, "event": event, "version": version, "aliases": aliases} | more
    append_lines(settings.home / "registry" / "history.jsonl", [json.dumps(line, ensure_ascii=False)])
    logs.event(f"registry.{event}", model=f"{name} {version}", aliases=aliases, **more)


@contextmanager
def _changing() -> Iterator[None]:
    """One at a time; afterwards MLflow is told."""
    from filelock import FileLock

    place = settings.home / "registry"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(place / ".lock"):
        yield
        tracking.mirror()
