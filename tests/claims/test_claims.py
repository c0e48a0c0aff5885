"""What lessons 00 to 02 say, held over seeds that the lessons do not show.

Each sentence that states a result carries its id in the lesson's source, in a comment
``<!-- claim: u-minimum -->``; the test of it is the function ``test_u_minimum`` here or
in another ``test_claims_NN.py``. Whatever trains the same settings is trained once, all
seeds together. "In most seeds" is held as at least three of four.
"""

import ast
import re
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from build import FOLDER
from over_seeds import apart, code_of, defined, losses, repeats, trained_beside
from over_seeds import trained as trained_with

import hpkit as hk
from hpkit.exercises import lesson_01_parameters_and_hyperparameters as ex_01
from hpkit.exercises._core import load_texts

# None of them is shown in a lesson, where seeds are 0 to 4.
SEEDS = repeats(40)
FIVES = repeats(20, each=5)
TWENTY = repeats(20)
LRS = (0.0001, 0.001, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
SHORT = (0.01, 0.02, 0.03, 0.04)
MOST = 0.75
GOOD = load_texts("02_learning_rate")["good_rate"]["right"]
H = hk.Hyperparameters
trained = partial(trained_with, seeds=SEEDS)


def moons(*lrs):
    """Return the runs of the lessons' setting with some learning rates."""
    settings = (H(lr=lr, batch_size=32, epochs=30) for lr in LRS)
    return [LRS.index(lr) for lr in lrs], trained("moons", *settings, seeds=FIVES)


def shares_of_start(loss):
    return loss[..., -1] / loss[..., 0]


def five(loss):
    """Return the means of five seeds each, as the lessons show them."""
    return apart(loss, 5).mean(-1)


def test_same_seed_same_curve():
    setting, moons = H(lr=0.1, epochs=5), hk.load_dataset("moons")
    for seed in repeats(20):
        first, again = (hk.fit(moons, setting, seed=seed) for _ in range(2))
        np.testing.assert_array_equal(first.val_loss, again.val_loss)


def test_other_seed_other_curve():
    (row,), runs = moons(0.1)
    assert len(np.unique(runs.val_loss[row, :, 0])) == len(FIVES)


def loop_of_the_lesson(seed):
    """Run the cells of lesson 01 that make the network and train it, with a seed."""
    cells = code_of("01")
    loop = next(i for i, text in enumerate(cells) if "loss.backward()" in text)
    seeds = [i for i, text in enumerate(cells[:loop]) if "torch.manual_seed" in text]
    space = {}
    for text in (cells[0], *cells[seeds[-1] : loop + 1]):
        exec(text.replace("manual_seed(0)", f"manual_seed({seed})"), space)
    return space


@pytest.fixture(scope="module")
def loops():
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    yield {seed: loop_of_the_lesson(seed) for seed in repeats(20)}
    torch.set_rng_state(state)
    torch.set_num_threads(threads)


def test_loop_equals_fit(loops):
    (row,), runs = moons(0.1)
    for seed, loss in zip(runs.seeds[:20], runs.val_loss[row], strict=False):
        # The lesson prints three digits; later epochs amplify the rounding.
        np.testing.assert_allclose(loops[seed]["losses"], loss[1:], atol=5e-4)


def test_training_changes_parameters(loops):
    for space in loops.values():
        after = [p.detach() for p in space["net"].parameters()]
        moved = sum((a != b).sum() for a, b in zip(after, space["before"], strict=True))
        assert moved > 0.5 * sum(p.numel() for p in after)
        assert (space["lr"], space["batch_size"], space["epochs"]) == (0.1, 32, 30)
        assert space["steps"] == 13 * 30


def test_border_gets_better():
    right = trained("moons", H(lr=0.3, batch_size=32, epochs=60)).val_accuracy[0]
    assert (right[:, 60] > right[:, 1]).mean() >= 0.95


def test_shape_good():
    runs = trained("digits", H(lr=0.1, hidden=(32,)), seeds=repeats(20))
    assert (shares_of_start(runs.val_loss) < 0.2).all()
    assert (shares_of_start(runs.train_loss) < 0.2).all()


def test_shape_bouncing():
    (row,), runs = moons(3.0)
    loss = runs.val_loss[row]

    assert (shares_of_start(loss) > 0.5).mean() >= MOST
    assert (loss[:, 1:].max(1) > 0.95 * loss[:, 0]).mean() >= 0.95
    # Up and down: at least five epochs of thirty rise, five fall.
    rises = (np.diff(loss) > 0).sum(1)
    assert (np.abs(rises - 15) <= 10).all()


OVER_FITTED = H(0.1, 10, 200, momentum=0.9, hidden=(64, 64))


def test_shape_over_fitting():
    runs = trained("small_moons", OVER_FITTED)
    rise = runs.val_loss[..., -1] / runs.best_val_loss
    assert (rise > 1.5).mean() >= 0.95
    assert (rise > 2).mean() >= MOST


def test_lower_training_higher_validation():
    runs = trained("small_moons", OVER_FITTED)
    at = runs.best_epoch[..., None]
    train = np.take_along_axis(runs.train_loss, at, -1)[..., 0]
    assert (runs.train_loss[..., -1] < train).all()
    assert (runs.val_loss[..., -1] > runs.best_val_loss).all()


def test_shape_noisy():
    """Small batches make the line rise and fall; all points at once, hardly ever."""
    settings = (H(lr=0.1, batch_size=size) for size in (2, 400))
    loss = trained("moons", *settings).val_loss
    small, whole = np.clip(np.diff(loss), 0, None).sum(-1)  # how much they rise

    assert (small > 0.1).all()
    assert (whole < 0.001).all()
    assert (loss[0].min(1) < 0.3 * loss[0, :, 0]).all()  # and low it is


def test_validation_below_training():
    """Of ten new draws some end below and some above, in 20 tens of draws."""
    draws = [hk.load_dataset("moons", seed=seed) for seed in repeats(20, each=10)]
    runs = trained_beside([(draw, H(lr=0.1, epochs=10), 0) for draw in draws])
    below = np.array([run.val_loss[-1] < run.train_loss[-1] for run in runs])
    assert np.isin(apart(below, 10).sum(1), range(1, 10)).all()


def test_default_is_a_start():
    """PyTorch's SGD and DataLoader, next to another rate and batch size."""
    settings = H(lr=0.001, batch_size=1, epochs=30), H(lr=0.3, batch_size=32, epochs=30)
    slow, fast = trained("moons", *settings, seeds=repeats(20)).best_val_loss
    assert (slow > 2 * fast).all()
    assert [30 * -(-400 // s.batch_size) for s in settings] == [12_000, 390]


def test_bowl_two_over_curvature():
    walk = defined("02", "import", "def walk")["walk"]
    rng = np.random.default_rng(0)
    for _ in repeats(50):
        curvature, weight = rng.uniform(0.1, 20), rng.uniform(1, 5)

        for low, high, sign in ((0.01, 0.99, -1), (1.01, 3, 1)):
            share = rng.uniform(low, high)
            off = np.abs(walk(share * 2 / curvature, weight, curvature))
            assert (sign * np.diff(off) > 0).all()


def test_larger_is_faster_at_first():
    rows, runs = moons(0.001, 0.03, 0.3)
    area = runs.val_loss[rows].mean(-1)  # under the line: how soon it is down
    assert (np.diff(area, axis=0) < 0).all()


def test_best_shakes_too():
    """At 0.3 and at 1, single runs and means of five: often up, and low."""
    rows, runs = moons(0.3, 1.0)
    loss = runs.val_loss[rows]
    fives = apart(np.moveaxis(loss, 1, 2), 5).mean(-1).swapaxes(1, 2)
    for each in (loss, fives):
        rises = (np.diff(each, axis=-1) > 0).sum(-1)
        assert (rises >= 5).mean() >= 0.95
        assert (each.min(-1) < 0.3 * each[..., 0]).mean() >= 0.95


def test_lowest_point_flatters():
    """At 1, on rows that have not chosen the epoch: with the mean of 40 draws."""
    excess = []
    for seed in repeats(40, first=1):
        run = hk.fit(
            hk.load_dataset("moons", seed), hk.Hyperparameters(lr=1), seed=seed
        )
        new = replace(run, dataset=replace(run.dataset, test_looks=[])).test_loss()
        excess.append(new / run.best_val_loss - 1)
    assert np.mean(excess) > 0.1


def test_ten_often_diverges():
    (row,), runs = moons(10.0)
    assert 0.4 < runs.diverged[row].mean() < 0.9
    assert apart(runs.diverged[row], 5).any(1).mean() >= 0.95


def test_u_left_hardly_moves():
    rows, runs = moons(0.0001, 0.001)
    shares = shares_of_start(runs.val_loss[rows])
    assert (shares > 0.8).all()
    assert (five(shares) > 0.9).all()


def test_u_minimum():
    rows, runs = moons(*LRS)
    winners = {LRS[i] for i in five(runs.best_val_loss[rows]).argmin(0)}
    assert winners <= {0.3, 1.0}
    one_seed = np.array(LRS)[runs.best_val_loss[rows].argmin(0)]
    assert np.isin(one_seed, [0.1, 0.3, 1.0]).mean() >= 0.95


def test_every_rate_that_the_exercise_calls_as_good_is():
    ends = [float(end) for end in re.findall(r"from (\S+) to (\S+) are", GOOD)[0]]
    settings = [H(lr=lr, batch_size=32, epochs=30) for lr in (*ends, 0.7)]
    loss = five(trained("moons", *settings, seeds=FIVES).best_val_loss)
    lowest = np.minimum(loss.min(0), five(moons()[1].best_val_loss).min(0))
    assert (loss <= 1.15 * lowest).mean(1).min() >= 0.9


def test_u_right_too_long():
    (row,), runs = moons(10.0)
    share = runs.val_loss[row] / runs.val_loss[row, :, :1]
    assert (share[:, -1] > 1).mean() >= MOST
    assert (share.max(1) > 2).all()


@cache
def digits_list():
    """Return the lowest loss of each rate of the two lists (rates, seeds)."""
    return losses(digits(*SHORT, 0.1, 0.3, 1.0, 3.0, 10.0))


def digits(*rates, seeds=TWENTY):
    settings = (H(lr=lr, epochs=10, hidden=(32,)) for lr in rates)
    return trained("digits", *settings, seeds=seeds)


def test_short_list_largest_wins():
    assert (digits_list()[:4].argmin(0) == 3).all()
    assert (digits(*SHORT, seeds=(0,)).best_epoch == 10).all()


def test_log_list_halves_the_loss():
    loss = digits_list()
    long = loss[[0, 2, *range(4, 9)]]
    assert (long.min(0) < loss[:4].min(0) / 2).all()


def test_adam_wants_less():
    rates = [0.0001, 0.001, 0.01, 0.1, 1]
    for name, setting in (("digits", H(epochs=10, hidden=(32,))), ("moons", H())):
        adam = (setting.but(optimizer="adam", lr=lr) for lr in rates)
        loss = losses(trained(name, *adam, seeds=TWENTY))
        assert {*loss.argmin(0)} <= {1, 2, 3}
        if name == "digits":
            assert (loss[4] > 2).all()


def test_digits_nan():
    runs = digits(3.2, 5, 10, 0.1)
    last = runs.val_loss[..., -1]
    assert runs.diverged[:3].all()
    assert not np.isfinite(last[:3]).any()
    assert not np.isfinite(runs.val_loss[1, ..., 3]).any()  # after three epochs
    assert np.isfinite(last[3]).all()


IDS = re.compile(r"<!-- claim: (.+?) -->")
SOURCES = sorted((FOLDER / "src").glob("*.py"))
COUNTS = "test_every_"  # tests of this kind hold no claim


def claimed():
    found = [IDS.findall(source.read_text("utf-8")) for source in SOURCES]
    return {name for ids in found for several in ids for name in several.split()}


def held():
    """Return the ids of all tests of claims, and whether each is held over `repeats`.

    Read off the source of the test and of what it calls and names, and so on.
    """
    found = {}
    for path in sorted(Path(__file__).parent.glob("test_claims*.py")):
        words = {}
        for node in ast.parse(path.read_text("utf-8")).body:
            every = [*ast.walk(node)]
            made = {target.id for target in getattr(node, "targets", ())}
            reads = {getattr(n, "id", getattr(n, "arg", None)) for n in every}
            words |= dict.fromkeys(made | {getattr(node, "name", "")}, reads)
        for name in words:
            if name.startswith("test_") and not name.startswith(COUNTS):
                reached = {name}
                while new := set().union(*map(words.get, reached & {*words})) - reached:
                    reached |= new
                found[name[5:].replace("_", "-")] = repeats.__name__ in reached
    return found


def test_every_claim_has_a_test_and_every_test_a_claim():
    assert claimed() == {*held()}


def test_every_claim_is_held_over_twenty_repeats():
    """Which `repeats` asks for, wherever it is called."""
    assert [name for name, over_repeats in held().items() if not over_repeats] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.stem)
def test_every_result_in_a_lesson_is_a_claim(source):
    """Results stand after "What you see" and, with a number, under "What you saw"."""
    text = re.sub(r"^# ?", "", source.read_text("utf-8"), flags=re.M)
    seen = re.findall(r"\*\*What you see\b.*?(?=\n%%|\n## |\Z)", text, re.S)
    saw = re.search(r"## What you saw\n(.*?)\n## ", text, re.S).group(1)
    bullets = re.findall(r"^- .*?(?=^- |^$|\Z)", saw, re.S | re.M)
    assert bullets
    for said in [*seen, *(b for b in bullets if re.search(r"\d", b))]:
        assert IDS.search(said), said


# Wrong answers to the exercises: see tests/exercises/wrong_answers.py.
def a_run(*, done=5, epochs=5, seed=0, lr=0.1, rows=0):
    """Return what the checks look at in a run."""
    return SimpleNamespace(
        setting=SimpleNamespace(epochs=epochs, lr=lr),
        seed=seed,
        epochs_done=done,
        dataset=hk.load_dataset("moons", seed=rows),
    )


def a_panel(*, run=None, color=None, name=""):
    return a_list(SimpleNamespace(run=run, color=color, name=name))


def a_list(*kept):
    return SimpleNamespace(list=SimpleNamespace(entries=list(kept)))


SET_BY_NOBODY = "weights", "biases", "training loss", "validation loss"
SET_BEFORE = ex_01.hyperparameters.answer()


def loop_with(order, *, first="", last="", end=7, factor=1):
    """Return a loop with one mistake: the steps of a batch, before and after all."""

    def train(net, optimizer, X, y, batch_size):
        import torch

        def take(names, loss=None):
            steps = {"z": optimizer.zero_grad, "s": optimizer.step, "n": net.zero_grad}
            for name in names:
                loss.backward() if name == "b" else steps[name]()

        take(first)
        for start in range(0, end, batch_size):
            rows = slice(start, start + batch_size)
            loss = torch.nn.functional.cross_entropy(net(X[rows]), y[rows])
            take(order, factor * loss)
        take(last)

    return train


# What a hand does in lesson 00.
PANEL = a_panel(run=a_run(done=5, epochs=200), color="orange", name="short")

ALSO_RIGHT = {"loop": lambda _: [loop_with("nbs")]}  # clears those of the network
WRONG = {
    "00/stop": dict(
        not_begun=[a_panel(run=a_run(done=0, epochs=30)), a_list()],
        to_the_end=[a_panel(run=a_run(done=30, epochs=30))],
    ),
    "00/name_it": dict(
        neither=[a_panel()],
        not_named=[a_panel(color="red")],
        not_pinned=[a_panel(name="slow")],
    ),
    "00/seeds": dict(
        not_two=[[a_run()]],
        same_seed=[[a_run(), a_run()]],
        other_setting=[[a_run(), a_run(epochs=6, seed=1)]],
        other_data=[[a_run(), a_run(seed=1, rows=1)]],
    ),
    "01/hyperparameters": dict(
        **{word: [[*SET_BEFORE, word]] for word in SET_BY_NOBODY},
        more=[["learning rate", "epochs"]],
        none=[[]],
        unknown=["momentum"],
    ),
    "01/loop": dict(
        early=[loop_with(order) for order in ("zsb", "snb", "sbz")],
        no_step=[loop_with("zb")],
        no_backward=[
            loop_with("zs"),
            lambda net, optimizer, X, y, batch_size: (net(X).backward, optimizer.step),
        ],
        no_zero_grad=[loop_with("bs")],
        zeroed=[loop_with("bzs")],
        updates=[
            loop_with("b", first="z", last="s"),
            loop_with("zbs", end=6),
            loop_with("zbss"),
            lambda net, optimizer, X, y, batch_size: loop_with("zbs")(
                net, optimizer, X, y, 4
            ),
        ],
        once=[loop_with("bs", first="z", last=last) for last in ("", "z")],
        weights=[loop_with("zbs", factor=1.001)],
        raised=[lambda net, optimizer, X, y, batch_size: net(X).no_such_thing],
        called=[lambda net: None],
    ),
    "01/six_curves": dict(
        changed="A/good, B/good, C/good, E/good, F/good, D/noisy, D/slow/unknown",
    ),
    "02/good_rate": dict(
        too_small=[0.002, 0.05, 0.22], too_large=[8], listed=[1, 0.3055]
    ),
    "02/diverging_rate": dict(learns=[0.1, 1], smaller_too=[10], unknown=[5]),
    "02/worst_to_best": dict(
        reversed=[[0.3, 0.01, 0.001, 10]],
        larger_is_better=[[0.001, 0.01, 0.3, 10]],
        smaller_is_better=[[10, 0.3, 0.01, 0.001]],
        order=[[0.001, 10, 0.3, 0.01]],
        missing=[[10, 0.001, 0.3]],
        kind=[[10, 0.001, 0.3, 0.01, 0.01], {10, 0.001, 0.3, 0.01}],
        empty=[[..., ...]],
    ),
    "02/log_list": dict(
        high_end=[[0.01, 0.02, 0.04, 0.08, 0.16]],
        close=[
            [0.01, 0.02, 0.03, 0.04, 0.05],
            [0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
            [0.2, 0.36, 0.65, 1.2, 2.1, 3.8],
        ],
        low_end=[[3, 6, 12, 24, 48]],
        uneven=[[0.01, 0.4, 0.8, 1.2, 1.6, 5], [0.05, 0.2, 0.8, 3.2, 28]],
        few=[[0.01, 0.1, 1, 10]],
        many=[[0.01, 0.03, 0.1, 0.3, 1, 3, 10]],
        twice=[[0.03, 0.1, 0.1, 0.3, 1, 3]],
    ),
}
