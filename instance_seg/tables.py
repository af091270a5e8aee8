"""Tables as text that reads well in a terminal and is Markdown at the same time."""

import os
import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tabulate import tabulate

from instance_seg.files import replacing

MISSING = "-"
_MARKUP = re.compile(
    r"[\\`*\[\]<>|~$&#]|(?<![^\W_])_|_(?![^\W_])"
)  # Markdown takes no underline inside a word for markup


class Table(NamedTuple):
    """A table before it is written in any format."""

    name: str  # "Table 4"
    title: str
    headers: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()
    num_names: int = 1  # so many columns on the left are names, the rest are figures


def percent(value: float | None) -> str:
    """One decimal as in the paper; what is undefined is a dash."""
    return MISSING if value is None or value != value else f"{value:.1f}"


def plural(noun: str) -> str:
    """Of nouns as our tables have them: "category" -> "categories"."""
    return f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """A number and what it counts: "1 category", "2 categories"."""
    return f"{number} {noun if number == 1 else plural(noun)}"


def capitalized(name: str) -> str:
    """A name as a heading: "coarse" -> "Coarse"."""
    return name[:1].upper() + name[1:]


def one_line(text: Any) -> str:
    """Text from a file as one line: a space for every control character and line break."""
    return "".join(" " if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") else c for c in str(text))


def escape_markdown(text: Any) -> str:
    """Text from a file, so that Markdown shows it as it is."""
    return _MARKUP.sub(r"\\\g<0>", one_line(text))


def markdown(
    headers: Sequence[str], rows: Iterable[Sequence[Any]], num_names: int = 1, bold: Collection[int] = ()
) -> str:
    """A Markdown table; the first `num_names` columns are left-aligned, the rest are figures.

    Cells show as they are: what Markdown would take for markup is escaped. `bold` numbers rows.
    """
    headers = [escape_markdown(header) for header in headers]
    rows = [[escape_markdown(cell) for cell in row] for row in rows]
    rows = [[f"**{cell}**" for cell in row] if number in bold else row for number, row in enumerate(rows)]
    align = ["left" if column < num_names else "right" for column in range(len(headers))]
    return tabulate(rows, headers, tablefmt="pipe", disable_numparse=True, colalign=align if rows else None)


def write_text(path: str | os.PathLike, text: str) -> None:
    """Writes a text file, whole or not at all."""
    with replacing(path) as temporary:
        Path(temporary).write_text(text, encoding="utf-8")
