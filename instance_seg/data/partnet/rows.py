"""Rows of PartNet's HDF5 files, or what is wrong with them.

The one reader of these files: a check takes down every problem and reads on, `strict` raises the first.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np

from instance_seg.data.files.checked_h5 import Field, open_dataset, open_h5, read_dataset, reject_rows
from instance_seg.data.files.h5_links import LinkedFile
from instance_seg.data.files.values import MAX_COORDINATE
from instance_seg.data.partnet.hdf5.paths import data_folder

AT_ONCE = 32  # rows read at a time, 64 MB of masks

Found = TypeVar("Found")


class Problem(NamedTuple):
    """Something wrong with a data set."""

    file: str
    row: int | None  # None = the file as a whole
    text: str


class Rows(NamedTuple):
    """Some rows that could be read."""

    first: int
    arrays: tuple[np.ndarray, ...]  # one for each field, [B, ...]


def count_rows(path: Path, fields: Mapping[str, Field], sealed: bool = False) -> int:
    """Number of rows of a file, by its headers.

    Args:
        fields: dataset -> what it must look like; sizes that are left open are those of "pts" [rows, points, 3].
        sealed: compare the file with its checksum first, if there is one.

    Raises:
        ValueError: naming the file if it, or one of its datasets, is of no use at all.
    """
    with _open(path, fields, sealed) as (_, exact):
        return exact["pts"].shape[0]


def read_rows(path: Path, fields: Mapping[str, Field], rows: range) -> Iterator[Rows | Problem]:
    """Reads some rows of a file, a few at a time; of rows that cannot be read the problem."""
    try:
        with _open(path, fields, sealed=False) as (file, exact):
            for start in range(rows.start, rows.stop, AT_ONCE):
                yield from _read(path, file, exact, range(start, min(start + AT_ONCE, rows.stop)))
    except ValueError as error:  # the file has changed since its rows were counted
        yield Problem(str(path), rows.start, str(error))


def strict(found: Iterable[Found | Problem]) -> Iterator[Found]:
    """What was found. Raises ValueError at the first problem."""
    for one in found:
        if isinstance(one, Problem):
            raise ValueError(one.text)
        yield one


def reject_values(path: str | os.PathLike, values: Mapping[str, np.ndarray], first: int = 0) -> None:
    """Raises ValueError, naming the file and the row, for points and normals that are no numbers, or far too large.

    `values`: "pts" and perhaps "nor", [B, N, 3] each; rows count from `first`.
    """
    if values["pts"].shape[1] == 0:
        raise ValueError(f"{path}: its shapes are empty, they have no points")
    for name, array in values.items():
        kind = "coordinates" if name == "pts" else "normals"
        reject_rows(path, ~np.isfinite(array), f"has NaN or infinite {kind} in {name!r}", first)
    for name, array in values.items():  # of which float32 would make infinity
        reject_rows(path, np.abs(array) > MAX_COORDINATE, f"has numbers beyond {MAX_COORDINATE:g} in {name!r}", first)


@contextmanager
def _open(path: Path, fields: Mapping[str, Field], sealed: bool) -> Iterator[tuple[LinkedFile, Mapping[str, Field]]]:
    """The file, and the fields with the sizes of its "pts"."""
    with open_h5(path, data_folder(path), sealed) as file:
        sizes = open_dataset(file, "pts", fields["pts"]).shape[:2]
        exact = {}
        for name, field in fields.items():
            free = iter(sizes)
            shape = tuple(next(free) if size is None else size for size in field.shape)
            exact[name] = field._replace(shape=shape)
            open_dataset(file, name, exact[name])
        yield file, exact


def _read(path: Path, file: LinkedFile, fields: Mapping[str, Field], rows: range) -> Iterator[Rows | Problem]:
    try:
        block = slice(rows.start, rows.stop)
        yield Rows(rows.start, tuple(read_dataset(file, name, field, block) for name, field in fields.items()))
    except ValueError as error:
        if len(rows) == 1:
            yield Problem(str(path), rows.start, str(error))
        else:
            for row in rows:
                yield from _read(path, file, fields, range(row, row + 1))
