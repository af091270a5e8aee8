"""Between all octants of a depth and its non-empty ones: `octree_pad` and `octree_depad`, each the other's gradient."""

import tensorflow as tf

from ocnn_tf_ops.python.loader import tf_ops


def octree_pad(x: tf.Tensor, children: tf.Tensor) -> tf.Tensor:
    """Spreads the rows of the non-empty octants over all octants of the depth; empty ones get 0.

    Args:
        x: [M', C] float32, float64 or half, a row for every octant with children >= 0.
        children: [M] int32 of the depth (`Octree.children[d]`).

    Returns:
        [M, C].
    """
    return tf_ops().ocnn_octree_pad(x, children)


def octree_depad(x: tf.Tensor, children: tf.Tensor, num_nonempty: tf.Tensor | int | None = None) -> tf.Tensor:
    """Keeps the rows of the non-empty octants: x [M, C], children [M] int32 -> [M', C].

    `num_nonempty` (int32, as tf.shape gives it) is M', an eighth of the octants of the next depth. Without it they are
    counted, and a GPU has to be waited for.
    """
    return tf_ops().ocnn_octree_depad(x, children, -1 if num_nonempty is None else num_nonempty)


@tf.RegisterGradient("Ocnn>OctreePad")
def _pad_gradient(op, grad):
    x, children = op.inputs
    return octree_depad(grad, children, tf.shape(x)[0]), None


@tf.RegisterGradient("Ocnn>OctreeDepad")
def _depad_gradient(op, grad):
    return octree_pad(grad, op.inputs[1]), None, None
