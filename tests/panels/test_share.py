"""A panel's state as a line: it comes back the same, and a forged line runs nothing."""

import re

import pytest
from chart_reading import move

import hpkit as hk
from hpkit.panels.panel import LONGEST_LINE

DATA = "data=moons"
LINES = [
    f"training?{DATA}",
    f"training?{DATA}&lr=0.3&batch_size=16&epochs=3&hidden=8-4&seed=2&ask=1",
    f"training?{DATA}&epochs=3&hidden=-&dropout=0.1&optimizer=adam&show=lr,optimizer",
    f"training?{DATA}&epochs=2&pin=lr:0.3;lr:1,hidden:8-,seed:4&show=,",
    f"validation-curve?{DATA}&epochs=2&space=lr:0.1,1&seeds=2&ask=1",
    f"grid?{DATA}&epochs=2&space=hidden:8-,8-8;lr:0.1,0.3&seeds=4,9&show=lr",
    f"one-at-a-time?{DATA}&epochs=2&space=batch_size:16,32;lr:0.01,1&seeds=1,",
    f"one-at-a-time?{DATA}&epochs=2&space=lr:0.01,1;dropout:0,0.5&order=dropout,lr",
]


@pytest.mark.parametrize("line", LINES)
def test_line_comes_back(line):
    panel = hk.open(line)
    again = hk.open(f"https://some.where/page.html#{panel.line()}")

    assert re.findall(r"[^?&]+", panel.line()) == re.findall(r"[^?&]+", again.line())
    assert {*panel.line().split("&")} == {*line.split("&")}
    assert panel.wait(60).error is None
    panel.end()
    again.end()


def test_line_holds_what_was_changed(shown_at_once):
    panel = hk.TrainingPanel(hk.load_dataset("moons"), hk.Hyperparameters(epochs=3))
    panel.wait(60).list.pin(panel.list.chosen)
    move(panel, panel.controls["lr"].slider, 0.1)

    again = hk.open(panel.line()).wait(60)

    assert again.run.setting == panel.run.setting
    assert [k.run.setting.lr for k in again.list.entries if k.color] == [0.01]
    assert again.runs[1, 0].val_loss.tolist() == panel.runs[0, 0].val_loss.tolist()
    slow = hk.open(f"{panel.line()};epochs:1000000")
    assert slow.live.busy  # what is pinned can be stopped
    slow.stop()
    assert slow.wait(20).run.setting == panel.run.setting
    panel.share_button.click()
    code = re.search("<code>(.*)</code>", panel.note.value).group(1)
    assert code == f"hk.open(&#x27;{panel.line().replace('&', '&amp;')}&#x27;)"
    panel.pin_button.click()
    assert panel.note.value == ""  # it was the line of the state before


@pytest.mark.parametrize("pins", ["", "&pin=epochs:2;lr:0.3,epochs:2"])
def test_a_run_that_takes_long_is_kept(pins, shown_at_once):
    panel = hk.open(f"training?{DATA}&batch_size=4&epochs=200{pins}").wait(60)

    ended = [entry.run.ended for entry in panel.list.entries]
    assert ended == [True] * (3 if pins else 1)
    assert panel.list.entries[0] is panel.shown
    assert panel.run.epochs_done == 200


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("", "training"),
        ("__import__('os').system('true')", "training"),
        ("training?data=../../etc/passwd", "moons"),
        ("training?lr=0.1", "data=moons"),
        (f"training?{DATA}&model=os.system", "model"),
        (f"training?{DATA}&lr=0.1,1", "lr"),
        (f"training?{DATA}&lr=", "got ''"),
        (f"training?{DATA}&momentum=b&epochs=c&lr=a", "got 'a'"),
        (f"training?{DATA}&lr=inf", "inf"),
        (f"training?{DATA}&epochs=99999999999", "epochs"),
        (f"training?{DATA}&epochs=1.5", "1.5"),
        (f"training?{DATA}&seed=-1", "seed"),
        (f"training?{DATA}&pin=__class__:1", "__class__"),
        (f"training?{DATA}&show=__class__", "__class__"),
        (f"grid?{DATA}", "2 hyperparameters with their values, got ''"),
        (f"grid?{DATA}&space=lr:0.1;epochs:1e999", "1e999"),
        (f"one-at-a-time?{DATA}&show=lr", "show"),
        (f"one-at-a-time?{DATA}&space=lr:1,2;epochs:1,2&order=x", "order"),
    ],
)
def test_forged_line_is_refused_in_words(line, names):
    with pytest.raises(ValueError, match=re.escape(names)) as refused:
        hk.open(line)
    assert getattr(refused.value, "refused", False)


def test_what_no_line_can_say_is_refused_where_it_is_shown():
    moons = hk.load_dataset("moons", seed=5)
    panel = hk.TrainingPanel(moons, hk.Hyperparameters(epochs=2))
    with pytest.raises(ValueError, match="own"):
        panel.line()
    panel.share_button.click()
    assert "Code" in panel.result

    panel = hk.open(f"training?{DATA}&epochs=2")
    for lr in range(12, 16):
        setting = panel.run.setting.but(lr=lr / 7, hidden=(lr,) * 9)
        panel.list.add(hk.fit(panel.dataset, setting))
        panel.list.pin(panel.list.chosen)
    with pytest.raises(ValueError, match=str(LONGEST_LINE)):
        panel.line()
    with pytest.raises(ValueError, match="Share button has a line, got 'bowl'; send"):
        hk.BowlPanel().line()
