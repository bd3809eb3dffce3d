"""Who painted this?"""

import html
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb import models
from artnb.cards import Card
from artnb.common import logs
from artnb.images import fit
from artnb.paintings import catalogue
from artnb.widgets import examples as shipped
from artnb.widgets.choosing import ModelChoice
from artnb.widgets.parts import (
    Job,
    Loader,
    Message,
    PictureChooser,
    columns,
    forget_button,
    page,
    privacy_note,
    retention,
    row,
    share_bars,
    shown,
)
from artnb.widgets.visitors import this_visitor

if TYPE_CHECKING:
    from artnb.classification.model import Classifier
    from artnb.classification.prediction import Prediction


_OTHERS = 4  # artists that a visitor can name with one press, the next in probability
_SIMILAR = 3  # training paintings that are shown beside an answer
_SAME = 0.999  # the cosine from which on two pictures are one to the network
_PRIVACY = (
    "What is saved: the name that you choose, the network's answer, and a number by which the same picture can be "
    "recognised, random numbers that stand for this browser (a cookie) and for its address, and one of the question. "
    "The picture is kept only if you agree, at most 1,024 pixels long, and is deleted if your correction is rejected."
)


def who_painted_this(examples: Mapping[str, np.ndarray] | None = None, preload: bool = False) -> widgets.VBox:
    """A page that names the artist of a picture.

    Args:
        examples: name -> picture to try it with; a name may be the artist's. By default paintings of the collection in
            use by artists whom a model here knows; without a collection, some that artnb ships.
        preload: load the first model right away, in a thread.
    """
    model = ModelChoice("classifier")
    ask = widgets.Button(description="Who painted this?", button_style="primary", disabled=True)
    where = widgets.Button(description="Where does it look?", disabled=True)
    message, answer, similar, heat = Message(), widgets.HTML(), widgets.HTML(), widgets.HTML()
    right = widgets.Button(description="Right")
    others = [widgets.Button() for _ in range(_OTHERS)]
    artist = widgets.Dropdown(description="It is by", style={"description_width": "4rem"})
    keep = widgets.Checkbox(False, description="You may keep the picture and learn from it", indent=False)
    tell = widgets.Button(description="Wrong? Tell me")
    privacy = widgets.HTML(f'<p class="artnb-quiet">{_PRIVACY} {retention()}</p>')
    wrong = widgets.HTML("<p>Wrong? It is by …</p>")
    feedback_box = widgets.VBox(
        [keep, row(right), wrong, row(*others), artist, row(tell), privacy], layout={"display": "none"}
    )
    visit = uuid4().hex  # stands for the visitor in a notebook
    last: dict[str, tuple[np.ndarray, Classifier, Prediction, str]] = {}
    told = True  # or there is nothing to tell

    def load(folder: str) -> "Classifier":
        loaded = models.load_model(folder)
        loaded(np.zeros((8, 8, 3), np.uint8))  # the first call compiles
        return loaded

    def changed() -> None:
        """Another picture: it is answered by a model that knows its artist, as far as the page can tell."""
        model.update()
        if model.options:
            knows = [each for each in model.options if chooser.name in model.artists(each)]
            if not knows and chooser.digest:
                knows = [each for each in model.options if _has_seen(model.folders(each), chooser.digest)]
            if model.picked and (model.picked in knows or not knows):
                model.choose(model.picked)
            elif knows:
                model.choose(knows[0])
            else:
                model.choose(model.widest if chooser.digest else model.options[0])
        forget()

    def random_painting() -> tuple[np.ndarray, str]:
        model.update()
        labels = [model.picked] if model.picked else model.options
        return shipped.random_painting(frozenset().union(*map(model.artists, labels)))

    def forget() -> None:
        nonlocal told
        asking.allow(chooser.picture is not None and bool(model.options))
        explaining.allow(False)
        last.clear()
        told = True
        answer.value, similar.value, heat.value, feedback_box.layout.display = "", "", "", "none"
        if not asking.running:
            message.say("")

    def predict(_: Callable[[], bool]) -> None:
        nonlocal told
        from artnb.operation import feedback, monitoring

        picture, label = chooser.picture, model.value
        assert picture is not None
        visitor = this_visitor(visit)
        folder = str(model.folder(label, visitor.token))
        message.say("The model is being loaded …" if folder not in classifiers else "Thinking …")
        classifier = classifiers(folder)
        prediction = monitoring.predict_and_log(classifier, picture, visitor.token)
        if picture is not chooser.picture or label != model.value:
            message.say("")  # the visitor has chosen another one
            return
        last["answer"] = picture, classifier, prediction, logs.request_number()
        told = False
        answer.value, similar.value, heat.value = (
            _answer(prediction),
            _similar(classifier, prediction, chooser.digest),
            "",
        )
        artists = sorted(filter(feedback.can_be_named, {*classifier.card.class_names, *catalogue.artists()["name"]}))
        artist.options = [("choose …", None), *zip(artists, artists, strict=True)]
        artist.index, feedback_box.layout.display = 0, "flex"
        next_ones = [name for name, _ in prediction.ranked[1:] if name in artists]
        for button, name in itertools.zip_longest(others, next_ones[:_OTHERS]):
            button.description, button.layout.display = name or "", "" if name else "none"
            button.tooltip = f"Wrong? It is by {name}"
        explaining.allow(True)
        message.say("")

    def explain(_: Callable[[], bool]) -> None:
        from artnb.classification.explaining import hires_cam

        message.say("Asking the network again …")
        picture, classifier, prediction = last["answer"][:3]
        image = fit(picture, classifier.card.size)
        heat_map = hires_cam(classifier.network, image, classifier.card.class_names.index(prediction.artist))
        caption = f"Evidence for {prediction.artist}: the brighter, the stronger"
        if last.get("answer", (None,))[0] is picture:
            heat.value = shown(_under(image, heat_map), caption, caption=f"{caption}.")
        message.say("")

    def record(name: str | None) -> None:
        nonlocal told
        from artnb.operation import feedback

        if told:
            return  # once for each answer
        if not name:
            message.say("Choose whose work it is, and tell me again.")
            return
        picture, classifier, prediction, question = last["answer"]
        visitor = this_visitor(visit)
        with logs.request(question):
            feedback.record_feedback(
                picture,
                classifier.folder.name,
                prediction.artist,
                name,
                prediction.probability,
                visitor.token,
                keep.value,
                classifier.identity,
                visitor.source,
            )
        told = True
        feedback_box.layout.display = "none"
        outcome = "The picture is kept." if keep.value else "The picture itself is not kept."
        what = "answer" if name == prediction.artist else "correction"
        message.say(f"Thank you, your {what} is saved. {outcome}")

    classifiers = Loader(load)
    asking, explaining = Job(ask, None, predict, message), Job(where, None, explain, message)
    if examples is None:
        known = frozenset().union(*map(model.artists, model.options))
        examples = shipped.known_paintings(known) or shipped.paintings()
    chooser = PictureChooser("The painting", examples, changed, random_painting)
    right.on_click(message.guard(lambda _: record(last["answer"][2].artist if last else None)))
    tell.on_click(message.guard(lambda _: record(artist.value)))
    for each in others:
        each.on_click(message.guard(lambda button: record(button.description)))
    first = [label for label in model.options if model.artists(label).intersection(examples)]
    if first:
        model.choose(first[0])
    model.observe(lambda _: forget(), "value")
    if not model.options:
        message.complain("There is no model here yet; train one with: artnb train cnn")
    elif preload:
        classifiers.ahead(str(model.folder(model.value, visit)))
    box = page(
        "Who painted this?",
        "Show a painting; a network names the artists that it thinks of, and says how sure it is.",
        columns(chooser, widgets.VBox([model, row(ask, where), message, answer, similar, heat, feedback_box])),
        *privacy_note("the answer", "the network's features of the picture"),
        forget_button(visit),
        code='from artnb import load_model\n\nload_model("starter")("painting.jpg")',
    )
    box.job, box.explaining = asking, explaining
    return box


def _answer(prediction: "Prediction") -> str:
    """The five most probable artists as bars, and a few facts about the first one, in HTML."""
    from artnb.classification.prediction import UNFAMILIAR

    note = (
        f'<p class="artnb-note"><strong>This picture is {UNFAMILIAR}.</strong> '
        "The names below are the nearest that I know, and mean little.</p>"
        if prediction.unfamiliar
        else ""
    )
    return f"{note}{share_bars(prediction.ranked[:5])}{_about(prediction.artist)}"


def _similar(classifier: "Classifier", prediction: "Prediction", digest: str) -> str:
    """The most similar training paintings, if they are on this machine, in HTML; and whether this is one of them."""
    from artnb.classification.model import EMBEDDINGS

    if EMBEDDINGS not in classifier.card.files:
        return ""
    rows = classifier.similar(prediction, _SIMILAR + 1)
    itself = (rows["similarity"] > _SAME) | (rows["sha256"] == digest)
    near = shipped.from_training(rows[~itself].head(_SIMILAR))
    pictures = "".join(shown(picture, f"A training painting by {artist}", 192, artist) for picture, artist in near)
    known = '<p class="artnb-quiet">This very painting is one that it was trained on.</p>' if itself.any() else ""
    title = "<h3>Most like it, of its training paintings</h3>" if near else ""
    return f'{known}{title}<div class="artnb-near">{pictures}</div>' if near or known else ""


def _has_seen(folders: list[Path], digest: str) -> bool:
    """Whether a file is of the collection that models learned from: in one's split, or anything of the studio."""
    for folder in folders:
        with suppress(OSError):
            if digest.encode() in (folder / "split.csv").read_bytes():
                return True
    return all(Card.load(folder).source == "studio" for folder in folders) and shipped.is_of_studio(digest)


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
