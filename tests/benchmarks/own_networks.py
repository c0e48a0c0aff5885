"""How long learners' own networks take, next to plain loops, side by side.

    python tests/benchmarks/own_networks.py

CPU seconds of one thread, medians of pairs. "loop" is `hk.fit` called once for each of
eight learning rates, "together" one `hk.train` of all eight.
"""

import statistics
import time
import warnings

import numpy as np
import rivals
import torch
from torch import nn

import hpkit as hk


class Rows(nn.Module):
    """Reads a digit as eight rows of eight."""

    def __init__(self, body, width):
        super().__init__()
        self.up, self.body, self.out = nn.Linear(8, width), body, nn.Linear(width, 10)

    def forward(self, x):
        found = self.body(self.up(x.view(-1, 8, 8)))
        found = found[0] if isinstance(found, tuple) else found
        return self.out(found[:, -1])


def transformer():
    layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)


NETWORKS = {
    "dense": lambda: nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)),
    "BatchNorm": lambda: nn.Sequential(
        nn.Linear(64, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 32),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 10),
    ),
    "dropout": lambda: nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 10)
    ),
    "convolutions": lambda: nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(512, 10),
    ),
    "transformer": lambda: Rows(transformer(), 16),
    "LSTM": lambda: Rows(nn.LSTM(16, 16, batch_first=True), 16),
}


def seconds(work):
    start = time.process_time()
    work()
    return time.process_time() - start


def main():
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    digits = hk.load_dataset("digits")
    print("| network | epochs | plain loop, s | loop / plain | together / plain |")
    print("|---|--:|--:|--:|--:|")
    for name, make in NETWORKS.items():
        for epochs in (5, 30):  # few steps are not worth a stack
            lrs = np.geomspace(0.01, 0.1, 8)
            settings = [hk.Hyperparameters(lr=lr, epochs=epochs) for lr in lrs]

            def model(n_features, n_outputs, setting, make=make):
                return make()

            ways = (
                lambda s=settings, m=model: rivals.plain_loop(digits, s, [0], model=m),
                lambda s=settings, m=model: [hk.fit(digits, one, model=m) for one in s],
                lambda s=settings, m=model: list(hk.train(digits, s, model=m)),
            )
            rows = [[seconds(way) for way in ways] for _ in range(6)][1:]
            base = statistics.median(row[0] for row in rows)
            ratios = [statistics.median(r[i] / r[0] for r in rows) for i in (1, 2)]
            cells = f"{base:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f}"
            print(f"| {name} | {epochs} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
