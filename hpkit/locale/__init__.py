"""All texts for users, apart from the code: one file per language, here en.toml."""

import functools
import json
import os
import string
import sys
import tomllib
from pathlib import Path

_FOLDER = Path(__file__).parent
_current = ["en"]


def language(name: str | None = None) -> str:
    """Choose the language in which hpkit speaks from now on, and return its name.

    Without a name, keep the current one: at first that of the environment variable
    HPKIT_LANG, else "en". Texts that a language lacks are in English.

    Examples
    --------
    >>> language("en")
    'en'
    """
    known = sorted(path.stem for path in _FOLDER.glob("*.toml"))
    if name is not None:
        if name not in known:
            choices = ", ".join(map(repr, known))
            facts = {"name": "language", "choices": choices, "got": repr(name)}
            raise ValueError(tr("refusals.choice", **facts))
        _current[0] = name
    return _current[0]


def words(path: str):
    """Return the texts at a path, such as "search.kinds", in the current language."""
    texts = _read_language(_FOLDER, _current[0])
    return functools.reduce(dict.__getitem__, path.split("."), texts)


def tr(path: str, **facts):
    """Return the text at a path, with its placeholders filled."""
    text = words(path)
    return text.format(**facts) if isinstance(text, str) else text


class Texts:
    """Texts by name in the current language, from the first path that has the name."""

    def __init__(self, *paths: str) -> None:
        self.paths = paths

    def __getitem__(self, name: str):
        *others, last = map(words, self.paths)
        return next((texts for texts in others if name in texts), last)[name]


def digits(value, count=3):
    """Return a number with so many digits: 0.11 as "0.110", 469 without a point."""
    return f"{value:#.{count}g}".removesuffix(".")


class _Formatter(string.Formatter):
    def format_field(self, value, spec):
        singular, _, plural = spec.partition("/")
        if plural:
            return f"{value} {singular if str(value) == '1' else plural}"
        text = format(value, spec)
        return text.removesuffix(".") if "#" in spec else text


class _Text(str):
    """A text that formats numbers without a final point, and counts: {n:run/runs}."""

    def format(self, *args, **facts):
        return _Formatter().vformat(self, args, facts)


def texts_of(english, other=None):
    """Return the texts of a file; those in `other` or, say, in ko/<file> come first."""
    other = other or english.parent / _current[0] / english.name
    return _merge(_read(english), _read(other)) if other.exists() else _read(english)


@functools.cache
def _read_language(folder, name):
    return texts_of(folder / "en.toml", folder / f"{name}.toml")


@functools.cache
def _read(path):
    parse = json.loads if path.suffix == ".json" else tomllib.loads
    return _as_texts(parse(path.read_text("utf-8-sig")))


def _as_texts(value):
    if isinstance(value, dict):
        return {key: _as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [*map(_as_texts, value)]
    return _Text(value) if isinstance(value, str) else value


def _merge(english, other):
    """Return the texts in the other language, in English where it lacks one."""
    if type(english) is not type(other):
        return english
    if isinstance(english, list):
        shared = map(_merge, english, other)
        return [*shared, *english[len(other) :], *other[len(english) :]]
    if not isinstance(english, dict):
        return other
    shared = {key: _merge(english[key], other[key]) for key in english if key in other}
    return english | other | shared  # the other may have more keys, such as synonyms


try:
    language(os.environ.get("HPKIT_LANG") or None)
except ValueError as problem:  # lessons go on, in English
    print(tr("language.unknown", problem=problem), file=sys.stderr)
