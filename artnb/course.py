"""The course as a whole: run its notebooks, save their outputs, write pages to read, make the learner's edition."""

import ast
import base64
import html
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from tqdm import tqdm

from artnb.common.files import replacing
from artnb.errors import ArtnbError

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"


class CourseError(ArtnbError):
    """A notebook is missing, or one of its cells failed."""


def find_notebooks(chosen: Sequence[str] = ()) -> list[Path]:
    """The notebooks in reading order; with `chosen`, those whose file name begins with one of these ("02")."""
    every = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
    found = [path for path in every if not chosen or path.name.startswith(tuple(chosen))]
    if not found:
        names = ", ".join(path.name for path in every) or "none (the course runs in its own checkout)"
        raise CourseError(f"No notebook begins with {' or '.join(chosen) or 'a number'}; there are: {names}.")
    return found


def save(chosen: Sequence[str] = ()) -> None:
    """Run the notebooks and save their outputs in place; one that fails stays as it was."""
    for path, notebook, error in _run(find_notebooks(chosen)):
        if error:
            raise CourseError(f"{path.name} was left as it was: {error}")
        with replacing(path) as part:
            nbformat.write(notebook, part)


def write_pages(folder: str | Path, chosen: Sequence[str] = ()) -> Path:
    """Run the notebooks and write each as one self-contained HTML page, and an index of them all.

    Returns:
        The index. A notebook that fails is written as far as it came, and the next one is run.

    Raises:
        CourseError: at once, if `folder` cannot be written to; at the end, if any notebook failed.
    """
    from nbconvert import HTMLExporter

    # Nothing is fetched when a page is opened: formulas are turned into MathML, and nothing else needs a script.
    exporter = HTMLExporter(embed_images=True)
    for name in exporter.trait_names():
        if name.endswith("_url"):
            setattr(exporter, name, "")
    exporter.log.setLevel("ERROR")  # figures stand between the words that describe them
    folder = _made(folder)
    entries, failures = [], []
    for path, notebook, error in _run(find_notebooks(chosen)):
        marked, formulas = _mark_formulas(notebook)
        page, _ = exporter.from_notebook_node(
            marked, {"metadata": {"name": _title(notebook), "path": str(path.parent)}}
        )
        for mark, formula in formulas.items():
            page = page.replace(mark, formula)
        with replacing(folder / f"{path.stem}.html") as part:
            part.write_text(page, encoding="utf-8")
        entries.append(_index_entry(path, notebook, error))
        if error:
            failures.append(f"{path.name}: {error}")
        with replacing(folder / "index.html") as part:  # after each one, so that one can begin to read
            part.write_text(_INDEX.format(entries="\n".join(entries)), encoding="utf-8")
    if failures:
        raise CourseError(f"{len(failures)} of {len(entries)} notebooks failed; " + "; ".join(failures))
    return folder / "index.html"


def write_learner_edition(folder: str | Path, chosen: Sequence[str] = ()) -> list[Path]:
    """Write the notebooks without outputs, each cell tagged `solution` replaced by a stub; and the drawings."""
    written, folder = [], _made(folder)
    for path in find_notebooks(chosen):
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                if "solution" in cell.metadata.get("tags", ()):
                    cell.source = stub(cell.source)
        with replacing(folder / path.name) as part:
            nbformat.write(notebook, part)
        written.append(folder / path.name)
    if (drawings := NOTEBOOKS / "figures").is_dir():  # which texts show
        shutil.copytree(drawings, folder / "figures", dirs_exist_ok=True)
    return written


def stub(solution: str) -> str:
    """What a learner gets in place of a solution: its first comment, its imports, and its names without their values.

    Functions keep their signature and docstring. `x = 3` becomes `x = ...`, so that the check that follows can say
    what is missing.
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
            kept = deepcopy(node)
            kept.body = [*kept.body[: ast.get_docstring(node) is not None], ast.Expr(ast.Constant(...))]
            body.append(ast.unparse(kept))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                names = [n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
                body += [f"{name} = ..." for name in names]
    return "\n".join([*comments, *dict.fromkeys(body)])


def _made(folder: str | Path) -> Path:
    """The folder that pages or notebooks are written to: what is wrong with it is said before they run, not after."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise CourseError(f"{folder} is a file, or would lie in one; name a folder to write to.") from error
    if not os.access(folder, os.W_OK):
        raise CourseError(f"{folder} may not be written to; name another folder.")
    return Path(folder)


def _run(paths: Sequence[Path]) -> Iterator[tuple[Path, NotebookNode, str]]:
    """Run notebooks one after another; yield each with its outputs and what went wrong (empty: nothing)."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    notebooks = [(path, nbformat.read(path, as_version=4)) for path in paths]
    cells = sum(len(notebook.cells) for _, notebook in notebooks)
    with tqdm(total=cells, unit="cell", dynamic_ncols=True, disable=False) as bar, _quiet_kernels():
        for path, notebook in notebooks:
            bar.set_description(path.stem)
            for cell in notebook.cells:
                cell.metadata.pop("execution", None)
            client = NotebookClient(
                notebook,
                timeout=None,
                kernel_name="python3",
                resources={"metadata": {"path": path.parent}},
                record_timing=False,
                extra_arguments=["--log-level=ERROR"],
                on_cell_complete=lambda cell, cell_index: bar.update(),
            )
            before, error = bar.n, ""
            try:
                client.execute()
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as failure:
                error = _explain(failure, notebook)
            bar.update(before + len(notebook.cells) - bar.n)
            notebook.metadata = _METADATA | {key: notebook.metadata[key] for key in notebook.metadata if key == "artnb"}
            yield path, notebook, error


# The same on every machine, so that a saved notebook differs only where its content does.
_METADATA = NotebookNode(
    kernelspec=NotebookNode(display_name="Python 3", language="python", name="python3"),
    language_info=NotebookNode(name="python"),
)


@contextmanager
def _quiet_kernels() -> Iterator[None]:
    """Kernels whose outputs are what cells print, as under nbval: no bars, nothing that C++ says to stderr."""
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


def _explain(failure: Exception, notebook: NotebookNode) -> str:
    """What went wrong, in one line, and in which cell."""
    what = " ".join(filter(None, [getattr(failure, "ename", type(failure).__name__), getattr(failure, "evalue", "")]))
    begun = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.get("execution_count")]
    where = next(iter(begun[-1].source.splitlines()), "") if begun else ""
    return f"{what.splitlines()[0]}, in the cell that begins with {where!r}"


def _title(notebook: NotebookNode) -> str:
    return re.sub(r"^#+\s*", "", notebook.cells[0].source.splitlines()[0])


_CODE_OR_FORMULA = re.compile(
    r"(?P<code>```.*?```|`[^`\n]*`)|\$\$(?P<block>.+?)\$\$|(?<!\\)\$(?P<inline>[^$\n]+?)\$", re.DOTALL
)


def _mark_formulas(notebook: NotebookNode) -> tuple[NotebookNode, dict[str, str]]:
    """A copy with a mark in place of each `$…$` and `$$…$$` of the texts, and each mark's formula as MathML.

    Browsers show MathML without a script, but nbconvert would take it apart: so it is put in after the conversion.
    """
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


def _index_entry(path: Path, notebook: NotebookNode, error: str) -> str:
    """One notebook's place in the index: its title, its first picture, and the failure if there was one."""
    outputs = (output for cell in notebook.cells for output in cell.get("outputs", ()))
    pictures = (output.data["image/png"] for output in outputs if "image/png" in output.get("data", ()))
    picture = next(pictures, "")
    title = html.escape(_title(notebook))
    image = f'<img alt="" src="data:image/png;base64,{_small(picture)}">' if picture else ""
    note = f'<p class="failed">Failed: {html.escape(error)}</p>' if error else ""
    return f'<a href="{path.stem}.html">{image}<h2>{title}</h2>{note}</a>'


def _small(picture: str) -> str:
    """A PNG in base64, made small enough for an index."""
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
