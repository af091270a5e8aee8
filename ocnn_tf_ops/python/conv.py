"""Octree convolutions: 3x3x3, 2x2x2 with stride 2, and the transposed 2x2x2; and the convolution over any table.

Empty octants take part like any others; neighbors that do not exist count as 0; there is no bias. Kernel cell k of a
3x3x3 kernel is the offset (dx, dy, dz) with k = 9(dx+1) + 3(dy+1) + dz+1; of a 2x2x2 kernel the child 4x + 2y + z.
"""

import tensorflow as tf

from ocnn_tf_ops.python.gather import gather_rows, octree_depad
from ocnn_tf_ops.python.loader import tf_ops

CHILDREN = 8


def octree_conv(x: tf.Tensor, weights: tf.Tensor, neighbors: tf.Tensor) -> tf.Tensor:
    """y[m] = sum over k of x[neighbors[m, k]] @ weights[k].

    Args:
        x: [M, Cin] float32, float64 or half.
        weights: [27, Cin, Cout] of the same type.
        neighbors: [M, 27] int32 (`Octree.neighbors[d]`). The gradient relies on its symmetry: if j is neighbor k of m,
            m is neighbor 26 - k of j.

    Returns:
        [M, Cout].

    Raises:
        tf.errors.InvalidArgumentError: sizes do not agree, or a neighbor is out of range.
    """
    return tf_ops().ocnn_octree_conv(x, weights, neighbors)


def _mirror(weights: tf.Tensor) -> tf.Tensor:
    """The kernel of the gradient with respect to x."""
    return tf.reverse(tf.transpose(weights, [0, 2, 1]), axis=[0])


@tf.RegisterGradient("Ocnn>OctreeConv")
def _conv_gradient(op, grad):
    x, weights, neighbors = op.inputs
    grad_weights = tf_ops().ocnn_octree_conv_grad_weights(x, grad, neighbors)
    with tf.control_dependencies([grad_weights]):
        return octree_conv(grad, _mirror(weights), neighbors), grad_weights, None


@tf.RegisterGradient("Ocnn>OctreeConvGradWeights")
def _conv_grad_weights_gradient(op, grad):
    x, grad_y, neighbors = op.inputs
    return octree_conv(grad_y, _mirror(grad), neighbors), octree_conv(x, grad, neighbors), None


def octree_downsample_conv(x: tf.Tensor, weights: tf.Tensor, parent_children: tf.Tensor) -> tf.Tensor:
    """2x2x2 convolution with stride 2, depth d -> d - 1; octants that are empty at depth d - 1 get 0.

    Args:
        x: [M_d, Cin] float32, float64 or half.
        weights: [8, Cin, Cout] of the same type.
        parent_children: [M_(d-1)] int32, the children of depth d - 1 (`Octree.children[d - 1]`).

    Returns:
        [M_(d-1), Cout].
    """
    cin, cout = weights.shape[1], weights.shape[2]
    groups = tf.reshape(x, [-1, CHILDREN * cin])
    return gather_rows(groups @ tf.reshape(weights, [CHILDREN * cin, cout]), parent_children, once=True)


def octree_upsample_conv(
    x: tf.Tensor, weights: tf.Tensor, children: tf.Tensor, num_nonempty: tf.Tensor | int | None = None
) -> tf.Tensor:
    """Transposed 2x2x2 convolution with stride 2, depth d -> d + 1: child k of octant h is x[h] @ weights[k].

    Args:
        x: [M_d, Cin] float32, float64 or half; the rows of empty octants, having no children, are not used.
        weights: [8, Cin, Cout] of the same type.
        children: [M_d] int32, the children of depth d (`Octree.children[d]`).
        num_nonempty: M_(d+1) / 8; counted if not given (see `octree_depad`).

    Returns:
        [M_(d+1), Cout].
    """
    cin, cout = weights.shape[1], weights.shape[2]
    stacked = tf.reshape(tf.transpose(weights, [1, 0, 2]), [cin, CHILDREN * cout])
    return tf.reshape(octree_depad(x, children, num_nonempty) @ stacked, [-1, cout])


def gather_conv(x: tf.Tensor, weights: tf.Tensor, table: tf.Tensor, adjoint: tf.Tensor | None = None) -> tf.Tensor:
    """y[q] = sum over k of x[table[q, k]] @ weights[k]: a convolution between two sets of sites.

    Args:
        x: [M, Cin] float32, float64 or half.
        weights: [K, Cin, Cout] of the same type.
        table: [Q, K] int32, rows of x, -1 = none; no row twice in a column.
        adjoint: [M, K] int32, the table read backward: adjoint[m, k] = q where table[q, k] = m, -1 where there is no
            such q. The gradient with respect to x goes through it. None: a table between the sites of one set that is
            symmetric, as `octree_conv` wants it, and needs no other.

    Returns:
        [Q, Cout].

    Raises:
        tf.errors.InvalidArgumentError: sizes do not agree, or an entry of the table is out of range.
    """
    if adjoint is None:
        return octree_conv(x, weights, table)
    return tf_ops().ocnn_gather_conv(x, weights, table, adjoint)


def _transpose(weights: tf.Tensor) -> tf.Tensor:
    return tf.transpose(weights, [0, 2, 1])


@tf.RegisterGradient("Ocnn>GatherConv")
def _gather_conv_gradient(op, grad):
    x, weights, table, adjoint = op.inputs
    grad_weights = tf_ops().ocnn_gather_conv_grad_weights(x, grad, table, adjoint)
    with tf.control_dependencies([grad_weights]):
        return gather_conv(grad, _transpose(weights), adjoint, table), grad_weights, None, None


@tf.RegisterGradient("Ocnn>GatherConvGradWeights")
def _gather_conv_grad_weights_gradient(op, grad):
    x, grad_y, table, adjoint = op.inputs
    grad_x = gather_conv(grad_y, _transpose(grad), adjoint, table)
    return grad_x, gather_conv(x, grad, table, adjoint), None, None
