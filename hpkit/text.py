"""Values, settings and hyperparameters as a learner reads them."""

from hpkit.hyperparameters import TABLE

WORDS = {name: facts.label for name, facts in TABLE.items()}
NO_HIDDEN = "no hidden layers"


def shown(value):
    """Return a hyperparameter's value as a learner reads it: 0.3, 16-16, adam."""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return "-".join(map(str, value)) or "none"
    return str(value)


def label(setting, names):
    """Return a setting in words: "learning rate 0.3, batch size 16".

    Parameters
    ----------
    setting : Hyperparameters
    names : sequence of str
        The hyperparameters to name.
    """
    return ", ".join(named_value(n, getattr(setting, n)) for n in names)


def named_value(name, value):
    """Return a value with its name: "batch size 16", "no hidden layers"."""
    return NO_HIDDEN if value == () else f"{WORDS[name]} {shown(value)}"
