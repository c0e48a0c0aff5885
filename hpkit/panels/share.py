"""`open`: a panel from the line that says its state, read as data, never as code."""

from urllib.parse import parse_qsl

from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import TABLE, Hyperparameters, check_text, refusal
from hpkit.panels.controls import parse_values
from hpkit.panels.one_at_a_time import OneAtATimePanel
from hpkit.panels.panel import Panel
from hpkit.panels.searches import GridPanel, ValidationCurvePanel
from hpkit.panels.training import TrainingPanel

PARTS = {  # of the line of each kind of panel, besides data, setting and ask
    TrainingPanel.kind: ("seed", "pin", "show"),
    ValidationCurvePanel.kind: ("space", "seeds", "show"),
    GridPanel.kind: ("space", "seeds", "show"),
    OneAtATimePanel.kind: ("space", "seeds"),
}


def open(line: str) -> Panel:
    """Return the panel that a line from **Share** describes.

    Parameters
    ----------
    line : str
        Such as "training?data=moons&lr=0.1&seed=3&show=lr,epochs&pin=lr:1;lr:0.01" or
        "grid?data=spiral&space=lr:0.1,1;batch_size:16,64&seeds=5"; "ask=1" asks for a
        guess first. The address of a page that ends in # and such a line is taken, too.

    Raises
    ------
    ValueError
        For anything else in it; then nothing runs.

    Examples
    --------
    >>> panel = hk.open("training?data=moons&lr=0.3&epochs=5&seed=2")
    >>> panel.run.setting.lr, panel.run.seed
    (0.3, 2)
    >>> panel.line()
    'training?data=moons&lr=0.3&epochs=5&seed=2'
    """
    kind, _, rest = check_text("line", line).rpartition("#")[2].strip().partition("?")
    if kind not in PARTS:
        raise refusal("line_kind", kind, kinds=", ".join(PARTS))
    said = dict(parse_qsl(rest, keep_blank_values=True))
    parts = ("data", "ask", *PARTS[kind])
    for name in said:
        if name not in (*TABLE, *parts):
            raise refusal("line_part", name, parts=", ".join((*parts, *TABLE)))
    data = load_dataset(said.get("data", ""))
    base = _setting(Hyperparameters(), said)
    more = {"predict": bool(said.get("ask"))}
    if "show" in said:
        more["controls"] = [name for name in said["show"].split(",") if name]
    if kind == TrainingPanel.kind:
        seed = _whole(said.get("seed", "0"))
        pins = [_pairs(pin, ",") for pin in said.get("pin", "").split(";") if pin]
        pins = [(_setting(base, p), _whole(p.get("seed", str(seed)))) for p in pins]
        panel = TrainingPanel(data, base, seed=seed, **more)
        if pins:  # which may take long: the panel can stop it
            busy = panel.live.busy
            (panel.live.start if busy else panel.live.now)(_pin(panel, pins, own=busy))
        return panel
    if seeds := said.get("seeds"):
        many = [_whole(part) for part in seeds.split(",") if part]
        more["seeds"] = many if "," in seeds else many[0]
    space = _pairs(said.get("space", ""), ";")
    space = {name: parse_values(name, text) for name, text in space.items()}
    wanted = {ValidationCurvePanel.kind: 1, GridPanel.kind: 2}.get(kind, len(space))
    if len(space) != wanted:
        raise refusal("line_space", said.get("space", ""), n=wanted)
    if kind == OneAtATimePanel.kind:
        return OneAtATimePanel(data, base, **space, **more)
    if kind == GridPanel.kind:
        x, y = space.values()
        return GridPanel(data, *space, base, x_values=x, y_values=y, **more)
    (values,) = space.values()
    return ValidationCurvePanel(data, *space, base, param_range=values, **more)


def _pin(panel, pins, own):
    """Train runs, perhaps the panel's `own` first, and pin the others (a job)."""
    if own:  # this job has ended the one that was to train it
        yield from panel._training(*panel.first)
    runs = []
    for setting, seed in pins:
        found = yield from panel.train(panel.dataset, [setting], (seed,))
        runs.append(found[0, 0])
    panel.list.pin_beside(runs)


def _pairs(text, between):
    """Return "lr:0.1,epochs:5" as a dictionary of texts."""
    pairs = [part.partition(":") for part in text.split(between) if part]
    for name, _, value in pairs:
        if name not in (*TABLE, "seed") or not value:
            raise refusal("line_part", name, parts=", ".join(TABLE))
    return {name: value for name, _, value in pairs}


def _setting(base, said):
    """Return a setting with what is said of it instead."""
    values = {}
    for name in (name for name in TABLE if name in said):
        values[name], *others = parse_values(name, said[name])
        if others:
            raise refusal("line_value", said[name], name=name)
    return base.but(**values)


def _whole(text):
    if not text.isdecimal():
        raise refusal("line_value", text, name="seed")
    return int(text)
