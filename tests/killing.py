"""What a kill leaves on the disk, for each moment at which it can come."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock


@contextmanager
def snapshots(folder: Path) -> Iterator[list[Path]]:
    """Copies of a folder as a kill would leave it: before each file is put into place, and after the last one.

    Between two of them the disk holds nothing else that is read again, so they are all the moments that there are.
    keras-tuner writes its files where they are: of these there is a copy with half of each, too.
    """
    from keras_tuner.src import utils

    copies: list[Path] = []
    put, save_json = Path.replace, utils.save_json

    def copy() -> None:
        copies.append(folder.with_name(f"{folder.name}-{len(copies)}"))
        shutil.copytree(folder, copies[-1]) if folder.exists() else copies[-1].mkdir()

    def noted(part: Path, target: Path) -> Path:
        if folder in Path(target).parents:
            copy()
        return put(part, target)

    def half_written(file: str, value: Any) -> str:
        copy()
        text = json.dumps(value)
        Path(file).write_text(text[: len(text) // 2], encoding="utf-8")
        copy()
        return save_json(file, value)

    with mock.patch.object(Path, "replace", noted), mock.patch.object(utils, "save_json", half_written):
        yield copies
        copy()
