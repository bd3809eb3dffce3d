"""What happened, for those who run this: a line of JSON for each event in the file `ARTNB_EVENTS`.

Without it, only unforeseen errors are kept, in `$ARTNB_HOME/errors.jsonl`. The events go through Python's own logging,
to the logger "artnb", so a server may add a handler of its own. People are told in sentences on standard error, and
those are events as well. Lines that can't be written are lost, which is said once; the work goes on.

A line says when, how serious, what, in which request, and with what: names, numbers and sentences. A picture is never
part of it, nor where a file lies, only what it is called.
"""

import json
import logging
import os
import re
import sys
import traceback
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from artnb.common.files import append_lines
from artnb.errors import ArtnbError
from artnb.settings import settings

logger = logging.getLogger("artnb")
MOST_BYTES = 100_000_000  # of a file of events; a larger one becomes NAME.1, and the one before that goes
_ABSOLUTE = re.compile(r"(?:\w+:)?(?:~\w*|\.{1,2})?[\\/]")
_SUFFIX = re.compile(r"\.[A-Za-z]\w*(?::\d+)*$")
_QUOTED = re.compile(r"""(?<!\w)(['"`])(.+?)\1(?!\w)""")
_WORD = re.compile(r"""https?://[^\s'"`<>]+|[^\s'"`]+""", re.IGNORECASE)
_request: ContextVar[str] = ContextVar("request", default="")
_kept: deque[str] = deque(maxlen=1000)  # the numbers of errors that a line was written of


def event(name: str, level: str = "info", **fields: Any) -> None:
    """Note an event: `event("registry.promote", version=4)`.

    Args:
        name: what happened, "part.what".
        level: "debug", "info", "warning" or "error".
        fields: with what; of a path its name is kept, of bytes and arrays their size.
    """
    _ready()
    logger.log(getattr(logging, level.upper()), name, extra={"fields": _of_request() | fields})


@contextmanager
def request(number: str = "") -> Iterator[str]:
    """A question of a visitor, or a command: all events of this thread in the block have its number as `request`.

    Args:
        number: that of an earlier request, which this belongs to; by default a new one.
    """
    token = _request.set(number or uuid4().hex[:12])
    try:
        yield _request.get()
    finally:
        _request.reset(token)


def request_number() -> str:
    """The number of the request that this thread works on; empty outside of one."""
    return _request.get()


def _of_request() -> dict[str, Any]:
    return {"request": number} if (number := _request.get()) else {}


def warn(name: str, sentence: str, **fields: Any) -> None:
    """Tell the person at the terminal, and note it."""
    _tell(sentence)
    event(name, "warning", sentence=sentence, **fields)


def failure(name: str, error: BaseException, **fields: Any) -> None:
    """Log an error that was foreseen, and that a sentence explains to a person."""
    event(name, "warning", error=type(error).__name__, sentence=str(error), **fields)


def unforeseen(name: str, error: BaseException, **fields: Any) -> str:
    """Log an error that nobody foresaw: its type, its sentence and the places in the code that it came through.

    Other handlers of the logger get the traceback, too.

    Returns:
        A number for people to name it by; the line in `events_file` has it. If none could be written, see `kept`, a
        line on stderr has it instead.
    """
    identity = uuid4().hex[:8]
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    fields |= {"id": identity, "where": places[-1] if places else "", "trace": places[-20:]}
    _ready()
    more = {"error": type(error).__name__, "sentence": str(error)} | _of_request() | fields
    logger.error(name, exc_info=error, extra={"fields": more})
    if not kept(identity):
        _tell(f"error {identity} ({name}) is {type(error).__name__} at {', '.join(places[-20:]) or 'no known place'}.")
    return identity


def kept(number: str) -> bool:
    """Whether `events_file` has the line of the error that `unforeseen` gave this number."""
    return number in _kept


def _tell(sentence: str) -> None:
    with suppress(OSError, ValueError):  # there may be nobody to tell
        print(f"artnb: {sentence}", file=sys.stderr)


class JsonLines(logging.Handler):
    """Adds a line to a file for each record; several processes may do so at once."""

    def __init__(self, file: Path, level: int):
        super().__init__(level)
        self.file, self.complained = file, False

    def emit(self, record: logging.LogRecord) -> None:
        """Write one; a full disk must not end what is going on, so the first that fails is a sentence on stderr."""
        try:
            time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
            line = {"time": time, "level": record.levelname.lower(), "event": record.getMessage()}
            fields = {name: _plain(value) for name, value in getattr(record, "fields", {}).items()}
            text = json.dumps(line | {"process": os.getpid()} | fields)  # ASCII: half a character can't be written
            append_lines(self.file, [text], MOST_BYTES)  # whoever can cause errors must not be able to fill the disk
            if "id" in fields:
                _kept.append(fields["id"])
        except Exception as error:
            if not self.complained:
                self.complained = True
                reason = (isinstance(error, OSError) and error.strerror) or error
                _tell(
                    f"events can't be written to {self.file} ({reason}) and are lost; mend that, or name another file."
                )


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
        return _WORD.sub(_without_folders, _QUOTED.sub(_name_in_quotes, value[:4000]))[:1000]
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, dict):
        return {_plain(str(name)): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value[:100]]
    size = getattr(value, "shape", None) or (len(value) if isinstance(value, bytes | bytearray | memoryview) else "")
    return f"{type(value).__name__} {size}".strip()


def _name_in_quotes(match: re.Match[str]) -> str:
    """Of a path in quotes, which may have spaces, the last part."""
    quote, text = match.groups()
    return match[0] if re.match("https?:", text, re.IGNORECASE) else f"{quote}{_last_part(text)}{quote}"


def _without_folders(match: re.Match[str]) -> str:
    """A word of a sentence; of one that is a path, the last part."""
    start = re.match(r"(?:\w+=|[^\w/\\~.])*", match[0])
    before = start[0] if start else ""
    path = match[0].removeprefix(before).rstrip(".,:;!?)]}>")
    after = match[0].removeprefix(before + path)
    is_path = _ABSOLUTE.match(path) or (re.search(r"[/\\]", path) and _SUFFIX.search(path))
    if re.match("https?:", path, re.IGNORECASE) or not is_path:
        return match[0]
    return f"{before}{_last_part(path)}{after}"


def _last_part(path: str) -> str:
    return re.split(r"[/\\]", path.rstrip("/\\"))[-1] or path
