"""`artnb registry | retrain | export`: versions of models, retraining, and export for other programs."""

import argparse
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from artnb.cards import KINDS
from artnb.cli.common import add_seed_argument, chosen_seed, folder, positive, print_json, without_greetings
from artnb.errors import ArtnbError

if TYPE_CHECKING:
    from artnb.operation.registry import Version

NAMES = tuple(kind.registered for kind in KINDS.values())


def add_commands(commands: argparse._SubParsersAction) -> None:
    """Add the commands to the parser."""
    registry = commands.add_parser("registry", help="versions of models: which one is in use, promotion and rollback")
    steps = registry.add_subparsers(required=True, metavar="STEP")
    add = steps.add_parser("add", help="register a model as the challenger")
    add.add_argument("model", help="a name, or the folder of a model")
    add.set_defaults(run=_add)
    listed = steps.add_parser("list", help="all versions and their history")
    listed.set_defaults(run=_list)
    promote = steps.add_parser("promote", help="make the challenger the champion, if it isn't worse")
    promote.add_argument("name", nargs="?", choices=NAMES, default=NAMES[0], help=f"default: {NAMES[0]}")
    promote.add_argument("--version", type=positive, metavar="N", help="default: the challenger")
    promote.add_argument("--force", metavar="REASON", help="even if it is worse; the reason goes into the history")
    promote.set_defaults(run=_promote)
    rollback = steps.add_parser("rollback", help="go back to the previous champion")
    rollback.add_argument("name", nargs="?", choices=NAMES, default=NAMES[0], help=f"default: {NAMES[0]}")
    rollback.set_defaults(run=_rollback)
    for step in (add, listed, promote, rollback):
        step.add_argument("--json", action="store_true", help="for programs")
    page = steps.add_parser("ui", help="MLflow's page, on this machine only")
    page.add_argument("--port", type=positive, default=5000, metavar="N", help="default: 5000")
    page.set_defaults(run=_page)

    retrain = commands.add_parser("retrain", help="train a model further on new pictures, and register the result")
    retrain.add_argument("model", help="registry:champion, a name, or the folder of a classifier")
    retrain.add_argument(
        "--new", action="append", required=True, metavar="DIR", help="with a folder for each artist; may be repeated"
    )
    retrain.add_argument("--new-labels", choices=("refuse", "ignore", "add"), default="refuse", help="default: refuse")
    retrain.add_argument("--epochs", type=positive, metavar="N", help="default: a third of the recipe's last phase")
    retrain.add_argument("-o", "--output", type=folder, metavar="DIR", required=True, help="of the new model")
    retrain.add_argument("--resume", action="store_true", help="resume the training in DIR")
    add_seed_argument(retrain)
    retrain.add_argument("--json", action="store_true", help="for programs")
    retrain.set_defaults(run=_retrain)

    export = commands.add_parser("export", help="write a model for TensorFlow Serving, ONNX Runtime or a phone")
    export.add_argument("model", help="registry:champion, a name, or the folder of a model")
    export.add_argument("--to", choices=("savedmodel", "onnx", "tflite"), required=True)
    export.add_argument("-o", "--output", metavar="DIR", required=True, help="a new folder")
    export.add_argument("--int8", action="store_true", help="tflite: quantized to 8 bits, a quarter of the size")
    export.add_argument(
        "--pictures", metavar="DIR", help="with --int8: quantize with these, not with training pictures"
    )
    export.add_argument(
        "--check", action="store_true", help="compare its predictions on the test paintings with the model's"
    )
    export.add_argument("--json", action="store_true", help="for programs")
    export.set_defaults(run=_export)


def _add(chosen: argparse.Namespace) -> None:
    from artnb.operation import registry

    with without_greetings():
        version = registry.add(chosen.model)
    if chosen.json:
        print_json(_row(version))
    else:
        print(_line(version))


def _list(chosen: argparse.Namespace) -> None:
    from artnb import models
    from artnb.operation import registry

    versions = [version for name in NAMES for version in registry.versions(name)]
    history = {name: models.registered_history(name) for name in NAMES}
    if chosen.json:
        print_json({"versions": [_row(version) for version in versions], "history": history})
        return
    print("\n".join(map(_line, versions)) or "none yet; see: artnb registry add --help")
    for event in (event for name in NAMES for event in history[name] if event["event"] != "add"):
        forced = f" (forced: {event['forced']})" if event.get("forced") else ""
        print(
            f"{event['time']}  {event['event']} {event['name']} {event['before'] or '-'} -> {event['version']}{forced}"
        )


def _promote(chosen: argparse.Namespace) -> None:
    from artnb import models
    from artnb.operation import registry

    comparison = registry.promote(chosen.name, chosen.version, chosen.force)
    champion = models.aliases(chosen.name)["champion"]
    if chosen.json:
        print_json({"champion": champion, "comparison": comparison.to_dict() if comparison else None})
    else:
        print(f"{chosen.name} {champion} is the champion" + (f"; {comparison}" if comparison else ""))


def _rollback(chosen: argparse.Namespace) -> None:
    from artnb.operation import registry

    version = registry.rollback(chosen.name)
    if chosen.json:
        print_json(_row(version))
    else:
        print(f"{version.name} {version.number} is the champion again, with identical files ({version.digest})")


def _page(chosen: argparse.Namespace) -> None:
    import os

    from artnb.operation import tracking

    command = tracking.page_command(chosen.port)
    print(f"http://127.0.0.1:{chosen.port} (Ctrl-C stops it)", file=sys.stderr)
    os.execve(command[0], command, os.environ | tracking.environment())


def _retrain(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.models import load_model
        from artnb.operation import registry, retraining
    from artnb.paintings.sources import load_collection

    model, seed = load_model(chosen.model, "classifier"), chosen_seed(chosen)
    material = retraining.gather(model, load_collection(), chosen.new, chosen.new_labels, seed)
    print(material.report(), file=sys.stderr)
    try:
        new, comparison = retraining.retrain(model, material, chosen.output, chosen.epochs, seed, chosen.resume)
    except KeyboardInterrupt:
        print(f"artnb: stopped; the same command with --resume resumes {chosen.output}.", file=sys.stderr)
        raise SystemExit(130) from None
    version = registry.add(new.folder)
    if chosen.json:
        print_json({"comparison": comparison.to_dict(), "left_out": material.left_out, "version": _row(version)})
    else:
        print(f"{comparison}\n{_line(version)}\nsaved in {new.folder}; see comparison.md there")


def _export(chosen: argparse.Namespace) -> None:
    with without_greetings():
        from artnb.cards import Card
        from artnb.models import find, load_model
        from artnb.operation import exporting
    if (chosen.int8 and chosen.to != "tflite") or (chosen.pictures and not chosen.int8):
        raise ArtnbError("--int8 goes with --to tflite, and --pictures with --int8; leave the other out.")
    classifier = Card.load(find(chosen.model)).kind == "classifier"
    if (chosen.check or chosen.int8) and not classifier:
        raise ArtnbError("--check and --int8 are for classifiers; leave them out.")
    model: Any = load_model(chosen.model) if chosen.check or chosen.int8 else None
    pictures = exporting.representative_pictures(model, chosen.pictures) if chosen.int8 else None
    target = exporting.export_model(chosen.model, chosen.to, chosen.output, pictures)
    check = exporting.check_export(target, model, *exporting.test_pictures(model)) if chosen.check else None
    if chosen.json:
        print_json({"folder": str(target)} | ({"check": asdict(check)} if check else {}))
    else:
        print(f"{check}\nsaved in {target}" if check else f"saved in {target}")


def _row(version: "Version") -> dict[str, Any]:
    return asdict(version) | {"folder": str(version.folder)}


def _line(version: "Version") -> str:
    from artnb.cards import Card, ModelError

    try:
        title = Card.load(version.folder).title
    except ModelError as error:
        title = f"damaged: {error}"
    return f"{version.name} {version.number:3}  {', '.join(version.aliases):22}  {title}, added {version.added}"
