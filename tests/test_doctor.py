import shutil

import pytest

from artnb import doctor
from artnb.paintings import studio
from tests.conftest import draw


def test_the_report_says_what_a_newcomer_needs(use, tmp_path):
    use(home=tmp_path, weights="packaged")
    machine = doctor.examine()
    assert machine["source"] == "studio" and machine["profile"] == "quick"
    assert machine["weights"]["vgg19"] is None and machine["weights"]["efficientnet-lite0"]
    assert machine["packages"]["tensorflow"] != "missing"
    report = doctor.machine_report(machine)
    assert len(report.splitlines()) <= 12
    assert "vgg19: not found" in report and "ARTNB_WEIGHTS" in report


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "images").mkdir()])
def test_a_folder_that_is_no_collection_gets_advice(use, tmp_path, make):
    make(tmp_path)
    use(home=tmp_path, source="folder", data=tmp_path)
    machine = doctor.examine()
    assert any("images/" in advice and "ARTNB_DATA" in advice for advice in machine["advice"])


def test_a_collection_gets_no_advice(use, tmp_path):
    draw(tmp_path / "images" / "El_Greco" / "1.jpg", seed=1)
    use(home=tmp_path, source="folder", data=tmp_path)
    machine = doctor.examine()
    assert not any("ARTNB_DATA" in advice for advice in machine["advice"])


def test_folders_that_do_not_exist_get_advice(use, tmp_path):
    nowhere = tmp_path / "nowhere"
    use(home=tmp_path, monet_data=nowhere, weights=nowhere)
    machine = doctor.examine()
    about = [advice for advice in machine["advice"] if str(nowhere) in advice]
    assert len(about) == 2 and "ARTNB_MONET_DATA" in about[0] and "ARTNB_WEIGHTS" in about[1]


def paintings_line():
    return next(line for line in doctor.machine_report(doctor.examine()).splitlines() if line.startswith("paintings"))


def test_the_report_says_whether_the_built_in_paintings_are_as_they_shipped(use, tmp_path, monkeypatch):
    use(home=tmp_path, source="studio")
    assert str(studio.ROOT) in paintings_line() and "missing" not in paintings_line()
    assert not any("as they shipped" in advice for advice in doctor.examine()["advice"])
    shutil.copytree(studio.ROOT / "photo_jpg", tmp_path / "photo_jpg")  # all that an installation has left
    monkeypatch.setattr(studio, "ROOT", tmp_path)
    assert "they are missing" in paintings_line()
    assert any(advice.startswith("the built-in paintings are not as") for advice in doctor.examine()["advice"])


def test_the_report_says_where_kaggles_paintings_are_and_whether_they_are_complete(use, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path))
    use(home=tmp_path, source="kaggle")
    place = tmp_path / "datasets" / "ikarus777" / "best-artworks-of-all-time" / "versions" / "1"
    place.mkdir(parents=True)  # kagglehub is still unpacking
    assert str(place) in paintings_line() and "not downloaded yet" in paintings_line()
    (place.parents[1] / "1.complete").touch()
    assert "not downloaded yet" not in paintings_line()
    assert any("remove that folder" in advice for advice in doctor.examine()["advice"]), "its pictures are gone"
    draw(place / "images" / "images" / "Titian" / "1.jpg", 1)
    assert not any("remove that folder" in advice for advice in doctor.examine()["advice"])


def test_the_setup_line_holds_no_path(use, tmp_path):
    use(home=tmp_path, source="folder", data=tmp_path, weights=tmp_path)
    line = doctor.setup_line()
    assert str(tmp_path) not in line and "folder" in line and "efficientnet-lite0" in line


def test_weights_that_are_missing_are_named_with_the_command_that_fetches_them(use, tmp_path, monkeypatch):
    use(home=tmp_path, weights="packaged")
    assert "weights: efficientnet-lite0 (others: artnb weights get vgg19 resnet50) ·" in doctor.setup_line()
    advice = " ".join(doctor.examine()["advice"])
    assert "unset ARTNB_WEIGHTS, which is 'packaged', then artnb weights get vgg19 resnet50" in advice
    use(weights=None)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / next(iter(doctor.WEIGHTS["vgg19"].files))).touch()
    assert "weights: vgg19, efficientnet-lite0 (others: artnb weights get resnet50) ·" in doctor.setup_line()
    assert any(advice.startswith("artnb weights get resnet50 (") for advice in doctor.examine()["advice"])
    (tmp_path / "models" / next(iter(doctor.WEIGHTS["resnet50"].files))).touch()
    assert "weights: vgg19, resnet50, efficientnet-lite0 ·" in doctor.setup_line()
    assert not any("artnb weights get" in advice for advice in doctor.examine()["advice"]), "no backbone is missing"
