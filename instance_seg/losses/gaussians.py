"""Losses of probabilistic embeddings: points are Gaussians, and those of one instance should overlap.

What the published method is known to have: a Gaussian with three dimensions for each point, and binary cross-entropy on
the Bhattacharyya similarity of pairs. Anchors, balance and the class loss are our own reading (see the system).
"""

import tensorflow as tf

LEAST = 1e-6  # similarities are kept this far from 0 and 1


def log_similarity(mean: tf.Tensor, variance: tf.Tensor, other_mean: tf.Tensor, other_variance: tf.Tensor) -> tf.Tensor:
    """Logarithm of the Bhattacharyya coefficient of diagonal Gaussians, [..., D] of shapes that go together -> [...].

    It is at most 0, and 0 for two that are equal.
    """
    total = variance + other_variance
    root = 0.5 * (tf.math.log(2.0 / total) + 0.5 * (tf.math.log(variance) + tf.math.log(other_variance)))
    return tf.reduce_sum(root - tf.square(mean - other_mean) / (4.0 * total), axis=-1)


def pair_loss(log_k: tf.Tensor, same: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """Binary cross-entropy of similarities [A, n], averaged over pairs of one instance and over others apart, added.

    Args:
        log_k: logarithms of the similarities.
        same: bool, whether a pair is of one instance.
        weight: [A, n] float32, 0 for pairs that do not count.
    """
    log_k = tf.clip_by_value(log_k, tf.math.log(LEAST), tf.math.log1p(-LEAST))
    positive, negative = weight * tf.cast(same, tf.float32), weight * tf.cast(~same, tf.float32)
    # log(1 - exp(x)), exact on both sides of -log 2
    log_not = tf.where(log_k > -0.6931472, tf.math.log(-tf.math.expm1(log_k)), tf.math.log1p(-tf.exp(log_k)))

    def mean_over(values, weights):
        return tf.math.divide_no_nan(tf.reduce_sum(values * weights), tf.reduce_sum(weights))

    return -mean_over(log_k, positive) - mean_over(log_not, negative)


def of_instances(values: tf.Tensor, ids: tf.Tensor, number: tf.Tensor) -> tf.Tensor:
    """The mean of values [N, D] over the points of each instance, at every point: [N, D]. Negative ids are one more."""
    means = tf.math.unsorted_segment_mean(values, ids + 1, number + 1)
    return tf.gather(means, ids + 1)
