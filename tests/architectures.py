"""Networks as learners write them, each a function that `model=` takes.

Importable by name, so that they can be sent to other processes. Names say what is
special about a network. Layers have no bias where it changes nothing (before a
BatchNorm, on the keys of an attention): its gradient would be rounding error, which
Adam amplifies.
"""

from types import SimpleNamespace

import torch
from torch import nn
from torch._subclasses import fake_tensor
from torch.nn import functional as F

WIDTH = 6
# PyTorch records the call stack of each traced value for its own messages: the stacks
# under pytest are so deep that this took longer than all else.
fake_tensor.traceback = SimpleNamespace(extract_stack=lambda: None)


def around(n_in, n_out, *middle):
    """Return a network of linear layers around those in the middle."""
    return nn.Sequential(nn.Linear(n_in, WIDTH), *middle, nn.Linear(WIDTH, n_out))


def mlp(n_in, n_out, setting):
    return around(n_in, n_out, nn.Tanh())


def batch_norm(n_in, n_out, setting, **kwargs):
    first = nn.Linear(n_in, WIDTH, bias=False), nn.BatchNorm1d(WIDTH, **kwargs)
    return nn.Sequential(*first, nn.ReLU(), nn.Linear(WIDTH, n_out))


def batch_norm_mean(n_in, n_out, setting):
    return batch_norm(n_in, n_out, setting, momentum=None)


def batch_norm_of_the_batch(n_in, n_out, setting):
    net = batch_norm(n_in, n_out, setting, track_running_stats=False)
    nn.init.zeros_(net[-1].weight)  # untrained, no row depends on the others
    return net


def layer_norm(n_in, n_out, setting):
    return around(n_in, n_out, nn.LayerNorm(WIDTH), nn.GELU())


def convolution(n_in, n_out, setting):
    first = nn.Unflatten(1, (1, n_in)), nn.Conv1d(1, 3, 3, bias=False)
    last = nn.ReLU(), nn.Flatten(), nn.Linear(3 * (n_in - 2), n_out)
    return nn.Sequential(*first, nn.BatchNorm1d(3), *last)


class Attention(nn.Module):
    def __init__(self, n_in, n_out, setting, dropout=0.0):
        super().__init__()
        self.attend = nn.MultiheadAttention(4, 2, dropout, False, batch_first=True)
        self.up, self.out = nn.Linear(2, 4), nn.Linear(4, n_out)
        mask = torch.ones(4, 4, dtype=torch.bool).tril()
        self.register_buffer("mask", mask)

    def forward(self, x):
        x = self.up(x.view(-1, 4, 2))
        x = self.attend(x, x, x, attn_mask=~self.mask, need_weights=False)[0]
        return self.out(x.mean(1))


def attention_with_dropout(*args):
    return Attention(*args, dropout=0.2)


class Between(nn.Module):
    """Base of networks whose forward does something between two linear layers."""

    def __init__(self, n_in, n_out, setting, width=WIDTH):
        super().__init__()
        self.inner, self.out = nn.Linear(n_in, width), nn.Linear(width, n_out)


class Masked(Between):
    """Has a boolean and an integer buffer, which must not be converted to float."""

    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, n_out, setting, n_in)
        self.register_buffer("mask", torch.arange(n_in) % 2 == 0)
        self.register_buffer("places", torch.arange(n_in).flip(0))

    def forward(self, x):
        x = self.inner(x)[:, self.places]
        return self.out(x.masked_fill(~self.mask, -0.5).tanh())


class Products(nn.Linear):
    """Multiplies by numbers; products with 1 are dropped from its trace."""

    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, n_out)

    def forward(self, x):
        out = torch.addmm(self.bias, x, self.weight.T, alpha=2, beta=2)
        return super().forward(1 * x) * 2 - 1.0 * x[:, :1] + out


class Transformer(nn.Module):
    def __init__(self, n_in, n_out, setting):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 8, 0.1, batch_first=True, bias=False)
        self.up, self.out = nn.Linear(2, 4), nn.Linear(4, n_out)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)

    def forward(self, x):
        return self.out(self.encoder(self.up(x.view(-1, 4, 2))).mean(1))


class Recurrent(nn.Module):
    def __init__(self, kind, n_out):
        super().__init__()
        self.rnn, self.out = kind(2, 5, batch_first=True), nn.Linear(5, n_out)

    def forward(self, x):
        return self.out(self.rnn(x.view(-1, 4, 2))[0][:, -1])


def lstm(n_in, n_out, setting):
    return Recurrent(nn.LSTM, n_out)


def gru(n_in, n_out, setting):
    return Recurrent(nn.GRU, n_out)


class Embedded(nn.Module):
    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.words, self.out = nn.Embedding(5, 3), nn.Linear(3 * n_in, n_out)

    def forward(self, x):
        words = self.words((x * 2).round().clamp(-2, 2).long() + 2)
        return self.out(torch.flatten(words, 1))


def padded(n_in, n_out, setting):
    net = Embedded(n_in, n_out, setting)
    net.words.padding_idx = 2  # a row that vmap would train
    return net


def rarely_padded(n_in, n_out, setting):
    net = Embedded(n_in, n_out, setting)
    net.words = nn.Embedding(6, 3, padding_idx=5)  # not in a first batch
    return net


def sparse(n_in, n_out, setting):
    net = Embedded(n_in, n_out, setting)
    net.words.sparse = True
    return net


def hooked(n_in, n_out, setting):
    net = around(n_in, n_out, nn.Tanh())
    net[0].weight.register_hook(lambda grad: grad * 0.1)
    return net


class Tied(nn.Module):
    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.down, self.up = nn.Linear(n_in, 4), nn.Linear(4, n_in)
        self.up.weight = nn.Parameter(self.down.weight.detach().T.clone())
        self.again = nn.Linear(n_in, 4)
        self.again.weight = self.down.weight
        self.layers = [self.down, self.again]  # a plain list of registered layers
        self.out = nn.Linear(4, n_out)
        self.last = nn.Sequential(nn.Tanh(), self.out)  # a layer with two names

    def forward(self, x):
        return self.last(self.again(self.up(self.down(x).tanh())))


with torch.random.fork_rng(devices=[]):
    torch.manual_seed(7)
    BACKBONE = nn.Sequential(nn.Linear(8, WIDTH), nn.BatchNorm1d(WIDTH), nn.Tanh())
BACKBONE.requires_grad_(False)


def frozen(n_in, n_out, setting):
    return nn.Sequential(BACKBONE, nn.Linear(WIDTH, n_out))


def half_frozen(n_in, n_out, setting):
    net = mlp(n_in, n_out, setting)
    net[0].weight.requires_grad_(False)
    return net


def weight_norm(n_in, n_out, setting):
    net = mlp(n_in, n_out, setting)
    nn.utils.parametrizations.weight_norm(net[0])
    return net


def spectral_norm(n_in, n_out, setting):
    net = mlp(n_in, n_out, setting)
    nn.utils.parametrizations.spectral_norm(net[0])
    return net


def rrelu(n_in, n_out, setting):
    return around(n_in, n_out, nn.RReLU())


def dropout(n_in, n_out, setting):
    return around(n_in, n_out, nn.ReLU(), nn.Dropout(0.3))


class Noisy(Between):
    """Draws random numbers in its forward, not in a layer."""

    always = False

    def forward(self, x):
        x = self.inner(x)
        if self.always or self.training:
            x = x + 0.1 * torch.randn_like(x)
        return self.out(F.dropout(x.tanh(), 0.2, self.training))


class NoisyWhenMeasured(Noisy):
    always = True


class Branching(nn.Module):
    """Uses one of two layers, depending on the batch."""

    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.left, self.right = nn.Linear(n_in, n_out), nn.Linear(n_in, n_out)

    def forward(self, x):
        return self.left(x) if self.goes_left(x) else self.right(x)

    def goes_left(self, x):
        return x[0, 0] > 0


class Short(Branching):
    def goes_left(self, x):
        return len(x) > 8


class Averaging(Between):
    """Keeps a running mean in a buffer that it replaces."""

    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, n_out, setting)
        self.register_buffer("mean", torch.zeros(WIDTH))

    def forward(self, x):
        x = self.inner(x)
        if self.training:
            self.mean = 0.9 * self.mean + 0.1 * x.detach().mean(0)
        return self.out((x - self.mean).tanh())


class Fourier(nn.Module):
    """Has random features in a tensor that is no buffer and differs between seeds."""

    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.waves, self.out = torch.randn(n_in, WIDTH), nn.Linear(WIDTH, n_out)

    def forward(self, x):
        return self.out((x @ self.waves.to(x.dtype)).cos())


class Enclosed(Fourier):
    """Holds the same tensor in a closure."""

    def __init__(self, *args):
        super().__init__(*args)
        waves = vars(self).pop("waves")
        self.wave = lambda x: x @ waves.to(x.dtype)
        nn.init.zeros_(self.out.weight)  # untrained, outputs do not depend on it

    def forward(self, x):
        return self.out(self.wave(x).cos())


class Renormed(Between):
    """Replaces its weights, as some networks do to bound their norms."""

    def forward(self, x):
        weight = self.inner.weight
        weight.data = torch.renorm(weight.data, 2, 0, 0.4)
        return self.out(self.inner(x).tanh())


class Scaling(Between):
    """Takes its scale from the first rows that it sees."""

    def __init__(self, *args):
        super().__init__(*args)
        self.register_buffer("scale", torch.tensor(float("nan")))

    def forward(self, x):
        x = self.inner(x)
        if self.scale.isnan():
            self.scale.copy_(1 / x.detach().std())
        return self.out((self.scale * x).tanh())


class Freezing(Between):
    """Freezes a layer once it is used, and harmlessly changes its input in place."""

    def train(self, mode=True):
        self.inner.requires_grad_(False)
        return super().train(mode)

    def forward(self, x):
        return self.out(self.inner(x.relu_()).tanh())


class Unused(nn.Linear):
    """Has a layer that nothing uses: torch.optim applies no weight decay to it."""

    def __init__(self, n_in, n_out, setting):
        super().__init__(n_in, n_out)
        self.idle = nn.Linear(n_in, 3)


class Scalar(nn.Module):
    """Has one number as its only parameter: a tensor without a shape."""

    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.factor, self.n_out = nn.Parameter(torch.rand(())), n_out

    def forward(self, x):
        return self.factor * x.sum(1, keepdim=True) * torch.arange(1, self.n_out + 1)


def lazy(n_in, n_out, setting):
    inner = nn.LazyLinear(WIDTH, bias=False), nn.LazyBatchNorm1d(), nn.Tanh()
    return nn.Sequential(*inner, nn.LazyLinear(n_out))


def compiled(n_in, n_out, setting):
    # hpkit trains the network inside; "eager" compiles nothing for the plain loop.
    return torch.compile(mlp(n_in, n_out, setting), backend="eager")


def reads_the_setting(n_in, n_out, setting):
    width = 4 if setting.lr < 0.1 else int(torch.randint(2, 9, ()))  # of each seed
    first = nn.Linear(n_in, width), nn.Dropout(setting.momentum / 2)
    return nn.Sequential(*first, nn.Linear(width, n_out))


class Keeping(nn.Module):
    """Stores the setting and reads it in batches of more than two rows."""

    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.stored, self.out = SimpleNamespace(setting=setting), nn.Linear(n_in, n_out)

    def forward(self, x):
        reads = self.training and len(x) > 2
        return self.out(x * (1 + self.stored.setting.momentum if reads else 1))


class Counting(nn.Module):
    """Counts steps and has its own generator: state that no other process can see."""

    def __init__(self, n_in, n_out, setting):
        super().__init__()
        self.steps, self.out = 0, nn.Linear(n_in, n_out)
        self.generator = torch.Generator().manual_seed(5)

    def forward(self, x):
        self.steps += self.training
        if self.training:
            x = x * torch.rand(x.shape, generator=self.generator)
        return self.out(x) / (1 + 0.01 * self.steps)


STACKED = (mlp, batch_norm, batch_norm_of_the_batch, layer_norm, Attention, Masked)
STACKED += (Embedded, Tied, frozen, half_frozen, weight_norm, Unused, lazy, Products)
STACKED += (Scalar,)
DRAWING = (attention_with_dropout, Transformer, rrelu, dropout, Noisy)
DRAWING += (NoisyWhenMeasured,)
ONE_BY_ONE = {
    "convolutions": (convolution,),
    "random numbers": DRAWING,
    "vmap": (lstm, gru, spectral_norm, Branching, batch_norm_mean, Freezing),
    "change its numbers": (hooked, padded, rarely_padded, Scaling, Short),
    "keeps values": (Averaging, Fourier, Enclosed, Counting, Renormed),
}
OTHERS = (compiled, reads_the_setting, Keeping)
ALL = (*STACKED, *(m for group in ONE_BY_ONE.values() for m in group), *OTHERS)


class Fails(nn.Linear):
    """Raises for outputs that are not finite, as some networks do."""

    def forward(self, x):
        out = super().forward(x)
        if not out.isfinite().all():
            raise RuntimeError("no number")
        return out


def failing(n_in, n_out, setting):
    """Return a network; some `hidden`, and some learning rates, make it fail."""
    if setting.hidden == (3,):
        raise RuntimeError("no such network")
    if setting.hidden == (5,):
        return nn.Linear(n_in + 1, n_out)
    return Fails(n_in, n_out)


def sized(n_features, n_outputs, setting):
    width = setting.width
    hidden = nn.Linear(n_features, width)
    return nn.Sequential(hidden, nn.Tanh(), nn.Linear(width, n_outputs))
