"""The hand-made example through the TensorFlow functions."""

import numpy as np
import pytest
import tensorflow as tf
from kernels import octree_example as example

import ocnn_tf_ops as ops

pytestmark = pytest.mark.usefixtures("device")


@pytest.fixture(scope="module")
def octree():
    return ops.octree_build(example.XYZ[:3], example.NORMALS[:3], example.ROW_SPLITS[:2], example.DEPTH)


def ramp(cells, first):
    return tf.reshape(tf.range(first, first + cells, dtype=tf.float32), [cells, 1, 1])


def test_batch():
    octree = ops.octree_build(example.XYZ, example.NORMALS, example.ROW_SPLITS, example.DEPTH)
    assert [len(k) for k in octree.keys] == [2, 16, 128, 32]
    np.testing.assert_array_equal(octree.keys[3], example.KEYS_3)
    np.testing.assert_array_equal(octree.children[2], example.dense(example.CHILDREN_2, 128, -1))
    np.testing.assert_array_equal(octree.children[3], example.dense(example.CHILDREN_3, 32, -1))
    np.testing.assert_allclose(octree.features, example.dense(example.FEATURES, 32, 0), atol=1e-6)


def test_single_shape(octree):
    assert [len(k) for k in octree.keys] == [1, 8, 64, 16]
    np.testing.assert_array_equal(octree.children[1], np.arange(8))
    np.testing.assert_array_equal(octree.children[2], example.dense({0: 0, 51: 1}, 64, -1))
    np.testing.assert_array_equal(octree.children[3], example.dense({0: 0, 13: 1}, 16, -1))
    np.testing.assert_array_equal(octree.neighbors[3][0], example.dense(example.NEIGHBORS_0, 27, -1))
    np.testing.assert_array_equal(octree.neighbors[3][13], example.dense(example.NEIGHBORS_13, 27, -1))


def test_without_normals():
    octree = ops.octree_build(example.XYZ[:3], None, example.ROW_SPLITS[:2], example.DEPTH)
    np.testing.assert_allclose(octree.features, example.dense(example.FEATURES_WITHOUT_NORMALS, 16, 0), atol=1e-6)


def test_conv(octree):
    y = ops.octree_conv(example.X, ramp(27, 0), octree.neighbors[3])
    np.testing.assert_array_equal(y[:, 0], example.CONV)


def test_downsample_conv(octree):
    y = ops.octree_downsample_conv(example.X, ramp(8, 0), octree.children[2])
    np.testing.assert_array_equal(y[:, 0], example.dense(example.DOWNSAMPLE, 64, 0))


def test_upsample_conv(octree):
    x = example.dense(example.UPSAMPLE_INPUT, 64, 777)[:, None]
    np.testing.assert_array_equal(ops.octree_upsample_conv(x, ramp(8, 1), octree.children[2])[:, 0], example.UPSAMPLE)


def test_max_pool(octree):
    y, mask = ops.octree_max_pool(example.X, octree.children[2])
    np.testing.assert_array_equal(y[:, 0], example.dense(example.MAX_POOL, 64, 0))
    back = ops.octree_max_unpool(y, mask, octree.children[2])
    np.testing.assert_array_equal(back[:, 0], example.dense({7: 8, 15: 16}, 16, 0))


def test_interpolation(octree):
    table = ops.octree_interpolation_table(example.XYZ[:3], example.ROW_SPLITS[:2], octree.keys[3], 3)
    np.testing.assert_allclose(ops.weighted_gather(example.X, *table)[:, 0], example.INTERPOLATED, rtol=1e-6)
    table = ops.octree_interpolation_table(example.XYZ[:1], np.int32([0, 1]), octree.keys[3], 3, edge_mode="wrap")
    np.testing.assert_allclose(ops.weighted_gather(example.X, *table), [[example.INTERPOLATED_A_WRAP]], rtol=1e-6)
