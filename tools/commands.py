"""Write docs/commands.md, the help of all commands on one page: `make commands`."""

from collections.abc import Iterator
from pathlib import Path

import click

from artnb.cli import root

PAGE = Path(__file__).parents[1] / "docs" / "commands.md"
HEAD = """# Commands

`artnb COMMAND --help` prints what stands here. This page is written by `make commands`.

**Models.** The first argument MODEL is a name of `artnb models list`, the folder of a model, or a registered model:
`registry:champion`, `registry:challenger`, `registry:monet-generator@champion`, `registry:art-classifier@3`.

**Files.** No command overwrites one of its inputs. It replaces another file only with `--overwrite`.

**Exit codes.** 0: done. 1: it failed, or for one of several pictures. 2: it was called in a wrong way.
130: it was stopped with Ctrl-C. `artnb watch drift --exit-code` exits with 1 if it finds drift.

**Programs.** With `--json` a command prints one object and nothing else on standard output.
Answers for several things are in the list `results`; one that failed has an `error`.
When the command fails, the object is `{"error": "a sentence"}`.

**Shells.** For completion with Tab, put one of these lines into the file that your shell reads when it starts:

    eval "$(_ARTNB_COMPLETE=bash_source artnb)"     # ~/.bashrc
    eval "$(_ARTNB_COMPLETE=zsh_source artnb)"      # ~/.zshrc
    _ARTNB_COMPLETE=fish_source artnb | source      # ~/.config/fish/config.fish
"""


def helps(command: click.Command, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """The name and the help of a command, and of all commands below it."""
    # Not the terminal's width: the page is the same everywhere.
    context = click.Context(command, parent, command.name, terminal_width=100, help_option_names=["-h", "--help"])
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            yield from helps(command.commands[name], context)


def page() -> str:
    """The page in Markdown."""
    parts = [f"\n## {name}\n\n```\n{text}\n```\n" for name, text in helps(root)]
    return HEAD + "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
