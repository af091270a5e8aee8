"""Losses of PartNet's detection by segmentation, as its program computes them.

Masks are matched with the parts of a shape by Hungarian assignment; nothing is padded, so shapes may differ in size.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf
from scipy.optimize import linear_sum_assignment

from instance_seg.clustering.components import splits_to_ids
from instance_seg.losses.segmentation import average, cross_entropy
from instance_seg.replicas import share

GUARD = 1e-8  # keeps quotients finite
POSITIVE = 0.1  # confidence targets above this are averaged apart from the others


class MaskOutputs(NamedTuple):
    """What the network says of a batch."""

    logits: tf.Tensor  # [N, S] float32
    masks: tf.Tensor  # [N, K + 1] float32, probabilities of K masks and of "in none"
    confidence: tf.Tensor  # [B, K] float32 in (0, 1)


def soft_ious(masks: tf.Tensor, rank: tf.Tensor, row_splits: tf.Tensor) -> tf.Tensor:
    """Soft intersection over union, sum(g p) / (sum(p) + sum(g) - sum(g p)), of true and predicted masks.

    Args:
        masks: [N, K + 1] probabilities.
        rank: [N] int32, number of each point's part within its shape; -1: in none.

    Returns:
        [B, G + 1, K + 1], G the largest number of parts; row 0 is of the points in none, row g + 1 of part g.
    """
    num_shapes, num_rows = tf.size(row_splits) - 1, tf.reduce_max(rank) + 2
    shapes = splits_to_ids(row_splits)
    rows, total = shapes * num_rows + rank + 1, num_shapes * num_rows
    both = tf.reshape(tf.math.unsorted_segment_sum(masks, rows, total), [num_shapes, num_rows, masks.shape[1]])
    true = tf.reshape(tf.math.unsorted_segment_sum(tf.ones_like(masks[:, 0]), rows, total), [num_shapes, num_rows, 1])
    predicted = tf.math.unsorted_segment_sum(masks, shapes, num_shapes)[:, None]
    return both / tf.maximum(predicted + true - both, GUARD)


def match(iou: np.ndarray, count: np.ndarray) -> np.ndarray:
    """The predicted mask of each part so that the sum of their intersections over unions is largest.

    Args:
        iou: [B, G, K] float32.
        count: [B] int, parts of each shape, which come first.

    Returns:
        [B, G] int32; -1: the part has none, since there are no more parts or no more masks.
    """
    matched = np.full(iou.shape[:2], -1, np.int32)
    for b, number in enumerate(count):
        rows, columns = linear_sum_assignment(1.0 - iou[b, :number])
        matched[b, rows] = columns
    return matched


def part_mask_losses(
    outputs: MaskOutputs, semantic: tf.Tensor, rank: tf.Tensor, count: tf.Tensor, row_splits: tf.Tensor
) -> dict[str, tf.Tensor]:
    """The five unweighted terms, scalars: {"semantic", "masks", "other", "norm", "confidence"}.

    The target of the confidence, the soft intersection over union, is not stopped: its gradient reaches the masks, as
    in PartNet's program.

    Args:
        semantic: [N] int32; class 0, "other", counts as any other; -1 is ignored.
        rank: [N] int32, see `soft_ious`.
        count: [B] int32, parts of each shape.
    """
    labeled = tf.cast(semantic >= 0, tf.float32)
    entropy = cross_entropy(outputs.logits, tf.maximum(semantic, 0))
    num_masks = outputs.masks.shape[1] - 1
    iou = soft_ious(outputs.masks, rank, row_splits)
    of_parts = iou[:, 1:, :num_masks]
    matched = tf.numpy_function(match, [of_parts, count], tf.int32)
    matched.set_shape([None, None])
    target = tf.one_hot(matched, num_masks) * of_parts  # a row of -1 has no one
    parts = tf.cast(count, tf.float32)
    found = tf.reduce_sum(target, axis=[1, 2]) / tf.maximum(parts, 1.0)
    return {
        "semantic": average(entropy, labeled, row_splits, "shape"),
        "masks": -share(tf.reduce_mean(found)),
        "other": -share(tf.reduce_mean(iou[:, 0, num_masks])),
        "norm": mask_norm(outputs.masks, row_splits),
        "confidence": confidence_loss(outputs.confidence, tf.reduce_sum(target, axis=1)),
    }


def mask_norm(masks: tf.Tensor, row_splits: tf.Tensor) -> tf.Tensor:
    """The L2,1 norm: the Euclidean norm of each mask, summed over masks, per point; few masks make it small."""
    num_shapes = tf.size(row_splits) - 1
    squares = tf.math.unsorted_segment_sum(tf.square(masks + 1e-6), splits_to_ids(row_splits), num_shapes)
    sizes = tf.cast(row_splits[1:] - row_splits[:-1], tf.float32)
    return share(tf.reduce_mean(tf.reduce_sum(tf.sqrt(squares), axis=1) / sizes))


def confidence_loss(confidence: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Squared error [B, K], its mean over masks of a target above 0.1 plus its mean over the others."""
    square = tf.square(confidence - target)
    positive = tf.cast(target > POSITIVE, tf.float32)

    def mean_over(chosen):
        return tf.reduce_sum(square * chosen, axis=1) / (tf.reduce_sum(chosen, axis=1) + GUARD)

    return share(tf.reduce_mean(mean_over(positive) + mean_over(1.0 - positive)))
