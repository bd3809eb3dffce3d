"""Searches for settings with keras-tuner, on one machine or several, that are resumed after a kill.

The oracles (random, Bayesian, Hyperband), and the chief and its workers are keras-tuner's. What is ours is that a trial
is a function from hyper-parameters to figures, that a folder says what is searched in it, and that a search is resumed
by telling a new oracle all over again what the trials found: it proposes the same ones in the same order, while one
that keras-tuner reloads has forgotten its random numbers, and a trial that a kill came too close to.
"""

import io
import json
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext, redirect_stdout, suppress
from pathlib import Path
from typing import Any, Literal

from artnb.common import extras
from artnb.common.files import replacing
from artnb.common.resuming import in_use, read_object
from artnb.errors import ArtnbError, check_name, check_value, whole

with extras.needed("course", "A search needs", "keras-tuner"):
    import keras_tuner as kt

Method = Literal["random", "bayesian", "hyperband"]
Work = Callable[[kt.HyperParameters, Path], dict[str, float] | list[dict[str, float]]]


class SearchError(ArtnbError, RuntimeError):
    """A search can't be begun or read."""


def search(
    work: Work,
    declare: Callable[[kt.HyperParameters], Any],
    folder: str | Path,
    objective: kt.Objective,
    identity: dict[str, Any],
    seed: int,
    method: Method,
    trials: int,
    max_epochs: int | None = None,
) -> None:
    """Try settings until as many as wanted are tried; one that was interrupted is resumed.

    Args:
        work: what a trial does: from its hyper-parameters and its own folder to its figures, or to a list of them,
            of several executions, whose mean counts.
        declare: declares the hyper-parameters.
        folder: keras-tuner's project; on several machines, one that all of them share.
        objective: the figure that is sought.
        identity: what distinguishes this search from others, in JSON values; digests of its pictures, too.
        seed: of the oracle.
        method: which oracle.
        trials: how many settings; Hyperband counts for itself.
        max_epochs: Hyperband's.

    Raises:
        SearchError: the folder holds another search, or one that can't be read, or somebody else is at it; there is
            no such method.
        Exception: what a trial raised; the search can be resumed in it.
    """
    folder = Path(folder)
    check_name(method, _TUNERS, "method of search", SearchError)
    check_value(trials, whole(1, 1_000_000), "The number of trials", SearchError)
    hyper = kt.HyperParameters()
    declare(hyper)
    options: dict[str, Any] = {"max_trials": trials}
    if method == "hyperband":
        options = {"max_epochs": max_epochs, "factor": 3}
    alone = "KERASTUNER_ORACLE_IP" not in os.environ
    with in_use(folder, SearchError) if alone else nullcontext():
        _begin(folder, identity | {"range of settings": hyper.get_config()["space"]})
        if alone:
            _forget(folder, len(str(options.get("max_trials"))))
        with _readable(folder), redirect_stdout(io.StringIO()):  # keras-tuner prints the folder that it resumes
            tuner: Any = _TUNERS[method](
                **options,
                hyperparameters=hyper,
                objective=objective,
                seed=seed or 2**31,  # keras-tuner takes 0 for none; no seed of ours is as large as this
                directory=str(folder.parent),
                project_name=folder.name,
                overwrite=False,
                max_consecutive_failed_trials=1,
            )
        try:
            tuner.search(work=work, verbose=0)  # a chief only answers its workers here
        except _RefusedError as error:
            raise error.args[0] from None


def _forget(folder: Path, digits: int) -> None:
    """Let keras-tuner begin anew, in folders that are called as it calls them for so many trials."""
    (folder / "tuner0.json").unlink(missing_ok=True)
    for place in folder.glob("trial_*"):
        number = place.name.removeprefix("trial_")
        wanted = folder / f"trial_{number.lstrip('0') or '0':0>{digits}}"
        if number.isdecimal() and not wanted.exists():
            place.rename(wanted)


class _RefusedError(kt.errors.FatalError):
    """Holds an error, which keras-tuner would otherwise take for a setting that failed."""


class _Works:
    """What a trial is, for each of keras-tuner's tuners."""

    def run_trial(self, trial: Any, work: Work, **_: Any) -> Any:
        place = Path(self.get_trial_dir(trial.trial_id))  # type: ignore[attr-defined]
        values = trial.hyperparameters.values
        try:
            with suppress(SearchError):  # not finished, or cut: it is tried again, and finds the same
                result = read_object(place / _RESULT, SearchError)
                if result.get("values") == values and result.get("found"):
                    return result["found"]
            found = work(trial.hyperparameters, place)
            with replacing(place / _RESULT) as part:
                part.write_text(json.dumps({"values": values, "found": found}), encoding="utf-8")
            return found
        except Exception as error:
            raise _RefusedError(error) from error

    def load_model(self, trial: Any) -> None:
        """Nothing: a trial keeps what it makes itself."""


class _Random(_Works, kt.RandomSearch):
    pass


class _Bayesian(_Works, kt.BayesianOptimization):
    pass


class _Hyperband(_Works, kt.Hyperband):
    pass


_TUNERS = {"random": _Random, "bayesian": _Bayesian, "hyperband": _Hyperband}


def finished_trials(folder: str | Path, command: str, figures: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The finished trials of a search, of all workers: trial, values, metrics and score, in order of their folders.

    Args:
        folder: of the search.
        command: what would begin one, for the sentence.
        figures: the metrics that each trial has.

    Raises:
        SearchError: there is no search in the folder, one of something else, or one that can't be read.
    """
    if not search_identity(folder):
        raise SearchError(f"{Path(folder).name!r} holds no search; begin one with: {command}")
    trials = []
    for file in sorted(Path(folder).glob("trial_*/trial.json")):
        with _readable(file):
            trial = read_object(file, SearchError)
            if trial["status"] != "COMPLETED":
                continue
            metrics = {
                name: sum(observed["value"]) / len(observed["value"])
                for name, metric in trial["metrics"]["metrics"].items()
                for observed in metric["observations"][-1:]
            }
            values = dict(trial["hyperparameters"]["values"])
            number = file.parent.name.removeprefix("trial_")
            trials.append({"trial": number, "values": values, "metrics": metrics, "score": trial["score"]})
        if not set(figures) <= set(metrics):
            raise SearchError(f"{Path(folder).name!r} holds a search of another kind; begin one with: {command}")
    return trials


_FILE, _RESULT = "search.json", "result.json"


@contextmanager
def _readable(place: Path) -> Iterator[None]:
    """What keras-tuner wrote is read inside; whatever is wrong with it is one sentence."""
    try:
        yield
    except (OSError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise SearchError(f"{place} can't be read ({type(error).__name__}); name another folder.") from error


def search_identity(folder: str | Path) -> dict[str, Any]:
    """What distinguishes the search in a folder from others, as `search` was told; empty if there is no search.

    Raises:
        SearchError: it can't be read.
    """
    file = Path(folder) / _FILE
    return read_object(file, SearchError) if file.is_file() else {}


def _begin(folder: Path, identity: dict[str, Any]) -> None:
    """Write down what is searched here, or compare it with what was written down before.

    A chief has seen no pictures, and says nothing of them; its workers add which they are.
    """
    if folder.exists() and not folder.is_dir():
        raise SearchError(f"{folder.name!r} is a file; name a folder.")
    before = search_identity(folder)
    identity = json.loads(json.dumps(identity))
    if different := [name for name in identity if name in before and before[name] != identity[name]]:
        raise SearchError(
            f"{folder.name!r} holds another search, with another {' and '.join(different)}; name another folder."
        )
    if before | identity != before:
        with replacing(folder / _FILE) as part:
            part.write_text(json.dumps(before | identity), encoding="utf-8")


@contextmanager
def distributed(address: str | None, worker: str | None, minutes: float | None) -> Iterator[None]:
    """Take part in a search on several machines, as keras-tuner does it, by its environment variables.

    Args:
        address: "IP:PORT" of the chief, who holds the oracle and trains nothing; None for a search on one machine.
        worker: a name of one's own for a worker; None for the chief.
        minutes: after which the process gives up: a chief whose workers died would wait for ever.

    Raises:
        SearchError: the address is missing or wrong, or the time is up.
    """
    if address is None and worker is not None:
        raise SearchError("A worker needs the address of its chief; add --chief IP:PORT.")
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    if not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise SearchError(f"{address!r} is not the address of a chief; give IP:PORT, such as 127.0.0.1:8000.")
    identity = {"KERASTUNER_TUNER_ID": worker or "chief", "KERASTUNER_ORACLE_IP": host, "KERASTUNER_ORACLE_PORT": port}
    before = {name: os.environ.get(name) for name in identity}

    def time_is_up(*_: Any) -> None:
        raise SearchError(f"The search was not finished in {minutes:g} minutes; the same command resumes it.")

    os.environ.update(identity)
    in_main = threading.current_thread() is threading.main_thread() and hasattr(signal, "setitimer")
    if minutes and in_main:
        signal.signal(signal.SIGALRM, time_is_up)
        signal.setitimer(signal.ITIMER_REAL, minutes * 60)
    try:
        yield
    finally:
        if minutes and in_main:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
