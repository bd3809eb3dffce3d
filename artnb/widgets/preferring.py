"""Buttons under a painted picture: which of a visitor's last two pictures of one photograph is better."""

import hashlib

import ipywidgets as widgets
import numpy as np

from artnb.widgets.parts import Message, row
from artnb.widgets.visitors import this_visitor


class Preferring(widgets.VBox):
    """Asks which of two pictures the visitor prefers, once for each two.

    Args:
        visit: see `visitors.this_visitor`.
    """

    def __init__(self, visit: str):
        self._visit, self._before, self._last = visit, ("", ""), ("", "")
        this, before = widgets.Button(description="This one"), widgets.Button(description="The one before")
        self.message = Message()
        question = widgets.HTML(
            "<p>Which of your last two pictures do you prefer? <small>What is saved: the answer, what painted the two, "
            "and random numbers that stand for this browser and its address.</small></p>"
        )
        self._question = widgets.VBox([question, row(this, before)], layout={"display": "none"})
        super().__init__([self._question, self.message])
        this.on_click(self.message.guard(lambda _: self._prefer(self._last[1], self._before[1])))
        before.on_click(self.message.guard(lambda _: self._prefer(self._before[1], self._last[1])))

    def painted(self, photograph: np.ndarray, painter: str) -> None:
        """Ask, if the picture before was of the same photograph, by another painter.

        Args:
            photograph: uint8 (height, width, 3).
            painter: the model, or the network with its settings.
        """
        digest = hashlib.sha256(repr(photograph.shape).encode() + photograph.tobytes()).hexdigest()
        self._before, self._last = self._last, (digest, painter)
        asked = self._before[0] == digest and self._before[1] != painter
        self._question.layout.display = "" if asked else "none"
        self.message.say("")

    def _prefer(self, preferred: str, other: str) -> None:
        from artnb.operation.preferences import record_preference

        if self._question.layout.display == "none":
            return  # once for each two
        visitor = this_visitor(self._visit)
        record_preference(preferred, other, visitor.token, visitor.source)
        self._question.layout.display = "none"
        self.message.say("Thank you, your answer is saved.")
