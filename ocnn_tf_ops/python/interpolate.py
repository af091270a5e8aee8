"""Tables of trilinear interpolation of octant features at points; features live at octant centers.

The eight octants around a point and their weights do not depend on the features: `octree_interpolation_table` finds
them once a batch, `weighted_gather` uses them for every feature map of the finest depth.
"""

import tensorflow as tf

from ocnn_tf_ops.python.loader import tf_ops
from ocnn_tf_ops.python.splits import int32_splits

tf.no_gradient("Ocnn>OctreeInterpolationTable")


def octree_interpolation_table(
    xyz: tf.Tensor, row_splits: tf.Tensor, keys: tf.Tensor, depth: int, edge_mode: str = "missing"
) -> tuple[tf.Tensor, tf.Tensor]:
    """The eight octants around every point and their weights.

    Args:
        xyz: [N, 3] float32; points outside [-1, 1] are moved to the nearest face.
        row_splits: [B + 1] int32 or int64; shape b owns the points row_splits[b]:row_splits[b + 1].
        keys: [M] int64, of the depth (`Octree.keys[depth]`).
        depth: 1..16.
        edge_mode: "missing" leaves out corners beyond the box. "wrap" does as the released O-CNN on a GPU: it reads the
            opposite face at the upper side and shifts the corners at the lower one; only to compare with it.

    Returns:
        index [N, 8] int32, -1 where there is no such octant; weight [N, 8] float32, 0 there, else summing to 1. Empty
        octants take part.
    """
    splits = int32_splits(row_splits)
    table = tf_ops().ocnn_octree_interpolation_table(xyz, splits, keys, depth=depth, edge_mode=edge_mode)
    return table.index, table.weight
