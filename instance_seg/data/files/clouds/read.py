"""A point cloud or mesh of one's own, from a file of any of the known kinds."""

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.bounding_sphere import in_unit_box
from instance_seg.data.files.clouds.arrays import read_h5, read_numpy, read_points
from instance_seg.data.files.clouds.geometry import Cloud, Mesh, UnreadableError
from instance_seg.data.files.clouds.gltf import read_gltf
from instance_seg.data.files.clouds.mesh import read_obj, read_off, read_ply, read_stl, sample, vertices_of
from instance_seg.data.files.clouds.normals import NEIGHBORS, distinct_places, unit_normals
from instance_seg.data.files.clouds.pcd import read_pcd
from instance_seg.data.files.clouds.text import read_text
from instance_seg.data.spread import nearest_rows

READERS: dict[str, Callable[[Path], Cloud | Mesh]] = {
    ".npz": read_numpy,
    ".npy": read_numpy,
    ".h5": read_h5,
    ".points": read_points,
    **dict.fromkeys((".txt", ".xyz", ".xyzn", ".pts", ".csv", ".asc"), read_text),
    ".pcd": read_pcd,
    ".ply": read_ply,
    ".obj": read_obj,
    ".stl": read_stl,
    ".off": read_off,
    ".glb": read_gltf,
    ".gltf": read_gltf,
}
_PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_PACKED_SUFFIXES = (".gz", ".bz2", ".xz", ".zst", ".zip", ".7z", ".tar", ".tgz")
_STRAY = 1000.0  # a point this many times as far out as half of the others leaves nothing of the shape


class Sampled(NamedTuple):
    """A cloud, what the network sees of it, and the mesh it was drawn from, if it was.

    Of N points the network sees n, which may be all.
    """

    points: np.ndarray  # [N, 3] float64, as in the file
    normals: np.ndarray  # [n, 3] float32, unit length
    seen: np.ndarray  # [n] int, rows of the points that the network sees, ascending
    like: np.ndarray  # [N] int in [0, n), the point seen that each point is nearest to
    mesh: Mesh | None = None
    face: np.ndarray | None = None  # [N] int, the triangle that each point was drawn from; None: vertex n is point n
    colors: np.ndarray | None = None  # [n, 3] uint8; None: the file has none


def check_source(path: str | os.PathLike) -> Path:
    """The path if it is a file of a known kind. Raises ValueError, naming it, if it is not."""
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, not a file")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix.lower() not in READERS:
        kind = f"files of kind {path.suffix}" if path.suffix else "files without a suffix"
        kind += " must be unpacked first, they" if path.suffix.lower() in _PACKED_SUFFIXES else ""
        raise ValueError(f"{path}: {kind} are not read; known are {', '.join(READERS)}")
    return path


def read_cloud(path: str | os.PathLike, num_points: int = 10_000, seed: int = 0, most: int | None = None) -> Sampled:
    """The points of a file, with unit normals of those that a network shall see.

    Meshes are sampled by area (num_points points), or their vertices are taken (0); clouds are taken as they are. Of
    more than `most` points as many, evenly drawn, are seen; a cloud of millions takes some 150 bytes a point.
    Normals are used if they are normals, else fitted to the neighbors of each point; see
    instance_seg.data.files.clouds.normals. Raises ValueError if the file cannot be read, or holds no cloud with an
    extent; one line that names the file.
    """
    path = check_source(path)
    try:
        with warnings.catch_warnings(action="ignore"), np.errstate(all="ignore"):  # what matters is checked below
            _check_head(path)
            loaded = READERS[path.suffix.lower()](path)
            mesh = loaded if isinstance(loaded, Mesh) else None
            cloud, face = loaded, None
            if mesh:
                cloud, face = sample(mesh, num_points, seed) if num_points else (vertices_of(mesh), None)
            _check_points(cloud.points, cloud.normals)
            seen, like = _thinned(cloud.points, most, seed)
            colors = None if cloud.colors is None else cloud.colors[seen]
            normals = unit_normals(cloud.points, cloud.normals, seen)
            return Sampled(cloud.points, normals, seen, like, mesh, face, colors)
    except UnreadableError as error:
        raise ValueError(_one_line(path, str(error))) from error
    except Exception as error:  # whatever a library may raise at a file that is not what it should be
        kind = f"{type(error).__name__}: " if type(error) not in (ValueError, OSError) else ""
        kind = "it lacks " if isinstance(error, KeyError) else kind
        reason = kind + str(error).removeprefix(f"{path}: ")
        text = f"cannot be read as {path.suffix.lower()}; it may be damaged ({reason})"
        raise ValueError(_one_line(path, text)) from error


def _thinned(points: np.ndarray, most: int | None, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of at most `most` points, and which of those each point is nearest to; they are nearest to themselves."""
    rows = np.arange(len(points))
    if most is None or len(points) <= most:
        return rows, rows
    seen = np.sort(np.random.default_rng(seed).permutation(len(points))[:most])
    scaled = in_unit_box(points)
    like = nearest_rows(scaled[seen], scaled)
    like[seen] = np.arange(most)
    return seen, like


def _check_head(path: Path) -> None:
    try:
        with open(path, "rb") as file:
            head = file.read(6)
    except OSError as error:
        raise UnreadableError(f"cannot be opened ({error.strerror})") from error
    if not head:
        raise UnreadableError("is empty")
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            raise UnreadableError(f"is packed by {name}; unpack it first")


def _check_points(points: np.ndarray, normals: np.ndarray | None) -> None:
    """Raises UnreadableError unless points [N, 3] make up a shape and there are as many normals, if any."""
    if len(points) <= NEIGHBORS:
        raise UnreadableError(f"want more than {NEIGHBORS} points, or faces; found {len(points)} points and no faces")
    if normals is not None and normals.shape != points.shape:
        raise UnreadableError(f"{len(points)} points and {len(normals)} normals, {list(normals.shape)}; want as many")
    bad = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(bad):
        raise UnreadableError(f"row {bad[0]} is not finite ({len(bad)} of {len(points)} rows); leave such points out")
    if not np.isfinite(np.square(np.ptp(points, axis=0)).sum()):
        raise UnreadableError("its coordinates are too large")
    first = distinct_places(points)[0]
    if len(first) == 1:
        raise UnreadableError(f"has no extent: all {len(points)} points are at one place")
    distance = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    farthest, typical = int(distance.argmax()), np.median(distance[distance > 0])  # many may be copies of one point
    if distance[farthest] > _STRAY * typical:
        raise UnreadableError(
            f"row {farthest} is {distance[farthest]:.3g} away from the middle, half of the points within {typical:.3g};"
            " leave such points out"
        )
    if len(first) <= NEIGHBORS:
        raise UnreadableError(f"want more than {NEIGHBORS} points at different places, found {len(first)}")


def _one_line(path: Path, reason: str) -> str:
    reason = " ".join(reason.split())
    return f"{path}: {reason if len(reason) <= 300 else reason[:300] + ' ...'}"
