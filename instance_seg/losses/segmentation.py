"""Losses of one batch: semantics, instance offsets, region offsets, per level (paper, Eqs. 1 and 2, Section 3.3).

Among several replicas of a tf.distribute strategy, each with its part of the batch, every loss here is the replica's
share: their sum over the replicas is the loss of the whole batch.
"""

import tensorflow as tf

from instance_seg.clustering.components import splits_to_ids
from instance_seg.data.targets import Centers
from instance_seg.losses.config import LossConfig
from instance_seg.replicas import share, sum_over_replicas
from instance_seg.structures import Batch, Labels, LevelPrediction, Task


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
    shapes = splits_to_ids(row_splits)
    total = tf.math.unsorted_segment_sum(values * mask, shapes, num_shapes)
    count = tf.math.unsorted_segment_sum(mask, shapes, num_shapes)
    return share(tf.reduce_mean(tf.math.divide_no_nan(total, count)))  # every replica has as many shapes


def instance_weights(mask: tf.Tensor, instance: tf.Tensor, row_splits: tf.Tensor, exponent: float = 1.0) -> tf.Tensor:
    """A mask [N] whose n points of one instance of a shape sum to n ** (1 - exponent).

    With exponent 1, `average` counts instances, not points; with 0.5, an instance of four points counts twice.
    """
    ids_per_shape = tf.reduce_max(instance) + 2  # -1, none, is one of them
    ids = splits_to_ids(row_splits) * ids_per_shape + instance + 1
    count = tf.math.unsorted_segment_sum(mask, ids, (tf.size(row_splits) - 1) * ids_per_shape)
    return tf.math.divide_no_nan(mask, tf.gather(count, ids) ** exponent)


def level_losses(
    prediction: LevelPrediction,
    labels: Labels,
    centers: Centers,
    xyz: tf.Tensor,
    row_splits: tf.Tensor,
    config: LossConfig,
    first_scored: int = 1,
) -> dict[str, tf.Tensor]:
    """The three unweighted terms of one level: {"semantic", "instance", "region"}, scalars.

    `first_scored`: points of the classes below it carry no loss if config.mask_unlabeled; ignored ones (-1) never do.
    """
    mask = tf.cast(labels.semantic >= (first_scored if config.mask_unlabeled else 0), xyz.dtype)
    exponent = {"points": 0.0, "roots": 0.5, "instances": 1.0}[config.center_average]
    weights = instance_weights(mask, labels.instance, row_splits, exponent) if exponent else mask
    semantic = cross_entropy(prediction.logits, tf.maximum(labels.semantic, 0))
    instance = offset_error(prediction.instance_offset, centers.instance - xyz, config.offset_loss)
    region = offset_error(prediction.region_offset, centers.region - xyz, config.offset_loss)
    errors = {"semantic": (semantic, mask), "instance": (instance, weights), "region": (region, mask)}
    return {name: average(*error, row_splits, config.loss_average) for name, error in errors.items()}


def segmentation_losses(predictions, batch: Batch, task: Task, config: LossConfig) -> dict[str, tf.Tensor]:
    """All terms of a batch, weighted, named "level_1/semantic" and so on; their sum is the data part of the loss."""
    weights = config.level_weights or (1.0,) * len(predictions)
    if len(weights) != len(predictions):
        raise ValueError(f"level_weights has {len(weights)} entries for {len(predictions)} levels")
    factors = {"semantic": config.semantic_weight, "instance": config.instance_weight, "region": config.region_weight}
    terms = {}
    for k, (prediction, labels, centers) in enumerate(zip(predictions, batch.labels, batch.targets, strict=True)):
        first = task.levels[k].first_scored
        losses = level_losses(prediction, labels, centers, batch.points.xyz, batch.points.row_splits, config, first)
        terms |= {f"level_{k + 1}/{name}": factors[name] * weights[k] * value for name, value in losses.items()}
    return terms


def weight_decay(variables, strength: float) -> tf.Tensor:
    """`strength` / 2 times the squared norm of all `variables`, biases and batch normalization included."""
    if not strength:
        return tf.zeros([])
    return share(strength * tf.add_n([tf.nn.l2_loss(tf.convert_to_tensor(v)) for v in variables]))
