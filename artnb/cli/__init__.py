"""The command line, `artnb …`: what the notebooks do, without a notebook."""

import errno
import json
import os
import sys
import time
import warnings
from collections.abc import Sequence

import click

from artnb.cli import classification, course, cyclegan, demo, models, paintings, style, watch, weights  # noqa: F401
from artnb.cli.common import answer, import_tensorflow, root
from artnb.errors import ArtnbError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; whatever goes wrong is one sentence, on standard error or, with `--json`, as {"error": …}.

    Returns:
        0; 1 if the command failed; 2 if it was called in a wrong way; 130 if it was interrupted.
    """
    from artnb.common import logs

    if "_ARTNB_COMPLETE" in os.environ:  # a shell asks what could come next
        root.main(prog_name="artnb")
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    as_json, command, start_time = "--json" in arguments, _name(arguments), time.monotonic()

    def fail(error: BaseException, sentence: str, code: int) -> int:
        logs.failure("command.failed", error, command=command, seconds=round(time.monotonic() - start_time, 3))
        return tell(sentence, code)

    def tell(sentence: str, code: int) -> int:
        if as_json:
            print(json.dumps({"error": sentence}, ensure_ascii=False))
        else:
            print(f"artnb: {sentence}", file=sys.stderr)
        return code

    try:
        with warnings.catch_warnings():
            # Pillow warns about incomplete EXIF data, which nobody at a terminal can fix, and about large pictures.
            warnings.filterwarnings("ignore", module=r"PIL\.")
            with root.make_context("artnb", arguments) as context:
                root.invoke(context)
            sys.stdout.flush()
    except click.exceptions.Exit as end:  # help, or a part of the work failed, which was printed
        if end.exit_code:
            logs.event("command.failed", "warning", command=command, exit_code=end.exit_code)
        return end.exit_code
    except click.ClickException as error:
        if as_json:
            return fail(error, error.format_message(), error.exit_code)
        logs.failure("command.failed", error, command=command)
        error.show()
        return error.exit_code
    except ArtnbError as error:
        return fail(error, str(error), 1)
    except (KeyboardInterrupt, click.Abort) as error:
        return fail(error, "stopped.", 130)
    except BrokenPipeError:  # the program that reads our output, such as `head`, has stopped
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        hint = "free some space and run the command again" if error.errno == errno.ENOSPC else "fix that and try again"
        where = f" ({error.filename})" if error.filename else ""
        return fail(error, f"{error.strerror or error}{where}; {hint}.", 1)
    except Exception as error:
        number = logs.unforeseen("command.failed", error, command=command)
        place = f"error {number} in {logs.events_file()} says where"
        return tell(f"{type(error).__name__}: {error}. This is an error in artnb; {place}.", 1)
    logs.event("command.done", command=command, seconds=round(time.monotonic() - start_time, 3))
    return 0


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
