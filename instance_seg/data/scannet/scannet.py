"""ScanNet v2 as a data set: scans of rooms, in meters, z up, with the 20 classes of its benchmark."""

import pathlib
import types
import zlib
from collections.abc import Sequence

import numpy as np

from instance_seg.data.augment import STILL, Motion
from instance_seg.data.data_set import DataSet
from instance_seg.data.scannet.classes import LEVEL
from instance_seg.data.scannet.prepared import SPLITS, Scenes, as_features, list_path, open_split
from instance_seg.data.scannet.raw import not_in_meters
from instance_seg.data.scannet.settings import ScanNetSettings
from instance_seg.data.scannet.submission import SubmissionWriter
from instance_seg.data.scene_augment import flip_and_turn
from instance_seg.structures import Cloud, Task

Y_UP_TO_Z_UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])


class ScanNet(DataSet):
    """The objects of rooms; the features of a point are its color."""

    Settings = ScanNetSettings
    metrics = ("scannet",)
    up = "z"
    picture = types.MappingProxyType({"size": 480, "elevation": 50.0, "see_through": True})
    mesh_points, most_points = 0, 250_000

    def __init__(self, settings: ScanNetSettings):
        super().__init__(settings)
        self.augmentation = settings.augment

    def task(self) -> Task:
        """One level. Points of other classes than the benchmark's have class -1; they may be in an instance."""
        return Task("scannet", "", (LEVEL,), num_features=3)

    def split(self, root: str, name: str, limit: int | None = None) -> Scenes:
        """In the order of scannetv2_<name>.txt. Scenes of "test" have no labels, unless files of labels are there."""
        if not root:
            raise ValueError("--data_dir is needed: the folder with ScanNet's scans, its label table and its splits")
        return open_split(pathlib.Path(root), name, limit)

    def pose(self, seed: int, index: int) -> Motion:
        """Flipped and turned at random, as PointGroup's program evaluates, unless test_augment is off."""
        if not self.settings.augment.test_augment:
            return STILL
        return flip_and_turn(np.random.default_rng([seed, index]))

    def fingerprint(self, root: str) -> dict[str, str]:
        """How many scenes the list of each split has, and its checksum."""
        paths = {split: list_path(pathlib.Path(root), split) for split in SPLITS}
        lists = {split: path.read_bytes().split() for split, path in paths.items() if path.is_file()}
        return {split: f"{len(names)} scenes, {zlib.crc32(b' '.join(names)):08x}" for split, names in lists.items()}

    def foreign(self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None) -> Cloud:
        """Moved to the mean of its points and turned z up, in meters; gray if it has no colors."""
        if wrong := not_in_meters(points):
            raise ValueError(wrong)
        xyz = (points - points.mean(axis=0, dtype=np.float64)) @ Y_UP_TO_Z_UP.T
        features = np.zeros((len(points), 3), np.float32) if colors is None else as_features(colors)
        return Cloud(np.float32(xyz), features, (), "")

    def prediction_writer(self, folder: pathlib.Path, clouds: Sequence[Cloud]) -> SubmissionWriter:
        """The benchmark's files: FOLDER/<scene>.txt and a mask for each instance."""
        return SubmissionWriter(folder, clouds.names)
