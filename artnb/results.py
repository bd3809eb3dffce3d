"""What real runs gave, recorded in data/results by `make results`: a table, and a label that says where it is from."""

import json
from pathlib import Path

import pandas as pd

from artnb.errors import ArtnbError

CHECKOUT = Path(__file__).resolve().parents[1] / "data/results"
INSTALLED = Path(__file__).resolve().parent / "recorded_results"  # where a wheel has them
FOLDER = INSTALLED if INSTALLED.is_dir() else CHECKOUT


class ResultError(ArtnbError, ValueError):
    """There is no such recorded result, or it can't be read."""


def recorded(name: str, folder: Path = FOLDER) -> pd.DataFrame:
    """A recorded result, such as `recorded("ours")`: what a real run gave on real paintings, at another time.

    Args:
        name: of a file in data/results, without its suffix; the README there lists them.
        folder: where to look; by default data/results of the checkout, or what the wheel brings.

    Returns:
        The table; `attrs["label"]` is to stand beside it, "recorded: COMMAND, split DIGEST, DATE", and `attrs["about"]`
        is all that NAME.json says. What could not be measured is NaN, and the row's `needs` says what it would take.

    Raises:
        ResultError: there is no such result, or it can't be read.
    """
    names = recorded_names(folder)
    if name not in names:
        there = f"there are {', '.join(names)}" if names else "there are none yet"
        raise ResultError(f"There is no recorded result {name!r}; {there}. In a checkout, `make results` records them.")
    try:
        about = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        table = pd.read_csv(folder / f"{name}.csv", float_precision="round_trip")
        table.attrs["about"] = about
        table.attrs["label"] = f"recorded: {about['command']}, split {about['split'][:8]}, {about['date']}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ResultError(
            f"The recorded result {name!r} can't be read ({type(error).__name__}); restore {name}.csv and {name}.json, "
            "or remove both and record it again: make results"
        ) from error
    return table


def recorded_names(folder: Path = FOLDER) -> list[str]:
    """The names of the recorded results in a folder, sorted."""
    return sorted(file.stem for file in folder.glob("*.json"))
