"""What happened, for those who run this: a line of JSON for each event in the file `ARTNB_EVENTS`, nothing without it.

The lines go through Python's own logging, to the logger "artnb", so a server may add a handler of its own. People are
told in sentences on stderr, and those are events as well.

A line says when, how serious, what, and with what: names, numbers and sentences. A picture is never part of it, nor
where a file lies, only what it is called.
"""

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from artnb.common.files import append_lines
from artnb.errors import ArtnbError
from artnb.settings import settings

logger = logging.getLogger("artnb")


def event(name: str, level: str = "info", **fields: Any) -> None:
    """Note an event: `event("registry.promote", version=4)`.

    Args:
        name: what happened, "part.what".
        level: "debug", "info", "warning" or "error".
        fields: with what; of a path its name is kept, of bytes and arrays their size.
    """
    _ready()
    logger.log(getattr(logging, level.upper()), name, extra={"fields": fields})


def warn(name: str, sentence: str, **fields: Any) -> None:
    """Tell the person at the terminal, and note it."""
    print(f"artnb: {sentence}", file=sys.stderr)
    event(name, "warning", sentence=sentence, **fields)


def failure(name: str, error: BaseException, **fields: Any) -> None:
    """Note what went wrong; of an unforeseen error, also where in the code."""
    if not isinstance(error, ArtnbError):
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        if trace is not None:
            fields["where"] = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
    event(name, "error", error=type(error).__name__, sentence=str(error), **fields)


class JsonLines(logging.Handler):
    """Adds a line to a file for each record; several processes may do so at once."""

    def __init__(self, file: Path, level: int):
        super().__init__(level)
        self.file = file

    def emit(self, record: logging.LogRecord) -> None:
        """Write one; a full disk must not end what is going on, so logging's own way to complain is used."""
        try:
            time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            line = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
            fields = {name: _plain(value) for name, value in getattr(record, "fields", {}).items()}
            append_lines(self.file, [json.dumps(line | {"process": os.getpid()} | fields, ensure_ascii=False)])
        except Exception:
            self.handleError(record)


def _ready() -> None:
    """Let the logger write to the file of the settings in use, and to none of earlier ones."""
    events = settings.events
    lines = None if events is None else _lines(events, getattr(logging, settings.level.upper()))
    for handler in logger.handlers[:]:
        if isinstance(handler, JsonLines) and handler is not lines:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    if lines is not None and lines not in logger.handlers:
        logger.addHandler(lines)
        logger.setLevel(lines.level)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


@cache
def _lines(file: Path, level: int) -> JsonLines:
    return JsonLines(file, level)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return value.name
    if isinstance(value, str):
        # Of a path inside a sentence, the last part.
        return re.sub(r"(?<![\w:/])(?:/|[A-Za-z]:\\)(?:[^\s/\\'\"]+[/\\])+", "", value)[:1000]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value[:100]]
    size = getattr(value, "shape", None) or (len(value) if isinstance(value, bytes | bytearray | memoryview) else "")
    return f"{type(value).__name__} {size}".strip()
