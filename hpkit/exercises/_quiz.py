"""`Quiz`: multiple choice whose every choice has an answer that says why.

Questions are JSON in the schema of jupyterquiz: a list of ``{"question", "type":
"multiple_choice", "code", "answers": [{"answer", "correct", "feedback"}]}``. In a
notebook each choice has a button (Tab, then Enter or Space), and its words are the
button's label, so that a click on them presses it; without a front end the quiz prints
itself and is answered by `Quiz.answer`.
"""

import html
import json
import string
import threading
from functools import cached_property
from pathlib import Path

from hpkit.exercises import _progress
from hpkit.exercises._feedback import CORRECT, NOT_YET, Feedback, to_html, to_text

WORDS = {
    "title": "Quiz",
    "question": "Question {n} of {total}",
    "by_call": 'To answer without buttons: ex.quiz.answer(1, "A").',
    "score": "{right} of {total} right, {first} at the first try.",
    "before": "Your answer from {when}: {letter}.",
    "fault": "The answer could not be taken: {error}.",
    "press": "Answer {letter}: {answer}",
    "looked": "Why not?",
}
LETTERS = string.ascii_uppercase
FOLDER = Path(__file__).parent / "quizzes"
# ipywidgets gives a button no id that `for` could name.
PRESS = "this.closest('.hpkit-choice').querySelector('button').click()"
LABEL = '<label style="{}" onclick="{}">{}</label>'
LOOK = "display:block;cursor:pointer;line-height:1.5;padding-top:3px"


class Quiz:
    """Multiple-choice questions.

    Parameters
    ----------
    lesson : str
        Name of the lesson, under which answers are kept.
    path : str or path, optional
        A JSON file; default the lesson's own in quizzes/.

    Raises
    ------
    ValueError
        When it is shown or answered: a question of another type, without exactly
        one right answer, or an answer without feedback.

    Examples
    --------
    >>> quiz = Quiz("02_learning_rate")
    >>> len(quiz), quiz.questions[0]["type"]
    (4, 'multiple_choice')
    """

    def __init__(self, lesson, path=None):
        self.lesson = lesson
        self.path = Path(path) if path else FOLDER / f"{lesson}.json"
        self.error = None  # of the last press of a button, for tests
        self._lock = threading.RLock()
        self._views = []

    @cached_property
    def questions(self):
        """The questions, as in the file."""
        questions = json.loads(self.path.read_text(encoding="utf-8"))
        for n, question in enumerate(questions, 1):
            check_question(f"question {n} of {self.path.name}", question)
        return questions

    def __len__(self):
        """Return how many questions there are."""
        return len(self.questions)

    def key(self, number):
        """Return the key under which a question's answers are kept."""
        return f"{self.lesson}/quiz/{number}"

    def answer(self, number, letter):
        """Answer a question.

        Parameters
        ----------
        number : int
            Of the question; the first is 1.
        letter : str
            Of the choice: "A", "B", ...

        Returns
        -------
        Feedback
            `.passed`, and why the choice is right or wrong.

        Raises
        ------
        ValueError
            No such question or choice.
        """
        with self._lock:
            answers = self._question(number)["answers"]
            letters = LETTERS[: len(answers)]
            letter = letter.strip().upper() if isinstance(letter, str) else letter
            if not isinstance(letter, str) or len(letter) != 1 or letter not in letters:
                raise ValueError(
                    f"a choice must be one of {', '.join(letters)}, got {letter!r}; "
                    "give its letter."
                )
            picked = answers[letters.index(letter)]
            outcome = CORRECT if picked["correct"] else NOT_YET
            key = self.key(number)
            before = _progress.load().get(key, {})
            # Whoever was right only looks at the others.
            looks = outcome == NOT_YET and "passed" in before
            kept = {
                "choice": before.get("choice") if looks else letter,
                "first": before.get("first", letter),
            }
            note = _progress.record(key, outcome, **kept)
            word = WORDS["looked"] if looks else ""
            feedback = Feedback(key, outcome, picked["feedback"], letter, note, word)
            for view in self._views:
                view.show(number, letter, feedback)
            return feedback

    def _question(self, number):
        """Return a question by number, or raise."""
        whole = isinstance(number, int) and not isinstance(number, bool)
        if not whole or not 1 <= number <= len(self):
            raise ValueError(
                f"a question must be a number from 1 to {len(self)}, got {number!r}; "
                "the first is 1."
            )
        return self.questions[number - 1]

    def right(self, number):
        """Return the letter of the right choice (for tests and teachers)."""
        answers = self._question(number)["answers"]
        return LETTERS[[a["correct"] for a in answers].index(True)]

    @property
    def score(self):
        """How many questions have been answered right, now or earlier."""
        return sum(bool(entry.get("passed")) for entry in self._entries())

    @property
    def first_score(self):
        """How many were answered right at the first try."""
        return sum(
            entry.get("first") == self.right(n)
            for n, entry in enumerate(self._entries(), 1)
        )

    def _entries(self):
        """Return what is kept of each question."""
        entries = _progress.load()
        return [entries.get(self.key(n), {}) for n in range(1, len(self) + 1)]

    # ---- how it looks ----

    def __repr__(self):
        """Return all questions and choices as text."""
        lines = []
        for n, question in enumerate(self.questions, 1):
            lines.append(f"{n}. {to_text(question['question'])}")
            lines += question.get("code", "").splitlines()
            for letter, a in zip(LETTERS, question["answers"], strict=False):
                lines.append(f"   {letter}  {to_text(a['answer'])}")
            lines.append("")
        return "\n".join([*lines, WORDS["by_call"]])

    def _markdown(self):
        """Return the same as Markdown, for a notebook without its widgets."""
        parts = []
        for n, question in enumerate(self.questions, 1):
            parts.append(f"**{n}.** {question['question']}")
            if code := question.get("code"):
                parts.append(f"```python\n{code}\n```")
            rows = zip(LETTERS, question["answers"], strict=False)
            parts.append("\n".join(f"- **{k}** {a['answer']}" for k, a in rows))
        return "\n\n".join(parts)

    def _repr_mimebundle_(self, **kwargs):
        """Return the widgets, and the questions as text for where there are none."""
        bundle = {"text/plain": repr(self), "text/markdown": self._markdown()}
        return {**self.widget()._repr_mimebundle_(**kwargs), **bundle}

    def widget(self):
        """Return the quiz as an ipywidgets box; each call makes a new one."""
        view = View(self)
        with self._lock:
            self._views = [view]  # a cell that runs again leaves no old one behind
        return view.box


def check_question(where, question):
    """Raise unless a question can be asked and each choice answers."""
    kind = question.get("type")
    if kind != "multiple_choice":
        raise ValueError(
            f'{where} must have the type "multiple_choice", got {kind!r}; other types '
            "of jupyterquiz are not read here."
        )
    answers = question.get("answers", [])
    right = sum(a.get("correct") is True for a in answers)
    if right != 1:
        raise ValueError(
            f"{where} must have exactly one right answer, got {right}; set "
            '"correct": true for one of them.'
        )
    for letter, a in zip(LETTERS, answers, strict=False):
        if not a.get("answer") or not a.get("feedback"):
            raise ValueError(
                f"{where} must have a text and feedback for each answer, got none for "
                f'{letter}; write "feedback": why it is right or wrong.'
            )


class View:
    """A quiz on the screen: for each choice a button, its text and a place below."""

    def __init__(self, quiz):
        import ipywidgets as widgets

        self.quiz, self.places = quiz, {}
        self.score = widgets.HTML()
        blocks = [self.block(widgets, n) for n in range(1, len(quiz) + 1)]
        self.box = widgets.VBox([*blocks, self.score])
        self.box.add_class("hpkit-quiz")
        self.restore()

    def block(self, widgets, n):
        """Return the widgets of one question."""
        question = self.quiz.questions[n - 1]
        head = WORDS["question"].format(n=n, total=len(self.quiz))
        text = f"<b>{head}.</b> {to_html(question['question'])}"
        if code := question.get("code"):
            text += f"<pre style='margin:6px 0'>{html.escape(code)}</pre>"
        wide = widgets.Layout(width="auto", max_width="48em", flex="1 1 auto")
        rows = [widgets.HTML(f"<div style='line-height:1.5'>{text}</div>", layout=wide)]
        for letter, a in zip(LETTERS, question["answers"], strict=False):
            rows += self.choice(widgets, wide, n, letter, a["answer"])
        return widgets.VBox(rows, layout=widgets.Layout(margin="0 0 14px 0"))

    def choice(self, widgets, wide, n, letter, answer):
        """Return the widgets of one choice."""
        button = widgets.Button(
            description=letter,
            tooltip=WORDS["press"].format(letter=letter, answer=to_text(answer)),
            layout=widgets.Layout(
                width="40px", flex="0 0 auto", margin="2px 8px 2px 2px"
            ),
        )
        button.on_click(lambda _: self.press(n, letter))
        label = LABEL.format(LOOK, PRESS, to_html(answer))
        place = widgets.HTML(
            layout=widgets.Layout(margin="0 0 0 50px", max_width="46em", display="none")
        )
        self.places[n, letter] = place
        line = widgets.HBox(
            [button, widgets.HTML(label, layout=wide)],
            layout=widgets.Layout(align_items="flex-start"),
        )
        line.add_class("hpkit-choice")
        return [line, place]

    def press(self, n, letter):
        """Answer a question; an error is shown, since nobody would see it raised."""
        try:
            self.quiz.error = None
            self.quiz.answer(n, letter)
        except Exception as error:
            self.quiz.error = error
            words = f"{type(error).__name__}: {error}"
            self.score.value = to_html(WORDS["fault"].format(error=words))

    def show(self, n, letter, feedback):
        """Show an answer below its choice, in place of the question's earlier one.

        The right one stays: what is read after it takes nothing back.
        """
        stays = self.quiz.right(n) if feedback.word else None
        for (other, choice), place in self.places.items():
            if other == n and choice != stays:
                place.layout.display, place.value = "none", ""
        place = self.places[n, letter]
        place.value, place.layout.display = feedback._repr_html_(), None
        self.tell_score()

    def tell_score(self):
        """Say how many are right."""
        words = WORDS["score"].format(
            right=self.quiz.score, total=len(self.quiz), first=self.quiz.first_score
        )
        self.score.value = f"<div role='status'><b>{words}</b></div>"

    def restore(self):
        """Show the answers of an earlier day."""
        entries, begun = _progress.load(), False
        for n, question in enumerate(self.quiz.questions, 1):
            entry = entries.get(self.quiz.key(n), {})
            if (n, entry.get("choice")) not in self.places:
                continue
            letter = entry["choice"]
            a = question["answers"][LETTERS.index(letter)]
            outcome = CORRECT if a["correct"] else NOT_YET
            before = WORDS["before"].format(
                when=_progress.when(entry["last"]), letter=letter
            )
            shown = Feedback(self.quiz.key(n), outcome, a["feedback"], letter, before)
            self.show(n, letter, shown)
            begun = True
        if begun:
            self.tell_score()
