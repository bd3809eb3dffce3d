"""The saved model: one card, one folder, one list, whatever its kind.

A model is a folder that holds card.json and the files that the card names, each with its SHA-256. Those that ship with
the package are in `starters/`, your own in `$ARTNB_HOME/models`, registered versions in `$ARTNB_HOME/registry`, whose
`history.jsonl` has a line for each step; the last one says what the aliases mean. `operation.registry` writes it.
"""

import json
import os
import platform
import shutil
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from artnb import __version__
from artnb.cards import KINDS, Card, KindName, ModelError, damaged, is_file, is_unfinished
from artnb.common.files import replacing, sha256
from artnb.common.lines import read_records
from artnb.errors import check_name
from artnb.settings import settings

STARTERS = Path(__file__).parent / "starters"
ALIASES = ("champion", "challenger")
PAGES = ("README.md", "comparison.md")  # for people; a model is the same without them


@dataclass(frozen=True)
class Entry:
    """A model in the list.

    Attributes:
        name: what `load_model` takes.
        folder: where it is.
        card: what it is; None for a damaged one.
        problem: what is wrong with it, a sentence; empty for a healthy one.
    """

    name: str
    folder: Path
    card: Card | None
    problem: str = ""


def load_model(model: str | Path, kind: KindName | None = None) -> Any:
    """Load a model: `load_model("starter")("painting.jpg")`.

    Args:
        model: a name of `list_models`, a folder, or a registered model as in `find`.
        kind: of which it must be; None for any.

    Returns:
        A `Classifier`, a `CycleModel` or a `PainterModel`: an object that is called on a picture or several.

    Raises:
        ModelError: there is no such model, it is of another kind, or a file of it is missing or was changed.
    """
    folder = find(model, kind)
    card, identity = read_whole(folder)
    _check_kind(folder, card, kind)
    module, _, name = KINDS[card.kind].loader.partition(":")
    model = getattr(import_module(module), name).read(folder, card, identity)
    if read_whole(folder) != (card, identity):
        raise damaged(folder, "it was replaced while it was read")
    return model


def list_models(kind: KindName | None = None) -> list[Entry]:
    """All models that have a name, also damaged ones, each of whose files is looked at.

    The starters first, then those of `$ARTNB_HOME/models`, then the registry's champions and challengers. A training
    that is not finished is no model.

    Args:
        kind: of which; None for all. A damaged one whose kind can't be known is in every list.

    Raises:
        ModelError: there is no such kind.
    """
    _check_kind_name(kind)
    entries = [entry for place in (STARTERS, settings.home / "models") for entry in _in_place(place)]
    for each in KINDS.values():
        entries += _in_registry(each.registered)
    return [entry for entry in entries if kind is None or entry.card is None or entry.card.kind == kind]


def _in_place(place: Path) -> list[Entry]:
    """The models of a folder of models."""
    try:
        folders = sorted(folder for folder in place.iterdir() if not folder.name.startswith("."))
    except FileNotFoundError:
        return []
    except OSError as error:
        return [Entry(place.name, place, None, str(_unreadable(place, error)))]
    return [_entry(each.name, each) for each in folders if _holds_files(each) and not is_unfinished(each)]


def _in_registry(name: str) -> list[Entry]:
    """The champion and the challenger of a name, as far as there are any."""
    try:
        history = registered_history(name)
    except ModelError as error:
        return [Entry(f"registry:{name}", settings.home / "registry", None, str(error))]
    now = aliases(name, history)
    return [
        _entry(f"registry:{name}@{alias}", registered_folder(name, now[alias])) for alias in ALIASES if alias in now
    ]


def _entry(name: str, folder: Path) -> Entry:
    try:
        return Entry(name, folder, check_whole(folder))
    except ModelError as error:
        return Entry(name, folder, None, str(error))


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"{path.name!r} in {path.parent.name!r} can't be read ({type(error).__name__}); make it a folder or a file "
        "that may be read, or choose another ARTNB_HOME."
    )


def _holds_files(folder: Path) -> bool:
    """Whether a folder holds something that could be a model's, or can't be looked into."""
    try:
        return any(path.name == "card.json" or path.is_file() for path in folder.iterdir())
    except PermissionError:
        return True
    except (OSError, ValueError):  # there is no such folder, or none of such a name
        return False


def find(model: str | Path, kind: KindName | None = None) -> Path:
    """The folder of a model, by its name or path, or as `registry:champion`.

    After `registry:` comes an alias or a number, before it perhaps the name that the model is registered under, as in
    `registry:monet-generator@challenger` and `registry:art-classifier@3`.

    Args:
        model: which.
        kind: of which it must be; None for any, and a registered model is then a classifier unless it says its name.

    Raises:
        ModelError: there is none of this kind; the sentence names those that there are.
    """
    _check_kind_name(kind)
    name = os.fspath(model) if isinstance(model, os.PathLike) else model
    if not isinstance(name, str):
        raise ModelError(f"Got {type(model).__name__} for a model; give its name, or the path of its folder.")
    if name.startswith("registry:"):
        return _registered(name, kind)
    places = STARTERS, settings.home / "models", settings.home / "registry", Path()
    folders = [place / name for place in places if name]
    whole = [folder for folder in folders if is_file(folder / "card.json")]
    for folder in whole or filter(_holds_files, folders):
        _check_kind(folder, Card.load(folder), kind)
        return folder
    names = ", ".join(repr(entry.name) for entry in list_models(kind) if entry.card) or "none yet"
    raise ModelError(
        f"There is no {kind or 'model'} {_short(name)}; by name there are {names}. "
        f"Name one of these or a folder that `{KINDS[kind or 'classifier'].command}` wrote."
    )


def _check_kind_name(kind: str | None) -> None:
    if kind is not None:
        check_name(kind, KINDS, "kind of model", ModelError)


def _check_kind(folder: Path, card: Card, kind: str | None) -> None:
    if kind not in (None, card.kind):
        raise ModelError(f"The model {folder.name!r} is a {card.kind}; a {kind} was asked for.")


def _short(name: str) -> str:
    return repr(name if len(name) <= 100 else f"{name[:80]}…")


def _registered(reference: str, kind: KindName | None) -> Path:
    name, _, which = reference.removeprefix("registry:").rpartition("@")
    names = [each.registered for each in KINDS.values()] if kind is None else [KINDS[kind].registered]
    name, histories = name or names[0], {each: registered_history(each) for each in names}
    if name in names:
        now = aliases(name, histories[name])
        number = which if which.isascii() and which.isdigit() else str(now.get(which))
        if number in [str(event["version"]) for event in histories[name]]:
            return registered_folder(name, number)
    have = {each: sorted(aliases(each, history)) for each, history in histories.items()}
    known = "; ".join(f"{each} has {' and '.join(there) or 'no version yet'}" for each, there in have.items())
    raise ModelError(
        f"{_short(reference)} is not in the registry: {known}. "
        "Name one of these, as registry:champion, or register a model with `artnb models add MODEL`."
    )


def registered_folder(name: str, number: int | str) -> Path:
    """Where a version of a registered model lies."""
    return settings.home / "registry" / f"{name}-{number}"


def registered_history(name: str) -> list[dict[str, Any]]:
    """What was done in the registry with the models of a name, the oldest first.

    A line that was cut short, or says something else than the registry writes, is left out, with a warning.

    Raises:
        ModelError: the history is there and can't be read.
    """
    file = settings.home / "registry" / "history.jsonl"
    try:
        events = _read_history(file, file.stat().st_size, file.stat().st_mtime_ns)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(file, error) from error
    return [dict(event) for event in events if event["name"] == name]


@lru_cache(maxsize=1)  # read once, as long as the file does not change
def _read_history(file: Path, size: int, time: int) -> list[dict[str, Any]]:
    return read_records(file, _event)


def _event(value: Any) -> dict[str, Any]:
    if not _is_event(value):
        raise ValueError("no line as the registry writes it")
    return dict(value)


def _is_event(event: Any) -> bool:
    def is_version(value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and value > 0

    if not (isinstance(event, dict) and all(isinstance(event.get(key), str) for key in ("time", "name", "event"))):
        return False
    aliases, before = event.get("aliases"), event.get("before", "")
    if not (is_version(event.get("version")) and isinstance(aliases, dict) and all(map(is_version, aliases.values()))):
        return False
    if event["event"] == "add":
        return isinstance(event.get("digest"), str)
    return (before is None or is_version(before)) and isinstance(event.get("passed", []), list)


def aliases(name: str, history: list[dict[str, Any]] | None = None) -> dict[str, int]:
    """The versions that champion and challenger of a name are; an alias without a version is left out.

    Args:
        name: "art-classifier" or "monet-generator".
        history: what `registered_history` returned, for those who have read it already.

    Raises:
        ModelError: see `registered_history`.
    """
    history = registered_history(name) if history is None else history
    return history[-1]["aliases"] if history else {}


def identity(folder: Path) -> str:
    """The SHA-256 of a model's card, which holds the digests of its files: equal for equal models only.

    Raises:
        ModelError: it has no card that can be read.
    """
    return Card.read(folder)[1]


def check_file(folder: Path, card: Card, name: str) -> Path:
    """The path of a model's file, if it is the file that the card names.

    Raises:
        ModelError: it is missing, or has other contents.
    """
    if not is_file(folder / name):
        raise damaged(folder, f"{name} is missing")
    try:
        if sha256(folder / name) != card.files.get(name):
            raise damaged(folder, f"{name} is not the file that the model was saved with")
    except OSError as error:
        raise damaged(folder, f"{name} can't be read, {type(error).__name__}") from error
    return folder / name


def read_whole(folder: Path) -> tuple[Card, str]:
    """A model's card and its identity, see `Card.read`, if the files are those that the card names.

    In the registry, by whatever path it is reached, the card must be the registered one, too. Other files that lie in
    the folder, such as those of a file manager, are no part of the model.

    Raises:
        ModelError: one of them is another, or missing; the sentence names it.
    """
    card, digest = Card.read(folder)
    if entry := registry_entry(folder):
        name, _, number = entry.rpartition("-")
        added = [event["digest"] for event in registered_history(name)
                 if (event["event"], str(event["version"])) == ("add", number)]  # fmt: skip
        if added[:1] != [digest]:
            reason = "its card.json was changed" if added else "the history does not name them"
            raise ModelError(
                f"The files of {name} {number} are not those that were registered ({reason}); it can't be trusted: "
                "restore its folder from a copy, or choose another version."
            )
    for file in card.files:
        check_file(folder, card, file)
    return card, digest


def check_whole(folder: Path) -> Card:
    """A model's card, if `read_whole` finds nothing wrong with it.

    Raises:
        ModelError: see `read_whole`.
    """
    return read_whole(folder)[0]


def registry_entry(folder: Path) -> str:
    """The name of a folder in the registry, however its path is spelled; empty for any other folder."""
    for spelled in (Path.absolute, Path.resolve):
        with suppress(OSError, RuntimeError):  # there is no registry, or links go round in a circle
            if spelled(folder).parent.samefile(settings.home / "registry"):
                return spelled(folder).name
    return ""


def save_model(
    folder: Path, card: dict[str, Any], writers: dict[str, Callable[[Path], object]], page: Callable[[Card], str]
) -> tuple[Card, str]:
    """Write a model's files beside, then rename all, and write card.json last: without one it is no model yet.

    Args:
        folder: where to; what else lies in it stays.
        card: the fields of its card, but for `made`'s date and versions and `files`.
        writers: file name -> what writes it, given a path.
        page: the card as a page for a person, in Markdown.

    Returns:
        The card and its identity, see `Card.read`.

    Raises:
        ModelError: a figure of the card can't be used, such as one that is no number.
    """
    with ExitStack() as renamed:
        for name, write in writers.items():
            write(renamed.enter_context(replacing(folder / name)))
        (folder / "card.json").unlink(missing_ok=True)
    files = {name: sha256(folder / name) for name in writers}
    made = {
        "date": date.today().isoformat(),
        "artnb": __version__,
        "keras": metadata.version("keras"),
        "python": platform.python_version(),
    }
    new = Card(**card | {"made": made | card["made"], "files": files})
    write_card(folder, new, page(new))
    return Card.read(folder)


def write_card(folder: Path, card: Card, page: str) -> None:
    """Write README.md, then card.json.

    Raises:
        ModelError: a figure of the card is no number.
    """
    try:
        text = json.dumps(asdict(card), indent=1, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        raise ModelError(
            f"The card of {card.title!r} holds a figure that is no finite number; train it again with another recipe."
        ) from error
    with replacing(folder / "README.md") as part:
        part.write_text(page, encoding="utf-8")
    with replacing(folder / "card.json") as part:
        part.write_text(text, encoding="utf-8")


def copy_model(source: Path, target: Path, copy: Callable[[Path, Path], object] | None = None) -> None:
    """Copy a model, and nothing that lies beside it, to a folder that does not exist yet; it is there whole or not.

    Args:
        source: the model's folder.
        target: where to.
        copy: what copies a file; by default its bytes.
    """
    pages = [name for name in PAGES if (source / name).is_file()]
    with replacing(target) as part:
        part.mkdir(parents=True)
        for name in [*Card.load(source).files, *pages, "card.json"]:
            (copy or shutil.copyfile)(source / name, part / name)
