"""What lesson 04, epochs, says: held over seeds that the lesson does not show."""

from functools import partial
from itertools import product

import numpy as np
import torch
from over_seeds import defined, repeats
from over_seeds import trained as trained_with
from torch.nn.functional import cross_entropy

import hpkit as hk

SEEDS = repeats(40)
LONG = hk.Hyperparameters(0.1, 10, 200, momentum=0.9, hidden=(64, 64))
PLATEAU = hk.Hyperparameters(lr=0.1, batch_size=16, hidden=(16,) * 4, epochs=200)
MOST = 0.75  # "in most seeds"
trained = partial(trained_with, seeds=SEEDS)


def small():
    return trained("small_moons", LONG)


def stopped(loss, patience):
    """Return where each run (seeds, epochs + 1) stops, and what it keeps / lowest."""
    rule = defined("04", "def stop_epoch")["stop_epoch"]
    ends = np.array([rule(one, patience) for one in loss])
    kept = np.array([one[: end + 1].min() for one, end in zip(loss, ends, strict=True)])
    return ends, kept / loss.min(1)


def test_epochs_too_few():
    loss = trained("moons", hk.Hyperparameters(lr=0.1, epochs=100)).val_loss[0]
    low = [loss[:, : n + 1].min(1) for n in (10, 30, 100)]
    assert (np.diff(low, axis=0) < 0).all()
    fell = 1 - low[2] / low[1]
    assert np.mean((fell > 0.3) & (fell < 0.7)) >= 0.9  # "by about half"


def test_epochs_by_heart():
    accuracy = small().train_accuracy[0, :, -1]
    assert (accuracy >= 0.96).mean() >= 0.95
    assert (accuracy == 1).mean() >= MOST


def test_epochs_sure_and_wrong():
    valid = hk.load_dataset("small_moons").valid
    for run in small():
        sure = []
        for epoch in ("best", "last"):
            shares = run.predict_proba(valid, epoch)
            sure.append(shares.max(1)[shares.argmax(1) != valid.y].mean())
        assert sure[0] + 0.05 < sure[1] > 0.8


def test_epochs_best_wins_on_new_points():
    new = hk.load_dataset("small_moons", seed=99).valid
    test = hk.load_dataset("small_moons").test  # for many seeds, once
    for split, run in product((new, test), small()):
        best, last = (torch.tensor(run.outputs(split, e)) for e in ("best", "last"))
        y = torch.tensor(split.y)
        assert cross_entropy(best, y) < cross_entropy(last, y)


def test_epochs_same_beginning():
    long = small().val_loss[:, :, :51]
    short = trained("small_moons", LONG.but(epochs=50)).val_loss
    np.testing.assert_allclose(short, long, rtol=1e-4)


def test_epochs_lowest_never_rises():
    """Solid line of the validation curve of the epochs; the dotted one climbs."""
    loss = small().val_loss[0]
    low = np.stack([loss[:, : n + 1].min(1) for n in (5, 10, 20, 50, 100, 200)])
    assert (np.diff(low, axis=0) <= 0).all()
    assert (loss[:, 200] > 2 * low[-1]).mean() >= 0.9


def test_epochs_patience_one_is_eager():
    ends, ratio = stopped(small().val_loss[0], 1)
    assert (ends < 20).all()
    assert (ratio > 1.05).all()


def test_epochs_patience_ten():
    """In the run of the panel."""
    data, setting = small().dataset, small().settings[0]
    loss = hk.fit(data, setting, seed=2).val_loss
    assert [stopped(loss[None], p)[1] == 1 for p in (1, 10, 20, 50)] == [0, 1, 1, 1]


def test_epochs_patience_twenty():
    ends, ratio = stopped(small().val_loss[0], 20)
    assert (ratio < 1.05).mean() >= MOST
    assert (ends < 100).all()


def test_epochs_any_patience_beats_the_last():
    loss = small().val_loss[0]
    for patience in (1, 10, 20, 50):
        _, ratio = stopped(loss, patience)
        assert (ratio * loss.min(1) < loss[:, -1]).all()


def test_epochs_plateau():
    loss = trained("clean_spiral", PLATEAU).val_loss[0]
    ends, ratio = stopped(loss, 20)
    for patience, far in ((1, 10), (2, 1.5), (3, 1.5)):
        assert (stopped(loss, patience)[1] > far).mean() >= MOST
    assert (ratio < 1.05).mean() >= MOST
    assert (ends < 200).all()
    assert ((np.diff(loss) > 0).sum(1) > 15).all()
    here = hk.fit(hk.load_dataset("clean_spiral"), PLATEAU).val_loss[None]
    kept = [stopped(here, patience)[1] for patience in (2, 3)]
    np.testing.assert_allclose(kept, [[16], [4]], rtol=0.05)


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
WRONG = {
    "04/best": dict(
        case=[lambda val_loss: 2, lambda v: v.index(min(v)) if min(v) < 1 else 0]
    ),
    "04/choose_patience": dict(
        too_eager=[1, 4], too_patient=[10, 150], kind=[0, 2.5, 201]
    ),
    "04/how_long": dict(changed="A/enough, B/enough, C/longer, C/stop/unknown"),
}
