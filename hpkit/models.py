"""The network of a setting, and the forward and backward of many at once.

`network` is the plain PyTorch module. `DenseNetworks` computes what many such
modules alike in shape would, with one call for all of them. What it knows of
training is only the gradient; the updates are in `stack`.
"""

import math
from itertools import pairwise

import torch
from torch import nn

# Slope as a function of the bend's own output, both in place. torch.tanh takes
# about four times as long as this sigmoid.
BENDS = {
    "relu": (torch.relu_, torch.Tensor.sign_),
    "tanh": (
        lambda h: h.mul_(2).sigmoid_().mul_(2).sub_(1),
        lambda h: h.square_().neg_().add_(1),
    ),
}


def network(n_features, n_outputs, setting):
    """Return the network of a setting, with fresh weights.

    Parameters
    ----------
    n_features, n_outputs : int
        Columns of the data; classes, or 1 for regression.
    setting : Hyperparameters
        Its `hidden` and `activation` are read.

    Returns
    -------
    torch.nn.Sequential
        Linear layers with the activation between them, PyTorch's own start:
        uniform in +-1/sqrt(inputs of the layer).

    Examples
    --------
    >>> from hpkit.settings import Hyperparameters
    >>> [type(layer).__name__ for layer in network(2, 2, Hyperparameters(hidden=(4,)))]
    ['Linear', 'ReLU', 'Linear']
    """
    bend = {"relu": nn.ReLU, "tanh": nn.Tanh}[setting.activation]
    layers = []
    for inputs, outputs in pairwise((n_features, *setting.hidden, n_outputs)):
        layers += [nn.Linear(inputs, outputs), bend()]
    return nn.Sequential(*layers[:-1])


def start(model, n_features, n_outputs, setting, seed):
    """Return the network with the first weights of a seed.

    ``torch.manual_seed(seed)`` followed by the making of the network gives the
    same; here the global random state is put back afterwards.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model(n_features, n_outputs, setting)


class DenseNetworks:
    """Networks alike in shape, each layer's weights stacked as (runs, out, in).

    Points are columns, (runs, units, points): softmax over a middle axis is about
    sixty times as fast as over a short last one, and `nn.Linear`'s (out, in)
    weights fit without a copy.
    """

    def __init__(self, n_features, n_outputs, setting, regression):
        self.bend, self.slope = BENDS[setting.activation]
        self.regression = regression
        sizes = list(pairwise((n_features, *setting.hidden, n_outputs)))
        self.shapes = [
            shape for a, b in sizes for shape in ((b, a), (b, 1))
        ]  # a bias as a column, so that it adds to every point

    def start(self, seed):
        """Return one run's first weights, in the order of `shapes`.

        Draws what `nn.Linear` draws, from a generator of its own: the global
        random state may be in use by another thread.
        """
        generator = torch.Generator().manual_seed(seed)
        parts = []
        for weight, bias in zip(self.shapes[::2], self.shapes[1::2], strict=True):
            drawn = nn.init.kaiming_uniform_(
                torch.empty(weight), a=math.sqrt(5), generator=generator
            )
            bound = 1 / math.sqrt(weight[1])
            parts += [
                drawn,
                torch.empty(bias).uniform_(-bound, bound, generator=generator),
            ]
        return parts

    def bind(self, weights, grads, width):
        """Compute from now on with these weights, into these gradients.

        Parameters
        ----------
        weights, grads : list of Tensor
            (runs, *shape) for each of `shapes`, contiguous: bmm falls to a loop
            over runs otherwise.
        width : int
            Points in a batch.
        """
        self.W, self.b = weights[::2], weights[1::2]
        self.W_grad, self.b_grad = grads[::2], grads[1::2]
        self.W_T = [W.mT for W in self.W]
        # Work space made once: fresh tensors of this size cost a fifth of a step.
        self.acts, self.deltas = self.space(width), self.space(width)
        self.acts_T = [a.mT for a in self.acts]
        self.eval_acts = None

    def space(self, points):
        """Return an uninitialised (runs, units, points) for every layer."""
        return [b.new_empty(b.shape[0], b.shape[1], points) for b in self.b]

    def forward(self, h, acts):
        """Return the outputs (runs, outputs, points), written into acts[-1]."""
        for W, b, out in zip(self.W, self.b, acts, strict=True):
            h = torch.baddbmm(b, W, h, out=out)
            if out is not acts[-1]:
                self.bend(h)
        return h

    def outputs(self, x):
        """Return the outputs for points x (runs, features, points)."""
        if self.eval_acts is None or self.eval_acts[0].shape[2] != x.shape[2]:
            self.eval_acts = self.space(x.shape[2])
        return self.forward(x, self.eval_acts)

    def gradient(self, x, y, weight):
        """Write the gradient of the mean loss into `grads`.

        Parameters
        ----------
        x : Tensor (runs, features, points)
        y : Tensor (runs, outputs, points)
            One-hot classes, or the target.
        weight : Tensor (points,)
            1 / number of points, 0 for a filling column.
        """
        out, last = self.forward(x, self.acts), self.deltas[-1]
        if self.regression:  # d (z - y)^2 / dz; the outputs' mean is over one output
            torch.sub(out, y, out=last).mul_(2 / out.shape[1])
        else:
            torch.softmax(out, 1, out=last).sub_(y)
        last.mul_(weight)
        for layer in reversed(range(len(self.W))):
            delta = self.deltas[layer]
            below = self.acts_T[layer - 1] if layer else x.mT
            torch.bmm(delta, below, out=self.W_grad[layer])
            torch.sum(delta, 2, keepdim=True, out=self.b_grad[layer])
            if layer:
                torch.bmm(self.W_T[layer], delta, out=self.deltas[layer - 1])
                self.deltas[layer - 1].mul_(self.slope(self.acts[layer - 1]))
