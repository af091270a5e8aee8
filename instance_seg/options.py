"""How a setting is declared: a dataclass field with its help, from which presets, flags and documentation follow."""

from dataclasses import field
from typing import Any


def option(default: Any, help: str, choices: tuple = ()) -> Any:
    """A field of a settings dataclass. `choices` lists the allowed values of a string."""
    return field(default=default, metadata={"help": help, "choices": choices})


def check_choices(settings: Any) -> None:
    """Raises ValueError naming the field if a value of the dataclass instance is not among its choices."""
    for name, spec in settings.__dataclass_fields__.items():
        choices, value = spec.metadata.get("choices", ()), getattr(settings, name)
        if choices and value not in choices:
            raise ValueError(f"{name}={value!r} is unknown; choose one of {', '.join(map(str, choices))}")
