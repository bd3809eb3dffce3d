import json
import logging
import os
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


def test_half_a_character_and_ends_of_lines_are_kept(lines, capsys):
    logs.event("a.b", file="caf\udce9.jpg", sentence="one\u2028two\x85three")
    (line,) = lines()
    assert (line["file"], line["sentence"]) == ("caf\udce9.jpg", "one\u2028two\x85three")
    assert capsys.readouterr().err == ""


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


def test_a_log_does_not_fill_the_disk_and_has_the_newest(lines, monkeypatch, tmp_path):
    monkeypatch.setattr(logs, "MOST_BYTES", 10)
    for name in ("first", "second", "third"):
        logs.event(name)
    assert [line["event"] for line in lines()] == ["third"]
    assert json.loads((tmp_path / "log.jsonl.1").read_text())["event"] == "second"
    assert logs.kept(logs.unforeseen("a.b", ValueError("a reason")))


@pytest.mark.parametrize(
    ("sentence", "kept"),
    [
        ("'/home/Jo Doe/my pictures/a b.jpg' is no picture", "'a b.jpg' is no picture"),
        ("can't read secret/clients/x.jpg, nor (./up/y.png).", "can't read x.jpg, nor (y.png)."),
        ("C:/Users/Jo/x.jpg or 'C:\\Users\\Jo Doe\\x.jpg'", "x.jpg or 'x.jpg'"),
        (r"at C:\Users\Jo\x.jpg: \\server\share\y.jpg!", "at x.jpg: y.jpg!"),
        ("see file:///home/jo/x.jpg; out=/home/jo/y.jpg", "see x.jpg; out=y.jpg"),
        ("~jo/secret/x.jpg and `secret/clients`", "x.jpg and `clients`"),
        ("it can't be: 32/64 and/or 'https://example.org/a/b', n/a.",) * 2,
        ("(https://a.org/b/c.html) models' or painters' /home", "(https://a.org/b/c.html) models' or painters' home"),
    ],
)  # fmt: skip
def test_a_sentence_says_no_folders(lines, sentence, kept):
    logs.event("a.b", sentence=sentence, each={sentence: [sentence]})
    (line,) = lines()
    assert (line["sentence"], line["each"]) == (kept, {kept: [kept]})


def run(code, events, **more):
    """Another process with `ARTNB_EVENTS`, which must not wait for ever."""
    code = f"from artnb.common import logs\n{code}"
    environment = os.environ | {"ARTNB_EVENTS": str(events)}
    return subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120, **more
    )


def test_events_go_to_a_stream_without_a_lock(tmp_path):
    for name in ("stderr", "stdout"):
        done = run("logs.event('a.b'); logs.event('a.c')", f"/dev/{name}")
        heard = {"stderr": done.stderr, "stdout": done.stdout}
        assert [json.loads(line)["event"] for line in heard.pop(name).splitlines()] == ["a.b", "a.c"]
        assert set(heard.values()) == {""}
    assert run("logs.event('a.b')", "/dev/null").stderr == ""


def test_a_stream_that_is_a_file_keeps_what_else_is_written_there(tmp_path):
    file = tmp_path / "err.txt"
    code = "from artnb.common import logs\nlogs.warn('a.b', 'One.')\nlogs.warn('a.c', 'Two.')"
    with file.open("w") as stream:
        environment = os.environ | {"ARTNB_EVENTS": "/dev/stderr"}
        subprocess.run([sys.executable, "-c", code], env=environment, stderr=stream, check=True, timeout=120)
    one, event, two, _ = file.read_text().splitlines()
    assert (one, json.loads(event)["event"], two) == ("artnb: One.", "a.b", "artnb: Two.")
    assert list(tmp_path.iterdir()) == [file]


def test_a_pipe_gets_events_as_long_as_somebody_reads_it(lines, use, tmp_path, capsys):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    use(events=pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    logs.event("a.b")
    assert json.loads(os.read(reader, 10_000))["event"] == "a.b"
    os.close(reader)
    logs.event("a.c")
    assert "artnb: events can't be written to" in capsys.readouterr().err and pipe.is_fifo()


@pytest.mark.parametrize(
    "place", ["folder", "file/log.jsonl", "/proc/self/fd/log", "/dev/fd/log", "/dev/full", "x" * 252]
)
def test_a_place_that_takes_no_events_is_one_sentence_and_the_work_goes_on(tmp_path, place):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    done = run("logs.event('a.b'); logs.event('a.c'); print('done')", tmp_path / place)
    assert done.stdout == "done\n"
    assert done.stderr.startswith("artnb: events can't be written to ") and done.stderr.count("\n") == 1


def test_an_error_that_no_file_keeps_is_said_with_its_number(use, tmp_path, capsys):
    (tmp_path / "errors.jsonl").mkdir()
    use(home=tmp_path, events=None)
    try:
        int("x")
    except ValueError as error:
        number = logs.unforeseen("a.b", error)
    assert not logs.kept(number)
    assert f"artnb: error {number} (a.b) is ValueError at test_logs.py:" in capsys.readouterr().err
    (tmp_path / "errors.jsonl").rmdir()
    assert logs.kept(logs.unforeseen("a.b", ValueError("a reason"))) and capsys.readouterr().err == ""


def test_a_warning_is_a_sentence_for_people_and_a_line(lines, capsys):
    logs.warn("a.b", "Look out.")
    assert capsys.readouterr().err == "artnb: Look out.\n" and lines()[0]["level"] == "warning"


def test_a_command_notes_what_became_of_it(tmp_path):
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
