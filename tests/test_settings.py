import dataclasses
from pathlib import Path

import pytest

from artnb.settings import Settings, SettingsError


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
    ],
)
def test_what_cannot_be_used_is_repeated_and_what_can_is_named(variable, value, wanted):
    with pytest.raises(SettingsError, match=wanted) as error:
        Settings.from_environment({variable: value})
    assert variable in str(error.value) and value in str(error.value)


def test_nothing_is_logged_unless_asked():
    assert not Settings.from_environment({}).log and Settings.from_environment({"ARTNB_LOG": "1"}).log


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings.from_environment({}).seed = 1  # type: ignore[misc]
