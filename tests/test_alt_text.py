"""Pictures say themselves: in the built notebooks, and in pages exported from them."""

import re

import nbformat
import pytest
from nbconvert import HTMLExporter

from hpkit.notebooks import FOLDER

LESSONS = sorted(FOLDER.glob("*.ipynb"))
CHARTS = re.compile(r"\bhk\.(plot_\w+|alt_text)\(")


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return nbformat.read(request.param, as_version=4)


def pictures(lesson):
    """Give the alternative texts (or None) of the pictures that charts have made."""
    for cell in lesson.cells:
        for output in cell.get("outputs", ()):
            if "image/png" in output.get("data", ()) and CHARTS.search(cell.source):
                yield output.metadata.get("image/png", {}).get("alt")


def test_every_chart_of_a_lesson_has_alternative_text(lesson):
    for alt in pictures(lesson):
        assert alt
        assert len(alt.split()) > 4


def test_exported_page_has_the_alternative_texts(lesson):
    exporter = HTMLExporter(
        template_name="hpkit", extra_template_basedirs=[str(FOLDER / "templates")]
    )

    page, _ = exporter.from_notebook_node(lesson)

    found = re.findall(r'<img[^>]*? ?alt="([^"]*)"', page)
    # An apostrophe or an ampersand of the text is written otherwise in HTML.
    plain = {re.sub(r"&[#\w]+;|\W", "", text) for text in found}
    for alt in pictures(lesson):
        assert re.sub(r"\W", "", alt) in plain
