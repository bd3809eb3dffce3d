"""The registry, on copies of the models that ship; most of it needs neither TensorFlow nor MLflow."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from artnb import models
from artnb.cards import Card, ModelError
from artnb.operation import registry, tracking
from artnb.operation.comparing import ComparisonError, compare_models, comparison_page
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
    # Of 100 paired differences 20 are 1 and 80 are 0: mean 0.2, standard error 0.04.
    assert comparison.interval == pytest.approx((0.2 - 1.96 * 0.04, 0.2 + 1.96 * 0.04), abs=0.015)
    assert models.aliases(NAME) == {"champion": 2}
    with pytest.raises(RegistryError, match=r"1 was not promoted.*worse.*80\.0% before, 60\.0% now.*--force"):
        registry.promote(NAME, 1)
    assert models.aliases(NAME) == {"champion": 2}
    with pytest.raises(RegistryError, match="not promoted"):
        registry.promote(NAME, 1, reason="  ")
    registry.promote(NAME, 1, reason="its successor is too slow")
    event = models.registered_history(NAME)[-1]
    assert event["forced"] == "its successor is too slow" and event["before"] == 2 and "worse" in event["doubt"]


def test_a_difference_within_the_interval_is_no_reason_to_refuse(make, settings):
    registry.add(make("old", 60))
    registry.promote(NAME)
    registry.add(make("new", 59, wrong_first=True))
    comparison = registry.promote(NAME)
    assert (
        comparison.new < comparison.old and comparison.interval[0] < 0 < comparison.interval[1] and comparison.p > 0.5
    )


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


def test_a_version_whose_files_were_changed_is_not_trusted(make, settings):
    for number, right in enumerate((50, 60)):
        registry.add(make(f"m{number}", right))
        registry.promote(NAME)
    with (models.find("registry:1", "classifier") / "novelty.npz").open("ab") as file:
        file.write(b"x")
    for use in (registry.rollback, lambda _: models.load_model("registry:1")):
        with pytest.raises(ModelError, match=r"damaged \(novelty\.npz is not the file"):
            use(NAME)
    assert models.aliases(NAME) == {"champion": 2}


def test_a_card_that_was_changed_after_it_was_registered_is_not_trusted(make, settings):
    registry.add(make("mine", 50))
    resealed(models.find("registry:1"), title="another")  # whole, and not what was registered
    for name in ("registry:1", f"{NAME}-1"):
        with pytest.raises(ModelError, match="not those that were registered"):
            models.load_model(name)


def test_a_line_that_was_cut_short_is_as_if_it_had_never_been(make, settings):
    registry.add(make("mine", 50))
    registry.promote(NAME)
    with (settings.home / "registry" / "history.jsonl").open("a") as file:
        file.write('{"name": "art-classifier", "aliases": {"champ')
    assert models.aliases(NAME) == {"champion": 1}
    registry.add(make("next", 60))
    assert models.aliases(NAME) == {"champion": 1, "challenger": 2}


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


def test_the_way_back_gives_the_same_predictions_to_the_bit(settings):
    def load_champion():
        model = models.load_model("registry:champion")
        images = np.random.default_rng(3).integers(0, 256, (4, model.card.size, model.card.size, 3), np.uint8)
        return model.card.title, model.outputs(images)

    registry.add("starter-cnn")
    registry.promote(NAME)
    title, before = load_champion()
    registry.add("starter")
    assert not registry.promote(NAME).worse
    assert load_champion()[0] != title
    registry.rollback(NAME)
    again, after = load_champion()
    assert again == title and all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))


def test_the_comparison_is_a_page(make):
    old, new = make("old", 60), make("new", 40)
    page = comparison_page(compare_models(old, new), old, new)
    assert (
        "60.0% before, 40.0% now" in page
        and "| Titian | 100 | 0.60 | 0.40 |" in page
        and "is significantly worse" in page
    )


def test_generators_are_compared_by_kid_on_the_same_pictures(tmp_path):
    def monet(name, value, **changes):
        folder = shutil.copytree(models.STARTERS / "starter-monet", tmp_path / name)
        metrics = json.loads((folder / "card.json").read_text())["metrics"]
        kid = metrics["monet"]["generated"]
        kid |= {"value": value, "interval": [value - 0.003, value + 0.003]}
        return resealed(folder, metrics=metrics, **changes)

    old = monet("old", 0.05)
    assert compare_models(old, monet("worse", 0.06)).worse and not compare_models(old, monet("luck", 0.053)).worse
    assert compare_models(old, monet("better", 0.04)).interval == pytest.approx(
        (-0.01 - 0.003 * 2**0.5, -0.01 + 0.003 * 2**0.5)
    )
    assert not compare_models(old, monet("another seed", 0.05, seed=3)).worse, (
        "the pictures count, not what they came by"
    )
    with pytest.raises(ComparisonError, match="different pictures"):
        compare_models(old, monet("other", 0.05, test="of other files"))


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


def test_without_mlflow_the_registry_works_and_says_so(make, use, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tracking, "find_spec", lambda name: None)
    use(home=tmp_path / "home")
    assert registry.add(make("mine", 60)).number == 1
    assert 'pip install "mlflow>=3.17,!=3.18.0"' in capsys.readouterr().err
    with pytest.raises(tracking.TrackingError, match=r"pip install \"mlflow"):
        tracking.server_command()


def test_mlflows_page_is_for_this_machine_only():
    pytest.importorskip("mlflow")
    command = tracking.server_command(5001)
    assert command[command.index("--host") + 1] == "127.0.0.1" and tracking.OFFLINE["DO_NOT_TRACK"] == "true"
