"""Progress of long work: a bar with the remaining time, in a terminal or a notebook."""

import os
import sys
from collections.abc import Iterable
from typing import Any

STOPPED = "It was stopped."  # by a person, not by trouble


def progress(
    things: Iterable | None = None, what: str = "", total: int | None = None, unit: str = "it", initial: int = 0
) -> Any:
    """A tqdm bar: a line in a terminal, a widget in a notebook, nothing in a log, a pipe or with `TQDM_DISABLE`.

    Args:
        things: what is worked on; None for a bar that is moved by its `update`.
        what: a word or two before the bar.
        total: how many things, if they don't know it themselves.
        unit: what one of them is called; "B" for bytes, which are shown in kB, MB or GB.
        initial: how many were done before.
    """
    from tqdm.auto import tqdm

    looked_at = "ipykernel" in sys.modules or sys.stderr.isatty()
    quiet = bool(os.environ.get("TQDM_DISABLE")) or not looked_at
    return tqdm(things, what, total, unit=unit, unit_scale=unit == "B", initial=initial, leave=False, disable=quiet)
