import json
import re
import shutil
import sys

import nbformat
import pytest

from artnb import course
from artnb.common.extras import MissingExtraError
from artnb.course import CourseError, teacher
from artnb.exercises import list_quizzes
from tests.conftest import CHECKOUT, LATE


@pytest.fixture
def notebooks(tmp_path, monkeypatch):
    """A course of two notebooks: one that runs, with a formula, an exercise and a picture, and one that fails."""
    monkeypatch.setattr("artnb.course.notebooks.NOTEBOOKS", tmp_path / "notebooks")
    (tmp_path / "notebooks/figures").mkdir(parents=True)
    (tmp_path / "notebooks/figures/box.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><rect/></svg>')
    v4 = nbformat.v4
    drawing = "import matplotlib.pyplot as plt\nfrom artnb import plots\nplots.use_style()\n_ = plt.plot([1, 2])"
    good = [
        v4.new_markdown_cell("# The first & best\n\nA formula: $x^2$, code: `$HOME`.\n\n![a box](figures/box.svg)"),
        v4.new_code_cell("import os\nprint(6 * 7, 'PYTEST_CURRENT_TEST' in os.environ)"),
        v4.new_code_cell(drawing),
        v4.new_code_cell("# Exercise: the answer\nanswer = 42", metadata={"tags": ["solution"]}),
        v4.new_code_cell("assert answer == 42, 'not yet'", metadata={"tags": ["check"]}),
    ]
    bad = [v4.new_markdown_cell("# The second"), v4.new_code_cell("raise ValueError('on purpose')")]
    for name, cells in (("01_good", good), ("02_bad", bad)):
        nbformat.write(v4.new_notebook(cells=cells), tmp_path / "notebooks" / f"{name}.ipynb")
    return tmp_path / "notebooks"


def test_pages_are_written_with_an_index_and_a_failure_is_reported_at_the_end(notebooks, tmp_path):
    with pytest.raises(
        CourseError,
        match=r"1 of 2 notebooks failed; 02_bad\.ipynb: ValueError on purpose, in code cell 1, which begins with",
    ):
        course.write_pages(tmp_path / "pages")
    index = (tmp_path / "pages/index.html").read_text()
    assert "The first &amp; best" in index and "on purpose" in index and "data:image/png" in index
    page = (tmp_path / "pages/01_good.html").read_text()
    assert "data:image/jpeg" in page  # a photograph as PNG would take four times as much
    assert "42 True" in page and "<msup><mi>x</mi><mn>2</mn></msup>" in page and "$HOME" in page
    assert "http://cdn" not in page and "https://cdn" not in page  # it opens without a network
    assert 'src="data:image/svg+xml;base64,' in page and "figures/box.svg" not in page  # nor needs a file beside it
    assert "PYTEST_CURRENT_TEST" in __import__("os").environ  # pytest's own is put back


@pytest.mark.slow
def test_an_output_that_comes_late_is_not_lost(notebooks):
    file = notebooks / "02_bad.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(LATE)]), file)
    course.save(["02"])
    assert nbformat.read(file, as_version=4).cells[0].outputs[0].text == "late\n"


@pytest.mark.parametrize("write", [course.write_pages, course.write_learner_edition])
def test_a_folder_that_cannot_be_written_to_is_reported_before_a_notebook_runs(notebooks, tmp_path, monkeypatch, write):
    monkeypatch.setattr("artnb.course.pages.run_notebooks", lambda paths: pytest.fail("a notebook was run"))
    file = tmp_path / "file"
    file.write_text("a text")
    for folder in (file, file / "pages"):
        with pytest.raises(CourseError, match=r"is a file, or inside one; name a folder to write to\."):
            write(folder)
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(CourseError, match="can't be written to"):
        write(tmp_path / "mine")
    assert file.read_text() == "a text"


def test_saving_writes_outputs_without_times_or_versions(notebooks):
    course.save(["01"])
    text = (notebooks / "01_good.ipynb").read_text()
    saved = json.loads(text)
    assert "42 True" in text and "iopub" not in text and "3.1" not in json.dumps(saved["metadata"])
    course.save(["01"])
    again = json.loads((notebooks / "01_good.ipynb").read_text())
    assert again["metadata"] == saved["metadata"]


def test_a_failing_notebook_is_left_unchanged(notebooks):
    before = (notebooks / "02_bad.ipynb").read_bytes()
    with pytest.raises(CourseError, match=r"02_bad\.ipynb was left unchanged"):
        course.save(["02"])
    assert (notebooks / "02_bad.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("line", "said"),
    [("raise KeyError('gone')", "KeyError 'gone'"), ("import os; os.kill(os.getpid(), 9)", "DeadKernelError")],
)
def test_the_cell_that_failed_is_named_and_those_after_it_show_nothing_old(notebooks, tmp_path, line, said):
    file = notebooks / "01_good.ipynb"
    course.save(["01"])  # so that all cells have numbers
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[4].outputs = [nbformat.v4.new_output("stream", text="of last time")]
    notebook.cells[2].source = f"{line}\nprint('never')"
    nbformat.write(notebook, file)
    with pytest.raises(CourseError) as failure:
        course.save(["01"])
    assert f"{said}, in code cell 2, which begins with {line!r}" in " ".join(str(failure.value).split())
    with pytest.raises(CourseError, match="code cell 2, which"):
        course.write_pages(tmp_path / "pages", ["01"])
    page = (tmp_path / "pages/01_good.html").read_text()
    assert "42 True" in page and "of last time" not in page


def test_an_unknown_notebook_gives_an_error(notebooks):
    for chosen in (["77"], ["01", "77"]):
        with pytest.raises(CourseError, match=r"begins with 77; there are: 01_good\.ipynb"):
            course.find_notebooks(chosen)


def test_an_index_keeps_the_pages_that_were_written_before(notebooks, tmp_path):
    course.write_pages(tmp_path / "pages", ["01"])
    with pytest.raises(CourseError, match="1 of 1 notebooks failed"):
        course.write_pages(tmp_path / "pages", ["02"], overwrite=True)  # there is an index
    index = (tmp_path / "pages/index.html").read_text()
    assert index.index('<a href="01_good.html">') < index.index('<a href="02_bad.html">')
    with pytest.raises(CourseError, match="1 of 1"):
        course.write_pages(tmp_path / "pages", ["02"], overwrite=True)
    assert (tmp_path / "pages/index.html").read_text() == index


def test_the_learners_edition_has_stubs_that_their_checks_refuse(notebooks, tmp_path):
    (written,) = course.write_learner_edition(tmp_path / "learner", ["01"])
    cells = nbformat.read(written, as_version=4).cells
    assert cells[3].source == "# Exercise: the answer\nanswer = ..." and not cells[1].outputs
    assert (tmp_path / "learner/figures/box.svg").is_file(), "a text cell shows it"
    scope: dict = {}
    exec(cells[3].source, scope)
    with pytest.raises(AssertionError, match="not yet"):
        exec(cells[4].source, scope)


def test_the_steps_of_a_solution_stay_out_of_the_learners_edition(notebooks, tmp_path):
    file = notebooks / "01_good.ipynb"
    notebook = nbformat.read(file, as_version=4)
    notebook.cells[3].source = "# Exercise: a hint\nhalf = 21  # a comment\nanswer = 2 * half  # the trick"
    nbformat.write(notebook, file)
    (written,) = course.write_learner_edition(tmp_path / "learner", ["01"])
    assert nbformat.read(written, as_version=4).cells[3].source == "# Exercise: a hint\nanswer = ..."
    notebook.cells[4].source = "assert answer == 2 * half"
    nbformat.write(notebook, file)
    (written,) = course.write_learner_edition(tmp_path / "other", ["01"])
    assert "half = ..." in nbformat.read(written, as_version=4).cells[3].source


def test_the_teachers_edition_has_plan_solutions_and_answers(notebooks, tmp_path):
    (notebooks / "01_good.ipynb").rename(notebooks / "07_two_questions.ipynb")  # whatever its number
    (page,) = course.write_teacher_edition(tmp_path / "teacher", ["07"])
    text = page.read_text()
    for part in ("Plan", "Typical mistakes", "Ask the class", "The exercises, solved", "The quiz, with its answers"):
        assert f"{part}</h2>" in text, part
    assert '<span class="mi">42</span>' in text and "1b Right. Nothing crashes" in text and "PYTEST" not in text
    assert page.name == "07_two_questions.html" and "http" not in re.sub(r"http://www.w3.org/\S+", "", text)
    with pytest.raises(CourseError, match="exists already, and nothing was written"):
        course.write_teacher_edition(tmp_path / "teacher", ["07"])
    with pytest.raises(CourseError, match=r"Nothing is known about teaching 02_bad\.ipynb; write teaching/bad\.md"):
        course.write_teacher_edition(tmp_path / "teacher", ["02"])


def test_a_teacher_is_told_about_every_subject():
    written = {file.stem: file.read_text() for file in teacher.TEACHING.glob("*.md")}
    assert set(written) == set(list_quizzes())
    for subject, text in written.items():
        headings = re.findall(r"^## (.+)$", text, re.M)
        assert headings[:3] == ["Plan", "Typical mistakes", "Ask the class"], subject
        minutes = sum(map(int, re.findall(r"^- (\d+) minutes: ", text, re.M)))
        assert 35 <= minutes <= 90, f"{subject}: {minutes}"
    assert sum("## A project of your own" in text for text in written.values()) == 5


def test_one_notebook_after_the_other_can_be_taken_out(notebooks, tmp_path):
    for number in ("01", "02"):  # the drawings are there when the second comes
        course.write_learner_edition(tmp_path / "mine", [number])
    assert len(list((tmp_path / "mine").glob("*.ipynb"))) == 2


def test_make_never_overwrites_a_learners_work_nor_cleans_it_away():
    makefile = (CHECKOUT / "Makefile").read_text()
    recipes = dict(re.findall(r"^([a-z-]+):[^\n]*\n((?:\t.*\n)+)", makefile, re.M))
    (folder,) = re.findall(r"^LEARNER := (\S+)$", makefile, re.M)
    assert "$(LEARNER)" in recipes["learner"] and "--overwrite" not in recipes["learner"]
    assert folder.split("/")[0] not in recipes["clean"] and "build/learner" not in recipes["clean"]
    assert f"/{folder}/" in (CHECKOUT / ".gitignore").read_text().splitlines()


def test_what_compiled_code_says_stays_out_of_the_notebooks_of_make_lab(tmp_path, monkeypatch):
    """TensorFlow greets with a dozen red lines, which no variable turns off.

    A kernel hears of them in a thread of its own, and what comes after the cell's end is in no output: so it sleeps.
    """
    from nbclient import NotebookClient

    assert "cp tools/ipython_kernel_config.py .venv/etc/ipython/" in (CHECKOUT / "Makefile").read_text()
    code = "import os, sys, time\nos.write(2, b'a greeting\\n')\nprint('a warning', file=sys.stderr)\ntime.sleep(2)"
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # under it, a kernel takes nothing of this sort at all
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    said = {}
    for name in ("without", "with"):
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
        NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
        said[name] = "".join(output.text for output in notebook.cells[0].outputs)
        (tmp_path / "profile_default").mkdir(exist_ok=True)
        shutil.copy(CHECKOUT / "tools/ipython_kernel_config.py", tmp_path / "profile_default")
    assert "a greeting" in said["without"], "then there is nothing to be kept out"
    assert said["with"] == "a warning\n"


def test_a_stub_keeps_signatures_imports_and_names():
    solution = '''# Write the mean.
# (Two lines.)
import numpy as np

def mean(values: list[float]) -> float:
    """The mean."""
    total = sum(values)
    return total / len(values)

a, (b, *c) = 1, (2, 3)
table["x"] = 3
print(mean([1]))  # gone
'''
    assert course.stub(solution).splitlines() == [
        "# Write the mean.",
        "# (Two lines.)",
        "import numpy as np",
        "def mean(values: list[float]) -> float:",
        '    """The mean."""',
        "    return ...",
        "a = ...",
        "b = ...",
        "c = ...",
    ]


def test_the_course_is_opened_in_a_folder_of_ones_own_and_nothing_is_overwritten(notebooks, tmp_path):
    mine = tmp_path / "mine"
    copied = course.open_course(mine)
    assert copied == [mine / "01_good.ipynb", mine / "02_bad.ipynb"]
    assert (mine / "figures/box.svg").read_bytes() == (notebooks / "figures/box.svg").read_bytes()
    assert copied[0].read_bytes() == (notebooks / "01_good.ipynb").read_bytes()
    copied[0].write_text("my work")
    copied[1].unlink()
    with pytest.raises(CourseError, match=r"01_good\.ipynb exists already, and nothing was written; name a"):
        course.open_course(mine)
    assert copied[0].read_text() == "my work" and not copied[1].exists()
    with pytest.raises(CourseError, match="is a file, or inside one"):
        course.open_course(copied[0])


def test_without_jupyterlab_nothing_is_copied(notebooks, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "jupyterlab", None)
    with pytest.raises(MissingExtraError, match=r"The notebooks need jupyterlab, which isn't .* pip install "):
        course.open_course(tmp_path / "mine")
    assert not (tmp_path / "mine").exists()


def test_the_notebooks_of_a_wheel_are_left_as_they_were_installed(notebooks, monkeypatch):
    monkeypatch.setattr("artnb.course.notebooks.INSTALLED", notebooks)
    before = (notebooks / "01_good.ipynb").read_bytes()
    with pytest.raises(CourseError, match="copy them with `artnb course open DIR`"):
        course.save(["01"])
    assert (notebooks / "01_good.ipynb").read_bytes() == before
    assert len(course.find_notebooks()) == 2


def test_no_file_of_a_learner_or_teacher_is_overwritten_unasked(notebooks, tmp_path):
    mine = tmp_path / "mine" / "01_good.ipynb"
    mine.parent.mkdir()
    mine.write_text("my own work")
    (mine.parent / "01_good.html").write_text("my own page")
    for write in (course.write_learner_edition, course.write_pages):
        with pytest.raises(CourseError, match="exists already, and nothing was written"):
            write(mine.parent, ["01"])
    assert mine.read_text() == "my own work" and len(list(mine.parent.iterdir())) == 2
    course.write_learner_edition(mine.parent, ["01"], overwrite=True)
    assert "my own work" not in mine.read_text()
    with pytest.raises(CourseError, match="holds the course itself"):
        course.write_learner_edition(notebooks, ["01"], overwrite=True)
    (mine.parent / "figures/box.svg").write_text("my own drawing")
    mine.unlink()
    with pytest.raises(CourseError, match=r"box\.svg exists already, and nothing was written"):
        course.write_learner_edition(mine.parent, ["01"])
    assert (mine.parent / "figures/box.svg").read_text() == "my own drawing" and not mine.exists()
    (tmp_path / "open").mkdir()
    (tmp_path / "open" / "figures").write_text("a file")
    with pytest.raises(CourseError, match="exists already"):
        course.open_course(tmp_path / "open")
    assert [file.name for file in (tmp_path / "open").iterdir()] == ["figures"]
