"""What `predict` writes of one cloud or mesh."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from instance_seg.data.bounding_sphere import in_unit_box
from instance_seg.data.files.clouds.read import Sampled
from instance_seg.data.spread import face_labels, nearest_rows, spread
from instance_seg.drawing.parts import part_records, uncertainty_note, write_parts
from instance_seg.drawing.pictures import render_panel, write_png
from instance_seg.drawing.ply import write_labels, write_mesh_glb, write_mesh_ply
from instance_seg.structures import UPRIGHT, Segmented, Task
from instance_seg.tables import capitalized
from instance_seg.viewer.page import VIEWER, Shape, Surface, write_viewer

_BY_LEVEL = "level_[0-9].ply", "mesh_level_[0-9].ply", "mesh_level_[0-9].glb"  # no prediction has all of them
_MOST_DRAWN = 100_000  # points in the flat picture


def is_output(path: pathlib.Path, folder: pathlib.Path) -> bool:
    """Whether a file would be lost when `write_prediction` writes to the folder."""
    return path.parent.resolve() == folder.resolve() and any(map(path.match, _BY_LEVEL))


def write_prediction(
    folder: pathlib.Path,
    name: str,
    cloud: Sampled,
    task: Task,
    levels: Sequence[Segmented],
    up: str,
    picture: Mapping[str, Any] | None = None,
) -> None:
    """level_<k>.ply, of a mesh also mesh_level_<k>.ply and .glb, the parts, the picture and the viewer.

    Args:
        folder: for the files; made if it is missing. Those of an earlier prediction do not stay.
        name: of the cloud.
        cloud: in the coordinates of its file, in which all files are but those of GLB, where y is up.
        task, levels: of the system, and what it says of the points that it saw; the others have the labels of the
            nearest of those, and are neither in the picture nor in the viewer.
        up: the axis of the file that points up.
        picture: how the flat picture is drawn, arguments of render_panel.
    """
    turn = UPRIGHT[up].T
    shape, directions = in_unit_box(cloud.points[cloud.seen]) @ turn, cloud.normals @ turn
    drawn = slice(None, None, -(-len(shape) // _MOST_DRAWN))
    columns, shown, records = [], {}, []
    for earlier in (path for pattern in _BY_LEVEL for path in folder.glob(pattern)):
        earlier.unlink()
    for k in task.scored:
        level, found = task.levels[k], levels[k]
        instance = found.proposals.instance(len(shape))
        write_labels(
            folder / f"level_{level.number}.ply", cloud.points, found.semantic[cloud.like], instance[cloud.like]
        )
        records += part_records(level, found.is_unlike, spread(found.proposals, cloud.like), cloud.points)
        columns.append((capitalized(level.name), shape[drawn], instance[drawn], directions[drawn]))
        shown[level.name] = None, [("prediction", found, None)]
    surface = None if cloud.mesh is None else _write_meshes(folder, cloud, task, levels, turn)
    write_parts(folder, records, uncertainty_note(task, levels))
    write_png(folder / "picture.png", render_panel(columns, **(picture or {})))
    part = f" ({len(shape):,} of {len(cloud.points):,} points)" if len(shape) < len(cloud.points) else ""
    write_viewer(folder / VIEWER, name + part, task, [Shape(name, shape, directions, shown, surface)])


def _write_meshes(
    folder: pathlib.Path, cloud: Sampled, task: Task, levels: Sequence[Segmented], turn: np.ndarray
) -> Surface:
    """Faces have the label of most points drawn on them; those without points that of the point nearest to them.

    Where the points are the vertices, faces have the label of most of their corners.
    """
    vertices, faces = cloud.mesh[:2]
    surface = Surface(in_unit_box(vertices[faces].reshape(-1, 3)).reshape(-1, 3, 3) @ turn, {})
    if cloud.face is None:
        face, rows, like = np.repeat(np.arange(len(faces)), 3), faces.ravel(), np.zeros(len(faces), np.intp)
    else:
        face, rows, like = cloud.face, slice(None), nearest_rows(cloud.points, vertices[faces].mean(axis=1))
    for k in task.scored:
        path = folder / f"mesh_level_{task.levels[k].number}"
        of_seen = levels[k].semantic, levels[k].proposals.instance(len(cloud.seen))
        semantic, instance = (face_labels(face, labels[cloud.like][rows], like) for labels in of_seen)
        write_mesh_ply(path.with_suffix(".ply"), vertices, faces, semantic, instance)
        write_mesh_glb(path.with_suffix(".glb"), vertices @ turn, faces, instance)
        surface.instance[task.levels[k].name] = instance
    return surface
