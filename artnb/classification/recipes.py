"""How each network is trained, as data: sizes, phases and rates, in the full and in the quick profile."""

import json
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from artnb.backbones import TITLES
from artnb.classification.networks import NETWORKS, STATISTICS_LAYERS, NetworkError
from artnb.paintings.pipeline import ORIGINAL, PAINTINGS, Augmentation
from artnb.settings import Profile, settings


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
    schedule: Literal["constant", "cosine", "plateau"] = "constant"
    train: str | int = "all"
    frozen_statistics: bool = False
    cached: bool = False
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    patience: int | None = None


@dataclass(frozen=True)
class Recipe:
    """A network and how it is trained.

    Attributes:
        network: a key of `networks.NETWORKS`.
        size: height and width in pixels of the pictures that it is measured on and predicts.
        phases: one after the other.
        train_size: the pixels that training pictures are decoded at, before a random part of them is cut out.
        crop_size: the pixels of that part, `size` by default. A cut-out shows things larger than the whole picture
            does, so a network that was trained on smaller ones sees them at the same scale (Touvron et al., "Fixing
            the train-test resolution discrepancy", NeurIPS 2019), and trains faster.
        batch_size: pictures per step.
        augmentation: random changes of training pictures.
        balance: how far rare artists count more: 0 not at all, 1 until all artists count the same in sum.
        options: what the network's builder takes beside classes and size, such as `width`.
    """

    network: str
    size: int
    phases: tuple[Phase, ...]
    train_size: int
    crop_size: int | None = None
    batch_size: int = 32
    augmentation: Augmentation | None = PAINTINGS
    balance: float = 0.0
    options: dict[str, Any] = field(default_factory=dict)

    def shortened(self, epochs: int) -> "Recipe":
        """The same with at most so many epochs in each phase but a cached one, which takes seconds anyway."""
        phases = (phase if phase.cached else replace(phase, epochs=min(epochs, phase.epochs)) for phase in self.phases)
        return replace(self, phases=tuple(phases))

    def continued(self, epochs: int | None = None) -> "Recipe":
        """How to go on with what this recipe has trained: its last phase again, at a fifth of the rate.

        Args:
            epochs: how many; by default a third of the phase's.
        """
        last = self.phases[-1]
        last = replace(last, epochs=epochs or max(1, last.epochs // 3), learning_rate=last.learning_rate / 5)
        return replace(self, phases=(last,))

    def to_dict(self) -> dict[str, Any]:
        """All of it, as JSON gives it back: lists in place of tuples."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """The recipe that `to_dict` wrote down, such as a card's."""
        changes = values["augmentation"]
        if changes is not None:
            changes = Augmentation(**(changes | {"crop": tuple(changes["crop"])}))
        options = {name: tuple(v) if isinstance(v, list) else v for name, v in values["options"].items()}
        phases = tuple(Phase(**phase) for phase in values["phases"])
        return cls(**(values | {"phases": phases, "augmentation": changes, "options": options}))


_ORIGINAL_CNN = Recipe(
    network="cnn-original",
    size=224,
    train_size=224,
    augmentation=ORIGINAL,
    phases=(Phase("training", 50, 1e-3, patience=3),),
)

_CNN = Recipe(
    network="cnn",
    size=160,
    train_size=160,
    crop_size=128,
    balance=0.5,
    phases=(Phase("training", 30, 2e-3, "cosine", weight_decay=0.05, label_smoothing=0.1),),
)


def _original_transfer(backbone: str) -> Recipe:
    """The student project's two phases: everything at once, then the core frozen but for its last 50 layers."""
    return Recipe(
        network=f"{backbone}-original",
        size=224,
        train_size=224,
        augmentation=ORIGINAL,
        phases=(
            Phase("whole model", 10, 1e-4, "plateau", patience=5),
            Phase("top 50 layers", 50, 1e-4, "plateau", train=50, patience=5),
        ),
    )


def _transfer(backbone: str) -> Recipe:
    """The head first, on features that are computed once; then nearly everything at a low rate.

    Below the first layer whose statistics count are edges and colours, which paintings share with photographs, and
    which cost most of a training's time: they stay.
    """
    return Recipe(
        network=backbone,
        size=288,
        train_size=256,
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


def recipe(name: str, profile: Profile = settings.profile) -> Recipe:
    """The recipe of a network; the quick profile's is the same with smaller pictures and few epochs.

    Raises:
        NetworkError: there is no such network.
    """
    if name not in NETWORKS:
        raise NetworkError(f"There is no network {name!r}; there are {', '.join(NETWORKS)}.")
    if name == "cnn":
        full = _CNN
    elif name == "cnn-original":
        full = _ORIGINAL_CNN
    elif name in TITLES:
        full = _transfer(name)
    else:
        full = _original_transfer(name.removesuffix("-original"))
    if profile == "full":
        return full
    if name.startswith("cnn"):
        size, epochs = 64, 12
    else:
        size, epochs = 80, 2 if name in TITLES else 1  # of the original's there are two phases
    return replace(full, size=size, train_size=size, crop_size=None).shortened(epochs)
