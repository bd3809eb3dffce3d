"""Is a Monet generator nearer to Monet for a network that had no part in its training, too?

KID on the pictures that were kept back (`ARTNB_MONET_DATA`), by two judges: EfficientNet-Lite0, whose early layers the
projected discriminators look through, and `starter-cnn`, which was trained from scratch on paintings by eleven others.
Run it with: python benchmarks/monet_judges.py [MODEL]
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import numpy as np

from artnb import load_backbone, load_model
from artnb.cyclegan import load_unpaired
from artnb.cyclegan.evaluation import features, kid
from artnb.cyclegan.recipes import CycleRecipe
from artnb.cyclegan.training import read_size
from artnb.images import fit, resize
from artnb.paintings.sources import load_photos_and_monets


def features_of_starter_cnn(pictures: np.ndarray) -> np.ndarray:
    """What its core makes of pictures, uint8 (n, side, side, 3): float32 (n, d)."""
    model = load_model("starter-cnn")
    batch = np.stack([resize(picture, (model.card.size, model.card.size)) for picture in pictures])
    found = model.network.core.predict(batch.astype(np.float32), batch_size=32, verbose=0)
    return found.reshape(len(found), -1, found.shape[-1]).mean(axis=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="starter-monet")
    model = load_model(parser.parse_args().model, "cyclegan")
    recipe = CycleRecipe(**model.card.recipe)
    data = load_unpaired(load_photos_and_monets(), read_size(recipe), model.card.seed)
    if data.test != model.card.test:
        raise SystemExit("These are not the pictures that the model was measured on: it may have been trained on some.")
    photos, monets = (
        np.stack([fit(picture, recipe.size) for picture in each]) for each in (data.test_photos, data.test_monets)
    )
    made = np.stack(model(list(photos)))
    imagenet = load_backbone("efficientnet-lite0", None)
    for name, look in (
        (str(imagenet), lambda pictures: features(pictures, imagenet)),
        ("starter-cnn", features_of_starter_cnn),
    ):
        of_made, of_photos, of_monets = look(made), look(photos), look(monets)
        generated, inputs = kid(of_made, of_monets), kid(of_photos, of_monets)
        print(f"{name}: {generated}\n    inputs: {inputs}\n    ratio {generated.value / inputs.value:.2f}")


if __name__ == "__main__":
    main()
