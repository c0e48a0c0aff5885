"""``my-lessons/``, the learner's copies: the project's own notebooks stay as they are.

So an update of the project meets nothing that a learner wrote.  Standard library only.
"""

import hashlib
import json
import os

from hpkit._cli.environment import ROOT, Failure, say
from hpkit.store import write

FOLDER = "my-lessons"
# What each copy was made from: a lesson that differs from it has been updated since.
RECORD = ".copied.json"
PAGES = ("glossary.md", "REFERENCE.md")


def refresh(root=ROOT):
    """Copy what my-lessons/ lacks, lay updates beside it; give the folder to open."""
    source, folder = root / "notebooks", root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        known = record(folder)
        pages = (path for name in PAGES for path in source.glob(name))
        for original in [*source.glob("*.ipynb"), *pages]:
            name, mine, now = original.name, folder / original.name, digest(original)
            if not mine.exists() or digest(mine) == known.get(name) != now:
                write(mine, original.read_bytes())  # nothing of the learner's is in it
            elif name in known and known[name] != now:
                new = free_name(mine, "new")
                write(new, original.read_bytes())
                number = name.partition("_")[0]
                print(say("updated", name=name, new=new, number=number))
            known[name] = now
        (folder / RECORD).write_text(json.dumps(known, indent=0))
    except OSError as error:
        print(say("no_copies", folder=folder, why=error.strerror))
        return source
    return folder


def reset(lesson, root=ROOT):
    """Put a new copy of a lesson in place of the learner's, which is kept aside."""
    mine = root / FOLDER / f"{lesson}.ipynb"
    if mine.is_file():
        old = free_name(mine, "old")
        os.replace(mine, old)
        print(f"Yours is kept as {FOLDER}/{old.name}.")
    if refresh(root) != mine.parent:
        raise Failure(f"hpkit needs to write {mine.parent} to renew {mine.name} there.")
    print(f"{FOLDER}/{mine.name} is new.")


def record(folder):
    """Give the digests of what was copied; none where the file is damaged."""
    try:
        known = json.loads((folder / RECORD).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def free_name(path, word):
    """Give a name beside `path` that nothing has: 02.old.ipynb, 02.old-2.ipynb."""
    names = (f"{path.stem}.{word}{n}{path.suffix}" for n in ["", *range(-2, -1000, -1)])
    return next(new for name in names if not (new := path.with_name(name)).exists())
