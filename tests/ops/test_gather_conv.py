"""The convolution between two sets of sites: the reference, numerical Jacobians, its symmetric case, refusals."""

import numpy as np
import pytest
import tensorflow as tf
from ops.octree_checks import check_gradient, normal, reads_data

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import reference

pytestmark = pytest.mark.usefixtures("device")
InvalidArgument = tf.errors.InvalidArgumentError


def tables(seed: int, num_in: int, num_out: int, cells: int) -> tuple[np.ndarray, np.ndarray]:
    """A table [num_out, cells] that names no row twice in a column, and its adjoint [num_in, cells]."""
    rng = np.random.default_rng(seed)
    table, adjoint = np.full((num_out, cells), -1, np.int32), np.full((num_in, cells), -1, np.int32)
    for k in range(cells):
        pairs = int(rng.integers(min(num_in, num_out) + 1))
        rows, outputs = rng.permutation(num_in)[:pairs], rng.permutation(num_out)[:pairs]
        table[outputs, k], adjoint[rows, k] = rows, outputs
    return table, adjoint


@pytest.mark.parametrize("dtype,tolerance", [(np.float32, 1e-4), (np.float64, 1e-10)])
@pytest.mark.parametrize("num_in,num_out,cells", [(90, 33, 8), (33, 90, 8), (1, 1, 1), (0, 5, 8), (5, 0, 27)])
def test_equals_reference(dtype, tolerance, num_in, num_out, cells):
    table, adjoint = tables(0, num_in, num_out, cells)
    x, weights = normal(1, num_in, 5, dtype=dtype), normal(2, cells, 5, 17, dtype=dtype)
    expected = reference.gather_conv(x.numpy(), weights.numpy(), table)
    np.testing.assert_allclose(ops.gather_conv(x, weights, table, adjoint), expected, atol=tolerance)


def test_gradients():
    table, adjoint = tables(3, 7, 4, 8)
    assert (table >= 0).any() and (table < 0).any()
    check_gradient(lambda x, w: ops.gather_conv(x, w, table, adjoint), normal(1, 7, 2), normal(2, 8, 2, 3))


def test_second_derivatives():
    table, adjoint = tables(3, 6, 4, 8)

    def gradients(x, weights):
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            y = tf.reduce_sum(ops.gather_conv(x, weights, table, adjoint) ** 3)
        return tf.concat([tf.reshape(g, [-1]) for g in tape.gradient(y, [x, weights])], axis=0)

    theoretical, numerical = tf.test.compute_gradient(gradients, [normal(1, 6, 1), normal(2, 8, 1, 2)])
    for got, want in zip(theoretical, numerical):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


def test_symmetric_table_needs_no_adjoint():
    """A line of five sites, each with itself and those beside it."""
    table = np.array([[i - 1, i, i + 1 if i < 4 else -1] for i in range(5)], np.int32)
    x, weights = normal(1, 5, 2), normal(2, 3, 2, 4)
    with_adjoint = lambda x, w: ops.gather_conv(x, w, table, np.ascontiguousarray(table[:, ::-1]))  # noqa: E731
    np.testing.assert_allclose(ops.gather_conv(x, weights, table), with_adjoint(x, weights), atol=1e-12)
    check_gradient(lambda x, w: ops.gather_conv(x, w, table), x, weights)
    check_gradient(with_adjoint, x, weights)


def test_static_shapes_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None, 8], tf.int32)])
    def conv(x, table):
        y = ops.gather_conv(x, tf.ones([8, 4, 6]), table, tf.fill([tf.shape(x)[0], 8], -1))
        assert y.shape.as_list() == [None, 6]
        return y

    assert conv(tf.ones([2, 4]), tf.fill([3, 8], 1)).numpy().tolist() == [[8 * 4] * 6] * 3


@pytest.mark.parametrize(
    "change,message",
    [
        ({"weights": tf.zeros([27, 2, 3])}, r"table has shape \[4,8\]; expected \[Q, K\] with K = 27"),
        ({"adjoint": tf.zeros([4, 8], tf.int32)}, r"adjoint has shape \[4,8\]; expected \[M, K\] with M = 6, K = 8"),
        reads_data({"table": tf.fill([4, 8], 6)}, r"table holds the index 6 at position 0; expected .* 0 to 5"),
    ],
)
def test_malformed(change, message):
    good = {"x": tf.zeros([6, 2]), "weights": tf.zeros([8, 2, 3])}
    good |= {"table": tf.zeros([4, 8], tf.int32), "adjoint": tf.fill([6, 8], -1)}
    with pytest.raises(InvalidArgument, match=message):
        ops.gather_conv(**good | change)
