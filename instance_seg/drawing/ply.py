"""Segmented point clouds as PLY files, for viewers of point clouds."""

import pathlib

import numpy as np
from plyfile import PlyData, PlyElement

from instance_seg.drawing.pictures import colors_for
from instance_seg.files import replacing


def write_labels(path: pathlib.Path, points: np.ndarray, semantic: np.ndarray, instance: np.ndarray) -> None:
    """A PLY with properties x y z red green blue semantic instance; x y z are doubles where floats would round."""
    with np.errstate(over="ignore"):
        kind = "f4" if np.array_equal(np.float32(points), points) else "f8"
    columns = {name: (kind, points[:, axis]) for axis, name in enumerate("xyz")}
    colors = np.round(255 * colors_for(instance))
    columns |= {name: ("u1", colors[:, channel]) for channel, name in enumerate(("red", "green", "blue"))}
    columns |= {"semantic": ("i4", semantic), "instance": ("i4", instance)}
    rows = np.empty(len(points), [(name, dtype) for name, (dtype, _) in columns.items()])
    for name, (_, values) in columns.items():
        rows[name] = values
    with replacing(path) as temporary:
        PlyData([PlyElement.describe(rows, "vertex")]).write(str(temporary))
