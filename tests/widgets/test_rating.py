"""The blind rating, used as a person would."""

import numpy as np
import pytest

from artnb.operation.ratings import RatingError, load_ratings, summary
from artnb.widgets import rate

PICTURES = {
    ("bridge", model): np.full((8, 8, 3), value, np.uint8) for model, value in (("vgg19", 10), ("cyclegan", 90))
}


def parts(page):
    name, place, shown, *answers, button, message = page.children
    return name, place, shown, answers, button, message


def test_a_visitor_rates_all_pictures_and_never_sees_a_models_name(tmp_path):
    file = tmp_path / "ratings.jsonl"
    page = rate(PICTURES, file)
    name, place, shown, answers, button, message = parts(page)
    name.value = "AB"
    first = shown.value
    button.click()
    assert "at least one" in message.value and not file.exists()
    for number in range(2):
        assert f"Picture {number + 1} of 2" in place.value
        texts = " ".join(
            str(getattr(child, "value", "")) + getattr(child, "description", "") for child in page.children
        )
        assert "vgg19" not in texts and "cyclegan" not in texts
        answers[0].value, answers[3].value = 4 - number, 2
        button.click()
        if number == 0:
            assert shown.value != first and all(answer.value is None for answer in answers)
    table = load_ratings(file)
    assert len(table) == 4 and set(table["rater"]) == {"AB"} and set(table["model"]) == {"vgg19", "cyclegan"}
    assert "Thank you" in page.children[0].value and "vgg19" in page.children[0].value


def test_two_pupils_of_one_name_are_two_raters(tmp_path):
    file = tmp_path / "ratings.jsonl"
    for score in (1, 5):
        page = rate(PICTURES, file)
        name, _, _, answers, button, _ = parts(page)
        name.value = "AB"
        for _ in PICTURES:
            answers[3].value = score
            button.click()
    assert sorted(load_ratings(file)["score"]) == [1, 1, 5, 5]
    assert summary(load_ratings(file))["n"].tolist() == [2, 2]


def test_a_full_disk_gives_a_message_and_loses_nothing(tmp_path, monkeypatch):
    from artnb.widgets import rating

    def full(*_):
        raise OSError(28, "No space left on device")

    page = rate(PICTURES, tmp_path / "r.jsonl")
    _, place, _, answers, button, message = parts(page)
    answers[0].value = 5
    monkeypatch.setattr(rating, "record_ratings", full)
    button.click()
    assert "No space left" in message.value and answers[0].value == 5 and "Picture 1" in place.value


def test_nothing_to_rate():
    with pytest.raises(RatingError, match="no pictures"):
        rate({}, "nowhere")
