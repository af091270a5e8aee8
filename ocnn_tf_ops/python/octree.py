"""Building octrees: keys, children, neighbors and input features of a batch of point clouds.

Conventions (O-CNN's): the box is [-1, 1]^3; an octant's children are numbered 4x + 2y + z; the octants of a depth are
sorted by shape, then by Morton code. See README.md.
"""

import tensorflow as tf

from ocnn_tf_ops.python.loader import tf_ops
from ocnn_tf_ops.python.splits import int32_splits
from ocnn_tf_ops.python.structure import Octree

tf.no_gradient("Ocnn>OctreeBuild")
tf.no_gradient("Ocnn>OctreeNeighbors")

MAX_DEPTH = 16


def octree_build(
    xyz: tf.Tensor,
    normals: tf.Tensor | None,
    row_splits: tf.Tensor,
    depth: int,
    full_depth: int = 2,
    features: tf.Tensor | None = None,
) -> Octree:
    """Builds the octrees of a batch of point clouds.

    Args:
        xyz: [N, 3] float32, the points of all shapes one after the other; outside [-1, 1] they count to the outermost
            octants.
        normals: [N, 3] float32 of unit length, or None.
        row_splits: [B + 1] int32 or int64; shape b owns the points row_splits[b]:row_splits[b + 1], at least one.
        depth: D, of the finest octants, 1..16; their edge is 2^(1 - D).
        full_depth: layers 0..full_depth hold all 8^d octants of every shape.
        features: [N, F] float32, further features of the points, or None.

    Returns:
        An Octree with C = 4 + F features. With normals, the first four are the averaged unit normal n and
        1.1547 * dot(d, n), where d is the octant's mean point less its center in voxels; without, d and the constant
        1.1547. Then the mean of `features`.

    Raises:
        tf.errors.InvalidArgumentError: malformed tensors, a shape without points, NaN or infinite coordinates,
            normals or features, depths out of range.
    """
    layers = tf_ops().ocnn_octree_build(
        xyz,
        int32_splits(row_splits),
        [] if normals is None else [normals],
        [] if features is None else [features],
        num_depths=_num_depths(depth),
        full_depth=full_depth,
    )
    neighbors = tf_ops().ocnn_octree_neighbors(layers.children, full_depth=full_depth)
    return Octree(tuple(layers.keys), tuple(layers.children), tuple(neighbors), layers.node_features)


def octree_neighbors(children: tuple[tf.Tensor, ...], full_depth: int = 2) -> tuple[tf.Tensor, ...]:
    """The neighbor tables [M_d, 27] int32 of every depth, from the children [M_d] int32 of every depth."""
    return tuple(tf_ops().ocnn_octree_neighbors(children, full_depth=full_depth))


def _num_depths(depth: int) -> int:
    if not 1 <= depth <= MAX_DEPTH:
        raise tf.errors.InvalidArgumentError(None, None, f"depth = {depth} is out of range; expected 1 to {MAX_DEPTH}")
    return depth + 1
