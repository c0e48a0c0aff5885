"""`Capstone`: a task with a budget of epochs, a log, and a test set opened once."""

from dataclasses import replace
from pathlib import Path

from hpkit.capstone import plans
from hpkit.capstone.entries import chosen_run, in_words, rows_of, run_of
from hpkit.capstone.log import RunLog, now
from hpkit.capstone.said import Refused, Told, fill
from hpkit.capstone.spending import SEARCHES, counted, fit_by_search, spend
from hpkit.datasets import load_dataset
from hpkit.files import runs_from_plain
from hpkit.hyperparameters import check_count
from hpkit.training import check_dataset

# Test accuracy on digits. Of 24 splits, lr 0.01 (batch 32) reaches the first in none
# with 10 epochs and in all with 60, the second in a quarter with 60, the third in none;
# a search with 60 reaches the second in 23 or 24 of them and the third in 13 to 19.
BARS = (0.85, 0.93, 0.95)
FOLDER = "hpkit-runs"
REASON = 5  # words at least

# What a learner reads.
WORDS = {
    "budget": "the budget of a log stays what it was, {old} epochs, got {new}; give "
    "another name=... to begin a new log.",
    "data": "the log {name!r} must go on with the rows that it was begun with, of "
    "{old}, got other rows, of {new}; give another name=... to begin a new log.",
    "name": "name must be letters, digits, - and _, got {name!r}; try 'capstone'.",
    "untrained": "the setting chosen must be one that was trained with this budget, "
    "got {setting}; take one from what a search gave you, such as "
    "cap.choose(found.settings[1], why=why) (found shows them all with their numbers: "
    "found.to_frame()), or leave it out to choose the lowest validation loss.",
    "no_reason": "why must be a sentence in quotes, of at least {least} words, got "
    "{why!r}; write why you choose this setting and not another one.",
    "too_late": "the choice must stand before the test set is opened, got another one "
    "after it; the test set was opened for {setting}.",
    "not_chosen": "a setting must be chosen before the test set is opened, got none; "
    "write cap.choose(why='...') first.",
    "empty": "Nothing is chosen yet: put your reason where the three dots stand.",
    "nothing": "Nothing is trained yet, so there is nothing to choose.",
    "chosen": "Chosen: {setting}, validation loss {loss:.3g}.",
    "opened": "Test accuracy {accuracy:.3f} on {rows} rows that no run has seen.",
    "loss": "Test loss {loss:.3g} on {rows} rows that no run has seen.",
    "again": "The test set was opened before. What was seen then: ",
    "bar": " The bar of {bar:g} is reached.",
    "no_bar": " The lowest bar, {bar:g}, is not reached.",
    "state": "{spent} of {budget} epochs spent, {left} left.",
    "overdrawn": "Overdrawn: {spent} of {budget} epochs spent.",
    "best": " Lowest validation loss so far: {loss:.3g}, at {setting}.",
    "head": "Capstone on {data}: {state}",
    "line": "{n}. {what}, {tried}: {epochs} epochs{mark}, lowest loss {loss}",
    "mark": " (overdrawn)",
}


def reached(bar, accuracy):
    """Say whether a bar is reached by an accuracy as it is told: in three digits."""
    return round(accuracy, 3) >= bar


class Capstone:
    """A data set, a budget of epochs, and a log of what it was spent on.

    Parameters
    ----------
    dataset : str or Dataset, default "digits"
    budget : int, default 60
        Epochs of all runs together: 6 settings for 10 epochs cost 60.
    bars : sequence of float, default (0.85, 0.93, 0.95)
        Test accuracies to reach.
    name : str, default "capstone"
        Of the log; the same name goes on with it.
    folder : str or path, default "hpkit-runs"
        Where the log and the report are kept; None keeps them in memory.

    Raises
    ------
    ValueError, TypeError
        Another budget or other data than the log was begun with.

    Notes
    -----
    The methods `validation_curve`, `grid_search`, `random_search`, `one_at_a_time`,
    `successive_halving`, `bayesian_search` and `fit` take what hpkit's functions take,
    without the data, and return the same. One that may cost more than is left raises
    `BudgetError`, unless ``overdraw=True``. The very same call again costs nothing.

    Examples
    --------
    >>> import hpkit as hk
    >>> cap = Capstone("wine", budget=9, folder=None)
    >>> found = cap.grid_search(hk.Hyperparameters(epochs=3), lr=[0.001, 0.1])
    ... # doctest: +ELLIPSIS
    Entry 1, grid_search: 6 epochs. 6 of 9 epochs spent, 3 left. Lowest...
    """

    def __init__(
        self, dataset="digits", *, budget=60, bars=BARS, name="capstone", folder=FOLDER
    ):
        dataset = load_dataset(dataset) if isinstance(dataset, str) else dataset
        # A copy, since load_dataset gives one and the same: its looks are others'.
        self.dataset = replace(check_dataset(dataset), test_looks=[])
        self.budget = check_count("budget", budget, hint="try 60")
        self.bars, self.name, self._found = tuple(sorted(bars)), name, []
        if not isinstance(name, str) or not name.replace("-", "_").isidentifier():
            raise Refused(WORDS["name"].format(name=name))
        self.folder = None if folder is None else Path(folder)
        first = {
            "dataset": dataset.name, "rows": rows_of(dataset), "budget": self.budget,
            "entries": [], "choice": None, "test": None, "texts": {}, "rivals": None,
        }  # fmt: skip
        self.log = RunLog(self.folder and self.folder / f"{name}.json", first)
        old = self.data
        if old["budget"] != budget:
            raise Refused(WORDS["budget"].format(old=old["budget"], new=budget))
        if old["rows"] != first["rows"]:
            names = {"old": old["dataset"], "new": dataset.name}
            raise Refused(WORDS["data"].format(name=name, **names))

    # ---- what the log says ---------------------------------------------------------

    @property
    def data(self):
        """All that the log holds, as a dict."""
        return self.log.load()

    @property
    def entries(self):
        """The log: a dict for each search, with what, epochs, best and more."""
        return self.data["entries"]

    @property
    def spent(self):
        """Epochs that were trained."""
        return sum(entry["epochs"] for entry in self.entries)

    @property
    def left(self):
        """Epochs that are left, never below 0."""
        return max(0, self.budget - self.spent)

    @property
    def overdrawn(self):
        """Whether more was spent than the budget."""
        return self.spent > self.budget

    @property
    def best(self):
        """The run with the lowest mean validation loss: a dict, or None."""
        bests = [entry["best"] for entry in self.entries if entry["best"]]
        return min(bests, key=lambda best: best["mean_val_loss"], default=None)

    @property
    def why(self):
        """The reason for the choice, or an empty text."""
        return (self.data["choice"] or {"why": ""})["why"]

    @property
    def test(self):
        """What the test set has shown: a dict, or None before it is opened."""
        return self.data["test"]

    @property
    def bar(self):
        """The highest bar that the test accuracy has reached, or None."""
        share = (self.test or {}).get("accuracy") or 0
        return max((bar for bar in self.bars if reached(bar, share)), default=None)

    @property
    def state(self):
        """What is spent, left and found, in sentences."""
        words = WORDS["overdrawn" if self.overdrawn else "state"]
        said = words.format(spent=self.spent, budget=self.budget, left=self.left)
        if best := self.best:
            text = in_words(best["setting"])
            said += WORDS["best"].format(loss=best["mean_val_loss"], setting=text)
        return " ".join([said, *self.log.notices])

    def __repr__(self):
        """Return the state and the log as lines."""
        lines = [WORDS["head"].format(data=self.dataset.name, state=self.state)]
        for n, entry in enumerate(self.entries, 1):
            loss = f"{entry['best']['val_loss']:.3g}" if entry["best"] else "-"
            mark = WORDS["mark"] if entry["overdraw"] else ""
            lines.append(WORDS["line"].format(n=n, loss=loss, mark=mark, **entry))
        return "\n".join(map(fill, lines))

    # ---- searching -----------------------------------------------------------------

    def fit(self, setting=None, *, seed=0, model=None, overdraw=False):
        """Return `hpkit.fit` of this data, counted."""
        args, kwargs = fit_by_search(setting, seed, model)
        return self._search("fit", args, kwargs, overdraw).runs[0, 0]

    def _search(self, what, args, kwargs, overdraw):
        """Return a search, counted; its networks are kept for the test."""
        found = spend(self, what, args, kwargs, overdraw)
        self._found.append(found.runs)
        return found

    def runs_of(self, entry):
        """Return an entry's runs as `Runs`, without weights."""
        return runs_from_plain(entry["runs"], self.dataset)

    # ---- choosing, and the test set ------------------------------------------------

    def choose(self, setting=None, *, why=...):
        """Choose a setting, with your reason; return what is chosen in words.

        Parameters
        ----------
        setting : Hyperparameters, optional
            One that was trained, such as `found.settings[1]`; default that with the
            lowest validation loss.
        why : str
            Your reason, of at least 5 words: it stands in the report. `...` chooses
            nothing yet.
        """
        if why is ... or not self.best:
            return Told(WORDS["empty" if why is ... else "nothing"])
        if not isinstance(why, str) or len(why.split()) < REASON:
            raise Refused(WORDS["no_reason"].format(why=why, least=REASON))
        choice = self.best if setting is None else self._trained(setting)
        old = self.data["choice"] or {}
        if self.test and choice["setting"] != old["setting"]:
            raise Refused(WORDS["too_late"].format(setting=in_words(old["setting"])))
        why, first = why.strip(), not self.test
        late = old.get("late", False) if why == old.get("why") else not first
        choice = choice | {"why": why, "late": late}
        self.log.change(lambda data: data.update(choice=choice))
        text = in_words(choice["setting"])
        return Told(WORDS["chosen"].format(setting=text, loss=choice["val_loss"]))

    def _trained(self, setting):
        """Return the best run of a setting that the log holds."""
        for entry in self.entries:
            runs = self.runs_of(entry)
            if setting in runs.settings:
                return run_of(runs, runs.settings.index(setting), entry["own_model"])
        raise Refused(WORDS["untrained"].format(setting=setting))

    def open_test(self):
        """Open the test set for the chosen setting; return what is seen in words.

        A second call only says what was seen.
        """
        if test := self.test:
            return Told(WORDS["again"] + self._seen(test))
        if not (choice := self.data["choice"]):
            raise Refused(WORDS["not_chosen"])
        run = chosen_run(self.dataset, choice, self._found)
        fresh = replace(run, dataset=replace(self.dataset, test_looks=[]))
        test = {
            "when": now(), "loss": fresh.test_loss(), "rows": len(self.dataset.test.y),
            "accuracy": None if run.val_accuracy is None else fresh.test_accuracy(),
            # Looks by other ways: at a run's test score, by another log.
            "peeks": len(self.dataset.test_looks) + len(self.log.twins("test")),
        }  # fmt: skip
        self.dataset.test_looks.append(((run.setting, run.seed), "open_test"))
        self.log.change(lambda data: data.update(test=data["test"] or test))
        return Told(self._seen(self.test))

    def _seen(self, test):
        """Return what the test set has shown, in words."""
        words = WORDS["loss" if test["accuracy"] is None else "opened"].format(**test)
        if test["accuracy"] is None or not self.bars:
            return words
        kind = "bar" if self.bar else "no_bar"
        return words + WORDS[kind].format(bar=self.bar or self.bars[0])

    # ---- telling -------------------------------------------------------------------

    def note(self, **texts):
        """Keep your sentences for the report: `author`, `plan`, `learned`.

        `...` is left out; a new text replaces the old one. A plan from before the
        first result stays, and the report says when each plan was written.
        """
        from hpkit.capstone.report import check_texts

        if not (texts := check_texts(texts)):
            return
        plan, before = texts.pop("plan", None), self.data["texts"].get("plan")

        def update(data):
            data["texts"].update(texts)
            if plan:
                plans.keep(data, plan)

        data = self.log.change(update)
        if plan and plan != before and (said := plans.late(data)):
            print(fill(said))

    def report(self, **texts):
        """Write the report from the log, as HTML and as Markdown with pictures.

        Parameters
        ----------
        **texts : str
            As in `note`.

        Returns
        -------
        Report
            A notebook shows it; `html`, `markdown` (texts), `paths` (files).
        """
        from hpkit.capstone.report import make_report

        self.note(**texts)
        return make_report(self)

    def compare(self, n=8):
        """Return a `Comparison` with other ways to tune, each trained n times."""
        from hpkit.capstone.rivals import compare

        found = compare(self.dataset, mine=self.test, bars=self.bars, n=n)
        if self.entries:
            self.log.change(lambda data: data.update(rivals=found.plain))
        return found


for _name in SEARCHES:
    setattr(Capstone, _name, counted(_name))
