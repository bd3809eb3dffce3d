"""`prepare`: from a source to a split, once, and remembered by the files' contents."""

import json
from dataclasses import replace

import pandas as pd
import pytest

from artnb.common.files import sha256
from artnb.errors import ArtnbError
from artnb.paintings import audit, preparation, splits
from artnb.paintings.pipeline import decode_rows
from artnb.paintings.preparation import load_audit, prepare
from artnb.paintings.sources import read_collection
from artnb.paintings.splits import SplitError
from tests.conftest import draw


@pytest.fixture
def root(tmp_path):
    """Two artists with 21 pictures each, one with 5."""
    for number in range(47):
        artist = ("Degas", "Monet")[number % 2] if number < 42 else "Munch"
        draw(tmp_path / "paintings/images" / artist / f"{number}.jpg", seed=number)
    return tmp_path / "paintings"


@pytest.fixture
def mine(root, tmp_path, use):
    use(home=tmp_path / "home", source="folder", data=root, seed=3)
    return root


def test_all_that_a_training_needs(mine):
    found = prepare()
    assert found.class_names == ("Degas", "Monet") and found.min_paintings == 20
    assert len(found.paintings) == len(found.table) == 42 and len(found.collection.paintings) == 47
    assert found.table.equals(splits.split_paintings(found.paintings, seed=3))
    assert not found.table.equals(prepare(seed=4).table)
    assert decode_rows(found.collection, found.table, 8).shape == (42, 8, 8, 3)


def test_the_minimum_can_be_said(mine, use):
    with pytest.raises(SplitError, match=r"0 artists have at least 30 paintings.*--min-paintings, ARTNB_MIN_PAINTINGS"):
        prepare(30)
    assert prepare(21).min_paintings == 21


@pytest.mark.parametrize("arguments", [(5,), ("20",), (0,), (2.5,), (True,), (None, -1), (None, "1874")])
def test_what_can_not_be_used_is_said_before_any_work(arguments, monkeypatch):
    monkeypatch.setattr(preparation, "load_collection", lambda: pytest.fail("work was done"))
    with pytest.raises(ArtnbError, match=r"is .*; it can be a whole number from (20 on|0 to)"):
        prepare(*arguments)


def test_the_environments_minimum_is_checked_before_any_work(use, monkeypatch):
    use(min_paintings=5)
    monkeypatch.setattr(preparation, "load_collection", lambda: pytest.fail("work was done"))
    with pytest.raises(SplitError, match=r"ARTNB_MIN_PAINTINGS\) is 5; it can be a whole number from 20 on"):
        prepare()


def test_too_few_files_are_said_before_the_audit(mine, monkeypatch):
    for artist in ("Degas", "Monet"):
        for file in sorted((mine / "images" / artist).iterdir())[3:]:
            file.unlink()
    monkeypatch.setattr(audit, "audit_collection", lambda collection: pytest.fail("audited"))
    with pytest.raises(SplitError, match=r"0 artists have at least 20 paintings.*Munch 5, .* 3\. Add pictures\.$"):
        prepare()


@pytest.mark.parametrize(
    ("counts", "largest"),
    [
        ({"Degas": 40}, "Degas 40"),
        ({"Degas": 60, "Monet": 1}, "Degas 60, Monet 1"),
        ({f"Artist {number:02}": 1 for number in range(30)}, "Artist 00 1, Artist 01 1"),
    ],
    ids=["one artist", "sixty to one", "one picture each"],
)
def test_what_no_classifier_can_learn_is_said_before_the_work(counts, largest, tmp_path, use):
    for number, (artist, count) in enumerate(counts.items()):
        for each in range(count):
            draw(tmp_path / "images" / artist / f"{each}.png", 100 * number + each)
    use(source="folder", data=tmp_path, home=tmp_path / "home")
    with pytest.raises(SplitError, match=rf"needs two artists; the largest are: {largest}\. Add pictures\.$"):
        prepare()


def test_twins_of_one_picture_are_one_picture(tmp_path, use):
    for artist in ("Degas", "Monet"):
        for each in range(30):
            draw(tmp_path / "images" / artist / f"{each}.png", 1)
    use(source="folder", data=tmp_path, home=tmp_path / "home")
    with pytest.raises(SplitError, match=r"the largest are: Degas 1, Monet 1\. Add pictures\.$"):
        prepare()


def test_an_audit_is_done_once_for_the_same_contents(mine, monkeypatch, tmp_path):
    first = prepare()
    assert len(list((tmp_path / "home" / "audits").iterdir())) == 1
    with monkeypatch.context() as patch:
        patch.setattr(audit, "audit_collection", lambda collection: pytest.fail("audited again"))
        again = prepare()
        assert again.audit == first.audit and again.table.equals(first.table)
        (mine / "images/Degas/0.jpg").touch()
        prepare()
    draw(mine / "images/Degas/0.jpg", seed=99)  # another picture under the same name
    other = prepare()
    assert other.audit.sha256 != first.audit.sha256
    assert splits.split_digest(other.table) != splits.split_digest(first.table)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", json.dumps({"files": 3}), "null"])
def test_a_damaged_memory_is_made_anew(mine, content, capsys, tmp_path):
    collection = read_collection(mine)
    first = load_audit(collection)
    (file,) = (tmp_path / "home" / "audits").iterdir()
    file.write_text(content)
    assert load_audit(collection) == first and "is done again" in capsys.readouterr().err
    assert load_audit(collection) == first and capsys.readouterr().err == ""


@pytest.mark.slow
def test_what_is_remembered_is_what_was_found(studio):
    """Of two painters, among whose works there are both kinds of duplicates."""
    artists = ("Berthe Lacombe", "Odile Poincaré")
    some = replace(studio, paintings=studio.paintings[studio.paintings["artist"].isin(artists)])
    found = load_audit(some)
    digests = {path: sha256(some.file(path)) for path in some.paintings["path"]}
    assert found == audit.Audit.from_json(found.to_json(), some, digests) == audit.audit_collection(some)
    assert found.near_duplicates and found.exact_duplicates
    assert set(found.sha256) == set(some.paintings["path"]) - set(found.unreadable)


def test_notes_of_another_code_are_not_used(mine, monkeypatch):
    collection = read_collection(mine)
    load_audit(collection)
    monkeypatch.setattr(preparation, "_WORK", ["another code"])
    called = []
    audit_it = audit.audit_collection
    monkeypatch.setattr(audit, "audit_collection", lambda c: called.append(c) or audit_it(c))
    load_audit(collection)
    assert called


def with_change(change):
    def apply(text):
        values = json.loads(text)
        change(values)
        return json.dumps(values)

    return apply


ONE, TWO = "images/Degas/0.jpg", "images/Degas/10.jpg"


@pytest.mark.parametrize(
    "damage",
    [
        with_change(lambda audit: audit.update(sha256=[])),
        with_change(lambda audit: audit.update(sha256=None)),
        with_change(lambda audit: audit["sha256"].popitem()),
        with_change(lambda audit: audit["sha256"].update({ONE: "0" * 64})),
        with_change(lambda audit: audit["sha256"].update({"images/Degas/other.jpg": "0" * 64})),
        with_change(lambda audit: audit.update(unreadable=5)),
        with_change(lambda audit: audit.update(unreadable="abc")),
        with_change(lambda audit: audit.update(unreadable=[ONE])),
        with_change(lambda audit: audit.update(tiny=[["a"]])),
        with_change(lambda audit: audit.update(tiny=audit["tiny"][::-1])),
        with_change(lambda audit: audit.update(tiny=audit["tiny"][1:])),
        with_change(lambda audit: audit.update(wrong_mode=["images/Degas/other.jpg"])),
        with_change(lambda audit: audit.update(exact_duplicates="abc")),
        with_change(lambda audit: audit.update(exact_duplicates=[[ONE, TWO]])),
        with_change(lambda audit: audit.update(near_duplicates=[[ONE, TWO, "images/Degas/12.jpg"]])),
        with_change(lambda audit: audit.update(near_duplicates=[[TWO, ONE]])),
        with_change(lambda audit: audit.update(near_duplicates=[[ONE, "images/Degas/other.jpg"]])),
        with_change(lambda audit: audit.update(near_duplicates=[[[], {}]])),
        with_change(lambda audit: audit.update(near_duplicates={})),
        with_change(lambda audit: audit.update(reasons=[])),
        with_change(lambda audit: audit["reasons"].update(dict.fromkeys(audit["reasons"], 3))),
        with_change(lambda audit: audit.update(files=3)),
        with_change(lambda audit: audit.update(artists="3")),
        with_change(lambda audit: audit.update(more=1)),
        lambda text: "[" * 100_000,
        lambda text: '{"files": ' * 100_000,
        lambda text: "9" * 5000,
        lambda text: "\0",
    ],
)
def test_what_is_remembered_is_checked_against_the_files(mine, damage, capsys, tmp_path):
    for name in ("0.jpg", "1.jpg"):
        draw(mine / f"images/{('Degas', 'Monet')[name > '0.jpg']}/{name}", int(name[0]), size=(20, 20))  # tiny
    collection = read_collection(mine)
    first = load_audit(collection)
    (file,) = (tmp_path / "home" / "audits").iterdir()
    whole = file.read_text()
    file.write_text(damage(whole))
    assert load_audit(collection) == first and "is done again" in capsys.readouterr().err
    assert file.read_text() == whole


def test_a_home_that_can_not_be_written_costs_a_warning(mine, use, tmp_path, capsys, monkeypatch):
    (tmp_path / "file").write_text("")
    use(home=tmp_path / "file")
    assert len(prepare().table) == 42
    assert capsys.readouterr().err.count("can't be remembered under ARTNB_HOME") == 1

    def refuse(target):
        raise PermissionError(13, "Permission denied", str(target))  # simulated: root may write everywhere

    use(home=tmp_path / "home")
    monkeypatch.setattr(preparation, "replacing", refuse)
    assert len(prepare().table) == 42
    err = capsys.readouterr().err
    assert err.count("artnb: ") == 1 and "(Permission denied)" in err and str(tmp_path) not in err


def test_a_split_with_duplicates_keeps_them_together(mine):
    draw(mine / "images/Monet/copy.jpg", seed=1)
    table = prepare().table.set_index("path")
    pair = table.loc[["images/Monet/copy.jpg", "images/Monet/1.jpg"]]
    assert pair["group"].nunique() == 1 and pair["subset"].nunique() == 1 and pair["sha256"].nunique() == 1
    assert isinstance(pair, pd.DataFrame)
