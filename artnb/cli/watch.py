"""`artnb watch report | drift | bias | feedback | experiment | forget`: models in use."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import click

from artnb.cli.common import (
    FOLDER,
    NEW_FILE,
    POSITIVE,
    Model,
    Moment,
    answer,
    check_new,
    complain,
    import_tensorflow,
    overwrite_option,
    root,
    window_options,
)
from artnb.common.files import replacing


@root.group("watch")
def _watch() -> None:
    """Watch models in use: drift, bias, feedback, tests."""


@_watch.command("report")
@click.option("-o", "--output", type=NEW_FILE, metavar="PAGE.html", help="As an HTML page, with figures.")
@overwrite_option
@window_options
def _report(output: Path | None, overwrite: bool, since: datetime | None, until: datetime | None) -> None:
    """Report on the predictions logged while ARTNB_LOG was 1."""
    from artnb.operation import monitoring
    from artnb.operation.page import html_page
    from artnb.operation.store import Store

    if output:
        check_new([output], overwrite, [Store.default().file])
    report = monitoring.monitoring_report(Store.default(), since, until)
    text = str(report)
    if output:
        with replacing(output) as part:
            part.write_text(html_page(report), encoding="utf-8")
        text = "\n".join([*report.warnings, f"written to {output}"])
    answer(report.to_dict(), text)


@_watch.command("drift")
@click.argument("model", type=Model())
@click.argument("folder", required=False, metavar="[DIR]")
@window_options
@click.option("--exit-code", is_flag=True, help="Exit with 1 if the pictures drift, as `git diff` does.")
def _drift(model: str, folder: str | None, since: datetime | None, until: datetime | None, exit_code: bool) -> None:
    """Compare pictures with those that a classifier was measured on.

    The pictures of DIR, of more than 2,000 a random sample, or those of the logged predictions since and until a date.
    """
    if folder and (since or until):
        raise click.UsageError("A folder's pictures have no dates; give DIR, or --since and --until.")
    import_tensorflow()
    from artnb.models import load_model
    from artnb.operation import drift
    from artnb.operation.store import Store

    classifier = load_model(model, "classifier")
    artists: list[str] = []
    errors: list[str] = []
    found, of_how_many = 0, ""
    if folder:
        images, artists, errors, found = drift.read_folder(folder, classifier.card.size)
        if found > len(images) + len(errors):
            of_how_many = f"A random sample of the folder's {found:,} pictures.\n\n"
        sample = drift.sample(classifier, images)
    else:
        sample = drift.logged_sample(classifier, Store.default(), since, until)
    result = drift.detect_drift(classifier.reference, sample)
    newcomers = drift.newcomers(artists, classifier.card.class_names)
    for error in errors:
        complain(error)
    text = f"{of_how_many}{classifier.card.title}: {result.report()}"
    if newcomers:
        names = ", ".join(f"{artist} ({number})" for artist, number in newcomers.items())
        text += f"\n\nArtists that the model does not know, to be collected: {names}"
    of_folder = {"files": found} if folder else {}
    answer(
        {"model": classifier.folder.name} | of_folder | result.to_dict() | {"newcomers": newcomers, "skipped": errors},
        text,
    )
    if exit_code and result.alarm:
        raise click.exceptions.Exit(1)


@_watch.command("bias")
@click.argument("model", type=Model())
def _bias(model: str) -> None:
    """Compare a classifier's accuracy by group.

    By artist, nationality, genre and century, on its test paintings.
    """
    import_tensorflow()
    import pandas as pd

    from artnb.classification import validation
    from artnb.models import load_model
    from artnb.operation import bias
    from artnb.operation.store import records
    from artnb.paintings.sources import load_collection

    classifier, collection = load_model(model, "classifier"), load_collection()
    result = validation.evaluate_split(classifier, collection)
    artists = pd.Series(result.class_names).iloc[result.labels].array
    right = result.predicted == result.labels
    answers = pd.DataFrame({"artist": artists, "right": right, "confidence": result.confidence})
    groups = bias.by_group(answers, collection.artists)
    answer(
        {"results": records(groups.round(4))},
        f"{classifier.card.title}, {len(answers)} test paintings\n\n{bias.bias_report(groups)}",
    )


@_watch.group("feedback")
def _feedback() -> None:
    """Review visitors' feedback about the answers they got."""


@_feedback.command("list")
@click.option("-o", "--output", type=NEW_FILE, metavar="PAGE.html", help="As an HTML page, with the pictures.")
@overwrite_option
@window_options
def _list(output: Path | None, overwrite: bool, since: datetime | None, until: datetime | None) -> None:
    """List all rows, and the visitors to check for spam."""
    from artnb.operation import feedback
    from artnb.operation.page import review_page
    from artnb.operation.store import Store, records

    if output:
        check_new([output], overwrite, [Store.default().file])
        with replacing(output) as part:
            part.write_text(review_page(Store.default(), since, until), encoding="utf-8")
    table = feedback.load_feedback(Store.default(), since, until)
    floods = feedback.floods(table)
    table = table.assign(
        time=[time.isoformat(timespec="seconds") for time in table["time"]], picture=table["picture"].str[:12]
    )
    text = table.to_string(index=False) if len(table) else "There is no feedback yet."
    if len(floods):
        text = f"Visitors to check for spam:\n{floods.round(2).to_string(index=False)}\n\n{text}"
    answer({"results": records(table), "floods": records(floods)}, f"written to {output}" if output else text)


@_feedback.command("review")
@click.option("--accept", type=POSITIVE, multiple=True, metavar="N", help="A row's number. Repeatable.")
@click.option("--reject", type=POSITIVE, multiple=True, metavar="N", help="A row's number. Repeatable.")
def _review(accept: tuple[int, ...], reject: tuple[int, ...]) -> None:
    """Accept or reject rows by their numbers; a rejected row's picture is deleted."""
    from artnb.operation import feedback
    from artnb.operation.store import Store

    if not accept and not reject:
        raise click.UsageError("There is nothing to do; give --accept N or --reject N (artnb watch feedback list).")
    feedback.review(Store.default(), accept, reject)
    answer({"accepted": len(accept), "rejected": len(reject)}, f"{len(accept)} accepted, {len(reject)} rejected")


@_feedback.command("export")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="A new folder.")
def _export(output: Path) -> None:
    """Write the pictures of accepted rows, in one folder per artist."""
    from artnb.operation import feedback
    from artnb.operation.store import Store

    rows = feedback.export_feedback(Store.default(), output)
    answer(
        {"folder": str(output), "results": rows.to_dict("records")},
        f"{len(rows)} pictures by {rows['artist'].nunique()} artists in {output}",
    )


@_watch.group("experiment")
def _experiment() -> None:
    """Plan and judge A/B tests of two models."""


def _plan_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add what an experiment is planned with."""
    options = [
        click.option("--base", type=float, required=True, metavar="P", help="Accuracy of the first, such as 0.9."),
        click.option("--lift", type=float, required=True, metavar="D", help="Smallest difference to detect, as 0.03."),
        click.option("--power", type=float, default=0.8, metavar="P", help="Default: 0.8."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@_experiment.command("plan")
@_plan_options
def _plan(base: float, lift: float, power: float) -> None:
    """Say how many visitors each model needs."""
    from artnb.operation.experiments import visitors_needed

    needed = visitors_needed(base, lift, power)
    answer({"needed": needed}, f"{needed:,} visitors for each model")


@_experiment.command("start")
@click.argument("name")
@click.argument("arms", nargs=2, type=Model(), metavar="MODEL MODEL")
@_plan_options
def _start(name: str, arms: tuple[str, str], base: float, lift: float, power: float) -> None:
    """Let an experiment decide which model a visitor gets, until it has its result."""
    from artnb.operation.assignment import start_experiment

    experiment = start_experiment(name, arms, base, lift, power)
    answer(
        experiment.to_dict(),
        f"{name}: {' and '.join(experiment.arms)}, {experiment.needed:,} visitors for each (artnb watch experiment "
        f"result {name})",
    )


@_experiment.command("list")
def _experiments() -> None:
    """List the experiments that were started."""
    from artnb.operation.assignment import list_experiments

    found = list_experiments()
    lines = [
        f"{each.name}: {' and '.join(each.arms)}, {each.needed:,} visitors for each, started {each.started:%Y-%m-%d}, "
        + (f"ended {each.ended:%Y-%m-%d}" if each.ended else "running")
        for each in found
    ]
    answer({"results": [each.to_dict() for each in found]}, "\n".join(lines) or "No experiment was started yet.")


@_experiment.command("assign")
@click.argument("name")
@click.option("--visitor", required=True, metavar="TOKEN", help="A random token.")
def _assign(name: str, visitor: str) -> None:
    """Say which model a visitor of the experiment NAME gets."""
    from artnb.operation.assignment import find_experiment

    experiment = find_experiment(name)
    arm = experiment.arms[experiment.arm(visitor)]
    answer({"model": arm}, arm)


@_experiment.command("result")
@click.argument("name")
def _result(name: str) -> None:
    """Say which model is better by the visitors' feedback, once there are as many as planned."""
    from artnb.operation.assignment import experiment_result

    verdict = experiment_result(name)
    answer(verdict.to_dict(), verdict.report())


@_experiment.command("stop")
@click.argument("name")
def _stop(name: str) -> None:
    """End an experiment before it has a result; visitors get the champion again."""
    from artnb.operation.assignment import stop_experiment

    experiment = stop_experiment(name)
    answer(experiment.to_dict(), f"{name} has ended{'' if experiment.verdict else ' without a result'}")


@_watch.command("forget")
@click.argument("visitor", required=False, metavar="[VISITOR]")
@click.option("--before", type=Moment(), metavar="DATE", help="Only what is older; the first day to keep.")
def _forget(visitor: str | None, before: datetime | None) -> None:
    """Delete what was saved of a visitor, by the token, or of all before a date."""
    from artnb.operation.store import Store

    if not visitor and not before:
        raise click.UsageError("There is nothing to forget; give a visitor's token, --before DATE, or both.")
    number = Store.default().forget(visitor, before)
    answer({"deleted": number}, f"{number:,} rows deleted")
