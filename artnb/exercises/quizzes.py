"""The quizzes: multiple choice, an explanation for each answer; to be clicked in a notebook, and readable as text."""

import html
import os
import re
import textwrap
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from artnb.common import extras
from artnb.errors import ArtnbError, check_name

_QUESTIONS = Path(__file__).with_name("questions")
_LETTERS = "abcdef"


class QuizError(ArtnbError, ValueError):
    """There is no such quiz, or its file is wrong."""


@dataclass(frozen=True)
class Choice:
    """One of the answers.

    Attributes:
        text: the answer; code stands between backticks.
        why: the reason why it is right or wrong.
        right: whether it is the right one.
    """

    text: str
    why: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question, and its answers, of which one is right."""

    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True)
class Quiz:
    """The questions about a subject. As the last line of a cell it can be answered; `print` shows it as text."""

    name: str
    questions: tuple[Question, ...]

    def __str__(self) -> str:
        asked = [
            _wrapped(f"{number}. ", question.text)
            + "".join("\n" + _wrapped(f"   {letter}) ", choice.text) for letter, choice in _lettered(question))
            for number, question in enumerate(self.questions, start=1)
        ]
        answers = [
            "\n".join(
                _wrapped(f"{number}{letter} ", f"{'Right.' if choice.right else 'No.'} {choice.why}")
                for letter, choice in _lettered(question)
            )
            for number, question in enumerate(self.questions, start=1)
        ]
        return "\n\n".join([*asked, "ANSWERS", *answers])

    def to_html(self) -> str:
        """The quiz for a page: an answer that is opened says whether it is right, and why. No script is needed."""
        parts = []
        for number, question in enumerate(self.questions, start=1):
            choices = "".join(
                f"<details><summary>{_html(choice.text)}</summary><p>{_verdict(choice)}</p></details>"
                for choice in question.choices
            )
            parts.append(f"<fieldset><legend>{number}. {_html(question.text)}</legend>{choices}</fieldset>")
        return f'<div class="quiz">{"".join(parts)}</div>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The text, and with it what can be clicked, unless the notebook is run to be saved."""
        bundle: dict[str, Any] = {"text/plain": str(self)}
        if "PYTEST_CURRENT_TEST" not in os.environ:
            bundle |= self._widget()._repr_mimebundle_()
            bundle["text/plain"] = str(self)
        return bundle

    def _widget(self) -> Any:
        with extras.needed("course", "A quiz needs"):
            import ipywidgets as widgets

        rows = []
        for number, question in enumerate(self.questions, start=1):
            listed = "".join(f"<li>{_html(choice.text)}</li>" for choice in question.choices)
            text = f'<b>{number}. {_html(question.text)}</b><ol type="a">{listed}</ol>'
            letters = [letter for letter, _ in _lettered(question)]
            buttons = widgets.ToggleButtons(options=letters, value=None, style={"button_width": "3em"})
            said = widgets.HTML()

            def answer(change: Any, question: Question = question, said: Any = said) -> None:
                if change["new"] in _LETTERS:
                    said.value = _verdict(question.choices[_LETTERS.index(change["new"])])

            buttons.observe(answer, "value")
            rows.append(widgets.VBox([widgets.HTML(text), buttons, said]))
        return widgets.VBox(rows)


def quiz(name: str) -> Quiz:
    """A quiz of the course.

    Args:
        name: of its subject, such as "preparing_the_paintings"; `list_quizzes()` has all.

    Raises:
        QuizError: there is none of this name.
    """
    check_name(name, list_quizzes(), "quiz", QuizError)
    return _read(_QUESTIONS / f"{name}.toml")


def list_quizzes() -> Collection[str]:
    """The names of all quizzes."""
    return sorted(file.stem for file in _QUESTIONS.glob("*.toml"))


@cache
def _read(file: Path) -> Quiz:
    questions = []
    for each in tomllib.loads(file.read_text(encoding="utf-8"))["question"]:
        question = Question(each["text"], tuple(Choice(**choice) for choice in each["choices"]))
        if sum(choice.right for choice in question.choices) != 1:
            raise QuizError(f"{file.name}: {question.text!r} needs exactly one right answer.")
        questions.append(question)
    return Quiz(file.stem, tuple(questions))


def _lettered(question: Question) -> list[tuple[str, Choice]]:
    return list(zip(_LETTERS, question.choices, strict=False))


def _verdict(choice: Choice) -> str:
    word = '<b class="right">Right.</b>' if choice.right else '<b class="wrong">No.</b>'
    return f"{word} {_html(choice.why)}"


def _html(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))


def _wrapped(begin: str, text: str) -> str:
    return textwrap.fill(text, 100, initial_indent=begin, subsequent_indent=" " * len(begin))
