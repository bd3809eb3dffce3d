"""What the commands share: arguments, and how they print."""

import argparse
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def count(text: str) -> int:
    """An argument that is a whole number from 0 on."""
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def positive(text: str) -> int:
    """An argument that is a whole number from 1 on."""
    if count(text) == 0:
        raise argparse.ArgumentTypeError("0 is too few")
    return int(text)


def seed(text: str) -> int:
    """An argument that every source of random numbers takes."""
    if count(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text} is too large; a seed is a whole number below {2**31}")
    return int(text)


def file(text: str) -> str:
    """An argument that names a file to be written."""
    if Path(text).is_dir():  # said before the work, not after it
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; name a file in it")
    return text


def folder(text: str) -> str:
    """An argument that names a folder to be written."""
    if Path(text).exists() and not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"{text!r} is a file; name a folder")
    return text


def add_seed_argument(parser: argparse.ArgumentParser) -> None:
    """The seed; `chosen_seed` knows the default."""
    parser.add_argument("--seed", type=seed, metavar="N", help="default: ARTNB_SEED, or 1874")


def chosen_seed(chosen: argparse.Namespace) -> int:
    """What `--seed` says, or else the environment."""
    from artnb.settings import settings

    return settings.seed if chosen.seed is None else chosen.seed


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """How long a search goes on, and who takes part in it."""
    parser.add_argument("--trials", type=positive, metavar="N", help="default: the space's own")
    parser.add_argument("--chief", metavar="IP:PORT", help="of a search on several machines, with DIR shared by all")
    parser.add_argument(
        "--worker", metavar="NAME", help="work for that chief, under this name; without it, be the chief"
    )
    parser.add_argument("--minutes", type=positive, metavar="N", help="give up after so long")


@contextmanager
def without_greetings() -> Iterator[None]:
    """TensorFlow's C++ talks to stderr while it is loaded; a person at a terminal has no use for that."""
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
