"""Runs and searches of a panel as JSON files in hpkit-runs/, to come back to."""

from pathlib import Path

from hpkit.files import load, read_file, runs_from_plain, runs_to_plain, write_file

WORDS = {
    "name": "keep must be a short name, got {!r}; write for example keep='my-runs'",
    "data": "hpkit-runs/{0}.json holds runs on {1}, got the data set {2}; choose "
    "another name with keep=",
}
FOLDER = Path("hpkit-runs")


def check_keep(name):
    """Return the name of a file without folder and ending, or None."""
    if name is None:
        return None
    plain = isinstance(name, str) and name.replace("-", "").replace("_", "").isalnum()
    if not plain:
        raise ValueError(WORDS["name"].format(name))
    return name


def path_of(folder, name):
    """Return the file of a name."""
    return folder / f"{name}.json"


def keep_runs(path, kept, runs):
    """Write the runs of a list with their names and pins."""
    looks = [
        {
            "setting": runs.settings.index(k.run.setting),
            "seed": runs.seeds.index(k.run.seed),
            "number": k.number,
            "name": k.name,
            "color": k.color,
        }
        for k in kept
    ]
    path.parent.mkdir(exist_ok=True)
    return write_file(path, {"kind": "runs", "kept": looks} | runs_to_plain(runs))


def kept_runs(path, dataset):
    """Return what `keep_runs` wrote as (run, number, name, color), first to last."""
    plain = read_file(path)
    check_same_data(path, plain["dataset"]["name"], dataset)
    runs = runs_from_plain(plain, dataset)
    return [
        (runs[k["setting"], k["seed"]], k["number"], k["name"], k["color"])
        for k in plain["kept"]
    ]


def kept_search(path, dataset):
    """Return the search that a panel has kept."""
    check_same_data(path, read_file(path)["dataset"]["name"], dataset)
    return load(path, dataset)


def check_same_data(path, name, dataset):
    """Raise when the runs are of another data set."""
    if name != dataset.name:
        raise ValueError(WORDS["data"].format(path.stem, name, dataset.name))


def free_paths(stem, ends):
    """Return the first paths with that name, one an ending, of which none is taken."""
    number = 1
    while True:
        name = stem if number == 1 else f"{stem}-{number}"
        paths = [FOLDER / f"{name}.{end}" for end in ends]
        if not any(path.exists() for path in paths):
            return paths
        number += 1
