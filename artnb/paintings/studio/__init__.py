"""The studio: paintings by nineteen painters who do not exist, the collection that needs no network and no data.

The pictures ship with the package, the same bytes on every machine, in the layout of the archive. `works` says what
each of them shows, which nobody knows so well of real paintings: its motif, its mood, which scene several painters
have painted, and which files are photographs of one painting. Eleven painters have a hundred paintings and more; of
the others there are a few each, to be told from those that a classifier knows. Some are another one's pupils and share
the master's brush.
"""

import hashlib
from functools import cache
from pathlib import Path

import pandas as pd

from artnb.common.files import sha256
from artnb.errors import ArtnbError, check_name

ROOT = Path(__file__).parent
MASTERS = {  # pupil -> master
    "Berthe Lacombe": "Camille Aubertin",
    "Kees Terwindt": "Wietske van der Wervel",
    "Marius Delbos": "Odile Poincaré",
    "Barbara Stichlin": "Albrecht Schraffer",
    "Kiyo Asada": "Namiko Hoshino",
}


@cache
def _works() -> pd.DataFrame:
    types = dict.fromkeys(("path", "artist", "motif", "mood", "duplicate"), str) | {"scene": "Int64"}
    return pd.read_csv(ROOT / "works.csv", dtype=types, keep_default_na=False, na_values={"scene": [""]})


def works() -> pd.DataFrame:
    """What is known of each file of the collection, sorted by path.

    Returns:
        `path`, relative to ROOT; `artist`; `number`, equal for the photographs of one painting of an artist; `motif`
        and `mood`, such as "portrait" and "dusk"; `scene`, equal for one scene that several painters painted, missing
        for all others; `duplicate`, "near" for another photograph of a painting, "exact" for a copy of a file, else "";
        of a near duplicate `cropped`, the share of the painting that is cut off, and `lighter`, by how much of 255.
    """
    return _works().copy()


def duplicates(kind: str) -> pd.DataFrame:
    """The ground truth for an audit: pairs of files that show one painting, and how strongly the two differ.

    Args:
        kind: "near", two photographs of one painting, or "exact", two files with the same bytes.

    Returns:
        `path`, `other`, `cropped` and `lighter`; see `works`.

    Raises:
        ArtnbError: there is no such kind.
    """
    check_name(kind, ("near", "exact"), "kind of duplicate", ArtnbError)
    table = _works()
    first = table.loc[table["duplicate"] == "", ["artist", "number", "path"]]
    pairs = first.merge(
        table.loc[table["duplicate"] == kind].rename(columns={"path": "other"}), on=["artist", "number"]
    )
    return pairs[["path", "other", "cropped", "lighter"]]


def same_scene(scene: int) -> dict[str, str]:
    """One scene by all painters: the painter's name -> the path of the painting.

    Args:
        scene: 0 to 11.

    Raises:
        ArtnbError: there is no such scene.
    """
    table = _works()
    chosen = table[(table["scene"] == scene) & (table["duplicate"] == "")]
    if chosen.empty:
        raise ArtnbError(f"There is no scene {scene!r}; there are 0 to {table['scene'].max()}.")
    return dict(zip(chosen["artist"], chosen["path"], strict=True))


def leave_out(paintings: pd.DataFrame, *, motif: str = "", artist: str = "") -> tuple[pd.DataFrame, pd.DataFrame]:
    """Paintings without one motif or without one painter, and those that were left out.

    A split of the first is one in which no model sees what the second shows: does a classifier know a painter by the
    brush, or by what was painted?

    Args:
        paintings: one row per file of the studio, with its `path`, such as from `choose_artists`; or a split.
        motif: such as "portrait"; all works of that motif are left out, whoever painted them.
        artist: a painter; with a motif, only the painter's works of that motif are left out.

    Returns:
        Two tables with the columns of `paintings`: what stays, for `split_paintings`, and what was left out, a test.

    Raises:
        ArtnbError: there is no such motif or painter, neither was said, or a file is not one of the studio's.
    """
    table = _works()
    if not (motif or artist):
        raise ArtnbError("leave_out got neither a motif nor an artist; say what is to be left out.")
    if motif:
        check_name(motif, sorted(set(table["motif"])), "motif", ArtnbError)
    if artist:
        check_name(artist, sorted(set(table["artist"])), "painter", ArtnbError)
    known = table.set_index("path").reindex(paintings["path"])
    if (others := known["artist"].isna()).any():
        raise ArtnbError(f"{others.idxmax()!r} is none of the studio's paintings; only of those the motif is known.")
    chosen = (known["motif"] == (motif or known["motif"])) & (known["artist"] == (artist or known["artist"]))
    gone = chosen.to_numpy()
    return paintings[~gone].reset_index(drop=True), paintings[gone].reset_index(drop=True)


def digest_of(root: Path) -> str:
    """One SHA-256 of the paths and contents of all pictures and tables below a folder."""
    files = sorted(file.relative_to(root).as_posix() for file in root.rglob("*") if file.suffix in (".jpg", ".csv"))
    return hashlib.sha256("".join(f"{sha256(root / file)}  {file}\n" for file in files).encode()).hexdigest()


def is_whole() -> bool:
    """Whether the collection is as it shipped: no file changed, missing or added; it reads all of them."""
    try:
        return digest_of(ROOT) == (ROOT / "digest.txt").read_text(encoding="ascii").strip()
    except OSError:
        return False
