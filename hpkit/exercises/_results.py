"""Checks of functions that a learner wrote, and of what hpkit or Optuna made."""

import re

from hpkit.data.datasets import SOURCES, Dataset, data_folder
from hpkit.exercises import _answers as read
from hpkit.exercises._answers import check_kind, number, sequence, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._trainings import DIGITS
from hpkit.hyperparameters import varied
from hpkit.text import edge_sentences, setting_text

DATA, _BUDGET = "digits", 60
_OF_CAPSTONE = ["dataset", "budget", "spent", "entries", "why", "test", "bar"]
_FEW_ROWS, _FEW_SETTINGS, _FEW_SEEDS = 20, 5, 3


@Exercise
def best_of_50(answer):
    """A little above one half."""
    share = read.number(answer, low=0, high=100)
    share = share / 100 if share > 1 else share  # given in percent
    wrong_if(too_high=share > 0.56, too_low=share < 0.515)


def _run_loop(train):
    """Run a loop on three batches; return its calls, in order, and the weights."""
    import torch

    def zero_grad(*args, **kwargs):
        calls.append("zero_grad")
        torch.optim.SGD.zero_grad(optimizer, *args, **kwargs)

    X, calls = torch.arange(14.0).reshape(7, 2).cos(), []
    net = torch.nn.utils.skip_init(torch.nn.Linear, 2, 2)  # draws no number
    torch.nn.init.eye_(net.weight)
    torch.nn.init.zeros_(net.bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    optimizer.zero_grad = net.zero_grad = zero_grad  # either will do
    optimizer.register_step_pre_hook(lambda *_: calls.append("step"))
    net.weight.register_hook(lambda gradient: calls.append("backward"))
    net.register_forward_pre_hook(lambda *_: calls.append("forward"))
    names, y = "net, optimizer, X, y, batch_size=3", (X[:, 0] > 0).long()
    read.call_answer(train, net, optimizer, X, y, 3, names=names, in_place=True)
    return calls, torch.cat([p.detach().flatten() for p in net.parameters()])


@Exercise
def loop(answer):
    """The same weights as the right loop, also where the last batch is smaller."""
    read.function(answer, ("net", "optimizer", "X", "y", "batch_size"))
    (calls, weights), (_, want) = map(_run_loop, (answer, loop.answer()))
    names = getattr(getattr(answer, "__code__", None), "co_names", ())
    steps = {"backward", "step", "zero_grad"}  # in the code, but not called
    wrong_if(empty={*calls} <= {"forward"} and steps.isdisjoint(names))
    if (weights - want).abs().max() < 1e-5:
        return
    for call in ("backward", "step", "zero_grad"):
        wrong_if(**{f"no_{call}": call not in calls})
    order = ",".join(calls)
    early = re.search("step,(zero_grad,)?backward", order)
    wrong_if(early=early, zeroed="backward,zero_grad,step" in order)
    steps, clears = calls.count("step"), calls.count("zero_grad")
    wrong_if({"got": steps}, updates=steps != 3)
    wrong_if({"got": clears}, once=clears < 3, weights=True)


class Loss(str):
    """The expression of a loss in cases.toml, which a setting can be passed to."""

    def __call__(self, setting):
        return eval(self, {}, dict(setting))


@Exercise
def recipe(answer):
    """The same setting as the recipe, also where the values depend on each other."""
    right, cases, slips = recipe.cases()
    cases = [(Loss(code), *others) for code, *others in cases]
    read.check_cases(answer, right, cases, slips, names="loss, base, lists")


def _has(answer, *names):
    return all(hasattr(answer, name) for name in names)


def _listed_runs(answer):
    """Return the list of runs of a panel; anything with such a list will do."""
    entries = getattr(getattr(answer, "list", None), "entries", None)
    check_kind(answer, entries is not None)
    return entries


@Exercise
def stop(answer):
    """Some run of the panel has begun and was stopped before its last epoch."""
    runs = [entry.run for entry in _listed_runs(answer)]
    wrong_if(not_begun=not any(r.epochs_done for r in runs))  # or the list is empty
    stopped = [r for r in runs if 0 < r.epochs_done < r.setting.epochs]
    return wrong_if({"run": (stopped or runs)[-1]}, to_the_end=not stopped)


@Exercise
def name_it(answer):
    """Some run of the panel is pinned and has a name."""
    entries = _listed_runs(answer)
    pinned = [entry.name.strip() for entry in entries if entry.color]
    names = list(filter(None, pinned))
    any_named = any(entry.name.strip() for entry in entries)
    wrong_if(not_pinned=any_named and not names, not_named=pinned and not names)
    return wrong_if({"name": "".join(names[:1])}, neither=not names)


@Exercise
def seeds(answer):
    """Two runs on the same data, alike in the setting, with different seeds."""
    runs = sequence(answer)
    check_kind(answer, all(_has(run, "setting", "seed", "dataset") for run in runs))
    wrong_if({"n": len(runs)}, not_two=len(runs) != 2)
    first, other = runs
    wrong_if(
        {"seed": first.seed},
        other_data=first.dataset.fingerprint != other.dataset.fingerprint,
        other_setting=first.setting != other.setting,
        same_seed=first.seed == other.seed,
    )


@Exercise
def optuna_study(answer):
    """Ten trials or more of lr alone, on a log scale, minimized; the best one holds."""
    check_kind(answer, _has(type(answer), "trials", "directions"))
    n = sum(t.state.name == "COMPLETE" for t in answer.trials)
    directions = [direction.name for direction in answer.directions]
    wrong_if({"n": n}, few=n < 10, direction=directions != ["MINIMIZE"])
    best = answer.best_trial
    wrong_if({"names": ", ".join(best.params)}, names=[*best.params] != ["lr"])
    wrong_if(linear=not getattr(best.distributions["lr"], "log", False))
    lr = number(best.params["lr"], above=0)
    losses = trained("digits", DIGITS.but(lr=lr), seeds=range(3)).best_val_loss[0]
    facts = {"lr": lr, "loss": losses.mean(), "n": n, "value": best.value}
    # On moons losses are 1.4 times as high, and accuracies are no losses.
    near = losses.min() / 1.3 <= best.value <= 1.3 * losses.max()
    return wrong_if(facts, value=not near, poor=not losses.mean() <= 0.25)


@Exercise
def my_plan(answer):
    """Three numbers: two ends of a range, and a price; the rest is for a reader."""
    check_kind(answer, isinstance(answer, str))
    wrong_if(no_numbers=len(re.findall(r"\d+(?:\.\d+)?", answer)) < 3)


@Exercise
def finish(answer):
    """A bar is reached within the budget, with a reason, test set opened once."""
    check_kind(answer, _has(answer, *_OF_CAPSTONE))
    wrong_if(
        {"cap": answer},
        other_task=answer.dataset.name != DATA or answer.budget > _BUDGET,
        nothing=not answer.entries,
        overdrawn=answer.spent > answer.budget,
        not_chosen=not answer.why,
        not_opened=not answer.test,
        looked=answer.test and answer.test.get("looks"),
    )
    below = answer.bar is None
    bar = min(answer.bars, default=1) if below else answer.bar
    return wrong_if({"cap": answer, "bar": bar}, below=below)


def _check_own(dataset):
    """Reject the data sets of the course."""
    cells = (data_folder() / "breast_cancer.csv").read_text("utf-8").split("\n")[0]
    of_course = dataset.name in (*SOURCES, "cells")
    of_course |= set(dataset.columns) == {*cells.strip().split(",")} - {"diagnosis"}
    wrong_if({"name": dataset.name}, course=of_course)


@Exercise
def own_data(answer):
    """A Dataset that is not of the course, with enough rows to choose by."""
    check_kind(answer, isinstance(answer, Dataset))
    _check_own(answer)
    train, n, test = (len(part.y) for part in (answer.train, answer.valid, answer.test))
    target = own_data.words["targets"]["number" if answer.is_regression else "classes"]
    target = "\n\n".join([target.format(outputs=answer.n_outputs), *answer.notes])
    facts = {"n": n, "all": train + n + test, "target": target}
    return wrong_if(facts, few=n < _FEW_ROWS)


@Exercise
def search(answer):
    """Enough settings and seeds on one's own data; the test split at most once."""
    check_kind(answer, _has(answer, "runs", "edge"))
    runs = answer.runs
    _check_own(runs.dataset)
    models = (str(model) for model, _ in runs.dataset.test_looks)
    tested = len({model.rpartition(", ")[0] for model in models})  # without seeds
    wrong_if({"n": len(runs.settings)}, settings=len(runs.settings) < _FEW_SETTINGS)
    wrong_if({"n": len(runs.seeds)}, seeds=len(runs.seeds) < _FEW_SEEDS)
    wrong_if({"n": tested}, looked=tested > 1)
    wrong_if(diverged=runs.unfit.all())
    best = setting_text(runs.settings[runs.order[0]], varied(runs.settings))
    code = "hk.fit(my_data, my_search.best)" if runs.folds else "my_search.best_run"
    code += ".test_loss()" if runs.dataset.is_regression else ".test_accuracy()"
    edge = " ".join(edge_sentences(answer)) or search.words["no_edge"]
    return {"n": len(runs.settings), "best": best, "edge": edge, "look": code}


def report_parts(text):
    """Return the text of each part, by the part's name; its first word tells which."""
    names = {word.lower(): name for name, word in report.words["parts"].items()}
    heads = rf"^[ \t]*({'|'.join(map(re.escape, names))})[ \t]*:"
    _, *pieces = re.split(heads, text, flags=re.MULTILINE | re.IGNORECASE)
    texts = map(str.strip, pieces[1::2])
    return {names[w.lower()]: part for w, part in zip(pieces[::2], texts, strict=True)}


@Exercise
def report(answer):
    """Six lines, with the numbers that a reader needs; no check can judge the rest."""
    check_kind(answer, isinstance(answer, str))
    got, parts = report_parts(answer), report.words["parts"]
    wrong_if(empty=set(got.values()) == {"..."})
    for part, word in parts.items():
        facts = {"part": word, "parts": ", ".join(parts.values())}
        wrong_if(facts, line=part not in got)
    count = {part: len(re.findall(r"\d+(?:[.,]\d+)*", got[part])) for part in parts}
    wrong_if({"n": count["data"]}, rows=count["data"] < 3)
    wrong_if({"n": count["tried"]}, range=count["tried"] < 2, number=not count["test"])
    for part in ("chosen", "sure", "mistake"):
        short = len(got[part].split()) < report.words["least"]
        wrong_if({"part": parts[part]}, open=short)
    return report_parts(report.answer())
