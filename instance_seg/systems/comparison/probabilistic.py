"""Probabilistic embeddings (rows "PE" of Tables 1, 2 and 10), as far as they are known: our reading, not the program.

No program was published. Marks: [V] verified in what could be read of the paper, [R] remembered, unchecked, [D] a
design of ours.

[V] Points become Gaussians with three dimensions, which are compared by the Bhattacharyya kernel and trained by binary
cross-entropy on similarities; then a clustering step; PointNet++ on PartNet. [R] The mean is the point plus an offset;
variances are diagonal; class scores say how well a point stands for its instance, and clustering is greedy by them.
[D] Everything else: the size of the branches, up to 64 anchors a shape, balanced over instances, positive and negative
pairs averaged apart, the target of the class scores, the thresholds, and the schedule.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.clustering.comparison.gaussians import greedy_groups
from instance_seg.clustering.components import splits_to_ids
from instance_seg.data.targets import InstanceRanks
from instance_seg.heads.branch import Branch
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.losses.gaussians import log_similarity, of_instances, pair_loss
from instance_seg.losses.segmentation import average
from instance_seg.replicas import num_replicas
from instance_seg.structures import Batch, Points, Segmented, Task, Tensor
from instance_seg.systems.comparison.settings import GaussianReading, ProbabilisticSettings
from instance_seg.systems.comparison.single_level import SingleLevel

LOG_VARIANCE = (-10.0, 4.0)  # smallest and largest


class GaussianOutputs(NamedTuple):
    """What the network says of a batch. Classes leave out "other"."""

    mean: Tensor  # [N, 3] float32
    variance: Tensor  # [N, 3] float32
    logits: Tensor  # [N, C] float32, each for itself


class Probabilistic(SingleLevel):
    """A Gaussian for each point, and scores of the classes."""

    Settings = ProbabilisticSettings
    targets = InstanceRanks()

    def __init__(self, settings: ProbabilisticSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)

        def branch(name, outputs):
            return Branch(settings.widths(128), outputs, initializer=initializer, name=name)

        self.offset, self.log_variance = branch("offset", 3), branch("log_variance", 3)
        self.semantic = branch("semantic", len(self.level.classes) - self.level.first_scored)

    def call(self, points: Points, tables, *, phase="", training=False) -> GaussianOutputs:
        """The outputs for all points of a batch."""
        (features,) = self.backbone.at_points(points, tables, training=training)
        log_variance = tf.clip_by_value(self.log_variance(features, training=training), *LOG_VARIANCE)
        mean = points.xyz + self.offset(features, training=training)
        return GaussianOutputs(mean, tf.exp(log_variance), self.semantic(features, training=training))

    def losses(self, outputs: GaussianOutputs, batch: Batch) -> dict[str, tf.Tensor]:
        """ "embedding", of pairs, and "classes"."""
        (labels,), (rank,), splits = batch.labels, batch.targets, batch.points.row_splits
        semantic = labels.semantic - self.level.first_scored
        rank = tf.where(semantic >= 0, rank, -1)
        shapes, number = splits_to_ids(splits), tf.reduce_max(rank) + 1
        ids = tf.where(rank >= 0, shapes * number + rank, -1)
        pairs = []
        for b in range(splits.shape[0] - 1):
            rows = slice(splits[b], splits[b + 1])
            pairs.append(self._pairs(outputs.mean[rows], outputs.variance[rows], rank[rows]))
        target = self._class_target(outputs, ids, number * (tf.size(splits) - 1))
        aim = target[:, None] * tf.one_hot(semantic, outputs.logits.shape[1])  # all 0 where the class is -1
        errors = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels=aim, logits=outputs.logits), axis=1)
        counted = tf.cast(labels.semantic >= 0, tf.float32)
        return {
            "embedding": tf.add_n(pairs) / float(len(pairs) * num_replicas()),
            "classes": average(errors, counted, splits, "shape"),
        }

    def _pairs(self, mean, variance, rank):
        """The embedding loss of one shape: anchors, drawn alike from all instances, against all labeled points."""
        labeled = tf.cast(rank >= 0, tf.float32)
        size = tf.math.unsorted_segment_sum(labeled, rank + 1, tf.reduce_max(rank) + 2)
        share = tf.math.divide_no_nan(labeled, tf.gather(size, rank + 1))
        # Points with the largest u^(1 / share) are a weighted sample without replacement.
        key = tf.where(
            rank >= 0, tf.math.log(tf.random.uniform(tf.shape(share), 1e-7)) / tf.maximum(share, 1e-9), -1e30
        )
        _, anchors = tf.math.top_k(key, tf.minimum(self.settings.anchors, tf.size(rank)))
        log_k = log_similarity(tf.gather(mean, anchors)[:, None], tf.gather(variance, anchors)[:, None], mean, variance)
        of_anchor = tf.gather(rank, anchors)[:, None]
        return pair_loss(log_k, of_anchor == rank, tf.cast((of_anchor >= 0) & (rank >= 0), tf.float32))

    @staticmethod
    def _class_target(outputs, ids, number):
        """Similarity of each point with the Gaussian of its instance, the mean of means and variances: [N]."""
        mean, variance = (of_instances(x, ids, number) for x in outputs[:2])
        return tf.stop_gradient(tf.exp(log_similarity(outputs.mean, outputs.variance, mean, variance)))

    def segment(
        self, readout: GaussianOutputs, points: Points, reading: GaussianReading
    ) -> Sequence[tuple[Segmented, ...]]:
        """Greedy groups around the points of highest score."""
        found = []
        for begin, end in zip(points.row_splits[:-1], points.row_splits[1:]):
            mean, variance, logits = (x[begin:end] for x in readout)
            semantic = (logits.argmax(axis=1) + self.level.first_scored).astype(np.int32)
            score = 1.0 / (1.0 + np.exp(-logits.max(axis=1)))
            proposals = greedy_groups(
                mean, variance, score, semantic, least=reading.least_score, least_seed=reading.least_seed_score,
                like=reading.least_similarity, min_points=reading.least_points,
            )  # fmt: skip
            found.append((Segmented(semantic, proposals),))
        return found
