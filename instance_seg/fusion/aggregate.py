"""Semantic aggregation of point features, one shape at a time (paper, Eqs. 3-6).

P [N, S] are class probabilities, X [N, C] features, both of a batch of shapes laid one after the other; row_splits
[B + 1] separates the shapes. Nothing ever crosses from one shape of the batch to another. The cost is O(N S C): no
N x N matrix appears.

Features may be half precision: pooling them sums over all points of a shape and is done in float32, spreading keeps the
type of what is spread.
"""

import tensorflow as tf

import ocnn_tf_ops as ops


def region_features(probabilities: tf.Tensor, features: tf.Tensor, row_splits: tf.Tensor) -> list[tf.Tensor]:
    """Z (Eqs. 3 and 5): the mean feature of every class, weighted by its probability.

    Returns one [S, C] tensor per shape; a class without any probability gets 0.
    """
    return [_pool(p, x) for p, x in zip(_per_shape(probabilities, row_splits), _per_shape(features, row_splits))]


def spread(probabilities: tf.Tensor, regions: list[tf.Tensor], row_splits: tf.Tensor) -> tf.Tensor:
    """F^ (Eqs. 4 and 6): the class features mixed again at every point. Returns [N, C]."""
    shapes = _per_shape(tf.cast(probabilities, regions[0].dtype), row_splits)
    return tf.concat([tf.linalg.matmul(p, z) for p, z in zip(shapes, regions)], axis=0)


def one_hot_assignment(probabilities: tf.Tensor) -> tf.Tensor:
    """The "one-hot" variant of Table 4: all the probability on the likeliest class. [N, S] -> [N, S]."""
    return tf.one_hot(tf.argmax(probabilities, axis=-1), probabilities.shape[-1], dtype=probabilities.dtype)


def _pool(p, x):
    p, x = ops.full_precision(p), ops.full_precision(x)
    weight = tf.reduce_sum(p, axis=0)[:, None]
    return tf.math.divide_no_nan(tf.linalg.matmul(p, x, transpose_a=True), weight)


def _per_shape(rows, row_splits):
    count = row_splits.shape[0]
    if count is None:
        raise ValueError("row_splits must have a static length (batch size + 1) for the aggregation to be unrolled")
    return tf.split(rows, row_splits[1:] - row_splits[:-1], num=count - 1)  # its gradient is one concatenation
