"""The judge of the studio's claims: what is so comes out as holding, and what isn't, as not."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from artnb import results
from tests.classification.conftest import tiny
from tools.studio import claims, trials
from tools.studio.building import SEED
from tools.studio.claims import SEALED, between, judge, main, paired, save

PICTURES, CLASSES, SEEDS = 300, 11, (1, 2)
LABELS = np.arange(PICTURES) % CLASSES
PAIRS = [(0, 1), (2, 3)]
RNG = np.random.default_rng(0)


def probabilities(share, sure=0.6, labels=LABELS, kin=False):
    """Answers that are right for this share of the pictures, each as sure; wrong ones name the next artist, or kin."""
    wrong = RNG.permutation(len(labels)) >= share * len(labels)
    other = {a: b for pair in PAIRS for a, b in (pair, pair[::-1])}
    away = RNG.integers(1, CLASSES, len(labels))
    named = np.where(wrong, (labels + away) % CLASSES, labels)
    if kin:
        named = np.array([other.get(k, n) if w else n for k, n, w in zip(labels, named, wrong, strict=True)])
    made = np.full((len(labels), CLASSES), (1 - sure) / (CLASSES - 1))
    made[np.arange(len(labels)), named] = sure
    return made


def says(share, train=None, sure=0.6, **more):
    subsets = {"train": share if train is None else train, "validation": share, "test": share}
    said = {}
    for subset, accuracy in subsets.items():
        said |= {subset: probabilities(accuracy, sure, kin=more.get("kin", False)), f"{subset} labels": LABELS}
    return said | {"test paths": np.array([f"{n}.jpg" for n in range(PICTURES)])}


def strangers(far):
    """A fine-tuned network's distances: known pictures about 1, and strangers this much farther."""
    groups = np.repeat(np.arange(9), 8)
    made = {"distance of test": RNG.normal(1, 0.1, PICTURES), "threshold": np.array(1.2)}
    for key in ("painters", "photographs"):
        made |= {f"distance of {key}": RNG.normal(1 + far, 0.1, len(groups)), f"groups of {key}": groups}
    labels = np.arange(len(groups)) % CLASSES
    near = RNG.normal(1, 0.05, len(groups))
    return made | {
        "distance of pastiches": near,
        "pastiches": probabilities(0.8 if far > 0 else 1 / CLASSES, labels=labels),
        "pastiches labels": labels,
    }


def made_up(true):
    """Answers of which all claims are true, or none."""
    shares = (
        {
            "original": 0.3,
            "unaugmented": 0.3,
            "two phases": 0.75,
            "ours": 0.6,
            "head": 0.85,
            "last map": 0.75,
            "fine-tuned": 0.95,
        }
        | {"random split": 0.5, "rotated": 0.45, "colours": 0.2}
        | {name: 0.4 for name in trials.trainings() if name.startswith("without ")}
    )
    answers = {}
    for name, share in shares.items():
        share = share if true else 0.05 if name == "colours" else 0.3
        answers[name] = []
        for _ in SEEDS:
            sure = 0.9 if true != (name == "fine-tuned") else 0.2  # the fine-tuned one should be too humble
            said = says(share, train=0.9 if true else share, sure=sure, kin=true and name == "ours")
            best = probabilities(share, 0.5 if true else 0.6)
            worse = probabilities(share, 0.98)
            said |= {"test at its best": best, "test at the end": worse if true else best}
            seen = np.zeros(PICTURES, bool)
            seen[RNG.permutation(np.flatnonzero(said["test"].argmax(1) == LABELS) if true else PICTURES)[:40]] = True
            said |= {"seen": seen} | strangers(0.5 if true else -0.05)
            if name == "random split":  # other pictures are held out with each seed
                said = {key: part[: -len(answers[name]) or None] for key, part in said.items() if np.ndim(part)}
            answers[name].append(said)
    return answers


def test_what_is_true_holds():
    found = judge(made_up(True), PAIRS)
    assert [claim.claim for claim in found if not claim.holds] == []
    assert all(claim.low <= claim.difference <= claim.high and claim.n > 1 for claim in found)
    assert sum("ours is worse without" in claim.claim for claim in found) >= 3


def test_what_is_not_true_does_not_hold():
    assert [claim.claim for claim in judge(made_up(False), PAIRS) if claim.holds] == []


def test_the_interval_is_of_the_difference_and_over_the_pictures():
    gains = np.repeat([[1.0, 0.0, 0.0, 0.0]], 2, 0).repeat(100, 1)
    claim = paired("a quarter", gains)
    error = 1.96 * np.sqrt(0.25 * 0.75 / 400)
    assert claim.difference == 0.25 and (claim.n, claim.seeds) == (400, 2) and claim.holds
    assert (claim.low, claim.high) == pytest.approx((0.25 - error, 0.25 + error), abs=0.005)


def test_two_groups_are_both_drawn_again():
    first, second = RNG.normal(1, 1, 200), RNG.normal(0, 1, 50)
    claim = between("apart", (first[:, None] - second)[None])
    error = 1.96 * np.sqrt(first.var() / 200 + second.var() / 50)
    assert claim.difference == pytest.approx(first.mean() - second.mean()) and claim.n == 50
    assert (claim.low, claim.high) == pytest.approx((claim.difference - error, claim.difference + error), abs=0.05)


def test_the_interval_of_kin_covers_chance_as_well(monkeypatch):
    """It is as wide as what other tests would have given; with chance held fixed, it would not be."""
    monkeypatch.setattr(claims, "DRAWS", 200)
    rng = np.random.default_rng(1)

    def answered():
        labels = rng.integers(0, 3, 240)  # the pair is two thirds of the test, so chance is counted on few others
        kin = np.array([1, 0, 1])[labels]
        named = np.where(rng.random(240) < np.array([0.6, 0.6, 0.2])[labels], kin, 3)
        return claims._kin([{"test labels": labels, "test": np.eye(4)[named]}], [(0, 1)])

    found = [answered() for _ in range(150)]
    width = np.mean([claim.high - claim.low for claim in found]) / 3.92
    assert width == pytest.approx(np.std([claim.difference for claim in found]), rel=0.15)


@pytest.mark.parametrize("judged", [paired, lambda claim, gains: between(claim, gains[:, :, None])])
def test_a_claim_must_hold_for_each_seed(judged):
    gains = np.stack([np.full(50, 1.0), np.full(50, -0.1)])
    assert judged("on average", gains).difference > 0.4 and not judged("on average", gains).holds


def test_claims_are_written_as_they_are_told(tmp_path):
    file = tmp_path / "claims.csv"
    told = save([paired("more", np.ones((2, 5))), paired("less", -np.ones((2, 5)))], file)
    assert list(told["holds"]) == [True, False]
    pd.testing.assert_frame_equal(pd.read_csv(file), told)
    assert list(told) == ["claim", "difference", "low", "high", "holds", "n", "seeds"]


def test_both_draws_are_recorded_with_where_they_are_from(tmp_path, monkeypatch):
    """The trainings are made up here; what is said of each draw is kept apart."""

    def table(folder, draw):
        return SimpleNamespace(table=pd.DataFrame({"sha256": [f"{draw}a"], "artist": "a", "subset": "test"}))

    def answers(folder, draw, seeds):
        folder.mkdir(parents=True)
        return made_up(draw != SEALED), PAIRS

    monkeypatch.setattr(trials, "draw_prepared", table)
    monkeypatch.setattr(trials, "answers", answers)
    monkeypatch.setattr(results, "CHECKOUT", tmp_path)
    main(["--record", "--folder", str(tmp_path / "draws")])
    found = results.recorded("claims", tmp_path)
    assert found.groupby("draw")["holds"].agg(["all", "any"]).to_numpy().tolist() == [[True, True], [False, False]]
    about = found.attrs["about"]
    assert about["split_of"] == f"the tables of draws {SEED} and {SEALED}, taken together"
    assert (about["source"], about["paintings"], about["settings"]["ARTNB_PROFILE"]) == ("studio", 2, "quick")
    assert "| claims |" in (tmp_path / "README.md").read_text(encoding="utf-8")


def test_a_draw_of_ones_own_is_not_recorded(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(trials, "answers", lambda *_: pytest.fail("work was done"))
    with pytest.raises(SystemExit):
        main(["--record", "--draw", "5", "--folder", str(tmp_path)])
    assert "leave --draw away" in capsys.readouterr().err


@pytest.mark.slow
def test_a_training_is_kept_and_made_again_only_by_another_recipe(prepared, tmp_path):
    def asked(epochs):
        return trials.answer(tmp_path, "ours", trials.Training(tiny("cnn-original", epochs)), prepared, seed=1)

    first = asked(1)
    (file,) = (tmp_path / "answers").iterdir()
    when = file.stat().st_mtime_ns
    again = asked(1)
    assert file.stat().st_mtime_ns == when and first["test"].tolist() == again["test"].tolist()
    assert asked(2)["test"].tolist() != first["test"].tolist() and not list((tmp_path / "runs").iterdir())


@pytest.mark.slow
def test_a_change_of_the_builders_reaches_the_network(prepared, tmp_path):
    plain = trials.Training(tiny("cnn", 1))
    bare = trials.Training(plain.recipe, changed=trials.trainings()["without batch norm"].changed)
    with_it, without = (trials.answer(tmp_path, name, each, prepared, 1) for name, each in (("a", plain), ("b", bare)))
    assert not np.allclose(with_it["test"], without["test"])
