"""Still pictures: what the axes hold is what the chart describes."""

import io

import numpy as np
import pytest
from matplotlib import rcParams
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from hpkit.charts import spec
from hpkit.charts.spec import Axis, Chart
from hpkit.charts.still import add_fallback_font, draw, picture, spread_labels, still

X = np.arange(5.0)


def drawn(*marks, x=None, y=None, **more):
    chart = Chart(x or Axis("epoch", (0, 4)), y or Axis("loss"), list(marks), **more)
    return draw(Figure().subplots(), chart)


def said(ax):
    return [t.get_text() for t in ax.texts]


def test_axes_are_named_and_ticked():
    ax = drawn(x=Axis("learning rate", (0.001, 10), "log"), y=Axis("loss", (0, 0.5)))

    assert (ax.get_xlabel(), ax.get_ylabel()) == ("learning rate", "loss")
    limits = ax.get_xscale(), ax.get_xlim(), ax.get_ylim()
    assert limits == ("log", (0.001, 10), (0, 0.5))
    assert " ".join(t.get_text() for t in ax.get_xticklabels()) == "0.001 0.01 0.1 1 10"
    assert len(ax.get_yticks()) >= 3
    ax = drawn(x=Axis("", (0, 3), ticks=[0.5, 2, 2.1], texts=["a", "b", "near"]))
    assert [t.get_text() for t in ax.get_xticklabels()] == ["a", "b", ""]


@pytest.mark.parametrize(("n", "lines", "seen"), [(4, 1, 4), (9, 2, 9), (25, 1, 9)])
def test_texts_stand_on_two_lines_before_some_are_left_out(n, lines, seen):
    texts = [f"{lr:.4f}" for lr in np.geomspace(0.001, 0.1, n)]
    rows = Axis(kind="band", texts=[str(n) for n in range(30)])
    columns = Axis(kind="band", texts=texts)
    ax = drawn(spec.cells(np.ones((30, len(texts)))), x=columns, y=rows)

    there = [text.get_text() for text in ax.get_xticklabels() if text.get_text()]
    assert len(there) == seen
    assert any(text.startswith("\n") for text in there) == (lines == 2)
    up = [text.get_text() for text in ax.get_yticklabels() if text.get_text()]
    assert up == [str(n) for n in range(0, 30, 2)]


def test_ring_cross_rule_and_band():
    ax = drawn(
        spec.band(X, X * 0 + 0.1, X * 0 + 0.2, color="blue", legend="± 1 sd"),
        spec.ring([2], [0.15], color="orange", label="lowest 0.15"),
        spec.cross([3, 4, 2], label=["diverged", "above", "diverged"]),
        spec.cross([], label="nothing"),
        spec.rule([0.5], across=True),
        spec.rule([1], label="start"),
    )

    ring_, first, second, _, across, upright = ax.lines
    assert ring_.get_xydata().tolist() == pytest.approx(np.array([[2, 0.15]]))
    assert [first.get_xdata()[0], second.get_xdata()[0]] == [3, 4]
    assert first.get_ydata()[0] == 1  # of the height of the axes
    assert across.get_ydata()[0] == 0.5
    assert upright.get_xdata()[0] == 1
    assert sorted(said(ax)) == ["above", "diverged", "lowest 0.15", "start"]
    assert ax.texts[2].xy[0] == 2  # the same words once, beside the first
    assert [t.get_text() for t in ax.get_legend().get_texts()] == ["± 1 sd"]


def test_an_image_fills_the_chart():
    pixels = np.zeros((2, 3, 4), np.uint8)
    pixels[0, 0] = (255, 0, 0, 255)
    ax = drawn(spec.image(pixels))
    (shown,) = ax.images
    assert shown.get_extent() == [0, 4, 0, 1]
    assert shown.get_array()[0, 0].tolist() == [255, 0, 0, 255]
    assert shown.origin == "lower"
    assert ax.get_xlim() == (0, 4)


def test_texts():
    at = [1, 2], [0.5, 0.5]
    ax = drawn(spec.text(*at, ["a", "b"], anchor="end", strong=[True, False]))
    assert said(ax) == ["a", "b"]
    assert [t.get_ha() for t in ax.texts] == ["right", "right"]
    assert [t.get_weight() for t in ax.texts] == ["bold", "normal"]
    made = (
        spec.text(*at, ["a long name", "b"], room=room) for room in (None, 100, 0.1)
    )
    free, wide, narrow = ({t.get_size() for t in drawn(one).texts} for one in made)
    assert free == wide
    assert len(narrow) == 1  # all shrink to their room
    assert max(narrow) < max(free)


def test_dollar_signs_of_names_begin_no_formula():
    name, ax = r"$_ or \no $", Figure().subplots()
    labels = spec.line(X, X, label=name), spec.points(1, 1, label=name, legend=name)
    draw(ax, Chart(Axis(name, kind="band", texts=[name]), Axis(name), [*labels]))
    ax.figure.savefig(io.BytesIO())
    texts = {text.get_text(): text.get_parse_math() for text in ax.findobj(Text)}
    assert texts[name] is False


def test_the_same_charts_give_the_same_bytes():
    charts = [Chart(Axis("x"), Axis("y"), [spec.line([0, 1], [0, 1], label="a")])] * 2
    assert picture(charts, (1, 2)) == picture(charts, (1, 2))
    assert b"<svg" in picture(charts, form="svg")


def test_charts_stand_side_by_side_and_nothing_is_cut():
    one = Chart(
        Axis("learning rate", (1e-5, 1000), "log"),
        Axis("validation loss", (0, 0.005)),
        [spec.line([1, 2], [0, 0.004], label="a rather long name", legend="seeds")],
        title="One",
    )
    figure = still([one, one], (1, 2))
    figure.canvas.draw()

    assert [ax.get_title("left") for ax in figure.axes] == ["One"] * 2
    left, right = (ax.get_position() for ax in figure.axes)
    assert right.width > 1.5 * left.width
    assert (left.y0, left.y1) == (right.y0, right.y1)
    for box in (ax.get_tightbbox() for ax in figure.axes):
        whole = Bbox.union([box, figure.bbox])
        assert (whole.extents == figure.bbox.extents).all()


def test_labels_keep_distance_and_order_and_move_as_little_as_they_can():
    assert spread_labels([0.5, 0.5, 0.9], 0.2) == pytest.approx([0.4, 0.6, 0.9])
    assert spread_labels([0.9, 0.1], 0.1) == pytest.approx([0.9, 0.1])
    rng = np.random.default_rng(0)
    for _ in range(50):
        wanted = rng.uniform(-0.2, 1.2, rng.integers(1, 20))
        placed = spread_labels(wanted, 0.05)
        order = np.argsort(wanted, kind="stable")
        assert (np.diff(placed[order]) > 0.05 - 1e-9).all()
        assert placed.min() >= 0
        assert placed.max() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("there", "last"),
    [
        ("DejaVu Sans", "sans-serif"),
        ("Noto Sans CJK KR, NanumGothic", "NanumGothic"),
        ("Noto Serif CJK JP, Noto Sans CJK JP", "Noto Sans CJK JP"),
    ],
)
def test_pictures_take_letters_from_one_font_more(there, last, monkeypatch):
    monkeypatch.setattr(fontManager, "get_font_names", lambda: there.split(", "))
    monkeypatch.setitem(rcParams, "font.family", ["sans-serif"])
    for _ in range(2):
        add_fallback_font()
    families = rcParams["font.family"]
    assert (families[0], families[-1]) == ("sans-serif", last)
    assert len(families) <= 2
