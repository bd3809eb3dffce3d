"""Progress of long work: a bar with the remaining time, in a terminal or a notebook."""

import os
import sys
from collections.abc import Iterable
from functools import cache
from importlib.util import find_spec
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
    from tqdm import tqdm

    in_notebook = "ipykernel" in sys.modules
    quiet = bool(os.environ.get("TQDM_DISABLE")) or not (in_notebook or sys.stderr.isatty())
    bar = _notebook_bar() if in_notebook and find_spec("ipywidgets") else tqdm
    return bar(things, what, total, unit=unit, unit_scale=unit == "B", initial=initial, leave=False, disable=quiet)


@cache
def _notebook_bar() -> Any:
    """A widget that leaves a line of text when it ends: a saved notebook can't show a widget without its kernel."""
    from tqdm.notebook import tqdm

    display = sys.modules["IPython.display"].display  # of the kernel that this runs in

    class Bar(tqdm):
        def __init__(self, *arguments: Any, **options: Any):
            super().__init__(*arguments, display=False, **options)
            if not self.disable:
                self.place = display(self.container, display_id=True)
                self.displayed = True

        def close(self) -> None:
            if self.disable:  # it was closed before
                return
            super().close()
            number = self.format_sizeof(self.n) if self.unit_scale else f"{self.n} "
            done = f"{number}{self.unit.strip()} in {self.format_interval(self.format_dict['elapsed'])}"
            text = ": ".join(filter(None, [self.desc.removesuffix(": "), done]))
            if self.place:
                self.place.update({"text/plain": text}, raw=True)

    return Bar
