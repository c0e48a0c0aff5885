"""Charts on a page without a kernel: texts at all sizes, keys, mouse, axe, themes."""

import json
from base64 import b64encode

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from harness import (
    CONTRAST,
    NOTEBOOK,
    answered,
    ask,
    command,
    open_notebook,
    run_all,
    use_theme,
    write_notebook,
)
from matplotlib import colormaps
from matplotlib.colors import to_hex

from hpkit.charts.live import SCRIPT, STYLE
from hpkit.charts.spec import (
    Axis,
    Chart,
    band,
    cells,
    cross,
    frames,
    image,
    line,
    points,
    ring,
    rule,
    state,
    text,
)

RATES = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3]
TINTS = [to_hex(c) for c in colormaps["viridis"](np.linspace(0.82, 0.33, 8))]
EPOCHS = np.arange(41)
NOISE = np.random.default_rng(0).random((8, 41))
LOSSES = np.array([0.7 * np.exp(-0.3 * r * EPOCHS) + 0.1 + 0.1 * r for r in RATES])
LOSSES += 0.05 * NOISE * np.array(RATES)[:, None]


def for_a_page(made, widths):
    """Return charts as chart.js takes them on a page without a kernel."""
    plain = {
        key: value if isinstance(value, dict) else b64encode(value).decode()
        for key, value in state(made).items()
    }
    return json.loads(json.dumps({"widths": list(widths), **plain}))


def curve_charts():
    """Return curves named at their ends, and a validation curve."""
    mean, spread = LOSSES.min(1), 0.02 + 0.03 * NOISE[:, 0]
    best = int(mean.argmin())
    curves = [
        line(
            EPOCHS,
            LOSSES,
            color=TINTS,
            width=1.5,
            label=[f"{r:g}" for r in RATES],
            name=[f"learning rate {r:g}" for r in RATES],
            click="curve",
        ),
        line(EPOCHS, LOSSES[5], width=3, strong=True, hover=False),
        cross([12], label="diverged"),
    ]
    curve = [
        band(RATES, mean - spread, mean + spread, legend="± 1 sd over seeds"),
        line(RATES, mean, hover=False),
        points(RATES, mean, color=TINTS, size=5, click="value"),
        cross([10], color="orange", label="diverged", click="value"),
        ring([RATES[best]], [mean[best]], color="orange", label="lowest 0.131 at 1"),
    ]
    return [
        Chart(
            Axis("epoch", (0, 40)),
            Axis("validation loss", (0, 1)),
            curves,
            alt="Training curves of eight learning rates.",
            ends="learning rate",
        ),
        Chart(
            Axis("learning rate", (0.0007, 14), "log"),
            Axis("lowest validation loss", (0, 1)),
            curve,
            alt="Validation curve: 1 is best.",
            choose="choose a learning rate",
        ),
    ]


def grid_charts():
    """Return a map with frames and a path, and the curves of a cell."""
    loss = np.outer(np.linspace(1, 2, 5), np.linspace(0.1, 0.6, 6))
    loss[4, 4:] = np.nan, np.inf
    names = [f"{r:g}" for r in RATES[1:7]]
    grid = [
        cells(loss, name="loss", click="cell"),
        frames([0, 1], [0, 0], color="orange", dash="dashed", legend="as good"),
        frames([0], [0], color="orange", width=3.6, legend="lowest"),
        frames([2], [2], color="ink", width=2, dash="dotted", inset=0.09),
    ]
    curves = [
        line(EPOCHS, LOSSES[2:5], color="gray", width=1.3, legend="other seeds"),
        line(EPOCHS, 0.8 * LOSSES[5], dash="dashed", label="training"),
        line(EPOCHS, LOSSES[5], width=3, label="validation", strong=True),
        ring([30], [LOSSES[5][30]], label="lowest 0.13 at epoch 30"),
    ]
    return [
        Chart(
            Axis("learning rate", kind="band", texts=names),
            Axis("batch size", kind="band", texts=["16", "32", "64", "128", "256"]),
            grid,
            alt="Loss of thirty cells.",
            choose="choose a cell",
            grid=False,
        ),
        Chart(
            Axis("epoch", (0, 40)),
            Axis("loss", (0, 1)),
            curves,
            alt="Curves of a cell.",
        ),
    ]


def map_charts():
    """Return classes over a picture, and parallel axes."""
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[:, :4], pixels[:, 4:] = (0, 114, 178, 120), (213, 94, 0, 120)
    places = np.random.default_rng(1).normal(size=(60, 2))
    shapes = ("circle", "triangle", "square", "diamond", "plus", "x")
    dots = [
        points(*places[k::6].T, shape=shape, color="blue", name=shape)
        for k, shape in enumerate(shapes)
    ]
    axes = ["learning rate", "batch size", "hidden", "loss"]
    ends, lows = {"color": "orange", "opacity": 0}, [f"{n}, low" for n in axes]
    rows = np.random.default_rng(2).random((12, 4))
    parallel = [
        line(np.arange(4), rows, color="gray", opacity=0.4, name="a setting"),
        line(np.arange(4), [0, 0, 0, 0], draw="low", tip=lows, **ends),
        line(np.arange(4), [1, 1, 1, 0.2], draw="high", tip=lows, **ends),
    ]
    return [
        Chart(
            Axis("x1", (-3, 3)),
            Axis("x2", (-3, 3)),
            [image(pixels), *dots],
            grid=False,
            alt="Map of two classes.",
        ),
        Chart(
            Axis(kind="band", texts=axes),
            Axis("", (-0.12, 1.12), "none"),
            parallel,
            grid=False,
            alt="Twelve settings over four axes.",
        ),
    ]


def other_charts():
    """Return step lines with a guess, and a curve to draw."""
    tried, best = np.arange(1, 41), np.maximum.accumulate(0.5 + 0.2 * NOISE[0, :40])
    steps = [
        points(tried, 0.4 + 0.3 * NOISE[1, :40], color="gray", size=3, legend="each"),
        line(tried, best, step=True, width=2.8, label="validation", strong=True),
        line(
            tried, best - 0.1 * NOISE[2, :40], step=True, color="orange", label="test"
        ),
        rule([0.5], across=True, color="purple", dash="dotted", label="your guess"),
        text([20], [0.25], ["forty models"]),
    ]
    places = [*RATES, 10]
    drawn = line(places, np.full(9, 0.6), color="purple", width=3, draw="guess")
    return [
        Chart(
            Axis("models tried", (0, 41)),
            Axis("accuracy", (0.2, 0.85)),
            steps,
            alt="The best of forty models.",
        ),
        Chart(
            Axis("learning rate", (0.0007, 14), "log"),
            Axis("your guess", (0, 1.2)),
            [drawn],
            alt="Draw a curve.",
            choose="draw the lowest loss",
            height=16,
        ),
    ]


PANELS = {
    "curve": (curve_charts, (5, 6)),
    "grid": (grid_charts, (1, 1)),
    "map": (map_charts, (1, 1)),
    "other": (other_charts, (1, 1)),
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
    charts(box, event => told.push(event)).show(key => all[name][key])
}}
</script></html>"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Page with all charts, made once."""
    states = {name: for_a_page(f(), w) for name, (f, w) in PANELS.items()}
    path = tmp_path_factory.mktemp("charts") / "charts.html"
    made = PAGE.format(style=STYLE, script=SCRIPT, states=json.dumps(states))
    path.write_text(made, encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def charts(browser, address):
    """Open the page; no error may come from it."""
    pages, wrong = [], []

    def opened(width=1280, scheme="light"):
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme=scheme
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        page.wait_for_selector("#other .hpc:nth-child(2) svg path")
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
    const every = 'svg text, .hpc-head b, .hpc-head i, .hpc-head > span'
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
        if (ticks[0] < 2 || (ticks[1] < 2 && name != 'map'))
            found.ticks.push([name, ...ticks])
        const notes = texts.filter(a => a.t.closest('.notes'))
        found.notes.push(...notes.map(a => a.said))
        for (const a of notes)
            for (const path of chart.querySelectorAll('.line path')) {
                const from = path.ownerSVGElement.getBoundingClientRect()
                const length = path.getTotalLength()
                for (let at = 0; at <= length; at += 2) {
                    const p = path.getPointAtLength(at)
                    const x = p.x + from.left, y = p.y + from.top
                    if (x > a.left && x < a.right && y > a.top && y < a.bottom) {
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
def test_texts_neither_meet_nor_are_cut(charts, width):
    page = charts(width)
    for letter in LETTERS:
        page.evaluate(LARGER, f"{letter}px")
        found = page.evaluate(TEXTS)

        assert found["count"] > 60
        assert found["overlapping"] == [], letter
        assert found["cut"] == [], letter
        assert found["ticks"] == [], letter
        assert "lowest 0.131 at 1" in found["notes"]
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
        return Chart(Axis("epoch", (0, 1)), Axis("a long name", (0, 1)), marks)

    both = [for_a_page([one(x)], [1]) for x in ([], [0, 1])]
    without, beside = charts().evaluate(HEIGHTS, both)
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
                hit.getAttribute('aria-valuetext'), hit.tabIndex]
        })"""
    )

    assert len(found) == 8
    for image_role, alt, role, name, value, tab in found:
        assert (image_role, role, tab) == ("img", "slider", 0)
        assert alt.endswith(".")
        assert name
        assert value


def test_keys_choose_a_point(charts):
    page = charts()
    chart = hit(page, "curve", 1)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")

    assert chart.evaluate("node => node == document.activeElement")
    assert chart.get_attribute("aria-label") == "choose a learning rate"
    spoken = []
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowLeft", "End"):
        page.keyboard.press(key)
        spoken.append(chart.get_attribute("aria-valuetext").split(",")[0])
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press(" ")

    assert spoken == [f"learning rate {v}" for v in ("0.001", 0.003, 0.01, 0.003, 10)]
    assert told(page) == [
        {"type": "click", "name": "value", "mark": 3, "value": 0, "chart": 1},
        {"type": "click", "name": "value", "mark": 2, "value": 7, "chart": 1},
    ]


def test_keys_walk_over_cells_and_from_line_to_line(charts):
    page = charts()
    cells_ = hit(page, "grid")
    cells_.focus()
    for key in ("Home", "ArrowUp", "ArrowUp", "ArrowRight"):
        page.keyboard.press(key)
    assert cells_.get_attribute("aria-valuetext") == (
        "learning rate 0.01, batch size 64, loss 0.3"
    )
    page.keyboard.press("Enter")

    lines = hit(page, "curve")
    lines.focus()
    for key in ("Home", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    assert lines.get_attribute("aria-valuetext").startswith(
        "learning rate 0.001, epoch "
    )
    page.keyboard.press("ArrowUp")
    assert lines.get_attribute("aria-valuetext").startswith(
        "learning rate 0.003, epoch "
    )
    page.keyboard.press("Enter")

    assert [(e["name"], e["value"]) for e in told(page)] == [("cell", 13), ("curve", 1)]


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
    assert tip.inner_text().splitlines() == [
        "learning rate 1, batch size 256",
        "diverged",
    ]
    assert tip.is_visible()
    page.mouse.down()
    page.mouse.up()
    at(page, "grid", 0, -0.5, 0.9)
    assert not tip.is_visible()

    at(page, "curve", 0, 0.995, 0.1)
    shown = page.locator("#curve .hpc").first.locator(".hpc-tip").inner_text()
    assert shown.splitlines()[1] == "epoch 40"
    page.wait_for_function(
        "() => document.querySelectorAll('#curve path.dim').length == 7"
    )

    assert [(e["name"], e["value"]) for e in told(page)] == [("cell", 29)]


def test_a_curve_is_drawn_with_the_mouse_and_with_keys(charts):
    page = charts()
    chart = hit(page, "other", 1)
    chart.scroll_into_view_if_needed()

    at(page, "other", 1, 0.02, 0.9)
    page.mouse.down()
    at(page, "other", 1, 0.5, 0.2)
    at(page, "other", 1, 0.98, 0.9)
    page.mouse.up()
    (event,) = told(page)
    heights = event["value"]
    assert (event["type"], event["name"], event["mark"]) == ("draw", "guess", 0)
    assert len(heights) == 9
    assert heights[0] > 0.9 < heights[-1]
    assert np.argmin(heights) == 4
    assert (np.diff(heights[:5]) < 0).all()

    chart.focus()
    for key in ("Home", "ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert chart.get_attribute("aria-label") == "draw the lowest loss"
    raised = told(page)[-1]["value"]
    assert raised[1] == pytest.approx(heights[1] + 2 * 1.2 / 40, abs=1e-3)
    assert raised[2:] == heights[2:]
    said = chart.get_attribute("aria-valuetext")
    assert said == f"learning rate 0.003, your guess {float(f'{raised[1]:.3g}'):g}"


def test_of_two_drawn_lines_one_point_is_moved_with_the_mouse_and_with_keys(charts):
    page = charts()
    chart = hit(page, "map", 1)
    chart.scroll_into_view_if_needed()

    at(page, "map", 1, 1 / 8, 0.8)  # the first of four axes, nearer to the upper end
    page.mouse.down()
    at(page, "map", 1, 3 / 8, 0.6)  # sideways: the others stay
    page.mouse.up()
    (event,) = told(page)
    assert (event["type"], event["name"], event["mark"]) == ("draw", "high", 2)
    moved, *others = event["value"]
    assert 0.5 < moved < 0.75
    assert others == [1, 1, pytest.approx(0.2)]

    at(page, "map", 1, 1 / 8, 0.1)  # near the lower one
    page.mouse.down()
    page.mouse.up()
    assert told(page)[-1]["name"] == "low"

    chart.focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowUp", "ArrowUp"):
        page.keyboard.press(key)
    assert chart.get_attribute("aria-valuetext") == "batch size, low"
    last = told(page)[-1]
    assert (last["name"], last["value"][1]) == ("low", pytest.approx(2 * 1.24 / 40))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_colors_stand_out(charts, scheme):
    page = charts(scheme=scheme)
    faults = Axe().run(page, context={"include": [["main"]]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []
    ratios = page.evaluate(CONTRAST, ".hpc svg text")
    assert len(ratios) > 60
    assert [(said, round(r, 2)) for said, r in ratios if r < 4.5] == []


CELL = """
import numpy as np
from hpkit.charts.live import LiveCharts
from hpkit.charts.spec import Axis, Chart, line, points

told, places = [], np.arange(5.0)

def pair(height):
    curve = line(places, height + 0 * places, name="curve", click="curve")
    dots = points(places, height + 0 * places, click="point")
    return [Chart(Axis("epoch", (0, 4)), Axis("loss"), [mark], alt="A pair.")
            for mark in (curve, dots)]

calls = {"curve": lambda row: told.append(("curve", row)),
         "point": lambda at: [told.append(("point", at)), live.show(pair(at / 10))]}
live = LiveCharts((1, 1), calls=calls)
live.show(pair(0.5), sentence="<b>Half.</b>")
live
"""
# Where the first marks of both charts stand, as the page paints them.
WATCH = """() => {
    const place = query => {
        const d = document.querySelector(query).getAttribute('d')
        return Math.round(Number(d.match(/ ?([\\d.]+)$|M[\\d.]+ ([\\d.]+)/)[2]))
    }
    window.seen = []
    const look = () => {
        const now = [':first-child .line path', ':last-child .points path']
            .map(mark => place('.hpc' + mark))
        const last = seen[seen.length - 1]
        if (!last || last.join() != now.join()) seen.push(now)
        requestAnimationFrame(look)
    }
    look()
}"""


def test_charts_in_jupyterlab_answer_and_change_together(page, lab_server):
    write_notebook(lab_server.root / "charts.ipynb", CELL, "live")
    open_notebook(page, lab_server.url, "charts.ipynb")
    run_all(page)
    page.wait_for_selector(f"{NOTEBOOK} .hpc .points path[d]")
    assert page.locator(".hpc-sentence").first.inner_text() == "Half."
    # The second view and the first show the same.
    assert page.locator(".hpc .points").count() == 2

    page.evaluate(WATCH)
    page.locator(".hpc-hit").nth(1).focus()
    for key in ("Home", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("() => seen.length > 1")
    answered(page)
    before, after = page.evaluate("() => seen")

    assert ask(page, "print(told)") == "[('point', 1)]"
    # Loss 0.5 and 0.1; both marks moved in one frame.
    assert all(b > a + 50 for a, b in zip(before, after, strict=True))

    command(page, "docmanager:save")
    page.reload()
    page.wait_for_selector(f"{NOTEBOOK} .hpc .points path[d]")
    page.evaluate(WATCH)
    near = "at => seen.at(-1).every((now, mark) => Math.abs(now - at[mark]) <= 30)"
    page.wait_for_function(near, arg=after)

    for theme, blue in (("Dark", "#56B4E9"), ("Light", "#0072B2")):
        use_theme(page, f"JupyterLab {theme}")
        page.wait_for_function(
            """blue => getComputedStyle(document.querySelector('.hpc'))
                .getPropertyValue('--hp-blue').trim() == blue""",
            arg=blue,
        )
