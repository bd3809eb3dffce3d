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


def read_object(file: Path, error: type[ArtnbError]) -> dict[str, Any]:
    """What a JSON file of ours says, by names.

    Args:
        file: which.
        error: what is raised.

    Raises:
        error: it can't be read, or holds no JSON object.
    """
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as trouble:
        raise error(f"{file} can't be read ({type(trouble).__name__}); name another folder.") from trouble
    if not isinstance(values, dict):
        raise error(f"{file} holds a {type(values).__name__} and not a JSON object; name another folder.")
    return values


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
        before = read_object(described, error)
        if different := [name for name in {**identity, **before} if identity.get(name) != before.get(name)]:
            names = " and ".join(different).replace("pictures", "set of pictures")
            raise error(
                f"The training in {folder} was begun with a different {names}; "
                "resume it with the same, or name another folder."
            )
        return
    if folder.exists() and not folder.is_dir():
        raise error(f"{folder} is a file; name a folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(described) as part:
        part.write_text(json.dumps(identity, indent=1), encoding="utf-8")
