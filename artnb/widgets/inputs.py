"""Validation of what browsers send to the widgets of a page.

ipywidgets sets any synced trait to whatever a client sends: the bounds of a slider, the options of a list, or text in
place of a file's bytes. After `seal`, a client can only set the one value of a control that a person can change, and
its type and range are checked. Our pages send nothing else, so everything else is dropped.
"""

import math
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import ipywidgets as widgets
from ipywidgets.widgets.widget_selection import _Selection

from artnb.common import logs

TEXT = 200  # characters


class InputError(ValueError):
    """A value that our pages never send."""


def seal(page: widgets.Widget) -> None:
    """Check whatever a client sends to the widgets of a page from now on; see `receive`."""
    for widget in parts(page):
        if widget.comm is not None:
            widget.comm.on_msg(partial(receive, widget))


def parts(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and all widgets that it refers to: children, layouts and styles."""
    visited, pending = set(), [widget]
    while pending:
        part = pending.pop()
        if part in visited:
            continue
        visited.add(part)
        yield part
        for name in part.keys:
            value = getattr(part, name)
            values = value if isinstance(value, tuple | list) else [value]
            pending.extend(value for value in values if isinstance(value, widgets.Widget))


def receive(widget: widgets.Widget, message: dict[str, Any]) -> None:
    """Handle a client's message: set the widget's value, press the button or send the state; drop anything else."""
    try:
        content = message["content"]["data"]
        if content["method"] == "custom":
            _press(widget, content["content"])
        elif content["method"] == "update":
            paths, buffers = content.get("buffer_paths", []), message.get("buffers", [])
            widget.set_state(accepted(widget, content["state"], paths, buffers))
        elif content["method"] == "request_state":  # on a slow line, a browser asks for each widget separately
            widget.send_state()
        else:
            raise InputError(f"the method {str(content['method'])[:40]!r}")
    except Exception as error:  # whatever it is, the page keeps working
        kind = type(widget).__name__
        logs.event("page.dropped", "debug", widget=kind, error=type(error).__name__, sentence=str(error)[:200])


def accepted(widget: widgets.Widget, state: dict[str, Any], paths: list[Any], buffers: list[Any]) -> dict[str, Any]:
    """The part of a client's `state` that a widget may be set to: the value of a control, otherwise nothing.

    Raises:
        InputError: the value has the wrong type, is out of range or too long, or the control is disabled.
    """
    for kind, (name, check) in _CONTROLS.items():
        if isinstance(widget, kind) and name in state:
            if getattr(widget, "disabled", False):
                raise InputError("it is disabled")
            return {name: check(widget, state[name], paths, buffers)}
    return {}


def _press(widget: widgets.Widget, content: Any) -> None:
    if not isinstance(widget, widgets.Button) or widget.disabled or content != {"event": "click"}:
        raise InputError("it is not a button that can be pressed")
    widget.click()


def _choice(widget: _Selection, value: Any, *_: Any) -> int:
    if type(value) is not int or not 0 <= value < len(widget.options):
        raise InputError("not one of the options")
    return value


def _number(widget: widgets.IntSlider | widgets.FloatSlider, value: Any, *_: Any) -> int | float:
    whole = isinstance(widget, widgets.IntSlider)
    if type(value) not in ((int,) if whole else (int, float)) or not math.isfinite(value):
        raise InputError("not a number")
    if not widget.min <= value <= widget.max:
        raise InputError("out of range")
    return value


def _checked(_: widgets.Checkbox, value: Any, *__: Any) -> bool:
    if type(value) is not bool:
        raise InputError("neither true nor false")
    return value


def _text(_: widgets.Text, value: Any, *__: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT:
        raise InputError("not a text, or too long")
    return value


def _file(_: widgets.FileUpload, value: Any, paths: list[Any], buffers: list[Any]) -> list[dict[str, Any]]:
    """One file's bytes, without its name and type."""
    if value == []:
        return []
    if paths != [["value", 0, "content"]] or len(buffers) != 1 or not isinstance(value, list) or len(value) != 1:
        raise InputError("not a file")
    content = memoryview(buffers[0])
    return [{"name": "", "type": "", "size": content.nbytes, "last_modified": 0, "content": content}]


_CONTROLS: dict[type[widgets.Widget], tuple[str, Callable[..., Any]]] = {
    _Selection: ("index", _choice),
    widgets.IntSlider: ("value", _number),
    widgets.FloatSlider: ("value", _number),
    widgets.Checkbox: ("value", _checked),
    widgets.Text: ("value", _text),
    widgets.FileUpload: ("value", _file),
}
