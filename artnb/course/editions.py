"""The learner's edition: the notebooks without their outputs and solutions."""

import ast
from collections.abc import Collection, Sequence
from copy import deepcopy
from pathlib import Path

from artnb.common import extras
from artnb.common.files import replacing
from artnb.course import notebooks
from artnb.course.notebooks import CourseError, copies_of, copy_files, find_notebooks, writable_folder

with extras.needed("course", "The notebooks need"):
    import nbformat


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
    paths, folder = find_notebooks(chosen), writable_folder(folder)
    if folder.samefile(notebooks.NOTEBOOKS):
        raise CourseError(f"{folder} holds the course itself; name another folder for the learner's edition.")
    copies = copies_of(paths, folder, overwrite)
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        needed: set[str] = set()  # by the code that follows
        for cell in reversed(notebook.cells):
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
                if "solution" in cell.metadata.get("tags", ()):
                    cell.source = stub(cell.source, needed)
                needed |= {node.id for node in ast.walk(ast.parse(cell.source)) if isinstance(node, ast.Name)}
        with replacing(copies.pop(path)) as part:
            nbformat.write(notebook, part)
    copy_files(copies)
    return [folder / path.name for path in paths]


def stub(solution: str, needed: Collection[str] | None = None) -> str:
    """What a learner gets in place of a solution: its first comment, its imports, and its names without their values.

    Functions keep their signature and docstring, and return `...`. `x = 3` becomes `x = ...`, so that the next check
    can tell what is missing.

    Args:
        solution: the code.
        needed: the names that the code after it uses; others are steps of the solution and left out. None: all.
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
                body += [f"{name} = ..." for name in names if needed is None or name in needed]
    return "\n".join([*comments, *dict.fromkeys(body)])
