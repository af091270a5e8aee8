"""Rooms as arrays on the disk, made of the annotations when they are first asked for."""

import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

from instance_seg.data.s3dis.annotations import Room, read_room
from instance_seg.data.s3dis.blocks import cut_blocks
from instance_seg.files import read_json, replacing_folder, write_json

CACHE = "rooms"  # folder beside the areas
_VERSION = 1  # of what is stored


class StoredRoom(NamedTuple):
    """A room and its blocks; arrays stay on the disk until they are indexed."""

    xyz: np.ndarray  # [N, 3] float32, meters from the corner of the room
    color: np.ndarray  # [N, 3] uint8
    semantic: np.ndarray  # [N] int32
    instance: np.ndarray  # [N] int32
    extent: np.ndarray  # [3] float32, meters
    block_rows: np.ndarray  # [T] int32, rows of the room, block after block
    block_splits: np.ndarray  # [B + 1] int64


def prepare_room(folder: Path, areas: Path) -> Path:
    """The folder with the arrays of a room, made if it is missing or of other annotations.

    What was repaired in the annotations is said on stderr.

    Raises:
        ValueError: malformed annotations, or the folder cannot be written.
    """
    stored = stored_folder(folder, areas)
    if is_current(stored, folder):
        return stored
    source, room = _source(folder), read_room(folder)
    for note in room.notes:
        print(f"note: {note}", file=sys.stderr)
    try:
        with replacing_folder(stored) as new:
            for name, array in with_blocks(room)._asdict().items():
                np.save(new / f"{name}.npy", array, allow_pickle=False)
            write_json(new / "source.json", source)
    except OSError as error:
        raise ValueError(f"{stored}: cannot be written ({error.strerror}); rooms are kept there as arrays") from error
    return stored


def stored_folder(folder: Path, areas: Path) -> Path:
    """Where the arrays of a room AREAS/Area_K/ROOM belong."""
    return areas / CACHE / f"{folder.parent.name}_{folder.name}"


def is_current(stored: Path, folder: Path) -> bool:
    """Whether the arrays are of the annotations in `folder` as they are now, and of this version of the program."""
    return (stored / "source.json").exists() and read_json(stored / "source.json") == _source(folder)


def with_blocks(room: Room) -> StoredRoom:
    """A room and its blocks, in memory."""
    blocks = cut_blocks(room.xyz)
    block_rows = np.concatenate([np.zeros(0, np.int32), *blocks]).astype(np.int32)
    block_splits = np.cumsum([0] + [len(rows) for rows in blocks])
    return StoredRoom(*room[:4], room.xyz.max(axis=0), block_rows, block_splits)


def open_room(stored: Path) -> StoredRoom:
    """A prepared room. ValueError naming a file that is missing or damaged."""
    arrays = []
    for name in StoredRoom._fields:
        path = stored / f"{name}.npy"
        try:
            arrays.append(np.load(path, mmap_mode="r", allow_pickle=False))
        except (OSError, ValueError, EOFError) as error:
            raise ValueError(f"{path}: cannot be read ({error}); remove {stored} to have it made again") from error
    return StoredRoom(*arrays)


def _source(folder: Path) -> dict[str, object]:
    """What tells one state of a room's annotations from another, without reading them."""
    files = sorted((folder / "Annotations").glob("*.txt"))
    listing = [[path.name, path.stat().st_size, path.stat().st_mtime_ns] for path in files]
    return {"version": _VERSION, "files": listing}
