"""Tables as they are: text, gaps, groups, time; nothing leaks, all is said."""

import pickle
import re
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import hpkit as hk
from hpkit.data import tables
from hpkit.data.datasets import Dataset, make_folds
from hpkit.locale import words

N, SPLITS = 240, ("train", "valid", "test")


def messy(seed=0):
    """Return a table with text, gaps, ids, days and visits of the same patients."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "row": np.arange(N),
            "age": rng.normal(40, 9, N).round(),
            "dose": rng.integers(0, 5, N),
            "city": rng.choice(["Bonn", "Oslo", "Rome"], N),
            "ward": rng.choice([3.0, 7.0, np.nan], N),
            "patient": rng.integers(0, 40, N),
            "day": rng.permutation(pd.date_range("2026", periods=N // 2).repeat(2)),
            "split": rng.choice(SPLITS, N, p=[0.6, 0.2, 0.2]),
        }
    )
    frame.loc[rng.random(N) < 0.1, "age"] = np.nan
    frame["sick"] = np.where(frame.dose + rng.normal(size=N) > 2, "yes", "no")
    return frame


def made(frame, **how):
    """Return its data set, rows known by their number; days only where they cut."""
    extra = {"patient": "groups", "day": "time", "split": "splits"}
    drop = [name for name, what in extra.items() if how.get(what) != name]
    how = {"categorical": ["ward"], "standardize": ["age", "dose"]} | how
    return Dataset.from_frame(frame.drop(columns=drop), "sick", **how)


def note(key, names="", **facts):
    """Return a sentence of `Dataset.notes` by its key in the locale, with all facts."""
    said = words("data")["notes"][key].format(names=names, **facts)
    assert all(str(fact) in said for fact in (names, *facts.values())), said
    return said


def rows_of(data):
    return [split.X[:, 0].astype(int) for split in (data.train, data.valid, data.test)]


def by_sklearn(frame, train):
    """Return the columns in the same order, prepared by scikit-learn."""
    ward = frame.ward.map({3.0: "3", 7.0: "7"}).fillna("")
    frame = frame.assign(gap=frame.age.isna() * 1.0, ward=ward)
    columns = make_column_transformer(
        ("passthrough", ["row"]),
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["age"]),
        ("passthrough", ["gap"]),
        (StandardScaler(), ["dose"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city", "ward"]),
    )
    return columns.fit(frame.iloc[train]).transform(frame)


@pytest.mark.parametrize("seed", range(3))
def test_columns_are_those_of_scikit_learn_fitted_on_the_training_rows(seed):
    frame = messy(seed)

    data = made(frame, seed=seed)

    expected = by_sklearn(frame, rows_of(data)[0])
    splits = data.train, data.valid, data.test
    for split, rows in zip(splits, rows_of(data), strict=True):
        np.testing.assert_allclose(split.X, expected[rows], atol=1e-12)
        assert ((split.y == 1) == (frame.sick[rows] == "yes")).all()
    names = "row, age, age is missing, dose, city=Bonn, city=Oslo, city=Rome"
    assert ", ".join(data.features) == f"{names}, ward is missing, ward=3, ward=7"
    new = frame[[*data.columns]]
    polars = SimpleNamespace(to_pandas=new.copy)
    for raw in (new, polars, new.iloc[:, ::-1], new.to_numpy()):
        np.testing.assert_allclose(data.scaled(raw), expected, atol=1e-12)
    one = new.iloc[5]
    for raw in (one, one.to_dict(), [one.to_dict()], one.tolist()):
        np.testing.assert_allclose(data.scaled(raw), expected[[5]], atol=1e-12)
    other = frame.assign(city=frame.city.where(~frame.index.isin(rows), "Lima"))
    found = made(other, seed=seed)  # rows of the test set do not count
    assert found.preparation == data.preparation
    assert note("unknown", "city=Lima") in repr(found)
    assert (found.test.X[:, 4:7] == 0).all()


@pytest.mark.parametrize("seed", range(4))
def test_groups_stay_together_and_times_in_order(seed):
    frame = messy(seed)

    grouped = made(frame, groups="patient", seed=seed)
    ordered = made(frame, time="day", valid=0.1 + seed / 20)
    own = made(frame, splits="split")

    patients = [{*frame.patient[rows]} for rows in rows_of(grouped)]
    assert sum(map(len, patients)) == len(set.union(*patients))
    sizes = [len(rows) / N for rows in rows_of(grouped)]
    assert sizes == pytest.approx([0.6, 0.2, 0.2], abs=0.06)
    train, valid, test = (frame.day[rows] for rows in rows_of(ordered))
    assert train.max() < valid.min() <= valid.max() < test.min()
    sizes = [len(valid) / N, len(test) / N]
    assert sizes == pytest.approx([0.1 + seed / 20, 0.2], abs=0.01)
    last = made(frame.assign(day=range(N)), time="day", test=0.001)
    assert len(last.test.y) == 1  # at least
    for name, rows in zip(SPLITS, rows_of(own), strict=True):
        assert (frame.split[rows] == name).all()
    for data, name in ((grouped, "patient"), (ordered, "day"), (own, "split")):
        assert name not in data.columns
        assert name in repr(data)
    other = made(frame, groups="patient", seed=9)
    assert [*rows_of(grouped)[0]] != [*rows_of(other)[0]]


@pytest.mark.parametrize("how", [{"groups": "patient"}, {"time": "day"}, {}])
def test_each_fold_is_prepared_by_its_own_rows(how):
    frame = messy()
    first = made(frame, **how)
    data = pickle.loads(pickle.dumps(first))
    parts, again = ({d, d.train, d._table} for d in (first, data))
    assert len(parts | again) == 6  # told apart by identity
    for part in (*parts, first.preparation[0]):
        with pytest.raises(AttributeError, match="cannot assign"):
            part.name = "other"
    rest = np.concatenate(rows_of(data)[:2])

    folds = [*make_folds(data, 4, np.random.default_rng(0))]

    assert len(folds) == 4
    for fold in folds:
        learn, held, none = rows_of(fold)
        expected = by_sklearn(frame, learn)
        np.testing.assert_allclose(fold.train.X, expected[learn], atol=1e-12)
        np.testing.assert_allclose(fold.valid.X, expected[held], atol=1e-12)
        assert not len(none)
        assert {*learn}.isdisjoint(held)
        if "groups" in how:
            assert {*frame.patient[learn]}.isdisjoint(frame.patient[held])
        assert fold.cut_by == "".join(how)
        if "time" in how:
            assert frame.day[learn].max() < frame.day[held].min()
            assert len(held) == pytest.approx(len(rest) / 5, abs=2)
        else:
            assert {*learn} | {*held} == {*rest}
    held = np.concatenate([rows_of(fold)[1] for fold in folds])
    assert len({*held}) == len(held)
    if not how:  # each has its share of every class
        assert np.ptp([np.bincount(fold.valid.y) for fold in folds], axis=0).max() <= 1
    setting = hk.Hyperparameters(epochs=1, batch_size=8)
    assert np.isfinite(hk.cross_validate(data, setting, folds=4)).all()
    if "time" in how:
        with pytest.raises(ValueError, match="must be cut once"):
            hk.cross_validate(data, setting, repeats=2)
        with pytest.raises(ValueError, match="fold must have times"):
            hk.cross_validate(data, setting, folds=180)


def test_folds_have_the_columns_of_the_data_whichever_rows_they_hold():
    frame = pd.DataFrame({"city": [*"ab" * 20, "rare", "rare"], "x": range(42)})
    frame = frame.assign(x=frame.x.where(frame.x != 7), y=[0, 1] * 21)
    data = hk.Dataset.from_frame(frame, "y", seed=2)
    assert data.features == ("city=a", "city=b", "city=rare", "x", "x is missing")
    for fold in make_folds(data, 4, np.random.default_rng(0)):
        assert fold.features == data.features
        assert np.isfinite(fold.train.X).all()
        # As a new row: through weights of which nothing was learned comes nothing.
        assert fold.train.X[:, 2].any() or not fold.valid.X[:, 2].any()


def test_losses_of_folds_are_in_the_same_units():
    frame = pd.DataFrame({"x": range(60), "t": range(60)})
    data = hk.Dataset.from_frame(frame.assign(y=frame.x**2.5), "y", time="t")
    for fold in make_folds(data, 4, np.random.default_rng(0)):
        assert fold.target_scale == data.target_scale
        y = fold.valid.y * data.target_scale + data.target_center
        assert y == pytest.approx(fold._table.y[len(fold.train.y) :][: len(y)])


def test_what_was_done_is_said():
    frame = messy().assign(sick=["ill"] + ["well"] * 19 * (N // 20) + ["ill"] * 11)

    gaps = "age ({age}), ward ({ward})".format(**frame.isna().sum())
    uneven = {"most": "well", "shares": "95.83/95.83", "rare": "ill", "parts": "8/2/2"}

    assert made(frame).notes == (
        note("categories", "city (3), ward (3)"),
        note("gaps", gaps),
        note("codes", "dose (5)"),
        note("ids", "row"),
        note("uneven", **uneven, count=12, k=0),
    )
    for n, how, told in (2, {}, 1), (3, {}, 0), (2, {"groups": "patient"}, 0):
        again = made(pd.concat([frame] * n), **how).notes
        assert again.count(note("copies", count=(n - 1) * N)) == told
    assert hk.load_dataset("moons").notes == ()


def test_what_predicts_otherwise_than_it_looks_is_said():
    frame = pd.DataFrame({"x": np.arange(90.0) ** 2, "same": 7, "y": [1, 2, 5] * 30})
    frame.loc[frame.y.eq(5) & (frame.x > 900), "y"] = 1
    frame["land"], frame["pay"] = "US", ["no", "No ", "yes"] * 30
    polars = SimpleNamespace(to_pandas=frame.copy)
    data = Dataset.from_frame(polars, "y", time="x")
    _, alike, constant, _, _, *others = data.notes
    assert [alike, constant, *others] == [
        note("alike", "pay"),
        note("constant", "same, land"),
        note("numbers", k=0, name=1),
        note("amounts", count=3),
        note("valid", "5"),
        note("test", "5"),
    ]
    codes = frame.assign(y=np.arange(90) % 26)
    assert note("named", count=26) in Dataset.from_frame(codes, "y").notes
    assert Dataset.from_arrays(frame[["x", "same"]], frame.y).features == ("x", "same")
    with pytest.raises(ValueError, match="1 row with some in x; leave"):
        Dataset.from_arrays(frame[["x", "same"]].replace(0, np.nan), frame.y)
    frame["y"] = ["no", "No ", "yes"] * 30
    frame.index = pd.date_range("2026", periods=90)
    data = Dataset.from_frame(frame, "y")
    assert {note("dated"), note("classes_alike", "'No ', 'no'")} <= {*data.notes}
    wide = frame[["x", "same", "y"]].assign(**{f"same{k}": 7 for k in range(29)})
    assert "same18, ... (30). The" in Dataset.from_frame(wide, "y").notes[0]
    assert "same18. The" in Dataset.from_frame(wide.iloc[:, :22], "y").notes[0]


def test_a_row_that_is_typed_has_its_categories_as_they_are():
    frame = pd.DataFrame({"a": [True, None] * 9, "x": 1.0, "y": [0, 1] * 9})
    data = Dataset.from_frame(frame, "y")
    assert data.features == ("a is missing", "a=True", "x")
    assert data.prepare([True, 1.0]).tolist() == [[0, 1, 1]]


@pytest.mark.parametrize("gap", [None, np.nan, pd.NA])
@pytest.mark.parametrize("kept", [False, True])
def test_a_first_gap_in_new_rows_gets_the_median_of_training_rows(gap, kept, tmp_path):
    frame = messy()
    data = made(frame)
    run = hk.fit(data, hk.Hyperparameters(epochs=2, lr=0.1))
    run = hk.load_model(run.save(tmp_path / "run.pt")) if kept else run
    new, median = frame[[*data.columns]].head(3), frame.dose[rows_of(data)[0]].median()

    with pytest.warns(UserWarning, match="No training row has a gap in dose: ") as said:
        found = run.predict_proba(new.assign(dose=gap))
    with pytest.warns(UserWarning, match=r"city has .* no training .*, 'Lima'") as more:
        run.predict_proba(new.assign(city="Lima"))
    with pytest.warns(UserWarning, match="'Lima'") as direct:
        assert (run.dataset.scaled(new.assign(city="Lima"))[:, 4:7] == 0).all()
    with pytest.warns(UserWarning, match="city has values .* a gap:"):
        run.predict_proba(new.assign(city=gap))
    assert {warned.filename for warned in (*said, *more, *direct)} == {__file__}

    np.testing.assert_array_equal(found, run.predict_proba(new.assign(dose=median)))
    module = run.to_module()(torch.tensor(run.dataset.prepare(new)))
    np.testing.assert_allclose(module.detach(), run.predict_proba(new), atol=1e-12)


def test_a_blank_in_new_rows_is_a_gap():
    code = [3, 7, np.nan, 9, 3, np.nan, 7, 9, 3] * 3
    frame = pd.DataFrame({"code": code, "x": range(27), "y": [0, 1, 0] * 9})
    data = Dataset.from_frame(frame, "y")
    blank, gap = ({"code": code, "x": "3"} for code in (" ", None))
    assert data.prepare(blank).tolist() == data.prepare(gap).tolist()


def test_rows_without_categories_are_filled_in_a_fold_and_in_arrays():
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    data = Dataset.from_arrays(X, y)
    for one in (data, next(make_folds(data, 3, np.random.default_rng(0)))):
        raw = (one.train.X * one.scale + one.center).round(9)
        assert np.isin(raw, X.round(9)).all()
        median = np.median(raw[:, 1])
        for row in ([0.5, None], [0.5, np.nan], np.array([[0.5, np.nan]])):
            with pytest.warns(UserWarning, match="gap in x2"):
                np.testing.assert_allclose(one.prepare(row), [[0.5, median]])
    assert data._table is None
    for name in ("city", "age"):  # what is not to be had back from X is kept
        assert Dataset.from_frame(messy()[[name, "sick"]], "sick")._table is not None


def test_names_lead_to_columns_even_where_two_are_alike():
    frame = pd.DataFrame({"city": ["a", "b"] * 9, "city=a": range(18), "y": [0, 1] * 9})
    *texts, number = Dataset.from_frame(frame, "y").scale
    assert texts == [1, 1] < [number]
    frame = frame.rename(columns={"city=a": "n"})
    data, new = Dataset.from_frame(frame, "y"), frame[["n", "city"]]  # another order
    tuples = list(new.itertuples(index=False))
    np.testing.assert_array_equal(data.prepare(tuples), data.prepare(new))
    X, names = np.arange(36).reshape(18, 2), ["a b", "c d"]
    blank = Dataset.from_arrays(X, [0, 1] * 9, features=names)
    rows = pd.DataFrame([[1, 2]], columns=names).itertuples(index=False)
    np.testing.assert_array_equal(blank.prepare(list(rows)), [[1, 2]])  # by place


@pytest.mark.parametrize("odd", ["12,5", pd.Timestamp("2026"), 1j])
def test_what_is_no_number_in_new_rows_is_named(odd):
    frame = messy()
    data = made(frame)
    new = frame[[*data.columns]].head(3).astype({"dose": object})
    new.loc[1, "dose"] = odd
    for rows in (new, new.to_numpy()):
        with pytest.raises(TypeError, match=r"a number in dose, got .*; prepare") as e:
            data.prepare(rows)
        assert repr(odd) in str(e.value)


@pytest.mark.parametrize(("rows", "most"), [(50, 10), (240, 24), (2000, 100)])
def test_texts_of_more_kinds_must_be_named(rows, most):
    def made_with(count):
        city = [f"c{i % count}" for i in range(rows)]
        frame = pd.DataFrame({"city": city, "sick": [0, 1] * (rows // 2)})
        return Dataset.from_frame(frame, "sick")

    assert made_with(most).n_features > 1
    with pytest.raises(ValueError, match="such as 'c0'; drop it"):
        made_with(most + 1)


@pytest.mark.parametrize(
    ("kinds", "odd"), [("1 a", None), ("1 2 a b c", None), ("1 2 a", "a"), ("7 8", "7")]
)
def test_text_is_taken_for_numbers_where_most_of_it_is(kinds, odd):
    kinds = kinds.split()
    frame = pd.DataFrame({"hp": kinds * 30, "sick": [*range(3)] * 10 * len(kinds)})
    if odd is None:
        assert Dataset.from_frame(frame, "sick").n_features == len(kinds)
    else:
        with pytest.raises(ValueError, match=f"such as '{odd}'"):
            Dataset.from_frame(frame, "sick")


@given(st.lists(st.integers(1, 9), min_size=3, max_size=8), st.integers(0, 99))
@hypothesis_settings(deadline=None)
def test_every_part_gets_whole_groups_however_few_there_are(sizes, seed):
    groups, rng = np.repeat(range(len(sizes)), sizes), np.random.default_rng(seed)
    for y in (None, groups % 2):
        parts = tables._split_by_group(groups, (0.6, 0.2, 0.2), rng, y)
        assert all(map(len, parts))
        assert sorted(np.concatenate(parts)) == [*range(len(groups))]
        assert sum(len({*groups[part]}) for part in parts) == len(sizes)


def test_groups_are_cut_so_that_rare_classes_are_everywhere():
    """20 of 300 customers have all the rare rows, 5 each."""
    who = np.repeat(range(300), 5)
    frame = pd.DataFrame({"who": who, "x": who % 7, "y": who < 20})
    for seed in range(20):
        data = Dataset.from_frame(frame, "y", groups="who", seed=seed)
        for part in (data.valid, data.test):
            assert 15 <= (part.y == 1).sum() <= 25
        key, few = np.repeat(range(12), 20), np.tile([0, 1], 120)
        few[(key < 3) & (np.arange(240) % 20 < 6)] = 2  # in three groups
        rng = np.random.default_rng(seed)
        parts = tables._split_by_group(key, (0.6, 0.2, 0.2), rng, few)
        assert [(few[part] == 2).sum() for part in parts] == [6, 6, 6]
        folds = make_folds(data, 4, np.random.default_rng(seed))
        assert {15 <= (fold.valid.y == 1).sum() <= 25 for fold in folds} == {True}


def test_a_column_that_only_names_rows_is_known():
    def known(count, last, name="n"):
        return tables._looks_like_id(name, np.append(np.arange(count - 1.0), last))

    assert all([known(10, 9), known(10, 19), known(10, 99, "PatientID")])
    assert not any([known(9, 8), known(10, 20), known(10, 99)])
    assert not any([known(10, 9.5, "id"), known(10, 0, "id")])


def test_numbers_that_repeat_and_are_named_like_an_id_are_said():
    who = np.repeat(range(20), 3) + 7
    frame = pd.DataFrame(
        {"customer_id": who, "userID": who, "paid": who, "code_id": who}
    )
    frame = frame.assign(id=who % 13, y=[True, False, False] * 20)
    data = Dataset.from_frame(frame, "y", standardize=["customer_id", "userID", "id"])
    assert note("repeated_ids", "customer_id, userID, id") in data.notes
    assert note("numbers", k=1, name="True") in data.notes


def test_what_lies_far_off_or_is_left_in_its_own_units_is_said():
    far = np.append(np.arange(500.0), [50_000.0, np.nan])
    frame = pd.DataFrame({"far": far, "near": far % 500, "y": [0, 1] * 251})
    assert note("far", "far (50000)") in Dataset.from_frame(frame, "y").notes
    data = Dataset.from_frame(frame, "y", standardize=["near"])
    assert note("unscaled", "far") in data.notes
    assert note("far", "far (50000)") not in data.notes


def test_texts_are_too_many_where_letter_case_hardly_matters():
    texts = [f"T{k}" for k in range(200)] + ["t1", "t2"]
    frame = pd.DataFrame({"when": texts * 2, "y": [0, 1] * 202})
    with pytest.raises(ValueError, match=r"drop it, give groups='when'"):
        Dataset.from_frame(frame, "y")


def test_groups_whose_names_differ_only_in_case_or_spaces_are_said():
    frame = pd.DataFrame({"who": ["C1", "C2", "C3 "] * 20, "x": range(60)})
    frame["y"] = frame.x % 7 / 3
    clean = Dataset.from_frame(frame, "y", groups="who")
    frame.loc[:9, "who"] = frame.who[:10].str.lower()
    assert note("alike", "who") not in clean.notes
    assert note("alike", "who") in Dataset.from_frame(frame, "y", groups="who").notes


def test_large_groups_are_cut_near_the_shares_of_the_rows():
    key = np.repeat(["a", "b", "c"], [700, 200, 60])
    for rng in map(np.random.default_rng, range(10)):
        parts = tables._split_by_group(key, (0.6, 0.2, 0.2), rng, None)
        assert [*map(len, parts)] in ([700, 200, 60], [700, 60, 200])


@pytest.mark.parametrize("y", [[0, 1, 2] * 20, np.arange(60) ** 2.5])
def test_a_column_that_alone_tells_the_target_is_said(y):
    y = np.array(y)
    fee = np.where(y > np.median(y), np.nan, y)  # asked of some alone
    ends = np.where(y > np.median(y), np.tile(["m", "z"], 30), "n")
    why = np.where(y == 0, "p", ends)
    frame = pd.DataFrame({"fee": fee, "why": why, "off": np.roll(ends, 1), "y": y})
    frame = frame.assign(near=[5, *y[1:]], mixed=np.roll(np.sort(y), 5))
    said = note("tells", "fee, why, near")
    with pytest.warns(UserWarning, match=re.escape(said)):  # a script shows no notes
        assert said in Dataset.from_frame(frame, "y").notes


@pytest.mark.parametrize(("rare", "told"), [(10, True), (11, False)])
def test_five_times_as_many_are_uneven(rare, told):
    X = np.sqrt(np.arange(50 + rare))
    frame = pd.DataFrame({"x": X, "y": np.repeat([0, 1], (50, rare))})
    assert ("uneven" in "".join(Dataset.from_frame(frame, "y").notes)) == told


def test_a_column_of_equal_numbers_is_not_divided_by_rounding():
    frame = {"self": [*"ab"] * 60, "dose": [0.1] * 119 + [0.2], "y": [0, 1] * 60}
    frame["part"] = np.repeat(["train", "test", "valid"], 40)
    data = Dataset.from_frame(pd.DataFrame(frame), "y", splits="part")
    assert data.features == ("self=a", "self=b", "dose")
    assert data.valid.X[:, 2].max() == pytest.approx(0.1)


def test_numbers_kept_as_objects_are_numbers():
    frame = pd.DataFrame({"x": np.arange(60) / 4, "y": np.arange(60) % 7 / 2})
    wanted, objects = Dataset.from_frame(frame, "y"), frame.astype(object)
    data = Dataset.from_frame(objects, "y")
    assert data.fingerprint == wanted.fingerprint
    objects["code"] = [Decimal(k % 3) for k in range(60)]
    objects["group"] = [2**70 + k % 7 for k in range(60)]
    cut = Dataset.from_frame(objects, "y", categorical=["code"], groups="group")
    assert cut.scaled(objects)[:, 1:].sum(1).tolist() == [1] * 60
    whole = frame.assign(y=[Decimal(k % 2) for k in range(60)], x=[10**400] * 60)
    assert Dataset.from_frame(whole, "y", categorical=["x"]).classes == ("0", "1")


REFUSED = {
    "dates": ({}, {"when": pd.date_range("2026", periods=N)}, "dates in when.*time="),
    "other names": ({"test_size": 0.2}, {}, "got test_size=0.2; write test=0.2"),
    "dates as text": ({}, {"on": ["2026-03-01", "2026-04-01"] * 120}, "'2026-03-01'"),
    "kinds": ({"categorical": ["id"]}, {"id": [*map(str, range(N))]}, "most 99 .*Emb"),
    "numbers as text": ({}, {"hp": ["97", "8", "?"] * 80}, r"such as '\?'.*to_numeric"),
    "decimals": ({}, {"hp": [Decimal(k) / 3 for k in range(N)]}, "to_numeric"),
    "one text": ({}, {"hp": [1.5, "1,234"] * 120}, r"such as '1,234'; .*\.astype\(str"),
    "times": ({}, {"sick": pd.date_range("2026", periods=N)}, r"in sick.*total_sec"),
    "lists": ({}, {"dose": [[1]] * N}, r"one value, got \[1\] in dose"),
    "listed groups": ({"groups": "patient"}, {"patient": [[1]] * N}, r"got \[1\]"),
    "thousands": ({}, {"hp": ["$1,250.50", "$7"] * 120}, r"commas .*str\.replace"),
    "typos": ({}, {"job": [f"{'Kk'[k % 2]}{k % 39}" for k in range(N)]},
              r"got 78 .*, but 39 if .*lower"),
    "several columns": ({}, {"hp": ["1 250 €", "7"] * 120,
                        "on": pd.date_range("2026", periods=N),
                        "name": [*map("p{}".format, range(N))]},
                        r"(?s)in on; .*in hp, .*of name, "),
    "empty": ({}, {"none": np.nan}, "none; drop it"),
    "empty where trained": ({"splits": "split"}, {"split": [*SPLITS] * 80,
                            "dose": [np.nan, 1, 2] * 80}, "none in dose; drop it"),
    "gap in groups": ({"groups": "patient"}, {"patient": np.nan}, r"patient \(240\)"),
    "two cuts": ({"groups": "patient", "time": "day"}, {}, "groups, time"),
    "few groups": ({"groups": "patient"}, {"patient": [1, 2] * (N // 2)}, "got 2"),
    "periods": ({"time": "day"}, {"day": pd.period_range("2026", periods=N)},
                "dates or numbers, got Period"),
    "time is text": ({"time": "day"}, {"day": ["May", *["June"] * (N - 1)]},
                     "got 'May'.*to_datetime"),
    "one time": ({"time": "day"}, {"day": 3}, "none for train by time"),
    "class unseen": ({"time": "day"},
                     {"day": range(N), "sick": [0] * 200 + [1, 2] * 20}, "none of 1;"),
    "other split": ({"splits": "split"}, {"split": ["dev", *["test"] * (N - 1)]},
                    "got 'dev'.*replace"),
    "no test": ({"splits": "split"}, {"split": ["train", "valid"] * 120}, "for test"),
    "seed": ({"time": "day", "seed": 2}, {}, "without a seed, got 2"),
    "shares": ({"splits": "split", "valid": 0.3}, {}, "must be left out"),
    "no column": ({"groups": "who"}, {}, "groups must name a column"),
    "target": ({"groups": "sick"}, {}, "a column other than the target"),
    "categorical": ({"categorical": ["who"]}, {}, "categorical must name"),
    "text standardized": ({"standardize": ["city"]}, {}, "of 'row', 'age', 'dose',"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_safe_is_refused_in_three_parts(case, monkeypatch):
    monkeypatch.setattr(tables, "_MAX_COLUMNS", 99)
    how, columns, words = REFUSED[case]
    with pytest.raises((ValueError, TypeError), match=words) as error:
        made(messy().assign(**columns), **how)
    assert re.search("(?s)must.*, got ", str(error.value))


def test_what_is_named_as_a_category_is_taken():
    frame = messy().assign(name=[f"p{i % 90}" for i in range(N)])
    with pytest.raises(ValueError, match="different names, got 'row'; rename"):
        Dataset.from_frame(pd.concat([frame] * 2, axis=1), "sick")
    with pytest.raises(ValueError, match="one row of column names, got"):
        Dataset.from_frame(pd.concat({"a": frame}, axis=1), "sick")
    with pytest.raises(ValueError, match=r"2 rows with some in \('a', 1\); leave"):
        Dataset.from_frame(pd.DataFrame({"x": range(2), ("a", 1): np.inf}), ("a", 1))
    frame["dose"] = frame.dose.astype("category")
    frame = frame.rename(columns={"ward": 5.5})
    data = made(frame, categorical=["name", 5.5], standardize=False)
    assert {"5.5=3", "5.5=7", "dose=0", "dose=4"} <= {*data.features}
    assert sum(name.startswith("name=") for name in data.features) > 60
    assert (data.scale == 1).all()
    frame["sick"] = pd.Categorical(frame.sick, ["yes", "never", "no"])
    other = made(frame, categorical=["name", 5.5], standardize=False)
    assert data.classes == other.classes == ("no", "yes")


def test_missing_values_of_pandas_and_plain_arrays_are_read_alike(monkeypatch):
    frame = messy().drop(columns="city")  # all else are numbers
    monkeypatch.setattr(pd.arrays.IntegerArray, "isin", None)  # Arrow's takes no text
    data, other = (made(f, groups="patient") for f in (frame, frame.convert_dtypes()))
    np.testing.assert_array_equal(other.train.X, data.train.X)
    new = frame[[*data.columns]]
    masked = np.ma.masked_array(new.fillna(-999).to_numpy(), new.isna().to_numpy())
    for raw in (new.to_numpy(), masked):
        np.testing.assert_array_equal(data.scaled(raw), data.scaled(new))
