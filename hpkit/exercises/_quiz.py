"""`Quiz`: multiple choice with feedback for every choice.

Questions are JSON in the schema of jupyterquiz. Without a front end the quiz prints
itself and is answered by `Quiz.answer`.
"""

import html
import string
from pathlib import Path

from hpkit.exercises import _core
from hpkit.exercises._core import CORRECT, NOT_YET, Feedback, to_html, to_text
from hpkit.hyperparameters import refusal
from hpkit.locale import texts_of, tr

QUIZZES = Path(__file__).parent / "quizzes"
LETTERS = string.ascii_uppercase
# By script, because ipywidgets gives a button no id that `for` could name.
_LABEL = (
    '<label style="display:block;cursor:pointer;line-height:1.5;padding-top:3px" '
    "onclick=\"this.closest('.hpkit-choice').querySelector('button').click()\">"
    "{}</label>"
)


class Quiz:
    """The multiple-choice questions of a lesson, which shows itself."""

    def __init__(self, lesson: str) -> None:
        self.lesson = lesson
        self._places = {}  # (question, letter): where the feedback is shown
        self._box = None  # of the buttons

    @property
    def questions(self) -> list[dict]:
        """The questions, as in the file, in the language chosen."""
        return texts_of(QUIZZES / f"{self.lesson}.json")

    def __len__(self):
        return len(self.questions)

    def key(self, number: int) -> str:
        """Return the key under which a question's answers are kept."""
        return f"{self.lesson}/quiz/{number}"

    def answer(self, number: int, letter: str) -> Feedback:
        """Answer question 1, 2, ... by the letter of a choice; return `Feedback`."""
        choices = self._choices(number)
        if not isinstance(letter, str) or letter.strip().upper() not in choices:
            raise refusal("quiz_choice", letter, letters=", ".join(choices))
        letter = letter.strip().upper()
        choice, key = choices[letter], self.key(number)
        outcome = CORRECT if choice["correct"] else NOT_YET
        note = _core.record(key, outcome)
        feedback = Feedback(key, outcome, choice["feedback"], letter, note)
        self._show(number, feedback)
        return feedback

    def _choices(self, number):
        if type(number) is not int or not 1 <= number <= len(self):
            raise refusal("quiz_question", number, n=len(self))
        return _by_letter(self.questions[number - 1])

    def right(self, number: int) -> str:
        """Return the letter of the right choice."""
        return next(k for k, c in self._choices(number).items() if c["correct"])

    @property
    def score(self) -> int:
        """How many questions have been answered right, now or earlier."""
        entries = _core.load_entries()
        keys = map(self.key, range(1, len(self) + 1))
        return sum(bool(entries.get(key, {}).get("passed")) for key in keys)

    def __repr__(self):
        return repr(_core.Page(self._markdown()))

    def _markdown(self):
        parts = []
        for n, question in enumerate(self.questions, 1):
            parts.append(f"**{n}.** {question['question']}")
            choices = _by_letter(question).items()
            parts.append("\n".join(f"- **{k}** {c['answer']}" for k, c in choices))
        return "\n\n".join([*parts, tr("exercises.quiz.by_call")])

    def _ipython_display_(self):
        from hpkit.panels import parts

        texts = {"plain": repr(self), "markdown": self._markdown()}
        page = "<pre style='white-space:pre-wrap;font-family:inherit'>{}</pre>"
        parts.show_saved(self.widget(), page.format(html.escape(repr(self))), **texts)

    def widget(self):
        """Return the quiz as an ipywidgets box; a new one replaces the old one."""
        from ipywidgets import HTML, VBox

        from hpkit.panels import parts

        if self._box:
            parts.close(self._box)
        self._places, self._score = {}, HTML()
        blocks = [self._question_box(n) for n in range(1, len(self) + 1)]
        self._show_score()
        self._box = box = VBox()
        box.children = HTML(parts.live_style(box)), *blocks, self._score
        box.add_class("hpkit-quiz")
        return box

    def _question_box(self, n):
        from ipywidgets import HTML, Button, HBox, Layout, VBox

        question = self.questions[n - 1]
        head = tr("exercises.quiz.question", n=n, total=len(self))
        text = f"<b role='heading' aria-level='3'>{head}.</b> "
        text += to_html(question["question"])
        wide = Layout(width="auto", max_width="60em", flex="1 1 auto")
        rows = [HTML(f"<div style='line-height:1.5'>{text}</div>", layout=wide)]
        for letter, choice in _by_letter(question).items():
            facts = {"n": n, "letter": letter, "answer": to_text(choice["answer"])}
            small = Layout(width="40px", flex="0 0 auto", margin="2px 8px 2px 2px")
            tip = tr("exercises.quiz.press", **facts)
            button = Button(description=letter, tooltip=tip, layout=small)
            button.on_click(lambda _, letter=letter: self.answer(n, letter))
            label = HTML(_LABEL.format(to_html(choice["answer"])), layout=wide)
            row = HBox([button, label], layout=Layout(align_items="flex-start"))
            row.add_class("hpkit-choice")
            hidden = Layout(margin="0 0 0 50px", max_width="46em", display="none")
            self._places[n, letter] = HTML(layout=hidden)
            rows += [row, self._places[n, letter]]
        return VBox(rows, layout=Layout(margin="0 0 14px 0"))

    def _show(self, n, feedback):
        """Show an answer below its choice, where it stays."""
        if not self._places:  # nothing is on the screen
            return
        place = self._places[n, feedback.reason]
        place.value, place.layout.display = feedback._repr_html_(), None
        self._show_score()

    def _show_score(self):
        text = tr("exercises.quiz.score", right=self.score, total=len(self))
        self._score.value = f"<div aria-live='polite'><b>{text}</b></div>"


def _by_letter(question):
    return dict(zip(LETTERS, question["answers"], strict=False))
