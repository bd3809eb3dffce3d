"""A training's folder says which training it holds, so that no other one is resumed there, and is one process' own."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np

from artnb.common.files import replacing
from artnb.errors import ArtnbError, TrainingError

_FILE = "training.json"
_MADE = ("history.csv", "checkpoints", "state.npz", "card.json")  # what trainings leave, and models


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


def damaged_training(file: Path, error: Exception) -> TrainingError:
    """What is said of a file that a training can't be resumed from."""
    what = "missing" if isinstance(error, FileNotFoundError) else f"damaged ({type(error).__name__})"
    return TrainingError(f"{file} is {what}; remove the folder to begin anew, or name another.")


@contextmanager
def in_use(folder: Path, error: type[ArtnbError], wait: bool = False) -> Iterator[None]:
    """Nobody else works in a folder while the block does; blocks of one thread may be nested.

    Args:
        folder: is made if it is not there, and goes again if the block raises and has left nothing in it. A file
            in it, `.lock`, keeps others out; a kill sets it free.
        error: what is raised.
        wait: whether to wait until nobody else does.

    Raises:
        error: somebody else does, or it is a file.
        OSError: it can't be made or written to.
    """
    from filelock import FileLock, Timeout

    file = folder.resolve() / ".lock"
    lock = FileLock(file, is_singleton=True)
    while True:
        made = not folder.exists()
        if not made and not folder.is_dir():
            raise error(f"{folder} is a file; name a folder.")
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file.open("ab").close()  # raises where there can be no file; FileLock would wait for ever
            lock.acquire(timeout=-1 if wait else 0)
            break
        except FileNotFoundError:
            if folder.is_dir():
                raise
            # Whoever was there has failed, and the folder went along: begin again.
        except Timeout:
            sentence = f"Another process works in {folder}; wait until it has ended, or name another folder."
            raise error(sentence) from None
    try:
        yield
    except BaseException:
        with suppress(OSError):  # on Windows, a file that is open stays
            if made and [each.name for each in folder.iterdir()] == [file.name]:
                file.unlink()
                folder.rmdir()
        raise
    finally:
        lock.release()


def begin_or_resume(folder: Path, identity: dict[str, Any], resume: bool, error: type[ArtnbError]) -> None:
    """Write down what is trained here, or compare it with what was written down before.

    Args:
        folder: of the training, in use by nobody else.
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
    if found := [name for name in _MADE if (folder / name).exists()]:
        raise error(f"{folder} holds {found[0]} and no {_FILE} that says of which training; name another folder.")
    with replacing(described) as part:
        part.write_text(json.dumps(identity, indent=1), encoding="utf-8")
