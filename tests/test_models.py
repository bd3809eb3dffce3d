"""The saved model, its card and the list, on copies of the models that ship; nothing here needs TensorFlow."""

import json
import os
import shutil
from pathlib import Path

import pytest

from artnb import models
from artnb.cards import KINDS, Card, ModelError
from artnb.errors import ArtnbError
from artnb.models import STARTERS, find, list_models, load_model
from artnb.operation import registry, tracking
from tests.conftest import resealed

NAME = "art-classifier"
FIRST = f"{NAME}-1"


@pytest.fixture
def home(use, tmp_path, monkeypatch):
    """An empty home, and no MLflow."""
    monkeypatch.setattr(tracking, "mirror", lambda: None)
    return use(home=tmp_path / "home").home


@pytest.fixture
def make(home):
    """A copy of a starter, by default `starter-cnn`, in the home's `models/`."""
    return lambda name, starter="starter-cnn": shutil.copytree(STARTERS / starter, home / "models" / name)


def say(folder: Path, path: str, value: object) -> None:
    """Write another value into card.json; "metrics/test/accuracy" is one within others."""
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    *outer, last = path.split("/")
    inner = card
    for name in outer:
        inner = inner[name]
    inner[last] = value
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")


def problems() -> dict[str, str]:
    return {entry.name: entry.problem for entry in list_models()}


@pytest.mark.parametrize(
    "name", ["starter", "starter-42", "starter-cnn", "starter-monet", "starter-painters", "starter-studio"]
)
def test_the_models_that_ship_have_all_that_their_kind_must_have(name):
    card = models.check_whole(STARTERS / name)
    kind = KINDS[card.kind]
    assert set(card.files) == {*kind.files, *kind.newer}


DEEP = json.loads("[" * 400 + "]" * 400)
CLASSIFIER = [
    ("kind", ["x"], "of the kind"),
    ("kind", {}, "of the kind"),
    ("kind", None, "of the kind"),
    ("title", 5, "for title"),
    ("title", "", "for title"),
    ("title", "a\x1b[2Jb", "for title"),
    ("seed", True, "for seed"),
    ("seed", -1, "for seed"),
    ("seconds", "long", "for seconds"),
    ("seconds", 10**400, "for seconds"),
    ("metrics", 5, "for metrics"),
    ("metrics/test", {}, "nothing of 'n' in 'test' in metrics"),
    ("metrics/test", [], "for 'test' in metrics"),
    ("metrics/test/accuracy", "high", "'high' for 'accuracy' in 'test' in metrics"),
    ("metrics/test/accuracy", 1.5, "for 'accuracy'"),
    ("metrics/test/accuracy", True, "for 'accuracy'"),
    ("metrics/train/interval", [0.5], "for 'interval'"),
    ("metrics/test/per_class/Titian", 3, "for 'Titian'"),
    ("temperature", 0, "0 for temperature"),
    ("temperature", -1, "-1 for temperature"),
    ("temperature", "warm", "for temperature"),
    ("size", 7, "7 for size"),
    ("size", True, "True for size"),
    ("size", 160.0, "for size"),
    ("size", 128, "128 for size, and 160 in its recipe"),
    ("recipe", [], "for recipe"),
    ("recipe/options", None, "for 'options' in recipe"),
    ("network", "", "for network"),
    ("class_names", ["a", "a"], "for class_names"),
    ("class_names", ["a", 5], "for class_names"),
    ("class_names", ["a", ["b"]], "for class_names"),
    ("class_names", ["a"], "for class_names"),
    ("class_names", "ab", "for class_names"),
    ("class_names", DEEP, "for class_names"),
    ("novelty/threshold", 0, "for 'threshold' in novelty"),
    ("novelty/threshold", "far", "for 'threshold' in novelty"),
    ("novelty", {}, "nothing of 'threshold' in novelty"),
    ("split", "mine", "for split"),
    ("withdrawn", {"monet": 5}, "5 for 'monet' in withdrawn"),
    ("started", {"title": "x"}, "for started"),
    ("made", {"date": 3}, "3 for 'date' in made"),
    ("untrained", 1, "for untrained"),
    ("files", [], "for files"),
    ("files/novelty.npz", "0", "for 'novelty.npz' in files"),
    ("files/..", "0" * 64, "names the file '..'"),
    ("files/a\x00b", "0" * 64, "names the file"),
    ("learning", "fast", "the field 'learning', unknown to this artnb: it is perhaps of another version"),
]
CYCLEGAN = [
    ("metrics/monet", 5, "5 for 'monet' in metrics"),
    ("metrics/monet", {}, "nothing of 'generated' in 'monet' in metrics"),
    ("metrics/monet/generated/value", None, "for 'value' in 'generated'"),
    ("withdrawn", {"monet": 5}, "5 for 'monet' in withdrawn"),
    ("class_names", ["a", "b"], "for class_names"),
    ("pictures", {"test_photos": "many"}, "for 'test_photos' in pictures"),
    ("size", 64, "64 for size, and 128 in its recipe"),
]


@pytest.mark.parametrize(
    ("starter", "path", "value", "words"),
    [("starter-cnn", *case) for case in CLASSIFIER] + [("starter-monet", *case) for case in CYCLEGAN],
)
def test_a_card_that_says_nonsense_is_a_sentence_and_leaves_the_list_alone(starter, path, value, words, make):
    folder = make("odd", starter)
    if path.startswith("files/") and path != "files/novelty.npz":  # a name with "/" can't be written as a path
        files = json.loads((folder / "card.json").read_text())["files"]
        say(folder, "files", files | {path.removeprefix("files/"): value})
    else:
        say(folder, path, value)
    with pytest.raises(ModelError) as caught:
        load_model("odd")
    assert words in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 300
    found = problems()
    assert found["odd"] == str(caught.value) and found["starter"] == found["starter-monet"] == ""


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_what_is_no_number_is_refused_wherever_it_stands(constant, make):
    folder = make("odd")
    for field in ("temperature", "nobody"):
        text = (STARTERS / "starter-cnn" / "card.json").read_text(encoding="utf-8")
        (folder / "card.json").write_text(text.replace('"seed": 1', f'"{field}": {constant}', 1), encoding="utf-8")
        with pytest.raises(ModelError, match=f"it holds {constant}, which is no number"):
            Card.load(folder)


def test_a_figure_that_is_no_number_is_not_written(make):
    folder = make("mine")
    before = (folder / "card.json").read_bytes()
    with pytest.raises(ModelError, match="no finite number"):
        resealed(folder, temperature=float("nan"))
    assert (folder / "card.json").read_bytes() == before


@pytest.mark.parametrize("starter", ["starter-cnn", "starter-monet"])
def test_a_card_that_leaves_a_file_of_its_kind_out_is_no_model(starter, make):
    folder = make("mine", starter)
    files = Card.load(folder).files
    for name in set(files) - set(KINDS[Card.load(folder).kind].newer):
        say(folder, "files", {other: digest for other, digest in files.items() if other != name})
        with pytest.raises(ModelError, match=f"does not name its file '{name}'"):
            models.check_whole(folder)


def test_the_list_says_of_every_model_what_load_model_would_say(make, home):
    flipped = make("flipped") / "model.weights.h5"
    content = bytearray(flipped.read_bytes())
    content[len(content) // 2] ^= 1
    flipped.write_bytes(content)
    registry.add("starter-cnn")
    resealed(home / "registry" / FIRST, title="another")
    found = problems()
    assert "(model.weights.h5 is not the file" in found["flipped"]
    assert "not those that were registered" in found[f"registry:{NAME}@challenger"]
    for name in ("flipped", f"registry:{NAME}@challenger"):
        with pytest.raises(ModelError) as caught:
            load_model(name)
        assert str(caught.value) == found[name]


def test_a_registered_model_is_checked_by_whatever_path_it_is_reached(home, tmp_path, monkeypatch):
    registry.add("starter-cnn")
    folder = home / "registry" / FIRST
    (tmp_path / "link").symlink_to(folder)
    (tmp_path / "home again").symlink_to(home)
    ways = [
        f"../registry/{FIRST}",
        str(home / "registry" / ".." / "registry" / FIRST),
        folder,
        FIRST,
        tmp_path / "link",
        tmp_path / "home again" / "registry" / FIRST,
        f"registry:{NAME}@1",
    ]
    for way in ways:
        models.check_whole(find(way))
    resealed(folder, title="another")  # whole, and not what was registered
    for way in ways:
        with pytest.raises(ModelError, match=f"{NAME} 1 are not those that were registered"):
            load_model(way)
    monkeypatch.chdir(home / "registry")
    for way in (f"./{FIRST}", Path(FIRST), Path(FIRST, "..", FIRST)):
        with pytest.raises(ModelError, match="not those that were registered"):
            load_model(way)
    monkeypatch.chdir(folder)
    with pytest.raises(ModelError, match="not those that were registered"):
        load_model(".")
    elsewhere = shutil.move(folder, tmp_path / "elsewhere")
    folder.symlink_to(elsewhere)
    with pytest.raises(ModelError, match="not those that were registered"):
        load_model(f"registry:{NAME}@1")


def test_a_registered_model_without_its_folder_is_a_sentence_about_it(home):
    registry.add("starter-cnn")
    shutil.rmtree(home / "registry" / FIRST)
    with pytest.raises(ModelError, match=rf"'{FIRST}' holds no readable card\.json"):
        load_model("registry:challenger")
    assert FIRST in problems()[f"registry:{NAME}@challenger"]


@pytest.mark.parametrize(
    "change",
    [
        {"aliases": None},
        {"aliases": 5},
        {"aliases": ["champion"]},
        {"aliases": {"champion": "1"}},
        {"aliases": {"champion": True}},
        {"version": "1"},
        {"version": 0},
        {"event": None},
        {"event": "add"},
        {"event": "promote", "before": "1"},
        {"time": 5},
        {"name": ["art-classifier"]},
    ],
)
def test_a_line_of_another_shape_is_as_if_it_had_never_been(change, home):
    registry.add("starter-cnn")
    history = home / "registry" / "history.jsonl"
    good = json.loads(history.read_text())
    bad = {"time": good["time"], "name": NAME, "event": "promote", "version": 1, "aliases": {"champion": 1}} | change
    lines = [json.dumps({key: value for key, value in bad.items() if value is not None})]
    lines += ["[" * 100_000, '{"aliases": ' + "[" * 100_000, "5", "null", "", '{"name": "art-classifier"}']
    with history.open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
    assert models.registered_history(NAME) == [good] and models.aliases(NAME) == {"challenger": 1}
    assert problems()[f"registry:{NAME}@challenger"] == ""
    assert find("registry:challenger") == home / "registry" / FIRST
    assert registry.versions(NAME)[0].aliases == ("challenger",)
    registry.promote(NAME)
    assert models.aliases(NAME) == {"champion": 1}


@pytest.mark.parametrize(
    "model",
    [None, 5, b"starter", ["starter"], "", "x" * 5000, "a\x00b", "registry:" + "9" * 5000, "registry:\x00", "."],
)
@pytest.mark.parametrize("kind", [None, "classifier", "cyclegan"])
def test_what_is_no_name_is_a_sentence(model, kind, home, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "home").mkdir()
    with pytest.raises(ModelError) as caught:
        load_model(model, kind)
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


def test_a_kind_that_there_is_not_is_a_sentence(home):
    for kind in ("foo", ["classifier"], 5):
        for use in (list_models, lambda kind: find("starter", kind), lambda kind: load_model("starter", kind)):
            with pytest.raises(ModelError, match=r"no kind of model .*; there are classifier, cyclegan"):
                use(kind)


def test_folders_that_can_not_be_read_are_a_sentence_in_the_list(home):
    home.mkdir(exist_ok=True)
    (home / "models").write_text("no folder")
    (home / "registry" / "history.jsonl").mkdir(parents=True)
    found = problems()
    assert "'models' in 'home' can't be read (NotADirectoryError)" in found["models"]
    assert "'history.jsonl' in 'registry' can't be read (IsADirectoryError)" in found[f"registry:{NAME}"]
    assert found["starter"] == ""
    for use in (lambda: load_model("registry:champion"), lambda: load_model("mine"), lambda: registry.versions(NAME)):
        with pytest.raises(ArtnbError):
            use()
    assert find("starter") == STARTERS / "starter"


def test_a_folder_that_may_not_be_looked_into_is_a_sentence(make, home, monkeypatch):
    make("mine")
    real = os.scandir, os.listdir, os.stat

    def closed(of):
        def call(path=".", *more, **options):
            if "models" in Path(os.fspath(path)).parts:
                raise PermissionError(13, "Permission denied", str(path))
            return of(path, *more, **options)

        return call

    for name, of in zip(("scandir", "listdir", "stat"), real, strict=True):
        monkeypatch.setattr(os, name, closed(of))
    assert "'models' in 'home' can't be read (PermissionError)" in problems()["models"]
    with pytest.raises(ModelError, match=r"'mine' holds no readable card\.json \(PermissionError\)"):
        load_model("mine")
    assert find("starter") == STARTERS / "starter"


def test_every_folder_that_could_be_a_model_is_listed_and_found_with_its_problem(make, home):
    (make("without") / "card.json").unlink()
    (make("folder") / "card.json").unlink()
    (home / "models" / "folder" / "card.json").mkdir()
    training = make("training")
    (training / "card.json").unlink()
    (training / "training.json").write_text("{}")
    (make("trained") / "training.json").write_text("{}")
    (home / "models" / "empty").mkdir()
    (home / "models" / ".mine.lock").write_text("")
    shutil.copytree(STARTERS / "starter-cnn", home / "models" / ".half copied")
    found = problems()
    shipped = {"starter", "starter-42", "starter-cnn", "starter-monet", "starter-painters", "starter-studio"}
    assert set(found) == {*shipped, "without", "folder", "trained"}
    assert found["trained"] == "" and "it is a folder" in found["folder"] and "FileNotFound" in found["without"]
    for name in ("without", "folder"):
        for kind in (None, "classifier", "cyclegan"):
            with pytest.raises(ModelError) as caught:
                find(name, kind)
            assert str(caught.value) == found[name]
    with pytest.raises(ModelError, match=r"a training that is not finished.*--resume"):
        find("training")
    with pytest.raises(ModelError, match="no model 'empty'"):
        find("empty")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(make):
    for name in ("card.json", "novelty.npz"):
        folder = make(f"with {name}")
        (folder / name).unlink()
        os.mkfifo(folder / name)
        assert name in problems()[folder.name]
