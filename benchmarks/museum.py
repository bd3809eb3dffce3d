"""A folder of pictures through a model: in one go, beside one picture at a time, and beside bare decoding.

All three work on the same pictures in turn, and only their ratios mean something on a busy machine. The first pass of
each, which compiles, is not counted. Run it with: python benchmarks/museum.py FOLDER [--model starter]
"""

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from artnb import load_model
from artnb.classification.museum import process_folder
from artnb.paintings.sources import pictures_in
from artnb.paintings.streaming import stream


def per_second(work: Callable[[], object], number: int) -> float:
    """How many pictures a second some work on so many of them does."""
    start = time.perf_counter()
    work()
    return number / (time.perf_counter() - start)


def main() -> None:
    """Measure the three in turn and print the pictures a second of each round, and their ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="pictures, and folders of them")
    parser.add_argument("--model", default="starter")
    parser.add_argument("--pictures", type=int, default=512, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    model = load_model(chosen.model, "classifier")
    files = pictures_in(chosen.folder, deep=True)[: chosen.pictures]
    with TemporaryDirectory() as name:
        place = Path(name, "pictures")
        place.mkdir()
        for number, file in enumerate(files):
            (place / f"{number:06}{file.suffix}").symlink_to(file.resolve())
        linked = pictures_in(place)

        def museum(attempt: int) -> None:
            process_folder(model, place, Path(name, f"out-{attempt}"), "predict")

        def plain() -> None:
            for file in linked:
                model(file)

        def decode() -> None:
            for _ in stream(linked, place, model.card.size):
                pass

        museum(-1)
        model(linked[0])
        print(f"{model.card.title}, {len(files)} pictures, {os.cpu_count()} cores; pictures a second")
        for attempt in range(chosen.rounds):
            ours = per_second(partial(museum, attempt), len(files))
            theirs, bare = per_second(plain, len(files)), per_second(decode, len(files))
            print(
                f"museum {ours:.1f}   one by one {theirs:.1f}   decoding {bare:.1f}   "
                f"ratios {ours / theirs:.2f} and {ours / bare:.2f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
