"""Who painted this?"""

import hashlib
import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.classification.bundles import Card
from artnb.classification.explaining import grad_cam
from artnb.classification.predictor import UNFAMILIAR, Prediction, Predictor
from artnb.files import append_lines
from artnb.images import fit
from artnb.paintings import catalogue
from artnb.settings import Settings, settings
from artnb.widgets.parts import Message, PictureChooser, bars, page, png


def who_painted_this(examples: Mapping[str, np.ndarray] | None = None, settings: Settings = settings) -> widgets.VBox:
    """A page that names the artist of a picture.

    Args:
        examples: a name -> a picture to try it with.
        settings: where models are looked for, and where corrections are written (`feedback.jsonl`).
    """
    found = {Card.load(folder).label: folder for folder in models.available("classifier", settings)}
    loaded: dict[str, Predictor] = {}
    model = widgets.Dropdown(options=list(found), description="Model", layout={"width": "min(34em, 100%)"})
    ask = widgets.Button(description="Who painted this?", button_style="primary", disabled=True)
    where = widgets.ToggleButton(description="Where does it look?", disabled=True)
    message, answer = Message(), widgets.HTML()
    heat = widgets.Image(format="png", alt="", layout={"display": "none"})
    right = widgets.Dropdown(description="It is by", layout={"width": "min(24em, 100%)"})
    tell = widgets.Button(description="Wrong? Tell me")
    correction = widgets.HBox([right, tell], layout={"display": "none", "flex_flow": "row wrap"})
    said: dict[str, Prediction] = {}

    def predictor() -> Predictor:
        if model.value not in loaded:
            message.say("The model is being loaded …")
            loaded[model.value] = Predictor(found[model.value], settings)
        return loaded[model.value]

    def forget() -> None:
        ask.disabled = chooser.picture is None or not found
        answer.value, correction.layout.display, where.disabled, where.value = "", "none", True, False

    def predict(_: object) -> None:
        if chooser.picture is None:
            return
        try:
            named = predictor()
            prediction = named.predict(fit(chooser.picture, named.card.size)[None])[0]
        except Exception as error:
            message.complain(error)
            return
        message.say("")
        said["last"] = prediction
        answer.value = _answer(prediction)
        right.options = sorted(named.card.class_names)
        correction.layout.display, where.disabled, where.value = "flex", False, False

    def look(change: dict) -> None:
        heat.layout.display = "none"
        if not change["new"] or chooser.picture is None:
            return
        named, artist = predictor(), said["last"].artist
        image = fit(chooser.picture, named.card.size)
        found_heat = grad_cam(named.bundle.classifier, image, named.card.class_names.index(artist))
        heat.value, heat.alt = png(_under(image, found_heat)), f"What speaks for {artist}: the brighter, the more"
        heat.layout.display = "block"

    def correct(_: object) -> None:
        assert chooser.picture is not None
        row = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "picture": hashlib.sha256(chooser.picture.tobytes()).hexdigest(),
            "model": found[model.value].name,
            "said": said["last"].artist,
            "probability": round(said["last"].probability, 4),
            "right": right.value,
        }
        try:
            append_lines(settings.home / "feedback.jsonl", [json.dumps(row, ensure_ascii=False)])
        except OSError as error:
            message.complain(f"Your answer could not be saved ({error.strerror}); try again later.")
            return
        correction.layout.display = "none"
        message.say("Thank you; it is noted. The picture itself is not kept.")

    chooser = PictureChooser("A painting", examples or {}, forget)
    ask.on_click(predict)
    where.observe(look, "value")
    tell.on_click(correct)
    model.observe(lambda _: forget(), "value")
    if not found:
        message.complain("There is no model here yet; train one with: artnb train cnn")
    return page(
        "Who painted this?",
        "Show a painting; the model names the artists that it knows, and how sure it is.",
        chooser,
        model,
        widgets.HBox([ask, where], layout={"flex_flow": "row wrap"}),
        message,
        answer,
        heat,
        correction,
        code='from artnb.classification.predictor import Predictor\n\nPredictor("starter")("painting.jpg")',
    )


def _answer(prediction: Prediction) -> str:
    """Five artists with their probabilities, and who the first one is."""
    note = f"<p><strong>This picture is {UNFAMILIAR}.</strong></p>" if prediction.unfamiliar else ""
    return f"{note}{bars(prediction.ranked[:5])}{_about(prediction.artist)}"


def _about(artist: str) -> str:
    table = catalogue.artists()
    rows = table[table["name"] == artist]
    if rows.empty:
        return ""
    row = rows.iloc[0]
    sentence = str(row["bio"]).split(". ")[0].rstrip(".") + "."
    facts = " · ".join(html.escape(str(row[name])) for name in ("years", "nationality", "genre"))
    link = html.escape(str(row["wikipedia"]), quote=True)
    return (
        f"<h2>{html.escape(artist)}</h2><p>{facts}</p><p>{html.escape(sentence)} "
        f'<a href="{link}" target="_blank" rel="noopener noreferrer">More</a></p>'
    )


def _under(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture in grey, bright where the heat is."""
    grey = image.mean(axis=-1, keepdims=True) * 0.6
    colour = np.array([255.0, 205.0, 60.0])
    mixed = grey * (1 - heat[..., None]) + (0.45 * grey + 0.55 * colour) * heat[..., None]
    return mixed.clip(0, 255).astype(np.uint8)
