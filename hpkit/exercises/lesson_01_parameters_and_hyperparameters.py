"""Exercises of lesson 01: parameters and hyperparameters, the loop, reading curves."""

import functools
import io
import math

import hpkit
from hpkit.exercises import _answers as read
from hpkit.exercises._answers import wrong_if
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import lesson_of
from hpkit.hyperparameters import Hyperparameters


@Exercise
def hyperparameters(answer):
    """Exactly those that are set before training; the names in code do as well."""
    texts = hyperparameters.words
    words = [answer] if isinstance(answer, str) else read.sequence(answer)
    words = [texts["codes"].get(w, w) if isinstance(w, str) else w for w in words]
    got = read.choice_set(words, texts["choices"])
    for reason in ("learned", "measured"):
        names = ", ".join(sorted(got.intersection(texts[reason])))
        wrong_if({"names": names}, **{reason: names})
    wrong_if({"n": len(got)}, more=len(got) < len(hyperparameters.answer()))


def _watched(train, n_rows, batch_size):
    """Run a loop on a small network; return what it did in order, and the weights."""
    import torch

    def noting(name, method):
        def called(*args, **kwargs):
            did.append(name)
            return method(*args, **kwargs)

        return called

    with torch.random.fork_rng([]):  # nobody else's draws change
        torch.default_generator.manual_seed(0)
        X, net, did = torch.randn(n_rows, 2), torch.nn.Linear(2, 2), []
    y = (X[:, 0] > 0).long()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for name in ("zero_grad", "step"):
        setattr(optimizer, name, noting(name, getattr(optimizer, name)))
    net.weight.register_hook(lambda gradient: did.append("backward"))
    net.register_forward_pre_hook(lambda _, rows: did.append(len(rows[0])))
    shown = f"net, optimizer, X, y, batch_size={batch_size}"
    read.call(train, net, optimizer, X, y, batch_size, shown=shown, changes=True)
    names = getattr(getattr(train, "__code__", None), "co_names", ())
    idle = "backward" not in names and "step" not in names  # both without ()
    wrong_if(empty=idle and all(isinstance(what, int) for what in did))
    return did, torch.cat([p.detach().flatten() for p in net.parameters()])


def _early(did):
    """Say whether a step was taken before the gradients of its batch were there."""
    starts = [at for at, what in enumerate(did) if isinstance(what, int)]
    batches = [did[a:b] for a, b in zip(starts, [*starts[1:], None], strict=True)]
    both = [batch for batch in batches if "step" in batch and "backward" in batch]
    return any(batch.index("step") < batch.index("backward") for batch in both)


@Exercise
def loop(answer):
    """The same weights as the right loop, for batches that fit and that do not."""
    read.function(answer, ("net", "optimizer", "X", "y", "batch_size"))
    for n_rows, batch_size in ((12, 4), (10, 4), (5, 1), (6, 6)):
        did, weights = _watched(answer, n_rows, batch_size)
        _, want = _watched(loop.answer(), n_rows, batch_size)
        for part in ("backward", "step", "zero_grad"):
            wrong_if(**{f"no_{part}": part not in did})
        if (weights - want).abs().max() < 1e-5:
            continue
        sizes = [what for what in did if isinstance(what, int)]
        steps = [what for what in did if isinstance(what, str)]
        wrong_if(
            {"got": max(sizes), "batch_size": batch_size},
            early=_early(did),
            zeroed="backward,zero_grad,step" in ",".join(steps),
            too_large=max(sizes) > batch_size,
        )
        left = n_rows - sum(sizes)
        wrong_if({"n": left, "n_rows": n_rows}, left_out=left > 0)
        updates, n = steps.count("step"), math.ceil(n_rows / batch_size)
        wrong_if({"got": updates, "want": n}, updates=updates != n, weights=True)


MOONS = Hyperparameters(epochs=30)
DIGITS = MOONS.but(hidden=(32,))
LARGE = Hyperparameters(momentum=0.9, batch_size=10, hidden=(64, 64), epochs=100)
CURVES = {
    "A": ("small_moons", LARGE.but(lr=0.1)),
    "B": ("moons", MOONS.but(lr=0.001)),
    "C": ("digits", DIGITS.but(lr=3.5)),
    "D": ("digits", DIGITS.but(lr=0.1)),
    "E": ("moons", MOONS.but(lr=6, batch_size=64, hidden=(16,))),
    "F": ("moons", MOONS.but(lr=0.3, batch_size=4)),
}


@functools.cache
def _mystery_runs():
    return {
        letter: hpkit.fit(hpkit.load_dataset(dataset), setting)
        for letter, (dataset, setting) in CURVES.items()
    }


class _MysteryCurves:
    """Six small charts without a label; as text, the losses in a table."""

    def __repr__(self):
        lines, names = [], six_curves.words["lines"]
        for letter, run in _mystery_runs().items():
            last = run.setting.epochs
            at = [e for e in range(0, last + 1, last // 5) if e <= run.epochs_done]
            for name, loss in zip(names, (run.train_loss, run.val_loss), strict=True):
                row = "  ".join(f"{loss[e]:8.3g}" for e in at)
                lines.append(f"{letter}  {name:9}{row}")
        return "\n".join(lines)

    def _repr_png_(self):
        from matplotlib.figure import Figure

        from hpkit.plots import plot_training_curves

        figure = Figure(figsize=(11, 5.6), layout="constrained")
        axes = figure.subplots(2, 3).flat
        for ax, (letter, run) in zip(axes, _mystery_runs().items(), strict=True):
            plot_training_curves(run, ax).set_title(letter)
            if run.diverged:  # the label at the X says so
                for label in list(ax.texts):
                    label.remove()
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=90)
        return file.getvalue(), {"alt": six_curves.words["alt"]}


mystery_curves = _MysteryCurves()


six_curves = Exercise.of_files(__name__, "six_curves")
EXERCISES, quiz = lesson_of(hyperparameters, loop, six_curves)
