"""Write the files of this folder: ``python data/make.py [NAME ...] [--check]``.

README.md has the rules; ``hpkit/data/datasets.py`` draws the generated sets. The tests
run it with ``--check``: the files must be byte for byte what is committed.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from hpkit.data.datasets import SOURCES, load_dataset  # noqa: E402

PARTS = ("train", "valid", "test")


def course_table(name):
    """Return the table of a course data set: its features, `y` and `split`."""
    source = SOURCES[name]
    if source.draw:
        dataset = load_dataset(name, 0)
        splits = [getattr(dataset, part) for part in PARTS]
        X, y = (np.concatenate([getattr(s, n) for s in splits]) for n in "Xy")
        features = [f"x{column + 1}" for column in range(X.shape[1])]
    else:
        loaded = getattr(datasets, f"load_{name}")()
        order = np.random.default_rng(0).permutation(len(loaded.target))
        X, y = loaded.data[order], loaded.target[order]
        X = X.astype(int) if name == "digits" else X
        features = [f.replace("/", "_per_") for f in loaded.feature_names]
    table = pd.DataFrame(X, columns=features)
    return table.assign(y=y, split=np.repeat(PARTS, source.sizes))


def breast_cancer_table():
    """Return the table that stands for a learner's own in lesson 11."""
    loaded = datasets.load_breast_cancer()
    names = [name.replace(" ", "_") for name in loaded.feature_names]
    table = pd.DataFrame(loaded.data, columns=names)
    return table.assign(diagnosis=loaded.target_names[loaded.target])


def main(argv=None):
    """Write or check files; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [*SOURCES, "breast_cancer"]
    parser.add_argument("names", nargs="*", help=f"default: all of {', '.join(names)}")
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    arguments = parser.parse_args(argv)
    if unknown := sorted(set(arguments.names) - set(names)):
        parser.error(f"a name must be one of {', '.join(names)}, got {unknown[0]}")
    code = 0
    for name in arguments.names or names:
        table = course_table(name) if name in SOURCES else breast_cancer_table()
        content = table.to_csv(index=False, lineterminator="\n").encode()
        file = FOLDER / f"{name}.csv"
        same = file.is_file() and file.read_bytes() == content
        if not arguments.check:
            file.write_bytes(content)
        code |= arguments.check and not same
        change = "differs" if arguments.check else "written"
        print(f"{file.name}: {'as it was' if same else change}")
    return code


if __name__ == "__main__":
    sys.exit(main())
