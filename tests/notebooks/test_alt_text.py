"""Pictures say themselves: in the built notebooks, and in pages exported from them."""

import re
import subprocess
import sys

import nbformat
import pytest
from build import FOLDER

LESSONS = sorted(FOLDER.glob("*.ipynb"))
CHARTS = re.compile(r"\bhk\.(plot_\w+|alt_text)\(")


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Folder of all lessons as pages, made as anybody makes them."""
    folder = tmp_path_factory.mktemp("pages")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", *map(str, LESSONS)]
    # From a folder of its own: a configuration is also looked for where one stands.
    subprocess.run([*command, "--output-dir", folder], cwd=folder, check=True)
    return folder


def texts(path, only=CHARTS):
    """Give the alternative texts (or None) of the pictures in a lesson."""
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", ()) and only.search(cell.source):
                yield output.metadata.get("image/png", {}).get("alt")


def test_every_chart_of_a_lesson_has_alternative_text(path):
    for alt in texts(path):
        assert alt
        assert len(alt.split()) > 4


def test_exported_page_has_the_alternative_texts(path, pages):
    page = (pages / f"{path.stem}.html").read_text("utf-8")

    found = re.findall(r'<img[^>]*? ?alt="([^"]*)"', page)
    # An apostrophe or an ampersand of the text is written otherwise in HTML.
    plain = {re.sub(r"&[#\w]+;|\W", "", text) for text in found}
    for alt in texts(path, re.compile("")):
        assert re.sub(r"\W", "", alt) in plain, (
            "nbconvert does not take the template of hpkit; install it again: "
            "pip install -e ."
        )
