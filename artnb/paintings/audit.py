"""What is wrong with a collection of pictures: broken, mislabelled, copied and twice-photographed files."""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from PIL import Image
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from threadpoolctl import threadpool_limits

from artnb.common.pixels import rgb, upright
from artnb.common.progress import progress
from artnb.images import ImageError, read_bytes, with_picture
from artnb.paintings.sources import Collection
from artnb.paintings.twins import SIDE, same_paintings

Pair = tuple[str, str]

FAULTS = ("unreadable", "mislabelled", "wrong_mode", "tiny")
TINY = 64  # pixels of the shorter side
_FORMAT_OF_SUFFIX = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF",
    ".gif": "GIF", ".bmp": "BMP",
}  # fmt: skip


@dataclass(frozen=True)
class Audit:
    """What was found; every path is relative to the collection, every tuple and every pair is sorted.

    Attributes:
        files: how many files were looked at.
        artists: how many artists they are filed under.
        unreadable: files that are empty, truncated or no pictures.
        mislabelled: files that are of another format than their name says; they load all the same.
        wrong_mode: files that are not 8-bit RGB: grey, palette, CMYK, transparent, 16 bits; converted on loading.
        tiny: files whose shorter side is under 64 pixels.
        exact_duplicates: readable files with the same bytes; of more than two copies, every pair.
        near_duplicates: files with other bytes that show the same painting.
        reasons: for each file that is unreadable, mislabelled, of a wrong mode or tiny, a sentence that says why.
        sha256: the digest of each readable file's bytes.
    """

    files: int
    artists: int
    unreadable: tuple[str, ...]
    mislabelled: tuple[str, ...]
    wrong_mode: tuple[str, ...]
    tiny: tuple[str, ...]
    exact_duplicates: tuple[Pair, ...]
    near_duplicates: tuple[Pair, ...]
    reasons: dict[str, str]
    sha256: dict[str, str]

    @property
    def duplicates(self) -> tuple[Pair, ...]:
        """All pairs of files that show the same painting, exact and near ones, sorted."""
        return tuple(sorted(self.exact_duplicates + self.near_duplicates))

    def to_dict(self) -> dict[str, Any]:
        """The findings as dicts, lists, strings and numbers, ready for JSON; pairs are lists of two."""
        plain: dict[str, Any] = {}
        for name, value in vars(self).items():
            if name == "sha256":
                continue
            plain[name] = [list(x) if isinstance(x, tuple) else x for x in value] if isinstance(value, tuple) else value
        return plain

    def to_json(self) -> str:
        """All of it, for `from_json`."""
        return json.dumps(vars(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str, collection: Collection, digests: Mapping[str, str]) -> Self:
        """What `to_json` wrote of this collection with these files.

        Args:
            text: treated as a stranger's.
            collection: whose files are looked up.
            digests: the SHA-256 of each of its files, by path; those of unreadable files don't count.

        Raises:
            ValueError: it is another text, or about other files.
        """
        try:
            values = json.loads(text)
        except RecursionError as error:
            raise ValueError("nested too deeply") from error
        if not isinstance(values, dict) or set(values) != {field.name for field in fields(cls)}:
            raise ValueError("other fields than those of an audit")
        faulty = [values[name] for name in FAULTS]
        if not all(_is_sorted(paths) and all(path in digests for path in paths) for paths in faulty):
            raise ValueError("faults of other files")
        unreadable = set(values["unreadable"])
        sha256 = {path: digest for path, digest in digests.items() if path not in unreadable}
        pairs = [values[f"{kind}_duplicates"] for kind in ("exact", "near")]
        if not all(isinstance(each, list) and all(map(_is_pair, each)) for each in pairs):
            raise ValueError("duplicates that are no pairs")
        exact, near = (tuple((one, other) for one, other in each) for each in pairs)
        reasons = values["reasons"]
        counts = {"files": len(digests), "artists": collection.paintings["artist"].nunique()}
        if (
            {name: values[name] for name in counts} != counts
            or values["sha256"] != sha256
            or exact != _pairs(_copies(sha256))
            or near != tuple(sorted(set(near)))
            or not all(path in sha256 for pair in near for path in pair)
            or not isinstance(reasons, dict)
            or set(reasons) != {path for paths in faulty for path in paths}
            or not all(isinstance(sentence, str) for sentence in reasons.values())
        ):
            raise ValueError("findings about other files")
        lists = {name: tuple(values[name]) for name in FAULTS}
        return cls(**values | counts | lists | {"exact_duplicates": exact, "near_duplicates": near})

    def report(self) -> str:
        """What was found, what it means and what to do about it, as eight lines for a person."""
        seen_twice = len({path for pair in self.duplicates for path in pair})
        readable = max(1, self.files - len(self.unreadable))
        return "\n".join(
            (
                f"{self.files:,} files by {self.artists} artists.",
                f"- Unreadable: {_count(self.unreadable)}. Empty, cut off or no pictures at all: leave them out.",
                f"- Mislabelled: {_count(self.mislabelled)}. The name says another format than the content; they load.",
                f"- Not RGB: {_count(self.wrong_mode)}. Grey, palette, CMYK and the like; loading makes them RGB.",
                f"- Tiny: {_count(self.tiny)}. Under {TINY} pixels; enlarged, they are a blur.",
                f"- Exact duplicates: {_count(self.exact_duplicates, 'pair')}. The same bytes under two names.",
                f"- Near-duplicates: {_count(self.near_duplicates, 'pair')}. One painting in two photographs, with "
                "other light, frame, size, or mirrored.",
                f"{seen_twice:,} pictures ({seen_twice / readable:.1%}) have a twin. If it is in the training set, the "
                "test asks what training has answered: split by groups, not by files.",
            )
        )


def audit_collection(collection: Collection) -> Audit:
    """Read every file of a collection, and compare all with all, also across artists.

    Near-duplicates may differ in crop, frame, size, proportions, light, colours (or have none) and sharpness, and
    may be mirrored; a detail counts if it shows about half of the painting's area or more. Another painting of the
    same subject does not count, nor does a copy by hand or another state of a print.

    Args:
        collection: its `paintings` say which files.
    """
    paths = sorted(collection.paintings["path"])
    # BLAS computes in one thread, we in several: its threads wait for each other on matrices as small as ours.
    with ThreadPoolExecutor(os.cpu_count()) as pool, threadpool_limits(1, "blas"):
        readings = pool.map(_read, [collection.file(path) for path in paths])
        files = dict(zip(paths, progress(readings, "reading", len(paths), "file"), strict=True))
        kinds = _copies({path: file.sha256 for path, file in files.items() if file.grey is not None})
        greys = np.array([files[kind[0]].grey for kind in kinds], np.uint8).reshape(-1, SIDE, SIDE)
        same = same_paintings(greys, pool)
    near = [(min(a, b), max(a, b)) for i, j in same for a in kinds[i] for b in kinds[j]]
    return Audit(
        files=len(paths),
        artists=collection.paintings["artist"].nunique(),
        unreadable=tuple(path for path, file in files.items() if file.grey is None),
        **{kind: tuple(path for path, file in files.items() if kind in file.faults) for kind in FAULTS[1:]},
        exact_duplicates=_pairs(kinds),
        near_duplicates=tuple(sorted(near)),
        reasons={path: " ".join(file.faults.values()) for path, file in files.items() if file.faults},
        sha256={path: file.sha256 for path, file in files.items() if file.sha256},
    )


def groups(paintings: pd.DataFrame, pairs: Iterable[Pair]) -> pd.Series:
    """Number the groups of pictures that show the same painting: the connected components of the pairs.

    Args:
        paintings: one row per picture, with the column `path`.
        pairs: pairs of paths, such as `Audit.duplicates`; those with a path that isn't in `paintings` don't count.

    Returns:
        int, named "group", with the index of `paintings`: equal numbers are one painting; 0, 1, … in the order in
        which the groups first appear. A picture without a twin is a group of its own.
    """
    row = {path: number for number, path in enumerate(paintings["path"])}
    edges = [(row[one], row[other]) for one, other in pairs if one in row and other in row]
    one, other = np.array(edges, int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(edges), bool), (one, other)), shape=(len(row), len(row)))
    labels = connected_components(graph, directed=False)[1]
    return pd.Series(pd.factorize(labels)[0], index=paintings.index, name="group", dtype=int)


def _count(items: tuple, what: str = "file") -> str:
    return f"{len(items):,} {what}{'' if len(items) == 1 else 's'}" if items else "none"


@dataclass(frozen=True)
class _File:
    """What one file is: its SHA-256, a sentence for each of its faults, and a small grey picture of it."""

    sha256: str
    faults: dict[str, str]
    grey: np.ndarray | None = None  # uint8 (SIDE, SIDE), whatever the picture's proportions; None if unreadable


def _copies(digests: Mapping[str, str]) -> list[list[str]]:
    """Paths with their digests -> those with the same bytes in one list, sorted."""
    copies: dict[str, list[str]] = {}
    for path in sorted(digests):
        copies.setdefault(digests[path], []).append(path)
    return list(copies.values())


def _pairs(kinds: list[list[str]]) -> tuple[Pair, ...]:
    return tuple(sorted(pair for kind in kinds for pair in combinations(kind, 2)))


def _is_sorted(value: object) -> bool:
    """Whether a value of JSON is a list of texts, sorted, each once."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and value == sorted(set(value))


def _is_pair(value: Any) -> bool:
    return _is_sorted(value) and len(value) == 2


def _read(file: Path) -> _File:
    """Read one file, once; readable is what `load_image` reads."""
    faults: dict[str, str] = {}
    try:
        data = read_bytes(file)
        form, mode, size, small = _look(file, data)
    except ImageError as error:
        return _File("", {"unreadable": str(error)})
    if _FORMAT_OF_SUFFIX.get(file.suffix.lower(), form) != form:
        faults["mislabelled"] = f"{file.name!r} is a {form} by its content; it loads, but rename it."
    if mode != "RGB":
        kind = {"L": "grey", "P": "a palette", "1": "black and white"}.get(mode, f"of mode {mode}")
        faults["wrong_mode"] = f"{file.name!r} is {kind} instead of RGB; it is converted on loading."
    if min(size) < TINY:
        faults["tiny"] = f"{file.name!r} has only {size[0]} × {size[1]} pixels; find a larger copy or leave it out."
    return _File(hashlib.sha256(data).hexdigest(), faults, small)


def _look(file: Path, data: bytes) -> tuple[str, str, tuple[int, int], np.ndarray]:
    """A file's format, mode, size (width, height), and its small grey picture."""

    def look(picture: Image.Image, fast: bool) -> tuple[str, str, tuple[int, int], np.ndarray]:
        form, mode, size = str(picture.format).replace("MPO", "JPEG"), picture.mode, picture.size
        if form == "JPEG" and fast:
            # A JPEG can be decoded at an eighth of its size: every byte is read, most of the work is not done.
            picture.draft("L", (2 * SIDE, 2 * SIDE))
            picture.load()
            whole = upright(picture)
        else:
            whole = Image.fromarray(rgb(picture))
        small = whole.convert("L").resize((SIDE, SIDE), Image.Resampling.BILINEAR, reducing_gap=3)
        return form, mode, size, np.asarray(small)

    try:
        return with_picture(file, partial(look, fast=True), data)
    except ImageError:  # as it is read in earnest
        return with_picture(file, partial(look, fast=False), data)
