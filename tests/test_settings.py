import dataclasses
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from artnb.settings import Settings, SettingsError, settings, using


def test_without_variables_nothing_is_needed():
    settings = Settings.from_environment({})
    assert (settings.source, settings.profile, settings.data) == ("studio", "quick", None)
    assert settings.home == Path(__file__).resolve().parents[1] / "data"


def test_a_folder_of_paintings_becomes_the_source(tmp_path):
    settings = Settings.from_environment({"ARTNB_DATA": str(tmp_path), "ARTNB_PROFILE": "full", "ARTNB_SEED": "7"})
    assert (settings.source, settings.data, settings.profile, settings.seed) == ("folder", tmp_path, "full", 7)


def test_the_source_can_be_named_although_a_folder_is_set(tmp_path):
    assert Settings.from_environment({"ARTNB_DATA": str(tmp_path), "ARTNB_SOURCE": "studio"}).source == "studio"


def test_weights_are_a_folder_or_the_packaged_ones(tmp_path):
    assert Settings.from_environment({"ARTNB_WEIGHTS": str(tmp_path)}).weights == tmp_path
    assert Settings.from_environment({"ARTNB_WEIGHTS": "packaged"}).weights == "packaged"


@pytest.mark.parametrize(
    ("variable", "value", "wanted"),
    [
        ("ARTNB_PROFILE", "fast", "quick or full"),
        ("ARTNB_SOURCE", "flickr", "studio or folder or kaggle"),
        ("ARTNB_SOURCE", "folder", "ARTNB_DATA"),
        ("ARTNB_SEED", "-1", "whole number"),
        ("ARTNB_SEED", "1e3", "whole number"),
        ("ARTNB_SEED", "²", "whole number"),
        ("ARTNB_LOG", "yes", "0 or 1"),
        ("ARTNB_MIN_PAINTINGS", "0", "from 1"),
        ("ARTNB_PRECISION", "half", "auto or float32"),
        ("ARTNB_HOME", "~nobody-at-all/x", "no path"),
        ("ARTNB_WEIGHTS", "~nobody-at-all/x", "no path"),
    ],
)
def test_what_cannot_be_used_is_repeated_and_what_can_is_named(variable, value, wanted):
    with pytest.raises(SettingsError, match=wanted) as error:
        Settings.from_environment({variable: value})
    assert variable in str(error.value) and value in str(error.value)


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"seed": "x"}, "whole number"),
        ({"seed": True}, "whole number"),
        ({"seed": -1}, "whole number"),
        ({"source": "zzz"}, "studio or folder or kaggle"),
        ({"source": "folder", "data": None}, "which folder"),
        ({"profile": "Full"}, "quick or full"),
        ({"profile": None}, "quick or full"),
        ({"profile": []}, "quick or full"),
        ({"home": None}, "a path"),
        ({"home": ""}, "a path"),
        ({"home": 5}, "a path"),
        ({"home": "~nobody-at-all/x"}, "no path"),
        ({"home": "a\0b"}, "no path"),
        ({"log": 1}, "True or False"),
        ({"level": "loud"}, "debug or info"),
        ({"min_paintings": 1.5}, "whole number"),
        ({"weights": 3}, "'packaged' or a path"),
    ],
)
def test_using_checks_as_the_environment_is_checked(changes, wanted):
    before = settings.home, settings.seed
    with pytest.raises(SettingsError, match=wanted), using(**changes):
        pytest.fail("it was taken")
    assert (settings.home, settings.seed) == before


def test_a_path_may_be_text(tmp_path):
    with using(home=str(tmp_path / "a" / ".."), weights="packaged", data=str(tmp_path)):
        assert (settings.home, settings.weights, settings.data) == (tmp_path, "packaged", tmp_path)


def test_a_setting_is_not_set_by_an_assignment():
    before = settings.seed
    with pytest.raises(SettingsError, match=r"settings\.seed can't be set; write `with using\(seed="):
        settings.seed = 5  # type: ignore[misc]
    assert settings.seed == before


def test_overlapping_blocks_take_back_their_own_changes_in_any_order(tmp_path):
    before = settings.home, settings.seed, settings.log

    def block(**changes):
        with using(**changes):
            yield

    first, second = block(home=tmp_path, seed=1), block(seed=2, log=True)
    next(first)
    next(second)
    assert (settings.home, settings.seed, settings.log) == (tmp_path, 2, True)
    assert next(first, "ended") == "ended"
    assert (settings.home, settings.seed, settings.log) == (before[0], 2, True)
    assert next(second, "ended") == "ended"
    assert (settings.home, settings.seed, settings.log) == before


def test_nothing_is_logged_unless_asked():
    assert not Settings.from_environment({}).log and Settings.from_environment({"ARTNB_LOG": "1"}).log


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings.from_environment({}).seed = 1  # type: ignore[misc]


def test_what_cannot_be_used_is_said_at_the_first_use_and_not_by_an_import():
    code = """
import artnb, artnb.settings, artnb.models, artnb.images, artnb.paintings.splits
try:
    artnb.settings.settings.seed
except artnb.settings.SettingsError as error:
    print(error)
"""
    environment = os.environ | {"ARTNB_SEED": "nonsense"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "ARTNB_SEED is 'nonsense'; it can be a whole number from 0 to 2147483647.\n"


def test_others_can_be_used_for_a_while_and_within_them_others(tmp_path):
    before = settings.home, settings.seed, settings.log
    with using(home=tmp_path, log=True) as outer:
        assert (settings.home, settings.seed, settings.log) == (outer.home, outer.seed, outer.log)
        assert (outer.home, outer.seed, outer.log) == (tmp_path, before[1], True)
        with using(seed=before[1] + 1):
            assert (settings.home, settings.seed, settings.log) == (tmp_path, before[1] + 1, True)
        assert (settings.home, settings.seed, settings.log) == (tmp_path, before[1], True)
    assert (settings.home, settings.seed, settings.log) == before


def test_those_before_hold_again_even_after_an_error(tmp_path):
    before = settings.home
    with pytest.raises(KeyError), using(home=tmp_path):
        raise KeyError
    assert settings.home == before


def test_all_threads_use_the_same(tmp_path):
    with ThreadPoolExecutor(1) as other:
        before = other.submit(lambda: settings.home).result()
        with using(home=tmp_path):
            assert other.submit(lambda: settings.home).result() == tmp_path
        assert other.submit(lambda: settings.home).result() == before != tmp_path


def test_there_is_no_setting_of_another_name(tmp_path):
    before = settings.home
    with pytest.raises(TypeError, match="house"), using(home=tmp_path, house=tmp_path):
        pytest.fail("it was taken")
    assert settings.home == before
