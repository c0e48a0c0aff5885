"""Every panel, on each ipykernel, with widget messages over subshells and without.

One notebook a way of running, with all panels: what hangs on a front end's messages is
held in each. HPKIT_SECOND_KERNEL names the Python of one more kernel: `.ci/run` gives
one with ipykernel 6.31.
"""

import os
from contextlib import contextmanager
from dataclasses import dataclass

import harness
import pytest
from chart_reading import until

SETUP = """
import html
import re
import threading
import ipykernel
import hpkit as hk
from hpkit.panels import bowl, choosing, panel, schedule
from hpkit.panels.panel import THREAD

moons = hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.1, batch_size=32, epochs=9)
slow = base.but(batch_size=1, epochs=2000)
two = [base.but(epochs=60), base.but(lr=0.3, epochs=60)]
crawling = [s.but(lr=0.003, batch_size=1, epochs=2000) for s in two]
# What is played lasts until a busy machine's page has seen enough of it.
bowl._MOST_STEPS, choosing._PAUSE = 99, 0.12
schedule.SECONDS = 15
panel.SAVE = 3600  # what is saved later is for other tests

def live_runs():
    return sum(thread.name == THREAD for thread in threading.enumerate())

twice = "first" in globals()  # a second Run All starts long runs
"""


@dataclass
class Case:
    """A panel and how a learner uses it; `it` is the panel, code runs in the kernel."""

    make: str  # call, without its last arguments
    start: str = "Start"  # name of the button, and
    button: str = "start_button"  # the same in the kernel
    slow: str = "it.controls.setting = slow"  # makes the next start a long one
    quick: str = "it.controls.setting = base"  # and short again
    last: str = "End"  # the last of fifty moves of its first slider
    holds: str = ""  # whether the panel shows what the sliders say


SEARCHES = {
    "training": Case(
        "hk.TrainingPanel(moons, base",
        "Train",
        "train_button",
        holds="it.controls.setting == it.run.setting",
    ),
    "curve": Case(
        "hk.ValidationCurvePanel(moons, 'lr', base, seeds=2",
        holds="it.controls.setting.batch_size == it.found.base.batch_size",
    ),
    "grid": Case(
        "hk.GridPanel(moons, 'lr', 'batch_size', base, seeds=1, "
        "x_values=[0.01, 0.1, 1], y_values=[1, 32]",
        last="Home",
        holds="it.controls.setting.epochs == it.found.base.epochs",
    ),
    "path": Case(
        "hk.OneAtATimePanel(moons, base, seeds=1, "
        "lr=[0.01, 0.1, 1], batch_size=[1, 32], epochs=[9, 2000]",
        "Next step",
        "next_button",
        "it.starts['batch_size'].value = 1; it.starts['epochs'].value = 2000",
        "it.starts['batch_size'].value = 32; it.starts['epochs'].value = 9",
        holds="it.starting == it.found.settings[0]",
    ),
    "race": Case(
        "hk.SearchRacePanel(moons, base, budget=81, races=1",
        slow="it.races.value = 100; it.budget.value = 729",
        quick="it.races.value = 1; it.budget.value = 81",
        last="Home",
        holds="it.budget.value == it.found['random'].cost.epochs",
    ),
}
INSTRUMENTS = {
    "bowl": Case(
        "hk.BowlPanel(lr=0.3, steps=2",
        "Run",
        slow="it.reset()",
        quick="it.reset(); it.step()",
        holds="f'curvature = {it.lr.value:.2g}:' in it.result",
    ),
    "patience": Case(
        "hk.PatiencePanel(moons, base.but(epochs=60)",
        holds="f'Patience {it.patience.value}:' in it.result",
    ),
    "schedule": Case(
        "hk.SchedulePanel(moons, base.but(epochs=20)",
        "Train",
        slow="it.shape.value = 'step'; it.wait()",
        quick="it.lr.value = 0.1",
        holds="it.lr.value == it.runs.settings[-1].lr",
    ),
    "noise": Case(
        "hk.BatchNoisePanel(moons",
        last="Home",
        holds="f'Batches of {it.size.value}:' in it.result",
    ),
    "coins": Case(
        "hk.CoinFlipsPanel(models=20",
        "Run",
        slow="it.count.value = 1",
        quick="it.stop(); it.wait(); it.count.value = 95",
        holds="f'best of {it.count.value} models' in it.result",
    ),
    "seeds": Case(
        "hk.SeedsPanel(moons, two",
        "New seeds",
        slow="it.settings = crawling",
        quick="it.settings = two",
        holds="f'of {it.count.value}<' in it.result",
    ),
}
CASES = SEARCHES | INSTRUMENTS
PLAYED = [n for n in CASES if n not in ("noise", "patience")]  # nothing lasts there
SUBSHELLS = "disabled", "perCommTarget"  # the second is JupyterLab's own default
WAYS = [("python3", way) for way in SUBSHELLS]
if os.environ.get(harness.SECOND):  # JupyterLab opens no subshells for it
    WAYS.insert(1, ("second", SUBSHELLS[1]))
KERNELS = WAYS[:-1]  # each once, for what hangs on the kernel alone


@pytest.fixture(scope="module", params=WAYS, ids="-".join)
def every(request, profile, lab_server):
    """Page with every panel on it, each cell run."""
    kernel, subshells = request.param
    cells = [f"{n} = it = {c.make}, title='{n}')\nit" for n, c in CASES.items()]
    starts = [
        f"    it = {n}; {c.slow}; it.{c.button}.click()" for n, c in SEARCHES.items()
    ]
    cells.append("\n".join(["if twice:", *starts]))
    harness.use_subshells(lab_server.url, subshells)
    page = profile.new_page()
    harness.run_notebook(page, lab_server, "every.ipynb", SETUP, *cells, kernel=kernel)
    assert harness.errors(page) == []
    wait_for_runs(page, 0)
    yield page
    page.close()
    harness.use_subshells(lab_server.url, None)
    harness.shut_down_kernels(lab_server.url)


class Seen:
    def __init__(self, page, name):
        self.page, self.name, self.case = page, name, CASES[name]
        self.node = harness.show_cell(page, f"{name} = it =").locator(".hpkit")
        self.node.locator(".hpc svg").first.wait_for()

    def ask(self, code):
        return harness.ask(self.page, f"it = {self.name}\n{code}")

    def press(self, button):
        self.node.get_by_role("button", name=button, exact=True).press("Enter")

    @contextmanager
    def within(self, seconds):
        """Hold that the kernel works no longer than this."""
        before = harness.processor_time(self.page)
        yield
        assert harness.processor_time(self.page) - before < seconds

    def wait(self, *, running):
        state = ".hp-running" if running else ":not(.hp-running)"
        self.node.and_(self.page.locator(state)).wait_for()

    def wait_said(self, words):
        self.node.locator(".hp-say", has_text=words).wait_for()

    def pictures(self, count):
        """Wait for pictures that differ in the shapes of what is drawn."""
        about = [self.node.element_handle(), count]
        self.page.wait_for_function(PICTURES, arg=about, polling=100)


def wait_for_runs(page, count):
    """Wait until so many panels train in the kernel."""
    # The page hears of the end just before the thread ends, in its last picture.
    until(lambda: int(harness.ask(page, "print(live_runs())")) == count, 0.1)


PICTURES = """([node, count]) => {
    const look = mark => ['d', 'transform', 'href', 'x', 'y', 'cx', 'cy'].map(
        name => mark.getAttribute(name)).join() + mark.childElementCount
        + (mark.childElementCount ? '' : mark.textContent)
    node.seen ??= new Set()
    node.seen.add([...node.querySelectorAll('svg *')].map(look).join())
    return node.seen.size >= count && delete node.seen
}"""


@pytest.fixture
def panel(every, request):
    """Panel that the test's parameter names; a failed test leaves no run behind."""
    seen = Seen(every, request.param)
    yield seen
    seen.ask("it.stop()")


def test_kernel_and_subshells_are_those_asked_for(every, request):
    kernel, subshells = request.node.callspec.params["every"]
    old = harness.ask(every, "print(ipykernel.version_info < (7,))")
    way = every.evaluate(f"{harness.KERNEL}.commsOverSubshells")
    assert old == str(kernel == "second")
    assert way == subshells
    assert every.evaluate(f"{harness.KERNEL}.supportsSubshells") == (kernel != "second")


@pytest.mark.parametrize("panel", PLAYED, indirect=True)
def test_trains_live_starts_again_stops_at_once(panel):
    panel.ask(panel.case.slow)
    panel.press(panel.case.start)
    panel.wait(running=True)
    # The lowest losses of a step of the path may soon stay as they are.
    first, then = (2, 1) if panel.name == "path" else (4, 3)
    panel.pictures(first)

    panel.press(panel.case.start)
    panel.pictures(then)
    with panel.within(5):
        wait_for_runs(panel.page, 1)  # the first ends in between two steps
    assert panel.ask("print(it.error)") == "None"

    with panel.within(1):
        panel.press("Stop")
        panel.wait(running=False)
    assert panel.node.locator(".hp-buttons :focus").is_enabled()  # not Stop any more
    if panel.name in SEARCHES:
        panel.wait_said("Stopped")
    wait_for_runs(panel.page, 0)


@pytest.mark.parametrize("panel", CASES, indirect=True)
def test_fifty_fast_moves_end_in_the_last_value(panel):
    if panel.name in PLAYED:
        panel.ask(panel.case.quick)
    panel.node.locator("[role=slider]:visible").first.focus()

    for _ in range(25):
        panel.page.keyboard.press("ArrowLeft")
        panel.page.keyboard.press("ArrowRight")
    panel.page.keyboard.press(panel.case.last)
    with panel.within(5):
        harness.await_answers(panel.page)
        wait_for_runs(panel.page, 0)
        panel.wait(running=False)

    assert panel.ask(f"print({panel.case.holds})") == "True"
    assert panel.ask("print(it.error)") == "None"
    panel.wait_said(panel.ask(f"print({SAID})"))


SAID = "re.sub(r'<[^>]+>', '', html.unescape(it.result)).strip()"


@pytest.mark.parametrize("every", KERNELS, indirect=True, ids="-".join)
def test_run_all_twice_leaves_one_live_run(every):
    for name, case in SEARCHES.items():
        harness.ask(every, f"it = {name}; {case.slow}; it.{case.button}.click()")
    harness.ask(every, f"first = {ALL}")
    busy = harness.ask(every, "print(sum(it.live.busy for it in first))")
    assert busy == str(len(SEARCHES))

    harness.run_all(every)

    assert harness.errors(every) == []
    harness.ask(every, "for it in first: it.wait(60)")
    wait_for_runs(every, len(SEARCHES))
    harness.ask(every, f"for it in {ALL}: it.stop()")


ALL = f"[{', '.join(SEARCHES)}]"
