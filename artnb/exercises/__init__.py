"""What a notebook asks its learner: checks of answers, and a quiz at its end."""

from artnb.exercises.checks import expect
from artnb.exercises.quizzes import Quiz, list_quizzes, quiz

__all__ = ["Quiz", "expect", "list_quizzes", "quiz"]
