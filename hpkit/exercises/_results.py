"""Checks of functions that a learner wrote, and of what hpkit or Optuna made."""

import re

from hpkit.data.datasets import SOURCES, Dataset
from hpkit.exercises import _answers as read
from hpkit.exercises._answers import check_kind, number, sequence, wrong_if
from hpkit.exercises._core import Exercise, trained
from hpkit.exercises._trainings import DIGITS
from hpkit.hyperparameters import TABLE, varied
from hpkit.text import setting_text

DATA, _BUDGET = "digits", 60
_NEEDED = ["dataset", "budget", "spent", "entries", "why", "test", "bar"]
_FEW_ROWS, _FEW_SETTINGS, _FEW_SEEDS = 20, 5, 3


@Exercise
def best_of_50(answer):
    """A little above one half."""
    share = read.number(answer, low=0, high=100)
    share = share / 100 if share > 1 else share  # written in percent
    wrong_if(too_high=share > 0.58, too_low=share < 0.505)


def _watched(train):
    """Run a loop in three batches; return what it did in order, and the weights."""
    import torch

    def noting(name, method):
        def called(*args, **kwargs):
            did.append(name)
            return method(*args, **kwargs)

        return called

    X, did = torch.arange(14.0).reshape(7, 2).cos(), []
    net = torch.nn.utils.skip_init(torch.nn.Linear, 2, 2)  # draws no number
    torch.nn.init.eye_(net.weight)
    torch.nn.init.zeros_(net.bias)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for name in ("zero_grad", "step"):
        setattr(optimizer, name, noting(name, getattr(optimizer, name)))
    net.zero_grad = optimizer.zero_grad  # either will do
    net.weight.register_hook(lambda gradient: did.append("backward"))
    net.register_forward_pre_hook(lambda *_: did.append("forward"))
    shown, y = "net, optimizer, X, y, batch_size=3", (X[:, 0] > 0).long()
    read.call_answer(train, net, optimizer, X, y, 3, shown=shown, changes=True)
    return did, torch.cat([p.detach().flatten() for p in net.parameters()])


@Exercise
def loop(answer):
    """The same weights as the right loop, also where the last batch is smaller."""
    read.function(answer, ("net", "optimizer", "X", "y", "batch_size"))
    (did, weights), (_, want) = map(_watched, (answer, loop.answer()))
    wrong_if(empty={*did} <= {"forward"})
    if (weights - want).abs().max() < 1e-5:
        return
    for part in ("backward", "step", "zero_grad"):
        wrong_if(**{f"no_{part}": part not in did})
    order = ",".join(did)
    early = re.search("step,(zero_grad,)?backward", order)
    wrong_if(early=early, zeroed="backward,zero_grad,step" in order)
    updates, cleared = did.count("step"), did.count("zero_grad")
    wrong_if({"got": updates}, updates=updates != 3)
    wrong_if({"got": cleared}, once=cleared < 3, weights=True)


class Loss(str):
    """A loss as cases.toml has it: words that a learner can run, and a function."""

    def __call__(self, setting):
        return eval(self, {}, dict(setting))


@Exercise
def recipe(answer):
    """The same setting as the recipe, also where the values depend on each other."""
    right, cases, slips = recipe.cases()
    cases = [(Loss(code), *others) for code, *others in cases]
    read.check_cases(answer, right, cases, slips, shown="loss, base, lists")


def _has(answer, *names):
    return all(hasattr(answer, name) for name in names)


def _runs_listed_in(answer):
    """Return the list of a panel, by which it is known: no class of it is needed."""
    kept = getattr(getattr(answer, "list", None), "entries", None)
    check_kind(answer, kept is not None)
    return kept


@Exercise
def stop(answer):
    """Some run of the panel has begun and was stopped before its last epoch."""
    runs = [one.run for one in _runs_listed_in(answer)]
    wrong_if(not_begun=not any(r.epochs_done for r in runs))  # or the list is empty
    stopped = [r for r in runs if 0 < r.epochs_done < r.setting.epochs]
    run = (stopped or runs)[-1]
    facts = {"done": run.epochs_done, "epochs": run.setting.epochs}
    return wrong_if(facts, to_the_end=not stopped)


@Exercise
def name_it(answer):
    """Some run of the panel is pinned and has a name."""
    kept = _runs_listed_in(answer)
    pinned = [one.name.strip() for one in kept if one.color]
    names = [name for name in pinned if name]
    named = any(one.name.strip() for one in kept)
    wrong_if(not_pinned=named and not names, not_named=pinned and not names)
    return wrong_if({"name": "".join(names[:1])}, neither=not names)


@Exercise
def seeds(answer):
    """Two runs on the same data, alike in the setting, with different seeds."""
    runs = sequence(answer)
    check_kind(answer, all(_has(run, "setting", "seed", "dataset") for run in runs))
    wrong_if({"n": len(runs)}, not_two=len(runs) != 2)
    one, other = runs
    wrong_if(
        {"seed": one.seed},
        other_data=one.dataset.fingerprint != other.dataset.fingerprint,
        other_setting=one.setting != other.setting,
        same_seed=one.seed == other.seed,
    )


@Exercise
def optuna_study(answer):
    """Ten trials or more of lr alone, on a log scale, minimized; the best one holds."""
    check_kind(answer, _has(type(answer), "trials", "directions"))
    n = sum(t.state.name == "COMPLETE" for t in answer.trials)
    ways = [direction.name for direction in answer.directions]
    wrong_if({"n": n}, few=n < 10, direction=ways != ["MINIMIZE"])
    best = answer.best_trial
    wrong_if({"names": ", ".join(best.params)}, names=[*best.params] != ["lr"])
    wrong_if(linear=not getattr(best.distributions["lr"], "log", False))
    lr = number(best.params["lr"], above=0)
    losses = trained("digits", DIGITS.but(lr=lr), seeds=range(3)).best_val_loss[0]
    facts = {"lr": lr, "loss": losses.mean(), "n": n, "value": best.value}
    wrong_if(facts, poor=not losses.mean() <= 0.25)
    # On moons losses are 1.4 times as high, and accuracies are no losses.
    near = losses.min() / 1.3 <= best.value <= 1.3 * losses.max()
    return wrong_if(facts, value=not near)


@Exercise
def finish(answer):
    """A bar is reached within the budget, with a reason, test set opened once."""
    check_kind(answer, _has(answer, *_NEEDED))
    wrong_if(
        {"cap": answer},
        other_task=answer.dataset.name != DATA or answer.budget > _BUDGET,
        nothing=not answer.entries,
        overdrawn=answer.spent > answer.budget,
        not_chosen=not answer.why,
        not_opened=not answer.test,
        looked=answer.test and answer.test.get("looks"),
    )
    low = answer.bar is None
    bar = min(answer.bars) if low else answer.bar
    return wrong_if({"cap": answer, "bar": bar}, below=low)


def _check_own(dataset):
    """Raise when a data set is one of the course's."""
    wrong_if({"name": dataset.name}, course=dataset.name in SOURCES)


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
    looked = len({setting for (setting, _), _ in runs.dataset.test_looks})
    wrong_if({"n": len(runs.settings)}, settings=len(runs.settings) < _FEW_SETTINGS)
    wrong_if({"n": len(runs.seeds)}, seeds=len(runs.seeds) < _FEW_SEEDS)
    wrong_if({"n": looked}, looked=looked > 1)
    best = setting_text(runs.settings[runs.order[0]], varied(runs.settings))
    look = "hk.fit(my_data, my_search.best)" if runs.folds else "my_search.best_run"
    look += ".test_loss()" if runs.dataset.is_regression else ".test_accuracy()"
    names = ", ".join(TABLE[name].label for name in answer.edge)
    edge = search.words["edges"]["at" if names else "none"].format(names)
    return {"n": len(runs.settings), "best": best, "edge": edge, "look": look}


def report_parts(text):
    """Return what stands behind each of the first words, by the part's name."""
    names = {word.lower(): name for name, word in report.words["parts"].items()}
    heads = rf"^[ \t]*({'|'.join(map(re.escape, names))})[ \t]*:"
    _, *pieces = re.split(heads, text, flags=re.MULTILINE | re.IGNORECASE)
    words = map(str.strip, pieces[1::2])
    return {names[w.lower()]: said for w, said in zip(pieces[::2], words, strict=True)}


@Exercise
def report(answer):
    """Six lines, with the numbers that a reader needs; nobody can judge the rest."""
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
