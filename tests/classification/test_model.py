import copy as copying
import io
import json
import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from artnb import models
from artnb.cards import Card, ModelError
from artnb.classification.explaining import hires_cam
from artnb.classification.model import course_classifier, train_classifier
from artnb.classification.networks import build_network
from artnb.classification.page import classifier_page
from artnb.classification.prediction import UNFAMILIAR
from artnb.errors import TrainingError
from artnb.images import ImageError, fit, load_image
from artnb.models import list_models, load_model
from artnb.paintings.sources import read_collection
from artnb.paintings.splits import SplitError, split_digest
from tests.classification.conftest import ARTISTS, tiny
from tests.conftest import resealed
from tools.starters import make_starter


@pytest.fixture
def copy(model, tmp_path):
    return shutil.copytree(model.folder, tmp_path / "copy")


@pytest.fixture(scope="module")
def painting(collection):
    return collection.file(collection.paintings["path"][0])


@pytest.mark.slow
def test_a_model_is_whole(model, table):
    names = {path.name for path in model.folder.iterdir()}
    assert {"model.weights.h5", "card.json", "novelty.npz", "split.csv", "history.csv", "README.md"} <= names
    card = Card.load(model.folder)
    assert card.class_names == tuple(sorted(artist.replace("_", " ") for artist in ARTISTS))
    assert card.split == split_digest(table) and card.parameters == model.network.model.count_params()
    assert {name: row["n"] for name, row in card.metrics.items()} == table["subset"].value_counts().to_dict()
    assert card.metrics["test"]["accuracy"] > 0.8, "three colours should be learnt"
    assert card.epochs == len(model.history) == 12
    text = (model.folder / "README.md").read_text()
    assert f"{card.metrics['test']['accuracy']:.1%}" in text and "What it is bad at" in text
    assert card.made["precision"] in ("float32", "mixed_bfloat16", "mixed_float16")
    assert f"on a processor in {card.made['precision']}, seed" in classifier_page(card)
    older = replace(card, made={"device": "a processor"})
    assert "on a processor, seed" in classifier_page(older), "of a card that does not say it, nothing is claimed"


def test_what_was_trained_is_what_is_loaded(model, painting, table):
    loaded = load_model(model.folder)
    assert loaded(painting) == model(painting), "a network in memory is the same kind of object"
    image = np.random.default_rng(0).integers(0, 256, (1, 32, 32, 3), np.uint8)
    raw, again = (each.network.model(image.astype("float32"), training=False).numpy() for each in (model, loaded))
    assert np.array_equal(raw, again)
    assert loaded.history.equals(pd.read_csv(model.folder / "history.csv")) and loaded.split.equals(table)
    tested = table[table["subset"] == "test"]
    assert loaded.answers["sha256"].tolist() == tested["sha256"].tolist() and len(loaded.reference) > 0
    right = (loaded.answers["artist"] == loaded.answers["predicted"]).mean()
    assert right == pytest.approx(loaded.card.metrics["test"]["accuracy"], abs=1e-4)


def test_a_path_bytes_a_file_object_and_an_array_are_the_same_picture(model, painting):
    content = painting.read_bytes()
    ways = [painting, str(painting), content, memoryview(content), io.BytesIO(content), load_image(painting)]
    answers = [model(way) for way in ways]
    assert all(answer == answers[0] for answer in answers) and answers[0].artist == "Claude Monet"
    several = model([painting, load_image(painting)])
    assert [answer.artist for answer in several] == ["Claude Monet"] * 2 and model([]) == []
    assert several[0].probability == pytest.approx(answers[0].probability, abs=1e-5)


def test_floats_are_refused_with_their_range(model, painting):
    for image in (load_image(painting) / 255, load_image(painting).astype(np.float32)):
        with pytest.raises(ImageError, match=r"from 0(\.\d+)? to"):
            model(image)
        with pytest.raises(ImageError, match="uint8"):
            model.predict_proba([image])


def test_a_prediction_ranks_every_artist(model, painting):
    answer = model(painting)
    assert sorted(artist for artist, _ in answer.ranked) == sorted(model.card.class_names)
    probabilities = [probability for _, probability in answer.ranked]
    assert probabilities == sorted(probabilities, reverse=True) and sum(probabilities) == pytest.approx(1)
    found = answer.to_dict()
    assert found["ranked"][0] == {"artist": answer.artist, "probability": round(answer.probability, 6)}
    assert answer.artist in str(answer)


def test_a_picture_is_prepared_as_in_training(model, painting):
    assert model(fit(load_image(painting), model.card.size)) == model(painting)


def test_pictures_one_by_one_and_all_at_once_are_the_same(model, collection):
    files = [collection.file(path) for path in collection.paintings["path"][:9]]
    whole = model.predict_proba(files)
    assert np.allclose(whole, np.concatenate([model.predict_proba([file]) for file in files]), atol=1e-5)
    many = model.predict_proba(files * 9)  # more than a batch
    assert np.allclose(many, np.tile(whole, (9, 1)), atol=1e-5)
    assert np.allclose(model.predict_proba(model.prepare(files)), whole, atol=1e-6)


def test_a_picture_unlike_all_others_is_noticed(model, collection):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = (0, 255, 0)
    buffer = io.BytesIO()
    Image.fromarray(stripes).save(buffer, "PNG")
    answer = model(buffer.getvalue())
    assert answer.unfamiliar and UNFAMILIAR in str(answer) and answer.distance > model.novelty.threshold
    known = [answer.unfamiliar for answer in model([collection.file(path) for path in collection.paintings["path"]])]
    assert np.mean(known) < 0.3


def test_the_most_similar_training_paintings_are_found(model, collection, table):
    train = table[table["subset"] == "train"]
    loaded = load_model(model.folder)
    for path, artist in zip(train["path"][::9], train["artist"][::9], strict=True):
        near = loaded.similar(loaded(collection.file(path)))
        assert near["path"][0] == path and near["similarity"][0] == pytest.approx(1, abs=1e-3), "it is there itself"
        assert near["similarity"].is_monotonic_decreasing and near["similarity"].between(-1.001, 1.001).all()
        assert set(near["subset"]) == {"train"} and list(near["artist"]) == [artist] * 3, "colours tell these apart"
    held_out = table[table["subset"] == "test"]
    first = [loaded.similar(loaded(collection.file(path)), 1)["artist"][0] for path in held_out["path"]]
    assert np.mean(first == held_out["artist"]) > 0.8
    assert len(loaded.similar(loaded(collection.file(table["path"][0])), 1000)) == train["group"].nunique()


def test_photographs_of_one_painting_are_one_similar_painting(model, collection, table):
    twins = copying.copy(model)
    path = table.loc[table["subset"] == "train", "path"].iloc[0]
    first = model.similar(model(collection.file(path)), 2)
    split = table.copy()
    split.loc[split["path"].isin(first["path"]), "group"] = -1
    vars(twins)["split"] = split
    near = twins.similar(model(collection.file(path)), 2)
    assert near["path"][0] == first["path"][0] and near["path"][1] != first["path"][1]


def test_without_embeddings_or_with_others_a_sentence_says_so(model, collection, copy):
    answer = model(collection.file(collection.paintings["path"][0]))
    card = Card.load(copy)
    (copy / "embeddings.npy").write_bytes(b"\x93NUMPY")
    resealed(copy)
    with pytest.raises(ModelError, match=r"damaged \(embeddings\.npy"):
        load_model(copy).similar(answer)
    np.save(copy / "embeddings.npy", np.zeros((3, 32), np.float16))
    resealed(copy)
    with pytest.raises(ModelError, match="another split"):
        load_model(copy).similar(answer)
    models.write_card(copy, replace(card, files={k: v for k, v in card.files.items() if k != "embeddings.npy"}), "")
    with pytest.raises(ModelError, match=r"older artnb.*train it again"):
        load_model(copy).similar(answer)


def test_a_bad_file_is_one_sentence(model, tmp_path):
    for content in (b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 50):
        (tmp_path / "bad.jpg").write_bytes(content)
        with pytest.raises(ImageError, match=r"bad\.jpg"):
            model(tmp_path / "bad.jpg")


def test_models_are_found_by_name_and_by_path(model, tmp_path, use):
    use(home=tmp_path)
    shutil.copytree(model.folder, tmp_path / "models" / "mine")
    assert models.find("mine", "classifier") == tmp_path / "models" / "mine"
    assert models.find(model.folder, "classifier") == model.folder
    assert [entry.name for entry in list_models("classifier")][-1] == "mine"
    with pytest.raises(ModelError, match=r"no classifier 'nobody'; by name there are .*'mine'"):
        models.find("nobody", "classifier")
    with pytest.raises(ModelError, match="is a classifier; a cyclegan was asked for"):
        load_model("mine", "cyclegan")


def test_the_list_shows_every_kind_and_what_is_damaged(model, tmp_path, use):
    use(home=tmp_path)
    for name in ("cut", "whole", "empty"):
        shutil.copytree(model.folder, tmp_path / "models" / name)
    (tmp_path / "models" / "cut" / "card.json").write_text('{"kind": "classi')
    (tmp_path / "models" / "empty" / "model.weights.h5").unlink()
    found = {entry.name: entry for entry in list_models()}
    assert {entry.card.kind for entry in found.values() if entry.card} == {"classifier", "cyclegan", "painter"}
    assert found["whole"].card == model.card and not found["whole"].problem
    assert found["cut"].card is None and "no readable card.json" in found["cut"].problem
    assert "model.weights.h5 is missing" in found["empty"].problem


@pytest.mark.parametrize("file", ["model.weights.h5", "novelty.npz", "test.csv"])
@pytest.mark.parametrize("damage", ["missing", "empty", "half", "text", "one bit"])
def test_a_damaged_model_is_one_sentence(file, damage, copy):
    path = copy / file
    content = path.read_bytes()
    path.unlink()
    if damage == "one bit":
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    elif damage != "missing":
        path.write_bytes({"empty": b"", "half": content[: len(content) // 2], "text": b"no weights"}[damage])
    with pytest.raises(ModelError, match=rf"'copy' is damaged \({file}"):
        load_model(copy)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 10_000, '{"kind": "\\ud800"}', "7" * 9999])
def test_a_damaged_card_is_one_sentence(content, copy):
    (copy / "card.json").write_text(content)
    with pytest.raises(ModelError, match=r"'copy' holds no readable card\.json"):
        load_model(copy)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kind": "sculptor"}, "of the kind 'sculptor'"),
        ({"size": "32"}, "says '32' for size"),
        ({"metrics": {}}, "says nothing of 'train'"),
        ({"files": {}}, "does not name its file 'model.weights.h5'"),
    ],
)
def test_a_card_that_says_nonsense_is_one_sentence(change, words, copy):
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps(card | change))
    with pytest.raises(ModelError, match=words):
        load_model(copy)


def test_another_networks_weights_are_refused(copy):
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps(card | {"network": "cnn-original"}))
    with pytest.raises(ModelError, match="says 'cnn-original' for network, and 'cnn' in its recipe"):
        load_model(copy)
    other = {"network": "cnn-original", "recipe": card["recipe"] | {"network": "cnn-original"}}
    (copy / "card.json").write_text(json.dumps(card | other))
    with pytest.raises(ModelError, match="damaged"):
        load_model(copy)


def test_a_model_is_the_one_that_was_loaded_whatever_happens_to_its_folder(model, copy):
    loaded = load_model(copy)
    assert loaded.identity == model.identity == models.identity(copy) and len(model.identity) == 64
    resealed(copy, title="another")
    assert loaded.identity == model.identity != models.identity(copy)
    for name in ("history.csv", "test.csv", "split.csv"):  # still readable, and other data
        lines = (copy / name).read_text().splitlines(keepends=True)
        (copy / name).write_text("".join(lines[:-1]))
    (copy / "reference.npz").unlink()
    for name in ("history", "answers", "split", "reference"):
        with pytest.raises(ModelError, match=r"'copy' is damaged \((history|test|split|reference)\.\w+ is "):
            getattr(loaded, name)
    assert len(model.history) == 12


def test_pictures_are_taken_alike_by_all_that_takes_pictures(model, painting):
    image = load_image(painting)
    row = model.predict_proba([image])
    for one in (image, painting, str(painting), painting.read_bytes()):
        assert model.prepare(one).shape == (1, 32, 32, 3)
        assert np.allclose(model.predict_proba(one), row, atol=1e-6)
    for many in (np.stack([image] * 3), [image] * 3, (image, painting, image)):
        assert np.allclose(model.predict_proba(many), np.repeat(row, 3, 0), atol=1e-5) and len(model(many)) == 3
    assert model.predict_proba([]).shape == (0, 3)


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (np.full((2, 32, 32, 3), 0.5), r"float64 values from 0\.5 to 0\.5"),
        (np.zeros((2, 32, 32, 3), np.int64), "int64 values from 0 to 0"),
        (np.zeros((2, 31, 32, 3), np.uint8), r"shape \(2, 31, 32, 3\); give .* \(n, 32, 32, 3\)"),
        (np.zeros((32, 32, 3), np.uint8), r"shape \(32, 32, 3\)"),
        ([np.zeros((32, 32, 3), np.uint8)], "Got list"),
        (None, "Got NoneType"),
    ],
)
def test_what_prepare_did_not_return_is_refused(images, words, model):
    with pytest.raises(ImageError, match=words):
        model.outputs(images)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (np.full((32, 32, 3), 0.5), "float64 values from 0.5"),
        (np.zeros((40, 32, 3), np.uint8), r"40 × 32 pixels; use fit\(picture, 32\)"),
        ("nowhere.jpg", "nowhere.jpg"),
    ],
)
def test_a_heat_map_is_of_a_picture_of_the_networks_size(image, words):
    with pytest.raises(ImageError, match=words):
        hires_cam(build_network("cnn-original", 3, 32, pretrained=False), image, 0)


def test_what_is_trained_from_a_model_of_seed_0_can_say_so(model):
    card = replace(model.card, seed=0, seconds=0.0)
    assert "seed 0" in classifier_page(replace(card, started=card.start))


@pytest.mark.parametrize("copied", [copying.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_model_can_be_copied_and_pickled_as_for_another_process(copied, model):
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    before = model.outputs(images)
    other = copied(model)
    for one, same in zip(before, other.outputs(images), strict=True):
        assert np.allclose(one, same, atol=1e-5)
    other.network.core.set_weights([0 * weight for weight in other.network.core.get_weights()])
    assert not np.allclose(other.outputs(images)[0], before[0], atol=1e-3), "its core is a part of it"
    assert np.array_equal(model.outputs(images)[0], before[0])


@pytest.mark.slow
def test_a_training_does_not_depend_on_the_order_of_a_tables_rows(collection, table, tmp_path):
    recipe = tiny("cnn-original", 1)
    one, other = (
        train_classifier(recipe, collection, rows, tmp_path / name, seed=1)
        for name, rows in (("one", table), ("other", table.sample(frac=1, random_state=3)))
    )
    assert one.card.split == other.card.split and one.card.files["history.csv"] != ""
    assert one.history.drop(columns="seconds").equals(other.history.drop(columns="seconds"))
    assert one.answers.equals(other.answers)


@pytest.mark.parametrize("broken", ["novelty.npz", "split.csv"])
def test_a_saving_that_fails_leaves_the_model_before_it_whole(broken, copy):
    card = Card.load(copy)
    before = {name: (copy / name).read_bytes() for name in card.files}

    def write(part):
        part.write_text("new")
        if part.name == broken:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        models.save_model(copy, {**vars(card)}, dict.fromkeys(card.files, write), classifier_page)
    assert {name: (copy / name).read_bytes() for name in card.files} == before
    assert models.check_whole(copy) == card


def test_a_saving_that_is_killed_while_files_are_renamed_leaves_a_training_that_can_be_resumed(copy, monkeypatch):
    (copy / "training.json").write_text("{}")
    card, replace_file = Card.load(copy), Path.replace

    def killed(part, target):
        if target.name == "split.csv":
            raise KeyboardInterrupt
        return replace_file(part, target)

    monkeypatch.setattr(Path, "replace", killed)
    writers = {name: lambda part: part.write_text("new") for name in card.files}
    with pytest.raises(KeyboardInterrupt):
        models.save_model(copy, {**vars(card)}, writers, classifier_page)
    with pytest.raises(ModelError, match=r"training that is not finished, and no model yet; resume it"):
        load_model(copy)


def test_a_file_that_is_replaced_before_keras_opens_it_is_noticed(copy, model, monkeypatch):
    read = type(model).read

    def late(folder, *given):
        with (folder / "split.csv").open("a") as file:
            file.write(" ")
        return read(folder, *given)

    monkeypatch.setattr(type(model), "read", late)
    with pytest.raises(ModelError, match=r"'copy' is damaged \(split\.csv is not the file"):
        load_model(copy)


def test_a_model_that_is_saved_anew_while_it_is_read_is_noticed(copy, model, monkeypatch):
    read = type(model).read

    def late(folder, *given):
        resealed(folder, title="another")
        return read(folder, *given)

    monkeypatch.setattr(type(model), "read", late)
    with pytest.raises(ModelError, match="replaced while it was read"):
        load_model(copy)


def test_a_finished_training_is_not_made_again(model, collection, table):
    before = (model.folder / "model.weights.h5").stat().st_mtime_ns
    again = train_classifier(tiny("cnn", 12), collection, table, model.folder, seed=1, resume=True)
    assert (model.folder / "model.weights.h5").stat().st_mtime_ns == before and again.card == model.card


def same_names_other_pictures(collection, folder):
    """A collection whose files are called alike, and each a little darker."""
    for path in collection.paintings["path"]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(load_image(collection.file(path)) // 2).save(folder / path)
    return read_collection(folder)


@pytest.mark.slow
def test_files_of_the_same_names_are_other_pictures(collection, prepared, table, tmp_path, use):
    use(home=tmp_path / "home", seed=1)
    other = same_names_other_pictures(collection, tmp_path / "other")
    with pytest.raises(SplitError, match=r"72 of the 72|are other pictures there"):
        train_classifier(tiny("cnn-original", 1), other, table, tmp_path / "one", seed=1)
    assert not (tmp_path / "one").exists()
    from artnb.paintings.audit import audit_collection
    from artnb.paintings.splits import choose_artists, split_paintings

    audit = audit_collection(other)
    darker = replace(prepared, collection=other, table=split_paintings(choose_artists(other, audit), seed=1))
    first, second = (course_classifier("cnn", each, using=tiny("cnn-original", 1)) for each in (prepared, darker))
    assert first.folder != second.folder and first.card.split != second.card.split
    checkpoints = tmp_path / "two"
    train_classifier(tiny("cnn-original", 1), collection, table, checkpoints, seed=1)
    with pytest.raises(TrainingError, match="begun with a different set of pictures"):
        train_classifier(tiny("cnn-original", 1), other, darker.table, checkpoints, seed=1, resume=True)


def test_a_starter_is_half_as_large_and_predicts_nearly_the_same(model, collection, tmp_path, monkeypatch, use):
    use(home=tmp_path / "nowhere")
    monkeypatch.setattr(models, "STARTERS", tmp_path)
    make_starter(model.folder, "small")
    sizes = [(folder / "model.weights.h5").stat().st_size for folder in (model.folder, tmp_path / "small")]
    assert sizes[1] < 0.6 * sizes[0]
    images = np.random.default_rng(0).integers(0, 256, (20, 32, 32, 3), np.uint8)
    (p, features), (q, rounded) = (each.outputs(images) for each in (model, load_model("small")))
    assert np.allclose(p, q, atol=0.02)
    assert np.allclose(model.novelty.distance(features), model.novelty.distance(rounded), rtol=0.02)


def test_a_starters_answers_are_told_from_those_of_the_model_that_it_was_made_of(model, tmp_path, monkeypatch, use):
    """All that its card says of training and measures is the same."""
    use(home=tmp_path / "nowhere")
    monkeypatch.setattr(models, "STARTERS", tmp_path)
    folder = make_starter(model.folder, "small")
    assert replace(models.Card.load(folder), files={}) == replace(model.card, files={})
    assert models.identity(model.folder) == model.identity != models.identity(folder) == load_model("small").identity


def test_no_starter_is_made_of_a_damaged_model(copy, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "STARTERS", tmp_path / "starters")
    (copy / "history.csv").write_text("epoch\n")
    with pytest.raises(ModelError, match=r"'copy' is damaged \(history\.csv"):
        make_starter(copy, "small")
    assert not (tmp_path / "starters").exists()


@pytest.mark.slow
def test_a_course_model_is_another_if_its_recipe_is(prepared, tmp_path, use):
    use(home=tmp_path, seed=1)
    one, again, other = (course_classifier("cnn", prepared, using=tiny("cnn-original", epochs)) for epochs in (1, 1, 2))
    assert one.folder == again.folder != other.folder and one.card == again.card


@pytest.mark.slow
def test_untrained_is_said_wherever_a_person_looks(collection, table, tmp_path, monkeypatch):
    monkeypatch.setattr("artnb.backbones.find_weights", lambda *_: None)
    made = train_classifier(tiny("efficientnet-lite0", 1), collection, table, tmp_path / "lite", seed=1)
    assert made.card.untrained and "untrained" in made.card.label
    assert "untrained" in Path(tmp_path / "lite" / "README.md").read_text()
