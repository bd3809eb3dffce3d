"""The command line, `artnb …`: what the notebooks do, without a notebook."""

import errno
import json
import os
import sys
import time
import warnings
from collections.abc import Sequence
from contextlib import suppress

import click

from artnb.cli import (  # noqa: F401
    classification,
    course,
    cyclegan,
    demo,
    models,
    painter,
    paintings,
    style,
    watch,
    weights,
)
from artnb.cli.common import StoppedError, answer, echo, import_tensorflow, lost, root
from artnb.errors import ArtnbError

_FREE = "free some space and run the command again"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; whatever goes wrong is one sentence, on standard error or, with `--json`, as {"error": …}.

    Returns:
        0; 1 if the command failed; 2 if it was called in a wrong way; 130 if it was interrupted.
    """
    from artnb.common import logs

    with logs.request():
        return _main(list(sys.argv[1:] if arguments is None else arguments))


def _main(arguments: list[str]) -> int:
    from artnb.common import logs

    if os.environ.get("_ARTNB_COMPLETE"):  # a shell asks what could come next
        root.main(prog_name="artnb")
    as_json, command, start_time = "--json" in arguments, _name(arguments), time.monotonic()

    def seconds() -> float:
        return round(time.monotonic() - start_time, 3)

    def fail(error: BaseException, sentence: str, code: int) -> int:
        logs.failure("command.failed", error, command=command, seconds=seconds())
        return tell(sentence, code)

    def tell(sentence: str, code: int) -> int:
        with suppress(OSError):  # such as a full disk
            if as_json and 1 not in lost:
                echo(json.dumps({"error": sentence}))
            else:
                echo(f"artnb: {sentence}", err=True)
        return code

    try:
        with warnings.catch_warnings():
            # Pillow warns about incomplete EXIF data, which nobody at a terminal can fix, and about large pictures.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            with root.make_context("artnb", arguments) as context:
                root.invoke(context)
        logs.event("command.done", command=command, seconds=seconds())
        return 0
    except click.exceptions.Exit as end:  # help, or a part of the work failed, which was printed
        if end.exit_code:
            logs.event("command.failed", "warning", command=command, seconds=seconds(), exit_code=end.exit_code)
        return end.exit_code
    except click.ClickException as error:
        if as_json:
            return fail(error, error.format_message(), error.exit_code)
        logs.failure("command.failed", error, command=command, seconds=seconds())
        error.show()
        return error.exit_code
    except StoppedError as error:
        return fail(error, str(error), 130)
    except ArtnbError as error:
        return fail(error, str(error), 1)
    except (KeyboardInterrupt, click.Abort) as error:
        return fail(error, "stopped.", 130)
    except OSError as error:
        hint = _FREE if error.errno == errno.ENOSPC else "fix that and try again"
        where = f" ({error.filename})" if error.filename else ""
        return fail(error, f"{error.strerror if error.errno else error}{where}; {hint}.", 1)
    except Exception as error:
        if os.strerror(errno.ENOSPC) in str(error):  # as TensorFlow says it, of logs and of a search's own files
            return fail(error, f"{os.strerror(errno.ENOSPC)}; {_FREE}.", 1)
        number = logs.unforeseen("command.failed", error, command=command, seconds=seconds())
        where = str(logs.events_file()) if logs.kept(number) else "the line above"
        place = f"error {number} in {where} says where"
        return tell(f"{type(error).__name__}: {error}. This is an error in artnb; {place}.", 1)


def _name(arguments: Sequence[str]) -> str:
    """The command's name without its options and arguments, such as "models list"."""
    words: list[str] = []
    group: click.Command = root
    for word in arguments:
        if not (isinstance(group, click.Group) and word in group.commands):
            break
        words.append(word)
        group = group.commands[word]
    return " ".join(words)


@root.command("doctor")
def _doctor() -> None:
    """Show what is installed, found and missing on this machine."""
    import_tensorflow()
    from artnb import doctor

    machine = doctor.examine()
    answer(machine, doctor.machine_report(machine))
