"""What a person reads, apart from the code: one file a language, en.toml."""

import tomllib
from functools import cache
from pathlib import Path


@cache
def words(part):
    """Return the texts of a part of hpkit by name."""
    path = Path(__file__).parent / "en.toml"
    return tomllib.loads(path.read_text(encoding="utf-8"))[part]
