"""Panels in a real JupyterLab: quick answers, focus, axe's rules, themes, width."""

import time

from axe_playwright_python.sync_playwright import Axe
from harness import CONTRAST, command

SETUP = 'import hpkit as hk\n\nmoons = hk.load_dataset("moons")'


MANY = """
it = hk.ValidationCurvePanel(
    moons, "lr", hk.Hyperparameters(batch_size=128, epochs=20), seeds=1,
    param_range="0.0001 to 10 in 25", controls=("batch_size", "hidden"))
it
"""


def test_answers_arrive_while_a_slider_is_dragged(notebook):
    page = notebook(MANY)
    for slider, low, high in ((0, 5 / 8, 1), (1, 0, 1 / 2)):  # batch size 32 to 256
        answers = answers_a_second(page, slider, low, high)
        assert answers >= 3


def answers_a_second(page, slider, low, high, seconds=3):
    """Drag a slider to and fro between two shares of its length; count answers."""
    track = page.locator(".hpkit .noUi-target:visible").nth(slider).bounding_box()
    handle = page.locator(".hpkit .noUi-handle:visible").nth(slider).bounding_box()
    y, moves = handle["y"] + handle["height"] / 2, 0
    page.mouse.move(handle["x"] + handle["width"] / 2, y)
    page.mouse.down()
    page.evaluate(COUNT_ANSWERS)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        share = low + (high - low) * abs(moves % 16 / 8 - 1)
        page.mouse.move(track["x"] + share * track["width"], y)
        page.wait_for_timeout(25)
        moves += 1
    answers = page.evaluate("() => document.querySelector('.hpkit').answers")
    page.mouse.up()
    page.locator(".hpkit:not(.hp-running)").wait_for()
    return answers / seconds


# A complete answer: the status says what it took, and the lines are others than before.
# One answer arrives as several messages, within some milliseconds.
COUNT_ANSWERS = """() => {
    const panel = document.querySelector('.hpkit')
    let shown = '', at = -Infinity
    panel.answers = 0
    const look = now => {
        const lines = [...panel.querySelectorAll('.hpc path')]
        const shapes = lines.map(line => line.getAttribute('d')).join()
        const complete = / in .* s$/.test(panel.querySelector('.hp-status').innerText)
        if (complete && shapes != shown) {
            panel.answers += now - at > 60
            shown = shapes
            at = now
        }
        requestAnimationFrame(look)
    }
    requestAnimationFrame(look)
}"""


EVERY = """
base = hk.Hyperparameters(lr=0.1, epochs=10)
run = hk.fit(moons, base)
hk.TrainingPanel(moons, base)
hk.TrainingPanel(moons, base, controls=("momentum", "optimizer", "hidden"))
hk.ValidationCurvePanel(moons, base=base)
hk.ValidationCurvePanel(moons, base=base, title="A guess first", predict=True)
hk.GridPanel(moons, base=base)
hk.OneAtATimePanel(moons, base)
hk.SearchRacePanel(moons, base)
hk.BowlPanel(lr=0.3, steps=4)
hk.PatiencePanel(moons, base)
hk.BatchNoisePanel(moons, base)
hk.CoinFlipsPanel()
hk.SeedsPanel(moons, [base, base.but(lr=0.3)])
hk.TestBoxPanel(run)
hk.ClinicPanel()
""".strip().splitlines()


def test_every_panel_is_fit_for_all(notebook):
    page = notebook("\n".join(EVERY[:2]), *EVERY[2:])
    panels = page.locator(".hpkit")
    for number in range(len(EVERY) - 2):
        panels.nth(number).scroll_into_view_if_needed()
        panels.nth(number).locator(".hpc svg").first.wait_for(state="attached")

    faults = Axe().run(page, context={"include": [[".hpkit"]]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []

    assert page.evaluate(OUTSIDE) == []

    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        command(page, "apputils:change-theme", theme=theme)
        page.wait_for_timeout(2000)
        ratios = page.evaluate(CONTRAST, ".hpkit *")
        assert len(ratios) > 200
        assert [(words, r) for words, r in ratios if r < 4.5] == []

    page.locator(".hpkit button").first.focus()
    unseen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        unseen += page.evaluate(
            """() => {
                const at = document.activeElement, look = getComputedStyle(at)
                const seen = look.outlineStyle != 'none' && look.outlineWidth != '0px'
                return at.closest('.hpkit') && !seen ? [at.outerHTML.slice(0, 99)] : []
            }"""
        )
    assert unseen == []  # each has a focus that is seen


OUTSIDE = """() => [...document.querySelectorAll('.hpkit')].flatMap(panel => {
    const right = panel.getBoundingClientRect().right
    const parts = [...panel.querySelectorAll('button, input, select, svg')]
    const out = parts.filter(p => p.getBoundingClientRect().right > right)
    const wide = panel.scrollWidth > panel.clientWidth ? [panel.innerText] : []
    return [...wide, ...out.map(p => p.outerHTML.slice(0, 99))]
})"""
