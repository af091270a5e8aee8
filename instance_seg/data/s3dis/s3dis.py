"""S3DIS as a data set: one area held out; a cloud is a block of a room."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from instance_seg.data.data_set import DataSet
from instance_seg.data.s3dis.annotations import (
    CLASSES,
    FEWEST_POINTS,
    MAX_EXTENT,
    ROOMS,
    Room,
    area_rooms,
    areas_folder,
)
from instance_seg.data.s3dis.assemble import RoomAssembler
from instance_seg.data.s3dis.blocks import as_block, sample_rows
from instance_seg.data.s3dis.rooms import StoredRoom, open_room, prepare_room, with_blocks
from instance_seg.data.s3dis.settings import S3disSettings
from instance_seg.structures import UPRIGHT, Cloud, Labels, Level, Task

GRAY = 127.5
MIN_EXTENT = 0.5  # meters, of a room of one's own


class S3dis(DataSet):
    """Thirteen classes, all of which have instances. Features of a point: its color, and its place in the room."""

    Settings = S3disSettings
    metrics = ("coverage",)
    up = "z"
    mesh_points, most_points = 0, 10_000_000  # a block is sampled anyway

    def task(self) -> Task:
        """Every point has a class and belongs to an instance."""
        level = Level(1, "classes", CLASSES, first_scored=0, things=tuple(range(len(CLASSES))))
        return Task("s3dis", f"area{self.settings.area}", (level,), num_features=6)

    def split(self, root: str, name: str, limit: int | None = None) -> "Blocks":
        """Blocks of the rooms of "train" (the other areas) or "test"; the first `limit` rooms.

        There is no "val": what is published is measured on the area that is held out.
        """
        if not root:
            raise ValueError("--data_dir is needed: the folder with Area_1 ... Area_6 of S3DIS")
        if name == "val":
            raise ValueError("S3DIS has no split for validation; want --test_split=test")
        areas = areas_folder(Path(root))
        folders = []
        for area in [self.settings.area] if name == "test" else [a for a in ROOMS if a != self.settings.area]:
            if name == "test" or not self.settings.allow_partial or (areas / f"Area_{area}").is_dir():
                folders += area_rooms(areas, area, self.settings.allow_partial)
        if not folders:
            raise ValueError(f"{areas}: there is no area but Area_{self.settings.area}, nothing to train on")
        bar = tqdm(folders[:limit], desc=f"{name} rooms", unit="room", leave=False, dynamic_ncols=True)
        stored = [prepare_room(folder, areas) for folder in bar]
        return Blocks({path.name: partial(open_room, path) for path in stored}, self.settings)

    def assembler(self, clouds: "Blocks", reading: Any, conclude: Callable) -> RoomAssembler:
        """Merges the instances of the blocks of a room, with the published quirks unless the reading says otherwise.

        Of rooms without labels every point gets some.
        """
        quirks, every_point = getattr(reading, "merge_quirks", True), getattr(reading, "every_point", False)
        every_point |= clouds.room(0).semantic is None
        return RoomAssembler(clouds.wholes, self.task(), clouds.room, conclude, quirks, every_point)

    def foreign(self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None) -> Cloud:
        """A room turned z up, in meters from its corner; the features are colors in 0 ... 255, gray if it has none."""
        if len(points) < FEWEST_POINTS:
            raise ValueError(f"has {len(points)} points; want a room of at least {FEWEST_POINTS}")
        xyz = (points - points.mean(axis=0, dtype=np.float64)) @ UPRIGHT["z"]
        xyz -= xyz.min(axis=0)
        if not MIN_EXTENT <= xyz.max() <= MAX_EXTENT:
            raise ValueError(f"measures {xyz.max():.3g} m; rooms are in meters, {MIN_EXTENT} to {MAX_EXTENT:.0f}")
        colors = np.full(points.shape, GRAY, np.float32) if colors is None else np.float32(colors)
        return Cloud(np.float32(xyz), colors, (), "")

    def portions(self, cloud: Cloud) -> "Blocks":
        """The blocks of a room. ValueError if none has 100 points."""
        room = with_blocks(Room(cloud.xyz, cloud.features, None, None, ()))
        if len(room.block_splits) < 2:
            raise ValueError(f"has no square meter with {FEWEST_POINTS} points; is it in meters?")
        return Blocks({cloud.name: lambda: room}, self.settings)

    def fingerprint(self, root: str) -> dict[str, str]:
        """How many rooms each area has, and the name of the folder, which tells the aligned version from the other."""
        areas = areas_folder(Path(root))
        rooms = {f"Area_{area}": len(list((areas / f"Area_{area}").glob("*/Annotations"))) for area in ROOMS}
        return {area: f"{count} rooms of {areas.name}" for area, count in rooms.items() if count}


class Blocks(Sequence):
    """The blocks of rooms, read when they are asked for.

    `rooms`: by their names what gives each.

    Attributes:
        wholes: [R + 1] int64; room r owns the blocks wholes[r]:wholes[r + 1].
        drawn: called as drawn(block, generator), gives another sample of a block; None unless `draw_again` is set.
    """

    def __init__(self, rooms: Mapping[str, Callable[[], StoredRoom]], settings: S3disSettings):
        self._names, self._open, self._settings = list(rooms), list(rooms.values()), settings
        counts = [len(self.room(r).block_splits) - 1 for r in range(len(rooms))]
        self.wholes = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self.drawn = self._sample if settings.draw_again else None

    def room(self, r: int) -> StoredRoom:
        """Room r, without labels if it was never labeled."""
        return self._open[r]()

    def __len__(self) -> int:
        return int(self.wholes[-1])

    def __getitem__(self, block: int) -> Cloud:
        """A block's sample, which depends on (block_seed, name of the room, number of the block in it) alone."""
        if not 0 <= block < len(self):
            raise IndexError(block)
        r, number = self._place(block)
        key = [self._settings.block_seed, number, *self._names[r].encode()]
        return self._sample(block, np.random.default_rng(key))

    def _place(self, block: int) -> tuple[int, int]:
        """The room of a block, and its number in there."""
        r = int(np.searchsorted(self.wholes, block, side="right")) - 1
        return r, block - int(self.wholes[r])

    def _sample(self, block: int, random: np.random.Generator) -> Cloud:
        r, number = self._place(block)
        room = self.room(r)
        rows = room.block_rows[room.block_splits[number] : room.block_splits[number + 1]]
        drawn = rows[sample_rows(len(rows), self._settings.block_points, random)]
        seen = as_block(room.xyz[drawn], room.color[drawn], room.extent)
        labels = () if room.semantic is None else (Labels(room.semantic[drawn], room.instance[drawn]),)
        features = np.concatenate([seen.color, seen.position], axis=1).astype(np.float32)
        return Cloud(seen.xyz.astype(np.float32), features, labels, f"{self._names[r]}#{number}")
