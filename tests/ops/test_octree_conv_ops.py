"""The three convolutions: dense TensorFlow convolutions on full octrees, the reference, gradients, refusals."""

import numpy as np
import pytest
import tensorflow as tf
from ops.octree_checks import check_gradient, full_octree, normal, random_octree

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import reference

pytestmark = pytest.mark.usefixtures("device")
InvalidArgument = tf.errors.InvalidArgumentError


def to_dense(x, raster):
    return tf.gather(x, raster)


@pytest.mark.parametrize("depth,num_shapes", [(1, 3), (3, 2)])
def test_conv_on_full_octree_is_dense_conv3d(depth, num_shapes):
    octree, raster = full_octree(depth, num_shapes)
    x, weights = normal(0, num_shapes * 8**depth, 3), normal(1, 27, 3, 5)
    y = to_dense(ops.octree_conv(x, weights, octree.neighbors[depth]), raster[depth])
    kernel = tf.reshape(weights, [3, 3, 3, 3, 5])
    np.testing.assert_allclose(y, tf.nn.conv3d(to_dense(x, raster[depth]), kernel, [1] * 5, "SAME"), atol=1e-12)


def test_downsample_on_full_octree_is_dense_conv3d():
    octree, raster = full_octree(3, 2)
    x, weights = normal(0, 2 * 8**3, 3), normal(1, 8, 3, 5)
    y = to_dense(ops.octree_downsample_conv(x, weights, octree.children[2]), raster[2])
    kernel = tf.reshape(weights, [2, 2, 2, 3, 5])
    expected = tf.nn.conv3d(to_dense(x, raster[3]), kernel, [1, 2, 2, 2, 1], "VALID")
    np.testing.assert_allclose(y, expected, atol=1e-12)


def test_upsample_on_full_octree_is_dense_transposed_conv3d():
    octree, raster = full_octree(3, 2)
    x, weights = normal(0, 2 * 8**2, 3), normal(1, 8, 3, 5)
    y = to_dense(ops.octree_upsample_conv(x, weights, octree.children[2]), raster[3])
    kernel = tf.reshape(tf.transpose(weights, [0, 2, 1]), [2, 2, 2, 5, 3])
    dense = to_dense(x, raster[2])
    expected = tf.nn.conv3d_transpose(dense, kernel, [2, 8, 8, 8, 5], [1, 2, 2, 2, 1], "VALID")
    np.testing.assert_allclose(y, expected, atol=1e-12)


@pytest.mark.parametrize("dtype,tolerance", [(np.float32, 1e-4), (np.float64, 1e-10)])
@pytest.mark.parametrize("cin,cout", [(1, 1), (3, 17), (16, 8)])
def test_sparse_octree_equals_reference(dtype, tolerance, cin, cout):
    _, _, octree = random_octree(0, (800, 1, 90), 5)
    x = normal(1, len(octree.keys[5]), cin, dtype=dtype)
    w27, w8 = normal(2, 27, cin, cout, dtype=dtype), normal(3, 8, cin, cout, dtype=dtype)
    neighbors, children = octree.neighbors[5].numpy(), [c.numpy() for c in octree.children]
    cases = [("octree_conv", w27, neighbors), ("octree_downsample_conv", w8, children[4])]
    for name, weights, table in [*cases, ("octree_upsample_conv", w8, children[5])]:
        expected = getattr(reference, name)(x.numpy(), weights.numpy(), table)
        np.testing.assert_allclose(getattr(ops, name)(x, weights, table), expected, atol=tolerance, err_msg=name)


@pytest.mark.large
def test_gradients():
    _, _, octree = random_octree(0, (3, 2), 3, full_depth=1)
    num_nodes = len(octree.keys[3])
    x, w27, w8 = normal(1, num_nodes, 2), normal(2, 27, 2, 3), normal(3, 8, 2, 3)
    check_gradient(lambda x, w: ops.octree_conv(x, w, octree.neighbors[3]), x, w27)
    check_gradient(lambda x, w: ops.octree_downsample_conv(x, w, octree.children[2]), x, w8)
    check_gradient(lambda x, w: ops.octree_upsample_conv(x, w, octree.children[3]), x, w8)


@pytest.mark.large
def test_second_derivatives_of_conv():
    _, _, octree = random_octree(0, (3,), 2, full_depth=1)
    x, weights = normal(1, len(octree.keys[2]), 1), normal(2, 27, 1, 2)

    def gradients(x, weights):
        with tf.GradientTape() as tape:
            tape.watch([x, weights])
            y = tf.reduce_sum(ops.octree_conv(x, weights, octree.neighbors[2]) ** 3)
        return tf.concat([tf.reshape(g, [-1]) for g in tape.gradient(y, [x, weights])], axis=0)

    theoretical, numerical = tf.test.compute_gradient(gradients, [x, weights])
    for got, want in zip(theoretical, numerical, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-4)


@pytest.mark.large
def test_large_weight_gradient_equals_reference():
    """Large enough for the kernel to sum in parts."""
    _, _, octree = random_octree(0, (20000,), 6)
    neighbors = octree.neighbors[6]
    x, grad = normal(1, len(octree.keys[6]), 2), normal(2, len(octree.keys[6]), 3)
    weights = normal(3, 27, 2, 3)
    with tf.GradientTape() as tape:
        tape.watch(weights)
        y = tf.reduce_sum(ops.octree_conv(x, weights, neighbors) * grad)
    gathered = np.concatenate([x, np.zeros((1, 2))])[neighbors.numpy()]
    np.testing.assert_allclose(tape.gradient(y, weights), np.einsum("mkc,md->kcd", gathered, grad), atol=1e-8)


def test_no_octants():
    empty, children = tf.zeros([0, 4]), tf.zeros([0], tf.int32)
    weights = tf.ones([8, 4, 6])
    assert ops.octree_conv(empty, tf.ones([27, 4, 6]), tf.zeros([0, 27], tf.int32)).shape == (0, 6)
    assert ops.octree_downsample_conv(empty, weights, children).shape == (0, 6)
    assert ops.octree_upsample_conv(empty, weights, children).shape == (0, 6)


def test_octree_without_a_finer_layer():
    """All octants of the depth empty: the coarser layer is zeros."""
    y = ops.octree_downsample_conv(tf.zeros([0, 4]), tf.ones([8, 4, 6]), tf.fill([5], -1))
    np.testing.assert_array_equal(y, np.zeros((5, 6)))


def test_static_shapes_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 4]), tf.TensorSpec([None, 27], tf.int32)])
    def conv(x, neighbors):
        y = ops.octree_conv(x, tf.ones([27, 4, 6]), neighbors)
        assert y.shape.as_list() == [None, 6]
        return y

    assert conv(tf.ones([2, 4]), tf.fill([2, 27], 1)).numpy().tolist() == [[27 * 4] * 6] * 2


@pytest.mark.parametrize(
    "x,weights,neighbors,message",
    [
        ([5, 2], [27, 3, 4], [5, 27], r"weights has shape \[27,3,4\]; expected \[K, Cin, Cout\] with Cin = 2"),
        ([5, 2], [27, 2, 4], [4, 27], r"neighbors has shape \[4,27\]; expected \[M, K\] with M = 5, K = 27"),
        ([5, 2], [8, 2, 4], [5, 27], r"neighbors has shape \[5,27\]"),
        ([5], [27, 2, 4], [5, 27], r"x has shape \[5\]; expected \[M, Cin\]"),
        ([5, 2], [54, 4], [5, 27], r"weights has shape \[54,4\]"),
        ([5, 0], [27, 0, 4], [5, 27], r"Cin = 0 must be positive"),
    ],
)
def test_malformed_shapes(x, weights, neighbors, message):
    with pytest.raises(InvalidArgument, match=message):
        ops.octree_conv(tf.zeros(x), tf.zeros(weights), tf.zeros(neighbors, tf.int32))


@pytest.mark.reads_data
@pytest.mark.parametrize("index", [-2, 5, 2**31 - 1, -(2**31)])
def test_neighbor_out_of_range(index):
    neighbors = np.zeros((5, 27), np.int32)
    neighbors[3, 7] = index
    with pytest.raises(InvalidArgument, match=rf"neighbors holds the index {index} at position 88; expected .* 0 to 4"):
        ops.octree_conv(tf.zeros([5, 2]), tf.zeros([27, 2, 4]), neighbors)


@pytest.mark.reads_data
def test_input_of_the_wrong_depth():
    _, _, octree = random_octree(0, (50,), 4)
    x = tf.zeros([len(octree.keys[4]), 2])
    with pytest.raises(InvalidArgument, match="x has .* rows; index has .* entries that are not -1"):
        ops.octree_downsample_conv(x, tf.zeros([8, 2, 2]), octree.children[4])
    with pytest.raises(InvalidArgument, match="children has shape"):
        ops.octree_upsample_conv(x, tf.zeros([8, 2, 2]), octree.children[3])
