"""Systems, data sets and the like by name: where their settings are declared, and what is made from them.

An entry names places, so that reading settings imports neither TensorFlow nor what a run does not use. In place of a
name, MODULE:CLASS takes a class from outside of the package, whose settings are its attribute `Settings`.
"""

import importlib
from collections.abc import Mapping
from typing import Any, NamedTuple


class Entry(NamedTuple):
    """One thing that can be chosen by name."""

    settings: str  # "module:Class", a dataclass of settings
    made_by: str  # "module:Class"


def settings_class(entries: Mapping[str, Entry], kind: str, name: str) -> type:
    """The dataclass of the settings of `name`. ValueError naming the known ones; `kind` is the setting that chooses."""
    if name in entries:
        return _load(entries[name].settings)
    return load(entries, kind, name).Settings


def load(entries: Mapping[str, Entry], kind: str, name: str) -> Any:
    """The class of that name. ValueError if there is none."""
    return load_place({known: entry.made_by for known, entry in entries.items()}, kind, name)


def load_place(places: Mapping[str, str], kind: str, name: str) -> Any:
    """The class "module:Class" that a name stands for, or that it is. ValueError if there is none."""
    if name in places:
        return _load(places[name])
    if ":" not in name:
        raise ValueError(
            f"{kind}={name!r} is unknown; choose one of {', '.join(places)}, or MODULE:CLASS for one of your own"
        )
    try:
        return _load(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"{kind}={name}: cannot be imported: {error}") from error


def _load(place: str) -> Any:
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)
