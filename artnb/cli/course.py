"""`artnb course open | pages | save | site | learner | teacher`: the notebooks."""

import shlex
from pathlib import Path

import click

from artnb.cli.common import FOLDER, answer, overwrite_option, root


@root.group("course")
def _course() -> None:
    """Copy the notebooks out, or run them."""


_notebooks = click.argument("notebooks", nargs=-1, metavar="[NN]...")


@_course.command("open")
@click.argument("folder", type=FOLDER, metavar="DIR")
def _open(folder: Path) -> None:
    """Copy the notebooks to a folder, where nothing is overwritten, and say how to start."""
    from artnb import course

    copied = course.open_course(folder)
    answer(
        {"folder": str(folder), "results": [{"notebook": file.name} for file in copied]},
        f"{len(copied)} notebooks are in {folder}; start with: jupyter lab {shlex.quote(str(folder))}",
    )


@_course.command("pages")
@_notebooks
@click.option("-o", "--output", type=FOLDER, metavar="DIR", default="build/course", help="Default: build/course.")
@overwrite_option
def _pages(notebooks: tuple[str, ...], output: Path, overwrite: bool) -> None:
    """Run the notebooks and write HTML pages; NN: only those that begin so."""
    from artnb import course

    index = course.write_pages(output, notebooks, overwrite)
    answer({"index": str(index)}, f"The course is written; open {index}")


@_course.command("save")
@_notebooks
def _save(notebooks: tuple[str, ...]) -> None:
    """Run the notebooks and save their outputs in place; NN: only those that begin so."""
    from artnb import course

    saved = course.save(notebooks)
    answer({"results": [{"notebook": file.name} for file in saved]}, f"{len(saved)} notebooks were saved")


@_course.command("site")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", default="build/site", help="Default: build/site.")
@overwrite_option
def _site(output: Path, overwrite: bool) -> None:
    """Write the notebooks as they were saved, the glossary and the documents as a site that needs no network."""
    from artnb import course

    index = course.write_site(output, overwrite)
    answer({"index": str(index)}, f"The site is written; open {index}")


@_course.command("learner")
@_notebooks
@click.option("-o", "--output", type=FOLDER, metavar="DIR", default="learner", help="Default: learner.")
@overwrite_option
def _learner(notebooks: tuple[str, ...], output: Path, overwrite: bool) -> None:
    """Write the edition without the solutions; NN: only those notebooks that begin so."""
    from artnb import course

    written = course.write_learner_edition(output, notebooks, overwrite)
    answer(
        {"folder": str(output), "results": [{"notebook": file.name} for file in written]},
        f"{len(written)} notebooks without their solutions are in {output}; "
        f"start with: jupyter lab {shlex.quote(str(output))}",
    )


@_course.command("teacher")
@_notebooks
@click.option("-o", "--output", type=FOLDER, metavar="DIR", default="build/teacher", help="Default: build/teacher.")
@overwrite_option
def _teacher(notebooks: tuple[str, ...], output: Path, overwrite: bool) -> None:
    """Write a page a notebook for teachers: plan, mistakes, questions, solutions; NN: only those that begin so."""
    from artnb import course

    written = course.write_teacher_edition(output, notebooks, overwrite)
    answer(
        {"folder": str(output), "results": [{"page": file.name} for file in written]},
        f"{len(written)} pages for teachers are in {output}; open {written[0]}",
    )
