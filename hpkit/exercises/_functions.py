"""Checks of functions that a learner writes, and of a number between others."""

import re

from hpkit.exercises import _answers as read
from hpkit.exercises._answers import wrong_if
from hpkit.exercises._core import Exercise


@Exercise
def best_of_50(answer):
    """A little above one half."""
    share = read.number(answer, low=0, high=100)
    share = share / 100 if share > 1 else share  # written in percent
    wrong_if(too_high=share > 0.58, too_low=share < 0.505)


def _watched(train, n_rows, batch_size):
    """Run a loop on a small network; return what it did in order, and the weights."""
    import torch

    from hpkit.engine.dense import RANDOM_STATE

    def noting(name, method):
        def called(*args, **kwargs):
            did.append(name)
            return method(*args, **kwargs)

        return called

    with RANDOM_STATE, torch.random.fork_rng([]):  # nobody else's draws change
        torch.default_generator.manual_seed(0)
        X, net, did = torch.randn(n_rows, 2), torch.nn.Linear(2, 2), []
    y = (X[:, 0] > 0).long()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for name in ("zero_grad", "step"):
        setattr(optimizer, name, noting(name, getattr(optimizer, name)))
    net.zero_grad = optimizer.zero_grad  # either will do
    net.weight.register_hook(lambda gradient: did.append("backward"))
    net.register_forward_pre_hook(lambda _, rows: did.append(len(rows[0])))
    shown = f"net, optimizer, X, y, batch_size={batch_size}"
    read.call(train, net, optimizer, X, y, batch_size, shown=shown, changes=True)
    names = getattr(getattr(train, "__code__", None), "co_names", ())
    idle = "backward" not in names and "step" not in names  # both without ()
    wrong_if(empty=idle and all(isinstance(what, int) for what in did))
    return did, torch.cat([p.detach().flatten() for p in net.parameters()])


@Exercise
def loop(answer):
    """The same weights as the right loop, for batches that fit and that do not."""
    read.function(answer, ("net", "optimizer", "X", "y", "batch_size"))
    for n_rows, batch_size in ((12, 4), (10, 4), (5, 1), (6, 6)):
        did, weights = _watched(answer, n_rows, batch_size)
        _, want = _watched(loop.answer(), n_rows, batch_size)
        if (weights - want).abs().max() < 1e-5:
            continue
        for part in ("backward", "step", "zero_grad"):
            wrong_if(**{f"no_{part}": part not in did})
        sizes = [what for what in did if isinstance(what, int)]
        order = ",".join(map(str, did))
        wrong_if(
            {"got": max(sizes), "batch_size": batch_size},
            early=re.search("step,(zero_grad,)?backward", order),
            zeroed="backward,zero_grad,step" in order,
            too_large=max(sizes) > batch_size,
        )
        left = n_rows - sum(sizes)
        wrong_if({"n": left, "n_rows": n_rows}, left_out=left > 0)
        updates, n = did.count("step"), -(-n_rows // batch_size)
        wrong_if({"got": updates, "want": n}, updates=updates != n, weights=True)


class Loss(str):
    """A loss as cases.toml has it: words that a learner can run, and a function."""

    def __call__(self, setting):
        try:
            return eval(self, {}, dict(setting))
        except NameError as error:
            raise KeyError(f"{error.name} is not in {setting}") from None


@Exercise
def recipe(answer):
    """The same setting as the recipe, also where the values depend on each other."""
    right, cases, slips = recipe.cases()
    cases = [(Loss(code), *others) for code, *others in cases]
    read.check_cases(answer, right, cases, slips, shown="loss, base, lists")
