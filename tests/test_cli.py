import json
import subprocess
import sys

import pandas as pd
import pytest

from artnb.cli import main
from tests.conftest import draw


def artnb(*arguments, **environment):
    import os

    return subprocess.run(
        [sys.executable, "-m", "artnb", *arguments], capture_output=True, text=True, env=os.environ | environment
    )


@pytest.fixture
def folder(tmp_path):
    """Two artists with 20 and 22 pictures; two of them are the same file, one is broken."""
    for number in range(42):
        artist = "El_Greco" if number < 20 else "Edvard_Munch"
        draw(tmp_path / f"images/{artist}/{number:02}.jpg", seed=number, size=(96, 80))
    copy = (tmp_path / "images/El_Greco/00.jpg").read_bytes()
    (tmp_path / "images/El_Greco/00_again.jpg").write_bytes(copy)
    (tmp_path / "images/Edvard_Munch/99.jpg").write_bytes(copy[:200])
    return tmp_path


def test_the_audit_as_json(folder):
    result = artnb("collection", "audit", "--json", ARTNB_DATA=str(folder))
    assert result.returncode == 0, result.stderr
    output = json.loads(result.stdout)
    assert (output["files"], output["artists"]) == (44, 2)
    assert output["unreadable"] == ["images/Edvard_Munch/99.jpg"]
    assert output["exact_duplicates"] == [["images/El_Greco/00.jpg", "images/El_Greco/00_again.jpg"]]


def test_the_split_as_a_table(folder, tmp_path):
    file = tmp_path / "out" / "split.csv"
    result = artnb(
        "collection", "split", "--min-paintings", "20", "--seed", "3", "--json", "-o", str(file), ARTNB_DATA=str(folder)
    )
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(file)
    assert list(table.columns) == ["path", "artist", "group", "sha256", "subset"]
    assert len(table) == 43 and not table["path"].str.endswith("99.jpg").any()
    twins = table[table["path"].str.contains("El_Greco/00")]
    assert len(twins) == 2 and twins["subset"].nunique() == 1 and twins["group"].nunique() == 1
    summary = json.loads(result.stdout)
    assert summary["paintings"] == 43 and summary["groups"] == 42 and sum(summary["subsets"].values()) == 43
    to_stdout = artnb("collection", "split", "--min-paintings", "20", "--seed", "3", ARTNB_DATA=str(folder))
    assert to_stdout.stdout == file.read_text()


@pytest.mark.parametrize(
    ("environment", "arguments", "words"),
    [
        ({"ARTNB_DATA": "/nowhere/at/all"}, ["collection", "audit"], "is not a collection of paintings"),
        ({"ARTNB_PROFILE": "fast"}, ["collection", "audit"], "ARTNB_PROFILE is 'fast'"),
        ({"ARTNB_SEED": "nonsense"}, ["doctor"], "ARTNB_SEED is 'nonsense'"),
        ({}, ["course", "save", "77"], "No notebook begins with 77"),
    ],
)
def test_a_failure_is_one_sentence_and_no_traceback(environment, arguments, words):
    result = artnb(*arguments, **environment)
    assert result.returncode == 1 and result.stdout == ""
    assert words in result.stderr and "Traceback" not in result.stderr and len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments", [[], ["paint"], ["collection", "split", "--min-paintings", "-3"], ["collection", "split", "-o", "."]]
)
def test_wrong_arguments_print_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 2 and "usage: artnb" in capsys.readouterr().err


def test_a_command_leaves_pythons_warnings_as_they_were(monkeypatch, capsys):
    import warnings

    from artnb import doctor

    inside = []
    monkeypatch.setattr(doctor, "examine", lambda: inside.append(list(warnings.filters)) or {})
    before = list(warnings.filters)
    assert main(["doctor", "--json"]) == 0
    assert warnings.filters == before
    assert inside[0] != before, "Pillow's are quiet while it runs"


def test_an_interruption_and_a_full_disk_give_one_sentence(monkeypatch, capsys):
    from artnb import doctor

    def full():
        raise OSError(28, "No space left on device", "split.csv")

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", full)
    assert main(["doctor"]) == 1 and "No space left on device (split.csv); free some" in capsys.readouterr().err
    monkeypatch.setattr(doctor, "examine", interrupted)
    assert main(["doctor"]) == 130 and "stopped" in capsys.readouterr().err


def test_the_doctor_prints_json_and_nothing_else():
    result = artnb("doctor", "--json")
    output = json.loads(result.stdout)
    assert result.stderr == ""
    assert {"artnb", "python", "packages", "source", "data", "weights", "profile", "gpus", "advice"} <= set(output)
