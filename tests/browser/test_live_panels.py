"""Panels in a real JupyterLab: input, focus, axe's rules, themes, width."""

from axe_playwright_python.sync_playwright import Axe
from harness import CONTRAST, KERNEL, NOTEBOOK, ask, await_answers, close_files, command

SETUP = """
import hpkit as hk
moons = hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.1, epochs=10)
"""
EVERY = """
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
hk.BatchNoisePanel(moons)
hk.SchedulePanel(moons, base)
hk.CoinFlipsPanel()
hk.SeedsPanel(moons, [base, base.but(lr=0.3)])
hk.TestBoxPanel(run)
hk.ClinicPanel()
""".strip().splitlines()


def test_every_panel_is_fit_for_all(notebook):
    page = notebook(*EVERY)
    panels = page.locator(".hpkit")
    for number in range(len(EVERY) - 1):
        panels.nth(number).scroll_into_view_if_needed()
        panels.nth(number).locator(".hpc svg").first.wait_for(state="attached")
    asking = page.locator(".hpkit", has_text="A guess first")
    assert asking.locator(".hp-drawer").is_hidden()

    faults = Axe().run(page, context={"include": [[".hpkit"]]}).response["violations"]
    assert [(v["id"], v["nodes"][0]["html"]) for v in faults] == []

    assert page.evaluate(UNHEARD) == []
    assert page.evaluate(OUTSIDE) == []
    for width in (850, 690):  # beside the list of files; as narrow as on a phone
        page.set_viewport_size({"width": width, "height": 844})
        page.wait_for_function(f"() => ({OUTSIDE})().length == 0")

    page.set_viewport_size({"width": 1920, "height": 1080})  # of a projector
    close_files(page)
    ask(page, "hk.present()")
    page.wait_for_function(f"() => ({SMALL})().length == 0")
    assert page.evaluate(OUTSIDE) == []
    ask(page, "hk.present(False)")
    page.set_viewport_size({"width": 1280, "height": 800})

    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        command(page, "apputils:change-theme", theme=theme)
        page.wait_for_function(THEMED, arg=theme)
        ratios = page.evaluate(CONTRAST, ".hpkit *")
        assert len(ratios) > 200
        assert [(words, r) for words, r in ratios if r < 4.5] == []

    page.emulate_media(forced_colors="active", color_scheme="dark")  # of Windows
    ratios = page.evaluate(CONTRAST, ".hpc svg text")
    assert [(words, r) for words, r in ratios if r < 4.5] == []
    assert page.evaluate(CHOSEN) == []
    page.emulate_media(forced_colors="none", color_scheme="light")
    size = "getComputedStyle(document.querySelector('.hpkit')).fontSize"
    larger = "document.body.style.setProperty('--jp-ui-font-size1', '16px')"
    assert page.evaluate(f"{larger}, {size}") == "16px"  # Increase UI Font Size
    page.evaluate(larger.replace("16", "13"))

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


# All colors are those of this theme.
THEMED = """theme => document.body.dataset.jpThemeName == theme
    && document.getAnimations().every(one => one.playState != 'running')"""
# Chosen buttons that look like those beside them.
CHOSEN = """() => [...document.querySelectorAll('.hpkit .mod-active')].filter(one => {
    const other = one.parentElement.querySelector('button:not(.mod-active)')
    const [mine, its] = [one, other ?? document.body].map(
        button => getComputedStyle(button).backgroundColor)
    return mine == its
}).map(one => one.textContent)"""
OUTSIDE = """() => [...document.querySelectorAll('.hpkit')].flatMap(panel => {
    const right = panel.getBoundingClientRect().right
    const parts = [...panel.querySelectorAll('button, input, select, svg')]
    const box = part => part.closest('.hp-grow:has(> .hp-list)') ?? part  // scrolls
    const out = parts.filter(p => box(p).getBoundingClientRect().right > right)
    const wide = panel.scrollWidth > panel.clientWidth ? [panel.innerText] : []
    return [...wide.filter(Boolean), ...out.map(p => p.outerHTML.slice(0, 99))]
})"""
# A panel without its title or a sentence that is said, a slider that says another value
# than is shown, a choice that does not say which it is or of what, a note not said.
UNHEARD = """() => [...document.querySelectorAll('.hpkit')].flatMap(panel => {
    const all = selector => [...panel.querySelectorAll(selector)]
    const shown = knob => knob.querySelector('.hp-number input')?.value
        ?? knob.querySelector('.hp-row > .widget-html:last-child').textContent
    const knobs = all('.hp-knob:has(> .hp-row):has(.noUi-handle)').filter(knob =>
        knob.querySelector('.noUi-handle').ariaValueText != shown(knob))
    const choices = all('.widget-toggle-button').filter(choice =>
        choice.ariaPressed != `${choice.classList.contains('mod-active')}`)
    const groups = all('.widget-toggle-buttons').filter(
        group => !group.ariaLabel)
    const notes = all('.hp-foot > .hp-muted').filter(note => note.role != 'status')
    const title = panel.querySelector('.hp-title[role=heading]')
    const named = panel.closest('[role=group]')?.ariaLabel == title.textContent
    const heard = panel.querySelector('[aria-live=polite] > .hp-say')
    const panels = named && heard ? [] : [panel]
    return [...panels, ...knobs, ...choices, ...groups, ...notes]
}).map(node => node.outerHTML.slice(0, 300))"""
# Letters too small for a back row, or a sentence that is not seen beside its charts.
SMALL = """() => [...document.querySelectorAll('.hpkit')].filter(panel => {
    const {top, height} = panel.getBoundingClientRect()
    const foot = panel.querySelector('.hp-foot')  // hidden while a guess is asked for
    const high = foot.offsetParent ? foot.getBoundingClientRect().top - top : height
    const room = panel.closest('.jp-WindowedPanel-outer').clientHeight
    return parseFloat(getComputedStyle(panel).fontSize) < 28 || high > room
}).map(panel => panel.innerText.slice(0, 40))"""


PANEL = f"{NOTEBOOK} .hpkit"
SAID = f"{PANEL} .hp-say"


def wait_said(page, words):
    page.locator(SAID, has_text=words).first.wait_for()


def test_a_number_typed_at_a_guess_counts_without_enter(notebook):
    page = notebook("hk.BowlPanel(predict=True)")
    number = page.locator(f"{PANEL} .hp-guess .widget-readout")
    number.press_sequentially("2,5")  # in place of 1.00; as many write it at home
    page.locator(f"{PANEL} .hp-guess button").click()
    wait_said(page, "Your guess: 2.5.")


def test_a_wrong_list_is_said_over_the_next_one_which_a_click_brings_back(notebook):
    page = notebook("hk.GridPanel(moons, base=base)")
    columns, rows = page.locator(f"{PANEL} .hp-knob input[type=text]").all()
    columns.fill("abc")
    page.locator(f"{PANEL} .hp-say").click()
    page.locator(f"{PANEL} .hp-wrong").wait_for()
    rows.click(timeout=3000)
    rows.fill("16, 64")
    columns.fill("0.1, 1")
    columns.press("Enter")
    page.locator(f"{PANEL} .hp-wrong").wait_for(state="detached")
    rows.fill("abc")
    rows.press("Tab")  # to a box that would lie over the answer
    page.locator(f"{PANEL} .hp-wrong.hp-keys").wait_for()


def test_typed_number_stays_as_typed_and_the_line_to_share_is_large(notebook):
    page = notebook("panel = hk.TrainingPanel(moons, base)\npanel")
    box = page.locator(f"{PANEL} .hp-number input").first

    for typed in ("0.7", "0.03", "3", "0.123"):
        box.fill(typed)
        box.press("Enter")
        wait_said(page, f"lr {typed},")
        await_answers(page)  # a slider that moves would have told the kernel
        assert box.input_value() == typed

    assert "lr 0.123," in ask(page, "print(panel.run)")
    # As many write it at home, typed and pasted.
    typed, pasted = box.press_sequentially, page.keyboard.insert_text
    ways = ("0,35", 0.35, typed), ("1.000,5", 1000.5, pasted), ("0,25 ", 0.25, pasted)
    for written, lr, put in ways:
        box.fill("")
        put(written)
        box.press("Enter")
        wait_said(page, f"lr {lr},")
    box.fill("-1")
    box.press("Enter")
    wait_said(page, "lr must be > 0, got -1")
    assert box.input_value() == "0.25"  # what stood there stands there again

    box.click()
    page.mouse.wheel(0, 100)
    page.wait_for_timeout(200)
    box.press("ArrowUp")
    assert box.input_value() == "0.25"

    page.locator(f"{PANEL} .hp-press-share").click()
    size = "node => getComputedStyle(node).fontSize"
    code, copy = (page.locator(f"{PANEL} {name}") for name in ("code", ".hp-copy"))
    assert code.evaluate(size) == copy.evaluate(size)
    copy.press("Enter")
    assert copy.inner_text() == "Copy ✓"


def test_shift_enter_goes_on_from_a_panel_and_does_not_run_it_again(notebook):
    page = notebook("panel = hk.TrainingPanel(moons, base)\npanel", "_ = 1")
    count = """n => window.jupyterapp.shell.currentWidget.content.widgets[n]
        .model.executionCount"""
    box = page.locator(f"{PANEL} .hp-number input").first
    panels, last = (page.evaluate(count, n) for n in (1, 2))

    for use in ("click", "type"):  # from a box JupyterLab's own key does nothing
        if use == "click":
            page.locator(f"{PANEL} .hp-press-train").click()
        else:
            box.fill("0.3")
        page.keyboard.press("Shift+Enter")
        page.wait_for_function(f"last => ({count})(2) > last", arg=last)
        last = page.evaluate(count, 2)
        assert page.evaluate(count, 1) == panels
    wait_said(page, "lr 0.3,")


def test_mouse_is_not_led_elsewhere_when_a_button_goes(notebook):
    make = "hk.TrainingPanel(moons, base.but(batch_size=1, epochs=2000))"
    page = notebook(f"panel = {make}\npanel", "hk.OneAtATimePanel(moons, predict=True)")
    page.set_viewport_size({"width": 1280, "height": 500})
    panel, guess = page.locator(PANEL).all()
    panel.locator(".hp-press-train").click()
    panel.locator(".hp-press-pause").click()
    panel.get_by_text("Resume").wait_for()
    guess.locator(".hp-guess button").first.scroll_into_view_if_needed()
    page.mouse.wheel(0, 2000)
    page.mouse.wheel(0, -60)  # from the end, where a page that gets shorter moves
    place, top = "node => node.getBoundingClientRect().top", None
    while top != (top := panel.evaluate(place)):  # a busy computer scrolls for long
        page.wait_for_timeout(500)

    ask(page, "panel.stop()")
    panel.locator(".hp-buttons :focus:enabled").wait_for()
    assert panel.evaluate(place) == top < 0

    guess.get_by_text("yes").click()
    guess.get_by_text("This is my guess").click()
    guess.locator(".hp-buttons :focus").wait_for()  # no list, which an arrow changes


def test_map_is_of_the_best_epoch_after_a_longer_training(notebook):
    make = "hk.TrainingPanel(moons, base, controls=('epochs',))"
    page = notebook(f"panel = {make}\npanel")
    box = page.locator(f"{PANEL} .hp-number input").first

    for epochs in (30, 100, 20, 60):
        box.fill(str(epochs))
        box.press("Enter")
        wait_said(page, f"of {epochs} (lr 0.1, ")
        await_answers(page)

        best = ask(page, "print(panel.run.best_epoch)")
        assert ask(page, "print(panel.epoch)") == best
        handle = page.locator(f"{PANEL} .hp-scrub .noUi-handle")
        assert float(handle.get_attribute("aria-valuenow")) == float(best)


def test_a_cross_is_clicked_and_the_seeds_are_a_whole_number_from_one(notebook):
    page = notebook("hk.ValidationCurvePanel(moons, base=base)")
    page.locator(f"{PANEL} .hpc .cross path").first.click(force=True)  # covered
    wait_said(page, "Learning rate 10: at least one seed diverged.")

    box = page.locator(f"{PANEL} .hp-number input").last
    assert box.input_value() == "3"

    box.fill("-1")
    box.press("Enter")
    wait_said(page, "seeds must be a whole number >= 1, got -1; try 1 to 500")
    box.fill("")
    box.press_sequentially("2.5")  # the point is taken, not dropped: 25 would train
    box.press("Enter")
    wait_said(page, "seeds must be a whole number >= 1, got 2.5; try 1 to")
    box.fill("2")
    box.press("Enter")
    status = page.locator(f"{PANEL} .hp-status")
    status.filter(has_text="22 runs").wait_for()
    box.fill("500")  # the price of what is typed is said aloud, not that of a slide
    box.press("Enter")
    status.filter(has_text="press Start").wait_for()
    assert status.get_attribute("aria-live") == "polite"
    page.locator(f"{PANEL} .noUi-handle").last.press("ArrowLeft")
    assert status.get_attribute("aria-live") == "off"


def test_a_lost_connection_is_said_and_what_was_changed_comes_later(notebook):
    page = notebook("hk.TrainingPanel(moons, base)")
    said = (
        f"() => getComputedStyle(document.querySelector('{PANEL}'), '::after').content"
    )
    assert page.evaluate(said) == "none"
    page.context.set_offline(True)
    page.evaluate(f"() => {KERNEL}._ws.close()")
    page.wait_for_function(f"{said} != 'none'")
    assert "No connection to the kernel" in page.evaluate(said)
    page.locator(f"{PANEL} .hp-number input").first.fill("0.7")
    page.keyboard.press("Enter")

    page.context.set_offline(False)
    command(page, "kernelmenu:reconnect-to-kernel")
    wait_said(page, "lr 0.7,")
    page.wait_for_function(f"{said} == 'none'")
    assert page.locator(".jupyter-widgets-disconnected").count() == 0


CHARTS = """
import numpy as np
from hpkit.panels.controls import LiveCharts
from hpkit.charts.spec import Axis, Chart, line, points

told, places = [], np.arange(5.0)

def pair(height):
    curve = line(places, height + 0 * places, name="curve", click="curve")
    dots = points(places, height + 0 * places, click="point")
    return [Chart(Axis("epoch", (0, 4)), Axis("loss"), [mark], alt="A pair.")
            for mark in (curve, dots)]

calls = {"curve": lambda row: told.append(("curve", row)),
         "point": lambda at: [told.append(("point", at)), live.show(pair(at / 10))]}
live = LiveCharts((1, 1), calls=calls).add_class("hpkit")
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


def test_charts_answer_and_change_together_also_after_a_reload(notebook):
    page = notebook(CHARTS, "live")
    page.wait_for_selector(f"{NOTEBOOK} .hpc .points path[d]")
    assert page.locator(".hpc-sentence").first.inner_text() == "Half."
    # The second view and the first show the same.
    assert page.locator(".hpc .points").count() == 2

    page.evaluate(WATCH)
    page.locator(".hpc-hit").nth(1).focus()
    for key in ("Home", "ArrowRight", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("() => seen.length > 1")
    await_answers(page)
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
