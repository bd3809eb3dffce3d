"""Who painted this, used as a visitor would, with good pictures and broken files."""

import html
import io
import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from artnb.cards import Card
from artnb.errors import ArtnbError
from artnb.images import MAX_BYTES
from artnb.models import STARTERS, identity
from artnb.operation import assignment, registry
from artnb.operation.store import Store
from artnb.widgets import examples, monet, paint_like, parts, who_painted_this
from artnb.widgets.choosing import IN_USE
from artnb.widgets.visitors import Visitor

PICTURE = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)


def find(page, kind, text=""):
    """The first widget of a kind whose description begins with a text."""
    return next(w for w in everything(page) if isinstance(w, kind) and getattr(w, "description", "").startswith(text))


def everything(widget):
    """A widget and its descendants, in the order of the page."""
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


def texts(page):
    """What is written on a page, without its style sheets."""
    written = " ".join(widget.value for widget in everything(page) if isinstance(widget, widgets.HTML))
    return re.sub("<style>.*?</style>", "", written, flags=re.S)


def upload(page, content, name="x.jpg"):
    """What a browser sends."""
    find(page, widgets.FileUpload).value = (
        {"name": name, "type": "image/jpeg", "size": len(content), "content": memoryview(content),
         "last_modified": datetime.now(UTC)},
    )  # fmt: skip


@pytest.fixture
def page(use, tmp_path):
    use(home=tmp_path)
    return who_painted_this({"noise": PICTURE})


def test_an_uploaded_picture_is_named_explained_and_corrected(page):
    ask = find(page, widgets.Button, "Who")
    assert ask.disabled
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "JPEG")
    upload(page, buffer.getvalue())
    assert not ask.disabled and find(page, widgets.FileUpload).value == ()
    ask.click()
    page.job.wait(60)
    shown = texts(page)
    assert shown.count('class="artnb-bar"') == 5 and "%" in shown and "unlike anything" in shown
    find(page, widgets.Button, "Where").click()
    page.explaining.wait(60)
    assert 'alt="Evidence for' in texts(page)
    tell = find(page, widgets.Button, "Wrong")
    tell.click()
    assert "Choose whose work" in texts(page)
    right = find(page, widgets.Dropdown, "It is by")
    assert "Frida Kahlo" in dict(right.options), "an artist that the model does not know can be right, too"
    right.value = "Titian"
    tell.click()
    for _ in range(20):  # a client without a browser can press what is hidden
        tell.click()
    (row,) = Store.default().read("feedback", ["artist", "model", "kept"]).to_dict("records")
    assert row == {"artist": "Titian", "model": "starter-42", "kept": 0} and "not kept" in texts(page)


def test_another_picture_clears_the_answer(page):
    find(page, widgets.Button, "noise").click()
    find(page, widgets.Button, "Who").click()
    page.job.wait(60)
    assert "artnb-bar" in texts(page)
    find(page, widgets.Button, "noise").click()
    assert "artnb-bar" not in texts(page) and find(page, widgets.Button, "Where").disabled


def test_every_shipped_model_can_be_chosen_the_starter_first(page):
    options = find(page, widgets.Dropdown, "Model").options
    assert options[0].startswith("EfficientNet-Lite0, 90.7%") and any("CNN" in option for option in options)
    assert options[-1].startswith("Built-in painters: ")


def test_the_shipped_examples_are_answered_by_the_model_of_their_painters(use, tmp_path):
    use(home=tmp_path)
    page = who_painted_this()
    model = find(page, widgets.Dropdown, "Model")
    assert model.value == model.options[-1]
    known = Card.load(STARTERS / "starter-studio").class_names
    offered = [each.description for each in everything(page) if getattr(each, "description", "") in known]
    assert len(offered) == 6, "by painters whom it knows, and by no others"
    assert not [each for each in everything(page) if getattr(each, "description", "") == "Maud Ashgrove"]
    find(page, widgets.Button, "Camille").click()
    find(page, widgets.Button, "Who").click()
    page.job.wait(60)
    assert texts(page).count('alt="A training painting by ') == 3, "the studio is at hand"
    for _ in range(8):
        find(page, widgets.Button, "A random").click()
        assert re.findall(r"The painting: ([^\"<]+)", texts(page))[-1] in known
    model.value = model.options[0]
    find(page, widgets.Button, "Odile").click()
    assert model.value == model.options[-1]


def test_a_damaged_model_is_left_out(use, tmp_path):
    damaged, twin = tmp_path / "models/damaged", tmp_path / "models/twin"
    damaged.mkdir(parents=True)
    (damaged / "card.json").write_text("{")
    shutil.copytree(STARTERS / "starter", twin)
    use(home=tmp_path)
    options = find(who_painted_this({}), widgets.Dropdown, "Model").options
    assert len(options) == 5 and options[4] == f"{options[0]} (twin)"


@pytest.mark.parametrize("content", [b"", b"a text", b"\xff\xd8\xff\xe0broken", b"<svg></svg>"])
def test_a_broken_file_gives_an_error_message(page, content):
    upload(page, content)
    shown = texts(page)
    assert (
        'class="artnb-error"' in shown
        and "Traceback" not in shown
        and "/" not in shown.split('role="alert">')[1].split("</p>")[0]
    )
    assert find(page, widgets.Button, "Who").disabled


def test_a_file_over_the_limit_is_refused_with_its_number(page, monkeypatch):
    monkeypatch.setattr("artnb.images.MAX_BYTES", 1024**2)
    upload(page, bytes(2 * 1024**2))
    assert "larger than 1 MB" in texts(page)


def test_the_browser_has_the_same_limit():
    script = (parts.TEMPLATES / "voila/templates/artnb/static/artnb.js").read_text()
    assert f"const LIMIT = {MAX_BYTES // 1024**2};" in script


def test_an_unexpected_error_shows_nothing_private():
    message = parts.Message()
    message.complain(RuntimeError("/home/somebody/secret"))
    assert "secret" not in message.value and "Something went wrong" in message.value
    message.complain(ArtnbError("<b>no</b>"))
    assert "&lt;b&gt;" in message.value


def test_an_unexpected_error_is_in_the_log_with_the_number_that_the_page_shows(use, tmp_path):
    use(home=tmp_path)
    message, button = parts.Message(), widgets.Button()
    button.on_click(message.guard(lambda _: {}["no such key"]))
    button.click()
    (line,) = map(json.loads, (tmp_path / "errors.jsonl").read_text().splitlines())
    assert (line["event"], line["level"], line["error"]) == ("page.failed", "error", "KeyError")
    assert f"(error {line['id']})" in message.value and line["where"].startswith("test_who.py:")
    message.complain(ArtnbError("A sentence."))
    message.complain("Another one.")
    assert (tmp_path / "errors.jsonl").read_text().count("\n") == 1, "what a sentence explains needs no number"


@pytest.mark.parametrize(
    "open_page",
    [who_painted_this, lambda pictures: paint_like(pictures, pictures), monet],
    ids=["who_painted_this", "paint_like", "monet"],
)
def test_a_page_says_that_its_answers_are_logged_if_they_are(open_page, use, tmp_path):
    use(home=tmp_path, log=False)
    silent = texts(open_page({"noise": PICTURE}))
    assert "monitored" not in silent and "Saved" not in silent
    use(log=True)
    said = texts(open_page({"noise": PICTURE}))
    assert said.count("The models of this page are monitored.") == 1 and "The picture itself is not kept." in said


TOLD = {  # a column of the log, and how the page names it
    "time": "the time", "model": "The models of this page", "version": "The models of this page",
    "visitor": "a random number of this browser", "request": "a number of the question",
    "picture": "a number by which the same picture can be recognised",
    "artist": "the answer", "probability": "the answer", "probabilities": "the answer", "unfamiliar": "the answer",
    "distance": "the answer", "embedding": "the network's features of the picture", "seconds": "how long it took",
    "statistics": "five figures about brightness and colour", "measures": "three measures of what was painted",
    "stopped": "whether you stopped it",
}  # fmt: skip


@pytest.mark.parametrize("name", ["who_painted_this", "monet"])
def test_whatever_is_logged_of_an_answer_is_said_on_the_page(name, use, tmp_path):
    use(home=tmp_path, log=True)
    page = {"who_painted_this": who_painted_this, "monet": monet}[name]({"noise": PICTURE})
    find(page, widgets.Button, "noise").click()
    find(page, widgets.Button, {"who_painted_this": "Who", "monet": "Paint"}[name]).click()
    page.job.wait(120)
    (row,) = Store.default().read("predictions", ["error", *TOLD]).dropna(axis="columns").to_dict("records")
    (note,) = re.findall("The models of this page are monitored.*", html.unescape(texts(page)))
    assert "error" not in row
    assert not [column for column in row if TOLD[column] not in note]
    assert len(json.loads(row["statistics"])) == 5 and len(json.loads(row.get("measures", "[1, 2, 3]"))) == 3


def test_a_job_runs_once_can_be_stopped_and_shows_its_error():
    import threading

    runs, start, stop, message = [], widgets.Button(), widgets.Button(), parts.Message()
    begun, release = threading.Event(), threading.Event()

    def work(stopped):
        runs.append(1)
        begun.set()
        while not stopped():
            release.wait(0.01)
        raise ArtnbError("it was enough")

    job = parts.Job(start, stop, work, message)
    start.click()
    start.click()
    assert begun.wait(5)
    assert runs == [1] and start.disabled and not stop.disabled
    stop.click()
    job.wait(5)
    assert "it was enough" in message.value and not start.disabled and stop.disabled


def test_a_job_can_be_started_again_as_soon_as_its_button_is_enabled():
    import threading

    runs, thrice, start, stop = [], threading.Event(), widgets.Button(), widgets.Button()
    job = parts.Job(start, stop, lambda _: runs.append((start.disabled, stop.disabled)), parts.Message())

    def again(change):
        if not change["new"]:
            start.click() if len(runs) < 3 else thrice.set()

    start.observe(again, "disabled")
    start.click()
    assert thrice.wait(5)
    job.wait(5)
    assert runs == [(True, False)] * 3 and not start.disabled and stop.disabled


def test_a_picture_is_shown_when_the_page_is_ready_for_it():
    """Then the buttons are enabled, and the page shows nothing about the previous picture."""
    start, message, states = widgets.Button(disabled=True), parts.Message(), []
    job = parts.Job(start, None, lambda _: None, message)
    chooser = parts.PictureChooser("The painting", {"One": PICTURE}, lambda: job.allow(True))
    chooser.message.complain("The last file was no picture.")
    (picture,) = [part for part in chooser.children if "Drop a picture" in getattr(part, "value", "")]
    picture.observe(lambda _: states.append((start.disabled, chooser.message.value)), "value")
    chooser.show(PICTURE, "One")
    assert states == [(False, "")] and "The painting: One" in picture.value


def test_a_handlers_error_is_shown_on_the_page():
    message = parts.Message()
    button = widgets.Button()
    button.on_click(message.guard(lambda _: 1 / 0))
    button.click()
    assert "Something went wrong" in message.value


def test_a_model_is_loaded_once_and_the_next_call_raises_the_error_of_a_preload():
    calls = []
    loader = parts.Loader(lambda name: calls.append(name) or {"good": 1}[name])
    assert loader("good") == loader("good") == 1 and calls == ["good"] and "good" in loader
    loader.ahead("bad")
    with pytest.raises(KeyError):
        loader("bad")


def test_names_are_escaped():
    assert "<script>" not in parts.share_bars([("<script>", 0.5)]) + parts.shown(
        PICTURE, '"><script>', caption="<script>"
    )


@pytest.fixture(scope="module")
def red_and_blue(tmp_path_factory):
    """A home with a model of two artists, and the collection that it was trained on."""
    from artnb.classification.model import train_classifier
    from artnb.paintings.audit import audit_collection
    from artnb.paintings.sources import read_collection
    from artnb.paintings.splits import choose_artists, split_paintings
    from tests.classification.conftest import tiny

    root, rng = tmp_path_factory.mktemp("red_and_blue"), np.random.default_rng(3)
    for artist, colour in {"Red_Painter": (200, 30, 30), "Blue_Painter": (30, 30, 200), "Stranger": (9, 9, 9)}.items():
        for number in range(20 if artist != "Stranger" else 5):
            file = root / f"data/images/{artist}/{number:02}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.normal(colour, 30, (40, 40, 3)).clip(0, 255).astype(np.uint8)).save(file)
    collection = read_collection(root / "data")
    table = split_paintings(choose_artists(collection, audit_collection(collection), 20), seed=1)
    model = train_classifier(tiny("cnn", 3), collection, table, root / "home/models/colours", seed=1)
    return root, model


@pytest.fixture
def at_hand(use, red_and_blue, tmp_path):
    """That collection in use, and a home of one's own with that model."""
    root, model = red_and_blue
    shutil.copytree(root / "home", tmp_path / "home")
    use(home=tmp_path / "home", source="folder", data=root / "data")
    return root, model


def test_the_examples_are_by_artists_that_the_model_in_use_knows(at_hand):
    page = who_painted_this()
    model = find(page, widgets.Dropdown, "Model")
    assert "CNN, ours" in model.value and model.value == model.options[-1], "the only one that knows them"
    assert [find(page, widgets.Button, name).description for name in ("Red", "Blue")] == ["Red Painter", "Blue Painter"]
    assert not [each for each in everything(page) if getattr(each, "description", "") in ("Stranger", "Maud Ashgrove")]


def test_the_answer_shows_the_most_similar_training_paintings(at_hand):
    page = who_painted_this()
    find(page, widgets.Button, "Red").click()
    find(page, widgets.Button, "Who").click()
    page.job.wait(60)
    assert texts(page).count('alt="A training painting by ') == 3
    find(page, widgets.Button, "Blue").click()
    assert "A training painting" not in texts(page), "they were like another picture"


def test_a_training_painting_is_called_one_and_is_not_like_itself(at_hand):
    root, trained = at_hand
    training = trained.split[trained.split["subset"] == "train"]["path"].iloc[0]
    page = who_painted_this()
    noise = io.BytesIO()
    Image.fromarray(PICTURE).save(noise, "PNG")
    for content, itself in (((root / "data" / training).read_bytes(), True), (noise.getvalue(), False)):
        upload(page, content)
        model = find(page, widgets.Dropdown, "Model")
        model.value = model.options[-1]  # the one that was trained here
        find(page, widgets.Button, "Who").click()
        page.job.wait(60)
        assert texts(page).count('alt="A training painting by ') == 3
        assert ("This very painting is one that it was trained on" in texts(page)) == itself


def test_similar_paintings_are_shown_only_from_the_same_files(at_hand, use, tmp_path):
    root, model = at_hand
    answer = model(root / "data/images/Red_Painter/00.png")
    near = model.similar(answer)
    assert len(examples.from_training(near)) == 3
    shutil.copytree(root / "data", tmp_path / "other")
    changed, missing = (tmp_path / "other" / path for path in near["path"][:2])
    shutil.copyfile(root / "data/images/Stranger/00.png", changed)
    missing.unlink()
    use(data=tmp_path / "other")
    assert [artist for _, artist in examples.from_training(near)] == [near["artist"][2]]
    outside = near.assign(path="../data/" + near["path"])
    assert examples.from_training(outside) == [], "a path of a model's own leads nowhere"


def test_a_random_painting_is_one_that_the_chosen_model_knows(at_hand, monkeypatch):
    page = who_painted_this()
    model = find(page, widgets.Dropdown, "Model")
    seen = set()
    for _ in range(30):
        find(page, widgets.Button, "A random").click()
        seen.add(re.findall(r"The painting: ([\w ]+)", texts(page))[-1])
    assert seen == {"Red Painter", "Blue Painter"}
    model.value = model.options[0]  # the visitor's choice, which knows none of them
    find(page, widgets.Button, "A random").click()
    assert "No painting here is by an artist that this model knows" in texts(page)
    assert model.value == model.options[0]


def test_a_picture_goes_to_a_model_that_knows_it_and_ones_own_to_the_one_with_most_artists(at_hand):
    root, trained = at_hand
    page = who_painted_this()
    model = find(page, widgets.Dropdown, "Model")
    colours = model.value
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "PNG")
    upload(page, buffer.getvalue())
    assert "42 artists" in model.value, "nothing is known of it"
    find(page, widgets.Button, "Red").click()
    assert model.value == colours
    upload(page, buffer.getvalue())
    upload(page, (root / "data" / trained.split["path"][0]).read_bytes())
    assert model.value == colours, "the very file is one of that model's"
    model.value = model.options[1]  # what a visitor chooses stays
    upload(page, buffer.getvalue())
    assert model.value == model.options[1]
    find(page, widgets.Button, "Blue").click()
    assert model.value == colours, "but it could not know this one"


def test_what_a_visitor_picked_is_remembered_while_an_example_needs_another_model(at_hand):
    page = who_painted_this()
    model = find(page, widgets.Dropdown, "Model")
    model.value = picked = model.options[0]
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "PNG")
    find(page, widgets.Button, "Red").click()
    assert model.value == model.options[-1], "which the picked one can't know"
    upload(page, buffer.getvalue())
    assert model.value == picked


def test_a_model_that_is_deleted_takes_no_page_with_it(at_hand, tmp_path):
    page = who_painted_this()
    model = find(page, widgets.Dropdown, "Model")
    find(page, widgets.Button, "Red").click()
    gone = model.value
    shutil.rmtree(tmp_path / "home" / "models")
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "PNG")
    upload(page, buffer.getvalue())
    assert gone not in model.options and "42 artists" in model.value
    assert "The painting: Your picture" in texts(page) and "can't be read" not in texts(page)


def test_a_picture_that_can_not_be_prepared_for_leaves_the_one_before():
    from artnb.widgets.parts import PictureChooser

    shown = []

    def changed():
        shown.append(chooser.name)
        if chooser.name == "two":
            raise ArtnbError("The model is gone.")

    chooser = PictureChooser("The painting", {"one": PICTURE, "two": PICTURE[:50]}, changed)
    for name in ("one", "two"):
        find(chooser, widgets.Button, name).click()
    assert shown == ["one", "two"] and chooser.name == "one" and chooser.picture.shape == PICTURE.shape
    assert "The model is gone." in texts(chooser) and "The painting: one" in texts(chooser)


def test_a_training_painting_is_called_one_also_without_the_collection(at_hand, use, tmp_path):
    root, trained = at_hand
    training = trained.split[trained.split["subset"] == "train"]["path"].iloc[0]
    content = (root / "data" / training).read_bytes()
    use(home=tmp_path / "home", source="studio")
    page = who_painted_this()
    upload(page, content)
    assert "CNN, ours" in find(page, widgets.Dropdown, "Model").value
    find(page, widgets.Button, "Who").click()
    page.job.wait(60)
    assert "This very painting is one that it was trained on" in texts(page)
    assert "A training painting by" not in texts(page)


def test_ones_own_picture_goes_to_the_model_in_use(quick):
    registry.add("starter-cnn")
    registry.promote("art-classifier")
    page = asked(who_painted_this({"noise": PICTURE}))
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "PNG")
    upload(page, buffer.getvalue())
    assert find(page, widgets.Dropdown, "Model").value == IN_USE, "whoever runs the page has chosen it"


def test_a_file_of_the_studio_goes_to_its_model_even_if_that_never_saw_it(quick):
    page = who_painted_this()
    model, collection = find(page, widgets.Dropdown, "Model"), examples.collection_at_hand()
    artists = Card.load(STARTERS / "starter-studio").class_names
    rows = collection.paintings
    rare = rows[~rows["artist"].isin(artists)]["path"].iloc[0]
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "PNG")
    upload(page, buffer.getvalue())
    assert "Built-in painters" not in model.value
    upload(page, collection.file(rare).read_bytes())
    assert "Built-in painters" in model.value


def test_a_random_painting_is_one_of_the_collection_in_use(use, tmp_path):
    from artnb.paintings.studio import works

    use(home=tmp_path)
    picture, painter = examples.random_painting()
    assert picture.shape[2] == 3 and painter in set(works()["artist"])
    use(source="folder", data=tmp_path / "nowhere")
    with pytest.raises(ArtnbError, match="not on this machine"):
        examples.random_painting()


def test_a_page_opens_without_tensorflow():
    code = "import sys; from artnb.widgets import *; [page() for page in (who_painted_this, paint_like, monet)]"
    code += "; print('tensorflow' in sys.modules)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"


@pytest.fixture
def quick(monkeypatch, use, tmp_path):
    """Models that answer at once, with the artists of their cards in turn; a home of one's own."""
    from artnb.classification.prediction import Prediction

    class Answering:
        def __init__(self, folder):
            self.folder, self.card, self.identity = Path(folder), Card.load(Path(folder)), identity(Path(folder))

        def __call__(self, picture, mirrored=False):
            ranked = tuple((name, 1 / 2**place) for place, name in enumerate(self.card.class_names, 1))
            return Prediction(ranked, 1.0, False, None)

        def similar(self, _, n=3):
            return pd.DataFrame(columns=["path", "artist", "sha256", "similarity"])

    monkeypatch.setattr("artnb.widgets.who.models.load_model", Answering)
    use(home=tmp_path)


def asked(page, name="noise"):
    """The page, asked about one of its examples."""
    find(page, widgets.Button, name).click()
    find(page, widgets.Button, "Who").click()
    page.job.wait(60)
    return page


def told():
    """The feedback in the store."""
    return Store.default().read("feedback", ["model", "said", "artist"]).to_dict("records")


def test_right_is_one_press_and_counts_once(quick):
    page = asked(who_painted_this({"noise": PICTURE}))
    right = find(page, widgets.Button, "Right")
    right.click()
    for button in (right, find(page, widgets.Button, "Wrong")):
        button.click()
    (row,) = told()
    assert row["artist"] == row["said"] == Card.load(STARTERS / "starter").class_names[0]
    assert "your answer is saved" in texts(page)


def test_wrong_is_one_press_for_each_of_the_next_artists(quick):
    page = asked(who_painted_this({"noise": PICTURE}))
    names = Card.load(STARTERS / "starter").class_names
    offered = [
        each for each in everything(page) if getattr(each, "tooltip", None) in {f"Wrong? It is by {n}" for n in names}
    ]
    assert [button.description for button in offered] == list(names[1:5])
    offered[2].click()
    offered[0].click()
    (row,) = told()
    assert (row["said"], row["artist"]) == (names[0], names[3]) and "your correction is saved" in texts(page)


def test_the_champion_answers_and_a_promotion_reaches_a_page_that_is_open(quick):
    page = who_painted_this({"noise": PICTURE})
    model = find(page, widgets.Dropdown, "Model")
    assert IN_USE not in model.options
    registry.add("starter-cnn")
    registry.promote("art-classifier")  # after the page was built, as in a kernel that waits
    find(asked(page), widgets.Button, "Right").click()
    assert model.options[0] == model.value == IN_USE
    registry.add("starter")
    registry.promote("art-classifier", reason="a test")
    find(page, widgets.Button, "Who").click()  # the same picture, the same page
    page.job.wait(60)
    find(page, widgets.Button, "Right").click()
    registry.rollback("art-classifier")
    find(asked(page), widgets.Button, "Right").click()
    assert [row["model"] for row in told()] == ["art-classifier-1", "art-classifier-2", "art-classifier-1"]
    fresh = find(who_painted_this({"noise": PICTURE}), widgets.Dropdown, "Model")
    assert fresh.value == IN_USE and not [label for label in fresh.options if "art-classifier" in label], "once"


def test_the_model_that_a_visitor_picked_stays(quick):
    page = who_painted_this({"noise": PICTURE})
    model = find(page, widgets.Dropdown, "Model")
    (model.value,) = (label for label in model.options if "CNN" in label)
    registry.add("starter")
    registry.promote("art-classifier")
    picked = model.value
    find(asked(page), widgets.Button, "Right").click()
    assert model.value == picked and model.options[0] == IN_USE
    assert [row["model"] for row in told()] == ["starter-cnn"]


def test_an_experiment_decides_which_model_a_visitor_gets(quick, monkeypatch):
    experiment = assignment.start_experiment("spring", ["starter", "starter-cnn"], 0.5, 0.4)
    got = []
    for number in range(8):
        visitor = Visitor(f"{number:032x}", "house")
        monkeypatch.setattr("artnb.widgets.who.this_visitor", lambda _, who=visitor: who)
        for _ in range(2):  # two visits
            find(asked(who_painted_this({"noise": PICTURE})), widgets.Button, "Right").click()
        got.append(experiment.arms[experiment.arm(visitor.token)])
    assert [row["model"] for row in told()] == [name for name in got for _ in range(2)] and len(set(got)) == 2
    assert sum(assignment.experiment_result("spring").n) == 8, "visitors, not clicks"
    assert set(Store.default().read("feedback", ["source"])["source"]) == {"house"}


def test_a_question_and_its_feedback_have_one_number(quick, use, tmp_path):
    use(log=True, events=tmp_path / "events.jsonl")
    page = asked(who_painted_this({"noise": PICTURE}))
    find(page, widgets.Button, "Right").click()
    asked(page)
    rows = Store.default().read("predictions", ["request"])["request"]
    (told_of,) = Store.default().read("feedback", ["request"])["request"]
    events = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    answers = [event["request"] for event in events if event["event"] == "model.answer"]
    assert answers == rows.tolist() and told_of == rows[0] != rows[1]


def test_visitors_delete_what_was_saved_of_them(quick, use):
    use(log=True)
    page, other = (asked(who_painted_this({"noise": PICTURE})) for _ in range(2))
    for each in (page, other):
        find(each, widgets.Button, "Right").click()
    find(page, widgets.Button, "Delete what").click()
    assert "Deleted: 2 entries." in texts(page)
    assert len(told()) == len(Store.default().read("predictions", ["id"])) == 1


def test_the_page_says_how_long_it_keeps_what_is_saved(use, tmp_path):
    use(home=tmp_path)
    assert "kept until it is deleted by you" in texts(who_painted_this({}))
    use(keep_days=30)
    assert "What is saved is deleted after 30 days." in texts(who_painted_this({}))
