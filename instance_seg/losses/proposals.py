"""Losses of systems that propose instances: offsets to the centers of instances, and how good a proposal is.

As in losses.segmentation, every loss is the replica's share of that of the whole batch.
"""

from typing import NamedTuple

import tensorflow as tf

from instance_seg.clustering.components import Groups, splits_to_ids
from instance_seg.losses.segmentation import average
from instance_seg.structures import Labels, Tensor

_TINY = 1e-8  # added to lengths before something is divided by them
_SLACK = 1e-5  # added to unions


class Truth(NamedTuple):
    """The instances of a batch at one level."""

    index: Tensor  # [N] int32, instance of each point, counted through the batch; -1 = none
    size: Tensor  # [I] int32, points of each; ids that do not occur have 0


def true_instances(labels: Labels, row_splits: tf.Tensor) -> Truth:
    """Numbers the instances of all clouds of a batch."""
    ids_per_cloud = tf.reduce_max(tf.concat([labels.instance, [-1]], axis=0)) + 1
    index = splits_to_ids(row_splits) * ids_per_cloud + labels.instance
    index = tf.where(labels.instance >= 0, index, -1)
    count = (tf.size(row_splits) - 1) * ids_per_cloud
    return Truth(index, tf.math.unsorted_segment_sum(tf.ones_like(index), index, count))


def center_offsets(xyz: tf.Tensor, truth: Truth) -> tf.Tensor:
    """[N, 3] from each point to the mean of the points of its instance; 0 for points of none."""
    centers = tf.math.unsorted_segment_mean(xyz, truth.index, tf.size(truth.size))
    none = tf.zeros_like(xyz[:1])
    return tf.where(truth.index[:, None] >= 0, tf.gather(tf.concat([none, centers], 0), truth.index + 1) - xyz, 0.0)


def offset_losses(offset: tf.Tensor, target: tf.Tensor, truth: Truth, row_splits: tf.Tensor) -> dict[str, tf.Tensor]:
    """ "norm": L1 over the axes; "direction": minus the cosine. Means over all points that belong to an instance."""
    mask = tf.cast(truth.index >= 0, offset.dtype)
    norm = tf.reduce_sum(tf.abs(offset - target), axis=1)
    cosine = tf.reduce_sum(_directions(offset) * _directions(target), axis=1)
    return {"norm": average(norm, mask, row_splits, "point"), "direction": average(-cosine, mask, row_splits, "point")}


def _directions(x):
    square = tf.reduce_sum(x * x, axis=1, keepdims=True)
    safe = tf.where(square > 0, square, tf.ones_like(square))  # sqrt has no gradient at 0
    return x / (tf.where(square > 0, tf.sqrt(safe), 0.0) + _TINY)


def true_overlaps(groups: Groups, truth: Truth, counted: tf.Tensor | None = None) -> tf.Tensor:
    """[P, I] float32, intersection over union of each group and each instance.

    Args:
        counted: [T] bool, the entries of the groups that count; None: all.
    """
    of_entry, index = groups.of_entry(), tf.gather(truth.index, groups.points)
    ones = tf.ones_like(index) if counted is None else tf.cast(counted, tf.int32)
    num_groups, num_instances = tf.size(groups.row_splits) - 1, tf.size(truth.size)
    pair = tf.where(index >= 0, of_entry * num_instances + index, -1)
    common = tf.math.unsorted_segment_sum(ones, pair, num_groups * num_instances)
    common = tf.reshape(common, [num_groups, num_instances])
    union = tf.math.unsorted_segment_sum(ones, of_entry, num_groups)[:, None] + truth.size[None] - common
    return tf.cast(common, tf.float32) / (tf.cast(union, tf.float32) + _SLACK)


def score_loss(logits: tf.Tensor, overlaps: tf.Tensor, low: float, high: float) -> tf.Tensor:
    """Mean binary cross entropy of the scores [P]; 0 without a proposal.

    A proposal should score 0 where its best overlap is at most `low`, 1 from `high` on, and in between in proportion.

    Args:
        overlaps: [P, I] float32.
    """
    best = tf.maximum(tf.reduce_max(overlaps, axis=1), 0.0)  # no instance at all: -inf
    target = tf.clip_by_value((best - low) / (high - low), 0.0, 1.0)
    values = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.stop_gradient(target), logits=logits)
    return average(values, tf.ones_like(values), tf.constant([0]), "point")


def mask_targets(groups: Groups, truth: Truth, overlaps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """What the masks of groups should be, and what they count: two [T] float32 of zeros and ones (HAIS).

    The mask of a group should be what it shares with the instance it overlaps most. It counts if that is over a half.
    """
    of_entry, index = groups.of_entry(), tf.gather(truth.index, groups.points)
    overlaps = tf.pad(overlaps, [[0, 0], [0, 1]])  # so that there is an instance
    best = tf.argmax(overlaps, axis=1, output_type=tf.int32)
    target = index == tf.gather(best, of_entry)
    weight = tf.gather(tf.reduce_max(overlaps, axis=1), of_entry) > 0.5
    return tf.cast(target, tf.float32), tf.cast(weight, tf.float32)


def mask_loss(logits: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mean weighted binary cross entropy over all entries [T], those of weight 0 as well; 0 without an entry."""
    values = weights * tf.nn.sigmoid_cross_entropy_with_logits(labels=targets, logits=logits)
    return average(values, tf.ones_like(values), tf.constant([0]), "point")
