"""What a figure shows, in words, for those who can't see it."""

import ast
import re

from artnb.common import extras

with extras.needed("course", "The notebooks need"):
    from nbformat import NotebookNode

# A function that draws -> what it draws. A notebook's own functions that call one of them are added while reading.
_KINDS = {
    "attention": "Pictures, and over each a map of what spoke for the answer",
    "bars": "Bars",
    "barplot": "Bars",
    "before_and_after": "Pictures, and in the row of each what augmentation makes of it",
    "boxplot": "Boxes",
    "confusion": "Confusion matrices, rows are the right artists, columns the answers",
    "cost_curves": "The cost, step by step",
    "gallery": "Pictures side by side",
    "gan_curves": "The losses of generators and discriminators, step by step",
    "imshow": "Pictures",
    "models_compared": "The accuracies of several models, with their intervals",
    "predictions": "Paintings, and below each the right artist and the answer",
    "reliability": "The share of right answers against the probability that was given",
    "scatterplot": "Points",
    "side_by_side": "Pairs of pictures, one above the other",
    "training_curves": "Loss and accuracy, epoch by epoch",
}
_TITLED = ("set_title", "suptitle")


class Alternatives:
    """The alternative texts of a notebook's figures, cell by cell in reading order."""

    def __init__(self) -> None:
        self._kinds = dict(_KINDS)
        self._section = ""

    def read_text(self, text: str) -> None:
        """Read the Markdown of a text cell: its last heading is the section of the figures that follow."""
        self._section = [self._section, *re.findall(r"^#+ (.+)$", text, re.M)][-1]

    def read_code(self, cell: NotebookNode) -> str:
        """What the figures of a code cell show; "" if nothing is known.

        That is the cell's metadata `alt`; otherwise what the code draws, with the titles that stand in it.
        """
        tree = ast.parse(cell.source)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and (kind := self._drawn(node)):
                self._kinds[node.name] = kind
        if given := cell.metadata.get("alt"):
            return str(given)
        kind, titles = self._drawn(tree), list(dict.fromkeys(_titles(tree)))
        if not kind and not titles:
            return ""
        said = ": ".join(filter(None, [kind, "; ".join(titles)]))
        return f"{said}. (Section: {self._section})"

    def _drawn(self, tree: ast.AST) -> str:
        called = (_name(node) for node in ast.walk(tree) if isinstance(node, ast.Call))
        return next((self._kinds[name] for name in called if name in self._kinds), "")


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _titles(tree: ast.AST) -> list[str]:
    """The titles that stand in the code as text."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            plots = isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "plots"
            given = [kw.value for kw in node.keywords if kw.arg in ("title", "titles")]
            given += node.args if plots else node.args[:1] if _name(node) in _TITLED else []
            found += [text for value in given for text in _texts(value)]
    return found


def _texts(value: ast.expr) -> list[str]:
    if isinstance(value, ast.List | ast.Tuple):
        return [text for each in value.elts for text in _texts(each)]
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return [" ".join(value.value.split())]
    if isinstance(value, ast.JoinedStr):
        parts = (str(part.value) if isinstance(part, ast.Constant) else "…" for part in value.values)
        text = " ".join("".join(parts).split())
        return [text] if text.strip("… ") else []
    return []
