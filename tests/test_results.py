"""The recorded results: every job runs, a table says where it is from, and the README says what the tables say."""

import json
import platform
import re
import shutil
from types import SimpleNamespace

import pandas as pd
import pytest

from artnb.classification import classifier_recipe, networks
from artnb.classification.training import HISTORY
from artnb.errors import ArtnbError
from artnb.results import FOLDER, ResultError, recorded, recorded_names
from tests.classification.conftest import small_network
from tests.conftest import CHECKOUT, draw
from tools.results import runs
from tools.results.__main__ import JOBS, OTHERS, main, page
from tools.results.sentences import SENTENCES, _percent, sentences

README = CHECKOUT / "README.md"
BEFORE = "(before: "  # marks a block whose figures are of an earlier split
# What is no result: sizes, limits, versions, and figures whose benchmark stands beside them.
FACTS = (
    "the package brings 3,106 paintings by nineteen painters",
    "3,106 pictures by nineteen painters",
    "256 pixels in a quarter of a minute each",
    "Python 3.11, 3.12 or 3.13",
    "Uploads may have 200 MB",
    "which takes 0.8 GB and comes to 1.8 GB when it has painted 768 pixels",
    "(`--cold`: none, 2 GB less)",
    "one for each 1.8 GB when 2 GB are set aside",
    "no more than 200 rows of feedback and 20 MB of pictures a day, and all of them together 1 GB",
    "(`PYTHONPATH=. python benchmarks/pages.py`) a page is there after 5.3 to 6.8 seconds, "
    "with a kernel that waited for it after 2.2 to 3.3; answers after the first one take 0.1 to 0.4 seconds",
    "8,446 paintings by fifty artists",
    "of 215 teams the second has .887 and the tenth .832",
    "5,911 whole paintings were there to train on",
    "here a quarter has 128 pixels a side, enlarged to 288",
    "627 to 698 and 110 to 130: 5.0 to 6.4 times, on two cores | `python benchmarks/pipeline.py`",
    'one picture of 288 pixels through `load_model("starter")` takes 19 to 20 milliseconds, '
    "5.3 to 5.8 times less than `model.predict`",
    "an epoch on stored features is 151 to 158 times faster than one through the core "
    "(two cores, nothing else running)",
    "samples of 200 of the real paintings: two random halves of the test paintings raise 1 alarm in 200 trials; "
    "photographs, grey pictures, JPEG at quality 10 and one artist only are each noticed in 100 of 100",
    "it names least of Titian's 32 test paintings (75 %)",
    "on the 548 test paintings (the model that ships",
    "| ONNX, asked with ONNX Runtime | 100 % | 0.000004 | 90.9 % as before | 9.5 |",
    "| SavedModel | 100 % | 0.000001 | 90.9 % as before | 20.7 |",
    "| TensorFlow Lite | 100 % | 0.000008 | 90.9 % as before | 9.4 |",
    "| TensorFlow Lite, 8 bits | 98.4 % | 0.34 | 90.9 % as before | 2.9 |",
    "it names 85.8 % of the 548 test paintings after 407 seconds",
    "names 63.3 % in 3.87 times the time, and with the guide's own 2 and 1 epochs 59.5 % in 0.59 of it",
    "Of a hundred test paintings ours names 22.4 more (95 % interval 18.4 to 26.5, of one training each)",
    "256 pixels take 0.09 seconds, 512 pixels 0.35 and 1,024 pixels 1.2; the optimiser takes 79 times as long. "
    "2,048 pixels, in tiles, take 15 seconds and 1.2 GB",
    "two artists with 20 paintings each are enough",
    "what leaves eleven artists, from 20 to 200",
    "train in 32 bits also where half of them are faster",
    "`import artnb` takes 0.03 seconds",
    "no more than 1.25 points worse at the lower end of an 80 % interval",
    "A file of 100 MB is renamed",
)


def unexplained(text: str, results: list[str]) -> list[str]:
    """What is wrong with a page: results that it doesn't tell, facts that are gone, numbers that are neither."""
    blocks = re.split(r"^(?=\*\*|#)", text, flags=re.MULTILINE)
    rest = "".join(block for block in blocks if BEFORE not in block)
    missing = [known for known in (*results, *FACTS) if known not in rest]
    for known in (*results, *FACTS):
        rest = rest.replace(known, "")
    for what in (r"^ {4}.*$", r"`[^`\n]*`", r"\]\([^)\s]*\)", r"\[\d\d\]?", r"notebooks? \d+(( to|,| and) \d+)*"):
        rest = re.sub(what, "", rest, flags=re.MULTILINE)  # code, addresses, notebooks
    return missing + [found[0] for found in re.finditer(r".*(?<![\w.-])\d.*", rest)]


def test_each_number_of_the_readme_is_a_recorded_result_or_a_plain_fact():
    wrong = unexplained(README.read_text(encoding="utf-8"), sentences())
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("of 0.42 to 0.96", "of 0.43 to 0.96"), "0.42"),
        (("fifty artists", "fifty artists, and 77 % are right"), "77 %"),
        (("8,446", "8,447"), "8,446"),
        (("**New.**", f"**New.** {BEFORE}split 1)"), "0.42"),  # what is recorded stands where nothing is old
    ],
)
def test_a_number_that_is_not_in_the_tables_is_found(change, wrong):
    page = README.read_text(encoding="utf-8") + "\n**New.** The style distance is of 0.42 to 0.96.\n"
    known = [*sentences(), "distance is of 0.42 to 0.96"]
    assert unexplained(page, known) == []
    found = unexplained(page.replace(*change), known)
    assert found and wrong in found[0] + found[-1]


def test_what_is_recorded_here_can_be_read_and_is_listed():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == page(FOLDER), "python -m tools.results --readme"
    for name in recorded_names():
        table, about = recorded(name), recorded(name).attrs["about"]
        assert name in [*JOBS, *OTHERS] and len(table) and "--smoke" not in about["command"]
        assert (about["source"] == "studio") == (name == "claims"), "all others are of real paintings"
    assert {file.stem for file in FOLDER.glob("*.csv")} == set(recorded_names())


@pytest.fixture
def one(tmp_path):
    about = {"command": "artnb paint", "split": "0123456789abcdef", "date": "2026-11-28"}
    (tmp_path / "one.json").write_text(json.dumps(about))
    pd.DataFrame({"network": ["a", "b"], "test": [0.1, None], "needs": [None, "weights"]}).to_csv(
        tmp_path / "one.csv", index=False
    )
    return tmp_path


def test_a_table_comes_with_a_label(one):
    table = recorded("one", one)
    assert table.attrs["label"] == "recorded: artnb paint, split 01234567, 2026-11-28"
    assert table["test"].tolist()[0] == 0.1 and table["test"].isna().tolist() == [False, True]


def test_a_result_that_is_not_there_is_a_sentence(one, tmp_path_factory):
    with pytest.raises(ResultError, match=r"no recorded result 'two'; there are one\."):
        recorded("two", one)
    with pytest.raises(ResultError, match="there are none yet"):
        recorded("one", tmp_path_factory.mktemp("empty"))


@pytest.mark.parametrize(
    ("file", "content"),
    [("one.csv", None), ("one.csv", ""), ("one.json", "{"), ("one.json", "[]"), ("one.json", '{"split": "01"}')],
)
def test_a_damaged_result_is_a_sentence(one, file, content):
    (one / file).unlink() if content is None else (one / file).write_text(content)
    with pytest.raises(ResultError, match=r"'one' can't be read .* restore one\.csv and one\.json"):
        recorded("one", one)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Made pictures: two artists to be told apart, one that nobody knows, photographs and Monets."""
    root = tmp_path_factory.mktemp("results")
    counts = {"paintings/images/Vincent_van_Gogh": 20, "paintings/images/Claude_Monet": 20, "paintings/images/Munch": 3}
    for number, (folder, count) in enumerate((counts | {"cycle/photo_jpg": 24, "cycle/monet_jpg": 24}).items()):
        for each in range(count):
            draw(root / folder / f"{each}.jpg", seed=100 * number + each)
    return root


@pytest.fixture
def record(made, tmp_path, use):
    """The command in a smoke test on these pictures, into `tables`."""
    use(source="folder", data=made / "paintings", monet_data=made / "cycle")
    shutil.copytree(made / "audits", tmp_path / "work/audits") if (made / "audits").is_dir() else None

    def command(*arguments):
        done = main(["--smoke", "--to", str(tmp_path / "tables"), "--work", str(tmp_path / "work"), *arguments])
        shutil.copytree(tmp_path / "work/audits", made / "audits", dirs_exist_ok=True)
        return done

    command.tables = tmp_path / "tables"
    return command


@pytest.mark.nightly
def test_every_job_of_the_list_runs_and_is_not_repeated(record, made, capsys, monkeypatch):
    judged = ["like-a-picture", "like-a-painter", "style-original", "style-ours"]  # by a starter, of a real network
    with monkeypatch.context() as patch:
        for name in networks.NETWORKS:
            patch.setitem(networks.NETWORKS, name, small_network)
        assert record(*(f"--only={name}" for name in JOBS if name not in judged)) == 0
    others = len(JOBS) - len(judged)
    assert f"{others} of {others}, " in capsys.readouterr().out
    assert record() == 0
    assert f"{len(judged)} of {len(judged)}, " in capsys.readouterr().out
    for name in JOBS:
        table, about = recorded(name, record.tables), recorded(name, record.tables).attrs["about"]
        assert len(table) and f"--only {name} --smoke, split " in table.attrs["label"]
        assert {"processor", "cores"} == set(about["machine"]) and about["versions"]["keras"]
    for file in record.tables.iterdir():
        text = file.read_text(encoding="utf-8")
        assert str(made) not in text and str(record.tables.parent) not in text and platform.node() not in text
    assert (record.tables / "README.md").read_text(encoding="utf-8") == page(record.tables)
    two_phases = recorded("two-phases", record.tables)
    empty = two_phases[two_phases["network"] == "ResNet50"].iloc[0]
    assert empty["needs"] == "artnb weights get resnet50" and pd.isna(empty["test"])
    ablation = recorded("ablation", record.tables)
    assert (ablation[ablation["change"] == "as it is"]["difference"] == 0).all()
    assert recorded("ours-search", record.tables)["trial"].nunique() == 2
    assert len(sentences(record.tables)) >= len(SENTENCES)
    assert not any("nan" in sentence for sentence in sentences(record.tables))
    assert record() == 0 and capsys.readouterr().out == ""


def test_a_stop_or_an_error_costs_one_job(record, monkeypatch, capsys):
    begun = []

    def table(name, error=None):
        def make(runs):
            """A table."""
            begun.append(name)
            if error:
                raise error
            return pd.DataFrame({"files": [runs.prepared.audit.files, None], "needs": ["", "more"]})

        return make

    jobs = {"first": table("first"), "second": table("second", ArtnbError("No.")), "third": table("third")}
    for name in list(JOBS):
        monkeypatch.delitem(JOBS, name)
    for name, job in jobs.items():
        monkeypatch.setitem(JOBS, name, job)
    monkeypatch.setitem(JOBS, "third", table("third", KeyboardInterrupt()))
    assert record() == 130
    assert recorded_names(record.tables) == ["first"]
    told = capsys.readouterr().err
    assert "second was not made: No." in told and "resumes" in told and "Traceback" not in told
    monkeypatch.setitem(JOBS, "third", table("third"))
    assert record() == 1
    assert begun == ["first", "second", "third", "second", "third"]
    assert (record.tables / "first.csv").read_text() == "files,needs\n43,\n,more\n"  # whole numbers stay whole
    damaged = record.tables / "first.json"
    damaged.write_text(damaged.read_text().replace('"split": "', '"split": "0'))
    assert record("--only", "first") == 0 and begun[-1] == "first"  # another split's
    capsys.readouterr()
    assert main(["--list", "--to", str(record.tables)]) == 0
    listed = {name: split for split, name in re.findall(r"^(\S+)\s+(\S+)", capsys.readouterr().out, re.MULTILINE)}
    assert listed["second"] == "missing" != listed["third"] and set(listed) == {*JOBS, *OTHERS}


def test_a_row_that_waited_for_weights_is_filled_when_they_are_there(record, monkeypatch):
    begun = []

    def job(runs):
        """A table."""
        begun.append(runs)
        return pd.DataFrame({"network": ["ResNet50"], "test": [None], "needs": ["artnb weights get resnet50"]})

    for name in list(JOBS):
        monkeypatch.delitem(JOBS, name)
    monkeypatch.setitem(JOBS, "two-phases", job)
    assert record() == 0 and record() == 0 and len(begun) == 1
    monkeypatch.setattr("tools.results.__main__.find_weights", lambda name: name == "resnet50")
    assert record() == 0 and len(begun) == 2


@pytest.mark.parametrize(
    ("share", "text"), [(0.6405, "64.1 %"), (0.64049, "64.0 %"), (0.1, "10.0 %"), (1.0, "100.0 %"), (0.0005, "0.1 %")]
)
def test_a_half_is_rounded_up(share, text):
    assert _percent(share) == text


@pytest.mark.parametrize(
    ("source", "monets", "arguments"),
    [("studio", True, []), ("folder", False, []), ("folder", True, ["--smoke"]), ("kaggle", True, ["--smoke"])],
)
def test_only_real_pictures_are_recorded_in_the_repository(
    use, source, monets, arguments, capsys, monkeypatch, tmp_path
):
    use(source=source, data=tmp_path, monet_data=tmp_path if monets else None)
    monkeypatch.setattr("tools.results.__main__.prepare", lambda: pytest.fail("work was done"))
    assert main(arguments) == 1
    assert "data/results holds what real pictures gave" in capsys.readouterr().err


def test_the_profiles_share_no_search_and_no_folds(monkeypatch, tmp_path, use):
    table = pd.DataFrame({"sha256": ["a"], "artist": "a", "subset": "test"})
    one = runs.Runs(SimpleNamespace(collection=None, table=table, whole="01"))
    monkeypatch.setattr(runs, "load_pictures", lambda *_: None)
    monkeypatch.setattr(
        runs, "search_classifier", lambda space, data, folder, seed: pd.DataFrame({"epochs": [space.epochs]})
    )
    searched, folders = [], []
    for profile in ("quick", "full"):
        use(home=tmp_path, profile=profile)
        searched.append(one.search("ours")["epochs"].item())
        folders += [one.search_folder("ours"), one.folds_folder]
    assert searched == [4, 27] and len(set(folders)) == 4


def test_a_search_is_recorded_with_its_own_scores_and_with_what_diverged(tmp_path):
    """Trial 0 kept its first epoch of two; trial 1 diverged after an epoch, and once before it had one."""
    best, last = ([1, 9.0, 0.001, 1.0, 0.5, loss, right] for loss, right in ((1.0, 0.6), (2.0, 0.4)))
    trainings = {"trial_0/training-0": [best, last], "trial_1/training-0": [best], "trial_1/training-1": None}
    for folder, epochs in trainings.items():
        (tmp_path / folder).mkdir(parents=True)
        if epochs:
            rows = [["training", number, *epoch[1:]] for number, epoch in enumerate(epochs, 1)]
            pd.DataFrame(rows, columns=HISTORY).to_csv(tmp_path / folder / "history.csv", index=False)
    trials = pd.DataFrame({"trial": ["0", "1"], "rate": 1.0, "epochs": 2, "val_accuracy": [0.7, 0.0]})
    search = SimpleNamespace(
        recipe=lambda name: classifier_recipe("cnn-original", "quick"),
        search=lambda name: trials,
        search_folder=lambda name: tmp_path,
    )
    found = JOBS["original-search"](search)
    assert found["score"].tolist() == [0.7, 0, 0] and found["trained_epochs"].tolist() == [2, 1, 0]
    assert found["val_accuracy"][0] == 0.6 and found["val_accuracy"][1:].isna().all()
    assert found["needs"].tolist() == ["", *["a lower learning rate: it diverged"] * 2]
