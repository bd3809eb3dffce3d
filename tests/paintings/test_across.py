"""One split of everything, what painters are judged by, and who is a stranger."""

from dataclasses import replace

import pandas as pd
import pytest

from artnb.paintings import splits
from artnb.paintings.across import MONETS, PHOTOS, free_artists, judging_set, protected_artists, split_everything
from artnb.paintings.preparation import prepare
from artnb.paintings.sources import Collection, read_collection
from tests.conftest import SHARED, draw
from tests.paintings.test_splits import paintings


def test_a_classifiers_split_is_a_part_of_the_split_of_everything(tmp_path, use):
    for number, (folder, count) in enumerate(
        {"paintings/images/Degas": 30, "paintings/images/Monet": 30, "paintings/images/Munch": 4}.items()
    ):
        for each in range(count):
            draw(tmp_path / folder / f"{each}.png", 100 * number + each)
    for number, folder in enumerate((MONETS, PHOTOS), 3):
        for each in range(20):
            draw(tmp_path / folder / f"{each}.jpg", 100 * number + each)
    for each in range(3):  # Monets that are paintings of the collection, saved again
        draw(tmp_path / MONETS / f"again{each}.jpg", 100 + each)
    use(source="folder", data=tmp_path / "paintings", monet_data=tmp_path, home=tmp_path / "home")
    prepared = prepare()
    everything, audit = split_everything()
    mine = everything[everything["artist"].isin(prepared.class_names)]
    assert splits.split_digest(mine) == splits.split_digest(prepared.table)
    assert prepared.whole == splits.split_digest(everything)
    assert set(everything["artist"]) == {"Degas", "Monet", "Munch", PHOTOS, MONETS}
    splits.check_split(everything)
    group = everything.set_index("path")["group"]
    assert all(group[one] == group[other] for one, other in audit.duplicates if {one, other} <= set(group.index))
    again = everything[everything["path"].str.contains("again")]
    assert len(again) == 3
    for path, subset in zip(again["path"], again["subset"], strict=True):
        shown = everything["path"].str.endswith(f"Monet/{path.split('again')[1].replace('jpg', 'png')}")
        assert everything.loc[shown, "subset"].tolist() == [subset]


def test_neither_names_nor_other_artists_change_a_subset():
    table = paintings(Degas=70, Monet=45, Munch=61)
    before = splits.deal(table, 3).set_index("sha256")["subset"]
    renamed = table.assign(path=[f"x/{digest}.jpg" for digest in table["sha256"]])
    assert splits.deal(renamed, 3).set_index("sha256")["subset"].sort_index().equals(before.sort_index())
    fewer = table[table["artist"] != "Munch"]
    assert splits.deal(fewer, 3).set_index("sha256")["subset"].equals(before[fewer["sha256"]])
    one_more = pd.concat([table, paintings(Degas=71).iloc[70:].assign(group=999)])
    after = splits.deal(one_more, 3).set_index("sha256")["subset"]
    assert (after[before.index] != before).sum() <= 3


def test_strangers_are_the_same_whatever_they_are_called():
    table = paintings(**{f"Artist{n}": 30 if n < 14 else 5 for n in range(20)})
    strangers = splits.choose_strangers(table, ["Artist0", "Artist1"], 3)
    assert len(strangers) == splits.STRANGERS and not {"Artist0", "Artist1"} & set(strangers)
    assert all(int(name.removeprefix("Artist")) < 14 for name in strangers)
    renamed = table.assign(artist=table["artist"].str.replace("Artist", "Other"))
    others = splits.choose_strangers(renamed, ["Other0", "Other1"], 3)
    assert [name.replace("Other", "Artist") for name in others] == sorted(
        strangers, key=lambda name: f"Other{name[6:]}"
    )
    assert strangers != splits.choose_strangers(table, ["Artist0", "Artist1"], 4)
    few = splits.choose_strangers(table, [f"Artist{n}" for n in range(12)], 3)
    assert {"Artist12", "Artist13"} <= set(few) and len(few) == 8
    assert splits.choose_strangers(table, set(table["artist"]), 3) == ()


def test_whose_works_are_free():
    years = {"Degas": "1834 - 1917", "Picasso": "1881 – 1973", "Somebody": None, "Alive": "1930 -", "Last": "1890-1955"}
    years |= {"Old": "1280", "Twice": "1905/1906 - 1990", "Doubtful": "1525/1530 to 1569"}
    artists = pd.DataFrame({"name": list(years), "years": list(years.values())})
    collection = Collection(None, "folder", artists, pd.DataFrame({"artist": [*years, "Unknown"]}))
    assert free_artists(collection) == ("Degas", "Doubtful", "Last")
    assert protected_artists(collection) == ("Alive", "Picasso", "Twice")
    assert protected_artists(replace(collection, source="studio")) == ()


def test_painters_are_judged_by_what_nothing_was_trained_on(tmp_path):
    for artist in ("Degas", "Monet", "Picasso"):
        draw(tmp_path / "images" / artist / "0.png", 1)
    (tmp_path / "artists.csv").write_text(
        "id,name,years\n0,Degas,1834 - 1917\n1,Monet,1840 - 1926\n2,Picasso,1881 - 1973\n"
    )
    collection = read_collection(tmp_path)
    table = splits.deal(paintings(Degas=40, Monet=200, Picasso=40, **{PHOTOS: 400}), 3)
    chosen = judging_set(table, collection, 3)
    counts = chosen["artist"].value_counts()
    assert counts[PHOTOS] == 40 and counts["Degas"] == 6 and counts["Monet"] == 14 and "Picasso" not in counts
    assert set(chosen["subset"]) == {"test"} and chosen["path"].is_unique
    assert judging_set(table.sample(frac=1, random_state=1), collection, 3).equals(chosen)


@pytest.mark.nightly
def test_the_shared_pictures_are_grouped_across(shared_paintings, use):
    use(data=shared_paintings, source="folder", monet_data=SHARED / "gan-getting-started")
    everything, _ = split_everything(seed=1874)
    across = everything.groupby("group")["artist"].agg(set)
    both = across[across.map(lambda artists: MONETS in artists and len(artists) > 1)]
    assert len(both) >= 5 and all(artists == {MONETS, "Claude Monet"} for artists in both)
    splits.check_split(everything)
