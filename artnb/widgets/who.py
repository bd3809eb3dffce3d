"""Who painted this?"""

import html
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.cards import Card
from artnb.images import fit
from artnb.paintings import catalogue
from artnb.widgets import examples as shipped
from artnb.widgets.parts import (
    Job,
    Loader,
    Message,
    PictureChooser,
    columns,
    model_choices,
    page,
    privacy_note,
    row,
    share_bars,
    shown,
)

if TYPE_CHECKING:
    from artnb.classification.model import Classifier, Prediction


_PRIVACY = (
    "What is saved: the name that you choose, the network's answer, and a number by which the same picture can be "
    "recognised. The picture is kept only if you agree, at most 1,024 pixels long, and is deleted if your correction "
    "is rejected."
)


def who_painted_this(examples: Mapping[str, np.ndarray] | None = None, preload: bool = False) -> widgets.VBox:
    """A page that names the artist of a picture.

    Args:
        examples: name -> picture to try it with; a name may be the artist's. By default paintings of the collection in
            use by artists whom a model here knows; without a collection, some that artnb ships.
        preload: load the first model right away, in a thread.
    """
    choices = model_choices("classifier")
    artists_of = {label: frozenset(Card.load(folder).class_names) for label, folder in choices.items()}
    model = widgets.Dropdown(options=list(choices), description="Model", style={"description_width": "4rem"})
    ask = widgets.Button(description="Who painted this?", button_style="primary", disabled=True)
    where = widgets.Button(description="Where does it look?", disabled=True)
    message, answer, similar, heat = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()
    right = widgets.Dropdown(description="It is by", style={"description_width": "4rem"})
    keep = widgets.Checkbox(False, description="You may keep the picture and learn from it", indent=False)
    tell = widgets.Button(description="Wrong? Tell me")
    privacy = widgets.HTML(f'<p class="artnb-quiet">{_PRIVACY}</p>')
    correction = widgets.VBox([right, keep, row(tell), privacy], layout={"display": "none"})
    visitor = uuid4().hex
    last: dict[str, tuple[np.ndarray, Classifier, Prediction]] = {}
    corrected = True  # or there is nothing to correct
    picked = choosing = False  # whether the visitor has picked the model; whether the page is changing it

    def load(label: str) -> "Classifier":
        loaded = models.load_model(choices[label])
        loaded(np.zeros((8, 8, 3), np.uint8))  # the first call compiles
        return loaded

    def pick(_: object) -> None:
        nonlocal picked
        picked = picked or not choosing
        forget()

    def changed() -> None:
        """Another picture: it is answered by a model that knows its artist, as far as the page can tell."""
        nonlocal choosing
        label = model.value
        if label is not None and chooser.name not in artists_of[label]:
            knows = [each for each in choices if chooser.name in artists_of[each]] or [
                each for each, folder in choices.items() if chooser.digest and _has_split(folder, chooser.digest)
            ]
            if label not in knows and (knows or not picked):
                choosing = True
                model.value = knows[0] if knows else next(iter(choices))
                choosing = False
        forget()

    def random_painting() -> tuple[np.ndarray, str]:
        known = artists_of.get(model.value, frozenset()) if picked else frozenset().union(*artists_of.values())
        return shipped.random_painting(known)

    def forget() -> None:
        nonlocal corrected
        asking.allow(chooser.picture is not None and bool(choices))
        explaining.allow(False)
        last.clear()
        corrected = True
        answer.value, similar.value, heat.value, correction.layout.display = "", "", "", "none"
        if not asking.running:
            message.say("")

    def predict(_: Callable[[], bool]) -> None:
        nonlocal corrected
        from artnb.operation import feedback, monitoring

        picture, label = chooser.picture, model.value
        assert picture is not None
        message.say("The model is being loaded …" if label not in classifiers else "Thinking …")
        classifier = classifiers(label)
        prediction = monitoring.predict_and_log(classifier, picture, visitor)
        if picture is not chooser.picture or label != model.value:
            message.say("")  # the visitor has chosen another one
            return
        last["answer"] = picture, classifier, prediction
        corrected = False
        answer.value, similar.value, heat.value = _answer(prediction), _similar(classifier, prediction), ""
        artists = sorted(filter(feedback.can_be_named, {*classifier.card.class_names, *catalogue.artists()["name"]}))
        right.options = [("choose …", None), *zip(artists, artists, strict=True)]
        right.index, correction.layout.display = 0, "flex"
        explaining.allow(True)
        message.say("")

    def explain(_: Callable[[], bool]) -> None:
        from artnb.classification.explaining import hires_cam

        message.say("Asking the network again …")
        picture, classifier, prediction = last["answer"]
        image = fit(picture, classifier.card.size)
        heat_map = hires_cam(classifier.network, image, classifier.card.class_names.index(prediction.artist))
        caption = f"Evidence for {prediction.artist}: the brighter, the stronger"
        if last.get("answer", (None,))[0] is picture:
            heat.value = shown(_under(image, heat_map), caption, caption=f"{caption}.")
        message.say("")

    def correct(_: object) -> None:
        nonlocal corrected
        from artnb.operation import feedback

        if corrected:
            return  # one correction per answer
        if right.value is None:
            message.say("Choose whose work it is, and tell me again.")
            return
        picture, classifier, prediction = last["answer"]
        feedback.record_feedback(
            picture,
            classifier.folder.name,
            prediction.artist,
            right.value,
            prediction.probability,
            visitor,
            keep.value,
            classifier.identity,
        )
        corrected = True
        correction.layout.display = "none"
        outcome = "The picture is kept." if keep.value else "The picture itself is not kept."
        message.say(f"Thank you, your correction is saved. {outcome}")

    classifiers = Loader(load)
    asking, explaining = Job(ask, None, predict, message), Job(where, None, explain, message)
    if examples is None:
        examples = shipped.known_paintings(frozenset().union(*artists_of.values())) or shipped.paintings()
    chooser = PictureChooser("The painting", examples, changed, random_painting)
    tell.on_click(message.guard(correct))
    first = [label for label in choices if artists_of[label].intersection(examples)]
    if first:
        model.value = first[0]
    model.observe(pick, "value")
    if not choices:
        message.complain("There is no model here yet; train one with: artnb train cnn")
    elif preload:
        classifiers.ahead(model.value)
    box = page(
        "Who painted this?",
        "Show a painting; a network names the artists that it thinks of, and says how sure it is.",
        columns(chooser, widgets.VBox([model, row(ask, where), message, answer, similar, heat, correction])),
        *privacy_note("the answer", "the network's features of the picture"),
        code='from artnb import load_model\n\nload_model("starter")("painting.jpg")',
    )
    box.job, box.explaining = asking, explaining
    return box


def _answer(prediction: "Prediction") -> str:
    """The five most probable artists as bars, and a few facts about the first one, in HTML."""
    from artnb.classification.model import UNFAMILIAR

    note = (
        f'<p class="artnb-note"><strong>This picture is {UNFAMILIAR}.</strong> '
        "The names below are the nearest that I know, and mean little.</p>"
        if prediction.unfamiliar
        else ""
    )
    return f"{note}{share_bars(prediction.ranked[:5])}{_about(prediction.artist)}"


def _similar(classifier: "Classifier", prediction: "Prediction") -> str:
    """The most similar training paintings, if they are on this machine, in HTML."""
    from artnb.classification.model import EMBEDDINGS

    if EMBEDDINGS not in classifier.card.files:
        return ""
    near = shipped.from_training(classifier.similar(prediction))
    pictures = "".join(shown(picture, f"A training painting by {artist}", 192, artist) for picture, artist in near)
    return f'<h3>Most like it, of its training paintings</h3><div class="artnb-near">{pictures}</div>' if near else ""


def _has_split(folder: Path, digest: str) -> bool:
    """Whether a file is one that a model was trained or measured on."""
    try:
        return digest.encode() in (folder / "split.csv").read_bytes()
    except OSError:
        return False


def _about(artist: str) -> str:
    table = catalogue.artists()
    rows = table[table["name"] == artist]
    if rows.empty:
        return ""
    artist_row = rows.iloc[0]
    sentence = str(artist_row["bio"]).split(". ")[0].rstrip(".") + "."
    facts = " · ".join(html.escape(str(artist_row[name])) for name in ("years", "nationality", "genre"))
    link = html.escape(str(artist_row["wikipedia"]), quote=True)
    return (
        f'<h3>{html.escape(artist)}</h3><p class="artnb-quiet">{facts}</p><p>{html.escape(sentence)} '
        f'<a href="{link}" target="_blank" rel="noopener noreferrer">More about {html.escape(artist)}</a></p>'
    )


def _under(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A heat map (0 to 1) in yellow over the picture in grey."""
    grey = image.mean(axis=-1, keepdims=True) * 0.6
    colour = np.array([255.0, 205.0, 60.0])
    mixed = grey * (1 - heat[..., None]) + (0.45 * grey + 0.55 * colour) * heat[..., None]
    return mixed.clip(0, 255).astype(np.uint8)
