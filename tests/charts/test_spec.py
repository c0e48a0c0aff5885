"""Charts as data: what the script is sent, and that it is what was described."""

import json

import numpy as np

from hpkit.charts.spec import Axis, Chart, cells, cross, image, line, points, text


def unpacked(data):
    """Return the columns of a mark's data, as chart.js reads them."""
    count = np.frombuffer(data, np.int32, 1)[0]
    shapes = np.frombuffer(data, np.int32, 2 * count, 4).reshape(-1, 2)
    start, columns = 4 + 8 * count, []
    for rows, n in shapes:
        columns.append(np.frombuffer(data, np.float32, rows * n, start))
        columns[-1] = columns[-1].reshape(rows, n)
        start += 4 * rows * n
    assert start == len(data)
    return columns


def test_numbers_and_pixels_come_back_from_their_bytes():
    x, y = np.arange(3), np.array([[1.0, np.nan, 3.0], [0.1, np.inf, -2.0]])
    got_x, got_y = unpacked(line(x, y).data())
    np.testing.assert_array_equal(got_x, [[0, 1, 2]])
    np.testing.assert_array_equal(got_y, y.astype(np.float32))
    assert unpacked(cross([]).data())[0].shape == (1, 0)

    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), np.uint8)
    (packed,) = unpacked(image(pixels).data())
    assert packed.shape == (5, 7)
    assert packed.tobytes() == pixels.tobytes()


def test_spec_is_json():
    chart = Chart(
        Axis("x", kind="band", texts=("a", "b")),
        Axis("y", (0, np.int64(2)), ticks=np.array([0.0, 2.0])),
        [
            points([0, 1], [1, 2], color=("blue", "#ff0000"), label=["one", "two"]),
            text([0], [1], ["here"]),
            # Looks that NumPy worked out can be sent.
            line([0, 1], [0.2, 1], draw="guess", strong=np.True_, width=np.ones(1)),
            cells([[0.5]]),
        ],
        alt="Two points.",
    )

    spec = json.loads(json.dumps(chart.spec()))

    axis = {"label": "x", "kind": "band", "domain": [-0.5, 1.5], "texts": ["a", "b"]}
    assert spec["x"] == axis
    assert spec["y"]["ticks"] == [0, 2]
    assert [m["kind"] for m in spec["marks"]] == ["points", "text", "line", "cells"]
    assert spec["marks"][0]["color"] == ["blue", "#ff0000"]
    assert spec["marks"][2]["draw"] == "guess"
    assert spec["marks"][2]["strong"] is True
    assert spec["alt"] == "Two points."


def test_a_style_is_for_all_or_for_each_and_left_out_where_it_is_none():
    assert line([0], [1], dash=None).spec() == {"kind": "line"}
    mark = line([0], [[1], [2], [3]], color=["blue", "green"], width=2)
    assert [mark.style_at("color", i) for i in range(3)] == ["blue", "green", "green"]
    assert [mark.style_at("width", i) for i in range(3)] == [2, 2, 2]
    assert mark.style_at("dash", 0, "solid") == "solid"
