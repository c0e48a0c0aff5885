"""A script that trains with hpkit on another device and compares with the CPU.

That is the one that PyTorch finds, else a stand-in: its tensors are computed with on
the CPU, but a call that is given tensors of both devices raises, as CUDA's does.
"""

import os

import numpy as np
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

import hpkit as hk
from hpkit.engine.training import Training
from hpkit.hyperparameters import OPTIMIZERS

there = torch.accelerator.is_available()  # 2.6 raises if there is none
found = torch.accelerator.current_accelerator() if there else None
PLACE = str(found or "there")
if found is None:
    try:
        from torch.utils import backend_registration as backends

        make_device = backends._setup_privateuseone_for_python_backend
    except (ImportError, AttributeError):
        raise SystemExit("this PyTorch has no other device, and no stand-in") from None
BOUND = 1e-4 if found else 1e-5  # rounding, by processor and place in memory
COPY = torch.ops.aten.copy_.default
MOVES = torch.ops.aten._to_copy.default, COPY


class Device(backends._DummyBackendModule if found is None else object):
    generator = torch.Generator()

    def get_rng_state(self, device=None):
        return self.generator.get_state()

    def set_rng_state(self, state, device=None):
        self.generator.set_state(state)

    def manual_seed_all(self, seed):
        self.generator.manual_seed(seed)


class Generator(torch.Generator):
    def __new__(cls, device="cpu"):  # the stand-in's, too
        return super().__new__(cls)


class There(torch.Tensor):  # `elem` is what it holds
    @staticmethod
    def __new__(cls, elem):
        facts = {"dtype": elem.dtype, "layout": elem.layout, "strides": elem.stride()}
        facts |= {"storage_offset": elem.storage_offset(), "device": "there:0"}
        made = torch.Tensor._make_wrapper_subclass(cls, elem.shape, **facts)
        made.elem = elem
        return made

    @property
    def data(self):
        return self.detach()

    @data.setter
    def data(self, other):  # PyTorch's own leaves `elem` as it is
        self.elem = other.elem

    @classmethod
    def __torch_dispatch__(cls, call, types, args=(), kwargs=None):
        return work(call, args, kwargs or {})


class Mode(TorchDispatchMode):
    def __torch_dispatch__(self, call, types, args=(), kwargs=None):
        return work(call, args, kwargs or {})


def work(call, args, kwargs):
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    there = [t for t in tensors if isinstance(t, There)]
    if there and call not in MOVES and any(t.dim() for t in {*tensors} - {*there}):
        raise RuntimeError(f"{call} of tensors on two devices")
    to = kwargs.get("device") or (there and "there") or "cpu"
    to = args[0].device if call is COPY else torch.device(to)
    args, kwargs = tree_map(lambda t: getattr(t, "elem", t), (args, kwargs))
    kwargs |= {"device": "cpu"} if kwargs.get("device") else {}
    if there:
        here = torch.get_rng_state()
        torch.set_rng_state(Device.generator.get_state())
    found = call(*args, **kwargs)
    if there:
        Device.generator.set_state(torch.get_rng_state())
        torch.set_rng_state(here)
    if to.type == "cpu":
        return found
    known = {id(t.elem): t for t in there}

    def wrapped(part):
        made = isinstance(part, torch.Tensor)
        if made and id(part) not in known:
            known[id(part)] = There(part)
        return known[id(part)] if made else part

    return tree_map(wrapped, found)


def network(n_features, n_outputs, setting):
    parts = nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.Dropout(setting.dropout)
    return nn.Sequential(*parts, nn.Linear(8, n_outputs))


def right(outputs, targets):
    return (outputs.argmax(1) == targets).double().mean()


def plain_loss(dataset, setting, seed):
    """Return the validation loss after the last epoch of a plain loop there."""
    torch.manual_seed(seed)
    net = network(dataset.n_features, dataset.n_outputs, setting).to(PLACE)
    splits = dataset.train, dataset.valid
    (X, y), valid = ((torch.tensor(s.X).float(), torch.tensor(s.y)) for s in splits)
    optimizer = torch.optim.SGD(net.parameters(), lr=setting.lr)
    order, cross_entropy = torch.Generator().manual_seed(seed), nn.CrossEntropyLoss()
    for _ in range(setting.epochs):
        for rows in torch.randperm(len(X), generator=order).split(setting.batch_size):
            optimizer.zero_grad()
            cross_entropy(net(X[rows].to(PLACE)), y[rows].to(PLACE)).backward()
            optimizer.step()
    with torch.no_grad():
        return cross_entropy(net.eval()(valid[0].to(PLACE)).cpu(), valid[1]).item()


def main():
    moons, more = hk.load_dataset("small_moons"), {"dropout": 0.2, "clip": 0.1}
    more |= {"label_smoothing": 0.1, "class_weight": "balanced", "momentum": 0.9}
    settings = [hk.Hyperparameters(lr=lr, epochs=2) for lr in (0.1, 0.3)]
    settings += [hk.Hyperparameters(epochs=3, schedule="cosine", **more)]
    settings += [hk.Hyperparameters(optimizer=name, epochs=2) for name in OPTIMIZERS]
    own = {"loss": nn.CrossEntropyLoss(), "metric": right}
    for about in ({}, own, {"model": network}):
        trained = settings[: 2 if about else None]
        *_, here = hk.train(moons, trained, seeds=range(2), **about)
        *_, there = hk.train(moons, trained, seeds=range(2), **about, device=PLACE)
        assert there.weights[0, 0][0].last[0].device.type == "cpu"
        np.testing.assert_allclose(there.val_loss, here.val_loss, rtol=BOUND)

    two = moons, trained[0]
    for ask in (
        lambda place: hk.grid_search(*two, lr=[0.1, 1], device=place).val_loss,
        lambda place: hk.grid_search(*two, lr=[0.1, 1], device=place, cv=2).val_loss,
        lambda place: hk.cross_validate(*two, folds=2, device=place),
    ):
        np.testing.assert_allclose(ask(PLACE), ask("cpu"), rtol=BOUND)

    # One that draws for itself, alone and in company, as the plain loop.
    noisy = [s.but(dropout=0.5) for s in settings[:2]]
    *_, runs = hk.train(moons, noisy, seeds=range(2), model=network, device=PLACE)
    alone = hk.fit(moons, noisy[1], seed=1, model=network, device=PLACE)
    for run in (*runs, alone):
        loss = plain_loss(moons, run.setting, run.seed)
        np.testing.assert_allclose(run.val_loss[-1], loss, rtol=BOUND)

    # Kept in the middle as a file keeps it, and gone on with.
    for model in (None, network):
        about = {"seeds": (0, 1), "model": model, "device": PLACE}
        first, second = (Training(moons, noisy, **about) for _ in range(2))
        first.advance(99, pause=1)
        second.take(first.groups())
        for training in (first, second):
            training.advance(99)
        losses = [training.runs.val_loss[..., -1] for training in (first, second)]
        np.testing.assert_allclose(*losses, rtol=BOUND)


if __name__ == "__main__":
    if PLACE == "there":
        make_device("there", Device())
        torch.inference_mode = torch.no_grad  # which these tensors cannot be in
        torch.Generator = Generator
        with Mode():
            main()
    else:
        main()
    print("the same on", PLACE, flush=True)
    os._exit(0)  # the stand-in does not end in order
