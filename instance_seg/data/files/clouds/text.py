"""Tables of numbers in text files: XYZ, CSV, PTS and the like, as scanners, editors and spreadsheets write them."""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.files.clouds.columns import (
    COLOR_NAMES,
    NORMAL_NAMES,
    POINT_NAMES,
    cloud_from_names,
    cloud_from_table,
    find_columns,
)
from instance_seg.data.files.clouds.geometry import Cloud, UnreadableError

_COMMENT = re.compile(r"#|//|%")
_DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
_CUT_IN_TWO = re.compile(r"(?:^|,)\s*(?:[-+]?0\d+|-0)\s*(?:,|$)")  # 0,05 or -0,5 in a row separated by commas
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


class _Layout(NamedTuple):
    """What the lines before the first point tell."""

    delimiter: str | None  # None = white space
    names: list[str] | None  # of the columns, from a header line
    count: int | None  # number of points, from a line of its own


def read_text(path: Path) -> Cloud:
    """Reads a table: x y z, then perhaps normals, colors or an intensity, one point in each line.

    Columns are separated by white space, commas or semicolons. Comments (#, //, %), a header line with names and a line
    with the number of points may come before; with such a count, further scans, each after its own, may follow. Raises
    UnreadableError naming the line that is no row of numbers.
    """
    with open(path, encoding=_encoding(path), errors="replace") as file:
        values, names = number_table(file)
    return cloud_from_table(values) if names is None else cloud_from_names(names, lambda i: values[:, i])


def number_table(lines: Iterable[str]) -> tuple[np.ndarray, list[str] | None]:
    """Numbers [N, C] float64 in the lines of a text, see read_text, and the columns' names if a header has x, y, z.

    Of columns with names only coordinates, normals and colors are read: others may hold words.
    """
    rows = _rows(lines)
    layout, first = _layout(rows)
    used = _used_columns(layout)
    columns = len(first[1].split(layout.delimiter))
    at, count = first[0], layout.count

    def checked():
        nonlocal at, count
        for at, row in chain([first], rows):
            if count is not None and columns > 1 and row.isdecimal():  # the next of several scans
                count += int(row)
                continue
            if (found := len(row.split(layout.delimiter))) != columns:
                raise UnreadableError(f"line {at} has {found} columns, the lines before it have {columns}")
            if layout.delimiter == "," and "." not in row and _CUT_IN_TWO.search(row):
                raise _decimal_comma(at, row)
            yield row

    try:
        values = np.loadtxt(checked(), delimiter=layout.delimiter, ndmin=2, comments=None, usecols=used)
    except UnreadableError:
        raise
    except ValueError as error:
        raise UnreadableError(f"line {at} is no row of numbers ({str(error).partition(' at row ')[0]})") from error
    if count not in (None, len(values)):
        raise UnreadableError(f"is said to hold {count} points and holds {len(values)}; it may be truncated")
    return values, used and [layout.names[i] for i in used]


def _encoding(path: Path) -> str:
    """UTF-8 unless a byte-order mark, or a zero in every other byte, says otherwise."""
    with open(path, "rb") as file:
        head = file.read(4096)
    for mark, encoding in _MARKS.items():
        if head.startswith(mark):
            return encoding
    zeros = [head[start::2].count(0) for start in (0, 1)]
    if not any(zeros):
        return "utf-8"
    for few, many, encoding in ((0, 1, "utf-16-le"), (1, 0, "utf-16-be")):
        if zeros[few] == 0 and zeros[many] > 0.9 * (len(head) // 2):
            return encoding
    raise UnreadableError("holds binary data, not text")


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """(line counted from 1, its text) of every line that holds more than a comment."""
    for number, line in enumerate(lines, 1):
        if comment := _COMMENT.search(line):
            line = line[: comment.start()]
        line = line.replace('"', "").strip().rstrip(",; \t")
        if line:
            yield number, line


def _layout(rows: Iterator[tuple[int, str]]) -> tuple[_Layout, tuple[int, str]]:
    """Reads as far as the first point, which comes back, too."""
    names = count = None
    for number, line in rows:
        # Semicolons win over tabs, tabs over commas, as the decimal comma is used with the former.
        delimiter = next((sign for sign in ";\t," if sign in line), None)
        delimiter = None if delimiter == "\t" and " " in line else delimiter
        fields = [field.strip() for field in line.split(delimiter)]
        pieces = fields if delimiter in (";", "\t") else line.split()
        if sum(bool(_DECIMAL_COMMA.fullmatch(piece)) for piece in pieces) > 1:
            raise _decimal_comma(number, line)
        if len(fields) == 1 and fields[0].isdecimal() and count is None:
            count = int(fields[0])
        elif not any(map(_is_number, fields)) and names is None:
            names = fields
        else:
            return _Layout(delimiter, names, count), (number, line)
    raise UnreadableError("holds no points")


def _decimal_comma(number: int, line: str) -> UnreadableError:
    return UnreadableError(f"line {number} has commas for decimal points ({line[:40]}); write points")


def _used_columns(layout: _Layout) -> list[int] | None:
    """Positions of coordinates, normals, colors if a header names them; None = all columns, told apart by contents."""
    points = layout.names and find_columns(layout.names, POINT_NAMES)
    if not points:
        return None
    normals, colors = (find_columns(layout.names, wanted) or [] for wanted in (NORMAL_NAMES, COLOR_NAMES))
    if not normals and set(map(str.lower, layout.names)) <= set("xyz"):
        return None  # names of the first three columns alone
    return points + normals + colors


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
