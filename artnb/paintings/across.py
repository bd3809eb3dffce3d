"""The one split of everything: the paintings of all artists, and the CycleGAN's photographs and Monets.

A Monet of the CycleGAN's may be a painting of the collection, photographed again. If the two were split apart, a
classifier would be asked about what a generator was trained on, and a generator measured on what it has seen.
"""

import re
from dataclasses import replace

import pandas as pd

from artnb.common.seeding import seed_or_default
from artnb.paintings import catalogue, splits
from artnb.paintings.audit import Audit
from artnb.paintings.preparation import load_audit
from artnb.paintings.sources import Collection, PhotosAndMonets, load_collection, load_photos_and_monets

PHOTOS, MONETS = "photo_jpg", "monet_jpg"  # stand for the artist in the split: the names of the archive's folders
PAINTINGS_TO_JUDGE_BY, PHOTOS_TO_JUDGE_BY = 20, 40
_SURROGATES = re.compile("[\ud800-\udfff]")  # how Python shows bytes that are no UTF-8; no table can hold them
FREE_UNTIL = 1955  # whose painter died later may be protected by copyright still


def split_everything(pictures: PhotosAndMonets | None = None, seed: int | None = None) -> tuple[pd.DataFrame, Audit]:
    """Split the paintings in use, and photographs and Monets, by groups that run across all of them.

    Paintings are split as `prepare` does. A photograph or Monet that shows a painting of the collection is in its
    subset (if it shows several, in the test's or else in validation's); all others are dealt like an artist's. Of
    photographs and Monets with the same bytes one counts; those whose names are no UTF-8 don't, as in a collection.

    Args:
        pictures: by default those in use.
        seed: by default `ARTNB_SEED`.

    Returns:
        A split: `path`, `artist`, `group`, `sha256` and `subset`; the artist of a photograph is "photo_jpg" and that of
        a Monet "monet_jpg", and their paths are absolute. And what the audit has found in all of these files.

    Raises:
        SourceError: there are no paintings, or no photographs and Monets.
        SettingsError: the seed can't be used.
    """
    seed = seed_or_default(seed)
    collection, pictures = load_collection(), load_photos_and_monets() if pictures is None else pictures
    table = splits.deal(splits.readable(collection, load_audit(collection)), seed)
    together = _together(collection, pictures)
    audit = load_audit(together)
    rows = splits.readable(together, audit)
    rows["subset"] = rows["path"].map(table.set_index("path")["subset"])
    unpaired = rows[rows["subset"].isna()].sort_values("artist", ascending=False, kind="stable")
    unpaired = unpaired.drop_duplicates("sha256")  # photographs come first
    # Of a group's paintings, the one that is kept back most strictly decides.
    strictest = rows[rows["subset"].notna()].sort_values("subset", key=lambda subset: subset.map(splits.SUBSETS.index))
    shown = strictest.drop_duplicates("group", keep="last").set_index("group")["path"]
    shows = unpaired["group"].isin(shown.index)
    following = unpaired[shows].reset_index(drop=True)
    known = table.set_index("path").loc[shown[following["group"]]]
    following["group"], following["subset"] = known["group"].to_numpy(), known["subset"].to_numpy()
    alone = splits.deal(unpaired[~shows], seed)
    alone["group"] += len(table)
    everything = pd.concat([table, following, alone])[splits.COLUMNS]
    return everything.sort_values("path", ignore_index=True), audit


def _together(collection: Collection, pictures: PhotosAndMonets) -> Collection:
    files = {
        str(file.absolute()): name
        for name, kind in ((MONETS, pictures.monets), (PHOTOS, pictures.photos))
        for file in kind
        if not _SURROGATES.search(str(file))
    }
    unpaired = pd.DataFrame({"path": list(files), "artist": list(files.values())}, dtype=object)
    paintings = pd.concat([collection.paintings[["path", "artist"]], unpaired], ignore_index=True)
    return replace(collection, paintings=paintings.sort_values("path", ignore_index=True))


def judging_set(everything: pd.DataFrame, collection: Collection, seed: int | None = None) -> pd.DataFrame:
    """What painters are judged by: 40 photographs and 20 paintings, none of which a model was trained on or chosen by.

    Args:
        everything: as from `split_everything`.
        collection: of the paintings.
        seed: by default `ARTNB_SEED`.

    Returns:
        The rows of these pictures, all of the test, the paintings by as many artists as there are; fewer rows if there
        are not so many.
    """
    test = everything[everything["subset"] == "test"].drop_duplicates("group")
    test = splits.shuffled(test, seed)
    photos, paintings = test[test["artist"] == PHOTOS], test[test["artist"].isin(free_artists(collection))]
    another = paintings.groupby("artist").cumcount().sort_values(kind="stable").index  # all artists, before any again
    chosen = [photos[:PHOTOS_TO_JUDGE_BY], paintings.loc[another[:PAINTINGS_TO_JUDGE_BY]]]
    return pd.concat(chosen).sort_values("path", ignore_index=True)


def free_artists(collection: Collection) -> tuple[str, ...]:
    """The artists whose works a painter may be trained on: those known to have died by 1955, sorted."""
    lives = catalogue.lifetimes(collection.artists)
    return _with_works(lives["name"][(lives["died"] <= FREE_UNTIL).fillna(False)], collection)


def protected_artists(collection: Collection) -> tuple[str, ...]:
    """Those known to have lived longer, sorted; the studio's are invented, and its pictures are ours."""
    if collection.source == "studio":
        return ()
    lives = catalogue.lifetimes(collection.artists)
    # Of whom only a birth is known, and not a long time ago, may be alive.
    alive = lives["died"].isna() & (lives["born"] > FREE_UNTIL - 100)
    return _with_works(lives["name"][(lives["died"] > FREE_UNTIL).fillna(False) | alive.fillna(False)], collection)


def _with_works(names: pd.Series, collection: Collection) -> tuple[str, ...]:
    return tuple(sorted(set(names) & set(collection.paintings["artist"])))
