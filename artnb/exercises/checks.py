"""Checks of a learner's answers: what is missing, or what was received and what was wanted."""

import inspect
import reprlib
from collections.abc import Callable
from typing import Any

import numpy as np


def expect(answer: Any, wanted: Any | Callable[[Any], Any], what: str, tolerance: float = 1e-5) -> None:
    """Do nothing if an answer is right.

    Args:
        answer: of the learner; `...` if there is none yet.
        wanted: the right answer, or a function that says whether an answer is right.
        what: the answer that is wanted, in words.
        tolerance: of numbers, relative and absolute.

    Raises:
        AssertionError: the answer is missing or wrong; a sentence with what was received and what was wanted.
    """
    if answer is ...:
        raise AssertionError(f"There is no answer yet; wanted: {what}.")
    try:
        right = bool(wanted(answer)) if inspect.isfunction(wanted) else _same(answer, wanted, tolerance)
    except Exception:  # what is asked of a right answer can't even be asked of this one
        right = False
    if not right:
        hint = " (does the function return it?)" if answer is None else ""
        raise AssertionError(f"Received {_SHORT.repr(answer)}{hint}; wanted: {what}.")


_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 200


def _same(answer: Any, wanted: Any, tolerance: float) -> bool:
    if np.asarray(wanted).dtype.kind not in "biuf":
        return bool(answer == wanted)
    return np.shape(answer) == np.shape(wanted) and np.allclose(answer, wanted, tolerance, tolerance)
