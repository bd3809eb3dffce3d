"""The question which of two painted pictures a visitor prefers."""

import ipywidgets as widgets
import numpy as np

from artnb.operation.store import Store
from artnb.widgets.preferring import Preferring
from tests.widgets.test_who import find

PICTURE = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)


def test_two_pictures_of_one_photograph_by_two_painters_are_compared_once(use, tmp_path):
    use(home=tmp_path)
    asking = Preferring("visit")
    question = asking.children[0].layout
    this, before = find(asking, widgets.Button, "This"), find(asking, widgets.Button, "The one")
    asking.painted(PICTURE, "quick")
    this.click()  # a client without a browser can press what is hidden
    asking.painted(PICTURE, "quick")
    assert question.display == "none", "there is no difference"
    asking.painted(PICTURE + 1, "slow")
    assert question.display == "none", "of another photograph"
    asking.painted(PICTURE + 1, "quick")
    assert question.display == ""
    before.click()
    this.click()
    rows = Store.default().read("preferences", ["model", "other", "visitor"]).to_dict("records")
    assert rows == [{"model": "slow", "other": "quick", "visitor": "visit"}]
