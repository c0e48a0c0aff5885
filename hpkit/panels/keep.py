"""The state of a panel as a JSON file in hpkit-runs/, to come back to; its guess."""

import html
import time
from contextlib import suppress
from pathlib import Path

from traitlets import TraitError

from hpkit.hyperparameters import refused
from hpkit.panels.guess import Guess
from hpkit.search.files import FORMAT, VERSION, runs_from_plain, runs_to_plain
from hpkit.store import Store, as_text, check_kinds, write

WORDS = {
    "name": "keep must be a short name of letters, digits, - and _",
    "other": "hpkit-runs/{0}.json must be of this kind of panel and data ({3}, {4}), "
    "got {1}, {2}; choose another name with keep=",
    "broken": "{0} could not be read and was put aside as {1}. The panel begins anew.",
    "unkept": "{} could not be written ({{error}}). What you do is not kept once this "
    "kernel stops.",
    "changed": "Another notebook has changed {0}. What it wrote is kept as {1}.",
}
FOLDER = Path("hpkit-runs")


def told(dataset):
    """Return name and rows of a data set in a word each."""
    return dataset and f"{dataset.name} {dataset.fingerprint}"


class Keeper:
    """The file that holds the state of a panel; its troubles never stop a lesson.

    Parameters
    ----------
    name : str or None
        Of the file, without folder and ending; None keeps nothing.
    kind : str
        Of the panel.
    dataset : Dataset or None

    Attributes
    ----------
    said : str
        What a learner should know of the file, to be shown once.

    Raises
    ------
    ValueError
        A name with other signs than letters, digits, - and _.
    """

    def __init__(self, name, kind, dataset):
        plain = isinstance(name, str) and name.replace("-", "").replace("_", "")
        if name is not None and not (plain and plain.isalnum() and len(name) <= 100):
            raise refused(WORDS["name"], name, "write for example keep='my-runs'")
        self.path = None if name is None else FOLDER / f"{name}.json"
        self.head = {"panel": kind, "data": told(dataset)}
        self.written, self.said = None, ""
        new = {"format": FORMAT, "version": VERSION} | self.head
        words = {"memory": WORDS["unkept"].format(self.path), "damaged": ""}
        self.store, self.known = Store(self.path, new, self.check, words), new

    def check(self, data):
        """Raise unless this may be the state of a panel."""
        check_kinds(data, {"panel": str, "data": str | None})
        if data["format"] != FORMAT:
            raise ValueError("another kind of file")

    def read(self):
        """Return the state, or None if there is none; of a broken file the head alone.

        Raises ValueError where the file is another panel's.
        """
        if self.path is None or not self.path.exists():
            return None
        plain = self.known = self.store.load()
        found = {name: plain[name] for name in self.head}
        if found != self.head:
            raise ValueError(WORDS["other"].format(
                self.path.stem, *found.values(), *self.head.values()
            ))  # fmt: skip
        return plain

    def put_aside(self):
        """Rename a file of which nothing can be made."""
        aside = self.path.with_suffix(f".broken-{time.time_ns()}.json")
        with suppress(OSError):
            self.path.replace(aside)
        self.known = self.store.new
        self.said = WORDS["broken"].format(self.path.name, aside.name)

    def write(self, plain):
        """Write a state that has changed; what another notebook wrote is kept aside."""
        if plain == self.written:
            return
        self.written = plain

        def update(data):
            if as_text(data) != as_text(self.known):
                aside = self.path.with_suffix(f".other-{time.time_ns()}.json")
                write(aside, as_text(data))
                self.said = WORDS["changed"].format(self.path.name, aside.name)
            data.update(plain)
            self.known = data

        self.store.change(update)
        self.said = " ".join(filter(None, [self.said, *self.store.notices]))
        self.store.notices.clear()


class Remembers:
    """What a panel knows of its learner: a guess before the result, and yesterday."""

    def ask(self, question, widget, text=str):
        """Cover the charts until a guess is made; call it before `build`.

        Parameters
        ----------
        question : str
        widget : Widget
            With a `value`: a slider, a list, a `Drawing`.
        text : function (value) -> str
            The guess in words; said before the result.
        """
        self.guess = Guess(self, question, widget, text)

    def plain(self):
        """Return the state that is worth keeping, as JSON can hold it."""
        return {"values": {name: widget.value for name, widget in self.kept.items()}}

    def take(self, plain):
        """Take a state that `plain` returned in an earlier session."""
        for name, value in plain["values"].items():
            if name in self.kept:
                self.kept[name].value = value

    def come_back(self):
        """Take the state that was kept, quietly; return whether there was one."""
        plain = self.keeper.read()
        if plain is None:
            return False
        try:
            with self.quietly():
                self.take(plain)
                if self.guess and plain["guess"] is not None:
                    self.guess.take(plain["guess"])
        except (LookupError, TypeError, ValueError, AttributeError, TraitError):
            return bool(self.keeper.put_aside())
        return True

    def _remember(self):
        """Keep the state, if that was asked for."""
        if self.keeper.path:
            guess = self.guess.plain if self.guess else None
            self.keeper.write(self.plain() | {"guess": guess})
        if self.keeper.said:
            self.note.value, self.keeper.said = html.escape(self.keeper.said), ""


def runs_with_looks(kept, runs):
    """Return the runs of a list with their names and pins, as JSON can hold them."""
    looks = [
        {
            "setting": runs.settings.index(k.run.setting),
            "seed": runs.seeds.index(k.run.seed),
            "number": k.number,
            "name": k.name,
            "color": k.color,
        }
        for k in kept
    ]
    return {"kept": looks} | runs_to_plain(runs)


def looks_of_runs(plain, dataset):
    """Return what `runs_with_looks` made plain as (run, number, name, color)."""
    if not plain["kept"]:
        return []
    runs = runs_from_plain(plain, dataset)
    return [
        (runs[k["setting"], k["seed"]], k["number"], k["name"], k["color"])
        for k in plain["kept"]
    ]


def free_paths(stem, ends):
    """Return the first paths with that name, one an ending, of which none is taken."""
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        paths = [FOLDER / f"{name}.{end}" for end in ends]
        if not any(path.exists() for path in paths):
            return paths
        number += 1
