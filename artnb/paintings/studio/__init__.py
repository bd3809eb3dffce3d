"""The studio: fourteen painters that the package itself paints; the collection that needs no network and no data.

    scenes        what is painted: a subject in a mood
      moods         its colours
      sketch        the sketchbook it is drawn in
      outdoors      hills, sea, mountain, river, forest, city, pond
      indoors       still life, bouquet, portrait, interior; and the abstract
    photographs   what is painted now and then: the photographs in scikit-image and scikit-learn
    painters      who paints
      oils          the hands that paint on canvas
      paper         the hands that draw, print, wash or cut
      glass         the hands that lead panes or set cubes
      materials     papers, pigments, and the brush
    strokes       the tools: Hertzmann's strokes, fields, noise, relief
    building      the collection on disk, in the layout of the archive, cached

Everything is a function of a seed. A fictional painter's pictures share a hand, but neither a palette nor a subject:
the mean colour of a picture says little about who painted it, the texture nearly everything.
"""

from artnb.paintings.studio.building import (
    StudioError,
    build_paintings,
    build_photos_and_monets,
    duplicates,
    paint,
    paintings_folder,
    repaint,
    twins,
)
from artnb.paintings.studio.moods import MOODS
from artnb.paintings.studio.painters import PAINTERS, Painter
from artnb.paintings.studio.photographs import photograph
from artnb.paintings.studio.scenes import SUBJECTS, scene

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
    "paintings_folder",
    "photograph",
    "repaint",
    "scene",
    "twins",
]
