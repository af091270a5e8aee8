"""The octree U-Net: one encoder, decoders that start from its coarsest features (paper, Section 3.1, Appendix A)."""

from typing import NamedTuple

import keras
import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.settings import OctreeUNetSettings
from instance_seg.layers import Composite
from instance_seg.octree.units import CHILDREN, ConvUnit, DownUnit, ResBlock, UpUnit
from instance_seg.structures import Points, Tensor

SIGNAL = 4  # the features of an octant begin with a direction and a displacement


class OctreeTables(NamedTuple):
    """Where the points of a batch lie among the octants."""

    octree: ops.Octree  # of all points of the clouds
    index: Tensor  # [N, 8] int32, the finest octants around each labeled point, -1 = missing
    weight: Tensor  # [N, 8] float32, their trilinear weights, 0 where missing, summing to 1


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
        abs_input: take the absolute value of normal and displacement, as the released program does.
        full_depth: of the octrees of `tables`: every octant down to this depth exists.
        edge_mode: what interpolation makes of corners outside of the cube: "missing", or "wrap" (released program).
        half_edge: of the cube, in the unit of the points.
        directions: with one or more, the first three features of a point are its normal (see Task); the others are
            averaged in each octant.
    """

    def __init__(
        self,
        depth=6,
        channels=(64, 128, 256, 256, 256),
        num_blocks=3,
        num_decoders=2,
        abs_input=True,
        full_depth=2,
        edge_mode="missing",
        half_edge=1.0,
        directions=1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        coarsest = depth - len(channels) + 1
        if coarsest < 1:
            raise ValueError(f"channels has {len(channels)} entries, more than depth={depth} has depths above the root")
        width = {depth - i: c for i, c in enumerate(channels)}
        self.depth, self.coarsest, self.abs_input = depth, coarsest, abs_input
        self.full_depth, self.edge_mode, self.half_edge, self.directions = full_depth, edge_mode, half_edge, directions

        def stage(entry, d, name):
            entry = entry(width[d], initializer=self.initializer, name="entry")
            return Stage(entry, width[d], num_blocks, initializer=self.initializer, name=f"{name}_{d}")

        self.encoder = [stage(ConvUnit, depth, "encoder")]
        self.encoder += [stage(DownUnit, d, "encoder") for d in range(depth - 1, coarsest - 1, -1)]
        self.decoders = [
            [stage(UpUnit, d, f"decoder{i}") for d in range(coarsest + 1, depth + 1)] for i in range(num_decoders)
        ]

    @classmethod
    def from_settings(cls, settings: OctreeUNetSettings, **kwargs) -> "OctreeUNet":
        """The backbone of these settings; further arguments as above."""
        s = settings
        return cls(
            s.depth, s.channels, s.num_blocks, abs_input=s.abs_input, full_depth=s.full_depth, edge_mode=s.edge_mode,
            half_edge=s.half_edge, **kwargs,
        )  # fmt: skip

    def tables(self, cloud: Points, points: Points) -> OctreeTables:
        """The octree of all points `cloud`, and the interpolation table of the labeled `points`."""
        normals, others = (cloud.features[:, :3], cloud.features[:, 3:]) if self.directions else (None, cloud.features)
        xyz, others = cloud.xyz / self.half_edge, others if others.shape[1] else None
        octree = ops.octree_build(xyz, normals, cloud.row_splits, self.depth, self.full_depth, others)
        table = ops.octree_interpolation_table(
            points.xyz / self.half_edge, points.row_splits, octree.keys[self.depth], self.depth, self.edge_mode
        )
        return OctreeTables(octree, *table)

    def at_points(self, points: Points, tables: OctreeTables, training=False):
        """The features interpolated at the points: [N, C] per decoder."""
        features = self(tables.octree, training=training)
        return tuple(ops.weighted_gather(x, tables.index, tables.weight) for x in features)

    def call(self, octree, training=False):
        """An `ocnn_tf_ops.Octree` of depth D -> one [M_D, channels[0]] tensor per decoder."""
        encoded = self._encode(octree, training)
        return tuple(self._decode(decoder, encoded, octree, training) for decoder in self.decoders)

    def _encode(self, octree, training):
        x = octree.features
        if self.abs_input:
            x = tf.concat([tf.abs(x[:, :SIGNAL]), x[:, SIGNAL:]], axis=1)
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
