"""Live panels: each a box of controls, charts and words. One module holds one panel."""

from importlib import import_module

_MODULES = {
    "bowl": ("BowlPanel",),
    "choosing": ("CoinFlipsPanel", "TestBoxPanel"),
    "clinic": ("ClinicPanel",),
    "curve": ("ValidationCurvePanel",),
    "grid": ("GridPanel",),
    "noise": ("BatchNoisePanel",),
    "one_at_a_time": ("OneAtATimePanel",),
    "parts": ("present",),
    "patience": ("PatiencePanel",),
    "race": ("SearchRacePanel",),
    "seeds": ("SeedsPanel",),
    "training": ("TrainingPanel",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name):
    """Import the module of a panel when it is first used."""
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
