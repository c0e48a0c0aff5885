"""The whole of lesson 02 by keyboard alone; `evaluate` and locators only look."""

from harness import NOTEBOOK, close_files, errors, fits, open_notebook

from hpkit.exercises import lesson_02_learning_rate as ex
from hpkit.exercises._core import to_text

CELL = """() => {
    const content = window.jupyterapp.shell.currentWidget.content
    const index = content.activeCellIndex
    const {cell_type, source} = content.model.sharedModel.cells[index]
    return {index, type: cell_type, source, last: index == content.widgets.length - 1}
}"""
DONE = """index => window.jupyterapp.shell.currentWidget.content.model
    .sharedModel.cells[index].execution_count > 0"""
FOCUS = """() => {
    const at = document.activeElement
    const names = [at.ariaLabel, at.title, at.innerText, at.labels?.[0]?.innerText]
    return [at.role ?? at.tagName, ...names].filter(Boolean).join(' / ')
}"""
SEEN = """panel => {
    const room = panel.closest('.jp-WindowedPanel-outer').getBoundingClientRect()
    const {top, bottom} = panel.getBoundingClientRect()
    return top >= room.top && bottom <= room.bottom + 1
}"""
ENDED = "panel => !panel.classList.contains('hp-running')"
ANSWERS = {exercise.name: exercise.answer() for exercise in ex.EXERCISES}


class Learner:
    """Somebody with a keyboard, in front of the open notebook."""

    def __init__(self, page):
        self.page, self.press = page, page.keyboard.press

    @property
    def cell(self):
        """The cell where the learner is: index, type, source, last."""
        return self.page.evaluate(CELL)

    def run(self):
        """Run the cell, go to the next, and wait until it has run."""
        cell = self.cell
        self.press("Shift+Enter")
        if cell["type"] == "code":
            self.page.wait_for_function(
                DONE, arg=cell["index"], timeout=60_000, polling=100
            )
        return self.page.locator(f"{NOTEBOOK} .jp-Cell").nth(cell["index"])

    def tab_to(self, name, key="Tab"):
        """Press Tab until something of this name has the focus."""
        passed = []
        for _ in range(40):
            self.press(key)
            passed.append(self.page.evaluate(FOCUS))
            if name in passed[-1]:
                return
        raise AssertionError(f"Tab does not reach {name!r}, but {passed}")


def bowl(learner, panel):
    before = panel.locator(".hp-say").inner_text()
    learner.tab_to("slider / learning rate")
    learner.press("ArrowRight")
    panel.locator(".hp-say", has_not_text=before).wait_for()
    learner.tab_to("One step")
    learner.press("Space")
    learner.press("Enter")
    panel.locator(".hp-say", has_text="Step 2").wait_for()


def training(learner, panel):
    learner.tab_to("slider / learning rate")
    for _ in range(3):
        learner.press("ArrowRight")
    panel.locator(".hp-say", has_text="lr 0.02").wait_for()
    for _ in range(2):
        learner.press("0")  # in JupyterLab: restart the kernel
    learner.tab_to("Train")
    learner.press("Enter")
    learner.press("x")  # in JupyterLab: cut the cell
    panel.get_by_text("2 runs").first.wait_for()
    learner.page.wait_for_timeout(500)  # Train may have begun the same run once more
    learner.page.wait_for_function(ENDED, arg=panel.element_handle())
    learner.tab_to("SELECT")
    for key, lr in (("ArrowUp", "0.01"), ("ArrowDown", "0.02")):
        learner.press(key)
        panel.locator(".hp-say", has_text=f"lr {lr},").wait_for()
    learner.tab_to("Pin")
    learner.press("Space")
    panel.locator("option", has_text="● 2").wait_for(state="attached")


def curve(learner, panel):
    before = panel.locator(".hp-say").inner_text()
    learner.tab_to("slider / batch size")
    learner.press("ArrowRight")
    panel.locator(".hp-say", has_not_text=before).wait_for()
    learner.tab_to("choose a value of learning rate")
    learner.press("Home")
    learner.press("Enter")
    panel.locator(".hp-say", has_text="learning rate 0.0001").wait_for()
    learner.tab_to("Start", "Shift+Tab")
    learner.press("Space")


def guess(learner, panel):
    learner.tab_to("slider")
    learner.press("ArrowUp")
    learner.tab_to("This is my guess")
    learner.press("Enter")
    panel.get_by_text("Your guess:").first.wait_for()
    panel.locator(".hp-controls :focus").wait_for()  # what the guess had covered


PANELS = {"BowlPanel": bowl, "TrainingPanel": training, "ValidationCurvePanel": curve}


def quiz(learner, box):
    for question in ex.quiz.questions:
        right = next(a["answer"] for a in question["answers"] if a["correct"])
        learner.tab_to(to_text(right))
        learner.press("x")  # in JupyterLab: cut the cell
        learner.press("Space")
    box.get_by_text(f"{len(ex.quiz)} of {len(ex.quiz)} right").wait_for()


def test_lesson_is_done_by_keyboard_alone(page, lab_server):
    open_notebook(page, lab_server.url, "02_learning_rate.ipynb")
    close_files(page)
    learner, used = Learner(page), []

    while True:
        cell = learner.cell
        asked = [n for n in ANSWERS if f"ex.{n}.check(answer)" in cell["source"]]
        if asked:
            for key in ("Enter", "Control+Home", "End", *["Backspace"] * 3):  # its dots
                learner.press(key)
            page.keyboard.type(repr(ANSWERS[asked[0]]))
        output = learner.run()
        for kind in [k for k in PANELS if f"hk.{k}(" in cell["source"]]:
            output.locator(".hpkit .hp-say").wait_for()
            # Whole, though Shift + Enter has gone on to the cell below.
            panel = output.locator(".hpkit").element_handle()
            page.wait_for_function(SEEN, arg=panel, timeout=5000)
            learner.press("ArrowUp")  # to the cell that ran last, to Tab into its panel
            if "predict=" in cell["source"]:
                guess(learner, output.locator(".hpkit"))
            PANELS[kind](learner, output.locator(".hpkit"))
            assert fits(output.locator(".hpkit"))
            learner.press("ArrowDown")  # to the next cell, from a button
            used.append(kind)
        if cell["source"] == "ex.quiz":
            learner.press("ArrowUp")
            quiz(learner, output)
            learner.press("ArrowDown")
        if asked:
            output.get_by_text("✓").wait_for()
        if cell["last"]:
            break
    page.keyboard.type("hk.progress(2)")
    table = learner.run()

    every = len(ANSWERS) + len(ex.quiz)
    table.get_by_text(f"{every} of {every} done").wait_for()
    assert errors(page) == []
    assert used == list(PANELS)
