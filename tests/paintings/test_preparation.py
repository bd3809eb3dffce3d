"""`prepare`: from a source to a split, once, and remembered by the files' contents."""

import json

import pandas as pd
import pytest

from artnb.paintings import audit, preparation, splits
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
    splits.verify(found.collection, found.table)


def test_the_minimum_can_be_said(mine, use):
    with pytest.raises(SplitError, match=r"0 artists have at least 30 paintings.*--min-paintings, ARTNB_MIN_PAINTINGS"):
        prepare(30)
    use(min_paintings=5)
    with pytest.raises(SplitError, match="Munch has 5 paintings"):
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


def test_what_is_remembered_is_what_was_found(studio):
    found = load_audit(studio)
    assert found == audit.Audit.from_json(found.to_json()) == audit.audit_collection(studio)
    assert set(found.sha256) == set(studio.paintings["path"]) - set(found.unreadable)


def test_notes_of_another_code_are_not_used(mine, monkeypatch):
    collection = read_collection(mine)
    load_audit(collection)
    monkeypatch.setattr(preparation, "_WORK", ["another code"])
    called = []
    monkeypatch.setattr(audit, "audit_collection", lambda c: called.append(c) or audit.Audit.from_json(CACHED))
    load_audit(collection)
    assert called


CACHED = json.dumps(
    {
        **dict.fromkeys(("files", "artists"), 0),
        **{name: [] for name in ("unreadable", "mislabelled", "wrong_mode", "tiny")},
        **{name: [] for name in ("exact_duplicates", "near_duplicates")},
        "reasons": {},
        "sha256": {},
    }
)


def test_a_split_with_duplicates_keeps_them_together(mine):
    draw(mine / "images/Monet/copy.jpg", seed=1)
    table = prepare().table.set_index("path")
    pair = table.loc[["images/Monet/copy.jpg", "images/Monet/1.jpg"]]
    assert pair["group"].nunique() == 1 and pair["subset"].nunique() == 1 and pair["sha256"].nunique() == 1
    assert isinstance(pair, pd.DataFrame)
