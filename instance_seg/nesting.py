"""Settings inside settings: every option of a tree of dataclasses, and the tree from names and values.

Names are unique over the tree, so that a setting is a name and a value everywhere: in files, as a flag, in records.
Some branches depend on a setting (options.chosen): a run has the options of its own system, backbone and data set.
"""

import difflib
import math
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any, NamedTuple

from instance_seg.options import Bounds, Settings, shown
from instance_seg.registry import settings_class


class Option(NamedTuple):
    """One setting, as flags and documentation see it."""

    group: str  # "network.loss"; "" at the root
    name: str
    type: Any
    default: Any
    help: str
    bounds: Bounds | None  # of a number, or of each number of a tuple
    free: bool  # changes no result
    of_weights: bool  # a checkpoint is of this value alone


def options(
    root: type[Settings], chosen: Mapping[str, Any], group: str = "", of_weights: bool = True
) -> Iterator[Option]:
    """Every setting below `root`, with those branches that the values of `chosen` choose."""
    for name, cls, metadata in _branches(root, chosen):
        inside = of_weights and metadata.get("of_weights", True)
        yield from options(cls, chosen, f"{group}.{name}".lstrip("."), inside)
    for f in fields(root):
        if "help" in f.metadata:
            known = f.metadata
            yield Option(group, f.name, f.type, f.default, known["help"], known["bounds"], known["free"], of_weights)


def all_names(root: type[Settings], chosen: Mapping[str, Any]) -> dict[str, str]:
    """The name of every setting of every known branch, and of those that `chosen` chooses -> where it belongs."""
    names: dict[str, str] = {}
    for f in fields(root):
        if "chosen" in f.metadata:
            by, entries = f.metadata["chosen"]
            for entry in filter(None, dict.fromkeys([*entries, str(chosen.get(by, ""))])):
                for name, where in all_names(settings_class(entries, by, entry), chosen).items():
                    where, known = where or f"{by}={entry}", names.get(name, "").split(" or ")
                    names[name] = where if known == [""] else " or ".join(dict.fromkeys([*known, where]))
        elif "group" in f.metadata:
            names |= all_names(f.metadata["group"], chosen)
        elif "help" in f.metadata:
            names[f.name] = ""
    return names


def make_settings(root: type[Settings], values: Mapping[str, Any]) -> Any:
    """The tree of settings of names and values, over the defaults. ValueError names an unknown setting."""
    known = {o.name for o in options(root, values)}
    for name in values:
        if name not in known:
            where = all_names(root, values).get(name)
            what = f"belongs to {where}, which this run has not" if where else f"is unknown{nearest(name, known)}"
            raise ValueError(f"setting {shown(name)} {what}")
    return _make(root, values)


def flatten(settings: Settings) -> dict[str, Any]:
    """Every setting of a tree by name."""
    flat: dict[str, Any] = {}
    for f in fields(settings):
        value = getattr(settings, f.name)
        if isinstance(value, Settings):
            flat |= flatten(value)
        elif "help" in f.metadata:
            flat[f.name] = value
    return flat


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint for a name that is unknown."""
    close = difflib.get_close_matches(str(name)[:200], list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"


def _branches(root: type[Settings], chosen: Mapping[str, Any]) -> Iterator[tuple[str, type[Settings], Mapping]]:
    defaults = {f.name: f.default for f in fields(root)}
    for f in fields(root):
        if "group" in f.metadata:
            yield f.name, f.metadata["group"], f.metadata
        elif "chosen" in f.metadata:
            by, entries = f.metadata["chosen"]
            yield f.name, settings_class(entries, by, str(chosen.get(by, defaults[by]))), f.metadata


def _make(root: type[Settings], values: Mapping[str, Any]) -> Any:
    inside = {name: _make(cls, values) for name, cls, _ in _branches(root, values)}
    own = [f for f in fields(root) if "help" in f.metadata and f.name in values]
    return root(**inside, **{f.name: _convert(f.name, values[f.name], f.type) for f in own})


def _convert(name: str, value: Any, kind: Any) -> Any:
    """`value` as the type of a setting; numbers are never rounded and strings never guessed."""
    if isinstance(kind, types.GenericAlias):
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, (list, tuple)):
            raise ValueError(f"{name}={shown(value)}: want a list")
        item = typing.get_args(kind)[0]
        return tuple(_convert(name, _number(x), item) for x in items if x != "")
    if kind is float and isinstance(value, str):
        value = _number(value)  # YAML 1.1 reads 1e-4 as a string
    if kind is float and type(value) is int:  # of no float's size: infinity, which is out of all bounds
        value = float(value) if abs(value) <= sys.float_info.max else math.inf * (1 if value > 0 else -1)
    if type(value) is not kind:
        raise ValueError(f"{name}={shown(value)}: want {kind.__name__}, found {type(value).__name__}")
    return value


def _number(text: Any) -> Any:
    """What a string says, an integer before a float; anything else as it is."""
    if not isinstance(text, str):
        return text
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
