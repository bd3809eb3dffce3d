"""The card of a saved model: which kinds of models there are, what a card says, and what each of its values can be."""

import hashlib
import json
import math
import re
import reprlib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, Self

from artnb.errors import TRUE_OR_FALSE, Allowed, ArtnbError, is_number, number, whole

KindName = Literal["classifier", "cyclegan", "painter"]


class ModelError(ArtnbError, ValueError):
    """There is no such model, it is of another kind, or its folder is damaged."""


def damaged(folder: Path, reason: str) -> ModelError:
    """The error for a model that can't be used, and why not."""
    return ModelError(f"The model {folder.name!r} is damaged ({reason}); train or copy it again.")


@dataclass(frozen=True)
class Card:
    """What a model is; every figure in it was measured when it was saved. Reading one needs no TensorFlow.

    Attributes:
        kind: "classifier", "cyclegan" or "painter".
        title: what a person calls it.
        recipe: all settings of its training.
        seed: of the training.
        source: of the pictures: "studio", "folder" or "kaggle".
        metrics: of a classifier, for "train", "validation" and "test" the figures of `Evaluation`, of the test for
            each artist, too; of a CycleGAN, for "monet" and "photo" those of `CycleEvaluation`; of a painter, for each
            judge those of `FastEvaluation`.
        seconds: how long it was trained, without the loading of pictures.
        network: of a classifier, the name that `networks.build` knows.
        class_names: of a classifier, the artists in the order of the labels, Unicode NFC.
        size: of a classifier, height and width of its pictures in pixels.
        temperature: of a classifier, what log-probabilities are divided by, fitted on validation.
        novelty: of a classifier, `threshold` and the shares of `validation` and `test` paintings beyond it.
        parameters: of a classifier, its weights, counted.
        epochs: of a classifier, how many it was trained.
        split: of a classifier, the digest of its split, see `splits.split_digest`.
        whole: the digest of the split of everything that its own is a part of, see `across.split_everything`; models of
            one such split were neither trained on nor chosen by what another one is tested on. Empty for a table of
            one's own, folds and retrainings.
        untrained: whether its core began without ImageNet weights, though it is a core that should have them.
        styles: of a painter, the names of those that it was trained on, in the order of its table.
        steps: of a CycleGAN or a painter, how many it was trained.
        pictures: of these, how many photographs and paintings were trained on and measured on.
        test: of these, the digest of those that it was measured on.
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
    styles: tuple[str, ...] = ()
    size: int = 0
    temperature: float = 1.0
    novelty: dict[str, float] = field(default_factory=dict)
    parameters: int = 0
    epochs: int = 0
    split: str = ""
    whole: str = ""
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
            ModelError: see `read`.
        """
        return cls.read(folder)[0]

    @classmethod
    def read(cls, folder: Path) -> tuple[Self, str]:
        """Read card.json once: the card, and the identity of its model, the SHA-256 of what was read.

        Raises:
            ModelError: it is missing, can't be read, or says what no card can say.
        """
        if is_unfinished(folder):
            raise ModelError(
                f"{folder.name!r} holds a training that is not finished, and no model yet; resume it (--resume), or "
                "name another model."
            )
        try:
            content = _read_file(folder / "card.json")
            values = json.loads(content.decode(), parse_constant=_no_number, parse_float=_finite)
            json.dumps(values, ensure_ascii=False).encode()  # what can be written and printed
            if not isinstance(values, dict):
                raise ValueError("it holds no JSON object")
            problem = _problem(values)
        except (OSError, ValueError, RecursionError) as error:
            reason = type(error).__name__ if isinstance(error, OSError | RecursionError) else str(error)
            raise ModelError(
                f"{folder.name!r} holds no readable card.json ({reason}), so it is no model of this "
                "artnb; name a folder that `artnb train` wrote, or train it again."
            ) from error
        if problem:
            raise ModelError(f"{folder.name!r} has a card.json that {problem}; train or copy the model again.")
        card = cls(**values | {name: tuple(values.get(name, ())) for name in ("class_names", "styles")})
        return card, hashlib.sha256(content).hexdigest()

    @property
    def label(self) -> str:
        """The title with the figure that counts, for lists."""
        if self.kind == "classifier":
            whose = "Built-in painters: " if self.source == "studio" else ""
            figure = f"{whose}{self.title}, {self.metrics['test']['accuracy']:.1%} on its test paintings"
            return f"{figure} by {len(self.class_names)} artists"
        if self.kind == "painter":
            return f"{self.title}: {', '.join(self.styles[:3])}{', …' if len(self.styles) > 3 else ''}"
        kid = self.metrics.get("monet")
        return f"{self.title}, KID {kid['generated']['value']:.3f}" if kid else self.title

    @property
    def start(self) -> dict[str, Any]:
        """What a training that begins with this model's weights keeps of it, as `started`."""
        names = ("title", "recipe", "split", "seed", "epochs", "steps", "seconds", "started")
        return {name: value for name in names if (value := getattr(self, name)) or name in _OF_A_START}

    @property
    def training_seconds(self) -> float:
        """Of this training, and of those whose weights it began with, one after the other."""
        started: Any = self.started
        total = self.seconds
        while isinstance(started, dict) and is_number(started.get("seconds")):
            total, started = total + started["seconds"], started.get("started")
        return total

    @property
    def trained_in(self) -> str:
        """The precision that it was trained in, as words to append; none for a card that does not say it."""
        return f" in {self.made['precision']}" if "precision" in self.made else ""

    @property
    def made_with(self) -> str:
        """When it was made, with what, and its licence, in words."""
        made = self.made
        return f"Made {made.get('date')} with artnb {made.get('artnb')} and Keras {made.get('keras')}. MIT licence;"

    def require(self, direction: str) -> None:
        """Nothing, if a CycleGAN is offered for a direction, "monet" or "photo".

        Raises:
            ModelError: that direction is withdrawn.
        """
        if direction in self.withdrawn:
            reason = self.withdrawn[direction].rstrip(".")
            raise ModelError(f"{reason}; use another model, or train your own: artnb train cyclegan.")


def is_file(path: Path) -> bool:
    """Whether there is such a file; no, too, if its folder can't be searched or the name can be none."""
    try:
        return path.is_file()
    except OSError:
        return False


def is_unfinished(folder: Path) -> bool:
    """Whether a folder holds a training, and no model yet."""
    return is_file(folder / "training.json") and not (folder / "card.json").exists()


def _read_file(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise ValueError("it is a folder or a device")  # a pipe would be waited for
    return path.read_bytes()


def _no_number(constant: str) -> float:
    raise ValueError(f"it holds {constant[:30]}, which is no number")


def _finite(digits: str) -> float:
    return float(digits) if math.isfinite(float(digits)) else _no_number(digits)


_OF_A_START = ("seed", "seconds", "started")  # what every start says, also where it is 0 or empty


def _is_start(value: Any) -> bool:
    if not value:
        return value == {}
    said = isinstance(value, dict) and isinstance(value.get("recipe"), dict) and isinstance(value.get("title"), str)
    numbers = said and all(is_number(value.get(name)) for name in ("seed", "seconds"))
    length = numbers and (_COUNT.good(value.get("epochs")) or _COUNT.good(value.get("steps")))
    return bool(length) and isinstance(value.get("split", ""), str) and _is_start(value.get("started"))


def _are_names(value: Any, least: int = 2) -> bool:
    return (
        isinstance(value, list)
        and all(isinstance(name, str) and name.strip() for name in value)
        and len(set(value)) == len(value) >= least
    )


def _is_digest(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


_TEXT = Allowed(lambda value: isinstance(value, str) and value.isprintable(), "a line of text, or empty")
_LINE = Allowed(lambda value: _TEXT.good(value) and bool(value), "a line of text")
_DIGEST = Allowed(_is_digest, "a SHA-256, 64 hexadecimal digits")
_EMPTY = Allowed(lambda value: value == [], "an empty list")
_OBJECT = Allowed(lambda value: isinstance(value, dict), "a JSON object")
_COUNT, _ONE_OR_MORE = whole(0, 2**53), whole(1, 2**53)
_NUMBER, _POSITIVE = number(lambda x: True, "that is finite"), number(lambda x: x > 0, "above 0")
_SHARE = number(lambda x: 0 <= x <= 1, "from 0 to 1")
_INTERVAL = Allowed(
    lambda value: isinstance(value, list) and len(value) == 2 and all(map(is_number, value)), "a list of two numbers"
)

# What the fields of a card can be: a value, or an object with at least these names; "*" stands for every name in it.
_FIELDS: dict[str, Any] = {
    "kind": _TEXT,
    "title": _LINE,
    "recipe": _OBJECT,
    "seed": whole(0, 2**63),
    "source": _TEXT,
    "metrics": {"*": _OBJECT},
    "seconds": number(lambda x: 0 <= x < 1e12, "from 0 on"),
    "network": _TEXT,
    "class_names": _EMPTY,
    "styles": _EMPTY,
    "size": _COUNT,
    "temperature": _POSITIVE,
    "novelty": {"*": _NUMBER},
    "parameters": _COUNT,
    "epochs": _COUNT,
    "split": _TEXT,
    "whole": _TEXT,
    "untrained": TRUE_OR_FALSE,
    "steps": _COUNT,
    "pictures": {"*": _COUNT},
    "test": _TEXT,
    "started": Allowed(_is_start, "empty, or what the training began with"),
    "withdrawn": {"*": _LINE},
    "made": {"*": _TEXT},
    "files": {"*": _DIGEST},
}

_EVALUATION = {
    "n": _ONE_OR_MORE,
    "accuracy": _SHARE,
    "top3": _SHARE,
    "macro_f1": _SHARE,
    "ece": _SHARE,
    "interval": _INTERVAL,
}
_PER_CLASS = {"*": {"n": _COUNT, "precision": _SHARE, "recall": _SHARE}}
_KID = {"value": _NUMBER, "interval": _INTERVAL}
_PAINTED = dict.fromkeys(("style_distance", "content_distance", "structure", "colour_distance"), _NUMBER)


@dataclass(frozen=True)
class Kind:
    """A kind of model.

    Attributes:
        loader: "module:class"; the class has `read(folder, card, identity)`. It is imported when a model of the kind
            is loaded.
        registered: the name that its versions have in the registry.
        command: what trains one.
        files: what a model of the kind can't be without.
        fields: which fields its card must have, and what they can be.
        newer: files that models of an older artnb lack; without them one can do less.
    """

    loader: str
    registered: str
    command: str
    files: tuple[str, ...]
    fields: dict[str, Any]
    newer: tuple[str, ...] = ()


KINDS: dict[str, Kind] = {
    "classifier": Kind(
        "artnb.classification.model:Classifier",
        "art-classifier",
        "artnb train MODEL",
        ("model.weights.h5", "novelty.npz", "reference.npz", "split.csv", "test.csv", "history.csv"),
        {
            "recipe": {"options": _OBJECT},
            "metrics": {
                "train": _EVALUATION,
                "validation": _EVALUATION,
                "test": _EVALUATION | {"per_class": _PER_CLASS},
            },
            "network": _LINE,
            "class_names": Allowed(_are_names, "a list of two or more names, all different"),
            "size": whole(16, 2048),
            "split": _DIGEST,
            "novelty": {"threshold": _POSITIVE, "validation": _SHARE, "test": _SHARE},
        },
        newer=("embeddings.npy",),
    ),
    "cyclegan": Kind(
        "artnb.cyclegan.model:CycleModel",
        "monet-generator",
        "artnb train cyclegan",
        (
            "to_monet.weights.h5",
            "to_photo.weights.h5",
            "monet_discriminator.weights.h5",
            "photo_discriminator.weights.h5",
            "history.csv",
        ),
        {
            "metrics": {
                "*": {"generated": _KID, "inputs": _KID, "real": _KID, "structure": _NUMBER, "cycle_error": _NUMBER}
            },
        },
    ),
    "painter": Kind(
        "artnb.style.fast.model:PainterModel",
        "fast-painter",
        "artnb train painter",
        ("painter.weights.h5", "styles.npz", "history.csv"),
        {
            "metrics": {"*": dict.fromkeys(("painted", "recoloured", "untouched"), _PAINTED)},
            "styles": Allowed(lambda value: _are_names(value, 1), "a list of one or more names, all different"),
        },
    ),
}


def _problem(values: dict[str, Any]) -> str:
    """What is wrong with what card.json says, as words after "that"; empty for a card that can be used."""
    if "kind" not in values:
        return "says nothing of 'kind'"
    if not (isinstance(values["kind"], str) and values["kind"] in KINDS):
        return f"is of the kind {reprlib.repr(values['kind'])}; there are {' and '.join(KINDS)}"
    kind = KINDS[values["kind"]]
    if unknown := [name for name in values if name not in _FIELDS]:
        return f"has the field {reprlib.repr(unknown[0])}, unknown to this artnb: it is perhaps of another version"
    required = {each.name for each in fields(Card) if each.default is MISSING and each.default_factory is MISSING}
    allowed = _FIELDS | kind.fields
    if problem := _wrong(
        values, {name: allowed[name] for name in allowed if name in required.union(values, kind.fields)}
    ):
        return problem
    files, recipe = values.get("files", {}), values["recipe"]
    for name in kind.files:
        if name not in files:
            return f"does not name its file {name!r}"
    for name in files:
        if not re.fullmatch(r"\w[\w. -]*", name):
            return f"names the file {reprlib.repr(name)}, which does not lie beside it"
    for name in ("network", "size"):
        if values.get(name) and values[name] != recipe.get(name):
            return f"says {values[name]!r} for {name}, and {reprlib.repr(recipe.get(name))} in its recipe"
    return ""


def _wrong(value: Any, allowed: Any, place: str = "") -> str:
    """What is not allowed in a value or in an object of them, as words after "that"."""
    if isinstance(allowed, Allowed):
        return "" if allowed.good(value) else f"says {reprlib.repr(value)} for {place}, which can be {allowed.words}"
    if not isinstance(value, dict):
        return _wrong(value, _OBJECT, place)
    where = f" in {place}" if place else ""
    for name, each in allowed.items():
        if name != "*" and name not in value:
            return f"says nothing of {name!r}{where}"
        for known in value if name == "*" else (name,):
            if problem := _wrong(value[known], each, f"{reprlib.repr(known)}{where}" if place else known):
                return problem
    return ""
