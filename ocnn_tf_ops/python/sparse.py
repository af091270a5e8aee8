"""Sparse voxels: those of a grid that hold points, those of ever coarser grids, and what convolutions look up."""

import tensorflow as tf

from ocnn_tf_ops.python.gather import sum_rows
from ocnn_tf_ops.python.loader import tf_ops
from ocnn_tf_ops.python.splits import int32_splits
from ocnn_tf_ops.python.structure import SparseVoxels

tf.no_gradient("Ocnn>SparseVoxels")


def sparse_voxels(
    voxels: tf.Tensor,
    row_splits: tf.Tensor,
    depth: int,
    num_levels: int,
    features: tf.Tensor,
    extent: tf.Tensor | None = None,
) -> SparseVoxels:
    """The voxels that the points of a batch lie in, and `num_levels` grids, each twice as coarse as the one before.

    A stride-2 convolution from level l to l + 1 is `gather_conv(x, weights, children[l], parents[l])`, its inverse
    `gather_conv(x, weights, parents[l], children[l])`, a submanifold convolution `gather_conv(x, weights,
    neighbors[l])`. Cells are those of a dense convolution: the input at 2 * output + (i, j, k), and at output +
    (i, j, k) - 1.

    Args:
        voxels: [N, 3] int32 in [0, 2^depth), the voxel of each point.
        row_splits: [B + 1] int32 or int64; shape b owns the points row_splits[b]:row_splits[b + 1]. Shapes may be
            without points, and B may be 0.
        depth: 1..16.
        num_levels: 1..depth + 1.
        features: [N, F] float32, float64 or half, averaged in each voxel; differentiable.
        extent: [3] int32, the size of the finest grid. Where it is given, level l ends at extent // 2^l: an odd grid
            loses its last layer on the way to the next, as in spconv. None: nothing is lost.

    Raises:
        tf.errors.InvalidArgumentError: sizes do not agree, a voxel is out of range.
    """
    found = tf_ops().ocnn_sparse_voxels(
        voxels, int32_splits(row_splits), depth=depth, num_levels=num_levels, num_coarser=num_levels - 1
    )
    tables = SparseVoxels(
        None, found.point_voxel, *map(tuple, (found.coordinates, found.level_splits, found.neighbors)),
        tuple(found.children), tuple(found.parents),
    )  # fmt: skip
    if extent is not None:
        tables = _cut(tables, extent)
    return tables._replace(features=_voxel_means(features, tables.point_voxel, tf.shape(tables.coordinates[0])[0]))


def _voxel_means(features, point_voxel, num_voxels):
    """[V, F]; the gradient goes to each point of a voxel in equal parts."""
    total = sum_rows(features, point_voxel, num_voxels)
    count = tf.math.bincount(tf.maximum(point_voxel, 0), minlength=num_voxels, maxlength=num_voxels)
    return total / tf.cast(count, total.dtype)[:, None]


def _cut(tables: SparseVoxels, extent: tf.Tensor) -> SparseVoxels:
    """Without the voxels that are beyond the extent of their level."""
    kept = [tf.reduce_all(c < tf.bitwise.right_shift(extent, l), axis=1) for l, c in enumerate(tables.coordinates)]
    counts = [tf.cumsum(tf.cast(k, tf.int32)) for k in kept]
    places = [tf.where(k, count - 1, -1) for k, count in zip(kept, counts)]

    def renumber(table, level):  # rows of `level`
        return tf.where(table < 0, -1, tf.gather(places[level], tf.maximum(table, 0)))

    def cut(table, own, level):
        return renumber(tf.boolean_mask(table, kept[own]), level)

    levels = range(len(kept))
    return SparseVoxels(
        tables.features,
        renumber(tables.point_voxel, 0),
        tuple(tf.boolean_mask(c, k) for c, k in zip(tables.coordinates, kept)),
        tuple(tf.gather(tf.pad(counts[l], [[1, 0]]), tables.row_splits[l]) for l in levels),
        tuple(cut(tables.neighbors[l], l, l) for l in levels),
        tuple(cut(tables.children[l], l + 1, l) for l in levels[:-1]),
        tuple(cut(tables.parents[l], l, l + 1) for l in levels[:-1]),
    )
