"""JupyterLab as ``python -m hpkit lab`` starts it: settings, pictures, exercises."""

import shutil

import pytest
from build import FOLDER
from harness import KERNEL, NOTEBOOK, await_answers, run_notebook, shut_down_kernels


def test_page_saved_from_the_menu_has_the_words_of_pictures(page, lab_server):
    lesson = "02_learning_rate.ipynb"
    shutil.copy(FOLDER / lesson, lab_server.root)
    saved = page.request.get(f"{lab_server.url}/nbconvert/html/{lesson}").text()
    assert saved.count("<img") == saved.count('alt="') > 0
    assert "No description" not in saved


CELLS = (
    "import os; os.environ['HPKIT_HOME'] = {home!r}\n"
    "from hpkit.exercises import lesson_02_learning_rate as ex",
    "ex.good_rate",
    "ex.good_rate.check(0.002)",
    "ex.good_rate.check({answer})",
    "ex.quiz",
    "import hpkit as hk; hk.progress(2)",
)
CHOICES = f"{NOTEBOOK} .hpkit-quiz .widget-button"


@pytest.fixture
def lesson(page, lab_server, tmp_path):
    """Return a function that opens a small lesson with an answer and runs it."""

    def opened(answer):
        home = str(tmp_path / "home")
        cells = [cell.format(home=home, answer=answer) for cell in CELLS]
        run_notebook(page, lab_server, "exercises.ipynb", *cells)
        page.locator(CHOICES).first.wait_for()
        return page

    return opened


def output(page, number):
    return page.locator(f"{NOTEBOOK} .jp-Cell").nth(number).inner_text()


def test_settings_hold_and_work_of_today_is_there_tomorrow(lesson, lab_server):
    page = lesson("0.7")
    news = "@jupyterlab/apputils-extension:notification"
    address = f"{lab_server.url}/lab/api/settings/{news}"
    schema = page.request.get(address).json()["schema"]["properties"]
    assert page.evaluate(f"{KERNEL}.commsOverSubshells") == "disabled"
    assert schema["fetchNews"]["default"] == "false"
    assert schema["checkForUpdates"]["default"] is False
    page.wait_for_timeout(2000)
    assert "news" not in page.locator("body").inner_text().lower()  # nobody is asked
    assert "Not yet. With 0.002 the mean lowest validation loss is" in output(page, 2)
    assert "ex.good_rate.hint()" in output(page, 2)
    assert "✓ Correct." in output(page, 3)

    page.locator(CHOICES).first.focus()
    page.keyboard.press("Enter")
    page.locator(f"{NOTEBOOK} .hpkit-quiz", has_text="Not yet.").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.locator(f"{NOTEBOOK} .hpkit-quiz", has_text="1 of 4 right").wait_for()
    await_answers(page)
    page.goto("about:blank")
    shut_down_kernels(lab_server.url)
    page = lesson("...")

    assert "You passed this exercise on" in output(page, 1)
    assert "Not attempted yet." in output(page, 3)
    assert "1 of 4 right" in output(page, 4)
    assert "2 of 8 done" in output(page, 5)

    button = page.locator(f"{NOTEBOOK} .jp-Cell").nth(1).locator(".widget-button")
    button.focus()  # hints and solution come by keyboard
    for n, key in enumerate(("Enter", "Space"), 1):
        page.keyboard.press(key)
        page.locator(f"{NOTEBOOK} .jp-Cell", has_text=f"Hint {n} of 2").wait_for()
    page.keyboard.press("Enter")
    page.locator(f"{NOTEBOOK} .jp-Cell pre", has_text="answer = ").wait_for()
    assert "Hint 1 of 2" in output(page, 1)
    button.locator(".fa-check").wait_for()
    assert page.locator(":focus").text_content() == "Solution"
