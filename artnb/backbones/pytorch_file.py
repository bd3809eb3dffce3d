"""Reading the tensors of a PyTorch file, and nothing else in it.

Files that PyTorch wrote before version 1.6 are a chain of pickles followed by raw numbers. A pickle is a program, and
can ask for anything. So none is run: this reader knows only the instructions that PyTorch writes for a dictionary of
tensors, makes only whole numbers, text, tuples, lists and dictionaries of them, and takes no number before it is there.
"""

import math
import mmap
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from artnb.errors import ArtnbError

_MAGIC, _VERSION = 0x1950A86A20F9469CFC6C, 1001

# Bounds on what a small file can make of itself; a state dict needs about forty steps for a tensor.
_MOST_STEPS = 2**17
_LONGEST_TEXT = 1000
_LONGEST_TUPLE = 32
_LARGEST_TENSOR = 2**48

# What an instruction takes from the stack; these three take all down to the last mark.
_TAKES = {
    pickle.TUPLE1: 1,
    pickle.TUPLE2: 2,
    pickle.TUPLE3: 3,
    pickle.APPEND: 1,
    pickle.SETITEM: 2,
    pickle.REDUCE: 2,
    pickle.BUILD: 1,
    pickle.BINPERSID: 1,
}
_TAKES_TO_MARK = (pickle.TUPLE, pickle.APPENDS, pickle.SETITEMS)
_CONSTANTS = {pickle.NONE: None, pickle.NEWTRUE: True, pickle.NEWFALSE: False}
_NUMBERS = {pickle.BININT1: (1, False), pickle.BININT2: (2, False), pickle.BININT: (4, True)}  # bytes, signed


class TensorFileError(ArtnbError, ValueError):
    """The file is not a dictionary of tensors in PyTorch's old format."""


@dataclass(frozen=True, slots=True)
class _Storage:
    """Numbers that stand at the end of the file."""

    dtype: np.dtype
    key: str
    size: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A part of a storage."""

    storage: _Storage
    offset: int
    shape: tuple
    strides: tuple


_GLOBALS: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "torch._utils._rebuild_tensor_v2": _Tensor,
    "torch.FloatStorage": np.dtype("<f4"),
    "torch.LongStorage": np.dtype("<i8"),
}


def read_tensors(file: str | Path) -> dict[str, np.ndarray]:
    """Read a state dict in the format that PyTorch wrote before version 1.6.

    Returns:
        Name -> float32 or int64 array.

    Raises:
        TensorFileError: the file is damaged, of another format, or asks for anything but tensors.
        OSError: the file can't be read.
    """
    name = Path(file).name
    try:
        # Mapped, so that a length in the file can't ask for more than the file holds.
        with Path(file).open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _tensors(data)
    except MemoryError as error:
        raise TensorFileError(f"{name} needs more memory than is free; close other programs.") from error
    except (ValueError, LookupError) as error:
        reason = "it is damaged" if isinstance(error, LookupError | UnicodeError) else error
        raise TensorFileError(
            f"{name} can't be read as tensors of PyTorch's old format ({reason}); "
            "install its package again, or name another file."
        ) from error


def _tensors(data: mmap.mmap) -> dict[str, np.ndarray]:
    storages: dict[str, _Storage] = {}
    for expected in (_MAGIC, _VERSION):
        found = _unpickled(data, storages)
        if type(found) is not int or found != expected:
            raise ValueError("it does not begin as one")
    _unpickled(data, storages)  # the machine that wrote it
    tensors = _unpickled(data, storages)
    if not isinstance(tensors, dict) or not all(type(tensor) is _Tensor for tensor in tensors.values()):
        raise ValueError("it holds something else than a dictionary of tensors")
    keys = _unpickled(data, storages)
    if type(keys) is not list or sorted(keys) != sorted(storages):
        raise ValueError("its list of storages is not that of its tensors")
    numbers = {key: _numbers(data, storages[key]) for key in keys}
    return {name: _view(name, tensor, numbers[tensor.storage.key]) for name, tensor in tensors.items()}


def _numbers(data: mmap.mmap, storage: _Storage) -> np.ndarray:
    count, length = int.from_bytes(_taken(data, 8), "little"), storage.size * storage.dtype.itemsize
    start = data.tell()
    if count != storage.size or length > len(data) - start:
        raise ValueError(f"the storage {_short(storage.key)} is cut short")
    data.seek(length, 1)
    return np.frombuffer(data, storage.dtype, count, start).copy()


def _view(name: str, tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    """The tensor must fill its part of the storage, in any order of its axes."""
    shape, strides, offset = tensor.shape, tensor.strides, tensor.offset
    if len(shape) != len(strides) or min([offset, *shape, *strides]) < 0:
        raise ValueError(f"the shape of the tensor {_short(name)} is none")
    size = math.prod(shape)
    if offset + size > numbers.size or math.prod(length or 1 for length in shape) > _LARGEST_TENSOR:
        raise ValueError(f"the tensor {_short(name)} reaches beyond its storage")
    part = numbers[offset : offset + size]
    if not size:
        return part.reshape(shape)
    order = sorted(range(len(shape)), key=lambda axis: (-strides[axis], axis))
    step = size
    for axis in order:
        step //= shape[axis]
        if shape[axis] > 1 and strides[axis] != step:
            raise ValueError(f"the layout of the tensor {_short(name)} does not fit its shape")
    return part.reshape([shape[axis] for axis in order]).transpose(np.argsort(order))


def _unpickled(data: mmap.mmap, storages: dict[str, _Storage]) -> Any:
    """What the next pickle makes; the storages that it names are noted."""
    if _taken(data, 2) != pickle.PROTO + b"\x02":
        raise ValueError("it holds something else than pickles of protocol 2")
    stack: list[Any] = []
    outer: list[list[Any]] = []  # what was on the stack at each mark
    memo: dict[int, Any] = {}
    for _ in range(_MOST_STEPS):
        code = _taken(data, 1)
        if code in _TAKES_TO_MARK:
            items, stack = stack, outer.pop()
        else:
            items = [stack.pop() for _ in range(_TAKES.get(code, 0))][::-1]
        match code:
            case pickle.STOP:
                return stack.pop()
            case pickle.MARK:
                outer.append(stack)
                stack = []
            case pickle.NONE | pickle.NEWTRUE | pickle.NEWFALSE:
                stack.append(_CONSTANTS[code])
            case pickle.BININT1 | pickle.BININT2 | pickle.BININT:
                stack.append(_int(data, *_NUMBERS[code]))
            case pickle.LONG1:
                stack.append(_int(data, _int(data, 1), True))
            case pickle.BINUNICODE:
                stack.append(_text(data, _int(data, 4)))
            case pickle.GLOBAL:
                stack.append(_global(f"{_line(data)}.{_line(data)}"))
            case pickle.BINPUT | pickle.LONG_BINPUT:
                memo[_int(data, 1 if code == pickle.BINPUT else 4)] = stack[-1]
            case pickle.BINGET | pickle.LONG_BINGET:
                stack.append(memo[_int(data, 1 if code == pickle.BINGET else 4)])
            case pickle.EMPTY_LIST:
                stack.append([])
            case pickle.EMPTY_DICT:
                stack.append({})
            case pickle.EMPTY_TUPLE | pickle.TUPLE1 | pickle.TUPLE2 | pickle.TUPLE3 | pickle.TUPLE:
                stack.append(_tuple(items))
            case pickle.APPEND | pickle.APPENDS:
                _append(stack[-1], items)
            case pickle.SETITEM | pickle.SETITEMS:
                _set(stack[-1], items)
            case pickle.REDUCE:
                stack.append(_made(*items))
            case pickle.BUILD:
                _check_state(stack[-1], *items)
            case pickle.BINPERSID:
                storage = _storage(*items)
                if storages.setdefault(storage.key, storage) != storage:
                    raise ValueError(f"the storage {_short(storage.key)} is of two kinds")
                stack.append(storage)
            case _:
                raise ValueError(f"it holds the instruction {code!r}, which no tensor needs")
    raise ValueError(f"it takes more than {_MOST_STEPS} steps")


def _taken(data: mmap.mmap, count: int) -> bytes:
    taken = data.read(count)
    if len(taken) != count:
        raise ValueError("it is cut short")
    return taken


def _int(data: mmap.mmap, count: int, signed: bool = False) -> int:
    return int.from_bytes(_taken(data, count), "little", signed=signed)


def _text(data: mmap.mmap, length: int) -> str:
    if length > _LONGEST_TEXT:
        raise ValueError(f"it holds a text of {length} bytes")
    return _taken(data, length).decode()


def _line(data: mmap.mmap) -> str:
    start = data.tell()
    end = data.find(b"\n", start, start + _LONGEST_TEXT)
    if end < 0:
        raise ValueError("it holds a line without an end")
    return _text(data, end + 1 - start)[:-1]


def _global(name: str) -> Any:
    if name not in _GLOBALS:
        raise ValueError(f"it asks for {_short(name)}, which is no tensor")
    return _GLOBALS[name]


def _tuple(items: list[Any]) -> tuple:
    """A tuple can hold tuples of whole numbers, which are shapes; so none is nested more deeply."""
    if len(items) > _LONGEST_TUPLE:
        raise ValueError(f"it holds a tuple of {len(items)} things")
    if any(type(part) is not int for item in items if type(item) is tuple for part in item):
        raise ValueError("a tuple in a tuple holds something else than whole numbers")
    return tuple(items)


def _append(target: Any, items: list[Any]) -> None:
    if type(target) is not list or not all(type(item) is str for item in items):
        raise ValueError("it holds a list of something else than names")
    target.extend(items)


def _set(target: Any, items: list[Any]) -> None:
    names, values = items[::2], items[1::2]
    if not isinstance(target, dict) or len(names) != len(values) or not all(type(name) is str for name in names):
        raise ValueError("it holds a dictionary whose keys are no names")
    target.update(zip(names, values, strict=True))


def _made(function: Any, arguments: Any) -> OrderedDict | _Tensor:
    kinds = [type(argument) for argument in arguments] if type(arguments) is tuple else None
    if function is OrderedDict and kinds == []:
        return OrderedDict()
    # The last two, whether it is trained and its hooks, are left out.
    if function is _Tensor and kinds == [_Storage, int, tuple, tuple, bool, OrderedDict]:
        return _Tensor(*arguments[:4])
    raise ValueError("it makes something else than a tensor")


def _check_state(target: Any, state: Any) -> None:
    """PyTorch adds the versions of the layers to a state dict; they are left out."""
    if type(target) is not OrderedDict or type(state) is not dict or list(state) != ["_metadata"]:
        raise ValueError("it changes something else than a dictionary of tensors")


def _storage(identity: Any) -> _Storage:
    match identity:
        case ("storage", np.dtype() as dtype, str() as key, str(), int() as size, None):
            if type(size) is int and size >= 0:
                return _Storage(dtype, key, size)
    raise ValueError("it names something else than a storage of numbers")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:60]}…")
