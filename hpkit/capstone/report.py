"""A capstone's report: one page, written from its log, as HTML and as Markdown.

A block of it is a pair, its HTML and its Markdown. Its texts may come from anybody. The
HTML holds its pictures; those of the Markdown lie beside it.
"""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from hpkit.capstone import pictures, rivals
from hpkit.capstone.budget import best_of, in_words, model_of, rows_of, runs_of, say
from hpkit.data.course_data import SOURCES
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.store import reason, write
from hpkit.tables import html_table, markdown_table

FRAME = (
    "<p>{said}</p><iframe title='report' srcdoc=\"{page}\" style='width:100%;"
    "height:640px;border:1px solid #bbb;background:#fff'></iframe>"
)


@dataclass(frozen=True, repr=False)
class Report:
    """A report: `html`, `markdown`, `paths` of what was written, and `said`."""

    html: str = ""
    markdown: str = ""
    paths: tuple = ()
    said: str = ""

    def __repr__(self):
        return self.said

    def _repr_html_(self):  # where it is, and the page itself in a frame
        if not self.html:
            return f"<p>{escape(self.said)}</p>"
        return FRAME.format(said=escape(self.said), page=escape(self.html))


def make_report(capstone):
    """Return the `Report` of a capstone, and write it beside the log."""
    data, log, stem = capstone.data, capstone.log, f"{capstone.name}-report"
    if not data["entries"]:
        return Report(said=say("report.nothing"))
    blocks, files = [], {}  # pictures by the name of their file
    for block in content(data, capstone.bars):
        if isinstance(block, dict):
            block = _figures(block, files, stem)
        blocks.append(block)
    page = Template((Path(__file__).parent / "page.html").read_text("utf-8"))
    body, title = "\n".join(html for html, _ in blocks), escape(_title(data))
    page, text = (
        page.substitute(title=title, body=body),
        "\n\n".join(b for _, b in blocks),
    )
    text += "\n"
    said = " ".join(log.notices)
    if not log.in_memory:
        paths = tuple(capstone.folder / f"{stem}.{kind}" for kind in ("html", "md"))
        try:
            for name, png in files.items():
                write(capstone.folder / name, png)
            write(paths[0], page)
            write(paths[1], text)
            said = ", ".join(path.as_posix() for path in paths)
            return Report(page, text, paths, say("report.written", paths=said))
        except OSError as error:
            said = say("report.memory", error=reason(error))
    for name, png in files.items():
        text = text.replace(f"]({name})", f"]({_uri(png)})")
    return Report(page, text, (), said)


def content(data, bars):
    """Give the blocks of the report; pictures are a dict of caption: (draw, text)."""
    choice, texts, entries = data["choice"], data["texts"], data["entries"]
    yield _head(1, _title(data))
    if texts.get("author"):
        yield _says(say("report.by", **texts))
    yield _head(2, say("report.short"))
    yield _says(" ".join([*_in_short(data), *_tested(data["test"], bars)]))
    yield _head(2, say("report.plan"))
    yield _quote(texts.get("plan") or say("report.open_plan"))
    yield _table(say("report.heads"), [_row(*one) for one in enumerate(entries, 1)])
    so_far = pictures.so_far(entries, data["budget"])
    yield {"so_far": so_far, "each": pictures.tried(entries, choice)}
    yield _head(2, say("report.choice"))
    yield _quote(choice["why"] if choice else say("report.open_why"))
    if choice:
        yield {"curves": pictures.chosen(entries, choice)}
        yield from _again(data)
    if data["rivals"] and data["test"]:
        mine = data["test"]["accuracy"]
        beside = rivals.Comparison.from_log(data["rivals"], mine)
        yield _head(2, say("report.test"))
        yield _says(beside.sentence)
        yield _table(say("rivals.heads"), beside.table)
        yield {"beside": (beside.plot, beside.alt)}
    yield _head(2, say("report.learned"))
    yield _quote(texts.get("learned") or say("report.open_learned"))


def _in_short(data):
    """Give what was spent and what was chosen, in sentences."""
    settings = {setting for e in data["entries"] for setting in runs_of(e).settings}
    spent = sum(entry["epochs"] for entry in data["entries"])
    facts = {"spent": spent, "budget": data["budget"], "settings": len(settings)}
    over = "overdrawn" if spent > data["budget"] else "budget"
    yield say(f"report.{over}", **facts)
    if choice := data["choice"]:
        setting = in_words(choice["setting"])
        yield say("report.chosen", setting=setting, loss=choice["val_loss"])
    else:
        yield say("report.not_chosen")


def _tested(test, bars):
    """Give what the test set says, in sentences."""
    if not test:
        yield say("report.closed")
    elif (share := test["accuracy"]) is None:
        yield say("report.loss", **test)
    else:
        noise = rivals.chance(share, test["rows"])
        yield say("report.accuracy", **test, noise=noise)
        reached = {
            bar: "reached" if rivals.reached(bar, share) else "missed" for bar in bars
        }
        if said := [say(f"report.{key}", bar=bar) for bar, key in reached.items()]:
            yield say("report.bars", bars=", ".join(said))


def _row(number, entry):
    """Return an entry as a row of the table."""
    epochs = say("report.over", **entry) if entry["overdraw"] else entry["epochs"]
    best = best_of(entry)
    loss = f"{best['val_loss']:.3g}" if best else "-"
    return number, entry["what"], say("report.tried", **entry), epochs, loss


def _again(data):
    """Give the code that trains the chosen run again, and what its names mean."""
    choice, name = data["choice"], data["dataset"]
    setting = Hyperparameters(**choice["setting"]).but(epochs=choice["epochs"])
    model = model_of(choice)
    # Other splits and tables of one's own cannot be named by a line of code.
    known = name in SOURCES and rows_of(load_dataset(name)) == data["rows"]
    load = f"hk.load_dataset({name!r})" if known else "data"
    own = f", model={model}" if model else ""
    code = f"hk.fit({load}, hk.{setting!r}, seed={choice['seed']}{own})"
    yield _says(say("report.again"))
    yield f"<pre><code>{escape(code)}</code></pre>", f"```python\n{code}\n```"
    if not known:
        yield _says(say("report.own_data"))
    if model:
        yield _says(say("report.own_model", model=model))


def _title(data):
    return say("report.title", data=data["dataset"])


def _head(level, text):
    return f"<h{level}>{escape(text)}</h{level}>", f"{'#' * level} {text}"


def _says(text):
    return f"<p>{escape(text)}</p>", text


def _quote(text):
    return f"<blockquote>{escape(text)}</blockquote>", "> " + text.replace("\n", "\n> ")


def _table(heads, rows):
    return html_table(heads, rows), markdown_table(heads, rows)


def _figures(shown, files, stem):
    """Return pictures side by side, and draw them for their files."""
    html, lines = "", []
    for caption, (draw, text) in shown.items():
        name, caption = f"{stem}-{len(files) + 1}.png", say(f"report.{caption}")
        png = files[name] = pictures.png(draw)
        image = f"<img src='{_uri(png)}' alt='{escape(text)}'>"
        html += f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"
        lines += [f"![{text}]({name})", caption]
    return f"<div class='pictures'>{html}</div>", "\n\n".join(lines)


def _uri(png):
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
