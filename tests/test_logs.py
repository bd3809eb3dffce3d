import json
import logging
import subprocess
import sys

import numpy as np
import pytest

from artnb.common import logs
from artnb.errors import ArtnbError
from artnb.settings import Settings, SettingsError, using


@pytest.fixture
def lines(use, tmp_path, monkeypatch):
    """The lines of a log of level info."""
    file = tmp_path / "log.jsonl"
    use(events=file)
    monkeypatch.setattr(logs, "logger", logging.Logger("test"))
    yield lambda: [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def test_an_event_is_one_line_of_json_from_its_level_on(lines):
    logs.event("registry.promote", version=4, comparison={"n": 547})
    logs.event("too.small", "debug")
    (line,) = lines()
    assert (line["level"], line["event"], line["version"], line["comparison"]) == (
        "info",
        "registry.promote",
        4,
        {"n": 547},
    )
    assert line["time"].endswith("+00:00")


def test_other_settings_have_their_own_file_whatever_was_noted_before(lines, tmp_path):
    logs.event("first")
    with using(events=tmp_path / "other.jsonl", level="error"):
        logs.event("second", "error")
        logs.event("quiet")
    with using(events=None):
        logs.event("nowhere")
    logs.event("third")
    assert [line["event"] for line in lines()] == ["first", "third"]
    (other,) = map(json.loads, (tmp_path / "other.jsonl").read_text().splitlines())
    assert other["event"] == "second"


def test_nothing_private_is_in_a_line(lines, tmp_path):
    logs.event("a.b", file=tmp_path / "x.jpg", data=b"12345", picture=np.full((2, 3, 3), 77, np.uint8))
    logs.failure("a.c", ArtnbError(f"'{tmp_path}/me/x.jpg' is no picture; see https://example.org/a/b."))
    first, second = lines()
    assert (first["file"], first["data"], first["picture"]) == ("x.jpg", "bytes 5", "ndarray (2, 3, 3)")
    assert second["sentence"] == "'x.jpg' is no picture; see https://example.org/a/b."
    assert str(tmp_path) not in json.dumps([first, second])


def test_an_error_that_nobody_foresaw_says_where(lines):
    try:
        int("x")
    except ValueError as error:
        number = logs.unforeseen("a.b", error)
    (line,) = lines()
    assert line["level"] == "error" and line["error"] == "ValueError" and line["where"].startswith("test_logs.py:")
    assert line["id"] == number and line["trace"] == [line["where"]]


def test_an_unforeseen_error_is_kept_without_any_setting_and_reaches_other_handlers(use, tmp_path, caplog):
    use(home=tmp_path, events=None)
    logs.event("a.b")
    logs.failure("a.c", ArtnbError("A sentence."))
    number = logs.unforeseen("a.d", ValueError("a reason"))
    (line,) = map(json.loads, (tmp_path / "errors.jsonl").read_text().splitlines())
    assert (line["event"], line["id"]) == ("a.d", number)
    assert [record.exc_info is not None for record in caplog.records if record.getMessage() == "a.d"] == [True]


def test_a_log_does_not_fill_the_disk(lines, monkeypatch):
    logs.event("first")
    monkeypatch.setattr(logs, "MOST_BYTES", 10)
    logs.event("second")
    assert [line["event"] for line in lines()] == ["first"]


def test_a_warning_is_a_sentence_for_people_and_a_line(lines, capsys):
    logs.warn("a.b", "Look out.")
    assert capsys.readouterr().err == "artnb: Look out.\n" and lines()[0]["level"] == "warning"


def test_a_command_notes_what_became_of_it(tmp_path):
    import os

    file = tmp_path / "log.jsonl"
    environment = os.environ | {"ARTNB_EVENTS": str(file), "ARTNB_DATA": str(tmp_path / "nowhere")}
    subprocess.run([sys.executable, "-m", "artnb", "paintings", "audit"], env=environment, capture_output=True)
    (line,) = map(json.loads, file.read_text().splitlines())
    assert line["event"] == "command.failed" and line["error"] == "SourceError" and line["command"] == "paintings audit"
    assert "nowhere is not a collection" in line["sentence"] and str(tmp_path) not in line["sentence"]


def test_a_level_that_is_none_is_said():
    with pytest.raises(SettingsError, match="debug or info or warning or error"):
        Settings.from_environment({"ARTNB_EVENTS_LEVEL": "loud"})


def test_an_import_leaves_pythons_logging_as_it_is():
    code = (
        "import logging, artnb.common.logs\n"
        "one = logging.getLogger('artnb')\nprint(one.handlers, one.propagate, one.level)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"[] True {logging.NOTSET}\n"
