"""Data sets: the committed files, fresh draws, and one's own tables."""

import inspect
import re

import make
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_wine

from hpkit.data.datasets import SOURCES, Dataset, data_folder, load_dataset


@pytest.mark.parametrize("name", SOURCES)
def test_load_gives_the_promised_sizes_and_classes_and_rows_by_seed(name):
    data, zero, first, second = (load_dataset(name, s) for s in (None, 0, 1, 2))
    for one in (data, zero, first, second):
        sizes = tuple(len(split.y) for split in (one.train, one.valid, one.test))
        assert (sizes, one.features) == (SOURCES[name].sizes, data.features)
    for split in ("train", "valid", "test"):  # seed 0 gives the rows of the file
        np.testing.assert_equal(*(vars(getattr(one, split)) for one in (data, zero)))
    assert not np.allclose(first.train.X, second.train.X)
    X, y = data.train.X, data.train.y
    assert {*y} == {*range(data.n_outputs)}
    assert X.shape == (sizes[0], data.n_features)
    assert (X.dtype, y.dtype) == (np.float64, np.int64)


def test_files_are_made_again_byte_for_byte():
    assert make.main(["--check"]) == 0


@pytest.mark.parametrize("load", [load_digits, load_wine])
def test_measured_file_holds_the_rows_of_the_source(load):
    name, source = load.__name__.removeprefix("load_"), load()
    table = pd.read_csv(data_folder() / f"{name}.csv").drop(columns="split")
    mine, theirs = table.to_numpy(), np.column_stack([source.data, source.target])
    assert np.allclose(sorted(map(tuple, mine)), sorted(map(tuple, theirs)))


@pytest.mark.parametrize("name", ["digits", "wine"])
def test_standardised_with_training_rows_only(name):
    data = load_dataset(name)
    assert np.allclose(data.train.X.mean(0), 0)
    assert np.allclose(data.train.X.std(0), np.ptp(data.train.X, 0) > 0)
    assert not np.allclose(data.valid.X.mean(0), 0, atol=1e-3)


def test_splits_share_no_row_and_cannot_be_changed_by_accident():
    data = load_dataset("moons")
    rows = np.concatenate([data.train.X, data.valid.X, data.test.X])
    assert len(np.unique(rows, axis=0)) == len(rows)
    with pytest.raises(ValueError, match="read-only"):
        data.train.X[0, 0] = 1
    assert load_dataset("moons") is load_dataset("moons", seed=None) is data


def test_from_frame_splits_each_class_in_the_same_shares():
    frame = pd.DataFrame({"a": np.arange(100.0), "kind": ["x"] * 80 + ["y"] * 20})

    data = Dataset.from_frame(frame, "kind", valid=0.25, test=0.25)

    splits = data.train, data.valid, data.test
    assert data.classes == ("x", "y")
    for split, size in zip(splits, (50, 25, 25), strict=True):
        assert len(split.y) == size
        assert split.y.mean() == pytest.approx(0.2)
    assert data.train.X.mean() == pytest.approx(0)
    assert data.scaled([[data.center[0]]]) == pytest.approx(0)
    raw = np.concatenate([s.X for s in splits]) * data.scale + data.center
    assert sorted(raw.round().ravel()) == list(range(100))  # every row once
    assert (data.target_center, data.target_scale) == (0, 1)
    for maker in (Dataset.from_frame, Dataset.from_arrays):
        defaults = inspect.signature(maker).parameters
        shares = [defaults[name].default for name in ("valid", "test", "seed")]
        assert shares == [0.2, 0.2, 0]


BAD_FRAMES = {
    "gap": (pd.DataFrame({"a": range(20), "y": [0, None] * 10}), "y \\(10\\)"),
    "text": (
        pd.DataFrame({"a": [*"abcdefghijklmno"], "y": [0, 1, 1] * 5}),
        "every row",
    ),
    "texts": (pd.DataFrame({"a": [*"abcdefghijklmnn"], "y": [0, 1, 1] * 5}), "14 di"),
    "12%": (
        pd.DataFrame({"a": ["1%", "-2 %"] * 9, "y": [0, 1] * 9}),
        "'-2 %'.*replace",
    ),
    "1,5": (pd.DataFrame({"a": ["1,5", "2"] * 9, "y": [0, 1] * 9}), "decimal="),
    "percent": (pd.DataFrame({"a": 1, "y": [f"{k}%" for k in range(21)]}), "'0%'; ta"),
    "one class": (pd.DataFrame({"a": range(20), "y": ["z"] * 20}), "class 'z' alone"),
    "one number": (pd.DataFrame({"a": range(20), "y": [0] * 20}), "class 0 alone;"),
    "rare number": (pd.DataFrame({"a": range(20), "y": [0] * 18 + [1] * 2}), "2 of 1;"),
    "rare class": (pd.DataFrame({"a": range(20), "y": [0] * 18 + [1] * 2}), "3 rows"),
    "few rows": (pd.DataFrame({"a": range(3), "y": [*"abc"]}), "3 rows"),
    "no such column": (pd.DataFrame({"a": range(20)}), "a column out of 'a'"),
    "empty text": (pd.DataFrame({"a": range(20), "y": ["a", ""] * 10}), "y \\(10\\)"),
    "semicolons": (pd.DataFrame({"a;y": ["1;0"] * 20}), 'sep=";"'),
    "no rows": (pd.DataFrame({"a": [], "y": []}), "none"),
    "no columns": (pd.DataFrame({"y": [0, 1] * 10}), "got y alone"),
    "one name twice": (pd.DataFrame(np.eye(20)[:, :3], columns=[*"aay"]), "names"),
    "huge": (pd.DataFrame({"a": np.arange(20) * 1e300, "y": [0, 1] * 10}), "1e\\+100"),
    "huge target": (pd.DataFrame({"a": range(20), "y": np.arange(20) * 1e300}), "1e"),
    "infinite": (pd.DataFrame({"a": [np.inf, 1] * 10, "y": [0, 1] * 10}), "infinite"),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_bad_table_is_refused_in_three_parts(case):
    frame, words = BAD_FRAMES[case]
    with pytest.raises(ValueError, match=words) as error:
        Dataset.from_frame(frame, "y")
    assert re.search("(must|needs) .*got", str(error.value))


@pytest.mark.parametrize("target", [["y"], np.array(["y"]), None, 5, {"y": 1}])
def test_target_must_be_one_column(target):
    frame = pd.DataFrame({"a": range(20), "y": [0, 1] * 10})
    with pytest.raises(ValueError, match=r"target must .* out of 'a', 'y'"):
        Dataset.from_frame(frame, target)


@pytest.mark.parametrize("gap", [np.nan, np.inf, -np.inf])
def test_rows_with_a_gap_are_counted(gap):
    X, y = np.arange(60.0).reshape(20, 3), np.arange(20.0)
    X[3, 0] = X[3, 2] = X[7, 1] = y[7] = y[9] = gap
    with pytest.raises(ValueError, match="got 3 rows with some in x1, x2, x3, y; le"):
        Dataset.from_arrays(X, y)
    y[9] = y[7] = 0.5
    frame = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y)
    if np.isinf(gap):
        with pytest.raises(ValueError, match="got 2 rows with some in a, b, c; leave"):
            Dataset.from_frame(frame, "y")
    huge = frame.replace([np.inf, -np.inf], 0).assign(b=[1e101, *range(19)])
    with pytest.raises(ValueError, match="got 1 row with some in b; leave"):
        Dataset.from_frame(huge, "y")


@pytest.mark.parametrize("features", [["a"], ["a", "b", "c"], "ab", 3, [1, 2], []])
def test_every_feature_needs_a_name(features):
    with pytest.raises((ValueError, TypeError), match=r"got .*; write 2 names"):
        Dataset.from_arrays(np.eye(20)[:, :2], [0, 1] * 10, features=features)


@pytest.mark.parametrize("gap", [None, np.nan, pd.NaT, pd.NA])
def test_gaps_in_a_target_of_any_kind_are_refused(gap):
    y = np.array(["a", "b", *"abab" * 4, "a", gap], object)
    with pytest.raises(ValueError, match="no missing or infinite values, got 1 row"):
        Dataset.from_arrays(np.eye(20), y)
    y[-1] = "b"
    assert Dataset.from_arrays(np.eye(20), y).classes == ("a", "b")
    y[y == "a"] = 5
    assert Dataset.from_arrays(np.eye(20), y).classes == ("5", "b")


@pytest.mark.parametrize(
    ("values", "regression"),
    [([1.0, 2, 3], False), ([1, 1.5, 2], True), (range(20), False), (range(21), True)],
)
def test_numbers_are_classes_only_if_all_are_whole_and_few(values, regression):
    X, y = np.arange(60.0)[:, None], np.resize(np.array(values), 60)
    assert Dataset.from_arrays(X, y).is_regression == regression


def test_rows_are_known_by_the_same_letters_everywhere():
    """Rounded to six digits; the letters are in the files of earlier versions."""
    rows = [range(2), range(2, 4), range(4, 6)]
    about = np.arange(6) % 2, rows, ["a"], ("0", "1")
    numbers = (np.full((6, 1), x) for x in (0.0, -4e-7, 6e-7))
    data = (Dataset.of_rows("z", X, *about, standardize=False) for X in numbers)
    zero, near, other = (one.fingerprint for one in data)
    assert load_dataset("small_moons").fingerprint == "68a3aee0"
    assert zero == near != other


@pytest.mark.parametrize(
    ("valid", "test", "sizes"), [(0.1, 0.4, [50, 10, 40]), (0.3, 0.05, [65, 30, 5])]
)
def test_valid_and_test_of_a_regression_take_shares_of_their_own(valid, test, sizes):
    y = 300 + np.linspace(0, 1, 100)
    data = Dataset.from_arrays(np.eye(100), y, valid=valid, test=test)
    assert [len(part.y) for part in (data.train, data.valid, data.test)] == sizes
    y = data.train.y
    assert (data.n_outputs, y.mean(), y.std()) == pytest.approx((1, 0, 1), abs=1e-9)
    assert (y * data.target_scale + data.target_center).min() >= 300
    assert Dataset.from_arrays(np.eye(100), np.full(100, 2.5)).target_scale == 1


@example(3, 0.05, 0.9)
@given(st.integers(3, 12), st.floats(0.01, 0.9), st.floats(0.01, 0.9))
@hypothesis_settings(max_examples=60, deadline=None)
def test_splits_hold_every_class_in_any_shares(count, valid, test):
    if valid + test > 0.95:
        return
    y = np.repeat([0, 1], (count, 4 * count))
    data = Dataset.from_arrays(np.eye(len(y)), y, valid=valid, test=test)

    for own, rows in enumerate((count, 4 * count)):
        assert own in data.train.y
        sizes = [(s.y == own).sum() for s in (data.valid, data.test)]
        for size, share in zip(sizes, (valid, test), strict=True):
            assert 1 <= size <= max(1, round(share * rows))
        assert sum(sizes) < rows
        if rows * (1 - valid - test) >= 1 and rows * min(valid, test) >= 1:
            assert abs(sizes[0] - valid * rows) <= 0.5
            assert abs(sizes[1] - test * rows) <= 0.5


def test_load_dataset_takes_no_odd_values():
    for name in (["moons"], np.array(["moons"]), {}, None, 3, "moon"):
        with pytest.raises(ValueError, match=r"must be one of 'moons'.*, got"):
            load_dataset(name)
    assert load_dataset("small_moons", 2**32 - 1).n_train == 50
    for seed in (2**32, True, "0", [], 10**400, -1):
        with pytest.raises((ValueError, TypeError), match=r"seed must be.*, got"):
            load_dataset("moons", seed)
    told = (data_folder() / "README.md").read_text("utf-8")
    for name in SOURCES:
        assert repr(name) in load_dataset.__doc__
        assert f"\n| {name} | " in told


def test_wrong_kinds_are_refused():
    halves = {"valid": 0.5, "test": 0.5}
    for error, X, y, more, words in (
        (TypeError, [["a"]], [0], {}, "numbers"),
        (TypeError, np.eye(20) + 1j, [0, 1] * 10, {}, r"real numbers.*abs\(X\)"),
        (TypeError, np.eye(20), [[1], [1, 2]] * 10, {}, "y one value a row"),
        (TypeError, np.eye(20).astype("m8[D]"), [0, 1] * 10, {}, "dates"),
        (ValueError, np.ma.masked_equal(np.eye(20), 1), [0, 1] * 10, {}, "20 rows"),
        (ValueError, np.eye(20), np.ma.masked_equal([0, 1] * 10, 0), {}, "10 rows"),
        (ValueError, np.eye(20), ["a", *"ab" * 9, np.nan], {}, "got 1 row with"),
        (ValueError, np.zeros((10, 8, 8)), [0, 1] * 5, {}, r"reshape\(len\(X\), -1\)"),
        (ValueError, np.eye(20), np.eye(20)[:, :2], {}, r"\(20, 2\); .*argmax"),
        (ValueError, np.zeros((10, 1)), [0, 1] * 5, halves, "leave rows to train"),
        (ValueError, np.eye(20), [*"ab"] * 10, {"task": "regression"}, "got 'a'"),
        (ValueError, np.eye(9), np.arange(9) / 3, {}, "got 9"),
        (ValueError, np.eye(20), [0, 1] * 10, {"task": "rank"}, "task must be one of"),
    ):
        with pytest.raises(error, match=words):
            Dataset.from_arrays(X, y, **more)
    with pytest.raises(TypeError, match=r"pandas DataFrame, got list"):
        Dataset.from_frame([1, 2], "y")
    column = np.arange(10)[:, None].astype(object) / 3  # of a mixed table, say
    assert Dataset.from_arrays(np.eye(10), column).is_regression
    widest = np.linspace(-1e100, 1e100, 20)[:, None]
    assert Dataset.from_arrays(widest, [0, 1] * 10).n_train == 12


def test_no_more_than_six_columns_are_named():
    names = [f"c{i}" for i in range(7)]
    X, y = np.eye(20)[:, :7], [0, 1] * 10
    data = Dataset.from_arrays(X, y, features=names)
    for rows in (pd.DataFrame({"x": [1]}), np.full((1, 7), np.inf)):
        with pytest.raises(ValueError, match=r"c0, .*, c5;"):
            data.prepare(rows)
    with pytest.raises(ValueError, match=r"got \(1,\); give the 7 columns"):
        data.prepare([1])
