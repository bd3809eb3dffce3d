"""The catalogue of the fifty artists of "Best Artworks of All Time", and how their names are spelled."""

import unicodedata
from contextlib import suppress
from pathlib import Path

import pandas as pd

from artnb.common.tables import read_table

COLUMNS = ("id", "name", "years", "genre", "nationality", "bio", "wikipedia", "paintings")

# The Dürers of the archive alone, in the folder that exists a second time under another spelling.
TWIN_FOLDER_PAINTINGS = 328


def artists() -> pd.DataFrame:
    """The fifty artists: `id`, `name`, `years`, `genre`, `nationality`, `bio`, `wikipedia`, `paintings`.

    Everything but the bios, which are ours, is the archive's own artists.csv; `paintings` counts the files of the
    full archive, whatever collection is in use.
    """
    package, checkout = Path(__file__).parent / "artists.csv", Path(__file__).parents[2] / "data/artists.csv"
    return read_artists(package if package.is_file() else checkout)


def read_artists(file: Path) -> pd.DataFrame:
    """A table of artists with the columns COLUMNS; an empty cell is missing, but "NA" and "None" are names.

    Raises:
        OSError, ValueError: it can't be read as a table, or a row of it names no artist.
    """
    table = read_table(file, ["name"]).reindex(columns=list(COLUMNS)).replace("", None)
    if (nameless := table["name"].isna().to_numpy()).any():
        raise ValueError(f"its row {nameless.argmax() + 1} names no artist")
    for column in ("id", "paintings"):
        numbers = pd.to_numeric(table[column], errors="coerce")
        if numbers.notna().sum() == table[column].notna().sum():
            table[column] = numbers
    return table


def lifetimes(table: pd.DataFrame) -> pd.DataFrame:
    """`name`, `born` and `died` (whole years, or missing) from the column `years`, which mixes hyphens and dashes.

    The first number is a birth and the last one a death: "1930 -" is of somebody of whom no death is known.
    """
    years = table["years"].astype(str).str.extract(r"(?P<born>\d{3,4})(?:.*\D(?P<died>\d{3,4})\D*$)?").astype("Int64")
    return pd.concat([table["name"], years], axis=1)


def count_by(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """`artists` and `paintings` per value of `column` ("genre", "nationality"), most paintings first.

    Some artists have two or three values, separated by commas ("French,British"); each of them counts.
    """
    one_value_a_row = table.assign(**{column: table[column].str.split(",")}).explode(column)
    one_value_a_row[column] = one_value_a_row[column].str.strip()
    counts = pd.DataFrame(one_value_a_row.groupby(column)["paintings"].agg(artists="size", paintings="sum"))
    return counts.sort_values(by=["paintings", "artists"], ascending=False, kind="stable")


def folder_name(artist: str) -> str:
    """The folder of an artist's paintings: "Albrecht Dürer" -> "Albrecht_Dürer"."""
    return artist.replace(" ", "_")


def artist_name(folder: str) -> str:
    """The artist of a folder, in Unicode NFC and with a mangled spelling repaired: "El_Greco" -> "El Greco"."""
    return repair(folder)[0].replace("_", " ").strip() or folder


def repair(name: str) -> tuple[str, int]:
    """A file's or folder's name with its encoding repaired, and how many times it had been mangled.

    Some archivers write a name as UTF-8 and others read those bytes as code page 437 or 1252, so that "ü" (or "u"
    and a combining diaeresis) turns into line-drawing characters. The archive holds Dürer mangled once
    ("Albrecht_Du╠êrer") and twice ("Albrecht_DuΓòá├¬rer"). Undoing is safe: an honest name is hardly ever
    valid UTF-8 after such a round trip, and then it is left alone.
    """
    times = 0
    while not name.isascii() and (undone := _undo(name)) != name:
        name, times = undone, times + 1
    return unicodedata.normalize("NFC", name), times


def _undo(name: str) -> str:
    for wrong in ("cp437", "cp1252", "latin-1"):
        with suppress(UnicodeError):
            return name.encode(wrong).decode("utf-8")
    return name
