"""Numbers of the page to try (`page`), recorded from hpkit's own trainings.

Each scene of the page is a panel that is taken through all its states here: the page
shows the charts and the sentence that the panel showed.  Only the first panel has too
many states for that: its losses and maps are recorded (`record_trainings`), and the
page draws them.
"""

import base64
import json
from collections import Counter
from dataclasses import replace
from itertools import permutations, product

import numpy as np

import hpkit as hk
from hpkit.charts.runs import map_cells, round_up
from hpkit.charts.spec import Chart, Mark
from hpkit.engine.training import Training
from hpkit.locale import words
from hpkit.panels.panel import values_text

# Losses are stored as whole numbers on a log scale: in fine steps, and above 1,000,
# where training has diverged, in coarse ones (1.5 %).  LEVELS[-1] + 1 is nan.
LOSSES, LEVELS = (1e-5, 1e3, 1e38), (0, 60_000, 65_534)
SHARES = 15  # the level of probability 1 in a map
MAP = 24  # cells along a side of a map
ZOOM = 6  # pixels on the page along a side of a digit's pixel
DROPPED_BITS = 12  # of each number in a chart, which stays right to 1 in 4,000
KNOBS = "lr", "batch_size", "epochs"
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10)
SIZES = (2, 4, 8, 16, 32, 64, 128)  # and all points at once
STAGES = (0, 1, 2, 5, 10, 20, 50, 100)  # epochs at which a map is recorded

H = hk.Hyperparameters
TRAINED = {
    "moons": {"base": H(epochs=100)},
    "spiral": {"base": H(epochs=100)},
    "digits": {"base": H(epochs=30, hidden=(32,))},
}
CURVE = {  # lesson 02
    "data": "moons",
    "base": H(epochs=30),
    "rates": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "sizes": (1, 2, 4, 8, 16, 32, 64, 128, 400),
    "seeds": 5,
}
PATH = {  # lesson 07
    "data": "spiral",
    "base": H(lr=0.1, batch_size=200, epochs=20),
    "lists": {
        "lr": (0.01, 0.1, 1.0, 10.0),
        "batch_size": (4, 64, 200),
        "dropout": (0.0, 0.1, 0.3),
    },
}
GRID = {  # lesson 08
    "data": "spiral",
    "base": H(epochs=20),
    "x_values": (0.01, 0.03, 0.1, 0.3, 1, 3, 10),
    "y_values": (4, 8, 16, 32, 64, 200),
    "seeds": 20,
}
OVERFITTING = H(0.1, 10, 200, momentum=0.9, hidden=(64, 64))  # lesson 04


# ---- the first panel: losses and maps of many runs -----------------------------------


def record_trainings(name, base, *, rates=RATES, sizes=SIZES, seeds=5):
    """Return the losses of all runs and the maps of their outputs, ready for JSON."""
    data, epochs = hk.load_dataset(name), base.epochs
    sizes = [*(s for s in sizes if s < data.n_train), data.n_train]
    settings = [base.but(lr=r, batch_size=b) for r, b in product(rates, sizes)]
    training = Training(data, settings, seeds=range(seeds))
    stages = [e for e in STAGES if e <= epochs] if data.n_features == 2 else []
    maps = [[_map(run) for run in _advance(training, stage)] for stage in stages]
    runs = _advance(training, epochs)
    curves = np.stack([runs.train_loss, runs.val_loss], 2)
    recording = {
        "rates": rates,
        "sizes": sizes,
        "seeds": seeds,
        "epochs": epochs,
        "top": round_up(1.1 * float(np.log(data.n_outputs))),
        "losses": _pack(levels(curves)),
        "points": data.n_train,
        "fixed": {n: v for n, v in values_text(base, H()).items() if n not in KNOBS},
        "runs": len(settings) * seeds,
        "stages": stages,
    }
    if name == "digits":
        recording |= _digits(data)
    if stages:
        (left, bottom), (right, top) = map_cells(data, 2)[[0, -1]].tolist()
        X, y = data.train.X, data.train.y
        classes = [np.round(X[y == n], 3).tolist() for n in range(2)]
        maps = np.array(maps, np.uint8).swapaxes(0, 1)  # those of a run one by one
        recording |= {"extent": [left, right, bottom, top], "dots": classes, "map": MAP}
        recording |= {"maps": _base64(maps), "axes": data.features[:2]}
    return recording


def _base64(array):
    return base64.b64encode(array.tobytes()).decode()


def _digits(data):
    """Return the first row of each class as a picture, bottom row first."""
    X, y, blank = data.train.X, data.train.y, np.zeros(64)
    digits = [X[y == k][0] * data.scale + data.center for k in range(10)]
    tiles = np.reshape([*digits, blank, blank], (3, 4, 8, 8))
    tiles = np.pad(tiles, ((0, 0), (0, 0), (1, 1), (1, 1))).swapaxes(1, 2)
    gray = np.kron(tiles.reshape(30, 40)[::-1], np.ones((ZOOM, ZOOM)))
    gray = np.clip(255 * gray / gray.max(), 0, 255).astype(np.uint8)
    return {"tiles": _base64(gray), "across": 40 * ZOOM}


def _advance(training, epoch):
    """Train on to an epoch; return the runs as they are there."""
    if epoch == 0:  # untrained weights: those after steps too small to matter
        still = [s.but(lr=1e-12, epochs=1) for s in training.settings]
        *_, runs = hk.train(training.dataset, still, seeds=training.seeds)
        return runs
    training.advance(float("inf"), pause=epoch)
    return training.runs


def _map(run):
    """Return the probability of the second class in each cell, two cells a byte."""
    outputs = run.outputs(map_cells(run.dataset, MAP), "last")
    with np.errstate(over="ignore", invalid="ignore"):
        share = 1 / (1 + np.exp(outputs[:, 0] - outputs[:, 1]))
    level = (SHARES * np.nan_to_num(share, nan=0.5)).round().astype(np.uint8)
    return 16 * level[::2] + level[1::2]


def levels(losses):
    """Return losses as whole numbers of 16 bits, see `LEVELS`."""
    inside = np.clip(np.nan_to_num(losses), LOSSES[0], LOSSES[-1])
    whole = np.interp(np.log(inside), np.log(LOSSES), LEVELS).round()
    return np.where(np.isfinite(losses), whole, LEVELS[-1] + 1).astype(np.uint16)


def _pack(curves):
    """Return curves as base64: for each run the high bytes of its steps, then low."""
    steps = np.diff(curves, axis=-1, prepend=np.uint16(0))
    steps = steps.reshape(-1, 2 * curves.shape[-1])
    both = np.concatenate([steps >> 8, steps & 255], axis=1)
    return _base64(both.astype(np.uint8))


# ---- scenes: panels in all their states ----------------------------------------------


class Scene:
    """Charts and sentences of a panel by name of state; stores equal parts once."""

    def __init__(self):
        self.specs, self.marks, self.states = {}, {}, {}

    def add(self, name, charts, sentence):
        """Add a state."""
        indices = []
        for chart in charts:
            spec = json.dumps(chart.spec(), separators=(",", ":"))
            marks = [self._index(self.marks, _encode(mark)) for mark in chart.marks]
            indices.append([self._index(self.specs, spec), marks])
        self.states[name] = [indices, sentence]

    @staticmethod
    def _index(items, item):
        return items.setdefault(item, len(items))

    def to_dict(self, **extra):
        """Return the scene ready for JSON, with `extra` entries."""
        specs, marks = [json.loads(spec) for spec in self.specs], list(self.marks)
        return {"specs": specs, "marks": marks, "states": self.states} | extra


def _encode(mark):
    """Return the numbers of a mark, rounded to fewer bits, as base64."""
    columns = []
    for column in mark.columns:
        if column.dtype == np.float32:
            half = 1 << (DROPPED_BITS - 1)
            bits = np.ascontiguousarray(column).view(np.int32) + half
            rounded = (bits >> DROPPED_BITS << DROPPED_BITS).view(np.float32)
            column = np.where(np.isfinite(column), rounded, column)
        columns.append(column)
    return base64.b64encode(Mark(mark.kind, tuple(columns), {}).data()).decode()


def _full_height(charts):
    """Return charts as high as those that take their place later."""
    return [replace(chart, height=Chart.height) for chart in charts]


def record_curve(*, data, base, rates, sizes, seeds):
    """Return the validation curve of the learning rate for each batch size."""
    scene, data, means, out = Scene(), hk.load_dataset(data), [], []
    for size in sizes:
        panel = hk.ValidationCurvePanel(
            data, "lr", base.but(batch_size=size), param_range=rates, seeds=seeds
        ).wait()
        for chosen in (None, *range(len(rates))):
            panel.choose(chosen)
            name = f"{size}/{'' if chosen is None else chosen}"
            scene.add(name, panel.charts.charts, panel.result)
        panel.end()
        diverged = panel.found.runs.diverged.any(1)
        means.append(_to_floats(np.where(diverged, np.nan, panel.found.mean_val_loss)))
        out.append(np.flatnonzero(diverged).tolist())
    entries = {"rates": rates, "sizes": sizes, "means": means, "out": out}
    runs = len(rates) * len(sizes) * seeds
    return scene.to_dict(**entries, runs=runs, widths=panel.widths)


def _to_floats(losses):
    """Return losses ready for JSON: None in place of nan and infinity."""
    return [float(loss) if np.isfinite(loss) else None for loss in losses]


def record_path(*, data, base, lists):
    """Return the path of each order, step by step, without and with the grid."""
    scene, panel = Scene(), hk.OneAtATimePanel(hk.load_dataset(data), base, **lists)
    panel.wait()
    orders, ends = list(permutations(lists)), []
    for shown in ("", "grid"):
        if shown:
            panel.grid_button.click()
            panel.wait()
        for order in orders:
            panel.order.value = order
            panel.reset()
            panel.wait()
            for step in range(len(lists) + 1):
                if step:
                    panel.next_button.click()
                    panel.wait()
                name = f"{','.join(order)}/{step}/{shown}"
                scene.add(name, panel.charts.charts, panel.result)
            if shown:
                ends.append(float(panel.found.mean_val_loss.min()))
    grid = panel.grid
    panel.end()
    entries = {"orders": orders, "ends": ends, "best": float(grid.mean_val_loss.min())}
    entries |= {"settings": len(grid.settings), "runs": grid.cost.runs}
    return scene.to_dict(**entries, widths=panel.widths)


def record_grid(*, data, **arguments):
    """Return the map to guess on, then the grid's, with the curves of each cell."""
    scene = Scene()
    panel = hk.GridPanel(hk.load_dataset(data), predict=True, **arguments)
    map_to_guess = panel.guess.widget.charts
    scene.add("ask", _full_height(map_to_guess.charts), "")
    map_to_guess.calls["cell"](0)  # any guess: the page frames the visitor's own
    panel.guess.button.click()
    panel.start_button.click()
    panel.wait()
    search = panel.found
    scene.add("", panel.charts.charts, _without_guess(panel))
    across, up = map(len, search.space.values())
    losses = np.where(search.runs.diverged.any(1), np.nan, search.mean_val_loss)
    # Cells count along rows of the map; the settings of the search along its columns.
    order = np.arange(across * up).reshape(across, up).T.ravel().tolist()
    for cell, number in enumerate(order):
        panel.choose(number)
        scene.add(str(cell), panel.charts.charts, _without_guess(panel))
    panel.end()
    entries = {"across": across, "cells": _to_floats(losses[order])}
    entries |= {"seeds": len(search.seeds), "runs": search.cost.runs}
    return scene.to_dict(**entries, widths=panel.widths)


def _without_guess(panel):
    """Return the sentence of a panel without what it says about the guess."""
    return panel.result.removeprefix(panel.guess.sentence)


def record_guess(setting):
    """Return the chart to draw a guess on, then the training curve."""
    scene, small = Scene(), hk.load_dataset("small_moons")
    panel = hk.TrainingPanel(
        small, setting, controls=("epochs",), seed=2, predict="draw"
    )
    panel.wait()
    drawing = panel.guess.widget
    scene.add("draw", _full_height(drawing.charts.charts), "")
    (heights,) = drawing.charts.charts[0].marks[0].columns[1]
    drawing.charts.calls["draw"](heights)  # as it is shown
    at, flat = drawing.at, drawing.value
    panel.guess.button.click()
    panel.wait()
    scene.add("truth", panel.charts.charts, _without_guess(panel))
    panel.end()
    run = hk.fit(small, setting, seed=2)
    truth = np.interp(at, np.arange(run.epochs_done + 1), run.val_loss)
    truth = np.minimum(truth, drawing.highest).tolist()
    entries = {"at": at.tolist(), "flat": flat, "truth": truth, "runs": 1}
    return scene.to_dict(**entries, widths=panel.widths)


def record_clinic(patients):
    """Return patients before and after every remedy, as many with each fault."""
    scene, panel, recorded = Scene(), hk.ClinicPanel(), []
    texts = words("panels")["clinic"]
    count, runs = Counter(dict.fromkeys(texts["faults"], 0)), 0
    while len(recorded) < patients:
        panel.wait()
        fault = panel.patient.fault
        if count[fault] == min(count.values()):
            count[fault] += 1
            _treat(scene, panel, texts, str(len(recorded)))
            old, new = map(texts["patient"].format, (panel.number, len(recorded) + 1))
            record = panel.record.value.replace(old, new)
            recorded.append({"fault": fault, "record": record})
            runs += 1 + len(panel.others) + len(texts["remedies"])
        panel.next_button.click()
    panel.end()
    entries = {"patients": recorded, "words": texts, "runs": runs}
    return scene.to_dict(**entries, widths=panel.widths)


def _treat(scene, panel, texts, name):
    """Add a patient before and after every remedy to a scene."""
    scene.add(f"{name}/", panel.charts.charts, panel.result)
    fault = panel.patient.fault
    right = texts["right"].format(clue=texts["clues"][fault]) + " "
    for remedy in texts["remedies"]:
        panel.fault.value, panel.remedy.value = fault, remedy
        panel.treat_button.click()
        panel.wait()
        scene.add(f"{name}/{remedy}", panel.charts.charts, panel.result[len(right) :])


# ---- all of them ---------------------------------------------------------------------

SCENES = {
    "guess": (record_guess, {"setting": OVERFITTING}),
    "curve": (record_curve, CURVE),
    "path": (record_path, PATH),
    "grid": (record_grid, GRID),
    "clinic": (record_clinic, {"patients": 14}),
}


def record(sets=TRAINED, **scenes):
    """Return all numbers by the name of their script, those needed first first.

    `sets` and `scenes` are arguments with which less is recorded (for tests).
    """
    first, *rest = sets
    recordings, later = {}, {}
    for name in (first, *SCENES, *rest):
        print(f"recording {name}", flush=True)
        if name in SCENES:
            function, arguments = SCENES[name]
            recordings[name] = function(**arguments | scenes.get(name, {}))
            continue
        recordings[name] = record_trainings(name, **sets[name])
        recordings[f"{name}-losses"] = {"losses": recordings[name].pop("losses")}
        if maps := recordings[name].pop("maps", None):
            part = recordings if name == first else later
            part[f"{name}-maps"] = {"maps": maps}
    return recordings | later
