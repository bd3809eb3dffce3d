"""The quizzes: well formed, readable as text, answered by clicks, and one for every notebook."""

import re

import nbformat
import pytest

from artnb.exercises import list_quizzes, quiz, quizzes
from tests.conftest import CHECKOUT


@pytest.mark.parametrize("name", list_quizzes())
def test_questions_have_one_right_answer_and_a_reason_for_each(name):
    questions = quiz(name).questions
    assert 4 <= len(questions) <= 5 and len({question.text for question in questions}) == len(questions)
    for question in questions:
        assert 3 <= len(question.choices) <= 4 and sum(choice.right for choice in question.choices) == 1
        assert len({choice.text for choice in question.choices}) == len(question.choices)
        for choice in question.choices:
            assert len(choice.why.split()) >= 4 and choice.why.endswith((".", "?")), choice
    places = [[choice.right for choice in question.choices].index(True) for question in questions]
    assert len(set(places)) > 1, "the right answer is always at the same place"


def test_every_notebook_has_a_quiz_and_every_quiz_a_notebook():
    asked = []
    for path in sorted((CHECKOUT / "notebooks").glob("[0-9]*.ipynb")):
        sources = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        named = re.findall(r'^quiz\("(\w+)"\)$', "\n".join(sources), re.M)
        asked += named or [re.sub(r"^\d+_", "", path.stem)]
    assert len(asked) == len(set(asked)) and set(asked) <= set(list_quizzes())


def test_a_quiz_is_text_with_the_answers_at_its_end():
    text = str(quiz("two_questions"))
    questions, _, answers = text.partition("\n\nANSWERS\n\n")
    assert questions.startswith("1. A network") and "\n   b) It answers as surely" in questions
    assert "1b Right. Nothing crashes" in answers and "1a No. " in answers and "Right." not in questions
    assert max(map(len, text.splitlines())) <= 100


def test_a_saved_notebook_has_the_text_and_a_live_one_what_can_be_clicked(monkeypatch):
    asked = quiz("two_questions")
    assert asked._repr_mimebundle_() == {"text/plain": str(asked)}
    monkeypatch.delenv("PYTEST_CURRENT_TEST")
    bundle = asked._repr_mimebundle_()
    assert bundle["text/plain"] == str(asked) and "application/vnd.jupyter.widget-view+json" in bundle
    _, buttons, said = asked._widget().children[0].children
    buttons.value = "a"
    assert said.value.startswith('<b class="wrong">No.</b> The shapes')
    buttons.value = "b"
    assert said.value.startswith('<b class="right">Right.</b> ')


def test_what_stands_in_a_file_is_text_and_never_html(tmp_path):
    file = tmp_path / "mine.toml"
    choices = '{ text = "<b>", why = "`a < b`", right = true }, { text = "no", why = "<i>" }'
    file.write_text(f'[[question]]\ntext = "<script>"\nchoices = [{choices}]\n')
    written = quizzes._read(file).to_html()
    assert "&lt;script&gt;" in written and "<code>a &lt; b</code>" in written and "<i>" not in written


def test_a_wrong_file_or_name_is_a_sentence(tmp_path):
    with pytest.raises(quizzes.QuizError, match="There is no quiz 'nonsense'; there are a_network"):
        quiz("nonsense")
    file = tmp_path / "mine.toml"
    file.write_text('[[question]]\ntext = "Why?"\nchoices = [{ text = "a", why = "b" }]\n')
    with pytest.raises(quizzes.QuizError, match=r"mine\.toml: 'Why\?' needs exactly one right answer"):
        quizzes._read(file)
