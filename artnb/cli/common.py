"""What the commands share: the groups, the options that several of them take, and how they print."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from artnb import __version__
from artnb.errors import ArtnbError

_F = TypeVar("_F", bound=Callable[..., Any])
_JSON = "artnb.json"  # the key of the flag in Click's `meta`, which all contexts of a command share


class Command(click.Command):
    """A command that takes `--json`."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(["--json"], is_flag=True, expose_value=False, callback=_note_json, help="Print a JSON object.")
        )


class Group(click.Group):
    """A group whose commands take `--json`."""

    command_class = Command
    group_class = type  # of the same class as its parent


root = Group(
    "artnb",
    help="Who painted this, and can we paint like them?",
    epilog="Which paintings: ARTNB_DATA=/folder, or ARTNB_SOURCE=kaggle; without either, the built-in studio's.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
click.version_option(__version__, prog_name="artnb", message="%(prog)s %(version)s")(root)


class FileError(ArtnbError, ValueError):
    """A result would overwrite a file."""


class Moment(click.ParamType):
    """A date or a time, in UTC unless it has a time zone."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it."""
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a date such as 2026-11-25", param, ctx)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Model(click.ParamType):
    """A model: a name of `artnb models list`, a registered model, or a folder."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The names that begin like this; a shell completes folders itself."""
        from artnb.models import STARTERS
        from artnb.settings import settings

        places = [place for place in (STARTERS, settings.home / "models") if place.is_dir()]
        names = [folder.name for place in places for folder in sorted(place.iterdir()) if folder.is_dir()]
        names += ["registry:champion", "registry:challenger"]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


NEW_FILE = click.Path(dir_okay=False, path_type=Path)
FOLDER = click.Path(file_okay=False, path_type=Path)
POSITIVE = click.IntRange(min=1)

seed_option = click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Default: ARTNB_SEED, or 1874."
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace files that exist.")
resume_option = click.option("--resume", is_flag=True, help="Resume what was stopped.")
log_option = click.option("--log", is_flag=True, help="Log the answers, as ARTNB_LOG=1 does (artnb watch report).")


def window_options(command: _F) -> _F:
    """Add `--since` and `--until`."""
    until = click.option("--until", type=Moment(), metavar="DATE", help="The first day to leave out.")
    return click.option("--since", type=Moment(), metavar="DATE", help="The first day.")(until(command))


def search_options(command: _F) -> _F:
    """Add the options of a search: its length, and the machines that it runs on."""
    options = [
        click.option("--trials", type=POSITIVE, metavar="N", help="Default: that of the space."),
        click.option("--chief", metavar="IP:PORT", help="For a search on several machines, which all share DIR."),
        click.option("--worker", metavar="NAME", help="With --chief: run as a worker; without it, run as the chief."),
        click.option("--minutes", type=POSITIVE, metavar="N", help="Stop after so many minutes."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def answer(value: dict[str, Any], text: str) -> None:
    """Print what a command found out: as JSON with `--json`, else the text."""
    if as_json():
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))
    else:
        click.echo(text)


def as_json() -> bool:
    """Whether the command was given `--json`."""
    return bool(click.get_current_context().meta.get(_JSON))


def say(text: str) -> None:
    """Print a line of text as soon as it is known; nothing with `--json`."""
    if not as_json():
        click.echo(text)


def complain(error: Exception | str) -> None:
    """Print why one of several pictures failed, on standard error; with `--json` the object says it."""
    if not as_json():
        click.echo(f"artnb: {error}", err=True)


def finish(results: list[dict[str, Any]]) -> None:
    """Print the results of several pictures as JSON, if that was asked for; exit with 1 if one has an error."""
    if as_json():
        answer({"results": results}, "")
    if any("error" in result for result in results):
        raise click.exceptions.Exit(1)


def import_tensorflow() -> None:
    """Import TensorFlow without the messages that its C++ code prints meanwhile; nothing else is hidden."""
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        import tensorflow  # noqa: F401
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Name `--resume` when a person stops a training."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo(f"artnb: stopped; the same command with --resume resumes {folder}.", err=True)
        raise click.exceptions.Exit(130) from None


def result_names(sources: Sequence[Path], folder: Path, ending: str) -> list[Path]:
    """A file in `folder` for the result of each source, named like it; no two are the same on any file system."""
    targets: list[Path] = []
    taken: set[str] = set()
    for source in sources:
        name, number = f"{source.stem}{ending}", 1
        while name.casefold() in taken:
            number += 1
            name = f"{source.stem}-{number}{ending}"
        taken.add(name.casefold())
        targets.append(folder / name)
    return targets


def check_new(targets: Sequence[Path], overwrite: bool, inputs: Sequence[Path] = ()) -> None:
    """Check, before the work, that no result replaces an input, nor another file unless that was said.

    Raises:
        FileError: one would.
    """
    for target in targets:
        if not target.exists():
            continue
        if any(target.samefile(each) for each in inputs if each.exists()):
            raise FileError(f"The result would overwrite its own input, {target}; name another output (-o).")
        if not overwrite:
            raise FileError(f"{target} exists already; name another output (-o), or replace it with --overwrite.")


def _note_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.meta[_JSON] = value
