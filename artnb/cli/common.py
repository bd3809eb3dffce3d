"""What the commands share: types of arguments, common options, printing."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def count(text: str) -> int:
    """Type of an argument: a whole number, 0 or more."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number such as 3")
    return int(text)


def positive(text: str) -> int:
    """Type of an argument: a whole number, 1 or more."""
    if count(text) == 0:
        raise argparse.ArgumentTypeError("0 is too small; give 1 or more")
    return int(text)


def seed(text: str) -> int:
    """Type of an argument: a seed that every random number generator accepts."""
    if count(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text} is too large; a seed is a whole number below {2**31}")
    return int(text)


def file(text: str) -> str:
    """Type of an argument: a file to write."""
    if Path(text).is_dir():  # checked before the work, not after it
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; name a file in it")
    return text


def folder(text: str) -> str:
    """Type of an argument: a folder to write to."""
    if Path(text).exists() and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a file; name a folder")
    return text


def add_seed_argument(parser: argparse.ArgumentParser) -> None:
    """Add `--seed`; `chosen_seed` returns its value or the default."""
    parser.add_argument("--seed", type=seed, metavar="N", help="default: ARTNB_SEED, or 1874")


def chosen_seed(chosen: argparse.Namespace) -> int:
    """The value of `--seed`, by default that of the environment."""
    from artnb.settings import settings

    return settings.seed if chosen.seed is None else chosen.seed


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of a search: its length, and the machines that it runs on."""
    parser.add_argument("--trials", type=positive, metavar="N", help="default: that of the space")
    parser.add_argument("--chief", metavar="IP:PORT", help="for a search on several machines, which all share DIR")
    parser.add_argument(
        "--worker", metavar="NAME", help="run as a worker of the chief, with this name; without it, run as the chief"
    )
    parser.add_argument("--minutes", type=positive, metavar="N", help="stop after so many minutes")


@contextmanager
def without_greetings() -> Iterator[None]:
    """Hide what TensorFlow's C++ code prints to stderr while it is loaded."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print(json.dumps(value, indent=2, ensure_ascii=False))
