"""Is a Monet generator nearer to Monet for a network that had no part in its training, too?

KID on the pictures that were kept back (`ARTNB_MONET_DATA`), by two judges: EfficientNet-Lite0, whose early layers the
projected discriminators look through, and `starter-cnn`, which was trained from scratch on paintings by eleven others.
Run it with: python benchmarks/monet_judges.py [MODEL]
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from artnb.backbones import load_backbone
from artnb.classification import bundles as classifiers
from artnb.cyclegan import bundles
from artnb.cyclegan.evaluation import features, kid
from artnb.cyclegan.making import load_heaps
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.training import read_size
from artnb.images import fit, resize
from artnb.paintings.sources import load_photos_and_monets


def features_of_starter_cnn(pictures: np.ndarray) -> np.ndarray:
    """What its core makes of pictures, uint8 (n, side, side, 3): float32 (n, d)."""
    bundle = classifiers.load("starter-cnn")
    batch = np.stack([resize(picture, (bundle.card.size, bundle.card.size)) for picture in pictures])
    found = bundle.classifier.core.predict(batch.astype(np.float32), batch_size=32, verbose=0)
    return found.reshape(len(found), -1, found.shape[-1]).mean(axis=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="starter-monet")
    bundle = bundles.load(parser.parse_args().model)
    recipe = CycleRecipe(**bundle.card.recipe)
    heaps = load_heaps(load_photos_and_monets(), read_size(recipe), bundle.card.seed)
    translate = bundle.translator("monet")
    photos, monets = (
        np.stack([fit(picture, recipe.size) for picture in heap]) for heap in (heaps.test_photos, heaps.test_monets)
    )
    made = np.stack([translate(photo) for photo in photos])
    imagenet = load_backbone("efficientnet-lite0", None)
    for name, look in (
        (str(imagenet), lambda heap: features(heap, imagenet)),
        ("starter-cnn", features_of_starter_cnn),
    ):
        of_made, of_photos, of_monets = look(made), look(photos), look(monets)
        generated, untouched = kid(of_made, of_monets), kid(of_photos, of_monets)
        print(f"{name}: {generated}\n    untouched: {untouched}\n    ratio {generated.value / untouched.value:.2f}")


if __name__ == "__main__":
    main()
