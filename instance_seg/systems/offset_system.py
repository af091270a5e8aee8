"""What systems share that predict classes and two offsets a point: losses, and mean-shift of the shifted points."""

import dataclasses
import pathlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, ClassVar

import tensorflow as tf

from instance_seg.clustering.across import Across, beginning_with, stored_readings
from instance_seg.clustering.by_class import FILE_NAME, ByClass, things_of, write_readings
from instance_seg.clustering.config import ClusterConfig
from instance_seg.clustering.instances import segment_clouds
from instance_seg.data.augment import Motion
from instance_seg.data.spacing import measure_spacing, values_from_labels
from instance_seg.data.targets import CenterTargets
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.modes import LOSSES
from instance_seg.losses.segmentation import segmentation_losses, weight_decay
from instance_seg.structures import Batch, Cloud, LevelPrediction, LevelReadout, Points, Segmented, Task
from instance_seg.systems.copies import averaged
from instance_seg.systems.learned_clustering import (
    LEARNED,
    LearnedValues,
    class_values,
    joint_losses,
    learned_readings,
)
from instance_seg.systems.settings import COPIES, OffsetSettings
from instance_seg.systems.system import System, make_backbone
from ocnn_tf_ops.python.cuda_memory import require_gpu

WITH, WITHOUT = "with region centers", "without region centers"
CLUSTERING = "clustering"  # the last phase, which learns bandwidth and lambda with the network


class OffsetSystem(System):
    """A system whose outputs are one LevelPrediction per level, and which has a `backbone`."""

    targets: ClassVar[CenterTargets] = CenterTargets()
    may_lack: ClassVar[tuple[str, ...]] = (LEARNED,)

    def __init__(self, settings: OffsetSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        grouping = settings.grouping
        if grouping.clustering == "native" and grouping.clustering_device == "gpu":
            require_gpu("clustering_device=gpu")  # now, and not when a training has ended
        self.learned = None
        if settings.learning.learn_clustering != "none":
            self.last_phase = CLUSTERING
            self.learned = LearnedValues(self.add_weight, len(things_of(task)), grouping)
        self.backbone = make_backbone(settings, task, initializer)

    def infer(self, points: Points, tables: Any) -> tuple[LevelPrediction, ...]:
        """Averaged over copies of the clouds, each with tables of its own, if the settings want several."""
        count = self.settings.copies.test_copies
        if count == 1:
            return super().infer(points, tables)

        def network(copy: Points) -> tuple[LevelPrediction, ...]:
            return self(copy, self.tables(copy, copy), training=False)

        return averaged(network, points, COPIES[:count], len(self.task.levels), self.task.directions)

    def losses(self, outputs: tuple[LevelPrediction, ...], batch: Batch) -> dict[str, tf.Tensor]:
        """ "level_1/semantic" and so on, and the decay of the weights."""
        config = self.settings.loss
        terms = segmentation_losses(outputs, batch, self.task, config)
        network = [v.value for v in self.trainable_variables if not self._is_learned(v)]
        terms["weight_decay"] = weight_decay(network, config.weight_decay)
        return terms

    def phase_losses(self, outputs: tuple[LevelPrediction, ...], batch: Batch, phase: Hashable) -> dict[str, tf.Tensor]:
        """ "level_1/clustering" and so on, where bandwidth and lambda are learned; 0 before that phase."""
        if not self.learned:
            return {}
        config, found = self.settings.learning, [tf.zeros([])] * len(self.task.scored)
        if phase == CLUSTERING:
            loss, weight = LOSSES[config.learn_clustering], config.clustering_weight
            found = joint_losses(self.readout(outputs), batch, self.task, self.learned, loss, weight)
        return dict(zip((f"level_{k + 1}/clustering" for k in self.task.scored), found, strict=True))

    def rate_factors(self) -> list[float]:
        """That of bandwidth and lambda is one of its own."""
        rate = self.settings.learning.clustering_rate
        return [rate if self._is_learned(v) else 1.0 for v in self.trainable_variables]

    def _is_learned(self, variable) -> bool:
        return self.learned is not None and any(variable is each for each in self.learned.variables)

    @classmethod
    def readings(cls, settings: OffsetSettings) -> Mapping[str, ClusterConfig]:
        """The given clustering, and the one without a push, whatever the kind of the push."""
        given = settings.grouping
        none = dataclasses.replace(given, semantic_center_offset=0.0, region_push=ClusterConfig.region_push)
        return {WITH: given, WITHOUT: none}

    def all_readings(self, settings: OffsetSettings, folder: pathlib.Path) -> Mapping[str, ClusterConfig | Across]:
        """With those that lie there (clustering/by_class.py, across.py); the one that the settings name comes first."""
        given, stored = self.readings(settings), stored_readings(folder, settings.grouping, self.task)
        if twice := given.keys() & stored.keys():
            raise ValueError(f"{folder}: keeps a reading {min(twice)!r}, which every run has; give it another name")
        return beginning_with(settings.order.first_reading, {**given, **stored, **self._learned_readings()})

    def prepare_readings(
        self, folder: pathlib.Path | None, clouds: Sequence[Cloud], pose: Callable[[int], Motion]
    ) -> None:
        """Those that follow from labels, where the settings want one of them first.

        They are written unless there is a file already. Values that are learned with the network begin at the first.
        """
        first = self.settings.order.first_reading
        is_missing = folder is not None and not (folder / FILE_NAME).exists()
        if first and (is_missing or self.learned):
            readings = values_from_labels(measure_spacing(clouds, self.task, pose), self.settings.grouping)
            if is_missing:
                write_readings(folder, readings)
            if self.learned:
                self.learned.begin_at(readings[first].values)

    def store_learned(self, folder: pathlib.Path) -> None:
        """Those of bandwidth and lambda that are learned with the network."""
        if self.learned:
            write_readings(folder, self._learned_readings())

    def _learned_readings(self) -> dict[str, ByClass]:
        """Of the values that the system has now, whatever a file says."""
        if not self.learned:
            return {}
        values = class_values(self.task, *self.learned.numbers())
        return learned_readings(values, self.settings.grouping, "jointly learned")

    def entropies(self, readout: tuple[LevelReadout, ...], points: Points) -> dict[str, list[float]]:
        """The mean entropy (nats) of the class probabilities of each cloud of a batch, by the name of the level."""
        clouds = list(zip(points.row_splits[:-1], points.row_splits[1:]))
        return {
            self.task.levels[k].name: [-float(readout[k].certainty[a:b].mean()) for a, b in clouds]
            for k in self.task.scored
        }

    def readout(self, outputs: tuple[LevelPrediction, ...]) -> tuple[LevelReadout, ...]:
        """One for each level."""
        levels = []
        for prediction in outputs:
            log_p = tf.nn.log_softmax(prediction.logits)
            certainty = tf.reduce_sum(tf.exp(log_p) * log_p, axis=1)
            semantic = tf.argmax(prediction.logits, axis=1, output_type=tf.int32)
            offsets = prediction.instance_offset, prediction.region_offset
            levels.append(LevelReadout(semantic, *offsets, certainty, tf.exp(log_p)))
        return tuple(levels)

    def segment(
        self, readout: tuple[LevelReadout, ...], points: Points, reading: ClusterConfig | Across
    ) -> list[tuple[Segmented, ...]]:
        """Mean-shift of the shifted points within each predicted class, or across classes."""
        return segment_clouds(readout, points, self.task, reading)
