"""The model registry: numbered versions, the aliases champion and challenger, promotion and rollback.

A version is a copy of a model's folder under `$ARTNB_HOME/registry`, which is never changed. Every step is a line of
`history.jsonl` beside it; `artnb.models` needs no more to find a version. MLflow, where it is installed, shows the same
with parameters, curves and figures; see `tracking`.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artnb import models
from artnb.cards import KINDS
from artnb.common import logs
from artnb.common.files import append_lines
from artnb.errors import ArtnbError
from artnb.operation import tracking
from artnb.operation.comparing import Comparison, ComparisonError, compare_models
from artnb.settings import settings


class RegistryError(ArtnbError, ValueError):
    """A version is missing or was changed, or a promotion was refused."""


@dataclass(frozen=True)
class Version:
    """One registered model.

    Attributes:
        name: "art-classifier" or "monet-generator".
        number: counted from 1.
        folder: of its files.
        added: when it was registered, ISO 8601.
        digest: see `models.identity`.
        aliases: its current aliases: "champion", "challenger", both or none.
    """

    name: str
    number: int
    folder: Path
    added: str
    digest: str
    aliases: tuple[str, ...]


def add(model: str | Path) -> Version:
    """Register a model as a new version and make it the challenger; a registered model is not copied again.

    Raises:
        ModelError: there is no such model, or a file of it was changed.
        OSError: the model can't be copied.
    """
    source = models.find(model, None)
    name = KINDS[models.check_whole(source).kind].registered
    with _locked():
        digest = models.identity(source)
        same = [version.number for version in versions(name) if version.digest == digest]
        number = same[0] if same else _next_number(name)
        folder = models.registered_folder(name, number)
        if not folder.exists():  # of a version whose folder was lost, too
            models.copy_model(source, folder)
        aliases = models.aliases(name)
        if number not in aliases.values():
            _append(name, "add", number, aliases | {"challenger": number}, digest=digest)
    return _version(name, number)


def _next_number(name: str) -> int:
    """After all in the history and all folders: a number is never used twice, even if the history was lost."""
    numbers = [version.number for version in versions(name)]
    names = [folder.name.rpartition("-") for folder in (settings.home / "registry").iterdir()]
    numbers += [int(number) for prefix, _, number in names if prefix == name and number.isascii() and number.isdigit()]
    return 1 + max(numbers, default=0)


def versions(name: str) -> list[Version]:
    """All versions of a name, the oldest first."""
    aliases = models.aliases(name)
    additions: dict[int, dict[str, Any]] = {}
    for event in models.registered_history(name):
        if event["event"] == "add":
            additions.setdefault(event["version"], event)
    return [
        Version(
            name,
            number,
            models.registered_folder(name, number),
            event["time"],
            event["digest"],
            tuple(alias for alias in models.ALIASES if aliases.get(alias) == number),
        )
        for number, event in sorted(additions.items())
    ]


def promote(name: str, version: int | None = None, reason: str | None = None) -> Comparison | None:
    """Make a version the champion.

    Args:
        name: "art-classifier" or "monet-generator".
        version: its number; by default that of the challenger.
        reason: why to promote it even if it is worse than the champion, or can't be compared; it goes into the history.

    Returns:
        The comparison with the former champion; None if there was no champion or they can't be compared.

    Raises:
        RegistryError: there is no such version, or it is worse or can't be compared and no reason is given.
        ModelError: its files were changed.
    """
    with _locked():
        aliases = models.aliases(name)
        if version is None and "challenger" not in aliases:
            raise RegistryError(f"{name} has no challenger; register a model with `artnb registry add MODEL`.")
        new = _verified_version(name, aliases["challenger"] if version is None else version)
        old = aliases.get("champion")
        if old == new.number:
            raise RegistryError(f"{name} {old} is the champion already; promote another version.")
        comparison, doubt = None, ""
        if old is not None:
            try:
                comparison = compare_models(models.registered_folder(name, old), new.folder)
                doubt = f"it is worse: {comparison}" if comparison.worse else ""
            except ComparisonError as error:
                doubt = str(error).removesuffix(".")
        if doubt and not (reason and reason.strip()):
            raise RegistryError(
                f"{name} {new.number} was not promoted, for {doubt}. "
                "Give a reason (--force REASON) to do it all the same."
            )
        _append(
            name,
            "promote",
            new.number,
            {alias: number for alias, number in aliases.items() if number != new.number} | {"champion": new.number},
            before=old,
            comparison=comparison.to_dict() if comparison else None,
            **({"forced": reason, "doubt": doubt} if doubt else {}),
        )
    return comparison


def rollback(name: str) -> Version:
    """Make the previous champion the champion again, after checking that its files are the registered ones.

    Raises:
        RegistryError: there is no previous champion.
        ModelError: its files were changed.
    """
    with _locked():
        numbers = champions(name)
        if len(numbers) < 2:
            raise RegistryError(f"{name} has no previous champion; `artnb registry list` shows its versions.")
        previous = _verified_version(name, numbers[-2]).number
        aliases = models.aliases(name) | {"champion": previous}
        _append(name, "rollback", previous, aliases, before=numbers[-1])
    return _version(name, previous)


def champions(name: str) -> list[int]:
    """The numbers of the previous champions and of the current one, which comes last; a rollback removes the last."""
    numbers: list[int] = []
    for event in models.registered_history(name):
        if event["event"] == "promote":
            numbers.append(event["version"])
        elif event["event"] == "rollback" and numbers:
            numbers.pop()
    return numbers


def _version(name: str, number: int) -> Version:
    existing = {version.number: version for version in versions(name)}
    if number not in existing:
        numbers = ", ".join(map(str, existing)) or "none yet"
        raise RegistryError(f"There is no version {number} of {name}; there are {numbers}.")
    return existing[number]


def _verified_version(name: str, number: int) -> Version:
    version = _version(name, number)
    models.check_whole(version.folder)
    return version


def _append(name: str, event: str, version: int, aliases: dict[str, int], **more: Any) -> None:
    time = datetime.now(UTC).isoformat(timespec="seconds")
    line = {"time": time, "name": name, "event": event, "version": version, "aliases": aliases} | more
    append_lines(settings.home / "registry" / "history.jsonl", [json.dumps(line, ensure_ascii=False)])
    logs.event(f"registry.{event}", model=f"{name} {version}", aliases=aliases, **more)


@contextmanager
def _locked() -> Iterator[None]:
    """The registry for one process at a time; MLflow is updated at the end."""
    from filelock import FileLock

    folder = settings.home / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield
        tracking.mirror()
