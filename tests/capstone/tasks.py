"""A small capstone: 178 rows of wine, two searches of eight epochs."""

import re
from html import unescape

import hpkit as hk

BASE = hk.Hyperparameters(lr=0.1, batch_size=16, epochs=4, hidden=(8,))
TWO = {"lr": [0.01, 0.1]}


def task(dataset="wine", *, budget=40, **how):
    return hk.Capstone(dataset, budget=budget, **how)


def finished(**how):
    cap = task(**how)
    cap.grid_search(BASE, **TWO)
    cap.choose(why="lowest validation loss of the two")
    cap.open_test()
    return cap


def linear(n_in, n_out, setting):
    import torch

    return torch.nn.Linear(n_in, n_out)


def one_line(capsys):
    """Return what was printed, without the breaks of its lines."""
    return " ".join(capsys.readouterr().out.split())


def text_of(report):
    """Return what stands on a report's page."""
    body = report.html.partition("<body>")[2]
    return unescape(re.sub(r"<[^>]+>", " ", body))
