"""Reads every room of S3DIS once and tells what is in the areas and everything that is wrong."""

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.s3dis.annotations import CLASSES, ROOMS, area_rooms, areas_folder, read_room
from instance_seg.data.s3dis.rooms import CACHE, StoredRoom, is_current, open_room, stored_folder, with_blocks


class Found(NamedTuple):
    """An area in numbers."""

    area: int
    rooms: int  # that could be read
    points: int
    blocks: int
    classes: set[int]  # that occur
    instances: int


HEADER = ("area", "rooms", "points", "blocks", "classes present", "instances")


def is_s3dis(root: Path) -> bool:
    """Whether areas lie in a folder, or in a folder of it."""
    return any(root.glob("Area_[1-6]")) or any(root.glob("*/Area_[1-6]"))


def check(
    root: Path, allow_partial: bool = False, progress: Callable[[int], object] = lambda count: None
) -> tuple[list[Found], list[str], list[str]]:
    """Reads the annotations of all rooms, and the arrays that were made of them.

    Args:
        allow_partial: areas may have fewer rooms than S3DIS has, or be missing.
        progress: called with 1 after each room.

    Returns:
        what was found in each area, the problems, and what is repaired or made again when it is read: a line each,
        which begins with the folder.
    """
    problems, notes, found, seen = [], [], [], {}
    try:
        areas = areas_folder(root)
    except ValueError as error:
        return [], [str(error)], []
    expected = set()
    for area in ROOMS:
        if allow_partial and not (areas / f"Area_{area}").exists():
            continue
        counted = []
        for folder in _rooms(areas, area, allow_partial, problems):
            stored = stored_folder(folder, areas)
            expected.add(stored)
            try:
                room = read_room(folder)
                whole = with_blocks(room)
                problems += _differences(stored, folder, whole, notes)
            except ValueError as error:
                problems.append(str(error))
            else:
                notes += room.notes
                twin = seen.setdefault(zlib.crc32(room.xyz.tobytes()), folder)
                if twin != folder:
                    problems.append(f"{folder}: the same points as {twin}; one of them belongs to another area or room")
                counted.append(_counted(whole))
            progress(1)
        points, blocks, classes, instances = ([each[i] for each in counted] for i in range(4))
        found.append(Found(area, len(counted), sum(points), sum(blocks), set().union(*classes), sum(instances)))
    for stored in sorted((areas / CACHE).glob("*")):
        if stored not in expected:
            problems.append(f"{stored}: arrays of a room that no area has; remove them")
    return found, problems, notes


def _counted(room: StoredRoom) -> tuple[int, int, set[int], int]:
    """Points, blocks, classes that occur, instances."""
    classes = set(np.unique(room.semantic).tolist())
    return len(room.xyz), len(room.block_splits) - 1, classes, int(room.instance.max()) + 1


def _rooms(areas: Path, area: int, allow_partial: bool, problems: list[str]) -> list[Path]:
    """The rooms of an area; a wrong number of them is a problem, and they are read all the same."""
    try:
        return area_rooms(areas, area, allow_partial)
    except ValueError as error:
        problems.append(str(error))
    try:
        return area_rooms(areas, area, allow_partial=True)
    except ValueError:
        return []


def _differences(stored: Path, folder: Path, expected: StoredRoom, notes: list[str]) -> list[str]:
    """Which arrays of a room, if there are any, are not what its annotations give.

    Raises:
        ValueError: they cannot be read.
    """
    if not stored.exists():
        return []
    if not is_current(stored, folder):
        notes.append(f"{stored}: of other annotations or of another version; it will be made again")
        return []
    return [
        f"{stored / name}.npy: not what {folder} has; remove {stored} to have it made again"
        for name, wanted, there in zip(StoredRoom._fields, expected, open_room(stored), strict=True)
        if not np.array_equal(wanted, there)
    ]


def table_rows(found: list[Found]) -> list[tuple]:
    """A row for each area."""
    return [(*each[:4], f"{len(each.classes)} of {len(CLASSES)}", each.instances) for each in found]
