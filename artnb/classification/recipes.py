"""How each network is trained, as data: sizes, phases and rates, in the full and in the quick profile."""

import inspect
import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, get_args

from artnb.backbones import TITLES
from artnb.classification.networks import NETWORKS, STATISTICS_LAYERS, least_size
from artnb.errors import (
    TRUE_OR_FALSE,
    Allowed,
    check_name,
    check_setting,
    check_settings,
    check_value,
    number,
    one_of,
    optional,
    read_settings,
    whole,
)
from artnb.paintings.pipeline import ORIGINAL, PAINTINGS, Augmentation
from artnb.settings import Profile, known_profile

Schedule = Literal["constant", "cosine", "plateau"]
_EPOCHS, _PIXELS = whole(1, 100_000), whole(16, 2048, "pixels")


@dataclass(frozen=True)
class Phase:
    """A part of a training, with one optimiser.

    Attributes:
        name: what it is called in tables and figures.
        epochs: at most.
        learning_rate: the first, or with "cosine" the highest.
        schedule: "constant"; "cosine", a short rise and a fall to 0 (Loshchilov and Hutter, 2017); "plateau", a fifth
            whenever the validation loss has not fallen for two epochs.
        train: "all" of the network; the "head" alone; or the head and a part of the core: so many layers at its end,
            or those after the layer of a name.
        frozen_statistics: batch norm as it was, mean, variance, scale and shift: small batches of another domain
            would spoil them.
        cached: run the core once over the pictures as they are and mirrored, and train on what it found.
        weight_decay: of kernels, decoupled (AdamW, Loshchilov and Hutter, 2019); 0 is Adam.
        label_smoothing: share of the certainty taken from the right class (Szegedy et al., 2016, section 7).
        patience: end when the validation loss has not fallen for so many epochs, and go back to the best one.
    """

    name: str
    epochs: int
    learning_rate: float
    schedule: Schedule = "constant"
    train: str | int = "all"
    frozen_statistics: bool = False
    cached: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    patience: int | None = None

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        place = f" in the phase {self.name!r}" if isinstance(self.name, str) else ""
        check_settings(self, _PHASE, place)
        good = not self.cached or self.train == "head"
        check_setting(good, f"cached{place}", self.cached, "True only where 'head' alone is trained")


_PHASE = {
    "name": Allowed(lambda value: isinstance(value, str) and value != "", "a name"),
    "epochs": _EPOCHS,
    "learning_rate": number(lambda rate: rate > 0, "above 0"),
    "schedule": one_of(*get_args(Schedule)),
    "train": Allowed(
        lambda value: (isinstance(value, str) and value != "") or whole(1, 100_000).good(value),
        "'all', 'head', a number of layers from 1 on, or the name of a layer",
    ),
    "frozen_statistics": TRUE_OR_FALSE,
    "cached": TRUE_OR_FALSE,
    "weight_decay": number(lambda decay: decay >= 0, "from 0 on"),
    "label_smoothing": number(lambda share: 0 <= share < 1, "from 0 to less than 1"),
    "patience": optional(_EPOCHS),
}


@dataclass(frozen=True)
class ClassifierRecipe:
    """A network and how it is trained.

    Attributes:
        network: a key of `networks.NETWORKS`.
        size: height and width in pixels of all pictures, those that it learns from and those that it is asked about:
            they are decoded in one way.
        phases: one after the other.
        crop_size: the pixels of the parts that augmentation cuts out in training, `size` by default. A cut-out shows
            things larger than the whole picture does, so a network that was trained on smaller ones sees them at the
            same scale (Touvron et al., "Fixing the train-test resolution discrepancy", NeurIPS 2019), and trains
            faster.
        batch_size: pictures per step.
        augmentation: random changes of training pictures.
        balance: how far rare artists count more: 0 not at all, 1 until all artists count the same in sum.
        options: what the network's builder takes beside classes and size, such as `width`.
    """

    network: str
    size: int
    phases: tuple[Phase, ...]
    crop_size: int | None = None
    batch_size: int = 32
    augmentation: Augmentation | None = PAINTINGS
    balance: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Say at once what can't be used."""
        check_settings(self, _RECIPE)
        least = least_size(self.network)
        for name, pixels in (("size", self.size), ("crop_size", self.crop_size or self.size)):
            check_setting(pixels >= least, name, pixels, f"{least} pixels or more for {self.network!r}")
        if self.network.endswith("-original"):
            words = f"None for {self.network!r}, whose dense layer takes pictures of one size"
            check_setting(self.crop_size is None, "crop_size", self.crop_size, words)
        crop = self.crop_size or self.size
        check_setting(crop <= self.size, "crop_size", crop, f"None, or from {least} to size, {self.size} pixels")
        takes = [name for name in inspect.signature(NETWORKS[self.network]).parameters if name in _OPTIONS]
        words = f"a dictionary of {', '.join(takes) or 'nothing'} for {self.network!r}"
        check_setting(set(self.options) <= set(takes), "options", self.options, words)
        for name, value in self.options.items():
            check_value(value, _OPTIONS[name], f"The recipe's option {name}")

    def shortened(self, epochs: int) -> "ClassifierRecipe":
        """The same with at most so many epochs in each phase but a cached one, which takes seconds anyway.

        Raises:
            RecipeError: it is no number of epochs.
        """
        check_value(epochs, _EPOCHS, "The number of epochs")
        phases = (phase if phase.cached else replace(phase, epochs=min(epochs, phase.epochs)) for phase in self.phases)
        return replace(self, phases=tuple(phases))

    def continued(self, epochs: int | None = None) -> "ClassifierRecipe":
        """How to train further what this recipe has trained: its last phase again, at a fifth of the rate.

        Args:
            epochs: how many; by default a third of the phase's.

        Raises:
            RecipeError: it is no number of epochs.
        """
        last = self.phases[-1]
        epochs = max(1, last.epochs // 3) if epochs is None else epochs
        last = replace(last, epochs=epochs, learning_rate=last.learning_rate / 5)
        return replace(self, phases=(last,))

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON gives it back: lists in place of tuples."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, values: Any) -> "ClassifierRecipe":
        """The recipe that `to_dict` wrote down, such as a card's.

        Raises:
            RecipeError: a setting is missing, unknown or can't be used.
        """
        if isinstance(values, dict):
            values = dict(values)
            values.pop("train_size", None)  # on older cards: the size that training pictures were decoded at
            if isinstance(phases := values.get("phases"), list):
                values["phases"] = [read_settings(Phase, phase) for phase in phases]
            if (augmentation := values.get("augmentation")) is not None:
                values["augmentation"] = read_settings(Augmentation, augmentation)
        return read_settings(cls, values)


_RECIPE = {
    "network": one_of(*NETWORKS),
    "size": _PIXELS,
    "phases": Allowed(
        lambda phases: (
            isinstance(phases, tuple | list)
            and all(isinstance(phase, Phase) for phase in phases)
            and 0 < len(phases) == len({phase.name for phase in phases})
        ),
        "one phase or more, each with a name of its own",
    ),
    "crop_size": optional(_PIXELS),
    "batch_size": whole(1, 4096),
    "augmentation": Allowed(lambda value: value is None or isinstance(value, Augmentation), "None or an Augmentation"),
    "balance": number(lambda share: 0 <= share <= 1, "from 0 to 1"),
    "options": Allowed(lambda value: isinstance(value, dict), "a dictionary"),
}

# What the builders in `networks.py` take beside classes and size, and a recipe may set.
_OPTIONS = {
    "dense_units": whole(1, 65_536),
    "dropout": number(lambda share: 0 <= share < 1, "from 0 to less than 1"),
    "width": whole(2, 4096),
    "stages": whole(1, 4),
    "depths": Allowed(
        lambda value: isinstance(value, tuple | list) and len(value) == 4 and all(map(whole(1, 100).good, value)),
        "four whole numbers from 1 to 100",
    ),
}

_ORIGINAL_CNN = ClassifierRecipe(
    network="cnn-original",
    size=224,
    augmentation=ORIGINAL,
    phases=(Phase("training", 50, 1e-3, patience=3),),
)

_CNN = ClassifierRecipe(
    network="cnn",
    size=160,
    crop_size=128,
    balance=0.5,
    phases=(Phase("training", 30, 2e-3, "cosine", weight_decay=0.05, label_smoothing=0.1),),
)


def _original_transfer(backbone: str) -> ClassifierRecipe:
    """The student project's two phases: everything at once, then the core frozen but for its last 50 layers."""
    return ClassifierRecipe(
        network=f"{backbone}-original",
        size=224,
        augmentation=ORIGINAL,
        phases=(
            Phase("whole model", 10, 1e-4, "plateau", patience=5),
            Phase("top 50 layers", 50, 1e-4, "plateau", train=50, patience=5),
        ),
    )


def _transfer(backbone: str) -> ClassifierRecipe:
    """The head first, on features that are computed once; then nearly everything at a low rate.

    Below the first layer whose statistics count are edges and colours, which paintings share with photographs, and
    which cost most of a training's time: they stay.
    """
    return ClassifierRecipe(
        network=backbone,
        size=288,
        crop_size=224,
        phases=(
            Phase("head", 60, 1e-3, "cosine", "head", cached=True, weight_decay=0.05, label_smoothing=0.1),
            Phase(
                "fine-tuning",
                14,
                5e-4,
                "cosine",
                STATISTICS_LAYERS[backbone][0],
                frozen_statistics=True,
                weight_decay=0.05,
                label_smoothing=0.1,
            ),
        ),
    )


# The quick profile's, of one scale: where training is short, changes of scale cost more than they teach. A network that
# learns from nothing sees cut-outs; what ImageNet's found in whole pictures is not what it finds in cut-outs.
_CUT_OUTS = Augmentation(flip=True, crop=(0.75, 0.75), light=0.1)
_WHOLE = Augmentation(flip=True)


def _quick(full: ClassifierRecipe) -> ClassifierRecipe:
    """The same for two cores: smaller pictures and fewer epochs; fewest for backbones that take minutes for one."""
    name = full.network
    if name == "cnn":
        return replace(full, size=128, crop_size=96, augmentation=_CUT_OUTS).shortened(12)
    if name == "cnn-original":
        return replace(full, size=96).shortened(30)
    light, whole_first = name.startswith("efficientnet"), name.endswith("-original")
    size = (96 if whole_first else 112) if light else 80
    recipe = replace(full, size=size, crop_size=None)
    if whole_first:
        return recipe.shortened(4 if light else 1)
    head, tuning = recipe.phases
    phases = (replace(head, epochs=30), replace(tuning, learning_rate=3e-4))
    return replace(recipe, augmentation=_WHOLE, phases=phases).shortened(8 if light else 2)


def classifier_recipe(name: str, profile: Profile | None = None) -> ClassifierRecipe:
    """The recipe of a network; the quick profile's is the same with smaller pictures and fewer epochs.

    Raises:
        RecipeError: there is no such network, or no such profile.
    """
    profile = known_profile(profile)
    check_name(name, NETWORKS, "network")
    if name == "cnn":
        full = _CNN
    elif name == "cnn-original":
        full = _ORIGINAL_CNN
    elif name in TITLES:
        full = _transfer(name)
    else:
        full = _original_transfer(name.removesuffix("-original"))
    return full if profile == "full" else _quick(full)
