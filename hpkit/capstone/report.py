"""A capstone's report, a page of HTML made of its log; texts of anybody are escaped."""

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
from hpkit.hyperparameters import Hyperparameters, varied
from hpkit.locale import language, words
from hpkit.search import files
from hpkit.store import error_reason, write
from hpkit.text import html_table, run_sentence, setting_text

TEXT_NAMES = ("author", "plan", "learned")
_IFRAME = (
    "<p>{said}</p><iframe title='{title}' srcdoc=\"{page}\" style='width:100%;"
    "height:640px;border:1px solid #bbb;background:#fff'></iframe>"
)
# Points of letters on 6.4 inches; on a printed page they are a third of that.
_LOOK = {"letter": 14, "width": 6.4, "dpi": 110}
HEIGHT = 12  # letters


def runs_of(entry):
    return files.runs_from_json(entry["runs"])


def best_of(entry, number=None):
    """Return the best run of a setting, default the best one not diverged, or None."""
    runs = runs_of(entry)
    if number is None:
        if runs.diverged.any(1).all():
            return None
        number = int(runs.order[0])
    if np.isnan(runs.best_val_loss[number]).all():
        return None  # its runs failed
    run = runs[number, int(np.nanargmin(runs.best_val_loss[number]))]
    shares, at = run.val_accuracy, run.best_epoch
    return {
        "setting": files.setting_to_json(run.setting),
        "seed": run.seed,
        "epochs": run.epochs_done,
        "val_loss": run.best_val_loss,
        "mean_val_loss": float(runs.mean_val_loss[number]),
        "val_accuracy": None if shares is None else float(shares[at]),
        "model": entry["model"],
    }


def lowest_text(entry):
    best = best_of(entry)
    return f"{best['mean_val_loss']:.3g}" if best else "-"


def find(runs, choice):
    """Return the run that was chosen, or None."""
    wanted = Hyperparameters(**choice["setting"]), choice["seed"], choice["epochs"]
    same = (run for run in runs if (run.setting, run.seed, run.epochs_done) == wanted)
    # The loss tells one model from another.
    loss = choice["val_loss"]
    return next((run for run in same if np.isclose(run.best_val_loss, loss)), None)


def setting_in_words(plain):
    """Return a plain setting in words: what differs from the defaults, and lr."""
    setting = Hyperparameters(**plain)
    names = "lr", "batch_size", *varied([setting, Hyperparameters()])
    return setting_text(setting, dict.fromkeys(names))


def choice_text(choice, said="chosen"):
    """Return what was chosen, in words."""
    facts = {"done": choice["epochs"], "loss": choice["mean_val_loss"]}
    early = "_early" * (choice["epochs"] < choice["setting"]["epochs"])
    return tr(said + early, setting=setting_in_words(choice["setting"]), **facts)


@dataclass(frozen=True, repr=False)
class Report:
    """A report: the page as `html`, its `path` if it was written, and `said`."""

    html: str = ""
    path: Path | None = None
    message: str = ""

    def __repr__(self):
        return self.message

    def _repr_html_(self):  # where it is, and the page itself in a frame
        if not self.html:
            return f"<p>{escape(self.message)}</p>"
        said = f"{self.message} {tr('report.scroll')}" if self.path else self.message
        title = escape(tr("report.frame"))
        return _IFRAME.format(said=escape(said), page=escape(self.html), title=title)


def make_report(capstone):
    data, log = capstone.data, capstone.log
    if not data["entries"]:
        return Report(message=tr("report.nothing"))
    blank = Template((Path(__file__).parent / "page.html").read_text("utf-8"))
    title = escape(tr("report.title", data=data["dataset"]))
    blocks = (_figures(b) if isinstance(b, dict) else b for b in content(data))
    facts = {"lang": language(), "css": words("language")["css"]}
    page = blank.substitute(title=title, body="\n".join(blocks), **facts)
    if log.in_memory:
        return Report(page, message=" ".join(log.notices))
    path = capstone.folder / f"{capstone.name}-report.html"
    try:
        write(path, page)
    except OSError as error:
        return Report(page, message=tr("report.memory", error=error_reason(error)))
    return Report(page, path, tr("report.written", file=path.as_posix()))


def content(data):
    """Give the blocks of the report; pictures are a dict of caption: Chart."""
    choice, texts, entries = data["choice"], data["texts"], data["entries"]
    yield _block("h1", tr("report.title", data=data["dataset"]))
    if texts.get("author"):
        yield _block("p", tr("report.by", **texts))
    yield _block("h2", tr("report.short"))
    yield _block("p", " ".join([*_in_short(data), *_tested(data["test"])]))
    yield _block("h2", tr("report.plan"))
    yield _block("blockquote", texts.get("plan") or tr("report.open_plan"))
    yield html_table(tr("report.heads"), [_row(*e) for e in enumerate(entries, 1)])
    each = [(e["what"], *map(files.numbers_from_json, e["so_far"])) for e in entries]
    ringed = choice and (choice["setting"]["lr"], choice["mean_val_loss"])
    tried = tried_chart(map(runs_of, entries), ringed)
    yield {"so_far": spent_chart(each, data["budget"]), "each": tried}
    yield _block("h2", tr("report.choice"))
    yield _block("blockquote", choice["why"] if choice else tr("report.open_why"))
    if choice:
        run = find((run for entry in entries for run in runs_of(entry)), choice)
        yield {"curves": runs_chart(Runs.of([run]), "both", [""], run_sentence(run))}
        yield from _again(data)
    if data["rivals"] and data["test"]:
        epochs = data["rivals"]["epochs"] | {"you": sum(e["epochs"] for e in entries)}
        own = {"epochs": epochs, "mine": data["test"]["accuracy"]}
        beside = Comparison(**data["rivals"] | own)
        yield _block("h2", tr("report.test"))
        yield _block("p", beside.sentence)
        yield html_table(tr("rivals.heads"), beside.table)
        yield {"beside": beside.chart}
    yield _block("h2", tr("report.learned"))
    yield _block("blockquote", texts.get("learned") or tr("report.open_learned"))


def _in_short(data):
    settings = {setting for e in data["entries"] for setting in runs_of(e).settings}
    spent = sum(entry["epochs"] for entry in data["entries"])
    facts = {"spent": spent, "budget": data["budget"], "settings": len(settings)}
    yield tr("report.budget", **facts)
    if choice := data["choice"]:
        yield choice_text(choice, "report.chosen")
    else:
        yield tr("report.not_chosen")


def _tested(test):
    key = "looked" if test and test.get("looks") else "once" if test else "closed"
    yield tr(f"report.{key}", **test or {})
    if test and test["accuracy"] is None:
        yield tr("report.loss", **test)
    elif test:
        share = test["accuracy"]
        yield tr("report.accuracy", **test, noise=chance(share, test["rows"]))


def _row(number, entry):
    tried = tr("report.tried", **entry)
    return number, entry["what"], tried, entry["epochs"], lowest_text(entry)


def _again(data):
    choice, name, model = data["choice"], data["dataset"], data["choice"]["model"]
    setting = Hyperparameters(**choice["setting"])
    planned = (setting.schedule, setting.warmup) != ("constant", 0)
    if planned and choice["epochs"] < setting.epochs:
        return  # no call stops in the midst of a schedule
    setting = setting.but(epochs=choice["epochs"])
    # Tables of one's own, and splits of large seeds, cannot be named by a line.
    load = load_call(name, data["rows"])
    own = f", model={model}" if model else ""
    code = f"hk.fit({load or 'data'}, hk.{setting!r}, seed={choice['seed']}{own})"
    yield _block("p", tr("report.again"))
    yield f"<pre><code>{escape(code)}</code></pre>"


def _block(tag, text):
    return f"<{tag}>{escape(text)}</{tag}>"


def _figures(shown):
    html = ""
    for caption, chart in shown.items():
        drawn = data_uri(picture([replace(chart, height=HEIGHT)], **_LOOK))
        image = f"<img src='{drawn}' alt='{escape(chart.alt)}'>"
        caption = escape(tr(f"report.{caption}"))
        html += f"<figure>{image}<figcaption>{caption}</figcaption></figure>"
    return f"<div class='pictures'>{html}</div>"
