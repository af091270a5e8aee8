"""Layers on sparse voxels, as PointGroup has them: normalization and activation come before a convolution, not after.

Convolutions have no bias. `tables` are those of `ocnn_tf_ops.sparse_voxels`; rows are the voxels of a level.
"""

import dataclasses
import math

import numpy as np
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.attention import VoxelAttention
from instance_seg.layers import BatchNorm, Composite, Layer, Linear, uniform, value_in
from instance_seg.recompute import recomputed

CELLS, OCTANTS = 27, 8
EPSILON, DECAY = 1e-4, 0.9  # spconv networks: PyTorch's momentum of 0.1


class SparseConv(Layer):
    """x [M, Cin], table [Q, cells] and its adjoint [M, cells], or None for a symmetric one -> [Q, channels]."""

    def __init__(self, channels: int, cells: int = CELLS, **kwargs):
        super().__init__(**kwargs)
        self.channels, self.cells = channels, cells

    def build(self, shape, *_):
        shape = self.cells, shape[-1], self.channels
        limit = self.initializer.convolution(*shape)
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=uniform(limit), trainable=True)

    def call(self, x, table, adjoint=None):
        x = tf.cast(x, self.compute_dtype)
        return ops.gather_conv(x, value_in(self.kernel, x.dtype), table, adjoint)

    def multiplications(self, x, table, adjoint=None) -> int:
        return int(np.count_nonzero(table >= 0)) * math.prod(self.kernel.shape[1:])


class NormConv(Layer):
    """Batch normalization, ReLU, convolution. Between them nothing is kept: the backward pass normalizes once more."""

    def __init__(self, channels: int, cells: int = CELLS, **kwargs):
        super().__init__(**kwargs)
        self.norm = BatchNorm("relu", epsilon=EPSILON, decay=DECAY, name="norm")
        self.conv = SparseConv(channels, cells, initializer=self.initializer, name="conv")

    def build(self, shape, *_):
        self.norm.build(shape)
        self.conv.build(shape)

    def call(self, x, table, adjoint=None, training=False):
        def normalize_and_convolve(x, *statistics):
            return self.conv(self.norm.normalize(x, *statistics, training=training), table, adjoint)

        return recomputed(normalize_and_convolve, x, *self.norm.statistics(x, training))


class SparseBlock(Composite):
    """Two 3x3x3 convolutions beside an identity, or a matrix where the width changes: [M, Cin] -> [M, channels]."""

    def __init__(self, channels: int, changes_width: bool = False, **kwargs):
        super().__init__(**kwargs)
        first, second = (NormConv(channels, initializer=self.initializer, name=f"conv_{i}") for i in range(2))
        self.convs, self.shortcut = [first, second], None
        if changes_width:  # spconv has it as a convolution of one cell, and initializes it as such
            convolution = self.initializer.convolution
            matrix = dataclasses.replace(self.initializer, linear=lambda i, o: convolution(1, i, o))
            self.shortcut = Linear(channels, initializer=matrix, name="shortcut")

    def call(self, x, neighbors, training=False):
        y = x
        for conv in self.convs:
            y = conv(y, neighbors, training=training)
        return y + (x if self.shortcut is None else self.shortcut(x))


class SparseEncoder(Composite):
    """Blocks and a stride-2 convolution, level by level: [V_0, C_0] -> [V_l, C_l] of every level."""

    def __init__(self, channels: tuple[int, ...], num_blocks: int = 2, **kwargs):
        super().__init__(**kwargs)
        self.blocks = [_blocks(self, c, num_blocks, f"block_{level}") for level, c in enumerate(channels)]
        self.downs = [
            NormConv(c, OCTANTS, initializer=self.initializer, name=f"down_{i}") for i, c in enumerate(channels[1:])
        ]

    def call(self, x, tables, training=False):
        encoded = []
        for level, blocks in enumerate(self.blocks):
            if level:
                links = tables.children[level - 1], tables.parents[level - 1]
                x = self.downs[level - 1](x, *links, training=training)
            for block in blocks:
                x = block(x, tables.neighbors[level], training=training)
            encoded.append(x)
        return encoded


class SparseDecoder(Composite):
    """The inverse convolutions, each beside the encoder's features of its level, and blocks: -> [V_0, C_0].

    Args:
        attended: coarsest levels whose voxels attend to each other behind their blocks (DyCo3D).
    """

    def __init__(self, channels: tuple[int, ...], num_blocks: int = 2, attended: int = 0, **kwargs):
        super().__init__(**kwargs)
        finer = list(enumerate(channels[:-1]))
        self.ups = [NormConv(c, OCTANTS, initializer=self.initializer, name=f"up_{i}") for i, c in finer]
        self.blocks = [_blocks(self, c, num_blocks, f"tail_{i}", changes_width=True) for i, c in finer]
        self.attention = {
            i: VoxelAttention(c, seed=i, initializer=self.initializer, name=f"attention_{i}")
            for i, c in enumerate(channels)
            if i >= len(channels) - attended
        }

    def call(self, encoded, tables, training=False):
        x = self._attend(len(encoded) - 1, encoded[-1], tables, training)
        for level in reversed(range(len(self.ups))):
            x = self.ups[level](x, tables.parents[level], tables.children[level], training=training)
            x = tf.concat([encoded[level], x], axis=1)
            for block in self.blocks[level]:
                x = block(x, tables.neighbors[level], training=training)
            x = self._attend(level, x, tables, training)
        return x

    def _attend(self, level, x, tables, training):
        if level not in self.attention:
            return x
        return self.attention[level](x, tables.coordinates[level], tables.row_splits[level], training=training)


def _blocks(parent, channels, count, name, changes_width=False):
    """Blocks of one level; the first may change the width."""
    return [
        SparseBlock(channels, changes_width and i == 0, initializer=parent.initializer, name=f"{name}_{i}")
        for i in range(count)
    ]
