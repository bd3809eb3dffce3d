"""Where models are: starters that ship with the package, those of `$ARTNB_HOME/models`, and any other folder.

A model is a folder that holds card.json, which says of what kind it is, and weights.
"""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np

from artnb.errors import ArtnbError
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


def _kind(folder: Path) -> str:
    try:
        return read_card(folder).get("kind", "classifier")
    except ModelError:
        return "classifier"  # which loading it will say more about


def round_weights(source: Path, target: Path) -> None:
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
