"""Segmented point clouds and meshes as files for other programs: PLY, and GLB for meshes."""

import os

import numpy as np
from plyfile import PlyData, PlyElement

from instance_seg.drawing.pictures import colors_for
from instance_seg.files import replacing


def write_labels(path: str | os.PathLike, points: np.ndarray, semantic: np.ndarray, instance: np.ndarray) -> None:
    """A PLY with properties x y z red green blue semantic instance; x y z are doubles where floats would round."""
    _write(path, [PlyElement.describe(_rows(_coordinates(points) | _labels(semantic, instance)), "vertex")])


def write_mesh_ply(
    path: str | os.PathLike, vertices: np.ndarray, faces: np.ndarray, semantic: np.ndarray, instance: np.ndarray
) -> None:
    """A PLY of a mesh whose faces have the properties vertex_indices red green blue semantic instance."""
    indices = {"vertex_indices": (("i4", (3,)), faces)}
    elements = {"vertex": _coordinates(vertices), "face": indices | _labels(semantic, instance)}
    _write(path, [PlyElement.describe(_rows(columns), name) for name, columns in elements.items()])


def write_mesh_glb(path: str | os.PathLike, vertices: np.ndarray, faces: np.ndarray, instance: np.ndarray) -> None:
    """A GLB of a mesh with a color for each face, in float32; every face has corners of its own, to have its color.

    Args:
        path: of the file.
        vertices: [V, 3], y up.
        faces: [F, 3] int.
        instance: [F] int, -1 = none.
    """
    import trimesh  # half a second that clouds need not wait for

    colors = np.repeat(np.uint8(np.round(255 * colors_for(instance))), 3, axis=0)
    corners = np.arange(faces.size).reshape(-1, 3)
    mesh = trimesh.Trimesh(vertices[faces].reshape(-1, 3), corners, vertex_colors=colors, process=False)
    with replacing(path) as temporary:
        temporary.write_bytes(mesh.export(file_type="glb"))


def _coordinates(points: np.ndarray) -> dict[str, tuple]:
    with np.errstate(over="ignore"):
        kind = "f4" if np.array_equal(np.float32(points), points, equal_nan=True) else "f8"
    return {name: ((kind,), points[:, axis]) for axis, name in enumerate("xyz")}


def _labels(semantic: np.ndarray, instance: np.ndarray) -> dict[str, tuple]:
    numbers = np.arange(-1, instance.max(initial=-1) + 1)
    colors = np.uint8(np.round(255 * colors_for(numbers)))[instance + 1]
    columns = {name: (("u1",), colors[:, channel]) for channel, name in enumerate(("red", "green", "blue"))}
    return columns | {"semantic": (("i4",), semantic), "instance": (("i4",), instance)}


def _rows(columns: dict[str, tuple]) -> np.ndarray:
    """One structured array of columns: name -> its dtype, perhaps with a shape, and its values."""
    (_, first), *_ = columns.values()
    rows = np.empty(len(first), [(name, *dtype) for name, (dtype, _) in columns.items()])
    for name, (_, values) in columns.items():
        rows[name] = values
    return rows


def _write(path: str | os.PathLike, elements: list[PlyElement]) -> None:
    with replacing(path) as temporary:
        PlyData(elements).write(str(temporary))
