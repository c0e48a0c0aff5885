"""Words of each language: chosen by name, English where one is missing."""

import ast
import os
import re
import string
import subprocess
import sys
import tomllib
from pathlib import Path

import ipywidgets as W
import matplotlib.pyplot as plt
import pytest
from matplotlib.text import Text

import hpkit as hk
from hpkit import locale
from hpkit.exercises import lesson_02_learning_rate as lesson
from hpkit.hyperparameters import TABLE
from hpkit.locale import words
from hpkit.panels.controls import LiveCharts
from hpkit.text import display_width, wrap_text

ROOT = Path(hk.__file__).parent
LITTLE = """
[language]
css = "word-break:keep-all;"
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
    assert hk.language("de") == "de"
    with pytest.raises(ValueError, match=r"must be one of 'de', 'en'.*, got 'xx'; ch"):
        hk.language("xx")
    assert hk.language() == "de"
    german = grid.describe()

    assert "Grid search on moons" in english
    translated = english.replace("Grid search", "GITTER")
    assert german == translated.replace("learning rate", "LERNRATE")
    assert words("search")["nothing"] == "NICHTS"
    feedback, quiz = lesson.good_rate.check(...), lesson.quiz.widget()
    shown = grid._repr_html_(), feedback._repr_html_(), quiz.children[0].value
    assert all("word-break:keep-all;" in one for one in shown)


def test_a_translation_may_fill_less_and_in_another_order(little, tmp_path):
    right = {"{} of {}": "{1}/{0}", "{n} {m}": "{n}", "{n:one/many}": "{n}"}
    for english, other in right.items():
        both = locale._merge(*map(locale._as_texts, (english, other)))
        said = locale._as_texts(other)
        facts = {"n": 1, "m": 2.5}
        assert both.format(3, 4, **facts) == said.format(3, 4, **facts)
    (tmp_path / "de.toml").write_text("\ufefflanguage = 'no table'", "utf-8")
    hk.language("de")
    assert words("language")["css"] == ""


ACCENTS = str.maketrans("aeioucdgjklnrstyzACEGIOSTU", "âéîöûçđğĵķľñŕśťýžÂÇÉĞÎÖŠŤÛ")


def pseudo(text):
    """Return a text with other letters outside of its placeholders and its code."""
    code = r"{[^}/]*}|{[^:}]*:|<[^>]*>|&\w+;"
    code += r"|hpkit\S*|to_frame|n_trials|lr=|grid_search"
    kept = re.split(f"({code})", text)
    return "".join(k if i % 2 else k.translate(ACCENTS) for i, k in enumerate(kept))


def in_pseudo(table):
    if isinstance(table, str):
        return pseudo(table)
    if isinstance(table, list):
        return [in_pseudo(text) for text in table]
    if isinstance(table, dict):
        return {key: in_pseudo(text) for key, text in table.items()}
    return table


@pytest.fixture
def speaking(little, monkeypatch):
    english = locale._read_language(locale._FOLDER, "en")
    both = {"en": english, "de": locale._as_texts(in_pseudo(english))}
    monkeypatch.setattr(locale, "_read_language", lambda folder, name: both[name])
    return hk.language("de")


def test_another_language_leaves_no_english_in_searches_and_plots(speaking):
    data, base = hk.load_dataset("moons"), hk.Hyperparameters(epochs=2)
    lrs = [0.01, 0.1, 1, 1e4]
    found = [
        hk.grid_search(data, base, lr=lrs, hidden=[(), (4,)], seeds=range(2)),
        hk.one_at_a_time(data, base, lr=lrs, batch_size=[16, 64]),
        hk.one_at_a_time(data, base, lr=lrs),
        hk.successive_halving(data, base, lr=hk.log_uniform(1, 2), n_trials=4),
        hk.validation_curve(data, base, param_name="lr", param_range=[1e4, 1e5]),
        hk.validation_curve(data, base, param_name="lr", param_range=lrs[1:]),
        next(hk.grid_search.live(data, base, lr=lrs, tick=0)),
    ]
    said = [search.describe() for search in found]
    said += [re.sub(r"<[^>]*>|lr|hidden", " ", s._repr_html_()) for s in found]
    said += [repr(data), repr(found[0].runs), repr(found[0].runs[0, 0])]
    said += [repr(data.train), str(found[0].cost)]

    for text in said:
        left = re.sub(r"moons|batch_size|to_frame|e\+\d\d", "", text)
        assert not re.search("[aeiou]", left), text

    (grid, path, *_, curve, _), run = found, found[0].best_run
    for ax in (
        hk.plot_training_curves(run),
        hk.plot_training_curves(grid),
        hk.plot_validation_curve(curve),
        hk.plot_grid(grid),
        hk.plot_path(path),
        hk.plot_parallel(grid),
        hk.plot_best_so_far([grid, path]),
        hk.plot_seeds(grid),
        hk.plot_decision_boundary(run),
        hk.plot_data(data),
    ):
        texts = [text.get_text() for text in ax.figure.findobj(Text)]
        assert english([*texts, *ax.figure.hpkit_alt]) == []
        plt.close(ax.figure)
    shown = [hk.describe(one) for one in (run, grid, [grid, path], curve)]
    assert english(shown) == []


def texts_of(widget):
    """Yield what a person reads of a widget and of all inside it, code left out."""
    if "hp-style" in widget._dom_classes:
        return
    if isinstance(widget, LiveCharts):
        yield from texts_of_charts(widget.charts)
        yield re.sub(r"<[^>]*>|&\w+;", " ", widget.get_state("sentence")["sentence"])
    for name in ("description", "tooltip", "placeholder"):
        yield getattr(widget, name, "") or ""
    yield from getattr(widget, "tooltips", None) or ()
    if isinstance(widget, W.HTML):
        yield re.sub(r"<style>.*?</style>|<[^>]*>|&\w+;", " ", widget.value, flags=re.S)
    for option in getattr(widget, "options", ()):
        yield str(option[0] if isinstance(option, tuple) else option)
    for child in getattr(widget, "children", ()):
        yield from texts_of(child)


def texts_of_charts(charts):
    """Yield what stands on charts, and what is said of them."""
    for chart in charts:
        yield from (chart.title, chart.alt, chart.choose)
        for axis in (chart.x, chart.y):
            yield from (axis.label, *axis.texts)
        for mark in chart.marks:
            for name in ("label", "legend", "name", "tip", "texts"):
                found = mark.get(name)
                yield from found if isinstance(found, list) else [found]


# What is a name or a value in every language.
NAMES = "True|False|small_moons|moons|circles|coin_flips|batch_size|"
NAMES += "|".join(c for f in TABLE.values() if f.kind == "choice" for c in f.ticks)
NAMES += r"|hpkit\S*|inf|e[+-]\d\d|hk\.\S*|\w+=\S*"


def english(texts):
    """Return the texts that have words which no locale gave."""
    left = {text: re.sub(NAMES, "", text) for text in texts if text}
    return [text for text, words in left.items() if re.search("[aeiou]", words)]


def panels():
    """Return every panel, some stopped, some with a guess."""
    moons, base = hk.load_dataset("moons"), hk.Hyperparameters(lr=0.3, epochs=4)
    run, more = hk.fit(moons, base), {"base": base, "seeds": 2}
    training = hk.TrainingPanel(moons, base, controls=tuple(TABLE), predict="draw")
    training.list.pin(training.list.chosen)
    training.list.add(hk.fit(moons, base.but(lr=1e4)))
    training.view.value = "table"
    training.guess.widget.value = [0.5] * 11
    training.guess.commit()
    yield training
    rates = [0.1, 1, 1e4]
    yield hk.ValidationCurvePanel(moons, param_range=rates, predict=True, **more)
    grid = hk.GridPanel(moons, x_values=rates, y_values=[16, 64], **more)
    yield grid
    grid.which.value = 0
    grid.choose(2)
    yield grid
    path = hk.OneAtATimePanel(moons, base, lr=[0.1, 1], batch_size=[16, 64], seeds=1)
    path.all_button.click()
    path.wait().grid_button.click()
    yield path.wait()
    race = hk.SearchRacePanel(moons, base.but(epochs=3), budget=27, races=2)
    race.start()
    yield race.wait()
    bowl = hk.BowlPanel(steps=3, predict=True)
    bowl.guess.commit()
    yield bowl
    yield hk.CoinFlipsPanel(models=5)
    noise = hk.BatchNoisePanel(moons)
    noise.size.value = 64
    yield noise
    yield hk.PatiencePanel(moons, base.but(epochs=9))
    yield hk.SchedulePanel(moons, base.but(epochs=9), predict=True)
    yield hk.SeedsPanel(moons, [base, base.but(lr=0.1)], seeds=4, most=4)
    yield hk.SeedsPanel(moons, [base, base.but(lr=1e4)], seeds=4, most=4)
    box = hk.TestBoxPanel(run)
    yield box
    box.look()
    yield box
    clinic = hk.ClinicPanel().wait()
    clinic.fault.value, clinic.remedy.value = "slow", "higher"
    clinic.treat_button.click()
    yield clinic.wait()


def test_another_language_leaves_no_english_in_panels(speaking, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    left = {getattr(hk, name).kind for name in hk.__all__ if name.endswith("Panel")}
    for panel in panels():
        left.discard(panel.wait(60).kind)
        assert panel.error is None
        assert english(texts_of(panel)) == []
    assert left == set()
    assert panel.save()[0].read_text("utf-8").startswith("\ufeffpatient,")  # for Excel
    one = lesson.good_rate
    hints = {*texts_of(one.widget())} - {one.words["title"]}  # of another file
    assert len("".join(hints).strip()) > 3
    assert english(hints) == []


def test_a_text_is_folded_by_its_columns():
    text = "검증 손실이 가장 낮은 설정 " * 9 + "and some English words " * 9
    widths = [*map(display_width, wrap_text(text).splitlines())]
    assert max(widths) <= 84
    assert min(widths[:-1]) > 72


@pytest.mark.parametrize("given", ["en", "xx"])
def test_environment_chooses_and_unknown_names_speak_english(given):
    code = "from hpkit.locale import words; print(words('search')['best_note'])"
    how = {"env": os.environ | {"HPKIT_LANG": given}, "capture_output": True}
    done = subprocess.run([sys.executable, "-c", code], text=True, **how)
    assert done.stdout == "best\n"
    assert done.stderr.count("\n") == (given == "xx")
    assert given == "en" or "got 'xx'" in done.stderr


def test_every_refusal_has_words_with_a_value_and_a_way_out_that_can_be_filled():
    sources = [path.read_text("utf-8") for path in ROOT.rglob("*.py")]
    named = set(re.findall(r'refusal\(\s*"(\w+)"', "\n".join(sources)))
    assert len(named) > 50
    assert named <= set(words("refusals"))
    for text in words("refusals").values():
        assert list(string.Formatter().parse(text))
        if text != words("refusals")["any"]:
            assert ", got " in text
            assert "; " in text or ", and " in text
            assert text.endswith(".")


def test_every_text_is_used():
    files = [p for p in ROOT.glob("**/*") if p.suffix in (".py", ".js", ".txt")]
    used = set(re.findall(r"\w+", " ".join(p.read_text("utf-8") for p in files)))

    def keys(table):
        for key, part in table.items():
            yield from keys(part) if isinstance(part, dict) else [key]

    for key in keys(tomllib.loads((ROOT / "locale/en.toml").read_text("utf-8"))):
        assert key in used or {*key.split("_")} <= used, key  # or put together


def test_panels_have_no_sentence_of_their_own():
    for path in ROOT.glob("panels/*.py"):
        nodes = [*ast.walk(ast.parse(path.read_text("utf-8")))]
        docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        for node in nodes:
            if type(getattr(node, "value", 0)) is str and id(node) not in docstrings:
                text = re.sub(r"import.* as .*|for \w+ in .*", "", node.value)
                assert not re.search("[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}", text), path
