"""`artnb course open | pages | save | learner`: the notebooks."""

import argparse
import shlex


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    course = commands.add_parser("course", help="run the notebooks")
    jobs = course.add_subparsers(required=True, metavar="COMMAND")
    open_ = jobs.add_parser("open", help="copy them into a folder, to work on them there")
    open_.add_argument("folder", metavar="DIR", help="where to; nothing in it is overwritten")
    open_.set_defaults(run=_open)
    pages = jobs.add_parser("pages", help="run them and write HTML pages")
    pages.set_defaults(run=_pages)
    save = jobs.add_parser("save", help="run them and save their outputs in place")
    save.set_defaults(run=_save)
    learner = jobs.add_parser("learner", help="write the edition without the solutions")
    learner.set_defaults(run=_learner)
    for command in (pages, save, learner):
        command.add_argument("notebooks", nargs="*", metavar="NN", help="only those that begin with NN (default: all)")
    pages.add_argument("-o", "--output", metavar="DIR", default="build/course", help="default: %(default)s")
    learner.add_argument("-o", "--output", metavar="DIR", default="build/learner", help="default: %(default)s")


def _open(chosen: argparse.Namespace) -> None:
    from artnb import course

    copied = course.open_course(chosen.folder)
    print(f"{len(copied)} notebooks are in {chosen.folder}; start with: jupyter lab {shlex.quote(chosen.folder)}")


def _pages(chosen: argparse.Namespace) -> None:
    from artnb import course

    print(f"The course is written; open {course.write_pages(chosen.output, chosen.notebooks)}")


def _save(chosen: argparse.Namespace) -> None:
    from artnb import course

    course.save(chosen.notebooks)


def _learner(chosen: argparse.Namespace) -> None:
    from artnb import course

    written = course.write_learner_edition(chosen.output, chosen.notebooks)
    print(f"{len(written)} notebooks without their solutions are in {chosen.output}")
