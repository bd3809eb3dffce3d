"""Promises of the house itself: what is committed, what importing costs, what depends on what."""

import ast
import importlib
import json
import re
import subprocess
import sys

import pytest

from tests.conftest import CHECKOUT


def test_importing_the_package_is_cheap():
    code = (
        "import sys, artnb, artnb.paintings, artnb.classification, artnb.style, artnb.cyclegan\n"
        "print({'tensorflow', 'keras', 'sklearn', 'scipy', 'pandas', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


FACES = ("artnb", "artnb.paintings", "artnb.classification", "artnb.style", "artnb.cyclegan")


def test_every_public_name_is_there_explained_and_means_one_thing():
    meanings: dict[str, object] = {}
    for face in FACES:
        module = importlib.import_module(face)
        assert module.__doc__ and module.__all__
        for name in module.__all__:
            value = getattr(module, name)  # loaded when it is first asked for
            assert meanings.setdefault(name, value) is value, f"{name} has two meanings"
            assert name not in sys.modules[face].__path__ and f"{face}.{name}" not in sys.modules, f"{name} is a module"
            if callable(value):
                assert (value.__doc__ or "").strip().endswith((".", "]]]")) or ":" in value.__doc__, name
    assert len(importlib.import_module("artnb").__all__) <= 30, "a face is short"
    for promised in ("load_model", "list_models", "prepare", "stylize", "load_image", "load_backbone"):
        assert promised in meanings


def test_a_name_is_defined_in_one_module_only():
    modules: dict[str, list[str]] = {}
    for file in (CHECKOUT / "artnb").rglob("*.py"):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                modules.setdefault(node.name, []).append(str(file.relative_to(CHECKOUT)))
    twice = {name for name, files in modules.items() if len(files) > 1}
    assert not twice


def test_the_kinds_of_models_can_be_imported():
    from artnb.cards import KINDS

    for kind in KINDS.values():
        module, _, name = kind.loader.partition(":")
        assert callable(getattr(importlib.import_module(module), name).read)


# The drawing in CONTRIBUTING.md, from the bottom to the top: each room may import those below its own line, and itself.
LAYERS = (
    {"errors"},
    {"settings"},
    {"common"},
    {"cards", "images"},
    {"films", "layers", "losses", "metrics", "stepping", "weights", "models", "results"},
    {"paintings", "backbones"},
    {"classification", "style"},
    {"cyclegan"},
    {"exercises", "plots"},
    {"operation"},
    {"course", "doctor", "widgets"},
    {"cli"},
    {"__main__"},
)


def imported(file):
    """Every room of artnb that a file imports from, also inside functions; names of the face count by their room."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("artnb."))
        elif isinstance(node, ast.ImportFrom) and node.level:
            raise AssertionError(f"{file.name} imports relatively; write the module's whole name")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "artnb":
            yield from node.module.split(".")[1:2] or [alias.name for alias in node.names]


def test_every_room_has_a_floor():
    rooms = {
        path.stem for path in (CHECKOUT / "artnb").iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()
    }
    assert rooms - {"__init__"} == set().union(*LAYERS)


@pytest.mark.parametrize(
    "file", sorted((CHECKOUT / "artnb").rglob("*.py")), ids=lambda file: str(file.relative_to(CHECKOUT))
)
def test_nothing_imports_what_lies_above_or_beside_it(file):
    level = {name: number for number, names in enumerate(LAYERS) for name in names}
    own = file.relative_to(CHECKOUT / "artnb").parts[0].removesuffix(".py")
    if own == "__init__":
        return
    for room in imported(file):
        if room not in (own, "__version__"):
            assert level[room] < level[own], f"{own} imports {room}"


def test_the_drawing_in_contributing_is_the_house():
    text = (CHECKOUT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    drawing = text.split("```")[1]
    names = [set(re.split(" {2,}", line)[0].split(", ")) for line in drawing.splitlines() if line[:1].strip()]
    assert names == [floor for floor in reversed(LAYERS) if floor != {"__main__"}]


@pytest.mark.parametrize(
    "file", sorted((CHECKOUT / "artnb").rglob("*.py")), ids=lambda file: str(file.relative_to(CHECKOUT))
)
def test_a_module_is_short_enough_to_be_read(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= 400


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
