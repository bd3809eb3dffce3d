"""The widget for blind ratings: one picture after the other, without the names of the models."""

from collections.abc import Mapping
from pathlib import Path
from uuid import uuid4

import ipywidgets as widgets
import numpy as np

from artnb.common.seeding import seed_or_default
from artnb.images import png_bytes
from artnb.operation.ratings import QUESTIONS, SCORES, Rating, RatingError, load_ratings, record_ratings, summary
from artnb.widgets import inputs

_QUESTION_TEXTS = {
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
        pictures: (name of the picture, model) -> uint8 (height, width, 3).
        file: for the answers, see `record_ratings`.
        rater: what the person is called; by default the page asks for initials. People of one name are told apart.
        seed: of the order; by default `ARTNB_SEED`.

    Raises:
        RatingError: there are no pictures.
    """
    seed = seed_or_default(seed)
    if not pictures:
        raise RatingError("There are no pictures to rate; give some.")
    names = list(pictures)
    order = [names[number] for number in np.random.default_rng(seed).permutation(len(names))]
    name = widgets.Text(rater, description="Your initials", style={"description_width": "initial"})
    shown = widgets.Image(format="png", alt="A picture to rate", layout={"max_width": "512px", "width": "100%"})
    answers = {
        question: widgets.ToggleButtons(
            options=[("no answer", None), *((str(score), score) for score in SCORES)],
            description=_QUESTION_TEXTS[question],
            style={"description_width": "16em", "button_width": "4.5em"},
        )
        for question in QUESTIONS
    }
    place = widgets.HTML()
    message = widgets.HTML()
    button = widgets.Button(description="Save and continue", button_style="primary", layout={"width": "14em"})
    page = widgets.VBox([name, place, shown, *answers.values(), button, message])
    position = 0
    session = uuid4().hex

    def show() -> None:
        shown.value = png_bytes(pictures[order[position]])
        place.value = f"Picture {position + 1} of {len(order)}. 1 means not at all, 5 means very much."
        for answer in answers.values():
            answer.value = None

    def save(_: object) -> None:
        nonlocal position
        picture, model = order[position]
        scores = {question: answer.value for question, answer in answers.items() if answer.value is not None}
        if not scores:
            message.value = "Choose a number for at least one question."
            return
        person = name.value.strip() or "anonymous"
        try:
            record_ratings(
                file,
                [Rating(person, picture, model, question, n, session=session) for question, n in scores.items()],
            )
        except OSError as error:
            message.value = f"Your answers could not be saved ({error.strerror}); free some space and try again."
            return
        message.value = ""
        position += 1
        if position < len(order):
            show()
            return
        table = summary(load_ratings(file))
        means = table.pivot_table(index="model", columns="question", values="mean", observed=True).round(1)
        page.children = [widgets.HTML("<p>Thank you. The mean scores so far:</p>" + means.to_html(border=0))]

    button.on_click(save)
    show()
    inputs.seal(page)
    return page
