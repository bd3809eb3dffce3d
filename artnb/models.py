"""Where models are: starters that ship with the package, those of `$ARTNB_HOME/models`, and any other folder.

A model is a folder that holds card.json, which says of what kind it is, and weights.
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
_MADE_BY = {"classifier": "artnb train MODEL", "cyclegan": "artnb train cyclegan"}


class ModelError(ArtnbError, ValueError):
    """There is no such model, it is of another kind, or its folder is damaged."""


def find(model: str | Path, kind: Kind, settings: Settings = settings) -> Path:
    """The folder of a model, by its name or path.

    Raises:
        ModelError: there is none of this kind; the sentence names those that there are.
    """
    for folder in (STARTERS / model, settings.home / "models" / model, Path(model)):
        if (folder / "card.json").is_file():
            found = read_card(folder).get("kind", "classifier")
            if found != kind:
                raise ModelError(f"The model {folder.name!r} is a {found}; a {kind} was asked for.")
            return folder
    names = ", ".join(repr(folder.name) for folder in available(kind, settings)) or "none yet"
    raise ModelError(
        f"There is no {kind} {str(model)!r}; by name there are {names}. "
        f"Name one of these or a folder that `{_MADE_BY[kind]}` wrote."
    )


def available(kind: Kind, settings: Settings = settings) -> list[Path]:
    """The folders of all models of a kind that have a name: the starters first, then those of `$ARTNB_HOME/models`."""
    return [
        file.parent
        for place in (STARTERS, settings.home / "models")
        for file in sorted(place.glob("*/card.json"))
        if _kind(file.parent) == kind
    ]


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
