"""The command line, `artnb …`: what the notebooks do, without a notebook."""

import argparse
import errno
import os
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from artnb.cli import classification, course, cyclegan, demo, paintings, registry, style, watching
from artnb.cli.common import print_json, without_greetings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; an error that a person can fix is printed as one sentence on stderr.

    Returns:
        0, or 1 if the command failed, 130 if it was interrupted; wrong arguments exit with 2.
    """
    from artnb.errors import ArtnbError

    try:
        chosen = _parser().parse_args(arguments)
        with warnings.catch_warnings(), _logged(chosen.run):
            # Pillow warns about incomplete EXIF data, which nobody at a terminal can fix, and about large pictures.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            chosen.run(chosen)
            sys.stdout.flush()
        return 0
    except ArtnbError as error:
        print(f"artnb: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("artnb: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the program that reads our output, such as `head`, has stopped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        hint = "free some space and run the command again" if error.errno == errno.ENOSPC else "fix that and try again"
        where = f" ({error.filename})" if error.filename else ""
        print(f"artnb: {error.strerror or error}{where}; {hint}.", file=sys.stderr)
        return 1


@contextmanager
def _logged(run: Callable) -> Iterator[None]:
    """Log which command ran, for how long, and the error if it failed."""
    from artnb.common import logs

    name, start_time = f"{run.__module__.rpartition('.')[2]}.{run.__name__.strip('_')}", time.monotonic()
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        logs.failure("command.failed", error, command=name, seconds=round(time.monotonic() - start_time, 3))
        raise
    logs.event("command.done", command=name, seconds=round(time.monotonic() - start_time, 3))


def _parser() -> argparse.ArgumentParser:
    from artnb import __version__

    parser = argparse.ArgumentParser(
        prog="artnb",
        description="Who painted this, and can we paint like them?",
        epilog="Which paintings: ARTNB_DATA=/folder, or ARTNB_SOURCE=kaggle; without either, the built-in studio's.",
    )
    parser.add_argument("--version", action="version", version=f"artnb {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    doctor = commands.add_parser("doctor", help="what is installed, found and missing on this machine")
    doctor.add_argument("--json", action="store_true", help="for programs")
    doctor.set_defaults(run=_doctor)
    for part in (paintings, classification, style, cyclegan, registry, watching, demo, course):
        part.add_commands(commands)
    return parser


def _doctor(chosen: argparse.Namespace) -> None:
    from artnb import doctor

    with without_greetings():
        machine = doctor.examine()
    print_json(machine) if chosen.json else print(doctor.machine_report(machine))
