"""What a learner types, draws and clicks in a panel, and what is there tomorrow."""

from harness import NOTEBOOK, run_cell

SETUP = """
import hpkit as hk
moons = hk.load_dataset("moons")
base = hk.Hyperparameters(lr=0.1, epochs=10)
"""
PANEL = f"{NOTEBOOK} .hpkit"
SAID = f"{PANEL} .hp-say"


def wait_said(page, words):
    """Wait until the panel says some words."""
    page.locator(SAID, has_text=words).first.wait_for(timeout=10_000)


def printed(page, index):
    """Run a cell and return what it prints."""
    return run_cell(page, index).locator(".jp-OutputArea-output").inner_text().strip()


def test_typed_number_stays_as_typed(notebook):
    page = notebook("panel = hk.TrainingPanel(moons, base)\npanel", "print(panel.run)")
    box = page.locator(f"{PANEL} .hp-number input").first

    for typed in ("0.7", "0.03", "3", "0.123"):
        box.fill(typed)
        box.press("Enter")
        wait_said(page, f"lr {typed},")
        page.wait_for_timeout(500)  # a slider that moves would answer by now
        assert box.input_value() == typed

    assert "lr 0.123," in printed(page, 2)
    box.fill("")
    box.press_sequentially("0,25")  # as many write it at home
    box.press("Enter")
    wait_said(page, "lr 0.25,")
    box.fill("-1")
    box.press("Enter")
    wait_said(page, "lr must be > 0, got -1")


def test_curve_drawn_by_mouse_is_shown_beside_the_result(notebook):
    page = notebook(
        "panel = hk.ValidationCurvePanel(moons, base=base, predict='draw')\npanel",
        "chart = panel.charts.charts[1]\n"
        "mine = [m for m in chart.marks if m.get('label') == 'your guess']\n"
        "print(panel.guess.value[:3], any(m.columns[0].size for m in mine))",
    )
    wait_said(page, "Make your guess first")
    assert page.locator(f"{PANEL} .hp-drawer").is_hidden()

    chart = page.locator(f"{PANEL} .hp-guess .hpc")
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    left, top = box["x"] + 60, box["y"] + 30
    page.mouse.move(left, top)
    page.mouse.down()
    for step in range(40):
        page.mouse.move(left + 12 * step, top + 2 * step)
    page.mouse.up()
    page.wait_for_timeout(500)
    page.locator(f"{PANEL} .hp-guess button.mod-primary").click()

    wait_said(page, "Your guess: lowest at")
    heights, visible = printed(page, 2).rsplit(" ", 1)
    first, second, third = map(float, heights.strip("[]").split(","))
    assert first > second > third
    assert visible == "True"


def test_a_cross_is_clicked_and_the_seeds_are_a_whole_number_from_one(notebook):
    page = notebook("hk.ValidationCurvePanel(moons, base=base)")
    cross = page.locator(f"{PANEL} .hpc .cross path").first
    cross.scroll_into_view_if_needed()

    box = cross.bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    wait_said(page, "Chosen: learning rate 10, diverged.")

    box = page.locator(f"{PANEL} .hp-number input").last
    assert box.input_value() == "3"

    box.fill("-1")
    box.press("Enter")
    wait_said(page, "seeds must be a whole number >= 1, got -1; try 3")
    box.fill("")
    box.press_sequentially("2.5")  # the point is taken, not dropped: 25 would train
    box.press("Enter")
    wait_said(page, "seeds must be a whole number >= 1, got 2.5; try 3")
    box.fill("2")
    box.press("Enter")
    page.locator(f"{PANEL} .hp-status", has_text="22 runs").wait_for()
