"""What is logged of a prediction, what is not, and the reports on it."""

import json
import re
import sys
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from artnb.classification.prediction import Prediction
from artnb.cli import main
from artnb.common import extras
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
    """The time so many hours after the first Monday."""
    return timestamp(MONDAY + timedelta(hours=hours))


@pytest.fixture
def settings(use, tmp_path):
    return use(home=tmp_path, log=True)


def everything():
    names = re.findall(r"(\w+) (?:INTEGER|TEXT|REAL|BLOB)", TABLES["predictions"])
    return Store.default().read("predictions", names).to_dict("records")


def test_nothing_is_logged_by_default(settings, use):
    use(log=False)
    monitoring.record_prediction("starter", PICTURE, ANSWER)
    assert not Store.default().file.exists()


def test_a_prediction_is_logged_without_its_picture(settings):
    monitoring.record_prediction("starter", PICTURE, ANSWER, None, 0.03, "abc", "token")
    (row,) = everything()
    assert row["picture"] == feedback.picture_hash(PICTURE) and (row["model"], row["version"]) == ("starter", "abc")
    assert json.loads(row["probabilities"]) == {"Titian": 0.7, "Goya": 0.3} and row["unfamiliar"] == 1
    assert 0.4 < json.loads(row["statistics"])["brightness"] < 0.6 and row["visitor"] == "token"
    assert np.frombuffer(row["embedding"], np.float16).tolist() == list(range(32)) and row["seconds"] == 0.03
    assert Store.default().file.stat().st_size < 60_000


def test_a_full_disk_is_an_event_and_no_error(settings, monkeypatch):
    settings.home.joinpath("operation.sqlite").mkdir()
    events = []
    monkeypatch.setattr(monitoring.logs, "event", lambda *name, **fields: events.append((*name, fields)))
    monitoring.record_prediction("starter", PICTURE, ANSWER)
    answer, event = events
    assert answer[0] == "model.answer" and answer[1]["model"] == "starter"
    assert event[:2] == ("monitoring.lost", "warning") and str(settings.home) not in event[2]["sentence"]


def test_a_full_store_is_an_event_and_no_error(settings, monkeypatch):
    monitoring.record_prediction("starter", PICTURE, ANSWER)
    monkeypatch.setattr("artnb.operation.store.MAX_STORE_BYTES", 1)
    events = []
    monkeypatch.setattr(monitoring.logs, "event", lambda *name, **fields: events.append((*name, fields)))
    monitoring.record_prediction("starter", PICTURE, ANSWER)
    answer, event = events
    assert answer[0] == "model.answer" and answer[1]["model"] == "starter"
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
        predicted = "Goya" if n == 7 else "Titian"
        row = {"model": "starter", "said": predicted, "artist": artist, "visitor": f"v{n}", "picture": f"p{n}"}
        store.add("feedback", [row | {"time": timestamp(MONDAY + timedelta(hours=n))}])
    return store


def test_a_report_counts_the_logged_predictions(settings):
    report = monitoring.monitoring_report(fill())
    (model,) = report.models.to_dict("records")
    assert (model["answers"], model["errors"], model["visitors"]) == (41, 1, 4)
    assert model["p50"] == pytest.approx(0.195) and model["p95"] == pytest.approx(0.3705)
    assert model["confidence"] == pytest.approx(0.625) and model["unfamiliar"] == pytest.approx(0.25)
    assert report.days["answers"].tolist() == [25, 16] and report.errors.to_dict("records") == [
        {"error": "ImageError", "n": 1}
    ]
    (row,) = report.feedback.to_dict("records")
    assert row["n"] == 10 and row["accuracy"] == pytest.approx(0.6)
    assert (row["low"], row["high"]) == (pytest.approx(0.31267, abs=1e-4), pytest.approx(0.83182, abs=1e-4))  # Wilson
    table = report.confusion["starter"]
    assert table.loc["Titian"].to_dict() == {"Goya": 1, "Titian": 6} and table.loc["Goya", "Titian"] == 2
    assert report.newcomers == {"Berthe Morisot": 1}


def test_without_its_package_the_whole_extra_is_named(settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsmodels.stats.proportion", None)
    monkeypatch.setattr(extras, "_installed", lambda package: False)
    with pytest.raises(extras.MissingExtraError, match=r"needs statsmodels, .*mlflow.*statsmodels.*seaborn"):
        monitoring.monitoring_report(fill())


def test_a_window_leaves_out_what_was_before_and_after(settings):
    report = monitoring.monitoring_report(fill(), MONDAY + timedelta(days=1), MONDAY + timedelta(days=1, hours=3))
    assert report.models["answers"].tolist() == [3] and report.feedback.empty and report.errors.empty
    assert report.window == "since 2026-11-03 until 2026-11-03"


def test_a_flood_is_a_warning_and_the_accuracy_is_given_with_and_without_it(settings):
    store = fill()
    flood = [
        {"model": "starter", "said": "Titian", "artist": "Goya", "visitor": "angry", "picture": f"x{n}"}
        for n in range(40)
    ]
    store.add("feedback", [row | {"time": timestamp(MONDAY)} for row in flood])
    report = monitoring.monitoring_report(store)
    (row,) = report.feedback.to_dict("records")
    assert row["accuracy"] == pytest.approx(6 / 50) and row["accuracy_unflooded"] == pytest.approx(0.6)
    assert any("angry (40)" in sentence for sentence in report.warnings)


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
    report = monitoring.monitoring_report(Store.default())
    low = report.weeks[report.weeks["warning"]]
    assert set(low["week"]) == {"2026-11-23"} and set(low["measure"]) == {"style_fidelity", "visual_quality"}
    assert len(report.weeks) == 8 and "monet: style_fidelity" in report.warnings[0]
    later = monitoring.monitoring_report(Store.default(), since=MONDAY + timedelta(weeks=3))
    assert set(later.weeks["week"]) == {"2026-11-23"} and later.weeks["warning"].all(), (
        "against the first answers of all"
    )


def test_a_measure_that_stays_or_rises_is_no_warning(settings):
    paint((0.7, 0.7, 0.7, 0.8))
    assert not monitoring.monitoring_report(Store.default()).weeks["warning"].any()


def test_a_report_of_nothing_says_so(settings):
    report = monitoring.monitoring_report(Store.default())
    assert "Nothing was logged" in str(report) and "Nothing was logged" in html_page(report)
    assert json.loads(json.dumps(report.to_dict()))["models"] == []


def test_the_page_loads_nothing_and_escapes_what_strangers_wrote(settings):
    store = fill()
    paint((0.7, 0.7, 0.7, 0.6))
    store.add("predictions", [{"model": "<script>alert(1)</script>", "time": timestamp(MONDAY)}])
    page = html_page(monitoring.monitoring_report(store))
    assert "<script" not in page and "&lt;script" in page
    assert set(re.findall(r'(?:src|href)="([a-z]+:[a-z/]*)', page)) == {"data:image/png"}
    assert page.count("<img") == page.count('alt="') == 3 and "http" not in page


def test_a_hundred_thousand_rows_are_counted(settings):
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
    report = monitoring.monitoring_report(Store.default())
    assert report.models["answers"].tolist() == [100_000] and report.days["answers"].sum() == 100_000
    assert report.models["p50"].item() == pytest.approx(np.median(seconds))


def test_a_window_of_a_long_history_reads_the_references_and_its_own_weeks_only(settings, monkeypatch):
    """And says of its weeks what the report of all time says."""
    paint((0.7, 0.7, 0.7, 0.7, 0.6), weeks=range(5), n=40)
    paint((0.5, 0.4), weeks=range(3, 5), n=30, model="later")
    whole = monitoring.monitoring_report(Store.default()).weeks
    handed, right = [], monitoring.weekly
    monkeypatch.setattr(monitoring, "weekly", lambda rows, since: handed.append(len(rows)) or right(rows, since))
    part = monitoring.monitoring_report(Store.default(), since=MONDAY + timedelta(weeks=4, days=2)).weeks
    last = whole[whole["week"] == whole["week"].max()].reset_index(drop=True)
    assert part.to_dict("records") == last.to_dict("records") and set(part["model"]) == {"monet", "later"}
    assert handed == [monitoring.REFERENCE + 40 + 60], "of monet's first four weeks 50 of 160"


def test_names_with_dollars_are_names_in_figures_too(settings):
    store = Store.default()
    names = ("$x^$", "a $ and a $", "$\\frac$")
    for name in names:
        row = {"model": name, "visitor": "v", "picture": name, "said": names[0], "artist": name}
        store.add("feedback", [row | {"time": timestamp(MONDAY)}])
    paint((0.7, 0.6), weeks=range(2), model="$y^$")
    page = html_page(monitoring.monitoring_report(store))
    assert page.count("<img") == 5 and "$x^$" in page


@pytest.fixture(scope="module")
def starter():
    return load_model("starter")


def test_a_prediction_is_the_same_whether_it_is_logged_or_not(settings, use, starter):
    prediction = monitoring.predict_and_log(starter, PICTURE, "token")
    use(log=False)
    assert prediction == monitoring.predict_and_log(starter, PICTURE) == starter(PICTURE)
    (row,) = everything()
    assert row["artist"] == prediction.artist and row["probability"] == pytest.approx(prediction.probability)
    assert row["version"] == starter.identity and row["seconds"] > 0


def test_an_error_is_logged_by_its_type_and_raised(settings, starter):
    with pytest.raises(ImageError):
        monitoring.predict_and_log(starter, b"a text")
    (row,) = everything()
    assert row["error"] == "ImageError" and row["artist"] is None and row["picture"] is None


def test_the_commands_log_report_review_and_export(use, tmp_path, capsys):
    from PIL import Image

    use(home=tmp_path)
    Image.fromarray(PICTURE).save(tmp_path / "x.png")
    assert main(["predict", "starter", str(tmp_path / "x.png")]) == 0
    assert not Store.default().file.exists()
    assert main(["predict", "starter", str(tmp_path / "x.png"), "--log"]) == 0
    feedback.record_feedback(PICTURE, "starter", "Titian", "Goya", agreed=True)
    capsys.readouterr()
    assert main(["watch", "report", "--json", "-o", str(tmp_path / "page.html")]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["models"][0]["answers"] == 1 and (tmp_path / "page.html").read_text().startswith("<!DOCTYPE")
    assert main(["watch", "report", "--since", "2100-01-01"]) == 0 and "Nothing was logged" in capsys.readouterr().out
    assert main(["watch", "feedback", "list", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["results"]
    assert (row["artist"], row["kept"], row["state"]) == ("Goya", True, "new")
    assert main(["watch", "feedback", "review"]) == 2 and "--accept N" in capsys.readouterr().err
    assert main(["watch", "feedback", "review", "--accept", str(row["id"])]) == 0
    assert main(["watch", "feedback", "export", "-o", str(tmp_path / "new")]) == 0
    assert len(list((tmp_path / "new" / "images" / "Goya").glob("*.png"))) == 1
    capsys.readouterr()
    assert main(["watch", "experiment", "plan", "--base", "0.85", "--lift", "0.05", "--json"]) == 0
    assert 600 < json.loads(capsys.readouterr().out)["needed"] < 750
    plan = ["--base", "0.85", "--lift", "0.05"]
    assert main(["watch", "experiment", "start", "x", "starter", "starter-cnn", *plan]) == 0
    capsys.readouterr()
    assert main(["watch", "experiment", "result", "x", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["p"] is None
    assert main(["watch", "drift", "starter"]) == 1 and "Got 551 and 1 pictures" in capsys.readouterr().err
    assert main(["watch", "report", "--since", "yesterday"]) == 2
    assert "not a date such as" in capsys.readouterr().err
