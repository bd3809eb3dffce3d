"""Where models are: starters that ship with the package, those of `$ARTNB_HOME/models`, and any other folder.

A model is a folder that holds card.json, which says of what kind it is, and weights. Versions that were registered lie
in `$ARTNB_HOME/registry`; `history.jsonl` there has a line for each step, and the last one says what the aliases mean.
`operation.registry` writes it.
"""

import hashlib
import json
import platform
import shutil
from collections.abc import Sequence
from datetime import date
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import numpy as np

from artnb import __version__
from artnb.errors import ArtnbError
from artnb.files import replacing
from artnb.settings import Settings, settings

STARTERS = Path(__file__).parent / "starters"

Kind = Literal["classifier", "cyclegan"]
REGISTERED: dict[str, str] = {"classifier": "art-classifier", "cyclegan": "monet-generator"}
ALIASES = ("champion", "challenger")
_MADE_BY = {"classifier": "artnb train MODEL", "cyclegan": "artnb train cyclegan"}


class ModelError(ArtnbError, ValueError):
    """There is no such model, it is of another kind, or its folder is damaged."""


def find(model: str | Path, kind: Kind | None, settings: Settings = settings) -> Path:
    """The folder of a model, by its name or path, or as `registry:champion`.

    After `registry:` comes an alias or a number, before it perhaps the name that the model is registered under, as in
    `registry:monet-generator@challenger` and `registry:art-classifier@3`.

    Args:
        model: which.
        kind: of which it must be; None for any, and a registered model is then a classifier unless it says its name.
        settings: where models are looked for.

    Raises:
        ModelError: there is none of this kind; the sentence names those that there are.
    """
    if str(model).startswith("registry:"):
        return _registered(str(model), kind or "classifier", kind is None, settings)
    places = settings.home / "models", settings.home / "registry"
    for folder in (STARTERS / model, *(place / model for place in places), Path(model)):
        if (folder / "card.json").is_file():
            found = read_card(folder).get("kind", "classifier")
            if kind not in (None, found):
                raise ModelError(f"The model {folder.name!r} is a {found}; a {kind} was asked for.")
            return folder
    kinds: list[Kind] = [kind] if kind else ["classifier", "cyclegan"]
    names = ", ".join(repr(folder.name) for each in kinds for folder in available(each, settings)) or "none yet"
    raise ModelError(
        f"There is no {kind or 'model'} {str(model)!r}; by name there are {names}. "
        f"Name one of these or a folder that `{_MADE_BY[kinds[0]]}` wrote."
    )


def _registered(reference: str, kind: Kind, any_kind: bool, settings: Settings) -> Path:
    name, _, which = reference.removeprefix("registry:").rpartition("@")
    names = list(REGISTERED.values()) if any_kind else [REGISTERED[kind]]
    name = name or REGISTERED[kind]
    number = which if which.isascii() and which.isdigit() else aliases(name, settings).get(which)
    folder = registered_folder(name, number or 0, settings)
    if name in names and number and (folder / "card.json").is_file():
        return folder
    have = {each: sorted(aliases(each, settings)) for each in names}
    said = "; ".join(f"{each} has {' and '.join(found) or 'no version yet'}" for each, found in have.items())
    raise ModelError(
        f"{reference!r} is not in the registry: {said}. "
        "Name one of these, as registry:champion, or register a model with `artnb registry add MODEL`."
    )


def registered_folder(name: str, number: int | str, settings: Settings = settings) -> Path:
    """Where a version of a registered model lies."""
    return settings.home / "registry" / f"{name}-{number}"


def registered_history(name: str, settings: Settings = settings) -> list[dict[str, Any]]:
    """What was done in the registry with the models of a name, the oldest first; a line that was cut short is none."""
    try:
        lines = (settings.home / "registry" / "history.jsonl").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    found = []
    for line in lines.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("name") == name:
            found.append(event)
    return found


def aliases(name: str, settings: Settings = settings) -> dict[str, int]:
    """The versions that champion and challenger of a name are; an alias without a version is left out."""
    history = registered_history(name, settings)
    return history[-1]["aliases"] if history else {}


def available(kind: Kind, settings: Settings = settings) -> list[Path]:
    """The folders of all models of a kind that have a name.

    The starters first, then those of `$ARTNB_HOME/models`, then the registry's champion and challenger.
    """
    found = [
        file.parent for place in (STARTERS, settings.home / "models") for file in sorted(place.glob("*/card.json"))
    ]
    now = aliases(REGISTERED[kind], settings)
    found += [registered_folder(REGISTERED[kind], now[alias], settings) for alias in ALIASES if alias in now]
    return [folder for folder in found if (folder / "card.json").is_file() and _kind(folder) == kind]


def read_card(folder: Path) -> dict[str, Any]:
    """What card.json says.

    Raises:
        ModelError: there is none that can be read.
    """
    try:
        values = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        if isinstance(values, dict):
            return values
        reason = type(values).__name__
    except (OSError, ValueError, RecursionError) as error:
        reason = type(error).__name__
    raise ModelError(
        f"{folder.name!r} holds no readable card.json ({reason}), so it is no model of artnb; "
        "name a folder that `artnb train` wrote."
    )


def version(folder: Path) -> str:
    """Eight letters that tell trainings of a model apart: of the hash of its card."""
    return hashlib.sha256((folder / "card.json").read_bytes()).hexdigest()[:8]


def _kind(folder: Path) -> str:
    try:
        return read_card(folder).get("kind", "classifier")
    except ModelError:
        return "classifier"  # which loading it will say more about


def write_card(folder: Path, card: dict[str, Any], page: str) -> None:
    """Write README.md, and card.json last: a folder without one is not a model yet."""
    with replacing(folder / "README.md") as part:
        part.write_text(page, encoding="utf-8")
    with replacing(folder / "card.json") as part:
        part.write_text(json.dumps(card, indent=1, ensure_ascii=False), encoding="utf-8")


def made() -> dict[str, str]:
    """When a model is made, and with which versions."""
    return {
        "date": date.today().isoformat(),
        "artnb": __version__,
        "keras": metadata.version("keras"),
        "python": platform.python_version(),
    }


def trained_in(made: dict[str, str]) -> str:
    """The precision that a card's model was trained in, as words to append; none for a card that does not say it."""
    return f" in {made['precision']}" if "precision" in made else ""


def as_starter(folder: Path, name: str, files: Sequence[str]) -> Path:
    """Copy these files of a model into the package, weights at half precision; nothing is measured anew."""
    with replacing(STARTERS / name) as part:
        part.mkdir()
        for file in files:
            copy = _round_weights if file.endswith(".weights.h5") else shutil.copyfile
            copy(folder / file, part / file)
    return STARTERS / name


def _round_weights(source: Path, target: Path) -> None:
    """Copy a Keras weights file at half precision, compressed: what a starter's size allows."""
    import h5py

    with h5py.File(source) as whole, h5py.File(target, "w") as half:

        def copy(path: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset):
                values = np.asarray(item)
                if values.dtype == np.float32 and np.abs(values).max(initial=0) < np.finfo(np.float16).max:
                    values = values.astype(np.float16)
                half.create_dataset(path, data=values, **({"compression": "gzip"} if values.ndim else {}))
            else:
                half.require_group(path)
            for key, value in item.attrs.items():
                half[path].attrs[key] = value

        whole.visititems(copy)
