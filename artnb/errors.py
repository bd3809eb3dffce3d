"""The one family of errors whose message is written for a person, and the checks that raise most of them."""

import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, fields
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")


class ArtnbError(Exception):
    """Something went wrong that the reader can mend.

    The message is one clear sentence: what was received, what was wanted, what to do. The command line and
    the pages show it as it is, without a traceback; every error of this package derives from it.
    """


class RecipeError(ArtnbError, ValueError):
    """A recipe with settings that can't be used, or a name of none."""


class NetworkError(ArtnbError, ValueError):
    """There is no such network, or it can't be built like that."""


class TrainingError(ArtnbError, RuntimeError):
    """A training can't be begun, resumed or carried on."""


class DivergenceError(TrainingError):
    """A loss is no number any more."""


class EvaluationError(ArtnbError, ValueError):
    """Pictures or answers that nothing can be measured on."""


class Allowed(NamedTuple):
    """What a value can be.

    Attributes:
        good: whether a value can be used; it raises nothing, whatever the value.
        words: the same for a person, after "it can be".
    """

    good: Callable[[Any], bool]
    words: str


TRUE_OR_FALSE = Allowed(lambda value: isinstance(value, bool), "True or False")


def is_number(value: object) -> bool:
    """Whether it is a finite number: an int or a float, but no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


def whole(least: int, most: int | None = None, unit: str = "") -> Allowed:
    """A whole number in a range, both ends included, of a unit such as "pixels"; with None there is no upper end."""

    def good(value: Any) -> bool:
        in_range = isinstance(value, int) and least <= value and (most is None or value <= most)
        return in_range and not isinstance(value, bool)

    return Allowed(good, f"a whole number from {least} {'on' if most is None else f'to {most}'} {unit}".strip())


def number(good: Callable[[float], bool], words: str) -> Allowed:
    """A finite number with a property, such as `number(lambda x: x > 0, "above 0")`."""
    return Allowed(lambda value: is_number(value) and good(value), f"a number {words}")


def one_of(*names: str) -> Allowed:
    """One of a few names."""
    return Allowed(lambda value: isinstance(value, str) and value in names, " or ".join(names))


def optional(allowed: Allowed) -> Allowed:
    """The same, or None."""
    return Allowed(lambda value: value is None or allowed.good(value), f"None or {allowed.words}")


def check_value(value: object, allowed: Allowed, name: str, error: type[ArtnbError] = RecipeError) -> None:
    """Nothing for a value that can be used.

    Args:
        value: what was given.
        allowed: what it can be.
        name: what the sentence calls it; its first words.
        error: what is raised.

    Raises:
        error: it can't be used; the sentence says what it is and what it can be.
    """
    if not allowed.good(value):
        raise error(f"{name} is {_in_a_line(value)}; it can be {allowed.words}.")


def check_setting(good: bool, name: str, value: object, wanted: str) -> None:
    """Nothing for a good setting of a recipe.

    Raises:
        RecipeError: it is not; the sentence says what it is and what it can be.
    """
    check_value(value, Allowed(lambda _: good, wanted), f"The recipe's {name}")


def check_settings(recipe: Any, table: Mapping[str, Allowed], place: str = "") -> None:
    """Nothing for a recipe, a dataclass, whose settings can all be used.

    Args:
        recipe: what is checked.
        table: what each of its fields can be; none is left out.
        place: where in a recipe it stands, for the sentence.

    Raises:
        RecipeError: a setting can't be used.
    """
    for field in fields(recipe):
        check_value(getattr(recipe, field.name), table[field.name], f"The recipe's {field.name}{place}")


def check_name(name: object, names: Collection[str], kind: str, error: type[ArtnbError] = RecipeError) -> None:
    """Nothing for one of the names that there are.

    Raises:
        error: there is no such thing; the sentence says which there are.
    """
    if not (isinstance(name, str) and name in names):
        raise error(f"There is no {kind} {_in_a_line(name)}; there are {', '.join(names)}.")


def read_settings(kind: type[_T], values: object) -> _T:
    """A recipe, or a part of one, from a JSON object; its lists become tuples.

    Args:
        kind: its dataclass.
        values: the settings by their names.

    Raises:
        RecipeError: a setting is missing, unknown or can't be used.
    """
    if not isinstance(values, dict):
        raise RecipeError(f"A recipe is a JSON object; got {type(values).__name__}.")
    settings: Any = fields(kind)  # type: ignore[arg-type]
    for name in values:
        if name not in [field.name for field in settings]:
            raise RecipeError(f"A recipe has no setting {_in_a_line(name)}; remove it.")
    for field in settings:
        if field.name not in values and field.default is MISSING and field.default_factory is MISSING:
            raise RecipeError(f"The recipe can't be read: its {field.name} is missing; take one that artnb wrote.")
    try:
        return kind(**{name: _with_tuples(value) for name, value in values.items()})
    except RecursionError as error:
        raise RecipeError("The recipe can't be read: it is nested too deeply; take one that artnb wrote.") from error


def _with_tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _with_tuples(each) for name, each in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value


def _in_a_line(value: object) -> str:
    """What a sentence calls a value: not more than a line of it."""
    try:
        text = " ".join(repr(value).split())
    except Exception:  # such as of a number with more digits than Python writes
        text = f"of the type {type(value).__name__}"
    return text if len(text) <= 100 else f"{text[:80]}…"
