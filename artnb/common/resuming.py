"""A training's folder says which training it holds, so that no other one is resumed there."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from artnb.common.files import replacing
from artnb.errors import ArtnbError

_FILE = "training.json"


def digest(*arrays: np.ndarray) -> str:
    """The SHA-256 of arrays: of their shapes, types and every number in them."""
    sha = hashlib.sha256()
    for array in arrays:
        sha.update(f"{array.dtype} {array.shape}".encode())
        sha.update(np.ascontiguousarray(array).data)
    return sha.hexdigest()


def begin_or_resume(folder: Path, identity: dict[str, Any], resume: bool, error: type[ArtnbError]) -> None:
    """Write down what is trained here, or compare it with what was written down before.

    Args:
        folder: of the training; made if need be.
        identity: what makes one training another one, in JSON values.
        resume: whether a training that is there is to be resumed.
        error: what is raised.

    Raises:
        error: the folder holds a training and `resume` is not set, it holds another one, or can't be read.
    """
    described = folder / _FILE
    if described.is_file():
        if not resume:
            raise error(f"{folder} holds a training already; resume it (resume, --resume) or name another folder.")
        try:
            before = json.loads(described.read_text(encoding="utf-8"))
        except (OSError, ValueError) as trouble:
            raise error(f"{described} can't be read ({type(trouble).__name__}); name another folder.") from trouble
        if different := [name for name in identity if identity[name] != before.get(name)]:
            names = " and ".join(different).replace("pictures", "set of pictures")
            raise error(
                f"The training in {folder} was begun with a different {names}; "
                "resume it with the same, or name another folder."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(described) as part:
        part.write_text(json.dumps(identity, indent=1), encoding="utf-8")
