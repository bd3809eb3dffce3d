"""Where the paintings come from: kaggle, folder or studio, every one yielding the same Collection."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from artnb.common import extras
from artnb.common.files import sha256
from artnb.errors import ArtnbError
from artnb.paintings import catalogue
from artnb.settings import Source, settings

# Pinned versions: the course's figures stay the same, and kagglehub serves a pinned version from its cache offline.
KAGGLE_PAINTINGS = "ikarus777/best-artworks-of-all-time/versions/1"
KAGGLE_PHOTOS_AND_MONETS = "ayaderaghul/gan-getting-started-2/versions/1"

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".gif", ".bmp"})


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
        notes: what was recognised and left out (a twin folder, the resized copy, files that are no pictures), as
            sentences.
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
    """The paintings of the source in use; the first time, the studio paints them and Kaggle's are downloaded.

    Raises:
        SourceError: the folder isn't such a collection, or Kaggle can't be reached.
    """
    match settings.source:
        case "studio":
            from artnb.paintings import studio

            root = studio.build_paintings()
        case "kaggle":
            root = _download(KAGGLE_PAINTINGS)
        case "folder":
            assert settings.data is not None  # Settings does not come into being otherwise
            root = settings.data
    return read_collection(root, settings.source)


def locate_collection() -> tuple[Path, bool]:
    """Where `load_collection` finds the paintings, and whether they are there; nothing is painted or downloaded."""
    match settings.source:
        case "studio":
            from artnb.paintings import studio

            root = studio.paintings_folder()
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
        source, root = "kaggle", _download(KAGGLE_PHOTOS_AND_MONETS)
    else:
        from artnb.paintings import studio

        source, root = "studio", studio.build_photos_and_monets()
    photos, monets = (pictures_in(root / name) for name in ("photo_jpg", "monet_jpg"))
    if not (photos and monets):
        raise SourceError(
            f"{root} does not hold photographs and Monets: looked for photo_jpg/*.jpg (found {len(photos)}) and "
            f"monet_jpg/*.jpg (found {len(monets)}); point ARTNB_MONET_DATA at a folder that holds both."
        )
    return PhotosAndMonets(root, source, photos, monets)


def pictures_in(folder: str | Path) -> tuple[Path, ...]:
    """The files in a folder that are pictures by their name, sorted; none if there is no such folder."""
    return tuple(file for file in _files(Path(folder)) if _is_picture(file))


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
    images = nested if any(_artist_folders(nested)) else flat
    notes, others, misnamed = [], 0, 0
    rows: list[tuple[str, str]] = []
    alike: dict[tuple[str, str], list[Path]] = {}  # the files of one artist that are called the same
    for folder in _artist_folders(images):
        name = catalogue.artist_name(folder.name)
        twins = 0
        for file in _files(folder):
            if not _is_picture(file):
                others += 1
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
        raise SourceError(
            f"{root} is not a collection of paintings: looked for images/images/<Artist>/*.jpg and "
            f"images/<Artist>/*.jpg in it and found no picture; point ARTNB_DATA at the folder that holds images/, "
            f"or unset it to use the built-in studio."
        )
    if misnamed:
        notes.append(f"{misnamed:,} files have names that are no UTF-8 and were left out: rename them.")
    if others:
        notes.append(f"{others:,} files beside the paintings are no pictures by their name and were left out.")
    if resized := sum(map(_is_picture, (root / "resized").glob("**/[!.]*"))):
        notes.append(f"The folder 'resized' holds {resized:,} smaller copies of the paintings: left out.")
    paintings = pd.DataFrame(rows, columns=["path", "artist"]).sort_values("path", ignore_index=True)
    return Collection(
        root=root,
        source=source,
        artists=_artists(root, paintings["artist"]),
        paintings=paintings,
        notes=tuple(notes),
    )


def _artist_folders(images: Path) -> list[Path]:
    """The folders that hold pictures; a well-spelled one before its mangled twin."""
    folders = [folder for folder in _files(images, folders=True) if any(map(_is_picture, _files(folder)))]
    return sorted(folders, key=lambda folder: (catalogue.repair(folder.name), folder.name))


def _files(folder: Path, folders: bool = False) -> Iterator[Path]:
    """What lies in `folder`, sorted, without the hidden; nothing if there is no such folder.

    Raises:
        SourceError: the folder can't be read.
    """
    try:
        paths = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise SourceError(
            f"The folder {folder} can't be read ({error.strerror}); allow it, or use another folder."
        ) from error
    yield from (path for path in paths if not path.name.startswith(".") and path.is_dir() == folders)


def _same_bytes(one: Path, other: Path) -> bool:
    """Whether two files are copies; not if one can't be read, which the audit says."""
    try:
        return one.stat().st_size == other.stat().st_size and sha256(one) == sha256(other)
    except OSError:
        return False


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _artists(root: Path, names: pd.Series) -> pd.DataFrame:
    """The artists' table of a collection: its own, or else the catalogue's; missing artists are added."""
    file = root / "artists.csv"
    try:
        table = catalogue.read_artists(file) if file.is_file() else catalogue.artists()
        table = table.reindex(columns=list(catalogue.COLUMNS))
        table["name"] = table["name"].map(lambda name: catalogue.repair(str(name))[0])
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{file} can't be read as a table of artists ({error}); mend it, or remove it to use artnb's own."
        ) from error
    counts = names.value_counts()
    if not file.is_file():
        table = table[table["name"].isin(counts.index)]
    unknown = counts.index[~counts.index.isin(table["name"])].sort_values()
    if len(unknown):
        known = pd.to_numeric(table["id"], errors="coerce").dropna()
        first = 0 if known.empty else int(known.max()) + 1
        rows = {"id": range(first, first + len(unknown)), "name": unknown, "paintings": counts[unknown].to_numpy()}
        table = pd.concat([table, pd.DataFrame(rows)], ignore_index=True)
    return table.reset_index(drop=True)


def _download(handle: str) -> Path:
    """Download a public Kaggle data set, with kagglehub's progress bar, or take it from kagglehub's cache."""
    with extras.needed("course", "The source 'kaggle' needs", "kagglehub"):
        import kagglehub
        from kagglehub.exceptions import KaggleApiHTTPError, UnauthenticatedError

    try:
        return Path(kagglehub.dataset_download(handle))
    except (OSError, KaggleApiHTTPError, UnauthenticatedError) as error:
        raise SourceError(
            f"Kaggle's {handle} could not be downloaded ({type(error).__name__}): check the network, or use another "
            "source: ARTNB_DATA=/your/copy (source 'folder') or ARTNB_SOURCE=studio (the built-in painters)."
        ) from error
