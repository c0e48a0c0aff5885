"""How fast the panels answer in a real JupyterLab; run it on an idle machine.

    python tests/benchmarks/panels.py

Prints the seconds from letting a slider go to the final curve, beside those of bare
training; the kernel's processor time of live trainings over that of bare ones; how much
the kernel grows in a hundred runs, and how smoothly the page draws with all of them.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "browser")]

from harness import (  # noqa: E402
    ask,
    chromium,
    lab,
    open_notebook,
    run_all,
    show_cell,
    shut_down_kernels,
    write_notebook,
)

CELLS = (
    """
import time
import numpy as np
import psutil
import hpkit as hk

moons = hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.1, batch_size=128, epochs=20)
many = {"param_name": "lr", "param_range": [float(f"{v:.2g}")
        for v in np.geomspace(1e-4, 10, 25)], "seeds": range(3)}

def clock(work, timer):
    start = timer()
    work()
    return timer() - start

def over(live, bare, times=7):
    pairs = [(clock(live, time.process_time), clock(bare, time.process_time))
             for _ in range(times)]
    return np.median([a for a, _ in pairs]) / np.median([b for _, b in pairs])
""",
    """
it = hk.ValidationCurvePanel(moons, "lr", base, param_range="0.0001 to 10 in 25",
                             controls=("batch_size", "hidden", "epochs"))
it
""",
    "one = hk.TrainingPanel(moons, base)\none",
    "five = [hk.TrainingPanel(moons, base) for _ in range(5)]\ndisplay(*five)",
)
# When the button was let go, and when the last line changed after it.
WATCH = """() => {
    const panel = document.querySelector('.hpkit')
    let shown = ''
    panel.up = panel.end = 0
    document.addEventListener('pointerup', () => { panel.up = performance.now() }, true)
    document.addEventListener('mouseup', () => { panel.up = performance.now() }, true)
    const look = now => {
        const lines = [...panel.querySelectorAll('g.line path')]
        const shapes = lines.map(line => line.getAttribute('d')).join()
        if (shapes != shown) panel.end = performance.now()
        shown = shapes
        requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
}"""
WAITED = """() => {
    const {up, end} = document.querySelector('.hpkit')
    return (end - up) / 1000
}"""

# Milliseconds between the pictures that the browser draws.
GAPS = """seconds => new Promise(done => {
    const gaps = [], until = performance.now() + 1000 * seconds
    let last = performance.now()
    const look = now => {
        gaps.push(now - last)
        last = now
        now < until ? requestAnimationFrame(look) : done(gaps)
    }
    requestAnimationFrame(look)
})"""


def release_to_final(page, times=15):
    """Return seconds from release to final curve, and of bare training, in medians."""
    page.evaluate(WATCH)
    track = page.locator(".hpkit .noUi-target:visible").first.bounding_box()
    waited, bare = [], []
    for turn in range(times):
        handle = page.locator(".hpkit .noUi-handle:visible").first.bounding_box()
        y = handle["y"] + handle["height"] / 2
        page.mouse.move(handle["x"] + handle["width"] / 2, y)
        page.mouse.down()
        for share in (1, 3 / 4, 7 / 8, (5 + turn % 2) / 8):  # ends at 32 or 64
            page.mouse.move(track["x"] + share * track["width"], y)
            page.wait_for_timeout(40)
        page.mouse.up()
        page.wait_for_timeout(2000)
        waited.append(page.evaluate(WAITED))
        code = "hk.validation_curve(moons, it.controls.setting, **many)"
        timed = f"print(clock(lambda: {code}, time.perf_counter))"
        bare.append(float(ask(page, timed)))
    return np.median(waited), np.median(bare)


def cpu(page):
    """Return the processor time of live training over bare: a curve, two runs."""
    curve = """
it.controls.setting = long = base.but(epochs=400)
it.wait()
print(over(lambda: (it.start(), it.wait()),
           lambda: hk.validation_curve(moons, long, **many)))
"""
    single = """
one.controls.setting = long = base.but(batch_size=8, epochs={})
one.wait()
print(over(lambda: (one.train_button.click(), one.wait()), lambda: hk.fit(moons, long)))
"""
    codes = curve, single.format(200), single.format(1000)
    return [f"{float(ask(page, code)):.2f}" for code in codes]


def growth(page, runs=100):
    """Return the megabytes that the kernel grows by in many runs of one panel."""
    code = """
def some(lrs):
    for lr in lrs:
        one.controls.setting = base.but(lr=float(lr))
        one.wait()
some(np.linspace(0.01, 0.02, 10))
before = psutil.Process().memory_info().rss
some(np.linspace(0.03, 1, {}))
print((psutil.Process().memory_info().rss - before) / 1e6, len(one.runs))
"""
    return ask(page, code.format(runs))


def gaps(page, panels, seconds=5):
    """Return the median and 95th percentile of the page's gaps while panels train."""
    long = "base.but(batch_size=1, epochs=2000)"
    ask(page, f"for p in {panels}: p.controls.setting = {long}")
    show_cell(page, "five = ").locator(".hpkit svg").first.wait_for()
    found = page.evaluate(GAPS, seconds)
    ask(page, f"for p in {panels}: p.stop()")
    return np.percentile(found, [50, 95])


def main():
    folder = Path(tempfile.mkdtemp())
    write_notebook(folder / "panels.ipynb", *CELLS)
    with lab(folder) as url, chromium() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1600})
        open_notebook(page, url, "panels.ipynb")
        run_all(page)
        page.locator(".hpkit .noUi-handle").first.wait_for()
        waited, bare = release_to_final(page)
        print(f"release to final curve {waited:.3f} s, bare training {bare:.3f} s")
        print("kernel CPU, live over bare: a curve, short and long run", *cpu(page))
        print("100 runs, MB and runs:", growth(page))
        for panels in ("five[:1]", "five"):
            found = "{:.0f}, 95 % <= {:.0f}".format(*gaps(page, panels))
            print(f"page, ms between pictures, {panels} train: {found}")
        shut_down_kernels(url)


if __name__ == "__main__":
    main()
