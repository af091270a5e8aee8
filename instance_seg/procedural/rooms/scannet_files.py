"""Rooms in ScanNet's raw layout: a folder of meshes, segments and groups for each scan, the label table, the lists."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from plyfile import PlyData, PlyElement
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from instance_seg.data.scannet.classes import LABEL_TABLE
from instance_seg.data.scannet.prepared import UNLABELED, list_path
from instance_seg.data.scannet.raw import FOLDERS, GROUPS, LABELS, MESH, SEGMENTS
from instance_seg.files import replacing, write_json
from instance_seg.procedural.rooms.generate import Room
from instance_seg.procedural.rooms.labels import LABELS as NAMES

TABLE_HEAD = "id raw_category category count nyu40id eigen13id nyuClass nyu40class".split()
PATCH = 0.5  # meters: no over-segment is wider


def over_segments(room: Room) -> np.ndarray:
    """Connected pieces of one thing that look the same way and are not wide: [V], the least vertex index of each.

    ScanNet has them from the normals of the mesh (Felzenszwalb and Huttenlocher); every group is a union of them.
    """
    corners = room.vertices[room.faces].astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    summed = np.stack(
        [np.bincount(room.faces.ravel(), np.repeat(column, 3), len(room.vertices)) for column in normals.T], axis=1
    )
    axis = np.abs(summed).argmax(axis=1)
    facing = 2 * axis + (np.take_along_axis(summed, axis[:, None], axis=1)[:, 0] > 0)
    patch = np.floor(room.vertices / PATCH).astype(np.int64) @ [1, 1000, 1000000]
    kind = pd.factorize((patch * 10 + facing) * (len(room.labels) + 1) + room.thing)[0]
    edges = np.concatenate([room.faces[:, [0, 1]], room.faces[:, [1, 2]], room.faces[:, [2, 0]]])
    first, second = edges[kind[edges[:, 0]] == kind[edges[:, 1]]].T
    shape = (len(room.vertices),) * 2
    _, part = connected_components(sparse.csr_array((np.ones(len(first), bool), (first, second)), shape), False)
    least = np.full(part.max() + 1, len(part))
    np.minimum.at(least, part, np.arange(len(part)))
    return least[part]


def write_mesh(path: Path, room: Room, colors: np.ndarray, label: np.ndarray | None = None) -> None:
    """A binary PLY file of vertices with colors, opaque, and faces; `label` [V] is a further column."""
    columns = [*room.vertices.T, *colors.T, np.full(len(colors), 255, np.uint8)]
    names = ["x", "y", "z", "red", "green", "blue", "alpha"]
    if label is not None:
        columns.append(label)
        names.append("label")
    vertex = np.rec.fromarrays(columns, names=names)
    face = np.empty(len(room.faces), [("vertex_indices", "i4", (3,))])
    face["vertex_indices"] = room.faces
    elements = [PlyElement.describe(vertex, "vertex"), PlyElement.describe(face, "face")]
    with replacing(path) as temporary:
        PlyData(elements, byte_order="<").write(str(temporary))


def write_scan(root: Path, split: str, name: str, room: Room) -> None:
    """The files of one scan below `root`; a scan of the test split has the mesh alone."""
    folder = root / FOLDERS[split == UNLABELED] / name
    write_mesh(folder / f"{name}{MESH}", room, room.colors)
    if split == UNLABELED:
        return
    palette = np.random.default_rng(0).integers(40, 256, (41, 3)).astype(np.uint8)
    write_mesh(folder / f"{name}{LABELS}", room, palette[room.nyu40], room.nyu40)
    segments = over_segments(room)
    parameters = {"kThresh": "0.0100", "segMinVerts": "1"}
    write_json(folder / f"{name}{SEGMENTS}", {"params": parameters, "sceneId": name, "segIndices": segments.tolist()})
    owned = pd.Series(segments).groupby(room.thing).unique()
    groups = [
        {"id": i, "objectId": i, "segments": sorted(owned[i].tolist()), "label": label}
        for i, label in enumerate(room.labels)
    ]
    content = {"sceneId": f"scannet.{name}", "appId": "Aggregator.v2", "segGroups": groups}
    write_json(folder / f"{name}{GROUPS}", content | {"segmentsFile": f"scannet.{name}{SEGMENTS}"})


def write_label_table(root: Path) -> None:
    """The table from raw names to NYU40 classes, with the columns of ScanNet's that its readers use."""
    rows = [
        (i, name, name, 1, label.nyu40, 0, label.nyu40_name, label.nyu40_name)
        for i, (name, label) in enumerate(NAMES.items(), 1)
    ]
    with replacing(root / LABEL_TABLE) as temporary:
        pd.DataFrame(rows, columns=TABLE_HEAD).to_csv(temporary, sep="\t", index=False)


def write_lists(root: Path, scans: dict[str, Sequence[str]]) -> None:
    """The list of scans of each split, a name a line."""
    for split, names in scans.items():
        with replacing(list_path(root, split)) as temporary:
            temporary.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
