"""`artnb models …`: the models there are, the registry of versions, retraining and export."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from artnb.cards import KINDS, ModelError
from artnb.cli.common import (
    FOLDER,
    POSITIVE,
    Model,
    ServerCommand,
    answer,
    echo,
    import_tensorflow,
    resumable,
    resume_option,
    root,
    seed_option,
)
from artnb.errors import ArtnbError

if TYPE_CHECKING:
    from artnb.operation.registry import Version


class PortError(ArtnbError, OSError):
    """A server can't listen where it was told to."""


NAMES = tuple(kind.registered for kind in KINDS.values())
_name_argument = click.argument("name", type=click.Choice(NAMES), default=NAMES[0])


@root.group("models")
def _models() -> None:
    """List, register, promote, retrain and export models.

    A MODEL is a name of `artnb models list`, a folder, or a registered model: registry:champion,
    registry:challenger, registry:monet-generator@champion, registry:art-classifier@3.
    """


@_models.command("list")
def _list() -> None:
    """List all models, also damaged ones, and the registry."""
    from artnb import models
    from artnb.operation import registry

    found = models.list_models()
    problems = {entry.folder: entry.problem for entry in found}  # those of champion and challenger, too
    try:
        versions = [version for name in NAMES for version in registry.versions(name)]
        history = [event for name in NAMES for event in models.registered_history(name)]
    except ModelError:  # the history can't be read, which the entries say
        versions, history = [], []
    entries = [entry for entry in found if not versions or not entry.name.startswith("registry:")]
    rows = []
    lines = [f"{each.name:36}  {each.card.label if each.card else f'damaged: {each.problem}'}" for each in entries]
    for version in versions:
        if (problem := problems.get(version.folder)) is None:
            problem = version.problem
        rows.append(_row(version) | {"problem": problem})
        lines.append(_line(version) + (f"; damaged: {problem}" if problem else ""))
    for event in history:
        if event["event"] != "add":
            forced = f" (forced: {event['forced']})" if event.get("forced") else ""
            change = f"{event['before'] or '-'} -> {event['version']}{forced}"
            lines.append(f"{event['time']}  {event['event']} {event['name']} {change}")
    results = [{"name": each.name, "problem": each.problem} | _about(each.card) for each in entries]
    answer(
        {"results": results, "versions": rows, "history": history},
        "\n".join(lines) or "none yet; see: artnb train --help",
    )


@_models.command("add")
@click.argument("model", type=Model())
def _add(model: str) -> None:
    """Register a model as the challenger."""
    from artnb.operation import registry

    version = registry.add(model)
    answer(_row(version), _line(version))


@_models.command("promote")
@click.argument("model", type=Model(), default="registry:challenger")
@click.option("--force", metavar="REASON", help="Although it may be worse; the reason goes into the history.")
def _promote(model: str, force: str | None) -> None:
    """Make a registered model the champion. Default: registry:challenger.

    It must not be worse than the best champion so far, on the same test pictures.
    """
    from artnb import models
    from artnb.operation import registry

    name, version = _registered(models.find(model))
    comparison = registry.promote(name, version, force)
    answer(
        {"name": name, "champion": version, "comparison": comparison.to_dict() if comparison else None},
        f"{name} {version} is the champion" + (f"; {comparison}" if comparison else ""),
    )


@_models.command("rollback")
@_name_argument
def _rollback(name: str) -> None:
    """Go back to the previous champion."""
    from artnb.operation import registry

    version = registry.rollback(name)
    answer(
        _row(version),
        f"{version.name} {version.number} is the champion again, with identical files ({version.digest})",
    )


@_models.command("ui", cls=ServerCommand)
@click.option("--port", type=click.IntRange(1, 2**16 - 1), default=5000, metavar="N", help="Default: 5000.")
def _ui(port: int) -> None:
    """Show the registry in MLflow's page, on this machine only."""
    from artnb.operation import tracking

    _become(tracking.page_command(port), port)


@_models.command("serve", cls=ServerCommand)
@_name_argument
@click.option("--port", type=click.IntRange(1, 2**16 - 1), default=5001, metavar="N", help="Default: 5001.")
def _serve(name: str, port: int) -> None:
    """Serve the champion over HTTP with MLflow, on this machine only."""
    from artnb.operation import tracking

    _become(tracking.serve_command(name, port), port)


def _become(command: list[str], port: int) -> None:
    """Run a server in place of this process."""
    import os
    import socket

    from artnb.operation import tracking

    with socket.socket() as free:
        if free.connect_ex(("127.0.0.1", port)) == 0:
            raise PortError(f"Something else answers at port {port}; choose another one with --port.")
    echo(f"http://127.0.0.1:{port} (Ctrl-C stops it)", err=True)
    os.execve(command[0], command, os.environ | tracking.environment())


@_models.command("retrain")
@click.argument("model", type=Model())
@click.option("--new", multiple=True, required=True, metavar="DIR", help="With a folder for each artist. Repeatable.")
@click.option(
    "--new-labels",
    type=click.Choice(["refuse", "ignore", "add"]),
    default="refuse",
    help="What to do with artists that the model does not know. Default: refuse.",
)
@click.option("--epochs", type=POSITIVE, metavar="N", help="Default: a third of the recipe's last phase.")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="Of the new model.")
@resume_option
@seed_option
def _retrain(
    model: str,
    new: tuple[str, ...],
    new_labels: Literal["refuse", "ignore", "add"],
    epochs: int | None,
    output: Path,
    resume: bool,
    seed: int | None,
) -> None:
    """Train a classifier further on new pictures.

    It is compared with the model that it began with, and registered as the challenger.
    """
    import_tensorflow()
    from artnb.common.seeding import seed_or_default
    from artnb.models import load_model
    from artnb.operation import registry, retraining
    from artnb.paintings.sources import load_collection

    classifier, seed = load_model(model, "classifier"), seed_or_default(seed)
    material = retraining.gather(classifier, load_collection(), [*new], new_labels, seed)
    echo(material.report(), err=True)
    with resumable(output):
        further, comparison = retraining.retrain(classifier, material, output, epochs, seed, resume)
    version = registry.add(further.folder)
    answer(
        {"comparison": comparison.to_dict(), "left_out": material.left_out, "version": _row(version)},
        f"{comparison}\n{_line(version)}\nsaved in {further.folder}; see comparison.md there",
    )


@_models.command("export")
@click.argument("model", type=Model())
@click.option("--to", type=click.Choice(["savedmodel", "onnx", "tflite"]), required=True, help="The format.")
@click.option("-o", "--output", type=FOLDER, metavar="DIR", required=True, help="A new folder.")
@click.option("--int8", is_flag=True, help="tflite: quantized to 8 bits, a quarter of the size.")
@click.option("--pictures", metavar="DIR", help="With --int8: quantize with these, not with training pictures.")
@click.option("--check", is_flag=True, help="Compare its predictions on the test paintings with the model's.")
def _export(
    model: str, to: Literal["savedmodel", "onnx", "tflite"], output: Path, int8: bool, pictures: str | None, check: bool
) -> None:
    """Write a model for TensorFlow Serving, ONNX Runtime or a phone."""
    from artnb.cards import Card
    from artnb.models import find, load_model

    if (int8 and to != "tflite") or (pictures and not int8):
        raise click.UsageError("--int8 goes with --to tflite, and --pictures with --int8; leave the other out.")
    if (check or int8) and Card.load(find(model)).kind != "classifier":
        raise click.UsageError("--check and --int8 are for classifiers; leave them out.")
    import_tensorflow()
    from artnb.operation import exporting

    loaded: Any = load_model(model) if check or int8 else None
    representative = exporting.representative_pictures(loaded, pictures) if int8 else None
    target = exporting.export_model(model, to, output, representative)
    checked = exporting.check_export(target, loaded, *exporting.test_pictures(loaded)) if check else None
    answer(
        {"folder": str(target), "check": asdict(checked) if checked else None},
        f"{checked}\nsaved in {target}" if checked else f"saved in {target}",
    )


def _registered(folder: Path) -> tuple[str, int]:
    """The name and the number of a registered model."""
    from artnb.models import registry_entry

    name, _, number = registry_entry(folder).rpartition("-")
    if name not in NAMES or not (number.isascii() and number.isdigit()):
        raise click.UsageError(f"{folder.name!r} is not registered; register it first with: artnb models add MODEL")
    return name, int(number)


def _about(card: Any) -> dict[str, Any]:
    if card is None:
        return {}
    return {"kind": card.kind, "title": card.title} | (card.metrics["test"] if card.kind == "classifier" else {})


def _row(version: "Version") -> dict[str, Any]:
    return asdict(version) | {"folder": str(version.folder)}


def _line(version: "Version") -> str:
    from artnb.cards import Card

    title = ""
    with suppress(ModelError):
        title = f"{Card.load(version.folder).title}, "
    return f"{version.name} {version.number:3}  {', '.join(version.aliases):22}  {title}added {version.added}"
