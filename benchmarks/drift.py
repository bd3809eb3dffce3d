"""How often drift is found where there is none, and where there is some, with the shipped classifier on real pictures.

Sources: `ARTNB_DATA` (the archive, 256 pixels) and `ARTNB_MONET_DATA` (for its photographs).
Run it with: python benchmarks/drift.py [--trials 100] [--model starter]
"""

import argparse
import io
import json

import numpy as np
from PIL import Image

from artnb import load_model
from artnb.classification.reference import Sample
from artnb.images import load_image
from artnb.operation import drift
from artnb.paintings.sources import load_collection, load_photos_and_monets

PICTURES = 200


def grey(image: np.ndarray) -> np.ndarray:
    """Without its colours, uint8 RGB."""
    return np.array(Image.fromarray(image).convert("L").convert("RGB"))


def jpeg(image: np.ndarray, quality: int = 10) -> np.ndarray:
    """Saved once more, at a low quality."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=quality)
    return load_image(buffer.getvalue())


def part(sample: Sample, rows: np.ndarray) -> Sample:
    """Some pictures of a sample."""
    return Sample(sample.embedding[rows], sample.probabilities[rows], sample.statistics[rows])


def scenarios(model: str) -> tuple[Sample, dict[str, Sample], Sample]:
    """The reference of a model, what it sees in drifted pictures, and in its test paintings."""
    loaded, collection = load_model(model, "classifier"), load_collection()
    table = loaded.split
    test = table[table["subset"] == "test"]

    def look(images: list) -> Sample:
        return drift.sample(loaded, loaded.prepare(images))

    paintings = [load_image(collection.file(path)) for path in test["path"]]
    artist = table[table["subset"] != "validation"]["artist"].value_counts().index[0]
    only = table[(table["artist"] == artist) & (table["subset"] != "validation")]["path"]
    photographs = load_photos_and_monets().photos
    changed = {
        "photographs for paintings": look(list(photographs)),
        "grey pictures": look([grey(image) for image in paintings]),
        "JPEG quality 10": look([jpeg(image) for image in paintings]),
        f"one artist only ({artist})": look([load_image(collection.file(path)) for path in only]),
    }
    in_test = (test["artist"] == artist).to_numpy()
    seen = look(paintings)
    changed[f"the same, of the test only ({int(in_test.sum())})"] = part(seen, np.flatnonzero(in_test))
    return loaded.reference, changed, seen


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--trials", type=int, default=100, help="of each drift; of no drift twice as many")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    reference, changed, test = scenarios(chosen.model)
    rng = np.random.default_rng(0)
    rows = []

    def count(name: str, pairs: list[tuple[Sample, Sample]]) -> None:
        found = [drift.detect_drift(old, new, seed=trial) for trial, (old, new) in enumerate(pairs)]
        parts = [any(one.tests["alarm"][rows]) for rows in (slice(0, 1), slice(1, 2), slice(2, None)) for one in found]
        shares = np.array(parts, bool).reshape(3, -1).mean(1)
        by = dict(zip(("network", "predictions", "statistics"), map(float, shares), strict=True))
        sizes = {len(new) for _, new in pairs}
        rows.append(
            {"pictures": name, "n": min(sizes), "trials": len(pairs), "alarms": sum(d.alarm for d in found)} | by
        )

    halves = []
    for _ in range(2 * chosen.trials):
        order = rng.permutation(len(test))
        halves.append((part(test, order[: len(test) // 2]), part(test, order[len(test) // 2 :])))
    count("two halves of the test paintings", halves)
    for name, sample in changed.items():
        draws = [rng.permutation(len(sample))[:PICTURES] for _ in range(chosen.trials)]
        count(name, [(reference, part(sample, rows)) for rows in draws])
    count("all test paintings", [(reference, test)])
    if chosen.json:
        print(json.dumps(rows, indent=2))
        return
    print(f"{'':42}{'n':>5}{'alarms':>12}   of them by network, predictions, statistics")
    for row in rows:
        by = ", ".join(f"{row[name]:.0%}" for name in ("network", "predictions", "statistics"))
        print(f"{row['pictures']:42}{row['n']:5}{row['alarms']:6} of {row['trials']:3}   {by}")


if __name__ == "__main__":
    main()
