"""Charts on a page without a kernel: texts at all sizes, keys, mouse, axe, schemes."""

import json
from base64 import b64encode

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from chart_reading import mark
from harness import CONTRAST

import hpkit as hk
from hpkit.charts.spec import Axis, Chart, line
from hpkit.panels.controls import SCRIPT, STYLE, LiveCharts

RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10]
BASE = hk.Hyperparameters(lr=0.3, epochs=20)


def charts_of_panels():
    """Return charts with marks of every kind, those of real panels, by name."""
    moons = hk.load_dataset("moons")
    rates = {"param_name": "lr", "base": BASE, "param_range": RATES}
    cells = {"x_values": RATES[3:], "y_values": [16, 32, 64, 128, 256]}
    panels = {
        "curve": hk.ValidationCurvePanel(moons, seeds=3, **rates),
        "grid": hk.GridPanel(moons, base=BASE, seeds=2, **cells),
        "map": hk.TrainingPanel(moons, BASE),
        "race": hk.SearchRacePanel(moons, BASE, budget=81, races=1),
        "coins": hk.CoinFlipsPanel(models=40, predict=True),
    }
    panels["grid"].choose(8)
    panels["coins"].guess.widget.value = 50
    panels["coins"].guess.commit()
    drawn = hk.ValidationCurvePanel(moons, seeds=1, predict="draw", **rates)
    shown = {name: panel.wait().charts for name, panel in panels.items()}
    return shown | {"guess": drawn.guess.widget.charts}


def for_a_page(live):
    """Return charts as chart.js takes them on a page without a kernel."""
    return {
        key: b64encode(value).decode() if isinstance(value, bytes) else value
        for key, value in live.get_state().items()
        if key == "widths" or key.startswith("c")
    }


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Charts</title>
<style>body {{ margin:8px }} section {{ margin:0 0 20px }} {style}</style>
<main><h1>Charts</h1></main>
<script type="module">{script}
Object.assign(window, {{told: [], charts}})
const all = {states}
for (const name in all) {{
    const box = document.createElement('section')
    box.id = name
    document.querySelector('main').append(box)
    const view = charts(box, event => told.push(event)), given = all[name]
    const bytes = text => Uint8Array.from(atob(text), c => c.charCodeAt(0))
    box.say = () => view.show(key => // as a kernel does: every time anew
        key.includes('m') ? new DataView(bytes(given[key]).buffer) : given[key])
    box.say()
}}
</script></html>"""


@pytest.fixture(scope="module")
def made():
    return charts_of_panels()


@pytest.fixture(scope="module")
def address(made, tmp_path_factory):
    states = json.dumps({name: for_a_page(live) for name, live in made.items()})
    path = tmp_path_factory.mktemp("charts") / "charts.html"
    page = PAGE.format(style=STYLE, script=SCRIPT, states=states)
    path.write_text(page, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def charts(browser, address):
    """Open the page; no error may come from it."""
    pages, wrong = [], []

    def opened(width=1280, scheme="light", **more):
        size = {"width": width, "height": 900}
        page = browser.new_page(viewport=size, color_scheme=scheme, **more)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#guess .hpc svg path")
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.close()
    assert wrong == []


# Of each text the box of its letters: a line of text is higher than what is written.
TEXTS = """() => {
    const found = {count: 0, overlapping: [], cut: [], ticks: [], crossed: []}
    found.notes = []
    const every = 'svg text, .hpc-head b, .hpc-head > span'
    for (const chart of document.querySelectorAll('.hpc')) {
        const all = [...chart.querySelectorAll(every)]
        const texts = all.filter(t => t.textContent.trim()).map(t => {
            const {left, right, top, bottom} = t.getBoundingClientRect()
            const em = parseFloat(getComputedStyle(t).fontSize)
            const middle = (top + bottom) / 2
            return {said: t.textContent, left, right, top: middle - .4 * em,
                bottom: middle + .4 * em, t}
        })
        found.count += texts.length
        const name = chart.closest('section').id
        texts.forEach((a, i) => texts.slice(i + 1).forEach(b => {
            if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.5
                && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.5)
                found.overlapping.push([name, a.said, b.said])
        }))
        const whole = chart.getBoundingClientRect()
        for (const a of texts)
            if (a.left < whole.left - 1 || a.right > whole.right + 1
                || a.top < whole.top - 1 || a.bottom > whole.bottom + 1)
                found.cut.push([name, a.said])
        const ticks = [...chart.querySelectorAll('.tick')].map(g =>
            [...g.childNodes].filter(t => t.textContent).length)
        if (ticks[0] < 2 || (ticks[1] < 2 && name != 'race'))
            found.ticks.push([name, ...ticks])
        const notes = texts.filter(a => a.t.closest('.notes'))
        found.notes.push(...notes.map(a => a.said))
        for (const a of notes)
            for (const path of chart.querySelectorAll('.line path[d*=M], .far[d*=M]')) {
                const from = path.ownerSVGElement.getBoundingClientRect()
                const length = path.getTotalLength()
                for (let at = 0; at <= length; at += 2) {
                    const p = path.getPointAtLength(at)
                    const x = p.x + from.left, y = p.y + from.top
                    const across = x > a.left + 1 && x < a.right - 1
                    if (across && y > a.top && y < a.bottom) {
                        found.crossed.push([name, a.said])
                        break
                    }
                }
            }
    }
    return found
}"""
# The size of letters is seen in one frame and drawn in the next.
LARGER = """async size => {
    document.body.style.setProperty('--hp-font', size)
    for (let frame = 0; frame < 4; frame++) await new Promise(requestAnimationFrame)
}"""
WIDTHS = (360, 480, 640, 800, 1024, 1280, 1920)
LETTERS = (12, 13, 16, 20, 24, 28, 32)


@pytest.mark.parametrize("width", WIDTHS)
def test_texts_neither_meet_nor_are_cut(charts, made, width):
    page, (lowest,) = charts(width), mark(made["curve"].charts[1], "ring").get("label")
    for letter in LETTERS:
        page.evaluate(LARGER, f"{letter}px")
        found = page.evaluate(TEXTS)

        if width < 13 * letter:  # too few letters across for their words
            found["cut"] = [c for c in found["cut"] if c[0] not in ("race", "coins")]
        assert found["count"] > 100
        assert found["overlapping"] == [], letter
        assert found["cut"] == [], letter
        assert found["ticks"] == [], letter
        assert lowest in found["notes"]
        assert len(found["notes"]) >= 5
        if width >= 480:  # else there may be no place without a line
            assert found["crossed"] == [], letter


# Of a chart as narrow as on a phone, the height without and with an earlier curve.
HEIGHTS = """async both => {
    const box = document.querySelector('section'), heights = []
    box.style.width = '320px'
    const made = charts(box, () => 0)
    for (const state of both) {
        made.show(key => state[key])
        for (let frame = 0; frame < 3; frame++) await new Promise(requestAnimationFrame)
        heights.push(box.offsetHeight)
    }
    return heights
}"""


def test_nothing_jumps_when_an_earlier_curve_comes(charts):
    def one(x):
        marks = [line(x, x, legend=f"an {name} curve") for name in ("early", "older")]
        live = LiveCharts()
        live.show([Chart(Axis("epoch", (0, 1)), Axis("a long name", (0, 1)), marks)])
        return for_a_page(live)

    without, beside = charts().evaluate(HEIGHTS, [one([]), one([0, 1])])
    assert without == beside


def hit(page, panel, chart=0):
    """Return what takes mouse and keys in a chart."""
    return page.locator(f"#{panel} .hpc").nth(chart).locator(".hpc-hit")


def told(page):
    return page.evaluate("() => told.splice(0)")


def test_every_chart_has_a_role_a_name_and_a_value(charts):
    page = charts()
    found = page.evaluate(
        """() => [...document.querySelectorAll('.hpc')].map(chart => {
            const svg = chart.querySelector('.hpc-frame > svg')
            const hit = chart.querySelector('.hpc-hit')
            return [svg.getAttribute('role'), svg.getAttribute('aria-label'),
                hit.getAttribute('role'), hit.getAttribute('aria-label'),
                hit.getAttribute('aria-description'),
                hit.getAttribute('aria-valuetext'), hit.tabIndex]
        })"""
    )

    assert [role for role, *_ in found] == ["img"] * 9
    assert all(len(alt) > 20 for _, alt, *_ in found)
    network = found.pop(5)  # a picture without a value that can be told
    assert network[2:] == [None, None, None, None, -1]
    for _, alt, role, name, more, value, tab in found:
        assert (role, tab) == ("slider", 0)
        assert name not in ("", alt)  # it would be read twice
        assert more == alt
        assert value


def test_keys_choose_a_point(charts):
    page = charts()
    chart = hit(page, "curve", 1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")

    assert chart.evaluate("node => node == document.activeElement")
    assert chart.get_attribute("aria-label") == "choose a value of learning rate"
    spoken = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
        spoken.append(chart.get_attribute("aria-valuetext").split(",")[0])
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")

    values = 0.001, 0.003, 0.01, 0.003, 10
    assert spoken == [f"learning rate {v}" for v in values]
    assert told(page) == [
        {"type": "click", "name": "cross", "mark": 6, "value": 0, "chart": 1},
        {"type": "click", "name": "point", "mark": 4, "value": 7, "chart": 1},
    ]


def test_keys_walk_over_cells_and_from_line_to_line(charts, made):
    page = charts()
    cells_ = hit(page, "grid")
    cells_.focus()
    for key in ("Home", "ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    loss = mark(made["grid"].charts[0], "cells").columns[0][2, 1]
    said = f"learning rate 0.1, batch size 64, loss {loss:#.3g}"
    assert cells_.get_attribute("aria-valuetext") == said
    page.keyboard.press("ArrowUp")
    assert cells_.get_attribute("aria-valuetext").endswith(", chosen")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    assert page.locator("#grid .hpc-tip").first.is_hidden()  # it lies over other cells
    page.keyboard.press("Enter")

    lines = hit(page, "curve")
    lines.focus()
    for key in ("Home", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    assert lines.get_attribute("aria-valuetext").startswith("lr 0.003, epoch 1, ")
    page.keyboard.press("ArrowUp")
    assert lines.get_attribute("aria-valuetext").startswith("lr 0.01, epoch ")
    page.keyboard.press("Enter")

    assert [(e["name"], e["value"]) for e in told(page)] == [("cell", 13), ("curve", 2)]


def at(page, panel, chart, across, up):
    """Move the mouse to shares of a chart's area."""
    box = hit(page, panel, chart).bounding_box()
    page.mouse.move(
        box["x"] + across * box["width"], box["y"] + (1 - up) * box["height"]
    )


def test_the_mouse_reads_values_and_chooses(charts):
    page = charts()
    tip = page.locator("#grid .hpc").first.locator(".hpc-tip")

    at(page, "grid", 0, 0.99, 0.9)  # the upper right cell
    said = tip.inner_text().splitlines()
    assert said == ["learning rate 10, batch size 256", "diverged"]
    assert tip.is_visible()
    page.mouse.down()
    page.mouse.up()
    at(page, "grid", 0, -0.5, 0.9)
    assert not tip.is_visible()

    at(page, "curve", 0, 0.995, 0.1)
    shown = page.locator("#curve .hpc").first.locator(".hpc-tip").inner_text()
    assert shown.splitlines()[1] == "epoch 20"
    page.wait_for_function(
        "() => document.querySelectorAll('#curve path.dim').length == 8"
    )

    assert [(e["name"], e["value"]) for e in told(page)] == [("cell", 29)]


def test_a_curve_is_drawn_with_the_mouse_and_with_keys(charts):
    page = charts()
    chart = hit(page, "guess")
    chart.scroll_into_view_if_needed()
    page.keyboard.press("Control+A")  # a text that is marked is not dragged away

    at(page, "guess", 0, 0.02, 0.9)
    page.mouse.down()
    at(page, "guess", 0, 0.5, 0.2)
    at(page, "guess", 0, 0.98, 0.9)
    page.mouse.up()
    (event,) = told(page)
    heights = event["value"]
    assert (event["type"], event["name"], event["mark"]) == ("draw", "draw", 0)
    assert len(heights) == 9
    assert heights[0] > 0.9 < heights[-1]
    assert np.argmin(heights) == 4
    assert (np.diff(heights[:5]) < 0).all()

    chart.focus()
    for key in ("Home", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    page.evaluate("() => document.querySelector('#guess').say()")  # an old answer
    page.keyboard.press("PageUp")
    assert chart.get_attribute("aria-label") == "loss, learning rate"
    assert chart.get_attribute("aria-description").startswith("Draw your guess: ")
    raised = told(page)[-1]["value"]
    assert raised[1] == pytest.approx(heights[1] + (1 + 8) * 1.5 / 40, abs=1e-3)
    assert raised[2:] == heights[2:]
    said = chart.get_attribute("aria-valuetext")
    assert said == f"learning rate 0.003, loss {float(f'{raised[1]:#.3g}'):g}"


def test_a_finger_reads_a_value_and_draws(charts):
    page = charts(has_touch=True)
    tip = page.locator("#curve .hpc").nth(1).locator(".hpc-tip")
    point = page.locator("#curve .hpc").nth(1).locator(".points path").nth(2)
    point.tap(force=True)
    assert tip.inner_text().splitlines()[0] == "learning rate 0.01"
    told(page)

    chart = hit(page, "guess")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    touch = page.context.new_cdp_session(page)
    for kind, across in (("Start", 0.1), ("Move", 0.5), ("Move", 0.9), ("Cancel", 0)):
        place = {"x": box["x"] + across * box["width"], "y": box["y"] + 9}
        event = {"type": f"touch{kind}", "touchPoints": [place] if across else []}
        touch.send("Input.dispatchTouchEvent", event)
    page.wait_for_function("told.length > 0")
    (event,) = told(page)  # what is drawn when a system takes the finger
    assert len(set(event["value"][1:-1])) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_colors_stand_out(charts, scheme):
    page = charts(scheme=scheme)
    faults = Axe().run(page, context={"include": [["main"]]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []
    ratios = page.evaluate(CONTRAST, ".hpc svg text")
    assert len(ratios) > 60
    assert [(said, round(r, 2)) for said, r in ratios if r < 4.5] == []
