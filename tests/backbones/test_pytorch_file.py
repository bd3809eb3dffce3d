import io
import os
import pickle
import resource
import struct
from typing import ClassVar

import numpy as np
import pytest

from artnb.backbones.pytorch_file import TensorFileError, read_tensors
from artnb.weights import find_weights

MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001


class _Storage:
    """What torch pickles as a persistent identity."""

    def __init__(self, kind, key, size):
        self.identity = ("storage", kind, key, "cpu", size, None)


class _Global:
    """Pickled as a name in another module, without that module being here."""

    def __init__(self, module, name):
        self.module, self.name = module, name


class _Pickler(pickle._Pickler):
    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def persistent_id(self, thing):
        return thing.identity if isinstance(thing, _Storage) else None

    def save_name(self, thing):
        self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())

    dispatch[_Global] = save_name


class _Rebuilt:
    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, None)

    def __reduce_ex__(self, protocol):
        raise NotImplementedError


def _save_rebuilt(pickler, thing):
    pickler.save(_Global("torch._utils", "_rebuild_tensor_v2"))
    pickler.save(thing.arguments)
    pickler.write(pickle.REDUCE)


_Pickler.dispatch[_Rebuilt] = _save_rebuilt


def written(tensors, storages, opening=(MAGIC, VERSION, {}), cut=0):
    """A file as PyTorch before 1.6 wrote it."""
    stream = io.BytesIO()
    for thing in opening:
        pickle.dump(thing, stream, protocol=2)
    _Pickler(stream, protocol=2).dump(tensors)
    pickle.dump(list(storages), stream, protocol=2)
    for values in storages.values():
        stream.write(struct.pack("<q", values.size) + values.tobytes())
    return stream.getvalue()[: -cut or None]


FLOAT = _Global("torch", "FloatStorage")
NUMBERS = np.arange(6, dtype="<f4")


def test_tensors_in_any_order_of_axes(tmp_path):
    storage = _Storage(FLOAT, "0", 6)
    tensors = {"straight": _Rebuilt(storage, 0, (2, 3), (3, 1)), "turned": _Rebuilt(storage, 0, (3, 2), (1, 3))}
    file = tmp_path / "tensors.pth"
    file.write_bytes(written(tensors, {"0": NUMBERS}))
    found = read_tensors(file)
    assert np.array_equal(found["straight"], NUMBERS.reshape(2, 3))
    assert np.array_equal(found["turned"], NUMBERS.reshape(2, 3).T)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        np.random.default_rng(0).bytes(500),
        b"\x80\x02r" + (2**29).to_bytes(4, "little") + b".",  # remembers one thing, at place 2**29
        b"\x80\x02r" + (2**32 - 1).to_bytes(4, "little") + b".",
        b"\x80\x05\x96" + (2**34).to_bytes(8, "little") + b".",  # an array of 16 GB
        b"\x80\x02X" + (2**31).to_bytes(4, "little") + b"short",
        b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b"\x01.",
        pickle.dumps({"a": 1}),
        written({}, {}, opening=(MAGIC, 7, {})),
        written({"a": _Rebuilt(_Storage(FLOAT, "0", 6), 0, (2, 3), (3, 1))}, {"0": NUMBERS}, cut=5),
        written({"a": _Rebuilt(_Storage(FLOAT, "0", 6), 0, (4, 3), (3, 1))}, {"0": NUMBERS}),
        written({"a": _Rebuilt(_Storage(FLOAT, "0", 6), 3, (2, 3), (3, 1))}, {"0": NUMBERS}),
        written({"a": _Rebuilt(_Storage(FLOAT, "0", 2**40), 0, (2, 3), (3, 1))}, {}),
        written(["no", "dictionary"], {}),
        written({"a": 3}, {}),
    ],
)
def test_anything_else_is_one_sentence(content, tmp_path):
    file = tmp_path / "tensors.pth"
    file.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TensorFileError, match=r"tensors\.pth"):
        read_tensors(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000, "it took more than 100 MB"


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_one_sentence(seed, tmp_path):
    """Alone, and in the middle of a file that begins well."""
    noise = np.random.default_rng(seed)
    good = written({"a": _Rebuilt(_Storage(FLOAT, "0", 6), 0, (2, 3), (3, 1))}, {"0": NUMBERS})
    file = tmp_path / "tensors.pth"
    for _ in range(200):
        at = int(noise.integers(30, len(good) - 40))
        for content in (noise.bytes(100), good[:at] + noise.bytes(4) + good[at + 4 :]):
            file.write_bytes(content)
            try:
                read_tensors(file)
            except TensorFileError as error:
                assert "tensors.pth" in str(error)


def test_no_code_is_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "was here"),)

    file = tmp_path / "evil.pth"
    stream = io.BytesIO()
    for thing in (MAGIC, VERSION, {}, {"weight": Evil()}, []):
        pickle.dump(thing, stream, protocol=2)
    file.write_bytes(stream.getvalue())
    with pytest.raises(TensorFileError, match="mkdir"):
        read_tensors(file)
    assert not (tmp_path / "was here").exists()


def test_the_packaged_file_cut_anywhere_is_refused(tmp_path):
    whole = find_weights("efficientnet-lite0").read_bytes()
    for share in (0.0001, 0.001, 0.5, 0.999999):
        file = tmp_path / "cut.pth"
        file.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(TensorFileError):
            read_tensors(file)
