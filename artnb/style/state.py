"""The file that an interrupted transfer is saved in."""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from artnb.common.files import replacing
from artnb.errors import Allowed, ArtnbError, check_value


class StyleError(ArtnbError, ValueError):
    """A style transfer can't be begun or resumed."""


def state_file(state: str | Path) -> Path:
    """The file to save a transfer in, known to be no folder, nor in a file, before any work is done.

    Raises:
        StyleError: it can't be one.
    """
    good = Allowed(lambda value: isinstance(value, str | Path) and str(value) != "", "the name of a file")
    check_value(state, good, "The argument state", StyleError)
    file = Path(state)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            file.stat()
        is_folder = file.is_dir()
    except (OSError, ValueError) as error:
        raise StyleError(f"The state can't be saved in {file.name!r} ({type(error).__name__}); name a file.") from error
    if is_folder:
        raise StyleError(f"The state {file.name!r} is a folder; name a file in it.")
    return file


def write_state(file: Path, identity: str, values: Mapping[str, Any]) -> None:
    """Write a state beside, and put it in its place.

    Args:
        file: where to.
        identity: what distinguishes the transfer from others.
        values: arrays, or what becomes one, by their names.

    Raises:
        OSError: it can't be written; what was there stays.
    """
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in values.items()}
    with replacing(file) as part, part.open("wb") as stream:
        np.savez(stream, identity=np.array(identity), **arrays)


def read_state(file: Path, identity: str) -> dict[str, np.ndarray]:
    """What `write_state` was given.

    Raises:
        StyleError: it can't be read, or is another transfer's.
    """
    try:
        with np.load(file, allow_pickle=False) as saved:
            values = {name: saved[name] for name in saved.files}
        found = str(values.pop("identity"))
    except Exception as error:  # zipfile's own and NumPy's, for a file that was cut or is something else
        raise StyleError(
            f"{str(file)!r} holds no transfer to resume ({type(error).__name__}); remove it to begin anew."
        ) from error
    if found != identity:
        raise StyleError(
            f"{str(file)!r} is of a transfer with other pictures or settings; resume it with the same, "
            "or remove it to begin anew."
        )
    return values
