"""Panels in a real JupyterLab: keyboard, focus, axe's rules, themes, width."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from harness import NOTEBOOK, command, open_notebook, run_all, write_notebook

SETUP = 'import hpkit as hk\n\nmoons = hk.load_dataset("moons")'
PANEL = "hk.TrainingPanel(moons, hk.Hyperparameters(lr=0.1))"
SAID = f"{NOTEBOOK} .hpkit .hp-say"
LINE = f"{NOTEBOOK} .hpkit .bqplot .curve path.line"


@pytest.fixture
def notebook(page, lab_server, request):
    """Open a notebook of some cells and run them."""

    def opened(*cells):
        name = f"{request.node.originalname}.ipynb"
        write_notebook(lab_server.root / name, SETUP, *cells)
        open_notebook(page, lab_server.url, name)
        run_all(page)
        page.wait_for_selector(f"{NOTEBOOK} .hpkit .bqplot svg")
        return page

    return opened


def wait_said(page, words, seconds=10):
    """Wait until the panel's sentence has some words in it."""
    page.wait_for_function(
        "([where, words]) => document.querySelector(where).innerText.includes(words)",
        arg=[SAID, words],
        timeout=1000 * seconds,
    )


def drawn(page):
    """Return the shapes of all lines on the page."""
    lines = page.locator(LINE)
    return lines.evaluate_all("lines => lines.map(line => line.getAttribute('d'))")


def test_slider_by_keyboard_draws_a_new_curve(notebook):
    page = notebook(PANEL)
    wait_said(page, "lr 0.1")
    before = drawn(page)

    page.locator(".hpkit .noUi-handle").first.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    wait_said(page, "lr 0.32")
    wait_said(page, "of 2 runs")

    assert drawn(page) != before
    assert page.locator(".hpkit select option").count() == 2


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
""".strip().splitlines()


@pytest.fixture
def all_panels(notebook):
    """Page with every panel on it, drawn."""
    page = notebook("\n".join(EVERY[:2]), *EVERY[2:])
    panels = page.locator(".hpkit")
    for number in range(len(EVERY) - 2):
        panels.nth(number).scroll_into_view_if_needed()
        panels.nth(number).locator(".bqplot svg").first.wait_for(state="attached")
    return page


def test_every_panel_is_fit_for_all(all_panels):
    page = all_panels

    faults = Axe().run(page, context={"include": [[".hpkit"]]}).response["violations"]
    heavy = [v for v in faults if v["impact"] in ("serious", "critical")]
    assert [(v["id"], v["nodes"][0]["html"]) for v in heavy] == []

    assert page.evaluate(OUTSIDE) == []

    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        command(page, "apputils:change-theme", theme=theme)
        page.wait_for_timeout(2000)
        ratios = page.evaluate(CONTRAST)
        assert len(ratios) > 200
        assert [(words, r) for words, r in ratios if r < 4.5] == []


def test_every_panel_has_a_focus_that_is_seen(all_panels):
    page = all_panels
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

    assert unseen == []


OUTSIDE = """() => [...document.querySelectorAll('.hpkit')].flatMap(panel => {
    const right = panel.getBoundingClientRect().right
    const parts = [...panel.querySelectorAll('button, input, select, svg')]
    const out = parts.filter(p => p.getBoundingClientRect().right > right)
    const wide = panel.scrollWidth > panel.clientWidth ? [panel.innerText] : []
    return [...wide, ...out.map(p => p.outerHTML.slice(0, 99))]
})"""
CONTRAST = """() => {
    const light = c => {
        const [r, g, b] = c.map(v => v / 255).map(
            v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const parts = color => color.match(/[\\d.]+/g).map(Number)
    const ground = node => {
        for (; node; node = node.parentElement) {
            const c = parts(getComputedStyle(node).backgroundColor)
            if (c.length == 3 || c[3] > 0.5) return c.slice(0, 3)
        }
        return [255, 255, 255]
    }
    const ratios = []
    for (const node of document.querySelectorAll('.hpkit *')) {
        const own = [...node.childNodes].some(
            n => n.nodeType == 3 && n.textContent.trim())
        if (!own || !node.getClientRects().length || node.tagName == 'STYLE') continue
        // What stands on a picture has no ground that can be asked for: see
        // test_numbers_stand_out_from_their_cells.
        if (node.classList.contains('label')) continue
        const style = getComputedStyle(node)
        const ink = parts(node.ownerSVGElement ? style.fill : style.color).slice(0, 3)
        const [a, b] = [light(ink), light(ground(node))].sort((x, y) => y - x)
        // A sign is no text: 3 is enough for it.
        const sign = node.classList.contains('hp-mark') ? 1.5 : 1
        const words = node.textContent.trim().slice(0, 20)
        ratios.push([words, sign * (a + 0.05) / (b + 0.05)])
    }
    return ratios
}"""
