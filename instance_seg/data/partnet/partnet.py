"""PartNet as a data set: one category, all of its levels or one."""

import contextlib
import pathlib
from collections.abc import Sequence

import numpy as np

from instance_seg.data.bounding_sphere import in_unit_box
from instance_seg.data.data_set import DataSet
from instance_seg.data.partnet.dataset import read_clouds, to_unit_sphere
from instance_seg.data.partnet.formats.predictions_h5 import PredictionWriter, proposals_to_masks
from instance_seg.data.partnet.settings import PartNetSettings
from instance_seg.data.partnet.sources import fingerprint
from instance_seg.data.partnet.taxonomy import LEVEL_NAMES, load_taxonomy
from instance_seg.data.spilled import SpilledClouds
from instance_seg.structures import Cloud, Level, Segmented, Task


class PartNet(DataSet):
    """The parts of one category's shapes."""

    Settings = PartNetSettings
    metrics = ("partnet",)

    def __init__(self, settings: PartNetSettings):
        super().__init__(settings)
        self.taxonomy = load_taxonomy(settings.category)
        self.augmentation = settings.augment
        self._chosen = range(len(self.taxonomy.levels))
        if settings.level:
            self.taxonomy.only(settings.level - 1)  # raises if the category has no such level
            self._chosen = [settings.level - 1]

    def task(self) -> Task:
        """Class 0 of every level is "other": its points carry no loss and are not measured."""
        levels = self.taxonomy.levels
        return Task(
            "partnet",
            self.settings.category,
            tuple(
                Level(k + 1, LEVEL_NAMES[k], levels[k].names, 1, tuple(range(1, len(levels[k].names))), levels[k].real)
                for k in self._chosen
            ),
            num_features=3,
            directions=1,
        )

    def split(self, root: str, name: str, limit: int | None = None) -> Sequence[Cloud]:
        """In the order of its files; training shapes stay in memory, since they are read all over the place."""
        if not root:
            raise ValueError(
                "--data_dir is needed: the folder with PartNet's ins_seg_h5 (tools/make_procedural.py makes one)"
            )
        clouds = read_clouds(root, self.settings.category, name, self.taxonomy, limit)
        chosen = (cloud._replace(labels=tuple(cloud.labels[k] for k in self._chosen)) for cloud in clouds)
        return tuple(chosen) if name == "train" else SpilledClouds(chosen)

    def fingerprint(self, root: str) -> dict[str, str]:
        """The files of each split, and how many shapes they hold."""
        return fingerprint(root, self.settings.category)

    def foreign(self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None) -> Cloud:
        """Moved and scaled into the unit sphere, as in training."""
        return Cloud(to_unit_sphere(in_unit_box(points)), np.float32(normals), (), "")

    def prediction_writer(self, folder: pathlib.Path, clouds: Sequence[Cloud]) -> "PredictionFiles":
        """PartNet's prediction files, FOLDER/<Category>-<level>/test-NN.h5."""
        return PredictionFiles(folder, self.task())


class PredictionFiles(contextlib.ExitStack):
    """Writes the proposals of every cloud as PartNet's masks, a folder for each level."""

    def __init__(self, folder: pathlib.Path, task: Task):
        super().__init__()
        self._folder, self._task, self._writers = folder, task, {}

    def __enter__(self):
        super().__enter__()
        levels = {k: self._task.levels[k] for k in self._task.scored}
        for k, level in levels.items():
            folder = self._folder / f"{self._task.subset}-{level.number}"
            self._writers[k] = self.enter_context(PredictionWriter(folder))
        return self

    def append(self, levels: Sequence[Segmented]) -> None:
        """The next cloud of the split."""
        for k, writer in self._writers.items():
            writer.append(proposals_to_masks(levels[k].proposals, len(levels[k].semantic)))
