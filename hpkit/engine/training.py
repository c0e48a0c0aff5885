"""Train many settings with many seeds at once, live.

`train` is a generator: the caller owns the loop. It yields frozen snapshots of all runs
(`runs.Runs`). The arithmetic is in `stack` and `dense`; nothing here draws charts.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import math
import re
import time
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple, Never

import numpy as np
import psutil
import torch

from hpkit import hyperparameters as hp
from hpkit.data.datasets import Dataset, check_dataset, check_has_rows
from hpkit.engine.dense import DenseNetworks, Model, Objective, Score, network
from hpkit.engine.model_functions import group_by_reading
from hpkit.engine.runs import Lost, Run, Runs, empty_arrays, fill_arrays
from hpkit.engine.stack import Columns, NotStacked, OneThread, Stack, pack, unpack
from hpkit.hyperparameters import Hyperparameters, refusal, stack_key
from hpkit.locale import tr

# A context manager that a thread enters to train for a moment. When several threads
# take small steps at once, they fight for the GIL: four took 14 times as long as one.
TURN = ContextVar("TURN")
# Limits of a stack: more weights do not fit the cache, and more networks are slower.
WEIGHTS_PER_STACK, _MOST_RUNS = 400_000, 300
# Weights in training, beyond which a new stack waits until another has ended; and, for
# networks larger than a stack, weights kept of finished runs (the best ones).
MOST_AT_ONCE, MOST_KEPT = 5_000_000, 30_000_000
_COPIES = 3  # of curves: those that grow, those shown, and the ones shown before
_PER_WEIGHT = 6  # numbers: itself, its gradient, two of the optimizer, what is kept
_NO_RUN = {"epochs_done": -1, "fit_time": 0}  # in the curves: nan
SMALL = 2e8  # bytes, below which free memory is not checked
_CGROUP = Path("/sys/fs/cgroup")  # where a container finds its own limits


class Group(NamedTuple):
    """Runs to train together, with the state of their stack if they have begun."""

    runs: list  # (setting, seed) numbers
    stacked: bool = False
    size: int = 0  # weights of all runs, 0 if not known
    state: bytes | None = None  # from `pack(stack.state())`
    done: float = -1.0  # epochs done, as in `Stack.done`


class Training:
    """Runs in training: `advance` trains them on, `runs` is a snapshot of them."""

    lost, failure = (), None  # `Lost` runs by reason, and the first exception

    def __init__(
        self,
        dataset,
        settings,
        *,
        seeds=(0,),
        model=None,
        dtype=torch.float32,
        device="cpu",
        workers=1,  # how many share the work
        lasting=False,  # record failed runs in `lost` and go on with the others
        folds=(),  # a data set for each seed
    ):
        self.dataset, self.seeds = check_dataset(dataset), hp.check_seeds(seeds)
        self.model = network if check_model(model) is None else model
        if dtype is not torch.float32 and dtype is not torch.float64:
            raise refusal("dtype", dtype, kind=TypeError)
        self.custom = self.model is not network  # a custom model function
        self.dtype, self.device = dtype, check_device(device)
        if self.custom and torch.is_inference_mode_enabled():
            raise refusal("inference")
        if self.custom and torch.is_autocast_enabled(self.device.type):
            raise refusal("autocast")
        self.settings, self.arrays, self.weights = (), {}, {}
        self.workers, self.lasting, self.folds = workers, lasting, folds
        self.stacks = []
        self.extend(settings)
        self.data, objective = Columns(dataset, dtype, self.device), dataset.objective
        self.probe = []  # values of a custom loss and metric on made-up outputs
        if objective:
            check = objective.check
            self.probe, again = (check(self.data, self.custom) for _ in range(2))
            if not np.array_equal(self.probe, again, equal_nan=True):
                raise refusal("loss_random")
            if objective.metric is not None:
                objective.check_metric(self.data)

    def extend(self, settings):
        """Add settings to train; those added before must have ended."""
        new, objective = check_settings(settings, self.dataset), self.dataset.objective
        for fold in self.folds:  # a fold has fewer rows
            check_settings(new, fold)
        if not self.custom and (names := hp.all_names(new)[len(hp.NAMES) :]):
            raise refusal("own_alone", names[0])
        needed = frozenset().union(*(setting._made_for for setting in new))
        has = {"model": self.custom, "loss": objective and objective.loss}
        if missing := [name for name in has if name in needed and not has[name]]:
            hp.warn(tr("engine.left_out", name=missing[0]))
        self.check_memory(new)
        before = SimpleNamespace(**self.arrays)
        self.first, self.settings = len(self.settings), (*self.settings, *new)
        self.most_epochs = max(s.epochs for s in self.settings)
        counts = len(self.settings), len(self.seeds), self.most_epochs
        has_metric = objective and objective.metric
        self.arrays = empty_arrays(*counts, self.dataset, has_metric)
        if self.first:
            fill_arrays(self.arrays, slice(self.first), before)
        vars(self).pop("waiting", None)  # to be grouped anew

    def check_memory(self, settings):
        """Refuse settings that need more memory than is free, which kills a kernel."""
        runs, epochs = len(settings) * len(self.seeds), max(s.epochs for s in settings)
        need = 8 * 4 * _COPIES * runs * (epochs + 1)
        if not self.custom and self.device.type == "cpu":  # else only curves count
            sizes = [count_weights(self.dataset, s.hidden) for s in settings]
            weights = len(self.seeds) * sum(sizes)
            if max(sizes) > WEIGHTS_PER_STACK:
                must_fit = min(sizes) if self.lasting else max(sizes)
                weights = min(weights, max(must_fit, MOST_AT_ONCE + MOST_KEPT))
            units = max(sum(s.hidden) for s in settings)
            need += 4 * (_PER_WEIGHT * weights + _COPIES * units * self.dataset.n_train)
        _check_free(need, runs, epochs)

    @functools.cached_property
    def waiting(self):
        """`Group`s that have no stack yet, made when first needed."""
        pairs = [(fold, [k]) for k, fold in enumerate(self.folds)]
        pairs = pairs or [(self.dataset, range(len(self.seeds)))]
        return [group for pair in pairs for group in self._group_runs(*pair)]

    def _group_runs(self, data, seeds):
        """Return the runs of new settings with some seeds, by number, as `Group`s."""
        settings, alike, groups = self.settings[self.first :], {}, []
        if self.custom:
            from hpkit.engine.own_networks import stacking_pays  # 0.1 s that few need

            about = settings, len(seeds), self.dtype, self.settings[: self.first]
            nets = group_by_reading(self.model, data, *about)
        else:
            counts = [count_weights(data, setting.hidden) for setting in settings]
            nets = zip((stack_key(s, "network") for s in settings), counts, strict=True)
        for i, net_key in enumerate(nets, self.first):
            key, runs = stack_key(self.settings[i], "loop"), [(i, k) for k in seeds]
            if isinstance(net_key, Exception):
                self.fail(runs, net_key)
            else:
                alike.setdefault((key, net_key), []).extend(runs)
        share = math.ceil(len(settings) * len(seeds) / self.workers)
        for (_, (_, size)), runs in alike.items():
            members = [self.settings[i] for i, _ in runs]
            stacked = self.custom and stacking_pays(members, data.n_train)
            most = min(share, _MOST_RUNS, max(1, WEIGHTS_PER_STACK // max(1, size)))
            length = math.ceil(len(runs) / math.ceil(len(runs) / most))
            for start in range(0, len(runs), length):
                part = runs[start : start + length]
                groups.append(Group(part, stacked, size * len(part)))
        return groups

    def build(self, group):
        if self.device.type == "cpu":
            _check_free(4 * _PER_WEIGHT * group.size, len(group.runs), self.most_epochs)
        state = unpack(group.state) if group.state else None
        runs = list(map(tuple, state["runs"])) if state else group.runs
        settings = [self.settings[i] for i, _ in runs]
        seeds = [self.seeds[k] for _, k in runs]
        dataset, data = self.dataset, self.data
        if self.folds:
            dataset = self.folds[runs[0][1]]
            data = Columns(dataset, self.dtype, self.device)
        if self.custom:
            from hpkit.engine.own_networks import ModuleNetworks

            arguments = self.model, dataset, settings[0], seeds[0]
            net = ModuleNetworks(*arguments, self.dtype, self.device, group.stacked)
        else:
            net = DenseNetworks(dataset, settings[0])
        stack = Stack(runs, settings, seeds, data, net)
        if state:
            stack.resume(state)
            stack.keep([run in group.runs for run in runs])
        return stack

    @property
    def finished(self):
        return self.paused(math.inf)

    def advance(self, seconds, pause=math.inf):
        """Train for about that long, to epoch `pause` at most."""
        # A custom model, loss or metric needs tensors that inference mode cannot make.
        custom = self.custom or self.dataset.objective
        mode = torch.no_grad if custom else torch.inference_mode
        with TURN.get(contextlib.nullcontext()), OneThread(), mode():
            until = time.perf_counter() + seconds
            while not self.paused(pause):
                self._train_one_stack(until, pause)
                begun = self.arrays["epochs_done"].max() >= 0  # or there is no best run
                if begun and time.perf_counter() >= until:
                    return

    def train_in_ticks(self, tick, pause=math.inf):
        """Train to epoch `pause`, or to the end, yielding every `tick` seconds."""
        while not self.paused(pause):
            self.advance(tick, pause)
            yield

    def _train_one_stack(self, until, pause):
        """Train a new stack, or the one furthest behind, until a time at most."""
        active = [stack for stack in self.stacks if stack.done < pause]
        # Stacks are built one by one: the first results must not wait for the last.
        room = MOST_AT_ONCE - sum(len(s.flat["weights"]) for s in active)
        group = next((g for g in self.waiting if g.done < pause), None)
        new = group and (not active or group.size <= room)
        part = group if new else min(active, key=lambda s: s.done)
        try:
            if new:
                self.waiting.remove(group)
                part = self.build(group)
                self.stacks.append(part)
            measured = part.advance(max(0.0, until - time.perf_counter()))
        except Exception as failure:
            self.stacks = [stack for stack in self.stacks if stack is not part]
            return self.retry_or_fail(part.runs, failure)
        if measured:
            self.record(part, measured)

    def retry_or_fail(self, runs, failure):
        """Train what failed in a custom stack again: one by one, or each run alone."""
        custom = self.custom or self.dataset.objective
        if isinstance(failure, NotStacked):
            parts = [runs]
        elif custom and len(runs) > 1:
            parts = [[run] for run in runs]
        else:
            return self.fail(runs, failure)
        for name, array in self.arrays.items():
            if array is not None:
                array[tuple(np.transpose(runs))] = _NO_RUN.get(name, np.nan)
        self.waiting[:0] = map(Group, parts)

    def fail(self, runs, failure):
        """Record failures if `lasting`, else raise the first."""
        if not self.lasting:
            raise failure
        lost = {part.reason: part.runs for part in self.lost}
        reason = f"{type(failure).__name__}: {failure}"
        lost[reason] = (*lost.get(reason, ()), *runs)
        self.lost = tuple(Lost(failed, reason) for reason, failed in lost.items())
        self.failure = self.failure or failure

    def take(self, groups):
        """Train these groups in place of all others."""
        self.waiting = list(groups)
        self.stacks.clear()

    def record(self, stack, measured):
        """Store what a stack measured, and drop its runs that have ended."""
        for name, values in measured.items():
            self.arrays[name][*stack.at, stack.epoch] = values
        self.arrays["epochs_done"][stack.at] = stack.epoch
        self.arrays["fit_time"][stack.at] = stack.seconds
        patient = stack.epoch - stack.best_epoch < stack.patience
        self.keep(stack, patient & (stack.epoch < stack.epochs))

    def change(self, settings):
        """Go on with other learning rates or schedules; only between epochs."""
        self.settings = settings
        for stack in self.stacks:
            stack.settings = [settings[i] for i, _ in stack.runs]
            stack.arrange()

    def groups(self):
        """Return all that is still to be trained, as `Group`s for `take`."""
        groups = list(self.waiting)
        for stack in self.stacks:
            net, size = stack.net, len(stack.flat["weights"])
            state = (None,) if net.has_state else (pack(stack.state()), stack.done)
            groups.append(Group(stack.runs, net.stacked, size, *state))
        return groups

    def paused(self, pause):
        return all(part.done >= pause for part in (*self.waiting, *self.stacks))

    def drop(self, losers):
        groups = [(group, {*group.runs} - losers) for group in self.waiting]
        self.waiting = [g._replace(runs=sorted(runs)) for g, runs in groups if runs]
        for stack in list(self.stacks):
            self.keep(stack, [run not in losers for run in stack.runs])

    def keep(self, stack, stays):
        """Drop the runs whose entry in `stays` is false, but keep their weights."""
        if np.all(stays):
            return
        self.copy_weights(stack)
        if any(stays):
            stack.keep(stays)
        else:
            self.stacks.remove(stack)

    def copy_weights(self, stack):
        """Copy the weights of a stack if it has changed since the last copy."""
        now = stack.done, stack.runs
        if stack.copied_at != now:
            copy, stack.copied_at = stack.copy_weights(), now
            self.weights |= {run: (copy, run) for run in stack.runs}
            if copy.size > WEIGHTS_PER_STACK:
                self.limit_weights()

    def limit_weights(self):
        """Of large networks, keep the weights of the best runs up to `MOST_KEPT`."""
        sizes = {run: copy.size for run, (copy, _) in self.weights.items()}
        large = [run for run, size in sizes.items() if size > WEIGHTS_PER_STACK]
        if sum(sizes[run] for run in large) <= MOST_KEPT:
            return
        extra = {"folds": self.folds}
        runs = Runs(self.dataset, self.settings, self.seeds, **self.arrays, **extra)
        order, total = runs.order.tolist(), 0
        large.sort(key=lambda run: (order.index(run[0]), runs.best_val_loss[run]))
        for run in large:
            total += sizes[run]
            if total > MOST_KEPT and run != large[0]:
                del self.weights[run]

    @property
    def runs(self):
        for stack in self.stacks:
            self.copy_weights(stack)
        arrays = {n: None if a is None else a.copy() for n, a in self.arrays.items()}
        lost = frozenset(run for part in self.lost for run in part.runs)
        extra = {"model": self.model, "weights": dict(self.weights), "lost": lost}
        extra["folds"] = self.folds
        return Runs(self.dataset, self.settings, self.seeds, **arrays, **extra)


def train(
    dataset: Dataset,
    settings: Hyperparameters | Iterable[Hyperparameters],
    *,
    seeds: Iterable[int] = (0,),
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    tick: float = 0.03,
    dtype: torch.dtype = torch.float32,
    device: str | torch.device = "cpu",
) -> Iterator[Runs]:
    """Train settings x seeds at once and keep yielding the results so far.

    Parameters
    ----------
    seeds : iterable of int, default (0,)
        Same seed, same first weights, same order of points, in every setting.
    model : function, optional
        ``(n_features, n_outputs, setting) -> torch.nn.Module``; default the dense
        network of the setting. Frozen parameters stay frozen. For classes it gives
        logits, without a softmax.
    loss : function, optional
        ``(outputs, targets) -> mean over the rows``, such as ``torch.nn.HuberLoss()``:
        what trains, and what `val_loss` shows. Outputs are a tensor (rows, outputs),
        targets indices into `dataset.classes` (rows,), or scaled numbers (rows, 1): one
        is `dataset.target_scale` of yours. Default: cross-entropy, or squared error.
    metric : function, optional
        ``(outputs, targets) -> number`` on the validation rows after each epoch:
        `val_metric`. Higher is better, as in scikit-learn: negate an error.
    tick : float, default 0.03
        Seconds of training between two yields, about.
    dtype : torch.float32 or torch.float64
    device : str or torch.device, default 'cpu'
        Where to train, such as "cuda"; what comes back is on the CPU. What hpkit draws
        at random is the same on every device; dropout in a network of your own is not.

    Yields
    ------
    Runs
        All runs so far, frozen; the last one holds them to their end. Leaving the loop
        stops the training.

    Notes
    -----
    Each run gives the numbers that a plain separate PyTorch loop gives, up to
    rounding: ``torch.manual_seed(seed)`` before its network is made, and a
    ``torch.Generator().manual_seed(seed)`` of its own for one `torch.randperm` an
    epoch. Dropout draws from another one, ``manual_seed(-1 - seed)``: for each batch
    and hidden layer, from the first on, ``torch.rand(units, points)``, float32, and a
    unit stays where that is >= `dropout`.

    Examples
    --------
    >>> settings = [hk.Hyperparameters(lr=lr, epochs=2) for lr in (0.1, 0.3)]
    >>> *_, runs = hk.train(hk.load_dataset("moons"), settings, seeds=range(3))
    >>> runs.val_loss.shape
    (2, 3, 3)
    """
    tick = hp.check_number("tick", tick, low=0)
    dataset = with_objective(dataset, loss, metric)
    options = {"seeds": seeds, "model": model, "dtype": dtype, "device": device}
    training = Training(dataset, settings, **options)  # checks before the first next()
    return (training.runs for _ in training.train_in_ticks(tick))


def fit(
    dataset: Dataset,
    setting: Hyperparameters | None = None,
    *,
    seed: int = 0,
    model: Model | None = None,
    loss: Score | None = None,
    metric: Score | None = None,
    device: str | torch.device = "cpu",
    **others: Never,
) -> Run:
    """Train one setting with one seed and return its `Run`; the rest is as in `train`.

    Examples
    --------
    >>> hk.fit(hk.load_dataset("moons"), hk.Hyperparameters(epochs=5)).val_loss.shape
    (6,)
    """
    for name, value in others.items():  # refuse the first one
        ours = name if name in hp.NAMES else hp.name_for_alias(name)
        if ours in hp.NAMES:
            raise refusal("fit_names", value, kind=TypeError, name=ours)
        raise refusal("fit_takes", value, kind=TypeError, name=name)
    check_dataset(dataset)  # first, in case of fit(X, y), where y is the setting
    setting = hp.check_setting(setting, default=Hyperparameters())
    options = {"model": model, "loss": loss, "metric": metric, "device": device}
    seeds = (hp.check_seed("seed", seed),)
    *_, runs = train(dataset, setting, seeds=seeds, **options, tick=1.0)
    return runs[0, 0]


def with_objective(dataset, loss, metric):
    """Return the data set with a custom loss and metric, or without them."""
    dataset = check_dataset(dataset)
    for name, function in {"loss": loss, "metric": metric}.items():
        accepts = hp.accepts(function, "outputs", "targets")
        if function is not None and (not accepts or isinstance(function, type)):
            raise refusal(name, function, kind=TypeError)
    name = getattr(metric, "__name__", type(metric).__name__)
    if re.fullmatch(r"(?i:(?!neg).*(loss|error))", name):  # as scikit-learn has names
        hp.warn(tr("engine.metric_lower", name=name))
    if dataset.is_regression and isinstance(loss, torch.nn.PoissonNLLLoss):
        raise refusal("loss_counts", loss)
    objective = None if loss is metric is None else Objective(loss, metric)
    unchanged = dataset.objective is objective
    return dataset if unchanged else replace(dataset, objective=objective)


def check_model(model):
    if model is None:
        return None
    valid = not isinstance(model, torch.nn.Module)
    if isinstance(model, type):  # a custom class, not one of PyTorch's layers
        valid = issubclass(model, torch.nn.Module)
        valid &= not model.__module__.startswith("torch.")
    if not valid or not hp.accepts(model, "n_features", "n_outputs", "setting"):
        raise refusal("model", model, kind=TypeError)
    return model


def check_device(device):
    kind = ValueError if isinstance(device, str | torch.device) else TypeError
    with contextlib.suppress(Exception):
        checked = torch.device(device)
        torch.zeros(1).to(checked).cpu()
        return checked
    raise refusal("device", device, kind=kind)


def allowed_own_names(names, model, base):
    """Return the custom names allowed: those of `base`, with a model also new ones."""
    own = [*dict(hp.check_setting(base, "base", default=Hyperparameters()).own)]
    others = [n for n in names if hp.name_for_alias(n) in ("other", *hp.NAMES)]
    return own if check_model(model) is None else [*own, *others]


def check_settings(settings, dataset):
    check_has_rows(check_dataset(dataset))
    given = (settings,) if isinstance(settings, Hyperparameters) else settings
    settings = hp.check_items("settings", given, most=10**5, of="Hyperparameters")
    most = len(dataset.train.y)
    own_loss = dataset.objective and dataset.objective.loss
    cross_entropy = not dataset.is_regression and not own_loss
    unused = () if cross_entropy else ("label_smoothing", "class_weight")
    key = "classes_only" if dataset.is_regression else "loss_alone"
    for setting in settings:
        size = hp.check_setting(setting, "one_setting").batch_size
        if size > most:
            too_large = "batch_size" if len(dataset.test.y) else "batch_size_fold"
            raise refusal(too_large, size, most=most, dataset=dataset.name)
        for name in unused:
            if (value := getattr(setting, name)) != getattr(Hyperparameters, name):
                raise refusal(key, value, name=name)
    return settings


def count_weights(dataset, hidden):
    """Return how many weights the built-in network has with these hidden layers."""
    sizes = itertools.pairwise((dataset.n_features, *hidden, dataset.n_outputs))
    return sum(a * b + b for a, b in sizes)


def _check_free(need, runs, epochs):
    if need > SMALL and need > (free := free_memory()):
        sizes = {"need": f"{need / 1e9:.1f}", "free": f"{free / 1e9:.1f}"}
        raise refusal("no_memory", runs=runs, epochs=epochs, **sizes)


def free_memory():
    """Return how many bytes this process can still allocate."""
    free = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError, LookupError):  # no file, or "max"
        files = (_CGROUP / f"memory.{name}" for name in ("max", "current", "stat"))
        most, used, stat = (file.read_text().split() for file in files)
        cached = stat[stat.index("inactive_file") + 1]  # of files: given back on demand
        free = min(free, int(*most) - int(*used) + int(cached))
    return max(free, 0)
