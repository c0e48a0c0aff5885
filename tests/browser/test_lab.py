"""JupyterLab as ``python -m hpkit lab`` starts it: widgets answer, settings hold."""

import shutil

from build import FOLDER
from harness import KERNEL, NOTEBOOK, open_notebook, run_all, write_notebook

BUTTON = """
import threading
import ipywidgets as widgets

label = widgets.Label("not yet")
button = widgets.Button(description="Press")

def press(_):
    main = threading.current_thread() is threading.main_thread()
    label.value = "pressed in the main thread" if main else "pressed elsewhere"

button.on_click(press)
widgets.VBox([button, label])
"""


def test_button_answers_settings_hold_and_nobody_is_asked_about_news(page, lab_server):
    write_notebook(lab_server.root / "button.ipynb", BUTTON)
    open_notebook(page, lab_server.url, "button.ipynb")
    run_all(page)
    label = page.locator(f"{NOTEBOOK} .widget-label")
    assert label.inner_text() == "not yet"

    page.locator(f"{NOTEBOOK} .widget-button").click()
    page.wait_for_function(
        "() => document.querySelector('.widget-label').innerText.includes('pressed')"
    )

    assert label.inner_text() == "pressed in the main thread"

    news = "@jupyterlab/apputils-extension:notification"
    address = f"{lab_server.url}/lab/api/settings/{news}"

    schema = page.request.get(address).json()["schema"]["properties"]

    assert page.evaluate(f"{KERNEL}.commsOverSubshells") == "disabled"
    assert schema["fetchNews"]["default"] == "false"
    assert schema["checkForUpdates"]["default"] is False
    page.wait_for_timeout(2000)
    assert "news" not in page.locator("body").inner_text().lower()


def test_page_saved_from_the_menu_has_the_words_of_pictures(page, lab_server):
    lesson = "02_learning_rate.ipynb"
    shutil.copy(FOLDER / lesson, lab_server.root)
    saved = page.request.get(f"{lab_server.url}/nbconvert/html/{lesson}").text()
    assert saved.count("<img") == saved.count('alt="') > 0
    assert "No description" not in saved
