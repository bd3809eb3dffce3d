"""A registered model behind `mlflow models serve`: pictures in as base64, an answer for each out.

MLflow keeps a copy of this file beside each model and runs it there.
"""

import base64
import binascii
import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow
import numpy as np
import pandas as pd
from mlflow.pyfunc import PythonModel, PythonModelContext

if TYPE_CHECKING:
    from artnb.classification.predictor import Prediction


class Served(PythonModel):
    """Takes a table with the column `picture`: the bytes of a file (JPEG, PNG, …) as base64.

    A classifier answers with the columns artist, probability, unfamiliar and error; a CycleGAN with picture, a PNG as
    base64, and error.
    """

    def load_context(self, context: PythonModelContext) -> None:
        """Load the model, once."""
        from artnb.images import load_image
        from artnb.models import read_card

        folder = Path(context.artifacts["bundle"])
        if read_card(folder).get("kind", "classifier") == "classifier":
            from artnb.classification.predictor import Predictor

            predictor = Predictor(folder)
            self._answer = lambda data: _artist(predictor(data))
        else:
            from artnb.cyclegan.bundles import load

            translate = load(folder).translator("monet")
            self._answer = lambda data: _png(translate(load_image(data)))

    def predict(self, context: PythonModelContext, model_input: pd.DataFrame, params: Any = None) -> pd.DataFrame:
        """Answer for each row; one that is no picture gets a sentence."""
        from artnb.images import ImageError

        if "picture" not in model_input:
            raise mlflow.MlflowException("Give a column `picture`, the bytes of each file as base64.", error_code=1000)
        rows = []
        for text in model_input["picture"]:
            try:
                rows.append(self._answer(base64.b64decode(text, validate=True)) | {"error": None})
            except (binascii.Error, TypeError, ValueError) as error:
                sentence = str(error) if isinstance(error, ImageError) else "Give the bytes of a file as base64."
                rows.append({"error": sentence})
        table = pd.DataFrame(rows, dtype=object)
        return table.where(table.notna(), None)  # JSON knows no NaN


def _artist(found: "Prediction") -> dict[str, Any]:
    return {"artist": found.artist, "probability": found.probability, "unfamiliar": found.unfamiliar}


def _png(picture: np.ndarray) -> dict[str, Any]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return {"picture": base64.b64encode(file.getvalue()).decode()}


mlflow.models.set_model(Served())
