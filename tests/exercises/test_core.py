"""Every exercise: the solution is correct, each wrong answer gets its own message."""

import ast
import inspect
import json
import math
import re
import shutil
import textwrap
import time
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
import torch
from chart_reading import outputs
from ipywidgets.widgets.widget import _instances as widgets
from test_claims import PANEL
from wrong_answers import ALL, ALSO_RIGHT, wrong_answers

from hpkit import Hyperparameters, exercises, grid_search, locale
from hpkit.data.datasets import Dataset
from hpkit.exercises import BY_NAME as LESSONS
from hpkit.exercises import _answers, _core, _quiz
from hpkit.exercises._answers import NotYet
from hpkit.exercises._core import Exercise, Feedback

every_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda one: one.key)


ODD = [None, "?", "", math.nan, math.inf, -7, True, int, object(), lambda: None]
ODD += [[1], [], [1, None], {"a": 1}, {}, np.float32(-2.5), np.zeros((2, 2))]
ODD += [torch.tensor(-2.5), torch.tensor(-7)]


@pytest.fixture
def an_exercise(monkeypatch):
    """Return what makes an exercise outside any lesson."""

    def make(check, **words):
        texts = {"title": "T", "question": "Q?", "expects": "a number"}
        texts |= {"hints": ["a", "b"], "right": "Yes."} | words
        monkeypatch.setattr(_core, "load_texts", lambda lesson: {check.__name__: texts})
        exercise = Exercise(check)
        exercise.lesson = "99_test"
        return exercise

    return make


def same_in_other_types(answer):
    """Return a numeric answer in other types; nothing for other answers."""
    if isinstance(answer, int | float):
        kinds = [np.float64, torch.tensor, np.asarray]
        whole = [int(answer)] if answer == int(answer) else []
        return [kind(answer) for kind in kinds] + whole
    if isinstance(answer, list) and all(isinstance(a, int | float) for a in answer):
        return [tuple(answer), np.array(answer), torch.tensor(answer, dtype=float)]
    return []


@every_exercise
def test_exercise(exercise):
    texts, answer = exercise.words, exercise.answer(panel=PANEL)

    got = exercise.check(answer)
    assert got.passed, got
    others = ALSO_RIGHT.get(exercise.name, same_in_other_types)(answer)
    assert all(map(exercise.check, others))
    free = not texts.get("judged", True)  # nobody judges a text
    assert (got.word != "") == free
    assert got.message.startswith("Compare your answer") == free
    started = time.process_time()
    exercise.check(answer)
    # Two seconds on a quiet machine; the allowance is for a busy one.
    assert time.process_time() - started < 8
    messages = {}
    for wrong, reason in wrong_answers(exercise):
        got = exercise.check(wrong)
        outcome = "not attempted" if reason == "empty" else "not yet"
        assert (got.outcome, got.reason) == (outcome, reason), got
        messages.setdefault(reason, got.message)
        assert not (n := re.match(r"(\d) of (\d) right", got.message)) or n[1] < n[2]
        assert not re.search("`raise |`value = ", got.message), "no line of hpkit's"
        with pytest.raises(AssertionError, match=f"got '{outcome}'"):
            exercise.assert_check_passed()
    empty = exercise.check(...)

    assert empty.outcome == exercise.check().outcome == "not attempted"
    assert len(set(messages.values())) == len(messages)
    # Every message that the exercise has of its own is reached by a wrong answer, and
    # every reason that its check names has a message.
    assert set(texts.get("says", {})) <= messages.keys()
    parts = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(exercise._check))))
    calls = [n for n in parts if "wrong_if" in ast.dump(getattr(n, "func", ast.Pass()))]
    reasons = {keyword.arg for call in calls for keyword in call.keywords} - {None}
    reasons |= {"count", *texts["slips"]} if "slips" in texts else set()
    assert reasons <= {*texts.get("says", ()), *locale.words("exercises.says"), "empty"}
    assert len(texts["hints"]) >= 2


def test_own_table_is_told_what_was_done_to_it_and_how_its_box_opens():
    frame = pd.DataFrame({"id": range(100), "x": [0, 1] * 50, "y": ["a", "b"] * 50})
    data = Dataset.from_frame(frame, target="y")
    assert data.notes[0] in LESSONS["11_your_own"].own_data.check(data).message
    lrs, quick = [0.1, 0.2, 0.3, 0.4, 0.5], Hyperparameters(epochs=1)
    found = grid_search(data, quick, lr=lrs, cv=3)
    said = LESSONS["11_your_own"].search.check(found).message
    assert "`hk.fit(my_data, my_search.best).test_accuracy()`" in said  # no fold's


@every_exercise
@pytest.mark.parametrize("odd", ODD)
def test_odd_answer_gets_a_sentence(exercise, odd):
    got = exercise.check(odd)
    assert got.outcome == "not yet", got
    assert re.fullmatch(r"[A-Z0-9`<].{10,}[.!?]", got.message, re.DOTALL), got.message
    assert not re.search(r"\{[a-z_]*\}", got.message.replace("got {}", ""))


def test_a_list_that_is_half_filled_in_is_no_answer_yet():
    exercise = LESSONS["07_one_at_a_time"].order
    assert exercise.check(["lr", ...]).outcome == "not attempted"


@every_exercise
def test_hints_and_solution_show_themselves(exercise):
    steps = len(exercise.words["hints"])
    exercise._hints_shown = 0

    hints = [repr(exercise.hint()) for _ in range(steps + 1)]
    noted = _core.load_entries()[exercise.key]
    assert (noted["hints"], noted.get("solution")) == (steps, None)
    solution = repr(exercise.solution())
    exercise._hint(1)  # of a new kernel: it takes none back

    noted = _core.load_entries()[exercise.key]
    assert (noted["hints"], noted["solution"]) == (steps, True)
    assert len(set(hints)) == steps
    assert f"1 of {steps}" in hints[0]
    assert ["next hint" in hint for hint in hints] == [True] * (steps - 1) + [False] * 2
    assert f"ex.{exercise.name}.solution()" in hints[-1]
    assert exercise.words["solution"].strip() in solution
    last = ast.parse(exercise.words["solution"]).body[-1]
    assert isinstance(last, ast.FunctionDef) or last.targets[0].id == "answer"
    assert exercise.words["question"].strip() in exercise._repr_markdown_()


def test_button_shows_hint_after_hint_and_then_the_solution(monkeypatch):
    one = LESSONS["03_batch_size"].updates
    _, button, shown = one.widget().children
    seen = []
    while not button.icon:
        label = button.description
        button.click()
        seen.append((label, one.words["hints"][0][:20] in shown.value))
        assert shown.value.count("'polite'") == 1  # what is new is said, alone

    button.click()  # says nothing more
    assert seen == [("Hint", True)] * 2 + [("Solution", True)]
    assert ">def updates_per_epoch(" in shown.value.split("'polite'")[1]
    assert button.tooltip == one.words["title"]
    assert _core.load_entries()[one.key]["solution"]

    monkeypatch.setenv("HPKIT_SOLUTIONS", "0")
    before = len(widgets)
    _, button, shown = one.widget().children
    assert len(widgets) == before  # it takes the old one's place
    for _ in range(3):
        button.click()
    assert button.icon
    assert "switched off" in shown.value
    assert "def " not in shown.value


@pytest.mark.parametrize("name", LESSONS)
def test_lesson_has_names_to_complete(name):
    lesson = LESSONS[name]

    assert lesson is getattr(exercises, f"lesson_{name}")
    assert name == lesson.quiz.lesson
    assert 2 <= len(lesson.EXERCISES) <= 5
    for one in lesson.EXERCISES:
        assert getattr(lesson, one.name) is one
        assert one.lesson == name
    names = {one.name for one in lesson.EXERCISES}
    assert set(_core.load_texts(name)) == {"title", *names}
    assert {"quiz", *names} <= {*dir(lesson)}


def test_names_of_exercises_are_those_of_their_checks():
    names = [one.name for one in ALL]
    checked = [one for one in exercises._CHECKS.values() if isinstance(one, Exercise)]
    assert len(set(names)) == len(names)
    assert {one.name for one in checked} <= set(names)
    with pytest.raises(AttributeError, match="no attribute 'lesson_99_test'"):
        _ = exercises.lesson_99_test


@pytest.mark.parametrize("fault", [ZeroDivisionError, NotYet("bad", number=None)])
def test_fault_of_a_check_is_not_raised(an_exercise, fault):
    check = Mock(side_effect=fault, __name__="check")
    got = an_exercise(check, says={"bad": "It is {number:.2f}."}).check(5)

    assert got.outcome == "could not check"
    assert re.search("ZeroDivisionError|TypeError", got.message)
    assert "not yours" in got.message


def test_outcomes_are_told_apart_by_asserts_and_by_notes(an_exercise):
    def is_one(answer):
        if answer != 1:
            raise NotYet("kind", got="2")

    one = an_exercise(is_one)
    with pytest.raises(AssertionError, match="never checked"):
        one.assert_check_passed()
    assert one.check(...).note == ""
    with pytest.raises(AssertionError, match="got 'not attempted'"):
        one.assert_check_passed()
    assert f"ex.{one.name}.hint()" in one.check(2).note  # of a wrong answer alone
    with pytest.raises(AssertionError, match="'correct', got 'not yet'"):
        one.assert_check_passed()
    assert one.check(1).note == ""
    one.assert_check_passed()
    for later in (..., 2):  # neither takes anything away
        assert not one.check(later).passed
        assert "You passed this exercise on" in one._repr_markdown_()
    assert "1 of 2" in repr(one.hint())
    with pytest.raises(AttributeError, match="cannot assign"):
        one.hint().markdown = one.last.note = ""


def test_solutions_can_be_hidden(monkeypatch):
    one = ALL[0]
    assert "```python" in repr(one.solution())
    exercises.configure(solutions=False)
    assert "switched off" in repr(one.solution())
    exercises.configure(solutions=True)
    assert "```python" in repr(one.solution())
    with pytest.raises(TypeError, match="solutions must be True or False, got 1"):
        exercises.configure(solutions=1)

    monkeypatch.setenv("HPKIT_SOLUTIONS", "0")
    assert "switched off" in repr(one.solution())


def test_feedback_shows_words_in_text_and_html():
    got = Feedback("a/b", "not yet", "Use `x < 1 ** 2` & **y**.", note="`More`.")
    assert repr(got) == "→ Not yet. Use x < 1 ** 2 & y.\nMore."
    page = got._repr_html_()
    assert _core.NOTE.format("<code role='none'>More</code>.") in page
    assert "<code role='none'>x &lt; 1 ** 2</code> &amp; <b>y</b>" in page
    assert "Not yet." in page
    assert "aria-live='polite'" in page
    assert max(map(len, _core.to_text("a " * 200).splitlines())) == 87  # of 88
    said = "correct", "not yet", "could not check"
    assert [bool(Feedback("a/b", one, "x")) for one in said] == [True, False, False]


def test_an_exercise_shows_its_question_and_its_button(monkeypatch):
    shown, one = outputs(monkeypatch), ALL[0]
    one._ipython_display_()
    (question, _), _, (saved, _) = shown
    assert question._repr_markdown_() == one._repr_markdown_()
    assert f"ex.{one.name}.hint()" in saved["text/plain"]


def test_choice_is_tolerant_of_case_and_blanks():
    assert _answers.choice(" Too Slow ", ("too slow", "good")) == "too slow"
    for written in ("overfitting", "over-fitting", "Over fitting", "over_fitting"):
        assert _answers.choice(written, ("good", "overfitting")) == "overfitting"
    assert _answers.choice(np.float32(0.1), (0.1, 1)) == 0.1
    with pytest.raises(NotYet, match=r"^unknown$"):
        _answers.choice("slow", ("too slow",))


def test_function_error_is_shown_as_the_learners_and_changes_no_case():
    def halve(values):
        values.clear()
        return 1 / 0

    case = [1, 2]
    with pytest.raises(NotYet) as caught:
        _answers.call_answer(halve, case)

    told = [caught.value.values[name] for name in ("error", "call", "line")]
    error = "ZeroDivisionError: division by zero"
    assert told == [error, "halve([1, 2])", "return 1 / 0"]
    assert case == [1, 2]
    for wrong, reason, name in ((halve, "called", "halve"), (int, "kind", None)):
        with pytest.raises(NotYet, match=f"^{reason}$") as caught:
            _answers.function(wrong, ["a", "b"])
        assert caught.value.values.get("name") == name


def test_same_is_strict_about_kind_and_near_about_numbers():
    assert _answers.same_result(0.1 + 0.2, 0.3)
    assert _answers.same_result(2.0, 2)
    assert _answers.same_result(torch.tensor([1, 2]), [1, 2])
    assert not _answers.same_result([1], [1, 2])
    assert not _answers.same_result(10**400, 0.3)
    assert not _answers.same_result(True, 1)
    assert not _answers.same_result("1", 1)
    assert not _answers.same_result(math.nan, 1.0)


def test_words_of_another_language_stand_beside_the_english(tmp_path, monkeypatch):
    name, lesson = "02_learning_rate", LESSONS["02_learning_rate"]
    english, asked = lesson.good_rate.words["question"].strip(), lesson.quiz.questions
    other = {"toml": '[good_rate]\ntitle = "Un bon pas"\n'}
    other["json"] = json.dumps([asked[0] | {"question": "Quoi?"}])
    (tmp_path / "xx").mkdir()
    for module, folder, kind in ((_core, "TEXTS", "toml"), (_quiz, "QUIZZES", "json")):
        shutil.copy(getattr(module, folder) / f"{name}.{kind}", tmp_path)
        (tmp_path / "xx" / f"{name}.{kind}").write_text(other[kind])
        monkeypatch.setattr(module, folder, tmp_path)

    for language in ("xx", "en"):
        monkeypatch.setattr(locale, "_current", [language])
        assert ("Un bon pas" in repr(lesson.good_rate)) == (language == "xx")
        assert ("Quoi?" in repr(lesson.quiz)) == (language == "xx")
        # What the other file lacks is English.
        assert english in lesson.good_rate._repr_markdown_()
        assert lesson.quiz.questions[1:] == asked[1:]
    monkeypatch.setattr(locale, "_current", ["xx"])
    (tmp_path / "xx" / f"{name}.json").unlink()
    assert lesson.quiz.questions == asked


def test_a_check_says_once_that_it_trains(capsys):
    for _ in range(2):
        runs = _core.trained("moons", Hyperparameters(epochs=2))
    assert capsys.readouterr().out == "Training 5 runs to check your answer ...\n"
    assert (runs.epochs_done == 2).all()
