"""The sparse U-Net of PointGroup, HAIS and DyCo3D: voxels that hold points, seven levels, concatenated skips."""

import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.settings import SparseUNetSettings
from instance_seg.backbones.sparse_layers import DECAY, EPSILON, SparseConv, SparseDecoder, SparseEncoder
from instance_seg.layers import BatchNorm, Composite
from instance_seg.structures import Points

MAX_DEPTH = 16
LEAST_EXTENT = 128  # of the published programs' grids, in voxels


class SparseUNet(Composite):
    """Features of every voxel, once per decoder; points of a voxel share them.

    Args:
        voxel_edge: in the unit of the points.
        channels: width of every level, finest first.
        num_blocks: residual blocks of a level, on the way down and on the way up.
        num_decoders: decoders, each with weights of its own.
        attention_levels: coarsest levels whose voxels attend to each other (DyCo3D: 2).
        odd_extents: "keep", or "drop" the last layer of voxels where an odd grid becomes coarser, as spconv does.
    """

    def __init__(
        self,
        voxel_edge=0.02,
        channels=(16, 32, 48, 64, 80, 96, 112),
        num_blocks=2,
        num_decoders=1,
        attention_levels=0,
        odd_extents="keep",
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.voxel_edge, self.num_levels, self.odd_extents = voxel_edge, len(channels), odd_extents
        settings = {"initializer": self.initializer}
        self.stem = SparseConv(channels[0], name="stem", **settings)
        self.encoder = SparseEncoder(channels, num_blocks, name="encoder", **settings)
        decoders = range(num_decoders)
        self.decoders = [
            SparseDecoder(channels, num_blocks, attention_levels, name=f"decoder{i}", **settings) for i in decoders
        ]
        self.norms = [BatchNorm("relu", epsilon=EPSILON, decay=DECAY, name=f"norm{i}") for i in decoders]

    @classmethod
    def from_settings(cls, settings: SparseUNetSettings, directions: int = 0, **kwargs) -> "SparseUNet":
        """The backbone of these settings; directions are features as others are, further arguments as above."""
        s = settings
        own = {"attention_levels": s.attention_levels, "odd_extents": s.odd_extents}
        return cls(s.voxel_edge, s.sparse_channels, s.sparse_blocks, **own, **kwargs)

    def tables(self, cloud: Points, points: Points) -> ops.SparseVoxels:
        """The voxels of the labeled `points`, from the least coordinates of each cloud on.

        The features of a voxel are the means of its points' features and coordinates. Where all points are labeled, it
        is those of `cloud` that lie in voxels: augmentation may have distorted them, and nothing else.
        """
        all_labeled = tf.equal(tf.shape(cloud.xyz)[0], tf.shape(points.xyz)[0])
        num_clouds = tf.size(points.row_splits) - 1
        cloud_of = tf.repeat(tf.range(num_clouds), points.row_splits[1:] - points.row_splits[:-1])
        scaled = tf.cond(all_labeled, lambda: cloud.xyz, lambda: points.xyz) / self.voxel_edge
        voxels = tf.cast(
            scaled - tf.gather(tf.math.unsorted_segment_min(scaled, cloud_of, num_clouds), cloud_of), tf.int32
        )
        extent = tf.maximum(tf.reduce_max(voxels, axis=0) + 1, LEAST_EXTENT) if self.odd_extents == "drop" else None
        features = tf.concat([points.features, points.xyz], axis=1)
        return ops.sparse_voxels(voxels, points.row_splits, MAX_DEPTH, self.num_levels, features, extent)

    def at_points(self, points: Points, tables: ops.SparseVoxels, training=False):
        """The features of the points' voxels: [N, C] per decoder."""
        return tuple(ops.gather_rows(x, tables.point_voxel) for x in self(tables, training=training))

    def call(self, tables, training=False):
        """`ocnn_tf_ops.SparseVoxels` -> one [V_0, channels[0]] tensor per decoder."""
        encoded = self.encoder(self.stem(tables.features, tables.neighbors[0]), tables, training=training)
        decoded = [decoder(encoded, tables, training=training) for decoder in self.decoders]
        return tuple(norm(x, training=training) for norm, x in zip(self.norms, decoded))
