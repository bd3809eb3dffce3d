"""What is noted of an answer, what is not, and what a report makes of it."""

import json
import re
import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from artnb.classification.model import Prediction
from artnb.cli import main
from artnb.images import ImageError
from artnb.models import load_model
from artnb.operation import feedback, monitoring
from artnb.operation.page import html_page
from artnb.operation.store import TABLES, Store, timestamp
from artnb.style.metrics import visual_quality

PICTURE = np.random.default_rng(1).integers(0, 256, (60, 80, 3), np.uint8)
ANSWER = Prediction((("Titian", 0.7), ("Goya", 0.3)), 1.2, True, np.arange(32, dtype=np.float32))
MONDAY = datetime(2026, 11, 2, tzinfo=UTC)


def at(hours):
    """So long after the first Monday."""
    return timestamp(MONDAY + timedelta(hours=hours))


@pytest.fixture
def settings(use, tmp_path):
    return use(home=tmp_path, log=True)


def everything():
    names = re.findall(r"(\w+) (?:INTEGER|TEXT|REAL|BLOB)", TABLES["predictions"])
    return Store.default().read("predictions", names).to_dict("records")


def test_nothing_is_noted_unless_it_was_asked_for(settings, use):
    use(log=False)
    monitoring.record("starter", PICTURE, ANSWER)
    assert not Store.default().file.exists()


def test_an_answer_is_noted_without_its_picture(settings):
    monitoring.record("starter", PICTURE, ANSWER, None, 0.03, "abc", "token")
    (row,) = everything()
    assert row["picture"] == feedback.picture_hash(PICTURE) and (row["model"], row["version"]) == ("starter", "abc")
    assert json.loads(row["probabilities"]) == {"Titian": 0.7, "Goya": 0.3} and row["unfamiliar"] == 1
    assert 0.4 < json.loads(row["statistics"])["brightness"] < 0.6 and row["visitor"] == "token"
    assert np.frombuffer(row["embedding"], np.float16).tolist() == list(range(32)) and row["seconds"] == 0.03
    assert Store.default().file.stat().st_size < 60_000


def test_a_full_disk_is_never_a_visitors_trouble(settings, monkeypatch):
    settings.home.joinpath("operation.sqlite").mkdir()
    events = []
    monkeypatch.setattr(monitoring.logs, "event", lambda *name, **fields: events.append((*name, fields)))
    monitoring.record("starter", PICTURE, ANSWER)
    (event,) = events
    assert event[:2] == ("monitoring.lost", "warning") and str(settings.home) not in event[2]["sentence"]


def test_a_full_store_is_never_a_visitors_trouble(settings, monkeypatch):
    monitoring.record("starter", PICTURE, ANSWER)
    monkeypatch.setattr("artnb.operation.store.MAX_STORE_BYTES", 1)
    events = []
    monkeypatch.setattr(monitoring.logs, "event", lambda *name, **fields: events.append((*name, fields)))
    monitoring.record("starter", PICTURE, ANSWER)
    (event,) = events
    assert event[:2] == ("monitoring.lost", "warning") and "is full" in event[2]["sentence"]
    assert len(everything()) == 1


def test_the_noise_of_a_picture_is_found_again():
    rng = np.random.default_rng(1)
    flat = np.full((300, 300, 1), 128.0)
    noisy = (flat + rng.normal(0, 10, flat.shape)).clip(0, 255).repeat(3, -1).round().astype(np.uint8)
    assert visual_quality(noisy) == pytest.approx(20 * np.log10(25.5), abs=0.2)
    assert visual_quality(flat.repeat(3, -1).astype(np.uint8)) == pytest.approx(20 * np.log10(2550))


def fill(answers=40):
    store = Store.default()
    store.add(
        "predictions",
        [
            {"model": "starter", "version": "v1", "visitor": f"v{n % 4}", "time": at(n),
             "artist": "Titian", "probability": 0.5 + n % 2 / 4, "unfamiliar": int(n % 4 == 0), "seconds": n / 100}
            for n in range(answers)
        ]
        + [{"model": "starter", "version": "v1", "error": "ImageError", "time": timestamp(MONDAY)}],
    )  # fmt: skip
    for n in range(10):
        artist = "Berthe Morisot" if n == 0 else "Titian" if n < 8 else "Goya"
        said = "Goya" if n == 7 else "Titian"
        row = {"model": "starter", "said": said, "artist": artist, "visitor": f"v{n}", "picture": f"p{n}"}
        store.add("feedback", [row | {"time": timestamp(MONDAY + timedelta(hours=n))}])
    return store


def test_a_report_counts_what_was_noted(settings):
    found = monitoring.report(fill())
    (model,) = found.models.to_dict("records")
    assert (model["answers"], model["errors"], model["visitors"]) == (41, 1, 4)
    assert model["p50"] == pytest.approx(0.195) and model["p95"] == pytest.approx(0.3705)
    assert model["confidence"] == pytest.approx(0.625) and model["unfamiliar"] == pytest.approx(0.25)
    assert found.days["answers"].tolist() == [25, 16] and found.errors.to_dict("records") == [
        {"error": "ImageError", "n": 1}
    ]
    (said,) = found.feedback.to_dict("records")
    assert said["n"] == 10 and said["accuracy"] == pytest.approx(0.6)
    assert (said["low"], said["high"]) == (pytest.approx(0.31267, abs=1e-4), pytest.approx(0.83182, abs=1e-4))  # Wilson
    table = found.confusion["starter"]
    assert table.loc["Titian"].to_dict() == {"Goya": 1, "Titian": 6} and table.loc["Goya", "Titian"] == 2
    assert found.newcomers == {"Berthe Morisot": 1}


def test_a_window_leaves_out_what_was_before_and_after(settings):
    found = monitoring.report(fill(), MONDAY + timedelta(days=1), MONDAY + timedelta(days=1, hours=3))
    assert found.models["answers"].tolist() == [3] and found.feedback.empty and found.errors.empty
    assert found.window == "since 2026-11-03 until 2026-11-03"


def test_a_flood_is_a_warning_and_the_accuracy_is_given_with_and_without_it(settings):
    store = fill()
    flood = [
        {"model": "starter", "said": "Titian", "artist": "Goya", "visitor": "angry", "picture": f"x{n}"}
        for n in range(40)
    ]
    store.add("feedback", [row | {"time": timestamp(MONDAY)} for row in flood])
    found = monitoring.report(store)
    (said,) = found.feedback.to_dict("records")
    assert said["accuracy"] == pytest.approx(6 / 50) and said["accuracy_unflooded"] == pytest.approx(0.6)
    assert any("angry (40)" in sentence for sentence in found.warnings)


def paint(means, weeks=range(4), n=30, model="monet"):
    rng = np.random.default_rng(7)
    for week, mean in zip(weeks, means, strict=True):
        values = rng.normal(mean, 0.05, n)
        rows = [
            {"model": model, "time": timestamp(MONDAY + timedelta(weeks=week, minutes=k)),
             "measures": json.dumps({"style_fidelity": value, "visual_quality": 30 + value})}
            for k, value in enumerate(values)
        ]  # fmt: skip
        Store.default().add("predictions", rows)


def test_a_measure_that_drops_is_a_warning_in_its_week_only(settings):
    paint((0.7, 0.7, 0.7, 0.6))
    found = monitoring.report(Store.default())
    low = found.weeks[found.weeks["warning"]]
    assert set(low["week"]) == {"2026-11-23"} and set(low["measure"]) == {"style_fidelity", "visual_quality"}
    assert len(found.weeks) == 8 and "monet: style_fidelity" in found.warnings[0]
    later = monitoring.report(Store.default(), since=MONDAY + timedelta(weeks=3))
    assert set(later.weeks["week"]) == {"2026-11-23"} and later.weeks["warning"].all(), (
        "against the first answers of all"
    )


def test_a_measure_that_stays_or_rises_is_none(settings):
    paint((0.7, 0.7, 0.7, 0.8))
    assert not monitoring.report(Store.default()).weeks["warning"].any()


def test_a_report_of_nothing_says_so(settings):
    found = monitoring.report(Store.default())
    assert "Nothing was noted" in str(found) and "Nothing was noted" in html_page(found)
    assert json.loads(json.dumps(found.to_dict()))["models"] == []


def test_the_page_asks_nobody_for_anything_and_escapes_what_strangers_wrote(settings):
    store = fill()
    paint((0.7, 0.7, 0.7, 0.6))
    store.add("predictions", [{"model": "<script>alert(1)</script>", "time": timestamp(MONDAY)}])
    page = html_page(monitoring.report(store))
    assert "<script" not in page and "&lt;script" in page
    assert set(re.findall(r'(?:src|href)="([a-z]+:[a-z/]*)', page)) == {"data:image/png"}
    assert page.count("<img") == page.count('alt="') == 3 and "http" not in page


def test_a_hundred_thousand_rows_take_seconds(settings):
    rng = np.random.default_rng(1)
    seconds, artists = rng.lognormal(-3, 0.4, 100_000), rng.integers(0, 11, 100_000)
    Store.default().add(
        "predictions",
        [
            {"model": "m", "version": "v", "time": at(n / 180), "artist": f"a{artist}",
             "probability": 0.9, "unfamiliar": 0, "seconds": second, "visitor": "v"}
            for n, (artist, second) in enumerate(zip(artists.tolist(), seconds.tolist(), strict=True))
        ],
    )  # fmt: skip
    begun = time.process_time()
    found = monitoring.report(Store.default())
    assert found.models["answers"].tolist() == [100_000] and time.process_time() - begun < 6


@pytest.fixture(scope="module")
def starter():
    return load_model("starter")


def test_a_prediction_is_the_same_whether_it_is_noted_or_not(settings, use, starter):
    noted = monitoring.predict_and_log(starter, PICTURE, "token")
    use(log=False)
    assert noted == monitoring.predict_and_log(starter, PICTURE)
    (row,) = everything()
    assert row["artist"] == noted.artist and row["probability"] == pytest.approx(noted.probability)
    assert row["version"] and 0 < row["seconds"] < 60


def test_an_error_is_noted_by_its_kind_and_raised(settings, starter):
    with pytest.raises(ImageError):
        monitoring.predict_and_log(starter, b"a text")
    (row,) = everything()
    assert row["error"] == "ImageError" and row["artist"] is None and row["picture"] is None


def test_the_commands_note_report_review_and_export(use, tmp_path, capsys):
    from PIL import Image

    use(home=tmp_path)
    Image.fromarray(PICTURE).save(tmp_path / "x.png")
    assert main(["predict", "starter", str(tmp_path / "x.png")]) == 0
    assert not Store.default().file.exists()
    assert main(["predict", "starter", str(tmp_path / "x.png"), "--log"]) == 0
    feedback.record(PICTURE, "starter", "Titian", "Goya", agreed=True)
    capsys.readouterr()
    assert main(["monitor", "--json", "-o", str(tmp_path / "page.html")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["models"][0]["answers"] == 1 and (tmp_path / "page.html").read_text().startswith("<!DOCTYPE")
    assert main(["monitor", "--since", "2100-01-01"]) == 0 and "Nothing was noted" in capsys.readouterr().out
    assert main(["feedback", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["artist"], row["kept"], row["state"]) == ("Goya", True, "new")
    assert main(["feedback", "review"]) == 1 and "--accept N" in capsys.readouterr().err
    assert main(["feedback", "review", "--accept", str(row["id"])]) == 0
    assert main(["feedback", "export", "-o", str(tmp_path / "new")]) == 0
    assert len(list((tmp_path / "new" / "images" / "Goya").glob("*.png"))) == 1
    capsys.readouterr()
    assert main(["experiment", "plan", "--base", "0.85", "--lift", "0.05", "--json"]) == 0
    assert 600 < json.loads(capsys.readouterr().out)["needed"] < 750
    assert main(["experiment", "result", "x", "starter", "starter-cnn", "--needed", "10", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["p"] is None
    assert main(["drift", "--model", "starter"]) == 1 and "Got 548 and 1 pictures" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["monitor", "--since", "yesterday"])
    assert "no date such as" in capsys.readouterr().err
