"""JupyterLab as ``python -m hpkit lab`` starts it: widgets answer, settings hold."""

import shutil

import pytest
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


@pytest.fixture
def button_page(page, lab_server):
    """Page on which a notebook with a button was run."""
    write_notebook(lab_server.root / "button.ipynb", BUTTON)
    open_notebook(page, lab_server.url, "button.ipynb")
    run_all(page)
    return page


def test_button_answers(button_page):
    label = button_page.locator(f"{NOTEBOOK} .widget-label")
    assert label.inner_text() == "not yet"

    button_page.locator(f"{NOTEBOOK} .widget-button").click()
    button_page.wait_for_function(
        "() => document.querySelector('.widget-label').innerText.includes('pressed')"
    )

    assert label.inner_text() == "pressed in the main thread"


def test_settings_of_hpkit_hold_and_nobody_is_asked_about_news(button_page, lab_server):
    news = "@jupyterlab/apputils-extension:notification"
    address = f"{lab_server.url}/lab/api/settings/{news}"

    schema = button_page.request.get(address).json()["schema"]["properties"]

    assert button_page.evaluate(f"{KERNEL}.commsOverSubshells") == "disabled"
    assert schema["fetchNews"]["default"] == "false"
    assert schema["checkForUpdates"]["default"] is False
    button_page.wait_for_timeout(2000)
    assert "news" not in button_page.locator("body").inner_text().lower()


def test_page_saved_from_the_menu_has_the_words_of_pictures(page, lab_server):
    lesson = "02_learning_rate.ipynb"
    shutil.copy(FOLDER / lesson, lab_server.root)
    saved = page.request.get(f"{lab_server.url}/nbconvert/html/{lesson}").text()
    assert saved.count("<img") == saved.count('alt="') > 0
    assert "No description" not in saved
