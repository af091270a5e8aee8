"""Losses of one batch: semantics, instance offsets, region offsets, per level (paper, Eqs. 1 and 2, Section 3.3).

Among several replicas of a tf.distribute strategy, each with its part of the batch, every loss here is the replica's
share: their sum over the replicas is the loss of the whole batch.
"""

from dataclasses import dataclass

import tensorflow as tf

from instance_seg.options import Settings, option
from instance_seg.replicas import share, sum_over_replicas
from instance_seg.structures import LevelLabels, LevelPrediction


@dataclass(frozen=True)
class LossConfig(Settings):
    """Choices where the paper's text and the released program differ, and the weights of the terms."""

    offset_loss: str = option(
        "l2norm", "l2norm: Eq. 2; l1: mean absolute error per coordinate (released)", ("l2norm", "l1")
    )
    loss_average: str = option(
        "shape", "mean per shape, then over the batch (released), or over points", ("shape", "point")
    )
    center_average: str = option(
        "points",
        "what counts alike in the instance center loss: points, or (ours) instances however small; "
        "roots: an instance counts as the root of its points",
        ("points", "roots", "instances"),
    )
    mask_unlabeled: bool = option(True, "points of class 0 carry no loss (released program)")
    semantic_weight: float = option(1.0, "weight of the semantic loss", low=0, high=1e6)
    instance_weight: float = option(1.0, "weight of the instance center loss", low=0, high=1e6)
    region_weight: float = option(1.0, "weight of the semantic region center loss", low=0, high=1e6)
    level_weights: tuple[float, ...] = option(
        (), "a weight for every level, coarse to fine; empty: 1 each", low=0, high=1e6
    )
    weight_decay: float = option(1e-4, "times half the squared norm of every trainable variable", low=0, high=1e3)


def cross_entropy(logits: tf.Tensor, labels: tf.Tensor) -> tf.Tensor:
    """Eq. 1 before averaging: logits [N, S], labels [N] int32 -> [N]."""
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)


def offset_error(offset: tf.Tensor, target: tf.Tensor, kind: str) -> tf.Tensor:
    """Eq. 2 before averaging: [N, 3] x 2 -> [N]. "l2norm" has gradient 0 where the error is 0."""
    error = offset - target
    if kind == "l1":
        return tf.reduce_mean(tf.abs(error), axis=1)
    square = tf.reduce_sum(error * error, axis=1)
    safe = tf.where(square > 0, square, tf.ones_like(square))  # sqrt has no gradient at 0
    return tf.where(square > 0, tf.sqrt(safe), tf.zeros_like(square))


def average(values: tf.Tensor, mask: tf.Tensor, row_splits: tf.Tensor, kind: str) -> tf.Tensor:
    """The mean of `values` [N] over the points with mask [N] = 1, or weighted by it.

    "shape": the mean of each shape (0 if it has no such point), then of the B shapes; "point": over all points.
    """
    if kind == "point":
        return tf.math.divide_no_nan(tf.reduce_sum(values * mask), sum_over_replicas(tf.reduce_sum(mask)))
    num_shapes = tf.size(row_splits) - 1
    shape_ids = _shape_ids(row_splits)
    total = tf.math.unsorted_segment_sum(values * mask, shape_ids, num_shapes)
    count = tf.math.unsorted_segment_sum(mask, shape_ids, num_shapes)
    return share(tf.reduce_mean(tf.math.divide_no_nan(total, count)))  # every replica has as many shapes


def instance_weights(
    mask: tf.Tensor, instance: tf.Tensor, row_splits: tf.Tensor, exponent: float = 1.0
) -> tf.Tensor:
    """A mask [N] whose n points of one instance of a shape sum to n ** (1 - exponent).

    With exponent 1, `average` counts instances, not points; with 0.5, an instance of four points counts twice.
    """
    ids_per_shape = tf.reduce_max(instance) + 2  # -1, none, is one of them
    ids = _shape_ids(row_splits) * ids_per_shape + instance + 1
    count = tf.math.unsorted_segment_sum(mask, ids, (tf.size(row_splits) - 1) * ids_per_shape)
    return tf.math.divide_no_nan(mask, tf.gather(count, ids) ** exponent)


def _shape_ids(row_splits):
    return tf.repeat(tf.range(tf.size(row_splits) - 1), row_splits[1:] - row_splits[:-1])


def level_losses(
    prediction: LevelPrediction, labels: LevelLabels, xyz: tf.Tensor, row_splits: tf.Tensor, config: LossConfig
) -> dict[str, tf.Tensor]:
    """The three unweighted terms of one level: {"semantic", "instance", "region"}, scalars."""
    mask = tf.ones_like(xyz[:, 0])
    if config.mask_unlabeled:
        mask = tf.cast(labels.semantic > 0, xyz.dtype)

    exponent = {"points": 0.0, "roots": 0.5, "instances": 1.0}[config.center_average]
    weights = instance_weights(mask, labels.instance, row_splits, exponent) if exponent else mask
    errors = {
        "semantic": (cross_entropy(prediction.logits, labels.semantic), mask),
        "instance": (
            offset_error(prediction.instance_offset, labels.instance_center - xyz, config.offset_loss),
            weights,
        ),
        "region": (offset_error(prediction.region_offset, labels.region_center - xyz, config.offset_loss), mask),
    }
    return {name: average(*error, row_splits, config.loss_average) for name, error in errors.items()}


def segmentation_losses(predictions, labels, points, config: LossConfig) -> dict[str, tf.Tensor]:
    """All terms of a batch, weighted, named "level_1/semantic" and so on; their sum is the data part of the loss."""
    weights = config.level_weights or (1.0,) * len(predictions)
    if len(weights) != len(predictions):
        raise ValueError(f"level_weights has {len(weights)} entries for {len(predictions)} levels")
    factors = {"semantic": config.semantic_weight, "instance": config.instance_weight, "region": config.region_weight}
    terms = {}
    for k, (prediction, label) in enumerate(zip(predictions, labels)):
        losses = level_losses(prediction, label, points.xyz, points.row_splits, config)
        terms |= {f"level_{k + 1}/{name}": factors[name] * weights[k] * value for name, value in losses.items()}
    return terms


def weight_decay(variables, strength: float) -> tf.Tensor:
    """`strength` / 2 times the squared norm of all `variables`, biases and batch normalization included."""
    if not strength:
        return tf.zeros([])
    return share(strength * tf.add_n([tf.nn.l2_loss(tf.convert_to_tensor(v)) for v in variables]))
