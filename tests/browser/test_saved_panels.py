"""Panels whose kernel is gone: a picture and one line, in three front ends."""

import json
import subprocess
import sys

import harness
import pytest
from build import FOLDER
from chart_reading import until

LINE = "Saved picture. Run the first cell and then this one to make it live."
TO_HTML = sys.executable, "-m", "nbconvert", "--to", "html", "--template", "hpkit"
CELLS = (
    "import hpkit as hk\nfrom hpkit.exercises import lesson_02_learning_rate as ex",
    'panel = hk.TrainingPanel(hk.load_dataset("moons"), hk.Hyperparameters(epochs=5), '
    'controls=("lr", "epochs"))\npanel',
    "ex.quiz",
)
# Of the page: how often the line is seen, pictures, live parts, and any error.
SEEN = """line => {
    const seen = e => e.getClientRects().length > 0
    const texts = document.body.innerText
    return {
        lines: texts.split(line).length - 1
            + [...document.querySelectorAll('.hp-mortal')].filter(seen).filter(e =>
                getComputedStyle(e, '::before').content.includes(line)).length,
        pictures: [...document.querySelectorAll('.hp-saved img')].filter(seen).length,
        charts: [...document.querySelectorAll('.hpkit .hpc svg')].some(seen) + 0,
        buttons: [...document.querySelectorAll('.hpkit button')].some(seen) + 0,
        error: /not found|could not be|Error displaying|Loading widget/.test(texts),
    }
}"""
LIVE = {"lines": 0, "pictures": 0, "charts": 1, "buttons": 1, "error": False}
SAVED = {"lines": 2, "pictures": 1, "charts": 0, "buttons": 0, "error": False}
RESTARTED = {"lines": 2, "pictures": 0, "charts": 1, "buttons": 0, "error": False}


def sees(page, wanted, *, moment=1000):
    """Wait until the page shows what is wanted, and for a moment more."""
    for pause in (moment, 0):
        until(lambda: page.evaluate(SEEN, LINE) == wanted, 0.2)
        page.wait_for_timeout(pause)


def test_panel_lives_until_a_restart_and_is_a_picture_on_another_day(page, lab_server):
    path = lab_server.root / "saved.ipynb"
    harness.run_notebook(page, lab_server, path.name, *CELLS)
    sees(page, LIVE, moment=0)
    harness.command(page, "docmanager:save")
    # In a tab that was closed and is opened again, and after some runs of its cell.
    page.evaluate("() => window.jupyterapp.shell.currentWidget.close()")
    harness.open_notebook(page, lab_server.url, path.name)

    sees(page, LIVE)
    page.locator(".hpkit .hp-number input").nth(1).fill("9")
    page.keyboard.press("Enter")
    page.wait_for_function(
        "() => document.querySelectorAll('.hpkit .hp-list option').length == 2"
    )
    comms = "len(__import__('ipywidgets').widgets.widget._instances)"
    harness.run_cell(page, 1)
    before = int(harness.ask(page, f"print({comms})"))
    page.evaluate(
        """async () => {
            const {commands, shell} = window.jupyterapp
            shell.currentWidget.content.activeCellIndex = 1
            for (let n = 0; n < 5; n++) await commands.execute('notebook:run-cell')
        }"""
    )
    assert int(harness.ask(page, f"print({comms})")) == before
    harness.command(page, "docmanager:save")
    page.reload()
    sees(page, LIVE)
    page.evaluate(f"() => {{ {harness.KERNEL}.restart() }}")
    sees(page, RESTARTED)
    page.reload()
    sees(page, SAVED)
    harness.wait_for_kernel(page)
    harness.run_cell(page, 0)
    harness.run_cell(page, 1)
    sees(page, LIVE | {"lines": 1})  # the quiz is not run
    # Another day, exported as a page, and not trusted.
    page.locator(".hpkit .hp-number input").nth(1).fill("9")
    page.keyboard.press("Enter")
    page.wait_for_function(
        """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel
            .cells[1].outputs[1].data['text/html'].includes('epoch 9 of 9')"""
    )
    harness.command(page, "docmanager:save")
    outputs = json.loads(path.read_text())["cells"][1]["outputs"]
    saved = "".join(outputs[1]["data"]["text/html"])
    assert "epoch 9 of 9" in saved  # the last state
    assert len(saved) < 60_000

    harness.command(page, "kernelmenu:shutdown")
    sees(page, RESTARTED)
    page.goto("about:blank")
    harness.open_notebook(page, lab_server.url, path.name)
    sees(page, SAVED)
    subprocess.run([*TO_HTML, path], check=True)
    page.goto(path.with_suffix(".html").as_uri())
    sees(page, SAVED)
    changed = path.read_text().replace("import hpkit as hk", "import hpkit as hk  # ")
    path.with_name("untrusted.ipynb").write_text(changed)
    harness.open_notebook(page, lab_server.url, "untrusted.ipynb")
    sees(page, SAVED)


def test_on_paper_all_texts_of_a_page_are_open(page, tmp_path):
    lesson = FOLDER / "05_choosing_by_validation.ipynb"
    subprocess.run([*TO_HTML, lesson, "--output-dir", tmp_path], check=True)
    page.goto((tmp_path / lesson.name).with_suffix(".html").as_uri())
    folds = page.locator("details:not(.hp-code):not([open])")
    assert folds.count() > 10
    page.pdf()
    assert folds.count() == 0


@pytest.mark.parametrize("app", ["notebook", "nbclassic"])
def test_other_front_ends(profile, tmp_path, app):
    address = "/nbclassic/notebooks" if app == "nbclassic" else "/notebooks"
    path, exposed = tmp_path / "panels.ipynb", "expose_app_in_browser=True"
    harness.write_notebook(path, *CELLS)
    with harness.lab(tmp_path, f"--JupyterNotebookApp.{exposed}", app=app) as url:
        page = profile.new_page()
        page.goto(f"{url}{address}/panels.ipynb", wait_until="domcontentloaded")
        if app == "nbclassic":
            page.wait_for_function(
                """() => window.Jupyter?.notebook?.kernel?.is_connected()
                    && Jupyter.notebook.kernel.widget_manager"""
            )
            # Its widget manager asks for what the kernel has; a panel that is made
            # before the answer would be made twice and not be shown.
            page.evaluate(
                """() => new Promise(answered => Jupyter.notebook.kernel.comm_info(
                    'jupyter.widget', answered))"""
            )
            page.evaluate("() => Jupyter.notebook.execute_all_cells()")
        else:
            harness.wait_for_kernel(page)
            page.get_by_role("menuitem", name="Run", exact=True).click()
            page.get_by_text("Run All Cells", exact=True).click()
        sees(page, LIVE)
        page.locator(".hpkit-quiz button").first.wait_for()
        page.keyboard.press("Control+s")
        until(lambda: path.read_text().count("widget-view+json") == 2)
        kernel = harness.send("GET", f"{url}/api/kernels")[0]["id"]
        harness.send("POST", f"{url}/api/kernels/{kernel}/restart")
        page.goto(f"{url}{address}/panels.ipynb", wait_until="domcontentloaded")
        sees(page, SAVED)
        page.close()
