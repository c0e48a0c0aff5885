"""From one's own table or arrays to checked numbers, for `Dataset.from_frame`.

Every fault of a table is said here, before anything is trained.
"""

import numpy as np

from hpkit.settings import check_choice


def table_columns(frame, target):
    """Return X, y and the names of the columns of a pandas table, or raise."""
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"frame must be a pandas DataFrame, got {type(frame).__name__}; read one "
            "with pandas.read_csv, or use Dataset.from_arrays(X, y)."
        )
    if target not in frame.columns:
        raise ValueError(
            f"target must be a column of the table, got {target!r}; its columns are "
            f"{', '.join(map(str, frame.columns))}."
        )
    if gaps := [f"{c} ({n})" for c, n in frame.isna().sum().items() if n]:
        raise ValueError(
            f"a table must have no missing values, got some in {', '.join(gaps)}; drop "
            "those rows with df.dropna() or fill them with df.fillna(...)."
        )
    inputs = frame.drop(columns=target)
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in inputs.dtypes]
    pairs = zip(inputs.columns, numeric, strict=True)
    if text := [str(column) for column, is_number in pairs if not is_number]:
        raise ValueError(
            f"columns must hold numbers, got text in {', '.join(text)}; turn it into "
            "columns of 0 and 1 with pandas.get_dummies(df, columns=[...]), or drop it."
        )
    y = frame[target]
    if y.dtype == bool or not pd.api.types.is_numeric_dtype(y.dtype):
        y = y.astype(str)
    return inputs.to_numpy(float), y.to_numpy(), list(map(str, inputs.columns))


def check_arrays(X, y):
    """Return X as float (n, features) and y (n,), or raise."""
    try:
        X = np.array(X, float)
    except (TypeError, ValueError):
        raise TypeError(
            f"X must hold numbers, got {np.asarray(X, object).ravel()[:3].tolist()}; "
            "text can be turned into columns of 0 and 1 first."
        ) from None
    y = np.asarray(y)
    if X.ndim != 2 or y.ndim != 1 or len(X) != len(y) or X.shape[1] < 1:
        raise ValueError(
            "X must have the shape (rows, features) and y (rows,), got "
            f"{X.shape} and {y.shape}; for pictures use X.reshape(len(X), -1)."
        )
    bad = ~np.isfinite(X).all(1)
    if y.dtype.kind == "f":
        bad |= ~np.isfinite(y)
    if bad.any():
        raise ValueError(
            f"X and y must have no missing or infinite values, got {bad.sum()} rows "
            "with some; leave those rows out."
        )
    return X, y


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
                f'{y.tolist()[0]!r}; use task="classification" for classes.'
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
            if names
            else "the data must have rows, got none; check how they were read."
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
        n_test = max(1, round(test * len(rows)))
        n_valid = min(n_valid, len(rows) - n_test - 1) or 1
        cuts = np.split(rows, [n_valid, n_valid + n_test])
        for part, cut in zip(parts, (cuts[2], cuts[0], cuts[1]), strict=True):
            part.append(cut)
    return [order.permutation(np.concatenate(part)) for part in parts]
