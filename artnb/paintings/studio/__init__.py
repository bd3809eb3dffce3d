"""The studio: paintings by nineteen painters who do not exist, the collection that needs no network and no data.

The pictures ship with the package, the same bytes on every machine, in the layout of the archive. `works` says what
each of them shows, which nobody knows so well of real paintings: its motif, its mood, which scene several painters
have painted, and which files are photographs of one painting. Eleven painters have a hundred paintings and more; of
the others there are a few each, to be told from those that a classifier knows. Some are another one's pupils and share
the master's brush.
"""

from functools import cache
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parent
MASTERS = {
    "Berthe Lacombe": "Camille Aubertin",
    "Kees Terwindt": "Wietske van der Wervel",
    "Marius Delbos": "Odile Poincaré",
    "Barbara Stichlin": "Albrecht Schraffer",
    "Kiyo Asada": "Namiko Hoshino",
}


@cache
def _works() -> pd.DataFrame:
    text = {name: str for name in ("path", "artist", "motif", "mood", "duplicate")}
    return pd.read_csv(ROOT / "works.csv", dtype=text | {"scene": "Int64"}, keep_default_na=False, na_values={"scene": [""]})


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
    """The ground truth for an audit: `path` and `other`, two files that show one painting, and how strongly they differ.

    Args:
        kind: "near", two photographs of one painting, or "exact", two files with the same bytes.

    Returns:
        `path`, `other`, `cropped` and `lighter`; see `works`.
    """
    table = _works()
    first = table.loc[table["duplicate"] == "", ["artist", "number", "path"]]
    pairs = first.merge(
        table.loc[table["duplicate"] == kind].rename(columns={"path": "other"}), on=["artist", "number"]
    )
    return pairs[["path", "other", "cropped", "lighter"]]


def same_scene(scene: int) -> dict[str, str]:
    """One scene by all painters: the painter's name -> the path of the painting. There are scenes 0 to 11."""
    table = _works()
    chosen = table[(table["scene"] == scene) & (table["duplicate"] == "")]
    return dict(zip(chosen["artist"], chosen["path"], strict=True))
