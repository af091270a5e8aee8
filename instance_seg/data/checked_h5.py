"""HDF5 files read with suspicion: every complaint names the file, the dataset and, where there is one, the row."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np

from instance_seg.data.checksums import verify

GZIP_LEVEL = 4  # PartNet's own
CHUNK_BYTES = 1 << 18
MAX_RATIO = 1100  # gzip makes data at most 1032 times smaller
ALL = slice(None)


class Field(NamedTuple):
    """What a dataset must look like."""

    shape: tuple[int | None, ...]  # None = any size
    kind: type  # np.floating, np.integer or np.bool_


@contextmanager
def open_h5(path: str | os.PathLike) -> Iterator[h5py.File]:
    """Opens an HDF5 file for reading. Raises ValueError naming the file when it is missing or damaged."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    verify(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: not a readable HDF5 file, or truncated ({error})") from error
    with file:
        yield file


def read_dataset(file: h5py.File, name: str, field: Field, rows: slice = ALL) -> np.ndarray:
    """Reads some rows of a dataset. Raises ValueError when it is missing, damaged or not as `field` says."""
    where = f"{file.filename}: dataset {name!r}"
    with _naming(where):
        dataset, names = file.get(name), sorted(map(str, file))
        size = dataset.nbytes if isinstance(dataset, h5py.Dataset) else None
    if size is None:
        raise ValueError(f"{where} is missing; the file has {names}")
    if not np.issubdtype(dataset.dtype, field.kind):
        raise ValueError(f"{where} has dtype {dataset.dtype}, expected {field.kind.__name__}")
    if len(dataset.shape) != len(field.shape) or any(
        wanted not in (None, found) for wanted, found in zip(field.shape, dataset.shape)
    ):
        raise ValueError(f"{where} has shape {_spell(dataset.shape)}, expected {_spell(field.shape)}")
    if field.kind is np.floating and len(field.shape) == 3 and size > MAX_RATIO * os.path.getsize(file.filename):
        # Masks may be all fill value, points may not: who believed this would read zeros for hours.
        raise ValueError(f"{where} claims {size} bytes, more than the file can hold; it is damaged")
    with _naming(where):
        return dataset[rows]


def write_h5(path: str | os.PathLike, num_rows: int, rows: Iterable[Mapping[str, np.ndarray]]) -> None:
    """Writes one dataset for each name, [num_rows, ...] with the shapes and dtypes of the first row.

    Rows may be produced lazily: the masks of a thousand shapes need not be in memory at once. What is 0 at the end of
    a row is left to HDF5's fill value, as most of PartNet's 200 masks are empty and compressing them takes longest.
    The file is written in place: give it a temporary name.
    """
    with h5py.File(path, "w") as file:
        for index, row in enumerate(rows):
            for name, value in row.items():
                dataset = file[name] if index else _create(file, name, num_rows, value)
                used = _used_length(value)
                dataset[index, :used] = value[:used]


def reject_rows(path: str | os.PathLike, bad: np.ndarray, complaint: str, first: int = 0) -> None:
    """Raises ValueError naming the file and the first row that is set in bad [B, ...] bool, counting from `first`."""
    rows = np.flatnonzero(bad.reshape(len(bad), -1).any(axis=1))
    if rows.size:
        others = f" (and {rows.size - 1} more rows)" if rows.size > 1 else ""
        raise ValueError(f"{path}: row {first + rows[0]} {complaint}{others}")


@contextmanager
def _naming(where: str) -> Iterator[None]:
    """Around calls of h5py, which raises all sorts of errors at damaged files, none of which names the file."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise ValueError(f"{where} cannot be read; the file is damaged or truncated ({error})") from error


def _create(file: h5py.File, name: str, num_rows: int, row: np.ndarray) -> h5py.Dataset:
    length = max(1, min(len(row), CHUNK_BYTES * len(row) // max(row.nbytes, 1)))
    return file.create_dataset(
        name,
        shape=(num_rows, *row.shape),
        dtype=row.dtype,
        chunks=(1, length, *row.shape[1:]),
        compression="gzip",
        compression_opts=GZIP_LEVEL,
    )


def _used_length(row: np.ndarray) -> int:
    """Length of an array [X, ...] without the zeros at its end."""
    used = np.flatnonzero(row.reshape(len(row), -1).any(axis=1))
    return int(used[-1]) + 1 if used.size else 0


def _spell(shape: Sequence[int | None]) -> str:
    return "[" + ", ".join("*" if size is None else str(size) for size in shape) + "]"
