"""BatchNoisePanel: what a batch size does to the loss."""

import numpy as np
import pytest
from chart_reading import commit, mark, marks, shows

from hpkit import BatchNoisePanel, Dataset


def test_batch_noise_falls_as_the_root_of_the_size_and_is_shown_as_a_whole(moons):
    panel, n = BatchNoisePanel(moons, size=1), len(moons.train.y)
    spread, mean = panel.point_losses.std(), panel.point_losses.mean()

    for size in (1, 4, 16, 64, n):
        panel.size.value = size
        assert f"Batches of {size}" in shows(panel)
        expected = spread * np.sqrt((1 - size / n) / size)
        assert panel.losses.std() == pytest.approx(expected, rel=0.25, abs=1e-12)
        assert panel.losses.mean() == pytest.approx(mean, rel=0.1)
        batches, spreads = panel.charts.charts
        dots, level = mark(batches, "points"), mark(batches, "line", color="ink")
        assert spreads.x.domain[0] < size < spreads.x.domain[1]
        np.testing.assert_allclose(dots.columns[1][0], panel.losses, rtol=1e-6)
        np.testing.assert_allclose(level.columns[1], mean, rtol=1e-6)
    assert mark(batches, "line", color="orange").columns[1].size == 0  # no spread
    few = Dataset.from_arrays(np.arange(20.0)[:, None], np.arange(20) % 2)
    assert "Batches of 2:" in shows(BatchNoisePanel(few, size=2))


def test_batch_noise_collects_the_sizes_looked_at(moons):
    panel = BatchNoisePanel(moons, size=4)
    spread = panel.losses.std()
    panel.size.value = 64
    before, now = marks(panel.charts.charts[1], "points")
    assert before.columns[0].tolist() == [[4]]
    assert before.columns[1].item() == pytest.approx(spread)
    assert now.get("label") == f"{panel.losses.std():#.3g} at 64"
    assert panel.frame().batch_size.tolist() == [4, 64]
    panel.size.value = 8
    panel.size.value = 4
    assert panel.frame().batch_size.tolist() == [64, 8, 4]


@pytest.mark.parametrize(
    ("index", "guess", "verdict"),
    [
        (1, "it halves", "as you guessed."),
        (2, "it falls to a quarter", "your guess was another."),
    ],
)
def test_batch_noise_judges_the_guess(moons, index, guess, verdict):
    panel = BatchNoisePanel(moons, size=4, predict=True)
    commit(panel, index=index)
    start = f"Your guess: <b>{guess}</b>. Batches of "
    assert shows(panel).startswith(f"{start}4:")
    panel.size.value = 16
    assert shows(panel).startswith(f"{start}16:")
    times = panel.spreads[16] / panel.spreads[4]
    assert f", {times:.2f} times as large. So it halves" in panel.result
    assert panel.result.endswith(verdict)
    panel.size.value = 64
    panel.size.value = 256  # more than half of the points: a third
    assert panel.result.endswith(" times as large.")


def test_batch_noise_code_gives_that_spread(moons):
    panel = BatchNoisePanel(moons)
    first, last = panel.code().rsplit("\n", 1)
    names = {}
    exec(f"{first}\nnp.random.seed(0)", names)

    assert eval(last, names) == pytest.approx(panel.losses.std(), rel=0.3)


def test_batch_noise_needs_classes():
    numbers = np.arange(60.0)
    panel = BatchNoisePanel(Dataset.from_arrays(numbers[:, None], numbers))
    assert "needs classes" in panel.result
