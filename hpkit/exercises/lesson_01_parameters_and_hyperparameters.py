"""Exercises of lesson 01: parameters and hyperparameters, the loop, reading curves."""

import math
from functools import cache

from hpkit.exercises._answers import (
    NotYet,
    call,
    check_matching,
    choice_set,
    function,
    sequence,
)
from hpkit.exercises._core import Exercise
from hpkit.exercises._quiz import Quiz
from hpkit.exercises._trials import trained
from hpkit.hyperparameters import Hyperparameters

LESSON = "01_parameters_and_hyperparameters"

# ---- which are hyperparameters -----------------------------------------------------

# Words of the question; a translation changes them here and in the texts.
SET_BEFORE = ("learning rate", "batch size", "epochs", "hidden units")
LEARNED = ("weights", "biases")
MEASURED = ("training loss", "validation loss")
CODE = {"lr": "learning rate", "batch_size": "batch size", "hidden": "hidden units"}
WORDS = (*SET_BEFORE[:2], *LEARNED, *SET_BEFORE[2:], *MEASURED)


def check_names(answer):
    """Exactly those that are set before training; the names in code do as well."""
    words = [answer] if isinstance(answer, str) else sequence(answer)
    words = [CODE.get(w, w) if isinstance(w, str) else w for w in words]
    got = choice_set(words, WORDS)
    if got & set(LEARNED):
        raise NotYet("learned", names=", ".join(sorted(got & set(LEARNED))))
    if got & set(MEASURED):
        raise NotYet("measured", names=", ".join(sorted(got & set(MEASURED))))
    if len(got) < len(SET_BEFORE):
        raise NotYet("more", n=len(got))


def names():
    """All that you set before training starts."""
    return ["learning rate", "batch size", "epochs", "hidden units"]


# ---- complete the loop -------------------------------------------------------------


def train_epoch(net, optimizer, X, y, batch_size):
    """Go through the rows once, a batch at a time."""
    import torch

    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        loss = torch.nn.functional.cross_entropy(net(X[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def watched(train, n_rows, batch_size):
    """Run a loop on a small network; return what it did in order, and the weights."""
    import torch

    generator = torch.Generator().manual_seed(0)
    X = torch.randn(n_rows, 2, generator=generator)
    y = (X[:, 0] > 0).long()
    net, did = torch.nn.Linear(2, 2), []
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.5)
    for name in ("zero_grad", "step"):
        setattr(optimizer, name, noting(did, name, getattr(optimizer, name)))
    net.weight.register_hook(lambda gradient: did.append("backward"))
    net.register_forward_pre_hook(lambda _, rows: did.append(len(rows[0])))
    shown = f"net, optimizer, X, y, batch_size={batch_size}"
    batches = (net, optimizer, X, y, batch_size)
    call(train, *batches, shown=shown, copied=False, none=True)
    if all(isinstance(what, int) for what in did):
        raise NotYet("empty")
    weights = torch.cat([p.detach().flatten() for p in net.parameters()])
    return did, weights


def noting(did, name, method):
    """Return a method that writes down that it was called."""

    def called(*args, **kwargs):
        did.append(name)
        return method(*args, **kwargs)

    return called


def batches_of(did):
    """Return what was done after each batch went into the network, as lists."""
    starts = [at for at, what in enumerate(did) if isinstance(what, int)]
    return [
        did[a + 1 : b] for a, b in zip(starts, [*starts[1:], len(did)], strict=True)
    ]


def early(batch):
    """Say whether a step was taken before the gradients of the batch were there."""
    both = "step" in batch and "backward" in batch
    return both and batch.index("step") < batch.index("backward")


def check_loop(answer):
    """The same weights as the right loop, for batches that fit and that do not."""
    function(answer, ("net", "optimizer", "X", "y", "batch_size"))
    for n_rows, batch_size in ((12, 4), (10, 4), (5, 1), (6, 6)):
        did, weights = watched(answer, n_rows, batch_size)
        _, want = watched(train_epoch, n_rows, batch_size)
        sizes = [what for what in did if isinstance(what, int)]
        for part in ("backward", "step", "zero_grad"):
            if part not in did:
                raise NotYet(f"no_{part}")
        if (weights - want).abs().max() < 1e-5:
            continue
        steps = [what for what in did if isinstance(what, str)]
        if any(early(batch) for batch in batches_of(did)):
            raise NotYet("early")
        if "backward,zero_grad,step" in ",".join(steps):
            raise NotYet("zeroed")
        if max(sizes) > batch_size:
            raise NotYet("too_large", got=max(sizes), batch_size=batch_size)
        if sum(sizes) < n_rows:
            raise NotYet("left_out", n=n_rows - sum(sizes), n_rows=n_rows)
        updates, n = steps.count("step"), math.ceil(n_rows / batch_size)
        if updates != n:
            raise NotYet("updates", got=updates, want=n)
        raise NotYet("weights")


def loop_with(order, *, whole=False, drop_last=False):
    """Return a loop with the given steps, to make each mistake alone."""

    def train(net, optimizer, X, y, batch_size):
        import torch

        size = len(X) if whole else batch_size
        end = len(X) - len(X) % size if drop_last else len(X)
        for start in range(0, end, size):
            rows = slice(start, start + size)
            loss = torch.nn.functional.cross_entropy(net(X[rows]), y[rows])
            steps = {"z": optimizer.zero_grad, "b": loss.backward, "s": optimizer.step}
            for name in order:
                steps[name]()

    return train


def step_once(net, optimizer, X, y, batch_size):
    """Wrong: one update for all batches together."""
    import torch

    optimizer.zero_grad()
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        torch.nn.functional.cross_entropy(net(X[rows]), y[rows]).backward()
    optimizer.step()


def other_loss(net, optimizer, X, y, batch_size):
    """Wrong: all steps are there, but it is another loss."""
    import torch

    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        optimizer.zero_grad()
        (2 * torch.nn.functional.cross_entropy(net(X[rows]), y[rows])).backward()
        optimizer.step()


def raises(net, optimizer, X, y, batch_size):
    """Wrong: stops with an error of its own."""
    return net(X).no_such_thing


# ---- six curves --------------------------------------------------------------------

CAUSES = ("too slow", "good", "bouncing", "diverged", "overfitting", "noisy")
CURVES = {
    "A": ("overfitting", "small_moons", Hyperparameters(
        lr=0.1, momentum=0.9, batch_size=10, hidden=(64, 64), epochs=100)),
    "B": ("too slow", "moons", Hyperparameters(lr=0.001, epochs=30)),
    "C": ("diverged", "digits", Hyperparameters(lr=3.5, hidden=(32,), epochs=30)),
    "D": ("good", "digits", Hyperparameters(lr=0.1, hidden=(32,), epochs=30)),
    "E": ("bouncing", "moons", Hyperparameters(
        lr=6, batch_size=64, hidden=(16,), epochs=30)),
    "F": ("noisy", "moons", Hyperparameters(lr=0.3, batch_size=4, epochs=30)),
}  # fmt: skip


CHARTS = (
    "Six charts, A to F: training and validation loss against epoch. "
    "print(ex.mystery_curves) shows them as numbers."
)


@cache
def mystery_runs():
    """Return the six runs by letter."""
    return {
        letter: trained(dataset, [setting], seeds=[0])[0, 0]
        for letter, (_, dataset, setting) in CURVES.items()
    }


class MysteryCurves:
    """Six small charts without a label; as text, the losses in a table."""

    def __repr__(self):
        """Return the losses at some epochs."""
        lines = []
        for letter, run in mystery_runs().items():
            last = run.setting.epochs
            at = [e for e in range(0, last + 1, last // 5) if e <= run.epochs_done]
            for name, loss in (("training", run.train_loss), ("valid.", run.val_loss)):
                row = "  ".join(f"{loss[e]:8.3g}" for e in at)
                lines.append(f"{letter}  {name:9}{row}")
        return "\n".join(lines)

    def _repr_png_(self):
        """Return the charts, and the words for them."""
        import io

        from matplotlib.figure import Figure

        from hpkit.plots import plot_training_curves

        figure = Figure(figsize=(11, 5.6), layout="constrained")
        axes = figure.subplots(2, 3).flat
        for ax, (letter, run) in zip(axes, mystery_runs().items(), strict=True):
            plot_training_curves(run, ax).set_title(letter)
            if run.diverged:  # the label at the X says so
                for label in list(ax.texts):
                    label.remove()
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=72)
        return file.getvalue(), {"alt": CHARTS}


def causes():
    """Look at both lines: where they start, whether they fall, where they part."""
    return {
        "A": "overfitting",
        "B": "too slow",
        "C": "diverged",
        "D": "good",
        "E": "bouncing",
        "F": "noisy",
    }


def with_changed(**changes):
    """Return the right causes with some changed."""
    return causes() | changes


hyperparameters = Exercise(
    LESSON, "hyperparameters", check_names, solution=names,
    wrong=[
        ([*SET_BEFORE, "weights"], "learned"),
        ([*SET_BEFORE, "validation loss"], "measured"),
        (["learning rate", "epochs"], "more"),
        ("momentum", "unknown"),
    ],
)  # fmt: skip
loop = Exercise(
    LESSON, "loop", check_loop, solution=train_epoch, is_function=True,
    wrong=[
        (loop_with("zb"), "no_step"),
        (loop_with("zs"), "no_backward"),
        (loop_with("bs"), "no_zero_grad"),
        (loop_with("bzs"), "zeroed"),
        *((loop_with(order), "early") for order in ("zsb", "szb", "sbz")),
        (loop_with("zbs", whole=True), "too_large"),
        (loop_with("zbs", drop_last=True), "left_out"),
        (step_once, "updates"),
        (other_loss, "weights"),
        (raises, "raised"),
        (lambda net: None, "called"),
    ],
)  # fmt: skip
mystery_curves = MysteryCurves()
six_curves = Exercise(
    LESSON, "six_curves",
    lambda answer: check_matching(
        answer, {letter: cause for letter, (cause, *_) in CURVES.items()}, CAUSES
    ),
    solution=causes,
    wrong=[
        *((with_changed(**{k: "good"}), k) for k in "ABCEF"),
        (with_changed(D="noisy"), "D"),
        (with_changed(D="slow"), "unknown"),
        ({"A": "good"}, "missing"),
    ],
)  # fmt: skip
EXERCISES = (hyperparameters, loop, six_curves)
quiz = Quiz(LESSON)
