"""The painter that ships: whom it paints like, what it weighs, and what its card says."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from skimage import data

from artnb.cards import Card
from artnb.images import fit
from artnb.models import STARTERS, load_model
from artnb.style.colours import moved, palette
from tools.painters import PAINTERS
from tools.studio.painters import PAINTERS as STUDIO

FOLDER = STARTERS / "starter-painters"


@pytest.fixture(scope="module")
def painter():
    return load_model("starter-painters")


def test_it_knows_real_painters_whose_works_are_free_and_the_studios():
    styles = Card.load(FOLDER).styles
    assert set(styles) == {*PAINTERS, *STUDIO} and len(PAINTERS) >= 12
    assert not {"Pablo Picasso", "Marc Chagall", "Frida Kahlo"} & set(styles)


def test_it_is_small():
    assert sum(file.stat().st_size for file in FOLDER.iterdir()) <= 5 * 1024**2


def test_its_training_is_counted_from_the_first_step():
    card = Card.load(FOLDER)
    assert card.training_seconds == card.seconds + card.started.get("seconds", 0) > 600


def test_by_both_judges_it_is_nearer_to_the_styles_than_moved_colours_are():
    card = Card.load(FOLDER)
    assert len(card.metrics) == 2
    for rows in card.metrics.values():
        assert rows["painted"]["style_distance"] < rows["recoloured"]["style_distance"] < 1
        assert rows["painted"]["structure"] >= 0.44


def test_painters_have_brushes_of_their_own(painter):
    """In the same colours, each pair of these differs more than by a little."""
    photo = fit(data.astronaut(), 256)
    names = ("Vincent van Gogh", "Georges Seurat", "Albrecht Dürer", "Henri Rousseau")
    manners = [painter.manner(name) for name in names]
    pictures = [
        painter.brush.paint(photo, replace(manner, target=manners[0].target)).astype(float) for manner in manners
    ]
    for one, other in itertools.combinations(pictures, 2):
        assert np.abs(one - other).mean() > 3


def test_there_is_no_blot(painter):
    """Seen from afar, a painting has the recoloured photograph's colours."""
    photo = fit(data.coffee(), 256)
    for name in painter.card.styles:
        target = painter.manner(name).target
        pictures = painter(photo, name).astype(float), moved(photo, palette(photo), target)
        squares = [picture.reshape(8, 32, 8, 32, 3).mean((1, 3)) for picture in pictures]
        assert np.abs(squares[0] - squares[1]).max() < 40, name
