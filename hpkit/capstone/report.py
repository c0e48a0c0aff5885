"""A capstone's report: an HTML page made from its log, with every text escaped."""

from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from string import Template

import numpy as np

from hpkit.capstone.rivals import Comparison, chance, tr
from hpkit.charts.runs import runs_chart
from hpkit.charts.searches import spent_chart, tried_chart
from hpkit.charts.still import data_uri, picture
from hpkit.data.datasets import load_call
from hpkit.engine.runs import Runs
from hpkit.hyperparameters import Hyperparameters
from hpkit.locale import digits, language, words
from hpkit.search import files
from hpkit.store import error_reason, write
from hpkit.text import chart_text, html_table, run_sentence, setting_text

TEXT_NAMES = ("author", "plan", "learned")
_IFRAME = (
    "<p>{said}</p><iframe title='{title}' srcdoc=\"{page}\" style='width:100%;"
    "height:640px;border:1px solid #bbb;background:#fff'></iframe>"
)
# `letter` is in points at a width of 6.4 inches; on a printed page a third of that.
_PICTURE = {"letter": 14, "width": 6.4, "dpi": 110}
HEIGHT = 12  # of a chart, in letters


def runs_of(entry):
    return files.runs_from_json(entry["runs"])


def best_of(entry, setting=None):
    """Return the best run of a setting, default the best setting, or None."""
    runs = runs_of(entry)
    if setting is None and not runs.diverged.any(1).all():
        setting = runs.best
    if setting not in runs.settings:
        return None
    number = runs.settings.index(setting)
    if np.isnan(runs.best_val_loss[number]).all():
        return None  # its runs failed
    run = runs[number, int(np.nanargmin(runs.best_val_loss[number]))]
    accuracy = run.val_accuracy
    return {
        "setting": files.setting_to_json(run.setting),
        "seed": run.seed,
        "epochs": run.epochs_done,
        "val_loss": run.best_val_loss,
        "mean_val_loss": float(runs.mean_val_loss[number]),
        "val_accuracy": None if accuracy is None else float(accuracy[run.best_epoch]),
        "model": entry["model"],
    }


def lowest_text(entry):
    return digits(best["mean_val_loss"]) if (best := best_of(entry)) else tr("diverged")


def find(runs, choice):
    """Return the run that was chosen, or None."""
    wanted = Hyperparameters(**choice["setting"]), choice["seed"], choice["epochs"]
    same = (run for run in runs if (run.setting, run.seed, run.epochs_done) == wanted)
    loss = choice["val_loss"]  # tells one model from another
    return next((run for run in same if np.isclose(run.best_val_loss, loss)), None)


def choice_text(choice, key="chosen"):
    """Return what was chosen, in words."""
    if choice["epochs"] < choice["setting"]["epochs"]:
        key += "_early"
    facts = {"done": choice["epochs"], "loss": choice["mean_val_loss"]}
    return tr(key, setting=setting_text(Hyperparameters(**choice["setting"])), **facts)


@dataclass(frozen=True, repr=False)
class Report:
    """A report: the page as `html`, its `path` if it was written, and a `message`."""

    html: str = ""
    path: Path | None = None
    message: str = ""

    def __repr__(self):
        return self.message

    def _repr_html_(self):  # the message, and the page in a frame
        if not self.html:
            return f"<p>{escape(self.message)}</p>"
        facts = {"page": self.html, "said": self.message, "title": tr("report.frame")}
        return _IFRAME.format(**{name: escape(text) for name, text in facts.items()})


def make_report(capstone):
    data, log = capstone.data, capstone.log
    if not data["entries"]:
        return Report(message=tr("report.nothing"))
    template = Template((Path(__file__).parent / "page.html").read_text("utf-8"))
    title = escape(tr("report.title", data=data["dataset"]))
    blocks = (_figures(b) if isinstance(b, dict) else b for b in content(data))
    facts = {"lang": language(), "css": words("language")["css"]}
    page = template.substitute(title=title, body="\n".join(blocks), **facts)
    if log.in_memory:
        return Report(page, message=" ".join(log.notices))
    path = capstone.folder / f"{capstone.name}-report.html"
    try:
        write(path, page)
    except OSError as error:
        return Report(page, message=tr("report.memory", error=error_reason(error)))
    return Report(page, path, tr("report.written", file=path.as_posix()))


def content(data):
    """Yield the blocks of the report; pictures are a dict of caption: Chart."""
    choice, texts, entries = data["choice"], data["texts"], data["entries"]
    yield _block("h1", tr("report.title", data=data["dataset"]))
    if texts.get("author"):
        yield _block("p", tr("report.by", **texts))
    yield _block("h2", tr("report.short"))
    yield _block("p", f"{_tuning_text(data)} {_test_text(data['test'])}")
    yield _block("h2", tr("report.plan"))
    yield _block("blockquote", texts.get("plan") or tr("report.open_plan"))
    rows = []
    for n, entry in enumerate(entries, 1):
        tried = tr("report.tried", **entry)
        what = words("search")["kinds"].get(entry["what"], entry["what"])
        rows.append((n, what, tried, entry["epochs"], lowest_text(entry)))
    yield html_table(tr("report.heads"), rows)
    curves = [(e["what"], *map(files.numbers_from_json, e["so_far"])) for e in entries]
    chosen = choice and (choice["setting"]["lr"], choice["mean_val_loss"])
    tried = tried_chart(map(runs_of, entries), chosen)
    yield {"so_far": spent_chart(curves, data["budget"]), "each": tried}
    yield _block("h2", tr("report.choice"))
    yield _block("blockquote", choice["why"] if choice else tr("report.open_why"))
    if choice:
        run = find((run for entry in entries for run in runs_of(entry)), choice)
        yield {"curves": runs_chart(Runs.of([run]), "both", [""], run_sentence(run))}
        yield from _training_code(data)
    if data["rivals"] and data["test"]:
        epochs = data["rivals"]["epochs"] | {"you": sum(e["epochs"] for e in entries)}
        rivals = data["rivals"] | {"epochs": epochs, "mine": data["test"]["accuracy"]}
        comparison = Comparison(**rivals)
        yield _block("h2", tr("report.test"))
        yield _block("p", comparison.sentence)
        yield html_table(tr("rivals.heads"), comparison.table)
        yield {"beside": comparison.chart}
    yield _block("h2", tr("report.learned"))
    yield _block("blockquote", texts.get("learned") or tr("report.open_learned"))


def _tuning_text(data):
    settings = {setting for e in data["entries"] for setting in runs_of(e).settings}
    spent = sum(entry["epochs"] for entry in data["entries"])
    facts = {"spent": spent, "budget": data["budget"], "settings": len(settings)}
    choice = data["choice"] and choice_text(data["choice"], "report.chosen")
    return f"{tr('report.budget', **facts)} {choice or tr('report.not_chosen')}"


def _test_text(test):
    if not test:
        return tr("report.closed")
    opened = tr("report.looked" if test.get("looks") else "report.once", **test)
    key, noise = "loss", None
    if test["accuracy"] is not None:
        key, noise = "accuracy", chance(test["accuracy"], test["rows"])
    return " ".join([opened, tr(f"report.{key}", **test, noise=noise), *beside(test)])


def beside(test):
    """Return what to read a test result beside, as a list of at most one sentence."""
    if "error" in test:
        return [tr("error", error=chart_text(test["error"]))]
    return [tr("largest", **test)] if test.get("largest", 0) > 0.5 else []


def _training_code(data):
    choice, model = data["choice"], data["choice"]["model"]
    setting = Hyperparameters(**choice["setting"])
    changes_lr = (setting.schedule, setting.warmup) != ("constant", 0)
    if changes_lr and choice["epochs"] < setting.epochs:
        return  # no call stops in the middle of a schedule
    setting = setting.but(epochs=choice["epochs"])
    # A learner's own data and splits of large seeds have no call that loads them.
    load = load_call(data["dataset"], data["rows"]) or "data"
    last = f", model={model}" if model else ""
    code = f"hk.fit({load}, hk.{setting!r}, seed={choice['seed']}{last})"
    yield _block("p", tr("report.again"))
    yield f"<pre><code>{escape(code)}</code></pre>"


def _block(tag, text):
    return f"<{tag}>{escape(text)}</{tag}>"


def _figures(charts):
    html = ""
    for name, chart in charts.items():
        uri = data_uri(picture([replace(chart, height=HEIGHT)], **_PICTURE))
        image = f"<img src='{uri}' alt='{escape(chart.alt)}'>"
        caption = escape(tr(f"report.{name}"))
        html += f"<figure>{image}<figcaption>{caption}</figcaption></figure>"
    return f"<div class='pictures'>{html}</div>"
