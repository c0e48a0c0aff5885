"""What a person reads, apart from the code: one file a language, here en.toml."""

import functools
import json
import os
import string
import sys
import tomllib
from pathlib import Path

_FOLDER = Path(__file__).parent
_chosen = ["en"]


def language(name: str | None = None) -> str:
    """Choose the language in which hpkit speaks from now on, and return its name.

    Without a name leave it: at first that of the environment variable HPKIT_LANG, else
    "en". What a language lacks is said in English.

    Examples
    --------
    >>> language("en")
    'en'
    """
    known = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    if name is not None:
        if name not in known:
            choices = ", ".join(map(repr, known))
            about = {"name": "language", "choices": choices, "got": repr(name)}
            raise ValueError(tr("refusals.choice", **about))
        _chosen[0] = name
    return _chosen[0]


def words(path: str):
    """Return what stands at a path, such as "search.kinds", in the language chosen."""
    every = _all_words(_FOLDER, _chosen[0])
    return functools.reduce(dict.__getitem__, path.split("."), every)


def tr(path: str, **facts):
    """Return the text at a path, filled with facts."""
    text = words(path)
    return text.format(**facts) if isinstance(text, str) else text


class Texts:
    """Texts by name in the language chosen: of the first path that has the name."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths

    def __getitem__(self, name: str):
        *others, last = map(words, self.paths)
        return next((texts for texts in others if name in texts), last)[name]


def digits(value, count=3):
    """Return a number with so many digits: 0.110 beside 0.111, and 469, not 469."""
    return f"{value:#.{count}g}".removesuffix(".")


class _Formatter(string.Formatter):
    def format_field(self, value, spec):
        one, _, many = spec.partition("/")
        if many:  # a number, and what it counts
            return f"{value} {one if value == 1 else many}"
        text = format(value, spec)
        return text.removesuffix(".") if "#" in spec else text


class _Text(str):
    """A text whose numbers end in no point, and may count: {n:run/runs}."""

    english = None  # what is said where a translation cannot be filled

    def format(self, *args, **facts):
        try:
            return _Formatter().vformat(self, args, facts)
        except (LookupError, ValueError, TypeError, AttributeError):
            if self.english is None:
                raise
            return self.english.format(*args, **facts)


def texts_of(english, other=None):
    """Return what a file holds, in the words of ko/file or `other` if there is one."""
    other = other or english.parent / _chosen[0] / english.name
    return _merged(_read(english), _read(other)) if other.exists() else _read(english)


@functools.cache
def _all_words(folder, name):
    return texts_of(folder / "en.toml", folder / f"{name}.toml")


@functools.cache
def _read(path):
    read = json.loads if path.suffix == ".json" else tomllib.loads
    return _as_texts(read(path.read_text("utf-8-sig")))


def _as_texts(read):
    if isinstance(read, dict):
        return {key: _as_texts(value) for key, value in read.items()}
    if isinstance(read, list):
        return [*map(_as_texts, read)]
    return _Text(read) if isinstance(read, str) else read


def _merged(english, other):
    """Return texts by name, in English where the other language lacks one."""
    if type(english) is not type(other):
        return english
    if isinstance(english, list):
        both = map(_merged, english, other)
        return [*both, *english[len(other) :], *other[len(english) :]]
    if not isinstance(english, dict):
        if isinstance(other, _Text) and other is not english:
            other.english = english
        return other
    both = {key: _merged(english[key], other[key]) for key in english if key in other}
    return english | other | both  # the other may know more, such as synonyms


try:
    language(os.environ.get("HPKIT_LANG") or None)
except ValueError as problem:  # whoever learns goes on, in English
    print(tr("language.unknown", problem=problem), file=sys.stderr)
