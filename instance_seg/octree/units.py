"""Octree layers: convolution, its strided and transposed forms (each with batch normalization), residual block.

Every layer works on ALL octants of a depth, empty ones included, as O-CNN does: [M, Cin] -> [M, Cout]. Batch
normalization and activation come after the padding of empty octants, so these enter the statistics as zeros and leave
as relu(BN(0)) (specification of O-CNN's layers; the released program relies on it).
"""

import math

import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.layers import BatchNorm, Composite, Layer, Unit, uniform, value_in

KERNEL_CELLS = 27  # 3x3x3
CHILDREN = 8  # 2x2x2


class _OctreeUnit(Layer):
    """What the three convolutions share: a [cells, Cin, Cout] kernel, then batch normalization and activation.

    `operator` is the op; `pairs` tells how many rows it multiplies with a [Cin, Cout] matrix.
    """

    cells = KERNEL_CELLS

    def __init__(self, channels: int, activation_name: str = "relu", **kwargs):
        super().__init__(**kwargs)
        self.channels = channels
        self.norm = BatchNorm(activation_name, name="norm")

    def build(self, shape, *_):
        shape = self.cells, shape[-1], self.channels
        limit = self._limit(*shape)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=uniform(limit), trainable=True)

    def _limit(self, cells, inputs, outputs):
        return self.initializer.convolution(cells, inputs, outputs)

    def call(self, x, table, training=False):
        """x [M, Cin] and the unit's table -> [M', channels]."""
        return self.norm(self.product(x, table), training=training)

    def product(self, x, table):
        """The convolution alone."""
        x = tf.cast(x, self.compute_dtype)
        return self.operator(x, value_in(self.kernel, x.dtype), *tf.nest.flatten(table))

    def multiplications(self, x, table) -> int:
        return int(self.pairs(x, *tf.nest.flatten(table))) * math.prod(self.kernel.shape[1:])


class ConvUnit(_OctreeUnit):
    """3x3x3 convolution, stride 1: x [M, Cin], neighbors [M, 27] int32 -> [M, channels]."""

    operator = staticmethod(ops.octree_conv)

    def pairs(self, x, neighbors):
        return np.count_nonzero(neighbors >= 0)


class DownUnit(_OctreeUnit):
    """2x2x2 convolution, stride 2, depth d -> d - 1: x [M_d, Cin], children of depth d - 1 [M_(d-1)] ->
    [M_(d-1), channels]; empty octants get 0 before batch normalization."""

    cells = CHILDREN
    operator = staticmethod(ops.octree_downsample_conv)

    def pairs(self, x, parent_children):
        return x.shape[0]


class UpUnit(_OctreeUnit):
    """2x2x2 transposed convolution, stride 2, depth d -> d + 1: x [M_d, Cin], (children of depth d [M_d], how many of
    them are not empty) -> [M_(d+1), channels]."""

    cells = CHILDREN
    operator = staticmethod(ops.octree_upsample_conv)

    def _limit(self, cells, inputs, outputs):
        return self.initializer.transposed(cells, inputs, outputs)

    def pairs(self, x, children, num_nonempty):
        return CHILDREN * num_nonempty


class ResBlock(Composite):
    """Bottleneck block: 1x1 to C/4, 3x3x3, 1x1 to C, identity shortcut, ReLU after the sum."""

    def __init__(self, channels: int, bottleneck: int = 4, **kwargs):
        super().__init__(**kwargs)
        if channels % bottleneck:
            raise ValueError(f"channels={channels} must be a multiple of the bottleneck factor {bottleneck}")
        self.reduce = Unit(channels // bottleneck, "relu", initializer=self.initializer, name="reduce")
        self.conv = ConvUnit(channels // bottleneck, initializer=self.initializer, name="conv")
        self.expand = Unit(channels, "relu", initializer=self.initializer, name="expand")

    def call(self, x, neighbors, training=False):
        """x [M, C], neighbors [M, 27] -> [M, C]."""
        y = self.reduce(x, training=training)
        y = self.conv(y, neighbors, training=training)
        return self.expand(y, shortcut=x, training=training)
