"""From one's own table or arrays to checked numbers, for `Dataset.from_frame`.

Every fault of a table is said here, before anything is trained.
"""

import numpy as np

from hpkit.hyperparameters import brief, check_choice, refused

# Beyond these the squares of a spread are 0 or infinite.
LARGEST, SMALLEST = 1e100, 1e-100
GAPS = ("None", "nan", "NaT", "<NA>")


def table_columns(frame, target):
    """Return X, y and the names of the columns of a pandas table, or raise."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"frame must be a pandas DataFrame, got {type(frame).__name__}; read one "
            "with pandas.read_csv, or use Dataset.from_arrays(X, y)."
        )
    names = list(map(str, frame.columns))
    if twice := [name for name in names if names.count(name) > 1]:
        rule = "the columns of a table must have different names"
        raise refused(rule, twice[0], "rename the second one, or drop it")
    try:
        known = target in set(frame.columns)
    except TypeError:  # a list
        known = False
    if not known:
        raise refused(
            "target must be the name of a column", target,
            f"its columns are {', '.join(names)}",
        )  # fmt: skip
    if gaps := [f"{c} ({n})" for c, n in frame.isna().sum().items() if n]:
        raise ValueError(
            f"a table must have no missing values, got some in {', '.join(gaps)}; drop "
            "those rows with df.dropna() or fill them with df.fillna(...)."
        )
    inputs = frame.drop(columns=target)
    dates, texts = [], []
    for column, kind in inputs.dtypes.items():
        if kind.kind in "mM":
            dates.append(str(column))
        elif kind.kind not in "biuf":
            texts.append(str(column))
    if dates:
        raise ValueError(
            f"columns must hold numbers, got dates in {', '.join(dates)}; turn each "
            "into numbers such as df[...].dt.month or the days since the first, or "
            "drop it."
        )
    if texts:
        raise ValueError(
            f"columns must hold numbers, got text in {', '.join(texts)}; turn it into "
            "columns of 0 and 1 with pandas.get_dummies(df, columns=[...]), or drop it."
        )
    y = frame[target]
    y = y.to_numpy(y.dtype.kind + "8" if y.dtype.kind in "iuf" else str)
    return inputs.to_numpy(float), y, [str(column) for column in inputs.columns]


def check_arrays(X, y):
    """Return X as float (n, features) and y (n,), or raise."""
    try:
        if np.iscomplexobj(X):
            raise TypeError
        X = np.array(X, float)
    except Exception:
        way = "text can be turned into columns of 0 and 1 first"
        raise refused("X must hold numbers", X, way, kind=TypeError) from None
    try:
        y = np.asarray(y)
    except Exception:
        y = np.zeros(())  # rows of different lengths
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y) or X.shape[1] < 1:
        raise ValueError(
            "X must have the shape (rows, features) and y (rows,), got "
            f"{X.shape} and {y.shape}; for pictures use X.reshape(len(X), -1)."
        )
    if not len(y):
        raise ValueError("the data must have rows, got none; check how they were read.")
    bad = ~np.isfinite(X).all(1)
    if y.dtype.kind == "f":
        bad |= ~np.isfinite(y)
    elif y.dtype.kind not in "iubUS":  # objects, times: classes named by their text
        texts = [v if isinstance(v, str) else brief(v) for v in y]
        gaps = [not isinstance(v, str) and brief(v) in GAPS for v in y]
        y, bad = np.array(texts), bad | gaps
    if bad.any():
        raise ValueError(
            f"X and y must have no missing or infinite values, got {bad.sum()} rows "
            "with some; leave those rows out."
        )
    for values in [*X.T, y] if y.dtype.kind in "iuf" else X.T:
        most, spread = abs(values).max(), np.ptp(values)
        if most > LARGEST or 0 < spread < SMALLEST:
            raise refused(
                f"a column must stay below {LARGEST:g} and vary by more than "
                f"{SMALLEST:g}", most if most > LARGEST else spread,
                "give it in another unit",
            )  # fmt: skip
    return X, y


def check_rows(X, features):
    """Return rows to predict as float (n, features), or raise.

    Of a pandas table the columns of that name are taken, whatever else it has.
    """
    way = f"give the columns {', '.join(features)}, one row a line"
    if len(features) > 6:
        way = f"give the {len(features)} columns of the data set, one row a line"
    columns = getattr(X, "columns", None)
    if columns is not None and set(features) <= set(map(str, columns)):
        X = X.rename(columns=str)[list(features)]
    elif columns is not None:
        missing = [name for name in features if name not in map(str, columns)]
        raise ValueError(
            f"X must have the columns that were trained on, got none called "
            f"{', '.join(missing[:6])}; {way}."
        )
    try:
        if np.iscomplexobj(X):
            raise TypeError
        X = np.array(X, float)
    except Exception:
        raise refused("X must hold numbers", X, way, kind=TypeError) from None
    if X.ndim != 2 or X.shape[1] != len(features):
        one = "write X=[row] for a single row" if X.ndim == 1 else way
        raise ValueError(
            f"X must have the shape (rows, {len(features)}), got {X.shape}; {one}."
        )
    if bad := (~np.isfinite(X).all(1)).sum():
        raise ValueError(
            f"X must have no missing or infinite values, got {bad} rows with some; "
            "leave those rows out."
        )
    return X


def encode_target(y, task):
    """Return the names of the classes (None for regression) and y as numbers."""
    if task is None:
        numeric = y.dtype.kind in "iuf"
        few = len(np.unique(y)) <= 20 and (y == np.round(y)).all() if numeric else True
        task = "classification" if few else "regression"
    check_choice("task", task, ("classification", "regression"))
    if task == "regression":
        if y.dtype.kind not in "iufb":
            raise ValueError(
                "the target of a regression must be a number, got "
                f'{brief(y[0])}; use task="classification" for classes.'
            )
        if len(y) < 10:
            raise ValueError(
                f"regression needs at least 10 rows, got {len(y)}; collect more."
            )
        return None, y.astype(float)
    names, y, counts = np.unique(y, return_inverse=True, return_counts=True)
    names = names.tolist()  # a learner reads 0, not np.int64(0)
    if len(names) < 2:
        raise ValueError(
            f"the target must have at least two classes, got only {names[0]!r}; choose "
            'another column, or task="regression" for a number.'
        )
    if counts.min() < 3:
        rare = names[counts.argmin()]
        raise ValueError(
            "each class needs at least 3 rows, one each to train, validate and test, "
            f"got {counts.min()} of {rare!r}; leave rare classes out, or "
            'use task="regression" if the target is a number.'
        )
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
