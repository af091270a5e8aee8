"""A data set of one's own: colored blobs in the plane, in meters, one file a scene."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from instance_seg.data.data_set import DataSet
from instance_seg.options import Settings, option
from instance_seg.structures import Cloud, Labels, Level, Task

COLORS = np.eye(3, dtype=np.float32)  # red and green are warm, blue is cold


@dataclass(frozen=True)
class BlobSettings(Settings):
    """What of a scene is used."""

    blob_points: int = option(40, "points of a blob that are kept", low=1, high=1000)


class Blobs(DataSet):
    """Two levels: warm or cold, and the color. Every blob is an instance of both."""

    Settings = BlobSettings
    metrics = ("partnet",)

    def task(self) -> Task:
        """No class is left out; the features of a point are its color."""
        warmth = Level(1, "warmth", ("warm", "cold"), first_scored=0, things=(0, 1))
        color = Level(2, "color", ("red", "green", "blue"), first_scored=0, things=(0, 1, 2))
        return Task("blobs", "", (warmth, color), num_features=3)

    def split(self, root: str, name: str, limit: int | None = None) -> "Scenes":
        """The files NAME-*.npz."""
        paths = sorted(Path(root).glob(f"{name}-*.npz"))[:limit]
        if not paths:
            raise ValueError(f"--data_dir={root}: there is no {name}-*.npz")
        return Scenes(paths, self.settings.blob_points)

    def foreign(self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None) -> Cloud:
        """Gray, since a file of points need not have colors."""
        return Cloud(np.float32(points), np.full((len(points), 3), 1 / 3, np.float32), (), "")


class Scenes(Sequence):
    """Scenes that are read when they are asked for."""

    def __init__(self, paths: list[Path], blob_points: int):
        self.paths, self.blob_points, self.num_read = paths, blob_points, 0

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, row: int) -> Cloud:
        self.num_read += 1
        with np.load(self.paths[row]) as stored:
            xyz, blob, color = stored["xyz"], stored["blob"], stored["color"]
        rank = np.arange(len(blob)) - np.searchsorted(blob, blob)
        kept = rank < self.blob_points
        xyz, blob, color = xyz[kept], blob[kept].astype(np.int32), color[kept].astype(np.int32)
        labels = Labels(color // 2, blob), Labels(color, blob)
        return Cloud(xyz, COLORS[color], labels, self.paths[row].stem)
