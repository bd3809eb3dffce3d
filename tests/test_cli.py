import io
import json
import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest

from artnb.cards import KINDS
from artnb.cli import main
from artnb.cli.common import FileError, Model, check_new, result_names, root
from artnb.common.files import short_name
from artnb.operation.store import Store
from tests.conftest import CHECKOUT, draw
from tools import commands as commands_page


def artnb(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "artnb", *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        env=os.environ | environment,
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
    result = artnb("paintings", "audit", "--json", ARTNB_DATA=str(folder))
    assert result.returncode == 0, result.stderr
    output = json.loads(result.stdout)
    assert (output["files"], output["artists"]) == (44, 2)
    assert output["unreadable"] == ["images/Edvard_Munch/99.jpg"]
    assert output["exact_duplicates"] == [["images/El_Greco/00.jpg", "images/El_Greco/00_again.jpg"]]


def test_the_split_as_a_table(folder, tmp_path):
    file = tmp_path / "out" / "split.csv"
    result = artnb(
        "paintings", "split", "--min-paintings", "20", "--seed", "3", "--json", "-o", str(file), ARTNB_DATA=str(folder)
    )
    assert result.returncode == 0, result.stderr
    table = pd.read_csv(file)
    assert list(table.columns) == ["path", "artist", "group", "sha256", "subset"]
    assert len(table) == 43 and not table["path"].str.endswith("99.jpg").any()
    twins = table[table["path"].str.contains("El_Greco/00")]
    assert len(twins) == 2 and twins["subset"].nunique() == 1 and twins["group"].nunique() == 1
    summary = json.loads(result.stdout)
    assert summary["paintings"] == 43 and summary["groups"] == 42 and sum(summary["subsets"].values()) == 43
    to_stdout = artnb("paintings", "split", "--min-paintings", "20", "--seed", "3", ARTNB_DATA=str(folder))
    assert to_stdout.stdout == file.read_text()


def test_a_table_is_utf_8_whatever_the_terminal_speaks(folder):
    (folder / "images/El_Greco").rename(folder / "images/Andō_Hiroshige")
    environment = os.environ | {"ARTNB_DATA": str(folder), "PYTHONIOENCODING": "cp1252"}
    command = [sys.executable, "-m", "artnb", "paintings", "split", "--min-paintings", "20"]
    done = subprocess.run(command, capture_output=True, env=environment)
    assert done.returncode == 0, done.stderr
    assert pd.read_csv(io.BytesIO(done.stdout))["artist"].nunique() == 2


@pytest.mark.slow
@pytest.mark.parametrize(
    ("environment", "arguments", "words"),
    [
        ({"ARTNB_DATA": "/nowhere/at/all"}, ["paintings", "audit"], "is not a collection of paintings"),
        ({"ARTNB_PROFILE": "fast"}, ["paintings", "audit"], "ARTNB_PROFILE is 'fast'"),
        ({"ARTNB_SEED": "nonsense"}, ["doctor"], "ARTNB_SEED is 'nonsense'"),
        ({}, ["course", "save", "77"], "No notebook begins with 77"),
    ],
)
def test_a_failure_is_one_sentence_and_no_traceback(environment, arguments, words):
    result = artnb(*arguments, **environment)
    assert result.returncode == 1 and result.stdout == ""
    assert words in result.stderr and "Traceback" not in result.stderr and len(result.stderr.splitlines()) == 1
    as_json = artnb(*arguments, "--json", **environment)
    assert as_json.returncode == 1 and as_json.stderr == ""
    assert words in json.loads(as_json.stdout)["error"]


def test_a_wrong_setting_is_said_before_the_seconds_that_tensorflow_takes():
    code = "import sys; sys.modules['tensorflow'] = None; from artnb.cli import main; sys.exit(main(['doctor']))"
    environment = os.environ | {"ARTNB_SEED": "nonsense"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, cwd=CHECKOUT)
    assert done.returncode == 1 and done.stderr.startswith("artnb: ARTNB_SEED is 'nonsense'; it can be")


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--port", "0"],
        ["models", "ui", "--port", "99999"],
        [],
        ["paint"],
        ["paintings", "split", "--min-paintings", "-3"],
        ["paintings", "split", "-o", "."],
    ],
)
def test_wrong_arguments_print_the_usage(arguments, capsys):
    assert main(arguments) == 2
    assert "Usage: artnb" in capsys.readouterr().err
    if arguments:
        assert main([*arguments, "--json"]) == 2
        output = capsys.readouterr()
        assert json.loads(output.out)["error"] and not output.err


def test_a_command_leaves_pythons_warnings_as_they_were(monkeypatch, capsys):
    import warnings

    from artnb import doctor

    inside = []
    monkeypatch.setattr(doctor, "examine", lambda: inside.append(list(warnings.filters)) or {})
    monkeypatch.setattr(doctor, "machine_report", lambda machine: "")
    before = list(warnings.filters)
    assert main(["doctor", "--json"]) == 0
    assert warnings.filters == before
    assert inside[0] != before, "Pillow's are quiet while it runs"


def test_an_interruption_and_a_full_disk_give_one_sentence(monkeypatch, capsys, use, tmp_path):
    from artnb import doctor

    use(events=tmp_path / "events.jsonl")

    def full():
        raise OSError(28, "No space left on device", "split.csv")

    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", full)
    assert main(["doctor"]) == 1 and "No space left on device (split.csv); free some" in capsys.readouterr().err
    monkeypatch.setattr(doctor, "examine", interrupted)
    assert main(["doctor"]) == 130 and "stopped" in capsys.readouterr().err
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events] == ["command.failed"] * 2, "both leave a trace"


@pytest.mark.slow
def test_a_command_that_failed_for_one_of_several_pictures_leaves_a_trace(capsys, use, tmp_path):
    use(home=tmp_path, events=tmp_path / "events.jsonl")
    photo = draw(tmp_path / "photo.png", 1)
    assert main(["predict", "starter-cnn", str(photo), str(tmp_path / "missing.png")]) == 1
    assert "Traceback" not in capsys.readouterr().err
    assert main(["predict", "--help"]) == main(["predict", "starter-cnn", str(photo)]) == 0
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    ends = [event for event in events if event["event"].startswith("command.")]
    assert [(end["event"], end["level"], end["command"]) for end in ends] == [
        ("command.failed", "warning", "predict"),
        ("command.done", "info", "predict"),
    ]
    assert ends[0]["exit_code"] == 1, "there is no error to name: it was said of its picture"
    assert all("seconds" in end for end in ends)


def test_a_full_disk_that_tensorflow_tells_of_is_no_error_of_ours(capsys, monkeypatch):
    from artnb import doctor

    def full():
        raise RuntimeError("logs; No space left on device [Op:WriteScalarSummary]")

    monkeypatch.setattr(doctor, "examine", full)
    assert main(["doctor"]) == 1
    assert capsys.readouterr().err == "artnb: No space left on device; free some space and run the command again.\n"


@pytest.mark.slow
def test_the_doctor_prints_json_and_nothing_else():
    result = artnb("doctor", "--json")
    output = json.loads(result.stdout)
    assert result.stderr == ""
    assert {"artnb", "python", "packages", "source", "data", "weights", "profile", "gpus", "advice"} <= set(output)


def commands(group=root, words=()):
    """All commands with their words."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, (*words, name))
        else:
            yield [*words, name], command


def test_every_command_has_a_help_and_takes_json_unless_it_runs_until_it_is_stopped():
    without = {" ".join(words) for words, command in commands() if "--json" not in options(command)}
    assert without == {"demo", "models ui", "models serve"}
    for words, command in commands():
        assert command.help and command.get_short_help_str(60).endswith("."), words
        for option in command.params:
            assert isinstance(option, click.Argument) or option.help or option.name == "help", (words, option.name)
        for name in ("output", "overwrite", "resume", "seed", "since"):
            assert sum(option.name == name for option in command.params) <= 1


def options(command):
    return [name for option in command.params for name in option.opts]


def test_a_model_is_named_in_one_way():
    """It is the first argument of whatever needs one, and an option of whatever can do without one."""
    for words, command in commands():
        of_models = [each.name for each in command.params if isinstance(each.type, Model) and each.name != "start"]
        if of_models and words[-2:-1] != ["experiment"]:
            (model,) = (each for each in command.params if isinstance(each.type, Model) and each.name != "start")
            assert model.name == "model", words
            assert command.params[0] is model or (isinstance(model, click.Option) and not model.required), words


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_commands_and_models(shell):
    script = artnb(_ARTNB_COMPLETE=f"{shell}_source")
    assert script.returncode == 0 and "_ARTNB_COMPLETE" in script.stdout
    if shell == "bash":
        asked = {"COMP_CWORD": "2", "COMP_WORDS": "artnb predict start", "_ARTNB_COMPLETE": "bash_complete"}
        assert artnb(**asked).stdout.split() == [
            "file,start",
            "plain,starter",
            "plain,starter-42",
            "plain,starter-cnn",
            "plain,starter-monet",
            "plain,starter-painters",
            "plain,starter-studio",
        ]


def test_results_of_equal_names_are_told_apart():
    sources = [Path("a/Plain.jpg"), Path("b/plain.jpg"), Path("plain-2.jpg"), Path("plain.png"), Path("other.jpg")]
    named = result_names(sources, Path("out"), ".png")
    assert [file.name for file in named] == ["Plain.png", "plain-2.png", "plain-2-2.png", "plain-3.png", "other.png"]


def test_results_of_long_names_are_told_apart_and_their_names_are_whole():
    sources = [Path(f"{'n' * 240}{number}.jpg") for number in (1, 2)] + [Path(f"n{'é' * 120}.jpg")]
    named = [file.name for file in result_names(sources, Path("out"), ".png")]
    assert len({short_name(name) for name in named}) == 3
    assert named[2].encode().decode() == named[2]


def test_no_file_is_overwritten_unasked(tmp_path):
    old, link = tmp_path / "old.png", tmp_path / "link.png"
    old.write_text("a picture")
    link.symlink_to(old)
    check_new([tmp_path / "new.png"], False)
    check_new([old], True)
    with pytest.raises(FileError, match="exists already; name another output"):
        check_new([old], False)
    for target in (old, link):
        with pytest.raises(FileError, match="overwrite its own input"):
            check_new([target], True, [old])


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_an_input_is_never_overwritten(overwrite, tmp_path, capsys):
    mine = draw(tmp_path / "photos" / "mine.png", 1)
    style = draw(tmp_path / "style.jpg", 2)
    before = mine.read_bytes()
    photos = str(tmp_path / "photos")
    assert main(["stylize", photos, str(style), "-o", photos, *overwrite]) == 1
    assert "overwrite its own input" in capsys.readouterr().err
    draw(tmp_path / "photos" / "mine-monet.png", 3)
    both = [str(mine), str(tmp_path / "photos" / "mine-monet.png")]
    assert main(["monet", "starter-monet", *both, "-o", photos, *overwrite]) == 1
    assert "overwrite its own input" in capsys.readouterr().err
    assert mine.read_bytes() == before


def test_a_table_and_a_page_are_not_overwritten(folder, tmp_path, use, capsys):
    use(home=tmp_path / "home", source="folder", data=folder)
    for words in (["paintings", "split"], ["watch", "report"]):
        file = tmp_path / "mine.txt"
        file.write_text("mine")
        assert main([*words, "-o", str(file)]) == 1 and "--overwrite" in capsys.readouterr().err
        assert file.read_text() == "mine"
        assert main([*words, "-o", str(file), "--overwrite"]) == 0
        assert file.read_text() != "mine"


def test_an_unforeseen_error_is_a_sentence_with_a_number_that_the_log_has(monkeypatch, capsys, use, tmp_path):
    from artnb import doctor

    use(home=tmp_path)
    monkeypatch.setattr(doctor, "examine", lambda: {}["no such key"])
    assert main(["doctor"]) == 1
    sentence = capsys.readouterr().err
    assert "KeyError" in sentence and "Traceback" not in sentence and sentence.count("\n") == 1
    (line,) = map(json.loads, (tmp_path / "errors.jsonl").read_text().splitlines())
    assert line["id"] in sentence and line["error"] == "KeyError" and line["command"] == "doctor"
    assert line["where"].startswith("test_cli.py:") and str(tmp_path) not in json.dumps(line)
    assert main(["doctor", "--json"]) == 1
    assert "KeyError" in json.loads(capsys.readouterr().out)["error"]


@pytest.mark.slow
def test_messages_after_tensorflows_import_are_not_hidden():
    code = (
        "import os\nfrom artnb.cli.common import import_tensorflow\nimport_tensorflow()\n"
        "os.write(2, b'a fatal message')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "a fatal message"


@pytest.mark.slow
def test_what_was_to_be_logged_and_was_not_is_no_success(tmp_path, capsys, use):
    use(home=tmp_path)
    (tmp_path / "operation.sqlite").write_bytes(b"no database" * 100)
    photo = draw(tmp_path / "photo.png", 1)
    assert main(["predict", "starter", str(photo)]) == 0
    capsys.readouterr()
    assert main(["predict", "starter", str(photo), "--log", "--json"]) == 1
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert "operation.sqlite" in result["error"]


def test_the_page_about_the_commands_is_what_they_say():
    assert commands_page.PAGE.read_text(encoding="utf-8") == commands_page.page(), "run: make commands"


def named_commands():
    """The commands that documents, notebooks and the library's sentences name."""
    pages = [*CHECKOUT.glob("*.md"), CHECKOUT / "docs" / "deployment.md"]
    for file in [*pages, *CHECKOUT.glob("notebooks/*.ipynb"), *(CHECKOUT / "artnb").rglob("*.py")]:
        text = file.read_text(encoding="utf-8").replace("\\n", "\n")
        found = re.findall(r"(?:`|: |\()artnb (\w[^`\n\")]+)", text)
        if file.suffix != ".py":
            found += re.findall(r"^[ \"]{4,6}artnb (\S.*)$", text, re.MULTILINE)
        for line in found:
            yield file.name, re.split(" [#|] ", line)[0].strip()


def test_every_command_that_is_named_anywhere_exists_and_takes_what_is_said():
    seen = set()
    for file, line in named_commands():
        context, words = click.Context(root, info_name="artnb"), line.replace("\\", "").replace("…", "").split()
        while isinstance(context.command, click.Group) and words and words[0] not in ("-h", "--help"):
            word = "cnn" if words[0] in ("NAME", "NETWORK", "MODEL") or "{" in words[0] else words[0].rstrip(".,;)")
            assert word in context.command.commands, (file, line)
            context = click.Context(context.command.commands[word], context)
            words = words[1:]
        command = context.command
        assert command is not root, (file, line)
        known = {name for option in command.params for name in option.opts}
        asked = {word.strip("[],;|.)") for word in words if word.startswith(("-", "[-"))}
        assert asked <= known | {"-h", "--help"}, (file, line, asked - known)
        seen.add(command.name)
    assert len(seen) > 25


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoding", "as_json"),
    [("ascii", []), ("ascii", ["--json"]), ("latin-1", []), ("utf-8:strict", ["--json"])],
)
def test_no_encoding_of_a_terminal_ends_a_command(encoding, as_json, tmp_path, monkeypatch):
    draw(tmp_path / "Ω.png", 1)
    draw(tmp_path / "a.png", 2)
    names = [str(tmp_path / name) for name in ("Ω.png", "a.png", "nöwhere.png", "\udcff.png")]
    name, _, errors = encoding.partition(":")
    streams = {}
    for stream, its_errors in (("stdout", errors or "strict"), ("stderr", "backslashreplace")):  # as Python opens them
        streams[stream] = io.TextIOWrapper(io.BytesIO(), encoding=name, errors=its_errors, write_through=True)
        monkeypatch.setattr(sys, stream, streams[stream])
    code = main(["predict", "starter-cnn", *names, *as_json])
    monkeypatch.undo()
    out, err = (stream.buffer.getvalue().decode(name, "replace") for stream in streams.values())
    assert code == 1 and "Traceback" not in err and "error in artnb" not in err
    if as_json:
        results = json.loads(out)["results"]
        assert [Path(result["picture"]).name for result in results] == ["Ω.png", "a.png", "nöwhere.png", "\udcff.png"]
        assert ["error" in result for result in results] == [False, False, True, True]
    else:
        assert out.count("%") >= 2 and err.count("artnb: ") == 2


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_reader_that_goes_away_ends_no_work(closed, tmp_path):
    photos = [str(draw(tmp_path / f"{number}.png", number, (40, 40))) for number in range(3)]
    read, write = os.pipe()
    os.close(read)
    command = [
        sys.executable,
        "-m",
        "artnb",
        "monet",
        "starter-monet",
        *photos,
        "missing.png",
        "-o",
        str(tmp_path / "o"),
    ]
    streams = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | {closed: write}
    assert subprocess.run(command, **streams).returncode == 1, "one is missing"
    assert len(list((tmp_path / "o").iterdir())) == 3


@pytest.mark.parametrize("as_json", [[], ["--json"]])
def test_a_full_or_closed_output_is_no_traceback(as_json, tmp_path):
    plan = [sys.executable, "-m", "artnb", "watch", "experiment", "plan", "--base", "0.9", "--lift", "0.03", *as_json]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(plan, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and "No space left on device" in done.stderr and "Traceback" not in done.stderr
    closed = subprocess.run(["bash", "-c", 'exec "$@" >&-', "-", *plan], stderr=subprocess.PIPE, text=True)
    assert closed.returncode == 0 and closed.stderr == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["evaluate", "starter", "--folder", ""],
        ["evaluate", "starter", "--folder="],
        ["watch", "drift", "starter", ""],
        ["stylize", "", "s.jpg", "-o", "x.png"],
        ["monet", "starter-monet", "x.jpg", "-o", ""],
        ["demo", "--ip", ""],
        ["demo", "--allow-host="],
        ["models", "ui", "--port", ""],
        ["models", "serve", ""],
    ],
)
def test_an_empty_argument_is_not_taken_for_none(arguments, capsys):
    assert main(arguments) == 2 and "An argument is empty" in capsys.readouterr().err


def test_an_interruption_while_artnb_is_imported_is_a_sentence():
    code = (
        "import runpy, sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, *more):\n"
        "        if name == 'artnb.cli':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "runpy.run_module('artnb', run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "artnb: stopped.\n")


def test_the_installed_command_is_the_modules():
    import tomllib

    from artnb.__main__ import run

    name, _, function = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["scripts"][
        "artnb"
    ].partition(":")
    assert (name, function) == (run.__module__, run.__name__)


def test_a_person_who_stops_keeps_what_was_found_out(tmp_path, monkeypatch, capsys):
    from artnb.operation import monitoring

    one, two = draw(tmp_path / "1.png", 1), draw(tmp_path / "2.png", 2)
    predict = monitoring.predict_and_log

    def stopped(classifier, picture, **options):
        if picture == two:
            raise KeyboardInterrupt
        return predict(classifier, picture, **options)

    monkeypatch.setattr(monitoring, "predict_and_log", stopped)
    command = ["predict", "starter-cnn", str(one), str(two), str(one)]
    assert main([*command, "--json"]) == 130
    first, second = json.loads(capsys.readouterr().out)["results"]
    assert first["ranked"] and second == {"picture": str(two), "error": "stopped."}
    assert main(command) == 130
    output = capsys.readouterr()
    assert output.out.startswith(f"{one}: ") and output.err.splitlines() == ["artnb: stopped."]


@pytest.mark.parametrize(
    ("command", "module", "function"),
    [
        (["search", "style", "ours", "1.png", "2.png", "-o", "out"], "artnb.style.search", "search_style"),
        (
            ["search", "classifier", "ours", "--split", "split.csv", "-o", "out"],
            "artnb.classification.search",
            "search_classifier",
        ),
    ],
)
@pytest.mark.parametrize("finished", [0, 1, 2])
def test_a_person_who_stops_a_search_is_told_how_far_it_came(
    command, module, function, finished, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("artnb.cli.classification._prepared", lambda split: (None, None, None))
    monkeypatch.setattr("artnb.paintings.pipeline.load_pictures", lambda *given: None)
    trial = {"trial_id": "0", "status": "COMPLETED", "score": 1.0, "hyperparameters": {"values": {}}}

    def stopped(*given, **named):
        for number in range(finished):
            (tmp_path / f"out/trial_{number}").mkdir(parents=True)
            (tmp_path / f"out/trial_{number}/trial.json").write_text(json.dumps(trial | {"metrics": {"metrics": {}}}))
            (tmp_path / "out/search.json").write_text('{"space": "ours"}')
        raise KeyboardInterrupt

    monkeypatch.setattr(f"{module}.{function}", stopped)
    assert main(command) == 130
    trials = f"{finished} finished trial{'' if finished == 1 else 's'}"
    assert capsys.readouterr().err == f"artnb: stopped with {trials}; the same command resumes out.\n"


def test_completion_and_bad_settings_are_no_traceback():
    asked = {"COMP_CWORD": "2", "COMP_WORDS": "artnb predict star", "_ARTNB_COMPLETE": "bash_complete"}
    for more in ({"ARTNB_SEED": "abc"}, {"ARTNB_HOME": "/nowhere/at/all"}):
        done = artnb(**asked, **more)
        assert done.stderr == "" and "plain,registry" not in done.stdout
    assert artnb("--version", _ARTNB_COMPLETE="").stdout.startswith("artnb ")


def test_nothing_that_a_command_reads_is_its_output(folder, tmp_path, use, capsys):
    use(home=tmp_path / "home", source="folder", data=folder)
    painting = folder / "images" / "El_Greco" / "03.jpg"
    before = painting.read_bytes()
    assert main(["paintings", "split", "-o", str(painting), "--overwrite"]) == 1
    assert "its own input" in capsys.readouterr().err and painting.read_bytes() == before
    store = Store.default()
    store.add("predictions", [{"model": "starter"}])
    assert main(["watch", "report", "-o", str(store.file), "--overwrite"]) == 1
    assert len(store.read("predictions", ["model"])) == 1


def test_a_port_in_use_is_a_sentence(capsys, monkeypatch):
    from artnb.operation import tracking

    monkeypatch.setattr(tracking, "page_command", lambda port: ["never"])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["models", "ui", "--port", str(taken.getsockname()[1])]) == 1
    assert "choose another one with --port" in capsys.readouterr().err


def test_the_list_of_versions_says_which_are_damaged(use, tmp_path, monkeypatch, capsys):
    from artnb.operation import registry, tracking

    use(home=tmp_path)
    monkeypatch.setattr(tracking, "mirror", lambda: None)
    registry.add("starter-cnn")
    registry.promote("art-classifier")
    registry.add("starter")
    registry.promote("art-classifier", reason="it was measured on other paintings")
    registry.add("starter-monet")
    for name in ("art-classifier-1/novelty.npz", "art-classifier-2/test.csv"):  # a former champion and the champion
        (tmp_path / "registry" / name).write_bytes(b"x")
    assert main(["models", "list"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("art-", "monet-"))]
    assert [("damaged (novelty.npz" in line, "damaged (test.csv" in line) for line in lines] == [
        (True, False),
        (False, True),
        (False, False),
    ]
    assert main(["models", "list", "--json"]) == 0
    assert [bool(version["problem"]) for version in json.loads(capsys.readouterr().out)["versions"]] == [1, 1, 0]
    (tmp_path / "registry/history.jsonl").unlink()
    (tmp_path / "registry/history.jsonl").mkdir()
    assert main(["models", "list"]) == 0
    output = capsys.readouterr().out
    assert output.count("'history.jsonl' in 'registry' can't be read") == len(KINDS) and "starter-monet" in output


@pytest.mark.parametrize("path", ["registry/art-classifier-1", "linked"])
def test_a_registered_model_is_known_by_any_path(path, use, tmp_path, monkeypatch, capsys):
    from artnb.operation import registry, tracking

    use(home=tmp_path)
    monkeypatch.setattr(tracking, "mirror", lambda: None)
    folder = registry.add("starter-cnn").folder
    (tmp_path / "linked").symlink_to(folder)
    monkeypatch.chdir(tmp_path)
    assert main(["models", "promote", path]) == 0
    shutil.copytree(folder, folder.with_name("art-classifier-old"))
    capsys.readouterr()
    assert main(["models", "promote", "art-classifier-old"]) == 2
    assert "is not registered" in capsys.readouterr().err
