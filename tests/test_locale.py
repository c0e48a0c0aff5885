"""Words of each language: chosen by name, English where one is missing."""

import os
import re
import string
import subprocess
import sys
from pathlib import Path

import pytest

import hpkit as hk
from hpkit import locale
from hpkit.locale import words

ROOT = Path(hk.__file__).parent
LITTLE = """
[search]
nothing = "NICHTS"
[search.kinds]
grid_search = "GITTER"
[hyperparameters.lr]
label = "LERNRATE"
"""


@pytest.fixture
def little(monkeypatch, tmp_path):
    (tmp_path / "en.toml").write_bytes((locale._FOLDER / "en.toml").read_bytes())
    (tmp_path / "de.toml").write_text(LITTLE)
    monkeypatch.setattr(locale, "_FOLDER", tmp_path)
    yield "de"
    hk.language("en")


def test_language_is_chosen_and_what_it_lacks_is_english(little):
    data = hk.load_dataset("moons")
    grid = hk.grid_search(data, hk.Hyperparameters(epochs=1), lr=[0.1, 0.2])

    english = grid.describe()
    assert hk.language("de") == hk.language() == "de"
    german = grid.describe()

    assert "Grid search on moons" in english
    assert german == english.replace("Grid search", "GITTER").replace(
        "learning rate", "LERNRATE"
    )
    assert words("search")["nothing"] == "NICHTS"


def test_unknown_language_is_refused():
    with pytest.raises(ValueError, match=r"language must be one of 'en', got 'xx'; ch"):
        hk.language("xx")
    assert hk.language() == "en"


@pytest.mark.parametrize(("given", "spoken"), [("en", "best"), ("xx", "best")])
def test_environment_chooses_and_unknown_names_speak_english(given, spoken):
    code = "from hpkit.locale import words; print(words('search')['best_note'])"

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"HPKIT_LANG": given},
        capture_output=True,
        text=True,
    )

    assert done.stdout.strip() == spoken


def test_every_refusal_has_a_value_and_a_way_out_and_can_be_filled():
    for text in words("refusals").values():
        assert list(string.Formatter().parse(text))
        if text != words("refusals")["any"]:
            assert ", got " in text
            assert "; " in text or ", and " in text
            assert text.endswith(".")


def test_every_refusal_that_is_named_has_words():
    sources = [path.read_text("utf-8") for path in ROOT.rglob("*.py")]
    named = set(re.findall(r'refusal\(\s*"(\w+)"', "\n".join(sources)))

    assert len(named) > 50
    assert named <= set(words("refusals"))
