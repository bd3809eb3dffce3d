"""The registry, on copies of the models that ship; most of it needs neither TensorFlow nor MLflow."""

import json
import os
import shutil
import sqlite3

import numpy as np
import pandas as pd
import pytest

from artnb import models
from artnb.cards import Card, ModelError
from artnb.cli import main
from artnb.common import extras
from artnb.operation import registry, tracking
from artnb.operation.comparing import Comparison, ComparisonError, compare_counts, compare_models, comparison_page
from artnb.operation.registry import RegistryError
from tests.conftest import resealed

NAME = "art-classifier"


@pytest.fixture
def settings(use, tmp_path, monkeypatch):
    """An empty registry, without a mirror in MLflow."""
    monkeypatch.setattr(tracking, "mirror", lambda: None)
    return use(home=tmp_path / "home")


@pytest.fixture
def make(tmp_path):
    """A model that is `starter-cnn` with another number of right answers, of 100 paintings."""

    def make(name, right, first=0, wrong_first=False):
        folder = shutil.copytree(models.STARTERS / "starter-cnn", tmp_path / name)
        rows = [
            (
                f"{n}.jpg",
                str(n),
                "Titian",
                "Titian" if (n >= 100 - right if wrong_first else n < right) else "Rembrandt",
                0.9,
            )
            for n in range(first, first + 100)
        ]
        pd.DataFrame(rows, columns=["path", "sha256", "artist", "predicted", "probability"]).to_csv(
            folder / "test.csv", index=False
        )
        return resealed(folder)

    return make


def test_a_version_is_a_copy_that_is_found_by_alias_number_and_name(make, settings):
    source = make("mine", 80)
    (source / "checkpoints").mkdir()
    (source / "training.json").write_text("{}")
    version = registry.add(source)
    assert (version.name, version.number, version.aliases) == (NAME, 1, ("challenger",))
    assert not (version.folder / "checkpoints").exists() and not (version.folder / "training.json").exists()
    for reference in (
        "registry:challenger",
        "registry:1",
        f"registry:{NAME}@challenger",
        f"registry:{NAME}@1",
        f"{NAME}-1",
    ):
        assert models.find(reference, "classifier") == version.folder
    assert models.list_models("classifier")[-1].folder == version.folder
    shutil.rmtree(source)
    assert models.identity(version.folder) == version.digest and len(version.digest) == 64


@pytest.mark.parametrize(
    "reference", ["registry:champion", "registry:7", "registry:", "registry:monet-generator@1", "registry:../x@1"]
)
def test_what_is_not_in_the_registry_is_a_sentence(reference, make, settings):
    registry.add(make("mine", 80))
    with pytest.raises(ModelError, match="art-classifier has challenger"):
        models.find(reference, "classifier")


def test_both_kinds_have_a_name_of_their_own(settings):
    assert registry.add("starter-monet").name == "monet-generator"
    assert models.find("registry:challenger", "cyclegan").name == "monet-generator-1"
    assert models.find("registry:monet-generator@1", None).name == "monet-generator-1"
    with pytest.raises(ModelError, match="no version yet"):
        models.find("registry:challenger", "classifier")


def test_the_same_files_are_one_version(make, settings):
    first, again = (registry.add(make(name, 80)) for name in ("one", "two"))
    assert first == again and len(registry.versions(NAME)) == 1
    assert len(models.registered_history(NAME)) == 1


def test_a_better_challenger_is_promoted_and_a_clearly_worse_one_is_not(make, settings):
    registry.add(make("old", 60))
    assert registry.promote(NAME) is None
    registry.add(make("new", 80))
    comparison = registry.promote(NAME)
    assert (comparison.old, comparison.new, comparison.only_new, comparison.only_old) == (0.6, 0.8, 20, 0)
    # Of 102 paired differences 20.5 are 1 and 0.5 are -1: mean 20 / 102, standard error 0.0402; times 1.2816.
    assert comparison.interval == pytest.approx((0.1961 - 0.0516, 0.1961 + 0.0516), abs=5e-4)
    assert (comparison.verdict, comparison.against) == ("not worse", f"{NAME}-1")
    assert models.aliases(NAME) == {"champion": 2}
    with pytest.raises(
        RegistryError, match=r"1 was not promoted.*worse.*60\.0% against 80\.0% of art-classifier-2.*--force"
    ):
        registry.promote(NAME, 1)
    assert models.aliases(NAME) == {"champion": 2}
    with pytest.raises(RegistryError, match="not promoted"):
        registry.promote(NAME, 1, reason="  ")
    registry.promote(NAME, 1, reason="its successor is too slow")
    event = models.registered_history(NAME)[-1]
    assert event["forced"] == "its successor is too slow" and event["before"] == 2 and "worse" in event["doubt"]


def test_too_few_pictures_to_tell_are_a_sentence_that_says_how_many_are_needed(make, settings):
    registry.add(make("old", 60))
    registry.promote(NAME)
    registry.add(make("new", 59, wrong_first=True))
    with pytest.raises(RegistryError, match=r"the 100 test pictures are too few to tell.*about [\d,]+ are.*--force"):
        registry.promote(NAME)
    assert registry.promote(NAME, reason="a try").verdict == "too few pictures"


def test_what_is_said_to_be_needed_would_be_enough():
    few = compare_counts("old", 547, 490, 24, 22)
    assert few.verdict == "too few pictures" and few.needed > 547
    for share, verdict in ((1.2, "not worse"), (0.8, "too few pictures")):  # it is said with two digits
        counts = [round(share * few.needed / 547 * count) for count in (547, 490, 24, 22)]
        assert compare_counts("old", *counts).verdict == verdict
    assert compare_counts("old", 547, 490, 40, 20).verdict == "worse"
    assert compare_counts("old", 547, 490, 0, 0).verdict == "not worse", "the same answers"
    assert compare_counts("old", 20, 15, 0, 0).verdict == "too few pictures"
    for width in (1e300, float("inf"), float("nan")):
        assert Comparison("old", "KID", 9, 0.1, 0.1, (-width, width), 0.01).needed == 1_000_000


@pytest.mark.parametrize("correlation", [0.62, 0.43], ids=["8 % discordant", "12 % discordant"])
@pytest.mark.parametrize("change", [-0.02, 0.02])
def test_the_rule_stops_a_real_loss_and_lets_a_real_gain_through(correlation, change):
    """Two classifiers on 547 paintings, whose right answers are correlated."""
    old = 0.89
    new = old + change
    both = old * new + correlation * (old * (1 - old) * new * (1 - new)) ** 0.5
    shares = [both, old - both, new - both, 1 - old - new + both]
    draws = np.random.default_rng(4).multinomial(547, shares, 4000)
    passed = np.mean([compare_counts("old", 547, a + b, b, c).verdict == "not worse" for a, b, c, _ in draws.tolist()])
    assert passed < 0.045 if change < 0 else passed > 0.81


def test_the_measured_value_does_not_go_down_in_small_steps(make, settings):
    registry.add(make("best", 60))
    registry.promote(NAME)
    registry.add(make("forced", 50))
    registry.promote(NAME, reason="a try")
    registry.add(make("between", 55))
    with pytest.raises(RegistryError, match=r"55\.0% against 60\.0% of art-classifier-1"):
        registry.promote(NAME)
    registry.rollback(NAME)
    assert registry.champions(NAME) == [1]


def damage(folder, how):
    if how == "lost":
        shutil.rmtree(folder)
    elif how == "card":
        (folder / "card.json").write_text("{")
    elif how == "columns":  # and the card says so
        (folder / "test.csv").write_text("a,b\n1,2\n")
        resealed(folder)
    else:
        (folder / "test.csv").unlink()


@pytest.mark.parametrize("how", ["lost", "card", "columns", "answers"])
def test_a_reason_is_enough_whatever_is_wrong_with_the_champion(how, make, settings):
    registry.add(make("old", 60))
    registry.promote(NAME)
    damage(models.registered_folder(NAME, 1), how)
    registry.add(make("new", 70))
    with pytest.raises(RegistryError, match=r"2 was not promoted, for it can't be compared with the champion.*--force"):
        registry.promote(NAME)
    assert registry.promote(NAME, reason="the champion is lost") is None
    assert models.aliases(NAME) == {"champion": 2}
    assert "art-classifier" in models.registered_history(NAME)[-1]["doubt"]


@pytest.mark.parametrize("reason", ["one\u2028two", "one\u0085two", "one\rtwo", "a\udc80b"])
def test_a_promotion_is_kept_whatever_characters_its_reason_has(reason, make, settings):
    registry.add(make("old", 60))
    registry.promote(NAME)
    registry.add(make("new", 50))
    registry.promote(NAME, reason=reason)
    assert models.aliases(NAME) == {"champion": 2}
    kept = models.registered_history(NAME)[-1]["forced"]
    assert kept == reason.replace("\udc80", "\\udc80") and kept.encode()
    assert (settings.home / "registry" / "history.jsonl").read_bytes().isascii()


def test_a_line_with_an_end_of_line_of_unicode_is_read(make, settings):
    registry.add(make("old", 60))
    line = models.registered_history(NAME)[0] | {"event": "promote", "before": None, "aliases": {"champion": 1}}
    line["forced"] = "a\u2028b"
    with (settings.home / "registry" / "history.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    assert models.aliases(NAME) == {"champion": 1}


@pytest.mark.parametrize("reason", [5, True, b"a try", ["a try"]])
def test_a_reason_that_is_no_text_is_a_sentence(reason, make, settings):
    registry.add(make("mine", 60))
    with pytest.raises(RegistryError, match=r"The reason is .*; it can be None or a text\."):
        registry.promote(NAME, reason=reason)
    assert models.aliases(NAME) == {"challenger": 1}


def test_a_generator_that_is_not_to_be_used_is_promoted_with_a_reason(settings, tmp_path):
    folder = shutil.copytree(models.STARTERS / "starter-monet", tmp_path / "withdrawn")
    registry.add(resealed(folder, withdrawn={"monet": "It paints yellow blots."}))
    with pytest.raises(RegistryError, match=r"not to be used for Monets: It paints yellow blots\. Give a reason"):
        registry.promote("monet-generator")
    assert registry.promote("monet-generator", reason="a try") is None


def test_a_generator_without_measures_is_promoted_with_a_reason(settings, tmp_path):
    folder = shutil.copytree(models.STARTERS / "starter-monet", tmp_path / "unmeasured")
    registry.add("starter-monet")
    registry.promote("monet-generator")
    registry.add(resealed(folder, metrics={}))
    with pytest.raises(RegistryError, match="says nothing of 'monet'"):
        registry.promote("monet-generator")
    assert registry.promote("monet-generator", reason="it looks well") is None


def test_a_former_champion_that_is_lost_needs_a_reason_once(make, settings):
    """Otherwise a step down that was refused would pass as soon as the best champion's folder is lost."""
    registry.add(make("best", 60))
    registry.promote(NAME)
    registry.add(make("forced", 50))
    registry.promote(NAME, reason="a try")
    damage(models.registered_folder(NAME, 1), "lost")
    registry.add(make("between", 55))
    with pytest.raises(RegistryError, match=r"can't be compared with a former champion, art-classifier 1: .*--force"):
        registry.promote(NAME)
    assert registry.promote(NAME, reason="its folder is gone for good").against == f"{NAME}-2"
    assert models.registered_history(NAME)[-1]["passed"] == [1]
    registry.add(make("next", 90))
    assert registry.promote(NAME).against == f"{NAME}-3"
    assert "passed" not in models.registered_history(NAME)[-1]


def test_a_champion_that_was_passed_over_is_not_asked_for_again(make, settings):
    registry.add(make("lost", 60))
    registry.promote(NAME)
    damage(models.registered_folder(NAME, 1), "card")
    registry.add(make("second", 70))
    registry.promote(NAME, reason="the champion is lost")
    registry.add(make("third", 90))
    assert registry.promote(NAME).against == f"{NAME}-2"


def test_a_former_champion_of_other_pictures_is_left_out_with_a_warning(make, settings, capsys):
    registry.add(make("elsewhere", 60, first=5))
    registry.promote(NAME)
    registry.add(make("here", 70))
    registry.promote(NAME, reason="measured elsewhere")
    registry.add(make("next", 90))
    assert registry.promote(NAME).against == f"{NAME}-2"
    assert "art-classifier 1 is left out of the comparison" in capsys.readouterr().err


def test_other_test_paintings_or_none_can_not_be_compared(make, settings):
    registry.add(make("old", 60))
    registry.promote(NAME)
    registry.add(make("other", 90, first=5))
    with pytest.raises(RegistryError, match=r"of which 95 are the same"):
        registry.promote(NAME)
    assert registry.promote(NAME, reason="measured elsewhere") is None
    silent = make("silent", 90)
    (silent / "test.csv").unlink()
    with pytest.raises(ComparisonError, match=r"no readable test\.csv"):
        compare_models(make("any", 60), silent)
    with pytest.raises(ModelError, match=r"damaged \(test\.csv"):
        registry.add(silent)


def test_rolling_back_goes_through_all_champions(make, settings):
    for number, right in enumerate((50, 60, 70)):
        registry.add(make(f"m{number}", right))
        registry.promote(NAME)
    assert registry.champions(NAME) == [1, 2, 3]
    assert registry.rollback(NAME).number == 2
    assert registry.rollback(NAME).number == 1
    with pytest.raises(RegistryError, match="no previous champion"):
        registry.rollback(NAME)
    registry.promote(NAME, 3)
    assert registry.rollback(NAME).number == 1


def test_a_lost_champion_is_passed_over_on_the_way_back(make, settings, capsys):
    for number, right in enumerate((50, 60, 70, 80)):
        registry.add(make(f"m{number}", right))
        registry.promote(NAME)
    damage(models.registered_folder(NAME, 3), "lost")
    damage(models.registered_folder(NAME, 4), "lost")  # the current one need not be whole
    assert registry.rollback(NAME).number == 2
    assert "art-classifier 3 is passed over" in capsys.readouterr().err
    assert registry.champions(NAME) == [1, 2] and models.aliases(NAME)["champion"] == 2
    damage(models.registered_folder(NAME, 1), "lost")
    with pytest.raises(RegistryError, match=r"No former champion.*'art-classifier-1'"):
        registry.rollback(NAME)
    assert models.aliases(NAME)["champion"] == 2


def test_other_files_in_the_folder_of_a_model_do_no_harm(make, settings):
    source = make("mine", 50)
    (source / ".DS_Store").write_text("x")
    first = registry.add(source)
    assert not (first.folder / ".DS_Store").exists()
    registry.promote(NAME)
    (first.folder / "Thumbs.db").write_text("x")
    (settings.home / "registry" / "Thumbs.db").write_text("x")
    assert registry.add(source) == registry.add(make("again", 50)) and len(registry.versions(NAME)) == 1
    registry.add(make("next", 80))
    registry.promote(NAME)
    assert registry.rollback(NAME).number == 1
    assert models.load_model("registry:champion").identity == first.digest


def test_adding_a_model_whose_copy_was_changed_names_the_file(make, settings):
    mine = make("mine", 50)
    (registry.add(mine).folder / "novelty.npz").unlink()
    with pytest.raises(RegistryError, match=r"is art-classifier 1 already.*novelty\.npz is missing.*Move the folder"):
        registry.add(mine)


def test_the_history_is_read_once_in_each_step(make, settings, monkeypatch):
    reads, read = [], models.read_records
    monkeypatch.setattr(models, "read_records", lambda *given: reads.append(1) or read(*given))
    one, two = make("one", 50), make("two", 80)
    registry.add(make("first", 40))
    for step in (
        lambda: registry.add(one),
        lambda: registry.promote(NAME),
        lambda: registry.add(two),
        lambda: registry.promote(NAME),
        lambda: registry.rollback(NAME),
        lambda: registry.versions(NAME),
    ):
        models.list_models()
        reads.clear()
        (settings.home / "registry" / "history.jsonl").touch()
        step()
        models.list_models()
        assert len(reads) <= 2, "before the step, and with its own line"


def test_there_are_only_the_names_of_the_kinds(settings):
    with pytest.raises(RegistryError, match="no registered name 'art'; there are art-classifier"):
        registry.promote("art")


def test_a_version_whose_files_were_changed_is_not_trusted(make, settings):
    for number, right in enumerate((50, 60)):
        registry.add(make(f"m{number}", right))
        registry.promote(NAME)
    with (models.find("registry:1", "classifier") / "novelty.npz").open("ab") as file:
        file.write(b"x")
    for use in (registry.rollback, lambda _: models.load_model("registry:1")):
        with pytest.raises((ModelError, RegistryError), match=r"damaged \(novelty\.npz is not the file"):
            use(NAME)
    assert models.aliases(NAME) == {"champion": 2}


def test_a_card_that_was_changed_after_it_was_registered_is_not_trusted(make, settings):
    registry.add(make("mine", 50))
    resealed(models.find("registry:1"), title="another")  # whole, and not what was registered
    for name in ("registry:1", f"{NAME}-1"):
        with pytest.raises(ModelError, match=r"not those that were registered \(its card\.json was changed"):
            models.load_model(name)


def test_after_a_rollback_the_champion_is_no_challenger(make, settings):
    first = make("first", 60)
    registry.add(first)
    registry.promote(NAME)
    registry.add(make("second", 90))
    registry.promote(NAME)
    assert registry.add(first).aliases == ("challenger",)
    assert registry.rollback(NAME).aliases == ("champion",)


def test_a_lost_history_makes_no_promotion_unconditional(make, settings):
    for number, right in enumerate((60, 90)):
        registry.add(make(f"m{number}", right))
        registry.promote(NAME)
    (settings.home / "registry" / "history.jsonl").unlink()
    registry.add(make("worse", 50))
    with pytest.raises(RegistryError, match=r"no champion.*name the folders art-classifier-1, art-classifier-2\. Give"):
        registry.promote(NAME)
    assert registry.promote(NAME, reason="the history is lost") is None
    assert models.aliases(NAME) == {"champion": 3}


def test_a_folder_that_a_person_named_with_a_date_is_no_version(make, settings):
    (settings.home / "registry" / f"{NAME}-20261128").mkdir(parents=True)
    assert registry.add(make("mine", 60)).number == 1
    assert registry.promote(NAME) is None


def test_a_line_that_was_cut_short_is_as_if_it_had_never_been(make, settings, capsys):
    registry.add(make("mine", 50))
    registry.promote(NAME)
    with (settings.home / "registry" / "history.jsonl").open("a") as file:
        file.write('{"name": "art-classifier", "aliases": {"champ')
    assert models.aliases(NAME) == {"champion": 1}
    registry.add(make("next", 60))
    assert models.aliases(NAME) == {"champion": 1, "challenger": 2}
    told = capsys.readouterr().err
    assert told.count("artnb:") == 1, "once, however often it is read"
    assert "Line 3 of 'history.jsonl' can't be read" in told


def test_a_number_is_never_used_twice_even_if_the_history_is_lost(make, settings):
    first, second = make("first", 50), make("second", 60)
    registry.add(first)
    (settings.home / "registry" / "history.jsonl").unlink()
    kept = (settings.home / "registry" / f"{NAME}-1" / "card.json").read_bytes()
    assert registry.add(second).number == 2
    assert (settings.home / "registry" / f"{NAME}-1" / "card.json").read_bytes() == kept


def test_a_lost_folder_is_copied_again_when_its_model_is_added(make, settings):
    mine = make("mine", 50)
    shutil.rmtree(registry.add(mine).folder)
    assert registry.add(mine).number == 1
    models.check_whole(models.find(f"registry:{NAME}@1"))


def test_an_attempt_that_was_cut_short_leaves_no_version(make, settings, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    mine = make("mine", 50)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "copyfile", full)
        with pytest.raises(OSError, match="No space"):
            registry.add(mine)
    assert registry.versions(NAME) == [] and not list((settings.home / "registry").glob("art*"))
    assert registry.add(make("again", 50)).number == 1


def test_the_way_back_gives_the_same_predictions_to_the_bit(settings, tmp_path):
    def load_champion():
        model = models.load_model("registry:champion")
        images = np.random.default_rng(3).integers(0, 256, (4, model.card.size, model.card.size, 3), np.uint8)
        return model.card.title, model.outputs(images)

    registry.add("starter-cnn")
    registry.promote(NAME)
    title, before = load_champion()
    other = shutil.copytree(models.STARTERS / "starter", tmp_path / "other")
    shutil.copyfile(models.STARTERS / "starter-cnn" / "test.csv", other / "test.csv")  # the two have tests of their own
    registry.add(resealed(other))
    assert registry.promote(NAME).verdict == "not worse"
    assert load_champion()[0] != title
    registry.rollback(NAME)
    again, after = load_champion()
    assert again == title and all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_comparison_is_a_page(make):
    old, new = make("old", 60), make("new", 40)
    page = comparison_page(compare_models(old, new), old, new)
    assert "40.0% against 60.0% of old" in page and "| Titian | 100 | 0.60 | 0.40 |" in page
    assert "**The new model is worse**" in page and "used again at each promotion" in page
    assert "the true quality of the champions can go down" in page
    again = make("again", 60)
    assert "too few pictures to tell" in comparison_page(compare_models(old, again), old, again)


def test_generators_are_compared_by_kid_on_the_same_pictures(tmp_path):
    def monet(name, value, up=0.003, **changes):
        folder = shutil.copytree(models.STARTERS / "starter-monet", tmp_path / name)
        metrics = json.loads((folder / "card.json").read_text())["metrics"]
        kid = metrics["monet"]["generated"]
        kid |= {"value": value, "interval": [value - 0.003, value + up]}
        return resealed(folder, metrics=metrics, **changes)

    old = monet("old", 0.05)
    # Untouched photographs have 0.0708, paintings -0.0005; a tenth of the way is 0.0071. 80 % instead of 95 %: 0.6539.
    half = 0.003 * 2**0.5 * 0.6539
    better = compare_models(old, monet("better", 0.04))
    assert better.margin == pytest.approx(0.00713, abs=1e-5) and better.n == 189
    assert better.interval == pytest.approx((-0.01 - half, -0.01 + half), abs=1e-5)
    lopsided = compare_models(monet("old and high", 0.05, 0.004), monet("lopsided", 0.04, 0.006)).interval
    ends = -0.01 - 0.6539 * np.hypot(0.003, 0.004), -0.01 + 0.6539 * np.hypot(0.006, 0.003)
    assert lopsided == pytest.approx(ends, abs=1e-5)
    verdicts = {value: compare_models(old, monet(str(value), value)).verdict for value in (0.045, 0.054, 0.058, 0.061)}
    assert list(verdicts.values()) == ["not worse", "not worse", "too few pictures", "worse"]
    assert compare_models(old, monet("seed", 0.05, seed=3)).verdict == "not worse", "what counts is the pictures"
    with pytest.raises(ComparisonError, match="different pictures"):
        compare_models(old, monet("other", 0.05, test="of other files"))
    for cards in ((old, monet("silent", 0.05, pictures={})), (monet("mute", 0.05, pictures={}), old)):
        with pytest.raises(ComparisonError, match="says nothing of 'test_photos'"):
            compare_models(*cards)
    with pytest.raises(ComparisonError, match="is a cyclegan and 'starter-cnn' a classifier"):
        compare_models(old, models.STARTERS / "starter-cnn")


def test_mlflow_shows_what_the_registry_holds(make, use, tmp_path, capsys, monkeypatch):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    settings = use(home=tmp_path / "home")
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "mirror", lambda: None)
        registry.add(make("old", 60))
        registry.promote(NAME)
        registry.add(make("new", 50))
        registry.promote(NAME, reason="a try")
    registry.rollback(NAME)  # MLflow learns of everything at once, as if its database had been lost
    assert capsys.readouterr().err == ""
    client = MlflowClient(tracking.address(), tracking.address())
    aliases = client.get_registered_model(NAME).aliases
    assert {alias: int(number) for alias, number in aliases.items()} == {"champion": 1}
    version = client.get_model_version(NAME, "2")
    run = client.get_run(version.run_id)
    card = Card.load(models.STARTERS / "starter-cnn")
    assert run.data.params["network"] == "cnn" and run.data.params["phases.0.learning_rate"] == "0.002"
    assert run.data.tags["data"] == card.split and run.data.tags["source"] == "folder"
    assert "who painted this" in version.description and any("a try" in text for text in version.tags.values())
    history = pd.read_csv(models.STARTERS / "starter-cnn" / "history.csv")
    logged = [metric.value for metric in client.get_metric_history(version.run_id, "val_accuracy")]
    assert sorted(logged) == pytest.approx(sorted(history["val_accuracy"]))
    assert {file.path for file in client.list_artifacts(version.run_id, "figures")} == {
        "figures/confusion matrix.png",
        "figures/learning curves.png",
    }
    (weights,) = (settings.home / "registry" / "mlflow").glob("**/art-classifier-2/model.weights.h5")
    assert weights.read_bytes() == (models.registered_folder(NAME, 2) / "model.weights.h5").read_bytes()


@pytest.fixture
def known(use, tmp_path):
    """The folder of a registry of one version that MLflow knows, at a path with signs that URIs encode."""
    pytest.importorskip("mlflow")
    home = use(home=tmp_path / "a b#ü").home
    registry.add("starter-cnn")
    return home / "registry"


def lose_database(folder):
    (folder / "mlflow.db").write_bytes(np.random.default_rng(1).bytes(5000))


def lose_artifacts(folder):
    shutil.rmtree(folder / "mlflow")


def confuse(folder):
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.execute("UPDATE model_version_tags SET value = 'another' WHERE key = 'digest'")


@pytest.mark.parametrize("trouble", [lose_database, lose_artifacts, confuse])
def test_a_step_that_mlflow_can_not_take_is_made_and_the_way_out_is_named(trouble, known, capsys):
    trouble(known)
    assert registry.promote(NAME) is None and models.aliases(NAME) == {"champion": 1}
    told = capsys.readouterr().err
    assert told.count("artnb:") == 1 and "MLflow could not be updated" in told
    assert "move mlflow.db and the folder mlflow out of" in told and "`artnb models ui` then creates both" in told


@pytest.mark.slow
def test_a_home_that_was_moved_is_no_home_of_mlflows_until_its_database_is_created_again(known, use, tmp_path, capsys):
    use(home=shutil.copytree(known.parent, tmp_path / "moved"))
    registry.promote(NAME)
    assert "its database is of another folder" in capsys.readouterr().err
    home = use(home=shutil.copytree(known.parent, tmp_path / "again")).home
    (home / "registry" / "mlflow.db").unlink()
    shutil.rmtree(home / "registry" / "mlflow")
    assert "--no-serve-artifacts" in tracking.page_command()
    assert list((home / "registry" / "mlflow").glob(f"**/{NAME}-1/model.weights.h5"))


def test_a_database_of_an_older_mlflow_is_a_warning(known, use, tmp_path, capsys):
    home = use(home=shutil.copytree(known.parent, tmp_path / "old")).home  # one that MLflow has not opened yet
    with sqlite3.connect(home / "registry" / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    registry.promote(NAME)
    told = capsys.readouterr().err
    assert "out-of-date database schema" in told and "move mlflow.db" in told
    assert models.aliases(NAME) == {"champion": 1}


def test_mlflow_counts_as_the_registry_does_also_past_a_version_that_is_lost(make, use, tmp_path, monkeypatch, capsys):
    pytest.importorskip("mlflow")
    from mlflow import MlflowClient

    use(home=tmp_path / "home")
    with monkeypatch.context() as patch:
        patch.setattr(tracking, "mirror", lambda: None)
        first = registry.add(make("old", 60))
        registry.add(make("new", 90))
        registry.promote(NAME)
    shutil.rmtree(first.folder)
    tracking.refresh()
    client = MlflowClient(tracking.address(), tracking.address())
    assert {alias: int(number) for alias, number in client.get_registered_model(NAME).aliases.items()} == {
        "champion": 2
    }
    assert "'art-classifier-1' holds no readable card.json" in client.get_model_version(NAME, "1").description
    assert client.get_model_version(NAME, "2").run_id
    registry.add(tmp_path / "old")  # it is whole again, which MLflow can't be told
    assert f"its {NAME} 1 is not that of the registry" in capsys.readouterr().err


def test_a_run_of_a_process_that_was_killed_is_ended_by_the_next_step(known, capsys):
    from mlflow import MlflowClient

    client = MlflowClient(tracking.address(), tracking.address())
    experiment = client.get_experiment_by_name(NAME).experiment_id
    begun = client.create_run(experiment)  # which is all that a kill leaves
    client.delete_model_version_tag(NAME, "1", "digest")  # a kill came before it was set
    registry.promote(NAME)
    assert capsys.readouterr().err == ""
    states = {run.info.run_id: run.info.status for run in client.search_runs([experiment])}
    version = client.get_model_version(NAME, "1")
    assert states == {begun.info.run_id: "KILLED", version.run_id: "FINISHED"}
    assert version.tags["digest"] == registry.versions(NAME)[0].digest


@pytest.mark.parametrize("sign", ["%", "?"])
def test_a_home_that_mlflow_can_not_use_is_a_warning(sign, use, tmp_path, capsys):
    pytest.importorskip("mlflow")
    use(home=tmp_path / f"a{sign}20b")
    assert registry.add("starter-cnn").number == 1
    assert "can't use a path that holds % or ?" in capsys.readouterr().err


def test_mlflows_settings_are_left_alone(use, tmp_path, monkeypatch, capsys):
    mlflow = pytest.importorskip("mlflow")
    given = {"MLFLOW_RUN_ID": "abc", "MLFLOW_EXPERIMENT_NAME": "none", "MLFLOW_TRACKING_URI": "http://127.0.0.1:9"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    use(home=tmp_path / "home")
    mlflow.set_tracking_uri("http://127.0.0.1:9")
    try:
        registry.add("starter-cnn")
        assert capsys.readouterr().err == ""
        assert mlflow.get_tracking_uri() == mlflow.get_registry_uri() == "http://127.0.0.1:9"
        assert {name: os.environ.get(name) for name in given} == given
    finally:
        mlflow.set_tracking_uri("")


def test_without_mlflow_the_registry_works_and_says_so(make, use, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    monkeypatch.setattr(extras, "_installed", lambda package: False)
    use(home=tmp_path / "home")
    assert registry.add(make("mine", 60)).number == 1
    told = capsys.readouterr().err
    assert 'pip install "mlflow>=3.17,!=3.18.0" ' in told and "seaborn" in told and "statsmodels" in told
    registry.promote(NAME)
    for command in (tracking.page_command, lambda: tracking.serve_command(NAME)):
        with pytest.raises(tracking.TrackingError, match=r"pip install \"mlflow"):
            command()


def test_a_package_that_the_figures_need_is_named_before_anything_is_written(make, use, tmp_path, monkeypatch, capsys):
    pytest.importorskip("mlflow")
    find = tracking.find_spec
    monkeypatch.setattr(tracking, "find_spec", lambda name: None if name == "seaborn" else find(name))
    monkeypatch.setattr(extras, "_installed", lambda package: package != "seaborn")
    home = use(home=tmp_path / "home").home
    assert registry.add(make("mine", 60)).number == 1
    told = capsys.readouterr().err
    assert 'need seaborn, so nothing can be shown there; install what is missing with: pip install "seaborn' in told
    assert "mlflow.db" not in told and not (home / "registry" / "mlflow.db").exists()
    registry.promote(NAME)
    with pytest.raises(extras.MissingExtraError, match="need seaborn"):
        tracking.serve_command(NAME)


def test_a_package_that_turns_out_to_be_missing_is_not_mlflows_fault(make, use, tmp_path, monkeypatch):
    pytest.importorskip("mlflow")

    def missing(*_):
        raise extras.MissingExtraError("The figures need seaborn.")

    monkeypatch.setattr(tracking, "_figures", missing)
    use(home=tmp_path / "home")
    registry.add(make("mine", 60))
    with pytest.raises(extras.MissingExtraError, match=r"^The figures need seaborn\.$"):
        tracking.refresh()


def add_with_a_gap(make, number):
    """A version 1, and the next one with another number."""
    registry.add(make("first", 60))
    models.registered_folder(NAME, number - 1).mkdir()
    assert registry.add(make("second", 90)).number == number


def test_mlflow_follows_past_numbers_that_are_missing_every_time(make, use, tmp_path, capsys):
    pytest.importorskip("mlflow")
    use(home=tmp_path / "home")
    add_with_a_gap(make, 4)
    registry.promote(NAME, 4, reason="a try")
    tracking.refresh()
    assert capsys.readouterr().err == ""


def test_mlflow_does_not_follow_into_the_thousands(make, settings):
    pytest.importorskip("mlflow")
    add_with_a_gap(make, 2027)
    with pytest.raises(
        tracking.TrackingError, match=r"of the numbers up to 2027 the registry has only 2\. .*ARTNB_HOME"
    ):
        tracking.refresh()


def test_the_commands_are_for_this_machine_only_and_know_the_database(known):
    with pytest.raises(tracking.TrackingError, match="has no champion"):
        tracking.serve_command(NAME)
    with pytest.raises(tracking.TrackingError, match=r"no version yet; register a model first with `artnb models add"):
        tracking.serve_command("monet-generator")
    with pytest.raises(tracking.TrackingError, match="no registered name 'art'"):
        tracking.serve_command("art")
    registry.promote(NAME)
    page, serve = tracking.page_command(5001), tracking.serve_command(NAME, 5002)
    for command, port in ((page, "5001"), (serve, "5002")):
        assert command[command.index("--host") + 1] == "127.0.0.1" and command[command.index("--port") + 1] == port
    assert f"models:/{NAME}@champion" in serve
    environment = tracking.environment()
    assert environment["MLFLOW_TRACKING_URI"] == f"sqlite:///{known.as_posix()}/mlflow.db"
    assert environment["DO_NOT_TRACK"] == "true" and environment["ARTNB_HOME"] == str(known.parent)
    shutil.rmtree(models.registered_folder(NAME, 1))
    with pytest.raises(ModelError):
        tracking.serve_command(NAME)


@pytest.fixture
def artnb(capsys):
    """What a command about models prints as JSON, and its exit code."""

    def artnb(*words):
        code = main(["models", *words, "--json"])
        said = capsys.readouterr()
        assert not said.err
        return json.loads(said.out), code

    return artnb


def test_commands_add_list_promote_and_roll_back(make, settings, artnb):
    added, _ = artnb("add", str(make("one", 60)))
    assert (added["name"], added["number"], added["aliases"]) == (NAME, 1, ["challenger"])
    assert artnb("promote") == ({"name": NAME, "champion": 1, "comparison": None}, 0)
    artnb("add", str(make("two", 80)))
    promoted, code = artnb("promote")
    assert (promoted["champion"], promoted["comparison"]["verdict"], code) == (2, "not worse", 0)
    again, _ = artnb("add", str(make("three", 70)))
    assert (again["number"], again["aliases"]) == (3, ["challenger"])
    listed, code = artnb("list")
    assert [(row["number"], row["aliases"], row["problem"]) for row in listed["versions"]] == [
        (1, [], ""), (2, ["champion"], ""), (3, ["challenger"], ""),
    ]  # fmt: skip
    assert code == 0 and not any(row["name"].startswith("registry:") for row in listed["results"]), "each is said once"
    back, code = artnb("rollback")
    assert (back["number"], back["aliases"], back["digest"], code) == (1, ["champion"], added["digest"], 0)
    listed, _ = artnb("list")
    assert [row["aliases"] for row in listed["versions"]] == [["champion"], [], ["challenger"]]
    assert [event["event"] for event in listed["history"]] == ["add", "promote", "add", "promote", "add", "rollback"]


def test_a_worse_model_is_promoted_by_a_command_that_says_why(make, settings, artnb):
    for name, right in (("old", 80), ("new", 60)):
        artnb("add", str(make(name, right)))
        refused, code = artnb("promote")
    assert code == 1 and "--force" in refused["error"] and models.aliases(NAME)["champion"] == 1
    assert artnb("promote", "--force", "it is smaller")[1] == 0
    assert models.aliases(NAME)["champion"] == 2
    assert artnb("list")[0]["history"][-1]["forced"] == "it is smaller"


def test_commands_about_the_registry_say_what_they_did(make, settings, capsys):
    def said(*words):
        assert main(["models", *words]) == 0
        return capsys.readouterr().out

    assert f"{NAME}   1  challenger" in said("add", str(make("one", 60)))
    assert said("promote", "registry:1") == f"{NAME} 1 is the champion\n"
    said("add", str(make("two", 80)))
    assert f"{NAME} 2 is the champion; " in said("promote")
    assert f"{NAME} 1 is the champion again, with identical files" in said("rollback", NAME)
    *_, last, first, before, back = said("list").splitlines()
    assert last.startswith(f"{NAME}   2  ") and first.endswith(f"promote {NAME} - -> 1")
    assert before.endswith(f"promote {NAME} 1 -> 2") and back.endswith(f"rollback {NAME} 2 -> 1")


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["rollback"], 1, "has no previous champion"),
        (["rollback", "monet-generator"], 1, "has no previous champion"),
        (["add", "nobody"], 1, "'nobody'"),
        (["promote", "nobody"], 1, "'nobody'"),
        (["promote"], 1, "art-classifier has no version yet"),
        (["promote", "starter-cnn"], 2, "register it first with: artnb models add MODEL"),
        (["rollback", "painter"], 2, "'painter' is not one of 'art-classifier', 'monet-generator'"),
    ],
)
def test_a_command_that_can_not_change_the_registry_says_why(words, code, sentence, settings, artnb, capsys):
    said, ended = artnb(*words)
    assert (list(said), ended) == (["error"], code) and sentence in said["error"] and "\n" not in said["error"]
    assert main(["models", *words]) == code
    error = capsys.readouterr().err
    assert sentence in error and (code == 2 or error.count("\n") == 1)
    assert not (settings.home / "registry" / "history.jsonl").exists()
