"""Paint like …, used as a visitor would: it paints, can be stopped, and offers downloads."""

import base64
import html
import json
import re
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import ipywidgets as widgets
import numpy as np
import pytest

from artnb.images import load_image
from artnb.operation.monitoring import MEASURES
from artnb.operation.store import Store
from artnb.style.files import read_painting
from artnb.style.state import StyleError
from artnb.widgets import paint_like
from artnb.widgets.parts import PictureChooser
from tests.widgets.test_who import everything, find, texts

RANDOM = np.random.default_rng(2)
PHOTO, ONE, TWO = (RANDOM.integers(0, 256, (80, 64, 3), np.uint8) for _ in range(3))


@pytest.fixture
def page():
    page = paint_like({"photo": PHOTO}, {"one": ONE, "two": TWO})
    find(page, widgets.IntSlider, "Steps").value = 20
    return page


def choose(page, *names):
    """The examples of the choosers, in their order: photograph, painting, second painting."""
    choosers = [w for w in everything(page) if isinstance(w, PictureChooser)]
    for chooser, name in zip(choosers, names, strict=False):
        find(chooser, widgets.Button, name).click()


def test_it_paints_and_the_picture_can_be_downloaded(page, tmp_path):
    start = find(page, widgets.Button, "Paint")
    assert start.disabled
    choose(page, "photo")
    assert start.disabled, "a painting is missing"
    choose(page, "photo", "one")
    start.click()
    page.job.wait(120)
    shown = texts(page)
    assert "Done in" in shown and "The recipe" in shown and "Before at the left" in shown
    picture, recipe = re.findall(r'download="[^"]+" href="data:[^,]+base64,([^"]+)', shown)
    (tmp_path / "p.png").write_bytes(base64.b64decode(picture))
    assert load_image(tmp_path / "p.png").shape == PHOTO.shape
    assert read_painting(tmp_path / "p.png")["recipe"] == json.loads(base64.b64decode(recipe))
    assert json.loads(base64.b64decode(recipe))["iterations"] == 20


def test_an_untrained_network_is_called_so_and_the_command_for_its_weights_is_named(page):
    find(page, widgets.Dropdown, "Network").value = "VGG19 (untrained)"
    choose(page, "photo", "one")
    find(page, widgets.Button, "Paint").click()
    page.job.wait(120)
    assert re.search(r"Done in .*untrained.*artnb weights get vgg19", texts(page), re.DOTALL)


def test_it_can_be_stopped_and_keeps_the_picture(page):
    find(page, widgets.IntSlider, "Steps").value = 500
    choose(page, "photo", "one", "two")
    find(page, widgets.FloatSlider, "Blend").value = 0.3
    stop = find(page, widgets.Button, "Stop")
    find(page, widgets.Button, "Paint").click()
    assert not stop.disabled
    stop.click()
    page.job.wait(120)
    shown = texts(page)
    assert "It was stopped." in shown and "Download" in shown and stop.disabled
    (picture,) = re.findall(r'download="painted.png" href="data:[^,]+base64,([^"]+)', shown)
    assert load_image(base64.b64decode(picture)).shape == PHOTO.shape, "not the half of it"


@pytest.mark.parametrize(
    ("shape", "size", "sentence"),
    [
        ((80, 64), 256, "64 × 80 pixels are painted; the photograph has no more."),
        ((600, 768), 256, "256 × 200 pixels are painted."),
        ((768, 768), 768, "768 × 768 pixels are painted."),
        ((60, 768), 192, "410 × 32 pixels are painted."),
        ((20, 200), 256, "320 × 32 pixels are painted, more than the photograph has."),
        ((100, 4000), 768, " × 32 pixels are painted."),
        ((33, 5000), 128, "size of 128 pixels is too small for a picture of"),
    ],
)
def test_a_size_says_what_is_painted(shape, size, sentence):
    page = paint_like({"photo": np.zeros((*shape, 3), np.uint8)}, {"one": ONE})
    choose(page, "photo")
    find(page, widgets.IntSlider, "Size").value = size
    assert sentence in html.unescape(texts(page))


def test_a_photograph_that_is_too_small_gives_an_error_message():
    page = paint_like({"photo": PHOTO[:8, :8]}, {"one": ONE})
    choose(page, "photo", "one")
    find(page, widgets.Button, "Paint").click()
    page.job.wait(60)
    assert "too small to paint with" in texts(page)


def test_a_picture_is_logged_if_logging_is_on(use, tmp_path):
    use(home=tmp_path, log=True)
    page = paint_like({"photo": PHOTO}, {"one": ONE, "two": TWO})
    find(page, widgets.IntSlider, "Steps").value = 20
    choose(page, "photo", "one")
    find(page, widgets.Button, "Paint").click()
    page.job.wait(120)
    (row,) = (
        Store(tmp_path / "operation.sqlite").read("predictions", ["model", "measures", "seconds"]).to_dict("records")
    )
    assert row["model"] == "style-efficientnet-lite0" and row["seconds"] > 0
    assert set(json.loads(row["measures"])) == set(MEASURES)


def test_a_panorama_is_painted_from_what_it_shows_and_not_from_a_line():
    page = paint_like({"photo": np.zeros((100, 4000, 3), np.uint8)}, {"one": ONE})
    choose(page, "photo")
    find(page, widgets.IntSlider, "Size").value = 768
    assert "1280 × 32 pixels are painted." in html.unescape(texts(page))


class Fast:
    """A painter that inverts, and can be made to wait."""

    def __init__(self):
        self.asked, self.go, self.identity, self.folder = [], threading.Event(), "0" * 64, Path("fast")
        self.go.set()

    def __call__(self, photo, name, **how):
        self.asked.append((name, how))
        assert self.go.wait(60)
        if name == "Broken":
            raise StyleError("It has no brush; take another one.")
        return 255 - photo

    def fidelity(self, painting, photo, names):
        return 0.5


@pytest.fixture
def page_of_painters(fast):
    return paint_like({"photo": PHOTO}, {"one": ONE, "two": TWO})


@pytest.fixture
def fast(monkeypatch):
    model = Fast()
    card = SimpleNamespace(styles=("Ada", "Ben", "Broken"))
    listed = [SimpleNamespace(card=card, folder=model.folder, name="fast", problem="")]
    monkeypatch.setattr("artnb.widgets.choosing.list_models", lambda kind: listed)
    monkeypatch.setattr("artnb.widgets.blink.models.load_model", lambda folder, kind: model)
    return model


def test_a_painter_by_name_paints_at_once_and_follows_the_sliders(fast, page_of_painters):
    page = page_of_painters
    painter = find(page, widgets.Dropdown, "Painter")
    assert [label for label, _ in painter.options] == ["choose …", "Ada", "Ben", "Broken"]
    painter.value = "Ada"
    assert not fast.asked, "a photograph is missing"
    choose(page, "photo")
    page.blink.wait(60)
    assert "Painted like Ada in" in texts(page) and "painted like Ada" in texts(page)
    picture = re.search(r'download="painted.png" href="data:[^,]+base64,([^"]+)', texts(page))[1]
    np.testing.assert_array_equal(load_image(base64.b64decode(picture)), 255 - PHOTO)
    find(page, widgets.FloatSlider, "Strokes").value = 2.0
    page.blink.wait(60)
    find(page, widgets.FloatSlider, "Strength").value = 0.5
    page.blink.wait(60)
    assert fast.asked[-1] == ("Ada", {"strength": 0.5, "keep_colours": False, "stroke": 2.0})
    assert find(page, widgets.Button, "Paint").disabled, "there is no painting to do it carefully from"


def test_the_last_two_pictures_are_compared_whoever_painted_them(fast, page_of_painters, use, tmp_path):
    use(home=tmp_path)
    page, painter = page_of_painters, find(page_of_painters, widgets.Dropdown, "Painter")
    choose(page, "photo")
    for name in ("Ada", "Ben"):
        painter.value = name
        page.blink.wait(60)
    find(page, widgets.Button, "The one before").click()
    assert "your answer is saved" in texts(page)
    (row,) = Store.default().read("preferences", ["model", "other"]).to_dict("records")
    assert "Ada" in row["model"] and "Ben" in row["other"]


def test_of_many_changes_the_last_is_painted(fast, page_of_painters):
    page = page_of_painters
    choose(page, "photo")
    fast.go.clear()
    find(page, widgets.Dropdown, "Painter").value = "Ada"
    while not fast.asked:
        time.sleep(0.01)
    for strength in (0.9, 0.8, 0.7, 0.6):
        find(page, widgets.FloatSlider, "Strength").value = strength
    fast.go.set()
    page.blink.wait(60)
    assert [how["strength"] for _, how in fast.asked] == [1.0, 0.6]


def test_who_chooses_no_painter_any_more_is_shown_nothing(fast, page_of_painters):
    page, painter = page_of_painters, find(page_of_painters, widgets.Dropdown, "Painter")
    choose(page, "photo")
    fast.go.clear()
    painter.value = "Ada"
    while not fast.asked:
        time.sleep(0.01)
    painter.value = None
    fast.go.set()
    page.blink.wait(60)
    assert "painted like Ada" not in texts(page) and page.blink.painted is None


def test_a_painter_that_fails_says_why_and_the_page_goes_on(fast, page_of_painters):
    page = page_of_painters
    choose(page, "photo")
    painter = find(page, widgets.Dropdown, "Painter")
    painter.value = "Broken"
    page.blink.wait(60)
    assert "It has no brush; take another one." in texts(page) and page.blink.painted is None
    painter.value = "Ben"
    page.blink.wait(60)
    assert "Painted like Ben" in texts(page) and "no brush" not in texts(page)


def test_painting_carefully_begins_with_the_fast_picture(fast, page_of_painters, monkeypatch):
    page, begun = page_of_painters, []
    monkeypatch.setattr("artnb.style.transfer.stylize", lambda *_, begin=None, **__: begun.append(begin) or 1 / 0)
    choose(page, "photo", "one")
    for name, expected in ((None, None), ("Ada", 255 - PHOTO)):
        find(page, widgets.Dropdown, "Painter").value = name
        page.blink.wait(60)
        find(page, widgets.Button, "Paint").click()
        page.job.wait(120)
        np.testing.assert_array_equal(begun[-1], expected)


def test_without_a_fast_painter_none_is_offered(monkeypatch):
    monkeypatch.setattr("artnb.widgets.choosing.list_models", lambda kind: [])
    assert paint_like({"photo": PHOTO}, {"one": ONE}).blink.layout.display == "none"


def test_a_fast_picture_is_logged_if_logging_is_on(fast, use, tmp_path):
    use(home=tmp_path, log=True)
    page = paint_like({"photo": PHOTO}, {"one": ONE})
    choose(page, "photo")
    find(page, widgets.Dropdown, "Painter").value = "Ada"
    page.blink.wait(60)
    (row,) = Store.default().read("predictions", ["model", "measures"]).to_dict("records")
    assert row["model"] == "fast" and json.loads(row["measures"])[MEASURES[1]] == 0.5
