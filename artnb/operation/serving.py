"""A registered model for `mlflow models serve`: it takes pictures as base64 and returns a prediction for each.

MLflow stores a copy of this file with each model and runs it with the copy of artnb that was logged with the model.
"""

import base64
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from artnb.classification.prediction import Prediction


class ServedModel(PythonModel):
    """Takes a table with the column `picture`: the bytes of a file (JPEG, PNG, …) as base64.

    Line breaks in it, and a prefix such as `data:image/png;base64,`, are passed over. A table without rows gets an
    answer without rows.

    A classifier returns the columns artist, probability, unfamiliar and error; a CycleGAN returns picture, a PNG as
    base64, and error. In each row either error is empty or all other columns are.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model, when MLflow starts to serve it."""
        from artnb.models import load_model

        model = load_model(Path(context.artifacts["bundle"]))
        if model.card.kind == "classifier":
            self._columns = ["artist", "probability", "unfamiliar", "error"]
            self._answer = lambda data: _artist(model(data))
        else:
            self._columns = ["picture", "error"]
            self._answer = lambda data: _png(model(data))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """A row for each picture, with an error message if there is no prediction."""
        if "picture" not in model_input and len(model_input):
            raise mlflow.MlflowException("Give a column `picture`, the bytes of each file as base64.", error_code=1000)
        rows = [self._row(text) for text in model_input.get("picture", [])]
        table = pd.DataFrame(rows, columns=self._columns, dtype=object)
        return table.where(table.notna(), None)  # JSON knows no NaN

    def _row(self, text: Any) -> dict[str, Any]:
        from artnb.common import logs
        from artnb.errors import ArtnbError

        try:
            return self._answer(_decoded(text))
        except ArtnbError as error:  # of the picture, or of a model that is not to be used for this
            return {"error": str(error)}
        except Exception as error:  # its message could show visitors paths or code
            number = logs.unforeseen("serving.failed", error)
            sentence = f"The model failed on this picture, which is not your fault (error {number}); try another one."
            return {"error": sentence}


def _decoded(text: Any) -> bytes:
    """The bytes that a base64 text encodes. A text must never reach `load_image`, which takes texts for paths.

    Raises:
        ImageError: it is not base64, or longer than that of the largest picture that `load_image` reads.
    """
    from artnb.images import MAX_BYTES, ImageError

    if not isinstance(text, str):
        raise ImageError(f"Got {type(text).__name__}; give the bytes of a file as base64, which is a text.")
    text = re.sub(r"[\r\n]+", "", re.sub(r"\A\s*data:[^,]{,200};base64,", "", text))
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise ImageError(f"The picture is larger than {MAX_BYTES // 1024**2} MB; make it smaller and try again.")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ImageError("The text is not base64; give the bytes of a file as base64.") from error


def _artist(prediction: "Prediction") -> dict[str, Any]:
    return {
        "artist": prediction.artist,
        "probability": prediction.probability,
        "unfamiliar": prediction.unfamiliar,
    }


def _png(picture: np.ndarray) -> dict[str, Any]:
    from artnb.images import png_bytes

    return {"picture": base64.b64encode(png_bytes(picture)).decode()}


mlflow.models.set_model(ServedModel())
