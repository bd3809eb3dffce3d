from pathlib import Path

from artnb.settings import Settings
from artnb.weights import WEIGHTS, find_weights


def test_the_packaged_network_is_always_there(tmp_path):
    file = find_weights("efficientnet-lite0", Settings(home=tmp_path, weights="packaged"))
    assert file is not None and file.stat().st_size > 10**7


def test_a_folder_of_weights_comes_before_the_keras_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    settings = Settings(home=tmp_path, weights=tmp_path / "mine")
    assert find_weights("vgg19", settings) is None
    name = next(iter(WEIGHTS["vgg19"].files))
    for folder in (tmp_path / "keras/models", tmp_path / "mine"):
        folder.mkdir(parents=True)
        (folder / name).write_bytes(b"")
        assert find_weights("vgg19", settings) == folder / name
    assert find_weights("vgg19", Settings(home=tmp_path, weights="packaged")) is None


def test_names_and_sums_are_those_of_keras():
    from keras.src.applications import resnet, vgg19

    for name, module in (("vgg19", vgg19), ("resnet50", resnet)):
        source = Path(module.__file__).read_text(encoding="utf-8")
        for md5 in WEIGHTS[name].files.values():
            assert md5 in source
