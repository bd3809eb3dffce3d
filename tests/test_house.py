"""Promises of the house itself: what is committed, what importing costs, what depends on what."""

import ast
import json
import re
import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT


def test_the_lock_holds_versions_and_nothing_else():
    lines = (CHECKOUT / "requirements.lock").read_text().splitlines()
    assert len(lines) > 100
    for line in lines:
        assert re.fullmatch(r"[a-z0-9._-]+==[\w.+]+( ; [\w '<>=!.()]+)?", line), line


def test_conda_takes_the_same_versions():
    assert "- -r requirements.lock" in (CHECKOUT / "environment.yml").read_text()


def test_every_dependency_is_locked():
    import tomllib

    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (CHECKOUT / "requirements.lock").read_text(), re.M))
    extras = project["optional-dependencies"]
    wanted = project["dependencies"] + [line for name in extras if name != "all" for line in extras[name]]
    assert {re.match(r"[\w-]+", line)[0].lower() for line in wanted} <= locked


def test_importing_the_package_is_cheap():
    code = "import sys, artnb, artnb.paintings; print({'tensorflow', 'sklearn', 'scipy', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


LAYERS = [
    {"errors", "files", "logs", "precision", "progress", "resuming", "searching", "settings"},
    {"images", "models", "paintings", "weights"},
    {"backbones", "layers", "losses"},
    {"classification", "cyclegan", "operation", "plots", "style"},
    {"doctor", "course", "cli", "widgets", "__main__"},
]


@pytest.mark.parametrize(
    "file", sorted((CHECKOUT / "artnb").rglob("*.py")), ids=lambda file: str(file.relative_to(CHECKOUT))
)
def test_nothing_imports_what_lies_above_it(file):
    """The arrows of the design: settings <- images, paintings <- layers, losses <- chapters <- pages and commands."""
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    own = file.relative_to(CHECKOUT / "artnb").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("artnb"):
            parts = node.module.split(".")[1:] or [alias.name for alias in node.names]
            for part in parts[:1]:
                assert level.get(part, 0) <= level[own], f"{own} imports {part}"


def test_every_drawing_is_shown_and_says_in_words_what_it_shows():
    shown = {}
    for path in (CHECKOUT / "notebooks").glob("[0-9]*.ipynb"):
        for cell in json.loads(path.read_text())["cells"]:
            if cell["cell_type"] == "markdown":
                found = re.findall(r"!\[(.*?)\]\((figures/\S+)\)", "".join(cell["source"]))
                shown |= {CHECKOUT / "notebooks" / file: words for words, file in found}
    assert set(shown) == set((CHECKOUT / "notebooks/figures").iterdir())
    for file, words in shown.items():
        assert len(words.split()) > 5 and {"<title", "<desc"} <= set(re.findall("<title|<desc", file.read_text())), file
