"""Training curves by value, and the validation curve."""

import numpy as np
import pytest
from chart_reading import curve, mark, marks

import hpkit as hk
from hpkit.charts.validation import validation_chart, value_axis

MOONS = hk.load_dataset("moons")


@pytest.mark.parametrize(
    ("name", "values", "kind", "ticks"),
    [
        ("lr", [0.001, 0.01, 0.1, 1], "log", ()),
        ("lr", [0.3, 0.01, 0.1], "log", ("0.01", "0.1", "0.3")),
        ("lr", [0.01, 0.02, 0.03], "linear", ("0.01", "0.02", "0.03")),
        ("batch_size", [8, 16, 32, 64], "log", ("8", "16", "32", "64")),
        ("momentum", [0, 0.5, 0.9], "linear", ("0", "0.5", "0.9")),
        ("weight_decay", [0, 1e-4, 1e-2], "band", ("0", "0.0001", "0.01")),
        ("hidden", [(4, 4), (32, 32)], "log", ("4-4", "32-32")),
        ("hidden", [(4,), (16, 16)], "linear", ("4", "16-16")),
        ("hidden", [(), (8,), (8, 8)], "band", ("none", "8", "8-8")),
        ("optimizer", ["sgd", "adam"], "band", ("sgd", "adam")),
        ("lr", [0.1], "linear", ("0.1",)),
        ("lr", [1, 10, 100], "log", ("1", "10", "100")),
        ("lr", [0.1, 1], "log", ("0.1", "1")),
        ("epochs", [5, 10, 20], "linear", ("5", "10", "20")),
        ("batch_size", [1, 2, 3], "linear", ("1", "2", "3")),
        ("weight_decay", [0, 1, 10], "band", ("0", "1", "10")),
    ],
)
def test_values_choose_their_axis(name, values, kind, ticks):
    axis, at = value_axis(name, values)
    assert (axis.kind, tuple(axis.texts)) == (kind, ticks)
    low, high = axis.domain
    assert low < at.min() <= at.max() < high
    assert len(set(at)) == len(values)


def test_the_plot_of_a_curve_has_more_on_it_than_the_panel():
    base, lrs = hk.Hyperparameters(epochs=4), [0.01, 0.03, 1000.0]
    found = hk.grid_search(MOONS, base, lr=lrs, seeds=range(2))
    folds = validation_chart(hk.grid_search(MOONS, base, lr=lrs, cv=2))
    assert mark(folds, "band").get("legend") == "spread over folds"
    plain, full = validation_chart(found), validation_chart(found, last=True)

    assert [m.kind for m in plain.marks] == [m.kind for m in full.marks]
    _, last = curve(full, label="last epoch")
    np.testing.assert_allclose(last, found.scores("last")[:2], rtol=1e-6)
    ends, start = curve(full, label="before training")
    assert ends == pytest.approx(full.x.domain)
    assert start == pytest.approx(2 * [found.val_loss[:, :, 0].mean()])
    dots = mark(full, "points", opacity=0.45).columns[1]
    np.testing.assert_allclose(dots[0][:4], found.best_val_loss[:2].ravel(), rtol=1e-6)
    (label,) = mark(full, "ring").get("label")
    assert label == f"lowest {found.mean_val_loss[1]:.3g} at 0.03"  # 1000 was tried
    assert not marks(plain, "line", label="before training")
    assert not marks(plain, "line", label="last epoch")


def test_a_curve_that_is_best_at_its_end_says_where_to_look():
    found = hk.validation_curve(
        MOONS, hk.Hyperparameters(epochs=4), param_name="lr", param_range=[0.01, 0.02]
    )
    for last, words in ((True, ": look further right"), (False, "")):
        (label,) = mark(validation_chart(found, last=last), "ring").get("label")
        assert label == f"lowest {found.mean_val_loss[1]:.3g} at 0.02{words}"
