"""The saved model: one card, one folder, one list, whatever its kind.

A model is a folder that holds card.json and the files that the card names, each with its SHA-256. Those that ship with
the package are in `starters/`, your own in `$ARTNB_HOME/models`, registered versions in `$ARTNB_HOME/registry`, whose
`history.jsonl` has a line for each step; the last one says what the aliases mean. `operation.registry` writes it.
"""

import json
import platform
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib import import_module, metadata
from pathlib import Path
from typing import Any, Literal, Self

from artnb import __version__
from artnb.common.files import replacing, sha256
from artnb.errors import ArtnbError
from artnb.settings import settings

STARTERS = Path(__file__).parent / "starters"
ALIASES = ("champion", "challenger")
PAGES = ("README.md", "comparison.md")  # for people; a model is the same without them

KindName = Literal["classifier", "cyclegan"]


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        loader: "module:class"; the class has `read(folder, card)`. It is imported when a model of the kind is loaded.
        registered: the name that its versions have in the registry.
        command: what trains one.
    """

    loader: str
    registered: str
    command: str


KINDS: dict[str, Kind] = {
    "classifier": Kind("artnb.classification.model:Classifier", "art-classifier", "artnb train MODEL"),
    "cyclegan": Kind("artnb.cyclegan.model:CycleModel", "monet-generator", "artnb train cyclegan"),
}


class ModelError(ArtnbError, ValueError):
    """There is no such model, it is of another kind, or its folder is damaged."""


@dataclass(frozen=True)
class Card:
    """What a model is; every figure in it was measured when it was saved. Reading one needs no TensorFlow.

    Attributes:
        kind: "classifier" or "cyclegan".
        title: what a person calls it.
        recipe: all settings of its training.
        seed: of the training.
        source: of the pictures: "studio", "folder" or "kaggle".
        metrics: of a classifier, for "train", "validation" and "test" the figures of `Evaluation`, of the test for
            each artist, too; of a CycleGAN, for "monet" and "photo" those of `CycleEvaluation`.
        seconds: how long it was trained, without the loading of pictures.
        network: of a classifier, the name that `networks.build` knows.
        class_names: of a classifier, the artists in the order of the labels, Unicode NFC.
        size: of a classifier, height and width of its pictures in pixels.
        temperature: of a classifier, what log-probabilities are divided by, fitted on validation.
        novelty: of a classifier, `threshold` and the shares of `validation` and `test` paintings beyond it.
        parameters: of a classifier, its weights, counted.
        epochs: of a classifier, how many it was trained.
        split: of a classifier, the digest of its split, see `splits.split_digest`.
        untrained: whether its core began without ImageNet weights, though it is a core that should have them.
        steps: of a CycleGAN, how many it was trained.
        pictures: of a CycleGAN, how many photographs and paintings were trained on and measured on.
        test: of a CycleGAN, the digest of those that it was measured on.
        started: what the training began with: title, seed, length and seconds of that model, and what that one was
            started from in turn; empty for random or ImageNet's weights.
        withdrawn: of a CycleGAN, "monet" or "photo" -> why the model is not to be used for that direction.
        made: date and versions.
        files: the model's files -> their SHA-256.
    """

    kind: str
    title: str
    recipe: dict[str, Any]
    seed: int
    source: str
    metrics: dict[str, dict[str, Any]]
    seconds: float
    network: str = ""
    class_names: tuple[str, ...] = ()
    size: int = 0
    temperature: float = 1.0
    novelty: dict[str, float] = field(default_factory=dict)
    parameters: int = 0
    epochs: int = 0
    split: str = ""
    untrained: bool = False
    steps: int = 0
    pictures: dict[str, int] = field(default_factory=dict)
    test: str = ""
    started: dict[str, Any] = field(default_factory=dict)
    withdrawn: dict[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read card.json.

        Raises:
            ModelError: it is missing or can't be read.
        """
        try:
            values = json.loads((folder / "card.json").read_text(encoding="utf-8"))
            card = cls(**values | {"class_names": tuple(values.get("class_names", ()))})
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise ModelError(
                f"{folder.name!r} holds no readable card.json ({type(error).__name__}), so it is no model of this "
                "artnb; name a folder that `artnb train` wrote, or train it again."
            ) from error
        if problem := card._problem():
            raise ModelError(f"{folder.name!r} has a card.json that {problem}; train or copy the model again.")
        return card

    def _problem(self) -> str:
        """What is wrong with it, as words after "that"."""
        if self.kind not in KINDS:
            return f"is of the kind {self.kind!r}; there are {' and '.join(KINDS)}"
        for name, default in vars(Card("", "", {}, 0, "", {}, 0.0)).items():
            kind = int | float if isinstance(default, float) else type(default)
            if not isinstance(getattr(self, name), kind):
                return f"says {getattr(self, name)!r} for {name}"
        if not self.files or any(Path(name).name != name for name in self.files):
            return "does not name its files, as those of an older artnb do not"
        measured = ("train", "validation", "test") if self.kind == "classifier" else ()
        if missing := [name for name in measured if not isinstance(self.metrics.get(name), dict)]:
            return f"says nothing of {missing[0]!r}"
        return ""

    @property
    def label(self) -> str:
        """The title with the figure that counts, for lists."""
        if self.kind == "classifier":
            return f"{self.title}, {self.metrics['test']['accuracy']:.1%} on its test paintings"
        kid = self.metrics.get("monet")
        return f"{self.title}, KID {kid['generated']['value']:.3f}" if kid else self.title

    @property
    def start(self) -> dict[str, Any]:
        """What a training that begins with this model's weights keeps of it, as `started`."""
        names = ("title", "recipe", "split", "seed", "epochs", "steps", "seconds", "started")
        return {name: value for name in names if (value := getattr(self, name)) or name == "started"}

    def require(self, direction: str) -> None:
        """Nothing, if a CycleGAN is offered for a direction, "monet" or "photo".

        Raises:
            ModelError: that direction is withdrawn.
        """
        if direction in self.withdrawn:
            reason = self.withdrawn[direction].rstrip(".")
            raise ModelError(f"{reason}; use another model (--model), or train your own: artnb train cyclegan.")


@dataclass(frozen=True)
class Entry:
    """A model in the list.

    Attributes:
        name: what `load_model` takes.
        folder: where it is.
        card: what it is; None for a damaged one.
        problem: what is wrong with it, a sentence; empty for a healthy one.
    """

    name: str
    folder: Path
    card: Card | None
    problem: str = ""


def load_model(model: str | Path, kind: KindName | None = None) -> Any:
    """Load a model: `load_model("starter")("painting.jpg")`.

    Args:
        model: a name of `list_models`, a folder, or a registered model as in `find`.
        kind: of which it must be; None for any.

    Returns:
        A `Classifier` or a `CycleModel`: an object that is called on a picture or several.

    Raises:
        ModelError: there is no such model, it is of another kind, or a file of it is missing or was changed.
    """
    folder = find(model, kind)
    check_whole(folder)
    card = Card.load(folder)
    module, _, name = KINDS[card.kind].loader.partition(":")
    return getattr(import_module(module), name).read(folder, card)


def list_models(kind: KindName | None = None) -> list[Entry]:
    """All models that have a name, also damaged ones.

    The starters first, then those of `$ARTNB_HOME/models`, then the registry's champions and challengers.

    Args:
        kind: of which; None for all. A damaged one whose kind can't be read is in every list.
    """
    folders = [(file.parent.name, file.parent) for file in sorted(STARTERS.glob("*/card.json"))]
    folders += [(file.parent.name, file.parent) for file in sorted((settings.home / "models").glob("*/card.json"))]
    for each in KINDS.values():
        now = aliases(each.registered)
        folders += [
            (f"registry:{each.registered}@{alias}", registered_folder(each.registered, now[alias]))
            for alias in ALIASES
            if alias in now
        ]
    entries = []
    for name, folder in folders:
        try:
            card = Card.load(folder)
            for file in card.files:
                if not (folder / file).is_file():
                    raise ModelError(f"The file {file!r} is missing; train or copy the model again.")
            entries.append(Entry(name, folder, card))
        except ModelError as error:
            entries.append(Entry(name, folder, None, str(error)))
    return [entry for entry in entries if kind is None or entry.card is None or entry.card.kind == kind]


def find(model: str | Path, kind: KindName | None = None) -> Path:
    """The folder of a model, by its name or path, or as `registry:champion`.

    After `registry:` comes an alias or a number, before it perhaps the name that the model is registered under, as in
    `registry:monet-generator@challenger` and `registry:art-classifier@3`.

    Args:
        model: which.
        kind: of which it must be; None for any, and a registered model is then a classifier unless it says its name.

    Raises:
        ModelError: there is none of this kind; the sentence names those that there are.
    """
    if str(model).startswith("registry:"):
        return _registered(str(model), kind)
    places = settings.home / "models", settings.home / "registry"
    for folder in (STARTERS / model, *(place / model for place in places), Path(model)):
        if (folder / "card.json").is_file():
            actual = Card.load(folder).kind
            if kind not in (None, actual):
                raise ModelError(f"The model {folder.name!r} is a {actual}; a {kind} was asked for.")
            return folder
    names = ", ".join(repr(entry.name) for entry in list_models(kind) if entry.card) or "none yet"
    raise ModelError(
        f"There is no {kind or 'model'} {str(model)!r}; by name there are {names}. "
        f"Name one of these or a folder that `{KINDS[kind or 'classifier'].command}` wrote."
    )


def _registered(reference: str, kind: KindName | None) -> Path:
    name, _, which = reference.removeprefix("registry:").rpartition("@")
    names = [each.registered for each in KINDS.values()] if kind is None else [KINDS[kind].registered]
    name = name or names[0]
    number = which if which.isascii() and which.isdigit() else aliases(name).get(which)
    folder = registered_folder(name, number or 0)
    if name in names and number and (folder / "card.json").is_file():
        return folder
    have = {each: sorted(aliases(each)) for each in names}
    known = "; ".join(f"{each} has {' and '.join(there) or 'no version yet'}" for each, there in have.items())
    raise ModelError(
        f"{reference!r} is not in the registry: {known}. "
        "Name one of these, as registry:champion, or register a model with `artnb registry add MODEL`."
    )


def registered_folder(name: str, number: int | str) -> Path:
    """Where a version of a registered model lies."""
    return settings.home / "registry" / f"{name}-{number}"


def registered_history(name: str) -> list[dict[str, Any]]:
    """What was done in the registry with the models of a name, the oldest first, without lines that were cut short."""
    try:
        lines = (settings.home / "registry" / "history.jsonl").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    events = []
    for line in lines.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and event.get("name") == name:
            events.append(event)
    return events


def aliases(name: str) -> dict[str, int]:
    """The versions that champion and challenger of a name are; an alias without a version is left out."""
    history = registered_history(name)
    return history[-1]["aliases"] if history else {}


def identity(folder: Path) -> str:
    """The SHA-256 of a model's card, which holds the digests of its files: equal for equal models only."""
    return sha256(folder / "card.json")


def check_files(folder: Path, card: Card) -> None:
    """Nothing, if the files of a model are those that its card names.

    Raises:
        ModelError: one is missing, or has other contents.
    """
    for name, digest in card.files.items():
        try:
            if sha256(folder / name) == digest:
                continue
            problem = f"{name} is not the file that the model was saved with"
        except OSError as error:
            problem = f"{name} can't be read, {type(error).__name__}"
        raise ModelError(f"The model {folder.name!r} is damaged ({problem}); train or copy it again.")


def check_whole(folder: Path) -> None:
    """Nothing, if a model's files are those that its card names, and its card, in the registry, the registered one.

    Raises:
        ModelError: one of them is another, or missing.
    """
    if folder.parent == settings.home / "registry":
        name, _, number = folder.name.rpartition("-")
        added = [e for e in registered_history(name) if e["event"] == "add" and str(e["version"]) == number]
        if not (added and (folder / "card.json").is_file() and added[0].get("digest") == identity(folder)):
            raise ModelError(
                f"The files of {name} {number} are not those that were registered; it can't be trusted: "
                "restore its folder from a copy, or choose another version."
            )
    check_files(folder, Card.load(folder))


def save_model(
    folder: Path, card: dict[str, Any], writers: dict[str, Callable[[Path], object]], page: Callable[[Card], str]
) -> Card:
    """Write a model's files, each beside and renamed, README.md, and card.json last: without one it is no model yet.

    Args:
        folder: where to; what else lies in it stays.
        card: the fields of its card, but for `made`'s date and versions and `files`.
        writers: file name -> what writes it, given a path.
        page: the card as a page for a person, in Markdown.
    """
    for name, write in writers.items():
        with replacing(folder / name) as part:
            write(part)
    files = {name: sha256(folder / name) for name in writers}
    made = {
        "date": date.today().isoformat(),
        "artnb": __version__,
        "keras": metadata.version("keras"),
        "python": platform.python_version(),
    }
    new = Card(**card | {"made": made | card["made"], "files": files})
    write_card(folder, new, page(new))
    return Card.load(folder)


def write_card(folder: Path, card: Card, page: str) -> None:
    """Write README.md, then card.json."""
    with replacing(folder / "README.md") as part:
        part.write_text(page, encoding="utf-8")
    with replacing(folder / "card.json") as part:
        part.write_text(json.dumps(asdict(card), indent=1, ensure_ascii=False), encoding="utf-8")


def copy_model(source: Path, target: Path, copy: Callable[[Path, Path], object] | None = None) -> None:
    """Copy a model, and nothing that lies beside it, to a folder that does not exist yet; it is there whole or not.

    Args:
        source: the model's folder.
        target: where to.
        copy: what copies a file; by default its bytes.
    """
    pages = [name for name in PAGES if (source / name).is_file()]
    with replacing(target) as part:
        part.mkdir(parents=True)
        for name in [*Card.load(source).files, *pages, "card.json"]:
            (copy or shutil.copyfile)(source / name, part / name)


def trained_in(made: dict[str, str]) -> str:
    """The precision that a card's model was trained in, as words to append; none for a card that does not say it."""
    return f" in {made['precision']}" if "precision" in made else ""
