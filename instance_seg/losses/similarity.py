"""SGPN's losses as PartNet's program has them: a double hinge on the similarity of all pairs, and confidences.

The similarity matrix of 10,000 points is 400 MB, and its gradients as much again. Here a tile of its rows at a time is
made, and the gradient of the features comes out of the same pass, so no matrix is kept.
"""

from typing import NamedTuple

import tensorflow as tf

SAME_CLASS, OTHER_CLASS = 1.0, 2.0  # margins: how far apart points of different instances should be
TILE = 256  # rows of the matrix at a time; a dozen such tiles are alive at once
GUARD = 1e-6


class Similarity(NamedTuple):
    """What a pass over all pairs of a shape gives."""

    loss: tf.Tensor  # [] float32
    iou: tf.Tensor  # [n] float32, of the points within margin 1 of a point and its instance; has no gradient


def similarity_tile(rows: tf.Tensor, columns: tf.Tensor) -> tf.Tensor:
    """S [r, n]: squared distances of features [r, d] and [n, d], at least 0."""
    squares = (tf.reduce_sum(x * x, axis=1) for x in (rows, columns))
    of_rows, of_columns = squares
    return tf.nn.relu(of_rows[:, None] + of_columns - 2.0 * tf.matmul(rows, columns, transpose_b=True))


def double_hinge(
    features: tf.Tensor, group: tf.Tensor, semantic: tf.Tensor, weight: tf.Tensor, alpha: tf.Tensor
) -> Similarity:
    """The mean over pairs of one shape, weighted by the product of the weights of their points.

    A pair of one instance costs S, a pair of two instances of one class alpha max(0, 1 - S), a pair of two classes
    max(0, 2 - S).

    Args:
        features: [n, d] float32.
        group: [n] int32, instance; -1 = none, and such a point is of one instance with itself alone.
        semantic: [n] int32.
        weight: [n] float32, 0 where a point does not count.
        alpha: [] float32.
    """

    @tf.custom_gradient
    def of_features(features):
        total, gradient, iou = _pass_over_pairs(features, group, semantic, weight, alpha)
        scale = 1.0 / tf.maximum(tf.reduce_sum(weight) ** 2, GUARD)
        return (scale * total, iou), lambda d_loss, _: d_loss * scale * gradient

    return Similarity(*of_features(features))


def _pass_over_pairs(features, group, semantic, weight, alpha):
    """The weighted sum over pairs, its gradient [n, d], and the intersections over unions [n], tile by tile."""
    number = tf.shape(features)[0]
    padding = -number % TILE
    places = tf.range(number)

    def tiles(x, value):
        """[n, ...] -> [tiles, TILE, ...], filled up with `value`."""
        padded = tf.pad(x, [[0, padding], *[[0, 0]] * (len(x.shape) - 1)], constant_values=value)
        return tf.reshape(padded, [-1, TILE, *x.shape[1:]])

    def of_tile(rows):
        """Of the pairs of a tile's rows with all rows."""
        f, g, c, w, place = rows
        s = similarity_tile(f, features)
        same = ((g[:, None] == group) & (g[:, None] >= 0)) | (place[:, None] == places)
        margin = tf.where(c[:, None] == semantic, SAME_CLASS, OTHER_CLASS)
        factor = tf.where(c[:, None] == semantic, alpha, 1.0)
        weights = w[:, None] * weight
        cost = tf.where(same, s, factor * tf.nn.relu(margin - s))
        slope = weights * tf.where(same, 1.0, -factor * tf.cast(s < margin, tf.float32))
        # Every pair is met twice, as (i, j) and as (j, i), and the gradient of a squared distance has a factor of 2.
        gradient = 4.0 * (f * tf.reduce_sum(slope, axis=1, keepdims=True) - tf.matmul(slope, features))
        near = s < SAME_CLASS
        both, either = (tf.reduce_sum(tf.cast(x, tf.float32), axis=1) for x in (near & same, near | same))
        return tf.reduce_sum(weights * cost), gradient, both / (either + GUARD)

    rows = (tiles(features, 0), tiles(group, -1), tiles(semantic, -1), tiles(weight, 0), tiles(places, -1))
    shapes = ((), (TILE, features.shape[1]), (TILE,))
    signature = tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes)
    total, gradient, iou = tf.map_fn(of_tile, rows, fn_output_signature=signature, parallel_iterations=1)
    gradient = tf.reshape(gradient, [-1, features.shape[1]])[:number]
    return tf.reduce_sum(total), gradient, tf.reshape(iou, [-1])[:number]


def confidence_error(confidence: tf.Tensor, iou: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """The squared error of each point [n]; points of weight 0 should have confidence 0."""
    return tf.square(confidence - iou * tf.cast(weight > 0, tf.float32))
