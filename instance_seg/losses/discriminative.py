"""The discriminative loss of ASIS and JSNet on an embedding of the points (De Brabandere et al. 2017, in L1)."""

from typing import NamedTuple

import tensorflow as tf

from instance_seg.replicas import share

MARGIN_INSIDE, MARGIN_BETWEEN = 0.5, 1.5  # delta_v, delta_d
REGULARIZER_WEIGHT = 0.001  # of ASIS; JSNet has none


class Discriminative(NamedTuple):
    """The three terms, scalars: means over the clouds of a batch."""

    variance: tf.Tensor
    distance: tf.Tensor
    regularizer: tf.Tensor


def discriminative_loss(embedding: tf.Tensor, instance: tf.Tensor, row_splits: tf.Tensor) -> Discriminative:
    """Pulls points to the mean of their instance, pushes means of one cloud apart, and means to zero.

    With mu_a the mean of instance a, all norms L1:

        variance    = mean over instances of the mean over their points of max(0, |e - mu| - 0.5)^2
        distance    = mean over ordered pairs of instances of max(0, 3 - |mu_a - mu_b|)^2; 0 for a single instance
        regularizer = mean over instances of |mu|

    Points of instance -1 take no part; a cloud without instances counts as 0.

    Args:
        embedding: [N, E] float.
        instance: [N] int32, ids within a cloud, any values.
        row_splits: [B + 1].
    """
    known = tf.where(instance >= 0)[:, 0]
    cloud_of = tf.gather(tf.repeat(tf.range(tf.size(row_splits) - 1), row_splits[1:] - row_splits[:-1]), known)
    x, instance, num_clouds = tf.gather(embedding, known), tf.gather(instance, known), tf.size(row_splits) - 1
    key = tf.cast(cloud_of, tf.int64) * (tf.cast(tf.reduce_max(instance), tf.int64) + 1) + tf.cast(instance, tf.int64)
    distinct, of_point = tf.unique(key)
    count = tf.size(distinct)
    cloud_of_instance = tf.math.unsorted_segment_max(cloud_of, of_point, count)
    per_cloud = tf.math.unsorted_segment_sum(tf.ones_like(cloud_of_instance), cloud_of_instance, num_clouds)

    def mean_of_clouds(values):
        """[I] values of instances -> the mean over clouds of their means."""
        total = tf.math.unsorted_segment_sum(values, cloud_of_instance, num_clouds)
        return share(tf.reduce_mean(tf.math.divide_no_nan(total, tf.cast(per_cloud, total.dtype))))

    mean = tf.math.unsorted_segment_mean(x, of_point, count)
    outside = tf.nn.relu(tf.reduce_sum(tf.abs(x - tf.gather(mean, of_point)), axis=1) - MARGIN_INSIDE)
    variance = mean_of_clouds(tf.math.unsorted_segment_mean(outside**2, of_point, count))

    apart = tf.reduce_sum(tf.abs(mean[:, None] - mean[None, :]), axis=2)
    pairs = (cloud_of_instance[:, None] == cloud_of_instance[None, :]) & ~tf.eye(count, dtype=tf.bool)
    too_near = tf.where(pairs, tf.nn.relu(2 * MARGIN_BETWEEN - apart) ** 2, 0.0)
    others = tf.cast(tf.gather(per_cloud, cloud_of_instance) - 1, x.dtype)
    distance = mean_of_clouds(tf.math.divide_no_nan(tf.reduce_sum(too_near, axis=1), others))
    return Discriminative(variance, distance, mean_of_clouds(tf.reduce_sum(tf.abs(mean), axis=1)))
