import os
import unicodedata
from pathlib import Path

import kagglehub
import pandas as pd
import pytest
import requests

from artnb.cli import main
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
    (tmp_path / "resized/everything").symlink_to("/")  # is not walked through
    collection = read_collection(tmp_path)
    assert len(collection.paintings) == 1
    assert any("'resized' holds 1 smaller" in note for note in collection.notes)
    assert any("1 files" in note and ".txt" in note for note in collection.notes)


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


@pytest.mark.parametrize(
    ("load", "own"), [(load_collection, "ARTNB_DATA"), (load_photos_and_monets, "ARTNB_MONET_DATA")]
)
@pytest.mark.parametrize(
    "failure", [requests.exceptions.ConnectionError("no route"), kagglehub.exceptions.UnauthenticatedError()]
)
def test_without_a_network_kaggle_names_the_two_other_sources(use, monkeypatch, failure, load, own):
    def fail(handle):
        raise failure

    monkeypatch.setattr(kagglehub, "dataset_download", fail)
    use(source="kaggle")
    with pytest.raises(SourceError) as error:
        load()
    message = str(error.value)
    assert f"{own}=/your/copy" in message and "ARTNB_SOURCE=studio" in message and "\n" not in message


def test_the_studio_never_asks_the_network(studio, monkeypatch):
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: pytest.fail("the network was asked"))
    assert load_collection().paintings.equals(studio.paintings)
    assert load_photos_and_monets().source == "studio"


@pytest.mark.parametrize("load", [load_collection, load_photos_and_monets])
def test_an_installation_without_its_pictures_is_said(load, tmp_path, monkeypatch):
    from artnb.paintings import studio as built_in

    monkeypatch.setattr(built_in, "ROOT", tmp_path)
    with pytest.raises(SourceError, match="install artnb anew") as caught:
        load()
    assert "ARTNB_" not in str(caught.value)


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


def odd_folder(folder):
    """Two pictures, a link to nowhere, two in a circle, and all that is none but is called like one."""
    paint(folder, "a.jpg", "b.PNG")
    for name in ("._a.jpg", "x.jfif", "without"):
        (folder / name).write_bytes((folder / "a.jpg").read_bytes())
    (folder / "Thumbs.db").write_bytes(b"x")
    for name in ("@eaDir", "__MACOSX", ".ipynb_checkpoints", "#recycle"):
        paint(folder, f"{name}/a.jpg", f"{name}/a.jpg.d/b.jpg")
    (folder / "folder.jpg").mkdir()
    os.mkfifo(folder / "pipe.jpg")
    os.mkfifo(folder / "second.jpg")
    (folder / "lost.jpg").symlink_to("nowhere")
    (folder / "one.jpg").symlink_to("other.jpg")
    (folder / "other.jpg").symlink_to("one.jpg")
    (folder / "round").symlink_to(".")
    return ["a.jpg", "b.PNG", "lost.jpg", "one.jpg", "other.jpg"]


def test_one_rule_says_which_files_are_pictures(tmp_path, capsys):
    names = odd_folder(tmp_path / "images" / "El_Greco")
    assert [file.name for file in sources.pictures_in(tmp_path / "images" / "El_Greco")] == names
    assert "(.jfif, no suffix) and were left out" in capsys.readouterr().err
    assert [file.name for file in sources.pictures_in(tmp_path, deep=True)] == names
    collection = read_collection(tmp_path)
    assert [Path(path).name for path in collection.paintings["path"]] == names
    assert any(".jfif, no suffix" in note for note in collection.notes)


def test_the_audit_of_an_odd_folder_lists_what_can_not_be_read(tmp_path, use, capsys):
    names = odd_folder(tmp_path / "images" / "El_Greco")
    use(home=tmp_path / "home", source="folder", data=tmp_path)
    assert main(["paintings", "audit"]) == 0
    out = capsys.readouterr().out
    assert all(f"El_Greco/{name}: " in out for name in names[2:]) and ".jfif" in out


def test_names_that_differ_in_capitals_get_a_hint(tmp_path):
    paint(tmp_path, "images/Ada_Nova/1.jpg", "images/ada_nova/1.jpg", "images/El_Greco/1.jpg")
    (hint,) = read_collection(tmp_path).notes
    assert "'Ada Nova' and 'ada nova' differ in capitals only" in hint


SPREADSHEETS = {
    "semicolons": "id;name;genre\n3;Ada Nova;Cubism\n",
    "tabs": "id\tname\tgenre\n3\tAda Nova\tCubism\n",
    "capitals": "ID, Name, Genre\r\n3, Ada Nova, Cubism\r\n",
    "empty rows": "id,name,genre\n3,Ada Nova,Cubism\n,,\n,,\n",
    "empty columns": "id,name,genre,,\n3,Ada Nova,Cubism,,\n",
    "tabs, and numbered rows": "\tid\tname\tgenre\n0\t3\tAda Nova\tCubism\n",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", SPREADSHEETS.values(), ids=SPREADSHEETS)
def test_a_table_of_artists_from_any_spreadsheet_is_read(tmp_path, text, encoding):
    paint(tmp_path, "images/Ada_Nova/1.jpg")
    (tmp_path / "artists.csv").write_bytes(text.encode(encoding))
    artists = read_collection(tmp_path).artists
    assert artists[["id", "name", "genre"]].to_numpy().tolist() == [[3, "Ada Nova", "Cubism"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<!DOCTYPE html><table><tr><td>name</td></tr></table>", "web page"),
        ("id,name\n1,Dürer\n".encode("cp1252"), "UTF-8"),
        ("id,name\n1,Ada\n".encode("utf-16-le"), "UTF-8"),
        (b"PK\x03\x04sheet", "spreadsheet"),
        (b" \n", "empty"),
        (b"artist,genre\nAda,Cubism\n", "no column 'name'"),
        (b"name,Name\nAda,Ada\n", "'name' twice"),
        (b"name,years,Years\nAda,1,2\n", "'years' twice"),
        (b"name" * 50_000, "first line can't be read"),
        (b"name,genre\nAda,Cubism\n,Cubism\n", "row 2 names no artist"),
        (b"name,genre\nAda,Cubism\nAda,Rococo\n", "'Ada' twice"),
        (b"name,genre\nAda,Cubism,1\n", "more cells"),
    ],
)
def test_a_table_that_is_none_is_one_sentence_that_says_why(tmp_path, content, words):
    paint(tmp_path, "images/Ada_Nova/1.jpg")
    (tmp_path / "artists.csv").write_bytes(content)
    with pytest.raises(SourceError, match=words) as caught:
        read_collection(tmp_path)
    assert "artists.csv" in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("number", ["inf", "1e300", "-5", "99999999999999999999"])
def test_ids_beyond_all_numbers_are_passed_over(tmp_path, number):
    paint(tmp_path, "images/Ada_Nova/1.jpg", "images/Claude_Monet/1.jpg")
    (tmp_path / "artists.csv").write_text(f"id,name\n{number},Claude Monet\n")
    assert read_collection(tmp_path).artists["id"].tolist()[-1] == 0


def test_an_emptied_cache_is_said_and_not_blamed_on_a_setting(use, tmp_path, monkeypatch):
    monkeypatch.setattr(kagglehub, "dataset_download", lambda handle: str(tmp_path))
    use(source="kaggle")
    for load in (load_collection, load_photos_and_monets):
        with pytest.raises(SourceError, match="remove that folder") as caught:
            load()
        assert "ARTNB_" not in str(caught.value)
