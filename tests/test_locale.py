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


ACCENTS = str.maketrans("aeioucdgjklnrstyzACEGIOSTU", "âéîöûçđğĵķľñŕśťýžÂÇÉĞÎÖŠŤÛ")


def pseudo(text):
    """Return a text with other letters outside of its placeholders and its code."""
    kept = re.split(r"({[^}]*}|hpkit|to_frame|n_trials|lr=|grid_search)", text)
    return "".join(k if i % 2 else k.translate(ACCENTS) for i, k in enumerate(kept))


def in_pseudo(table):
    return {
        key: in_pseudo(text) if isinstance(text, dict) else pseudo(text)
        for key, text in table.items()
        if isinstance(text, dict | str)
    }


@pytest.fixture
def speaking(little, monkeypatch):
    own, english = locale._table, locale._table("en")
    tables = {"en": english, "de": in_pseudo(english)}
    monkeypatch.setattr(locale, "_table", lambda name: tables.get(name) or own(name))
    locale._words.cache_clear()
    yield hk.language("de")
    locale._words.cache_clear()


def test_another_language_leaves_no_english_in_what_a_search_says(speaking):
    data, base = hk.load_dataset("moons"), hk.Hyperparameters(epochs=2)
    lrs = [0.01, 0.1, 1, 1e4]
    found = [
        hk.grid_search(data, base, lr=lrs, hidden=[(), (4,)], seeds=range(2)),
        hk.one_at_a_time(data, base, lr=lrs, batch_size=[16, 64]),
        hk.one_at_a_time(data, base, lr=lrs),
        hk.successive_halving(data, base, lr=hk.log_uniform(1, 2), n_trials=4),
        hk.validation_curve(data, base, param_name="lr", param_range=[1e4, 1e5]),
        next(hk.grid_search.live(data, base, lr=lrs, tick=0)),
    ]
    said = [search.describe() for search in found]
    said += [re.sub(r"<[^>]*>|lr|hidden", " ", s._repr_html_()) for s in found]
    said += [repr(data), repr(found[0].runs), repr(found[0].runs[0, 0])]
    said += [repr(data.train), str(found[0].cost)]

    for text in said:
        left = re.sub(r"moons|batch_size|to_frame|e\+\d\d", "", text)
        assert not re.search("[aeiou]", left), text


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
