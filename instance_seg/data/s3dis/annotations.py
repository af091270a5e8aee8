"""S3DIS as it is published: a folder for each room, a text file for each object in it."""

import io
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

CLASSES = (
    "ceiling",
    "floor",
    "wall",
    "beam",
    "column",
    "window",
    "door",
    "table",
    "chair",
    "sofa",
    "bookcase",
    "board",
    "clutter",
)
CLUTTER = CLASSES.index("clutter")
ROOMS = {1: 44, 2: 40, 3: 23, 4: 49, 5: 68, 6: 48}  # area -> its rooms
MAX_EXTENT = 1000.0  # meters
FEWEST_POINTS = 100  # a block with fewer is dropped


class Room(NamedTuple):
    """The points of a room, object after object."""

    xyz: np.ndarray  # [N, 3] float32, meters, z up, the smallest of each axis 0
    color: np.ndarray  # [N, 3] uint8
    semantic: np.ndarray  # [N] int32 in [0, 13)
    instance: np.ndarray  # [N] int32, number of the object's file
    notes: tuple[str, ...]  # what was repaired or renamed


def areas_folder(root: Path) -> Path:
    """Where the folders Area_1 ... lie: `root` itself or the one folder in it that has them.

    Raises:
        ValueError: there is none, or there are two, as the aligned and the unaligned version side by side.
    """
    if not root.is_dir():
        raise ValueError(f"--data_dir={root}: there is no such folder; want the one with Area_1 ... Area_6 of S3DIS")
    found = [folder for folder in (root, *sorted(root.iterdir())) if folder.is_dir() and any(folder.glob("Area_[1-6]"))]
    if len(found) > 1:
        names = " and ".join(folder.name for folder in found)
        raise ValueError(f"--data_dir={root}: {names} hold areas; name one (published: the aligned version)")
    if not found:
        raise ValueError(f"--data_dir={root}: there is no Area_1 ... Area_6 in it, nor in a folder of it")
    return found[0]


def area_rooms(areas: Path, area: int, allow_partial: bool = False) -> list[Path]:
    """The folders of the rooms of an area, sorted by name.

    Raises:
        ValueError: the area is not there, or has another number of rooms than S3DIS has.
    """
    folder = areas / f"Area_{area}"
    rooms = sorted(path for path in folder.glob("*") if (path / "Annotations").is_dir())
    if not rooms:
        raise ValueError(f"{folder}: no room in it; want folders ROOM/Annotations/CLASS_NUMBER.txt")
    if len(rooms) != ROOMS[area] and not allow_partial:
        raise ValueError(
            f"{folder}: {len(rooms)} rooms, S3DIS has {ROOMS[area]} there; unpack it again, or --allow_partial"
        )
    return rooms


def read_room(folder: Path) -> Room:
    """Reads the objects of a room, in the order of their names.

    An unknown class becomes clutter. Characters that do not belong in a table of numbers are taken out, as the
    published Area_5/hallway_6 has one. Both are noted.

    Raises:
        ValueError: a file is missing, empty of numbers, or malformed; the message names it.
    """
    files = sorted((folder / "Annotations").glob("*.txt"))
    if not files:
        raise ValueError(f"{folder / 'Annotations'}: no object in it; want CLASS_NUMBER.txt")
    tables, semantic, notes, unknown = [], [], [], set()
    for path in files:
        table, repaired = _read_table(path)
        tables.append(table)
        notes += [f"{path}: {repaired}"] if repaired else []
        name = path.stem.split("_")[0]
        semantic.append(CLASSES.index(name) if name in CLASSES else CLUTTER)
        unknown |= {name} - set(CLASSES)
    notes += [f"{folder}: objects called {name} count as clutter" for name in sorted(unknown)]
    table, sizes = np.concatenate(tables), [len(each) for each in tables]
    if len(table) < FEWEST_POINTS:
        raise ValueError(f"{folder}: {len(table)} points, want at least {FEWEST_POINTS}; no block of it would be kept")
    xyz = table[:, :3] - table[:, :3].min(axis=0)
    if xyz.max() > MAX_EXTENT:
        raise ValueError(f"{folder}: it extends {xyz.max():.0f} meters; are its coordinates in meters?")
    if table[:, 3:].min() < 0 or table[:, 3:].max() > 255:
        raise ValueError(f"{folder}: colors must lie in 0 ... 255")
    return Room(
        xyz.astype(np.float32),
        table[:, 3:].astype(np.uint8),
        np.repeat(np.int32(semantic), sizes),
        np.repeat(np.arange(len(files), dtype=np.int32), sizes),
        tuple(notes),
    )


def _read_table(path: Path) -> tuple[np.ndarray, str]:
    """The rows x y z r g b of a file, [N, 6] float64, and what was repaired."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path}: cannot be read ({error.strerror})") from error
    stray = re.search(rb"[^0-9eE+\-. \t\r\n]", text)
    note = ""
    if stray:
        line = text.count(b"\n", 0, stray.start()) + 1
        text, count = re.subn(rb"[^0-9eE+\-. \t\r\n]", b"", text)
        note = f"line {line}: a character {stray[0]!r} that belongs in no number was taken out"
        if count > 1:
            raise ValueError(f"{path}: line {line}: {stray[0]!r} belongs in no number, and there are {count} like it")
    try:
        table = pd.read_csv(io.BytesIO(text), sep=r"\s+", header=None, dtype=np.float64).to_numpy()
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        raise ValueError(f"{path}: want rows x y z r g b ({str(error).splitlines()[0]})") from error
    if table.shape[1] != 6:
        raise ValueError(f"{path}: want rows x y z r g b, got {table.shape[1]} columns")
    if not np.isfinite(table).all():
        row = int(np.flatnonzero(~np.isfinite(table).all(axis=1))[0])
        raise ValueError(f"{path}: line {row + 1}: a number is missing or not finite")
    return table, note
