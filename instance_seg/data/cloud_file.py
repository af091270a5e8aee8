"""A point cloud or mesh of one's own: points with normals from PLY, OBJ, STL, OFF, GLB, NPZ or text files."""

import os
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

TEXT_SUFFIXES = (".txt", ".xyz", ".pts")
SUFFIXES = (".npz", *TEXT_SUFFIXES, ".ply", ".obj", ".stl", ".off", ".glb", ".gltf")
NEIGHBORS = 16  # points a plane is fitted to where a file has no normals


def read_cloud(path: str | os.PathLike, num_points: int = 10_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Points [N, 3] and unit normals [N, 3], float32, y up as in PartNet.

    Meshes are sampled by area (num_points points); clouds are taken as they are. Where a cloud has no normals they are
    fitted to the neighbors of each point; their sign is arbitrary, which the network's input signal does not see.

    Raises:
        ValueError: the file cannot be read, has too few points, or NaN or infinite coordinates; names the file.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: files of this kind are not read; known are {', '.join(SUFFIXES)}")
    try:
        points, normals = _read(path, num_points, seed)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{path}: cannot be read as a point cloud or mesh: {error}") from error
    points = np.asarray(points, np.float32)
    if points.ndim != 2 or points.shape[1] != 3 or len(points) <= NEIGHBORS:
        raise ValueError(f"{path}: want more than {NEIGHBORS} points [N, 3], found {points.shape}")
    if not np.isfinite(points).all():
        raise ValueError(f"{path}: row {int(np.flatnonzero(~np.isfinite(points).all(axis=1))[0])} is not finite")
    normals = fitted_normals(points) if normals is None else np.asarray(normals, np.float32)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return points, np.where(length > 0, normals / np.maximum(length, 1e-12), np.float32([0, 1, 0])).astype(np.float32)


def fitted_normals(points: np.ndarray) -> np.ndarray:
    """The direction in which the nearest points spread least, [N, 3] float32; the sign is arbitrary."""
    _, index = cKDTree(points).query(points, k=NEIGHBORS)
    spread = points[index] - points[index].mean(axis=1, keepdims=True)
    _, vectors = np.linalg.eigh(np.einsum("nki,nkj->nij", spread, spread))
    return vectors[:, :, 0].astype(np.float32)


def _read(path: Path, num_points: int, seed: int):
    suffix = path.suffix.lower()
    if suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return arrays["points"], arrays["normals"] if "normals" in arrays else None
    if suffix in TEXT_SUFFIXES:
        rows = np.loadtxt(path, ndmin=2)
        return rows[:, :3], rows[:, 3:6] if rows.shape[1] >= 6 else None
    return _read_mesh(path, num_points, seed)


def _read_mesh(path: Path, num_points: int, seed: int):
    import trimesh  # half a second that reading arrays need not wait for

    loaded = trimesh.load(path, process=False)
    if isinstance(loaded, trimesh.Scene):
        loaded = loaded.to_geometry()
    if isinstance(loaded, trimesh.PointCloud):
        return loaded.vertices, _ply_normals(path) if path.suffix.lower() == ".ply" else None
    points, faces = trimesh.sample.sample_surface(loaded, num_points, seed=seed)
    return points, loaded.face_normals[faces]


def _ply_normals(path: Path):
    from plyfile import PlyData

    vertex = PlyData.read(str(path))["vertex"]
    names = ("nx", "ny", "nz")
    has_normals = all(name in vertex.data.dtype.names for name in names)
    return np.stack([vertex[name] for name in names], axis=1) if has_normals else None
