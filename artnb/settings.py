"""Where data, weights and results live, the source, the profile and the seed: read once, when first asked for.

`settings.home` and the others are the environment's; `with using(home=folder):` puts others in their place for a while.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self, cast, get_args

from artnb.errors import ArtnbError

Source = Literal["studio", "folder", "kaggle"]
Profile = Literal["quick", "full"]
Level = Literal["debug", "info", "warning", "error"]
Precision = Literal["auto", "float32"]


class SettingsError(ArtnbError, ValueError):
    """An `ARTNB_…` variable holds something that cannot be used."""


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
        weights: `ARTNB_WEIGHTS`, a folder of ImageNet weight files, looked into before the Keras cache; or "packaged",
            to use no others than those that are installed as a package.
        profile: `ARTNB_PROFILE`, "quick" (the course in minutes) or "full" (the original's settings).
        precision: `ARTNB_PRECISION`, "auto" (half of the bits in training where that is faster, see `precision`) or
            "float32", for figures that depend less on the machine.
        seed: `ARTNB_SEED`, the one seed that every random choice of the course derives from.
        min_paintings: `ARTNB_MIN_PAINTINGS`, how many paintings an artist needs to be chosen. Default: it follows from
            the collection, see `paintings.splits.threshold`.
        log: `ARTNB_LOG`, "1" to note each prediction, without its picture, in the store that `artnb monitor` reads.
        events: `ARTNB_EVENTS`, a file that gets a line of JSON for each event, see `logs`. Default: none.
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
    events: Path | None = None
    level: Level = "info"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read the `ARTNB_…` variables; raise SettingsError for a value that cannot be used."""

        def choice(variable: str, kind: Any, default: str) -> Any:
            value = environment.get(variable) or default
            if value not in get_args(kind):
                raise SettingsError(f"{variable} is {value!r}; it can be {' or '.join(get_args(kind))}.")
            return value

        def folder(variable: str) -> Path | None:
            value = environment.get(variable)
            return Path(value).expanduser().resolve() if value else None

        def number(variable: str, default: int | None, least: int) -> int | None:
            value = environment.get(variable)
            if not value:
                return default
            if not (value.isascii() and value.isdigit() and len(value) < 11 and least <= int(value) < 2**31):
                raise SettingsError(f"{variable} is {value!r}; it can be a whole number from {least} to {2**31 - 1}.")
            return int(value)

        if (log := environment.get("ARTNB_LOG") or "0") not in ("0", "1"):
            raise SettingsError(f"ARTNB_LOG is {log!r}; it can be 0 or 1.")
        data = folder("ARTNB_DATA")
        source = choice("ARTNB_SOURCE", Source, "folder" if data else "studio")
        if source == "folder" and data is None:
            raise SettingsError("ARTNB_SOURCE is 'folder', but ARTNB_DATA does not say which folder; set it.")
        return cls(
            home=folder("ARTNB_HOME") or _default_home(),
            source=source,
            data=data,
            monet_data=folder("ARTNB_MONET_DATA"),
            weights="packaged" if environment.get("ARTNB_WEIGHTS") == "packaged" else folder("ARTNB_WEIGHTS"),
            profile=choice("ARTNB_PROFILE", Profile, cls.profile),
            precision=choice("ARTNB_PRECISION", Precision, cls.precision),
            seed=number("ARTNB_SEED", cls.seed, 0) or 0,
            min_paintings=number("ARTNB_MIN_PAINTINGS", None, 1),
            log=log == "1",
            events=folder("ARTNB_EVENTS"),
            level=choice("ARTNB_EVENTS_LEVEL", Level, cls.level),
        )


class _Current:
    """Stands for the settings in use, so that importing artnb reads nothing and can't fail."""

    in_use: Settings | None = None

    def __getattr__(self, name: str) -> Any:
        if self.in_use is None:
            self.in_use = Settings.from_environment()
        return getattr(self.in_use, name)


_current = _Current()
settings = cast(Settings, _current)


@contextmanager
def using(**changes: Any) -> Iterator[Settings]:
    """Use other settings for a while, in all threads of this process, in a `with` statement.

    Args:
        changes: attributes of `Settings`.
    """
    before = _current.in_use
    _current.in_use = replace(before or Settings.from_environment(), **changes)
    try:
        yield _current.in_use
    finally:
        _current.in_use = before
