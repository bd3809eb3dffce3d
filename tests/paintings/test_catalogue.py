import pandas as pd
import pytest

from artnb.paintings import catalogue


def test_the_catalogue_is_the_archives():
    table = catalogue.artists()
    assert tuple(table.columns) == catalogue.COLUMNS
    assert len(table) == 50 and table["name"].is_unique and not table.isna().any().any()
    described = table["paintings"].describe()
    expected = {"mean": 168.92, "std": 157.451105, "min": 24, "25%": 81, "50%": 123, "75%": 191.75, "max": 877}
    assert {name: round(described[name], 6) for name in expected} == expected


def test_the_archives_17548_files_are_every_painting_twice():
    paintings = catalogue.artists().set_index("name")["paintings"]
    assert paintings["Albrecht Dürer"] == catalogue.TWIN_FOLDER_PAINTINGS
    assert 2 * (paintings.sum() + catalogue.TWIN_FOLDER_PAINTINGS) == 17_548


def test_eleven_artists_have_two_hundred_paintings():
    assert (catalogue.artists()["paintings"] >= 200).sum() == 11


def test_bios_are_one_or_two_sentences_of_ours():
    bios = catalogue.artists()["bio"]
    assert bios.is_unique and bios.str.len().between(60, 220).all() and bios.str.endswith(".").all()


def test_lifetimes_read_hyphens_and_dashes():
    lives = catalogue.lifetimes(catalogue.artists()).set_index("name")
    assert tuple(lives.loc["Vincent van Gogh"]) == (1853, 1890)  # an en dash
    assert tuple(lives.loc["Claude Monet"]) == (1840, 1926)  # a hyphen
    assert ((lives["died"] - lives["born"]) > 25).all()


def test_an_artist_of_two_nationalities_counts_for_both():
    table = pd.DataFrame({"nationality": ["French,British", "French"], "paintings": [10, 5]})
    counts = catalogue.count_by(table, "nationality")
    assert counts.loc["French"].tolist() == [2, 15]
    assert counts.loc["British"].tolist() == [1, 10]


@pytest.mark.parametrize(
    ("found", "name", "times"),
    [
        ("Albrecht_Dürer", "Albrecht_Dürer", 0),
        ("Albrecht_Du\u0308rer", "Albrecht_Dürer", 0),  # decomposed, as macOS writes it
        ("Albrecht_Du╠êrer", "Albrecht_Dürer", 1),
        ("Albrecht_DuΓòá├¬rer", "Albrecht_Dürer", 2),
        ("Paul_CÃ©zanne", "Paul_Cézanne", 1),
        ("Vincent_van_Gogh", "Vincent_van_Gogh", 0),
        ("Joan_Miró", "Joan_Miró", 0),
        ("葛飾_北斎", "葛飾_北斎", 0),
        ("", "", 0),
    ],
)
def test_mangled_names_are_repaired_and_honest_ones_left_alone(found, name, times):
    assert catalogue.repair(found) == (name, times)


def test_folder_and_artist_name_are_each_others_inverse():
    for name in catalogue.artists()["name"]:
        assert catalogue.artist_name(catalogue.folder_name(name)) == name
