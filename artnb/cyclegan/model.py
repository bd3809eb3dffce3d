"""A trained CycleGAN: called on a picture it paints it over, and its folder holds the four networks' weights."""

import sys
from functools import cached_property, partial
from pathlib import Path
from typing import Any, overload

import numpy as np
import pandas as pd

from artnb import models
from artnb.backbones import BackboneError
from artnb.cards import Card, ModelError, damaged
from artnb.common.files import write_weights
from artnb.common.resuming import in_use
from artnb.common.seeding import seed_or_default
from artnb.cyclegan.evaluation import evaluate_generator
from artnb.cyclegan.networks import CycleGAN
from artnb.cyclegan.page import cyclegan_page
from artnb.cyclegan.pictures import Unpaired, load_unpaired
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.training import CycleTraining, CycleWatch, measured_size, read_size, train_generators
from artnb.cyclegan.translating import Translate, translator
from artnb.errors import NetworkError, RecipeError, TrainingError
from artnb.images import ImageLike, as_list, fit, load_image
from artnb.paintings.sources import PhotosAndMonets

_NETWORKS = ("to_monet", "to_photo", "monet_discriminator", "photo_discriminator")
DIRECTIONS = {"monet": "to_monet", "photo": "to_photo"}
JUDGED = 256  # pixels of the square that a discriminator is shown


class CycleModel:
    """A CycleGAN with all that is known of it; from `load_model` or `train_cyclegan`.

    >>> load_model("starter-monet")("photo.jpg")  # doctest: +SKIP
    array([[[ 93, 118, 141], ...

    Attributes:
        card: what it is.
        networks: all four, with their weights.
        folder: where it is saved.
        identity: the SHA-256 of its card.json, as it was read or written; empty for a model that is not saved as it is.
    """

    def __init__(self, card: Card, networks: CycleGAN, folder: Path, identity: str = ""):
        self.card, self.networks, self.folder, self.identity = card, networks, folder, identity
        self._translators: dict[str, Translate] = {}

    @overload
    def __call__(self, pictures: list | tuple, to: str = "monet") -> list[np.ndarray]: ...

    @overload
    def __call__(self, pictures: ImageLike, to: str = "monet") -> np.ndarray: ...

    def __call__(self, pictures: Any, to: str = "monet") -> np.ndarray | list[np.ndarray]:
        """Turn a picture, or each of a list, into a Monet ("monet") or a photograph ("photo").

        Args:
            pictures: whatever `load_image` takes, of any size, or a list of these, or an array (n, height, width, 3).
            to: the direction.

        Returns:
            uint8 (height, width, 3), of the picture's size; of a list, a list.

        Raises:
            ModelError: the card says that this direction is withdrawn.
            ImageError: a picture is missing, broken, too large or no picture.
        """
        translate = self.translator(to)
        pictures, several = as_list(pictures)
        painted = [translate(picture) for picture in pictures]
        return painted if several else painted[0]

    def translator(self, to: str) -> Translate:
        """What turns pictures into Monets ("monet") or photographs ("photo"), one at a time.

        Raises:
            ModelError: there is no such direction, or the card says that it is withdrawn.
        """
        _check_direction(to)
        self.card.require(to)
        if to not in self._translators:
            network, recipe = getattr(self.networks, DIRECTIONS[to]), CycleRecipe(**self.card.recipe)
            self._translators[to] = translator(network, recipe)
        return self._translators[to]

    def realness(self, picture: ImageLike, to: str) -> np.ndarray:
        """What the discriminator of "monet" or "photo" says of a picture, place by place.

        Args:
            picture: whatever `load_image` takes; fitted into a square of JUDGED pixels first.
            to: which of the two.

        Returns:
            float32 (rows, columns): about 1 for real ones, 0 for generated.

        Raises:
            ModelError: there is no such direction.
            ImageError: it is missing, broken, too large or no picture.
        """
        _check_direction(to)
        judge = getattr(self.networks, f"{to}_discriminator")
        image = fit(load_image(picture), JUDGED)[None].astype(np.float32)
        return np.asarray(judge(image, training=False))[0].mean(axis=-1)

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row for every few steps, see `CycleTraining`."""
        file = models.check_file(self.folder, self.card, "history.csv")
        try:
            return pd.read_csv(file)
        except (OSError, ValueError) as error:
            raise damaged(self.folder, f"history.csv: {type(error).__name__}") from error

    @classmethod
    def read(cls, folder: Path, card: Card, identity: str) -> "CycleModel":
        """Build a saved model's networks and fill them; use `artnb.load_model`, which checks the files first.

        Raises:
            ModelError: a file is another network's, or can't be read, or the ImageNet weights are missing that its
                discriminators look through.
        """
        try:
            networks = CycleGAN.build(CycleRecipe(**card.recipe))
            for name in _NETWORKS:
                getattr(networks, name).load_weights(folder / f"{name}.weights.h5")
        except (BackboneError, NetworkError, RecipeError) as error:
            raise ModelError(f"The model {folder.name!r} can't be built: {error}") from error
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise damaged(folder, f"{type(error).__name__} while its weights were read") from error
        return cls(card, networks, folder, identity)


def _check_direction(to: str) -> None:
    if to not in tuple(DIRECTIONS):
        raise ModelError(f"There is no direction {to!r}; choose {' or '.join(DIRECTIONS)}.")


def save_cyclegan(
    training: CycleTraining,
    folder: str | Path,
    source: str,
    pictures: dict[str, int],
    metrics: dict[str, dict[str, Any]],
    test: str = "",
    start: Card | None = None,
    whole: str = "",
) -> CycleModel:
    """Save a finished training.

    Args:
        training: what `train_generators` returned.
        folder: where to; what else lies in it stays.
        source: of the pictures.
        pictures: how many of which.
        metrics: what `evaluate_generator` found, for each direction.
        test: the digest of the pictures that it was measured on.
        start: the card of the model whose weights it began with.
        whole: the digest of the split that all pictures are a part of.
    """
    folder, history, recipe, networks = Path(folder), training.history, training.recipe, training.networks
    writers: dict[str, Any] = {
        f"{name}.weights.h5": partial(write_weights, getattr(networks, name)) for name in _NETWORKS
    }
    card, identity = models.save_model(
        folder,
        {
            "kind": "cyclegan",
            "title": f"CycleGAN, {recipe.size} pixels",
            "recipe": recipe.to_dict(),
            "seed": training.seed,
            "source": source,
            "metrics": metrics,
            "seconds": round(float(history["seconds"].sum()), 1),
            "steps": int(history["step"].iloc[-1]) if len(history) else 0,
            "pictures": pictures,
            "test": test,
            "whole": whole,
            "started": {} if start is None else start.start,
            "made": {"precision": training.precision},
        },
        writers | {"history.csv": lambda file: history.to_csv(file, index=False)},
        cyclegan_page,
    )
    return CycleModel(card, networks, folder, identity)


def train_cyclegan(
    pictures: PhotosAndMonets,
    recipe: CycleRecipe,
    folder: str | Path,
    seed: int | None = None,
    start: str | Path | None = None,
    resume: bool = False,
    watch: CycleWatch | None = None,
) -> CycleModel:
    """Decode, train, measure and save: what `artnb train cyclegan` does.

    Args:
        pictures: photographs and paintings.
        recipe: how.
        folder: of the model, also of its checkpoint.
        seed: by default `ARTNB_SEED`.
        start: a model whose weights the training begins with.
        resume: whether to resume a training in the folder.
        watch: see `training.train_generators`.

    Raises:
        TrainingError: see `training.train_generators`; or `start` was measured on pictures that this training
            would train on.
        ModelError: there is no model `start`.
        KeyboardInterrupt: it was stopped.
    """
    seed = seed_or_default(seed)
    start_model: CycleModel | None = None if start is None else models.load_model(start, "cyclegan")
    with in_use(Path(folder), TrainingError):
        data = load_unpaired(pictures, read_size(recipe), seed)
        if start_model is not None and start_model.card.test != data.test:
            raise TrainingError(
                "The model to start from kept other pictures back than this training would, so it could not be "
                f"measured on unseen ones; train on its own pictures with --seed {start_model.card.seed}."
            )
        if data.skipped:
            print(
                f"Files that can't be read and were left out: {len(data.skipped)}, such as: {data.skipped[0]}",
                file=sys.stderr,
            )
        networks = start_model.networks if start_model else None
        done = train_generators(
            data.train_photos, data.train_monets, recipe, folder, seed=seed, start=networks, resume=resume, watch=watch
        )
        if done.stopped:
            raise KeyboardInterrupt
        metrics = measure_both(done.networks, data, recipe, seed)
        start_card = start_model.card if start_model else None
        return save_cyclegan(done, folder, pictures.source, data.counts(), metrics, data.test, start_card, data.whole)


def measure_both(
    networks: CycleGAN, data: Unpaired, recipe: CycleRecipe, seed: int | None = None
) -> dict[str, dict[str, Any]]:
    """Both directions, on whole pictures that were kept back: "monet" and "photo" -> `CycleEvaluation`."""
    size = measured_size(recipe)
    to_monet, to_photo = (translator(network, recipe) for network in networks.generators)
    test_photos, test_monets, photos, monets = (
        np.stack([fit(picture, size) for picture in each])
        for each in (data.test_photos, data.test_monets, data.train_photos, data.train_monets)
    )
    return {
        "monet": evaluate_generator(to_monet, to_photo, test_photos, test_monets, monets, seed=seed).to_dict(),
        "photo": evaluate_generator(to_photo, to_monet, test_monets, test_photos, photos, seed=seed).to_dict(),
    }
