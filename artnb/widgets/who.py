"""Who painted this?"""

import html
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.images import fit
from artnb.paintings import catalogue
from artnb.widgets import examples as ours
from artnb.widgets.parts import (
    Job,
    Loader,
    Message,
    PictureChooser,
    bars,
    columns,
    model_choices,
    page,
    row,
    shown,
    watched,
)

if TYPE_CHECKING:
    from artnb.classification.model import Classifier, Prediction


_NOTED = (
    "What is noted: the name that you choose, the network's answer, and a number by which the same picture would be "
    "known again. The picture is kept only if you agree, 1,024 pixels long at most, and is deleted if your correction "
    "is not accepted."
)


def who_painted_this(examples: Mapping[str, np.ndarray] | None = None, preload: bool = False) -> widgets.VBox:
    """A page that names the artist of a picture.

    Args:
        examples: a name -> a picture to try it with; by default some that artnb ships.
        preload: load the first model right away, beside the page.
    """
    found = model_choices("classifier")
    model = widgets.Dropdown(options=list(found), description="Model", style={"description_width": "4rem"})
    ask = widgets.Button(description="Who painted this?", button_style="primary", disabled=True)
    where = widgets.Button(description="Where does it look?", disabled=True)
    message, answer, heat = Message(), widgets.HTML(), widgets.HTML()
    right = widgets.Dropdown(description="It is by", style={"description_width": "4rem"})
    keep = widgets.Checkbox(False, description="You may keep the picture, to learn from it", indent=False)
    tell = widgets.Button(description="Wrong? Tell me")
    noted = widgets.HTML(f'<p class="artnb-quiet">{_NOTED}</p>')
    correction = widgets.VBox([right, keep, row(tell), noted], layout={"display": "none"})
    visitor = uuid4().hex
    said: dict[str, tuple[np.ndarray, Classifier, Prediction]] = {}
    told = True  # whether there is nothing to correct any more

    def load(label: str) -> "Classifier":
        loaded = models.load_model(found[label])
        loaded(np.zeros((8, 8, 3), np.uint8))  # the first call compiles
        return loaded

    def forget() -> None:
        nonlocal told
        asking.allow(chooser.picture is not None and bool(found))
        looking.allow(False)
        said.clear()
        told = True
        answer.value, heat.value, correction.layout.display = "", "", "none"
        if not asking.running:
            message.say("")

    def predict(_: Callable[[], bool]) -> None:
        nonlocal told
        from artnb.operation import monitoring

        picture, label = chooser.picture, model.value
        assert picture is not None
        message.say("The model is being loaded …" if label not in classifiers else "Looking …")
        named = classifiers(label)
        prediction = monitoring.predict_and_log(named, picture, visitor)
        if picture is not chooser.picture or label != model.value:
            message.say("")  # the visitor has gone on to another one
            return
        said["last"] = picture, named, prediction
        told = False
        answer.value, heat.value = _answer(prediction), ""
        artists = sorted({*named.card.class_names, *catalogue.artists()["name"]})
        right.options = [("whom?", None), *zip(artists, artists, strict=True)]
        right.index, correction.layout.display = 0, "flex"
        looking.allow(True)
        message.say("")

    def look(_: Callable[[], bool]) -> None:
        from artnb.classification.explaining import grad_cam

        message.say("Looking again …")
        picture, named, prediction = said["last"]
        image = fit(picture, named.card.size)
        found_heat = grad_cam(named.network, image, named.card.class_names.index(prediction.artist))
        speaks = f"What speaks for {prediction.artist}: the brighter, the more"
        if said.get("last", (None,))[0] is picture:
            heat.value = shown(_under(image, found_heat), speaks, caption=f"{speaks}.")
        message.say("")

    def correct(_: object) -> None:
        nonlocal told
        from artnb.operation import feedback

        if told:
            return  # one correction for an answer
        if right.value is None:
            message.say("Choose whose work it is, and tell me again.")
            return
        picture, named, prediction = said["last"]
        feedback.record(
            picture,
            named.folder.name,
            prediction.artist,
            right.value,
            prediction.probability,
            visitor,
            keep.value,
            models.identity(named.folder),
        )
        told = True
        correction.layout.display = "none"
        kept = "it is noted, with the picture." if keep.value else "it is noted. The picture itself is not kept."
        message.say(f"Thank you; {kept}")

    classifiers = Loader(load)
    asking, looking = Job(ask, None, predict, message), Job(where, None, look, message)
    chance = ours.by_chance
    chooser = PictureChooser("The painting", ours.paintings() if examples is None else examples, forget, chance)
    tell.on_click(message.guard(correct))
    model.observe(lambda _: forget(), "value")
    if not found:
        message.complain("There is no model here yet; train one with: artnb train cnn")
    elif preload:
        classifiers.ahead(model.value)
    box = page(
        "Who painted this?",
        "Show a painting; a network names the artists that it thinks of, and how sure it is.",
        columns(chooser, widgets.VBox([model, row(ask, where), message, answer, heat, correction])),
        *watched("the network's features of the picture"),
        code='from artnb import load_model\n\nload_model("starter")("painting.jpg")',
    )
    box.job, box.looking = asking, looking
    return box


def _answer(prediction: "Prediction") -> str:
    """Five artists with their probabilities, and who the first one is."""
    from artnb.classification.model import UNFAMILIAR

    note = (
        f'<p class="artnb-note"><strong>This picture is {UNFAMILIAR}.</strong> '
        "The names below are the nearest that I know, and mean little.</p>"
        if prediction.unfamiliar
        else ""
    )
    return f"{note}{bars(prediction.ranked[:5])}{_about(prediction.artist)}"


def _about(artist: str) -> str:
    table = catalogue.artists()
    rows = table[table["name"] == artist]
    if rows.empty:
        return ""
    found = rows.iloc[0]
    sentence = str(found["bio"]).split(". ")[0].rstrip(".") + "."
    facts = " · ".join(html.escape(str(found[name])) for name in ("years", "nationality", "genre"))
    link = html.escape(str(found["wikipedia"]), quote=True)
    return (
        f'<h3>{html.escape(artist)}</h3><p class="artnb-quiet">{facts}</p><p>{html.escape(sentence)} '
        f'<a href="{link}" target="_blank" rel="noopener noreferrer">More about {html.escape(artist)}</a></p>'
    )


def _under(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture in grey, bright where the heat is."""
    grey = image.mean(axis=-1, keepdims=True) * 0.6
    colour = np.array([255.0, 205.0, 60.0])
    mixed = grey * (1 - heat[..., None]) + (0.45 * grey + 0.55 * colour) * heat[..., None]
    return mixed.clip(0, 255).astype(np.uint8)
