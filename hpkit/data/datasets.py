"""Data sets: `load_dataset` for those of the course, `Dataset` for your own."""

from __future__ import annotations

import hashlib
from collections import namedtuple
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Never

import numpy as np

from hpkit import hyperparameters as hp
from hpkit.data import tables
from hpkit.data.tables import Column, Table
from hpkit.hyperparameters import brief, refusal
from hpkit.locale import tr
from hpkit.text import wrap_text

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike


@dataclass(frozen=True, eq=False)
class Split:
    """Rows of a split: X (n, features), and y (n,), class numbers or a float target."""

    X: np.ndarray
    y: np.ndarray

    def __post_init__(self):
        # Callers of `load_dataset` share the arrays.
        self.X.flags.writeable = self.y.flags.writeable = False

    def __repr__(self):
        return tr("data.split", rows=len(self.X), features=self.X.shape[1])


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set cut in three: to learn from, to choose by, to judge at the end.

    Attributes
    ----------
    name : str
    train, valid, test : Split
    features, classes : tuple of str
        Names of the columns of X and of the classes (None for regression).
    center, scale : ndarray (features,)
        What was subtracted from each column and what it was divided by, found on the
        training rows; 0 and 1 where it was left alone.
    target_center, target_scale : float
        The same for a regression target.
    preparation : tuple of Column
        How each column of the table becomes columns of X, learned from training rows.
    notes : tuple of str
        What `from_frame` did, a sentence for each kind of thing.

    Notes
    -----
    Only `Run.test_loss` and the like look at the test split; a second look warns.
    Hastie, Tibshirani, Friedman, The Elements of Statistical Learning, 7.2.
    """

    name: str
    train: Split
    valid: Split
    test: Split
    features: tuple
    classes: tuple | None
    center: np.ndarray
    scale: np.ndarray
    target_center: float = 0.0
    target_scale: float = 1.0
    test_looks: list = field(default_factory=list, repr=False)
    absent_rows: int = field(default=0, repr=False)  # see `hpkit.load`
    objective: object = field(default=None, repr=False)  # see `engine.dense`
    preparation: tuple = ()
    notes: tuple = ()
    # Raw training and validation rows, where they cannot be computed back from X.
    _table: Table | None = None

    @property
    def n_train(self) -> int:
        """Number of training rows, even where the rows are not at hand."""
        return len(self.train.y) or self.absent_rows

    @cached_property
    def fingerprint(self) -> str:
        """Eight characters that tell these rows and splits from any others."""
        digest = hashlib.sha256(repr((self.features, self.classes)).encode())
        for split in (self.train, self.valid, self.test):
            for values in (split.X, split.y):
                # rounded: the last digits differ from computer to computer
                digest.update(np.ascontiguousarray(values.round(6) + 0.0).tobytes())
        return digest.hexdigest()[:8]

    @property
    def n_features(self) -> int:
        """Number of columns of X."""
        return len(self.features)

    @property
    def is_regression(self) -> bool:
        """Whether the target is a number, not a class."""
        return self.classes is None

    @property
    def n_outputs(self) -> int:
        """Outputs that a network needs: one per class, or one for regression."""
        return 1 if self.is_regression else len(self.classes)

    def __repr__(self):
        sizes = "/".join(str(len(s.y)) for s in (self.train, self.valid, self.test))
        key = "data.regression" if self.is_regression else "data.classes"
        texts = tr(key, data=self, sizes=sizes), *self.notes
        return "\n".join(map(wrap_text, texts))

    @property
    def cut_by(self) -> str:
        """What cut the rows: "groups", "time", "splits", or "" for chance."""
        return self._table.by if self._table else ""

    @property
    def columns(self) -> tuple:
        """Names of the columns of a table of new rows, in their order."""
        return tuple(c.name for c in self.preparation) or self.features

    def prepare(self, X: ArrayLike) -> np.ndarray:
        """Return raw rows (n, columns) as `Run.to_module` takes them: (n, features).

        In their own units, with gaps filled and a column of 0 and 1 for each category.
        Warns of a category (0 in all its columns) or a gap that training rows lack.
        """
        rows = check_rows(X, self.columns, self.preparation)
        raw = not self.center.any() and (self.scale == 1).all()
        if not raw and isinstance(X, np.ndarray):
            for name in tables.SPLITS:
                if np.may_share_memory(X, getattr(self, name).X):
                    raise refusal("standardized", name=name)
        if self.preparation:
            rows = tables.prepare(rows, self.preparation, self.preparation)
        return rows

    def scaled(self, X: ArrayLike) -> np.ndarray:
        """Return raw rows (n, columns) as the networks see them: (n, features).

        As by `prepare`, then standardized. Refuses a split's arrays: they already are.
        """
        X = (self.prepare(X) - self.center) / self.scale
        _refuse_bad_rows("rows_not_finite", np.abs(X) > _LARGEST_SCALED, self.features)
        return X

    @classmethod
    def from_frame(
        cls,
        frame: pd.DataFrame,
        target: str,
        *,
        groups: str | None = None,
        time: str | None = None,
        splits: str | None = None,
        categorical: Iterable[str] = (),
        standardize: bool | Iterable[str] = True,
        name: str = "your data",
        task: str | None = None,
        valid: float = 0.2,
        test: float = 0.2,
        seed: int = 0,
        **others: Never,
    ) -> Dataset:
        """Return a pandas table as a `Dataset`, cut in three and standardized.

        Numbers get mean 0 and standard deviation 1 over the training rows; so does the
        target of a regression, where a loss of 1 is then that of predicting the mean.
        Text becomes a column of 0 and 1 for each category, a gap in numbers the median
        of its column, with a column of 0 and 1 that marks it. All of that is learned
        from the training rows alone, and `notes` says what was done.

        Parameters
        ----------
        frame : pandas.DataFrame
            Or a table of PyArrow or, with it, Polars. Numbers, True/False, or text with
            few categories; no dates.
        target : str
            The column to predict: classes (text, or few whole numbers) or a number.
        groups : str, optional
            A column, such as the patient: rows with the same value share a split.
        time : str, optional
            A column of dates or numbers: validation rows come after training rows, and
            test rows after both.
        splits : str, optional
            A column that says "train", "valid" or "test" for each row. Like `groups`
            and `time` it is not an input. Without any of them, rows are cut at random.
        categorical : iterable of str, default ()
            Columns of whole numbers that name something, and text with many categories.
        standardize : bool or iterable of str, default True
            Which numbers to standardize. Others stay as they are, such as numbers 0, 1,
            ... for ``torch.nn.Embedding``. A regression target always is:
            `target_center` and `target_scale` undo it.
        task : {"classification", "regression"}, optional
            Default: regression for numbers with a fraction or with more than 20
            different values, else classification.
        valid, test : float
            Shares of the rows; cut at random, each split holds about the same share of
            every class.
        seed : int
            For the shuffling.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"city": [*"ab"] * 10, "big": [0, 0, 1, 1] * 5})
        >>> Dataset.from_frame(frame, "big")
        Dataset(your data: 12/4/4 rows to train/validate/test, 2 features, 2 classes)
        Categories became columns of 0 and 1: city (2).
        """
        for given, value in others.items():
            raise refusal("frame_takes", value, kind=TypeError, name=given)
        by = {"groups": groups, "time": time, "splits": splits}
        table = tables.read_frame(frame, target, by, categorical, standardize)
        names = [*(column.name for column in table.columns), str(target)]
        _check_arrays(table.X, table.y, names, gaps=True)
        if table.by in ("time", "splits") and seed != 0:
            raise refusal("no_seed", seed, by=table.by)
        if table.by == "splits" and (valid, test) != (0.2, 0.2):
            raise refusal("no_shares", (valid, test))
        return cls._from_table(table, name, task, valid, test, seed, with_notes=True)

    @classmethod
    def from_arrays(
        cls,
        X: ArrayLike,
        y: ArrayLike,
        *,
        features: Iterable[str] | None = None,
        name: str = "your data",
        task: str | None = None,
        valid: float = 0.2,
        test: float = 0.2,
        seed: int = 0,
    ) -> Dataset:
        """Return X (n, features) and y (n,), shuffled, cut in three and standardized.

        `features` are the names of the columns, default those of a DataFrame, or x1,
        x2, ...; the rest is as in `from_frame`, which has more for a DataFrame: groups,
        time, splits, categories, codes, and notes on what looks wrong.
        """
        is_frame = features is None and hasattr(X, "iloc") and X.ndim == 2
        features = [*map(str, X.columns)] if is_frame else features
        X, y = _check_arrays(X, y, [*features, "y"] if is_frame else ())
        count = X.shape[1]
        features = [f"x{i + 1}" for i in range(count)] if features is None else features
        hint = tr("hints.features", count=count)
        features = hp.check_items("features", features, hint=hint, of="names")
        if len(features) != count:
            raise refusal("feature_names", features, count=count)
        columns = [Column(hp.check_text("feature", name, hint)) for name in features]
        return cls._from_table(Table(X, y, columns), name, task, valid, test, seed)

    @classmethod
    def _from_table(cls, table, name, task, valid, test, seed, with_notes=False):
        hp.check_text("name", name)
        limits = {"low": 0, "strict": True, "below": 1}
        valid = hp.check_number("valid", valid, **limits)
        test = hp.check_number("test", test, **limits)
        if valid + test >= 1:
            raise refusal("shares", valid=valid, test=test)
        classes, y = _encode_target(table.y, task)
        rng = np.random.default_rng(hp.check_seed("seed", seed))
        rows = tables.split_rows(table, y if classes else None, valid, test, rng)
        data = cls._prepare(name, replace(table, y=y), rows, classes)
        facts = table, rows, data.preparation, y, classes
        return replace(data, notes=tables.notes_on(*facts) if with_notes else ())

    @classmethod
    def of_rows(
        cls,
        name: str,
        X: ArrayLike,
        y: ArrayLike,
        rows: Iterable[ArrayLike],
        features: Iterable[str],
        classes: Iterable[str] | None,
        *,
        standardize: bool,
    ) -> Dataset:
        """Return the data set of given row numbers (train, valid, test)."""
        columns = [Column(feature, standardize=standardize) for feature in features]
        return cls._prepare(name, Table(X, y, columns), rows, classes)

    @classmethod
    def _prepare(cls, name, table, rows, classes, like=None):
        """Return the data set of a table; a fold is prepared `like` the whole."""
        train, y = rows[0], table.y
        columns = tuple(map(Column.fit, table.columns, table.X[train].T))
        if like:  # same columns of X, also where training rows lack a category or gaps
            columns = tuple(map(Column.match, columns, like.preparation))
        X = tables.prepare(table.X, columns, table.columns)
        # Not a dict: two columns may have the same name.
        pairs = [(column, feature) for column in columns for feature in column.features]
        is_mark = np.array([c.categories is not None or f != c.name for c, f in pairs])
        use = np.array([column.standardize for column, _ in pairs]) & ~is_mark
        if like:  # like a new row: a mark that no training row has is 0
            X[:, is_mark & ~X[train].any(0)] = 0
        has_spread = np.ptp(X[train], 0) > tables.NO_SPREAD
        center = np.where(use, X[train].mean(0), 0)
        scale = np.where(use & has_spread, X[train].std(0), 1)
        target_center, target_scale = 0.0, 1.0
        if like:  # so that the losses of all folds have the same units
            target_center, target_scale = like.target_center, like.target_scale
        elif classes is None:
            target_center = float(y[train].mean())
            if np.ptp(y[train]) > tables.NO_SPREAD:
                target_scale = float(y[train].std())
        if classes is None:
            y = (y - target_center) / target_scale
        X -= center
        X /= scale
        splits = [Split(X[part], y[part]) for part in rows]
        raw = None
        if table.by or any(c.categories for c in columns) or np.isnan(table.X).any():
            part = np.concatenate(rows[:2])
            key = table.key[part] if table.by else None
            raw = replace(table, X=table.X[part], y=table.y[part], key=key)
        features = tuple(feature for _, feature in pairs)
        values = *splits, features, classes, center, scale, target_center, target_scale
        return cls(name, *values, preparation=columns, _table=raw)


def make_folds(dataset, count, rng):
    """Yield the folds as data sets without test rows, prepared by their own rows."""
    table, splits = dataset._table, (dataset.train, dataset.valid)
    if table is None:
        X = np.concatenate([part.X for part in splits]) * dataset.scale + dataset.center
        y = np.concatenate([part.y for part in splits])
        if dataset.is_regression:
            y = y * dataset.target_scale + dataset.target_center
        table = Table(X, y, dataset.preparation)
    name, classes = dataset.name, dataset.classes
    for train, valid in tables.fold_rows(table, count, rng, classes):
        fold = Dataset._prepare(name, table, (train, valid, []), classes, dataset)
        yield replace(fold, objective=dataset.objective)


def rowless_dataset(name, features, classes, preparation=(), **fields):
    """Return a data set without its rows, such as that of a saved search."""
    count, columns = len(features), tuple(Column(**column) for column in preparation)
    empty = Split(np.empty((0, count)), np.empty(0, int if classes else float))
    fields = {"center": np.zeros(count), "scale": np.ones(count)} | fields
    names = tuple(features), tuple(classes) if classes else None
    return Dataset(name, empty, empty, empty, *names, preparation=columns, **fields)


def check_has_rows(dataset):
    if not len(dataset.train.y):
        raise refusal("no_rows_there", dataset.name)
    return dataset


def check_dataset(dataset):
    if not isinstance(dataset, Dataset):
        raise refusal("dataset", kind=TypeError, type=type(dataset).__name__)
    return dataset


def _draw(kind, seed, n, **options):
    """Return shuffled X and y from a function of scikit-learn."""
    from sklearn import datasets

    X, y = getattr(datasets, f"make_{kind}")(n, random_state=seed, **options)
    order = np.random.default_rng(seed).permutation(n)
    return X[order], y[order]


def _draw_spiral(seed, n, noise):
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 2
    t = np.sqrt(rng.random(n)) * 2 * np.pi
    angle, radius = t + np.pi * y, t / (2 * np.pi)
    X = 2 * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    X += rng.normal(0, noise, (n, 2))
    order = rng.permutation(n)
    return X[order], y[order]


def _draw_coin_flips(seed, n):
    """Return ten columns of noise and labels that have nothing to do with them."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, 10)), rng.permutation(np.arange(n) % 2)


# Sizes of the splits, and the function (seed, n) -> X, y that draws, None if measured.
_Spec = namedtuple("_Spec", "sizes classes draw standardize", defaults=(None, False))
TWO = ("0", "1")
_SIZES = 200, 200, 1000
SOURCES = {
    "moons": _Spec((400, 200, 1000), TWO, partial(_draw, "moons", noise=0.2)),
    "small_moons": _Spec((50, 200, 1000), TWO, partial(_draw, "moons", noise=0.35)),
    "spiral": _Spec(_SIZES, TWO, partial(_draw_spiral, noise=0.1)),
    "clean_spiral": _Spec(_SIZES, TWO, partial(_draw_spiral, noise=0.05)),
    "circles": _Spec(_SIZES, TWO, partial(_draw, "circles", noise=0.1, factor=0.5)),
    "coin_flips": _Spec((40, 40, 1000), ("heads", "tails"), _draw_coin_flips),
    "digits": _Spec((600, 400, 797), tuple("0123456789"), standardize=True),
    "wine": _Spec((106, 36, 36), ("0", "1", "2"), standardize=True),
}


def data_folder():
    """Return the folder data/: beside the package, or inside an installed one."""
    package = Path(__file__).resolve().parent
    beside = package.parents[1] / "data"
    return beside if (beside / "moons.csv").exists() else package


def load_dataset(name: str, seed: int | None = None) -> Dataset:
    """Return a data set of the course.

    The same arguments give the same object, so looks at its test split add up.

    Parameters
    ----------
    name : str
        'moons', 'small_moons', 'spiral', 'clean_spiral', 'circles', 'coin_flips',
        'digits' or 'wine'.
    seed : int, optional
        Default 0, the committed rows and splits. Others: new rows for data that a
        formula draws, another split of the same rows for digits and wine.

    Examples
    --------
    >>> load_dataset("moons")
    Dataset(moons: 400/200/1000 rows to train/validate/test, 2 features, 2 classes)
    """
    name = hp.check_choice("name", name, tuple(SOURCES))
    if seed is not None:
        seed = hp.check_seed("seed", seed, most=2**32 - 1)  # scikit-learn's limit
    return _load(name, seed)


def load_call(name, fingerprint):
    """Return the call of `load_dataset` that gives these rows, or ""."""
    for seed in (None, *range(1, 10)) if name in SOURCES else ():
        if load_dataset(name, seed).fingerprint == fingerprint:
            return f'hk.load_dataset("{name}"{f", seed={seed}" if seed else ""})'
    return ""


@lru_cache(maxsize=64)
def _load(name, seed):
    source = SOURCES[name]
    if seed is not None and source.draw:
        X, y = source.draw(seed, sum(source.sizes))
        X, y = X.round(6), y.astype(np.int64)  # as in the committed files
        features = [f"x{i + 1}" for i in range(X.shape[1])]
    else:
        import pandas as pd

        table = pd.read_csv(data_folder() / f"{name}.csv")
        *features, _, _ = table.columns  # without y and split, which `sizes` gives
        X, y = table[features].to_numpy(float), table["y"].to_numpy()
    order = np.arange(len(y))
    if seed and not source.draw:
        order = np.random.default_rng(seed).permutation(order)
    rows = np.split(order, np.cumsum(source.sizes)[:-1])
    arguments = X, y, rows, features, source.classes
    return Dataset.of_rows(name, *arguments, standardize=source.standardize)


_LARGEST = 1e100  # the square of a larger number may be infinite
_LARGEST_SCALED = 1e30  # float32 ends at 3e38, and layers may add up many
_GAPS = ("None", "nan", "NaT", "<NA>")


def _check_arrays(X, y, names=(), gaps=False):
    """Return X as float (n, features) and y (n,); only with `gaps` X may have some."""
    X, y = (v.tolist() if np.ma.isMA(v) else v for v in (X, y))  # masked ones are None
    try:
        if np.asarray(X).dtype.kind in "cmM":  # NumPy would convert these to float
            raise TypeError
        X = np.array(X, float)
        y = np.asarray(y, None if hasattr(y, "dtype") else object)  # keeps nan as nan
        numbers = np.array(y.tolist()) if y.dtype == object else y
        y = numbers if numbers.dtype.kind in "biuf" else y
    except Exception:
        raise refusal("X_numbers", (X, y), kind=TypeError) from None
    y = y[:, 0] if y.shape[1:] == (1,) else y  # a table of one column
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y) or X.shape[1] < 1:
        raise refusal("X_shape", X=X.shape, y=y.shape)
    if not len(y):
        raise refusal("no_rows")
    names = names or [*(f"x{i + 1}" for i in range(X.shape[1])), "y"]
    bad = np.zeros((len(y), len(names)), bool)
    fits = (X <= _LARGEST) & (X >= -_LARGEST)
    bad[:, :-1] = ~(fits | (gaps & np.isnan(X)))
    if y.dtype.kind == "f":
        bad[:, -1] = ~(abs(y.astype(float)) <= _LARGEST)
    elif y.dtype.kind not in "iubUS":  # objects, times: their text names the class
        bad[:, -1] = [not isinstance(v, str) and brief(v) in _GAPS for v in y]
        y = np.array([v if isinstance(v, str) else brief(v) for v in y])
    _refuse_bad_rows("not_finite", bad, names)
    return X, y


def _refuse_bad_rows(key, bad, names):
    if bad.any():
        facts = {"names": ", ".join(np.array(names)[bad.any(0)][:6])}
        raise refusal(key, count=bad.any(1).sum(), most=_LARGEST, **facts)


def check_rows(X, names, preparation=()):
    """Return rows to predict, float (n, columns); columns of a table are by name."""
    columns, count = preparation or tuple(map(Column, names)), len(names)
    way = tr("data.columns", count=count)
    X = X.to_pandas() if hasattr(X, "to_pandas") else X
    X = X.tolist() if np.ma.isMA(X) else X
    rows = X if isinstance(X, list) else [X]
    if rows and all({*names} <= {*getattr(row, "_fields", ())} for row in rows):
        rows = [row._asdict() for row in rows]
    if rows and all(isinstance(r, Mapping) or hasattr(r, "to_frame") for r in rows):
        import pandas as pd

        X = pd.DataFrame(rows)
    if hasattr(X, "iloc"):
        if missing := [name for name in names if name not in map(str, X.columns)]:
            raise refusal("rows_columns", names=", ".join(missing[:6]), way=way)
        X = X.rename(columns=str)[list(names)]
    else:
        try:
            array = np.asarray(X)
            if any(c.categories for c in columns) or array.dtype.kind not in "biuf":
                array = np.array(X, object)  # keeps True, which among numbers is 1
            X = array[None] if array.shape == (count,) else array
        except Exception:
            raise refusal("rows_numbers", X, kind=TypeError, way=way) from None
    if X.ndim != 2 or X.shape[1] != count:
        raise refusal("rows_shape", count=count, shape=X.shape, way=way)
    numeric = not hasattr(X, "iloc") and X.dtype.kind in "biuf"
    X = X.astype(float) if numeric else tables.rows_to_numbers(X, columns)
    filled, gaps = [column.fill is not None for column in columns], np.isnan(X)
    _refuse_bad_rows("rows_not_finite", ~(np.isfinite(X) | (gaps & filled)), names)
    pairs = zip(columns, gaps.any(0), strict=True)
    if new := [column.name for column, gap in pairs if gap and not column.missing]:
        hp.warn(tr("data.new_gap", names=", ".join(new)))
    return X


def _encode_target(y, task):
    """Return the names of the classes (None for regression) and y as numbers."""
    if task is None:
        distinct = np.unique(y)
        is_class = len(distinct) <= 20
        if y.dtype.kind in "iuf":
            is_class &= (y == np.round(y)).all()
        elif not is_class:  # numbers as text are refused below
            is_class = not tables.look_numeric(map(str, distinct)).all()
        task = "classification" if is_class else "regression"
    hp.check_choice("task", task, ("classification", "regression"))
    if task == "regression":
        if y.dtype.kind not in "iufb":
            raise refusal("regression_number", y[0])
        if len(y) < 10:
            raise refusal("regression_rows", count=len(y))
        return None, y.astype(float)
    names, y, counts = np.unique(y, return_inverse=True, return_counts=True)
    names = names.tolist()  # messages show 0, not np.int64(0)
    if len(names) < 2:
        raise refusal("one_class", only=names[0])
    if counts.min() < 3:
        raise refusal("rare_class", count=counts.min(), rare=names[counts.argmin()])
    return tuple(str(n) for n in names), y.astype(np.int64)
