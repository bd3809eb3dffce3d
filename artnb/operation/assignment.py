"""Experiments that were started: stored with their plan, they decide which classifier a visitor gets.

At most one runs at a time. Its verdict counts each arm's first planned visitors and is stored when it is known, so
nothing that happens later can change it; then the experiment has ended, and everybody gets the champion again.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from artnb import models
from artnb.cards import ModelError
from artnb.common import logs
from artnb.operation import registry
from artnb.operation.experiments import ExperimentError, Result, assign, result, visitors_needed
from artnb.operation.store import Store, StoreError, insert, timestamp

_COLUMNS = ("name", "time", "plan", "ended", "verdict")
_LONGEST = 80  # characters of a name


@dataclass(frozen=True)
class Experiment:
    """An experiment that was started.

    Attributes:
        name: its name.
        arms: the two models, as `load_model` takes them.
        identities: theirs, see `models.identity`: equal for equal models only.
        base: the expected accuracy of the first.
        lift: the smallest difference that should be detected.
        power: the probability of detecting it.
        needed: visitors that each arm needs, which follows from these.
        started: when.
        ended: when its verdict was stored, or it was stopped; None while it runs.
        verdict: the result, once it is known.
    """

    name: str
    arms: tuple[str, str]
    identities: tuple[str, str]
    base: float
    lift: float
    power: float
    needed: int
    started: datetime
    ended: datetime | None = None
    verdict: Result | None = None

    def to_dict(self) -> dict[str, Any]:
        """All attributes, as JSON can hold them."""
        ends = {"started": self.started.isoformat(), "ended": self.ended and self.ended.isoformat()}
        return asdict(self) | ends | {"verdict": self.verdict and self.verdict.to_dict()}

    def arm(self, visitor: str) -> int:
        """Which of the two arms a visitor gets: the same at every visit, in whatever order they were given."""
        return self.identities.index(assign(visitor, self.name, self.identities))

    def folder(self, arm: int) -> Path:
        """The folder of an arm's model.

        Raises:
            ModelError: it is not there any more, or has other contents.
        """
        folder = models.find(self.arms[arm], "classifier")
        if models.identity(folder) != self.identities[arm]:
            raise ModelError(f"The model {self.arms[arm]!r} is not the one that the experiment was started with.")
        return folder


def start_experiment(name: str, arms: Sequence[str | Path], base: float, lift: float, power: float = 0.8) -> Experiment:
    """Plan an experiment and start it: from now on it decides which classifier a visitor gets.

    Args:
        name: a new one.
        arms: two classifiers, as `load_model` takes them. `registry:champion` stands for the version that it is now.
        base: the expected accuracy of the first.
        lift: the smallest difference that should be detected, such as 0.03.
        power: the probability of detecting such a difference.

    Raises:
        ExperimentError: one runs already, the name was used before, the two models are the same, or the plan can't be.
        ModelError: there is no such classifier, or a file of it was changed.
        StoreError: the store can't be written to.
    """
    if not (0 < len(name) <= _LONGEST and name.isprintable()):
        raise ExperimentError(f"Got {name[:40]!r} as a name; give one of up to {_LONGEST} printable characters.")
    folders = [models.find(arm, "classifier") for arm in arms]
    identities = [models.read_whole(folder)[1] for folder in folders]
    if len(set(identities)) != 2:
        raise ExperimentError(f"Got {' and '.join(map(str, arms))}, which are the same model; give two that differ.")
    plan: dict[str, Any] = {
        "arms": [_reference(folder) for folder in folders],
        "identities": identities,
        "base": base,
        "lift": lift,
        "power": power,
        "needed": visitors_needed(base, lift, power),
    }
    with Store.default().transaction("add") as connection:
        rows = connection.execute("SELECT name, ended FROM experiments").fetchall()
        if running := [other for other, ended in rows if ended is None]:
            raise ExperimentError(
                f"The experiment {running[0]!r} runs already; wait for its result, or stop it "
                f"(artnb watch experiment stop {running[0]})."
            )
        if name in dict(rows):
            raise ExperimentError(f"There was an experiment {name!r} before; choose another name.")
        insert(connection, "experiments", {"name": name, "plan": json.dumps(plan)})
    logs.event("experiment.start", experiment=name, **plan)
    return find_experiment(name)


def list_experiments() -> list[Experiment]:
    """All experiments that were started, the oldest first.

    Raises:
        StoreError: the store can't be read.
    """
    rows = Store.default().read("experiments", _COLUMNS)
    return [_experiment({str(name): value for name, value in row.items()}) for row in rows.to_dict("records")]


def find_experiment(name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        ExperimentError: there is none.
        StoreError: the store can't be read.
    """
    known = {experiment.name: experiment for experiment in list_experiments()}
    if name not in known:
        names = ", ".join(map(repr, known)) or "none yet"
        raise ExperimentError(f"There is no experiment {name!r}; there are {names} (artnb watch experiment start).")
    return known[name]


def stop_experiment(name: str) -> Experiment:
    """End an experiment; without a verdict, if there is none yet.

    Raises:
        ExperimentError: there is none of this name, or it has ended.
        StoreError: the store can't be written to.
    """
    if find_experiment(name).ended:
        raise ExperimentError(f"The experiment {name!r} has ended already; there is nothing to stop.")
    experiment_result(name)  # if it has one, it ends with it
    _end(name, None)
    logs.event("experiment.stop", experiment=name)
    return find_experiment(name)


def experiment_result(name: str) -> Result:
    """The result of an experiment: once each arm has the planned visitors it is stored, and ends the experiment.

    A visitor of an arm is one who gave feedback about an answer of the arm's model while the experiment ran.

    Raises:
        ExperimentError: there is no such experiment.
        StoreError: the store can't be read or written to.
    """
    experiment = find_experiment(name)
    if experiment.verdict:
        return experiment.verdict
    store, until = Store.default(), experiment.ended
    feedback = store.read("feedback", ["version", "visitor", "said", "artist"], experiment.started, until)
    predictions = store.read("predictions", ["version", "visitor", "seconds"], experiment.started, until)
    verdict = result(
        name,
        experiment.identities,
        experiment.needed,
        feedback.rename(columns={"version": "model"}),
        predictions.rename(columns={"version": "model"}),
    )
    labels = dict(zip(experiment.identities, experiment.arms, strict=True))
    guardrail = verdict.guardrail
    for identity, label in labels.items():
        guardrail = guardrail.replace(identity, label)
    verdict = replace(
        verdict, arms=experiment.arms, winner=verdict.winner and labels[verdict.winner], guardrail=guardrail
    )
    if verdict.p is None or experiment.ended:
        return verdict
    _end(name, verdict)
    logs.event("experiment.verdict", experiment=name, **verdict.to_dict())
    return find_experiment(name).verdict or verdict  # somebody else may have been first


def models_in_use(visitor: str | None = None) -> list[Path]:
    """The classifiers that visitors get by default at this moment: an experiment's arms, or the champion; or none.

    Args:
        visitor: a random token, the same at every visit: only that visitor's, which is one at most.
    """
    try:
        experiment = next((each for each in list_experiments() if each.ended is None), None)
        if experiment:
            folders = [experiment.folder(0), experiment.folder(1)]
            return folders if visitor is None else [folders[experiment.arm(visitor)]]
    except (ModelError, StoreError) as error:  # nobody gets an arm, so that both have the visitors that they should
        logs.failure("experiment.lost", error)
    champion = registry.champion("classifier")
    return [champion] if champion else []


def _end(name: str, verdict: Result | None) -> None:
    """Store the end of an experiment that runs, and its verdict."""
    values = [timestamp(datetime.now(UTC)), verdict and json.dumps(asdict(verdict)), name]
    with Store.default().transaction("change") as connection:
        connection.execute("UPDATE experiments SET ended = ?, verdict = ? WHERE name = ? AND ended IS NULL", values)


def _reference(folder: Path) -> str:
    """How a model is found again: a registered version by its number, any other by its folder."""
    if entry := models.registry_entry(folder):
        name, _, number = entry.rpartition("-")
        return f"registry:{name}@{number}"
    return folder.name if models.find(folder.name) == folder else str(folder.resolve())


def _experiment(row: dict[str, Any]) -> Experiment:
    ended, verdict = (row[name] if isinstance(row[name], str) else None for name in ("ended", "verdict"))
    plan, verdict = json.loads(row["plan"]), json.loads(verdict or "null")
    for name in ("arms", "identities"):
        plan[name] = tuple(plan[name])
    for name in ("arms", "n", "accuracy") if verdict else ():
        verdict[name] = tuple(verdict[name])
    return Experiment(
        row["name"],
        started=row["time"].to_pydatetime(),
        ended=datetime.fromisoformat(ended) if ended else None,
        verdict=Result(**verdict) if verdict else None,
        **plan,
    )
