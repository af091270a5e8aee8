"""PointConv (Wu, Qi, Li, CVPR 2019) as JSNet has it: a convolution whose kernel is a function of where a neighbor lies.

Encoding weighs neighbors by their inverse density and multiplies their features with 32 numbers of the kernel each;
decoding is depthwise, with a number for each channel. JSNet's units have a bias before batch normalization, which that
cancels but for the one of decoding, whose mean is of all channels together.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.pointnet2 import Mlp, PointLevel
from instance_seg.layers import BatchNorm, Composite, Layer, Linear, Unit, global_moments, side_by_side, value_in
from instance_seg.replicas import sum_over_replicas
from instance_seg.structures import Tensor

KERNEL_WIDTH, DENSITY_WIDTH = 32, 16  # of the hidden layers that say kernel and density scale
DENSITY_NEIGHBORS = 128  # points that the density of a point is estimated from, at most


class Neighborhood(NamedTuple):
    """The neighbors of Q points among N."""

    index: Tensor  # [Q, K] int32, rows; where a shape has fewer than K points the nearest one again
    relative: Tensor  # [Q, K, 3] float32, neighbor - center


def neighborhood(xyz, row_splits, centers, center_splits, num_neighbors: int) -> Neighborhood:
    """The nearest points of each center, nearest first."""
    index, _ = ops.nearest_neighbors(xyz, row_splits, centers, center_splits, num_neighbors)
    index = tf.where(index < 0, index[:, :1], index)
    return Neighborhood(index, ops.gather_rows(xyz, index) - centers[:, None])


def density(xyz: tf.Tensor, row_splits: tf.Tensor, radius: float, bandwidth: float) -> tf.Tensor:
    """The mean of a Gaussian over the points in the ball around each point, itself included: [N] float32.

    Args:
        radius: of the ball; of its points the first 128 count.
        bandwidth: variance of the Gaussian along each axis (as published, no deviation).
    """
    index, count = ops.ball_query(xyz, row_splits, xyz, row_splits, radius, DENSITY_NEIGHBORS)
    square = tf.reduce_sum((ops.gather_rows(xyz, index) - xyz[:, None]) ** 2, axis=2)
    distinct = tf.range(DENSITY_NEIGHBORS) < count[:, None]  # slots that remain repeat the first one
    total = tf.reduce_sum(tf.where(distinct, tf.exp(-0.5 * square / bandwidth), 0.0), axis=1)
    return total / tf.cast(count, total.dtype) / (2 * math.pi * bandwidth) ** 1.5


def inverse_density(values: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """Densities [N] -> the inverse one of every neighbor, [Q, K], as a share of the largest among its K."""
    inverse = tf.gather(1.0 / values, index)
    return inverse / tf.reduce_max(inverse, axis=1, keepdims=True)


class Encoding(Composite):
    """Samples points and describes each by the convolution of its nearest neighbors: PointLevel -> PointLevel.

    Args:
        num_points: sampled from each shape.
        radius: of the ball in which densities are estimated, with half of it for the bandwidth.
        num_neighbors: of a sampled point.
        widths: of an MLP on [neighbor - center, features of the neighbor], and behind them the width of the result.
    """

    def __init__(self, num_points: int, radius: float, num_neighbors: int, widths: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self.num_points, self.radius, self.num_neighbors = num_points, radius, num_neighbors
        of = {"initializer": self.initializer}
        self.mlp = Mlp(widths[:-1], name="mlp", **of)
        self.kernel = Unit(KERNEL_WIDTH, "relu", name="kernel", **of)
        self.density_hidden = Unit(DENSITY_WIDTH, "relu", name="density_hidden", **of)
        self.density_scale = Linear(1, use_bias=True, name="density_scale", **of)
        self.unit = Unit(widths[-1], "relu", name="unit", **of)

    def call(self, level, training=False):
        """PointLevel -> PointLevel of num_points points per shape."""
        centers = ops.gather_rows(level.xyz, ops.farthest_points(level.xyz, level.row_splits, self.num_points))
        splits = tf.range(tf.size(level.row_splits)) * self.num_points
        near = neighborhood(level.xyz, level.row_splits, centers, splits, self.num_neighbors)
        inverse = inverse_density(density(level.xyz, level.row_splits, self.radius, self.radius / 2), near.index)

        def rows(x):
            return tf.reshape(x, [-1, x.shape[-1]])

        def groups(x):
            return tf.reshape(x, [-1, self.num_neighbors, x.shape[-1]])

        grouped = side_by_side([near.relative, ops.gather_rows(level.features, near.index)])
        scale = self.density_scale(self.density_hidden(tf.reshape(inverse, [-1, 1]), training=training))
        features = self.mlp(rows(grouped), training=training) * tf.sigmoid(scale)
        kernel = self.kernel(rows(near.relative), training=training)
        slab = tf.matmul(groups(features), groups(kernel), transpose_a=True)  # [Q, C, 32]
        slab = tf.reshape(slab, [-1, slab.shape[1] * slab.shape[2]])
        return PointLevel(centers, self.unit(slab, training=training), splits)

    def multiplications(self, level) -> int:
        """Of features and kernels in each neighborhood."""
        centers = self.num_points * (len(level.row_splits) - 1)
        return centers * self.num_neighbors * self.mlp.units[-1].linear.kernel.shape[1] * KERNEL_WIDTH


class SharedNorm(BatchNorm):
    """Batch normalization with one mean and one variance for all channels, as JSNet's decoding has it."""

    def _add_statistics(self, channels):
        return self._add(1, False, shared_mean=0.0, shared_variance=1.0)

    def call(self, x, training=False):
        """[M, C] -> [M, C]."""
        mean, variance = map(tf.convert_to_tensor, (self.moving_mean, self.moving_variance))
        if training:
            total = sum_over_replicas if self.synchronized else tf.identity
            mean, variance, rows = global_moments(tf.reshape(x, [-1, 1]), mean, total)
            self._accumulate(self.moving_mean, mean, rows)
            self._accumulate(self.moving_variance, variance, rows)
        everywhere = [tf.tile(each, [x.shape[1]]) for each in (mean, variance)]
        weights = map(tf.convert_to_tensor, (self.gamma, self.beta))
        return ops.normalize(x, *weights, *everywhere, self.epsilon, self.slope)


class Decoding(Composite):
    """Carries features to a finer level, convolves them there depth by depth, and joins those of that level.

    Args:
        widths: of the MLP on [what was convolved, features of the finer level].
    """

    def __init__(self, widths: Sequence[int], **kwargs):
        super().__init__(**kwargs)
        self.hidden = Unit(KERNEL_WIDTH, "relu", initializer=self.initializer, name="kernel_hidden")
        self.pooling = DepthwisePooling(initializer=self.initializer, name="pooling")
        self.mlp = Mlp(widths, initializer=self.initializer, name="mlp")

    def call(self, coarse, table, near: Neighborhood, skip, training=False):
        """[N, C] of `coarse` [M, C0], the table of its three neighbors, and neighborhoods and features of N points."""
        interpolated = ops.weighted_gather(coarse, *table)
        grouped = side_by_side([near.relative, ops.gather_rows(interpolated, near.index)])
        hidden = self.hidden(tf.reshape(near.relative, [-1, 3]), training=training)
        pooled = self.pooling(grouped, tf.reshape(hidden, [-1, grouped.shape[1], hidden.shape[1]]), training=training)
        return self.mlp(side_by_side([pooled, skip]), training=training)


class DepthwisePooling(Layer):
    """x [N, K, C] times a kernel of that shape, linear in `hidden` [N, K, H]; the sum over K; SharedNorm."""

    def build(self, x_shape, hidden_shape):
        channels = x_shape[-1]
        self.kernel = Linear(channels, use_bias=True, initializer=self.initializer, name="kernel")
        self.kernel.build(hidden_shape)
        zeros = keras.initializers.Zeros()
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer=zeros, trainable=True)
        self.norm = SharedNorm("relu", name="norm")

    def call(self, x, hidden, training=False):
        """[N, C]."""
        kernel = self.kernel(tf.reshape(hidden, [-1, hidden.shape[-1]]))  # one product; one for each of N is slow
        kernel = tf.reshape(kernel, tf.shape(x))
        pooled = tf.reduce_sum(tf.cast(x, kernel.dtype) * kernel, axis=1) + value_in(self.bias, kernel.dtype)
        return self.norm(pooled, training=training)

    def multiplications(self, x, hidden) -> int:
        """Of x with the kernel; `kernel` counts its own."""
        return math.prod(x.shape)
