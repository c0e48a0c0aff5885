"""What several panels have in common."""

import time
from functools import partial
from unittest.mock import Mock

import numpy as np
import pytest
import torch
from architectures import mlp
from chart_reading import move, pasted, press, shows

import hpkit as hk
from hpkit.panels.panel import FOLDER, Live
from hpkit.text import setting_text, short_text

QUICK = hk.Hyperparameters(lr=0.3, epochs=5)


NETWORKS = {(): "none", (16,): "16", (16, 16): "16-16", (16, 16, 16): "16-16-16"}


def test_a_network_reads_the_same_everywhere(moons):
    base = QUICK.but(epochs=1)
    panel = hk.TrainingPanel(moons, base, controls=("hidden",))
    assert repr(panel) == "<TrainingPanel: Train a network on moons>"
    curve = hk.ValidationCurvePanel(moons, "hidden", base, param_range=list(NETWORKS))
    for hidden, words in NETWORKS.items():
        panel.list.add(hk.fit(moons, base.but(hidden=hidden)))
        panel._draw()
        said = f"hidden units {words}, " if hidden else "no hidden layers, "
        assert said in panel.result
        assert setting_text(base.but(hidden=hidden), ["hidden"]) == said[:-2]
        assert short_text(base.but(hidden=hidden), ["hidden"]) == f"hidden {words}"
    rows = [row.split() for row in panel.list.list.options]
    assert [row[1] for row in rows] == ["16-16", "none", "16", "16-16-16"]
    for words in NETWORKS.values():
        assert f"<td>{words}</td>" in curve.drawer.children[0].value
    assert curve.charts.charts[1].x.texts == list(NETWORKS.values())


TRAIN, RATES = hk.load_dataset("moons").train, [0.01, 0.3]
OWN = hk.Dataset.from_arrays(TRAIN.X, TRAIN.y, name="mine")


OWN_PANELS = {
    "curve": partial(hk.ValidationCurvePanel, OWN, "lr", QUICK, param_range=RATES),
    "grid": partial(hk.GridPanel, OWN, base=QUICK, x_values=RATES, y_values=[16, 64]),
    "path": partial(hk.OneAtATimePanel, OWN, QUICK, lr=RATES, batch_size=[32, 64]),
}


@pytest.mark.parametrize("kind", OWN_PANELS)
@pytest.mark.parametrize(
    ("seeds", "wanted"),
    [(2, (0, 1)), (range(2), (0, 1)), ([5, 3], (5, 3)), (np.array([7, 8]), (7, 8))],
    ids=str,
)
def test_search_panels_take_a_count_or_any_seeds(kind, seeds, wanted):
    panel = OWN_PANELS[kind](seeds=seeds)
    found = pasted(panel, data=OWN)["found"]

    assert panel.found.seeds == found.seeds == wanted
    if kind == "path":  # which goes on from its start
        press(panel, "all")
    np.testing.assert_array_equal(found.val_loss, panel.found.val_loss)
    if kind != "path":  # where seeds stay
        move(panel, panel.seeds, 3)
        assert panel.found.seeds == (*wanted, max(wanted) + 1)


LARGE, LISTS = QUICK.but(batch_size=5000), {"lr": [0.1, 1], "batch_size": [16, 64]}
SEEDS = r"seed.*, got .*[;,] .*\.$"
REFUSED = [
    (hk.TrainingPanel, LARGE, {}, "batch_size must be at most"),
    (hk.TrainingPanel, QUICK, {"controls": ("speed",)}, "controls must be one of"),
    (hk.TrainingPanel, QUICK, {"predict": "guess"}, "predict must be .* got 'guess'"),
    (lambda *_: hk.TrainingPanel([1, 2]), QUICK, {}, "a data set must be"),
    (hk.PatiencePanel, LARGE, {}, "batch_size must be at most"),
    (hk.OneAtATimePanel, QUICK, LISTS | {"batch_size": [401]}, "batch_size must"),
    (hk.OneAtATimePanel, QUICK, LISTS | {"lr": hk.uniform(0, 1)}, "Panel tries every"),
    (hk.SearchRacePanel, QUICK, {"budget": 7}, "budget must be .* >= 10, got 7;"),
    (hk.SchedulePanel, QUICK.but(epochs=61), {}, "60.*try 10 to 30"),
    (hk.SchedulePanel, QUICK.but(patience=3), {}, "0.*every epoch"),
    *(
        (lambda *_, kind=kind, **how: kind(**how), QUICK, {"seeds": seeds}, SEEDS)
        for kind in OWN_PANELS.values()
        for seeds in ("012", [0.5], [], [1, 1], 0, None, 2.5)
    ),
]


@pytest.mark.parametrize(("kind", "setting", "more", "words"), REFUSED)
def test_wrong_arguments_raise_at_once(kind, setting, more, words, moons):
    with pytest.raises((TypeError, ValueError), match=words):
        kind(moons, setting, **more)


def test_seeds_panel_takes_any_seeds():
    panel = hk.SeedsPanel(OWN, [QUICK, QUICK.but(lr=0.3)], seeds=[9, 4], most=4)
    runs = pasted(panel, data=OWN)["runs"]

    assert panel.runs.seeds == (9, 4, 10, 11)
    assert panel.frame()["seed"].tolist() == [9, 4]
    assert runs.seeds == (9, 4)
    np.testing.assert_allclose(runs.best_val_loss, panel.losses, rtol=1e-5)
    press(panel, "again")
    assert panel.runs.seeds == (12, 13, 14, 15)
    assert panel.frame()["seed"].tolist() == [12, 13]


OWN_CODE = OWN_PANELS | {
    "run": partial(hk.TrainingPanel, OWN, QUICK),
    "box": lambda model: hk.TestBoxPanel(hk.fit(OWN, QUICK, model=model)),
}


@pytest.mark.parametrize("kind", OWN_CODE)
@pytest.mark.parametrize("named", [True, False], ids=["function", "lambda"])
def test_code_trains_a_learners_own_model_on_their_own_data(kind, named):
    code = OWN_CODE[kind](model=mlp if named else lambda *a: mlp(*a)).code()
    assert "# data: your own data set, 'mine'\n" in code
    names = {"data": OWN, "mlp" if named else "model": mlp}

    exec(code.removesuffix("run.test_loss()"), names)

    network = names.get("run") or names["found"].best_run
    assert isinstance(network.network()[1], torch.nn.Tanh)
    for missing in ("data", "mlp" if named else "model"):
        with pytest.raises(NameError, match=missing):
            exec(code, {k: v for k, v in names.items() if k != missing})


def test_an_error_of_our_own_code_is_no_wrong_value(errors, monkeypatch):
    panel = hk.BowlPanel()
    fault = ValueError("a fault of hpkit")
    panel.on_click(panel.stop_button, Mock(side_effect=fault))
    panel.stop_button.click()

    assert "Stopped by an error: <b>ValueError: a fault of hpkit" in panel.result
    monkeypatch.setattr(hk.TrainingPanel, "_charts", Mock(side_effect=fault))
    first = hk.TrainingPanel(hk.load_dataset("moons")).wait(60)  # without a chart
    assert first._ipython_display_() is None
    assert "a fault of hpkit" in first.result
    errors.clear()


@pytest.mark.parametrize("kind", [kind for kind in OWN_CODE if kind != "box"])
def test_error_of_a_learners_model_is_shown_and_the_next_run_works(kind, errors):
    broken = [True]

    def model(*given):
        if broken:
            raise RuntimeError("no <such> layer")
        return mlp(*given)

    panel = OWN_CODE[kind](model=model)
    assert str(panel.error) == "no <such> layer"
    assert "no &lt;such&gt; layer" in panel.result
    assert len(panel.frame()) == 0
    broken.clear()
    errors.clear()
    press(panel, {"run": "train", "path": "next"}.get(kind, "start"))
    assert shows(panel)


def test_save_that_fails_leaves_nothing_and_says_so(moons, monkeypatch):
    panel = hk.TrainingPanel(moons, QUICK)
    panel.save()
    before = {path.name: path.read_bytes() for path in FOLDER.iterdir()}

    full = OSError(28, "No space left on device")
    monkeypatch.setattr("os.fsync", Mock(side_effect=full))
    result = panel.result
    panel.save_button.click()

    assert "No space left on device" in panel.note.value
    assert "give another path" in panel.note.value
    assert panel.result == result
    assert {path.name: path.read_bytes() for path in FOLDER.iterdir()} == before
    with pytest.raises(OSError, match="give another path"):
        panel.save("no/such/folder")


def test_code_is_also_a_script_for_pytorch_and_scikit_learn():
    panel = OWN_CODE["grid"](model=None)
    panel.view.value = "code"

    assert panel.forms.options == ("hpkit", "PyTorch", "scikit-learn")
    for name in panel.forms.options[1:]:
        panel.forms.value = name
        assert panel.code_box.value == panel.codes()[name] != panel.code()
    more = {"seeds": lambda model: hk.SeedsPanel(OWN, [QUICK], seeds=[9, 4])}
    more["race"] = lambda model: hk.SearchRacePanel(OWN, QUICK, budget=20, races=1)
    for number, make in enumerate((OWN_CODE | more).values()):
        panel = make(model=(None, mlp, lambda *about: mlp(*about))[number % 3])
        names, found = {"model": mlp}, panel.wait(60)._trained
        found.as_pytorch("run.py")  # with its rows
        exec(panel.codes()["PyTorch"], names)
        np.testing.assert_allclose(names["val_loss"], found.val_loss, atol=1e-4)
    assert list(hk.BowlPanel().codes()) == ["hpkit"]


@pytest.mark.parametrize("kind", [hk.OneAtATimePanel, hk.SearchRacePanel])
def test_whatever_is_clicked_while_it_trains_gives_no_error(kind, moons):
    rng, panel = np.random.default_rng(0), kind(moons, QUICK)
    acts, lists = [panel.frame, panel.stop, panel._draw], [panel.view]
    if kind is hk.OneAtATimePanel:
        lists += [panel.order, *(k.source for k in panel.starts.values())]
        acts += [panel.next_button.click, panel.all_button.click]
        acts += [panel.grid_button.click, panel.reset]
    else:
        acts += [panel.start_button.click, panel.start_button.click]

    def choose(widget):  # any option, as a learner might
        if options := widget.options:
            widget.index = int(rng.integers(len(options)))

    acts += [lambda widget=widget: choose(widget) for widget in lists]
    acts = [*acts * 3, panel.save_button.click]  # it draws its files for long
    for _ in range(150):
        with panel.live.lock:
            acts[rng.integers(len(acts))]()
            assert panel.error is None
        time.sleep(rng.choice([0, 0.01, 0.04]))
    assert press(panel, "stop").error is None


PANELS = {
    "clinic": lambda data: hk.ClinicPanel(),
    "coins": lambda data: hk.CoinFlipsPanel(),
    "noise": hk.BatchNoisePanel,
    "path": lambda data: hk.OneAtATimePanel(data, QUICK),
    "patience": hk.PatiencePanel,
    "race": lambda data: hk.SearchRacePanel(data, QUICK, budget=45),
    "schedule": lambda data: hk.SchedulePanel(data, QUICK),
    "seeds": lambda data: hk.SeedsPanel(data, [QUICK, QUICK.but(lr=0.1)]),
}


@pytest.mark.parametrize("kind", PANELS)
def test_a_panel_in_which_nothing_is_trained_yet_can_be_shown(moons, monkeypatch, kind):
    monkeypatch.setattr(Live, "run_now", lambda live, job, **_: live.draw())
    panel = PANELS[kind](moons)
    assert panel.result == panel.words["stopped"]
    assert panel.picture().startswith(b"\x89PNG")
    assert panel.frame().empty
    assert isinstance(panel.code(), str)


def test_a_panel_can_be_made_after_the_style_sheet_of_all_was_closed():
    hk.BowlPanel().children[0].close()  # as ipywidgets.Widget.close_all() does
    assert hk.BowlPanel().children[0].comm
