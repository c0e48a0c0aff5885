"""Quizzes: every choice answers, by button and by call, and progress keeps it."""

import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from chart_reading import outputs
from ipywidgets import Button

from hpkit import exercises
from hpkit.exercises import Quiz, _core
from hpkit.exercises._core import to_html
from hpkit.exercises._quiz import LETTERS
from hpkit.panels.parts import VIEW, WORDS

QUIZZES = [lesson.quiz for lesson in exercises.BY_NAME.values()]


@pytest.fixture
def quiz():
    return Quiz("02_learning_rate")


def inside(view):
    yield view
    for child in getattr(view, "children", ()):
        yield from inside(child)


def buttons(view):
    return [widget for widget in inside(view) if isinstance(widget, Button)]


def shown(view):
    """Return the HTML of all that is not hidden."""
    texts = [w for w in inside(view) if getattr(w, "value", "")]
    return "\n".join(w.value for w in texts if w.layout.display != "none")


@pytest.mark.parametrize("quiz", QUIZZES, ids=lambda quiz: quiz.lesson)
def test_each_choice_has_an_answer_of_its_own(quiz):
    assert 3 <= len(quiz) <= 5
    for n, question in enumerate(quiz.questions, 1):
        answers = question["answers"]
        assert question["type"] == "multiple_choice"
        assert 2 <= len(answers) <= 5
        assert all(a["answer"] for a in answers)
        replies = [quiz.answer(n, LETTERS[i]) for i in range(len(answers))]
        assert sum(reply.passed for reply in replies) == 1
        assert quiz.answer(n, quiz.right(n)).passed
        assert len({reply.message for reply in replies}) == len(answers)
        assert [r.message for r in replies if len(r.message.split()) < 6] == []


def test_neither_letter_nor_length_of_a_choice_gives_it_away():
    letters = {quiz.right(n) for quiz in QUIZZES for n in range(1, len(quiz) + 1)}
    assert {"A", "B", "C"} <= letters
    asked = [q["answers"] for quiz in QUIZZES for q in quiz.questions]
    for extreme in min, max:
        at = [extreme(answers, key=lambda a: len(a["answer"])) for answers in asked]
        assert 0.2 < sum(a["correct"] for a in at) / len(asked) < 0.45


def test_without_a_front_end_it_prints_and_is_answered_by_call(quiz):
    text = repr(quiz)
    assert re.search(r"^1\. ", text, re.MULTILINE)
    assert "\n- A " in text
    assert 'ex.quiz.answer(1, "A")' in text
    assert quiz.answer(1, quiz.right(1).lower()).passed
    assert quiz.score == 1
    assert _core.load_entries()["02_learning_rate/quiz/1"]["outcome"] == "correct"


BAD = [(1, letter) for letter in ("Z", "", "AB", 1, None, np.array(["A"]))]
BAD += [(number, "A") for number in (0, 99, True, "1")]


@pytest.mark.parametrize(("number", "letter"), BAD)
def test_no_such_choice_or_question(quiz, number, letter):
    words = "choice must be one of A, B, C"
    words = "question must be a number from 1 to 4" if str(letter) == "A" else words
    with pytest.raises(ValueError, match=f"a {words}, got"):
        quiz.answer(number, letter)


def test_buttons_show_why_and_a_look_at_a_wrong_choice_takes_no_answer_back(quiz):
    view, right = quiz.widget(), LETTERS.index(quiz.right(1))
    first, *others = (n for n in range(len(quiz.questions[0]["answers"])) if n != right)

    buttons(view)[first].click()
    after_wrong = shown(view)
    buttons(view)[right].click()
    entry = _core.load_entries()[quiz.key(1)]
    for n in others:
        buttons(view)[n].click()
    said = shown(view)

    assert "Not yet." in after_wrong
    assert "Correct." not in after_wrong
    for answer in quiz.questions[0]["answers"]:
        assert to_html(answer["feedback"]) in said
    assert "Correct." in said
    assert "1 of 4 right." in said
    assert _core.load_entries()["02_learning_rate/quiz/1"] == entry
    assert entry["tries"] == 2
    again = shown(Quiz("02_learning_rate").widget())  # on another day
    assert "1 of 4 right." in again
    assert "Correct." not in again


def test_words_of_a_choice_are_the_label_of_its_button(quiz):
    view = quiz.widget()
    lines = [line for line in inside(view) if "hpkit-choice" in line._dom_classes]
    assert len(lines) == sum(len(q["answers"]) for q in quiz.questions)
    for line in lines:
        words = line.children[1].value
        assert len(buttons(line)) == 1
        assert words.startswith("<label ")
        assert "closest('.hpkit-choice').querySelector('button').click()" in words
    first = buttons(view)[0]  # for screen readers
    assert len({button.tooltip for button in buttons(view)}) == len(lines)
    assert first.tooltip.startswith("Question 1, answer A: ")
    assert "`" not in first.tooltip
    quiz.answer(2, quiz.right(2))
    assert "Correct." in shown(view)


def test_answers_from_several_threads(quiz):
    view = quiz.widget()
    with ThreadPoolExecutor(20) as pool:
        list(pool.map(Button.click, buttons(view)))

    kept = _core.load_entries()
    for n, question in enumerate(quiz.questions, 1):
        entry = kept[quiz.key(n)]  # what comes after the right one is no try
        assert entry["outcome"] == "correct"
        assert 1 <= entry["tries"] <= len(question["answers"])
    assert " of 4 right." in quiz._score.value


def test_saved_questions_stand_beside_the_buttons(quiz, monkeypatch):
    shown = outputs(monkeypatch)
    quiz._ipython_display_()

    (view, _), (saved, _) = shown
    assert view[VIEW]["model_id"] == quiz._box.model_id
    assert "- **A** " in saved["text/markdown"]
    assert saved["text/plain"] == repr(quiz)
    assert "\n- A " in saved["text/html"]
    assert WORDS["dead"] in saved["text/html"]
