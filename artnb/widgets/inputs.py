"""What a visitor's browser may send to a widget, checked in one place: `seal` lets nothing else through.

ipywidgets sets any synced trait to whatever a client sends: the bounds of a slider, the options of a list, or a
text where a file's bytes belong. Here each control has the one value that a person can change, with its type and
its range. Anything else is dropped: no page of ours sends it.
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
    """A value that no page of ours sends."""


def seal(page: widgets.Widget) -> None:
    """From now on, let the widgets of a page take from a client only what a person can do on it."""
    for widget in parts(page):
        if widget.comm is not None:
            widget.comm.on_msg(partial(receive, widget))


def parts(widget: widgets.Widget) -> Iterator[widgets.Widget]:
    """A widget and all that it is made of, layouts and styles too."""
    found, left = set(), [widget]
    while left:
        one = left.pop()
        if one in found:
            continue
        found.add(one)
        yield one
        for name in one.keys:
            value = getattr(one, name)
            among = value if isinstance(value, tuple | list) else [value]
            left.extend(part for part in among if isinstance(part, widgets.Widget))


def receive(widget: widgets.Widget, message: dict[str, Any]) -> None:
    """Take a message of a client: change the widget's value, press a button, or drop it."""
    try:
        content = message["content"]["data"]
        if content["method"] == "custom":
            _press(widget, content["content"])
        elif content["method"] == "update":
            taken = accepted(widget, content["state"], content.get("buffer_paths", []), message.get("buffers", []))
            widget.set_state(taken)
        elif content["method"] == "request_state":  # a browser on a slow line asks each widget for itself
            widget.send_state()
        else:
            raise InputError(f"the method {str(content['method'])[:40]!r}")
    except Exception as error:  # whatever it is, the page goes on
        kind = type(widget).__name__
        logs.event("page.dropped", "debug", widget=kind, error=type(error).__name__, sentence=str(error)[:200])


def accepted(widget: widgets.Widget, state: dict[str, Any], paths: list[Any], buffers: list[Any]) -> dict[str, Any]:
    """What of a client's `state` a widget may be set to; what is not a control's value is left out.

    Raises:
        InputError: the value is of another type, out of range or too long.
    """
    for kind, (name, check) in _CONTROLS.items():
        if isinstance(widget, kind) and name in state:
            if getattr(widget, "disabled", False):
                raise InputError("it is disabled")
            return {name: check(widget, state[name], paths, buffers)}
    return {}


def _press(widget: widgets.Widget, content: Any) -> None:
    if not isinstance(widget, widgets.Button) or widget.disabled or content != {"event": "click"}:
        raise InputError("nothing can be pressed here")
    widget.click()


def _choice(widget: _Selection, value: Any, *_: Any) -> int:
    if type(value) is not int or not 0 <= value < len(widget.options):
        raise InputError("no choice")
    return value


def _number(widget: widgets.IntSlider | widgets.FloatSlider, value: Any, *_: Any) -> int | float:
    whole = isinstance(widget, widgets.IntSlider)
    if type(value) not in ((int,) if whole else (int, float)) or not math.isfinite(value):
        raise InputError("no number")
    if not widget.min <= value <= widget.max:
        raise InputError("out of range")
    return value


def _mark(_: widgets.Checkbox, value: Any, *__: Any) -> bool:
    if type(value) is not bool:
        raise InputError("neither true nor false")
    return value


def _text(_: widgets.Text, value: Any, *__: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT:
        raise InputError("no text, or a long one")
    return value


def _file(_: widgets.FileUpload, value: Any, paths: list[Any], buffers: list[Any]) -> list[dict[str, Any]]:
    """One file's bytes; what it is called and where it comes from is of no use here."""
    if value == []:
        return []
    if paths != [["value", 0, "content"]] or len(buffers) != 1 or not isinstance(value, list) or len(value) != 1:
        raise InputError("no file")
    content = memoryview(buffers[0])
    return [{"name": "", "type": "", "size": content.nbytes, "last_modified": 0, "content": content}]


_CONTROLS: dict[type[widgets.Widget], tuple[str, Callable[..., Any]]] = {
    _Selection: ("index", _choice),
    widgets.IntSlider: ("value", _number),
    widgets.FloatSlider: ("value", _number),
    widgets.Checkbox: ("value", _mark),
    widgets.Text: ("value", _text),
    widgets.FileUpload: ("value", _file),
}
