"""Where data, weights and results live, the source, the profile and the seed: read once, when first asked for.

`settings.home` and the others are the environment's; `with using(home=folder):` puts others in their place for a while.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, Self, TypeVar, cast, get_args

from artnb.errors import TRUE_OR_FALSE, Allowed, ArtnbError, check_name, check_value, one_of, whole

Source = Literal["studio", "folder", "kaggle"]
Profile = Literal["quick", "full"]
Level = Literal["debug", "info", "warning", "error"]
Precision = Literal["auto", "float32"]
_S = TypeVar("_S", bound="Settings")


class SettingsError(ArtnbError, ValueError):
    """A setting, of the environment or of the program, that cannot be used."""


def _default_home() -> Path:
    """`data/` of the checkout; for an installed wheel, the user's own data folder."""
    checkout = Path(__file__).resolve().parents[1]
    if (checkout / "pyproject.toml").is_file():
        return checkout / "data"
    from platformdirs import user_data_path

    return user_data_path("artnb")


@dataclass(frozen=True)
class Settings:
    """What the environment says, checked.

    Attributes:
        home: `ARTNB_HOME`, where caches, trained models and results are written. Default: `data/` of the checkout.
        source: `ARTNB_SOURCE`, where the paintings come from. Default: "folder" if `ARTNB_DATA` is set, otherwise
            "studio", the only one that needs nothing.
        data: `ARTNB_DATA`, the folder of paintings of the source "folder".
        monet_data: `ARTNB_MONET_DATA`, the folder that holds `photo_jpg/` and `monet_jpg/`.
        weights: `ARTNB_WEIGHTS`, a folder of ImageNet weight files, where `artnb weights get` puts them, looked into
            before the Keras cache; or "packaged", to use no others than those that are installed as a package.
        profile: `ARTNB_PROFILE`, "quick" (the course in minutes) or "full" (the original's settings).
        precision: `ARTNB_PRECISION`, "auto" (half of the bits in training where that is faster, see `precision`) or
            "float32", for figures that depend less on the machine.
        seed: `ARTNB_SEED`, the one seed that every random choice of the course derives from.
        min_paintings: `ARTNB_MIN_PAINTINGS`, how many paintings an artist needs to be chosen. Default: it follows from
            the collection, see `paintings.splits.threshold`.
        log: `ARTNB_LOG`, "1" to log each prediction, without its picture, in the store that `artnb watch report`
            reads.
        keep_days: `ARTNB_KEEP_DAYS`, how many days the store keeps what was saved of visitors. Default: until it is
            deleted (`artnb watch forget`).
        keep_megabytes: `ARTNB_KEEP_MEGABYTES`, how large the store becomes before the oldest of it is deleted. Default:
            nothing is deleted, and a store of 1 GB takes no more.
        events: `ARTNB_EVENTS`, a file, or /dev/stderr and the like, that gets a line of JSON for each event, see
            `logs`. Default: none.
        level: `ARTNB_EVENTS_LEVEL`, how serious an event must be for that: "debug", "info", "warning" or "error".
    """

    home: Path
    source: Source = "studio"
    data: Path | None = None
    monet_data: Path | None = None
    weights: Path | Literal["packaged"] | None = None
    profile: Profile = "quick"
    precision: Precision = "auto"
    seed: int = 1874  # the year of the first Impressionist exhibition
    min_paintings: int | None = None
    log: bool = False
    keep_days: int | None = None
    keep_megabytes: int | None = None
    events: Path | None = None
    level: Level = "info"

    def __post_init__(self) -> None:
        """Say at once what can't be used; a path may be given as text."""
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or field.default is not None:
                object.__setattr__(self, field.name, _checked(field.name, value, f"The setting {field.name}"))

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the `ARTNB_…` variables.

        Raises:
            SettingsError: a value can't be used.
        """
        values: dict[str, Any] = {}
        for name, variable in _VARIABLES.items():
            value: Any = environment.get(variable)
            if not value:
                continue
            if (
                name in ("seed", "min_paintings", "keep_days", "keep_megabytes")
                and value.isascii()
                and value.isdigit()
                and len(value) < 11
            ):
                value = int(value)
            if name == "log":
                check_value(value, Allowed(lambda text: text in ("0", "1"), "0 or 1"), variable, SettingsError)
                value = value == "1"
            values[name] = _checked(name, value, variable)
        defaults = {"home": _default_home(), "source": "folder" if "data" in values else "studio"}
        return _with_a_folder(cls(**defaults | values))


def path_of(value: str | Path, name: str) -> Path:
    """The whole path that a setting's text stands for.

    Raises:
        SettingsError: it can't be one; the sentence calls it by `name`.
    """
    try:
        return Path(value).expanduser().resolve()
    except (RuntimeError, ValueError, OSError) as error:  # a home of nobody; a NUL; a loop of links
        raise SettingsError(f"{name} is {str(value)!r}, which is no path ({error}); give another one.") from error


_PATH = Allowed(lambda value: isinstance(value, Path), "a path")
SEEDS = whole(0, 2**31 - 1)
_ALLOWED = {
    "home": _PATH,
    "source": one_of(*get_args(Source)),
    "data": _PATH,
    "monet_data": _PATH,
    "weights": Allowed(lambda value: value == "packaged" or isinstance(value, Path), "'packaged' or a path"),
    "profile": one_of(*get_args(Profile)),
    "precision": one_of(*get_args(Precision)),
    "seed": SEEDS,
    "min_paintings": whole(1, 2**31 - 1),
    "log": TRUE_OR_FALSE,
    "keep_days": whole(1, 36500),
    "keep_megabytes": whole(1, 10**6),
    "events": _PATH,
    "level": one_of(*get_args(Level)),
}
_PATHS = ("home", "data", "monet_data", "weights", "events")
_VARIABLES = {name: "ARTNB_EVENTS_LEVEL" if name == "level" else f"ARTNB_{name.upper()}" for name in _ALLOWED}


def _checked(name: str, value: Any, called: str) -> Any:
    """The value of a setting as it is kept; the sentence of an error calls it as it was given."""
    if name in _PATHS and isinstance(value, str | Path) and str(value) not in ("", "packaged"):
        path = path_of(value, called)
        # The whole path of /dev/stderr is that of nothing that can be opened.
        value = Path(value) if name == "events" and Path(value).is_relative_to("/dev") else path
    check_value(value, _ALLOWED[name], called, SettingsError)
    return value


def _with_a_folder(settings: _S) -> _S:
    """The same, if the source "folder" has one."""
    if settings.source == "folder" and settings.data is None:
        raise SettingsError(
            "The source (ARTNB_SOURCE) is 'folder', but data (ARTNB_DATA) does not say which folder; set it."
        )
    return settings


def known_profile(profile: Profile | None) -> Profile:
    """The profile of this name; of None, the one in use.

    Raises:
        RecipeError: there is no such profile.
    """
    if profile is None:
        return settings.profile
    check_name(profile, get_args(Profile), "profile")
    return profile


@cache
def _environment() -> Settings:
    return Settings.from_environment()


class _Current:
    """Stands for the settings in use, so that importing artnb reads nothing and can't fail."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_in_use or _environment(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise SettingsError(f"settings.{name} can't be set; write `with using({name}=…):`, or set the ARTNB_ variable.")


settings = cast(Settings, _Current())
_lock = threading.Lock()
_blocks: list[dict[str, Any]] = []  # the changes of all `using` that have begun and not ended
_in_use: Settings | None = None


@contextmanager
def using(**changes: Any) -> Iterator[Settings]:
    """Use other settings for a while, in all threads of this process, in a `with` statement.

    Where several overlap, those that began later win, and each takes back its own changes, in whatever order they end.

    Args:
        changes: attributes of `Settings`; a path may be given as text.

    Raises:
        SettingsError: a value can't be used.
    """
    global _in_use
    with _lock:
        changed = _with_a_folder(replace(_in_use or _environment(), **changes))
        block = {name: getattr(changed, name) for name in changes}
        _blocks.append(block)
        _in_use = changed
    try:
        yield changed
    finally:
        with _lock:
            _blocks[:] = [each for each in _blocks if each is not block]
            changes = {name: each[name] for each in _blocks for name in each}
            _in_use = replace(_environment(), **changes) if changes else None
