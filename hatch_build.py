"""Puts the course's notebooks into the wheel, without their outputs."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class NotebooksHook(BuildHookInterface):
    """`notebooks/` of the checkout or of the source archive becomes `artnb/notebooks/` of the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the notebooks to a folder of their own and add it to the wheel, but an editable one."""
        if version == "editable":
            return
        source, self._folder = Path(self.root) / "notebooks", Path(tempfile.mkdtemp(prefix="artnb-notebooks-"))
        shutil.copytree(source / "figures", self._folder / "figures")
        for path in source.glob("[0-9][0-9]_*.ipynb"):
            notebook = json.loads(path.read_text(encoding="utf-8"))
            for cell in notebook["cells"]:
                if cell["cell_type"] == "code":
                    cell["outputs"], cell["execution_count"] = [], None
            text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
            (self._folder / path.name).write_text(text + "\n", encoding="utf-8")
        build_data["force_include"][str(self._folder)] = "artnb/notebooks"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove that folder."""
        if version != "editable":
            shutil.rmtree(self._folder, ignore_errors=True)
