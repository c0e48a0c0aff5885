"""A capstone's report: one page, written from its log, as HTML and as Markdown.

The HTML holds its pictures; those of the Markdown lie beside it.
"""

from dataclasses import dataclass
from html import escape

from hpkit.capstone import pages, pictures
from hpkit.capstone.budget import best_of, in_words, model_of, rows_of, runs_of
from hpkit.capstone.rivals import WORDS as RIVALS
from hpkit.capstone.rivals import Comparison, chance, reached
from hpkit.data.course_data import SOURCES
from hpkit.data.datasets import load_dataset
from hpkit.hyperparameters import Hyperparameters
from hpkit.locale import words
from hpkit.store import reason, write

WORDS = words("capstone")["report"]
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
    if not capstone.entries:
        return Report(said=WORDS["nothing"])
    said = " ".join(capstone.log.notices)
    if not capstone.log.in_memory:
        stem, folder = f"{capstone.name}-report", capstone.folder
        page, text, files = made(capstone, stem)
        paths = folder / f"{stem}.html", folder / f"{stem}.md"
        try:
            for path, content in files.items():
                write(folder / path, content)
            for path, content in zip(paths, (page, text), strict=True):
                write(path, content)
            said = ", ".join(path.as_posix() for path in paths)
            return Report(page, text, paths, WORDS["written"].format(paths=said))
        except OSError as error:
            said = WORDS["memory"].format(error=reason(error))
    page, text, _ = made(capstone)
    return Report(page, text, (), said)


def made(capstone, stem=None):
    """Return the report as HTML, as Markdown, and the pictures of that by file name.

    Without `stem` the Markdown holds its pictures.
    """
    files = {}

    def figures(*drawn):
        """Number pictures; each is ((PNG, text), caption)."""
        shown = []
        for (png, text), caption in drawn:
            name = stem and f"{stem}-{len(files) + 1}.png"
            files[name] = png
            shown.append((png, text, WORDS[caption], name))
        return pages.figures(*shown)

    data = capstone.data
    title = WORDS["title"].format(data=data["dataset"])
    blocks = [pages.head(1, title), *content(capstone, data, figures)]
    return pages.as_html(title, blocks), pages.as_markdown(blocks), files


def content(capstone, data, figures):
    """Give the blocks of the report."""
    choice, texts, entries = data["choice"], data["texts"], data["entries"]
    if texts.get("author"):
        yield pages.says(WORDS["by"].format(**texts))
    yield pages.head(2, WORDS["short"])
    yield pages.says(" ".join([*in_short(capstone, data), *tested(capstone, data)]))
    yield pages.head(2, WORDS["plan"])
    yield from planned(data)
    rows = [row(n, entry) for n, entry in enumerate(entries, 1)]
    yield pages.table(WORDS["heads"], rows)
    yield figures(
        (pictures.so_far(entries, data["budget"]), "so_far"),
        (pictures.tried(entries, choice), "each"),
    )
    yield pages.head(2, WORDS["choice"])
    yield pages.quote(capstone.why or WORDS["open_why"])
    if choice:
        yield figures((pictures.chosen(entries, choice), "curves"))
        yield from again(capstone, data)
    if data["rivals"] and data["test"]:
        beside = Comparison(**data["rivals"] | {"mine": data["test"]["accuracy"]})
        yield pages.head(2, WORDS["test"])
        yield pages.says(beside.sentence)
        yield pages.table(RIVALS["heads"], beside.table)
        yield figures(((pictures.drawn(beside.plot), beside.alt), "beside"))
    yield pages.head(2, WORDS["learned"])
    yield pages.quote(texts.get("learned") or WORDS["open_learned"])


def in_short(capstone, data):
    """Give what was spent and what was chosen, in sentences."""
    settings = {setting for e in data["entries"] for setting in runs_of(e).settings}
    facts = {"spent": capstone.spent, "budget": capstone.budget}
    kind = "overdrawn" if capstone.overdrawn else "budget"
    yield WORDS[kind].format(**facts, settings=len(settings))
    if not (choice := data["choice"]):
        yield WORDS["not_chosen"]
        return
    setting = in_words(choice["setting"])
    yield WORDS["chosen"].format(setting=setting, loss=choice["val_loss"])


def tested(capstone, data):
    """Give what the test set says, in sentences."""
    if not (test := data["test"]):
        yield WORDS["closed"]
    elif (share := test["accuracy"]) is None:
        yield WORDS["loss"].format(**test)
    else:
        yield WORDS["accuracy"].format(**test, noise=chance(share, test["rows"]))
        kinds = {bar: "reached" if reached(bar, share) else "missed"
                 for bar in capstone.bars}  # fmt: skip
        if bars := [WORDS[kind].format(bar=bar) for bar, kind in kinds.items()]:
            yield WORDS["bars"].format(bars=", ".join(bars))


def planned(data):
    """Give the plans, each with what was spent when it was written."""
    texts = data["texts"]
    old = [{"text": texts.get("plan") or WORDS["open_plan"], "stage": None}]
    for plan in texts.get("plans") or old:
        yield pages.quote(plan["text"])
        if isinstance(plan["stage"], int):
            said = WORDS["after" if plan["stage"] else "before"]
            yield pages.says(said.format(stage=plan["stage"], budget=data["budget"]))


def row(number, entry):
    """Return an entry as a row of the table."""
    epochs = WORDS["over"].format(**entry) if entry["overdraw"] else entry["epochs"]
    best = best_of(entry)
    loss = f"{best['val_loss']:.3g}" if best else "-"
    return number, entry["what"], WORDS["tried"].format(**entry), epochs, loss


def again(capstone, data):
    """Give the code that trains the chosen run again, and what its names mean."""
    choice, name = data["choice"], data["dataset"]
    setting = Hyperparameters(**choice["setting"]).but(epochs=choice["epochs"])
    model = model_of(choice)
    # Other splits and tables of one's own cannot be named by a line of code.
    known = name in SOURCES and rows_of(load_dataset(name)) == data["rows"]
    load = f"hk.load_dataset({name!r})" if known else "data"
    own = f", model={model}" if model else ""
    yield pages.says(WORDS["again"])
    yield pages.code(f"hk.fit({load}, hk.{setting!r}, seed={choice['seed']}{own})")
    if not known:
        yield pages.says(WORDS["own_data"])
    if model:
        yield pages.says(WORDS["own_model"].format(model=model))
