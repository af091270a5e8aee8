"""Self-attention among the voxels of a cloud, which DyCo3D has at the coarsest levels of the sparse U-Net."""

import math

import keras
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.layers import Composite, Layer, Linear

WIDTH, HEADS, HIDDEN, DROPOUT = 128, 4, 64, 0.1  # of the published program
_TINY = 1e-6  # added to standard deviations
_NEVER = -1e9  # the logit of what is not there; finite, since a cloud may have no voxel at all


class LayerNorm(Layer):
    """The columns of each row to mean 0 and the unbiased deviation 1, then scaled and shifted: [..., C] -> [..., C]."""

    def build(self, shape):
        self.alpha = self.add_weight(name="alpha", shape=shape[-1:], initializer="ones")
        self.bias = self.add_weight(name="bias", shape=shape[-1:], initializer="zeros")

    def call(self, x):
        x = ops.full_precision(x)
        centered = x - tf.reduce_mean(x, axis=-1, keepdims=True)
        variance = tf.reduce_sum(centered * centered, axis=-1, keepdims=True) / (x.shape[-1] - 1)
        positive = variance > 0  # sqrt has no gradient at 0
        deviation = tf.where(positive, tf.sqrt(tf.where(positive, variance, 1.0)), 0.0)
        return self.alpha * centered / (deviation + _TINY) + self.bias


class AttentionBlock(Composite):
    """x + attention(norm(x)), then x + MLP(norm(x)): [B, V, WIDTH] and what of it is there, [B, V] bool."""

    def __init__(self, seed: int, **kwargs):
        super().__init__(**kwargs)

        def linear(units, name):
            return Linear(units, use_bias=True, initializer=self.initializer, name=name)

        self.norms = [LayerNorm(name=f"norm_{i}") for i in range(2)]
        self.query, self.key, self.value, self.merge = (
            linear(WIDTH, name) for name in ("query", "key", "value", "merge")
        )
        self.hidden, self.output_layer = linear(HIDDEN, "hidden"), linear(WIDTH, "output")
        self.dropouts = [keras.layers.Dropout(DROPOUT, seed=4 * seed + i, name=f"dropout_{i}") for i in range(4)]

    def call(self, x, there, training=False):
        of_weights, of_attention, of_hidden, of_mlp = (
            lambda y, drop=drop: drop(y, training=training) for drop in self.dropouts
        )
        y = self.norms[0](x)
        query, key, value = (_heads(linear, y) for linear in (self.query, self.key, self.value))
        logits = tf.matmul(query, key, transpose_b=True) / math.sqrt(WIDTH / HEADS)
        weights = tf.nn.softmax(tf.where(there[:, None, None], logits, _NEVER))
        merged = tf.transpose(tf.matmul(of_weights(weights), value), [0, 2, 1, 3])
        x += of_attention(_rowwise(self.merge, tf.reshape(merged, tf.shape(x))))
        hidden = of_hidden(tf.nn.relu(_rowwise(self.hidden, self.norms[1](x))))
        return x + of_mlp(_rowwise(self.output_layer, hidden))


class VoxelAttention(Composite):
    """Features of voxels that have seen those of all voxels of their cloud: [V, C] -> [V, C].

    The result takes the place of the features; nothing of them goes round it.

    Args:
        channels: C.
        seed: of the dropout.
    """

    def __init__(self, channels: int, num_blocks: int = 2, seed: int = 0, **kwargs):
        super().__init__(**kwargs)
        made = {"initializer": self.initializer}
        self.inner = Linear(WIDTH, use_bias=True, name="inner", **made)
        self.position = Linear(WIDTH, use_bias=True, name="position", **made)
        self.blocks = [AttentionBlock(num_blocks * seed + i, name=f"block_{i}", **made) for i in range(num_blocks)]
        self.norm = LayerNorm(name="norm")
        self.outer = Linear(channels, use_bias=True, name="outer", **made)

    def call(self, x, coordinates, row_splits, training=False):
        """x [V, C]; coordinates [V, 3] int32 of the voxels, cloud after cloud; row_splits [B + 1]."""
        ids = tf.repeat(tf.range(tf.size(row_splits) - 1), row_splits[1:] - row_splits[:-1])
        places = tf.cast(coordinates, tf.float32)
        places -= tf.gather(tf.math.unsorted_segment_mean(places, ids, tf.size(row_splits) - 1), ids)
        y = ops.full_precision(self.inner(x)) + ops.full_precision(self.position(places))
        y = tf.RaggedTensor.from_row_splits(y, row_splits, validate=False).to_tensor()
        there = tf.sequence_mask(row_splits[1:] - row_splits[:-1], tf.shape(y)[1])
        for block in self.blocks:
            y = block(y, there, training=training)
        return self.outer(self.norm(tf.boolean_mask(y, there)))


def _rowwise(linear, x):
    """A linear layer, which takes [N, C], on x [B, V, C]; float32."""
    y = ops.full_precision(linear(tf.reshape(x, [-1, x.shape[-1]])))
    return tf.reshape(y, [*tf.unstack(tf.shape(x)[:-1]), linear.units])


def _heads(linear, x):
    """[B, V, WIDTH] -> [B, HEADS, V, WIDTH / HEADS]; a head has neighboring columns."""
    y = _rowwise(linear, x)
    y = tf.reshape(y, [*tf.unstack(tf.shape(y)[:2]), HEADS, WIDTH // HEADS])
    return tf.transpose(y, [0, 2, 1, 3])
