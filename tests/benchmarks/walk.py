"""Walk through lessons at random: clicks, keys, drags, restarts, reloads, new tabs.

python tests/benchmarks/walk.py SECONDS [SEED] [LESSON ...]

By hand, not in the gate: SECONDS for each lesson. Counts what went wrong: errors in the
browser's console and in cells, panels without a picture; and says what memory the page
and the kernel have at the begin and at the end.
"""

import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from harness import KERNEL, ROOT, ask, chromium, command, errors, lab, open_notebook

LESSONS = ("01", "02", "03", "07", "08")
NODES = {
    "click": ".hpkit .widget-button:visible, .hpkit .widget-toggle-button:visible",
    "key": ".hpkit .noUi-handle:visible, .hpkit .hpc-hit[tabindex]:visible",
    "drag": ".hpkit .noUi-handle:visible, .hpkit .hpc-hit:visible",
}
KEYS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "Enter")
RARE = ("restart", "reload", "reopen", "run")
EMPTY = """() => [...document.querySelectorAll('.hpkit')].filter(panel =>
    panel.getClientRects().length && !panel.classList.contains('hp-covered')
    && panel.querySelector('.hpc') && !panel.querySelector('.hpc svg path[d]')).length
    + /model not found|Error displaying widget/.test(document.body.innerText)"""
MEMORY = "import psutil; print(psutil.Process().memory_info().rss // 2**20)"


def quiet(page, seconds=60):
    """Wait until the kernel is idle; a learner would not wait longer than that."""
    ready = f"() => window.jupyterapp && {KERNEL}?.status == 'idle'"
    page.wait_for_timeout(500)
    page.wait_for_function(ready, timeout=1000 * seconds)


def run(page):
    command(page, "notebook:run-all-cells")
    page.wait_for_timeout(3000)
    quiet(page, 120)


def step(page, url, name, what, dice):
    """Do one thing."""
    if what == "restart":
        page.evaluate(f"async () => {{ await {KERNEL}.restart() }}")
        quiet(page)
        run(page)
    elif what == "reload":
        command(page, "docmanager:save")
        page.wait_for_timeout(1500)
        page.reload()
        page.wait_for_selector(".hpkit .hpc svg, .hp-saved img", timeout=60_000)
    elif what == "reopen":
        page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
        open_notebook(page, url, name)
    elif what == "run":
        run(page)
    elif count := (nodes := page.locator(NODES[what])).count():
        node = nodes.nth(dice.randrange(count))
        node.scroll_into_view_if_needed(timeout=2000)
        if what == "click":
            node.click(timeout=2000)
        elif what == "key":
            node.focus(timeout=2000)
            for key in dice.choices(KEYS, k=dice.randint(1, 6)):
                page.keyboard.press(key)
        elif box := node.bounding_box():
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.mouse.down()
            for _ in range(5):
                page.mouse.move(box["x"] + dice.randint(-80, 80), box["y"] + 9)
            page.mouse.up()
    page.wait_for_timeout(dice.choice((0, 50, 400)))


def walk(page, url, name, seconds, dice):
    """Return how often each thing was done, and what went wrong."""
    done, wrong = Counter(), Counter()
    page.on("pageerror", lambda error: wrong.update([f"page: {error}"[:200]]))
    open_notebook(page, url, name)
    run(page)
    heap = "() => Math.round(performance.memory.usedJSHeapSize / 2 ** 20)"
    before, end = (page.evaluate(heap), ask(page, MEMORY)), time.monotonic() + seconds
    while time.monotonic() < end:
        what = dice.choice(RARE) if dice.random() < 0.03 else dice.choice(list(NODES))
        try:
            step(page, url, name, what, dice)
            done[what] += 1
        except Exception as error:  # such as a button that went meanwhile
            done[f"{what} failed: {str(error).splitlines()[0][:80]}"] += 1
        if page.evaluate(EMPTY):
            page.wait_for_timeout(3000)
            wrong.update(["no picture"] * page.evaluate(EMPTY))
    quiet(page, 120)
    wrong.update(f"cell: {error}"[:200] for error in errors(page))
    after = page.evaluate(heap), ask(page, MEMORY)
    return done, wrong, before, after


def main(seconds, seed=0, *lessons):
    root = Path(tempfile.mkdtemp(prefix="walk")) / "notebooks"
    shutil.copytree(ROOT / "notebooks", root, ignore=shutil.ignore_patterns(".*"))
    with lab(root) as url, chromium() as browser:
        for lesson in lessons or LESSONS:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            name = next(root.glob(f"{lesson}_*.ipynb")).name
            dice = random.Random(f"{seed} {lesson}")
            done, wrong, before, after = walk(page, url, name, float(seconds), dice)
            print(name, sum(done.values()), dict(done), flush=True)
            print("  wrong:", dict(wrong) or "nothing", flush=True)
            print("  MiB of page, kernel:", *before, "->", *after, flush=True)
            page.close()
    shutil.rmtree(root.parent)


if __name__ == "__main__":
    main(*sys.argv[1:])
