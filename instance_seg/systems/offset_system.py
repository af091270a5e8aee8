"""What systems share that predict classes and two offsets a point: losses, and mean-shift of the shifted points."""

import dataclasses
import pathlib
from collections.abc import Mapping
from typing import ClassVar, NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.clustering.by_class import ByClass, read_readings
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import ShiftedLevel, segment_levels
from instance_seg.clustering.partition import as_proposals
from instance_seg.clustering.shift import shift_points
from instance_seg.data.targets import CenterTargets
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.segmentation import segmentation_losses, weight_decay
from instance_seg.structures import Batch, LevelPrediction, Points, Segmented, Task, Tensor
from instance_seg.systems.settings import OffsetSettings
from instance_seg.systems.system import System, make_backbone
from ocnn_tf_ops.python.cuda_memory import require_gpu

WITH, WITHOUT = "with region centers", "without region centers"


class LevelReadout(NamedTuple):
    """What clustering and measuring need to know of the points of a batch at one level."""

    semantic: Tensor  # [N] int32, likeliest class
    instance_offset: Tensor  # [N, 3] float32, O_I
    region_offset: Tensor  # [N, 3] float32, O_S
    certainty: Tensor  # [N] float32, negative entropy (nats) over all classes


class OffsetSystem(System):
    """A system whose outputs are one LevelPrediction per level, and which has a `backbone`."""

    targets: ClassVar[CenterTargets] = CenterTargets()

    def __init__(self, settings: OffsetSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        grouping = settings.grouping
        if grouping.clustering == "native" and grouping.clustering_device == "gpu":
            require_gpu("clustering_device=gpu")  # now, and not when a training has ended
        self.backbone = make_backbone(settings, task, initializer)

    def losses(self, outputs: tuple[LevelPrediction, ...], batch: Batch) -> dict[str, tf.Tensor]:
        """ "level_1/semantic" and so on, and the decay of the weights."""
        config = self.settings.loss
        terms = segmentation_losses(outputs, batch, self.task, config)
        terms["weight_decay"] = weight_decay([v.value for v in self.trainable_variables], config.weight_decay)
        return terms

    @classmethod
    def readings(cls, settings: OffsetSettings) -> Mapping[str, ClusterConfig]:
        """The given clustering, and the one without a push, whatever the kind of the push."""
        given = settings.grouping
        none = dataclasses.replace(given, semantic_center_offset=0.0, region_push=ClusterConfig.region_push)
        return {WITH: given, WITHOUT: none}

    def stored_readings(self, settings: OffsetSettings, folder: pathlib.Path) -> Mapping[str, ByClass]:
        """Those of readings.csv (clustering/by_class.py)."""
        return read_readings(folder, settings.grouping, self.task)

    def readout(self, outputs: tuple[LevelPrediction, ...]) -> tuple[LevelReadout, ...]:
        """One for each level."""
        levels = []
        for prediction in outputs:
            log_p = tf.nn.log_softmax(prediction.logits)
            certainty = tf.reduce_sum(tf.exp(log_p) * log_p, axis=1)
            semantic = tf.argmax(prediction.logits, axis=1, output_type=tf.int32)
            levels.append(LevelReadout(semantic, prediction.instance_offset, prediction.region_offset, certainty))
        return tuple(levels)

    def segment(
        self, readout: tuple[LevelReadout, ...], points: Points, reading: ClusterConfig
    ) -> list[tuple[Segmented, ...]]:
        """Mean-shift of the shifted points within each predicted class, of all clouds and levels side by side.

        Points of classes that have no instances are in none. A level that is not scored repeats what was found at the
        coarser one.
        """
        clouds = [slice(a, b) for a, b in zip(points.row_splits[:-1], points.row_splits[1:])]
        keys = [(b, k) for b in range(len(clouds)) for k in self.task.scored]
        values = {k: reading.of_classes(self.task.levels[k]) for k in self.task.scored}
        levels, things = [], []
        for b, k in keys:
            semantic, *offsets = (x[clouds[b]] for x in readout[k][:3])
            bandwidth, push = values[k]
            shifted = shift_points(points.xyz[clouds[b]], *offsets, reading, push[semantic])
            levels.append(ShiftedLevel(shifted, semantic, bandwidth))
            things.append(np.isin(semantic, self.task.levels[k].things))
        of_things = [ShiftedLevel(x.points[rows], x.semantic[rows], x.bandwidth) for x, rows in zip(levels, things)]
        found = {}
        for (b, k), level, rows, ids_of_things in zip(keys, levels, things, segment_levels(of_things, reading)):
            instance = np.full(len(rows), -1, np.int32)
            instance[rows] = ids_of_things
            certainty = readout[k].certainty[clouds[b]]
            proposals = as_proposals(instance, level.semantic, certainty, len(self.task.levels[k].classes))
            found[b, k] = Segmented(np.asarray(level.semantic), proposals, certainty, level.points)
        return [tuple(found[b, k] for k in self.task.measured_at) for b in range(len(clouds))]
