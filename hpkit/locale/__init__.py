"""What a person reads, apart from the code: one file a language, here en.toml."""

import os
import tomllib
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).parent
_chosen = [os.environ.get("HPKIT_LANG", "en")]


def language(name: str | None = None) -> str:
    """Choose the language in which hpkit speaks from now on, and return its name.

    Parameters
    ----------
    name : str, optional
        Such as "en". Default: leave it; at first that of the environment variable
        HPKIT_LANG, else "en". What a language lacks is said in English.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        No such language.

    Examples
    --------
    >>> language("en")
    'en'
    """
    known = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    if name is not None:
        if name not in known:
            text = words("refusals")["choice"].format(
                name="language", choices=", ".join(map(repr, known)), got=repr(name)
            )
            raise ValueError(text)
        _chosen[0] = name
    return _chosen[0]


def words(part: str) -> dict:
    """Return the texts of a part of hpkit by name, in the language chosen."""
    return _words(part, _chosen[0])


def say(path: str, **facts):
    """Return what stands at a path, such as "capstone.state", filled with facts."""
    part, *keys = path.split(".")
    text = words(part)
    for key in keys:
        text = text[key]
    return text.format(**facts) if isinstance(text, str) else text


class Texts:
    """Texts by name in the language chosen: of the first path that has the name.

    A path is such as "panels.grid".
    """

    def __init__(self, *paths: str) -> None:
        self.paths = [path.split(".") for path in paths]

    def __getitem__(self, name: str):
        for part, *keys in self.paths:
            texts = words(part)
            for key in keys:
                texts = texts[key]
            if name in texts:
                return texts[name]
        raise KeyError(name)


def translated(english):
    """Return the path of a file of texts in the language chosen, such as ko/ beside it.

    Where there is none, that of the English file.
    """
    path = english.parent / _chosen[0] / english.name
    return path if path.exists() else english


@cache
def _words(part, name):
    english = _table("en")[part]
    return english if name == "en" else merged(english, _table(name).get(part, {}))


@cache
def _table(name):
    path = _FOLDER / f"{name}.toml"
    return tomllib.loads(path.read_text("utf-8")) if path.exists() else {}


def merged(english, other):
    """Return texts by name, in English where the other language lacks one."""
    return {
        key: merged(text, other.get(key, {}))
        if isinstance(text, dict)
        else other.get(key, text)
        for key, text in english.items()
    }
