"""What a fast painter may be trained on."""

import pytest

from artnb.errors import TrainingError
from artnb.paintings.across import MONETS, PHOTOS
from artnb.style.fast import collect_material
from tests.conftest import draw


@pytest.fixture
def folder(tmp_path, use):
    for number, artist in enumerate(("Degas", "Picasso", "Neighbour", MONETS, PHOTOS)):
        for each in range(20):
            place = tmp_path if artist in (MONETS, PHOTOS) else tmp_path / "images"
            draw(place / artist / f"{each}.png", 100 * number + each)
    (tmp_path / "artists.csv").write_text("id,name,years\n0,Degas,1834 - 1917\n1,Picasso,1881 - 1973\n2,Neighbour,\n")
    use(source="folder", data=tmp_path, monet_data=tmp_path, home=tmp_path / "home")


def test_it_comes_from_the_training_part_of_those_who_are_free(folder):
    found = collect_material()
    assert set(found.works) == {"Degas"}
    assert 0 < len(found.works["Degas"]) < 20 and found.whole
    assert not set(found.photos) & set(found.test_photos)


def test_nobody_is_painted_like_whose_works_may_be_protected(folder):
    assert set(collect_material(["Neighbour"]).works) == {"Neighbour"}, (
        "whose years nobody knows, is for the user to say"
    )
    with pytest.raises(TrainingError, match=r"Picasso lived beyond 1955.*name another painter"):
        collect_material(["Degas", "Picasso"])
    with pytest.raises(TrainingError, match=r"no painter 'Nobody'.*Degas"):
        collect_material(["Nobody"])


def test_a_folder_that_is_missing_and_one_photograph_are_said(folder, tmp_path):
    with pytest.raises(TrainingError, match=r"There is no folder .*nowhere"):
        collect_material(["Degas"], photos=tmp_path / "nowhere")
    draw(tmp_path / "one" / "1.png", 1)
    with pytest.raises(TrainingError, match="There is 1 photograph; give two"):
        collect_material(["Degas"], photos=tmp_path / "one")


def test_a_painters_name_needs_no_capitals(folder):
    assert set(collect_material(["dégas"]).works) == {"Degas"}
