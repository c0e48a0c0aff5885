"""Lesson 02 in a real JupyterLab, as a learner runs it: from top to live panel."""

from harness import NOTEBOOK, open_notebook, run_all

PANEL = "hk.TrainingPanel(moons"
ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
    .flatMap(cell => cell.cell_type == 'code' ? cell.toJSON().outputs : [])
    .filter(output => output.output_type == 'error').length"""
COUNTS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
    .filter(cell => cell.cell_type == 'code' && cell.execution_count > 0).length"""
# JupyterLab holds only the cells near the window in the page.
SHOW = """text => {
    const content = window.jupyterapp.shell.currentWidget.content;
    const cells = content.model.sharedModel.cells;
    const at = cells.findIndex(c => c.cell_type == 'code' && c.source.includes(text));
    content.activeCellIndex = at;
    return content.scrollToItem(at, 'start');
}"""


def test_lesson_runs_from_the_top_and_its_panel_is_live(page, lab_server):
    open_notebook(page, lab_server.url, "02_learning_rate.ipynb")

    run_all(page)

    assert page.evaluate(ERRORS) == 0
    assert page.evaluate(COUNTS) > 15
    page.evaluate(SHOW, PANEL)
    panel = page.locator(f"{NOTEBOOK} .jp-Cell", has_text=PANEL).first
    panel.get_by_text("lr 0.01, batch size 32, seed 0").first.wait_for(timeout=60_000)
    panel.locator("[role=slider]").first.focus()
    page.keyboard.press("ArrowRight")
    panel.get_by_text("lr 0.013, batch size 32, seed 0").first.wait_for(timeout=30_000)
    panel.get_by_text("2 runs").first.wait_for(timeout=30_000)
