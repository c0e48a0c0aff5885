"""What `executors` sends to another process, and what happens there.

Everything that travels is plain: numbers, settings, numpy arrays.
"""

import time
from dataclasses import dataclass, replace

import torch

from hpkit.engine.stack import EACH
from hpkit.engine.tensors import Weights
from hpkit.engine.training import Group, Training

# What a learner reads.
STATE = (
    "with an executor, a network must keep what it remembers in buffers, got one whose "
    "forward changes an attribute; use register_buffer, or leave the executor out."
)
# What a stack makes anew from the rest.
REMADE = ("net", "data", "batches", "pieces", "owner", "at", *EACH)


@dataclass(frozen=True)
class Part:
    """A group of runs, whole: what a worker needs to train it on.

    `numbers` are the numbers of `settings` in the search; `group` counts within the
    part and holds the runs that are still to be trained; `state` is a stack's, as plain
    data.
    """

    numbers: tuple
    dataset: object
    settings: tuple
    seeds: tuple
    model: object
    group: Group
    state: dict | None = None
    done: float = -1.0


@dataclass(frozen=True)
class Trained:
    """What a worker sends back: the part, new rows of the curves, weights."""

    part: Part
    arrays: dict
    weights: dict


def work(part, seconds, pause):
    """Train a part for about that long, to the end of an epoch, and return it."""
    until = time.perf_counter() + seconds
    training = Training(
        part.dataset,
        part.settings,
        seeds=part.seeds,
        model=part.model,
        groups=[part.group],
    )
    training.waiting, training.stacks = [], [stack_of(training, part)]
    left = seconds  # some work is done each time, however long the making took
    while not training.finished and not training.paused(pause):
        training.advance(max(0.0, left), pause)
        left = until - time.perf_counter()
        if left <= 0 and training.stacks and training.stacks[0].done % 1 == 0:
            break
    runs = training.runs  # notes all weights
    arrays = {name: getattr(runs, name) for name in training.arrays}
    stack = training.stacks[0] if training.stacks else None
    if stack and getattr(stack.net, "has_state", False):
        raise ValueError(STATE)
    part = replace(
        part,
        group=part.group._replace(runs=stack.runs if stack else []),
        state=state_of(stack) if stack else None,
        done=stack.done if stack else float("inf"),
    )
    return Trained(part, arrays, plain(training.weights))


def stack_of(training, part):
    """Return the stack of a part as it was when it was last sent."""
    group = part.group
    if part.state:
        group = group._replace(runs=part.state["runs"])
    stack = training.build(group)
    if part.state:
        vars(stack).update(lively(part.state))
        stack.batches = []
        stack.arrange()
        stack.keep([run in part.group.runs for run in stack.runs])
    return stack


def state_of(stack):
    """Return all that a stack does not make anew, as plain data."""
    state = {name: v for name, v in vars(stack).items() if name not in REMADE}
    state["flat"] = {name: v for name, v in stack.flat.items() if name != "grad"}
    return plain(state)


@dataclass(frozen=True)
class Plain:
    """Something of torch's as numpy arrays.

    Pickled tensors would go through shared memory, which no other machine can read.
    """

    kind: str
    value: object


def plain(value):
    """Return a copy of nested values without anything of torch's."""
    if isinstance(value, torch.Tensor):
        return Plain("tensor", value.numpy().copy())
    if isinstance(value, torch.Generator):
        return Plain("generator", value.get_state().numpy())
    if isinstance(value, Weights):
        return Plain("weights", plain(vars(value)))
    if isinstance(value, dict):
        return {key: plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return (
            [plain(v) for v in value]
            if isinstance(value, list)
            else tuple(plain(v) for v in value)
        )
    return value


def lively(value):
    """Return what was made plain."""
    if isinstance(value, Plain):
        return REVIVE[value.kind](value.value)
    if isinstance(value, dict):
        return {key: lively(v) for key, v in value.items()}
    if isinstance(value, list):
        return [lively(v) for v in value]
    return tuple(map(lively, value)) if isinstance(value, tuple) else value


def revived_generator(state):
    """Return a generator that goes on from a state."""
    generator = torch.Generator()
    generator.set_state(torch.tensor(state))
    return generator


REVIVE = {
    "tensor": torch.tensor,
    "generator": revived_generator,
    "weights": lambda fields: Weights(**lively(fields)),
}
