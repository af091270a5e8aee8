"""The small U-Net that sees every group of points on a grid of voxels of its own (PointGroup's ScoreNet)."""

from typing import NamedTuple

import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.sparse_layers import DECAY, EPSILON, SparseDecoder, SparseEncoder
from instance_seg.grouping.groups import Groups, splits_to_ids
from instance_seg.grouping.voxels import draws_of_clouds, group_grids
from instance_seg.layers import BatchNorm, Composite
from instance_seg.structures import Points, Tensor


class GroupVoxels(NamedTuple):
    """The voxels of all groups, group after group."""

    features: Tensor  # [V, C]
    group: Tensor  # [V] int32, ascending
    of_entry: Tensor  # [T] int32, the voxel of each entry of the groups


class GroupUNet(Composite):
    """Features of the voxels of groups: two levels, then normalization and ReLU.

    Args:
        width: of the finer level; the coarser has twice as many channels.
        grid_size: cells along an axis of a group's grid.
        grid_scale: most cells per unit of the coordinates.
        grid_seed: of where a group lies in its grid.
    """

    def __init__(self, width: int, grid_size: int, grid_scale: float, grid_seed: int, **kwargs):
        super().__init__(**kwargs)
        self.width, self.grid_size, self.grid_scale, self.grid_seed = width, grid_size, grid_scale, grid_seed
        widths, made = (width, 2 * width), {"initializer": self.initializer}
        self.encoder = SparseEncoder(widths, **made, name="encoder")
        self.decoder = SparseDecoder(widths, **made, name="decoder")
        self.norm = BatchNorm("relu", epsilon=EPSILON, decay=DECAY, name="norm")

    def call(self, features, points: Points, groups: Groups, training=False) -> GroupVoxels:
        """features [N, width] of `points`, which get gradient; where the voxels lie does not."""
        if features.shape[1] != self.width:
            raise ValueError(f"head_width={self.width}: want the width of the backbone's features, {features.shape[1]}")
        clouds = tf.gather(splits_to_ids(points.row_splits), tf.gather(groups.points, groups.row_splits[:-1]))
        draws = tf.gather(draws_of_clouds(points.xyz, points.row_splits, self.grid_seed), clouds)
        cells = group_grids(points.xyz, groups, draws, self.grid_size, self.grid_scale).voxels
        depth = (self.grid_size - 1).bit_length()
        own = tf.gather(features, groups.points)
        voxels = ops.sparse_voxels(cells, groups.row_splits, depth, 2, own)
        x = self.decoder(self.encoder(voxels.features, voxels, training=training), voxels, training=training)
        x = self.norm(x, training=training)
        return GroupVoxels(x, splits_to_ids(voxels.row_splits[0]), voxels.point_voxel)
