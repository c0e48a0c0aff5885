"""BowlPanel: gradient descent, step by step."""

import time

import numpy as np
import pytest
from chart_reading import commit, curve, mark, marks, pasted, press, shows, until

from hpkit import BowlPanel


@pytest.mark.parametrize(
    ("lr", "words"),
    [
        (0.3, "stays on one side"),
        (1.0, "ends at the bottom"),
        (1.5, "lands lower"),
        (1.9996, "= 1.9996: between 1 and 2"),
        (2.0, "back and forth"),
        (2.2, "diverges"),
    ],
)
def test_bowl_steps_are_gradient_descent(lr, words):
    bowl = BowlPanel(lr=lr)
    w = -4.0
    for _ in range(4):
        bowl.step_button.click()
        w = w - lr * w

    assert bowl.path[-1] == pytest.approx(w)
    assert words in bowl.result
    assert pasted(bowl)["w"] == pytest.approx(w)


def test_bowl_diverges_exactly_above_two_over_the_curvature():
    bowl = BowlPanel(lr=0.9, steps=20)
    for lr, curvature in ((0.9, 2.0), (1.1, 2.0), (1.1, 1.0)):
        bowl.lr.value, bowl.curvature.value = lr, curvature
        out = lr * curvature > 2
        assert (abs(bowl.path[-1]) > 4) == out
        assert [len(marks(c, "cross")) for c in bowl.charts.charts] == [out, out]
    bowl = BowlPanel(lr=2.5, steps=9)
    for _ in range(2):  # where the ball left, not where it is now
        (cross,), *_ = mark(bowl.charts.charts[0], "cross").columns
        assert cross == 5
        bowl.step()


@pytest.mark.parametrize(
    ("guess", "words"), [(2.0, "is the limit"), (2.5, "was 0.5 away")]
)
def test_bowl_says_how_far_the_guess_was_once_it_shows(guess, words):
    bowl = BowlPanel(lr=1.9, predict=True)
    bowl.guess.widget.value = guess
    bowl.guess.commit()
    bowl.step()
    assert words not in shows(bowl)
    bowl.lr.value = 2.1
    assert words in shows(bowl)


def test_bowl_runs_stops_and_goes_back():
    bowl = BowlPanel(lr=0.1)
    bowl.run_button.click()
    until(lambda: bowl.steps >= 3)
    table = bowl.drawer.children[0].value  # newest first
    assert table.index("<td>2</td>") < table.index("<td>1</td>")
    press(bowl, "stop")
    assert 3 <= bowl.steps < 20
    bowl.reset_button.click()
    assert bowl.steps == 0

    def click(draw=bowl.live.draw):  # while a picture is drawn, just before a step
        draw()
        time.sleep(0.02)  # so slow that it waits for the step after the next
        if bowl.steps == 2:
            bowl.reset()

    bowl.live.draw = click
    press(bowl, "run")
    assert bowl.steps == 0


def test_bowl_says_no_minus_zero_and_is_infinite_without_a_warning():
    bowl = BowlPanel(lr=1.0, steps=3)
    assert "w = <b>0</b>" in shows(bowl)
    assert not np.signbit(bowl.frame()[["w", "slope"]].iloc[1:]).any(axis=None)
    bowl.lr.value = 0
    assert "no step moves" in shows(bowl)
    bowl = BowlPanel(lr=90, steps=200)
    bowl.curvature.value = 50
    assert "inf" in shows(bowl)
    assert np.isinf(bowl.path[-1])
    assert all(marks(chart, "cross") for chart in bowl.charts.charts)


def test_bowl_shows_every_step_on_both_charts():
    bowl = BowlPanel(lr=0.3, steps=3)
    picture, curve_of = bowl.charts.charts
    dots, ball = marks(picture, "points")
    steps, losses = curve(curve_of)

    np.testing.assert_allclose([*dots.columns[0][0], *ball.columns[0][0]], bowl.path)
    np.testing.assert_allclose(losses, bowl.frame().loss, rtol=1e-6)
    assert steps.tolist() == [0, 1, 2, 3]
    assert dots.get("label") == ["start", "", ""]
    assert ball.get("label") == "now"
    bowl.curvature.value = 4.0
    for chart in bowl.charts.charts:
        # Above the start, 4 / 2 * 4 ** 2; less than 4 times 15: it looks steeper.
        assert chart.y.domain[1] == pytest.approx(1.5 * 32)


def test_bowl_says_the_guess_and_drops_it_with_its_question():
    bowl = BowlPanel(lr=2.1, predict=True)
    assert "hp-shown" in bowl._dom_classes  # not covered, unless steps are shown
    assert "hp-shown" not in BowlPanel(steps=1, predict=True)._dom_classes
    assert "Make your guess" in bowl.result

    commit(bowl, 1.6)
    bowl.step()
    assert "Your guess: <b>1.6</b>. Step 1" in shows(bowl)
    bowl.curvature.value = 0
    assert shows(bowl).startswith("Step 1")
