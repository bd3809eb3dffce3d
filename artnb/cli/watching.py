"""`artnb monitor | drift | bias | feedback | experiment`: models in use."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from artnb.cli.common import file, folder, positive, print_json, without_greetings
from artnb.common.files import replacing
from artnb.errors import ArtnbError


def moment(text: str) -> datetime:
    """An argument that is a date or a time, in UTC unless it has a time zone."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a date such as 2026-11-25") from None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    monitor = commands.add_parser("monitor", help="report on the predictions logged while ARTNB_LOG was 1")
    monitor.add_argument("-o", "--output", type=file, metavar="PAGE.html", help="as an HTML page, with figures")
    monitor.set_defaults(run=_monitor)

    drift = commands.add_parser("drift", help="are these pictures like those that a model was measured on?")
    drift.add_argument(
        "folder", nargs="?", metavar="FOLDER", help="pictures (default: those of the logged predictions)"
    )
    drift.add_argument("--model", default="starter", metavar="MODEL", help="default: starter")
    drift.set_defaults(run=_drift)

    bias = commands.add_parser("bias", help="accuracy by artist, nationality, genre and century")
    bias.add_argument("model", help="a name, or the folder of a model; on its own test paintings")
    bias.set_defaults(run=_bias)

    feedback = commands.add_parser("feedback", help="visitors' feedback about the answers they got")
    jobs = feedback.add_subparsers(required=True, metavar="COMMAND")
    listed = jobs.add_parser("list", help="all rows, and the visitors to check for spam")
    listed.set_defaults(run=_list)
    review = jobs.add_parser(
        "review", help="accept or reject rows by their numbers; a rejected row's picture is deleted"
    )
    review.add_argument("--accept", type=positive, nargs="+", metavar="N", default=[])
    review.add_argument("--reject", type=positive, nargs="+", metavar="N", default=[])
    review.set_defaults(run=_review)
    export = jobs.add_parser("export", help="the stored pictures of accepted rows, in one folder per artist")
    export.add_argument("-o", "--output", type=folder, metavar="DIR", required=True, help="a new folder")
    export.set_defaults(run=_export)

    experiment = commands.add_parser("experiment", help="A/B tests of two models")
    jobs = experiment.add_subparsers(required=True, metavar="COMMAND")
    plan = jobs.add_parser("plan", help="how many visitors each model needs")
    plan.add_argument("--base", type=float, required=True, metavar="P", help="accuracy of the first, such as 0.9")
    plan.add_argument(
        "--lift", type=float, required=True, metavar="D", help="smallest difference to detect, such as 0.03"
    )
    plan.add_argument("--power", type=float, default=0.8, metavar="P", help="default: 0.8")
    plan.set_defaults(run=_plan)
    assign = jobs.add_parser("assign", help="which model a visitor gets")
    result = jobs.add_parser("result", help="which model is better by the visitors' feedback")
    for command in (assign, result):
        command.add_argument("name", help="of the experiment")
        command.add_argument("arms", nargs=2, metavar="MODEL")
    assign.add_argument("--visitor", required=True, metavar="TOKEN")
    assign.set_defaults(run=_assign)
    result.add_argument("--needed", type=positive, required=True, metavar="N", help="visitors of each, as planned")
    result.set_defaults(run=_result)
    for command in (monitor, drift, listed, result):
        command.add_argument("--since", type=moment, metavar="DATE", help="the first day")
        command.add_argument("--until", type=moment, metavar="DATE", help="the first day to leave out")
    for command in (monitor, drift, bias, listed, review, export, plan, assign, result):
        command.add_argument("--json", action="store_true", help="for programs")


def _monitor(chosen: argparse.Namespace) -> None:
    from artnb.operation import monitoring
    from artnb.operation.page import html_page
    from artnb.operation.store import Store

    report = monitoring.monitoring_report(Store.default(), chosen.since, chosen.until)
    if chosen.output:
        with replacing(chosen.output) as part:
            part.write_text(html_page(report), encoding="utf-8")
    if chosen.json:
        print_json(report.to_dict())
    elif chosen.output:
        print("\n".join([*report.warnings, f"written to {chosen.output}"]))
    else:
        print(report)


def _drift(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.models import load_model
        from artnb.operation import drift
        from artnb.operation.store import Store

        model = load_model(chosen.model, "classifier")
    artists: list[str] = []
    errors: list[str] = []
    if chosen.folder:
        images, artists, errors = drift.read_folder(chosen.folder, model.card.size)
        sample = drift.sample(model, images)
    else:
        sample = drift.logged_sample(model, Store.default(), chosen.since, chosen.until)
    result, newcomers = drift.detect_drift(model.reference, sample), drift.newcomers(artists, model.card.class_names)
    for error in errors:
        print(f"artnb: {error}", file=sys.stderr)
    if chosen.json:
        print_json({"model": model.folder.name} | result.to_dict() | {"newcomers": newcomers})
        return
    print(f"{model.card.title}: {result.report()}")
    if newcomers:
        names = ", ".join(f"{artist} ({number})" for artist, number in newcomers.items())
        print(f"\nArtists that the model does not know, to be collected: {names}")


def _bias(chosen: argparse.Namespace) -> None:
    with without_greetings():
        import pandas as pd

        from artnb.classification import validation
        from artnb.models import load_model
        from artnb.operation import bias
        from artnb.operation.store import records
        from artnb.paintings.sources import load_collection

        model, collection = load_model(chosen.model, "classifier"), load_collection()
        result = validation.evaluate_split(model, collection)
    artists = pd.Series(result.class_names).iloc[result.labels].array
    right = result.predicted == result.labels
    answers = pd.DataFrame({"artist": artists, "right": right, "confidence": result.confidence})
    groups = bias.by_group(answers, collection.artists)
    if chosen.json:
        print_json(records(groups.round(4)))
    else:
        print(f"{model.card.title}, {len(answers)} test paintings\n\n{bias.bias_report(groups)}")


def _list(chosen: argparse.Namespace) -> None:
    from artnb.operation import feedback
    from artnb.operation.store import Store, records

    table = feedback.load_feedback(Store.default(), chosen.since, chosen.until)
    floods = feedback.floods(table)
    table = table.assign(
        time=[time.isoformat(timespec="seconds") for time in table["time"]], picture=table["picture"].str[:12]
    )
    if chosen.json:
        print_json({"rows": records(table), "floods": records(floods)})
        return
    if len(floods):
        print(f"Visitors to check for spam:\n{floods.round(2).to_string(index=False)}\n")
    print(table.to_string(index=False) if len(table) else "There is no feedback yet.")


def _review(chosen: argparse.Namespace) -> None:
    from artnb.operation import feedback
    from artnb.operation.store import Store

    if not chosen.accept and not chosen.reject:
        raise ArtnbError(
            "There is nothing to accept or reject; give --accept N … or --reject N … (artnb feedback list)."
        )
    feedback.review(Store.default(), chosen.accept, chosen.reject)
    counts = {"accepted": len(chosen.accept), "rejected": len(chosen.reject)}
    print_json(counts) if chosen.json else print(", ".join(f"{number} {state}" for state, number in counts.items()))


def _export(chosen: argparse.Namespace) -> None:
    from artnb.operation import feedback
    from artnb.operation.store import Store

    rows = feedback.export_feedback(Store.default(), chosen.output)
    if chosen.json:
        print_json(rows.to_dict("records"))
    else:
        print(f"{len(rows)} pictures by {rows['artist'].nunique()} artists in {Path(chosen.output)}")


def _plan(chosen: argparse.Namespace) -> None:
    from artnb.operation.experiments import visitors_needed

    needed = visitors_needed(chosen.base, chosen.lift, chosen.power)
    print_json({"needed": needed}) if chosen.json else print(f"{needed:,} visitors for each model")


def _assign(chosen: argparse.Namespace) -> None:
    from artnb.operation.experiments import assign

    arm = assign(chosen.visitor, chosen.name, chosen.arms)
    print_json({"model": arm}) if chosen.json else print(arm)


def _result(chosen: argparse.Namespace) -> None:
    from artnb.operation.experiments import result
    from artnb.operation.store import Store

    window = (chosen.since, chosen.until)
    feedback = Store.default().read("feedback", ["model", "visitor", "said", "artist"], *window)
    predictions = Store.default().read("predictions", ["model", "visitor", "seconds"], *window)
    verdict = result(chosen.name, (chosen.arms[0], chosen.arms[1]), chosen.needed, feedback, predictions)
    print_json(verdict.to_dict()) if chosen.json else print(verdict.report())
