"""Rows by an index, of which -1 means "none": gathered, added up, their maximum, their weighted sum."""

import tensorflow as tf

from ocnn_tf_ops.python.loader import tf_ops
from ocnn_tf_ops.python.precision import wide_type


def gather_rows(x: tf.Tensor, index: tf.Tensor, once: bool = False) -> tf.Tensor:
    """x [N, C] float32, float64 or half, index [...] int32 -> [..., C]; rows of zeros for index -1.

    Args:
        once: the entries of index [M] other than -1 read 0, 1, ..., N - 1, as `Octree.children[d]` does: the rows of
            the non-empty octants become those of all octants. The gradient then moves rows and adds up none.

    Raises:
        tf.errors.InvalidArgumentError: an index is out of range, or with `once` not the next one.
    """
    return tf_ops().ocnn_gather_rows(x, index, once=once)


@tf.RegisterGradient("Ocnn>GatherRows")
def _gather_gradient(op, grad):
    x, index = op.inputs
    if op.get_attr("once"):
        return octree_depad(grad, index, tf.shape(x)[0]), None
    return tf_ops().ocnn_gather_rows_grad(grad, index, x), None


def octree_depad(x: tf.Tensor, children: tf.Tensor, num_nonempty: tf.Tensor | int | None = None) -> tf.Tensor:
    """Keeps the rows of the non-empty octants: x [M, C], children [M] int32 -> [M', C].

    The adjoint of `gather_rows(..., children, once=True)`. `num_nonempty` (int32, as tf.shape gives it) is M', an
    eighth of the octants of the next depth. Without it they are counted, and a GPU has to be waited for.
    """
    return tf_ops().ocnn_octree_depad(x, children, -1 if num_nonempty is None else num_nonempty)


@tf.RegisterGradient("Ocnn>OctreeDepad")
def _depad_gradient(op, grad):
    return gather_rows(grad, op.inputs[1], once=True), None, None


@tf.RegisterGradient("Ocnn>GatherRowsGrad")
def _gather_grad_gradient(op, grad):
    return gather_rows(grad, op.inputs[1]), None, None


def sum_rows(x: tf.Tensor, index: tf.Tensor, num_rows: tf.Tensor | int) -> tf.Tensor:
    """y[r] = sum of the rows of x whose index is r, in their order; the adjoint of `gather_rows`.

    Args:
        x: [..., C] float32, float64 or half.
        index: [...] int32, less than num_rows; rows of index -1 count nowhere.

    Returns:
        [num_rows, C].
    """
    x = tf.convert_to_tensor(x)
    return tf_ops().ocnn_gather_rows_grad(x, index, tf.zeros([num_rows, tf.shape(x)[-1]], x.dtype))


def neighbor_max(x: tf.Tensor, index: tf.Tensor) -> tf.Tensor:
    """The maximum over neighbors in every channel, without the [Q, K, C] tensor of gathered rows.

    Args:
        x: [N, C] float32, float64 or half.
        index: [Q, K] int32, rows of x; -1 is skipped.

    Returns:
        [Q, C]; 0 for a query without neighbors. The gradient goes to the first of equal maxima; there is no second one.
    """
    return tf_ops().ocnn_neighbor_max(x, index).y


@tf.RegisterGradient("Ocnn>NeighborMax")
def _neighbor_max_gradient(op, grad, _):
    return tf_ops().ocnn_neighbor_max_grad(grad, op.outputs[1], op.inputs[0]), None


def weighted_gather(x: tf.Tensor, index: tf.Tensor, weight: tf.Tensor) -> tf.Tensor:
    """y[q] = sum over k of weight[q, k] * x[index[q, k]], skipping index -1; differentiable in x alone.

    Interpolates with the tables of `octree_interpolation_table` and `three_neighbors`.

    Args:
        x: [N, C] float32, float64 or half.
        index: [Q, K] int32, in [-1, N).
        weight: [Q, K] float; used as float32 beside half features, else in the type of x.

    Returns:
        [Q, C] of the type of x.
    """
    x = tf.convert_to_tensor(x)
    return tf_ops().ocnn_weighted_gather(x, index, tf.cast(weight, wide_type(x.dtype)))


@tf.RegisterGradient("Ocnn>WeightedGather")
def _weighted_gradient(op, grad):
    x, index, weight = op.inputs
    return tf_ops().ocnn_weighted_gather_grad(grad, index, weight, x), None, None


@tf.RegisterGradient("Ocnn>WeightedGatherGrad")
def _weighted_grad_gradient(op, grad):
    _, index, weight, _ = op.inputs
    return weighted_gather(grad, index, weight), None, None, None
