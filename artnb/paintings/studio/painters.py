"""The fourteen painters: who they are, what they like to paint, and which hand is theirs.

A hand takes a reference, float32 (height, width, 3) in [0, 1], at twice the size of the painting, and a random
generator, and returns the painting at that same double size. A hand decides the brush, the ground and how colours
are broken, never which colours: those come with the scene's mood, and moods are shared by all painters.
"""

from collections.abc import Callable
from dataclasses import dataclass

from artnb.paintings.studio.glass import mosaic, stained_glass
from artnb.paintings.studio.materials import Rng
from artnb.paintings.studio.oils import dots, facets, knife, outlines, plein_air, rain, sfumato, swirls
from artnb.paintings.studio.paper import cut_paper, engraving, watercolour, woodblock
from artnb.paintings.studio.strokes import Array

Hand = Callable[[Array, Rng], Array]


@dataclass(frozen=True)
class Painter:
    """A fictional painter: a line of artists.csv, a hand, and what the painter likes to paint."""

    name: str
    years: str
    genre: str
    nationality: str
    pictures: int  # works, not files: some were photographed twice
    hand: Hand
    taste: str  # names of SUBJECTS
    moods: str  # names of MOODS
    article: str  # in the English Wikipedia, about the technique
    bio: str

    @property
    def folder(self) -> str:
        """The name as the archive's folders spell it."""
        return self.name.replace(" ", "_")

    @property
    def wikipedia(self) -> str:
        """The article's address, or an empty string."""
        return f"http://en.wikipedia.org/wiki/{self.article}" if self.article else ""


_OUT, _IN = "hills sea mountain river forest city pond", "still_life bouquet portrait interior abstract"
# fmt: off
_PAINTERS = (
    Painter("Camille Aubertin", "1841 - 1919", "Plein-air Impressionism", "French", 130, plein_air,
            f"{_OUT} bouquet interior", "dawn spring noon lagoon harvest", "Impressionism",
            "Carried the easel to the river every morning for fifty years and never found it the same colour twice."),
    Painter("Wietske van der Wervel", "1852 - 1894", "Swirling Impasto", "Dutch", 100, swirls,
            f"{_OUT} still_life bouquet portrait", "night dusk noon lagoon harvest", "Impasto",
            "Painted the wind itself, she said, and only borrowed the trees to show where it went."),
    Painter("Odile Poincaré", "1863 - 1931", "Pointillism", "French,Belgian", 88, dots,
            f"{_OUT} portrait bouquet interior", "noon spring rose lagoon dawn", "Pointillism",
            "Counted her dots every evening; her largest picture came to four hundred thousand and one."),
    Painter("Torvald Brekke", "1888 - 1967", "Palette Knife", "Norwegian", 80, knife,
            f"{_OUT} still_life bouquet abstract", "winter storm night dusk autumn", "Palette_knife",
            "Lost his brushes in a fjord at nineteen and found that he had not needed them."),
    Painter("Albrecht Schraffer", "1478 - 1533", "Engraving", "German", 76, engraving,
            f"{_OUT} still_life portrait interior", "dawn noon harvest dusk autumn winter storm", "Engraving",
            "A goldsmith by trade, who drew rhinoceroses from hearsay and rain from experience."),
    Painter("Maud Ashgrove", "1866 - 1940", "Stained Glass", "British", 72, stained_glass,
            "sea hills mountain forest pond portrait bouquet abstract", "noon dusk lagoon night rose", "Stained_glass",
            "Leaded the windows of eleven chapels and hid the same grey cat in every one of them."),
    Painter("Zélie Ciseau", "1902 - 1988", "Paper Cut-outs", "Haitian,French", 66, cut_paper,
            f"hills sea mountain pond city {_IN}", "lagoon autumn noon rose harvest", "Papercutting",
            "Drew with scissors from her bed, and did the ceiling first because it was what she saw."),
    Painter("Lin Meihua", "1897 - 1979", "Watercolour", "Chinese", 92, watercolour,
            f"{_OUT} bouquet still_life interior", "spring winter dawn rose storm", "Watercolor_painting",
            "Waited for the paper to tell her when; what her students remember is the waiting."),
    Painter("Namiko Hoshino", "1801 - 1866", "Woodblock Print", "Japanese", 78, woodblock,
            f"{_OUT} bouquet portrait", "dusk lagoon winter autumn dawn", "Woodblock_printing_in_Japan",
            "Cut cherry wood by day, sold fans by night, and printed each wave in thirty-six states."),
    Painter("Teodora Smalti", "1180 - 1245", "Mosaic", "Italian,Greek", 64, mosaic,
            f"hills sea mountain pond {_IN}", "harvest autumn lagoon night", "Mosaic",
            "Set her cubes a little crooked on purpose, so that a candle would find at least one of them."),
    Painter("Anatol Kantor", "1884 - 1952", "Cubism", "Polish", 70, facets,
            f"city mountain river {_IN}", "harvest storm autumn winter", "Cubism",
            "Walked round the table so often while painting it that the floor had to be replaced."),
    Painter("Lorenzo Velatura", "1459 - 1521", "Sfumato", "Italian", 44, sfumato,
            "portrait still_life bouquet interior hills river mountain", "harvest autumn storm dusk rose", "Sfumato",
            "Began three hundred pictures, and is still glazing them in the memory of his landlady."),
    Painter("Grete Grellmann", "1886 - 1943", "Expressionism", "Austrian", 32, outlines,
            f"city portrait hills sea forest {_IN}", "noon dusk autumn lagoon night rose", "Expressionism",
            "Painted her landlord green, was given notice, and painted him again from memory."),
    Painter("Aoife Rainey", "1921 - 2004", "Rain Paintings", "Irish", 22, rain,
            "city sea river forest hills interior mountain", "storm winter dusk dawn lagoon night", "",
            "Saw Connemara through the same kitchen window for eighty years, nearly always wet."),
)
# fmt: on
PAINTERS = {painter.name: painter for painter in _PAINTERS}
