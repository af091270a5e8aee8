"""The small U-Net that sees every group of points on a grid of voxels of its own (PointGroup's ScoreNet)."""

from typing import NamedTuple

import tensorflow as tf

import ocnn_tf_ops as ops
from instance_seg.backbones.sparse_layers import DECAY, EPSILON, SparseDecoder, SparseEncoder
from instance_seg.clustering.components import Groups, splits_to_ids
from instance_seg.layers import BatchNorm, Composite
from instance_seg.structures import Points, Tensor

_ROOM = 0.001  # voxels that stay free at the far side of the grid
_SHRINK = 0.01  # what a scale that fills the grid is reduced by, voxels per meter


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


class Grids(NamedTuple):
    """The cells of the entries of groups, each group in a cube of its own."""

    voxels: Tensor  # [T, 3] int32, in [0, size)
    scale: Tensor  # [P] float32, voxels per unit of the coordinates
    shift: Tensor  # [P, 3] float32, voxels


def group_grids(xyz: tf.Tensor, groups: Groups, draws: tf.Tensor, size: int, max_scale: float) -> Grids:
    """Scales every group, but not beyond `max_scale`, so that it fits into size^3 cells, and puts it into the cube.

    Args:
        xyz: [N, 3] float32, points of the batch, not shifted.
        draws: [P, 3] float32 in [0, 1), where in the room that is left each group goes.
        size: cells along an axis.
        max_scale: voxels per unit.
    """
    ids, count = groups.of_entry(), tf.size(groups.row_splits) - 1
    entries = tf.gather(tf.stop_gradient(xyz), groups.points)
    entries -= tf.gather(tf.math.unsorted_segment_mean(entries, ids, count), ids)
    low, high = tf.math.segment_min(entries, ids), tf.math.segment_max(entries, ids)
    extent = tf.reduce_max((high - low) / size, axis=1)
    scale = tf.minimum(1.0 / extent - _SHRINK, max_scale)  # a single place has none: 1 / 0 is infinite
    low, high = low * scale[:, None], high * scale[:, None]
    shift = tf.maximum(size - (high - low) - _ROOM, 0.0) * draws - low
    cells = entries * tf.gather(scale, ids)[:, None] + tf.gather(shift, ids)
    return Grids(tf.clip_by_value(tf.cast(cells, tf.int32), 0, size - 1), scale, shift)


def draws_of_clouds(xyz: tf.Tensor, row_splits: tf.Tensor, seed: int) -> tf.Tensor:
    """[B, 3] float32 in [0, 1), drawn from the seed and the coordinates of each cloud alone.

    So a cloud gets the same numbers in every evaluation and in every batch, and others whenever it is augmented anew.
    """
    count = row_splits.shape[0] - 1
    bits = tf.reduce_sum(tf.bitcast(xyz, tf.int32), axis=1)  # wraps around
    keys = tf.math.unsorted_segment_sum(bits, splits_to_ids(row_splits), count)
    return tf.stack([tf.random.stateless_uniform([3], [seed, keys[b]]) for b in range(count)])
