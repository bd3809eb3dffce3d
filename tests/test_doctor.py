from artnb import doctor
from artnb.settings import Settings


def test_the_report_says_what_a_newcomer_needs(tmp_path):
    found = doctor.examine(Settings(home=tmp_path, weights="packaged"))
    assert found["source"] == "studio" and found["profile"] == "quick"
    assert found["weights"]["vgg19"] is None and found["weights"]["efficientnet-lite0"]
    assert found["packages"]["tensorflow"] != "missing"
    report = doctor.report(found)
    assert len(report.splitlines()) <= 12
    assert "vgg19: not found" in report and "ARTNB_WEIGHTS" in report


def test_a_folder_that_is_no_collection_gets_advice(tmp_path):
    found = doctor.examine(Settings(home=tmp_path, source="folder", data=tmp_path))
    assert any("images/" in advice for advice in found["advice"])


def test_the_setup_line_holds_no_path(tmp_path):
    line = doctor.setup_line(Settings(home=tmp_path, source="folder", data=tmp_path, weights=tmp_path))
    assert str(tmp_path) not in line and "folder" in line and "efficientnet-lite0" in line
