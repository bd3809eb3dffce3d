"""Files of JSON lines, one record each, that a power cut or an editor may have damaged."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from artnb.common import logs

_T = TypeVar("_T")


def read_records(file: Path, record: Callable[[Any], _T]) -> list[_T]:
    r"""The records of a file, the oldest first. Of each line that can't be read, a warning says so, once per process.

    Lines end at "\n" only: a text in JSON may hold other characters that Unicode counts as ends of lines.

    Args:
        file: which; UTF-8.
        record: makes a record of a line's JSON value; raises ValueError or TypeError if it can't be one.

    Raises:
        OSError: the file can't be read.
    """
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        if not line.strip():
            continue
        try:
            records.append(record(json.loads(line)))
        except (ValueError, TypeError, RecursionError):
            _tell(file, number, line)
    return records


@cache
def _tell(file: Path, number: int, line: str) -> None:
    logs.warn(
        "line.unreadable",
        f"Line {number} of {file.name!r} can't be read ({len(line):,} characters) and is left out; "
        "restore it from a copy of the file, or remove it.",
        line=number,
    )
