"""Compare hpkit with the ways in which people train many settings today.

    python tests/benchmarks/compare.py            # about 15 minutes; a quiet machine
    python tests/benchmarks/compare.py --quick    # fewer repeats

All contenders do the same work in turn, in one process; the seconds depend on the
machine, the ratios much less. Needs `pip install -r tests/benchmarks/requirements.txt`.
Not a test, since a time limit would depend on how fast and how busy the machine is.
"""

import argparse
import itertools
import statistics
import time
import warnings

import numpy as np
import rivals
import torch
from torch import nn

from hpkit.data.datasets import Dataset, load_dataset
from hpkit.engine.training import Hyperparameters, fit, train

RATES = list(np.logspace(-3, 0, 25))
BATCHES = [8, 16, 32, 64, 128]


def hpkit(dataset, settings, seeds, model=None):
    *_, runs = train(dataset, settings, seeds=seeds, model=model)
    return runs.val_loss


def one_by_one(dataset, settings, seeds, model):
    """Train with hpkit, one run after another."""
    pairs = itertools.product(settings, seeds)
    losses = [fit(dataset, s, seed=seed, model=model).val_loss for s, seed in pairs]
    return np.reshape(losses, (len(settings), len(seeds), -1))


class Skip(nn.Module):
    """A network of a learner's own, with a skip connection."""

    def __init__(self, n_features, n_outputs, setting):
        super().__init__()
        sizes = (n_features, 16), (16, 16), (16, n_outputs)
        self.a, self.b, self.c = (nn.Linear(*s) for s in sizes)

    def forward(self, x):
        h = torch.relu(self.a(x))
        return self.c(h + torch.relu(self.b(h)))


class Rows(nn.Module):
    """Reads a digit as eight rows of eight."""

    def __init__(self, body, width):
        super().__init__()
        self.up, self.body, self.out = nn.Linear(8, width), body, nn.Linear(width, 10)

    def forward(self, x):
        result = self.body(self.up(x.view(-1, 8, 8)))
        sequence = result[0] if isinstance(result, tuple) else result
        return self.out(sequence[:, -1])


def transformer():
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


NETWORKS = {
    "dense": lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
    "BatchNorm": lambda: nn.Sequential(
        *(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU()),
        *(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.ReLU()),
        nn.Linear(32, 10),
    ),
    "dropout": lambda: nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10)
    ),
    "convolutions": lambda: nn.Sequential(
        *(nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(8, 8, 3, padding=1), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(512, 10)),
    ),
    "transformer": lambda: Rows(transformer(), 16),
    "LSTM": lambda: Rows(nn.LSTM(16, 16, batch_first=True), 16),
}


def grid(epochs, **extra):
    """Return the 5 x 5 grid of learning rates and batch sizes."""
    base = Hyperparameters(epochs=epochs, **extra)
    return [base.but(lr=lr, batch_size=b) for lr in RATES[::6] for b in BATCHES]


def rates(n, epochs, **extra):
    """Return settings with `n` learning rates from 0.001 to 1."""
    values = np.logspace(-3, 0, n)
    return [Hyperparameters(lr=lr, epochs=epochs, **extra) for lr in values]


def compare(title, ways, dataset, settings, seeds, repeats, **options):
    """Time hpkit and its rivals in turn; print a row for each."""
    contenders = [hpkit, *ways]
    seconds = {f: [] for f in contenders}
    # Warm up with one run. All that is printed is measured in full: nothing is
    # extrapolated, though the slow ways repeat the same loop.
    curves = {f: f(dataset, settings[:1], seeds[:1], **options) for f in contenders}
    for _ in range(repeats):
        for f in contenders:
            start = time.perf_counter()
            curves[f] = f(dataset, settings, seeds, **options)
            seconds[f].append(time.perf_counter() - start)
    print(f"\n{title}\n\n| way | seconds | times hpkit | largest difference |")
    print("|---|--:|--:|--:|")
    for f in contenders:
        # Pair by pair, so that a machine that slows down slows both.
        pairs = zip(seconds[f], seconds[hpkit], strict=True)
        ratio = statistics.median(theirs / ours for theirs, ours in pairs)
        middle = statistics.median(seconds[f])
        apart = difference(curves[f], curves[hpkit])
        print(f"| {f.__name__} | {middle:.3f} | {ratio:.1f} | {apart} |", flush=True)


def difference(theirs, ours):
    """Return the largest and the median difference of the curves, where comparable."""
    if theirs is None:
        return "own start"
    differences = np.abs(theirs - ours).max(axis=-1)
    return f"{np.nanmax(differences):.0e} (median {np.nanmedian(differences):.0e})"


def growth(repeats):
    """Print how the time grows with settings, points and width."""
    moons, digits, cases = load_dataset("moons"), load_dataset("digits"), []
    for n in (1, 3, 10, 30, 100, 300):
        cases.append((f"{n} settings, moons, 20 epochs", moons, rates(n, 20)))
    for n in (500, 5_000, 50_000):
        X = np.random.default_rng(0).normal(size=(2 * n, 2))
        data = Dataset.from_arrays(X, (X[:, 0] > X[:, 1]) * 1, valid=0.25, test=0.25)
        cases.append((f"{n} points, 25 settings, 1 epoch", data, rates(25, 1)))
    for width in (16, 32, 64, 128, 256):
        wide = rates(25, 2, hidden=(width,))
        cases.append((f"width {width}, digits, 25 settings, 2 epochs", digits, wide))
    print("\nHow time grows\n\n| work | hpkit s | plain loop s | ratio |")
    print("|---|--:|--:|--:|")
    for title, data, settings in cases:
        hpkit(data, settings[:1], (0,))
        times = []
        for _ in range(repeats):
            start = time.perf_counter()
            hpkit(data, settings, (0,))
            middle = time.perf_counter()
            some = settings[:: max(1, len(settings) // 5)]
            rivals.plain_loop(data, some, (0,))
            plain = (time.perf_counter() - middle) * len(settings) / len(some)
            times.append((middle - start, plain))
        ours, plain = (statistics.median(t) for t in zip(*times, strict=True))
        row = f"| {title} | {ours:.3f} | {plain:.2f} | {plain / ours:.1f} |"
        print(row, flush=True)
    print("(The plain loop ran a fifth of the settings; its seconds are multiplied.)")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one repeat of each")
    quick = parser.parse_args().quick
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    moons, digits = load_dataset("moons"), load_dataset("digits")
    few, many = (1, 1) if quick else (3, 7)
    plain, loader, ensemble = rivals.plain_loop, rivals.data_loader, rivals.torch_func
    ways = plain, loader, rivals.scikit_learn, rivals.skorch, ensemble
    title = (
        "5 x 5 x 3 grid (learning rate, batch size 8 to 128, seeds), moons, 20 epochs"
    )
    deep = "The same grid, digits, network 64-32-32-10, 4 epochs"
    skip = "A learner's own module, 25 learning rates, moons, 60 epochs"
    for count, some in (
        ("1 setting", [plain, loader]),
        ("8 learning rates", [plain]),
        ("25 learning rates", [plain, ensemble]),
    ):
        n = int(count.split()[0])
        repeats = few if n == 25 else many
        compare(f"{count}, moons, 60 epochs", some, moons, rates(n, 60), (0,), repeats)
    compare(title, ways, moons, grid(20), range(3), few)
    compare(deep, [plain], digits, grid(4, hidden=(32, 32)), range(3), few)
    compare(skip, [plain], moons, rates(25, 60), (0,), few, model=Skip)
    for name, make in NETWORKS.items():
        for epochs in (5, 30):  # few steps are not worth a stack
            title = f"A learner's own {name}, 8 learning rates, digits, {epochs} epochs"
            work = digits, rates(8, epochs), (0,), few
            compare(title, [plain, one_by_one], *work, model=lambda *_, m=make: m())
    growth(few)


if __name__ == "__main__":
    main()
