"""Clouds of one's own, segmented by the system of a checkpoint."""

import functools
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from instance_seg.building import make_data_set, restore_system
from instance_seg.clustering.across import chosen_reading
from instance_seg.data.pipeline import evaluation_dataset
from instance_seg.evaluation.evaluate import make_assembler
from instance_seg.evaluation.predictor import Predictor
from instance_seg.evaluator import posed
from instance_seg.structures import UPRIGHT, Segmented
from instance_seg.training.checkpoint_files import checkpoint_folder, described_config


class CloudSegmenter:
    """Segments point clouds of one's own by the system of a checkpoint, which is loaded once.

    Args:
        checkpoint: run folder or checkpoint prefix.
        settings: of the system, in place of those the run had.
        reading: as chosen_reading (clustering/across.py) takes it.

    Raises:
        ValueError: no such checkpoint, setting or reading.
    """

    def __init__(self, checkpoint: str, settings: Mapping[str, Any], reading: str = ""):
        self._config = described_config(checkpoint, settings)
        self._data_set = make_data_set(self._config)
        self.task = self._data_set.task()
        self._system = restore_system(self._config, self.task, checkpoint)
        readings = self._system.all_readings(self._config.network, checkpoint_folder(checkpoint))
        self._reading = chosen_reading(readings, reading, settings)
        self._predictor = None  # knows the batches of any cloud by those of the first

    def __call__(
        self, points: np.ndarray, normals: np.ndarray, colors: np.ndarray | None = None
    ) -> tuple[Segmented, ...]:
        """One Segmented per level; shifted points are y up.

        Args:
            points: [N, 3], any position and scale, y up; float64 keeps the digits of coordinates far from 0.
            normals: [N, 3] float32, y up.
            colors: [N, 3] uint8, where they are known.

        Raises:
            ValueError: the points can be no cloud of the data set.
        """
        portions = self._data_set.portions(self._data_set.foreign(points, normals, colors))
        clouds = posed(self._config, self._data_set, portions)
        batches = evaluation_dataset(clouds, self._config.data.test_batch_size, self._system.tables)
        self._predictor = self._predictor or Predictor(self._system, batches.element_spec)
        assemble = functools.partial(self._data_set.assembler, portions)
        assembler, wholes = make_assembler(self._system, self._reading, assemble), []
        for batch in batches:
            seen = tf.nest.map_structure(lambda x: x.numpy(), batch.points)
            wholes += assembler(seen, (), self._system.segment(self._predictor(batch), seen, self._reading))[2]
        (levels,) = wholes
        turn = UPRIGHT[self._data_set.up].T
        return tuple(
            found if found.shifted is None else found._replace(shifted=np.float32(found.shifted @ turn))
            for found in levels
        )
