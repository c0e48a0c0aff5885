"""From one's own table or arrays to checked numbers, for `Dataset.from_frame`.

Every fault of a table is said here, before anything is trained.
"""

import numpy as np

from hpkit.hyperparameters import brief, check_choice, refusal
from hpkit.locale import words

# Beyond these the squares of a spread are 0 or infinite.
_LARGEST, _SMALLEST = 1e100, 1e-100
GAPS = ("None", "nan", "NaT", "<NA>")


def table_columns(frame, target):
    """Return X, y and the names of the columns of a pandas table, or raise."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise refusal("frame", kind=TypeError, type=type(frame).__name__)
    names = list(map(str, frame.columns))
    if twice := [name for name in names if names.count(name) > 1]:
        raise refusal("columns_differ", twice[0])
    try:
        known = target in set(frame.columns)
    except TypeError:  # a list
        known = False
    if not known:
        raise refusal("target", target, names=", ".join(names))
    if gaps := [f"{c} ({n})" for c, n in frame.isna().sum().items() if n]:
        raise refusal("gaps", names=", ".join(gaps))
    inputs = frame.drop(columns=target)
    kinds = {str(column): kind.kind for column, kind in inputs.dtypes.items()}
    if dates := [column for column, kind in kinds.items() if kind in "mM"]:
        raise refusal("dates", names=", ".join(dates))
    if texts := [column for column, kind in kinds.items() if kind not in "biuf"]:
        raise refusal("texts", names=", ".join(texts))
    y = frame[target]
    y = y.to_numpy(y.dtype.kind + "8" if y.dtype.kind in "iuf" else str)
    return inputs.to_numpy(float), y, list(kinds)


def check_arrays(X, y):
    """Return X as float (n, features) and y (n,), or raise."""
    X = _numbers("X_numbers", X)
    try:
        y = np.asarray(y)
    except Exception:
        y = np.zeros(())  # rows of different lengths
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y) or X.shape[1] < 1:
        raise refusal("X_shape", X=X.shape, y=y.shape)
    if not len(y):
        raise refusal("no_rows")
    bad = ~np.isfinite(X).all(1)
    if y.dtype.kind == "f":
        bad |= ~np.isfinite(y)
    elif y.dtype.kind not in "iubUS":  # objects, times: classes named by their text
        texts = [v if isinstance(v, str) else brief(v) for v in y]
        gaps = [not isinstance(v, str) and brief(v) in GAPS for v in y]
        y, bad = np.array(texts), bad | gaps
    if bad.any():
        raise refusal("not_finite", count=bad.sum())
    for values in [*X.T, y] if y.dtype.kind in "iuf" else X.T:
        most, spread = abs(values).max(), np.ptp(values)
        if most > _LARGEST or 0 < spread < _SMALLEST:
            odd = most if most > _LARGEST else spread
            raise refusal("size", odd, largest=_LARGEST, smallest=_SMALLEST)
    return X, y


def check_rows(X, features):
    """Return rows to predict, float (n, features); of a table the columns by name."""
    count, columns = len(features), getattr(X, "columns", None)
    way = words("data")["many_columns" if count > 6 else "columns"]
    way = way.format(count=count, names=", ".join(features))
    if columns is not None:
        missing = [name for name in features if name not in map(str, columns)]
        if missing:
            raise refusal("rows_columns", names=", ".join(missing[:6]), way=way)
        X = X.rename(columns=str)[list(features)]
    X = _numbers("rows_numbers", X, way=way)
    if X.ndim != 2 or X.shape[1] != count:
        key = "rows_single" if X.ndim == 1 else "rows_shape"
        raise refusal(key, count=count, shape=X.shape, way=way)
    if bad := (~np.isfinite(X).all(1)).sum():
        raise refusal("rows_not_finite", count=bad)
    return X


def _numbers(key, X, **facts):
    try:
        if np.iscomplexobj(X):
            raise TypeError
        return np.array(X, float)
    except Exception:
        raise refusal(key, X, kind=TypeError, **facts) from None


def encode_target(y, task):
    """Return the names of the classes (None for regression) and y as numbers."""
    if task is None:
        numeric = y.dtype.kind in "iuf"
        few = len(np.unique(y)) <= 20 and (y == np.round(y)).all() if numeric else True
        task = "classification" if few else "regression"
    check_choice("task", task, ("classification", "regression"))
    if task == "regression":
        if y.dtype.kind not in "iufb":
            raise refusal("regression_number", y[0])
        if len(y) < 10:
            raise refusal("regression_rows", count=len(y))
        return None, y.astype(float)
    names, y, counts = np.unique(y, return_inverse=True, return_counts=True)
    names = names.tolist()  # a learner reads 0, not np.int64(0)
    if len(names) < 2:
        raise refusal("one_class", only=names[0])
    if counts.min() < 3:
        raise refusal("rare_class", count=counts.min(), rare=names[counts.argmin()])
    return tuple(str(n) for n in names), y.astype(np.int64)


def split_rows(y, n, valid, test, order):
    """Return row numbers (train, valid, test), each class cut in the same shares."""
    groups = [np.arange(n)] if y is None else [np.flatnonzero(y == c) for c in set(y)]
    parts = ([], [], [])
    for rows in groups:
        rows = order.permutation(rows)
        n_valid = max(1, round(valid * len(rows)))
        n_test = min(max(1, round(test * len(rows))), len(rows) - 2)
        n_valid = min(n_valid, len(rows) - n_test - 1)
        cuts = np.split(rows, [n_valid, n_valid + n_test])
        for part, cut in zip(parts, (cuts[2], cuts[0], cuts[1]), strict=True):
            part.append(cut)
    return [order.permutation(np.concatenate(part)) for part in parts]
