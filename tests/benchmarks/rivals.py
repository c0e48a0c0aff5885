"""The same work as hpkit's, done in the ways that people do it today.

Each function takes a data set, settings and seeds, trains every setting with every
seed, measures the loss over both whole splits before training and after each epoch, and
returns the validation losses, ndarray (settings, seeds, epochs + 1). All settings share
optimizer (SGD), network shape and epochs. `scikit_learn` and `skorch` draw their own
initial weights and orders, so they return None: their curves are only similar. So are
those of `data_loader`, since a DataLoader shuffles in another order.
"""

import itertools

import numpy as np
import torch
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neural_network import MLPClassifier
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap
from torch.nn.functional import cross_entropy

from hpkit.data.datasets import load_dataset
from hpkit.engine.dense import network, start


def splits(dataset, dtype=torch.float32):
    parts = [(s.X, s.y) for s in (dataset.train, dataset.valid)]
    if dataset.is_regression:
        parts = [(X, y[:, None].astype(np.float32)) for X, y in parts]
    return [(torch.tensor(X, dtype=dtype), torch.tensor(y)) for X, y in parts]


def curve(dataset, setting, seed, loader=False, model=network):
    """Yield the validation loss of one run before training and after each epoch."""
    (X, y), valid = splits(dataset)
    loss_of = nn.functional.mse_loss if dataset.is_regression else cross_entropy
    net = start(model, dataset.n_features, dataset.n_outputs, setting, seed)
    optimizer = torch.optim.SGD(net.parameters(), setting.lr, setting.momentum)
    order = torch.Generator().manual_seed(seed)
    if loader:
        data = torch.utils.data.TensorDataset(X, y)
        batches = torch.utils.data.DataLoader(
            data, setting.batch_size, shuffle=True, generator=order
        )
    for epoch in range(setting.epochs + 1):
        if epoch:
            if not loader:
                rows = torch.randperm(len(X), generator=order)
                batches = ((X[i], y[i]) for i in rows.split(setting.batch_size))
            for inputs, targets in batches:
                optimizer.zero_grad()
                loss_of(net(inputs), targets).backward()
                optimizer.step()
        net.eval()
        with torch.no_grad():
            losses = [loss_of(net(x), t) for x, t in ((X, y), valid)]
        net.train()
        yield losses[1].item()


def plain_loop(dataset, settings, seeds, **options):
    """Train the runs one by one, as in a textbook."""
    pairs = itertools.product(settings, seeds)
    curves = [list(curve(dataset, s, seed, **options)) for s, seed in pairs]
    return np.reshape(curves, (len(settings), len(seeds), -1))


def data_loader(dataset, settings, seeds):
    return plain_loop(dataset, settings, seeds, loader=True)


def torch_func(dataset, settings, seeds):
    """Train the runs of one batch size at once, as in PyTorch's ensembling tutorial."""
    (X, y), (Xv, yv) = splits(dataset)
    losses = np.empty((len(settings), len(seeds), settings[0].epochs + 1))
    pairs = list(itertools.product(range(len(settings)), range(len(seeds))))
    for size in {s.batch_size for s in settings}:
        group = [(i, k) for i, k in pairs if settings[i].batch_size == size]
        nets = [
            start(network, dataset.n_features, dataset.n_outputs, settings[i], seeds[k])
            for i, k in group
        ]
        params, buffers = stack_module_state(nets)
        params = {name: p.detach() for name, p in params.items()}
        rates = torch.tensor([settings[i].lr for i, _ in group])
        orders = [torch.Generator().manual_seed(seeds[k]) for _, k in group]

        def loss(p, b, x, t, base=nets[0]):
            return nn.functional.cross_entropy(functional_call(base, (p, b), (x,)), t)

        step, measure = vmap(grad(loss)), vmap(loss, in_dims=(0, 0, None, None))
        for epoch in range(settings[0].epochs + 1):
            if epoch:
                rows = [torch.randperm(len(X), generator=order) for order in orders]
                for i in torch.stack(rows).split(size, 1):
                    grads = step(params, buffers, X[i], y[i])
                    for name, p in params.items():
                        p.sub_(grads[name] * rates.view(-1, *[1] * (p.dim() - 1)))
            measure(params, buffers, X, y)
            values = measure(params, buffers, Xv, yv)
            for (i, k), value in zip(group, values.tolist(), strict=True):
                losses[i, k, epoch] = value
    return losses


class CurveMLP(MLPClassifier):
    """scikit-learn's network, measuring both losses after each epoch."""

    def fit(self, X, y):
        """Train epoch by epoch; GridSearchCV only passes the training rows."""
        valid, classes, self.curve_ = load_dataset("moons").valid, np.unique(y), []
        for _ in range(self.max_iter):
            self.partial_fit(X, y, classes=classes)
            log_loss(y, self.predict_proba(X))
            self.curve_.append(log_loss(valid.y, self.predict_proba(valid.X)))
        return self


def grid_search_cv(dataset, settings, seeds, estimator, names):
    """Search with GridSearchCV on two processes."""
    X = np.concatenate([dataset.train.X, dataset.valid.X]).astype(np.float32)
    y = np.concatenate([dataset.train.y, dataset.valid.y])
    fold = np.repeat([-1, 0], [len(dataset.train.y), len(dataset.valid.y)])
    rates, sizes = {s.lr for s in settings}, {s.batch_size for s in settings}
    values = sorted(rates), sorted(sizes), list(seeds)
    GridSearchCV(
        estimator,
        dict(zip(names, values, strict=True)),
        scoring="neg_log_loss",
        n_jobs=2,
        cv=PredefinedSplit(fold),
        refit=False,
    ).fit(X, y)


def scikit_learn(dataset, settings, seeds):
    """Search with GridSearchCV(n_jobs=2) over MLPClassifier, curves included."""
    hidden, epochs = settings[0].hidden, settings[0].epochs
    net = CurveMLP(hidden, solver="sgd", alpha=0, momentum=0, max_iter=epochs)
    names = "learning_rate_init", "batch_size", "random_state"
    grid_search_cv(dataset, settings, seeds, net, names)


def skorch(dataset, settings, seeds):
    """Search with GridSearchCV(n_jobs=2) over skorch, its own curves included."""
    from skorch import NeuralNetClassifier
    from skorch.dataset import Dataset
    from skorch.helper import predefined_split

    net = network(dataset.n_features, dataset.n_outputs, settings[0])
    valid = Dataset(dataset.valid.X.astype(np.float32), dataset.valid.y)
    estimator = NeuralNetClassifier(
        net,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        verbose=0,
        max_epochs=settings[0].epochs,
        train_split=predefined_split(valid),
        iterator_train__shuffle=True,
    )
    names = "lr", "batch_size", "iterator_train__drop_last"
    # It has no parameter for the seed: repeat by way of one that changes nothing.
    grid_search_cv(dataset, settings, [False] * len(seeds), estimator, names)
