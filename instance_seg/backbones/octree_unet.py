"""The octree U-Net: one encoder, decoders that start from its coarsest features (paper, Section 3.1, Appendix A)."""

import keras
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.layers import Composite
from instance_seg.octree.units import CHILDREN, ConvUnit, DownUnit, ResBlock, UpUnit


class Stage(Composite):
    """An entry unit (conv, down or up) and the residual blocks of one depth."""

    def __init__(self, entry: keras.layers.Layer, channels: int, num_blocks: int, **kwargs):
        super().__init__(**kwargs)
        self.entry = entry
        self.blocks = [ResBlock(channels, initializer=self.initializer, name=f"block_{i}") for i in range(num_blocks)]

    def call(self, x, table, neighbors, skip=None, training=False):
        """x at the depth before, `table` what the entry unit needs, `skip` is added after it -> [M, channels]."""
        x = self.entry(x, table, training=training)
        if skip is not None:
            x = x + skip  # the skip connection is a sum, without an activation of its own
        for block in self.blocks:
            x = block(x, neighbors, training=training)
        return x


class OctreeUNet(Composite):
    """Features of every finest octant, once per decoder.

    Args:
        depth: finest depth D of the octree.
        channels: width of every depth, finest first; the coarsest depth is D - len(channels) + 1.
        num_blocks: residual blocks per stage.
        num_decoders: decoders, each with weights of its own.
        abs_input: take the absolute value of the input signal, as the released program does.
    """

    def __init__(
        self, depth=6, channels=(64, 128, 256, 256, 256), num_blocks=3, num_decoders=2, abs_input=True, **kwargs
    ):
        super().__init__(**kwargs)
        coarsest = depth - len(channels) + 1
        if coarsest < 1:
            raise ValueError(f"channels has {len(channels)} entries, more than depth={depth} has depths above the root")
        width = {depth - i: c for i, c in enumerate(channels)}
        self.depth, self.coarsest, self.abs_input = depth, coarsest, abs_input

        def stage(entry, d, name):
            entry = entry(width[d], initializer=self.initializer, name="entry")
            return Stage(entry, width[d], num_blocks, initializer=self.initializer, name=f"{name}_{d}")

        self.encoder = [stage(ConvUnit, depth, "encoder")]
        self.encoder += [stage(DownUnit, d, "encoder") for d in range(depth - 1, coarsest - 1, -1)]
        self.decoders = [
            [stage(UpUnit, d, f"decoder{i}") for d in range(coarsest + 1, depth + 1)] for i in range(num_decoders)
        ]

    def at_points(self, points, octree, index, weight, training=False):
        """The features interpolated at points: index, weight [N, 8] are the octants around them -> [N, C] each."""
        return tuple(ops.octree_interpolate(x, index, weight) for x in self(octree, training=training))

    def call(self, octree, training=False):
        """An `ocnn_tf_ops.Octree` of depth D -> one [M_D, channels[0]] tensor per decoder."""
        encoded = self._encode(octree, training)
        return tuple(self._decode(decoder, encoded, octree, training) for decoder in self.decoders)

    def _encode(self, octree, training):
        x = tf.abs(octree.features) if self.abs_input else octree.features
        encoded = {}
        for d, stage in zip(range(self.depth, self.coarsest - 1, -1), self.encoder):
            table = octree.neighbors[d] if d == self.depth else octree.children[d]
            x = encoded[d] = stage(x, table, octree.neighbors[d], training=training)
        return encoded

    def _decode(self, decoder, encoded, octree, training):
        x = encoded[self.coarsest]
        for d, stage in zip(range(self.coarsest + 1, self.depth + 1), decoder):
            num_nonempty = tf.shape(octree.children[d])[0] // CHILDREN  # known without asking a GPU
            table = octree.children[d - 1], num_nonempty
            x = stage(x, table, octree.neighbors[d], skip=encoded[d], training=training)
        return x
