import io
import os
import pickle
import struct
import tracemalloc
from collections import OrderedDict
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


class _Raw:
    """Instructions that no pickler writes."""

    def __init__(self, instructions):
        self.instructions = instructions


class _Pickler(pickle._Pickler):
    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def persistent_id(self, thing):
        return thing.identity if isinstance(thing, _Storage) else None

    def save_name(self, thing):
        self.write(pickle.GLOBAL + f"{thing.module}\n{thing.name}\n".encode())

    def save_raw(self, thing):
        self.write(thing.instructions)

    dispatch[_Global] = save_name
    dispatch[_Raw] = save_raw


class _Rebuilt:
    def __init__(self, storage, offset, shape, strides):
        self.arguments = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce_ex__(self, protocol):
        raise NotImplementedError


def _save_rebuilt(pickler, thing):
    pickler.save(_Global("torch._utils", "_rebuild_tensor_v2"))
    pickler.save(thing.arguments)
    pickler.write(pickle.REDUCE)


_Pickler.dispatch[_Rebuilt] = _save_rebuilt


def written(tensors, storages, opening=(MAGIC, VERSION, {}), cut=0, keys=None):
    """A file as PyTorch before 1.6 wrote it."""
    stream = io.BytesIO()
    for thing in opening:
        pickle.dump(thing, stream, protocol=2)
    _Pickler(stream, protocol=2).dump(tensors)
    pickle.dump(list(storages) if keys is None else keys, stream, protocol=2)
    for values in storages.values():
        stream.write(struct.pack("<q", values.size) + values.tobytes())
    return stream.getvalue()[: -cut or None]


def raw(*parts):
    """A file whose tensors are these instructions, and objects in between."""
    stream = io.BytesIO()
    for part in parts:
        pickler = _Pickler(stream, protocol=2)
        pickler.save(_Raw(part) if isinstance(part, bytes) else part)
    return written(_Raw(stream.getvalue()), {"0": NUMBERS})


FLOAT, LONG = _Global("torch", "FloatStorage"), _Global("torch", "LongStorage")
NUMBERS = np.arange(6, dtype="<f4")
STORAGE = _Storage(FLOAT, "0", 6)
GOOD = _Rebuilt(STORAGE, 0, (2, 3), (3, 1))
REBUILD = b"ctorch._utils\n_rebuild_tensor_v2\n"


@pytest.fixture
def read(tmp_path):
    """Read a file of such content."""

    def read(content):
        file = tmp_path / "tensors.pth"
        file.write_bytes(content)
        return read_tensors(file)

    return read


@pytest.fixture
def refused(read):
    """The sentence for such content, which takes little memory."""

    def refused(content):
        tracemalloc.start()
        try:
            with pytest.raises(TensorFileError, match=r"^tensors\.pth can't be read") as raised:
                read(content)
            assert tracemalloc.get_traced_memory()[1] < 2**21, "it took more than 2 MB"
        finally:
            tracemalloc.stop()
        said = str(raised.value)
        assert len(said) < 300 and "()" not in said and "\n" not in said
        return said

    return refused


def test_tensors_in_any_order_of_axes(read):
    found = read(written({"straight": GOOD, "turned": _Rebuilt(STORAGE, 0, (3, 2), (1, 3))}, {"0": NUMBERS}))
    assert np.array_equal(found["straight"], NUMBERS.reshape(2, 3))
    assert np.array_equal(found["turned"], NUMBERS.reshape(2, 3).T)


def test_all_that_a_state_dict_holds(read):
    """Its versions of layers, a whole number, a tensor of one axis of length 1, and one of two tensors in a storage."""
    tensors = OrderedDict(
        weight=GOOD,
        row=_Rebuilt(STORAGE, 2, (1, 4), (77, 1)),
        count=_Rebuilt(_Storage(LONG, "1", 1), 0, (), ()),
    )
    tensors._metadata = OrderedDict({"": {"version": 1}})
    found = read(written(tensors, {"0": NUMBERS, "1": np.array([2**40], "<i8")}))
    assert list(found) == ["weight", "row", "count"]
    assert np.array_equal(found["row"], NUMBERS[None, 2:])
    assert found["count"].shape == () and found["count"] == 2**40


@pytest.mark.parametrize(("shape", "strides"), [((0, 3), (3, 1)), ((3, 0), (1, 1)), ((0,), (1,))])
def test_an_empty_tensor_is_read(shape, strides, read):
    found = read(written({"a": _Rebuilt(_Storage(FLOAT, "0", 0), 0, shape, strides)}, {"0": NUMBERS[:0]}))
    assert found["a"].shape == shape and found["a"].dtype == np.float32


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
        written({}, {}, opening=(MAGIC, {"": []}, {})),
        written({"a": GOOD}, {"0": NUMBERS}, cut=5),
        written({"a": _Rebuilt(STORAGE, 0, (4, 3), (3, 1))}, {"0": NUMBERS}),
        written({"a": _Rebuilt(STORAGE, 3, (2, 3), (3, 1))}, {"0": NUMBERS}),
        written(["no", "dictionary"], {}),
        written({"a": 3}, {}),
        written({"a" * 10**5: GOOD}, {"0": NUMBERS}),
    ],
)
def test_anything_else_is_one_sentence(content, refused):
    refused(content)


@pytest.mark.parametrize(
    ("tensor", "said"),
    [
        (_Rebuilt(STORAGE, 0, (-1,), (1,)), "shape of the tensor 'a'"),
        (_Rebuilt(STORAGE, 0, (-2, -3), (-3, 1)), "shape of the tensor 'a'"),
        (_Rebuilt(STORAGE, 0, (2, 3), (3,)), "shape of the tensor 'a'"),
        (_Rebuilt(STORAGE, 0, (6,), (True,)), "than whole numbers"),
        (_Rebuilt(STORAGE, 0, ("6",), (1,)), "than whole numbers"),
        (_Rebuilt(STORAGE, -1, (1,), (1,)), "shape of the tensor 'a'"),
        (_Rebuilt(STORAGE, 0, (2, 3), (1, 1)), "layout of the tensor 'a'"),
        (_Rebuilt(STORAGE, 0, (0, 2**62, 2**62), (1, 1, 1)), "beyond its storage"),
        (_Rebuilt(STORAGE, 0, (2**1000, 2**1000), (1, 1)), "beyond its storage"),
        (_Rebuilt(STORAGE, False, (6,), (1,)), "something else than a tensor"),
        (_Rebuilt(STORAGE, 0, [6], [1]), "something else than names"),
        (_Rebuilt(STORAGE, 0, STORAGE, STORAGE), "something else than a tensor"),
        (_Rebuilt((STORAGE,), 0, (6,), (1,)), "than whole numbers"),
        (_Rebuilt(STORAGE, 0, (1,) * 33, (1,) * 33), "tuple of 33"),
    ],
)
def test_a_tensor_that_is_none(tensor, said, refused):
    assert said in refused(written({"a": tensor}, {"0": NUMBERS}))


def storage_of(*identity):
    storage = _Storage(*identity[1:3], 6)
    storage.identity = identity
    return {"a": _Rebuilt(storage, 0, (6,), (1,))}


@pytest.mark.parametrize(
    "tensors",
    [
        storage_of("storage", FLOAT, "0", "cpu", 2**26, None),
        storage_of("storage", FLOAT, "0", "cpu", 2**40, None),
        storage_of("storage", FLOAT, "0", "cpu", -1, None),
        storage_of("storage", FLOAT, "0", "cpu", (2**13, 2**13), None),
        storage_of("storage", FLOAT, "0", "cpu", [], None),
        storage_of("storage", FLOAT, 0, "cpu", 6, None),
        storage_of("storage", FLOAT, "0", 0, 6, None),
        storage_of("storage", "FloatStorage", "0", "cpu", 6, None),
        storage_of("storage", FLOAT, "0", "cpu", 6),
        storage_of("storage", FLOAT, "0", "cpu", 6, ("0", 0, 6)),
        storage_of("module", FLOAT, "0", "cpu", 6, None),
        storage_of(STORAGE, FLOAT, "0", "cpu", 6, None),
        {str(key): _Rebuilt(_Storage(FLOAT, str(key), 2**24), 0, (1,), (1,)) for key in range(20)},
        {"a": GOOD, "b": _Rebuilt(_Storage(FLOAT, "0", 5), 0, (5,), (1,))},
        {"a": GOOD, "b": _Rebuilt(_Storage(LONG, "0", 6), 0, (6,), (1,))},
    ],
)
def test_a_storage_that_is_none(tensors, refused):
    """More numbers than there are take no memory, in one or in many."""
    keys = [str(key) for key in range(20)] if len(tensors) == 20 else None
    refused(written(tensors, {"0": NUMBERS}, keys=keys))


@pytest.mark.parametrize("keys", [[], ["0", "0"], ["0", "1"], ["1"], [0], {"0": 0}, "0"])
def test_every_storage_is_filled_once(keys, refused):
    assert "list of" in refused(written({"a": GOOD}, {"0": NUMBERS, "1": NUMBERS}, keys=keys))


@pytest.mark.parametrize("key", [1, None, (1, 2), True])
def test_every_name_is_text(key, refused):
    assert "keys are no names" in refused(written({key: GOOD}, {"0": NUMBERS}))


BOMB = b")" + b"2\x86" * 22  # a tuple of a tuple twice, of a tuple twice ...
REMEMBERED_BOMB = b")" + b"q\x00h\x00\x86" * 22


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (raw(b"}", b")" + b"\x85" * 10**6, b"K\x01s"), "than whole numbers"),
        (raw(b"}", b"(" * 10**4 + b")" + b"t" * 10**4, b"K\x01s"), "than whole numbers"),
        (raw(BOMB), "instruction b'2'"),
        (raw(REMEMBERED_BOMB, b"Q"), "than whole numbers"),
        (raw(b"(" + REMEMBERED_BOMB, FLOAT, b"K\x01K\x01K\x01NtQ"), "than whole numbers"),
        (raw(STORAGE, b"Q"), "than a storage"),
        (raw(STORAGE, b"K\x00K\x01s"), "keys are no names"),
        (raw(STORAGE, {"_metadata": {}}, b"b"), "changes something else"),
        (raw(REBUILD, {"__defaults__": (1,)}, b"b"), "changes something else"),
        (raw(OrderedDict(), {"values": 1}, b"b"), "changes something else"),
        (raw(OrderedDict(), {"_metadata": {}, "items": 1}, b"b"), "changes something else"),
        (raw(OrderedDict(), ({"_metadata": {}}, {"values": 1}), b"b"), "changes something else"),
        (raw({}, {"_metadata": {}}, b"b"), "changes something else"),
        (raw(REBUILD, OrderedDict(), b"R"), "something else than a tensor"),
        (raw(_Global("collections", "OrderedDict"), ({"a": 1},), b"R"), "something else than a tensor"),
        (raw(FLOAT, b")R"), "something else than a tensor"),
        (raw(b"ctorch\n" + b"a" * 10**6 + b"\n"), "without an end"),
        (raw(b"ctorch\n" + b"a" * 500 + b"\n"), "asks for 'torch.aaa"),
        (raw(b"X\x01\x00\x00\x00\xff"), "damaged"),
        (raw(b"h\x07"), "damaged"),
        (raw(b"t"), "damaged"),
        (raw({}, b"(X\x01\x00\x00\x00au"), "keys are no names"),
    ],
)
def test_instructions_that_no_tensor_needs(content, said, refused):
    assert said in refused(content)


@pytest.mark.parametrize("instruction", [b"(", b"h\x00)R"])
def test_many_small_things_take_bounded_memory(instruction, read):
    content = raw(_Global("collections", "OrderedDict"), b"q\x00" + instruction * 2**17)
    tracemalloc.start()
    try:
        with pytest.raises(TensorFileError, match="steps"):
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 2**25
    finally:
        tracemalloc.stop()


def test_too_little_memory_is_one_sentence(read, monkeypatch):
    def frombuffer(*_):
        raise MemoryError

    monkeypatch.setattr(np, "frombuffer", frombuffer)
    with pytest.raises(TensorFileError, match=r"^tensors\.pth needs more memory than is free; close other programs\.$"):
        read(written({"a": GOOD}, {"0": NUMBERS}))


@pytest.mark.parametrize("seed", range(20))
def test_random_bytes_are_one_sentence(seed, tmp_path):
    """Alone, and in the middle of a file that begins well."""
    noise = np.random.default_rng(seed)
    good = written({"a": GOOD}, {"0": NUMBERS})
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
