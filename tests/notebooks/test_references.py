"""What notebooks, README and glossary say of each other: numbers, titles, sections and links."""

import re

import nbformat
import pytest

from tests.conftest import CHECKOUT

PATHS = sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb"))
TEXTS = {
    path.name: "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type != "raw")
    for path in PATHS
}
TITLES = {name: re.match(r"# \d+ · (.+)", text)[1] for name, text in TEXTS.items()}
BY_NUMBER = {int(name[:2]): name for name in TEXTS}
SECTIONS = {match for text in TEXTS.values() for match in re.findall(r"^## (\d+\.\d+) ", text, re.MULTILINE)}
named = pytest.mark.parametrize("name", TEXTS)


def test_the_numbers_are_consecutive():
    assert sorted(BY_NUMBER) == list(range(len(PATHS)))


@named
def test_a_notebook_has_its_number_and_leads_to_its_neighbours(name):
    number, text = int(name[:2]), TEXTS[name]
    assert text.startswith(f"# {number} · ")
    assert {match.split(".")[0] for match in re.findall(r"^## (\d+\.\d+) ", text, re.MULTILINE)} <= {str(number)}
    neighbours = re.findall(r"\[(?:← )?(\d+) · ([^\]]+?)(?: →| \(the beginning\))?\]\((\w+\.ipynb)\)", text)
    before, after = number - 1, (number + 1) % len(PATHS)
    wanted = [BY_NUMBER[each] for each in (before, after) if each >= 0]
    assert neighbours == [(str(int(other[:2])), TITLES[other], other) for other in wanted]


@named
def test_notebooks_and_sections_that_are_named_exist(name):
    text = TEXTS[name]
    for number, file in re.findall(r"\[notebook (\d+)\]\((\w+\.ipynb)\)", text):
        assert BY_NUMBER[int(number)] == file
    for number in re.findall(r"\b[Nn]otebooks? (\d+)", text):
        assert int(number) in BY_NUMBER
    for section in re.findall(r"\b[Ss]ections? (\d+\.\d+)", text):
        assert section in SECTIONS, section


def test_the_readme_names_every_notebook():
    rows = re.findall(
        r"^\| \[(\d\d)\]\(notebooks/(\w+\.ipynb)\) \| ([^|]+) \|", (CHECKOUT / "README.md").read_text("utf-8"), re.M
    )
    assert rows == [(name[:2], name, title) for name, title in TITLES.items()]
