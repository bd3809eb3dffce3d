"""The painters: who they are, what they like to paint, and whose hand is theirs.

A hand takes a reference, float32 (height, width, 3) in [0, 1], at twice the size of the painting, and a random
generator, and returns the painting at that same double size. A hand decides the brush, the ground and how colours
are broken. Masters and their pupils share one: a pupil's brush is a little larger or smaller, and no painter is the
same every day, so that the two are sometimes mistaken for each other. Colours come with the scene's mood; each
painter leans a little to warm or cold and to loud or quiet ones.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tools.studio.glass import mosaic, stained_glass
from tools.studio.materials import Rng
from tools.studio.oils import dots, facets, knife, outlines, plein_air, rain, sfumato, swirls
from tools.studio.paper import cut_paper, engraving, watercolour, woodblock
from tools.studio.strokes import Array, vivid

DAYS = 0.12  # standard deviation of the logarithm of the brush's size from one work to the next


@dataclass(frozen=True)
class Painter:
    """A fictional painter: a line of artists.csv, a hand, and what the painter likes to paint."""

    name: str
    years: str
    genre: str
    nationality: str
    pictures: int  # works, not files: some were photographed twice
    hand: Callable[..., Array]
    taste: str  # names of SUBJECTS
    moods: str  # names of MOODS
    article: str  # in the English Wikipedia, about the technique
    bio: str
    brush: dict[str, float] = field(default_factory=dict)  # how the hand is held
    warmth: float = 0.0  # added to red, taken from blue
    colour: float = 1.0  # saturation
    light: float = 0.0
    master: str = ""

    @property
    def folder(self) -> str:
        """The name as the archive's folders spell it."""
        return self.name.replace(" ", "_")

    @property
    def wikipedia(self) -> str:
        """The article's address, or an empty string."""
        return f"http://en.wikipedia.org/wiki/{self.article}" if self.article else ""

    def paint(self, reference: Array, rng: Rng) -> Array:
        """The reference in this painter's hand and colours; both float32, about [0, 1]."""
        lean = np.array([1, 0, -1], np.float32) * (self.warmth + rng.normal(0, 0.015)) + self.light
        seen = np.clip(vivid(reference, self.colour * rng.uniform(0.92, 1.08)) + lean, 0, 1).astype(np.float32)
        brush = dict(self.brush)
        if "scale" in brush:
            brush["scale"] *= float(np.exp(rng.normal(0, DAYS)))
        return self.hand(seen, rng, **brush)


_OUT, _IN = "hills sea mountain river forest city pond", "still_life bouquet portrait interior abstract"
# fmt: off
_PAINTERS = (
    Painter("Camille Aubertin", "1841 - 1919", "Plein-air Impressionism", "French", 340, plein_air,
            f"{_OUT} bouquet interior", "dawn spring noon lagoon harvest rose", "Impressionism",
            "Carried the easel to the river every morning for fifty years and never found it the same colour twice.",
            brush={"scale": 1.0, "length": 4, "hue": 0.32}, warmth=0.01, colour=1.05, light=0.05),
    Painter("Berthe Lacombe", "1868 - 1951", "Plein-air Impressionism", "French,Swiss", 210, plein_air,
            f"{_OUT} portrait interior", "dawn spring winter rose storm autumn", "Impressionism",
            "Aubertin's pupil for nine summers; said that the old man had taught her everything but patience.",
            brush={"scale": 1.15, "length": 5, "hue": 0.26}, warmth=-0.03, colour=0.8, light=0.06,
            master="Camille Aubertin"),
    Painter("Wietske van der Wervel", "1852 - 1894", "Swirling Impasto", "Dutch", 290, swirls,
            f"{_OUT} still_life bouquet portrait", "night dusk noon lagoon harvest autumn", "Impasto",
            "Painted the wind itself, she said, and only borrowed the trees to show where it went.",
            brush={"scale": 1.0, "eddies": 2.5, "length": 10}, warmth=0.03, colour=1.15, light=-0.03),
    Painter("Kees Terwindt", "1871 - 1938", "Swirling Impasto", "Dutch,Belgian", 205, swirls,
            f"{_OUT} still_life interior", "night storm dusk winter noon", "Impasto",
            "Ground van der Wervel's colours as a boy, and bought back her unsold pictures for the rest of his life.",
            brush={"scale": 1.2, "eddies": 3.2, "length": 8}, warmth=-0.03, colour=0.9, light=-0.05,
            master="Wietske van der Wervel"),
    Painter("Odile Poincaré", "1863 - 1931", "Pointillism", "French,Belgian", 255, dots,
            f"{_OUT} portrait bouquet interior", "noon spring rose lagoon dawn", "Pointillism",
            "Counted her dots every evening; her largest picture came to four hundred thousand and one.",
            brush={"scale": 1.0, "contrast": 1.0}, warmth=0, colour=1.15, light=0.03),
    Painter("Marius Delbos", "1882 - 1959", "Pointillism", "French", 195, dots,
            f"{_OUT} city sea still_life", "noon lagoon harvest dusk autumn", "Pointillism",
            "Poincaré's neighbour and only pupil, whose dots grew with the years as his eyes grew worse.",
            brush={"scale": 1.25, "contrast": 0.7}, warmth=0.045, colour=1.1, light=0.0, master="Odile Poincaré"),
    Painter("Albrecht Schraffer", "1478 - 1533", "Engraving", "German", 235, engraving,
            f"{_OUT} still_life portrait interior", "dawn noon harvest dusk autumn winter storm", "Engraving",
            "A goldsmith by trade, who drew rhinoceroses from hearsay and rain from experience.",
            brush={"scale": 1.0, "tint": 0.6}, warmth=0, colour=0.9, light=0),
    Painter("Barbara Stichlin", "1502 - 1569", "Engraving", "German,Swiss", 190, engraving,
            "portrait still_life city interior forest hills bouquet", "dusk night autumn harvest rose", "Engraving",
            "Finished the plates that Schraffer left, and was found out only because hers were better.",
            brush={"scale": 1.2, "tint": 0.7}, warmth=0.02, colour=1.1, light=-0.05, master="Albrecht Schraffer"),
    Painter("Torvald Brekke", "1888 - 1967", "Palette Knife", "Norwegian", 245, knife,
            f"{_OUT} still_life bouquet abstract", "winter storm night dusk autumn", "Palette_knife",
            "Lost his brushes in a fjord at nineteen and found that he had not needed them.",
            brush={"scale": 1.0}, warmth=-0.035, colour=0.85, light=-0.03),
    Painter("Lin Meihua", "1897 - 1979", "Watercolour", "Chinese", 245, watercolour,
            f"{_OUT} bouquet still_life interior", "spring winter dawn rose storm", "Watercolor_painting",
            "Waited for the paper to tell her when; what her students remember is the waiting.",
            brush={"scale": 1.0}, warmth=-0.01, colour=0.85, light=0.04),
    Painter("Namiko Hoshino", "1801 - 1866", "Woodblock Print", "Japanese", 230, woodblock,
            f"{_OUT} bouquet portrait", "dusk lagoon winter autumn dawn", "Woodblock_printing_in_Japan",
            "Cut cherry wood by day, sold fans by night, and printed each wave in thirty-six states.",
            brush={"scale": 1.0, "blocks": 7}, warmth=0.01, colour=1, light=0),
    Painter("Maud Ashgrove", "1866 - 1940", "Stained Glass", "British", 48, stained_glass,
            "sea hills mountain forest pond portrait bouquet abstract", "noon dusk lagoon night rose", "Stained_glass",
            "Leaded the windows of eleven chapels and hid the same grey cat in every one of them."),
    Painter("Zélie Ciseau", "1902 - 1988", "Paper Cut-outs", "Haitian,French", 46, cut_paper,
            f"hills sea mountain pond city {_IN}", "lagoon autumn noon rose harvest", "Papercutting",
            "Drew with scissors from her bed, and did the ceiling first because it was what she saw."),
    Painter("Teodora Smalti", "1180 - 1245", "Mosaic", "Italian,Greek", 44, mosaic,
            f"hills sea mountain pond {_IN}", "harvest autumn lagoon night", "Mosaic",
            "Set her cubes a little crooked on purpose, so that a candle would find at least one of them."),
    Painter("Anatol Kantor", "1884 - 1952", "Cubism", "Polish", 42, facets,
            f"city mountain river {_IN}", "harvest storm autumn winter", "Cubism",
            "Walked round the table so often while painting it that the floor had to be replaced."),
    Painter("Lorenzo Velatura", "1459 - 1521", "Sfumato", "Italian", 40, sfumato,
            "portrait still_life bouquet interior hills river mountain", "harvest autumn storm dusk rose", "Sfumato",
            "Began three hundred pictures, and is still glazing them in the memory of his landlady."),
    Painter("Grete Grellmann", "1886 - 1943", "Expressionism", "Austrian", 38, outlines,
            f"city portrait hills sea forest {_IN}", "noon dusk autumn lagoon night rose", "Expressionism",
            "Painted her landlord green, was given notice, and painted him again from memory."),
    Painter("Aoife Rainey", "1921 - 2004", "Rain Paintings", "Irish", 36, rain,
            "city sea river forest hills interior mountain", "storm winter dusk dawn lagoon night", "",
            "Saw Connemara through the same kitchen window for eighty years, nearly always wet."),
    Painter("Kiyo Asada", "1829 - 1901", "Woodblock Print", "Japanese", 34, woodblock,
            f"{_OUT} bouquet portrait", "dusk spring winter rose dawn", "Woodblock_printing_in_Japan",
            "Hoshino's last pupil, who inherited the cherry wood and used it for forty years.",
            brush={"scale": 1.2, "blocks": 6}, warmth=0, colour=0.85, light=-0.03, master="Namiko Hoshino"),
)
# fmt: on
PAINTERS = {painter.name: painter for painter in _PAINTERS}
