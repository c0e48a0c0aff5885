"""The capstone: what it counts and refuses, what it keeps, what its report says."""

import inspect
import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from build import FOLDER

import hpkit as hk
from hpkit.capstone import budget, pages, pictures, rivals

BASE = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=4, hidden=(8,))
TWO = {"lr": [0.01, 0.1]}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def task(dataset="wine", *, budget=40, **how):
    return hk.Capstone(dataset, budget=budget, **how)


def finished(**how):
    cap = task(**how)
    cap.grid_search(BASE, **TWO)
    cap.choose(why="lowest validation loss of the two")
    cap.open_test()
    return cap


def one_line(capsys):
    """Return what was printed, without the breaks of its lines."""
    return " ".join(capsys.readouterr().out.split())


# ---- the budget --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "cost"),
    [
        ("validation_curve", (), {"param_name": "lr", "param_range": [0.1, 1]}, 8),
        ("grid_search", (), {**TWO, "batch_size": [8, 16], "seeds": range(2)}, 32),
        ("random_search", (), {"lr": hk.log_uniform(0.01, 1), "n_trials": 3}, 12),
        ("one_at_a_time", (), {**TWO, "batch_size": [8, 16]}, 12),
        ("successive_halving", (), {"lr": [0.01, 0.03, 0.1]}, 6),
        ("bayesian_search", (), {"lr": hk.log_uniform(0.01, 1), "n_trials": 2}, 8),
    ],
)
def test_each_search_is_counted(name, args, kwargs, cost):
    cap = task()

    found = getattr(cap, name)(BASE, *args, **kwargs)

    assert found.cost.epochs == cap.spent == cost
    assert cap.left == 40 - cost
    assert cap.entries[0]["what"] == name
    plain = getattr(hk, name)(cap.dataset, BASE, *args, **kwargs)
    np.testing.assert_array_equal(plain.val_loss, found.val_loss)


def test_every_search_of_hpkit_is_a_method():
    names = {n for n in hk.__all__ if n.endswith("_search") or n in budget.SEARCHES}

    assert names == set(budget.SEARCHES)
    for name in names:
        assert f"hpkit.{name}" in getattr(hk.Capstone, name).__doc__


def test_fit_is_counted_and_is_the_same_run():
    cap = task()

    run = cap.fit(BASE, seed=3)

    assert cap.spent == 4
    plain = hk.fit(cap.dataset, BASE, seed=3)
    np.testing.assert_allclose(run.val_loss, plain.val_loss, rtol=1e-6)
    assert (run.setting, run.seed) == (BASE, 3)


def test_too_dear_is_refused_before_it_trains(monkeypatch):
    cap = task(budget=7)
    monkeypatch.setitem(budget.SEARCHES, "grid_search", refusing(hk.grid_search))

    with pytest.raises(hk.BudgetError) as caught:
        cap.grid_search(BASE, **TWO)

    words = str(caught.value)
    assert "at most the 7 epochs left of 7" in words  # rule
    assert "got grid_search, up to 8" in words  # value
    assert "overdraw=True" in words  # way out
    assert (cap.spent, cap.entries) == (0, [])


def test_a_refusal_in_a_notebook_is_its_message_alone(here):
    shown = errors_of(
        "import hpkit as hk; cap = hk.Capstone('wine', budget=3, folder=None)",
        "cap.grid_search(hk.Hyperparameters(epochs=2), lr=[0.01, 0.1])",
        "cap.open_test()", "cap.fit(overdraw='yes')", "cap.note(plan=3)",
        "cap.report(title='x')", "cap.best.unknown",
    )  # fmt: skip

    *refused, other = shown
    assert len(refused) == 5
    for lines in refused:
        assert lines[0].startswith("Refused: ")
        assert len(lines) <= 4
        assert max(map(len, lines)) <= 84
    assert "Traceback" in "".join(other)  # another error is shown as ever


def errors_of(*cells):
    """Return what IPython shows for the cells that fail, as a kernel sends it."""
    code = f"""
import json
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
shell = InteractiveShell(config=Config(HistoryManager={{"enabled": False}}))
shown = []
shell._showtraceback = lambda kind, value, lines: shown.append(list(lines))
done = [shell.run_cell(cell).success for cell in {cells}]
assert done.count(False) == len(shown)  # Run All stops there, as at any error
print(json.dumps(shown))
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def refusing(search):
    """Return a search that must only be asked for its plan."""

    def trained(*args, **kwargs):
        raise AssertionError("it was trained")

    trained.live = search.live
    trained.__signature__ = inspect.signature(search)
    return trained


def test_exactly_what_is_left_may_be_spent():
    cap = task(budget=8)

    cap.grid_search(BASE, **TWO)

    assert (cap.left, cap.overdrawn) == (0, False)
    with pytest.raises(hk.BudgetError):
        cap.fit(BASE.but(epochs=1))


def test_overdraw_is_marked_in_log_and_report(capsys):
    cap = task(budget=7)

    cap.grid_search(BASE, **TWO, overdraw=True)

    assert cap.overdrawn
    assert cap.left == 0
    assert cap.entries[0]["overdraw"] is True
    assert "more than were left" in one_line(capsys)
    assert "overdrawn" in repr(cap)
    report = cap.report()
    assert "The budget was overdrawn: 8 of 7 epochs" in report.html
    assert "8 (overdrawn)" in report.markdown


def test_overdraw_within_the_budget_is_no_overdraft():
    cap = task()

    cap.grid_search(BASE, **TWO, overdraw=True)

    assert not cap.overdrawn
    assert cap.entries[0]["overdraw"] is False


def test_overdraw_must_be_true_or_false():
    with pytest.raises(TypeError, match="overdraw must be True or False, got 'yes'"):
        task().fit(BASE, overdraw="yes")


def test_the_same_search_again_is_free_however_it_is_written(capsys):
    cap = task()
    first = cap.random_search(BASE, lr=hk.log_uniform(0.01, 1), n_trials=3)

    again = cap.random_search(
        base=BASE, n_trials=np.int64(3), seeds=range(1), lr=hk.log_uniform(0.01, 1.0)
    )

    assert len(cap.entries) == 1
    assert "entry 1 of the log, so it costs nothing" in one_line(capsys)
    np.testing.assert_array_equal(first.val_loss, again.val_loss)


@pytest.mark.parametrize(
    "change", [{"search_seed": 1}, {"seeds": [1]}, {"n_trials": 4}]
)
def test_another_search_is_not_free(change):
    cap = task()
    space = {"lr": hk.log_uniform(0.01, 1), "n_trials": 3}
    cap.random_search(BASE, **space)

    cap.random_search(BASE, **space | change)

    assert len(cap.entries) == 2


def test_iterators_are_not_used_up_by_asking_for_the_price():
    cap = task()

    found = cap.grid_search(BASE, lr=iter([0.01, 0.1]), seeds=iter([0, 1]))

    assert found.cost.runs == 4


def test_stopped_search_counts_what_it_trained(monkeypatch):
    cap = task()
    partial = next(hk.grid_search.live(cap.dataset, BASE, **TWO, tick=0))
    monkeypatch.setitem(budget.SEARCHES, "grid_search", stopped(partial))

    cap.grid_search(BASE, **TWO)
    cap.grid_search(BASE, **TWO)

    assert not cap.entries[0]["finished"]
    assert cap.entries[0]["epochs"] == partial.cost.epochs < 8
    assert len(cap.entries) == 2  # what was stopped is not free


def stopped(partial):
    """Return a search that is interrupted after its first partial result."""

    def search(*args, **kwargs):
        return partial

    search.live = hk.grid_search.live
    search.__signature__ = inspect.signature(hk.grid_search)
    return search


def linear(n_in, n_out, setting):
    return torch.nn.Linear(n_in, n_out)


def test_own_network_changed_under_its_name_is_counted():
    cap = task()
    cap.fit(BASE, model=linear)
    cap.fit(BASE, model=linear)
    assert len(cap.entries) == 1

    def changed(n_in, n_out, setting):
        return torch.nn.Sequential(torch.nn.Linear(n_in, 3), torch.nn.Linear(3, n_out))

    changed.__qualname__ = linear.__qualname__
    cap.fit(BASE, model=changed)

    assert len(cap.entries) == 2


def test_sampler_is_not_moved_by_asking_for_the_price():
    import optuna

    space = {"lr": hk.log_uniform(0.01, 1), "n_trials": 3}
    cap = task()

    found = cap.bayesian_search(
        BASE, sampler=optuna.samplers.RandomSampler(seed=5), **space
    )

    plain = hk.bayesian_search(
        cap.dataset, BASE, sampler=optuna.samplers.RandomSampler(seed=5), **space
    )
    assert found.settings == plain.settings


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({"budget": 0}, "budget must be a whole number >= 1, got 0; try 60"),
        ({"name": "../up"}, "name must be letters, .*got '../up'; try 'capstone'"),
        ({"name": 3}, "name must be letters, .*got 3"),
    ],
)
def test_capstone_refuses(how, words):
    with pytest.raises((ValueError, TypeError), match=words):
        task(**how)


def test_capstone_refuses_what_is_no_data():
    with pytest.raises(TypeError, match=r"a data set must be a hpkit.Dataset, got int"):
        hk.Capstone(3)


def test_prices_beside_the_first_lines():
    source = (FOLDER / "src" / "10_capstone.py").read_text("utf-8")
    cell = next(c for c in source.split("\n# %%") if "any_lr = " in c)
    names = {"hk": hk, "cap": hk.Capstone(folder=None)}
    before, *lines = re.split(r"\n# found = ", cell)
    exec(before.split("\n", 1)[1], names)
    asked = []
    for line in lines:
        call = line.split("\n# found")[0].replace("\n# ", "\n")
        names["cap"] = hk.Capstone(folder=None)
        eval(re.sub(r"# costs \d+", "", call), names)
        asked.append((names["cap"].spent, int(re.search(r"# costs (\d+)", call)[1])))
    assert len(asked) == 3
    assert all(spent == said <= 42 for spent, said in asked)


# ---- the log -----------------------------------------------------------------------


def test_no_file_before_something_is_spent(here):
    cap = task()
    cap.choose(why=...)
    cap.report(plan=...)

    assert list(here.iterdir()) == []


def test_goes_on_tomorrow(here):
    task().grid_search(BASE, **TWO)

    cap = task()

    assert cap.spent == 8
    assert (here / "hpkit-runs" / "capstone.json").is_file()
    cap.grid_search(BASE, **TWO)
    assert cap.spent == 8
    cap.choose(why="the lowest loss so far")
    cap = task()  # no weights in this kernel: the run is repeated, and not paid again
    seen = cap.open_test()
    assert cap.spent == 8
    plain = hk.grid_search(hk.Capstone("wine", folder=None).dataset, BASE, **TWO)
    assert f"{plain.best_run.test_accuracy():.3f}" in seen


def test_log_is_json_that_a_person_can_read(here):
    task().grid_search(BASE, **TWO)

    text = (here / "hpkit-runs" / "capstone.json").read_text("utf-8")

    data = json.loads(text)
    assert (data["format"], data["budget"]) == ("hpkit run log", 40)
    assert len(text.splitlines()) < 20
    assert len(text) < 20_000
    entry = data["entries"][0]
    assert (entry["what"], entry["epochs"]) == ("grid_search", 8)
    assert len(entry["runs"]["runs"]) == 2


def test_budget_cannot_be_raised_silently():
    task().fit(BASE)

    with pytest.raises(
        ValueError, match=r"stays what it was, 40 epochs, got 400; give"
    ):
        task(budget=400)


def test_log_keeps_to_its_rows():
    task().fit(BASE)

    with pytest.raises(ValueError, match=r"rows that it was begun with, of wine, got"):
        task("digits")
    with pytest.raises(ValueError, match=r"must go on with the rows"):
        task(hk.load_dataset("wine", seed=1))


WHOLE = []


@pytest.fixture
def foreign(here):
    """Return the file of a whole log, which is made once."""
    path = here / "hpkit-runs" / "capstone.json"
    if not WHOLE:
        cap = finished()
        cap.compare(n=1)
        cap.note(plan="two rates", author="Jo")
        WHOLE.append(path.read_text("utf-8"))
    path.parent.mkdir(exist_ok=True)
    return path


def test_folder_that_cannot_be_written_keeps_it_in_memory(here, capsys):
    (here / "hpkit-runs").write_text("a file, not a folder")
    cap = task()

    cap.grid_search(BASE, **TWO)
    cap.fit(BASE.but(lr=0.3))

    assert cap.spent == 12
    assert "could not be written" in one_line(capsys)
    assert "folder=..." in cap.state
    cap.choose(why="the lowest loss of the three")
    assert "Test accuracy" in cap.open_test()
    report = cap.report()
    assert report.paths == ()
    assert "in memory" in repr(report)
    assert "<img" in report.html
    assert "data:image/png" in report.markdown


def test_disk_that_fails_later_loses_nothing(monkeypatch, capsys):
    cap = task()
    cap.fit(BASE)

    def full(number):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    cap.fit(BASE.but(lr=0.3))

    assert (cap.spent, len(cap.entries)) == (8, 2)
    assert "No space left on device" in one_line(capsys)


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"format": "x"}', "\x00\xff", DEEP, '{"a": ' + DEEP]
)
def test_damaged_log_is_set_aside(here, text):
    task().fit(BASE)
    path = here / "hpkit-runs" / "capstone.json"
    path.write_text(text, encoding="utf-8")

    cap = task()

    assert cap.entries == []
    assert path.read_text("utf-8") == text  # looking changes nothing
    cap.fit(BASE)
    assert "set aside as capstone.damaged-" in cap.state
    aside = next(path.parent.glob("capstone.damaged-*.json"))
    assert aside.read_text("utf-8") == text
    assert task().spent == 4


def change(where, value):
    """Return what puts a value into a log, somewhere deep in it."""
    *parts, last = where

    def update(data):
        for part in parts:
            data = data[part]
        data[last] = value

    return update


PLACES = [
    ("rows",), ("budget",), ("entries",), ("choice",), ("test",), ("texts",),
    *(("entries", 0, part) for part in ("what", "tried", "held", "epochs", "so_far")),
    *(("entries", 0, "runs", part) for part in ("settings", "seeds", "runs")),
    ("entries", 0, "runs", "runs", 0, "val_loss"),
    ("entries", 0, "runs", "settings", 0, "lr"), ("entries", 0, "model"),
    *(("choice", part) for part in ("setting", "seed", "epochs", "val_loss", "why")),
    *(("test", part) for part in ("when", "rows", "loss", "accuracy")),
    *(("rivals", part) for part in ("scores", "rows", "epochs", "bars")),
    ("rivals", "mine"), ("texts", "plan"), ("texts", "plans"), ("choice", "model"),
]  # fmt: skip


@pytest.mark.parametrize("where", PLACES, ids=str)
def test_foreign_log_is_shown_escaped_or_set_aside(foreign, monkeypatch, where):
    monkeypatch.setattr(pictures, "drawn", lambda draw: b"")
    script = "<img src=x onerror=alert(1)>"
    for value in (None, script, {}, [[]], -3, [script], {"a": script}, float("nan")):
        data = json.loads(WHOLE[0])
        change(where, value)(data)
        foreign.write_text(json.dumps(data), "utf-8")

        if where[0] in ("rows", "budget") and value == -3:
            with pytest.raises(ValueError, match=r"another name=\.\.\."):
                task()
            continue
        cap = task()
        page = cap.report()
        cap.note(learned="it can be written, too")

        assert script not in page.html + page._repr_html_()
        assert repr(cap)


def test_two_notebooks_lose_nothing_and_an_overdraft_is_seen(here):
    one, other = task(budget=8), task(budget=8)
    third = task(name="third")
    third.grid_search(BASE, **TWO)

    for cap in (one, other):
        budget.book(cap.log, third.entries[0])

    assert [e["overdraw"] for e in one.entries] == [False, True]
    assert one.overdrawn
    assert other.overdrawn


def test_changing_what_was_read_changes_no_log():
    cap = task(folder=None)
    cap.fit(BASE)

    cap.entries.clear()
    cap.data["budget"] = 9999

    assert cap.spent == 4
    assert cap.data["budget"] == 40


# ---- choosing, and the test set ----------------------------------------------------


def test_best_is_over_all_entries_and_never_a_diverged_one():
    cap = task("digits")
    cap.fit(BASE.but(lr=0.3, epochs=3))
    cap.fit(BASE.but(lr=50, epochs=3))

    assert budget.best_of(cap.entries[1]) is None
    assert cap.best["setting"]["lr"] == 0.3


def test_all_diverged_leaves_nothing_to_choose():
    cap = task("digits")
    cap.fit(BASE.but(lr=50, epochs=2))

    assert "nothing to choose" in cap.choose(why="it is what there is")
    assert "a cross at the top" in cap.report().html


def test_choice_needs_a_reason_and_a_trained_setting():
    cap = task()
    assert "Nothing is trained yet" in cap.choose(why="because")
    found = cap.grid_search(BASE, **TWO)

    assert "three dots" in cap.choose()
    assert cap.data["choice"] is None
    for why in ("", "  ", 3, None, "x", "it is the best"):
        with pytest.raises(ValueError, match="why must be a sentence in quotes"):
            cap.choose(why=why)
    why = "its curve is the most quiet one"
    for untrained in (BASE.but(lr=0.7), hk.Hyperparameters(lr=0.01), {"lr": 0.01}):
        with pytest.raises(ValueError, match=r"must be one that was trained") as caught:
            cap.choose(untrained, why=why)
        assert "cap.choose(found.settings[1], why=why)" in str(caught.value)
    assert "learning rate 0.01" in cap.choose(found.settings[0], why=why)
    assert cap.why == why


def test_test_set_needs_a_choice():
    cap = task()
    cap.fit(BASE)

    with pytest.raises(ValueError, match=r"must be chosen before .* got none; write"):
        cap.open_test()
    assert cap.test is None


def test_second_opening_only_says_what_was_seen():
    cap = finished()
    looks = list(cap.dataset.test_looks)
    before = cap.data

    again = cap.open_test()

    assert again.startswith("The test set was opened before")
    assert f"{cap.test['accuracy']:.3f}" in again
    assert cap.data == before
    assert cap.dataset.test_looks == looks
    assert task().open_test() == again  # in a new kernel, too


def test_opening_gives_the_test_scores_of_the_chosen_run():
    cap = finished()

    found = hk.grid_search(replace(cap.dataset), BASE, **TWO)
    found.dataset.test_looks.clear()

    run = found.best_run
    assert cap.test["accuracy"] == run.test_accuracy()
    assert cap.test["loss"] == run.test_loss()
    assert cap.test["rows"] == len(cap.dataset.test.y)


def test_after_the_test_no_new_search_and_no_other_choice():
    cap = finished()

    with pytest.raises(ValueError, match=r"must come before the test .* got fit after"):
        cap.fit(BASE.but(lr=0.5))
    with pytest.raises(ValueError, match=r"opened for learning rate 0\.1"):
        cap.choose(BASE.but(lr=0.01), why="another one is better after all")
    cap.grid_search(BASE, **TWO)  # what was paid for stays free
    cap.choose(why="the same one, said better")
    assert cap.why == "the same one, said better"
    assert cap.spent == 8


def test_a_look_after_the_opening_warns():
    cap = finished()
    found = cap.grid_search(BASE, **TWO)

    with pytest.warns(UserWarning, match="should be looked at once"):
        found.runs[0, 0].test_accuracy()


def test_cut_run_of_a_halving_is_tested_as_far_as_it_came():
    cap = task("digits")
    halv = cap.successive_halving(BASE.but(epochs=3), lr=[0.01, 0.03, 0.1])
    short = halv.settings[int(np.flatnonzero(halv.epochs_done[:, 0] == 1)[0])]
    cap.choose(short, why="to see what one epoch gives")
    here = cap.open_test()

    cap = task("digits", name="other")
    cap.fit(short.but(epochs=1))
    cap.choose(why="the one epoch alone is enough")
    assert cap.open_test()[:20] == here[:20]


def test_own_network_of_an_earlier_day_asks_for_its_search():
    cap = task()
    cap.fit(BASE, model=linear)
    cap.choose(why="a straight line is enough")
    cap = task()

    with pytest.raises(ValueError, match=r"run the cell of that search again"):
        cap.open_test()
    cap.fit(BASE, model=linear)
    assert "Test accuracy" in cap.open_test()
    assert cap.spent == 4


def test_bar_is_reached_by_the_accuracy_that_is_told():
    cap = finished(bars=(0.9, 0.96))

    for accuracy, bar in ((765 / 797, 0.96), (764 / 797, 0.9), (0.8994, None)):
        cap.log.change(lambda data, a=accuracy: data["test"].update(accuracy=a))

        assert cap.bar == bar
        text = cap.report().markdown
        assert ("0.96 reached" in text) == (bar == 0.96)


def test_bars():
    cap = finished(bars=(0.5, 2.0))
    assert cap.bar == 0.5
    assert "The bar of 0.5 is reached." in cap.open_test()

    cap = finished(bars=[2.0], name="high")
    assert cap.bar is None
    assert "The lowest bar, 2, is not reached." in cap.open_test()


def test_regression_has_a_loss_and_no_bars():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    data = hk.Dataset.from_arrays(X, X.sum(1))
    cap = finished(dataset=data)

    assert cap.test["accuracy"] is None
    assert cap.bar is None
    assert cap.open_test().rstrip(".").endswith("no run has seen")
    assert "The loss of the chosen model" in cap.report().html
    with pytest.raises(ValueError, match="compare needs classes, got a regression"):
        cap.compare()


# ---- the report --------------------------------------------------------------------


class Page(HTMLParser):
    """Reads a page: its pictures, headings, tags that are open, what it fetches."""

    VOID = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.pictures, self.heads, self.stack, self.fetched = [], [], [], []
        self.errors, self.texts, self.lang = [], [], None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "img":
            self.pictures.append(attrs)
        if tag == "html":
            self.lang = attrs.get("lang")
        if tag not in self.VOID:
            self.stack.append(tag)
        self.fetched += [attrs[a] for a in ("src", "href") if a in attrs]

    def handle_endtag(self, tag):
        if not self.stack or self.stack.pop() != tag:
            self.errors.append(tag)

    def handle_data(self, data):
        if self.stack and self.stack[-1] in ("h1", "h2"):
            self.heads.append(data)
        self.texts.append(data)


def test_report_is_one_page_with_pictures_that_say_themselves(here):
    cap = finished()
    cap.compare(n=1)

    report = cap.report(author="Jo", plan="Two rates.", learned="More is not better.")

    page = Page((here / "hpkit-runs" / "capstone-report.html").read_text("utf-8"))
    assert (page.errors, page.stack, page.lang) == ([], [], "en")
    assert len(page.pictures) == 4
    for picture in page.pictures:
        assert len(picture["alt"]) > 40
        assert picture["src"].startswith("data:image/png;base64,iVBOR")
    assert all(target.startswith("data:") for target in page.fetched)
    assert page.heads == [
        "Tuning report: wine", "In short", "How I searched", "What I chose, and why",
        "What the test set says", "What I learned, and what I would do next",
    ]  # fmt: skip
    text = " ".join(page.texts)
    for words in ("by Jo", "Two rates.", "More is not better.", "of the two"):
        assert words in text
    assert "8 of 40 epochs" in text
    assert f"{cap.test['accuracy']:.3f}" in text
    assert report.html == (here / "hpkit-runs/capstone-report.html").read_text("utf-8")


def test_report_in_markdown_has_its_pictures_beside_it(here):
    report = finished().report()

    folder = here / "hpkit-runs"
    text = (folder / "capstone-report.md").read_text("utf-8")
    assert text == report.markdown
    targets = re.findall(r"!\[([^\]]+)\]\(([^)]+)\)", text)
    assert len(targets) == 3
    for alt, target in targets:
        assert len(alt) > 40
        assert (folder / target).read_bytes().startswith(b"\x89PNG")
    assert text.startswith("# Tuning report: wine\n")


def test_report_is_written_from_the_log_alone():
    finished().report(plan="kept")

    assert "kept" in task().report().html


def test_plans_stand_with_what_was_spent_by_then():
    cap = task()
    cap.note(plan="a draft")
    cap.note(plan="two learning rates")
    cap.grid_search(BASE, **TWO)
    cap.note(plan="two learning rates")  # the cell is run again, tomorrow
    cap.note(plan="what I have done anyhow")
    cap.fit(BASE.but(lr=0.3))

    cap.report(plan="what came out of it")

    words = [
        "> two learning rates", "Written before the first epoch was spent.",
        "> what I have done anyhow", "Written after 8 of 40 epochs were spent.",
        "> what came out of it", "Written after 12 of 40 epochs were spent.",
    ]  # fmt: skip
    text = task().report().markdown
    assert "\n\n".join(words) in text
    assert "a draft" not in text


def test_log_of_an_older_kit_goes_on():
    cap = finished()

    def older(data):
        for entry in data["entries"]:
            del entry["planned"], entry["model"]
            entry |= {"own_model": False, "best": {}, "key": "grid_search(...)"}
        data["choice"] |= {"late": False, "own_model": False}
        data["test"]["peeks"] = 0
        data["texts"] = {"plan": "from an older kit"}

    path = cap.folder / "capstone.json"
    data = json.loads(path.read_text("utf-8"))
    older(data)
    path.write_text(json.dumps(data), "utf-8")
    cap = task()

    text = cap.report().markdown
    assert "> from an older kit" in text
    assert "Written" not in text
    cap.grid_search(BASE, **TWO)
    assert cap.spent == 8  # still free
    cap.note(plan="a new one")
    assert "> a new one" in cap.report().markdown


def test_report_escapes_what_a_learner_writes():
    cap = finished()

    report = cap.report(plan="<script>alert(1)</script> & a | b\nsecond line")

    page = Page(report.html)
    assert "script" not in page.stack
    assert "<script>" not in report.html
    assert "&lt;script&gt;" in report.html
    assert "> second line" in report.markdown
    assert pages.table(["a|b"], [["c"]])[1].startswith("| a\\|b |")


def test_report_code_gives_the_chosen_run_again():
    cap = finished()
    code = cap.report().markdown.split("```python\n")[1].split("\n```")[0]

    run = eval(code, {"hk": hk})

    assert run.best_val_loss == pytest.approx(cap.data["choice"]["val_loss"], rel=1e-6)


def test_report_code_runs_with_data_and_network_of_ones_own():
    for dataset in (hk.load_dataset("wine", seed=1), own_data(), "wine"):
        cap = task(dataset, name=f"own-{id(dataset)}")
        cap.grid_search(BASE, **TWO, model=linear)
        cap.choose(why="the lowest loss of the two")

        text = cap.report().markdown
        code = text.split("```python\n")[1].split("\n```")[0]
        names = {"hk": hk, "data": cap.dataset, "linear": linear}
        run = eval(code, names)

        assert run.best_val_loss == pytest.approx(cap.data["choice"]["val_loss"])
        assert ("`data` is the data set" in text) == (dataset != "wine")
        assert "`linear` is the function" in text
        assert type(run.network()) is torch.nn.Linear


def own_data():
    X = np.random.default_rng(0).normal(size=(60, 2))
    return hk.Dataset.from_arrays(X, X.sum(1))


def test_network_without_a_name_is_called_model():
    cap = task()
    cap.fit(BASE, model=lambda n_in, n_out, setting: torch.nn.Linear(n_in, n_out))
    cap.choose(why="a straight line is enough here")

    assert "seed=0, model=model)" in cap.report().markdown


def test_report_says_of_each_search_what_was_held_and_the_seeds():
    cap = task()
    cap.grid_search(BASE, **TWO)
    cap.random_search(
        BASE.but(momentum=0.5), lr=hk.log_uniform(0.01, 1), n_trials=2, search_seed=7,
        seeds=[1, 2],
    )  # fmt: skip

    text = cap.report().markdown

    held = "the same in all: batch size 16, epochs 4, hidden layers 8; seed 0 |"
    assert f"learning rate 0.01, 0.1; {held}" in text
    assert "momentum 0.5, hidden layers 8; seeds 1, 2; search_seed 7 |" in text


def test_setting_that_is_trained_again_is_paid_and_told_once():
    cap = task()
    cap.grid_search(BASE, **TWO)

    cap.grid_search(BASE, lr=[0.1, 1.0])

    page = cap.report().html
    assert "16 of 40 epochs were spent on 3 settings" in page
    assert ": 3 dots" in page


def test_captions_are_no_alternative_texts():
    page = Page(finished().report().html)

    texts = " ".join(page.texts)
    assert len(page.pictures) == 3
    assert not any(picture["alt"] in texts for picture in page.pictures)


def test_letters_of_the_pictures_can_be_read_at_half_a_page():
    from matplotlib.figure import Figure

    ax = Figure().subplots()
    ax.set(xlabel="epochs", ylabel="loss")

    pictures.large(ax)

    letters = [ax.xaxis.label, *ax.get_xticklabels(), *ax.get_yticklabels()]
    assert min(text.get_fontsize() for text in letters) >= 14


def test_report_of_an_empty_log_says_so(here):
    report = task().report()

    assert "log, which is empty" in repr(report)
    assert "<iframe" not in report._repr_html_()
    assert list(here.iterdir()) == []


def test_unfinished_report_says_what_is_missing():
    cap = task()
    cap.fit(BASE)

    text = cap.report().markdown

    assert "cap.choose(why='...')" in text
    assert "No setting is chosen yet." in text
    assert "The test set has not been opened." in text


def test_report_refuses_other_texts():
    with pytest.raises(ValueError, match="must get texts named author, plan, learned"):
        task().report(title="x")
    with pytest.raises(TypeError, match="plan must be text in quotes, got 3"):
        task().note(plan=3)


def test_report_frame_holds_the_page():
    shown = finished().report()._repr_html_()

    assert "srcdoc" in shown
    assert 'href="' not in shown
    assert shown.count("<iframe") == 1


# ---- the comparison ----------------------------------------------------------------


@pytest.fixture(scope="module")
def beside():
    data = hk.load_dataset("digits")
    return rivals.compare(data, mine={"accuracy": 0.9}, bars=(0.85,), n=2)


def test_comparison_table(beside):
    assert list(beside.scores) == list(rivals.WAYS)
    assert set(beside.epochs.values()) == {60}  # a fair one: all have the same
    assert [row[0] for row in beside.table][-1] == "you"
    above = sum(score < 0.9 for s in beside.scores.values() for score in s)
    assert f"above {above} of the 16 scores" in beside.sentence
    assert beside._repr_html_().count("<tr>") == 10


def test_comparison_looks_at_no_test_set_of_the_learner():
    cap = task("digits", folder=None)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cap.compare(n=1)

    assert cap.dataset.test_looks == []


def test_comparison_trains_together_what_it_would_train_alone(beside):
    for name in (*rivals.UNTUNED, rivals.KNOWN, rivals.TUNED[0]):
        own = replace(hk.load_dataset("digits"), test_looks=[])
        alone = rivals.train(name, own, (1,), 1).best_run
        rows = len(own.test.y)
        assert abs(alone.test_accuracy() - beside.scores[name][1]) <= 2 / rows


def test_comparison_of_an_older_log_is_shown():
    names = [name for name in rivals.WAYS if name != rivals.KNOWN]
    scores, epochs = {name: [0.9, 0.91] for name in names}, dict.fromkeys(names, 60)
    old = rivals.Comparison(scores, epochs, 9)

    assert len(old.table) == 7
    assert rivals.KNOWN not in old.alt


def test_comparison_says_a_tie_and_a_difference():
    near = {name: [0.95, 0.951] for name in rivals.WAYS}
    far = near | {rivals.TUNED[0]: [0.5, 0.5]}
    epochs = dict.fromkeys(rivals.WAYS, 60)

    assert "no order among them" in rivals.Comparison(near, epochs, 800).sentence
    assert "larger gap" in rivals.Comparison(far, epochs, 800).sentence


def test_comparison_picture(beside):
    from matplotlib.figure import Figure

    ax = beside.plot(Figure().subplots())

    names = [label.get_text() for label in ax.get_yticklabels()]
    assert names == [*rivals.WAYS, "you"]
    assert "You: 0.900." in ax.figure.hpkit_said[0]


def test_comparison_survives_the_log(beside):
    again = rivals.Comparison(**json.loads(json.dumps(vars(beside))))

    assert again.table == beside.table


def test_rivals_cost_sixty_epochs_at_most(beside):
    assert beside.epochs["halving, 18 settings"] == 60
    assert set(rivals.TUNED) <= set(rivals.WAYS)
