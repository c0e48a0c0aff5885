"""`open`: a panel from a line that describes it, which is never run as code."""

from urllib.parse import parse_qsl

from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import TABLE, Hyperparameters, check_text, refusal
from hpkit.panels.controls import parse_values
from hpkit.panels.one_at_a_time import OneAtATimePanel
from hpkit.panels.panel import Panel
from hpkit.panels.searches import GridPanel, ValidationCurvePanel
from hpkit.panels.training import TrainingPanel

_PARTS = {  # of the line of each kind of panel, besides data, setting and ask
    TrainingPanel.kind: ("seed", "pin", "show"),
    ValidationCurvePanel.kind: ("space", "seeds", "show"),
    GridPanel.kind: ("space", "seeds", "show"),
    OneAtATimePanel.kind: ("space", "order", "seeds"),
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
    if kind not in _PARTS:
        raise refusal("line_kind", kind, kinds=", ".join(_PARTS))
    query = dict(parse_qsl(rest, keep_blank_values=True))
    parts = ("data", "ask", *_PARTS[kind])
    for name in query:
        if name not in (*TABLE, *parts):
            raise refusal("line_part", name, parts=", ".join((*parts, *TABLE)))
    if "data" not in query:
        raise refusal("line_data", line)
    data = load_dataset(query["data"])
    base = _parse_setting(Hyperparameters(), query)
    options = {"predict": bool(query.get("ask"))}
    to = {"show": "controls", "order": "order"}
    options |= {to[n]: [*filter(None, query[n].split(","))] for n in to.keys() & query}
    if kind == TrainingPanel.kind:
        seed = _parse_seed(query.get("seed", "0"))
        texts = filter(None, query.get("pin", "").split(";"))
        pins = [{"seed": str(seed), **_pairs(text, ",")} for text in texts]
        runs = [(_parse_setting(base, pin), _parse_seed(pin["seed"])) for pin in pins]
        panel = TrainingPanel(data, base, seed=seed, **options)
        if runs:  # in a job, as it may take long: the panel can stop it
            start = panel.live.start if panel.live.busy else panel.live.run_now
            start(_pin(panel, runs))
        return panel
    if seeds := query.get("seeds"):
        numbers = [_parse_seed(part) for part in seeds.split(",") if part]
        options["seeds"] = numbers if "," in seeds else numbers[0]
    space = _pairs(query.get("space", ""), ";")
    space = {name: parse_values(name, text) for name, text in space.items()}
    count = {ValidationCurvePanel.kind: 1, GridPanel.kind: 2}.get(kind, len(space))
    if len(space) != count:
        raise refusal("line_space", query.get("space", ""), n=count)
    if kind == OneAtATimePanel.kind:
        return OneAtATimePanel(data, base, **space, **options)
    if kind == GridPanel.kind:
        x, y = space.values()
        return GridPanel(data, *space, base, x_values=x, y_values=y, **options)
    (values,) = space.values()
    return ValidationCurvePanel(data, *space, base, param_range=values, **options)


def _pin(panel, settings_and_seeds):
    """Train runs and pin them (a job)."""
    if panel.live.busy:  # this job has replaced the first training of the panel
        yield from panel._training(*panel.first)
    pinned = []
    for setting, seed in settings_and_seeds:
        runs = yield from panel.train(panel.dataset, [setting], (seed,))
        pinned.append(runs[0, 0])
    panel.list.pin_beside(pinned)


def _pairs(text, separator):
    """Return "lr:0.1,epochs:5" as a dictionary of texts."""
    pairs = [part.partition(":") for part in text.split(separator) if part]
    for name, _, value in pairs:
        if name not in (*TABLE, "seed") or not value:
            raise refusal("line_part", name, parts=", ".join(TABLE))
    return {name: value for name, _, value in pairs}


def _parse_setting(base, texts):
    """Return `base` with the values that `texts` gives for its hyperparameters."""
    values = {}
    for name in (name for name in TABLE if name in texts):
        values[name], *others = parse_values(name, texts[name])
        if others:
            raise refusal("line_value", texts[name], name=name)
    return base.but(**values)


def _parse_seed(text):
    if not text.isdecimal():
        raise refusal("line_value", text, name="seed")
    return int(text)
