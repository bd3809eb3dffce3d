import io

import numpy as np
import pytest
from PIL import Image

from artnb.classification.predictor import UNFAMILIAR, Predictor
from artnb.images import ImageError, fit, load_image


@pytest.fixture(scope="module")
def predictor(bundle):
    return Predictor(bundle.folder)


@pytest.fixture(scope="module")
def painting(collection):
    return collection.file(collection.paintings["path"][0])


def test_a_path_bytes_and_a_file_object_are_the_same_picture(predictor, painting):
    content = painting.read_bytes()
    answers = [predictor(painting), predictor(str(painting)), predictor(content), predictor(io.BytesIO(content))]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0].artist == "Claude Monet"


def test_a_prediction_ranks_every_artist(predictor, painting, bundle):
    answer = predictor(painting)
    assert sorted(artist for artist, _ in answer.ranked) == sorted(bundle.card.class_names)
    probabilities = [probability for _, probability in answer.ranked]
    assert probabilities == sorted(probabilities, reverse=True) and sum(probabilities) == pytest.approx(1)
    found = answer.to_dict()
    assert found["ranked"][0] == {"artist": answer.artist, "probability": round(answer.probability, 6)}
    assert answer.artist in str(answer)


def test_a_picture_is_prepared_as_in_training(predictor, painting):
    fitted = fit(load_image(painting), predictor.card.size)
    assert predictor.predict(fitted[None])[0] == predictor(painting)


def test_pictures_one_by_one_and_all_at_once_are_the_same(predictor, collection):
    images = np.stack([fit(load_image(collection.file(path)), 32) for path in collection.paintings["path"][:9]])
    whole = predictor.look(images)[0]
    parts = np.concatenate([predictor.look(images[[row]])[0] for row in range(9)])
    assert np.allclose(whole, parts, atol=1e-5)
    assert np.allclose(predictor.look(images, batch_size=4)[0], whole, atol=1e-5)


def test_a_picture_unlike_all_others_is_noticed(predictor, collection):
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[::2] = (0, 255, 0)
    buffer = io.BytesIO()
    Image.fromarray(stripes).save(buffer, "PNG")
    answer = predictor(buffer.getvalue())
    assert answer.unfamiliar and UNFAMILIAR in str(answer) and answer.distance > predictor.bundle.novelty.threshold
    known = [predictor(collection.file(path)).unfamiliar for path in collection.paintings["path"]]
    assert np.mean(known) < 0.3


def test_a_bad_file_is_one_sentence(predictor, tmp_path):
    for content in (b"", b"hello", b"\x89PNG\r\n\x1a\n" + b"\0" * 50):
        (tmp_path / "bad.jpg").write_bytes(content)
        with pytest.raises(ImageError, match=r"bad\.jpg"):
            predictor(tmp_path / "bad.jpg")
