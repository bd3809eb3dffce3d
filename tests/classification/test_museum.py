"""Every picture of a folder gets the answer that it gets alone, once, whatever happens meanwhile."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from artnb.classification import museum
from artnb.classification.museum import process_folder
from artnb.cli import main
from artnb.common.shards import BROKEN, MANIFEST, ShardError, read_shards
from artnb.images import ImageError


@pytest.fixture
def folder(collection, tmp_path):
    """Nine good pictures in three folders, and a broken one."""
    for path in collection.paintings["path"][::8]:
        target = tmp_path / "museum" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(collection.file(path), target)
    (tmp_path / "museum" / "broken.jpg").write_text("a text")
    return tmp_path / "museum"


def rows(output):
    table = read_shards(output, pq.read_schema(output / "part-00000.parquet").names)
    return {row["path"]: row for row in table.to_pylist()}


def test_the_answers_are_those_of_one_picture_at_a_time(model, folder, tmp_path):
    answers = process_folder(model, folder, tmp_path / "p", "predict")
    seen = process_folder(model, folder, tmp_path / "e", "embed")
    assert (answers.rows, answers.broken, answers.resumed) == (seen.rows, seen.broken, seen.resumed) == (10, 1, 0)
    said, vectors = rows(tmp_path / "p"), rows(tmp_path / "e")
    assert set(said) == set(vectors) and len(said) == 10
    broken = said.pop("broken.jpg")
    assert "text file" in broken["error"] and broken["artist"] is None and vectors["broken.jpg"]["vector"] is None
    for path, row in said.items():
        alone = model(folder / path)
        assert (row["artist"], row["unfamiliar"], row["error"]) == (alone.artist, alone.unfamiliar, None)
        np.testing.assert_allclose(
            (row["probability"], row["distance"]), (alone.probability, alone.distance), atol=1e-4
        )
        np.testing.assert_allclose(vectors[path]["vector"], alone.embedding, atol=1e-4)
    about = json.loads((tmp_path / "e" / MANIFEST).read_text())["about"]
    assert (about["command"], about["model_sha256"]) == ("embed", model.identity)
    assert "broken.jpg" in (tmp_path / "p" / BROKEN).read_text()


def test_a_stopped_run_is_resumed_and_no_picture_is_looked_at_twice(model, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(museum, "BATCH", 4)
    looked_at, stops = [], [6]

    def stopped(files, *rest, stream=museum.stream):
        for number, picture in enumerate(stream(files, *rest)):
            if [number] == stops:
                raise KeyboardInterrupt
            looked_at.append(picture.path)
            yield picture

    monkeypatch.setattr(museum, "stream", stopped)
    with pytest.raises(KeyboardInterrupt):
        process_folder(model, folder, tmp_path / "out", "embed")
    kept = rows(tmp_path / "out")
    assert len(kept) == 4
    with pytest.raises(ShardError, match="--resume"):
        process_folder(model, folder, tmp_path / "out", "embed")
    looked_at.clear()
    stops.clear()
    report = process_folder(model, folder, tmp_path / "out", "embed", resume=True)
    assert (report.rows, report.resumed) == (10, 4)
    assert sorted([*kept, *looked_at]) == sorted(rows(tmp_path / "out")), "each once"


def test_other_work_is_not_resumed_in_the_same_place(model, folder, tmp_path):
    process_folder(model, folder, tmp_path / "out", "embed")
    with pytest.raises(ShardError, match="begun with a different command;"):
        process_folder(model, folder, tmp_path / "out", "predict", resume=True)
    with pytest.raises(ShardError, match="begun with a different folder;"):
        process_folder(model, folder / "images", tmp_path / "out", "embed", resume=True)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImageError, match="'empty' holds no pictures"):
        process_folder(model, tmp_path / "empty", tmp_path / "new", "embed")
    assert not (tmp_path / "new").exists()


def test_the_commands_write_tell_and_resume(model, folder, tmp_path, capsys):
    command = ["predict", str(model.folder), str(folder), "-o", str(tmp_path / "out")]
    assert main(command) == 1, "one picture is broken"
    assert "1 of them can't be read" in capsys.readouterr().out
    assert main(command) == 1 and "--resume" in capsys.readouterr().err
    assert main([*command, "--resume", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["rows"], told["resumed"], told["broken"], told["unreadable"]) == (10, 10, 1, [])
    (folder / "broken.jpg").unlink()
    assert main(["embed", str(model.folder), str(folder), "-o", str(tmp_path / "e")]) == 0
    capsys.readouterr()
    picture = next(folder.rglob("*.png"))
    for more in ([], ["--across"]):
        assert main(["paintings", "similar", str(picture), "--embeddings", str(tmp_path / "e"), "--json", *more]) == 0
        found = json.loads(capsys.readouterr().out)["similar"]
        assert found and picture.relative_to(folder).as_posix() not in {row["path"] for row in found}
        artists = [row["artist"] for row in found]
        assert (len(set(artists)) == len(artists)) is bool(more), "five works of three artists, or one of each"


def test_a_picture_of_ones_own_is_compared_by_the_model_of_the_embeddings(model, folder, tmp_path, capsys):
    process_folder(model, folder, tmp_path / "e", "embed")
    own = tmp_path / "own.png"
    shutil.copy(next(folder.rglob("*.png")), own)
    own.write_bytes(own.read_bytes() + b"other bytes, the same picture")
    similar = ["paintings", "similar", str(own), "--embeddings", str(tmp_path / "e"), "-n", "1", "--json"]
    assert main(similar) == 0
    (found,) = json.loads(capsys.readouterr().out)["similar"]
    assert found["similarity"] == pytest.approx(1, abs=1e-4)
    manifest = tmp_path / "e" / MANIFEST
    manifest.write_text(manifest.read_text().replace(model.identity, "0" * 64))
    assert main(similar) == 1 and "another model" in capsys.readouterr().out
    manifest.unlink()
    assert main(similar) == 1 and "don't say which model" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["FOLDER"],
        ["FOLDER", "-o", "out", "--log"],
        ["FOLDER", "x.jpg", "-o", "out"],
        ["x.jpg", "-o", "out"],
        ["x.jpg", "--resume"],
    ],
)
def test_a_wrong_call_is_told_before_the_work(arguments, tmp_path, capsys):
    arguments = [str(tmp_path) if each == "FOLDER" else each for each in arguments]
    assert main(["predict", "nobody", *arguments]) == 2
    assert "older of pictures" in capsys.readouterr().err
