"""A user's table: how its columns become numbers, and how its rows are split.

What is learned (categories, what fills a gap) comes from the training rows alone.
Nothing here depends on `Dataset`.
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
NO_SPREAD = 1e-100  # a smaller spread is rounding: its square is 0
_FAR = 20  # standard deviations: between chance and a slip of the pen
_UNEVEN = 5  # rows of the most common class, in multiples of the rarest
# Texts are taken as categories without `categorical=` if there is at most one for each
# ten rows, but 10 always are, and more than 100 never.
_CATEGORIES_PER_ROW, _CATEGORY_LIMITS = 0.1, (10, 100)
_GROUP_DRAWS = 100  # ways to split groups that are tried, to find an even one
_MAX_CODES = 12  # different whole numbers that may be codes: months, say
# Kolmogorov-Smirnov distance of two classes in a column; breast cancer's best has 0.84.
_SEPARATED = 0.95
_ID_NAME = re.compile(r"(?:^|[\W_])(?i:id)$|[a-z]I[dD]$")
_MAX_NAMES = 20  # of columns, in a note
_MAX_COLUMNS = 2000  # for one column of categories: millions would not fit in memory


@dataclass(frozen=True)
class Column:
    """How one column of a table becomes columns of X, learned from training rows."""

    name: str
    categories: tuple | None = None  # a column of 0 and 1 for each; "" is a gap
    fill: float | None = None  # gaps in numbers: the median, None in older files
    missing: bool = False  # whether one more column marks gaps in numbers
    standardize: bool = True

    @property
    def features(self):
        gap = f"{self.name} is missing"  # not translated: saved files contain it
        if self.categories is None:
            return (self.name, gap) if self.missing else (self.name,)
        return tuple(f"{self.name}={c}" if c else gap for c in self.categories)

    def fit(self, values):
        """Return a copy that is fitted to these values of training rows."""
        known = values[~np.isnan(values)]
        if self.categories is not None:
            codes = np.unique(known.astype(int))
            return replace(self, categories=tuple(self.categories[k] for k in codes))
        if not len(known):
            raise refusal("empty_column", name=self.name)
        gaps = len(known) < len(values)
        return replace(self, fill=float(np.median(known)), missing=gaps)

    def match(self, other):
        return replace(self, categories=other.categories, missing=other.missing)

    def transform(self, values, coded):
        """Return its columns of X; categories are numbered as in the column `coded`."""
        if self.categories is not None:
            return [values == coded.categories.index(c) for c in self.categories]
        gaps = np.isnan(values)
        values = np.where(gaps, self.fill, values) if gaps.any() else values
        return [values, gaps] if self.missing else [values]


@dataclass(frozen=True, eq=False)
class Table:
    """Raw rows: in X gaps are nan, and categories are numbered as in their `Column`."""

    X: np.ndarray
    y: np.ndarray
    columns: tuple
    by: str = ""  # what splits the rows: "groups", "time", "splits", or "" for chance
    name: str = ""  # the name of the column that does
    key: np.ndarray | None = None  # of each row the group, the rank in time, the split
    dated: bool = False  # whether its index has dates


def prepare(X, columns, coded):
    """Return all columns of X; categories are numbered as in the columns `coded`."""
    pieces = map(Column.transform, columns, X.T, coded)
    return np.column_stack([*itertools.chain(*pieces)]).astype(float, copy=False)


def read_frame(frame, target, by, categorical, standardize):
    """Return a data frame as a `Table`; `by` has the columns that may split it."""
    import pandas as pd

    frame = frame.to_pandas() if hasattr(frame, "to_pandas") else frame
    if not isinstance(frame, pd.DataFrame):
        raise refusal("frame", kind=TypeError, type=type(frame).__name__)
    if (frame.dtypes == "object").any():  # it copies all
        frame = frame.infer_objects()  # numbers in columns of objects
    if frame.columns.nlevels > 1:
        raise refusal("levels", frame.columns[0])
    names = list(map(str, frame.columns))
    if duplicates := [name for name in names if names.count(name) > 1]:
        raise refusal("columns_differ", duplicates[0])
    by = {role: name for role, name in by.items() if name is not None}
    if len(by) > 1:
        raise refusal("one_cut", given=", ".join(by))
    for role, name in ({"target": target} | by).items():
        _check_column(role, name, frame.columns)
        if role != "target" and name == target:
            raise refusal("target_cuts", target, what=role)
        if gaps := (frame[name].isna() | frame[name].astype(object).isin([""])).sum():
            raise refusal("gaps", names=f"{name} ({gaps})", what=role)
    inputs = frame.drop(columns=[target, *by.values()]).rename(columns=str)
    if not inputs.shape[1]:
        raise refusal("no_inputs", names=", ".join(names))
    X, columns = _read_inputs(inputs, categorical, standardize)
    y = frame[target]
    kind = y.dtype.kind
    if kind in "mM":
        raise refusal("target_dates", y.iloc[0], name=target)
    y = y.to_numpy(kind + "8") if kind in "iuf" else np.array(_texts(y), str)
    role, name = next(iter(by.items()), ("", ""))
    key = _read_key(role, frame[name]) if role else None
    dated = isinstance(frame.index, pd.DatetimeIndex)
    return Table(X, y, columns, role, str(name), key, dated)


def _check_column(role, name, names):
    if not isinstance(name, Hashable) or name not in set(names):  # a list, a column
        one = len(names) == 1 and ";" in str(*names)
        names = ", ".join(map(repr, names))
        raise refusal("semicolons" if one else "column", name, what=role, names=names)
    return name


def _check_columns(argument, names, allowed):
    names = check_items(argument, names, empty=True, of="names")
    return [_check_column(argument, str(name), allowed) for name in names]


def _read_key(by, column):
    if by == "groups":
        return np.array(_texts(column), str)
    if by == "time":
        if column.dtype.kind not in "iufmM":
            raise refusal("time", column.iloc[0], name=column.name)
        return column.rank(method="dense").to_numpy(int)
    if invalid := [v for v in column if not isinstance(v, str) or v not in SPLITS]:
        raise refusal("splits", invalid[0], name=column.name)
    return column.to_numpy(str)


def _read_inputs(inputs, categorical, standardize):
    columns = {name: Column(name) for name in inputs}
    categorical = _check_columns("categorical", categorical, columns)
    kinds = {name: dtype.kind for name, dtype in inputs.dtypes.items()}
    gaps = inputs.isna().sum()
    dates = [name for name, kind in kinds.items() if kind in "mM"]
    refusals = [refusal("dates", names=", ".join(dates))] if dates else []
    if empty := [name for name in kinds if 0 < gaps[name] == len(inputs)]:
        raise refusal("empty_column", name=empty[0])
    for name, kind in kinds.items():
        declared = name in categorical or inputs[name].dtype == "category"
        if declared or kind not in "biufmM":
            codes, categories = _texts(inputs[name]).factorize(sort=True)
            if not declared:
                refusals += _refuse_texts(name, [*filter(None, categories)], len(codes))
            elif len(categories) > _MAX_COLUMNS:
                facts = {"most": _MAX_COLUMNS, "name": name}
                refusals.append(refusal("many_categories", len(categories), **facts))
            columns[name] = Column(name, tuple(categories))
            inputs[name] = codes
    if refusals:  # of all columns at once
        refusals[0].args = ("\n".join(map(str, refusals)),)
        raise refusals[0]
    numeric = [name for name, column in columns.items() if column.categories is None]
    if isinstance(standardize, bool):
        standardize = numeric if standardize else ()
    standardize = _check_columns("standardize", standardize, numeric)
    columns = [replace(c, standardize=c.name in standardize) for c in columns.values()]
    return inputs.to_numpy(float, na_value=np.nan), tuple(columns)


def _texts(values):
    """Return the names of categories: 3 and 3.0 are the same, "" is a gap."""
    import pandas as pd

    def to_text(value):
        if not isinstance(value, Hashable):  # a list, say
            raise refusal("cell", value, name=values.name)
        is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        return str(int(value) if is_number and value % 1 == 0 else value)

    texts = values.astype(object)
    if pd.api.types.infer_dtype(texts) != "string":  # skipping `map` is much faster
        texts = texts.map(to_text, na_action="ignore").astype(object)
    return texts.fillna("")


def look_numeric(texts):
    """Return which texts are numbers, also those written "12%", "$7" or "1,5"."""
    import pandas as pd

    stripped = [re.sub(r"[\s,()%$€£¥']|-$", "", text) for text in texts]
    return pd.to_numeric(pd.Series(stripped, dtype=object), errors="coerce").notna()


def _refuse_texts(name, texts, n_rows):
    """Return a list with the refusal of texts that seem to be no categories, or []."""
    import pandas as pd

    numeric = look_numeric(texts)
    if 2 * numeric.sum() > len(texts):
        # Show one that is no number at all, or else one that pandas cannot parse.
        parsed = pd.to_numeric(pd.Series(texts, dtype=object), errors="coerce").notna()
        shown = min(range(len(texts)), key=lambda k: (numeric[k], parsed[k]))
        return [refusal("number_texts", texts[shown], name=name)]
    likely = [text for text in texts if text[:4].isdigit()]  # pandas also takes "today"
    parsed = pd.to_datetime(likely, "coerce", utc=True, format="ISO8601")
    if 2 * len(dates := pd.Series(parsed, likely).dropna()) > len(texts):
        return [refusal("date_texts", dates.index[0], name=name)]
    limit = np.clip(_CATEGORIES_PER_ROW * n_rows, *_CATEGORY_LIMITS)
    if len(texts) > limit:
        distinct = len({text.strip().lower() for text in texts})
        key = "mixed_texts" if distinct <= max(limit, len(texts) // 2) else "many_texts"
        key = "every_text" if len(texts) == n_rows else key
        facts = {"name": name, "count": len(texts), "rows": n_rows, "few": distinct}
        return [refusal(key, texts[0], **facts)]
    return []


def rows_to_numbers(X, columns):
    """Return rows as numbers; a category that `columns` lack is -1, with a warning."""
    import pandas as pd

    arrays = []
    for column, (_, values) in zip(columns, pd.DataFrame(X).items(), strict=True):
        if column.categories is None:
            arrays.append(_to_floats(column.name, values))
            continue
        texts = _texts(values)
        codes = pd.Index(column.categories).get_indexer(texts)
        arrays.append(codes)
        if new := {*texts[codes < 0]}:
            labels = [repr(text) if text else tr("data.gap") for text in sorted(new)]
            warn(tr("data.new_category", name=column.name, new=", ".join(labels)))
    return np.column_stack(arrays)


def _to_floats(name, values):
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
    """Return row numbers (train, valid, test); y has class numbers, or is None."""
    if table.by == "splits":
        parts = [np.flatnonzero(table.key == name) for name in SPLITS]
    elif table.by == "time":
        parts = _split_by_time(table.key, (1 - valid - test, 1 - test))
    elif table.by == "groups":
        parts = _split_by_group(table.key, (1 - valid - test, valid, test), rng, y)
    else:
        strata = np.zeros(len(table.y)) if y is None else y
        return _split_at_random(strata, valid, test, rng)
    for name, part in zip(SPLITS, parts, strict=True):
        if not len(part):
            raise refusal("no_split_rows", name=name, by=table.by)
    if y is not None and (untrained := {*y.tolist()} - {*y[parts[0]].tolist()}):
        raise refusal("untrained_class", np.unique(table.y).tolist()[min(untrained)])
    return parts


def fold_rows(table, count, rng, classes):
    """Return pairs of row numbers: to train on, and held out (later ones for time)."""
    # With `classes`, each fold holds out about the same share of every class.
    if table.by == "time":
        blocks = _split_by_time(table.key, np.arange(1, count + 1) / (count + 1))
        if not all(map(len, blocks)):
            raise refusal("few_times", count)
        return [(np.concatenate(blocks[:k]), blocks[k]) for k in range(1, count + 1)]
    if table.by == "groups":
        y = table.y if classes else None
        blocks = _split_by_group(table.key, (1 / count,) * count, rng, y)
    else:
        order = rng.permutation(len(table.y))
        strata = table.y[order] if classes else 0 * order
        order = order[np.argsort(strata, kind="stable")]
        blocks = [order[k::count] for k in range(count)]
    rest = [np.concatenate(blocks[:k] + blocks[k + 1 :]) for k in range(count)]
    return zip(rest, blocks, strict=True)


def _split_by_time(key, ends):
    """Return rows in blocks up to these shares; rows of one time stay together."""
    order = np.argsort(key, kind="stable")
    at = np.minimum(np.round(np.multiply(ends, len(key))).astype(int), len(key) - 1)
    return np.split(order, np.searchsorted(key[order], key[order][at]))


def _split_by_group(groups, shares, rng, y):
    """Return the rows of each part: whole groups, about these shares of the rows."""
    _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
    if len(sizes) < len(shares):
        raise refusal("few_groups", len(sizes), least=len(shares))
    classes, y = np.unique(0 * groups if y is None else y, return_inverse=True)

    def unevenness(parts):  # the classes that parts lack, then chi-square of the counts
        counts = np.array([np.bincount(y[p], minlength=len(classes)) for p in parts])
        expected = np.outer(shares, counts.sum(0))
        return (counts == 0).sum(), ((counts - expected) ** 2 / expected).sum()

    n_draws = max(1, min(_GROUP_DRAWS, 20_000 // len(sizes)))  # many are even anyway
    draws = (_draw_groups(groups, sizes, shares, rng) for _ in range(n_draws))
    return min(draws, key=unevenness)


def _draw_groups(groups, sizes, shares, rng):
    filled, part_of = np.zeros(len(shares)), np.empty(len(sizes), int)
    for n_placed, group in enumerate(rng.permutation(len(sizes))):
        levels = (filled + sizes[group]) / shares
        if (filled == 0).sum() == len(sizes) - n_placed:  # one for each empty part
            levels[filled > 0] = np.inf
        part_of[group] = levels.argmin()
        filled[part_of[group]] += sizes[group]
    return [np.flatnonzero(part_of[groups] == k) for k in range(len(shares))]


def _split_at_random(strata, valid, test, rng):
    """Return row numbers (train, valid, test), each stratum in the same shares."""
    pieces = []
    for stratum in set(strata):
        rows = rng.permutation(np.flatnonzero(strata == stratum))
        n_test = min(max(1, round(test * len(rows))), len(rows) - 2)
        n_valid = min(max(1, round(valid * len(rows))), len(rows) - n_test - 1)
        pieces.append(np.split(rows, [n_valid, n_valid + n_test]))
    valid, test, train = map(np.concatenate, zip(*pieces, strict=True))
    return [rng.permutation(rows) for rows in (train, valid, test)]


def notes_on(table, rows, fitted, y, classes):
    """Return what was done with a table, and warnings: a sentence for each kind."""
    classes, lists = classes or (), _list_columns(table, rows[0], fitted, y)
    count = Counter(name.strip().lower() for name in classes)
    lists["classes_alike"] = [repr(c) for c in classes if count[c.strip().lower()] > 1]
    for split, part in zip(SPLITS, rows, strict=True):
        present = {*y[part].tolist()}
        lists[split] = [name for k, name in enumerate(classes) if k not in present]
    facts = {key: {"names": ", ".join(names)} for key, names in lists.items() if names}
    distinct = {hash((row.tobytes(), k)) for row, k in zip(table.X, y, strict=True)}
    copies = len(y) - len(distinct)  # more than half: few rows are possible
    if not table.by and 0 < copies <= len(y) / 2:
        facts["copies"] = {"count": copies}
    if not table.by and table.dated:
        facts["dated"] = {}
    counts = np.bincount(y) if classes else np.ones(1)
    most, rare = counts.argmax(), counts.argmin()
    if counts[most] >= _UNEVEN * counts[rare]:
        shares = "/".join(f"{100 * (y[part] == most).mean():.4g}" for part in rows[1:])
        # Splits by group or time may divide a class unevenly.
        parts = "/".join(str((y[part] == rare).sum()) for part in rows)
        facts["uneven"] = {"most": classes[most], "shares": shares, "parts": parts}
        facts["uneven"] |= {"rare": classes[rare], "count": counts[rare], "k": rare}
    elif not classes and (n := len({*y.tolist()})) <= 50 and not (y % 1).any():
        facts["named"] = {"count": n}
    labels = [name.removesuffix(".0") for name in classes]
    if labels and all(label.lstrip("-").isdigit() for label in labels):
        if differ := [k for k, label in enumerate(labels) if label != str(k)]:
            facts["numbers"] = {"k": differ[0], "name": classes[differ[0]]}
        if len(labels) > 2:
            facts["amounts"] = {"count": len(labels)}
    if labels == ["False", "True"]:
        facts["numbers"] = {"k": 1, "name": "True"}
    texts = words("data.notes")  # said in the order of the locale's file
    if "tells" in facts:  # whoever does not look at the notes must know it, too
        warn(texts["tells"].format(**facts["tells"]))
    return tuple(texts[key].format(**facts[key]) for key in texts if key in facts)


def _list_columns(table, train, fitted, y):
    """Return the names of the columns that each kind of note is about."""
    lists = defaultdict(list, {table.by: [table.name]})
    lists["tells"] = [*_find_separating(table, y)]
    if table.by == "groups" and _look_alike({*table.key.tolist()}):
        lists["alike"].append(table.name)
    for column, learned, values in zip(table.columns, fitted, table.X.T, strict=True):
        name, gaps = column.name, np.isnan(values)
        if column.categories is not None:
            texts, trained = column.categories, learned.categories
            lists["categories"].append(f"{name} ({len(trained)})")
            if _look_alike(texts):
                lists["alike"].append(name)
            if len(trained) == 1:
                lists["constant"].append(name)
            lists["unknown"] += [f"{name}={t}" for t in sorted({*texts} - {*trained})]
            gaps = (values == 0) & ("" in texts)
        else:
            known = values[~gaps]
            n_whole = len(np.unique(known)) if (known % 1 == 0).all() else 0
            if _looks_like_id(name, values):
                lists["ids"].append(name)
            elif np.ptp(values[train]) <= NO_SPREAD:  # nan with gaps, which may inform
                lists["constant"].append(name)
            elif not column.standardize:
                lists["unscaled"].append(name)
            elif 2 < n_whole <= _MAX_CODES:
                lists["codes"].append(f"{name} ({n_whole})")
            elif n_whole > _MAX_CODES and _ID_NAME.search(name):
                lists["repeated_ids"].append(name)
            elif (off := abs(known - known.mean())).max() > _FAR * known.std():
                lists["far"].append(f"{name} ({known[off.argmax()]:g})")
        if gaps.any():
            lists["gaps"].append(f"{name} ({gaps.sum()})")
    for names in lists.values():
        if len(names) > _MAX_NAMES:
            names[_MAX_NAMES:] = [f"... ({len(names)})"]
    return lists


def _look_alike(texts):
    """Say whether some texts differ only in case or in spaces around them."""
    return len({text.strip().lower() for text in texts}) < len(texts)


def _find_separating(table, y):
    """Yield the columns that alone separate all classes, or high from low targets."""
    y = y if y.dtype.kind == "i" else y > np.median(y)
    for column, values in zip(table.columns, table.X.T, strict=True):
        if column.categories is not None:  # order categories by their mean target
            codes = values.astype(int)
            values = (np.bincount(codes, y) / np.bincount(codes))[codes]
        # Column by column: the table may fill half of the memory. Gaps may inform, too.
        values = np.nan_to_num(values, nan=np.inf)
        samples = (np.sort(values[y == k]) for k in np.unique(y))
        samples = sorted(samples, key=lambda sample: sample[len(sample) // 2])
        distances = itertools.starmap(_ks_distance, itertools.pairwise(samples))
        # Rare categories come close to separating the classes by chance.
        threshold = _SEPARATED if column.categories is None else 1
        if len(samples) > 1 and min(distances) >= threshold:
            yield column.name


def _ks_distance(low, high):
    """Return the Kolmogorov-Smirnov distance of two sorted samples."""
    shares = (np.searchsorted(part, low, "right") / len(part) for part in (low, high))
    return np.subtract(*shares).max()


def _looks_like_id(name, values):
    n = len(values)
    all_differ = n >= 10 and (values % 1 == 0).all() and len(np.unique(values)) == n
    return all_differ and (np.ptp(values) < 2 * n or name.lower().endswith("id"))
