"""Killed at any moment and resumed, a transfer is the one that was never killed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from artnb.cli import main
from artnb.common.searching import SearchError
from artnb.style import search, transfer
from artnb.style.metrics import Metrics
from artnb.style.recipes import style_recipe
from artnb.style.search import StyleSpace, search_style
from artnb.style.transfer import StyleError, stylize
from tests.killing import snapshots
from tests.style.conftest import LAYERS, tiny_network

OURS = style_recipe("efficientnet-lite0")
RECIPE = replace(
    OURS, size=80, iterations=6, content_layers={"coarse": 1.0}, style_layers=LAYERS, scales=((0.5, 0.5), (1.0, 0.5))
)
RANDOM = np.random.default_rng(5)
PHOTO, STYLE = (RANDOM.integers(0, 256, (64, 80, 3), np.uint8) for _ in range(2))


@pytest.fixture(scope="module")
def backbone():
    return tiny_network()


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(transfer, "_BLOCK", 2)


@pytest.mark.slow
@pytest.mark.parametrize(("optimiser", "start"), [("adam", "noise"), ("lbfgs", "content")])
def test_a_transfer_killed_anywhere(optimiser, start, backbone, tmp_path):
    recipe = replace(RECIPE, optimiser=optimiser, start=start, keep_colours=start == "noise")
    options = {"mask": np.arange(64 * 80).astype(np.uint8).reshape(64, 80, 1).repeat(3, 2), "backbone": backbone}
    with snapshots(tmp_path / "t") as killed:
        whole = stylize(PHOTO, STYLE, recipe, state=tmp_path / "t" / "state", every=2, **options)
    assert len(whole.history) == 6 and sum((place / "state").exists() for place in killed) >= 4
    for place in killed:
        done = stylize(PHOTO, STYLE, recipe, state=place / "state", every=2, **options)
        pd.testing.assert_frame_equal(done.history, whole.history, check_exact=True)
        np.testing.assert_array_equal(done.image, whole.image)


@pytest.mark.slow
@pytest.mark.parametrize("optimiser", ["adam", "lbfgs"])
def test_one_that_was_stopped_anywhere(optimiser, backbone, tmp_path, monkeypatch):
    """By Ctrl-C in the middle of a step, or by `watch`."""
    recipe = replace(RECIPE, optimiser=optimiser)
    whole = stylize(PHOTO, STYLE, recipe, backbone=backbone)
    for stop in (1, 3, 4, 6):  # in both scales, and at their ends
        state = tmp_path / str(stop)
        stopped = stylize(
            PHOTO, STYLE, recipe, state=state, every=1, watch=lambda step, _, stop=stop: step < stop, backbone=backbone
        )
        assert stopped.stopped and len(stopped.history) in (stop, stop + transfer.LAST_STEPS) and state.exists()
        done = stylize(PHOTO, STYLE, recipe, state=state, backbone=backbone)
        pd.testing.assert_frame_equal(done.history, whole.history, check_exact=True)
        np.testing.assert_array_equal(done.image, whole.image)
    record, calls = transfer._Run._record, []

    def interrupted(self, *arguments):
        calls.append(1)
        if len(calls) == 5:  # the step has been made, and its row is not written yet
            raise KeyboardInterrupt
        record(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(transfer._Run, "_record", interrupted)
        assert stylize(PHOTO, STYLE, recipe, state=tmp_path / "state", every=2, backbone=backbone).stopped
    done = stylize(PHOTO, STYLE, recipe, state=tmp_path / "state", backbone=backbone)
    pd.testing.assert_frame_equal(done.history, whole.history, check_exact=True)
    np.testing.assert_array_equal(done.image, whole.image)


def test_rows_of_lbfgs_are_of_the_picture_before_the_step(backbone):
    recipe = replace(RECIPE, optimiser="lbfgs", scales=((1.0, 1.0),))
    rows = [
        stylize(PHOTO, STYLE, replace(recipe, optimiser=each), backbone=backbone).history for each in ("adam", "lbfgs")
    ]
    assert rows[0].iloc[0].tolist() == rows[1].iloc[0].tolist(), "both begin with the content"
    costs = rows[1]["cost"]
    assert costs.is_monotonic_decreasing and costs.nunique() == len(costs)


@pytest.mark.parametrize(
    "other",
    [
        {"content": PHOTO[::-1]},
        {"styles": PHOTO},
        {"recipe": replace(RECIPE, tv_weight=9.0)},
        {"backbone": replace(tiny_network(), trained=False)},
    ],
)
def test_another_transfer_is_refused(other, backbone, tmp_path):
    given = {"content": PHOTO, "styles": STYLE, "recipe": RECIPE, "backbone": backbone}
    stylize(**given, state=tmp_path / "s", every=2, watch=lambda *_: False)
    with pytest.raises(StyleError, match=r"s' is of a transfer with other pictures or settings; .* remove it"):
        stylize(**given | other, state=tmp_path / "s")


@pytest.mark.parametrize("content", [b"", b"nonsense", b"cut"])
def test_a_damaged_state_is_a_sentence(content, backbone, tmp_path):
    given = {"content": PHOTO, "styles": STYLE, "recipe": RECIPE, "backbone": backbone, "state": tmp_path / "s"}
    stylize(**given, every=2, watch=lambda *_: False)
    (tmp_path / "s").write_bytes((tmp_path / "s").read_bytes()[:1000] if content == b"cut" else content)
    with pytest.raises(StyleError, match=r"s' holds no transfer to resume .* remove it to begin anew"):
        stylize(**given)


def test_a_finished_picture_is_one_of_the_same_contents_and_settings(tmp_path, capsys):
    photo, style, out = tmp_path / "photo.png", tmp_path / "style.png", tmp_path / "out.png"
    Image.fromarray(PHOTO).save(photo)
    Image.fromarray(STYLE).save(style)
    command = ["stylize", str(photo), str(style), "-o", str(out), "--size", "80", "--iterations", "1"]
    assert main(command) == 0
    before = out.read_bytes()
    assert main([*command, "--resume"]) == 0 and "finished before" in capsys.readouterr().out
    for more in (["--seed", "7"], ["--strength", "0.5"]):
        assert main([*command, "--resume", *more]) == 1 and "exists already" in capsys.readouterr().err
    Image.fromarray(PHOTO[::-1]).save(photo)  # of the same name
    assert main([*command, "--resume"]) == 1 and "exists already" in capsys.readouterr().err
    assert out.read_bytes() == before


@pytest.mark.slow
def test_a_search_killed_anywhere(backbone, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "shared_backbone", lambda *_, **__: backbone)
    monkeypatch.setattr(search, "judge_for", lambda *_: tiny_network(9))
    monkeypatch.setattr(search, "measure", lambda image, *_: Metrics(*(image.mean((0, 1)) / 255), 0.5, "a judge"))
    short = replace(RECIPE, iterations=2)
    space = StyleSpace("ours", lambda hp: replace(short, tv_weight=hp.Float("smoothness", 0.1, 9.0)), "bayesian", 3)

    def searched(place, content=PHOTO, style=STYLE):
        return search_style(space, content, style, place, seed=3).drop(columns="painting")

    with snapshots(tmp_path / "s") as killed:
        whole = searched(tmp_path / "s")
    assert len(whole) == 3
    for place in killed[:: len(killed) // 5]:
        pd.testing.assert_frame_equal(searched(place), whole, check_exact=True)
    for other in ({"content": PHOTO[::-1]}, {"style": PHOTO}):
        with pytest.raises(SearchError, match=f"another {next(iter(other))}"):
            searched(tmp_path / "s", **other)
    monkeypatch.setattr(search, "judge_for", lambda *_: replace(tiny_network(9), trained=False))
    with pytest.raises(SearchError, match="another judge"):
        searched(tmp_path / "s")
