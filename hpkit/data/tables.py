"""A table of one's own: how its columns become numbers, and how its rows are cut.

What is learned (categories, what fills a gap) comes from the training rows alone.
Nothing here knows of `Dataset`.
"""

import itertools
import numbers
import re
from collections import Counter, defaultdict
from collections.abc import Hashable
from dataclasses import dataclass, replace

import numpy as np

from hpkit.hyperparameters import check_items, refusal, warn
from hpkit.locale import tr, words

SPLITS = ("train", "valid", "test")
NO_SPREAD = 1e-100  # of numbers: the squares of a smaller one are 0
UNEVEN = 5  # times as many rows as the rarest class
# Text of more kinds than a tenth of the rows must be named; 10 may be, 100 at most.
_LEAST_KINDS, _MOST_KINDS, _KINDS_A_ROW = 10, 100, 0.1
_TRIED_CUTS = 100  # of whole groups: the one that cuts the classes most evenly is taken
_CODES = 12  # different whole numbers that may be codes: months, say
# Kolmogorov-Smirnov distance of two classes in a column; breast cancer's best has 0.84.
_SEPARATED = 0.95
_MOST_NAMES = 20  # of columns, in a note
_MOST_COLUMNS = 2000  # of a column with categories: a table of millions would not fit


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes columns of X, as the training rows have it."""

    name: str
    categories: tuple | None = None  # a column of 0 and 1 for each; "" is a gap
    fill: float | None = None  # gaps in numbers: the median, None in older files
    missing: bool = False  # whether one more column tells of gaps in numbers
    standardize: bool = True

    @property
    def features(self):
        gap = f"{self.name} is missing"  # in no language: files know it
        if self.categories is None:
            return (self.name, gap)[: 1 + self.missing]
        return tuple(f"{self.name}={c}" if c else gap for c in self.categories)

    def fit(self, values):
        """Return the column as these values of training rows have it."""
        known = values[~np.isnan(values)]
        if self.categories is not None:
            there = np.unique(known.astype(int))
            return replace(self, categories=tuple(self.categories[k] for k in there))
        if not len(known):
            raise refusal("empty_column", name=self.name)
        gaps = len(known) < len(values)
        return replace(self, fill=float(np.median(known)), missing=gaps)

    def matching(self, other):
        return replace(self, categories=other.categories, missing=other.missing)

    def transform(self, values, coded):
        """Return its columns of X; categories are numbered as in the column `coded`."""
        if self.categories is not None:
            return [values == coded.categories.index(c) for c in self.categories]
        gaps = np.isnan(values)
        values = np.where(gaps, self.fill, values) if gaps.any() else values
        return [values, gaps][: 1 + self.missing]


@dataclass(frozen=True, eq=False)
class Table:
    """Rows as they are: X has gaps as nan, categories by number in their `Column`."""

    X: np.ndarray
    y: np.ndarray
    columns: tuple
    by: str = ""  # what cuts it: "groups", "time", "splits" or nothing,
    name: str = ""  # in the column of this name
    key: np.ndarray | None = None  # name of the group, rank in time, name of split
    order: tuple = ()  # of the names of the classes, where the table has one
    dated: bool = False  # its index has dates


def prepare(X, columns, coded):
    """Return X whose categories are numbered as in `coded`, in columns of numbers."""
    pieces = map(Column.transform, columns, X.T, coded)
    return np.column_stack([*itertools.chain(*pieces)]).astype(float, copy=False)


def read_frame(frame, target, by, categorical, standardize):
    """Return a pandas table as a `Table`, or raise; `by` names what may cut it."""
    import pandas as pd

    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    if not isinstance(frame, pd.DataFrame):
        raise refusal("frame", kind=TypeError, type=type(frame).__name__)
    if frame.columns.nlevels > 1:
        raise refusal("levels", frame.columns[0])
    names = list(map(str, frame.columns))
    if twice := [name for name in names if names.count(name) > 1]:
        raise refusal("columns_differ", twice[0])
    by = {what: name for what, name in by.items() if name is not None}
    if len(by) > 1:
        raise refusal("one_cut", given=", ".join(by))
    for what, name in ({"target": target} | by).items():
        _check_column(what, name, frame.columns)
        if what != "target" and name == target:
            raise refusal("target_cuts", target, what=what)
        if gaps := frame[name].isna().sum():
            raise refusal("gaps", names=f"{name} ({gaps})", what=what)
    inputs = frame.drop(columns=[target, *by.values()]).rename(columns=str)
    if not inputs.shape[1]:
        raise refusal("no_inputs", names=", ".join(names))
    X, columns = _read_inputs(inputs, categorical, standardize)
    y, kind = frame[target], frame[target].dtype.kind
    if kind in "mM":
        raise refusal("target_dates", y.iloc[0], name=target)
    order = _texts(y.cat.categories.to_series()) if hasattr(y, "cat") else ()
    y = y.to_numpy(kind + "8") if kind in "iuf" else np.array(_texts(y), str)
    about = {"order": tuple(order), "dated": isinstance(frame.index, pd.DatetimeIndex)}
    for what, name in by.items():  # one at most
        about |= {"by": what, "name": str(name), "key": _key(what, frame[name])}
    return Table(X, y, columns, **about)


def _check_column(what, name, names):
    if not isinstance(name, Hashable) or name not in set(names):  # a list, a column
        raise refusal("column", name, what=what, names=", ".join(map(str, names)))
    return name


def _check_columns(what, names, among):
    names = check_items(what, names, empty=True, of="names")
    return [_check_column(what, str(name), among) for name in names]


def _key(what, column):
    if what == "groups":
        return np.array(_texts(column), str)
    if what == "time":
        if column.dtype.kind not in "iufmM":
            raise refusal("time", column.iloc[0], name=column.name)
        return column.rank(method="dense").to_numpy(int)
    if odd := [v for v in column if not isinstance(v, str) or v not in SPLITS]:
        raise refusal("splits", odd[0], name=column.name)
    return column.to_numpy(str)


def _read_inputs(inputs, categorical, standardize):
    kinds = {name: dtype.kind for name, dtype in inputs.dtypes.items()}
    gaps, columns = inputs.isna().sum(), {name: Column(name) for name in kinds}
    categorical = _check_columns("categorical", categorical, kinds)
    dates = [name for name, kind in kinds.items() if kind in "mM"]
    refused = [refusal("dates", names=", ".join(dates))] if dates else []
    if empty := [name for name in kinds if 0 < gaps[name] == len(inputs)]:
        raise refusal("empty_column", name=empty[0])
    for name, kind in kinds.items():
        named = name in categorical or inputs[name].dtype == "category"
        if named or kind not in "biufmM":
            codes, categories = _texts(inputs[name]).factorize(sort=True)
            if not named:
                refused += _refused(name, [c for c in categories if c], len(codes))
            elif len(categories) > _MOST_COLUMNS:
                facts = {"most": _MOST_COLUMNS, "name": name}
                refused.append(refusal("many_categories", len(categories), **facts))
            columns[name] = Column(name, tuple(categories))
            inputs[name] = codes  # of a copy
    if refused:  # all columns at once
        refused[0].args = ("\n".join(map(str, refused)),)
        raise refused[0]
    plain = [name for name, column in columns.items() if column.categories is None]
    if isinstance(standardize, bool):
        standardize = plain if standardize else ()
    standardize = _check_columns("standardize", standardize, plain)
    columns = [replace(c, standardize=c.name in standardize) for c in columns.values()]
    return inputs.to_numpy(float, na_value=np.nan), tuple(columns)


def _texts(values):
    """Return the names of categories: 3 and 3.0 are the same, "" is a gap."""
    import pandas as pd

    def text(value):
        if not isinstance(value, Hashable):  # a list, say
            raise refusal("cell", value, name=values.name)
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        return str(int(value) if number and value % 1 == 0 else value)

    texts = values.astype(object)
    if pd.api.types.infer_dtype(texts) != "string":  # else as it is, which is quick
        texts = texts.map(text, na_action="ignore").astype(object)
    return texts.fillna("")


def look_numeric(texts):
    """Say which texts are numbers, also as "12%", "$7" and "1,5"."""
    import pandas as pd

    plain = [re.sub(r"[\s,()%$€£¥']|-$", "", text) for text in texts]
    return pd.to_numeric(pd.Series(plain, dtype=object), errors="coerce").notna()


def _refused(name, texts, rows):
    """Return the refusal of text that is no categories, but numbers, names or dates."""
    import pandas as pd

    read = look_numeric(texts)
    if 2 * read.sum() > len(texts):
        plain = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").notna()
        odd = min(zip(read, plain, texts, strict=True), key=lambda one: one[:2])[2]
        return [refusal("number_texts", odd, name=name)]
    days = [text for text in texts if text[:4].isdigit()]  # not "today"
    days = pd.Series(pd.to_datetime(days, "coerce", utc=True, format="ISO8601"), days)
    if 2 * len(days := days.dropna()) > len(texts):
        return [refusal("date_texts", days.index[0], name=name)]
    if len(texts) > min(_MOST_KINDS, max(_LEAST_KINDS, _KINDS_A_ROW * rows)):
        few = len({text.strip().lower() for text in texts})
        key = "many_texts" if few == len(texts) else "mixed_texts"
        facts = {"name": name, "count": len(texts), "rows": rows, "few": few}
        return [refusal(key, texts[0], **facts)]
    return []


def rows_to_numbers(X, columns):
    """Return rows as numbers, categories as theirs in `columns`; -1 is said."""
    import pandas as pd

    parts = []
    for column, (_, values) in zip(columns, pd.DataFrame(X).items(), strict=True):
        if column.categories is None:
            parts.append(_floats(column.name, values))
            continue
        texts = _texts(values)
        parts.append(pd.Index(column.categories).get_indexer(texts))
        if new := {*texts[parts[-1] < 0]}:
            said = [repr(text) if text else tr("data.gap") for text in sorted(new)]
            warn(tr("data.new_category", name=column.name, new=", ".join(said)))
    return np.column_stack(parts)


def _floats(name, values):
    if values.dtype.kind not in "biuf":
        blank = [isinstance(value, str) and not value.strip() for value in values]
        values = values.astype(object)
        values[blank] = np.nan
        for value in values[values.notna()]:
            try:
                float(value)
            except (TypeError, ValueError, OverflowError):
                raise refusal("row_text", value, kind=TypeError, name=name) from None
    return values.to_numpy(float, na_value=np.nan)


def split_rows(table, y, valid, test, rng):
    """Return row numbers (train, valid, test); y are class numbers, or None."""
    if table.by == "splits":
        parts = [np.flatnonzero(table.key == name) for name in SPLITS]
    elif table.by == "time":
        parts = _in_time(table.key, (1 - valid - test, 1 - test))
    elif table.by == "groups":
        parts = _whole_groups(table.key, (1 - valid - test, valid, test), rng, y)
    else:
        kinds = np.zeros(len(table.y)) if y is None else y
        return _shares_of_classes(kinds, valid, test, rng)
    for name, part in zip(SPLITS, parts, strict=True):
        if not len(part):
            raise refusal("no_split_rows", name=name, by=table.by)
    if y is not None and (lost := {*y.tolist()} - {*y[parts[0]].tolist()}):
        raise refusal("untrained_class", np.unique(table.y).tolist()[min(lost)])
    return parts


def fold_rows(table, count, rng, classes):
    """Return pairs of row numbers: learned from, and held back, in time after those."""
    # Held back of each of the `classes`, if there are some, is about the same share.
    if table.by == "time":
        blocks = _in_time(table.key, np.arange(1, count + 1) / (count + 1))
        if not all(map(len, blocks)):
            raise refusal("few_times", count)
        return [(np.concatenate(blocks[:k]), blocks[k]) for k in range(1, count + 1)]
    if table.by == "groups":
        kinds = table.y if classes else None
        blocks = _whole_groups(table.key, (1 / count,) * count, rng, kinds)
    else:
        order = rng.permutation(len(table.y))
        kinds = table.y[order] if classes else 0 * order
        order = order[np.argsort(kinds, kind="stable")]
        blocks = [order[k::count] for k in range(count)]
    rest = [np.concatenate(blocks[:k] + blocks[k + 1 :]) for k in range(count)]
    return zip(rest, blocks, strict=True)


def _in_time(key, ends):
    """Return rows in blocks up to these shares; rows of one time stay together."""
    order = np.argsort(key, kind="stable")
    at = np.minimum(np.round(np.multiply(ends, len(key))).astype(int), len(key) - 1)
    return np.split(order, np.searchsorted(key[order], key[order][at]))


def _whole_groups(groups, shares, rng, y):
    """Return the rows of each part: about these shares, of whole groups."""
    _, groups, counts = np.unique(groups, return_inverse=True, return_counts=True)
    if len(counts) < len(shares):
        raise refusal("few_groups", len(counts), least=len(shares))
    if y is None:
        return _drawn_groups(groups, counts, shares, rng)

    kinds, y = np.unique(y, return_inverse=True)

    def uneven(parts):  # classes that are missing, then chi-square of the counts
        there = np.array([np.bincount(y[p], minlength=len(kinds)) for p in parts])
        due = np.outer(shares, there.sum(0))
        return (there == 0).sum(), ((there - due) ** 2 / due).sum()

    few = max(1, min(_TRIED_CUTS, 20_000 // len(counts)))  # many are even anyway
    draws = (_drawn_groups(groups, counts, shares, rng) for _ in range(few))
    return min(draws, key=uneven)


def _drawn_groups(groups, counts, shares, rng):
    filled, part = np.zeros(len(shares)), np.empty(len(counts), int)
    for done, group in enumerate(rng.permutation(len(counts))):
        after = (filled + counts[group]) / shares
        if (filled == 0).sum() == len(counts) - done:  # one for each empty part
            after[filled > 0] = np.inf
        part[group] = after.argmin()
        filled[part[group]] += counts[group]
    return [np.flatnonzero(part[groups] == k) for k in range(len(shares))]


def _shares_of_classes(y, valid, test, rng):
    """Return row numbers (train, valid, test), each class cut in the same shares."""
    cuts = []
    for kind in set(y):
        rows = rng.permutation(np.flatnonzero(y == kind))
        n_test = min(max(1, round(test * len(rows))), len(rows) - 2)
        n_valid = min(max(1, round(valid * len(rows))), len(rows) - n_test - 1)
        cuts.append(np.split(rows, [n_valid, n_valid + n_test]))
    valid, test, train = map(np.concatenate, zip(*cuts, strict=True))
    return [rng.permutation(rows) for rows in (train, valid, test)]


def notes_on(table, rows, learned, y, classes):
    """Return what was done with a table, a sentence for each kind of thing."""
    classes, lists = classes or (), defaultdict(list, {table.by: [table.name]})
    telling = itertools.compress(table.columns, _separates(table, y))
    lists["tells"] = [column.name for column in telling]
    for own, column, values in zip(table.columns, learned, table.X.T, strict=True):
        name, gaps = own.name, np.isnan(values)
        whole = _whole_kinds(values[~gaps]) if own.categories is None else 0
        if own.categories is not None:
            lists["categories"].append(f"{name} ({len(column.categories)})")
            if len({t.strip().lower() for t in own.categories}) < len(own.categories):
                lists["alike"].append(name)
            if len(column.categories) == 1:
                lists["constant"].append(name)
            lost = {*own.categories} - {*column.categories}
            lists["unknown"] += [f"{name}={text}" for text in sorted(lost)]
            gaps = np.equal(values, 0) & ("" in own.categories)
        elif _names_rows(name, values):
            lists["ids"].append(name)
        elif np.ptp(values[rows[0]]) <= NO_SPREAD:  # nan with gaps, which tell
            lists["constant"].append(name)
        elif own.standardize and 2 < whole <= _CODES:
            lists["codes"].append(f"{name} ({whole})")
        if gaps.any():
            lists["gaps"].append(f"{name} ({gaps.sum()})")
            if whole and not own.standardize:
                lists["code_gaps"].append(name)
    for names in lists.values():
        if len(names) > _MOST_NAMES:
            names[_MOST_NAMES:] = [f"... ({len(names)})"]
    alike = Counter(name.strip().lower() for name in classes)
    lists["classes_alike"] = [repr(c) for c in classes if alike[c.strip().lower()] > 1]
    for part, own in zip(SPLITS, rows, strict=True):
        there = {*y[own].tolist()} if classes else ()
        lists[part] = [name for k, name in enumerate(classes) if k not in there]
    facts = {key: {"names": ", ".join(names)} for key, names in lists.items() if names}
    each = {hash((row.tobytes(), k)) for row, k in zip(table.X, y, strict=True)}
    copies = len(y) - len(each)  # if most are, there are few kinds of rows
    if not table.by and 0 < copies <= len(y) / 2:
        facts["copies"] = {"count": copies}
    facts |= {"dated": {}} if table.dated and not table.by else {}
    counts = np.bincount(y) if classes else np.ones(1)
    if counts.max() >= UNEVEN * counts.min():
        most, rare = counts.argmax(), counts.argmin()
        shares = "/".join(f"{100 * (y[own] == most).mean():.4g}" for own in rows[1:])
        # Groups and time may cut a class unevenly.
        parts = "/".join(str((y[own] == rare).sum()) for own in rows)
        facts["uneven"] = {"most": classes[most], "shares": shares, "parts": parts}
        facts["uneven"] |= {"rare": classes[rare], "count": counts[rare], "k": rare}
    named = [name.removesuffix(".0") for name in classes]
    other = [k for k, name in enumerate(named) if name != str(k)]
    if named and all(name.lstrip("-").isdigit() for name in named):
        if other:
            facts["numbers"] = {"k": other[0], "name": classes[other[0]]}
        if len(named) > 2:
            facts["amounts"] = {"count": len(named)}
    texts = words("data.notes").items()  # in their order there
    return tuple(text.format(**facts[key]) for key, text in texts if key in facts)


def _separates(table, y):
    """Say of each column if it alone tells all classes, or high from low, apart."""
    y = y if y.dtype.kind == "i" else y > np.median(y)
    for column, values in zip(table.columns, table.X.T, strict=True):
        if column.categories is not None:  # by the mean target of each
            kinds = values.astype(int)
            values = (np.bincount(kinds, y) / np.bincount(kinds))[kinds]
        # One by one: a table may fill half of the memory. A gap tells, too.
        values = np.nan_to_num(values, nan=np.inf)
        parts = (np.sort(values[y == kind]) for kind in np.unique(y))
        parts = sorted(parts, key=lambda part: part[len(part) // 2])
        # Rare categories tell much by chance.
        least = _SEPARATED if column.categories is None else 1
        apart = itertools.starmap(_apart, itertools.pairwise(parts))
        yield len(parts) > 1 and min(apart) >= least


def _apart(low, high):
    """Return how far apart two sorted samples are: the Kolmogorov-Smirnov distance."""
    shares = (np.searchsorted(part, low, "right") / len(part) for part in (low, high))
    return np.subtract(*shares).max()


def _whole_kinds(values):
    """Return how many different numbers there are if all are whole, else 0."""
    return len(np.unique(values)) if (values % 1 == 0).all() else 0


def _names_rows(name, values):
    n, span = len(values), np.ptp(values)
    one_each = n >= 10 and _whole_kinds(values) == n
    return one_each and (span < 2 * n or name.lower().endswith("id"))
