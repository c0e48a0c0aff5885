"""The plain PyTorch loop that every run must agree with: the tests' oracle."""

import numpy as np
import torch
from torch import nn

from hpkit.models import network, start

OPTIMIZERS = {
    "sgd": lambda p, s: torch.optim.SGD(
        p, lr=s.lr, momentum=s.momentum, weight_decay=s.weight_decay
    ),
    "adam": lambda p, s: torch.optim.Adam(p, lr=s.lr, weight_decay=s.weight_decay),
}


def plain_loop(dataset, setting, seed, *, dtype=torch.float32, model=network):
    """Train one run alone, as a textbook does.

    Returns
    -------
    ndarray (epochs + 1, 2 or 4)
        Training and validation loss, then both accuracies for classes.
    """
    splits = []
    for split in (dataset.train, dataset.valid):
        y = torch.as_tensor(split.y.copy())
        y = y.to(dtype)[:, None] if dataset.is_regression else y
        splits.append((torch.as_tensor(split.X.copy()).to(dtype), y))
    loss_of = nn.MSELoss() if dataset.is_regression else nn.CrossEntropyLoss()
    net = start(model, dataset.n_features, dataset.n_outputs, setting, seed).to(dtype)
    optimizer = OPTIMIZERS[setting.optimizer](net.parameters(), setting)
    shuffle = torch.Generator().manual_seed(seed)
    (X, y), curves = splits[0], [measure(net, splits, loss_of)]
    for _ in range(setting.epochs):
        for rows in torch.randperm(len(X), generator=shuffle).split(setting.batch_size):
            optimizer.zero_grad()
            loss_of(net(X[rows]), y[rows]).backward()
            optimizer.step()
        curves.append(measure(net, splits, loss_of))
    return np.array(curves)


@torch.no_grad()
def measure(net, splits, loss_of):
    """Return losses, then accuracies, over both splits."""
    net.eval()
    outs = [net(X) for X, _ in splits]
    losses = [loss_of(out, y).item() for out, (_, y) in zip(outs, splits, strict=True)]
    net.train()
    if isinstance(loss_of, nn.MSELoss):
        return losses
    right = [
        (out.argmax(1) == y).double().mean().item()
        for out, (_, y) in zip(outs, splits, strict=True)
    ]
    return losses + right
