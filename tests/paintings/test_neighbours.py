"""The works that are most similar to one, from vectors that artnb or a museum has stored."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from artnb.common.shards import ShardError
from artnb.paintings.neighbours import Neighbours

PATHS = ["Monet/0.jpg", "Monet/1.jpg", "Degas/0.jpg", "El_Greco/0.jpg", "Degas/copy.jpg", "Degas/broken.jpg"]
VECTORS = [[2, 0], [1, 0.1], [1, 1], [-1, 0], [1, 1], None]
DIGESTS = ["a", "b", "c", "d", "c", "e"]


def stored(file, vectors=VECTORS, kind=None):
    table = pa.table({"path": PATHS, "sha256": DIGESTS, "vector": pa.array(vectors, kind or pa.list_(pa.float32()))})
    if pa.types.is_fixed_size_list(table["vector"].type):  # Parquet can't read those that are missing
        table = table.slice(0, 5)
    pq.write_table(table, file)
    return file


@pytest.mark.parametrize("kind", [pa.list_(pa.float32(), 2), pa.list_(pa.float64())])
def test_the_most_similar_works_come_first(tmp_path, kind):
    near = Neighbours.read(stored(tmp_path / "x.parquet", kind=kind))
    assert len(near) == 5 and near.about == {}
    found = near.similar(near.vector("a"), leave_out="a")
    assert found["path"].tolist() == ["Monet/1.jpg", "Degas/0.jpg", "El_Greco/0.jpg"], "of copies there is one"
    assert found["artist"].tolist() == ["Monet", "Degas", "El Greco"]
    cosines = [1 / np.hypot(1, 0.1), np.sqrt(0.5), -1]
    np.testing.assert_allclose(found["similarity"], cosines, atol=1e-3)
    assert near.vector("nobody") is None


def test_across_artists_there_is_one_work_of_each_however_many_works_the_first_one_has(tmp_path):
    rows = 400
    paths = [f"Monet/{number}.jpg" for number in range(rows)] + ["Degas/0.jpg", "Klee/0.jpg"]
    vectors = [[1, number / rows / 100] for number in range(rows)] + [[1, 1], [0, 1]]
    table = pa.table({"path": paths, "sha256": paths, "vector": pa.array(vectors, pa.list_(pa.float32(), 2))})
    pq.write_table(table, tmp_path / "x.parquet")
    found = Neighbours.read(tmp_path).similar(np.array([1.0, 0]), n=3, across=True)
    assert found["path"].tolist() == ["Monet/0.jpg", "Degas/0.jpg", "Klee/0.jpg"]


@pytest.mark.parametrize(
    ("vectors", "words"),
    [
        ([[1, 2]] * 5 + [[1]], "vectors of 2 lengths"),
        ([None] * 6, "vectors of 0 lengths"),
        ([[1, float("nan")]] * 6, "not finite"),
    ],
)
def test_vectors_that_can_not_be_compared_are_a_sentence(tmp_path, vectors, words):
    with pytest.raises(ShardError, match=words):
        Neighbours.read(stored(tmp_path / "x.parquet", vectors, pa.list_(pa.float32())))


def test_a_vector_of_another_model_is_a_sentence(tmp_path):
    with pytest.raises(ShardError, match="embed both with the same model"):
        Neighbours.read(stored(tmp_path / "x.parquet")).similar(np.ones(3))
