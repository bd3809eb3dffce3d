"""Models for other programs, each run by its own program."""

import json
import sys

import numpy as np
import pytest

from artnb.cli import main
from artnb.common.extras import MissingExtraError
from artnb.models import load_model
from artnb.operation import exporting
from artnb.operation.exporting import ExportError
from artnb.paintings.pipeline import decode
from tests.classification.conftest import collection, model, prepared, table  # noqa: F401


@pytest.fixture(scope="module")
def pictures(model, collection):  # noqa: F811
    return decode([collection.file(path) for path in collection.paintings["path"]], model.card.size)


@pytest.mark.slow
@pytest.mark.parametrize("to", ["savedmodel", "onnx", "tflite"])
def test_what_is_written_answers_as_the_predictor_does(to, model, pictures, tmp_path):  # noqa: F811
    if to == "onnx":
        pytest.importorskip("tf2onnx")
        pytest.importorskip("onnxruntime")
    folder = exporting.export_model(model.folder, to, tmp_path / "out")
    check = exporting.check_export(folder, model, pictures)
    assert check.n == 72 and check.same == 1 and check.difference < 1e-4, str(check)
    expected = model.predict_proba(pictures)
    assert np.allclose(exporting.read(folder)(pictures.astype(np.float32)), expected, atol=1e-4)
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    assert about["artists"] == list(model.card.class_names) and about["size"] == model.card.size


@pytest.mark.slow
def test_eight_bits_are_smaller_and_nearly_as_good(collection, tmp_path):  # noqa: F811
    starter = load_model("starter-cnn")
    pictures = decode([collection.file(path) for path in collection.paintings["path"]], starter.card.size)
    whole = exporting.export_model(starter.folder, "tflite", tmp_path / "whole")
    eight = exporting.export_model(starter.folder, "tflite", tmp_path / "eight", pictures[:24])
    labels = starter.predict_proba(pictures[:24]).argmax(1)
    check = exporting.check_export(eight, starter, pictures[:24], labels)
    assert check.megabytes < 0.4 * exporting.check_export(whole, starter, pictures[:2]).megabytes
    assert check.accuracy[0] == 1 and check.accuracy[1] > 0.6


@pytest.mark.parametrize(
    ("to", "number", "words"),
    [("coreml", None, "no format 'coreml'"), ("onnx", 30, "8 bits"), ("tflite", 3, "got tflite and 3")],
)
def test_what_can_not_be_written_is_a_sentence(to, number, words, model, tmp_path):  # noqa: F811
    images = None if number is None else np.zeros((number, 32, 32, 3), np.uint8)
    with pytest.raises(ExportError, match=words):
        exporting.export_model(model.folder, to, tmp_path / "out", images)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_not_written_over(model, tmp_path):  # noqa: F811
    with pytest.raises(ExportError, match="exists already"):
        exporting.export_model(model.folder, "savedmodel", tmp_path)
    with pytest.raises(ExportError, match="holds no exported model"):
        exporting.read(tmp_path)


def test_without_the_extra_onnx_is_a_sentence(model, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    with pytest.raises(MissingExtraError, match=r"ONNX needs tf2onnx, which isn't .*pip install .*tf2onnx>=1"):
        exporting.export_model(model.folder, "onnx", tmp_path / "out")


@pytest.mark.slow
def test_a_generator_takes_any_size_in_onnx(tmp_path):
    pytest.importorskip("tf2onnx")
    pytest.importorskip("onnxruntime")

    run = exporting.read(exporting.export_model("starter-monet", "onnx", tmp_path / "out"))
    image = np.random.default_rng(0).integers(0, 256, (1, 48, 64, 3)).astype(np.float32)
    expected = load_model("starter-monet").networks.to_monet(image, training=False).numpy()
    assert np.abs(run(image) - expected).max() < 0.5  # of a grey level
    with pytest.raises(ExportError, match="any size"):
        exporting.export_model("starter-monet", "tflite", tmp_path / "lite")


@pytest.mark.parametrize("arguments", [["--int8"], ["--to", "onnx", "--pictures", "x"]])
def test_the_command_refuses_what_does_not_go_together(arguments, tmp_path, capsys):
    to = [] if "--to" in arguments else ["--to", "savedmodel"]
    assert main(["models", "export", "starter-cnn", *to, *arguments, "-o", str(tmp_path / "x")]) == 2
    assert "leave the other out" in capsys.readouterr().err
