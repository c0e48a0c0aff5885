"""A script that trains with hpkit on another device and compares with the CPU.

The device is the accelerator that PyTorch finds, or else a stand-in: it computes on the
CPU, but raises for a call with tensors on both devices, as CUDA does.
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

available = torch.accelerator.is_available()  # PyTorch 2.6 raises if there is none
accelerator = torch.accelerator.current_accelerator() if available else None
DEVICE = str(accelerator or "there")
if accelerator is None:
    try:
        from torch.utils import backend_registration as backends

        make_device = backends._setup_privateuseone_for_python_backend
    except (ImportError, AttributeError):
        raise SystemExit("this PyTorch has no other device, and no stand-in") from None
BOUND = 1e-4 if accelerator else 1e-5  # rounding depends on processor and alignment
COPY = torch.ops.aten.copy_.default
MOVES = torch.ops.aten._to_copy.default, COPY


class StandIn(object if accelerator else backends._DummyBackendModule):
    generator = torch.Generator()

    def get_rng_state(self, device=None):
        return self.generator.get_state()

    def set_rng_state(self, state, device=None):
        self.generator.set_state(state)

    def manual_seed_all(self, seed):
        self.generator.manual_seed(seed)


class Generator(torch.Generator):
    def __new__(cls, device="cpu"):  # accepts the stand-in
        return super().__new__(cls)


class StandInTensor(torch.Tensor):  # wraps the CPU tensor `elem`
    @staticmethod
    def __new__(cls, elem):
        facts = {"dtype": elem.dtype, "layout": elem.layout, "strides": elem.stride()}
        facts |= {"storage_offset": elem.storage_offset(), "device": "there:0"}
        tensor = torch.Tensor._make_wrapper_subclass(cls, elem.shape, **facts)
        tensor.elem = elem
        return tensor

    @property
    def data(self):
        return self.detach()

    @data.setter
    def data(self, other):  # PyTorch's own setter leaves `elem` as it is
        self.elem = other.elem

    @classmethod
    def __torch_dispatch__(cls, call, types, args=(), kwargs=None):
        return dispatch(call, args, kwargs or {})


class Mode(TorchDispatchMode):
    def __torch_dispatch__(self, call, types, args=(), kwargs=None):
        return dispatch(call, args, kwargs or {})


def dispatch(call, args, kwargs):
    tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, torch.Tensor)]
    wrappers = [t for t in tensors if isinstance(t, StandInTensor)]
    on_cpu = {*tensors} - {*wrappers}
    if wrappers and call not in MOVES and any(t.dim() for t in on_cpu):
        raise RuntimeError(f"{call} of tensors on two devices")
    target = kwargs.get("device") or ("there" if wrappers else "cpu")
    target = args[0].device if call is COPY else torch.device(target)
    args, kwargs = tree_map(lambda t: getattr(t, "elem", t), (args, kwargs))
    if kwargs.get("device"):
        kwargs["device"] = "cpu"
    if wrappers:
        cpu_state = torch.get_rng_state()
        torch.set_rng_state(StandIn.generator.get_state())
    result = call(*args, **kwargs)
    if wrappers:
        StandIn.generator.set_state(torch.get_rng_state())
        torch.set_rng_state(cpu_state)
    if target.type == "cpu":
        return result
    known = {id(t.elem): t for t in wrappers}

    def wrap(part):
        if not isinstance(part, torch.Tensor):
            return part
        return known.setdefault(id(part), StandInTensor(part))

    return tree_map(wrap, result)


def network(n_features, n_outputs, setting):
    parts = nn.Linear(n_features, 8), nn.BatchNorm1d(8), nn.Dropout(setting.dropout)
    return nn.Sequential(*parts, nn.Linear(8, n_outputs))


def accuracy(outputs, targets):
    return (outputs.argmax(1) == targets).double().mean()


def plain_loss(dataset, setting, seed):
    """Return the validation loss after the last epoch of a plain loop on DEVICE."""
    torch.manual_seed(seed)
    net = network(dataset.n_features, dataset.n_outputs, setting).to(DEVICE)
    splits = dataset.train, dataset.valid
    (X, y), valid = ((torch.tensor(s.X).float(), torch.tensor(s.y)) for s in splits)
    optimizer = torch.optim.SGD(net.parameters(), lr=setting.lr)
    order, cross_entropy = torch.Generator().manual_seed(seed), nn.CrossEntropyLoss()
    for _ in range(setting.epochs):
        for rows in torch.randperm(len(X), generator=order).split(setting.batch_size):
            optimizer.zero_grad()
            cross_entropy(net(X[rows].to(DEVICE)), y[rows].to(DEVICE)).backward()
            optimizer.step()
    with torch.no_grad():
        return cross_entropy(net.eval()(valid[0].to(DEVICE)).cpu(), valid[1]).item()


def main():
    moons, every = hk.load_dataset("small_moons"), {"dropout": 0.2, "clip": 0.1}
    every |= {"label_smoothing": 0.1, "class_weight": "balanced", "momentum": 0.9}
    settings = [hk.Hyperparameters(lr=lr, epochs=2) for lr in (0.1, 0.3)]
    settings += [hk.Hyperparameters(epochs=3, schedule="cosine", **every)]
    settings += [hk.Hyperparameters(optimizer=name, epochs=2) for name in OPTIMIZERS]
    functions = {"loss": nn.CrossEntropyLoss(), "metric": accuracy}
    for options in ({}, functions, {"model": network}):
        some = settings[:2] if options else settings
        *_, expected = hk.train(moons, some, seeds=range(2), **options)
        *_, runs = hk.train(moons, some, seeds=range(2), **options, device=DEVICE)
        assert runs.weights[0, 0][0].last[0].device.type == "cpu"
        np.testing.assert_allclose(runs.val_loss, expected.val_loss, rtol=BOUND)

    args = moons, settings[0]
    for losses_on in (
        lambda device: hk.grid_search(*args, lr=[0.1, 1], device=device).val_loss,
        lambda device: hk.grid_search(*args, lr=[0.1, 1], device=device, cv=2).val_loss,
        lambda device: hk.cross_validate(*args, folds=2, device=device),
    ):
        np.testing.assert_allclose(losses_on(DEVICE), losses_on("cpu"), rtol=BOUND)

    # A network that draws random numbers, alone and with others, equals the plain loop.
    noisy = [s.but(dropout=0.5) for s in settings[:2]]
    *_, runs = hk.train(moons, noisy, seeds=range(2), model=network, device=DEVICE)
    alone = hk.fit(moons, noisy[1], seed=1, model=network, device=DEVICE)
    for run in (*runs, alone):
        loss = plain_loss(moons, run.setting, run.seed)
        np.testing.assert_allclose(run.val_loss[-1], loss, rtol=BOUND)

    # Interrupted and resumed, as from a file.
    for model in (None, network):
        options = {"seeds": (0, 1), "model": model, "device": DEVICE}
        first, second = (Training(moons, noisy, **options) for _ in range(2))
        first.advance(99, pause=1)
        second.take(first.groups())
        for training in (first, second):
            training.advance(99)
        losses = [training.runs.val_loss[..., -1] for training in (first, second)]
        np.testing.assert_allclose(*losses, rtol=BOUND)


if __name__ == "__main__":
    if accelerator is None:
        make_device("there", StandIn())
        torch.inference_mode = torch.no_grad  # stand-in tensors do not support it
        torch.Generator = Generator
        with Mode():
            main()
    else:
        main()
    print("the same on", DEVICE, flush=True)
    os._exit(0)  # the stand-in crashes on a regular exit
