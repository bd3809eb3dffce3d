"""What the commands share: the groups, the options that several of them take, and how they print."""

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from artnb import __version__
from artnb.common.files import short_name
from artnb.errors import ArtnbError

_F = TypeVar("_F", bound=Callable[..., Any])
lost: set[int] = set()  # of 1, standard output, and 2, standard error, what can't be written to any more
_FILES = {
    f".{each}" for each in ("png", "jpg", "jpeg", "webp", "gif", "tif", "tiff", "bmp", "mp4", "mov", "avi", "webm")
}
_JSON = "artnb.json"  # the key of the flag in Click's `meta`, which all contexts of a command share


class ServerCommand(click.Command):
    """A command that runs until it is stopped, so it has nothing to print as JSON."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse empty values first: a variable of the shell that is not set would count as "not given"."""
        if any(word == "" or (word.startswith("--") and word.endswith("=")) for word in args):
            raise click.UsageError("An argument is empty; give it a value, or leave it out.", ctx)
        return super().parse_args(ctx, args)


class Command(ServerCommand):
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


class StoppedError(ArtnbError):
    """A person stopped the command with Ctrl-C, and it can be resumed."""


class Moment(click.ParamType):
    """A date or a time, in UTC unless it has a time zone."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read a date or a time as ISO 8601 writes it."""
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
        """The names that begin like this, and what the shell finds in the file system."""
        from artnb.models import STARTERS
        from artnb.settings import settings

        names = ["registry:champion", "registry:challenger"]
        with suppress(ArtnbError, OSError):  # a message would land in the line that is being typed
            for place in (STARTERS, settings.home / "models"):
                names += [folder.name for folder in sorted(place.iterdir()) if folder.is_dir()]
        found = [CompletionItem(name) for name in names if name.startswith(incomplete)]
        return [CompletionItem(incomplete, type="file"), *found]


ANY = click.Path(path_type=Path)  # a shell completes it
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
        click.option(
            "--chief",
            is_eager=True,  # known when the worker is checked
            metavar="IP:PORT",
            help="For a search on several machines, which all share DIR.",
        ),
        click.option(
            "--worker",
            callback=_with_chief,
            metavar="NAME",
            help="With --chief: run as a worker; without it, run as the chief.",
        ),
        click.option("--minutes", type=POSITIVE, metavar="N", help="Stop after so many minutes."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def answer(value: dict[str, Any], text: str) -> None:
    """Print what a command found out: as JSON with `--json`, else the text."""
    echo(json.dumps(value, indent=2) if as_json() else text)


def as_json() -> bool:
    """Whether the command was given `--json`."""
    return bool(click.get_current_context().meta.get(_JSON))


def say(text: str) -> None:
    """Print a line of text as soon as it is known; nothing with `--json`."""
    if not as_json():
        echo(text)


def complain(error: Exception | str) -> None:
    """Print why one of several pictures failed, on standard error; with `--json` the object says it."""
    if not as_json():
        echo(f"artnb: {error}", err=True)


def finish(results: list[dict[str, Any]], stopped: bool = False) -> None:
    """Print the results of several pictures as JSON, if that was asked for.

    Exit with 130 if a person stopped the work, else with 1 if one of them has an error.
    """
    if as_json():
        answer({"results": results}, "")
    if stopped:
        raise click.exceptions.Exit(130)
    if any("error" in result for result in results):
        raise click.exceptions.Exit(1)


def echo(text: str | bytes, err: bool = False) -> None:
    """Print lines; whoever reads it may go away, or have a narrow encoding, and the work goes on."""
    try:
        click.echo(text, err=err)
    except UnicodeEncodeError as error:
        narrow = str(text).encode(error.encoding, "backslashreplace")
        click.echo(narrow, err=err)
    except OSError as error:
        lost.add(2 if err else 1)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2 if err else 1)  # what is still in the buffer goes there
        if not isinstance(error, BrokenPipeError):
            raise


def import_tensorflow() -> None:
    """Import TensorFlow without the messages that its C++ code prints meanwhile; nothing else is hidden.

    Raises:
        SettingsError: one of artnb's settings can't be used, which is said before the seconds that the import takes.
        ArtnbError: Keras, which comes with it, can't read its own settings.
    """
    from artnb.settings import settings

    _ = settings.profile  # with the first one all are read
    if "tensorflow" in sys.modules:
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
            os.dup2(nowhere.fileno(), 2)
        import tensorflow  # noqa: F401
    except (AssertionError, AttributeError, TypeError, ValueError) as error:  # of Keras, which doesn't say why
        folder = os.environ.get("KERAS_HOME") or Path.home() / ".keras"
        raise ArtnbError(
            f"Keras can't be imported ({type(error).__name__}): {Path(folder, 'keras.json')} holds a setting that it "
            "can't use; mend that file, or remove it."
        ) from error
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Name `--resume` when a person stops a training.

    Raises:
        StoppedError: a person did.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise StoppedError(f"stopped; the same command with --resume resumes {folder}.") from None


@contextmanager
def resumable_search(folder: Path) -> Iterator[None]:
    """Say how many trials are finished when a person stops a search.

    Raises:
        StoppedError: a person did.
    """
    try:
        yield
    except KeyboardInterrupt:
        from artnb.common.searching import finished_trials

        number = 0
        with suppress(ArtnbError):  # it had not begun
            number = len(finished_trials(folder, ""))
        raise StoppedError(
            f"stopped with {number} finished {'trial' if number == 1 else 'trials'}; the same command resumes {folder}."
        ) from None


def result_names(sources: Sequence[Path], folder: Path, ending: str, taken: Sequence[str] = ()) -> list[Path]:
    """A file in `folder` for the result of each source, named like it.

    No two are the same on any file system, and none is called like one of `taken`.
    """
    targets: list[Path] = []
    names = {name.casefold() for name in taken}
    for source in sources:
        stem, number = short_name(source.stem, 180), 1  # with a number and a suffix it is not cut again
        name = f"{stem}{ending}"
        while name.casefold() in names:
            number += 1
            name = f"{stem}-{number}{ending}"
        names.add(name.casefold())
        targets.append(folder / name)
    return targets


def check_new(targets: Sequence[Path], overwrite: bool, inputs: Sequence[Path] = ()) -> None:
    """Check, before the work, that no result replaces an input, nor another file unless that was said.

    Raises:
        FileError: one would, or it can't be written where it belongs.
        OSError: its name is too long.
    """
    existing = [target for target in targets if target.exists()]
    own = {_identity(each) for each in inputs if each.exists()} if existing else set()
    for target in existing:
        if _identity(target) in own:
            raise FileError(f"The result would overwrite its own input, {target}; name another output (-o).")
        if target.is_dir():
            raise FileError(f"{target} is a folder; name another output (-o).")
        if not overwrite:
            raise FileError(f"{target} exists already; name another output (-o), or replace it with --overwrite.")
    for folder in {target.parent for target in targets}:
        place = next(place for place in (folder, *folder.parents) if place.exists())
        if not place.is_dir():
            raise FileError(f"{place} is a file, and no folder for {folder}; name another output (-o).")
        if not os.access(place, os.W_OK | os.X_OK):
            raise FileError(f"{place} can't be written to; name another output (-o).")


def check_folder(output: Path, what: str) -> None:
    """Check, before the work, that what needs a folder gets one, and no folder is made that is called like a file.

    Raises:
        FileError: the output is a file, or called like one.
    """
    if output.is_dir():
        return
    if output.exists():
        raise FileError(f"{output} is a file, and {what} need a folder; name one (-o).")
    if output.suffix.lower() in _FILES:
        raise FileError(f"{output} is called like a file, and {what} need a folder; name one (-o).")


def check_apart(output: Path, inputs: Sequence[Path]) -> None:
    """Check that results don't lie among their inputs, where the next run would take them for inputs.

    Raises:
        FileError: the output is one of the folders that pictures are taken from.
    """
    if any(each.is_dir() and output.exists() and each.samefile(output) for each in inputs):
        raise FileError(f"The results would lie among their inputs, in {output}; name another folder (-o).")


def _identity(file: Path) -> tuple[int, int]:
    """What `Path.samefile` compares: equal for two names of one file."""
    stat = file.stat()
    return stat.st_dev, stat.st_ino


def _with_chief(context: click.Context, parameter: click.Parameter, worker: str | None) -> str | None:
    if worker and not context.params.get("chief"):
        raise click.UsageError("A worker needs the address of its chief; add --chief IP:PORT.", context)
    return worker


def _note_json(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    context.meta[_JSON] = value
