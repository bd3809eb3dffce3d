"""Where the paintings come from: kaggle, folder or studio, every one yielding the same Collection."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from artnb.common import extras, logs
from artnb.common.files import sha256
from artnb.errors import ArtnbError
from artnb.paintings import catalogue
from artnb.settings import Source, settings

# Pinned versions: the course's figures stay the same, and kagglehub serves a pinned version from its cache offline.
KAGGLE_PAINTINGS = "ikarus777/best-artworks-of-all-time/versions/1"
KAGGLE_PHOTOS_AND_MONETS = "ayaderaghul/gan-getting-started-2/versions/1"

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp"})
# What systems, disks on the network and notebooks leave in folders, beside what is hidden; in small letters.
_FOREIGN = frozenset(
    {"__macosx", "@eadir", "@recycle", "#recycle", "$recycle.bin", "thumbs.db", "ehthumbs.db", "desktop.ini"}
)


class SourceError(ArtnbError):
    """The paintings are not where they were looked for."""


@dataclass(frozen=True)
class Collection:
    """Paintings on disk, in the layout of the archive "Best Artworks of All Time".

    Attributes:
        root: the folder that every path of the collection is relative to.
        source: "studio", "folder" or "kaggle".
        artists: one row per artist, with the columns of the archive's artists.csv.
        paintings: one row per file, sorted by path: `path` (relative to root, with forward slashes) and `artist`
            (the name as in `artists`, Unicode NFC).
        notes: what was recognised and left out (a twin folder, the resized copy, files that are no pictures), and
            artists whose names differ in capitals only, as sentences.
    """

    root: Path
    source: Source
    artists: pd.DataFrame
    paintings: pd.DataFrame
    notes: tuple[str, ...] = ()

    def file(self, path: str) -> Path:
        """The file on disk of a row's `path`."""
        return self.root / path

    def __str__(self) -> str:
        """One line without a path of the machine, fit for a notebook's output."""
        return f"{self.source}: {len(self.paintings):,} paintings by {self.paintings['artist'].nunique()} artists"


@dataclass(frozen=True)
class PhotosAndMonets:
    """Unpaired photographs and paintings, in the layout of Kaggle's "gan-getting-started".

    Attributes:
        root: the folder that holds `photo_jpg/` and `monet_jpg/`.
        source: "studio", "folder" or "kaggle".
        photos: the photographs' files, sorted.
        monets: the paintings' files, sorted.
    """

    root: Path
    source: Source
    photos: tuple[Path, ...]
    monets: tuple[Path, ...]

    def __str__(self) -> str:
        """One line without a path of the machine, fit for a notebook's output."""
        return f"{self.source}: {len(self.photos):,} photographs, {len(self.monets):,} paintings"


def load_collection() -> Collection:
    """The paintings of the source in use; the first time, Kaggle's are downloaded.

    Raises:
        SourceError: the folder isn't such a collection, or Kaggle can't be reached.
    """
    match settings.source:
        case "studio":
            from artnb.paintings import studio

            root = studio.ROOT
        case "kaggle":
            root = _download(
                KAGGLE_PAINTINGS,
                "ARTNB_DATA=/your/copy (source 'folder') or ARTNB_SOURCE=studio (the built-in painters)",
            )
        case "folder":
            assert settings.data is not None  # Settings does not come into being otherwise
            root = settings.data
    return read_collection(root, settings.source)


def locate_collection() -> tuple[Path, bool]:
    """Where `load_collection` finds the paintings, and whether they are there; nothing is downloaded."""
    match settings.source:
        case "studio":
            from artnb.paintings import studio

            return studio.ROOT, (studio.ROOT / "images").is_dir()
        case "kaggle":
            with extras.needed("course", "The source 'kaggle' needs", "kagglehub"):
                from kagglehub.cache import Cache
                from kagglehub.handle import parse_dataset_handle

            handle = parse_dataset_handle(KAGGLE_PAINTINGS)
            return Path(Cache().get_path(handle)), Cache().load_from_cache(handle) is not None
        case "folder":
            assert settings.data is not None  # Settings does not come into being otherwise
            root = settings.data
    return root, root.is_dir()


def load_photos_and_monets() -> PhotosAndMonets:
    """The photographs and Monets for the CycleGAN, from `ARTNB_MONET_DATA`, else from Kaggle or the studio.

    Raises:
        SourceError: a folder is missing or empty, or Kaggle can't be reached.
    """
    source: Source
    if settings.monet_data is not None:
        source, root = "folder", settings.monet_data
    elif settings.source == "kaggle":
        other = "ARTNB_MONET_DATA=/your/copy, or the built-in pictures with ARTNB_SOURCE=studio or ARTNB_DATA"
        source, root = "kaggle", _download(KAGGLE_PHOTOS_AND_MONETS, other)
    else:
        from artnb.paintings import studio

        source, root = "studio", studio.ROOT
    photos, monets = (pictures_in(root / name) for name in ("photo_jpg", "monet_jpg"))
    if not (photos and monets):
        advice = "point ARTNB_MONET_DATA at a folder that holds both." if source == "folder" else _INCOMPLETE[source]
        raise SourceError(
            f"{root} does not hold photographs and Monets: looked for photo_jpg/*.jpg (found {len(photos)}) and "
            f"monet_jpg/*.jpg (found {len(monets)}); {advice}"
        )
    return PhotosAndMonets(root, source, photos, monets)


def pictures_in(*folders: str | Path, deep: bool = False) -> tuple[Path, ...]:
    """The pictures in folders: which files count is the same for all that `artnb` does with a folder.

    Those do that are pictures by their suffix (`SUFFIXES`); but nothing hidden, nothing that a system or a network's
    disk has put there, no folder, pipe or device. A link counts as what it points at, and as a picture that can't be
    read if that is nothing. Files of other suffixes are left out, and that is told.

    Args:
        folders: those that don't exist hold nothing.
        deep: with their subfolders; also those that are links, each once.

    Returns:
        The files of each folder in turn, sorted.

    Raises:
        SourceError: a folder can't be read.
    """
    places = [place for folder in folders for place in (_below(Path(folder)) if deep else [Path(folder)])]
    files = [file for place in places for file in _files(place)]
    others = [file for file in files if not _is_picture(file)]
    if others:
        logs.warn("pictures.left_out", _not_pictures(others))
    return tuple(file for file in files if _is_picture(file))


def walk_pictures(folder: Path, unreadable: Callable[[SourceError], object]) -> Iterator[Path]:
    """The pictures that `pictures_in` finds in a folder and all below it, one after the other, in the same order.

    Args:
        folder: which; the files of one of its folders are in memory at a time.
        unreadable: is called with an error for each folder that can't be read, and the others are walked.
    """

    def readable(place: Path, folders: bool = False) -> Iterator[Path]:
        try:
            yield from _files(place, folders)
        except SourceError as error:
            if folders:  # for the files of the same folder it was said before
                unreadable(error)

    for place in _below(folder, readable):
        yield from filter(_is_picture, readable(place))


def artist_folders(images: str | Path) -> list[Path]:
    """The folders in a folder that hold pictures, see `pictures_in`; a well-spelled one before its mangled twin.

    Raises:
        SourceError: a folder can't be read.
    """
    folders = [folder for folder in _files(Path(images), folders=True) if any(map(_is_picture, _files(folder)))]
    return sorted(folders, key=lambda folder: (catalogue.repair(folder.name), folder.name))


def read_collection(root: Path, source: Source = "folder") -> Collection:
    """Read a folder in the archive's layout: `images/images/<Artist>/*.jpg`, or `images/<Artist>/*.jpg`.

    An artist's folder that exists twice, under a mangled spelling, is read once: of its files, those are copies that
    are called as others and hold the same bytes. The smaller copies under `resized/` are not read at all. Both are
    told in the collection's notes. Without an artists.csv, the catalogue of the fifty artists says what is known of
    them.

    Raises:
        SourceError: `root` isn't such a folder, or it or its artists.csv can't be read.
    """
    nested, flat = root / "images" / "images", root / "images"
    images = nested if artist_folders(nested) else flat
    notes, misnamed = [], 0
    others: list[Path] = []
    rows: list[tuple[str, str]] = []
    alike: dict[tuple[str, str], list[Path]] = {}  # the files of one artist that are called the same
    for folder in artist_folders(images):
        name = catalogue.artist_name(folder.name)
        twins = 0
        for file in _files(folder):
            if not _is_picture(file):
                others.append(file)
                continue
            path = file.relative_to(root).as_posix()
            if not path.isascii() and any("\ud800" <= letter <= "\udfff" for letter in path):
                misnamed += 1  # how Python shows bytes that are no UTF-8; no table can hold them
                continue
            others_alike = alike.setdefault((name, catalogue.repair(file.name)[0]), [])
            if any(_same_bytes(file, other) for other in others_alike):
                twins += 1
                continue
            others_alike.append(file)
            rows.append((path, name))
        if twins:
            notes.append(
                f"The folder {folder.name!r} is {name}'s a second time, under a mangled spelling: "
                f"{twins:,} copies left out."
            )
    if not rows:
        advice = "point ARTNB_DATA at the folder that holds images/, or unset it to use the built-in studio."
        raise SourceError(
            f"{root} is not a collection of paintings: looked for images/images/<Artist>/*.jpg and "
            f"images/<Artist>/*.jpg in it and found no picture; {_INCOMPLETE.get(source, advice)}"
        )
    if misnamed:
        notes.append(f"{misnamed:,} files have names that are no UTF-8 and were left out: rename them.")
    if others:
        notes.append(_not_pictures(others))
    if loose := sum(map(_is_picture, _files(images))):
        notes.append(f"{loose:,} pictures lie beside the artists' folders and in none of them: left out.")
    beside = (Path(name) for _, _, names in os.walk(root / "resized") for name in names)  # no links, no errors
    if resized := sum(_is_picture(file) and not file.name.startswith(".") for file in beside):
        notes.append(f"The folder 'resized' holds {resized:,} smaller copies of the paintings: left out.")
    spellings: dict[str, list[str]] = {}
    for name in sorted({artist for _, artist in rows}):
        spellings.setdefault(name.casefold(), []).append(name)
    notes += [
        f"{' and '.join(map(repr, names))} differ in capitals only and count as {len(names)} artists; if they are one, "
        "put the pictures into one folder."
        for names in spellings.values()
        if len(names) > 1
    ]
    paintings = pd.DataFrame(rows, columns=["path", "artist"]).sort_values("path", ignore_index=True)
    return Collection(
        root=root,
        source=source,
        artists=_artists(root, paintings["artist"]),
        paintings=paintings,
        notes=tuple(notes),
    )


def _below(folder: Path, files: Callable[[Path, bool], Iterator[Path]] | None = None) -> Iterator[Path]:
    """A folder and all below it, each once, though links lead in circles; `files` lists one, by default `_files`."""
    seen: set[str] = set()

    def walk(place: Path) -> Iterator[Path]:
        if (real := os.path.realpath(place)) not in seen:
            seen.add(real)
            yield place
            for each in (files or _files)(place, True):
                yield from walk(each)

    return walk(folder)


def _files(folder: Path, folders: bool = False) -> Iterator[Path]:
    """The files in `folder`, or its folders, sorted, without what nobody has put there; nothing if there is no such.

    Raises:
        SourceError: the folder can't be read.
    """
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise SourceError(
            f"The folder {folder} can't be read ({error.strerror}); allow it, or use another folder."
        ) from error
    for path in paths:
        if not path.name.startswith(".") and path.name.casefold() not in _FOREIGN and _is_folder(path) is folders:
            yield path


def _is_folder(path: Path) -> bool | None:
    """None for a pipe or a device, which is neither folder nor file; a link to nowhere is a file that can't be read."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False
    return True if stat.S_ISDIR(mode) else False if stat.S_ISREG(mode) else None


def _same_bytes(one: Path, other: Path) -> bool:
    """Whether two files are copies; not if one can't be read, which the audit says."""
    try:
        return one.stat().st_size == other.stat().st_size and sha256(one) == sha256(other)
    except OSError:
        return False


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _not_pictures(files: Sequence[Path]) -> str:
    suffixes = sorted({file.suffix.lower() or "no suffix" for file in files})
    more = ", …" if len(suffixes) > 5 else ""
    return (
        f"{len(files):,} files beside the pictures are none by their name ({', '.join(suffixes[:5])}{more}) and were "
        "left out."
    )


def _artists(root: Path, names: pd.Series) -> pd.DataFrame:
    """The artists' table of a collection: its own, or else the catalogue's; missing artists are added."""
    file = root / "artists.csv"
    try:
        table = catalogue.read_artists(file) if file.is_file() else catalogue.artists()
        table["name"] = table["name"].map(lambda name: catalogue.repair(name)[0])
        if (twice := table["name"].duplicated()).any():
            raise ValueError(f"it names {table['name'][twice].iloc[0]!r} twice")
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{file} can't be read as a table of artists ({error}); mend it, or remove it to use artnb's own."
        ) from error
    counts = names.value_counts()
    if not file.is_file():
        table = table[table["name"].isin(counts.index)]
    unknown = counts.index[~counts.index.isin(table["name"])].sort_values()
    if len(unknown):
        known = pd.to_numeric(table["id"], errors="coerce")
        known = known[known.between(-1, 2**31)]  # what else stands there is no number of a row
        first = 0 if known.empty else int(known.max()) + 1
        rows = {"id": range(first, first + len(unknown)), "name": unknown, "paintings": counts[unknown].to_numpy()}
        table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
    return table.reset_index(drop=True)


_INCOMPLETE = {
    "kaggle": "this copy of kagglehub's is not whole: remove that folder, and it is downloaded again.",
    "studio": "the built-in pictures are missing: install artnb anew.",
}


def _download(handle: str, other: str) -> Path:
    """Download a public Kaggle data set, with kagglehub's progress bar, or take it from kagglehub's cache.

    Args:
        handle: which.
        other: the settings that another source is chosen with, for the sentence.
    """
    with extras.needed("course", "The source 'kaggle' needs", "kagglehub"):
        import kagglehub
        from kagglehub.exceptions import KaggleApiHTTPError, UnauthenticatedError

    try:
        return Path(kagglehub.dataset_download(handle))
    except (OSError, KaggleApiHTTPError, UnauthenticatedError) as error:
        raise SourceError(
            f"Kaggle's {handle} could not be downloaded ({type(error).__name__}): check the network, or use another "
            f"source: {other}."
        ) from error
