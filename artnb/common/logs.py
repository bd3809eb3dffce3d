"""What happened, for those who run this: a line of JSON for each event in the file `ARTNB_EVENTS`.

Without it, only unforeseen errors are kept, in `$ARTNB_HOME/errors.jsonl`. The events go through Python's own logging,
to the logger "artnb", so a server may add a handler of its own. People are told in sentences on standard error, and
those are events as well.

A line says when, how serious, what, and with what: names, numbers and sentences. A picture is never part of it, nor
where a file lies, only what it is called.
"""

import json
import logging
import os
import re
import sys
import traceback
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from artnb.common.files import append_lines
from artnb.errors import ArtnbError
from artnb.settings import settings

logger = logging.getLogger("artnb")
MOST_BYTES = 1_000_000_000  # of a file of events


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
    """Log an error that was foreseen, and that a sentence explains to a person."""
    event(name, "warning", error=type(error).__name__, sentence=str(error), **fields)


def unforeseen(name: str, error: BaseException, **fields: Any) -> str:
    """Log an error that nobody foresaw: its type, its sentence and the places in the code that it came through.

    Other handlers of the logger get the traceback, too.

    Returns:
        A number for people to name it by; the line in `events_file` has it.
    """
    identity = uuid4().hex[:8]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    fields |= {"id": identity, "where": places[-1] if places else "", "trace": places[-20:]}
    _ready()
    more = {"error": type(error).__name__, "sentence": str(error)} | fields
    logger.error(name, exc_info=error, extra={"fields": more})
    return identity


class JsonLines(logging.Handler):
    """Adds a line to a file for each record; several processes may do so at once."""

    def __init__(self, file: Path, level: int):
        super().__init__(level)
        self.file = file

    def emit(self, record: logging.LogRecord) -> None:
        """Write one; a full disk must not end what is going on, so logging's own way to complain is used."""
        try:
            if self.file.exists() and self.file.stat().st_size > MOST_BYTES:
                return  # whoever can cause errors must not be able to fill the disk
            time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            line = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
            fields = {name: _plain(value) for name, value in getattr(record, "fields", {}).items()}
            append_lines(self.file, [json.dumps(line | {"process": os.getpid()} | fields, ensure_ascii=False)])
        except Exception:
            self.handleError(record)


def _ready() -> None:
    """Let the logger write to the file of the settings in use, and to none of earlier ones."""
    try:
        level = settings.level if settings.events else "error"
        lines = _lines(events_file(), getattr(logging, level.upper()))
    except ArtnbError:  # a bad setting, which the command says itself
        lines = None
    for handler in logger.handlers[:]:
        if isinstance(handler, JsonLines) and handler is not lines:
            logger.removeHandler(handler)
            logger.setLevel(logging.NOTSET)
    if lines is not None and lines not in logger.handlers:
        logger.addHandler(lines)
        logger.setLevel(lines.level)
    if not logger.handlers:
        logger.addHandler(logging.NullHandler())


def events_file() -> Path:
    """Where the lines go."""
    return settings.events or settings.home / "errors.jsonl"


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
