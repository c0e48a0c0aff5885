"""How much memory a training takes, and how much is free: what cannot fit is refused.

A kernel that runs out of memory is ended without a word, and all its runs with it.
"""

import itertools
from pathlib import Path

from hpkit.hyperparameters import refusal

SMALL = 2e8  # bytes that are not worth a look
_COPIES = 3  # of curves: those that grow, those shown, and the ones before
_EACH = 6  # numbers a weight: itself, gradient, an optimizer's two, what is kept
# A container sees its own limits here, of version 2 or 1.
_CGROUP = Path("/sys/fs/cgroup")
_LIMITS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)


def weights(dataset, hidden):
    """Return how many weights the built-in network has."""
    sizes = itertools.pairwise((dataset.n_features, *hidden, dataset.n_outputs))
    return sum(a * b + b for a, b in sizes)


def check_memory(dataset, settings, n_seeds, *, own=False):
    """Raise where a training needs more memory than is free.

    Of a model that is a learner's `own` only the curves are known.
    """
    runs, epochs = len(settings) * n_seeds, max(s.epochs for s in settings)
    need = 8 * 4 * _COPIES * runs * (epochs + 1)
    if not own:
        every = n_seeds * sum(weights(dataset, s.hidden) for s in settings)
        units = max(sum(s.hidden) for s in settings)
        need += 4 * (_EACH * every + _COPIES * units * dataset.n_train)
    if need > SMALL and need > (free := free_memory()):
        sizes = {"need": f"{need / 1e9:.1f}", "free": f"{free / 1e9:.1f}"}
        raise refusal("no_memory", runs=runs, epochs=epochs, **sizes)


def free_memory():
    """Return the bytes that this process may still take, in a container as well."""
    import psutil  # ipykernel brings it

    free = psutil.virtual_memory().available
    for limit, used in _LIMITS:
        try:
            most, now = (int((_CGROUP / name).read_text()) for name in (limit, used))
        except (OSError, ValueError):  # none here, or "max"
            continue
        free = min(free, most - now)
    return max(free, 0)
