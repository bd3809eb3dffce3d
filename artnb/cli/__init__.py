"""The same jobs without a notebook: `artnb …`."""

import argparse
import errno
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; whatever goes wrong that a person can mend is one sentence on stderr.

    Returns:
        0, or 1 when the command failed, 2 when it was not understood, 130 when it was interrupted.
    """
    from artnb.errors import ArtnbError

    try:
        chosen = _parser().parse_args(arguments)
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
    doctor.set_defaults(run=_doctor)

    collection = commands.add_parser("collection", help="audit and split the paintings")
    jobs = collection.add_subparsers(required=True, metavar="COMMAND")
    audit = jobs.add_parser("audit", help="find unreadable, duplicated and near-duplicated files")
    audit.set_defaults(run=_collection_audit)
    split = jobs.add_parser("split", help="split into train, validation and test, no painting on two sides")
    split.add_argument(
        "--min-paintings", type=_count, metavar="N", help="an artist needs this many (default: archive 200, studio 60)"
    )
    split.add_argument("--seed", type=_count, metavar="N", help="default: ARTNB_SEED, or 1874")
    split.add_argument("-o", "--output", type=_file, metavar="FILE", help="the table as CSV (default: to stdout)")
    split.set_defaults(run=_collection_split)
    for command in (doctor, audit, split):
        command.add_argument("--json", action="store_true", help="for programs")

    course = commands.add_parser("course", help="run the notebooks")
    jobs = course.add_subparsers(required=True, metavar="COMMAND")
    pages = jobs.add_parser("pages", help="run them and write HTML pages")
    pages.set_defaults(run=_course_pages)
    save = jobs.add_parser("save", help="run them and save their outputs in place")
    save.set_defaults(run=_course_save)
    learner = jobs.add_parser("learner", help="write the edition without the solutions")
    learner.set_defaults(run=_course_learner)
    for command in (pages, save, learner):
        command.add_argument("notebooks", nargs="*", metavar="NN", help="only those that begin with NN (default: all)")
    pages.add_argument("-o", "--output", metavar="DIR", default="build/course", help="default: %(default)s")
    learner.add_argument("-o", "--output", metavar="DIR", default="build/learner", help="default: %(default)s")
    return parser


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _file(text: str) -> str:
    if Path(text).is_dir():  # said before the work, not after it
        raise argparse.ArgumentTypeError(f"{text!r} is a folder; name a file in it")
    return text


@contextmanager
def _without_greetings() -> Iterator[None]:
    """TensorFlow's C++ talks to stderr while it is loaded; a person at a terminal has no use for that."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with open(os.devnull, "wb") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(stderr, 2)
        os.close(stderr)


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))


def _doctor(chosen: argparse.Namespace) -> None:
    from artnb import doctor

    with _without_greetings():
        found = doctor.examine()
    if chosen.json:
        _print_json(found)
    else:
        print(doctor.report(found))


def _collection_audit(chosen: argparse.Namespace) -> None:
    from artnb.paintings.audit import audit
    from artnb.paintings.sources import load_collection

    found = audit(load_collection())
    if chosen.json:
        _print_json(found.to_dict())
    else:
        print(found.report())


def _collection_split(chosen: argparse.Namespace) -> None:
    from artnb.paintings import splits
    from artnb.paintings.audit import audit
    from artnb.paintings.sources import load_collection
    from artnb.settings import settings

    collection = load_collection()
    found = audit(collection)
    paintings = splits.choose(collection, chosen.min_paintings, leave_out=found.unreadable)
    table = splits.split(paintings, found.duplicates, settings.seed if chosen.seed is None else chosen.seed)
    artists = table["artist"].nunique()
    subsets = table["subset"].value_counts().reindex(splits.SUBSETS).to_dict()
    if chosen.output:
        splits.save_split(table, chosen.output)
    if chosen.json:
        counts = {"artists": artists, "paintings": len(table), "groups": table["group"].nunique()}
        _print_json(counts | {"subsets": subsets, "hash": splits.split_hash(table)})
    elif chosen.output:
        sizes = ", ".join(f"{count:,} {subset}" for subset, count in subsets.items())
        print(f"{len(table):,} paintings by {artists} artists: {sizes}; written to {chosen.output}")
    else:
        table.to_csv(sys.stdout, index=False)


def _course_pages(chosen: argparse.Namespace) -> None:
    from artnb import course

    print(f"The course is written; open {course.write_pages(chosen.output, chosen.notebooks)}")


def _course_save(chosen: argparse.Namespace) -> None:
    from artnb import course

    course.save(chosen.notebooks)


def _course_learner(chosen: argparse.Namespace) -> None:
    from artnb import course

    written = course.write_learner_edition(chosen.output, chosen.notebooks)
    print(f"{len(written)} notebooks without their solutions are in {chosen.output}")
