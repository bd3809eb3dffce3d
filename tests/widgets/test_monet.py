"""The Monet page: painting a photograph, the discriminator's view, and a machine without a model."""

import base64
import json
import re

import ipywidgets as widgets
import numpy as np
import pytest

from artnb import models
from artnb.cyclegan.model import save_cyclegan
from artnb.cyclegan.training import CycleTraining, train_generators
from artnb.images import load_image
from artnb.operation.monitoring import MEASURES
from artnb.operation.store import Store
from artnb.widgets import monet
from tests.cyclegan.conftest import TINY
from tests.widgets.test_who import find, texts

PICTURE = np.random.default_rng(4).integers(0, 256, (70, 50, 3), np.uint8)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with an untrained model."""
    from dataclasses import replace

    home = tmp_path_factory.mktemp("home")
    pictures = np.random.default_rng(1).integers(0, 256, (4, 40, 40, 3), np.uint8)
    training: CycleTraining = train_generators(pictures, pictures, replace(TINY, steps=1), seed=1)
    save_cyclegan(training, home / "models" / "mine", "folder", {}, {})
    return home


@pytest.mark.slow
def test_a_photograph_becomes_a_monet(home, use, monkeypatch, tmp_path):
    monkeypatch.setattr(models, "STARTERS", tmp_path)
    use(home=home)
    page = monet({"one": PICTURE})
    start = find(page, widgets.Button, "Paint")
    assert start.disabled
    find(page, widgets.Button, "one").click()
    start.click()
    page.job.wait(60)
    shown = texts(page)
    assert "discriminator" in shown and "artnb-error" not in shown
    painted = base64.b64decode(re.search(r'download="monet.png" href="data:[^,]+base64,([^"]+)', shown)[1])
    assert load_image(painted).shape == PICTURE.shape


def test_without_a_model_it_says_how_to_get_one(use, tmp_path, monkeypatch):
    monkeypatch.setattr(models, "STARTERS", tmp_path)
    use(home=tmp_path)
    page = monet({"one": PICTURE})
    assert "artnb train cyclegan" in texts(page) and find(page, widgets.Button, "Paint").disabled


def test_a_picture_is_logged_only_if_logging_is_on(home, use, monkeypatch, tmp_path):
    monkeypatch.setattr(models, "STARTERS", tmp_path)
    for log in (False, True):
        use(home=home, log=log)
        page = monet({"one": PICTURE})
        find(page, widgets.Button, "one").click()
        find(page, widgets.Button, "Paint").click()
        page.job.wait(60)
        rows = Store.default().read("predictions", ["model", "measures", "visitor"]).to_dict("records")
        assert len(rows) == log, texts(page)
    assert rows[0]["model"] == "mine" and set(json.loads(rows[0]["measures"])) == set(MEASURES) and rows[0]["visitor"]
