"""From folders of photographs and paintings to a measured model: what `artnb train cyclegan` does."""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from artnb.cyclegan import bundles
from artnb.cyclegan.bundles import CycleBundle
from artnb.cyclegan.evaluation import evaluate
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.training import CycleError, CycleGAN, Watch, read_size, train
from artnb.cyclegan.translating import Translator
from artnb.images import ImageError, fit, load_image
from artnb.paintings.sources import PhotosAndMonets
from artnb.progress import progress
from artnb.settings import settings

KEPT_BACK = 0.15  # of both heaps, for measuring


@dataclass(frozen=True)
class Heaps:
    """Decoded photographs and paintings, uint8 (n, side, side, 3), and why files were left out."""

    train_photos: np.ndarray
    train_monets: np.ndarray
    test_photos: np.ndarray
    test_monets: np.ndarray
    skipped: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many there are of which."""
        names = ("train_photos", "train_monets", "test_photos", "test_monets")
        return {name: len(getattr(self, name)) for name in names}


def load_heaps(pictures: PhotosAndMonets, size: int, seed: int = settings.seed) -> Heaps:
    """Decode both heaps, broken files left out, and keep some of each back for measuring.

    Args:
        pictures: where the files are.
        size: height and width in pixels.
        seed: of what is kept back.

    Raises:
        CycleError: less than eight of either can be read.
    """
    found, skipped = [], []
    with progress(None, "decoding", len(pictures.photos) + len(pictures.monets), "picture") as bar:
        for name, files in (("photographs", pictures.photos), ("paintings", pictures.monets)):
            images = []
            for file in files:
                try:
                    images.append(fit(load_image(file), size))
                except ImageError as error:
                    skipped.append(str(error))
                bar.update()
            if len(images) < 8:
                raise CycleError(
                    f"{pictures.root} holds {len(files)} {name}, of which {len(images)} can be read; "
                    "eight or more are needed, a few hundred for a result."
                )
            order = np.random.default_rng(seed).permutation(len(images))
            kept = max(4, round(KEPT_BACK * len(images)))
            heap = np.stack(images)
            found += [heap[order[kept:]], heap[order[:kept]]]
    photos, test_photos, monets, test_monets = found
    return Heaps(photos, monets, test_photos, test_monets, tuple(skipped))


def make(
    pictures: PhotosAndMonets,
    recipe: CycleRecipe,
    folder: str | Path,
    seed: int = settings.seed,
    start: str | Path | None = None,
    resume: bool = False,
    watch: Watch | None = None,
) -> CycleBundle:
    """Decode, train, measure and save; `start` is a model whose weights the training begins with.

    Raises:
        CycleError: see `training.train`; or `start` was trained with another seed, which keeps other pictures back.
        ModelError: there is no model `start`.
        KeyboardInterrupt: it was stopped.
    """
    folder = Path(folder)
    begun = None if start is None else bundles.load(start)
    if begun is not None and begun.card.seed != seed:
        raise CycleError(
            f"The model to start from kept other pictures back (seed {begun.card.seed}) than this training would "
            f"(seed {seed}), so it could not be measured on unseen ones; train with --seed {begun.card.seed}."
        )
    heaps = load_heaps(pictures, read_size(recipe), seed)
    if heaps.skipped:
        print(
            f"Files that can't be read and were left out: {len(heaps.skipped)}, such as: {heaps.skipped[0]}",
            file=sys.stderr,
        )
    done = train(
        heaps.train_photos,
        heaps.train_monets,
        recipe,
        folder,
        seed=seed,
        start=begun.networks if begun else None,
        resume=resume,
        watch=watch,
    )
    if done.stopped:
        raise KeyboardInterrupt
    return bundles.save(
        done,
        folder,
        pictures.source,
        heaps.counts(),
        measure(done.networks, heaps, recipe),
        begun.card if begun else None,
    )


def measure(networks: CycleGAN, heaps: Heaps, recipe: CycleRecipe, seed: int = settings.seed) -> dict[str, dict]:
    """Both directions, on what was kept back, at the size of the recipe."""
    to_monet, to_photo = (Translator(network, recipe.multiple) for network in networks.generators)
    test_photos, test_monets, photos, monets = (
        np.stack([fit(picture, recipe.size) for picture in heap])
        for heap in (heaps.test_photos, heaps.test_monets, heaps.train_photos, heaps.train_monets)
    )
    return {
        "monet": evaluate(to_monet, to_photo, test_photos, test_monets, monets, seed=seed).to_dict(),
        "photo": evaluate(to_photo, to_monet, test_monets, test_photos, photos, seed=seed).to_dict(),
    }
