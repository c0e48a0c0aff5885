"""Numbers of the page to try (`page`), recorded from hpkit's own trainings.

A scene of the page is a panel that was led through all its states here: the page shows
the charts and the sentence that the panel showed.  Only the first panel has too many
states for that: of it losses and maps are recorded (`trainings`), and the page draws
them.
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

# Losses are kept as a whole number of equal factors: fine ones, and beyond 1,000, where
# training has diverged, coarse ones (1.5 %).  LEVELS[-1] + 1 is no number.
LOSSES, LEVELS = (1e-5, 1e3, 1e38), (0, 60_000, 65_534)
SURE = 15  # levels of a class's share in a map
MAP = 24  # cells along a side of a map
TILE = 6  # pixels of the page for one of a digit
SHORT = 12  # bits that are dropped of a number in a chart: it stays right to 1 in 4,000
KNOBS = "lr", "batch_size", "epochs"
RATES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
SIZES = (2, 4, 8, 16, 32, 64, 128)  # and all points at once
STAGES = (0, 1, 2, 5, 10, 20, 50, 100)  # epochs of which there is a map

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
BY_HEART = H(0.1, 10, 200, momentum=0.9, hidden=(64, 64))  # lesson 04


# ---- the first panel: losses and maps of many runs -----------------------------------


def trainings(name, base, *, rates=RATES, sizes=SIZES, seeds=5):
    """Return the losses of all runs, and the maps of what they say, as JSON can."""
    data = hk.load_dataset(name)
    sizes = [*(s for s in sizes if s < data.n_train), data.n_train]
    pairs = product(rates, sizes)
    settings, epochs = [base.but(lr=r, batch_size=b) for r, b in pairs], base.epochs
    training, maps, runs = Training(data, settings, seeds=range(seeds)), [], None
    stages = [e for e in STAGES if e <= epochs] if data.n_features == 2 else []
    for stage in stages:
        runs = _at(training, stage)
        maps.append([_map(run) for run in runs])
    runs = _at(training, epochs)
    curves = np.stack([runs.train_loss, runs.val_loss], 2)
    made = {
        "rates": rates,
        "sizes": sizes,
        "seeds": seeds,
        "epochs": epochs,
        "top": round_up(1.1 * float(np.log(data.n_outputs))),
        "losses": _packed(levels(curves)),
        "points": data.n_train,
        "fixed": {n: v for n, v in values_text(base, H()).items() if n not in KNOBS},
        "runs": len(settings) * seeds,
        "stages": stages,
    }
    if name == "digits":
        made |= _digits(data)
    if stages:
        (left, bottom), (right, top) = map_cells(data, 2)[[0, -1]].tolist()
        X, y = data.train.X, data.train.y
        classes = [np.round(X[y == n], 3).tolist() for n in range(2)]
        # The maps of a run stand behind each other.
        bytes_ = np.array(maps, np.uint8).swapaxes(0, 1).tobytes()
        made |= {"extent": [left, right, bottom, top], "dots": classes, "map": MAP}
        made |= {"maps": base64.b64encode(bytes_).decode(), "axes": data.features[:2]}
    return made


def _digits(data):
    """Return the first row of each class as a picture, bottom row first."""
    rows, blank, large = data.train, np.zeros(64), np.ones((TILE, TILE))
    first = [rows.X[rows.y == k][0] * data.scale + data.center for k in range(10)]
    tiles = np.reshape([*first, blank, blank], (3, 4, 8, 8))
    tiles = np.pad(tiles, ((0, 0), (0, 0), (1, 1), (1, 1))).swapaxes(1, 2)
    gray = np.kron(tiles.reshape(30, 40)[::-1], large)
    gray = np.clip(255 * gray / gray.max(), 0, 255).astype(np.uint8)
    return {"tiles": base64.b64encode(gray.tobytes()).decode(), "across": 40 * TILE}


def _at(training, epoch):
    """Return the runs of a training, led on to an epoch."""
    if epoch == 0:  # the weights before any training: steps of nothing
        still = [s.but(lr=1e-12, epochs=1) for s in training.settings]
        *_, runs = hk.train(training.dataset, still, seeds=training.seeds)
        return runs
    training.advance(float("inf"), pause=epoch)
    return training.runs


def _map(run):
    """Return the share of the second class at each place, two places a byte."""
    cells = map_cells(run.dataset, MAP)
    out = run.outputs(cells, "last")
    with np.errstate(over="ignore", invalid="ignore"):
        share = np.nan_to_num(1 / (1 + np.exp(out[:, 0] - out[:, 1])), nan=0.5)
    level = (SURE * share).round().astype(np.uint8)
    return 16 * level[::2] + level[1::2]


def levels(losses):
    """Return losses as whole numbers, as the page can keep them."""
    inside = np.clip(np.nan_to_num(losses), LOSSES[0], LOSSES[-1])
    whole = np.interp(np.log(inside), np.log(LOSSES), LEVELS).round()
    return np.where(np.isfinite(losses), whole, LEVELS[-1] + 1).astype(np.uint16)


def _packed(curves):
    """Return curves as base64: of each run the steps' high bytes, then low ones."""
    steps = np.diff(curves, axis=-1, prepend=np.uint16(0))
    steps = steps.reshape(-1, 2 * curves.shape[-1])
    both = np.concatenate([steps >> 8, steps & 255], axis=1)
    return base64.b64encode(both.astype(np.uint8)).decode()


# ---- scenes: panels in all their states ----------------------------------------------


class Scene:
    """Charts and sentences of a panel by the name of a state; what is equal, once."""

    def __init__(self):
        self.specs, self.marks, self.states = {}, {}, {}

    def add(self, name, charts, said):
        """Note a state."""
        shown = []
        for chart in charts:
            spec = json.dumps(chart.spec(), separators=(",", ":"))
            marks = [self._number(self.marks, _short(mark)) for mark in chart.marks]
            shown.append([self._number(self.specs, spec), marks])
        self.states[name] = [shown, said]

    @staticmethod
    def _number(known, one):
        return known.setdefault(one, len(known))

    def made(self, **more):
        """Return all as JSON can hold it."""
        specs, marks = [json.loads(spec) for spec in self.specs], list(self.marks)
        return {"specs": specs, "marks": marks, "states": self.states} | more


def _short(mark):
    """Return a mark's numbers as base64; the last bits of each are left out."""
    columns = []
    for column in mark.columns:
        if column.dtype == np.float32:
            bits = np.ascontiguousarray(column).view(np.int32) + (1 << (SHORT - 1))
            rounded = (bits >> SHORT << SHORT).view(np.float32)
            column = np.where(np.isfinite(column), rounded, column)
        columns.append(column)
    return base64.b64encode(Mark(mark.kind, tuple(columns), {}).data()).decode()


def _tall(charts):
    """Return charts as high as those that follow in their place."""
    return [replace(chart, height=Chart.height) for chart in charts]


def curve(*, data, base, rates, sizes, seeds):
    """Return the validation curve of the learning rate, for each batch size."""
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
        gone = panel.found.runs.diverged.any(1)
        means.append(_numbers(np.where(gone, np.nan, panel.found.mean_val_loss)))
        out.append(np.flatnonzero(gone).tolist())
    about = {"rates": rates, "sizes": sizes, "means": means, "out": out}
    runs = len(rates) * len(sizes) * seeds
    return scene.made(**about, runs=runs, widths=panel.widths)


def _numbers(losses):
    """Return losses as JSON can hold them; what is no number is None."""
    return [float(loss) if np.isfinite(loss) else None for loss in losses]


def path(*, data, base, lists):
    """Return the path of each order on the map, step by step, without and with grid."""
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
    about = {"orders": orders, "ends": ends, "best": float(grid.mean_val_loss.min())}
    about |= {"settings": len(grid.settings), "runs": grid.cost.runs}
    return scene.made(**about, widths=panel.widths)


def grid(*, data, **more):
    """Return the map of a grid with the curves of each cell, and an empty one."""
    scene, data = Scene(), hk.load_dataset(data)
    panel, losses = hk.GridPanel(data, predict=True, **more), []
    asked = panel.guess.widget.charts
    scene.add("ask", _tall(asked.charts), "")
    asked.calls["cell"](0)  # the page frames what is guessed there
    panel.guess.button.click()
    panel.start_button.click()
    panel.wait()
    found = panel.found
    across, up = map(len, found.space.values())
    for cell in (None, *range(across * up)):
        number = None if cell is None else cell % across * up + cell // across
        panel.choose(number)
        name = "" if cell is None else str(cell)
        said = panel.result.removeprefix(panel.guess.sentence)
        scene.add(name, panel.charts.charts, said)
        if cell is not None:
            gone = found.runs.diverged[number].any()
            losses.append(np.nan if gone else found.mean_val_loss[number])
    panel.end()
    about = {"across": across, "cells": _numbers(losses), "seeds": len(found.seeds)}
    return scene.made(**about, runs=found.cost.runs, widths=panel.widths)


def guess(setting):
    """Return the training curve that is guessed first, and the chart to draw on."""
    scene, small = Scene(), hk.load_dataset("small_moons")
    panel = hk.TrainingPanel(
        small, setting, controls=("epochs",), seed=2, predict="draw"
    )
    panel.wait()
    drawing = panel.guess.widget
    scene.add("draw", _tall(drawing.charts.charts), "")
    (heights,) = drawing.charts.charts[0].marks[0].columns[1]
    drawing.charts.calls["draw"](heights)  # as it is shown
    at, flat = drawing.at, drawing.value
    panel.guess.button.click()
    panel.wait()
    said = panel.result.removeprefix(panel.guess.sentence)
    scene.add("truth", panel.charts.charts, said)
    panel.end()
    run = hk.fit(small, setting, seed=2)
    truth = np.interp(at, np.arange(run.epochs_done + 1), run.val_loss)
    truth = np.minimum(truth, drawing.highest).tolist()
    about = {"at": at.tolist(), "flat": flat, "truth": truth, "runs": 1}
    return scene.made(**about, widths=panel.widths)


def clinic(patients):
    """Return patients, each before and after every remedy; each fault as often."""
    scene, panel, kept = Scene(), hk.ClinicPanel(), []
    said = words("panels")["clinic"]
    seen, runs = Counter(dict.fromkeys(said["faults"], 0)), 0
    while len(kept) < patients:
        panel.wait()
        fault = panel.patient.fault
        if seen[fault] == min(seen.values()):
            seen[fault] += 1
            _treat(scene, panel, said, str(len(kept)))
            called = (said["patient"].format(n) for n in (panel.number, len(kept) + 1))
            kept.append({"fault": fault, "record": panel.record.value.replace(*called)})
            runs += 1 + len(panel.others) + len(said["remedies"])
        panel.next_button.click()
    panel.end()
    about = {"patients": kept, "words": said, "runs": runs}
    return scene.made(**about, widths=panel.widths)


def _treat(scene, panel, said, name):
    """Note a patient before and after every remedy."""
    scene.add(f"{name}/", panel.charts.charts, panel.result)
    fault = panel.patient.fault
    right = said["right"].format(clue=said["clues"][fault]) + " "
    for remedy in said["remedies"]:
        panel.fault.value, panel.remedy.value = fault, remedy
        panel.treat_button.click()
        panel.wait()
        scene.add(f"{name}/{remedy}", panel.charts.charts, panel.result[len(right) :])


# ---- all of them ---------------------------------------------------------------------

SCENES = {
    "guess": (guess, {"setting": BY_HEART}),
    "curve": (curve, CURVE),
    "path": (path, PATH),
    "grid": (grid, GRID),
    "clinic": (clinic, {"patients": 14}),
}


def record(sets=TRAINED, **scenes):
    """Return all numbers by the name of their script, in the order of need.

    `sets` and `scenes` are arguments of the makers that record less (for tests).
    """
    first, *rest = sets
    made, later = {}, {}
    for name in (first, *SCENES, *rest):
        print(f"recording {name}", flush=True)
        if name in SCENES:
            maker, usual = SCENES[name]
            made[name] = maker(**usual | scenes.get(name, {}))
            continue
        made[name] = trainings(name, **sets[name])
        made[f"{name}-losses"] = {"losses": made[name].pop("losses")}
        if maps := made[name].pop("maps", None):
            (made if name == first else later)[f"{name}-maps"] = {"maps": maps}
    return made | later
