"""Rooms in S3DIS' raw layout: a folder for each room of an area, a text file for each thing in it."""

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from instance_seg.files import replacing_folder
from instance_seg.procedural.rooms.generate import Room
from instance_seg.procedural.rooms.labels import LABELS

AREAS = 6
NAMES = {
    "living room": "lounge",
    "office": "office",
    "kitchen": "pantry",
    "bathroom": "WC",
    "bedroom": "bedroom",
    "class room": "auditorium",
    "meeting room": "conferenceRoom",
    "library": "storage",
}  # kind of room -> what S3DIS calls such rooms


def write_area_room(root: Path, area: int, index: int, room: Room) -> Path:
    """Writes room `index` of an area; returns its folder Area_K/ROOM.

    ROOM.txt has all points as rows x y z r g b, Annotations/CLASS_N.txt those of one thing.
    """
    name = f"{NAMES[room.kind]}_{index}"
    folder = root / f"Area_{area}" / name
    table = pd.DataFrame(np.concatenate([room.vertices.astype(np.float64), room.colors], axis=1))
    table = table.astype(dict.fromkeys(range(3, 6), np.uint8))
    counts: Counter[str] = Counter()
    with replacing_folder(folder) as new:
        (new / "Annotations").mkdir()
        _write_rows(new / f"{name}.txt", table)
        for thing, label in enumerate(room.labels):
            kind = LABELS[label].s3dis
            counts[kind] += 1
            _write_rows(new / "Annotations" / f"{kind}_{counts[kind]}.txt", table[room.thing == thing])
    return folder


def _write_rows(path: Path, table: pd.DataFrame) -> None:
    table.to_csv(path, sep=" ", header=False, index=False, float_format="%.3f")
