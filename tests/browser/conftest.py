"""Fixtures of the browser tests: a JupyterLab on a copy of the lessons, and a page."""

import os
import shutil
import tempfile
from pathlib import Path
from types import SimpleNamespace

import harness
import pytest
from playwright.sync_api import Error


def pytest_collection_modifyitems(items):
    """Mark all tests of this folder, so that ``-m "not browser"`` leaves them out."""
    for item in items:
        if "tests/browser/" in item.path.as_posix():
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def lab_server(tmp_path_factory):
    """JupyterLab with ``.url``, serving ``.root``, a copy of the notebooks."""
    root = tmp_path_factory.mktemp("lab") / "notebooks"
    hidden = shutil.ignore_patterns(".*", "src", "hpkit-runs")
    shutil.copytree(harness.ROOT / "notebooks", root, ignore=hidden)
    second = os.environ.get(harness.SECOND)
    with harness.lab(root, kernels={"second": second} if second else {}) as url:
        yield SimpleNamespace(url=url, root=root)


def browser_scope(fixture_name, config):
    """Share the browser between modules, unless other tests run, which use asyncio."""
    return "session" if all("browser" in name for name in config.args) else "module"


@pytest.fixture(scope=browser_scope)
def profile(tmp_path_factory):
    """Browser profile, which caches JupyterLab's compiled scripts."""
    folder, size = tmp_path_factory.mktemp("profile"), {"width": 1280, "height": 800}
    try:
        with harness.chromium(folder, viewport=size) as profile:
            profile.set_default_timeout(120_000)  # the machine may be busy
            yield profile
    except LookupError as error:
        # On CI a missing browser must not look like success.
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(error))


@pytest.fixture(scope=browser_scope)
def browser(profile):
    return profile.browser


DRAWS = """() => Promise.race([
    new Promise(drawn => requestAnimationFrame(() => drawn(true))),
    new Promise(late => setTimeout(late, 10000, false))])"""


def page_that_draws(profile, url):
    """Return a new page, in the server's process; a few in Chromium never draw."""
    for _ in range(3):
        page = profile.new_page()
        page.goto(f"{url}/api")
        if page.evaluate(DRAWS):
            return page
        page.close()
    pytest.fail("Chromium draws none of three new pages")


@pytest.fixture
def page(profile, lab_server):
    page = page_that_draws(profile, lab_server.url)
    yield page
    page.close()
    harness.shut_down_kernels(lab_server.url)


@pytest.fixture(scope="module")
def notebook(profile, lab_server, request):
    """Function that replaces the cells below the module's set-up and runs them all."""
    page = page_that_draws(profile, lab_server.url)
    harness.write_notebook(lab_server.root / "cells.ipynb", request.module.SETUP)
    harness.open_notebook(page, lab_server.url, "cells.ipynb")

    def show(*cells):
        page.evaluate(REPLACE, cells)
        harness.run_all(page)
        svg = page.locator(f"{harness.NOTEBOOK} .hpkit .hpc svg").first
        svg.wait_for(state="attached")
        return page

    yield show
    page.close()
    harness.shut_down_kernels(lab_server.url)


REPLACE = """cells => {
    const shared = window.jupyterapp.shell.currentWidget.content.model.sharedModel
    shared.deleteCellRange(1, shared.cells.length)
    shared.insertCells(1, cells.map(source => ({cell_type: 'code', source})))
}"""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Save a screenshot of every page that a failed test had open."""
    report = yield
    if report.when == "call" and report.failed and "profile" in item.funcargs:
        for n, page in enumerate(item.funcargs["profile"].pages):
            picture = Path(tempfile.mkdtemp()) / f"{n}.png"
            try:
                page.screenshot(path=picture, timeout=10_000)
            except Error as error:  # must not hide the test's own failure
                picture = f"none: {error}"
            report.sections.append(("screenshot", str(picture)))
    return report
