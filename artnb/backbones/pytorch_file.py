"""Reading the tensors of a PyTorch file, and nothing else in it.

Files that PyTorch wrote before version 1.6 are a chain of pickles followed by raw numbers. A pickle can run any code,
so this reader admits the five names that a dictionary of tensors needs, and refuses every other.
"""

import mmap
import pickle
import pickletools
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any, NoReturn, cast

import numpy as np

from artnb.errors import ArtnbError

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001
_MOST_REMEMBERED = 2**20  # a state dict remembers some thousand things; the reader makes room for the highest number
_STORAGES: dict[Any, np.dtype] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class TensorFileError(ArtnbError, ValueError):
    """The file is not a dictionary of tensors in PyTorch's old format."""


def read_tensors(file: str | Path) -> dict[str, np.ndarray]:
    """Read a state dict in the format that PyTorch wrote before version 1.6.

    Returns:
        Name -> float32 or int64 array.

    Raises:
        TensorFileError: the file is damaged, of another format, or asks for anything but tensors.
        OSError: the file can't be read.
    """
    with Path(file).open("rb") as stream:
        try:
            # Mapped, so that a length in the file can't ask for more than the file holds.
            tensors = _tensors(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
        except OSError:
            raise
        except Exception as error:  # a pickle from a stranger can raise any
            raise TensorFileError(
                f"{Path(file).name} can't be read as tensors of PyTorch's old format ({error}); "
                "install its package again, or name another file."
            ) from error
    if not isinstance(tensors, dict) or not all(isinstance(tensor, np.ndarray) for tensor in tensors.values()):
        raise TensorFileError(
            f"{Path(file).name} holds something else than a dictionary of tensors; name another file."
        )
    return dict(tensors)


def _tensors(stream: mmap.mmap) -> Any:
    opening = [_unpickled(stream)[0] for _ in range(3)]
    if opening[:2] != [_MAGIC, _VERSION]:
        raise ValueError("it does not begin as one")
    tensors, storages = _unpickled(stream)
    for key in _unpickled(stream)[0]:
        storage = storages[key]
        count = int.from_bytes(stream.read(8), "little")
        data = stream.read(storage.nbytes)
        if count != storage.size or len(data) != storage.nbytes:
            raise ValueError(f"the tensor {key} is cut short")
        storage[:] = np.frombuffer(data, storage.dtype)
    return tensors


def _unpickled(stream: mmap.mmap) -> tuple[Any, dict[str, np.ndarray]]:
    """The next pickle, and the storages that it names; it is looked through before anything in it is done."""
    start = stream.tell()
    for opcode, argument, _ in pickletools.genops(cast(IO[bytes], stream)):
        if opcode.proto > 2:
            _refuse(f"{opcode.name} of a newer format")
        if "PUT" in opcode.name and int(argument or 0) > _MOST_REMEMBERED:
            _refuse(f"room for {argument} things")
    stream.seek(start)
    unpickler = _Unpickler(stream)
    return unpickler.load(), unpickler.storages


class _Unpickler(pickle.Unpickler):
    """Makes tensors over storages that are filled later, and refuses all else."""

    def __init__(self, stream: Any):
        super().__init__(stream)
        self.storages: dict[str, np.ndarray] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in _STORAGES:
            return name
        _refuse(f"{module}.{name}")

    def persistent_load(self, identity: Any) -> np.ndarray:
        kind, storage, key, _, size, *_ = identity
        if kind != "storage" or not 0 <= size <= 2**28:
            _refuse(f"a {kind} of size {size}")
        return self.storages.setdefault(key, np.zeros(size, _STORAGES[storage]))


def _tensor(storage: np.ndarray, offset: int, shape: tuple, strides: tuple, *_: Any) -> np.ndarray:
    """A view of a storage; a tensor must fill its part of it, in any order of its axes."""
    order = sorted(range(len(shape)), key=lambda axis: (-strides[axis], axis))
    step = size = int(np.prod(shape, dtype=np.int64))
    for axis in order:
        step //= shape[axis]
        if shape[axis] > 1 and strides[axis] != step:
            raise ValueError("a tensor's layout does not fit its shape")
    if offset < 0 or offset + size > storage.size:
        raise ValueError("a tensor reaches beyond its storage")
    view = storage[offset : offset + size].reshape([shape[axis] for axis in order])
    return view.transpose(np.argsort(order))


def _refuse(what: str) -> NoReturn:
    raise pickle.UnpicklingError(f"it asks for {what}, which is no tensor")
