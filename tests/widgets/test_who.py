"""Who painted this, clicked through as a visitor would, with good pictures and with nonsense."""

import io
import json
from datetime import UTC, datetime

import ipywidgets as widgets
import numpy as np
import pytest
from PIL import Image

from artnb.settings import Settings
from artnb.widgets import parts, who_painted_this

PICTURE = np.random.default_rng(1).integers(0, 256, (90, 120, 3), np.uint8)


def find(page, kind, text=""):
    """The widget of a kind whose description begins with a text."""
    stack, found = [page], []
    while stack:
        widget = stack.pop()
        stack += getattr(widget, "children", ())
        if isinstance(widget, kind) and getattr(widget, "description", "").startswith(text):
            found.append(widget)
    return found[0]


def texts(page):
    stack, found = [page], []
    while stack:
        widget = stack.pop()
        stack += getattr(widget, "children", ())
        if isinstance(widget, widgets.HTML):
            found.append(widget.value)
    return " ".join(found)


def upload(page, content, name="x.jpg"):
    """What a browser sends."""
    find(page, widgets.FileUpload).value = (
        {"name": name, "type": "image/jpeg", "size": len(content), "content": memoryview(content),
         "last_modified": datetime.now(UTC)},
    )  # fmt: skip


@pytest.fixture
def page(tmp_path):
    return who_painted_this({"noise": PICTURE}, Settings(home=tmp_path))


def test_an_uploaded_picture_is_named_explained_and_corrected(page, tmp_path):
    ask = find(page, widgets.Button, "Who")
    assert ask.disabled
    buffer = io.BytesIO()
    Image.fromarray(PICTURE).save(buffer, "JPEG")
    upload(page, buffer.getvalue())
    assert not ask.disabled and find(page, widgets.FileUpload).value == ()
    ask.click()
    said = texts(page)
    assert said.count('class="bar"') == 5 and "%" in said and "unlike anything" in said
    look = find(page, widgets.ToggleButton)
    look.value = True
    pictures = [w for w in page.children if isinstance(w, widgets.Image)]
    assert pictures[0].layout.display == "block" and "speaks for" in pictures[0].alt
    find(page, widgets.Dropdown, "It is by").value = "Titian"
    find(page, widgets.Button, "Wrong").click()
    (line,) = (tmp_path / "feedback.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["right"] == "Titian" and "noted" in texts(page)


def test_every_shipped_model_can_be_chosen_the_starter_first(page):
    options = find(page, widgets.Dropdown, "Model").options
    assert options[0].startswith("EfficientNet-Lite0, 90.0%") and any("CNN" in option for option in options)


@pytest.mark.parametrize("content", [b"", b"a text", b"\xff\xd8\xff\xe0broken", b"<svg></svg>"])
def test_nonsense_is_a_sentence(page, content):
    upload(page, content)
    said = texts(page)
    assert (
        'class="error"' in said
        and "Traceback" not in said
        and "/" not in said.split('role="alert">')[1].split("</p>")[0]
    )
    assert find(page, widgets.Button, "Who").disabled


def test_a_file_over_the_limit_is_refused_with_its_number(page, monkeypatch):
    monkeypatch.setattr("artnb.images.MAX_BYTES", 1024**2)
    upload(page, bytes(2 * 1024**2))
    assert "larger than 1 MB" in texts(page)


def test_an_unforeseen_error_tells_a_visitor_nothing_private():
    message = parts.Message()
    message.complain(RuntimeError("/home/somebody/secret"))
    assert "secret" not in message.value and "Something went wrong" in message.value
    message.complain(parts.ArtnbError("<b>no</b>"))
    assert "&lt;b&gt;" in message.value


def test_a_job_runs_once_can_be_stopped_and_says_its_trouble():
    import threading

    begun, start, stop, message = [], widgets.Button(), widgets.Button(), parts.Message()
    release = threading.Event()

    def work(stopped):
        begun.append(1)
        while not stopped():
            release.wait(0.01)
        raise parts.ArtnbError("it was enough")

    job = parts.Job(start, stop, work, message)
    start.click()
    start.click()
    assert begun == [1] and start.disabled and not stop.disabled
    stop.click()
    job.wait(5)
    assert "it was enough" in message.value and not start.disabled and stop.disabled
