"""A registered model behind `mlflow models serve`: pictures in as base64, an answer for each out.

MLflow keeps a copy of this file beside each model and runs it there, with the copy of artnb that was logged with it.
"""

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from artnb.classification.model import Prediction


class Served(PythonModel):
    """Takes a table with the column `picture`: the bytes of a file (JPEG, PNG, …) as base64.

    A classifier answers with the columns artist, probability, unfamiliar and error; a CycleGAN with picture, a PNG as
    base64, and error. In each row either the last one is empty or all others are.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model, once."""
        from artnb.models import load_model

        model = load_model(Path(context.artifacts["bundle"]))
        if model.card.kind == "classifier":
            self._columns = ["artist", "probability", "unfamiliar", "error"]
            self._answer = lambda data: _artist(model(data))
        else:
            self._columns = ["picture", "error"]
            self._answer = lambda data: _png(model(data))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Answer for each row; one that can't be answered gets a sentence."""
        if "picture" not in model_input:
            raise mlflow.MlflowException("Give a column `picture`, the bytes of each file as base64.", error_code=1000)
        rows = [self._row(text) for text in model_input["picture"]]
        table = pd.DataFrame(rows, columns=self._columns, dtype=object)
        return table.where(table.notna(), None)  # JSON knows no NaN

    def _row(self, text: Any) -> dict[str, Any]:
        from artnb.common import logs
        from artnb.images import ImageError

        try:
            return self._answer(_decoded(text))
        except ImageError as error:
            return {"error": str(error)}
        except Exception as error:  # a stranger is not told what our code looks like inside
            logs.failure("serving.failed", error)
            return {"error": "The model could not answer for this picture, and the fault is not yours; try another."}


def _decoded(text: Any) -> bytes:
    """The bytes behind base64, and nothing but bytes: a text that went on as it is would be taken for a path.

    Raises:
        ImageError: it is no base64, or longer than that of the largest picture that is read.
    """
    from artnb.images import MAX_BYTES, ImageError

    if not isinstance(text, str):
        raise ImageError(f"Got {type(text).__name__}; give the bytes of a file as base64, which is a text.")
    if len(text) > MAX_BYTES * 4 // 3 + 4:
        raise ImageError(f"The picture is larger than {MAX_BYTES // 1024**2} MB; make it smaller and try again.")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ImageError("The text is no base64; give the bytes of a file as base64.") from error


def _artist(found: "Prediction") -> dict[str, Any]:
    return {"artist": found.artist, "probability": found.probability, "unfamiliar": found.unfamiliar}


def _png(picture: np.ndarray) -> dict[str, Any]:
    from artnb.images import png_bytes

    return {"picture": base64.b64encode(png_bytes(picture)).decode()}


mlflow.models.set_model(Served())
