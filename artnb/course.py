"""The whole course: copy its notebooks, run them, write them as HTML pages or as the learner's edition."""

import ast
import base64
import html
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

from tqdm import tqdm

from artnb.common import extras
from artnb.common.files import replacing
from artnb.errors import ArtnbError

with extras.needed("course", "The notebooks need"):
    import nbformat
    from nbformat import NotebookNode

CHECKOUT = Path(__file__).resolve().parents[1] / "notebooks"
INSTALLED = Path(__file__).resolve().parent / "notebooks"  # where a wheel has them, without outputs
NOTEBOOKS = INSTALLED if INSTALLED.is_dir() else CHECKOUT


class CourseError(ArtnbError):
    """A notebook is missing, or one of its cells failed."""


def find_notebooks(chosen: Sequence[str] = ()) -> list[Path]:
    """The notebooks in reading order, or those of them whose file name begins with one of `chosen` ("02").

    Raises:
        CourseError: there are none, or one of `chosen` begins no name.
    """
    paths = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    unknown = [begin for begin in chosen if not any(path.name.startswith(begin) for path in paths)]
    if unknown or not paths:
        names = ", ".join(path.name for path in paths) or "none (install artnb again)"
        raise CourseError(f"No notebook begins with {' or '.join(unknown) or 'a number'}; there are: {names}.")
    return [path for path in paths if not chosen or path.name.startswith(tuple(chosen))]


def open_course(folder: str | Path) -> list[Path]:
    """Copy the notebooks and their drawings into a folder, to be worked on there; nothing is overwritten.

    Args:
        folder: created if necessary. `jupyter lab FOLDER` opens it.

    Returns:
        The copied notebooks in reading order.

    Raises:
        MissingExtraError: what runs notebooks isn't installed; nothing is copied.
        CourseError: the folder can't be written to, or one of the files is there already; nothing is copied.
    """
    with extras.needed("course", "The notebooks need"):
        import ipykernel  # noqa: F401
        import jupyterlab  # noqa: F401
    notebooks, folder = find_notebooks(), _writable(folder)
    copies = _copies(notebooks, folder)
    _copy(copies)
    return [copies[path] for path in notebooks]


def save(chosen: Sequence[str] = ()) -> list[Path]:
    """Run the notebooks and save their outputs in place; one that fails is left unchanged.

    Returns:
        The saved notebooks.

    Raises:
        CourseError: one failed, or they are a wheel's, which stay as they were installed.
    """
    if NOTEBOOKS == INSTALLED:
        raise CourseError(
            "Installed notebooks stay as they are; copy them with `artnb course open DIR`, and run the copies."
        )
    notebooks = find_notebooks(chosen)
    for path, notebook, error in _run(notebooks):
        if error:
            raise CourseError(f"{path.name} was left unchanged: {error}")
        with replacing(path) as part:
            nbformat.write(notebook, part)
    return notebooks


def write_pages(folder: str | Path, chosen: Sequence[str] = (), overwrite: bool = False) -> Path:
    """Run the notebooks and write each as one self-contained HTML page, and an index of them all.

    Args:
        folder: created if necessary.
        chosen: see `find_notebooks`.
        overwrite: whether files that exist are replaced; the index keeps the entries of other notebooks.

    Returns:
        The index. Of a notebook that fails, the outputs up to its error are written, and the next one is run.

    Raises:
        CourseError: at once, if `folder` cannot be written to or a file exists; at the end, if any notebook failed.
    """
    with extras.needed("course", "The pages need"):
        from nbconvert import HTMLExporter

    # A page loads nothing from the network: formulas become MathML, and nothing else needs a script.
    exporter = HTMLExporter(embed_images=True)
    for name in exporter.trait_names():
        if name.endswith("_url"):
            setattr(exporter, name, "")
    exporter.log.setLevel("ERROR")  # not that figures have no alternative text; the text around them describes them
    notebooks, folder = find_notebooks(chosen), _writable(folder)
    index, failures = folder / "index.html", []
    _check_free([*(folder / f"{path.stem}.html" for path in notebooks), index], overwrite)
    entries = _index_entries(index)
    for path, notebook, error in _run(notebooks):
        marked, formulas = _mark_formulas(notebook)
        page, _ = exporter.from_notebook_node(
            marked, {"metadata": {"name": _title(notebook), "path": str(path.parent)}}
        )
        for mark, formula in formulas.items():
            page = page.replace(mark, formula)
        with replacing(folder / f"{path.stem}.html") as part:
            part.write_text(page, encoding="utf-8")
        entries[path.stem] = _index_entry(path, notebook, error)
        if error:
            failures.append(f"{path.name}: {error}")
        with replacing(index) as part:  # after each notebook, so that it can be read already
            part.write_text(_INDEX.format(entries="\n".join(entries[stem] for stem in sorted(entries))), "utf-8")
    if failures:
        raise CourseError(f"{len(failures)} of {len(notebooks)} notebooks failed; " + "; ".join(failures))
    return index


def write_learner_edition(folder: str | Path, chosen: Sequence[str] = (), overwrite: bool = False) -> list[Path]:
    """Write the notebooks without outputs, with stubs in place of the cells tagged `solution`; and the drawings.

    Args:
        folder: created if necessary.
        chosen: see `find_notebooks`.
        overwrite: whether files that exist are replaced.

    Returns:
        The written notebooks.

    Raises:
        CourseError: the folder can't be written to, it is the course's own, or a file exists; nothing is written.
    """
    notebooks, folder = find_notebooks(chosen), _writable(folder)
    if folder.samefile(NOTEBOOKS):
        raise CourseError(f"{folder} holds the course itself; name another folder for the learner's edition.")
    copies = _copies(notebooks, folder, overwrite)
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                if "solution" in cell.metadata.get("tags", ()):
                    cell.source = stub(cell.source)
        with replacing(copies.pop(path)) as part:
            nbformat.write(notebook, part)
    _copy(copies)
    return [folder / path.name for path in notebooks]


def stub(solution: str) -> str:
    """What a learner gets in place of a solution: its first comment, its imports, and its names without their values.

    Functions keep their signature and docstring, and return `...`. `x = 3` becomes `x = ...`, so that the next check
    can tell what is missing.
    """
    lines = solution.splitlines()
    comments = []
    for line in lines:
        if not line.startswith("#"):
            break
        comments.append(line)
    body = []
    for node in ast.parse(solution).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            body.append(ast.unparse(node))
        elif isinstance(node, ast.FunctionDef):
            function = deepcopy(node)
            function.body = [*function.body[: ast.get_docstring(node) is not None], ast.Return(ast.Constant(...))]
            body.append(ast.unparse(function))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
                body += [f"{name} = ..." for name in names]
    return "\n".join([*comments, *dict.fromkeys(body)])


def _writable(folder: str | Path) -> Path:
    """The folder to write to, created if necessary; its errors are raised before any notebook runs."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CourseError(f"{folder} is a file, or inside one; name a folder to write to.") from error
    if not os.access(folder, os.W_OK):
        raise CourseError(f"{folder} can't be written to; name another folder.")
    return Path(folder)


def _copies(notebooks: Sequence[Path], folder: Path, overwrite: bool = False) -> dict[Path, Path]:
    """Notebooks and the drawings that their text cells show -> where their copies go, which is free.

    A drawing that is there already stays, if it is the same.
    """
    copies = {path: folder / path.relative_to(NOTEBOOKS) for path in [*notebooks, *NOTEBOOKS.glob("figures/*")]}
    copies = {path: target for path, target in copies.items() if path in notebooks or not _equal(path, target)}
    _check_free([*copies.values(), *({folder / "figures"} if (folder / "figures").is_file() else ())], overwrite)
    return copies


def _equal(one: Path, other: Path) -> bool:
    return other.is_file() and one.read_bytes() == other.read_bytes()


def _copy(copies: Mapping[Path, Path]) -> None:
    for path, target in copies.items():
        with replacing(target) as part:
            shutil.copyfile(path, part)


def _check_free(targets: Sequence[Path], overwrite: bool = False) -> None:
    for target in targets:
        if not overwrite and (target.exists() or target.is_symlink()):
            raise CourseError(f"{target} exists already, and nothing was written; name a new folder.")


def _run(paths: Sequence[Path]) -> Iterator[tuple[Path, NotebookNode, str]]:
    """Run notebooks one after another; yield each with its outputs and its error message ("" if it succeeded)."""
    with extras.needed("course", "The notebooks need"):
        from nbclient import NotebookClient
        from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebooks = [(path, nbformat.read(path, as_version=4)) for path in paths]
    cells = sum(len(notebook.cells) for _, notebook in notebooks)
    with tqdm(total=cells, unit="cell", dynamic_ncols=True, disable=False) as bar, _quiet_kernels():
        for path, notebook in notebooks:
            bar.set_description(path.stem)
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)
                if cell.cell_type == "code":  # what a cell that isn't reached any more printed last time is no news
                    cell.outputs, cell.execution_count = [], None
            running: list[int] = []  # the cell that a failure belongs to, also of a kernel that died in it
            client = NotebookClient(
                notebook,
                timeout=None,
                iopub_timeout=600,  # outputs come late on a busy machine, and after 4 seconds would be missing
                raise_on_iopub_timeout=True,
                kernel_name="python3",
                resources={"metadata": {"path": path.parent}},
                record_timing=False,
                extra_arguments=["--log-level=ERROR"],
                on_cell_execute=lambda cell, cell_index, running=running: running.append(cell_index),
                on_cell_complete=lambda cell, cell_index: bar.update(),
            )
            before, error = bar.n, ""
            try:
                client.execute()
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
                error = _explain(failure, notebook, running[-1])
            bar.update(before + len(notebook.cells) - bar.n)
            notebook.metadata = _METADATA | {key: notebook.metadata[key] for key in notebook.metadata if key == "artnb"}
            yield path, notebook, error


# The same on every machine, so that saved notebooks differ only in their content.
_METADATA = NotebookNode(
    kernelspec=NotebookNode(display_name="Python 3", language="python", name="python3"),
    language_info=NotebookNode(name="python"),
)


@contextmanager
def _quiet_kernels() -> Iterator[None]:
    """Let kernels print as under nbval: no progress bars, and no messages of TensorFlow's C++ code on stderr."""
    quiet = {"PYTEST_CURRENT_TEST": "artnb course", "TQDM_DISABLE": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    before = {name: os.environ.get(name) for name in quiet}
    os.environ.update(quiet)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _explain(failure: Exception, notebook: NotebookNode, index: int) -> str:
    """The error, and which cell it is: its number among the code cells, as its brackets show, and its first line."""
    text = " ".join(filter(None, [getattr(failure, "ename", type(failure).__name__), getattr(failure, "evalue", "")]))
    number = sum(cell.cell_type == "code" for cell in notebook.cells[: index + 1])
    first_line = next(iter(notebook.cells[index].source.splitlines()), "")
    return f"{text.splitlines()[0]}, in code cell {number}, which begins with {first_line!r}"


def _title(notebook: NotebookNode) -> str:
    return re.sub(r"^#+\s*", "", notebook.cells[0].source.splitlines()[0])


_CODE_OR_FORMULA = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<block>.+?)\$\$|(?<!\\)\$(?P<inline>[^$\n]+?)\$", re.DOTALL
)


def _mark_formulas(notebook: NotebookNode) -> tuple[NotebookNode, dict[str, str]]:
    """A copy with a placeholder for each `$…$` and `$$…$$` in the text cells, and placeholder -> formula as MathML.

    Browsers show MathML without a script, but nbconvert would break it, so it is inserted after the conversion.
    """
    with extras.needed("course", "Formulas need"):
        from latex2mathml.converter import convert

    formulas: dict[str, str] = {}

    def mark(match: re.Match) -> str:
        if match["code"]:
            return match[0]
        display = "block" if match["block"] else "inline"
        formulas[key := f"formula-{len(formulas)}-here"] = convert(match["block"] or match["inline"], display=display)
        return key

    marked = deepcopy(notebook)
    for cell in marked.cells:
        if cell.cell_type == "markdown":
            cell.source = _CODE_OR_FORMULA.sub(mark, cell.source)
    return marked, formulas


def _index_entries(index: Path) -> dict[str, str]:
    """The entries of an index that was written before: name of the page -> entry."""
    written = index.read_text(encoding="utf-8", errors="replace") if index.is_file() else ""
    return {match[1]: match[0] for match in re.finditer(r'<a href="([^"]+)\.html">.*?</a>', written, re.DOTALL)}


def _index_entry(path: Path, notebook: NotebookNode, error: str) -> str:
    """A notebook's entry in the index: its title, its first picture, and its error if it failed."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    data = (output.get("data", {}) for output in outputs)
    picture = next((each[kind] for each in data for kind in ("image/jpeg", "image/png") if kind in each), "")
    title = html.escape(_title(notebook))
    image = f'<img alt="" src="data:image/png;base64,{_small(picture)}">' if picture else ""
    note = f'<p class="failed">Failed: {html.escape(error)}</p>' if error else ""
    return f'<a href="{path.stem}.html">{image}<h2>{title}</h2>{note}</a>'


def _small(picture: str) -> str:
    """A picture in base64 as a PNG in base64, at most 480 pixels wide and high."""
    import io

    from PIL import Image

    image = Image.open(io.BytesIO(base64.b64decode(picture)))
    image.thumbnail((480, 480))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


_INDEX = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>artnb: a course about paintings</title>
<style>
  body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 3rem auto; padding: 0 1rem; color: #222 }}
  main {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(18rem, 1fr)); gap: 1.5rem }}
  a {{ color: inherit; text-decoration: none; border: 1px solid #ccc; border-radius: 4px; padding: 1rem }}
  a:hover, a:focus {{ border-color: #222 }}
  img {{ width: 100%; height: 12rem; object-fit: cover; object-position: top left }}
  h2 {{ font-size: 1.1rem; font-weight: 500 }}
  .failed {{ color: #a11 }}
</style>
<h1>artnb: a course about paintings</h1>
<p>Who painted this, and can we paint like them? Each page is a notebook, as it ran on this machine.</p>
<main>
{entries}
</main>
</html>
"""
