"""The reference is that of today's docstrings, short, and its examples run."""

import re
import shutil

import pytest
import reference

import hpkit as hk

README = (reference.FILE.parents[1] / "README.md").read_text("utf-8")


def test_reference_is_up_to_date_and_two_pages():
    built = reference.text()

    assert reference.FILE.read_text("utf-8") == built, (
        "python3 -m hpkit build --reference"
    )
    assert len(built.split()) <= reference.WORDS
    names = {name for _, part in reference.PARTS.values() for name in part.split()}
    assert len(names) >= 20
    for name in names:
        assert reference.example(name), name


@pytest.mark.parametrize("text", [reference.text(), README], ids=["page", "readme"])
def test_its_examples_run(text, tmp_path, monkeypatch):
    shutil.copytree(reference.FILE.parents[1] / "data", tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    space = {"hk": hk}

    for code in re.findall(r"^```python\n(.*?)^```", text, re.M | re.S):
        exec(code, space)

    assert len(list(tmp_path.iterdir())) > 1  # what they save
