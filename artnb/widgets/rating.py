"""A blind rating: pictures one after the other, without names."""

from collections.abc import Mapping
from pathlib import Path

import ipywidgets as widgets
import numpy as np

from artnb.images import png_bytes
from artnb.operation.ratings import QUESTIONS, SCORES, Rating, RatingError, load, record, summary
from artnb.settings import settings
from artnb.widgets import inputs

_ASKED = {
    "style": "Does it look like the painter?",
    "colour": "Are the colours the painter's?",
    "lines": "Are lines and strokes convincing?",
    "total": "How good is it, all in all?",
}


def rate(
    pictures: Mapping[tuple[str, str], np.ndarray], file: str | Path, rater: str = "", seed: int | None = None
) -> widgets.VBox:
    """Show pictures in random order, ask about each, and save the answers.

    Args:
        pictures: (picture, model) -> uint8 (height, width, 3).
        file: where the answers go.
        rater: who answers; by default the page asks.
        seed: of the order.

    Raises:
        RatingError: there are no pictures.
    """
    seed = settings.seed if seed is None else seed
    if not pictures:
        raise RatingError("There are no pictures to rate; give some.")
    names = list(pictures)
    order = [names[number] for number in np.random.default_rng(seed).permutation(len(names))]
    name = widgets.Text(rater, description="Your initials", style={"description_width": "initial"})
    shown = widgets.Image(format="png", alt="A picture to rate", layout={"max_width": "512px", "width": "100%"})
    answers = {
        question: widgets.ToggleButtons(
            options=[("no answer", None), *((str(score), score) for score in SCORES)],
            description=_ASKED[question],
            style={"description_width": "16em", "button_width": "4.5em"},
        )
        for question in QUESTIONS
    }
    place = widgets.HTML()
    said = widgets.HTML()
    button = widgets.Button(description="Save, and the next one", button_style="primary", layout={"width": "14em"})
    page = widgets.VBox([name, place, shown, *answers.values(), button, said])
    position = 0

    def show() -> None:
        shown.value = png_bytes(pictures[order[position]])
        place.value = f"Picture {position + 1} of {len(order)}. 1 is not at all, 5 is very much."
        for answer in answers.values():
            answer.value = None

    def save(_: object) -> None:
        nonlocal position
        picture, model = order[position]
        given = {question: answer.value for question, answer in answers.items() if answer.value is not None}
        if not given:
            said.value = "Choose a number for at least one question."
            return
        who = name.value.strip() or "anonymous"
        try:
            record(file, [Rating(who, picture, model, question, score) for question, score in given.items()])
        except OSError as error:
            said.value = f"Your answers could not be saved ({error.strerror}); free some space and press again."
            return
        said.value = ""
        position += 1
        if position < len(order):
            show()
            return
        found = summary(load(file)).pivot_table(index="model", columns="question", values="mean", observed=True)
        page.children = [widgets.HTML("<p>Thank you. The mean scores so far:</p>" + found.round(1).to_html(border=0))]

    button.on_click(save)
    show()
    inputs.seal(page)
    return page
