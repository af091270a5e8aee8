"""Groups of points as small voxel grids of their own, the input of the networks that judge them (PointGroup)."""

from typing import NamedTuple

import tensorflow as tf

from instance_seg.grouping.groups import Groups, splits_to_ids
from instance_seg.structures import Tensor

_ROOM = 0.001  # voxels that stay free at the far side of the grid
_SHRINK = 0.01  # what a scale that fills the grid is reduced by, voxels per meter


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
