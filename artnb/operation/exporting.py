"""Export of models for other programs: TensorFlow Serving, ONNX Runtime, TensorFlow Lite on a phone.

The exported folder holds the model, which includes its preprocessing and a classifier's calibration, and `model.json`,
which describes its input and output: size, range, and the artists in the order of the probabilities.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import keras
import numpy as np
import tensorflow as tf

from artnb.classification.model import Classifier
from artnb.common import extras
from artnb.common.files import replacing
from artnb.errors import ArtnbError
from artnb.models import load_model
from artnb.paintings.pipeline import decode_rows

Format = Literal["savedmodel", "onnx", "tflite"]
FILES = {"savedmodel": "1", "onnx": "model.onnx", "tflite": "model.tflite"}  # TensorFlow Serving needs a number
MIN_PICTURES = 20  # to quantize a model with, or to check an exported one


class ExportError(ArtnbError, ValueError):
    """A model can't be exported to a format, or an exported one can't be read."""


@dataclass(frozen=True)
class Check:
    """How far an exported classifier agrees with the original.

    Attributes:
        n: number of pictures.
        same: share of the pictures with the same most probable artist.
        difference: the largest difference of a probability.
        megabytes: size of the exported folder.
        accuracy: of the original and of the exported model, if the right artists are known.
    """

    n: int
    same: float
    difference: float
    megabytes: float
    accuracy: tuple[float, float] | None = None

    def __str__(self) -> str:
        """The figures in one line."""
        accuracy = f"; accuracy {self.accuracy[0]:.1%} before, {self.accuracy[1]:.1%} now" if self.accuracy else ""
        return (
            f"{self.n} pictures: the same artist first for {self.same:.1%}, probabilities within {self.difference:.1e}"
            f"{accuracy}; {self.megabytes:.1f} MB"
        )


def export_model(
    model: str | Path,
    to: Format,
    folder: str | Path,
    pictures: np.ndarray | None = None,
) -> Path:
    """Write a model in the format of another program.

    Args:
        model: a classifier, or a CycleGAN, whose generator of Monets is exported (not as "tflite").
        to: "savedmodel", "onnx" or "tflite".
        folder: where to write; it must not exist yet.
        pictures: only for "tflite": training pictures, uint8 (n, size, size, 3). With these, weights and activations
            are quantized to 8 bits; their ranges are measured on the pictures.

    Raises:
        ModelError: there is no such model.
        ExportError: the folder exists, the format is unknown or doesn't suit the model.
        MissingExtraError: ONNX's packages aren't installed.
    """
    folder = Path(folder)
    if to not in get_args(Format):
        raise ExportError(f"There is no format {to!r}; there are {', '.join(get_args(Format))}.")
    if folder.exists():
        raise ExportError(f"{folder.name!r} exists already; name a new folder.")
    if pictures is not None and (to != "tflite" or len(pictures) < MIN_PICTURES):
        raise ExportError(
            f"8 bits need --to tflite and at least {MIN_PICTURES} pictures; got {to} and {len(pictures)}."
        )
    if to == "onnx":
        with extras.needed("export", "ONNX needs"):
            import tf2onnx  # noqa: F401
    loaded = load_model(model)
    if loaded.card.kind == "painter":
        raise ExportError(
            "A painter takes a style beside the picture, which no format here holds; export another model."
        )
    if loaded.card.kind == "classifier":
        network, about = calibrated(loaded), _about(loaded)
    else:
        from artnb.cyclegan.recipes import CycleRecipe

        if to == "tflite":
            raise ExportError("A CycleGAN takes pictures of any size, which TensorFlow Lite doesn't; choose onnx.")
        multiple = CycleRecipe(**loaded.card.recipe).multiple
        network = loaded.networks.to_monet
        about = {
            "title": loaded.card.title,
            "input": f"float32 (1, height, width, 3), RGB from 0 to 255; sides are multiples of {multiple}",
            "output": "the same shape and range",
        }
    with replacing(folder) as part:
        part.mkdir()
        _write(network, to, part / FILES[to], pictures)
        text = json.dumps(about, indent=1, ensure_ascii=False)
        (part / "model.json").write_text(text, encoding="utf-8")
    return folder


def calibrated(model: Classifier) -> keras.Model:
    """A network from float32 (n, size, size, 3), RGB in [0, 255], to calibrated probabilities."""
    probabilities = model.network.model.output
    logits = keras.ops.log(keras.ops.maximum(probabilities, 1e-30)) / model.card.temperature
    return keras.Model(model.network.model.input, keras.ops.softmax(logits, axis=-1))


def _about(model: Classifier) -> dict[str, Any]:
    card = model.card
    return {
        "title": card.title,
        "input": f"float32 (n, {card.size}, {card.size}, 3), RGB from 0 to 255: a picture's middle square, resized",
        "output": f"float32 (n, {len(card.class_names)}), the probability of each artist",
        "size": card.size,
        "artists": list(card.class_names),
        "split": card.split,
    }


def _write(network: keras.Model, to: Format, target: Path, pictures: np.ndarray | None) -> None:
    import logging

    if to == "savedmodel":
        network.export(target, format="tf_saved_model", verbose=False)
        return
    signature = [tf.TensorSpec(network.input_shape, tf.float32, name="images")]
    if to == "onnx":
        import tf2onnx

        logging.getLogger("tf2onnx").setLevel(logging.ERROR)
        function = tf.function(lambda images: network(images, training=False), input_signature=signature)
        tf2onnx.convert.from_function(function, signature, opset=17, output_path=str(target))
        return
    one = [tf.TensorSpec((1, *network.input_shape[1:]), tf.float32, name="images")]
    with tempfile.TemporaryDirectory() as folder:  # from a SavedModel, because only so variables become constants
        network.export(folder, format="tf_saved_model", verbose=False, input_signature=one)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if pictures is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: ([picture[None].astype(np.float32)] for picture in pictures)
        target.write_bytes(converter.convert())


def read(folder: str | Path) -> Callable[[np.ndarray], np.ndarray]:
    """An exported model as a function from float32 (n, size, size, 3) to its output, run by its own program.

    Raises:
        ExportError: the folder holds no exported model.
        MissingExtraError: ONNX Runtime isn't installed.
    """
    folder = Path(folder)
    if (folder / FILES["onnx"]).is_file():
        with extras.needed("export", "ONNX needs"):
            import onnxruntime

        session = onnxruntime.InferenceSession(str(folder / FILES["onnx"]), providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        return lambda images: session.run(None, {name: images})[0]
    if (folder / FILES["tflite"]).is_file():
        interpreter = tf.lite.Interpreter(str(folder / FILES["tflite"]))
        interpreter.allocate_tensors()
        source = interpreter.get_input_details()[0]["index"]
        target = interpreter.get_output_details()[0]["index"]

        def one(image: np.ndarray) -> np.ndarray:
            interpreter.set_tensor(source, image[None])
            interpreter.invoke()
            return interpreter.get_tensor(target)[0]

        return lambda images: np.stack([one(image) for image in images])
    if (folder / FILES["savedmodel"] / "saved_model.pb").is_file():
        saved_model = tf.saved_model.load(str(folder / FILES["savedmodel"]))
        return lambda images: saved_model.serve(images).numpy()
    raise ExportError(f"{folder.name!r} holds no exported model; name a folder that `artnb models export` wrote.")


def check_export(
    folder: str | Path, model: Classifier, images: np.ndarray, labels: np.ndarray | None = None, batch_size: int = 32
) -> Check:
    """Compare the predictions of an exported classifier with those of the original.

    Args:
        folder: what `export_model` returned.
        model: the original.
        images: uint8 (n, size, size, 3) RGB.
        labels: (n,), the right artists.
        batch_size: pictures at a time.
    """
    run, network, outputs = read(folder), calibrated(model), []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size].astype(np.float32)
        outputs.append((network.predict_on_batch(batch), run(batch)))  # compiled: it keeps no maps
    original, exported = (np.concatenate(batches) for batches in zip(*outputs, strict=True))
    first, second = original.argmax(1), exported.argmax(1)
    size = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / 1e6
    accuracy = None if labels is None else (float((first == labels).mean()), float((second == labels).mean()))
    difference = float(np.abs(original - exported).max())
    return Check(len(images), float((first == second).mean()), difference, size, accuracy)


def representative_pictures(model: Classifier, folder: str | Path | None = None, number: int = 200) -> np.ndarray:
    """Pictures to quantize with: some of the training paintings, or those of a folder; uint8 (n, size, size, 3).

    Raises:
        ExportError: there are fewer than `MIN_PICTURES`.
        SplitError: the training paintings are not in the collection in use.
    """
    if folder is None:
        return _pictures_of(model, "train", number)[0]
    from artnb.paintings.sources import pictures_in

    files = pictures_in(folder)
    if len(files) < MIN_PICTURES:
        raise ExportError(f"{Path(folder).name!r} holds {len(files)} pictures; 8 bits need {MIN_PICTURES} or more.")
    return model.prepare(files[:number])


def test_pictures(model: Classifier) -> tuple[np.ndarray, np.ndarray]:
    """The model's test paintings, uint8 (n, size, size, 3), and their labels (n,).

    Raises:
        SplitError: they are not in the collection in use.
    """
    return _pictures_of(model, "test")


def _pictures_of(model: Classifier, subset: str, number: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    from artnb.paintings.sources import load_collection

    collection, rows = load_collection(), model.split[model.split["subset"] == subset]
    if number:
        rows = rows.sample(min(number, len(rows)), random_state=model.card.seed)
    if len(rows) < MIN_PICTURES:
        raise ExportError(f"The model has {len(rows)} {subset} paintings; {MIN_PICTURES} or more are needed.")
    labels = {name: label for label, name in enumerate(model.card.class_names)}
    return decode_rows(collection, rows, model.card.size), rows["artist"].map(labels).to_numpy()
