"""Clouds in files of arrays: NumPy's NPY and NPZ, HDF5, and O-CNN's .points."""

import os
from collections.abc import Callable, Iterable
from pathlib import Path

import h5py
import numpy as np

from instance_seg.data.files.checked_h5 import MAX_RATIO
from instance_seg.data.files.clouds.columns import cloud_from_names, cloud_from_table
from instance_seg.data.files.clouds.geometry import Cloud, UnreadableError, as_numbers
from instance_seg.data.partnet.formats.points_file import read_points_file

POINT_KEYS = ("points", "pts", "xyz")
NORMAL_KEYS = ("normals", "nor", "normal")
_MAGIC = {".npy": b"\x93NUMPY", ".npz": b"PK"}


def read_numpy(path: Path) -> Cloud:
    """Reads an array [N, C] from NPY, or from NPZ the arrays points|pts|xyz and, if there, normals|nor|normal.

    Raises UnreadableError if the file is of another kind, holds Python objects, or has other arrays alone.
    """
    with open(path, "rb") as file:
        magic = file.read(6)
    suffix = path.suffix.lower()
    if not magic.startswith(_MAGIC[suffix]):
        raise UnreadableError(f"is no {suffix[1:].upper()} file of NumPy's")
    try:
        loaded = np.load(path, allow_pickle=False)
        if suffix == ".npy":
            return _cloud(loaded, None)
        with loaded as arrays:
            return _cloud_of_keys(arrays.files, arrays.__getitem__, POINT_KEYS)
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise UnreadableError("holds Python objects, which are not read; save an array of numbers") from error
        raise


def read_h5(path: Path) -> Cloud:
    """Reads the datasets points|pts|xyz|data and, if there, normals|nor|normal of an HDF5 file.

    Raises UnreadableError if there are others alone, or what is read lies in another file.
    """
    with h5py.File(path, "r") as file:
        return _cloud_of_keys(list(file), lambda name: _own_dataset(file, name), (*POINT_KEYS, "data"))


def read_points(path: Path) -> Cloud:
    """Reads a .points file; its features and labels are left out."""
    buffer = read_points_file(path)
    return _cloud(buffer.points, buffer.normals)


def _own_dataset(file: h5py.File, name: str) -> np.ndarray:
    """Another file, which a link or a storage list may name, is not what the user asked to read."""
    elsewhere = isinstance(file.get(name, getlink=True), h5py.ExternalLink)
    dataset = None if elsewhere else file.get(name)
    if elsewhere or isinstance(dataset, h5py.Dataset) and (dataset.external or dataset.is_virtual):
        raise UnreadableError(f"the dataset {name} lies in another file; copy its data into this one")
    if not isinstance(dataset, h5py.Dataset):
        raise UnreadableError(f"{name} is a group or a broken link; want a dataset")
    if dataset.nbytes > MAX_RATIO * os.path.getsize(file.filename):
        raise UnreadableError(f"{name} claims {dataset.nbytes} bytes, more than the file can hold; it is damaged")
    return dataset[()]


def _cloud_of_keys(names: Iterable[str], array: Callable[[str], np.ndarray], point_keys: Iterable[str]) -> Cloud:
    by_plain_name = {name.lower(): name for name in names}
    points, normals = (
        next((by_plain_name[key] for key in keys if key in by_plain_name), None) for keys in (point_keys, NORMAL_KEYS)
    )
    if points is None:
        found = ", ".join(by_plain_name.values()) or "nothing"
        raise UnreadableError(f"no array named {', '.join(point_keys)}; it holds {found}")
    return _cloud(array(points), None if normals is None else array(normals))


def _cloud(points: np.ndarray, normals: np.ndarray | None) -> Cloud:
    """A cloud from arrays [N, C] or [1, N, C], or from a structured array with the fields x, y and z."""
    if points.dtype.names:
        names = points.dtype.names
        return cloud_from_names(names, lambda i: points[names[i]].ravel())
    table = cloud_from_table(_one(points, "points"))
    return table if normals is None else Cloud(table.points, _one(normals, "normals"))


def _one(values: np.ndarray, name: str) -> np.ndarray:
    """[N, C] float64."""
    values = as_numbers(values, f"the array of {name}")
    if values.ndim == 3 and len(values) != 1:
        raise UnreadableError(f"holds {len(values)} clouds, {name} {list(values.shape)}; save the one you want alone")
    values = values[0] if values.ndim == 3 else values
    if values.ndim != 2:
        raise UnreadableError(f"{name} have shape {list(values.shape)}; want [N, 3]")
    return values
