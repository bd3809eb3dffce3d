"""Whether the studio shows what the course says of it: `python -m tools.studio.claims [--draw SEED] [--folder F]`.

Paints a draw of the collection if it is not in the folder, trains what is not trained there yet, by the recipes of the
quick profile and with the seeds below, and judges each claim. A claim is a difference that must be above 0: on the
same test pictures, averaged over the seeds, by a 95 % interval over the pictures, and for each seed alone as well.
`--record` judges two draws, the collection that ships and one that nothing was chosen by, for data/results.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from artnb.classification.evaluation import bootstrap, scale, temperature
from artnb.common.files import replacing

SEEDS = (1, 2)  # of the trainings; fixed before any was judged
SEALED = 2026  # the draw that was not looked at until everything else was decided
DRAWS, DRAWING = 2000, 1874  # samples of an interval, and their seed

Array = np.ndarray
Answers = Mapping[str, Sequence[Mapping[str, Array]]]  # by training: what each seed's network said, see `trials`


@dataclass(frozen=True)
class Claim:
    """A line of claims.csv.

    Attributes:
        claim: what is said.
        difference: by how much; accuracies and shares in [0, 1], mean over the seeds.
        low: lower end of its 95 % interval.
        high: upper end.
        holds: whether the interval and each seed's difference lie above 0.
        n: pictures that were compared, of the smaller group where there are two.
        seeds: trainings.
    """

    claim: str
    difference: float
    low: float
    high: float
    holds: bool
    n: int
    seeds: int


def paired(claim: str, gains: Array) -> Claim:
    """Judge gains (seeds, n), what one network has over another on each of the same pictures."""
    return _claim(claim, gains.mean(1), bootstrap(gains.mean(0), DRAWING, DRAWS), gains.shape[1])


def between(claim: str, gains: Array) -> Claim:
    """Judge gains (seeds, n, m), what each of n pictures has over each of m others; both groups are drawn again."""
    rng = np.random.default_rng(DRAWING)
    rows, columns = (rng.multinomial(k, np.full(k, 1 / k), DRAWS) / k for k in gains.shape[1:])
    low, high = np.quantile((rows @ gains.mean(0) * columns).sum(1), [0.025, 0.975])
    return _claim(claim, gains.mean((1, 2)), (float(low), float(high)), min(gains.shape[1:]))


def _claim(claim: str, differences: Array, interval: tuple[float, float], n: int) -> Claim:
    holds = bool(interval[0] > 0 and (differences > 0).all())
    return Claim(claim, float(differences.mean()), *interval, holds, n, len(differences))


def judge(answers: Answers, pairs: Sequence[tuple[int, int]]) -> list[Claim]:
    """All claims.

    Args:
        answers: of the trainings of `trials.trainings`.
        pairs: the classes of masters and their pupils.
    """
    test = {name: right(answers, name) for name in answers if name != "random split"}
    ours = test["ours"]
    found = _overfitting("original", answers) + _overfitting("unaugmented", answers)
    found.append(paired("ours beats the original's", ours - test["original"]))
    without = [name for name in test if name.startswith("without ")]
    found += [paired(f"ours is worse {name}", ours - test[name]) for name in without]
    found += [
        paired("mirrored crops beat crops that are also rotated by 45 degrees", ours - test["rotated"]),
        paired("frozen features beat ours", test["head"] - ours),
        paired("four depths beat the last map", test["head"] - test["last map"]),
        paired("fine-tuning adds to the frozen head", test["fine-tuned"] - test["head"]),
        paired("the original's two phases beat ours", test["two phases"] - ours),
        paired("fine-tuned beats the original's two phases", test["fine-tuned"] - test["two phases"]),
        _twins(answers["random split"]),
    ]
    found += _sureness("unaugmented", 1, answers["unaugmented"])
    found += _sureness("fine-tuned", -1, answers["fine-tuned"])  # label smoothing makes humble
    found.append(_kin(answers["ours"], pairs))
    return found + _colours(answers, ours) + _strangers(answers["fine-tuned"])


def right(answers: Answers, name: str, subset: str = "test") -> Array:
    """(seeds, n), 1 where a training's network names the artist of a picture of the subset, else 0."""
    return np.stack([(each[subset].argmax(1) == each[f"{subset} labels"]).astype(float) for each in answers[name]])


def loss(probabilities: Array, labels: Array) -> Array:
    """(n, classes) and (n,) -> (n,), the cross-entropy of each picture."""
    return -np.log(np.maximum(probabilities[np.arange(len(labels)), labels], 1e-7))


def _overfitting(name: str, answers: Answers) -> list[Claim]:
    train, validation = right(answers, name, "train"), right(answers, name, "validation")
    rise = [
        loss(each["test at the end"], each["test labels"]) - loss(each["test at its best"], each["test labels"])
        for each in answers[name]
    ]
    return [
        between(f"{name} knows its training pictures better", train[:, :, None] - validation[:, None]),
        paired(f"{name}: the loss rises after its best epoch", np.stack(rise)),
    ]


def _twins(trained: Sequence[Mapping[str, Array]]) -> Claim:
    """Each picture counts once, with the share of the seeds in whose split it was held out that answered it."""
    held = pd.concat(
        pd.DataFrame(
            {"path": each["test paths"], "seen": each["seen"], "right": each["test"].argmax(1) == each["test labels"]}
        )
        for each in trained
    )
    shares = held.groupby(["seen", "path"])["right"].mean()
    seen, unseen = (shares[flag].to_numpy(float) for flag in (True, False))
    claim = between("held-out pictures with a twin in training are answered better", (seen[:, None] - unseen)[None])
    answered = [(each["test"].argmax(1) == each["test labels"], each["seen"]) for each in trained]
    in_each = all(of_one[known].mean() > of_one[~known].mean() for of_one, known in answered)
    return replace(claim, holds=bool(claim.holds and in_each), seeds=len(trained))


def _sureness(name: str, way: int, trained: Sequence[Mapping[str, Array]]) -> list[Claim]:
    """Whether a network is too sure (way 1) or too humble (way -1), and whether a temperature mends it."""
    before, after = [], []
    for each in trained:
        degree = temperature(each["validation"], each["validation labels"])
        answered = each["test"].argmax(1) == each["test labels"]
        before.append(way * (each["test"].max(1) - answered))
        after.append(way * (scale(each["test"], degree).max(1) - answered))
    excess, rest = np.stack(before), np.stack(after)
    return [
        paired(f"{name}: {'surer' if way > 0 else 'humbler'} than right", excess),
        paired(f"{name}: temperature scaling takes away more than half of it", excess / 2 - rest),
    ]


def _kin(trained: Sequence[Mapping[str, Array]], pairs: Sequence[tuple[int, int]]) -> Claim:
    """Each wrong answer on a painting of a pair: whether it is the other of the pair, less how often it is anyway.

    How often it is anyway is counted on the same test, so all its pictures are drawn again, and both are counted anew.
    """
    other = dict([*pairs, *(pair[::-1] for pair in pairs)])
    number = len(trained[0]["test labels"])
    drawn = np.random.default_rng(DRAWING).multinomial(number, np.full(number, 1 / number), DRAWS)
    weights = np.vstack([np.ones(number, int), drawn])  # first the pictures as they are
    gains, of_pairs = [], []
    for each in trained:
        labels, named = each["test labels"], each["test"].argmax(1)
        wrong, kin = labels != named, np.array([other.get(int(label), -1) for label in labels])
        of_pairs.append(wrong & (kin >= 0))
        more = weights @ (of_pairs[-1] & (named == kin)).astype(float)
        for one in set(other.values()):
            elsewhere = wrong & (labels != one)
            chance = weights @ (elsewhere & (named == one)) / np.maximum(weights @ elsewhere, 1)
            more -= weights @ (of_pairs[-1] & (kin == one)) * chance
        gains.append(more / np.maximum(weights @ of_pairs[-1], 1))
    found = np.stack(gains)
    low, high = np.quantile(found[:, 1:].mean(0), [0.025, 0.975])
    compared = int(np.any(of_pairs, axis=0).sum())
    return _claim("masters and pupils are mistaken for each other", found[:, 0], (float(low), float(high)), compared)


def _colours(answers: Answers, ours: Array) -> list[Claim]:
    known = right(answers, "colours")
    labels = answers["colours"][0]["test labels"]
    guessed = (labels == np.bincount(labels).argmax()).astype(float)
    return [
        paired("mean colours beat guessing the largest class", known - guessed),
        paired("ours beats mean colours by far (25 points)", ours - known - 0.25),
    ]


def _strangers(trained: Sequence[Mapping[str, Array]]) -> list[Claim]:
    def apart(key: str) -> Array:
        """(seeds, groups, n): how much more often than not the groups' pictures lie farther than the known ones."""
        known = np.stack([each["distance of test"] for each in trained])
        strange = np.stack([each[f"distance of {key}"] for each in trained])
        farther = np.sign(strange[:, :, None] - known[:, None]) / 2
        groups = trained[0][f"groups of {key}"]
        return np.stack([farther[:, groups == group].mean(1) for group in np.unique(groups)], 1)

    flagged = {
        key: np.stack([each[f"distance of {key}"] > each["threshold"] for each in trained]).astype(float)
        for key in ("photographs", "pastiches")
    }
    named = np.stack([each["pastiches"].argmax(1) == each["pastiches labels"] for each in trained]).astype(float)
    classes = trained[0]["pastiches"].shape[1]
    groups = trained[0]["groups of photographs"]

    def by_photograph(values: Array) -> Array:
        return np.stack([values[:, groups == group].mean(1) for group in np.unique(groups)], 1)

    return [
        between("left-out painters lie farther than known ones (AUC over .5)", apart("painters")),
        between("real photographs lie farther than known paintings (AUC over .5)", apart("photographs")),
        paired(
            "a pastiche passes where its photograph is flagged",
            by_photograph(flagged["photographs"] - flagged["pastiches"]),
        ),
        paired("a pastiche is given to the painter of its hand", by_photograph(named - 1 / classes)),
    ]


def save(claims: Sequence[Claim], file: Path) -> pd.DataFrame:
    """Write the claims as CSV; returned as they are written."""
    table = pd.DataFrame(claims).round(4)
    with replacing(file) as part:
        table.to_csv(part, index=False)
    return table


def judged(folder: Path, draw: int) -> pd.DataFrame:
    """The claims of a draw, also written to claims.csv in the draw's own folder, see `trials.answers`."""
    from tools.studio import trials

    folder = folder / str(draw)
    return save(judge(*trials.answers(folder, draw, SEEDS)), folder / "claims.csv")


def record(folder: Path) -> pd.DataFrame:
    """The claims of both draws, as the recorded result "claims"."""
    from artnb.paintings.splits import split_digest
    from artnb.results import CHECKOUT
    from artnb.settings import using
    from tools.results.__main__ import write_page
    from tools.results.recording import about, keep
    from tools.studio import trials
    from tools.studio.building import SEED

    tables = {draw: judged(folder, draw) for draw in (SEED, SEALED)}
    splits = pd.concat(trials.draw_prepared(folder / str(draw), draw).table for draw in tables)
    table = pd.concat(tables, names=["draw"]).reset_index("draw")
    with using(weights="packaged", profile="quick"):
        label = about("python -m tools.studio.claims --record", split_digest(splits), "studio", len(splits))
        label["split_of"] = f"the tables of draws {' and '.join(map(str, tables))}, taken together"
        keep("claims", table, label, CHECKOUT)
    write_page(CHECKOUT)
    return table


def main(arguments: Sequence[str] | None = None) -> None:
    """Judge a draw, or record both."""
    from artnb.settings import settings
    from tools.studio.building import SEED

    parser = argparse.ArgumentParser(
        "python -m tools.studio.claims", description="Does the studio show what the course says of it?"
    )
    parser.add_argument("--draw", type=int, help=f"the seed that the collection is painted with; default: {SEED}")
    parser.add_argument(
        "--folder", type=Path, default=settings.home / "claims", help="where draws and answers are kept"
    )
    parser.add_argument("--record", action="store_true", help="judge two draws and write data/results/claims.csv")
    options = parser.parse_args(arguments)
    if options.record and options.draw is not None:
        parser.error(f"--record always judges the draws {SEED} and {SEALED}; leave --draw away, or --record.")
    draw = SEED if options.draw is None else options.draw
    found = record(options.folder) if options.record else judged(options.folder, draw)
    print(found.to_string(index=False))


if __name__ == "__main__":
    main()
