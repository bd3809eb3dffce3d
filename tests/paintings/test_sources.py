import os
import unicodedata

import kagglehub
import pandas as pd
import pytest
import requests

from artnb.paintings import catalogue, sources
from artnb.paintings.sources import SourceError, load_collection, load_photos_and_monets, read_collection
from tests.conftest import draw


def paint(root, *paths):
    for number, path in enumerate(paths):
        draw(root / path, seed=number)
    return root


@pytest.mark.parametrize("images", ["images/images", "images"])
def test_a_folder_of_the_archives_layout_is_read(use, tmp_path, images):
    paint(tmp_path, f"{images}/Claude_Monet/1.jpg", f"{images}/El_Greco/1.PNG", f"{images}/El_Greco/2.jpg")
    use(source="folder", data=tmp_path)
    collection = load_collection()
    assert collection.paintings["path"].tolist() == [
        f"{images}/Claude_Monet/1.jpg",
        f"{images}/El_Greco/1.PNG",
        f"{images}/El_Greco/2.jpg",
    ]
    assert collection.paintings["artist"].tolist() == ["Claude Monet", "El Greco", "El Greco"]
    assert collection.artists["name"].tolist() == ["Claude Monet", "El Greco"]  # from the catalogue
    assert collection.artists["nationality"].tolist() == ["French", "Spanish,Greek"]
    assert collection.file(collection.paintings["path"][0]).is_file()
    assert str(collection) == "folder: 3 paintings by 2 artists" and collection.notes == ()


def test_an_artist_whom_nobody_knows_is_listed(tmp_path):
    collection = read_collection(paint(tmp_path, "images/Claude_Monet/1.jpg", "images/Ada_Nova/1.jpg"))
    assert collection.artists["name"].tolist() == ["Claude Monet", "Ada Nova"]
    assert collection.artists["id"].is_unique and collection.artists["nationality"].isna().tolist() == [False, True]


def test_the_collections_own_table_of_artists_comes_first(tmp_path):
    paint(tmp_path, "images/Ada_Nova/1.jpg")
    pd.DataFrame({"id": [0], "name": ["Ada Nova"], "genre": ["Cubism"]}).to_csv(tmp_path / "artists.csv", index=False)
    artists = read_collection(tmp_path).artists
    assert tuple(artists.columns) == catalogue.COLUMNS and artists["genre"].tolist() == ["Cubism"]


@pytest.mark.parametrize(
    ("table", "ids"),
    [
        ("id,name\nmonet-1,Claude Monet\n", ["monet-1", 0]),
        ("id,name\n7,Claude Monet\nx,El Greco\n", ["7", "x", 8]),
        ("name\nClaude Monet\n", [None, 0]),
    ],
)
def test_a_table_whose_ids_are_no_numbers_takes_another_artist(tmp_path, table, ids):
    paint(tmp_path, "images/Ada_Nova/1.jpg", "images/Claude_Monet/1.jpg")
    (tmp_path / "artists.csv").write_text(table)
    artists = read_collection(tmp_path).artists
    assert artists["name"].tolist()[-1] == "Ada Nova"
    assert [None if pd.isna(number) else number for number in artists["id"]] == ids


@pytest.mark.parametrize("table", [b"", b"\xff\xfe\x00broken"])
def test_an_unreadable_table_of_artists_is_said(tmp_path, table):
    paint(tmp_path, "images/Ada_Nova/1.jpg")
    (tmp_path / "artists.csv").write_bytes(table)
    with pytest.raises(SourceError, match=r"artists\.csv can't be read"):
        read_collection(tmp_path)


def test_the_mangled_twin_folder_is_read_once(tmp_path):
    once, twice = "Albrecht_Du╠êrer", "Albrecht_DuΓòá├¬rer"
    for folder in (once, twice):
        paint(tmp_path, f"images/images/{folder}/{folder}_1.jpg", f"images/images/{folder}/{folder}_2.jpg")
    collection = read_collection(tmp_path)
    assert collection.paintings["artist"].tolist() == ["Albrecht Dürer"] * 2
    assert collection.paintings["path"].str.contains(once).all()
    assert len(collection.notes) == 1 and twice in collection.notes[0] and "2 copies" in collection.notes[0]


def test_paintings_that_only_one_of_the_two_folders_holds_are_kept(tmp_path):
    paint(tmp_path, "images/Albrecht_Dürer/1.jpg", "images/Albrecht_Du╠êrer/1.jpg")  # two different pictures
    draw(tmp_path / "images/Albrecht_Du╠êrer/1.jpg", seed=5, size=(200, 200))
    assert read_collection(tmp_path).paintings["artist"].tolist() == ["Albrecht Dürer"] * 2


def test_two_spellings_of_a_name_with_other_pictures_of_one_size_are_kept(tmp_path):
    """ "Dürer" composed and decomposed: equal file names and sizes, but only one pair of files has the same bytes."""
    folders = [tmp_path / "images" / unicodedata.normalize(form, "Albrecht_Dürer") for form in ("NFC", "NFD")]
    for folder in folders:
        folder.mkdir(parents=True)
        for number in range(3):
            (folder / f"{number}.jpg").write_bytes(bytes([number, number and folders.index(folder)] * 50))
    collection = read_collection(tmp_path)
    assert len(collection.paintings) == 5 and set(collection.paintings["artist"]) == {"Albrecht Dürer"}
    assert len(collection.notes) == 1 and "1 copies" in collection.notes[0]


def test_a_link_to_nowhere_is_left_to_the_audit(tmp_path):
    paint(tmp_path, "images/El_Greco/1.jpg")
    for folder in ("Albrecht_Dürer", "Albrecht_Du╠êrer"):
        (tmp_path / "images" / folder).mkdir()
        (tmp_path / "images" / folder / "1.jpg").symlink_to(tmp_path / "nowhere.jpg")
    assert len(read_collection(tmp_path).paintings) == 3


def test_a_name_that_no_table_can_hold_is_left_out_and_said(tmp_path):
    paint(tmp_path, "images/El_Greco/1.jpg")
    draw(tmp_path / "images/El_Greco" / os.fsdecode(b"D\xfcrer.jpg"), seed=1)
    collection = read_collection(tmp_path)
    assert len(collection.paintings) == 1 and any("no UTF-8" in note for note in collection.notes)


def test_a_folder_that_can_not_be_read_is_said(tmp_path, monkeypatch):
    paint(tmp_path, "images/El_Greco/1.jpg")

    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))  # simulated: root may read everything

    monkeypatch.setattr(sources.Path, "iterdir", refuse)
    with pytest.raises(SourceError, match=r"can't be read \(Permission denied\)"):
        read_collection(tmp_path)


def test_artists_may_be_called_na(tmp_path):
    paint(tmp_path, "images/NA/1.jpg", "images/None/1.jpg")
    (tmp_path / "artists.csv").write_text("id,name,genre\n0,NA,Cubism\n1,None,\n")
    collection = read_collection(tmp_path)
    assert collection.artists["name"].tolist() == ["NA", "None"] == collection.paintings["artist"].tolist()
    assert collection.artists["genre"].isna().tolist() == [False, True]


def test_resized_copies_and_other_files_are_left_out_and_said(tmp_path):
    paint(tmp_path, "images/images/El_Greco/1.jpg", "resized/resized/El_Greco_1.jpg")
    (tmp_path / "images/images/El_Greco/readme.txt").write_text("no picture")
    (tmp_path / "images/images/El_Greco/._1.jpg").write_bytes(b"what macOS leaves behind")
    (tmp_path / "images/images/.ipynb_checkpoints").mkdir()
    collection = read_collection(tmp_path)
    assert len(collection.paintings) == 1
    assert any("resized" in note for note in collection.notes)
    assert any("1 files" in note for note in collection.notes)


@pytest.mark.parametrize("make", [lambda folder: None, lambda folder: (folder / "images").mkdir()])
def test_a_folder_that_is_none_is_told_what_was_looked_for(tmp_path, make):
    make(tmp_path)
    with pytest.raises(SourceError, match="looked for images/images/<Artist>"):
        read_collection(tmp_path)
    with pytest.raises(SourceError, match="ARTNB_DATA"):
        read_collection(tmp_path / "nowhere")


def test_kaggle_is_downloaded_at_a_pinned_version(use, tmp_path, monkeypatch):
    paint(tmp_path, "images/images/El_Greco/1.jpg")
    asked = []
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: asked.append(handle) or str(tmp_path))
    use(source="kaggle")
    collection = load_collection()
    assert asked == ["ikarus777/best-artworks-of-all-time/versions/1"]
    assert collection.source == "kaggle"


@pytest.mark.parametrize("load", [load_collection, load_photos_and_monets])
@pytest.mark.parametrize(
    "failure", [requests.exceptions.ConnectionError("no route"), kagglehub.exceptions.UnauthenticatedError()]
)
def test_without_a_network_kaggle_names_the_two_other_sources(use, monkeypatch, failure, load):
    def fail(handle):
        raise failure

    monkeypatch.setattr(kagglehub, "dataset_download", fail)
    use(source="kaggle")
    with pytest.raises(SourceError) as error:
        load()
    message = str(error.value)
    assert "ARTNB_DATA" in message and "ARTNB_SOURCE=studio" in message and "\n" not in message


def test_the_studio_never_asks_the_network(studio, monkeypatch):
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: pytest.fail("the network was asked"))
    assert load_collection().paintings.equals(studio.paintings)
    assert load_photos_and_monets().source == "studio"


def test_photographs_and_monets_of_a_folder(use, tmp_path):
    paint(tmp_path, "photo_jpg/b.jpg", "photo_jpg/a.jpg", "monet_jpg/1.jpg")
    use(monet_data=tmp_path)
    both = load_photos_and_monets()
    assert [file.name for file in both.photos] == ["a.jpg", "b.jpg"] and len(both.monets) == 1
    assert str(both) == "folder: 2 photographs, 1 paintings"


def test_half_a_folder_of_photographs_and_monets_is_said(use, tmp_path):
    paint(tmp_path, "photo_jpg/a.jpg")
    use(monet_data=tmp_path)
    with pytest.raises(SourceError, match=r"monet_jpg/\*\.jpg \(found 0\)"):
        load_photos_and_monets()


def test_the_shared_paintings(shared_paintings):
    collection = read_collection(shared_paintings)
    counts = collection.paintings["artist"].value_counts()
    assert len(collection.paintings) == 4_882 and len(counts) == 42 and (counts >= 200).sum() == 11
    assert counts["Albrecht Dürer"] == 279  # NFC, although the folder on disk may be decomposed
    assert set(counts.index) <= set(catalogue.artists()["name"])


def test_listing_a_collection_does_not_load_tensorflow():
    import subprocess
    import sys

    code = "import sys, artnb.paintings.sources, artnb.images; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert sources.KAGGLE_PAINTINGS.endswith("/versions/1")
