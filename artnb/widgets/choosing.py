"""The list of models of a page: the one in use first, which is resolved when a question is asked."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import ipywidgets as widgets

from artnb.cards import Card, KindName, ModelError
from artnb.common import logs
from artnb.models import list_models
from artnb.operation import assignment, registry

IN_USE = "The model in use"


class ModelChoice(widgets.Dropdown):
    """A list of models: the model in use, if there is one, and those that have a name.

    A page may have been built long before its visitor came, so `update` looks again for what is there.

    Attributes:
        picked: the label that the visitor has picked, or None.
    """

    def __init__(self, kind: KindName):
        self._kind, self._choosing = kind, False
        self._named: dict[str, Path] = {}
        self.picked: str | None = None
        self._labels: list[str] = []
        super().__init__(description="Model", style={"description_width": "4rem"})
        self.update()
        self.observe(self._note, "value")

    def update(self) -> None:
        """Offer the model in use as the first one if there is one now; select it unless the visitor has picked one.

        A model that is not there any more is not offered any more.
        """
        self._named = _named(self._kind)
        labels = [*([IN_USE] if self._in_use() else []), *self._named]
        if labels != self._labels:
            self.picked = self.picked if self.picked in labels else None
            value = self.picked
            self._choosing = True
            self.options = self._labels = labels
            self._choosing = False
            self.choose(value or (labels[0] if labels else None))

    def choose(self, label: str | None) -> None:
        """Select a model for the visitor, who may pick another one."""
        self._choosing = True
        self.value = label
        self._choosing = False

    def folder(self, label: str | None, visitor: str) -> Path:
        """The folder of a model: of the one in use, that of this moment and this visitor.

        Raises:
            ModelError: none is chosen, or no model is in use any more.
        """
        if label is None:
            raise ModelError("No model is chosen; choose one of the list.")
        if label != IN_USE:
            return self._named[label]
        folders = self._in_use(visitor)
        if not folders:
            raise ModelError("No model is in use any more; choose one of the list.")
        return folders[0]

    def folders(self, label: str) -> list[Path]:
        """The folders of all models that a visitor may get under this label."""
        return self._in_use() if label == IN_USE else [self._named[label]]

    def artists(self, label: str | None) -> frozenset[str]:
        """The artists whom a model knows."""
        names: set[str] = set()
        for folder in [] if label is None else self.folders(label):
            with suppress(ModelError):  # it was deleted just now; whoever asks it is told so
                names.update(Card.load(folder).class_names)
        return frozenset(names)

    @property
    def widest(self) -> str:
        """The model for a picture of which nothing is known: the one in use, or the one that knows most artists."""
        return max(self.options, key=lambda label: (label == IN_USE, len(self.artists(label))))

    def _in_use(self, visitor: str | None = None) -> list[Path]:
        if self._kind == "classifier":
            return assignment.models_in_use(visitor)
        champion = registry.champion(self._kind)
        return [champion] if champion else []

    def _note(self, _: object) -> None:
        if not self._choosing:
            self.picked = self.value


def _named(kind: KindName) -> dict[str, Path]:
    """The models of a kind that a visitor can pick: label -> folder, the starters first, none of the registry."""
    named: dict[str, Path] = {}
    for name, card, folder in readable_models(kind):
        if not name.startswith("registry:"):
            named[f"{card.label} ({folder.name})" if card.label in named else card.label] = folder
    return named


def readable_models(kind: KindName) -> Iterator[tuple[str, Card, Path]]:
    """Name, card and folder of each model of a kind, the starters first; one that can't be read is logged."""
    for entry in list_models(kind):
        if entry.card is None:
            logs.event("page.model", "warning", model=entry.name, sentence=entry.problem)
        else:
            yield entry.name, entry.card, entry.folder
