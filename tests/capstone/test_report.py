"""The report: what it says, what it shows, and that it is one page."""

import re
from html import unescape
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from matplotlib.text import Text
from tasks import BASE, TWO, finished, linear, task, text_of

import hpkit as hk
from hpkit.capstone.report import content


def test_report_is_one_page_with_pictures_that_say_themselves(here):
    cap = finished()
    looks = len(cap.dataset.test_looks)
    beside = cap.compare(n=1).sentence
    assert len(cap.dataset.test_looks) == looks

    report = cap.report(author="Jo", plan="Two rates.", learned="More is not better.")

    assert report.html == (here / "hpkit-runs/capstone-report.html").read_text("utf-8")
    assert "<html lang='en'>" in report.html
    assert f"this choice</td><td>{cap.spent}<" in report.html
    # Every other tag must be closed in its turn.
    page = re.sub(r"<((?:meta|img|br)\b[^>]*)>", r"<\1/>", report.html)
    page = ElementTree.fromstring(page)
    charts = next(block for block in content(cap.data) if isinstance(block, dict))
    low, high = charts["so_far"].y.domain
    assert low < cap.best["mean_val_loss"] < high
    pictures = [picture.attrib for picture in page.iter("img")]
    assert len(pictures) == 4
    for picture in pictures:
        assert len(picture["alt"]) > 40
        assert picture["src"].startswith("data:image/png;base64,iVBOR")
    fetched = [e.get(name) for e in page.iter() for name in ("src", "href")]
    assert all(target.startswith("data:") for target in fetched if target)
    heads = [e.text for e in page.iter() if e.tag in ("h1", "h2")]
    assert heads == [
        "Tuning report: wine",
        "In short",
        "My plan, and what I did",
        "What I chose, and why",
        "Other ways to search, on the same rows",
        "What I learned, and what I would do next",
    ]
    text = " ".join(page.itertext())
    for words in ("by Jo", "Two rates.", "More is not better.", "of the two", beside):
        assert words in text
    assert re.search(r"8 of 40 epochs .*\. Chosen: learning rate 0\.\d+, batch", text)
    assert f"an accuracy of {cap.test['accuracy']:.3f}, give or take" in text
    assert not any(picture["alt"] in text for picture in pictures)
    shown = report._repr_html_()
    assert "srcdoc" in shown
    assert 'href="' not in shown
    assert shown.count("<iframe") == 1


def test_report_escapes_what_a_learner_writes():
    plan = "<script>alert(1)</script> & a | b\nsecond line"
    report = finished().report(plan=plan)

    assert "<script>" not in report.html
    assert "&lt;script&gt;" in report.html
    assert plan in text_of(report)


def test_report_says_what_is_missing_in_its_place():
    cap = finished()
    some = cap.report(author="Jo", plan="Two rates.", learned=...)
    whole = cap.report(learned="More is not better.")
    assert re.fullmatch(r"Written: \S+html\.", some.message)
    assert "cap.report(learned='...')" in text_of(some)
    assert "(To be written" not in text_of(whole)
    assert "Two rates." in task().report().html  # written from the log alone

    draft = task(name="draft")
    draft.fit(BASE, model=lambda n_in, n_out, setting: torch.nn.Linear(n_in, n_out))
    report = draft.report()
    text = text_of(report)
    assert "cap.choose(why='...')" in text
    assert "No setting is chosen yet." in text
    assert "The test set has not been opened." in text
    draft.choose(why="a straight line is enough here")
    assert "seed=0, model=model)" in text_of(draft.report())  # it has no name


def test_a_new_plan_takes_the_place_of_the_old_one():
    cap = task()
    cap.note(plan="a draft", author="Jo")
    cap.grid_search(BASE, **TWO)
    cap.report(plan="what came out of it")
    text = text_of(task().report())
    assert "what came out of it" in text
    assert "a draft" not in text
    assert "by Jo" in text


def test_report_code_gives_the_chosen_run_again_with_what_is_ones_own():
    X = np.random.default_rng(0).normal(size=(60, 2))
    own = hk.load_dataset("wine", seed=1), hk.Dataset.from_arrays(X, X.sum(1))
    for n, dataset in enumerate((*own, "wine", "wine")):
        cap, model = task(dataset, name=f"own-{n}"), linear if n < 3 else None
        base = BASE if n < 3 else BASE.but(epochs=20, patience=1)  # stopped early
        cap.grid_search(base, lr=[0.01, 1], model=model)
        cap.choose(why="the lowest loss of the two")

        report = cap.report()
        code = unescape(report.html.split("<pre><code>")[1].split("</code>")[0])
        run = eval(code, {"hk": hk, "data": cap.dataset, "linear": linear})

        assert run.best_val_loss == pytest.approx(cap.data["choice"]["val_loss"])
        assert (type(run.network()) is torch.nn.Linear) == (model is linear)
        assert "`" not in report.html


def test_report_says_of_each_search_what_was_held_and_the_seeds():
    cap = task()
    cap.grid_search(BASE, **TWO)
    drawn = {"lr": hk.log_uniform(0.01, 1), "n_trials": 2, "search_seed": 7}
    cap.random_search(BASE.but(momentum=0.5), seeds=[1, 2], **drawn)

    text = text_of(cap.report())

    held = "the same in all: batch size 16, epochs 4, hidden units 8; seed 0 "
    assert f" 1  Grid search  learning rate 0.01, 0.1; {held}" in text
    assert "momentum 0.5, hidden units 8; seeds 1, 2; search_seed 7 " in text


def test_setting_that_is_trained_again_is_paid_and_told_once(here):
    cap = task(budget=16)
    cap.grid_search(BASE, **TWO)
    cap.grid_search(BASE, lr=[0.1, 1.0])
    (here / "hpkit-runs/capstone-report.html").mkdir()  # it cannot be written there
    report = cap.report()
    assert "16 of 16 epochs were spent on 3 settings" in report.html
    assert ": 3 dots" in report.html
    assert "could not be written (" in report.message
    assert (report.path, report.html.count("src='data:")) == (None, 2)


def test_letters_of_the_pictures_can_be_read_at_half_a_page(monkeypatch):
    cap, figures = finished(), []
    monkeypatch.setattr(Figure, "savefig", lambda one, *_, **__: figures.append(one))

    cap.report()

    assert len(figures) == 3
    for figure in figures:
        assert figure.get_figwidth() <= 6.5
        shown = [text for text in figure.findobj(Text) if text.get_text().strip()]
        assert min(text.get_fontsize() for text in shown) >= 0.85 * 14


def test_report_of_an_empty_log_says_so(here):
    cap = task()
    cap.choose(why=...)
    report = cap.report(plan=...)
    assert "log, which is empty" in repr(report)
    assert "<iframe" not in report._repr_html_()
    with pytest.raises(ValueError, match="has texts named author, plan, learned"):
        cap.report(title="x")
    with pytest.raises(TypeError, match="plan must be text in quotes, got 3"):
        cap.note(plan=3)
    assert list(here.iterdir()) == []
