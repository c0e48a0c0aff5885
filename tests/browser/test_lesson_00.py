"""Lesson 00 in a real JupyterLab, by mouse, exactly as its text says."""

import re

from harness import ROOT, close_files, errors, fits, open_notebook, show_cell

from hpkit.exercises import lesson_00_start as ex
from hpkit.exercises._core import to_text

TEXT = (ROOT / "notebooks" / "src" / "00_start.py").read_text(encoding="utf-8")


# From now on every sentence that the panel says.
LISTEN = """() => {
    const panel = document.querySelector('.hpkit')
    window.said = []
    const listen = () => said.push(panel.querySelector('.hp-say')?.textContent)
    const every = {subtree: true, childList: true, characterData: true}
    new MutationObserver(listen).observe(panel, every)
}"""


class Mouse:
    """Somebody with a mouse, in front of the open notebook."""

    def __init__(self, page):
        self.page = page
        self.panel = page.locator(".hpkit")
        self.said = self.panel.locator(".hp-say").first  # seen, before what was said

    def run(self, text, answer=None):
        """Click into the cell, write the answer for its dots, press Shift + Enter."""
        cell = show_cell(self.page, text)
        cell.locator(".cm-line").first.click()
        if answer:
            for key in ("Control+Home", "End", *["Backspace"] * 3):
                self.page.keyboard.press(key)
            self.page.keyboard.type(answer)
        self.page.keyboard.press("Shift+Enter")
        cell.locator(".jp-InputPrompt", has_text=re.compile(r"\[\d+\]")).wait_for()
        return cell

    def up_to_the_panel(self):
        show_cell(self.page, "hk.TrainingPanel")
        self.panel.scroll_into_view_if_needed()

    def handle(self, name):
        return self.panel.get_by_role("slider", name=name)

    def drag(self, name, share, *, release=True):
        """Drag a slider to a share of its length, as a hand does."""
        handle = self.page.get_by_role("slider", name=name)
        knob = self.panel.locator(".hp-knob", has=handle)
        track = knob.locator(".noUi-target").bounding_box()
        at = self.handle(name).bounding_box()
        x, y = at["x"] + at["width"] / 2, at["y"] + at["height"] / 2
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        self.page.mouse.move(track["x"] + share * track["width"], y, steps=12)
        if release:
            self.page.mouse.up()

    def click(self, name):
        self.panel.get_by_role("button", name=name, exact=True).click()

    def type(self, name, text):
        """Click into a box of the panel, write over what is there, press Enter."""
        box = self.panel.locator("input").and_(self.panel.get_by_label(name))
        box.click(click_count=3)
        self.page.keyboard.type(text, delay=100)  # as a hand does
        self.page.keyboard.press("Enter")

    def reads(self, pattern):
        """Wait until the sentence says this; return what the groups hold."""
        words = re.compile(pattern)
        self.said.filter(has_text=words).wait_for()
        return words.search(self.said.inner_text()).groups()


def test_lesson_is_done_by_mouse_as_its_text_says(page, lab_server):
    open_notebook(page, lab_server.url, "00_start.ipynb")
    close_files(page)
    hand = Mouse(page)
    for cell in ("import hpkit", "hk.plot_data(moons)", "hk.TrainingPanel"):
        hand.run(cell)
    hand.up_to_the_panel()
    assert fits(hand.panel)

    # The line and the sentence follow while the button is down.
    for share, lr in ((0.7, r"0\.[2-4]\d*"), (0.2, r"0\.00[01]\d*")):
        hand.drag("learning rate", share, release=False)
        hand.reads(rf"\(lr {lr}, ")
        page.mouse.up()
    assert hand.panel.locator(".hpc").count() == 2

    # The end of the slider is the number of the text, and the line is seen to grow.
    words = " ".join(TEXT.replace("#", " ").split())
    (most,) = re.search(r"epochs to the far right, to (\d+)", words).groups()
    hand.type("learning rate", "0.1")
    hand.click("Slow")
    page.evaluate(LISTEN)
    hand.drag("epochs", 1.02, release=False)
    hand.panel.locator(".widget-readout:visible", has_text=most).wait_for()
    page.mouse.up()
    assert hand.handle("epochs").get_attribute("aria-valuenow") == f"{most}.0"
    assert hand.handle("epochs").get_attribute("aria-valuemax") == f"{most}.0"
    hand.reads(rf"Lowest validation loss [\d.]+ at epoch \d+ of {most}")
    said = " ".join(page.evaluate("() => said"))
    seen = [int(n) for n in re.findall(rf"Training, epoch (\d+) of {most}", said)]
    assert seen == sorted(seen)
    assert len(set(seen)) > 3

    # Stop before the last epoch: the run that went to its end is still there.
    hand.run("ex.stop")
    hand.up_to_the_panel()
    hand.click("Train")
    hand.reads(rf"Training, epoch [1-9]\d* of {most}")
    hand.click("Stop")
    (done,) = hand.reads(rf"Stopped at epoch (\d+) of {most}")
    assert 0 < int(done) < int(most)
    hand.panel.locator("option", has_text=f"{done}/{most}").wait_for(state="attached")
    hand.run("ex.stop.check", "panel").get_by_text("✓").wait_for()

    # Pin a run and name it.
    hand.run("ex.name_it")
    hand.up_to_the_panel()
    hand.panel.locator("option").nth(1).click()
    hand.click("Pin")
    hand.type("Name of the chosen run", "small steps")
    named = hand.panel.locator("option", has_text=re.compile(r"●.*small\ssteps"))
    named.wait_for(state="attached")
    hand.run("ex.name_it.check", "panel").get_by_text("✓").wait_for()

    # The same again: typed, not dragged.
    hand.up_to_the_panel()
    hand.click("Slow")
    lowest = []
    rates = re.search(r"rate ([\d.]+), then ([\d.]+), then ([\d.]+) again", words)
    for lr in rates.groups():
        hand.type("learning rate", lr)
        found = rf"Lowest validation loss ([\d.]+) at epoch \d+ of \d+ \(lr {lr},"
        lowest += hand.reads(found)
    assert lowest[0] == lowest[2] != lowest[1]
    hand.reads("Trained again: same setting, same seed, same curve")
    said = hand.run("again = hk.fit(moons, setting, seed=0)")
    said.get_by_text("same seed:  is it the same curve? True").wait_for()
    said.get_by_text("other seed: is it the same curve? False").wait_for()

    # New, Train and Reset.
    hand.up_to_the_panel()
    hand.click("new")
    hand.click("Train")
    hand.reads(rf"lr {lr}, .*seed 1\)")
    hand.click("Reset")
    hand.reads(r"at epoch \d+ of 60 \(lr 0\.01, batch size 32, seed 0\)")
    assert hand.panel.locator("option").count() == 2  # the pinned one and this

    hand.run("ex.seeds")
    two = "[hk.fit(moons, setting, seed=0), hk.fit(moons, setting, seed=1)]"
    hand.run("ex.seeds.check", two).get_by_text("✓").wait_for()
    quiz = hand.run("ex.quiz")
    for question in ex.quiz.questions:
        right = next(a["answer"] for a in question["answers"] if a["correct"])
        quiz.get_by_text(to_text(right), exact=True).click()
    every = len(ex.quiz)
    quiz.get_by_text(f"{every} of {every} right.").wait_for()
    assert errors(page) == []
