"""A table from a person's hands: saved by a spreadsheet, in another country, on another system."""

import codecs
import csv
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pandas as pd

_SEPARATORS = ",;\t"


def read_table(file: str | Path, columns: Sequence[str]) -> pd.DataFrame:
    """A table with a line of headings, separated by commas, semicolons or tabs, in UTF-8 or UTF-16.

    Args:
        file: which.
        columns: the headings that it must have; neither their case nor blanks around them count.

    Returns:
        Text in every cell, without blanks around it, "" for an empty one; "NA" and "None" are texts like others. Rows
        without any text are left out, and columns without a heading. The headings are in small letters.

    Raises:
        OSError: the file can't be read.
        ValueError: it is no such table; the words say why, and can stand in a sentence.
    """
    text = _decoded(Path(file).read_bytes()).lstrip(" \r\n")  # a tab may be before the first heading
    if not text.strip():
        raise ValueError("it is empty")
    if text.lstrip().startswith("<"):
        raise ValueError("it is a web page, not the table itself")
    first = text.splitlines()[0]
    try:
        rows = {mark: next(csv.reader([first], delimiter=mark)) for mark in _SEPARATORS}
    except csv.Error as error:
        raise ValueError(f"its first line can't be read ({error})") from error
    found = {mark: [cell.strip().lower() for cell in row] for mark, row in rows.items()}
    separator = next((mark for mark, headings in found.items() if set(columns) <= set(headings)), None)
    if separator is None:
        best = max(found.values(), key=lambda headings: len(set(columns) & set(headings)))
        raise ValueError(f"its first line names no column {next(name for name in columns if name not in best)!r}")
    headings = found[separator]
    if twice := [name for name in headings if name and headings.count(name) > 1]:
        raise ValueError(f"its first line names {twice[0]!r} twice")
    table = pd.read_csv(
        StringIO(text), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=True, na_filter=False
    )
    if not isinstance(table.index, pd.RangeIndex):
        raise ValueError("its rows have more cells than its first line")
    table.columns = pd.Index(headings)
    table = table.loc[:, table.columns != ""].fillna("").apply(lambda column: column.str.strip())
    return table[(table != "").any(axis=1)].reset_index(drop=True)


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif data.startswith(b"PK\x03\x04"):
        raise ValueError("it is a spreadsheet or an archive; save the sheet as CSV in UTF-8")
    else:
        encoding = "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeError as error:
        raise ValueError("it is no text in UTF-8; save it so") from error
    if "\0" in text:
        raise ValueError("it is no text in UTF-8; save it so")
    return text
