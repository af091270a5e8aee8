"""HDF5 files read with suspicion: every complaint names the file, the dataset and, where there is one, the row."""

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Literal, NamedTuple

import h5py
import numpy as np

from instance_seg.data.files.checksums import verify
from instance_seg.data.files.h5_links import LinkedFile, LinkError
from instance_seg.options import shown

GZIP_LEVEL = 4  # PartNet's own
CHUNK_BYTES = 1 << 18
MAX_RATIO = 1100  # gzip makes data at most 1032 times smaller
ALL = slice(None)


class Field(NamedTuple):
    """What a dataset must look like."""

    shape: tuple[int | None, ...]  # None = any size
    kind: type  # np.floating, np.integer or np.bool_
    written: Literal["", "some", "rows"] = ""  # what may not be left to the fill value: the whole, or any row


@contextmanager
def open_h5(
    path: str | os.PathLike, within: str | os.PathLike | None = None, sealed: bool = True
) -> Iterator[LinkedFile]:
    """Opens an HDF5 file for reading.

    Args:
        within: the data folder, which links and virtual datasets may not leave; None = the file's own folder.
        sealed: compare the file with its checksum first, if there is one.

    Raises:
        ValueError: naming the file when it is missing or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if sealed:
        verify(path)
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        raise ValueError(f"{path}: not a readable HDF5 file, or truncated ({error})") from error
    with file, LinkedFile(file, path.parent if within is None else within) as linked:
        yield linked


def open_dataset(file: LinkedFile, name: str, field: Field) -> h5py.Dataset:
    """A dataset of an open file. Raises ValueError when it is missing, damaged, elsewhere or not as `field` says."""
    where = _where(file, name)
    with _naming(where):
        dataset, names = file.find(name), sorted(map(str, file.file))
        found = isinstance(dataset, h5py.Dataset)
        size = dataset.nbytes if found else 0
        stored = dataset.id.get_storage_size() if found and not dataset.is_virtual else size
    if not found:
        raise ValueError(f"{where} is missing; the file has {shown(names)}")
    flags = field.kind is np.bool_ and np.issubdtype(dataset.dtype, np.integer)  # other programs' zeros and ones
    if not flags and not np.issubdtype(dataset.dtype, field.kind):
        raise ValueError(f"{where} has dtype {str(dataset.dtype):.80}, expected {field.kind.__name__}")
    if len(dataset.shape) != len(field.shape) or any(
        wanted not in (None, there) for wanted, there in zip(field.shape, dataset.shape)
    ):
        raise ValueError(f"{where} has shape {_spell(dataset.shape)}, expected {_spell(field.shape)}")
    if field.written and size and not stored:
        raise ValueError(f"{where} was never written: it has a shape and no values")
    if field.written == "rows" and size > MAX_RATIO * stored:
        # Masks may be all fill value, points may not: reading as many zeros would take hours.
        raise ValueError(f"{where} claims {size} bytes, more than the file can hold; it is damaged")
    return dataset


def read_dataset(file: LinkedFile, name: str, field: Field, rows: slice = ALL) -> np.ndarray:
    """Reads some rows of a dataset; flags come as bool, whatever whole numbers they are stored as.

    Raises ValueError as open_dataset does, and if a row was never written or holds numbers that `field` cannot mean.
    """
    dataset, where = open_dataset(file, name, field), _where(file, name)
    first = rows.start or 0
    with _naming(where):
        values = np.empty((len(range(len(dataset))[rows]), *dataset.shape[1:]), dataset.dtype)
        if values.size:
            dataset.read_direct(values, rows)  # indexing would fill the memory with zeros first, which takes longer
        unwritten = _unwritten_rows(dataset, range(first, first + len(values))) if field.written == "rows" else []
    if unwritten:
        raise ValueError(f"{where}: row {unwritten[0]} was never written ({len(unwritten)} of {len(values)} rows)")
    if field.kind is np.bool_ and values.dtype != np.bool_:
        reject_rows(where, (values != 0) & (values != 1), "has flags other than 0 and 1", first)
        return values.astype(np.bool_)
    if field.kind is np.integer and values.dtype.itemsize >= np.dtype(np.int32).itemsize:
        limits = np.iinfo(np.int32)
        reject_rows(where, (values < limits.min) | (values > limits.max), "has numbers beyond 32 bits", first)
    return values


class RowWriter:
    """Context manager that writes one dataset for each name, [rows, ...], row by row: nothing waits in memory.

    Masks that are empty at the end of a row are left to HDF5's fill value, as most of PartNet's 200 are and compressing
    them takes longest. The file is written in place: give it a temporary name.

    Args:
        path: the file to write.
        max_rows: how many rows there may be; a file that gets fewer is cut at the end.
    """

    def __init__(self, path: str | os.PathLike, max_rows: int):
        self.num_rows = 0
        self._max_rows = max_rows
        self._file = h5py.File(path, "w")

    def __enter__(self) -> "RowWriter":
        return self

    def __exit__(self, *_) -> None:
        with self._file as file:
            for dataset in file.values() if self.num_rows < self._max_rows else ():
                dataset.resize(self.num_rows, axis=0)

    def append(self, row: Mapping[str, np.ndarray]) -> None:
        """Writes the next row: name -> [...], with the shapes and dtypes of the first row."""
        for name, value in row.items():
            dataset = self._file[name] if self.num_rows else _create(self._file, name, self._max_rows, value)
            used = len(value)
            if value.dtype == np.bool_:
                used = int(np.flatnonzero(value.reshape(used, -1).any(axis=1)).max(initial=-1)) + 1
            dataset[self.num_rows, :used] = value[:used]
        self.num_rows += 1


def write_h5(path: str | os.PathLike, num_rows: int, rows: Iterable[Mapping[str, np.ndarray]]) -> None:
    """Writes `num_rows` rows as RowWriter does; they may be produced lazily."""
    with RowWriter(path, num_rows) as writer:
        for row in rows:
            writer.append(row)


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
    except LinkError as error:
        raise ValueError(f"{where} {error}") from error
    except (OSError, RuntimeError, KeyError, TypeError, ValueError, MemoryError) as error:
        raise ValueError(f"{where} cannot be read; the file is damaged or truncated ({error})") from error


def _unwritten_rows(dataset: h5py.Dataset, rows: range) -> list[int]:
    """Those rows of which HDF5 has never stored some piece, so that it makes up their values."""
    if dataset.is_virtual or dataset.chunks is None:
        return []
    pieces = [range(0, size, step) for size, step in zip(dataset.shape, dataset.chunks)]
    if dataset.id.get_num_chunks() == math.prod(map(len, pieces)):
        return []
    step = dataset.chunks[0]

    def is_stored(row: int) -> bool:
        corners = product([row // step * step], *pieces[1:])
        return all(dataset.id.get_chunk_info_by_coord(corner).byte_offset is not None for corner in corners)

    return [row for row in rows if not is_stored(row)]


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


def _where(file: LinkedFile, name: str) -> str:
    return f"{file.file.filename}: dataset {name!r}"


def _spell(shape: Sequence[int | None]) -> str:
    return "[" + ", ".join("*" if size is None else str(size) for size in shape) + "]"
