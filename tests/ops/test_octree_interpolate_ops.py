"""Interpolation: the reference, gradients, graphs, refusals."""

import numpy as np
import pytest
import tensorflow as tf
from kernels import octree_example as example
from ops.octree_checks import check_gradient, normal, random_octree, reads_data

import ocnn_tf_ops as ops
from ocnn_tf_ops.python import points_reference, reference

pytestmark = pytest.mark.usefixtures("device")
InvalidArgument = tf.errors.InvalidArgumentError
KEYS = np.arange(8, dtype=np.int64)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_equal_reference(dtype):
    xyz, row_splits, octree = random_octree(0, (500, 2, 60), 5)
    x = normal(0, len(octree.keys[5]), 3, dtype=dtype)
    for edge_mode in ("missing", "wrap"):
        arguments = (xyz, row_splits, octree.keys[5].numpy(), 5, edge_mode)
        index, weight = ops.octree_interpolation_table(*arguments)
        expected_index, expected_weight = reference.octree_interpolation_table(*arguments)
        np.testing.assert_array_equal(index, expected_index)
        np.testing.assert_allclose(weight, expected_weight, atol=1e-6)
        y = ops.weighted_gather(x, index, weight)
        np.testing.assert_allclose(y, points_reference.weighted_gather(x.numpy(), index, weight.numpy()), atol=1e-5)


def test_gradient():
    xyz, row_splits, octree = random_octree(0, (12, 5), 3)
    table = ops.octree_interpolation_table(xyz, row_splits, octree.keys[3], 3)
    check_gradient(lambda x: ops.weighted_gather(x, *table), normal(0, len(octree.keys[3]), 2))


def test_second_derivative():
    xyz, row_splits, octree = random_octree(0, (4,), 2, full_depth=1)
    table = ops.octree_interpolation_table(xyz, row_splits, octree.keys[2], 2)

    def gradient(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = tf.reduce_sum(ops.weighted_gather(x, *table) ** 2)
        return tape.gradient(y, x)

    check_gradient(gradient, normal(0, len(octree.keys[2]), 2))


def test_static_shapes_in_a_graph():
    @tf.function(input_signature=[tf.TensorSpec([None, 3]), tf.TensorSpec([None, 7])])
    def interpolate(xyz, x):
        index, weight = ops.octree_interpolation_table(xyz, [0, 5], KEYS, 1)
        assert index.shape.as_list() == weight.shape.as_list() == [None, 8]
        y = ops.weighted_gather(x, index, weight)
        assert y.shape.as_list() == [None, 7]
        return y

    assert interpolate(example.XYZ, tf.ones([8, 7])).shape == (5, 7)


def test_no_points():
    index, weight = ops.octree_interpolation_table(tf.zeros([0, 3]), [0, 0], KEYS, 1)
    assert ops.weighted_gather(tf.ones([8, 2]), index, weight).shape == (0, 2)


@pytest.mark.parametrize(
    "change,message",
    [
        ({"xyz": example.XYZ[:, :2]}, r"xyz has shape \[5,2\]; expected \[N, 3\]"),
        reads_data({"xyz": np.full((5, 3), np.nan, np.float32)}, "xyz has NaN or infinity in row 0 of 5"),
        reads_data({"row_splits": np.int32([0, 4])}, "row_splits must run from 0 to the number of points, 5"),
        reads_data({"row_splits": np.int32([0, 6, 5])}, r"row_splits\[2\] = 5 is less than row_splits\[1\] = 6"),
        ({"keys": KEYS[:7]}, "keys has 7 octants; expected whole groups of eight"),
        ({"keys": KEYS[:, None]}, r"keys has shape \[8,1\]"),
        ({"depth": 0}, "depth = 0 is out of range; expected 1 to 16"),
        ({"depth": 17}, "depth = 17 is out of range"),
        ({"edge_mode": "mirror"}, "edge_mode"),
    ],
)
def test_malformed_table_input(change, message):
    arguments = dict(xyz=example.XYZ, row_splits=example.ROW_SPLITS, keys=KEYS, depth=1)
    with pytest.raises(InvalidArgument, match=message):
        ops.octree_interpolation_table(**(arguments | change))


@pytest.mark.reads_data
@pytest.mark.parametrize("value", [-2, 8, 2**31 - 1])
def test_index_out_of_range(value):
    index = np.zeros((3, 8), np.int32)
    index[1, 2] = value
    with pytest.raises(InvalidArgument, match=f"index holds the index {value} at position 10; expected .* 0 to 7"):
        ops.weighted_gather(tf.ones([8, 2]), index, tf.ones([3, 8]))


def test_malformed_table():
    with pytest.raises(InvalidArgument, match=r"weight has shape \[3,4\]; expected \[Q, K\] with Q = 3, K = 8"):
        ops.weighted_gather(tf.ones([8, 2]), tf.zeros([3, 8], tf.int32), tf.ones([3, 4]))
    with pytest.raises(InvalidArgument, match=r"weight has shape \[2,8\]; expected \[Q, K\] with Q = 3"):
        ops.weighted_gather(tf.ones([8, 2]), tf.zeros([3, 8], tf.int32), tf.ones([2, 8]))
