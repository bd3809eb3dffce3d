"""Records what real runs give, in data/results: `python -m tools.results`, or `make results`.

One job after the other; what is recorded is left as it is (remove its files to have it made again), and a training or a
search that was killed is resumed. It runs on the paintings, photographs and weights that the environment names.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pandas as pd

from artnb import prepare
from artnb.common.files import replacing
from artnb.common.resuming import in_use
from artnb.errors import ArtnbError
from artnb.results import CHECKOUT, ResultError, recorded
from artnb.settings import Profile, settings, using
from artnb.weights import TITLES, find_weights
from tools.results import measures, painters, paintings, starters, trainings
from tools.results.recording import about, keep
from tools.results.runs import SEEDS, Runs
from tools.results.sentences import sentences

JOBS: dict[str, Callable[[Runs], pd.DataFrame]] = {
    "collection": paintings.collection,
    "artists": paintings.artists,
    "colours": paintings.colours,
    "ours": trainings.ours,
    "ours-quick": trainings.ours_quick,
    "fine-tuned": trainings.fine_tuned,
    "depths": measures.depths,
    "artists-told-apart": measures.by_number,
    "original": trainings.original,
    "two-phases": trainings.two_phases,
    "strangers": measures.strangers,
    "calibration": measures.calibrations,
    "shifts": measures.shifts,
    "original-search": trainings.original_search,
    "original-tuned": trainings.original_tuned,
    "ours-search": trainings.ours_search,
    "ours-tuned": trainings.ours_tuned,
    "curves": trainings.curves,
    "answers": trainings.answers,
    "ablation": trainings.ablation,
    "folds": measures.by_folds,
    "starters": starters.starters,
    "all-artists": starters.all_artists,
    "crops": starters.crops,
    "starters-strangers": starters.starters_strangers,
    "like-a-picture": painters.like_a_picture,
    "like-a-painter": painters.like_a_painter,
    "style-original": measures.style_original,
    "style-ours": measures.style_ours,
}
# Some take many trainings, days of them in the full profile: those are made in the quick one, as in the notebooks.
QUICK = {
    *("original", "ours-quick", "two-phases", "fine-tuned"),
    *("curves", "answers", "calibration", "shifts", "strangers", "ablation", "folds"),
    *("original-search", "original-tuned", "ours-search", "ours-tuned"),
}
# What another command records here: `python -m tools.studio.claims --record`.
OTHERS = {"claims": "Whether the studio's pictures show what the course says of them, on two draws; two seeds"}


def record(names: list[str], to: Path, work: Path, smoke: bool = False) -> int:
    """Make those of the results that are not there yet, one at a time, and the page that lists all of them.

    Args:
        names: of JOBS.
        to: the folder of the tables.
        work: where models and searches lie, so that they are resumed.
        smoke: small pictures and an epoch each, to see that everything runs.

    Returns:
        0, or 1 if some could not be made; why is said, and the others are made.

    Raises:
        ResultError: the folder is data/results, and the pictures are not real, or the run is a smoke test.
        ArtnbError: the paintings can't be prepared.
    """
    real = settings.source == "kaggle" or (settings.source == "folder" and settings.monet_data is not None)
    if to.resolve() == CHECKOUT and (smoke or not real):
        raise ResultError(
            "data/results holds what real pictures gave; point ARTNB_DATA at paintings and ARTNB_MONET_DATA at "
            "photographs and Monets (or set ARTNB_SOURCE=kaggle), leave --smoke away, or name another folder with --to."
        )
    failed = 0
    with using(home=work, seed=SEEDS[0]), in_use(work, ResultError):
        runs = Runs(prepare(), smoke)
        missing = [name for name in names if not is_recorded(name, to, runs)]
        for number, name in enumerate(missing, 1):
            print(f"{number} of {len(missing)}, {name}: {says(name)}", flush=True)
            with using(profile=profile(name)):
                try:
                    table = JOBS[name](runs)
                except ArtnbError as error:
                    failed += 1
                    print(f"{name} was not made: {error}", file=sys.stderr, flush=True)
                    continue
                source, pictures = settings.source, len(runs.prepared.table)
                keep(name, table, about(command(name, runs), runs.split, source, pictures), to)
            write_page(to)
    write_page(to)
    return min(failed, 1)


def is_recorded(name: str, folder: Path, runs: Runs) -> bool:
    """Whether a result is there, of this split, in its profile, by a run like this one, and nothing more can be had."""
    with suppress(ArtnbError):
        table = recorded(name, folder)
        label = table.attrs["about"]
        made = (label["split"], label["command"], label["settings"]["ARTNB_PROFILE"])
        return made == (runs.split, command(name, runs), profile(name)) and not _can_be_filled(table)
    return False


def _can_be_filled(table: pd.DataFrame) -> bool:
    """Whether weights are here now that an empty row was waiting for."""
    needs = set(table["needs"].dropna()) if "needs" in table else set()
    return any(f"artnb weights get {backbone}" in needs and find_weights(backbone) for backbone in TITLES)


def profile(name: str) -> Profile:
    """In which a result is made."""
    return "quick" if name in QUICK else "full"


def command(name: str, runs: Runs) -> str:
    """What records a result."""
    return f"python -m tools.results --only {name}" + " --smoke" * runs.smoke


def says(name: str) -> str:
    """What a table holds, in a line."""
    return OTHERS.get(name) or (JOBS[name].__doc__ or "").splitlines()[0].removesuffix(".")


def recorded_split(name: str, folder: Path) -> str:
    """The digest of the split that a result was recorded on; empty if it is not there, or damaged."""
    with suppress(ArtnbError):
        return recorded(name, folder).attrs["about"]["split"]
    return ""


def write_page(folder: Path) -> None:
    """Write the folder's README."""
    with replacing(folder / "README.md") as part:
        part.write_text(page(folder), encoding="utf-8")


def page(folder: Path) -> str:
    """The folder's README: a line per result."""
    rows = []
    for name in [*JOBS, *OTHERS]:
        split = recorded_split(name, folder)
        when = f"{recorded(name, folder).attrs['about']['date']}, split {split[:8]}" if split else "not yet"
        rows.append(f"| {name} | {says(name)} | {'quick' if name in OTHERS else profile(name)} | {when} |")
    return PAGE + "\n".join(rows) + "\n"


PAGE = """# Recorded results

What real runs gave on real paintings (claims: on the built-in ones and on a second draw of them, and its split is the
digest of both draws' tables together): NAME.csv is the table; NAME.json says by which command, on which split, when, on
which processor and with which versions. `artnb.results.recorded("NAME")` reads both.
`make results` records what is missing, one after the other; to have one made again, remove its files. An empty cell is
what could not be measured, and the row's `needs` says what it would take; once the weights are there
(`artnb weights get resnet50`), `ARTNB_WEIGHTS= make results` fills the row. Seconds are those that passed, on a machine
that may have had other work.

The pictures are the collection "Best Artworks of All Time" as squares of 256 pixels, cut out of smaller
versions: 4,882 paintings, of which 3,654
by eleven artists teach and test the classifiers. The models: *original* is the student project's CNN, *original+its
search* the same with the settings that its own search found, *original+search* with those that the same search found
here; *ours* is our CNN, *ours+search* with what Hyperband found; *two phases* and *fine-tuned* begin from ImageNet, the
original's way and ours. *Quick* is the notebooks' profile, with smaller pictures and fewer epochs, *full* the other.
`train`, `validation` and `test` are shares of right answers, `low` and `high` the 95 % interval of the test's, `top3`
the share with the right artist among three, `ece` the expected calibration error, `beyond` the share that is called
unfamiliar, `gap` how far confidence and accuracy are apart, times the share of the answers.

| name | what | profile | recorded |
|---|---|---|---|
"""


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.results", description=__doc__)
    parser.add_argument("--only", action="append", choices=JOBS, metavar="NAME", help="one result; may be repeated")
    parser.add_argument("--list", action="store_true", help="say what is recorded and what is missing, and do nothing")
    parser.add_argument("--readme", action="store_true", help="list the results in DIR, say what README.md is to say")
    parser.add_argument("--to", type=Path, default=CHECKOUT, metavar="DIR", help="of the tables, data/results")
    work = CHECKOUT.parents[1] / "build/results"
    parser.add_argument("--work", type=Path, default=work, metavar="DIR", help="of models and searches, build/results")
    parser.add_argument("--smoke", action="store_true", help="small pictures and an epoch each, to see that it runs")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.list:
            for name in [*JOBS, *OTHERS]:
                print(f"{recorded_split(name, chosen.to)[:8] or 'missing':8}  {name:15} {says(name)}")
            return 0
        if chosen.readme:
            write_page(chosen.to)
            print("\n".join(sentences(chosen.to)))
            return 0
        return record(chosen.only or list(JOBS), chosen.to, chosen.work, chosen.smoke)
    except (ArtnbError, OSError) as error:  # such as a full disk
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the same command resumes.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
