"""Measure how fast panels respond in a real JupyterLab; run it on an idle machine.

    python tests/benchmarks/panels.py

Prints the seconds from releasing a slider to the final curve, and those of bare
training; the kernel's processor time of live training over that of bare training; how
much memory a hundred runs take, and how smoothly the page draws while panels train.
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

def ratio(live, bare, times=7):
    pairs = [(clock(live, time.process_time), clock(bare, time.process_time))
             for _ in range(times)]
    return np.median([a for a, _ in pairs]) / np.median([b for _, b in pairs])
""",
    """
curve = hk.ValidationCurvePanel(moons, "lr", base, param_range="0.0001 to 10 in 25",
                                controls=("batch_size", "hidden", "epochs"))
curve
""",
    "one = hk.TrainingPanel(moons, base)\none",
    "five = [hk.TrainingPanel(moons, base) for _ in range(5)]\ndisplay(*five)",
)
# Notes when the mouse button was released, and when a line last changed.
WATCH = """() => {
    const panel = document.querySelector('.hpkit')
    let shown = ''
    panel.up = panel.end = 0
    document.addEventListener('pointerup', () => { panel.up = performance.now() }, true)
    document.addEventListener('mouseup', () => { panel.up = performance.now() }, true)
    const check = now => {
        const lines = [...panel.querySelectorAll('g.line path')]
        const shapes = lines.map(line => line.getAttribute('d')).join()
        if (shapes != shown) panel.end = performance.now()
        shown = shapes
        requestAnimationFrame(check)
    }
    requestAnimationFrame(check)
}"""
WAITED = """() => {
    const {up, end} = document.querySelector('.hpkit')
    return (end - up) / 1000
}"""

# Milliseconds between the frames that the browser draws.
GAPS = """seconds => new Promise(done => {
    const gaps = [], until = performance.now() + 1000 * seconds
    let last = performance.now()
    const measure = now => {
        gaps.push(now - last)
        last = now
        now < until ? requestAnimationFrame(measure) : done(gaps)
    }
    requestAnimationFrame(measure)
})"""


def release_to_final(page, times=15):
    """Return median seconds from release to final curve, and of bare training."""
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
        code = "hk.validation_curve(moons, curve.controls.setting, **many)"
        timed = f"print(clock(lambda: {code}, time.perf_counter))"
        bare.append(float(ask(page, timed)))
    return np.median(waited), np.median(bare)


def cpu(page):
    """Return the processor time of live over bare training: a curve, two runs."""
    curve = """
curve.controls.setting = long = base.but(epochs=400)
curve.wait()
print(ratio(lambda: (curve.start(), curve.wait()),
            lambda: hk.validation_curve(moons, long, **many)))
"""
    single = """
one.controls.setting = long = base.but(batch_size=8, epochs={})
one.wait()
live = lambda: (one.train_button.click(), one.wait())
print(ratio(live, lambda: hk.fit(moons, long)))
"""
    codes = curve, single.format(200), single.format(1000)
    return [f"{float(ask(page, code)):.2f}" for code in codes]


def growth(page, runs=100):
    """Return by how many megabytes the kernel grows in many runs of one panel."""
    code = """
def train(lrs):
    for lr in lrs:
        one.controls.setting = base.but(lr=float(lr))
        one.wait()
train(np.linspace(0.01, 0.02, 10))
before = psutil.Process().memory_info().rss
train(np.linspace(0.03, 1, {}))
print((psutil.Process().memory_info().rss - before) / 1e6, len(one.runs))
"""
    return ask(page, code.format(runs))


def gaps(page, panels, seconds=5):
    """Return the median and 95th percentile of the gaps while panels train."""
    long = "base.but(batch_size=1, epochs=2000)"
    ask(page, f"for p in {panels}: p.controls.setting = {long}")
    show_cell(page, "five = ").locator(".hpkit svg").first.wait_for()
    milliseconds = page.evaluate(GAPS, seconds)
    ask(page, f"for p in {panels}: p.stop()")
    return np.percentile(milliseconds, [50, 95])


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
            median, most = gaps(page, panels)
            figures = f"{median:.0f}, 95 % <= {most:.0f}"
            print(f"page, ms between pictures, {panels} train: {figures}")
        shut_down_kernels(url)


if __name__ == "__main__":
    main()
