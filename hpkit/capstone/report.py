"""A capstone's report: one page, written from its log, as HTML and as Markdown.

The HTML holds its pictures; those of the Markdown lie beside it.
"""

import html
from dataclasses import dataclass

from hpkit.capstone import pictures, plans
from hpkit.capstone.entries import in_words, rows_of
from hpkit.capstone.pages import as_html, as_markdown
from hpkit.capstone.rivals import WORDS as SAID
from hpkit.capstone.rivals import Comparison, chance
from hpkit.capstone.said import Refused, RefusedKind
from hpkit.capstone.task import reached
from hpkit.datasets import load_dataset
from hpkit.files import setting_from_plain
from hpkit.sources import SOURCES

TEXTS = ("author", "plan", "learned")

# What a learner reads.
WORDS = {
    "unknown": "report must get texts named {names}, got {name!r}; write for example "
    "cap.report(plan='...').",
    "no_text": "{name} must be text in quotes, got {value!r}; write a sentence or two.",
    "nothing": "Nothing is trained yet: the report is written from the log, which is "
    "empty.",
    "written": "Written: {paths}",
    "memory": "The report could not be written ({error}). It is in `.html` and "
    "`.markdown` of this result.",
    "title": "Tuning report: {data}",
    "by": "by {author}",
    "short": "In short",
    "budget": "Budget: {spent} of {budget} epochs were spent on {settings} settings.",
    "overdrawn": "The budget was overdrawn: {spent} of {budget} epochs were spent.",
    "chosen": "Chosen: {setting}, with a validation loss of {loss:.3g}.",
    "not_chosen": "No setting is chosen yet.",
    "plan": "How I searched",
    "choice": "What I chose, and why",
    "test": "What the test set says",
    "learned": "What I learned, and what I would do next",
    "open_plan": "(No plan was written down: cap.note(plan='...') keeps one.)",
    "late_why": "Written after the test set was opened.",
    "open_why": "(To be written: cap.choose(why='...').)",
    "open_learned": "(To be written: cap.report(learned='...').)",
    "heads": ("", "search", "tried", "epochs", "lowest validation loss"),
    "tried": "{tried}; the same in all: {held}",
    "over": "{epochs} (overdrawn)",
    "closed": "The test set has not been opened.",
    "accuracy": "The test set was opened once, on {when}. The chosen model is right in "
    "{accuracy:.3f} of its {rows} rows. With so many rows chance moves an accuracy of "
    "{accuracy:.2f} by about {noise:.3f}, up or down.",
    "loss": "The test set was opened once, on {when}. The loss of the chosen model on "
    "its {rows} rows is {loss:.3g}.",
    "bars": "Bars: {bars}.",
    "reached": "{bar:g} reached",
    "missed": "{bar:g} not reached",
    "peeks": "Before that, it was looked at in other ways: {peeks} times.",
    "again": "The same run again:",
    "so_far": "The lowest loss so far, search after search.",
    "each": "Each setting at its learning rate. A ring: the chosen one. A cross: "
    "diverged.",
    "curves": "Training curves of the chosen run.",
    "beside": "The same accuracies as dots, one for each seed.",
}


@dataclass(frozen=True, repr=False)
class Report:
    """A report: `html`, `markdown`, `paths` of what was written, and `said`."""

    html: str = ""
    markdown: str = ""
    paths: tuple = ()
    said: str = ""

    def __repr__(self):
        """Return where it is."""
        return self.said

    def _repr_html_(self):
        """Return where it is, and the page itself in a frame."""
        said = f"<p>{html.escape(self.said)}</p>"
        if not self.html:
            return said
        page = html.escape(self.html, quote=True)
        look = "width:100%;height:640px;border:1px solid #bbb;background:#fff"
        frame = f"<iframe title='report' srcdoc=\"{page}\" style='{look}'></iframe>"
        return said + frame


def check_texts(texts):
    """Return the learner's texts without those that are not written yet."""
    for name, value in texts.items():
        if name not in TEXTS:
            raise Refused(WORDS["unknown"].format(names=", ".join(TEXTS), name=name))
        if value is not ... and not isinstance(value, str):
            raise RefusedKind(WORDS["no_text"].format(name=name, value=value))
    return {k: v.strip() for k, v in texts.items() if v is not ...}


def make_report(capstone):
    """Return the `Report` of a capstone, and write it beside the log."""
    data = capstone.data
    if not data["entries"]:
        return Report(said=WORDS["nothing"])
    blocks = content(capstone, data)
    page, stem = as_html(blocks), f"{capstone.name}-report"
    folder = None if capstone.log.in_memory else capstone.folder
    if folder is None:
        said = " ".join(capstone.log.notices)
        return Report(page, as_markdown(blocks), (), said)
    images = [block[1] for block in blocks if block[0] == "picture"]
    names = [f"{stem}-{n}.png" for n in range(1, len(images) + 1)]
    text = as_markdown(blocks, iter(names))
    paths = [folder / f"{stem}.html", folder / f"{stem}.md"]
    try:
        for name, image in zip(names, images, strict=True):
            (folder / name).write_bytes(image)
        for path, words in zip(paths, (page, text), strict=True):
            path.write_text(words, encoding="utf-8", newline="\n")
    except OSError as error:
        said = WORDS["memory"].format(error=error.strerror or error)
        return Report(page, as_markdown(blocks), (), said)
    said = WORDS["written"].format(paths=", ".join(path.as_posix() for path in paths))
    return Report(page, text, tuple(paths), said)


# ---- what it says ------------------------------------------------------------------


def content(capstone, data):
    """Return the report as blocks: (kind, what, ...)."""
    choice, texts = data["choice"], data["texts"]
    facts = {"spent": capstone.spent, "budget": capstone.budget}
    plain = (entry["runs"]["settings"] for entry in data["entries"])
    facts["settings"] = len({setting_from_plain(s) for part in plain for s in part})
    budget = WORDS["overdrawn" if capstone.overdrawn else "budget"].format(**facts)
    chosen = WORDS["not_chosen"]
    if choice:
        setting = in_words(choice["setting"])
        chosen = WORDS["chosen"].format(setting=setting, loss=choice["val_loss"])
    blocks = [("h1", WORDS["title"].format(data=data["dataset"]))]
    if texts.get("author"):
        blocks.append(("p", WORDS["by"].format(author=texts["author"])))
    blocks += [
        ("h2", WORDS["short"]),
        ("p", f"{budget} {chosen} {tested(capstone, data['test'])}"),
        ("h2", WORDS["plan"]),
        *planned(texts, data["budget"]),
        (
            "table",
            WORDS["heads"],
            [row(n, e) for n, e in enumerate(data["entries"], 1)],
        ),
        ("picture", *pictures.so_far(capstone), WORDS["so_far"]),
        ("picture", *pictures.tried(capstone), WORDS["each"]),
        ("h2", WORDS["choice"]),
        ("quote", capstone.why or WORDS["open_why"]),
    ]
    if choice and choice.get("late"):
        blocks.append(("p", WORDS["late_why"]))
    if choice:
        picture = ("picture", *pictures.chosen(capstone), WORDS["curves"])
        blocks += [picture, *again(choice, data)]
    if data["rivals"] and data["test"]:
        blocks += beside(data)
    return [
        *blocks,
        ("h2", WORDS["learned"]),
        ("quote", texts.get("learned") or WORDS["open_learned"]),
    ]


def planned(texts, budget):
    """Return the plans as blocks, each with when it was written."""
    found = plans.versions(texts)
    if not found:
        return [("quote", WORDS["open_plan"])]
    blocks = []
    for plan in found:
        said = plans.when(plan, budget)
        blocks += [("quote", plan["text"]), *([("p", said)] if said else [])]
    return blocks


def tested(capstone, test):
    """Return what the test set says."""
    if not test:
        return WORDS["closed"]
    facts = test | {"when": test["when"][:10]}
    said = WORDS["loss"].format(**facts)
    if (share := test["accuracy"]) is not None:
        noise = chance(share, test["rows"])
        said = WORDS["accuracy"].format(**facts, noise=noise)
        bars = [
            WORDS["reached" if reached(bar, share) else "missed"].format(bar=bar)
            for bar in capstone.bars
        ]
        said += " " + WORDS["bars"].format(bars=", ".join(bars)) if bars else ""
    return f"{said} {WORDS['peeks'].format(**test)}" if test["peeks"] else said


def row(number, entry):
    """Return an entry as a row of the table."""
    epochs = WORDS["over"].format(**entry) if entry["overdraw"] else entry["epochs"]
    loss = f"{entry['best']['val_loss']:.3g}" if entry["best"] else "-"
    what = WORDS["tried"].format(**entry) if "held" in entry else entry["tried"]
    return number, entry["what"], what, epochs, loss


def beside(data):
    """Return the blocks that compare with other ways to tune."""
    mine = data["test"]["accuracy"]
    comparison = Comparison(**data["rivals"] | {"mine": mine})
    return [
        ("h2", WORDS["test"]),
        ("p", comparison.sentence),
        ("table", SAID["heads"], comparison.table),
        ("picture", *pictures.drawn(comparison.plot, comparison.alt), WORDS["beside"]),
    ]


def again(choice, data):
    """Return the code that trains the chosen run again."""
    setting = setting_from_plain(choice["setting"]).but(epochs=choice["epochs"])
    code = f"hk.{setting!r}"
    name, load = data["dataset"], "data"
    # Other splits and tables of one's own cannot be named by a line of code.
    if name in SOURCES and rows_of(load_dataset(name)) == data["rows"]:
        load = f"hk.load_dataset({name!r})"
    return [
        ("p", WORDS["again"]),
        ("code", f"hk.fit({load}, {code}, seed={choice['seed']})"),
    ]
