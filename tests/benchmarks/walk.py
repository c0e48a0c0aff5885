"""Walk through lessons at random: clicks, keys, drags, restarts, reloads, new tabs.

python tests/benchmarks/walk.py [SECONDS [SEED [LESSON ...]]]

By hand, not in the gate: SECONDS for each lesson, 120 unless told. Counts what went
wrong: errors in the browser's console and in cells, panels without a picture; and says
what memory the page and the kernel have after a run of all cells: before, half-way
and at the end. A kernel that is restarted knows no panel of the page any more, which
JupyterLab says in the console: such lines are counted apart.
"""

import random
import re
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parents[1] / "browser"))

from harness import (
    KERNEL,
    ROOT,
    ask,
    chromium,
    errors,
    lab,
    open_notebook,
    run_all,
    shut_down_kernels,
)
from playwright.sync_api import Error

LESSONS = ("01", "02", "03", "07", "08")
NODES = {
    "click": ".hpkit .widget-button:visible, .hpkit .widget-toggle-button:visible",
    "key": ".hpkit .noUi-handle:visible, .hpkit .hpc-hit[tabindex]:visible",
    "drag": ".hpkit .noUi-handle:visible, .hpkit .hpc-hit:visible",
}
# The chance of each in one step; the rest are clicks, keys and drags.
CHANCES = {"restart": 1 / 15, "reload": 1 / 15, "reopen": 1 / 20, "scroll": 1 / 6}
KEYS = ("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "Enter")
APART = re.compile("widget model not found|Could not create a model|debugger state")
EMPTY = """() => [...document.querySelectorAll('.hpkit')].filter(panel =>
    panel.getClientRects().length && !panel.classList.contains('hp-covered')
    && panel.querySelector('.hpc') && !panel.querySelector('.hpc svg path[d]')).length
    + /model not found|Error displaying widget/.test(document.body.innerText)"""
OPEN = """async name => {
    const {commands, shell} = window.jupyterapp
    await commands.execute('docmanager:save')
    shell.currentWidget.close()
    await new Promise(done => setTimeout(done, 500))
    await commands.execute('docmanager:open', {path: name})
}"""
SCROLL = """share => {
    const {content} = window.jupyterapp.shell.currentWidget
    content.activeCellIndex = Math.floor(share * content.widgets.length)
    return content.scrollToItem(content.activeCellIndex, 'start')
}"""
SHOWN = ".hpkit:visible, .hp-saved img:visible"  # a panel, or its picture
MEMORY = "import psutil; print(psutil.Process().memory_info().rss // 2**20)"


def quiet(page, seconds=60):
    ready = f"() => window.jupyterapp && {KERNEL}?.status == 'idle'"
    page.wait_for_timeout(500)
    page.wait_for_function(ready, timeout=1000 * seconds)


def memory(page):
    """Return MiB of page and kernel after a run of all cells."""
    run_all(page)
    devtools = page.context.new_cdp_session(page)
    devtools.send("HeapProfiler.collectGarbage")
    used = devtools.send("Runtime.getHeapUsage")["usedSize"] // 2**20
    devtools.detach()
    return used, int(ask(page, MEMORY))


def step(page, name, what, dice):
    if what == "restart":
        page.evaluate(f"async () => {{ await {KERNEL}.restart() }}")
        ask(page, "")  # else a tab just opened says "Starting" on, hpkit in it or not
        quiet(page)
        if dice.random() < 0.8:  # now and then a learner goes on with dead panels
            run_all(page)
    elif what == "reload":
        page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        page.reload()
        page.wait_for_selector(SHOWN, timeout=60_000)
    elif what == "reopen":
        page.evaluate(OPEN, name)
        page.wait_for_selector(SHOWN, timeout=60_000)
    elif what == "scroll":
        page.evaluate(SCROLL, dice.random())
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


def said(message):
    """Return kind and text of a line of the console, with the address asked for."""
    asked = urlsplit(message.location["url"]).path if "Failed" in message.text else ""
    return "console", f"{message.text} {asked}".strip()


def walk(page, url, name, seconds, dice):
    """Return how often each thing was done, what went wrong, and the memory."""
    done, wrong, apart = Counter(), Counter(), Counter()

    def note(kind, text):
        (apart if APART.search(text) else wrong).update([f"{kind}: {text}"[:300]])

    page.on("pageerror", lambda error: note("page", str(error)))
    page.on("console", lambda m: m.type == "error" and note(*said(m)))
    open_notebook(page, url, name)
    run_all(page)
    kept = [memory(page)]
    for _ in range(2):
        end = time.monotonic() + seconds / 2
        while time.monotonic() < end:
            usual = 1 - sum(CHANCES.values())
            whats = [*CHANCES, *NODES]
            chances = [*CHANCES.values(), *[usual / len(NODES)] * len(NODES)]
            what = dice.choices(whats, chances)[0]
            try:
                step(page, name, what, dice)
                done[what] += 1
            except Exception as error:  # such as a button that went meanwhile
                done[f"{what} failed: {str(error).splitlines()[0][:80]}"] += 1
            if page.evaluate(EMPTY):
                page.wait_for_timeout(3000)
                if page.evaluate(EMPTY):
                    note("no picture after", what)
                    page.screenshot(path=f"walk-{name[:2]}-{sum(done.values())}.png")
        try:
            quiet(page, 120)
        except Error:  # say how the kernel is, and go on with a new one
            note("kernel", str(page.evaluate(f"() => {KERNEL}?.status")))
            page.screenshot(path=f"walk-{name[:2]}-kernel.png")
            shut_down_kernels(url)
            open_notebook(page, url, name)
        wrong.update(f"cell: {error}"[:200] for error in errors(page))
        kept.append(memory(page))
    return done, wrong, apart, kept


def main(seconds=120, seed=0, *lessons):
    root = Path(tempfile.mkdtemp(prefix="walk")) / "notebooks"
    shutil.copytree(ROOT / "notebooks", root, ignore=shutil.ignore_patterns(".*"))
    with lab(root) as url, chromium() as browser:
        for lesson in lessons or LESSONS:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            name = next(root.glob(f"{lesson}_*.ipynb")).name
            dice = random.Random(f"{seed} {lesson}")
            done, wrong, apart, kept = walk(page, url, name, float(seconds), dice)
            print(name, sum(done.values()), dict(done), flush=True)
            print("  wrong:", dict(wrong) or "nothing", flush=True)
            print("  of dead panels:", dict(apart) or "nothing", flush=True)
            print("  MiB of page, kernel:", *kept, flush=True)
            page.close()
            shut_down_kernels(url)
    shutil.rmtree(root.parent)


if __name__ == "__main__":
    main(*sys.argv[1:])
