"""Makes ScanNet's raw files of five rooms that people scanned with a headset.

    python tools/real_rooms.py --package=DIR --out=data/real_rooms

DIR is the npm package `@iwer/sem` 2.4.0 (MIT), unpacked: lib/captures has a JSON file for each room, with the mesh that
the headset made and the boxes and rectangles that the owner drew around furniture, doors, windows, pictures and walls.
Vertices in a box, or near a rectangle, have its label; those of everything else, chairs for one, have none and count
in no measure. There are no colors: all vertices are gray. The rooms are the split `val`.
"""

import base64
import binascii
import pathlib
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from absl import app, flags
from scipy.spatial.transform import Rotation

from instance_seg.files import read_json
from instance_seg.flags import refuse_arguments
from instance_seg.procedural.rooms.generate import Room
from instance_seg.procedural.rooms.scannet_files import write_label_table, write_lists, write_scan
from instance_seg.procedural.rooms.triangles import bisect, weld
from instance_seg.structures import UPRIGHT

CAPTURES = pathlib.Path("lib", "captures")
SPLIT = "val"
GRAY = 128
MARGIN = 0.05  # meters that a vertex may lie outside of a box, or in front of or behind the floor
DEPTH = 0.15  # the same for the other rectangles: frames of doors are deep, walls not flat
# What owners call things, in the order in which they claim a vertex, and their raw names in the label table. A box
# stands before the wall behind it, a picture before the wall it hangs on.
RECTANGLES_FIRST = {"FLOOR": "floor", "DOOR_FRAME": "door", "WINDOW_FRAME": "window", "WALL_ART": "picture"}
BOXES = {
    "SCREEN": "monitor",
    "LAMP": "lamp",
    "PLANT": "vase",
    "STORAGE": "cabinet",
    "COUCH": "couch",
    "CHAIR": "chair",
    "BED": "bed",
    "TABLE": "table",
}
RECTANGLES_LAST = {"WALL_FACE": "wall", "INNER_WALL_FACE": "wall", "CEILING": "ceiling"}

FLAGS = flags.FLAGS
flags.DEFINE_string("package", None, "folder of the package", required=True)
flags.DEFINE_string("out", "data/real_rooms", "folder of the data set")
flags.DEFINE_float("spacing", 0.06, "meters between vertices; the preset demo has 0.06, ScanNet about 0.02", 0.01, 0.2)


def read_room(path: pathlib.Path, spacing: float) -> Room:
    """A captured room, z up, whose vertices are about `spacing` meters apart. ValueError if the file holds none."""
    try:
        entities = read_json(path)["spatialEntities"]
        (mesh,) = (each for each in entities if "triangleMesh_META" in each)
        vertices, faces = even(*_mesh(mesh), spacing)
        thing, labels = _annotated(vertices, entities)
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        reason = f"{type(error).__name__}: {error}" if isinstance(error, KeyError) else error
        raise ValueError(f"{path}: is no capture of a room with one mesh ({reason})") from error
    upright = np.float32(vertices @ UPRIGHT["z"])  # of y up; UPRIGHT takes z to y
    return Room(path.stem, upright, faces, np.full(vertices.shape, GRAY, np.uint8), thing, labels)


def _mesh(entity: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V, 3] float64, y up in the world, and faces [F, 3] int32."""
    packed = entity["triangleMesh_META"]
    vertices, faces = (
        np.frombuffer(base64.b64decode(packed[name], validate=True), kind).reshape(-1, 3)
        for name, kind in (("vertices", "<f4"), ("indices", "<u4"))
    )
    if not len(faces) or faces.max() >= len(vertices):
        raise ValueError(f"{len(faces)} faces of {len(vertices)} vertices, of which one has none")
    turn, place = _pose(entity)
    return turn.apply(vertices.astype(np.float64)) + place, faces.astype(np.int32)


def even(vertices: np.ndarray, faces: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """The mesh with vertices about `spacing` meters apart: headsets leave few where walls are flat."""
    small, _ = bisect(np.float32(vertices[faces]), 1.5 * spacing)
    chosen, faces = weld(small, np.zeros(len(small), np.int64), spacing)
    return small.reshape(-1, 3)[chosen].astype(np.float64), np.int32(faces)


def _pose(entity: dict[str, Any]) -> tuple[Rotation, np.ndarray]:
    """From what is said in coordinates of an entity to the world."""
    pose = entity["locatable_META"]
    place = [pose["position"].get(axis, 0.0) for axis in "xyz"]
    return Rotation.from_quat([pose["orientation"].get(axis, 0.0) for axis in "xyzw"]), np.array(place)


def _annotated(vertices: np.ndarray, entities: Sequence[dict[str, Any]]) -> tuple[np.ndarray, tuple[str, ...]]:
    """Which thing each vertex belongs to [V] int32, -1 = none, and the raw names of the things.

    Of things of one kind the smaller claim first, so that of two boxes, one in the other, both have vertices.
    """
    thing, labels = np.full(len(vertices), -1, np.int32), []
    for names, form in (
        (RECTANGLES_FIRST, "bounded2D_META"),
        (BOXES, "bounded3D_META"),
        (RECTANGLES_LAST, "bounded2D_META"),
    ):
        for kind, label in names.items():
            alike = [each for each in entities if each.get("semanticLabel_META") == kind and form in each]
            for entity in sorted(alike, key=lambda each: np.prod(list(each[form]["extent"].values()))):
                claimed = _inside(vertices, entity, form, MARGIN if kind == "FLOOR" else DEPTH) & (thing < 0)
                if claimed.any():
                    thing[claimed] = len(labels)
                    labels.append(label)
    return thing, tuple(labels)


def _inside(vertices: np.ndarray, entity: dict[str, Any], form: str, depth: float) -> np.ndarray:
    """[V] bool: in the box, or near the rectangle, which lies across the y axis of its coordinates."""
    turn, place = _pose(entity)
    own = turn.inv().apply(vertices - place)
    offset, extent = entity[form]["offset"], entity[form]["extent"]
    low = np.array([offset.get(axis, 0.0) for axis in "xyz"])
    high = low + [extent.get(side, 0.0) for side in ("width", "height", "depth")]
    if form == "bounded2D_META":
        low, high = (
            np.array([corner[0], side * depth + MARGIN * -side, corner[1]]) for corner, side in ((low, -1), (high, 1))
        )
    return ((own >= low - MARGIN) & (own <= high + MARGIN)).all(axis=1)


def convert(package: pathlib.Path, out: pathlib.Path, spacing: float) -> list[str]:
    """Writes the rooms of a package as a data set; a line on each."""
    paths = sorted((package / CAPTURES).glob("*.json"))
    if not paths:
        raise ValueError(f"--package={package}: has no {CAPTURES}/*.json; want the unpacked package @iwer/sem 2.4.0")
    rooms = {f"scene{number:04d}_00": read_room(path, spacing) for number, path in enumerate(paths)}
    for name, room in rooms.items():
        write_scan(out, SPLIT, name, room)
    write_label_table(out)
    write_lists(out, {SPLIT: list(rooms)})
    return [
        f"{name} {room.kind}: {len(room.vertices)} vertices, {len(room.labels)} things, "
        f"{np.mean(room.thing < 0):.0%} of the vertices in none"
        for name, room in rooms.items()
    ]


def main(argv: list[str]) -> None:
    """Converts what the flags name."""
    refuse_arguments(argv)
    try:
        print("\n".join(convert(pathlib.Path(FLAGS.package), pathlib.Path(FLAGS.out), FLAGS.spacing)))
    except (ValueError, OSError) as error:
        sys.exit(f"error: {' '.join(str(error).split())}")


if __name__ == "__main__":
    app.run(main)
