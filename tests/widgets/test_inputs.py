"""What a client may send to the widgets of each page, without a kernel."""

import math

import ipywidgets as widgets
import numpy as np
import pytest

from artnb.widgets import inputs, monet, paint_like, rate, who_painted_this

PICTURE = np.random.default_rng(2).integers(0, 256, (30, 40, 3), np.uint8)


def send(widget, state, paths=(), buffers=()):
    data = {"method": "update", "state": state, "buffer_paths": list(paths)}
    widget.comm.handle_msg({"content": {"data": data}, "buffers": list(buffers)})


def press(widget):
    widget.comm.handle_msg({"content": {"data": {"method": "custom", "content": {"event": "click"}}}, "buffers": []})


@pytest.fixture(params=[who_painted_this, paint_like, monet, rate], ids=lambda page: page.__name__)
def page(request, use, tmp_path):
    if request.param is rate:
        return rate({("a", "m"): PICTURE, ("b", "m"): PICTURE}, tmp_path / "ratings.csv")
    use(home=tmp_path)
    return request.param({"one": PICTURE})


def test_no_widget_takes_anything_but_its_value(page):
    parts = list(inputs.parts(page))
    assert len(parts) > 20
    for widget in parts:
        before = widget.get_state()
        for key in widget.keys:
            if key not in ("value", "index"):
                send(widget, {key: 7})
                send(widget, {key: "x"})
        send(widget, {"value": "/etc/passwd", "index": "0"} if not isinstance(widget, widgets.Text) else {"value": 5})
        assert widget.get_state() == before


@pytest.mark.parametrize(
    ("widget", "good", "bad"),
    [
        (widgets.IntSlider(5, min=1, max=9), (1, 9), (0, 10, 5.0, "5", True, None, [5], math.nan, 10**400)),
        (widgets.FloatSlider(0.5, min=0.1, max=1.0), (0.1, 1, 0.3), (0.0, 1.1, "1", True, math.nan, math.inf, {})),
        (widgets.Checkbox(False), (True, False), (0, 1, "true", None, [])),
        (widgets.Text("a"), ("", "ä" * 200), ("x" * 201, 5, None, ["a"])),
    ],
)
def test_types_ranges_and_lengths(widget, good, bad):
    inputs.seal(widget)
    for value in good:
        send(widget, {"value": value})
        assert widget.value == value
    kept = widget.value
    for value in bad:
        send(widget, {"value": value})
        assert widget.value == kept
    widget.disabled = True
    send(widget, {"value": next(value for value in good if value != kept)})
    assert widget.value == kept


@pytest.mark.parametrize("kind", [widgets.Dropdown, widgets.ToggleButtons])
def test_only_existing_options_can_be_chosen(kind):
    widget = kind(options=["a", "b", "c"])
    inputs.seal(widget)
    send(widget, {"index": 2})
    assert widget.value == "c"
    for index in (3, -1, True, "1", 1.0, None, [0]):
        send(widget, {"index": index})
    send(widget, {"_options_labels": ["x", "y", "z"], "value": "x", "label": "x"})
    assert widget.value == "c" and widget.options == ("a", "b", "c")


def test_an_upload_must_be_bytes():
    widget, files = widgets.FileUpload(), []
    inputs.seal(widget)
    widget.observe(lambda change: files.extend(change["new"]), "value")
    entry = {"name": "../x", "type": "text/html", "size": -5, "last_modified": 1e300, "content": "/etc/passwd"}
    send(widget, {"value": [entry]})
    send(widget, {"value": [entry]}, [["value", 0, "name"]], [b"bytes"])
    send(widget, {"value": [entry, entry]}, [["value", 0, "content"]], [b"bytes"])
    send(widget, {"value": "text"}, [["value", 0, "content"]], [b"bytes"])
    assert not files
    send(widget, {"value": [entry]}, [["value", 0, "content"]], [b"bytes"])
    (file,) = files
    assert bytes(file["content"]) == b"bytes" and file["name"] == "" and file["size"] == 5


def test_only_an_enabled_button_can_be_pressed():
    pressed, button = [], widgets.Button()
    button.on_click(pressed.append)
    inputs.seal(button)
    press(button)
    button.disabled = True
    press(button)
    send(button, {"disabled": False})
    press(button)
    assert len(pressed) == 1


def test_malformed_messages_print_no_traceback(capsys):
    widget = widgets.IntSlider()
    inputs.seal(widget)
    for message in ({}, {"content": None}, {"content": {"data": 5}}, {"content": {"data": {"method": ["update"]}}}):
        inputs.receive(widget, message)
    assert capsys.readouterr() == ("", "")
