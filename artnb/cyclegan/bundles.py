"""A trained CycleGAN on disk: a folder with the four networks' weights and a card that says what they are."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artnb import models
from artnb.backbones import BackboneError
from artnb.cyclegan.card import CycleCard
from artnb.cyclegan.networks import NetworkError
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.training import CycleGAN, CycleTraining
from artnb.cyclegan.translating import Translator
from artnb.files import replacing
from artnb.images import fit
from artnb.models import ModelError
from artnb.settings import Settings, settings

_OF_A_START = ("title", "recipe", "seed", "steps", "seconds", "started")
NETWORKS = ("to_monet", "to_photo", "monet_discriminator", "photo_discriminator")
JUDGED = 256  # pixels of the square that a discriminator is shown
DIRECTIONS = {"monet": "to_monet", "photo": "to_photo"}


@dataclass(frozen=True)
class CycleBundle:
    """A CycleGAN in memory."""

    folder: Path
    card: CycleCard
    networks: CycleGAN

    def translator(self, to: str) -> Translator:
        """What turns pictures into Monets ("monet") or photographs ("photo").

        Raises:
            ModelError: the card says that this direction is withdrawn.
        """
        self.card.require(to)
        return Translator(getattr(self.networks, DIRECTIONS[to]), CycleRecipe(**self.card.recipe).multiple)

    def realness(self, image: np.ndarray, to: str) -> np.ndarray:
        """What the discriminator of "monet" or "photo" says of a picture, place by place.

        Args:
            image: uint8 (height, width, 3), fitted into a square of JUDGED pixels first.
            to: which of the two.

        Returns:
            float32 (rows, columns): about 1 for real ones, 0 for generated.
        """
        judge = getattr(self.networks, f"{to}_discriminator")
        return np.asarray(judge(fit(image, JUDGED)[None].astype(np.float32), training=False))[0].mean(axis=-1)


def load(model: str | Path, settings: Settings = settings) -> CycleBundle:
    """Build a model's networks and fill them.

    Raises:
        ModelError: there is no such model, a file of it is missing, cut short or another network's, or the ImageNet
            weights that its discriminators look through are.
    """
    folder = models.find(model, "cyclegan", settings)
    card = CycleCard.load(folder)
    try:
        networks = CycleGAN.build(CycleRecipe(**card.recipe))
        for name in NETWORKS:
            getattr(networks, name).load_weights(folder / f"{name}.weights.h5")
    except (BackboneError, NetworkError) as error:
        raise ModelError(f"The model {folder.name!r} can't be built: {error}") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise ModelError(
            f"The model {folder.name!r} is damaged ({type(error).__name__} while its weights were read); "
            "train or copy it again."
        ) from error
    return CycleBundle(folder, card, networks)


def save(
    training: CycleTraining,
    folder: str | Path,
    source: str,
    pictures: dict[str, int],
    metrics: dict[str, dict[str, Any]],
    started: CycleCard | None = None,
) -> CycleBundle:
    """Save a training as a bundle; the card is written last, so a folder without one is not a model yet.

    Args:
        training: what `train` returned.
        folder: where to; what else lies in it stays.
        source: of the pictures.
        pictures: how many of which.
        metrics: what `evaluate` found, for each direction.
        started: the card of the model whose weights it began with.
    """
    folder, history, recipe = Path(folder), training.history, training.recipe
    card = CycleCard(
        title=f"CycleGAN, {recipe.size} pixels",
        recipe=recipe.to_dict(),
        seed=training.seed,
        steps=int(history["step"].iloc[-1]) if len(history) else 0,
        seconds=round(float(history["seconds"].sum()), 1),
        pictures=pictures,
        metrics=metrics,
        source=source,
        started={} if started is None else {name: getattr(started, name) for name in _OF_A_START},
        made=models.made() | {"precision": training.precision},
    )
    for name in NETWORKS:
        with replacing(folder / f"{name}.weights.h5") as part:
            getattr(training.networks, name).save_weights(part)
    with replacing(folder / "history.csv") as part:
        history.to_csv(part, index=False)
    models.write_card(folder, asdict(card), describe(card))
    return CycleBundle(folder, card, training.networks)


def as_starter(bundle: str | Path, name: str, settings: Settings = settings) -> Path:
    """Copy a bundle into the package with its weights at half precision, and measure nothing anew."""
    folder = models.find(bundle, "cyclegan", settings)
    weights = (f"{network}.weights.h5" for network in NETWORKS)
    return models.as_starter(folder, name, ("card.json", *weights, "history.csv", "README.md"))


def describe(card: CycleCard) -> str:
    """The card as a page for a person, in Markdown."""
    counts, made = card.pictures, card.made
    hours = f"{card.seconds / 3600:.1f} hours{models.trained_in(made)}"
    lines = [
        f"# {card.title}: photograph to Monet and back\n",
        "Two generators and two discriminators, learned from photographs and paintings that belong to no pairs.",
        "Input and output: a picture of any size.\n",
        f"**Trained** on {counts.get('train_photos', 0):,} photographs and {counts.get('train_monets', 0):,} paintings",
        f"(source: {card.source}), {card.steps:,} steps in {hours}, seed {card.seed}:",
        f"`artnb train cyclegan --seed {card.seed}`, all settings in card.json.",
        *_before(card.started),
        "",
        f"**Measured** on {counts.get('test_photos', 0):,} photographs and {counts.get('test_monets', 0):,} paintings",
        "that were never used in training or choosing. KID is between generated and real pictures; beside it is that",
        "of the pictures as they were, and that of two halves of the real ones.\n",
        "| direction | generated | untouched | real | SSIM | there and back |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| to {to} | {found['generated']['value']:.4f} | {found['untouched']['value']:.4f} | "
        f"{found['floor']['value']:.4f} | {found['structure']:.2f} | {found['cycle_error']:.1f} grey levels |"
        for to, found in card.metrics.items()
    ]
    lines += [
        *(f"\n**Withdrawn: to {to}.** {reason}" for to, reason in card.withdrawn.items()),
        *(_SAME_NETWORK if card.recipe.get("discriminator") == "projected" else ()),
        "\n**What it is bad at.** It changes colour, light and texture, and no shapes. It has seen landscapes: people,",
        "interiors and night get the same dabs. Plain skies become mottled. A generator whose KID is hardly below that",
        "of the untouched pictures has learned little.\n",
        f"Made {made.get('date')} with artnb {made.get('artnb')} and Keras {made.get('keras')}. MIT licence;",
        "the pictures are not part of it.\n",
    ]
    return "\n".join(lines)


_SAME_NETWORK = (
    "\nThe discriminators looked through the first blocks of EfficientNet-Lite0, and KID is measured by its last one:",
    "`benchmarks/monet_judges.py` asks a network that had no part in it, too.",
)


def _before(started: dict[str, Any]) -> list[str]:
    """What had been learned already, a line for each training."""
    if not started:
        return []
    line = (
        f"It began with the weights of a training of {started['steps']:,} steps, {started['seconds'] / 3600:.1f} hours,"
        f" seed {started['seed']}."
    )
    return [line, *_before(started["started"])]
