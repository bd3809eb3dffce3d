"""One picture through a loaded model, beside Keras' `model.predict`, called the plain way.

Both start from the same fitted picture and end with probabilities; reading the file costs both the same and is not
counted. Run it with: python benchmarks/predictor.py [MODEL]
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from artnb import load_model
from artnb.classification import networks


def milliseconds(call: Callable[[], object], times: int) -> np.ndarray:
    """How long each of so many calls takes, after three that warm up."""
    for _ in range(3):
        call()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - start))
    return np.array(taken)


def main() -> None:
    """Measure both in turn and print medians, 95th percentiles and the ratio of the medians."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", default="starter")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--times", type=int, default=100)
    chosen = parser.parse_args()
    model = load_model(chosen.model, "classifier")
    card = model.card
    plain_network = networks.build_network(
        card.network, len(card.class_names), card.size, pretrained=False, **card.recipe["options"]
    )
    plain: keras.Model = plain_network.model
    plain.set_weights(model.network.model.get_weights())
    image = np.random.default_rng(0).integers(0, 256, (card.size, card.size, 3), np.uint8)
    print(f"{card.title}, one picture of {card.size} px, {chosen.times} times; milliseconds")
    for _ in range(chosen.rounds):
        ours = milliseconds(lambda: model(image), chosen.times)
        theirs = milliseconds(lambda: plain.predict(image[None].astype("float32"), verbose=0), chosen.times)
        print(
            f"load_model p50 {np.median(ours):5.1f} p95 {np.quantile(ours, 0.95):5.1f}   "
            f"model.predict p50 {np.median(theirs):5.1f} p95 {np.quantile(theirs, 0.95):5.1f}   "
            f"ratio {np.median(theirs) / np.median(ours):.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
