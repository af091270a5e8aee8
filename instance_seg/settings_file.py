"""YAML files of settings: a mapping of names to plain values, or sections of them, and nothing else that YAML can do.

A file is refused for aliases (a few lines of them unfold to a billion entries), tags, deep nesting, keys that are not
text or come twice, and its size, each in one line that names the file.
"""

from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1 << 20
MAX_DEPTH = 4  # the mapping, a section of it, a list in that, the list's values


class _SettingsLoader(yaml.SafeLoader):
    """SafeLoader for mappings of names to values and lists of values; it looks at events before anything unfolds."""

    depth = 0

    def compose_node(self, parent, index):
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent):
            self._refuse(f"the alias *{event.anchor}; write the value out", event)
        if event.tag is not None:
            self._refuse(f"the tag {event.tag}; write plain values", event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._refuse("deep nesting; settings are names with values, or lists of values", event)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.tag != "tag:yaml.org,2002:str":
                self._refuse(f"the key {key.value!r:.80}, which is not the name of a setting", key)
            if key.value in seen:
                self._refuse(f"the key {key.value!r:.80} a second time", key)
            seen.add(key.value)
        return super().construct_mapping(node, deep)

    def _refuse(self, what: str, place: yaml.Event | yaml.Node) -> None:
        raise yaml.MarkedYAMLError(problem=f"found {what}", problem_mark=place.start_mark)


def read_settings_file(path: Path) -> dict[str, Any]:
    """The mapping of a YAML file, {} for an empty one. Raises ValueError naming the file and what is wrong in it."""
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path}: more than {MAX_BYTES:,} bytes; this is no file of settings")
    try:
        settings = yaml.load(data.decode("utf-8-sig"), _SettingsLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not valid YAML for settings: {_one_line(error)}") from error
    except ValueError as error:  # a date that no calendar has, a number of thousands of digits
        raise ValueError(f"{path}: a value cannot be read: {error}") from error
    if settings is None:
        return {}
    if not isinstance(settings, dict):
        raise ValueError(f"{path}: want a mapping of settings to values, found {type(settings).__name__}")
    return settings


def _one_line(error: yaml.YAMLError) -> str:
    """What is wrong and in which line, without the quotation of the place."""
    problem = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    return " ".join(f"line {mark.line + 1}: {problem}".split() if mark else problem.split())
