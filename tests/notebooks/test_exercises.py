"""Each exercise's check, on what a learner may have: the stub, a wrong answer, and an answer of a wrong type."""

import ast
import builtins
from collections import defaultdict

import nbformat
import numpy as np
import pytest

from artnb import course
from artnb.exercises import expect
from tests.conftest import CHECKOUT


class Anything:
    """What a notebook has computed before the exercise, as far as a wrong answer comes."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *arguments, **options):
        return Anything()

    def __format__(self, how):
        return "anything"

    def __iter__(self):
        return iter([Anything(), Anything()])

    def __len__(self):
        return 2

    def __float__(self):
        return 0.125

    def __array__(self, *arguments, **options):  # or NumPy would look for numbers in it for ever
        return np.array(0.125)

    def __lt__(self, other):
        return isinstance(other, Anything) or NotImplemented

    __getitem__ = __add__ = __radd__ = __mul__ = __rmul__ = __sub__ = __call__


class Notebook(defaultdict):
    def __missing__(self, name):
        if hasattr(builtins, name):
            raise KeyError(name)
        return Anything()


def exercises():
    for path in sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        for number, cell in enumerate(cells):
            if "solution" in cell.metadata.get("tags", ()):
                yield pytest.param(cell.source, cells[number + 1].source, id=f"{path.stem[:2]}-{cell.source[2]}")


def said(code, check):
    """What a check says of an answer."""
    scope = Notebook(None, np=np, expect=expect)
    exec(code, scope)
    with pytest.raises(AssertionError) as refused:
        exec(check, scope)
    return str(refused.value)


def wrong(solution, answer):
    """The stub with another answer in every place."""
    tree = ast.parse(course.stub(solution))
    for node in ast.walk(tree):
        if isinstance(node, ast.Return | ast.Assign) and isinstance(node.value, ast.Constant):
            node.value = ast.parse(answer, mode="eval").body
    return ast.unparse(tree)


@pytest.mark.parametrize(("solution", "check"), exercises())
def test_a_check_says_what_is_missing_and_what_was_wanted(solution, check):
    assert said(course.stub(solution), check).startswith("There is no answer yet; wanted: ")
    for answer in ("None", "-1.5", "'wrong'", "[7]", "{'wrong': 7}"):
        sentence = said(wrong(solution, answer), check)
        assert sentence.startswith(f"Received {answer}") and "; wanted: " in sentence, sentence
        assert len(sentence.split("; wanted: ")[1]) > 10


def test_a_number_of_trials_is_a_whole_one():
    (check,) = (given.values[1] for given in exercises() if given.id == "05-1")
    scope = {"expect": expect, "promise": lambda trials, share: 1 - (1 - share) ** trials}
    for needed in (59, 59.0, np.int64(59)):
        exec(check, scope | {"needed": needed})
    for needed in (58, 58.404, 60):  # 58.404 solves the equation
        with pytest.raises(AssertionError, match="whole number"):
            exec(check, scope | {"needed": needed})


def test_every_check_of_an_answer_says_something():
    for values in exercises():
        _, check = values.values
        called = [node for node in ast.walk(ast.parse(check)) if isinstance(node, ast.Call)]
        assert any(getattr(call.func, "id", "") == "expect" for call in called), values.id


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (0.1 + 0.2, 0.3),
        (np.float32(2), 2),
        ((1, 2), [1, 2]),
        ({"a"}, {"a"}),
        ("a", "a"),
        (["a"], ["a"]),
        (np.ones(2, bool), np.ones(2, bool)),
        (5, lambda number: number > 4),
    ],
)
def test_a_right_answer_passes(answer, wanted):
    expect(answer, wanted, "the right one")


@pytest.mark.parametrize(
    ("answer", "wanted", "received"),
    [
        (0.31, 0.3, "0.31"),
        (["a"], {"a"}, "['a']"),
        ([1, 2, 3], [1, 2], "[1, 2, 3]"),
        (0.5, [0.5, 0.5], "0.5"),
        (float("nan"), 0, "nan"),
        ("0.5", 0.5, "'0.5'"),
        (None, 0, "None (does the function return it?)"),
        (5, lambda number: number["a"], "5"),
        ([5, 6], lambda numbers: np.array(numbers) > 4, "[5, 6]"),  # is it right or not? a table's row that is a table
        (list(range(1000)), 0, "[0, 1, 2, 3, 4, 5, ...]"),
    ],
)
def test_a_wrong_answer_is_told_from_the_wanted_one(answer, wanted, received):
    with pytest.raises(AssertionError) as refused:
        expect(answer, wanted, "the right one")
    assert str(refused.value) == f"Received {received}; wanted: the right one."
