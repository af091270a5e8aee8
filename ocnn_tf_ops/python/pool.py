"""Max pooling over the eight siblings of a group, and its inverse on the mask of positions.

All eight siblings take part, empty ones included; of equal values the first wins.
"""

import tensorflow as tf

from ocnn_tf_ops.python.gather import gather_rows, octree_depad
from ocnn_tf_ops.python.loader import tf_ops


def octree_max_pool(x: tf.Tensor, parent_children: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Depth d -> d - 1; octants that are empty at depth d - 1 get 0.

    Args:
        x: [M_d, C] float32, float64 or half.
        parent_children: [M_(d-1)] int32, the children of depth d - 1 (`Octree.children[d - 1]`).

    Returns:
        y [M_(d-1), C]; mask [M_d / 8, C] int32, the octant of depth d every maximum came from.
    """
    pooled = tf_ops().ocnn_octree_max_pool(x)
    return gather_rows(pooled.y, parent_children, once=True), pooled.mask


def octree_max_unpool(x: tf.Tensor, mask: tf.Tensor, parent_children: tf.Tensor) -> tf.Tensor:
    """Depth d - 1 -> d: every value goes back to where its maximum came from, 0 elsewhere.

    Args:
        x: [M_(d-1), C] float32, float64 or half; the rows of empty octants are not used.
        mask: [M_d / 8, C] int32, of `octree_max_pool`.
        parent_children: [M_(d-1)] int32, the children of depth d - 1.

    Returns:
        [M_d, C].
    """
    return tf_ops().ocnn_octree_max_unpool(octree_depad(x, parent_children, tf.shape(mask)[0]), mask)


@tf.RegisterGradient("Ocnn>OctreeMaxPool")
def _pool_gradient(op, grad, _):
    return tf_ops().ocnn_octree_max_unpool(grad, op.outputs[1])


@tf.RegisterGradient("Ocnn>OctreeMaxUnpool")
def _unpool_gradient(op, grad):
    return tf_ops().ocnn_octree_max_pick(grad, op.inputs[1]), None


@tf.RegisterGradient("Ocnn>OctreeMaxPick")
def _pick_gradient(op, grad):
    return tf_ops().ocnn_octree_max_unpool(grad, op.inputs[1]), None
