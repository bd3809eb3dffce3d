"""The studio: fourteen painters that the package itself paints; the collection that needs no network and no data.

    scenes     what is painted: composed scenes, and the photographs that scikit-image and scikit-learn ship
    strokes    the tools: Hertzmann's strokes, fields, noise, relief
    painters   who paints, and each one's hand
    building   the collection on disk, in the layout of the archive, cached

Everything is a function of a seed. A fictional painter's pictures share a hand, not a palette and not a subject:
the mean colour of a picture says little about who painted it, the texture nearly everything.
"""

from artnb.paintings.studio.building import (
    StudioError,
    build_paintings,
    build_photos_and_monets,
    duplicates,
    paint,
    paint_like,
    paintings_folder,
    twins,
)
from artnb.paintings.studio.painters import PAINTERS, Painter
from artnb.paintings.studio.scenes import MOODS, SUBJECTS, photograph, scene

__all__ = [
    "MOODS",
    "PAINTERS",
    "SUBJECTS",
    "Painter",
    "StudioError",
    "build_paintings",
    "build_photos_and_monets",
    "duplicates",
    "paint",
    "paint_like",
    "paintings_folder",
    "photograph",
    "scene",
    "twins",
]
