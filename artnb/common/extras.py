"""Optional packages: what is missing, and the command that installs it.

The command names the packages themselves, never artnb: no package index has artnb, and pip would install whatever
project took the name there.
"""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, metadata, version
from pathlib import Path
from typing import TYPE_CHECKING

from artnb.errors import ArtnbError, check_name

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_PROJECT = Path(__file__).resolve().parents[2] / "pyproject.toml"


class MissingExtraError(ArtnbError, ImportError):
    """An optional package isn't installed."""


@contextmanager
def needed(extra: str, who: str, *packages: str) -> Iterator[None]:
    """Import optional packages in a `with` statement; one that is missing becomes a sentence with its command.

    Args:
        extra: of `pyproject.toml`, such as "pages".
        who: needs them, with the verb: "The pages need".
        packages: those of the extra that are enough; by default all.

    Raises:
        MissingExtraError: a package isn't installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        if module in ("", "artnb"):
            raise
        package = module.replace("_", "-")
        raise MissingExtraError(
            f"{who} {package}, which isn't installed; install it with: {install_command(extra, *packages)}"
        ) from error


def install_command(extra: str, *packages: str) -> str:
    """The command that installs what is missing of an extra; if nothing is missing, all of it.

    Args:
        extra: of `pyproject.toml`, such as "pages".
        packages: those of the extra that are enough; by default all.

    Raises:
        MissingExtraError: there is no such extra, or artnb's own metadata are missing.
    """
    extras = _extras()
    check_name(extra, extras, "extra", MissingExtraError)
    wanted = [each for each in extras[extra] if not packages or each.name in packages]
    missing = [each for each in wanted if not _installed(each.name)] or wanted
    return "pip install " + " ".join(f'"{_without_marker(each)}"' for each in missing)


def _extras() -> "dict[str, list[Requirement]]":
    """Extra -> its requirements: a checkout's own, which its installation may be older than, or the installed ones."""
    from packaging.requirements import Requirement  # only now: a served model's copy of this file never gets here

    if _PROJECT.is_file():
        tables = tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        extras = {extra: [Requirement(line) for line in lines] for extra, lines in tables.items()}
    else:
        try:
            installed = metadata("artnb")
        except PackageNotFoundError as error:
            raise MissingExtraError(
                "Which packages are missing is not known, because artnb isn't installed, only its files are here; "
                "install its wheel, or work in its checkout."
            ) from error
        optional = [each for each in map(Requirement, installed.get_all("Requires-Dist", ())) if each.marker]
        names = installed.get_all("Provides-Extra", ())
        extras = {name: [each for each in optional if _belongs(each, name)] for name in names}
    return {extra: found for extra, found in extras.items() if extra != "all"}  # which names the others only


def _belongs(requirement: "Requirement", extra: str) -> bool:
    marker = requirement.marker
    return marker is not None and marker.evaluate({"extra": extra}) and not marker.evaluate({"extra": ""})


def _without_marker(requirement: "Requirement") -> str:
    bounds = sorted(map(str, requirement.specifier), reverse=True)  # the lower one first
    return requirement.name + ",".join(bounds)


def _installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
