"""How a setting is declared: a dataclass field with its help and its bounds, from which all the rest follows.

Presets, flags, documentation and the check of every value are made from the fields. A room's dataclass derives from
Settings, so that no value outside its bounds can get into one:

    @dataclass(frozen=True)
    class FilterConfig(Settings):
        radius: float = option(0.1, "radius of the filter", above=0, high=2)
        smoothing: SmoothingConfig = group(SmoothingConfig)
"""

import math
import reprlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from numbers import Real
from typing import Any, NamedTuple

from instance_seg.registry import Entry, settings_class

LARGEST_COUNT = 2**31 - 1  # what an int32 of TensorFlow holds
LARGEST_SEED = 2**32 - 1  # what NumPy's seeds hold
_SHOWN = 80  # characters of a wrong value in its message


class Bounds(NamedTuple):
    """The range of a number, or of every number of a tuple; NaN and infinity lie outside of every range."""

    low: float
    high: float
    above: bool = False  # low itself lies outside
    below: bool = False  # high itself lies outside

    def __contains__(self, value: Any) -> bool:
        if not isinstance(value, Real) or isinstance(value, bool):
            return False
        too_low = value <= self.low if self.above else value < self.low
        too_high = value >= self.high if self.below else value > self.high
        return not too_low and not too_high and math.isfinite(value)

    def __str__(self) -> str:
        low, high = (f"{x:g}" if isinstance(x, float) else str(x) for x in (self.low, self.high))
        if not self.above and not self.below:
            return f"from {low} to {high}"
        return f"{'above' if self.above else 'at least'} {low} and {'below' if self.below else 'at most'} {high}"


@dataclass(frozen=True)
class Settings:
    """What every dataclass of settings derives from; rules between settings go to its own __post_init__, after this."""

    def __post_init__(self):
        """Raises ValueError naming the setting, its value and what is wanted."""
        for spec in fields(self):
            value = getattr(self, spec.name)
            if "chosen" in spec.metadata and value is None:
                by, entries = spec.metadata["chosen"]
                object.__setattr__(self, spec.name, settings_class(entries, by, getattr(self, by))())
            choices, bounds = spec.metadata.get("choices", ()), spec.metadata.get("bounds")
            if choices and value not in choices:
                known = ", ".join(map(str, choices))
                raise ValueError(f"{spec.name}={shown(value)} is unknown; choose one of {known}")
            several = isinstance(value, tuple)
            if bounds is not None and not all(number in bounds for number in (value if several else (value,))):
                wanted = "numbers" if several else "a number"
                raise ValueError(f"{spec.name}={shown(value)}: want {wanted} {bounds}")
            if isinstance(value, str) and any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in value):
                raise ValueError(f"{spec.name}={shown(value)}: want text of one line, without control characters")

    def recorded(self) -> dict[str, Any]:
        """The settings that change a result, by name, as results.json keeps those of a reading."""
        return {f.name: getattr(self, f.name) for f in fields(self) if not f.metadata.get("free", False)}


def option(
    default: Any,
    help: str,
    choices: tuple = (),
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    below: float | None = None,
    free: bool = False,
) -> Any:
    """A field of a settings dataclass.

    Args:
      default: its value, unless it is set.
      help: for --help.
      choices: the allowed values of a string.
      low, above: the smallest number, or the one that all are above; one of the two for every number.
      high, below: the largest number, or the one that all are below.
      free: it changes no result, so a run may go on with another value.
    """
    bounds = None
    if (low, above, high, below) != (None,) * 4:
        least, most = (above if low is None else low), (below if high is None else high)
        bounds = Bounds(least, most, above is not None, below is not None)
    return field(default=default, metadata={"help": help, "choices": choices, "bounds": bounds, "free": free})


def group(cls: type[Settings], of_weights: bool = True) -> Any:
    """A field that is a dataclass of settings itself. `of_weights`: a checkpoint is of these values alone."""
    return field(default_factory=cls, metadata={"group": cls, "of_weights": of_weights})


def chosen(by: str, entries: Mapping[str, Entry]) -> Any:
    """A field with the settings of what the setting `by` of the same dataclass names (see registry)."""
    return field(default=None, metadata={"chosen": (by, entries)})


def shown(value: Any) -> str:
    """A value for a message: one line without control characters, and short whatever the value."""
    shortened = _Shortened()
    shortened.maxstring = shortened.maxother = shortened.maxlong = _SHOWN
    shortened.maxlist = shortened.maxtuple = shortened.maxdict = 12
    shortened.maxlevel = 3
    return shortened.repr(value)


def name_shown(name: str) -> str:
    """A name for a message: as it is, unless it would not fit into the line."""
    return name if name.isprintable() and len(name) <= 2 * _SHOWN else shown(name)


class _Shortened(reprlib.Repr):
    def repr_int(self, value: int, level: int) -> str:
        try:
            return super().repr_int(value, level)
        except ValueError:  # Python does not print an integer of thousands of digits
            return f"a number of {value.bit_length()} bits"
