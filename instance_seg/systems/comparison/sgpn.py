"""SGPN as PartNet's program has it (rows "SGPN" of Tables 1, 2 and 10).

The network learns for each pair of points how unlike they are. It is trained twice: `stage=semantics` learns classes;
`stage=instances` starts from those weights, learns the similarity, after some passes also classes and confidences, and
keeps the statistics of batch normalization as they are. Thresholds of the grouping and sizes of instances are measured
on the validation split whenever the network is about to be evaluated, and stored in its checkpoints.

Differences from that program: shapes lie in their smallest enclosing sphere; frequencies of classes and of instance
numbers are those of the whole training split; validation points of "other" are skipped. Classes that no
validation shape tells about are grouped by `unmeasured_threshold`, which is theirs unless another one is set.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from instance_seg.backbones.pointnet2 import Mlp
from instance_seg.clustering.comparison.group_merging import DEFAULT, Thresholds, inverse_frequencies, merge_groups
from instance_seg.data.targets import InstanceRanks, instance_ranks
from instance_seg.initializers import RELEASED, Initializer
from instance_seg.layers import Composite, Linear
from instance_seg.losses.segmentation import average, cross_entropy
from instance_seg.losses.similarity import confidence_error, double_hinge
from instance_seg.replicas import assign_here, num_replicas
from instance_seg.structures import Batch, Cloud, Labels, Points, Proposals, Segmented, Task, Tensor
from instance_seg.systems.comparison.settings import SgpnReading, SgpnSettings
from instance_seg.systems.comparison.single_level import SingleLevel

MAX_GROUPS = 200  # instance numbers beyond count as the last one
ALPHA, ALPHA_STEP, LARGEST_ALPHA = 2.0, 0.4, 10.0  # weight of pairs of one class: at first, more each epoch, at most


class SgpnOutputs(NamedTuple):
    """What the network says of a batch. Classes leave out "other"."""

    logits: Tensor  # [N, C] float32
    similarity: Tensor  # [N, 128] float32; the squared distance of two is how unlike they are
    confidence: Tensor  # [N] float32 in (0, 1)


class PlainHidden(Composite):
    """A linear layer with ReLU and without batch normalization, then, if there are `outputs`, a linear layer."""

    def __init__(self, width: int, outputs: int = 0, **kwargs):
        super().__init__(**kwargs)
        self.hidden = Linear(width, use_bias=True, initializer=self.initializer, name="hidden")
        self.output_layer = (
            Linear(outputs, use_bias=True, initializer=self.initializer, dtype="float32", name="output")
            if outputs
            else None
        )

    def call(self, features):
        hidden = tf.nn.relu(self.hidden(features))
        return tf.cast(hidden, tf.float32) if self.output_layer is None else self.output_layer(hidden)


class Sgpn(SingleLevel):
    """Classes, features whose distances are the similarity, and a confidence for each point."""

    Settings = SgpnSettings
    targets = InstanceRanks()
    settled_on = "val"

    def __init__(self, settings: SgpnSettings, task: Task, initializer: Initializer = RELEASED, **kwargs):
        super().__init__(settings, task, initializer, **kwargs)
        self.num_classes = len(self.level.classes) - self.level.first_scored
        self.shared = Mlp(settings.widths(256, 256), initializer=initializer, name="shared")
        (width,) = settings.widths(128)
        self.semantic = PlainHidden(width, self.num_classes, initializer=initializer, name="semantic")
        self.similarity = PlainHidden(width, initializer=initializer, name="similarity")
        self.confidence = PlainHidden(width, 1, initializer=initializer, name="confidence")

        def kept(name, shape, value):
            return self.add_weight(name=name, shape=shape, initializer=tf.constant_initializer(value), trainable=False)

        self.class_weight = kept("class_weight", (self.num_classes,), 1.0)
        self.group_weight = kept("group_weight", (MAX_GROUPS,), 1.0)
        self.threshold = kept("threshold", (self.num_classes,), DEFAULT)
        self.average_size = kept("average_size", (self.num_classes,), 0.0)
        self.epoch = kept("epoch", (), 1.0)  # shapes of the training split
        self.seen = kept("seen", (), 0.0)  # shapes that the similarity was trained with

    def call(self, points: Points, tables, *, phase="", training=False) -> SgpnOutputs:
        """The outputs for all points of a batch."""
        training = training and self.settings.training.stage == "semantics"
        (features,) = self.backbone.at_points(points, tables, training=training)
        shared = self.shared(features, training=training)
        confidence = tf.sigmoid(self.confidence(shared)[:, 0])
        return SgpnOutputs(self.semantic(shared), self.similarity(shared), confidence)

    def calibrate(self, clouds: Sequence[Cloud]) -> dict[str, Any]:
        """Weights of classes and instance numbers, inverse to how often points have them."""
        classes, groups = [], []
        for cloud in clouds:
            semantic = cloud.labels[0].semantic - self.level.first_scored
            ranks = np.minimum(instance_ranks(cloud.labels[0].instance), MAX_GROUPS - 1)
            classes.append(semantic[semantic >= 0])
            groups.append(ranks[(semantic >= 0) & (ranks >= 0)])
        self.class_weight.assign(inverse_frequencies(classes, self.num_classes))
        self.group_weight.assign(inverse_frequencies(groups, MAX_GROUPS))
        self.epoch.assign(len(clouds))
        return {}

    def losses(self, outputs: SgpnOutputs, batch: Batch) -> dict[str, tf.Tensor]:
        """By stage: "semantic"; or "similarity", to which "semantic" and "confidence" come after some epochs."""
        (labels,), (rank,), splits = batch.labels, batch.targets, batch.points.row_splits
        semantic = labels.semantic - self.level.first_scored
        weight = tf.where(semantic >= 0, tf.gather(self.class_weight, tf.maximum(semantic, 0)), 0.0)
        entropy = average(cross_entropy(outputs.logits, tf.maximum(semantic, 0)), weight, splits, "shape")
        if self.settings.training.stage == "semantics":
            return {"semantic": entropy}
        group_weight = tf.gather(self.group_weight, tf.clip_by_value(rank, 0, MAX_GROUPS - 1))
        group_weight = tf.where((semantic >= 0) & (rank >= 0), group_weight, 0.0)
        seen, epoch_size = map(tf.convert_to_tensor, (self.seen, self.epoch))
        epoch = tf.floor(seen / epoch_size)
        hinge, iou = self._hinge(outputs, rank, semantic, group_weight, splits, epoch)
        errors = confidence_error(outputs.confidence, iou, weight)
        num_shapes = splits.shape[0] - 1
        assign_here(self.seen, seen + float(num_shapes * num_replicas()))
        whole = tf.cast(epoch >= self.settings.training.similarity_epochs, tf.float32)
        return {
            "similarity": hinge,
            "semantic": whole * entropy,
            "confidence": whole * average(errors, tf.ones_like(errors), splits, "shape"),
        }

    def _hinge(self, outputs, rank, semantic, weight, splits, epoch):
        """The double hinge, averaged over shapes, and the intersections over unions [N] that confidences aim at."""
        alpha = tf.minimum(ALPHA + ALPHA_STEP * epoch, LARGEST_ALPHA)
        inputs = (outputs.similarity, rank, semantic, weight)
        found = [
            double_hinge(*(x[splits[b] : splits[b + 1]] for x in inputs), alpha) for b in range(splits.shape[0] - 1)
        ]
        hinge = tf.add_n([each.loss for each in found]) / float(len(found) * num_replicas())
        return hinge, tf.stop_gradient(tf.concat([each.iou for each in found], axis=0))

    def settle(self, found: Iterable[tuple[SgpnOutputs, Points, Sequence[Labels]]]) -> None:
        """Thresholds of similarity and average sizes of instances."""
        thresholds = Thresholds(self.num_classes)
        for readout, points, (labels,) in found:
            for begin, end in zip(points.row_splits[:-1], points.row_splits[1:]):
                semantic = labels.semantic[begin:end] - self.level.first_scored
                thresholds.add(readout.similarity[begin:end], semantic, labels.instance[begin:end])
        threshold, size = thresholds.result()
        self.threshold.assign(threshold)
        self.average_size.assign(size)

    def segment(self, readout: SgpnOutputs, points: Points, reading: SgpnReading) -> Sequence[tuple[Segmented, ...]]:
        """Groups of like points of a class; after the first stage the points of each class."""
        first, measured, size = self.level.first_scored, self.threshold.numpy(), self.average_size.numpy()
        # DEFAULT stands where the validation shapes told none
        threshold = np.where(measured == np.float32(DEFAULT), reading.unmeasured_threshold, measured)
        found = []
        for begin, end in zip(points.row_splits[:-1], points.row_splits[1:]):
            similarity, confidence = readout.similarity[begin:end], readout.confidence[begin:end]
            semantic = readout.logits[begin:end].argmax(axis=1).astype(np.int32)
            if self.settings.training.stage == "semantics":
                confidence = np.zeros_like(confidence)  # nothing proposes, so a class is one group
            proposals: Proposals = merge_groups(similarity, confidence, semantic, threshold, size)
            found.append((Segmented(semantic + first, proposals._replace(label=proposals.label + first)),))
        return found
