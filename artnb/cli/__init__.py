"""The same jobs without a notebook: `artnb …`."""

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
    """Run one command; whatever goes wrong that a person can mend is one sentence on stderr.

    Returns:
        0, or 1 when the command failed, 2 when it was not understood, 130 when it was interrupted.
    """
    from artnb.errors import ArtnbError

    # Pillow warns of what nobody at a terminal can mend, such as an EXIF block that is cut, and of large pictures.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    try:
        chosen = _parser().parse_args(arguments)
        with _logged(chosen.run):
            chosen.run(chosen)
            sys.stdout.flush()
        return 0
    except ArtnbError as error:
        print(f"artnb: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("artnb: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        hint = "free some space and run the command again" if error.errno == errno.ENOSPC else "mend that and try again"
        where = f" ({error.filename})" if error.filename else ""
        print(f"artnb: {error.strerror or error}{where}; {hint}.", file=sys.stderr)
        return 1


@contextmanager
def _logged(run: Callable) -> Iterator[None]:
    """Note which command ran, how long, and what became of it."""
    from artnb.common import logs

    name, begun = f"{run.__module__.rpartition('.')[2]}.{run.__name__.strip('_')}", time.monotonic()
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        logs.failure("command.failed", error, command=name, seconds=round(time.monotonic() - begun, 3))
        raise
    logs.event("command.done", command=name, seconds=round(time.monotonic() - begun, 3))


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
        found = doctor.examine()
    if chosen.json:
        print_json(found)
    else:
        print(doctor.report(found))
