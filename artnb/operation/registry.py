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
from typing import Any, Self

from artnb import models
from artnb.cards import KINDS, Card, KindName, ModelError
from artnb.common import logs
from artnb.common.files import append_lines
from artnb.errors import Allowed, ArtnbError, check_name, check_value, optional
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

    @property
    def problem(self) -> str:
        """What is wrong with its files, a sentence; empty for a whole one."""
        return _problem(self.folder)


def _problem(folder: Path) -> str:
    try:
        models.check_whole(folder)
    except ModelError as error:
        return str(error)
    return ""


def add(model: str | Path) -> Version:
    """Register a model as a new version and make it the challenger; a registered model is not copied again.

    Raises:
        ModelError: there is no such model, or a file of it was changed.
        RegistryError: it is registered, and its copy was changed.
        OSError: the model can't be copied.
    """
    source = models.find(model, None)
    card, digest = models.read_whole(source)
    name = KINDS[card.kind].registered
    with _locked():
        history = _History.read(name)
        same = [version.number for version in history.versions() if version.digest == digest]
        number = same[0] if same else history.next_number()
        folder = models.registered_folder(name, number)
        if not folder.exists():  # of a version whose folder was lost, too
            models.copy_model(source, folder)
        elif problem := _problem(folder):
            raise RegistryError(
                f"This model is {name} {number} already, but its copy was changed: {problem} Move the folder "
                f"{folder.name!r} out of the registry and add the model again."
            )
        if number not in history.aliases.values():
            history = history.then("add", number, history.aliases | {"challenger": number}, digest=digest)
    return history.version(number)


def versions(name: str) -> list[Version]:
    """All versions of a name, the oldest first.

    Raises:
        RegistryError: there is no such name.
    """
    return _History.read(name).versions()


def champion(kind: KindName) -> Path | None:
    """The folder of the current champion of a kind of model, as the history says at this moment; None without one.

    A champion whose card can't be read is no champion, and an event.
    """
    name = KINDS[kind].registered
    try:
        number = models.aliases(name).get("champion")
        folder = models.registered_folder(name, number) if number else None
        if folder:
            Card.load(folder)
    except ModelError as error:
        logs.failure("registry.champion", error, model=name)
        return None
    return folder


def champions(name: str) -> list[int]:
    """The numbers of the former champions and of the current one, which comes last; those rolled back are left out.

    Raises:
        RegistryError: there is no such name.
    """
    return _History.read(name).champions()


def promote(name: str, version: int | None = None, reason: str | None = None) -> Comparison | None:
    """Make a version the champion, if it is not worse than the best champion so far; see `comparing`.

    The best champion is the one with the best value on the same test pictures, of all that were not rolled back. So the
    measured value can't go down in many small steps. The true one can, because the same test is used again at each
    promotion, and some candidates that are truly worse pass it by luck.

    A reason is needed, too, if the files of a former champion are lost or damaged, if the model is a CycleGAN that is
    not to be used for Monets, or if the history was lost, so that nobody knows the champions. Former champions that
    were passed over once are not asked for again. One that was measured on other pictures is left out with a warning.

    Args:
        name: "art-classifier" or "monet-generator".
        version: its number; by default that of the challenger.
        reason: why to promote it even if it is worse, can't be compared, or the pictures are too few to tell. With a
            reason, whatever is wrong with former champions is no obstacle. It goes into the history.

    Returns:
        The comparison with the best of the champions that it can be compared with; None if there is none.

    Raises:
        RegistryError: there is no such version, the reason is no text, or it was not shown to be good enough and no
            reason is given.
        ModelError: its files were changed.
    """
    check_value(reason, optional(Allowed(lambda value: isinstance(value, str), "a text")), "The reason", RegistryError)
    # What a terminal could not decode is written in ASCII, so that everyone who reads the history can show it.
    reason = (reason or "").encode("utf-8", "backslashreplace").decode().strip()
    with _locked():
        history = _History.read(name)
        if version is None and "challenger" not in history.aliases:
            raise RegistryError(f"{name} has no challenger; register a model with `artnb models add MODEL`.")
        new = history.version(history.aliases["challenger"] if version is None else version)
        card = models.check_whole(new.folder)
        before = history.aliases.get("champion")
        if before == new.number:
            raise RegistryError(f"{name} {before} is the champion already; promote another version.")
        comparison, doubts, lost = _compared(history, new, before)
        if "monet" in card.withdrawn:
            doubts.append(f"it is not to be used for Monets: {card.withdrawn['monet'].rstrip('.')}")
        doubt = "; and ".join(doubts)
        if doubt and not reason:
            raise RegistryError(
                f"{name} {new.number} was not promoted, for {doubt}. "
                "Give a reason (--force REASON) to do it all the same."
            )
        history.then(
            "promote",
            new.number,
            {alias: number for alias, number in history.aliases.items() if number != new.number}
            | {"champion": new.number},
            before=before,
            comparison=comparison.to_dict() if comparison else None,
            **({"forced": reason, "doubt": doubt} if doubt else {}),
            **({"passed": lost} if lost else {}),
        )
    return comparison


def _compared(
    history: "_History", new: Version, champion: int | None
) -> tuple[Comparison | None, list[str], list[int]]:
    """The comparison with the best champion that there can be one with; why `new` should not take over; lost champions.

    The reasons have no full stop. The lost champions are those whose files can't be read or trusted.
    """
    if champion is None:
        unknown = sorted(history.folders() - {event["version"] for event in history.events})
        names = ", ".join(f"{new.name}-{number}" for number in unknown[:5]) + (", …" if len(unknown) > 5 else "")
        lost = f"there is no champion, and the history, which may have been lost, does not name the folders {names}"
        return None, [lost] if unknown else [], []
    comparisons: list[Comparison] = []
    doubts: list[str] = []
    passed: list[int] = []
    for number in dict.fromkeys([champion, *history.champions()]):
        if number == new.number:
            continue
        folder = models.registered_folder(new.name, number)
        try:
            models.check_whole(folder)
            comparisons.append(compare_models(folder, new.folder))
        except (ArtnbError, OSError) as error:
            if isinstance(error, ComparisonError) and number != champion:
                logs.warn("registry.passed", f"{new.name} {number} is left out of the comparison: {error}")
            elif number == champion or number not in history.passed():
                which = "the champion" if number == champion else "a former champion"
                doubts.append(f"it can't be compared with {which}, {new.name} {number}: {str(error).rstrip('.')}")
                passed += [] if isinstance(error, ComparisonError) else [number]
    if not comparisons:
        return None, doubts, passed
    best = max(comparisons, key=lambda each: each.better_old)
    return best, [*doubts, *([best.doubt] if best.doubt else [])], passed


def rollback(name: str) -> Version:
    """Make the former champion the champion again, after checking that its files are the registered ones.

    If they are not, it is passed over with a warning, and the one before it is tried.

    Raises:
        RegistryError: there is no former champion, or none whose files are whole.
    """
    with _locked():
        history = _History.read(name)
        now = history.aliases.get("champion")
        former = [number for number in history.champions()[:-1] if number != now]
        if not former:
            raise RegistryError(f"{name} has no previous champion; `artnb models list` shows its versions.")
        problems = {}
        for number in reversed(former):
            if not (problem := _problem(models.registered_folder(name, number))):
                break
            problems[number] = problem
        else:
            raise RegistryError(
                f"No former champion of {name} is whole: {' '.join(problems.values())} Restore a folder from a copy, "
                "or make another version the champion with `artnb models promote`."
            )
        others = {alias: other for alias, other in history.aliases.items() if other != number}
        history = history.then("rollback", number, others | {"champion": number}, before=now)
        for passed, problem in problems.items():
            logs.warn("registry.passed", f"{name} {passed} is passed over: {problem}")
    return history.version(number)


@dataclass(frozen=True)
class _History:
    """What was done with the versions of a name: read once, and then `then` is the one way to go on."""

    name: str
    events: list[dict[str, Any]]

    @classmethod
    def read(cls, name: str) -> Self:
        check_name(name, [kind.registered for kind in KINDS.values()], "registered name", RegistryError)
        return cls(name, models.registered_history(name))

    def then(self, event: str, number: int, aliases: dict[str, int], **more: Any) -> Self:
        """Write a line, and return the history with it."""
        time = datetime.now(UTC).isoformat(timespec="seconds")
        line = {"time": time, "name": self.name, "event": event, "version": number, "aliases": aliases} | more
        append_lines(settings.home / "registry" / "history.jsonl", [json.dumps(line)])
        logs.event(f"registry.{event}", model=f"{self.name} {number}", aliases=aliases, **more)
        return type(self)(self.name, [*self.events, line])

    @property
    def aliases(self) -> dict[str, int]:
        return models.aliases(self.name, self.events)

    def versions(self) -> list[Version]:
        additions: dict[int, dict[str, Any]] = {}
        for event in self.events:
            if event["event"] == "add":
                additions.setdefault(event["version"], event)
        return [
            Version(
                self.name,
                number,
                models.registered_folder(self.name, number),
                event["time"],
                event["digest"],
                tuple(alias for alias in models.ALIASES if self.aliases.get(alias) == number),
            )
            for number, event in sorted(additions.items())
        ]

    def version(self, number: int) -> Version:
        existing = {version.number: version for version in self.versions()}
        if number not in existing:
            numbers = ", ".join(map(str, existing)) or "none yet"
            raise RegistryError(f"There is no version {number} of {self.name}; there are {numbers}.")
        return existing[number]

    def champions(self) -> list[int]:
        numbers: list[int] = []
        for event in self.events:
            if event["event"] == "rollback":  # past those that were not whole
                while numbers and numbers.pop() != event["version"]:
                    pass
            if event["event"] in ("promote", "rollback"):
                numbers.append(event["version"])
        return numbers

    def passed(self) -> set[Any]:
        """The former champions that a promotion has passed over because their files were lost."""
        return {number for event in self.events for number in event.get("passed", [])}

    def folders(self) -> set[int]:
        """The numbers of the folders that are named like versions.

        Up to 9999: a longer one is no count but a date, in a name that a person gave to a copy.
        """
        names = [path.name.rpartition("-") for path in (settings.home / "registry").iterdir() if path.is_dir()]
        return {
            int(digits)
            for name, _, digits in names
            if name == self.name and digits.isascii() and digits.isdigit() and len(digits) <= 4
        }

    def next_number(self) -> int:
        """After all in the history and all folders: a number is never used twice, even if the history was lost."""
        return 1 + max([event["version"] for event in self.events] + [*self.folders()], default=0)


@contextmanager
def _locked() -> Iterator[None]:
    """The registry for one process at a time; MLflow is updated afterwards."""
    from filelock import FileLock

    folder = settings.home / "registry"
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        yield
    tracking.mirror()
