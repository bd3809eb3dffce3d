import hashlib
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from artnb import weights
from artnb.settings import SettingsError
from artnb.weights import WEIGHTS, BackboneError, check_weights, find_weights
from tests.conftest import CHECKOUT


def test_the_packaged_network_is_always_there(use):
    use(weights="packaged")
    file = find_weights("efficientnet-lite0")
    assert file is not None and file.stat().st_size > 10**7


def test_a_folder_of_weights_comes_before_the_keras_cache(use, tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    use(weights=tmp_path / "mine")
    assert find_weights("vgg19") is None
    name = next(iter(WEIGHTS["vgg19"].files))
    for folder in (tmp_path / "keras/models", tmp_path / "mine"):
        folder.mkdir(parents=True)
        (folder / name).write_bytes(b"")
        assert find_weights("vgg19") == folder / name
    use(weights=None)
    assert find_weights("vgg19") == tmp_path / "keras/models" / name
    use(weights="packaged")
    assert find_weights("vgg19") is None


def test_unknown_networks_and_a_cache_without_a_path_are_sentences(use, monkeypatch, tmp_path):
    for name in ("alexnet", None, ["vgg19"]):
        for ask in (find_weights, lambda name: check_weights(name, tmp_path)):
            with pytest.raises(BackboneError, match=r"There is no backbone .*; there are vgg19, resnet50"):
                ask(name)
    use(weights=None)
    monkeypatch.setenv("KERAS_HOME", "~nobody-at-all/keras")
    with pytest.raises(SettingsError, match="KERAS_HOME is '~nobody-at-all/keras', which is no path"):
        find_weights("vgg19")


def test_names_and_sums_are_those_of_keras():
    from keras.src.applications import resnet, vgg19

    for name, module in (("vgg19", vgg19), ("resnet50", resnet)):
        source = Path(module.__file__).read_text(encoding="utf-8")
        for digest in WEIGHTS[name].files.values():
            algorithm, md5 = digest.split(":")
            assert algorithm == "md5" and md5 in source


def test_the_packaged_file_is_the_one_that_is_required():
    lite = WEIGHTS["efficientnet-lite0"]
    name, version = lite.install.split("==")
    assert metadata.version(name) == version
    assert lite.install in tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
    ((file, digest),) = lite.files.items()
    assert re.fullmatch("sha256:[0-9a-f]{64}", digest) and digest[7:15] in file, "the name has its beginning"
    check_weights("efficientnet-lite0", find_weights("efficientnet-lite0"))


def test_a_file_is_read_once_as_long_as_it_does_not_change(tmp_path, monkeypatch):
    read, real = [], hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda stream, name: read.append(name) or real(stream, name))
    file = tmp_path / "net.h5"
    table = {"net": weights.Weights("Net", {"net.h5": f"md5:{hashlib.md5(b'good').hexdigest()}"}, "MIT", "fetch-net")}
    monkeypatch.setattr(weights, "WEIGHTS", table)
    file.write_bytes(b"good")
    check_weights("net", file)
    check_weights("net", file)
    assert read == ["md5"]
    file.write_bytes(b"goodish")
    with pytest.raises(BackboneError, match=r"MD5 [0-9a-f]{32}, expected .*remove it and fetch it again: fetch-net"):
        check_weights("net", file)
    assert read == ["md5"] * 2
    with pytest.raises(BackboneError, match=r"'other\.h5' is no file of Net's weights; there are net\.h5"):
        check_weights("net", file.with_name("other.h5"))
