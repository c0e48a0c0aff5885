"""The seeds of the claims' tests, counted in independent repeats.

Twenty learners of a lesson that takes three seeds are 60 seeds, and 20 repeats.
"""

LEAST = 20  # repeats over which each claim is held


def repeats(count, each=1, *, first=100):
    """Return the seeds of `count` repeats, none of which shares a seed with another.

    With `each` a repeat has several seeds, see `apart`. The tests of claims take their
    seeds, draws and splits from here; test_claims reads off the source how many.
    """
    assert count >= LEAST, f"a claim is held over {LEAST} repeats, got {count}"
    return range(first, first + count * each)


def apart(values, each):
    """Return values (..., seeds) as (..., repeats, each)."""
    parts = values.reshape(*values.shape[:-1], -1, each)
    assert parts.shape[-2] >= LEAST, f"{values.shape[-1]} seeds are too few for {each}"
    return parts
